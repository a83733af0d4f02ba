//! `aegis data`: market data onto the disk, and what lies there.

pub mod args;
mod fetch;
mod import;
mod info;
mod verify;

use crate::context;
use aegis_node::Failure;
use args::DataCommand;
use std::path::{Path, PathBuf};

pub fn data(args: &args::Data) -> Result<i32, Failure> {
    match &args.what {
        DataCommand::Fetch(args) => fetch::fetch(args),
        DataCommand::Import(args) => import::import(args),
        DataCommand::Verify(args) => verify::verify(args),
        DataCommand::Info(args) => info::info(args),
    }
}

/// The folder that is named, or that of the state folder.
fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    match named {
        Some(path) => Ok(path.to_path_buf()),
        None => Ok(context::home_path()?.join("data")),
    }
}

/// The paths that are named, or the folder of the state folder.
fn paths(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if named.is_empty() { Ok(vec![folder(None)?]) } else { Ok(named.to_vec()) }
}

/// `1 file`, `2 files`.
fn counted(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

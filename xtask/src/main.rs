//! `cargo xtask tidy` checks the house rules; `cargo xtask edges` prints the dependency table.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | edges [--write]

  tidy    check the house rules; exit 1 with one line a finding
  edges   print the dependency table as it must stand in ARCHITECTURE.md, or write it there";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(root),
        Some("edges") if std::env::args().nth(2).as_deref() == Some("--write") => write(root),
        Some("edges") => {
            print!("{}", xtask::edges::table());
            ExitCode::SUCCESS
        }
        Some("--help" | "-h") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn write(root: &Path) -> ExitCode {
    match xtask::edges::write(root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn tidy(root: &Path) -> ExitCode {
    let found = xtask::tidy(root);
    for finding in &found {
        eprintln!("{finding}");
    }
    println!("unsafe blocks: {}, all in ring", xtask::unsafe_count(root));
    if found.is_empty() {
        println!("tidy: clean");
        return ExitCode::SUCCESS;
    }
    println!("tidy: {} findings", found.len());
    ExitCode::FAILURE
}

//! Embeds the layout of snapshots: a hash of the sources of everything that a snapshot holds. With
//! other sources the same bytes might mean something else, or what follows from them might differ.

use std::path::{Path, PathBuf};

/// The rooms whose states and rules a snapshot relies on.
const ROOMS: [&str; 8] =
    ["types", "indicators", "smc", "learn", "engine", "exchange", "driver", "backtest"];

fn main() {
    let mut hash = Fnv::new();
    for room in ROOMS {
        let folder = Path::new("..").join(room).join("src");
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        list(&folder, &mut files);
        files.sort();
        for file in files {
            let text = std::fs::read(&file)
                .unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
            hash.add(file.to_string_lossy().as_bytes());
            hash.add(&text);
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
    let layout = (hash.0 ^ hash.0 >> 32) as u32;
    println!("cargo:rustc-env=AEGIS_LAYOUT={layout:08x}");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("cannot list {}: {e}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// FNV-1a, 64 bits: nobody forges a layout, it only has to change.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

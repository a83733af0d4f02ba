//! `cargo xtask tidy` checks the house rules; `cargo xtask edges` prints the dependency table;
//! `cargo xtask zones` prints the time zone table.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | edges [--write] | zones [--write]
                  | faults [--write] RESULTS… | sbom [--write]

  tidy    check the house rules; exit 1 with one line a finding
  edges   print the dependency table as it must stand in ARCHITECTURE.md, or write it there
  zones   print the table of UTC offsets that smc holds, or write it there
  faults  hold the faults and incidents against the results of tests (JUnit, or the output of
          cargo test), and docs/FAULTS.md against both, or write it
  sbom    print what the program is built from, as CycloneDX JSON, or write it to
          target/aegis.cdx.json";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let to_file = std::env::args().nth(2).as_deref() == Some("--write");
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(root),
        Some("edges") if to_file => done(xtask::edges::write(root)),
        Some("edges") => {
            print!("{}", xtask::edges::table());
            ExitCode::SUCCESS
        }
        Some("zones") if to_file => done(xtask::zones::write(root)),
        Some("zones") => match xtask::zones::source() {
            Ok(source) => {
                print!("{source}");
                ExitCode::SUCCESS
            }
            Err(why) => done(Err(why)),
        },
        Some("sbom") if to_file => done(xtask::supply::write(root)),
        Some("sbom") => match xtask::supply::sbom(root) {
            Ok(list) => {
                print!("{list}");
                ExitCode::SUCCESS
            }
            Err(why) => done(Err(why)),
        },
        Some("faults") => faults(root, to_file),
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

fn done(written: Result<(), String>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn faults(root: &Path, write: bool) -> ExitCode {
    let files: Vec<String> = std::env::args().skip(if write { 3 } else { 2 }).collect();
    let files: Vec<&Path> = files.iter().map(Path::new).collect();
    match xtask::faults::check(root, &files, write) {
        Ok(found) => {
            found.iter().for_each(|finding| eprintln!("{finding}"));
            println!("faults: {} findings", found.len());
            if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => done(Err(why)),
    }
}

fn tidy(root: &Path) -> ExitCode {
    let mut found = xtask::tidy(root);
    match xtask::supply::licences(root) {
        Ok(more) => found.extend(more),
        Err(why) => found.push(why),
    }
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

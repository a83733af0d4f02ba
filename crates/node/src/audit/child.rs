//! The second process of the audit: a ring writer that can be read, overrun and killed, or one that
//! hardens itself as a brain does and then tries what it may not.

use crate::hardening::{self, InForce, Paths};
use crate::home::Home;
use aegis_ring::{Config, Writer};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

/// Slots of the audit's ring.
pub const SLOTS: usize = 1_024;

/// First word of the probe that hardens itself.
pub const HARDEN: &str = "harden";

/// What a hardened process could do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What was in force.
    pub in_force: InForce,
    /// It has read a file outside of its folders.
    pub reads_outside: bool,
    /// It has written a file into its state folder.
    pub writes_inside: bool,
    /// It has started a program.
    pub starts_programs: bool,
}

/// Hardens this process as that of a brain of `home`, then tries.
fn harden(home: &Path, outside: &Path) -> Result<Probe, crate::Failure> {
    let home = Home::open(home)?;
    let program = std::env::current_exe().unwrap_or_default();
    let paths = Paths::of_brain(&home, None)?;
    hardening::process();
    hardening::keyring();
    let in_force = InForce::now(hardening::files(&paths));
    let inside = home.path().join(format!(".write-test-{}", std::process::id()));
    let writes_inside = std::fs::write(&inside, b"1").is_ok();
    let _ = std::fs::remove_file(&inside);
    Ok(Probe {
        in_force,
        reads_outside: std::fs::read(outside).is_ok(),
        writes_inside,
        starts_programs: Command::new(program).arg("--version").output().is_ok(),
    })
}

/// `PATH`, or `harden HOME OUTSIDE`.
pub fn run(words: &[String]) -> i32 {
    match words {
        [path] => publish(path),
        [first, home, outside] if first == HARDEN => {
            match harden(Path::new(home), Path::new(outside)) {
                Ok(probe) => {
                    println!("{}", serde_json::to_string(&probe).unwrap_or_default());
                    crate::EXIT_OK
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    failure.code
                }
            }
        }
        _ => crate::EXIT_USAGE,
    }
}

/// Publishes stamped messages at a steady pace until it is killed. Never returns early: the
/// audit kills it.
fn publish(path: &str) -> i32 {
    let config = Config { capacity: SLOTS, ..Config::default() };
    let mut writer = match Writer::create(Path::new(path), &config) {
        Ok(writer) => writer,
        Err(error) => {
            eprintln!("{error}");
            return crate::EXIT_FAILED;
        }
    };
    // Bounded, should the audit die before it kills this process: 20 s.
    for round in 0..20_000u64 {
        for n in 0..8 {
            let stamp = crate::clock::monotonic().0 as u64;
            writer.publish(&[round * 8 + n, stamp, round, n, 0, 0, !stamp]);
        }
        writer.flush();
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    crate::EXIT_OK
}

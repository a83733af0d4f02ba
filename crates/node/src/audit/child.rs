//! The second process of the audit: a ring writer that can be read, overrun and killed.

use aegis_ring::{Config, Writer};
use std::path::Path;

/// Slots of the audit's ring.
pub const SLOTS: usize = 1_024;

/// `PATH`: publishes stamped messages at a steady pace until it is killed. Never returns early: the
/// audit kills it.
pub fn run(words: &[String]) -> i32 {
    let [path] = words else { return crate::EXIT_USAGE };
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

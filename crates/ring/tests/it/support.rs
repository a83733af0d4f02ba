//! A folder that goes away, and a message that shows a tear.

use aegis_ring::Words;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A private folder in shared memory, removed on drop.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = aegis_ring::ring_dir(&format!("test-{}-{n}", std::process::id()));
        aegis_ring::prepare_dir(&dir).expect("shared memory is writable");
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn ring(&self) -> PathBuf {
        self.0.join("feed.ring")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A message whose every word follows from `seq` and `salt`, so that any mixture of two
/// messages, and any message under a wrong sequence, is seen.
pub fn message(seq: u64, salt: u64) -> Words {
    std::array::from_fn(|i| {
        let x = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
        x.rotate_left(i as u32 * 7) ^ i as u64
    })
}

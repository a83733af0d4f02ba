//! A file of atomic words between processes, for measuring what the machine itself can do.
//!
//! The ring does not use it; the bench does, for the ping-pong and hand-over figures that the
//! ring is compared with.

use crate::atomics::AtomicU64;
use crate::error::RingError;
use crate::files;
use crate::segment::Mapping;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Eight words: one cache line.
pub type Line = [AtomicU64; 8];

/// A mapped file seen as atomic words only. The creator removes the file on drop.
#[derive(Debug)]
pub struct AtomicMap {
    map: Mapping,
    path: PathBuf,
    created: bool,
}

impl AtomicMap {
    /// Makes the file, zeroed, with room for `lines` lines, mode 0600.
    ///
    /// # Errors
    /// `Io` if `path` exists, `NoSpace`, `Permission`.
    pub fn create(path: &Path, lines: usize) -> Result<Self, RingError> {
        let file = files::create_new(path)?;
        let bytes = (lines.max(1) * size_of::<Line>()) as u64;
        if let Err(e) = fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            let _ = fs::remove_file(path);
            return Err(RingError::from_io(path, "reserve", e.into()));
        }
        Self::over(&file, path, true)
    }

    /// Maps a file that another process created.
    ///
    /// # Errors
    /// `NotFound`, `Permission`, `Io`.
    pub fn open(path: &Path) -> Result<Self, RingError> {
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(|e| RingError::from_io(path, "open", e))?;
        Self::over(&file, path, false)
    }

    fn over(file: &File, path: &Path, created: bool) -> Result<Self, RingError> {
        let len = file.metadata().map_err(|e| RingError::from_io(path, "examine", e))?.len();
        let map = Mapping::new(file, 0, len as usize, true)
            .map_err(|e| RingError::from_io(path, "map", e))?;
        Ok(Self { map, path: path.to_path_buf(), created })
    }

    /// Line `index`.
    ///
    /// # Panics
    /// If the file has fewer lines.
    #[inline(always)]
    pub fn line(&self, index: usize) -> &Line {
        let at = self.map.cast::<Line>(index * size_of::<Line>());
        // SAFETY: `cast` has checked alignment and length; the mapping lives as long as `self`
        // and is writable; the type is atomics only, so other processes may write it.
        unsafe { at.as_ref() }
    }

    /// Word 0 of line `index`.
    ///
    /// # Panics
    /// If the file has fewer lines.
    #[inline(always)]
    pub fn word(&self, index: usize) -> &AtomicU64 {
        &self.line(index)[0]
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AtomicMap {
    fn drop(&mut self) {
        if self.created {
            let _ = fs::remove_file(&self.path);
        }
    }
}

//! Space held back, so that a full disk does not stop the journal at once: what closes positions is
//! still written.

use crate::disk::{Disk, Open};
use crate::error::JournalError;
use std::io;
use std::path::Path;

/// The file that holds the space; never part of the journal.
const FILE: &str = "reserve.tmp";

/// Smallest segment that is begun when the disk is full.
pub(crate) const SEGMENT_MIN: u64 = 1 << 20;

/// What room the journal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// As it should be.
    #[default]
    Plenty,
    /// The disk is full, or about to be, and the reserve is what is written into: no new entries;
    /// what closes positions is journalled and goes out.
    Reserve,
    /// Nothing can be written (the reserve is used up, or the file system is read-only), so nothing
    /// may leave.
    None,
}

impl Space {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plenty => "plenty",
            Self::Reserve => "reserve",
            Self::None => "none",
        }
    }
}

/// The room that a writer has, and the space that it holds back.
#[derive(Debug)]
pub(crate) struct Room {
    reserve: u64,
    held: bool,
    pub space: Space,
}

impl Room {
    /// For a new journal: without the reserve there is none.
    pub fn new(disk: &dyn Disk, dir: &Path, reserve: u64) -> Result<Self, JournalError> {
        hold(disk, dir, reserve)?;
        Ok(Self { reserve, held: reserve > 0, space: Space::Plenty })
    }

    /// For a journal that goes on: positions may be open, so it goes on without the reserve too.
    pub fn again(disk: &dyn Disk, dir: &Path, reserve: u64) -> Result<Self, JournalError> {
        match hold(disk, dir, reserve) {
            Ok(()) => Ok(Self { reserve, held: reserve > 0, space: Space::Plenty }),
            Err(e) if e.is_no_space() => Ok(Self { reserve, held: false, space: Space::Reserve }),
            Err(e) => Err(e),
        }
    }

    /// Gives the reserve to whoever needs it now. Whether there was any.
    pub fn release(&mut self, disk: &dyn Disk, dir: &Path) -> bool {
        // What cannot be removed is no space either.
        std::mem::take(&mut self.held) && release(disk, dir).is_ok()
    }

    /// Notes how an attempt went.
    pub fn note<T>(&mut self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        match &done {
            Ok(_) if self.space == Space::None => self.space = Space::Reserve,
            Err(e) if e.is_no_space() => self.space = Space::None,
            _ => {}
        }
        done
    }

    /// Takes a segment's space: as much as there should be, or, out of the reserve, what there is.
    pub fn segment<T>(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        (full, least): (u64, u64),
        mut take: impl FnMut(u64) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let refused = match take(full) {
            Err(e @ JournalError::NoSpace { .. }) => e,
            done => return self.note(done),
        };
        if self.release(disk, dir) || self.space == Space::Plenty {
            self.space = Space::Reserve;
        }
        // At once as much of the reserve as can be had, before somebody else has it.
        let most = self.reserve / 8 * 7;
        for spare in [most.max(SEGMENT_MIN), most.min(SEGMENT_MIN), 0] {
            if least + spare >= full {
                continue;
            }
            match take(least + spare) {
                Err(JournalError::NoSpace { .. }) => {}
                done => return self.note(done),
            }
        }
        self.note(Err(refused))
    }

    /// Takes the reserve back if there is space again, for it and for a segment of `next` bytes;
    /// `current` is a file that can be opened for writing unless the disk is read-only.
    pub fn reclaim(&mut self, disk: &dyn Disk, dir: &Path, current: &Path, next: u64) {
        if self.space == Space::Plenty || disk.open(current, Open::Write).is_err() {
            return;
        }
        let missing = if self.held { 0 } else { self.reserve };
        let enough = disk.free(dir).is_ok_and(|free| free >= missing.saturating_add(next));
        if enough && (self.held || hold(disk, dir, self.reserve).is_ok()) {
            (self.held, self.space) = (self.reserve > 0, Space::Plenty);
        }
    }
}

/// Takes the space, unless it is held already.
fn hold(disk: &dyn Disk, dir: &Path, bytes: u64) -> Result<(), JournalError> {
    if bytes == 0 {
        return Ok(());
    }
    let path = dir.join(FILE);
    let left = disk.open(&path, Open::Read).and_then(|file| file.length());
    if left.is_ok_and(|left| left == bytes) {
        return Ok(());
    }
    let file = disk.open(&path, Open::Create).map_err(|e| JournalError::io("create", &path, e))?;
    file.reserve(bytes, true).map_err(|e| {
        // Give back what little it is; the first error is the one to report.
        let _ = disk.remove(&path);
        match JournalError::io("preallocate", &path, e) {
            JournalError::NoSpace { path, .. } => JournalError::NoSpace { path, bytes },
            other => other,
        }
    })
}

/// Gives the space back.
pub(crate) fn release(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(FILE);
    match disk.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(JournalError::io("remove", &path, e)),
        _ => Ok(()),
    }
}

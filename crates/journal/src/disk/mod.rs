//! What a journal needs of a disk, as a trait: the operating system's files, or memory that fails
//! by seed.
//!
//! **The decision:** the seam lies at the system calls (write, sync, rename, …), not at the
//! journal, so that what is tried under faults is the same code that runs on a real disk. It is
//! crossed once a flush, never once a record.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod system;
pub use system::SystemDisk;

mod sim;
pub use sim::{Fired, SimDisk, SimFault};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// An existing file, to be read.
    Read,
    /// An existing file, to be read and written.
    Write,
    /// A file that is made, or emptied when it is there; for its owner alone.
    Create,
}

/// What holds a lock as long as it lives.
pub trait Lock: fmt::Debug + Send + Sync {}

/// Why a lock was not given.
#[derive(Debug)]
pub enum LockRefused {
    /// Somebody has it: the note that was left with it.
    Held(String),
    /// What the system said.
    Io(io::Error),
}

/// Folders and files by path.
///
/// Errors carry the operating system's own numbers: `ENOSPC`, `EIO` and `EROFS` are told apart by
/// whoever calls.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a folder and all above it, for its owner alone; one that is there is left as it is.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Is there a folder of this path?
    fn is_dir(&self, dir: &Path) -> bool;

    /// Names of what is in a folder, in any order; names that are no text are left out.
    ///
    /// # Errors
    /// What the system says.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Is there anything of this path?
    fn exists(&self, path: &Path) -> bool;

    /// Opens a file.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file or folder another name, in place of what had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes what the folder lists survive a power cut.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that may still be written under this folder.
    ///
    /// # Errors
    /// What the system says.
    fn free(&self, dir: &Path) -> io::Result<u64>;

    /// Takes the lock that is this file, and leaves a note in it about who has it.
    ///
    /// # Errors
    /// [`LockRefused::Held`] when somebody has it, and what the system says.
    fn lock(&self, path: &Path, note: &str) -> Result<Box<dyn Lock>, LockRefused>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads at an offset; 0 at the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of it at an offset. After an error a part of it may be in the file.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Its length.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self) -> io::Result<u64>;

    /// Cuts it, or lets it grow by zeros; space reserved behind the length is given back.
    ///
    /// # Errors
    /// What the system says.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Reserves space for so many bytes from the file's start, so that writing there cannot run
    /// out of it. With `grow` the file has that length then, otherwise it keeps its own.
    ///
    /// # Errors
    /// `ENOSPC` when there is not so much; a system without reservations reserves nothing and says
    /// nothing, and writes say it.
    fn reserve(&self, bytes: u64, grow: bool) -> io::Result<()>;

    /// Makes its content survive a power cut. After an error nothing of what was written since the
    /// last sync may be believed, and asking again proves nothing.
    ///
    /// # Errors
    /// What the system says.
    fn sync_data(&self) -> io::Result<()>;

    /// As [`DiskFile::sync_data`], with everything that is known about the file.
    ///
    /// # Errors
    /// What the system says.
    fn sync_all(&self) -> io::Result<()>;
}

/// The operating system's disk.
pub fn system() -> Arc<dyn Disk> {
    Arc::new(SystemDisk)
}

/// Reads until the slice is full or the file ends.
pub(crate) fn read_full(file: &dyn DiskFile, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut n = 0;
    while n < bytes.len() {
        match file.read_at(&mut bytes[n..], at + n as u64) {
            Ok(0) => break,
            Ok(read) => n += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

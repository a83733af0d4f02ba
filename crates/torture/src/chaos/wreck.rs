//! What a crash or a bad disk leaves of a journal whose writer is gone.

use aegis_journal::Reader;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of a torn record that got to the disk: its head and some of its payload.
const TORN: usize = 56;

/// Fewer records than this may all be of the last write, which a crash may have damaged.
const SHORT: usize = 64;
/// Bytes of a record before its payload.
const HEAD: u64 = 52;

/// A byte of a file that was changed.
#[derive(Clone, Debug)]
pub struct Flipped {
    file: PathBuf,
    offset: u64,
    was: u8,
}

/// Where each record begins, and behind the last one where the next would.
fn places(journal: &Path) -> Result<Vec<(PathBuf, u64)>, String> {
    let failed = |error: aegis_journal::JournalError| format!("{}: {error}", journal.display());
    let mut reader = Reader::open(journal).map_err(failed)?;
    let mut places = Vec::new();
    loop {
        let (file, offset) = reader.place();
        places.push((file.to_path_buf(), offset));
        if reader.next().map_err(failed)?.is_none() {
            // The end of a file is where the next one begins, once that is there.
            let (file, offset) = reader.place();
            let last = places.len() - 1;
            places[last] = (file.to_path_buf(), offset);
            return Ok(places);
        }
    }
}

/// Puts the first bytes of one more record behind the last. False when there is none to copy.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn tear(journal: &Path) -> Result<bool, String> {
    let places = places(journal)?;
    let [.., (file, offset), (end_file, end)] = places.as_slice() else { return Ok(false) };
    let failed = |error: std::io::Error| format!("{}: {error}", end_file.display());
    let mut bytes = [0; TORN];
    let from = OpenOptions::new().read(true).open(file).map_err(failed)?;
    from.read_exact_at(&mut bytes, *offset).map_err(failed)?;
    let to = OpenOptions::new().write(true).open(end_file).map_err(failed)?;
    to.write_all_at(&bytes, *end).map_err(failed)?;
    Ok(true)
}

/// The first record that the newest snapshot has not seen; recovery reads none before it.
fn read_from(journal: &Path) -> usize {
    let names = std::fs::read_dir(journal).into_iter().flatten().flatten();
    let record = |name: std::ffi::OsString| {
        name.to_str()?.strip_prefix("snapshot-")?.strip_suffix(".bin")?.parse().ok()
    };
    names.filter_map(|entry| record(entry.file_name())).max().unwrap_or(0)
}

/// Changes a bit in the middle of what recovery reads. None when that is too short to have one.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn flip(journal: &Path) -> Result<Option<Flipped>, String> {
    let places = places(journal)?;
    let from = read_from(journal);
    if places.len() < from + SHORT {
        return Ok(None);
    }
    let (file, offset) = places[(from + places.len()) / 2].clone();
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let open = OpenOptions::new().read(true).write(true).open(&file).map_err(failed)?;
    let (mut byte, offset) = ([0], offset + HEAD);
    open.read_exact_at(&mut byte, offset).map_err(failed)?;
    open.write_all_at(&[byte[0] ^ 0x10], offset).map_err(failed)?;
    Ok(Some(Flipped { file, offset, was: byte[0] }))
}

impl Flipped {
    /// Puts the bit back. False when what was there is not what was left there.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn mend(&self) -> Result<bool, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.file.display());
        let file = OpenOptions::new().read(true).write(true).open(&self.file).map_err(failed)?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, self.offset).map_err(failed)?;
        file.write_all_at(&[self.was], self.offset).map_err(failed)?;
        Ok(byte[0] == self.was ^ 0x10)
    }
}

//! From an older version of the format to this one: the same records in a new chain.

use crate::disk::{Disk, Open};
use crate::error::JournalError;
use crate::reader::{Reader, Torn};
use crate::segment::{self, VERSION};
use crate::writer::{Config, Durability, Writer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a migration has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Version of the journal that was read.
    pub from: u32,
    /// Version of the one that was written.
    pub to: u32,
    /// Records in both, the session included.
    pub records: u64,
    /// What lay behind the last whole record of the old one; the new one does not have it.
    pub torn: Option<Torn>,
    /// Where the new one is.
    pub journal: PathBuf,
    /// Where the old one is.
    pub old: PathBuf,
}

/// Writes the journal in `dir` anew in this program's version of the format, and compares both
/// record by record. Without `out` the new one takes the place of the old one, which is kept beside
/// it as `…-v1`. `None`: it is of this version already.
///
/// A migration that was interrupted is begun again; one that was interrupted between its last two
/// steps is completed.
///
/// # Errors
/// [`JournalError`]: what is wrong with the old one, or what the disk says about the new one.
pub fn migrate(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    out: Option<&Path>,
    segment_bytes: u64,
) -> Result<Option<Migrated>, JournalError> {
    let (made, swap) = match out {
        Some(out) => (out.to_path_buf(), false),
        None => (beside(dir, "migrating"), true),
    };
    if swap && !disk.is_dir(dir) && disk.is_dir(&made) {
        return complete(disk, dir, &made).map(Some);
    }
    let version = Reader::open_older(Arc::clone(disk), dir)?.version();
    if version == VERSION {
        return Ok(None);
    }
    let old = if swap { beside(dir, &format!("v{version}")) } else { dir.to_path_buf() };
    if swap {
        if disk.exists(&old) {
            return Err(JournalError::Exists { dir: old });
        }
        clear(&**disk, &made)?;
    }
    // Nobody may go on writing what is being read; where nobody can, no lock is needed.
    let _lock = match segment::lock(&**disk, dir, false) {
        Err(JournalError::ReadOnly { .. } | JournalError::Denied { .. }) if !swap => None,
        lock => Some(lock?),
    };
    let torn = copy(disk, dir, &made, segment_bytes)?;
    let records = compare(disk, dir, &made)?;
    if swap {
        swap_in(&**disk, dir, &old, &made)?;
    }
    let journal = if swap { dir.to_path_buf() } else { made };
    Ok(Some(Migrated { from: version, to: VERSION, records, torn, journal, old }))
}

/// `…/journal` → `…/journal-what`.
fn beside(dir: &Path, what: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-{what}"));
    dir.with_file_name(name)
}

/// Removes what an interrupted migration has left.
fn clear(disk: &dyn Disk, made: &Path) -> Result<(), JournalError> {
    if !disk.is_dir(made) {
        return Ok(());
    }
    for name in disk.names(made).map_err(|e| JournalError::io("list", made, e))? {
        let path = made.join(name);
        disk.remove(&path).map_err(|e| JournalError::io("remove", &path, e))?;
    }
    Ok(())
}

fn copy(
    disk: &Arc<dyn Disk>,
    from: &Path,
    to: &Path,
    segment_bytes: u64,
) -> Result<Option<Torn>, JournalError> {
    let mut reader = Reader::open_older(Arc::clone(disk), from)?;
    // Synced as a whole, behind the last record. Written as if in one sync, damage anywhere would
    // look like the torn tail of a sync that never returned.
    let config = Config { durability: Durability::Process, segment_bytes, reserve_bytes: 0 };
    let mut writer = Writer::create_on(Arc::clone(disk), to, reader.header(), &config)?;
    while let Some(record) = reader.next()? {
        writer.append_as((record.kind, record.version), record.source, record.payload)?;
    }
    writer.close()?;
    for index in segment::range(&**disk, to)? {
        let path = segment::path(to, index);
        let file = disk.open(&path, Open::Write).map_err(|e| JournalError::io("open", &path, e))?;
        file.sync_all().map_err(|e| JournalError::sync(&path, e))?;
    }
    segment::sync_dir(&**disk, to)?;
    Ok(reader.torn().cloned())
}

/// Reads both to the end; how many records each has.
fn compare(disk: &Arc<dyn Disk>, old: &Path, new: &Path) -> Result<u64, JournalError> {
    let mut before = Reader::open_older(Arc::clone(disk), old)?;
    let mut after = Reader::open_on(Arc::clone(disk), new)?;
    let mut same = before.header() == after.header();
    while same {
        let (one, other) = (before.next()?, after.next()?);
        if one.is_none() && other.is_none() {
            return Ok(after.records());
        }
        same = one == other;
    }
    let (file, offset) = after.place();
    Err(JournalError::Corrupt {
        file: file.to_path_buf(),
        offset,
        record: after.records(),
        why: "what was written is not what was read from the older journal",
    })
}

/// The old one steps aside, the new one takes its place.
fn swap_in(disk: &dyn Disk, dir: &Path, old: &Path, made: &Path) -> Result<(), JournalError> {
    let parent = parent(dir);
    disk.rename(dir, old).map_err(|e| JournalError::io("rename", dir, e))?;
    disk.rename(made, dir).map_err(|e| JournalError::io("rename", made, e))?;
    segment::sync_dir(disk, parent)
}

fn parent(dir: &Path) -> &Path {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The old one has stepped aside already; it is compared once more, and the new one moves in.
fn complete(disk: &Arc<dyn Disk>, dir: &Path, made: &Path) -> Result<Migrated, JournalError> {
    let versions = (segment::OLDEST..VERSION).rev();
    let old = versions.map(|version| beside(dir, &format!("v{version}"))).find(|p| disk.is_dir(p));
    let old = old.ok_or_else(|| JournalError::Missing { dir: dir.to_path_buf() })?;
    let reader = Reader::open_older(Arc::clone(disk), &old)?;
    let from = reader.version();
    let records = compare(disk, &old, made)?;
    disk.rename(made, dir).map_err(|e| JournalError::io("rename", made, e))?;
    segment::sync_dir(&**disk, parent(dir))?;
    Ok(Migrated { from, to: VERSION, records, torn: None, journal: dir.to_path_buf(), old })
}

//! The pump of a transfer: one thread, one request at a time, one part on the disk.

use super::client::{Answer, Client};
use super::transfer::{Action, End, Input, Limits, Transfer};
use crate::archive::ArchiveFile;
use crate::error::DataError;
use crate::scan;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// A CHECKSUM is one line.
const CHECKSUM_MAX: u64 = 4 * 1024;

/// Where a file, its checksum and its part lie.
pub(super) struct Place {
    pub target: PathBuf,
    checksum: PathBuf,
    part: PathBuf,
}

impl Place {
    pub(super) fn of(file: &ArchiveFile, out: &Path) -> Self {
        let target = file.series.folder(out).join(file.name());
        let beside = |ending: &str| {
            let mut name = OsString::from(&target);
            name.push(ending);
            PathBuf::from(name)
        };
        Self { checksum: beside(".CHECKSUM"), part: beside(".part"), target }
    }

    /// An earlier call has put it there and verified it.
    pub(super) fn is_verified(&self) -> bool {
        self.target.is_file() && self.checksum.is_file()
    }

    /// Removes file and checksum.
    pub(super) fn remove(&self) -> Result<(), DataError> {
        for path in [&self.target, &self.checksum] {
            fs::remove_file(path).map_err(|e| written(path, &e))?;
        }
        Ok(())
    }

    fn install(&self, sha256: &str) -> Result<(), DataError> {
        fs::rename(&self.part, &self.target).map_err(|e| written(&self.target, &e))?;
        self.note(sha256)
    }

    /// Writes the checksum that belongs to the file, as `sha256sum -c` reads it.
    fn note(&self, sha256: &str) -> Result<(), DataError> {
        let name = self.target.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{sha256}  {name}\n");
        if fs::read(&self.checksum).is_ok_and(|old| old == line.as_bytes()) {
            return Ok(());
        }
        let mut new = OsString::from(&self.checksum);
        new.push(".part");
        fs::write(&new, line).map_err(|e| written(Path::new(&new), &e))?;
        fs::rename(&new, &self.checksum).map_err(|e| written(&self.checksum, &e))
    }
}

/// The folder's disk does not take what is to be written: no file will fare better.
fn written(path: &Path, error: &io::Error) -> DataError {
    DataError::file(
        path,
        format!("writing it failed ({error})"),
        "make room, or name a folder that can be written with --out; the same call goes on where \
         this one ended",
    )
}

/// Fetches single files into a folder.
pub(super) struct Folder<'a> {
    pub out: &'a Path,
    pub client: &'a Client,
    pub limits: Limits,
}

impl Folder<'_> {
    /// Runs one file's transfer to its end; received bytes are added to `bytes`.
    pub(super) fn fetch(
        &self,
        file: &ArchiveFile,
        place: &Place,
        force: bool,
        bytes: &AtomicU64,
    ) -> Result<End, DataError> {
        if let Some(folder) = place.target.parent() {
            fs::create_dir_all(folder).map_err(|e| written(folder, &e))?;
        }
        if force {
            let _ = fs::remove_file(&place.part);
        }
        let present = match force {
            false if place.target.is_file() => Some(scan::hash(&place.target)?.1),
            _ => None,
        };
        let left = fs::metadata(&place.part).map_or(0, |meta| meta.len());
        let (mut transfer, mut action) = Transfer::new(self.limits, present, left);
        let mut pump = Pump { client: self.client, path: file.path(), place, part: None, bytes };
        loop {
            let input = match action {
                Action::End(end) => return pump.end(end),
                Action::AskChecksum => pump.ask_checksum(),
                Action::Probe => pump.probe(),
                Action::AskFile { from } => pump.ask_file(from)?,
                Action::HashPart => pump.hash()?,
                Action::Wait { ms } => {
                    std::thread::sleep(Duration::from_millis(ms + jitter(&pump.path, ms)));
                    Input::Waited
                }
            };
            action = transfer.step(input);
        }
    }
}

/// Up to a quarter more, so that files that broke together do not come back together.
fn jitter(path: &str, ms: u64) -> u64 {
    let hash = path
        .bytes()
        .fold(0u64, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte)));
    hash % (ms / 4 + 1)
}

struct Pump<'a> {
    client: &'a Client,
    path: String,
    place: &'a Place,
    /// The part, locked: two calls at once would mix their bytes.
    part: Option<File>,
    bytes: &'a AtomicU64,
}

impl Pump<'_> {
    fn length(&self) -> u64 {
        fs::metadata(&self.place.part).map_or(0, |meta| meta.len())
    }

    fn broken(&self, why: String, retry_after_ms: Option<u64>) -> Input {
        Input::Broken { length: self.length(), why, retry_after_ms }
    }

    fn ask_checksum(&self) -> Input {
        match self.client.get(&format!("{}.CHECKSUM", self.path), 0) {
            Answer::Bytes { body, .. } => {
                let mut text = String::new();
                match body.take(CHECKSUM_MAX).read_to_string(&mut text) {
                    Ok(_) => checksum(&text),
                    Err(e) => self.broken(format!("the CHECKSUM was cut ({e})"), None),
                }
            }
            other => self.other(other),
        }
    }

    fn probe(&self) -> Input {
        match self.client.get(&self.path, 0) {
            Answer::Bytes { .. } => Input::Present,
            other => self.other(other),
        }
    }

    /// What the answers mean that bring no bytes.
    fn other(&self, answer: Answer) -> Input {
        match answer {
            Answer::Absent => Input::Absent,
            Answer::NothingThere => Input::NothingThere,
            Answer::Broken { why, retry_after_ms } => self.broken(why, retry_after_ms),
            Answer::Refused(why) => Input::Refused(why),
            Answer::Bytes { .. } => Input::Refused("an answer nobody asked for".to_owned()),
        }
    }

    fn ask_file(&mut self, from: u64) -> Result<Input, DataError> {
        let io = |e: &io::Error| written(&self.place.part, e);
        let mut part = match self.part.take() {
            Some(part) => part,
            None => {
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(true).truncate(false);
                let part = options.open(&self.place.part).map_err(|e| io(&e))?;
                match part.try_lock() {
                    Ok(()) => part,
                    Err(TryLockError::WouldBlock) => {
                        let why = "another aegis is fetching it at this moment";
                        return Ok(Input::Refused(why.to_owned()));
                    }
                    Err(TryLockError::Error(e)) => return Err(io(&e)),
                }
            }
        };
        let input = match self.client.get(&self.path, from) {
            Answer::Bytes { from, total, body } => {
                // A server without ranges begins anew; so does the part.
                part.set_len(from).map_err(|e| io(&e))?;
                part.seek(SeekFrom::Start(from)).map_err(|e| io(&e))?;
                self.receive(&mut part, body, from, total)?
            }
            other => self.other(other),
        };
        self.part = Some(part);
        Ok(input)
    }

    fn receive(
        &self,
        part: &mut File,
        mut body: Box<dyn Read>,
        from: u64,
        total: Option<u64>,
    ) -> Result<Input, DataError> {
        let mut chunk = vec![0; CHUNK];
        let mut length = from;
        loop {
            match body.read(&mut chunk) {
                Ok(0) if total.is_some_and(|total| length < total) => {
                    return Ok(self.broken(format!("the answer was cut at byte {length}"), None));
                }
                Ok(0) => return Ok(Input::Received { length }),
                Ok(n) => {
                    part.write_all(&chunk[..n]).map_err(|e| written(&self.place.part, &e))?;
                    length += n as u64;
                    self.bytes.fetch_add(n as u64, Ordering::Relaxed);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let why = format!("the answer broke off at byte {length} ({e})");
                    return Ok(self.broken(why, None));
                }
            }
        }
    }

    fn hash(&self) -> Result<Input, DataError> {
        Ok(Input::Hashed(scan::hash(&self.place.part)?.1))
    }

    /// Puts the file in its place, or leaves what may be gone on with.
    fn end(&mut self, end: End) -> Result<End, DataError> {
        match &end {
            End::Install { sha256, .. } => {
                if let Some(part) = &self.part {
                    // A name that promises verified bytes must not outlive them in a power cut.
                    part.sync_all().map_err(|e| written(&self.place.part, &e))?;
                }
                self.place.install(sha256)?;
            }
            End::Kept { sha256 } => {
                let _ = fs::remove_file(&self.place.part);
                self.place.note(sha256)?;
            }
            End::Absent | End::Failed(_) => {
                if self.part.is_some() && self.length() == 0 {
                    let _ = fs::remove_file(&self.place.part);
                }
            }
        }
        Ok(end)
    }
}

/// The hash in a CHECKSUM: `HEX  NAME`.
fn checksum(text: &str) -> Input {
    let hash = text.split_whitespace().next().unwrap_or_default();
    if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Input::Checksum(hash.to_ascii_lowercase());
    }
    let shown: String = hash.chars().filter(|c| !c.is_control()).take(40).collect();
    Input::Refused(format!("the archive's CHECKSUM begins with `{shown}`, which is no SHA-256"))
}

//! Lines of a plain, gzip or zip file, in a buffer of fixed size.
//!
//! What a file is, its first bytes say, not its name. A cut or damaged archive is an error with
//! the line reached, never a short file.

use crate::error::DataError;
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Longest line, and the memory of one open file beside its decoder.
const BUFFER: usize = 32 * 1024;

/// Unpacked bytes.
type Source = Box<dyn Read + Send>;

/// Reads one file line by line.
pub(crate) struct Lines {
    path: PathBuf,
    source: Source,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Number of the line last returned, from 1.
    line: u64,
    ended: bool,
}

impl Lines {
    /// Opens a file; the first bytes decide how it is unpacked.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        Self::of(path, source(path))
    }

    /// Reads what can be read only once, such as standard input, under the name of `path`. A zip is
    /// held in memory, packed: its directory stands at its end.
    pub(crate) fn stream(
        path: &Path,
        input: impl Read + Send + 'static,
    ) -> Result<Self, DataError> {
        Self::of(path, piped(input))
    }

    fn of(path: &Path, source: Result<Source, Failure>) -> Result<Self, DataError> {
        let source = source.map_err(|e| match e {
            Failure::Io(e) => DataError::io(path, 0, &e),
            Failure::Archive(why) => DataError::file(
                path,
                why,
                "give a zip with one CSV file inside, as the exchange publishes them",
            ),
        })?;
        let path = path.to_path_buf();
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Self { path, source, buffer, start: 0, end: 0, line: 0, ended: false })
    }

    /// True when the next line is already here: asking for it waits for nobody.
    pub(crate) fn has_line(&self) -> bool {
        self.ended || newline(&self.buffer[self.start..self.end]).is_some()
    }

    /// The next line without its end; `None` at the end of the file.
    pub(crate) fn advance(&mut self) -> Result<Option<Range<usize>>, DataError> {
        loop {
            if let Some(length) = newline(&self.buffer[self.start..self.end]) {
                return Ok(Some(self.take(length, 1)));
            }
            if self.ended {
                let rest = self.end - self.start;
                return Ok((rest > 0).then(|| self.take(rest, 0)));
            }
            self.refill()?;
        }
    }

    /// The bytes of a line that [`Lines::advance`] returned last.
    #[inline]
    pub(crate) fn text(&self, line: Range<usize>) -> &[u8] {
        &self.buffer[line]
    }

    /// Number of the line last returned, from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.line
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn take(&mut self, length: usize, terminator: usize) -> Range<usize> {
        let from = self.start;
        self.start += length + terminator;
        self.line += 1;
        let mut to = from + length;
        if to > from && self.buffer[to - 1] == b'\r' {
            to -= 1;
        }
        // A byte order mark belongs to the encoding, not to the first column.
        let marked = self.line == 1 && self.buffer[from..to].starts_with(b"\xef\xbb\xbf");
        if marked { from + 3..to } else { from..to }
    }

    fn refill(&mut self) -> Result<(), DataError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            return Err(DataError::at(
                &self.path,
                self.line + 1,
                None,
                format!("the line is longer than {BUFFER} bytes: this is not a CSV file of rows"),
                "give a CSV file with one candle a line, plain, gzip or zip",
            ));
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(DataError::io(&self.path, self.line + 1, &e)),
            }
            return Ok(());
        }
    }
}

/// Position of the first line feed, eight bytes at a step.
#[inline]
fn newline(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut chunks = bytes.chunks_exact(8);
    let mut base = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default()) ^ (ONES * 0x0a);
        let hit = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if hit != 0 {
            return Some(base + hit.trailing_zeros() as usize / 8);
        }
        base += 8;
    }
    chunks.remainder().iter().position(|b| *b == b'\n').map(|at| base + at)
}

enum Failure {
    Io(io::Error),
    Archive(String),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

fn source(path: &Path) -> Result<Source, Failure> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return piped(file);
    }
    let magic = magic(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(match magic[..] {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(file)),
        [b'P', b'K', ..] => zip_entry(file)?,
        _ => Box::new(file),
    })
}

fn piped(mut input: impl Read + Send + 'static) -> Result<Source, Failure> {
    let magic = magic(&mut input)?;
    let packed = (magic.starts_with(b"\x1f\x8b"), magic.starts_with(b"PK"));
    let mut whole = io::Cursor::new(magic).chain(input);
    Ok(match packed {
        (true, _) => Box::new(MultiGzDecoder::new(whole)),
        (_, true) => {
            let mut bytes = Vec::new();
            whole.read_to_end(&mut bytes)?;
            zip_entry(io::Cursor::new(bytes))?
        }
        _ => Box::new(whole),
    })
}

/// The first bytes, four at most.
fn magic(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut magic = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut magic)?;
    Ok(magic)
}

/// The one CSV inside a zip, streamed from its place in the file: the archive's own reader would
/// borrow the archive, and cannot be kept.
fn zip_entry(mut file: impl Read + Seek + Send + 'static) -> Result<Source, Failure> {
    let bad = |e: zip::result::ZipError| Failure::Archive(format!("the zip is damaged ({e})"));
    let mut archive = zip::ZipArchive::new(&mut file).map_err(bad)?;
    let mut found = None;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(bad)?;
        if entry.is_dir() {
            continue;
        }
        if found.is_some() {
            return Err(Failure::Archive("the zip holds more than one file".to_owned()));
        }
        let start = entry
            .data_start()
            .ok_or_else(|| Failure::Archive("the zip does not say where its data starts".into()))?;
        found = Some((start, entry.compressed_size(), entry.compression(), entry.crc32()));
    }
    drop(archive);
    let (start, size, method, crc) =
        found.ok_or_else(|| Failure::Archive("the zip is empty".to_owned()))?;
    file.seek(SeekFrom::Start(start))?;
    let packed = file.take(size);
    let inner: Source = match method {
        zip::CompressionMethod::Stored => Box::new(packed),
        zip::CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
        other => return Err(Failure::Archive(format!("its compression {other} is not read"))),
    };
    Ok(Box::new(Checked { inner, crc: Crc::new(), expected: crc }))
}

/// Compares the checksum at the end of a zip entry.
struct Checked {
    inner: Source,
    crc: Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.crc.update(&buffer[..n]);
        if n == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match"));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::newline;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn newline_is_the_first_line_feed(bytes in prop::collection::vec(5u8..15, 0..70)) {
            prop_assert_eq!(newline(&bytes), bytes.iter().position(|b| *b == b'\n'));
        }
    }
}

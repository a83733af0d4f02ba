//! Files that hold keys: what is in one, and whether anybody else could read it.

use crate::secret::Secret;
use rustix::fs::{FileType, Mode, OFlags};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Longest file of keys, bytes.
pub(crate) const LENGTH_MAX: u64 = 16 << 10;

const BEGIN: &str = "-----BEGIN";
const END: &str = "-----END";

/// Why a text is no file of keys. Says lines by number: what stands in them may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFileFault {
    /// A line is neither a key, a comment, nor part of a PEM block.
    Line(usize),
    /// A key is given for the second time.
    Twice(usize),
    /// There is no `BINANCE_API_KEY=` line.
    NoKey,
    /// There is neither a `BINANCE_API_SECRET=` line nor a PEM block.
    NoSecret,
    /// A PEM block begins and does not end.
    Open(usize),
}

impl fmt::Display for KeyFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line} is neither NAME=VALUE nor a comment"),
            Self::Twice(line) => write!(f, "line {line} gives a key for the second time"),
            Self::NoKey => f.write_str("there is no line BINANCE_API_KEY=…"),
            Self::NoSecret => f.write_str("there is no line BINANCE_API_SECRET=… and no PEM block"),
            Self::Open(line) => write!(f, "the PEM block of line {line} has no end"),
        }
    }
}

/// Reads a file of keys: `BINANCE_API_KEY=…` and `BINANCE_API_SECRET=…` (or a PEM block in its
/// place), a line each; empty lines and those that begin with `#` say nothing. Key and secret.
///
/// # Errors
/// The first line that is wrong, or what is missing.
pub fn parse_key_file(text: &str) -> Result<(Secret, Secret), KeyFileFault> {
    let (mut key, mut secret) = (None, None);
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let (number, line) = (at + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (place, value) = if line.starts_with(BEGIN) {
            (&mut secret, pem(number, line, &mut lines)?)
        } else {
            match line.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("BINANCE_API_KEY", value)) => (&mut key, Secret::new(value)),
                Some(("BINANCE_API_SECRET", value)) => (&mut secret, Secret::new(value)),
                _ => return Err(KeyFileFault::Line(number)),
            }
        };
        if place.replace(value).is_some() {
            return Err(KeyFileFault::Twice(number));
        }
    }
    let given = |secret: &Secret| !secret.is_empty();
    let key = key.filter(given).ok_or(KeyFileFault::NoKey)?;
    let secret = secret.filter(given).ok_or(KeyFileFault::NoSecret)?;
    Ok((key, secret))
}

/// The rest of a PEM block, joined as it was.
fn pem<'a>(
    first: usize,
    line: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<Secret, KeyFileFault> {
    // With room for all of it: a text that grows leaves copies of itself behind.
    let mut whole = Zeroizing::new(String::with_capacity(LENGTH_MAX as usize));
    whole.push_str(line);
    for (_, line) in lines {
        let line = line.trim();
        if whole.len() + line.len() + 2 > LENGTH_MAX as usize {
            break;
        }
        whole.push('\n');
        whole.push_str(line);
        if line.starts_with(END) {
            whole.push('\n');
            return Ok(Secret::new(whole.as_str()));
        }
    }
    Err(KeyFileFault::Open(first))
}

/// Who may own a file with keys, and who else may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Ours, and nobody else has any right to it.
    Own,
    /// Handed over by the service manager: its or ours, in a folder that nobody else can enter.
    Credential,
}

/// What is wrong with a place of keys, and what to do.
pub(crate) struct Refused {
    pub what: String,
    pub hint: String,
}

impl Refused {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// The text of a file that only we can read. `None` when there is no such file.
pub(crate) fn read(path: &Path, guard: Guard) -> Result<Option<Zeroizing<String>>, Refused> {
    // Not through a link, which may lead anywhere, and not waiting for a writer of a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            return Err(Refused::new("it is a symbolic link", "name the file itself"));
        }
        Err(error) => {
            let hint = "make it readable for the user that runs aegis, and for nobody else";
            return Err(Refused::new(format!("it cannot be opened: {error}"), hint));
        }
    };
    // Of the open file, not of whatever has the name by now.
    let stat = rustix::fs::fstat(&file)
        .map_err(|e| Refused::new(format!("it cannot be examined: {e}"), "name another file"))?;
    guarded(&stat, guard)?;
    let mut text = Zeroizing::new(String::with_capacity(LENGTH_MAX as usize));
    File::from(file).take(LENGTH_MAX).read_to_string(&mut text).map_err(|e| {
        Refused::new(format!("it cannot be read: {e}"), "write it again, as plain text")
    })?;
    Ok(Some(text))
}

fn guarded(stat: &rustix::fs::Stat, guard: Guard) -> Result<(), Refused> {
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(Refused::new("it is not a regular file", "name a file with the keys in it"));
    }
    let us = rustix::process::geteuid().as_raw();
    let system = guard == Guard::Credential && stat.st_uid == 0;
    if stat.st_uid != us && !system {
        return Err(Refused::new(
            format!("it belongs to user {} and this is user {us}", stat.st_uid),
            "chown it to the user that runs aegis",
        ));
    }
    // The service manager grants reading by an access list, which shows as the group's bits.
    let forbidden = if guard == Guard::Own { 0o077 } else { 0o037 };
    if stat.st_mode & forbidden != 0 {
        return Err(Refused::new(
            format!("others have rights to it (mode {:o})", stat.st_mode & 0o777),
            "chmod 600 it",
        ));
    }
    if stat.st_size.unsigned_abs() > LENGTH_MAX {
        return Err(Refused::new("it is too long for two keys", "name the file with the keys"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    #[test]
    fn keys_are_read_in_any_order_and_pem_stays_whole() {
        let plain = "# ours\n\nBINANCE_API_SECRET = s3cret\nBINANCE_API_KEY=k1\n";
        let (key, secret) = parse_key_file(plain).unwrap();
        assert_eq!((key.expose(), secret.expose()), ("k1", "s3cret"));
        let (key, secret) = parse_key_file(&format!("{PEM}BINANCE_API_KEY=k1")).unwrap();
        assert_eq!((key.expose(), secret.expose()), ("k1", PEM));
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_never_repeated() {
        for (text, fault) in [
            ("", KeyFileFault::NoKey),
            ("BINANCE_API_KEY=\nBINANCE_API_SECRET=b", KeyFileFault::NoKey),
            ("BINANCE_API_KEY=a", KeyFileFault::NoSecret),
            ("BINANCE_API_KEY=a\nhunter2", KeyFileFault::Line(2)),
            ("BINANCE_API_KEY=a\nBINANCE_API_KEY=b", KeyFileFault::Twice(2)),
            ("BINANCE_API_KEY=a\n-----BEGIN PRIVATE KEY-----\nAAAA", KeyFileFault::Open(2)),
        ] {
            assert_eq!(parse_key_file(text).unwrap_err(), fault, "{text}");
            assert!(!fault.to_string().contains("hunter2"));
        }
    }
}

//! Keys on their way from the orchestrator to the brain: the first bytes of its pipe.
//!
//! Not by the environment, which whoever may look at a process sees for as long as it lives, and
//! which every child would inherit. A pipe is read once, and what was in it is gone.
//!
//! ```text
//! keys 64 64\n  KEY  SECRET      lengths in bytes, then both, without a line end
//! ```

use crate::exchange_child::Account;
use aegis_wire::Secret;
use std::io::{Error, ErrorKind, Read, Result, Write};

/// Longest key or secret, bytes: a PEM block is a few hundred.
const LENGTH_MAX: usize = 16 << 10;
/// Longest head line.
const HEAD_MAX: usize = 32;

/// Writes the keys of an account.
///
/// # Errors
/// When the pipe takes nothing.
pub fn give(to: &mut impl Write, account: &Account) -> Result<()> {
    let (key, secret) = (account.key.expose(), account.secret.expose());
    to.write_all(format!("keys {} {}\n", key.len(), secret.len()).as_bytes())?;
    to.write_all(key)?;
    to.write_all(secret)?;
    to.flush()
}

/// Reads them, and not a byte more.
///
/// # Errors
/// When the pipe ends before, or something else comes. What came is not repeated.
pub fn take(from: &mut impl Read) -> Result<Account> {
    let wrong = || Error::new(ErrorKind::InvalidData, "no keys where keys were expected");
    let mut head = Vec::with_capacity(HEAD_MAX);
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        match byte {
            [b'\n'] => break,
            [byte] if head.len() < HEAD_MAX => head.push(byte),
            _ => return Err(wrong()),
        }
    }
    let head = String::from_utf8(head).map_err(|_| wrong())?;
    let mut words = head.split(' ');
    if words.next() != Some("keys") {
        return Err(wrong());
    }
    let mut length = || -> Option<usize> {
        words.next()?.parse().ok().filter(|length| (1..=LENGTH_MAX).contains(length))
    };
    let lengths = length().zip(length()).ok_or_else(wrong)?;
    let key = text(from, lengths.0)?;
    let secret = text(from, lengths.1)?;
    Ok(Account { key, secret })
}

fn text(from: &mut impl Read, length: usize) -> Result<Secret> {
    // The one buffer becomes the secret itself, so that no copy stays behind.
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(Secret::from(error.into_bytes()));
            Err(Error::new(ErrorKind::InvalidData, "a key that is no text"))
        }
    }
}

/// This process's stdin, without a buffer that would keep what went through it.
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Ok(rustix::io::read(std::io::stdin(), buffer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_taken_and_the_rest_stays() {
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let account = Account { key: Secret::from("key"), secret: Secret::from(pem) };
        let mut pipe = Vec::new();
        give(&mut pipe, &account).unwrap();
        pipe.extend_from_slice(b"{\"do\":\"stop\"}\n");
        let mut rest = pipe.as_slice();
        let taken = take(&mut rest).unwrap();
        assert_eq!(taken.key.expose_text(), "key");
        assert_eq!(taken.secret.expose_text(), pem);
        assert_eq!(rest, b"{\"do\":\"stop\"}\n");
    }

    #[test]
    fn anything_else_is_an_error_that_repeats_nothing() {
        for text in ["", "keys 3", "keys 3 9\nabc", "keys 0 1\na", "keys 1 99999\nab", "hunter2\n"]
        {
            let error = take(&mut text.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("abc"), "{error}");
        }
        assert!(take(&mut &[b'x'; 100][..]).is_err(), "a line without an end");
        assert!(take(&mut &b"keys 1 1\n\xff\xff"[..]).is_err());
    }
}

//! Keys in the kernel's keyrings: two of type `user`, found by name in the session's keyring, then
//! in the user's. What the kernel is asked is a function that is handed in; what its answers mean
//! is here.

use crate::keyfile::{LENGTH_MAX, Refused};
use crate::row::Row;
use crate::secret::Secret;
use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

/// Rights of the group and of everybody else, but for seeing that the key is there.
const OTHERS: u32 = 0x3e3e;
/// The kernel was built without keyrings: no such system call.
const NO_SUCH_CALL: i32 = 38;

/// A key as the kernel has it.
pub(crate) struct Held {
    /// What is in it.
    pub text: Zeroizing<Vec<u8>>,
    /// Its length, which may be more than was read.
    pub length: usize,
    /// Whose it is.
    pub owner: u32,
    /// Who may do what with it, as the kernel writes it.
    pub rights: u32,
}

/// Name of a key: `NAME:api_key` and `NAME:api_secret`.
pub(crate) fn name_of(name: &str, row: &Row) -> String {
    let (_, last) = row.key.rsplit_once('.').unwrap_or_default();
    format!("{name}:{last}")
}

/// The key of this name, which nobody else may read.
pub(crate) fn read(
    name: &str,
    ask: &dyn Fn(&str) -> Result<Option<Held>, KeyError>,
) -> Result<Secret, Refused> {
    let put = format!("keyctl padd user {name} @u < FILE, or leave the setting out");
    let Some(held) = ask(name).map_err(|error| refused(error, name))? else {
        let what = "it is neither in the session's keyring nor in the user's";
        return Err(Refused::new(what, put));
    };
    let us = rustix::process::geteuid().as_raw();
    if held.owner != us && held.owner != 0 {
        let what = format!("it belongs to user {} and this is user {us}", held.owner);
        return Err(Refused::new(what, "put it there as the user that runs aegis"));
    }
    if held.rights & OTHERS != 0 {
        let what = format!("others have rights to it ({:08x})", held.rights);
        return Err(Refused::new(what, "keyctl setperm KEY 0x3f010000"));
    }
    if held.length > LENGTH_MAX as usize {
        return Err(Refused::new("it is too long for a key", put));
    }
    let text = std::str::from_utf8(&held.text).map_err(|_| Refused::new("it is no text", &*put))?;
    // One that was put there from a file ends a line.
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err(Refused::new("it is empty", put)) } else { Ok(Secret::new(text)) }
}

/// What the kernel's refusal means, and what to do.
fn refused(error: KeyError, name: &str) -> Refused {
    let elsewhere = "binance.key_file or a credential of the service manager works without";
    let (what, hint) = match error {
        KeyError::PermissionDenied => (
            "asking the kernel's keyring is forbidden here, as containers do (EPERM)".to_owned(),
            format!("allow the system call keyctl; {elsewhere}"),
        ),
        KeyError::Unknown(NO_SUCH_CALL) | KeyError::OperationNotSupported => {
            ("this kernel has no keyring".to_owned(), elsewhere.to_owned())
        }
        KeyError::AccessDenied => (
            "its rights do not let this user read it".to_owned(),
            format!("keyctl setperm KEY 0x3f010000, or put {name} there again as this user"),
        ),
        KeyError::KeyExpired => ("it has expired".to_owned(), "put it there again".to_owned()),
        KeyError::KeyRevoked => ("it was revoked".to_owned(), "put it there again".to_owned()),
        other => (format!("the kernel answers {other}"), elsewhere.to_owned()),
    };
    Refused { what, hint }
}

/// Asks the kernel.
pub(crate) fn kernel(name: &str) -> Result<Option<Held>, KeyError> {
    let Some(key) = search(name)? else { return Ok(None) };
    let about = key.metadata()?;
    let mut text = Zeroizing::new(vec![0; LENGTH_MAX as usize]);
    let length = key.read(&mut text.as_mut_slice())?;
    text.truncate(length);
    let (owner, rights) = (about.get_uid(), about.get_perms().bits());
    Ok(Some(Held { text, length, owner, rights }))
}

fn search(name: &str) -> Result<Option<Key>, KeyError> {
    let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false)?;
    if let Some(key) = there(session.search(name))? {
        return Ok(Some(key));
    }
    // What is in the user's keyring may be read by who holds it, and not every session does. The
    // process's own keyring ends with it, and no child has it.
    let own = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
    own.link_keyring_id(KeyRingIdentifier::User)?;
    there(own.search(name))
}

fn there(found: Result<Key, KeyError>) -> Result<Option<Key>, KeyError> {
    match found {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::KeyDoesNotExist) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &[u8]) -> Held {
        Held {
            text: Zeroizing::new(text.to_vec()),
            length: text.len(),
            owner: rustix::process::geteuid().as_raw(),
            rights: 0x3f01_0000,
        }
    }

    fn answer(held: Result<Option<Held>, KeyError>) -> Result<String, String> {
        let held = std::cell::Cell::new(Some(held));
        let ask = |name: &str| {
            assert_eq!(name, "aegis:api_key");
            held.take().expect("asked once")
        };
        read("aegis:api_key", &ask)
            .map(|secret| secret.expose().to_owned())
            .map_err(|Refused { what, hint }| format!("{what}; {hint}"))
    }

    #[test]
    fn a_key_is_read_without_its_last_line_end() {
        assert_eq!(answer(Ok(Some(held(b"hunter2")))).as_deref(), Ok("hunter2"));
        assert_eq!(answer(Ok(Some(held(b"hunter2\r\n")))).as_deref(), Ok("hunter2"));
        let of_root = Held { owner: 0, rights: 0x3f01_0101, ..held(b"hunter2") };
        assert_eq!(answer(Ok(Some(of_root))).as_deref(), Ok("hunter2"), "seeing is no right");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_key() {
        let stranger = rustix::process::geteuid().as_raw() + 1;
        for (held, words) in [
            (None, "neither in the session's keyring nor in the user's; keyctl padd"),
            (Some(Held { owner: stranger, ..held(b"hunter2") }), "it belongs to user"),
            (Some(Held { rights: 0x3f01_0002, ..held(b"hunter2") }), "others have rights"),
            (Some(Held { rights: 0x3f01_0200, ..held(b"hunter2") }), "others have rights"),
            (Some(Held { length: 20_000, ..held(b"hunter2") }), "too long"),
            (Some(held(b"hunter2\xff")), "no text"),
            (Some(held(b"\n")), "it is empty"),
        ] {
            let said = answer(Ok(held)).expect_err(words);
            assert!(said.contains(words) && !said.contains("hunter2"), "{words}: {said}");
        }
    }

    #[test]
    fn what_the_kernel_refuses_is_said_with_what_to_do() {
        for (error, words) in [
            (KeyError::PermissionDenied, "forbidden here, as containers do"),
            (KeyError::Unknown(NO_SUCH_CALL), "this kernel has no keyring"),
            (KeyError::AccessDenied, "do not let this user read it; keyctl setperm"),
            (KeyError::KeyExpired, "expired; put it there again"),
            (KeyError::KeyRevoked, "revoked; put it there again"),
            (KeyError::OutOfMemory, "the kernel answers OutOfMemory"),
        ] {
            let said = answer(Err(error)).expect_err(words);
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

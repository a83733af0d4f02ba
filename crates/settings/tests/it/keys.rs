//! Where keys come from: credentials before a file before the kernel's keyring before the
//! environment; what others can read is refused, and what is given twice has to be the same.

use crate::support::{load, shown, wrong};
use aegis_settings::{Origin, parse_key_file};
use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const FILE: &str = "BINANCE_API_KEY=key-of-file\nBINANCE_API_SECRET=secret-of-file\n";

/// A folder of this test alone, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aegis-keys-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        chmod(&path, mode);
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode is set");
}

#[test]
fn a_file_of_ours_gives_both_keys_and_says_so() {
    let folder = Folder::new();
    let path = folder.write("keys", FILE, 0o600);
    let settings = load(None, &[], &[("binance.key_file", &path)]).expect("both keys");
    let keys = settings.keys().expect("both");
    assert_eq!((keys.key.expose(), keys.secret.expose()), ("key-of-file", "secret-of-file"));
    assert_eq!(shown(&settings, "binance.api_key"), ("****".to_owned(), "key file"));
    let from = settings.keys_from().expect("both");
    assert_eq!(from, [(Origin::KeyFile, path.as_str()); 2]);
    assert!(!format!("{settings:?} {:?}", settings.pairs()).contains("of-file"));
}

#[test]
fn credentials_come_first_and_a_last_line_end_is_no_part_of_them() {
    let folder = Folder::new();
    folder.write("binance_api_key", "key-of-manager\n", 0o400);
    folder.write("binance_api_secret", "secret-of-manager", 0o440);
    let env = [
        ("CREDENTIALS_DIRECTORY", folder.path()),
        ("BINANCE_API_KEY", "key-of-manager"),
        ("BINANCE_API_SECRET", "secret-of-manager"),
    ];
    let settings = load(None, &env, &[]).expect("the same twice");
    assert_eq!(settings.keys().expect("both").key.expose(), "key-of-manager");
    assert_eq!(shown(&settings, "binance.api_secret"), ("****".to_owned(), "credential"));
}

#[test]
fn two_sources_that_differ_are_a_contradiction() {
    let folder = Folder::new();
    let path = folder.write("keys", FILE, 0o600);
    let env = [("BINANCE_API_KEY", "key-of-file"), ("BINANCE_API_SECRET", "secret-of-env")];
    let text = wrong(None, &env, &[("binance.key_file", &path)]);
    assert!(text.contains("BINANCE_API_SECRET gives another"), "{text}");
    assert!(!text.contains("secret-of"), "{text}");
    assert!(!text.contains("binance.api_key ("), "the keys are the same: {text}");
}

#[test]
fn files_that_others_can_read_or_replace_are_refused() {
    let folder = Folder::new();
    let refusal = |path: &str, words: &str| {
        let text = wrong(None, &[], &[("binance.key_file", path)]);
        assert!(text.contains(words) && text.contains(path), "{words}: {text}");
        assert!(!text.contains("of-file"), "{text}");
    };
    for mode in [0o640, 0o604, 0o620, 0o666, 0o660] {
        refusal(&folder.write("open", FILE, mode), "others have rights to it");
    }
    let path = folder.write("keys", FILE, 0o600);
    let link = folder.0.join("link");
    symlink(&path, &link).expect("a link");
    refusal(link.to_str().expect("UTF-8"), "symbolic link");
    refusal(folder.path(), "not a regular file");
    refusal(&format!("{}/none", folder.path()), "it is not there");
    refusal(&folder.write("half", "BINANCE_API_KEY=key-of-file\n", 0o600), "no line");
    refusal(&folder.write("long", &"#".repeat(20_000), 0o600), "too long");
    // A pipe that nobody writes to must not hang the start.
    let pipe = folder.0.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        chmod(&pipe, 0o600);
        refusal(pipe.to_str().expect("UTF-8"), "not a regular file");
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let folder = Folder::new();
    let path = folder.write("keys", FILE, 0o600);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        println!("not tested without root: a file that belongs to another user");
        return;
    }
    let text = wrong(None, &[], &[("binance.key_file", &path)]);
    assert!(text.contains("belongs to user 12345"), "{text}");
}

/// Real keys in one of the kernel's keyrings, gone at the end.
struct Ring {
    name: String,
    ring: KeyRing,
    keys: Vec<Key>,
}

impl Ring {
    /// Both keys; `None` where the kernel cannot be asked, which is said.
    fn with(which: KeyRingIdentifier, key: &str, secret: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("aegis-test-{}-{n}", std::process::id());
        let made = || -> Result<Self, KeyError> {
            let ring = KeyRing::from_special_id(which, false)?;
            let mut made = Self { name, ring, keys: Vec::new() };
            for (last, text) in [("api_key", key), ("api_secret", secret)] {
                let key = ring.add_key(&format!("{}:{last}", made.name), text)?;
                made.keys.push(key);
            }
            Ok(made)
        };
        made().map_err(|e| println!("not tested: the kernel takes no keys here ({e})")).ok()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        for key in &self.keys {
            let _ = self.ring.unlink_key(*key);
        }
    }
}

#[test]
fn keys_are_found_in_the_keyring_of_the_session_and_of_the_user() {
    for which in [KeyRingIdentifier::Session, KeyRingIdentifier::User] {
        let Some(ring) = Ring::with(which, "key-of-ring\n", "secret-of-ring") else { return };
        let env = [("BINANCE_API_KEY", "key-of-ring"), ("BINANCE_API_SECRET", "secret-of-ring")];
        let settings = load(None, &env, &[("binance.keyring", &ring.name)]).expect("both keys");
        let keys = settings.keys().expect("both");
        assert_eq!((keys.key.expose(), keys.secret.expose()), ("key-of-ring", "secret-of-ring"));
        assert_eq!(shown(&settings, "binance.api_secret"), ("****".to_owned(), "keyring"));
        let place = format!("{}:api_key", ring.name);
        assert_eq!(settings.keys_from().expect("both")[0], (Origin::Keyring, place.as_str()));
        assert!(!format!("{settings:?} {:?}", settings.pairs()).contains("of-ring"));

        let folder = Folder::new();
        let path = folder.write("keys", FILE, 0o600);
        let flags = [("binance.keyring", ring.name.as_str()), ("binance.key_file", &path)];
        let text = wrong(None, &[], &flags);
        assert!(text.contains(&format!("{place} gives another")), "{text}");
        assert!(!text.contains("of-ring") && !text.contains("of-file"), "{text}");
    }
}

#[test]
fn a_keyring_without_the_keys_or_open_to_others_is_refused() {
    let Some(ring) = Ring::with(KeyRingIdentifier::Session, "key-of-ring", "secret-of-ring") else {
        return;
    };
    let refusal = |name: &str, words: &str| {
        let text = wrong(None, &[], &[("binance.keyring", name)]);
        assert!(text.contains(words) && !text.contains("of-ring"), "{words}: {text}");
    };
    refusal("aegis-no-such-name", "aegis-no-such-name:api_key");
    refusal("aegis-no-such-name", "neither in the session's keyring nor in the user's");
    refusal("a name", "1 to 64 letters");
    let read_by_all = linux_keyutils::KeyPermissions::from_u32(0x3f01_0002);
    ring.keys[1].set_perms(read_by_all).expect("a key of ours");
    refusal(&ring.name, "others have rights to it");
    ring.ring.unlink_key(ring.keys[1]).expect("a key of ours");
    refusal(&ring.name, &format!("{}:api_secret", ring.name));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_or_repeat_it(
        text in "(BINANCE_API_(KEY|SECRET)=|-----(BEGIN|END) [A-Z]{3}-----|#|[a-z0-9 ]{9}|\n){0,30}"
    ) {
        if let Err(fault) = parse_key_file(&text) {
            let said = fault.to_string();
            prop_assert!(text.split_whitespace().all(|w| w.len() < 20 || !said.contains(w)));
        }
    }
}

//! Keys that nobody may ever see again: what these tests hold is that no output of the program has
//! them in it, in whatever form.
//!
//! Every program that a test of this folder starts has canary keys in its environment unless the
//! test says otherwise, and [`Place`](crate::harness::Place) looks through all files that it leaves
//! behind. Here the rest: every source of keys, runs that fail in every way, sockets, command
//! lines, and that the search finds what it is for.

use crate::exchange::Exchange;
use crate::harness::{Place, text};
use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// Not a published key: made up, of the exchange's form, like no other text.
pub const KEY: &str =
    concat!("CANARYkeyCANARYkeyCANARYkey0123", "456789abcdefghijklmnopqrstuvwxyzX");
/// The same for what signs.
pub const SECRET: &str =
    concat!("CANARYsecretCANARYsecret0123456", "789abcdefghijklmnopqrstuvwxyzABCX");

/// Forms in which a text may stand somewhere: as it is, in base64 at each of the three places in
/// which a group of it may begin, in hex of both cases, turned around. In URLs and JSON letters and
/// digits stand as they are.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        text.as_bytes().to_vec(),
        hex.to_ascii_uppercase().into_bytes(),
        text.bytes().rev().collect(),
        hex.into_bytes(),
    ];
    forms.extend((0..3).map(|skip| base64(&text.as_bytes()[skip..])));
    forms
}

/// Base64 of the whole groups of three.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
    });
    groups.collect()
}

/// Where one of the canaries stands, in words; of the key only when `keys_too`, because an exchange
/// that runs beside is told it.
pub fn found(bytes: &[u8], keys_too: bool) -> Option<&'static str> {
    let secrets = forms(SECRET).into_iter().map(|form| (form, "the secret"));
    let keys = forms(KEY).into_iter().filter(|_| keys_too).map(|form| (form, "the key"));
    secrets.chain(keys).find(|(form, _)| holds(bytes, form)).map(|(_, what)| what)
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    // The first byte first: files of a hundred megabytes are looked through.
    let (Some(&first), length) = (form.first(), form.len()) else { return false };
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == first) {
        at += next;
        if bytes.get(at..at + length) == Some(form) {
            return true;
        }
        at += 1;
    }
    false
}

/// Looks through every file below a folder.
pub fn look_through(folder: &Path, keys_too: bool) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            look_through(&path, keys_too);
        } else if kind.is_file() && !path.to_string_lossy().contains("canary-source") {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if let Some(what) = found(&bytes, keys_too) {
                panic!("{what} of the canary is in {}", path.display());
            }
        }
    }
}

fn silent(output: &Output, what: &str) {
    for bytes in [&output.stdout, &output.stderr] {
        assert_eq!(found(bytes, true), None, "{what}: {}", text(bytes).len());
    }
}

#[test]
fn the_search_finds_every_form() {
    for form in forms(SECRET) {
        let around = [b"before ".as_slice(), &form, b" after"].concat();
        assert_eq!(found(&around, false), Some("the secret"));
    }
    let encoded = base64(format!("apiSecret={SECRET}").as_bytes());
    assert_eq!(found(&encoded, false), Some("the secret"));
    assert_eq!(found(b"nothing of the sort", true), None);
}

/// A source of keys: settings for the command line, and variables.
type Source = (Vec<String>, Vec<(String, String)>);

/// The canary in the keyring of this session, where the kernel takes it: the name to find it by.
/// It goes by itself.
fn keyring() -> Option<String> {
    let name = format!("aegis-canary-{}", std::process::id());
    let put = || -> Result<(), KeyError> {
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false)?;
        for (last, text) in [("api_key", KEY), ("api_secret", SECRET)] {
            session.add_key(&format!("{name}:{last}"), text)?.set_timeout(900)?;
        }
        Ok(())
    };
    let put = put().map_err(|e| println!("not tested: the kernel takes no keys here ({e})"));
    put.ok().map(|()| name)
}

/// The canary in every source: a credential of the service manager, a file, the kernel's keyring,
/// the environment.
fn sources(place: &Place) -> Vec<(&'static str, Source)> {
    use std::os::unix::fs::PermissionsExt;
    let folder = place.path.join("canary-source");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, body: &str| {
        let path = folder.join(name);
        std::fs::write(&path, body).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
        path.display().to_string()
    };
    write("binance_api_key", KEY);
    write("binance_api_secret", SECRET);
    let file = write("keys", &format!("BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}\n"));
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let folder = folder.display().to_string();
    let named = keyring().map(|name| format!("binance.keyring={name}"));
    let named = named.map(|set| ("keyring", (vec!["--set".into(), set], vec![])));
    let mut sources = vec![
        ("credential", (vec![], vec![own("CREDENTIALS_DIRECTORY", &folder)])),
        ("key file", (vec!["--set".into(), format!("binance.key_file={file}")], vec![])),
        ("env", (vec![], vec![own("BINANCE_API_KEY", KEY), own("BINANCE_API_SECRET", SECRET)])),
    ];
    sources.extend(named);
    sources
}

fn with(place: &Place, args: &[&str], source: &Source) -> Command {
    let mut command = place.aegis(args);
    command.env_remove("BINANCE_API_KEY").env_remove("BINANCE_API_SECRET");
    command.args(&source.0).envs(source.1.iter().cloned());
    command.env("LOG_LEVEL", "TRACE").env("RUST_BACKTRACE", "full");
    command
}

#[test]
fn no_command_says_a_key_from_any_source() {
    let place = Place::new("canary-commands");
    for (origin, source) in sources(&place) {
        let said = |args: &[&str]| {
            let output = with(&place, args, &source).output().expect("the program starts");
            silent(&output, &format!("{args:?} with keys from {origin}"));
            output
        };
        let shown = text(&said(&["config", "show"]).stdout);
        let rows: Vec<_> = shown.lines().filter(|line| line.contains("binance.api_")).collect();
        assert!(rows.iter().all(|row| row.contains("****") && row.contains(origin)), "{rows:?}");
        said(&["config", "show", "--json"]);
        said(&["config", "check", "--require-keys"]);
        let audit = said(&["audit", "--json"]);
        let report: Value = serde_json::from_slice(&audit.stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|c| c["id"] == "security.keys_source").expect("a check");
        assert_eq!(check["status"], "PASS", "{check}");
        assert!(check["reason"].as_str().is_some_and(|r| r.contains(origin)), "{check}");
        let hinted = check["hint"].as_str().is_some_and(|hint| hint.contains("/proc"));
        assert_eq!(hinted, origin == "env", "{check}");
        // Wrong in as many ways as come to mind: every message is about what was given.
        let nobody = "venue.exchange_url=http://127.0.0.1:9";
        said(&["audit", "--for", "live", "--set", "live=true", "--set", nobody]);
        said(&["run", "--venue", "testnet", "--set", nobody]);
        let live = ["run", "--venue", "binance", "--live", "--set", "live=true", "--set", nobody];
        said(&[&live[..], &["--set", "environment=production"]].concat());
        said(&["config", "check", "--set", "risk.fraction=9", "--set", "no.such=1"]);
        said(&["config", "check", "--set", &format!("binance.api_secret={SECRET}")]);
        said(&["backtest", "--days", "1", "--json"]);
    }
    let broken = place
        .aegis(&["config", "check"])
        .env("BINANCE_API_KEY", KEY)
        .env("BINANCE_API_SECRET", format!("{SECRET} {SECRET}"))
        .output()
        .expect("starts");
    assert_eq!(broken.status.code(), Some(2));
    silent(&broken, "a secret with a blank in it");
    let file = place.path.join("aegis.toml");
    std::fs::write(&file, format!("[binance]\napi_secret = \"{SECRET}\"\nx = {SECRET}\n"))
        .expect("written");
    silent(&place.run(&["config", "check"]), "a settings file with a key in it");
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn no_run_leaves_a_key_behind_however_it_ends() {
    let place = Place::new("canary-runs");
    let account = format!("key={KEY},secret={SECRET},balance=10000");
    let mut exchange = None;
    for (origin, source) in sources(&place) {
        let running = exchange.get_or_insert_with(|| {
            let args = ["exchange", "--generate", "11", "--symbols", "2", "--days", "4"];
            Exchange::start(
                &place,
                &[&args[..], &["--speed", "1500", "--account", &account]].concat(),
            )
        });
        let url = format!("http://{}", running.address());
        let args = ["run", "--venue", "local", "--exchange-url", &url, "--json"];
        let mut command = with(&place, &args, &source);
        let mut run = place.started(&mut command);
        let status = run.wait_until("the market", |s| s["candles"].as_u64() > Some(0));
        assert_eq!(found(status.to_string().as_bytes(), true), None, "status, keys from {origin}");
        for (name, pid) in status["pids"].as_object().expect("pids") {
            process_is_silent(pid.as_u64().expect("a pid"), name, origin);
        }
        // A brain that panics says everything it knows; one that is killed leaves what it wrote.
        let brain = status["pids"]["brain"].as_u64().expect("a pid") as u32;
        crate::harness::signal(brain, "ABRT");
        run.wait_until("the next brain", |s| {
            s["pids"]["brain"] != brain && s["health"]["brain"]["state"] == "running"
        });
        run.signal("TERM");
        silent(&run.wait(), origin);
    }
    drop(exchange);
    // An exchange that knows neither: -2015 and what is made of it.
    let args = ["exchange", "--generate", "3", "--symbols", "2", "--days", "2"];
    let other = Exchange::start(&place, &args);
    let url = format!("http://{}", other.address());
    for (origin, source) in sources(&place) {
        let args = ["run", "--venue", "local", "--exchange-url", &url, "--json"];
        let output = with(&place, &args, &source).output().expect("the program starts");
        assert_ne!(output.status.code(), Some(0), "{origin}");
        silent(&output, origin);
    }
    look_through(&place.path, true);
}

/// Nothing in the command line of any process; in the environment of feed and brain neither.
fn process_is_silent(pid: u64, name: &str, origin: &str) {
    let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    assert_eq!(found(&read("cmdline"), true), None, "command line of {name}");
    if name == "main" {
        return;
    }
    let environment = read("environ");
    assert!(!environment.is_empty() || !is_root(), "the environment of {name} can be read");
    assert_eq!(found(&environment, true), None, "environment of {name}, keys from {origin}");
    if name != "feed" {
        return;
    }
    // What it has open: pipes, sockets, its log, the ring; nothing that keys came from or go by.
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        let target = target.to_string_lossy();
        assert!(!target.contains("canary-source") && !target.contains("memfd"), "{target}");
    }
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

//! Phase 2: every setting, the keys, and whether anything secret could be printed.

use super::{Auditor, Finding, Options, Purpose};
use crate::home::Home;
use aegis_settings::{Settings, Violation};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Bytes of a Unix socket's path that the system takes.
const SOCKET_PATH_MAX: usize = 107;

/// What is wrong and why; the hint stands apart.
fn reason(violation: &Violation) -> String {
    let Violation { place, what, why, .. } = violation;
    if place.is_empty() { format!("{what}; {why}") } else { format!("{place}: {what}; {why}") }
}

pub fn phase(auditor: &mut Auditor, options: &Options) {
    match &options.settings {
        Ok(settings) => {
            rows(auditor, settings);
            keys(auditor, settings, options.purpose);
            secrets(auditor, settings);
        }
        Err(violations) => {
            for violation in &violations.0 {
                let id = format!("setting.{}", violation.key);
                auditor.check(&id, "configuration", || {
                    Finding::fail(reason(violation), violation.hint.clone())
                });
            }
        }
    }
    auditor.check("home.writable", "configuration", || match Home::open(&options.home) {
        Ok(home) => Finding::pass(format!("{} can be written", home.path().display())),
        Err(failure) => Finding::fail(failure.what, failure.hint),
    });
    auditor.check("home.mode", "configuration", || mode(&options.home, 0o077, "state folder"));
    auditor.check("settings.file_mode", "configuration", || match &options.file {
        Some(file) => mode(file, 0o022, "settings file"),
        None => Finding::skip("no settings file is read"),
    });
    auditor.check("home.socket_path", "configuration", || {
        let bytes = options.home.join("control.sock").as_os_str().len();
        if bytes > SOCKET_PATH_MAX {
            return Finding::fail(
                format!("the control socket's path has {bytes} bytes, at most {SOCKET_PATH_MAX}"),
                "use a shorter AEGIS_HOME",
            );
        }
        Finding::pass(format!("the control socket's path has {bytes} bytes"))
    });
}

fn mode(path: &Path, forbidden: u32, what: &str) -> Finding {
    match std::fs::metadata(path) {
        Ok(meta) if meta.permissions().mode() & forbidden != 0 => Finding::warn(
            format!("{what} {} has mode {:o}", path.display(), meta.permissions().mode() & 0o777),
            "take the rights of group and others away with chmod",
        ),
        Ok(meta) => {
            Finding::pass(format!("{what} has mode {:o}", meta.permissions().mode() & 0o777))
        }
        Err(error) => Finding::fail(
            format!("{what} {}: {error}", path.display()),
            "give a folder that this user may write in AEGIS_HOME",
        ),
    }
}

/// One check a setting: value, type, range and origin.
fn rows(auditor: &mut Auditor, settings: &Settings) {
    for row in settings.rows() {
        let id = format!("setting.{}", row.key);
        auditor.check(&id, "configuration", || {
            Finding::pass(format!(
                "{} ({}; from {})",
                if row.value.is_empty() { "not set" } else { &row.value },
                row.expected,
                row.origin
            ))
        });
    }
}

fn keys(auditor: &mut Auditor, settings: &Settings, purpose: Purpose) {
    let malformed = settings.key_format().err();
    for name in ["BINANCE_API_KEY", "BINANCE_API_SECRET"] {
        let wrong = malformed.as_ref().and_then(|v| v.0.iter().find(|one| one.place == name));
        let id = format!("keys.{}", name.to_ascii_lowercase());
        auditor.check(&id, "configuration", || match (wrong, settings.keys(), purpose) {
            (Some(wrong), _, _) => Finding::fail(reason(wrong), wrong.hint.clone()),
            (None, Some(_), _) => Finding::pass("present and well-formed"),
            (None, None, Purpose::Live) => {
                Finding::fail(format!("{name} is not set"), "live orders need both keys")
            }
            (None, None, Purpose::Sim) => Finding::warn(
                format!("{name} is not set: simulated mode, expected"),
                "nothing to do for simulated orders",
            ),
        });
    }
    auditor.check("mode.orders", "configuration", || {
        if purpose == Purpose::Live {
            return Finding::pass("orders would go to the exchange");
        }
        Finding::pass(settings.mode_line())
    });
}

/// Prints everything that can be printed of the settings, and looks for the secrets in it.
fn secrets(auditor: &mut Auditor, settings: &Settings) {
    auditor.check("secrets.not_printable", "configuration", || {
        let mut printed = format!("{settings:?}\n{}", settings.mode_line());
        for row in settings.rows() {
            printed.push_str(&format!("{} {} {}\n", row.key, row.value, row.default));
        }
        for (key, value) in settings.pairs() {
            printed.push_str(&format!("{key}={value}\n"));
        }
        let canary = aegis_wire::Secret::new("canary-of-the-audit".to_owned());
        printed.push_str(&format!("{canary:?}"));
        let keys = settings.keys().map(|keys| [keys.key, keys.secret]);
        let found = keys.iter().flatten().any(|key| printed.contains(key.expose()))
            || printed.contains("canary-of-the-audit");
        if found {
            return Finding::fail("a secret appears in printed settings", "report this at once");
        }
        Finding::pass("keys and passwords are masked in every print of the settings")
    });
}

//! Phase 2: where keys come from, who else could read what we keep, and what the kernel forbids.

use super::child::{HARDEN, Probe};
use super::{Auditor, Finding, Options, Status};
use crate::hardening::Files;
use aegis_settings::{Origin, Settings};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn phase(auditor: &mut Auditor, options: &Options) {
    auditor.check("security.keys_source", "configuration", || match &options.settings {
        Ok(settings) => keys_source(settings),
        Err(_) => Finding::skip("the settings are not valid"),
    });
    auditor.check("security.permissions", "configuration", || permissions(&options.home));
    auditor.check("security.hardening", "configuration", || {
        hardening(&options.home)
            .unwrap_or_else(|what| Finding::fail(what, "check the limit of processes"))
    });
}

fn keys_source(settings: &Settings) -> Finding {
    let Some(from) = settings.keys_from() else {
        return Finding::skip("there are no keys");
    };
    let mut words: Vec<_> =
        from.iter().map(|(origin, place)| format!("{origin} {place}")).collect();
    words.dedup();
    let mut finding = Finding::pass(format!("keys from {}", words.join(" and ")));
    if from.iter().any(|(origin, _)| *origin == Origin::Env) {
        finding.hint = "the environment is visible in /proc; a credential of the service manager \
                        or binance.key_file is better"
            .to_owned();
    }
    finding
}

/// Everything in the state folder that others may read or write.
fn permissions(home: &Path) -> Finding {
    let mut open = Vec::new();
    let mut looked = 0;
    look(home, 0, &mut looked, &mut open);
    match open.first() {
        Some((path, mode)) => Finding::warn(
            format!(
                "{} of {looked} are open to others: {} has mode {mode:o}",
                open.len(),
                path.display()
            ),
            format!("chmod -R go= {}", home.display()),
        ),
        None => Finding::pass(format!("{looked} files and folders, none open to others")),
    }
}

/// Folders of sessions and journals are three deep.
const DEPTH_MAX: usize = 4;

fn look(path: &Path, depth: usize, looked: &mut usize, open: &mut Vec<(PathBuf, u32)>) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    if meta.is_symlink() {
        return;
    }
    *looked += 1;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        open.push((path.to_path_buf(), mode));
    }
    if meta.is_dir() && depth < DEPTH_MAX {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look(&entry.path(), depth + 1, looked, open);
        }
    }
}

/// A process of ours takes from itself what a brain does, then tries what it may not.
fn hardening(home: &Path) -> Result<Finding, String> {
    let outside = std::env::temp_dir().join(format!("aegis-audit-{}.outside", std::process::id()));
    fs::write(&outside, b"x").map_err(|e| format!("{}: {e}", outside.display()))?;
    let said = probe(home, &outside);
    let _ = fs::remove_file(&outside);
    let Probe { in_force, reads_outside, writes_inside, starts_programs } = said?;
    if !writes_inside {
        return Err("a hardened process cannot write into the state folder".to_owned());
    }
    if !in_force.is_closed() {
        return Ok(Finding::warn(
            format!("not everything could be forbidden: {in_force:?}"),
            "run outside of whatever refuses setrlimit, prctl or seccomp",
        ));
    }
    let closed = "no core dumps, no tracing, no new privileges, no keyring of the kernel";
    Ok(match in_force.files {
        Files::Limited | Files::Partly if reads_outside || starts_programs => Finding::fail(
            "the kernel says that files are limited, and they are not",
            "report this; do not trade on this machine",
        ),
        Files::Limited => Finding::pass(format!(
            "{closed}; feed and brain open their own files only, and start no programs"
        )),
        Files::Partly => Finding::warn(
            format!("{closed}; files are limited by a kernel that does not know every rule"),
            "a kernel of 6.2 or newer knows them all",
        ),
        Files::Unlimited(why) => Finding::warn(
            format!("{closed}; files are not limited: {why}"),
            "boot a kernel with landlock, or run in a container or unit that limits files",
        ),
        Files::AsItsUser => Finding { status: Status::Fail, ..Finding::skip("not asked for") },
    })
}

fn probe(home: &Path, outside: &Path) -> Result<Probe, String> {
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    let output = Command::new(program)
        .args(["audit-child", HARDEN])
        .args([home, outside])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("a second process cannot be started: {e}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        format!("a hardened process ended with {}: {said}", output.status)
    })
}

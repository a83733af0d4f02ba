//! `aegis journal verify` and `aegis journal migrate`: a journal's files alone, whether a system
//! runs or not.

use crate::output;
use crate::research::journal_folder;
use aegis_journal::{JournalError, Torn, Verified, disk, migrate, verify};
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Size of the segments that a migration writes, in MiB.
const SEGMENT_MB: u64 = 64;

#[derive(Args)]
pub struct Journal {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Reads all of a journal and checks records, chain, versions, segments and snapshots (exit 1
    /// when something is wrong).
    Verify(Verify),
    /// Writes a journal of an older format anew, compares both, and keeps the old one.
    Migrate(Migrate),
}

#[derive(Args)]
struct Verify {
    /// A session's folder, or its journal.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Migrate {
    /// A session's folder, or its journal.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Where the new one goes, a folder that is not there yet; without it, it takes the old one's
    /// place, and that stays beside it as …-v1.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    json: bool,
}

pub fn journal(args: &Journal) -> Result<i32, Failure> {
    match &args.what {
        What::Verify(args) => verified(args),
        What::Migrate(args) => migrated(args),
    }
}

fn failed(error: &JournalError) -> Failure {
    Failure::failed(error.to_string(), "")
}

fn verified(args: &Verify) -> Result<i32, Failure> {
    let folder = journal_folder(&args.path);
    let found = match verify(&disk::system(), &folder) {
        Ok(found) => found,
        Err(e) if args.json => {
            output::line(refusal(&folder, &e))?;
            return Err(failed(&e));
        }
        Err(e) => return Err(failed(&e)),
    };
    let bad = found.snapshots.iter().filter(|snapshot| snapshot.refused.is_some()).count();
    let ok = bad == 0 && found.torn.is_none();
    if args.json {
        output::line(as_json(&folder, &found, ok))?;
    } else {
        output::text(as_text(&folder, &found))?;
    }
    Ok(if ok { EXIT_OK } else { EXIT_FAILED })
}

/// What is wrong, and where, as far as the error says so.
fn refusal(folder: &Path, error: &JournalError) -> Value {
    let mut object = json!({ "ok": false, "journal": folder, "error": error.to_string() });
    let place = match error {
        JournalError::Corrupt { file, offset, record, .. } => {
            json!({ "file": file, "offset": offset, "record": record })
        }
        JournalError::RecordVersion { file, record, .. }
        | JournalError::RecordKind { file, record, .. } => {
            json!({ "file": file, "record": record })
        }
        JournalError::Version { file, found, supported } => {
            json!({ "file": file, "version": found, "supported": supported })
        }
        _ => Value::Null,
    };
    object["at"] = place;
    object
}

/// The session's id, where the header is one.
fn session(header: &[u8]) -> Option<String> {
    let header: Value = serde_json::from_slice(header).ok()?;
    Some(header.get("id")?.as_str()?.to_owned())
}

fn torn_json(torn: Option<&Torn>) -> Value {
    torn.map_or(Value::Null, |torn| {
        json!({
            "file": torn.file, "offset": torn.offset, "bytes": torn.bytes, "record": torn.record
        })
    })
}

fn as_json(folder: &Path, found: &Verified, ok: bool) -> Value {
    let kinds: serde_json::Map<String, Value> =
        found.kinds.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect();
    let snapshots: Vec<Value> = found
        .snapshots
        .iter()
        .map(|snapshot| {
            json!({
                "record": snapshot.record,
                "bytes": snapshot.bytes,
                "layout": snapshot.layout.map(|layout| format!("{layout:08x}")),
                "refused": snapshot.refused,
            })
        })
        .collect();
    json!({
        "ok": ok,
        "journal": folder,
        "session": session(&found.header),
        "version": found.version,
        "first": found.first,
        "records": found.records,
        "kinds": kinds,
        "segments": found.segments,
        "bytes": found.bytes,
        "chain": found.chain,
        "torn": torn_json(found.torn.as_ref()),
        "removed_segments": found.removed,
        "money_records": found.kept,
        "snapshots": snapshots,
    })
}

fn as_text(folder: &Path, found: &Verified) -> String {
    let mut text = format!("journal   {}\n", folder.display());
    if let Some(session) = session(&found.header) {
        text += &format!("session   {session}\n");
    }
    let (version, segments, bytes) = (found.version, found.segments, found.bytes);
    text += &format!("format    version {version}, {segments} segments, {bytes} bytes\n");
    if found.removed > 0 {
        text += &format!(
            "kept      {} money events of {} removed segments; replay starts at a snapshot\n",
            found.kept, found.removed
        );
    }
    let kinds: Vec<String> =
        found.kinds.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    let (first, next) = (found.first, found.records);
    text += &format!("records   {first} to {}: {}\n", next.saturating_sub(1), kinds.join(", "));
    text += &format!("chain     {}\n", found.chain);
    for snapshot in &found.snapshots {
        let record = snapshot.record;
        match &snapshot.refused {
            None => text += &format!("snapshot  of record {record}, {} bytes\n", snapshot.bytes),
            Some(why) => text += &format!("snapshot  of record {record}: {why}\n"),
        }
    }
    match &found.torn {
        None => text += "every record is whole and in its place\n",
        Some(torn) => {
            text += &format!(
                "torn tail: {} bytes at {} of {} are no whole record; the next start cuts them \
                 off\n",
                torn.bytes,
                torn.offset,
                torn.file.display()
            );
        }
    }
    text
}

fn migrated(args: &Migrate) -> Result<i32, Failure> {
    let folder = journal_folder(&args.path);
    let out = args.out.as_deref();
    let done = migrate(&disk::system(), &folder, out, SEGMENT_MB << 20).map_err(|e| failed(&e))?;
    let Some(done) = done else {
        if args.json {
            output::line(json!({ "migrated": false, "journal": folder }))?;
        } else {
            output::line(format_args!(
                "{} is of this program's version already",
                folder.display()
            ))?;
        }
        return Ok(EXIT_OK);
    };
    if args.json {
        output::line(json!({
            "migrated": true, "from": done.from, "to": done.to, "records": done.records,
            "journal": done.journal, "old": done.old, "torn": torn_json(done.torn.as_ref())
        }))?;
    } else {
        let (from, to, records) = (done.from, done.to, done.records);
        output::line(format_args!(
            "{records} records from version {from} to {to}, compared one by one\nnew: {}\nold: {}",
            done.journal.display(),
            done.old.display()
        ))?;
    }
    Ok(EXIT_OK)
}

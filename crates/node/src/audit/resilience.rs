//! Phase 4: two real processes through a real ring, a kill and a restart, a cut journal, the
//! database, shared memory, disk and clock.

use super::child::SLOTS;
use super::{Auditor, Finding, Measured, Options};
use crate::clock;
use crate::home::Home;
use crate::persist;
use aegis_journal::{Config as JournalConfig, Kind, Reader as JournalReader, Source, Writer};
use aegis_ring::{Poll, Reader, Wait, WaitOutcome, Words};
use aegis_types::Nanos;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything another process should do.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn phase(auditor: &mut Auditor, options: &Options, performance: &mut Vec<Measured>) {
    let scratch = std::env::temp_dir().join(format!("aegis-audit-{}", std::process::id()));
    let _ = std::fs::create_dir_all(&scratch);
    let ring = aegis_ring::ring_dir(&format!("audit-{}", std::process::id()));
    ring_checks(auditor, &ring.join("audit.ring"), performance);
    let _ = std::fs::remove_dir_all(&ring);
    auditor.check("journal.recovery", "error handling", || {
        journal(&scratch.join("journal"))
            .unwrap_or_else(|what| Finding::fail(what, "do not trade with this build"))
    });
    auditor.check("database", "data layer", || database(options));
    let _ = std::fs::remove_dir_all(&scratch);
    auditor.check("shm.space", "concurrency", || space(Path::new("/dev/shm"), 64 << 20));
    auditor.check("disk.space", "data layer", || space(&options.home, 1 << 30));
    auditor.check("disk.journal_volume", "data layer", || volume(options));
    auditor.check("clock", "error handling", time);
    auditor.check("single_instance", "concurrency", || match Home::open(&options.home) {
        Err(failure) => Finding::fail(failure.what, failure.hint),
        Ok(home) => match home.lock("lock", "another aegis") {
            Ok(_) => Finding::pass("no other instance holds this state folder"),
            Err(failure) => Finding::warn(failure.what, failure.hint),
        },
    });
}

/// Kills its process when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(path: &Path) -> Result<Killed, String> {
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    Command::new(program)
        .arg("audit-child")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map(Killed)
        .map_err(|e| format!("a second process cannot be started: {e}"))
}

fn attach(path: &Path, not_epoch: u64) -> Result<Reader, String> {
    let patience = Instant::now();
    loop {
        match Reader::attach(path) {
            Ok(reader) if reader.epoch() != not_epoch && reader.writer_alive() => {
                return Ok(reader);
            }
            Ok(_) | Err(_) if patience.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(_) => return Err("the writer did not come back under a new epoch".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn ring_checks(auditor: &mut Auditor, path: &Path, performance: &mut Vec<Measured>) {
    let mut held: Option<(Killed, Reader)> = None;
    auditor.check("ring.two_processes", "concurrency", || {
        let opened = spawn(path).and_then(|child| Ok((child, attach(path, 0)?)));
        let mut pair = match opened {
            Ok(pair) => pair,
            Err(what) => return Finding::fail(what, "check /dev/shm and the limit of processes"),
        };
        let finding = read_some(&mut pair.1, performance);
        held = Some(pair);
        finding
    });
    auditor.check("ring.overrun", "concurrency", || match &mut held {
        Some((_, reader)) => overrun(reader),
        None => Finding::skip("no second process"),
    });
    auditor.check("ring.restart", "concurrency", || match held.take() {
        Some((child, reader)) => restart(path, child, reader),
        None => Finding::skip("no second process"),
    });
}

fn read_some(reader: &mut Reader, performance: &mut Vec<Measured>) -> Finding {
    let (mut words, mut hops): (Words, Vec<f64>) = ([0; 7], Vec::with_capacity(512));
    let patience = Instant::now();
    while hops.len() < 400 {
        match reader.poll(&mut words) {
            Poll::Message { .. } if words[1] != !words[6] => {
                return Finding::fail("a torn message was read", "do not trade on this machine");
            }
            Poll::Message { .. } => {
                hops.push(clock::monotonic().0 as f64 - words[1] as f64);
            }
            Poll::Overrun { .. } => {}
            Poll::Empty if patience.elapsed() > PATIENCE => {
                return Finding::fail("nothing came through the ring", "check /dev/shm");
            }
            Poll::Empty => drop(reader.wait(Wait::default(), Duration::from_millis(10))),
        }
    }
    hops.sort_unstable_by(f64::total_cmp);
    let (median, count) = (hops[hops.len() / 2] / 1e3, hops.len());
    performance.push(Measured {
        name: "ring hop, median",
        value: median,
        unit: "µs",
        floor: 500.0,
    });
    Finding::pass(format!("{count} messages between two processes, none torn"))
}

fn overrun(reader: &mut Reader) -> Finding {
    let (before, mut words) = (reader.next_seq(), [0; 7]);
    let patience = Instant::now();
    while reader.lag() < SLOTS as u64 + 64 {
        if patience.elapsed() > PATIENCE {
            return Finding::fail("the writer stopped beside a slow reader", "report this");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    match reader.poll(&mut words) {
        Poll::Overrun { skipped } if reader.next_seq() == before + skipped => {
            Finding::pass(format!("a slow reader was told of {skipped} skipped messages"))
        }
        other => Finding::fail(format!("an overrun was reported as {other:?}"), "report this"),
    }
}

fn restart(path: &Path, child: Killed, mut reader: Reader) -> Finding {
    let epoch = reader.epoch();
    drop(child);
    let patience = Instant::now();
    let mut words = [0; 7];
    loop {
        while reader.poll(&mut words) != Poll::Empty {}
        match reader.wait(Wait::Sleep(Duration::from_millis(1)), Duration::from_millis(50)) {
            WaitOutcome::WriterGone => break,
            _ if patience.elapsed() > PATIENCE => {
                return Finding::fail("a killed writer was not noticed", "report this");
            }
            _ => {}
        }
    }
    let noticed = patience.elapsed().as_millis();
    match spawn(path).and_then(|child| attach(path, epoch).map(|reader| (child, reader))) {
        Ok((_child, reader)) => Finding::pass(format!(
            "a killed writer was noticed after {noticed} ms; its successor has epoch {}",
            reader.epoch()
        )),
        Err(what) => Finding::fail(what, "check /dev/shm and the limit of processes"),
    }
}

/// Writes a journal, cuts it inside its last record, recovers, and reads it back.
fn journal(dir: &Path) -> Result<Finding, String> {
    const RECORDS: u64 = 500;
    let text = |e: aegis_journal::JournalError| e.to_string();
    let config = JournalConfig { segment_bytes: 1 << 20, ..JournalConfig::default() };
    let mut writer = Writer::create(dir, b"{}", &config).map_err(text)?;
    for n in 0..RECORDS {
        let payload = [n as u8; 73];
        writer
            .append(Kind::Market, Source { epoch: 1, seq: n, position: n }, &payload)
            .map_err(text)?;
    }
    writer.flush().map_err(text)?;
    let bytes = writer.bytes();
    drop(writer);
    let segment = std::fs::read_dir(dir)
        .map_err(|e| e.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment-"))
        })
        .min()
        .ok_or("the journal has no segment")?;
    std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .and_then(|file| file.set_len(bytes - 20))
        .map_err(|e| e.to_string())?;
    let (writer, found) = Writer::resume(dir, &config).map_err(text)?;
    drop(writer);
    let mut reader = JournalReader::open(dir).map_err(text)?;
    let mut markets = 0;
    while let Some(record) = reader.next().map_err(text)? {
        markets += u64::from(record.kind == Kind::Market);
    }
    Ok(if markets == RECORDS - 1 && found.truncated_bytes > 0 {
        Finding::pass(format!(
            "cut inside the last of {RECORDS} records: {} bytes dropped, {markets} records kept",
            found.truncated_bytes
        ))
    } else {
        Finding::fail(
            format!(
                "{markets} of {RECORDS} records after a cut, {} bytes dropped",
                found.truncated_bytes
            ),
            "do not trade with this build",
        )
    })
}

fn database(options: &Options) -> Finding {
    let Ok(settings) = &options.settings else {
        return Finding::skip("the settings do not name one");
    };
    let url = match settings.store_url() {
        Some(url) => url.to_owned(),
        None => persist::sqlite_url(&options.home.join("aegis.db")),
    };
    match persist::reachable(&url) {
        Ok(which) => Finding::pass(which),
        Err(what) => {
            Finding::fail(what, "trading would go on without it, the read models would not")
        }
    }
}

fn space(path: &Path, needed: u64) -> Finding {
    match rustix::fs::statvfs(path) {
        Err(error) => Finding::fail(format!("{}: {error}", path.display()), "mount or create it"),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let line = format!("{}: {} MiB free", path.display(), free >> 20);
            if free < needed {
                Finding::fail(line, format!("free at least {} MiB", needed >> 20))
            } else {
                Finding::pass(line)
            }
        }
    }
}

/// Bytes a day of the journal at the present universe, and days left.
fn volume(options: &Options) -> Finding {
    let Ok(settings) = &options.settings else {
        return Finding::skip("the settings do not say how large the universe is");
    };
    let symbols = u64::from(settings.market().symbols);
    // Two facts a minute and symbol, at most 128 bytes each.
    let a_day = symbols * 1_440 * 2 * 128;
    match rustix::fs::statvfs(&options.home) {
        Err(error) => Finding::warn(format!("{error}"), "check AEGIS_HOME"),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            Finding::pass(format!(
                "at most {} MiB a day for {symbols} symbols of recorded candles: {} days left",
                a_day >> 20,
                free / a_day.max(1)
            ))
        }
    }
}

fn time() -> Finding {
    let (wall, first) = (clock::wall(), clock::monotonic());
    std::thread::sleep(Duration::from_millis(2));
    let passed = clock::monotonic().since(first);
    let year = wall.civil().0;
    if passed <= Nanos::ZERO || !(2024..2100).contains(&year) {
        return Finding::fail(
            format!("wall clock says year {year}, 2 ms took {} ns", passed.0),
            "set the machine's clock",
        );
    }
    Finding::pass(format!("{} UTC; a session measures its exchange's offset itself", wall.utc()))
}

//! How fast a journal takes market records, on this machine and disk.
//!
//! `cargo run --release -p aegis-journal --example append [FOLDER]`: 4 M records of 73 bytes of
//! payload, a flush every 256 (process durability), and reading all back; the resumption of a short
//! journal; then 2,000 records with a sync each (power). Medians; nothing else may run beside it.

use aegis_journal::{Config, Durability, JournalError, Kind, Reader, Source, Threaded, Writer};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

const RECORDS: u64 = 4_000_000;

fn rate(records: u64, start: Instant) -> f64 {
    records as f64 / start.elapsed().as_secs_f64()
}

/// Processor time of this thread in seconds: what remains true when other programs run beside it.
fn cpu() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

fn buffered(dir: &Path) -> Result<[f64; 4], JournalError> {
    let mut writer = Writer::create(dir, b"{}", &Config::default())?;
    let payload = [0x5a; 73];
    let (start, before) = (Instant::now(), cpu());
    for seq in 0..RECORDS {
        let source = Source { epoch: 1, seq, position: seq };
        writer.append(Kind::Market, source, black_box(&payload))?;
        if seq % 256 == 255 {
            writer.flush()?;
        }
    }
    writer.flush()?;
    let written = [rate(RECORDS, start), RECORDS as f64 / (cpu() - before)];
    writer.close()?;
    let mut reader = Reader::open(dir)?;
    let (start, before) = (Instant::now(), cpu());
    while let Some(record) = reader.next()? {
        black_box(record.payload);
    }
    let read = [rate(RECORDS, start), RECORDS as f64 / (cpu() - before)];
    Ok([written[0], written[1], read[0], read[1]])
}

fn power(dir: &Path, threaded: bool) -> Result<f64, JournalError> {
    let config = Config { durability: Durability::Power, ..Config::default() };
    let mut writer = Writer::create(dir, b"{}", &config)?;
    let records = 2_000;
    if threaded {
        let writer = Threaded::start(writer)?;
        let start = Instant::now();
        for _ in 0..records {
            let number = writer.append(Kind::Command, Source::default(), &[1; 50])?;
            writer.wait(number)?;
        }
        let rate = rate(records, start);
        writer.close()?;
        return Ok(rate);
    }
    let start = Instant::now();
    for _ in 0..records {
        writer.append(Kind::Command, Source::default(), &[1; 50])?;
        writer.flush()?;
    }
    Ok(rate(records, start))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = base.join(format!("aegis-journal-speed-{}", std::process::id()));
    let fresh = || {
        // Absent the first time.
        let _ = std::fs::remove_dir_all(&dir);
    };
    let median = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..5 {
        fresh();
        for (samples, value) in samples.iter_mut().zip(buffered(&dir)?) {
            samples.push(value);
        }
    }
    let [written, by_cpu, read, read_by_cpu] = samples.map(median);
    println!("process: {:.2} M records/s", written / 1e6);
    println!("process: {:.2} M records per second of processor time", by_cpu / 1e6);
    println!("reading: {:.2} M records/s", read / 1e6);
    println!("reading: {:.2} M records per second of processor time", read_by_cpu / 1e6);
    for durability in [Durability::Process, Durability::Power] {
        fresh();
        let config = Config { durability, ..Config::default() };
        let mut writer = Writer::create(&dir, b"{}", &config)?;
        for seq in 0..1_000 {
            writer.append(Kind::Market, Source { epoch: 1, seq, position: seq }, &[0; 73])?;
        }
        drop(writer); // as a crash would: the reserved space stays
        let start = Instant::now();
        let (_, recovery) = Writer::resume(&dir, &config)?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        println!("resume of {} records in {}: {ms:.1} ms", recovery.records, durability.name());
    }
    for threaded in [false, true] {
        let mut rates = Vec::new();
        for _ in 0..3 {
            fresh();
            rates.push(power(&dir, threaded)?);
        }
        println!("power, threaded {threaded}: {:.0} records/s", median(rates));
    }
    fresh();
    Ok(())
}

//! Writers killed at random moments, and what they leave.

use super::flow::{is_whole, message};
use super::partner::{Bench, PATIENCE, median, ready, text};
use aegis_ring::machine::ticks;
use aegis_ring::{Config, Poll, Reader, RingError, Writer};
use std::path::Path;
use std::time::Instant;

/// What the killed writers left.
pub(super) struct Kills {
    pub(super) kills: u32,
    pub(super) messages: f64,
    pub(super) torn: f64,
    pub(super) disordered: f64,
    /// From the kill to the successor's epoch being read.
    pub(super) recovery_p50_ms: f64,
    pub(super) recovery_max_ms: f64,
}

/// Kills writers at random moments and reads what they leave.
pub(super) fn kills(bench: &Bench, kills: u32) -> Result<Kills, String> {
    let path = bench.file("kills.ring");
    let (mut torn, mut disordered, mut messages) = (0_u64, 0_u64, 0_u64);
    let mut recoveries = Vec::with_capacity(kills as usize);
    let (mut epoch, mut draw) = (0, ticks() | 1);
    let mut killed_at = Instant::now();
    for round in 0..kills {
        let mut partner = bench.partner("endless", &path, &[])?;
        let mut reader = attach_newer(&path, epoch)?;
        epoch = reader.epoch();
        if round > 0 {
            recoveries.push(killed_at.elapsed().as_secs_f64() * 1e3);
        }
        // xorshift: the moment of the kill, up to 2 ms into the new writer's life.
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        let until = ticks() + bench.ticks((draw % 2_000_000) as f64);
        let mut expected = reader.next_seq();
        let mut take = |reader: &mut Reader, until: u64| {
            let mut words = [0; 7];
            while ticks() < until {
                match reader.poll(&mut words) {
                    Poll::Message { seq } => {
                        disordered += u64::from(seq != expected);
                        torn += u64::from(!is_whole(&words, seq ^ epoch));
                        expected = seq + 1;
                        messages += 1;
                    }
                    Poll::Overrun { skipped } => expected += skipped,
                    Poll::Empty if until == u64::MAX => return,
                    Poll::Empty => {}
                }
            }
        };
        take(&mut reader, until);
        killed_at = Instant::now();
        partner.kill()?;
        take(&mut reader, u64::MAX);
        disordered += u64::from(reader.writer_alive() || reader.lag() > 0);
    }
    let recovery_max_ms = recoveries.iter().copied().fold(0.0, f64::max);
    Ok(Kills {
        kills,
        messages: messages as f64,
        torn: torn as f64,
        disordered: disordered as f64,
        recovery_p50_ms: median(&mut recoveries),
        recovery_max_ms,
    })
}

fn attach_newer(path: &Path, epoch: u64) -> Result<Reader, String> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match Reader::attach(path) {
            Ok(reader) if reader.epoch() > epoch => return Ok(reader),
            Ok(_) | Err(RingError::NotFound { .. }) => {}
            Err(e) => return Err(text(e)),
        }
    }
    Err("no new epoch after a kill".to_owned())
}

pub(super) fn endless_child(path: &Path) -> Result<String, String> {
    ready();
    let mut writer = Writer::create(path, &Config::default()).map_err(text)?;
    let epoch = writer.epoch();
    loop {
        let seq = writer.published();
        writer.publish(&message(seq ^ epoch));
        if seq.is_multiple_of(64) {
            writer.flush();
        }
    }
}

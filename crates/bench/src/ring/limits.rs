//! What the machine itself can do between two cores.

use super::partner::{Bench, median, ready, spin_until, text};
use aegis_ring::machine::ticks;
use aegis_ring::shared::AtomicMap;
use std::path::Path;
use std::sync::atomic::Ordering;

pub(super) const HANDOVER_LINES: usize = 8_192;
pub(super) const HANDOVER_BLOCKS: u64 = 2_400;
pub(super) const PINGPONGS: u64 = 100_000;

/// The ping-pong's second word, if it is not on line 0 beside the first: far enough off for
/// cores that fetch lines in pairs.
pub(super) const PONG_LINE: usize = 2;
/// Hand-over: writer's flag, reader's flag, first line of the blocks.
const FILLED: usize = 0;
const EMPTIED: usize = 4;
const BLOCKS: usize = 64;

/// One way of a two-process ping-pong, ns; the second word lies on line `pong`.
pub(super) fn pingpong(bench: &Bench, pong: usize) -> Result<f64, String> {
    const CHUNK: u64 = 500;
    let path = bench.file("pingpong");
    let map = AtomicMap::create(&path, 2 * PONG_LINE).map_err(text)?;
    let partner = bench.partner("pong", &path, &[pong as u64, PINGPONGS])?;
    let (ping, pong) = (map.word(0), map.word(pong));
    let mut chunks = Vec::with_capacity((PINGPONGS / CHUNK) as usize);
    let mut from = ticks();
    for i in 1..=PINGPONGS {
        ping.store(2 * i - 1, Ordering::Release);
        spin_until(|| pong.load(Ordering::Acquire) == 2 * i)?;
        if i % CHUNK == 0 {
            let now = ticks();
            chunks.push(bench.ns(now - from) / (2 * CHUNK) as f64);
            from = now;
        }
    }
    partner.finish()?;
    Ok(median(&mut chunks))
}

pub(super) fn pong_child(path: &Path, line: u64, count: u64) -> Result<String, String> {
    let map = AtomicMap::open(path).map_err(text)?;
    let (ping, pong) = (map.word(0), map.word(line as usize));
    ready();
    for i in 1..=count {
        spin_until(|| ping.load(Ordering::Acquire) == 2 * i - 1)?;
        pong.store(2 * i, Ordering::Release);
    }
    Ok("0".to_owned())
}

/// Lines per second from one process to another in blocks, double-buffered.
pub(super) fn handover(bench: &Bench) -> Result<f64, String> {
    let path = bench.file("handover");
    let map = AtomicMap::create(&path, BLOCKS + 2 * HANDOVER_LINES).map_err(text)?;
    let partner = bench.partner("emptier", &path, &[])?;
    let (filled, emptied) = (map.word(FILLED), map.word(EMPTIED));
    for block in 0..HANDOVER_BLOCKS {
        spin_until(|| emptied.load(Ordering::Acquire) + 2 > block)?;
        let first = BLOCKS + (block & 1) as usize * HANDOVER_LINES;
        for i in 0..HANDOVER_LINES {
            for word in map.line(first + i) {
                word.store(block ^ i as u64, Ordering::Relaxed);
            }
        }
        filled.store(block + 1, Ordering::Release);
    }
    Ok(partner.finish()?[0])
}

pub(super) fn emptier_child(path: &Path, ticks_per_ns: f64) -> Result<String, String> {
    const CHUNK: u64 = 8;
    let map = AtomicMap::open(path).map_err(text)?;
    let (filled, emptied) = (map.word(FILLED), map.word(EMPTIED));
    ready();
    let (mut chunks, mut from, mut sum) = (Vec::new(), ticks(), 0_u64);
    for block in 0..HANDOVER_BLOCKS {
        spin_until(|| filled.load(Ordering::Acquire) > block)?;
        let first = BLOCKS + (block & 1) as usize * HANDOVER_LINES;
        for i in 0..HANDOVER_LINES {
            for word in map.line(first + i) {
                sum ^= word.load(Ordering::Relaxed);
            }
        }
        emptied.store(block + 1, Ordering::Release);
        if block % CHUNK == CHUNK - 1 {
            let now = ticks();
            let lines = (CHUNK * HANDOVER_LINES as u64) as f64;
            chunks.push(lines / ((now - from) as f64 / ticks_per_ns) * 1e9);
            from = now;
        }
    }
    std::hint::black_box(sum);
    Ok(median(&mut chunks).to_string())
}

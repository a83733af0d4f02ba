//! Messages through the ring: delay, rate, overrun, wake-up, a stopped reader.

use super::partner::{Bench, PATIENCE, median, quantiles, ready, spin_until, text};
use aegis_ring::machine::{self, pin_to_core, ticks, ticks_after_loads};
use aegis_ring::{Poll, Reader, Wait, WaitOutcome, Words, Writer};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) const LATENCY_MESSAGES: u64 = 100_000;
const LATENCY_GAP_NS: f64 = 2_000.0;
pub(super) const RATE_MESSAGES: u64 = 10_000_000;
const OVERRUN_MESSAGES: u64 = 20_000_000;
pub(super) const WAKE_MESSAGES: u64 = 2_000;
const WAKE_GAP_NS: f64 = 200_000.0;
const ACKNOWLEDGE_EVERY: u64 = 512;

/// A message that shows a tear: every word follows from its sequence.
#[inline(always)]
pub(super) fn message(seq: u64) -> Words {
    [seq ^ 7, seq, seq, seq, seq, seq, !seq]
}

#[inline(always)]
pub(super) fn is_whole(words: &Words, seq: u64) -> bool {
    words[0] == seq ^ 7
        && words[1] & words[2] & words[3] & words[4] & words[5] == seq
        && words[6] == !seq
}

/// Delay of messages at an even pace, ns one way.
pub(super) struct Latency {
    /// Without the cost of taking the two stamps.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// What taking the two stamps costs by itself.
    pub(super) clock: f64,
}

pub(super) fn latency(bench: &Bench) -> Result<Latency, String> {
    let (mut writer, path) = bench.ring(false)?;
    let partner = bench.partner("latency", &path, &[LATENCY_MESSAGES])?;
    let gap = bench.ticks(LATENCY_GAP_NS);
    let mut due = ticks() + gap;
    for seq in 0..LATENCY_MESSAGES {
        while ticks() < due {}
        due = ticks() + gap;
        let mut words = message(seq);
        words[0] = ticks();
        writer.publish(&words);
    }
    let got = partner.finish()?;
    let [clock, p50, p99] = [got[0], got[1], got[2]].map(|ticks| bench.ns(ticks as u64));
    Ok(Latency { p50: p50 - clock, p99: p99 - clock, clock })
}

pub(super) fn latency_child(path: &Path, count: u64) -> Result<String, String> {
    let mut reader = Reader::attach(path).map_err(text)?;
    // Touched beforehand: a page fault is not the ring's.
    let mut delays = vec![1_u64; count as usize];
    for delay in &mut delays {
        let from = std::hint::black_box(ticks());
        *delay = ticks_after_loads() - from;
    }
    let [clock, _] = quantiles(&mut delays);
    let mut words = [0; 7];
    ready();
    while reader.next_seq() < count {
        match reader.poll(&mut words) {
            Poll::Message { seq } => {
                // Two cores' counters may differ by a few ticks.
                let delay = ticks_after_loads().saturating_sub(words[0]);
                delays[seq as usize] = delay;
            }
            Poll::Empty => listen(&mut reader)?,
            Poll::Overrun { .. } => return Err("overrun at 2 µs a message".to_owned()),
        }
    }
    let [p50, p99] = quantiles(&mut delays);
    Ok(format!("{clock} {p50} {p99}"))
}

/// Waits on a core of its own.
fn listen(reader: &mut Reader) -> Result<(), String> {
    match reader.wait(Wait::Spin, PATIENCE) {
        WaitOutcome::Ready => Ok(()),
        other => Err(format!("waiting ended with {other:?}")),
    }
}

/// Lossless messages per second.
pub(super) struct Rate {
    /// Median over chunks of a run.
    pub(super) median: f64,
    /// Over the whole run.
    pub(super) mean: f64,
    pub(super) torn: f64,
    pub(super) unaccounted: f64,
}

pub(super) fn rate(bench: &Bench) -> Result<Rate, String> {
    let (mut writer, path) = bench.ring(true)?;
    let partner = bench.partner("rate", &path, &[RATE_MESSAGES])?;
    for seq in 0..RATE_MESSAGES {
        let words = message(seq);
        if !writer.try_publish(&words) {
            spin_until(|| {
                std::hint::spin_loop();
                writer.try_publish(&words)
            })?;
        }
    }
    writer.close();
    let got = partner.finish()?;
    let unaccounted = RATE_MESSAGES as f64 - got[3];
    Ok(Rate { median: got[0], mean: got[1], torn: got[2], unaccounted: unaccounted.abs() })
}

pub(super) fn rate_child(path: &Path, count: u64, ticks_per_ns: f64) -> Result<String, String> {
    let chunk = (count / 256).next_power_of_two();
    let mut reader = Reader::attach_from(path, 0).map_err(text)?;
    let (mut delivered, mut torn, mut words) = (0_u64, 0_u64, [0; 7]);
    let mut marks = Vec::with_capacity(1 << 10);
    ready();
    while delivered < count {
        match reader.poll(&mut words) {
            Poll::Message { seq } => {
                torn += u64::from(seq != delivered || !is_whole(&words, seq));
                delivered += 1;
                if delivered.is_multiple_of(ACKNOWLEDGE_EVERY) {
                    reader.acknowledge(delivered);
                    if delivered.is_multiple_of(chunk) {
                        marks.push(ticks());
                    }
                }
            }
            Poll::Empty => {
                reader.acknowledge(delivered);
                listen(&mut reader)?;
            }
            Poll::Overrun { skipped } => return Err(format!("lost {skipped} behind the gate")),
        }
    }
    let per_second =
        |messages: u64, ticks: u64| messages as f64 * 1e9 * ticks_per_ns / ticks as f64;
    let mut rates: Vec<f64> = marks.windows(2).map(|w| per_second(chunk, w[1] - w[0])).collect();
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    let mean = per_second(chunk * (marks.len() as u64 - 1), last - first);
    Ok(format!("{} {mean} {torn} {delivered}", median(&mut rates)))
}

/// A writer that does not care: everything is delivered or reported lost.
pub(super) struct Overrun {
    pub(super) sent: f64,
    pub(super) delivered: f64,
    pub(super) lost: f64,
    pub(super) torn: f64,
    pub(super) unaccounted: f64,
}

pub(super) fn overrun(bench: &Bench, runs: u32) -> Result<Overrun, String> {
    let mut all = Overrun { sent: 0.0, delivered: 0.0, lost: 0.0, torn: 0.0, unaccounted: 0.0 };
    for _ in 0..runs {
        let (mut writer, path) = bench.ring(false)?;
        let partner = bench.partner("overrun", &path, &[])?;
        for seq in 0..OVERRUN_MESSAGES {
            writer.publish(&message(seq));
        }
        writer.close();
        let got = partner.finish()?;
        all.sent += OVERRUN_MESSAGES as f64;
        all.delivered += got[0];
        all.lost += got[1];
        all.torn += got[2];
        all.unaccounted += (OVERRUN_MESSAGES as f64 - got[0] - got[1]).abs();
    }
    Ok(all)
}

pub(super) fn overrun_child(path: &Path) -> Result<String, String> {
    let mut reader = Reader::attach(path).map_err(text)?;
    let (mut delivered, mut torn, mut expected, mut words) = (0_u64, 0_u64, 0_u64, [0; 7]);
    ready();
    loop {
        match reader.poll(&mut words) {
            Poll::Message { seq } => {
                torn += u64::from(seq != expected || !is_whole(&words, seq));
                expected = seq + 1;
                delivered += 1;
            }
            Poll::Overrun { skipped } => expected += skipped,
            Poll::Empty => match reader.wait(Wait::Spin, PATIENCE) {
                WaitOutcome::Ready => {}
                WaitOutcome::Closed => break,
                other => return Err(format!("waiting ended with {other:?}")),
            },
        }
    }
    Ok(format!("{delivered} {} {torn}", reader.skipped()))
}

/// Delay of messages to a reader that has gone to sleep; medians over the runs.
pub(super) struct Wake {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// What the writer's flush costs.
    pub(super) flush_p50_ns: f64,
}

/// With or without a busy thread on the reader's core.
pub(super) fn wake(bench: &Bench, runs: usize, busy: bool) -> Result<Wake, String> {
    let (mut p50, mut p99, mut flush) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs.min(3) {
        let (mut writer, path) = bench.ring(false)?;
        let partner = bench.partner("wake", &path, &[WAKE_MESSAGES, u64::from(busy)])?;
        let gap = bench.ticks(WAKE_GAP_NS);
        let mut flushes = Vec::with_capacity(WAKE_MESSAGES as usize);
        let mut due = ticks() + gap;
        for seq in 0..WAKE_MESSAGES {
            while ticks() < due {
                std::hint::spin_loop();
            }
            // Open loop: a late reader does not slow the source.
            due += gap;
            let mut words = message(seq);
            words[0] = ticks();
            writer.publish(&words);
            let from = ticks();
            writer.flush();
            flushes.push(bench.ns(ticks() - from));
        }
        let got = partner.finish()?;
        p50.push(bench.ns(got[0] as u64) / 1e3);
        p99.push(bench.ns(got[1] as u64) / 1e3);
        flush.push(median(&mut flushes));
    }
    Ok(Wake {
        p50_us: median(&mut p50),
        p99_us: median(&mut p99),
        flush_p50_ns: median(&mut flush),
    })
}

pub(super) fn wake_child(
    path: &Path,
    count: u64,
    busy: bool,
    core: usize,
) -> Result<String, String> {
    let mut reader = Reader::attach(path).map_err(text)?;
    let stop = AtomicBool::new(false);
    let mut delays = std::thread::scope(|s| {
        if busy {
            s.spawn(|| {
                pin_to_core(core);
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        ready();
        let delays = wake_delays(&mut reader, count);
        stop.store(true, Ordering::Relaxed);
        delays
    })?;
    let [p50, p99] = quantiles(&mut delays);
    Ok(format!("{p50} {p99}"))
}

fn wake_delays(reader: &mut Reader, count: u64) -> Result<Vec<u64>, String> {
    let mut delays = Vec::with_capacity(count as usize);
    let mut words = [0; 7];
    while reader.next_seq() < count {
        match reader.poll(&mut words) {
            Poll::Message { .. } => {
                delays.push(ticks_after_loads().saturating_sub(words[0]));
            }
            Poll::Empty => match reader.wait(Wait::default(), PATIENCE) {
                WaitOutcome::Ready => {}
                other => return Err(format!("waiting ended with {other:?}")),
            },
            Poll::Overrun { .. } => return Err("overrun at 200 µs a message".to_owned()),
        }
    }
    Ok(delays)
}

/// The writer's rate with nobody attached, and with an attached reader that is stopped.
pub(super) struct Stopped {
    pub(super) alone: f64,
    pub(super) beside_stopped: f64,
}

pub(super) fn stopped_reader(bench: &Bench, runs: usize) -> Result<Stopped, String> {
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (mut writer, path) = bench.ring(false)?;
        alone.push(write_rate(bench, &mut writer));
        let partner = bench.partner("overrun", &path, &[])?;
        std::thread::sleep(Duration::from_millis(5));
        machine::pause_process(partner.child.id());
        beside.push(write_rate(bench, &mut writer));
    }
    Ok(Stopped { alone: median(&mut alone), beside_stopped: median(&mut beside) })
}

fn write_rate(bench: &Bench, writer: &mut Writer) -> f64 {
    const CHUNK: u64 = 1 << 15;
    let mut rates = Vec::with_capacity(256);
    let mut from = ticks();
    for _ in 0..256 {
        for _ in 0..CHUNK {
            writer.publish(&message(writer.published()));
        }
        let now = ticks();
        rates.push(CHUNK as f64 * 1e9 / bench.ns(now - from));
        from = now;
    }
    median(&mut rates)
}

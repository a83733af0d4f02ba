//! The feed process: facts of a source, past the data firewall, at a pace, into the ring.
//!
//! Recorded sources are gated: the feed waits for the place of the brain, whether or not a brain
//! holds it, so nothing recorded is ever skipped. Live sources are not, but for their past: the
//! market does not wait.

use crate::home::Home;
use crate::live::{Live, Source};
use crate::pace::{Pace, Speed};
use crate::protocol::{FeedReport, Order, Report, orders, send};
use crate::session::{self, Facts};
use crate::{EXIT_OK, Failure, clock};
use aegis_data::Refusals;
use aegis_ring::{Config, Writer};
use aegis_types::{Nanos, SymbolId, SymbolTable, Tick, TickBody};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// How often the feed reports, and so beats.
const REPORT_EVERY: Nanos = Nanos(100_000_000);
/// Longest wait for a live source: orders are looked for as often.
const PATIENCE: Nanos = Nanos(20_000_000);
/// So much that the brain has seen is fetched again: a symbol may have been behind the others. What
/// it has, it drops by time.
const OVERLAP_MS: i64 = 30 * 60_000;
/// Facts published between two looks at the clock.
const BATCH: u64 = 256;

/// What a feed is started with.
#[derive(Clone, Debug)]
pub struct Args {
    /// State folder.
    pub home: PathBuf,
    /// Run folder with `session.json`.
    pub run: PathBuf,
    /// Position in the source of the first fact to publish.
    pub position: u64,
    /// A live source: candles from here on are known to be wanted, ms since the epoch; 0 where its
    /// past begins.
    pub since_ms: i64,
    /// How fast.
    pub speed: Speed,
    /// Slots of the ring.
    pub slots: usize,
    /// Reads orders on stdin, and stops when it ends.
    pub supervised: bool,
}

struct Feed {
    ring: Writer,
    orders: Receiver<Option<Order>>,
    supervised: bool,
    report: FeedReport,
    reported: Nanos,
}

impl Feed {
    fn open(args: &Args, home: &Home, gated: bool, position: u64) -> Result<Self, Failure> {
        let config = Config { capacity: args.slots, gated, base: position };
        let ring = Writer::create(&home.ring(), &config).map_err(|error| {
            Failure::failed(error.to_string(), "stop the other feed, or use another AEGIS_HOME")
        })?;
        let report = FeedReport { epoch: ring.epoch(), position, ..FeedReport::default() };
        Ok(Self {
            ring,
            orders: orders(args.supervised),
            supervised: args.supervised,
            report,
            reported: Nanos::ZERO,
        })
    }

    fn ready(&self, started: Nanos) {
        let after_ms = clock::monotonic().since(started).0 as f64 / 1e6;
        let position = self.report.position;
        if self.supervised {
            send(&Report::Ready { after_ms, position, epoch: self.report.epoch, time_ms: 0 });
        }
        tracing::info!(position, epoch = self.report.epoch, "feed ready");
    }

    /// Told to stop, or left alone by the orchestrator?
    fn stopped(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Err(TryRecvError::Empty) => return false,
                Ok(Some(Order::Condition { .. } | Order::Operator { .. } | Order::Live { .. })) => {
                }
                Ok(Some(Order::Stop) | None) | Err(TryRecvError::Disconnected) => return true,
            }
        }
    }

    fn beat(&mut self, now: Nanos) {
        if now.since(self.reported) >= REPORT_EVERY {
            self.reported = now;
            self.ring.heartbeat(now.0);
            self.report.published = self.ring.published();
            self.say();
        }
    }

    /// Nothing that the data firewall refused goes unsaid.
    fn refusals(&mut self, refusals: &Refusals) {
        for reason in aegis_data::Reason::ALL {
            let count = refusals.count(*reason);
            if count > 0 {
                self.report.refused.insert(reason.code().to_owned(), count);
            }
        }
        for e in refusals.examples().iter().skip(self.report.refused_examples.len()) {
            let line = format!("{}: {}: {}", e.place, e.reason.code(), e.detail);
            tracing::warn!("refused by the data firewall: {line}");
            self.report.refused_examples.push(line);
        }
    }

    fn say(&self) {
        if self.supervised {
            send(&Report::Feed(self.report.clone()));
        }
    }

    /// Publishes one fact, waiting for the gate. Returns false when told to stop.
    fn publish(&mut self, tick: &Tick) -> bool {
        let words = Tick { received_us: clock::stamp_us(), ..*tick }.to_words();
        while !self.ring.try_publish(&words) {
            let mut waits = 64;
            if self.ring.publish_gated(&words, || {
                waits -= 1;
                waits > 0
            }) {
                break;
            }
            if self.stopped() {
                return false;
            }
            self.beat(clock::monotonic());
        }
        self.report.position += 1;
        true
    }
}

/// Runs a feed until its source has ended and everything was taken, or it is told to stop.
///
/// # Errors
/// When the session, its data or the ring cannot be used.
pub fn run(args: &Args) -> Result<i32, Failure> {
    let started = clock::monotonic();
    // It writes nothing into the state folder, and may not.
    let home = Home::of_running(&args.home);
    let session = session::load(&args.run)?;
    if let Some(source) = session::source(&args.run)? {
        return live(args, &home, &source, &session.symbols, started);
    }
    let mut facts = session::facts(&session)?;
    let position = skip(&mut facts, args.position)?;
    let mut feed = Feed::open(args, &home, true, position)?;
    feed.ready(started);
    let ended = pump(&mut feed, &mut facts, args.speed, session.trade_from)?;
    feed.refusals(&facts.refusals());
    finish(feed, ended)
}

/// Brings an exchange's markets into the ring until told to stop. Ready is said when the past is
/// told and the streams follow.
fn live(
    args: &Args,
    home: &Home,
    source: &Source,
    symbols: &SymbolTable,
    started: Nanos,
) -> Result<i32, Failure> {
    let mut feed = Feed::open(args, home, false, args.position)?;
    let since = (args.since_ms > 0)
        .then(|| args.since_ms.saturating_sub(OVERLAP_MS).max(source.history_from_ms));
    let mut live = Live::new(source, symbols, since, args.slots)?;
    let mut said = false;
    while !feed.stopped() {
        live.turn(&mut feed.ring, PATIENCE);
        let now = clock::monotonic();
        let is_first = live.is_live() && !said;
        if is_first || now.since(feed.reported) >= REPORT_EVERY {
            feed.report.position = args.position + feed.ring.published();
            feed.report.live = Some(live.report());
            feed.refusals(live.refusals());
        }
        if is_first {
            said = true;
            feed.ready(started);
        }
        feed.beat(now);
    }
    finish(feed, false)
}

/// Passes over `position` facts. Returns how many there were: a position behind the end marker,
/// which is not a fact, must not move the marker.
fn skip(
    facts: &mut impl Iterator<Item = Result<Tick, aegis_data::DataError>>,
    position: u64,
) -> Result<u64, Failure> {
    for skipped in 0..position {
        match facts.next() {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(session::data_failure(error)),
            None => return Ok(skipped),
        }
    }
    Ok(position)
}

/// Publishes facts until the source ends (true) or the feed is told to stop (false).
///
/// What comes before `trade_from` only warms up: nobody wants to watch it at a pace.
fn pump(
    feed: &mut Feed,
    facts: &mut Facts,
    speed: Speed,
    trade_from: Nanos,
) -> Result<bool, Failure> {
    let (mut at_once, mut pace) = (Pace::new(Speed::Max), Pace::new(speed));
    for fact in facts.by_ref() {
        let tick = fact.map_err(session::data_failure)?;
        let paced = speed != Speed::Max && tick.at >= trade_from;
        if paced || feed.report.position.is_multiple_of(BATCH) {
            let pace = if paced { &mut pace } else { &mut at_once };
            if !wait_until_due(feed, pace, tick.at) {
                return Ok(false);
            }
            feed.beat(clock::monotonic());
        }
        if !feed.publish(&tick) {
            return Ok(false);
        }
    }
    let end = Tick {
        symbol: SymbolId(0),
        derived: false,
        at: Nanos::ZERO,
        received_us: 0,
        body: TickBody::End,
    };
    Ok(feed.publish(&end))
}

fn wait_until_due(feed: &mut Feed, pace: &mut Pace, at: Nanos) -> bool {
    loop {
        let now = clock::monotonic();
        let wait = pace.step(now, at);
        if wait == Nanos::ZERO {
            return !feed.stopped();
        }
        feed.ring.flush();
        feed.beat(now);
        if feed.stopped() {
            return false;
        }
        std::thread::sleep(Duration::from_nanos(wait.min(Nanos(50_000_000)).0.max(0) as u64));
    }
}

/// Waits until the brain has taken everything, then closes the ring.
fn finish(mut feed: Feed, ended: bool) -> Result<i32, Failure> {
    feed.ring.flush();
    while ended && feed.ring.gate() < feed.ring.published() && !feed.ring.gate_lifted() {
        if feed.stopped() {
            break;
        }
        feed.beat(clock::monotonic());
        std::thread::sleep(Duration::from_millis(2));
    }
    feed.ring.close();
    feed.report.done = ended;
    // The end marker is not a fact.
    feed.report.published = feed.ring.published() - u64::from(ended);
    feed.say();
    tracing::info!(published = feed.report.published, done = ended, "feed ends");
    Ok(EXIT_OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_behind_the_end_is_the_end() {
        let fact = Tick {
            symbol: SymbolId(0),
            derived: false,
            at: Nanos::ZERO,
            received_us: 0,
            body: TickBody::End,
        };
        let facts = || std::iter::repeat_n(fact, 3).map(Ok);
        assert_eq!(skip(&mut facts(), 2), Ok(2));
        // The brain took the end marker too, then both died: the marker keeps its place.
        assert_eq!(skip(&mut facts(), 4), Ok(3));
    }
}

//! What flows through the pipes between the orchestrator and its children: one JSON object a line.
//!
//! A child's stdin carries [`Order`]s; its end means that the orchestrator is gone. A child's
//! stdout carries [`Report`]s; each one is also a heartbeat.

use crate::alerts::Told;
use crate::latency::Quantiles;
use crate::live::LiveReport;
use aegis_backtest::ControlReport;
use aegis_types::{Condition, Operator, RiskMemory};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// From the orchestrator to a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Stop in good order.
    Stop,
    /// An operator's command, for the brain.
    Operator {
        /// What is asked.
        what: Operator,
        /// Comes back in [`Report::Applied`].
        request: u64,
    },
    /// A condition from outside, for the brain; one that it knows already changes nothing.
    Condition {
        /// Which, and whether it holds.
        condition: Condition,
    },
    /// A live feed listens, for the brain: every fact that is told from now on reaches its ring.
    Live {
        /// Epoch of the feed's ring.
        epoch: u64,
        /// Facts of the past that it published first.
        facts: u64,
    },
}

/// From a child to the orchestrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// The child is ready to work.
    Ready {
        /// Milliseconds since the process started.
        after_ms: f64,
        /// Position in the source of the next fact: what is before it is in the journal's file.
        #[serde(default)]
        position: u64,
        /// A live feed: epoch of its ring.
        #[serde(default)]
        epoch: u64,
        /// A brain: time of its last event, milliseconds since the epoch; 0 before the first.
        #[serde(default)]
        time_ms: i64,
    },
    /// How far the feed is.
    Feed(FeedReport),
    /// How far the brain is.
    Brain(Box<BrainReport>),
    /// An operator's command has been applied and journalled.
    Applied {
        /// The request it answers.
        request: u64,
        /// Why it changed nothing, when it did not.
        refused: Option<String>,
    },
    /// A person has to know something.
    Alert(Told),
    /// The child failed and is about to exit.
    Failed {
        /// What happened and why.
        what: String,
        /// What to do.
        hint: String,
        /// A restart would fail in the same way.
        permanent: bool,
    },
}

/// How far the feed is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedReport {
    /// Facts published by this process.
    pub published: u64,
    /// Position in the source of the next fact.
    pub position: u64,
    /// Epoch of the ring that it writes.
    pub epoch: u64,
    /// Everything has been published and taken.
    pub done: bool,
    /// Facts refused by the data firewall, by reason.
    pub refused: std::collections::BTreeMap<String, u64>,
    /// The first few refusals, as text.
    pub refused_examples: Vec<String>,
    /// How a live source fares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveReport>,
}

/// One row of the live table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MarketRow {
    /// Symbol name.
    pub symbol: String,
    /// Last price.
    pub price: String,
    /// Change over the last 24 h, as a ratio.
    pub change: f64,
    /// RSI of 1m, if warm.
    pub rsi: Option<f64>,
    /// ATR of 15m as a ratio of the price, if warm.
    pub atr: Option<f64>,
    /// Newest structure, as text.
    pub structure: String,
}

/// One open position of the live table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PositionRow {
    /// Symbol name.
    pub symbol: String,
    /// `long` or `short`.
    pub side: String,
    /// Quantity.
    pub qty: String,
    /// Entry price.
    pub entry: String,
    /// Stop price.
    pub stop: String,
    /// Target price.
    pub target: String,
    /// Unrealised profit.
    pub unrealized: String,
    /// Confidence of the entry.
    pub confidence: f64,
    /// Is the stop acknowledged?
    pub protected: bool,
}

/// Orders by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderOutcomes {
    /// Submitted.
    pub sent: u64,
    /// Accepted by the venue.
    pub accepted: u64,
    /// Filled wholly.
    pub filled: u64,
    /// Refused by the venue.
    pub rejected: u64,
    /// Outcome unknown at present.
    pub unknown: u64,
    /// Accepted over sent; 1 when none was sent.
    pub success_rate: f64,
}

/// The way to an exchange on the wire, as its client sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WayReport {
    /// Conditions that hold; none when all is well.
    pub conditions: Vec<String>,
    /// How often one has begun or ended.
    pub condition_changes: u64,
    /// How long ago the exchange last showed the stop of the position whose stop it showed longest
    /// ago, in ms; none while nothing is held.
    pub protection_age_ms: Option<i64>,
    /// Orders and positions on the account that are not ours.
    pub foreign: usize,
    /// Orders whose outcome is not known.
    pub unknown: usize,
    /// The exchange's clock less ours, in ms.
    pub clock_offset_ms: i64,
    /// Requests sent.
    pub requests: u64,
    /// How often the exchange refused to listen: 429, 418, 403.
    pub refusals: u32,
    /// Weight used in the current minute, and its limit.
    pub weight: (u32, u32),
    /// Requests that the gateway stopped because nothing approved them.
    pub stopped: u64,
    /// Orders that it stopped because too many left in that time.
    pub capped: u64,
    /// Nothing is sent any more: this program is fenced off.
    pub fenced: bool,
}

/// How far the brain is, and what a person would like to see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrainReport {
    /// Engine time, milliseconds since the epoch.
    pub time_ms: i64,
    /// Facts read from the ring by this process.
    pub read: u64,
    /// Facts that a ring overrun skipped.
    pub overruns: u64,
    /// Facts lost for good.
    pub lost: u64,
    /// Facts between the ring's tail and the brain.
    pub lag: u64,
    /// Slots of the ring.
    pub capacity: u64,
    /// Position in the source of the next fact.
    pub position: u64,
    /// Records in the journal.
    pub records: u64,
    /// Its volume, and from where it would recover.
    #[serde(default)]
    pub journal: JournalReport,
    /// Closed 1m candles.
    pub candles: u64,
    /// Signals formed.
    pub signals: u64,
    /// Trades closed.
    pub trades: u64,
    /// Orders by outcome.
    pub orders: OrderOutcomes,
    /// Delay from the feed's stamp to an order at the venue's door, µs.
    pub tick_to_order_us: Quantiles,
    /// Wallet balance.
    pub wallet: String,
    /// Wallet plus unrealised profit.
    pub equity: String,
    /// May entries be made?
    pub entries: bool,
    /// ACTIVE, REDUCING or HALTED.
    pub state: String,
    /// Why no entries are made.
    pub causes: Vec<String>,
    /// The engine's controls by name.
    pub controls: BTreeMap<String, ControlReport>,
    /// The way to the exchange, where orders go by the wire.
    pub venue: Option<WayReport>,
    /// Markets.
    pub markets: Vec<MarketRow>,
    /// Open positions.
    pub positions: Vec<PositionRow>,
    /// Newest things that happened, as text, oldest first.
    pub news: Vec<String>,
    /// What the store has to say, when not well.
    pub store: String,
    /// The run has ended and its summary is written.
    pub finished: bool,
    /// What the next session has to know of losses, where orders go to an exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskMemory>,
}

/// A journal's volume, and from where it would recover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JournalReport {
    /// Records in it.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The first record that the newest snapshot has not seen; 0 without one.
    pub last_snapshot_record: u64,
    /// Bytes of a day of market time, at the rate so far.
    pub bytes_per_day: u64,
}

/// Writes one report line to stdout; an orchestrator that is gone is noticed on stdin.
pub fn send(report: &Report) {
    if let Ok(line) = serde_json::to_string(report) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
}

/// Where a child's orders come from: the orchestrator's pipe, whose end (`None`) means that the
/// orchestrator is gone; or, for a child started alone, SIGINT and SIGTERM.
pub fn orders(supervised: bool) -> Receiver<Option<Order>> {
    let (to, from) = channel();
    std::thread::spawn(move || if supervised { from_pipe(&to) } else { from_signals(&to) });
    from
}

fn from_pipe(to: &Sender<Option<Order>>) {
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(order) => {
                if to.send(Some(order)).is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%line, %error, "order of the orchestrator not read"),
        }
    }
    let _ = to.send(None);
}

fn from_signals(to: &Sender<Option<Order>>) {
    let signals = Signals::watch();
    while signals.interrupts() + signals.terminations() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let _ = to.send(Some(Order::Stop));
}

/// SIGINT and SIGTERM as counters.
pub struct Signals {
    interrupts: Arc<AtomicUsize>,
    terminations: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts watching. Where a handler cannot be set, the signal keeps its default effect.
    pub fn watch() -> Self {
        let watch = |signal| {
            let seen = Arc::new(AtomicBool::new(false));
            if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&seen)) {
                tracing::warn!(%error, signal, "signal cannot be watched");
            }
            let count = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&count);
            // A flag that is taken down at once, so that a second Ctrl-C counts as a second one.
            std::thread::spawn(move || {
                loop {
                    if seen.swap(false, Ordering::Relaxed) {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            });
            count
        };
        Self {
            interrupts: watch(signal_hook::consts::SIGINT),
            terminations: watch(signal_hook::consts::SIGTERM),
        }
    }

    /// How often Ctrl-C was pressed.
    pub fn interrupts(&self) -> usize {
        self.interrupts.load(Ordering::Relaxed)
    }

    /// How many SIGTERM came.
    pub fn terminations(&self) -> usize {
        self.terminations.load(Ordering::Relaxed)
    }
}

//! What a run did: the object that `aegis backtest --json` prints, and that the demo's begins with.
//!
//! Counts are integers, money and prices decimal strings, ratios numbers; a ratio without meaning
//! is null. Keys keep the order of the fields below.

use crate::session::Execution;
use crate::stats::Group;
use aegis_data::{Example, Reason, Refusals};
use aegis_engine::{Control, Engine};
use aegis_types::{Money, Position, Px, Qty, SymbolTable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The session: 16 hex digits.
    pub session: String,
    /// Version of the program.
    pub version: String,
    /// Commit that it was built from.
    pub commit: String,
    /// `development`, `testnet` or `production`.
    pub environment: String,
    /// Who executed its orders.
    #[serde(default)]
    pub execution: Execution,
    /// Where trading began (UTC): the first fact, or the end of the warm-up that was asked for.
    pub from: Option<String>,
    /// The last fact (UTC).
    pub until: Option<String>,
    /// Inputs of the engine of any kind.
    pub events: u64,
    /// Closed 1m candles.
    pub candles: u64,
    /// Market facts: two a candle for recorded files.
    pub ticks: u64,
    /// How many symbols.
    pub symbols: u64,
    /// Their names, in the order of their ids.
    pub symbol_names: Vec<String>,
    /// Signals formed.
    pub signals: u64,
    /// Of these, long ones.
    pub signals_long: u64,
    /// Of these, short ones.
    pub signals_short: u64,
    /// Order commands sent.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Positions closed.
    pub trades: u64,
    /// Of these, long ones.
    pub trades_long: u64,
    /// Of these, short ones.
    pub trades_short: u64,
    /// Positions closed to make room for a stronger signal.
    pub rotations: u64,
    /// Signals turned away, by the code of the reason.
    pub rejections: BTreeMap<String, u64>,
    /// Orders refused by the venue, by the code of the reason.
    pub order_rejections: BTreeMap<String, u64>,
    /// Most positions open, in flight or unknown at once.
    pub max_open_positions: u64,
    /// Largest entry notional over isolated margin of any position.
    pub max_leverage: f64,
    /// Largest total notional over equity.
    pub max_exposure: f64,
    /// Absolute path of the journal; null when none was written.
    pub journal: Option<String>,
    /// SHA-256 over the canonical bytes of every order command, hex.
    pub digest: String,
    /// The deposit.
    pub equity_start: Money,
    /// Wallet and unrealised profit at the last prices; nothing is closed by force.
    pub equity_end: Money,
    /// The wallet alone.
    pub wallet_end: Money,
    /// Profit of all fills before fees: `wallet_end = equity_start + realized − fees + funding`.
    pub realized: Money,
    /// Fees of all fills, positive.
    pub fees: Money,
    /// Funding received (negative: paid).
    pub funding: Money,
    /// Gains over losses of closed trades; null while nothing was lost.
    pub profit_factor: Option<f64>,
    /// Mean R-multiple of closed trades; null without trades.
    pub expectancy_r: Option<f64>,
    /// Share of trades that ended above zero; null without trades.
    pub win_rate: Option<f64>,
    /// Largest fall of equity from a peak, as a fraction of the peak, sampled each minute.
    pub max_drawdown: f64,
    /// Fraction of the minutes of trading that ended with something held.
    pub exposure: f64,
    /// Mean notional over equity, over all minutes of trading.
    pub exposure_average: f64,
    /// By symbol.
    pub by_symbol: BTreeMap<String, SymbolReport>,
    /// Closed trades by the reason of their exit.
    pub by_reason: BTreeMap<String, GroupReport>,
    /// Closed trades by `long` and `short`.
    pub by_side: BTreeMap<String, GroupReport>,
    /// What became of the orders.
    pub order_outcomes: OrderOutcomes,
    /// The engine's controls by name, as `docs/controls.md` lists them.
    pub controls: BTreeMap<String, ControlReport>,
    /// Positions that the data ended on.
    pub open_at_end: Vec<OpenPosition>,
    /// What was assumed where the data is silent.
    pub assumptions: Vec<String>,
    /// Rows of the source that the firewall refused, by reason.
    pub refusals: BTreeMap<String, u64>,
    /// The first of them, with their places.
    pub refusal_examples: Vec<String>,
    /// Wall time of the run in seconds.
    pub wall_s: f64,
}

impl Report {
    /// With what the source's firewall refused.
    #[must_use]
    pub fn with_refusals(mut self, refusals: &Refusals) -> Self {
        let counted = Reason::ALL.iter().map(|reason| (reason.code(), refusals.count(*reason)));
        self.refusals = counted.filter(|(_, n)| *n > 0).map(|(code, n)| (code.into(), n)).collect();
        let line = |e: &Example| format!("{}: {}: {}", e.place, e.reason.code(), e.detail);
        self.refusal_examples = refusals.examples().iter().map(line).collect();
        self
    }
}

/// One control of the engine at the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlReport {
    /// What is used of it; 0 where it is only passed or not.
    pub used: f64,
    /// The most that was ever used.
    pub high_water: f64,
    /// What is allowed; 0 where it is switched off.
    pub limit: f64,
    /// How often it has refused an entry, or acted.
    pub refused: u64,
}

/// The controls of an engine, by name.
pub fn control_reports<B>(engine: &Engine<B>) -> BTreeMap<String, ControlReport> {
    let of = |control: Control| {
        let Control { name, used, high_water, limit, refused } = control;
        (name.to_owned(), ControlReport { used, high_water, limit, refused })
    };
    engine.controls().map(of).into()
}

/// Closed trades of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// How many.
    pub trades: u64,
    /// How many ended above zero.
    pub wins: u64,
    /// Sum of the nets.
    pub net: Money,
    /// Fees of entries and exits, positive.
    pub fees: Money,
    /// Funding received (negative: paid).
    pub funding: Money,
    /// Gains over losses; null while nothing was lost.
    pub profit_factor: Option<f64>,
    /// Mean R-multiple; null without trades.
    pub expectancy_r: Option<f64>,
}

impl GroupReport {
    /// The figures of a group.
    pub fn of(group: &Group) -> Self {
        Self {
            trades: group.trades(),
            wins: group.wins(),
            net: group.net(),
            fees: group.fees(),
            funding: group.funding(),
            profit_factor: group.profit_factor(),
            expectancy_r: group.expectancy_r(),
        }
    }
}

/// One symbol's part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SymbolReport {
    /// Closed 1m candles.
    pub candles: u64,
    /// Signals formed.
    pub signals: u64,
    /// Signals turned away.
    pub denied: u64,
    /// Order commands sent.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Its closed trades.
    #[serde(flatten)]
    pub closed: GroupReport,
}

/// What became of the orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderOutcomes {
    /// Handed to the venue.
    pub sent: u64,
    /// Acknowledged.
    pub accepted: u64,
    /// Executed wholly.
    pub filled: u64,
    /// Refused.
    pub rejected: u64,
    /// Taken back.
    pub canceled: u64,
    /// Ended by the venue.
    pub expired: u64,
    /// Outcome unknown at some time.
    pub unknown: u64,
    /// Share of the sent that were neither refused nor unknown; null when none was sent.
    pub success_rate: Option<f64>,
}

/// A position that the data ended on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenPosition {
    /// The exchange's name.
    pub symbol: String,
    /// `long` or `short`.
    pub side: String,
    /// Base quantity.
    pub qty: Qty,
    /// Average entry price.
    pub entry_px: Px,
    /// Where the protective stop rests.
    pub stop: Px,
    /// Where the target rests.
    pub target: Px,
    /// First fill (UTC).
    pub opened_at: String,
    /// Profit at the last price, before the exit fee.
    pub unrealized: Money,
    /// Fees paid so far.
    pub fees: Money,
    /// Funding received (negative: paid) so far.
    pub funding: Money,
}

impl OpenPosition {
    /// From the engine's view, with the symbol's name.
    pub fn of(position: &Position, symbols: &SymbolTable) -> Self {
        Self {
            symbol: symbols.name(position.symbol).into(),
            side: position.side.position_name().into(),
            qty: position.qty,
            entry_px: position.entry_px,
            stop: position.stop,
            target: position.target,
            opened_at: position.opened_at.utc().to_string(),
            unrealized: position.unrealized,
            fees: position.fees,
            funding: position.funding,
        }
    }
}

/// The counts that are not zero, by code.
pub(crate) fn by_code(
    codes: impl Iterator<Item = &'static str>,
    counts: &[u64],
) -> BTreeMap<String, u64> {
    let counted = codes.zip(counts).filter(|(_, n)| **n > 0);
    counted.map(|(code, n)| (code.into(), *n)).collect()
}

//! Counting what passes the driver. One tally serves backtest, demo and replay alike.
//!
//! Everything that is known at the start has its place at the start: nothing is allocated per
//! event, so a tally may sit on the tick path.

use crate::report::{
    GroupReport, OpenPosition, OrderOutcomes, Report, SymbolReport, by_code, control_reports,
};
use crate::session::{Execution, Session};
use crate::stats::{Curve, Group};
use aegis_engine::Engine;
use aegis_journal::OrderDigest;
use aegis_types::{
    AccountUpdate, ClientOrderId, Command, DenialCode, Event, EventBody, Money, Nanos, Notice,
    OrderReason, OrderUpdate, RejectCode, Side, SymbolId, SymbolTable, Tick, TickBody,
};
use serde::{Deserialize, Serialize};

/// The plain counts of a run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events of any kind that the engine saw.
    pub events: u64,
    /// Market facts, the end mark of a source not counted.
    pub ticks: u64,
    /// Closed 1m candles.
    pub candles: u64,
    /// Signals formed.
    pub signals: u64,
    /// Of these, long ones.
    pub signals_long: u64,
    /// Signals turned away by risk or portfolio.
    pub denied: u64,
    /// Order commands sent.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Positions closed.
    pub trades: u64,
    /// Positions closed to make room for a stronger signal.
    pub rotations: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct PerSymbol {
    candles: u64,
    signals: u64,
    denied: u64,
    orders: u64,
    fills: u64,
    closed: Group,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Outcomes {
    accepted: u64,
    filled: u64,
    rejected: u64,
    canceled: u64,
    expired: u64,
}

/// What of a tally its session says.
#[derive(Clone, Debug, Default)]
struct About {
    session: String,
    version: String,
    commit: String,
    environment: String,
    execution: Execution,
    symbols: SymbolTable,
    assumptions: Vec<String>,
    trade_from: Nanos,
}

/// Counts events, commands and notices; makes the [`Report`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// No part of what is written down: see [`Tally::restore`].
    #[serde(skip)]
    about: About,

    counts: Counts,
    per_symbol: Vec<PerSymbol>,
    #[serde(with = "aegis_types::array")]
    denials: [u64; DenialCode::ALL.len()],
    #[serde(with = "aegis_types::array")]
    rejects: [u64; RejectCode::ALL.len()],
    #[serde(with = "aegis_types::array")]
    by_reason: [Group; OrderReason::ALL.len()],
    by_side: [Group; 2],
    all: Group,
    outcomes: Outcomes,
    /// Orders whose outcome nobody knows at present: as good as always none.
    unknown: Vec<ClientOrderId>,
    realized: Money,
    fees: Money,
    funding: Money,
    #[serde(with = "crate::snapshot::digest")]
    digest: OrderDigest,

    deposit: Option<Money>,
    curve: Curve,
    minutes: u64,
    minute: Nanos,
    first: Option<Nanos>,
    last: Option<Nanos>,
}

impl Tally {
    /// An empty tally of a session.
    pub fn new(session: &Session) -> Self {
        let about = About {
            session: session.id.clone(),
            version: session.version.clone(),
            commit: session.commit.clone(),
            environment: session.environment.clone(),
            execution: session.execution,
            symbols: session.symbols.clone(),
            assumptions: session.assumptions.clone(),
            trade_from: session.trade_from,
        };
        Self {
            about,
            counts: Counts::default(),
            per_symbol: vec![PerSymbol::default(); session.symbols.len()],
            denials: [0; DenialCode::ALL.len()],
            rejects: [0; RejectCode::ALL.len()],
            by_reason: [Group::default(); OrderReason::ALL.len()],
            by_side: [Group::default(); 2],
            all: Group::default(),
            outcomes: Outcomes::default(),
            unknown: Vec::with_capacity(64),
            realized: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            digest: OrderDigest::new(),
            deposit: None,
            curve: Curve::new(Money::ZERO),
            minutes: 0,
            minute: Nanos(i64::MIN),
            first: None,
            last: None,
        }
    }

    /// Becomes what `state` was when it was written down, in this tally's session; false when it
    /// is of another number of symbols.
    pub fn restore(&mut self, mut state: Self) -> bool {
        let fits = state.per_symbol.len() == self.per_symbol.len();
        if fits {
            std::mem::swap(&mut self.about, &mut state.about);
            *self = state;
        }
        fits
    }

    /// The plain counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The digest of all orders so far.
    pub fn digest(&self) -> String {
        self.digest.hex()
    }

    /// Market time from the first fact to the last.
    pub fn span(&self) -> Nanos {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            _ => Nanos::ZERO,
        }
    }

    /// The digest itself, to go on from there.
    pub const fn order_digest(&self) -> &OrderDigest {
        &self.digest
    }

    /// The table of names that ids refer to.
    pub const fn symbols(&self) -> &SymbolTable {
        &self.about.symbols
    }

    fn of(&mut self, symbol: SymbolId) -> Option<&mut PerSymbol> {
        self.per_symbol.get_mut(symbol.index())
    }

    /// Counts an event, in the order in which the engine sees them.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        self.counts.events += 1;
        match &event.body {
            EventBody::Market(tick) => self.market(event.at, tick),
            EventBody::Order { id, symbol, update } => self.order(*id, *symbol, update),
            EventBody::Account(update) => self.account(update),
            EventBody::Timer { .. }
            | EventBody::Operator(_)
            | EventBody::Condition(_)
            | EventBody::Memory(_) => {}
        }
    }

    fn market(&mut self, at: Nanos, tick: &Tick) {
        if tick.body == TickBody::End {
            return;
        }
        self.counts.ticks += 1;
        if let TickBody::Candle { .. } = tick.body {
            self.counts.candles += 1;
            if let Some(symbol) = self.of(tick.symbol) {
                symbol.candles += 1;
            }
            if at != self.minute && at > self.about.trade_from {
                self.minutes += 1;
            }
            self.minute = at;
        }
        self.first = self.first.or(Some(at));
        self.last = Some(at);
    }

    fn order(&mut self, id: ClientOrderId, symbol: SymbolId, update: &OrderUpdate) {
        if !self.unknown.is_empty() {
            self.unknown.retain(|unknown| *unknown != id);
        }
        match update {
            OrderUpdate::Accepted => self.outcomes.accepted += 1,
            OrderUpdate::Rejected { code } => {
                self.outcomes.rejected += 1;
                self.rejects[*code as usize] += 1;
            }
            OrderUpdate::Filled { fill } => {
                self.counts.fills += 1;
                if fill.leaves.is_zero() {
                    self.outcomes.filled += 1;
                }
                self.realized = self.realized.saturating_plus(fill.realized);
                self.fees = self.fees.saturating_plus(fill.fee);
                if let Some(symbol) = self.of(symbol) {
                    symbol.fills += 1;
                }
            }
            OrderUpdate::Canceled => self.outcomes.canceled += 1,
            OrderUpdate::Expired => self.outcomes.expired += 1,
            OrderUpdate::Unknown => self.unknown.push(id),
        }
    }

    fn account(&mut self, update: &AccountUpdate) {
        match update {
            AccountUpdate::Wallet { balance } if self.deposit.is_none() => {
                self.deposit = Some(*balance);
                self.curve = Curve::new(*balance);
            }
            AccountUpdate::Funding { amount, .. } => {
                self.funding = self.funding.saturating_plus(*amount);
            }
            AccountUpdate::Wallet { .. }
            | AccountUpdate::Leverage { .. }
            | AccountUpdate::Position { .. }
            | AccountUpdate::Filters { .. } => {}
        }
    }

    /// Counts a command given at `at`, and adds an order to the digest.
    #[inline]
    pub fn command(&mut self, at: Nanos, command: &Command) {
        if let Command::Submit { order } = command {
            self.counts.orders += 1;
            self.digest.update(at, order);
            if let Some(symbol) = self.of(order.symbol) {
                symbol.orders += 1;
            }
        }
    }

    /// Counts a notice.
    #[inline]
    pub fn notice(&mut self, at: Nanos, notice: &Notice) {
        match notice {
            Notice::Signal(signal) => {
                self.counts.signals += 1;
                self.counts.signals_long += u64::from(signal.side == Side::Buy);
                if let Some(symbol) = self.of(signal.symbol) {
                    symbol.signals += 1;
                }
            }
            Notice::Denied { denial, .. } => {
                self.counts.denied += 1;
                self.denials[denial.code as usize] += 1;
                if let Some(symbol) = self.of(denial.symbol) {
                    symbol.denied += 1;
                }
            }
            Notice::Closed(trade) => {
                self.counts.trades += 1;
                self.counts.rotations += u64::from(trade.exit_reason == OrderReason::Rotation);
                self.by_reason[trade.exit_reason as usize].add(trade);
                self.by_side[trade.side as usize].add(trade);
                self.all.add(trade);
                if let Some(symbol) = self.of(trade.symbol) {
                    symbol.closed.add(trade);
                }
            }
            Notice::Equity { wallet, unrealized, exposure, .. } => {
                self.curve.sample(at, wallet.saturating_plus(*unrealized), *exposure);
            }
            _ => {}
        }
    }

    /// The report of what was counted, with what only the engine knows. `journal`, `refusals` and
    /// `wall_s` are the caller's to fill.
    pub fn finish(&self, engine: &Engine) -> Report {
        let counts = self.counts;
        let curve = self.curve_to(engine);
        let time = |at: Option<Nanos>| at.map(|at| at.utc().to_string());
        Report {
            session: self.about.session.clone(),
            version: self.about.version.clone(),
            commit: self.about.commit.clone(),
            environment: self.about.environment.clone(),
            execution: self.about.execution,
            from: time(self.first.map(|first| first.max(self.about.trade_from))),
            until: time(self.last),
            events: counts.events,
            candles: counts.candles,
            ticks: counts.ticks,
            symbols: self.about.symbols.len() as u64,
            symbol_names: self.about.symbols.names().to_vec(),
            signals: counts.signals,
            signals_long: counts.signals_long,
            signals_short: counts.signals - counts.signals_long,
            orders: counts.orders,
            fills: counts.fills,
            trades: counts.trades,
            trades_long: self.by_side[Side::Buy as usize].trades(),
            trades_short: self.by_side[Side::Sell as usize].trades(),
            rotations: counts.rotations,
            rejections: by_code(DenialCode::ALL.iter().map(|c| c.code()), &self.denials),
            order_rejections: by_code(RejectCode::ALL.iter().map(|c| c.code()), &self.rejects),
            max_open_positions: engine.max_open_positions() as u64,
            max_leverage: engine.max_leverage(),
            max_exposure: engine.max_exposure(),
            journal: None,
            digest: self.digest.hex(),
            equity_start: self.deposit.unwrap_or(Money::ZERO),
            equity_end: engine.equity(),
            wallet_end: engine.wallet(),
            realized: self.realized,
            fees: self.fees,
            funding: self.funding,
            profit_factor: self.all.profit_factor(),
            expectancy_r: self.all.expectancy_r(),
            win_rate: self.all.win_rate(),
            max_drawdown: curve.drawdown_max(),
            exposure: curve.exposure(self.minutes),
            exposure_average: curve.exposure_average(self.minutes),
            by_symbol: self.by_symbol(),
            by_reason: by_reason(&self.by_reason),
            by_side: [Side::Buy, Side::Sell]
                .map(|side| {
                    (side.position_name().into(), GroupReport::of(&self.by_side[side as usize]))
                })
                .into(),
            order_outcomes: self.order_outcomes(),
            controls: control_reports(engine),
            open_at_end: self.open(engine),
            assumptions: self.about.assumptions.clone(),
            refusals: Default::default(),
            refusal_examples: Vec::new(),
            wall_s: 0.0,
        }
    }

    /// The equity curve up to now: the engine speaks of a minute only when the next fact shows that
    /// it has ended, so the last one is asked for.
    fn curve_to(&self, engine: &Engine) -> Curve {
        let notional = engine.positions().fold(Money::ZERO, |sum, position| {
            let px = engine.last_price(position.symbol).unwrap_or(position.entry_px);
            sum.saturating_plus((px * position.qty).unwrap_or(Money::ZERO))
        });
        let mut curve = self.curve;
        if let Some(last) = self.last {
            curve.sample(last, engine.equity(), notional);
        }
        curve
    }

    fn by_symbol(&self) -> std::collections::BTreeMap<String, SymbolReport> {
        let symbol = |(name, s): (&String, &PerSymbol)| {
            let report = SymbolReport {
                candles: s.candles,
                signals: s.signals,
                denied: s.denied,
                orders: s.orders,
                fills: s.fills,
                closed: GroupReport::of(&s.closed),
            };
            (name.clone(), report)
        };
        self.about.symbols.names().iter().zip(&self.per_symbol).map(symbol).collect()
    }

    /// Orders by outcome, so far.
    pub fn order_outcomes(&self) -> OrderOutcomes {
        let (sent, o) = (self.counts.orders, self.outcomes);
        let unknown = self.unknown.len() as u64;
        let failed = o.rejected + unknown;
        OrderOutcomes {
            sent,
            accepted: o.accepted,
            filled: o.filled,
            rejected: o.rejected,
            canceled: o.canceled,
            expired: o.expired,
            unknown,
            success_rate: (sent > 0).then(|| sent.saturating_sub(failed) as f64 / sent as f64),
        }
    }

    fn open(&self, engine: &Engine) -> Vec<OpenPosition> {
        engine.positions().map(|position| OpenPosition::of(position, &self.about.symbols)).collect()
    }
}

fn by_reason(
    groups: &[Group; OrderReason::ALL.len()],
) -> std::collections::BTreeMap<String, GroupReport> {
    OrderReason::ALL
        .iter()
        .zip(groups)
        .filter(|(_, group)| group.trades() > 0)
        .map(|(reason, group)| (reason.code().into(), GroupReport::of(group)))
        .collect()
}

//! Rows, typed, and their values column by column.

use crate::schema::Kind;
use crate::value::Value;
use aegis_types::{
    ClientOrderId, Denial, FEATURES, Fill, Money, Nanos, Order, OrderReason, Position, Qty, Reason,
    RejectCode, Side, Signal, Trade,
};
use std::fmt::Write;
use std::sync::Arc;

/// What identifies a row: it depends on the journal and on nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The session.
    pub session: Arc<str>,
    /// Sequence of the event that caused the row.
    pub seq: u64,
    /// Place of the notice among those of the event that make rows, from 0.
    pub n: u32,
    /// Time of the event.
    pub at: Nanos,
}

/// What the session was; the caller fills it from the journal's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRow {
    /// Version of the program.
    pub version: String,
    /// Commit it was built from.
    pub commit: String,
    /// `development`, `testnet` or `production`.
    pub environment: String,
    /// Start of trading; what is before only warms up.
    pub trade_from: Nanos,
    /// End of the data, or 0 when live.
    pub until: Nanos,
    /// Every effective setting, as JSON.
    pub settings: String,
    /// Declared assumptions, as a JSON array.
    pub assumptions: String,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// It left the engine.
    Sent,
    /// The venue has it.
    Accepted,
    /// A part was executed.
    PartlyFilled,
    /// All of it was executed.
    Filled,
    /// Taken back.
    Canceled,
    /// Ended by the venue.
    Expired,
    /// Refused by the venue.
    Rejected,
    /// Nobody knows.
    Unknown,
}

impl OrderStatus {
    /// The text in the column `status`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::PartlyFilled => "partly_filled",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Nothing but a late fill can follow.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Expired | Self::Rejected)
    }
}

/// An order with everything that has happened to it so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// As it was sent.
    pub order: Order,
    /// When it was sent.
    pub sent_at: Nanos,
    /// Where it is.
    pub status: OrderStatus,
    /// Why the venue refused it.
    pub reject: Option<RejectCode>,
    /// Executed quantity.
    pub filled: Qty,
    /// Executed notional, the sum of price times quantity.
    pub filled_quote: Money,
}

/// One row of one table.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// The session itself.
    Session {
        /// Its id.
        session: Arc<str>,
        /// Names of its symbols, by comma.
        symbols: Arc<str>,
        /// The rest.
        row: Box<SessionRow>,
    },
    /// A signal.
    Signal {
        /// Identity.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// What was proposed.
        signal: Box<Signal>,
    },
    /// A signal turned away.
    Denial {
        /// Identity.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// Code and numbers.
        denial: Denial,
        /// Side of the signal.
        side: Side,
        /// Confidence of the signal.
        confidence: f64,
    },
    /// An order as it now stands.
    Order {
        /// Identity of the latest change.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// All of it.
        state: Box<OrderState>,
    },
    /// An execution.
    Fill {
        /// Identity.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// The execution.
        fill: Box<Fill>,
        /// Why the order had been sent.
        reason: OrderReason,
    },
    /// A position as it now stands.
    Position {
        /// Identity of the latest change.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// All of it.
        position: Box<Position>,
        /// Still open?
        open: bool,
    },
    /// A closed position.
    Trade {
        /// Identity.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// Entry, exit, outcome.
        trade: Box<Trade>,
    },
    /// Equity at the end of a minute.
    Equity {
        /// Identity.
        key: Key,
        /// Wallet balance.
        wallet: Money,
        /// Unrealised profit.
        unrealized: Money,
        /// Sum of notionals.
        exposure: Money,
        /// Open, in-flight and unknown positions.
        positions: u8,
    },
    /// What a trade teaches: the features at entry and the outcome.
    Experience {
        /// Identity.
        key: Key,
        /// Exchange name.
        symbol: Arc<str>,
        /// The trade.
        trade: Box<Trade>,
    },
}

impl Row {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Session { .. } => Kind::Sessions,
            Self::Signal { .. } => Kind::Signals,
            Self::Denial { .. } => Kind::Denials,
            Self::Order { .. } => Kind::Orders,
            Self::Fill { .. } => Kind::Fills,
            Self::Position { .. } => Kind::Positions,
            Self::Trade { .. } => Kind::Trades,
            Self::Equity { .. } => Kind::Equity,
            Self::Experience { .. } => Kind::Experience,
        }
    }

    /// The table that it belongs to.
    pub const fn table(&self) -> &'static str {
        self.kind().table().name
    }

    /// Sequence of the event that caused it; the session row comes before all events.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Session { .. } => 0,
            Self::Signal { key, .. }
            | Self::Denial { key, .. }
            | Self::Order { key, .. }
            | Self::Fill { key, .. }
            | Self::Position { key, .. }
            | Self::Trade { key, .. }
            | Self::Equity { key, .. }
            | Self::Experience { key, .. } => key.seq,
        }
    }

    /// Among rows of one table whose state changes: which row is it? Rows that never change have
    /// no such identity.
    pub(crate) fn entity(&self) -> Option<(Kind, &str, &str, i64)> {
        match self {
            Self::Order { key, state, .. } => {
                Some((Kind::Orders, &key.session, "", i64::from(state.order.id.number)))
            }
            Self::Position { key, symbol, position, .. } => {
                Some((Kind::Positions, &key.session, symbol, position.opened_at.0))
            }
            _ => None,
        }
    }

    /// Appends the values of all columns in the order of [`crate::Table::columns`].
    pub fn values(&self, out: &mut Vec<Value>) {
        match self {
            Self::Session { session, symbols, row } => session_values(session, symbols, row, out),
            Self::Signal { key, symbol, signal } => signal_values(key, symbol, signal, out),
            Self::Denial { key, symbol, denial, side, confidence } => {
                event(key, out);
                out.extend([
                    Value::Int(key.at.0),
                    Value::text(symbol),
                    Value::text(side.position_name()),
                    Value::text(denial.code),
                    Value::real(denial.measured),
                    Value::real(denial.limit),
                    Value::real(*confidence),
                ]);
            }
            Self::Order { key, symbol, state } => order_values(key, symbol, state, out),
            Self::Fill { key, symbol, fill, reason } => {
                fill_values(key, symbol, fill, *reason, out);
            }
            Self::Position { key, symbol, position, open } => {
                position_values(key, symbol, position, *open, out);
            }
            Self::Trade { key, symbol, trade } => trade_values(key, symbol, trade, out),
            Self::Equity { key, wallet, unrealized, exposure, positions } => {
                event(key, out);
                out.extend([
                    Value::Int(key.at.0),
                    Value::text(wallet),
                    Value::text(unrealized),
                    Value::text(wallet.saturating_plus(*unrealized)),
                    Value::text(exposure),
                    Value::Int(i64::from(*positions)),
                ]);
            }
            Self::Experience { key, symbol, trade } => out.extend([
                Value::text(&key.session),
                Value::Int(i64::from(trade.number)),
                Value::text(symbol),
                Value::text(trade.side.position_name()),
                Value::text(trade.level.name()),
                Value::Int(trade.entry_at.0),
                Value::Int(trade.exit_at.0),
                Value::Text(features(&trade.features)),
                Value::text(trade.exit_reason),
                Value::text(trade.net),
                Value::real(trade.r_multiple),
                Value::Int(i64::from(trade.net.is_positive())),
            ]),
        }
    }
}

fn event(key: &Key, out: &mut Vec<Value>) {
    out.extend([Value::text(&key.session), Value::count(key.seq), Value::Int(i64::from(key.n))]);
}

fn session_values(session: &str, symbols: &str, row: &SessionRow, out: &mut Vec<Value>) {
    out.extend([
        Value::text(session),
        Value::text(&row.version),
        Value::text(&row.commit),
        Value::text(&row.environment),
        Value::text(symbols),
        Value::Int(row.trade_from.0),
        Value::Int(row.until.0),
        Value::text(&row.settings),
        Value::text(&row.assumptions),
    ]);
}

fn signal_values(key: &Key, symbol: &str, signal: &Signal, out: &mut Vec<Value>) {
    event(key, out);
    let mut patterns = String::new();
    for pattern in signal.patterns.iter() {
        if !patterns.is_empty() {
            patterns.push(',');
        }
        patterns.push_str(pattern.code());
    }
    out.extend([
        Value::Int(key.at.0),
        Value::text(symbol),
        Value::text(signal.side.position_name()),
        Value::text(signal.level.name()),
        Value::real(signal.confidence),
        Value::Text(patterns),
        Value::Text(reasons(&signal.reasons)),
        Value::text(signal.reference),
        Value::text(signal.stop),
        Value::text(signal.target),
        Value::text(signal.qty_suggested),
        Value::Text(features(&signal.features)),
    ]);
}

fn order_values(key: &Key, symbol: &str, state: &OrderState, out: &mut Vec<Value>) {
    let order = &state.order;
    out.extend([
        Value::text(&key.session),
        Value::Int(i64::from(order.id.number)),
        Value::count(key.seq),
        Value::Int(i64::from(key.n)),
        Value::text(order.id),
        Value::Int(state.sent_at.0),
        Value::Int(key.at.0),
        Value::text(symbol),
        Value::text(order.side.order_name()),
        Value::text(order.kind),
        Value::text(order.reason),
        Value::Int(i64::from(order.reduce_only)),
        Value::text(order.qty),
        Value::text(order.price),
        Value::text(order.trigger),
        Value::text(state.status.code()),
        state.reject.map_or(Value::Null, Value::text),
        Value::text(state.filled),
        Value::text(state.filled_quote),
    ]);
}

fn fill_values(key: &Key, symbol: &str, fill: &Fill, reason: OrderReason, out: &mut Vec<Value>) {
    event(key, out);
    out.extend([
        Value::Int(key.at.0),
        Value::Int(fill.venue_time.0),
        Value::text(symbol),
        Value::count(fill.trade_id),
        Value::Int(i64::from(fill.order.number)),
        Value::text(fill.side.order_name()),
        Value::text(reason),
        Value::text(fill.reason),
        Value::Int(i64::from(fill.maker)),
        Value::text(fill.px),
        Value::text(fill.qty),
        Value::text(fill.leaves),
        Value::text(fill.fee),
        Value::text(fill.realized),
        Value::text(fill.margin),
    ]);
}

fn position_values(key: &Key, symbol: &str, p: &Position, open: bool, out: &mut Vec<Value>) {
    let ClientOrderId { number: stop_order, .. } = p.stop_order;
    out.extend([
        Value::text(&key.session),
        Value::text(symbol),
        Value::Int(p.opened_at.0),
        Value::count(key.seq),
        Value::Int(i64::from(key.n)),
        Value::Int(key.at.0),
        Value::text(p.side.position_name()),
        Value::text(if open { "open" } else { "closed" }),
        Value::text(p.qty),
        Value::text(p.entry_px),
        Value::text(p.margin),
        Value::text(p.stop),
        Value::text(p.target),
        Value::Int(i64::from(stop_order)),
        Value::Int(i64::from(p.protected)),
        Value::real(p.confidence),
        Value::text(p.unrealized),
        Value::text(p.fees),
        Value::text(p.funding),
    ]);
}

fn trade_values(key: &Key, symbol: &str, trade: &Trade, out: &mut Vec<Value>) {
    out.extend([
        Value::text(&key.session),
        Value::Int(i64::from(trade.number)),
        Value::count(key.seq),
        Value::Int(i64::from(key.n)),
        Value::text(symbol),
        Value::text(trade.side.position_name()),
        Value::text(trade.level.name()),
        Value::text(trade.qty),
        Value::Int(trade.entry_at.0),
        Value::text(trade.entry_px),
        Value::Int(trade.exit_at.0),
        Value::text(trade.exit_px),
        Value::text(trade.exit_reason),
        Value::text(trade.gross),
        Value::text(trade.fees),
        Value::text(trade.funding),
        Value::text(trade.net),
        Value::real(trade.r_multiple),
        Value::real(trade.leverage),
        Value::real(trade.confidence),
    ]);
}

/// A float as JSON; what JSON cannot say is null. (`Debug` of a finite float is valid JSON.)
fn json_float(out: &mut String, value: f64) {
    // Writing to a String cannot fail.
    let _ = if value.is_finite() { write!(out, "{value:?}") } else { write!(out, "null") };
}

/// `[0.1,null,…]` in the order of the feature names.
fn features(values: &[f64; FEATURES]) -> String {
    let mut out = String::from("[");
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        json_float(&mut out, *value);
    }
    out.push(']');
    out
}

/// `{"base":0.3,"structure":0.2}`; the codes need no escapes.
fn reasons(reasons: &[Reason]) -> String {
    let mut out = String::from("{");
    for (i, reason) in reasons.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(out, "{comma}\"{}\":", reason.component);
        json_float(&mut out, reason.adds);
    }
    out.push('}');
    out
}

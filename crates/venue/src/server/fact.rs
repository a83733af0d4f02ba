//! Step machine: what the market says, one fact at a time.

use aegis_types::{SymbolId, Tick};
use aegis_wire::Level;

/// A fact and the market time at which it became known.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Event time, ms; never before that of an earlier fact.
    pub at_ms: i64,
    /// What it says.
    pub body: FactBody,
}

/// The kinds of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum FactBody {
    /// A fact that also travels through rings.
    Tick(Tick),
    /// Recorded changes of an order book.
    Depth(Box<DepthChange>),
    /// A recorded order book, whole.
    Snapshot(Box<DepthSnapshot>),
}

/// Changed levels of a recorded book.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthChange {
    /// Whose book.
    pub symbol: SymbolId,
    /// Transaction time (`T`), ms.
    pub time_ms: i64,
    /// First update id (`U`).
    pub first_id: u64,
    /// Last update id (`u`).
    pub last_id: u64,
    /// Last update id of the event before (`pu`).
    pub previous_id: u64,
    /// Bids by price; zero deletes.
    pub bids: Vec<Level>,
    /// Asks by price; zero deletes.
    pub asks: Vec<Level>,
}

/// All levels of a recorded book.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthSnapshot {
    /// Whose book.
    pub symbol: SymbolId,
    /// Transaction time (`T`), ms.
    pub time_ms: i64,
    /// Update id that the levels correspond to.
    pub last_id: u64,
    /// Bids.
    pub bids: Vec<Level>,
    /// Asks.
    pub asks: Vec<Level>,
}

impl Fact {
    /// A tick as a fact at its own time. A candle closes in the last millisecond of its minute
    /// (`k.T`), before the next one opens: orders decided on closes may come between the two.
    pub fn of(tick: Tick) -> Self {
        let at_ms = tick.at.as_millis() - i64::from(tick.candle().is_some());
        Self { at_ms, body: FactBody::Tick(tick) }
    }

    /// Whose fact it is.
    pub fn symbol(&self) -> SymbolId {
        match &self.body {
            FactBody::Tick(tick) => tick.symbol,
            FactBody::Depth(depth) => depth.symbol,
            FactBody::Snapshot(snapshot) => snapshot.symbol,
        }
    }
}

/// Where facts come from; an error says why no further one can be read.
pub type Facts = Box<dyn Iterator<Item = Result<Fact, String>> + Send>;

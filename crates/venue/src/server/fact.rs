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

    /// The same of a symbol by its id in another table.
    #[must_use]
    pub fn of_symbol(mut self, id: SymbolId) -> Self {
        match &mut self.body {
            FactBody::Tick(tick) => tick.symbol = id,
            FactBody::Depth(depth) => depth.symbol = id,
            FactBody::Snapshot(snapshot) => snapshot.symbol = id,
        }
        self
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

/// Facts of two sources in order of time; of one instant those of the first source come first.
pub fn merged(first: Facts, second: Facts) -> Facts {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    Box::new(core::iter::from_fn(move || {
        let later = match (first.peek(), second.peek()) {
            (Some(Ok(one)), Some(Ok(other))) => other.at_ms < one.at_ms,
            // What went wrong is told before anything else.
            (Some(Err(_)), _) => false,
            (_, other) => other.is_some(),
        };
        if later { second.next() } else { first.next() }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Nanos, Px, TickBody};

    fn fact(at_ms: i64, symbol: u16) -> Result<Fact, String> {
        let body = TickBody::Open { px: Px::whole(1), funding: None };
        let at = Nanos::from_millis(at_ms);
        let tick = Tick { symbol: SymbolId(symbol), derived: false, at, received_us: 0, body };
        Ok(Fact::of(tick))
    }

    #[test]
    fn two_sources_are_told_in_order_of_time_and_an_error_ends_them() {
        let first = vec![fact(1, 0), fact(5, 0), fact(9, 0)];
        let second = vec![fact(2, 1), fact(5, 1), Err("torn".to_owned())];
        let all = merged(Box::new(first.into_iter()), Box::new(second.into_iter()));
        let told: Vec<Result<(i64, u16), String>> =
            all.map(|fact| fact.map(|fact| (fact.at_ms, fact.symbol().0))).collect();
        let expected = [Ok((1, 0)), Ok((2, 1)), Ok((5, 0)), Ok((5, 1)), Err("torn".to_owned())];
        assert_eq!(told[..5], expected);
    }
}

//! Step machine: when a stepped exchange may go on, and by how much.
//!
//! A minute has two stops: the last millisecond, in which its candles close, and the instant after
//! it, in which the next ones open. Between them is where orders that were decided on the closes
//! reach the exchange, before any open is known.

use aegis_types::{Nanos, SymbolId, SymbolTable};
use serde::Deserialize;
use std::collections::BTreeMap;

const MINUTE_MS: i64 = 60_000;

/// What the exchange answers to a step.
#[derive(Clone, Debug, Deserialize)]
pub struct Stepped {
    /// Market time afterwards.
    pub market_ms: i64,
    /// Stream name to the id of the last event that it has sent.
    #[serde(default)]
    pub last: BTreeMap<String, u64>,
}

/// What is awaited before the next step.
#[derive(Clone, Debug)]
pub struct Steps {
    market_ms: i64,
    /// By symbol: exchange time of the last fact that its candle stream has sent.
    facts: Vec<Nanos>,
    /// Events that the user stream has sent.
    user: u64,
    /// Steps in a row that moved nothing: the data has ended.
    still: u32,
}

impl Steps {
    /// From market time `market_ms` on.
    pub fn new(market_ms: i64, symbols: usize) -> Self {
        Self { market_ms, facts: vec![Nanos(i64::MIN); symbols], user: 0, still: 0 }
    }

    /// Milliseconds to the next stop.
    pub const fn next_ms(&self) -> i64 {
        match self.market_ms.rem_euclid(MINUTE_MS) {
            59_999 => 1,
            inside => MINUTE_MS - 1 - inside,
        }
    }

    /// The exchange stands still and everything that it has sent is here.
    pub fn begin(&mut self, reply: &Stepped) {
        self.market_ms = reply.market_ms;
    }

    /// The feed that the last step's facts went to is gone; what it did not hand on, its successor
    /// has fetched.
    pub fn forget_facts(&mut self) {
        self.facts.fill(Nanos(i64::MIN));
    }

    /// The exchange has stepped; `user_stream` is the name of our stream of account events.
    pub fn stepped(&mut self, reply: &Stepped, symbols: &SymbolTable, user_stream: &str) {
        self.still = if reply.market_ms > self.market_ms { 0 } else { self.still + 1 };
        self.market_ms = self.market_ms.max(reply.market_ms);
        for (stream, id) in &reply.last {
            if stream == user_stream {
                self.user = self.user.max(*id);
                continue;
            }
            let Some(name) = stream.strip_suffix("@kline_1m") else { continue };
            if let Some(symbol) = symbols.id(&name.to_ascii_uppercase()) {
                let at = Nanos::from_millis(i64::try_from(*id).unwrap_or(i64::MAX));
                self.facts[symbol.index()] = at.max(self.facts[symbol.index()]);
            }
        }
    }

    /// Has everything come that the last step sent? `seen` says up to which exchange time a
    /// symbol's facts were seen, `user` how many account events were.
    pub fn settled(&self, seen: impl Fn(SymbolId) -> Nanos, user: u64) -> bool {
        let mut ids = (0..).map(SymbolId);
        user >= self.user && self.facts.iter().zip(&mut ids).all(|(at, id)| seen(id) >= *at)
    }

    /// Account events that the user stream has sent.
    pub const fn user(&self) -> u64 {
        self.user
    }

    /// Market time after the last step.
    pub const fn market_ms(&self) -> i64 {
        self.market_ms
    }

    /// The exchange's data has ended: it stands still.
    pub const fn ended(&self) -> bool {
        self.still > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(market_ms: i64, last: &[(&str, u64)]) -> Stepped {
        let last = last.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect();
        Stepped { market_ms, last }
    }

    #[test]
    fn every_minute_stops_before_its_end_and_at_it() {
        let symbols = SymbolTable::new(["BTCUSDT"]).expect("a name");
        let mut steps = Steps::new(120_000, 1);
        let mut stops = Vec::new();
        for _ in 0..4 {
            let to = steps.market_ms() + steps.next_ms();
            steps.stepped(&reply(to, &[]), &symbols, "user");
            stops.push(to);
        }
        assert_eq!(stops, [179_999, 180_000, 239_999, 240_000]);
        assert_eq!(Steps::new(130_500, 1).next_ms(), 49_499);
    }

    #[test]
    fn it_goes_on_when_facts_and_account_have_come() {
        let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).expect("names");
        let mut steps = Steps::new(0, 2);
        let last = [("btcusdt@kline_1m", 59_999), ("ethusdt@kline_1m", 59_999), ("user", 7)];
        steps.stepped(&reply(59_999, &last), &symbols, "user");
        let at = |ms| Nanos::from_millis(ms);
        assert!(!steps.settled(|id| at(if id.0 == 0 { 59_999 } else { 0 }), 7));
        assert!(!steps.settled(|_| at(59_999), 6));
        assert!(steps.settled(|_| at(59_999), 7) && !steps.ended());
        steps.stepped(&reply(59_999, &[]), &symbols, "user");
        assert!(steps.ended());
    }
}

//! Step machine: the exchange's list of symbols against the session's: who left, who came.
//!
//! A session's symbols are fixed when it is prepared. One that leaves is told of once and no more;
//! one that comes joins at the next start.

use aegis_data::majors;
use aegis_types::{Nanos, SymbolId, SymbolTable};
use aegis_wire::bodies::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// A change is looked at so long after it was announced: several come at once.
const SETTLE: Nanos = Nanos(1_000_000_000);
/// An answer that could not be had is asked for again after that.
const RETRY: Nanos = Nanos(30_000_000_000);

/// What is known of the exchange's list.
#[derive(Clone, Debug)]
pub struct Universe {
    /// How often it is asked for; zero is only when a change is announced.
    refresh: Nanos,
    due: Option<Nanos>,
    asked: bool,
    /// Symbols that were traded when it was first had.
    known: Option<BTreeSet<String>>,
    left: BTreeMap<String, String>,
    arrived: BTreeSet<String>,
}

impl Universe {
    /// Asked for every `refresh`, the first time at `now`; never, when zero, until a change is
    /// announced.
    pub fn new(refresh: Nanos, now: Nanos) -> Self {
        Self {
            refresh,
            due: (refresh > Nanos::ZERO).then_some(now),
            asked: false,
            known: None,
            left: BTreeMap::new(),
            arrived: BTreeSet::new(),
        }
    }

    /// Symbols that left, and why.
    pub const fn left(&self) -> &BTreeMap<String, String> {
        &self.left
    }

    /// Symbols that came.
    pub const fn arrived(&self) -> &BTreeSet<String> {
        &self.arrived
    }

    /// The exchange announced a change, or a symbol is silent without a reason.
    pub fn changed(&mut self, now: Nanos) {
        let soon = now.after(SETTLE);
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    /// Is the list to be asked for now? Then it counts as asked for.
    pub fn ask(&mut self, now: Nanos) -> bool {
        let ask = !self.asked && self.due.is_some_and(|due| due <= now);
        self.asked |= ask;
        ask
    }

    /// It could not be had.
    pub fn failed(&mut self, now: Nanos) {
        self.asked = false;
        self.due = Some(now.after(RETRY));
    }

    /// The verdicts on all symbols of the exchange. Returns the session's symbols that left with
    /// it, and why; those that left before are not told again.
    pub fn answered(
        &mut self,
        now: Nanos,
        symbols: &SymbolTable,
        verdicts: &[Verdict],
    ) -> Vec<(SymbolId, String)> {
        self.asked = false;
        self.due = (self.refresh > Nanos::ZERO).then(|| now.after(self.refresh));
        let by_name: BTreeMap<&str, &Verdict> =
            verdicts.iter().map(|verdict| (verdict.symbol.as_str(), verdict)).collect();
        let mut gone = Vec::new();
        for id in symbols.ids() {
            let name = symbols.name(id);
            let reason = match by_name.get(name) {
                Some(verdict) if verdict.is_in() => continue,
                Some(verdict) => verdict.reason.to_string(),
                None => "not listed any more".to_owned(),
            };
            if !self.left.contains_key(name) {
                self.left.insert(name.to_owned(), reason.clone());
                gone.push((id, reason));
            }
        }
        let traded = verdicts.iter().filter(|verdict| verdict.is_in());
        let traded: BTreeSet<String> = traded.map(|verdict| verdict.symbol.clone()).collect();
        if let Some(known) = &self.known {
            let new = traded.iter().filter(|name| symbols.id(name).is_none());
            self.arrived.extend(new.filter(|name| !known.contains(*name)).cloned());
        } else {
            self.known = Some(traded);
        }
        gone
    }
}

/// The symbols of this program's own table, for when the exchange's list cannot be had: a guess,
/// and so never for orders with real money. Says so loudly.
pub fn fallback(why: &str) -> Vec<&'static str> {
    let names: Vec<&str> = majors().collect();
    tracing::warn!(
        symbols = names.len(),
        "THE EXCHANGE'S LIST OF SYMBOLS CANNOT BE HAD ({why}): the built-in list of major symbols \
         is used, which may name symbols that do not trade; never with real money"
    );
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_wire::bodies::VerdictReason;

    fn verdict(symbol: &str, trades: bool) -> Verdict {
        let halted = VerdictReason::Status("TRADING_HALT".to_owned());
        let reason = if trades { VerdictReason::Trades } else { halted };
        Verdict { symbol: symbol.to_owned(), reason }
    }

    #[test]
    fn leavers_are_told_once_and_newcomers_wait() {
        let symbols = SymbolTable::new(["AUSDT", "BUSDT", "CUSDT"]).unwrap();
        let mut universe = Universe::new(Nanos::HOUR, Nanos::ZERO);
        assert!(universe.ask(Nanos::ZERO) && !universe.ask(Nanos::ZERO), "once");
        let all = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"].map(|name| verdict(name, true));
        assert_eq!(universe.answered(Nanos::ZERO, &symbols, &all), []);
        assert!(universe.arrived().is_empty(), "there before, and not chosen");
        assert!(!universe.ask(Nanos::MINUTE));
        universe.changed(Nanos::MINUTE);
        assert!(!universe.ask(Nanos::MINUTE) && universe.ask(Nanos::MINUTE.times(2)));
        let next = [verdict("AUSDT", true), verdict("BUSDT", false), verdict("EUSDT", true)];
        let gone = universe.answered(Nanos::MINUTE.times(2), &symbols, &next);
        let ids: Vec<u16> = gone.iter().map(|(id, _)| id.0).collect();
        assert_eq!(ids, [1, 2]);
        assert!(universe.left()["BUSDT"].contains("TRADING_HALT"));
        assert_eq!(universe.arrived().iter().collect::<Vec<_>>(), ["EUSDT"]);
        assert!(universe.answered(Nanos::HOUR, &symbols, &next).is_empty(), "told before");
    }

    #[test]
    fn the_fallback_is_not_empty() {
        assert!(fallback("test").contains(&"BTCUSDT"));
    }
}

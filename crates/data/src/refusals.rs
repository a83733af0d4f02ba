//! What the firewall refused: counted by reason and symbol, the first cases with their place.

use crate::firewall::Reason;
use aegis_types::{SymbolId, SymbolTable};
use std::collections::BTreeMap;

/// Examples kept of each reason.
const EXAMPLES_PER_REASON: usize = 3;

/// One refused fact and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Why it was refused.
    pub reason: Reason,
    /// Whose fact it was.
    pub symbol: SymbolId,
    /// `file:line`, or another place of the source.
    pub place: String,
    /// The reason with its numbers.
    pub detail: String,
}

/// Counts of refused facts. Fixed size but for the few examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    counts: Vec<[u64; Reason::COUNT]>,
    examples: Vec<Example>,
}

impl Refusals {
    /// Counters for a session of `symbols` symbols; one more row counts unknown symbols.
    pub fn new(symbols: usize) -> Self {
        Self { counts: vec![[0; Reason::COUNT]; symbols + 1], examples: Vec::new() }
    }

    /// Counts one refusal; `place` and `detail` are only asked for while examples are kept.
    pub fn add(
        &mut self,
        symbol: SymbolId,
        reason: Reason,
        place: impl FnOnce() -> String,
        detail: impl FnOnce() -> String,
    ) {
        let row = symbol.index().min(self.counts.len().saturating_sub(1));
        let Some(counts) = self.counts.get_mut(row) else { return };
        counts[reason as usize] += 1;
        if self.examples.iter().filter(|e| e.reason == reason).count() < EXAMPLES_PER_REASON {
            self.examples.push(Example { reason, symbol, place: place(), detail: detail() });
        }
    }

    /// How many facts were refused.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// How many were refused for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts.iter().map(|row| row[reason as usize]).sum()
    }

    /// How many of a symbol were refused for a reason.
    pub fn of(&self, symbol: SymbolId, reason: Reason) -> u64 {
        self.counts.get(symbol.index()).map_or(0, |row| row[reason as usize])
    }

    /// The first few of each reason, in the order met.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// `{reason: {SYMBOL: count}}` without zeros; unknown symbols count under `?`.
    pub fn by_reason(&self, symbols: &SymbolTable) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut map: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (index, row) in self.counts.iter().enumerate() {
            let name = symbols.names().get(index).map_or("?", String::as_str);
            for reason in Reason::ALL.iter().filter(|r| row[**r as usize] > 0) {
                let of_reason = map.entry(reason.code().to_owned()).or_default();
                of_reason.insert(name.to_owned(), row[*reason as usize]);
            }
        }
        map
    }
}

//! `leverageBracket`: margin brackets by symbol.

use super::loose::{Entries, body};
use super::{BodyError, read_list};
use aegis_types::{Bracket, Money, Rate};
use alloc::string::String;
use alloc::vec::Vec;

/// The brackets of one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolBrackets {
    /// Symbol.
    pub symbol: String,
    /// By rising notional, the first from zero, without holes.
    pub brackets: Vec<Bracket>,
}

body! {
    /// A symbol as it is sent.
    Symbol {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [nested]
        /// Its brackets.
        brackets: Entries<Line> = "brackets";
    }
}

body! {
    /// A bracket as it is sent.
    Line {
        [ids]
        /// From this notional.
        floor: Money = "notionalFloor";
        /// Up to this notional.
        cap: Money = "notionalCap";
        /// Maintenance margin rate.
        rate: Rate = "maintMarginRatio";
        /// Highest leverage.
        leverage: u16 = "initialLeverage";
        [fields]
        /// What keeps maintenance margin continuous.
        cum: Money = "cum";
    }
}

/// Reads the answer: a list, or one object when a symbol was named. A symbol whose brackets have a
/// hole or make no sense is left out: no margin could be computed from them.
///
/// # Errors
/// [`BodyError`] when the bytes are neither.
pub fn brackets(body: &[u8]) -> Result<Vec<SymbolBrackets>, BodyError> {
    let symbols: Vec<Symbol> = read_list(body)?;
    Ok(symbols.into_iter().filter_map(whole).collect())
}

fn whole(symbol: Symbol) -> Option<SymbolBrackets> {
    let mut brackets: Vec<Bracket> = Vec::with_capacity(symbol.brackets.0.len());
    for line in symbol.brackets.0 {
        brackets.push(Bracket {
            floor: line.floor,
            cap: line.cap,
            rate: line.rate,
            deduction: line.cum.unwrap_or_default(),
            leverage_max: line.leverage,
        });
    }
    brackets.sort_by_key(|bracket| bracket.floor);
    let mut floor = Money::ZERO;
    for bracket in &brackets {
        let sane = bracket.rate.is_positive() && bracket.rate < Rate::whole(1);
        if bracket.floor != floor || bracket.cap <= floor || !sane || bracket.leverage_max == 0 {
            return None;
        }
        floor = bracket.cap;
    }
    (!brackets.is_empty()).then_some(SymbolBrackets { symbol: symbol.symbol, brackets })
}

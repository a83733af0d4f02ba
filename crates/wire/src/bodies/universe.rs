//! Which symbols are traded: every USDT perpetual that trades, and why the others are not.
//!
//! The rule looks at what a symbol is, never at its volume. The verdicts come in the order of the
//! symbols given, so that a listing or a delisting changes one line of a log.

use super::exchange_info::SymbolInfo;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Most symbols of a session.
pub const UNIVERSE_MAX: usize = aegis_types::SYMBOLS_MAX;

/// Why a symbol is in or out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictReason {
    /// It is in: a USDT perpetual that trades.
    Trades,
    /// Another contract type, which is named.
    Contract(String),
    /// It does not trade; its status.
    Status(String),
    /// Priced in another asset, which is named.
    Quote(String),
    /// Margined in another asset, which is named.
    Margin(String),
    /// Its name has other characters than capital letters, digits and underscores.
    Name,
    /// The exchange lists it twice.
    Duplicate,
    /// There is no room: so many symbols fit.
    Full(usize),
}

impl VerdictReason {
    /// Stable code, for counts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Contract(_) => "contract_type",
            Self::Status(_) => "status",
            Self::Quote(_) => "quote_asset",
            Self::Margin(_) => "margin_asset",
            Self::Name => "name",
            Self::Duplicate => "duplicate",
            Self::Full(_) => "full",
        }
    }
}

impl fmt::Display for VerdictReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trades => f.write_str("a USDT perpetual that trades"),
            Self::Contract(what) => write!(f, "contract type {what}, not PERPETUAL"),
            Self::Status(what) => write!(f, "status {what}, not TRADING"),
            Self::Quote(what) => write!(f, "priced in {what}, not USDT"),
            Self::Margin(what) => write!(f, "margined in {what}, not USDT"),
            Self::Name => f.write_str("its name is not of capital letters and digits"),
            Self::Duplicate => f.write_str("listed twice"),
            Self::Full(most) => write!(f, "no room: {most} symbols fit"),
        }
    }
}

/// What was decided of one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The symbol.
    pub symbol: String,
    /// Why it is in or out.
    pub reason: VerdictReason,
}

impl Verdict {
    /// Is it traded?
    pub const fn is_in(&self) -> bool {
        matches!(self.reason, VerdictReason::Trades)
    }
}

/// Decides of every symbol. When more are eligible than fit, those listed first stay: a new listing
/// never throws an older symbol out.
pub fn universe(symbols: &[SymbolInfo]) -> Vec<Verdict> {
    let mut order: Vec<usize> = (0..symbols.len()).collect();
    order.sort_by_key(|n| (symbols[*n].onboard_ms.unwrap_or(i64::MAX), &symbols[*n].symbol));
    let mut reasons: Vec<VerdictReason> = symbols.iter().map(rule).collect();
    let mut taken: Vec<&str> = Vec::new();
    for n in order {
        if reasons[n] != VerdictReason::Trades {
            continue;
        }
        match taken.binary_search(&symbols[n].symbol.as_str()) {
            Ok(_) => reasons[n] = VerdictReason::Duplicate,
            Err(_) if taken.len() >= UNIVERSE_MAX => {
                reasons[n] = VerdictReason::Full(UNIVERSE_MAX);
            }
            Err(place) => taken.insert(place, &symbols[n].symbol),
        }
    }
    let names = symbols.iter().map(|symbol| symbol.symbol.clone());
    names.zip(reasons).map(|(symbol, reason)| Verdict { symbol, reason }).collect()
}

/// The rule for one symbol by itself.
fn rule(symbol: &SymbolInfo) -> VerdictReason {
    let other = |field: &Option<String>, wanted: &str| {
        let found = field.as_deref().unwrap_or("unknown");
        (found != wanted).then(|| String::from(found))
    };
    if let Some(contract) = other(&symbol.contract, "PERPETUAL") {
        return VerdictReason::Contract(contract);
    }
    if let Some(status) = other(&symbol.status, "TRADING") {
        return VerdictReason::Status(status);
    }
    if let Some(quote) = other(&symbol.quote, "USDT") {
        return VerdictReason::Quote(quote);
    }
    if let Some(margin) = other(&symbol.margin, "USDT") {
        return VerdictReason::Margin(margin);
    }
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if !(2..=24).contains(&symbol.symbol.len()) || !symbol.symbol.bytes().all(plain) {
        return VerdictReason::Name;
    }
    VerdictReason::Trades
}

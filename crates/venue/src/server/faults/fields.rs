//! Step machine: what a posting may say of each fault, beside what it may say of all.

use super::{Acts, Kind};
use aegis_types::{Qty, Rate};
use serde_json::{Map, Value};

/// What a field must be.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Whole,
    /// A decimal of any sign.
    Decimal,
    /// A decimal above zero.
    Amount,
    /// Above zero, at most one.
    Fraction,
    OneOf(&'static [&'static str]),
}

/// What a wrong frame may say.
pub const WRONG: [&str; 6] = ["nan", "negative", "zero", "spike", "crossed", "symbol"];

const SIDE: (&str, Is) = ("positionSide", Is::OneOf(&["BOTH", "LONG", "SHORT"]));
const ERROR: [(&str, Is); 3] = [("code", Is::Whole), ("status", Is::Whole), ("msg", Is::Text)];
const FRACTION: (&str, Is) = ("fraction", Is::Fraction);

fn fields(kind: Kind) -> &'static [(&'static str, Is)] {
    match kind {
        Kind::ReplyCut => &[("bytes", Is::Whole)],
        Kind::UnknownExecuted => &[("hidden_ms", Is::Whole)],
        Kind::ErrorCode | Kind::AlgoReject => &ERROR,
        Kind::WsWrongData => &[("kind", Is::OneOf(&WRONG))],
        Kind::PartialFill => &[FRACTION, ("rest", Is::OneOf(&["expire", "fill"]))],
        Kind::Liquidation => &[SIDE],
        Kind::Adl | Kind::ManualClose => &[SIDE, FRACTION],
        Kind::Funding => &[("rate", Is::Decimal)],
        Kind::SymbolHalt => &[("status", Is::Text)],
        Kind::FiltersChange => &[
            ("tickSize", Is::Amount),
            ("stepSize", Is::Amount),
            ("minQty", Is::Amount),
            ("minNotional", Is::Amount),
        ],
        Kind::LimitsChange => &[
            ("weight", Is::Whole),
            ("orders_10s", Is::Whole),
            ("orders_1m", Is::Whole),
            ("ban_after", Is::Whole),
        ],
        Kind::ForeignOrder => {
            &[SIDE, ("side", Is::OneOf(&["BUY", "SELL"])), ("quantity", Is::Amount)]
        }
        Kind::SettingsChange => &[("leverage", Is::Whole), ("marginType", Is::Text)],
        _ => &[],
    }
}

/// Names of the further fields that a fault knows.
pub fn names(kind: Kind) -> Vec<&'static str> {
    fields(kind).iter().map(|(name, _)| *name).collect()
}

/// Checks the further fields of a posting. The names that this fault does not know, which are
/// told to whoever posted it: a misspelt field would change nothing, in silence.
///
/// # Errors
/// Which field is not what it must be.
pub fn check(kind: Kind, extra: &Map<String, Value>) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    for (name, value) in extra {
        match fields(kind).iter().find(|(known, _)| known == name) {
            Some((_, is)) => wrong(*is, value)
                .map_or(Ok(()), |must| Err(format!("`{name}` must be {must}, not {value}")))?,
            None => unknown.push(name.clone()),
        }
    }
    Ok(unknown)
}

/// What a value must be, when it is not.
fn wrong(is: Is, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let rate = || text.parse::<Rate>().ok();
    let (right, must) = match is {
        Is::Text => (!text.is_empty(), "a text"),
        Is::Whole => (text.parse::<i64>().is_ok(), "a whole number"),
        Is::Decimal => (rate().is_some(), "a decimal number"),
        Is::Amount => (text.parse().is_ok_and(Qty::is_positive), "a decimal number above zero"),
        Is::Fraction => {
            let whole = Rate::whole(1);
            let part = |rate: Rate| rate > Rate::ZERO && rate <= whole;
            (rate().is_some_and(part), "above zero and at most 1")
        }
        Is::OneOf(words) if words.contains(&text.as_str()) => return None,
        Is::OneOf(words) => return Some(format!("one of {}", words.join(", "))),
    };
    (!right).then(|| must.to_owned())
}

impl Acts {
    /// Can a posting with this action be narrowed to an account with `key`?
    pub const fn knows_keys(self) -> bool {
        !matches!(self, Self::Frame)
    }
}

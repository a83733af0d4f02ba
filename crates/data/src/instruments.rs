//! Instruments: from the exchange's own JSON, else the built-in table, else derived from the data.

use crate::error::DataError;
use crate::majors;
use crate::number;
use crate::scan::Scan;
use aegis_types::{
    Bracket, Instrument, InstrumentOrigin, Money, Nanos, Px, Qty, Rate, SCALE, SymbolId,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub use crate::majors::{MAKER_FEE, TAKER_FEE, built_in, derived};

const FORMAT: &str = "give the answer of /fapi/v1/exchangeInfo, and after it or under \
                      `leverageBracket` the answer of /fapi/v1/leverageBracket";

/// Of this share of prices on, a finer decimal place is the market's grid and not a stray print.
const FINER_SHARE: u64 = 1_000;

/// The symbols of an instruments file, parsed when asked for.
#[derive(Clone, Debug)]
pub struct InstrumentFile {
    path: PathBuf,
    symbols: BTreeMap<String, Value>,
    brackets: BTreeMap<String, Value>,
}

/// Reads exchange JSON: an `exchangeInfo` object, with an optional `leverageBracket` array inside
/// or as a second document behind it.
///
/// # Errors
/// When the file cannot be read or holds no `symbols`.
pub fn read_instruments(path: &Path) -> Result<InstrumentFile, DataError> {
    let text = fs::read_to_string(path).map_err(|e| DataError::io(path, 0, &e))?;
    parse_instruments(path, &text)
}

/// The same of a text; errors call it `path`.
pub(crate) fn parse_instruments(path: &Path, text: &str) -> Result<InstrumentFile, DataError> {
    let mut file = InstrumentFile {
        path: path.to_path_buf(),
        symbols: BTreeMap::new(),
        brackets: BTreeMap::new(),
    };
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.map_err(|e| {
            let why = format!("it is not JSON ({e})");
            DataError::at(path, e.line() as u64, None, why, FORMAT)
        })?;
        file.add(document);
    }
    if file.symbols.is_empty() {
        return Err(DataError::file(path, "there are no `symbols` inside", FORMAT));
    }
    Ok(file)
}

impl InstrumentFile {
    fn add(&mut self, document: Value) {
        match document {
            Value::Array(items) => items.into_iter().for_each(|item| self.add(item)),
            Value::Object(mut map) => {
                if let Some(brackets) = map.remove("leverageBracket") {
                    self.add(brackets);
                }
                if let Some(Value::Array(symbols)) = map.remove("symbols") {
                    for symbol in symbols {
                        if let Some(name) = symbol["symbol"].as_str() {
                            self.symbols.insert(name.to_owned(), symbol);
                        }
                    }
                } else if let Some(Value::String(name)) = map.get("symbol").cloned() {
                    // An item of leverageBracket, alone or in its array.
                    self.brackets.insert(name, map.remove("brackets").unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    /// The instrument of a symbol, `None` when the file does not have it. Without brackets in the
    /// file it has those of the built-in table, or else one conservative bracket.
    ///
    /// # Errors
    /// When a number that is needed is missing or not a number.
    pub fn instrument(&self, name: &str, id: SymbolId) -> Result<Option<Instrument>, DataError> {
        let Some(symbol) = self.symbols.get(name) else { return Ok(None) };
        let wrong = |what: String| DataError::file(&self.path, format!("{name}: {what}"), FORMAT);
        let raw = |value: &Value, key: &str| {
            decimal(&value[key]).ok_or_else(|| wrong(format!("`{key}` is missing or no number")))
        };
        let filter = |kind: &str| {
            let filters = symbol["filters"].as_array();
            filters.and_then(|f| f.iter().find(|f| f["filterType"].as_str() == Some(kind)))
        };
        let need = |kind: &str| filter(kind).ok_or_else(|| wrong(format!("no filter {kind}")));
        let price = need("PRICE_FILTER")?;
        let lot = need("LOT_SIZE")?;
        let market = filter("MARKET_LOT_SIZE").unwrap_or(lot);
        let both = |key: &str| Ok::<_, DataError>((raw(lot, key)?, raw(market, key)?));
        let (step, market_step) = both("stepSize")?;
        let (least, market_least) = both("minQty")?;
        let (most, market_most) = both("maxQty")?;
        // Older symbols call the notional's key `notional`, spot-like ones `minNotional`.
        let notional = need("MIN_NOTIONAL")?;
        let notional = raw(notional, "notional").or_else(|_| raw(notional, "minNotional"))?;
        let brackets = self.brackets(name, &raw)?;
        let instrument = Instrument {
            symbol: id,
            name: name.to_owned(),
            tick: Px::from_raw(raw(price, "tickSize")?),
            // One grid for entries by market and exits by trigger: the coarser of the two.
            step: Qty::from_raw(step.max(market_step)),
            qty_min: Qty::from_raw(least.max(market_least)),
            qty_max: Qty::from_raw(most.min(market_most)),
            notional_min: Money::from_raw(notional),
            taker_fee: TAKER_FEE,
            maker_fee: MAKER_FEE,
            liquidation_fee: decimal(&symbol["liquidationFee"])
                .map_or(majors::LIQUIDATION_FEE, Rate::from_raw),
            funding_interval: Nanos::HOUR.times(8),
            brackets,
            origin: InstrumentOrigin::File,
        };
        check(&instrument).map_err(wrong)?;
        Ok(Some(instrument))
    }

    /// Does the file say anything of the symbol's margin brackets?
    pub fn has_brackets(&self, name: &str) -> bool {
        self.brackets.contains_key(name)
    }

    fn brackets(
        &self,
        name: &str,
        raw: &impl Fn(&Value, &str) -> Result<i64, DataError>,
    ) -> Result<Vec<Bracket>, DataError> {
        let Some(list) = self.brackets.get(name).and_then(Value::as_array) else {
            let table = built_in(name, SymbolId(0)).map(|instrument| instrument.brackets);
            return Ok(table.unwrap_or_else(majors::conservative));
        };
        let mut brackets = Vec::with_capacity(list.len());
        for item in list {
            let leverage = raw(item, "initialLeverage")? / SCALE;
            brackets.push(Bracket {
                floor: Money::from_raw(raw(item, "notionalFloor")?),
                cap: Money::from_raw(raw(item, "notionalCap")?),
                rate: Rate::from_raw(raw(item, "maintMarginRatio")?),
                deduction: Money::from_raw(raw(item, "cum")?),
                leverage_max: u16::try_from(leverage).unwrap_or(u16::MAX),
            });
        }
        brackets.sort_by_key(|bracket| bracket.floor);
        Ok(brackets)
    }
}

/// A JSON number or decimal string in units of 1e-8.
fn decimal(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // A notional cap beyond what 64 bits hold is no cap.
    match number::general(text.as_bytes(), true) {
        Ok(raw) => Some(raw),
        Err(number::Fault::Refused(crate::Reason::OutOfRange)) => Some(i64::MAX),
        Err(_) => None,
    }
}

/// Numbers that no order could satisfy, or brackets with holes.
pub(crate) fn check(instrument: &Instrument) -> Result<(), String> {
    let i = instrument;
    if !(i.tick.is_positive() && i.step.is_positive() && i.qty_min.is_positive()) {
        return Err("tick, step and least quantity must be above zero".to_owned());
    }
    if i.qty_max < i.qty_min || i.notional_min.is_negative() {
        return Err("the largest quantity is below the least, or a notional negative".to_owned());
    }
    let mut floor = Money::ZERO;
    for bracket in &i.brackets {
        let rate = bracket.rate;
        if bracket.floor != floor || bracket.cap <= floor || bracket.leverage_max == 0 {
            return Err(format!("the margin brackets have a hole or overlap at {floor}"));
        }
        if !rate.is_positive() || rate.raw() >= SCALE {
            return Err(format!("a maintenance rate of {rate} is not between 0 and 1"));
        }
        floor = bracket.cap;
    }
    if i.brackets.is_empty() { Err("there are no margin brackets".to_owned()) } else { Ok(()) }
}

/// Chooses a symbol's instrument and notes what the data say against it.
pub(crate) fn choose(
    name: &str,
    id: SymbolId,
    file: Option<&InstrumentFile>,
    scan: &Scan,
    notes: &mut Vec<String>,
) -> Result<Instrument, DataError> {
    let (seen, share) = finest(&scan.price_decimals);
    let from_file = match file {
        Some(file) => file.instrument(name, id)?,
        None => None,
    };
    let mut instrument = match from_file.or_else(|| built_in(name, id)) {
        Some(known) => known,
        None => derived(name, id, grid(seen), step(scan.volume_decimals)),
    };
    if grid(seen) < instrument.tick {
        let (tick, text) = (instrument.tick, instrument.origin);
        if text == InstrumentOrigin::BuiltIn && finer_share(scan, tick) {
            instrument.tick = grid(seen);
            notes.push(format!(
                "tick of {name} is {} as its prices show, finer than the built-in table's {tick}",
                instrument.tick
            ));
        } else {
            notes.push(format!(
                "{share} of {name}'s prices are off its tick of {tick} (down to {}); the tick \
                 stays",
                grid(seen)
            ));
        }
    }
    if let Some(interval) = scan.funding_interval {
        instrument.funding_interval = interval;
    }
    Ok(instrument)
}

/// The most decimals that any price needs, and how many prices need that many.
fn finest(decimals: &[u64; 9]) -> (u8, u64) {
    let index = decimals.iter().rposition(|count| *count > 0).unwrap_or(0);
    (index as u8, decimals[index])
}

/// Do enough prices need more decimals than the tick has?
fn finer_share(scan: &Scan, tick: Px) -> bool {
    let coarse = usize::from(crate::row::decimals(tick.raw()));
    let all: u64 = scan.price_decimals.iter().sum();
    let finer: u64 = scan.price_decimals[coarse + 1..].iter().sum();
    finer * FINER_SHARE >= all
}

fn grid(decimals: u8) -> Px {
    Px::from_raw(SCALE / 10i64.pow(u32::from(decimals.min(8))))
}

fn step(decimals: u8) -> Qty {
    Qty::from_raw(SCALE / 10i64.pow(u32::from(decimals.min(8))))
}

//! The columns of other programs' candle files, and their rows.

use super::TimeUnit;
use crate::error::DataError;
use crate::number::{self, Fault};
use crate::problem::Problem;
use crate::row;
use crate::rows;
use crate::time;
use aegis_types::{Nanos, Px};
use std::path::Path;

pub(super) const LAYOUT: &str = "give a header with time,open,high,low,close,volume (other columns \
                                 are ignored), or the exchange's rows in that order";

/// What a column holds; the optional ones are kept when they are there.
const ROLES: [(&str, &[&str]); 10] = [
    (
        "time",
        &[
            "open_time",
            "opentime",
            "open time",
            "time",
            "timestamp",
            "unix",
            "unix timestamp",
            "datetime",
            "date",
            "ts",
            "t",
            "time_open",
            "gmt time",
            "start",
            "start_time",
            "candle_begin_time",
        ],
    ),
    ("open", &["open", "o", "open_price", "price_open"]),
    ("high", &["high", "h", "high_price", "price_high"]),
    ("low", &["low", "l", "low_price", "price_low"]),
    ("close", &["close", "c", "close_price", "price_close"]),
    ("volume", &["volume", "vol", "v", "base_volume", "volume_base", "volumefrom"]),
    ("quote_volume", &["quote_volume", "quote asset volume", "quote_asset_volume", "volumeto"]),
    ("count", &["count", "trades", "number of trades", "number_of_trades", "tradecount"]),
    (
        "taker_buy_volume",
        &["taker_buy_volume", "taker buy base asset volume", "taker_buy_base_asset_volume"],
    ),
    (
        "taker_buy_quote_volume",
        &["taker_buy_quote_volume", "taker buy quote asset volume", "taker_buy_quote_asset_volume"],
    ),
];
/// The first so many must be there.
const NEEDED: usize = 6;
const VOLUME: usize = 5;

/// Which column holds what.
pub(crate) struct Columns {
    pub is_header: bool,
    separator: char,
    unit: TimeUnit,
    /// Place in the row of each role.
    places: [Option<usize>; ROLES.len()],
    width: usize,
}

/// A candle as it will be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub at: Nanos,
    pub open: Px,
    pub high: Px,
    pub low: Px,
    pub close: Px,
    pub volume: f64,
    /// The optional columns as they were written.
    pub more: [Option<String>; ROLES.len() - NEEDED],
}

type Refused = (Problem, String);

impl Columns {
    /// The columns by a first line: a header, or a row in the exchange's order. `None` when it is
    /// neither, but a line above them.
    pub(crate) fn of(line: &str, unit: TimeUnit) -> Result<Option<Self>, String> {
        let separator = [',', ';', '\t'].into_iter().max_by_key(|c| line.matches(*c).count());
        let separator = separator.filter(|c| line.contains(*c)).unwrap_or(',');
        let fields: Vec<String> = split(line, separator).map(str::to_ascii_lowercase).collect();
        let is_header = !fields[0].starts_with(|c: char| c.is_ascii_digit());
        let mut places = [None; ROLES.len()];
        let width = fields.len();
        if !is_header {
            // The exchange's order has the close time between volume and quote volume.
            let order = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10];
            for (place, index) in places.iter_mut().zip(order) {
                *place = (index < width).then_some(index);
            }
            return Ok(Some(Self { is_header, separator, unit, places, width: usize::MAX }));
        }
        if width < NEEDED {
            let text = fields.iter().any(|f| ROLES[0].1.contains(&f.as_str()));
            if text {
                return Err(format!("the header `{}` has too few columns", shown(line)));
            }
            return Ok(None);
        }
        for (role, (name, known)) in ROLES.iter().enumerate() {
            let found: Vec<usize> = known
                .iter()
                .find_map(|known| {
                    let at: Vec<usize> = (0..width).filter(|i| fields[*i] == *known).collect();
                    (!at.is_empty()).then_some(at)
                })
                .or_else(|| (role == VOLUME).then(|| volumes(&fields)))
                .unwrap_or_default();
            match found[..] {
                [index] => places[role] = Some(index),
                [] if role >= NEEDED => {}
                [] => return Err(format!("the header `{}` has no column `{name}`", shown(line))),
                _ => return Err(format!("the header `{}` has several `{name}`", shown(line))),
            }
        }
        Ok(Some(Self { is_header, separator, unit, places, width }))
    }

    /// A row's candle, or what is wrong with it.
    pub(crate) fn row(&self, line: &str) -> Result<Row, Refused> {
        let fields: Vec<&str> = split(line, self.separator).collect();
        if fields.len() > self.width {
            let (has, header) = (fields.len(), self.width);
            return Err((Problem::BadRow, format!("{has} fields, {header} in the header")));
        }
        let field = |role: usize| -> Result<&str, Refused> {
            let field = self.places[role].and_then(|place| fields.get(place)).copied();
            field.ok_or_else(|| (Problem::BadRow, format!("it ends before {}", ROLES[role].0)))
        };
        let at = self.time(field(0)?)?;
        if at.floor(Nanos::MINUTE) != at {
            let text = field(0)?;
            return Err((Problem::OffGrid, format!("{} is no full minute", shown(text))));
        }
        let mut prices = [Px::ZERO; 4];
        for (index, px) in prices.iter_mut().enumerate() {
            *px = price(ROLES[index + 1].0, field(index + 1)?)?;
        }
        let [open, high, low, close] = prices;
        let volume = amount("volume", field(VOLUME)?)?;
        if high < low || open > high || open < low || close > high || close < low {
            let detail = format!("open {open} high {high} low {low} close {close} cannot be");
            return Err((Problem::Ohlc, detail));
        }
        let mut more = std::array::from_fn(|_| None);
        for (index, kept) in more.iter_mut().enumerate() {
            let role = NEEDED + index;
            let Some(text) = self.places[role].and_then(|place| fields.get(place)) else {
                continue;
            };
            if !text.is_empty() {
                amount(ROLES[role].0, text)?;
                *kept = Some((*text).to_owned());
            }
        }
        Ok(Row { at, open, high, low, close, volume, more })
    }

    fn time(&self, text: &str) -> Result<Nanos, Refused> {
        let bad = |why: String| (Problem::BadRow, why);
        let digits = |text: &str| text.parse::<i64>().ok().filter(|n| *n > 0);
        let factor = match self.unit {
            TimeUnit::Auto => {
                return time::parse_time(text).map_err(|why| {
                    let seconds = if why.contains("seconds") { " (--time-unit s)" } else { "" };
                    bad(format!("{why}{seconds}"))
                });
            }
            TimeUnit::Seconds => 1_000_000_000,
            TimeUnit::Milliseconds => 1_000_000,
            TimeUnit::Microseconds => 1_000,
            TimeUnit::Nanoseconds => 1,
        };
        let whole = text.strip_suffix(".0").unwrap_or(text);
        let at = digits(whole).and_then(|number| number.checked_mul(factor)).map(Nanos);
        at.ok_or_else(|| bad(format!("`{}` is no number of that unit", shown(text))))
    }
}

/// A column such as `Volume BTC` beside `Volume USDT`: the base's comes first in such files.
fn volumes(fields: &[String]) -> Vec<usize> {
    let quoted = |name: &str| ["usdt", "usd", "busd", "usdc"].iter().any(|q| name.ends_with(q));
    (0..fields.len())
        .filter(|index| fields[*index].starts_with("volume ") && !quoted(&fields[*index]))
        .collect()
}

fn split(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.split(separator).map(|field| field.trim().trim_matches('"').trim())
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn price(name: &str, text: &str) -> Result<Px, Refused> {
    let refuse = |problem| Err((problem, format!("{name} is `{}`", shown(text))));
    match number::general(text.as_bytes(), false) {
        Ok(raw) if raw > 0 => Ok(Px::from_raw(raw)),
        Ok(_) => refuse(Problem::NotPositive),
        Err(Fault::NotANumber) => refuse(Problem::BadRow),
        Err(Fault::Refused(crate::Reason::NonFinite)) => refuse(Problem::NotFinite),
        Err(Fault::Refused(_)) => refuse(Problem::OutOfRange),
    }
}

fn amount(name: &str, text: &str) -> Result<f64, Refused> {
    let refuse = |problem| Err((problem, format!("{name} is `{}`", shown(text))));
    match number::general_float(text.as_bytes()) {
        Ok(value) if !value.is_finite() => refuse(Problem::NotFinite),
        Ok(value) if value < 0.0 => refuse(Problem::Negative),
        Ok(value) => Ok(value),
        Err(_) => refuse(Problem::BadRow),
    }
}

/// Open times of a canonical file's first and last row.
pub(super) fn ends(path: &Path) -> Result<Option<(Nanos, Nanos)>, DataError> {
    let Some(first) = rows::first_time(path)? else { return Ok(None) };
    let mut last = first;
    let mut lines = crate::lines::Lines::open(path)?;
    while let Some(range) = lines.advance()? {
        if let Ok(row) = row::parse(lines.text(range)) {
            last = last.max(row.open_time);
        }
    }
    Ok(Some((first, last)))
}

//! Funding files: `funding_time,funding_rate`, or the archive's
//! `calc_time,funding_interval_hours,last_funding_rate`.

use crate::error::DataError;
use crate::firewall::Reason;
use crate::lines::Lines;
use crate::number::{self, Fault};
use crate::refusals::Refusals;
use crate::time;
use aegis_types::{Nanos, Rate, SymbolId};
use std::path::{Path, PathBuf};

/// One settlement, in the minute that it belongs to.
pub(crate) type Settlement = (Nanos, Rate);

/// No exchange charges more at once; beyond it the number is not a rate.
const RATE_MAX: Rate = Rate::from_raw(10_000_000);

const LAYOUT: &str = "expected funding_time,funding_rate or \
                      calc_time,funding_interval_hours,last_funding_rate";

/// All settlements of a symbol in time order. Three a day: held whole.
pub(crate) fn read(
    symbol: SymbolId,
    files: &[PathBuf],
    refusals: &mut Refusals,
) -> Result<Vec<Settlement>, DataError> {
    let mut all = Vec::new();
    for path in files {
        read_file(symbol, path, refusals, &mut all)?;
    }
    // Monthly files may come in any order and overlap; the same minute twice is charged once.
    all.sort_by_key(|(minute, _, _)| *minute);
    let mut settlements: Vec<Settlement> = Vec::with_capacity(all.len());
    for (minute, rate, place) in all {
        if settlements.last().is_some_and(|(last, _)| *last == minute) {
            let detail = || format!("funding of {} is given twice", minute.utc());
            refusals.add(symbol, Reason::DuplicateTime, || place, detail);
        } else {
            settlements.push((minute, rate));
        }
    }
    Ok(settlements)
}

fn read_file(
    symbol: SymbolId,
    path: &Path,
    refusals: &mut Refusals,
    all: &mut Vec<(Nanos, Rate, String)>,
) -> Result<(), DataError> {
    let mut lines = Lines::open(path)?;
    while let Some(range) = lines.advance()? {
        let text = String::from_utf8_lossy(lines.text(range)).into_owned();
        let number = lines.number();
        let fields: Vec<&str> = text.split(',').map(|f| f.trim().trim_matches('"')).collect();
        let first = fields[0];
        if text.is_empty() {
            continue;
        }
        if number == 1 && !first.starts_with(|c: char| c.is_ascii_digit()) {
            check_header(path, &fields)?;
            continue;
        }
        let bad = |column, name, why: String| {
            DataError::at(path, number, Some((column, name)), why, LAYOUT)
        };
        let at = time::parse_time(first).map_err(|why| bad(1, "funding_time", why))?;
        let column = if fields.len() >= 3 && !fields[2].is_empty() { 2 } else { 1 };
        let Some(rate) = fields.get(column) else {
            return Err(bad(2, "funding_rate", "the row ends before it".to_owned()));
        };
        let place = || format!("{}:{number}", path.display());
        match number::general(rate.as_bytes(), true) {
            Ok(raw) if Rate::from_raw(raw).abs() <= RATE_MAX => {
                all.push((at.floor(Nanos::MINUTE), Rate::from_raw(raw), place()));
            }
            Ok(_) => {
                refusals.add(symbol, Reason::OutOfRange, place, || format!("funding rate {rate}"));
            }
            Err(Fault::Refused(reason)) => {
                refusals.add(symbol, reason, place, || format!("funding rate `{rate}`"));
            }
            Err(Fault::NotANumber) => {
                let why = format!("`{rate}` is not a number");
                return Err(bad(column + 1, "funding_rate", why));
            }
        }
    }
    Ok(())
}

fn check_header(path: &Path, fields: &[&str]) -> Result<(), DataError> {
    let lower: Vec<String> = fields.iter().map(|f| f.to_ascii_lowercase()).collect();
    let time = matches!(lower[0].as_str(), "funding_time" | "fundingtime" | "calc_time" | "time");
    let rate = lower.iter().skip(1).take(2).any(|f| f.contains("rate"));
    if time && rate {
        return Ok(());
    }
    let shown: String = fields.join(",").chars().filter(|c| !c.is_control()).take(60).collect();
    let why = format!("the header `{shown}` is not one of funding rates");
    Err(DataError::at(path, 1, Some((1, "funding_time")), why, LAYOUT))
}

/// The time between settlements: the shortest that occurs, in whole hours.
pub(crate) fn interval(settlements: &[Settlement]) -> Option<Nanos> {
    let hours = |pair: &[Settlement]| {
        let span = pair[1].0.since(pair[0].0);
        (span.0 + Nanos::HOUR.0 / 2) / Nanos::HOUR.0
    };
    settlements.windows(2).map(hours).filter(|h| *h > 0).min().map(|h| Nanos::HOUR.times(h))
}

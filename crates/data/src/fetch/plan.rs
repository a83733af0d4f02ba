//! Which files of the archive hold what is asked for.

use crate::archive::{ArchiveFile, Date, Month, Period, Series, interval};
use crate::error::DataError;
use aegis_types::exchange_name;
use std::collections::VecDeque;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Symbols in any written form.
    pub symbols: Vec<String>,
    /// Names of series.
    pub series: Vec<String>,
    /// Candle lengths, for series of candles.
    pub intervals: Vec<String>,
    /// First month or day.
    pub from: String,
    /// Last month or day, included; yesterday without it.
    pub to: Option<String>,
}

/// A file to fetch, and what to fetch when the archive has no file of that whole month (yet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub file: ArchiveFile,
    pub days: Vec<Date>,
}

/// The files that hold what is wanted: of each month that is wanted whole and is over, the month's
/// file, else files of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub(crate) tasks: VecDeque<Task>,
    /// First and last day.
    pub days: (Date, Date),
    pub(crate) today: Date,
}

impl Plan {
    /// Plans on the day `today`: the archive's newest file is of the day before.
    ///
    /// # Errors
    /// A usage error for symbols, series, lengths or days that cannot be.
    pub fn new(wanted: &Wanted, today: Date) -> Result<Self, DataError> {
        let symbols = symbols(&wanted.symbols)?;
        let series = series(&wanted.series)?;
        let intervals = intervals(&wanted.intervals)?;
        let days = days(wanted, today)?;
        let mut tasks = VecDeque::new();
        for symbol in &symbols {
            for series in &series {
                let lengths: Vec<Option<&'static str>> = if series.has_interval() {
                    intervals.iter().copied().map(Some).collect()
                } else {
                    vec![None]
                };
                for interval in lengths {
                    let (symbol, period) = (symbol.clone(), Period::Day(days.0));
                    let file = ArchiveFile { symbol, series: *series, interval, period };
                    months(&file, days, today, &mut tasks);
                }
            }
        }
        Ok(Self { tasks, days, today })
    }

    /// The files asked for first, in order.
    pub fn files(&self) -> impl Iterator<Item = &ArchiveFile> {
        self.tasks.iter().map(|task| &task.file)
    }
}

fn months(file: &ArchiveFile, days: (Date, Date), today: Date, tasks: &mut VecDeque<Task>) {
    let mut month = days.0.month();
    while month.first() <= days.1 {
        let (first, last) = (month.first().max(days.0), month.last().min(days.1));
        let whole = first == month.first() && last == month.last() && last < today;
        let single = || {
            let mut day = first;
            std::iter::from_fn(move || {
                let this = day;
                day = day.plus(1);
                (this <= last).then_some(this)
            })
        };
        let monthly = |days| Task { file: file.of(Period::Month(month)), days };
        if !file.series.is_daily() {
            tasks.push_back(monthly(Vec::new()));
        } else if whole && file.series.is_monthly() {
            tasks.push_back(monthly(single().collect()));
        } else {
            let task = |day| Task { file: file.of(Period::Day(day)), days: Vec::new() };
            tasks.extend(single().map(task));
        }
        month = Month::next(month);
    }
}

fn symbols(written: &[String]) -> Result<Vec<String>, DataError> {
    let mut symbols: Vec<String> = listed(written).map(exchange_name).collect();
    symbols.sort();
    symbols.dedup();
    if symbols.is_empty() {
        return Err(DataError::arguments(
            "no symbol is named",
            "give symbols, such as BTCUSDT or ETH/USDT",
        ));
    }
    let ok = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let bad = |name: &&String| !(2..=24).contains(&name.len()) || !name.bytes().all(ok);
    match symbols.iter().find(bad) {
        Some(name) => Err(DataError::arguments(
            format!("`{name}` cannot be a symbol of the exchange"),
            "write BTCUSDT, BTC/USDT or BTC/USDT:USDT",
        )),
        None => Ok(symbols),
    }
}

fn series(written: &[String]) -> Result<Vec<Series>, DataError> {
    let mut all = Vec::new();
    for name in listed(written) {
        let Some(series) = Series::parse(name) else {
            let known: Vec<&str> = Series::ALL.iter().map(|s| s.name()).collect();
            return Err(DataError::arguments(
                format!("the archive has no series `{name}`"),
                format!("choose among {}", known.join(", ")),
            ));
        };
        if !all.contains(&series) {
            all.push(series);
        }
    }
    if all.is_empty() {
        return Err(DataError::arguments("no series is named", "give one, such as klines"));
    }
    Ok(all)
}

fn intervals(written: &[String]) -> Result<Vec<&'static str>, DataError> {
    let mut all = Vec::new();
    for name in listed(written) {
        let Some(length) = interval(name) else {
            return Err(DataError::arguments(
                format!("the archive has no candles of `{name}`"),
                format!("choose among {}", crate::archive::INTERVALS.join(", ")),
            ));
        };
        if !all.contains(&length) {
            all.push(length);
        }
    }
    if all.is_empty() {
        return Err(DataError::arguments("no candle length is named", "give one, such as 1m"));
    }
    Ok(all)
}

fn listed(written: &[String]) -> impl Iterator<Item = &str> {
    written.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

fn days(wanted: &Wanted, today: Date) -> Result<(Date, Date), DataError> {
    let yesterday = today.plus(-1);
    let period = |text: &str, flag: &str| {
        Period::parse(text).map_err(|why| {
            DataError::arguments(
                format!("{flag} {text}: {why}"),
                "both ends are included: --from 2025-05 --to 2025-06-15",
            )
        })
    };
    let first = period(&wanted.from, "--from")?.first();
    let last = match &wanted.to {
        Some(text) => period(text, "--to")?.last(),
        None => yesterday,
    };
    if first > yesterday {
        return Err(DataError::arguments(
            format!("--from {first}: the archive's newest day is {yesterday}"),
            "a day's file appears on the day after",
        ));
    }
    if first > last {
        return Err(DataError::arguments(
            format!("--from {first} is after --to {last}"),
            "both ends are included: --from 2025-05 --to 2025-06-15",
        ));
    }
    Ok((first, last.min(yesterday)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(series: &str, from: &str, to: &str) -> Wanted {
        Wanted {
            symbols: vec!["BTC/USDT:USDT,ethusdt".to_owned()],
            series: vec![series.to_owned()],
            intervals: vec!["1m".to_owned()],
            from: from.to_owned(),
            to: (!to.is_empty()).then(|| to.to_owned()),
        }
    }

    fn today() -> Date {
        Period::parse("2025-06-10").expect("a day").first()
    }

    fn names(series: &str, from: &str, to: &str) -> Vec<String> {
        let plan = Plan::new(&wanted(series, from, to), today()).expect("a plan");
        let btc = plan.files().filter(|file| file.symbol == "BTCUSDT");
        btc.map(|file| file.period.to_string()).collect()
    }

    #[test]
    fn whole_months_are_months_and_the_rest_days() {
        let periods = names("klines", "2025-03-30", "2025-06-02");
        let expected =
            ["2025-03-30", "2025-03-31", "2025-04", "2025-05", "2025-06-01", "2025-06-02"];
        assert_eq!(periods, expected);
        // A month that is not over has no file of its own.
        assert_eq!(names("klines", "2025-06", "2025-06").len(), 9);
        assert_eq!(names("klines", "2025-06-08", ""), ["2025-06-08", "2025-06-09"]);
        assert_eq!(names("metrics", "2025-05", "2025-05").len(), 31);
        assert_eq!(names("fundingRate", "2025-04-30", "2025-05-02"), ["2025-04", "2025-05"]);
    }

    #[test]
    fn months_know_their_days() {
        let plan = Plan::new(&wanted("trades", "2024-02", "2024-02"), today()).expect("a plan");
        assert_eq!(plan.tasks.len(), 2);
        assert_eq!(plan.tasks[0].days.len(), 29);
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let refused = |wanted: Wanted, words: &str| {
            let error = Plan::new(&wanted, today()).expect_err("refused");
            assert!(error.is_usage() && error.to_string().contains(words), "{error}");
        };
        refused(wanted("candles", "2025-05", ""), "klines");
        refused(wanted("klines", "2025-07", ""), "2025-06-09");
        refused(wanted("klines", "2025-05", "2025-04"), "after");
        refused(wanted("klines", "May", ""), "YYYY-MM");
        refused(Wanted { symbols: vec!["../x".into()], ..wanted("klines", "2025-05", "") }, "BTC");
        refused(Wanted { intervals: vec!["7m".into()], ..wanted("klines", "2025-05", "") }, "15m");
        refused(Wanted { symbols: vec![" ".into()], ..wanted("klines", "2025-05", "") }, "BTC");
    }
}

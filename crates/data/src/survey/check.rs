//! One file's rows against what must hold among them.

use super::{Limits, Survey};
use crate::archive::{Series, interval_span};
use crate::content::{self, Content, book, candle, funding, trade};
use crate::problem::Problem;
use crate::records::Record;
use aegis_types::Nanos;
use std::collections::BTreeMap;

/// Different steps between rows that are counted.
const STEPS_MAX: usize = 64;
/// No settlement is further from the next one.
const FUNDING_HOURS_MAX: i64 = 8;
/// No exchange charges more at once.
const FUNDING_RATE_MAX: f64 = 0.1;
/// The archive's metrics come every five minutes.
const METRICS_STEP: Nanos = Nanos(300_000_000_000);

/// Judges rows in the order of the file.
pub(super) struct Check<'a> {
    limits: &'a Limits,
    content: Content,
    span: Option<Nanos>,
    pub survey: Survey,
    line: u64,
    last: Option<Last>,
    /// Rows without a trade so far: how many, and the line of the first.
    quiet: (u64, u64),
    steps: BTreeMap<i64, u64>,
    price_decimals: [u64; 9],
    quantity_decimals: Option<u8>,
    /// Bands of depth met at the last time.
    bands: Vec<f64>,
}

/// The row before.
#[derive(Clone, Debug)]
struct Last {
    at: Nanos,
    line: u64,
    id: i64,
    price: f64,
    record: Record,
}

impl<'a> Check<'a> {
    pub(super) fn new(content: &Content, limits: &'a Limits, survey: Survey) -> Self {
        let span = match content.series {
            Series::Metrics => Some(METRICS_STEP),
            _ => content.interval.and_then(interval_span),
        };
        Self {
            limits,
            content: content.clone(),
            span,
            survey,
            line: 0,
            last: None,
            quiet: (0, 0),
            steps: BTreeMap::new(),
            price_decimals: [0; 9],
            quantity_decimals: None,
            bands: Vec::new(),
        }
    }

    pub(super) fn find(&mut self, problem: Problem, detail: impl FnOnce() -> String) {
        self.find_at(self.line, problem, detail);
    }

    fn find_at(&mut self, line: u64, problem: Problem, detail: impl FnOnce() -> String) {
        self.survey.find(self.limits, line, problem, detail);
    }

    pub(super) fn refused(&mut self, line: u64, problem: Problem, detail: String) {
        self.line = line;
        self.find(problem, || detail);
    }

    /// One row.
    pub(super) fn row(&mut self, line: u64, record: &Record) {
        self.line = line;
        self.survey.rows += 1;
        match self.content.series {
            Series::Klines
            | Series::MarkPriceKlines
            | Series::IndexPriceKlines
            | Series::PremiumIndexKlines => self.candle(record),
            Series::FundingRate => self.funding(record),
            Series::Trades => self.trade(record, trade::TIME),
            Series::AggTrades => self.trade(record, trade::AGG_TIME),
            Series::BookTicker => self.book(record),
            Series::BookDepth => self.depth(record),
            Series::Metrics => self.metrics(record),
        }
    }

    /// After the last row.
    pub(super) fn end(mut self) -> Survey {
        self.quiet_end();
        let most = self.steps.iter().max_by_key(|(step, count)| (**count, -**step));
        self.survey.step = self.span.or(most.map(|(step, _)| Nanos(*step)));
        self.survey.price_decimals = self.price_decimals;
        self.survey.quantity_decimals = self.quantity_decimals;
        self.survey
    }

    /// Counts a time, and says whether it is after the one before.
    fn time(&mut self, at: Nanos, equal_is_fine: bool) -> bool {
        let survey = &mut self.survey;
        survey.first = Some(survey.first.map_or(at, |first| first.min(at)));
        survey.last = Some(survey.last.map_or(at, |last| last.max(at)));
        let Some(last) = &self.last else { return true };
        let (before, line) = (last.at, last.line);
        if at > before {
            let step = at.since(before).0;
            if self.steps.len() < STEPS_MAX || self.steps.contains_key(&step) {
                *self.steps.entry(step).or_default() += 1;
            }
            return true;
        }
        if at < before {
            self.find(Problem::Order, || {
                format!("{} comes after {} of line {line}", at.utc(), before.utc())
            });
        }
        equal_is_fine && at == before
    }

    fn again(&mut self, at: Nanos, record: &Record) {
        let Some(last) = self.last.as_ref().filter(|last| last.at == at) else { return };
        let (line, same) = (last.line, last.record == *record);
        let how = if same { "the same row" } else { "with other values" };
        self.find(Problem::Duplicate, || format!("{} stands in line {line}, {how}", at.utc()));
    }

    fn gap(&mut self, from: Nanos, to: Nanos, missing: u64, of: &str) {
        self.survey.gaps += 1;
        self.survey.missing += missing;
        self.find(Problem::Gap, || {
            format!("{missing} {of} missing between {} and {}", from.utc(), to.utc())
        });
    }

    fn remember(&mut self, at: Nanos, id: i64, price: f64, record: &Record) {
        self.last = Some(Last { at, line: self.line, id, price, record: record.clone() });
    }

    fn candle(&mut self, record: &Record) {
        let at = Nanos(record.raw[candle::TIME]);
        let [_, open, high, low, close, volume, ..] = record.real;
        if high < low || open > high || open < low || close > high || close < low {
            self.find(Problem::Ohlc, || {
                format!("open {open} high {high} low {low} close {close} cannot be")
            });
        }
        self.close_time(at, record);
        let signed = self.content.series == Series::PremiumIndexKlines;
        if !signed {
            for column in candle::OPEN..=candle::CLOSE {
                self.price_decimals[usize::from(record.decimals[column].min(8))] += 1;
            }
        }
        if record.has(candle::VOLUME) && self.content.series == Series::Klines {
            self.quantity(record.decimals[candle::VOLUME]);
            self.quiet(volume);
        }
        if !self.time(at, false) {
            self.again(at, record);
            return;
        }
        if let Some((before, price)) = self.last.as_ref().map(|last| (last.at, last.price)) {
            let grid = self.span.unwrap_or(Nanos::ZERO);
            let missing = if grid.0 > 0 { at.since(before).0 / grid.0 - 1 } else { 0 };
            if missing > 0 {
                let candles = if missing == 1 { "candle is" } else { "candles are" };
                self.gap(before, at, missing as u64, candles);
            }
            if !signed {
                self.jump(at.since(before), price, &[high, low], close);
            }
        }
        self.remember(at, 0, close, record);
    }

    fn close_time(&mut self, at: Nanos, record: &Record) {
        let Some(span) = self.span else { return };
        if span <= Nanos::DAY && at.floor(span) != at {
            self.find(Problem::OffGrid, || {
                format!("{} ms is not on the grid of the candles", at.as_millis())
            });
        }
        if record.has(candle::CLOSE_TIME) {
            let close = Nanos(record.raw[candle::CLOSE_TIME]);
            let lasts = close.since(at);
            if lasts > span || lasts < Nanos(span.0 - Nanos::SECOND.0) {
                self.find(Problem::CloseTime, || {
                    let (lasts, span) = (lasts.0 / 1_000_000_000, span.0 / 1_000_000_000);
                    format!("the candle lasts {lasts} s, not {span} s")
                });
            }
        }
    }

    fn quiet(&mut self, volume: f64) {
        if volume > 0.0 {
            self.quiet_end();
        } else if self.quiet.0 == 0 {
            self.quiet = (1, self.line);
        } else {
            self.quiet.0 += 1;
        }
    }

    fn quiet_end(&mut self) {
        let (count, line) = std::mem::take(&mut self.quiet);
        if count >= self.limits.quiet_candles {
            self.find_at(line, Problem::NoTrades, || {
                format!("{count} candles in a row without a trade")
            });
        }
    }

    fn quantity(&mut self, decimals: u8) {
        self.quantity_decimals = Some(self.quantity_decimals.unwrap_or(0).max(decimals));
    }

    /// Prices against the last one, as the firewall of a run judges them.
    fn jump(&mut self, since: Nanos, last: f64, prices: &[f64], now: f64) {
        let factor = self.limits.jump_factor;
        let near = since <= self.limits.jump_window && factor > 0.0;
        let wild = |px: &&f64| **px > last * factor || **px * factor < last;
        if let Some(px) = prices.iter().find(wild).filter(|_| near) {
            self.find(Problem::WildJump, || format!("{px} after {last}"));
        } else if near && (now / last - 1.0).abs() > self.limits.outlier {
            let percent = (now / last - 1.0) * 100.0;
            self.find(Problem::Outlier, || format!("{now} after {last}: {percent:+.1} %"));
        }
    }

    fn funding(&mut self, record: &Record) {
        let at = Nanos(record.raw[funding::TIME]);
        let rate = record.real[funding::RATE];
        if rate.abs() > FUNDING_RATE_MAX {
            self.find(Problem::OutOfRange, || format!("{rate} is no rate of one settlement"));
        }
        // Settlements are stamped some milliseconds late.
        let hour = Nanos(at.0 + Nanos::MINUTE.0 / 2).floor(Nanos::MINUTE);
        if !self.time(hour, false) {
            self.again(hour, record);
            return;
        }
        if let Some(before) = self.last.as_ref().map(|last| last.at) {
            let hours = (hour.since(before).0 + Nanos::HOUR.0 / 2) / Nanos::HOUR.0;
            if hours > FUNDING_HOURS_MAX {
                let missing = (hours / FUNDING_HOURS_MAX).max(2) - 1;
                self.gap(before, hour, missing as u64, "settlements or more are");
            }
        }
        self.remember(hour, 0, 0.0, record);
    }

    fn trade(&mut self, record: &Record, time: usize) {
        let at = Nanos(record.raw[time]);
        let (id, price) = (record.raw[trade::ID], record.real[trade::PRICE]);
        let qty = record.real[trade::QTY];
        if qty <= 0.0 {
            self.find(Problem::NotPositive, || format!("the quantity is {qty}"));
        }
        if time == trade::AGG_TIME && record.raw[trade::FIRST] > record.raw[trade::LAST] {
            self.find(Problem::IdOrder, || "the first trade's id is above the last's".to_owned());
        }
        self.price_decimals[usize::from(record.decimals[trade::PRICE].min(8))] += 1;
        self.quantity(record.decimals[trade::QTY]);
        let ordered = self.numbered(id, record, true);
        if self.time(at, true) && ordered {
            if let Some(last) = &self.last {
                let (since, last) = (at.since(last.at), last.price);
                self.jump(since, last, &[price], price);
            }
            self.remember(at, id, price, record);
        }
    }

    /// Is an id above the last one? With `all`, none may be missing between.
    fn numbered(&mut self, id: i64, record: &Record, all: bool) -> bool {
        let ids = self.survey.ids.get_or_insert((id, id));
        *ids = (ids.0.min(id), ids.1.max(id));
        let Some(last) = &self.last else { return true };
        let (before, line, same) = (last.id, last.line, last.record == *record);
        if id < before {
            self.find(Problem::IdOrder, || format!("id {id} comes after {before} of line {line}"));
        } else if id == before {
            let how = if same { "the same row" } else { "with other values" };
            self.find(Problem::Duplicate, || format!("id {id} stands in line {line}, {how}"));
        } else if all && id > before + 1 {
            self.survey.gaps += 1;
            self.survey.missing += (id - before - 1) as u64;
            self.find(Problem::Gap, || {
                format!("{} ids are missing between {before} and {id}", id - before - 1)
            });
        }
        id > before
    }

    fn book(&mut self, record: &Record) {
        let at = Nanos(record.raw[book::TIME]);
        let (bid, ask) = (record.real[book::BID], record.real[book::ASK]);
        if bid >= ask {
            self.find(Problem::CrossedBook, || format!("bid {bid} is not below ask {ask}"));
        }
        for column in [book::BID, book::ASK] {
            self.price_decimals[usize::from(record.decimals[column].min(8))] += 1;
        }
        self.quantity(record.decimals[book::BID_QTY]);
        let ordered = self.numbered(record.raw[book::ID], record, false);
        if self.time(at, true) && ordered {
            if let Some(last) = &self.last {
                let (since, last) = (at.since(last.at), last.price);
                self.jump(since, last, &[bid, ask], bid);
            }
            self.remember(at, record.raw[book::ID], bid, record);
        }
    }

    fn depth(&mut self, record: &Record) {
        let at = Nanos(record.raw[0]);
        let band = record.real[1];
        if !self.time(at, true) {
            return;
        }
        if self.last.as_ref().is_none_or(|last| last.at != at) {
            self.bands.clear();
        } else if self.bands.contains(&band) {
            self.find(Problem::Duplicate, || format!("the band {band} % of {} again", at.utc()));
        }
        self.bands.push(band);
        self.remember(at, 0, 0.0, record);
    }

    fn metrics(&mut self, record: &Record) {
        let at = Nanos(record.raw[0]);
        let (own, of) = (record.text.clone(), self.content.symbol.clone());
        if record.has(content::METRICS_SYMBOL) && own != of {
            self.find(Problem::WrongSymbol, || format!("a row of {own}"));
        }
        if !self.time(at, false) {
            self.again(at, record);
            return;
        }
        if let Some(before) = self.last.as_ref().map(|last| last.at) {
            let missing = at.since(before).0 / METRICS_STEP.0 - 1;
            if missing > 0 {
                self.gap(before, at, missing as u64, "rows of five minutes are");
            }
        }
        self.remember(at, 0, 0.0, record);
    }
}

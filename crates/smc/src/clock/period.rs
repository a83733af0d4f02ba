//! Highs and lows of the previous day, week and month, where stops rest.
//!
//! Periods are UTC: a day from midnight, a week from Monday (ISO 8601), a month from its first. A
//! period without bars is no period: after a gap the previous one is the last that traded. The
//! first period seen may be cut by the beginning of the data; its levels are told all the same.
//!
//! Knowable: the levels at the close of the first bar of the next period, a break at the close of
//! the bar that trades through (touching is not enough). Each level breaks once. smartmoneyconcepts
//! 0.0.27 `previous_high_low` reads a bar at a period's first instant as one of the period before,
//! and its weeks and months are one too old.

use super::civil::weekday;
use super::session::Span;
use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::{Bar, Nanos, Side};
use serde::{Deserialize, Serialize};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// The UTC day, ISO week or month that an instant lies in; the ends of time hold.
fn span(period: Of, at: Nanos) -> Span {
    let day = at.0.div_euclid(Nanos::DAY.0);
    let midnight = |day: i64| Nanos(day.saturating_mul(Nanos::DAY.0));
    match period {
        Of::Month => {
            let (year, month, ..) = at.civil();
            let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Span {
                from: Nanos::from_civil(year, month, 1),
                until: Nanos::from_civil(next.0, next.1, 1),
            }
        }
        Of::Week => {
            let monday = day - i64::from(weekday(day as i32));
            Span { from: midnight(monday), until: midnight(monday + 7) }
        }
        _ => Span { from: midnight(day), until: midnight(day + 1) },
    }
}

/// The extreme of a period on one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The price.
    pub price: f64,
    /// Its first bar.
    pub pos: u32,
    /// Traded through since its period ended.
    pub broken: bool,
}

/// A period and the one before it. Levels stand by the side that they speak for: the low at `Buy`,
/// the high at `Sell`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Period {
    of: Of,
    span: Span,
    now: [Level; 2],
    prior: Option<[Level; 2]>,
}

impl Period {
    const fn new(of: Of) -> Self {
        let none = Level { price: 0.0, pos: 0, broken: false };
        Self { of, span: Span::NEVER, now: [none; 2], prior: None }
    }

    /// When the period of the last bar begins and ends.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The high (`Sell`) or low (`Buy`) of the previous period; none in the first.
    #[inline]
    pub fn prior(&self, side: Side) -> Option<&Level> {
        self.prior.as_ref().map(|levels| &levels[side as usize])
    }

    /// The high (`Sell`) or low (`Buy`) of this period up to the last bar; none before the first.
    #[inline]
    pub fn now(&self, side: Side) -> Option<&Level> {
        (self.span != Span::NEVER).then_some(&self.now[side as usize])
    }

    fn begin(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        if self.span != Span::NEVER {
            self.prior = Some(self.now);
            for side in SIDES {
                let Level { price, pos, .. } = self.now[side as usize];
                out(Event::new(at, pos, Kind::PeriodLevel, side, price, price).of(self.of));
            }
        }
        self.span = span(self.of, bar.time());
        let level = |price| Level { price, pos: at, broken: false };
        self.now = [level(bar.low()), level(bar.high())];
    }

    fn read(&mut self, at: u32, side: Side, low: f64, out: &mut impl FnMut(Event)) {
        let now = &mut self.now[side as usize];
        if low < View::price(now.price, side) {
            now.price = View::price(low, side);
            now.pos = at;
        }
        let Some(levels) = &mut self.prior else { return };
        let level = &mut levels[side as usize];
        if !level.broken && low < View::price(level.price, side) {
            level.broken = true;
            let (price, extreme) = (level.price, View::price(low, side));
            let kind = Kind::PeriodLevelBroken;
            out(Event::new(at, level.pos, kind, side, price, extreme).of(self.of));
        }
    }
}

/// Day, week and month.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Periods {
    all: [Period; 3],
    /// A bar within both, as low and high, moves no extreme and breaks no level.
    pub(super) quiet: [f64; 2],
}

impl Default for Periods {
    fn default() -> Self {
        Self::new()
    }
}

impl Periods {
    /// None seen.
    pub const fn new() -> Self {
        let all = [Period::new(Of::Day), Period::new(Of::Week), Period::new(Of::Month)];
        Self { all, quiet: [f64::INFINITY, f64::NEG_INFINITY] }
    }

    /// Reads a bar; returns whether an extreme, a level or a break is new.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) -> bool {
        // Weeks and months end where a day ends.
        let same_day = self.day().span.contains(bar.time());
        let quiet = same_day && self.quiet[0] <= bar.low() && bar.high() <= self.quiet[1];
        if !quiet {
            self.read(at, bar, out);
        }
        !quiet
    }

    fn read(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        for period in &mut self.all {
            if !period.span.contains(bar.time()) {
                period.begin(at, bar, out);
            }
        }
        for side in SIDES {
            let low = View::of(bar, side).low;
            let mut quiet = f64::NEG_INFINITY;
            for period in &mut self.all {
                period.read(at, side, low, out);
                quiet = quiet.max(View::price(period.now[side as usize].price, side));
                if let Some(level) = period.prior(side).filter(|level| !level.broken) {
                    quiet = quiet.max(View::price(level.price, side));
                }
            }
            self.quiet[side as usize] = View::price(quiet, side);
        }
    }

    /// The UTC day.
    pub const fn day(&self) -> &Period {
        &self.all[0]
    }

    /// The ISO week.
    pub const fn week(&self) -> &Period {
        &self.all[1]
    }

    /// The month.
    pub const fn month(&self) -> &Period {
        &self.all[2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn date(at: Nanos) -> (i64, u32, u32) {
        let (year, month, day, ..) = at.civil();
        (year, month, day)
    }

    fn bar(year: i64, month: u32, day: u32, high: f64, low: f64) -> Bar {
        let time = Nanos::from_civil(year, month, day);
        Bar::new(time, low, high, low, high, 1.0).expect("a bar")
    }

    #[test]
    fn calendar() {
        // 2 January 2027 is a Saturday, in the last ISO week of 2026.
        let at = Nanos::from_civil(2027, 1, 2);
        let of = |period| (date(span(period, at).from), date(span(period, at).until));
        assert_eq!(of(Of::Day), ((2027, 1, 2), (2027, 1, 3)));
        assert_eq!(of(Of::Week), ((2026, 12, 28), (2027, 1, 4)));
        assert_eq!(of(Of::Month), ((2027, 1, 1), (2027, 2, 1)));
        let monday = Nanos::from_civil(2026, 12, 28);
        assert_eq!(span(Of::Week, monday).from, monday);
        assert_eq!(date(span(Of::Week, Nanos(monday.0 - 1)).until), (2026, 12, 28));
        assert_eq!(date(span(Of::Month, Nanos::from_civil(2026, 12, 31)).until), (2027, 1, 1));
        for at in [Nanos(i64::MIN), Nanos(-1), Nanos(i64::MAX - 1)] {
            for period in [Of::Day, Of::Week, Of::Month] {
                assert!(span(period, at).contains(at), "{period:?} {at:?}");
            }
        }
    }

    #[test]
    fn levels_of_the_last_period_break_once() {
        let bars = [
            bar(2026, 2, 26, 20.0, 10.0),
            bar(2026, 2, 27, 19.0, 11.0),
            bar(2026, 2, 28, 19.0, 10.5),
            bar(2026, 3, 2, 21.0, 10.5),
            bar(2026, 3, 3, 22.0, 12.0),
        ];
        let mut periods = Periods::new();
        let mut events = Vec::new();
        for (at, bar) in (0..).zip(&bars) {
            periods.push(at, bar, &mut |e| events.push((e.at, e.pos, e.kind, e.of, e.level)));
        }
        let of = |period| events.iter().filter(move |e| e.3 == period).copied();
        let (level, broken) = (Kind::PeriodLevel, Kind::PeriodLevelBroken);
        let days: Vec<_> = of(Of::Day).collect();
        let day = |at, pos, kind, price| (at, pos, kind, Of::Day, price);
        let want = [
            day(1, 0, level, 10.0),
            day(1, 0, level, 20.0),
            day(2, 1, level, 11.0),
            day(2, 1, level, 19.0),
            day(2, 1, broken, 11.0),
            day(3, 2, level, 10.5),
            day(3, 2, level, 19.0),
            day(3, 2, broken, 19.0),
            day(4, 3, level, 10.5),
            day(4, 3, level, 21.0),
            day(4, 3, broken, 21.0),
        ];
        assert_eq!(days, want);
        for period in [Of::Week, Of::Month] {
            let seen: Vec<_> = of(period).map(|e| (e.0, e.1, e.2, e.4)).collect();
            assert_eq!(seen, [(3, 0, level, 10.0), (3, 0, level, 20.0), (3, 0, broken, 20.0)]);
        }
        let week = periods.week();
        assert_eq!(week.prior(Side::Sell).map(|l| (l.price, l.broken)), Some((20.0, true)));
        assert_eq!(week.prior(Side::Buy).map(|l| (l.price, l.broken)), Some((10.0, false)));
        assert_eq!(week.now(Side::Sell).map(|l| l.price), Some(22.0));
    }
}

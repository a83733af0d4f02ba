//! Asian range, Power of 3 and Judas swing: a quiet range, a raid on one of its sides, and the move
//! to the other.
//!
//! *Accumulation*: the high and low of the Asian kill zone (20:00 to 00:00 New York civil time),
//! knowable when it closes. A side of the range is *taken* by the first bar that trades beyond it;
//! only that first time counts as a raid, for the stops that rested there are then gone.
//! *Manipulation*: a side is taken in the London open kill zone (02:00 to 05:00). *Distribution*:
//! after that, a close beyond the other side during the New York session (08:00 to 17:00); once a
//! day. *Judas swing*: a side is taken within `judas_open` of the London open (02:00) or of the New
//! York open (08:30, when the American figures come out), and a bar that begins less than
//! `judas_return` after the piercing one closes back inside the range.
//!
//! All of it belongs to the session day that begins with the Asian kill zone: after 17:00 the next
//! day, or over a gap in the data, nothing is left of a range. ICT's notions; the literature gives
//! no formula, and the two spans of time are its usual rough figures.

use super::session::{Session, SessionRun, Span};
use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::{Bar, Nanos, Side};
use serde::{Deserialize, Serialize};

/// Parameters of [`PowerOfThree`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerOfThreeParams {
    /// A Judas swing starts within this time after an open.
    pub judas_open: Nanos,
    /// Its close back inside belongs to a bar that begins within this time after the piercing one.
    pub judas_return: Nanos,
}

impl Default for PowerOfThreeParams {
    fn default() -> Self {
        Self { judas_open: Nanos::HOUR, judas_return: Nanos::MINUTE.times(30) }
    }
}

/// A raid that may still turn out to be a Judas swing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Raid {
    pos: u32,
    until: Nanos,
    /// The lowest price since, as the side sees it.
    low: f64,
    of: Of,
}

/// One side of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Edge {
    taken: bool,
    manipulated: bool,
    raid: Option<Raid>,
}

/// The last Asian range and its day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsianRange {
    /// Its high.
    pub high: f64,
    /// Its low.
    pub low: f64,
    /// From its knowledge to the end of the New York session.
    pub day: Span,
    london_kill_zone: Span,
    london_open: Span,
    new_york_open: Span,
    new_york: Span,
    edges: [Edge; 2],
    distributed: Option<Side>,
    /// A bar within both changes nothing; no price is, while a raid is judged.
    pub(super) quiet: [f64; 2],
}

impl AsianRange {
    fn new(asia: &SessionRun, open: Nanos) -> Self {
        let day = asia.day.saturating_add(1);
        let span = |session: Session| session.window().of_day(day);
        let opening = |session| {
            let from = span(session).from;
            Span { from, until: from.after(open) }
        };
        let new_york = span(Session::NewYork);
        Self {
            high: asia.high,
            low: asia.low,
            day: Span { from: asia.span.until, until: new_york.until },
            london_kill_zone: span(Session::LondonOpen),
            london_open: opening(Session::LondonOpen),
            new_york_open: opening(Session::NewYorkOpen),
            new_york,
            edges: [Edge::default(); 2],
            distributed: None,
            quiet: [asia.low, asia.high],
        }
    }

    /// Where a bar changes nothing from here on: between the edges that still matter.
    fn hush(&mut self) {
        let [buy, sell] = &self.edges;
        let judged = buy.raid.is_some() || sell.raid.is_some();
        let watched = |edge: &Edge, other: &Edge| {
            !edge.taken || other.manipulated && self.distributed.is_none()
        };
        let low = if watched(buy, sell) { self.low } else { f64::NEG_INFINITY };
        let high = if watched(sell, buy) { self.high } else { f64::INFINITY };
        self.quiet = if judged { [f64::INFINITY, f64::NEG_INFINITY] } else { [low, high] };
    }

    #[inline]
    fn is_quiet(&self, bar: &Bar) -> bool {
        let [low, high] = self.quiet;
        let inside = |price| low <= price && price <= high;
        inside(bar.low()) && inside(bar.high()) && inside(bar.close())
    }

    /// Has the side that speaks for `side` been traded through: the low for `Buy`?
    pub const fn taken(&self, side: Side) -> bool {
        self.edges[side as usize].taken
    }

    /// Was it taken in the London open kill zone?
    pub const fn manipulated(&self, side: Side) -> bool {
        self.edges[side as usize].manipulated
    }

    /// The side of the day's distribution, once there is one.
    pub const fn distributed(&self) -> Option<Side> {
        self.distributed
    }

    /// Reads a bar as `side` sees it; the rule is written for buyers, who watch the low.
    fn read(
        &mut self,
        at: u32,
        bar: (Nanos, View),
        side: Side,
        judas_return: Nanos,
        out: &mut impl FnMut(Event),
    ) {
        let (time, bar) = bar;
        let seen = |price| View::price(price, side);
        let (low, high) = match side {
            Side::Buy => (self.low, self.high),
            Side::Sell => (seen(self.high), seen(self.low)),
        };
        let edge = &mut self.edges[side as usize];
        if !edge.taken && bar.low < low {
            edge.taken = true;
            if self.london_kill_zone.contains(time) {
                edge.manipulated = true;
                let (level, extreme) = (seen(low), seen(bar.low));
                let event = Event::new(at, at, Kind::Manipulation, side, level, extreme);
                out(event.of(Of::LondonOpen));
            }
            let opens = [(self.london_open, Of::LondonOpen), (self.new_york_open, Of::NewYorkOpen)];
            if let Some((_, of)) = opens.into_iter().find(|(open, _)| open.contains(time)) {
                edge.raid =
                    Some(Raid { pos: at, until: time.after(judas_return), low: bar.low, of });
            }
        }
        if let Some(raid) = &mut edge.raid {
            if bar.low < raid.low {
                raid.low = bar.low;
            }
            let in_time = raid.pos == at || time < raid.until;
            let back = low < bar.close && bar.close < high;
            if in_time && back {
                let (level, extreme) = (seen(low), seen(raid.low));
                out(Event::new(at, raid.pos, Kind::JudasSwing, side, level, extreme).of(raid.of));
            }
            if !in_time || back {
                edge.raid = None;
            }
        }
        if edge.manipulated
            && self.distributed.is_none()
            && bar.close > high
            && self.new_york.contains(time)
        {
            self.distributed = Some(side);
            let (level, close) = (seen(high), seen(bar.close));
            let event = Event::new(at, at, Kind::Distribution, side, level, close);
            out(event.of(Of::NewYork));
        }
    }
}

/// The Asian range through its day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerOfThree {
    params: PowerOfThreeParams,
    range: Option<AsianRange>,
}

impl PowerOfThree {
    /// None yet.
    pub const fn new(params: PowerOfThreeParams) -> Self {
        Self { params, range: None }
    }

    /// The Asian kill zone closed, at bar `at`.
    pub fn accumulated(&mut self, at: u32, asia: &SessionRun, out: &mut impl FnMut(Event)) {
        self.range = None;
        if asia.high < asia.low {
            return; // bars that are none: no side can be told from the other
        }
        self.range = Some(AsianRange::new(asia, self.params.judas_open));
        let kind = Kind::Accumulation;
        let event = Event::new(at, asia.first, kind, Side::Buy, asia.high, asia.low);
        out(event.of(Of::Asia).both());
    }

    /// Reads a bar.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        let Some(range) = &mut self.range else { return };
        if !range.day.contains(bar.time()) {
            self.range = None;
            return;
        }
        if range.is_quiet(bar) {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            let seen = (bar.time(), View::of(bar, side));
            range.read(at, seen, side, self.params.judas_return, out);
        }
        range.hush();
    }

    /// The Asian range, from its close to the end of its day's New York session.
    pub const fn range(&self) -> Option<&AsianRange> {
        self.range.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A bar in New York's winter time: hour, minute, high, low, close.
    type Seen = (i64, i64, f64, f64, f64);

    /// Events after an Asian range from 10 to 20 on 5 January 2026.
    fn run(bars: &[Seen]) -> Vec<(u32, u32, Kind, Of, Side, f64, f64)> {
        let day = Nanos::from_civil(2026, 1, 6).after(Nanos::HOUR.times(5));
        let asia = SessionRun {
            span: Span { from: Nanos(day.0 - Nanos::HOUR.times(4).0), until: day },
            day: (day.0 / Nanos::DAY.0) as i32 - 1,
            first: 0,
            high: 20.0,
            low: 10.0,
        };
        let mut model = PowerOfThree::new(PowerOfThreeParams::default());
        let mut seen = Vec::new();
        model.accumulated(1, &asia, &mut |event| {
            assert_eq!((event.kind, event.pos, event.side), (Kind::Accumulation, 0, None));
            assert_eq!((event.level, event.far), (20.0, 10.0));
        });
        for (at, &(hour, minute, high, low, close)) in (1..).zip(bars) {
            let time = day.after(Nanos::MINUTE.times(hour * 60 + minute));
            let bar = Bar::new(time, close, high, low, close, 1.0).expect("a bar");
            model.push(at, &bar, &mut |e| {
                let side = e.side.expect("a side");
                seen.push((e.at, e.pos, e.kind, e.of, side, e.level, e.far));
            });
        }
        seen
    }

    fn kinds(bars: &[Seen]) -> Vec<(u32, Kind)> {
        run(bars).into_iter().map(|event| (event.0, event.2)).collect()
    }

    #[test]
    fn a_raid_in_london_and_a_close_beyond_in_new_york() {
        let bars = [(3, 30, 15.0, 9.0, 12.0), (7, 59, 22.0, 12.0, 21.0), (8, 0, 22.0, 12.0, 21.0)];
        assert_eq!(
            run(&bars),
            [
                (1, 1, Kind::Manipulation, Of::LondonOpen, Side::Buy, 10.0, 9.0),
                (3, 3, Kind::Distribution, Of::NewYork, Side::Buy, 20.0, 21.0),
            ]
        );
        let mirrored = [(3, 30, 21.0, 15.0, 15.0), (9, 0, 12.0, 8.0, 9.0), (9, 1, 12.0, 8.0, 9.0)];
        assert_eq!(
            run(&mirrored),
            [
                (1, 1, Kind::Manipulation, Of::LondonOpen, Side::Sell, 20.0, 21.0),
                (2, 2, Kind::Distribution, Of::NewYork, Side::Sell, 10.0, 9.0),
            ]
        );
    }

    #[test]
    fn only_the_first_time_is_a_raid() {
        let early = (1, 0, 15.0, 9.0, 12.0);
        assert_eq!(kinds(&[early, (2, 0, 15.0, 8.0, 12.0), (8, 0, 22.0, 12.0, 21.0)]), []);
        assert_eq!(kinds(&[(2, 0, 15.0, 10.0, 12.0)]), [], "a touch takes nothing");
        assert_eq!(kinds(&[(5, 0, 15.0, 9.0, 12.0)]), [], "after the kill zone");
        let late = [(3, 30, 15.0, 9.0, 12.0), (17, 0, 22.0, 12.0, 21.0)];
        assert_eq!(kinds(&late), [(1, Kind::Manipulation)], "the day is over");
    }

    #[test]
    fn a_judas_swing_starts_soon_and_returns_soon() {
        let (raid, judas) = ((1, Kind::Manipulation), Kind::JudasSwing);
        assert_eq!(kinds(&[(2, 59, 15.0, 9.0, 12.0)]), [raid, (1, judas)]);
        assert_eq!(kinds(&[(3, 0, 15.0, 9.0, 12.0)]), [raid], "an hour after the open");
        let back = |minute| kinds(&[(2, 10, 11.0, 9.0, 9.5), (2, minute, 12.0, 8.0, 11.0)]);
        assert_eq!(back(39), [raid, (2, judas)]);
        assert_eq!(back(40), [raid]);
        let bars = [(8, 30, 11.0, 9.0, 10.0), (8, 40, 12.0, 8.0, 10.5)];
        let want = (2, 1, judas, Of::NewYorkOpen, Side::Buy, 10.0, 8.0);
        assert_eq!(run(&bars), [want], "a close at the edge is not back inside");
        assert_eq!(kinds(&[(8, 30, 15.0, 9.0, 21.0)]), [], "nor is one through the other side");
        assert_eq!(kinds(&[(8, 29, 15.0, 9.0, 12.0)]), []);
    }

    #[test]
    fn a_range_upside_down_is_none() {
        let mut model = PowerOfThree::new(PowerOfThreeParams::default());
        let never = Span::NEVER;
        let asia = SessionRun { span: never, day: 0, first: 0, high: 1.0, low: 2.0 };
        model.accumulated(1, &asia, &mut |event| panic!("{event:?}"));
        assert_eq!(model.range(), None);
    }
}

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

/// Parameters of [`PowerOfThree`].
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
struct Raid {
    pos: u32,
    until: Nanos,
    /// The lowest price since, as the side sees it.
    low: f64,
    of: Of,
}

/// One side of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Edge {
    taken: bool,
    manipulated: bool,
    raid: Option<Raid>,
}

/// The last Asian range and its day.
#[derive(Clone, Copy, Debug, PartialEq)]
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
        }
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
    #[inline]
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
#[derive(Clone, Copy, Debug, PartialEq)]
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
        for side in [Side::Buy, Side::Sell] {
            let seen = (bar.time(), View::of(bar, side));
            range.read(at, seen, side, self.params.judas_return, out);
        }
    }

    /// The Asian range, from its close to the end of its day's New York session.
    pub const fn range(&self) -> Option<&AsianRange> {
        self.range.as_ref()
    }
}

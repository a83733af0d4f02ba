//! What depends on the time of day: one composite, so that a bar's time is looked at once.
//!
//! The detector holds one [`Clock`]. For every bar it compares the bar's time with the end of the
//! stretch in which nothing opens or closes, and its prices with those between which nothing
//! happens; only where it leaves one of them the parts are asked. Times need not be sorted or
//! plausible: each bar is read at the time that it states.

mod bias;
mod civil;
mod midnight;
mod opening_gap;
mod period;
mod power_of_three;
mod session;
mod zones;

pub use bias::DailyBias;
pub use civil::{Civil, TimeZone};
pub use midnight::MidnightOpen;
pub use opening_gap::{OpeningGap, OpeningGapParams, OpeningGaps};
pub use period::{Level, Period, Periods};
pub use power_of_three::{AsianRange, PowerOfThree, PowerOfThreeParams};
pub use session::{
    NoWindow, Session, SessionCursor, SessionRun, SessionWindow, Sessions, Span, Stretch,
    kill_zone_at, sessions_at,
};

use crate::concepts::Concepts;
use crate::event::{Event, Kind, Of};
use aegis_types::{Bar, Nanos, Side};
use serde::{Deserialize, Serialize};

/// Parameters of [`Clock`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockParams {
    /// Power of 3 and Judas swing.
    pub power_of_three: PowerOfThreeParams,
    /// Opening gaps.
    pub opening_gap: OpeningGapParams,
}

/// A time and strictly between two prices, within which a bar changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Lull {
    span: Span,
    low: f64,
    high: f64,
}

impl Lull {
    /// No bar lies in it.
    const NEVER: Self = Self { span: Span::NEVER, low: f64::INFINITY, high: f64::NEG_INFINITY };
    /// Every bar does.
    const EVER: Self = Self {
        span: Span { from: Nanos(i64::MIN), until: Nanos::MAX },
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    /// What of this one lies in that time and between those prices too.
    fn within(self, span: Span, [low, high]: [f64; 2]) -> Self {
        let (from, until) = (self.span.from.max(span.from), self.span.until.min(span.until));
        let span = Span { from, until };
        Self { span, low: self.low.max(low), high: self.high.min(high) }
    }

    #[inline]
    fn holds(&self, bar: &Bar) -> bool {
        // Of a strange bar any price may be the lowest.
        let inside = |price| (self.low < price) & (price < self.high);
        self.span.contains(bar.time())
            && inside(bar.low()) & inside(bar.high()) & inside(bar.close())
    }
}

/// All concepts of the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    on: Concepts,
    lull: Lull,
    sessions: Sessions,
    periods: Periods,
    midnight: MidnightOpen,
    power_of_three: PowerOfThree,
    bias: DailyBias,
    gaps: OpeningGaps,
}

impl Clock {
    /// Nothing seen. Of `concepts` those of the clock matter: sessions, periods, models, opening
    /// gaps.
    pub fn new(params: ClockParams, concepts: Concepts) -> Self {
        Self {
            on: concepts,
            lull: Lull::NEVER,
            sessions: Sessions::new(),
            periods: Periods::new(),
            midnight: MidnightOpen::new(),
            power_of_three: PowerOfThree::new(params.power_of_three),
            bias: DailyBias::new(),
            gaps: OpeningGaps::new(params.opening_gap),
        }
    }

    /// Reads bar `at`. `higher` is the direction of a higher timeframe's structure, where the
    /// caller knows it: it can veto the daily bias.
    ///
    /// The order within a bar: sessions that close, sessions that open, periods, then the models
    /// built on them.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, higher: Option<Side>, out: &mut impl FnMut(Event)) {
        if !self.lull.holds(bar) {
            self.read(at, bar, higher, out);
            return;
        }
        if self.on.has(Concepts::MODELS) {
            self.bias.push(at, bar, higher, out);
        }
        if self.on.has(Concepts::OPENING_GAPS) {
            self.gaps.close(bar);
        }
    }

    /// Reads a bar that may change something.
    fn read(&mut self, at: u32, bar: &Bar, higher: Option<Side>, out: &mut impl FnMut(Event)) {
        let models = self.on.has(Concepts::MODELS);
        let mut asia_closed = false;
        let sessions = self.on.has(Concepts::SESSIONS);
        if sessions || models {
            self.sessions.push(at, bar, &mut |event| {
                asia_closed |= event.kind == Kind::KillZoneClosed && event.of == Of::Asia;
                if sessions {
                    out(event);
                }
            });
        }
        let periods = self.on.has(Concepts::PERIODS);
        if periods || models {
            let news = self.periods.push(at, bar, &mut |event| {
                if periods {
                    out(event);
                }
            });
            if news {
                self.bias.levels(self.periods.day());
            }
        }
        if models {
            self.midnight.push(at, bar, out);
            if asia_closed && let Some(asia) = self.sessions.closed(Session::Asia) {
                self.power_of_three.accumulated(at, asia, out);
            }
            self.power_of_three.push(at, bar, out);
            self.bias.push(at, bar, higher, out);
        }
        if self.on.has(Concepts::OPENING_GAPS) {
            self.gaps.push(at, bar, out);
        }
        self.settle();
    }

    /// Works out where bars change nothing from here on.
    fn settle(&mut self) {
        let models = self.on.has(Concepts::MODELS);
        let mut lull = Lull::EVER;
        if models || self.on.has(Concepts::SESSIONS) {
            lull = lull.within(self.sessions.calm, self.sessions.inner);
        }
        if models || self.on.has(Concepts::PERIODS) {
            lull = lull.within(self.periods.day().span(), self.periods.quiet);
        }
        if models {
            lull = lull.within(self.midnight.calm(), [lull.low, lull.high]);
            if let Some(range) = self.power_of_three.range() {
                lull = lull.within(range.day, range.quiet);
            }
        }
        if self.on.has(Concepts::OPENING_GAPS) {
            lull = lull.within(self.gaps.calm(), self.gaps.quiet);
        }
        self.lull = lull;
    }

    /// Sessions and kill zones: which are open, with high and low so far, and the last closed.
    /// They move with [`Concepts::SESSIONS`] or [`Concepts::MODELS`].
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Day, week and month and the extremes of those before. They move with [`Concepts::PERIODS`]
    /// or [`Concepts::MODELS`].
    pub const fn periods(&self) -> &Periods {
        &self.periods
    }

    /// The first price of the New York day.
    pub const fn midnight_open(&self) -> Option<f64> {
        self.midnight.price()
    }

    /// The Asian range, from its close to the end of its day's New York session, with what became
    /// of its sides.
    pub const fn asian_range(&self) -> Option<&AsianRange> {
        self.power_of_three.range()
    }

    /// The daily bias at the last close.
    pub const fn bias(&self) -> Option<Side> {
        self.bias.side()
    }

    /// Opening gaps that are not filled, oldest first.
    pub fn opening_gaps(&self) -> &[OpeningGap] {
        self.gaps.open()
    }
}

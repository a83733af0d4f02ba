//! Sessions and kill zones: the hours of a day in which a centre trades.
//!
//! A session is a window of civil time, half-open: the minute at which it ends is outside. Each
//! session belongs to the civil day on which it starts, also if it ends on the next, so that a gap
//! in the data never joins two of them. Windows are New York civil time by the time zone database:
//! London open 02:00 to 05:00 is 07:00 to 10:00 UTC in winter, 06:00 to 09:00 in summer. Windows
//! as the ICT literature states them. smartmoneyconcepts 0.0.27 `sessions` uses fixed UTC windows
//! with both ends inside and no summer time, and joins two sessions over a gap.
//!
//! Knowable: a session opens at the close of its first bar. It closes at the close of the first bar
//! that begins outside it: the length of a bar is not known here, and a bar that never comes cannot
//! be waited for.

use super::civil::{DAY_MINUTES, Regime, TimeZone, seconds};
use crate::event::{Event, Kind, Of};
use aegis_types::{Bar, Nanos, Side};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A half-open stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first instant.
    pub from: Nanos,
    /// The first instant after it.
    pub until: Nanos,
}

impl Span {
    /// Holds no instant.
    pub const NEVER: Self = Self { from: Nanos::MAX, until: Nanos(i64::MIN) };

    /// Is the instant in it?
    #[inline]
    pub const fn contains(&self, at: Nanos) -> bool {
        self.from.0 <= at.0 && at.0 < self.until.0
    }
}

/// A daily window of civil time, half-open. Equal ends mean the whole day from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionWindow {
    start: u16,
    end: u16,
    zone: TimeZone,
}

/// A text that is no window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWindow;

impl fmt::Display for NoWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a window of time; write it HH:MM-HH:MM, as in 22:30-01:15")
    }
}

impl core::error::Error for NoWindow {}

impl SessionWindow {
    /// From and to a minute of the civil day; from 1440 on they count as the next day's, that is
    /// modulo 1440.
    pub const fn new(start: u16, end: u16, zone: TimeZone) -> Self {
        Self { start: start % DAY_MINUTES, end: end % DAY_MINUTES, zone }
    }

    /// From hours and minutes.
    const fn hours(start: (u16, u16), end: (u16, u16), zone: TimeZone) -> Self {
        Self::new(start.0 * 60 + start.1, end.0 * 60 + end.1, zone)
    }

    /// Reads `HH:MM-HH:MM`; `24:00` is midnight.
    ///
    /// # Errors
    /// [`NoWindow`] when the text is not of that form or names no time of day.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, NoWindow> {
        let time = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let digits = |part: &str| {
                let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= 2;
                part.parse::<u16>().ok().filter(|_| plain)
            };
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            let total = hours * 60 + minutes;
            (minutes < 60 && total <= DAY_MINUTES).then_some(total)
        };
        let (start, end) = text.split_once('-').ok_or(NoWindow)?;
        Ok(Self::new(time(start).ok_or(NoWindow)?, time(end).ok_or(NoWindow)?, zone))
    }

    /// First minute of the civil day, 0 to 1439.
    pub const fn start(&self) -> u16 {
        self.start
    }

    /// First minute after it, 0 to 1439; not after the start: of the next day.
    pub const fn end(&self) -> u16 {
        self.end
    }

    /// Whose civil time.
    pub const fn zone(&self) -> TimeZone {
        self.zone
    }

    /// The session that starts on this civil day. Empty where summer time skips all of it.
    pub fn of_day(&self, day: i32) -> Span {
        self.of_day_in(day, &Regime::NEVER)
    }

    fn of_day_in(&self, day: i32, regime: &Regime) -> Span {
        let over = if self.end > self.start { 0 } else { DAY_MINUTES };
        let from = regime.instant(self.zone, day, self.start);
        Span { from, until: regime.instant(self.zone, day, self.end + over) }
    }

    /// The session that an instant lies in and the civil day on which it started; with none, the
    /// time between two sessions that it lies in.
    pub fn at(&self, at: Nanos) -> Stretch {
        self.at_in(at, &self.zone.regime(seconds(at)))
    }

    /// The same, by the offset that holds at the instant.
    fn at_in(&self, at: Nanos, regime: &Regime) -> Stretch {
        let day = regime.civil(at).day;
        let today = self.of_day_in(day, regime);
        if today.contains(at) {
            return Stretch { span: today, day: Some(day) };
        }
        let span = if today.from <= at {
            Span { from: today.until, until: self.of_day_in(day + 1, regime).from }
        } else {
            let yesterday = self.of_day_in(day - 1, regime);
            if yesterday.contains(at) {
                return Stretch { span: yesterday, day: Some(day - 1) };
            }
            Span { from: yesterday.until, until: today.from }
        };
        Stretch { span, day: None }
    }
}

/// A session, or the time between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// From when until when.
    pub span: Span,
    /// The civil day on which the session started; none between sessions.
    pub day: Option<i32>,
}

/// Follows a clock through the sessions of one window: a comparison for every bar, a search only
/// where a session begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionCursor {
    window: SessionWindow,
    regime: Regime,
    here: Stretch,
}

impl SessionCursor {
    /// Of this window.
    pub const fn new(window: SessionWindow) -> Self {
        let here = Stretch { span: Span::NEVER, day: None };
        Self { window, regime: Regime::NEVER, here }
    }

    /// What an instant lies in; instants may come in any order.
    #[inline]
    pub fn at(&mut self, at: Nanos) -> Stretch {
        if !self.stays(at) {
            self.search(at);
        }
        self.here
    }

    /// The day of the session that the instant lies in.
    #[inline]
    pub fn day(&mut self, at: Nanos) -> Option<i32> {
        self.at(at).day
    }

    /// From when until when that lasts.
    pub(super) const fn calm(&self) -> Span {
        self.here.span
    }

    /// Does an instant lie in what the one before lay in?
    #[inline]
    pub const fn stays(&self, at: Nanos) -> bool {
        self.here.span.contains(at)
    }

    fn search(&mut self, at: Nanos) {
        if !self.regime.holds(at) {
            self.regime = self.window.zone.regime(seconds(at));
        }
        self.here = self.window.at_in(at, &self.regime);
    }
}

/// Sessions and kill zones that traders name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Session {
    /// Sydney.
    Sydney = 0,
    /// Tokyo.
    Tokyo = 1,
    /// London.
    London = 2,
    /// New York.
    NewYork = 3,
    /// Asian kill zone.
    Asia = 4,
    /// London open kill zone.
    LondonOpen = 5,
    /// New York morning kill zone.
    NewYorkOpen = 6,
    /// London close kill zone.
    LondonClose = 7,
}

impl Session {
    /// All, in declaration order.
    pub const ALL: [Self; 8] = [
        Self::Sydney,
        Self::Tokyo,
        Self::London,
        Self::NewYork,
        Self::Asia,
        Self::LondonOpen,
        Self::NewYorkOpen,
        Self::LondonClose,
    ];

    /// The kill zones.
    pub const KILL_ZONES: [Self; 4] =
        [Self::Asia, Self::LondonOpen, Self::NewYorkOpen, Self::LondonClose];

    /// Its hours in New York.
    pub const fn window(self) -> SessionWindow {
        let (start, end) = match self {
            Self::Sydney => ((17, 0), (2, 0)),
            Self::Tokyo => ((20, 0), (5, 0)),
            Self::London => ((3, 0), (12, 0)),
            Self::NewYork => ((8, 0), (17, 0)),
            Self::Asia => ((20, 0), (0, 0)),
            Self::LondonOpen => ((2, 0), (5, 0)),
            Self::NewYorkOpen => ((8, 30), (11, 0)),
            Self::LondonClose => ((10, 0), (12, 0)),
        };
        SessionWindow::hours(start, end, TimeZone::NewYork)
    }

    /// Its hours in smartmoneyconcepts 0.0.27: fixed UTC, to be read with both ends inside.
    pub const fn package_window(self) -> SessionWindow {
        let (start, end) = match self {
            Self::Sydney => (21, 6),
            Self::Tokyo => (0, 9),
            Self::London => (7, 16),
            Self::NewYork => (13, 22),
            Self::Asia => (0, 4),
            Self::LondonOpen => (6, 9),
            Self::NewYorkOpen => (11, 14),
            Self::LondonClose => (14, 16),
        };
        SessionWindow::hours((start, 0), (end, 0), TimeZone::Utc)
    }

    /// The package's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sydney => "Sydney",
            Self::Tokyo => "Tokyo",
            Self::London => "London",
            Self::NewYork => "New York",
            Self::Asia => "Asian kill zone",
            Self::LondonOpen => "London open kill zone",
            Self::NewYorkOpen => "New York kill zone",
            Self::LondonClose => "london close kill zone",
        }
    }

    /// By its name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|session| session.name().eq_ignore_ascii_case(name))
    }

    /// Under which its events stand.
    pub const fn of(self) -> Of {
        match self {
            Self::Sydney => Of::Sydney,
            Self::Tokyo => Of::Tokyo,
            Self::London => Of::London,
            Self::NewYork => Of::NewYork,
            Self::Asia => Of::Asia,
            Self::LondonOpen => Of::LondonOpen,
            Self::NewYorkOpen => Of::NewYorkOpen,
            Self::LondonClose => Of::LondonClose,
        }
    }

    /// A kill zone, or a session.
    pub const fn is_kill_zone(self) -> bool {
        self as u8 >= Self::Asia as u8
    }
}

/// The sessions and kill zones that an instant lies in.
pub fn sessions_at(at: Nanos) -> impl Iterator<Item = Session> {
    Session::ALL.into_iter().filter(move |session| session.window().at(at).day.is_some())
}

/// The kill zone that an instant lies in. From 10:00 to 11:00 the New York morning and the London
/// close overlap: the morning is meant.
pub fn kill_zone_at(at: Nanos) -> Option<Session> {
    Session::KILL_ZONES.into_iter().find(|session| session.window().at(at).day.is_some())
}

/// One session of one day, as far as it went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRun {
    /// From when until when.
    pub span: Span,
    /// The New York day on which it started, in days since 1970.
    pub day: i32,
    /// Its first bar.
    pub first: u32,
    /// Highest price so far.
    pub high: f64,
    /// Lowest price so far.
    pub low: f64,
}

impl SessionRun {
    /// Of its first bar.
    fn new(span: Span, day: i32, at: u32, bar: &Bar) -> Self {
        Self { span, day, first: at, high: bar.high(), low: bar.low() }
    }

    fn extend(&mut self, bar: &Bar) {
        // Comparisons, not `max`: of two zeros the first stays, whatever their signs, as it does
        // upside down.
        if bar.high() > self.high {
            self.high = bar.high();
        }
        if bar.low() < self.low {
            self.low = bar.low();
        }
    }
}

/// The innermost low and high where there is no range.
const NOTHING: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// All sessions and kill zones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    cursors: [SessionCursor; 8],
    open: [Option<SessionRun>; 8],
    closed: [Option<SessionRun>; 8],
    /// Until the first bar outside, no session opens or closes.
    pub(super) calm: Span,
    /// A bar within both extends no session's range.
    pub(super) inner: [f64; 2],
}

impl Default for Sessions {
    fn default() -> Self {
        Self::new()
    }
}

impl Sessions {
    /// None seen.
    pub fn new() -> Self {
        let cursors = Session::ALL.map(|session| SessionCursor::new(session.window()));
        let (none, calm, inner) = ([None; 8], Span::NEVER, NOTHING);
        Self { cursors, open: none, closed: none, calm, inner }
    }

    /// Reads a bar.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        if !self.calm.contains(bar.time()) {
            self.turn(at, bar, out);
        } else if bar.low() < self.inner[0] || bar.high() > self.inner[1] {
            for run in self.open.iter_mut().flatten() {
                run.extend(bar);
            }
            self.narrow();
        }
    }

    fn narrow(&mut self) {
        self.inner = self
            .open
            .iter()
            .flatten()
            .fold(NOTHING, |[low, high], run| [low.max(run.low), high.min(run.high)]);
    }

    /// Reads a bar at which sessions may open or close: first all that close, then all that open.
    fn turn(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        let mut opening = [false; 8];
        for session in Session::ALL {
            let n = session as usize;
            if self.cursors[n].stays(bar.time()) {
                continue;
            }
            opening[n] = self.cursors[n].day(bar.time()).is_some();
            let Some(run) = self.open[n].take() else { continue };
            self.closed[n] = Some(run);
            let kill_zone = session.is_kill_zone();
            let kind = if kill_zone { Kind::KillZoneClosed } else { Kind::SessionClosed };
            out(told(at, run.first, kind, session, &run));
        }
        self.calm = Span { from: Nanos(i64::MIN), until: Nanos::MAX };
        for session in Session::ALL {
            let n = session as usize;
            let Stretch { span, day } = self.cursors[n].here;
            self.calm.from = self.calm.from.max(span.from);
            self.calm.until = self.calm.until.min(span.until);
            if let Some(run) = &mut self.open[n] {
                run.extend(bar);
            } else if let Some(day) = day.filter(|_| opening[n]) {
                let run = SessionRun::new(span, day, at, bar);
                self.open[n] = Some(run);
                let kill_zone = session.is_kill_zone();
                let kind = if kill_zone { Kind::KillZoneOpened } else { Kind::SessionOpened };
                out(told(at, at, kind, session, &run));
            }
        }
        self.narrow();
    }

    /// The session that the last bar began in, with its high and low so far.
    pub const fn open(&self, session: Session) -> Option<&SessionRun> {
        self.open[session as usize].as_ref()
    }

    /// The last one of these that closed.
    pub const fn closed(&self, session: Session) -> Option<&SessionRun> {
        self.closed[session as usize].as_ref()
    }
}

fn told(at: u32, pos: u32, kind: Kind, session: Session, run: &SessionRun) -> Event {
    Event::new(at, pos, kind, Side::Buy, run.high, run.low).of(session.of()).both()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn utc(month: u32, day: u32, hour: i64, minute: i64) -> Nanos {
        Nanos::from_civil(2026, month, day).after(Nanos::MINUTE.times(hour * 60 + minute))
    }

    fn bar(time: Nanos, price: f64) -> Bar {
        Bar::new(time, price, price + 1.0, price - 1.0, price, 1.0).expect("a bar")
    }

    #[test]
    fn windows_are_read_from_text() {
        let read = |text| SessionWindow::parse(text, TimeZone::Utc).map(|w| (w.start(), w.end()));
        assert_eq!(read("22:30-01:15"), Ok((1_350, 75)));
        assert_eq!(read("0:00-24:00"), Ok((0, 0)));
        for text in ["", "-", "1-2", "25:00-01:00", "24:01-01:00", "01:60-02:00", "+1:00-02:00"] {
            assert_eq!(read(text), Err(NoWindow), "{text}");
        }
        assert_eq!(Session::from_name("LONDON close kill zone"), Some(Session::LondonClose));
        assert_eq!(Session::from_name("Gotham"), None);
    }

    #[test]
    fn ends_are_outside_and_equal_ends_are_a_day() {
        let window = Session::LondonOpen.window();
        let inside = |hour, minute| window.at(utc(1, 5, hour, minute)).day.is_some();
        assert_eq!(
            [inside(6, 59), inside(7, 0), inside(9, 59), inside(10, 0)],
            [false, true, true, false]
        );
        let always = SessionWindow::new(0, 0, TimeZone::NewYork);
        let winter = always.at(utc(11, 1, 12, 0)).span;
        assert_eq!(winter.until.since(winter.from), Nanos::HOUR.times(25), "the longest day");
    }

    #[test]
    fn a_session_over_midnight_belongs_to_the_day_of_its_start() {
        let window = Session::Sydney.window();
        let (evening, night) = (window.at(utc(1, 5, 23, 0)), window.at(utc(1, 6, 6, 59)));
        assert!(evening == night && evening.day.is_some());
        assert_eq!(window.at(utc(1, 6, 7, 0)).day, None);
    }

    #[test]
    fn a_gap_does_not_join_two_sessions() {
        let mut sessions = Sessions::new();
        let mut events = Vec::new();
        let bars = [bar(utc(1, 5, 7, 30), 10.0), bar(utc(1, 6, 8, 30), 20.0)];
        for (at, bar) in (0..).zip(&bars) {
            sessions.push(at, bar, &mut |event| {
                if event.of == Of::LondonOpen {
                    events.push((event.at, event.pos, event.kind, event.level, event.far));
                }
            });
        }
        assert_eq!(
            events,
            [
                (0, 0, Kind::KillZoneOpened, 11.0, 9.0),
                (1, 0, Kind::KillZoneClosed, 11.0, 9.0),
                (1, 1, Kind::KillZoneOpened, 21.0, 19.0),
            ]
        );
        assert_eq!(sessions.open(Session::LondonOpen).map(|run| run.high), Some(21.0));
        assert_eq!(sessions.closed(Session::LondonOpen).map(|run| run.high), Some(11.0));
    }

    #[test]
    fn a_window_that_summer_time_skips_is_not_held_that_day() {
        let window = SessionWindow::new(120, 180, TimeZone::NewYork);
        let day = TimeZone::NewYork.civil(utc(3, 8, 12, 0)).day;
        let span = window.of_day(day);
        assert_eq!(span.from, span.until);
        for minute in 0..1_440 {
            assert_eq!(window.at(utc(3, 8, 5, minute)).day, None);
        }
        // And one within the hour that comes twice is held once.
        let window = SessionWindow::new(60, 90, TimeZone::NewYork);
        let held = (0..1_440).filter(|m| window.at(utc(11, 1, 4, *m)).day.is_some()).count();
        assert_eq!(held, 30);
    }

    #[test]
    fn kill_zones_of_an_instant() {
        let at = |hour, minute| kill_zone_at(utc(7, 6, hour, minute));
        assert_eq!(at(6, 0), Some(Session::LondonOpen));
        assert_eq!(at(9, 0), None);
        assert_eq!([at(12, 29), at(12, 30)], [None, Some(Session::NewYorkOpen)]);
        assert_eq!(
            [at(14, 59), at(15, 0)],
            [Some(Session::NewYorkOpen), Some(Session::LondonClose)]
        );
        assert_eq!(at(16, 0), None);
        assert_eq!([at(0, 0), at(4, 0)], [Some(Session::Asia), None]);
        let all: Vec<_> = sessions_at(utc(7, 6, 14, 0)).collect();
        let (kill_zones, day) =
            ([Session::NewYorkOpen, Session::LondonClose], [Session::London, Session::NewYork]);
        assert_eq!(all, [day, kill_zones].concat());
    }
}

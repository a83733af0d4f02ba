//! What depends on the time of day: one composite, so that the clock is read once for a bar.
//!
//! The detector holds one [`Clock`]. For every bar it compares the bar's time with the end of the
//! stretch in which nothing opens or closes, and searches the calendar only where one ends. Times
//! need not be sorted or plausible: each bar is read at the time that it states.

mod civil;
mod session;
mod zones;

pub use civil::{Civil, TimeZone};
pub use session::{
    NoWindow, Session, SessionCursor, SessionRun, SessionWindow, Sessions, Span, Stretch,
    kill_zone_at, sessions_at,
};

use crate::concepts::Concepts;
use crate::event::Event;
use aegis_types::{Bar, Side};

/// All concepts of the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    concepts: Concepts,
    sessions: Sessions,
}

impl Clock {
    /// Nothing seen.
    pub fn new(concepts: Concepts) -> Self {
        Self { concepts, sessions: Sessions::new() }
    }

    /// Reads bar `at`. `higher` is the direction of a higher timeframe's structure, where the
    /// caller has one.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, _higher: Option<Side>, out: &mut impl FnMut(Event)) {
        if self.concepts.has(Concepts::SESSIONS) {
            self.sessions.push(at, bar, out);
        }
    }

    /// Sessions and kill zones: which are open, with high and low so far, and the last closed.
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

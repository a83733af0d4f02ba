//! Step machine: the candles of one symbol, each once and in order, whatever sockets do.
//!
//! ```text
//!   past ──all of it told──┐  a minute is missing, or the socket is lost: Gap
//!                          v ──────────────────────────────────────────────────> filling
//!                         live <───────────────────────────────────────────────
//!                             no hole between what was told and the newest minute heard
//! ```
//!
//! But when live, live candles are kept, and fetched ones are told.
use super::MINUTE_MS;
use aegis_types::Px;

/// Live candles that are kept while older ones are fetched. More are forgotten, the oldest first:
/// they are fetched too.
const KEPT: usize = 8;
/// Answers without what is missing, after which it counts as missing for good.
const ATTEMPTS: u8 = 6;

/// A candle of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// First instant, ms since the epoch.
    pub open_ms: i64,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Volume in base units.
    pub volume: f64,
}

/// What a lane tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// The first price of a minute.
    Open {
        /// Its first instant, ms since the epoch.
        at_ms: i64,
        /// The price.
        px: Px,
    },
    /// A closed candle.
    Close(Bar),
    /// From here on something may be missing; how many minutes, if that is known.
    Gap {
        /// How many; 0 if not known.
        missing: u64,
    },
}

/// What a live candle was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Told, or an update of the minute under way, or kept for later.
    Fine,
    /// Closed as the last one told was: another copy.
    Duplicate,
    /// Older than that.
    Late,
    /// A minute is missing: candles must be fetched.
    Hole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Past,
    Live,
    Filling,
    Left,
}

/// The newest minute heard of since the socket last came up.
#[derive(Clone, Copy, Debug)]
struct Newest {
    open_ms: i64,
    open: Px,
}

/// The candles of one symbol.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    state: State,
    /// First instant of the candle that is told next; none before the first.
    next_ms: Option<i64>,
    /// The last minute whose first price was told.
    opened_ms: i64,
    newest: Option<Newest>,
    kept: [Bar; KEPT],
    kept_len: u8,
    /// Answers without what is missing, so far.
    attempts: u8,
    gap_told: bool,
}

impl Default for Lane {
    /// Nothing told; past candles are to be fetched first.
    fn default() -> Self {
        Self {
            state: State::Past,
            next_ms: None,
            opened_ms: i64::MIN,
            newest: None,
            kept: [Bar::default(); KEPT],
            kept_len: 0,
            attempts: 0,
            gap_told: false,
        }
    }
}

impl Lane {
    /// First instant of the candle that is told next; none before the first.
    pub const fn next_ms(&self) -> Option<i64> {
        self.next_ms
    }

    /// Are candles to be fetched?
    pub fn is_filling(&self) -> bool {
        self.state == State::Filling
    }

    /// Has the symbol left the universe?
    pub fn has_left(&self) -> bool {
        self.state == State::Left
    }

    /// The first candle that is told begins here, unless the first one that there is begins later.
    pub const fn begin(&mut self, open_ms: i64) {
        self.next_ms = Some(open_ms);
    }

    /// Takes a live candle: an update of the minute under way, or a closed one.
    #[inline]
    pub fn live(&mut self, bar: &Bar, closed: bool, tell: &mut dyn FnMut(Fact)) -> Heard {
        if self.state == State::Left {
            return Heard::Fine;
        }
        if self.next_ms.is_some_and(|next| bar.open_ms < next) {
            let last = self.next_ms.is_some_and(|next| bar.open_ms == next - MINUTE_MS);
            return match (closed, last) {
                (false, _) => Heard::Fine,
                (true, true) => Heard::Duplicate,
                (true, false) => Heard::Late,
            };
        }
        if self.state == State::Live {
            let next = *self.next_ms.get_or_insert(bar.open_ms);
            if bar.open_ms == next {
                self.open(bar.open_ms, bar.open, tell);
                if closed {
                    self.close(bar, tell);
                }
                return Heard::Fine;
            }
            let missing = (bar.open_ms - next) / MINUTE_MS;
            self.gap(missing.unsigned_abs(), tell);
            self.fill();
            self.keep(bar, closed);
            return Heard::Hole;
        }
        self.keep(bar, closed);
        if self.state == State::Filling {
            // What came out of order may be whole by now.
            self.resume(tell);
        }
        Heard::Fine
    }

    /// The socket that brings its candles is lost.
    pub fn lost(&mut self, tell: &mut dyn FnMut(Fact)) {
        self.newest = None;
        if matches!(self.state, State::Live | State::Filling) {
            self.gap(0, tell);
            self.fill();
        }
    }

    /// The symbol has left the universe: a last gap, and nothing more.
    pub fn leave(&mut self, tell: &mut dyn FnMut(Fact)) {
        if self.state != State::Left {
            self.state = State::Left;
            tell(Fact::Gap { missing: 0 });
        }
    }

    /// The first price of a candle of the past, when it is the next.
    pub fn past_open(&mut self, bar: &Bar, tell: &mut dyn FnMut(Fact)) {
        let due = self.next_ms.is_none_or(|next| bar.open_ms >= next);
        if due && self.state != State::Left {
            self.next_ms = Some(bar.open_ms);
            self.open(bar.open_ms, bar.open, tell);
        }
    }

    /// A candle of the past whose first price was told.
    pub fn past_close(&mut self, bar: &Bar, tell: &mut dyn FnMut(Fact)) {
        if self.next_ms == Some(bar.open_ms) && self.state != State::Left {
            self.close(bar, tell);
        }
    }

    /// All of the past is told. False when what came live since does not follow it.
    pub fn past_ends(&mut self, tell: &mut dyn FnMut(Fact)) -> bool {
        if self.state != State::Past {
            return true;
        }
        self.fill();
        self.resume(tell)
    }

    /// Takes fetched candles from the next one on, in order: closed ones, and the one under way if
    /// it is known. False when something is still missing.
    pub fn fetched(
        &mut self,
        closed: &[Bar],
        under_way: Option<&Bar>,
        tell: &mut dyn FnMut(Fact),
    ) -> bool {
        if self.state != State::Filling {
            return true;
        }
        let before = self.next_ms;
        for bar in closed {
            if self.reach(bar.open_ms, tell) {
                self.open(bar.open_ms, bar.open, tell);
                self.close(bar, tell);
            }
        }
        if let Some(bar) = under_way
            && self.reach(bar.open_ms, tell)
            && self.newest.is_none_or(|newest| newest.open_ms < bar.open_ms)
        {
            self.newest = Some(Newest { open_ms: bar.open_ms, open: bar.open });
        }
        if self.resume(tell) {
            return true;
        }
        self.attempts = if self.next_ms == before { self.attempts + 1 } else { 0 };
        if self.attempts < ATTEMPTS {
            return false;
        }
        // The exchange does not have it. What follows stands behind a hole that was told.
        let kept = self.kept[..usize::from(self.kept_len)].first().map(|bar| bar.open_ms);
        let newest = self.newest.map(|newest| newest.open_ms);
        if let Some(at) = kept.or(newest) {
            self.reach(at, tell);
        }
        self.attempts = 0;
        self.resume(tell)
    }

    /// Passes over minutes that the exchange does not have. False for a candle told already.
    fn reach(&mut self, open_ms: i64, tell: &mut dyn FnMut(Fact)) -> bool {
        let next = *self.next_ms.get_or_insert(open_ms);
        if open_ms > next {
            self.gap(((open_ms - next) / MINUTE_MS).unsigned_abs(), tell);
            self.next_ms = Some(open_ms);
        }
        open_ms >= next
    }

    /// Tells what was kept, as far as it follows; live again when nothing is missing.
    fn resume(&mut self, tell: &mut dyn FnMut(Fact)) -> bool {
        let len = usize::from(self.kept_len);
        let kept = self.kept;
        let mut left = 0;
        for bar in &kept[..len] {
            let next = *self.next_ms.get_or_insert(bar.open_ms);
            if bar.open_ms == next {
                self.open(bar.open_ms, bar.open, tell);
                self.close(bar, tell);
            } else if bar.open_ms > next {
                self.kept[left] = *bar;
                left += 1;
            }
        }
        self.kept_len = left as u8;
        let Some(newest) = self.newest else {
            // Nothing was heard yet that could be missed.
            self.go_live();
            return true;
        };
        let next = *self.next_ms.get_or_insert(newest.open_ms);
        if newest.open_ms > next {
            self.gap(((newest.open_ms - next) / MINUTE_MS).unsigned_abs(), tell);
            return false;
        }
        if newest.open_ms == next {
            self.open(next, newest.open, tell);
        }
        self.go_live();
        true
    }

    fn go_live(&mut self) {
        (self.state, self.gap_told, self.attempts) = (State::Live, false, 0);
        self.kept_len = 0;
    }

    fn fill(&mut self) {
        self.state = State::Filling;
        self.attempts = 0;
    }

    fn gap(&mut self, missing: u64, tell: &mut dyn FnMut(Fact)) {
        // Before the first fact there is nothing that could be missing.
        if !self.gap_told && self.opened_ms > i64::MIN {
            self.gap_told = true;
            tell(Fact::Gap { missing });
        }
    }

    #[inline]
    fn open(&mut self, at_ms: i64, px: Px, tell: &mut dyn FnMut(Fact)) {
        if at_ms > self.opened_ms {
            self.opened_ms = at_ms;
            tell(Fact::Open { at_ms, px });
        }
    }

    #[inline]
    fn close(&mut self, bar: &Bar, tell: &mut dyn FnMut(Fact)) {
        self.next_ms = Some(bar.open_ms + MINUTE_MS);
        // What is missing behind it is another gap.
        self.gap_told = false;
        tell(Fact::Close(*bar));
    }

    /// Keeps what cannot be told yet; closed candles in order, each once.
    fn keep(&mut self, bar: &Bar, closed: bool) {
        if self.newest.is_none_or(|newest| newest.open_ms < bar.open_ms) {
            self.newest = Some(Newest { open_ms: bar.open_ms, open: bar.open });
        }
        if !closed {
            return;
        }
        let mut len = usize::from(self.kept_len);
        let mut at = self.kept[..len].partition_point(|kept| kept.open_ms < bar.open_ms);
        if at < len && self.kept[at].open_ms == bar.open_ms {
            return;
        }
        if len == KEPT {
            if at == 0 {
                return;
            }
            self.kept.copy_within(1.., 0);
            (at, len) = (at - 1, len - 1);
        }
        self.kept.copy_within(at..len, at + 1);
        self.kept[at] = *bar;
        self.kept_len = (len + 1) as u8;
    }
}

//! Step machine: which conditions hold of the way to the exchange, told on change only.
//!
//! Each is a reason for which the engine makes no entries while it manages its positions on; none
//! of them holds back an order that reduces, or a cancel.

use aegis_types::{Answers, Cause, Condition, EventBody, Nanos};

/// What is to be done about orders and positions on the account that are not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Foreign {
    /// They are left alone and told, and no entries are made while there are any.
    #[default]
    Alert,
    /// They are left alone and told.
    Ignore,
    /// Positions in symbols of the session are taken over; the rest is as with [`Foreign::Alert`].
    Adopt,
}

/// Offset of the clock, beyond which no entries are made: a machine that is so wrong is not kept.
pub const OFFSET_MAX: Nanos = Nanos::SECOND;
/// How long the clock may be without a valid round.
pub const UNSYNCED_MAX: Nanos = Nanos::SECOND.times(2);
/// How long the exchange may hold another position than ours before that is a mismatch; two
/// tellings of one fill come apart by less.
pub const UNEXPLAINED_MAX: Nanos = Nanos::SECOND.times(2);

/// How requests fare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// The first failure since the last usable answer.
    failing: Option<Nanos>,
    answered: Option<Nanos>,
    probed: Option<Nanos>,
}

/// Pause between two questions that only ask whether somebody answers.
const PROBE: Nanos = Nanos::SECOND;

impl Reach {
    /// An answer came that shows the exchange at work.
    pub const fn answered(&mut self, now: Nanos) {
        (self.failing, self.probed, self.answered) = (None, None, Some(now));
    }

    /// A request failed, or has waited for a connection since `since`. What is older than the last
    /// answer says nothing of now.
    pub fn failed(&mut self, since: Nanos) {
        let since = since.max(self.answered.unwrap_or(since));
        self.failing = Some(self.failing.map_or(since, |before| before.min(since)));
    }

    /// Since when nothing was answered, while something was asked.
    pub const fn failing(&self) -> Option<Nanos> {
        self.failing
    }

    /// When the exchange last answered, if it ever did.
    pub const fn last_answer(&self) -> Option<Nanos> {
        self.answered
    }

    /// Should somebody be asked, only to see whether he answers?
    pub fn probe(&mut self, now: Nanos) -> bool {
        let due = self.failing.is_some() && self.probed.is_none_or(|at| now.since(at) >= PROBE);
        if due {
            self.probed = Some(now);
        }
        due
    }

    /// When [`Reach::probe`] has something to do.
    pub fn next(&self) -> Nanos {
        match (self.failing, self.probed) {
            (Some(_), Some(at)) => at.after(PROBE),
            (Some(at), None) => at,
            (None, _) => Nanos::MAX,
        }
    }
}

/// The conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    on: u16,
    changes: u64,
}

const _: () = assert!(Cause::ALL.len() <= 16, "a set of causes is 16 bits");

impl Health {
    const fn bit(cause: Cause) -> u16 {
        1 << cause as u8
    }

    /// Does it hold, as last told?
    pub const fn is_on(&self, cause: Cause) -> bool {
        self.on & Self::bit(cause) != 0
    }

    /// Those that hold.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let health = *self;
        Cause::ALL.iter().copied().filter(move |cause| health.is_on(*cause))
    }

    /// How often one has begun or ended.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The engine believes this one to hold: an interrupted session was told so. Causes that are
    /// not watched here are others' to end.
    pub const fn believed(&mut self, cause: Cause) {
        use Cause::{Clock, Connection, Foreign, Leverage, Mismatch, UserStream};
        if matches!(cause, UserStream | Clock | Connection | Foreign | Mismatch | Leverage) {
            self.on |= Self::bit(cause);
        }
    }

    /// Holds from now on, or no longer; told when that is a change.
    pub fn set(
        &mut self,
        cause: Cause,
        on: bool,
        (measured, limit): (i64, i64),
        answers: &mut Answers,
    ) {
        if on == self.is_on(cause) {
            return;
        }
        self.on ^= Self::bit(cause);
        self.changes += 1;
        answers.push(EventBody::Condition(Condition { cause, on, measured, limit }));
    }
}

//! What outside the engine decides whether entries may be made: conditions, and what an earlier
//! session still has to say.

use crate::fixed::Money;
use crate::signal::codes;
use crate::time::Nanos;
use core::fmt;
use serde::{Deserialize, Serialize};

codes! {
    /// Why no entries are made while positions are managed on. The first ones are told to the
    /// engine as [`Condition`]s; the last ones it finds by itself.
    Cause {
        /// The account's own events do not arrive: fills could be missed.
        UserStream = "user_stream",
        /// Our clock is too far from the exchange's, or nobody knows how far.
        Clock = "clock",
        /// Requests fail, or the exchange has banned this address.
        Connection = "connection",
        /// The account has orders or positions that are not ours.
        Foreign = "foreign",
        /// What we believe to hold is not what the exchange says.
        Mismatch = "mismatch",
        /// The journal has no space for more than what closes positions.
        Storage = "storage",
        /// An alert was not acknowledged in time.
        Alert = "alert",
        /// Leverage, margin mode or position mode on the exchange are not what was asked for.
        Leverage = "leverage",
        /// The operator has paused or halted.
        Operator = "operator",
        /// The day's loss has reached its limit.
        DailyLoss = "daily_loss",
        /// The fall from the highest equity has reached its limit.
        Drawdown = "drawdown",
    }
}

impl Cause {
    /// Told from outside? The others follow from what the engine knows itself, and a condition
    /// that claims them is not believed.
    pub const fn from_outside(self) -> bool {
        !matches!(self, Self::Operator | Self::DailyLoss | Self::Drawdown)
    }

    /// What it means, in the words of the log.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UserStream => "the account's events do not arrive",
            Self::Clock => "the clock is too far from the exchange's",
            Self::Connection => "the exchange cannot be reached",
            Self::Foreign => "the account has orders or positions that are not ours",
            Self::Mismatch => "what we hold is not what the exchange says",
            Self::Storage => "the journal has no space",
            Self::Alert => "an alert was not acknowledged in time",
            Self::Leverage => "leverage or margin mode are not what was asked for",
            Self::Operator => "by the operator",
            Self::DailyLoss => "the day's loss has reached its limit",
            Self::Drawdown => "the drawdown has reached its limit",
        }
    }
}

/// Something outside the engine that keeps entries from being made while it is on. Told on change
/// only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it is.
    pub cause: Cause,
    /// Whether it holds from now on.
    pub on: bool,
    /// What was measured, in the unit of whoever tells (milliseconds, a count); for people.
    pub measured: i64,
    /// What is allowed, in the same unit.
    pub limit: i64,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, on, measured, limit } = self;
        write!(f, "{cause} {} ({measured}, allowed {limit})", if *on { "on" } else { "off" })
    }
}

codes! {
    /// What the engine may do. Reducing orders and cancels leave in every state.
    TradingState {
        /// Entries too.
        Active = "ACTIVE",
        /// No entries.
        Reducing = "REDUCING",
        /// No entries until a resume in a new session.
        Halted = "HALTED",
    }
}

/// What one session hands to the next, so that a limit on losses holds over a restart: given as
/// the first input of a session, before any wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskMemory {
    /// End of the UTC day that the next two are about; a later day knows nothing of them.
    pub day_end: Nanos,
    /// Equity at the start of that day; zero when it is not known.
    pub day_start: Money,
    /// The day's loss has reached its limit.
    pub day_lost: bool,
    /// Highest equity since the last resume after a drawdown; zero when it is not known.
    pub peak: Money,
    /// Drawdown has reached its limit, and the operator has not resumed.
    pub drawn_down: bool,
    /// The operator has halted, and not resumed in a later session.
    pub halted: bool,
}

impl fmt::Display for RiskMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day_end, day_start, peak, .. } = self;
        write!(f, "day until {} from {day_start}, peak {peak}", day_end.utc())?;
        let flags =
            [(self.day_lost, "day lost"), (self.drawn_down, "drawn down"), (self.halted, "halted")];
        flags.iter().filter(|(on, _)| *on).try_for_each(|(_, what)| write!(f, ", {what}"))
    }
}

//! Alerts: what a human must hear of. The engine tells them as notices; the node keeps them until
//! they are acknowledged.

use crate::signal::codes;
use crate::symbol::SymbolId;
use core::fmt;
use serde::{Deserialize, Serialize};

codes! {
    /// What a human is told. The table in `docs/` is generated from [`AlertCode::meaning`].
    AlertCode {
        /// A position was without an acknowledged stop at its deadline; it is being closed.
        Unprotected = "unprotected",
        /// The exchange refused a close.
        FlattenRefused = "flatten_refused",
        /// The exchange liquidated a position.
        Liquidation = "liquidation",
        /// The exchange reduced a position against a bankrupt one.
        Deleveraged = "adl",
        /// A position was changed by an order that is not ours.
        ForeignClose = "foreign_close",
        /// The exchange has another leverage than was asked for.
        LeverageDiffers = "leverage_differs",
        /// Today's loss has reached the limit.
        DailyLoss = "daily_loss",
        /// The fall from the highest equity has reached the limit.
        Drawdown = "drawdown",
        /// A fixed-capacity table is full.
        TableFull = "table_full",
        /// Nobody has known for long what became of an order.
        OutcomeUnknown = "outcome_unknown",
        /// The account's events do not arrive.
        UserStream = "user_stream",
        /// The clock is too far from the exchange's.
        Clock = "clock",
        /// The exchange cannot be reached.
        Connection = "connection",
        /// The account has orders or positions that are not ours.
        Foreign = "foreign",
        /// What we hold is not what the exchange says.
        Mismatch = "mismatch",
        /// The journal has no space.
        Storage = "storage",
        /// Told by the client of the exchange, in its own words.
        Venue = "venue",
        /// A position that was not opened here was taken over.
        Adopted = "adopted",
        /// The exchange has changed a symbol's filters.
        FiltersChanged = "filters_changed",
        /// What is left of a position is too small for an order.
        Dust = "dust",
    }
}

impl AlertCode {
    /// Must somebody say that they have seen it? Such an alert that stays unacknowledged ends
    /// entries. The others go by themselves when their cause does, or ask for nothing.
    pub const fn must_acknowledge(self) -> bool {
        use AlertCode::{Adopted, Clock, Connection, DailyLoss, FiltersChanged, UserStream};
        let passing = matches!(self, UserStream | Clock | Connection | DailyLoss);
        !passing && !matches!(self, Adopted | FiltersChanged)
    }

    /// What it means, what the measured number is, and what the limit is.
    pub const fn meaning(self) -> [&'static str; 3] {
        match self {
            Self::Unprotected => {
                ["no stop confirmed at the deadline; closing", "ms without", "allowed ms"]
            }
            Self::FlattenRefused => ["the exchange refuses a close", "refusals in a row", "0"],
            Self::Liquidation => {
                ["the exchange liquidated a position", "quantity in 1e-8", "held in 1e-8"]
            }
            Self::Deleveraged => {
                ["the exchange reduced a position (ADL)", "quantity in 1e-8", "held in 1e-8"]
            }
            Self::ForeignClose => {
                ["a position was changed by an order not ours", "quantity in 1e-8", "held in 1e-8"]
            }
            Self::LeverageDiffers => ["another leverage than asked for", "leverage", "asked for"],
            Self::DailyLoss => ["daily loss limit reached", "share in 1e-8", "allowed in 1e-8"],
            Self::Drawdown => {
                ["drawdown limit reached; resume by hand", "share in 1e-8", "allowed in 1e-8"]
            }
            Self::TableFull => ["a fixed-capacity table is full", "entries", "capacity"],
            Self::OutcomeUnknown => ["an order's outcome is unknown for long", "ms", "allowed ms"],
            Self::UserStream => ["the account's events do not arrive", "as told", "as told"],
            Self::Clock => ["the clock is too far from the exchange's", "as told", "as told"],
            Self::Connection => ["the exchange cannot be reached", "as told", "as told"],
            Self::Foreign => ["orders or positions that are not ours", "as told", "as told"],
            Self::Mismatch => ["what we hold is not what the exchange says", "as told", "as told"],
            Self::Storage => ["the journal has no space", "as told", "as told"],
            Self::Venue => ["told by the exchange's client", "as told", "as told"],
            Self::Adopted => {
                ["a position not opened here was taken over", "quantity in 1e-8", "stop in 1e-8"]
            }
            Self::FiltersChanged => {
                ["the exchange has changed a symbol's filters", "step in 1e-8", "before, in 1e-8"]
            }
            Self::Dust => [
                "a rest too small for any order; close it by hand",
                "held in 1e-8",
                "least in 1e-8",
            ],
        }
    }
}

/// An alert with its numbers; [`AlertCode::meaning`] says what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What.
    pub code: AlertCode,
    /// Of which symbol, where it is about one.
    pub symbol: Option<SymbolId>,
    /// What was measured.
    pub measured: i64,
    /// What is allowed or was expected.
    pub limit: i64,
}

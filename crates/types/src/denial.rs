//! Why a signal did not become an order: a stable code with its two numbers.

use crate::signal::codes;
use crate::symbol::SymbolId;
use crate::time::Nanos;
use core::fmt;
use serde::Serialize;

codes! {
    /// The reasons for which risk and portfolio turn a signal away. The table in `docs/` is
    /// generated from [`DenialCode::meaning`].
    DenialCode {
        /// Warm-up.
        WarmingUp = "warming_up",
        /// Confidence of a signal at or below the risk gate.
        LowConfidence = "low_confidence",
        /// Entries are paused by the operator.
        Paused = "paused",
        /// Entries are halted.
        Halted = "halted",
        /// Only reducing orders leave while a cause is on.
        Reducing = "reducing",
        /// The newest data of the symbol is too old.
        StaleData = "stale_data",
        /// The symbol's data has a hole that has not been refilled.
        Tainted = "tainted_data",
        /// The symbol is cooling down after a failed order or a closed trade.
        CoolDown = "cool_down",
        /// The symbol already has an open, in-flight or unknown position.
        AlreadyInPosition = "already_in_position",
        /// Stop on the wrong side of, or at, the price.
        BadStop = "bad_stop",
        /// Target on the wrong side of, or at, the price.
        BadTarget = "bad_target",
        /// Fees take too large a share of the risk.
        FeeOverRisk = "fee_over_risk",
        /// Reward is too small for the risk.
        RewardOverRisk = "reward_over_risk",
        /// More of the equity would be at risk than allowed.
        RiskTooLarge = "risk_too_large",
        /// The size that risk allows is below the exchange's minimum.
        BelowMinimum = "below_minimum",
        /// The size is above the exchange's maximum.
        AboveMaximum = "above_maximum",
        /// The order's notional is above the cap of a single order.
        OrderTooLarge = "order_too_large",
        /// There is no fresh price to hold the entry's price against.
        NoReference = "no_reference",
        /// The best bid is not below the best ask.
        CrossedBook = "crossed_book",
        /// The entry's price is too far from mark or last price.
        PriceCollar = "price_collar",
        /// The symbol was entered on this side too often within the window.
        Repeated = "repeated",
        /// Leverage would be above the level's cap.
        LeverageCap = "leverage_cap",
        /// Total exposure would be above the cap.
        ExposureCap = "exposure_cap",
        /// The liquidation price would be reached before the stop.
        LiquidationBeforeStop = "liquidation_before_stop",
        /// Not enough free balance for the margin.
        InsufficientMargin = "insufficient_margin",
        /// Today's loss has reached the limit.
        DailyLoss = "daily_loss",
        /// The fall from the highest equity has reached the limit.
        Drawdown = "drawdown",
        /// Too many positions were stopped out within the window.
        StopGuard = "stop_guard",
        /// The trades within the window have lost too much from their peak.
        RecentDrawdown = "recent_drawdown",
        /// The symbol's trades within the window have earned too little.
        LowProfit = "low_profit",
        /// All slots are taken and the signal is not stronger than the weakest position.
        SlotsFullNotStronger = "slots_full_not_stronger",
        /// All slots are taken and the weakest position is not in profit.
        SlotsFullNotInProfit = "slots_full_not_in_profit",
        /// All slots are taken and one is already being rotated or is unknown.
        SlotsFullBusy = "slots_full_busy",
        /// The close that should make room did not fill within one bar.
        RotationLapsed = "rotation_lapsed",
        /// A fixed-capacity table is full.
        TableFull = "table_full",
        /// A number left its range.
        OutOfRange = "out_of_range",
    }
}

impl DenialCode {
    /// What it means, what the measured number is, and what the limit is.
    pub const fn meaning(self) -> [&'static str; 3] {
        match self {
            Self::WarmingUp => ["too few closed 1m candles", "candles seen", "candles needed"],
            Self::LowConfidence => ["confidence at or below the risk gate", "confidence", "gate"],
            Self::Paused => ["entries paused by the operator", "1", "0"],
            Self::Halted => ["entries halted", "1", "0"],
            Self::Reducing => ["only reducing orders leave", "number of the cause", "0"],
            Self::StaleData => ["newest data too old", "age in seconds", "allowed seconds"],
            Self::Tainted => ["hole in the data, not refilled", "missing facts", "0"],
            Self::CoolDown => ["cooling down after an order or a trade", "seconds left", "0"],
            Self::AlreadyInPosition => ["symbol already held or in flight", "1", "0"],
            Self::BadStop => ["stop not beyond the price", "stop", "price"],
            Self::BadTarget => ["target not beyond the price", "target", "price"],
            Self::FeeOverRisk => ["fees too large against the risk", "fee in R", "allowed R"],
            Self::RewardOverRisk => ["reward too small against the risk", "R", "needed R"],
            Self::RiskTooLarge => ["equity at risk", "fraction at risk", "allowed fraction"],
            Self::BelowMinimum => ["size below the exchange's minimum", "size", "minimum"],
            Self::AboveMaximum => ["size above the exchange's maximum", "size", "maximum"],
            Self::OrderTooLarge => ["a single order above its cap", "notional", "cap"],
            Self::NoReference => {
                ["no fresh mark, last price or book", "age in seconds, -1 never", "allowed seconds"]
            }
            Self::CrossedBook => ["best bid not below best ask", "bid", "ask"],
            Self::PriceCollar => {
                ["price too far from mark or last", "distance as a fraction", "allowed fraction"]
            }
            Self::Repeated => ["same symbol and side entered too often", "entries", "allowed"],
            Self::LeverageCap => ["leverage above the level's cap", "leverage", "cap"],
            Self::ExposureCap => ["total exposure above the cap", "notional / equity", "cap"],
            Self::LiquidationBeforeStop => {
                ["liquidation nearer than the stop", "liquidation price", "stop"]
            }
            Self::InsufficientMargin => ["not enough free balance", "margin needed", "free"],
            Self::DailyLoss => ["daily loss limit reached", "loss fraction", "allowed fraction"],
            Self::Drawdown => {
                ["fell too far from the highest equity", "fall fraction", "allowed fraction"]
            }
            Self::StopGuard => ["too many stops in the window", "stops", "allowed"],
            Self::RecentDrawdown => {
                ["trades in the window fell too far", "fall fraction", "allowed fraction"]
            }
            Self::LowProfit => {
                ["symbol earned too little in the window", "net as a fraction", "needed fraction"]
            }
            Self::SlotsFullNotStronger => {
                ["slots full, signal not stronger than the weakest", "confidence", "weakest's"]
            }
            Self::SlotsFullNotInProfit => {
                ["slots full, weakest position not in profit", "its net PnL", "0"]
            }
            Self::SlotsFullBusy => ["slots full, a rotation is under way", "in flight", "0"],
            Self::RotationLapsed => ["closing fill later than one bar", "seconds", "allowed"],
            Self::TableFull => ["a fixed-capacity table is full", "entries", "capacity"],
            Self::OutOfRange => ["a number left its range", "number", "limit"],
        }
    }
}

/// A signal turned away.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Denial {
    /// When.
    pub at: Nanos,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Why.
    pub code: DenialCode,
    /// What was measured.
    pub measured: f64,
    /// What was allowed.
    pub limit: f64,
}

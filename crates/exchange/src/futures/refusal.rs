//! Why the venue refuses, with the exchange's number and text.

use aegis_types::{Money, Nanos};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Why a request was refused. Each has one number and one text of the exchange; what a venue cannot
/// answer (signatures, missing parameters, limits of requests) belongs to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such account.
    UnknownAccount,
    /// More decimals than the symbol has.
    Precision,
    /// There is no such symbol.
    BadSymbol,
    /// The symbol is not traded at present.
    SymbolStatus,
    /// A table of this venue is full; see the capacities of
    /// [`FuturesConfig`](super::FuturesConfig).
    Rejected(&'static str),
    /// The order to be cancelled is not there.
    UnknownOrder,
    /// The order asked for is not there.
    NoSuchOrder,
    /// The wallet is too small.
    Balance,
    /// The margin is too small.
    Margin,
    /// Nothing to fill against.
    UnableToFill,
    /// The trigger is already reached.
    WouldTrigger,
    /// Reduce-only without a position to reduce.
    ReduceOnly,
    /// The account is being liquidated.
    InLiquidation,
    /// More open orders than allowed.
    TooManyOrders,
    /// A reduce-only order of a type that cannot be.
    ReduceOnlyType,
    /// The position would be larger than its leverage allows.
    PositionTooLarge,
    /// The margin is too small for that leverage.
    LeverageTooSmall,
    /// A price that is zero or negative.
    PriceNotPositive,
    /// A price above the largest.
    PriceTooHigh,
    /// A price below the smallest.
    PriceTooLow,
    /// A quantity that is negative or zero.
    QtyNotPositive,
    /// A quantity below the smallest.
    QtyTooSmall,
    /// A quantity above the largest.
    QtyTooLarge,
    /// A trigger that is zero or negative.
    StopNotPositive,
    /// A trigger above the largest price.
    StopTooHigh,
    /// A price between two ticks.
    OffTick,
    /// A client order id of characters or a length that are not allowed.
    BadClientId,
    /// A price above the band around the mark.
    AboveBand,
    /// A quantity between two steps.
    OffStep,
    /// A price below the band around the mark.
    BelowBand,
    /// A leverage that is not between 1 and the symbol's largest.
    BadLeverage(u16),
    /// More conditional orders than allowed.
    TooManyAlgos,
    /// The margin type is already that.
    SameMarginType,
    /// A margin type cannot change under open orders.
    MarginTypeOrders,
    /// A margin type cannot change under a position.
    MarginTypePosition,
    /// Margin can be moved to isolated positions only.
    NotIsolated,
    /// The cross wallet is too small.
    CrossBalance,
    /// The isolated wallet is too small.
    IsolatedBalance,
    /// Margin for a position that is not there.
    NoPosition,
    /// An amount that is zero or negative.
    AmountNotPositive,
    /// The position mode is already that.
    SamePositionMode,
    /// A position side that the mode does not know.
    PositionSideMismatch,
    /// Reduce-only where it may not be said: in hedge mode.
    ReduceOnlyInHedgeMode,
    /// Reduce-only that contradicts the order.
    ReduceOnlyConflict,
    /// The position mode cannot change under open orders.
    PositionModeOrders,
    /// The position mode cannot change under a position.
    PositionModePosition,
    /// The client order id is in use by an open order.
    DuplicateClientId,
    /// The best price of the other side is out of the band around the mark.
    CounterpartyOutOfBand,
    /// A trailing stop's activation price that is already behind the market.
    ActivationPrice,
    /// A callback rate outside 0.1 % to 20 %.
    CallbackRate,
    /// A quantity together with `closePosition`.
    QtyWithClosePosition,
    /// `reduceOnly` together with `closePosition`.
    ReduceOnlyWithClosePosition,
    /// `closePosition` of a kind, or on a side, that cannot close.
    ClosePositionKind,
    /// Leverage cannot be reduced under an isolated position.
    LeverageReduction,
    /// The notional is below the smallest.
    MinNotional(Money),
    /// The multi-assets mode is already that.
    SameAssetMode,
    /// The multi-assets mode does not go with isolated margin.
    AssetModeIsolated,
    /// The multi-assets mode cannot change under open orders.
    AssetModeOrders,
    /// The limit price of a conditional order is too far above its trigger.
    LimitAboveStop,
    /// The limit price of a conditional order is too far below its trigger.
    LimitBelowStop,
    /// Fill-or-kill could not be filled.
    FokRejected,
    /// Post-only would have taken.
    GtxRejected,
    /// Only limit orders can be amended.
    AmendNotLimit,
    /// An order was amended too often.
    AmendTooOften,
    /// Nothing would change.
    SameOrder,
    /// A `priceMatch` that cannot be.
    PriceMatch,
    /// A date that is not later than the given one by ten minutes.
    GoodTillDate(Nanos),
}

impl Refusal {
    /// The exchange's number.
    pub const fn code(self) -> i32 {
        self.entry().0
    }

    /// The exchange's text.
    pub fn message(self) -> String {
        match self {
            Self::Rejected(why) => why.to_string(),
            Self::BadLeverage(leverage) => format!("Leverage {leverage} is not valid"),
            Self::MinNotional(least) => format!(
                "Order's notional must be no smaller than {least} (unless you choose reduce only)."
            ),
            other => other.entry().1.to_string(),
        }
    }

    const fn entry(self) -> (i32, &'static str) {
        match self {
            Self::UnknownAccount | Self::Precision | Self::BadSymbol | Self::SymbolStatus => {
                self.general()
            }
            Self::Rejected(_) => (-2010, "Order rejected."),
            Self::UnknownOrder => (-2011, "Unknown order sent."),
            Self::NoSuchOrder => (-2013, "Order does not exist."),
            Self::Balance => (-2018, "Balance is insufficient."),
            Self::Margin => (-2019, "Margin is insufficient."),
            Self::UnableToFill => (-2020, "Unable to fill."),
            Self::WouldTrigger => (-2021, "Order would immediately trigger."),
            Self::ReduceOnly => (-2022, "ReduceOnly Order is rejected."),
            Self::InLiquidation => (-2023, "User in liquidation mode now."),
            Self::TooManyOrders => (-2025, "Reach max open order limit."),
            Self::ReduceOnlyType => (-2026, "This OrderType is not supported when reduceOnly."),
            Self::PositionTooLarge => {
                (-2027, "Exceeded the maximum allowable position at current leverage.")
            }
            Self::LeverageTooSmall => {
                (-2028, "Leverage is smaller than permitted: insufficient margin balance.")
            }
            other => other.filter(),
        }
    }

    const fn general(self) -> (i32, &'static str) {
        match self {
            Self::Precision => (-1111, "Precision is over the maximum defined for this asset."),
            Self::BadSymbol => (-1121, "Invalid symbol."),
            Self::SymbolStatus => (-1122, "Invalid symbol status."),
            _ => (-2015, "Invalid API-key, IP, or permissions for action."),
        }
    }

    const fn filter(self) -> (i32, &'static str) {
        match self {
            Self::PriceNotPositive => (-4001, "Price less than 0."),
            Self::PriceTooHigh => (-4002, "Price greater than max price."),
            Self::QtyNotPositive => (-4003, "Quantity less than or equal to zero."),
            Self::QtyTooSmall => (-4004, "Quantity less than min quantity."),
            Self::QtyTooLarge => (-4005, "Quantity greater than max quantity."),
            Self::StopNotPositive => (-4006, "Stop price less than zero."),
            Self::StopTooHigh => (-4007, "Stop price greater than max price."),
            Self::PriceTooLow => (-4013, "Price less than min price."),
            Self::OffTick => (-4014, "Price not increased by tick size."),
            Self::BadClientId => (-4015, "Client order id is not valid."),
            Self::AboveBand => (-4016, "Price is higher than mark price multiplier cap."),
            Self::OffStep => (-4023, "Qty not increased by step size."),
            Self::BelowBand => (-4024, "Price is lower than mark price multiplier floor."),
            Self::BadLeverage(_) => (-4028, "Leverage is not valid"),
            Self::TooManyAlgos => (-4045, "Reach max stop order limit."),
            Self::MinNotional(_) => (-4164, "Order's notional is too small."),
            other => other.account(),
        }
    }

    const fn account(self) -> (i32, &'static str) {
        match self {
            Self::SameMarginType => (-4046, "No need to change margin type."),
            Self::MarginTypeOrders => {
                (-4047, "Margin type cannot be changed if there exists open orders.")
            }
            Self::MarginTypePosition => {
                (-4048, "Margin type cannot be changed if there exists position.")
            }
            Self::NotIsolated => (-4049, "Add margin only support for isolated position."),
            Self::CrossBalance => (-4050, "Cross balance insufficient."),
            Self::IsolatedBalance => (-4051, "Isolated balance insufficient."),
            Self::NoPosition => (-4054, "Cannot add position margin: position is 0."),
            Self::AmountNotPositive => (-4055, "Amount must be positive."),
            Self::SamePositionMode => (-4059, "No need to change position side."),
            Self::PositionSideMismatch => {
                (-4061, "Order's position side does not match user's setting.")
            }
            Self::ReduceOnlyConflict => (-4062, "Invalid or improper reduceOnly value."),
            Self::PositionModeOrders => {
                (-4067, "Position side cannot be changed if there exists open orders.")
            }
            Self::PositionModePosition => {
                (-4068, "Position side cannot be changed if there exists position.")
            }
            Self::LeverageReduction => (
                -4161,
                "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
            ),
            Self::AssetModeIsolated => {
                (-4168, "Unable to adjust to Multi-Assets mode under isolated-margin mode.")
            }
            Self::AssetModeOrders => {
                (-4170, "Unable to adjust Multi-Assets Mode with open orders.")
            }
            Self::SameAssetMode => {
                (-4171, "Adjusted asset mode is currently set and does not need to be adjusted.")
            }
            other => other.order(),
        }
    }

    const fn order(self) -> (i32, &'static str) {
        match self {
            Self::DuplicateClientId => (-4116, "ClientOrderId is duplicated."),
            Self::CounterpartyOutOfBand => (
                -4131,
                "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
            ),
            Self::ActivationPrice => (-4135, "Invalid activation price."),
            Self::CallbackRate => (-1130, "Data sent for parameter 'callbackRate' is not valid."),
            Self::QtyWithClosePosition => {
                (-4137, "Quantity must be zero with closePosition equals true.")
            }
            Self::ReduceOnlyWithClosePosition => {
                (-4138, "Reduce only must not be sent with closePosition equals true.")
            }
            Self::ReduceOnlyInHedgeMode => {
                (-1106, "Parameter 'reduceonly' sent when not required.")
            }
            Self::ClosePositionKind => (-1106, "Parameter 'closePosition' sent when not required."),
            Self::LimitAboveStop => (-4183, "Price is higher than stop price multiplier cap."),
            Self::LimitBelowStop => (-4184, "Price is lower than stop price multiplier floor."),
            Self::FokRejected => (
                -5021,
                "Due to the order could not be filled immediately, the FOK order has been \
                 rejected. The order will not be recorded in the order history",
            ),
            Self::GtxRejected => (
                -5022,
                "Due to the order could not be executed as maker, the Post Only order will be \
                 rejected. The order will not be recorded in the order history",
            ),
            Self::AmendNotLimit => (-5025, "Only limit order is supported."),
            Self::AmendTooOften => (-5026, "Exceed maximum modify order limit."),
            Self::SameOrder => (-5027, "No need to modify the order."),
            Self::PriceMatch => (-5037, "Invalid price match"),
            Self::GoodTillDate(_) => (
                -5040,
                "The goodTillDate timestamp must be greater than the current time plus 600 \
                 seconds.",
            ),
            _ => (-1000, "An unknown error occurred while processing the request."),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message(), self.code())
    }
}

impl core::error::Error for Refusal {}

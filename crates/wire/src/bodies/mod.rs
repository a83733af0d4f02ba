//! Bodies of replies and events of the user stream, as the client reads them.
//!
//! The exchange adds fields and words without notice and drops some without saying so. So every
//! field may be missing but ids, unknown words are kept as they are, and what is not known is left
//! out. Nothing here is on the way of a market tick; candles by REST are the exception, and are
//! read by the scanner.

mod account;
mod brackets;
mod exchange_info;
mod klines;
mod loose;
mod market;
mod orders;
mod universe;
mod user;

pub use account::{
    AccountConfig, AccountInfo, Balance, KeyRestrictions, PositionMode, PositionRisk, SymbolConfig,
};
pub use brackets::{SymbolBrackets, brackets};
pub use exchange_info::{ExchangeInfo, Filter, InstrumentFault, RateLimit, SymbolInfo};
pub use klines::{KlineRow, klines};
pub use loose::Entries;
pub use market::{
    ContractInfo, FundingInfo, FundingRate, PremiumIndex, ServerTime, StreamReply, TickerPrice,
};
pub use orders::{
    AlgoAck, AlgoOrder, CommissionRate, ErrorBody, ListenKey, OrderReply, SetLeverageReply,
    UserTrade,
};
pub use universe::{UNIVERSE_MAX, Verdict, VerdictReason, universe};
pub use user::{
    AccountChange, AccountUpdate, AlgoChange, AlgoUpdate, AssetModeChange, BalanceChange,
    ConfigUpdate, LeverageChange, MarginCall, OrderChange, OrderTradeUpdate, PositionChange,
    TradeLite, UserEvent, UserKind, user_event,
};

use alloc::vec::Vec;
use core::fmt;
use serde::Deserialize;

/// A body that is not what it should be.
#[derive(Debug)]
pub struct BodyError(serde_json::Error);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the reply is not readable: {}", self.0)
    }
}

impl core::error::Error for BodyError {}

/// Reads one object.
///
/// # Errors
/// [`BodyError`] when the bytes are not JSON, or without an id.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BodyError> {
    serde_json::from_slice(body).map_err(BodyError)
}

/// Reads a list, or one object as a list of one: several calls answer the one way with a symbol and
/// the other way without. Entries that are not readable are left out.
///
/// # Errors
/// [`BodyError`] when the bytes are neither.
pub fn read_list<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<T>, BodyError> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => read::<Entries<T>>(body).map(|entries| entries.0),
        _ => read(body).map(|one| alloc::vec![one]),
    }
}

//! Streaming technical indicators: one push per closed bar, constant time, fixed memory.
//!
//! Each indicator seeds itself exactly as TA-Lib does and says `None` until then. The seeds matter:
//! an RSI seeded otherwise differs by whole points for a hundred bars, so a backtest that starts in
//! the middle of a history would trade on numbers that nobody else sees. With the same seed the
//! stream equals the batch computation on every bar, and a table from any other tool can be checked
//! against it.
//!
//! ```text
//! bar ──push──> Some(value)   once warm
//!          └──> None          while warming up; `reset` goes back to here
//! ```
//!
//! | indicator | first value on bar | seed |
//! |---|---|---|
//! | [`Sma`] | p − 1 | none |
//! | [`Ema`] | p − 1 | mean of the first p |
//! | [`Rsi`] | p | mean of the first p changes |
//! | [`Atr`] | p | mean of the first p true ranges, the first bar's left out |
//!
//! Inputs are finite numbers; a value that is not finite makes every later one not finite, visibly,
//! until `reset`. Only `+ - * /` are used, in one fixed order: the same bits on every machine.
#![no_std]

extern crate alloc;

mod atr;
pub mod catalogue;
mod cci;
mod dema;
mod ema;
mod extremes;
mod hma;
mod indicator;
mod macd;
mod momentum;
mod ppo;
mod rounding;
mod rsi;
mod sma;
mod stoch;
mod stochrsi;
mod tema;
mod ultosc;
mod wilder;
mod willr;
mod window;
mod wma;

pub use atr::{Atr, true_range};
pub use cci::Cci;
pub use dema::Dema;
pub use ema::Ema;
pub use extremes::{Ages, ExtremeAges, Extremes, Range};
pub use hma::Hma;
pub use indicator::{Indicator, over};
pub use macd::{Macd, MacdLines};
pub use momentum::{Mom, Roc};
pub use ppo::Ppo;
pub use rsi::Rsi;
pub use sma::Sma;
pub use stoch::{Stoch, StochLines};
pub use stochrsi::StochRsi;
pub use tema::Tema;
pub use ultosc::UltOsc;
pub use wilder::Wilder;
pub use willr::Willr;
pub use window::Window;
pub use wma::Wma;

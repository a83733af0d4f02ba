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
//! | [`Wma`] [`Wilder`], [`Hma`] | p − 1, p + √p − 2 | none; Wilder's the mean of the first p |
//! | [`Dema`], [`Tema`] | 2p − 2, 3p − 3 | each average the mean of its own first p |
//! | [`Macd`] | slow + signal − 2 | the fast average late, with the slow one |
//! | [`Ppo`] | slow − 1 | each average the mean of its own first closes |
//! | [`Stoch`] | k + slow_k + d − 3 | none |
//! | [`StochRsi`] | p + k + d − 2 | the RSI's |
//! | [`Cci`] [`Willr`] | p − 1 | none |
//! | [`Mom`] [`Roc`], [`UltOsc`] | p, longest p | none |
//! | [`Rsi`] | p | mean of the first p changes |
//! | [`Atr`] | p | mean of the first p true ranges, the first bar's left out |
//! | [`PlusDi`] [`MinusDi`] [`Dx`] | p | sums of the first p − 1 changes, then Wilder's |
//! | [`Adx`], [`Adxr`] | 2p − 1, 3p − 2 | mean of the first p DX |
//! | [`Supertrend`] | p | the ATR's; the first trend is up |
//! | [`Sar`] | 1 | the first two bars' movement |
//! | [`Keltner`] | later of p − 1, a | both averages from the bars just before |
//! | [`Adosc`] | longer period − 1 | the first value of the line |
//! | [`Bbands`] [`Stddev`] [`Donchian`] [`Cmf`] [`Vwma`] | p − 1 | none |
//! | [`Aroon`] [`Vortex`] [`Mfi`] | p | none |
//! | [`Obv`] [`Ad`] [`Vwap`] | 0 | none |
//!
//! All are reached by name through the [`catalogue`], which is what the command line lists.
//!
//! Inputs are finite numbers. A push costs the same whatever the period is (CCI alone reads its
//! window, since its mean moves) and allocates nothing. Only `+ - * /` and the correctly rounded
//! square root are used, in one fixed order: the same bits on every machine. Where the last bit
//! decides, as in a stochastic of an index that stands still, the order is TA-Lib's.
#![no_std]

extern crate alloc;

mod ad;
mod adosc;
mod adx;
mod adxr;
mod aroon;
mod atr;
mod bands;
#[cfg(test)]
mod bars;
mod bbands;
pub mod catalogue;
mod cci;
mod cmf;
mod dema;
mod directional;
mod donchian;
mod dx;
mod ema;
mod extremes;
mod hma;
mod ichimoku;
mod indicator;
mod keltner;
mod macd;
mod mfi;
mod momentum;
mod natr;
mod obv;
mod ppo;
mod rounding;
mod rsi;
mod sar;
mod sma;
mod stddev;
mod stoch;
mod stochrsi;
mod supertrend;
mod tema;
mod true_range;
mod typical;
mod ultosc;
mod vortex;
mod vwap;
mod vwma;
mod wilder;
mod willr;
mod window;
mod wma;

pub use ad::Ad;
pub use adosc::Adosc;
pub use adx::Adx;
pub use adxr::Adxr;
pub use aroon::{Aroon, AroonLines};
pub use atr::{Atr, true_range};
pub use bands::Bands;
pub use bbands::Bbands;
pub use cci::Cci;
pub use cmf::Cmf;
pub use dema::Dema;
pub use directional::{MinusDi, PlusDi};
pub use donchian::Donchian;
pub use dx::Dx;
pub use ema::Ema;
pub use extremes::{Ages, ExtremeAges, Extremes, Range};
pub use hma::Hma;
pub use ichimoku::{Ichimoku, IchimokuLines};
pub use indicator::{Indicator, over};
pub use keltner::Keltner;
pub use macd::{Macd, MacdLines};
pub use mfi::Mfi;
pub use momentum::{Mom, Roc};
pub use natr::Natr;
pub use obv::Obv;
pub use ppo::Ppo;
pub use rsi::Rsi;
pub use sar::Sar;
pub use sma::Sma;
pub use stddev::Stddev;
pub use stoch::{Stoch, StochLines};
pub use stochrsi::StochRsi;
pub use supertrend::{Supertrend, TrendLine};
pub use tema::Tema;
pub use true_range::TrueRange;
pub use ultosc::UltOsc;
pub use vortex::{Vortex, VortexLines};
pub use vwap::{Anchor, Vwap};
pub use vwma::Vwma;
pub use wilder::Wilder;
pub use willr::Willr;
pub use window::Window;
pub use wma::Wma;

//! Protections: pauses of entries that follow from how the last trades went. Of one symbol or of
//! all; each ends by time.
//!
//! A closed trade is the only thing that they look at. What they found is kept as a pause with the
//! numbers that a denial will say, so that asking costs a comparison.

use crate::config::Protections;
use crate::controls::Gauge;
use crate::risk::Reject;
use aegis_types::{DenialCode, Money, Nanos, OrderReason, SymbolId, Trade};
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Closed trades that are remembered. A window in which more were closed sees the newest.
pub const RECENT_TRADES: usize = 256;

/// What a protection needs to know of a trade.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Past {
    symbol: SymbolId,
    at: Nanos,
    net: Money,
    /// It ended at its stop, or worse, with a loss.
    stopped: bool,
}

/// No entries until then, and why.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Pause {
    until: Nanos,
    code: DenialCode,
    measured: f64,
    limit: f64,
}

const NONE: Pause =
    Pause { until: Nanos(i64::MIN), code: DenialCode::StopGuard, measured: 0.0, limit: 0.0 };

impl Pause {
    /// The pause that ends last is the one that counts.
    fn extend(&mut self, other: Self) {
        if other.until > self.until {
            *self = other;
        }
    }

    fn reject(&self, at: Nanos) -> Result<(), Reject> {
        if at < self.until {
            return Err(Reject::new(self.code, self.measured, self.limit));
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Guard {
    /// A ring of the newest trades.
    trades: Vec<Past>,
    /// Trades ever.
    seen: usize,
    of_all: Pause,
    of_symbol: Vec<Pause>,
    /// Stops, fall and loss (a symbol's, positive) that the newest trade brought to their windows.
    pub stops: Gauge,
    pub fall: Gauge,
    pub loss: Gauge,
}

impl Guard {
    pub fn new(symbols: usize) -> Self {
        let none =
            Past { symbol: SymbolId(0), at: Nanos(i64::MIN), net: Money::ZERO, stopped: false };
        Self {
            trades: vec![none; RECENT_TRADES],
            seen: 0,
            of_all: NONE,
            of_symbol: vec![NONE; symbols],
            stops: Gauge::default(),
            fall: Gauge::default(),
            loss: Gauge::default(),
        }
    }

    /// Trades that are remembered.
    pub fn known(&self) -> usize {
        self.seen.min(RECENT_TRADES)
    }

    /// May the symbol be entered?
    pub fn passes(&self, symbol: SymbolId, at: Nanos) -> Result<(), Reject> {
        self.of_all.reject(at)?;
        self.of_symbol.get(symbol.index()).map_or(Ok(()), |pause| pause.reject(at))
    }

    /// A trade has closed; `equity` is what there is after it.
    pub fn closed(&mut self, config: &Protections, trade: &Trade, equity: Money, at: Nanos) {
        let stopped = matches!(trade.exit_reason, OrderReason::Stop | OrderReason::Liquidation);
        let past = Past {
            symbol: trade.symbol,
            at,
            net: trade.net,
            stopped: stopped && trade.net.is_negative(),
        };
        self.trades[self.seen % RECENT_TRADES] = past;
        self.seen += 1;
        self.guard_stops(config, &past);
        self.guard_drawdown(config, equity, at);
        self.guard_profit(config, &past, equity);
    }

    /// Those of the window, oldest first.
    fn within(&self, window: Nanos, at: Nanos) -> impl Iterator<Item = &Past> {
        let first = self.seen - self.known();
        let all = (first..self.seen).map(|number| &self.trades[number % RECENT_TRADES]);
        all.filter(move |past| at.since(past.at) <= window)
    }

    fn guard_stops(&mut self, config: &Protections, past: &Past) {
        if config.stop_guard_stops == 0 || !past.stopped {
            return;
        }
        let counts = |other: &&Past| {
            other.stopped && (!config.stop_guard_per_symbol || other.symbol == past.symbol)
        };
        let stops = self.within(config.stop_guard_lookback, past.at).filter(counts).count();
        self.stops.note(stops as f64);
        if stops >= config.stop_guard_stops as usize {
            let pause = Pause {
                until: past.at.after(config.stop_guard_pause),
                code: DenialCode::StopGuard,
                measured: stops as f64,
                limit: f64::from(config.stop_guard_stops - 1),
            };
            if config.stop_guard_per_symbol {
                self.of_symbol[past.symbol.index()].extend(pause);
            } else {
                self.of_all.extend(pause);
            }
        }
    }

    /// The deepest fall of the running sum of the window's trades, as a share of the equity now
    /// and what the fall has taken from it.
    fn guard_drawdown(&mut self, config: &Protections, equity: Money, at: Nanos) {
        if config.drawdown_trades == 0 {
            return;
        }
        let (mut sum, mut peak, mut fall) = (Money::ZERO, Money::ZERO, Money::ZERO);
        let mut trades = 0u32;
        for past in self.within(config.drawdown_lookback, at) {
            trades += 1;
            sum = sum.saturating_plus(past.net);
            peak = peak.max(sum);
            fall = fall.max(peak.saturating_plus(-sum));
        }
        let fraction = fall.ratio_of(equity.max(Money::ZERO).saturating_plus(fall));
        self.fall.note(fraction);
        if trades >= config.drawdown_trades && fraction >= config.drawdown_max {
            self.of_all.extend(Pause {
                until: at.after(config.drawdown_pause),
                code: DenialCode::RecentDrawdown,
                measured: fraction,
                limit: config.drawdown_max,
            });
        }
    }

    fn guard_profit(&mut self, config: &Protections, past: &Past, equity: Money) {
        if config.low_profit_trades == 0 {
            return;
        }
        let (mut trades, mut sum) = (0u32, Money::ZERO);
        let lookback = self.within(config.low_profit_lookback, past.at);
        for other in lookback.filter(|other| other.symbol == past.symbol) {
            trades += 1;
            sum = sum.saturating_plus(other.net);
        }
        let fraction = if equity.is_positive() { sum.ratio_of(equity) } else { -1.0 };
        self.loss.note((-fraction).max(0.0));
        if trades >= config.low_profit_trades && fraction < config.low_profit_min {
            self.of_symbol[past.symbol.index()].extend(Pause {
                until: past.at.after(config.low_profit_pause),
                code: DenialCode::LowProfit,
                measured: fraction,
                limit: config.low_profit_min,
            });
        }
    }
}

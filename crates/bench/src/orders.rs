//! What an order costs when the account has had 1,000 before it, and when it has had 100,000.
//!
//! Regime: one account, ten symbols, the real engine, driver and exchange with a brain that
//! proposes on every close and calls its reasons gone one minute later; so every symbol is entered,
//! protected by stop and target, and closed again, all day. The cost is wall time over orders, with
//! the market facts in between, in a window of 1,000 orders; both windows are of the same run.

use crate::market;
use crate::sample::Samples;
use aegis_driver::{Driver, Observer};
use aegis_engine::{Brain, Engine, EngineConfig};
use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_learn::{Found, Proposal};
use aegis_markets::MarketSpec;
use aegis_types::{
    Candle, Command, Event, EventBody, FEATURES, LateCandle, List, Money, Nanos, Notice, Patterns,
    Side, SymbolId,
};
use std::convert::Infallible;
use std::time::Instant;

/// Orders before the first window, and before the second.
const FEW: u64 = 1_000;
const MANY: u64 = 100_000;
/// Orders in a window.
const WINDOW: u64 = 1_000;
/// Runs; medians are over these.
const RUNS: usize = 9;
/// Days after which a market without enough orders is given up.
const DAYS_MAX: u32 = 30;

/// Cost per order at both places.
pub struct OrderCost {
    /// ns per order after 1,000.
    pub ns_few: f64,
    /// ns per order after 100,000.
    pub ns_many: f64,
    /// The second over the first.
    pub ratio: f64,
    /// Runs.
    pub samples: usize,
}

/// Measures; takes some seconds.
///
/// # Errors
/// When the account does not come to so many orders.
pub fn measure() -> Result<OrderCost, String> {
    let (mut few, mut many, mut ratio) = Default::default();
    for _ in 0..RUNS {
        let (at_few, at_many) = one_run()?;
        let push = |samples: &mut Samples, value| samples.push(value);
        push(&mut few, at_few);
        push(&mut many, at_many);
        push(&mut ratio, at_many / at_few);
    }
    Ok(OrderCost {
        ns_few: few.median(),
        ns_many: many.median(),
        ratio: ratio.median(),
        samples: RUNS,
    })
}

/// Proposes on every close, alternating sides, and lets go after a minute.
struct Busy {
    symbols: Vec<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    minutes: u64,
    close: f64,
    close_time: Nanos,
}

impl Brain for Busy {
    fn push(&mut self, minute: &Candle, _: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        let seen = &mut self.symbols[minute.symbol.index()];
        seen.minutes += 1;
        seen.close = minute.close.to_f64();
        seen.close_time = minute.close_time();
        Ok(())
    }

    fn minutes(&self, symbol: SymbolId) -> u64 {
        self.symbols[symbol.index()].minutes
    }

    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        let seen = self.symbols[symbol.index()];
        let side = if seen.minutes.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let sign = side.sign() as f64;
        Some(Proposal {
            side,
            confidence: 0.9,
            patterns: Patterns::default(),
            reasons: List::new(),
            stop: seen.close * (1.0 - sign * 0.02),
            target: seen.close * (1.0 + sign * 0.03),
            features: [0.0; FEATURES],
        })
    }

    fn decayed(&self, symbol: SymbolId, _: Side, entered_at: Nanos) -> bool {
        self.symbols[symbol.index()].close_time.since(entered_at) >= Nanos::MINUTE
    }
}

#[derive(Default)]
struct Orders(u64);

impl Observer for Orders {
    type Error = Infallible;
    fn event(&mut self, _: &Event) -> Result<(), Infallible> {
        Ok(())
    }
    fn command(&mut self, _: Nanos, command: &Command) -> Result<(), Infallible> {
        self.0 += u64::from(matches!(command, Command::Submit { .. }));
        Ok(())
    }
    fn notice(&mut self, _: Nanos, _: u64, _: &Notice) {}
}

fn account(spec: &MarketSpec) -> Result<(Driver<Exchange, Busy>, Vec<EventBody>), String> {
    let symbols = spec.symbol_count();
    let config = EngineConfig {
        warm_up_bars: 0,
        // Small trades of a large account: it must last for 100,000 orders.
        risk_fraction: 1e-6,
        positions_max: u8::try_from(symbols).unwrap_or(u8::MAX),
        daily_loss_max: 1.0,
        ..market::settings()?.engine()
    };
    let instruments = spec.instruments();
    let brain = Busy { symbols: vec![Seen::default(); symbols] };
    let engine = Engine::with_brain(config, &instruments, brain).map_err(|e| e.to_string())?;
    let config =
        ExchangeConfig { balance: Money::whole(1_000_000_000), ..market::settings()?.exchange() };
    let mut exchange = Exchange::new(config, &instruments).map_err(|e| e.to_string())?;
    let mut initial = Vec::new();
    exchange.open(&mut initial);
    Ok((Driver::new(engine, exchange), initial))
}

/// ns per order in both windows of one run.
fn one_run() -> Result<(f64, f64), String> {
    let spec = MarketSpec { days: DAYS_MAX, ..MarketSpec::default() };
    let (mut driver, initial) = account(&spec)?;
    let mut orders = Orders::default();
    let mut ticks = spec.ticks();
    let Some(first) = ticks.next() else { return Err("the generator made no tick".into()) };
    let Ok(()) = driver.start(first.at, &initial, &mut orders);
    let mut window = |from: u64| -> Result<f64, String> {
        let mut spent = 0u128;
        let mut counted = 0u64;
        let mut batch = Vec::with_capacity(256);
        while counted < WINDOW {
            batch.clear();
            batch.extend(ticks.by_ref().take(256));
            if batch.is_empty() {
                return Err(format!(
                    "the account came to {} orders only, {} were expected",
                    orders.0,
                    from + WINDOW
                ));
            }
            let before = orders.0;
            let start = Instant::now();
            for tick in &batch {
                let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut orders);
            }
            if before >= from {
                spent += start.elapsed().as_nanos();
                counted += orders.0 - before;
            }
        }
        Ok(spent as f64 / counted as f64)
    };
    Ok((window(FEW)?, window(MANY)?))
}

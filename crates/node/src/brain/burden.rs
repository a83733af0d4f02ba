//! Analysis without end, for `aegis bench kill-switch`: keeps the brain's analysis lane full.
//!
//! The work is the engine's own: a second engine of generated markets is stepped, candle by candle,
//! with detectors, indicators and proposals. Nothing of it reaches the engine that trades, its
//! journal or the exchange. Only where orders go to `aegis exchange` on this machine, and only when
//! the variable [`ASKED`] is set; anywhere else it is refused, with a warning.

use aegis_backtest::{Market, Session};
use aegis_driver::Driver;
use aegis_exchange::Exchange;
use aegis_markets::{MarketSpec, MarketTicks};
use aegis_types::EventBody;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The variable that asks for it.
const ASKED: &str = "AEGIS_BENCH_ANALYSIS";
/// How long one job takes; a full lane of them outlasts the longest sleep on an empty ring.
const JOB: Duration = Duration::from_millis(20);
/// Symbols and days of the markets; at their end they begin anew.
const SIZE: (u16, u32) = (4, 60);

/// The second engine and its markets.
pub(super) struct Burden {
    session: Session,
    markets: MarketSpec,
    running: Option<(Driver<Exchange>, MarketTicks)>,
}

impl Burden {
    /// With the settings of a session, when it is asked for; `local` says that orders go to a
    /// simulated exchange of this machine.
    pub fn asked(session: &Session, local: bool) -> Option<Self> {
        std::env::var_os(ASKED).filter(|value| !value.is_empty())?;
        if !local {
            tracing::warn!("{ASKED} is for `--venue local`, and does nothing here");
            return None;
        }
        let markets = MarketSpec { symbols: SIZE.0, days: SIZE.1, ..MarketSpec::default() };
        let market = Market {
            symbols: markets.symbol_table(),
            instruments: markets.instruments(),
            trade_from: markets.start,
            until: markets.until(),
            assumptions: Vec::new(),
            mark_is_last: true,
            manifest: Value::Null,
        };
        tracing::warn!("the analysis lane is kept full: this run is a measurement ({ASKED})");
        let session = Session::new(&session.settings().ok()?, market, "");
        Some(Self { session, markets, running: None })
    }

    /// One job.
    pub fn work(&mut self) {
        let until = Instant::now() + JOB;
        while Instant::now() < until {
            if self.running.is_none() {
                self.running = self.begin();
            }
            let Some((driver, ticks)) = &mut self.running else { return };
            match ticks.next() {
                Some(tick) => {
                    let Ok(()) = driver.step(tick.at, EventBody::Market(tick), &mut ());
                }
                None => self.running = None,
            }
        }
    }

    fn begin(&self) -> Option<(Driver<Exchange>, MarketTicks)> {
        let (mut driver, initial) = self.session.build().ok()?;
        let Ok(()) = driver.start(self.markets.start, &initial, &mut ());
        Some((driver, self.markets.ticks()))
    }
}

//! Keeps warm what an order needs, for a brain that spins on an empty ring.
//!
//! Where nothing happens for some milliseconds, the code of the engine and of an order's way out
//! leaves the processor's caches and address tables, and the next fact pays for it, three times what
//! its work takes. So an understudy, a second engine of one generated symbol with a simulated
//! exchange, is stepped now and then, and an order is made and signed that goes nowhere. Nothing of
//! it reaches the engine that trades, its journal or the exchange.

use aegis_backtest::{Market, Session};
use aegis_driver::Driver;
use aegis_exchange::Exchange;
use aegis_markets::{MarketSpec, MarketTicks};
use aegis_types::{EventBody, Nanos};
use aegis_venue::client::WireVenue;
use serde_json::Value;

/// How often it acts.
const EVERY: Nanos = Nanos(500_000);
/// Days of its market: more than a day of acting.
const DAYS: u32 = 36_500;

/// The second engine.
pub(super) struct Understudy {
    driver: Driver<Exchange>,
    ticks: MarketTicks,
    acted: Nanos,
}

impl Understudy {
    /// With the settings of a session; none where they do not make an engine.
    pub fn of(session: &Session) -> Option<Self> {
        let spec = MarketSpec { symbols: 1, days: DAYS, ..MarketSpec::default() };
        let market = Market {
            symbols: spec.symbol_table(),
            instruments: spec.instruments(),
            trade_from: spec.start,
            until: spec.until(),
            assumptions: Vec::new(),
            manifest: Value::Null,
        };
        let session = Session::new(&session.settings().ok()?, market, "");
        let (mut driver, initial) = session.build().ok()?;
        let Ok(()) = driver.start(spec.start, &initial, &mut ());
        Some(Self { driver, ticks: spec.ticks(), acted: Nanos::ZERO })
    }

    /// Acts, when it is time to. At the end of its market it rests.
    pub fn act(&mut self, now: Nanos, venue: Option<&mut WireVenue>) {
        if now.since(self.acted) < EVERY {
            return;
        }
        self.acted = now;
        if let Some(tick) = self.ticks.next() {
            let Ok(()) = self.driver.step(tick.at, EventBody::Market(tick), &mut ());
        }
        if let Some(venue) = venue {
            venue.rehearse();
        }
    }
}

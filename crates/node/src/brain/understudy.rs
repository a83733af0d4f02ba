//! Keeps warm what an order needs, for a brain that spins on an empty ring.
//!
//! Where nothing happens for some milliseconds, the code of the engine and of an order's way out
//! leaves the processor's caches and address tables, and the next fact pays for it, three times
//! what its work takes. So an understudy, a second engine of one generated symbol with a simulated
//! exchange, is stepped now and then, an order is made and signed that goes nowhere, and as many
//! bytes go by the kernel to this very thread. Nothing of it reaches the engine that trades, its
//! journal or the exchange.

use aegis_backtest::{Market, Session};
use aegis_driver::Driver;
use aegis_exchange::Exchange;
use aegis_markets::{MarketSpec, MarketTicks};
use aegis_types::{EventBody, Nanos};
use aegis_venue::client::WireVenue;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// How often it acts.
const EVERY: Nanos = Nanos(500_000);
/// Days of its market: more than a day of acting.
const DAYS: u32 = 36_500;

/// Bytes that go to ourselves: about an order's request.
const BYTES: usize = 384;

/// The second engine, and a connection of ours to ourselves.
pub(super) struct Understudy {
    driver: Driver<Exchange>,
    ticks: MarketTicks,
    ends: Option<(TcpStream, TcpStream)>,
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
            mark_is_last: true,
            manifest: Value::Null,
        };
        let session = Session::new(&session.settings().ok()?, market, "");
        let (mut driver, initial) = session.build().ok()?;
        let Ok(()) = driver.start(spec.start, &initial, &mut ());
        // Without loopback the kernel's part stays cold.
        Some(Self { driver, ticks: spec.ticks(), ends: connection().ok(), acted: Nanos::ZERO })
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
        if let Some((near, far)) = &mut self.ends {
            // Neither end waits, and what is written is read at once.
            let _ = near.write(&[0; BYTES]);
            let _ = far.read(&mut [0; BYTES]);
        }
    }
}

/// Both ends of a connection over loopback.
fn connection() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    Ok((near, far))
}

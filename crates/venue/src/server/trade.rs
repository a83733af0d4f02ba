//! Step machine: trade.

use crate::server::fact::Fact;
use crate::server::sim::Sim;

/// A market fact has become known; it is told to the streams after this.
pub fn on_fact(_: &mut Sim, _: &Fact) {}

/// Both clocks have moved on: `wall_ms` now, market time as `sim.clock` shows.
pub fn on_time(_: &mut Sim, _wall_ms: i64) {}

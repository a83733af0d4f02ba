//! What the status says of the way to an exchange on the wire.

use super::Brain;
use crate::door::Door;
use crate::protocol::WayReport;

impl Brain {
    /// The way to the exchange, once orders can go by the wire.
    pub(super) fn way(&self) -> Option<WayReport> {
        let Door::Wire(wired) = self.driver.venue() else { return None };
        let venue = wired.venue()?;
        let machine = venue.machine();
        let status = machine.status(venue.now());
        Some(WayReport {
            conditions: machine.causes().map(|cause| cause.to_string()).collect(),
            condition_changes: status.condition_changes,
            protection_age_ms: status.protection_age_ms,
            foreign: status.foreign,
            unknown: status.unknown,
            clock_offset_ms: status.clock_offset_ms,
            requests: status.counts.requests,
            refusals: status.refusals,
            weight: status.weight,
            stopped: status.gateway.stopped,
            capped: status.gateway.capped,
            fenced: machine.gateway().closed(),
        })
    }
}

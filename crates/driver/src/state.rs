//! A driver that is written down between two inputs: its own state, beside engine and venue.

use crate::stepper::Driver;
use aegis_types::Nanos;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Where a driver stands, and the timers that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverState {
    pub(crate) now: Nanos,
    pub(crate) seq: u64,
    pub(crate) timers: Vec<(Nanos, u64)>,
}

/// The timers of a state are more than a driver holds, or in no order that it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongTimers;

impl fmt::Display for WrongTimers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the state's timers are not those of a driver")
    }
}

impl core::error::Error for WrongTimers {}

impl<V, B> Driver<V, B> {
    /// Where it stands; `None` while answers wait or when a bound was passed: then engine and venue
    /// are between two things, and nobody should start from there.
    pub fn state(&self) -> Option<DriverState> {
        self.quiet().then(|| DriverState {
            now: self.now(),
            seq: self.next_seq(),
            timers: self.timers.waiting().to_vec(),
        })
    }

    /// Stands where `state` says. Engine and venue are the caller's to restore.
    ///
    /// # Errors
    /// [`WrongTimers`]; nothing has changed then.
    pub fn restore(&mut self, state: &DriverState) -> Result<(), WrongTimers> {
        if !self.timers.restore(&state.timers) {
            return Err(WrongTimers);
        }
        self.stand_at(state.now, state.seq);
        Ok(())
    }
}

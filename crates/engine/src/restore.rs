//! An engine that was written down: what events have made of it, without its configuration and
//! instruments, which its session has.

use crate::brain::Brain;
use crate::machine::Engine;
use core::fmt;
use core::mem::swap;

/// The state is that of an engine of another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSession(&'static str);

impl fmt::Display for OtherSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state is not of this session's engine: {} differ", self.0)
    }
}

impl core::error::Error for OtherSession {}

impl<B: Brain> Engine<B> {
    /// Becomes what `state` was when it was written down, with the configuration and instruments of
    /// this engine: those with which that one was made.
    ///
    /// # Errors
    /// [`OtherSession`] when it was made with others, as far as that shows; nothing has changed.
    pub fn restore(&mut self, mut state: Self) -> Result<(), OtherSession> {
        if self.orders.id(0) != state.orders.id(0) {
            return Err(OtherSession("session numbers"));
        }
        let symbols = self.universe.len();
        if state.universe.len() != symbols || !state.brain.restored(&self.config.learn, symbols) {
            return Err(OtherSession("symbols"));
        }
        if state.portfolio.slots.len() != self.portfolio.slots.len() {
            return Err(OtherSession("slots"));
        }
        swap(&mut self.config, &mut state.config);
        self.universe.lend_instruments(&mut state.universe);
        *self = state;
        Ok(())
    }
}

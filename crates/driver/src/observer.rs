//! What watches a driver: the journal before effects, everyone else after.

use crate::stepper::Fault;
use aegis_types::{Command, Event, Nanos, Notice};
use core::convert::Infallible;

/// Watches a [`Driver`](crate::Driver). An error ends the step at once; see
/// [`Driver::step`](crate::Driver::step).
pub trait Observer {
    /// What can go wrong while watching, such as a full disk.
    type Error;

    /// An event is about to be applied: the place to journal it.
    ///
    /// # Errors
    /// Then the event is not applied.
    fn event(&mut self, event: &Event) -> Result<(), Self::Error>;

    /// A command is about to be executed: the place to make sure that its cause is in the file.
    ///
    /// # Errors
    /// Then the command is not executed.
    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Self::Error>;

    /// The engine has told something while applying event `seq`.
    fn notice(&mut self, at: Nanos, seq: u64, notice: &Notice);

    /// A bound of the driver was passed; see [`Fault`]. Also kept in
    /// [`Driver::fault`](crate::Driver::fault).
    ///
    /// # Errors
    /// To end the run at once.
    fn fault(&mut self, at: Nanos, fault: &Fault) -> Result<(), Self::Error> {
        let _ = (at, fault);
        Ok(())
    }
}

/// Watches nothing.
impl Observer for () {
    type Error = Infallible;

    fn event(&mut self, _: &Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn command(&mut self, _: Nanos, _: &Command) -> Result<(), Infallible> {
        Ok(())
    }

    fn notice(&mut self, _: Nanos, _: u64, _: &Notice) {}
}

//! The contract between the engine's loop and whatever executes its commands.

use crate::command::Command;
use crate::event::EventBody;
use crate::tick::Tick;
use crate::time::Nanos;
use alloc::vec::Vec;

/// Where a venue puts its answers, in the order in which the engine must see them.
pub type Answers = Vec<EventBody>;

/// Something that executes commands: the simulated exchange, or sockets to a real one. The engine
/// cannot tell which is behind the door.
///
/// For each market event the loop first shows it to the venue (resting orders may fill), lets the
/// engine see the answers, then lets the engine see the event itself, then hands over the commands,
/// and repeats with the answers to those until both are quiet.
pub trait Venue {
    /// A market fact, before the engine sees it. Venues with their own view of the market ignore
    /// it.
    fn on_market(&mut self, at: Nanos, tick: &Tick, answers: &mut Answers);

    /// Executes a command. An answer may come at once, with later market facts, or by itself.
    fn execute(&mut self, at: Nanos, command: &Command, answers: &mut Answers);
}

//! Which event goes into a journal as what. Backtest, brain and replay agree through this file.

use crate::session::Execution;
use aegis_driver::{Driver, Observer};
use aegis_engine::Brain;
use aegis_journal::retention::Policy;
use aegis_journal::{JournalError, Kind, Record, Source, Writer};
use aegis_types::{Command, Event, EventBody, Nanos, Venue};

/// The journal's kind of an event.
pub const fn event_kind(event: &Event) -> Kind {
    match event.body {
        EventBody::Market(_) => Kind::Market,
        EventBody::Order { .. } | EventBody::Account(_) => Kind::Venue,
        EventBody::Timer { .. } => Kind::Timer,
        EventBody::Operator(_) => Kind::Operator,
        EventBody::Condition(_) | EventBody::Memory(_) => Kind::Condition,
    }
}

/// Does a record of this kind come from outside? All others follow from those that do.
pub const fn is_input(kind: Kind, execution: Execution) -> bool {
    match kind {
        Kind::Market | Kind::Operator | Kind::Condition => true,
        Kind::Venue => matches!(execution, Execution::Wire),
        _ => false,
    }
}

/// Steps a driver by an input that a journal holds, as it was stepped then. `timers` says how many
/// timers the journal has between the last input and this one.
///
/// # Errors
/// The observer's.
pub fn step_again<V: Venue, B: Brain, O: Observer>(
    driver: &mut Driver<V, B>,
    input: &Event,
    timers: usize,
    observer: &mut O,
) -> Result<(), O::Error> {
    if !matches!(event_kind(input), Kind::Venue | Kind::Condition) {
        return driver.step(input.at, input.body, observer);
    }
    // What a venue says by itself, and what others say of the state of things, comes between two
    // steps, or between two timers of one instant.
    driver.advance_some(input.at, timers, observer)?;
    driver.answer(input.at, input.body, observer)
}

/// Appends an event; `source` says where a market event came from. Buffered: the caller flushes.
///
/// # Errors
/// What the journal says.
pub fn record_event(
    writer: &mut Writer,
    source: Source,
    event: &Event,
) -> Result<(), JournalError> {
    writer.append(event_kind(event), source, event.encode().as_bytes()).map(|_| ())
}

/// Appends a command given at `at`. Returns whether it is one that leaves the process, and so must
/// be flushed, with everything before it, before the venue sees it.
///
/// # Errors
/// What the journal says.
pub fn record_command(
    writer: &mut Writer,
    at: Nanos,
    command: &Command,
) -> Result<bool, JournalError> {
    writer.append(Kind::Command, Source::default(), command.encode(at).as_bytes())?;
    Ok(!matches!(command, Command::WakeAt { .. }))
}

/// What stays for ever of a journal's old segments: everything but market facts, timers and the
/// commands that only ask for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct MoneyEvents;

impl Policy for MoneyEvents {
    fn time(&self, record: &Record<'_>) -> Option<i64> {
        match record.kind {
            Kind::Header | Kind::Node => None,
            Kind::Command => Command::decode(record.payload).ok().map(|(at, _)| at.0),
            _ => Event::decode(record.payload).ok().map(|event| event.at.0),
        }
    }

    fn keeps(&self, record: &Record<'_>) -> bool {
        match record.kind {
            Kind::Market | Kind::Timer => false,
            Kind::Command => {
                !matches!(Command::decode(record.payload), Ok((_, Command::WakeAt { .. })))
            }
            _ => true,
        }
    }
}

//! Which event goes into a journal as what. Backtest, brain and replay agree through this file.

use aegis_journal::{JournalError, Kind, Source, Writer};
use aegis_types::{Command, Event, EventBody, Nanos};

/// The journal's kind of an event.
pub const fn event_kind(event: &Event) -> Kind {
    match event.body {
        EventBody::Market(_) => Kind::Market,
        EventBody::Order { .. } | EventBody::Account(_) => Kind::Venue,
        EventBody::Timer { .. } => Kind::Timer,
        EventBody::Operator(_) => Kind::Operator,
    }
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

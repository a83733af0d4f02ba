//! Ticks in, report out: the loop of `aegis backtest`.

use crate::record::{record_command, record_event};
use crate::report::Report;
use crate::session::{Session, SessionError};
use crate::tally::Tally;
use aegis_driver::{Fault, Observer};
use aegis_journal::{JournalError, Source, Writer};
use aegis_types::{Command, Event, EventBody, Nanos, Notice, Tick};
use std::fmt;
use std::path::Path;
use std::time::Instant;

/// Why a run ended early.
#[derive(Debug)]
pub enum RunError {
    /// Settings, instruments or the session's header.
    Session(SessionError),
    /// The source failed; its own words say where.
    Data(String),
    /// The journal failed.
    Journal(JournalError),
    /// A bound of the driver was passed: a defect, and the results would not be the engine's.
    Driver(Fault),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(e) => e.fmt(f),
            Self::Data(e) => f.write_str(e),
            Self::Journal(e) => e.fmt(f),
            Self::Driver(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

impl From<JournalError> for RunError {
    fn from(e: JournalError) -> Self {
        Self::Journal(e)
    }
}

impl From<SessionError> for RunError {
    fn from(e: SessionError) -> Self {
        Self::Session(e)
    }
}

/// Ticks between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 8_192;

/// Tally and, when asked for, journal: what listens to the driver.
struct Listener {
    tally: Tally,
    journal: Option<Writer>,
}

impl Observer for Listener {
    type Error = RunError;

    #[inline]
    fn event(&mut self, event: &Event) -> Result<(), RunError> {
        self.tally.event(event);
        if let Some(writer) = &mut self.journal {
            record_event(writer, Source::default(), event)?;
        }
        Ok(())
    }

    #[inline]
    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), RunError> {
        self.tally.command(at, command);
        if let Some(writer) = &mut self.journal
            && record_command(writer, at, command)?
        {
            writer.flush()?;
        }
        Ok(())
    }

    #[inline]
    fn notice(&mut self, at: Nanos, _seq: u64, notice: &Notice) {
        self.tally.notice(at, notice);
    }

    fn fault(&mut self, _at: Nanos, fault: &Fault) -> Result<(), RunError> {
        Err(RunError::Driver(*fault))
    }
}

/// Runs a session over its ticks: the same driver, engine and exchange as everywhere.
///
/// A journal is written only when a folder is named, with the records that the brain would write.
/// `progress` is told the ticks done, now and then and at the end. Positions that the data ends on
/// stay open. The caller adds the source's refusals to the report.
///
/// # Errors
/// [`RunError`]; what was journalled until then stays readable.
pub fn run<E: fmt::Display>(
    session: &Session,
    ticks: impl IntoIterator<Item = Result<Tick, E>>,
    journal: Option<&Path>,
    mut progress: impl FnMut(u64),
) -> Result<Report, RunError> {
    let started = Instant::now();
    let (mut driver, initial) = session.build()?;
    let path = journal.map(std::path::absolute).transpose().map_err(|e| {
        RunError::Data(format!("the journal's folder has no absolute path: {e}; name another"))
    })?;
    let journal = path.as_deref().map(|dir| create_journal(session, dir)).transpose()?;
    let mut listener = Listener { tally: Tally::new(session), journal };
    let mut done = 0u64;
    for tick in ticks {
        let tick = tick.map_err(|e| RunError::Data(e.to_string()))?;
        if done == 0 {
            driver.start(tick.at, &initial, &mut listener)?;
        }
        driver.step(tick.at, EventBody::Market(tick), &mut listener)?;
        done += 1;
        if done.is_multiple_of(PROGRESS_EVERY) {
            progress(done);
        }
    }
    progress(done);
    if let Some(writer) = &mut listener.journal {
        writer.flush()?;
    }
    let mut report = listener.tally.finish(driver.engine());
    report.journal = path.map(|path| path.display().to_string());
    report.wall_s = started.elapsed().as_secs_f64();
    Ok(report)
}

fn create_journal(session: &Session, dir: &Path) -> Result<Writer, RunError> {
    let header = serde_json::to_vec(session)
        .map_err(|e| SessionError(format!("the session's header is not JSON: {e}")))?;
    Ok(Writer::create(dir, &header, &session.settings()?.journal())?)
}

//! How a brain begins: a new journal, or one that is there, behind its newest snapshot of use.

use crate::bus::Bus;
use crate::door::{Carrier, Door, Wired};
use crate::live::admission::Admission;
use crate::recorder::Recorder;
use crate::reports::Day;
use crate::sequencer::Sequencer;
use crate::snapshots::{self, Beside, Found};
use crate::{Failure, session};
use aegis_backtest::{Execution, Session, SessionError, Tally};
use aegis_driver::Driver;
use aegis_engine::{Brain, Teacher};
use aegis_journal::disk::{Disk, system};
use aegis_journal::{Config, JournalError, Reader, Writer};
use aegis_types::{EventBody, Nanos};
use aegis_venue::client::WireVenue;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;

/// Where recovery begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct From {
    /// The first record that is stepped through; 0 is the session's start.
    pub record: u64,
    /// The newest epoch of a ring before.
    pub epoch: u64,
}

/// A brain's journal, and its machine where recovery begins.
pub struct Begun<C = WireVenue, B = Teacher> {
    /// The journal was made just now.
    pub fresh: bool,
    writer: Writer,
    /// What is still to be stepped through.
    reader: Option<Reader>,
    /// Engine and venue.
    pub driver: Driver<Door<C>, B>,
    /// The venue's first words, unless they were said before.
    pub initial: Option<Vec<EventBody>>,
    /// Where recovery begins.
    pub from: From,
    /// What a snapshot has of the rest.
    state: Option<(Tally, Beside)>,
}

/// What watches the driver and orders its inputs, where recovery begins.
pub struct Watch {
    /// Holds the journal.
    pub recorder: Recorder,
    /// Order and time of the inputs.
    pub sequencer: Sequencer,
    /// Of a snapshot: what the rest of a brain goes on from.
    pub rest: Option<Rest>,
}

/// What a snapshot has of a brain beside what follows from its journal alone.
pub struct Rest {
    /// Prices of the last day, by symbol.
    pub days: Vec<Day>,
    /// The live facts that were taken.
    pub admission: Option<Admission>,
}

impl<C, B> Begun<C, B> {
    /// Takes out what watches; notices go to this bus.
    pub fn watch(self, session: &Session, bus: Bus) -> (Watch, Driver<Door<C>, B>, Initial) {
        let mut recorder = Recorder::new(session, self.writer, self.reader, bus);
        let mut sequencer = Sequencer::new(0, Nanos::ZERO);
        let rest = self.state.map(|(tally, beside)| {
            *recorder.tally_mut() = tally;
            recorder.restore_news(beside.news);
            sequencer = beside.sequencer;
            Rest { days: beside.days, admission: beside.admission }
        });
        (Watch { recorder, sequencer, rest }, self.driver, self.initial)
    }
}

/// The venue's first words, until they are said.
pub type Initial = Option<Vec<EventBody>>;

/// Engine and venue of a session behind their driver, and the venue's first words.
fn behind_the_door(
    session: &Session,
    run: &Path,
) -> Result<(Driver<Door>, Vec<EventBody>), Failure> {
    let usage = |e: SessionError| Failure::usage(e.to_string(), "check the settings");
    let engine = session.engine().map_err(usage)?;
    let mut initial = Vec::new();
    let door = match session.execution {
        Execution::Simulated => {
            let mut exchange = session.exchange().map_err(usage)?;
            exchange.open(&mut initial);
            Door::Inside(Box::new(exchange))
        }
        Execution::Wire => {
            let stepped = session::source(run)?.is_some_and(|source| source.is_stepped());
            Door::Wire(Box::new(Wired::new(stepped.then(|| session.symbols.len()))))
        }
    };
    Ok((Driver::new(engine, door), initial))
}

/// Engine and venue at a session's start, and the venue's first words.
type Machine<C, B> = (Driver<Door<C>, B>, Vec<EventBody>);

/// Opens or makes the journal of a run.
///
/// # Errors
/// When the session, its settings or its journal cannot be used.
pub fn begin(session: &Session, run: &Path, config: &Config) -> Result<Begun, Failure> {
    let machine = || behind_the_door(session, run);
    begin_on(&system(), session, &run.join("journal"), config, machine)
}

/// As [`begin`], on another disk and with another machine.
///
/// # Errors
/// As [`begin`].
pub fn begin_on<C: Carrier, B: Brain + DeserializeOwned>(
    disk: &Arc<dyn Disk>,
    session: &Session,
    journal: &Path,
    config: &Config,
    machine: impl Fn() -> Result<Machine<C, B>, Failure>,
) -> Result<Begun<C, B>, Failure> {
    let failed = |e: JournalError| Failure::failed(e.to_string(), "");
    // A folder without a segment is what a brain leaves that died while it made the journal.
    if !aegis_journal::begun_on(&**disk, journal).map_err(failed)? {
        let header = serde_json::to_vec(session)
            .map_err(|e| Failure::failed(format!("session: {e}"), ""))?;
        let (driver, initial) = machine()?;
        return Ok(Begun {
            fresh: true,
            writer: Writer::create_on(Arc::clone(disk), journal, &header, config)
                .map_err(failed)?,
            reader: None,
            driver,
            initial: Some(initial),
            from: From::default(),
            state: None,
        });
    }
    let start = newest(disk, session, journal, &machine)?;
    let info = start.as_ref().map(|(found, ..)| &found.info);
    let (writer, found) =
        Writer::resume_behind(Arc::clone(disk), journal, config, info).map_err(failed)?;
    if found.truncated_bytes > 0 {
        tracing::warn!(bytes = found.truncated_bytes, "torn tail of the journal cut off");
    }
    let reader = match info {
        Some(info) => Reader::open_behind(Arc::clone(disk), journal, info),
        None => Reader::open_on(Arc::clone(disk), journal),
    };
    let reader = Some(reader.map_err(failed)?);
    let Some((found, driver, tally)) = start else {
        let (driver, initial) = machine()?;
        let (initial, from) = (Some(initial), From::default());
        return Ok(Begun { fresh: false, writer, reader, driver, initial, from, state: None });
    };
    let epoch = found.info.last_market.map_or(0, |source| source.epoch);
    let from = From { record: found.info.record, epoch };
    let state = Some((tally, found.beside));
    Ok(Begun { fresh: false, writer, reader, driver, initial: None, from, state })
}

/// A snapshot that can be used, the machine that was made of it, and its counts.
type Restored<C, B> = (Found<B>, Driver<Door<C>, B>, Tally);

/// The newest snapshot of which a machine can be made, and that machine.
fn newest<C: Carrier, B: Brain + DeserializeOwned>(
    disk: &Arc<dyn Disk>,
    session: &Session,
    journal: &Path,
    machine: impl Fn() -> Result<Machine<C, B>, Failure>,
) -> Result<Option<Restored<C, B>>, Failure> {
    for mut found in snapshots::usable(disk, journal)? {
        let (mut driver, _) = machine()?;
        let mut tally = Tally::new(session);
        match found.restore(&mut driver, &mut tally) {
            Ok(()) => return Ok(Some((found, driver, tally))),
            Err(why) => {
                tracing::warn!(record = found.info.record, %why, "a snapshot is passed over");
            }
        }
    }
    Ok(None)
}

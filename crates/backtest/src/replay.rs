//! Replay: a journal's inputs through the same engine and exchange, compared record by record.
//!
//! Inputs are what came from outside: market facts and operator commands. Everything else in a
//! journal (the exchange's answers, timers, commands) follows from them, so replay makes it anew
//! and compares its bytes with the journalled ones. The records that a step makes lie on both sides
//! of its input: timers and fills come before the market event that the engine sees after them.
//! Therefore records are read ahead up to the next input, and the step then consumes them one by
//! one.
//!
//! ```text
//!  journal:  … V C │ T V V M C V C │ M │ V M …      M input, T timer, V answer, C command
//!                  └── one step ───┘
//! ```

use crate::describe::Describe;
use crate::record::{event_kind, is_input, step_again};
use crate::session::{Execution, Past, Session, SessionError};
use crate::snapshot::{load_snapshot, state_digest};
use crate::tally::Tally;
use aegis_driver::{Driver, Observer};
use aegis_journal::disk::system;
use aegis_journal::{JournalError, Kind, OrderDigest, Reader};
use aegis_types::{CodecError, Command, Event, EventBody, Nanos, Notice, SymbolTable};
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// The session in the journal's header.
    pub session: String,
    /// The first record that was made again: 1, or the first behind the snapshot that replay began
    /// with. What came before is counted as the snapshot has it.
    pub from_record: u64,
    /// Events that the engine saw.
    pub events: u64,
    /// Records, the header not counted.
    pub records: u64,
    /// Order commands.
    pub orders: u64,
    /// SHA-256 of the state of driver, engine and exchange at the end.
    pub state_digest: Option<String>,
    /// Digest of the orders made again.
    pub digest: String,
    /// Digest of the orders in the journal.
    pub journal_digest: String,
    /// Every record was made again, byte for byte.
    #[serde(rename = "match")]
    pub matches: bool,
    /// The first record that was not.
    pub first_difference: Option<Difference>,
    /// Records at the end that no input follows: the writer was cut off within a step.
    pub unverified_tail: u64,
    /// What follows the last whole record, when the writer was cut off within one.
    pub torn: Option<TornTail>,
}

/// Bytes at the end of a journal that are no whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TornTail {
    /// The segment.
    pub file: String,
    /// Where the whole records end in it.
    pub offset: u64,
    /// How many bytes follow.
    pub bytes: u64,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.matches { "match" } else { "NO MATCH" };
        writeln!(f, "session {}: {verdict}", self.session)?;
        writeln!(f, "{} events, {} orders, {} records", self.events, self.orders, self.records)?;
        if self.from_record > 1 {
            writeln!(f, "from the snapshot before record {}", self.from_record)?;
        }
        if self.unverified_tail > 0 {
            writeln!(f, "{} records at the end belong to a step cut off", self.unverified_tail)?;
        }
        write!(f, "digest   {}", self.digest)?;
        if self.digest != self.journal_digest {
            write!(f, "\njournal  {}", self.journal_digest)?;
        }
        match &self.first_difference {
            Some(difference) => write!(f, "\n{difference}"),
            None => Ok(()),
        }
    }
}

/// A record that replay did not make again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Number of the record in the journal.
    pub record: u64,
    /// What the journal holds.
    pub journal: String,
    /// What replay made.
    pub replayed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "record {} differs", self.record)?;
        writeln!(f, "  journal:  {}", self.journal)?;
        write!(f, "  replayed: {}", self.replayed)
    }
}

/// Why a journal cannot be replayed.
#[derive(Debug)]
pub enum ReplayError {
    /// The journal itself.
    Journal(JournalError),
    /// Its header is not a session of this version.
    Session(SessionError),
    /// A record that this version does not know.
    Record {
        /// Its number.
        record: u64,
        /// What is wrong with its bytes.
        error: CodecError,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(e) => e.fmt(f),
            Self::Session(e) => e.fmt(f),
            Self::Record { record, error } => {
                write!(
                    f,
                    "journal record {record}: {error}; replay it with the version that wrote it"
                )
            }
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<JournalError> for ReplayError {
    fn from(e: JournalError) -> Self {
        Self::Journal(e)
    }
}

impl From<SessionError> for ReplayError {
    fn from(e: SessionError) -> Self {
        Self::Session(e)
    }
}

/// A record's bytes, kept while the step that made it is repeated.
struct Entry {
    number: u64,
    kind: Kind,
    payload: Vec<u8>,
}

/// The journal on one side, what the driver does on the other.
struct Check {
    reader: Reader,
    symbols: SymbolTable,
    execution: Execution,
    until: u64,
    ahead: VecDeque<Entry>,
    journal_digest: OrderDigest,
    digest: OrderDigest,
    records: u64,
    events: u64,
    orders: u64,
    difference: Option<Difference>,
}

impl Check {
    fn new(reader: Reader, session: &Session, until: u64) -> Self {
        Self {
            reader,
            symbols: session.symbols.clone(),
            execution: session.execution,
            until,
            ahead: VecDeque::new(),
            journal_digest: OrderDigest::new(),
            digest: OrderDigest::new(),
            records: 0,
            events: 0,
            orders: 0,
            difference: None,
        }
    }

    /// Counts on behind a snapshot, which was taken of what the journal has.
    fn go_on(&mut self, tally: &Tally, record: u64) {
        self.digest = tally.order_digest().clone();
        self.journal_digest = self.digest.clone();
        self.records = record.saturating_sub(1);
        self.events = tally.counts().events;
        self.orders = tally.counts().orders;
    }

    /// The next record that belongs to the engine's loop.
    fn pull(&mut self) -> Result<Option<Entry>, ReplayError> {
        while let Some(record) = self.reader.next()? {
            if record.number >= self.until {
                return Ok(None);
            }
            if record.kind == Kind::Header {
                continue;
            }
            self.records += 1;
            if record.kind != Kind::Node {
                let (number, kind, payload) = (record.number, record.kind, record.payload.to_vec());
                return Ok(Some(Entry { number, kind, payload }));
            }
        }
        Ok(None)
    }

    /// Reads ahead up to the next input and returns it; `None` at the end, where `ahead` keeps what
    /// no input follows.
    fn next_input(&mut self) -> Result<Option<Event>, ReplayError> {
        // The last step was quiet before it came to its end: an input that replay did not take.
        while let Some(left) = self.ahead.pop_front() {
            self.take(&left)?;
            self.differ(left.number, self.text(&left), "nothing".into());
        }
        while let Some(entry) = self.pull()? {
            let from_outside = is_input(entry.kind, self.execution);
            let input = from_outside.then(|| decode_event(&entry)).transpose()?;
            self.ahead.push_back(entry);
            if input.is_some() {
                return Ok(input);
            }
        }
        // A command never comes first in a step: this one was not made again.
        if self.ahead.front().is_some_and(|first| first.kind == Kind::Command) {
            while let Some(left) = self.ahead.pop_front() {
                self.take(&left)?;
                self.differ(left.number, self.text(&left), "nothing".into());
            }
        }
        Ok(None)
    }

    /// Counts a journalled record among those that replay has to answer for.
    fn take(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        if entry.kind == Kind::Command {
            let (at, command) = Command::decode(&entry.payload)
                .map_err(|error| ReplayError::Record { record: entry.number, error })?;
            if let Command::Submit { order } = command {
                self.journal_digest.update(at, &order);
            }
        }
        Ok(())
    }

    fn text(&self, entry: &Entry) -> String {
        Describe(&self.symbols).record(entry.kind, &entry.payload)
    }

    fn differ(&mut self, record: u64, journal: String, replayed: String) {
        if self.difference.is_none() {
            self.difference = Some(Difference { record, journal, replayed });
        }
    }

    /// Compares what replay made with the journal's next record. Beyond the journal's end there is
    /// nothing to compare with: the writer was cut off there. Returns whether it was journalled.
    fn compare(
        &mut self,
        kind: Kind,
        payload: &[u8],
        text: impl Fn(Describe<'_>) -> String,
    ) -> Result<bool, ReplayError> {
        if self.difference.is_some() {
            return Ok(true);
        }
        let next = match self.ahead.pop_front() {
            Some(entry) => Some(entry),
            None => self.pull()?,
        };
        let Some(entry) = next else { return Ok(false) };
        self.take(&entry)?;
        if entry.kind != kind || entry.payload != payload {
            let replayed = text(Describe(&self.symbols));
            self.differ(entry.number, self.text(&entry), replayed);
        }
        Ok(true)
    }
}

fn decode_event(entry: &Entry) -> Result<Event, ReplayError> {
    Event::decode(&entry.payload)
        .map_err(|error| ReplayError::Record { record: entry.number, error })
}

impl Observer for Check {
    type Error = ReplayError;

    fn event(&mut self, event: &Event) -> Result<(), ReplayError> {
        let encoded = event.encode();
        let journalled =
            self.compare(event_kind(event), encoded.as_bytes(), |names| names.event(event))?;
        self.events += u64::from(journalled);
        Ok(())
    }

    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), ReplayError> {
        let encoded = command.encode(at);
        let journalled =
            self.compare(Kind::Command, encoded.as_bytes(), |names| names.command(at, command))?;
        if let Command::Submit { order } = command
            && journalled
        {
            self.digest.update(at, order);
            self.orders += 1;
        }
        Ok(())
    }

    fn notice(&mut self, _at: Nanos, _seq: u64, _notice: &Notice) {}
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// With the first record, or, where old segments were removed, behind the oldest snapshot.
    #[default]
    Start,
    /// Behind the newest snapshot that can be used; with the first record when there is none.
    Snapshot,
}

/// Replays the journal in `dir` from its first record, up to the record number `until` if given.
///
/// # Errors
/// As [`replay_from`].
pub fn replay(dir: &Path, until: Option<u64>) -> Result<Replay, ReplayError> {
    replay_from(dir, until, Begin::Start)
}

/// Replays the journal in `dir`, up to the record number `until` if given: builds the session of
/// its header anew, or takes it from a snapshot, gives it the journalled inputs, and compares every
/// event and command with the journalled ones.
///
/// After a difference the inputs are still followed to the end, so that the digest is that of
/// what this version makes of them.
///
/// # Errors
/// [`ReplayError`] when the journal cannot be read; a difference is a result, not an error.
pub fn replay_from(dir: &Path, until: Option<u64>, begin: Begin) -> Result<Replay, ReplayError> {
    let until = until.unwrap_or(u64::MAX);
    let Stage { mut check, mut driver, mut initial, from_record, session } = match begin {
        Begin::Snapshot => match behind(dir, until, &newest_first(dir)?)? {
            Some(stage) => stage,
            None => at_start(dir, until)?,
        },
        Begin::Start => match at_start(dir, until) {
            Err(ReplayError::Journal(trimmed @ JournalError::Trimmed { .. })) => {
                let mut oldest_first = newest_first(dir)?;
                oldest_first.reverse();
                behind(dir, until, &oldest_first)?.ok_or(trimmed)?
            }
            other => other?,
        },
    };
    while let Some(input) = check.next_input()? {
        if let Some(initial) = initial.take() {
            driver.start(input.at, &initial, &mut check)?;
        }
        let timers = check.ahead.iter().filter(|entry| entry.kind == Kind::Timer).count();
        step_again(&mut driver, &input, timers, &mut check)?;
    }
    let torn = check.reader.torn().map(|torn| TornTail {
        file: torn.file.display().to_string(),
        offset: torn.offset,
        bytes: torn.bytes,
    });
    let (digest, journal_digest) = (check.digest.hex(), check.journal_digest.hex());
    Ok(Replay {
        session,
        from_record,
        events: check.events,
        records: check.records,
        orders: check.orders,
        state_digest: state_digest(&driver),
        matches: check.difference.is_none() && digest == journal_digest,
        digest,
        journal_digest,
        first_difference: check.difference,
        unverified_tail: check.ahead.len() as u64,
        torn,
    })
}

/// A session where its replay begins.
struct Stage {
    check: Check,
    driver: Driver<Past>,
    /// The venue's first words, unless they were said before.
    initial: Option<Vec<EventBody>>,
    from_record: u64,
    session: String,
}

fn at_start(dir: &Path, until: u64) -> Result<Stage, ReplayError> {
    let reader = Reader::open(dir)?;
    let session = session_of(&reader)?;
    let (driver, initial) = session.again()?;
    let check = Check::new(reader, &session, until);
    Ok(Stage { check, driver, initial: Some(initial), from_record: 1, session: session.id })
}

fn newest_first(dir: &Path) -> Result<Vec<u64>, ReplayError> {
    Ok(aegis_journal::snapshot::list(&*system(), dir)?)
}

/// Behind the first of these snapshots that can be used.
fn behind(dir: &Path, until: u64, records: &[u64]) -> Result<Option<Stage>, ReplayError> {
    let disk = system();
    for record in records.iter().copied().filter(|record| *record <= until) {
        let Ok(loaded) = load_snapshot(&disk, dir, record) else { continue };
        let session = session_of(&loaded.reader)?;
        let (mut driver, _) = session.again()?;
        let mut tally = Tally::new(&session);
        if loaded.state.restore(&mut driver, &mut tally).is_err() {
            continue;
        }
        let mut check = Check::new(loaded.reader, &session, until);
        check.go_on(&tally, record);
        let (initial, session) = (None, session.id);
        return Ok(Some(Stage { check, driver, initial, from_record: record, session }));
    }
    Ok(None)
}

fn session_of(reader: &Reader) -> Result<Session, ReplayError> {
    let session = serde_json::from_slice(reader.header())
        .map_err(|e| SessionError(format!("the journal's header is not a session: {e}")))?;
    Ok(session)
}

/// Prints a journal: every record up to the number `until` as one line of text.
///
/// # Errors
/// [`ReplayError`] when the journal cannot be read.
pub fn print(
    dir: &Path,
    until: Option<u64>,
    mut line: impl FnMut(&str),
) -> Result<(), ReplayError> {
    let mut reader = Reader::open(dir)?;
    let symbols = session_of(&reader)?.symbols;
    while let Some(record) = reader.next()? {
        if record.number >= until.unwrap_or(u64::MAX) {
            break;
        }
        let text = Describe(&symbols).record(record.kind, record.payload);
        line(&format!("{} {text}", record.number));
    }
    Ok(())
}

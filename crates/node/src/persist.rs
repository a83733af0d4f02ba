//! The store lane: notices from the bus to rows in a database, never in the order path.
//!
//! The store's backlog decides (when to write, when to wait, what to catch up); this pump carries
//! out. Where the bus has dropped it, it resumes from the journal: it steps an engine of its own
//! through what the brain has written, which gives the same notices and so the same rows.

use crate::bus::{Bus, Class, Noticed, Read, Subscription};
use crate::{Failure, clock};
use aegis_backtest::{Execution, Past, Session, is_input, step_again};
use aegis_driver::{Driver, Observer};
use aegis_journal::{Kind, Reader};
use aegis_store::{Backlog, BacklogConfig, Input, Output, Projector, Row, SessionRow, Store};
use aegis_types::{Command, Event, Nanos, Notice, Topic};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Notices that may wait on the bus.
const QUEUE: usize = 1 << 16;
/// Rows of one transaction of a rebuild.
const BATCH: usize = 10_000;
/// Topics that make rows.
pub const TOPICS: [Topic; 5] = [
    Topic::SignalGenerated,
    Topic::OrderRequest,
    Topic::OrderFilled,
    Topic::Position,
    Topic::RiskRejected,
];

/// The URL of the default database.
pub fn sqlite_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// How it went when nothing is known of the rows.
pub fn incomplete() -> Value {
    json!({"rows": Value::Null, "complete": false, "hint": "aegis store rebuild"})
}

/// What the store has to say, for status and view; empty when all is well.
pub type Trouble = Arc<Mutex<String>>;

/// Grows with every record that is read again and every batch that is written: a lane whose pulse
/// stands still is stuck in its database.
pub type Pulse = Arc<AtomicU64>;

/// The pump of one session's rows.
pub struct Persist {
    url: String,
    store: Option<Store>,
    session: Session,
    journal: PathBuf,
    notices: Subscription,
    projector: Projector,
    backlog: Backlog,
    follower: Option<Follower>,
    /// The journal is to be read first.
    behind: bool,
    /// Notices of events before this number were made from the journal.
    made: u64,
    /// Events whose rows were dropped and are not made again yet.
    missing: Option<(u64, u64)>,
    /// The bus has dropped this lane and the journal could not be read instead.
    cut_off: bool,
    trouble: Trouble,
    pulse: Pulse,
    rows: u64,
    taken: Vec<Noticed>,
    fresh: Vec<Row>,
}

/// What makes rows of a session's notices.
pub fn projector(session: &Session) -> Projector {
    let row = SessionRow {
        version: session.version.clone(),
        commit: session.commit.clone(),
        environment: session.environment.clone(),
        trade_from: session.trade_from,
        until: session.until,
        settings: json!(session.settings).to_string(),
        assumptions: json!(session.assumptions).to_string(),
    };
    Projector::new(&session.id, &session.symbols, row)
}

impl Persist {
    /// Subscribes; the database is opened with the first rows, so that a dead one stops nothing.
    pub fn new(
        url: &str,
        rows_max: usize,
        session: &Session,
        journal: &Path,
        bus: &mut Bus,
    ) -> Self {
        Self {
            url: url.to_owned(),
            store: None,
            session: session.clone(),
            journal: journal.to_path_buf(),
            notices: bus.subscribe(&TOPICS, Class::Lossless, QUEUE),
            projector: projector(session),
            backlog: Backlog::new(BacklogConfig { rows_max, ..BacklogConfig::default() }),
            follower: None,
            behind: false,
            made: 0,
            missing: None,
            cut_off: false,
            trouble: Trouble::default(),
            pulse: Pulse::default(),
            rows: 0,
            taken: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// The notices on the bus do not begin with the session: what came before is taken from the
    /// journal first.
    pub const fn begin_behind(&mut self) {
        self.behind = true;
    }

    /// Where the pump says how it is.
    pub fn trouble(&self) -> Trouble {
        Arc::clone(&self.trouble)
    }

    /// Shows whether the pump gets on.
    pub fn pulse(&self) -> Pulse {
        Arc::clone(&self.pulse)
    }

    /// Takes what waits and writes what can be written now.
    pub fn turn(&mut self) {
        if std::mem::take(&mut self.behind) {
            self.catch_up_with_journal();
        }
        match self.notices.read(&mut self.taken, Duration::ZERO) {
            Read::Dropped(seq) if self.follower.is_none() => self.fall_behind(seq),
            _ => {}
        }
        let mut taken = std::mem::take(&mut self.taken);
        let made = self.made;
        for Noticed { at, seq, notice } in taken.drain(..).filter(|noticed| noticed.seq >= made) {
            self.projector.notice(at, seq, &notice, &mut self.fresh);
            self.step(Offer::Rows(seq));
        }
        self.taken = taken;
        self.follow();
        self.step(Offer::Tick);
        self.catch_up();
    }

    /// Makes the rows of everything that the journal's file has by now; the bus has the rest.
    fn catch_up_with_journal(&mut self) {
        match Follower::open(Reader::follow, &self.journal, 0) {
            Ok(follower) => self.follower = Some(follower),
            Err(failure) => {
                self.cut_off = true;
                return self.say(&failure.what);
            }
        }
        self.follow();
        self.made = self.follower.take().map_or(0, |follower| follower.driver.next_seq());
    }

    fn fall_behind(&mut self, seq: u64) {
        tracing::warn!(seq, "the store lane was too slow for the bus; it resumes from the journal");
        match Follower::open(Reader::follow, &self.journal, seq) {
            Ok(follower) => self.follower = Some(follower),
            Err(failure) => self.say(&failure.what),
        }
        self.cut_off = self.follower.is_none();
    }

    fn follow(&mut self) {
        let Some(mut follower) = self.follower.take() else { return };
        let (projector, fresh) = (&mut self.projector, &mut self.fresh);
        let mut steps: Vec<(u64, Vec<Row>)> = Vec::new();
        let read = follower.advance(&self.pulse, |at, seq, notice| {
            projector.notice(at, seq, notice, fresh);
            if !fresh.is_empty() {
                steps.push((seq, std::mem::take(fresh)));
            }
        });
        match read {
            Ok(()) => self.follower = Some(follower),
            Err(failure) => {
                self.cut_off = true;
                self.say(&failure.what);
            }
        }
        for (seq, rows) in steps {
            self.fresh = rows;
            self.step(Offer::Rows(seq));
        }
    }

    /// One step of the backlog, and everything it asks for.
    fn step(&mut self, offer: Offer) {
        let mut asked = Vec::new();
        let now = clock::monotonic();
        match offer {
            Offer::Rows(seq) => {
                let rows = &mut self.fresh;
                self.backlog.step(now, Input::Rows { seq, rows }, &mut asked);
            }
            Offer::Tick => self.backlog.step(now, Input::Tick, &mut asked),
        }
        while let Some(output) = (!asked.is_empty()).then(|| asked.remove(0)) {
            match output {
                Output::Write => {
                    let answer = match self.write_batch() {
                        Ok(()) => Input::Written,
                        Err(why) => Input::Failed { why },
                    };
                    self.backlog.step(clock::monotonic(), answer, &mut asked);
                }
                Output::CatchUp { from, until } => {
                    let first = self.missing.map_or(from, |(first, _)| first.min(from));
                    self.missing = Some((first, until));
                }
                Output::Alert(alert) => {
                    let text = alert.to_string();
                    tracing::error!("{text}");
                    let well = self.backlog.failures() == 0;
                    self.say(if well { "" } else { &text });
                }
            }
        }
    }

    fn write_batch(&mut self) -> Result<(), String> {
        if self.store.is_none() {
            self.store = Some(Store::open(&self.url).map_err(|e| e.to_string())?);
        }
        let batch = self.backlog.batch();
        let rows = batch.len() as u64;
        let Some(store) = &mut self.store else { return Ok(()) };
        match store.write(batch) {
            Ok(()) => {
                self.rows += rows;
                self.pulse.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                // The connection may be dead: the next attempt opens a new one.
                self.store = None;
                Err(error.to_string())
            }
        }
    }

    /// Makes rows that were dropped again, from the journal; tried again with the next turn when it
    /// fails. Rows are idempotent, so the ones before and behind do no harm.
    fn catch_up(&mut self) {
        let Some((from, until)) = self.missing else { return };
        let mut projector = projector(&self.session);
        let (mut rows, mut written) = (Vec::with_capacity(BATCH), 0);
        let Some(store) = &mut self.store else { return };
        let mut result = Ok(());
        let read = Follower::open(Reader::follow, &self.journal, 0).and_then(|mut follower| {
            follower.advance(&self.pulse, |at, seq, notice| {
                let before = rows.len();
                projector.notice(at, seq, notice, &mut rows);
                if !(from..until).contains(&seq) {
                    rows.truncate(before);
                }
                if rows.len() >= BATCH && result.is_ok() {
                    result = store.write(&rows);
                    written += rows.len() as u64;
                    rows.clear();
                }
            })
        });
        let result = read
            .map_err(|e| e.what)
            .and_then(|()| result.and_then(|()| store.write(&rows)).map_err(|e| e.to_string()));
        match result {
            Ok(()) => {
                self.missing = None;
                self.rows += written + rows.len() as u64;
            }
            Err(what) => self.say(&format!("rows {from}..{until} are missing ({what})")),
        }
    }

    fn say(&self, text: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = text.to_owned();
    }

    /// Writes everything that is left, and says how it went. A database that does not take rows
    /// is given up after `patience`.
    pub fn finish(mut self, patience: Nanos) -> Value {
        let patience = clock::monotonic().after(patience);
        loop {
            let before = self.rows;
            self.turn();
            let behind = self.missing.is_some() || self.backlog.failures() > 0;
            if self.backlog.is_drained() && self.missing.is_none() && self.rows == before {
                break;
            }
            if behind && clock::monotonic() > patience {
                tracing::error!("rows are missing in the database; run `aegis store rebuild`");
                break;
            }
            if behind {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let drained = self.backlog.is_drained() && self.missing.is_none() && !self.cut_off;
        json!({
            "url": aegis_store::masked(&self.url),
            "rows": self.rows,
            "complete": drained,
            "backlog": {
                "in_use": self.backlog.waiting(),
                "high_water": self.backlog.high_water(),
                "capacity": self.backlog.capacity(),
            },
            "hint": if drained { "" } else { "aegis store rebuild" },
        })
    }
}

enum Offer {
    Rows(u64),
    Tick,
}

/// Steps an engine of its own through a journal that may still grow.
struct Follower {
    reader: Reader,
    driver: Driver<Past>,
    execution: Execution,
    /// Timers since the last input.
    timers: usize,
    from: u64,
    initial: Option<Vec<aegis_types::EventBody>>,
}

struct Listener<F> {
    from: u64,
    hear: F,
}

impl<F: FnMut(Nanos, u64, &Notice)> Observer for Listener<F> {
    type Error = Infallible;
    fn event(&mut self, _: &Event) -> Result<(), Infallible> {
        Ok(())
    }
    fn command(&mut self, _: Nanos, _: &Command) -> Result<(), Infallible> {
        Ok(())
    }
    fn notice(&mut self, at: Nanos, seq: u64, notice: &Notice) {
        if seq >= self.from {
            (self.hear)(at, seq, notice);
        }
    }
}

/// The session in a journal's header.
fn header(reader: &Reader) -> Result<Session, Failure> {
    serde_json::from_slice(reader.header()).map_err(|e| {
        Failure::failed(
            format!("the journal's header is not a session: {e}"),
            "use the version that wrote it",
        )
    })
}

impl Follower {
    fn open(
        how: impl FnOnce(&Path) -> Result<Reader, aegis_journal::JournalError>,
        journal: &Path,
        from: u64,
    ) -> Result<Self, Failure> {
        let reader = how(journal).map_err(|e| Failure::failed(e.to_string(), ""))?;
        let session = header(&reader)?;
        let (driver, initial) = session.again().map_err(|e| Failure::failed(e.to_string(), ""))?;
        let execution = session.execution;
        Ok(Self { reader, driver, execution, timers: 0, from, initial: Some(initial) })
    }

    /// Steps through everything that is in the journal's file by now.
    fn advance(
        &mut self,
        pulse: &Pulse,
        hear: impl FnMut(Nanos, u64, &Notice),
    ) -> Result<(), Failure> {
        let mut listener = Listener { from: self.from, hear };
        let failed = |e: aegis_journal::JournalError| Failure::failed(e.to_string(), "");
        while let Some(record) = self.reader.next().map_err(failed)? {
            if !is_input(record.kind, self.execution) {
                self.timers += usize::from(record.kind == Kind::Timer);
                continue;
            }
            let event = Event::decode(record.payload).map_err(|e| {
                Failure::failed(format!("journal record {}: {e}", record.number), "")
            })?;
            if let Some(initial) = self.initial.take() {
                let Ok(()) = self.driver.start(event.at, &initial, &mut listener);
            }
            let timers = std::mem::take(&mut self.timers);
            let Ok(()) = step_again(&mut self.driver, &event, timers, &mut listener);
            pulse.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Writes the rows of a journal into a database: `{"rows","session","store"}`.
///
/// # Errors
/// When the journal cannot be read or the database not written.
pub fn rebuild(url: &str, journal: &Path) -> Result<Value, Failure> {
    let failed = |e: aegis_store::StoreError| Failure::failed(e.to_string(), "");
    let mut follower = Follower::open(Reader::open, journal, 0)?;
    let session = header(&follower.reader)?;
    let mut store = Store::open(url).map_err(failed)?;
    // Rows that another version made must not stay between ours.
    store.forget(&session.id).map_err(failed)?;
    let mut projector = projector(&session);
    let (mut rows, mut written, mut result) = (Vec::with_capacity(BATCH), 0, Ok(()));
    follower.advance(&Pulse::default(), |at, seq, notice| {
        projector.notice(at, seq, notice, &mut rows);
        if rows.len() >= BATCH && result.is_ok() {
            result = store.write(&rows);
            written += rows.len();
            rows.clear();
        }
    })?;
    result.and_then(|()| store.write(&rows)).map_err(failed)?;
    Ok(json!({
        "rows": written + rows.len(),
        "session": session.id,
        "store": aegis_store::masked(url),
    }))
}

/// The rows of a session as text, the same from every kind of database.
///
/// # Errors
/// When the database cannot be read.
pub fn dump(url: &str, session: &str) -> Result<Vec<String>, Failure> {
    let failed = |e: aegis_store::StoreError| Failure::failed(e.to_string(), "");
    Store::open(url).map_err(failed)?.dump(session).map_err(failed)
}

/// Opens a database and says which it is; the reason when it cannot be opened.
///
/// # Errors
/// What the store says.
pub fn reachable(url: &str) -> Result<String, String> {
    let mut store = Store::open(url).map_err(|e| e.to_string())?;
    let sessions = store.sessions().map_err(|e| e.to_string())?;
    Ok(format!("{} reachable, {} sessions in it", store.url(), sessions.len()))
}

//! Files of the exchange's public archive onto the disk: verified, resumable, several at a time.
//!
//! What is asked for becomes a [`Plan`] of files; workers take them from a queue, and each file is
//! one [`transfer`] machine. A file has its final name only when its SHA-256 is the archive's
//! CHECKSUM, which then lies beside it; until then its bytes are in `NAME.part`, where a later call
//! goes on. Candles and funding lie in the folder itself, as `--data` reads them, every other
//! series in a folder of its name.

mod client;
mod file;
mod plan;
mod transfer;

pub use plan::{Plan, Wanted};

use crate::archive::{ArchiveFile, Date, Period};
use crate::error::DataError;
use client::{Client, Patience};
use file::{Folder, Place};
use plan::Task;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use transfer::{End, Limits};

/// How often the caller is told how far it is.
const TICK: Duration = Duration::from_millis(100);

/// How files are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchConfig {
    /// Base address of the archive: https, or http of this machine.
    pub base_url: String,
    /// Folder that the files go into.
    pub out: PathBuf,
    /// Files at a time.
    pub jobs: usize,
    /// Fetches also what is there already.
    pub force: bool,
    /// Breaks in a row without a byte that end a file's transfer.
    pub breaks_max: u32,
    /// Wait after the first break; doubled after each further one.
    pub wait: Duration,
    /// Longest wait after a break, also when the archive asks for more.
    pub wait_max: Duration,
    /// Longest silence of the archive.
    pub silence_max: Duration,
}

impl FetchConfig {
    /// Four at a time, five attempts, half a second to half a minute between them.
    pub fn new(base_url: impl Into<String>, out: impl Into<PathBuf>) -> Self {
        Self {
            base_url: base_url.into(),
            out: out.into(),
            jobs: 4,
            force: false,
            breaks_max: 5,
            wait: Duration::from_millis(500),
            wait_max: Duration::from_secs(30),
            silence_max: Duration::from_secs(30),
        }
    }
}

/// How far a fetch is.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Files that have their outcome.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Files that are planned so far.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Bytes received so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Fetched and verified.
    Fetched,
    /// Fetched from where an earlier attempt had ended, and verified.
    Resumed,
    /// The archive had replaced it: fetched anew and verified.
    Replaced,
    /// It was there and is what the archive has.
    Kept,
    /// The file of its whole month is there.
    Covered,
    /// The archive has no such file.
    Missing,
    /// The archive does not have it yet, as was to be expected.
    Pending,
    /// The archive has no file of that whole month: its days were asked for one by one.
    ByDays,
    /// Given up, with the reason.
    Failed(String),
}

impl Outcome {
    /// The stable code in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Resumed => "resumed",
            Self::Replaced => "replaced",
            Self::Kept => "kept",
            Self::Covered => "covered",
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::ByDays => "by_days",
            Self::Failed(_) => "failed",
        }
    }
}

/// A file and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The archive's file.
    pub file: ArchiveFile,
    /// Where it lies, or would.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
    /// Its SHA-256 in hex, once it is verified.
    pub sha256: Option<String>,
}

/// What a fetch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// Every file, by symbol, series, candle length and period.
    pub files: Vec<FileReport>,
    /// Files of days that were removed because the verified file of their month has come.
    pub superseded: Vec<PathBuf>,
    /// Bytes received.
    pub bytes: u64,
}

impl FetchReport {
    /// How many files have an outcome of this code.
    pub fn count(&self, code: &str) -> usize {
        self.files.iter().filter(|file| file.outcome.code() == code).count()
    }

    /// True when every file that was asked for is here.
    pub fn is_complete(&self) -> bool {
        self.is_well() && self.count("pending") == 0
    }

    /// True when every file that should be in the archive is here.
    pub fn is_well(&self) -> bool {
        self.count("missing") + self.count("failed") == 0
    }
}

/// Fetches a plan's files. `tick` is called several times a second by the calling thread.
///
/// # Errors
/// [`DataError`] when the address or the folder cannot be used at all. What befalls single files is
/// in the report.
pub fn fetch(
    config: &FetchConfig,
    plan: &Plan,
    mut tick: impl FnMut(&Progress),
) -> Result<FetchReport, DataError> {
    let client = Client::new(&config.base_url, Patience(config.silence_max))?;
    let pool = Pool {
        config,
        today: plan.today,
        folder: Folder { out: &config.out, client: &client, limits: limits(config) },
        progress: Progress::default(),
        state: Mutex::new(State { queue: plan.tasks.clone(), ..State::default() }),
        changed: Condvar::new(),
    };
    pool.progress.total.store(plan.tasks.len() as u64, Ordering::Relaxed);
    let workers = config.jobs.clamp(1, plan.tasks.len().max(1) * 31);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| pool.work());
        }
        while !pool.waited(TICK) {
            tick(&pool.progress);
        }
    });
    tick(&pool.progress);
    let bytes = pool.progress.bytes();
    let state = pool.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = state.fatal {
        return Err(error);
    }
    let State { mut files, mut superseded, .. } = state;
    files.sort_by(|a, b| a.file.cmp(&b.file));
    superseded.sort();
    Ok(FetchReport { files, superseded, bytes })
}

fn limits(config: &FetchConfig) -> Limits {
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Limits {
        breaks_max: config.breaks_max.max(1),
        wait_ms: ms(config.wait),
        wait_ms_max: ms(config.wait_max),
    }
}

/// The queue and what has come of it.
#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    /// Tasks that a worker has taken.
    running: usize,
    files: Vec<FileReport>,
    superseded: Vec<PathBuf>,
    /// The folder cannot be used: nothing further is tried.
    fatal: Option<DataError>,
}

impl State {
    fn ended(&self) -> bool {
        self.running == 0 && self.queue.is_empty()
    }
}

struct Pool<'a> {
    config: &'a FetchConfig,
    today: Date,
    folder: Folder<'a>,
    progress: Progress,
    state: Mutex<State>,
    changed: Condvar,
}

impl Pool<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment; true when everything has ended.
    fn waited(&self, moment: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, moment, |state| !state.ended());
        waited.unwrap_or_else(PoisonError::into_inner).0.ended()
    }

    fn work(&self) {
        while let Some(task) = self.take() {
            let done = Done { pool: self };
            let result = self.run(&task);
            let mut state = self.lock();
            match result {
                Ok(report) => {
                    if report.outcome == Outcome::ByDays {
                        let of_day = |day: &_| task.file.of(Period::Day(*day));
                        let days = task.days.iter().map(of_day);
                        let days = days.map(|file| Task { file, days: Vec::new() });
                        state.queue.extend(days);
                        let more = task.days.len() as u64;
                        self.progress.total.fetch_add(more, Ordering::Relaxed);
                    }
                    state.files.push(report);
                }
                Err(error) => {
                    state.queue.clear();
                    state.fatal.get_or_insert(error);
                }
            }
            drop(state);
            drop(done);
        }
    }

    /// The next task; waits while others may still add some.
    fn take(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.queue.pop_front() {
                state.running += 1;
                return Some(task);
            }
            if state.ended() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, task: &Task) -> Result<FileReport, DataError> {
        let place = Place::of(&task.file, self.folder.out);
        let report = |outcome, sha256| FileReport {
            file: task.file.clone(),
            path: place.target.clone(),
            outcome,
            sha256,
        };
        if let Period::Day(day) = task.file.period {
            let month = Place::of(&task.file.of(Period::Month(day.month())), self.folder.out);
            // Also with `force`: beside its month, a day's rows would be there twice.
            if month.is_verified() {
                return Ok(report(Outcome::Covered, None));
            }
        }
        let was_there = place.target.exists();
        let end = self.folder.fetch(&task.file, &place, self.config.force, &self.progress.bytes)?;
        Ok(match end {
            End::Kept { sha256 } => {
                self.supersede(&task.file)?;
                report(Outcome::Kept, Some(sha256))
            }
            End::Install { sha256, resumed } => {
                self.supersede(&task.file)?;
                let outcome = match (was_there, resumed) {
                    (true, _) if !self.config.force => Outcome::Replaced,
                    (_, true) => Outcome::Resumed,
                    (_, false) => Outcome::Fetched,
                };
                report(outcome, Some(sha256))
            }
            End::Absent if !task.days.is_empty() => report(Outcome::ByDays, None),
            End::Absent if self.today < task.file.period.due() => report(Outcome::Pending, None),
            End::Absent => report(Outcome::Missing, None),
            End::Failed(why) => report(Outcome::Failed(why), None),
        })
    }

    /// Removes the verified files of days that a month's file now covers: a reader of the folder
    /// would meet every row twice.
    fn supersede(&self, file: &ArchiveFile) -> Result<(), DataError> {
        let Period::Month(month) = file.period else { return Ok(()) };
        if !file.series.is_daily() {
            return Ok(());
        }
        let mut day = month.first();
        while day <= month.last() {
            let place = Place::of(&file.of(Period::Day(day)), self.folder.out);
            if place.is_verified() {
                place.remove()?;
                self.lock().superseded.push(place.target);
            }
            day = day.plus(1);
        }
        Ok(())
    }
}

/// Counts a task as done, also when its worker panics: nobody waits for it for ever.
struct Done<'a> {
    pool: &'a Pool<'a>,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.pool.progress.done.fetch_add(1, Ordering::Relaxed);
        self.pool.lock().running -= 1;
        self.pool.changed.notify_all();
    }
}

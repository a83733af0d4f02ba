//! A writer on its own thread, for `Power`: whatever was appended since the last sync goes out with
//! the next one (natural batching), and callers wait for the number they need.
//!
//! ```text
//! caller: append ─→ pending ──swap──→ writer thread: frame, one write, one fdatasync
//! caller: wait(n) ←──────────────── durable = n + 1 ←──┘      (meanwhile pending fills again)
//! ```

use crate::error::JournalError;
use crate::record::{Kind, PAYLOAD_MAX, Source};
use crate::space::Space;
use crate::writer::Writer;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Payload bytes that may wait for the thread; then `append` waits.
const PENDING_MAX: usize = 4 << 20;

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: Kind,
    source: Source,
    length: usize,
}

#[derive(Debug, Default)]
struct Pending {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct State {
    pending: Pending,
    /// Number of the next record.
    next: u64,
    /// Records before this number survive what the durability promises.
    durable: u64,
    space: Space,
    failed: Option<String>,
    closing: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    done: Condvar,
}

impl Shared {
    /// A panic elsewhere leaves the state whole: every change is one statement under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        condvar: &Condvar,
        guard: MutexGuard<'a, State>,
        keep: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        condvar.wait_while(guard, keep).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`Writer`] behind a thread.
#[derive(Debug)]
pub struct Threaded {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
}

/// Tells what is durable; one for everyone who must wait.
#[derive(Clone, Debug)]
pub struct Durable {
    shared: Arc<Shared>,
}

impl Threaded {
    /// Gives the writer to a thread of its own.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the system gives no thread.
    pub fn start(writer: Writer) -> Result<Self, JournalError> {
        let next = writer.records();
        let dir = writer.dir().to_path_buf();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pending: Pending::default(),
                next,
                durable: next,
                space: writer.space(),
                failed: None,
                closing: false,
            }),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || run(writer, &theirs))
            .map_err(|e| JournalError::io("start a thread for", &dir, e))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands a record over and returns its number; waits only when 4 MiB are waiting.
    ///
    /// # Errors
    /// [`JournalError::Failed`] after the thread failed, [`JournalError::TooLong`].
    pub fn append(&self, kind: Kind, source: Source, payload: &[u8]) -> Result<u64, JournalError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(JournalError::TooLong { bytes: payload.len() });
        }
        let full = |s: &mut State| {
            let waiting = s.pending.bytes.len();
            s.failed.is_none() && waiting > 0 && waiting + payload.len() > PENDING_MAX
        };
        let mut state = Shared::wait_while(&self.shared.done, self.shared.lock(), full);
        if let Some(why) = &state.failed {
            return Err(JournalError::Failed { why: why.clone() });
        }
        state.pending.entries.push(Entry { kind, source, length: payload.len() });
        state.pending.bytes.extend_from_slice(payload);
        let number = state.next;
        state.next += 1;
        drop(state);
        self.shared.work.notify_one();
        Ok(number)
    }

    /// A handle for whoever must wait.
    pub fn durable(&self) -> Durable {
        Durable { shared: Arc::clone(&self.shared) }
    }

    /// Waits until record `number` is durable.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when it never will be.
    pub fn wait(&self, number: u64) -> Result<(), JournalError> {
        wait(&self.shared, number)
    }

    /// Number of the next record.
    pub fn records(&self) -> u64 {
        self.shared.lock().next
    }

    /// What room there is, as of the last batch. While it is not [`Space::Plenty`], the thread
    /// looks with every batch whether there is space again.
    pub fn space(&self) -> Space {
        self.shared.lock().space
    }

    /// Makes everything durable, closes the journal and ends the thread.
    ///
    /// # Errors
    /// The first failure of the writer.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), JournalError> {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(JournalError::Failed { why: "the writer panicked".into() }),
        }
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        // `close` reports errors; a dropped handle has nobody to tell.
        let _ = self.end();
    }
}

impl Durable {
    /// Records before this number are durable.
    pub fn number(&self) -> u64 {
        self.shared.lock().durable
    }

    /// Waits until record `number` is durable.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when it never will be.
    pub fn wait(&self, number: u64) -> Result<(), JournalError> {
        wait(&self.shared, number)
    }
}

fn wait(shared: &Shared, number: u64) -> Result<(), JournalError> {
    let waiting = |s: &mut State| s.durable <= number && s.failed.is_none() && number < s.next;
    let state = Shared::wait_while(&shared.done, shared.lock(), waiting);
    match &state.failed {
        _ if state.durable > number => Ok(()),
        Some(why) => Err(JournalError::Failed { why: why.clone() }),
        None => Err(JournalError::Failed { why: format!("record {number} was never appended") }),
    }
}

/// The thread: swap, frame, write, sync, tell; until closed or failed.
fn run(mut writer: Writer, shared: &Shared) -> Result<(), JournalError> {
    let mut taken = Pending::default();
    loop {
        let idle = |s: &mut State| s.pending.entries.is_empty() && !s.closing;
        let mut state = Shared::wait_while(&shared.work, shared.lock(), idle);
        if state.pending.entries.is_empty() {
            drop(state);
            return writer.close();
        }
        std::mem::swap(&mut state.pending, &mut taken);
        drop(state);
        let result = write(&mut writer, &taken);
        taken.entries.clear();
        taken.bytes.clear();
        let space = writer.reclaim();
        let mut state = shared.lock();
        state.space = space;
        match result {
            Ok(()) => state.durable = writer.records(),
            Err(e) => {
                // Numbers were promised that will never be written: nothing may follow them.
                state.failed = Some(e.to_string());
                drop(state);
                shared.done.notify_all();
                return Err(e);
            }
        }
        drop(state);
        shared.done.notify_all();
        if writer.past_half() {
            // Only a head start: if it fails, the roll itself will say why.
            let _ = writer.prepare();
        }
    }
}

fn write(writer: &mut Writer, taken: &Pending) -> Result<(), JournalError> {
    let mut rest = taken.bytes.as_slice();
    for entry in &taken.entries {
        let (payload, behind) = rest.split_at(entry.length);
        writer.append(entry.kind, entry.source, payload)?;
        rest = behind;
    }
    writer.flush()
}

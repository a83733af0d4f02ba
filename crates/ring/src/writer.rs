//! The one writer of a segment.

use crate::atomics::Ordering;
use crate::bell;
use crate::error::RingError;
use crate::files::{self, Lock};
use crate::gate;
use crate::layout::{
    CAPACITY_DEFAULT, CAPACITY_MAX, CAPACITY_MIN, Facts, LAYOUT_HASH, LAYOUT_VERSION, MAGIC,
    RingSlot, STATE_CLOSED, STATE_LIVE, Words, file_len,
};
use crate::reader::Reader;
use crate::segment::Segment;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use rustix::thread::futex;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The tail word is brought up to date at every flush, and within a long batch this often. At
/// every message it would cost a fifth of the rate: its line takes turns with the slots' in the
/// core's store buffer. Slots say for themselves what is published; the tail is a hint.
const TAIL_EVERY: u64 = 64;

/// What a new segment is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Slots; a power of two from 1,024 to 1,048,576. Default 16,384.
    pub capacity: usize,
    /// Whether the writer keeps to the gate (recorded sources) or never waits (live). Only
    /// [`Writer::try_publish`] and [`Writer::publish_gated`] look at it.
    pub gated: bool,
    /// Position in the source of this epoch's first message; the ring only hands it on.
    pub base: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { capacity: CAPACITY_DEFAULT, gated: false, base: 0 }
    }
}

impl Config {
    fn check(&self) -> Result<(), RingError> {
        let n = self.capacity;
        if n.is_power_of_two() && (CAPACITY_MIN..=CAPACITY_MAX).contains(&n) {
            return Ok(());
        }
        Err(RingError::BadConfig {
            why: format!(
                "ring.slots is {n}, it must be a power of two from {CAPACITY_MIN} to \
                 {CAPACITY_MAX}; the default is {CAPACITY_DEFAULT}"
            ),
        })
    }
}

/// Locks of a writer in shared memory; the kernel drops them with the process.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their Drop")]
struct Places {
    segment: Lock,
    /// Dropped last: whoever takes the name finds the epoch ended.
    name: Lock,
}

/// The writing end. One per segment; it never waits for a reader unless asked to.
///
/// Kept on cache lines of its own: a reader's handle beside it on one stack frame would cost
/// two thirds of the rate.
#[repr(align(128))]
#[derive(Debug)]
pub struct Writer {
    segment: Arc<Segment>,
    /// Next sequence, which is also the number of messages published.
    next: u64,
    /// First sequence that the gate, when it was last looked at, did not allow.
    limit: u64,
    generation: u64,
    epoch: u64,
    gated: bool,
    _places: Option<Places>,
}

impl Writer {
    /// Makes a new segment under `path`, with a new epoch, in place of a dead one.
    ///
    /// The segment is filled under a temporary name and renamed when it is complete, so nobody
    /// ever sees a part of one; a predecessor's segment is replaced, never continued.
    ///
    /// # Errors
    /// `Locked` while another writer of this path lives, `Exists` if `path` is some other kind of
    /// file, `NoSpace`, `Permission`, `BadConfig`, `Io`.
    pub fn create(path: &Path, cfg: &Config) -> Result<Self, RingError> {
        cfg.check()?;
        if let Some(dir) = path.parent() {
            files::prepare_dir(dir)?;
        }
        let name = files::take_place(&files::beside(path, ".lock"), "writer")?;
        let previous = previous_epoch(path)?;
        files::sweep(path);
        let half_made = files::beside(path, &format!(".tmp.{}", std::process::id()));
        let made = Self::fill(&half_made, path, cfg, previous.max(now_ns().saturating_sub(1)) + 1);
        if made.is_err() {
            let _ = fs::remove_file(&half_made);
        }
        let (segment, lock, epoch) = made?;
        Ok(Self::over(segment, cfg, epoch, Some(Places { segment: lock, name })))
    }

    fn fill(
        half_made: &Path,
        path: &Path,
        cfg: &Config,
        epoch: u64,
    ) -> Result<(Segment, Lock, u64), RingError> {
        let io = |action| move |e| RingError::from_io(half_made, action, e);
        let file = files::create_new(half_made)?;
        let bytes = file_len(cfg.capacity) as u64;
        // Reserves the pages now: a file that was only made long would kill the writer by
        // SIGBUS when shared memory runs out.
        fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(|e| match e {
            Errno::NOSPC => RingError::NoSpace { path: path.to_path_buf(), bytes },
            e => RingError::from_io(half_made, "reserve", e.into()),
        })?;
        let segment = Segment::map_writable(&file, cfg.capacity).map_err(io("map"))?;
        segment.set_facts(&facts(cfg, epoch));
        segment.header().state.0.store(STATE_LIVE, Ordering::Release);
        let lock =
            Lock::try_new(file).map_err(|e| RingError::from_io(half_made, "lock", e.into()))?;
        fs::rename(half_made, path).map_err(io("rename"))?;
        Ok((segment, lock, epoch))
    }

    /// The same ring on the heap, for tests and backtests: same protocol, same answers.
    ///
    /// # Panics
    /// If `cfg.capacity` is not one that [`Config`] allows.
    pub fn heap(cfg: &Config) -> Self {
        if let Err(e) = cfg.check() {
            panic!("{e}");
        }
        let segment = Segment::heap(cfg.capacity);
        let epoch = 1;
        segment.set_facts(&facts(cfg, epoch));
        segment.header().state.0.store(STATE_LIVE, Ordering::Release);
        Self::over(segment, cfg, epoch, None)
    }

    fn over(segment: Segment, cfg: &Config, epoch: u64, places: Option<Places>) -> Self {
        let limit = if cfg.gated { cfg.capacity as u64 } else { u64::MAX };
        Self {
            segment: Arc::new(segment),
            next: 0,
            limit,
            generation: 0,
            epoch,
            gated: cfg.gated,
            _places: places,
        }
    }

    /// A reader in this process. On a gated heap ring the first one is the gating reader and
    /// starts at the gate; every other one is a watcher and starts at the latest message.
    pub fn reader(&self) -> Reader {
        Reader::inside(&self.segment, self.gated)
    }

    /// Publishes to whoever listens; never waits, never fails, and takes no notice of the gate.
    /// A sleeping reader is woken by the next [`Writer::flush`].
    #[inline(always)]
    pub fn publish(&mut self, words: &Words) {
        let seq = self.next;
        self.segment.slot(seq).write(seq, words);
        self.next = seq + 1;
        if self.next.is_multiple_of(TAIL_EVERY) {
            self.segment.header().tail.0.store(self.next, Ordering::Release);
        }
    }

    /// Publishes unless that would overwrite what the gating reader has not consumed yet.
    /// Without a gate it always publishes.
    #[inline(always)]
    pub fn try_publish(&mut self, words: &Words) -> bool {
        if self.next >= self.limit && !self.look_at_gate() {
            return false;
        }
        self.publish(words);
        true
    }

    #[cold]
    fn look_at_gate(&mut self) -> bool {
        let page = self.segment.readers();
        let capacity = self.segment.capacity();
        self.limit = gate::limit(&page.progress.0, &page.lifted.0, self.next, capacity);
        self.next < self.limit
    }

    /// Publishes, waiting at the gate as long as `keep_waiting` answers true; false if it gave
    /// up. `keep_waiting` is asked about every 50 µs to 1 ms: the place for a stop flag and a
    /// heartbeat.
    pub fn publish_gated(&mut self, words: &Words, mut keep_waiting: impl FnMut() -> bool) -> bool {
        const SPINS: u32 = 2_000;
        const SLEEP_MIN: Duration = Duration::from_micros(50);
        const SLEEP_MAX: Duration = Duration::from_millis(1);
        if self.try_publish(words) {
            return true;
        }
        // The reader may be asleep with all of this in front of it.
        self.flush();
        for _ in 0..SPINS {
            std::hint::spin_loop();
            if self.try_publish(words) {
                return true;
            }
        }
        let mut pause = SLEEP_MIN;
        while keep_waiting() {
            std::thread::sleep(pause);
            if self.try_publish(words) {
                return true;
            }
            pause = (pause * 2).min(SLEEP_MAX);
        }
        false
    }

    /// Ends a batch: brings the tail up to date and wakes readers that sleep, by at most one
    /// system call.
    #[inline]
    pub fn flush(&mut self) {
        let header = self.segment.header();
        header.tail.0.store(self.next, Ordering::Release);
        let asked = &self.segment.readers().asked.0;
        let (generation, word) = (&header.generation.0, &header.futex.0);
        if bell::answer(&mut self.generation, generation, word, asked) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // Cannot fail on a valid address; a wake that found nobody is no failure.
        let _ = futex::wake(&self.segment.header().futex.0, futex::Flags::empty(), i32::MAX as u32);
    }

    /// Stamps the heartbeat word, nanoseconds as the caller counts them.
    pub fn heartbeat(&mut self, now_ns: i64) {
        self.segment.header().heartbeat.0.store(now_ns.cast_unsigned(), Ordering::Relaxed);
    }

    /// Epoch of this segment: nanoseconds since 1970 when it was made, and always greater than
    /// its predecessor's. 1 on the heap.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Messages published; the next one gets this sequence.
    pub fn published(&self) -> u64 {
        self.next
    }

    /// The gate's progress word: everything before this sequence is durably consumed.
    pub fn gate(&self) -> u64 {
        self.segment.readers().progress.0.load(Ordering::Acquire)
    }

    /// Whether the orchestrator has lifted the gate.
    pub fn gate_lifted(&self) -> bool {
        self.segment.readers().lifted.0.load(Ordering::Acquire) != 0
    }

    /// Lifts the gate of this ring, for tests and backtests on the heap; between processes it is
    /// the orchestrator's [`crate::lift_gate`].
    pub fn lift_gate(&self) {
        gate::lift(&self.segment.readers().lifted.0);
    }

    /// Slots of this ring.
    pub fn capacity(&self) -> u64 {
        self.segment.capacity()
    }

    /// Says that nothing more will come, and wakes everybody. A writer dropped without this
    /// counts as dead.
    pub fn close(&mut self) {
        let header = self.segment.header();
        header.tail.0.store(self.next, Ordering::Release);
        header.state.0.store(STATE_CLOSED, Ordering::Release);
        self.flush();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.segment.heap_writer.store(false, Ordering::Release);
    }
}

fn facts(cfg: &Config, epoch: u64) -> Facts {
    Facts {
        magic: MAGIC,
        version: LAYOUT_VERSION,
        layout_hash: LAYOUT_HASH,
        epoch,
        slot_size: size_of::<RingSlot>() as u64,
        capacity: cfg.capacity as u64,
        gated: u64::from(cfg.gated),
        base: cfg.base,
        creator_pid: u64::from(std::process::id()),
        creator_start: process_start_ticks(),
    }
}

/// Epoch of the segment in the way, 0 if there is none; refuses anything but a segment.
fn previous_epoch(path: &Path) -> Result<u64, RingError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(RingError::from_io(path, "examine", e)),
    };
    let foreign = || RingError::Exists { path: path.to_path_buf() };
    if !found.is_file() {
        return Err(foreign());
    }
    let file = File::open(path).map_err(|e| RingError::from_io(path, "open", e))?;
    // Magic and epoch keep their places in every layout version, so that an older build's
    // segment can be replaced.
    let old = files::read_facts(path, &file)?;
    if old.magic == MAGIC { Ok(old.epoch) } else { Err(foreign()) }
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX / 2)
}

/// Start time of this process in clock ticks since boot: with the pid it names a process for
/// good. 0 where /proc does not say.
fn process_start_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command name may hold spaces and brackets; fields are counted after the last one.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

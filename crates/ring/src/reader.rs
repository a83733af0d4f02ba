//! Readers: the brain, which holds the gating place, and tools, which only watch.

use crate::atomics::Ordering;
use crate::bell;
use crate::error::RingError;
use crate::files::{self, Lock};
use crate::gate;
use crate::layout::{STATE_CLOSED, Words};
use crate::segment::Segment;
use crate::slot::SlotRead;
use rustix::thread::futex;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an idle reader looks whether its writer still lives.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// What [`Reader::poll`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// A message; the words are in `out`.
    Message {
        /// Its sequence; the first message of an epoch has 0.
        seq: u64,
    },
    /// Nothing new.
    Empty,
    /// The writer has lapped this reader. It goes on half a ring behind the newest message.
    Overrun {
        /// Exactly how many messages it will never see.
        skipped: u64,
    },
}

/// How to wait for the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Never leaves the core. Only for a core that nothing else needs.
    Spin,
    /// Spins for a while, then sleeps until the writer's next flush. The default.
    Adaptive {
        /// Microseconds to spin first.
        spin_us: u32,
    },
    /// Looks every so often; for tools.
    Sleep(Duration),
}

impl Default for Wait {
    fn default() -> Self {
        Self::Adaptive { spin_us: 20 }
    }
}

/// Why [`Reader::wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// The next poll will not be empty.
    Ready,
    /// Nothing came in time; the writer lives, as far as was looked.
    TimedOut,
    /// The writer died without closing; everything it published has been read.
    WriterGone,
    /// The writer closed the ring; everything it published has been read.
    Closed,
    /// A new segment has taken this one's name; everything here has been read. Attach again.
    Replaced {
        /// Epoch of the new segment.
        epoch: u64,
    },
}

/// Where a mapped reader's segment comes from.
#[derive(Debug)]
struct Origin {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
}

/// A hold on the gating place.
#[derive(Debug)]
enum Hold {
    /// The lock on `NAME.gate`, dropped by the kernel with the process.
    Place(#[expect(dead_code, reason = "held for its Drop")] Lock),
    Heap,
}

/// A reading end. Maps the segment read-only but for the readers' page.
#[repr(align(128))]
#[derive(Debug)]
pub struct Reader {
    segment: Arc<Segment>,
    next: u64,
    skipped: u64,
    epoch: u64,
    base: u64,
    /// What the gate's word says, if this reader holds the place.
    progress: u64,
    hold: Option<Hold>,
    origin: Option<Origin>,
    probed: Instant,
    /// Once dead, a writer stays dead.
    gone: bool,
    /// Where the last wait began, and for how many pauses it let the writer run ahead.
    waited_at: u64,
    rest: u32,
}

impl Reader {
    /// Attaches as a tool: never gates, starts at the latest message.
    ///
    /// # Errors
    /// `NotFound`, `Layout` if another build made the segment or it is damaged, `Permission` if
    /// owner or mode are not private to this user, `Io`.
    pub fn attach(path: &Path) -> Result<Self, RingError> {
        let mut reader = Self::open(path)?;
        reader.next = reader.segment.published();
        Ok(reader)
    }

    /// Attaches as the brain: takes the gating place and starts at `next_seq`, which also becomes
    /// the gate's progress if that is behind.
    ///
    /// If the ring has already overwritten `next_seq`, the first poll reports the overrun.
    ///
    /// # Errors
    /// As [`Reader::attach`]; `Locked` while another brain holds the place; `Ahead` if this
    /// segment never reached `next_seq`.
    pub fn attach_from(path: &Path, next_seq: u64) -> Result<Self, RingError> {
        let mut reader = Self::open(path)?;
        let place = files::take_place(&files::beside(path, ".gate"), "brain")?;
        let published = reader.segment.published();
        if next_seq > published {
            let path = path.to_path_buf();
            return Err(RingError::Ahead { path, asked: next_seq, published });
        }
        reader.hold = Some(Hold::Place(place));
        reader.progress = reader.segment.readers().progress.0.load(Ordering::Acquire);
        reader.next = next_seq;
        reader.acknowledge(next_seq);
        Ok(reader)
    }

    fn open(path: &Path) -> Result<Self, RingError> {
        let (file, facts) = files::open_segment(path)?;
        let segment = Segment::map_reader(&file, facts.capacity as usize)
            .map_err(|e| RingError::from_io(path, "map", e))?;
        let found = file.metadata().map_err(|e| RingError::from_io(path, "examine", e))?;
        let identity = files::identity(&found);
        Ok(Self {
            segment: Arc::new(segment),
            next: 0,
            skipped: 0,
            epoch: facts.epoch,
            base: facts.base,
            progress: 0,
            hold: None,
            origin: Some(Origin { path: path.to_path_buf(), file, identity }),
            probed: Instant::now(),
            gone: false,
            waited_at: 0,
            rest: 0,
        })
    }

    /// A reader beside the writer, in its process.
    pub(crate) fn inside(segment: &Arc<Segment>, gated: bool) -> Self {
        let facts = segment.facts();
        let free = || !segment.heap_holder.swap(true, Ordering::AcqRel);
        let hold = (gated && segment.is_heap() && free()).then_some(Hold::Heap);
        let progress = segment.readers().progress.0.load(Ordering::Acquire);
        Self {
            next: if hold.is_some() { progress } else { segment.published() },
            segment: Arc::clone(segment),
            skipped: 0,
            epoch: facts.epoch,
            base: facts.base,
            progress,
            hold,
            origin: None,
            probed: Instant::now(),
            gone: false,
            waited_at: 0,
            rest: 0,
        }
    }

    /// Takes the next message, if there is one. `out` changes only with `Message`.
    #[inline(always)]
    pub fn poll(&mut self, out: &mut Words) -> Poll {
        let seq = self.next;
        match self.segment.slot(seq).read(seq, out) {
            SlotRead::Message => {
                self.next = seq + 1;
                Poll::Message { seq }
            }
            SlotRead::Empty => Poll::Empty,
            SlotRead::Overrun { published } => self.resync(published),
        }
    }

    #[cold]
    fn resync(&mut self, published: u64) -> Poll {
        let skipped =
            resync_distance(self.next, published.max(self.tail()), self.segment.capacity());
        self.next += skipped;
        self.skipped += skipped;
        Poll::Overrun { skipped }
    }

    #[inline]
    fn ready(&self) -> bool {
        self.segment.slot(self.next).holds(self.next)
    }

    /// Waits until a message is there, `timeout` is over, or nothing will come any more.
    ///
    /// A waiting reader looks every 100 ms whether its writer lives. Once the ring has ended
    /// this returns at once, so a caller that waits for a successor has to pause by itself.
    pub fn wait(&mut self, strategy: Wait, timeout: Duration) -> WaitOutcome {
        if self.ready() {
            return WaitOutcome::Ready;
        }
        if self.rest() {
            return WaitOutcome::Ready;
        }
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed()).min(PROBE_EVERY);
            let ready = match strategy {
                Wait::Spin => self.spin(left),
                Wait::Adaptive { spin_us } => {
                    let spin = Duration::from_micros(spin_us.into()).min(left);
                    self.spin(spin) || self.doze(left.saturating_sub(spin))
                }
                Wait::Sleep(step) => {
                    std::thread::sleep(step.min(left));
                    self.ready()
                }
            };
            if ready {
                return WaitOutcome::Ready;
            }
            let ended = self.ended();
            // What was published before the end still has to be read.
            if self.ready() {
                return WaitOutcome::Ready;
            }
            if let Some(outcome) = ended {
                return outcome;
            }
            if start.elapsed() >= timeout {
                return WaitOutcome::TimedOut;
            }
        }
    }

    /// Lets a writer that streams run ahead for a moment; true if a message came meanwhile.
    ///
    /// A reader right behind its writer takes the line away from it at every message, which
    /// costs both more than half of their rate. So a reader that comes to its end in the middle
    /// of a stream (it read several messages since it last waited) looks away for a moment,
    /// twice as long whenever the moment was enough, up to about ten microseconds. Messages that
    /// come one by one are never made to wait by this.
    fn rest(&mut self) -> bool {
        const REST_MIN: u32 = 4;
        const REST_MAX: u32 = 256;
        let streaming = self.next - self.waited_at >= 2;
        self.waited_at = self.next;
        if !streaming {
            self.rest = 0;
            return false;
        }
        self.rest = (self.rest * 2).clamp(REST_MIN, REST_MAX);
        for _ in 0..self.rest {
            std::hint::spin_loop();
        }
        let came = self.ready();
        if !came {
            self.rest = 0;
        }
        came
    }

    fn spin(&self, time: Duration) -> bool {
        const LOOKS_PER_CLOCK: u32 = 32;
        let start = Instant::now();
        loop {
            for _ in 0..LOOKS_PER_CLOCK {
                if self.ready() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if start.elapsed() >= time {
                return false;
            }
        }
    }

    /// Sleeps on the bell for at most `time`.
    fn doze(&self, time: Duration) -> bool {
        let header = self.segment.header();
        let generation = bell::ask(&header.generation.0, &self.segment.readers().asked.0);
        if self.ready() || time.is_zero() || self.is_closed() {
            return self.ready();
        }
        let limit = futex::Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        // Whatever the answer (woken, timed out, interrupted, changed already): look again.
        let expected = bell::low_half(generation);
        let _ = futex::wait(&header.futex.0, futex::Flags::empty(), expected, Some(&limit));
        self.ready()
    }

    /// Whether nothing more will come; the system is asked at most every 100 ms.
    fn ended(&mut self) -> Option<WaitOutcome> {
        if self.is_closed() {
            return Some(WaitOutcome::Closed);
        }
        if self.segment.is_heap() || self.origin.is_none() {
            let alive = self.segment.heap_writer.load(Ordering::Acquire);
            return (!alive).then_some(WaitOutcome::WriterGone);
        }
        if !self.gone {
            if self.probed.elapsed() < PROBE_EVERY {
                return None;
            }
            self.probed = Instant::now();
            self.gone = !self.writer_alive();
        }
        if !self.gone {
            return None;
        }
        Some(match self.successor() {
            Some(epoch) => WaitOutcome::Replaced { epoch },
            None => WaitOutcome::WriterGone,
        })
    }

    /// Epoch of the segment that has taken this one's name, if one has.
    pub fn successor(&self) -> Option<u64> {
        let origin = self.origin.as_ref()?;
        let found = fs::symlink_metadata(&origin.path).ok()?;
        if files::identity(&found) == origin.identity {
            return None;
        }
        files::open_segment(&origin.path).ok().map(|(_, facts)| facts.epoch)
    }

    /// Says that everything before `seq_exclusive` is durably consumed. Only the holder of the
    /// gating place has a say; from a tool this does nothing.
    #[inline]
    pub fn acknowledge(&mut self, seq_exclusive: u64) {
        if self.hold.is_some() {
            gate::advance(&mut self.progress, &self.segment.readers().progress.0, seq_exclusive);
        }
    }

    /// Epoch of the segment.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Source position of the epoch's first message.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Sequence of the message that the next poll looks for.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// Messages published, as of the writer's last flush; behind by less than 64 within a batch.
    pub fn tail(&self) -> u64 {
        self.segment.header().tail.0.load(Ordering::Acquire).max(self.next)
    }

    /// Messages published and not read here yet, as far as [`Reader::tail`] knows.
    pub fn lag(&self) -> u64 {
        self.tail().saturating_sub(self.next)
    }

    /// Messages lost to overruns so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether this reader holds the gating place.
    pub fn gates(&self) -> bool {
        self.hold.is_some()
    }

    /// Heartbeat word of the writer, nanoseconds; 0 before the first.
    pub fn heartbeat_ns(&self) -> i64 {
        self.segment.header().heartbeat.0.load(Ordering::Relaxed).cast_signed()
    }

    /// Whether the writer of this epoch lives. Two system calls.
    pub fn writer_alive(&self) -> bool {
        match &self.origin {
            Some(origin) => files::is_held(&origin.file),
            None => self.segment.heap_writer.load(Ordering::Acquire),
        }
    }

    /// Whether the writer has said that nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.segment.header().state.0.load(Ordering::Acquire) == STATE_CLOSED
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(Hold::Heap) = self.hold {
            self.segment.heap_holder.store(false, Ordering::Release);
        }
    }
}

/// How many messages a lapped reader gives up: it goes on half a ring behind the newest, which
/// leaves it time to read before it is lapped again.
fn resync_distance(next: u64, published: u64, capacity: u64) -> u64 {
    published.saturating_sub(capacity / 2).saturating_sub(next)
}

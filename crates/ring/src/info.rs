//! What a segment says about itself, for `status`, the audit and the orchestrator.

use crate::atomics::Ordering;
use crate::error::RingError;
use crate::files;
use crate::gate;
use crate::layout::{STATE_CLOSED, STATE_INIT, STATE_LIVE};
use crate::segment::Segment;
use std::path::Path;

/// State word of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being made.
    Init,
    /// Its writer publishes, or died without a word: see [`Info::writer_alive`].
    Live,
    /// Its writer has ended it.
    Closed,
}

/// Header facts of a segment, dead or alive, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// First eight bytes; always [`crate::MAGIC`].
    pub magic: u64,
    /// Layout version; always [`crate::LAYOUT_VERSION`].
    pub version: u64,
    /// Layout hash; always [`crate::LAYOUT_HASH`].
    pub layout_hash: u64,
    /// Bytes of a slot.
    pub slot_size: u64,
    /// Number of slots.
    pub capacity: u64,
    /// Whether the writer keeps to the gate.
    pub gated: bool,
    /// Epoch: nanoseconds since 1970 when the segment was made.
    pub epoch: u64,
    /// Source position of the first message.
    pub base: u64,
    /// Process that made it.
    pub creator_pid: u64,
    /// Start time of that process, clock ticks since boot.
    pub creator_start_ticks: u64,
    /// State word.
    pub state: State,
    /// Messages published.
    pub tail: u64,
    /// Everything before this sequence is durably consumed by the brain.
    pub gate: u64,
    /// Whether the orchestrator has lifted the gate.
    pub gate_lifted: bool,
    /// Whether a live brain holds the gating place.
    pub gate_held: bool,
    /// Writer's heartbeat, nanoseconds; 0 before the first.
    pub heartbeat_ns: i64,
    /// Whether the writer of this epoch lives.
    pub writer_alive: bool,
}

impl Info {
    /// Reads the facts of the segment at `path`; works on a dead writer's segment too.
    ///
    /// # Errors
    /// `NotFound`, `Layout`, `Permission`, `Io`, as for attaching.
    pub fn read(path: &Path) -> Result<Self, RingError> {
        let (file, facts) = files::open_segment(path)?;
        let segment = Segment::map_reader(&file, facts.capacity as usize)
            .map_err(|e| RingError::from_io(path, "map", e))?;
        let (header, readers) = (segment.header(), segment.readers());
        let state = match header.state.0.load(Ordering::Acquire) {
            STATE_INIT => State::Init,
            STATE_LIVE => State::Live,
            STATE_CLOSED => State::Closed,
            found => {
                let path = path.to_path_buf();
                return Err(RingError::Layout { path, fact: "state", found, expected: STATE_LIVE });
            }
        };
        Ok(Self {
            magic: facts.magic,
            version: facts.version,
            layout_hash: facts.layout_hash,
            slot_size: facts.slot_size,
            capacity: facts.capacity,
            gated: facts.gated != 0,
            epoch: facts.epoch,
            base: facts.base,
            creator_pid: facts.creator_pid,
            creator_start_ticks: facts.creator_start,
            state,
            tail: segment.published(),
            gate: readers.progress.0.load(Ordering::Acquire),
            gate_lifted: readers.lifted.0.load(Ordering::Acquire) != 0,
            gate_held: files::is_place_taken(&files::beside(path, ".gate")),
            heartbeat_ns: header.heartbeat.0.load(Ordering::Relaxed).cast_signed(),
            writer_alive: files::is_held(&file),
        })
    }
}

/// Lifts the gate of the segment at `path` for the rest of its epoch: its writer stops waiting.
/// For the orchestrator only, when no brain is coming back.
///
/// # Errors
/// As [`Info::read`].
pub fn lift_gate(path: &Path) -> Result<(), RingError> {
    let (file, facts) = files::open_segment(path)?;
    let segment = Segment::map_reader(&file, facts.capacity as usize)
        .map_err(|e| RingError::from_io(path, "map", e))?;
    gate::lift(&segment.readers().lifted.0);
    Ok(())
}

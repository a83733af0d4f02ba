//! Snapshots: what a session's inputs have made of engine, simulated exchange, driver and tally, so
//! that a journal need not be stepped through from its first record.
//!
//! The one decision: a snapshot holds state and nothing else. Configuration, instruments and names
//! are the session's, which the journal's header has. It is taken between two inputs only, when
//! nothing waits to be applied, so it belongs to a place in the journal. The journal's container
//! says which, of which session, and of which layout ([`SNAPSHOT_LAYOUT`]: a hash of the sources of
//! everything in it); what does not fit is not read, and an older one or the journal's start serves
//! instead.
//!
//! ```text
//!  driver  engine  exchange │ tally │ beside
//!  the state digest is over │       │ what the caller keeps with it
//!  these                    │       │
//! ```
//!
//! The bytes are canonical: equal states have equal ones, whether restored or stepped to.

use crate::session::Past;
use crate::tally::Tally;
use aegis_driver::{Driver, DriverState};
use aegis_engine::{Brain, Engine, Teacher};
use aegis_exchange::{Exchange, ExchangeState};
use aegis_journal::disk::Disk;
use aegis_journal::snapshot::SnapshotInfo;
use aegis_journal::{JournalError, Reader};
use aegis_types::Venue;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

/// What the program's sources say that the bytes mean; a snapshot of another layout is not read.
pub const SNAPSHOT_LAYOUT: u32 = match u32::from_str_radix(env!("AEGIS_LAYOUT"), 16) {
    Ok(layout) => layout,
    Err(_) => panic!("the build script gives the layout as 32 bits in hex"),
};

/// Why a snapshot cannot be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Its bytes are no snapshot.
    Damaged(String),
    /// It was taken by a program of other sources.
    Layout,
    /// The file, or the journal that it says it continues.
    Journal(String),
    /// It belongs to another session.
    Session(String),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(why) => write!(f, "the snapshot cannot be read: {why}"),
            Self::Layout => f.write_str("the snapshot was taken by another build of the program"),
            Self::Journal(why) => f.write_str(why),
            Self::Session(why) => write!(f, "the snapshot belongs elsewhere: {why}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// A venue whose state follows from the inputs, or that has none of its own.
pub trait Simulates: Venue {
    /// The simulated exchange, where it is one.
    fn simulated(&self) -> Option<&Exchange>;

    /// The simulated exchange, to restore it.
    fn simulated_mut(&mut self) -> Option<&mut Exchange>;
}

impl Simulates for Exchange {
    fn simulated(&self) -> Option<&Exchange> {
        Some(self)
    }

    fn simulated_mut(&mut self) -> Option<&mut Exchange> {
        Some(self)
    }
}

impl Simulates for Past {
    fn simulated(&self) -> Option<&Exchange> {
        match self {
            Self::Simulated(exchange) => Some(exchange),
            Self::Wire => None,
        }
    }

    fn simulated_mut(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Simulated(exchange) => Some(exchange),
            Self::Wire => None,
        }
    }
}

/// A snapshot that was read.
#[derive(Debug)]
pub struct Snapshot<B = Teacher> {
    driver: DriverState,
    engine: Engine<B>,
    exchange: Option<ExchangeState>,
    tally: Tally,
    beside: Vec<u8>,
}

/// Writes a snapshot behind what `into` holds; `beside` is kept with it. False, and nothing is
/// written, while something waits to be applied.
pub fn write_snapshot<V: Simulates, B: Brain + Serialize>(
    driver: &Driver<V, B>,
    tally: &Tally,
    beside: &[u8],
    into: &mut Vec<u8>,
) -> bool {
    let Some(state) = driver.state() else { return false };
    let exchange = driver.venue().simulated().map(Exchange::state);
    put(&(&state, driver.engine(), &exchange, tally, beside), into)
}

impl<B: Brain + DeserializeOwned> Snapshot<B> {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] when the bytes are none.
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = |error: postcard::Error| SnapshotError::Damaged(error.to_string());
        let ((driver, engine, exchange, tally, beside), rest) =
            postcard::take_from_bytes(bytes).map_err(damaged)?;
        if !rest.is_empty() {
            return Err(SnapshotError::Damaged(format!("{} bytes too many", rest.len())));
        }
        Ok(Self { driver, engine, exchange, tally, beside })
    }
}

impl<B: Brain> Snapshot<B> {
    /// What was kept with it.
    pub fn beside(&self) -> &[u8] {
        &self.beside
    }

    /// Makes a driver at its session's start, and a tally, what they were when it was taken.
    ///
    /// # Errors
    /// [`SnapshotError::Session`] when they are of another session; do not use them then.
    pub fn restore<V: Simulates>(
        self,
        driver: &mut Driver<V, B>,
        tally: &mut Tally,
    ) -> Result<(), SnapshotError> {
        let other = |why: &dyn fmt::Display| SnapshotError::Session(why.to_string());
        match (driver.venue_mut().simulated_mut(), &self.exchange) {
            (Some(exchange), Some(state)) => exchange.restore(state).map_err(|e| other(&e))?,
            (None, None) => {}
            _ => return Err(other(&"another kind of venue executes its orders")),
        }
        driver.engine_mut().restore(self.engine).map_err(|e| other(&e))?;
        driver.restore(&self.driver).map_err(|e| other(&e))?;
        if !tally.restore(self.tally) {
            return Err(other(&"its tally is of other symbols"));
        }
        Ok(())
    }
}

/// A snapshot of a journal, and the journal behind it.
#[derive(Debug)]
pub struct Loaded<B = Teacher> {
    /// What it belongs to.
    pub info: SnapshotInfo,
    /// The state.
    pub state: Snapshot<B>,
    /// Stands at the first record that it has not seen.
    pub reader: Reader,
}

/// Loads the snapshot of a record, and makes sure that the journal holds what it has seen.
///
/// # Errors
/// [`SnapshotError`] when it cannot be used by this program.
pub fn load_snapshot<B: Brain + DeserializeOwned>(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    record: u64,
) -> Result<Loaded<B>, SnapshotError> {
    let journal = |e: JournalError| SnapshotError::Journal(e.to_string());
    let snapshot = aegis_journal::snapshot::load(&**disk, dir, record).map_err(journal)?;
    if snapshot.info.layout != SNAPSHOT_LAYOUT {
        return Err(SnapshotError::Layout);
    }
    let reader = Reader::open_behind(Arc::clone(disk), dir, &snapshot.info).map_err(journal)?;
    Ok(Loaded { state: Snapshot::read(&snapshot.payload)?, info: snapshot.info, reader })
}

/// The bytes of driver, engine and exchange: equal for equal states. None while something waits to
/// be applied.
pub fn state_bytes<V: Simulates, B: Brain + Serialize>(driver: &Driver<V, B>) -> Option<Vec<u8>> {
    let state = driver.state()?;
    let exchange = driver.venue().simulated().map(Exchange::state);
    let mut bytes = Vec::new();
    put(&(&state, driver.engine(), &exchange), &mut bytes).then_some(bytes)
}

/// SHA-256 of [`state_bytes`], 64 lower-case hex digits.
pub fn state_digest<V: Simulates, B: Brain + Serialize>(driver: &Driver<V, B>) -> Option<String> {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(state_bytes(driver)?) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// Appends what is written to bytes that are kept for the next time.
struct Behind<'a>(&'a mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// False, and nothing is written, when the value has no such form: ours all have.
fn put(value: &impl Serialize, into: &mut Vec<u8>) -> bool {
    let before = into.len();
    let written = postcard::serialize_with_flavor(value, Behind(into)).is_ok();
    if !written {
        into.truncate(before);
    }
    written
}

/// The digest of orders as a snapshot holds it.
pub(crate) mod digest {
    use aegis_journal::OrderDigest;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(digest: &OrderDigest, s: S) -> Result<S::Ok, S::Error> {
        (digest.state(), digest.orders()).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<OrderDigest, D::Error> {
        let (state, orders) = <(Vec<u8>, u64)>::deserialize(d)?;
        let wrong = || serde::de::Error::custom("not the state of a digest");
        OrderDigest::resume(&state, orders).ok_or_else(wrong)
    }
}

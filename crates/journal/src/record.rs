//! One record: a 52-byte head, the payload, zeros up to the next multiple of 64 bytes.
//!
//! ```text
//!  0 crc      u32  CRC-32 of bytes 4.. to the end of the record, zeros included
//!  4 length   u24  of the payload    7 kind u8
//!  8 number   u64  in the journal, from 0, without holes
//! 16 link     u64  first 8 bytes of the chain state before this record
//! 24 epoch    u64  ┐
//! 32 seq      u64  ├ source of a market record; zero elsewhere
//! 40 position u64  ┘
//! 48 batch    u24  records before it that share its sync
//! 51 version  u8   low 7 bits: version of the payload; top bit: written in `Power`
//! 52 payload       73 bytes for a market event: 125, padded to 128
//! ```

use crate::chain::{BLOCK, Chain};

/// Bytes before the payload.
pub(crate) const HEAD: usize = 52;

/// Longest payload: 24 bits of length.
pub const PAYLOAD_MAX: usize = (1 << 24) - 1;

/// The layout above as text; its CRC is in every segment header, so that a program with another
/// layout refuses the file instead of misreading it.
pub(crate) const LAYOUT: &[u8] =
    b"crc4 length3 kind1 number8 link8 epoch8 seq8 position8 batch3 version1 payload pad64";

/// That of format version 1, which had no versions of payloads: `batch` took their byte too.
pub(crate) const LAYOUT_1: &[u8] =
    b"crc4 length3 kind1 number8 link8 epoch8 seq8 position8 batch4 payload pad64";

/// Newest kind in format version 1.
const KIND_MAX_1: u8 = 7;

const POWER: u32 = 1 << 31;
const BATCH_MAX: u32 = (1 << 24) - 1;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The session, JSON; record 0 and nowhere else.
    Header = 1,
    /// A market event, with its source.
    Market = 2,
    /// A venue's answer: order or account event.
    Venue = 3,
    /// A timer event.
    Timer = 4,
    /// An operator's event.
    Operator = 5,
    /// A command of the engine.
    Command = 6,
    /// Something about the node (restart, note), JSON; not an input of the engine.
    Node = 7,
    /// A condition or a memory of an earlier session: always an input of the engine.
    Condition = 8,
}

impl Kind {
    /// All, by code.
    pub const ALL: [Self; 8] = [
        Self::Header,
        Self::Market,
        Self::Venue,
        Self::Timer,
        Self::Operator,
        Self::Command,
        Self::Node,
        Self::Condition,
    ];

    /// From its code.
    pub const fn from_code(code: u8) -> Option<Self> {
        if code >= 1 && code as usize <= Self::ALL.len() {
            Some(Self::ALL[code as usize - 1])
        } else {
            None
        }
    }

    /// Version of the payloads of this kind that this program writes, and the newest that it reads.
    /// Whoever changes the bytes of an event or a command in a way that old bytes cannot be read by
    /// raises it here, and keeps the old decoder beside the new one.
    pub const fn version(self) -> u8 {
        1
    }

    /// The name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Market => "market",
            Self::Venue => "venue",
            Self::Timer => "timer",
            Self::Operator => "operator",
            Self::Command => "command",
            Self::Node => "node",
            Self::Condition => "condition",
        }
    }
}

/// Where a market event came from; zero for every other kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Epoch of the ring it was read from.
    pub epoch: u64,
    /// Its sequence in that ring.
    pub seq: u64,
    /// Its position in the recorded source, as the feed counts it.
    pub position: u64,
}

/// A record as read back; the payload lives in the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number in the journal, from 0, without holes.
    pub number: u64,
    /// What the payload is.
    pub kind: Kind,
    /// Version of the payload, up to [`Kind::version`].
    pub version: u8,
    /// Where a market event came from.
    pub source: Source,
    /// The bytes that were appended.
    pub payload: &'a [u8],
}

/// Which records share a sync: what tells a torn tail from damage in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Number of the first record that the same sync covers.
    pub first: u64,
    /// Written in `Power` durability.
    pub power: bool,
}

/// Length on disk of a record with this payload.
pub(crate) const fn total(payload: usize) -> usize {
    (HEAD + payload).next_multiple_of(BLOCK)
}

/// Frames a record at the end of `out` and takes it into the chain. The payload fits: the writer
/// checked.
#[inline]
pub(crate) fn frame(
    out: &mut Vec<u8>,
    chain: &mut Chain,
    batch: Batch,
    number: u64,
    (kind, version): (Kind, u8),
    source: Source,
    payload: &[u8],
) {
    let start = out.len();
    let since = (number - batch.first).min(u64::from(BATCH_MAX)) as u32;
    let tail = since | u32::from(version) << 24 | if batch.power { POWER } else { 0 };
    let mut head = [0u8; HEAD];
    let length = payload.len() as u32 | (kind as u32) << 24;
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&number.to_le_bytes());
    head[16..24].copy_from_slice(&chain.link().to_be_bytes());
    head[24..32].copy_from_slice(&source.epoch.to_le_bytes());
    head[32..40].copy_from_slice(&source.seq.to_le_bytes());
    head[40..48].copy_from_slice(&source.position.to_le_bytes());
    head[48..52].copy_from_slice(&tail.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    out.resize(start + total(payload.len()), 0);
    let record = &mut out[start..];
    let crc = crc32fast::hash(&record[4..]);
    record[..4].copy_from_slice(&crc.to_le_bytes());
    chain.absorb(record);
}

/// The fields of a head, before anything is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub crc: u32,
    pub length: usize,
    pub kind: u8,
    pub version: u8,
    pub number: u64,
    pub link: u64,
    pub source: Source,
    pub batch: Batch,
}

impl Head {
    /// Length on disk of the whole record.
    pub(crate) const fn total(&self) -> usize {
        total(self.length)
    }

    /// Reads a head of this version of the format.
    pub(crate) fn parse(bytes: &[u8; HEAD], format: u32) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes(take(bytes, at));
        let u64_at = |at: usize| u64::from_le_bytes(take(bytes, at));
        let (length, batch, number) = (u32_at(4), u32_at(48), u64_at(8));
        let (since, version) = match format {
            1 => (batch & !POWER, 1),
            _ => (batch & BATCH_MAX, (batch >> 24) as u8 & 0x7f),
        };
        Self {
            crc: u32_at(0),
            length: (length & 0x00ff_ffff) as usize,
            kind: (length >> 24) as u8,
            version,
            number,
            link: u64::from_be_bytes(take(bytes, 16)),
            source: Source { epoch: u64_at(24), seq: u64_at(32), position: u64_at(40) },
            batch: Batch {
                first: number.wrapping_sub(u64::from(since)),
                power: batch & POWER != 0,
            },
        }
    }
}

/// The kind of this code in this version of the format.
pub(crate) const fn kind_of(code: u8, format: u32) -> Option<Kind> {
    if format == 1 && code > KIND_MAX_1 { None } else { Kind::from_code(code) }
}

/// `N` bytes at a constant offset inside a head or a segment header.
pub(crate) fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_record_takes_128_bytes() {
        assert_eq!(total(73), 128);
        assert_eq!(total(0), 64);
        assert_eq!(total(12), 64);
        assert_eq!(total(13), 128);
    }

    #[test]
    fn what_is_framed_parses_back() {
        let (mut out, mut chain) = (Vec::new(), Chain::new());
        let source = Source { epoch: 3, seq: 1 << 40, position: u64::MAX };
        let batch = Batch { first: 5, power: true };
        let link = chain.link();
        frame(&mut out, &mut chain, batch, 9, (Kind::Market, 3), source, &[7; 73]);
        assert_eq!(out.len(), 128);
        let head = Head::parse(&take(&out, 0), 2);
        assert_eq!((head.length, head.kind, head.number), (73, Kind::Market as u8, 9));
        assert_eq!(head.version, 3);
        assert_eq!((head.source, head.batch, head.link), (source, batch, link));
        assert_eq!(head.crc, crc32fast::hash(&out[4..]));
        assert_ne!(chain, Chain::new());
    }

    #[test]
    fn codes_of_kinds_are_the_format() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind as u8), Some(kind));
        }
        assert_eq!((Kind::from_code(0), Kind::from_code(9)), (None, None));
    }
}

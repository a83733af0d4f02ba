//! What comes from our own files and shared memory, whatever has happened to them.

use crate::seeds;
use aegis_journal::fuzzing;
use aegis_types::{Command, Event, Nanos, Px, Qty, Rate, SymbolId, Tick, TickBody};

/// As it is, and with its checksums made right: read, resumed, migrated, verified.
pub(super) fn journal(data: &[u8]) -> bool {
    fuzzing::journal(data) > 0
}

/// A snapshot beside a journal, and a file of money events.
pub(super) fn snapshots(data: &[u8]) -> bool {
    fuzzing::snapshot(data) | (fuzzing::money(data) > 0)
}

pub(super) fn snapshot_seeds() -> Vec<Vec<u8>> {
    vec![fuzzing::good_snapshot()]
}

pub(super) fn journal_seeds() -> Vec<Vec<u8>> {
    vec![seeds::journal()]
}

/// What is read is written as it was.
pub(super) fn events(data: &[u8]) -> bool {
    let event = Event::decode(data);
    if let Ok(event) = &event {
        let written = event.encode();
        // A volume may be a number that is not equal to itself; its bytes are.
        let again = Event::decode(written.as_bytes()).map(|again| again.encode());
        assert_eq!(again.as_ref().map(|again| again.as_bytes()), Ok(written.as_bytes()));
    }
    let command = Command::decode(data);
    if let Ok((at, command)) = &command {
        let written = command.encode(*at);
        let again = Command::decode(written.as_bytes()).map(|(at, again)| again.encode(at));
        assert_eq!(again.as_ref().map(|again| again.as_bytes()), Ok(written.as_bytes()));
    }
    event.is_ok() || command.is_ok()
}

/// Seven words, little endian.
pub(super) fn ring_ticks(data: &[u8]) -> bool {
    let mut words = [0u64; 7];
    for (word, bytes) in words.iter_mut().zip(data.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    let Ok(tick) = Tick::from_words(&words) else { return false };
    let again = Tick::from_words(&tick.to_words());
    // A volume may be a number that is not equal to itself; its bits are.
    assert_eq!(again.map(|tick| tick.to_words()), Ok(tick.to_words()), "{tick:?}");
    let _ = tick.candle();
    true
}

pub(super) fn tick_seeds() -> Vec<Vec<u8>> {
    let (px, qty, at) = (Px::whole(100), Qty::whole(2), Nanos(1_700_000_000_000_000_000));
    let bodies = [
        TickBody::Open { px, funding: Some(Rate::from_raw(10_000)) },
        TickBody::Candle { open: px, high: px, low: px, close: px, volume: 1.5 },
        TickBody::Book { bid: px, bid_qty: qty, ask: px, ask_qty: qty, update_id: 7 },
        TickBody::Mark { mark: px, index: px, rate: Rate::from_raw(-1), next_funding: at },
        TickBody::Trade { px, qty, id: 9, buyer_is_maker: true },
        TickBody::Gap { missing: 3 },
        TickBody::End,
    ];
    let bytes = |body| {
        let tick = Tick { symbol: SymbolId(1), derived: false, at, received_us: 5, body };
        tick.to_words().iter().flat_map(|word| word.to_le_bytes()).collect()
    };
    bodies.into_iter().map(bytes).collect()
}

//! The local book against the truth, through gaps, repetitions, reorders, reconnects and snapshots
//! that are too old.

use crate::client_once::Draw;
use aegis_types::{Nanos, Px, Qty};
use aegis_venue::client::book_sync::{BookSync, Input, LEVELS_KEPT, Wish};
use aegis_wire::frame::{Depth, Frame, Snapshot};
use aegis_wire::{Level, Levels, scan, scan_snapshot};
use std::collections::BTreeMap;

/// The exchange's side: a book that changes by itself.
struct Exchange {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    id: u64,
    told: u64,
}

/// An update in the exchange's own words.
struct Update(String);

fn text(levels: &[(i64, i64)]) -> String {
    let rows: Vec<String> =
        levels.iter().map(|(px, qty)| format!("[\"{px}\",\"{qty}\"]")).collect();
    rows.join(",")
}

impl Exchange {
    fn new() -> Self {
        let mut new = Self { bids: BTreeMap::new(), asks: BTreeMap::new(), id: 100, told: 100 };
        for n in 0..50 {
            new.bids.insert(1_000 - n, 5 + n);
            new.asks.insert(1_001 + n, 5 + n);
        }
        new
    }

    /// Some levels change; the update that tells it.
    fn change(&mut self, draw: &mut Draw) -> Update {
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        for _ in 0..=draw.below(6) {
            let (bid, far) = (draw.below(2) == 0, draw.below(60) as i64);
            let qty = if draw.below(3) == 0 { 0 } else { draw.below(1_000) as i64 };
            let px = if bid { 1_000 - far } else { 1_001 + far };
            let side = if bid { &mut self.bids } else { &mut self.asks };
            // Deleting what is not there is told too.
            if qty == 0 {
                side.remove(&px);
            } else {
                side.insert(px, qty);
            }
            if bid { &mut bids } else { &mut asks }.push((px, qty));
        }
        let first = self.id + 1;
        self.id += 1 + draw.below(4);
        let previous = core::mem::replace(&mut self.told, self.id);
        Update(format!(
            "{{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"BTCUSDT\",\"U\":{first},\"u\":{},\
             \"pu\":{previous},\"b\":[{}],\"a\":[{}]}}",
            self.id,
            text(&bids),
            text(&asks)
        ))
    }

    fn snapshot(&self) -> String {
        let side = |side: &BTreeMap<i64, i64>| {
            text(&side.iter().map(|(px, qty)| (*px, *qty)).collect::<Vec<_>>())
        };
        format!(
            "{{\"lastUpdateId\":{},\"E\":1,\"T\":1,\"bids\":[{}],\"asks\":[{}]}}",
            self.id,
            side(&self.bids),
            side(&self.asks)
        )
    }
}

struct Listener {
    book: BookSync,
    levels: Levels,
    out: Vec<Wish>,
    now: Nanos,
}

impl Listener {
    fn new() -> Self {
        let mut new = Self {
            book: BookSync::new(),
            levels: Levels::default(),
            out: Vec::new(),
            now: Nanos::ZERO,
        };
        new.book.step(new.now, Input::Opened, &mut new.out);
        new
    }

    fn hear(&mut self, update: &Update) {
        let message = scan(update.0.as_bytes(), &mut self.levels).unwrap();
        let Frame::Depth(depth) = message.frame else { panic!("{}", update.0) };
        self.book.step(self.now, Input::Update(&depth, &self.levels), &mut self.out);
    }

    fn read(&mut self, snapshot: &str) {
        let read = scan_snapshot(snapshot.as_bytes(), &mut self.levels).unwrap();
        self.book.step(self.now, Input::Snapshot(&read, &self.levels), &mut self.out);
    }

    /// Is a snapshot wanted? Asked once.
    fn wants(&mut self) -> bool {
        self.book.step(self.now, Input::Tick, &mut self.out);
        let wanted = self.out.contains(&Wish::Snapshot);
        self.out.clear();
        wanted
    }

    fn assert_is(&self, exchange: &Exchange, seed: u64) {
        let rows = |side: &BTreeMap<i64, i64>| -> Vec<(i64, i64)> {
            side.iter().map(|(px, qty)| (*px, *qty)).collect()
        };
        let held = |levels: &mut dyn Iterator<Item = Level>| -> Vec<(i64, i64)> {
            let whole = 100_000_000;
            levels.map(|l| (l.px.raw() / whole, l.qty.raw() / whole)).collect()
        };
        let mut bids = rows(&exchange.bids);
        bids.reverse();
        assert_eq!(held(&mut self.book.bids()), bids, "seed {seed}");
        assert_eq!(held(&mut self.book.asks()), rows(&exchange.asks), "seed {seed}");
        assert_eq!(self.book.last_id(), exchange.id, "seed {seed}");
    }
}

/// 600 updates over a bad line; the book must equal the truth whenever it says that it is synced
/// and has heard the last update, and must be synced again soon after the trouble.
fn run(seed: u64) -> u64 {
    let (mut draw, mut exchange, mut listener) =
        (Draw::new(seed), Exchange::new(), Listener::new());
    let mut wanted_at: Option<u64> = None;
    let mut compared = 0;
    let mut held_back: Option<Update> = None;
    let mut old = exchange.snapshot();
    for step in 0..600 {
        let update = exchange.change(&mut draw);
        let trouble = step < 500;
        match draw.below(40) {
            0 if trouble => {} // lost
            1 if trouble => {
                listener.hear(&update);
                listener.hear(&update);
            }
            2 if trouble && held_back.is_none() => held_back = Some(update),
            3 if trouble => {
                listener.book.step(listener.now, Input::Closed, &mut listener.out);
                listener.book.step(listener.now, Input::Opened, &mut listener.out);
            }
            _ => {
                listener.hear(&update);
                if let Some(late) = held_back.take() {
                    listener.hear(&late);
                }
            }
        }
        listener.now = listener.now.after(Nanos::MILLISECOND.times(100));
        if listener.wants() {
            // The answer takes a while; now and then it is an old one, or none.
            wanted_at = Some(step + draw.below(5));
        }
        if wanted_at.is_some_and(|at| step >= at) {
            wanted_at = None;
            match draw.below(6) {
                0 if trouble => {
                    listener.book.step(listener.now, Input::Failed, &mut listener.out);
                }
                1 if trouble => listener.read(&old),
                _ => listener.read(&exchange.snapshot()),
            }
            old = exchange.snapshot();
        }
        if listener.book.is_synced() && listener.book.last_id() == exchange.id {
            listener.assert_is(&exchange, seed);
            compared += 1;
        }
    }
    assert!(listener.book.is_synced(), "seed {seed}: synced after the trouble");
    listener.assert_is(&exchange, seed);
    assert!(listener.book.troubles().0 > 0, "seed {seed}: there was trouble");
    compared
}

#[test]
fn the_book_is_the_exchange_s_whenever_it_says_so() {
    let compared: u64 = (0..200).map(run).sum();
    assert!(compared > 200 * 300, "{compared}");
}

#[test]
fn best_levels_are_told_only_while_synced() {
    let (mut draw, mut exchange, mut listener) = (Draw::new(1), Exchange::new(), Listener::new());
    assert!(listener.wants());
    listener.hear(&exchange.change(&mut draw));
    assert_eq!(listener.book.best_bid(), None);
    listener.read(&exchange.snapshot());
    listener.hear(&exchange.change(&mut draw));
    let best = listener.book.best_bid().unwrap();
    let (px, qty) = exchange.bids.last_key_value().unwrap();
    assert_eq!((best.px, best.qty), (Px::whole(*px), Qty::whole(*qty)));
    assert_eq!(listener.book.at(true, best.px), best.qty);
    exchange.change(&mut draw);
    listener.out.clear();
    listener.hear(&exchange.change(&mut draw));
    assert_eq!(listener.out, [Wish::Lost, Wish::Snapshot]);
    assert_eq!(listener.book.best_ask(), None);
}

#[test]
fn a_full_side_keeps_the_levels_next_to_the_market() {
    let (mut book, mut out) = (BookSync::new(), Vec::new());
    book.step(Nanos::ZERO, Input::Opened, &mut out);
    let mut levels = Levels::with_capacity(LEVELS_KEPT + 10);
    let rows: Vec<(i64, i64)> = (0..LEVELS_KEPT as i64 + 10).map(|n| (1 + n, 1)).collect();
    let snapshot =
        format!("{{\"lastUpdateId\":5,\"E\":1,\"T\":1,\"bids\":[{}],\"asks\":[]}}", text(&rows));
    let read: Snapshot = scan_snapshot(snapshot.as_bytes(), &mut levels).unwrap();
    book.step(Nanos::ZERO, Input::Snapshot(&read, &levels), &mut out);
    let none = Levels::with_capacity(1);
    let depth = Depth {
        event_ms: 1,
        time_ms: 1,
        symbol: "BTCUSDT",
        first_id: 5,
        last_id: 6,
        previous_id: 4,
    };
    book.step(Nanos::ZERO, Input::Update(&depth, &none), &mut out);
    assert!(book.is_synced() && book.is_cut());
    assert_eq!(book.bids().count(), LEVELS_KEPT);
    assert_eq!(book.best_bid().unwrap().px, Px::whole(LEVELS_KEPT as i64 + 10));
    assert_eq!(book.bids().last().unwrap().px, Px::whole(11));
}

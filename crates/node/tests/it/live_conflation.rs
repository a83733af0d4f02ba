//! Conflation: the newest quote a window, and trades that still make the same candles.

use crate::random::Random;
use aegis_node::live::conflate::Conflator;
use aegis_types::{MinuteBuilder, Nanos, Px, Qty, SymbolId, Tick, TickBody};

const WINDOW: Nanos = Nanos(100_000_000);

fn tick(symbol: u16, at: Nanos, body: TickBody) -> Tick {
    Tick { symbol: SymbolId(symbol), derived: false, at, received_us: 7, body }
}

fn trade(symbol: u16, at: Nanos, id: u64, px: i64, qty: i64) -> Tick {
    let (px, qty) = (Px::from_raw(px), Qty::from_raw(qty));
    tick(symbol, at, TickBody::Trade { px, qty, id, buyer_is_maker: id.is_multiple_of(2) })
}

fn book(symbol: u16, at: Nanos, update_id: u64) -> Tick {
    let (bid, ask) = (Px::whole(9), Px::whole(10));
    let (bid_qty, ask_qty) = (Qty::from_raw(1), Qty::from_raw(2));
    tick(symbol, at, TickBody::Book { bid, bid_qty, ask, ask_qty, update_id })
}

/// The candles of trades.
fn candles<'a>(trades: impl Iterator<Item = &'a Tick>) -> Vec<aegis_types::Candle> {
    let mut builder = MinuteBuilder::new(SymbolId(0));
    let mut closed = Vec::new();
    for t in trades {
        if let TickBody::Trade { px, qty, id, .. } = t.body {
            closed.extend(builder.push(t.at, px, qty, Some(id)).expect("trades in order"));
        }
    }
    closed.extend(builder.unfinished());
    closed
}

#[test]
fn candles_of_conflated_trades_are_those_of_all_trades() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut conflator = Conflator::new(2, WINDOW);
        let (mut all, mut told) = (Vec::new(), Vec::new());
        let (mut now, mut px) = (Nanos::MINUTE.times(1_000), 1_000_000);
        for id in 1..=3_000 {
            now = now.after(Nanos(random.below(60_000_000) as i64));
            px += random.below(21) as i64 - 10;
            // Some volumes are so large that few of them fit into one number.
            let qty =
                if random.percent(2) { i64::MAX / 3 } else { 1 + random.below(1 << 40) as i64 };
            let t = trade(1, now, id, px, qty);
            all.push(t);
            conflator.push(now, &t, &mut |t| told.push(*t));
            if random.percent(1) {
                conflator.settle(SymbolId(1), &mut |t| told.push(*t));
            }
        }
        conflator.turn(now.after(WINDOW), &mut |t| told.push(*t));
        assert_eq!(candles(told.iter()), candles(all.iter()), "seed {seed}");
        let (taken, conflated) = (all.len() as u64, conflator.conflated());
        assert_eq!(taken - conflated, told.len() as u64, "seed {seed}: counted wrong");
        assert!(conflated > taken / 4, "seed {seed}: nothing was conflated");
        assert_eq!(conflator.due(), None, "seed {seed}: something still waits");
    }
}

#[test]
fn of_each_symbol_the_newest_quote_a_window() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut conflator = Conflator::new(3, WINDOW);
        let mut newest = [0; 3];
        let mut told: Vec<(Nanos, Tick)> = Vec::new();
        let mut now = Nanos(0);
        for id in 1..=2_000 {
            now = now.after(Nanos(random.below(30_000_000) as i64));
            let symbol = random.below(3) as u16;
            newest[usize::from(symbol)] = id;
            conflator.push(now, &book(symbol, now, id), &mut |t| told.push((now, *t)));
        }
        let end = now.after(WINDOW);
        conflator.turn(end, &mut |t| told.push((end, *t)));
        for symbol in 0..3u16 {
            let mut last = (0, i64::MIN);
            for (at, t) in told.iter().filter(|(_, t)| t.symbol.0 == symbol) {
                let TickBody::Book { update_id, .. } = t.body else { panic!("{t:?}") };
                let window = at.0.div_euclid(WINDOW.0);
                assert!(update_id > last.0, "seed {seed}: an older one came later");
                assert!(window > last.1, "seed {seed}: two in one window");
                last = (update_id, window);
            }
            assert_eq!(last.0, newest[usize::from(symbol)], "seed {seed}: the newest is lost");
        }
        assert_eq!(told.len() as u64 + conflator.conflated(), 2_000, "seed {seed}");
    }
}

#[test]
fn a_window_of_zero_passes_everything() {
    let mut conflator = Conflator::new(1, Nanos::ZERO);
    let mut told = 0;
    for id in 1..=50 {
        conflator.push(Nanos(5), &trade(0, Nanos(5), id, 3, 1), &mut |_| told += 1);
        conflator.push(Nanos(5), &book(0, Nanos(5), id), &mut |_| told += 1);
    }
    assert_eq!((told, conflator.conflated(), conflator.due()), (100, 0, None));
}

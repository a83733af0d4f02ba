//! The past: slices of all symbols, merged as recorded files are.

use crate::random::Random;
use aegis_data::FirewallConfig;
use aegis_node::live::intake::Intake;
use aegis_node::live::lane::Bar;
use aegis_node::live::past::{Past, SLICE};
use aegis_types::{Nanos, Px, SymbolTable, Tick, TickBody};

const MINUTE: i64 = 60_000;
const START: i64 = 1_700_000_040_000;

fn bar(minute: i64) -> Bar {
    let px = Px::whole(100);
    Bar { open_ms: START + minute * MINUTE, open: px, high: px, low: px, close: px, volume: 1.0 }
}

/// At one instant closes before opens, then by symbol.
fn order(tick: &Tick) -> (Nanos, bool, u16) {
    (tick.at, matches!(tick.body, TickBody::Open { .. }), tick.symbol.0)
}

#[test]
fn all_of_it_is_told_once_in_the_order_of_recorded_files() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let symbols = SymbolTable::new((0..5).map(|n| format!("S{n}USDT"))).unwrap();
        let minutes = SLICE * 2 + 100 + random.below(500) as i64;
        // Each symbol is listed at some time and has holes.
        let all: Vec<Vec<Bar>> = (0..symbols.len())
            .map(|_| {
                let listed = random.below(800) as i64;
                (listed..minutes + 3).filter(|_| !random.percent(3)).map(bar).collect()
            })
            .collect();
        let mut intake = Intake::new(&symbols, FirewallConfig::default(), Nanos::ZERO);
        let mut past = Past::new(symbols.len(), START);
        let mut told: Vec<Tick> = Vec::new();
        let mut open = Vec::new();
        past.extend(START + minutes * MINUTE);
        let mut rounds = 0;
        while !past.is_done() {
            rounds += 1;
            assert!(rounds < 100_000, "seed {seed}: it does not end");
            open.extend(past.next_query());
            if !open.is_empty() && random.percent(70) {
                let query = open.swap_remove(random.below(open.len() as u64) as usize);
                if random.percent(5) {
                    past.failed(query.symbol);
                } else {
                    let wanted = query.from_ms..=query.to_ms;
                    let bars = all[query.symbol.index()].iter();
                    let rows = bars.filter(|b| wanted.contains(&b.open_ms)).copied().collect();
                    past.answered(query.symbol, &rows);
                }
            }
            let mut room = random.below(50);
            let mut has_room = || {
                room = room.saturating_sub(1);
                room > 0
            };
            past.tell(&mut intake, 0, &mut has_room, &mut |tick| told.push(*tick));
        }
        assert_eq!(past.incomplete(), [], "seed {seed}");
        let mut wanted: Vec<(Nanos, bool, u16)> = Vec::new();
        for (symbol, bars) in all.iter().enumerate() {
            let until = START + minutes * MINUTE;
            for bar in bars.iter().filter(|bar| bar.open_ms <= until) {
                let at = Nanos::from_millis(bar.open_ms);
                wanted.push((at, true, symbol as u16));
                // The minute under way has opened, and no more.
                if bar.open_ms < until {
                    wanted.push((at.after(Nanos::MINUTE), false, symbol as u16));
                }
            }
        }
        wanted.sort_unstable();
        assert_eq!(told.iter().map(order).collect::<Vec<_>>(), wanted, "seed {seed}");
    }
}

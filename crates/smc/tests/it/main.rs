//! Proves: swings and gaps equal the golden tables cell for cell; swings equal a slow transcription
//! of their definition; a break closes beyond a swing that was confirmed before. `laws` holds what
//! is true of every concept, the other modules what is true of some.

mod clock;
mod imbalance;
mod laws;
mod record;
mod series;
mod smt;
mod tables;
mod trackers;

use aegis_smc::{Detector, Event, FvgParams, Kind, Params, PivotKind, PivotParams, Pivots};
use aegis_types::{Bar, Nanos, Side};
use proptest::prelude::*;
use tables::{Table, fixtures, shared};

fn read(params: &Params, bars: &[Bar]) -> Vec<Event> {
    let mut detector = Detector::new(params);
    let mut events = Vec::new();
    for bar in bars {
        detector.push(bar, &mut |event| events.push(event));
    }
    events
}

fn swing_length(length: u32) -> Params {
    Params { pivot: PivotParams { length, ..Default::default() }, ..Default::default() }
}

#[test]
fn swings_equal_the_golden_table() {
    let golden = |folder: &std::path::Path, length: u32, suffix: &str| {
        let bars = Table::read(&folder.join(format!("candles{suffix}.csv"))).bars();
        let table = Table::read(&folder.join(format!("smc_swings_L{length}{suffix}.csv")));
        let mut pivots = Pivots::new(PivotParams { length, high_wins: true });
        let mut found = Vec::new();
        let mut note = |pivot: aegis_smc::Pivot| {
            let sign = if pivot.kind == PivotKind::High { 1.0 } else { -1.0 };
            found.push((f64::from(pivot.pos), sign, f64::from(pivot.level as f32)));
        };
        for (at, bar) in (0..).zip(&bars) {
            let swing = pivots.push(at, bar);
            if let Some((old, new)) = swing.and_then(|swing| Some((swing.old?, swing.new)))
                && old.kind != new.kind
            {
                note(old);
            }
        }
        note(pivots.open().expect("a swing"));
        let want: Vec<_> = table.rows_of(["i", "HighLow", "Level"]);
        // The table's first and last rows are synthetic end points.
        let want: Vec<_> = want[1..want.len() - 1]
            .iter()
            .map(|row| (row[0], row[1], f64::from(row[2] as f32)))
            .collect();
        assert_eq!(found, want, "L = {length}");
        assert!(want.len() > 10);
    };
    golden(&fixtures(), 3, "_synth");
    golden(&fixtures(), 10, "_synth");
    if let Some(shared) = shared("golden") {
        golden(&shared, 5, "");
        golden(&shared, 50, "");
    }
}

#[test]
fn gaps_equal_the_golden_table() {
    let golden = |folder: &std::path::Path, join: bool, suffix: &str| {
        let bars = Table::read(&folder.join(format!("candles{suffix}.csv"))).bars();
        let fvg = FvgParams { join, capacity: 10_000, age_max: u32::MAX, ..Default::default() };
        let events = read(&Params { fvg, ..Default::default() }, &bars);
        let mut found: Vec<[f64; 5]> = Vec::new();
        for event in events {
            let Some(side) = event.side else { continue };
            let (pos, sign) = (f64::from(event.pos), side.sign() as f64);
            let (top, bottom) = (event.level.max(event.far), event.level.min(event.far));
            match event.kind {
                Kind::FvgFormed => found.push([pos, sign, top, bottom, 0.0]),
                Kind::FvgJoined => {
                    let last = found.iter_mut().rev().find(|gap| gap[1] == sign).expect("a gap");
                    *last = [pos, sign, top, bottom, 0.0];
                }
                Kind::FvgTouched => {
                    let gap = found.iter_mut().find(|gap| gap[0] == pos && gap[1] == sign);
                    gap.expect("the touched gap")[4] = f64::from(event.at);
                }
                _ => {}
            }
        }
        let name = if join { "smc_fvg_join" } else { "smc_fvg" };
        let table = Table::read(&folder.join(format!("{name}{suffix}.csv")));
        let want: Vec<[f64; 5]> = table.rows_of(["i", "FVG", "Top", "Bottom", "MitigatedIndex"]);
        assert!(want.len() > 100);
        assert_eq!(found, want, "join {join}");
    };
    for join in [false, true] {
        golden(&fixtures(), join, "_synth");
        if let Some(shared) = shared("golden") {
            golden(&shared, join, "");
        }
    }
}

prop_compose! {
    /// Bars on a coarse grid, so that equal highs and lows, flat bars and outside bars are common.
    fn walk(most: usize)(
        steps in prop::collection::vec((-6i32..=6, 0i32..4, 0i32..4, -3i32..=3), 1..most),
    ) -> Vec<Bar> {
        let mut close = 1_000;
        steps.iter().zip(0..).map(|(&(step, up, down, gap), n)| {
            let open = close + if gap.abs() == 3 { gap } else { 0 };
            close = open + step;
            let [high, low] = [open.max(close) + up, open.min(close) - down];
            let [open, high, low, close] = [open, high, low, close].map(f64::from);
            Bar::new(Nanos::MINUTE.times(n), open, high, low, close, 1.0).expect("a bar")
        }).collect()
    }
}

/// The definition of raw pivots and their alternation, as slow as it is plain.
fn slow_swings(bars: &[Bar], length: usize) -> Vec<(usize, PivotKind)> {
    let mut swings: Vec<(usize, PivotKind)> = Vec::new();
    for p in 2 * length - 1..bars.len().saturating_sub(length) {
        let window = &bars[p + 1 - length..=p + length];
        let highest = window.iter().map(|bar| bar.high()).fold(f64::MIN, f64::max);
        let lowest = window.iter().map(|bar| bar.low()).fold(f64::MAX, f64::min);
        let kind = if bars[p].high() == highest {
            PivotKind::High
        } else if bars[p].low() == lowest {
            PivotKind::Low
        } else {
            continue;
        };
        match swings.last() {
            Some(&(old, last)) if last == kind => {
                let stronger = match kind {
                    PivotKind::High => bars[p].high() > bars[old].high(),
                    PivotKind::Low => bars[p].low() < bars[old].low(),
                };
                if stronger {
                    swings.pop();
                    swings.push((p, kind));
                }
            }
            _ => swings.push((p, kind)),
        }
    }
    swings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn swings_equal_their_definition(bars in walk(160), length in 1u32..8) {
        let mut pivots = Pivots::new(PivotParams { length, high_wins: true });
        let mut swings: Vec<(usize, PivotKind)> = Vec::new();
        for (at, bar) in (0..).zip(&bars) {
            if let Some(swing) = pivots.push(at, bar) {
                if swing.old.is_some_and(|old| old.kind == swing.new.kind) {
                    swings.pop();
                }
                swings.push((swing.new.pos as usize, swing.new.kind));
            }
        }
        prop_assert_eq!(swings, slow_swings(&bars, length as usize));
    }

    #[test]
    fn a_break_closes_beyond_a_swing_confirmed_before(bars in walk(240), length in 1u32..6) {
        let events = read(&swing_length(length), &bars);
        for event in events.iter().filter(|e| matches!(e.kind, Kind::Bos | Kind::Choch)) {
            let close = bars[event.at as usize].close();
            match event.side.unwrap() {
                Side::Buy => prop_assert!(close > event.level),
                Side::Sell => prop_assert!(close < event.level),
            }
            let known = events.iter().any(|pivot| {
                pivot.kind == Kind::Pivot
                    && (pivot.of, pivot.pos, pivot.level) == (event.of, event.pos, event.level)
                    && pivot.at < event.at
            });
            prop_assert!(known, "no swing was confirmed before {:?}", event);
        }
    }
}

//! Proves: swings and gaps equal the golden tables cell for cell; no event ever depends on a later
//! bar (the events of a prefix are the prefix of the events, on generated, real and random bars);
//! no event is about a bar after the one it is stamped with; long and short mirror each other; what
//! lives stays within its bounds; swings equal a slow transcription of their definition.

mod clock;
mod imbalance;
mod smt;
mod tables;

use aegis_smc::{Detector, Event, FvgParams, Kind, Params, PivotKind, PivotParams, Pivots};
use aegis_types::{Bar, Nanos, Side};
use proptest::prelude::*;
use tables::{Table, fixtures, real_minutes, shared};

/// Events of all bars, and after each bar how many there were.
fn read(params: &Params, bars: &[Bar]) -> (Vec<Event>, Vec<usize>) {
    let mut detector = Detector::new(params);
    let mut events = Vec::new();
    let mut counts = Vec::new();
    for bar in bars {
        detector.push(bar, &mut |event| events.push(event));
        counts.push(events.len());
    }
    (events, counts)
}

fn swing_length(length: u32) -> Params {
    Params { pivot: PivotParams { length, ..Default::default() }, ..Default::default() }
}

fn assert_causal(params: &Params, bars: &[Bar], cuts: impl Iterator<Item = usize>) {
    let (events, counts) = read(params, bars);
    for event in &events {
        assert!(event.pos <= event.at, "{event:?} is about the future");
    }
    for (at, &count) in counts.iter().enumerate() {
        let from = if at == 0 { 0 } else { counts[at - 1] };
        assert!(events[from..count].iter().all(|event| event.at as usize == at));
    }
    for cut in cuts {
        let (prefix, _) = read(params, &bars[..cut]);
        let upto = if cut == 0 { 0 } else { counts[cut - 1] };
        assert_eq!(prefix, events[..upto], "the first {cut} bars read differently");
    }
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
        let (events, _) = read(&Params { fvg, ..Default::default() }, &bars);
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

#[test]
fn generated_candles_read_the_same_in_every_prefix() {
    let bars = Table::read(&fixtures().join("candles_synth.csv")).bars();
    let many = (0..bars.len()).step_by(37);
    assert_causal(&swing_length(3), &bars, many.clone());
    assert_causal(&swing_length(10), &bars, many);
}

#[test]
fn real_minutes_read_the_same_in_every_prefix() {
    let Some(bars) = real_minutes("BTCUSDT", 6_000) else { return };
    assert_causal(&Params::default(), &bars, (0..bars.len()).step_by(211));
}

#[test]
fn real_minutes_hold_every_kind_of_event_within_bounds() {
    let Some(bars) = real_minutes("ETHUSDT", 40_000) else { return };
    let params = Params { fvg: FvgParams { join: true, ..Default::default() }, ..swing_length(5) };
    let mut detector = Detector::new(&params);
    let mut seen = std::collections::BTreeMap::new();
    for bar in &bars {
        detector.push(bar, &mut |event| *seen.entry(event.kind).or_insert(0u32) += 1);
        for side in [Side::Buy, Side::Sell] {
            assert!(detector.gaps(side).zones().len() <= params.fvg.capacity as usize);
            assert!(detector.blocks(side).zones().len() <= params.order_block.capacity as usize);
            assert!(detector.liquidity(side).levels().len() <= params.liquidity.capacity as usize);
        }
    }
    // The kinds that the detector told before the others were named.
    let first = [Kind::Pivot, Kind::PivotSuperseded, Kind::PivotFinal, Kind::Bos, Kind::Choch];
    let missing: Vec<_> = first.iter().filter(|kind| !seen.contains_key(kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} of {seen:?}");
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
    fn random_bars_read_the_same_in_every_prefix(
        bars in walk(240), length in 1u32..6, cut in 0usize..240,
    ) {
        let cut = cut.min(bars.len());
        assert_causal(&swing_length(length), &bars, [cut].into_iter());
    }

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
    fn upside_down_bars_give_upside_down_events(bars in walk(240), length in 1u32..6) {
        let turned: Vec<Bar> = bars
            .iter()
            .map(|bar| {
                let (open, high, low, close) = (-bar.open(), -bar.low(), -bar.high(), -bar.close());
                Bar::new(bar.time(), open, high, low, close, bar.volume()).expect("a bar")
            })
            .collect();
        let params = swing_length(length);
        let key = |event: &Event| {
            let kind = event.kind as u8;
            let (level, far) = (event.level.to_bits(), event.far.to_bits());
            (event.at, kind, event.side, event.pos, level, far)
        };
        let mut upright: Vec<_> = read(&params, &bars).0.iter().map(key).collect();
        let mut back: Vec<_> = read(&params, &turned)
            .0
            .iter()
            .map(|event| {
                let (level, far) = match event.side {
                    Some(_) => (-event.level, -event.far),
                    None => (-event.far, -event.level),
                };
                key(&Event { side: event.side.map(Side::opposite), level, far, ..*event })
            })
            .collect();
        upright.sort_unstable();
        back.sort_unstable();
        prop_assert_eq!(upright, back);
    }

    #[test]
    fn numbers_that_are_no_bar_do_no_harm(
        prices in prop::collection::vec(prop::array::uniform4(any::<f64>()), 1..200),
        length in any::<u32>(),
    ) {
        let bars: Vec<Bar> = prices
            .iter()
            .filter_map(|&[open, high, low, close]| {
                Bar::new(Nanos::ZERO, open, high, low, close, 1.0).ok()
            })
            .collect();
        let (events, _) = read(&swing_length(length), &bars);
        prop_assert!(events.iter().all(|event| event.pos <= event.at));
    }

    #[test]
    fn a_break_closes_beyond_a_swing_confirmed_before(bars in walk(240)) {
        let (events, _) = read(&Params::default(), &bars);
        for event in events.iter().filter(|e| matches!(e.kind, Kind::Bos | Kind::Choch)) {
            let close = bars[event.at as usize].close();
            match event.side.unwrap() {
                Side::Buy => prop_assert!(close > event.level),
                Side::Sell => prop_assert!(close < event.level),
            }
            let known = events.iter().any(|pivot| {
                pivot.kind == Kind::Pivot && pivot.pos == event.pos && pivot.at <= event.at
            });
            prop_assert!(known, "no swing was confirmed before {:?}", event);
        }
    }
}

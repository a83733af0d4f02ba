//! Proves: gaps with their whole life, volume imbalances, balanced ranges, equal swings and turtle
//! soup equal a slow transcription of their definitions, event for event, on generated bars and on
//! numbers that are no bars, both ways up; what lives stays within its bounds on real minutes;
//! powers of two times the prices give the same events.

use super::tables::real_minutes;
use aegis_indicators::{Atr, over};
use aegis_smc::{
    BalancedRangeParams, Concepts, Detector, EqualParams, Event, FvgParams, Kind, Params,
    TurtleSoupParams, View, VolumeImbalanceParams,
};
use aegis_types::{Bar, Nanos, Side};
use core::num::NonZeroU32;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
/// The shortest ATR that is known from the second bar on.
const ATR_PERIOD: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// An event as these tests compare it. Level and far as `side` sees them.
type Row = (u32, Kind, Side, u32, u64, u64);

fn row(at: usize, kind: Kind, side: Side, pos: usize, level: f64, far: f64) -> Row {
    let [level, far] = [level, far].map(|price| (price + 0.0).to_bits());
    (at as u32, kind, side, pos as u32, level, far)
}

fn told(params: &Params, bars: &[Bar]) -> Vec<Event> {
    let mut detector = Detector::new(params);
    let mut events = Vec::new();
    for bar in bars {
        detector.push(bar, &mut |event| events.push(event));
    }
    events
}

fn rows(events: &[Event], kinds: &[Kind]) -> Vec<Row> {
    let rows = events.iter().filter(|event| kinds.contains(&event.kind)).map(|event| {
        let side = event.side.expect("a side");
        let [level, far] = [event.level, event.far].map(|price| View::price(price, side));
        row(event.at as usize, event.kind, side, event.pos as usize, level, far)
    });
    sorted(rows.collect())
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_unstable();
    rows
}

fn bar(n: i64, open: f64, high: f64, low: f64, close: f64) -> Bar {
    Bar::new(Nanos::MINUTE.times(n), open, high, low, close, 1.0).expect("a bar")
}

prop_compose! {
    /// Bars on a coarse grid that often jump between close and open.
    fn jumps(most: usize)(
        steps in prop::collection::vec((-5i32..=5, 0i32..3, 0i32..3, -3i32..=3), 1..most),
    ) -> Vec<Bar> {
        let mut close = 1_000;
        steps.iter().zip(0..).map(|(&(step, up, down, jump), n)| {
            let open = close + jump;
            close = open + step;
            let [high, low] = [open.max(close) + up, open.min(close) - down];
            let [open, high, low, close] = [open, high, low, close].map(f64::from);
            bar(n, open, high, low, close)
        }).collect()
    }
}

prop_compose! {
    /// Four numbers in any order, few enough that ties are common.
    fn scrambled(most: usize)(
        prices in prop::collection::vec(prop::array::uniform4(1i32..12), 1..most),
    ) -> Vec<Bar> {
        prices.iter().zip(0..).map(|(prices, n)| {
            let [open, high, low, close] = prices.map(f64::from);
            bar(n, open, high, low, close)
        }).collect()
    }
}

fn bars(most: usize) -> impl Strategy<Value = Vec<Bar>> {
    prop_oneof![3 => jumps(most), 1 => scrambled(most)]
}

fn seen(bars: &[Bar], side: Side) -> Vec<View> {
    bars.iter().map(|bar| View::of(bar, side)).collect()
}

/// Edges of the gap whose middle bar is `i`.
fn gap(bars: &[View], i: usize) -> Option<(f64, f64)> {
    let (before, middle, after) = (bars.get(i.checked_sub(1)?)?, bars.get(i)?, bars.get(i + 1)?);
    (before.high < after.low && middle.close > middle.open).then_some((after.low, before.high))
}

fn slow_gaps(all: &[Bar], params: &FvgParams) -> Vec<Row> {
    let atr = over(Atr::new(ATR_PERIOD), all.iter().copied());
    let mut rows = Vec::new();
    for side in SIDES {
        let bars = seen(all, side);
        let kept = |i: usize| {
            gap(&bars, i).filter(|(near, far)| {
                let size = match atr[i + 1] {
                    Some(atr) if atr > 0.0 => (near - far) / atr,
                    _ => 0.0,
                };
                params.size_atr_min <= 0.0 || size >= params.size_atr_min
            })
        };
        let mut run: Option<(f64, f64)> = None;
        for i in 1..bars.len() {
            let Some((mut near, mut far)) = kept(i) else {
                run = None;
                continue;
            };
            let mut kind = Kind::FvgFormed;
            if let Some((top, bottom)) = run.filter(|_| params.join) {
                (near, far, kind) = (near.max(top), far.min(bottom), Kind::FvgJoined);
            }
            run = Some((near, far));
            rows.push(row(i + 1, kind, side, i, near, far));
            if !(params.join && kept(i + 1).is_some()) {
                slow_gap_life(&bars, side, i, near, far, params.age_max, &mut rows);
            }
        }
    }
    sorted(rows)
}

fn slow_gap_life(
    bars: &[View],
    side: Side,
    pos: usize,
    near: f64,
    far: f64,
    age_max: u32,
    rows: &mut Vec<Row>,
) {
    let middle = near / 2.0 + far / 2.0;
    let first = |from: usize, last: usize, is: &dyn Fn(&View) -> bool| {
        (from..bars.len().min(last.saturating_add(1))).find(|j| is(&bars[*j]))
    };
    let last = pos + age_max as usize;
    let inverted = first(pos + 2, last, &|bar| bar.close < far);
    for (kind, edge) in
        [(Kind::FvgTouched, near), (Kind::FvgHalved, middle), (Kind::FvgFilled, far)]
    {
        let level = if kind == Kind::FvgHalved { middle } else { near };
        let reached = first(pos + 2, last, &|bar| bar.low.min(bar.close) <= edge);
        if let Some(at) = reached.filter(|at| inverted.is_none_or(|end| *at <= end)) {
            rows.push(row(at, kind, side, pos, level, far));
        }
    }
    let Some(inverted) = inverted else { return };
    let (other, level, opposite) = (side.opposite(), -far, -near);
    rows.push(row(inverted, Kind::FvgInverted, other, pos, level, opposite));
    let last = inverted + age_max as usize;
    let reclaimed = first(inverted + 1, last, &|bar| bar.close > near);
    let retested = first(inverted + 1, last, &|bar| bar.high.max(bar.close) >= far);
    if let Some(at) = retested {
        rows.push(row(at, Kind::FvgRetested, other, pos, level, opposite));
    }
    if let Some(at) = reclaimed {
        rows.push(row(at, Kind::FvgReclaimed, other, pos, level, opposite));
    }
}

fn slow_volume_imbalances(all: &[Bar], age_max: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for side in SIDES {
        let bars = seen(all, side);
        let lower = |i: usize| bars[i].open.min(bars[i].close);
        let upper = |i: usize| bars[i].open.max(bars[i].close);
        for i in 1..bars.len() {
            let (near, far) = (lower(i), upper(i - 1));
            if near > far && bars[i].low <= bars[i - 1].high {
                rows.push(row(i, Kind::VolumeImbalance, side, i, near, far));
                let filled = (i + 1..bars.len().min(i + age_max + 1))
                    .find(|j| bars[*j].low.min(lower(*j)) <= far);
                if let Some(at) = filled {
                    rows.push(row(at, Kind::VolumeImbalanceFilled, side, i, near, far));
                }
            }
        }
    }
    sorted(rows)
}

fn slow_balanced_ranges(all: &[Bar], bars_max: usize, age_max: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for side in SIDES {
        let (bars, others) = (seen(all, side), seen(all, side.opposite()));
        for i in 1..bars.len() {
            let Some((near, far)) = gap(&bars, i) else { continue };
            let overlap = |other: usize| {
                let (other_near, other_far) = gap(&others, other)?;
                let (near, far) = (near.min(-other_far), far.max(-other_near));
                (near > far).then_some((near, far))
            };
            let from = i.saturating_sub(bars_max);
            let Some((near, far)) = (from..i).rev().find_map(overlap) else { continue };
            rows.push(row(i + 1, Kind::BalancedRange, side, i, near, far));
            let end = bars.len().min(i + age_max + 1);
            if let Some(at) = (i + 2..end).find(|j| bars[*j].close < far) {
                rows.push(row(at, Kind::BalancedRangeInvalidated, side, i, near, far));
            }
        }
    }
    sorted(rows)
}

fn slow_turtle_soup(all: &[Bar], params: &TurtleSoupParams) -> Vec<Row> {
    let [period, age_min, reclaim] =
        [params.period, params.age_min, params.reclaim_bars].map(|n| n as usize);
    let mut rows = Vec::new();
    for side in SIDES {
        let bars = seen(all, side);
        let broken = |t: usize| {
            let from = t.checked_sub(period)?;
            let low = |j: usize| bars[j].low;
            let old = (from..t).reduce(|a, b| if low(b) <= low(a) { b } else { a })?;
            (bars[t].low < bars[old].low && t - old >= age_min).then_some(old)
        };
        for t in 0..bars.len() {
            let Some(old) = broken(t) else { continue };
            let level = bars[old].low;
            for u in t..bars.len().min(t + reclaim + 1) {
                if bars[u].close > level {
                    let lowest = bars[t..=u].iter().map(|bar| bar.low).fold(f64::MAX, f64::min);
                    rows.push(row(u, Kind::TurtleSoup, side, old, level, lowest));
                    break;
                }
                if u > t && broken(u).is_some() {
                    break;
                }
            }
        }
    }
    sorted(rows)
}

fn slow_equals(all: &[Bar], params: &EqualParams) -> Vec<Row> {
    let atr = over(Atr::new(ATR_PERIOD), all.iter().copied());
    let length = params.length as usize;
    let views = SIDES.map(|side| seen(all, side));
    let mut swings: Vec<(Side, usize)> = Vec::new();
    let mut rows = Vec::new();
    for p in 0..all.len().saturating_sub(length) {
        let turns = SIDES.map(|side| {
            let bars = &views[side as usize];
            bars[p + 1..=p + length].iter().all(|bar| bars[p].low < bar.low)
        });
        let leg = swings.last().map(|(side, _)| *side);
        let side = match (turns, leg) {
            ([true, true], Some(leg)) => leg.opposite(),
            ([true, false], _) => Side::Buy,
            ([false, true], _) => Side::Sell,
            _ => continue,
        };
        if leg == Some(side) {
            continue;
        }
        let low = |p: usize| views[side as usize][p].low;
        let before = swings.iter().rev().find(|(other, _)| *other == side).map(|(_, p)| low(*p));
        swings.push((side, p));
        if let (Some(before), Some(atr)) = (before, atr[p + length])
            && (low(p) - before).abs() < params.tolerance_atr * atr
        {
            rows.push(row(p + length, Kind::Equal, side, p, low(p), before));
        }
    }
    sorted(rows)
}

fn only(concepts: Concepts) -> Params {
    Params {
        concepts: Concepts::NONE.with(concepts),
        atr_period: ATR_PERIOD,
        atr_long_period: ATR_PERIOD,
        ..Default::default()
    }
}

const GAPS: [Kind; 8] = [
    Kind::FvgFormed,
    Kind::FvgJoined,
    Kind::FvgTouched,
    Kind::FvgHalved,
    Kind::FvgFilled,
    Kind::FvgInverted,
    Kind::FvgRetested,
    Kind::FvgReclaimed,
];

const ALL: Concepts =
    Concepts::GAPS.with(Concepts::IMBALANCES).with(Concepts::EQUALS).with(Concepts::TURTLE_SOUP);

/// Everything of this file that a detector with these parameters tells.
fn everything(params: &Params, bars: &[Bar]) -> Vec<Event> {
    let mut events = told(params, bars);
    events.retain(|event| {
        GAPS.contains(&event.kind)
            || matches!(
                event.kind,
                Kind::VolumeImbalance
                    | Kind::VolumeImbalanceFilled
                    | Kind::BalancedRange
                    | Kind::BalancedRangeInvalidated
                    | Kind::TurtleSoup
                    | Kind::Equal
            )
    });
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn gaps_live_as_defined(
        bars in bars(200),
        join in any::<bool>(),
        age_max in prop_oneof![Just(500u32), 2u32..30],
        size in prop_oneof![Just(0.0), 0.1f64..1.0],
    ) {
        let fvg = FvgParams { join, size_atr_min: size, capacity: 500, age_max };
        let params = Params { fvg, ..only(Concepts::GAPS) };
        prop_assert_eq!(rows(&told(&params, &bars), &GAPS), slow_gaps(&bars, &fvg));
    }

    #[test]
    fn volume_imbalances_live_as_defined(
        bars in bars(200), age_max in prop_oneof![Just(500u32), 1u32..20],
    ) {
        let volume_imbalance =
            VolumeImbalanceParams { capacity: 500, age_max, ..Default::default() };
        let params = Params { volume_imbalance, ..only(Concepts::IMBALANCES) };
        let kinds = [Kind::VolumeImbalance, Kind::VolumeImbalanceFilled];
        let want = slow_volume_imbalances(&bars, age_max as usize);
        prop_assert_eq!(rows(&told(&params, &bars), &kinds), want);
    }

    #[test]
    fn balanced_ranges_live_as_defined(
        bars in bars(200), bars_max in 0u32..12, age_max in prop_oneof![Just(500u32), 2u32..30],
    ) {
        let balanced_range = BalancedRangeParams { bars_max, capacity: 500, age_max };
        let params = Params { balanced_range, ..only(Concepts::IMBALANCES) };
        let kinds = [Kind::BalancedRange, Kind::BalancedRangeInvalidated];
        let want = slow_balanced_ranges(&bars, bars_max as usize, age_max as usize);
        prop_assert_eq!(rows(&told(&params, &bars), &kinds), want);
    }

    #[test]
    fn turtle_soup_is_served_as_defined(
        bars in bars(200), period in 1u32..25, age_min in 0u32..6, reclaim_bars in 0u32..8,
    ) {
        let turtle_soup = TurtleSoupParams { period, age_min, reclaim_bars };
        let params = Params { turtle_soup, ..only(Concepts::TURTLE_SOUP) };
        let want = slow_turtle_soup(&bars, &turtle_soup);
        prop_assert_eq!(rows(&told(&params, &bars), &[Kind::TurtleSoup]), want);
    }

    #[test]
    fn swings_are_equal_as_defined(
        bars in bars(200), length in 1u32..6, tolerance_atr in 0.0f64..1.5,
    ) {
        let equal = EqualParams { length, tolerance_atr };
        let params = Params { equal, ..only(Concepts::EQUALS) };
        let want = slow_equals(&bars, &equal);
        prop_assert_eq!(rows(&told(&params, &bars), &[Kind::Equal]), want);
    }

    #[test]
    fn powers_of_two_change_only_the_prices(bars in bars(200), power in -40i32..40) {
        let factor = 2f64.powi(power);
        let scaled: Vec<Bar> = bars
            .iter()
            .zip(0..)
            .map(|(b, n)| {
                let [open, high, low, close] =
                    [b.open(), b.high(), b.low(), b.close()].map(|price| price * factor);
                bar(n, open, high, low, close)
            })
            .collect();
        let fvg = FvgParams { size_atr_min: 0.3, ..Default::default() };
        let params = Params { fvg, ..only(ALL) };
        let want: Vec<Event> = everything(&params, &bars)
            .into_iter()
            .map(|e| Event { level: e.level * factor, far: e.far * factor, ..e })
            .collect();
        prop_assert_eq!(everything(&params, &scaled), want);
    }
}

#[test]
fn real_minutes_hold_every_kind_within_bounds() {
    let Some(bars) = real_minutes("ETHUSDT", 40_000) else { return };
    let params = Params { fvg: FvgParams { join: true, ..Default::default() }, ..only(ALL) };
    let (gaps, others) = (params.fvg.capacity as usize, params.volume_imbalance.capacity as usize);
    let mut detector = Detector::new(&params);
    let mut kinds = BTreeSet::new();
    let mut fullest = 0;
    for bar in &bars {
        detector.push(bar, &mut |event| {
            kinds.insert(event.kind);
        });
        for side in SIDES {
            let live = detector.gaps(side).zones().len();
            fullest = fullest.max(live);
            assert!(live <= gaps && detector.inverse_gaps(side).len() <= gaps);
            assert!(detector.imbalances(side).zones().len() <= others);
            assert!(detector.balanced_ranges(side).len() <= others);
        }
    }
    assert_eq!(fullest, gaps, "the bound is reached");
    let missing: Vec<_> = [
        &GAPS[..],
        &[Kind::VolumeImbalance, Kind::VolumeImbalanceFilled],
        &[Kind::BalancedRange, Kind::BalancedRangeInvalidated],
        &[Kind::TurtleSoup, Kind::Equal],
    ]
    .concat()
    .into_iter()
    .filter(|kind| !kinds.contains(kind))
    .collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

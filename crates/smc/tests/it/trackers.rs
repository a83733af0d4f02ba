//! Proves: breaks, strong and weak swings, order blocks with their whole life, optimal trade
//! entries, retracements, resting liquidity and LuxAlgo-style blocks equal a slow transcription of
//! their definitions, event for event, on generated bars. The swings themselves are taken as told:
//! that they are right is shown elsewhere.

use super::series::series;
use aegis_indicators::{Atr, over};
use aegis_smc::{Concepts, Detector, Event, Kind, Of, Params, View};
use aegis_types::{Bar, Side};
use core::num::NonZeroU32;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
const CONCEPTS: Concepts = Concepts::STRENGTH
    .with(Concepts::BLOCKS)
    .with(Concepts::LIQUIDITY)
    .with(Concepts::RANGE)
    .with(Concepts::LUX);

fn params(length: u32) -> Params {
    let mut params = Params { concepts: CONCEPTS, ..Params::default() };
    // Long enough for no list of a series to overflow or to forget, short enough to be warm.
    params.atr_period = NonZeroU32::new(3).unwrap();
    params.atr_long_period = NonZeroU32::new(20).unwrap();
    params.pivot.length = length;
    params.lux.length = length + 1;
    params.liquidity.tolerance_atr = 0.5;
    for capacity in
        [&mut params.order_block.capacity, &mut params.lux.capacity, &mut params.liquidity.capacity]
    {
        *capacity = 1_000;
    }
    params
}

fn told(params: &Params, bars: &[Bar]) -> Vec<Event> {
    let mut detector = Detector::new(params);
    let mut events = Vec::new();
    for bar in bars {
        detector.push(bar, &mut |event| events.push(event));
    }
    events
}

/// An event with prices as its side sees them.
type Row = (u32, Kind, Side, u32, [u64; 3]);

fn row(at: usize, kind: Kind, side: Side, pos: usize, numbers: [f64; 3]) -> Row {
    (at as u32, kind, side, pos as u32, numbers.map(|number| (number + 0.0).to_bits()))
}

fn rows(events: &[Event], of: &[Of], kinds: &[Kind]) -> Vec<Row> {
    let these = events.iter().filter(|e| of.contains(&e.of) && kinds.contains(&e.kind));
    let row = |event: &Event| {
        let side = event.side.expect("a side");
        let [level, far] = [event.level, event.far].map(|price| View::price(price, side));
        row(event.at as usize, event.kind, side, event.pos as usize, [level, far, event.amount])
    };
    sorted(these.map(row).collect())
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_unstable();
    rows
}

/// A swing as told: when, which side it speaks for, its bar, its level as that side sees it.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: usize,
    side: Side,
    pos: usize,
    level: f64,
}

fn swings(events: &[Event]) -> Vec<Told> {
    let pivots = events.iter().filter(|e| e.kind == Kind::Pivot && e.of == Of::Swing);
    let told = |event: &Event| {
        let side = event.side.expect("a side");
        let level = View::price(event.level, side);
        Told { at: event.at as usize, side, pos: event.pos as usize, level }
    };
    pivots.map(told).collect()
}

/// A break: when, towards which side, which swing, was it against the trend.
#[derive(Clone, Copy, Debug)]
struct Broke {
    at: usize,
    side: Side,
    swing: Told,
    change: bool,
}

fn slow_breaks(bars: &[Bar], swings: &[Told]) -> Vec<Broke> {
    let mut breaks: Vec<Broke> = Vec::new();
    for (at, bar) in bars.iter().enumerate() {
        for side in SIDES {
            let close = View::of(bar, side).close;
            let guard = swings.iter().rev().find(|s| s.side != side && s.at < at);
            let Some(swing) = guard.filter(|swing| close > -swing.level) else { continue };
            let is_broken = breaks.iter().any(|b| b.side == side && b.swing.pos == swing.pos);
            if is_broken || breaks.last().is_some_and(|b| b.at == at) {
                continue;
            }
            let change = breaks.last().is_some_and(|last| last.side != side);
            breaks.push(Broke { at, side, swing: *swing, change });
        }
    }
    breaks
}

/// The bar with the lowest low strictly between two, the later on ties.
fn lowest(bars: &[Bar], side: Side, after: usize, before: usize) -> Option<usize> {
    let low = |n: usize| View::of(&bars[n], side).low;
    (after + 1..before).reduce(|a, b| if low(b) <= low(a) { b } else { a })
}

fn slow_strength(bars: &[Bar], swings: &[Told], breaks: &[Broke]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut strong: Vec<usize> = Vec::new();
    for broke in breaks {
        let close = View::of(&bars[broke.at], broke.side).close;
        let kind = if broke.change { Kind::Choch } else { Kind::Bos };
        let level = -broke.swing.level;
        rows.push(row(broke.at, kind, broke.side, broke.swing.pos, [level, close, 0.0]));
        let held = swings.iter().rev().find(|s| s.side == broke.side && s.at < broke.at);
        if let Some(held) = held.filter(|held| !strong.contains(&held.at)) {
            strong.push(held.at);
            let numbers = [held.level, held.level, 0.0];
            rows.push(row(broke.at, Kind::Strong, held.side, held.pos, numbers));
        }
    }
    for swing in swings {
        let trend = breaks.iter().rev().find(|b| b.at <= swing.at).map(|b| b.side);
        if trend.is_some_and(|trend| trend != swing.side) {
            let numbers = [swing.level, swing.level, 0.0];
            rows.push(row(swing.at, Kind::Weak, swing.side, swing.pos, numbers));
        }
    }
    sorted(rows)
}

fn slow_blocks(bars: &[Bar], swings: &[Told], breaks: &[Broke]) -> Vec<Row> {
    let mut rows = Vec::new();
    for Broke { at: t, side, swing, .. } in breaks {
        let (t, side) = (*t, *side);
        let Some(pos) = lowest(bars, side, swing.pos, t) else { continue };
        let View { high: top, low: bottom, .. } = View::of(&bars[pos], side);
        let volume = bars[t.saturating_sub(2)..=t].iter().rev().map(Bar::volume).sum::<f64>();
        let prior = swings.iter().rev().find(|s| s.side == side && s.at < swing.at);
        let swept = prior.is_some_and(|prior| bottom < prior.level);
        rows.push(row(t, Kind::ObFormed, side, pos, [top, bottom, volume]));
        let after = |from: usize| from + 1..bars.len();
        let low = |n: usize| View::of(&bars[n], side).low;
        let high = |n: usize| View::of(&bars[n], side).high;
        let close = |n: usize| View::of(&bars[n], side).close;
        let Some(touched) = after(t).find(|&n| low(n) <= top) else { continue };
        rows.push(row(touched, Kind::ObMitigated, side, pos, [top, bottom, volume]));
        let Some(broken) = after(t).find(|&n| close(n) < bottom) else { continue };
        let (other, turned) = (side.opposite(), [-bottom, -top, volume]);
        let kind = if swept { Kind::ObBreaker } else { Kind::ObMitigation };
        rows.push(row(broken, kind, other, pos, turned));
        let Some(retested) = after(broken).find(|&n| high(n) >= bottom) else { continue };
        rows.push(row(retested, Kind::ObRetested, other, pos, turned));
        let Some(gone) = after(broken).find(|&n| close(n) > top) else { continue };
        rows.push(row(gone, Kind::ObInvalidated, other, pos, turned));
    }
    sorted(rows)
}

fn slow_entries(bars: &[Bar], breaks: &[Broke]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (n, Broke { at: t, side, swing, .. }) in breaks.iter().enumerate() {
        // The bar that breaks next is still read with this leg.
        let until = breaks.get(n + 1).map_or(bars.len() - 1, |next| next.at);
        let view = |n: usize| View::of(&bars[n], *side);
        let Some(start) = lowest(bars, *side, swing.pos, t + 1).map(|n| view(n).low) else {
            continue;
        };
        for at in t + 1..=until {
            let end = (*t..at).map(|n| view(n).high).fold(f64::MIN, f64::max);
            let pos = (*t..at).find(|&n| view(n).high == end).expect("a highest bar");
            let at_share = |share: f64| end - share * (end - start);
            if view(at).low <= at_share(0.62) && view(at).high >= at_share(0.79) {
                let numbers = [at_share(0.705), at_share(0.79), 0.0];
                rows.push(row(at, Kind::OteEntered, *side, pos, numbers));
                break;
            }
            if view(at).low < start {
                break;
            }
        }
    }
    sorted(rows)
}

fn slow_retracements(bars: &[Bar], swings: &[Told]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (n, swing) in swings.iter().enumerate() {
        // A swing high ends an upward leg, which speaks for buyers.
        let side = swing.side.opposite();
        let Some(from) = swings[..n].iter().rev().find(|s| s.side == side) else { continue };
        let (start, end) = (from.level, -swing.level);
        // The bar that confirms the next swing is still read with this leg.
        let until = swings.get(n + 1).map_or(bars.len() - 1, |next| next.at);
        for percent in [38.2, 50.0, 61.8, 78.6] {
            let price = end - percent / 100.0 * (end - start);
            let reached = |n: &usize| View::of(&bars[*n], side).low <= price;
            if end > start
                && let Some(first) = (swing.pos + 1..=until).find(reached)
            {
                let numbers = [price, end, percent];
                rows.push(row(first.max(swing.at), Kind::Retraced, side, swing.pos, numbers));
            }
        }
    }
    sorted(rows)
}

/// A level: members by level, the first one's bar, when the last became known.
struct Resting {
    members: Vec<f64>,
    mean: f64,
    pos: usize,
    pierced: Option<usize>,
    gone: bool,
}

fn slow_liquidity(bars: &[Bar], swings: &[Told], side: Side, atr: &[Option<f64>]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut levels: Vec<Resting> = Vec::new();
    for at in 0..bars.len() {
        let View { open, low, close, .. } = View::of(&bars[at], side);
        for level in levels.iter_mut().filter(|level| !level.gone) {
            let outer = level.members.iter().copied().fold(f64::MAX, f64::min);
            let count = level.members.len() as f64;
            if level.pierced.is_none() && low < outer {
                level.pierced = Some(at);
                if count > 1.0 {
                    rows.push(row(at, Kind::PoolSwept, side, level.pos, [outer, low, count]));
                }
            }
            let Some(pierced) = level.pierced else { continue };
            let extreme = (pierced..=at).map(|n| View::of(&bars[n], side).low);
            let extreme = extreme.fold(f64::MAX, f64::min);
            if close > outer {
                let wick = open.min(close) - low;
                let ratio = if wick > 0.0 { wick / (close - open).abs() } else { 0.0 };
                let numbers = [outer, extreme, ratio.min(1_000.0)];
                rows.push(row(at, Kind::Sweep, side, level.pos, numbers));
                level.gone = true;
            } else if at - pierced >= 2 {
                rows.push(row(at, Kind::Run, side, level.pos, [outer, extreme, 0.0]));
                level.gone = true;
            }
        }
        for swing in swings.iter().filter(|s| s.at == at && s.side == side) {
            let tolerance = 0.5 * atr[at].unwrap_or(0.0);
            let near = |l: &&mut Resting| {
                !l.gone && l.pierced.is_none() && (l.mean - swing.level).abs() <= tolerance
            };
            if let Some(level) = levels.iter_mut().find(near) {
                let count = level.members.len() as f64;
                level.mean = (level.mean * count + swing.level) / (count + 1.0);
                level.members.push(swing.level);
                let outer = level.members.iter().copied().fold(f64::MAX, f64::min);
                let kind = if count == 1.0 { Kind::PoolFormed } else { Kind::PoolExtended };
                rows.push(row(at, kind, side, swing.pos, [level.mean, outer, count + 1.0]));
            } else {
                let members = vec![swing.level];
                let (mean, pos) = (swing.level, swing.pos);
                levels.push(Resting { members, mean, pos, pierced: None, gone: false });
            }
        }
    }
    rows
}

fn slow_lux(bars: &[Bar], length: usize, atr: &[Option<f64>]) -> Vec<Row> {
    let parsed = |n: usize, side: Side| {
        let (view, range) = (View::of(&bars[n], side), bars[n].high() - bars[n].low());
        if atr[n].is_some_and(|atr| range >= 2.0 * atr) { view.high } else { view.low }
    };
    let mut rows = Vec::new();
    let mut last: Option<Side> = None;
    let mut guards: [Option<(usize, f64)>; 2] = [None; 2];
    for t in 0..bars.len() {
        for side in SIDES {
            let close = View::of(&bars[t], side).close;
            let Some((p, _)) = guards[side as usize].take_if(|(_, level)| close > *level) else {
                continue;
            };
            let least = |a, b| if parsed(b, side) <= parsed(a, side) { b } else { a };
            let pos = (p..t).reduce(least).expect("a bar");
            let View { high, low, .. } = View::of(&bars[pos], side);
            let volume = bars[t.saturating_sub(2)..=t].iter().rev().map(Bar::volume).sum::<f64>();
            rows.push(row(t, Kind::ObFormed, side, pos, [high, low, volume]));
            let below = |n: &usize| View::of(&bars[*n], side).low < low;
            if let Some(gone) = (t + 1..bars.len()).find(below) {
                rows.push(row(gone, Kind::ObMitigated, side, pos, [high, low, volume]));
            }
        }
        let Some(p) = t.checked_sub(length) else { continue };
        // For each side: is p a high as it sees it, one that guards its next crossing?
        let is = SIDES.map(|side| {
            let high = |n: usize| View::of(&bars[n], side).high;
            (p + 1..=t).all(|n| high(n) < high(p))
        });
        let side = match (is, last) {
            ([true, true], Some(last)) => last.opposite(),
            ([true, false], _) => Side::Buy,
            ([false, true], _) => Side::Sell,
            _ => continue,
        };
        if last != Some(side) {
            last = Some(side);
            guards[side as usize] = Some((p, View::of(&bars[p], side).high));
        }
    }
    sorted(rows)
}

#[test]
fn what_is_built_on_swings_equals_its_definition() {
    use Kind::*;
    let mut seen = 0;
    for seed in 0..300 {
        let bars = series(seed);
        let length = 1 + (seed % 4) as u32;
        let params = params(length);
        let events = told(&params, &bars);
        let swings = swings(&events);
        let breaks = slow_breaks(&bars, &swings);
        let swing = |kinds: &[Kind]| rows(&events, &[Of::Swing], kinds);
        let want = slow_strength(&bars, &swings, &breaks);
        assert_eq!(swing(&[Bos, Choch, Strong, Weak]), want, "structure, seed {seed}");
        seen += want.len();
        let kinds = [ObFormed, ObMitigated, ObBreaker, ObMitigation, ObRetested, ObInvalidated];
        let want = slow_blocks(&bars, &swings, &breaks);
        assert_eq!(swing(&kinds), want, "order blocks, seed {seed}");
        seen += want.len();
        let want = slow_entries(&bars, &breaks);
        assert_eq!(swing(&[OteEntered]), want, "entries, seed {seed}");
        seen += want.len();
        let want = slow_retracements(&bars, &swings);
        assert_eq!(swing(&[Retraced]), want, "retracements, seed {seed}");
        seen += want.len();
        let atr = over(Atr::new(params.atr_period), bars.iter().copied());
        let want = SIDES.map(|side| slow_liquidity(&bars, &swings, side, &atr)).concat();
        let kinds = [PoolFormed, PoolExtended, PoolSwept, Sweep, Run];
        let got = rows(&events, &[Of::Swing, Of::Pool], &kinds);
        assert_eq!(got, sorted(want), "liquidity, seed {seed}");
        seen += got.len();
        let atr = over(Atr::new(params.atr_long_period), bars.iter().copied());
        let want = slow_lux(&bars, params.lux.length as usize, &atr);
        let got = rows(&events, &[Of::Lux], &[ObFormed, ObMitigated]);
        assert_eq!(got, want, "LuxAlgo-style blocks, seed {seed}");
        seen += got.len();
    }
    assert!(seen > 20_000, "{seen} events compared");
}

//! Proves: divergences between two symbols equal a slow transcription of their definition; none
//! depends on a later bar; it does not matter which symbol is first, which of two bars of a time
//! comes first, or in what unit either is priced; upside down they are mirrored; real minutes hold
//! both sides of both symbols.

use super::tables::real_minutes;
use aegis_smc::{Event, PivotParams, Smt, SmtParams, View, Which};
use aegis_types::{Bar, Nanos, Side};
use proptest::prelude::*;
use std::collections::BTreeSet;

type Told = (Which, Event);

fn tell(params: SmtParams, pushed: &[(Which, Bar)]) -> Vec<Told> {
    let mut smt = Smt::new(params);
    let mut told = Vec::new();
    for (which, bar) in pushed {
        smt.push(*which, bar, &mut |which, event| told.push((which, event)));
    }
    told
}

prop_compose! {
    /// Bars of two symbols that share most of their moves; now and then one lacks a minute.
    fn two(most: usize)(
        steps in prop::collection::vec(
            ((-6i32..=6), (-2i32..=2), (-2i32..=2), (0i32..3), (0i32..3), 0u8..16), 30..most,
        ),
    ) -> Vec<(Which, Bar)> {
        let mut closes = [1_000, 3_000];
        let mut pushed = Vec::new();
        for (&(both, first, second, up, down, missing), minute) in steps.iter().zip(0..) {
            for (which, own) in Which::BOTH.into_iter().zip([first, second]) {
                let open = closes[which as usize];
                let close = open + both + own;
                closes[which as usize] = close;
                if missing == which as u8 {
                    continue;
                }
                let [high, low] = [open.max(close) + up, open.min(close) - down];
                let [open, high, low, close] = [open, high, low, close].map(f64::from);
                let time = Nanos::MINUTE.times(minute);
                pushed.push((which, Bar::new(time, open, high, low, close, 1.0).expect("a bar")));
            }
        }
        pushed
    }
}

/// A swing as its side sees it: joined bar, level.
type Swing = (Side, usize, f64);

/// The alternation of swings that is known at joined bar `at`.
fn slow_swings(bars: &[Bar], at: usize, length: usize) -> Vec<Swing> {
    let mut swings: Vec<Swing> = Vec::new();
    for p in 2 * length - 1..(at + 1).saturating_sub(length) {
        let is = [Side::Buy, Side::Sell].map(|side| {
            let low = |j: usize| View::of(&bars[j], side).low;
            (p + 1 - length..=p + length).all(|j| low(p) <= low(j))
        });
        let flat = || {
            let window = &bars[p + 1 - length..=p + length];
            window.iter().all(|bar| bar.high() == bars[p].low() && bar.low() == bars[p].low())
        };
        let side = match (is, swings.last()) {
            ([true, true], _) if flat() => continue,
            ([true, true], Some((open, ..))) => open.opposite(),
            ([true, false], _) => Side::Buy,
            ([false, true], _) => Side::Sell,
            _ => continue,
        };
        let low = View::of(&bars[p], side).low;
        match swings.last_mut() {
            Some(open) if open.0 == side => {
                if low < open.2 {
                    *open = (side, p, low);
                }
            }
            _ => swings.push((side, p, low)),
        }
    }
    swings
}

fn slow_correlation(bars: [&[Bar]; 2], at: usize, window: usize) -> Option<f64> {
    let from = at.checked_sub(window)?;
    let changes = bars.map(|bars| {
        let changes = (from..at).map(|j| bars[j + 1].close() - bars[j].close());
        let changes: Vec<f64> = changes.collect();
        let mean = changes.iter().sum::<f64>() / window as f64;
        changes.iter().map(|change| change - mean).collect::<Vec<_>>()
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [a, b] = &changes;
    let correlation = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    correlation.is_finite().then_some(correlation)
}

/// Every divergence with its place in the joined bars: who, when, about which bar, for whom.
fn slow(params: SmtParams, pushed: &[(Which, Bar)]) -> Vec<(Which, u32, u32, Side, f64, f64)> {
    let of = |which| pushed.iter().filter(move |(w, _)| *w == which).map(|(_, bar)| *bar);
    let own: [Vec<Bar>; 2] = Which::BOTH.map(|which| of(which).collect());
    let times = own.each_ref().map(|bars| bars.iter().map(Bar::time).collect::<BTreeSet<_>>());
    let common: Vec<Nanos> = times[0].intersection(&times[1]).copied().collect();
    let number = |which: Which, time: Nanos| {
        own[which as usize].iter().position(|bar| bar.time() == time).expect("a bar")
    };
    let bars = Which::BOTH.map(|which| {
        let bar = |time: &Nanos| own[which as usize][number(which, *time)];
        common.iter().map(bar).collect::<Vec<Bar>>()
    });
    let mut found = Vec::new();
    let mut judged = BTreeSet::new();
    for at in 0..common.len() {
        for side in [Side::Buy, Side::Sell] {
            let last_two = bars.each_ref().map(|bars| {
                let swings = slow_swings(bars, at, params.pivot.length as usize);
                let of_side: Vec<Swing> =
                    swings.into_iter().filter(|swing| swing.0 == side).collect();
                match of_side[..] {
                    [.., before, last] => Some((last.1, last.2, before.2)),
                    _ => None,
                }
            });
            let [Some(a), Some(b)] = last_two else { continue };
            let far_apart = a.0.abs_diff(b.0) > params.pair_bars as usize;
            if far_apart || !judged.insert((side as u8, a.0, b.0)) {
                continue;
            }
            let (which, swing) = match (a.1 < a.2, a.1 > a.2, b.1 < b.2, b.1 > b.2) {
                (true, _, _, true) => (Which::First, a),
                (_, true, true, _) => (Which::Second, b),
                _ => continue,
            };
            let window = params.window as usize;
            let correlation = slow_correlation([&bars[0], &bars[1]], at, window);
            if correlation.is_some_and(|r| r > params.correlation_min) {
                let [at, pos] = [at, swing.0].map(|j| number(which, common[j]) as u32);
                let [level, far] = [swing.1, swing.2].map(|price| View::price(price, side));
                found.push((which, at, pos, side, level, far));
            }
        }
    }
    found
}

fn params(length: u32, pair_bars: u32) -> SmtParams {
    let pivot = PivotParams { length, high_wins: false };
    SmtParams { pivot, pair_bars, window: 12, correlation_min: 0.7 }
}

fn priced(bar: &Bar, with: impl Fn(f64) -> f64) -> Bar {
    let [open, high, low, close] = [bar.open(), bar.high(), bar.low(), bar.close()].map(with);
    Bar::new(bar.time(), open, high.max(low), low.min(high), close, 1.0).expect("a bar")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn divergences_equal_their_definition(
        pushed in two(140), length in 1u32..4, pair_bars in 0u32..4,
    ) {
        let params = params(length, pair_bars);
        let told = tell(params, &pushed);
        let fast: Vec<_> = told
            .iter()
            .map(|(which, e)| (*which, e.at, e.pos, e.side.unwrap(), e.level, e.far))
            .collect();
        prop_assert_eq!(fast, slow(params, &pushed));
    }

    #[test]
    fn what_is_known_early_stays(pushed in two(140), length in 1u32..4, cut in 0usize..280) {
        let params = params(length, 3);
        let all = tell(params, &pushed);
        let cut = cut.min(pushed.len());
        let prefix = tell(params, &pushed[..cut]);
        prop_assert_eq!(&prefix[..], &all[..prefix.len()]);
        let numbers = Which::BOTH
            .map(|which| pushed[..cut].iter().filter(|(w, _)| *w == which).count() as u32);
        for (which, event) in &all[prefix.len()..] {
            prop_assert!(event.at + 1 >= numbers[*which as usize], "told too late: {event:?}");
        }
        for (which, event) in &prefix {
            prop_assert!(event.pos < event.at && event.at < numbers[*which as usize]);
        }
    }

    #[test]
    fn order_of_the_symbols_units_and_sign_do_not_matter(
        pushed in two(140), length in 1u32..4, power in -30i32..30,
    ) {
        let params = params(length, 3);
        let all = tell(params, &pushed);
        let swapped: Vec<_> = pushed.iter().map(|(which, bar)| (which.other(), *bar)).collect();
        let told = tell(params, &swapped);
        prop_assert_eq!(told, all.iter().map(|(w, e)| (w.other(), *e)).collect::<Vec<_>>());

        let mut late = pushed.clone();
        late.sort_by_key(|(which, bar)| (bar.time(), *which == Which::First));
        prop_assert_eq!(tell(params, &late), all.clone());

        let factor = 2f64.powi(power);
        let scaled: Vec<_> = pushed
            .iter()
            .map(|(which, bar)| match which {
                Which::First => (*which, priced(bar, |price| price * factor)),
                Which::Second => (*which, *bar),
            })
            .collect();
        let want: Vec<_> = all
            .iter()
            .map(|(which, e)| match which {
                Which::First => {
                    (*which, Event { level: e.level * factor, far: e.far * factor, ..*e })
                }
                Which::Second => (*which, *e),
            })
            .collect();
        prop_assert_eq!(tell(params, &scaled), want);

        let turned: Vec<_> =
            pushed.iter().map(|(which, bar)| (*which, priced(bar, |price| -price))).collect();
        let key = |(which, e): &Told, sign: f64| {
            let side = if sign < 0.0 { e.side.map(Side::opposite) } else { e.side };
            let prices = [e.level, e.far, e.amount * sign].map(|x| (x * sign).to_bits());
            (e.at, *which, e.pos, side, prices)
        };
        let mut back: Vec<_> = tell(params, &turned).iter().map(|told| key(told, -1.0)).collect();
        let mut upright: Vec<_> = all.iter().map(|told| key(told, 1.0)).collect();
        back.sort_unstable();
        upright.sort_unstable();
        prop_assert_eq!(back, upright);
    }

    #[test]
    fn numbers_that_are_no_bar_do_no_harm(
        prices in prop::collection::vec(
            (any::<bool>(), prop::array::uniform4(any::<f64>())), 1..200,
        ),
        length in any::<u32>(), window in any::<u32>(), pair_bars in any::<u32>(),
    ) {
        let pivot = PivotParams { length, high_wins: false };
        let params = SmtParams { pivot, pair_bars, window, correlation_min: -2.0 };
        let mut smt = Smt::new(params);
        for ((first, [open, high, low, close]), n) in prices.iter().zip(0..) {
            let time = Nanos::MINUTE.times(n / 2);
            if let Ok(bar) = Bar::new(time, *open, *high, *low, *close, 1.0) {
                let which = if *first { Which::First } else { Which::Second };
                smt.push(which, &bar, &mut |_, event| assert!(event.amount.abs() <= 1.0));
            }
        }
    }
}

#[test]
fn real_minutes_diverge_both_ways_on_both_symbols() {
    let (Some(first), Some(second)) =
        (real_minutes("BTCUSDT", 20_000), real_minutes("ETHUSDT", 20_000))
    else {
        return;
    };
    let pairs = first.into_iter().zip(second);
    let pushed: Vec<_> = pairs.flat_map(|(a, b)| [(Which::First, a), (Which::Second, b)]).collect();
    let told = tell(SmtParams::default(), &pushed);
    let kinds: BTreeSet<_> =
        told.iter().map(|(which, e)| (*which, e.side == Some(Side::Buy))).collect();
    assert_eq!(kinds.len(), 4, "{} divergences", told.len());
    assert!(told.len() < 2_000, "{} divergences are no rarity", told.len());
}

//! Proves: the teacher's reasons add up to its confidence exactly, and confidence stays in 0..=1
//! whatever the weights; a market upside down gives the proposals upside down; weights never turn a
//! side; stop and target lie on their sides of the price and pay at least the least multiple; every
//! feature is in its documented range; nothing depends on later minutes; candles of all timeframes
//! are those of the builder, shortest first; a late minute changes nothing; on the real minutes the
//! teacher speaks often enough, for both sides, with a spread of confidences.

mod data;

use aegis_indicators::{Atr, Indicator, Rsi};
use aegis_learn::{Analysis, Config, Found, Proposal, Weights, decayed, features, propose};
use aegis_types::{Candle, CandleBuilder, LateCandle, Nanos, Pattern, Side, SymbolId, Timeframe};
use proptest::prelude::*;
use std::num::NonZeroU32;

/// Minutes before the engine listens.
const WARM_UP: u64 = 250;

/// Every proposal after the warm-up, with the index of its minute and the price it was made at.
fn proposals(candles: &[Candle], config: &Config) -> Vec<(usize, f64, Proposal)> {
    let mut analysis = Analysis::new(SymbolId(0), config);
    let mut all = Vec::new();
    for (index, candle) in candles.iter().enumerate() {
        analysis.push(candle, &mut |_| {}).expect("minutes in order");
        if analysis.minutes() > WARM_UP
            && let Some(proposal) = propose(&analysis, config)
        {
            all.push((index, candle.close.to_f64(), proposal));
        }
    }
    all
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale
}

fn assert_sound(price: f64, proposal: &Proposal, config: &Config) {
    let mut sum = 0.0;
    for reason in proposal.reasons.iter() {
        assert!(reason.adds > 0.0, "a reason that adds nothing: {reason:?}");
        sum += reason.adds;
    }
    assert_eq!(sum.to_bits(), proposal.confidence.to_bits(), "reasons are the confidence");
    assert!((0.0..=1.0).contains(&proposal.confidence));
    assert_ne!(proposal.patterns.0, 0, "a setup has patterns");
    let sign = proposal.side.sign() as f64;
    let (risk, reward) = (sign * (price - proposal.stop), sign * (proposal.target - price));
    assert!(risk > 0.0 && proposal.stop > 0.0 && proposal.target > 0.0);
    assert!(reward / risk >= config.target_r_min - 1e-9, "{reward} for {risk}");
    assert!(reward / risk <= config.target_r + 1e-9, "{reward} for {risk}");
    assert_in_range(&proposal.features);
}

fn assert_in_range(values: &[f64; 12]) {
    const MOST: f64 = f64::MAX;
    let ranges = [
        (-1.0, 1.0), // market_structure
        (0.0, 1.0),  // order_blocks_count
        (0.0, 1.0),  // institutional_candle
        (0.0, 1.0),  // liquidity_grab
        (0.0, MOST), // fvg_size_atr
        (-1.0, 1.0), // fvg_proximity
        (0.0, 1.0),  // ob_proximity
        (0.0, MOST), // atr_normalized_volume
        (0.0, 1.0),  // rsi_14
        (-1.0, 1.0), // momentum_atr
        (0.0, 1.0),  // time_to_next_level
        (0.0, 1.0),  // confidence_ensemble
    ];
    for ((value, (least, most)), name) in values.iter().zip(ranges).zip(features::NAMES) {
        assert!(*value >= least && *value <= most, "{name} is {value}");
    }
    for whole in [0, 3] {
        assert_eq!(values[whole], values[whole].trunc(), "{}", features::NAMES[whole]);
    }
}

#[test]
fn proposals_are_sound_on_generated_markets() {
    let config = Config::default();
    let mut seen = 0;
    for seed in 0..4 {
        for (_, price, proposal) in proposals(&data::walk(seed, 8_000), &config) {
            assert_sound(price, &proposal, &config);
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen} proposals");
}

#[test]
fn a_market_upside_down_gives_proposals_upside_down() {
    let config = Config::default();
    let mut seen = [0; 2];
    for seed in 10..14 {
        let candles = data::walk(seed, 8_000);
        let upright = proposals(&candles, &config);
        let turned = proposals(&data::mirrored(&candles), &config);
        assert_eq!(upright.len(), turned.len());
        for ((at, price, a), (turned_at, _, b)) in upright.iter().zip(&turned) {
            assert_eq!((*at, a.side), (*turned_at, b.side.opposite()));
            assert_eq!(a.patterns, b.patterns);
            assert!(close(a.confidence, b.confidence, 1.0), "{a:?} {b:?}");
            assert!(close(a.stop, data::mirror(b.stop), *price));
            assert!(close(a.target, data::mirror(b.target), *price));
            for (index, (x, y)) in a.features.iter().zip(&b.features).enumerate() {
                let turned = match features::NAMES[index] {
                    "market_structure" | "fvg_proximity" | "momentum_atr" => -y,
                    "rsi_14" => 1.0 - y,
                    _ => *y,
                };
                assert!(close(*x, turned, 1.0 + x.abs()), "{}", features::NAMES[index]);
            }
            seen[a.side as usize] += 1;
        }
    }
    assert!(seen[0] > 50 && seen[1] > 50, "long and short: {seen:?}");
}

#[test]
fn weights_change_confidence_and_never_the_side() {
    let config = Config::default();
    let w = &config.weights;
    let halved = Weights {
        base: w.base / 2.0,
        higher_timeframe: w.higher_timeframe / 2.0,
        structure: w.structure / 2.0,
        liquidity_sweep: w.liquidity_sweep / 2.0,
        structure_shift: w.structure_shift / 2.0,
        displacement: w.displacement / 2.0,
        fair_value_gap: w.fair_value_gap / 2.0,
        order_block: w.order_block / 2.0,
        dealing_range: w.dealing_range / 2.0,
        optimal_entry: w.optimal_entry / 2.0,
        opposing_liquidity: w.opposing_liquidity / 2.0,
        momentum: w.momentum / 2.0,
        rsi: w.rsi / 2.0,
        volume: w.volume / 2.0,
        kill_zone: w.kill_zone / 2.0,
    };
    let timid = Config { weights: halved, ..config.clone() };
    let candles = data::walk(20, 8_000);
    let (bold, timid) = (proposals(&candles, &config), proposals(&candles, &timid));
    assert!(bold.len() > 50 && bold.len() == timid.len());
    for ((at, _, a), (timid_at, _, b)) in bold.iter().zip(&timid) {
        assert_eq!((at, a.side, a.stop, a.target), (timid_at, b.side, b.stop, b.target));
        assert!(close(a.confidence, 2.0 * b.confidence, 1.0));
    }
}

#[test]
fn a_proposal_is_an_edge_and_not_a_state() {
    let candles = data::walk(30, 8_000);
    let at: Vec<usize> = proposals(&candles, &Config::default()).iter().map(|p| p.0).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 5), "at most one each five minutes");
    assert!(at.len() * 10 < candles.len(), "{} in {} minutes", at.len(), candles.len());
}

#[test]
fn candles_and_indicators_of_all_timeframes_are_the_builders() {
    let config = Config::default();
    let candles = data::walk(40, 4_000);
    let mut analysis = Analysis::new(SymbolId(7), &config);
    let mut builders = Timeframe::ALL.map(CandleBuilder::new);
    let fourteen = NonZeroU32::new(14).unwrap();
    let (mut rsi, mut atr) = (Rsi::new(fourteen), Atr::new(fourteen));
    // Every 97th minute and one whole stretch are missing.
    let kept = candles.iter().enumerate().filter(|(n, _)| n % 97 != 5 && !(900..1_300).contains(n));
    let mut gaps = 0;
    for (_, minute) in kept {
        let mut found = Vec::new();
        analysis.push(minute, &mut |f| found.push(f)).unwrap();
        let got: Vec<Candle> = found
            .iter()
            .filter_map(|f| if let Found::Candle(candle) = f { Some(*candle) } else { None })
            .collect();
        let mut want = Vec::new();
        for builder in &mut builders {
            want.extend(builder.push(minute).unwrap().iter().filter_map(|closed| closed.0));
        }
        assert_eq!(got, want);
        for candle in got.iter().filter(|candle| candle.timeframe == Timeframe::M15) {
            rsi.push(candle.close.to_f64());
            atr.push(candle.bar());
            gaps += u32::from(candle.missing_minutes > 0);
        }
        let timeframes = found.iter().map(|f| match f {
            Found::Candle(candle) => candle.timeframe,
            Found::Structure { timeframe, .. } => *timeframe,
        });
        assert!(timeframes.is_sorted(), "shortest first");
        assert_eq!(analysis.rsi(Timeframe::M15), rsi.value());
        assert_eq!(analysis.atr(Timeframe::M15), atr.value());
    }
    assert!(gaps > 20, "gaps are marked");
    assert_eq!(analysis.symbol(), SymbolId(7));
}

#[test]
fn a_late_minute_changes_nothing() {
    let config = Config::default();
    let candles = data::walk(50, 3_000);
    let mut clean = Analysis::new(SymbolId(0), &config);
    let mut disturbed = Analysis::new(SymbolId(0), &config);
    for (index, candle) in candles.iter().enumerate() {
        clean.push(candle, &mut |_| {}).unwrap();
        disturbed.push(candle, &mut |_| {}).unwrap();
        for late in [index, index / 2] {
            let refused = disturbed.push(&candles[late], &mut |f| panic!("{f:?}"));
            assert_eq!(refused, Err(LateCandle));
        }
        assert_eq!(propose(&clean, &config), propose(&disturbed, &config));
    }
    assert_eq!(clean.minutes(), disturbed.minutes());
    assert_eq!(clean.features(), disturbed.features());
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let config = Config::default();
    let (one, other) = (data::walk(60, 6_000), data::walk(61, 6_000));
    let shared = 4_000;
    let spliced: Vec<Candle> = one[..shared].iter().chain(&other[shared..]).copied().collect();
    let before = |candles: &[Candle]| {
        let mut all = proposals(candles, &config);
        all.retain(|(at, ..)| *at < shared);
        all
    };
    let (a, b) = (before(&one), before(&spliced));
    assert!(a.len() > 30);
    assert_eq!(a, b);
}

#[test]
fn reasons_decay_when_structure_breaks_against_the_side() {
    let config = Config::default();
    let mut analysis = Analysis::new(SymbolId(0), &config);
    let entered = data::walk(70, 1)[0].open_time;
    let mut broken: [Option<Nanos>; 2] = [None; 2];
    for candle in data::walk(70, 4_000) {
        let found = &mut |found| {
            if let Found::Structure { timeframe, pattern, side, .. } = found
                && [Timeframe::M15, Timeframe::H1].contains(&timeframe)
                && [Pattern::Bos, Pattern::Choch, Pattern::Mss].contains(&pattern)
            {
                broken[side as usize] = Some(candle.close_time());
            }
        };
        analysis.push(&candle, found).unwrap();
        for side in [Side::Buy, Side::Sell] {
            let against = broken[side.opposite() as usize];
            assert_eq!(decayed(&analysis, &config, side, entered), against.is_some());
            assert!(!decayed(&analysis, &config, side, candle.close_time()), "just entered");
        }
    }
    assert!(broken.iter().all(Option::is_some), "both happened");
}

#[test]
fn nothing_is_said_while_warming_up() {
    let config = Config::default();
    let mut analysis = Analysis::new(SymbolId(0), &config);
    let mut first = None;
    for candle in data::walk(80, 400) {
        assert!(analysis.features().is_none() || first.is_some());
        analysis.push(&candle, &mut |_| {}).unwrap();
        if analysis.features().is_some() {
            first.get_or_insert(analysis.minutes());
        } else {
            assert_eq!(propose(&analysis, &config), None);
        }
    }
    assert_eq!(first, Some(15 * 15), "fifteen quarters of an hour, within the warm-up");
}

#[test]
fn a_market_that_stands_still_says_nothing() {
    let config = Config::default();
    let still = data::walk(81, 1)[0];
    let mut analysis = Analysis::new(SymbolId(0), &config);
    for n in 0..3_000 {
        let flat = Candle {
            open_time: still.open_time.after(Nanos::MINUTE.times(n)),
            open: still.close,
            high: still.close,
            low: still.close,
            volume: 0.0,
            ..still
        };
        analysis.push(&flat, &mut |_| {}).unwrap();
        assert_eq!(propose(&analysis, &config), None);
        assert_eq!(analysis.features(), None);
    }
}

#[test]
fn a_bad_configuration_is_told_in_full() {
    assert_eq!(Config::default().check(), Ok(()));
    let mut config = Config { rsi_period: 0, target_r_min: 0.5, ..Config::default() };
    config.weights.base = 2.0;
    config.weights.kill_zone = f64::NAN;
    let wrong = config.check().unwrap_err();
    for name in ["rsi_period", "target_r_min", "weights.base", "weights.kill_zone", "the sum"] {
        assert!(wrong.iter().any(|line| line.starts_with(name)), "{name} is not in {wrong:?}");
    }
    assert_eq!(wrong.len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn confidence_stays_in_range_whatever_the_numbers(
        seed in 100u64..10_000,
        weights in prop::array::uniform15(0.0..2.0f64),
        periods in prop::array::uniform3(0u32..40),
        length in 0u32..12,
    ) {
        let [
            base, higher_timeframe, structure, liquidity_sweep, structure_shift, displacement,
            fair_value_gap, order_block, dealing_range, optimal_entry, opposing_liquidity,
            momentum, rsi, volume, kill_zone,
        ] = weights;
        let config = Config {
            rsi_period: periods[0],
            atr_period: periods[1],
            ema_period: periods[2],
            swing_length: length,
            weights: Weights {
                base, higher_timeframe, structure, liquidity_sweep, structure_shift,
                displacement, fair_value_gap, order_block, dealing_range, optimal_entry,
                opposing_liquidity, momentum, rsi, volume, kill_zone,
            },
            ..Config::default()
        };
        for (_, price, proposal) in proposals(&data::walk(seed, 2_500), &config) {
            assert_sound(price, &proposal, &config);
        }
    }
}

#[test]
fn real_minutes_give_enough_of_both_sides_with_a_spread() {
    let config = Config::default();
    let mut strong = [0u32; 2];
    let mut confidences = Vec::new();
    let mut room_for_fees = 0;
    for name in data::SYMBOLS {
        let Some(candles) = data::real(name) else { return };
        for (_, price, proposal) in proposals(&candles, &config) {
            assert_sound(price, &proposal, &config);
            if proposal.confidence > 0.60 {
                strong[proposal.side as usize] += 1;
                confidences.push(proposal.confidence);
                // Round-trip fees of 0.1 % within 0.15 of the risk.
                room_for_fees += u32::from((price - proposal.stop).abs() / price >= 0.001 / 0.15);
            }
        }
    }
    let total = strong[0] + strong[1];
    println!("above 0.60: {strong:?} long and short, {room_for_fees} with room for fees");
    assert!((300..=2_000).contains(&total), "{total} proposals above 0.60");
    assert!(strong.iter().all(|side| *side * 4 > total), "long and short: {strong:?}");
    assert!(room_for_fees * 4 > total * 3, "{room_for_fees} of {total} pay their fees");
    confidences.sort_by(f64::total_cmp);
    let spread = confidences[confidences.len() * 9 / 10] - confidences[confidences.len() / 10];
    assert!(spread > 0.05, "confidences lie within {spread}");
}

#[test]
#[ignore = "to read: cargo test --release -p aegis-learn survey -- --ignored --nocapture"]
fn survey_of_real_proposals() {
    let config = Config::default();
    let mut all = Vec::new();
    for name in data::SYMBOLS {
        let Some(candles) = data::real(name) else { return };
        let made = proposals(&candles, &config);
        let of =
            |side| made.iter().filter(|(_, _, p)| p.confidence > 0.60 && p.side == side).count();
        let (long, short) = (of(Side::Buy), of(Side::Sell));
        println!("{name}: {} proposals; above 0.60 {long} long, {short} short", made.len());
        all.extend(made);
    }
    let shares = |name: &str, mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        let picked = [0.01, 0.1, 0.5, 0.75, 0.9, 0.99, 1.0].map(|share| (share, at(share)));
        println!("{name} of {}: {picked:.3?}", values.len());
    };
    shares("confidence", all.iter().map(|(_, _, p)| p.confidence).collect());
    shares("stop distance %", all.iter().map(|(_, c, p)| (c - p.stop).abs() / c * 100.0).collect());
    shares("R", all.iter().map(|(_, c, p)| ((p.target - c) / (c - p.stop)).abs()).collect());
}

/// Nanoseconds that this thread has run: other work on the machine does not count.
fn on_cpu() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[test]
#[ignore = "to read: cargo test --release -p aegis-learn time_per -- --ignored --nocapture"]
fn time_per_candle() {
    let config = Config::default();
    let Some(candles) = data::real("ETHUSDT") else { return };
    let mut best = [f64::INFINITY; 2];
    let mut seen = 0u64;
    for round in 0..20 {
        let proposing = round % 2;
        let mut analysis = Analysis::new(SymbolId(0), &config);
        let Some(start) = on_cpu() else { return };
        for candle in &candles {
            let found = &mut |found| seen += u64::from(matches!(found, Found::Structure { .. }));
            analysis.push(candle, found).unwrap();
            if proposing == 1 {
                seen += u64::from(propose(&analysis, &config).is_some());
            }
        }
        let ns = (on_cpu().unwrap() - start) as f64 / candles.len() as f64;
        best[proposing] = best[proposing].min(ns);
    }
    let [push, both] = best;
    println!("CPU ns a 1m candle: push {push:.0}, push and propose {both:.0} ({seen} findings)");
}

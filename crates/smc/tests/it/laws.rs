//! Proves, with every concept on: no event ever depends on a later bar (the events of a prefix are
//! the prefix of the events) and none is about a bar after its own, over every golden series, real
//! minutes and 1,000 generated ones; powers of two times the prices give the same events; a market
//! upside down gives the mirrored events; a concept that is off takes only its own events with it;
//! any finite numbers do no harm; nothing is allocated after construction; what lives stays within
//! its bounds; every kind of event occurs.

use super::series::{Random, series};
use super::tables::{Table, fixtures, real_minutes, shared};
use aegis_ring::CountingAllocator;
use aegis_smc::{Concepts, Detector, Event, Kind, Of, Params, PivotParams};
use aegis_types::{Bar, Nanos, Side};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// Every concept, with swings of these lengths and small lists, so that they overflow.
fn all(length: u32) -> Params {
    let mut params = Params { concepts: Concepts::ALL, ..Params::default() };
    params.pivot.length = length;
    params.internal.length = (length / 2).max(1);
    params.fvg.join = true;
    params.fvg.capacity = 8;
    params.order_block.capacity = 6;
    params.lux.length = length;
    params.liquidity.capacity = 6;
    params
}

/// Events of all bars, and after each bar how many there were.
fn read(params: &Params, bars: &[Bar]) -> (Vec<Event>, Vec<usize>) {
    let mut detector = Detector::new(params);
    let mut events = Vec::new();
    let mut counts = Vec::new();
    for (at, bar) in (0..).zip(bars) {
        let from = events.len();
        detector.push(bar, &mut |event| events.push(event));
        let told: &[Event] = &events[from..];
        assert!(told.iter().all(|event| event.at == at && event.pos <= at), "{told:?}");
        counts.push(events.len());
    }
    (events, counts)
}

/// Reads the prefixes that end before the `cuts` anew.
fn assert_causal(
    params: &Params,
    bars: &[Bar],
    cuts: impl IntoIterator<Item = usize>,
) -> Vec<Event> {
    let (events, counts) = read(params, bars);
    for cut in cuts {
        let upto = if cut == 0 { 0 } else { counts[cut - 1] };
        assert_eq!(read(params, &bars[..cut]).0, events[..upto], "the first {cut} bars");
    }
    events
}

fn golden() -> Vec<Vec<Bar>> {
    let mut paths = vec![fixtures().join("candles_synth.csv")];
    paths.extend(shared("golden").map(|folder| folder.join("candles.csv")));
    paths.iter().map(|path| Table::read(path).bars()).collect()
}

#[test]
fn golden_and_real_bars_read_the_same_in_every_prefix() {
    for bars in golden() {
        for length in [1, 3, 10, 50] {
            assert_causal(&all(length), &bars, (0..bars.len()).step_by(311));
        }
    }
    let Some(bars) = real_minutes("BTCUSDT", 6_000) else { return };
    assert_causal(&all(5), &bars, (0..bars.len()).step_by(701));
}

#[test]
fn a_thousand_generated_series_read_the_same_in_every_prefix() {
    let mut kinds = BTreeSet::new();
    for seed in 0..1_000 {
        let bars = series(seed);
        let mut random = Random(seed);
        let cuts = [0, 1, 2].map(|_| random.upto(bars.len() as u64 + 1) as usize);
        let length = 1 + random.upto(6) as u32;
        let events = assert_causal(&all(length), &bars, cuts);
        kinds.extend(events.iter().map(|event| event.kind));
    }
    assert!(kinds.len() > 50, "generated series show little: {kinds:?}");
}

/// Every bar of a series, one by one, against the whole: what sampled cuts stand for.
#[test]
fn short_series_read_the_same_in_all_prefixes() {
    for seed in 0..30 {
        let bars: Vec<Bar> = series(seed).into_iter().take(120).collect();
        assert_causal(&all(2), &bars, 0..=bars.len());
    }
}

#[test]
fn powers_of_two_times_the_prices_give_the_same_events() {
    for seed in 0..200 {
        let bars = series(seed);
        let factor = 2f64.powi(Random(seed).upto(41) as i32 - 20);
        let scaled: Vec<Bar> = bars
            .iter()
            .map(|bar| {
                let prices = [bar.open(), bar.high(), bar.low(), bar.close()];
                let [open, high, low, close] = prices.map(|price| price * factor);
                Bar::new(bar.time(), open, high, low, close, bar.volume()).expect("a bar")
            })
            .collect();
        let params = all(2);
        let mut want = read(&params, &bars).0;
        for event in &mut want {
            event.level *= factor;
            event.far *= factor;
        }
        assert_eq!(read(&params, &scaled).0, want, "seed {seed}, times {factor}");
    }
}

fn turned(bars: &[Bar]) -> Vec<Bar> {
    let turn = |bar: &Bar| {
        let (open, high, low, close) = (-bar.open(), -bar.low(), -bar.high(), -bar.close());
        Bar::new(bar.time(), open, high, low, close, bar.volume()).expect("a bar")
    };
    bars.iter().map(turn).collect()
}

/// An event in a market upside down.
fn mirrored(event: &Event) -> Event {
    let (level, far) = match event.side {
        Some(_) => (-event.level, -event.far),
        None => (-event.far, -event.level),
    };
    Event { side: event.side.map(Side::opposite), level, far, ..*event }
}

#[test]
fn a_market_upside_down_gives_the_mirrored_events() {
    // Sides are read one after the other: within a bar, events of one kind for one side keep their
    // order, and those of different sides need not.
    let key = |event: &Event| (event.at, event.kind, event.of, event.side);
    for seed in 0..200 {
        let bars = series(seed);
        let params = all(1 + (seed % 5) as u32);
        let mut upright = read(&params, &bars).0;
        let mut back: Vec<_> = read(&params, &turned(&bars)).0.iter().map(mirrored).collect();
        upright.sort_by_key(key);
        back.sort_by_key(key);
        for (a, b) in upright.iter().zip(&back) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(upright.len(), back.len(), "seed {seed}");
    }
}

/// The kinds that belong to a concept that can be off.
fn kinds_of(concept: Concepts, event: &Event) -> bool {
    use Kind::*;
    let (kind, of) = (event.kind, event.of);
    let block = matches!(
        kind,
        ObFormed | ObMitigated | ObRetested | ObBreaker | ObMitigation | ObInvalidated
    );
    match concept {
        Concepts::INTERNAL => of == Of::Internal,
        Concepts::STRENGTH => matches!(kind, Strong | Weak),
        Concepts::GAPS => kind.code().starts_with("Fvg"),
        Concepts::IMBALANCES => {
            kind.code().starts_with("VolumeImbalance") || kind.code().starts_with("Balanced")
        }
        Concepts::BLOCKS => block && of != Of::Lux,
        Concepts::LUX => of == Of::Lux,
        // Without sweeps there is no market structure shift.
        Concepts::LIQUIDITY => {
            matches!(kind, PoolFormed | PoolExtended | PoolSwept | Sweep | Run | Mss)
        }
        Concepts::EQUALS => kind == Equal,
        Concepts::TURTLE_SOUP => kind == TurtleSoup,
        Concepts::RANGE => matches!(kind, CheapHalf | OteEntered | Retraced),
        Concepts::SESSIONS => {
            matches!(kind, SessionOpened | SessionClosed | KillZoneOpened | KillZoneClosed)
        }
        Concepts::PERIODS => matches!(kind, PeriodLevel | PeriodLevelBroken),
        Concepts::MODELS => matches!(
            kind,
            Accumulation | Manipulation | Distribution | JudasSwing | MidnightOpen | DailyBias
        ),
        Concepts::OPENING_GAPS => matches!(kind, OpeningGap | OpeningGapFilled),
        _ => false,
    }
}

#[test]
fn a_concept_that_is_off_takes_only_its_own_events_with_it() {
    let concepts = [
        Concepts::INTERNAL,
        Concepts::STRENGTH,
        Concepts::GAPS,
        Concepts::IMBALANCES,
        Concepts::BLOCKS,
        Concepts::LUX,
        Concepts::LIQUIDITY,
        Concepts::EQUALS,
        Concepts::TURTLE_SOUP,
        Concepts::RANGE,
        Concepts::SESSIONS,
        Concepts::PERIODS,
        Concepts::MODELS,
        Concepts::OPENING_GAPS,
    ];
    assert!(concepts.into_iter().fold(Concepts::NONE, Concepts::with) == Concepts::ALL);
    for bars in golden() {
        let full = read(&all(3), &bars).0;
        for concept in concepts {
            let params = Params { concepts: Concepts::ALL.without(concept), ..all(3) };
            let want: Vec<_> =
                full.iter().filter(|event| !kinds_of(concept, event)).copied().collect();
            assert_eq!(read(&params, &bars).0, want, "without {concept:?}");
        }
    }
}

fn assert_bounded(detector: &Detector, params: &Params) {
    let blocks = params.order_block.capacity as usize;
    for side in SIDES {
        assert!(detector.gaps(side).zones().len() <= params.fvg.capacity as usize);
        assert!(detector.inverse_gaps(side).len() <= params.fvg.capacity as usize);
        assert!(detector.lux_blocks(side).len() <= params.lux.capacity as usize);
        assert!(detector.liquidity(side).levels().len() <= params.liquidity.capacity as usize);
        for tracker in [Some(detector.swing()), detector.internal()].into_iter().flatten() {
            assert!(tracker.blocks(side).zones().len() <= blocks);
            assert!(tracker.breakers(side).len() <= blocks);
            let zones = [tracker.blocks(side).zones(), tracker.breakers(side)].concat();
            let age = |formed: u32| detector.bars() - 1 - formed;
            assert!(zones.iter().all(|zone| age(zone.formed) <= params.order_block.age_max));
        }
    }
}

#[test]
fn nothing_is_allocated_after_construction_and_lists_stay_within_bounds() {
    assert!(CountingAllocator::is_installed());
    let mut every = golden();
    every.extend(real_minutes("ETHUSDT", 20_000));
    every.push((0..50).flat_map(series).collect());
    for params in [all(1), all(50), all(5_000)] {
        for bars in &every {
            let mut detector = Detector::new(&params);
            let mut events = 0u64;
            let before = CountingAllocator::allocations();
            for bar in bars {
                detector.push(bar, &mut |_| events += 1);
                assert_bounded_cheaply(&detector, &params);
            }
            assert_eq!(CountingAllocator::allocations(), before, "{events} events");
            assert_bounded(&detector, &params);
        }
    }
}

/// The part of [`assert_bounded`] that allocates nothing itself.
fn assert_bounded_cheaply(detector: &Detector, params: &Params) {
    for side in SIDES {
        assert!(detector.blocks(side).zones().len() <= params.order_block.capacity as usize);
        assert!(detector.liquidity(side).levels().len() <= params.liquidity.capacity as usize);
    }
}

#[test]
fn every_kind_of_event_occurs() {
    let mut seen: BTreeMap<Kind, u32> = BTreeMap::new();
    let Some(real) = real_minutes("ETHUSDT", 40_000) else { return };
    for bars in golden().iter().chain([&real]) {
        for event in read(&all(5), bars).0 {
            *seen.entry(event.kind).or_default() += 1;
        }
    }
    // Needs a second symbol.
    seen.entry(Kind::Smt).or_default();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !seen.contains_key(kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} of {seen:?}");
}

/// Numbers that are hard on arithmetic, and ordinary ones.
fn numbers() -> impl Strategy<Value = f64> {
    let hard = [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 1e300, -1e300, 1.0];
    prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
        prop::sample::select(hard.to_vec()),
        (-8i32..8).prop_map(f64::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_finite_numbers_do_no_harm(
        numbers in prop::collection::vec(prop::array::uniform5(numbers()), 1..200),
        times in prop::collection::vec(any::<i64>(), 200),
        length in any::<u32>(), small in any::<bool>(),
    ) {
        let bars = numbers.iter().zip(&times).map(|(&[open, high, low, close, volume], &time)| {
            Bar::new(Nanos(time), open, high, low, close, volume).expect("finite")
        });
        let mut params = all(if small { length % 4 } else { length });
        params.internal = PivotParams { length, high_wins: true };
        let mut detector = Detector::new(&params);
        let mut events = 0;
        for (at, bar) in (0..).zip(bars) {
            detector.push(&bar, &mut |event| {
                assert!(event.at == at && event.pos <= at);
                events += 1;
            });
            assert_bounded(&detector, &params);
        }
        prop_assert!(events <= 60 * numbers.len(), "{} events", events);
    }

    #[test]
    fn random_bars_read_the_same_in_every_prefix(
        seed in any::<u64>(), length in 1u32..12, cut in 0usize..400,
    ) {
        let bars = series(seed);
        assert_causal(&all(length), &bars, [cut.min(bars.len())]);
    }
}

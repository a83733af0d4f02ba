//! Laws of every entry of the catalogue, over random parameters and bars: what comes out after n
//! bars does not depend on what follows; after `reset` as new; no allocation once made; the same
//! cells from an indicator made twice, and from the batch form; finite bars of any kind do no harm.

use aegis_indicators::catalogue::{Call, ENTRIES, Entry, MAX_COLUMNS, ParameterKind, Row, Series};
use aegis_ring::CountingAllocator;
use aegis_types::{Bar, Nanos};
use proptest::prelude::*;

type Cells = [Option<u64>; MAX_COLUMNS];

fn push(row: &mut dyn Row, bar: &Bar) -> Cells {
    let mut cells = [None; MAX_COLUMNS];
    row.push(bar, &mut cells);
    cells.map(|cell| cell.map(f64::to_bits))
}

/// A call with parameters drawn from `seed`: short, so that most series warm up.
fn call(entry: &Entry, mut seed: u64) -> Call {
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let parameters = entry.parameters.iter().map(|parameter| match parameter.kind {
        ParameterKind::Whole { least, most } => {
            (u64::from(least) + draw(24)).min(u64::from(most)).to_string()
        }
        ParameterKind::Real { least, most } => {
            ((draw(90) as f64) / 20.0 - 1.0).clamp(least, most).to_string()
        }
        ParameterKind::Time => draw(1_440).to_string(),
    });
    let text = format!("{}({})", entry.name, parameters.collect::<Vec<_>>().join(","));
    Call::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Bars on a coarse grid: ties, flat bars, no volume, gaps in time.
fn walk() -> impl Strategy<Value = Vec<Bar>> {
    let step = (-3i32..=3, 0u8..4, 0u8..4, 0u8..5, 1i64..40);
    prop::collection::vec(step, 1..150).prop_map(|steps| {
        let (mut close, mut minute) = (50.0f64, 29_000_000i64);
        let bar = |(change, up, down, volume, minutes): (i32, u8, u8, u8, i64)| {
            let open = close;
            close = (close + f64::from(change) * 0.25).max(1.0);
            minute += minutes;
            let (high, low) = (open.max(close), open.min(close));
            let (high, low) = (high + f64::from(up) * 0.25, low - f64::from(down) * 0.125);
            let time = Nanos::MINUTE.times(minute);
            Bar::new(time, open, high, low, close, f64::from(volume)).expect("a bar")
        };
        steps.into_iter().map(bar).collect()
    })
}

/// Any finite numbers at any time, high above low or not.
fn anything() -> impl Strategy<Value = Vec<Bar>> {
    let finite = || prop_oneof![any::<f64>(), -1e3..1e3, Just(0.0), Just(f64::MAX), Just(5e-324)];
    let number = move || finite().prop_map(|x: f64| if x.is_finite() { x } else { 1.0 });
    let bar = (any::<i64>(), number(), number(), number(), number(), number());
    let bar = bar.prop_map(|(t, o, h, l, c, v)| Bar::new(Nanos(t), o, h, l, c, v).expect("finite"));
    prop::collection::vec(bar, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn streams_are_causal_clean_after_reset_and_do_not_allocate(
        bars in walk(), seed in any::<u64>(), cut in 0usize..150,
    ) {
        let cut = cut.min(bars.len());
        for entry in &ENTRIES {
            let call = call(entry, seed);
            let mut row = call.build();
            let mut whole = Vec::with_capacity(bars.len());
            let before = CountingAllocator::allocations();
            whole.extend(bars.iter().map(|bar| push(&mut *row, bar)));
            prop_assert_eq!(CountingAllocator::allocations(), before, "{} allocates", call);
            row.reset();
            let again: Vec<Cells> = bars.iter().map(|bar| push(&mut *row, bar)).collect();
            prop_assert_eq!(&again, &whole, "{} is not as new after reset", call);
            let mut other = call.build();
            let prefix: Vec<Cells> =
                bars[..cut].iter().map(|bar| push(&mut *other, bar)).collect();
            prop_assert_eq!(&prefix[..], &whole[..cut], "{} depends on what follows", call);
            // Used half-way, then reset: nothing of it is left.
            other.reset();
            let after: Vec<Cells> = bars.iter().map(|bar| push(&mut *other, bar)).collect();
            prop_assert_eq!(&after, &whole, "{} remembers through reset", call);
        }
    }

    /// The batch form, in two goes: the second continues the first.
    #[test]
    fn batch_equals_stream(bars in walk(), seed in any::<u64>(), cut in 0usize..150) {
        let cut = cut.min(bars.len());
        let series = Series::new(bars.clone());
        for entry in &ENTRIES {
            let call = call(entry, seed);
            let mut row = call.build();
            let width = entry.columns.len();
            let stream: Vec<Cells> = bars.iter().map(|bar| push(&mut *row, bar)).collect();
            row.reset();
            let mut columns = vec![vec![1.0; bars.len()]; width];
            let mut read = |from: usize, to: usize| {
                let mut out: Vec<&mut [f64]> =
                    columns.iter_mut().map(|column| &mut column[from..to]).collect();
                row.read(&series, from..to, &mut out);
            };
            read(0, cut);
            read(cut, bars.len());
            for (column, cells) in columns.iter().enumerate() {
                for (at, cell) in cells.iter().enumerate() {
                    let cell = (!cell.is_nan()).then_some(cell.to_bits());
                    prop_assert_eq!(cell, stream[at][column], "{} at {}", call, at);
                }
            }
        }
    }

    #[test]
    fn finite_bars_of_any_kind_do_no_harm(bars in anything(), seed in any::<u64>()) {
        for entry in &ENTRIES {
            let call = call(entry, seed);
            let mut row = call.build();
            let before = CountingAllocator::allocations();
            bars.iter().for_each(|bar| { push(&mut *row, bar); });
            prop_assert_eq!(CountingAllocator::allocations(), before, "{} allocates", call);
        }
    }
}

#[test]
fn allocations_are_counted() {
    assert!(CountingAllocator::is_installed(), "the laws above would pass without looking");
}

/// Columns that are warm stay warm: no hole after the first cell.
#[test]
fn no_column_falls_silent_once_warm() {
    let bars: Vec<Bar> = (0..400i64)
        .map(|n| {
            let price = 100.0 + ((n * 7919) % 31) as f64 * 0.5;
            let time = Nanos::MINUTE.times(n);
            Bar::new(time, price, price + 1.0, price - 1.0, price + 0.5, 3.0).expect("a bar")
        })
        .collect();
    for entry in &ENTRIES {
        let mut row = Call::parse(entry.name).expect("a call").build();
        let mut last = [None; MAX_COLUMNS];
        for bar in &bars {
            let cells = push(&mut *row, bar);
            for (before, now) in last.iter().zip(&cells) {
                // A session's average ends with the session.
                let hole = before.is_some() && now.is_none();
                assert!(!hole || entry.name == "vwap_session", "{} falls silent", entry.name);
            }
            last = cells;
        }
        let warm = last.iter().flatten().count();
        assert!(warm == entry.columns.len() || entry.name == "vwap_session", "{}", entry.name);
    }
}

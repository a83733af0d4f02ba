//! 1m candles from trades, against trades grouped by their minute.

use aegis_types::{
    BuildRefusal, BuildRefusals, Candle, CandleBuilder, MinuteBuilder, Nanos, Px, Qty, SymbolId,
    Timeframe,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SYMBOL: SymbolId = SymbolId(5);

#[derive(Clone, Copy, Debug)]
struct Print {
    at: Nanos,
    px: Px,
    qty: Qty,
    id: u64,
}

fn push(builder: &mut MinuteBuilder, print: Print) -> Result<Option<Candle>, BuildRefusal> {
    builder.push(print.at, print.px, print.qty, Some(print.id))
}

/// Trades in order: mostly within seconds of each other, some at one instant, some after hours.
fn prints() -> impl Strategy<Value = Vec<Print>> {
    let wait = prop_oneof![
        2 => Just(0i64),
        6 => 0..20_000_000_000i64,
        1 => 0..20_000_000_000_000i64,
    ];
    let one = (wait, 1i64..1_000_000, 1i64..1_000_000_000_000);
    (-1_000_000_000_000_000i64..2_000_000_000_000_000_000, prop::collection::vec(one, 1..300))
        .prop_map(|(start, steps)| {
            let mut at = start;
            let mut print = |(id, (wait, px, qty)): (usize, (i64, i64, i64))| {
                at += wait;
                let (px, qty) = (Px::from_raw(px), Qty::from_raw(qty));
                Print { at: Nanos(at), px, qty, id: id as u64 + 10 }
            };
            steps.into_iter().enumerate().map(&mut print).collect()
        })
}

/// The candle of all prints in one span, by the definition.
fn fold(timeframe: Timeframe, start: Nanos, prints: &[Print]) -> Candle {
    let minute = |print: &Print| print.at.0.div_euclid(Nanos::MINUTE.0);
    let mut present: Vec<i64> = prints.iter().map(minute).collect();
    present.dedup();
    Candle {
        open_time: start,
        open: prints[0].px,
        high: prints.iter().map(|print| print.px).max().unwrap(),
        low: prints.iter().map(|print| print.px).min().unwrap(),
        close: prints[prints.len() - 1].px,
        volume: prints.iter().map(|print| i128::from(print.qty.raw())).sum::<i128>() as f64 / 1e8,
        symbol: SYMBOL,
        missing_minutes: (timeframe.minutes() - present.len() as i64) as u16,
        timeframe,
    }
}

fn grouped(timeframe: Timeframe, prints: &[Print]) -> Vec<Candle> {
    let mut groups: BTreeMap<Nanos, Vec<Print>> = BTreeMap::new();
    for print in prints {
        groups.entry(print.at.floor(timeframe.span())).or_default().push(*print);
    }
    groups.into_iter().map(|(start, prints)| fold(timeframe, start, &prints)).collect()
}

/// The last bits of a volume depend on the order of its sums.
fn same(got: &Candle, want: &Candle) -> bool {
    let near = (got.volume - want.volume).abs() <= 1e-12 * want.volume;
    near && Candle { volume: want.volume, ..*got } == *want
}

proptest! {
    #[test]
    fn candles_are_the_trades_of_their_spans(prints in prints()) {
        let mut builder = MinuteBuilder::new(SYMBOL);
        let mut minutes = Vec::new();
        for print in &prints {
            let closed = push(&mut builder, *print).expect("in order");
            // Never before it is knowable, and as soon as it is.
            prop_assert!(closed.is_none_or(|candle| candle.close_time() <= print.at));
            minutes.extend(closed);
            let open = builder.unfinished().expect("the trade's own minute");
            prop_assert!(open.open_time <= print.at && print.at < open.close_time());
        }
        let last = prints[prints.len() - 1].at;
        minutes.extend(builder.close_until(last.after(Nanos::MINUTE)));
        prop_assert_eq!(&minutes, &grouped(Timeframe::M1, &prints));
        let span = minutes[minutes.len() - 1].close_time().since(minutes[0].open_time);
        let all = (span.0 / Nanos::MINUTE.0) as u64;
        prop_assert_eq!(builder.missing_minutes(), all - minutes.len() as u64);
        for timeframe in [Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::D1] {
            let mut longer = CandleBuilder::new(timeframe);
            let mut built = Vec::new();
            for minute in &minutes {
                built.extend(longer.push(minute).unwrap().iter().filter_map(|place| place.0));
            }
            built.extend(longer.unfinished());
            let want = grouped(timeframe, &prints);
            prop_assert_eq!(built.len(), want.len());
            for (got, want) in built.iter().zip(&want) {
                prop_assert!(same(got, want), "{got:?} is not {want:?}");
            }
        }
    }

    #[test]
    fn what_comes_late_or_twice_changes_nothing_but_the_counts(
        prints in prints(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let (mut clean, mut disturbed) = (MinuteBuilder::new(SYMBOL), MinuteBuilder::new(SYMBOL));
        let mut refused = BuildRefusals::default();
        for (n, print) in prints.iter().enumerate() {
            prop_assert_eq!(push(&mut disturbed, *print), push(&mut clean, *print));
            for index in &again {
                let old = prints[index.index(n + 1)];
                let want = if old.id == print.id {
                    refused.duplicate += 1;
                    BuildRefusal::Duplicate
                } else {
                    refused.late += 1;
                    BuildRefusal::Late
                };
                prop_assert_eq!(push(&mut disturbed, old), Err(want));
            }
            let early = Print { at: print.at.since(Nanos(1)), id: print.id + 1, ..*print };
            prop_assert_eq!(push(&mut disturbed, early), Err(BuildRefusal::Late));
            refused.late += 1;
            prop_assert_eq!(disturbed.unfinished(), clean.unfinished());
        }
        prop_assert_eq!(*disturbed.refusals(), refused);
        prop_assert_eq!(*clean.refusals(), BuildRefusals::default());
        prop_assert_eq!(disturbed.missing_minutes(), clean.missing_minutes());
    }
}

#[test]
fn the_clock_closes_a_minute_and_what_comes_after_it_is_late() {
    let mut builder = MinuteBuilder::new(SYMBOL);
    let print = |at: i64, id| Print {
        at: Nanos::SECOND.times(at),
        px: Px::whole(3),
        qty: Qty::whole(2),
        id,
    };
    assert_eq!(push(&mut builder, print(59, 1)), Ok(None));
    assert_eq!(builder.close_until(Nanos(Nanos::MINUTE.0 - 1)), None, "the minute is not over");
    let candle = builder.close_until(Nanos::MINUTE).expect("the minute is over");
    assert_eq!((candle.open_time, candle.volume), (Nanos::ZERO, 2.0));
    assert_eq!(builder.close_until(Nanos::HOUR), None, "nothing is open");
    assert_eq!(push(&mut builder, print(59, 2)), Err(BuildRefusal::Late));
    assert_eq!(builder.close_until(Nanos::ZERO), None, "a clock that goes back");
    assert_eq!(push(&mut builder, print(3_600, 3)), Ok(None));
    assert_eq!(builder.missing_minutes(), 59);
}

#[test]
fn a_trade_needs_a_price_and_a_quantity() {
    let mut builder = MinuteBuilder::new(SYMBOL);
    for (px, qty) in [(0, 1), (-1, 1), (1, 0), (1, -1)] {
        let refused = builder.push(Nanos::ZERO, Px::from_raw(px), Qty::from_raw(qty), None);
        assert_eq!(refused, Err(BuildRefusal::Malformed));
    }
    assert_eq!(builder.refusals().malformed, 4);
    assert_eq!(builder.unfinished(), None);
}

#[test]
fn without_ids_equal_trades_of_one_instant_all_count() {
    let mut builder = MinuteBuilder::new(SYMBOL);
    for _ in 0..3 {
        let taken = builder.push(Nanos::ZERO, Px::whole(1), Qty::from_raw(i64::MAX), None);
        assert_eq!(taken, Ok(None));
    }
    let volume = builder.unfinished().expect("a minute").volume;
    assert_eq!(volume, 3.0 * (i64::MAX as f64) / 1e8, "more than a quantity can hold");
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let mut builder = MinuteBuilder::new(SYMBOL);
    for at in [Nanos(i64::MIN), Nanos(i64::MIN + 1), Nanos::ZERO, Nanos(i64::MAX)] {
        let print = Print { at, px: Px::whole(1), qty: Qty::whole(1), id: at.0.abs_diff(i64::MIN) };
        assert!(push(&mut builder, print).is_ok(), "{at:?}");
    }
    assert_eq!(builder.close_until(Nanos::MAX), None, "the last minute does not end");
}

//! Longer candles against the fold of their minutes.

use aegis_types::{
    BuildRefusal, BuildRefusals, Candle, CandleBuilder, CandleFault, ClosedCandle, Nanos, Px,
    SymbolId, Timeframe,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn minute(number: i64, seed: i64) -> Candle {
    let px = |n: i64| Px::whole(100 + n.rem_euclid(50));
    let (open, close) = (px(seed), px(seed / 7));
    Candle {
        open_time: Nanos::MINUTE.times(number),
        open,
        high: open.max(close).plus(px(seed / 11)).unwrap(),
        low: open.min(close).minus(Px::whole(1 + seed.rem_euclid(9))).unwrap(),
        close,
        volume: (seed.rem_euclid(1_000)) as f64,
        symbol: SymbolId(3),
        missing_minutes: 0,
        timeframe: Timeframe::M1,
    }
}

/// The candle of one bucket, by the definition.
fn fold(timeframe: Timeframe, start: Nanos, minutes: &[Candle]) -> Candle {
    Candle {
        open_time: start,
        open: minutes[0].open,
        high: minutes.iter().map(|m| m.high).max().unwrap(),
        low: minutes.iter().map(|m| m.low).min().unwrap(),
        close: minutes[minutes.len() - 1].close,
        volume: minutes.iter().map(|m| m.volume).sum(),
        symbol: SymbolId(3),
        missing_minutes: (timeframe.minutes() - minutes.len() as i64) as u16,
        timeframe,
    }
}

/// All candles of `timeframe` that `parts` close.
fn built(timeframe: Timeframe, parts: &[Candle]) -> Vec<Candle> {
    let mut builder = CandleBuilder::new(timeframe);
    parts.iter().flat_map(|part| closed(&builder.push(part).expect("in order"))).collect()
}

fn closed(list: &[ClosedCandle]) -> Vec<Candle> {
    list.iter().map(|place| place.0.expect("every returned place is filled")).collect()
}

/// Minutes to the next candle, mostly one, and what its prices are made from.
fn step() -> impl Strategy<Value = (i64, i64)> {
    (prop_oneof![6 => Just(1i64), 1 => 2i64..400], any::<i64>())
}

proptest! {
    #[test]
    fn longer_candles_are_the_fold_of_their_minutes(
        start in -10_000i64..50_000_000,
        steps in prop::collection::vec(step(), 1..300),
        which in 0u8..5,
    ) {
        let timeframe = Timeframe::from_index(which).unwrap();
        let mut builder = CandleBuilder::new(timeframe);
        let mut buckets: BTreeMap<Nanos, Vec<Candle>> = BTreeMap::new();
        let mut emitted = Vec::new();
        let mut number = start;
        for (step, seed) in steps {
            number += step;
            let one = minute(number, seed);
            one.check().expect("a candle");
            let list = builder.push(&one).expect("in order");
            // Late and duplicate minutes change nothing.
            prop_assert_eq!(builder.push(&one).err(), Some(BuildRefusal::Duplicate));
            prop_assert_eq!(builder.push(&minute(number - 1, 5)).err(), Some(BuildRefusal::Late));
            for candle in closed(&list) {
                // Never before it is knowable.
                prop_assert!(candle.close_time() <= one.close_time());
                emitted.push(candle);
            }
            buckets.entry(one.open_time.floor(timeframe.span())).or_default().push(one);
        }
        if let Some(open) = builder.unfinished() {
            // What is not closed is the newest bucket, and its last minute has not come.
            let (start, minutes) = buckets.pop_last().unwrap();
            prop_assert_eq!(*open, fold(timeframe, start, &minutes));
            let last = minutes[minutes.len() - 1].close_time();
            prop_assert!(last < open.close_time());
        }
        let wanted: Vec<Candle> =
            buckets.iter().map(|(start, minutes)| fold(timeframe, *start, minutes)).collect();
        prop_assert_eq!(emitted, wanted);
    }
}

proptest! {
    #[test]
    fn merging_candles_is_building_them_directly(
        start in -10_000i64..50_000_000,
        steps in prop::collection::vec(step(), 1..300),
        parts in prop::collection::btree_set(1usize..4, 0..4),
    ) {
        let mut number = start;
        let mut minutes: Vec<Candle> = Vec::new();
        for (step, seed) in steps {
            number += step;
            minutes.push(minute(number, seed));
        }
        // The last day is whole to its end, so that nothing is left over.
        let end = Nanos::MINUTE.times(number).floor(Nanos::DAY).after(Nanos::DAY);
        minutes.extend((number + 1..end.0 / Nanos::MINUTE.0).map(|n| minute(n, n * 37)));
        for timeframe in Timeframe::ALL {
            let direct = built(timeframe, &minutes);
            let shorter = parts.iter().filter(|part| **part <= timeframe.index());
            let merged = shorter.fold(minutes.clone(), |candles, part| {
                built(Timeframe::ALL[*part], &candles)
            });
            prop_assert_eq!(built(timeframe, &merged), direct);
        }
    }
}

#[test]
fn what_does_not_lie_inside_is_refused_and_counted() {
    let mut builder = CandleBuilder::new(Timeframe::M5);
    let hour = Candle { timeframe: Timeframe::H1, ..minute(0, 1) };
    assert_eq!(builder.push(&hour).err(), Some(BuildRefusal::Malformed));
    let straddling = Candle { open_time: Nanos::MINUTE.times(4).after(Nanos(1)), ..minute(0, 1) };
    assert_eq!(builder.push(&straddling).err(), Some(BuildRefusal::Malformed));
    let five = Candle { timeframe: Timeframe::M5, missing_minutes: 2, ..minute(5, 1) };
    assert_eq!(closed(&builder.push(&five).unwrap()), [five]);
    assert_eq!(builder.push(&five).err(), Some(BuildRefusal::Duplicate));
    assert_eq!(builder.push(&minute(7, 1)).err(), Some(BuildRefusal::Late));
    assert_eq!(builder.push(&minute(4, 1)).err(), Some(BuildRefusal::Late));
    let counted = BuildRefusals { late: 2, duplicate: 1, malformed: 2 };
    assert_eq!(*builder.refusals(), counted);
    assert_eq!(builder.unfinished(), None);
}

#[test]
fn a_candle_closes_with_its_last_minute() {
    let mut builder = CandleBuilder::new(Timeframe::M5);
    for number in 0..4 {
        assert!(builder.push(&minute(number, number)).unwrap().is_empty());
    }
    let list = builder.push(&minute(4, 4)).unwrap();
    assert_eq!(closed(&list)[0].missing_minutes, 0);
    assert_eq!(builder.unfinished(), None);
    // A one-minute builder passes its minutes through.
    let mut through = CandleBuilder::new(Timeframe::M1);
    assert_eq!(closed(&through.push(&minute(9, 9)).unwrap()), [minute(9, 9)]);
}

#[test]
fn a_gap_closes_two_at_once() {
    let mut builder = CandleBuilder::new(Timeframe::M5);
    for number in [1, 2] {
        assert!(builder.push(&minute(number, 1)).unwrap().is_empty());
    }
    // Minutes 3 to 8 are missing; minute 9 is the last of the next candle.
    let both = closed(&builder.push(&minute(9, 1)).unwrap());
    let missing: Vec<u16> = both.iter().map(|candle| candle.missing_minutes).collect();
    assert_eq!(missing, [3, 4]);
    assert_eq!(both[1].open_time, Nanos::MINUTE.times(5));
}

#[test]
fn what_is_no_candle_says_why() {
    let good = minute(1, 77);
    assert_eq!(good.check(), Ok(()));
    let cases = [
        (Candle { low: Px::ZERO, ..good }, CandleFault::NotPositive),
        (Candle { high: Px::from_raw(1), low: Px::from_raw(2), ..good }, CandleFault::HighBelowLow),
        (
            Candle { close: good.high.plus(Px::whole(1)).unwrap(), ..good },
            CandleFault::OutsideRange,
        ),
        (Candle { volume: f64::NAN, ..good }, CandleFault::BadVolume),
        (Candle { volume: -1.0, ..good }, CandleFault::BadVolume),
        (Candle { open_time: Nanos(61), ..good }, CandleFault::Misaligned),
    ];
    for (candle, fault) in cases {
        assert_eq!(candle.check(), Err(fault));
    }
}

#[test]
fn the_json_form_is_what_users_expect() {
    let candle = Candle { volume: 1.5, ..minute(2, 0) };
    assert_eq!(
        serde_json::to_string(&candle.json("BTCUSDT")).unwrap(),
        "{\"symbol\":\"BTCUSDT\",\"open\":\"100\",\"high\":\"200\",\"low\":\"99\",\
         \"close\":\"100\",\"volume\":1.5,\"time\":120000}"
    );
    let bar = candle.bar();
    assert_eq!((bar.open(), bar.high(), bar.volume()), (100.0, 200.0, 1.5));
}

//! What holds of a record on any bars.

use super::{Rows, recorded, rows_of};
use aegis_smc::record::{Period, RecordError, RecordOf, Recorder, session_window};
use aegis_types::{Bar, Nanos};
use proptest::prelude::*;

fn all_of(compat: bool) -> Vec<RecordOf> {
    let window = |text| session_window(text, compat).expect("a window");
    let period = |text| Period::parse(text).expect("a period");
    vec![
        RecordOf::Swings,
        RecordOf::Fvg { join: false },
        RecordOf::Fvg { join: true },
        RecordOf::BosChoch { close: true },
        RecordOf::BosChoch { close: false },
        RecordOf::Ob { close_mitigation: true },
        RecordOf::Ob { close_mitigation: false },
        RecordOf::Liquidity { range_percent: 0.01 },
        RecordOf::Liquidity { range_percent: 0.2 },
        RecordOf::PrevHl { period: period("5min") },
        RecordOf::PrevHl { period: period("2W") },
        RecordOf::PrevHl { period: period("3MS") },
        RecordOf::Sessions { window: window("New York") },
        RecordOf::Sessions { window: window("00:10-00:07") },
        RecordOf::Retracements,
    ]
}

prop_compose! {
    /// Bars on a coarse grid with gaps in time.
    fn walk(most: usize)(
        steps in prop::collection::vec((-6i32..=6, 0i32..4, 0i32..4, 0i64..9), 1..most),
    ) -> Vec<Bar> {
        let (mut close, mut minute) = (1_000, 0);
        steps.iter().map(|&(step, up, down, gap)| {
            let open = close;
            close = open + step;
            minute += if gap == 8 { 3_000 } else { 1 };
            let [high, low] = [open.max(close) + up, open.min(close) - down];
            let [open, high, low, close] = [open, high, low, close].map(f64::from);
            Bar::new(Nanos::MINUTE.times(minute), open, high, low, close, f64::from(step).abs())
                .expect("a bar")
        }).collect()
    }
}

/// Rows of the mirrored prices as they would be of the prices: signs and prices turned, upper and
/// lower columns exchanged.
fn turned(of: RecordOf, rows: &Rows) -> Rows {
    let turn = |cells: &Vec<Option<f64>>| -> Vec<Option<f64>> {
        let minus = |column: usize| cells[column].map(|cell| -cell);
        let same = |column: usize| cells[column];
        match of {
            RecordOf::Swings => vec![minus(0), minus(1)],
            RecordOf::Fvg { .. } => vec![minus(0), minus(2), minus(1), same(3)],
            RecordOf::BosChoch { .. } => vec![minus(0), minus(1), minus(2), same(3)],
            RecordOf::Ob { .. } => {
                vec![minus(0), minus(2), minus(1), same(3), same(4), same(5)]
            }
            RecordOf::Liquidity { .. } => vec![minus(0), minus(1), same(2), same(3)],
            RecordOf::PrevHl { .. } => vec![minus(1), minus(0), same(3), same(2)],
            RecordOf::Sessions { .. } => vec![same(0), minus(2), minus(1)],
            RecordOf::Retracements => vec![minus(0), same(1), same(2)],
        }
    };
    rows.iter().map(|(at, cells)| (*at, turn(cells))).collect()
}

/// By bar, then by side: of two order blocks on one bar the mirrored record has the other first.
fn sorted(mut rows: Rows) -> Rows {
    rows.sort_by(|a, b| a.0.cmp(&b.0).then(a.1[0].partial_cmp(&b.1[0]).expect("a number")));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn asking_for_a_record_disturbs_nothing(
        bars in walk(120), length in 1u32..6, compat in any::<bool>(),
    ) {
        for of in all_of(compat) {
            let mut asked = Recorder::new(of, length, compat);
            for (count, bar) in (1..).zip(&bars) {
                asked.push(bar);
                if count % 7 == 0 || count == bars.len() {
                    let fresh = recorded(of, length, compat, &bars[..count]);
                    prop_assert_eq!(rows_of(&asked), fresh, "{:?} after {} bars", of, count);
                }
            }
        }
    }

    #[test]
    fn upside_down_bars_make_an_upside_down_record(bars in walk(160), length in 1u32..6) {
        let down: Vec<Bar> = bars
            .iter()
            .map(|bar| {
                let (open, high, low, close) = (-bar.open(), -bar.low(), -bar.high(), -bar.close());
                Bar::new(bar.time(), open, high, low, close, bar.volume()).expect("a bar")
            })
            .collect();
        for of in all_of(false) {
            let [up, down] = [&bars, &down].map(|bars| recorded(of, length, false, bars));
            prop_assert_eq!(sorted(up), sorted(turned(of, &down)), "{:?}", of);
        }
    }

    #[test]
    fn no_bars_do_harm(
        numbers in
            prop::collection::vec((any::<i64>(), prop::array::uniform5(any::<f64>())), 0..90),
        length in prop_oneof![0u32..6, any::<u32>()],
        range_percent in any::<f64>(),
        compat in any::<bool>(),
    ) {
        let bars: Vec<Bar> = numbers
            .iter()
            .filter_map(|&(time, [open, high, low, close, volume])| {
                Bar::new(Nanos(time), open, high, low, close, volume).ok()
            })
            .collect();
        let mut of = all_of(compat);
        of.push(RecordOf::Liquidity { range_percent });
        for of in of {
            let rows = recorded(of, length, compat, &bars);
            prop_assert!(rows.len() <= 2 * bars.len());
            prop_assert!(rows.is_sorted_by_key(|(at, _)| *at));
            prop_assert!(rows.iter().all(|(at, _)| (*at as usize) < bars.len()));
        }
    }
}

#[test]
fn names_of_periods_and_sessions_are_read_and_others_refused() {
    for text in ["15min", "1h", "4h", "1D", "D", "W", "W-MON", "2W", "ME", "3MS", "90s"] {
        assert!(Period::parse(text).is_ok(), "{text}");
    }
    for text in ["", "1", "0h", "15m", "1M", "-1h", "W-XYZ", "99999999999h", "1.5h", "é"] {
        let error = Period::parse(text).expect_err(text);
        assert_eq!(error, RecordError::Period(text.to_owned()));
        assert!(error.to_string().contains("15min, 4h, 1D, W"), "{error}");
    }
    for text in ["london", "LONDON CLOSE KILL ZONE", "22:30-01:15", "22:30-01:15 UTC"] {
        assert!(session_window(text, false).is_ok(), "{text}");
    }
    assert_ne!(session_window("London", true), session_window("London", false));
    assert_eq!(session_window("1:00-2:00", true), session_window("01:00-02:00 UTC", false));
    for text in ["", "Paris", "25:00-26:00", "10:00", "UTC"] {
        let error = session_window(text, true).expect_err(text);
        assert!(error.to_string().contains("New York kill zone"), "{error}");
    }
}

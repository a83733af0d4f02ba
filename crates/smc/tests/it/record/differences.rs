//! One small frame for each difference between the record and smartmoneyconcepts 0.0.27, with the
//! package's answer (compat) beside ours. The list is in the documentation of `aegis_smc::record`.

use super::{Rows, bars_of, flat, recorded};
use aegis_smc::record::{Period, RecordOf, session_window};
use aegis_types::{Bar, Nanos};

const CLOSES: RecordOf = RecordOf::BosChoch { close: true };
const WICKS_MITIGATE: RecordOf = RecordOf::Ob { close_mitigation: false };

/// What the package records, and what is recorded here.
fn both(of: RecordOf, length: u32, bars: &[Bar]) -> (Rows, Rows) {
    (recorded(of, length, true, bars), recorded(of, length, false, bars))
}

/// The rows of one bar.
fn at(rows: &Rows, bar: u32) -> Vec<Vec<Option<f64>>> {
    rows.iter().filter(|(at, _)| *at == bar).map(|(_, cells)| cells.clone()).collect()
}

fn row(cells: &[f64]) -> Vec<Option<f64>> {
    cells.iter().map(|cell| (!cell.is_nan()).then_some(*cell)).collect()
}

const NONE: f64 = f64::NAN;

#[test]
fn ends_of_the_data_are_no_swings() {
    let bars = flat(&[10., 12., 11., 15., 13.]);
    let (package, here) = both(RecordOf::Swings, 1, &bars);
    let swings = [(1, row(&[1., 12.])), (2, row(&[-1., 11.])), (3, row(&[1., 15.]))];
    assert_eq!(here, swings);
    let mut ends = swings.to_vec();
    ends.insert(0, (0, row(&[-1., 10.])));
    ends.push((4, row(&[-1., 13.])));
    assert_eq!(package, ends);
}

#[test]
fn a_bar_that_is_both_is_the_opposite_of_the_swing_before() {
    // Bar 2 has the highest high and the lowest low of itself and the next.
    let bars = bars_of(&[(5., 5., 4., 5.), (7., 9., 6., 7.), (7., 8., 3., 7.), (5., 7., 4., 5.)]);
    let (package, here) = both(RecordOf::Swings, 1, &bars);
    assert_eq!(here, [(1, row(&[1., 9.])), (2, row(&[-1., 3.]))]);
    assert_eq!(at(&package, 1), [row(&[1., 9.])]);
    assert_eq!(at(&package, 2), [] as [Vec<_>; 0], "a high, lower than the one before");
}

#[test]
fn a_flat_stretch_has_no_swings() {
    // From bar 3 on each bar is the highest and the lowest of its window.
    let bars = flat(&[10., 12., 11., 13., 13., 13., 13., 13., 12.]);
    let (package, here) = both(RecordOf::Swings, 1, &bars);
    assert_eq!(here, [(1, row(&[1., 12.])), (2, row(&[-1., 11.])), (7, row(&[1., 13.]))]);
    assert_eq!(at(&package, 3), [row(&[1., 13.])], "the first bar of the stretch");
    assert_eq!(at(&package, 7), [] as [Vec<_>; 0]);
}

/// A break of 0.7, which f32 holds as a little less.
fn break_of_seven_tenths() -> Vec<Bar> {
    flat(&[0.5, 0.6, 0.55, 0.7, 0.65, 0.7, 0.8, 0.75])
}

#[test]
fn a_close_at_the_level_breaks_nothing() {
    let (package, here) = both(CLOSES, 1, &break_of_seven_tenths());
    let broken = |rows: &Rows| at(rows, 3)[0][3];
    assert_eq!(broken(&package), Some(5.0), "0.7 is above 0.7 as f32");
    assert_eq!(broken(&here), Some(6.0));
}

#[test]
fn levels_keep_their_digits() {
    let (package, here) = both(CLOSES, 1, &break_of_seven_tenths());
    assert_eq!(at(&here, 3)[0], row(&[1., NONE, 0.7, 6.]));
    assert_eq!(at(&package, 3)[0], row(&[1., NONE, f64::from(0.7_f32), 5.]));
}

#[test]
fn a_low_at_the_edge_mitigates_nothing() {
    // The block is bar 2; f32 holds 0.3 as a little more.
    let (package, here) = both(WICKS_MITIGATE, 1, &flat(&[0.35, 0.4, 0.3, 0.45, 0.3]));
    let mitigated = |rows: &Rows| at(rows, 2)[0][4];
    assert_eq!(mitigated(&package), Some(3.0), "0.3 is below 0.3 as f32");
    assert_eq!(mitigated(&here), Some(0.0));
}

#[test]
fn a_superseded_break_leaves_nothing() {
    // Three highs, each above the one before, all broken by the close of bar 9.
    let mut bars = vec![(10., 10., 10., 10.), (12., 12., 12., 12.), (11., 11., 11., 11.)];
    bars.extend([(15., 15., 15., 15.), (13., 13., 13., 13.), (14., 18., 14., 14.)]);
    bars.extend([(14., 14., 13.5, 14.), (14., 20., 14., 14.), (14., 14., 14., 14.)]);
    bars.extend([(21., 21., 21., 21.), (14., 14., 14., 14.)]);
    let (package, here) = both(CLOSES, 1, &bars_of(&bars));
    let stands = (7, row(&[1., NONE, 20., 9.]));
    assert_eq!(here, std::slice::from_ref(&stands));
    let ghost = |at| (at, row(&[NONE, NONE, NONE, 9.]));
    assert_eq!(package[1..], [ghost(3), ghost(5), stands], "after one that bar 0 helped to make");
}

#[test]
fn a_level_of_zero_is_a_price() {
    let (package, here) = both(CLOSES, 1, &flat(&[-5., -3., -4., 0., -2., 3., 2.]));
    assert_eq!(at(&package, 3), [row(&[1., NONE, NONE, 5.])]);
    assert_eq!(at(&here, 3), [row(&[1., NONE, 0., 5.])]);
}

/// A bull block on bar 2 that bar 5 goes below and bar 6 leaves upwards.
const BLOCK: [f64; 7] = [9., 10., 7., 12., 11., 6., 8.];

#[test]
fn a_bull_block_is_mitigated_by_the_bar_that_did_it() {
    let (package, here) = both(WICKS_MITIGATE, 1, &flat(&BLOCK[..6]));
    let block = |mitigated| [row(&[1., 7., 7., 3., mitigated, 50.])];
    assert_eq!(at(&package, 2), block(4.));
    assert_eq!(at(&here, 2), block(5.));
}

#[test]
fn a_block_that_price_left_stays() {
    let (package, here) = both(WICKS_MITIGATE, 1, &flat(&BLOCK));
    assert_eq!(at(&package, 2).len(), 0, "erased");
    assert_eq!(at(&here, 2), [row(&[1., 7., 7., 3., 5., 50.])]);
}

#[test]
fn edges_are_never_swapped() {
    // Bar 0 is made a high, and bar 1 closes above it.
    let bars = bars_of(&[(9., 10., 8., 9.), (11., 11., 10.5, 11.), (12., 12.5, 11.8, 12.)]);
    let (package, here) = both(WICKS_MITIGATE, 1, &bars);
    assert_eq!(at(&package, 0)[0][..3], row(&[1., 8., 10.]), "Top is its low, Bottom its high");
    assert_eq!(here, []);
}

#[test]
fn two_blocks_on_one_bar_both_stand() {
    // Bar 12 is the lowest after the high of bar 8 and the highest after the low of bar 5.
    let mut bars = vec![(10., 10., 10., 10.); 5];
    for price in [8., 10., 11., 14., 12., 12.5, 13.] {
        bars.push((price, price, price, price));
    }
    bars.extend([(13., 20., 10., 13.), (15., 16., 14., 15.), (14., 14., 7., 7.)]);
    let (package, here) = both(WICKS_MITIGATE, 3, &bars_of(&bars));
    assert_eq!(at(&package, 12), [row(&[-1., 20., 10., 3., 13., 50.])]);
    let of = |sign, mitigated| row(&[sign, 20., 10., 3., mitigated, 50.]);
    assert_eq!(at(&here, 12), [of(1., 14.), of(-1., 0.)]);
}

#[test]
fn tolerance_does_not_know_the_future() {
    // 100 and 103 are near each other only once price has been at 200.
    let bars = flat(&[95., 100., 96., 103., 97., 200., 199.]);
    let (package, here) = both(RecordOf::Liquidity { range_percent: 0.1 }, 1, &bars);
    assert_eq!(at(&package, 1), [row(&[1., 101.5, 3., 5.])]);
    assert_eq!(here, []);
}

/// Year, month, day and hour, UTC.
type Hour = (i64, u32, u32, i64);

/// Flat bars at civil times.
fn at_times(bars: &[(Hour, f64)]) -> Vec<Bar> {
    let bar = |&((year, month, day, hour), price): &(Hour, f64)| {
        let time = Nanos::from_civil(year, month, day).after(Nanos::HOUR.times(hour));
        Bar::new(time, price, price, price, price, 1.0).expect("a bar")
    };
    bars.iter().map(bar).collect()
}

/// One column of all rows.
fn column(rows: &Rows, column: usize) -> Vec<Option<f64>> {
    rows.iter().map(|(_, cells)| cells[column]).collect()
}

fn previous(period: &str) -> RecordOf {
    RecordOf::PrevHl { period: Period::parse(period).expect("a period") }
}

#[test]
fn a_bar_at_the_start_of_a_bin_belongs_to_it() {
    let hour = |day, hour| (2025, 5, day, hour);
    let bars =
        at_times(&[(hour(1, 12), 10.), (hour(2, 12), 20.), (hour(3, 0), 30.), (hour(3, 1), 31.)]);
    let (package, here) = both(previous("1D"), 1, &bars);
    assert_eq!(column(&package, 0)[2..], row(&[10., 20.]));
    assert_eq!(column(&here, 0)[2..], row(&[20., 20.]));
}

#[test]
fn weeks_and_months_are_not_one_too_old() {
    // Wednesdays and the Sunday of the last week.
    let day = |month, day| (2025, month, day, 12);
    let bars =
        at_times(&[(day(5, 7), 10.), (day(5, 14), 20.), (day(5, 21), 30.), (day(5, 25), 31.)]);
    let (package, here) = both(previous("W"), 1, &bars);
    assert_eq!(column(&package, 0), row(&[NONE, NONE, 10., 20.]));
    assert_eq!(column(&here, 0), row(&[NONE, 10., 20., 20.]));
    let bars = at_times(&[(day(3, 5), 10.), (day(4, 5), 20.), (day(5, 5), 30.), (day(5, 31), 31.)]);
    let (package, here) = both(previous("ME"), 1, &bars);
    assert_eq!(column(&package, 0), row(&[NONE, NONE, 10., 20.]));
    assert_eq!(column(&here, 0), row(&[NONE, 10., 20., 20.]));
}

#[test]
fn bins_do_not_depend_on_where_the_data_begin() {
    let hours: Vec<_> =
        (0..72).map(|n| ((2025, 5, 1 + n as u32 / 24, n % 24), 100.0 + n as f64)).collect();
    let (all, late) = (at_times(&hours), at_times(&hours[24..]));
    let last = |rows: &Rows| rows.last().expect("a row").1[0];
    let (package_all, here_all) = both(previous("7h"), 1, &all);
    let (package_late, here_late) = both(previous("7h"), 1, &late);
    assert_eq!((last(&package_all), last(&package_late)), (Some(169.), Some(165.)));
    assert_eq!(last(&here_all), last(&here_late));
}

/// Rows of a session, as the package has it and as it is here.
fn session(name: &str, bars: &[Bar]) -> (Rows, Rows) {
    let of =
        |compat| RecordOf::Sessions { window: session_window(name, compat).expect("a window") };
    (recorded(of(true), 1, true, bars), recorded(of(false), 1, false, bars))
}

fn hours_of(rows: &Rows) -> Vec<u32> {
    rows.iter().map(|(at, _)| *at).collect()
}

#[test]
fn sessions_follow_summer_time() {
    let day = |month| {
        let hours: Vec<_> = (0..24).map(|hour| ((2026, month, 15, hour), 1.0)).collect();
        session("london", &at_times(&hours))
    };
    let ((package, winter), (package_too, summer)) = (day(1), day(7));
    assert_eq!(hours_of(&package), (7..=16).collect::<Vec<_>>());
    assert_eq!(package, package_too);
    assert_eq!(hours_of(&winter), (8..17).collect::<Vec<_>>());
    assert_eq!(hours_of(&summer), (7..16).collect::<Vec<_>>());
}

#[test]
fn a_session_ends_before_its_end() {
    let hours: Vec<_> = (0..24).map(|hour| ((2025, 5, 1, hour), 1.0)).collect();
    let (package, here) = session("22:00-02:00 UTC", &at_times(&hours));
    assert_eq!(hours_of(&package), [0, 1, 2, 22, 23]);
    assert_eq!(hours_of(&here), [0, 1, 22, 23]);
}

#[test]
fn a_gap_does_not_join_two_sessions() {
    let bars = at_times(&[((2025, 5, 1, 12), 10.), ((2025, 5, 2, 12), 5.)]);
    let (package, here) = session("London", &bars);
    assert_eq!(package[1], (1, row(&[1., 10., 5.])));
    assert_eq!(here[1], (1, row(&[1., 5., 5.])));
}

#[test]
fn prices_below_zero_have_a_session_high() {
    let hour = |hour| (2025, 5, 1, hour);
    let bars = at_times(&[(hour(12), -3.), (hour(13), 0.), (hour(14), 2.)]);
    let (package, here) = session("London", &bars);
    assert_eq!(package[0], (0, row(&[1., 0., -3.])));
    assert_eq!(here[0], (0, row(&[1., -3., -3.])));
    let (package, here) = session("London", &bars[1..]);
    assert_eq!(package[1], (1, row(&[1., 2., 2.])), "the Low of 0 is forgotten");
    assert_eq!(here[1], (1, row(&[1., 2., 0.])));
}

/// Legs 14 to 10 (three quarters given back), to 16 (a half), to 12 (three quarters), to 20.
const LEGS: [f64; 11] = [10., 14., 12., 10., 13., 16., 13., 12., 15., 20., 18.];

#[test]
fn retracements_stand_at_their_bar() {
    let (package, here) = both(RecordOf::Retracements, 1, &flat(&LEGS));
    assert_eq!(here[8], (8, row(&[-1., 75., 75.])));
    assert_eq!(package[9], (9, row(&[-1., 75., 75.])));
}

#[test]
fn the_first_legs_are_measured() {
    let (package, here) = both(RecordOf::Retracements, 1, &flat(&LEGS));
    assert_eq!(here[4], (4, row(&[-1., 75., 75.])));
    assert_eq!(here[2], (2, row(&[1., NONE, NONE])), "one swing is no leg");
    assert_eq!(at(&package, 5), [row(&[0., 0., 0.])]);
}

#[test]
fn a_swing_retraces_nothing_of_itself() {
    let mut bars = flat(&LEGS);
    // The low's bar comes from half way up its leg.
    let low = &mut bars[7];
    *low = Bar::new(low.time(), 14., 14., 12., 12., 1.0).expect("a bar");
    let (package, here) = both(RecordOf::Retracements, 1, &bars);
    assert_eq!(here[7], (7, row(&[-1., 0., 0.])));
    assert_eq!(package[8], (8, row(&[-1., 50., 50.])), "one row late");
}

//! Proves, of what depends on the time of day: offsets equal a rule written down by hand for every
//! hour of a hundred years; every session of a year opens and closes once a day at the instants
//! that this rule gives, on bars of 1, 5 and 15 minutes and over the days on which America's and
//! Europe's clocks change; period levels and models equal slow transcriptions of their definitions
//! on real minutes; any times in any order do no harm, read the same in every prefix, upside down
//! and at another scale.

use crate::tables::real_minutes;
use aegis_smc::{
    Clock, ClockParams, Concepts, Detector, Event, Kind, Of, Params, Session, TimeZone,
    kill_zone_at, sessions_at,
};
use aegis_types::{Bar, Nanos, Side};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn clock(concepts: Concepts) -> Clock {
    Clock::new(ClockParams::default(), concepts)
}

const CLOCK: Concepts =
    Concepts::SESSIONS.with(Concepts::PERIODS).with(Concepts::MODELS).with(Concepts::OPENING_GAPS);

fn read(concepts: Concepts, bars: &[Bar]) -> Vec<Event> {
    let mut clock = clock(concepts);
    let mut events = Vec::new();
    for (at, bar) in (0..).zip(bars) {
        clock.push(at, bar, None, &mut |event| events.push(event));
    }
    events
}

fn seconds(year: i64, month: u32, day: u32) -> i64 {
    Nanos::from_civil(year, month, day).0 / 1_000_000_000
}

/// The n-th Sunday of a month, in seconds.
fn sunday(year: i64, month: u32, nth: i64) -> i64 {
    let first = seconds(year, month, 1);
    // 4 January 1970 was a Sunday.
    let wait = (3 * DAY - first).rem_euclid(7 * DAY);
    first + wait + (nth - 1) * 7 * DAY
}

/// New York's offset by the law of 2007 as one would tell it: from the second Sunday of March,
/// 02:00 winter time, to the first Sunday of November, 02:00 summer time.
fn new_york_offset(at: i64) -> i64 {
    let (year, ..) = Nanos(at * 1_000_000_000).civil();
    let summer = sunday(year, 3, 2) + 7 * 3_600..sunday(year, 11, 1) + 6 * 3_600;
    if summer.contains(&at) { -4 * 3_600 } else { -5 * 3_600 }
}

/// London's: from the last Sunday of March to the last of October, both at 01:00 UTC.
fn london_offset(at: i64) -> i64 {
    let (year, ..) = Nanos(at * 1_000_000_000).civil();
    let last = |month| {
        let fifth = sunday(year, month, 5);
        // March and October have 31 days.
        if fifth < seconds(year, month, 1) + 31 * DAY { fifth } else { fifth - 7 * DAY }
    };
    let summer = last(3) + 3_600..last(10) + 3_600;
    if summer.contains(&at) { 3_600 } else { 0 }
}

#[test]
fn a_higher_trend_vetoes_the_bias_and_changes_nothing_else() {
    let Some(bars) = real_minutes("BTCUSDT", 12_000) else { return };
    let read = |trend: Option<Side>| {
        let mut detector = Detector::new(&Params::default());
        let (mut biases, mut others) = (Vec::new(), Vec::new());
        for bar in &bars {
            detector.set_higher_trend(trend);
            detector.push(bar, &mut |event| {
                if event.kind == Kind::DailyBias { &mut biases } else { &mut others }.push(event);
            });
        }
        (biases, others)
    };
    let (free, others) = read(None);
    assert!([Side::Buy, Side::Sell].iter().all(|side| free.iter().any(|e| e.side == Some(*side))));
    for trend in [Side::Buy, Side::Sell] {
        let (vetoed, same) = read(Some(trend));
        assert!(!vetoed.is_empty() && vetoed.iter().all(|e| e.side != Some(trend.opposite())));
        assert!(vetoed.len() < free.len());
        assert_eq!(same, others);
    }
}

#[test]
fn offsets_equal_the_rule_for_a_hundred_years() {
    let mut changes = 0;
    let mut before = 0;
    for hour in seconds(2008, 1, 1) / 3_600..seconds(2108, 1, 1) / 3_600 {
        for at in [hour * 3_600, hour * 3_600 + 3_599] {
            let instant = Nanos(at * 1_000_000_000);
            let offset = i64::from(TimeZone::NewYork.offset_s(instant));
            assert_eq!(offset, new_york_offset(at), "{}", instant.utc());
            assert_eq!(i64::from(TimeZone::London.offset_s(instant)), london_offset(at));
            changes += u32::from(offset != before);
            before = offset;
        }
    }
    assert_eq!(changes, 201, "two a year");
}

/// The windows as the literature states them, in minutes of New York's day.
const WINDOWS: [(Session, i64, i64); 8] = [
    (Session::Sydney, 17 * 60, 2 * 60),
    (Session::Tokyo, 20 * 60, 5 * 60),
    (Session::London, 3 * 60, 12 * 60),
    (Session::NewYork, 8 * 60, 17 * 60),
    (Session::Asia, 20 * 60, 0),
    (Session::LondonOpen, 2 * 60, 5 * 60),
    (Session::NewYorkOpen, 8 * 60 + 30, 11 * 60),
    (Session::LondonClose, 10 * 60, 12 * 60),
];

/// Is this session on at that instant, by the minute on New York's clock?
fn is_on(session: Session, at: i64) -> bool {
    let minute = (at + new_york_offset(at)).rem_euclid(DAY) / MINUTE;
    let (_, start, end) = WINDOWS[session as usize];
    if start < end { start <= minute && minute < end } else { minute >= start || minute < end }
}

/// Opens and closes of a stretch of bars: instant in seconds, whether it opens, of what.
fn turns(events: &[Event], bars: &[Bar]) -> Vec<(i64, bool, Of)> {
    let turn = |event: &Event| {
        let opens = matches!(event.kind, Kind::SessionOpened | Kind::KillZoneOpened);
        let at = bars[event.at as usize].time().0 / 1_000_000_000;
        (at, opens, event.of)
    };
    events.iter().map(turn).collect()
}

fn flat_bars(from: i64, until: i64, minutes: i64) -> Vec<Bar> {
    let times = (from..until).step_by((minutes * MINUTE) as usize);
    let bar = |at: i64| Bar::new(Nanos(at * 1_000_000_000), 5.0, 6.0, 4.0, 5.0, 1.0);
    times.map(|at| bar(at).expect("a bar")).collect()
}

#[test]
fn a_year_of_sessions_opens_and_closes_by_the_rule() {
    let (from, until) = (seconds(2026, 1, 1) + 5 * 3_600, seconds(2027, 1, 1) + 5 * 3_600);
    for minutes in [1, 5, 15] {
        let bars = flat_bars(from, until, minutes);
        let found = turns(&read(Concepts::SESSIONS, &bars), &bars);
        let mut want = Vec::new();
        let mut on = [false; 8];
        for bar in &bars {
            let at = bar.time().0 / 1_000_000_000;
            for opens in [false, true] {
                for session in Session::ALL {
                    let now = is_on(session, at);
                    if now != on[session as usize] && now == opens {
                        on[session as usize] = now;
                        want.push((at, opens, session.of()));
                    }
                }
            }
        }
        for (found, want) in found.iter().zip(&want) {
            assert_eq!(found, want, "{minutes} minute bars");
        }
        assert_eq!(found.len(), want.len(), "{minutes} minute bars");
        let mut daily: BTreeMap<(Of, bool, i64), u32> = BTreeMap::new();
        // Sydney and Tokyo are under way when the year begins in New York.
        for (at, opens, of) in found.into_iter().filter(|turn| turn.0 != from) {
            // A session over midnight closes on the day after.
            let day = (at + new_york_offset(at)).div_euclid(DAY);
            *daily.entry((of, opens, day)).or_default() += 1;
        }
        assert!(daily.values().all(|count| *count == 1));
        let opened = |of| daily.keys().filter(|key| key.0 == of && key.1).count();
        assert_eq!(Session::ALL.map(|session| opened(session.of())), [365; 8]);
    }
}

#[test]
fn the_days_on_which_clocks_change() {
    // Opens and closes of one session on one UTC day, in minutes.
    let hours = |month, day, session: Session| {
        let from = seconds(2026, month, day);
        // Bars from before, so that nothing opens because the data begin.
        let bars = flat_bars(from - DAY, from + DAY, 1);
        let events = read(Concepts::SESSIONS, &bars);
        let turns = turns(&events, &bars).into_iter();
        let mine = turns.filter(|turn| turn.2 == session.of() && turn.0 >= from);
        mine.map(|(at, opens, _)| ((at - from) / MINUTE, opens)).collect::<Vec<_>>()
    };
    let span = |open: i64, close: i64| [(open * 60, true), (close * 60, false)];
    let london = Session::LondonOpen;
    assert_eq!(hours(3, 7, london), span(7, 10));
    assert_eq!(hours(3, 8, london), span(7, 9), "02:00 to 03:00 is skipped");
    assert_eq!(hours(3, 9, london), span(6, 9));
    assert_eq!(hours(3, 29, london), span(6, 9), "Europe's change is not New York's");
    assert_eq!(hours(10, 25, london), span(6, 9));
    assert_eq!(hours(10, 31, london), span(6, 9));
    assert_eq!(hours(11, 1, london), span(7, 10), "after the hour that came twice");
    assert_eq!(hours(11, 2, london), span(7, 10));
    let asia = |month, day| hours(month, day, Session::Asia);
    assert_eq!(asia(3, 8), [(60, true), (5 * 60, false)], "20:00 the evening before");
    assert_eq!(asia(3, 9), [(0, true), (4 * 60, false)]);
    assert_eq!(asia(11, 1), [(0, true), (4 * 60, false)]);
    assert_eq!(asia(11, 2), [(60, true), (5 * 60, false)]);
    let sydney = |month, day| hours(month, day, Session::Sydney);
    assert_eq!(sydney(3, 8), [(7 * 60, false), (21 * 60, true)]);
    assert_eq!(sydney(11, 1), [(7 * 60, false), (22 * 60, true)]);
    let morning = |month, day| hours(month, day, Session::NewYorkOpen);
    assert_eq!(morning(3, 8), [(750, true), (900, false)]);
    assert_eq!(morning(11, 1), [(810, true), (960, false)]);
}

#[test]
fn sessions_of_an_instant_are_those_that_events_tell() {
    let from = seconds(2026, 3, 7);
    for minute in 0..3 * 1_440 {
        let at = from + minute * MINUTE + 59;
        let instant = Nanos(at * 1_000_000_000 + 999_999_999);
        let on: Vec<_> = Session::ALL.into_iter().filter(|s| is_on(*s, at)).collect();
        assert_eq!(sessions_at(instant).collect::<Vec<_>>(), on);
        let kill_zone = on.into_iter().find(|session| session.is_kill_zone());
        assert_eq!(kill_zone_at(instant), kill_zone);
    }
}

/// Real minutes from Monday 5 May 2025 on, at their times.
fn month() -> Option<Vec<Bar>> {
    // The file begins on 4 May at 15:33 and has every minute from there.
    let bars = real_minutes("BTCUSDT", usize::MAX)?.split_off(507);
    let start = Nanos::from_civil(2025, 5, 5);
    let moved = |bar: &Bar, time| {
        Bar::new(time, bar.open(), bar.high(), bar.low(), bar.close(), bar.volume())
    };
    let times = (0..).map(|minute| start.after(Nanos::MINUTE.times(minute)));
    Some(bars.iter().zip(times).map(|(bar, time)| moved(bar, time).expect("a bar")).collect())
}

fn extremes(bars: &[Bar]) -> (f64, f64) {
    let high = bars.iter().map(Bar::high).fold(f64::MIN, f64::max);
    (high, bars.iter().map(Bar::low).fold(f64::MAX, f64::min))
}

#[test]
fn real_days_have_the_levels_of_the_day_before() {
    let Some(bars) = month() else { return };
    let events = read(CLOCK, &bars);
    let of = |kind, of| events.iter().filter(move |e| e.kind == kind && e.of == of);
    let days: Vec<&[Bar]> = bars.chunks(1_440).collect();
    let levels: Vec<_> = of(Kind::PeriodLevel, Of::Day).map(|e| (e.at, e.level)).collect();
    let broken: Vec<_> = of(Kind::PeriodLevelBroken, Of::Day).map(|e| (e.at, e.level)).collect();
    let (mut want_levels, mut want_broken) = (Vec::new(), Vec::new());
    for (day, pair) in (1u32..).zip(days.windows(2)) {
        let (high, low) = extremes(pair[0]);
        want_levels.extend([(day * 1_440, low), (day * 1_440, high)]);
        let at = |found: Option<usize>| found.map(|minute| day * 1_440 + minute as u32);
        let under = at(pair[1].iter().position(|bar| bar.low() < low)).map(|at| (at, low));
        let over = at(pair[1].iter().position(|bar| bar.high() > high)).map(|at| (at, high));
        let mut both: Vec<_> = [under, over].into_iter().flatten().collect();
        both.sort_by_key(|found| found.0);
        want_broken.extend(both);
    }
    assert_eq!(levels, want_levels);
    assert_eq!(broken, want_broken);
    assert!(broken.len() > 20);
    let weeks: Vec<_> = of(Kind::PeriodLevel, Of::Week).map(|e| e.at).collect();
    let monday = |n: u32| n * 7 * 1_440;
    assert_eq!(weeks, [1, 1, 2, 2, 3, 3, 4, 4].map(monday));
}

/// The models of one day, told once more from the whole day's bars. `day` begins at midnight in New
/// York and `asia` is the four hours before.
fn models_of_a_day(asia: &[Bar], day: &[Bar], first: usize) -> Vec<(u32, Kind, Option<Side>)> {
    let (high, low) = extremes(asia);
    let between = |from: usize, until: usize| &day[from.min(day.len())..until.min(day.len())];
    let mut told = vec![(first as u32, Kind::Accumulation, None)];
    for side in [Side::Buy, Side::Sell] {
        let beyond =
            |bar: &Bar| if side == Side::Buy { bar.low() < low } else { bar.high() > high };
        let through = |bar: &Bar| match side {
            Side::Buy => bar.close() > high,
            Side::Sell => bar.close() < low,
        };
        let Some(taken) = between(0, 1_020).iter().position(beyond) else { continue };
        let mut tell = |minute: usize, kind| told.push(((first + minute) as u32, kind, Some(side)));
        if (120..180).contains(&taken) || (510..570).contains(&taken) {
            let inside = |bar: &Bar| low < bar.close() && bar.close() < high;
            if let Some(after) = between(taken, taken + 30).iter().position(inside) {
                tell(taken + after, Kind::JudasSwing);
            }
        }
        if (120..300).contains(&taken) {
            tell(taken, Kind::Manipulation);
            if let Some(after) = between(480, 1_020).iter().position(through) {
                tell(480 + after, Kind::Distribution);
            }
        }
    }
    // Once a day, whichever side was first.
    let rank = |kind| if kind == Kind::Accumulation { 0 } else { 1 };
    told.sort_by_key(|told| (told.0, rank(told.1), told.1 as u8, told.2.map(|side| side as u8)));
    let mut distributed = false;
    told.retain(|told| told.1 != Kind::Distribution || !core::mem::replace(&mut distributed, true));
    told
}

#[test]
fn real_days_have_the_models_of_their_definitions() {
    let Some(bars) = month() else { return };
    let events = read(CLOCK, &bars);
    let kinds = [Kind::Accumulation, Kind::Manipulation, Kind::Distribution, Kind::JudasSwing];
    let mut found: Vec<_> = events.iter().filter(|e| kinds.contains(&e.kind)).collect();
    let rank = |kind| if kind == Kind::Accumulation { 0 } else { 1 };
    found.sort_by_key(|e| (e.at, rank(e.kind), e.kind as u8, e.side.map(|side| side as u8)));
    let found: Vec<_> = found.iter().map(|e| (e.at, e.kind, e.side)).collect();
    let mut want = Vec::new();
    // Midnight in New York is 04:00 UTC all month.
    for first in (240..bars.len()).step_by(1_440) {
        let end = (first + 1_440).min(bars.len());
        want.extend(models_of_a_day(&bars[first - 240..first], &bars[first..end], first));
    }
    assert_eq!(found, want);
    for kind in kinds {
        let count = found.iter().filter(|told| told.1 == kind).count();
        assert!(count >= 3, "{kind:?}: {count} in a month");
    }
    let opens: Vec<_> = events.iter().filter(|e| e.kind == Kind::MidnightOpen).collect();
    assert_eq!(opens.len(), (240..bars.len()).step_by(1_440).count());
    assert!(opens.iter().all(|e| e.at % 1_440 == 240 && e.level == bars[e.at as usize].open()));
    assert!(events.iter().filter(|e| e.kind == Kind::DailyBias).count() > 20);
    let gaps = |of| events.iter().filter(move |e| e.kind == Kind::OpeningGap && e.of == of).count();
    assert_eq!((gaps(Of::Day), gaps(Of::Week)), (17, 4), "Mondays to Thursdays, Sundays");
}

prop_compose! {
    /// Bars on a coarse grid whose times leap, repeat and go back.
    fn wandering(most: usize)(
        start in prop_oneof![Just(0i64), Just(1_772_900_000), Just(1_793_500_000), any::<i64>()],
        steps in prop::collection::vec(
            (prop_oneof![
                8 => 1i64..90, 2 => 90i64..3_000, 1 => Just(0i64), 1 => -3_000i64..0,
                1 => any::<i64>(),
            ], -6i32..=6, 0i32..4, 0i32..4),
            1..most,
        ),
    ) -> Vec<Bar> {
        let mut minute = start / 60;
        let mut close = 100;
        steps.iter().map(|&(leap, step, up, down)| {
            minute = minute.wrapping_add(leap);
            let open = close;
            close = open + step;
            let [high, low] = [open.max(close) + up, open.min(close) - down];
            let [open, high, low, close] = [open, high, low, close].map(f64::from);
            let time = Nanos(minute.saturating_mul(60_000_000_000));
            Bar::new(time, open, high, low, close, 1.0).expect("a bar")
        }).collect()
    }
}

/// The same bars with every price changed, high and low put back in order.
fn changed(bars: &[Bar], price: impl Fn(f64) -> f64) -> Vec<Bar> {
    let change = |bar: &Bar| {
        let (one, other) = (price(bar.high()), price(bar.low()));
        let (high, low) = (one.max(other), one.min(other));
        Bar::new(bar.time(), price(bar.open()), high, low, price(bar.close()), 1.0)
    };
    bars.iter().map(|bar| change(bar).expect("a bar")).collect()
}

fn key(event: &Event) -> (u32, Kind, Of, u32, Option<u8>, u64, u64) {
    let side = event.side.map(|side| side as u8);
    (event.at, event.kind, event.of, event.pos, side, event.level.to_bits(), event.far.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_times_read_the_same_in_every_prefix(bars in wandering(160), cut in 0usize..160) {
        let events = read(CLOCK, &bars);
        let cut = cut.min(bars.len());
        let upto = events.iter().take_while(|event| (event.at as usize) < cut).count();
        prop_assert_eq!(&read(CLOCK, &bars[..cut]), &events[..upto]);
        prop_assert!(events.iter().all(|event| event.pos <= event.at));
        let opens = |kind| events.iter().filter(|event| event.kind == kind).count();
        let (opened, closed) = (opens(Kind::SessionOpened), opens(Kind::SessionClosed));
        prop_assert!(closed <= opened && opened <= closed + 4);
    }

    #[test]
    fn upside_down_and_at_another_scale(bars in wandering(160)) {
        let upright = read(CLOCK, &bars);
        let turned = read(CLOCK, &changed(&bars, |price| -price));
        let back = |event: &Event| {
            let (level, far) = match event.side {
                Some(_) => (-event.level, -event.far),
                None => (-event.far, -event.level),
            };
            key(&Event { side: event.side.map(Side::opposite), level, far, ..*event })
        };
        let mut want: Vec<_> = upright.iter().map(key).collect();
        let mut turned: Vec<_> = turned.iter().map(back).collect();
        want.sort_unstable();
        turned.sort_unstable();
        prop_assert_eq!(&turned, &want);
        let scaled = read(CLOCK, &changed(&bars, |price| price * 1024.0));
        let scaled = scaled.iter().map(|event| {
            key(&Event { level: event.level / 1024.0, far: event.far / 1024.0, ..*event })
        });
        prop_assert_eq!(scaled.collect::<Vec<_>>(), upright.iter().map(key).collect::<Vec<_>>());
    }

    #[test]
    fn bars_that_are_none_at_any_time_do_no_harm(
        bars in prop::collection::vec((any::<i64>(), prop::array::uniform4(any::<f64>())), 1..100),
    ) {
        let bars: Vec<Bar> = bars
            .iter()
            .filter_map(|&(time, [open, high, low, close])| {
                Bar::new(Nanos(time), open, high, low, close, 1.0).ok()
            })
            .collect();
        let events = read(CLOCK, &bars);
        prop_assert!(events.iter().all(|event| event.pos <= event.at));
    }

    #[test]
    fn what_is_off_says_nothing_and_changes_nothing(bars in wandering(120)) {
        let all = read(CLOCK, &bars);
        let mut parts: Vec<Event> = Vec::new();
        for alone in
            [Concepts::SESSIONS, Concepts::PERIODS, Concepts::MODELS, Concepts::OPENING_GAPS]
        {
            parts.extend(read(alone, &bars));
        }
        parts.sort_by_key(|event| event.at);
        prop_assert_eq!(parts, all);
        prop_assert!(read(Concepts::NONE, &bars).is_empty());
    }
}

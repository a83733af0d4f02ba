//! What holds of every run:
//! - equal input gives an equal digest, with and without a journal;
//! - a journal replays to the same digest, and a changed record is found, by its number;
//! - the wallet is the deposit plus exactly what fills, fees and funding say;
//! - the report's parts add up to its whole.

use crate::support::{self, Scratch, generated, shared};
use aegis_backtest::{Report, Session, replay, run};
use aegis_driver::{Driver, Observer};
use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_journal::{Kind, Reader, Writer};
use aegis_types::{Command, Event, EventBody, Money, Nanos, Notice, SymbolId, Tick};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

fn backtest(session: &Session, ticks: &[Tick], journal: Option<&Path>) -> Report {
    let ticks = ticks.iter().map(|tick| Ok::<_, Infallible>(*tick));
    run(session, ticks, journal, |_| {}).unwrap()
}

#[test]
fn a_run_repeats_and_its_journal_replays() {
    let (session, ticks) = generated(7, 2);
    let scratch = Scratch::new("replays");
    let dir = scratch.path().join("journal");
    let first = backtest(&session, &ticks, None);
    let second = backtest(&session, &ticks, Some(&dir));
    assert!(first.trades > 0 && first.orders > 0, "nothing happened: {first:?}");
    assert_eq!(first.digest, second.digest);
    let apart = |report: Report| Report { wall_s: 0.0, journal: None, ..report };
    assert!(Path::new(second.journal.as_deref().unwrap()).is_absolute());
    assert_eq!(apart(first.clone()), apart(second));

    let replayed = replay(&dir, None).unwrap();
    assert!(replayed.matches, "{replayed}");
    assert_eq!(replayed.digest, first.digest);
    assert_eq!(replayed.journal_digest, first.digest);
    assert_eq!((replayed.events, replayed.orders), (first.events, first.orders));
    assert_eq!((replayed.unverified_tail, replayed.first_difference), (0, None));
    assert_eq!(replayed.session, session.id);
}

/// Copies a journal; `change` may alter or leave out a record.
fn copy(
    from: &Path,
    to: &Path,
    mut change: impl FnMut(u64, Kind, Vec<u8>) -> Option<Vec<u8>>,
) -> u64 {
    let mut reader = Reader::open(from).unwrap();
    let header = reader.header().to_vec();
    let mut writer = Writer::create(to, &header, &Default::default()).unwrap();
    while let Some(record) = reader.next().unwrap() {
        let (number, kind, source) = (record.number, record.kind, record.source);
        if kind == Kind::Header {
            continue;
        }
        if let Some(payload) = change(number, kind, record.payload.to_vec()) {
            writer.append(kind, source, &payload).unwrap();
        }
    }
    writer.flush().unwrap();
    writer.records()
}

#[test]
fn every_kind_of_change_to_a_journal_is_found() {
    let (session, ticks) = generated(7, 2);
    let scratch = Scratch::new("changes");
    let original = scratch.path().join("original");
    let report = backtest(&session, &ticks, Some(&original));
    let mut commands = Vec::new();
    let mut answers = Vec::new();
    copy(&original, &scratch.path().join("same"), |number, kind, payload| {
        match kind {
            Kind::Command => commands.push(number),
            Kind::Venue => answers.push(number),
            _ => {}
        }
        Some(payload)
    });
    assert!(replay(&scratch.path().join("same"), None).unwrap().matches);

    // The last byte of a command or answer is part of a number: another number.
    let victims = [commands[commands.len() / 2], answers[answers.len() / 2], answers[0]];
    for victim in victims {
        let dir = scratch.path().join(format!("changed-{victim}"));
        copy(&original, &dir, |number, _, mut payload| {
            if number == victim {
                *payload.last_mut().unwrap() ^= 1;
            }
            Some(payload)
        });
        let replayed = replay(&dir, None).unwrap();
        assert!(!replayed.matches);
        let difference = replayed.first_difference.unwrap();
        assert_eq!(difference.record, victim, "{difference}");
        assert_eq!(replayed.digest, report.digest, "replay goes on by the inputs");
    }
    for victim in victims {
        let dir = scratch.path().join(format!("without-{victim}"));
        copy(&original, &dir, |number, _, payload| (number != victim).then_some(payload));
        let replayed = replay(&dir, None).unwrap();
        assert!(!replayed.matches);
        let difference = replayed.first_difference.unwrap();
        assert_eq!(difference.record, victim, "its place is taken by the next: {difference}");
    }
}

#[test]
fn a_journal_cut_anywhere_still_matches_what_it_holds() {
    let (session, ticks) = generated(7, 2);
    let scratch = Scratch::new("cuts");
    let dir = scratch.path().join("journal");
    backtest(&session, &ticks, Some(&dir));
    let mut first_fill = None;
    let mut records = 0;
    let mut reader = Reader::open(&dir).unwrap();
    while let Some(record) = reader.next().unwrap() {
        if record.kind == Kind::Command && first_fill.is_none() {
            first_fill = Some(record.number);
        }
        records = record.number;
    }
    let busy = first_fill.unwrap();
    let cuts = (busy - 3..busy + 25).chain([1, 2, records / 2, records]);
    for until in cuts {
        let replayed = replay(&dir, Some(until)).unwrap();
        assert!(replayed.matches, "cut before record {until}: {replayed}");
        assert!(replayed.records < until, "{} of {until}", replayed.records);
    }
}

/// What must hold of any report.
fn check(report: &Report) {
    let sum = |values: &mut dyn Iterator<Item = Money>| {
        values.fold(Money::ZERO, |sum, value| sum.plus(value).unwrap())
    };
    let from_fills =
        sum(&mut [report.equity_start, report.realized, -report.fees, report.funding].into_iter());
    assert_eq!(from_fills, report.wallet_end, "deposit + realised − fees + funding = wallet");

    // Closed trades and what open positions have paid so far explain the wallet, to the last unit.
    let closed = sum(&mut report.by_symbol.values().map(|symbol| symbol.closed.net));
    let open = sum(&mut report.open_at_end.iter().map(|p| p.funding.minus(p.fees).unwrap()));
    let explained = sum(&mut [report.equity_start, closed, open].into_iter());
    assert_eq!(explained, report.wallet_end, "trade nets and open positions = wallet change");

    let unrealized = sum(&mut report.open_at_end.iter().map(|p| p.unrealized));
    assert_eq!(report.wallet_end.plus(unrealized).unwrap(), report.equity_end);

    let reasons = sum(&mut report.by_reason.values().map(|group| group.net));
    let sides = sum(&mut report.by_side.values().map(|group| group.net));
    assert_eq!((reasons, sides), (closed, closed));
    assert_eq!(report.by_reason.values().map(|group| group.trades).sum::<u64>(), report.trades);
    assert_eq!(report.by_symbol.values().map(|s| s.fills).sum::<u64>(), report.fills);
    assert_eq!(report.by_symbol.values().map(|s| s.orders).sum::<u64>(), report.orders);
    assert_eq!(report.by_symbol.values().map(|s| s.candles).sum::<u64>(), report.candles);
    assert_eq!(report.by_symbol.values().map(|s| s.signals).sum::<u64>(), report.signals);
    assert_eq!(report.trades_long + report.trades_short, report.trades);
    assert_eq!(report.signals_long + report.signals_short, report.signals);
    let rotated = report.by_reason.get("rotation").map_or(0, |group| group.trades);
    assert_eq!(rotated, report.rotations);
    assert_eq!(report.order_outcomes.sent, report.orders);
    assert_eq!(report.order_rejections.values().sum::<u64>(), report.order_outcomes.rejected);
    assert!((0.0..=1.0).contains(&report.exposure), "{}", report.exposure);
    assert!((0.0..=1.0).contains(&report.max_drawdown), "{}", report.max_drawdown);
    assert!(report.max_open_positions <= 3 && report.max_leverage <= 3.0);
    assert!(report.max_exposure <= 3.0 + 0.2, "drift beyond the cap at entry: {report:?}");
    assert_eq!(report.ticks, 2 * report.candles);
}

/// A whole run is one case; the seed of a failing one is printed.
fn books() -> ProptestConfig {
    ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(books())]

    #[test]
    fn the_books_balance_on_any_market(seed in 1u64..1_000_000, days in 1u32..3) {
        let (session, ticks) = generated(seed, days);
        check(&backtest(&session, &ticks, None));
    }
}

#[test]
fn the_books_balance_on_a_long_run() {
    let (session, ticks) = generated(7, 4);
    let report = backtest(&session, &ticks, None);
    assert!(report.trades > 0);
    check(&report);
}

/// Drawdown and exposure from the engine itself, looked at between the closes and the opens of
/// every minute: independent of what the engine tells.
#[test]
fn the_curve_is_the_engines() {
    let (session, ticks) = generated(7, 4);
    let report = backtest(&session, &ticks, None);
    let (mut driver, initial) = session.build().unwrap();
    let Ok(()) = driver.start(ticks[0].at, &initial, &mut ());
    let (mut peak, mut drawdown) = (report.equity_start, 0f64);
    let (mut minutes, mut held) = (0u32, 0u32);
    let is_close = |tick: &Tick| tick.candle().is_some();
    for (index, tick) in ticks.iter().enumerate() {
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut ());
        let last_close = is_close(tick) && ticks.get(index + 1).is_none_or(|next| !is_close(next));
        if last_close {
            let equity = driver.engine().equity();
            peak = peak.max(equity);
            drawdown = drawdown.max(peak.minus(equity).unwrap().ratio_of(peak));
            minutes += 1;
            held += u32::from(driver.engine().positions().next().is_some());
        }
    }
    // A minute is told of at the first open behind it, which may already fill an order.
    let exposure = f64::from(held) / f64::from(minutes);
    assert!(report.max_drawdown > 0.005, "a market without a loss shows nothing");
    assert!((report.max_drawdown - drawdown).abs() < 0.001, "{drawdown} {}", report.max_drawdown);
    assert!((report.exposure - exposure).abs() < 0.02, "{exposure} {}", report.exposure);
    assert_eq!(report.equity_end, driver.engine().equity());
}

#[test]
fn json_has_the_keys_that_scripts_read() {
    let (session, ticks) = generated(7, 2);
    let report = backtest(&session, &ticks, None);
    let json = serde_json::to_value(&report).unwrap();
    let integers = "candles ticks symbols signals orders fills trades max_open_positions";
    for key in integers.split(' ') {
        assert!(json[key].is_u64(), "{key}: {}", json[key]);
    }
    for key in ["equity_start", "equity_end", "fees", "funding"] {
        let text = json[key].as_str().unwrap_or_else(|| panic!("{key} is no string"));
        text.parse::<Money>().unwrap();
    }
    for key in ["max_leverage", "max_exposure", "max_drawdown", "exposure", "wall_s"] {
        assert!(json[key].is_f64(), "{key}: {}", json[key]);
    }
    for key in ["profit_factor", "expectancy_r"] {
        assert!(json[key].is_f64() || json[key].is_null(), "{key}: {}", json[key]);
    }
    for key in ["rejections", "refusals", "by_symbol", "by_reason"] {
        assert!(json[key].is_object(), "{key}: {}", json[key]);
    }
    assert!(json["open_at_end"].is_array() && json["assumptions"].is_array());
    assert!(json["journal"].is_null());
    assert_eq!(json["digest"].as_str().unwrap().len(), 64);
    let back: Report = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
}

#[test]
fn a_failing_source_ends_the_run_with_its_own_words() {
    let (session, ticks) = generated(7, 1);
    let broken = ticks.iter().take(100).map(|t| Ok(*t)).chain([Err("BTCUSDT-1m.csv:7: cut")]);
    let error = run(&session, broken, None, |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "BTCUSDT-1m.csv:7: cut");
}

#[test]
fn a_second_journal_in_one_folder_is_refused() {
    let (session, ticks) = generated(7, 1);
    let scratch = Scratch::new("twice");
    let dir = scratch.path().join("journal");
    backtest(&session, &ticks[..1_000], Some(&dir));
    let again = ticks[..1_000].iter().map(|tick| Ok::<_, Infallible>(*tick));
    assert!(run(&session, again, Some(&dir), |_| {}).is_err());
}

#[test]
fn real_data_trades_repeats_and_replays() {
    let Some(shared) = shared("real market data") else { return };
    let (session, ticks) = support::recorded(&shared.join("data/futures_1m"), 1);
    let scratch = Scratch::new("real");
    let dir = scratch.path().join("journal");
    let report = backtest(&session, &ticks, Some(&dir));
    check(&report);
    assert!(report.signals > 0 && report.trades > 0, "{}", report.text("real data"));
    let replayed = replay(&dir, None).unwrap();
    assert!(replayed.matches, "{replayed}");
    assert_eq!(replayed.digest, report.digest);
}

/// Orders by symbol and minute.
#[derive(Default)]
struct Busy(BTreeMap<(SymbolId, i64), u32>);

impl Observer for Busy {
    type Error = Infallible;

    fn event(&mut self, _: &Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Infallible> {
        if let Command::Submit { order } = command {
            *self.0.entry((order.symbol, at.0.div_euclid(Nanos::MINUTE.0))).or_default() += 1;
        }
        Ok(())
    }

    fn notice(&mut self, _: Nanos, _: u64, _: &Notice) {}
}

/// Most orders that one symbol may see in a minute: an entry, three stops, a target, and closes
/// at once and after 0.25, 0.5, 1 … 32 s; the rest is for a stop or close for which room was made.
const ORDERS_PER_MINUTE: u32 = 16;

/// Runs with so small an order table at the venue: belief and truth must agree, and nobody hammers.
/// Returns how many positions were closed.
fn run_crowded(session: &Session, ticks: &[Tick], orders_per_symbol: u16) -> u32 {
    let engine = session.engine().unwrap();
    let config = ExchangeConfig { orders_per_symbol, ..session.settings().unwrap().exchange() };
    let mut exchange = Exchange::new(config, &session.instruments).unwrap();
    let mut initial = Vec::new();
    exchange.open(&mut initial);
    let mut driver = Driver::new(engine, exchange);
    let mut busy = Busy::default();
    let Ok(()) = driver.start(ticks[0].at, &initial, &mut busy);
    for tick in ticks {
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut busy);
        let (engine, venue) = (driver.engine(), driver.venue());
        let believed = engine.positions().count();
        assert_eq!(believed, venue.positions().count(), "{orders_per_symbol} at {:?}", tick.at);
        for held in engine.positions() {
            let truth = venue.position(held.symbol).expect("the venue holds it");
            assert_eq!((held.side, held.qty), (truth.side, truth.qty));
        }
    }
    assert_eq!((driver.engine().stray_fills(), driver.fault()), (0, None));
    let most = busy.0.values().copied().max().unwrap_or(0);
    assert!(most <= ORDERS_PER_MINUTE, "{most} orders of one symbol in a minute");
    driver.engine().trades()
}

#[test]
fn a_full_order_table_parts_neither_belief_from_truth_nor_hammers() {
    let (session, ticks) = generated(7, 4);
    for room in 1..=5 {
        let trades = run_crowded(&session, &ticks, room);
        assert!(trades > 0, "nothing happened with {room}");
    }
}

#[test]
fn a_full_order_table_on_real_data() {
    let Some(shared) = shared("real market data") else { return };
    let (session, ticks) = support::recorded(&shared.join("data/futures_1m"), 8);
    assert!(run_crowded(&session, &ticks, 2) > 0);
}

//! Every reason to turn a signal away is produced by a story here, and the table of them in
//! `docs/` says what the code says.

use crate::controls;
use crate::world::{A, B, C, D, World, config, instruments, money, proposal, px, qty, rate};
use aegis_engine::{EngineConfig, SLOTS, denial_table};
use aegis_learn::Proposal;
use aegis_types::{
    AccountUpdate, Cause, DenialCode, EventBody, Instrument, Nanos, Operator, OrderReason,
    OrderUpdate, RejectCode, Side, SymbolId, Tick, TickBody,
};
use std::path::PathBuf;

fn long(stop: f64, target: f64) -> Proposal {
    Proposal { stop, target, ..proposal(Side::Buy, 0.7) }
}

/// The codes of one signal in a usual world that was prepared first.
fn after(prepare: impl FnOnce(&mut World)) -> World {
    let mut world = World::usual();
    prepare(&mut world);
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

/// The codes of this proposal.
fn of(proposal: Proposal) -> World {
    with(config(), |_| {}, proposal)
}

fn with(config: EngineConfig, change: impl Fn(&mut Instrument), proposal: Proposal) -> World {
    let mut instruments = instruments(4);
    instruments.iter_mut().for_each(change);
    let mut world = World::new(config, &instruments);
    world.propose(A, proposal);
    world.minute();
    world
}

/// Three positions, A the weakest.
fn full() -> World {
    let mut world = World::usual();
    for (symbol, confidence) in [(A, 0.70), (B, 0.80), (C, 0.75)] {
        world.enter(symbol, Side::Buy, confidence);
    }
    world
}

fn fourth(mut world: World, confidence: f64) -> World {
    world.propose(D, proposal(Side::Buy, confidence));
    world.closes();
    world
}

fn in_profit() -> World {
    let mut world = full();
    world.prices[0] = px("101");
    world.minute();
    world
}

/// A close that comes to the engine four minutes after its time.
fn stale() -> World {
    let mut world = World::usual();
    world.propose(A, proposal(Side::Buy, 0.7));
    let close = world.at.floor(Nanos::MINUTE).after(Nanos::MINUTE);
    world.wait(Nanos::MINUTE.times(5));
    let px = world.prices[0];
    let body = TickBody::Candle { open: px, high: px, low: px, close: px, volume: 1.0 };
    let tick = Tick { symbol: A, derived: false, at: close, received_us: 0, body };
    world.event(EventBody::Market(tick));
    world
}

fn refused() -> World {
    let mut world = World::usual();
    world.answers = false;
    world.held[0].leverage = 3;
    let update = AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.wait(Nanos::SECOND);
    let entry = world.last_order(OrderReason::Entry);
    world.update(entry, OrderUpdate::Rejected { code: RejectCode::Margin });
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

/// The price runs away from the stop while the leverage is being confirmed.
fn run_away() -> World {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.prices[0] = px("103.5");
    world.open(A);
    let update = AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    world
}

fn poor_day() -> World {
    after(|world| {
        world.pay(money("-500.01"));
    })
}

/// Positions that are closed but whose targets never go.
fn drained() -> World {
    let few = EngineConfig { positions_max: 1, ..config() };
    let mut world = World::new(few, &instruments(SLOTS as u16 + 1));
    world.cancels = false;
    for index in 0..SLOTS as u16 {
        world.enter(SymbolId(index), Side::Buy, 0.7);
        world.prices[usize::from(index)] = px("102");
        world.minute();
    }
    world.propose(SymbolId(SLOTS as u16), proposal(Side::Buy, 0.7));
    world.closes();
    world
}

fn lapsed() -> World {
    let mut world = in_profit();
    world.fills = false;
    world = fourth(world, 0.9);
    world.minute();
    world
}

fn risky(proposals: &[(SymbolId, Proposal)]) -> World {
    let mut world = World::new(EngineConfig { risk_fraction: 0.02, ..config() }, &instruments(4));
    for (symbol, proposal) in proposals {
        world.propose(*symbol, *proposal);
    }
    world.minute();
    world
}

fn penniless() -> World {
    let mut world = World::bare(config(), &instruments(4));
    for _ in 0..3 {
        world.minute();
    }
    world.propose(A, proposal(Side::Buy, 0.7));
    world.minute();
    world
}

/// The story of a code.
fn story(code: DenialCode) -> World {
    use DenialCode as Code;
    let unwarmed = || EngineConfig { warm_up_bars: 250, ..config() };
    let gated = || EngineConfig { signal_confidence: 0.5, ..config() };
    let usual = || proposal(Side::Buy, 0.7);
    match code {
        Code::WarmingUp => with(unwarmed(), |_| {}, usual()),
        Code::LowConfidence => with(gated(), |_| {}, proposal(Side::Buy, 0.55)),
        Code::Paused => after(|world| world.operator(Operator::Pause)),
        Code::Halted => after(|world| world.operator(Operator::Halt)),
        Code::Reducing => after(|world| controls::condition(world, Cause::Clock, true)),
        Code::StaleData => stale(),
        Code::Tainted => after(|world| world.wait(Nanos::MINUTE.times(2))),
        Code::CoolDown => refused(),
        Code::AlreadyInPosition => after(|world| assert!(world.enter(A, Side::Buy, 0.7).protected)),
        Code::BadStop => of(long(100.0, 102.0)),
        Code::BadTarget => of(long(99.0, 99.5)),
        Code::FeeOverRisk => of(long(99.5, 102.0)),
        Code::RewardOverRisk => of(long(99.0, 100.5)),
        Code::RiskTooLarge => run_away(),
        Code::BelowMinimum => with(config(), |i| i.qty_min = qty("51"), usual()),
        Code::AboveMaximum => with(config(), |i| i.qty_max = qty("49"), usual()),
        Code::OrderTooLarge => {
            controls::order_of_5000(|config| config.order_notional_max = money("4999.99"))
        }
        Code::NoReference => controls::quoted(None, None),
        Code::CrossedBook => controls::quoted(Some(("100", 1)), Some(("101", "100", 1))),
        Code::PriceCollar => controls::quoted(Some(("90", 1)), Some(("99.9", "100.1", 1))),
        Code::Repeated => controls::repeated(2, Side::Buy, Nanos::ZERO),
        Code::LeverageCap => with(config(), |i| i.taker_fee = rate("0"), long(99.9, 101.0)),
        Code::ExposureCap => risky(&[(A, long(99.3, 102.0)), (B, long(99.3, 102.0))]),
        Code::LiquidationBeforeStop => {
            of(Proposal { stop: 199.0, target: 1.0, ..proposal(Side::Sell, 0.7) })
        }
        Code::InsufficientMargin => penniless(),
        Code::DailyLoss => poor_day(),
        Code::Drawdown => controls::fallen("2000"),
        Code::StopGuard => controls::stopped(2, controls::stop_guard(2)),
        Code::RecentDrawdown => controls::stopped(2, controls::drawdown_guard(0.01)),
        Code::LowProfit => controls::stopped(2, controls::profit_guard(0.0)),
        Code::SlotsFullNotStronger => fourth(in_profit(), 0.70),
        Code::SlotsFullNotInProfit => fourth(full(), 0.9),
        Code::SlotsFullBusy => {
            let mut world = in_profit();
            world.fills = false;
            world.propose(A, proposal(Side::Buy, 0.9));
            fourth(fourth(world, 0.9), 0.95)
        }
        Code::RotationLapsed => lapsed(),
        Code::TableFull => drained(),
        Code::OutOfRange => of(long(f64::INFINITY, 102.0)),
    }
}

#[test]
fn every_code_has_a_story_that_produces_it() {
    for &code in DenialCode::ALL {
        let world = story(code);
        let denials = world.denials();
        let found = denials.iter().find(|denial| denial.code == code);
        let found = found.unwrap_or_else(|| panic!("{code} not among {denials:?}"));
        assert!(found.measured.is_finite() || code == DenialCode::OutOfRange, "{found:?}");
        assert!(found.limit.is_finite(), "{found:?}");
    }
}

#[test]
fn numbers_are_the_measured_and_the_allowed() {
    use DenialCode as Code;
    for (code, measured, limit) in [
        (Code::WarmingUp, 4.0, 250.0),
        (Code::LowConfidence, 0.55, 0.55),
        (Code::StaleData, 240.0, 180.0),
        (Code::Tainted, 2.0, 0.0),
        (Code::CoolDown, 1.0, 0.0),
        (Code::BadStop, 100.0, 100.0),
        (Code::RewardOverRisk, 0.5, 1.0),
        (Code::BelowMinimum, 50.0, 51.0),
        (Code::AboveMaximum, 50.0, 49.0),
        (Code::LeverageCap, 5.0, 3.0),
        (Code::RiskTooLarge, 0.0225, 0.02),
        (Code::DailyLoss, 0.050001, 0.05),
        (Code::SlotsFullNotStronger, 0.7, 0.7),
        (Code::RotationLapsed, 60.0, 60.0),
        (Code::TableFull, 24.0, 24.0),
    ] {
        let world = story(code);
        let found = world.denials().into_iter().find(|denial| denial.code == code).unwrap();
        assert!((found.measured - measured).abs() < 1e-9, "{found:?}, not {measured}");
        assert_eq!(found.limit, limit, "{found:?}");
    }
}

#[test]
fn free_balance_counts_what_is_posted() {
    // At a cap of 1 the first posts 0.769 of the balance; the second would fit the exposure cap,
    // but not the balance with its fees.
    let thin = EngineConfig { risk_fraction: 0.02, leverage_max_teacher: 1.0, ..config() };
    let mut world = World::new(thin, &instruments(2));
    world.propose(A, long(97.5, 110.0));
    world.minute();
    world.propose(B, long(91.42, 120.0));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::InsufficientMargin]);
    let denial = world.denials()[0];
    assert!(denial.measured > denial.limit && denial.limit > 2_300.0, "{denial:?}");
}

/// The repository's copy of the table. `UPDATE=1` writes it anew.
#[test]
fn docs_table_is_true() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/denials.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, denial_table()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written,
        denial_table(),
        "docs/denials.md is out of date; run `UPDATE=1 cargo test -p aegis-engine denials`"
    );
}

//! The controls at their limits: what is allowed passes, one tick more does not. The stories are
//! shared with `denials`, which wants one of every code.

use crate::world::{A, B, C, World, config, instruments, money, proposal, px};
use aegis_engine::{CONTROLS, Engine, EngineConfig, Protections};
use aegis_types::{
    Alert, AlertCode, Cause, Condition, DenialCode, EventBody, Money, Nanos, Notice, Operator,
    OrderReason, Qty, Rate, RiskMemory, Side, SymbolId, Tick, TickBody, TradingState,
};

/// A condition begins or ends.
pub fn condition(world: &mut World, cause: Cause, on: bool) {
    let condition = Condition { cause, on, measured: 7, limit: 3 };
    world.event(EventBody::Condition(condition));
}

/// A world whose entries are held against mark and book, with the mark of A at this price and age
/// in seconds, and the book of A likewise.
pub fn quoted(mark: Option<(&str, i64)>, book: Option<(&str, &str, i64)>) -> World {
    let strict = EngineConfig { mark_is_last: false, ..config() };
    let mut world = World::new(strict, &instruments(4));
    let close = world.at.floor(Nanos::MINUTE).after(Nanos::MINUTE);
    let mut tell = |age: i64, body| {
        let at = close.since(Nanos::SECOND.times(age));
        let tick = Tick { symbol: A, derived: false, at, received_us: 0, body };
        world.event(EventBody::Market(tick));
    };
    if let Some((mark, age)) = mark {
        let mark = px(mark);
        let next_funding = Nanos::ZERO;
        tell(age, TickBody::Mark { mark, index: mark, rate: Rate::ZERO, next_funding });
    }
    if let Some((bid, ask, age)) = book {
        let (bid_qty, ask_qty) = (Qty::whole(1), Qty::whole(1));
        let (bid, ask) = (px(bid), px(ask));
        tell(age, TickBody::Book { bid, bid_qty, ask, ask_qty, update_id: 1 });
    }
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

/// A world with a limit on a single order, and a proposal worth 5,000.
pub fn order_of_5000(change: impl FnOnce(&mut EngineConfig)) -> World {
    let mut config = config();
    change(&mut config);
    let mut world = World::new(config, &instruments(4));
    world.propose(A, proposal(Side::Buy, 0.7));
    world.minute();
    world
}

/// Enters A and takes its profit so often, then proposes once more.
pub fn repeated(times: u32, side: Side, pause: Nanos) -> World {
    let few = EngineConfig { repeat_max: 2, ..config() };
    let mut world = World::new(few, &instruments(4));
    for _ in 0..times {
        world.prices[0] = px("100");
        world.minute();
        world.enter(A, side, 0.7);
        world.prices[0] = if side == Side::Buy { px("102") } else { px("98") };
        world.minute();
    }
    world.prices[0] = px("100");
    world.minute();
    for _ in 0..pause.0 / Nanos::MINUTE.0 {
        world.minute();
    }
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

/// Protections that are all off.
fn off() -> Protections {
    Protections {
        stop_guard_stops: 0,
        drawdown_trades: 0,
        low_profit_trades: 0,
        ..Protections::default()
    }
}

/// Stops A out so often, each time at about -0.55 %, then proposes it again.
pub fn stopped(times: u32, protections: Protections) -> World {
    let mut world = World::new(EngineConfig { protections, ..config() }, &instruments(4));
    for _ in 0..times {
        world.enter(A, Side::Buy, 0.7);
        world.prices[0] = px("99");
        world.minute();
        world.prices[0] = px("100");
        world.minute();
    }
    assert_eq!(world.trades().len(), times as usize);
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

/// The guard of stops alone.
pub fn stop_guard(stops: u32) -> Protections {
    Protections { stop_guard_stops: stops, ..off() }
}

/// The guard of recent trades alone.
pub fn drawdown_guard(max: f64) -> Protections {
    Protections { drawdown_trades: 2, drawdown_max: max, ..off() }
}

/// The guard of a symbol's profit alone.
pub fn profit_guard(min: f64) -> Protections {
    Protections { low_profit_trades: 2, low_profit_min: min, ..off() }
}

/// A world that has lost so much of 10,000 without a limit on the day.
pub fn fallen(lost: &str) -> World {
    let mut world = World::new(EngineConfig { daily_loss_max: 1.0, ..config() }, &instruments(4));
    world.pay(-money(lost));
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world
}

fn entered(world: &World) -> bool {
    world.orders().iter().any(|order| order.reason == OrderReason::Entry)
}

fn alerts(world: &World) -> Vec<Alert> {
    let alert = |notice: &Notice| match notice {
        Notice::Alert(alert) => Some(*alert),
        _ => None,
    };
    world.notices.iter().filter_map(alert).collect()
}

fn codes(world: &World) -> Vec<AlertCode> {
    alerts(world).iter().map(|alert| alert.code).collect()
}

fn last_denial(world: &World) -> Option<DenialCode> {
    world.denied().last().copied()
}

#[test]
fn order_notional_at_its_limit_passes_and_one_tick_more_does_not() {
    let most = |text| order_of_5000(|config| config.order_notional_max = money(text));
    assert!(entered(&most("5000")));
    let over = most("4999.99");
    assert_eq!(over.denied(), [DenialCode::OrderTooLarge]);
    let denial = over.denials()[0];
    assert_eq!((denial.measured, denial.limit), (5_000.0, 4_999.99));
    assert!(entered(&order_of_5000(|config| config.order_over_equity_max = 0.5)));
    let over = order_of_5000(|config| config.order_over_equity_max = 0.499_999);
    assert_eq!(over.denied(), [DenialCode::OrderTooLarge]);
}

#[test]
fn order_quantity_at_its_limit_passes_and_one_step_more_does_not() {
    let most = |text: &str| {
        let mut instruments = instruments(4);
        instruments[0].qty_max = text.parse().unwrap();
        let mut world = World::new(config(), &instruments);
        world.propose(A, proposal(Side::Buy, 0.7));
        world.minute();
        world
    };
    assert!(entered(&most("50")));
    assert_eq!(most("49.999").denied(), [DenialCode::AboveMaximum]);
}

#[test]
fn order_size_is_looked_at_again_when_the_entry_leaves() {
    let mut config = config();
    config.order_notional_max = money("5000");
    let mut world = World::new(config, &instruments(4));
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.prices[0] = px("100.01");
    world.open(A);
    let update = aegis_types::AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    assert!(!entered(&world));
    assert_eq!(world.denied(), [DenialCode::OrderTooLarge]);
}

#[test]
fn price_collar_at_its_limit_passes_and_one_tick_more_does_not() {
    let book = Some(("99.99", "100.01", 1));
    // The last price is the book's middle, 100: a mark 5 % away from it on either side.
    for (mark, passes) in
        [("100", true), ("95.25", true), ("95.22", false), ("105.26", true), ("105.28", false)]
    {
        let world = quoted(Some((mark, 1)), book);
        assert_eq!(entered(&world), passes, "mark {mark}: {:?}", world.denials());
        if !passes {
            assert_eq!(last_denial(&world), Some(DenialCode::PriceCollar));
        }
    }
    // What would be paid is the ask, 5 % above mark and last at most.
    let paid = |ask| entered(&quoted(Some(("100", 1)), Some(("94.9", ask, 1))));
    // The middle moves with the book: candles close at 100 all the same.
    assert!(paid("105"));
    assert!(!paid("105.01"));
}

#[test]
fn without_a_fresh_mark_and_book_nothing_is_entered() {
    let (mark, book) = (Some(("100", 1)), Some(("99.99", "100.01", 1)));
    assert!(entered(&quoted(mark, book)));
    let limit = 30;
    for (mark, book, measured) in [
        (None, book, -1.0),
        (mark, None, -1.0),
        (Some(("100", limit + 1)), book, 31.0),
        (mark, Some(("99.99", "100.01", limit + 1)), 31.0),
    ] {
        let world = quoted(mark, book);
        let denial = world.denials()[0];
        assert_eq!(denial.code, DenialCode::NoReference, "{mark:?} {book:?}");
        assert_eq!((denial.measured, denial.limit), (measured, 30.0));
    }
    assert!(entered(&quoted(Some(("100", limit)), Some(("99.99", "100.01", limit)))));
}

#[test]
fn a_crossed_or_locked_book_is_no_reference() {
    for (bid, ask) in [("100.01", "99.99"), ("100", "100")] {
        let world = quoted(Some(("100", 1)), Some((bid, ask, 1)));
        assert_eq!(world.denied(), [DenialCode::CrossedBook], "{bid} {ask}");
    }
}

#[test]
fn the_collar_is_asked_again_when_the_entry_leaves() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.prices[0] = px("105.3");
    world.open(A);
    let update = aegis_types::AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    assert!(!entered(&world), "more at risk and too far from where it was decided");
}

#[test]
fn entries_of_one_symbol_and_side_are_throttled() {
    assert!(entered(&repeated(1, Side::Buy, Nanos::ZERO)));
    let third = repeated(2, Side::Buy, Nanos::ZERO);
    assert_eq!(last_denial(&third), Some(DenialCode::Repeated));
    let denial = *third.denials().last().unwrap();
    assert_eq!((denial.measured, denial.limit), (2.0, 2.0));
    let other_side = repeated(2, Side::Sell, Nanos::ZERO);
    assert_eq!(last_denial(&other_side), None);
    let later = repeated(2, Side::Buy, Nanos::HOUR);
    assert_eq!(last_denial(&later), None, "the window has passed");
    assert_eq!(third.engine.controls()[2].refused, 1);
    assert_eq!(third.engine.controls()[2].high_water, 2.0);
}

#[test]
fn drawdown_halts_at_its_limit_until_the_operator_resumes() {
    assert!(entered(&fallen("1999.99")));
    let mut world = fallen("2000");
    assert_eq!(world.denied(), [DenialCode::Drawdown]);
    assert_eq!((world.denials()[0].measured, world.denials()[0].limit), (0.2, 0.2));
    assert_eq!(world.engine.state(), TradingState::Reducing);
    assert_eq!(codes(&world), [AlertCode::Drawdown], "told once");
    // Neither a gain nor another day ends it.
    world.pay(money("5000"));
    world.at = world.at.after(Nanos::DAY);
    world.minute();
    assert_eq!(world.engine.causes().collect::<Vec<_>>(), [Cause::Drawdown]);
    world.operator(Operator::Resume);
    assert_eq!(world.engine.state(), TradingState::Active);
    assert!(!world.engine.risk_memory().drawn_down);
    world.pay(-money("2599.99"));
    assert_eq!(world.engine.state(), TradingState::Active, "measured from the resume");
    world.pay(-money("0.01"));
    assert_eq!(world.engine.state(), TradingState::Reducing);
}

#[test]
fn the_next_session_keeps_the_limits_on_losses() {
    let mut first = World::usual();
    first.pay(-money("500"));
    assert_eq!(codes(&first), [AlertCode::DailyLoss]);
    let memory = first.engine.risk_memory();
    assert_eq!((memory.day_lost, memory.drawn_down, memory.halted), (true, false, false));
    assert_eq!((memory.day_start, memory.peak), (money("10000"), money("10000")));

    let next = |memory: RiskMemory, later: Nanos| {
        let mut world = World::bare(config(), &instruments(4));
        world.at = world.at.after(later);
        world.wallet = money("9500");
        world.event(EventBody::Memory(memory));
        world.pay(Money::ZERO);
        for _ in 0..3 {
            world.minute();
        }
        world.propose(A, proposal(Side::Buy, 0.7));
        world.closes();
        world
    };
    let same_day = next(memory, Nanos::HOUR);
    assert_eq!(same_day.denied(), [DenialCode::DailyLoss]);
    let tomorrow = next(memory, Nanos::DAY);
    assert!(entered(&tomorrow), "a new day");
    // The peak of then still counts: 9,500 is 5 % below it, and 20 % is 8,000.
    let mut tomorrow = next(memory, Nanos::DAY);
    tomorrow.pay(-money("1500"));
    assert!(tomorrow.engine.risk_memory().drawn_down);

    let drawn = RiskMemory { drawn_down: true, ..memory };
    let mut world = next(drawn, Nanos::DAY);
    assert_eq!(world.denied(), [DenialCode::Drawdown]);
    world.operator(Operator::Resume);
    world.propose(A, proposal(Side::Buy, 0.7));
    world.minute();
    assert!(entered(&world), "by hand");

    let mut halted = World::usual();
    halted.operator(Operator::Halt);
    let memory = halted.engine.risk_memory();
    assert!(memory.halted);
    let mut world = next(memory, Nanos::DAY);
    assert_eq!(world.denied(), [DenialCode::Paused]);
    world.operator(Operator::Resume);
    assert_eq!(world.engine.state(), TradingState::Active);
}

#[test]
fn every_condition_stops_entries_while_it_is_on() {
    for &cause in Cause::ALL.iter().filter(|cause| cause.from_outside()) {
        let mut world = World::usual();
        condition(&mut world, cause, true);
        assert_eq!(world.engine.state(), TradingState::Reducing, "{cause}");
        world.propose(A, proposal(Side::Buy, 0.7));
        world.minute();
        assert_eq!(world.denied(), [DenialCode::Reducing], "{cause}");
        assert_eq!(world.denials()[0].measured, f64::from(cause as u8));
        assert_eq!(codes(&world).len(), usize::from(cause != Cause::Alert), "{cause}");
        condition(&mut world, cause, false);
        assert_eq!(world.engine.state(), TradingState::Active, "{cause}");
        assert!(world.enter(A, Side::Buy, 0.7).protected, "{cause}");
    }
}

#[test]
fn causes_add_up_and_those_of_the_engine_are_not_believed_from_outside() {
    let mut world = World::usual();
    for cause in [Cause::Operator, Cause::DailyLoss, Cause::Drawdown] {
        condition(&mut world, cause, true);
    }
    assert_eq!(world.engine.state(), TradingState::Active);
    condition(&mut world, Cause::Clock, true);
    condition(&mut world, Cause::Foreign, true);
    world.operator(Operator::Pause);
    condition(&mut world, Cause::Clock, false);
    world.operator(Operator::Resume);
    assert_eq!(world.engine.state(), TradingState::Reducing);
    assert_eq!(world.engine.causes().collect::<Vec<_>>(), [Cause::Foreign]);
    condition(&mut world, Cause::Foreign, false);
    let told: Vec<_> = world
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Trading { state, cause } => Some((*state, *cause)),
            _ => None,
        })
        .collect();
    let reducing = |cause| (TradingState::Reducing, Some(cause));
    let active = (TradingState::Active, None);
    assert_eq!(told, [reducing(Cause::Clock), reducing(Cause::Foreign), active]);
}

#[test]
fn an_entry_that_waits_does_not_leave_in_reducing() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    condition(&mut world, Cause::Connection, true);
    let update = aegis_types::AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    assert!(!entered(&world));
    assert_eq!(world.denied(), [DenialCode::Reducing]);
    assert_eq!(world.engine.slots_used(), 0);
}

#[test]
fn positions_are_managed_on_in_reducing() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    condition(&mut world, Cause::UserStream, true);
    world.prices[0] = px("102");
    world.minute();
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Target);
    let stop = world.last_order(OrderReason::Stop);
    assert!(world.canceled(stop.id), "cancels leave too");
}

#[test]
fn the_stop_guard_pauses_at_its_number_of_stops() {
    assert_eq!(last_denial(&stopped(1, stop_guard(2))), None);
    let mut world = stopped(2, stop_guard(2));
    assert_eq!(last_denial(&world), Some(DenialCode::StopGuard));
    world.propose(B, proposal(Side::Buy, 0.7));
    world.closes();
    assert_eq!(world.denied(), [DenialCode::StopGuard; 2], "all symbols");
    for _ in 0..61 {
        world.minute();
    }
    world.enter(B, Side::Buy, 0.7);
    let per_symbol = Protections { stop_guard_per_symbol: true, ..stop_guard(2) };
    let mut world = stopped(2, per_symbol);
    assert_eq!(last_denial(&world), Some(DenialCode::StopGuard));
    world.enter(C, Side::Buy, 0.7);
    let short = Protections { stop_guard_lookback: Nanos::SECOND, ..stop_guard(2) };
    assert_eq!(last_denial(&stopped(2, short)), None, "not within the window");
}

#[test]
fn a_fall_of_the_last_trades_pauses_entries() {
    // Two stops of 0.55 % each: 1.1 % of what there was.
    assert_eq!(last_denial(&stopped(2, drawdown_guard(0.0110))), None);
    let world = stopped(2, drawdown_guard(0.0108));
    assert_eq!(last_denial(&world), Some(DenialCode::RecentDrawdown));
    assert_eq!(last_denial(&stopped(1, drawdown_guard(0.001))), None, "too few trades");
}

#[test]
fn a_symbol_that_earns_too_little_is_paused() {
    assert_eq!(last_denial(&stopped(2, profit_guard(-0.0112))), None);
    let mut world = stopped(2, profit_guard(-0.0109));
    assert_eq!(last_denial(&world), Some(DenialCode::LowProfit));
    world.enter(B, Side::Buy, 0.7);
    assert_eq!(last_denial(&stopped(1, profit_guard(0.5))), None, "too few trades");
}

#[test]
fn a_symbol_cools_down_after_each_trade_if_told_to() {
    let cool = |minutes| {
        let rest = Protections { cool_down: Nanos::MINUTE.times(minutes), ..off() };
        last_denial(&stopped(1, rest))
    };
    // The stop filled two minutes before the proposal.
    assert_eq!(cool(2), None);
    assert_eq!(cool(3), Some(DenialCode::CoolDown));
}

#[test]
fn leverage_that_the_venue_answers_otherwise_is_refused_and_told() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    let update = aegis_types::AccountUpdate::Leverage { symbol: A, leverage: 20 };
    world.event(EventBody::Account(update));
    assert!(!entered(&world));
    assert_eq!(world.denied(), [DenialCode::LeverageCap]);
    let alert = Alert { code: AlertCode::LeverageDiffers, symbol: Some(A), measured: 20, limit: 3 };
    assert_eq!(alerts(&world), [alert]);
    // Somebody changes it under an open position.
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.event(EventBody::Account(update));
    assert_eq!(codes(&world), [AlertCode::LeverageDiffers]);
}

#[test]
fn two_signals_of_one_instant_share_the_last_place() {
    let one = EngineConfig { positions_max: 1, ..config() };
    let mut world = World::new(one, &instruments(4));
    world.fills = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.propose(B, proposal(Side::Buy, 0.9));
    world.closes();
    let entries = world.orders().into_iter().filter(|o| o.reason == OrderReason::Entry);
    assert_eq!(entries.map(|o| o.symbol).collect::<Vec<SymbolId>>(), [A]);
    assert_eq!(world.denied(), [DenialCode::SlotsFullBusy]);
    assert_eq!(world.engine.slots_used(), 1);
}

#[test]
fn controls_are_told_by_name_with_what_they_allow() {
    let world = stopped(2, stop_guard(2));
    let controls = world.engine.controls();
    let names: Vec<_> = controls.iter().map(|control| control.name).collect();
    assert_eq!(names, CONTROLS.map(|(name, _)| name));
    for control in controls {
        assert!(control.used.is_finite() && control.high_water.is_finite(), "{control:?}");
        assert!(control.limit.is_finite(), "{control:?}");
    }
    let of = |name| controls.into_iter().find(|control| control.name == name).unwrap();
    assert_eq!((of("stop_guard").high_water, of("stop_guard").limit), (2.0, 2.0));
    assert_eq!(of("stop_guard").refused, 1);
    assert_eq!((of("positions").high_water, of("positions").limit), (1.0, 3.0));
    assert!((of("order_size").high_water - 0.5).abs() < 0.01);
    assert!(of("daily_loss").high_water > 0.01);
    // Every denial but those that belong to no control is counted by one.
    let all: Vec<DenialCode> = CONTROLS.iter().flat_map(|(_, codes)| codes.to_vec()).collect();
    let mut once = all.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), all.len(), "a code belongs to one control");
}

#[test]
fn controls_out_of_range_are_named() {
    let wrong = EngineConfig {
        price_collar: f64::NAN,
        order_over_equity_max: 0.0,
        repeat_max: 0,
        drawdown_max: 1.1,
        reference_stale: Nanos::ZERO,
        order_notional_max: money("-1"),
        protections: Protections {
            drawdown_max: -1.0,
            stop_guard_stops: 10_000,
            low_profit_pause: Nanos::ZERO,
            ..Protections::default()
        },
        ..config()
    };
    let brain = crate::world::Script::new(4, &std::rc::Rc::default());
    let Err(error) = Engine::with_brain(wrong, &instruments(4), brain) else {
        panic!("accepted");
    };
    let text = error.to_string();
    for key in [
        "price_collar",
        "order_over_equity_max",
        "repeat_max",
        "drawdown_max = 1.1",
        "reference_stale",
        "order_notional_max",
        "protections.drawdown_max",
        "protections.stop_guard_stops",
        "protections.low_profit_pause",
    ] {
        assert!(text.contains(key), "{key} missing in {text}");
    }
}

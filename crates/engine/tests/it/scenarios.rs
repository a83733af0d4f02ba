//! Single stories with a well-behaved venue.

use crate::world::{A, B, C, D, World, config, instruments, money, proposal, px, qty, rate};
use aegis_engine::{Engine, EngineConfig, EngineError};
use aegis_types::{
    AccountUpdate, Cause, Command, DenialCode, EventBody, Level, Nanos, Notice, Operator,
    OrderReason, OrderType, OrderUpdate, Px, Qty, Side, TickBody, TradingState,
};

#[test]
fn from_signal_to_protected_position() {
    let mut world = World::usual();
    world.propose(A, proposal(Side::Buy, 0.7));
    world.minute();
    let told: Vec<&Command> = world
        .commands
        .iter()
        .map(|(_, command)| command)
        .filter(|command| !matches!(command, Command::WakeAt { .. }))
        .collect();
    let Command::SetLeverage { symbol: A, leverage: 3 } = told[0] else { panic!("{told:?}") };
    let [entry, stop, target] = world.orders()[..] else { panic!("{told:?}") };
    assert_eq!((entry.kind, entry.reduce_only), (OrderType::Market, false));
    assert_eq!((stop.kind, target.kind), (OrderType::StopMarket, OrderType::TakeProfitMarket));
    assert!(stop.reduce_only && target.reduce_only);
    assert_eq!((stop.trigger, target.trigger), (px("99"), px("102")));
    // 0.5 % of 10,000 over one of risk a unit.
    assert_eq!((entry.qty, stop.qty, target.qty), (qty("50"), qty("50"), qty("50")));
    let numbers: Vec<u32> = world.orders().iter().map(|order| order.id.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(world.orders().iter().all(|order| order.id.session == 7));
    let position = world.position(A).unwrap();
    assert!(position.protected);
    assert_eq!(position.stop_order, stop.id);
    assert_eq!(world.signals()[0].qty_suggested, qty("50"));
    assert!(world.denied().is_empty());
    let leverage = world.engine.max_leverage();
    assert!(leverage <= 3.0 && leverage > 2.999_999, "{leverage}");
    assert_eq!(world.engine.max_open_positions(), 1);
    assert!((world.engine.max_exposure() - 0.5).abs() < 1e-3);
}

#[test]
fn leverage_is_set_once_per_symbol() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.prices[0] = px("102");
    world.minute();
    world.prices[0] = px("100");
    world.enter(A, Side::Sell, 0.7);
    let set = |(_, c): &&(Nanos, Command)| matches!(c, Command::SetLeverage { .. });
    assert_eq!(world.commands.iter().filter(set).count(), 1);
}

#[test]
fn target_closes_the_trade_and_cancels_the_stop() {
    for (side, end) in [(Side::Buy, "102"), (Side::Sell, "98")] {
        let mut world = World::usual();
        let position = world.enter(A, side, 0.7);
        world.prices[0] = px(end);
        world.minute();
        let [trade] = world.trades()[..] else { panic!("one trade") };
        assert_eq!((trade.exit_reason, trade.side, trade.number), (OrderReason::Target, side, 1));
        assert_eq!((trade.qty, trade.gross), (qty("50"), money("100")));
        assert_eq!(trade.net, trade.gross.minus(trade.fees).unwrap());
        // Two R before fees of about 0.1 R.
        assert!(trade.r_multiple > 1.89 && trade.r_multiple < 1.91, "{}", trade.r_multiple);
        assert_eq!(trade.level, Level::Teacher);
        assert!(trade.leverage <= 3.0 && trade.leverage > 2.999_999);
        assert!(world.canceled(position.stop_order));
        assert!(world.resting.is_empty());
        assert_eq!(world.engine.slots_used(), 0);
        assert_eq!(world.engine.trades(), 1);
        assert_eq!(world.engine.equity(), world.wallet);
    }
}

#[test]
fn stop_closes_the_trade_at_about_minus_one_r() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.prices[0] = px("99");
    world.minute();
    let trade = world.trades()[0];
    assert_eq!(trade.exit_reason, OrderReason::Stop);
    assert!(trade.r_multiple < -1.0 && trade.r_multiple > -1.11);
    assert!(world.resting.is_empty(), "no orphan target");
}

#[test]
fn nothing_before_warm_up_or_trade_from() {
    let mut world = World::bare(EngineConfig { warm_up_bars: 250, ..config() }, &instruments(1));
    world.pay(money("0"));
    for bar in 1..=250 {
        world.propose(A, proposal(Side::Buy, 0.9));
        world.minute();
        let (signals, seen) = (world.signals().len(), world.denied().len());
        assert_eq!((signals, seen), if bar < 250 { (0, bar) } else { (1, 249) });
    }
    let start = world.at;
    let later = EngineConfig { trade_from: start.after(Nanos::MINUTE.times(5)), ..config() };
    let mut world = World::bare(later, &instruments(1));
    world.at = start;
    world.pay(money("0"));
    for _ in 0..5 {
        assert!(world.signals().is_empty() && world.denied().is_empty());
        world.propose(A, proposal(Side::Buy, 0.9));
        world.minute();
    }
    assert_eq!(world.signals().len(), 1, "at trade_from itself");
}

#[test]
fn a_signal_is_above_the_threshold_not_at_it() {
    let mut world = World::usual();
    for confidence in [0.60, f64::NAN, 0.59] {
        world.propose(A, proposal(Side::Buy, confidence));
        world.minute();
    }
    assert!(world.signals().is_empty() && world.denied().is_empty());
    world.propose(A, proposal(Side::Buy, 0.6000001));
    world.minute();
    assert_eq!(world.signals().len(), 1);
}

#[test]
fn four_signals_of_one_instant_take_three_slots() {
    let mut world = World::usual();
    for symbol in [A, B, C, D] {
        world.propose(symbol, proposal(Side::Sell, 0.7));
    }
    world.closes();
    assert_eq!(world.engine.slots_used(), 3);
    assert_eq!(world.denied(), [DenialCode::SlotsFullBusy], "all three are in flight");
    assert_eq!(world.denials()[0].symbol, D);
}

/// A full house: A at 0.70 in profit, B and C stronger.
fn full() -> World {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.70);
    world.enter(B, Side::Buy, 0.80);
    world.enter(C, Side::Buy, 0.75);
    world.prices[0] = px("101");
    world.minute();
    world
}

#[test]
fn a_stronger_signal_replaces_the_weakest_in_profit() {
    let mut world = full();
    world.propose(D, proposal(Side::Buy, 0.71));
    world.closes();
    let exit = world.last_order(OrderReason::Rotation);
    assert_eq!((exit.symbol, exit.qty, exit.reduce_only), (A, qty("50"), true));
    assert_eq!(world.engine.slots_used(), 3, "the new entry has not left");
    assert!(world.position(A).unwrap().protected, "the stop stays until the closing fill");
    for symbol in [A, B, C, D] {
        world.open(symbol);
    }
    assert!(world.position(A).is_none() && world.position(D).is_some());
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Rotation);
    assert!(world.trades()[0].net.is_positive());
    assert_eq!(world.engine.max_open_positions(), 3);
    assert!(world.denied().is_empty());
    assert_eq!(world.orders().iter().filter(|o| o.symbol == D && !o.reduce_only).count(), 1);
}

#[test]
fn a_rotation_sizes_its_entry_with_the_profit_that_made_room() {
    let mut world = full();
    // 50 of profit less the exit's fee: the venue reports that wallet only after the fill at which
    // the new entry leaves.
    let equity = world.wallet.plus(money("47.475")).unwrap();
    assert!(equity > money("10039.97") && equity < money("10040"), "{equity}");
    world.propose(D, proposal(Side::Buy, 0.71));
    world.minute();
    let entry = world.last_order(OrderReason::Entry);
    assert_eq!((entry.symbol, entry.qty), (D, qty("50.199")), "0.5 % of {equity} over 1");
}

#[test]
fn profit_counts_after_fees_and_funding() {
    // 50 × 0.10 = 5.00 of profit; fees are 2.50 in and 2.5025 out.
    let mut world = full();
    world.prices[0] = px("100.1");
    world.minute();
    world.propose(D, proposal(Side::Buy, 0.9));
    world.closes();
    assert_eq!(world.denied(), [DenialCode::SlotsFullNotInProfit]);
    assert!((world.denials()[0].measured - (5.0 - 2.5 - 2.5025)).abs() < 1e-9);
    // Funding received turns it.
    let amount = money("0.01");
    let funding = AccountUpdate::Funding { symbol: A, amount, rate: rate("0"), mark: px("100") };
    world.event(EventBody::Account(funding));
    world.propose(D, proposal(Side::Buy, 0.9));
    world.minute();
    assert_eq!(world.trades()[0].funding, amount);
    assert!(world.position(D).is_some());
}

#[test]
fn a_rotation_judges_the_new_signal_again_when_the_fill_comes() {
    let mut world = full();
    world.propose(D, proposal(Side::Buy, 0.9));
    world.closes();
    world.operator(Operator::Pause);
    for symbol in [A, B, C, D] {
        world.open(symbol);
    }
    assert_eq!(world.denied(), [DenialCode::Paused]);
    assert!(world.position(A).is_none() && world.position(D).is_none());
}

#[test]
fn a_victim_that_is_no_winner_at_its_own_close_stays() {
    // B is the weakest; the signal is A's, whose close comes first.
    let mut world = World::usual();
    world.enter(B, Side::Buy, 0.70);
    world.enter(C, Side::Buy, 0.80);
    world.enter(D, Side::Buy, 0.75);
    world.prices[1] = px("101");
    world.minute();
    world.propose(A, proposal(Side::Buy, 0.9));
    world.prices[1] = px("100.05");
    world.closes();
    let exit = world.last_order(OrderReason::Rotation);
    assert!(exit.symbol == B && world.canceled(exit.id));
    assert_eq!(world.denied(), [DenialCode::SlotsFullNotInProfit]);
    assert!(world.denials()[0].measured < 0.0);
    world.minute();
    let held = world.position(B).expect("it stays");
    assert!(held.protected && world.position(A).is_none());
    assert!(world.trades().is_empty());
    // And it can be asked again.
    world.prices[1] = px("101");
    world.minute();
    world.propose(A, proposal(Side::Buy, 0.9));
    world.minute();
    assert!(world.position(B).is_none());
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Rotation);
}

#[test]
fn a_stop_in_the_same_minute_makes_room_as_well() {
    let mut world = full();
    world.propose(D, proposal(Side::Buy, 0.9));
    world.closes();
    world.prices[0] = px("98.9");
    for symbol in [A, B, C, D] {
        world.open(symbol);
    }
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Stop);
    assert!(world.position(D).is_some());
    assert_eq!(world.engine.slots_used(), 3);
}

#[test]
fn time_stop_leaves_after_eight_hours() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let entered = world.at;
    for _ in 0..8 * 60 {
        assert!(world.position(A).is_some());
        world.minute();
    }
    assert_eq!(world.trades()[0].exit_reason, OrderReason::TimeStop);
    let exit = world.last_order(OrderReason::TimeStop);
    let sent = |c: &Command| matches!(c, Command::Submit { order } if *order == exit);
    let (at, _) = world.commands.iter().find(|(_, c)| sent(c)).unwrap();
    assert_eq!(at.since(entered), Nanos::HOUR.times(8));
}

#[test]
fn decay_leaves_when_the_reasons_are_gone_and_can_be_switched_off() {
    for decay_exit in [true, false] {
        let mut world = World::new(EngineConfig { decay_exit, ..config() }, &instruments(1));
        world.enter(A, Side::Sell, 0.7);
        world.lines.borrow_mut().decayed.push(A);
        world.minute();
        let left = world.trades().first().map(|trade| trade.exit_reason);
        assert_eq!(left, decay_exit.then_some(OrderReason::Decay));
    }
}

#[test]
fn pause_keeps_positions_and_resume_lets_entries_in() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.operator(Operator::Pause);
    assert!(!world.engine.entries_allowed());
    world.propose(B, proposal(Side::Buy, 0.7));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::Paused]);
    assert!(world.position(A).unwrap().protected);
    world.operator(Operator::Resume);
    world.enter(B, Side::Buy, 0.7);
    let told: Vec<(TradingState, Option<Cause>)> = world
        .notices
        .iter()
        .filter_map(|n| match n {
            Notice::Trading { state, cause } => Some((*state, *cause)),
            _ => None,
        })
        .collect();
    let paused = (TradingState::Reducing, Some(Cause::Operator));
    assert_eq!(told, [paused, (TradingState::Active, None)]);
}

#[test]
fn flatten_closes_everything_and_pauses() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.enter(B, Side::Sell, 0.7);
    world.propose(C, proposal(Side::Buy, 0.7));
    world.closes();
    let entry = world.last_order(OrderReason::Entry);
    world.operator(Operator::Flatten);
    assert!(world.canceled(entry.id));
    for symbol in [A, B, C, D] {
        world.open(symbol);
    }
    let reasons: Vec<OrderReason> = world.trades().iter().map(|t| t.exit_reason).collect();
    assert_eq!(reasons, [OrderReason::Flatten, OrderReason::Flatten]);
    assert_eq!((world.engine.slots_used(), world.resting.len()), (0, 0));
    assert!(!world.engine.entries_allowed());
}

#[test]
fn halt_is_for_the_session_and_flatten_still_works_in_it() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.propose(B, proposal(Side::Buy, 0.7));
    world.closes();
    world.operator(Operator::Halt);
    assert!(world.canceled(world.last_order(OrderReason::Entry).id));
    world.operator(Operator::Resume);
    world.propose(C, proposal(Side::Buy, 0.7));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::Halted]);
    assert!(world.position(A).is_some_and(|position| position.protected));
    world.operator(Operator::Flatten);
    world.minute();
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Flatten);
    assert!(!world.engine.entries_allowed());
}

#[test]
fn equity_is_told_once_a_minute_while_something_is_open() {
    let mut world = World::usual();
    world.notices.clear();
    world.minute();
    let equities =
        |world: &World| world.notices.iter().filter(|n| matches!(n, Notice::Equity { .. })).count();
    assert_eq!(equities(&world), 0, "nothing open, nothing changed");
    world.enter(A, Side::Buy, 0.7);
    world.prices[0] = px("101");
    world.minute();
    world.tick(A, TickBody::Trade { px: px("101"), qty: qty("1"), id: 1, buyer_is_maker: false });
    assert_eq!(equities(&world), 2, "at the entry's minute and at the next");
    let last = world.notices.iter().rfind(|n| matches!(n, Notice::Equity { .. })).unwrap();
    let Notice::Equity { wallet, unrealized, exposure, positions } = last else { unreachable!() };
    assert_eq!((*unrealized, *exposure, *positions), (money("50"), money("5050"), 1));
    assert_eq!(*wallet, world.wallet);
    assert_eq!(world.engine.equity(), wallet.plus(*unrealized).unwrap());
}

#[test]
fn a_late_candle_changes_nothing() {
    let mut world = World::usual();
    let (at, last) = (world.at, world.engine.last_price(A));
    world.at = at.after(Nanos::SECOND);
    world.prices[0] = px("50");
    let body = EventBody::Market(aegis_types::Tick {
        symbol: A,
        derived: false,
        at,
        received_us: 0,
        body: TickBody::Candle {
            open: px("50"),
            high: px("50"),
            low: px("50"),
            close: px("50"),
            volume: 1.0,
        },
    });
    world.event(body);
    assert_eq!((world.engine.last_price(A), world.engine.late_candles()), (last, 1));
}

#[test]
fn ids_of_other_symbols_and_sessions_are_not_ours() {
    let mut world = World::usual();
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    let entry = world.last_order(OrderReason::Entry);
    let foreign = aegis_types::ClientOrderId { session: 8, ..entry.id };
    let update = OrderUpdate::Canceled;
    world.event(EventBody::Order { id: foreign, symbol: A, update });
    world.event(EventBody::Order { id: entry.id, symbol: B, update });
    let beyond = aegis_types::SymbolId(99);
    world.event(EventBody::Order { id: entry.id, symbol: beyond, update });
    world.tick(beyond, TickBody::Open { px: Px::whole(1), funding: None });
    assert_eq!(world.engine.slots_used(), 1);
}

#[test]
fn unusable_configurations_and_instruments_are_named() {
    let wrong = EngineConfig { positions_max: 0, risk_fraction: 0.5, ..config() };
    let Err(EngineError::Config(lines)) = Engine::new(wrong, &instruments(1)) else {
        panic!("refused")
    };
    assert_eq!(lines.len(), 3, "{lines:?}");
    let mut swapped = instruments(2);
    swapped.swap(0, 1);
    let mut flat = instruments(1);
    flat[0].step = Qty::ZERO;
    let mut open = instruments(1);
    open[0].brackets.clear();
    for bad in [Vec::new(), swapped, flat, open] {
        let refused = Engine::new(config(), &bad);
        assert!(matches!(refused, Err(EngineError::Instruments(_))), "{bad:?}");
    }
}

#[test]
fn capacities_are_told() {
    let world = full();
    let [positions, slots, orders, fills, entries, trades] = world.engine.capacities();
    assert_eq!(positions, ("positions", 3, 3, 3));
    assert_eq!((slots.1, slots.2, slots.3), (3, 3, aegis_engine::SLOTS));
    assert_eq!((orders.1, fills.1), (9, 3));
    assert_eq!((entries.1, trades.1), (3, 0));
}

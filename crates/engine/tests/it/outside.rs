//! What comes from outside the session's orders: positions to take over, changed filters, rests
//! that no order can close.

use crate::world::{A, B, C, World, config, instruments, money, proposal, px, qty};
use aegis_engine::Engine;
use aegis_types::{
    AccountUpdate, AlertCode, ClientOrderId, Command, DenialCode, EventBody, Fill, FillReason,
    Filters, FoundPosition, Nanos, Notice, Operator, Order, OrderReason, OrderUpdate, Out, Qty,
    RejectCode, Side, SymbolId,
};

fn alerts(world: &World) -> Vec<AlertCode> {
    let code = |notice: &Notice| match notice {
        Notice::Alert(alert) => Some(alert.code),
        _ => None,
    };
    world.notices.iter().filter_map(code).collect()
}

/// A position of 10 by hand, entered at 100, and what the venue of the world holds of it.
fn by_hand(world: &mut World, symbol: SymbolId, side: Side) {
    let found = FoundPosition {
        symbol,
        side,
        qty: qty("10"),
        entry: px("100"),
        mark: px("101"),
        margin: money("200"),
        stop: px(if side == Side::Buy { "98" } else { "103" }),
    };
    let held = &mut world.held[symbol.index()];
    held.signed = side.sign() * found.qty.raw();
    held.cost = money("1000").raw();
    held.leverage = 5;
    world.event(EventBody::Account(AccountUpdate::Position { found }));
}

/// A fill that no order of ours has made.
fn outside(world: &mut World, side: Side, qty: Qty) {
    let id = ClientOrderId { session: 7, number: 0 };
    let stop = world.last_order(OrderReason::Stop);
    let fill = world.make_fill(&Order { id, side, ..stop }, qty, px("100"));
    let fill = Fill { reason: FillReason::Manual, ..fill };
    let update = OrderUpdate::Filled { fill };
    world.event(EventBody::Order { id, symbol: stop.symbol, update });
}

fn filters(step: &str, least: &str, notional: &str) -> Filters {
    Filters {
        tick: px("0.5"),
        step: qty(step),
        qty_min: qty(least),
        qty_max: qty("100000"),
        notional_min: money(notional),
    }
}

fn refilter(world: &mut World, filters: Filters) {
    world.event(EventBody::Account(AccountUpdate::Filters { symbol: A, filters }));
}

#[test]
fn what_is_taken_over_is_protected_at_once() {
    for side in [Side::Buy, Side::Sell] {
        let mut world = World::usual();
        by_hand(&mut world, A, side);
        assert_eq!(alerts(&world), [AlertCode::Adopted]);
        assert_eq!(world.reasons(), [OrderReason::Stop, OrderReason::Target]);
        let stop = world.last_order(OrderReason::Stop);
        assert_eq!((stop.qty, stop.side, stop.reduce_only), (qty("10"), side.opposite(), true));
        assert_eq!(stop.trigger, px(if side == Side::Buy { "98" } else { "103" }));
        // Twice what is at risk beyond the worse price, from the better one on.
        let target = world.last_order(OrderReason::Target);
        assert_eq!(target.trigger, px(if side == Side::Buy { "105" } else { "96" }));
        let position = world.position(A).unwrap();
        assert_eq!((position.qty, position.protected), (qty("10"), true));
        assert_eq!((position.entry_px, position.margin), (px("100"), money("200")));
        assert_eq!(world.engine.slots_used(), 1);
        // Its symbol is taken.
        world.propose(A, proposal(Side::Buy, 0.9));
        world.minute();
        assert_eq!(world.denied(), [DenialCode::AlreadyInPosition]);
        // It ends by its stop, and is a trade.
        world.prices[0] = stop.trigger;
        world.minute();
        assert!(world.position(A).is_none() && world.resting.is_empty());
        assert_eq!(world.trades().len(), 1);
        assert_eq!(world.trades()[0].exit_reason, OrderReason::Stop);
        assert_eq!((world.engine.stray_fills(), world.engine.slots_used()), (0, 0));
    }
}

#[test]
fn what_is_taken_over_leaves_by_the_usual_exits() {
    let mut world = World::usual();
    by_hand(&mut world, A, Side::Buy);
    world.operator(Operator::Flatten);
    assert_eq!(world.last_order(OrderReason::Flatten).qty, qty("10"));
    let mut world = World::usual();
    by_hand(&mut world, A, Side::Buy);
    world.lines.borrow_mut().decayed.push(A);
    world.closes();
    assert_eq!(world.last_order(OrderReason::Decay).qty, qty("10"));
    let mut world = World::usual();
    by_hand(&mut world, A, Side::Buy);
    world.wait(Nanos::HOUR.times(8));
    assert_eq!(world.last_order(OrderReason::TimeStop).qty, qty("10"));
    // Somebody closes it by hand.
    let mut world = World::usual();
    by_hand(&mut world, A, Side::Buy);
    outside(&mut world, Side::Sell, qty("10"));
    assert!(world.resting.is_empty() && world.position(A).is_none());
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Manual);
    // Its stop is refused: what holds for every position holds for it.
    let mut world = World::usual();
    world.answers = false;
    by_hand(&mut world, A, Side::Buy);
    world.wait(Nanos::SECOND.times(4));
    assert_eq!(world.last_order(OrderReason::Unprotected).qty, qty("10"));
}

#[test]
fn what_is_added_by_hand_to_a_position_is_taken_over_too() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let held = world.position(A).unwrap().qty;
    let found = FoundPosition {
        symbol: A,
        side: Side::Buy,
        qty: qty("10"),
        entry: px("100"),
        mark: px("100"),
        margin: money("2000"),
        stop: px("98"),
    };
    world.event(EventBody::Account(AccountUpdate::Position { found }));
    let all = held.plus(qty("10")).unwrap();
    assert_eq!(world.position(A).unwrap().qty, all);
    let stop = world.last_order(OrderReason::Stop);
    assert_eq!((stop.qty, stop.trigger), (all, px("99")), "with the stop that it had");
    assert_eq!(world.engine.slots_used(), 1);
}

#[test]
fn an_entry_that_waits_gives_way_to_what_is_found_in_its_symbol() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.9));
    world.closes();
    assert_eq!(world.engine.slots_used(), 1, "it waits for its leverage");
    by_hand(&mut world, A, Side::Sell);
    assert_eq!(world.denied(), [DenialCode::AlreadyInPosition]);
    assert_eq!(world.position(A).unwrap().side, Side::Sell);
    assert_eq!(world.engine.slots_used(), 1);
    assert_eq!(world.reasons(), [OrderReason::Stop, OrderReason::Target]);
}

#[test]
fn what_cannot_be_true_of_a_position_is_not_taken_over() {
    for wrong in 0..4 {
        let mut world = World::usual();
        let mut found = FoundPosition {
            symbol: A,
            side: Side::Buy,
            qty: qty("10"),
            entry: px("100"),
            mark: px("100"),
            margin: money("200"),
            stop: px("98"),
        };
        match wrong {
            0 => found.qty = Qty::ZERO,
            1 => found.stop = px("0"),
            2 => found.entry = px("0"),
            _ => found.symbol = SymbolId(99),
        }
        world.event(EventBody::Account(AccountUpdate::Position { found }));
        assert!(world.orders().is_empty() && world.engine.slots_used() == 0, "{wrong}");
        assert_eq!(world.engine.stray_fills(), 1);
    }
}

#[test]
fn the_same_inputs_take_over_the_same() {
    let mut world = World::usual();
    by_hand(&mut world, A, Side::Buy);
    world.enter(B, Side::Sell, 0.7);
    refilter(&mut world, filters("0.01", "0.01", "5"));
    world.prices[0] = px("98");
    world.minute();
    let brain = crate::world::Script::new(4, &world.lines);
    let mut again = Engine::with_brain(config(), &instruments(4), brain).unwrap();
    let (mut out, mut commands) = (Out::new(), Vec::<Command>::new());
    for event in &world.events {
        out.clear();
        again.apply(event, &mut out);
        commands.extend_from_slice(out.commands());
    }
    let before: Vec<Command> = world.commands.iter().map(|(_, command)| *command).collect();
    assert_eq!(commands, before);
    assert_eq!(again.filters(A), world.engine.filters(A));
}

#[test]
fn entries_are_sized_by_the_filters_that_hold_now() {
    let mut world = World::usual();
    refilter(&mut world, filters("30", "30", "5"));
    refilter(&mut world, filters("30", "30", "5"));
    assert_eq!(alerts(&world), [AlertCode::FiltersChanged], "told once");
    assert_eq!(world.enter(A, Side::Buy, 0.7).qty, qty("30"), "50 before");
    refilter(&mut world, filters("30", "30", "100000"));
    world.operator(Operator::Flatten);
    world.minute();
    world.operator(Operator::Resume);
    for _ in 0..5 {
        world.minute();
    }
    world.propose(A, proposal(Side::Buy, 0.9));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::BelowMinimum], "a larger least notional");
    world.enter(B, Side::Buy, 0.7);
    // What is no filter changes nothing.
    let known = world.engine.filters(A);
    refilter(&mut world, filters("0", "30", "5"));
    assert_eq!(world.engine.filters(A), known);
}

#[test]
fn an_entry_that_waits_is_rounded_to_changed_filters_or_given_up() {
    for (step, left) in [("30", Some("30")), ("1000", None)] {
        let mut world = World::usual();
        world.confirms = false;
        world.propose(A, proposal(Side::Buy, 0.9));
        world.closes();
        refilter(&mut world, filters(step, step, "5"));
        let update = AccountUpdate::Leverage { symbol: A, leverage: 3 };
        world.event(EventBody::Account(update));
        match left {
            Some(left) => assert_eq!(world.last_order(OrderReason::Entry).qty, qty(left)),
            None => assert_eq!(world.denied(), [DenialCode::BelowMinimum]),
        }
    }
}

#[test]
fn stops_that_are_placed_anew_stand_on_the_new_grid() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let wide = Filters { tick: px("0.7"), ..filters("0.001", "0.001", "5") };
    refilter(&mut world, wide);
    outside(&mut world, Side::Sell, qty("30"));
    assert_eq!(world.last_order(OrderReason::Stop).trigger, px("98.7"), "away from the price");
}

#[test]
fn a_rest_too_small_for_an_order_is_told_once_and_holds_no_slot() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    refilter(&mut world, filters("1", "1", "5"));
    let orders = world.orders().len();
    outside(&mut world, Side::Sell, qty("49.5"));
    assert_eq!(alerts(&world).last(), Some(&AlertCode::Dust));
    assert_eq!(world.orders().len(), orders, "no order can close it");
    assert_eq!(world.engine.slots_used(), 0);
    assert_eq!(world.position(A).unwrap().qty, qty("0.5"), "it is there all the same");
    world.operator(Operator::Flatten);
    world.operator(Operator::Resume);
    for _ in 0..9 * 60 {
        world.minute();
    }
    assert_eq!(world.orders().len(), orders, "nothing is tried again and again");
    let dust = alerts(&world).into_iter().filter(|code| *code == AlertCode::Dust).count();
    assert_eq!(dust, 1);
    // Its symbol is not free, all others are.
    world.propose(A, proposal(Side::Buy, 0.9));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::AlreadyInPosition]);
    world.enter(B, Side::Buy, 0.7);
    world.enter(C, Side::Buy, 0.7);
    // Closed by hand it is over, with what still stood of its stop and target.
    let stop = world.orders().into_iter().find(|o| o.symbol == A && o.reduce_only).unwrap();
    let id = ClientOrderId { session: 7, number: 0 };
    let fill = world.make_fill(&Order { id, side: Side::Sell, ..stop }, qty("0.5"), px("100"));
    let fill = Fill { reason: FillReason::Manual, ..fill };
    world.event(EventBody::Order { id, symbol: A, update: OrderUpdate::Filled { fill } });
    assert!(world.position(A).is_none());
    assert!(!world.resting.iter().any(|order| order.symbol == A));
    assert_eq!(world.engine.slots_used(), 2);
}

#[test]
fn a_rest_that_grows_again_is_held_again() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    refilter(&mut world, filters("1", "1", "5"));
    outside(&mut world, Side::Sell, qty("49.5"));
    assert_eq!(world.engine.slots_used(), 0);
    outside(&mut world, Side::Buy, qty("5.5"));
    assert_eq!(world.last_order(OrderReason::Stop).qty, qty("6"));
    assert_eq!(world.engine.slots_used(), 1);
    assert!(world.position(A).unwrap().protected);
}

#[test]
fn a_close_that_left_a_rest_ends_there() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.fills = false;
    refilter(&mut world, filters("20", "20", "5"));
    world.operator(Operator::Flatten);
    let exit = world.last_order(OrderReason::Flatten);
    // Rounded to the grid on its way: 40 of 50.
    world.fill(exit, qty("40"), px("100"));
    world.update(exit, OrderUpdate::Expired);
    assert_eq!(alerts(&world).last(), Some(&AlertCode::Dust));
    let orders = world.orders().len();
    world.wait(Nanos::MINUTE.times(30));
    assert_eq!(world.orders().len(), orders);
    // Before anybody knew of the new grid: refused, and then told.
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.fills = false;
    world.operator(Operator::Flatten);
    let exit = world.last_order(OrderReason::Flatten);
    world.update(exit, OrderUpdate::Rejected { code: RejectCode::Quantity });
    refilter(&mut world, filters("100", "100", "5"));
    assert_eq!(alerts(&world).last(), Some(&AlertCode::Dust));
    let orders = world.orders().len();
    world.wait(Nanos::MINUTE.times(30));
    assert_eq!(world.orders().len(), orders);
}

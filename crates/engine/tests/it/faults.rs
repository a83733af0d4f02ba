//! Stories of a venue that refuses, loses, doubles and reorders.

use crate::world::{A, B, C, D, World, config, instruments, money, proposal, px, qty};
use aegis_engine::EngineConfig;
use aegis_types::{
    AccountUpdate, AlertCode, ClientOrderId, DenialCode, EventBody, Fill, FillReason, Money, Nanos,
    Notice, Operator, Order, OrderReason, OrderUpdate, Qty, RejectCode, Side, TickBody,
};

/// A world in which the entry of A is in flight and every answer is given by hand.
fn by_hand() -> (World, Order) {
    let mut world = World::usual();
    let update = AccountUpdate::Leverage { symbol: A, leverage: 3 };
    world.event(EventBody::Account(update));
    world.held[0].leverage = 3;
    world.answers = false;
    world.fills = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    let entry = world.last_order(OrderReason::Entry);
    (world, entry)
}

fn rejected(code: RejectCode) -> OrderUpdate {
    OrderUpdate::Rejected { code }
}

#[test]
fn a_stop_that_is_not_acknowledged_in_time_flattens() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.wait(Nanos::from_millis(2_999));
    assert_eq!(world.reasons(), [OrderReason::Entry, OrderReason::Stop]);
    world.wait(Nanos::MILLISECOND);
    let exit = world.last_order(OrderReason::Unprotected);
    assert_eq!((exit.qty, exit.reduce_only), (qty("50"), true));
    assert!(!world.position(A).unwrap().protected);
    // The acknowledgement comes too late; the closing fill takes the stop back.
    let stop = world.last_order(OrderReason::Stop);
    world.update(stop, OrderUpdate::Accepted);
    world.fill(exit, exit.qty, px("100"));
    assert!(world.canceled(stop.id));
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Unprotected);
    world.update(stop, OrderUpdate::Canceled);
    assert_eq!(world.engine.capacities()[1].1, 0, "the slot is free again");
}

#[test]
fn an_unknown_stop_is_not_sent_again_and_flattens_at_the_deadline() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.update(world.last_order(OrderReason::Stop), OrderUpdate::Unknown);
    world.minute();
    let stops = world.reasons().iter().filter(|r| **r == OrderReason::Stop).count();
    assert_eq!(stops, 1);
    world.last_order(OrderReason::Unprotected);
}

#[test]
fn an_unknown_stop_proven_in_time_protects() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    let stop = world.last_order(OrderReason::Stop);
    world.update(stop, OrderUpdate::Unknown);
    world.wait(Nanos::SECOND);
    world.update(stop, OrderUpdate::Accepted);
    world.wait(Nanos::SECOND.times(10));
    assert!(world.position(A).unwrap().protected);
    // A cancel or query that got lost later does not undo the acknowledgement.
    world.update(stop, OrderUpdate::Unknown);
    assert!(world.position(A).unwrap().protected);
    assert_eq!(world.reasons().last(), Some(&OrderReason::Target));
}

#[test]
fn refused_stops_are_tried_three_times_then_the_position_is_left() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    for _ in 0..3 {
        world.update(world.last_order(OrderReason::Stop), rejected(RejectCode::VenueFailed));
    }
    let reasons = world.reasons();
    assert_eq!(reasons[1..4], [OrderReason::Stop; 3]);
    assert_eq!(reasons[4..], [OrderReason::Unprotected]);
}

#[test]
fn a_stop_behind_the_price_leaves_at_once() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("98.9"));
    world.update(world.last_order(OrderReason::Stop), rejected(RejectCode::WouldTrigger));
    assert_eq!(world.reasons().last(), Some(&OrderReason::Unprotected));
}

#[test]
fn a_target_behind_the_price_takes_the_profit_at_once() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("101"));
    world.update(world.last_order(OrderReason::Stop), OrderUpdate::Accepted);
    world.update(world.last_order(OrderReason::Target), rejected(RejectCode::WouldTrigger));
    let exit = *world.orders().last().unwrap();
    assert_eq!((exit.reason, exit.kind), (OrderReason::Target, aegis_types::OrderType::Market));
}

#[test]
fn a_refused_target_is_tried_again_after_a_bar() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.update(world.last_order(OrderReason::Stop), OrderUpdate::Accepted);
    let target = world.last_order(OrderReason::Target);
    world.update(target, rejected(RejectCode::VenueFailed));
    assert_eq!(world.last_order(OrderReason::Target), target);
    world.minute();
    world.minute();
    assert_ne!(world.last_order(OrderReason::Target), target);
    assert!(world.position(A).unwrap().protected);
}

/// Closes by the operator that are refused again and again: the pauses between them, in ms.
fn pauses(world: &mut World, code: RejectCode, times: usize) -> Vec<i64> {
    world.operator(Operator::Flatten);
    let mut pauses = Vec::new();
    for _ in 0..times {
        let exit = world.last_order(OrderReason::Flatten);
        world.update(exit, rejected(code));
        let refused = world.at;
        while world.last_order(OrderReason::Flatten) == exit {
            world.wait(Nanos::from_millis(10));
        }
        pauses.push(world.at.since(refused).as_millis());
    }
    pauses
}

#[test]
fn a_refused_flatten_goes_again_within_half_a_second() {
    for code in [RejectCode::VenueFailed, RejectCode::TooManyOrders, RejectCode::Margin] {
        let (mut world, entry) = by_hand();
        world.fill(entry, entry.qty, px("100"));
        let pauses = pauses(&mut world, code, 12);
        assert_eq!((pauses[0], pauses.iter().max()), (250, Some(&450)), "{code}: {pauses:?}");
    }
}

#[test]
fn a_refused_flatten_goes_ever_more_seldom_while_a_stop_protects() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    let stop = world.last_order(OrderReason::Stop);
    world.update(stop, OrderUpdate::Accepted);
    let before = pauses(&mut world, RejectCode::VenueFailed, 8);
    assert_eq!(before, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    assert_eq!(alerts(&world), [AlertCode::FlattenRefused], "told once");
    // The stop is lost: from now on every half second counts.
    world.update(stop, OrderUpdate::Expired);
    let after = pauses(&mut world, RejectCode::VenueFailed, 3);
    assert!(after.iter().all(|pause| *pause <= 450), "{after:?}");
    // An unknown one does not go again: it may have been executed.
    let exit = world.last_order(OrderReason::Flatten);
    world.update(exit, OrderUpdate::Unknown);
    world.wait(Nanos::MINUTE);
    assert_eq!(world.last_order(OrderReason::Flatten), exit);
}

fn alerts(world: &World) -> Vec<AlertCode> {
    let code = |notice: &Notice| match notice {
        Notice::Alert(alert) => Some(alert.code),
        _ => None,
    };
    world.notices.iter().filter_map(code).collect()
}

/// A fill that no order of ours has made.
fn outside(world: &mut World, side: Side, qty: Qty, reason: FillReason) {
    let id = ClientOrderId { session: 7, number: 0 };
    let entry = world.last_order(OrderReason::Entry);
    let order = Order { id, side, ..entry };
    let fill = world.make_fill(&order, qty, px("100"));
    let fill = Fill { reason, ..fill };
    world.event(EventBody::Order { id, symbol: A, update: OrderUpdate::Filled { fill } });
}

#[test]
fn a_position_that_is_reduced_by_others_keeps_a_stop_of_its_size() {
    for (reason, code) in [
        (FillReason::Deleveraged, AlertCode::Deleveraged),
        (FillReason::Manual, AlertCode::ForeignClose),
    ] {
        let mut world = World::usual();
        world.enter(A, Side::Buy, 0.7);
        let stop = world.last_order(OrderReason::Stop);
        outside(&mut world, Side::Sell, qty("30"), reason);
        let smaller = world.last_order(OrderReason::Stop);
        assert_eq!((smaller.qty, world.canceled(stop.id)), (qty("20"), true));
        let position = world.position(A).unwrap();
        assert_eq!((position.qty, position.protected), (qty("20"), true));
        assert_eq!(alerts(&world), [code]);
    }
}

#[test]
fn a_position_that_is_closed_by_others_is_over_with_its_orders() {
    for (reason, told) in [
        (FillReason::Deleveraged, OrderReason::Deleveraged),
        (FillReason::Manual, OrderReason::Manual),
        (FillReason::NextPrice, OrderReason::Manual),
    ] {
        let mut world = World::usual();
        world.enter(A, Side::Buy, 0.7);
        outside(&mut world, Side::Sell, qty("50"), reason);
        assert_eq!(world.trades()[0].exit_reason, told);
        assert!(world.resting.is_empty(), "stop and target are taken back");
        assert_eq!((world.engine.slots_used(), alerts(&world).len()), (0, 1));
    }
}

#[test]
fn a_position_that_is_enlarged_by_others_gets_a_larger_stop() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    outside(&mut world, Side::Buy, qty("10"), FillReason::Manual);
    assert_eq!(world.last_order(OrderReason::Stop).qty, qty("60"));
    assert!(world.position(A).unwrap().protected);
}

#[test]
fn a_liquidated_symbol_rests_for_a_day() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    outside(&mut world, Side::Sell, qty("50"), FillReason::Liquidated);
    assert_eq!(alerts(&world), [AlertCode::Liquidation]);
    world.propose(A, proposal(Side::Buy, 0.7));
    world.minute();
    assert_eq!(world.denied(), [DenialCode::CoolDown]);
    world.enter(B, Side::Buy, 0.7);
}

#[test]
fn a_missed_deadline_is_told() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.wait(Nanos::SECOND.times(10));
    assert_eq!(alerts(&world), [AlertCode::Unprotected]);
    let control = world.engine.controls().into_iter().find(|c| c.name == "stop_deadline");
    let control = control.unwrap();
    assert_eq!((control.refused, control.high_water, control.limit), (1, 3.0, 3.0));
}

#[test]
fn an_exit_that_comes_to_nothing_behind_the_deadline_is_followed_by_another() {
    let (mut world, entry) = by_hand();
    world.wait(Nanos::SECOND.times(58));
    world.fill(entry, entry.qty, px("100"));
    // The stop is not answered; two seconds later the reasons for the entry are gone.
    world.lines.borrow_mut().decayed.push(A);
    world.closes();
    let exit = world.last_order(OrderReason::Decay);
    world.wait(Nanos::SECOND.times(5));
    assert_eq!(world.reasons().last(), Some(&OrderReason::Decay), "an exit is under way");
    world.update(exit, OrderUpdate::Expired);
    world.wait(Nanos::from_millis(450));
    world.last_order(OrderReason::Unprotected);
    assert_eq!(alerts(&world), [AlertCode::Unprotected]);
}

#[test]
fn a_stop_behind_the_price_leaves_without_another_try() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.update(world.last_order(OrderReason::Stop), rejected(RejectCode::WouldTrigger));
    let reasons = [OrderReason::Entry, OrderReason::Stop, OrderReason::Unprotected];
    assert_eq!(world.reasons(), reasons);
}

#[test]
fn an_outcome_that_stays_unknown_is_told() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.answers = false;
    world.fills = false;
    world.operator(Operator::Flatten);
    let exit = world.last_order(OrderReason::Flatten);
    world.update(exit, OrderUpdate::Unknown);
    world.wait(Nanos::from_millis(59_999));
    assert_eq!(alerts(&world), []);
    world.wait(Nanos::from_millis(1));
    assert_eq!(alerts(&world), [AlertCode::OutcomeUnknown]);
    world.fill(exit, exit.qty, px("100"));
    let control = world.engine.controls().into_iter().find(|c| c.name == "unknown_orders");
    assert_eq!(control.map(|c| (c.high_water, c.refused)), Some((60.0, 1)));
}

#[test]
fn fills_are_known_for_ever() {
    let (mut world, entry) = by_hand();
    let part = qty("0.1");
    let fills: Vec<Fill> = (0..300).map(|_| world.make_fill(&entry, part, px("100"))).collect();
    let tell = |world: &mut World, fill: Fill| {
        world.update(entry, OrderUpdate::Filled { fill });
        world.position(A).unwrap().qty
    };
    // One comes late, out of order: it is no duplicate.
    for fill in fills.iter().enumerate().filter(|(n, _)| *n != 200).map(|(_, fill)| *fill) {
        tell(&mut world, fill);
    }
    assert_eq!(tell(&mut world, fills[200]), qty("30"));
    for fill in &fills {
        assert_eq!(tell(&mut world, *fill), qty("30"), "trade {}", fill.trade_id);
    }
    assert_eq!(world.engine.duplicate_fills(), 300);
}

#[test]
fn an_inferred_fill_makes_no_later_one_known() {
    let (mut world, entry) = by_hand();
    let inferred =
        Fill { trade_id: Fill::INFERRED + 5, ..world.make_fill(&entry, qty("1"), px("100")) };
    world.update(entry, OrderUpdate::Filled { fill: inferred });
    for _ in 0..300 {
        let fill = world.make_fill(&entry, qty("0.1"), px("100"));
        world.update(entry, OrderUpdate::Filled { fill });
    }
    assert_eq!(world.position(A).unwrap().qty, qty("31"));
}

#[test]
fn no_order_is_filled_beyond_its_quantity() {
    let (mut world, entry) = by_hand();
    world.fill(entry, qty("30"), px("100"));
    world.fill(entry, qty("20.001"), px("100"));
    assert_eq!(world.position(A).unwrap().qty, qty("30"));
    assert_eq!(world.engine.duplicate_fills(), 1);
    world.fill(entry, qty("20"), px("100"));
    assert_eq!(world.position(A).unwrap().qty, qty("50"));
}

#[test]
fn an_unknown_entry_holds_its_slot_until_proven() {
    for proof in [OrderUpdate::Canceled, rejected(RejectCode::VenueFailed)] {
        let one = EngineConfig { positions_max: 1, ..config() };
        let mut world = World::new(one, &instruments(2));
        world.confirms = true;
        world.fills = false;
        world.propose(A, proposal(Side::Buy, 0.7));
        world.answers = false;
        world.closes();
        world.event(EventBody::Account(AccountUpdate::Leverage { symbol: A, leverage: 3 }));
        let entry = world.last_order(OrderReason::Entry);
        world.update(entry, OrderUpdate::Unknown);
        for _ in 0..4 {
            world.propose(A, proposal(Side::Buy, 0.9));
            world.propose(B, proposal(Side::Buy, 0.9));
            world.minute();
            assert_eq!(world.engine.slots_used(), 1);
        }
        // "No such order" is no proof.
        world.update(entry, rejected(RejectCode::UnknownOrder));
        assert_eq!(world.engine.slots_used(), 1);
        let blocked = [DenialCode::AlreadyInPosition, DenialCode::SlotsFullBusy].repeat(4);
        assert_eq!(world.denied(), blocked);
        world.update(entry, proof);
        assert_eq!(world.engine.slots_used(), 0);
        assert_eq!(world.orders().len(), 1, "never sent again");
    }
}

#[test]
fn an_unknown_entry_that_filled_is_protected() {
    let (mut world, entry) = by_hand();
    world.update(entry, OrderUpdate::Unknown);
    world.wait(Nanos::SECOND.times(20));
    world.answers = true;
    world.fill(entry, entry.qty, px("100"));
    assert!(world.position(A).unwrap().protected);
}

#[test]
fn a_fill_told_twice_is_booked_once() {
    let (mut world, entry) = by_hand();
    let fill = world.make_fill(&entry, entry.qty, px("100"));
    for _ in 0..3 {
        world.update(entry, OrderUpdate::Filled { fill });
    }
    assert_eq!(world.position(A).unwrap().qty, entry.qty);
    assert_eq!(world.engine.duplicate_fills(), 2);
}

#[test]
fn partial_fills_are_protected_by_what_is_held() {
    let (mut world, entry) = by_hand();
    world.fill(entry, qty("20"), px("100"));
    let first = world.last_order(OrderReason::Stop);
    assert_eq!(first.qty, qty("20"));
    world.fill(entry, qty("30"), px("100.1"));
    assert_eq!(world.last_order(OrderReason::Stop), first, "one at a time");
    world.update(first, OrderUpdate::Accepted);
    let second = world.last_order(OrderReason::Stop);
    assert_eq!(second.qty, qty("50"));
    assert!(!world.canceled(first.id), "the new stop stands before the old one goes");
    world.update(second, OrderUpdate::Accepted);
    assert!(world.canceled(first.id));
    let position = world.position(A).unwrap();
    assert_eq!((position.qty, position.entry_px), (qty("50"), px("100.06")));
    assert!(position.protected);
    assert_eq!(world.last_order(OrderReason::Target).qty, qty("50"));
}

#[test]
fn an_entry_that_ends_half_filled_is_a_smaller_position() {
    let (mut world, entry) = by_hand();
    world.answers = true;
    world.fill(entry, qty("20"), px("100"));
    world.update(entry, OrderUpdate::Expired);
    let position = world.position(A).unwrap();
    assert_eq!((position.qty, position.protected), (qty("20"), true));
    assert_eq!(world.last_order(OrderReason::Target).qty, qty("20"));
}

#[test]
fn a_partly_filled_target_shrinks_the_stop() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let (stop, target) =
        (world.last_order(OrderReason::Stop), world.last_order(OrderReason::Target));
    world.fill(target, qty("30"), px("102"));
    let smaller = world.last_order(OrderReason::Stop);
    assert_eq!(smaller.qty, qty("20"));
    assert!(world.canceled(stop.id) && world.position(A).unwrap().protected);
    world.fill(target, qty("20"), px("102"));
    assert_eq!(world.trades()[0].qty, qty("50"));
    assert!(world.canceled(smaller.id));
}

#[test]
fn answers_out_of_order_come_to_the_same() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    world.update(entry, OrderUpdate::Accepted); // after its fill
    let stop = world.last_order(OrderReason::Stop);
    world.fill(stop, stop.qty, px("99")); // before its acknowledgement
    world.update(stop, OrderUpdate::Accepted);
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Stop);
    assert_eq!((world.engine.slots_used(), world.engine.capacities()[1].1), (0, 0));
}

#[test]
fn a_liquidation_closes_the_position() {
    let mut world = World::usual();
    let position = world.enter(A, Side::Buy, 0.7);
    let order = Order {
        id: ClientOrderId { session: 7, number: 0 },
        symbol: A,
        side: Side::Sell,
        ..world.last_order(OrderReason::Stop)
    };
    let fill = world.make_fill(&order, position.qty, px("67"));
    let fill = Fill { reason: FillReason::Liquidated, ..fill };
    let update = OrderUpdate::Filled { fill };
    world.event(EventBody::Order { id: fill.order, symbol: A, update });
    let trade = world.trades()[0];
    assert_eq!((trade.exit_reason, trade.exit_px), (OrderReason::Liquidation, px("67")));
    assert!(world.resting.is_empty(), "stop and target are taken back");
    assert_eq!(world.engine.slots_used(), 0);
}

#[test]
fn a_fill_after_the_end_of_the_entry_is_left_at_once() {
    let (mut world, entry) = by_hand();
    world.update(entry, OrderUpdate::Canceled);
    assert_eq!(world.engine.slots_used(), 0);
    world.fill(entry, entry.qty, px("100"));
    let exit = world.last_order(OrderReason::Unprotected);
    assert_eq!((exit.side, exit.qty, exit.reduce_only), (Side::Sell, entry.qty, true));
    assert_eq!(world.engine.slots_used(), 1, "it is held, so it counts");
    world.fill(exit, exit.qty, px("100"));
    assert_eq!(world.engine.slots_used(), 0);
}

#[test]
fn a_fill_of_nobody_is_counted_and_changes_nothing() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let mut order = world.last_order(OrderReason::Stop);
    order.id.number = 999;
    let fill = world.make_fill(&order, qty("1"), px("100"));
    world.event(EventBody::Order { id: order.id, symbol: A, update: OrderUpdate::Filled { fill } });
    assert_eq!(world.engine.stray_fills(), 1);
    assert_eq!(world.position(A).unwrap().qty, qty("50"));
}

#[test]
fn a_lost_stop_is_replaced() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    let stop = world.last_order(OrderReason::Stop);
    world.resting.retain(|order| order.id != stop.id);
    world.update(stop, OrderUpdate::Expired);
    assert_ne!(world.last_order(OrderReason::Stop), stop);
    assert!(world.position(A).unwrap().protected);
}

#[test]
fn an_entry_that_never_fills_is_taken_back_after_two_bars() {
    let mut world = World::usual();
    world.fills = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    let entry = world.last_order(OrderReason::Entry);
    world.wait(Nanos::from_millis(119_999));
    assert!(!world.canceled(entry.id));
    world.wait(Nanos::MILLISECOND);
    assert!(world.canceled(entry.id));
    assert_eq!(world.engine.slots_used(), 0);
}

#[test]
fn another_leverage_than_asked_for_is_no_entry() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.event(EventBody::Account(AccountUpdate::Leverage { symbol: A, leverage: 20 }));
    assert_eq!((world.denied(), world.orders()), (vec![DenialCode::LeverageCap], Vec::new()));
    let denial = world.denials()[0];
    assert_eq!((denial.measured, denial.limit), (20.0, 3.0));
    // No answer at all: given up after a bar.
    world.propose(B, proposal(Side::Buy, 0.7));
    world.closes();
    assert_eq!(world.engine.slots_used(), 1);
    world.wait(Nanos::MINUTE);
    assert_eq!(world.engine.slots_used(), 0);
    assert_eq!(world.denied(), [DenialCode::LeverageCap; 2]);
}

#[test]
fn a_rotation_whose_exit_is_refused_lapses_and_the_victim_stays_protected() {
    let mut world = World::usual();
    for (symbol, confidence) in [(A, 0.7), (B, 0.8), (C, 0.8)] {
        world.enter(symbol, Side::Buy, confidence);
    }
    world.prices[0] = px("101");
    world.minute();
    world.answers = false;
    world.propose(D, proposal(Side::Buy, 0.9));
    world.closes();
    let exit = world.last_order(OrderReason::Rotation);
    world.update(exit, rejected(RejectCode::VenueFailed));
    assert_eq!(world.denied(), [DenialCode::RotationLapsed]);
    assert!(world.position(A).unwrap().protected);
    assert_eq!(world.engine.slots_used(), 3);
}

#[test]
fn leverage_stays_under_the_cap_after_slippage() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100.37"));
    assert!(world.engine.max_leverage() <= 3.0, "{}", world.engine.max_leverage());
    assert!(world.engine.max_leverage() > 2.99);
}

#[test]
fn a_gap_tick_stops_entries_until_an_hour_is_whole() {
    let mut world = World::usual();
    world.tick(A, TickBody::Gap { missing: 9 });
    // Three whole minutes lie behind, and none turns out to be missing.
    for _ in 0..56 {
        world.propose(A, proposal(Side::Buy, 0.7));
        world.closes();
        assert_eq!(world.denied().last(), Some(&DenialCode::Tainted));
    }
    world.enter(A, Side::Buy, 0.7);
}

#[test]
fn funding_of_a_position_is_in_its_trade_and_of_none_is_told_only() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    for symbol in [A, B] {
        let update = AccountUpdate::Funding {
            symbol,
            amount: money("-1.5"),
            rate: aegis_types::Rate::ZERO,
            mark: px("100"),
        };
        world.event(EventBody::Account(update));
    }
    world.operator(Operator::Flatten);
    world.minute();
    let trade = world.trades()[0];
    assert_eq!(trade.funding, money("-1.5"));
    let costs = trade.fees.plus(money("1.5")).unwrap();
    assert_eq!(trade.net, trade.gross.minus(costs).unwrap());
    assert_eq!(trade.gross, Money::ZERO);
}

#[test]
fn cancels_and_reducing_orders_pass_every_gate() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.operator(Operator::Halt);
    world.pay(money("-9000"));
    world.tick(A, TickBody::Gap { missing: 1 });
    world.operator(Operator::Flatten);
    assert!(world.reasons().contains(&OrderReason::Flatten));
}

#[test]
fn an_unknown_entry_lets_nobody_be_rotated_out() {
    let mut world = World::usual();
    world.enter(A, Side::Buy, 0.7);
    world.enter(B, Side::Buy, 0.8);
    world.fills = false;
    world.event(EventBody::Account(AccountUpdate::Leverage { symbol: C, leverage: 3 }));
    world.answers = false;
    world.propose(C, proposal(Side::Buy, 0.7));
    world.closes();
    world.update(world.last_order(OrderReason::Entry), OrderUpdate::Unknown);
    world.prices[0] = px("101");
    world.propose(D, proposal(Side::Buy, 0.9));
    world.closes();
    assert_eq!(world.denied(), [DenialCode::SlotsFullBusy]);
    assert!(!world.reasons().contains(&OrderReason::Rotation));
}

#[test]
fn nothing_leaves_while_paused() {
    let mut world = World::usual();
    world.confirms = false;
    world.propose(A, proposal(Side::Buy, 0.7));
    world.closes();
    world.operator(Operator::Pause);
    let before = world.commands.len();
    world.event(EventBody::Account(AccountUpdate::Leverage { symbol: A, leverage: 3 }));
    world.propose(B, proposal(Side::Buy, 0.7));
    world.closes();
    assert_eq!(world.denied(), [DenialCode::Paused; 2]);
    assert_eq!(world.commands.len(), before);
    assert_eq!(world.engine.slots_used(), 0);
}

#[test]
fn a_late_fill_takes_the_place_of_a_signal_that_waits_for_its_leverage() {
    let (mut world, entry) = by_hand();
    world.update(entry, OrderUpdate::Canceled);
    // The venue forgets the leverage, so that the next signal has to wait for it.
    world.event(EventBody::Account(AccountUpdate::Leverage { symbol: A, leverage: 5 }));
    world.propose(A, proposal(Side::Sell, 0.7));
    world.closes();
    world.fill(entry, entry.qty, px("100"));
    assert_eq!(world.denied(), [DenialCode::AlreadyInPosition]);
    let exit = world.last_order(OrderReason::Unprotected);
    assert_eq!((exit.side, exit.qty), (Side::Sell, entry.qty));
    assert_eq!(world.engine.slots_used(), 1);
}

#[test]
fn a_stop_fills_however_many_orders_were_sent_after_it() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    let stop = world.last_order(OrderReason::Stop);
    world.update(stop, OrderUpdate::Accepted);
    world.operator(Operator::Flatten);
    for _ in 0..300 {
        let exit = world.last_order(OrderReason::Flatten);
        world.update(exit, rejected(RejectCode::VenueFailed));
        world.wait(Nanos::from_millis(250));
    }
    world.fill(stop, stop.qty, px("99"));
    assert_eq!((world.engine.stray_fills(), world.position(A)), (0, None));
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Stop);
}

/// Closes sent in so many minutes, each refused with this code at once.
fn closes_refused(world: &mut World, code: RejectCode, minutes: i64) -> usize {
    let mut sent = 0;
    let end = world.at.after(Nanos::MINUTE.times(minutes));
    let mut answered = None;
    while world.at < end {
        let exit = world.last_order(OrderReason::Flatten);
        if answered != Some(exit) {
            sent += 1;
            answered = Some(exit);
            world.update(exit, rejected(code));
        }
        world.wait(Nanos::from_millis(250));
    }
    sent
}

#[test]
fn a_close_without_a_chance_goes_ever_more_seldom_until_the_fill_is_told() {
    for code in [RejectCode::ReduceOnly, RejectCode::TooManyOrders, RejectCode::Quantity] {
        let (mut world, entry) = by_hand();
        world.fill(entry, entry.qty, px("100"));
        let stop = world.last_order(OrderReason::Stop);
        world.update(stop, OrderUpdate::Accepted);
        let target = world.last_order(OrderReason::Target);
        world.update(target, OrderUpdate::Canceled);
        world.operator(Operator::Flatten);
        let first = world.last_order(OrderReason::Flatten);
        world.update(first, rejected(code));
        world.wait(Nanos::from_millis(250));
        assert_ne!(world.last_order(OrderReason::Flatten), first, "the first time at once");
        let sent = closes_refused(&mut world, code, 1);
        assert!((5..=10).contains(&sent), "{sent} in the first minute");
        let sent = closes_refused(&mut world, code, 60);
        assert!((58..=62).contains(&sent), "{sent} in an hour");
        assert_eq!(world.position(A).unwrap().qty, entry.qty, "held until proven otherwise");
        assert_eq!(world.engine.slots_used(), 1);
        world.fill(stop, stop.qty, px("99"));
        assert_eq!((world.engine.slots_used(), world.engine.stray_fills()), (0, 0));
        assert_eq!(world.trades()[0].exit_reason, OrderReason::Stop);
    }
}

#[test]
fn a_close_that_finds_no_room_takes_the_target_back_and_goes() {
    let (mut world, entry) = by_hand();
    world.fill(entry, entry.qty, px("100"));
    let stop = world.last_order(OrderReason::Stop);
    world.update(stop, OrderUpdate::Accepted);
    let target = world.last_order(OrderReason::Target);
    world.update(target, OrderUpdate::Accepted);
    world.lines.borrow_mut().decayed.push(A);
    world.closes();
    let exit = world.last_order(OrderReason::Decay);
    world.update(exit, rejected(RejectCode::TooManyOrders));
    assert!(world.canceled(target.id) && !world.canceled(stop.id));
    world.update(target, OrderUpdate::Canceled);
    let again = world.last_order(OrderReason::Decay);
    assert_ne!(again, exit, "with the room, not with the clock");
    assert_eq!(world.last_order(OrderReason::Target), target, "no new target in its place");
    world.fill(again, again.qty, px("100"));
    assert_eq!(world.trades()[0].exit_reason, OrderReason::Decay);
}

#[test]
fn a_stop_that_finds_no_room_takes_the_target_back_and_goes() {
    for target_fills in [false, true] {
        let (mut world, entry) = by_hand();
        world.fill(entry, qty("20"), px("100"));
        let small = world.last_order(OrderReason::Stop);
        world.update(small, OrderUpdate::Accepted);
        let target = world.last_order(OrderReason::Target);
        world.update(target, OrderUpdate::Accepted);
        world.fill(entry, qty("30"), px("100"));
        let whole = world.last_order(OrderReason::Stop);
        world.update(whole, rejected(RejectCode::TooManyOrders));
        assert!(world.canceled(target.id) && !world.canceled(small.id));
        assert_eq!(world.last_order(OrderReason::Stop), whole, "not before there is room");
        if target_fills {
            world.fill(target, target.qty, px("102"));
        } else {
            world.update(target, OrderUpdate::Canceled);
        }
        let stop = world.last_order(OrderReason::Stop);
        assert_ne!(stop, whole);
        world.update(stop, OrderUpdate::Accepted);
        assert!(world.position(A).unwrap().protected);
        assert!(world.canceled(small.id));
    }
}

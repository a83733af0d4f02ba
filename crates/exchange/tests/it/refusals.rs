//! Every way in which something is refused, by its code.

use crate::world::{World, fills, instrument, money, plain, px, qty, rate, refusal};
use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_types::{
    AccountUpdate, ClientOrderId, Command, EventBody, Order, OrderType, Px, Qty, RejectCode, Side,
    SymbolId,
};

fn code(change: impl Fn(Order) -> Order) -> RejectCode {
    let mut world = World::at_price(plain(), "100");
    let order = world.order(OrderType::Market, Side::Buy, "1");
    refusal(&world.send(change(order)))
}

#[test]
fn filters_refuse_what_is_off_their_grids_and_ranges() {
    let with_qty = |q: &str| code(|o| Order { qty: qty(q), ..o });
    for q in ["0", "-1", "0.0005", "1.0001", "1000.001"] {
        assert_eq!(with_qty(q), RejectCode::Quantity, "{q}");
    }
    assert_eq!(with_qty("0.049"), RejectCode::Notional, "4.9 of 5");
    let limit = |p: &str| code(|o| Order { kind: OrderType::Limit, price: px(p), ..o });
    for p in ["0", "-1", "99.95"] {
        assert_eq!(limit(p), RejectCode::Price, "{p}");
    }
    let stray = code(|o| Order { price: px("100"), ..o });
    assert_eq!(stray, RejectCode::Price, "a market order has none");
    let stop = |p: &str| code(|o| Order { kind: OrderType::StopMarket, trigger: px(p), ..o });
    assert_eq!(stop("100.05"), RejectCode::Price);
    assert_eq!(code(|o| Order { symbol: SymbolId(7), ..o }), RejectCode::Symbol);
}

#[test]
fn a_trigger_that_is_already_crossed_is_refused() {
    use OrderType::{StopMarket, TakeProfitMarket};
    let cases = [
        (StopMarket, Side::Buy, "100"),
        (StopMarket, Side::Sell, "100"),
        (StopMarket, Side::Sell, "101"),
        (TakeProfitMarket, Side::Sell, "99"),
        (TakeProfitMarket, Side::Buy, "101"),
    ];
    for (kind, side, trigger) in cases {
        let refused = code(|o| Order { kind, side, trigger: px(trigger), ..o });
        assert_eq!(refused, RejectCode::WouldTrigger, "{kind} {side} {trigger}");
    }
}

#[test]
fn reduce_only_needs_a_position_to_reduce() {
    assert_eq!(code(|o| Order { reduce_only: true, ..o }), RejectCode::ReduceOnly);
    let mut world = World::holding(plain(), Side::Buy, "1", "100");
    let adding = Order { reduce_only: true, ..world.order(OrderType::Market, Side::Buy, "1") };
    assert_eq!(refusal(&world.send(adding)), RejectCode::ReduceOnly);
    let small = Order { reduce_only: true, ..world.order(OrderType::Market, Side::Sell, "0.001") };
    assert_eq!(fills(&world.send(small)).len(), 1);
}

#[test]
fn money_and_brackets_bound_what_may_be_opened() {
    let mut world = World::at_price(plain(), "100");
    // 10,000 at leverage 10 carries 995 at most: margin 9,950 and fee 49.75.
    let too_much = world.order(OrderType::Market, Side::Buy, "996");
    assert_eq!(refusal(&world.send(too_much)), RejectCode::Margin);
    let enough = world.order(OrderType::Market, Side::Buy, "990");
    world.accepted(enough);
    let no_more = world.order(OrderType::Market, Side::Buy, "10");
    assert_eq!(refusal(&world.send(no_more)), RejectCode::Margin, "the first one reserves");
    // To the last unit: margin 1,000 and fee 5.
    let config = ExchangeConfig { balance: money("1005"), ..plain() };
    let mut world = World::at_price(config, "100");
    let more = world.order(OrderType::Market, Side::Buy, "100.001");
    assert_eq!(refusal(&world.send(more)), RejectCode::Margin);
    world.market(Side::Buy, "100");
    assert_eq!(fills(&world.open("100")).len(), 1);
    assert_eq!(world.exchange.available(), Ok(money("0")));
    let mut world = World::at_price(plain(), "100");
    world.leverage(75);
    let beyond = world.order(OrderType::Market, Side::Buy, "500");
    assert_eq!(refusal(&world.send(beyond)), RejectCode::Leverage, "50,000 allows 50");
}

#[test]
fn tables_are_of_fixed_size_and_ids_are_unique_among_open_orders() {
    let mut world = World::at_price(ExchangeConfig { orders_per_symbol: 3, ..plain() }, "100");
    let first = world.limit(Side::Buy, "1", "90");
    world.limit(Side::Buy, "1", "90");
    let again = Order { id: first, ..world.order(OrderType::Market, Side::Buy, "1") };
    assert_eq!(refusal(&world.send(again)), RejectCode::DuplicateId);
    world.limit(Side::Buy, "1", "90");
    let fourth = world.order(OrderType::Market, Side::Buy, "1");
    assert_eq!(refusal(&world.send(fourth)), RejectCode::TooManyOrders);
    world.execute(Command::Cancel { id: first, symbol: SymbolId(0) });
    assert_eq!(world.exchange.capacities()[0].1, 2, "in use");
    world.accepted(again);
    assert_eq!(world.exchange.capacities()[0], ("open orders of one symbol", 3, 3, 3));
}

#[test]
fn nothing_is_traded_before_a_price_was_seen() {
    let mut world = World::new(plain());
    let order = world.order(OrderType::Market, Side::Buy, "1");
    assert_eq!(refusal(&world.send(order)), RejectCode::NoPrice);
}

#[test]
fn unknown_orders_cannot_be_cancelled() {
    let mut world = World::new(plain());
    let id = ClientOrderId { session: 1, number: 1 };
    for symbol in [0, 7] {
        let answers = world.execute(Command::Cancel { id, symbol: SymbolId(symbol) });
        assert_eq!(refusal(&answers), RejectCode::UnknownOrder);
    }
}

#[test]
fn leverage_stays_what_it_was_when_it_may_not_change() {
    let leverage = |leverage| {
        let symbol = SymbolId(0);
        [EventBody::Account(AccountUpdate::Leverage { symbol, leverage })]
    };
    let mut world = World::at_price(plain(), "100");
    assert_eq!(world.leverage(20), leverage(20));
    assert_eq!(world.leverage(76), leverage(20), "no bracket allows it");
    assert_eq!(world.leverage(0), leverage(20));
    world.market(Side::Buy, "1");
    assert_eq!(world.leverage(5), leverage(20), "an order is opening");
    world.open("100");
    assert_eq!(world.leverage(5), leverage(20), "a position is held");
    let symbol = SymbolId(9);
    assert_eq!(world.execute(Command::SetLeverage { symbol, leverage: 2 }), []);
}

#[test]
fn instruments_that_cannot_be_traded_are_refused_all_at_once() {
    let mut bad = vec![instrument(1), instrument(1), instrument(2), instrument(3), instrument(4)];
    bad[1].tick = Px::ZERO;
    bad[2].qty_max = Qty::ZERO;
    bad[3].brackets[1].floor = money("1");
    bad[4].taker_fee = rate("1");
    let config = ExchangeConfig { balance: money("0"), ..plain() };
    let error = Exchange::new(config, &bad).err().unwrap();
    assert_eq!(error.violations.len(), 6, "{error}");
    bad[0].brackets.clear();
    assert_eq!(Exchange::new(plain(), &bad).err().unwrap().violations.len(), 6);
}

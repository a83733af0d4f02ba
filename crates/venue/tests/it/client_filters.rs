//! Filters that the exchange changes while orders are sent: the engine is told, once, and nothing
//! is sent again and again.

use crate::client_desk::{BTC, Desk};
use crate::world::World;
use aegis_types::{AccountUpdate, EventBody, Filters, OrderType, Side, SymbolId};
use aegis_venue::client::Note;
use serde_json::json;

/// The filters of which the engine was told.
fn told(desk: &Desk) -> Vec<(SymbolId, Filters)> {
    let of = |(_, body): &(i64, EventBody)| match body {
        EventBody::Account(AccountUpdate::Filters { symbol, filters }) => Some((*symbol, *filters)),
        _ => None,
    };
    desk.told.iter().filter_map(of).collect()
}

/// The filters of BTCUSDT as the exchange has them at the start.
fn at_first() -> Filters {
    let mut world = World::new();
    let info = world.must("GET", "/fapi/v1/exchangeInfo", "");
    let row = info["symbols"].as_array().unwrap().iter().find(|s| s["symbol"] == "BTCUSDT");
    let filters = row.unwrap()["filters"].as_array().unwrap();
    let value = |kind: &str, field: &str| {
        let filter = filters.iter().find(|f| f["filterType"] == kind).unwrap();
        filter[field].as_str().unwrap().to_owned()
    };
    Filters {
        tick: value("PRICE_FILTER", "tickSize").parse().unwrap(),
        step: value("LOT_SIZE", "stepSize").parse().unwrap(),
        qty_min: value("LOT_SIZE", "minQty").parse().unwrap(),
        qty_max: value("MARKET_LOT_SIZE", "maxQty").parse().unwrap(),
        notional_min: value("MIN_NOTIONAL", "notional").parse().unwrap(),
    }
}

/// A client whose engine goes by the exchange's filters.
fn believing() -> Desk {
    let mut desk = Desk::idle(World::new());
    desk.machine.believes(BTC, at_first());
    desk.run(5_000);
    assert_eq!(told(&desk), [], "they are the exchange's");
    desk.command(&aegis_types::Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(100);
    desk
}

#[test]
fn other_filters_are_told_at_the_start() {
    let mut desk = Desk::idle(World::new());
    let old = Filters { step: "0.5".parse().unwrap(), ..at_first() };
    desk.machine.believes(BTC, old);
    desk.run(5_000);
    assert_eq!(told(&desk), [(BTC, at_first())]);
    let note = |n: &&Note| matches!(n, Note::FiltersChanged { .. });
    assert_eq!(desk.notes.iter().filter(note).count(), 1);
    desk.run(200_000);
    assert_eq!(told(&desk).len(), 1);
}

#[test]
fn changed_filters_are_told_with_the_first_refusal() {
    let mut desk = believing();
    desk.world.fault(&json!({"fault": "filters_change", "symbol": "BTCUSDT"}));
    let step = at_first().step;
    let coarse = aegis_types::Qty::from_raw(step.raw() * 10);
    // Fifteen old steps, no whole number of new ones.
    let qty = aegis_types::Qty::from_raw(step.raw() * 15).to_string();
    let id = desk.order(OrderType::Market, Side::Buy, &qty, 0);
    desk.run(1_000);
    let found = told(&desk);
    assert_eq!(found.len(), 1, "{:?}", desk.notes);
    assert_eq!((found[0].0, found[0].1.step), (BTC, coarse));
    assert_eq!(found[0].1.tick.raw(), at_first().tick.raw() * 10);
    // Rounded and sent once more; what the grid does not let through has ended.
    assert_eq!(desk.words(id), ["accepted", &format!("filled {coarse}"), "expired"]);
    assert_eq!(desk.placements(id), 2);
    // What none of them lets through is refused; it does not go round in circles.
    let small = desk.order(OrderType::Market, Side::Sell, &step.to_string(), 0);
    desk.run(60_000);
    assert!(desk.words(small)[0].starts_with("rejected"), "{:?}", desk.words(small));
    assert_eq!(desk.placements(small), 1);
    assert_eq!(told(&desk).len(), 1);
}

#[test]
fn a_least_notional_that_was_raised_is_told() {
    let mut desk = believing();
    let change = json!({"fault": "filters_change", "symbol": "BTCUSDT", "minNotional": "100000"});
    desk.world.fault(&change);
    let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(1_000);
    assert_eq!(desk.words(id), ["rejected notional"]);
    assert_eq!(told(&desk).len(), 1, "{:?}", desk.notes);
    assert_eq!(told(&desk)[0].1.notional_min.to_string(), "100000");
}

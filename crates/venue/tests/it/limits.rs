//! Too much asked: weights, order counts, 429, then 418 and a ban.

use crate::world::{KEY, OTHER, World};
use aegis_venue::server::{Limits, Reply};
use serde_json::{Value, json};

fn header(reply: &Reply, name: &str) -> Option<String> {
    let found = reply.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

fn limited(limits: Limits) -> World {
    World::of(&[60_000; 10], |setup| setup.limits = limits)
}

#[test]
fn every_answer_tells_the_weight_used() {
    let mut world = World::new();
    let used = |reply: &Reply| header(reply, "X-MBX-USED-WEIGHT-1M");
    let ping = world.raw(None, "GET", "/fapi/v1/ping", "", b"");
    assert_eq!(used(&ping).as_deref(), Some("1"));
    let query = world.sign(KEY, "");
    let orders = world.raw(Some(KEY), "GET", "/fapi/v1/openOrders", &query, b"");
    assert_eq!(used(&orders).as_deref(), Some("41"), "all symbols cost 40");
    let query = world.sign(KEY, "symbol=BTCUSDT");
    let orders = world.raw(Some(KEY), "GET", "/fapi/v1/openOrders", &query, b"");
    assert_eq!(used(&orders).as_deref(), Some("42"), "one symbol costs 1");
    let query = world.sign(KEY, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    let order = world.raw(Some(KEY), "POST", "/fapi/v1/order", &query, b"");
    assert_eq!(used(&order).as_deref(), Some("42"), "an order has no weight");
    assert_eq!(header(&order, "X-MBX-ORDER-COUNT-10S").as_deref(), Some("1"));
    assert_eq!(header(&order, "X-MBX-ORDER-COUNT-1M").as_deref(), Some("1"));
    world.wait(60_000);
    let ping = world.raw(None, "GET", "/fapi/v1/ping", "", b"");
    assert_eq!(used(&ping).as_deref(), Some("1"), "a new minute begins at nothing");
}

#[test]
fn ignoring_429_ends_in_418_with_the_end_of_the_ban() {
    let mut world =
        limited(Limits { weight_per_minute: 3, refusals_before_ban: 2, ..Limits::default() });
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(world.raw(None, "GET", "/fapi/v1/ping", "", b"").status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429, 418, 418]);
    let banned = world.raw(None, "GET", "/fapi/v1/ping", "", b"");
    let body: Value = serde_json::from_str(&banned.body).unwrap();
    assert_eq!(body["code"], -1003);
    let text = body["msg"].as_str().unwrap();
    let until = aegis_wire::errors::banned_until(text).unwrap();
    assert_eq!(until, world.wall + 120_000);
    world.wait(119_999);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/ping", "", b"").status, 418);
    world.wait(1);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/ping", "", b"").status, 200);
}

#[test]
fn orders_are_limited_by_account_not_by_address() {
    let mut world = limited(Limits { orders_per_10s: 2, ..Limits::default() });
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58000";
    world.must("POST", "/fapi/v1/order", order);
    world.must("POST", "/fapi/v1/order", order);
    assert_eq!(world.fails("POST", "/fapi/v1/order", order), (429, -1015));
    let (status, _) = world.by(OTHER, "POST", "/fapi/v1/order", order);
    assert_eq!(status, 200);
    let limits = world.must("GET", "/fapi/v1/rateLimit/order", "");
    assert_eq!(
        limits[0],
        json!({
            "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2,
        })
    );
    world.wait(10_000);
    world.must("POST", "/fapi/v1/order", order);
}

#[test]
fn a_batch_counts_five_and_one() {
    let mut world = World::new();
    let item = json!({
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": "58000",
    });
    let mut text = String::new();
    aegis_wire::percent_encode(&json!([item]).to_string(), &mut text);
    let query = world.sign(KEY, &format!("batchOrders={text}"));
    let reply = world.raw(Some(KEY), "POST", "/fapi/v1/batchOrders", &query, b"");
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(header(&reply, "X-MBX-USED-WEIGHT-1M").as_deref(), Some("5"));
    assert_eq!(header(&reply, "X-MBX-ORDER-COUNT-10S").as_deref(), Some("5"));
    assert_eq!(header(&reply, "X-MBX-ORDER-COUNT-1M").as_deref(), Some("1"));
}

#[test]
fn funding_rates_share_a_limit_of_their_own() {
    let mut world = World::new();
    for index in 0..500 {
        let path = if index % 2 == 0 { "/fapi/v1/fundingRate" } else { "/fapi/v1/fundingInfo" };
        assert_eq!(world.raw(None, "GET", path, "", b"").status, 200, "{index}");
    }
    assert_eq!(world.raw(None, "GET", "/fapi/v1/fundingInfo", "", b"").status, 429);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/time", "", b"").status, 200);
    world.wait(300_000);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/fundingRate", "", b"").status, 200);
}

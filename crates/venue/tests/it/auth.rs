//! Who may ask: keys, signatures over the bytes as received, the window around the clock.

use crate::world::{EDDSA, KEY, OTHER, WALL, World, signer};
use aegis_exchange::futures::AccountConfig;
use aegis_venue::server::AccountSetup;
use aegis_wire::{Secret, Verifier};
use serde_json::Value;

/// Secret and key of the examples in the futures documentation.
const DOCS_SECRET: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
const DOCS_KEY: &str = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83";

fn code(body: &str) -> i64 {
    let value: Value = serde_json::from_str(body).unwrap();
    value["code"].as_i64().unwrap_or(0)
}

fn documented() -> World {
    let mut world = World::of(&[60_000; 5], |setup| {
        setup.accounts = vec![AccountSetup {
            key: DOCS_KEY.into(),
            verifier: Verifier::hmac(&Secret::from(DOCS_SECRET)),
            withdraw: false,
            config: AccountConfig::default(),
        }];
    });
    world.wall = 1_591_702_613_943;
    world
}

/// The documentation's examples: everything in the query, everything in the body, and mixed. The
/// orders themselves are refused later, for their price: the signature was right.
#[test]
fn the_published_signatures_are_accepted() {
    let first = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC\
                 &recvWindow=5000&timestamp=1591702613943&signature=\
                 3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9";
    let mixed = "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943&signature=\
                 30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4";
    let head = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
    for (query, body) in [(first, ""), ("", first), (head, mixed)] {
        let mut world = documented();
        let reply = world.raw(Some(DOCS_KEY), "POST", "/fapi/v1/order", query, body.as_bytes());
        assert_ne!(code(&reply.body), -1022, "{query} + {body}: {}", reply.body);
        assert_ne!(code(&reply.body), -1021);
        let upper = |text: &str| match text.split_once("signature=") {
            Some((head, signature)) => format!("{head}signature={}", signature.to_uppercase()),
            None => text.to_owned(),
        };
        let (query, body) = (upper(query), upper(body));
        let reply = world.raw(Some(DOCS_KEY), "POST", "/fapi/v1/order", &query, body.as_bytes());
        assert_ne!(code(&reply.body), -1022, "hex is read in either case");
        let (query, body) = (query.replacen("BUY", "SELL", 1), body.replacen("BUY", "SELL", 1));
        let reply = world.raw(Some(DOCS_KEY), "POST", "/fapi/v1/order", &query, body.as_bytes());
        assert_eq!(code(&reply.body), -1022);
    }
}

#[test]
fn what_is_missing_is_named() {
    let mut world = World::new();
    let path = "/fapi/v3/balance";
    let good = world.sign(KEY, "");
    let mut ask = |key: Option<&str>, query: &str| {
        let reply = world.raw(key, "GET", path, query, b"");
        (reply.status, code(&reply.body), reply.body)
    };
    assert_eq!(ask(Some(KEY), &good).0, 200);
    assert_eq!(ask(None, &good).1, -2014);
    assert_eq!(ask(Some(""), &good).1, -2014);
    assert_eq!(ask(Some("nobody"), &good).1, -2015);
    assert_eq!(ask(Some("nobody"), &good).0, 401);
    assert_eq!(ask(Some(OTHER), &good).1, -1022, "a signature of another account");
    let (status, code, text) = ask(Some(KEY), "a=1&signature=00");
    assert_eq!((status, code), (400, -1102));
    assert!(text.contains("'timestamp'"), "{text}");
    let (status, code, text) = ask(Some(KEY), &format!("timestamp={WALL}"));
    assert_eq!((status, code), (400, -1102));
    assert!(text.contains("'signature'"), "{text}");
    let first = good.split('&').rev().collect::<Vec<_>>().join("&");
    assert_eq!(ask(Some(KEY), &first).1, -1102, "the signature must be last");
}

#[test]
fn the_window_follows_the_wall_clock() {
    let mut world = World::new();
    let mut at = |shift: i64, window: &str| {
        let text = format!("timestamp={}{window}", WALL + shift);
        let signature = signer(KEY).signature(text.as_bytes());
        let query = format!("{text}&signature={signature}");
        let reply = world.raw(Some(KEY), "GET", "/fapi/v3/balance", &query, b"");
        code(&reply.body)
    };
    assert_eq!(at(999, ""), 0);
    assert_eq!(at(1_000, ""), -1021);
    assert_eq!(at(-5_000, ""), 0);
    assert_eq!(at(-5_001, ""), -1021);
    assert_eq!(at(-5_001, "&recvWindow=6000"), 0);
    assert_eq!(at(-60_000, "&recvWindow=60001"), -1131);
}

#[test]
fn ed25519_signs_too() {
    let mut world = World::new();
    let (status, balance) = world.by(EDDSA, "GET", "/fapi/v3/balance", "");
    assert_eq!(status, 200, "{balance}");
    assert_eq!(balance[0]["asset"], "USDT");
    let query = world.sign(EDDSA, "").replace("timestamp=17", "timestamp=18");
    let reply = world.raw(Some(EDDSA), "GET", "/fapi/v3/balance", &query, b"");
    assert_eq!(code(&reply.body), -1021);
}

#[test]
fn parameters_come_in_query_or_body_of_any_method_and_the_query_wins() {
    let mut world = World::new();
    for method in ["POST", "PUT", "DELETE"] {
        let path = if method == "POST" { "/fapi/v1/leverage" } else { "/fapi/v1/order" };
        let form = world.sign(KEY, "symbol=NOSUCH&leverage=5&orderId=1&side=BUY");
        let reply = world.raw(Some(KEY), method, path, "", form.as_bytes());
        assert_eq!(code(&reply.body), -1121, "{method}: {}", reply.body);
    }
    let text = format!("symbol=NOSUCHsymbol=BTCUSDT&leverage=5&timestamp={WALL}");
    let signature = signer(KEY).signature(text.as_bytes());
    let body = format!("symbol=BTCUSDT&leverage=5&timestamp={WALL}&signature={signature}");
    let reply = world.raw(Some(KEY), "POST", "/fapi/v1/leverage", "symbol=NOSUCH", body.as_bytes());
    assert_eq!(code(&reply.body), -1121, "the query's symbol holds: {}", reply.body);
}

#[test]
fn a_json_body_is_not_parameters() {
    let mut world = World::new();
    let query = world.sign(KEY, "symbol=BTCUSDT&leverage=5");
    let body = br#"{"symbol":"ETHUSDT"}"#;
    let reply = world.raw(Some(KEY), "POST", "/fapi/v1/leverage", &query, body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.contains("BTCUSDT"), "{}", reply.body);
}

#[test]
fn a_path_that_is_not_there_is_told_as_json() {
    let mut world = World::new();
    let reply = world.raw(None, "GET", "/fapi/v1/nonsense", "", b"");
    assert_eq!((reply.status, code(&reply.body)), (404, -5000));
}

#[test]
fn what_a_key_may_do_is_told() {
    let mut world = World::new();
    for (key, withdraw) in [(KEY, false), (OTHER, true)] {
        let (status, told) = world.by(key, "GET", "/sapi/v1/account/apiRestrictions", "");
        assert_eq!(status, 200);
        assert_eq!(told["enableWithdrawals"], withdraw);
        assert_eq!(told["enableFutures"], true);
    }
    assert_eq!(world.must("GET", "/sapi/v1/capital/config/getall", "").to_string(), "[]");
    let pairs = world.raw(Some(KEY), "GET", "/sapi/v1/margin/allPairs", "", b"");
    assert_eq!(pairs.body, "[]");
}

//! Whatever is asked of market data, and whatever a socket says, is answered: never a panic, never
//! anything but JSON with a status of the table.

use crate::town::{Town, setup, spec};
use aegis_venue::server::Speed;
use serde_json::Value;

/// Numbers that depend on the seed alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const PATHS: &[&str] = &[
    "exchangeInfo",
    "depth",
    "rpiDepth",
    "trades",
    "historicalTrades",
    "aggTrades",
    "klines",
    "continuousKlines",
    "indexPriceKlines",
    "markPriceKlines",
    "premiumIndexKlines",
    "premiumIndex",
    "fundingRate",
    "fundingInfo",
    "ticker/24hr",
    "ticker/price",
    "ticker/bookTicker",
    "openInterest",
    "ping",
    "time",
    "order",
    "listenKey",
    "nothing",
];

const NAMES: &[&str] = &[
    "symbol",
    "pair",
    "interval",
    "contractType",
    "limit",
    "startTime",
    "endTime",
    "fromId",
    "symbol",
    "pair",
    "interval",
    "limit",
    "timestamp",
    "recvWindow",
    "signature",
    "",
    "x",
];

const VALUES: &[&str] = &[
    "GEN000USDT",
    "GEN000USDT",
    "GEN001USDT",
    "gen000usdt",
    "NOPE",
    "1m",
    "3d",
    "1w",
    "1M",
    "1s",
    "PERPETUAL",
    "CURRENT_QUARTER",
    "0",
    "1",
    "5",
    "20",
    "1000",
    "1500",
    "1501",
    "-1",
    "",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "1736211720000",
    "1736125200000",
    "1e3",
    "%F0%9F%92%A9",
    "%zz",
    "%00",
    "a+b",
    "\u{5e01}",
    "null",
    "true",
    "1.5",
];

fn query(draw: &mut Draw) -> String {
    let pairs: Vec<String> =
        (0..draw.below(6)).map(|_| format!("{}={}", draw.of(NAMES), draw.of(VALUES))).collect();
    pairs.join("&")
}

#[test]
fn every_question_has_an_answer() {
    for seed in [1, 2, 3] {
        let mut draw = Draw(seed);
        let mut town = Town::of(setup(&spec(2, 2), Speed::Step, 1_600));
        for _ in 0..4_000 {
            let version = draw.of(&["v1", "v1", "v1", "v2"]);
            let path = format!("/fapi/{version}/{}", draw.of(PATHS));
            let query = query(&mut draw);
            let method = draw.of(&["GET", "GET", "GET", "POST", "DELETE", "PUT"]);
            let body = if draw.below(4) == 0 { self::query(&mut draw) } else { String::new() };
            let reply = town.ask(method, &path, &query, &body);
            let said = format!("seed {seed}: {method} {path}?{query} {body}: {}", reply.body);
            assert!(matches!(reply.status, 200 | 400 | 401 | 404), "{} {said}", reply.status);
            let value: Value =
                serde_json::from_str(&reply.body).unwrap_or_else(|e| panic!("{e} {said}"));
            assert_eq!(value["code"].is_i64(), reply.status != 200, "{said}");
            if draw.below(50) == 0 {
                town.step(7_777);
            }
        }
    }
}

const WORDS: &[&str] =
    &["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "SING"];

const PARAMS: &[&str] = &[
    "[]",
    "null",
    "{}",
    "[\"gen000usdt@kline_1m\"]",
    "[\"combined\",true]",
    "[\"combined\"]",
    "[1,2]",
    "[\"!ticker@arr\",\"gen001usdt@depth\"]",
    "\"x\"",
    "[\"@\"]",
    "[\"\"]",
    "[[]]",
    "[\"\u{5e01}usdt@trade\"]",
    "[\"gen000usdt@depth5@100ms\",\"gen000usdt@depth@999ms\"]",
];

const IDS: &[&str] = &["1", "\"a\"", "null", "-1", "1.5", "[]", "{}", "18446744073709551615"];

#[test]
fn every_message_has_an_answer_and_streams_go_on() {
    let mut draw = Draw(9);
    let mut town = Town::of(setup(&spec(2, 2), Speed::Step, 100));
    let addresses = ["/public/ws", "/market/stream", "/private/ws/key", "/ws", "/stream?streams=/"];
    let conns = addresses.map(|address| town.open(address));
    for round in 0..600 {
        let conn = conns[draw.below(conns.len())];
        let (method, params, id) = (draw.of(WORDS), draw.of(PARAMS), draw.of(IDS));
        let mut text = format!("{{\"method\":\"{method}\",\"params\":{params},\"id\":{id}}}");
        if draw.below(5) == 0 {
            let mut at = draw.below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.truncate(at);
        }
        let answer = town.say(conn, &text);
        assert!(answer.get("result").is_some() || answer["code"].is_i64(), "{text}: {answer}");
        if round % 10 == 0 {
            town.step(60_000);
            town.frames();
        }
    }
}

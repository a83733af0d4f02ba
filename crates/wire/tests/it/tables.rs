//! The tables hold together: each line is found by what the exchange calls it, names and weights
//! are those of the documentation, and what is parsed is written back the same.

use aegis_wire::endpoints::{
    Call, ENDPOINTS, Effect, Endpoint, Method, OrderCount, Security, Weight,
};
use aegis_wire::intervals::Interval;
use aegis_wire::streams::{ContractType, Route, Stream, StreamKind};
use aegis_wire::urls::{Address, Environment, Scheme, UrlFault, Urls};
use aegis_wire::ws_methods::{WS_METHODS, WsCall, WsMethod};
use proptest::prelude::*;

fn weight(method: Method, path: &str, params: &[(&str, &str)]) -> u32 {
    let line = Endpoint::find(method, path).unwrap_or_else(|| panic!("{path}"));
    line.weight.of(|name| params.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
}

#[test]
fn every_call_is_found_and_none_twice() {
    for (n, line) in ENDPOINTS.iter().enumerate() {
        assert_eq!(line.call as usize, n, "{}", line.path);
        assert_eq!(Endpoint::find(line.method, line.path), Some(line), "{} twice", line.path);
        assert_eq!(line.call.endpoint(), line);
        assert_eq!(Method::parse(line.method.name()), Some(line.method));
        assert!(Endpoint::is_path(line.path));
        assert!(line.method != Method::Get || line.effect == Effect::Read, "{}", line.path);
        assert!(!line.is_write() || line.security.needs_key(), "{}", line.path);
    }
    assert_eq!(Endpoint::find(Method::Get, "/fapi/v1/nothing"), None);
    assert_eq!(Method::parse("PATCH"), None);
}

#[test]
fn weights_are_the_documented_ones() {
    use Method::{Delete, Get, Post};
    for (limit, want) in [("5", 2), ("50", 2), ("100", 5), ("500", 10), ("1000", 20)] {
        assert_eq!(weight(Get, "/fapi/v1/depth", &[("limit", limit)]), want, "{limit}");
    }
    assert_eq!(weight(Get, "/fapi/v1/depth", &[]), 10);
    for (limit, want) in [("1", 1), ("99", 1), ("100", 2), ("499", 2), ("500", 5), ("1000", 5)] {
        assert_eq!(weight(Get, "/fapi/v1/klines", &[("limit", limit)]), want, "{limit}");
    }
    assert_eq!(weight(Get, "/fapi/v1/klines", &[("limit", "1500")]), 10);
    let one = [("symbol", "BTCUSDT")];
    for (path, with, without) in [
        ("/fapi/v1/ticker/24hr", 1, 40),
        ("/fapi/v2/ticker/price", 1, 2),
        ("/fapi/v1/ticker/bookTicker", 2, 5),
        ("/fapi/v1/premiumIndex", 1, 10),
        ("/fapi/v1/openOrders", 1, 40),
        ("/fapi/v1/openAlgoOrders", 1, 40),
        ("/fapi/v1/income", 30, 30),
        ("/fapi/v1/positionSide/dual", 30, 30),
        ("/fapi/v1/fundingRate", 0, 0),
    ] {
        assert_eq!(weight(Get, path, &one), with, "{path}");
        assert_eq!(weight(Get, path, &[]), without, "{path}");
    }
    assert_eq!(weight(Post, "/fapi/v1/order", &one), 0);
    assert_eq!(weight(Delete, "/fapi/v1/order", &one), 1);
    assert_eq!(Call::FundingInfo.endpoint().weight, Weight::Funding);
}

#[test]
fn what_may_not_be_sent_twice_is_known() {
    let once: Vec<Call> =
        ENDPOINTS.iter().filter(|l| l.effect == Effect::Once).map(|l| l.call).collect();
    let want = [
        Call::NewOrder,
        Call::AmendOrder,
        Call::NewBatch,
        Call::AmendBatch,
        Call::NewAlgoOrder,
        Call::ChangeMargin,
    ];
    assert_eq!(once, want);
    for call in [Call::NewOrder, Call::AmendOrder, Call::NewAlgoOrder] {
        assert_eq!(call.endpoint().orders, OrderCount::ONE);
        assert_eq!(call.endpoint().security, Security::Trade);
    }
    assert_eq!(Call::NewBatch.endpoint().orders, OrderCount { ten_seconds: 5, minute: 1 });
    assert!(!Security::UserStream.is_signed() && Security::UserStream.needs_key());
}

#[test]
fn methods_of_the_websocket_api_stand_for_rest_calls() {
    for (n, line) in WS_METHODS.iter().enumerate() {
        assert_eq!(line.call as usize, n);
        assert_eq!(WsMethod::find(line.name), Some(line));
        if let Some(call) = line.rest {
            assert_eq!(call.endpoint().security, line.security, "{}", line.name);
        }
    }
    assert_eq!(WsMethod::find("order.place").map(WsMethod::effect), Some(Effect::Once));
    assert_eq!(WsCall::Depth.method().effect(), Effect::Read);
    assert_eq!(WsMethod::find("order.nothing"), None);
}

#[test]
fn stream_names_and_their_routes() {
    let depth = |levels, speed_ms| StreamKind::PartialDepth { levels, speed_ms };
    for (name, symbol, kind, route) in [
        ("btcusdt@aggTrade", Some("btcusdt"), StreamKind::AggTrade, Route::Market),
        ("btcusdt@trade", Some("btcusdt"), StreamKind::Trade, Route::Public),
        ("bnbusdt@bookTicker", Some("bnbusdt"), StreamKind::BookTicker, Route::Public),
        ("!bookTicker", None, StreamKind::BookTicker, Route::Public),
        ("btcusdt@depth", Some("btcusdt"), StreamKind::Depth { speed_ms: 250 }, Route::Public),
        (
            "btcusdt@depth@100ms",
            Some("btcusdt"),
            StreamKind::Depth { speed_ms: 100 },
            Route::Public,
        ),
        ("btcusdt@depth10@500ms", Some("btcusdt"), depth(10, 500), Route::Public),
        ("btcusdt@depth5", Some("btcusdt"), depth(5, 250), Route::Public),
        ("btcusdt@rpiDepth@500ms", Some("btcusdt"), StreamKind::RpiDepth, Route::Public),
        ("btcusdt@kline_1M", Some("btcusdt"), StreamKind::Kline(Interval::Month), Route::Market),
        ("btcusdt@kline_1m", Some("btcusdt"), StreamKind::Kline(Interval::M1), Route::Market),
        (
            "btcusdt_perpetual@continuousKline_1s",
            Some("btcusdt"),
            StreamKind::ContinuousKline(ContractType::Perpetual, Interval::S1),
            Route::Market,
        ),
        ("币安人生usdt@ticker", Some("币安人生usdt"), StreamKind::Ticker, Route::Market),
        ("!markPrice@arr@1s", None, StreamKind::MarkPrice { fast: true }, Route::Market),
        ("!markPrice@arr", None, StreamKind::MarkPrice { fast: false }, Route::Market),
        ("!ticker@arr", None, StreamKind::Ticker, Route::Market),
        ("!miniTicker@arr", None, StreamKind::MiniTicker, Route::Market),
        ("!forceOrder@arr", None, StreamKind::ForceOrder, Route::Market),
        ("!assetIndex@arr", None, StreamKind::AssetIndex, Route::Market),
        ("!contractInfo", None, StreamKind::ContractInfo, Route::Market),
    ] {
        let stream = Stream::parse(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((stream.symbol, stream.kind, stream.kind.route()), (symbol, kind, route));
        assert_eq!(stream.to_string(), name);
    }
    // Spellings that mean the same.
    assert_eq!(Stream::parse("b@depth@250ms"), Stream::parse("b@depth"));
    assert_eq!(Stream::parse("b@markPrice@3s"), Stream::parse("b@markPrice"));
    for bad in [
        "",
        "@",
        "btcusdt",
        "@trade",
        "BTCUSDT@trade",
        "btcusdt@kline_1s",
        "btcusdt@kline_7m",
        "btcusdt@depth7",
        "btcusdt@depth@1ms",
        "btcusdt@continuousKline_1m",
        "!trade",
        "0",
        "btcusdt_perpetual@kline",
        "_perpetual@continuousKline_1m",
        "btc usdt@trade",
    ] {
        assert_eq!(Stream::parse(bad), None, "{bad}");
    }
}

#[test]
fn intervals_begin_where_the_exchange_begins_them() {
    assert_eq!(Interval::ALL.len(), 15);
    // 2024-02-29 12:34:56.789 UTC, a Thursday.
    let at = 1_709_210_096_789;
    for (interval, open, next) in [
        (Interval::M1, 1_709_210_040_000, 1_709_210_100_000),
        (Interval::H8, 1_709_193_600_000, 1_709_222_400_000),
        (Interval::D1, 1_709_164_800_000, 1_709_251_200_000),
        (Interval::W1, 1_708_905_600_000, 1_709_510_400_000), // 26 February, 4 March
        (Interval::Month, 1_706_745_600_000, 1_709_251_200_000),
    ] {
        assert_eq!(interval.open_of(at), open, "{interval:?}");
        assert_eq!(interval.next_open(at), next, "{interval:?}");
    }
    // 2023-12-31 to 2024-01-01.
    assert_eq!(Interval::Month.next_open(1_704_067_199_999), 1_704_067_200_000);
}

proptest! {
    #[test]
    fn candles_follow_each_other(at in -4_000_000_000_000i64..8_000_000_000_000, n in 0usize..15) {
        let interval = Interval::ALL[n];
        let (open, next) = (interval.open_of(at), interval.next_open(at));
        prop_assert!(open <= at && at < next, "{open} {at} {next}");
        prop_assert_eq!(interval.open_of(open), open);
        prop_assert_eq!(interval.open_of(next), next);
        prop_assert_eq!(interval.open_of(next - 1), open);
        prop_assert_eq!(Interval::parse(interval.name()), Some(interval));
        if let Some(length) = interval.millis() {
            prop_assert_eq!(next - open, length);
        }
    }

    #[test]
    fn any_text_is_a_name_or_not(text in ".{0,40}", tail in "[a-z!@_0-9A-Z]{0,30}") {
        for name in [text.as_str(), tail.as_str(), &format!("{tail}@depth{tail}")] {
            if let Some(stream) = Stream::parse(name) {
                let again = stream.to_string();
                prop_assert_eq!(Stream::parse(&again), Some(stream));
            }
            let _ = Address::parse(name);
            let _ = Urls::local(name);
        }
    }
}

#[test]
fn addresses_of_the_environments() {
    let live = Urls::of(Environment::Live);
    assert_eq!((live.rest.as_str(), live.weight_minute), ("https://fapi.binance.com", 2_400));
    assert_eq!(Urls::of(Environment::Demo).weight_minute, 6_000);
    let local = Urls::local("http://127.0.0.1:8080/").expect("a base");
    assert_eq!(local.rest, "http://127.0.0.1:8080");
    assert_eq!(local.ws_api, "ws://127.0.0.1:8080/ws-fapi/v1");
    assert_eq!(
        local.combined(Route::Market, ["btcusdt@kline_1m", "!contractInfo", "安usdt@trade"]),
        "ws://127.0.0.1:8080/market/stream?streams=btcusdt@kline_1m/!contractInfo/\
         %E5%AE%89usdt@trade"
    );
    assert_eq!(local.user("k/1"), "ws://127.0.0.1:8080/private/ws?listenKey=k%2F1");
    let parsed = Address::parse("wss://fstream.binance.com/public/ws").expect("an address");
    let want =
        Address { scheme: Scheme::Wss, host: "fstream.binance.com", port: 443, path: "/public/ws" };
    assert_eq!(parsed, want);
    let six = Address::parse("http://[::1]:9").expect("an address");
    assert_eq!((six.host, six.port, six.path), ("::1", 9, "/"));
    for (bad, fault) in [
        ("127.0.0.1:80", UrlFault::Scheme),
        ("ftp://a", UrlFault::Scheme),
        ("http://", UrlFault::Host),
        ("http://user@host", UrlFault::Host),
        ("http://a:0", UrlFault::Port),
        ("http://a:x", UrlFault::Port),
    ] {
        assert_eq!(Address::parse(bad), Err(fault), "{bad}");
    }
    assert_eq!(Urls::local("ws://127.0.0.1"), Err(UrlFault::Scheme));
}

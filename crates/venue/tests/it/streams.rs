//! Streams without sockets: who hears what, in which order, and that it adds up to what REST says.

use crate::town::{Town, setup, spec};
use aegis_venue::server::Speed;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn a_stream_is_heard_on_its_own_route_alone() {
    let mut town = Town::new(100);
    let cases = [
        ("/market/ws/gen000usdt@kline_1m", true),
        ("/public/ws/gen000usdt@kline_1m", false),
        ("/private/ws/gen000usdt@kline_1m", false),
        ("/public/ws/gen000usdt@bookTicker", true),
        ("/public/ws/gen000usdt@trade", true),
        ("/market/ws/gen000usdt@trade", false),
        ("/market/stream?streams=gen000usdt@aggTrade", true),
        ("/ws/gen000usdt@bookTicker", true),
        ("/ws/gen000usdt@kline_1m", false),
        ("/market/ws/GEN000USDT@kline_1m", false),
        ("/market/ws/nobody@kline_1m", false),
    ];
    let conns: Vec<u64> = cases.iter().map(|(address, _)| town.open(address)).collect();
    town.step(120_000);
    let heard = town.heard();
    for ((address, hears), conn) in cases.iter().zip(conns) {
        let any = heard.iter().any(|(to, _)| *to == conn);
        assert_eq!(any, *hears, "{address}");
    }
    let mut lenient = setup(&spec(1, 1), Speed::Step, 100);
    lenient.lenient_routes = true;
    let mut town = Town::of(lenient);
    town.open("/ws/gen000usdt@kline_1m");
    town.step(60_000);
    assert!(!town.heard().is_empty(), "with lenient routes every address carries everything");
}

#[test]
fn only_combined_addresses_wrap() {
    let mut town = Town::new(100);
    let plain = town.open("/market/ws/gen000usdt@kline_1m");
    let wrapped = town.open("/market/stream?streams=gen000usdt@kline_1m/gen001usdt@kline_1m");
    town.step(60_000);
    for (conn, text) in town.heard() {
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.get("stream").is_some(), conn == wrapped, "{text}");
        let payload = if conn == wrapped { &value["data"] } else { &value };
        assert_eq!(payload["e"], "kline");
    }
    let on = r#"{"method":"SET_PROPERTY","params":["combined",true],"id":7}"#;
    assert_eq!(town.say(plain, on), json!({ "result": null, "id": 7 }));
    let get = r#"{"method":"GET_PROPERTY","params":["combined"],"id":"x"}"#;
    assert_eq!(town.say(plain, get), json!({ "result": true, "id": "x" }));
    town.step(60_000);
    assert!(town.frames().iter().all(|frame| frame["stream"].is_string()));
}

#[test]
fn sockets_subscribe_list_and_unsubscribe() {
    let mut town = Town::new(100);
    let conn = town.open("/market/ws/0");
    town.step(60_000);
    assert!(town.heard().is_empty(), "an index behind the path is no stream");
    let both =
        r#"{"method":"SUBSCRIBE","params":["gen000usdt@kline_1m","!miniTicker@arr"],"id":1}"#;
    assert_eq!(town.say(conn, both), json!({ "result": null, "id": 1 }));
    let list = r#"{"method":"LIST_SUBSCRIPTIONS","id":"a-b"}"#;
    let names = json!(["gen000usdt@kline_1m", "!miniTicker@arr"]);
    assert_eq!(town.say(conn, list), json!({ "result": names, "id": "a-b" }));
    town.step(60_000);
    let kinds: Vec<bool> = town.frames().iter().map(Value::is_array).collect();
    assert_eq!(kinds, [false, true, false, true], "close and open, and after each all tickers");
    let off = r#"{"method":"UNSUBSCRIBE","params":["!miniTicker@arr"],"id":2}"#;
    town.say(conn, off);
    town.step(60_000);
    assert!(town.frames().iter().all(Value::is_object));
    for (wrong, code) in [
        ("{", 3),
        (r#"{"method":"SHOUT","params":[],"id":1}"#, 2),
        (r#"{"params":[],"id":1}"#, 2),
        (r#"{"method":"SUBSCRIBE","params":[1],"id":1}"#, 2),
        (r#"{"method":"SET_PROPERTY","params":["combined",1],"id":1}"#, 1),
        (r#"{"method":"GET_PROPERTY","params":["colour"],"id":1}"#, 0),
    ] {
        assert_eq!(town.say(conn, wrong)["code"], code, "{wrong}");
    }
}

#[test]
fn a_socket_has_its_limits() {
    let mut town = Town::new(100);
    let conn = town.open("/market/ws");
    let names: Vec<String> = (0..1_025).map(|n| format!("s{n}@aggTrade")).collect();
    let most = json!({ "method": "SUBSCRIBE", "params": names[..1_024], "id": 1 });
    assert_eq!(town.say(conn, &most.to_string())["result"], Value::Null);
    let more = json!({ "method": "SUBSCRIBE", "params": names[1_024..], "id": 2 });
    assert_eq!(town.say(conn, &more.to_string())["code"], 2);
    let list = r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#;
    let wall = crate::town::WALL + 10_000;
    let closes: Vec<bool> = (0..11).map(|_| town.sim.socket_text(wall, conn, list).close).collect();
    assert_eq!(closes.iter().position(|close| *close), Some(10), "ten messages a second");
}

/// At an instant all candles close before any opens, each in the order of symbols.
#[test]
fn candles_close_before_they_open() {
    let mut town = Town::new(60);
    let names = ["gen002usdt", "gen000usdt", "gen001usdt"].map(|s| format!("{s}@kline_1m"));
    town.open(&format!("/market/stream?streams={}", names.join("/")));
    town.step(60_001);
    let frames = town.frames();
    let told: Vec<(String, bool)> = frames
        .iter()
        .map(|f| (text(&f["data"]["s"]).to_owned(), f["data"]["k"]["x"] == true))
        .collect();
    let order = |x: bool| ["GEN000USDT", "GEN001USDT", "GEN002USDT"].map(|s| (s.to_owned(), x));
    let expected = [order(true), order(false)].concat();
    assert_eq!(told, expected, "all close, then all open");
    for frame in &frames {
        let (k, event) = (&frame["data"]["k"], frame["data"]["E"].as_i64().unwrap());
        let (t, close) = (k["t"].as_i64().unwrap(), k["T"].as_i64().unwrap());
        assert_eq!(close, t + 59_999);
        assert_eq!(event, if k["x"] == true { close } else { t });
    }
}

/// Streams of all lengths close exactly when REST says, with the same numbers.
#[test]
fn closed_candles_are_those_of_rest() {
    let mut town = Town::new(233);
    let intervals = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h"];
    let names: Vec<String> = intervals.iter().map(|i| format!("gen001usdt@kline_{i}")).collect();
    town.open(&format!("/market/ws/{}", names.join("/")));
    town.step(5 * 3_600_000);
    let mut closed: BTreeMap<String, usize> = BTreeMap::new();
    for frame in town.frames() {
        let k = &frame["k"];
        if k["x"] != true {
            continue;
        }
        *closed.entry(text(&k["i"]).to_owned()).or_default() += 1;
        let query = format!(
            "symbol=GEN001USDT&interval={}&startTime={}&endTime={}",
            text(&k["i"]),
            k["t"],
            k["t"]
        );
        let row = town.get("/fapi/v1/klines", &query)[0].clone();
        let said = ["t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q"].map(|key| &k[key]);
        for (column, said) in said.into_iter().enumerate() {
            assert_eq!(*said, row[column], "{frame} and {row}");
        }
    }
    let counts: Vec<usize> = intervals.iter().map(|i| closed[*i]).collect();
    assert_eq!(counts, [300, 100, 60, 20, 10, 5, 3, 2]);
}

type Side = BTreeMap<String, String>;

fn apply(side: &mut Side, levels: &Value) {
    for level in levels.as_array().unwrap() {
        let (px, qty) = (text(&level[0]).to_owned(), text(&level[1]).to_owned());
        if qty.parse::<f64>().unwrap() == 0.0 {
            side.remove(&px);
        } else {
            side.insert(px, qty);
        }
    }
}

fn side(levels: &Value) -> Side {
    let mut side = Side::new();
    apply(&mut side, levels);
    side
}

/// The documented procedure gives the book of REST at every step, wherever the snapshot is taken.
#[test]
fn the_depth_chain_gives_the_book() {
    for taken_at in [0, 1, 4, 9] {
        let mut town = Town::new(100);
        town.step(119_000);
        town.open("/public/ws/gen000usdt@depth@100ms");
        let mut waiting: Vec<Value> = Vec::new();
        let mut book: Option<(u64, Side, Side)> = None;
        for step in 0..20 {
            waiting.extend(town.frames());
            let rest = town.get("/fapi/v1/depth", "symbol=GEN000USDT&limit=1000");
            if step == taken_at {
                let id = rest["lastUpdateId"].as_u64().unwrap();
                waiting.retain(|frame| frame["u"].as_u64().unwrap() >= id);
                book = Some((id, side(&rest["bids"]), side(&rest["asks"])));
                if let Some(first) = waiting.first() {
                    assert!(first["U"].as_u64().unwrap() <= id, "the first event covers it");
                }
            }
            if let Some((id, bids, asks)) = &mut book {
                for frame in waiting.drain(..) {
                    let previous = frame["pu"].as_u64().unwrap();
                    assert!(previous <= *id, "no gap: {previous} after {id}");
                    apply(bids, &frame["b"]);
                    apply(asks, &frame["a"]);
                    *id = frame["u"].as_u64().unwrap();
                }
                assert_eq!(rest["lastUpdateId"], *id);
                assert_eq!((&*bids, &*asks), (&side(&rest["bids"]), &side(&rest["asks"])));
            }
            town.step(30_000);
        }
    }
}

const ALL: [&str; 14] = [
    "gen000usdt@aggTrade",
    "gen001usdt@kline_1m",
    "gen001usdt@kline_15m",
    "gen000usdt_perpetual@continuousKline_1m",
    "gen002usdt@markPrice",
    "gen002usdt@markPrice@1s",
    "gen000usdt@ticker",
    "gen000usdt@miniTicker",
    "!ticker@arr",
    "!miniTicker@arr",
    "!markPrice@arr@1s",
    "gen000usdt@forceOrder",
    "!contractInfo",
    "!forceOrder@arr",
];

const BOOKS: [&str; 5] = [
    "gen000usdt@bookTicker",
    "gen000usdt@trade",
    "gen000usdt@depth",
    "gen001usdt@depth5@100ms",
    "!bookTicker",
];

#[test]
fn the_same_steps_give_the_same_frames() {
    let run = |steps: &[i64]| {
        let mut town = Town::new(90);
        town.open(&format!("/market/stream?streams={}", ALL.join("/")));
        town.open(&format!("/public/stream?streams={}", BOOKS.join("/")));
        let mut heard = Vec::new();
        for ms in steps {
            town.step(*ms);
            heard.extend(town.heard());
        }
        heard
    };
    let once = run(&[60_000; 30]);
    assert!(once.len() > 500, "{}", once.len());
    assert_eq!(once, run(&[60_000; 30]));
    let sorted = |mut heard: Vec<(u64, String)>| {
        heard.sort();
        heard
    };
    assert_eq!(sorted(once), sorted(run(&[1_800_000])), "whatever the length of a step");
}

/// Whoever has seen the id that a step answers for a stream has seen all of the stream.
#[test]
fn a_step_names_the_last_event_of_every_stream() {
    let mut town = Town::new(90);
    town.open(&format!("/market/stream?streams={}", ALL.join("/")));
    town.open(&format!("/public/stream?streams={}", BOOKS.join("/")));
    for _ in 0..20 {
        let answer = town.step(60_000);
        let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for frame in town.frames() {
            let name = text(&frame["stream"]);
            let data = &frame["data"];
            let data = if data.is_array() { &data[0] } else { data };
            let key = match text(&data["e"]) {
                "bookTicker" | "depthUpdate" => "u",
                "aggTrade" => "a",
                "trade" => "t",
                _ => "E",
            };
            seen.entry(name.to_owned()).or_default().push(data[key].as_i64().unwrap());
        }
        let last = answer["last"].as_object().unwrap();
        assert_eq!(last.len(), seen.len(), "{last:?}");
        for (name, ids) in &seen {
            assert_eq!(last[name], *ids.last().unwrap(), "{name}");
            // The stream of all books holds ids of several symbols.
            let rising = ids.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(rising || name == "!bookTicker", "{name}: {ids:?}");
        }
    }
}

#[test]
fn a_price_set_by_hand_moves_the_market_from_there_on() {
    let mut town = Town::new(90);
    town.step(61_000);
    town.open("/market/ws/gen000usdt@kline_1m/gen000usdt@markPrice");
    let price = |town: &mut Town| -> f64 {
        let answer = town.get("/fapi/v2/ticker/price", "symbol=GEN000USDT");
        text(&answer["price"]).parse().unwrap()
    };
    let before = price(&mut town);
    let wanted = (before * 0.8).round();
    let body = format!("{{\"symbol\":\"GEN000USDT\",\"price\":\"{wanted}\"}}");
    assert_eq!(town.ask("POST", "/sim/v1/price", "", &body).status, 200);
    assert_eq!(price(&mut town), wanted);
    let frames = town.frames();
    assert_eq!(frames.len(), 2, "{frames:?}");
    assert_eq!(text(&frames[0]["k"]["c"]).parse::<f64>().unwrap(), wanted);
    town.step(300_000);
    let after = price(&mut town);
    assert!((after / wanted - 1.0).abs() < 0.1, "{after} stays near {wanted}, not {before}");
    for row in
        town.get("/fapi/v1/klines", "symbol=GEN000USDT&interval=1m&limit=9").as_array().unwrap()
    {
        let px: Vec<f64> = (1..5).map(|i| text(&row[i]).parse().unwrap()).collect();
        assert!(px[2] <= px[0].min(px[3]) && px[1] >= px[0].max(px[3]), "{row}");
    }
    let off_grid = format!("{{\"symbol\":\"GEN000USDT\",\"price\":\"{wanted}.0432\"}}");
    let reply = town.ask("POST", "/sim/v1/price", "", &off_grid);
    assert_eq!((reply.status, price(&mut town)), (200, wanted), "to the nearest tick");
    let nothing = r#"{"symbol":"GEN000USDT","price":"0.01"}"#;
    assert_eq!(town.ask("POST", "/sim/v1/price", "", nothing).status, 400);
}

#[test]
fn at_the_end_of_the_data_time_stands_still() {
    let mut town = Town::of(setup(&spec(1, 1), Speed::Step, 1_430));
    let last = town.step(3_600_000);
    assert_eq!(last["ended"], true);
    let now = last["market_ms"].as_i64().unwrap();
    assert_eq!(town.step(60_000)["market_ms"], now);
    assert_eq!(town.get("/sim/v1/clock", "")["market_ms"], now);
    assert_eq!(town.get("/fapi/v1/time", "")["serverTime"], crate::town::WALL, "wall time runs on");
}

/// Between two minutes of a slow market nothing happens, and yet no stream is silent.
#[test]
fn a_paced_market_of_candles_is_never_silent() {
    let mut town = Town::of(setup(&spec(1, 1), Speed::Times(1.0), 100));
    let names =
        ["kline_1m", "kline_1h", "ticker", "markPrice@1s"].map(|n| format!("gen000usdt@{n}"));
    town.open(&format!("/market/ws/{}", names.join("/")));
    town.open("/public/ws/gen000usdt@bookTicker/gen000usdt@depth@100ms/gen000usdt@depth5");
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids: Vec<i64> = Vec::new();
    for tenth in 0..300 {
        town.sim.advance(crate::town::WALL + tenth * 100);
        for frame in town.frames() {
            let key = format!("{} {}", text(&frame["e"]), text(&frame["k"]["i"]));
            *heard.entry(key).or_default() += 1;
            if frame["e"] == "bookTicker" {
                ids.push(frame["u"].as_i64().unwrap());
            }
            assert_ne!(frame["k"]["x"], true, "half a minute closes nothing");
        }
    }
    for (kind, least) in [
        ("kline 1m", 25),
        ("kline 1h", 25),
        ("24hrTicker ", 12),
        ("markPriceUpdate ", 28),
        ("bookTicker ", 25),
        ("depthUpdate ", 50),
    ] {
        assert!(heard.get(kind).is_some_and(|count| *count >= least), "{kind}: {heard:?}");
    }
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}

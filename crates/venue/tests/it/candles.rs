//! Candles and executions by REST: they agree with each other, and wrong questions are refused.

use crate::town::Town;
use aegis_wire::intervals::Interval;
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64().unwrap(), |text| text.parse().unwrap())
}

fn rows(town: &mut Town, query: &str) -> Vec<Value> {
    town.get("/fapi/v1/klines", query).as_array().unwrap().clone()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * one.abs().max(1.0) + 0.01
}

/// All fifteen intervals against their minutes added up here, the candle under way included.
#[test]
fn longer_candles_are_their_minutes_added_up() {
    let mut town = Town::new(1_357);
    town.step(90_000);
    let minutes = rows(&mut town, "symbol=GEN001USDT&interval=1m&limit=1500");
    assert_eq!(minutes.len(), 1_359, "1,357 of history, one closed since, one open");
    for interval in Interval::ALL {
        let query = format!("symbol=GEN001USDT&interval={}&limit=1500", interval.name());
        let longer = rows(&mut town, &query);
        let mut expected: Vec<Vec<&Value>> = Vec::new();
        for minute in &minutes {
            let open = interval.open_of(minute[0].as_i64().unwrap());
            match expected.last_mut() {
                Some(group) if interval.open_of(group[0][0].as_i64().unwrap()) == open => {
                    group.push(minute);
                }
                _ => expected.push(vec![minute]),
            }
        }
        assert_eq!(longer.len(), expected.len(), "{}", interval.name());
        for (row, group) in longer.iter().zip(&expected) {
            let first = group[0][0].as_i64().unwrap();
            assert_eq!(row[0], interval.open_of(first), "{}", interval.name());
            assert_eq!(row[6], interval.next_open(first) - 1);
            assert_eq!(row[1], group[0][1]);
            assert_eq!(row[4], group[group.len() - 1][4]);
            let most = group.iter().map(|m| number(&m[2])).fold(f64::MIN, f64::max);
            let least = group.iter().map(|m| number(&m[3])).fold(f64::MAX, f64::min);
            assert_eq!((number(&row[2]), number(&row[3])), (most, least));
            for column in [5, 7, 8, 9, 10] {
                let sum: f64 = group.iter().map(|m| number(&m[column])).sum();
                assert!(near(number(&row[column]), sum), "{} {column}", interval.name());
            }
        }
    }
}

#[test]
fn windows_are_inclusive_and_limits_take_from_the_right_end() {
    let mut town = Town::new(200);
    let all = rows(&mut town, "symbol=GEN000USDT&interval=1m&limit=1500");
    let (from, to) = (all[10][0].as_i64().unwrap(), all[19][0].as_i64().unwrap());
    let ask =
        |town: &mut Town, tail: &str| rows(town, &format!("symbol=GEN000USDT&interval=1m&{tail}"));
    assert_eq!(ask(&mut town, &format!("startTime={from}&endTime={to}")), all[10..20]);
    assert_eq!(ask(&mut town, &format!("startTime={from}&limit=3")), all[10..13]);
    assert_eq!(ask(&mut town, &format!("endTime={to}&limit=3")), all[17..20]);
    assert_eq!(ask(&mut town, "limit=2"), all[all.len() - 2..]);
    assert_eq!(ask(&mut town, &format!("startTime={}", i64::MAX)), [] as [Value; 0]);
    let hours = rows(&mut town, "symbol=GEN000USDT&interval=1h&limit=2");
    let longer = rows(&mut town, "symbol=GEN000USDT&interval=1h&limit=100");
    assert_eq!(hours, longer[longer.len() - 2..], "the last two, each of them whole");
}

/// The last row is the candle under way, even before its minute has a price of its own.
#[test]
fn the_last_candle_is_open() {
    let mut town = Town::new(100);
    for ms in [0, 1, 59_998, 1, 30_000] {
        town.step(ms);
        let now = town.get("/sim/v1/clock", "")["market_ms"].as_i64().unwrap();
        let last = rows(&mut town, "symbol=GEN000USDT&interval=1m&limit=1").remove(0);
        let (opens, closes) = (last[0].as_i64().unwrap(), last[6].as_i64().unwrap());
        assert!(opens <= now && now <= closes, "{now} in {opens}..{closes}");
    }
}

#[test]
fn trades_add_up_to_their_candle() {
    let mut town = Town::new(300);
    for row in rows(&mut town, "symbol=GEN002USDT&interval=1m&limit=50").iter().rev().skip(1) {
        let (from, to) = (&row[0], &row[6]);
        let query = format!("symbol=GEN002USDT&startTime={from}&endTime={to}");
        let trades = town.get("/fapi/v1/aggTrades", &query);
        let trades = trades.as_array().unwrap();
        let volume: f64 = trades.iter().map(|t| number(&t["q"])).sum();
        assert!((volume - number(&row[5])).abs() < 0.02, "{volume} and {row}");
        let prices: Vec<f64> = trades.iter().map(|t| number(&t["p"])).collect();
        assert_eq!(prices.first().copied(), Some(number(&row[1])));
        assert_eq!(prices.last().copied(), Some(number(&row[4])));
        assert_eq!(prices.iter().copied().fold(f64::MIN, f64::max), number(&row[2]));
        assert_eq!(prices.iter().copied().fold(f64::MAX, f64::min), number(&row[3]));
        let id = |trade: &Value, key: &str| trade[key].as_u64().unwrap();
        let count: u64 = trades.iter().map(|t| id(t, "l") + 1 - id(t, "f")).sum();
        assert_eq!(row[8], count);
    }
    let newest = town.get("/fapi/v1/trades", "symbol=GEN002USDT&limit=10");
    let ids: Vec<u64> =
        newest.as_array().unwrap().iter().map(|t| t["id"].as_u64().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{ids:?}");
    let again = format!("symbol=GEN002USDT&limit=10&fromId={}", ids[0]);
    let again = town.get("/fapi/v1/aggTrades", &again);
    assert_eq!(again[0]["f"], ids[0]);
}

#[test]
fn wrong_questions_have_their_codes() {
    let mut town = Town::new(100);
    let candles = "symbol=GEN000USDT&interval=1m";
    for (path, query, code) in [
        ("/fapi/v1/klines", "interval=1m".to_owned(), -1_102),
        ("/fapi/v1/klines", "symbol=GEN000USDT".to_owned(), -1_102),
        ("/fapi/v1/klines", "symbol=NOPE&interval=1m".to_owned(), -1_121),
        ("/fapi/v1/klines", "symbol=gen000usdt&interval=1m".to_owned(), -1_121),
        ("/fapi/v1/klines", "symbol=GEN000USDT&interval=7m".to_owned(), -1_120),
        ("/fapi/v1/klines", "symbol=GEN000USDT&interval=1s".to_owned(), -1_120),
        ("/fapi/v1/klines", format!("{candles}&limit=1501"), -1_130),
        ("/fapi/v1/klines", format!("{candles}&limit=0"), -1_130),
        ("/fapi/v1/klines", format!("{candles}&limit=ten"), -1_100),
        ("/fapi/v1/klines", format!("{candles}&startTime=2&endTime=1"), -1_130),
        ("/fapi/v1/continuousKlines", "pair=GEN000USDT&interval=1m".to_owned(), -1_102),
        ("/fapi/v1/depth", "symbol=GEN000USDT&limit=7".to_owned(), -4_021),
        ("/fapi/v1/depth", String::new(), -1_102),
        ("/fapi/v1/ticker/24hr", "symbol=NOPE".to_owned(), -1_121),
        ("/fapi/v1/openInterest", String::new(), -1_102),
    ] {
        let reply = town.ask("GET", path, &query, "");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!((reply.status, &body["code"]), (400, &Value::from(code)), "{path}?{query}");
        assert!(body["msg"].is_string());
    }
    assert_eq!(town.ask("GET", "/fapi/v1/nothing", "", "").status, 404);
}

#[test]
fn rules_and_prices_hang_together() {
    let mut town = Town::new(600);
    let info = town.get("/fapi/v1/exchangeInfo", "");
    let symbols = info["symbols"].as_array().unwrap();
    assert_eq!(symbols.len(), 3);
    for symbol in symbols {
        let name = symbol["symbol"].as_str().unwrap();
        let filter = |kind: &str| {
            let all = symbol["filters"].as_array().unwrap();
            all.iter().find(|filter| filter["filterType"] == kind).unwrap().clone()
        };
        let tick = number(&filter("PRICE_FILTER")["tickSize"]);
        let query = format!("symbol={name}");
        let touch = town.get("/fapi/v1/ticker/bookTicker", &query);
        let price = number(&town.get("/fapi/v2/ticker/price", &query)["price"]);
        assert!((price - number(&touch["bidPrice"]) - tick).abs() < tick / 1e3, "one tick below");
        assert!((number(&touch["askPrice"]) - price - tick).abs() < tick / 1e3, "one tick above");
        let depth = town.get("/fapi/v1/depth", &format!("{query}&limit=20"));
        assert_eq!(depth["bids"][0][0], touch["bidPrice"]);
        assert_eq!(depth["asks"][0][1], touch["askQty"]);
        let mark = town.get("/fapi/v1/premiumIndex", &query);
        assert_eq!(number(&mark["markPrice"]), price, "mark is last: there is no mark series");
        let day = town.get("/fapi/v1/ticker/24hr", &query);
        assert_eq!(number(&day["lastPrice"]), price);
        assert!(number(&day["lowPrice"]) <= price && price <= number(&day["highPrice"]));
        for kind in ["LOT_SIZE", "MARKET_LOT_SIZE", "PERCENT_PRICE", "MAX_NUM_ORDERS"] {
            filter(kind);
        }
    }
    assert_eq!(town.get("/fapi/v1/premiumIndex", "").as_array().map(Vec::len), Some(3));
    assert_eq!(town.get("/fapi/v1/fundingInfo", ""), serde_json::json!([]), "all every 8 h");
    let funding = town.get("/fapi/v1/fundingRate", "symbol=GEN000USDT");
    let times = funding.as_array().unwrap().iter().map(|f| f["fundingTime"].as_i64().unwrap());
    assert!(times.clone().count() > 0 && times.into_iter().all(|t| t % 28_800_000 == 0));
}

//! Orders and what they do to an account: one-way and hedge, cross and isolated, batches, changes,
//! conditional orders, and every refusal with its code.

use crate::world::{KEY, World};
use aegis_venue::server::Speed;
use aegis_wire::errors::ErrorRow;
use aegis_wire::percent_encode;
use serde_json::{Value, json};

const ORDER: &str = "/fapi/v1/order";
const ALGO: &str = "/fapi/v1/algoOrder";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58000";
const MARKET: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";
const STOP: &str = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET\
                    &triggerPrice=59000&closePosition=true&workingType=MARK_PRICE";

fn batch(items: &Value) -> String {
    let mut text = "batchOrders=".to_owned();
    percent_encode(&items.to_string(), &mut text);
    text
}

/// A decimal of a reply.
fn number(value: &Value) -> f64 {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).parse().unwrap()
}

#[test]
fn a_limit_order_is_placed_asked_for_changed_and_cancelled() {
    let mut world = World::new();
    let placed = world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=my-1"));
    assert_eq!(placed["clientOrderId"], "my-1");
    assert_eq!(placed["status"], "NEW");
    assert_eq!(placed["executedQty"], "0");
    assert_eq!(placed["cumQty"], "0");
    assert_eq!(placed["origType"], "LIMIT");
    assert_eq!(placed["timeInForce"], "GTC");
    assert_eq!(placed["workingType"], "CONTRACT_PRICE");
    assert_eq!(placed["selfTradePreventionMode"], "EXPIRE_MAKER");
    let id = placed["orderId"].as_u64().unwrap();
    let asked = world.must("GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}"));
    assert_eq!(asked["clientOrderId"], "my-1");
    assert!(asked["time"].is_i64() && asked["avgPrice"] == "0" && asked["cumQuote"] == "0");
    let by_name = world.must("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=my-1");
    assert_eq!(by_name, asked);
    let open = world.must("GET", "/fapi/v1/openOrder", &format!("symbol=BTCUSDT&orderId={id}"));
    assert_eq!(open, asked);
    let list = world.must("GET", "/fapi/v1/openOrders", "");
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let change = format!("symbol=BTCUSDT&side=BUY&orderId={id}&quantity=0.02&price=58100");
    let changed = world.must("PUT", ORDER, &format!("{change}&modifyId=44"));
    assert_eq!((&changed["price"], &changed["origQty"]), (&json!("58100"), &json!("0.02")));
    assert_eq!(changed["modifyId"], 44);
    assert_eq!(world.fails("PUT", ORDER, &change), (400, -5027), "nothing would change");
    let history = world.must("GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT");
    assert_eq!(history[0]["amendment"]["price"], json!({ "before": "58000", "after": "58100" }));
    let gone = world.must("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=my-1");
    assert_eq!(gone["status"], "CANCELED");
    assert_eq!(world.fails("DELETE", ORDER, &format!("symbol=BTCUSDT&orderId={id}")), (400, -2011));
    let missing = format!("symbol=BTCUSDT&orderId={id}");
    assert_eq!(world.fails("GET", "/fapi/v1/openOrder", &missing), (400, -2013));
    let all = world.must("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT");
    assert_eq!(all[0]["status"], "CANCELED");
    let of_order = world.must("GET", "/fapi/v1/orderAmendment", &missing);
    assert_eq!(of_order, history, "also of an order that has ended");
}

#[test]
fn a_market_order_fills_and_the_account_shows_it() {
    let mut world = World::new();
    let acknowledged = world.must("POST", ORDER, &format!("{MARKET}&newOrderRespType=ACK"));
    assert_eq!(acknowledged["status"], "NEW", "ACK tells only that it was taken");
    assert_eq!(acknowledged["executedQty"], "0");
    let filled = world.order(MARKET);
    assert_eq!(filled["status"], "FILLED");
    assert_eq!(number(&filled["avgPrice"]), 60_000.0);
    assert_eq!(number(&filled["cumQuote"]), 600.0);
    let risk = world.must("GET", "/fapi/v3/positionRisk", "");
    assert_eq!(risk.as_array().map(Vec::len), Some(1), "only what is open");
    assert_eq!(
        (&risk[0]["positionAmt"], &risk[0]["positionSide"]),
        (&json!("0.02"), &json!("BOTH"))
    );
    assert_eq!(number(&risk[0]["entryPrice"]), 60_000.0);
    let all = world.must("GET", "/fapi/v2/positionRisk", "");
    assert_eq!(all.as_array().map(Vec::len), Some(2), "the second version shows every symbol");
    assert_eq!(all[0]["marginType"], "cross");
    assert_eq!(all[0]["isAutoAddMargin"], "false");
    let trades = world.must("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT");
    assert_eq!(trades.as_array().map(Vec::len), Some(2));
    assert_eq!(number(&trades[0]["commission"]), 0.3);
    assert_eq!((&trades[0]["buyer"], &trades[0]["maker"]), (&json!(true), &json!(false)));
    let balance = world.must("GET", "/fapi/v3/balance", "");
    assert_eq!(number(&balance[0]["balance"]), 9_999.4);
    let account = world.must("GET", "/fapi/v3/account", "");
    assert_eq!(number(&account["totalWalletBalance"]), 9_999.4);
    assert_eq!(account["positions"].as_array().map(Vec::len), Some(1));
    assert!(account["assets"][0]["updateTime"].as_i64().unwrap() > 0);
    let older = world.must("GET", "/fapi/v2/account", "");
    assert_eq!(older["positions"].as_array().map(Vec::len), Some(2));
    assert_eq!((&older["canTrade"], &older["feeTier"]), (&json!(true), &json!(0)));
    let income = world.must("GET", "/fapi/v1/income", "incomeType=COMMISSION");
    assert_eq!(income.as_array().map(Vec::len), Some(2));
    assert_eq!(number(&income[0]["income"]), -0.3);
    let close = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02&reduceOnly=true";
    assert_eq!(world.order(close)["status"], "FILLED");
    assert_eq!(world.must("GET", "/fapi/v3/positionRisk", "").as_array().map(Vec::len), Some(0));
    assert_eq!(world.fails("POST", ORDER, close), (400, -2022));
}

#[test]
fn hedge_mode_holds_both_sides() {
    let mut world = World::new();
    let mode = "/fapi/v1/positionSide/dual";
    assert_eq!(world.must("GET", mode, "")["dualSidePosition"], false);
    assert_eq!(world.fails("POST", mode, "dualSidePosition=false"), (400, -4059));
    let done = world.must("POST", mode, "dualSidePosition=true");
    assert_eq!(done, json!({ "code": 200, "msg": "success" }));
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -4061));
    world.order(&format!("{MARKET}&positionSide=LONG"));
    world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.03&positionSide=SHORT");
    let reducing = format!("{MARKET}&positionSide=SHORT&reduceOnly=true");
    assert_eq!(world.fails("POST", ORDER, &reducing), (400, -1106));
    let risk = world.must("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT");
    let amounts: Vec<&str> =
        risk.as_array().unwrap().iter().map(|p| p["positionAmt"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["0.01", "-0.03"]);
    assert_eq!(world.fails("POST", mode, "dualSidePosition=false"), (400, -4068));
    let adl = world.must("GET", "/fapi/v1/adlQuantile", "symbol=BTCUSDT");
    let adl = &adl[0]["adlQuantile"];
    assert!(adl["LONG"].is_u64() && adl["SHORT"].is_u64());
    let config = world.must("GET", "/fapi/v1/accountConfig", "");
    assert_eq!((&config["dualSidePosition"], &config["feeTier"]), (&json!(true), &json!(0)));
}

#[test]
fn leverage_and_margin_are_set_read_back_and_moved() {
    let mut world = World::new();
    let (leverage, margin) = ("/fapi/v1/leverage", "/fapi/v1/marginType");
    let set = world.must("POST", leverage, "symbol=BTCUSDT&leverage=10");
    assert_eq!((&set["leverage"], &set["symbol"]), (&json!(10), &json!("BTCUSDT")));
    assert!(set["maxNotionalValue"].is_string());
    assert_eq!(world.fails("POST", leverage, "symbol=BTCUSDT&leverage=126"), (400, -4028));
    assert_eq!(world.fails("POST", margin, "symbol=BTCUSDT&marginType=CROSSED"), (400, -4046));
    assert_eq!(world.must("POST", margin, "symbol=BTCUSDT&marginType=ISOLATED")["code"], 200);
    let config = world.must("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT");
    assert_eq!(config[0]["marginType"], "ISOLATED");
    assert_eq!(config[0]["leverage"], 10);
    world.order(MARKET);
    let risk = world.must("GET", "/fapi/v3/positionRisk", "")[0].clone();
    assert_eq!(number(&risk["isolatedWallet"]), 60.0);
    assert!(number(&risk["liquidationPrice"]) > 54_000.0, "{risk}");
    let move_margin = "/fapi/v1/positionMargin";
    let moved = world.must("POST", move_margin, "symbol=BTCUSDT&amount=40&type=1");
    assert_eq!(moved["code"], 200);
    assert_eq!((&moved["amount"], &moved["type"]), (&json!(40.0), &json!(1)));
    let risk = world.must("GET", "/fapi/v3/positionRisk", "")[0].clone();
    assert_eq!(number(&risk["isolatedWallet"]), 100.0);
    let history = world.must("GET", "/fapi/v1/positionMargin/history", "symbol=BTCUSDT");
    assert_eq!((&history[0]["amount"], &history[0]["type"]), (&json!("40"), &json!(1)));
    assert_eq!(world.fails("POST", margin, "symbol=BTCUSDT&marginType=CROSSED"), (400, -4048));
    assert_eq!(world.fails("POST", leverage, "symbol=BTCUSDT&leverage=5"), (400, -4161));
    let absent = "symbol=ETHUSDT&amount=40&type=1";
    assert_ne!(world.ask("POST", move_margin, absent).0, 200);
    let bracket = world.must("GET", "/fapi/v1/leverageBracket", "symbol=BTCUSDT");
    assert_eq!(
        bracket[0]["brackets"][0],
        json!({
            "bracket": 1, "initialLeverage": 125, "notionalCap": 50_000, "notionalFloor": 0,
            "maintMarginRatio": 0.004, "cum": 0.0,
        })
    );
    let fees = world.must("GET", "/fapi/v1/commissionRate", "symbol=BTCUSDT");
    assert_eq!(fees["takerCommissionRate"], "0.0005");
    let assets = "/fapi/v1/multiAssetsMargin";
    assert_eq!(world.must("GET", assets, "")["multiAssetsMargin"], false);
    assert_eq!(world.fails("POST", assets, "multiAssetsMargin=false"), (400, -4171));
}

#[test]
fn a_batch_answers_item_by_item() {
    let mut world = World::new();
    let good = json!({
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": 0.01, "price": "58000", "newClientOrderId": "b-1", "reduceOnly": "FALSE",
    });
    let bad = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "quantity": "1" });
    let answers = world.must("POST", "/fapi/v1/batchOrders", &batch(&json!([good, bad])));
    assert_eq!(answers[0]["clientOrderId"], "b-1");
    assert_eq!(answers[0]["selfTradePreventionMode"], "NONE");
    assert_eq!(answers[1]["code"], -4120);
    let id = answers[0]["orderId"].clone();
    let change = json!([{ "symbol": "BTCUSDT", "side": "BUY", "orderId": id, "quantity": "0.01",
        "price": "58200" }]);
    let changed = world.must("PUT", "/fapi/v1/batchOrders", &batch(&change));
    assert_eq!(changed[0]["price"], "58200");
    for name in ["orderIdList", "orderidlist"] {
        let query = format!("symbol=BTCUSDT&{name}=%5B{id}%5D");
        let gone = world.must("DELETE", "/fapi/v1/batchOrders", &query);
        let expected = if name == "orderIdList" { "CANCELED" } else { "" };
        assert_eq!(gone[0]["status"].as_str().unwrap_or_default(), expected, "{gone}");
    }
    let six = Value::from(vec![good; 6]);
    assert_eq!(world.fails("POST", "/fapi/v1/batchOrders", &batch(&six)), (400, -4082));
    let arrival = world.arrivals("/fapi/v1/batchOrders")[0].clone();
    assert_eq!(arrival["client_order_ids"], json!(["b-1", ""]));
}

#[test]
fn conditional_orders_wait_trigger_and_close_the_position() {
    let mut world = World::of(&[60_000, 60_000, 58_500, 58_500, 58_500], |_| {});
    world.order(MARKET);
    let placed = world.must("POST", ALGO, &format!("{STOP}&clientAlgoId=stop-1"));
    assert_eq!(placed["algoStatus"], "NEW");
    assert_eq!(placed["orderType"], "STOP_MARKET");
    assert_eq!((&placed["closePosition"], &placed["quantity"]), (&json!(true), &json!("0")));
    assert_eq!((&placed["triggerPrice"], &placed["callbackRate"]), (&json!("59000"), &json!("")));
    let id = placed["algoId"].as_u64().unwrap();
    let open = world.must("GET", "/fapi/v1/openAlgoOrders", "");
    assert_eq!(open[0]["algoId"], id);
    assert!(world.must("GET", "/fapi/v1/openOrders", "").as_array().unwrap().is_empty());
    let trailing = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET\
                    &quantity=0.01&callbackRate=5&clientAlgoId=trail";
    let trail = world.must("POST", ALGO, trailing);
    assert_eq!(trail["callbackRate"], "5");
    let gone = world.must("DELETE", ALGO, "clientAlgoId=trail");
    assert_eq!((&gone["code"], &gone["msg"]), (&json!("200"), &json!("success")), "a text here");
    world.step(180_000);
    let done = world.must("GET", ALGO, &format!("algoId={id}"));
    assert!(["FINISHED", "TRIGGERED"].contains(&done["algoStatus"].as_str().unwrap()), "{done}");
    let order: u64 = done["actualOrderId"].as_str().unwrap().parse().unwrap();
    let order = world.must("GET", ORDER, &format!("symbol=BTCUSDT&orderId={order}"));
    assert_eq!((&order["status"], &order["origType"]), (&json!("FILLED"), &json!("STOP_MARKET")));
    assert!(world.must("GET", "/fapi/v3/positionRisk", "").as_array().unwrap().is_empty());
    let all = world.must("GET", "/fapi/v1/allAlgoOrders", "symbol=BTCUSDT");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let crossed = STOP.replace("59000", "59500");
    assert_eq!(world.fails("POST", ALGO, &crossed), (400, -2021), "already below its trigger");
    let cleared = world.must("DELETE", "/fapi/v1/algoOpenOrders", "symbol=BTCUSDT");
    assert_eq!(cleared["code"], 200);
}

#[test]
fn all_open_orders_go_at_once_and_conditional_ones_stay() {
    let mut world = World::new();
    world.order(MARKET);
    world.must("POST", ORDER, LIMIT);
    world.must("POST", ALGO, STOP);
    let done = world.must("DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT");
    assert_eq!(
        done,
        json!({ "code": 200, "msg": "The operation of cancel all open order is done." })
    );
    assert!(world.must("GET", "/fapi/v1/openOrders", "").as_array().unwrap().is_empty());
    let algos = world.must("GET", "/fapi/v1/openAlgoOrders", "symbol=BTCUSDT");
    assert_eq!(algos.as_array().map(Vec::len), Some(1));
}

#[test]
fn the_dead_mans_switch_runs_by_the_wall_clock() {
    let mut world = World::new();
    let switch = "/fapi/v1/countdownCancelAll";
    world.must("POST", ORDER, LIMIT);
    let set = world.must("POST", switch, "symbol=BTCUSDT&countdownTime=1000");
    assert_eq!(set, json!({ "symbol": "BTCUSDT", "countdownTime": "1000" }));
    world.wait(900);
    world.must("POST", switch, "symbol=BTCUSDT&countdownTime=1000");
    world.wait(900);
    assert_eq!(world.must("GET", "/fapi/v1/openOrders", "").as_array().map(Vec::len), Some(1));
    world.must("POST", switch, "symbol=BTCUSDT&countdownTime=0");
    world.wait(5_000);
    assert_eq!(world.must("GET", "/fapi/v1/openOrders", "").as_array().map(Vec::len), Some(1));
    world.must("POST", switch, "symbol=BTCUSDT&countdownTime=1000");
    world.wait(1_001);
    assert_eq!(world.must("GET", "/fapi/v1/openOrders", "").as_array().map(Vec::len), Some(0));
}

#[test]
fn at_the_end_of_the_data_the_last_price_holds() {
    let mut world = World::of(&[60_000, 60_000, 61_000], |setup| setup.speed = Speed::Max);
    while world.sim.rush(world.wall, 10) {}
    let filled = world.order(MARKET);
    assert_eq!((&filled["status"], &filled["avgPrice"]), (&json!("FILLED"), &json!("61000")));
}

#[test]
fn a_test_order_does_nothing() {
    let mut world = World::new();
    let tried = world.must("POST", "/fapi/v1/order/test", LIMIT);
    assert_eq!((&tried["orderId"], &tried["status"]), (&json!(0), &json!("NEW")));
    assert!(world.must("GET", "/fapi/v1/openOrders", "").as_array().unwrap().is_empty());
    let bad = LIMIT.replace("58000", "58000.05");
    assert_eq!(world.fails("POST", "/fapi/v1/order/test", &bad), (400, -4014));
}

/// What is refused, with status and code: method and path, parameters, what is expected.
const REFUSALS: &[(&str, &str, &str, i64)] = &[
    ("POST", ORDER, "side=BUY&type=MARKET&quantity=1", -1102),
    ("POST", ORDER, "symbol=BTCUSDT&type=MARKET&quantity=1", -1102),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&quantity=1", -1102),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET", -1102),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=58000", -1102),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1", -1102),
    ("POST", ORDER, "symbol=btcusdt&side=BUY&type=MARKET&quantity=1", -1121),
    ("POST", ORDER, "symbol=BTCUSDT&side=HOLD&type=MARKET&quantity=1", -1117),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=WISH&quantity=1", -1116),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=STOP&quantity=1&stopPrice=59000", -4120),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&closePosition=true", -4120),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=TAKE_PROFIT&quantity=1", -4120),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=TAKE_PROFIT_MARKET&quantity=1", -4120),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&quantity=1", -4120),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1e-2", -1100),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.123456789", -1111),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0015", -1111),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0", -4003),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=2000", -4005),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=900", -2019),
    ("POST", ORDER, "symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.001", -4164),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timeInForce=GTC", -1106),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&price=1", -1106),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&positionSide=UP", -4060),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&positionSide=LONG", -4061),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newOrderRespType=X", -1136),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=a%20b", -4015),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&reduceOnly=maybe", -1130),
    ("POST", ORDER, "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&reduceOnly=true", -2022),
    ("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&priceMatch=QUEUE", -5037),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=NOW&quantity=1&price=58000",
        -1115,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58000.05",
        -4014,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=64000",
        -4016,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.01&price=56000",
        -4024,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.01&price=60100",
        -5022,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=0.01&price=58000",
        -5021,
    ),
    (
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTD&quantity=0.01&price=58000",
        -1102,
    ),
    ("GET", ORDER, "symbol=BTCUSDT&orderId=99", -2013),
    ("GET", ORDER, "symbol=BTCUSDT", -1102),
    ("DELETE", ORDER, "symbol=BTCUSDT&orderId=99", -2011),
    ("DELETE", ORDER, "symbol=BTCUSDT", -1102),
    ("PUT", ORDER, "symbol=BTCUSDT&side=BUY&orderId=99&quantity=1&price=58000", -2013),
    ("PUT", ORDER, "symbol=BTCUSDT&side=BUY&orderId=99&quantity=1", -1102),
    ("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT&startTime=0&endTime=700000000", -1127),
    ("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT&limit=0", -1130),
    ("GET", "/fapi/v1/userTrades", "", -1102),
    ("DELETE", "/fapi/v1/allOpenOrders", "", -1102),
    ("POST", "/fapi/v1/countdownCancelAll", "symbol=BTCUSDT", -1102),
    ("POST", "/fapi/v1/batchOrders", "batchOrders=x", -1130),
    ("DELETE", "/fapi/v1/batchOrders", "symbol=BTCUSDT", -1102),
    ("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=0", -4028),
    ("POST", "/fapi/v1/marginType", "symbol=BTCUSDT&marginType=NONE", -1130),
    ("POST", "/fapi/v1/positionMargin", "symbol=BTCUSDT&amount=0&type=1", -4055),
    ("POST", ALGO, "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&triggerPrice=1&quantity=1", -1102),
    ("POST", ALGO, "algoType=TWAP&symbol=BTCUSDT&side=SELL&type=STOP_MARKET", -1130),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=LIMIT&quantity=1&triggerPrice=59000",
        -1116,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01",
        -1102,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP&quantity=0.01&triggerPrice=59000",
        -1102,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01\
         &triggerPrice=60500",
        -2021,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01\
         &triggerPrice=59000.05",
        -4014,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&quantity=0.01\
         &triggerPrice=59000&closePosition=true",
        -4137,
    ),
    (
        "POST",
        ALGO,
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01",
        -1102,
    ),
    ("GET", ALGO, "algoId=99", -2013),
    ("DELETE", ALGO, "algoId=99", -2011),
    ("DELETE", ALGO, "", -1102),
    ("DELETE", "/fapi/v1/algoOpenOrders", "symbol=NOSUCH", -1121),
];

#[test]
fn every_refusal_has_its_code_and_changes_nothing() {
    let mut world = World::new();
    let mut wrong = Vec::new();
    for (method, path, query, code) in REFUSALS {
        let (status, value) = world.ask(method, path, query);
        if status != 400 || value["code"] != *code {
            wrong.push(format!("{method} {path} {query}: {code} expected, {status} {value}"));
        }
        let msg = value["msg"].as_str().unwrap_or_default();
        assert!(!msg.contains("%s"), "{value}");
        let row = ErrorRow::find(i32::try_from(*code).unwrap()).expect("a code of the table");
        if !row.text.contains("%s") && !msg.starts_with("Param ") {
            assert_eq!(msg, row.text, "{method} {path} {query}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let truth = world.truth(KEY);
    assert_eq!(truth["orders"], json!([]));
    assert_eq!(truth["balance"], "10000");
    let logged = truth["requests"].as_array().unwrap();
    assert_eq!(logged.len(), REFUSALS.len(), "every arrival is logged");
    assert!(logged.iter().all(|request| request["outcome"] == "refused"));
}

#[test]
fn a_client_id_is_taken_once() {
    let mut world = World::new();
    world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=one"));
    assert_eq!(world.fails("POST", ORDER, &format!("{LIMIT}&newClientOrderId=one")), (400, -4116));
    world.must("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=one");
    world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=one"));
}

#[test]
fn a_dated_order_echoes_its_date_and_ends_with_market_time() {
    let mut world = World::new();
    let till = world.wall + 700_000;
    let order = LIMIT.replace("GTC", "GTD");
    let placed = world.must("POST", ORDER, &format!("{order}&goodTillDate={till}"));
    assert_eq!(placed["goodTillDate"], till);
    world.step(699_000);
    assert_eq!(world.must("GET", "/fapi/v1/openOrders", "").as_array().map(Vec::len), Some(1));
    world.step(61_000);
    assert_eq!(world.must("GET", "/fapi/v1/openOrders", "").as_array().map(Vec::len), Some(0));
    let soon = world.wall + 60_000;
    let (status, code) = world.fails("POST", ORDER, &format!("{order}&goodTillDate={soon}"));
    assert_eq!((status, code), (400, -5040));
}

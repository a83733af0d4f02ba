//! Replies and user events are read as documented; what is new, missing or of another form takes
//! nothing else with it; no bytes make a reader panic. Which symbols are traded, and why not the
//! others.

use aegis_types::{Bracket, Money, Nanos, Px, Qty, Rate, Side, SymbolId};
use aegis_wire::bodies::{
    AccountConfig, AccountInfo, AlgoAck, AlgoOrder, Balance, CommissionRate, ContractInfo,
    ErrorBody, ExchangeInfo, FundingInfo, FundingRate, InstrumentFault, KeyRestrictions, KlineRow,
    ListenKey, OrderReply, PositionMode, PositionRisk, PremiumIndex, ServerTime, SetLeverageReply,
    StreamReply, SymbolConfig, SymbolInfo, TickerPrice, UNIVERSE_MAX, UserEvent, UserTrade,
    VerdictReason, brackets, klines, read, read_list, universe, user_event,
};
use aegis_wire::{Levels, scan};
use proptest::prelude::*;
use serde_json::{Value, json};

const ORDER: &str = r#"{"clientOrderId":"testOrder","cumQty":"0","executedQty":"0.5",
    "orderId":22542179,"origQty":"10","price":"0","reduceOnly":false,"side":"SELL",
    "positionSide":"SHORT","status":"PARTIALLY_FILLED","stopPrice":"0","closePosition":false,
    "symbol":"BTCUSDT","timeInForce":"GTC","type":"LIMIT","origType":"LIMIT",
    "updateTime":1566818724722,"workingType":"CONTRACT_PRICE","priceProtect":false,
    "priceMatch":"NONE","selfTradePreventionMode":"EXPIRE_MAKER","goodTillDate":0}"#;
const ALGO: &str = r#"{"algoId":2146760,"clientAlgoId":"6B2I9XVcJpCjqPAJ4YoFX7",
    "algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"BTCUSDT","side":"SELL",
    "positionSide":"BOTH","timeInForce":"GTC","quantity":"0","algoStatus":"NEW",
    "triggerPrice":"59000","price":"0","icebergQuantity":"null","workingType":"MARK_PRICE",
    "closePosition":true,"priceProtect":false,"reduceOnly":false,"activatePrice":"",
    "callbackRate":"","createTime":1750485492076,"updateTime":1750485492076,"triggerTime":0}"#;
const POSITION: &str = r#"{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"-30",
    "entryPrice":"0.38512345678912","breakEvenPrice":"0.385077","markPrice":"0.41047590",
    "unRealizedProfit":"0.764","liquidationPrice":"0","isolatedMargin":"0","notional":"12.31",
    "marginAsset":"USDT","isolatedWallet":"0","initialMargin":"0.61","maintMargin":"0.08",
    "adl":2,"updateTime":1720736417660}"#;
const ORDER_EVENT: &str = r#"{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{
    "s":"BTCUSDT","c":"TEST","S":"SELL","o":"LIMIT","f":"GTC","q":"0.001","p":"0","ap":"0",
    "sp":"0","x":"TRADE","X":"FILLED","i":8886774,"M":"44444","l":"0.001","z":"0.001",
    "L":"60000.1","N":"USDT","n":"0.03","T":1568879465650,"t":7,"b":"0","a":"9.91","m":false,
    "R":true,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"AP":"0","cr":"0",
    "pP":false,"si":0,"ss":0,"rp":"-1.5","V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"9"}}"#;
const ACCOUNT_EVENT: &str = r#"{"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{
    "m":"ORDER","B":[{"a":"USDT","wb":"122624.1","cw":"100.1","bc":"0"}],"P":[{"s":"BTCUSDT",
    "pa":"0.01","ep":"60000","bep":"60030","cr":"0","up":"1","mt":"cross","iw":"0","ps":"BOTH"}],
    "S":"BTCUSDT"}}"#;
const ALGO_EVENT: &str = r#"{"e":"ALGO_UPDATE","T":1750515742297,"E":1750515742303,"o":{
    "caid":"Q5x","aid":2148719,"at":"CONDITIONAL","o":"TAKE_PROFIT","s":"BNBUSDT","S":"SELL",
    "ps":"BOTH","f":"GTC","q":"0.01","X":"CANCELED","ai":"","ap":"0","aq":"0","act":"0",
    "tp":"750","p":"750","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","pm":"NONE","cp":false,
    "pP":false,"R":false,"tt":0,"gtd":0,"rm":"Reduce Only reject","ia":false}}"#;
const LITE_EVENT: &str = r#"{"e":"TRADE_LITE","E":1721895408092,"T":1721895408214,"s":"BTCUSDT",
    "q":"0.001","p":"0","m":false,"c":"id","S":"BUY","L":"64089.20","l":"0.040","t":109100866,
    "i":8886774}"#;
const MARGIN_EVENT: &str = r#"{"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16","p":[{
    "s":"ETHUSDT","ps":"LONG","pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17","up":"-1.16",
    "mm":"1.61"}]}"#;
const SYMBOL: &str = r#"{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL",
    "deliveryDate":4133404800000,"onboardDate":1569398400000,"status":"TRADING",
    "baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,
    "underlyingType":"COIN","underlyingSubType":["PoW"],"triggerProtect":"0.0500",
    "liquidationFee":"0.012500","marketTakeBound":"0.05","filters":[
    {"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"},
    {"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},
    {"filterType":"MARKET_LOT_SIZE","minQty":"0.002","maxQty":"120","stepSize":"0.001"},
    {"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"50"},
    {"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500",
    "multiplierDecimal":"4"},{"filterType":"POSITION_RISK_CONTROL","positionControlSide":"NONE"},
    {"filterType":"SOMETHING_NEW","list":[1,2,{"x":null}]},17],
    "orderTypes":["LIMIT","MARKET","STOP"],"timeInForce":["GTC","GTD"]}"#;

fn px(text: &str) -> Option<Px> {
    Some(text.parse().unwrap())
}

fn qty(text: &str) -> Option<Qty> {
    Some(text.parse().unwrap())
}

fn money(text: &str) -> Option<Money> {
    Some(text.parse().unwrap())
}

#[test]
fn replies_about_orders() {
    let order: OrderReply = read(ORDER.as_bytes()).unwrap();
    assert_eq!((order.order_id, order.client_id.as_str()), (22_542_179, "testOrder"));
    assert_eq!(order.status.as_deref(), Some("PARTIALLY_FILLED"));
    assert_eq!((order.side, order.executed), (Some(Side::Sell), qty("0.5")));
    assert_eq!(order.average, None, "not sent by every call any more");
    let algo: AlgoOrder = read(ALGO.as_bytes()).unwrap();
    assert_eq!((algo.algo_id, algo.trigger), (2_146_760, px("59000")));
    assert_eq!((algo.close_position, algo.actual_id), (Some(true), None));
    let ack = br#"{"algoId":7,"clientAlgoId":"x","code":"200","msg":"success"}"#;
    let ack: AlgoAck = read(ack).unwrap();
    assert_eq!((ack.algo_id, ack.code), (Some(7), Some(200)));
    let error: ErrorBody = read(br#"{"code":-2019,"msg":"Margin is insufficient."}"#).unwrap();
    assert_eq!((error.code, error.is_success()), (-2_019, false));
    let done: ErrorBody = read(br#"{"code":200,"msg":"done"}"#).unwrap();
    assert!(done.is_success());
    // A batch: what is no order is one item's error, read as such by the caller.
    let batch = format!(r#"[{ORDER},{{"code":-2022,"msg":"ReduceOnly"}}]"#);
    assert_eq!(read_list::<OrderReply>(batch.as_bytes()).unwrap().len(), 1);
    let trade = br#"[{"id":5,"orderId":6,"symbol":"BTCUSDT","side":"BUY","price":"1.5",
        "qty":"2","quoteQty":"3","realizedPnl":"0","commission":"0.001",
        "commissionAsset":"USDT","maker":true,"time":9}]"#;
    let trades: Vec<UserTrade> = read_list(trade).unwrap();
    assert_eq!(
        (trades[0].px, trades[0].fee, trades[0].maker),
        (px("1.5"), money("0.001"), Some(true))
    );
    for (bad, why) in [("{}", "no ids"), ("", "nothing"), ("<html>", "no JSON"), ("[]", "a list")] {
        assert!(read::<OrderReply>(bad.as_bytes()).is_err(), "{why}");
    }
}

#[test]
fn replies_about_the_account() {
    let positions: Vec<PositionRisk> = read_list(format!("[{POSITION}]").as_bytes()).unwrap();
    let position = &positions[0];
    assert_eq!((position.amount, position.unrealized), (qty("-30"), money("0.764")));
    // More than eight decimals are rounded, not refused.
    assert_eq!(position.entry, px("0.38512346"));
    assert_eq!((position.is_isolated(), position.adl), (Some(false), Some(2)));
    let second = br#"{"symbol":"A","positionAmt":"0","leverage":"21","marginType":"isolated",
        "maxNotionalValue":"99999999999999","isAutoAddMargin":"false"}"#;
    let second: PositionRisk = read(second).unwrap();
    assert_eq!((second.leverage, second.is_isolated()), (Some(21), Some(true)));
    let account = format!(
        r#"{{"totalWalletBalance":"100.5","availableBalance":"7","assets":[{{"asset":"USDT",
        "walletBalance":"100.5"}}],"positions":[{POSITION},null,"?"],"canTrade":true}}"#
    );
    let account: AccountInfo = read(account.as_bytes()).unwrap();
    assert_eq!(account.wallet, money("100.5"));
    assert_eq!((account.assets.0.len(), account.positions.0.len()), (1, 1));
    let balance =
        br#"[{"asset":"USDT","balance":"12","availableBalance":"11","marginAvailable":true}]"#;
    let balances: Vec<Balance> = read_list(balance).unwrap();
    assert_eq!((balances[0].balance, balances[0].available), (money("12"), money("11")));
    let config = br#"[{"symbol":"B","marginType":"ISOLATED","leverage":5,"maxNotionalValue":"1"}]"#;
    let config: Vec<SymbolConfig> = read_list(config).unwrap();
    assert_eq!((config[0].leverage, config[0].is_isolated()), (Some(5), Some(true)));
    let config: AccountConfig =
        read(br#"{"feeTier":0,"canTrade":true,"canWithdraw":true,"dualSidePosition":false}"#)
            .unwrap();
    assert_eq!((config.hedge, config.can_withdraw), (Some(false), Some(true)));
    assert!(read::<PositionMode>(br#"{"dualSidePosition":true}"#).unwrap().hedge);
    let key = br#"{"ipRestrict":true,"enableWithdrawals":false,"enableFutures":true}"#;
    let key: KeyRestrictions = read(key).unwrap();
    assert_eq!((key.withdrawals, key.futures, key.reading), (Some(false), Some(true), None));
    let set: SetLeverageReply =
        read(br#"{"leverage":21,"maxNotionalValue":"1000000","symbol":"BTCUSDT"}"#).unwrap();
    assert_eq!(set.leverage, 21);
    assert_eq!(read::<ListenKey>(br#"{"listenKey":"abc"}"#).unwrap().key, "abc");
    let fees = br#"{"symbol":"B","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004"}"#;
    assert_eq!(read::<CommissionRate>(fees).unwrap().taker, Some(Rate::parse(b"0.0004").unwrap()));
}

#[test]
fn replies_about_the_market() {
    assert_eq!(
        read::<ServerTime>(br#"{"serverTime":1499827319559}"#).unwrap().server_ms,
        1_499_827_319_559
    );
    let one = br#"{"symbol":"BTCUSDT","markPrice":"11793.631","indexPrice":"11781.8",
        "lastFundingRate":"0.0003","nextFundingTime":1597392000000,"time":1597370495002}"#;
    for index in [read_list::<PremiumIndex>(one), read_list(&[b"[", &one[..], b"]"].concat())] {
        let index = index.unwrap();
        assert_eq!((index.len(), index[0].mark), (1, px("11793.631")));
    }
    let rates = br#"[{"symbol":"B","fundingRate":"-0.0001","fundingTime":1,
        "markPrice":"","rateType":"Special"}]"#;
    let rates: Vec<FundingRate> = read_list(rates).unwrap();
    assert_eq!((rates[0].rate, rates[0].mark), (Some(Rate::parse(b"-0.0001").unwrap()), None));
    let info: Vec<FundingInfo> =
        read_list(br#"[{"symbol":"B","fundingIntervalHours":4}]"#).unwrap();
    assert_eq!(info[0].interval_hours, Some(4));
    let ticker: TickerPrice = read(br#"{"symbol":"B","price":"6000.01","time":9}"#).unwrap();
    assert_eq!(ticker.px, px("6000.01"));
    let contract = br#"{"e":"contractInfo","E":1,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL",
        "cs":"TRADING","st":1,"bks":[{"bs":1,"mmr":0.01}]}"#;
    let contract: ContractInfo = read(contract).unwrap();
    assert_eq!((contract.status.as_deref(), contract.stack), (Some("TRADING"), Some(1)));
    for (text, id, refused) in [
        (r#"{"result":null,"id":1}"#, Some("1"), false),
        (r#"{"result":null,"id":"a-b"}"#, Some("a-b"), false),
        (r#"{"code":2,"msg":"Invalid request: x"}"#, None, true),
        (r#"{"error":{"code":3,"msg":"x"},"id":7}"#, Some("7"), true),
    ] {
        let reply: StreamReply = read(text.as_bytes()).unwrap();
        assert_eq!((reply.id.as_deref(), reply.is_refused()), (id, refused), "{text}");
    }
}

#[test]
fn candles_by_rest_are_the_candles_of_the_stream() {
    let body = br#"[[1638747660000,"1","2.5","0.9","2","12345678901234567.5",1638747719999,"1.0",
        100,"500","0.5","0"],[1638747720000,"2","2","2","2","0",1638747779999,"0",0,"0","0","0"]]"#;
    let mut rows = vec![];
    klines(body, &mut rows).unwrap();
    let want = KlineRow {
        open_ms: 1_638_747_660_000,
        open: px("1").unwrap(),
        high: px("2.5").unwrap(),
        low: px("0.9").unwrap(),
        close: px("2").unwrap(),
        volume: 12_345_678_901_234_567.5,
        close_ms: 1_638_747_719_999,
        quote_volume: 1.0,
        trades: 100,
    };
    assert_eq!((rows.len(), rows[0]), (2, want));
    assert!(rows[0].is_closed(1_638_747_720_000) && !rows[1].is_closed(1_638_747_720_000));
    let stream = br#"{"e":"kline","E":1638747720005,"s":"BTCUSDT","k":{"t":1638747660000,
        "T":1638747719999,"s":"BTCUSDT","i":"1m","f":1,"L":2,"o":"1","c":"2","h":"2.5","l":"0.9",
        "v":"12345678901234567.5","n":100,"x":true,"q":"1.0","V":"500","Q":"0.5","B":"0"}}"#;
    let frame = scan(stream, &mut Levels::default()).unwrap().frame;
    assert_eq!(frame.tick(|_| Some(SymbolId(3))), Ok(want.tick(SymbolId(3))));
    klines(b"[]", &mut rows).unwrap();
    assert!(rows.is_empty());
    for bad in ["", "{}", "[[]]", "[[1]]", r#"[[1,"1","1","1","1","1",2,"1",1]"#, r#"[1]"#] {
        assert!(klines(bad.as_bytes(), &mut rows).is_err(), "{bad}");
    }
}

fn event(text: &str) -> UserEvent {
    let combined = format!(r#"{{"stream":"listenkey","data":{text}}}"#);
    let event = user_event(text.as_bytes()).expect(text);
    assert_eq!(user_event(combined.as_bytes()).expect(text), event);
    event
}

#[test]
fn events_of_the_user_stream() {
    let UserEvent::OrderTradeUpdate(update) = event(ORDER_EVENT) else { panic!() };
    let order = update.order;
    assert_eq!(
        (order.trade_id, order.last_px, order.last_qty),
        (Some(7), px("60000.1"), qty("0.001"))
    );
    assert_eq!((order.fee, order.realized, order.expiry), (money("0.03"), money("-1.5"), Some(9)));
    let UserEvent::TradeLite(lite) = event(LITE_EVENT) else { panic!() };
    assert_eq!((lite.trade_id, lite.last_px), (109_100_866, px("64089.2")));
    let UserEvent::AccountUpdate(update) = event(ACCOUNT_EVENT) else { panic!() };
    assert_eq!(update.change.balances.0[0].wallet, money("122624.1"));
    assert_eq!(update.change.positions.0[0].amount, qty("0.01"));
    let UserEvent::AlgoUpdate(update) = event(ALGO_EVENT) else { panic!() };
    assert_eq!((update.order.algo_id, update.order.actual_id), (2_148_719, None));
    assert_eq!(update.order.reject.as_deref(), Some("Reduce Only reject"));
    let UserEvent::MarginCall(call) = event(MARGIN_EVENT) else { panic!() };
    assert_eq!(call.positions.0[0].mark, px("187.17"));
    let config = event(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#);
    let UserEvent::ConfigUpdate(config) = config else { panic!() };
    assert_eq!(config.leverage.map(|change| change.leverage), Some(25));
    let mode = event(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ai":{"j":true}}"#);
    let UserEvent::ConfigUpdate(mode) = mode else { panic!() };
    assert_eq!(mode.asset_mode.and_then(|change| change.multi_assets), Some(true));
    for at in ["1736996475556", "\"1736996475556\""] {
        let expired = format!(r#"{{"e":"listenKeyExpired","E":{at},"listenKey":"W"}}"#);
        assert_eq!(event(&expired), UserEvent::ListenKeyExpired { event_ms: 1_736_996_475_556 });
    }
    for (text, name) in [
        (r#"{"e":"STRATEGY_UPDATE","E":1}"#, "STRATEGY_UPDATE"),
        (r#"{"result":null,"id":1}"#, ""),
        (r#"{"e":["?"]}"#, ""),
    ] {
        assert_eq!(event(text), UserEvent::Other { event: name.into() });
    }
    assert!(user_event(br#"{"e":"TRADE_LITE","s":"B"}"#).is_err(), "an id is missing");
}

#[test]
fn brackets_come_as_a_list_or_alone() {
    let one = r#"{"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[{"bracket":2,
        "initialLeverage":50,"notionalCap":9e40,"notionalFloor":10000,"maintMarginRatio":0.01,
        "cum":35.0},{"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,
        "maintMarginRatio":0.0065,"cum":0.0}]}"#;
    let hole = one.replace(r#""notionalFloor":10000"#, r#""notionalFloor":10001"#);
    for text in [one.to_string(), format!("[{one}]"), format!("[{hole},{one},{{}}]")] {
        let symbols = brackets(text.as_bytes()).unwrap();
        assert_eq!(symbols.len(), 1, "{text}");
        let first = Bracket {
            floor: Money::ZERO,
            cap: Money::whole(10_000),
            rate: Rate::parse(b"0.0065").unwrap(),
            deduction: Money::ZERO,
            leverage_max: 75,
        };
        assert_eq!(symbols[0].brackets[0], first);
        // A cap beyond what 64 bits hold is no cap.
        assert_eq!(symbols[0].brackets[1].cap, Money::MAX);
    }
}

fn symbol() -> SymbolInfo {
    read(SYMBOL.as_bytes()).unwrap()
}

#[test]
fn a_symbol_becomes_an_instrument() {
    let info = format!(
        r#"{{"timezone":"UTC","serverTime":1,"rateLimits":[{{"rateLimitType":"ORDERS",
        "interval":"SECOND","intervalNum":10,"limit":300}}],"symbols":[{SYMBOL},{{"x":1}}]}}"#
    );
    let info: ExchangeInfo = read(info.as_bytes()).unwrap();
    assert_eq!(info.rate_limits.0[0].window_s(), Some(10));
    assert_eq!(info.symbols.0, [symbol()]);
    let bracket = Bracket {
        floor: Money::ZERO,
        cap: Money::MAX,
        rate: Rate::parse(b"0.01").unwrap(),
        deduction: Money::ZERO,
        leverage_max: 20,
    };
    let fees = (Rate::parse(b"0.0005").unwrap(), Rate::parse(b"0.0002").unwrap());
    let make = |symbol: &SymbolInfo, brackets: &[Bracket]| {
        symbol.instrument(SymbolId(0), fees, brackets, Nanos::HOUR.times(8))
    };
    let made = make(&symbol(), &[bracket]).unwrap();
    assert_eq!((Some(made.tick), Some(made.step)), (px("0.1"), qty("0.001")));
    assert_eq!((Some(made.qty_min), Some(made.qty_max)), (qty("0.002"), qty("120")));
    assert_eq!(Some(made.notional_min), money("50"));
    assert_eq!(make(&symbol(), &[]), Err(InstrumentFault::NoBrackets));
    let mut bare = symbol();
    bare.filters.0.retain(|filter| filter.kind != "LOT_SIZE");
    assert_eq!(make(&bare, &[bracket]), Err(InstrumentFault::Missing("LOT_SIZE")));
    let mut flat = symbol();
    flat.filters.0[0].tick = Some(Px::ZERO);
    assert_eq!(make(&flat, &[bracket]), Err(InstrumentFault::Nonsense("tickSize")));
}

#[test]
fn the_universe_is_by_rule_with_a_reason_for_each() {
    let with = |change: &dyn Fn(&mut SymbolInfo)| {
        let mut symbol = symbol();
        change(&mut symbol);
        symbol
    };
    let text = |text: &str| Some(text.to_string());
    let symbols = [
        with(&|s| s.contract = text("CURRENT_QUARTER")),
        with(&|s| s.contract = text("TRADIFI_PERPETUAL")),
        with(&|s| s.contract = None),
        with(&|s| s.status = text("SETTLING")),
        with(&|s| s.quote = text("USDC")),
        with(&|s| s.margin = text("BTC")),
        with(&|s| s.symbol = "币安人生USDT".into()),
        with(&|s| s.onboard_ms = Some(5)),
        with(&|s| s.onboard_ms = Some(4)),
        with(&|s| s.symbol = "ETHUSDT".into()),
    ];
    let verdicts = universe(&symbols);
    let codes: Vec<&str> = verdicts.iter().map(|v| v.reason.code()).collect();
    let want = [
        "contract_type",
        "contract_type",
        "contract_type",
        "status",
        "quote_asset",
        "margin_asset",
        "name",
        "duplicate",
        "trades",
        "trades",
    ];
    assert_eq!(codes, want);
    assert_eq!(verdicts[3].reason.to_string(), "status SETTLING, not TRADING");
    assert!(verdicts[9].is_in() && !verdicts[0].is_in());
    // One too many: the newest listing waits, wherever it stands in the list.
    let full: Vec<SymbolInfo> = (0..=UNIVERSE_MAX)
        .map(|n| {
            with(&|s| {
                s.symbol = format!("S{n}USDT");
                s.onboard_ms = Some(if n == 3 { i64::MAX } else { n as i64 });
            })
        })
        .collect();
    let verdicts = universe(&full);
    assert_eq!(verdicts.iter().filter(|v| v.is_in()).count(), UNIVERSE_MAX);
    assert_eq!(verdicts[3].reason, VerdictReason::Full(UNIVERSE_MAX));
    assert!(universe(&[]).is_empty());
}

/// Every reader over the same bytes.
fn all_readers(bytes: &[u8]) {
    macro_rules! readers {
        ($($kind:ty)*) => {$(
            let _ = read::<$kind>(bytes);
            let _ = read_list::<$kind>(bytes);
        )*};
    }
    readers! {
        AccountConfig AccountInfo AlgoAck AlgoOrder Balance CommissionRate ContractInfo ErrorBody
        ExchangeInfo FundingInfo FundingRate KeyRestrictions ListenKey OrderReply PositionMode
        PositionRisk PremiumIndex ServerTime SetLeverageReply StreamReply SymbolConfig SymbolInfo
        TickerPrice UserTrade
    }
    if let Ok(info) = read::<ExchangeInfo>(bytes) {
        let _ = universe(&info.symbols.0);
    }
    let _ = (user_event(bytes), brackets(bytes), klines(bytes, &mut Vec::new()));
}

/// A document, one of its values replaced by another.
fn damaged(text: &str, place: usize, with: &Value) -> Vec<u8> {
    fn places(value: &mut Value, left: &mut usize, with: &Value) {
        if *left == 0 {
            *value = with.clone();
        }
        *left = left.wrapping_sub(1);
        match value {
            Value::Array(list) => list.iter_mut().for_each(|v| places(v, left, with)),
            Value::Object(map) => map.values_mut().for_each(|v| places(v, left, with)),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_str(text).unwrap();
    let mut left = place;
    places(&mut value, &mut left, with);
    serde_json::to_vec(&value).unwrap()
}

const DOCUMENTS: [&str; 9] = [
    ORDER,
    ALGO,
    POSITION,
    ORDER_EVENT,
    ACCOUNT_EVENT,
    ALGO_EVENT,
    LITE_EVENT,
    MARGIN_EVENT,
    SYMBOL,
];

proptest! {
    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "[\\[{\"a-zA-Z0-9:,.\\-}\\]]{0,80}",
    ) {
        all_readers(&bytes);
        all_readers(text.as_bytes());
    }

    #[test]
    fn damaged_documents_do_not_panic(
        n in 0usize..DOCUMENTS.len(), cut in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = DOCUMENTS[n].as_bytes().to_vec();
        let at = cut.index(bytes.len());
        all_readers(&bytes[..at]);
        bytes[at] = byte;
        all_readers(&bytes);
    }

    #[test]
    fn one_strange_value_takes_nothing_else_with_it(
        n in 0usize..DOCUMENTS.len(), place in 1usize..40, which in 0usize..9,
    ) {
        let strange = [
            json!(null), json!(true), json!("?"), json!(""), json!(-1), json!(1.5e300),
            json!([1, [2]]), json!({"x": {"y": 1}}), json!("99999999999999999999999999"),
        ];
        let bytes = damaged(DOCUMENTS[n], place, &strange[which]);
        all_readers(&bytes);
        // An order's reply stays readable but for its three ids.
        if n == 0 {
            let kept: Value = serde_json::from_slice(&bytes).unwrap();
            let ids = ["orderId", "symbol", "clientOrderId"];
            let original: Value = serde_json::from_str(ORDER).unwrap();
            if ids.iter().all(|id| kept[*id] == original[*id]) {
                let order: OrderReply = read(&bytes).unwrap();
                prop_assert_eq!(order.order_id, 22_542_179);
            }
        }
    }
}

//! Each thing that can be wrong is put by hand into a round without a fault, and is found.

use super::belief::Belief;
use super::judge::{Terms, judge};
use super::protect::{Deadline, gaps, is_late};
use super::settle::unsettled;
use super::truth::Truth;
use aegis_types::{
    AccountUpdate, ClientOrderId, Command, Event, EventBody, Fill, FillReason, Money, Nanos, Order,
    OrderReason, OrderType, OrderUpdate, Px, Qty, Side, SymbolId, SymbolTable,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SESSION: u64 = 0xabc;
const SYMBOL: &str = "GEN000USDT";

fn id(number: u32) -> ClientOrderId {
    ClientOrderId { session: SESSION, number }
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

/// A journal: entry 1, its stop 2, and, when closed, exit 3.
struct Journal(Belief);

impl Journal {
    fn new() -> Self {
        Self(Belief::of(SymbolTable::new([SYMBOL]).unwrap()))
    }

    fn sends(&mut self, at_ms: i64, number: u32, side: Side, kind: OrderType, reason: OrderReason) {
        let order = Order {
            id: id(number),
            symbol: SymbolId(0),
            side,
            kind,
            reason,
            reduce_only: reason != OrderReason::Entry,
            qty: qty("2"),
            price: Px::ZERO,
            trigger: Px::ZERO,
        };
        self.0.command(Nanos::from_millis(at_ms), &Command::Submit { order });
    }

    fn hears(&mut self, at_ms: i64, body: EventBody) {
        self.0.event(&Event { seq: 0, at: Nanos::from_millis(at_ms), body });
    }

    fn told(&mut self, at_ms: i64, number: u32, update: OrderUpdate) {
        self.hears(at_ms, EventBody::Order { id: id(number), symbol: SymbolId(0), update });
    }

    fn fills(&mut self, at_ms: i64, number: u32, trade_id: u64, side: Side) {
        let fill = Fill {
            order: id(number),
            trade_id,
            symbol: SymbolId(0),
            side,
            maker: false,
            reason: FillReason::NextPrice,
            px: Px::whole(10),
            qty: qty("2"),
            leaves: Qty::ZERO,
            fee: Money::ZERO,
            realized: Money::ZERO,
            margin: Money::ZERO,
            venue_time: Nanos::from_millis(at_ms),
        };
        self.told(at_ms, number, OrderUpdate::Filled { fill });
    }
}

fn fill(id: u64, order: u64, side: &str, time: i64) -> Value {
    json!({ "symbol": SYMBOL, "id": id, "orderId": order, "side": side, "qty": "2", "time": time })
}

fn order(id: u64, number: u32, reduce_only: bool) -> Value {
    let client = crate::chaos::tests::id(number).text();
    json!({
        "orderId": id, "clientOrderId": client.as_str(), "executedQty": "2",
        "reduceOnly": reduce_only, "status": "FILLED",
    })
}

fn stop(number: u32, status: &str, created: i64, updated: i64) -> Value {
    json!({
        "clientAlgoId": id(number).text().as_str(), "symbol": SYMBOL, "side": "SELL",
        "orderType": "STOP_MARKET", "reduceOnly": true, "closePosition": false, "quantity": "2",
        "triggerPrice": "9", "algoStatus": status, "actualOrderId": "", "createTime": created,
        "updateTime": updated, "triggerTime": 0,
    })
}

fn request(number: u32, path: &str, at: i64, executed: bool, status: u64) -> Value {
    json!({
        "at": at, "market_ms": at, "method": "POST", "path": path,
        "client_order_id": id(number).text().as_str(), "params": "quantity=2&side=BUY",
        "outcome": if executed { "executed" } else { "refused" }, "status": status, "code": 0,
    })
}

/// Entry at 1,000 ms, its stop 20 ms later.
fn open() -> (Journal, Value) {
    let mut journal = Journal::new();
    journal.sends(990, 1, Side::Buy, OrderType::Market, OrderReason::Entry);
    journal.fills(1_005, 1, 1, Side::Buy);
    journal.sends(1_005, 2, Side::Sell, OrderType::StopMarket, OrderReason::Stop);
    journal.told(1_025, 2, OrderUpdate::Accepted);
    let wallet = EventBody::Account(AccountUpdate::Wallet { balance: Money::whole(100) });
    journal.hears(1_026, wallet);
    let truth = json!({
        "market_ms": 5_000, "balance": "100",
        "ledger": {
            "deposits": "101", "realized": "0", "fees": "1", "funding": "0",
            "liquidation_fees": "0",
        },
        "fills": [fill(1, 1, "BUY", 1_000)],
        "orders": [order(1, 1, false)],
        "algo_orders": [stop(2, "NEW", 1_020, 1_020)],
        "positions": [{ "symbol": SYMBOL, "positionAmt": "2" }],
        "requests": [
            request(1, "/fapi/v1/order", 998, true, 200),
            request(2, "/fapi/v1/algoOrder", 1_020, true, 200),
        ],
        "faults": [],
    });
    (journal, truth)
}

fn terms() -> Terms {
    Terms { foreign: BTreeSet::new(), until_ms: 10_000, positions_max: 1 }
}

fn words(journal: &Journal, truth: &Value) -> Vec<String> {
    judge(&journal.0, &Truth::read(truth).unwrap(), &terms()).words
}

fn only(journal: &Journal, truth: &Value, part: &str) {
    let words = words(journal, truth);
    assert!(words.iter().any(|word| word.contains(part)), "`{part}` is not in {words:?}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let (journal, truth) = open();
    assert_eq!(words(&journal, &truth), Vec::<String>::new());
}

#[test]
fn a_fill_that_is_missing_or_booked_twice_is_found() {
    let (journal, mut truth) = open();
    truth["fills"] = json!([fill(1, 1, "BUY", 1_000), fill(2, 9, "SELL", 1_500)]);
    only(&journal, &truth, "is not booked");
    only(&journal, &truth, "position in GEN000USDT: believed 2, truly 0");
    let (mut journal, truth) = open();
    journal.fills(1_300, 1, 1, Side::Buy);
    only(&journal, &truth, "booked 2 times");
    let found = judge(&journal.0, &Truth::read(&truth).unwrap(), &terms());
    assert_eq!((found.fills_lost, found.fills_doubled), (0, 1));
}

#[test]
fn a_fill_that_was_inferred_stands_for_one_of_its_size() {
    let (mut journal, mut truth) = open();
    truth["fills"] = json!([fill(1, 1, "BUY", 1_000), fill(2, 9, "SELL", 1_500)]);
    truth["algo_orders"] = json!([stop(2, "CANCELED", 1_020, 1_600)]);
    journal.fills(2_000, 0, Fill::INFERRED, Side::Sell);
    journal.told(2_000, 2, OrderUpdate::Canceled);
    assert_eq!(words(&journal, &truth), Vec::<String>::new());
}

#[test]
fn a_second_sending_is_found_unless_the_first_failed_for_sure() {
    for (executed, status, fault, wrong) in [
        (true, json!(200), Value::Null, true),
        (false, json!(503), json!("http_503_unknown_lost"), true),
        (false, Value::Null, json!("reply_cut"), true),
        (false, json!(503), json!("http_503_unavailable"), false),
        (false, json!(429), json!("http_429"), false),
    ] {
        let (journal, mut truth) = open();
        let mut first = request(1, "/fapi/v1/order", 990, executed, 0);
        (first["status"], first["fault"]) = (status.clone(), fault);
        let requests = truth["requests"].as_array_mut().unwrap();
        requests.insert(0, first);
        let found = words(&journal, &truth).iter().any(|word| word.contains("sent again"));
        assert_eq!(found, wrong, "{status}");
    }
}

#[test]
fn what_was_never_journalled_or_is_larger_than_approved_is_found() {
    let (journal, mut truth) = open();
    truth["requests"][0]["client_order_id"] = json!(id(7).text().as_str());
    only(&journal, &truth, "is not in the journal (I4)");
    let (journal, mut truth) = open();
    truth["requests"][0]["params"] = json!("quantity=20");
    only(&journal, &truth, "2 approved");
    let (journal, mut truth) = open();
    truth["requests"][1]["params"] = json!("quantity=2&triggerPrice=NaN");
    only(&journal, &truth, "(I12)");
    let (journal, mut truth) = open();
    truth["orders"][0]["executedQty"] = json!("3");
    only(&journal, &truth, "3 executed");
}

#[test]
fn orders_that_rest_here_and_not_there_are_found() {
    let (journal, mut truth) = open();
    truth["algo_orders"] = json!([stop(2, "CANCELED", 1_020, 1_600)]);
    only(&journal, &truth, "does not rest, and is believed to");
    let (mut journal, truth) = open();
    journal.told(1_500, 2, OrderUpdate::Canceled);
    only(&journal, &truth, "is believed to have ended");
    let (mut journal, truth) = open();
    journal.sends(1_500, 4, Side::Buy, OrderType::Market, OrderReason::Entry);
    journal.told(1_600, 4, OrderUpdate::Unknown);
    only(&journal, &truth, "unknown to the end");
}

#[test]
fn a_wallet_that_differs_and_an_exit_that_opens_are_found() {
    let (mut journal, truth) = open();
    let wallet = EventBody::Account(AccountUpdate::Wallet { balance: Money::whole(99) });
    journal.hears(2_000, wallet);
    only(&journal, &truth, "wallet: believed 99, truly 100");
    let (mut journal, mut truth) = open();
    journal.sends(1_100, 3, Side::Buy, OrderType::Market, OrderReason::TimeStop);
    journal.fills(1_200, 3, 2, Side::Buy);
    truth["orders"] = json!([order(1, 1, false), order(2, 3, true)]);
    truth["fills"] = json!([fill(1, 1, "BUY", 1_000), fill(2, 2, "BUY", 1_200)]);
    only(&journal, &truth, "an exit made 4 of a position of 2 (I9)");
}

#[test]
fn time_without_a_stop_is_measured_and_held_against_its_deadline() {
    let (journal, truth) = open();
    let found = gaps(&journal.0, &Truth::read(&truth).unwrap(), &BTreeSet::new());
    let [gap] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((gap.from_ms, gap.until_ms, gap.entry), (1_000, Some(1_020), true));
    // Heard of at 1,005.
    let late = |ms, windows| is_late(gap, &journal.0, &Deadline { ms, windows });
    assert!(!late(15, vec![]));
    assert!(late(14, vec![]));
    assert!(!late(14, vec![(1_000, 1_010)]), "nothing could be done for a while");
    assert!(late(14, vec![(900, 950)]), "it was long over");
}

#[test]
fn a_position_that_never_had_a_stop_is_late_unless_it_is_being_closed() {
    let (mut journal, mut truth) = open();
    truth["algo_orders"] = json!([]);
    let found = gaps(&journal.0, &Truth::read(&truth).unwrap(), &BTreeSet::new());
    let [gap] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(gap.until_ms, None);
    let deadline = Deadline { ms: 3_000, windows: vec![] };
    assert!(is_late(gap, &journal.0, &deadline));
    journal.sends(3_900, 3, Side::Sell, OrderType::Market, OrderReason::Unprotected);
    assert!(!is_late(gap, &journal.0, &deadline));
}

#[test]
fn a_node_is_settled_only_where_the_exchange_is() {
    let status = json!({
        "healthy": true, "orders": { "unknown": 0 },
        "health": { "brain": { "state": "running" }, "feed": { "state": "running" } },
        "positions": [{ "symbol": SYMBOL, "side": "long", "qty": "2" }],
    });
    let (_, truth) = open();
    let why = |status: &Value, truth: &Value| {
        unsettled(status, &Truth::read(truth).unwrap(), &BTreeSet::new()).unwrap_or_default()
    };
    assert_eq!(why(&status, &truth), "");
    let mut other = status.clone();
    other["positions"][0]["qty"] = json!("3");
    assert!(why(&other, &truth).contains("believed"));
    let mut unknown = status.clone();
    unknown["orders"]["unknown"] = json!(1);
    assert!(why(&unknown, &truth).contains("unknown"));
    let mut starting = status.clone();
    starting["health"]["brain"]["state"] = json!("starting");
    assert!(why(&starting, &truth).contains("not healthy"));
    let mut bare = truth.clone();
    bare["algo_orders"] = json!([]);
    assert!(why(&status, &bare).contains("0 stops rest"));
    let mut twice = truth.clone();
    twice["algo_orders"] = json!([stop(2, "NEW", 1_020, 1_020), stop(3, "NEW", 1_030, 1_030)]);
    assert!(why(&status, &twice).contains("2 stops rest"));
    let mut flat = truth.clone();
    flat["positions"] = json!([]);
    let mut none = status.clone();
    none["positions"] = json!([]);
    assert!(why(&none, &flat).contains("without a position"));
}

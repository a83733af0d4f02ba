//! Nothing leaves that was not approved: requests are distorted between signer and gateway in every
//! way that would do harm, and each is stopped, counted and told, while the exchange sees nothing.

use crate::client_desk::{BTC, Desk, Distort, SESSION};
use crate::world::{KEY, SECRET, World};
use aegis_types::{
    ClientOrderId, Command, Nanos, Order, OrderReason, OrderType, OrderUpdate, Px, Qty, RejectCode,
    Side, SymbolId, SymbolTable,
};
use aegis_venue::client::Note;
use aegis_venue::client::frames::write_frame;
use aegis_venue::client::gateway::{Caps, Gateway, Stopped};
use aegis_venue::client::http::{Identity, write_request};
use aegis_venue::client::machine::{Config, Input, Machine, Out};
use aegis_venue::client::notes::Loud;
use aegis_venue::client::request::{Lane, Loss, Meters, Outcome, Reply, Request};
use aegis_wire::errors::{Answer, Class, ERRORS, STATUSES};
use aegis_wire::{Secret, Signer};
use std::cell::Cell;
use std::rc::Rc;

/// Replaces a text that must be there.
fn swap(from: &'static str, to: &'static str) -> impl Fn(&mut String) {
    move |text: &mut String| {
        assert!(text.contains(from), "{from} is not in {text}");
        *text = text.replacen(from, to, 1);
    }
}

/// Distorts the next placement, and nothing else.
fn once(change: impl Fn(&mut String) + 'static) -> Distort {
    let done = Cell::new(false);
    Box::new(move |text| {
        let places = text.starts_with("POST /fapi/v1/order") || text.starts_with("POST /fapi/v1/a");
        if places && !done.replace(true) {
            change(text);
        }
    })
}

/// Kind, reduce-only, how the builder is wrong, and why that is stopped.
type Case = (OrderType, bool, Box<dyn Fn(&mut String)>, Stopped);

fn cases() -> Vec<Case> {
    use OrderType::{Market, StopMarket};
    let case =
        |kind, reduces, from, to, why| -> Case { (kind, reduces, Box::new(swap(from, to)), why) };
    vec![
        case(Market, false, "quantity=0.01&", "quantity=0.1&", Stopped::Quantity),
        case(Market, false, "quantity=0.01&", "quantity=0.01000001&", Stopped::Quantity),
        case(Market, false, "quantity=0.01&", "quantity=0&", Stopped::Quantity),
        case(Market, false, "quantity=0.01&", "quantity=-0.01&", Stopped::Quantity),
        case(Market, false, "quantity=0.01&", "quantity=1e-2&", Stopped::Quantity),
        case(Market, false, "quantity=0.01&", "quantity=NaN&", Stopped::Quantity),
        case(Market, false, "side=BUY", "side=SELL", Stopped::Side),
        case(Market, false, "symbol=BTCUSDT", "symbol=ETHUSDT", Stopped::Symbol),
        case(Market, false, "type=MARKET", "type=LIMIT", Stopped::Kind),
        case(Market, false, "quantity=", "price=60000&quantity=", Stopped::Price),
        case(Market, false, "quantity=", "closePosition=true&quantity=", Stopped::Unreadable),
        case(Market, false, "quantity=", "positionSide=LONG&quantity=", Stopped::Unreadable),
        case(Market, false, "quantity=", "quantity=9&quantity=", Stopped::Unreadable),
        case(Market, false, "-1&", "-77&", Stopped::NotApproved),
        case(Market, false, "=aegis-", "=other-", Stopped::NotApproved),
        case(Market, false, "/order?", "/batchOrders?", Stopped::Unreadable),
        case(
            Market,
            false,
            "POST /fapi/v1/order?",
            "DELETE /fapi/v1/allOpenOrders?",
            Stopped::Unreadable,
        ),
        case(Market, false, "POST ", "PUT ", Stopped::Unreadable),
        case(Market, false, "\r\n\r\n", "\r\n\r\nquantity=5", Stopped::Unreadable),
        case(Market, true, "&reduceOnly=true", "", Stopped::ReduceOnly),
        case(Market, true, "reduceOnly=true", "reduceOnly=false", Stopped::ReduceOnly),
        case(Market, false, "quantity=", "reduceOnly=true&quantity=", Stopped::ReduceOnly),
        case(StopMarket, true, "&reduceOnly=true", "", Stopped::ReduceOnly),
        case(StopMarket, true, "triggerPrice=59000", "triggerPrice=5900", Stopped::Price),
        case(StopMarket, true, "triggerPrice=59000&", "", Stopped::Price),
        case(StopMarket, true, "STOP_MARKET", "TAKE_PROFIT_MARKET", Stopped::Kind),
        case(StopMarket, true, "algoOrder?", "order?", Stopped::Unreadable),
        case(StopMarket, true, "side=SELL", "side=BUY", Stopped::Side),
    ]
}

#[test]
fn what_the_builder_gets_wrong_is_stopped_counted_and_told() {
    for (index, (kind, reduces, change, why)) in cases().into_iter().enumerate() {
        let mut desk = Desk::ready(World::new());
        desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
        desk.run(100);
        desk.distort = Some(once(change));
        let id = match (kind, reduces) {
            (OrderType::StopMarket, _) => desk.order(kind, Side::Sell, "0.01", 59_000),
            (_, true) => desk.exit(Side::Sell, "0.01"),
            (_, false) => desk.order(kind, Side::Buy, "0.01", 0),
        };
        desk.run(2_000);
        let what = format!("case {index}, {why:?}");
        assert_eq!(desk.words(id), ["rejected gateway"], "{what}: {:?}", desk.notes);
        assert_eq!(desk.placements(id), 0, "{what}");
        assert_eq!(desk.machine.gateway().counts().stopped, 1, "{what}");
        let told = |note: &&Note| matches!(note, Note::Stopped { why: w, .. } if *w == why);
        let told: Vec<_> = desk.notes.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "{what}: {:?}", desk.notes);
        assert_eq!(told[0].loud(), Loud::Alert);
        // The way is open for the next one.
        let next = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
        desk.run(500);
        assert_eq!(desk.placements(next), 1, "{what}");
    }
}

/// A client with one command taken, and the request that it makes.
fn drafted(command: &Command) -> (Machine, Request, Identity) {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let config = Config::new(SESSION, symbols);
    let signer = Signer::hmac(&Secret::from(SECRET));
    let identity = Identity { api_key: KEY.into(), signer, recv_window_ms: 5_000 };
    let (mut machine, mut out) = (Machine::new(config), Out::default());
    machine.step(Nanos::ZERO, Input::Tick, &mut out);
    while let Some(time) = machine.next(Nanos::ZERO, Lane::Reads, &mut out) {
        let meters = Meters::default();
        let reply = Reply { status: 200, meters, body: br#"{"serverTime":0}"# };
        let ended = Input::Ended { token: time.token, outcome: Outcome::Reply(reply) };
        machine.step(Nanos::ZERO, ended, &mut out);
        if machine.clock().synced() {
            break;
        }
    }
    machine.step(Nanos::ZERO, Input::Command(command), &mut out);
    let request = machine.next(Nanos::ZERO, Lane::Orders, &mut out).unwrap();
    (machine, request, identity)
}

fn exit(number: u32) -> Order {
    Order {
        id: ClientOrderId { session: SESSION, number },
        symbol: BTC,
        side: Side::Sell,
        kind: OrderType::Market,
        reason: OrderReason::Flatten,
        reduce_only: true,
        qty: "0.01".parse().unwrap(),
        price: Px::ZERO,
        trigger: Px::ZERO,
    }
}

#[test]
fn frames_of_the_socket_are_read_back_too() {
    let wrong = [
        ("\"quantity\":\"0.01\"", "\"quantity\":\"0.1\"", Stopped::Quantity),
        ("\"side\":\"SELL\"", "\"side\":\"BUY\"", Stopped::Side),
        ("\"reduceOnly\":\"true\",", "", Stopped::ReduceOnly),
        ("order.place", "order.modify", Stopped::Unreadable),
        ("\"side\":", "\"closePosition\":\"true\",\"side\":", Stopped::Unreadable),
        ("\"side\":", "\"side\":\"SELL\",\"side\":", Stopped::Unreadable),
        ("-1\"", "-2\"", Stopped::NotApproved),
    ];
    let order = exit(1);
    let (machine, request, identity) = drafted(&Command::Submit { order });
    let (mut text, mut payload) = (String::new(), String::new());
    assert!(write_frame(&mut text, &mut payload, &request, &identity));
    for (from, to, why) in wrong {
        let mut gateway = machine.gateway().clone();
        let mut distorted = text.clone();
        swap(from, to)(&mut distorted);
        assert_eq!(gateway.check(Nanos::ZERO, &distorted), Err(why), "{distorted}");
        assert_eq!(gateway.check(Nanos::ZERO, &text), Ok(()), "{text}");
        assert_eq!(gateway.check(Nanos::ZERO, &text), Err(Stopped::Quantity), "sent once");
    }
}

#[test]
fn a_second_sending_needs_proof_of_the_first_refusal() {
    let order = exit(1);
    let (machine, request, identity) = drafted(&Command::Submit { order });
    let mut text = String::new();
    write_request(&mut text, &request, "exchange", &identity);
    let meters = Meters::default();
    // Whatever the client's own table says of an answer, the gateway's reading agrees.
    let mut answers: Vec<(u16, Option<i32>, String)> = Vec::new();
    for row in ERRORS {
        answers.push((row.status, Some(row.code), row.text.into()));
        answers.push((503, Some(row.code), row.text.into()));
    }
    for row in STATUSES.iter().filter(|row| row.statuses.0 > 0) {
        let words = [row.text, "Service Unavailable.", "Unknown error, please check your request"];
        answers.extend(words.map(|words| (row.statuses.0, None, words.to_owned())));
    }
    let mut both = [0, 0];
    for (status, code, words) in answers {
        let answer = Answer { status, code, message: &words, retry_after_s: None };
        let again =
            matches!(answer.classify(true).class, Class::Retry | Class::Clock | Class::Metadata)
                || status == 403;
        let body = match code {
            Some(code) => format!("{{\"code\":{code},\"msg\":\"{words}\"}}"),
            None => words.clone(),
        };
        let mut gateway = machine.gateway().clone();
        assert_eq!(gateway.check(Nanos::ZERO, &text), Ok(()));
        let reply = Reply { status, meters, body: body.as_bytes() };
        gateway.ended(order.id, &Outcome::Reply(reply));
        let passed = gateway.check(Nanos::ZERO, &text);
        // The gateway may be stricter where the client would never send again, never looser.
        if passed.is_ok() {
            assert!(again, "{status} {code:?} {words}: a second one passed");
        } else {
            assert!(!again, "{status} {code:?} {words}: {passed:?}");
        }
        both[usize::from(again)] += 1;
    }
    assert!(both.iter().all(|count| *count > 5), "{both:?}");
    for (loss, passes) in [
        (Loss::NotSent, true),
        (Loss::Timeout, false),
        (Loss::Cut, false),
        (Loss::Malformed, false),
    ] {
        let mut gateway = machine.gateway().clone();
        assert_eq!(gateway.check(Nanos::ZERO, &text), Ok(()));
        gateway.ended(order.id, &Outcome::Lost(loss));
        assert_eq!(gateway.check(Nanos::ZERO, &text).is_ok(), passes, "{loss:?}");
    }
}

#[test]
fn settings_and_cancels_are_held_against_the_session() {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut gateway = Gateway::new(SESSION, &symbols, Caps::default());
    gateway.approve(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    let mut check =
        |first: &str| gateway.check(Nanos::ZERO, &format!("{first} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let ours = ClientOrderId { session: SESSION, number: 3 };
    let other = ClientOrderId { session: SESSION + 1, number: 3 };
    let (ours, other) = (ours.text(), other.text());
    for (first, verdict) in [
        ("POST /fapi/v1/leverage?symbol=BTCUSDT&leverage=5".to_owned(), Ok(())),
        ("POST /fapi/v1/leverage?symbol=BTCUSDT&leverage=3".to_owned(), Ok(())),
        ("POST /fapi/v1/leverage?symbol=BTCUSDT&leverage=50".to_owned(), Err(Stopped::Setting)),
        ("POST /fapi/v1/leverage?symbol=ETHUSDT&leverage=1".to_owned(), Err(Stopped::Setting)),
        ("POST /fapi/v1/leverage?symbol=XRPUSDT&leverage=1".to_owned(), Err(Stopped::Symbol)),
        ("POST /fapi/v1/marginType?symbol=BTCUSDT&marginType=ISOLATED".to_owned(), Ok(())),
        (
            "POST /fapi/v1/marginType?symbol=BTCUSDT&marginType=CROSSED".to_owned(),
            Err(Stopped::Setting),
        ),
        ("POST /fapi/v1/positionSide/dual?dualSidePosition=false".to_owned(), Ok(())),
        ("POST /fapi/v1/positionSide/dual?dualSidePosition=true".to_owned(), Err(Stopped::Setting)),
        (format!("DELETE /fapi/v1/order?symbol=BTCUSDT&origClientOrderId={ours}"), Ok(())),
        (format!("DELETE /fapi/v1/algoOrder?clientAlgoId={ours}"), Ok(())),
        (format!("DELETE /fapi/v1/algoOrder?clientAlgoId={other}"), Err(Stopped::NotApproved)),
        (
            "DELETE /fapi/v1/order?symbol=BTCUSDT&origClientOrderId=web_1".to_owned(),
            Err(Stopped::NotApproved),
        ),
        ("POST /fapi/v1/positionMargin?symbol=BTCUSDT".to_owned(), Err(Stopped::Unreadable)),
        ("POST /sapi/v1/capital/withdraw/apply?coin=USDT".to_owned(), Err(Stopped::Unreadable)),
        ("GET /fapi/v3/account?timestamp=1".to_owned(), Ok(())),
    ] {
        assert_eq!(check(&first), verdict, "{first}");
    }
}

#[test]
fn a_burst_ten_times_the_cap_is_cut_and_exits_still_go() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(100);
    let caps = Caps::default();
    let burst = 10 * caps.symbol_second;
    let ids: Vec<_> =
        (0..burst).map(|_| desk.order(OrderType::Market, Side::Buy, "0.001", 0)).collect();
    desk.run(300);
    let sent: usize = ids.iter().map(|id| desk.placements(*id)).sum();
    assert_eq!(sent as u32, caps.symbol_second, "what left in a second");
    let capped = OrderUpdate::Rejected { code: RejectCode::OrderRate };
    let refused = ids.iter().filter(|id| desk.of(**id).last() == Some(&capped)).count();
    assert_eq!(refused + sent, ids.len(), "refused for sure, at once");
    // In the same second: a stop and an exit.
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.005", 59_000);
    let exit = desk.exit(Side::Sell, "0.005");
    desk.run(300);
    assert_eq!((desk.placements(stop), desk.placements(exit)), (1, 1));
    // A storm of them waits, and all leave.
    let exits: Vec<_> = (0..20).map(|_| desk.exit(Side::Sell, "0.001")).collect();
    desk.run(10_000);
    for id in &exits {
        assert_eq!(desk.placements(*id), 1, "{:?}", desk.words(*id));
    }
    // In a minute no more than its cap of entries leaves.
    desk.run(60_000);
    let mut sent = 0;
    for _ in 0..10 * caps.symbol_minute {
        let id = desk.order(OrderType::Market, Side::Buy, "0.001", 0);
        desk.run(100);
        sent += desk.placements(id) as u32;
    }
    assert!(sent <= caps.symbol_minute, "{sent} entries left in 40 s");
    desk.assert_true("after the burst");
}

#[test]
fn an_exit_that_is_refused_and_goes_again_twice_a_second_never_uses_up_its_minute() {
    let mut desk = Desk::ready(World::new());
    for second in 0..120 {
        for _ in 0..2 {
            let exit = desk.exit(Side::Sell, "0.001");
            desk.run(500);
            assert_eq!(desk.placements(exit), 1, "second {second}: {:?}", desk.words(exit));
        }
    }
}

#[test]
fn behind_the_fence_nothing_leaves_and_that_is_told_once() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(100);
    let requests = |desk: &mut Desk| desk.world.truth(KEY)["requests"].as_array().unwrap().len();
    // The fence goes up between the signature of a request and its socket.
    let up = Rc::new(Cell::new(false));
    let seen = Rc::clone(&up);
    desk.fence = Some(Box::new(move || seen.get()));
    let before = requests(&mut desk);
    up.set(true);
    let exit = desk.exit(Side::Sell, "0.01");
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(200_000);
    assert_eq!(requests(&mut desk), before);
    for id in [exit, entry, stop] {
        assert_eq!(desk.words(id), ["rejected gateway"]);
    }
    let told = desk.notes.iter().filter(|note| **note == Note::Fenced).count();
    assert_eq!(told, 1, "{:?}", desk.notes);
    // A fence that is taken away does not open it again.
    up.set(false);
    desk.exit(Side::Sell, "0.01");
    desk.run(10_000);
    assert_eq!(requests(&mut desk), before);
    assert!(desk.machine.gateway().closed());
}

#[test]
fn the_ledger_has_room_for_a_long_session() {
    let symbols = SymbolTable::new(["BTCUSDT"]).unwrap();
    let mut gateway = Gateway::new(SESSION, &symbols, Caps::WIDE);
    let text = |number: u32| {
        let id = ClientOrderId { session: SESSION, number };
        format!(
            "POST /fapi/v1/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&\
             reduceOnly=true&newClientOrderId={id}&newOrderRespType=RESULT HTTP/1.1\r\n\r\n"
        )
    };
    for number in 1..=5_000 {
        let order = Order { symbol: SymbolId(0), qty: Qty::from_raw(1_000_000), ..exit(number) };
        gateway.approve(&Command::Submit { order });
        assert_eq!(gateway.check(Nanos::ZERO, &text(number)), Ok(()), "{number}");
    }
    assert_eq!(gateway.check(Nanos::ZERO, &text(5_000)), Err(Stopped::Quantity));
    assert_eq!(gateway.check(Nanos::ZERO, &text(1)), Err(Stopped::NotApproved));
}

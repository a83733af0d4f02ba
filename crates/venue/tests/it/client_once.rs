//! Sent once: an order whose outcome is unknown reaches the exchange exactly once, whatever is
//! lost, late or answered wrongly, and in the end the client believes what is true.
//!
//! Every variant is a seed: which order, which fault, how the user stream and the questions fare.

use crate::client_desk::{BTC, Desk};
use crate::world::World;
use aegis_types::{ClientOrderId, Command, OrderType, OrderUpdate, Qty, RejectCode, Side};
use serde_json::{Value, json};

const VARIANTS: u64 = 1_000;

/// SplitMix64 (Steele, Lea, Flood, 2014).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1))
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % most
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// A fault that leaves the outcome of a write unknown, and whether the write was carried out.
pub fn unknown(draw: &mut Draw, target: &str) -> (Value, bool) {
    let executed = draw.below(2) == 1;
    let fault = match draw.below(6) {
        0 => {
            let bytes = *draw.one(&[-1, 0, 1, 7, 60, 200]);
            json!({"fault": "reply_cut", "bytes": bytes, "executed": executed})
        }
        1 => {
            let ms = 3_100 + draw.below(20_000) as i64;
            return (json!({"fault": "reply_delay", "match": target, "ms": ms}), true);
        }
        2 => json!({"fault": "http_408", "executed": executed}),
        3 if executed => json!({"fault": "http_503_unknown_executed"}),
        3 => json!({"fault": "http_503_unknown_lost"}),
        4 => json!({"fault": "minus_1007", "executed": executed}),
        _ => json!({
            "fault": "error_code", "code": -9_999, "status": 400, "msg": "new to everybody",
            "executed": executed,
        }),
    };
    let mut fault = fault;
    fault["match"] = target.into();
    (fault, executed)
}

/// Makes the questions fare badly too, now and then.
fn trouble(desk: &mut Desk, draw: &mut Draw) {
    desk.user_delay = *draw.one(&[0, 0, 5, 300, 2_500]);
    match draw.below(4) {
        0 => desk.deaf_until = i64::MAX,
        1 => desk.deaf_until = desk.world.wall + draw.below(6_000) as i64,
        _ => {}
    }
    for question in ["GET /fapi/v1/order", "GET /fapi/v1/algoOrder", "GET /fapi/v1/userTrades"] {
        for _ in 0..draw.below(3) {
            let fault = match draw.below(4) {
                0 => json!({"fault": "reply_cut"}),
                1 => json!({"fault": "http_503_unavailable"}),
                2 => json!({"fault": "reply_delay", "ms": 400}),
                _ => json!({"fault": "http_408"}),
            };
            let mut fault = fault;
            fault["match"] = question.into();
            desk.world.fault(&fault);
        }
    }
}

/// What must have been told of an order, by whether it had arrived.
fn check(desk: &mut Desk, id: ClientOrderId, executed: bool, fills: bool, what: &str) {
    let words = desk.words(id);
    let unknown = words.iter().filter(|word| *word == "unknown").count();
    assert!(unknown <= 1, "{what}: unknown is told once: {words:?}");
    assert_eq!(desk.placements(id), 1, "{what}: sent once");
    let filled: Qty = desk.of(id).iter().fold(Qty::ZERO, |sum, update| match update {
        OrderUpdate::Filled { fill } => sum.plus(fill.qty).unwrap(),
        _ => sum,
    });
    let accepted = words.iter().filter(|word| *word == "accepted").count();
    if executed {
        assert_eq!(accepted, 1, "{what}: {words:?}");
        assert_eq!(filled.is_positive(), fills, "{what}: {words:?}");
    } else {
        let rejected = OrderUpdate::Rejected { code: RejectCode::VenueFailed };
        assert_eq!(desk.of(id).last(), Some(&rejected), "{what}: {words:?}");
        assert_eq!((accepted, filled), (0, Qty::ZERO), "{what}: {words:?}");
    }
}

/// One variant; the seed is in every message. Says whether the engine heard of an unknown outcome,
/// which the user stream may have spared it.
fn variant(seed: u64) -> bool {
    let mut draw = Draw::new(seed);
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(100);
    let side = *draw.one(&[Side::Buy, Side::Sell]);
    let qty = *draw.one(&["0.001", "0.01", "0.05"]);
    let kind = draw.below(4);
    if kind > 1 {
        let entry = desk.order(OrderType::Market, side, qty, 0);
        desk.run(100);
        assert_eq!(desk.words(entry).len(), 2, "seed {seed}");
    }
    desk.told.clear();
    let algo = kind == 3;
    let target = if algo { "POST /fapi/v1/algoOrder" } else { "POST /fapi/v1/order" };
    let (fault, executed) = unknown(&mut draw, target);
    desk.world.fault(&fault);
    trouble(&mut desk, &mut draw);
    let id = match kind {
        0 | 1 => desk.order(OrderType::Market, side, qty, 0),
        2 => desk.exit(side.opposite(), qty),
        _ => {
            let trigger = if side == Side::Buy { 50_000 } else { 70_000 };
            desk.order(OrderType::StopMarket, side.opposite(), qty, trigger)
        }
    };
    desk.run(40_000);
    let what = format!("seed {seed}, kind {kind}, {fault}");
    check(&mut desk, id, executed, !algo, &what);
    desk.deaf_until = 0;
    desk.assert_true(&what);
    assert!(desk.machine.settled(), "{what}: {:?}", desk.machine.attempts().all());
    desk.words(id).iter().any(|word| word == "unknown")
}

#[test]
fn an_order_of_unknown_outcome_is_sent_once_in_a_thousand_variants() {
    let unknown = std::thread::scope(|scope| {
        let part = |first: u64| {
            let seeds = (first..VARIANTS).step_by(2);
            scope.spawn(move || seeds.filter(|seed| variant(*seed)).count())
        };
        let parts = [part(0), part(1)];
        parts.into_iter().map(|part| part.join().unwrap()).sum::<usize>()
    });
    assert!(unknown as u64 > VARIANTS / 3, "only {unknown} variants were in doubt at all");
}

#[test]
fn absence_is_believed_only_behind_the_window() {
    let mut desk = Desk::ready(World::new());
    let fault = json!({"fault": "http_503_unknown_lost", "match": "POST /fapi/v1/order"});
    desk.world.fault(&fault);
    let sent = desk.world.wall;
    let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(6_900);
    assert_eq!(desk.words(id), ["unknown"], "the exchange may still take it");
    desk.run(3_000);
    assert_eq!(desk.words(id), ["unknown", "rejected venue_failed"]);
    let proven = desk.told.iter().rfind(
        |(_, body)| matches!(body, aegis_types::EventBody::Order { id: of, .. } if *of == id),
    );
    assert!(proven.unwrap().0 >= sent + 7_000);
}

#[test]
fn the_schedule_of_questions_is_that_of_the_reference() {
    let mut desk = Desk::ready(World::new());
    desk.deaf_until = i64::MAX;
    desk.world.fault(&json!({"fault": "http_503_unknown_lost", "match": "POST /fapi/v1/order"}));
    let sent = desk.world.wall;
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(20_000);
    let asked: Vec<i64> = desk
        .world
        .arrivals("/fapi/v1/order")
        .iter()
        .filter(|request| request["method"] == "GET")
        .map(|request| request["at"].as_i64().unwrap() - sent)
        .collect();
    let wanted = [200, 700, 1_700, 3_700, 5_700, 7_700];
    assert_eq!(asked.len(), wanted.len(), "{asked:?}");
    for (at, wanted) in asked.iter().zip(wanted) {
        assert!((wanted..wanted + 50).contains(at), "{asked:?}");
    }
}

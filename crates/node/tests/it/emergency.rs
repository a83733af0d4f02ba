//! The kill switch's machine against a small exchange: it takes back what may open a position,
//! leaves stops until their symbol is flat, closes by the exchange's own list, and never sends an
//! order twice whose outcome it does not know, whatever is lost on the way.

use crate::random::Random;
use aegis_node::emergency::machine::{Ask, Config, Grid, Input, Machine, Out, Progress};
use aegis_types::{Nanos, Qty};
use aegis_venue::client::request::{Loss, Meters, Outcome, Reply};
use aegis_wire::endpoints::Call;
use aegis_wire::{Secret, Signer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SYMBOLS: [&str; 3] = ["AUSDT", "BUSDT", "CUSDT"];

/// What becomes of a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It is done, and nobody hears of it.
    DoneAndLost,
    /// It never arrives.
    Lost,
    /// Refused, with this status and this code.
    Refused(u16, i32),
    /// 503 that says nothing; done.
    Unknown,
}

/// An exchange with one account.
#[derive(Default)]
struct Exchange {
    entries: Vec<(String, String)>,
    foreign: Vec<(String, String)>,
    /// Hundredths of a unit.
    positions: BTreeMap<String, i64>,
    stops: Vec<(String, String, i64)>,
    /// Orders that it has seen, with status.
    orders: BTreeMap<String, &'static str>,
    posts: Vec<String>,
    asked: Vec<Call>,
}

fn hundredths(qty: &str) -> i64 {
    let qty: Qty = qty.parse().unwrap();
    qty.raw() / 1_000_000
}

fn text(hundredths: i64) -> String {
    Qty::from_raw(hundredths * 1_000_000).to_string()
}

impl Exchange {
    fn params(ask: &Ask) -> BTreeMap<String, String> {
        let signer = Signer::hmac(&Secret::new("s".to_owned()));
        let query = ask.query.signed(&signer, 0, 5_000);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn place(&mut self, params: &BTreeMap<String, String>) -> (u16, Value) {
        let of = |name: &str| params.get(name).cloned().unwrap_or_default();
        let (id, symbol) = (of("newClientOrderId"), of("symbol"));
        assert_eq!(of("reduceOnly"), "true");
        assert!(!self.posts.contains(&id), "{id} was sent twice");
        self.posts.push(id.clone());
        let held = self.positions.entry(symbol.clone()).or_default();
        let sign = if of("side") == "SELL" { -1 } else { 1 };
        if held.signum() * sign >= 0 {
            return (400, json!({"code": -2022, "msg": "ReduceOnly Order is rejected."}));
        }
        *held += sign * hundredths(&of("quantity")).min(held.abs());
        self.orders.insert(id.clone(), "FILLED");
        (
            200,
            json!({"orderId": 9, "symbol": symbol, "clientOrderId": id,
            "status": "FILLED"}),
        )
    }

    fn answer(&mut self, ask: &Ask) -> (u16, Value) {
        let params = Self::params(ask);
        let of = |name: &str| params.get(name).cloned().unwrap_or_default();
        self.asked.push(ask.call);
        match ask.call {
            Call::OpenOrders => {
                let all = self.entries.iter().chain(&self.foreign);
                (
                    200,
                    all.map(|(symbol, id)| {
                        json!({"orderId": 1, "symbol": symbol,
                    "clientOrderId": id, "status": "NEW", "reduceOnly": false})
                    })
                    .collect(),
                )
            }
            Call::PositionRisk => {
                let all = self.positions.iter().filter(|(_, amount)| **amount != 0);
                (
                    200,
                    all.map(|(symbol, amount)| {
                        json!({"symbol": symbol,
                    "positionAmt": text(*amount)})
                    })
                    .collect(),
                )
            }
            Call::OpenAlgoOrders => (
                200,
                self.stops
                    .iter()
                    .map(|(symbol, id, qty)| {
                        json!({"algoId": 1,
                    "symbol": symbol, "clientAlgoId": id, "orderType": "STOP_MARKET",
                    "quantity": text(*qty), "reduceOnly": true})
                    })
                    .collect(),
            ),
            Call::CancelOrder => {
                let id = of("origClientOrderId");
                assert!(!self.foreign.iter().any(|(_, other)| *other == id), "not ours: {id}");
                let before = self.entries.len();
                self.entries.retain(|(_, other)| *other != id);
                if self.entries.len() == before {
                    return (400, json!({"code": -2011, "msg": "Unknown order sent."}));
                }
                (
                    200,
                    json!({"orderId": 1, "symbol": of("symbol"), "clientOrderId": id,
                    "status": "CANCELED"}),
                )
            }
            Call::CancelAlgoOrder => {
                let id = of("clientAlgoId");
                let flat = |symbol: &str| self.positions.get(symbol).is_none_or(|a| *a == 0);
                let stop = self.stops.iter().find(|(_, other, _)| *other == id);
                if let Some((symbol, ..)) = stop {
                    assert!(flat(symbol), "the stop of an open position was taken back");
                }
                self.stops.retain(|(_, other, _)| *other != id);
                (200, json!({"algoId": 1, "clientAlgoId": id, "code": "200", "msg": "success"}))
            }
            Call::NewOrder => self.place(&params),
            Call::QueryOrder => match self.orders.get(&of("origClientOrderId")) {
                Some(status) => (
                    200,
                    json!({"orderId": 9, "symbol": of("symbol"),
                    "clientOrderId": of("origClientOrderId"), "status": status}),
                ),
                None => (400, json!({"code": -2013, "msg": "Order does not exist."})),
            },
            other => panic!("{other:?} is no call of the kill switch"),
        }
    }
}

/// A machine and its exchange, with a clock.
struct Scene {
    machine: Machine,
    exchange: Exchange,
    now: Nanos,
    begun: Nanos,
    said: Vec<&'static str>,
}

impl Scene {
    fn new(exchange: Exchange) -> Self {
        let grid = |name: &&str| Grid { name: (*name).to_owned(), qty_max: Qty::whole(5) };
        let config = Config {
            symbols: SYMBOLS.iter().map(grid).collect(),
            number: 0xabc,
            recv_window: Nanos::SECOND.times(5),
            stop_deadline: Nanos::SECOND.times(3),
        };
        let now = Nanos::SECOND.times(1_000_000);
        let machine = Machine::new(config);
        Self { machine, exchange, now, begun: now, said: Vec::new() }
    }

    fn kill(&mut self, flatten: bool, fate: &mut impl FnMut(&mut Exchange, &Ask, Nanos) -> Fate) {
        let mut out = Out::default();
        self.machine.step(self.now, Input::Kill { flatten }, &mut out);
        self.carry(out, fate);
    }

    /// Each request takes 10 ms, one that is lost 3 s.
    fn carry(&mut self, out: Out, fate: &mut impl FnMut(&mut Exchange, &Ask, Nanos) -> Fate) {
        let mut waiting = vec![out];
        while let Some(Out { asks, deeds, .. }) = waiting.pop() {
            self.said.extend(deeds.iter().map(|deed| deed.what));
            for ask in asks {
                let fate = fate(&mut self.exchange, &ask, self.now.since(self.begun));
                let (status, body) = match fate {
                    Fate::Lost => (0, Value::Null),
                    Fate::Refused(status, code) => (status, json!({"code": code, "msg": ""})),
                    Fate::DoneAndLost => {
                        self.exchange.answer(&ask);
                        (0, Value::Null)
                    }
                    Fate::Unknown => {
                        self.exchange.answer(&ask);
                        let msg = "Unknown error, please check your request or try again later.";
                        (503, json!({"code": -1000, "msg": msg}))
                    }
                    Fate::Answered => self.exchange.answer(&ask),
                };
                let wait = if status == 0 { Nanos::SECOND.times(3) } else { Nanos(10_000_000) };
                self.now = self.now.after(wait);
                let body = body.to_string();
                let reply = Reply { status, meters: Meters::default(), body: body.as_bytes() };
                let lost = Outcome::Lost(Loss::Timeout);
                let outcome = if status == 0 { lost } else { Outcome::Reply(reply) };
                let mut out = Out::default();
                self.machine.step(self.now, Input::Ended { token: ask.token, outcome }, &mut out);
                waiting.push(out);
            }
        }
    }

    /// Until it is done, or so long.
    fn go(
        &mut self,
        most: Nanos,
        fate: &mut impl FnMut(&mut Exchange, &Ask, Nanos) -> Fate,
    ) -> Progress {
        let until = self.now.after(most);
        while !self.machine.progress().complete && self.now < until {
            self.now = self.machine.wake().max(self.now.after(Nanos(1_000_000)));
            let mut out = Out::default();
            self.machine.step(self.now, Input::Tick, &mut out);
            self.carry(out, fate);
        }
        self.machine.progress()
    }
}

fn well(_: &mut Exchange, _: &Ask, _: Nanos) -> Fate {
    Fate::Answered
}

fn pair(symbol: &str, id: &str) -> (String, String) {
    (symbol.to_owned(), id.to_owned())
}

fn stop(symbol: &str, hundredths: i64) -> (String, String, i64) {
    (symbol.to_owned(), format!("aegis-00000000000000aa-{hundredths}"), hundredths)
}

fn account() -> Exchange {
    Exchange {
        entries: vec![
            pair("AUSDT", "aegis-00000000000000aa-1"),
            pair("CUSDT", "aegis-00000000000000aa-2"),
        ],
        foreign: vec![pair("AUSDT", "by-hand"), pair("ZUSDT", "aegis-00000000000000bb-1")],
        positions: [("AUSDT".to_owned(), 150), ("BUSDT".to_owned(), -320)].into(),
        stops: vec![stop("AUSDT", 150), stop("BUSDT", 320), stop("CUSDT", 70)],
        ..Exchange::default()
    }
}

#[test]
fn entries_are_taken_back_and_what_protects_or_is_foreign_stays() {
    let mut scene = Scene::new(account());
    scene.kill(false, &mut well);
    let progress = scene.go(Nanos::MINUTE, &mut well);
    assert!(progress.complete, "{progress:?}");
    assert_eq!((progress.cancelled, progress.unknown), (2, 0));
    assert_eq!((progress.flattened.len(), progress.unprotected.len()), (0, 0));
    assert_eq!(progress.open, ["AUSDT", "BUSDT"]);
    assert!(scene.exchange.entries.is_empty());
    assert_eq!(scene.exchange.foreign.len(), 2);
    let left: Vec<_> = scene.exchange.stops.iter().map(|(symbol, ..)| symbol.as_str()).collect();
    assert_eq!(left, ["AUSDT", "BUSDT"], "the stop of a flat symbol goes");
    assert!(scene.exchange.posts.is_empty());
    assert!(scene.now.since(scene.begun) > Nanos::SECOND.times(5), "late requests were awaited");
}

#[test]
fn flatten_closes_every_position_and_then_takes_back_the_stops() {
    let mut scene = Scene::new(account());
    // Of other symbols it knows nothing.
    scene.exchange.positions.insert("ZUSDT".into(), 100);
    scene.kill(true, &mut well);
    let done = scene.exchange.positions.clone();
    assert_eq!((done["AUSDT"], done["BUSDT"]), (0, 0), "without waiting for anything");
    let progress = scene.go(Nanos::MINUTE, &mut well);
    assert!(progress.complete, "{progress:?}");
    assert_eq!(progress.flattened, ["AUSDT", "BUSDT"]);
    assert_eq!((progress.cancelled, progress.stops_cancelled), (2, 3));
    assert!(scene.exchange.stops.is_empty());
    assert_eq!(scene.exchange.positions["ZUSDT"], 100);
    assert_eq!(scene.exchange.posts.len(), 2);
    assert!(scene.exchange.posts.iter().all(|id| id.starts_with("aegis.kill-") && id.len() <= 36));
}

#[test]
fn a_position_larger_than_one_order_may_be_is_closed_in_parts() {
    let mut scene = Scene::new(Exchange {
        positions: [("AUSDT".to_owned(), -1_230)].into(),
        ..Exchange::default()
    });
    scene.kill(true, &mut well);
    let progress = scene.go(Nanos::MINUTE, &mut well);
    assert!(progress.complete && progress.open.is_empty(), "{progress:?}");
    assert_eq!(scene.exchange.posts.len(), 3);
}

#[test]
fn a_flatten_after_a_kill_does_the_rest() {
    let mut scene = Scene::new(account());
    scene.kill(false, &mut well);
    assert!(scene.go(Nanos::MINUTE, &mut well).complete);
    scene.kill(true, &mut well);
    let progress = scene.go(Nanos::MINUTE, &mut well);
    assert!(progress.complete && progress.open.is_empty(), "{progress:?}");
    assert!(scene.exchange.stops.is_empty());
}

#[test]
fn an_entry_that_arrives_late_is_found() {
    let mut scene = Scene::new(Exchange::default());
    let mut late = Some(());
    let mut fate = |exchange: &mut Exchange, _: &Ask, passed: Nanos| {
        if passed > Nanos::SECOND.times(4) && late.take().is_some() {
            exchange.positions.insert("BUSDT".into(), 250);
            exchange.entries.push(pair("AUSDT", "aegis-00000000000000aa-7"));
        }
        Fate::Answered
    };
    scene.kill(true, &mut fate);
    let progress = scene.go(Nanos::MINUTE, &mut fate);
    assert!(progress.complete, "{progress:?}");
    assert_eq!(progress.flattened, ["BUSDT"]);
    assert_eq!(progress.cancelled, 1);
}

#[test]
fn a_position_without_a_whole_stop_is_closed_at_its_deadline() {
    let mut exchange = account();
    exchange.stops = vec![stop("AUSDT", 150), stop("BUSDT", 319)];
    let mut scene = Scene::new(exchange);
    scene.kill(false, &mut well);
    let progress = scene.go(Nanos::MINUTE, &mut well);
    assert!(progress.complete, "{progress:?}");
    assert_eq!(progress.unprotected, ["BUSDT"]);
    assert_eq!(progress.open, ["AUSDT"]);
    let left: Vec<_> = scene.exchange.stops.iter().map(|(symbol, ..)| symbol.as_str()).collect();
    assert_eq!(left, ["AUSDT"]);
}

#[test]
fn an_outcome_that_is_unknown_is_asked_for_and_the_order_never_sent_again() {
    for (fate, done) in [(Fate::DoneAndLost, true), (Fate::Unknown, true), (Fate::Lost, false)] {
        let mut scene = Scene::new(Exchange {
            positions: [("AUSDT".to_owned(), 150)].into(),
            ..Exchange::default()
        });
        let mut first = Some(fate);
        let mut on_the_way = |_: &mut Exchange, ask: &Ask, _: Nanos| {
            let hit = (ask.call == Call::NewOrder).then(|| first.take()).flatten();
            hit.unwrap_or(Fate::Answered)
        };
        scene.kill(true, &mut on_the_way);
        assert_eq!(scene.machine.progress().unknown, 1, "{fate:?}");
        let progress = scene.go(Nanos::MINUTE, &mut on_the_way);
        assert!(progress.complete && progress.open.is_empty(), "{fate:?}: {progress:?}");
        // One that is proven not to have arrived is followed by another, with its own id.
        let posts = scene.exchange.posts.len();
        assert_eq!(posts, 1, "{fate:?}");
        let proven = scene.said.contains(&"never arrived");
        assert_eq!(proven, !done, "{fate:?}");
    }
}

#[test]
fn while_the_exchange_shuts_us_out_nothing_is_asked() {
    let mut scene = Scene::new(account());
    let mut asked_inside = 0;
    let mut fate = |_: &mut Exchange, _: &Ask, passed: Nanos| {
        if passed < Nanos::SECOND.times(15) {
            asked_inside += 1;
            return Fate::Refused(429, -1003);
        }
        Fate::Answered
    };
    scene.kill(true, &mut fate);
    let progress = scene.go(Nanos::MINUTE.times(5), &mut fate);
    assert!(progress.complete && progress.open.is_empty(), "{progress:?}");
    assert!(asked_inside <= 2, "the two that were under way: {asked_inside}");
}

#[test]
fn whatever_is_lost_it_ends_flat_and_sends_nothing_twice() {
    for seed in 0..400u64 {
        let mut random = Random(seed);
        let mut exchange = account();
        exchange.positions.insert("CUSDT".into(), random.below(2_000) as i64 - 1_000);
        let mut scene = Scene::new(exchange);
        let faults = 1 + random.below(60);
        let mut left = 40;
        let mut fate = move |_: &mut Exchange, _: &Ask, _: Nanos| {
            if left == 0 || random.below(100) >= faults {
                return Fate::Answered;
            }
            left -= 1;
            match random.below(7) {
                0 => Fate::Lost,
                1 => Fate::DoneAndLost,
                2 => Fate::Unknown,
                3 => Fate::Refused(503, -1008),
                4 => Fate::Refused(400, -1021),
                5 => Fate::Refused(408, -1007),
                _ => Fate::Refused(429, -1003),
            }
        };
        scene.kill(seed % 2 == 0, &mut fate);
        scene.go(Nanos::SECOND.times(seed as i64 % 9), &mut fate);
        scene.kill(true, &mut fate);
        let progress = scene.go(Nanos::MINUTE.times(120), &mut fate);
        assert!(progress.complete, "seed {seed}: {progress:?}");
        assert!(progress.open.is_empty() && progress.unknown == 0, "seed {seed}: {progress:?}");
        let exchange = &scene.exchange;
        assert!(exchange.positions.values().all(|amount| *amount == 0), "seed {seed}");
        assert!(exchange.entries.is_empty() && exchange.stops.is_empty(), "seed {seed}");
        assert_eq!(exchange.foreign.len(), 2, "seed {seed}");
    }
}

//! Rate limits: alone on its address the client is never over one, whatever else goes wrong; when
//! another one shares the address, once at most, and what reduces still goes out.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::client_once::Draw;
use crate::world::{OTHER, World};
use aegis_types::{Command, OrderType, Side, SymbolTable};
use aegis_venue::client::machine::Config;
use aegis_venue::server::Limits;
use serde_json::json;

const SEEDS: u64 = 240;

/// A client on an exchange with that much weight a minute.
fn limited(weight_per_minute: u32) -> Desk {
    let limits = Limits { weight_per_minute, orders_per_10s: 20, ..Limits::default() };
    let mut desk = Desk::ready(World::of(&[60_000; 60], |setup| setup.limits = limits));
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(500);
    desk
}

/// Everything that makes a client ask more than usual, but refusals for asking too much.
fn trouble(desk: &mut Desk, draw: &mut Draw) {
    let fault = *draw.one(&[
        "reply_cut",
        "http_408",
        "http_503_unknown_executed",
        "http_503_unknown_lost",
        "http_503_unavailable",
        "minus_1008",
        "minus_5028",
        "algo_invisible",
        "partial_fill",
        "ws_gap",
        "ws_drop",
    ]);
    let body = json!({"fault": fault, "count": 1 + draw.below(4), "seed": draw.below(1 << 40)});
    desk.world.raw(None, "POST", "/sim/v1/faults", "", body.to_string().as_bytes());
    if draw.below(6) == 0 {
        let body = json!({"fault": "listen_key_expire"}).to_string();
        desk.world.raw(None, "POST", "/sim/v1/faults", "", body.as_bytes());
    }
    if draw.below(8) == 0 {
        desk.deaf_until = desk.world.wall + draw.below(10_000) as i64;
    }
}

fn act(desk: &mut Desk, draw: &mut Draw) {
    let held = desk.machine.account().held(BTC).copied();
    match (draw.below(4), held) {
        (0, None) | (1, _) => {
            desk.order(OrderType::Market, Side::Buy, "0.002", 0);
        }
        (2, Some(held)) => {
            desk.exit(held.side.opposite(), "0.001");
        }
        (3, Some(held)) => {
            let id = desk.order(OrderType::StopMarket, held.side.opposite(), "0.001", 55_000);
            if draw.below(2) == 0 {
                desk.run(50);
                desk.cancel(id);
            }
        }
        _ => {}
    }
}

#[test]
fn alone_on_its_address_no_seed_is_ever_over_a_limit() {
    for seed in 0..SEEDS {
        let mut draw = Draw::new(seed);
        let weight = *draw.one(&[220, 400, 1_200, 2_400]);
        let mut desk = limited(weight);
        for _ in 0..60 {
            trouble(&mut desk, &mut draw);
            act(&mut desk, &mut draw);
            desk.run(draw.below(4_000) as i64);
        }
        desk.deaf_until = 0;
        desk.run(60_000);
        assert!(desk.over_limit.is_empty(), "seed {seed}, {weight} a minute: {:?}", desk.notes);
    }
}

/// Another client asks, for that share of a minute's weight, some of it now.
struct Neighbour {
    share: u32,
    minute: i64,
    used: u32,
}

impl Neighbour {
    fn ask(&mut self, desk: &mut Desk, most: u32) {
        let minute = desk.world.wall.div_euclid(60_000);
        if minute != self.minute {
            (self.minute, self.used) = (minute, 0);
        }
        for _ in 0..most {
            if self.used + 40 > self.share {
                return;
            }
            let (status, _) = desk.world.by(OTHER, "GET", "/fapi/v1/openOrders", "");
            if status == 429 {
                // It has manners, at least.
                self.used = self.share;
                return;
            }
            self.used += 40;
        }
    }
}

#[test]
fn beside_a_neighbour_there_is_one_refusal_at_most_and_exits_go_out() {
    let mut refused = 0;
    for seed in 0..SEEDS {
        let mut draw = Draw::new(seed ^ 0xface);
        let weight = *draw.one(&[600, 1_200, 2_400]);
        let mut desk = limited(weight);
        let share = weight / 10 * (3 + draw.below(4) as u32);
        let mut neighbour = Neighbour { share, minute: 0, used: 0 };
        for _ in 0..60 {
            trouble(&mut desk, &mut draw);
            neighbour.ask(&mut desk, draw.below(20) as u32);
            act(&mut desk, &mut draw);
            desk.run(draw.below(4_000) as i64);
        }
        let reply = desk.world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
        assert_eq!(reply.status, 200);
        desk.deaf_until = 0;
        neighbour.ask(&mut desk, 100);
        let exit = desk.exit(Side::Sell, "0.001");
        desk.run(90_000);
        let words = desk.words(exit);
        let arrived = words.iter().any(|word| word != "unknown");
        assert!(arrived, "seed {seed}: an exit found no way: {words:?} {:?}", desk.notes);
        assert!(desk.over_limit.len() <= 1, "seed {seed}: {:?}", desk.over_limit);
        refused += desk.over_limit.len();
    }
    assert!(refused < SEEDS as usize / 4, "{refused} refusals in {SEEDS} seeds");
}

#[test]
fn a_neighbour_who_takes_everything_never_gets_us_banned_and_exits_go_out() {
    let mut refused = 0;
    for seed in 0..SEEDS {
        let mut draw = Draw::new(seed ^ 0xbeef);
        let mut desk = limited(600);
        desk.enter(Side::Buy, "0.01");
        let mut neighbour = Neighbour { share: 10_000, minute: 0, used: 0 };
        let mut exits = Vec::new();
        for _ in 0..10 {
            // Some time in each minute it takes all that is left.
            desk.run(draw.below(50_000) as i64);
            neighbour.ask(&mut desk, 1_000);
            exits.push(desk.exit(Side::Sell, "0.001"));
            let into = desk.world.wall.rem_euclid(60_000);
            desk.run(60_000 - into);
        }
        desk.run(120_000);
        for exit in exits {
            assert_eq!(desk.words(exit).len(), 2, "seed {seed}: {:?}", desk.notes);
        }
        // At most one moment in any minute: what was on its way at once was.
        desk.over_limit.dedup_by(|next, before| *next - *before < 10);
        let mut minutes: Vec<i64> = desk.over_limit.iter().map(|at| at / 60_000).collect();
        refused += minutes.len();
        minutes.dedup();
        let moments = desk.over_limit.len();
        assert_eq!(minutes.len(), moments, "seed {seed}: {:?}", desk.over_limit);
        desk.assert_true(&format!("seed {seed}"));
    }
    assert!(refused > 0, "the neighbour was noticed");
}

/// The next process on the same machine: it knows nothing of what the one before has used, and its
/// clock may be wrong by so much.
fn next_start(desk: Desk, skew: i64) -> Desk {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut next = Desk::with(desk.world, Config::new(SESSION, symbols));
    next.skew = skew;
    next
}

#[test]
fn several_starts_within_a_minute_are_never_over_the_limit() {
    for seed in 0..SEEDS {
        let mut draw = Draw::new(seed ^ 0x57a7);
        let limits = Limits { weight_per_minute: 400, ..Limits::default() };
        let mut desk = Desk::idle(World::of(&[60_000; 60], |setup| setup.limits = limits));
        let skew = *draw.one(&[0, 0, 20_000, -20_000, 70_000]);
        // Each uses five of the reserve of forty for its clock.
        let starts = 3 + draw.below(6);
        for start in 0..starts {
            desk = next_start(desk, skew);
            desk.run(200 + draw.below(3_000) as i64);
            assert!(desk.over_limit.is_empty(), "seed {seed}, start {start}: {:?}", desk.notes);
        }
        // The last of them waits for its minute, and is then ready.
        desk.run(130_000);
        assert!(desk.over_limit.is_empty(), "seed {seed}: {:?}", desk.notes);
        assert!(desk.machine.ready(), "seed {seed}: {:?}", desk.notes);
    }
}

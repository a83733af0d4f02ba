//! Long sequences of requests by seed: the same ones give the same truth, and whoever listens to
//! the user stream knows the truth at the end, to the last digit.

use crate::world::{KEY, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % n
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// What a listener believes.
#[derive(Debug, Default)]
struct Belief {
    wallet: Option<String>,
    positions: BTreeMap<(String, String), String>,
    orders: BTreeMap<u64, (String, String)>,
    fills: Vec<u64>,
    algos: BTreeMap<u64, String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Belief {
    fn hear(&mut self, event: &Value) {
        match event["e"].as_str().unwrap() {
            "ACCOUNT_UPDATE" => {
                self.wallet = Some(text(&event["a"]["B"][0]["wb"]));
                for position in event["a"]["P"].as_array().unwrap() {
                    let place = (text(&position["s"]), text(&position["ps"]));
                    self.positions.insert(place, text(&position["pa"]));
                }
            }
            "ORDER_TRADE_UPDATE" => {
                let o = &event["o"];
                let id = o["i"].as_u64().unwrap();
                self.orders.insert(id, (text(&o["X"]), text(&o["z"])));
                if o["x"] == "TRADE" || o["x"] == "CALCULATED" {
                    self.fills.push(o["t"].as_u64().unwrap());
                }
            }
            "ALGO_UPDATE" => {
                let o = &event["o"];
                self.algos.insert(o["aid"].as_u64().unwrap(), text(&o["X"]));
            }
            _ => {}
        }
    }
}

/// One random request.
fn ask(world: &mut World, draws: &mut Draws, hedge: bool) {
    let side = draws.of(&["BUY", "SELL"]);
    let which = if hedge { draws.of(&["LONG", "SHORT"]) } else { "BOTH" };
    let qty = format!("0.{:03}", 1 + draws.below(20));
    let px = 57_500 + 50 * draws.below(100);
    let head = format!("symbol=BTCUSDT&side={side}&positionSide={which}&quantity={qty}");
    let id = 1 + draws.below(40);
    let (method, path, query) = match draws.below(12) {
        0..3 => ("POST", "/fapi/v1/order", format!("{head}&type=MARKET")),
        3..6 => {
            let force = draws.of(&["GTC", "IOC", "FOK", "GTX"]);
            let query = format!("{head}&type=LIMIT&timeInForce={force}&price={px}");
            ("POST", "/fapi/v1/order", query)
        }
        6 => ("DELETE", "/fapi/v1/order", format!("symbol=BTCUSDT&orderId={id}")),
        7 => ("PUT", "/fapi/v1/order", format!("{head}&orderId={id}&price={px}")),
        8 => {
            let kind = draws.of(&["STOP_MARKET", "TAKE_PROFIT_MARKET"]);
            let query = format!("algoType=CONDITIONAL&{head}&type={kind}&triggerPrice={px}");
            ("POST", "/fapi/v1/algoOrder", query)
        }
        9 => ("DELETE", "/fapi/v1/algoOrder", format!("algoId={}", 1 + draws.below(10))),
        10 => {
            let reduce = format!("{head}&type=MARKET&reduceOnly=true");
            ("POST", "/fapi/v1/order", reduce)
        }
        _ => ("POST", "/fapi/v1/leverage", format!("symbol=BTCUSDT&leverage={}", 5 + id)),
    };
    let (status, answer) = world.ask(method, path, &query);
    assert!(status == 200 || answer["code"].is_i64(), "{method} {path} {query}: {answer}");
    assert_ne!(answer["code"], -1000, "{method} {path} {query}: {answer}");
}

fn run(seed: u64) -> (Value, Belief) {
    let mut draws = Draws(seed);
    let mut prices = vec![60_000];
    for _ in 0..40 {
        let last = *prices.last().unwrap();
        prices.push((last + draws.below(1_001) as i64 - 500).clamp(58_000, 62_000));
    }
    let mut world = World::of(&prices, |setup| setup.slippage_bps = 0.5);
    let (_, conn) = world.listen();
    let mut belief = Belief::default();
    let hedge = seed % 3 == 1;
    if hedge {
        world.must("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true");
    }
    if seed % 2 == 1 {
        world.must("POST", "/fapi/v1/marginType", "symbol=BTCUSDT&marginType=ISOLATED");
    }
    for _ in 0..120 {
        ask(&mut world, &mut draws, hedge);
        if draws.below(4) == 0 {
            world.step(1 + draws.below(60_000) as i64);
        }
        world.wait(1_000);
        world.events(conn).iter().for_each(|event| belief.hear(event));
    }
    world.step(3_600_000);
    world.events(conn).iter().for_each(|event| belief.hear(event));
    (world.truth(KEY), belief)
}

fn check(seed: u64, truth: &Value, belief: &Belief) {
    if let Some(wallet) = &belief.wallet {
        assert_eq!(*wallet, text(&truth["balance"]), "seed {seed}: wallet");
    }
    let mut open: BTreeMap<(String, String), String> = belief.positions.clone();
    open.retain(|_, qty| qty != "0");
    let truly: BTreeMap<(String, String), String> = truth["positions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| ((text(&p["symbol"]), text(&p["positionSide"])), text(&p["positionAmt"])))
        .collect();
    assert_eq!(open, truly, "seed {seed}: positions");
    for order in truth["orders"].as_array().unwrap() {
        let id = order["orderId"].as_u64().unwrap();
        let truly = (text(&order["status"]), text(&order["executedQty"]));
        assert_eq!(belief.orders.get(&id), Some(&truly), "seed {seed}: order {id}");
    }
    for algo in truth["algo_orders"].as_array().unwrap() {
        let id = algo["algoId"].as_u64().unwrap();
        let truly = text(&algo["algoStatus"]);
        assert_eq!(belief.algos.get(&id), Some(&truly), "seed {seed}: conditional order {id}");
    }
    let mut fills: Vec<u64> =
        truth["fills"].as_array().unwrap().iter().map(|f| f["id"].as_u64().unwrap()).collect();
    let mut heard = belief.fills.clone();
    fills.sort_unstable();
    heard.sort_unstable();
    assert_eq!(heard, fills, "seed {seed}: every fill is told once");
    let of = |name: &str| -> f64 { text(&truth["ledger"][name]).parse().unwrap() };
    let sum = of("deposits") + of("realized") - of("fees") + of("funding") - of("liquidation_fees");
    let wallet: f64 = text(&truth["balance"]).parse().unwrap();
    assert!((sum - wallet).abs() < 1e-6, "seed {seed}: the ledger explains the wallet");
}

#[test]
fn who_listens_knows_the_truth() {
    let mut filled = 0;
    for seed in 0..60 {
        let (truth, belief) = run(seed);
        check(seed, &truth, &belief);
        filled += belief.fills.len();
    }
    assert!(filled > 500, "only {filled} fills: this tests nothing");
}

#[test]
fn the_same_requests_give_the_same_truth() {
    for seed in [3, 14, 15] {
        let (mut first, _) = run(seed);
        let (mut second, _) = run(seed);
        for truth in [&mut first, &mut second] {
            truth["wall_ms"] = json!(0);
        }
        assert_eq!(first, second, "seed {seed}");
    }
}

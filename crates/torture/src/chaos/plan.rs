//! Step machine: what a round does, drawn from its seed. Times are wall milliseconds from the close
//! at which entries are expected.

use super::catalogue::{Bad, FAULTS, Fault, Group, How, Victim, Wreck};
use super::draw::Draw;
use serde_json::{Map, Value, json};

/// Which connections a network fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of requests.
    Requests,
    /// WebSockets.
    Streams,
}

/// Something done at an instant.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Posts a fault to the exchange.
    Post(Value),
    /// Takes a fault of the exchange back.
    Delete(&'static str),
    /// The same as `Post`, with a symbol in which a position is open.
    OnPosition(Value),
    /// A foreign market order in a symbol without a position.
    Foreign,
    /// A trade beyond the stop or target of an open position.
    Touch {
        /// The target; else the stop.
        target: bool,
    },
    /// The network misbehaves from now on.
    Link {
        /// How.
        bad: Bad,
        /// Where.
        scope: Scope,
        /// Delay of a late one, or how many replies are cut.
        amount: u64,
    },
    /// The network is well again.
    LinkWell,
    /// SIGKILL; an orchestrator is started again with `--resume` a moment later.
    Kill(Victim),
    /// SIGSTOP.
    Stop(Victim),
    /// SIGCONT.
    Continue(Victim),
    /// SIGKILL of all; then something is wrong when they are started again.
    Wreck(Wreck),
    /// Fills the file system of the state folder, or the disk below it.
    FillDisk,
    /// Makes room again.
    FreeDisk,
    /// Locks the database.
    LockDatabase,
    /// Unlocks it.
    FreeDatabase,
    /// Starts a second engine on the account.
    SecondEngine,
}

/// A step, when, and the fault that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Wall ms from the close.
    pub at_ms: i64,
    /// The fault's name; empty for what only ends one.
    pub fault: &'static str,
    /// What is done.
    pub step: Step,
}

/// A round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its seed.
    pub seed: u64,
    /// Market time goes so many times as fast as the wall's.
    pub speed: u32,
    /// Which of the instants with entries it begins at.
    pub instant: u64,
    /// Everything that is done, by time.
    pub steps: Vec<Planned>,
    /// The faults.
    pub faults: Vec<&'static Fault>,
    /// Positions are closed before the end; else they are kept with their stops.
    pub flatten: bool,
    /// Orders travel by the WebSocket API.
    pub by_socket: bool,
}

/// Last instant of faults, ms.
const FAULTS_UNTIL_MS: i64 = 3_000;
/// Most faults in a round.
const FAULTS_MAX: i64 = 4;

impl Plan {
    /// The round of a seed, with faults of these names only, or of all.
    pub fn draw(seed: u64, only: &[&'static Fault]) -> Self {
        let mut draw = Draw::new(seed, 1);
        let all: Vec<&'static Fault> = FAULTS.iter().collect();
        let from = if only.is_empty() { &all[..] } else { only };
        let wanted = match draw.between(0, 99) {
            0..30 => 1,
            30..65 => 2,
            65..85 => 3,
            _ => FAULTS_MAX,
        };
        let mut faults: Vec<&'static Fault> = Vec::new();
        for _ in 0..wanted {
            let free: Vec<&'static Fault> =
                from.iter().copied().filter(|fault| fits(fault, &faults)).collect();
            faults.extend(draw.weighted(&free, |fault| fault.weight).copied());
        }
        let speed = match draw.between(0, 9) {
            0..6 => 1,
            6..8 => 5,
            _ => 20,
        };
        let by_socket = draw.percent(25);
        let of = |fault: &&'static Fault| steps_of(fault, by_socket, &mut draw);
        let mut steps: Vec<Planned> = faults.iter().flat_map(of).collect();
        if draw.percent(50) {
            // Positions also end as they usually do.
            let (at_ms, target) = (draw.between(600, 2_500), draw.percent(50));
            steps.push(Planned { at_ms, fault: "", step: Step::Touch { target } });
        }
        steps.sort_by_key(|planned| planned.at_ms);
        Self {
            seed,
            speed,
            instant: draw.word(),
            steps,
            faults,
            flatten: draw.percent(60),
            by_socket,
        }
    }

    /// Is this fault part of it?
    pub fn has(&self, how: How) -> bool {
        self.faults.iter().any(|fault| fault.how == how)
    }

    /// When nothing goes wrong any more, ms from the close.
    pub fn ends_ms(&self) -> i64 {
        self.steps.iter().map(|planned| planned.at_ms).max().unwrap_or(0).max(1_500)
    }
}

/// One of each, and of most groups one.
fn fits(fault: &Fault, chosen: &[&'static Fault]) -> bool {
    let many = matches!(fault.how.group(), Group::Request | Group::Frame | Group::Event);
    chosen
        .iter()
        .all(|other| other.name != fault.name && (many || other.how.group() != fault.how.group()))
}

/// Requests that faults are narrowed to, as REST and as the WebSocket API name them; twice what
/// matters most.
const TARGETS: [(&str, &str); 5] = [ENTRY, ENTRY, STOP, STOP, CANCEL];
const ENTRY: (&str, &str) = ("POST /fapi/v1/order", "WS order.place");
const STOP: (&str, &str) = ("POST /fapi/v1/algoOrder", "WS algoOrder.place");
const CANCEL: (&str, &str) = ("DELETE /fapi/v1/algoOrder", "WS algoOrder.cancel");

fn steps_of(fault: &'static Fault, by_socket: bool, draw: &mut Draw) -> Vec<Planned> {
    let name = fault.name;
    let planned =
        |at_ms: i64, step: Step| Planned { at_ms: at_ms.min(FAULTS_UNTIL_MS), fault: name, step };
    let lasting = |draw: &mut Draw, from_ms: i64, begin: Step, end: Step| {
        let at_ms = draw.between(from_ms, 1_200);
        let until_ms = at_ms + draw.between(300, 2_500);
        vec![planned(at_ms, begin), Planned { fault: "", ..planned(until_ms, end) }]
    };
    match fault.how {
        How::Request(fields) => {
            // Before the orders; but a node that may ask nothing sends none, so that comes behind.
            let (from, to) = if is_limit(name) { (5, 1_200) } else { (-400, -100) };
            let at_ms = draw.between(from, to);
            let mut steps = vec![planned(at_ms, request(name, fields, by_socket, draw))];
            if name == "cancel_refused" {
                // The stop of a smaller position takes the old one's place, which stays and fills.
                let at_ms = draw.between(200, 1_500);
                let adl = posting("adl", r#"{"fraction":0.5}"#);
                let touch_ms = at_ms + draw.between(20, 600);
                let less = planned(at_ms, Step::OnPosition(Value::Object(adl)));
                let touch = planned(touch_ms, Step::Touch { target: false });
                steps.extend([less, touch].map(|step| Planned { fault: "", ..step }));
            }
            steps
        }
        How::Frame(fields) => {
            let mut posting = posting(name, fields);
            posting.insert("seed".into(), json!(draw.word() >> 1));
            if draw.percent(50) {
                let event = draw.one_of(&["ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE"]);
                posting.insert("match".into(), json!(event));
            }
            let at_ms = if draw.percent(20) { draw.between(-400, 0) } else { draw.between(5, 900) };
            vec![planned(at_ms, Step::Post(Value::Object(posting)))]
        }
        How::Everywhere(fields) => {
            let at_ms = draw.between(-300, 1_500);
            let post = Step::Post(Value::Object(posting(name, fields)));
            let mut steps = vec![planned(at_ms, post)];
            if name == "clock_skew" {
                let until_ms = at_ms + draw.between(500, 1_500);
                steps.push(Planned { fault: "", ..planned(until_ms, Step::Delete(name)) });
            }
            steps
        }
        How::Position(fields) => {
            let step = Step::OnPosition(Value::Object(posting(name, fields)));
            vec![planned(draw.between(50, 2_000), step)]
        }
        How::Foreign => vec![planned(draw.between(700, 1_800), Step::Foreign)],
        How::Touch { target } => vec![planned(draw.between(100, 2_000), Step::Touch { target })],
        How::Link(bad) => {
            let scopes = [Scope::All, Scope::Requests, Scope::Streams];
            let scope = draw.one_of(&scopes).copied().unwrap_or(Scope::All);
            let amount = match bad {
                Bad::Latency => draw.between(50, 1_500),
                _ => draw.between(1, 4),
            };
            let begin = Step::Link { bad, scope, amount: amount.unsigned_abs() };
            // Nobody enters on a close that was not heard.
            let from_ms = if draw.percent(25) { -800 } else { 4 };
            lasting(draw, from_ms, begin, Step::LinkWell)
        }
        // Most of them while orders are on their way.
        How::Kill(victim) => {
            let at_ms =
                if draw.percent(70) { draw.between(0, 60) } else { draw.between(-500, 1_500) };
            vec![planned(at_ms, Step::Kill(victim))]
        }
        How::Wreck(wreck) => vec![planned(draw.between(-100, 1_500), Step::Wreck(wreck))],
        How::Stop(victim) => lasting(draw, -300, Step::Stop(victim), Step::Continue(victim)),
        How::DiskFull | How::SyncFails => lasting(draw, -800, Step::FillDisk, Step::FreeDisk),
        How::DatabaseLocked => lasting(draw, -800, Step::LockDatabase, Step::FreeDatabase),
        // It is so from the start.
        How::DatabaseDown => Vec::new(),
        How::SecondEngine => vec![planned(draw.between(-700, 1_000), Step::SecondEngine)],
    }
}

/// Does the exchange then refuse whatever is asked?
pub fn is_limit(name: &str) -> bool {
    matches!(name, "http_429" | "http_418")
}

/// The fields of a posting with its name, which they may say otherwise.
fn posting(name: &str, fields: &str) -> Map<String, Value> {
    let mut posting = Map::new();
    posting.insert("fault".into(), json!(name));
    if let Ok(Value::Object(more)) = serde_json::from_str(fields) {
        posting.extend(more);
    }
    posting
}

fn request(name: &str, fields: &str, by_socket: bool, draw: &mut Draw) -> Step {
    let mut posting = posting(name, fields);
    let fault = posting["fault"].as_str().unwrap_or(name).to_owned();
    let (rest, socket) = match fault.as_str() {
        "algo_reject" | "algo_invisible" => STOP,
        "fill_before_ack" | "avg_price_absent" => ENTRY,
        _ if name == "cancel_refused" => CANCEL,
        "partial_fill" => draw.one_of(&TARGETS[..4]).copied().unwrap_or(ENTRY),
        _ => draw.one_of(&TARGETS).copied().unwrap_or(ENTRY),
    };
    if draw.percent(85) || name == "cancel_refused" {
        posting.insert("match".into(), json!(if by_socket { socket } else { rest }));
    }
    posting.entry("count").or_insert_with(|| json!(draw.between(1, 3)));
    posting.insert("seed".into(), json!(draw.word() >> 1));
    if name == "partial_fill" {
        posting.insert("fraction".into(), json!(format!("0.{}", draw.between(1, 9))));
    }
    Step::Post(Value::Object(posting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_drawn_and_a_seed_draws_the_same_again() {
        let mut drawn = std::collections::BTreeSet::new();
        for seed in 0..2_000 {
            let plan = Plan::draw(seed, &[]);
            let again = Plan::draw(seed, &[]);
            assert_eq!((&plan.steps, plan.speed), (&again.steps, again.speed), "seed {seed}");
            assert!((1..=4).contains(&plan.faults.len()), "seed {seed}");
            assert!(plan.ends_ms() <= FAULTS_UNTIL_MS, "seed {seed}");
            assert!(plan.steps.is_sorted_by_key(|planned| planned.at_ms), "seed {seed}");
            drawn.extend(plan.faults.iter().map(|fault| fault.name));
        }
        assert_eq!(drawn.len(), FAULTS.len());
    }

    #[test]
    fn what_begins_ends() {
        for seed in 0..500 {
            let steps = Plan::draw(seed, &[]).steps;
            let count = |is: fn(&Step) -> bool| steps.iter().filter(|p| is(&p.step)).count();
            let stops = count(|step| matches!(step, Step::Stop(_)));
            assert_eq!(stops, count(|step| matches!(step, Step::Continue(_))), "seed {seed}");
            let links = count(|step| matches!(step, Step::Link { .. }));
            assert_eq!(links, count(|step| matches!(step, Step::LinkWell)), "seed {seed}");
            let full = count(|step| matches!(step, Step::FillDisk));
            assert_eq!(full, count(|step| matches!(step, Step::FreeDisk)), "seed {seed}");
        }
    }
}

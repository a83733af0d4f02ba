//! Step machine: misbehaviour on request, for tests of those who must survive it.
//!
//! Faults queue in order of posting. A request or a frame uses up one count of the oldest fault
//! that names it and acts on its kind; nothing is left to chance, where a fault has a choice its
//! seed decides. What truly happened is in `truth`.

mod catalogue;
mod fields;
mod frames;

pub use catalogue::{Acts, Kind};
pub use frames::FrameFate;

use crate::server::call::{ApiError, Method};
use crate::server::handle::route_of;
use aegis_types::{Money, Px, Qty, Rate};
use aegis_wire::endpoints::Endpoint;
use aegis_wire::ws_methods::WsMethod;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Most faults that wait at once.
const QUEUE_MAX: usize = 10_000;

/// Most acts of faults that are remembered.
const FIRED_MAX: usize = 100_000;

/// A fault as posted.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Number of the posting.
    pub id: u64,
    /// Which.
    pub kind: Kind,
    /// What it waits for: METHOD and path, `WS method`, a stream, a route, an event; empty for
    /// everything it can act on.
    pub target: String,
    /// How often it will still act; none: until it is deleted.
    pub left: Option<u32>,
    /// How often it has acted.
    pub fired: u32,
    /// Since when it waits, wall ms.
    pub since_ms: i64,
    /// Decides where the fault has a choice.
    pub seed: Option<u64>,
    /// Length of a delay or a state.
    pub ms: Option<i64>,
    /// Whether the request is executed in spite of what the reply says.
    pub executed: Option<bool>,
    /// Of which symbol.
    pub symbol: Option<String>,
    /// Of whose account.
    pub key: Option<String>,
    /// Everything else that was posted.
    pub extra: Value,
    /// Names among it that this fault does not know.
    pub unknown: Vec<String>,
}

impl Fault {
    /// From the body of the posting.
    ///
    /// # Errors
    /// What is wrong with it.
    fn parse(posted: &Value, id: u64, wall_ms: i64) -> Result<Self, String> {
        let Some(fields) = posted.as_object() else {
            return Err("the body must be a JSON object such as {\"fault\":\"reply_cut\"}".into());
        };
        let name = text(posted, "fault").ok_or("`fault` is missing: name one, GET lists them")?;
        let kind = Kind::parse(&name)
            .ok_or_else(|| format!("`{name}` is no fault; GET /sim/v1/faults lists them"))?;
        let known = ["fault", "match", "count", "seed", "ms", "executed", "symbol", "key"];
        let extra = fields.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let extra: Map<String, Value> = extra.map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut unknown = fields::check(kind, &extra)?;
        if fields.contains_key("key") && !kind.acts().knows_keys() {
            unknown.push("key".to_owned());
        }
        let count = whole(posted, "count")?;
        let lasting = match kind {
            Kind::ClockSkew => count.is_none(),
            Kind::WsSilence => count.is_none(),
            _ => false,
        };
        let left = match count {
            _ if lasting => None,
            Some(count) => Some(u32::try_from(count).map_err(|_| "`count` must be 0 or more")?),
            None => Some(1),
        };
        Ok(Self {
            id,
            kind,
            target: text(posted, "match").unwrap_or_default(),
            left,
            fired: 0,
            since_ms: wall_ms,
            seed: whole(posted, "seed")?.map(|seed| seed as u64),
            ms: whole(posted, "ms")?,
            executed: flag(posted, "executed")?,
            symbol: text(posted, "symbol").map(|symbol| symbol.to_ascii_uppercase()),
            key: text(posted, "key"),
            extra: Value::Object(extra),
            unknown,
        })
    }

    /// A number by seed and by how often this fault has acted before.
    pub fn draw(&self) -> u64 {
        let mut word = self.seed.unwrap_or(0) ^ (u64::from(self.fired) << 32);
        // SplitMix64 (Steele, Lea, Flood 2014).
        word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Is the request executed in spite of what the reply says?
    pub fn executes(&self) -> bool {
        match (self.executed, self.kind) {
            (Some(executed), _) => executed,
            (None, Kind::Http408 | Kind::Minus1007) if self.seed.is_some() => self.draw() & 1 == 1,
            (None, kind) => matches!(
                kind,
                Kind::ReplyCut
                    | Kind::ReplyDelay
                    | Kind::Http408
                    | Kind::UnknownExecuted
                    | Kind::Minus1007
            ),
        }
    }

    /// A length in milliseconds, never negative.
    pub fn ms_or(&self, default: u64) -> u64 {
        self.ms.map_or(default, |ms| u64::try_from(ms).unwrap_or(0))
    }

    /// A further text that was posted.
    pub fn text(&self, name: &str) -> Option<String> {
        text(&self.extra, name)
    }

    /// Is it one of the texts that the fault knows?
    pub fn is_text(&self, name: &str, value: &str) -> bool {
        self.extra.get(name).and_then(Value::as_str) == Some(value)
    }

    /// A further whole number that was posted.
    pub fn whole(&self, name: &str) -> Option<i64> {
        whole(&self.extra, name).ok().flatten()
    }

    /// A fraction that was posted.
    pub fn rate(&self, name: &str) -> Option<Rate> {
        self.text(name)?.parse().ok()
    }

    /// A quantity that was posted.
    pub fn qty(&self, name: &str) -> Option<Qty> {
        self.text(name)?.parse().ok()
    }

    /// A price that was posted.
    pub fn px(&self, name: &str) -> Option<Px> {
        self.text(name)?.parse().ok()
    }

    /// An amount that was posted.
    pub fn money(&self, name: &str) -> Option<Money> {
        self.text(name)?.parse().ok()
    }

    /// Uses up one count.
    fn fire(&mut self) -> Self {
        let as_it_was = self.clone();
        self.fired += 1;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        as_it_was
    }

    /// As `GET /sim/v1/faults` shows it.
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "fault": self.kind.name(),
            "match": self.target,
            "left": self.left,
            "fired": self.fired,
            "seed": self.seed,
            "ms": self.ms,
            "executed": self.executed,
            "symbol": self.symbol,
            "key": self.key,
            "extra": self.extra,
        })
    }
}

/// A fault that can never act is a mistake in the posting.
fn check_target(fault: &Fault) -> Result<(), String> {
    use aegis_wire::endpoints::Call;
    let target = fault.target.as_str();
    if target.is_empty() {
        return Ok(());
    }
    let acts = fault.kind.acts();
    let (method, path) = target.split_once(' ').unwrap_or(("", target));
    if acts == Acts::Frame {
        let request = !method.is_empty();
        let why = format!("`{target}` is a request; name a stream, route or event to `match`");
        return if request { Err(why) } else { Ok(()) };
    }
    let known = match method {
        "WS" => WsMethod::find(path).map(|line| line.rest),
        _ => Method::parse(method)
            .filter(|method| route_of(*method, path).is_some())
            .map(|method| Endpoint::find(method, path).map(|line| line.call)),
    };
    let call = known.ok_or_else(|| {
        format!("`{target}` is no request of this exchange; write METHOD and path, or `WS method`")
    })?;
    let suits = match acts {
        Acts::Order => matches!(call, Some(Call::NewOrder | Call::NewBatch)),
        Acts::Placing => {
            matches!(call, Some(Call::NewOrder | Call::NewBatch | Call::NewAlgoOrder))
        }
        Acts::Algo => matches!(call, Some(Call::NewAlgoOrder)),
        Acts::Cancel => matches!(call, Some(Call::CancelOrder)),
        Acts::OrderReply => call.is_some_and(Target::answers_with_an_order),
        Acts::Request | Acts::Event | Acts::Frame => true,
    };
    let kind = fault.kind;
    let why = || format!("{} acts on {} only, not on `{target}`", kind.name(), acts.name());
    if suits { Ok(()) } else { Err(why()) }
}

/// A text, or a number or flag as text.
fn text(from: &Value, name: &str) -> Option<String> {
    match from.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn flag(from: &Value, name: &str) -> Result<Option<bool>, String> {
    match text(from, name).as_deref() {
        None if matches!(from.get(name), None | Some(Value::Null)) => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        _ => Err(format!("`{name}` must be true or false")),
    }
}

fn whole(from: &Value, name: &str) -> Result<Option<i64>, String> {
    match from.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64()),
        // Seeds use all 64 bits.
        Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64().map(|n| n as i64)),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_| format!("`{name}` must be a whole number"))
        }
        Some(_) => Err(format!("`{name}` must be a whole number")),
    }
}

/// A request as faults see it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// `POST /fapi/v1/order`, or `WS order.place`.
    pub name: &'a str,
    /// Its symbol, the text of a batch, or nothing.
    pub symbol: &'a str,
    /// The API key that it carries.
    pub key: &'a str,
    /// Places an order.
    pub order: bool,
    /// Places a conditional order.
    pub algo: bool,
    /// Cancels one order.
    pub cancel: bool,
    /// Answers with an order.
    pub order_reply: bool,
    /// Passes while the system is throttled: cancels, and what can only reduce.
    pub exempt: bool,
}

impl Target<'_> {
    /// Is an order what this call answers with?
    pub const fn answers_with_an_order(call: aegis_wire::endpoints::Call) -> bool {
        use aegis_wire::endpoints::Call;
        matches!(
            call,
            Call::NewOrder
                | Call::NewBatch
                | Call::AmendOrder
                | Call::AmendBatch
                | Call::CancelOrder
        )
    }

    fn suits(&self, fault: &Fault) -> bool {
        let acts = match fault.kind.acts() {
            Acts::Request => fault.kind != Kind::Minus1008 || !self.exempt,
            Acts::Order => self.order,
            Acts::Placing => self.order || self.algo,
            Acts::Algo => self.algo,
            Acts::Cancel => self.cancel,
            Acts::OrderReply => self.order_reply,
            // Events that name no request have happened when they were posted.
            Acts::Event => !fault.target.is_empty(),
            Acts::Frame => false,
        };
        acts && (fault.target.is_empty() || fault.target == self.name) && self.is_meant(fault)
    }

    /// Symbol and key of an event say what happens, those of other faults to whose requests.
    fn is_meant(&self, fault: &Fault) -> bool {
        let of = |symbol: &String| {
            self.symbol == symbol
                || self.symbol.starts_with('[') && self.symbol.contains(&format!("\"{symbol}\""))
        };
        fault.kind.is_event()
            || fault.symbol.as_ref().is_none_or(of)
                && fault.key.as_ref().is_none_or(|k| self.key == k)
    }
}

/// One time that a fault acted.
#[derive(Clone, Debug)]
struct Fired {
    id: u64,
    name: &'static str,
    wall_ms: i64,
    market_ms: i64,
    on: String,
    refused: Option<String>,
}

impl Fired {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "fault": self.name,
            "at": self.wall_ms,
            "market_ms": self.market_ms,
            "on": self.on,
            "refused": self.refused,
        })
    }
}

/// The faults that wait, in order of posting, and what they did.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    queue: Vec<Fault>,
    posted: u64,
    held: frames::Held,
    fired: VecDeque<Fired>,
}

impl Faults {
    /// Takes a posting. An event that names no request is not queued: it is the caller's to let
    /// happen now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn post(&mut self, body: &[u8], wall_ms: i64) -> Result<Fault, ApiError> {
        let wrong = |why: String| ApiError::new(-1102, why);
        let posted: Value = serde_json::from_slice(body)
            .map_err(|why| wrong(format!("the body is not JSON: {why}")))?;
        let fault = Fault::parse(&posted, self.posted + 1, wall_ms).map_err(wrong)?;
        if self.queue.len() >= QUEUE_MAX {
            return Err(wrong(format!("{QUEUE_MAX} faults wait already; delete some")));
        }
        check_target(&fault).map_err(wrong)?;
        self.posted += 1;
        let waits = fault.kind.acts() != Acts::Event || !fault.target.is_empty();
        if waits && fault.left != Some(0) {
            self.queue.push(fault.clone());
        }
        Ok(fault)
    }

    /// Remembers that a fault acted at a wall and a market time, ms: on which request, stream or
    /// user event (nothing for an event that was posted), and why an event could not happen.
    pub fn record(
        &mut self,
        fault: &Fault,
        on: &str,
        (wall_ms, market_ms): (i64, i64),
        refused: Option<String>,
    ) {
        if self.fired.len() == FIRED_MAX {
            self.fired.pop_front();
        }
        let (id, name, on) = (fault.id, fault.kind.name(), on.to_owned());
        self.fired.push_back(Fired { id, name, wall_ms, market_ms, on, refused });
    }

    /// Every time that a fault acted, the newest [`FIRED_MAX`] of them.
    pub fn fired(&self) -> Value {
        self.fired.iter().map(Fired::json).collect()
    }

    /// Gives away what acted: names, and whether an event could not happen.
    pub fn drain_fired(&mut self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        self.fired.drain(..).map(|fired| (fired.name, fired.refused.is_some()))
    }

    /// Forgets everything that waits, or all of one kind; how many there were.
    pub fn clear(&mut self, kind: Option<Kind>) -> usize {
        let before = self.queue.len();
        self.queue.retain(|fault| kind.is_some_and(|kind| fault.kind != kind));
        before - self.queue.len()
    }

    /// The oldest fault that names this request; one of its counts is used up.
    pub fn take(&mut self, target: Target<'_>) -> Option<Fault> {
        if self.queue.is_empty() {
            return None;
        }
        let index = self.queue.iter().position(|f| f.left.is_some() && target.suits(f))?;
        let fault = self.queue[index].fire();
        self.queue.retain(|fault| fault.left != Some(0));
        Some(fault)
    }

    /// How far the exchange's clock is ahead as long as nobody deletes it, ms.
    pub fn skew_ms(&self) -> i64 {
        let lasting = |f: &&Fault| f.kind == Kind::ClockSkew && f.left.is_none();
        self.queue.iter().filter(lasting).map(|f| f.ms.unwrap_or(SKEW_MS)).sum()
    }

    /// Every name with its meaning, and what waits.
    pub fn json(&self) -> Value {
        let line = |kind: &Kind| {
            json!({
                "name": kind.name(),
                "acts_on": kind.acts().name(),
                "meaning": kind.meaning(),
                "fields": fields::names(*kind),
            })
        };
        let known: Vec<Value> = Kind::ALL.iter().map(line).collect();
        let active: Vec<Value> = self.queue.iter().map(Fault::json).collect();
        json!({ "faults": known, "active": active })
    }
}

/// How far a skewed clock is ahead unless it is said, ms.
pub const SKEW_MS: i64 = 5_000;

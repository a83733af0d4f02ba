//! Step machine: the last look at what leaves: the bytes themselves against what was approved.
//!
//! ```text
//! Command ──> approve ──> ledger of intents
//!                              │
//! attempts ─> requests ─> signer ─> check(bytes) ─> socket
//! ```
//!
//! Knight Capital sent four million orders for 212 intents, and nothing compared the two. Here each
//! request is read back from the bytes that are about to be written, by code that shares nothing
//! with the code that wrote them, and held against the commands: symbol, side, type, reduce-only,
//! prices, and never more than was approved under that id less what has left. A second sending
//! needs proof that the first was refused, judged here by this module's own reading of the answer.
//! Anything else is stopped, counted and told; it is never sent.

mod parse;
mod rates;

pub use rates::Caps;

use super::request::{Loss, Outcome};
use aegis_types::{ClientOrderId, Command, Nanos, Order, OrderType, Side, SymbolTable};
use core::fmt;
use parse::{Act, Fields, units};
use rates::Rates;

/// Intents that are remembered; the oldest makes room. The client follows fewer orders at once.
const INTENTS_MAX: usize = 1_024;
/// By how much a price may differ from the approved one, for it is rounded to the exchange's grid:
/// one part in so many.
const PRICE_PARTS: i64 = 100;
/// The codes with which the exchange says for sure that it has not taken an order that may be sent
/// again: its clock, its grids, its limits. Of other refusals the intent is over.
const NOT_TAKEN: [i64; 23] = [
    -1003, -1008, -1015, -1021, -5028, -1111, -1121, -1122, -1125, -4001, -4002, -4003, -4004,
    -4005, -4006, -4007, -4013, -4014, -4022, -4023, -4140, -4141, -4144,
];

/// Why a request was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stopped {
    /// The gateway is closed: somebody has fenced this program off.
    Closed,
    /// It is none of the requests that this program makes, or cannot be read.
    Unreadable,
    /// No command approved an order of that id.
    NotApproved,
    /// Another symbol than approved.
    Symbol,
    /// The other side.
    Side,
    /// Another order type.
    Kind,
    /// May open, where only reducing was approved, or the reverse.
    ReduceOnly,
    /// More than was approved, less what has left under that id.
    Quantity,
    /// Another price or trigger than approved.
    Price,
    /// More leverage than approved, or a mode that nobody asked for.
    Setting,
    /// More orders than may leave in that time.
    Rate,
}

impl Stopped {
    /// As the client hears of it.
    pub const fn loss(self) -> Loss {
        match self {
            Self::Rate => Loss::Capped,
            _ => Loss::Stopped,
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "this program is fenced off",
            Self::Unreadable => "it is no request of this program",
            Self::NotApproved => "nothing approved it",
            Self::Symbol => "another symbol was approved",
            Self::Side => "the other side was approved",
            Self::Kind => "another order type was approved",
            Self::ReduceOnly => "reduce-only is not as approved",
            Self::Quantity => "more than approved, less what has left",
            Self::Price => "another price was approved",
            Self::Setting => "no such setting was approved",
            Self::Rate => "too many orders in this time",
        })
    }
}

/// What was approved under one id.
#[derive(Clone, Copy, Debug)]
struct Intent {
    id: ClientOrderId,
    order: Order,
    /// Quantity that has left and was not refused for sure, in units of 1e-8.
    out: i64,
    /// Quantity of the sending whose answer is awaited.
    last: i64,
}

/// Counts of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that passed, reads among them.
    pub passed: u64,
    /// Requests that were stopped because they are not what was approved.
    pub stopped: u64,
    /// Orders that were stopped because too many left in that time.
    pub capped: u64,
    /// Requests that were not sent because the gateway is closed.
    pub fenced: u64,
}

/// The gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    session: u64,
    symbols: SymbolTable,
    intents: Vec<Intent>,
    oldest: usize,
    /// Orders of earlier sessions that may be taken back.
    leftovers: Vec<ClientOrderId>,
    /// The highest leverage that was approved, by symbol.
    leverages: Vec<u16>,
    rates: Rates,
    closed: bool,
    counts: Counts,
}

impl Gateway {
    /// Nothing is approved.
    pub fn new(session: u64, symbols: &SymbolTable, caps: Caps) -> Self {
        Self {
            session,
            leverages: vec![0; symbols.len()],
            symbols: symbols.clone(),
            intents: Vec::with_capacity(INTENTS_MAX),
            oldest: 0,
            leftovers: Vec::new(),
            rates: Rates::new(caps),
            closed: false,
            counts: Counts::default(),
        }
    }

    /// The engine has commanded this.
    pub fn approve(&mut self, command: &Command) {
        match command {
            Command::Submit { order } => {
                // An id is approved once; what comes under it again is no new intent.
                if self.find(order.id).is_none() {
                    self.enter(Intent { id: order.id, order: *order, out: 0, last: 0 });
                }
            }
            Command::SetLeverage { symbol, leverage } => {
                if let Some(approved) = self.leverages.get_mut(symbol.index()) {
                    *approved = (*approved).max(*leverage);
                }
            }
            Command::Cancel { .. } | Command::WakeAt { .. } => {}
        }
    }

    /// An order that an earlier session has left may be taken back.
    pub fn approve_leftover(&mut self, id: ClientOrderId) {
        if !self.leftovers.contains(&id) {
            if self.leftovers.len() >= INTENTS_MAX {
                self.leftovers.remove(0);
            }
            self.leftovers.push(id);
        }
    }

    fn enter(&mut self, intent: Intent) {
        if self.intents.len() < INTENTS_MAX {
            self.intents.push(intent);
        } else {
            self.intents[self.oldest] = intent;
            self.oldest = (self.oldest + 1) % INTENTS_MAX;
        }
    }

    fn find(&mut self, id: ClientOrderId) -> Option<&mut Intent> {
        self.intents.iter_mut().rfind(|intent| intent.id == id)
    }

    /// How the sending of an order has ended. Only what was refused for sure may leave again.
    pub fn ended(&mut self, id: ClientOrderId, outcome: &Outcome<'_>) {
        let refused = match outcome {
            // It was never counted as sent.
            Outcome::Lost(Loss::Stopped | Loss::Capped) => return,
            Outcome::Lost(Loss::NotSent) => true,
            Outcome::Lost(_) => false,
            Outcome::Reply(reply) => refused_for_sure(reply.status, reply.body),
        };
        if let Some(intent) = self.find(id) {
            if refused {
                intent.out -= intent.last;
            }
            intent.last = 0;
        }
    }

    /// May this text be written? It counts as sent when it may.
    ///
    /// # Errors
    /// Why it must not be.
    pub fn check(&mut self, now: Nanos, text: &str) -> Result<(), Stopped> {
        let verdict = self.judge(now, text);
        match verdict {
            Ok(()) => self.counts.passed += 1,
            Err(Stopped::Closed) => self.counts.fenced += 1,
            Err(Stopped::Rate) => self.counts.capped += 1,
            Err(_) => self.counts.stopped += 1,
        }
        verdict
    }

    fn judge(&mut self, now: Nanos, text: &str) -> Result<(), Stopped> {
        if self.closed {
            return Err(Stopped::Closed);
        }
        let (act, fields) = parse::read(text).ok_or(Stopped::Unreadable)?;
        match act {
            Act::Read | Act::Stream => Ok(()),
            Act::Place { algo } => self.placement(now, &fields, algo),
            Act::Cancel => self.cancel(&fields),
            Act::Leverage => self.leverage(&fields),
            Act::Margin if fields.margin_type == Some("ISOLATED") => self.known(&fields),
            Act::Mode if fields.dual == Some("false") => Ok(()),
            Act::Margin | Act::Mode => Err(Stopped::Setting),
            Act::Countdown => self.known(&fields),
        }
    }

    /// A request about one symbol of the session.
    fn known(&self, fields: &Fields<'_>) -> Result<(), Stopped> {
        let symbol = fields.symbol.and_then(|name| self.symbols.id(name));
        symbol.map(|_| ()).ok_or(Stopped::Symbol)
    }

    fn leverage(&self, fields: &Fields<'_>) -> Result<(), Stopped> {
        let symbol = fields.symbol.and_then(|name| self.symbols.id(name));
        let symbol = symbol.ok_or(Stopped::Symbol)?;
        let leverage = fields.leverage.and_then(|text| text.parse::<u16>().ok());
        let approved = self.leverages.get(symbol.index()).copied().unwrap_or(0);
        match leverage {
            Some(leverage) if (1..=approved).contains(&leverage) => Ok(()),
            _ => Err(Stopped::Setting),
        }
    }

    /// Only orders of this session are taken back, and those of earlier ones that were named.
    fn cancel(&self, fields: &Fields<'_>) -> Result<(), Stopped> {
        let text = fields.old_id.or(fields.algo_id).ok_or(Stopped::Unreadable)?;
        let id = ClientOrderId::parse(text).ok_or(Stopped::NotApproved)?;
        let ours = id.session == self.session || self.leftovers.contains(&id);
        if ours { Ok(()) } else { Err(Stopped::NotApproved) }
    }

    fn placement(&mut self, now: Nanos, sent: &Fields<'_>, algo: bool) -> Result<(), Stopped> {
        let text = if algo { sent.algo_id } else { sent.new_id };
        let other = if algo { sent.new_id } else { sent.algo_id };
        let (Some(text), None, None) = (text, other, sent.old_id) else {
            return Err(Stopped::Unreadable);
        };
        let intents = &mut self.intents;
        let intent = intents.iter_mut().rfind(|intent| intent.id.text().as_str() == text);
        let intent = intent.ok_or(Stopped::NotApproved)?;
        let order = &intent.order;
        if sent.symbol != Some(self.symbols.name(order.symbol)) {
            return Err(Stopped::Symbol);
        }
        let side = match order.side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        };
        if sent.side != Some(side) {
            return Err(Stopped::Side);
        }
        kind_as_approved(order, sent, algo)?;
        if sent.reduce_only != order.reduce_only.then_some("true") {
            return Err(Stopped::ReduceOnly);
        }
        let qty = sent.quantity.and_then(units).filter(|qty| *qty > 0);
        let left = order.qty.raw() - intent.out;
        let qty = qty.filter(|qty| *qty <= left).ok_or(Stopped::Quantity)?;
        if !self.rates.admit(now, order.symbol.0, order.reduce_only) {
            return Err(Stopped::Rate);
        }
        (intent.out, intent.last) = (intent.out + qty, qty);
        Ok(())
    }

    /// Nothing leaves any more, until the program starts anew.
    pub const fn close(&mut self) {
        self.closed = true;
    }

    /// Does nothing leave any more?
    pub const fn closed(&self) -> bool {
        self.closed
    }

    /// Counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }
}

/// Type, service, prices and words of a placement.
fn kind_as_approved(order: &Order, sent: &Fields<'_>, algo: bool) -> Result<(), Stopped> {
    let (kind, conditional) = match order.kind {
        OrderType::Market => ("MARKET", false),
        OrderType::Limit => ("LIMIT", false),
        OrderType::StopMarket => ("STOP_MARKET", true),
        OrderType::TakeProfitMarket => ("TAKE_PROFIT_MARKET", true),
    };
    let service = if conditional { Some("CONDITIONAL") } else { None };
    if sent.kind != Some(kind) || algo != conditional || sent.algo_type != service {
        return Err(Stopped::Kind);
    }
    let limit = order.kind == OrderType::Limit;
    if sent.time_in_force != limit.then_some("GTC") {
        return Err(Stopped::Kind);
    }
    let by = matches!(sent.working_type, Some("MARK_PRICE" | "CONTRACT_PRICE"));
    if by != conditional {
        return Err(Stopped::Kind);
    }
    let as_approved = |sent: Option<&str>, wanted: bool, approved: i64| match sent {
        None => !wanted,
        Some(text) => {
            let near = |px: i64| (px - approved).abs() <= approved / PRICE_PARTS;
            wanted && units(text).is_some_and(near)
        }
    };
    if as_approved(sent.price, limit, order.price.raw())
        && as_approved(sent.trigger, conditional, order.trigger.raw())
    {
        Ok(())
    } else {
        Err(Stopped::Price)
    }
}

/// Does an answer say for sure that the order was not taken, so that it may leave once more?
fn refused_for_sure(status: u16, body: &[u8]) -> bool {
    let text = core::str::from_utf8(body).unwrap_or("");
    let code = || {
        let at = text.find("\"code\":")? + "\"code\":".len();
        let rest = text.get(at..)?.trim_start_matches([' ', '"']);
        let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse::<i64>().ok()
    };
    match status {
        // Too many requests, banned, turned away before the exchange.
        429 | 418 | 403 => true,
        // One status for three opposite things.
        503 if code() == Some(-1008) => true,
        503 => {
            let words = text.to_ascii_lowercase();
            let failed = ["service unavailable", "internal error; unable", "throttled"];
            !words.contains("unknown error") && failed.iter().any(|text| words.contains(text))
        }
        400..=499 if status != 408 => code().is_some_and(|code| NOT_TAKEN.contains(&code)),
        _ => false,
    }
}

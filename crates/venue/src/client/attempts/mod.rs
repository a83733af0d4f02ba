//! Step machine: order attempts, from the intent to what is proven.
//!
//! ```text
//!            ┌── refused for sure, worth another attempt ──┐
//!            ▼                                             │
//! submit ─> Waiting ─> Sent ─> answer ──> Open ──> Over    │
//!                       │        └──────── refused ────────┘ or Over (Rejected)
//!                       └ no answer, or "unknown" ─> Unknown ─> queried until proven
//! ```
//!
//! One client id is one intent and at most one order at the exchange. An attempt whose outcome is
//! unknown is never sent again: it is asked for by its id, at 0.2, 0.5, 1, 2, 2 … s. "No such
//! order" proves absence only when it was asked behind `timestamp + recvWindow + slack`, for until
//! then the exchange may still take the order. Whatever the user stream tells settles an attempt
//! too, and comes first as a rule. Only what was refused for sure may go again.

mod cancel;
mod leftover;
mod place;
mod proof;
mod stray;
mod stream;

use super::account::{Account, Cause};
use super::facts::{Execution, OrderFact, Status};
use super::notes::Note;
use aegis_types::{
    Answers, ClientOrderId, EventBody, FillReason, Nanos, Order, OrderType, OrderUpdate, Px, Qty,
    RejectCode, Side, SymbolId, Text,
};
use aegis_wire::errors::Reaction;
use serde::{Deserialize, Serialize};

/// Attempts that are followed at once; the oldest that is over makes room.
pub const ATTEMPTS_MAX: usize = 512;
/// Events of orders whose owner is not known yet.
const ORPHANS_MAX: usize = 64;
/// How long such an event waits for its owner.
const ORPHAN_PATIENCE: Nanos = Nanos::SECOND.times(2);
/// How long fills that the exchange counts may be missing before they are asked for.
const FILLS_PATIENCE: Nanos = Nanos::MILLISECOND.times(400);

/// How long an entry waits for clock or filters; later it would be another trade.
const HOLD_PATIENCE: Nanos = Nanos::SECOND.times(5);

/// How attempts behave.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How old an order may be when it reaches the exchange.
    pub recv_window: Nanos,
    /// Behind the window, before "no such order" is believed.
    pub slack: Nanos,
}

/// What the machine wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Place the order, as a new attempt.
    Place(ClientOrderId),
    /// Take it back.
    Cancel(ClientOrderId),
    /// Ask what became of it.
    Query(ClientOrderId),
    /// Ask for its fills.
    Trades(ClientOrderId),
    /// Ask whose order this is, by its number at the exchange.
    Whose(SymbolId, u64),
    /// Set the clock.
    Clock,
    /// Read filters and limits again.
    Metadata,
    /// Read positions again.
    Positions,
    /// No more entries.
    Stop,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not sent, or refused for sure; goes at that time.
    Waiting(Nanos),
    /// Refused for sure until clock or filters are read again.
    Held,
    /// Under way.
    Sent,
    /// Nobody knows.
    Unknown,
    /// At the exchange.
    Open,
    /// Ended, and told.
    Over,
}

/// Where a cancel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// Not wanted.
    None,
    /// Wanted; goes when the order is known to be there, not before that time.
    Wanted(Nanos),
    /// Under way.
    Sent,
    /// Under way, although the order is over for us: the exchange shows it as open.
    Again,
}

/// What a session knew of an order when it was interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// It was acknowledged.
    pub accepted: bool,
    /// The engine was taking it back.
    pub canceling: bool,
    /// Filled, as booked.
    pub booked: Qty,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Filled,
    Canceled,
    Expired,
    Rejected(RejectCode),
}

/// One order.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// As the engine asked for it, or as it was rounded to changed filters.
    pub order: Order,
    /// The quantity that the engine asked for.
    pub asked: Qty,
    /// Where it stands.
    pub phase: Phase,
    /// Where its cancel stands.
    pub cancel: Cancel,
    /// Attempts so far.
    pub tries: u8,
    /// The exchange's time with which the last attempt was stamped, in ms.
    pub timestamp_ms: i64,
    /// The exchange's number of the order; zero before it is known.
    pub exchange_id: u64,
    /// Number of the order that a triggered condition made; zero before it is known.
    pub actual_id: u64,
    /// Filled, as the exchange counts.
    pub executed: Qty,
    /// Filled, as booked here.
    pub booked: Qty,
    pub(super) since: Nanos,
    /// When it was first known to be at the exchange.
    pub(super) landed: Nanos,
    pub(super) end: Option<End>,
    pub(super) accepted_told: bool,
    pub(super) unknown_told: bool,
    pub(super) clock_tried: bool,
    pub(super) filters_tried: bool,
    pub(super) hold: Hold,
    pub(super) query: Query,
    /// When to ask for missing fills.
    pub(super) trades_at: Nanos,
    pub(super) trades_asked: bool,
    /// Answers that did not tell the missing fills.
    pub(super) trades_rounds: u8,
    /// Filled, as no trade has told it.
    pub(super) inferred: Qty,
    /// Average price of what was filled, as the exchange says.
    pub(super) average: Px,
    /// When the exchange last showed it as open.
    pub(super) confirmed: Nanos,
    /// A price has crossed its trigger, and when that was last looked into.
    pub(super) crossed: bool,
    pub(super) looked: Nanos,
    /// It was over when the lists of open orders were asked for.
    pub(super) over_before: bool,
    /// It was over before this process began: only what the exchange says is known of it.
    pub(super) stray: bool,
    pub(super) cancels: u8,
    pub(super) cancel_since: Nanos,
    pub(super) last_code: i32,
}

/// An open order of somebody else.
#[derive(Clone, Copy, Debug)]
struct Stranger {
    symbol: Option<SymbolId>,
    side: Side,
    /// It can only reduce a position.
    reduces: bool,
}

/// A trade that was taken for somebody else's.
#[derive(Clone, Copy, Debug)]
struct Outside {
    execution: Execution,
    reason: FillReason,
    /// The engine was told, because it changed a position of ours.
    told: bool,
}

/// A trade whose order nobody knows.
#[derive(Clone, Copy, Debug)]
struct Deferred {
    execution: Execution,
    /// The exchange is being asked whose it is.
    asked: bool,
}

impl Outside {
    fn is(&self, execution: &Execution) -> bool {
        (self.execution.symbol, self.execution.id) == (execution.symbol, execution.id)
    }
}

/// What a held attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    None,
    Clock,
    Filters,
}

/// The questions about one order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub at: Nanos,
    pub step: u8,
    pub asked: bool,
    /// The exchange's time when the question left, in ms.
    pub stamp_ms: i64,
}

impl Query {
    const NONE: Self = Self { at: Nanos::MAX, step: 0, asked: false, stamp_ms: 0 };
}

impl Attempt {
    /// It stands at the exchange, as far as is known.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Does it stand as the stop of a position of that side and quantity?
    pub fn is_stop_of(&self, symbol: SymbolId, side: Side, qty: Qty) -> bool {
        let order = &self.order;
        self.is_open()
            && self.end.is_none()
            && order.kind == OrderType::StopMarket
            && (order.symbol, order.side) == (symbol, side.opposite())
            && order.qty >= qty
    }

    /// When the exchange last showed it as open; long ago when it never did.
    pub const fn confirmed(&self) -> Nanos {
        self.confirmed
    }

    pub(super) fn new(now: Nanos, order: &Order) -> Self {
        Self {
            order: *order,
            asked: order.qty,
            phase: Phase::Waiting(now),
            cancel: Cancel::None,
            tries: 0,
            timestamp_ms: 0,
            exchange_id: 0,
            actual_id: 0,
            executed: Qty::ZERO,
            booked: Qty::ZERO,
            since: now,
            landed: Nanos::MAX,
            end: None,
            accepted_told: false,
            unknown_told: false,
            clock_tried: false,
            filters_tried: false,
            hold: Hold::None,
            query: Query::NONE,
            trades_at: Nanos::MAX,
            trades_asked: false,
            trades_rounds: 0,
            inferred: Qty::ZERO,
            average: Px::ZERO,
            confirmed: Nanos(i64::MIN),
            crossed: false,
            looked: Nanos(i64::MIN),
            over_before: false,
            stray: false,
            cancels: 0,
            cancel_since: Nanos::MAX,
            last_code: 0,
        }
    }

    /// Is it an order of the algo service?
    pub const fn is_algo(&self) -> bool {
        matches!(self.order.kind, OrderType::StopMarket | OrderType::TakeProfitMarket)
    }

    /// Does it protect or reduce? Such orders may use the reserve and go again more often.
    pub const fn protects(&self) -> bool {
        self.order.reduce_only
    }

    fn reason(&self) -> FillReason {
        match self.order.kind {
            OrderType::Market => FillReason::NextPrice,
            OrderType::Limit => FillReason::LimitThrough,
            OrderType::StopMarket => FillReason::StopTouched,
            OrderType::TakeProfitMarket => FillReason::TargetTouched,
        }
    }
}

/// Where the machine puts what it wants and tells.
#[derive(Debug, Default)]
pub struct Out {
    /// For the engine.
    pub answers: Answers,
    /// For the exchange.
    pub asks: Vec<Ask>,
    /// For people.
    pub notes: Vec<Note>,
}

impl Out {
    /// Empty, with room for what one input causes as a rule.
    pub fn new() -> Self {
        Self {
            answers: Vec::with_capacity(64),
            asks: Vec::with_capacity(64),
            notes: Vec::with_capacity(64),
        }
    }
}

/// What the exchange answered to a write that it did not carry out, or not for sure.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// The exchange's code; zero without one.
    pub code: i32,
    /// In the exchange's words.
    pub words: Text<96>,
    /// What to do about it.
    pub reaction: Reaction,
}

/// All attempts of a session.
#[derive(Debug)]
pub struct Attempts {
    session: u64,
    timing: Timing,
    table: Vec<Attempt>,
    orphans: Vec<(Nanos, OrderFact)>,
    /// Trades that were taken for those of others, and those of which nobody knows yet.
    outside: Vec<Outside>,
    deferred: Vec<Deferred>,
    /// Orders of others that were spoken of, and those that the newest lists named.
    strangers: Vec<Text<48>>,
    foreign_listed: Vec<Stranger>,
    foreign_listing: Vec<Stranger>,
    /// Orders that an earlier session has left, and how often the lists were read.
    leftovers: Vec<leftover::Leftover>,
    lists: u64,
    /// The exchange refuses this account: no more entries.
    pub(super) stopped: bool,
    /// Symbols in which the exchange lets positions only be reduced.
    reduce_only: Vec<SymbolId>,
    forgotten: u64,
}

impl Attempts {
    /// None yet of a session.
    pub fn new(session: u64, timing: Timing) -> Self {
        Self {
            session,
            timing,
            table: Vec::with_capacity(ATTEMPTS_MAX),
            orphans: Vec::with_capacity(ORPHANS_MAX),
            outside: Vec::new(),
            deferred: Vec::new(),
            strangers: Vec::new(),
            foreign_listed: Vec::new(),
            foreign_listing: Vec::new(),
            leftovers: Vec::new(),
            lists: 0,
            stopped: false,
            reduce_only: Vec::new(),
            forgotten: 0,
        }
    }

    /// The attempt of an id.
    pub fn get(&self, id: ClientOrderId) -> Option<&Attempt> {
        self.table.iter().rfind(|attempt| attempt.order.id == id)
    }

    fn index(&self, id: ClientOrderId) -> Option<usize> {
        self.table.iter().rposition(|attempt| attempt.order.id == id)
    }

    /// All attempts, the oldest first.
    pub fn all(&self) -> &[Attempt] {
        &self.table
    }

    /// Open orders of others, as the newest lists had them; without those that can only reduce a
    /// position of that symbol and side, where `spared` says so.
    pub fn foreign_orders(&self, spared: impl Fn(SymbolId, Side) -> bool) -> usize {
        let counts = |stranger: &&Stranger| {
            let Stranger { symbol, side, reduces } = **stranger;
            !(reduces && symbol.is_some_and(|symbol| spared(symbol, side.opposite())))
        };
        self.foreign_listed.iter().filter(counts).count()
    }

    /// Attempts whose outcome is not known.
    pub fn unknown(&self) -> usize {
        self.table.iter().filter(|a| a.phase == Phase::Unknown).count()
    }

    /// Attempts that wait for an answer, a proof or missing fills: while there is one, the exchange
    /// has more to say.
    pub fn unsettled(&self) -> usize {
        let open = |a: &&Attempt| match a.phase {
            Phase::Waiting(_) | Phase::Held | Phase::Sent | Phase::Unknown => true,
            Phase::Open | Phase::Over => a.cancel != Cancel::None || a.executed > a.booked,
        };
        self.table.iter().filter(open).count()
    }

    /// May fills of ours be missing: is an outcome being found out, or are trades asked for?
    pub fn fills_wait(&self, now: Nanos) -> bool {
        let soon = now.after(Nanos::SECOND);
        self.table.iter().any(|a| match a.phase {
            Phase::Sent | Phase::Unknown => true,
            Phase::Open => a.executed > a.booked || a.query.asked || a.query.at <= soon,
            Phase::Waiting(_) | Phase::Held => false,
            Phase::Over => a.executed > a.booked,
        })
    }

    /// Is there an order of this symbol that is not over?
    pub fn any_in(&self, symbol: SymbolId) -> bool {
        self.table.iter().any(|a| a.order.symbol == symbol && a.phase != Phase::Over)
    }

    /// The engine sends an order. It is refused here when entries are stopped, or when there is no
    /// room to follow it.
    pub fn submit(&mut self, now: Nanos, order: &Order, out: &mut Out) {
        let code = if self.stopped && !order.reduce_only {
            Some(RejectCode::VenueFailed)
        } else if self.reduce_only.contains(&order.symbol) && !order.reduce_only {
            Some(RejectCode::Symbol)
        } else if self.index(order.id).is_some() {
            Some(RejectCode::DuplicateId)
        } else if !self.make_room(out) {
            Some(RejectCode::TooManyOrders)
        } else {
            None
        };
        if let Some(code) = code {
            let update = OrderUpdate::Rejected { code };
            let (id, symbol) = (order.id, order.symbol);
            return out.answers.push(EventBody::Order { id, symbol, update });
        }
        self.table.push(Attempt::new(now, order));
        out.asks.push(Ask::Place(order.id));
    }

    /// An order that this session sent before it was interrupted: it is asked for, not sent.
    /// One that was being taken back still is.
    pub fn resume(&mut self, now: Nanos, order: &Order, before: Before) {
        let Before { accepted, canceling, booked } = before;
        if self.index(order.id).is_some() || self.table.len() >= ATTEMPTS_MAX {
            return;
        }
        let mut attempt = Attempt::new(now, order);
        attempt.phase = if accepted { Phase::Open } else { Phase::Unknown };
        (attempt.accepted_told, attempt.unknown_told) = (accepted, true);
        // It left once: whatever else is known of it, it may stand at the exchange.
        attempt.tries = 1;
        (attempt.booked, attempt.executed) = (booked, booked);
        attempt.query.at = now;
        if canceling {
            (attempt.cancel, attempt.cancel_since) = (Cancel::Wanted(now), now);
        }
        self.table.push(attempt);
    }

    /// Room for one more: the oldest that is over goes.
    fn make_room(&mut self, out: &mut Out) -> bool {
        if self.table.len() < ATTEMPTS_MAX {
            return true;
        }
        let over = |a: &Attempt| a.phase == Phase::Over && a.cancel == Cancel::None;
        let Some(index) = self.table.iter().position(over) else { return false };
        let attempt = self.table.remove(index);
        if attempt.executed > attempt.booked {
            self.forgotten += 1;
            out.notes.push(Note::Forgotten { id: attempt.order.id });
        }
        true
    }

    /// Whatever is said of an order of ours, by whoever: the one place where an attempt settles.
    fn apply(
        &mut self,
        now: Nanos,
        index: usize,
        fact: &OrderFact,
        account: &mut Account,
        out: &mut Out,
    ) {
        let attempt = &mut self.table[index];
        let of_condition = fact.algo || !attempt.is_algo();
        if of_condition {
            attempt.exchange_id = fact.id;
        } else {
            attempt.actual_id = fact.id;
        }
        if let Some(actual) = fact.actual {
            attempt.actual_id = actual;
        }
        let refused = fact.status == Status::Rejected && !attempt.accepted_told;
        if attempt.phase != Phase::Over {
            if attempt.phase == Phase::Unknown {
                out.notes.push(Note::Proven { id: attempt.order.id, landed: true });
            }
            attempt.phase = Phase::Open;
            attempt.landed = attempt.landed.min(now);
            attempt.hold = Hold::None;
            if !attempt.query.asked {
                attempt.query.at = Nanos::MAX;
            }
            if !attempt.accepted_told && !refused {
                attempt.accepted_told = true;
                tell(attempt, OrderUpdate::Accepted, out);
            }
        }
        if of_condition && matches!(fact.status, Status::New | Status::Part | Status::Triggered) {
            attempt.confirmed = now;
        }
        attempt.average = fact.average.unwrap_or(attempt.average);
        let executed = fact.executed.min(attempt.order.qty);
        attempt.executed = attempt.executed.max(executed);
        if let Some(execution) = &fact.execution {
            self.book(now, index, execution, account, out);
        }
        let attempt = &mut self.table[index];
        let made = attempt.actual_id > 0 && fact.algo && fact.status == Status::Finished;
        if made && attempt.executed < attempt.order.qty && attempt.end.is_none() {
            // How much was filled, the order that the condition made knows for sure.
            if !attempt.query.asked {
                attempt.query.at = now;
            }
        } else if let Some(end) = end_of(attempt, fact, of_condition)
            && attempt.end.is_none()
        {
            attempt.end = Some(end);
        }
        self.settle(now, index, out);
    }

    /// Books one execution of an order of ours.
    fn book(
        &mut self,
        now: Nanos,
        index: usize,
        execution: &Execution,
        account: &mut Account,
        out: &mut Out,
    ) {
        let attempt = &mut self.table[index];
        if attempt.inferred.is_positive() && attempt.booked >= attempt.executed {
            // What it tells was booked already, when nothing told it.
            return account.booked_before(execution.symbol, execution.id);
        }
        let booked = attempt.booked.saturating_plus(execution.qty);
        let leaves = attempt.asked.saturating_plus(-booked).max(Qty::ZERO);
        let cause = Cause { order: attempt.order.id, reason: attempt.reason(), leaves };
        // Known already, when it was told before its order was known to be ours.
        let outside = self.outside.iter().position(|outside| outside.is(execution));
        let outside = outside.map(|at| self.outside.swap_remove(at));
        let new = match outside {
            Some(Outside { told: true, .. }) => true,
            Some(_) => {
                account.fill_late(now, execution, &cause, &mut out.answers);
                true
            }
            None => account.fill(now, execution, &cause, &mut out.answers, &mut out.notes),
        };
        if new {
            attempt.booked = booked;
            attempt.executed = attempt.executed.max(booked);
            self.tell_outside(now, execution, account, out);
        }
    }

    /// Trades of others behind a fill of ours that was heard of only now: when they came there was
    /// no position that they could change.
    fn tell_outside(
        &mut self,
        now: Nanos,
        after: &Execution,
        account: &mut Account,
        out: &mut Out,
    ) {
        for outside in &mut self.outside {
            let Outside { execution, reason, told } = outside;
            let behind = execution.symbol == after.symbol && execution.id > after.id;
            if behind && !*told && account.touches(execution.symbol, execution.id) {
                *told = true;
                account.outside_late(now, execution, *reason, &mut out.answers);
            }
        }
    }

    /// Tells the end of an order once all its fills are booked; asks for those that are missing.
    fn settle(&mut self, now: Nanos, index: usize, out: &mut Out) {
        let attempt = &mut self.table[index];
        if attempt.stray {
            attempt.booked = attempt.executed;
        }
        if attempt.executed > attempt.booked {
            if attempt.trades_at == Nanos::MAX && !attempt.trades_asked {
                attempt.trades_at = now.after(FILLS_PATIENCE);
            }
            return;
        }
        attempt.trades_at = Nanos::MAX;
        if attempt.booked >= attempt.order.qty {
            attempt.end = Some(End::Filled);
        }
        let Some(end) = attempt.end.filter(|_| attempt.phase != Phase::Over) else { return };
        attempt.phase = Phase::Over;
        attempt.cancel = Cancel::None;
        if !attempt.query.asked {
            attempt.query = Query::NONE;
        }
        match end {
            // It was made smaller before it left: nobody will fill the rest.
            End::Filled if attempt.booked < attempt.asked => {
                tell(attempt, OrderUpdate::Expired, out);
            }
            End::Filled => {}
            End::Canceled => tell(attempt, OrderUpdate::Canceled, out),
            End::Expired => tell(attempt, OrderUpdate::Expired, out),
            End::Rejected(code) => tell(attempt, OrderUpdate::Rejected { code }, out),
        }
    }

    /// Ends an attempt that has never arrived.
    fn reject(&mut self, index: usize, code: RejectCode, out: &mut Out) {
        let attempt = &mut self.table[index];
        attempt.end = Some(End::Rejected(code));
        attempt.phase = Phase::Over;
        attempt.cancel = Cancel::None;
        attempt.query.at = Nanos::MAX;
        tell(attempt, OrderUpdate::Rejected { code }, out);
    }

    /// Time passes: questions that are due, attempts that go again, orphans that nobody claimed.
    pub fn tick(&mut self, now: Nanos, account: &mut Account, out: &mut Out) {
        for index in 0..self.table.len() {
            let attempt = &mut self.table[index];
            let id = attempt.order.id;
            if let Phase::Waiting(at) = attempt.phase
                && now >= at
                && attempt.tries > 0
                && attempt.hold == Hold::None
            {
                // Asked for once; `sent` takes it on.
                attempt.phase = Phase::Waiting(Nanos::MAX);
                out.asks.push(Ask::Place(id));
            }
            let late = attempt.phase == Phase::Held && now.since(attempt.since) >= HOLD_PATIENCE;
            if late && !attempt.protects() {
                self.reject(index, RejectCode::VenueFailed, out);
                continue;
            }
            let attempt = &mut self.table[index];
            if now >= attempt.query.at && !attempt.query.asked {
                attempt.query.asked = true;
                attempt.query.at = Nanos::MAX;
                out.asks.push(Ask::Query(id));
            }
            if now >= attempt.trades_at && !attempt.trades_asked {
                attempt.trades_asked = true;
                attempt.trades_at = Nanos::MAX;
                out.asks.push(Ask::Trades(id));
            }
            if let Cancel::Wanted(at) = attempt.cancel
                && now >= at
                && attempt.phase == Phase::Open
            {
                attempt.cancel = Cancel::Sent;
                out.asks.push(Ask::Cancel(id));
            }
        }
        self.sweep_orphans(now, account, out);
    }

    /// When [`Attempts::tick`] has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let orphans = self.orphans.iter().map(|(at, _)| at.after(ORPHAN_PATIENCE));
        let times = self.table.iter().flat_map(|attempt| {
            let waiting = match attempt.phase {
                Phase::Waiting(at) if attempt.tries > 0 => at,
                _ => Nanos::MAX,
            };
            let cancel = match attempt.cancel {
                Cancel::Wanted(at) if attempt.phase == Phase::Open => at,
                _ => Nanos::MAX,
            };
            let query = if attempt.query.asked { Nanos::MAX } else { attempt.query.at };
            let held = match attempt.phase {
                Phase::Held if !attempt.protects() => attempt.since.after(HOLD_PATIENCE),
                _ => Nanos::MAX,
            };
            [waiting, held, cancel, query, attempt.trades_at]
        });
        times.chain(orphans).fold(Nanos::MAX, Nanos::min)
    }

    /// The symbol of an attempt.
    pub fn symbol(&self, id: ClientOrderId) -> Option<SymbolId> {
        self.get(id).map(|attempt| attempt.order.symbol)
    }
}

/// How an order ended, by what is said of it; nothing while it is open.
fn end_of(attempt: &Attempt, fact: &OrderFact, of_condition: bool) -> Option<End> {
    match fact.status {
        Status::New | Status::Part | Status::Triggered | Status::Other => None,
        Status::Filled => Some(End::Filled),
        Status::Canceled if of_condition => Some(End::Canceled),
        // The order that a condition made was ended by somebody else than us.
        Status::Canceled | Status::Expired => Some(End::Expired),
        Status::Finished if attempt.executed >= attempt.order.qty => Some(End::Filled),
        Status::Finished => Some(End::Expired),
        Status::Rejected if attempt.accepted_told => Some(End::Expired),
        Status::Rejected => Some(End::Rejected(RejectCode::VenueFailed)),
    }
}

fn tell(attempt: &Attempt, update: OrderUpdate, out: &mut Out) {
    let (id, symbol) = (attempt.order.id, attempt.order.symbol);
    out.answers.push(EventBody::Order { id, symbol, update });
}

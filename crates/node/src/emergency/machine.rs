//! Step machine: what the kill switch does at the exchange, without a brain.
//!
//! It believes nothing but the exchange's own lists. Orders of ours that may open a position are
//! taken back; protective stops stay until their symbol is flat; if asked, every position in the
//! session's symbols is closed at the market, reduce-only. An entry that was on its way when the
//! brain was killed may arrive later than the first list, so the lists are asked for again until
//! one that was asked for behind the exchange's own window for late requests shows nothing more.
//!
//! A position whose stop is not at the exchange when its deadline has passed is closed even where
//! only entries were to be taken back: nobody is left to place that stop.

use super::close::{Close, Closes, Turn};
use aegis_types::{Nanos, ORDER_ID_PREFIX, Qty, Side};
use aegis_venue::client::request::Outcome;
use aegis_wire::Query;
use aegis_wire::bodies::{self, AlgoOrder, ErrorBody, OrderReply, PositionRisk};
use aegis_wire::endpoints::Call;
use aegis_wire::errors::{Answer, Class, Reaction, Wait};
use serde::Serialize;

/// Every order id of this way begins so; it is none that the engine's client takes for its own.
pub const EMERGENCY_PREFIX: &str = "aegis.kill-";
/// First pause before a list that failed is asked for again; it doubles.
const PAUSE: Nanos = Nanos::MILLISECOND.times(50);
/// Longest pause.
const PAUSE_MAX: Nanos = Nanos::SECOND.times(2);
/// First pause between two lists that showed nothing to do; it doubles, because lists of a whole
/// account are dear.
const QUIET: Nanos = Nanos::MILLISECOND.times(500);
/// Behind the exchange's window for late requests.
pub(super) const SLACK: Nanos = Nanos::SECOND;
/// Ban or block assumed when the exchange does not say how long.
const SHUT_OUT: Nanos = Nanos::MINUTE.times(2);

/// A symbol of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Its name at the exchange.
    pub name: String,
    /// Largest quantity of one order.
    pub qty_max: Qty,
}

/// What it is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The session's symbols; positions and orders in others are left alone.
    pub symbols: Vec<Grid>,
    /// Part of every order id, so that no two kills share one.
    pub number: u64,
    /// How late the exchange still takes a request.
    pub recv_window: Nanos,
    /// How long a position may be without its stop.
    pub stop_deadline: Nanos,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// The switch was used; a second use may ask for more.
    Kill {
        /// Close positions, too.
        flatten: bool,
    },
    /// A request has ended.
    Ended {
        /// Which.
        token: u64,
        /// How.
        outcome: Outcome<'a>,
    },
}

/// A request that is wanted.
#[derive(Clone, Debug)]
pub struct Ask {
    /// By this its end is told.
    pub token: u64,
    /// Which call.
    pub call: Call,
    /// Its parameters, not signed.
    pub query: Query,
}

/// Something that is written into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub what: &'static str,
    /// Of which symbol; empty for none.
    pub symbol: String,
    /// The order's id; empty for none.
    pub id: String,
    /// The exchange's words, a quantity.
    pub detail: String,
}

/// What the machine wants of its pump.
#[derive(Debug, Default)]
pub struct Out {
    /// Requests, in order of importance.
    pub asks: Vec<Ask>,
    /// Lines of the log.
    pub deeds: Vec<Deed>,
    /// The exchange says that our time is wrong.
    pub resync: bool,
}

impl Out {
    pub(super) fn deed(&mut self, what: &'static str, symbol: &str, id: &str, detail: String) {
        let (symbol, id) = (symbol.to_owned(), id.to_owned());
        self.deeds.push(Deed { what, symbol, id, detail });
    }
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Entries that the exchange says it has taken back.
    pub cancelled: u32,
    /// Symbols that were closed.
    pub flattened: Vec<String>,
    /// Symbols that were closed because they had no stop.
    pub unprotected: Vec<String>,
    /// Protective orders of flat symbols that were taken back.
    pub stops_cancelled: u32,
    /// Orders of which the exchange has not said what became of them.
    pub unknown: u32,
    /// Symbols in which a position is open, as far as is known.
    pub open: Vec<String>,
    /// Nothing is left to be done.
    pub complete: bool,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    Orders,
    Positions,
    Algos,
    Cancel { symbol: String, id: String },
    CancelStop { symbol: String, id: String },
    Place(u32),
    Query(u32),
}

/// One of the exchange's lists.
#[derive(Clone, Copy, Debug)]
struct List {
    asked: Option<Nanos>,
    due: Nanos,
    failures: u32,
    /// Good answers in a row that nobody was in a hurry for.
    quiet: u32,
    /// When the newest good answer was asked for.
    known: Option<Nanos>,
}

impl List {
    const NEW: Self = Self { asked: None, due: Nanos::MAX, failures: 0, quiet: 0, known: None };

    /// Known as of then or later?
    fn since(&self, then: Nanos) -> bool {
        self.known.is_some_and(|known| known >= then)
    }

    fn soon(&mut self, at: Nanos) {
        self.due = self.due.min(at);
        self.quiet = 0;
    }

    fn failed(&mut self, now: Nanos) {
        self.asked = None;
        self.due = now.after(PAUSE.times(1 << self.failures.min(6)).min(PAUSE_MAX));
        self.failures += 1;
    }

    /// The last list before the end is asked for as soon as it can be the last.
    fn answered(&mut self, now: Nanos, settled: Nanos) {
        self.known = self.asked.take();
        let next = now.after(QUIET.times(1 << self.quiet.min(3)));
        self.due = if now < settled { next.min(settled) } else { next };
        self.failures = 0;
        self.quiet += 1;
    }
}

/// A position as the exchange has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    symbol: String,
    amount: Qty,
}

/// The machine.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    flatten: bool,
    begun: Option<Nanos>,
    next_token: u64,
    under_way: Vec<(u64, Purpose)>,
    orders: List,
    positions: List,
    algos: List,
    held: Vec<Held>,
    /// Protective orders of ours: symbol, id, side, quantity (zero: all of the position).
    stops: Vec<Stop>,
    closes: Closes,
    /// Symbols whose plain reduce-only orders stand in the way of a close.
    in_the_way: Vec<String>,
    /// Symbols that are closed because their stop is missing.
    unprotected: Vec<String>,
    shut_until: Nanos,
    progress: Progress,
}

/// A protective order at the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stop {
    symbol: String,
    id: String,
    side: Option<Side>,
    qty: Qty,
    whole: bool,
    protects: bool,
}

impl Machine {
    /// At rest.
    pub fn new(config: Config) -> Self {
        Self {
            closes: Closes::new(config.number, config.recv_window),
            config,
            flatten: false,
            begun: None,
            next_token: 1,
            under_way: Vec::new(),
            orders: List::NEW,
            positions: List::NEW,
            algos: List::NEW,
            held: Vec::new(),
            stops: Vec::new(),
            in_the_way: Vec::new(),
            unprotected: Vec::new(),
            shut_until: Nanos(i64::MIN),
            progress: Progress::default(),
        }
    }

    /// Was the switch used?
    pub const fn is_engaged(&self) -> bool {
        self.begun.is_some()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let mut progress = self.progress.clone();
        progress.unknown = self.closes.unknown();
        progress.open = self.held.iter().map(|held| held.symbol.clone()).collect();
        progress.unprotected.clone_from(&self.unprotected);
        progress
    }

    /// When [`Machine::step`] wants to be called again at the latest.
    pub fn wake(&self) -> Nanos {
        if self.begun.is_none() || self.progress.complete {
            return Nanos::MAX;
        }
        let lists = [&self.orders, &self.positions, &self.algos];
        let due = lists.iter().filter(|list| list.asked.is_none()).map(|list| list.due).min();
        due.unwrap_or(Nanos::MAX).min(self.closes.wake()).max(self.shut_until)
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Out) {
        match input {
            Input::Tick => {}
            Input::Kill { flatten } => self.kill(now, flatten, out),
            Input::Ended { token, outcome } => self.ended(now, token, outcome, out),
        }
        if self.begun.is_some() && !self.progress.complete && now >= self.shut_until {
            self.go_on(now, out);
        }
    }

    fn kill(&mut self, now: Nanos, flatten: bool, out: &mut Out) {
        let more = flatten && !self.flatten;
        self.flatten |= flatten;
        if self.begun.is_none() {
            self.begun = Some(now);
            (self.orders.due, self.positions.due) = (now, now);
            out.deed("begun", "", "", if flatten { "flatten" } else { "cancel" }.to_owned());
        } else if more {
            self.progress.complete = false;
            self.positions.due = now;
            out.deed("now flatten too", "", "", String::new());
        }
    }

    /// Before this no list tells the last word: what was under way may still arrive.
    fn settled_at(&self) -> Nanos {
        let begun = self.begun.unwrap_or(Nanos::MAX);
        begun.after(self.config.recv_window.max(self.config.stop_deadline)).after(SLACK)
    }

    fn go_on(&mut self, now: Nanos, out: &mut Out) {
        self.closes_go_on(now, out);
        if self.orders.asked.is_none() && now >= self.orders.due {
            self.orders.asked = Some(now);
            self.ask(Call::OpenOrders, Query::new(), Purpose::Orders, out);
        }
        if self.positions.asked.is_none() && now >= self.positions.due {
            self.positions.asked = Some(now);
            self.ask(Call::PositionRisk, Query::new(), Purpose::Positions, out);
        }
        self.plan_algos(now);
        if self.algos.asked.is_none() && now >= self.algos.due {
            self.algos.asked = Some(now);
            self.ask(Call::OpenAlgoOrders, Query::new(), Purpose::Algos, out);
        }
        self.look_for_the_end(now, out);
    }

    /// Conditional orders are looked at where they matter: to see that positions which stay are
    /// protected, and to take back those of symbols that are flat.
    fn plan_algos(&mut self, now: Nanos) {
        if self.algos.due != Nanos::MAX || self.algos.asked.is_some() {
            return;
        }
        let begun = self.begun.unwrap_or(now);
        let flat = self.flatten && self.positions.known.is_some() && self.held.is_empty();
        let deadline = begun.after(self.config.stop_deadline);
        if flat && self.closes.is_quiet() {
            self.algos.due = now;
        } else if !self.flatten {
            self.algos.due = deadline.max(now);
        }
    }

    fn look_for_the_end(&mut self, now: Nanos, out: &mut Out) {
        let settled = self.settled_at();
        let known = [&self.orders, &self.positions, &self.algos].map(|list| list.since(settled));
        let flat = self.held.is_empty();
        if known == [true; 3]
            && (flat || !self.flatten)
            && self.closes.is_quiet()
            && self.under_way.is_empty()
            && self.is_protected_or_flat()
            && !self.stops.iter().any(|stop| self.is_flat(&stop.symbol))
        {
            self.progress.complete = true;
            out.deed("complete", "", "", format!("{} ms", now.since(self.began()).as_millis()));
        }
    }

    fn began(&self) -> Nanos {
        self.begun.unwrap_or(Nanos::ZERO)
    }

    fn is_flat(&self, symbol: &str) -> bool {
        !self.held.iter().any(|held| held.symbol == symbol)
    }

    fn is_ours(&self, symbol: &str) -> bool {
        self.config.symbols.iter().any(|grid| grid.name == symbol)
    }

    fn ask(&mut self, call: Call, query: Query, purpose: Purpose, out: &mut Out) {
        let token = self.next_token;
        self.next_token += 1;
        self.under_way.push((token, purpose));
        out.asks.push(Ask { token, call, query });
    }

    fn ended(&mut self, now: Nanos, token: u64, outcome: Outcome<'_>, out: &mut Out) {
        let Some(at) = self.under_way.iter().position(|(other, _)| *other == token) else { return };
        let (_, purpose) = self.under_way.swap_remove(at);
        let write = !matches!(
            purpose,
            Purpose::Orders | Purpose::Positions | Purpose::Algos | Purpose::Query(_)
        );
        let judged = judge(&outcome, write);
        if let Judged::Refused { reaction, code, words } = &judged {
            self.refused(now, reaction, out);
            let detail = format!("{code} {words}");
            out.deed("refused", "", "", detail.chars().take(200).collect());
        }
        match purpose {
            Purpose::Orders => self.orders_listed(now, &judged, out),
            Purpose::Positions => self.positions_listed(now, &judged, out),
            Purpose::Algos => self.algos_listed(now, &judged, out),
            Purpose::Cancel { symbol, id } => {
                if matches!(judged, Judged::Good(_)) {
                    self.progress.cancelled += 1;
                    out.deed("entry taken back", &symbol, &id, String::new());
                }
                // Filled meanwhile, or nobody knows: lists of a later time tell.
                self.orders.known = None;
                self.orders.soon(now);
                self.positions.soon(now);
            }
            Purpose::CancelStop { symbol, id } => {
                if matches!(judged, Judged::Good(_)) {
                    self.progress.stops_cancelled += 1;
                    out.deed("stop of a flat symbol taken back", &symbol, &id, String::new());
                }
                self.algos.known = None;
                self.algos.soon(now);
            }
            Purpose::Place(number) => {
                let turn = self.closes.placed(now, number, &judged, out);
                self.turned(now, turn);
            }
            Purpose::Query(number) => {
                let turn = self.closes.told(now, number, &judged, out);
                self.turned(now, turn);
            }
        }
    }

    fn turned(&mut self, now: Nanos, turn: Turn) {
        match turn {
            Turn::Waits => {}
            Turn::Over { symbol, in_the_way } => {
                if in_the_way && !self.in_the_way.contains(&symbol) {
                    self.in_the_way.push(symbol);
                    self.orders.soon(now);
                }
                self.positions.soon(now);
            }
        }
    }

    /// What a refusal means for everything else.
    fn refused(&mut self, now: Nanos, reaction: &Reaction, out: &mut Out) {
        out.resync |= reaction.class == Class::Clock;
        let until = match reaction.wait {
            Wait::None | Wait::Backoff => return,
            Wait::WeightMinute => {
                Nanos((now.0 / Nanos::MINUTE.0 + 1) * Nanos::MINUTE.0).after(SLACK)
            }
            Wait::OrderWindow => now.after(Nanos::SECOND.times(10)),
            Wait::Until(ms) => Nanos::from_millis(ms).after(SLACK),
            Wait::Seconds(seconds) => now.after(Nanos::SECOND.times(i64::from(seconds))),
            Wait::Minutes => now.after(SHUT_OUT),
        };
        self.shut_until = self.shut_until.max(until);
    }

    fn orders_listed(&mut self, now: Nanos, judged: &Judged<'_>, out: &mut Out) {
        let Some(rows) = list::<OrderReply>(judged) else { return self.orders.failed(now) };
        self.orders.answered(now, self.settled_at());
        for row in rows {
            let ours = row.client_id.starts_with(ORDER_ID_PREFIX) && self.is_ours(&row.symbol);
            let reduces = row.reduce_only == Some(true) || row.close_position == Some(true);
            let wanted = !reduces || self.in_the_way.contains(&row.symbol);
            if !ours || !wanted {
                continue;
            }
            let (symbol, id) = (row.symbol, row.client_id);
            let query = Query::new().with("symbol", &*symbol).with("origClientOrderId", &*id);
            let purpose = Purpose::Cancel { symbol, id };
            // This list was not the last word.
            self.orders.known = None;
            if !self.under_way.iter().any(|(_, other)| *other == purpose) {
                self.ask(Call::CancelOrder, query, purpose, out);
            }
        }
        self.in_the_way.clear();
    }

    fn positions_listed(&mut self, now: Nanos, judged: &Judged<'_>, out: &mut Out) {
        let Some(rows) = list::<PositionRisk>(judged) else { return self.positions.failed(now) };
        self.positions.answered(now, self.settled_at());
        self.held.clear();
        for row in rows {
            let amount = row.amount.unwrap_or(Qty::ZERO);
            if !amount.is_zero() && self.is_ours(&row.symbol) {
                self.held.push(Held { symbol: row.symbol, amount });
            }
        }
        self.close_what_is_open(now, out);
        self.sweep(now, out);
    }

    /// A close for each position that is to be closed and has none under way.
    fn close_what_is_open(&mut self, now: Nanos, out: &mut Out) {
        for Held { symbol, amount } in self.held.clone() {
            let wanted = self.flatten || self.unprotected.contains(&symbol);
            if !wanted || self.closes.is_open(&symbol) {
                continue;
            }
            let side = if amount.is_positive() { Side::Sell } else { Side::Buy };
            let most = self.config.symbols.iter().find(|grid| grid.name == symbol);
            let most = most.map_or(Qty::MAX, |grid| grid.qty_max);
            let qty = amount.abs();
            let qty = if most.is_positive() { qty.min(most) } else { qty };
            if self.flatten && !self.progress.flattened.contains(&symbol) {
                self.progress.flattened.push(symbol.clone());
            }
            self.closes.open(now, &symbol, side, qty);
        }
        self.closes_go_on(now, out);
    }

    /// Sends and asks for closes that are due.
    fn closes_go_on(&mut self, now: Nanos, out: &mut Out) {
        while let Some((number, place)) = self.closes.due(now) {
            let Some(close) = self.closes.get(number) else { return };
            let (call, query, purpose) = if place {
                (Call::NewOrder, close.order(), Purpose::Place(number))
            } else {
                (Call::QueryOrder, close.question(), Purpose::Query(number))
            };
            if place {
                let Close { symbol, id, side, qty, .. } = close;
                out.deed("close sent", symbol, id, format!("{side} {qty}"));
            }
            self.ask(call, query, purpose, out);
        }
    }

    fn algos_listed(&mut self, now: Nanos, judged: &Judged<'_>, out: &mut Out) {
        let Some(rows) = list::<AlgoOrder>(judged) else { return self.algos.failed(now) };
        self.algos.answered(now, self.settled_at());
        self.stops.clear();
        for row in rows {
            let ours = row.client_id.starts_with(ORDER_ID_PREFIX) && self.is_ours(&row.symbol);
            if ours {
                let whole = row.close_position == Some(true);
                let kind = row.kind.unwrap_or_default();
                self.stops.push(Stop {
                    symbol: row.symbol,
                    id: row.client_id,
                    side: row.side,
                    qty: row.qty.unwrap_or(Qty::ZERO),
                    protects: kind.starts_with("STOP") && (whole || row.reduce_only == Some(true)),
                    whole,
                });
            }
        }
        self.sweep(now, out);
    }

    /// Takes back what protects nothing, and closes what nothing protects. Both lists must be of
    /// one time, or a position that has just been opened would look flat.
    fn sweep(&mut self, now: Nanos, out: &mut Out) {
        let Some(algos) = self.algos.known else { return };
        if !self.positions.since(algos) {
            return self.positions.soon(now);
        }
        if now >= self.settled_at() || self.flatten {
            for stop in self.stops.clone() {
                let purpose =
                    Purpose::CancelStop { symbol: stop.symbol.clone(), id: stop.id.clone() };
                let asked = self.under_way.iter().any(|(_, other)| *other == purpose);
                if self.is_flat(&stop.symbol) && !asked {
                    let query = Query::new().with("clientAlgoId", &*stop.id);
                    self.algos.known = None;
                    self.ask(Call::CancelAlgoOrder, query, purpose, out);
                }
            }
        }
        if self.flatten || now < self.began().after(self.config.stop_deadline) {
            return;
        }
        for Held { symbol, amount } in self.held.clone() {
            if !self.is_protected(&symbol, amount) && !self.unprotected.contains(&symbol) {
                out.deed("no stop at the exchange: closed", &symbol, "", amount.to_string());
                self.unprotected.push(symbol);
            }
        }
        self.close_what_is_open(now, out);
    }

    fn is_protected(&self, symbol: &str, amount: Qty) -> bool {
        let side = if amount.is_positive() { Side::Sell } else { Side::Buy };
        let stops = self.stops.iter().filter(|stop| {
            stop.symbol == symbol && stop.protects && stop.side.is_none_or(|s| s == side)
        });
        let (mut sum, mut whole) = (Qty::ZERO, false);
        for stop in stops {
            whole |= stop.whole;
            sum = sum.saturating_plus(stop.qty);
        }
        whole || sum >= amount.abs()
    }

    /// Every position that stays has its stop; what had none is flat.
    fn is_protected_or_flat(&self) -> bool {
        self.held.iter().all(|Held { symbol, amount }| {
            self.is_protected(symbol, *amount) && !self.unprotected.contains(symbol)
        })
    }
}

/// An answer, judged.
#[derive(Debug)]
pub(super) enum Judged<'a> {
    /// 200, with its body.
    Good(&'a [u8]),
    /// A refusal, or an answer that never came.
    Refused {
        /// What is to be done.
        reaction: Reaction,
        /// The exchange's code; 0 without one.
        code: i32,
        /// Its words.
        words: String,
    },
}

fn judge<'a>(outcome: &Outcome<'a>, write: bool) -> Judged<'a> {
    let (status, body, retry_after_s) = match outcome {
        Outcome::Reply(reply) if reply.status == 200 => return Judged::Good(reply.body),
        Outcome::Reply(reply) => (reply.status, reply.body, reply.meters.retry_after_s),
        Outcome::Lost(loss) => {
            let reaction = Answer::LOST.classify(write);
            return Judged::Refused { reaction, code: 0, words: format!("{loss:?}") };
        }
    };
    let error = bodies::read::<ErrorBody>(body).ok();
    let words = match &error {
        Some(error) => error.message.clone().unwrap_or_default(),
        None => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    };
    let code = error.map(|error| error.code);
    let answer = Answer { status, code, message: &words, retry_after_s };
    let reaction = answer.classify(write);
    Judged::Refused { reaction, code: code.unwrap_or(0), words }
}

fn list<T: serde::de::DeserializeOwned>(judged: &Judged<'_>) -> Option<Vec<T>> {
    match judged {
        Judged::Good(body) => bodies::read_list(body).ok(),
        Judged::Refused { .. } => None,
    }
}

//! Step machine: events of the user stream, and reading the account behind a silence.

use super::{Adopting, Machine, Out};
use crate::client::attempts;
use crate::client::facts::{self, decimal, text, whole};
use crate::client::health::Foreign;
use crate::client::leverage;
use crate::client::listen_key;
use crate::client::notes::Note;
use crate::client::request::Purpose;
use aegis_types::defect::{self, Defect};
use aegis_types::{AccountUpdate, ClientOrderId, EventBody, Money, Nanos, Px, Qty, Side};
use serde_json::Value;

/// What is read of an account.
const READS: [Purpose; 4] =
    [Purpose::Balance, Purpose::Positions, Purpose::OpenOrders, Purpose::OpenAlgoOrders];
/// Events that are remembered, so that one told by two connections counts once.
const EVENTS_KNOWN: usize = 512;

/// Pause before a read that failed goes again.
const AGAIN: Nanos = Nanos::SECOND;
/// How late an event may be of what was learnt by request.
pub(super) const SILENT_AFTER: Nanos = Nanos::SECOND.times(5);

/// Reading the account: of each part whether it is still owed, and when it is asked again.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    owed: [bool; READS.len()],
    again: [Nanos; READS.len()],
    /// Entries wait for it.
    gate: bool,
    began: Nanos,
    /// Orders of ours that the lists named.
    listed: Vec<ClientOrderId>,
    reconcile_at: Nanos,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            owed: [false; READS.len()],
            again: [Nanos::MAX; READS.len()],
            gate: false,
            began: Nanos::ZERO,
            listed: Vec::new(),
            reconcile_at: Nanos::MAX,
        }
    }

    fn begin(&mut self, now: Nanos, gate: bool) {
        (self.owed, self.again) = ([true; READS.len()], [Nanos::MAX; READS.len()]);
        (self.gate, self.began, self.reconcile_at) = (gate, now, Nanos::MAX);
        self.listed.clear();
    }

    /// The account is read again a little later.
    fn soon(&mut self, now: Nanos) {
        self.reconcile_at = self.reconcile_at.min(now.after(AGAIN));
    }

    fn owes(&self) -> bool {
        self.owed.contains(&true)
    }

    /// Must entries wait?
    pub(super) fn under_way(&self) -> bool {
        self.gate && self.owes()
    }

    pub(super) fn failed(&mut self, now: Nanos, purpose: Purpose) {
        if let Some(index) = READS.iter().position(|read| *read == purpose) {
            self.again[index] = now.after(AGAIN);
        }
    }

    /// A part that is to be asked for again.
    fn due(&mut self, now: Nanos) -> Option<Purpose> {
        let index = (0..READS.len()).find(|i| self.owed[*i] && now >= self.again[*i])?;
        self.again[index] = Nanos::MAX;
        Some(READS[index])
    }

    /// When it has something to do at the earliest. Without a user stream the account is not read
    /// again by time: it is when the stream is back, and until then nobody need be woken for it.
    pub(super) fn next(&self, streams: bool) -> Nanos {
        let owed = (0..READS.len()).filter(|index| self.owed[*index]);
        let again = if streams { self.reconcile_at } else { Nanos::MAX };
        owed.map(|index| self.again[index]).fold(again, Nanos::min)
    }
}

/// Hashes of the newest events.
#[derive(Debug)]
pub(super) struct Seen {
    hashes: Vec<u64>,
    next: usize,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { hashes: vec![0; EVENTS_KNOWN], next: 0 }
    }

    /// Notes a frame; false when it was seen before.
    fn first_time(&mut self, frame: &[u8]) -> bool {
        // FNV-1a (Fowler, Noll, Vo), 64 bits.
        let hash = frame.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        if self.hashes.contains(&hash) {
            return false;
        }
        self.hashes[self.next] = hash;
        self.next = (self.next + 1) % EVENTS_KNOWN;
        true
    }
}

impl Machine {
    pub(super) fn read_account(&mut self, now: Nanos) {
        self.begin_reading(now, true);
    }

    fn begin_reading(&mut self, now: Nanos, gate: bool) {
        // A reading that entries wait for does not become one that they do not.
        self.reading.begin(now, gate || self.reading.under_way());
        self.attempts.lists_asked();
        for purpose in READS {
            self.ask_once(now, purpose);
        }
    }

    /// Parts of the account whose reading failed, and all of it now and then.
    pub(super) fn read_again(&mut self, now: Nanos) {
        if now >= self.reading.reconcile_at && self.listen.ready() {
            self.begin_reading(now, false);
        }
        while let Some(purpose) = self.reading.due(now) {
            self.ask_once(now, purpose);
        }
    }

    /// One part of the account was read.
    pub(super) fn account_read(
        &mut self,
        now: Nanos,
        purpose: Purpose,
        value: &Value,
        out: &mut Out,
    ) {
        let rows = value.as_array().map_or(&[][..], Vec::as_slice);
        match purpose {
            Purpose::Balance => self.balance_read(now, rows),
            Purpose::Positions => self.positions_read(now, rows),
            Purpose::OpenOrders => self.orders_read(now, rows, false),
            _ => self.orders_read(now, rows, true),
        }
        let Some(index) = READS.iter().position(|read| *read == purpose) else { return };
        if !core::mem::replace(&mut self.reading.owed[index], false) || self.reading.owes() {
            return;
        }
        // What ended unseen is in no list: every order that should be in one is asked for.
        let Reading { listed, began, .. } = &self.reading;
        self.attempts.unlisted(now, *began, listed);
        self.attempts.lists_read();
        self.reading.reconcile_at = now.after(self.config.sweep);
        self.first_read = false;
        if self.adopting == Adopting::Reading {
            self.adopting = Adopting::Ready;
        }
        self.tell_foreign(now);
        if self.attempts.clear_leftovers(&self.account, &mut self.scratch) {
            self.reading.soon(now);
        }
        if core::mem::replace(&mut self.reading.gate, false) {
            self.listen(now, listen_key::Input::Read, out);
        }
    }

    fn balance_read(&mut self, now: Nanos, rows: &[Value]) {
        let usdt = rows.iter().find(|row| text(row, "asset") == Some("USDT"));
        let Some(balance) = usdt.and_then(|row| decimal(row, "balance")) else { return };
        let waits = self.attempts.fills_wait(now);
        let attempts::Out { answers, notes, .. } = &mut self.scratch;
        self.account.balance_read(now, Money::from_raw(balance), waits, answers, notes);
    }

    fn positions_read(&mut self, now: Nanos, rows: &[Value]) {
        for symbol in self.config.symbols.ids() {
            let name = self.config.symbols.name(symbol);
            let row = rows.iter().find(|row| text(row, "symbol") == Some(name));
            let figure = |field| row.and_then(|row| decimal(row, field)).unwrap_or(0);
            let qty = Qty::from_raw(figure("positionAmt"));
            let prices = ["entryPrice", "markPrice"].map(|field| Px::from_raw(figure(field)));
            // Where an order of ours stands or is being found out, the position may be its doing.
            // One that is to be taken over is looked into first, unless nothing of this session
            // can have made it.
            let sure = self.config.foreign != Foreign::Adopt || !self.resumed;
            if self.first_read && sure && !self.attempts.any_in(symbol) {
                self.account.found(symbol, qty);
            }
            self.account.position_read(now, symbol, (qty, prices.into()));
        }
        self.elsewhere = 0;
        for row in rows {
            let qty = Qty::from_raw(decimal(row, "positionAmt").unwrap_or(0));
            let Some(name) = text(row, "symbol").filter(|_| !qty.is_zero()) else { continue };
            if self.config.symbols.id(name).is_some() {
                continue;
            }
            self.elsewhere += 1;
            let name = facts::clipped(name);
            if !self.elsewhere_told.contains(&name) {
                self.elsewhere_told.push(name);
                self.scratch.notes.push(Note::ForeignElsewhere { name, qty });
            }
        }
    }

    /// Positions of others that were found: they are taken over, or told once the lists have shown
    /// whether an earlier session protects them.
    pub(super) fn tell_foreign(&mut self, now: Nanos) {
        let waits = self.config.foreign == Foreign::Adopt && self.adopting != Adopting::Ready;
        if self.first_read || waits {
            return;
        }
        while let Some((symbol, qty)) = self.account.untold() {
            let tick = self.startup.filters(symbol).map_or(Px::from_raw(1), |filters| filters.tick);
            let attempts::Out { answers, notes, .. } = &mut self.scratch;
            let side = if qty > Qty::ZERO { Side::Buy } else { Side::Sell };
            let session = self.attempts.earlier_session(symbol, side);
            notes.push(if self.account.take_over(now, symbol, tick, answers) {
                Note::Adopted { symbol, qty }
            } else {
                match session {
                    Some(session) => Note::EarlierPosition { symbol, qty, session },
                    None => Note::ForeignPosition { symbol, qty },
                }
            });
        }
    }

    /// The engine has caught up with the market: from here on what others have opened may be taken
    /// over, at the prices of now.
    pub fn caught_up(&mut self, now: Nanos) {
        if self.adopting == Adopting::Waiting {
            self.adopting = Adopting::Reading;
            self.reading.reconcile_at = now;
        }
    }

    fn orders_read(&mut self, now: Nanos, rows: &[Value], algo: bool) {
        for row in rows {
            let symbols = &self.config.symbols;
            let fact =
                if algo { facts::algo_order(row, symbols) } else { facts::order(row, symbols) };
            if let Some(fact) = fact {
                let account = &mut self.account;
                let id = self.attempts.listed(now, &fact, account, &mut self.scratch);
                self.reading.listed.extend(id);
            }
        }
    }

    /// A stream that stays silent about what has happened is opened again.
    pub(super) fn watch_stream(&mut self, now: Nanos, out: &mut Out) {
        let suspect = self.suspect.is_some_and(|since| now.since(since) >= SILENT_AFTER);
        if suspect || now >= self.silent_at() {
            self.suspect = None;
            if self.listen.ready() {
                out.notes.push(Note::UserStreamSilent);
                self.listen(now, listen_key::Input::Silent, out);
            }
        }
    }

    /// When a stream on which nothing comes, not even a ping, is opened again.
    pub(super) fn silent_at(&self) -> Nanos {
        if self.listen.ready() { self.heard.after(self.config.silence_max) } else { Nanos::MAX }
    }

    /// One event of the user stream.
    pub(super) fn event(&mut self, now: Nanos, frame: &[u8], out: &mut Out) {
        self.counts.events += 1;
        self.suspect = None;
        let Ok(value) = serde_json::from_slice::<Value>(frame) else {
            self.counts.unreadable += 1;
            return;
        };
        // Combined streams wrap their payloads.
        let event = value.get("data").unwrap_or(&value);
        let Some(kind) = text(event, "e") else { return };
        if !self.seen.first_time(frame) {
            self.counts.repeated += 1;
            return;
        }
        let symbols = &self.config.symbols;
        let fact = match kind {
            "ORDER_TRADE_UPDATE" => facts::order_event(event, symbols),
            "ALGO_UPDATE" => facts::algo_event(event, symbols),
            "TRADE_LITE" => facts::lite_event(event, symbols),
            "ACCOUNT_UPDATE" => return self.account_event(now, event),
            "ACCOUNT_CONFIG_UPDATE" => return self.config_event(now, event, out),
            "MARGIN_CALL" => return self.margin_call(event, out),
            "listenKeyExpired" if defect::on(Defect::DeafUserStream) => return,
            "listenKeyExpired" => {
                let of = text(event, "listenKey");
                if of.is_none_or(|key| key == self.listen.key()) {
                    self.listen(now, listen_key::Input::Expired, out);
                }
                return;
            }
            _ => return,
        };
        let Some(fact) = fact else {
            self.counts.unreadable += 1;
            return;
        };
        // A trade told early says nothing of an order of somebody else.
        let ours = matches!(fact.maker, facts::Maker::Ours(_));
        // An order of somebody else, or its end: how many there are is read.
        if !ours && !matches!(fact.maker, facts::Maker::Liquidation) {
            self.reading.soon(now);
        }
        if kind != "TRADE_LITE" || ours {
            self.attempts.event(now, &fact, &mut self.account, &mut self.scratch);
        }
    }

    fn account_event(&mut self, now: Nanos, event: &Value) {
        let Some(a) = event.get("a") else { return };
        let positions = a.get("P").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let balances = a.get("B").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let reason = text(a, "m").unwrap_or("");
        let usdt = balances.iter().find(|row| text(row, "a") == Some("USDT"));
        let changed = usdt.and_then(|row| decimal(row, "bc")).map(Money::from_raw);
        if let Some(amount) = changed.filter(|amount| !amount.is_zero()) {
            let named = text(a, "S").or_else(|| match positions {
                [only] => text(only, "s"),
                _ => None,
            });
            let symbol = named.and_then(|name| self.config.symbols.id(name));
            let funding = symbol.filter(|_| reason == "FUNDING_FEE");
            self.account.moved(now, funding, amount, &mut self.scratch.answers);
        }
        for row in positions {
            let symbol = text(row, "s").and_then(|name| self.config.symbols.id(name));
            let qty = decimal(row, "pa").map(Qty::from_raw);
            if let (Some(symbol), Some(qty)) = (symbol, qty) {
                self.account.position(now, symbol, qty);
            }
        }
        if let Some(wallet) = usdt.and_then(|row| decimal(row, "wb")) {
            self.account.balance(now, Money::from_raw(wallet));
        }
    }

    /// Leverage that was changed by somebody else is told; our own chain reads it back itself.
    fn config_event(&mut self, now: Nanos, event: &Value, out: &mut Out) {
        let Some(ac) = event.get("ac") else { return };
        let symbol = text(ac, "s").and_then(|name| self.config.symbols.id(name));
        let leverage = whole(ac, "l").and_then(|l| u16::try_from(l).ok());
        if let (Some(symbol), Some(leverage)) = (symbol, leverage)
            && !self.leverages.busy(symbol)
            && self.account.leverage(symbol) != leverage
        {
            self.account.set_leverage(symbol, leverage);
            self.leverage(now, leverage::Input::Changed(symbol, leverage), out);
            let update = AccountUpdate::Leverage { symbol, leverage };
            out.answers.push(EventBody::Account(update));
        }
    }

    fn margin_call(&mut self, event: &Value, out: &mut Out) {
        for row in event.get("p").and_then(Value::as_array).into_iter().flatten() {
            if let Some(symbol) = text(row, "s").and_then(|name| self.config.symbols.id(name)) {
                out.notes.push(Note::MarginCall { symbol });
            }
        }
    }
}

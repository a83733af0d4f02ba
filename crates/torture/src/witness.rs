//! A second account of what the node has done, kept from its journal alone: orders, fills and what
//! is held. It shares no line with the engine, so what one of them gets wrong the other sees.

use crate::books::Books;
use crate::caps::Caps;
use crate::taint::Candles;
use crate::violation::{Invariant, Violation};
use aegis_engine::EngineConfig;
use aegis_types::{
    AccountUpdate, Cause, Command, Event, EventBody, Instrument, Money, Nanos, Notice, Order,
    OrderReason, OrderType, OrderUpdate, Position, Qty, Side, SymbolId, TickBody,
};
use std::collections::{BTreeMap, HashSet};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Commanded, nothing heard.
    Sent,
    /// The venue has it.
    Open,
    /// Nobody knows.
    Unknown,
    /// Filled, refused, taken back, ended.
    Over,
}

/// An order as the journal has it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// As commanded.
    pub order: Order,
    /// Filled so far.
    pub filled: Qty,
    /// Where it stands.
    pub standing: Standing,
    /// Told as refused, and never as taken.
    pub refused: bool,
}

impl Known {
    /// May it still do something?
    pub fn live(&self) -> bool {
        self.standing != Standing::Over
    }

    /// Has nobody said yet that the venue has it?
    fn pending(&self) -> bool {
        matches!(self.standing, Standing::Sent | Standing::Unknown)
    }
}

/// What is held of one symbol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holding {
    /// Quantity, negative when short.
    pub qty: Qty,
    /// Since when a held quantity has had no acknowledged stop over all of it.
    pub unprotected: Option<Nanos>,
    /// Since when it has had neither that nor an exit under way.
    pub bare: Option<Nanos>,
    /// Time of its newest fact.
    pub data_at: Option<Nanos>,
    /// Time of its newest best prices, and of its newest mark.
    pub book_at: Option<Nanos>,
    /// The same of its mark.
    pub mark_at: Option<Nanos>,
    /// When an exit was last commanded.
    pub exit_at: Option<Nanos>,
    /// Newest closed price.
    pub close: f64,
    /// Its candles, and what is missing of them.
    candles: Candles,
}

/// What the journal says.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Grids at the start, and as they were told since.
    begun: Vec<Instrument>,
    grids: Vec<Instrument>,
    config: EngineConfig,
    orders: BTreeMap<u32, Known>,
    fills: HashSet<(SymbolId, u64)>,
    held: Vec<Holding>,
    caps: Caps,
    books: Books,
    /// Conditions from outside that are on.
    outside: Vec<Cause>,
    next_seq: u64,
    /// The greatest number of an order.
    numbers: u32,
    /// Engine time.
    pub now: Nanos,
    /// Entries commanded.
    pub entries: u64,
    /// Targets that filled.
    pub targets: u64,
    /// Fills told.
    pub told: u64,
    /// Changes of what the engine must have booked.
    pub booked: u64,
    /// Numbers of orders told as refused, for whoever asks whether they were carried out.
    pub refused: Vec<u32>,
    /// Signals turned away, by code.
    pub denials: BTreeMap<&'static str, u64>,
    /// The first thing that must not be.
    pub wrong: Option<Violation>,
}

impl Witness {
    /// Of a journal at its start.
    pub fn new(instruments: &[Instrument], config: &EngineConfig) -> Self {
        Self {
            held: vec![Holding::default(); instruments.len()],
            begun: instruments.to_vec(),
            grids: instruments.to_vec(),
            config: config.clone(),
            caps: Caps::new(config, instruments.len()),
            books: Books::new(instruments.len()),
            outside: Vec::new(),
            orders: BTreeMap::new(),
            fills: HashSet::new(),
            next_seq: 0,
            numbers: 0,
            now: Nanos(i64::MIN),
            entries: 0,
            targets: 0,
            told: 0,
            booked: 0,
            refused: Vec::new(),
            denials: BTreeMap::new(),
            wrong: None,
        }
    }

    /// Forgets everything: the journal is read from its start again.
    pub fn begin_again(&mut self) {
        *self = Self::new(&self.begun, &self.config);
    }

    fn fail(&mut self, invariant: Invariant, what: String) {
        self.wrong.get_or_insert_with(|| Violation::new(invariant, what));
    }

    /// What is held of a symbol.
    pub fn holding(&self, symbol: SymbolId) -> Holding {
        self.held.get(symbol.index()).copied().unwrap_or_default()
    }

    /// An order by its number.
    pub fn order(&self, number: u32) -> Option<&Known> {
        self.orders.get(&number)
    }

    /// Was an order of this number ever commanded?
    pub fn was_commanded(&self, number: u32) -> bool {
        number <= self.numbers || self.orders.contains_key(&number)
    }

    /// Is anything held that may have no stop?
    pub fn exposed(&self) -> bool {
        self.held.iter().any(|held| held.bare.is_some())
    }

    /// Is an entry filled in part, its rest still open?
    pub fn is_entering(&self) -> bool {
        let entering = |known: &Known| {
            known.order.reason == OrderReason::Entry
                && known.filled.is_positive()
                && known.filled < known.order.qty
        };
        self.live().any(entering)
    }

    /// All orders that may still do something.
    pub fn live(&self) -> impl Iterator<Item = &Known> {
        self.orders.values().filter(|known| known.live())
    }

    /// The engine has told something.
    pub fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Denied { denial, .. } => {
                *self.denials.entry(denial.code.code()).or_default() += 1;
            }
            Notice::Closed(trade) => {
                if let Some(wrong) = self.books.closed(trade) {
                    self.wrong.get_or_insert(wrong);
                }
            }
            _ => {}
        }
    }

    /// What the engine has booked, held against the journal; `cash` is its equity without what is
    /// open.
    pub fn differs<'a>(
        &self,
        positions: impl Iterator<Item = &'a Position>,
        cash: Money,
    ) -> Option<Violation> {
        self.books.differ(positions, cash, |symbol| self.holding(symbol).qty)
    }

    /// An event is in the journal.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        if event.seq != self.next_seq {
            let what = format!("event {} follows where {} was next", event.seq, self.next_seq);
            self.fail(Invariant::I13, what);
        }
        self.next_seq = event.seq + 1;
        if event.at < self.now {
            let what = format!("event {} is dated before the one before it", event.seq);
            self.fail(Invariant::I13, what);
        }
        self.now = event.at;
        match &event.body {
            EventBody::Market(tick) => {
                let Some(held) = self.held.get_mut(tick.symbol.index()) else {
                    let what = format!("a fact of symbol {}, which is none", tick.symbol.0);
                    return self.fail(Invariant::I13, what);
                };
                if let TickBody::Candle { close, .. } = tick.body {
                    let close = close.to_f64();
                    let before = std::mem::replace(&mut held.close, close);
                    if before > 0.0 && !(before / 3.0..=before * 3.0).contains(&close) {
                        let what =
                            format!("symbol {} closes at {close} after {before}", tick.symbol.0);
                        self.fail(Invariant::I13, what);
                    }
                }
                let held = &mut self.held[tick.symbol.index()];
                held.candles.told(tick);
                match tick.body {
                    TickBody::Gap { .. } | TickBody::End => return,
                    TickBody::Book { .. } if !tick.derived => held.book_at = Some(tick.at),
                    TickBody::Mark { .. } => held.mark_at = Some(tick.at),
                    _ => {}
                }
                held.data_at = Some(held.data_at.map_or(tick.at, |at| at.max(tick.at)));
            }
            EventBody::Order { id, symbol, update } => self.update(id.number, *symbol, update),
            EventBody::Account(update) => {
                if let AccountUpdate::Filters { symbol, filters } = update
                    && let Some(grid) = self.grids.get_mut(symbol.index())
                {
                    grid.set_filters(filters);
                }
                self.booked += 1;
                self.caps.account(update);
                self.books.account(update);
            }
            EventBody::Condition(told) if told.cause.from_outside() => {
                self.outside.retain(|cause| *cause != told.cause);
                if told.on {
                    self.outside.push(told.cause);
                }
            }
            _ => {}
        }
    }

    fn update(&mut self, number: u32, symbol: SymbolId, update: &OrderUpdate) {
        if let OrderUpdate::Filled { fill } = update {
            (self.told, self.booked) = (self.told + 1, self.booked + 1);
            if !self.fills.insert((fill.symbol, fill.trade_id)) {
                let what = format!("trade {} of symbol {} is told twice", fill.trade_id, symbol.0);
                self.fail(Invariant::I8, what);
            }
            // What somebody else trades where nothing of ours is held is his.
            let outside = number == 0;
            if let Some(held) = self.held.get_mut(fill.symbol.index())
                && !(outside && held.qty.is_zero())
            {
                let change = Qty::from_raw(fill.qty.raw() * fill.side.sign());
                held.qty = held.qty.saturating_plus(change);
                self.caps.filled(fill);
                self.books.filled(fill);
            }
        }
        if let Some(known) = self.orders.get_mut(&number) {
            match update {
                OrderUpdate::Accepted if known.live() => known.standing = Standing::Open,
                OrderUpdate::Unknown => known.standing = Standing::Unknown,
                OrderUpdate::Accepted => {}
                OrderUpdate::Filled { fill } => {
                    known.filled = known.filled.saturating_plus(fill.qty);
                    if known.filled >= known.order.qty {
                        known.standing = Standing::Over;
                    }
                    if known.order.reason == OrderReason::Target {
                        self.targets += 1;
                    }
                }
                OrderUpdate::Rejected { .. } if known.pending() => {
                    (known.standing, known.refused) = (Standing::Over, true);
                    self.refused.push(number);
                }
                _ => known.standing = Standing::Over,
            }
            if known.filled > known.order.qty {
                let (filled, qty) = (known.filled, known.order.qty);
                let what = format!("order {number} of {qty} was filled with {filled}");
                self.fail(Invariant::I5, what);
            }
        }
        self.look(symbol);
    }

    /// A command is in the journal, and about to be carried out.
    pub fn command(&mut self, at: Nanos, command: &Command) {
        let Command::Submit { order } = command else { return };
        let known =
            Known { order: *order, filled: Qty::ZERO, standing: Standing::Sent, refused: false };
        self.check_alone(order);
        if self.orders.insert(order.id.number, known).is_some() {
            let what = format!("order number {} is given out twice", order.id.number);
            self.fail(Invariant::I4, what);
        }
        self.numbers = self.numbers.max(order.id.number);
        self.check_order(at, order);
        if order.reduce_only
            && order.kind == OrderType::Market
            && let Some(held) = self.held.get_mut(order.symbol.index())
        {
            held.exit_at = Some(at);
        }
        self.look(order.symbol);
    }

    fn check_order(&mut self, at: Nanos, order: &Order) {
        let number = order.id.number;
        // A position keeps its quantity when grids become coarser; the client rounds what it sends.
        let Some(grid) = self.begun.get(order.symbol.index()) else {
            return self.fail(Invariant::I13, format!("order {number} is of no symbol"));
        };
        let priced = order.kind != OrderType::Market;
        let px = if order.kind == OrderType::Limit { order.price } else { order.trigger };
        let (step, tick) = (grid.step.raw(), grid.tick.raw());
        let sane = order.qty.is_positive()
            && order.qty.raw() % step == 0
            && (!priced || px.is_positive() && px.raw() % tick == 0);
        if !sane {
            let what = format!("order {number} asks for {} at {px}", order.qty);
            self.fail(Invariant::I12, what);
        }
        let entry = order.reason == OrderReason::Entry;
        if entry == order.reduce_only {
            let what = format!("order {number} for {:?} has reduce_only {}", order.reason, !entry);
            return self.fail(Invariant::I9, what);
        }
        if entry {
            self.entries += 1;
            let data_at = self.holding(order.symbol).data_at;
            let age = data_at.map_or(Nanos::MAX, |data_at| at.since(data_at));
            if age > self.config.stale_after {
                let what = format!("entry {number} on data {} ms old", age.as_millis());
                self.fail(Invariant::I10, what);
            }
            self.check_data(at, order);
            if let Some(cause) = self.outside.first() {
                let what = format!("entry {number} while {}", cause.meaning());
                self.fail(Invariant::I10, what);
            }
            if let Some(wrong) = self.costs(order) {
                self.wrong.get_or_insert(wrong);
            }
            let used = self.used();
            if used > usize::from(self.config.positions_max) {
                let what = format!("{used} symbols are held or on their way after entry {number}");
                self.fail(Invariant::I1, what);
            }
        }
    }

    /// An entry leaves: is what is known of its market whole and new?
    fn check_data(&mut self, at: Nanos, order: &Order) {
        let (number, held) = (order.id.number, self.holding(order.symbol));
        if let Some(what) = held.candles.tainted() {
            self.fail(Invariant::I10, format!("entry {number} of a symbol of which {what}"));
        }
        if self.config.mark_is_last {
            return;
        }
        let limit = self.config.reference_stale;
        for (what, seen) in [("best prices", held.book_at), ("mark", held.mark_at)] {
            let age = seen.map_or(Nanos::MAX, |seen| at.since(seen));
            if age > limit {
                let what = format!("entry {number} on {what} of {} ms ago", age.as_millis());
                self.fail(Invariant::I10, what);
            }
        }
    }

    /// No order leaves while another one may still do what it is for.
    fn check_alone(&mut self, order: &Order) {
        let kind = |order: &Order| (order.reason == OrderReason::Entry, order.kind);
        let same = |k: &&Known| k.order.symbol == order.symbol && kind(&k.order) == kind(order);
        // A stop of another quantity stands before the old one goes.
        let most = if order.kind == OrderType::StopMarket { 1 } else { 0 };
        let others: Vec<u32> = self.live().filter(same).map(|k| k.order.id.number).collect();
        if others.len() > most {
            let (number, reason) = (order.id.number, order.reason);
            let what = format!("order {number} for {reason:?} leaves beside {others:?}, not over");
            self.fail(Invariant::I19, what);
        }
    }

    /// Leverage and exposure with this entry.
    fn costs(&self, order: &Order) -> Option<Violation> {
        let entering = |symbol: SymbolId| {
            let entries = self.live().filter(|known| {
                known.order.symbol == symbol && known.order.reason == OrderReason::Entry
            });
            entries.map(|known| (known.order.qty.saturating_plus(-known.filled)).to_f64()).sum()
        };
        self.caps.entry(order, entering, |symbol| self.holding(symbol).close)
    }

    /// The least that an order of a symbol may be of, as was told last.
    fn least(&self, symbol: SymbolId) -> Qty {
        self.grids.get(symbol.index()).map_or(Qty::ZERO, |grid| grid.qty_min.max(grid.step))
    }

    /// Symbols that are held or on their way in.
    fn used(&self) -> usize {
        let taken = |index: usize| {
            let symbol = SymbolId(index as u16);
            let entering =
                |k: &Known| k.order.symbol == symbol && k.order.reason == OrderReason::Entry;
            // What is too little for any order takes no place: nobody can close it.
            self.held[index].qty.abs() >= self.least(symbol) || self.live().any(entering)
        };
        (0..self.held.len()).filter(|index| taken(*index)).count()
    }

    /// Something of a symbol has changed: is what is held protected?
    fn look(&mut self, symbol: SymbolId) {
        let Some(held) = self.held.get(symbol.index()).copied() else { return };
        let (now, qty) = (self.now, held.qty.abs());
        let closes = if held.qty.is_negative() { Side::Buy } else { Side::Sell };
        let mine =
            |k: &&Known| k.order.symbol == symbol && k.order.reduce_only && k.order.side == closes;
        let stops = |k: &Known| {
            k.order.kind == OrderType::StopMarket
                && k.standing == Standing::Open
                && k.order.qty.saturating_plus(-k.filled) >= qty
        };
        let exits = |k: &Known| k.order.kind == OrderType::Market;
        // What is too little for any order has none.
        let none = qty.is_zero() || qty < self.least(symbol);
        let protected = none || self.live().filter(mine).any(stops);
        let leaving = self.live().filter(mine).any(exits);
        // Orders long over are not looked at again.
        if self.orders.len() > 512 {
            let keep = self.orders.keys().copied().rev().nth(255).unwrap_or(0);
            self.orders.retain(|number, known| *number >= keep || known.live());
        }
        let held = &mut self.held[symbol.index()];
        held.unprotected = if protected { None } else { held.unprotected.or(Some(now)) };
        held.bare = if protected || leaving { None } else { held.bare.or(Some(now)) };
    }
}

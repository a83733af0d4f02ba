//! Step machine: the market of one symbol: prices, minutes, book, trades, funding.

use crate::server::book::Book;
use crate::server::derived::{self, TradeRow};
use crate::server::fact::{DepthChange, Fact, FactBody};
use crate::server::history::{Bar, History, MINUTE_MS};
use crate::server::text::places;
use aegis_exchange::futures::SymbolRules;
use aegis_types::{Instrument, Px, Qty, Rate, Tick, TickBody};
use std::collections::VecDeque;

/// 24 hours in milliseconds.
const DAY_MS: i64 = 1_440 * MINUTE_MS;

/// Recorded trades that are kept for `trades` and `aggTrades`.
const TRADES_MAX: usize = 200_000;

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    /// Best bid.
    pub bid: Px,
    /// Quantity there.
    pub bid_qty: Qty,
    /// Best ask.
    pub ask: Px,
    /// Quantity there.
    pub ask_qty: Qty,
    /// Update id of the book.
    pub id: u64,
    /// Transaction time, ms.
    pub time_ms: i64,
}

/// Mark price, index price and funding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Mark price.
    pub mark: Px,
    /// Index price.
    pub index: Px,
    /// Rate charged at `next_ms`, as far as known.
    pub rate: Rate,
    /// Time of the next funding, ms.
    pub next_ms: i64,
}

/// A funding that was charged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Funding {
    /// When, ms.
    pub time_ms: i64,
    /// Rate.
    pub rate: Rate,
    /// Mark price then.
    pub mark: Px,
}

/// The last 24 hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Prices and volumes; it begins with its first minute.
    pub bar: Bar,
    /// Its end, ms.
    pub close_ms: i64,
    /// Last price minus first.
    pub change: Px,
    /// The same in percent of the first.
    pub change_percent: f64,
    /// Price by volume.
    pub average: f64,
    /// Quantity of the last trade.
    pub last_qty: Qty,
    /// Id of the last trade.
    pub last_id: i64,
}

/// What a fact changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An execution.
    Trade(TradeRow),
    /// Best bid or ask.
    Touch,
    /// Levels of a recorded book.
    Depth(Box<DepthChange>),
    /// A minute has closed.
    Closed(Bar),
    /// A minute has begun.
    Opened,
    /// Mark price or funding rate.
    Mark,
}

/// The market of one symbol.
pub struct Market {
    /// Grids, brackets, fees.
    pub instrument: Instrument,
    /// Status and filters.
    pub rules: SymbolRules,
    /// Decimals of prices.
    pub px_places: u8,
    /// Decimals of quantities.
    pub qty_places: u8,
    /// Minutes of the last price.
    pub history: History,
    /// Minutes of the mark price, where it was recorded.
    pub marks: Option<History>,
    /// Minutes of the index price, where it was recorded.
    pub indexes: Option<History>,
    /// Recorded trades.
    pub trades: VecDeque<TradeRow>,
    /// Fundings charged.
    pub fundings: Vec<Funding>,
    /// The recorded book.
    pub book: Option<Book>,
    touch: Option<Touch>,
    mark: Option<Mark>,
    last: Option<TradeRow>,
    /// Trades come from the record and make the minutes.
    ticking: bool,
    book_recorded: bool,
    /// Something was told of it since the last look.
    moved: bool,
    /// What prices of the source are multiplied with, after a price was set by hand.
    scale: Option<(i64, i64)>,
    /// Extremes set by hand in the open minute.
    pub(crate) forced: Option<(Px, Px)>,
}

impl Market {
    /// A market before its first fact.
    pub fn new(instrument: Instrument) -> Self {
        Self {
            px_places: places(instrument.tick.raw()),
            qty_places: places(instrument.step.raw()),
            rules: SymbolRules::of(&instrument),
            instrument,
            history: History::default(),
            marks: None,
            indexes: None,
            trades: VecDeque::new(),
            fundings: Vec::new(),
            book: None,
            touch: None,
            mark: None,
            last: None,
            ticking: false,
            book_recorded: false,
            moved: false,
            scale: None,
            forced: None,
        }
    }

    /// Best bid and ask.
    pub const fn touch(&self) -> Option<Touch> {
        self.touch
    }

    /// The last trade.
    pub const fn last(&self) -> Option<TradeRow> {
        self.last
    }

    /// Were trades recorded?
    pub const fn is_ticking(&self) -> bool {
        self.ticking
    }

    /// Mark price: as recorded, else the last price.
    pub fn mark(&self, now_ms: i64) -> Option<Mark> {
        if let Some(mark) = self.mark {
            return Some(mark);
        }
        let px = self.last?.px;
        let rate = self.fundings.last().map_or(Rate::ZERO, |funding| funding.rate);
        Some(Mark { mark: px, index: px, rate, next_ms: self.next_funding(now_ms) })
    }

    /// The 24 hours that end at `now_ms`, by whole minutes; none before the first.
    pub fn day(&self, now_ms: i64) -> Option<Day> {
        let minutes = self.history.closed();
        let from = self.history.index_at(now_ms.saturating_sub(DAY_MS) + 1);
        let mut bars = minutes[from.min(minutes.len())..].iter().chain(self.history.open());
        let mut bar = *bars.next().or(minutes.last())?;
        bars.for_each(|next| bar.extend(next));
        let change = Px::from_raw(bar.close.raw() - bar.open.raw());
        Some(Day {
            bar,
            close_ms: now_ms,
            change,
            change_percent: change.to_f64() / bar.open.to_f64() * 100.0,
            average: if bar.volume > 0.0 { bar.quote / bar.volume } else { bar.close.to_f64() },
            last_qty: self.last.map_or(Qty::ZERO, |last| last.qty),
            last_id: self.last.map_or(-1, |last| last.id as i64),
        })
    }

    /// The next multiple of the funding interval.
    fn next_funding(&self, now_ms: i64) -> i64 {
        let interval = self.instrument.funding_interval.as_millis().max(MINUTE_MS);
        (now_ms.div_euclid(interval) + 1) * interval
    }

    /// Is this a market of candles of which nothing was told since the last look?
    pub fn is_quiet(&mut self) -> bool {
        let moved = core::mem::take(&mut self.moved);
        !(moved || self.ticking || self.book_recorded || self.book.is_some())
    }

    /// The derived book says again what it said, under a new update id.
    pub fn repeat_touch(&mut self, now_ms: i64) -> bool {
        let Some(touch) = &mut self.touch else { return false };
        touch.id += 1;
        touch.time_ms = now_ms;
        true
    }

    /// Takes a fact in and says what it changed, in order.
    pub fn apply(&mut self, fact: &Fact, changes: &mut Vec<Change>) {
        self.moved = true;
        match &fact.body {
            FactBody::Tick(tick) => self.tick(fact.at_ms, tick, changes),
            FactBody::Depth(change) => {
                self.book.get_or_insert_default().change(change, fact.at_ms);
                changes.push(Change::Depth(change.clone()));
                self.touch_of_book(changes);
            }
            FactBody::Snapshot(snapshot) => {
                self.book.get_or_insert_default().snapshot(snapshot, fact.at_ms);
                self.touch_of_book(changes);
            }
        }
    }

    fn tick(&mut self, at_ms: i64, tick: &Tick, changes: &mut Vec<Change>) {
        match tick.body {
            // Where trades make the minutes, what others say of minutes is said twice.
            TickBody::Open { .. } | TickBody::Candle { .. } if self.ticking => {}
            TickBody::Open { px, funding } => self.opened(at_ms, px, funding, changes),
            TickBody::Candle { open, high, low, close, volume } => {
                let open_ms = tick.at.as_millis() - MINUTE_MS;
                let bar = Bar { open, high, low, close, volume, ..Bar::flat(open_ms, open, 0) };
                self.candle(at_ms, bar, changes);
            }
            TickBody::Book { bid, bid_qty, ask, ask_qty, update_id } => {
                self.book_recorded = true;
                let time_ms = tick.at.as_millis();
                self.touch = Some(Touch { bid, bid_qty, ask, ask_qty, id: update_id, time_ms });
                changes.push(Change::Touch);
            }
            TickBody::Mark { mark, index, rate, next_funding } => {
                let next_ms = next_funding.as_millis();
                self.mark = Some(Mark { mark, index, rate, next_ms });
                follow(self.marks.get_or_insert_default(), at_ms, mark);
                follow(self.indexes.get_or_insert_default(), at_ms, index);
                changes.push(Change::Mark);
            }
            TickBody::Trade { px, qty, id, buyer_is_maker } => {
                if !self.ticking {
                    // Trades that candles gave have numbers of their own.
                    (self.ticking, self.last) = (true, None);
                }
                let time_ms = tick.at.as_millis();
                self.traded(TradeRow { id, px, qty, time_ms, buyer_is_maker }, changes);
            }
            TickBody::Gap { .. } | TickBody::End => {}
        }
    }

    /// A recorded trade.
    fn traded(&mut self, row: TradeRow, changes: &mut Vec<Change>) {
        if self.last.is_some_and(|last| last.id >= row.id && last.id != 0) {
            return;
        }
        let open_ms = row.time_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        if self.history.open().is_none_or(|open| open.open_ms < open_ms) {
            self.close_minute(open_ms, changes);
            self.history.begin(Bar::flat(open_ms, row.px, row.id));
            changes.push(Change::Opened);
        }
        if let Some(open) = self.history.open_mut() {
            open.trade(row.px, row.qty.to_f64(), row.buyer_is_maker);
        }
        if self.trades.len() == TRADES_MAX {
            self.trades.pop_front();
        }
        self.trades.push_back(row);
        self.last = Some(row);
        changes.push(Change::Trade(row));
        self.derive_touch(row.px, row.time_ms, changes);
        if self.mark.is_none() {
            changes.push(Change::Mark);
        }
    }

    /// Closes a minute that was made of trades and has ended by `now_ms`.
    pub fn close_minute(&mut self, now_ms: i64, changes: &mut Vec<Change>) {
        let over = self.history.open().is_some_and(|open| open.open_ms + MINUTE_MS <= now_ms);
        if self.ticking
            && over
            && let Some(bar) = self.history.close(None)
        {
            changes.push(Change::Closed(bar));
        }
    }

    fn opened(&mut self, at_ms: i64, px: Px, funding: Option<Rate>, changes: &mut Vec<Change>) {
        if let Some(rate) = funding {
            self.fundings.push(Funding { time_ms: at_ms, rate, mark: px });
        }
        let before = self.last.map_or(px, |last| last.px);
        let id = self.last.map_or(1, |last| last.id + 1);
        let row = derived::open_trade(id, px, before, at_ms, self.instrument.step);
        let mut bar = Bar::flat(at_ms, px, id);
        bar.amount(px, row.qty.to_f64(), row.buyer_is_maker);
        self.history.begin(bar);
        self.forced = None;
        changes.push(Change::Opened);
        self.price(row, changes);
    }

    fn candle(&mut self, at_ms: i64, source: Bar, changes: &mut Vec<Change>) {
        let mut source = source;
        if self.history.open().is_none_or(|open| open.open_ms != source.open_ms) {
            // A source that shows no opens: the candle's own open plays that part.
            let mut unheard = Vec::new();
            self.opened(source.open_ms, source.open, None, &mut unheard);
        }
        let Some(begun) = self.history.open().copied() else { return };
        if let Some((low, high)) = self.forced.take() {
            source.low = source.low.min(low);
            source.high = source.high.max(high);
        }
        let mut bar = Bar {
            open: begun.open,
            high: source.high.max(begun.open),
            low: source.low.min(begun.open),
            first_id: begun.first_id,
            ..source
        };
        let mut sum = begun;
        let id = self.last.map_or(0, |last| last.id);
        let numbered = Bar { first_id: id, ..bar };
        for row in derived::inner_trades(&numbered, self.instrument.step) {
            sum.amount(row.px, row.qty.to_f64(), row.buyer_is_maker);
            self.last = Some(row);
            changes.push(Change::Trade(row));
        }
        bar.trades = sum.trades;
        bar.quote = sum.quote;
        bar.buy = sum.buy.min(bar.volume);
        bar.buy_quote = sum.buy_quote.min(bar.quote);
        let closed = self.history.close(Some(bar)).unwrap_or(bar);
        if let Some(last) = &mut self.last {
            last.px = closed.close;
        }
        self.derive_touch(closed.close, at_ms, changes);
        if self.mark.is_none() {
            changes.push(Change::Mark);
        }
        changes.push(Change::Closed(closed));
    }

    /// A price by a derived or forced trade.
    fn price(&mut self, row: TradeRow, changes: &mut Vec<Change>) {
        self.last = Some(row);
        changes.push(Change::Trade(row));
        self.derive_touch(row.px, row.time_ms, changes);
        if self.mark.is_none() {
            changes.push(Change::Mark);
        }
    }

    /// Sets the price by hand: now, and as a factor on all that the source says from here on.
    pub fn set_price(&mut self, now_ms: i64, px: Px, changes: &mut Vec<Change>) {
        let Some(last) = self.last else { return };
        let (num, den) = self.scale.unwrap_or((1, 1));
        let source = i128::from(last.px.raw()) * i128::from(den) / i128::from(num.max(1));
        self.scale = i64::try_from(source).ok().map(|source| (px.raw(), source.max(1)));
        let row = TradeRow {
            id: last.id + 1,
            px,
            qty: self.instrument.step,
            time_ms: now_ms,
            buyer_is_maker: px < last.px,
        };
        if let Some(open) = self.history.open_mut() {
            open.trade(px, row.qty.to_f64(), row.buyer_is_maker);
            let (low, high) = self.forced.unwrap_or((px, px));
            self.forced = Some((low.min(px), high.max(px)));
        }
        self.price(row, changes);
    }

    /// Puts the prices of a fact under the factor set by hand.
    pub fn rescale(&self, fact: &mut Fact) {
        if self.scale.is_none() {
            return;
        }
        let FactBody::Tick(tick) = &mut fact.body else { return };
        match &mut tick.body {
            TickBody::Open { px, .. } => *px = self.scaled(*px),
            TickBody::Candle { open, high, low, close, .. } => {
                for px in [open, high, low, close] {
                    *px = self.scaled(*px);
                }
            }
            _ => {}
        }
    }

    /// A price of the source under the factor set by hand, on the grid.
    fn scaled(&self, px: Px) -> Px {
        let Some((num, den)) = self.scale else { return px };
        let tick = i128::from(self.instrument.tick.raw().max(1));
        let exact = i128::from(px.raw()) * i128::from(num) / i128::from(den.max(1));
        let raw = ((exact + tick / 2) / tick * tick).max(tick);
        Px::from_raw(i64::try_from(raw).unwrap_or(i64::MAX))
    }

    fn derive_touch(&mut self, px: Px, time_ms: i64, changes: &mut Vec<Change>) {
        if self.book_recorded || self.book.is_some() {
            return;
        }
        let tick = self.instrument.tick;
        let qty = derived::level_qty(px, &self.instrument);
        self.touch = Some(Touch {
            bid: Px::from_raw((px.raw() - tick.raw()).max(tick.raw())),
            bid_qty: qty,
            ask: Px::from_raw(px.raw().saturating_add(tick.raw())),
            ask_qty: qty,
            id: self.touch.map_or(1, |touch| touch.id + 1),
            time_ms,
        });
        changes.push(Change::Touch);
    }

    /// Best levels of the recorded book, where best bid and ask were not recorded themselves.
    fn touch_of_book(&mut self, changes: &mut Vec<Change>) {
        if self.book_recorded {
            return;
        }
        let Some(book) = &self.book else { return };
        if let (Some(bid), Some(ask)) = (book.bids().next(), book.asks().next()) {
            self.touch = Some(Touch {
                bid: bid.px,
                bid_qty: bid.qty,
                ask: ask.px,
                ask_qty: ask.qty,
                id: book.last_id(),
                time_ms: book.times().0,
            });
            changes.push(Change::Touch);
        }
    }
}

/// Keeps minutes of a price that is told now and then.
fn follow(history: &mut History, at_ms: i64, px: Px) {
    let open_ms = at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
    if history.open().is_none_or(|open| open.open_ms < open_ms) {
        history.close(None);
        history.begin(Bar::flat(open_ms, px, 0));
    }
    if let Some(open) = history.open_mut() {
        open.high = open.high.max(px);
        open.low = open.low.min(px);
        open.close = px;
    }
}

//! Step machine: from what changed in a market to what its streams say.
//!
//! Executions, best prices and closed candles are told as they happen. The rest is told when its
//! time has come in a paced market; where time goes by facts (max, step), book changes with their
//! fact, and prices once at the end of each instant.

use crate::server::derived::{self, TradeRow};
use crate::server::history::{Bar, MINUTE_MS};
use crate::server::market::{Change, Market, Touch};
use crate::server::payload::{self, DepthIds};
use crate::server::sim::Sim;
use crate::server::streams::{Aggregate, Memory, Pending, Topic};
use aegis_types::{Px, Qty, SymbolId};
use aegis_wire::Level;
use aegis_wire::intervals::Interval;
use aegis_wire::streams::{ContractType, StreamKind};
use std::collections::BTreeMap;

/// A payload, and the id by which a listener knows that it has come so far.
type Said = (String, i64);

impl Sim {
    /// Tells the streams of a symbol what changed at an instant.
    pub(crate) fn tell(&mut self, symbol: SymbolId, at_ms: i64, changes: &[Change]) {
        for change in changes {
            for place in 0..self.streams.of_symbol(symbol).len() {
                let index = self.streams.of_symbol(symbol)[place];
                self.tell_stream(index, symbol, at_ms, change);
            }
            for place in 0..self.streams.of_all().len() {
                let index = self.streams.of_all()[place];
                self.tell_all(index, symbol, at_ms, change);
            }
        }
    }

    fn tell_stream(&mut self, index: usize, symbol: SymbolId, at_ms: i64, change: &Change) {
        let paced = self.is_paced();
        let market = &self.markets[symbol.index()];
        let stream = self.streams.at_mut(index);
        let Topic::Market(kind, _) = stream.topic else { return };
        let memory = &mut stream.memory;
        let said = match (kind, change) {
            (StreamKind::Trade, Change::Trade(row)) => {
                Some((payload::trade(market, at_ms, row), row.id as i64))
            }
            (StreamKind::AggTrade, Change::Trade(row)) => aggregate(memory, market, at_ms, row),
            (StreamKind::BookTicker, Change::Touch) => touch(market, at_ms),
            (StreamKind::Depth { .. }, Change::Depth(change)) => {
                Pending::add(&mut memory.pending, change);
                memory.dirty = true;
                if paced { None } else { changed_levels(memory, market, at_ms) }
            }
            (StreamKind::Depth { .. }, Change::Touch) if market.book.is_none() => {
                memory.dirty = true;
                if paced { None } else { changed_levels(memory, market, at_ms) }
            }
            (StreamKind::PartialDepth { levels, .. }, Change::Depth(_) | Change::Touch) => {
                memory.dirty = true;
                if paced { None } else { best_levels(memory, market, at_ms, levels) }
            }
            (StreamKind::Kline(interval), _) | (StreamKind::ContinuousKline(_, interval), _) => {
                candle_change(memory, market, (kind, interval), at_ms, change, paced)
            }
            (StreamKind::MarkPrice { .. }, Change::Mark)
            | (StreamKind::Ticker | StreamKind::MiniTicker, Change::Trade(_) | Change::Closed(_)) =>
            {
                memory.dirty = true;
                None
            }
            _ => None,
        };
        if let Some(said) = said {
            self.say(index, at_ms, said);
        }
    }

    fn tell_all(&mut self, index: usize, symbol: SymbolId, at_ms: i64, change: &Change) {
        let stream = self.streams.at_mut(index);
        let Topic::Market(kind, _) = stream.topic else { return };
        match (kind, change) {
            (StreamKind::BookTicker, Change::Touch) => {
                if let Some(said) = touch(&self.markets[symbol.index()], at_ms) {
                    self.say(index, at_ms, said);
                }
            }
            (StreamKind::MarkPrice { .. }, Change::Mark)
            | (StreamKind::Ticker | StreamKind::MiniTicker, Change::Trade(_) | Change::Closed(_)) =>
            {
                stream.memory.news_of(symbol);
            }
            _ => {}
        }
    }

    /// A stream of changed levels begins at the book as it is: what has gone since a snapshot taken
    /// now will be told as gone.
    pub(crate) fn begin_depth(&mut self, name: &str) {
        let Some(index) = self.streams.find(name) else { return };
        let stream = self.streams.at_mut(index);
        let Topic::Market(StreamKind::Depth { .. }, Some(symbol)) = stream.topic else { return };
        let market = &self.markets[symbol.index()];
        if let (None, None, Some(touch)) = (&stream.memory.shown, &market.book, market.touch()) {
            let (bids, asks) = derived_sides(market, &touch);
            stream.memory.shown = Some((touch.id, bids, asks));
        }
    }

    /// All facts of an instant have been told.
    pub(crate) fn end_of_instant(&mut self, at_ms: i64) {
        let paced = self.is_paced();
        self.each_stream(|sim, index| {
            let stream = sim.streams.at_mut(index);
            let Topic::Market(kind, symbol) = stream.topic else { return };
            if let (StreamKind::AggTrade, Some(symbol)) = (kind, symbol) {
                let market = &sim.markets[symbol.index()];
                if let Some(aggregate) = stream.memory.aggregate.take() {
                    let text = payload::agg_trade(market, at_ms, &aggregate);
                    sim.say(index, at_ms, (text, aggregate.first_id as i64));
                }
            } else if !paced && stream.memory.dirty {
                sim.timed(index, at_ms);
            }
        });
    }

    /// A paced market has come to `now_ms`: what is due is told.
    pub(crate) fn tell_due(&mut self, now_ms: i64) {
        self.each_stream(|sim, index| {
            let stream = sim.streams.at(index);
            let Topic::Market(kind, symbol) = stream.topic else { return };
            let speed = i64::from(kind.speed_ms(symbol.is_none()));
            // Mark prices are told whether they have changed or not.
            let news = stream.memory.dirty || matches!(kind, StreamKind::MarkPrice { .. });
            if news && now_ms.saturating_sub(stream.memory.sent_ms) >= speed {
                sim.timed(index, now_ms);
            }
        });
    }

    /// In a paced market whose candles have said nothing for a second, what stands is said again:
    /// a real market is never silent so long, and listeners take silence for a lost connection.
    pub(crate) fn repeat_quiet(&mut self) {
        let now_ms = self.clock.market_ms();
        for symbol in self.symbols.ids() {
            let market = &mut self.markets[symbol.index()];
            let (own, all) = (self.streams.of_symbol(symbol), self.streams.of_all());
            let heard = !(own.is_empty() && all.is_empty());
            if !(market.is_quiet() && heard && market.repeat_touch(now_ms)) {
                continue;
            }
            self.tell(symbol, now_ms, &[Change::Touch]);
            for place in 0..self.streams.of_symbol(symbol).len() {
                let index = self.streams.of_symbol(symbol)[place];
                let stream = self.streams.at_mut(index);
                let Topic::Market(kind, _) = stream.topic else { continue };
                stream.memory.dirty |= matches!(
                    kind,
                    StreamKind::Kline(_)
                        | StreamKind::ContinuousKline(..)
                        | StreamKind::Ticker
                        | StreamKind::MiniTicker
                );
            }
            for place in 0..self.streams.of_all().len() {
                let index = self.streams.of_all()[place];
                let stream = self.streams.at_mut(index);
                if let Topic::Market(StreamKind::Ticker | StreamKind::MiniTicker, _) = stream.topic
                {
                    stream.memory.news_of(symbol);
                }
            }
        }
    }

    fn each_stream(&mut self, mut act: impl FnMut(&mut Self, usize)) {
        for symbol in self.symbols.ids() {
            for place in 0..self.streams.of_symbol(symbol).len() {
                let index = self.streams.of_symbol(symbol)[place];
                act(self, index);
            }
        }
        for place in 0..self.streams.of_all().len() {
            let index = self.streams.of_all()[place];
            act(self, index);
        }
    }

    /// What a stream that is told by time says now.
    fn timed(&mut self, index: usize, now_ms: i64) {
        let stream = self.streams.at_mut(index);
        let Topic::Market(kind, symbol) = stream.topic else { return };
        let memory = &mut stream.memory;
        memory.dirty = false;
        let said = match symbol {
            Some(symbol) => {
                let market = &self.markets[symbol.index()];
                match kind {
                    StreamKind::Depth { .. } => changed_levels(memory, market, now_ms),
                    StreamKind::PartialDepth { levels, .. } => {
                        best_levels(memory, market, now_ms, levels)
                    }
                    StreamKind::Kline(interval) | StreamKind::ContinuousKline(_, interval) => {
                        let at = (now_ms, false);
                        candle_now(memory, market, (kind, interval), now_ms, at)
                    }
                    _ => priced(kind, market, now_ms).map(|text| (text, now_ms)),
                }
            }
            None => {
                let symbols = core::mem::take(&mut memory.changed);
                let all = matches!(kind, StreamKind::MarkPrice { .. });
                let chosen: Vec<SymbolId> = match all {
                    true => self.symbols.ids().collect(),
                    false => symbols,
                };
                let texts: Vec<String> = chosen
                    .into_iter()
                    .filter_map(|symbol| priced(kind, &self.markets[symbol.index()], now_ms))
                    .collect();
                (!texts.is_empty()).then(|| (format!("[{}]", texts.join(",")), now_ms))
            }
        };
        match said {
            Some(said) => self.say(index, now_ms, said),
            None => self.streams.at_mut(index).memory.sent_ms = now_ms,
        }
    }

    fn say(&mut self, index: usize, at_ms: i64, (text, id): Said) {
        let memory = &mut self.streams.at_mut(index).memory;
        memory.sent_ms = at_ms;
        memory.last = Some(id);
        self.publish(index, text, "");
    }
}

fn priced(kind: StreamKind, market: &Market, now_ms: i64) -> Option<String> {
    match kind {
        StreamKind::MarkPrice { .. } => payload::mark_price(market, now_ms),
        StreamKind::Ticker => payload::ticker(market, now_ms),
        StreamKind::MiniTicker => payload::mini_ticker(market, now_ms),
        _ => None,
    }
}

fn touch(market: &Market, at_ms: i64) -> Option<Said> {
    let touch: Touch = market.touch()?;
    Some((payload::book_ticker(market, at_ms, &touch), touch.id as i64))
}

/// Puts a trade to those that go with it; what it does not go with is told.
fn aggregate(memory: &mut Memory, market: &Market, at_ms: i64, row: &TradeRow) -> Option<Said> {
    if let Some(known) = memory.aggregate.as_mut().filter(|known| known.goes_with(row)) {
        known.add(row);
        return None;
    }
    let told = memory.aggregate.replace(Aggregate::of(row))?;
    Some((payload::agg_trade(market, at_ms, &told), told.first_id as i64))
}

impl Aggregate {
    /// Does a trade belong to the same taker?
    pub fn goes_with(&self, row: &TradeRow) -> bool {
        (self.time_ms, self.px, self.buyer_is_maker) == (row.time_ms, row.px, row.buyer_is_maker)
    }

    /// Adds such a trade.
    pub fn add(&mut self, row: &TradeRow) {
        self.last_id = row.id;
        self.qty = self.qty.saturating_plus(row.qty);
    }

    /// Of one trade.
    pub const fn of(row: &TradeRow) -> Self {
        Self {
            first_id: row.id,
            last_id: row.id,
            px: row.px,
            qty: row.qty,
            time_ms: row.time_ms,
            buyer_is_maker: row.buyer_is_maker,
        }
    }
}

fn candle_change(
    memory: &mut Memory,
    market: &Market,
    kind: (StreamKind, Interval),
    at_ms: i64,
    change: &Change,
    paced: bool,
) -> Option<Said> {
    let interval = kind.1;
    match change {
        Change::Closed(bar) => {
            let ends = interval.next_open(bar.open_ms) == bar.open_ms + MINUTE_MS;
            if paced && !ends {
                memory.dirty = true;
                return None;
            }
            memory.dirty = false;
            candle_now(memory, market, kind, bar.open_ms, (at_ms, ends))
        }
        Change::Opened => {
            let open_ms = market.history.open()?.open_ms;
            let begins = interval.open_of(open_ms) == open_ms;
            if begins { candle_now(memory, market, kind, open_ms, (at_ms, false)) } else { None }
        }
        // Trades derived from a candle say what its closing says.
        Change::Trade(_) if market.is_ticking() || market.is_forced() => {
            memory.dirty = true;
            None
        }
        _ => None,
    }
}

/// The candle that holds `inside_ms`, told at an instant as open or closed.
fn candle_now(
    memory: &mut Memory,
    market: &Market,
    (kind, interval): (StreamKind, Interval),
    inside_ms: i64,
    (event_ms, closed): (i64, bool),
) -> Option<Said> {
    let bar: Bar = market.history.rolled(interval, &mut memory.roll, inside_ms)?;
    let text = match kind {
        StreamKind::ContinuousKline(ContractType::Perpetual, _) => {
            payload::continuous(market, event_ms, interval, &bar, closed)
        }
        StreamKind::ContinuousKline(..) => return None,
        _ => payload::kline(market, event_ms, interval, &bar, closed),
    };
    Some((text, event_ms))
}

impl Pending {
    fn add(slot: &mut Option<Self>, change: &crate::server::fact::DepthChange) {
        let pending = slot.get_or_insert_with(|| Self {
            first_id: change.first_id,
            previous_id: change.previous_id,
            ..Self::default()
        });
        pending.last_id = change.last_id;
        pending.time_ms = change.time_ms;
        pending.bids.extend(change.bids.iter().map(|level| (level.px, level.qty)));
        pending.asks.extend(change.asks.iter().map(|level| (level.px, level.qty)));
    }
}

fn as_level((px, qty): (&Px, &Qty)) -> Level {
    Level { px: *px, qty: *qty }
}

/// The levels that changed since the last message of this stream.
fn changed_levels(memory: &mut Memory, market: &Market, now_ms: i64) -> Option<Said> {
    memory.dirty = false;
    if let Some(pending) = memory.pending.take() {
        let ids = DepthIds {
            first: pending.first_id,
            last: pending.last_id,
            previous: pending.previous_id,
            time_ms: pending.time_ms,
        };
        let (bids, asks) = (pending.bids.iter().map(as_level), pending.asks.iter().map(as_level));
        return Some((payload::depth(market, now_ms, ids, bids, asks), ids.last as i64));
    }
    if market.book.is_some() {
        return None;
    }
    let touch = market.touch()?;
    let (bids, asks) = derived_sides(market, &touch);
    let now = (touch.id, bids, asks);
    let before = memory.shown.replace(now.clone());
    let (previous, bids, asks) = match &before {
        Some((id, _, _)) if *id == touch.id => return None,
        Some((id, bids, asks)) => (*id, difference(bids, &now.1), difference(asks, &now.2)),
        // There was no price yet when it was subscribed.
        None => (touch.id.saturating_sub(1), now.1.clone(), now.2.clone()),
    };
    // What is repeated without a change is told by its best levels.
    let best = |side: BTreeMap<Px, Qty>, px: Px, qty: Qty, still: bool| {
        if still { BTreeMap::from([(px, qty)]) } else { side }
    };
    let still = bids.is_empty() && asks.is_empty();
    let bids = best(bids, touch.bid, touch.bid_qty, still);
    let asks = best(asks, touch.ask, touch.ask_qty, still);
    // A snapshot taken between two messages has the id of the earlier one: it is covered too.
    let ids = DepthIds { first: previous, last: touch.id, previous, time_ms: touch.time_ms };
    let (bids, asks) = (bids.iter().map(as_level), asks.iter().map(as_level));
    Some((payload::depth(market, now_ms, ids, bids, asks), ids.last as i64))
}

/// Both sides of a derived book by price.
fn derived_sides(market: &Market, touch: &Touch) -> (BTreeMap<Px, Qty>, BTreeMap<Px, Qty>) {
    let by_price = |level: Level| (level.px, level.qty);
    let (bids, asks) = market.derived_levels(touch);
    (bids.map(by_price).collect(), asks.map(by_price).collect())
}

fn difference(before: &BTreeMap<Px, Qty>, now: &BTreeMap<Px, Qty>) -> BTreeMap<Px, Qty> {
    let gone = before.keys().filter(|px| !now.contains_key(px)).map(|px| (*px, Qty::ZERO));
    let new = now.iter().filter(|(px, qty)| before.get(px) != Some(qty));
    gone.chain(new.map(|(px, qty)| (*px, *qty))).collect()
}

/// The best levels of the book, whole.
fn best_levels(memory: &mut Memory, market: &Market, now_ms: i64, levels: u8) -> Option<Said> {
    memory.dirty = false;
    let (id, time_ms, bids, asks) = market.levels(usize::from(levels))?;
    let previous = memory.shown.as_ref().map_or(id.saturating_sub(1), |(id, _, _)| *id);
    memory.shown = Some((id, BTreeMap::new(), BTreeMap::new()));
    let ids = DepthIds { first: previous, last: id, previous, time_ms };
    Some((payload::depth(market, now_ms, ids, bids.into_iter(), asks.into_iter()), id as i64))
}

impl Market {
    /// Levels of a derived book, the best first.
    pub fn derived_levels(
        &self,
        touch: &Touch,
    ) -> (impl Iterator<Item = Level> + use<>, impl Iterator<Item = Level> + use<>) {
        let tick = self.instrument.tick;
        (
            derived::levels(touch.bid, touch.bid_qty, -1, tick),
            derived::levels(touch.ask, touch.ask_qty, 1, tick),
        )
    }

    /// Update id, transaction time, and the best bids and asks.
    pub fn levels(&self, limit: usize) -> Option<(u64, i64, Vec<Level>, Vec<Level>)> {
        if let Some(book) = &self.book {
            let (bids, asks) = (book.bids().take(limit), book.asks().take(limit));
            return Some((book.last_id(), book.times().0, bids.collect(), asks.collect()));
        }
        let touch = self.touch()?;
        let (bids, asks) = self.derived_levels(&touch);
        let (bids, asks) = (bids.take(limit).collect(), asks.take(limit).collect());
        Some((touch.id, touch.time_ms, bids, asks))
    }

    /// Was the price set by hand in the open minute?
    pub const fn is_forced(&self) -> bool {
        self.forced.is_some()
    }
}

//! What can be read of the venue: markets, orders, positions, money.

use super::Futures;
use super::names::{MarginType, PositionSide};
use super::record::{
    AccountId, AccountRecord, AlgoRecord, Filter, FuturesLedger, IncomeRecord, MarketView,
    OrderKey, OrderRecord, PositionRecord, SymbolSettings, TradeRecord,
};
use super::refusal::Refusal;
use super::state::{Account, Desk, Held, OpenOrder, slot};
use aegis_types::{Money, Nanos, Px, Qty, Rate, Round, Side, SymbolId};
use alloc::vec::Vec;

/// Levels of one side, the best first.
pub type Levels = Vec<(Px, Qty)>;

impl Futures {
    pub(super) fn seat_of(&self, account: AccountId) -> Result<&Account, Refusal> {
        self.accounts.get(account.index()).ok_or(Refusal::UnknownAccount)
    }

    pub(super) fn desk_of(&self, symbol: SymbolId) -> Result<&Desk, Refusal> {
        self.desks.get(symbol.index()).ok_or(Refusal::BadSymbol)
    }

    /// Derived levels of a side: a tick apart from the newest price, each of the stated notional.
    fn derived(&self, s: usize, side: Side, limit: usize) -> Levels {
        let (desk, instrument) = (&self.desks[s], &self.rules[s].instrument);
        let Some(last) = desk.market.touch.map(|touch| touch.sell) else { return Vec::new() };
        let levels = 1..=self.config.derived_levels.min(limit) as i64;
        levels
            .filter_map(|away| {
                let step = instrument.tick.raw().checked_mul(away * -side.sign())?;
                let px = Px::from_raw(last.raw().checked_add(step)?);
                if !px.is_positive() {
                    return None;
                }
                let qty = self.config.derived_notional.over_px(px).ok()?;
                let qty = qty.to_grid(instrument.step, Round::Down).ok()?;
                Some((px, qty.max(instrument.step)))
            })
            .collect()
    }

    fn side(&self, s: usize, side: Side, limit: usize) -> Levels {
        let desk = &self.desks[s];
        let market: Levels = if desk.recorded() {
            desk.levels(side).iter().take(limit).copied().collect()
        } else {
            self.derived(s, side, limit)
        };
        let own: Levels = desk.book.levels(side).take(limit).collect();
        let mut all: Levels = Vec::with_capacity(market.len() + own.len());
        let (mut m, mut o) = (market.iter().peekable(), own.iter().peekable());
        while all.len() < limit {
            let ahead = |a: Px, b: Px| if side == Side::Buy { a > b } else { a < b };
            let next = match (m.peek(), o.peek()) {
                (None, None) => break,
                (Some(&&a), Some(&&b)) if a.0 == b.0 => {
                    m.next();
                    o.next();
                    (a.0, a.1.saturating_plus(b.1))
                }
                (Some(&&a), Some(&&b)) if ahead(b.0, a.0) => {
                    o.next();
                    b
                }
                (Some(&&a), _) => {
                    m.next();
                    a
                }
                (None, Some(&&b)) => {
                    o.next();
                    b
                }
            };
            all.push(next);
        }
        all
    }

    /// Best bids and asks, the best first: of the data (or derived), and the resting orders of all
    /// accounts.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn depth(&self, symbol: SymbolId, limit: usize) -> Result<(Levels, Levels), Refusal> {
        self.desk_of(symbol)?;
        let s = symbol.index();
        Ok((self.side(s, Side::Buy, limit), self.side(s, Side::Sell, limit)))
    }

    /// The market of a symbol.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn market(&self, symbol: SymbolId) -> Result<MarketView, Refusal> {
        let desk = self.desk_of(symbol)?;
        let s = symbol.index();
        let mark = desk.mark();
        Ok(MarketView {
            last: desk.last,
            bid: self.side(s, Side::Buy, 1).first().copied(),
            ask: self.side(s, Side::Sell, 1).first().copied(),
            mark,
            index: desk.index.or(mark),
            funding_rate: desk.funding_rate,
            next_funding: desk.next_funding,
            funded_rate: desk.funded_rate,
            range: desk.market.range,
            derived: desk.market.quoted <= Nanos(i64::MIN),
        })
    }

    /// An order, open or ended.
    ///
    /// # Errors
    /// When there is none.
    pub fn order(
        &self,
        account: AccountId,
        symbol: SymbolId,
        key: OrderKey,
    ) -> Result<OrderRecord, Refusal> {
        let account = self.seat_of(account)?;
        let seat = account.seats.get(symbol.index()).ok_or(Refusal::BadSymbol)?;
        let is_it = |order: &OrderRecord| match key {
            OrderKey::Id(id) => order.id == id,
            OrderKey::Client(id) => order.client_id == id,
        };
        let open = seat.orders.iter().map(|open| &open.record).find(|order| is_it(order));
        let ended =
            || account.orders.iter().rev().find(|order| order.symbol == symbol && is_it(order));
        open.or_else(ended).copied().ok_or(Refusal::NoSuchOrder)
    }

    /// Open orders of a symbol or of all, by id.
    ///
    /// # Errors
    /// No such account.
    pub fn open_orders(
        &self,
        account: AccountId,
        symbol: Option<SymbolId>,
    ) -> Result<Vec<OrderRecord>, Refusal> {
        let seats = self.seat_of(account)?.seats.iter();
        let mut orders: Vec<OrderRecord> = seats
            .flat_map(|seat| seat.orders.iter().map(|open| open.record))
            .filter(|order| symbol.is_none_or(|symbol| order.symbol == symbol))
            .collect();
        orders.sort_unstable_by_key(|order| order.id);
        Ok(orders)
    }

    /// Open and ended orders, by id.
    ///
    /// # Errors
    /// No such account.
    pub fn all_orders(
        &self,
        account: AccountId,
        filter: &Filter,
    ) -> Result<Vec<OrderRecord>, Refusal> {
        let held = self.seat_of(account)?;
        let open = self.open_orders(account, filter.symbol)?;
        let mut orders: Vec<OrderRecord> = held
            .orders
            .iter()
            .copied()
            .chain(open)
            .filter(|o| filter.fits(Some(o.symbol), o.id, o.created))
            .collect();
        orders.sort_unstable_by_key(|order| order.id);
        Ok(filter.cut(orders))
    }

    /// A conditional order, waiting or ended.
    ///
    /// # Errors
    /// When there is none.
    pub fn algo_order(&self, account: AccountId, key: OrderKey) -> Result<AlgoRecord, Refusal> {
        let held = self.seat_of(account)?;
        let is_it = |algo: &&AlgoRecord| match key {
            OrderKey::Id(id) => algo.id == id,
            OrderKey::Client(id) => algo.client_id == id,
        };
        let waiting = held.seats.iter().flat_map(|seat| &seat.algos).map(|open| &open.record);
        let ended = held.algos.iter().rev();
        waiting.chain(ended).find(is_it).copied().ok_or(Refusal::NoSuchOrder)
    }

    /// Waiting conditional orders of a symbol or of all, by id.
    ///
    /// # Errors
    /// No such account.
    pub fn open_algos(
        &self,
        account: AccountId,
        symbol: Option<SymbolId>,
    ) -> Result<Vec<AlgoRecord>, Refusal> {
        let seats = self.seat_of(account)?.seats.iter();
        let mut algos: Vec<AlgoRecord> = seats
            .flat_map(|seat| seat.algos.iter().map(|open| open.record))
            .filter(|algo| symbol.is_none_or(|symbol| algo.symbol == symbol))
            .collect();
        algos.sort_unstable_by_key(|algo| algo.id);
        Ok(algos)
    }

    /// Waiting and ended conditional orders, by id.
    ///
    /// # Errors
    /// No such account.
    pub fn all_algos(
        &self,
        account: AccountId,
        filter: &Filter,
    ) -> Result<Vec<AlgoRecord>, Refusal> {
        let open = self.open_algos(account, filter.symbol)?;
        let ended = self.seat_of(account)?.algos.iter().copied();
        let mut algos: Vec<AlgoRecord> =
            ended.chain(open).filter(|o| filter.fits(Some(o.symbol), o.id, o.created)).collect();
        algos.sort_unstable_by_key(|algo| algo.id);
        Ok(filter.cut(algos))
    }

    /// Fills, in order.
    ///
    /// # Errors
    /// No such account.
    pub fn trades(&self, account: AccountId, filter: &Filter) -> Result<Vec<TradeRecord>, Refusal> {
        let trades = self.seat_of(account)?.trades.iter().copied();
        let fits = |trade: &TradeRecord| {
            filter.fits(Some(trade.symbol), trade.id, trade.at)
                && filter.order_id.is_none_or(|id| trade.order_id == id)
        };
        Ok(filter.cut(trades.filter(fits).collect()))
    }

    /// Changes of the wallet, in order.
    ///
    /// # Errors
    /// No such account.
    pub fn income(
        &self,
        account: AccountId,
        filter: &Filter,
    ) -> Result<Vec<IncomeRecord>, Refusal> {
        let income = self.seat_of(account)?.income.iter().copied();
        let fits = |entry: &IncomeRecord| {
            filter.fits(entry.symbol, entry.id, entry.at)
                && filter.kind.is_none_or(|kind| entry.kind == kind)
        };
        Ok(filter.cut(income.filter(fits).collect()))
    }

    /// Positions of a symbol or of all: in one-way mode one of each symbol, in hedge mode two;
    /// also those that are not open.
    ///
    /// # Errors
    /// No such account or symbol.
    pub fn positions(
        &self,
        account: AccountId,
        symbol: Option<SymbolId>,
    ) -> Result<Vec<PositionRecord>, Refusal> {
        let dual = self.seat_of(account)?.config.dual_side;
        let symbols = match symbol {
            None => 0..self.desks.len(),
            Some(symbol) => {
                self.desk_of(symbol)?;
                symbol.index()..symbol.index() + 1
            }
        };
        let sides: &[PositionSide] =
            if dual { &[PositionSide::Long, PositionSide::Short] } else { &[PositionSide::Both] };
        let a = account.index();
        Ok(symbols.flat_map(|s| sides.iter().map(move |&side| self.position(a, s, side))).collect())
    }

    fn position(&self, a: usize, s: usize, position_side: PositionSide) -> PositionRecord {
        let seat = &self.accounts[a].seats[s];
        let held = seat.held[slot(position_side)];
        let mark = self.desks[s].mark().unwrap_or(Px::ZERO);
        let settings = self.seat_settings(a, s);
        let (bid_notional, ask_notional) = seat.open_notionals();
        let meant = seat.orders.iter().filter(|o| o.record.position_side == position_side);
        let order_initial_margin =
            meant.fold(Money::ZERO, |sum, open| sum.saturating_plus(self.order_margin(a, s, open)));
        let (unrealized, initial, maintenance_margin) =
            held.map_or_else(<_>::default, |held: Held| self.measures(s, seat, &held));
        let isolated_wallet = match settings.margin_type {
            MarginType::Crossed => Money::ZERO,
            MarginType::Isolated => held.map_or(Money::ZERO, |held| held.position.margin),
        };
        let isolated_margin = match settings.margin_type {
            MarginType::Crossed => Money::ZERO,
            MarginType::Isolated => isolated_wallet.saturating_plus(unrealized),
        };
        let qty = held.map_or(Qty::ZERO, |held| held.signed());
        PositionRecord {
            symbol: SymbolId(s as u16),
            position_side,
            qty,
            entry_px: held.map_or(Px::ZERO, |held| held.position.entry_px()),
            break_even_px: held.map_or(Px::ZERO, |held| held.break_even_px()),
            mark,
            unrealized,
            realized: held.map_or(Money::ZERO, |held| held.realized),
            liquidation: self.liquidation_px(a, s, position_side),
            leverage: settings.leverage,
            max_notional: settings.max_notional,
            margin_type: settings.margin_type,
            isolated_wallet,
            isolated_margin,
            notional: (mark * qty).unwrap_or(Money::ZERO),
            initial_margin: initial.saturating_plus(order_initial_margin),
            position_initial_margin: initial,
            order_initial_margin,
            maintenance_margin,
            bid_notional,
            ask_notional,
            adl: self.adl(a, s, position_side),
            updated: held.map_or(Nanos::ZERO, |held| held.updated),
        }
    }

    /// The initial margin of an open order: what it binds without the fee that is kept ready for
    /// it.
    fn order_margin(&self, a: usize, s: usize, open: &OpenOrder) -> Money {
        let order = &open.record;
        let fee =
            (order.price * order.leaves()).and_then(|notional| notional * self.taker_fee(a, s));
        open.reserved.minus(fee.unwrap_or(Money::ZERO)).unwrap_or(Money::ZERO).max(Money::ZERO)
    }

    /// Place in the queue of auto-deleveraging: the share of the positions of the same side and
    /// symbol that have less profit for their margin, in fifths.
    fn adl(&self, a: usize, s: usize, position_side: PositionSide) -> u8 {
        let Some(own) = self.accounts[a].seats[s].held[slot(position_side)] else { return 0 };
        let score = |a: usize, held: &Held| {
            let (unrealized, initial, _) = self.measures(s, &self.accounts[a].seats[s], held);
            i128::from(unrealized.raw()) * 1_000_000 / i128::from(initial.raw().max(1))
        };
        let mine = score(a, &own);
        let (mut all, mut below) = (0usize, 0usize);
        for (other, account) in self.accounts.iter().enumerate() {
            for held in account.seats[s].held.iter().flatten() {
                if held.position.side == own.position.side {
                    all += 1;
                    below += usize::from(score(other, held) < mine);
                }
            }
        }
        // `below` is less than `all`, so this is 4 at most.
        (below * 5 / all.max(1)) as u8
    }

    /// What an account has.
    ///
    /// # Errors
    /// No such account.
    pub fn account(&self, account: AccountId) -> Result<AccountRecord, Refusal> {
        let held = self.seat_of(account)?;
        let mut record = AccountRecord {
            wallet: held.wallet,
            cross_wallet: held.cross_wallet(),
            dual_side: held.config.dual_side,
            multi_assets: held.config.multi_assets,
            updated: held.updated,
            ..AccountRecord::default()
        };
        for (s, seat) in held.seats.iter().enumerate() {
            for open in &seat.orders {
                record.order_initial_margin = record
                    .order_initial_margin
                    .saturating_plus(self.order_margin(account.index(), s, open));
            }
            for position in seat.held.iter().flatten() {
                let (unrealized, initial, maintenance) = self.measures(s, seat, position);
                record.unrealized = record.unrealized.saturating_plus(unrealized);
                if seat.is_cross() {
                    record.cross_unrealized = record.cross_unrealized.saturating_plus(unrealized);
                }
                record.position_initial_margin =
                    record.position_initial_margin.saturating_plus(initial);
                record.maintenance_margin = record.maintenance_margin.saturating_plus(maintenance);
            }
        }
        record.margin_balance = record.wallet.saturating_plus(record.unrealized);
        record.initial_margin =
            record.position_initial_margin.saturating_plus(record.order_initial_margin);
        let fees = held.reserved.minus(record.order_initial_margin).unwrap_or(Money::ZERO);
        let available = self.available(account.index()).saturating_plus(fees);
        record.available = available.max(Money::ZERO);
        record.max_withdraw = record.available.min(record.cross_wallet).max(Money::ZERO);
        Ok(record)
    }

    /// Where its wallet came from.
    ///
    /// # Errors
    /// No such account.
    pub fn ledger(&self, account: AccountId) -> Result<FuturesLedger, Refusal> {
        Ok(self.seat_of(account)?.ledger)
    }

    pub(super) fn seat_settings(&self, a: usize, s: usize) -> SymbolSettings {
        let seat = &self.accounts[a].seats[s];
        let brackets = self.rules[s].instrument.brackets.iter();
        let max_notional = brackets
            .filter(|bracket| bracket.leverage_max >= seat.leverage)
            .map(|bracket| bracket.cap)
            .max()
            .unwrap_or(Money::ZERO);
        SymbolSettings { margin_type: seat.margin_type, leverage: seat.leverage, max_notional }
    }

    /// What an account has set for a symbol.
    ///
    /// # Errors
    /// No such account or symbol.
    pub fn settings(
        &self,
        account: AccountId,
        symbol: SymbolId,
    ) -> Result<SymbolSettings, Refusal> {
        self.seat_of(account)?;
        self.desk_of(symbol)?;
        Ok(self.seat_settings(account.index(), symbol.index()))
    }

    pub(super) fn fee_rates(&self, a: usize, s: usize) -> (Rate, Rate) {
        let (config, instrument) = (&self.accounts[a].config, &self.rules[s].instrument);
        (
            config.maker_fee.unwrap_or(instrument.maker_fee),
            config.taker_fee.unwrap_or(instrument.taker_fee),
        )
    }

    pub(super) fn taker_fee(&self, a: usize, s: usize) -> Rate {
        self.fee_rates(a, s).1
    }

    /// Maker and taker fee of an account on a symbol.
    ///
    /// # Errors
    /// No such account or symbol.
    pub fn fees(&self, account: AccountId, symbol: SymbolId) -> Result<(Rate, Rate), Refusal> {
        self.seat_of(account)?;
        self.desk_of(symbol)?;
        Ok(self.fee_rates(account.index(), symbol.index()))
    }
}

impl Filter {
    fn fits(&self, symbol: Option<SymbolId>, id: u64, at: Nanos) -> bool {
        self.symbol.is_none_or(|wanted| symbol == Some(wanted))
            && self.from_id.is_none_or(|from| id >= from)
            && (self.start..=self.end).contains(&at)
    }

    /// The first ones where a beginning is given, else the newest.
    fn cut<T>(&self, mut all: Vec<T>) -> Vec<T> {
        let beyond = all.len().saturating_sub(self.limit);
        if self.from_id.is_some() || self.start > Nanos(i64::MIN) {
            all.truncate(self.limit);
        } else {
            all.drain(..beyond);
        }
        all
    }
}

//! The whole USDⓈ-M venue: several accounts, an order book, conditional orders, margin.
//!
//! Requests and market facts in, results and [`Report`]s out; no clock, and no randomness but draws
//! by key, so that everything follows from the facts, the requests, their order and their times.
//! What a request answers its sender is the return value; what the streams tell is in `reports`, in
//! the order in which it happened. Times are the market's.
//!
//! ```text
//! fact ────> facts ──> queue   resting orders: ahead of them what was recorded, then they
//!                └───> pass    candles: stops and liquidation → limits → targets, per account
//! request ─> checks ─> orders ─> taker   recorded levels and resting orders, or the newest price
//!                └───> algo ─(trigger)─^       │ each fill
//!                                              v
//!                            fill ──> position, ledger, histories, reports
//! ```
//!
//! The arithmetic of positions, margins, fees and slippage is that of the candle venue
//! ([`crate::Exchange`]), line by line the same code: on the same candles and orders a one-way
//! account with isolated margin gets the same fills and the same wallet.
//!
//! Where the data shows levels (a book, depth), taking orders walk them, and what they take is gone
//! until the data shows it anew; what they do not find expires. Where it shows trades only, or
//! candles, an order is filled whole at the newest price. Accounts trade with each other where one
//! of them is better than the data.
//!
//! Limits, stated: fees and funding are paid from the wallet and never from an isolated margin; an
//! open order binds its margin and the taker fee; a liquidation closes a whole position at once;
//! auto-deleveraging happens on request only; the multi-assets mode is a flag, all money is one
//! asset; a GTC order does not end after a year. `priceMatch` is a price by the time it comes here.

mod act;
mod algo;
mod checks;
mod config;
mod facts;
mod fill;
mod forced;
mod liquidation;
mod names;
mod orders;
mod pass;
mod queue;
mod read;
mod record;
mod refusal;
mod report;
mod request;
mod risk;
mod settings;
mod state;
mod taker;

pub use config::{AccountConfig, FuturesConfig, SymbolRules};
pub use names::{
    AccountReason, AlgoKind, AlgoStatus, ExecutionKind, IncomeKind, MarginType, OrderKind,
    OrderStatus, PositionSide, SelfTrade, SymbolStatus, TimeInForce, WorkingType,
};
pub use read::Levels;
pub use record::{
    AccountId, AccountRecord, AlgoRecord, ClientId, Filter, FuturesLedger, IncomeRecord,
    MarketView, OrderKey, OrderRecord, PositionRecord, SymbolSettings, TradeRecord,
};
pub use refusal::Refusal;
pub use report::{AccountReport, MarginCall, OrderReport, PositionReport, Print, Report};
pub use request::{AlgoRequest, AmendRequest, DepthUpdate, OrderRequest};

use crate::config::{ExchangeError, instrument_faults};
use crate::margin;
use act::Act;
use aegis_types::{Instrument, Money, Nanos, Px, Qty, Rate, SymbolId, Tick};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use state::{Account, Desk, Seat};

/// A whole venue.
#[derive(Clone, Debug)]
pub struct Futures {
    config: FuturesConfig,
    rules: Vec<SymbolRules>,
    desks: Vec<Desk>,
    accounts: Vec<Account>,
    /// Orders so far; the number of the last one.
    orders: u64,
    /// Conditional orders so far.
    algos: u64,
    /// Incomes so far.
    incomes: u64,
    /// When the next GTD order ends.
    ends_next: Nanos,
}

impl Futures {
    /// Opens a venue for symbols listed by id.
    ///
    /// # Errors
    /// All violations of configuration and instruments at once.
    pub fn new(config: FuturesConfig, rules: Vec<SymbolRules>) -> Result<Self, ExchangeError> {
        let mut violations = config.faults();
        let instruments: Vec<Instrument> = rules.iter().map(|r| r.instrument.clone()).collect();
        violations.extend(instrument_faults(&instruments));
        if !violations.is_empty() {
            return Err(ExchangeError { violations });
        }
        let desks = rules.iter().map(|_| Desk::new(config.book_orders_max)).collect();
        Ok(Self {
            config,
            rules,
            desks,
            accounts: Vec::new(),
            orders: 0,
            algos: 0,
            incomes: 0,
            ends_next: Nanos::MAX,
        })
    }

    /// Opens an account; its deposit is its first income.
    ///
    /// # Errors
    /// When there is no room for it, or its balance is not positive.
    pub fn open_account(
        &mut self,
        at: Nanos,
        account: AccountConfig,
    ) -> Result<AccountId, Refusal> {
        if self.accounts.len() >= self.config.accounts_max {
            return Err(Refusal::Rejected("There is no room for another account."));
        }
        if account.balance.is_negative() {
            return Err(Refusal::AmountNotPositive);
        }
        let wanted = account.leverage.unwrap_or(self.config.leverage_default).max(1);
        let seat = |rules: &SymbolRules| {
            let leverage = wanted.min(margin::leverage_max(&rules.instrument));
            Seat::new(leverage, account.margin_type)
        };
        let deposit = account.balance;
        self.accounts.push(Account {
            config: account,
            ledger: FuturesLedger { deposits: deposit, ..FuturesLedger::default() },
            wallet: deposit,
            posted: Money::ZERO,
            reserved: Money::ZERO,
            seats: self.rules.iter().map(seat).collect(),
            algos_open: 0,
            rejects: Vec::new(),
            partials: Vec::new(),
            called: false,
            updated: at,
            orders: VecDeque::new(),
            algos: VecDeque::new(),
            trades: VecDeque::new(),
            income: VecDeque::new(),
        });
        let a = self.accounts.len() - 1;
        self.act(at, &mut Vec::new()).earn(a, IncomeKind::Transfer, deposit, None, 0, at);
        // `accounts_max` is checked to be far below the range of u16.
        Ok(AccountId(a as u16))
    }

    fn act<'a>(&'a mut self, at: Nanos, reports: &'a mut Vec<Report>) -> Act<'a> {
        Act { venue: self, at, reports }
    }

    /// Account and symbol as indices that are there.
    fn places(&self, account: AccountId, symbol: SymbolId) -> Result<(usize, usize), Refusal> {
        self.seat_of(account)?;
        self.desk_of(symbol)?;
        Ok((account.index(), symbol.index()))
    }

    /// Rises with each order, conditional order and change of a wallet of any account: while it
    /// stands still, nobody has traded.
    pub const fn activity(&self) -> u64 {
        self.orders + self.algos + self.incomes
    }

    fn next_income(&mut self) -> u64 {
        self.incomes += 1;
        self.incomes
    }

    // ---- the market -------------------------------------------------------------------------

    /// A market fact.
    pub fn on_market(&mut self, at: Nanos, tick: &Tick, reports: &mut Vec<Report>) {
        if tick.symbol.index() >= self.desks.len() {
            return;
        }
        let mut act = self.act(at, reports);
        act.end_overdue();
        act.tick(tick.symbol.index(), tick);
    }

    /// Levels of a recorded book.
    pub fn on_depth(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        depth: &DepthUpdate<'_>,
        reports: &mut Vec<Report>,
    ) {
        if symbol.index() < self.desks.len() {
            self.act(at, reports).depth(symbol.index(), depth);
        }
    }

    /// Market time has come to `at` without a fact: GTD orders end, funding falls due.
    pub fn advance(&mut self, at: Nanos, reports: &mut Vec<Report>) {
        let mut act = self.act(at, reports);
        act.end_overdue();
        for s in 0..act.venue.desks.len() {
            act.due(s);
        }
    }

    /// The countdowns' own clock has come to `now`: those that are due cancel their orders, dated
    /// `at` in market time. See [`Futures::countdown_cancel_all`].
    pub fn advance_countdowns(&mut self, now: Nanos, at: Nanos, reports: &mut Vec<Report>) {
        for a in 0..self.accounts.len() {
            for s in 0..self.desks.len() {
                let seat = &mut self.accounts[a].seats[s];
                if seat.countdown.take_if(|deadline| *deadline <= now).is_some() {
                    self.act(at, reports).cancel_all(a, s);
                }
            }
        }
    }

    /// Moves the price of a symbol, as if it had been traded there.
    ///
    /// # Errors
    /// A bad symbol or price.
    pub fn set_price(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        px: Px,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        self.desk_of(symbol)?;
        let s = symbol.index();
        self.rules[s].check_px(px)?;
        self.act(at, reports).move_price(s, px);
        Ok(())
    }

    /// Halts a symbol or lets it be traded again.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn set_status(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        status: SymbolStatus,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        self.rules.get_mut(symbol.index()).ok_or(Refusal::BadSymbol)?.status = status;
        reports.push(Report::Symbol { symbol, at, status });
        Ok(())
    }

    /// Changes the rules of a symbol; orders that stand stay as they are.
    ///
    /// # Errors
    /// A bad symbol, or rules that cannot be traded by.
    pub fn set_rules(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        rules: SymbolRules,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let place = self.rules.get_mut(symbol.index()).ok_or(Refusal::BadSymbol)?;
        let instrument = Instrument { symbol: SymbolId(0), ..rules.instrument.clone() };
        if rules.instrument.symbol != symbol || !instrument_faults(&[instrument]).is_empty() {
            return Err(Refusal::Rejected("These rules cannot be traded by."));
        }
        let status = rules.status;
        *place = rules;
        reports.push(Report::Symbol { symbol, at, status });
        Ok(())
    }

    /// Liquidates a position now, at the newest price.
    ///
    /// # Errors
    /// No such account, symbol or position.
    pub fn force_liquidation(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        position_side: PositionSide,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let (a, s) = self.places(account, symbol)?;
        let px = self.desks[s].mark().ok_or(Refusal::NoPosition)?;
        let mut act = self.act(at, reports);
        act.holds(a, s, position_side).ok_or(Refusal::NoPosition)?;
        act.liquidate(a, s, position_side, px, at);
        Ok(())
    }

    /// Closes a position, or `qty` of it, by auto-deleveraging now, at the mark and without a fee.
    ///
    /// # Errors
    /// No such account, symbol or position.
    pub fn force_adl(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        position_side: PositionSide,
        qty: Option<Qty>,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let (a, s) = self.places(account, symbol)?;
        let px = self.desks[s].mark().ok_or(Refusal::NoPosition)?;
        let mut act = self.act(at, reports);
        let held = act.holds(a, s, position_side).ok_or(Refusal::NoPosition)?;
        match qty {
            Some(qty) if qty < held => act.deleverage(a, s, position_side, qty, px),
            _ => act.close_by_force(a, s, position_side, px, at, false),
        };
        Ok(())
    }

    /// Fills an open limit order now, or `qty` of it, as maker at its own price.
    ///
    /// # Errors
    /// When it is not open.
    pub fn force_fill(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        key: OrderKey,
        qty: Option<Qty>,
        reports: &mut Vec<Report>,
    ) -> Result<OrderRecord, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).fill_by_force(a, s, key, qty)
    }

    /// Charges funding on a symbol now.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn force_funding(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        rate: Rate,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let px = self.desk_of(symbol)?.mark().ok_or(Refusal::UnableToFill)?;
        self.act(at, reports).fund(symbol.index(), rate, px);
        Ok(())
    }

    /// The next conditional order of the account that triggers, or the one of this id, is rejected
    /// for this reason.
    pub fn reject_trigger(&mut self, account: AccountId, algo: Option<u64>, reason: &'static str) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.rejects.push((algo, reason));
        }
    }

    /// When this conditional order triggers, only a fraction of it fills; the rest of a market
    /// order expires.
    pub fn partial_trigger(&mut self, account: AccountId, algo: u64, fraction: Rate) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.partials.push((algo, fraction));
        }
    }

    // ---- requests ---------------------------------------------------------------------------

    /// Places an order.
    ///
    /// # Errors
    /// Why not. Fill-or-kill and post-only orders that cannot be are refused and leave no record.
    pub fn place(
        &mut self,
        at: Nanos,
        account: AccountId,
        request: &OrderRequest,
        reports: &mut Vec<Report>,
    ) -> Result<OrderRecord, Refusal> {
        let (a, _) = self.places(account, request.symbol)?;
        self.act(at, reports).place(a, request)
    }

    /// Checks an order as [`Futures::place`] would, and does nothing: what it would look like,
    /// without a number.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn check(
        &self,
        at: Nanos,
        account: AccountId,
        request: &OrderRequest,
    ) -> Result<OrderRecord, Refusal> {
        let (a, _) = self.places(account, request.symbol)?;
        let (order, _) = self.admit(at, a, request, self.orders + 1)?;
        Ok(OrderRecord { id: 0, ..order })
    }

    /// Changes price or quantity of an open limit order. A smaller quantity at the same price
    /// keeps its place in the queue; everything else loses it.
    ///
    /// # Errors
    /// Why not.
    pub fn amend(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        key: OrderKey,
        request: &AmendRequest,
        reports: &mut Vec<Report>,
    ) -> Result<OrderRecord, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).amend(a, s, key, request)
    }

    /// Takes an order back.
    ///
    /// # Errors
    /// When it is not open.
    pub fn cancel(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        key: OrderKey,
        reports: &mut Vec<Report>,
    ) -> Result<OrderRecord, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).cancel(a, s, key)
    }

    /// Takes back all open orders of a symbol, not the conditional ones; how many there were.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn cancel_all(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        reports: &mut Vec<Report>,
    ) -> Result<usize, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        Ok(self.act(at, reports).cancel_all(a, s))
    }

    /// Sets the instant, on a clock of the caller's choice, at which all open orders of the symbol
    /// are cancelled unless it is set anew; none takes it back. Not the conditional orders.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn countdown_cancel_all(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        deadline: Option<Nanos>,
    ) -> Result<(), Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.accounts[a].seats[s].countdown = deadline;
        Ok(())
    }

    /// Places a conditional order.
    ///
    /// # Errors
    /// Why not.
    pub fn place_algo(
        &mut self,
        at: Nanos,
        account: AccountId,
        request: &AlgoRequest,
        reports: &mut Vec<Report>,
    ) -> Result<AlgoRecord, Refusal> {
        let (a, _) = self.places(account, request.symbol)?;
        self.act(at, reports).place_algo(a, request)
    }

    /// Takes a waiting conditional order back.
    ///
    /// # Errors
    /// When it does not wait.
    pub fn cancel_algo(
        &mut self,
        at: Nanos,
        account: AccountId,
        key: OrderKey,
        reports: &mut Vec<Report>,
    ) -> Result<AlgoRecord, Refusal> {
        self.seat_of(account)?;
        self.act(at, reports).cancel_algo(account.index(), key)
    }

    /// Takes back all waiting conditional orders of a symbol; how many there were.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn cancel_all_algos(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        reports: &mut Vec<Report>,
    ) -> Result<usize, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        let mut act = self.act(at, reports);
        let mut ended = 0;
        while !act.seat(a, s).algos.is_empty() {
            act.end_algo(a, s, 0, AlgoStatus::Canceled, "");
            ended += 1;
        }
        Ok(ended)
    }

    /// Sets the leverage of a symbol.
    ///
    /// # Errors
    /// Why not.
    pub fn set_leverage(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        leverage: u16,
        reports: &mut Vec<Report>,
    ) -> Result<SymbolSettings, Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).set_leverage(a, s, leverage)
    }

    /// Sets the margin type of a symbol.
    ///
    /// # Errors
    /// Why not.
    pub fn set_margin_type(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        margin_type: MarginType,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).set_margin_type(a, s, margin_type)
    }

    /// Hedge mode on or off.
    ///
    /// # Errors
    /// Why not.
    pub fn set_dual_side(&mut self, account: AccountId, on: bool) -> Result<(), Refusal> {
        self.seat_of(account)?;
        self.act(Nanos::ZERO, &mut Vec::new()).set_dual_side(account.index(), on)
    }

    /// Multi-assets mode on or off.
    ///
    /// # Errors
    /// Why not.
    pub fn set_multi_assets(
        &mut self,
        at: Nanos,
        account: AccountId,
        on: bool,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        self.seat_of(account)?;
        self.act(at, reports).set_multi_assets(account.index(), on)
    }

    /// Moves margin from the wallet to an isolated position, or back where `amount` is negative.
    ///
    /// # Errors
    /// Why not.
    pub fn move_margin(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        position_side: PositionSide,
        amount: Money,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let (a, s) = self.places(account, symbol)?;
        self.act(at, reports).move_margin(a, s, position_side, amount)
    }

    /// Pays into the wallet, or out of it where `amount` is negative.
    ///
    /// # Errors
    /// When there is not so much to pay out.
    pub fn transfer(
        &mut self,
        at: Nanos,
        account: AccountId,
        amount: Money,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        self.seat_of(account)?;
        self.act(at, reports).transfer(account.index(), amount)
    }

    /// The settings.
    pub fn config(&self) -> &FuturesConfig {
        &self.config
    }

    /// All symbols with their rules, by id.
    pub fn rules(&self) -> &[SymbolRules] {
        &self.rules
    }

    /// How many accounts there are; their ids are 0 to this.
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }
}

//! The whole USDⓈ-M venue: several accounts, an order book, conditional orders, margin.
//!
//! Requests and market facts in, results and [`Report`]s out; no clock, no randomness but draws by
//! key. What a request answers its sender is the return value; what the streams tell is in
//! `reports`, in order.

mod config;
mod names;
mod record;
mod refusal;
mod report;
mod request;

pub use config::{AccountConfig, FuturesConfig, SymbolRules};
pub use names::{
    AccountReason, AlgoKind, AlgoStatus, ExecutionKind, IncomeKind, MarginType, OrderKind,
    OrderStatus, PositionSide, SelfTrade, SymbolStatus, TimeInForce, WorkingType,
};
pub use record::{
    AccountId, AccountRecord, AlgoRecord, ClientId, Filter, FuturesLedger, IncomeRecord,
    MarketView, OrderKey, OrderRecord, PositionRecord, SymbolSettings, TradeRecord,
};
pub use refusal::Refusal;
pub use report::{AccountReport, MarginCall, OrderReport, PositionReport, Print, Report};
pub use request::{AlgoRequest, AmendRequest, DepthUpdate, OrderRequest};

use crate::config::{ExchangeError, instrument_faults};
use aegis_types::{Instrument, Money, Nanos, Px, Qty, Rate, SymbolId, Tick};
use alloc::vec::Vec;

/// A whole venue.
#[derive(Clone, Debug)]
pub struct Futures {
    config: FuturesConfig,
    rules: Vec<SymbolRules>,
    accounts: Vec<AccountConfig>,
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
        Ok(Self { config, rules, accounts: Vec::new() })
    }

    /// Opens an account.
    ///
    /// # Errors
    /// When there is no room for it or its balance is negative.
    pub fn open_account(
        &mut self,
        at: Nanos,
        account: AccountConfig,
    ) -> Result<AccountId, Refusal> {
        let _ = at;
        if self.accounts.len() >= self.config.accounts_max {
            return Err(Refusal::Rejected("no room for another account"));
        }
        self.accounts.push(account);
        Ok(AccountId((self.accounts.len() - 1) as u16))
    }

    // ---- the market -------------------------------------------------------------------------

    /// A market fact.
    pub fn on_market(&mut self, at: Nanos, tick: &Tick, reports: &mut Vec<Report>) {
        let _ = (at, tick, reports);
    }

    /// Levels of a recorded book.
    pub fn on_depth(
        &mut self,
        at: Nanos,
        symbol: SymbolId,
        depth: &DepthUpdate<'_>,
        reports: &mut Vec<Report>,
    ) {
        let _ = (at, symbol, depth, reports);
    }

    /// Market time has come to `at` without a fact: GTD orders end, funding falls due.
    pub fn advance(&mut self, at: Nanos, reports: &mut Vec<Report>) {
        let _ = (at, reports);
    }

    /// The countdowns' own clock has come to `now`: those that are due cancel their orders, dated
    /// `at` in market time. See [`Futures::countdown_cancel_all`].
    pub fn advance_countdowns(&mut self, now: Nanos, at: Nanos, reports: &mut Vec<Report>) {
        let _ = (now, at, reports);
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
        let _ = (at, symbol, px, reports);
        Err(Refusal::BadSymbol)
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
        let _ = (at, reports);
        self.rules.get_mut(symbol.index()).ok_or(Refusal::BadSymbol)?.status = status;
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
        let _ = (at, reports);
        *self.rules.get_mut(symbol.index()).ok_or(Refusal::BadSymbol)? = rules;
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
        let _ = (at, account, symbol, position_side, reports);
        Err(Refusal::NoPosition)
    }

    /// Closes a position by auto-deleveraging now, at the mark and without a fee.
    ///
    /// # Errors
    /// No such account, symbol or position.
    pub fn force_adl(
        &mut self,
        at: Nanos,
        account: AccountId,
        symbol: SymbolId,
        position_side: PositionSide,
        reports: &mut Vec<Report>,
    ) -> Result<(), Refusal> {
        let _ = (at, account, symbol, position_side, reports);
        Err(Refusal::NoPosition)
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
        let _ = (at, symbol, rate, reports);
        Err(Refusal::BadSymbol)
    }

    /// The next conditional order of the account that triggers is rejected for this reason.
    pub fn reject_next_trigger(&mut self, account: AccountId, reason: &'static str) {
        let _ = (account, reason);
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
        let _ = (at, account, request, reports);
        Err(Refusal::UnableToFill)
    }

    /// Checks an order as [`Futures::place`] would, and does nothing.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn check(
        &self,
        at: Nanos,
        account: AccountId,
        request: &OrderRequest,
    ) -> Result<(), Refusal> {
        let _ = (at, account, request);
        Err(Refusal::UnableToFill)
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
        let _ = (at, account, symbol, key, request, reports);
        Err(Refusal::NoSuchOrder)
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
        let _ = (at, account, symbol, key, reports);
        Err(Refusal::UnknownOrder)
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
        let _ = (at, account, symbol, reports);
        Err(Refusal::BadSymbol)
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
        let _ = (account, symbol, deadline);
        Err(Refusal::BadSymbol)
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
        let _ = (at, account, request, reports);
        Err(Refusal::UnableToFill)
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
        let _ = (at, account, key, reports);
        Err(Refusal::UnknownOrder)
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
        let _ = (at, account, symbol, reports);
        Err(Refusal::BadSymbol)
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
        let _ = (at, account, symbol, leverage, reports);
        Err(Refusal::BadSymbol)
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
        let _ = (at, account, symbol, margin_type, reports);
        Err(Refusal::BadSymbol)
    }

    /// Hedge mode on or off.
    ///
    /// # Errors
    /// Why not.
    pub fn set_dual_side(&mut self, account: AccountId, on: bool) -> Result<(), Refusal> {
        let _ = (account, on);
        Err(Refusal::SamePositionMode)
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
        let _ = (at, account, on, reports);
        Err(Refusal::SameAssetMode)
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
        let _ = (at, account, symbol, position_side, amount, reports);
        Err(Refusal::NoPosition)
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
        let _ = (at, account, amount, reports);
        Err(Refusal::UnknownAccount)
    }

    // ---- what can be read -------------------------------------------------------------------

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

    /// The market of a symbol.
    ///
    /// # Errors
    /// A bad symbol.
    pub fn market(&self, symbol: SymbolId) -> Result<MarketView, Refusal> {
        let _ = symbol;
        Err(Refusal::BadSymbol)
    }

    /// Best bids and asks, the best first: of the data (or derived), and the resting orders of all
    /// accounts.
    ///
    /// # Errors
    /// A bad symbol.
    #[expect(clippy::type_complexity, reason = "two lists of levels")]
    pub fn depth(
        &self,
        symbol: SymbolId,
        limit: usize,
    ) -> Result<(Vec<(Px, Qty)>, Vec<(Px, Qty)>), Refusal> {
        let _ = (symbol, limit);
        Err(Refusal::BadSymbol)
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
        let _ = (account, symbol, key);
        Err(Refusal::NoSuchOrder)
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
        let _ = (account, symbol);
        Ok(Vec::new())
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
        let _ = (account, filter);
        Ok(Vec::new())
    }

    /// A conditional order, waiting or ended.
    ///
    /// # Errors
    /// When there is none.
    pub fn algo_order(&self, account: AccountId, key: OrderKey) -> Result<AlgoRecord, Refusal> {
        let _ = (account, key);
        Err(Refusal::NoSuchOrder)
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
        let _ = (account, symbol);
        Ok(Vec::new())
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
        let _ = (account, filter);
        Ok(Vec::new())
    }

    /// Fills, by trade.
    ///
    /// # Errors
    /// No such account.
    pub fn trades(&self, account: AccountId, filter: &Filter) -> Result<Vec<TradeRecord>, Refusal> {
        let _ = (account, filter);
        Ok(Vec::new())
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
        let _ = (account, filter);
        Ok(Vec::new())
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
        let _ = (account, symbol);
        Ok(Vec::new())
    }

    /// What an account has.
    ///
    /// # Errors
    /// No such account.
    pub fn account(&self, account: AccountId) -> Result<AccountRecord, Refusal> {
        let _ = account;
        Err(Refusal::UnknownAccount)
    }

    /// Where its wallet came from.
    ///
    /// # Errors
    /// No such account.
    pub fn ledger(&self, account: AccountId) -> Result<FuturesLedger, Refusal> {
        let _ = account;
        Err(Refusal::UnknownAccount)
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
        let _ = (account, symbol);
        Err(Refusal::UnknownAccount)
    }

    /// Maker and taker fee of an account on a symbol.
    ///
    /// # Errors
    /// No such account or symbol.
    pub fn fees(&self, account: AccountId, symbol: SymbolId) -> Result<(Rate, Rate), Refusal> {
        let _ = (account, symbol);
        Err(Refusal::UnknownAccount)
    }
}

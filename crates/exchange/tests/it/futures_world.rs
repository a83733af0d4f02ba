//! A small world around the futures venue: one or more accounts, facts and requests in few words.

use crate::world::{instrument, px, qty, rate};
use aegis_exchange::Futures;
use aegis_exchange::futures::{
    AccountConfig, AccountId, AlgoKind, AlgoRecord, AlgoRequest, ClientId, DepthUpdate,
    ExecutionKind, FuturesConfig, MarginType, OrderRecord, OrderReport, OrderRequest,
    PositionRecord, PositionSide, Refusal, Report, SymbolRules,
};
use aegis_types::{Money, Nanos, Px, Qty, Side, SymbolId, Tick, TickBody};
use std::fmt::Write;

pub const S: SymbolId = SymbolId(0);
pub const ME: AccountId = AccountId(0);
pub const OTHER: AccountId = AccountId(1);

pub fn client(text: &str) -> ClientId {
    let mut id = ClientId::new();
    write!(id, "{text}").unwrap();
    id
}

/// An account without anything special: one-way, isolated, leverage 10.
pub fn isolated() -> AccountConfig {
    AccountConfig {
        margin_type: MarginType::Isolated,
        leverage: Some(10),
        ..AccountConfig::default()
    }
}

pub fn cross() -> AccountConfig {
    AccountConfig { margin_type: MarginType::Crossed, ..isolated() }
}

pub fn hedged() -> AccountConfig {
    AccountConfig { dual_side: true, ..isolated() }
}

pub struct Fair {
    pub venue: Futures,
    pub now: Nanos,
    pub reports: Vec<Report>,
}

impl Fair {
    pub fn new(accounts: &[AccountConfig]) -> Self {
        let config = FuturesConfig { slippage_bps: 0.0, ..FuturesConfig::default() };
        let rules = vec![SymbolRules::of(&instrument(0)), SymbolRules::of(&instrument(1))];
        let mut venue = Futures::new(config, rules).unwrap();
        for account in accounts {
            venue.open_account(Nanos::ZERO, *account).unwrap();
        }
        Self { venue, now: Nanos::ZERO, reports: Vec::new() }
    }

    /// Minute 0 opened and closed at `px`, and minute 1 opened there.
    pub fn at(accounts: &[AccountConfig], px: &str) -> Self {
        let mut fair = Self::new(accounts);
        fair.open(px);
        fair.candle(px, px, px, px);
        fair.open(px);
        fair.reports.clear();
        fair
    }

    pub fn tick(&mut self, symbol: SymbolId, body: TickBody) {
        let tick = Tick { symbol, derived: false, at: self.now, received_us: 0, body };
        self.venue.on_market(self.now, &tick, &mut self.reports);
    }

    pub fn open(&mut self, open: &str) {
        self.tick(S, TickBody::Open { px: px(open), funding: None });
    }

    /// Closes the minute that began at `now`; afterwards it is the next minute.
    pub fn candle(&mut self, o: &str, h: &str, l: &str, c: &str) {
        self.now = self.now.floor(Nanos::MINUTE).after(Nanos::MINUTE);
        self.tick(
            S,
            TickBody::Candle { open: px(o), high: px(h), low: px(l), close: px(c), volume: 1.0 },
        );
    }

    pub fn book(&mut self, bid: (&str, &str), ask: (&str, &str)) {
        let body = TickBody::Book {
            bid: px(bid.0),
            bid_qty: qty(bid.1),
            ask: px(ask.0),
            ask_qty: qty(ask.1),
            update_id: 0,
        };
        self.tick(S, body);
    }

    pub fn trade(&mut self, price: &str, quantity: &str, buyer_is_maker: bool) {
        self.tick(S, TickBody::Trade { px: px(price), qty: qty(quantity), id: 0, buyer_is_maker });
    }

    pub fn mark(&mut self, price: &str) {
        let mark = px(price);
        let next_funding = Nanos::ZERO;
        self.tick(S, TickBody::Mark { mark, index: mark, rate: rate("0"), next_funding });
    }

    pub fn depth(&mut self, snapshot: bool, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
        let levels = |side: &[(&str, &str)]| -> Vec<(Px, Qty)> {
            side.iter().map(|(p, q)| (px(p), qty(q))).collect()
        };
        let (bids, asks) = (levels(bids), levels(asks));
        let update = DepthUpdate { snapshot, bids: &bids, asks: &asks };
        self.venue.on_depth(self.now, S, &update, &mut self.reports);
    }

    pub fn try_place(
        &mut self,
        account: AccountId,
        request: &OrderRequest,
    ) -> Result<OrderRecord, Refusal> {
        self.venue.place(self.now, account, request, &mut self.reports)
    }

    pub fn place(&mut self, account: AccountId, request: &OrderRequest) -> OrderRecord {
        self.try_place(account, request).unwrap()
    }

    pub fn market(&mut self, account: AccountId, side: Side, quantity: &str) -> OrderRecord {
        self.place(account, &OrderRequest::market(S, side, qty(quantity)))
    }

    pub fn limit(&mut self, account: AccountId, side: Side, q: &str, price: &str) -> OrderRecord {
        self.place(account, &OrderRequest::limit(S, side, qty(q), px(price)))
    }

    pub fn try_algo(
        &mut self,
        account: AccountId,
        request: &AlgoRequest,
    ) -> Result<AlgoRecord, Refusal> {
        self.venue.place_algo(self.now, account, request, &mut self.reports)
    }

    /// A stop or target that closes the whole position.
    pub fn closing(&mut self, kind: AlgoKind, side: Side, trigger: &str) -> AlgoRecord {
        let request = AlgoRequest {
            close_position: true,
            ..AlgoRequest::conditional(S, kind, side, px(trigger))
        };
        self.try_algo(ME, &request).unwrap()
    }

    pub fn position(&self, account: AccountId) -> PositionRecord {
        self.venue.positions(account, Some(S)).unwrap()[0]
    }

    pub fn side(&self, account: AccountId, side: PositionSide) -> PositionRecord {
        let all = self.venue.positions(account, Some(S)).unwrap();
        *all.iter().find(|position| position.position_side == side).unwrap()
    }

    pub fn wallet(&self, account: AccountId) -> Money {
        self.venue.account(account).unwrap().wallet
    }

    /// Reports of fills since they were last taken.
    pub fn fills(&mut self) -> Vec<OrderReport> {
        std::mem::take(&mut self.reports)
            .into_iter()
            .filter_map(|report| match report {
                Report::Order(report)
                    if matches!(
                        report.execution,
                        ExecutionKind::Trade | ExecutionKind::Calculated
                    ) =>
                {
                    Some(report)
                }
                _ => None,
            })
            .collect()
    }

    /// The executions that were reported of an order, in order, since reports were last taken.
    pub fn story(&self, id: u64) -> Vec<ExecutionKind> {
        self.reports
            .iter()
            .filter_map(|report| match report {
                Report::Order(report) if report.order.id == id => Some(report.execution),
                _ => None,
            })
            .collect()
    }
}

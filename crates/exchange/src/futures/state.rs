//! What the venue holds: desks of symbols, accounts, and an account's seat at each desk.

use super::config::AccountConfig;
use super::names::{MarginType, PositionSide};
use super::record::{AlgoRecord, FuturesLedger, IncomeRecord, OrderRecord, TradeRecord};
use crate::book::{Book, Handle};
use crate::matching::Market;
use crate::position::VenuePosition;
use aegis_types::{Money, Nanos, OutOfRange, Px, Qty, Rate, Side};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// One symbol's market, and the resting orders of all accounts.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub market: Market,
    /// Newest price at which the market traded.
    pub last: Option<Px>,
    pub index: Option<Px>,
    /// Of a mark series, or the rate charged last.
    pub funding_rate: Rate,
    pub next_funding: Nanos,
    pub funded_rate: Rate,
    /// The data shows trades; then only they move the last price.
    pub traded: bool,
    /// Recorded levels, the best first.
    pub bids: Vec<(Px, Qty)>,
    pub asks: Vec<(Px, Qty)>,
    /// The levels are more than the touch.
    pub deep: bool,
    pub book: Book,
    /// Trades so far; the number of the last one.
    pub trades: u64,
    /// Orders wait for the next fact to be filled further.
    pub pending: bool,
}

impl Desk {
    pub fn new(book_orders_max: usize) -> Self {
        Self {
            market: Market::new(),
            last: None,
            index: None,
            funding_rate: Rate::ZERO,
            next_funding: Nanos::ZERO,
            funded_rate: Rate::ZERO,
            traded: false,
            bids: Vec::new(),
            asks: Vec::new(),
            deep: false,
            book: Book::new(book_orders_max),
            trades: 0,
            pending: false,
        }
    }

    pub fn levels(&self, side: Side) -> &[(Px, Qty)] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub fn levels_mut(&mut self, side: Side) -> &mut Vec<(Px, Qty)> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Are there recorded levels to walk?
    pub fn recorded(&self) -> bool {
        !(self.bids.is_empty() && self.asks.is_empty())
    }

    /// The mark: of the data, else the newest price.
    pub fn mark(&self) -> Option<Px> {
        self.market.mark.or(self.last).or(self.market.touch.map(|touch| touch.sell))
    }

    /// Quantity recorded at a price.
    pub fn shown_at(&self, side: Side, px: Px) -> Qty {
        self.levels(side).iter().find(|level| level.0 == px).map_or(Qty::ZERO, |level| level.1)
    }
}

/// A position, and what it brought so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub position: VenuePosition,
    /// Realised since it was opened, before fees.
    pub realized: Money,
    /// Fees since it was opened.
    pub fees: Money,
    pub updated: Nanos,
    /// Its owner was warned.
    pub called: bool,
}

impl Held {
    /// Quantity, negative when short.
    pub fn signed(&self) -> Qty {
        Qty::from_raw(self.position.qty.raw() * self.position.side.sign())
    }

    /// Price at which everything paid for it so far comes back, before the fee of closing.
    pub fn break_even_px(&self) -> Px {
        let spent = self.fees.raw().saturating_sub(self.realized.raw());
        let cost = self.position.cost.raw().saturating_add(spent * self.position.side.sign());
        Money::from_raw(cost).over_qty(self.position.qty).unwrap_or(Px::ZERO)
    }
}

/// An open order.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenOrder {
    pub record: OrderRecord,
    /// Its place in the book; none while it takes.
    pub handle: Option<Handle>,
    /// What of the wallet it binds.
    pub reserved: Money,
    /// Recorded quantity that is matched before it at its price.
    pub ahead: Qty,
    /// Waits for the next fact to be filled further.
    pub pending: bool,
    /// When it came, or came again.
    pub came: Nanos,
}

/// A waiting conditional order.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenAlgo {
    pub record: AlgoRecord,
    /// Best price since a trailing stop was activated.
    pub peak: Px,
    /// Where a trailing stop was hit by the fact at work.
    pub hit: Option<Px>,
}

/// What an account has at one symbol.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub leverage: u16,
    pub margin_type: MarginType,
    /// The only position and none, or long and short.
    pub held: [Option<Held>; 2],
    /// By id.
    pub orders: Vec<OpenOrder>,
    /// By id.
    pub algos: Vec<OpenAlgo>,
    pub countdown: Option<Nanos>,
}

/// Place of a position side among an account's two positions of a symbol.
pub(super) const fn slot(side: PositionSide) -> usize {
    match side {
        PositionSide::Both | PositionSide::Long => 0,
        PositionSide::Short => 1,
    }
}

impl Seat {
    pub fn new(leverage: u16, margin_type: MarginType) -> Self {
        Self {
            leverage,
            margin_type,
            held: [None, None],
            orders: Vec::new(),
            algos: Vec::new(),
            countdown: None,
        }
    }

    pub fn is_quiet(&self) -> bool {
        self.orders.is_empty() && self.algos.is_empty() && !self.is_holding()
    }

    pub fn is_holding(&self) -> bool {
        self.held.iter().any(Option::is_some)
    }

    pub fn is_cross(&self) -> bool {
        self.margin_type == MarginType::Crossed
    }

    /// What an order of this side and for this position could close.
    pub fn reducible(&self, position_side: PositionSide, side: Side) -> Qty {
        self.held[slot(position_side)]
            .filter(|held| held.position.side != side)
            .map_or(Qty::ZERO, |held| held.position.qty)
    }

    /// Notionals of open buys and sells.
    pub fn open_notionals(&self) -> (Money, Money) {
        self.orders.iter().fold((Money::ZERO, Money::ZERO), |(bids, asks), open| {
            let record = &open.record;
            let notional = (record.price * record.leaves()).unwrap_or(Money::MAX);
            match record.side {
                Side::Buy => (bids.saturating_plus(notional), asks),
                Side::Sell => (bids, asks.saturating_plus(notional)),
            }
        })
    }

    pub fn order(&self, id: u64) -> Option<usize> {
        self.orders.binary_search_by_key(&id, |open| open.record.id).ok()
    }
}

/// An account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub config: AccountConfig,
    pub ledger: FuturesLedger,
    /// What the ledger adds up to.
    pub wallet: Money,
    /// Sum of the isolated margins.
    pub posted: Money,
    /// Sum of what open orders bind.
    pub reserved: Money,
    pub seats: Vec<Seat>,
    /// Waiting conditional orders over all symbols.
    pub algos_open: usize,
    pub rejects: Vec<(Option<u64>, &'static str)>,
    /// Conditional orders of which only a fraction will fill.
    pub partials: Vec<(u64, Rate)>,
    /// Its owner was warned about the cross positions.
    pub called: bool,
    pub updated: Nanos,
    pub orders: VecDeque<OrderRecord>,
    pub algos: VecDeque<AlgoRecord>,
    pub trades: VecDeque<TradeRecord>,
    pub income: VecDeque<IncomeRecord>,
}

impl Account {
    pub fn cross_wallet(&self) -> Money {
        Money::from_raw(self.wallet.raw().saturating_sub(self.posted.raw()))
    }
}

impl FuturesLedger {
    /// The wallet balance.
    ///
    /// # Errors
    /// [`OutOfRange`] when a sum does not fit.
    pub fn wallet(&self) -> Result<Money, OutOfRange> {
        self.deposits
            .plus(self.realized)?
            .minus(self.fees)?
            .plus(self.funding)?
            .minus(self.liquidation_fees)
    }
}

/// Appends to a history that forgets its oldest entry when it is full.
pub(super) fn remember<T>(history: &mut VecDeque<T>, entry: T, most: usize) {
    if history.len() >= most {
        history.pop_front();
    }
    history.push_back(entry);
}

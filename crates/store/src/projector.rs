//! Turns the engine's notices into rows. Same notices, same rows: nothing else goes in.

use crate::row::{Key, OrderState, OrderStatus, Row, SessionRow};
use aegis_types::{
    ClientOrderId, Fill, Money, Nanos, Notice, Order, OrderUpdate, Position, Qty, SymbolId,
    SymbolTable,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finished orders kept for late news (a fill after a cancel); the oldest go first.
const FINISHED_MAX: usize = 4_096;

/// Projects one session. It must see every notice from the session's start, in order, because an
/// order's row holds all that happened to the order; [`crate::Backlog`] says from which sequence on
/// the rows are wanted again.
#[derive(Debug)]
pub struct Projector {
    session: Arc<str>,
    symbols: Vec<Arc<str>>,
    unknown: Arc<str>,
    first: Option<Row>,
    seq: Option<u64>,
    n: u32,
    orders: BTreeMap<u32, OrderState>,
    finished: usize,
    positions: BTreeMap<SymbolId, Position>,
}

impl Projector {
    /// Of a session with these symbols; its own row comes with the first notice.
    pub fn new(session: &str, symbols: &SymbolTable, row: SessionRow) -> Self {
        let session: Arc<str> = session.into();
        let first = Row::Session {
            session: Arc::clone(&session),
            symbols: symbols.names().join(",").into(),
            row: Box::new(row),
        };
        Self {
            session,
            symbols: symbols.names().iter().map(|n| n.as_str().into()).collect(),
            unknown: "?".into(),
            first: Some(first),
            seq: None,
            n: 0,
            orders: BTreeMap::new(),
            finished: 0,
            positions: BTreeMap::new(),
        }
    }

    /// Appends the rows that one notice makes (often none) to `rows`; `seq` and `at` are those of
    /// the event that caused it.
    pub fn notice(&mut self, at: Nanos, seq: u64, notice: &Notice, rows: &mut Vec<Row>) {
        rows.extend(self.first.take());
        // Only notices with rows are counted: a subscriber that hears fewer topics makes the same
        // keys as a rebuild that hears all.
        if !makes_rows(notice) {
            return;
        }
        if self.seq == Some(seq) {
            self.n += 1;
        } else {
            (self.seq, self.n) = (Some(seq), 0);
        }
        let key = Key { session: Arc::clone(&self.session), seq, n: self.n, at };
        match notice {
            Notice::Signal(signal) => rows.push(Row::Signal {
                key,
                symbol: self.name(signal.symbol),
                signal: Box::new(*signal),
            }),
            Notice::Denied { denial, confidence, side } => rows.push(Row::Denial {
                key,
                symbol: self.name(denial.symbol),
                denial: *denial,
                side: *side,
                confidence: *confidence,
            }),
            Notice::OrderSent(order) => self.sent(key, order, rows),
            Notice::OrderUpdated { id, symbol, update } => {
                self.updated(key, *id, *symbol, update, rows);
            }
            Notice::Filled { fill, reason } => {
                rows.push(Row::Fill {
                    key: key.clone(),
                    symbol: self.name(fill.symbol),
                    fill: Box::new(*fill),
                    reason: *reason,
                });
                self.filled(key, fill, rows);
            }
            Notice::Position(position) => {
                self.positions.insert(position.symbol, *position);
                rows.push(self.position(key, *position, true));
            }
            Notice::Closed(trade) => {
                if let Some(last) = self.positions.remove(&trade.symbol) {
                    let fees = trade.fees;
                    let (qty, unrealized) = (Qty::ZERO, Money::ZERO);
                    let funding = trade.funding;
                    let flat = Position { qty, unrealized, fees, funding, ..last };
                    rows.push(self.position(key.clone(), flat, false));
                }
                let symbol = self.name(trade.symbol);
                let boxed = Box::new(*trade);
                rows.push(Row::Experience {
                    key: key.clone(),
                    symbol: Arc::clone(&symbol),
                    trade: boxed.clone(),
                });
                rows.push(Row::Trade { key, symbol, trade: boxed });
            }
            Notice::Equity { wallet, unrealized, exposure, positions } => rows.push(Row::Equity {
                key,
                wallet: *wallet,
                unrealized: *unrealized,
                exposure: *exposure,
                positions: *positions,
            }),
            Notice::Candle(_)
            | Notice::Structure { .. }
            | Notice::Account(_)
            | Notice::Trading { .. }
            | Notice::Alert(_) => {}
        }
    }

    fn name(&self, symbol: SymbolId) -> Arc<str> {
        Arc::clone(self.symbols.get(symbol.index()).unwrap_or(&self.unknown))
    }

    fn position(&self, key: Key, position: Position, open: bool) -> Row {
        let symbol = self.name(position.symbol);
        Row::Position { key, symbol, position: Box::new(position), open }
    }

    fn sent(&mut self, key: Key, order: &Order, rows: &mut Vec<Row>) {
        let state = OrderState {
            order: *order,
            sent_at: key.at,
            status: OrderStatus::Sent,
            reject: None,
            filled: Qty::ZERO,
            filled_quote: Money::ZERO,
        };
        self.orders.insert(order.id.number, state);
        rows.push(Row::Order { key, symbol: self.name(order.symbol), state: Box::new(state) });
    }

    fn updated(
        &mut self,
        key: Key,
        id: ClientOrderId,
        symbol: SymbolId,
        update: &OrderUpdate,
        rows: &mut Vec<Row>,
    ) {
        let status = match update {
            OrderUpdate::Accepted => OrderStatus::Accepted,
            OrderUpdate::Rejected { .. } => OrderStatus::Rejected,
            // Fills come as their own notice, with the reason of the order.
            OrderUpdate::Filled { .. } => return,
            OrderUpdate::Canceled => OrderStatus::Canceled,
            OrderUpdate::Expired => OrderStatus::Expired,
            OrderUpdate::Unknown => OrderStatus::Unknown,
        };
        let reject = match update {
            OrderUpdate::Rejected { code } => Some(*code),
            _ => None,
        };
        self.change(key, id, symbol, rows, |state| {
            // An acknowledgement that arrives after a fill does not undo it.
            let late = status == OrderStatus::Accepted && state.filled.is_positive();
            if !late {
                state.status = status;
            }
            state.reject = reject.or(state.reject);
        });
    }

    fn filled(&mut self, key: Key, fill: &Fill, rows: &mut Vec<Row>) {
        self.change(key, fill.order, fill.symbol, rows, |state| {
            state.filled = state.filled.saturating_plus(fill.qty);
            let notional = (fill.px * fill.qty).unwrap_or(Money::MAX);
            state.filled_quote = state.filled_quote.saturating_plus(notional);
            if fill.leaves.is_zero() {
                state.status = OrderStatus::Filled;
            } else if !state.status.is_final() {
                state.status = OrderStatus::PartlyFilled;
            }
        });
    }

    /// Changes an order's state and writes its row; orders that are not ours have no row.
    fn change(
        &mut self,
        key: Key,
        id: ClientOrderId,
        symbol: SymbolId,
        rows: &mut Vec<Row>,
        change: impl FnOnce(&mut OrderState),
    ) {
        let Some(state) = self.orders.get_mut(&id.number).filter(|s| s.order.id == id) else {
            return;
        };
        let before = state.status.is_final();
        change(state);
        let state = *state;
        if state.status.is_final() && !before {
            self.finished += 1;
        }
        rows.push(Row::Order { key, symbol: self.name(symbol), state: Box::new(state) });
        if self.finished > 2 * FINISHED_MAX {
            self.forget();
        }
    }

    /// Drops the oldest half of the finished orders.
    fn forget(&mut self) {
        let mut surplus = self.finished - FINISHED_MAX;
        let finished = &mut self.finished;
        self.orders.retain(|_, state| {
            let drop = surplus > 0 && state.status.is_final();
            surplus -= usize::from(drop);
            *finished -= usize::from(drop);
            !drop
        });
    }
}

const fn makes_rows(notice: &Notice) -> bool {
    !matches!(
        notice,
        Notice::Candle(_)
            | Notice::Structure { .. }
            | Notice::Account(_)
            | Notice::Trading { .. }
            | Notice::Alert(_)
    )
}

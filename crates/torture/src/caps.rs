//! What an entry may cost: leverage and exposure by the witness' own books, held against the caps
//! of the settings.

use crate::violation::{Invariant, Violation};
use aegis_engine::EngineConfig;
use aegis_types::{AccountUpdate, Fill, Order, SymbolId};

/// Prices of the engine are newer than the closes that the witness knows, and may move between its
/// judgement and the entry: above the cap by so much is none of that.
const SLACK: f64 = 1.1;

/// What is held of a symbol, as far as money is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Book {
    /// Signed quantity, and what it cost.
    qty: f64,
    cost: f64,
    /// Leverage, once it was told.
    leverage: Option<u16>,
}

/// The books of all symbols.
#[derive(Clone, Debug)]
pub struct Caps {
    cap: f64,
    wallet: f64,
    /// Realised and not yet in a wallet that was told.
    unsettled: f64,
    books: Vec<Book>,
}

impl Caps {
    /// Of a run in which the rules trade.
    pub fn new(config: &EngineConfig, symbols: usize) -> Self {
        Self {
            cap: config.leverage_max_teacher,
            wallet: 0.0,
            unsettled: 0.0,
            books: vec![Book::default(); symbols],
        }
    }

    /// The account has changed.
    pub fn account(&mut self, update: &AccountUpdate) {
        match *update {
            AccountUpdate::Wallet { balance } => {
                (self.wallet, self.unsettled) = (balance.to_f64(), 0.0);
            }
            AccountUpdate::Leverage { symbol, leverage } => {
                if let Some(book) = self.books.get_mut(symbol.index()) {
                    book.leverage = Some(leverage);
                }
            }
            AccountUpdate::Funding { .. }
            | AccountUpdate::Position { .. }
            | AccountUpdate::Filters { .. } => {}
        }
    }

    /// A fill was told.
    pub fn filled(&mut self, fill: &Fill) {
        let Some(book) = self.books.get_mut(fill.symbol.index()) else { return };
        let change = fill.qty.to_f64() * fill.side.sign() as f64;
        let px = fill.px.to_f64();
        // What is closed leaves at what it had cost; what is more than that opens.
        let closed = if book.qty * change < 0.0 { change.abs().min(book.qty.abs()) } else { 0.0 };
        if closed > 0.0 {
            let share = closed / book.qty.abs();
            self.unsettled += share * (book.qty * px - book.cost);
            book.cost *= 1.0 - share;
        }
        book.cost += change.signum() * (change.abs() - closed) * px;
        book.qty += change;
        self.unsettled -= fill.fee.to_f64();
    }

    /// An entry leaves: what is wrong with it. `entering` is what entries may still fill of a
    /// symbol, this one included; `close` its newest price.
    pub fn entry(
        &self,
        order: &Order,
        entering: impl Fn(SymbolId) -> f64,
        close: impl Fn(SymbolId) -> f64,
    ) -> Option<Violation> {
        let wrong = |what: String| Some(Violation::new(Invariant::I2, what));
        let (number, cap) = (order.id.number, self.cap);
        match self.books.get(order.symbol.index()).and_then(|book| book.leverage) {
            None => return wrong(format!("entry {number} leaves before any leverage was told")),
            Some(leverage) if f64::from(leverage) > cap => {
                return wrong(format!("entry {number} at leverage {leverage}, allowed is {cap}"));
            }
            Some(_) => {}
        }
        let (mut equity, mut notional) = (self.wallet + self.unsettled, 0.0);
        for (index, book) in self.books.iter().enumerate() {
            let symbol = SymbolId(index as u16);
            equity += book.qty * close(symbol) - book.cost;
            notional += (book.qty.abs() + entering(symbol)) * close(symbol);
        }
        (notional > equity * cap * SLACK)
            .then(|| format!("entry {number}: {notional:.0} of {equity:.0}, allowed is {cap} fold"))
            .and_then(wrong)
    }
}

//! What fills, fees and funding have made of each position and of the account, to the last digit:
//! kept from the journal, and held against what the engine has booked.

use crate::violation::{Invariant, Violation};
use aegis_types::{AccountUpdate, Fill, Money, Position, Qty, Side, SymbolId, Trade};

/// A position from its first fill on, until its trade is told.
#[derive(Clone, Copy, Debug, Default)]
struct Book {
    /// Side of the first fill; none before it.
    side: Option<Side>,
    entered: Qty,
    gross: Money,
    fees: Money,
    funding: Money,
}

/// The books of all symbols and of the account.
#[derive(Clone, Debug)]
pub struct Books {
    of: Vec<Book>,
    wallet: Option<Money>,
    /// Booked and not yet in a wallet that was told.
    unsettled: Money,
}

fn wrong(what: String) -> Option<Violation> {
    Some(Violation::new(Invariant::I18, what))
}

impl Books {
    /// Of so many symbols.
    pub fn new(symbols: usize) -> Self {
        Self { of: vec![Book::default(); symbols], wallet: None, unsettled: Money::ZERO }
    }

    /// The account has changed.
    pub fn account(&mut self, update: &AccountUpdate) {
        match *update {
            AccountUpdate::Wallet { balance } => {
                (self.wallet, self.unsettled) = (Some(balance), Money::ZERO);
            }
            AccountUpdate::Funding { symbol, amount, .. } => {
                self.unsettled = self.unsettled.saturating_plus(amount);
                // What is charged once the trade was told is of no trade any more.
                if let Some(book) = self.of.get_mut(symbol.index()).filter(|b| b.side.is_some()) {
                    book.funding = book.funding.saturating_plus(amount);
                }
            }
            AccountUpdate::Leverage { .. }
            | AccountUpdate::Position { .. }
            | AccountUpdate::Filters { .. } => {}
        }
    }

    /// A fill was told.
    pub fn filled(&mut self, fill: &Fill) {
        let Some(book) = self.of.get_mut(fill.symbol.index()) else { return };
        let side = *book.side.get_or_insert(fill.side);
        if side == fill.side {
            book.entered = book.entered.saturating_plus(fill.qty);
        }
        book.gross = book.gross.saturating_plus(fill.realized);
        book.fees = book.fees.saturating_plus(fill.fee);
        self.unsettled = self.unsettled.saturating_plus(fill.realized).saturating_plus(-fill.fee);
    }

    /// The engine tells a trade: what is wrong with it.
    pub fn closed(&mut self, trade: &Trade) -> Option<Violation> {
        let book = std::mem::take(self.of.get_mut(trade.symbol.index())?);
        let net = book.gross.saturating_plus(-book.fees).saturating_plus(book.funding);
        let ours = (book.side, book.entered, [book.gross, book.fees, book.funding, net]);
        let told =
            (Some(trade.side), trade.qty, [trade.gross, trade.fees, trade.funding, trade.net]);
        if ours == told {
            return None;
        }
        wrong(format!(
            "trade {} of symbol {} is told as {told:?}, its fills make {ours:?} (side, quantity, \
             gross, fees, funding, net)",
            trade.number, trade.symbol.0,
        ))
    }

    /// What the engine has booked of open positions and of the account: what is wrong with it.
    /// `held` is what the fills make of a symbol, negative when short.
    pub fn differ<'a>(
        &self,
        positions: impl Iterator<Item = &'a Position>,
        cash: Money,
        held: impl Fn(SymbolId) -> Qty,
    ) -> Option<Violation> {
        let mut rest: Vec<Qty> = (0..self.of.len()).map(|i| held(SymbolId(i as u16))).collect();
        for position in positions {
            let Position { symbol, side, qty, fees, funding, .. } = *position;
            let Some(book) = self.of.get(symbol.index()) else { continue };
            let signed = Qty::from_raw(qty.raw() * side.sign());
            rest[symbol.index()] = rest[symbol.index()].saturating_plus(-signed);
            if (fees, funding) != (book.fees, book.funding) {
                let (ours, theirs) = (book.fees, book.funding);
                return wrong(format!(
                    "symbol {}: the engine has fees {fees} and funding {funding}, its journal \
                     {ours} and {theirs}",
                    symbol.0,
                ));
            }
        }
        if let Some(index) = rest.iter().position(|qty| !qty.is_zero()) {
            let (held, beyond) = (held(SymbolId(index as u16)), rest[index]);
            return wrong(format!(
                "symbol {index}: its fills make {held}, the engine has {beyond} less",
            ));
        }
        let ours = self.wallet?.saturating_plus(self.unsettled);
        if ours == cash {
            return None;
        }
        wrong(format!("the engine reckons with {cash}, its journal makes {ours}"))
    }
}

//! What the node believes: its journal, read from the first record to the last.

use aegis_backtest::Session;
use aegis_journal::{Kind, Reader};
use aegis_types::{
    AccountUpdate, ClientOrderId, Command, Event, EventBody, Fill, Money, Nanos, Order,
    OrderUpdate, Qty, SymbolId, SymbolTable,
};
use std::collections::BTreeMap;
use std::path::Path;

/// An order as the journal tells it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// As the engine asked for it.
    pub order: Order,
    /// When.
    pub at: Nanos,
    /// When the venue's yes was heard.
    pub accepted: Option<Nanos>,
    /// When its end was heard: filled, taken back, expired or refused.
    pub ended: Option<Nanos>,
    /// The last word was that nobody knows.
    pub unknown: bool,
    /// Filled so far.
    pub filled: Qty,
}

/// A fill and when it was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// Engine time.
    pub at: Nanos,
    /// The fill.
    pub fill: Fill,
}

/// Everything that matters here.
#[derive(Debug)]
pub struct Belief {
    /// Names of the symbols.
    pub symbols: SymbolTable,
    /// Orders by id.
    pub orders: BTreeMap<ClientOrderId, Sent>,
    /// Fills in the order in which they were heard.
    pub fills: Vec<Heard>,
    /// The last word on the wallet.
    pub wallet: Option<Money>,
    /// Time of the last event.
    pub until: Nanos,
    /// Records read.
    pub records: u64,
}

impl Belief {
    /// Reads a journal's folder.
    ///
    /// # Errors
    /// When it cannot be read, or a record is none of this version.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let failed = |what: &dyn std::fmt::Display| format!("{}: {what}", folder.display());
        let mut reader = Reader::open(folder).map_err(|error| failed(&error))?;
        let session: Session =
            serde_json::from_slice(reader.header()).map_err(|error| failed(&error))?;
        let mut belief = Self::of(session.symbols);
        while let Some(record) = reader.next().map_err(|error| failed(&error))? {
            belief.records += 1;
            match record.kind {
                Kind::Header | Kind::Node => {}
                Kind::Command => {
                    let (at, command) =
                        Command::decode(record.payload).map_err(|error| failed(&error))?;
                    belief.command(at, &command);
                }
                _ => belief.event(&Event::decode(record.payload).map_err(|e| failed(&e))?),
            }
        }
        Ok(belief)
    }

    /// Nothing yet.
    pub fn of(symbols: SymbolTable) -> Self {
        Self {
            symbols,
            orders: BTreeMap::new(),
            fills: Vec::new(),
            wallet: None,
            until: Nanos::ZERO,
            records: 0,
        }
    }

    /// Takes a command.
    pub fn command(&mut self, at: Nanos, command: &Command) {
        if let Command::Submit { order } = command {
            let sent = Sent {
                order: *order,
                at,
                accepted: None,
                ended: None,
                unknown: false,
                filled: Qty::ZERO,
            };
            self.orders.insert(order.id, sent);
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        self.until = self.until.max(event.at);
        match &event.body {
            EventBody::Order { id, update, .. } => self.update(event.at, *id, update),
            EventBody::Account(AccountUpdate::Wallet { balance }) => self.wallet = Some(*balance),
            _ => {}
        }
    }

    fn update(&mut self, at: Nanos, id: ClientOrderId, update: &OrderUpdate) {
        if let OrderUpdate::Filled { fill } = update {
            self.fills.push(Heard { at, fill: *fill });
        }
        let Some(sent) = self.orders.get_mut(&id) else { return };
        sent.unknown = matches!(update, OrderUpdate::Unknown);
        match update {
            OrderUpdate::Accepted => sent.accepted = sent.accepted.or(Some(at)),
            OrderUpdate::Filled { fill } => {
                sent.accepted = sent.accepted.or(Some(at));
                sent.filled = sent.filled.saturating_plus(fill.qty);
                if fill.leaves.is_zero() {
                    sent.ended = Some(at);
                }
            }
            OrderUpdate::Rejected { .. } | OrderUpdate::Canceled | OrderUpdate::Expired => {
                sent.ended = Some(at);
            }
            OrderUpdate::Unknown => {}
        }
    }

    /// Signed positions that are not zero, from the fills.
    pub fn positions(&self) -> BTreeMap<SymbolId, Qty> {
        let mut positions: BTreeMap<SymbolId, Qty> = BTreeMap::new();
        for Heard { fill, .. } in &self.fills {
            let position = positions.entry(fill.symbol).or_default();
            *position = position.saturating_plus(super::signed(fill.side, fill.qty));
        }
        positions.retain(|_, qty| !qty.is_zero());
        positions
    }
}

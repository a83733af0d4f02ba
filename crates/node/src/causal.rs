//! Step machine: tells a venue's answers no earlier than the facts that caused them.
//!
//! Answers and market facts come by different sockets. Where the exchange waits for us (it is
//! stepped), an answer can be put where it happened: a fill at the open of a symbol's minute is
//! told right before that open, as the simulated exchange inside the brain would have told it. Then
//! a decision does not depend on which socket was faster.

use aegis_types::{
    AccountUpdate, Answers, EventBody, Nanos, OrderUpdate, SymbolId, Tick, TickBody,
};
use std::collections::VecDeque;

/// An answer that waits for a fact of its symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Held {
    symbol: SymbolId,
    /// Exchange time of the answer.
    at: Nanos,
    body: EventBody,
}

/// Answers in the order in which they happened.
#[derive(Clone, Debug)]
pub struct Causal {
    /// By symbol: exchange time up to which its facts were seen.
    seen: Vec<Nanos>,
    held: VecDeque<Held>,
}

/// Exchange time of a fact: a candle closes in the last millisecond of its minute, before the
/// next one opens at the same instant.
fn happened(tick: &Tick) -> Nanos {
    match tick.body {
        TickBody::Candle { .. } => Nanos(tick.at.0 - Nanos::MILLISECOND.0),
        _ => tick.at,
    }
}

impl Causal {
    /// For so many symbols.
    pub fn new(symbols: usize) -> Self {
        Self { seen: vec![Nanos(i64::MIN); symbols], held: VecDeque::new() }
    }

    /// Takes what the venue said, in its order; tells what is not ahead of the facts seen.
    pub fn take(&mut self, said: &mut Answers, answers: &mut Answers) {
        let mut with: Option<(SymbolId, Nanos)> = None;
        for body in said.drain(..) {
            with = self.waits_for(&body, with);
            match with {
                Some((symbol, at)) => self.held.push_back(Held { symbol, at, body }),
                None => answers.push(body),
            }
        }
    }

    /// The fact that an answer waits for, if it does; `with` is what the answer before it waits
    /// for, which the news of the wallet belong to.
    fn waits_for(
        &self,
        body: &EventBody,
        with: Option<(SymbolId, Nanos)>,
    ) -> Option<(SymbolId, Nanos)> {
        match body {
            EventBody::Order { symbol, update: OrderUpdate::Filled { fill }, .. } => {
                let seen = self.seen.get(symbol.index())?;
                let behind = self.waiting(*symbol);
                (fill.venue_time > *seen).then_some((*symbol, fill.venue_time)).or(behind)
            }
            EventBody::Order { symbol, .. } => self.waiting(*symbol),
            // Charged before the fact that it falls due with.
            EventBody::Account(AccountUpdate::Funding { symbol, .. }) => {
                Some((*symbol, Nanos(i64::MIN)))
            }
            EventBody::Account(AccountUpdate::Wallet { .. }) => with,
            _ => None,
        }
    }

    /// What the newest waiting answer of a symbol waits for.
    fn waiting(&self, symbol: SymbolId) -> Option<(SymbolId, Nanos)> {
        self.held.iter().rev().find(|held| held.symbol == symbol).map(|held| (symbol, held.at))
    }

    /// A fact was seen, which tells nothing new.
    pub fn note(&mut self, tick: &Tick) {
        if let Some(seen) = self.seen.get_mut(tick.symbol.index()) {
            *seen = happened(tick).max(*seen);
        }
    }

    /// A fact is about to be seen: tells what happened before it.
    pub fn fact(&mut self, tick: &Tick, answers: &mut Answers) {
        self.note(tick);
        let now = happened(tick);
        self.held.retain(|held| {
            let due = held.symbol == tick.symbol && held.at <= now;
            if due {
                answers.push(held.body);
            }
            !due
        });
    }

    /// Every fact up to the answers held has been seen: tells the rest.
    pub fn rest(&mut self, answers: &mut Answers) {
        answers.extend(self.held.drain(..).map(|held| held.body));
    }

    /// Exchange time up to which a symbol's facts were seen; the far past before the first.
    pub fn seen(&self, symbol: SymbolId) -> Nanos {
        self.seen.get(symbol.index()).copied().unwrap_or(Nanos(i64::MIN))
    }

    /// The same of all symbols.
    pub fn seen_all(&self) -> &[Nanos] {
        &self.seen
    }

    /// Facts were seen up to here by an earlier process.
    pub fn restore(&mut self, seen: &[Nanos]) {
        self.seen.iter_mut().zip(seen).for_each(|(mine, before)| *mine = *before);
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{ClientOrderId, Fill, FillReason, Money, Px, Qty, Side};

    const A: SymbolId = SymbolId(0);
    const B: SymbolId = SymbolId(1);

    fn filled(symbol: SymbolId, at: i64) -> EventBody {
        let id = ClientOrderId { session: 1, number: 1 };
        let fill = Fill {
            order: id,
            trade_id: 1,
            symbol,
            side: Side::Buy,
            maker: false,
            reason: FillReason::NextPrice,
            px: Px::whole(1),
            qty: Qty::whole(1),
            leaves: Qty::ZERO,
            fee: Money::ZERO,
            realized: Money::ZERO,
            margin: Money::ZERO,
            venue_time: Nanos(at),
        };
        EventBody::Order { id, symbol, update: OrderUpdate::Filled { fill } }
    }

    fn wallet(whole: i64) -> EventBody {
        EventBody::Account(AccountUpdate::Wallet { balance: Money::whole(whole) })
    }

    fn tick(symbol: SymbolId, at: i64, closes: bool) -> Tick {
        let px = Px::whole(1);
        let body = if closes {
            TickBody::Candle { open: px, high: px, low: px, close: px, volume: 1.0 }
        } else {
            TickBody::Open { px, funding: None }
        };
        Tick { symbol, derived: false, at: Nanos(at), received_us: 0, body }
    }

    const MINUTE: i64 = Nanos::MINUTE.0;

    #[test]
    fn a_fill_at_an_open_is_told_between_close_and_open_of_its_symbol() {
        let (mut causal, mut out) = (Causal::new(2), Vec::new());
        causal.fact(&tick(A, MINUTE, true), &mut out);
        let mut said = vec![filled(B, MINUTE), wallet(2), filled(A, MINUTE), wallet(1)];
        causal.take(&mut said, &mut out);
        assert!(out.is_empty() && said.is_empty());
        causal.fact(&tick(B, MINUTE, true), &mut out);
        assert!(out.is_empty(), "the close comes before");
        causal.fact(&tick(A, MINUTE, false), &mut out);
        assert_eq!(out, [filled(A, MINUTE), wallet(1)]);
        out.clear();
        causal.fact(&tick(B, MINUTE, false), &mut out);
        assert_eq!(out, [filled(B, MINUTE), wallet(2)]);
        assert!(causal.is_empty());
    }

    #[test]
    fn what_is_behind_the_facts_is_told_at_once_and_a_stop_before_its_candle() {
        let (mut causal, mut out) = (Causal::new(1), Vec::new());
        causal.fact(&tick(A, MINUTE, false), &mut out);
        causal.take(&mut vec![filled(A, MINUTE), wallet(1)], &mut out);
        assert_eq!(out.len(), 2, "the open was seen");
        out.clear();
        let inside = 2 * MINUTE - Nanos::MILLISECOND.0;
        causal.take(&mut vec![filled(A, inside)], &mut out);
        assert!(out.is_empty());
        causal.fact(&tick(A, 2 * MINUTE, true), &mut out);
        assert_eq!(out, [filled(A, inside)]);
    }

    #[test]
    fn an_order_s_news_keep_their_order_and_the_rest_can_be_had() {
        let (mut causal, mut out) = (Causal::new(1), Vec::new());
        let id = ClientOrderId { session: 1, number: 1 };
        let ended = EventBody::Order { id, symbol: A, update: OrderUpdate::Expired };
        causal.take(&mut vec![ended, filled(A, 5), ended], &mut out);
        assert_eq!(out, [ended]);
        out.clear();
        causal.rest(&mut out);
        assert_eq!(out, [filled(A, 5), ended]);
    }
}

//! Step machine: from what is wanted to a request with its parameters.

use super::{Machine, Queued, REQUESTS_MAX};
use crate::client::attempts::Attempt;
use crate::client::ledger::Urgency;
use crate::client::notes::Note;
use crate::client::request::{Params, Purpose, Request, push};
use aegis_types::defect::{self, Defect};
use aegis_types::{ClientOrderId, Nanos, Order, OrderReason, OrderType, Px, Qty, Side, SymbolId};
use aegis_wire::endpoints::Call;

impl Machine {
    /// Queues a request.
    pub(super) fn ask(&mut self, now: Nanos, purpose: Purpose) {
        if self.queue.len() + self.flights.len() >= REQUESTS_MAX {
            self.no_room(purpose);
            return;
        }
        let Some((call, params)) = self.compose(purpose) else { return };
        let urgency = self.urgency(purpose);
        let queued =
            Queued { call, purpose, params, urgency, since: now, blocked_until: Nanos(i64::MIN) };
        self.queue.push(queued);
    }

    /// Queues a request unless the same one already waits or is under way.
    pub(super) fn ask_once(&mut self, now: Nanos, purpose: Purpose) {
        let waits = self.queue.iter().any(|queued| queued.purpose == purpose);
        if !waits && !self.flights.iter().any(|flight| flight.purpose == purpose) {
            self.ask(now, purpose);
        }
    }

    /// The table of requests is full: an order is refused, a question is asked again later.
    fn no_room(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Place(id) => {
                self.scratch.notes.push(Note::Forgotten { id });
                self.attempts.denied(id, &mut self.scratch);
            }
            Purpose::Query(id) => self.attempts.query_failed(Nanos::ZERO, id),
            Purpose::Trades(id) => self.attempts.trades_failed(Nanos::ZERO, id),
            Purpose::Cancel(id) => self.attempts.cancel_failed(Nanos::ZERO, id),
            _ => {}
        }
    }

    fn urgency(&self, purpose: Purpose) -> Urgency {
        match purpose {
            Purpose::Place(id) => match self.attempts.get(id) {
                Some(attempt) if attempt.protects() => Urgency::Exit,
                _ => Urgency::Usual,
            },
            Purpose::Cancel(_) => Urgency::Exit,
            Purpose::Query(_) | Purpose::Trades(_) | Purpose::Time => Urgency::Protect,
            _ => Urgency::Usual,
        }
    }

    /// The endpoint and the parameters; nothing when an order is no longer there.
    fn compose(&self, purpose: Purpose) -> Option<(Call, Params)> {
        let mut params = Params::new();
        let call = match purpose {
            Purpose::Time => Call::Time,
            Purpose::ExchangeInfo => Call::ExchangeInfo,
            Purpose::Brackets => Call::LeverageBracket,
            Purpose::Restrictions => Call::KeyRestrictions,
            Purpose::AccountConfig => Call::AccountConfig,
            Purpose::OneWay => {
                push(&mut params, "dualSidePosition", false);
                Call::SetPositionMode
            }
            Purpose::SymbolConfig(symbol) => {
                if let Some(symbol) = symbol {
                    push(&mut params, "symbol", self.name(symbol));
                }
                Call::SymbolConfig
            }
            Purpose::Isolate(symbol) => {
                push(&mut params, "symbol", self.name(symbol));
                push(&mut params, "marginType", "ISOLATED");
                Call::SetMarginType
            }
            Purpose::Leverage(symbol, leverage) => {
                push(&mut params, "symbol", self.name(symbol));
                push(&mut params, "leverage", leverage);
                Call::SetLeverage
            }
            Purpose::ListenKey => Call::StartUserStream,
            Purpose::RenewKey => Call::KeepUserStream,
            Purpose::Balance => Call::Balance,
            Purpose::Positions => Call::PositionRisk,
            Purpose::OpenOrders => Call::OpenOrders,
            Purpose::OpenAlgoOrders => Call::OpenAlgoOrders,
            Purpose::SymbolTrades(symbol) => {
                push(&mut params, "symbol", self.name(symbol));
                push(&mut params, "limit", 100);
                Call::UserTrades
            }
            Purpose::Whose(symbol, order) => {
                push(&mut params, "symbol", self.name(symbol));
                push(&mut params, "orderId", order);
                Call::QueryOrder
            }
            Purpose::Countdown(symbol, ms) => {
                push(&mut params, "symbol", self.name(symbol));
                push(&mut params, "countdownTime", ms);
                Call::CountdownCancelAll
            }
            Purpose::Place(id) => return self.placement(self.attempts.get(id)?),
            Purpose::Cancel(id) => return self.reference(id, Call::CancelOrder, true),
            Purpose::Query(id) => return self.reference(id, Call::QueryOrder, false),
            Purpose::Trades(id) => return self.fills_of(self.attempts.get(id)?),
        };
        Some((call, params))
    }

    /// What an order's request would be now. It is of no attempt and must never be written.
    pub(in crate::client) fn rehearsal(&self, now: Nanos) -> Option<Request> {
        let order = Order {
            id: ClientOrderId { session: self.config.session, number: u32::MAX },
            symbol: self.config.symbols.ids().next()?,
            side: Side::Buy,
            kind: OrderType::Market,
            reason: OrderReason::Entry,
            reduce_only: false,
            qty: Qty::from_raw(12_345_678),
            price: Px::ZERO,
            trigger: Px::ZERO,
        };
        let (call, params) = self.placement(&Attempt::new(now, &order))?;
        let (purpose, urgency) = (Purpose::Place(order.id), Urgency::Usual);
        let queued = Queued { call, purpose, params, urgency, since: now, blocked_until: now };
        Some(self.draft(now, &queued))
    }

    fn name(&self, symbol: SymbolId) -> &str {
        self.config.symbols.name(symbol)
    }

    fn placement(&self, attempt: &Attempt) -> Option<(Call, Params)> {
        let (order, mut params) = (&attempt.order, Params::new());
        let algo = attempt.is_algo();
        if algo {
            push(&mut params, "algoType", "CONDITIONAL");
        }
        push(&mut params, "symbol", self.name(order.symbol));
        push(&mut params, "side", order.side.order_name());
        push(&mut params, "type", order.kind);
        if order.kind == OrderType::Limit {
            push(&mut params, "timeInForce", "GTC");
        }
        let times = if defect::on(Defect::TenTimes) { 10 } else { 1 };
        push(&mut params, "quantity", Qty::from_raw(order.qty.raw() * times));
        if order.kind == OrderType::Limit {
            push(&mut params, "price", order.price);
        }
        if algo {
            push(&mut params, "triggerPrice", order.trigger);
            let by_mark = self.config.stops_by_mark && order.kind == OrderType::StopMarket;
            push(&mut params, "workingType", if by_mark { "MARK_PRICE" } else { "CONTRACT_PRICE" });
        }
        if order.reduce_only {
            push(&mut params, "reduceOnly", true);
        }
        let name = if algo { "clientAlgoId" } else { "newClientOrderId" };
        push(&mut params, name, order.id);
        if !algo {
            push(&mut params, "newOrderRespType", "RESULT");
        }
        Some((if algo { Call::NewAlgoOrder } else { Call::NewOrder }, params))
    }

    /// A cancel of, or a question about, an order by our id.
    fn reference(&self, id: ClientOrderId, plain: Call, cancel: bool) -> Option<(Call, Params)> {
        let attempt = self.attempts.get(id).map(|a| (a.order.symbol, a.is_algo(), a.actual_id));
        let left = || self.attempts.leftover(id).map(|(symbol, algo)| (symbol, algo, 0));
        let (symbol, algo, made) = attempt.or_else(left)?;
        let mut params = Params::new();
        push(&mut params, "symbol", self.name(symbol));
        if !algo {
            push(&mut params, "origClientOrderId", id);
            return Some((plain, params));
        }
        if !cancel && made > 0 {
            // The condition has come true: what counts is the order that it made.
            push(&mut params, "orderId", made);
            return Some((plain, params));
        }
        let mut params = Params::new();
        push(&mut params, "clientAlgoId", id);
        Some((if cancel { Call::CancelAlgoOrder } else { Call::QueryAlgoOrder }, params))
    }

    fn fills_of(&self, attempt: &Attempt) -> Option<(Call, Params)> {
        let mut params = Params::new();
        push(&mut params, "symbol", self.name(attempt.order.symbol));
        let order = if attempt.is_algo() { attempt.actual_id } else { attempt.exchange_id };
        if order > 0 {
            push(&mut params, "orderId", order);
        }
        Some((Call::UserTrades, params))
    }
}

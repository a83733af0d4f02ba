//! Step machine: what an answer means, by what was asked.

use super::{Machine, Out};
use crate::client::attempts::Refused;
use crate::client::clock;
use crate::client::facts;
use crate::client::ledger::Refusal;
use crate::client::leverage;
use crate::client::listen_key;
use crate::client::notes::Note;
use crate::client::request::{Lane, Loss, Outcome, Purpose, Reply};
use crate::client::startup;
use aegis_types::{AccountUpdate, ClientOrderId, EventBody, Filters, Nanos, SymbolId};
use aegis_wire::errors::{Answer, Class, Hint, Reaction, banned_until, code};
use serde_json::Value;

impl Machine {
    pub(super) fn ended(&mut self, now: Nanos, token: u64, outcome: Outcome<'_>, out: &mut Out) {
        let Some(index) = self.flights.iter().position(|flight| flight.token == token) else {
            return; // given up before
        };
        let flight = self.flights.swap_remove(index);
        if let Purpose::Place(id) = flight.purpose {
            self.gateway.ended(id, &outcome);
        }
        // The question what the key may do goes to another host.
        if flight.purpose != Purpose::Restrictions {
            self.reached(now, flight.sent, &outcome);
        }
        match outcome {
            Outcome::Lost(loss) => self.lost(now, flight.purpose, loss, out),
            Outcome::Reply(reply) => {
                let server = Nanos::from_millis(self.clock.server_ms(now));
                self.ledger.told(server, &reply.meters);
                if (200..300).contains(&reply.status) {
                    self.ledger.answered(server);
                    self.answered(now, flight.purpose, flight.sent, &reply, out);
                } else {
                    self.refused(now, flight.purpose, &reply, out);
                }
            }
        }
    }

    fn lost(&mut self, now: Nanos, purpose: Purpose, loss: Loss, out: &mut Out) {
        match purpose {
            Purpose::Place(id) => {
                if !loss.never_left() {
                    self.counts.unknown += 1;
                }
                self.attempts.lost(now, id, loss, &mut self.scratch);
            }
            Purpose::Cancel(id) if loss.never_left() => self.attempts.cancel_failed(now, id),
            Purpose::Cancel(id) => self.attempts.cancel_in_doubt(now, id),
            _ => self.failed(now, purpose, out),
        }
    }

    /// A read, or a setting, that got no usable answer.
    fn failed(&mut self, now: Nanos, purpose: Purpose, out: &mut Out) {
        match purpose {
            Purpose::Time => self.clock.step(now, clock::Input::Failed, &mut self.clock_wishes),
            Purpose::Query(id) => self.attempts.query_failed(now, id),
            Purpose::Trades(id) => self.attempts.trades_failed(now, id),
            Purpose::ListenKey => self.listen(now, listen_key::Input::NotMade, out),
            Purpose::RenewKey => {
                self.listen(now, listen_key::Input::NotRenewed { gone: false }, out);
            }
            Purpose::Balance
            | Purpose::Positions
            | Purpose::OpenOrders
            | Purpose::OpenAlgoOrders => self.reading.failed(now, purpose),
            Purpose::Isolate(_) | Purpose::Leverage(..) => {
                self.leverage(now, leverage::Input::Lost(purpose), out);
            }
            Purpose::SymbolConfig(Some(symbol)) => {
                self.leverage(now, leverage::Input::Unread(symbol), out);
            }
            // The account asks again while the difference lasts.
            Purpose::SymbolTrades(_) => {}
            Purpose::Whose(symbol, order) => self.attempts.whose_failed(symbol, order),
            Purpose::Countdown(symbol, ms) => self.dead_man.ended(now, symbol, ms, false),
            _ => {
                if purpose == Purpose::ExchangeInfo {
                    self.filters_read(now);
                }
                self.start(now, startup::Input::Lost(purpose));
            }
        }
    }

    fn start(&mut self, now: Nanos, input: startup::Input<'_>) {
        self.startup.step(now, input, &self.config.symbols, &mut self.purposes);
    }

    fn refused(&mut self, now: Nanos, purpose: Purpose, reply: &Reply<'_>, out: &mut Out) {
        let (found, words) = facts::error(reply.body);
        let answer = Answer {
            status: reply.status,
            code: found,
            message: words.as_str(),
            retry_after_s: reply.meters.retry_after_s,
        };
        let write = purpose.lane() == Lane::Orders;
        let reaction = answer.classify(write);
        let refused = Refused { status: reply.status, code: found.unwrap_or(0), words, reaction };
        // The question what the key may do goes to another host, which the demo does not have.
        let other_host = purpose == Purpose::Restrictions;
        if !other_host {
            self.closed(now, &answer, out);
        }
        match purpose {
            Purpose::Place(id) => {
                if reaction.class == Class::Unknown {
                    self.counts.unknown += 1;
                }
                self.attempts.refused(now, id, &refused, &mut self.scratch);
            }
            Purpose::Cancel(id) => self.cancel_refused(now, id, &reaction),
            Purpose::Query(id) if found == Some(code::NO_SUCH_ORDER) => {
                self.attempts.not_found(now, id, &mut self.scratch);
            }
            Purpose::Whose(symbol, order) if found == Some(code::NO_SUCH_ORDER) => {
                let (account, whose) = (&mut self.account, (symbol, order));
                self.attempts.whose(now, whose, None, account, &mut self.scratch);
            }
            Purpose::RenewKey if reaction.hint == Hint::NewListenKey => {
                self.listen(now, listen_key::Input::NotRenewed { gone: true }, out);
            }
            Purpose::Isolate(_) | Purpose::Leverage(..) => {
                self.leverage(now, leverage::Input::Refused(purpose, reaction.class), out);
            }
            Purpose::Brackets
            | Purpose::Restrictions
            | Purpose::AccountConfig
            | Purpose::OneWay
            | Purpose::SymbolConfig(None) => {
                let (status, class) = (reply.status, reaction.class);
                self.start(now, startup::Input::Refused(purpose, status, class, words.as_str()));
                self.doubt_clock(now, &reaction);
            }
            _ => {
                self.failed(now, purpose, out);
                self.doubt_clock(now, &reaction);
            }
        }
        if reaction.class == Class::Stop && found.is_some() && !write && !other_host {
            self.stop(&refused, out);
        }
    }

    /// A key or account that the exchange no longer takes: no more entries.
    fn stop(&mut self, refused: &Refused, out: &mut Out) {
        if !self.attempts.stopped {
            self.attempts.stopped = true;
            out.notes.push(Note::Stop { code: refused.code, words: refused.words });
        }
    }

    fn doubt_clock(&mut self, now: Nanos, reaction: &Reaction) {
        if reaction.class == Class::Clock {
            self.clock.step(now, clock::Input::Doubted, &mut self.clock_wishes);
        }
    }

    /// Over a limit, banned or blocked: nothing goes until that has passed.
    fn closed(&mut self, now: Nanos, answer: &Answer<'_>, out: &mut Out) {
        let retry_after_s = answer.retry_after_s;
        let server = Nanos::from_millis(self.clock.server_ms(now));
        let refusal = match (answer.status, answer.code) {
            (_, Some(code::TOO_MANY_ORDERS)) => return self.ledger.orders_full(server),
            (429, _) => Refusal::TooMany { retry_after_s },
            (418, _) => Refusal::Banned { until_ms: banned_until(answer.message), retry_after_s },
            (403, None) => Refusal::Blocked,
            _ => return,
        };
        let until = self.ledger.refused(server, refusal);
        out.notes.push(Note::Closed { until, status: answer.status });
    }

    fn cancel_refused(&mut self, now: Nanos, id: ClientOrderId, reaction: &Reaction) {
        self.doubt_clock(now, reaction);
        match reaction.class {
            // Gone, or nobody knows: asked for.
            Class::Done | Class::Unknown | Class::Denied | Class::Defect => {
                self.attempts.cancel_in_doubt(now, id);
            }
            _ => self.attempts.cancel_failed(now, id),
        }
    }

    fn answered(
        &mut self,
        now: Nanos,
        purpose: Purpose,
        sent: Nanos,
        reply: &Reply<'_>,
        out: &mut Out,
    ) {
        let Ok(value) = serde_json::from_slice::<Value>(reply.body) else {
            // Done, as its status says, in a form that cannot be read.
            return match purpose {
                Purpose::Place(id) => {
                    self.counts.unknown += 1;
                    let account = &mut self.account;
                    self.attempts.placed(now, id, None, account, &mut self.scratch);
                }
                Purpose::Cancel(id) => self.attempts.cancel_in_doubt(now, id),
                _ => self.failed(now, purpose, out),
            };
        };
        match purpose {
            Purpose::Time => self.time(now, sent, &value),
            Purpose::Place(id) => {
                let fact = self.fact(id, &value);
                let account = &mut self.account;
                self.attempts.placed(now, id, fact.as_ref(), account, &mut self.scratch);
            }
            Purpose::Cancel(id) => {
                let fact = self.fact(id, &value);
                let account = &mut self.account;
                self.attempts.canceled(now, id, fact.as_ref(), account, &mut self.scratch);
            }
            Purpose::Query(id) => self.queried(now, id, &value),
            Purpose::Trades(id) => {
                let trades = self.trades(&value);
                let account = &mut self.account;
                if trades.iter().any(|trade| !account.knows(trade.symbol, trade.id)) {
                    self.suspect = self.suspect.or(Some(now));
                }
                self.attempts.trades(now, id, &trades, account, &mut self.scratch);
            }
            Purpose::SymbolTrades(symbol) => self.symbol_trades(now, symbol, &value),
            Purpose::Whose(symbol, order) => {
                let fact = facts::order(&value, &self.config.symbols);
                let (account, whose) = (&mut self.account, (symbol, order));
                self.attempts.whose(now, whose, fact.as_ref(), account, &mut self.scratch);
            }
            Purpose::Countdown(symbol, ms) => self.dead_man.ended(now, symbol, ms, true),
            Purpose::ListenKey => match facts::text(&value, "listenKey") {
                Some(key) => self.listen(now, listen_key::Input::Made(key), out),
                None => self.listen(now, listen_key::Input::NotMade, out),
            },
            Purpose::RenewKey => self.listen(now, listen_key::Input::Renewed, out),
            Purpose::Balance
            | Purpose::Positions
            | Purpose::OpenOrders
            | Purpose::OpenAlgoOrders => self.account_read(now, purpose, &value, out),
            Purpose::Isolate(_) | Purpose::Leverage(..) => {
                self.leverage(now, leverage::Input::Done(purpose), out);
            }
            Purpose::SymbolConfig(Some(symbol)) => self.read_back(now, symbol, &value, out),
            Purpose::ExchangeInfo
            | Purpose::Brackets
            | Purpose::Restrictions
            | Purpose::AccountConfig
            | Purpose::OneWay
            | Purpose::SymbolConfig(None) => self.started(now, purpose, &value, reply.body, out),
        }
    }

    fn time(&mut self, now: Nanos, sent: Nanos, value: &Value) {
        let input = match facts::whole(value, "serverTime") {
            Some(server_ms) => clock::Input::Sample { sent, server_ms },
            None => clock::Input::Failed,
        };
        let before = self.server(now);
        self.clock.step(now, input, &mut self.clock_wishes);
        let server = self.server(now);
        if server != before {
            self.ledger.clock_set(before, server);
        }
    }

    /// The order that an answer describes, of the service that the order belongs to.
    fn fact(&self, id: ClientOrderId, value: &Value) -> Option<facts::OrderFact> {
        let algo = self.attempts.get(id)?.is_algo();
        let symbols = &self.config.symbols;
        if algo { facts::algo_order(value, symbols) } else { facts::order(value, symbols) }
    }

    fn queried(&mut self, now: Nanos, id: ClientOrderId, value: &Value) {
        let symbols = &self.config.symbols;
        // An order of the algo service is asked for there, or, once triggered, as what it made.
        let fact = facts::order(value, symbols).or_else(|| facts::algo_order(value, symbols));
        match fact {
            Some(fact) => {
                let account = &mut self.account;
                self.attempts.found(now, id, &fact, account, &mut self.scratch);
            }
            None => self.attempts.query_failed(now, id),
        }
    }

    fn trades(&self, value: &Value) -> Vec<facts::Execution> {
        let rows = value.as_array().map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|row| facts::user_trade(row, &self.config.symbols)).collect()
    }

    fn symbol_trades(&mut self, now: Nanos, symbol: SymbolId, value: &Value) {
        let trades = self.trades(value);
        let account = &mut self.account;
        self.attempts.symbol_trades(now, symbol, &trades, account, &mut self.scratch);
    }

    fn read_back(&mut self, now: Nanos, symbol: SymbolId, value: &Value, out: &mut Out) {
        let rows = startup::symbol_configs(value, &self.config.symbols);
        let input = match rows.iter().find(|(other, ..)| *other == symbol) {
            Some((_, leverage, isolated)) => leverage::Input::Read(symbol, *leverage, *isolated),
            None => leverage::Input::Unread(symbol),
        };
        self.leverage(now, input, out);
    }

    fn started(&mut self, now: Nanos, purpose: Purpose, value: &Value, body: &[u8], out: &mut Out) {
        self.start(now, startup::Input::Answer(purpose, value));
        match purpose {
            Purpose::ExchangeInfo => {
                self.exchange_info = body.to_vec();
                self.ledger.limit(self.startup.limits());
                self.filters_read(now);
                self.tell_filters(out);
            }
            Purpose::Brackets => self.brackets = body.to_vec(),
            Purpose::SymbolConfig(None) => {
                let rows = self.startup.leverages().to_vec();
                self.leverage(now, leverage::Input::Known(&rows), out);
                self.listen(now, listen_key::Input::Start, out);
            }
            _ => {}
        }
    }

    fn filters_read(&mut self, now: Nanos) {
        let startup = &self.startup;
        let filters = |symbol| startup.filters(symbol);
        self.attempts.filters_read(now, filters, &mut self.scratch);
        self.attempts.tick(now, &mut self.account, &mut self.scratch);
    }

    /// The engine goes by these filters of a symbol.
    pub fn believes(&mut self, symbol: SymbolId, filters: Filters) {
        if let Some(believed) = self.believed.get_mut(symbol.index()) {
            *believed = Some(filters);
        }
    }

    /// Tells the engine of filters that are not those by which it goes.
    fn tell_filters(&mut self, out: &mut Out) {
        for symbol in self.config.symbols.ids() {
            let Some(filters) = self.startup.filters(symbol) else { continue };
            let Some(believed) = self.believed.get_mut(symbol.index()) else { continue };
            if believed.is_some_and(|before| before != filters) {
                *believed = Some(filters);
                out.notes.push(Note::FiltersChanged { symbol, filters });
                let update = AccountUpdate::Filters { symbol, filters };
                out.answers.push(EventBody::Account(update));
            }
        }
    }
}

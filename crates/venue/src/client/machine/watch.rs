//! Step machine: what is watched all the time: the conditions, and how long ago the exchange last
//! showed the stop of each position.

use super::{Machine, Out};
use crate::client::gateway;
use crate::client::health::{Foreign, OFFSET_MAX, UNEXPLAINED_MAX, UNSYNCED_MAX};
use crate::client::request::{Loss, Outcome, Purpose};
use crate::client::startup::Stage;
use aegis_types::{Cause, Nanos, OrderType};

/// What people and tests see of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Counts of what it has done.
    pub counts: super::Counts,
    /// Counts of the gateway.
    pub gateway: gateway::Counts,
    /// How often the exchange refused to listen: 429, 418, 403.
    pub refusals: u32,
    /// Weight used in the current minute, and its limit.
    pub weight: (u32, u32),
    /// How long ago the exchange last showed the stop of the position whose stop was shown longest
    /// ago, in ms; nothing while nothing is held.
    pub protection_age_ms: Option<i64>,
    /// Outcomes that are not known.
    pub unknown: usize,
    /// Offset of the exchange's clock, in ms.
    pub clock_offset_ms: i64,
    /// Orders and positions on the account that are not ours.
    pub foreign: usize,
    /// How often a condition has begun or ended.
    pub condition_changes: u64,
}

impl Machine {
    /// A restarted session was told that this condition holds.
    pub const fn believed(&mut self, cause: Cause) {
        self.health.believed(cause);
    }

    /// An earlier process of this session has sent orders: what is found may be their doing.
    pub const fn resumed(&mut self) {
        self.resumed = true;
    }

    /// Does this condition hold, as last told?
    pub const fn holds(&self, cause: Cause) -> bool {
        self.health.is_on(cause)
    }

    /// The conditions that hold, as last told.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        self.health.causes()
    }

    /// How requests fare, by how one ended.
    pub(super) fn reached(&mut self, now: Nanos, sent: Nanos, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Reply(reply) if reply.status < 500 && reply.status != 408 => {
                self.reach.answered(now);
            }
            Outcome::Lost(Loss::Stopped | Loss::Capped) => {}
            Outcome::Lost(Loss::NotSent) => self.reach.failed(now),
            Outcome::Reply(_) | Outcome::Lost(_) => self.reach.failed(sent),
        }
    }

    /// Requests that find no connection, and a question for whoever may answer again.
    pub(super) fn watch_reach(&mut self, now: Nanos) {
        let since = self.stuck_since();
        if now >= since && now.since(since) >= self.config.unreachable_after {
            self.reach.failed(since);
        }
        if self.started && self.reach.probe(now) {
            self.ask_once(now, Purpose::Time);
        }
    }

    /// Since when a request waits for nothing but a connection.
    fn stuck_since(&self) -> Nanos {
        let waits = self
            .queue
            .iter()
            .filter(|queued| self.clock.synced() || !queued.call.endpoint().security.is_signed());
        let since = waits.map(|queued| queued.since.max(queued.blocked_until));
        let answered = self.reach.last_answer().unwrap_or(Nanos(i64::MIN));
        since.fold(Nanos::MAX, Nanos::min).max(answered)
    }

    /// Tells which conditions have begun or ended.
    pub(super) fn watch(&mut self, now: Nanos, out: &mut Out) {
        if !self.started {
            self.started = self.startup.stage() == &Stage::Done && self.ready();
            if !self.started {
                return;
            }
        }
        let answers = &mut out.answers;
        let streams = self.listen.ready() && !self.reading.under_way();
        self.stream_lost = if streams { None } else { self.stream_lost.or(Some(now)) };
        let lost = self.stream_lost.map_or(0, |since| now.since(since).as_millis());
        self.health.set(Cause::UserStream, !streams, (lost, 0), answers);

        self.unsynced = if self.clock.synced() { None } else { self.unsynced.or(Some(now)) };
        let unknown = self.unsynced.is_some_and(|since| now.since(since) >= UNSYNCED_MAX);
        let (offset, limit) = (self.clock.offset(), OFFSET_MAX.as_millis());
        let wrong = unknown || Nanos(offset.0.abs()) > OFFSET_MAX || self.clock.jumped();
        self.health.set(Cause::Clock, wrong, (offset.as_millis(), limit), answers);

        let server = Nanos::from_millis(self.clock.server_ms(now));
        let closed = self.ledger.closed(server).map(|until| until.since(server));
        let since = self.reach.failing().map(|since| now.since(since));
        let limit = self.config.unreachable_after;
        let failing = since.filter(|since| *since >= limit);
        let worst = closed.or(failing).unwrap_or(Nanos::ZERO).as_millis();
        let cut = closed.is_some() || failing.is_some();
        self.health.set(Cause::Connection, cut, (worst, limit.as_millis()), answers);

        let foreign = self.foreign();
        let block = foreign > 0 && self.config.foreign != Foreign::Ignore;
        self.health.set(Cause::Foreign, block, (foreign as i64, 0), answers);

        let (symbols, first) = self.account.unexplained();
        let differs = symbols > 0 && now.since(first) >= UNEXPLAINED_MAX;
        self.health.set(Cause::Mismatch, differs, (symbols as i64, 0), answers);

        let unset = self.leverages.unset();
        self.health.set(Cause::Leverage, unset > 0, (unset as i64, 0), answers);
    }

    /// Orders and positions on the account that are not ours.
    fn foreign(&self) -> usize {
        // Orders by hand that protect a position which was taken over are as good as asked for.
        let adopts = self.config.foreign == Foreign::Adopt;
        let held = |symbol, side| self.account.held(symbol).is_some_and(|held| held.side == side);
        let orders = self.attempts.foreign_orders(|symbol, side| adopts && held(symbol, side));
        self.account.foreign() + self.elsewhere + orders
    }

    /// When time alone changes a condition.
    pub(super) fn watch_next(&self, now: Nanos) -> Nanos {
        if !self.started {
            return Nanos::MAX;
        }
        let (_, first) = self.account.unexplained();
        let ours =
            |server: Nanos| now.after(server.since(self.server(now))).after(Nanos::MILLISECOND);
        let closed = self.ledger.closed(self.server(now)).map(ours);
        let limit = self.config.unreachable_after;
        let stuck = self.stuck_since().after(limit);
        [
            (Cause::Clock, self.unsynced.map(|since| since.after(UNSYNCED_MAX))),
            (Cause::Connection, closed),
            (Cause::Mismatch, (first < Nanos::MAX).then(|| first.after(UNEXPLAINED_MAX))),
            (Cause::Connection, self.reach.failing().map(|since| since.after(limit))),
            (Cause::Connection, Some(stuck)),
        ]
        .into_iter()
        .filter_map(|(cause, at)| at.filter(|at| !self.holds(cause) || *at > now))
        .fold(self.reach.next(), Nanos::min)
    }

    pub(super) fn server(&self, now: Nanos) -> Nanos {
        Nanos::from_millis(self.clock.server_ms(now))
    }

    /// How long ago the exchange last showed the stop of the position whose stop it showed longest
    /// ago; of a position that never had one, how long it is held. Nothing while nothing is held.
    pub fn protection_age(&self, now: Nanos) -> Option<Nanos> {
        let age = |(symbol, held, since): (_, crate::client::account::Held, Nanos)| {
            let stops = self.attempts.all().iter();
            let stops = stops.filter(|a| a.is_stop_of(symbol, held.side, held.qty));
            now.since(stops.map(|stop| stop.confirmed()).fold(since, Nanos::max))
        };
        self.account.holding().map(age).max()
    }

    /// What people and tests see of it.
    pub fn status(&self, now: Nanos) -> Status {
        Status {
            counts: self.counts,
            gateway: self.gateway.counts(),
            refusals: self.ledger.refusals(),
            weight: self.ledger.weight(),
            protection_age_ms: self.protection_age(now).map(Nanos::as_millis),
            unknown: self.attempts.unknown(),
            clock_offset_ms: self.clock.offset().as_millis(),
            foreign: self.foreign(),
            condition_changes: self.health.changes(),
        }
    }

    /// Keeps the exchange's countdowns running for symbols in which a plain order of ours rests.
    pub(super) fn watch_dead_man(&mut self, now: Nanos) {
        let attempts = self.attempts.all().iter();
        let resting = attempts.filter(|a| a.order.kind == OrderType::Limit && a.is_open());
        self.dead_man.tick(now, resting.map(|a| a.order.symbol), &mut self.purposes);
    }
}

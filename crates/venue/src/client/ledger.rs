//! Step machine: one ledger of request weight and order counts, corrected by the answers' headers.
//!
//! Windows are fixed, as the exchange's are: they begin at whole minutes (and tens of seconds) of
//! its time. A share of each is kept for cancels and orders that reduce, so that a storm of reads
//! or entries never locks us into a position. Others may share the address: what the headers count
//! and we have not sent is theirs, and is left free in the windows that follow. While the exchange
//! refuses (429) or bans (418), nothing goes at all, and the stops rest there; while a firewall
//! blocks (403), of which nobody says how long, an exit tries now and then.

use super::request::Meters;
use aegis_types::Nanos;

/// Pause after a 403 of the firewall before the exchange.
const BLOCKED: Nanos = Nanos::MINUTE.times(5);
/// The firewall says nothing of how long, so a single exit tries after this, then ever later.
const PROBE: Nanos = Nanos::SECOND.times(10);
/// Longest pause between two such tries.
const PROBE_MAX: Nanos = Nanos::MINUTE;
/// Ban assumed when the exchange does not say how long: its shortest.
const BANNED: Nanos = Nanos::MINUTE.times(2);
/// Behind the turn of a window, so that both clocks are past it.
const MARGIN: Nanos = Nanos::MILLISECOND.times(250);

/// Limits of one address and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Weight a minute.
    pub weight_1m: u32,
    /// Orders in 10 s.
    pub orders_10s: u32,
    /// Orders a minute.
    pub orders_1m: u32,
}

impl Default for Limits {
    /// The live exchange's.
    fn default() -> Self {
        Self { weight_1m: 2_400, orders_10s: 300, orders_1m: 1_200 }
    }
}

/// How much a request matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Cancels and orders that reduce or protect: may use the reserve, and try whether a firewall
    /// lets something through again.
    Exit,
    /// The questions that prove their outcome: may use the reserve.
    Protect,
    /// Everything else.
    Usual,
}

/// May a request go?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes; it is entered.
    Go,
    /// Not before then.
    Wait(Nanos),
}

/// What the exchange has done to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 429: over a limit.
    TooMany {
        /// Seconds, if it says.
        retry_after_s: Option<u32>,
    },
    /// 418: banned, until then by its clock in ms if it says.
    Banned {
        /// The end.
        until_ms: Option<i64>,
        /// Seconds, if it says.
        retry_after_s: Option<u32>,
    },
    /// 403: blocked in front of the exchange.
    Blocked,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    span: Nanos,
    limit: u32,
    used: u32,
    /// Of that, by us.
    own: u32,
    number: i64,
    /// What others have used at least: in this window, and in those before, fading.
    others: u32,
    others_before: u32,
    /// Not the first window of this process. What was used in that one besides may have been its
    /// predecessor, who will not use it again.
    settled: bool,
}

impl Window {
    fn turn(&mut self, server: Nanos) {
        let number = server.0.div_euclid(self.span.0);
        if number != self.number {
            let before = self.others.max(self.others_before - self.others_before / 4);
            self.others_before = if self.settled { before } else { 0 };
            self.settled |= self.number != 0;
            (self.number, self.used, self.own, self.others) = (number, 0, 0, 0);
        }
    }

    /// The same window by a clock that was set: what was used in it stays used. It may have been
    /// the one before, which costs a wait and no refusal.
    fn renumber(&mut self, server: Nanos) {
        self.number = server.0.div_euclid(self.span.0);
    }

    fn enter(&mut self, more: u32) {
        (self.used, self.own) = (self.used.saturating_add(more), self.own.saturating_add(more));
    }

    /// The exchange has counted so much.
    fn told(&mut self, used: u32) {
        self.used = self.used.max(used);
        self.others = self.others.max(used.saturating_sub(self.own));
    }

    /// It counts more than its limit, although we believed to be below it: others share it.
    fn overflowed(&mut self) {
        if self.own < self.limit {
            self.others = self.others.max(self.limit - self.own);
        }
    }

    /// What may be used: all of it, or what the reserve leaves.
    const fn room(&self, urgency: Urgency) -> u32 {
        match urgency {
            Urgency::Exit | Urgency::Protect => self.limit,
            // The reserve: a tenth, rounded up.
            Urgency::Usual => self.limit - self.limit.div_ceil(10),
        }
    }

    /// What does not matter leaves room for what others used in the windows before, too: they may
    /// use it again at any moment of this one.
    fn fits(&self, more: u32, urgency: Urgency) -> bool {
        let used = match urgency {
            Urgency::Exit | Urgency::Protect => self.used,
            Urgency::Usual => {
                let others = self.others_before.min(self.limit / 5 * 4);
                self.used.max(self.own.saturating_add(others))
            }
        };
        // What is larger than all that others leave goes all the same, first in its window.
        let alone = self.own == 0 && self.used.saturating_add(more) <= self.room(urgency);
        more == 0 || used.saturating_add(more) <= self.room(urgency) || alone
    }

    const fn end(&self) -> Nanos {
        Nanos((self.number + 1).saturating_mul(self.span.0))
    }
}

/// The ledger. Times are the exchange's.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    weight: Window,
    orders_10s: Window,
    orders_1m: Window,
    closed_until: Nanos,
    /// By the firewall: when something may try again, and the pause behind that.
    probe: Option<(Nanos, Nanos)>,
    refusals: u32,
}

impl Ledger {
    /// Empty windows.
    pub fn new(limits: Limits) -> Self {
        let window = |span, limit| Window { span, limit, ..Window::default() };
        Self {
            weight: window(Nanos::MINUTE, limits.weight_1m),
            orders_10s: window(Nanos::SECOND.times(10), limits.orders_10s),
            orders_1m: window(Nanos::MINUTE, limits.orders_1m),
            closed_until: Nanos(i64::MIN),
            probe: None,
            refusals: 0,
        }
    }

    /// Takes the limits that the exchange publishes.
    pub const fn limit(&mut self, limits: Limits) {
        self.weight.limit = limits.weight_1m;
        self.orders_10s.limit = limits.orders_10s;
        self.orders_1m.limit = limits.orders_1m;
    }

    /// Enters a request if it may go at `server` time.
    pub fn admit(&mut self, server: Nanos, weight: u32, orders: u32, how: Urgency) -> Admission {
        let mut probing = None;
        if server < self.closed_until {
            match self.probe {
                Some((at, pause)) if how == Urgency::Exit && server >= at => {
                    let next = Nanos(pause.0.saturating_mul(2)).min(PROBE_MAX);
                    probing = Some((server.after(next), next));
                }
                Some((at, _)) if how == Urgency::Exit => return Admission::Wait(at),
                _ => return Admission::Wait(self.closed_until),
            }
        }
        self.turn(server);
        let mut wait = Nanos(i64::MIN);
        for (window, more) in
            [(&self.weight, weight), (&self.orders_10s, orders), (&self.orders_1m, orders)]
        {
            if !window.fits(more, how) {
                wait = wait.max(window.end().after(MARGIN));
            }
        }
        if wait.0 > i64::MIN {
            return Admission::Wait(wait);
        }
        self.weight.enter(weight);
        self.orders_10s.enter(orders);
        self.orders_1m.enter(orders);
        self.probe = probing.or(self.probe);
        Admission::Go
    }

    fn turn(&mut self, server: Nanos) {
        self.weight.turn(server);
        self.orders_10s.turn(server);
        self.orders_1m.turn(server);
    }

    /// What an answer's headers say. A figure above ours counts at once (others share the
    /// address); one below it may be older than what is under way.
    pub fn told(&mut self, server: Nanos, meters: &Meters) {
        self.turn(server);
        for (window, used) in [
            (&mut self.weight, meters.weight_1m),
            (&mut self.orders_10s, meters.orders_10s),
            (&mut self.orders_1m, meters.orders_1m),
        ] {
            window.told(used.unwrap_or(0));
        }
    }

    /// The exchange's time is `server`, and was believed to be `before`. A process that has just
    /// begun knows from the headers of its first answers what is used up, by a clock that nobody
    /// had set yet: with the new one that is not forgotten.
    pub fn clock_set(&mut self, before: Nanos, server: Nanos) {
        self.turn(before);
        for window in [&mut self.weight, &mut self.orders_10s, &mut self.orders_1m] {
            window.renumber(server);
        }
    }

    /// The exchange has answered as it should: what the firewall had closed is open.
    pub const fn answered(&mut self, server: Nanos) {
        if self.probe.take().is_some() {
            self.closed_until = server;
        }
    }

    /// The exchange says that the account's windows of orders are full.
    pub fn orders_full(&mut self, server: Nanos) {
        self.turn(server);
        self.orders_10s.used = self.orders_10s.limit;
    }

    /// The exchange refuses to listen. Says until when nothing goes.
    pub fn refused(&mut self, server: Nanos, refusal: Refusal) -> Nanos {
        self.refusals = self.refusals.saturating_add(1);
        let seconds = |s: Option<u32>| s.map(|s| Nanos::SECOND.times(i64::from(s)));
        let until = match refusal {
            Refusal::TooMany { retry_after_s } => {
                self.turn(server);
                self.weight.overflowed();
                let minute = server.floor(Nanos::MINUTE).after(Nanos::MINUTE).after(MARGIN);
                seconds(retry_after_s).map_or(minute, |span| server.after(span))
            }
            Refusal::Banned { until_ms, retry_after_s } => until_ms
                .map(|ms| Nanos::from_millis(ms).after(MARGIN))
                .or_else(|| seconds(retry_after_s).map(|span| server.after(span)))
                .unwrap_or_else(|| server.after(BANNED)),
            Refusal::Blocked => {
                self.probe = self.probe.or(Some((server.after(PROBE), PROBE)));
                server.after(BLOCKED)
            }
        };
        if !matches!(refusal, Refusal::Blocked) {
            self.probe = None;
        }
        self.closed_until = self.closed_until.max(until);
        self.closed_until
    }

    /// Until when nothing goes, if that is in the future of `server`.
    pub fn closed(&self, server: Nanos) -> Option<Nanos> {
        (server < self.closed_until).then_some(self.closed_until)
    }

    /// Weight used in the current minute, and its limit.
    pub const fn weight(&self) -> (u32, u32) {
        (self.weight.used, self.weight.limit)
    }

    /// How often the exchange refused to listen.
    pub const fn refusals(&self) -> u32 {
        self.refusals
    }
}

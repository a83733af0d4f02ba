//! Step machine: one ledger of request weight and order counts, corrected by the answers' headers.
//!
//! Windows are fixed, as the exchange's are: they begin at whole minutes (and tens of seconds) of
//! its time. A share of each is kept for cancels and orders that reduce, so that a storm of reads
//! or entries never locks us into a position. While the exchange refuses (429), bans (418) or
//! blocks (403), nothing goes at all; the stops rest at the exchange.

use super::request::Meters;
use aegis_types::Nanos;

/// Pause after a 403 of the firewall before the exchange.
const BLOCKED: Nanos = Nanos::MINUTE.times(5);
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
    /// Cancels and orders that reduce or protect, and the questions that prove their outcome: may
    /// use the reserve.
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
    number: i64,
}

impl Window {
    fn turn(&mut self, server: Nanos) {
        let number = server.0.div_euclid(self.span.0);
        if number != self.number {
            (self.number, self.used) = (number, 0);
        }
    }

    /// What may be used: all of it, or what the reserve leaves.
    const fn room(&self, urgency: Urgency) -> u32 {
        match urgency {
            Urgency::Protect => self.limit,
            // The reserve: a tenth, rounded up.
            Urgency::Usual => self.limit - self.limit.div_ceil(10),
        }
    }

    fn fits(&self, more: u32, urgency: Urgency) -> bool {
        more == 0 || self.used.saturating_add(more) <= self.room(urgency)
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
    refusals: u32,
}

impl Ledger {
    /// Empty windows.
    pub fn new(limits: Limits) -> Self {
        let window = |span, limit| Window { span, limit, used: 0, number: 0 };
        Self {
            weight: window(Nanos::MINUTE, limits.weight_1m),
            orders_10s: window(Nanos::SECOND.times(10), limits.orders_10s),
            orders_1m: window(Nanos::MINUTE, limits.orders_1m),
            closed_until: Nanos(i64::MIN),
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
        if server < self.closed_until {
            return Admission::Wait(self.closed_until);
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
        self.weight.used += weight;
        self.orders_10s.used += orders;
        self.orders_1m.used += orders;
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
            window.used = window.used.max(used.unwrap_or(0));
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
                let minute = server.floor(Nanos::MINUTE).after(Nanos::MINUTE).after(MARGIN);
                seconds(retry_after_s).map_or(minute, |span| server.after(span))
            }
            Refusal::Banned { until_ms, retry_after_s } => until_ms
                .map(|ms| Nanos::from_millis(ms).after(MARGIN))
                .or_else(|| seconds(retry_after_s).map(|span| server.after(span)))
                .unwrap_or_else(|| server.after(BANNED)),
            Refusal::Blocked => server.after(BLOCKED),
        };
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

//! Step machine: the market orders of the kill switch.
//!
//! One at a time for a symbol. Of one whose outcome is unknown the exchange is asked by its id
//! until it says; it is never sent again. A new one, with a new id, follows only when the last has
//! ended and the exchange still lists the position.

use super::machine::{EMERGENCY_PREFIX, Judged, Out};
use aegis_types::{Nanos, Qty, Side};
use aegis_wire::Query;
use aegis_wire::bodies::{self, OrderReply};
use aegis_wire::errors::{Class, Hint};

/// Pause before the exchange is asked what became of an order.
const POLL: Nanos = Nanos::MILLISECOND.times(200);
/// Longest pause between two such questions.
const POLL_MAX: Nanos = Nanos::SECOND.times(2);
/// How long behind the exchange's window "no such order" proves nothing.
const PROOF: Nanos = Nanos::SECOND.times(2);
/// Longest pause before another try in a symbol.
const PAUSE_MAX: Nanos = Nanos::SECOND.times(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent at this time.
    Due(Nanos),
    /// Its request is under way.
    Sent,
    /// The exchange has it and it works on; it is asked for at this time.
    Open(Nanos),
    /// Nobody knows; it is asked for at this time.
    Unknown(Nanos),
    /// The question is under way; was it unknown?
    Asked { unknown: bool },
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Close {
    pub number: u32,
    pub symbol: String,
    pub id: String,
    pub side: Side,
    pub qty: Qty,
    state: State,
    sent_at: Nanos,
    questions: u32,
}

impl Close {
    /// Parameters of the order.
    pub fn order(&self) -> Query {
        Query::new()
            .with("symbol", &*self.symbol)
            .with("side", self.side.order_name())
            .with("type", "MARKET")
            .with("quantity", self.qty)
            .with("reduceOnly", "true")
            .with("newClientOrderId", &*self.id)
            .with("newOrderRespType", "RESULT")
    }

    /// Parameters of the question about it.
    pub fn question(&self) -> Query {
        Query::new().with("symbol", &*self.symbol).with("origClientOrderId", &*self.id)
    }
}

/// What has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing has ended.
    Waits,
    /// An order has ended, one way or another: the position is to be looked at.
    Over {
        /// In this symbol.
        symbol: String,
        /// It was refused because other orders already reduce the position.
        in_the_way: bool,
    },
}

/// All of them.
#[derive(Debug)]
pub(super) struct Closes {
    session: u64,
    recv_window: Nanos,
    made: u32,
    open: Vec<Close>,
    /// Tries in a row that came to nothing, by symbol.
    failures: Vec<(String, u32)>,
}

impl Closes {
    pub const fn new(session: u64, recv_window: Nanos) -> Self {
        Self { session, recv_window, made: 0, open: Vec::new(), failures: Vec::new() }
    }

    pub fn open(&mut self, now: Nanos, symbol: &str, side: Side, qty: Qty) {
        self.made += 1;
        let failed = self.failures.iter().find(|(other, _)| other == symbol);
        let pause = match failed {
            None | Some((_, 0)) => Nanos::ZERO,
            Some((_, n)) => POLL.times(1 << (n - 1).min(5)).min(PAUSE_MAX),
        };
        self.open.push(Close {
            number: self.made,
            symbol: symbol.to_owned(),
            id: format!("{EMERGENCY_PREFIX}{:012x}-{}", self.session & 0xffff_ffff_ffff, self.made),
            side,
            qty,
            state: State::Due(now.after(pause)),
            sent_at: now,
            questions: 0,
        });
    }

    pub fn is_open(&self, symbol: &str) -> bool {
        self.open.iter().any(|close| close.symbol == symbol)
    }

    pub const fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    pub fn unknown(&self) -> u32 {
        let unknown = |close: &&Close| {
            matches!(close.state, State::Unknown(_) | State::Asked { unknown: true })
        };
        u32::try_from(self.open.iter().filter(unknown).count()).unwrap_or(u32::MAX)
    }

    pub fn get(&self, number: u32) -> Option<&Close> {
        self.open.iter().find(|close| close.number == number)
    }

    pub fn wake(&self) -> Nanos {
        let due = self.open.iter().map(|close| match close.state {
            State::Due(at) | State::Open(at) | State::Unknown(at) => at,
            State::Sent | State::Asked { .. } => Nanos::MAX,
        });
        due.min().unwrap_or(Nanos::MAX)
    }

    /// The next that is to be sent (true) or asked for (false); its request counts as under way.
    pub fn due(&mut self, now: Nanos) -> Option<(u32, bool)> {
        for close in &mut self.open {
            match close.state {
                State::Due(at) if at <= now => {
                    (close.state, close.sent_at) = (State::Sent, now);
                    return Some((close.number, true));
                }
                State::Open(at) | State::Unknown(at) if at <= now => {
                    let unknown = matches!(close.state, State::Unknown(_));
                    close.state = State::Asked { unknown };
                    close.questions += 1;
                    return Some((close.number, false));
                }
                _ => {}
            }
        }
        None
    }

    /// The order's request has ended.
    pub fn placed(&mut self, now: Nanos, number: u32, judged: &Judged<'_>, out: &mut Out) -> Turn {
        let Some(at) = self.open.iter().position(|close| close.number == number) else {
            return Turn::Waits;
        };
        match judged {
            Judged::Good(body) => self.status(now, at, body, out),
            Judged::Refused { reaction, .. } => {
                if matches!(reaction.class, Class::Unknown | Class::Done) {
                    let close = &mut self.open[at];
                    close.state = State::Unknown(now.after(POLL));
                    out.deed("outcome unknown", &close.symbol, &close.id, String::new());
                    return Turn::Waits;
                }
                self.over(at, false, reaction.hint == Hint::ReadPosition)
            }
        }
    }

    /// The question about an order has ended.
    pub fn told(&mut self, now: Nanos, number: u32, judged: &Judged<'_>, out: &mut Out) -> Turn {
        let Some(at) = self.open.iter().position(|close| close.number == number) else {
            return Turn::Waits;
        };
        let code = match judged {
            Judged::Good(body) => return self.status(now, at, body, out),
            Judged::Refused { code, .. } => *code,
        };
        let close = &mut self.open[at];
        let proven = now.since(close.sent_at) >= self.recv_window.after(PROOF);
        if code == aegis_wire::errors::code::NO_SUCH_ORDER && proven {
            out.deed("never arrived", &close.symbol, &close.id, String::new());
            return self.over(at, false, false);
        }
        let State::Asked { unknown } = close.state else { return Turn::Waits };
        let pause = POLL.times(1 << close.questions.min(6)).min(POLL_MAX);
        let next = now.after(pause);
        close.state = if unknown { State::Unknown(next) } else { State::Open(next) };
        Turn::Waits
    }

    fn status(&mut self, now: Nanos, at: usize, body: &[u8], out: &mut Out) -> Turn {
        let close = &mut self.open[at];
        let reply = bodies::read::<OrderReply>(body).ok();
        let status = reply.and_then(|reply| reply.status).unwrap_or_default();
        let pause = POLL.times(1 << close.questions.min(3)).min(POLL_MAX);
        match status.as_str() {
            "FILLED" => {
                out.deed("filled", &close.symbol, &close.id, close.qty.to_string());
                self.over(at, true, false)
            }
            "NEW" | "PARTIALLY_FILLED" => {
                close.state = State::Open(now.after(pause));
                Turn::Waits
            }
            "" => {
                close.state = State::Unknown(now.after(pause));
                Turn::Waits
            }
            other => {
                out.deed("ended", &close.symbol, &close.id, other.to_owned());
                self.over(at, false, false)
            }
        }
    }

    fn over(&mut self, at: usize, done: bool, in_the_way: bool) -> Turn {
        let Close { symbol, .. } = self.open.remove(at);
        let index = match self.failures.iter().position(|(other, _)| *other == symbol) {
            Some(index) => index,
            None => {
                self.failures.push((symbol.clone(), 0));
                self.failures.len() - 1
            }
        };
        let failed = &mut self.failures[index].1;
        *failed = if done { 0 } else { failed.saturating_add(1) };
        Turn::Over { symbol, in_the_way }
    }
}

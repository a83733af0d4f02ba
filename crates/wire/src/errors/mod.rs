//! What the exchange's errors mean and what to do about them: one table of codes, one of HTTP
//! statuses, and [`Answer::classify`] over both.
//!
//! The client asks the table how to react; the simulated exchange takes texts and statuses from it.
//! The hard case is a write of which nobody knows whether it was done: it is [`Class::Unknown`],
//! and is queried, never sent again. Three answers with status 503 mean three opposite things, so
//! the text of the body is part of the key.

mod codes;
mod statuses;

pub use codes::{ERRORS, code};
pub use statuses::{STATUSES, StatusRow};

use aegis_types::RejectCode;
use alloc::string::String;

/// What kind of reaction an error asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Synchronise the clock, sign again, send again once: it was not accepted.
    Clock,
    /// Send again later, with back-off: it was not done.
    Retry,
    /// Nobody knows whether it was done: reconcile, never resend.
    Unknown,
    /// What was asked for is so already.
    Done,
    /// Refresh the symbol's filters, round again, send again once.
    Metadata,
    /// A defect of ours: never send again.
    Defect,
    /// Refused for a reason of trading: drop it or make it smaller.
    Denied,
    /// Stop trading and wake a human.
    Stop,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Clock,
        Self::Retry,
        Self::Unknown,
        Self::Done,
        Self::Metadata,
        Self::Defect,
        Self::Denied,
        Self::Stop,
    ];

    /// The letters that tables and logs use.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Clock => "C",
            Self::Retry => "R",
            Self::Unknown => "U",
            Self::Done => "OK",
            Self::Metadata => "M",
            Self::Defect => "X",
            Self::Denied => "D",
            Self::Stop => "S",
        }
    }

    /// What to do.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clock => "synchronise the clock, sign again, send again once",
            Self::Retry => "not done; send again later",
            Self::Unknown => "nobody knows; reconcile, never resend",
            Self::Done => "it is so already",
            Self::Metadata => "refresh the filters, round again, send again once",
            Self::Defect => "a defect of ours; never send again",
            Self::Denied => "refused; drop it or make it smaller",
            Self::Stop => "stop trading and wake a human",
        }
    }
}

/// What to do besides what the class says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// Nothing.
    None,
    /// Drop the symbol if it happens again.
    DropSymbol,
    /// Make a new listen key, connect again, reconcile.
    NewListenKey,
    /// The order is gone: ask what became of it, it may have filled.
    QueryState,
    /// No such order: proof only when server time is past timestamp + window + slack.
    AbsentAfterWindow,
    /// The first attempt landed: ask for it.
    Landed,
    /// The trigger is crossed already: close at market now.
    CloseAtMarket,
    /// Read the position; if it is flat all is well, else cancel what conflicts and send again.
    ReadPosition,
    /// Send it in parts.
    Split,
    /// Well if the leverage is already so, else choose from the bracket.
    ReadLeverage,
    /// Take a leverage that is allowed.
    CapLeverage,
    /// Cancel stale conditional orders.
    CancelStale,
    /// Cancel orders of the same side, then send again.
    CancelSameSide,
    /// Close positions or cancel orders first.
    FlattenFirst,
    /// Read the position mode again.
    ReadPositionMode,
    /// Only reduce from now on.
    ReduceOnlyMode,
    /// The order is triggering: wait, then ask again.
    AskAgain,
    /// Move the price inside the band.
    ClampPrice,
    /// A normal outcome: choose another price or drop it.
    Reprice,
    /// Cancel and place anew instead of changing.
    Replace,
    /// Reduce-only, closing and cancel requests are exempt.
    LowerConcurrency,
}

impl Hint {
    /// In words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::None => "",
            Self::DropSymbol => "drop the symbol if it happens again",
            Self::NewListenKey => "new listen key, connect, reconcile",
            Self::QueryState => "ask what became of the order",
            Self::AbsentAfterWindow => "absence is proven only after the window",
            Self::Landed => "the first attempt landed; ask for it",
            Self::CloseAtMarket => "the trigger is crossed: close at market",
            Self::ReadPosition => "read the position; flat is well, else cancel what conflicts",
            Self::Split => "send it in parts",
            Self::ReadLeverage => "well if equal, else choose from the bracket",
            Self::CapLeverage => "take an allowed leverage",
            Self::CancelStale => "cancel stale conditional orders",
            Self::CancelSameSide => "cancel orders of the same side, send again",
            Self::FlattenFirst => "close positions or cancel orders first",
            Self::ReadPositionMode => "read the position mode again",
            Self::ReduceOnlyMode => "only reduce from now on",
            Self::AskAgain => "wait, then ask again",
            Self::ClampPrice => "move the price inside the band",
            Self::Reprice => "a normal outcome: other price, or drop it",
            Self::Replace => "cancel and place anew",
            Self::LowerConcurrency => "fewer requests at once; closing and cancels are exempt",
        }
    }
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// At once, or never: the class says.
    None,
    /// After [`RETRY_MS`], by attempt.
    Backoff,
    /// When the fixed minute of the weight limit is over.
    WeightMinute,
    /// When the order limits allow it.
    OrderWindow,
    /// At this time of the server, in milliseconds since the epoch.
    Until(i64),
    /// After so many seconds, as the answer's `Retry-After` says.
    Seconds(u32),
    /// Minutes: the firewall does not say how many.
    Minutes,
}

/// Pauses before the attempts after the first, in milliseconds; then it is given up.
pub const RETRY_MS: [u64; 3] = [200, 400, 800];

/// Polls of the query that reconciles an unknown outcome, in milliseconds after the request.
pub const RECONCILE_MS: [u64; 6] = [200, 700, 1_700, 3_700, 5_700, 7_700];

/// One line of the table of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// The code.
    pub code: i32,
    /// Its name.
    pub name: &'static str,
    /// The text that comes with it, `%s` where values stand.
    pub text: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// The reaction when a write is answered so.
    pub write: Class,
    /// The reaction when a read is answered so.
    pub read: Class,
    /// What else to do.
    pub hint: Hint,
    /// Wakes a human.
    pub alert: bool,
}

impl ErrorRow {
    /// The line of a code.
    pub fn find(code: i32) -> Option<&'static Self> {
        // The table goes down from the largest code.
        ERRORS.binary_search_by(|row| code.cmp(&row.code)).ok().map(|at| &ERRORS[at])
    }

    /// The text with its `%s` replaced, in order; those without a value are left out.
    pub fn text_with(&self, values: &[&str]) -> String {
        let mut text = String::with_capacity(self.text.len() + 32);
        let mut values = values.iter();
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once("%s") {
            text.push_str(before);
            text.push_str(values.next().copied().unwrap_or(""));
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

/// A request that did not do what was asked, as far as its answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Answer<'a> {
    /// The HTTP status (of the WebSocket API: `status`); 0 when no answer came: reset, cut, timed
    /// out.
    pub status: u16,
    /// The code in the body.
    pub code: Option<i32>,
    /// The message in the body, or the body when it is not JSON.
    pub message: &'a str,
    /// The header `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The kind of reaction.
    pub class: Class,
    /// What else to do.
    pub hint: Hint,
    /// When it may be sent again.
    pub wait: Wait,
    /// Wakes a human.
    pub alert: bool,
    /// The line of the table of codes that decided, if one did.
    pub row: Option<&'static ErrorRow>,
}

impl Answer<'_> {
    /// An answer that never came, or came in pieces.
    pub const LOST: Self = Self { status: 0, code: None, message: "", retry_after_s: None };

    /// The reaction to it; `write` when the request may have changed something. A code that is not
    /// in the table leaves a write unknown and wakes a human.
    pub fn classify(&self, write: bool) -> Reaction {
        let row = self.code.and_then(ErrorRow::find);
        let by_status = self.by_status();
        let mut reaction = match (by_status, row) {
            // A backend that failed may have failed after it executed: the status has the word.
            (Some(line), _) if self.status >= 500 || self.status == 0 || row.is_none() => {
                Reaction {
                    class: if write { line.write } else { line.read },
                    hint: if line.is_throttled() { Hint::LowerConcurrency } else { Hint::None },
                    wait: line.wait,
                    alert: line.alert,
                    row,
                }
            }
            (_, Some(row)) => Reaction {
                class: if write { row.write } else { row.read },
                hint: row.hint,
                wait: match row.code {
                    code::TOO_MANY_REQUESTS if self.status == 418 => Wait::Minutes,
                    code::TOO_MANY_REQUESTS => Wait::WeightMinute,
                    code::TOO_MANY_ORDERS => Wait::OrderWindow,
                    _ => Wait::Backoff,
                },
                alert: row.alert || self.status == 418,
                row: Some(row),
            },
            (_, None) => Reaction {
                class: if write { Class::Unknown } else { Class::Defect },
                hint: Hint::None,
                wait: Wait::None,
                alert: true,
                row: None,
            },
        };
        reaction.wait = match (reaction.class, banned_until(self.message), self.retry_after_s) {
            (Class::Retry | Class::Stop, Some(until), _) => Wait::Until(until),
            (Class::Retry | Class::Stop, None, Some(seconds)) => Wait::Seconds(seconds),
            (Class::Retry | Class::Stop, None, None) => reaction.wait,
            _ => Wait::None,
        };
        reaction
    }

    /// The line of the table of statuses: the first whose status and text both fit.
    fn by_status(&self) -> Option<&'static StatusRow> {
        STATUSES.iter().find(|line| line.holds(self.status, self.code, self.message))
    }
}

/// Texts that stand in for, or beside, the default text of a code. `%s` is where values stand.
pub mod text {
    /// With -1003 and status 418.
    pub const BANNED: &str = "Way too many requests; IP(%s) banned until %s. Please use the \
                              websocket for live updates to avoid bans.";
    /// With -1021, when the timestamp is ahead.
    pub const AHEAD: &str = "Timestamp for this request was 1000ms ahead of the server's time.";
    /// With status 503: may have executed.
    pub const UNKNOWN_503: &str = "Unknown error, please check your request or try again later.";
    /// With status 503: failed.
    pub const UNAVAILABLE_503: &str = "Service Unavailable.";
    /// With status 503: failed.
    pub const INTERNAL_503: &str =
        "Internal error; unable to process your request. Please try again.";
}

/// The time in "… banned until 1591702613943 …", in milliseconds since the epoch.
pub fn banned_until(message: &str) -> Option<i64> {
    const MARK: &str = "banned until ";
    let at = message.find(MARK)? + MARK.len();
    let rest = message.get(at..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// The engine's word for a refusal: what of the order, the account or the venue was at fault.
pub const fn reject_code(code: i32) -> RejectCode {
    match code {
        -2018 | -2019 | -2027 | -4050 | -4051 => RejectCode::Margin,
        -2022 | -2024 | -2026 | -4062 | -4118 | -4138 => RejectCode::ReduceOnly,
        -2021 | -4142 => RejectCode::WouldTrigger,
        -2025 | -4045 | -1015 => RejectCode::TooManyOrders,
        -2011 | -2013 => RejectCode::UnknownOrder,
        -4028 | -4161 | -2028 | -4209..=-4202 | -4403 => RejectCode::Leverage,
        -4116 => RejectCode::DuplicateId,
        -4164 | -5029 => RejectCode::Notional,
        -4005..=-4003 | -4023 | -4137 => RejectCode::Quantity,
        -1111 | -4001 | -4002 | -4006 | -4007 | -4013 | -4014 | -4016 | -4024 | -4131 | -4135 => {
            RejectCode::Price
        }
        -4183 | -4184 | -4210 | -4211 | -5022 | -5041 => RejectCode::Price,
        -1121 | -1122 | -4022 | -4140 | -4141 | -4144 | -4402 => RejectCode::Symbol,
        -1112 | -2020 | -5021 => RejectCode::NoPrice,
        _ => RejectCode::VenueFailed,
    }
}

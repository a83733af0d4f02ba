//! Answers that are judged by their HTTP status.

use super::Class::{self, Retry, Stop, Unknown};
use super::{Wait, code};

/// One line of the table of statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// First and last status; 0 is an answer that never came.
    pub statuses: (u16, u16),
    /// What the message must contain, in lower case; empty for any message.
    pub text: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The reaction when a write is answered so.
    pub write: Class,
    /// The reaction when a read is answered so.
    pub read: Class,
    /// When it may be sent again.
    pub wait: Wait,
    /// Wakes a human.
    pub alert: bool,
}

const fn row(
    statuses: (u16, u16),
    text: &'static str,
    meaning: &'static str,
    (write, read): (Class, Class),
    wait: Wait,
    alert: bool,
) -> StatusRow {
    StatusRow { statuses, text, meaning, write, read, wait, alert }
}

/// The text with which the exchange says that a request was throttled.
const THROTTLED: &str = "throttled";

/// Every line; the first that fits holds.
pub const STATUSES: &[StatusRow] = &[
    row((0, 0), "", "reset, cut or timed out", (Unknown, Retry), Wait::Backoff, false),
    row((403, 403), "", "the firewall", (Stop, Stop), Wait::Minutes, true),
    row((408, 408), "", "the backend timed out", (Unknown, Retry), Wait::Backoff, false),
    row((418, 418), "", "the address is banned", (Retry, Retry), Wait::Minutes, true),
    row((429, 429), "", "over a limit", (Retry, Retry), Wait::WeightMinute, false),
    row((503, 503), "unknown error", "may have executed", (Unknown, Retry), Wait::Backoff, false),
    row((503, 503), THROTTLED, "failed, not counted", (Retry, Retry), Wait::Backoff, false),
    row((503, 503), "service unavailable", "failed", (Retry, Retry), Wait::Backoff, false),
    row((503, 503), "internal error; unable", "failed", (Retry, Retry), Wait::Backoff, false),
    row((500, 599), "", "may have executed", (Unknown, Retry), Wait::Backoff, false),
];

impl StatusRow {
    /// Does an answer fit this line? The code -1008 stands for its text.
    pub(super) fn holds(&self, status: u16, found: Option<i32>, message: &str) -> bool {
        let (first, last) = self.statuses;
        (first..=last).contains(&status)
            && (contains(message, self.text)
                || self.is_throttled() && found == Some(code::SERVER_BUSY))
    }

    pub(super) fn is_throttled(&self) -> bool {
        self.text == THROTTLED
    }
}

/// Is `lower` in `text`, whatever the case there?
fn contains(text: &str, lower: &str) -> bool {
    lower.is_empty()
        || text.as_bytes().windows(lower.len()).any(|at| at.eq_ignore_ascii_case(lower.as_bytes()))
}

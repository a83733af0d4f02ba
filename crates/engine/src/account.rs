//! The account: wallet as the venue says it, losses, minutes, and what was ever reached. The wallet
//! is never computed here: it is what the venue reports. A venue tells a fill before the wallet
//! that the fill changed; what such fills and funding moved is kept apart until the wallet comes,
//! so that equity (wallet, that, and the open positions at last prices) does not lose a closed
//! position's profit in between, which is just when a rotation sizes its entry.

use crate::losses::Losses;
use aegis_types::{Money, Nanos};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    /// As the venue last said; `None` before it has said anything, and then nothing is entered.
    pub wallet: Option<Money>,
    /// Profit less fees of fills, and funding, that the venue has told since its last wallet.
    pub unsettled: Money,
    /// Wallet or positions changed since the last equity notice.
    pub changed: bool,
    /// Closed positions.
    pub trades: u32,
    pub max_leverage: f64,
    pub max_exposure: f64,
    pub max_open_positions: usize,
    pub losses: Losses,
    minutes: Minutes,
}

impl Account {
    pub const fn new() -> Self {
        Self {
            wallet: None,
            unsettled: Money::ZERO,
            changed: false,
            trades: 0,
            max_leverage: 0.0,
            max_exposure: 0.0,
            max_open_positions: 0,
            losses: Losses::new(),
            minutes: Minutes { next: Nanos(i64::MIN), owed: false },
        }
    }

    /// A market event at `at` has come; has a minute ended that must be accounted now?
    #[inline]
    pub fn minute_ended(&mut self, at: Nanos, closing: bool) -> bool {
        (at >= self.minutes.next || self.minutes.owed) && self.minutes.turn(at, closing)
    }
}

/// Ends of minutes. All closes of an instant come before its opens, so a minute is accounted at
/// the first event that is not one of its closes: then last prices are its closes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Minutes {
    /// The next boundary.
    next: Nanos,
    /// A boundary was passed and not accounted yet.
    owed: bool,
}

impl Minutes {
    fn turn(&mut self, at: Nanos, closing: bool) -> bool {
        let mut ended = false;
        if at >= self.next {
            ended = self.owed;
            // The start of the far past has no floor.
            self.next = Nanos(at.0.max(i64::MIN / 2)).floor(Nanos::MINUTE).after(Nanos::MINUTE);
            self.owed = true;
        }
        if self.owed && !closing {
            self.owed = false;
            ended = true;
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_accounted_once_after_its_closes() {
        let mut account = Account::new();
        let at = |m: i64| Nanos::MINUTE.times(m);
        account.minute_ended(at(1), true);
        assert!(account.minute_ended(at(1), false), "the first open after the closes");
        assert!(!account.minute_ended(at(1), false));
        assert!(!account.minute_ended(at(2), true), "a close of minute 2");
        assert!(!account.minute_ended(at(2), true), "another");
        assert!(account.minute_ended(at(2), false));
        assert!(!account.minute_ended(Nanos(at(2).0 + 1), false));
        // Closes alone: the boundary before is accounted when the next one is passed.
        assert!(!account.minute_ended(at(3), true));
        assert!(account.minute_ended(at(4), true));
    }
}

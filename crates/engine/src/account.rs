//! The account: wallet as the venue says it, the UTC day and its loss, minutes, and what was ever
//! reached. The wallet is never computed here: it is what the venue reports. A venue tells a fill
//! before the wallet that the fill changed; what such fills and funding moved is kept apart until
//! the wallet comes, so that equity (wallet, that, and the open positions at last prices) does not
//! lose a closed position's profit in between, which is just when a rotation sizes its entry.

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
    minutes: Minutes,
    day: Day,
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
            minutes: Minutes { next: Nanos(i64::MIN), owed: false },
            day: Day { start_equity: None, end: Nanos(i64::MIN), worst: 0.0, lost: false },
        }
    }

    /// A market event at `at` has come; has a minute ended that must be accounted now?
    #[inline]
    pub fn minute_ended(&mut self, at: Nanos, closing: bool) -> bool {
        (at >= self.minutes.next || self.minutes.owed) && self.minutes.turn(at, closing)
    }

    /// A minute ended with this equity: starts a new UTC day when it is time.
    pub fn turn_day(&mut self, at: Nanos, equity: Money) {
        if self.wallet.is_some() && (at >= self.day.end || self.day.start_equity.is_none()) {
            let end = Nanos(at.0.max(i64::MIN / 2)).floor(Nanos::DAY).after(Nanos::DAY);
            self.day = Day { start_equity: Some(equity), end, worst: 0.0, lost: false };
        }
    }

    /// The worst loss of the day so far, as a share of the equity at its start. It is remembered
    /// for the rest of the day, so that what a denial measures is what reached the limit.
    pub fn day_loss(&mut self, equity: Money, limit: f64) -> DayLoss {
        let Some(start) = self.day.start_equity else {
            return DayLoss { fraction: 0.0, reached: false };
        };
        let lost = start.saturating_plus(-equity);
        let fraction = if lost.is_positive() { lost.ratio_of(start) } else { 0.0 };
        self.day.worst = self.day.worst.max(fraction);
        self.day.lost |= fraction >= limit || !start.is_positive();
        DayLoss { fraction: self.day.worst, reached: self.day.lost }
    }
}

/// See [`Account::day_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DayLoss {
    pub fraction: f64,
    pub reached: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Day {
    start_equity: Option<Money>,
    end: Nanos,
    worst: f64,
    lost: bool,
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

    #[test]
    fn the_day_limit_latches_until_midnight() {
        let mut account = Account::new();
        account.wallet = Some(Money::whole(100));
        account.turn_day(Nanos::HOUR, Money::whole(100));
        let loss = |account: &mut Account, equity| account.day_loss(Money::whole(equity), 0.05);
        assert_eq!(loss(&mut account, 96), DayLoss { fraction: 0.04, reached: false });
        let reached = DayLoss { fraction: 0.05, reached: true };
        assert_eq!(loss(&mut account, 95), reached);
        assert_eq!(loss(&mut account, 100), reached, "for the rest of the day");
        account.turn_day(Nanos::HOUR.times(23), Money::whole(100));
        assert!(loss(&mut account, 100).reached);
        account.turn_day(Nanos::DAY, Money::whole(95));
        assert_eq!(loss(&mut account, 95), DayLoss { fraction: 0.0, reached: false });
    }
}

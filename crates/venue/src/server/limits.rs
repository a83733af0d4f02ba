//! Step machine: request weight per address, orders per account, and what follows from too many.
//!
//! Windows are fixed minutes and ten-second spans of the exchange's own clock. Over the limit the
//! answer is 429; whoever goes on asking in spite of that is banned and gets 418 until the ban
//! ends, the first time for two minutes, then twice as long each time, up to three days.

use crate::server::call::ApiError;
use crate::server::texts::error_of;
use aegis_wire::endpoints::FUNDING_LIMIT;
use aegis_wire::errors::text::BANNED;
use core::net::IpAddr;

/// The figures of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request weight per address and minute.
    pub weight_per_minute: u32,
    /// Orders per account and minute.
    pub orders_per_minute: u32,
    /// Orders per account and ten seconds.
    pub orders_per_10s: u32,
    /// Requests answered with 429 in one minute before the address is banned.
    pub refusals_before_ban: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            weight_per_minute: 2_400,
            orders_per_minute: 1_200,
            orders_per_10s: 300,
            refusals_before_ban: 10,
        }
    }
}

impl Limits {
    /// For a market that is stepped as fast as it goes: the limits are of wall time, in which a
    /// whole day of orders may pass within a second.
    pub const WIDE: Self = Self {
        weight_per_minute: 100_000_000,
        orders_per_minute: 10_000_000,
        orders_per_10s: 10_000_000,
        refusals_before_ban: 10,
    };
}

const MINUTE_MS: i64 = 60_000;
const TEN_SECONDS_MS: i64 = 10_000;
const FUNDING_MS: i64 = 5 * MINUTE_MS;
const FIRST_BAN_MS: i64 = 2 * MINUTE_MS;
const LONGEST_BAN_MS: i64 = 3 * 24 * 60 * MINUTE_MS;

/// A count in fixed spans of time.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    span: i64,
    count: u32,
}

impl Window {
    fn at(&mut self, wall_ms: i64, length_ms: i64) -> &mut u32 {
        let span = wall_ms.div_euclid(length_ms);
        if span != self.span {
            *self = Self { span, count: 0 };
        }
        &mut self.count
    }
}

/// What one address has used.
#[derive(Clone, Copy, Debug, Default)]
struct Address {
    weight: Window,
    funding: Window,
    refused: Window,
    bans: u32,
    banned_until: i64,
}

/// What the addresses have used.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    addresses: Vec<(IpAddr, Address)>,
}

impl Weights {
    fn of(&mut self, ip: IpAddr) -> &mut Address {
        let index = match self.addresses.iter().position(|(known, _)| *known == ip) {
            Some(index) => index,
            None => {
                self.addresses.push((ip, Address::default()));
                self.addresses.len() - 1
            }
        };
        &mut self.addresses[index].1
    }

    /// Charges a request.
    ///
    /// # Errors
    /// 429 with -1003 over the limit, 418 with -1003 while banned.
    pub fn charge(
        &mut self,
        ip: IpAddr,
        weight: u32,
        limits: &Limits,
        wall_ms: i64,
    ) -> Result<(), ApiError> {
        let address = self.of(ip);
        if wall_ms < address.banned_until {
            return Err(banned(ip, address.banned_until));
        }
        let used = address.weight.at(wall_ms, MINUTE_MS);
        *used = used.saturating_add(weight);
        if *used <= limits.weight_per_minute {
            return Ok(());
        }
        let limit = limits.weight_per_minute;
        let error = error_of(-1003, &[&ip.to_string(), &limit.to_string()]);
        Err(self.refused(ip, limits, wall_ms, error))
    }

    /// Counts a request for funding rates, which cost no weight but share a limit of their own.
    ///
    /// # Errors
    /// 429 with -1003 over the limit.
    pub fn charge_funding(
        &mut self,
        ip: IpAddr,
        limits: &Limits,
        wall_ms: i64,
    ) -> Result<(), ApiError> {
        let used = self.of(ip).funding.at(wall_ms, FUNDING_MS);
        *used = used.saturating_add(1);
        if *used <= FUNDING_LIMIT {
            return Ok(());
        }
        let msg = format!(
            "Too many requests; current limit of IP({ip}) is {FUNDING_LIMIT} requests per 5 \
             minutes for funding rates."
        );
        let error = ApiError { status: 429, code: -1003, msg };
        Err(self.refused(ip, limits, wall_ms, error))
    }

    /// Counts a 429 of any kind; what is answered in its place once that was ignored too often.
    pub fn refused(
        &mut self,
        ip: IpAddr,
        limits: &Limits,
        wall_ms: i64,
        error: ApiError,
    ) -> ApiError {
        let address = self.of(ip);
        let refused = address.refused.at(wall_ms, MINUTE_MS);
        *refused += 1;
        if *refused <= limits.refusals_before_ban {
            return error;
        }
        let length = FIRST_BAN_MS << address.bans.min(12);
        address.bans += 1;
        address.refused = Window::default();
        address.banned_until = wall_ms.saturating_add(length.min(LONGEST_BAN_MS));
        banned(ip, address.banned_until)
    }

    /// Bans an address.
    pub fn ban(&mut self, ip: IpAddr, until_ms: i64) -> ApiError {
        self.of(ip).banned_until = until_ms;
        banned(ip, until_ms)
    }

    /// Lifts every ban.
    pub fn lift(&mut self) {
        self.addresses.iter_mut().for_each(|(_, address)| address.banned_until = 0);
    }

    /// Weight used in this minute.
    pub fn used(&mut self, ip: IpAddr, wall_ms: i64) -> u32 {
        *self.of(ip).weight.at(wall_ms, MINUTE_MS)
    }
}

/// What is answered during a ban.
pub fn banned(ip: IpAddr, until_ms: i64) -> ApiError {
    let msg = BANNED.replacen("%s", &ip.to_string(), 1).replacen("%s", &until_ms.to_string(), 1);
    ApiError { status: 418, code: -1003, msg }
}

/// How many orders one account has sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderCounts {
    minute: Window,
    ten_seconds: Window,
}

impl OrderCounts {
    /// Counts orders: `short` in the ten-second window, `long` in the minute.
    ///
    /// # Errors
    /// 429 with -1015 over a limit; nothing is counted then.
    pub fn charge(
        &mut self,
        short: u32,
        long: u32,
        limits: &Limits,
        wall_ms: i64,
    ) -> Result<(), ApiError> {
        let too_many = |limit: u32, span: &str| Err(error_of(-1015, &[&limit.to_string(), span]));
        let (in_short, in_long) = self.used(wall_ms);
        if in_short + short > limits.orders_per_10s {
            return too_many(limits.orders_per_10s, "TEN_SECONDS");
        }
        if in_long + long > limits.orders_per_minute {
            return too_many(limits.orders_per_minute, "MINUTE");
        }
        *self.ten_seconds.at(wall_ms, TEN_SECONDS_MS) += short;
        *self.minute.at(wall_ms, MINUTE_MS) += long;
        Ok(())
    }

    /// Orders in these ten seconds and in this minute.
    pub fn used(&mut self, wall_ms: i64) -> (u32, u32) {
        let short = *self.ten_seconds.at(wall_ms, TEN_SECONDS_MS);
        (short, *self.minute.at(wall_ms, MINUTE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn over_the_limit_is_429_and_going_on_is_418_until_the_ban_ends() {
        let limits = Limits { weight_per_minute: 10, refusals_before_ban: 2, ..Limits::default() };
        let mut weights = Weights::default();
        let mut charge = |at| weights.charge(HERE, 5, &limits, at).map_err(|r| (r.status, r.code));
        assert_eq!(charge(0), Ok(()));
        assert_eq!(charge(1), Ok(()));
        assert_eq!(charge(2), Err((429, -1003)));
        assert_eq!(charge(3), Err((429, -1003)));
        assert_eq!(charge(4), Err((418, -1003)));
        assert_eq!(charge(60_000), Err((418, -1003)), "a new minute does not end a ban");
        assert_eq!(charge(120_004), Ok(()));
    }

    #[test]
    fn a_second_ban_is_longer() {
        let limits = Limits { weight_per_minute: 0, refusals_before_ban: 0, ..Limits::default() };
        let mut weights = Weights::default();
        let until = |text: &str| -> i64 {
            text.split("until ").nth(1).unwrap().split('.').next().unwrap().parse().unwrap()
        };
        let first = weights.charge(HERE, 1, &limits, 0).unwrap_err();
        assert_eq!(until(&first.msg), 120_000);
        let second = weights.charge(HERE, 1, &limits, 120_000).unwrap_err();
        assert_eq!(until(&second.msg), 120_000 + 240_000);
    }

    #[test]
    fn orders_are_counted_in_both_windows() {
        let limits = Limits { orders_per_10s: 2, orders_per_minute: 3, ..Limits::default() };
        let mut counts = OrderCounts::default();
        let mut charge = |at| counts.charge(1, 1, &limits, at).map_err(|r| r.msg);
        assert_eq!(charge(0), Ok(()));
        assert_eq!(charge(0), Ok(()));
        assert!(charge(0).unwrap_err().contains("TEN_SECONDS"));
        assert_eq!(charge(10_000), Ok(()));
        assert!(charge(10_000).unwrap_err().contains("MINUTE"));
        assert_eq!(charge(60_000), Ok(()));
    }
}

//! Step machine: listen keys and the events that travel under them.
//!
//! An account has one listen key at a time. Events are written only while it lives; a socket that
//! names another key opens and stays silent, as at the real exchange.

use crate::server::call::ApiError;
use crate::server::sim::{Audience, Sim};
use crate::server::texts::error;
use crate::server::user_events as events;
use crate::server::venue;
use aegis_exchange::futures::{AccountId, ExecutionKind, OrderReport, Report};

/// Life of a listen key without renewal, wall ms.
pub const LISTEN_KEY_MS: i64 = 60 * 60_000;

/// Characters of a listen key.
const KEY_LENGTH: usize = 64;

/// A key under which an account's events travel.
#[derive(Clone, Debug)]
struct ListenKey {
    account: AccountId,
    text: String,
    until_ms: i64,
}

/// The listen keys that live.
#[derive(Clone, Debug, Default)]
pub struct ListenKeys {
    keys: Vec<ListenKey>,
    made: u64,
}

impl ListenKeys {
    /// The key of an account, made if it has none, for another hour.
    pub fn start(&mut self, account: AccountId, wall_ms: i64, seed: u64) -> String {
        let until_ms = wall_ms.saturating_add(LISTEN_KEY_MS);
        if let Some(key) = self.keys.iter_mut().find(|key| key.account == account) {
            key.until_ms = until_ms;
            return key.text.clone();
        }
        self.made += 1;
        let text = key_text(seed, self.made);
        self.keys.push(ListenKey { account, text: text.clone(), until_ms });
        text
    }

    /// Another hour for the account's key; `named` is the key that the request names, if any.
    ///
    /// # Errors
    /// -1125 when the account has none, or another one.
    pub fn keep(
        &mut self,
        account: AccountId,
        named: Option<&str>,
        wall_ms: i64,
    ) -> Result<String, ApiError> {
        let mine = |key: &&mut ListenKey| {
            key.account == account && named.is_none_or(|named| named == key.text)
        };
        let key = self.keys.iter_mut().find(mine).ok_or_else(|| error(-1125))?;
        key.until_ms = wall_ms.saturating_add(LISTEN_KEY_MS);
        Ok(key.text.clone())
    }

    /// Takes the account's key away; its sockets stay open and silent.
    ///
    /// # Errors
    /// -1125 when the account has none.
    pub fn close(&mut self, account: AccountId) -> Result<(), ApiError> {
        let before = self.keys.len();
        self.keys.retain(|key| key.account != account);
        if self.keys.len() < before { Ok(()) } else { Err(error(-1125)) }
    }

    /// The key of an account.
    pub fn of(&self, account: AccountId) -> Option<&str> {
        self.keys.iter().find(|key| key.account == account).map(|key| key.text.as_str())
    }

    /// Takes away the keys that are due, or all that `which` names; their texts.
    fn expire(&mut self, which: impl Fn(&ListenKey) -> bool) -> Vec<String> {
        self.keys.extract_if(.., |key| which(key)).map(|key| key.text).collect()
    }
}

/// A key of letters and digits, by seed and number.
fn key_text(seed: u64, number: u64) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut letter = || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        char::from(LETTERS[((word ^ (word >> 31)) % 62) as usize])
    };
    (0..KEY_LENGTH).map(|_| letter()).collect()
}

/// Ends the keys whose hour is over.
pub fn expire_due(sim: &mut Sim, wall_ms: i64) {
    if sim.gate.keys.keys.iter().any(|key| key.until_ms <= wall_ms) {
        let gone = sim.gate.keys.expire(|key| key.until_ms <= wall_ms);
        tell_expired(sim, gone);
    }
}

/// Ends the keys of an account, or of all.
pub fn expire_now(sim: &mut Sim, account: Option<AccountId>) {
    let gone = sim.gate.keys.expire(|key| account.is_none_or(|account| account == key.account));
    tell_expired(sim, gone);
}

fn tell_expired(sim: &mut Sim, gone: Vec<String>) {
    for listen_key in gone {
        let body = events::listen_key_expired(sim.clock.market_ms(), &listen_key);
        sim.send(Audience::User { listen_key, event: "listenKeyExpired" }, body);
    }
}

/// Tells the accounts what happened to them, and the market what everybody sees.
pub fn publish(sim: &mut Sim, reports: &[Report]) {
    for (index, report) in reports.iter().enumerate() {
        let Some(account) = report.account() else {
            venue::tell_everybody(sim, report);
            continue;
        };
        let Some(key) = sim.gate.keys.of(account) else { continue };
        let key = key.to_owned();
        if let Some(fill) = lite_before(reports, index) {
            let body = events::trade_lite(sim, fill);
            sim.send(Audience::User { listen_key: key.clone(), event: "TRADE_LITE" }, body);
        }
        let Some((event, body)) = events::of(sim, report) else { continue };
        sim.send(Audience::User { listen_key: key, event }, body);
    }
}

/// The short event of a fill comes before everything else about it: before the balances that
/// changed with it, where those are told first.
fn lite_before(reports: &[Report], index: usize) -> Option<&OrderReport> {
    let fill = |report: Option<&'_ Report>| match report {
        Some(Report::Order(fill)) if fill.execution == ExecutionKind::Trade => Some(fill.order.id),
        _ => None,
    };
    let balances = |report: Option<&Report>| matches!(report, Some(Report::Account(_)));
    let here = index.checked_sub(1).and_then(|before| reports.get(before));
    let at = match reports.get(index) {
        Some(Report::Account(_)) if fill(reports.get(index + 1)).is_some() => index + 1,
        Some(Report::Order(_)) if !balances(here) => index,
        _ => return None,
    };
    fill(reports.get(at))?;
    match &reports[at] {
        Report::Order(report) => Some(report),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_an_account_renewed_for_an_hour() {
        let (one, two) = (AccountId(0), AccountId(1));
        let mut keys = ListenKeys::default();
        let first = keys.start(one, 0, 7);
        assert_eq!(first.len(), KEY_LENGTH);
        assert_eq!(keys.start(one, 1_000, 7), first, "the key that lives is given again");
        assert_ne!(keys.start(two, 0, 7), first);
        assert_eq!(keys.keep(one, None, 2_000), Ok(first.clone()));
        assert_eq!(keys.keep(one, Some("another"), 2_000).map_err(|e| e.code), Err(-1125));
        let due = keys.expire(|key| key.until_ms <= LISTEN_KEY_MS);
        assert_eq!(due.len(), 1, "the renewed one lives on");
        assert_eq!(keys.of(one), Some(first.as_str()));
        assert_eq!(keys.close(one), Ok(()));
        assert_eq!(keys.close(one).map_err(|e| e.code), Err(-1125));
        assert_ne!(keys.start(one, 0, 7), first, "a new key is another one");
    }
}

//! Phase 2, for real orders: does the exchange answer, do the keys fit it, and could they hurt?

use super::{Auditor, Finding, Options, Purpose};
use crate::exchange_child::Account;
use crate::question::Questions;
use crate::{Failure, clock, listing};
use aegis_settings::Settings;
use aegis_types::Nanos;
use aegis_wire::Query;
use aegis_wire::urls::SPOT_REST;
use serde_json::Value;

/// Longest answer.
const ANSWER: Nanos = Nanos(5_000_000_000);
/// A clock further off than this makes the exchange refuse orders, or nearly.
const OFFSET_MAX_MS: i64 = 500;

const NOT_ASKED: &str = "orders are simulated, the exchange is not asked";

/// What the exchange says, or why it does not.
struct Exchange<'a> {
    settings: &'a Settings,
    keys: Account,
    rest: String,
    offset_ms: i64,
}

pub fn phase(auditor: &mut Auditor, options: &Options) {
    const IDS: [&str; 3] = ["exchange.clock", "exchange.account", "exchange.key_permissions"];
    let settings = match (&options.settings, options.purpose) {
        (Ok(settings), Purpose::Live) => settings,
        _ => {
            for id in IDS {
                auditor.check(id, "API signing", || Finding::skip(NOT_ASKED));
            }
            return;
        }
    };
    auditor.check("mode.armed", "configuration", || armed(settings));
    let Some(keys) = settings.keys() else {
        for id in IDS {
            auditor.check(id, "API signing", || {
                Finding::fail("there are no keys to ask with", "set both keys")
            });
        }
        return;
    };
    let keys = Account::of(&keys);
    let mut exchange = None;
    auditor.check("exchange.clock", "API signing", || match Exchange::reach(settings, keys) {
        Ok(reached) => {
            let offset = reached.offset_ms;
            exchange = Some(reached);
            if offset.abs() > OFFSET_MAX_MS {
                return Finding::warn(
                    format!("the exchange's clock is {offset} ms ahead of this machine's"),
                    "synchronise this machine's clock; orders are dated by the exchange's",
                );
            }
            Finding::pass(format!("the exchange answers, its clock is {offset} ms ahead"))
        }
        Err(failure) => Finding::fail(failure.what, failure.hint),
    });
    let exchange = exchange.as_ref();
    auditor.check(IDS[1], "API signing", || told(exchange.map(Exchange::account)));
    auditor.check(IDS[2], "API signing", || told(exchange.map(Exchange::permissions)));
}

/// What an exchange that was reached told.
fn told(answer: Option<Result<Finding, Failure>>) -> Finding {
    match answer {
        Some(Ok(finding)) => finding,
        Some(Err(failure)) => Finding::fail(failure.what, failure.hint),
        None => Finding::fail("the exchange does not answer", "see exchange.clock"),
    }
}

/// Real orders need `live = true` and production.
fn armed(settings: &Settings) -> Finding {
    let environment = settings.environment();
    match (settings.live(), environment) {
        (true, "production") => Finding::pass("live = true, production"),
        (false, _) => Finding::fail("live = false: real orders are not armed", "set live = true"),
        (true, _) => Finding::fail(
            format!("the environment is {environment}"),
            "real orders leave only in production: set ENVIRONMENT=production",
        ),
    }
}

impl<'a> Exchange<'a> {
    fn reach(settings: &'a Settings, keys: Account) -> Result<Self, Failure> {
        let urls = listing::urls(settings, "binance")?;
        let mut questions = Questions::to(&urls.rest, ANSWER)?;
        let before = clock::wall();
        let said = questions.json("/fapi/v1/time")?;
        let after = clock::wall();
        let server = said["serverTime"].as_i64().ok_or_else(|| {
            Failure::failed(format!("{}: no serverTime", urls.rest), "check the address")
        })?;
        let middle = (before.as_millis() + after.as_millis()) / 2;
        Ok(Self { settings, keys, rest: urls.rest, offset_ms: server - middle })
    }

    fn signed(&self, base: &str, path: &str) -> Result<Value, Failure> {
        let identity = listing::identity(&self.keys, self.settings.venue().recv_window_ms)?;
        let mut questions = Questions::to(base, ANSWER)?;
        let now = clock::wall().as_millis() + self.offset_ms;
        let answer = questions.signed(path, &Query::new(), &identity, now)?;
        questions.good(path, &answer)
    }

    fn account(&self) -> Result<Finding, Failure> {
        let said = self.signed(&self.rest, "/fapi/v1/accountConfig")?;
        if said["canTrade"] == false {
            return Ok(Finding::fail("the account may not trade", "ask the exchange why"));
        }
        if said["dualSidePosition"] == true {
            return Ok(Finding::warn(
                "the account is in hedge mode; it is set to one-way at the start",
                "close positions first: the mode cannot change while there are any",
            ));
        }
        Ok(Finding::pass("the keys fit, the account may trade, one-way mode"))
    }

    /// Keys that could empty the account have no place here.
    fn permissions(&self) -> Result<Finding, Failure> {
        // The question is the spot host's; a simulator answers it itself.
        let own = self.settings.venue().exchange_url.is_empty();
        let base = if own { SPOT_REST } else { self.rest.as_str() };
        let said = self.signed(base, "/sapi/v1/account/apiRestrictions")?;
        let may = |what: &str| said[what] == true;
        for (right, words) in [
            ("enableWithdrawals", "withdraw"),
            ("enableInternalTransfer", "transfer to other users"),
            ("permitsUniversalTransfer", "move money between accounts"),
        ] {
            if may(right) {
                return Ok(Finding::fail(
                    format!("the key may {words}"),
                    "make a key that may trade futures and nothing else",
                ));
            }
        }
        if !may("ipRestrict") {
            return Ok(Finding::warn(
                "the key works from every address",
                "restrict it to this machine's address",
            ));
        }
        Ok(Finding::pass("the key may trade, only from known addresses, and move nothing out"))
    }
}

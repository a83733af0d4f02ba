//! Phase 2, for real orders: does the exchange answer, do the keys fit it, and could they hurt?

use super::{Auditor, Finding, Options, Purpose};
use crate::Failure;
use crate::arming::{Exchange, Verdict, judge_place};
use crate::exchange_child::Account;
use aegis_settings::Settings;

/// A clock further off than this makes the exchange refuse orders, or nearly.
const OFFSET_MAX_MS: i64 = 500;

const NOT_ASKED: &str = "orders are simulated, the exchange is not asked";

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
    auditor.check(IDS[2], "API signing", || told(exchange.map(Exchange::key)));
}

/// What an exchange that was reached told.
fn told(answer: Option<Result<Verdict, Failure>>) -> Finding {
    match answer {
        Some(Ok(Verdict::Good(what))) => Finding::pass(what),
        Some(Ok(Verdict::Doubtful(what, hint))) => Finding::warn(what, hint),
        Some(Ok(Verdict::Refused(what, hint))) => Finding::fail(what, hint),
        Some(Err(failure)) => Finding::fail(failure.what, failure.hint),
        None => Finding::fail("the exchange does not answer", "see exchange.clock"),
    }
}

/// Real orders need `live = true` and production.
fn armed(settings: &Settings) -> Finding {
    let environment = settings.environment();
    if let Err(failure) = judge_place(environment, "binance") {
        return Finding::fail(failure.what, failure.hint);
    }
    match (settings.live(), environment) {
        (true, "production") => Finding::pass("live = true, production"),
        (false, _) => Finding::fail("live = false: real orders are not armed", "set live = true"),
        (true, _) => Finding::fail(
            format!("the environment is {environment}"),
            "real orders leave only in production: set ENVIRONMENT=production",
        ),
    }
}

//! May orders be real? What an exchange says of a key and its account, judged.
//!
//! A bot's key trades futures and nothing else: whoever steals one that may withdraw or transfer
//! has the money, whoever steals one that trades has an account to trade badly with. The judgement
//! is of the answers alone, so that the audit and the start of a run cannot come to two of them.

use crate::Failure;
use crate::exchange_child::Account;
use crate::question::Questions;
use crate::{clock, listing};
use aegis_settings::Settings;
use aegis_types::Nanos;
use aegis_wire::Query;
use aegis_wire::urls::SPOT_REST;
use serde_json::Value;

/// Longest answer.
const ANSWER: Nanos = Nanos(5_000_000_000);

/// Rights that move money out, and how one says it.
const RIGHTS_OUT: [(&str, &str); 3] = [
    ("enableWithdrawals", "withdraw"),
    ("enableInternalTransfer", "transfer to other users"),
    ("permitsUniversalTransfer", "move money between accounts"),
];

/// What was concluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good(String),
    /// It may trade, and somebody should know: what, and what to do.
    Doubtful(String, &'static str),
    /// It must not: why, and what to do.
    Refused(String, &'static str),
}

/// Judges what `/sapi/v1/account/apiRestrictions` says of a key. A right that is not spoken of is
/// taken as given: silence proves nothing.
pub fn judge_key(said: &Value) -> Verdict {
    const TRADE_ONLY: &str = "make a key that may trade futures and nothing else";
    for (right, words) in RIGHTS_OUT {
        match said[right].as_bool() {
            Some(false) => {}
            Some(true) => return Verdict::Refused(format!("the key may {words}"), TRADE_ONLY),
            None => {
                let what = format!("the exchange does not say whether the key may {words}");
                return Verdict::Refused(what, TRADE_ONLY);
            }
        }
    }
    if said["enableFutures"] == false {
        return Verdict::Refused(
            "the key may not trade futures".to_owned(),
            "allow futures for the key, and nothing that moves money",
        );
    }
    if said["ipRestrict"] != true {
        return Verdict::Doubtful(
            "the key works from every address".to_owned(),
            "restrict it to this machine's address",
        );
    }
    Verdict::Good("the key may trade, only from known addresses, and move nothing out".to_owned())
}

/// Judges what `/fapi/v1/accountConfig` says of an account.
pub fn judge_account(said: &Value) -> Verdict {
    if said["canTrade"] == false {
        return Verdict::Refused("the account may not trade".to_owned(), "ask the exchange why");
    }
    if said["dualSidePosition"] == true {
        return Verdict::Doubtful(
            "the account is in hedge mode; it is set to one-way at the start".to_owned(),
            "close positions first: the mode cannot change while there are any",
        );
    }
    Verdict::Good("the keys fit, the account may trade, one-way mode".to_owned())
}

/// Judges where keys of an environment would be used: production's stay with the real exchange,
/// and nothing but production goes there.
///
/// # Errors
/// When environment and venue contradict each other.
pub fn judge_place(environment: &str, venue: &str) -> Result<(), Failure> {
    match (environment, venue) {
        ("production", "testnet") => Err(Failure::usage(
            "the keys of production would go to the exchange's demo",
            "set ENVIRONMENT=testnet with keys of the demo, or give --venue binance",
        )),
        ("testnet", "binance") => Err(Failure::usage(
            "the keys of the demo would go to the real exchange",
            "set ENVIRONMENT=production with real keys, or give --venue testnet",
        )),
        _ => Ok(()),
    }
}

/// An exchange that was reached, and the account on it.
pub struct Exchange<'a> {
    settings: &'a Settings,
    keys: Account,
    rest: String,
    /// How far its clock is ahead of ours.
    pub offset_ms: i64,
}

impl<'a> Exchange<'a> {
    /// Asks the exchange behind `--venue binance` for its time.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn reach(settings: &'a Settings, keys: Account) -> Result<Self, Failure> {
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

    /// The account, judged.
    ///
    /// # Errors
    /// When the exchange does not answer or refuses the keys.
    pub fn account(&self) -> Result<Verdict, Failure> {
        Ok(judge_account(&self.signed(&self.rest, "/fapi/v1/accountConfig")?))
    }

    /// The key's rights, judged.
    ///
    /// # Errors
    /// When the exchange does not answer or refuses the keys.
    pub fn key(&self) -> Result<Verdict, Failure> {
        // The question is the spot host's; a simulator answers it itself.
        let own = self.settings.venue().exchange_url.is_empty();
        let base = if own { SPOT_REST } else { self.rest.as_str() };
        Ok(judge_key(&self.signed(base, "/sapi/v1/account/apiRestrictions")?))
    }
}

/// The last door before real orders: refuses an account or a key that the exchange itself says
/// should not trade here. Beside the audit, which a caller may have asked for long before.
///
/// # Errors
/// What refuses; also when the exchange cannot be asked.
pub fn may_arm(settings: &Settings, keys: &Account) -> Result<(), Failure> {
    judge_place(settings.environment(), "binance")?;
    let exchange = Exchange::reach(settings, keys.clone())?;
    for verdict in [exchange.account()?, exchange.key()?] {
        match verdict {
            Verdict::Good(what) => tracing::info!("{what}"),
            Verdict::Doubtful(what, hint) => tracing::warn!("{what}; {hint}"),
            Verdict::Refused(what, hint) => {
                return Err(Failure { what, hint: hint.to_owned(), code: crate::EXIT_NO_GO });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trade_only() -> Value {
        json!({
            "ipRestrict": true, "enableFutures": true, "enableReading": true,
            "enableWithdrawals": false, "enableInternalTransfer": false,
            "permitsUniversalTransfer": false,
        })
    }

    #[test]
    fn a_key_that_moves_money_out_is_refused() {
        assert!(matches!(judge_key(&trade_only()), Verdict::Good(_)));
        for (right, _) in RIGHTS_OUT {
            for given in [json!(true), json!("true"), Value::Null] {
                let mut said = trade_only();
                said[right] = given;
                assert!(matches!(judge_key(&said), Verdict::Refused(..)), "{right}");
            }
            let mut said = trade_only();
            said.as_object_mut().unwrap().remove(right);
            assert!(matches!(judge_key(&said), Verdict::Refused(..)), "silence on {right}");
        }
        assert!(matches!(judge_key(&json!({})), Verdict::Refused(..)));
        let mut said = trade_only();
        said["enableFutures"] = json!(false);
        assert!(matches!(judge_key(&said), Verdict::Refused(..)));
    }

    #[test]
    fn a_key_without_known_addresses_is_worth_a_warning() {
        let mut said = trade_only();
        said["ipRestrict"] = json!(false);
        assert!(matches!(judge_key(&said), Verdict::Doubtful(..)));
    }

    #[test]
    fn keys_stay_where_they_belong() {
        for (environment, venue, fits) in [
            ("production", "binance", true),
            ("production", "testnet", false),
            ("testnet", "testnet", true),
            ("testnet", "binance", false),
            ("development", "testnet", true),
            ("production", "local", true),
            ("production", "sim", true),
        ] {
            assert_eq!(judge_place(environment, venue).is_ok(), fits, "{environment} {venue}");
        }
    }

    #[test]
    fn an_account_that_may_not_trade_is_refused() {
        assert!(matches!(judge_account(&json!({"canTrade": false})), Verdict::Refused(..)));
        let hedge = json!({"canTrade": true, "dualSidePosition": true});
        assert!(matches!(judge_account(&hedge), Verdict::Doubtful(..)));
        let good = json!({"canTrade": true, "dualSidePosition": false});
        assert!(matches!(judge_account(&good), Verdict::Good(_)));
    }
}

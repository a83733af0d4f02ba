//! Environment, keys and arming.

use crate::support::{load, shown, wrong};
use aegis_journal::Durability;

const KEY: (&str, &str) = ("BINANCE_API_KEY", "not-a-real-key");
const SECRET: (&str, &str) = ("BINANCE_API_SECRET", "not-a-real-secret");

#[test]
fn keys_are_masked_everywhere_and_never_in_pairs() {
    let settings = load(None, &[KEY, SECRET], &[]).expect("any key will do in development");
    assert_eq!(settings.keys().expect("both").secret.expose(), SECRET.1);
    assert_eq!(shown(&settings, "binance.api_secret"), ("****".to_owned(), "env"));
    let rows: Vec<_> = settings.rows().collect();
    let all = format!("{settings:?} {rows:?} {:?} {:?}", settings.pairs(), settings.keys());
    assert!(!all.contains(KEY.1) && !all.contains(SECRET.1), "{all}");
    assert!(settings.mode_line().contains("add `--live` and `live = true`"));
    assert!(load(None, &[], &[]).expect("valid").mode_line().contains("simulated"));
}

#[test]
fn one_key_of_two_or_white_space_is_wrong_in_every_mode() {
    for environment in ["development", "testnet", "production"] {
        let env = ("ENVIRONMENT", environment);
        let text = wrong(None, &[env, KEY], &[]);
        assert!(text.contains("BINANCE_API_KEY is set and BINANCE_API_SECRET is not"), "{text}");
        let text = wrong(None, &[env, SECRET], &[]);
        assert!(text.contains("BINANCE_API_SECRET is set and BINANCE_API_KEY is not"), "{text}");
        let text = wrong(None, &[env, ("BINANCE_API_KEY", "not a real key\n"), SECRET], &[]);
        assert!(text.contains("white space") && !text.contains("not a real"), "{text}");
    }
}

#[test]
fn secrets_stand_in_no_settings_file_and_no_flag() {
    let text = wrong(Some("[binance]\napi_key = \"hunter2\"\n"), &[], &[]);
    assert!(text.contains("BINANCE_API_KEY in the environment"), "{text}");
    assert!(text.contains("binance.key_file"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let text = wrong(None, &[], &[("binance.api_secret", "hunter2")]);
    assert!(text.contains("BINANCE_API_SECRET") && !text.contains("hunter2"), "{text}");
}

#[test]
fn the_form_of_keys_is_checked_where_the_exchange_reads_them() {
    let none = load(None, &[], &[]).expect("valid");
    let text = none.require_keys("binance").expect_err("no keys").to_string();
    assert!(text.contains("BINANCE_API_KEY and BINANCE_API_SECRET"), "{text}");
    let odd = load(None, &[KEY, SECRET], &[]).expect("valid");
    assert!(odd.require_keys("local").is_ok());
    let text = odd.require_keys("testnet").expect_err("no such keys").to_string();
    assert!(text.contains("2 things are wrong") && !text.contains(KEY.1), "{text}");
    let (key, secret) = ("a1".repeat(32), "B2".repeat(32));
    let env = [("BINANCE_API_KEY", key.as_str()), ("BINANCE_API_SECRET", secret.as_str())];
    let good = load(None, &env, &[]).expect("valid");
    assert!(good.require_keys("binance").is_ok() && good.key_format().is_ok());
    let text = wrong(None, &[("ENVIRONMENT", "production"), KEY, SECRET], &[]);
    assert!(text.contains("64 letters and digits"), "{text}");
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let env = [("BINANCE_API_KEY", key.as_str()), ("BINANCE_API_SECRET", pem)];
    assert!(load(None, &env, &[]).expect("valid").require_keys("binance").is_ok());
}

#[test]
fn production_requires_power_durability() {
    let of = |environment: &str, durability: &str| {
        let flags = [("environment", environment), ("journal.durability", durability)];
        load(None, &[], &flags).map(|settings| settings.journal().durability)
    };
    assert_eq!(of("development", "auto"), Ok(Durability::Process));
    assert_eq!(of("testnet", "auto"), Ok(Durability::Power));
    assert_eq!(of("testnet", "process"), Ok(Durability::Process));
    assert_eq!(of("production", "auto"), Ok(Durability::Power));
    let text = of("production", "process").expect_err("not enough").to_string();
    assert!(text.contains("journal.durability") && text.contains("set power or auto"), "{text}");
}

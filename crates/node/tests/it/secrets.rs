//! Whatever holds keys says nothing of them when it is printed for debugging.

use aegis_node::exchange_child::Account;
use aegis_node::pace::Speed;
use aegis_node::{brain, listing};
use aegis_ring::Wait;
use aegis_settings::{Settings, Sources};
use aegis_wire::{Secret, Signer, Verifier};

const KEY: &str = "canary-of-the-key";
const SECRET: &str = "canary-of-the-secret";

fn silent(what: &str, printed: &str) {
    assert!(!printed.contains("canary"), "{what}: {printed}");
}

#[test]
fn nothing_that_holds_keys_prints_them() {
    let env = |name: &str| match name {
        "BINANCE_API_KEY" => Some(KEY.to_owned()),
        "BINANCE_API_SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    let sources = Sources { file: None, env: &env, env_keys: Vec::new(), flags: Vec::new() };
    let settings = Settings::load(&sources).expect("valid");
    silent("settings", &format!("{settings:?} {:?}", settings.rows().collect::<Vec<_>>()));
    silent("pairs", &format!("{:?}", settings.pairs()));
    let keys = settings.keys().expect("both");
    silent("keys", &format!("{keys:?} {} {}", keys.key, keys.secret));
    let account = Account::of(&keys);
    assert_eq!(account.secret.expose_text(), SECRET);
    silent("account", &format!("{account:?} {:?}", account.secret));
    let identity = listing::identity(&account, 5_000).expect("a signer");
    silent("identity", &format!("{identity:?} {:?}", identity.signer));
    let secret = Secret::from(SECRET);
    silent("signers", &format!("{:?} {:?}", Signer::hmac(&secret), Verifier::hmac(&secret)));
    let args = brain::Args {
        home: "/home".into(),
        run: "/run".into(),
        wait: Wait::default(),
        speed: Speed::Max,
        supervised: true,
        store: None,
        store_rows: 1,
        armed: true,
        keys: Some(account),
    };
    silent("arguments of a brain", &format!("{args:?}"));
}

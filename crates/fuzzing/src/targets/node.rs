//! What comes from the machine's own users and processes.

use aegis_node::control::Ask;
use aegis_node::handover;
use aegis_node::protocol::{Order, Report};
use aegis_settings::{Settings, example_toml, parse_key_file};
use aegis_wire::{Secret, Signer};

/// What no message may repeat.
const SECRET: &str = "hunter2hunter2";

pub(super) fn settings_file(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else { return false };
    match Settings::from_text("aegis.toml", text) {
        Ok(settings) => {
            // What holds by construction is read by everybody.
            let _ = (settings.engine(), settings.exchange(), settings.journal());
            assert_eq!(
                Settings::from_pairs(settings.pairs()).map(|s| s.pairs()),
                Ok(settings.pairs())
            );
            true
        }
        Err(violations) => {
            // Under the name of another setting it is a wrong value like any other.
            let lines = text.lines().filter(|line| !line.contains("api_"));
            let elsewhere: String = lines.collect();
            let told = violations.to_string().contains(SECRET);
            assert!(!told || elsewhere.contains(SECRET), "{violations}");
            false
        }
    }
}

pub(super) fn settings_seeds() -> Vec<Vec<u8>> {
    let example = example_toml();
    // Every setting set to its default, in pieces that fit.
    let live: String = example
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            let set = line.contains(" = ") && !line.contains("--set") && !line.ends_with('.');
            (line.starts_with('[') || set).then(|| format!("{line}\n"))
        })
        .collect();
    let mut all: Vec<Vec<u8>> = vec![
        b"[risk]\nfraction = 0.004\nfraction_max = 0.01\n".to_vec(),
        b"environment = \"testnet\"\nlive = false\n[venue]\norder_transport = \"ws\"\n".to_vec(),
        format!("[binance]\napi_secret = \"{SECRET}\"\nkey_file = \"/a/b\"\n").into_bytes(),
        b"[store]\nurl = \"postgresql://u:hunter2hunter2@h/d?password=hunter2hunter2\"\n".to_vec(),
    ];
    all.extend(live.split("\n[").map(|part| match part.starts_with('[') || !part.contains(']') {
        true => part.as_bytes().to_vec(),
        false => format!("[{part}\n").into_bytes(),
    }));
    all
}

/// A line each; then all of it as keys that come through the pipe.
pub(super) fn control_lines(data: &[u8]) -> bool {
    let mut good = false;
    for line in data.split(|byte| *byte == b'\n').take(16) {
        good |= serde_json::from_slice::<Ask>(line).is_ok();
        if let Ok(order) = serde_json::from_slice::<Order>(line) {
            let text = serde_json::to_string(&order).unwrap_or_default();
            assert_eq!(serde_json::from_str::<Order>(&text).ok(), Some(order), "{text}");
            good = true;
        }
        good |= serde_json::from_slice::<Report>(line).is_ok();
    }
    let mut rest = data;
    match handover::take(&mut rest) {
        Ok(account) => {
            assert!(rest.len() < data.len());
            let mut written = Vec::new();
            let _ = handover::give(&mut written, &account);
            let again = handover::take(&mut written.as_slice());
            assert!(again.is_ok_and(|again| again.secret == account.secret));
            true
        }
        Err(_) => good,
    }
}

pub(super) fn line_seeds() -> Vec<Vec<u8>> {
    [
        "{\"ask\":\"status\"}\n",
        "{\"ask\":\"operator\",\"what\":\"pause\"}\n",
        "{\"do\":\"stop\"}\n{\"do\":\"operator\",\"what\":\"halt\",\"request\":7}\n",
        "{\"do\":\"live\",\"epoch\":3,\"facts\":1500}\n",
        "{\"report\":\"ready\",\"after_ms\":1.5,\"position\":3,\"epoch\":1,\"time_ms\":1700000}\n",
        "{\"report\":\"feed\",\"published\":1,\"position\":2,\"epoch\":3,\"done\":false,\
         \"refused\":{},\"refused_examples\":[]}\n",
        "{\"report\":\"applied\",\"request\":7,\"refused\":null}\n",
        "{\"report\":\"failed\",\"what\":\"w\",\"hint\":\"h\",\"permanent\":true}\n",
        "keys 3 6\nabcsecret{\"do\":\"stop\"}\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(super) fn key_files(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else { return false };
    let secret = match parse_key_file(text) {
        Ok((_, secret)) => Some(secret),
        Err(fault) => {
            assert!(!fault.to_string().contains(SECRET), "{fault}");
            None
        }
    };
    let pem = Secret::from(secret.as_ref().map_or(text, |secret| secret.expose()));
    if let Err(error) = Signer::ed25519_pem(&pem) {
        assert!(!error.to_string().contains(SECRET), "{error}");
        return secret.is_some();
    }
    true
}

pub(super) fn key_seeds() -> Vec<Vec<u8>> {
    // Of RFC 8410: the example of a private key.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    vec![
        format!("BINANCE_API_KEY=k\nBINANCE_API_SECRET={SECRET}\n").into_bytes(),
        format!("# mine\n{PEM}BINANCE_API_KEY=k\n").into_bytes(),
        PEM.as_bytes().to_vec(),
    ]
}

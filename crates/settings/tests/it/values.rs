//! Defaults, pairs, typed values.

use crate::support::{load, shown};
use aegis_engine::EngineConfig;
use aegis_exchange::ExchangeConfig;
use aegis_journal as journal;
use aegis_settings::{Scope, Settings, TABLE};
use aegis_types::{Money, Nanos};
use proptest::prelude::*;

#[test]
fn defaults_are_the_consumers_defaults() {
    let settings = load(None, &[], &[]).expect("defaults are valid");
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.engine(), EngineConfig::default());
    assert_eq!(settings.exchange(), ExchangeConfig::default());
    assert_eq!(settings.journal(), journal::Config::default());
    assert_eq!(settings.exchange().balance, Money::whole(10_000));
    let market = settings.market();
    assert_eq!((market.symbols, market.days, market.edge), (10, 10, 0.0));
    assert_eq!((settings.ring_slots(), settings.ring_wait()), (16_384, "adaptive"));
    assert_eq!(settings.shutdown_timeout(), Nanos::SECOND.times(5));
    assert_eq!(settings.restart_backoff(), Nanos::from_millis(200));
    assert_eq!((settings.crash_loop_exits(), settings.store_backlog_rows()), (5, 100_000));
    assert_eq!((settings.log(), settings.store_url()), (("INFO", "text"), None));
    assert_eq!(settings.firewall().jump_window, Nanos::MINUTE.times(10));
    assert_eq!(
        (settings.conflation().as_millis(), settings.quote_interval().as_millis()),
        (100, 250)
    );
    assert!(!settings.live() && !settings.flatten_on_shutdown());
    assert!(settings.rows().all(|row| row.origin == "default" && row.value == row.default));
}

#[test]
fn every_row_is_sound_and_every_key_stands_once() {
    for (index, row) in TABLE.iter().enumerate() {
        let key = row.key;
        let canonical = row.kind.canonical(row.default);
        assert_eq!(canonical.as_deref(), Some(row.default), "{key}: default in canonical text");
        assert!(TABLE.iter().position(|r| r.key == key) == Some(index), "{key} stands twice");
        assert!(!row.why.is_empty() && !row.why.ends_with('.'), "{key}");
        assert!(row.key.matches('.').count() <= 1, "{key}");
        let aliases = TABLE.iter().filter(|r| r.env.is_some() && r.env == row.env);
        assert!(row.env.is_none() || aliases.count() == 1, "{key}: its classic name is taken");
    }
}

/// Sets each setting to another value and sees that some consumer's value moves: nothing in the
/// table is read by nobody.
#[test]
fn every_setting_moves_what_it_names() {
    let before = Settings::default();
    let facts = |s: &Settings| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            (s.venue(), s.universe_max(), s.universe_refresh(), s.archive_url()),
            s.engine(),
            s.exchange(),
            s.journal(),
            s.market(),
            s.firewall(),
            (s.conflation(), s.quote_interval(), s.log(), s.ring_slots(), s.ring_wait()),
            (s.store_url(), s.store_backlog_rows(), s.shutdown_timeout()),
            (s.flatten_on_shutdown(), s.crash_loop_exits(), s.restart_backoff()),
            s.environment(),
            s.live(),
            s.keys().is_some(),
            (s.snapshot_every(), s.journal_retain_days(), s.heartbeat_timeout()),
            (s.flatten_on_crash_loop(), s.escalate_after(), s.alert_patience(), s.expected_build()),
        )
    };
    // One word only, and secrets, cannot move.
    let fixed = |key: &str| key == "journal.retain" || key.starts_with("binance.");
    for row in TABLE.iter().filter(|row| !fixed(row.key)) {
        let candidates = [
            "true",
            "testnet",
            "symbol",
            "DEBUG",
            "json",
            "spin",
            "power",
            "flatten",
            "sqlite:a.db",
            "https://example.org",
            "ws",
            "ignore",
            "1024",
            "7",
            "2",
            "0.5",
            "0.01",
            "0.001",
            "0",
            "0123456789abcdef",
        ];
        let moved = candidates.iter().any(|value| {
            let changed = load(None, &[], &[(row.key, value)]);
            changed.is_ok_and(|changed| facts(&changed) != facts(&before))
        });
        assert!(moved, "{} changes nothing", row.key);
    }
}

#[test]
fn pairs_are_the_outcome_and_give_the_settings_again() {
    let flags = [("risk.fraction", "0.004"), ("sim.seed", "18446744073709551615")];
    let settings = load(None, &[], &flags).expect("valid");
    let pairs = settings.pairs();
    let again = Settings::from_pairs(pairs.clone()).expect("its own pairs");
    assert_eq!(again.pairs(), pairs);
    assert_eq!(again.engine(), settings.engine());
    assert_eq!(again.exchange().seed, u64::MAX);
    let map: std::collections::BTreeMap<String, String> = pairs.iter().cloned().collect();
    assert_eq!(Settings::from_pairs(&map).expect("a map").pairs(), pairs);
    let outside = [
        ("log.level", "DEBUG"),
        ("store.url", "postgresql://u:pw@h/db"),
        ("ring.slots", "1024"),
        ("node.crash_loop_exits", "9"),
    ];
    let elsewhere = load(None, &[], &[&flags[..], &outside[..]].concat()).expect("valid");
    assert_eq!(elsewhere.pairs(), pairs, "where and how it runs is no part of the session");
    let secrets = TABLE.iter().filter(|row| row.scope == Scope::Secret);
    assert!(secrets.into_iter().all(|row| pairs.iter().all(|(key, _)| key != row.key)));
    let error = Settings::from_pairs([("risk.gone", "1")]).expect_err("unknown").to_string();
    assert!(error.contains("risk.gone") && error.contains("session header"), "{error}");
}

#[test]
fn units_are_those_of_the_key() {
    let settings = load(
        None,
        &[],
        &[
            ("engine.stop_deadline_ms", "1500"),
            ("engine.time_stop_minutes", "90"),
            ("risk.cool_down_s", "0.25"),
            ("sim.latency_min_ms", "0.5"),
            ("journal.segment_mb", "1"),
            ("sim.balance", "2500.50"),
        ],
    )
    .expect("valid");
    let engine = settings.engine();
    assert_eq!(engine.stop_deadline, Nanos::from_millis(1_500));
    assert_eq!(engine.time_stop, Nanos::MINUTE.times(90));
    assert_eq!(engine.cool_down, Nanos::from_millis(250));
    assert_eq!(settings.exchange().latency_min, Nanos(500_000));
    assert_eq!(settings.journal().segment_bytes, 1 << 20);
    assert_eq!(shown(&settings, "sim.balance"), ("2500.5".to_owned(), "flag"));
}

proptest! {
    /// Whatever is accepted is accepted again in its canonical text, and means the same.
    #[test]
    fn canonical_texts_are_fixed_points(index in 0..TABLE.len(), text in "[ -~]{0,12}") {
        let kind = TABLE[index].kind;
        if let Some(canonical) = kind.canonical(&text) {
            prop_assert_eq!(kind.canonical(&canonical), Some(canonical));
        }
    }

    /// Loading never panics, whatever stands in the file, and every refusal has words.
    #[test]
    fn any_file_is_read_or_refused(
        text in "(\\[?[a-z_.]{0,12}\\]?( = [0-9a-z\".\\[\\]{}-]{0,8})?\n){0,6}",
    ) {
        if let Err(violations) = load(Some(&text), &[], &[]) {
            prop_assert!(!violations.0.is_empty());
            prop_assert!(violations.0.iter().all(|v| !v.what.is_empty() && !v.hint.is_empty()));
        }
    }
}

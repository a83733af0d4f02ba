//! Order of the sources, origins, and errors that name place and remedy.

use crate::support::{load, shown, wrong};
use aegis_settings::{Settings, Sources, home};
use std::path::PathBuf;

const FILE: &str = "
environment = \"development\"

[risk]
fraction = 0.004
gate = 0.7

[portfolio]
max_open_positions = 2
";

#[test]
fn flags_beat_environment_beats_file_beats_default() {
    let env = [("AEGIS__RISK__FRACTION", "0.003"), ("MAX_OPEN_POSITIONS", "4")];
    let settings = load(Some(FILE), &env, &[("risk.fraction", "0.002")]).expect("valid");
    assert_eq!(shown(&settings, "risk.fraction"), ("0.002".to_owned(), "flag"));
    assert_eq!(shown(&settings, "portfolio.max_open_positions"), ("4".to_owned(), "env"));
    assert_eq!(shown(&settings, "risk.gate"), ("0.7".to_owned(), "file"));
    assert_eq!(shown(&settings, "risk.daily_loss_max"), ("0.05".to_owned(), "default"));
    assert_eq!(settings.engine().positions_max, 4);
    let row = settings.rows().find(|row| row.key == "risk.gate").expect("a row");
    assert!(row.place.ends_with(".toml:6"), "{}", row.place);
}

#[test]
fn classic_names_work_and_the_exact_name_beats_them() {
    let env = [
        ("ENVIRONMENT", "testnet"),
        ("LOG_LEVEL", "debug"),
        ("MAX_LEVERAGE_TEACHER", "2.5"),
        ("MAX_LEVERAGE_STUDENT", "8"),
        ("TEACHER_THRESHOLD", "60"),
        ("ATR_PERIOD", "10"),
        ("RSI_PERIOD", "9"),
        ("AEGIS__INDICATORS__RSI_PERIOD", "21"),
        ("DATABASE_URL", ""),
    ];
    let settings = load(None, &env, &[]).expect("valid");
    let engine = settings.engine();
    assert_eq!((engine.leverage_max_teacher, engine.leverage_max_student), (2.5, 8.0));
    assert_eq!((engine.teacher_threshold, engine.learn.atr_period), (60, 10));
    assert_eq!(engine.learn.rsi_period, 21);
    assert_eq!((settings.environment(), settings.log().0), ("testnet", "DEBUG"));
    assert_eq!(settings.store_url(), None, "an empty classic variable is an unset one");
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let file = "[risk]\nfraction = \"much\"\nfractoin = 1\n[sim]\nbalance = -5\n[log]\nlevel = 3\n";
    let env = [("AEGIS__RING__SLOTS", "1000"), ("AEGIS__RING__SLOT", "1"), ("RSI_PERIOD", "1")];
    let error = load(Some(file), &env, &[("portfolio.max_open_positions", "3.5")]);
    let error = error.expect_err("wrong");
    assert_eq!(error.0.len(), 8, "{error}");
    let text = error.to_string();
    for words in [
        "8 things are wrong",
        ".toml:2): `much` is of TOML type string; expected a number from 0.000001 to 0.02",
        ".toml:3): there is no such setting; the nearest is risk.fraction",
        ".toml:5): `-5` is not accepted; expected an amount above 0",
        ".toml:7): `3` is of TOML type integer; expected one of ERROR",
        "ring.slots (AEGIS__RING__SLOTS): `1000` is not accepted; expected a power of two",
        "AEGIS__RING__SLOT (environment): there is no such setting; the nearest is \
         AEGIS__RING__SLOTS",
        "indicators.rsi_period (RSI_PERIOD): `1` is not accepted; expected a whole number from 2",
        "portfolio.max_open_positions (flag portfolio.max_open_positions=3.5): `3.5`",
    ] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[test]
fn a_file_that_is_no_toml_or_not_there_names_its_place() {
    let text = wrong(Some("[risk]\nfraction = = 1\n"), &[], &[]);
    assert!(text.contains(".toml:2)") && text.contains("not TOML"), "{text}");
    let missing = Sources {
        file: Some(PathBuf::from("/nowhere/aegis.toml")),
        env: &|_| None,
        env_keys: Vec::new(),
        flags: Vec::new(),
    };
    let text = Settings::load(&missing).expect_err("missing").to_string();
    assert!(text.contains("/nowhere/aegis.toml") && text.contains("cannot be read"), "{text}");
}

#[test]
fn contradictions_between_settings_are_named() {
    for (flags, words) in [
        (&[("risk.fraction", "0.02"), ("risk.fraction_max", "0.01")][..], "risk.fraction_max"),
        (&[("sim.latency_min_ms", "50")], "above sim.latency_max_ms = 40"),
        (&[("teacher.stop_min_atr", "9")], "above teacher.stop_max_atr"),
        (&[("teacher.target_r", "1")], "above teacher.target_r = 1"),
        (&[("teacher.weight_base", "0.9")], "the weights add up to"),
    ] {
        let text = wrong(None, &[], flags);
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[test]
fn other_database_schemes_name_the_three_and_hide_the_password() {
    let text = wrong(None, &[("DATABASE_URL", "mysql://root:hunter2@h/db")], &[]);
    for words in ["postgresql://", "postgres://", "sqlite:PATH", "mysql://root:****@h/db"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    let text = wrong(None, &[], &[("store.urll", "postgresql://u:hunter2@h/db")]);
    assert!(text.contains("store.url") && !text.contains("hunter2"), "{text}");
    for url in ["postgres://u:hunter2@h/db", "postgresql://u:hunter2@h/db?password=hunter2"] {
        let settings = load(None, &[("DATABASE_URL", url)], &[]).expect("valid");
        assert!(settings.store_url().is_some_and(|url| url.contains("hunter2")));
        assert!(shown(&settings, "store.url").0.starts_with("postgresql://u:****@h/db"));
        let all = format!("{settings:?} {:?}", settings.rows().collect::<Vec<_>>());
        assert!(!all.contains("hunter2"), "{all}");
    }
}

#[test]
fn the_state_folder_comes_from_the_environment() {
    let of = |pairs: &'static [(&str, &str)]| {
        home(&move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    };
    assert_eq!(of(&[("AEGIS_HOME", "/srv/a"), ("HOME", "/u")]), PathBuf::from("/srv/a"));
    assert_eq!(of(&[("AEGIS_HOME", ""), ("HOME", "/u")]), PathBuf::from("/u/.aegis"));
    assert_eq!(of(&[]), PathBuf::from(".aegis"));
}

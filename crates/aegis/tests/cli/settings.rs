//! Settings from file, environment and flags; signatures.

use crate::harness::{Place, refused, text};

#[test]
fn flags_beat_environment_beats_file_beats_default() {
    let place = Place::new("origins");
    std::fs::write(place.path.join("aegis.toml"), "[portfolio]\nmax_open_positions = 1\n").unwrap();
    let show = |env: Option<&str>, flag: Option<&str>| {
        let mut args = vec!["config", "show", "--json"];
        args.extend(flag.iter().flat_map(|f| ["--set", *f]));
        let mut command = place.aegis(&args);
        if let Some(value) = env {
            command.env("MAX_OPEN_POSITIONS", value);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["key"] == "portfolio.max_open_positions")
            .expect("the setting is shown")
            .clone();
        (row["value"].clone(), row["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(show(None, None).0, "1");
    assert_eq!(show(Some("2"), None).0, "2");
    let (value, origin) = show(Some("2"), Some("portfolio.max_open_positions=3"));
    assert_eq!(value, "3");
    assert!(origin.contains("flag"), "{origin}");
}

#[test]
fn all_violations_are_reported_at_once_with_the_nearest_key() {
    let place = Place::new("violations");
    std::fs::write(
        place.path.join("aegis.toml"),
        "[portfolio]\nmax_open_positionz = 1\n[sim]\nbalance = \"much\"\n",
    )
    .unwrap();
    let output = place.run(&["config", "check"]);
    refused(&output, 2, &["max_open_positionz", "max_open_positions", "sim.balance", "much"]);
}

#[test]
fn database_urls_of_other_schemes_are_named_and_passwords_masked() {
    let place = Place::new("urls");
    let wrong =
        place.aegis(&["config", "check"]).env("DATABASE_URL", "mysql://a:pw77@h/d").output();
    let wrong = wrong.unwrap();
    refused(&wrong, 2, &["postgresql://", "postgres://", "sqlite:"]);
    assert!(!text(&wrong.stderr).contains("pw77"));
    let right = place
        .aegis(&["config", "show"])
        .env("DATABASE_URL", "postgresql://someone:pw77@localhost/aegis")
        .output()
        .unwrap();
    assert_eq!(right.status.code(), Some(0), "{}", text(&right.stderr));
    assert!(!text(&right.stdout).contains("pw77"), "{}", text(&right.stdout));
}

#[test]
fn the_published_vectors_are_signed() {
    let place = Place::new("sign");
    let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
    for (query, signature) in [
        (
            "symbol=BTCUSDT&side=BUY&quantity=0.5",
            "062c0319f4c34ff9e316e53aec1f590de552bc87b4bcca36b5ffd42a2e82be3b",
        ),
        (
            "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5",
            "ae3e4b253a565a026f3e801d7d9f7a73f7409f401dc7ade99e71081d577de271",
        ),
    ] {
        let output = place
            .aegis(&["sign", query, "--timestamp", "1700656000000"])
            .env("BINANCE_API_SECRET", secret)
            .output()
            .unwrap();
        let expected =
            format!("{query}&timestamp=1700656000000&recvWindow=5000&signature={signature}\n");
        assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
    }
    let unset = place.keyless(&["sign", "a=b"]).output().unwrap();
    refused(&unset, 2, &["BINANCE_API_SECRET"]);
}

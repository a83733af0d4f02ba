//! Read models: complete, rebuilt the same, and the same in both databases.

use crate::harness::{Place, text};
use serde_json::Value;

fn demo(place: &Place, url: Option<&str>) -> Value {
    let mut command = place.aegis(&["demo", "--headless", "--json", "--days", "3"]);
    if let Some(url) = url {
        command.env("DATABASE_URL", url);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    crate::harness::last_json(&output)
}

fn dump(place: &Place, url: &str, run: &Value) -> String {
    let session = run["session"].as_str().expect("session");
    let output =
        place.aegis(&["store", "dump", session]).env("DATABASE_URL", url).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_rebuild_from_the_journal_gives_the_same_rows() {
    let place = Place::new("rebuild");
    let run = demo(&place, None);
    let live = format!("sqlite:{}", place.home().join("aegis.db").display());
    let rows = dump(&place, &live, &run);
    assert!(rows.lines().count() > 100, "{rows}");
    let again = format!("sqlite:{}", place.path.join("again.db").display());
    let output = place
        .aegis(&["store", "rebuild", run["journal"].as_str().unwrap(), "--json"])
        .env("DATABASE_URL", &again)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(dump(&place, &again, &run), rows);
    let trades = rows.lines().filter(|l| l.starts_with("trades")).count() as u64;
    assert_eq!(Some(trades), run["trades"].as_u64());
}

#[test]
fn postgresql_and_sqlite_hold_equal_rows() {
    let Ok(server) = std::env::var("AEGIS_TEST_POSTGRES") else {
        assert!(std::env::var_os("CI").is_none(), "CI has no AEGIS_TEST_POSTGRES");
        println!("not tested without AEGIS_TEST_POSTGRES: equal rows in both databases");
        return;
    };
    let place = Place::new("both");
    let sqlite = format!("sqlite:{}", place.path.join("rows.db").display());
    let one = demo(&place, Some(&sqlite));
    let other = demo(&place, Some(&server));
    assert_eq!(other["store"]["complete"], true, "{}", other["store"]);
    assert_eq!(one["digest"], other["digest"]);
    assert_eq!(dump(&place, &sqlite, &one), dump(&place, &server, &other));
}

#[test]
fn a_dead_database_does_not_stop_trading() {
    let place = Place::new("dead");
    let calm = place.json(&["backtest", "--days", "3", "--json"]);
    let run = demo(&place, Some("postgresql://nobody@127.0.0.1:1/none"));
    assert_eq!(run["digest"], calm["digest"]);
    assert_eq!(run["store"]["complete"], false);
    let rebuilt = place.json(&["store", "rebuild", run["journal"].as_str().unwrap(), "--json"]);
    assert!(rebuilt["rows"].as_u64() > Some(100));
}

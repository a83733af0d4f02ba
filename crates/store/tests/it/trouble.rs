//! Databases that are not there, not ours, locked or lost.

use crate::{Database, SESSION, project, story};
use aegis_store::{Backlog, BacklogConfig, Input, Output, Store, StoreError};
use aegis_types::Nanos;

#[test]
fn what_is_no_database_says_so() {
    let open = |url: &str| Store::open(url).unwrap_err();
    let unknown = open("mysql://u:hunter2@h/d").to_string();
    for part in ["sqlite:PATH", "postgresql://", "postgres://"] {
        assert!(unknown.contains(part), "{unknown}");
    }
    let missing = open("sqlite:/nonexistent-folder/a.db");
    assert!(matches!(missing, StoreError::Denied { .. }), "{missing}");
    assert!(missing.to_string().contains("/nonexistent-folder"), "{missing}");
    let folder = open(&format!("sqlite:{}", std::env::temp_dir().display()));
    assert!(matches!(folder, StoreError::Denied { .. }), "{folder}");
    let system = open("sqlite:/sys/aegis-store-test.db");
    assert!(matches!(system, StoreError::Denied { .. }), "{system}");
    let text = Database::sqlite();
    let Database::Sqlite(path) = &text else { unreachable!("made as SQLite") };
    std::fs::write(path, "these are the words of a text file, and no database at all").unwrap();
    let text = open(&text.url());
    assert!(matches!(text, StoreError::NotADatabase { .. }), "{text}");
}

#[test]
fn an_unreachable_server_keeps_the_password_to_itself() {
    // Port 1 is nobody's.
    for url in [
        "postgres://me:hunter2@127.0.0.1:1/d",
        "postgresql://127.0.0.1:1/d?user=me&password=hunter2",
    ] {
        let refused = Store::open(url).unwrap_err();
        assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused}");
        let text = format!("{refused} {refused:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("***"), "{text}");
    }
    for url in ["postgres://me:hunter2@h:port/d", "postgres://h/d?nonsense=1&password=hunter2"] {
        let refused = Store::open(url).unwrap_err();
        assert!(matches!(refused, StoreError::Url { .. }), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}

#[test]
fn wrong_user_or_database_is_denied() {
    let Some(database) = Database::postgres() else { return };
    let url = database.url();
    let (base, _) = url.rsplit_once('/').unwrap();
    let missing = Store::open(&format!("{base}/no_such_database")).unwrap_err();
    assert!(matches!(missing, StoreError::Denied { .. }), "{missing}");
    assert!(missing.to_string().contains("no_such_database"), "{missing}");
    let (_, host) = url.rsplit_once('@').unwrap();
    let nobody = Store::open(&format!("postgres://aegis_nobody:hunter2@{host}")).unwrap_err();
    assert!(matches!(nobody, StoreError::Denied { .. }), "{nobody}");
    assert!(!format!("{nobody} {nobody:?}").contains("hunter2"), "{nobody}");
}

#[test]
fn tables_of_someone_else_are_left_alone() {
    for database in Database::all() {
        if let Database::Sqlite(path) = &database {
            rusqlite::Connection::open(path).unwrap();
        }
        database.execute("CREATE TABLE orders (mine TEXT)");
        let refused = Store::open(&database.url()).unwrap_err();
        assert!(matches!(refused, StoreError::Sql { .. }), "{refused}");
        assert!(refused.to_string().contains("orders"), "{refused}");
        // All or nothing: no half-made schema stays behind.
        database.execute("DROP TABLE orders");
        let mut store = database.open();
        store.write(&project(&story())).unwrap();
    }
}

#[test]
fn a_locked_file_delays_rows_and_loses_none() {
    let database = Database::sqlite();
    let mut store = database.open();
    let Database::Sqlite(path) = &database else { unreachable!("made as SQLite") };
    let other = rusqlite::Connection::open(path).unwrap();
    let (mut backlog, mut out) = (Backlog::new(BacklogConfig::default()), Vec::new());
    let mut rows = project(&story());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    backlog.step(Nanos(0), Input::Rows { seq: 14, rows: &mut rows }, &mut out);
    assert_eq!(out, [Output::Write]);
    let refused = store.write(backlog.batch()).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    out.clear();
    backlog.step(Nanos(0), Input::Failed { why: refused.to_string() }, &mut out);
    assert!(matches!(&out[..], [Output::Alert(a)] if a.to_string().contains("trading goes on")));
    other.execute_batch("COMMIT").unwrap();
    out.clear();
    backlog.step(backlog.wake_at().unwrap(), Input::Tick, &mut out);
    assert_eq!(out, [Output::Write]);
    store.write(backlog.batch()).unwrap();
    backlog.step(Nanos(0), Input::Written, &mut out);
    assert!(backlog.is_drained());
    let mut fresh = Database::sqlite().open();
    fresh.write(&project(&story())).unwrap();
    assert_eq!(store.dump(SESSION).unwrap(), fresh.dump(SESSION).unwrap());
}

#[test]
fn a_locked_table_writes_all_or_nothing() {
    let Some(database) = Database::postgres() else { return };
    let mut store = database.open();
    let mut other = postgres::Client::connect(&database.url(), postgres::NoTls).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE trades IN ACCESS EXCLUSIVE MODE").unwrap();
    let refused = store.write(&project(&story())).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(store.dump(SESSION).unwrap().len(), 0, "signals come before trades");
    store.write(&project(&story())).unwrap();
}

#[test]
fn a_lost_connection_is_made_again() {
    let Some(database) = Database::postgres() else { return };
    let mut store = database.open();
    let rows = project(&story());
    store.write(&rows[..4]).unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.execute(end);
    let mut failures = 0;
    while let Err(refused) = store.write(&rows) {
        assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused}");
        failures += 1;
        assert!(failures < 5);
    }
    let mut fresh = Database::sqlite().open();
    fresh.write(&rows).unwrap();
    assert_eq!(store.dump(SESSION).unwrap(), fresh.dump(SESSION).unwrap());
}

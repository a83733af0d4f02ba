//! The contract of both engines.

use crate::{BTC, Database, SESSION, id, order, project, projector, story};
use aegis_store::{Row, Store, TABLES};
use aegis_types::{Nanos, Notice, OrderUpdate};

/// Every row of the story, as both engines must give it back.
const DUMP: &str = include_str!("story.txt");

fn lines(store: &mut Store) -> Vec<String> {
    store.dump(SESSION).unwrap()
}

#[test]
fn every_table_gives_back_what_was_written() {
    for database in Database::all() {
        let mut store = database.open();
        store.write(&project(&story())).unwrap();
        let dump = lines(&mut store).join("\n") + "\n";
        if std::env::var_os("AEGIS_UPDATE").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/story.txt");
            std::fs::write(path, &dump).unwrap();
            continue;
        }
        assert_eq!(dump, DUMP, "{}", store.url());
        for (name, count) in store.counts(SESSION).unwrap() {
            let of =
                lines(&mut store).iter().filter(|l| l.split('\t').next() == Some(name)).count();
            assert_eq!(count, of as u64);
            assert!(count > 0, "the story has no row for {name}");
        }
        assert_eq!(store.counts("other").unwrap(), TABLES.map(|t| (t.name, 0)));
        assert_eq!(store.sessions().unwrap(), [SESSION]);
    }
}

#[test]
fn writing_again_changes_nothing() {
    for database in Database::all() {
        let rows = project(&story());
        let mut store = database.open();
        store.write(&rows).unwrap();
        let once = lines(&mut store);
        store.write(&rows).unwrap();
        assert_eq!(lines(&mut store), once, "{}", store.url());
        // One by one and backwards: an older state never replaces a newer one.
        for row in rows.iter().rev() {
            store.write(std::slice::from_ref(row)).unwrap();
        }
        assert_eq!(lines(&mut store), once, "{}", store.url());
        let mut fresh = database.open();
        fresh.forget(SESSION).unwrap();
        assert_eq!(lines(&mut fresh).len(), 0);
        for row in rows.iter().rev() {
            fresh.write(std::slice::from_ref(row)).unwrap();
        }
        assert_eq!(lines(&mut fresh), once, "{}", fresh.url());
    }
}

#[test]
fn a_rebuild_gives_identical_rows_and_leaves_other_sessions() {
    for database in Database::all() {
        let mut store = database.open();
        store.write(&project(&story())).unwrap();
        let symbols = aegis_types::SymbolTable::new(["BTCUSDT"]).unwrap();
        let mut other = aegis_store::Projector::new("other", &symbols, Default::default());
        let mut rows = Vec::new();
        other.notice(Nanos(1), 1, &Notice::OrderSent(order(1, BTC)), &mut rows);
        store.write(&rows).unwrap();
        let (mine, others) = (lines(&mut store), store.dump("other").unwrap());
        store.forget(SESSION).unwrap();
        assert!(lines(&mut store).is_empty());
        store.write(&project(&story())).unwrap();
        assert_eq!((lines(&mut store), store.dump("other").unwrap()), (mine, others));
    }
}

#[test]
fn tables_are_made_once_and_newer_ones_refused() {
    for database in Database::all() {
        let mut store = database.open();
        store.write(&project(&story())).unwrap();
        let before = lines(&mut store);
        drop(store);
        let mut store = database.open();
        assert_eq!(lines(&mut store), before);
        drop(store);
        database.execute("INSERT INTO aegis_migrations (version, name) VALUES (99, 'later')");
        let refused = Store::open(&database.url()).unwrap_err().to_string();
        assert!(refused.contains("version 99"), "{refused}");
    }
}

#[test]
fn big_batches_use_every_statement_size() {
    for database in Database::all() {
        let (mut projector, mut rows) = (projector(), Vec::new());
        for n in 1..=1_000 {
            let sent = Notice::OrderSent(order(n, BTC));
            projector.notice(Nanos(i64::from(n)), u64::from(n), &sent, &mut rows);
            if n % 3 == 0 {
                let canceled = OrderUpdate::Canceled;
                let notice = Notice::OrderUpdated { id: id(n), symbol: BTC, update: canceled };
                projector.notice(Nanos(i64::from(n)), u64::from(n), &notice, &mut rows);
            }
        }
        let mut store = database.open();
        store.write(&rows).unwrap();
        let dump = lines(&mut store);
        assert_eq!(dump.len(), 1_001);
        assert_eq!(dump.iter().filter(|l| l.contains("\tcanceled\t")).count(), 333);
    }
}

#[test]
fn both_engines_hold_equal_rows() {
    let Some(server) = Database::postgres() else { return };
    let file = Database::sqlite();
    let rows: Vec<Row> = project(&story());
    let (mut a, mut b) = (file.open(), server.open());
    a.write(&rows).unwrap();
    // Another batching on the other engine.
    for batch in rows.chunks(3) {
        b.write(batch).unwrap();
    }
    assert_eq!(lines(&mut a), lines(&mut b));
}

/// A subscriber that hears fewer topics than a rebuild makes the same rows.
#[test]
fn notices_without_rows_leave_no_trace() {
    let heard = story();
    let fewer: Vec<_> = heard
        .iter()
        .filter(|(_, _, notice)| !matches!(notice, Notice::Trading { .. }))
        .copied()
        .collect();
    assert!(fewer.len() < heard.len());
    let values = |story: &[_]| {
        let mut values = Vec::new();
        project(story).iter().for_each(|row| row.values(&mut values));
        values
    };
    assert_eq!(values(&fewer), values(&heard));
}

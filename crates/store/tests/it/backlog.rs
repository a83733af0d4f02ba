//! The backlog against a database that fails when it likes.

use crate::{BTC, order, projector};
use aegis_store::{Alert, Backlog, BacklogConfig, Input, Output, Projector, Row};
use aegis_types::{Nanos, Notice};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Rows of event `seq`, `n` of them.
fn rows(projector: &mut Projector, seq: u64, n: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for i in 0..n {
        let sent = Notice::OrderSent(order(seq as u32 * 10 + i, BTC));
        projector.notice(Nanos(0), seq, &sent, &mut rows);
    }
    rows
}

const SMALL: BacklogConfig = BacklogConfig {
    rows_max: 10,
    batch_max: 4,
    backoff_min: Nanos(100),
    backoff_max: Nanos(1_000),
};

#[test]
fn pauses_double_up_to_the_longest_and_end_with_success() {
    let (mut backlog, mut projector) = (Backlog::new(SMALL), projector());
    let (mut now, mut out) = (Nanos(0), Vec::new());
    let mut first = rows(&mut projector, 1, 2);
    backlog.step(now, Input::Rows { seq: 1, rows: &mut first }, &mut out);
    let mut pauses = Vec::new();
    for attempt in 1..=6 {
        assert_eq!(out.pop(), Some(Output::Write), "attempt {attempt}");
        assert!(out.is_empty());
        backlog.step(now, Input::Failed { why: "dead".into() }, &mut out);
        match out.pop() {
            Some(Output::Alert(Alert::Failing { failures, retry_in, waiting, .. })) => {
                assert_eq!((failures, waiting), (attempt, 3));
                pauses.push(retry_in.0);
            }
            other => panic!("{other:?}"),
        }
        let due = backlog.wake_at().unwrap();
        backlog.step(Nanos(due.0 - 1), Input::Tick, &mut out);
        assert!(out.is_empty(), "too soon");
        now = due;
        backlog.step(now, Input::Tick, &mut out);
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
    assert_eq!(out.pop(), Some(Output::Write));
    backlog.step(now, Input::Written, &mut out);
    assert_eq!(out, [Output::Alert(Alert::Recovered { failures: 6, waiting: 0 })]);
    assert!(backlog.is_drained() && backlog.failures() == 0 && backlog.wake_at().is_none());
}

#[test]
fn a_full_backlog_drops_from_one_event_on_and_asks_for_exactly_that() {
    let (mut backlog, mut projector) = (Backlog::new(SMALL), projector());
    let mut out = Vec::new();
    for seq in 1..=8 {
        let mut rows = rows(&mut projector, seq, 2);
        backlog.step(Nanos(0), Input::Rows { seq, rows: &mut rows }, &mut out);
        assert!(rows.is_empty());
    }
    // The session's own row came first, so four events and it make nine.
    let alert = Alert::Dropping { from: 5, capacity: 10 };
    assert_eq!(out, [Output::Write, Output::Alert(alert.clone())]);
    assert!(alert.to_string().contains("event 5"));
    assert_eq!((backlog.waiting(), backlog.dropped()), (9, 8));
    out.clear();
    for _ in 0..3 {
        backlog.step(Nanos(0), Input::Written, &mut out);
    }
    assert_eq!(out, [Output::Write, Output::Write, Output::CatchUp { from: 5, until: 9 }]);
    out.clear();
    let mut later = rows(&mut projector, 9, 2);
    backlog.step(Nanos(0), Input::Rows { seq: 9, rows: &mut later }, &mut out);
    assert_eq!(out, [Output::Write], "rows behind the gap are taken again");
}

#[test]
fn answers_that_nobody_asked_for_change_nothing() {
    let mut backlog = Backlog::new(SMALL);
    let mut out = Vec::new();
    backlog.step(Nanos(0), Input::Written, &mut out);
    backlog.step(Nanos(0), Input::Failed { why: "?".into() }, &mut out);
    backlog.step(Nanos(0), Input::Rows { seq: 1, rows: &mut Vec::new() }, &mut out);
    assert!(out.is_empty() && backlog.batch().is_empty() && backlog.failures() == 0);
}

proptest! {
    /// Through any mixture of events, failures and pauses: bounded, in order, one write at a time,
    /// and in the end every event was written or asked for again.
    #[test]
    fn every_row_is_written_or_asked_for_again(
        steps in prop::collection::vec((0u8..4, 1u32..5, 0i64..300), 1..200),
    ) {
        let (mut backlog, mut projector) = (Backlog::new(SMALL), projector());
        let (mut now, mut seq, mut out) = (Nanos(0), 0u64, Vec::new());
        let mut done = BTreeSet::new();
        let mut handed = BTreeSet::new();
        let mut writing = false;
        let last = steps.len() + 200;
        for step in 0..last {
            // The script, and then a database that works until all is drained.
            let (kind, n, pause) = steps.get(step).copied().unwrap_or((1, 1, 1_000));
            now = now.after(Nanos(pause));
            match kind {
                0 => {
                    seq += 1;
                    handed.insert(seq);
                    let mut rows = rows(&mut projector, seq, n);
                    backlog.step(now, Input::Rows { seq, rows: &mut rows }, &mut out);
                }
                1 if writing => {
                    writing = false;
                    let seqs: Vec<u64> = backlog.batch().iter().map(Row::seq).collect();
                    prop_assert!(!seqs.is_empty() && seqs.len() <= SMALL.batch_max);
                    prop_assert!(seqs.is_sorted());
                    done.extend(seqs);
                    backlog.step(now, Input::Written, &mut out);
                }
                2 if writing => {
                    writing = false;
                    backlog.step(now, Input::Failed { why: "dead".into() }, &mut out);
                }
                _ => backlog.step(now, Input::Tick, &mut out),
            }
            for output in out.drain(..) {
                match output {
                    Output::Write => {
                        prop_assert!(!writing, "asked twice at once");
                        writing = true;
                    }
                    Output::CatchUp { from, until } => {
                        prop_assert!(from < until && until <= seq + 1);
                        done.extend(from..until);
                    }
                    Output::Alert(alert) => prop_assert!(!alert.to_string().is_empty()),
                }
            }
            prop_assert!(backlog.waiting() <= SMALL.rows_max);
        }
        prop_assert!(backlog.is_drained());
        prop_assert!(handed.is_subset(&done), "{handed:?} of {done:?}");
    }
}

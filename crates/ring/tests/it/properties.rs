//! Whatever is published and polled in whatever order: delivered + skipped + waiting is what was
//! published, sequences only rise, and a gated ring skips nothing.

use crate::support::message;
use aegis_ring::{Config, Poll, Writer};
use proptest::prelude::*;

const CAPACITY: u64 = 1024;

#[derive(Clone, Debug)]
enum Step {
    Publish(u64),
    Poll(u64),
    Acknowledge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![0..8_u64, 0..2_000_u64, 1_020..1_030_u64, 2_040..3_100_u64];
    let step = prop_oneof![
        4 => size.clone().prop_map(Step::Publish),
        4 => size.prop_map(Step::Poll),
        1 => Just(Step::Acknowledge),
    ];
    prop::collection::vec(step, 1..30)
}

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn overruns_are_counted_exactly(steps in steps()) {
        let capacity = CAPACITY as usize;
        let mut writer = Writer::heap(&Config { capacity, ..Config::default() });
        let mut reader = writer.reader();
        let (mut next, mut delivered, mut skipped) = (0, 0, 0);
        for step in steps {
            match step {
                Step::Publish(count) => {
                    for _ in 0..count {
                        let seq = writer.published();
                        writer.publish(&message(seq, 1));
                    }
                    // Some batches end with a flush, which makes the tail exact.
                    if count % 2 == 0 {
                        writer.flush();
                    }
                }
                Step::Poll(count) => for _ in 0..count {
                    let published = writer.published();
                    let mut out = [0; 7];
                    match reader.poll(&mut out) {
                        Poll::Message { seq } => {
                            prop_assert!(seq == next && published - seq <= CAPACITY);
                            prop_assert_eq!(out, message(seq, 1));
                            delivered += 1;
                            next += 1;
                        }
                        Poll::Empty => {
                            prop_assert_eq!(next, published);
                            break;
                        }
                        Poll::Overrun { skipped: lost } => {
                            prop_assert!(published - next > CAPACITY, "still there: {}", next);
                            next += lost;
                            skipped += lost;
                            let behind = published - next;
                            prop_assert!((CAPACITY / 2..CAPACITY / 2 + 64).contains(&behind));
                        }
                    }
                },
                Step::Acknowledge => reader.acknowledge(next),
            }
            let counted = delivered + skipped + reader.lag();
            prop_assert!(counted <= writer.published() && counted + 64 > writer.published());
            prop_assert_eq!(delivered + skipped, next);
            prop_assert_eq!(reader.skipped(), skipped);
        }
    }

    #[test]
    fn a_gated_ring_loses_nothing(steps in steps()) {
        let capacity = CAPACITY as usize;
        let mut writer = Writer::heap(&Config { capacity, gated: true, base: 0 });
        let mut reader = writer.reader();
        let (mut next, mut acknowledged) = (0, 0);
        for step in steps {
            match step {
                Step::Publish(count) => for _ in 0..count {
                    let seq = writer.published();
                    let room = seq - acknowledged < CAPACITY;
                    prop_assert_eq!(writer.try_publish(&message(seq, 2)), room);
                },
                Step::Poll(count) => for _ in 0..count {
                    let mut out = [0; 7];
                    match reader.poll(&mut out) {
                        Poll::Message { seq } => {
                            prop_assert_eq!((seq, out), (next, message(next, 2)));
                            next += 1;
                        }
                        Poll::Empty => prop_assert_eq!(next, writer.published()),
                        Poll::Overrun { skipped } => prop_assert!(false, "lost {}", skipped),
                    }
                },
                Step::Acknowledge => {
                    reader.acknowledge(next);
                    acknowledged = next;
                }
            }
        }
    }
}

//! Random stories: batching, repetition and order of batches never show in the tables.

use crate::{BTC, Database, ETH, SESSION, fill, id, order, position, project, signal, trade};
use aegis_store::Store;
use aegis_types::{Notice, OrderReason, OrderUpdate, RejectCode};
use proptest::prelude::*;

fn notice() -> impl Strategy<Value = Notice> {
    let update = prop_oneof![
        Just(OrderUpdate::Accepted),
        Just(OrderUpdate::Canceled),
        Just(OrderUpdate::Unknown),
        Just(OrderUpdate::Expired),
        Just(OrderUpdate::Rejected { code: RejectCode::Margin }),
    ];
    let symbol = prop_oneof![Just(BTC), Just(ETH)];
    (0u8..6, 1u32..6, symbol, update, any::<u64>()).prop_map(|(kind, number, symbol, update, x)| {
        let opened = i64::from(number);
        match kind {
            0 => Notice::OrderSent(order(number, symbol)),
            1 => Notice::OrderUpdated { id: id(number), symbol, update },
            2 => {
                let leaves = if x % 2 == 0 { "0" } else { "0.1" };
                let fill = fill(number, symbol, x, "0.1", leaves);
                Notice::Filled { fill, reason: OrderReason::Entry }
            }
            3 => Notice::Position(position(symbol, opened, "0.5")),
            4 => Notice::Closed(trade(number, symbol, opened)),
            _ => Notice::Signal(signal(symbol)),
        }
    })
}

fn dump(store: &mut Store) -> Vec<String> {
    store.dump(SESSION).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rows_do_not_depend_on_how_they_came(
        notices in prop::collection::vec((notice(), any::<bool>()), 1..80),
        sizes in prop::collection::vec(1usize..40, 1..20),
        again in any::<bool>(),
    ) {
        let mut seq = 0;
        let story: Vec<_> = notices
            .into_iter()
            .map(|(notice, next)| {
                seq += u64::from(next);
                (seq as i64, seq, notice)
            })
            .collect();
        let rows = project(&story);
        let (whole, parts) = (Database::sqlite(), Database::sqlite());
        let (mut whole, mut parts) = (whole.open(), parts.open());
        whole.write(&rows).unwrap();
        let mut rest = rows.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*size));
            parts.write(now).unwrap();
            if again {
                parts.write(&rows[..rows.len() - later.len()]).unwrap();
            }
            rest = later;
        }
        prop_assert_eq!(dump(&mut whole), dump(&mut parts));
    }
}

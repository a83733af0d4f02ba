//! The order book against a naive one: after any operations both hold the same orders in the same
//! order, gave the same fills, and handles of orders that are gone stay without effect.

use crate::world::px;
use aegis_exchange::{Book, BookOrder, Handle};
use aegis_types::{Px, Qty, Side};
use proptest::prelude::*;

/// All orders in order of arrival; every question is answered by looking at all of them.
#[derive(Default)]
struct Naive(Vec<BookOrder>);

impl Naive {
    fn better(side: Side, a: Px, b: Px) -> bool {
        if side == Side::Buy { a > b } else { a < b }
    }

    fn sorted(&self, side: Side) -> Vec<BookOrder> {
        let mut all: Vec<_> = self.0.iter().filter(|o| o.side == side).copied().collect();
        // Stable: arrival decides at one price.
        all.sort_by_key(|o| if side == Side::Buy { -o.px.raw() } else { o.px.raw() });
        all
    }

    fn cancel(&mut self, id: u64) -> Option<BookOrder> {
        let at = self.0.iter().position(|o| o.id == id)?;
        Some(self.0.remove(at))
    }

    fn amend(&mut self, id: u64, px: Px, qty: Qty) -> bool {
        let Some(at) = self.0.iter().position(|o| o.id == id) else { return false };
        let old = self.0[at];
        if px == old.px && qty <= old.qty {
            self.0[at].qty = qty;
        } else {
            self.0.remove(at);
            self.0.push(BookOrder { px, qty, ..old });
        }
        true
    }

    fn take(&mut self, side: Side, limit: Option<Px>, qty: Qty) -> (Qty, Vec<(u64, Qty)>) {
        let mut left = qty;
        let mut fills = Vec::new();
        for order in self.sorted(side.opposite()) {
            let beyond = limit.is_some_and(|l| Self::better(side, order.px, l));
            if left.is_zero() || beyond {
                break;
            }
            let part = left.min(order.qty);
            fills.push((order.id, part));
            left = left.minus(part).unwrap();
            let at = self.0.iter().position(|o| o.id == order.id).unwrap();
            if part == order.qty {
                self.0.remove(at);
            } else {
                self.0[at].qty = order.qty.minus(part).unwrap();
            }
        }
        (left, fills)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Add(Side, i64, i64),
    Cancel(usize),
    Amend(usize, i64, i64),
    Fill(usize, i64),
    Take(Side, Option<i64>, i64),
}

fn op() -> impl Strategy<Value = Op> {
    let side = || prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop_oneof![
        6 => (side(), 0i64..40, 1i64..20).prop_map(|(s, p, q)| Op::Add(s, p, q)),
        3 => any::<usize>().prop_map(Op::Cancel),
        2 => (any::<usize>(), 0i64..40, 1i64..20).prop_map(|(i, p, q)| Op::Amend(i, p, q)),
        1 => (any::<usize>(), 1i64..20).prop_map(|(i, q)| Op::Fill(i, q)),
        2 => (side(), prop::option::of(0i64..40), 1i64..60).prop_map(|(s, l, q)| Op::Take(s, l, q)),
    ]
}

fn at(ticks: i64) -> Px {
    Px::from_raw(px("100").raw() + ticks * px("0.1").raw())
}

fn run(ops: &[Op], capacity: usize) -> Result<(), TestCaseError> {
    let mut book = Book::new(capacity);
    let mut naive = Naive::default();
    let mut handles: Vec<(u64, Handle)> = Vec::new();
    for (number, op) in ops.iter().enumerate() {
        let pick = |index: &usize| handles.get(index % handles.len().max(1)).copied();
        match op {
            Op::Add(side, ticks, qty) => {
                let (id, owner) = (number as u64, number as u32 % 3);
                let (px, qty) = (at(*ticks), Qty::whole(*qty));
                let order = BookOrder { id, owner, side: *side, px, qty };
                let added = book.add(order);
                prop_assert_eq!(added.is_ok(), naive.0.len() < capacity);
                if let Ok(handle) = added {
                    naive.0.push(order);
                    handles.push((id, handle));
                }
            }
            Op::Cancel(index) => {
                if let Some((id, handle)) = pick(index) {
                    prop_assert_eq!(book.cancel(handle), naive.cancel(id));
                }
            }
            Op::Amend(index, ticks, qty) => {
                if let Some((id, handle)) = pick(index) {
                    let (px, qty) = (at(*ticks), Qty::whole(*qty));
                    prop_assert_eq!(book.amend(handle, px, qty), naive.amend(id, px, qty));
                }
            }
            Op::Fill(index, qty) => {
                if let Some((id, handle)) = pick(index) {
                    let held = naive.0.iter().find(|o| o.id == id).map_or(Qty::ZERO, |o| o.qty);
                    let filled = book.fill(handle, Qty::whole(*qty));
                    prop_assert_eq!(filled, held.min(Qty::whole(*qty)));
                    if filled == held {
                        naive.cancel(id);
                    } else if let Some(order) = naive.0.iter_mut().find(|o| o.id == id) {
                        order.qty = order.qty.minus(filled).unwrap();
                    }
                }
            }
            Op::Take(side, limit, qty) => {
                let (limit, qty) = (limit.map(at), Qty::whole(*qty));
                let mut fills = Vec::new();
                let left = book.take(*side, limit, qty, |o, part| fills.push((o.id, part)));
                prop_assert_eq!((left, fills), naive.take(*side, limit, qty));
            }
        }
        for side in [Side::Buy, Side::Sell] {
            let sorted = naive.sorted(side);
            let held: Vec<_> = book.orders(side).map(|(_, o)| *o).collect();
            prop_assert_eq!(&held, &sorted);
            prop_assert_eq!(book.front(side).map(|(_, o)| *o), sorted.first().copied());
            let mut levels: Vec<(Px, Qty)> = Vec::new();
            for order in &sorted {
                match levels.last_mut() {
                    Some((px, qty)) if *px == order.px => *qty = qty.plus(order.qty).unwrap(),
                    _ => levels.push((order.px, order.qty)),
                }
            }
            prop_assert_eq!(book.levels(side).collect::<Vec<_>>(), levels.clone());
            for (level, _) in levels {
                let queue: Vec<_> = book.queue(side, level).map(|(_, o)| *o).collect();
                let same: Vec<_> = sorted.iter().filter(|o| o.px == level).copied().collect();
                prop_assert_eq!(queue, same);
            }
        }
        prop_assert_eq!(book.len(), naive.0.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn it_is_the_naive_book(ops in prop::collection::vec(op(), 0..150), capacity in 1usize..60) {
        run(&ops, capacity)?;
    }
}

#[test]
fn a_smaller_quantity_keeps_its_place_and_everything_else_loses_it() {
    let mut book = Book::with_room(4);
    let order = |id| BookOrder { id, owner: 0, side: Side::Buy, px: at(0), qty: Qty::whole(5) };
    let first = book.add(order(1)).unwrap();
    let second = book.add(order(2)).unwrap();
    let front = |book: &Book| book.front(Side::Buy).unwrap().1.id;
    assert!(book.amend(first, at(0), Qty::whole(4)));
    assert_eq!(front(&book), 1, "smaller");
    assert!(book.amend(first, at(0), Qty::whole(6)));
    assert_eq!(front(&book), 2, "larger");
    assert!(book.amend(second, at(1), Qty::whole(1)));
    assert!(book.amend(second, at(0), Qty::whole(1)));
    assert_eq!(front(&book), 1, "there and back");
    assert_eq!(book.cancel(second).map(|o| o.id), Some(2));
    let third = book.add(order(3)).unwrap();
    assert_eq!(book.cancel(second), None, "its place is in use again");
    assert_eq!(book.cancel(third).map(|o| o.id), Some(3));
    assert!(!book.is_empty());
}

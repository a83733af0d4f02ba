//! `aegis bench book`: order operations a second in the exchange's order book.
//!
//! Workload: operations drawn from a fixed key around a price that wanders: 45 of 100 add an order
//! (most of them near the touch, some far away), 37 cancel one, 8 amend one, 10 take from the other
//! side; the book holds 4,000 to 6,000 orders. One operation is one call; `with_effect` is the
//! share of those that changed the book. The naive book that is timed
//! beside it is the oracle of the tests, a list that is searched and sorted; both must give the
//! same fills, otherwise no figure is printed. It is timed over fewer operations, because it needs
//! as many steps as there are orders.

use crate::Options;
use crate::sample::{Samples, repeat, rounded};
use aegis_exchange::{Book, BookOrder, Handle};
use aegis_types::{Px, Qty, Side};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

const OPERATIONS: usize = 500_000;
const NAIVE_OPERATIONS: usize = 8_000;
const ORDERS_MAX: usize = 20_000;
/// Orders in the book before anything is timed.
const STANDING: usize = 5_000;

#[derive(Clone, Copy)]
enum Operation {
    Add(Side, Px, Qty),
    /// Which of the orders that were added.
    Cancel(usize),
    Amend(usize, Px, Qty),
    Take(Side, Px, Qty),
}

/// A stream of numbers (xorshift64*, Vigna 2016).
struct Draws(u64);

impl Draws {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }
}

/// The operations; a book is kept beside them, so that they name orders that rest.
fn operations(count: usize) -> Vec<Operation> {
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    let mut middle = 1_000_000i64;
    let px = |ticks: i64| Px::from_raw(ticks * 1_000_000);
    let mut book = Book::with_room(ORDERS_MAX);
    let mut handles: Vec<Handle> = Vec::new();
    let mut live: Vec<usize> = Vec::new();
    let mut all = Vec::with_capacity(STANDING + count);
    for number in 0..STANDING + count {
        let kind = if number < STANDING { 0 } else { draws.next(100) };
        middle += if number < STANDING { 0 } else { draws.next(3) as i64 - 1 };
        // The book neither fills up nor runs dry.
        let kind = match kind {
            0..45 if book.len() > STANDING + STANDING / 5 => 45,
            45..82 if book.len() < STANDING - STANDING / 5 => 0,
            kind => kind,
        };
        let qty = Qty::whole(1 + draws.next(20) as i64);
        let side = if draws.next(2) == 0 { Side::Buy } else { Side::Sell };
        all.push(match kind {
            0..45 => {
                let span = if draws.next(10) == 0 { 2_000 } else { 40 };
                let px = px(middle - side.sign() * (1 + draws.next(span) as i64));
                let id = handles.len() as u64;
                if let Ok(handle) = book.add(BookOrder { id, owner: 0, side, px, qty }) {
                    live.push(handles.len());
                    handles.push(handle);
                }
                Operation::Add(side, px, qty)
            }
            45..90 => {
                let mut which = draws.next(live.len() as u64) as usize;
                while book.get(handles[live[which]]).is_none() {
                    live.swap_remove(which);
                    which = draws.next(live.len() as u64) as usize;
                }
                let order = live[which];
                if kind < 82 {
                    book.cancel(handles[order]);
                    Operation::Cancel(order)
                } else {
                    let px = px(middle - side.sign() * (1 + draws.next(40) as i64));
                    book.amend(handles[order], px, qty);
                    Operation::Amend(order, px, qty)
                }
            }
            _ => {
                let limit = px(middle + side.sign() * 20);
                book.take(side, Some(limit), qty, |_, _| {});
                Operation::Take(side, limit, qty)
            }
        });
    }
    all
}

/// What was filled, as one number: equal for two books that filled the same orders alike.
fn mixed(sum: u64, order: &BookOrder, qty: Qty) -> u64 {
    sum.rotate_left(5) ^ order.id ^ (qty.raw() as u64).wrapping_mul(31)
}

/// What a run over all operations comes to.
#[derive(Clone, Copy, PartialEq)]
struct Outcome {
    fills: u64,
    resting: usize,
    /// Operations that changed the book.
    effects: usize,
}

/// Applies all operations; nanoseconds for those behind the standing orders.
fn fast(operations: &[Operation]) -> (f64, Outcome) {
    let mut book = Book::with_room(ORDERS_MAX);
    let mut handles: Vec<Handle> = Vec::with_capacity(operations.len());
    let (mut fills, mut effects) = (0, 0);
    let mut start = Instant::now();
    for (number, operation) in operations.iter().enumerate() {
        if number == STANDING {
            start = Instant::now();
        }
        match *operation {
            Operation::Add(side, px, qty) => {
                let id = handles.len() as u64;
                if let Ok(handle) = book.add(BookOrder { id, owner: 0, side, px, qty }) {
                    handles.push(handle);
                    effects += 1;
                }
            }
            Operation::Cancel(which) => {
                effects += usize::from(book.cancel(handles[which]).is_some());
            }
            Operation::Amend(which, px, qty) => {
                effects += usize::from(book.amend(handles[which], px, qty));
            }
            Operation::Take(side, px, qty) => {
                let left = book.take(side, Some(px), qty, |order, part| {
                    fills = mixed(fills, order, part);
                });
                effects += usize::from(left < qty);
            }
        }
    }
    let resting = book.len();
    (start.elapsed().as_nanos() as f64, Outcome { fills, resting, effects })
}

/// The same with a list that is searched and sorted.
fn naive(operations: &[Operation]) -> (f64, Outcome) {
    let mut book: Vec<BookOrder> = Vec::with_capacity(ORDERS_MAX);
    let mut added = 0u64;
    let (mut fills, mut effects) = (0, 0);
    let mut start = Instant::now();
    for (number, operation) in operations.iter().enumerate() {
        if number == STANDING {
            start = Instant::now();
        }
        let find = |book: &[BookOrder], which: usize| {
            book.iter().position(|order| order.id == which as u64)
        };
        match *operation {
            Operation::Add(side, px, qty) => {
                book.push(BookOrder { id: added, owner: 0, side, px, qty });
                added += 1;
                effects += 1;
            }
            Operation::Cancel(which) => {
                if let Some(at) = find(&book, which) {
                    book.remove(at);
                    effects += 1;
                }
            }
            Operation::Amend(which, px, qty) => {
                if let Some(at) = find(&book, which) {
                    effects += 1;
                    if book[at].px == px && qty <= book[at].qty {
                        book[at].qty = qty;
                    } else {
                        let order = book.remove(at);
                        book.push(BookOrder { px, qty, ..order });
                    }
                }
            }
            Operation::Take(side, px, qty) => {
                let before = fills;
                fills = naive_take(&mut book, side, px, qty, fills);
                effects += usize::from(fills != before);
            }
        }
    }
    let resting = book.len();
    (start.elapsed().as_nanos() as f64, Outcome { fills, resting, effects })
}

fn naive_take(book: &mut Vec<BookOrder>, side: Side, px: Px, qty: Qty, mut fills: u64) -> u64 {
    let within = |order: &&BookOrder| {
        order.side != side && if side == Side::Buy { order.px <= px } else { order.px >= px }
    };
    let mut matched: Vec<BookOrder> = book.iter().filter(within).copied().collect();
    matched.sort_by_key(|order| order.px.raw() * side.sign());
    let mut left = qty.raw();
    for order in matched {
        let part = left.min(order.qty.raw());
        if part == 0 {
            break;
        }
        fills = mixed(fills, &order, Qty::from_raw(part));
        left -= part;
        if let Some(at) = book.iter().position(|other| other.id == order.id) {
            if part == order.qty.raw() {
                book.remove(at);
            } else {
                book[at].qty = Qty::from_raw(order.qty.raw() - part);
            }
        }
    }
    fills
}

/// Measures for `opts.seconds`.
///
/// # Errors
/// When the two books do not agree: then no figure means anything.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let operations = operations(OPERATIONS);
    let few = &operations[..STANDING + NAIVE_OPERATIONS];
    let (ours, theirs) = (fast(few).1, naive(few).1);
    if ours != theirs || ours.fills == 0 {
        return Err(format!(
            "the books differ after {} operations: {} orders and {} orders",
            few.len(),
            ours.resting,
            theirs.resting
        ));
    }
    let (mut quick, mut slow, mut ratio) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut whole = ours;
    let Ok(samples) = repeat(opts.seconds, 7, || {
        let (ns, outcome) = fast(&operations);
        whole = outcome;
        let ours = OPERATIONS as f64 * 1e9 / ns;
        let (ns, outcome) = naive(few);
        black_box(outcome.fills);
        let theirs = NAIVE_OPERATIONS as f64 * 1e9 / ns;
        quick.push(ours);
        slow.push(theirs);
        ratio.push(ours / theirs);
        Ok::<(), Infallible>(())
    });
    let mut report = Map::new();
    report.insert("order_ops_per_second".into(), json!(quick.median().round()));
    report.insert("naive_ops_per_second".into(), json!(slow.median().round()));
    report.insert("ratio".into(), json!(rounded(ratio.median(), 1)));
    report.insert("operations".into(), json!(OPERATIONS));
    report.insert("resting_orders".into(), json!(whole.resting));
    let share = whole.effects as f64 / operations.len() as f64;
    report.insert("with_effect".into(), json!(rounded(share, 3)));
    report.insert("samples".into(), json!(samples));
    Ok(report)
}

//! A limit order book: price-time priority in memory that is allocated once.
//!
//! Orders live in a pool and are found by [`Handle`], so that nothing is looked up by id. Each
//! price level is a queue of links through that pool. The levels of a side stand in one sorted list
//! with the best at its end, where nearly all of the coming and going is: taking the best level
//! away moves nothing, and a search is a few steps through contiguous keys.
//!
//! ```text
//! bids  … 99.8  99.9 ─> level: first ⇄ order ⇄ order ⇄ last      asks  … 100.3  100.1 ─> level …
//!              best ^                                                      best ^
//! ```

use aegis_types::{Px, Qty, Side};
use alloc::vec::Vec;

const NONE: u32 = u32::MAX;

/// Where an order is in its book. A handle of an order that is gone is answered with nothing, also
/// when its place is in use again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: u32,
    age: u32,
}

/// A resting order as the book knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOrder {
    /// The venue's id.
    pub id: u64,
    /// Whose.
    pub owner: u32,
    /// Buy or sell.
    pub side: Side,
    /// Price.
    pub px: Px,
    /// Quantity still open.
    pub qty: Qty,
}

/// The book holds as many orders as it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookFull(pub usize);

#[derive(Clone, Copy, Debug)]
struct Node {
    order: BookOrder,
    age: u32,
    level: u32,
    before: u32,
    behind: u32,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    qty: Qty,
    first: u32,
    last: u32,
}

/// One side: keys by rising rank, the best last.
#[derive(Clone, Debug, Default)]
struct Ladder {
    steps: Vec<(i64, u32)>,
}

/// What a higher value of which is a better price.
const fn rank(side: Side, px: Px) -> i64 {
    match side {
        Side::Buy => px.raw(),
        Side::Sell => -px.raw(),
    }
}

impl Ladder {
    /// The place of a key, or where it would be. Most orders are near the best: looked at first.
    fn find(&self, key: i64) -> Result<usize, usize> {
        let near = self.steps.len().saturating_sub(8);
        if self.steps.get(near).is_some_and(|step| step.0 <= key) {
            let tail = &self.steps[near..];
            let at = tail.iter().rposition(|step| step.0 <= key).unwrap_or(0);
            return if tail[at].0 == key { Ok(near + at) } else { Err(near + at + 1) };
        }
        self.steps.binary_search_by_key(&key, |step| step.0)
    }
}

/// A book of resting orders with a fixed capacity.
#[derive(Clone, Debug)]
pub struct Book {
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    levels: Vec<Level>,
    free_levels: Vec<u32>,
    bids: Ladder,
    asks: Ladder,
    capacity: usize,
}

impl Book {
    /// An empty book for so many orders (at most 2^32 − 1); memory is allocated as it fills, and
    /// never given back.
    pub fn new(capacity: usize) -> Self {
        Self {
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            levels: Vec::new(),
            free_levels: Vec::new(),
            bids: Ladder::default(),
            asks: Ladder::default(),
            capacity: capacity.min(NONE as usize),
        }
    }

    /// An empty book that allocates everything now.
    pub fn with_room(capacity: usize) -> Self {
        let mut book = Self::new(capacity);
        let room = book.capacity;
        book.nodes.reserve_exact(room);
        book.free_nodes.reserve_exact(room);
        book.levels.reserve_exact(room);
        book.free_levels.reserve_exact(room);
        book.bids.steps.reserve_exact(room);
        book.asks.steps.reserve_exact(room);
        book
    }

    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.nodes.len() - self.free_nodes.len()
    }

    /// Does none rest?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn node(&self, handle: Handle) -> Option<&Node> {
        let node = self.nodes.get(handle.slot as usize)?;
        (node.age == handle.age && node.level != NONE).then_some(node)
    }

    /// The order behind a handle.
    pub fn get(&self, handle: Handle) -> Option<&BookOrder> {
        self.node(handle).map(|node| &node.order)
    }

    /// Adds an order behind all others of its price. It is not matched: see [`Book::take`].
    ///
    /// # Errors
    /// [`BookFull`] when there is no room.
    pub fn add(&mut self, order: BookOrder) -> Result<Handle, BookFull> {
        let node = Node { order, age: 0, level: NONE, before: NONE, behind: NONE };
        let slot = match self.free_nodes.pop() {
            Some(slot) => {
                let place = &mut self.nodes[slot as usize];
                *place = Node { age: place.age.wrapping_add(1), ..node };
                slot
            }
            None if self.nodes.len() < self.capacity => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
            None => return Err(BookFull(self.capacity)),
        };
        self.link(slot);
        Ok(Handle { slot, age: self.nodes[slot as usize].age })
    }

    /// Takes an order out.
    pub fn cancel(&mut self, handle: Handle) -> Option<BookOrder> {
        let order = self.node(handle)?.order;
        self.unlink(handle.slot);
        self.free_nodes.push(handle.slot);
        Some(order)
    }

    /// Changes price and quantity. A smaller quantity at the same price keeps its place; everything
    /// else goes behind all others of its price. False when the order is gone.
    pub fn amend(&mut self, handle: Handle, px: Px, qty: Qty) -> bool {
        let Some(node) = self.node(handle) else { return false };
        let order = node.order;
        if px == order.px && qty <= order.qty {
            self.shrink(handle.slot, order.qty.raw() - qty.raw());
        } else {
            self.unlink(handle.slot);
            let order = &mut self.nodes[handle.slot as usize].order;
            order.px = px;
            order.qty = qty;
            self.link(handle.slot);
        }
        true
    }

    /// Fills so much of an order, which goes when nothing is left of it; what was filled.
    pub fn fill(&mut self, handle: Handle, qty: Qty) -> Qty {
        let Some(node) = self.node(handle) else { return Qty::ZERO };
        let filled = qty.min(node.order.qty);
        if filled == node.order.qty {
            self.cancel(handle);
        } else {
            self.shrink(handle.slot, filled.raw());
        }
        filled
    }

    /// Matches an arriving order of `side` with the other side's, the best first and at one price
    /// the oldest first, while their price is within `limit`; what is left of it. Each fill is told
    /// with the resting order as it was before.
    pub fn take(
        &mut self,
        side: Side,
        limit: Option<Px>,
        qty: Qty,
        mut filled: impl FnMut(&BookOrder, Qty),
    ) -> Qty {
        let other = side.opposite();
        let worst = limit.map_or(i64::MIN, |px| rank(other, px));
        let mut left = qty;
        while left.is_positive() {
            let Some(&(key, level)) = self.ladder(other).steps.last() else { break };
            if key < worst {
                break;
            }
            let slot = self.levels[level as usize].first;
            let node = &self.nodes[slot as usize];
            let (order, age) = (node.order, node.age);
            let part = self.fill(Handle { slot, age }, left);
            filled(&order, part);
            left = Qty::from_raw(left.raw() - part.raw());
        }
        left
    }

    /// The order that is matched first on a side.
    pub fn front(&self, side: Side) -> Option<(Handle, &BookOrder)> {
        let &(_, level) = self.ladder(side).steps.last()?;
        let slot = self.levels[level as usize].first;
        let node = &self.nodes[slot as usize];
        Some((Handle { slot, age: node.age }, &node.order))
    }

    /// Prices and quantities of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (Px, Qty)> + '_ {
        self.ladder(side).steps.iter().rev().map(|&(_, level)| {
            let level = &self.levels[level as usize];
            (self.nodes[level.first as usize].order.px, level.qty)
        })
    }

    /// Orders of a side in the order in which they are matched.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, &BookOrder)> {
        self.ladder(side).steps.iter().rev().flat_map(move |&(_, level)| {
            let mut slot = self.levels[level as usize].first;
            core::iter::from_fn(move || {
                let node = self.nodes.get(slot as usize)?;
                let handle = Handle { slot, age: node.age };
                slot = node.behind;
                Some((handle, &node.order))
            })
        })
    }

    /// Orders of one price, the oldest first.
    pub fn queue(&self, side: Side, px: Px) -> impl Iterator<Item = (Handle, &BookOrder)> {
        let ladder = self.ladder(side);
        let found = ladder.find(rank(side, px)).ok();
        let mut slot = found.map_or(NONE, |at| self.levels[ladder.steps[at].1 as usize].first);
        core::iter::from_fn(move || {
            let node = self.nodes.get(slot as usize)?;
            let handle = Handle { slot, age: node.age };
            slot = node.behind;
            Some((handle, &node.order))
        })
    }

    /// Puts a node behind all others of its price, in a new level where it is the first.
    fn link(&mut self, slot: u32) {
        let BookOrder { side, px, qty, .. } = self.nodes[slot as usize].order;
        let key = rank(side, px);
        match self.ladder(side).find(key) {
            Ok(at) => {
                let index = self.ladder(side).steps[at].1;
                let level = &mut self.levels[index as usize];
                let last = level.last;
                level.last = slot;
                level.qty = level.qty.saturating_plus(qty);
                self.nodes[last as usize].behind = slot;
                let node = &mut self.nodes[slot as usize];
                (node.level, node.before, node.behind) = (index, last, NONE);
            }
            Err(at) => {
                let level = Level { qty, first: slot, last: slot };
                let index = if let Some(index) = self.free_levels.pop() {
                    self.levels[index as usize] = level;
                    index
                } else {
                    self.levels.push(level);
                    (self.levels.len() - 1) as u32
                };
                self.ladder_mut(side).steps.insert(at, (key, index));
                let node = &mut self.nodes[slot as usize];
                (node.level, node.before, node.behind) = (index, NONE, NONE);
            }
        }
    }

    /// Takes a node out of its level, and the level away when it was the last one.
    fn unlink(&mut self, slot: u32) {
        let Node { order, level: index, before, behind, .. } = self.nodes[slot as usize];
        self.nodes[slot as usize].level = NONE;
        let level = &mut self.levels[index as usize];
        level.qty = Qty::from_raw(level.qty.raw().saturating_sub(order.qty.raw()));
        if before == NONE {
            level.first = behind;
        } else {
            self.nodes[before as usize].behind = behind;
        }
        if behind == NONE {
            self.levels[index as usize].last = before;
        } else {
            self.nodes[behind as usize].before = before;
        }
        if before == NONE && behind == NONE {
            let key = rank(order.side, order.px);
            let ladder = self.ladder_mut(order.side);
            if let Ok(at) = ladder.find(key) {
                ladder.steps.remove(at);
            }
            self.free_levels.push(index);
        }
    }

    fn shrink(&mut self, slot: u32, by: i64) {
        let node = &mut self.nodes[slot as usize];
        node.order.qty = Qty::from_raw(node.order.qty.raw() - by);
        let level = &mut self.levels[node.level as usize];
        level.qty = Qty::from_raw(level.qty.raw() - by);
    }
}

//! The digest of a run: SHA-256 over the canonical bytes of every order command, in order.

use aegis_types::{Nanos, Order, order_bytes};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 over [`order_bytes`] of each order sent; equal for demo, backtest and replay of one
/// session.
#[derive(Clone, Debug, Default)]
pub struct OrderDigest {
    hash: Sha256,
    orders: u64,
}

impl OrderDigest {
    /// Of no orders yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an order given at event time `at`.
    pub fn update(&mut self, at: Nanos, order: &Order) {
        self.hash.update(order_bytes(at, order));
        self.orders += 1;
    }

    /// How many orders were taken in.
    pub const fn orders(&self) -> u64 {
        self.orders
    }

    /// What it stands at, to go on from there elsewhere: see [`OrderDigest::resume`].
    pub fn state(&self) -> Vec<u8> {
        SerializableState::serialize(&self.hash).to_vec()
    }

    /// The digest after `orders` orders that stood at `state`; `None` when that is no state.
    pub fn resume(state: &[u8], orders: u64) -> Option<Self> {
        let state = SerializedState::<Sha256>::try_from(state).ok()?;
        let hash = <Sha256 as SerializableState>::deserialize(&state).ok()?;
        Some(Self { hash, orders })
    }

    /// 64 lower-case hex digits of the orders so far.
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.hash.clone().finalize() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{ClientOrderId, OrderReason, OrderType, Px, Qty, Side, SymbolId};

    fn order(number: u32) -> Order {
        Order {
            id: ClientOrderId { session: 1, number },
            symbol: SymbolId(3),
            side: Side::Buy,
            kind: OrderType::Market,
            reason: OrderReason::Entry,
            reduce_only: false,
            qty: Qty::whole(2),
            price: Px::ZERO,
            trigger: Px::ZERO,
        }
    }

    #[test]
    fn ids_do_not_count_and_everything_else_does() {
        let empty = OrderDigest::new();
        assert_eq!(empty.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let of = |at: i64, order: &Order| {
            let mut digest = OrderDigest::new();
            digest.update(Nanos(at), order);
            digest.hex()
        };
        let base = of(5, &order(1));
        assert_eq!(base, of(5, &order(2)), "the client id is not part of the digest");
        assert_ne!(base, of(6, &order(1)));
        assert_ne!(base, of(5, &Order { qty: Qty::whole(3), ..order(1) }));
        assert_ne!(base, of(5, &Order { reduce_only: true, ..order(1) }));
        let mut twice = OrderDigest::new();
        twice.update(Nanos(5), &order(1));
        twice.update(Nanos(5), &order(1));
        assert_eq!(twice.orders(), 2);
        assert_ne!(twice.hex(), base);
        let mut resumed = OrderDigest::new();
        resumed.update(Nanos(5), &order(1));
        let mut resumed = OrderDigest::resume(&resumed.state(), 1).unwrap();
        resumed.update(Nanos(5), &order(1));
        assert_eq!((resumed.hex(), resumed.orders()), (twice.hex(), 2));
        assert!(OrderDigest::resume(&[0; 7], 1).is_none(), "no state at all");
    }
}

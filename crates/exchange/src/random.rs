//! Random draws keyed by (seed, order number, purpose): one order more or less changes no other
//! order's luck, and a replay draws the same whatever else it does.

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Time on the way to the venue.
    Latency = 1,
    /// How much worse than the price shown.
    Slippage = 2,
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014): a bijection in which every input bit reaches every output bit.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A whole number in `0..=most` (`most` not negative), the same for the same key.
pub(crate) fn draw(seed: u64, number: u32, purpose: Purpose, most: i64) -> i64 {
    let bits = mix(mix(seed) ^ mix(u64::from(number) << 8 | purpose as u64));
    let span = u128::from(most.max(0).unsigned_abs()) + 1;
    // Below `span`, which is at most 2^63, so it fits.
    ((u128::from(bits) * span) >> 64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_every_part_of_the_key_and_fill_their_range() {
        let most = 1_000_000;
        let base = draw(7, 3, Purpose::Latency, most);
        assert_eq!(base, draw(7, 3, Purpose::Latency, most));
        assert_ne!(base, draw(8, 3, Purpose::Latency, most));
        assert_ne!(base, draw(7, 4, Purpose::Latency, most));
        assert_ne!(base, draw(7, 3, Purpose::Slippage, most));
        let draws = || (0..10_000).map(|n| draw(7, n, Purpose::Slippage, 9));
        let mean = draws().sum::<i64>() as f64 / 10_000.0;
        assert!((mean - 4.5).abs() < 0.1, "{mean}");
        assert_eq!((draws().min(), draws().max()), (Some(0), Some(9)));
        assert_eq!(draw(7, 3, Purpose::Slippage, 0), 0);
        assert!(draw(7, 3, Purpose::Slippage, i64::MAX) >= 0);
    }
}

//! Step machine: random draws of a round, all from its seed.

/// A stream of numbers that a seed decides (SplitMix64).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The stream of a seed; `purpose` keeps streams of one seed apart.
    pub const fn new(seed: u64, purpose: u64) -> Self {
        Self(seed ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// The next number.
    pub const fn word(&mut self) -> u64 {
        crate::draw::next(&mut self.0)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = to.abs_diff(from).saturating_add(1);
        let offset = if span == 0 { 0 } else { self.word() % span };
        from.saturating_add_unsigned(offset)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: i64) -> bool {
        self.between(0, 99) < share
    }

    /// One of several; none of none.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let last = i64::try_from(of.len()).ok()?.checked_sub(1).filter(|last| *last >= 0)?;
        of.get(usize::try_from(self.between(0, last)).ok()?)
    }

    /// One of several by weight.
    pub fn weighted<'a, T>(&mut self, of: &'a [T], weight: impl Fn(&T) -> u32) -> Option<&'a T> {
        let total: i64 = of.iter().map(|one| i64::from(weight(one))).sum();
        let mut left = if total > 0 { self.between(0, total - 1) } else { return None };
        of.iter().find(|one| {
            left -= i64::from(weight(one));
            left < 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything_and_purposes_are_apart() {
        let mut words = [(1, 0), (1, 0), (1, 1), (2, 0)].map(|(s, p)| Draw::new(s, p).word());
        assert_eq!(words[0], words[1]);
        words.sort_unstable();
        assert_eq!(words.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        let mut draw = Draw::new(7, 7);
        for _ in 0..1_000 {
            assert!((-3..=4).contains(&draw.between(-3, 4)));
            assert_eq!(draw.between(5, 5), 5);
            assert!([1, 2, 3].contains(draw.one_of(&[1, 2, 3]).unwrap()));
            assert_eq!(draw.weighted(&[0u32, 4, 0], |w| *w), Some(&4));
        }
        assert_eq!(draw.one_of::<u8>(&[]), None);
        assert_eq!(draw.weighted(&[0u32], |w| *w), None);
    }
}

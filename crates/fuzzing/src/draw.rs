//! Random numbers that are the same on every machine.

/// SplitMix64: one step a number, any seed good.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Of a seed and an execution: neighbours have nothing in common.
    pub fn of(seed: u64, execution: u64) -> Self {
        let mut mixed = Self(seed ^ execution.wrapping_mul(0xd134_2543_de82_ef95));
        let first = mixed.next();
        Self(first)
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when there is none below.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

//! Random numbers with the same bits on every machine.

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014), to make seeds from seeds.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// xoshiro256++ (Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2019).
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
    spare: Option<f64>,
}

impl Random {
    /// One stream for each (seed, purpose); streams do not disturb one another.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let key = mix(mix(seed) ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        let state = core::array::from_fn(|i| mix(key.wrapping_add(i as u64)));
        Self { state, spare: None }
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let t = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= t;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in the open interval (0, 1).
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// True with this probability.
    #[inline]
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Standard normal, by Marsaglia's polar method.
    #[inline]
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                let scale = libm::sqrt(-2.0 * libm::log(s) / s);
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }

    /// Exponential with mean 1.
    #[inline]
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Student t with 6 degrees of freedom, scaled to variance 1 (excess kurtosis 3).
    ///
    /// A normal over the root of a chi-square: with six degrees that is −2 ln of three uniforms'
    /// product, and the two scalings leave `√(2 / −ln(u₁u₂u₃))`.
    #[inline]
    pub(crate) fn student(&mut self) -> f64 {
        let product = self.uniform() * self.uniform() * self.uniform();
        self.normal() * libm::sqrt(2.0 / -libm::log(product))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64, f64) {
        let n = 200_000;
        let (mut m1, mut m2, mut m4) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = draw();
            m1 += x;
            m2 += x * x;
            m4 += x * x * x * x;
        }
        let n = f64::from(n);
        (m1 / n, m2 / n, (m4 / n) / (m2 / n * (m2 / n)) - 3.0)
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let mut random = Random::new(1, 2);
        let (mean, square, kurtosis) = moments(|| random.normal());
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.02 && kurtosis.abs() < 0.1);
        let (mean, square, kurtosis) = moments(|| random.student());
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.03, "{mean} {square}");
        assert!((1.5..8.0).contains(&kurtosis), "{kurtosis}");
        let (mean, square, _) = moments(|| random.exponential());
        assert!((mean - 1.0).abs() < 0.01 && (square - 2.0).abs() < 0.1, "{mean} {square}");
        let (mean, square, _) = moments(|| random.uniform());
        assert!((mean - 0.5).abs() < 0.005 && (square - 1.0 / 3.0).abs() < 0.005);
    }

    #[test]
    fn streams_differ_by_seed_and_purpose() {
        let first = |seed, purpose| Random::new(seed, purpose).uniform();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 1), first(2, 1));
    }
}

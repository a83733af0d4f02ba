//! From bars and prices to pixels of the plot, and round numbers for the axes.

use aegis_types::Bar;
use alloc::vec::Vec;

/// Pixels kept free between the last bar and the right edge, where what is still alive is named.
const AHEAD: f64 = 56.0;
/// Farthest pixel from the plot that a price is drawn at.
const OFF: f64 = 100_000.0;

/// The plot: its size, the window of bars and the range of prices in it. Pixels count from its left
/// upper corner.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Width of the plot.
    pub width: f64,
    /// Height of the plot with the volume strip.
    pub height: f64,
    /// Upper end of the prices.
    pub top: f64,
    /// Lower end of the prices; the volume strip lies below.
    pub bottom: f64,
    /// Pixels per bar.
    pub step: f64,
    /// First bar of the window.
    pub from: u32,
    /// First bar behind the window.
    pub to: u32,
    /// First bar drawn: the window's, or an earlier one that can be panned to.
    pub first: u32,
    /// Lowest price.
    pub low: f64,
    /// Highest price.
    pub high: f64,
}

impl Scale {
    /// Of the bars in the window; the range of prices is theirs.
    pub fn fit(&mut self, bars: &[Bar]) {
        let count = (self.to - self.from).max(1);
        self.step = (self.width - AHEAD.min(self.width * 0.1)) / f64::from(count);
        let (low, high) = range(bars);
        // Halves, so that the difference of extreme prices is a number.
        if high / 2.0 - low / 2.0 > 0.0 {
            (self.low, self.high) = (low, high);
        } else {
            // Nothing moved: the line lies in the middle.
            let room = (low.abs() * 0.001).max(f64::MIN_POSITIVE * 8.0);
            let room = if low == 0.0 { 1.0 } else { room };
            self.low = (low - room).max(f64::MIN);
            self.high = (low + room).min(f64::MAX);
        }
    }

    /// Middle of a bar; fractions lie between bars.
    pub fn x(&self, bar: f64) -> f64 {
        (bar - f64::from(self.from) + 0.5) * self.step
    }

    /// Height of a price.
    pub fn y(&self, price: f64) -> f64 {
        let share = (price / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        let y = self.bottom - share * (self.bottom - self.top);
        if y.is_nan() { self.bottom } else { y.clamp(-OFF, OFF) }
    }

    /// Round prices in the range with about `pixels` between them, and the decimals they need.
    pub fn prices(&self, pixels: f64) -> (Vec<f64>, usize) {
        let most = ((self.bottom - self.top) / pixels).max(1.0);
        // The range in halves, see `fit`.
        let raw = (self.high / 2.0 - self.low / 2.0) / most * 2.0;
        if !(raw.is_finite() && raw > 0.0) {
            return (alloc::vec![self.low], 2);
        }
        let exponent = libm::floor(libm::log10(raw));
        let unit = libm::pow(10.0, exponent);
        let factor =
            [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|f| f * unit >= raw * (1.0 - 1e-9));
        let factor = factor.unwrap_or(10.0);
        let step = factor * unit;
        let mut decimals = (-exponent).clamp(0.0, 12.0) as usize;
        if factor == 2.5 {
            decimals += 1;
        } else if factor == 10.0 {
            decimals = decimals.saturating_sub(1);
        }
        let start = libm::ceil(self.low / step);
        let ticks = (0..64).map(|n| (start + f64::from(n)) * step);
        let ticks = ticks.take_while(|price| price.is_finite() && *price <= self.high);
        (ticks.collect(), decimals)
    }
}

/// Lowest and highest price of the bars; (0, 0) of none.
fn range(bars: &[Bar]) -> (f64, f64) {
    let prices = bars.iter().flat_map(|bar| [bar.open(), bar.high(), bar.low(), bar.close()]);
    prices
        .fold(None, |found: Option<(f64, f64)>, price| {
            let (low, high) = found.unwrap_or((price, price));
            Some((low.min(price), high.max(price)))
        })
        .unwrap_or((0.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;

    fn scale(prices: &[f64]) -> Scale {
        let bar = |&p: &f64| Bar::new(Nanos::ZERO, p, p, p, p, 1.0).expect("finite");
        let bars: Vec<Bar> = prices.iter().map(bar).collect();
        let mut scale = Scale {
            width: 400.0,
            height: 300.0,
            top: 10.0,
            bottom: 210.0,
            step: 1.0,
            from: 0,
            to: bars.len() as u32,
            first: 0,
            low: 0.0,
            high: 0.0,
        };
        scale.fit(&bars);
        scale
    }

    #[test]
    fn the_range_of_the_window_fills_the_plot() {
        let scale = scale(&[100.0, 150.0, 200.0]);
        assert_eq!([100.0, 150.0, 200.0].map(|p| scale.y(p)), [210.0, 110.0, 10.0]);
        let (ticks, decimals) = scale.prices(40.0);
        assert_eq!((ticks, decimals), (alloc::vec![100.0, 120.0, 140.0, 160.0, 180.0, 200.0], 0));
    }

    #[test]
    fn ticks_have_the_decimals_that_they_need() {
        let (ticks, decimals) = scale(&[0.3986, 0.4011]).prices(40.0);
        assert_eq!(decimals, 4);
        assert!(ticks.len() >= 4, "{ticks:?}");
        let (ticks, decimals) = scale(&[1.0, 2.1]).prices(45.0);
        assert_eq!((ticks, decimals), (alloc::vec![1.0, 1.25, 1.5, 1.75, 2.0], 2));
    }

    #[test]
    fn flat_and_extreme_prices_stay_numbers() {
        for prices in [
            &[][..],
            &[0.0],
            &[5.0, 5.0],
            &[f64::MAX, f64::MIN],
            &[f64::MAX, f64::MAX],
            &[f64::MIN_POSITIVE, f64::MIN_POSITIVE],
            &[5e-324, 0.0],
        ] {
            let scale = scale(prices);
            for price in [0.0, f64::MAX, f64::MIN, 1.0] {
                assert!(scale.y(price).is_finite(), "{prices:?} {price}");
            }
            let (ticks, _) = scale.prices(40.0);
            assert!(ticks.len() < 20 && ticks.iter().all(|p| p.is_finite()), "{prices:?}");
        }
    }
}

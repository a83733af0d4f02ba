//! Where a move set out: the bar with the lowest low since the swing high that it breaks.
//!
//! For buyers: from the confirmation of a swing high of bar p on, the bar with the lowest low after
//! p, the later one on ties. When a close breaks that high, this bar is the order block and its low
//! is where the leg began. Mirrored for sellers.

use crate::view::View;
use serde::{Deserialize, Serialize};

/// The bar from which a move set out, as its side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// Its index.
    pub pos: u32,
    /// Its high.
    pub high: f64,
    /// Its low.
    pub low: f64,
    /// Its low is below the swing low before the swing high: it took the stops there.
    pub swept: bool,
}

/// Looks for the launch of one side's next break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Launches {
    lowest: Option<Launch>,
    /// The swing low before the guarding swing high.
    prior: Option<f64>,
}

impl Launches {
    /// A swing that guards this side was confirmed: bar `pos` has the lowest low since. `prior` is
    /// the last swing low, as this side sees it.
    pub fn swing(&mut self, pos: u32, (high, low): (f64, f64), prior: Option<f64>) {
        self.prior = prior;
        self.lowest = Some(self.launch(pos, high, low));
    }

    /// Looks at bar `at` as the launch to be, after breaks were judged.
    #[inline]
    pub fn extend(&mut self, at: u32, bar: View) {
        if self.lowest.is_some_and(|lowest| bar.low <= lowest.low) {
            self.lowest = Some(self.launch(at, bar.high, bar.low));
        }
    }

    fn launch(&self, pos: u32, high: f64, low: f64) -> Launch {
        Launch { pos, high, low, swept: self.prior.is_some_and(|prior| low < prior) }
    }

    /// The guarding swing was broken: from here the move set out.
    pub fn take(&mut self) -> Option<Launch> {
        self.lowest.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bar_the_later_on_ties_once() {
        let mut launches = Launches::default();
        let view = |high, low| View { open: low, high, low, close: low };
        launches.extend(1, view(9.0, 1.0));
        assert_eq!(launches.take(), None, "no swing to break");
        launches.swing(3, (9.0, 8.0), Some(7.5));
        launches.extend(5, view(8.0, 7.0));
        launches.extend(6, view(8.5, 7.0));
        launches.extend(7, view(9.5, 7.2));
        assert_eq!(launches.take(), Some(Launch { pos: 6, high: 8.5, low: 7.0, swept: true }));
        assert_eq!(launches.take(), None);
        launches.swing(9, (9.0, 8.0), Some(7.5));
        assert!(!launches.take().unwrap().swept, "it held above the low before");
    }
}

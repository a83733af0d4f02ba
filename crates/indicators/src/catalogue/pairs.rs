//! Indicators of two bars and nothing between them: MOM, ROC and the true range.
//!
//! Their batch needs no state but at its ends, so all between is computed from the columns, for as
//! many bars at once as the processor can.

use super::row::{Row, readable};
use super::series::Series;
use crate::indicator::Indicator;
use aegis_types::Bar;
use alloc::boxed::Box;
use core::ops::Range;

/// An indicator whose value is a function of a bar and the bar `distance` before it.
pub(crate) trait OfTwoBars {
    /// How many bars lie from the one to the other, at least one.
    fn distance(&self) -> usize;

    /// The values on `rows`, whose earlier bars `series` holds, one cell per row; to the bit what
    /// pushing gives.
    fn fill(&self, series: &Series, rows: Range<usize>, out: &mut [f64]);
}

/// How the indicator reads a bar.
type Push<I> = fn(&mut I, &Bar) -> Option<f64>;

struct Pairs<I> {
    indicator: I,
    push: Push<I>,
}

/// Boxes an indicator of two bars.
pub(super) fn of_two_bars<I>(indicator: I, push: Push<I>) -> Box<dyn Row>
where
    I: Indicator<Output = f64> + OfTwoBars + Send + 'static,
{
    Box::new(Pairs { indicator, push })
}

impl<I: Indicator<Output = f64> + OfTwoBars + Send> Row for Pairs<I> {
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        let value = (self.push)(&mut self.indicator, bar);
        out.iter_mut().take(1).for_each(|cell| *cell = value);
    }

    fn read(&mut self, series: &Series, rows: Range<usize>, out: &mut [&mut [f64]]) {
        let rows = readable(series, rows, out);
        let Some(column) = out.first_mut() else { return };
        let (distance, bars) = (self.indicator.distance(), &series.bars()[rows.clone()]);
        let streamed = distance.min(bars.len());
        let (first, others) = column[..bars.len()].split_at_mut(streamed);
        for (cell, bar) in first.iter_mut().zip(bars) {
            *cell = (self.push)(&mut self.indicator, bar).unwrap_or(f64::NAN);
        }
        if others.is_empty() {
            return;
        }
        self.indicator.fill(series, rows.start + streamed..rows.end, others);
        // The last pair leaves the indicator as if it had read all of them.
        let tail = streamed.max(bars.len().saturating_sub(distance + 1));
        for bar in &bars[tail..] {
            (self.push)(&mut self.indicator, bar);
        }
    }

    fn reset(&mut self) {
        self.indicator.reset();
    }
}

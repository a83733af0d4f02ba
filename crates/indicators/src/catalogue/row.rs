//! Indicators of every shape behind one: a bar in, a row of cells out.

use super::entry::MAX_COLUMNS;
use crate::indicator::Indicator;
use aegis_types::Bar;
use alloc::boxed::Box;

/// An indicator that reads bars and writes its output columns.
pub trait Row: Send {
    /// Reads one more bar and writes a cell per column, in the entry's order; `None` while that
    /// column warms up. Cells beyond the columns are left alone; where `out` is too short, the last
    /// columns are left out. Allocates nothing.
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]);

    /// Reads many bars, the batch form of [`Self::push`]: cell `c` of bar `i` goes to `out[c][i]`,
    /// NaN while that column warms up. Bars beyond the shortest column are not read; columns beyond
    /// the entry's are left alone.
    fn read(&mut self, bars: &[Bar], out: &mut [&mut [f64]]) {
        let most = out.len().min(MAX_COLUMNS);
        let out = &mut out[..most];
        let rows = out.iter().map(|column| column.len()).min().unwrap_or(0);
        for (at, bar) in bars.iter().enumerate().take(rows) {
            let mut cells = [None; MAX_COLUMNS];
            self.push(bar, &mut cells[..out.len()]);
            for (column, cell) in out.iter_mut().zip(cells) {
                column[at] = cell.unwrap_or(f64::NAN);
            }
        }
    }

    /// Forgets everything: afterwards indistinguishable from a fresh one.
    fn reset(&mut self);
}

/// What an indicator gives, as cells.
pub trait Columns {
    /// How many cells.
    const COUNT: usize;

    /// Writes the cells in the catalogue's order.
    fn write(self, out: &mut [Option<f64>]);
}

/// Writes values to the first cells.
#[inline]
pub(crate) fn write_cells<const N: usize>(values: [f64; N], out: &mut [Option<f64>]) {
    for (cell, value) in out.iter_mut().zip(values) {
        *cell = Some(value);
    }
}

impl Columns for f64 {
    const COUNT: usize = 1;

    #[inline]
    fn write(self, out: &mut [Option<f64>]) {
        write_cells([self], out);
    }
}

#[inline]
fn write_or_clear<C: Columns>(output: Option<C>, out: &mut [Option<f64>]) {
    match output {
        Some(columns) => columns.write(out),
        None => out.iter_mut().take(C::COUNT).for_each(|cell| *cell = None),
    }
}

/// An indicator of closes.
struct OfCloses<I>(I);

impl<I> Row for OfCloses<I>
where
    I: Indicator<Input = f64> + Send,
    I::Output: Columns,
{
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        write_or_clear(self.0.push(bar.close()), out);
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// An indicator of whole bars.
struct OfBars<I>(I);

impl<I> Row for OfBars<I>
where
    I: Indicator<Input = Bar> + Send,
    I::Output: Columns,
{
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        write_or_clear(self.0.push(*bar), out);
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Boxes an indicator of closes.
pub(super) fn of_closes<I>(indicator: I) -> Box<dyn Row>
where
    I: Indicator<Input = f64> + Send + 'static,
    I::Output: Columns,
{
    Box::new(OfCloses(indicator))
}

/// Boxes an indicator of whole bars.
pub(super) fn of_bars<I>(indicator: I) -> Box<dyn Row>
where
    I: Indicator<Input = Bar> + Send + 'static,
    I::Output: Columns,
{
    Box::new(OfBars(indicator))
}

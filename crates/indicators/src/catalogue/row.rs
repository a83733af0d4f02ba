//! Indicators of every shape behind one: a bar in, a row of cells out.

use super::entry::MAX_COLUMNS;
use super::series::Series;
use crate::indicator::Indicator;
use aegis_types::Bar;
use alloc::boxed::Box;
use core::mem::ManuallyDrop;
use core::ops::Range;

/// An indicator that reads bars and writes its output columns.
pub trait Row: Send {
    /// Reads one more bar and writes a cell per column, in the entry's order; `None` while that
    /// column warms up. Cells beyond the columns are left alone; where `out` is too short, the last
    /// columns are left out. Allocates nothing.
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]);

    /// Reads the bars `rows` of `series`, the batch form of [`Self::push`]: cell `c` of the n-th of
    /// them goes to `out[c][n]`, NaN while that column warms up. Bars beyond the series or the
    /// shortest column are not read; columns beyond the entry's are left alone.
    fn read(&mut self, series: &Series, rows: Range<usize>, out: &mut [&mut [f64]]) {
        let most = out.len().min(MAX_COLUMNS);
        let out = &mut out[..most];
        let rows = readable(series, rows, out);
        for (at, bar) in series.bars()[rows].iter().enumerate() {
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

/// Those of `rows` that `series` has and every column has room for.
pub(super) fn readable(series: &Series, rows: Range<usize>, out: &[&mut [f64]]) -> Range<usize> {
    let end = rows.end.min(series.bars().len());
    let start = rows.start.min(end);
    let room = out.iter().map(|column| column.len()).min().unwrap_or(0);
    start..end.min(start.saturating_add(room))
}

/// What an indicator gives, as cells.
pub trait Columns {
    /// How many cells.
    const COUNT: usize;

    /// The cells in the catalogue's order; those beyond [`Self::COUNT`] mean nothing.
    fn cells(self) -> [f64; MAX_COLUMNS];
}

/// Values as cells.
#[inline]
pub(crate) fn cells<const N: usize>(values: [f64; N]) -> [f64; MAX_COLUMNS] {
    let mut cells = [f64::NAN; MAX_COLUMNS];
    cells[..N].copy_from_slice(&values);
    cells
}

impl Columns for f64 {
    const COUNT: usize = 1;

    #[inline]
    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self])
    }
}

#[inline]
fn write_or_clear<C: Columns>(output: Option<C>, out: &mut [Option<f64>]) {
    let out = out.iter_mut().take(C::COUNT);
    match output {
        Some(columns) => out.zip(columns.cells()).for_each(|(cell, value)| *cell = Some(value)),
        None => out.for_each(|cell| *cell = None),
    }
}

/// Inputs read between two visits to the columns, where there are several: the pointers to them
/// would take the registers that the indicator's state can use.
const BLOCK: usize = 64;

/// [`Row::read`] of an indicator whose `push` is known; no column is shorter than `inputs`.
///
/// The indicator is a local of the caller meanwhile, nothing that it could share memory with is
/// written, and no panic would have to drop it (it is in `ManuallyDrop`, and would be lost): so its
/// state need not have an address and can stay in registers.
#[inline]
fn read_columns<C: Columns, T>(
    inputs: &[T],
    out: &mut [&mut [f64]],
    mut push: impl FnMut(&T) -> Option<C>,
) {
    if let (1, [column]) = (C::COUNT, &mut *out) {
        for (cell, input) in column.iter_mut().zip(inputs) {
            *cell = push(input).map_or(f64::NAN, |columns| columns.cells()[0]);
        }
        return;
    }
    let mut block = [[0.0; BLOCK]; MAX_COLUMNS];
    let mut at = 0;
    for inputs in inputs.chunks(BLOCK) {
        for (row, input) in (0..BLOCK).zip(inputs) {
            let values = push(input).map_or([f64::NAN; MAX_COLUMNS], Columns::cells);
            for (cells, value) in block.iter_mut().zip(values).take(C::COUNT) {
                cells[row] = value;
            }
        }
        for (column, cells) in out.iter_mut().zip(&block).take(C::COUNT) {
            column[at..at + inputs.len()].copy_from_slice(&cells[..inputs.len()]);
        }
        at += inputs.len();
    }
}

/// An indicator of closes; none only while it reads a batch.
struct OfCloses<I>(Option<I>);

impl<I> Row for OfCloses<I>
where
    I: Indicator<Input = f64> + Send,
    I::Output: Columns,
{
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        let output = self.0.as_mut().and_then(|indicator| indicator.push(bar.close()));
        write_or_clear(output, out);
    }

    fn read(&mut self, series: &Series, rows: Range<usize>, out: &mut [&mut [f64]]) {
        if let Some(indicator) = self.0.take() {
            let mut indicator = ManuallyDrop::new(indicator);
            let closes = &series.closes()[readable(series, rows, out)];
            read_columns(closes, out, |close| indicator.push(*close));
            self.0 = Some(ManuallyDrop::into_inner(indicator));
        }
    }

    fn reset(&mut self) {
        self.0.iter_mut().for_each(I::reset);
    }
}

/// An indicator of whole bars; none only while it reads a batch.
struct OfBars<I>(Option<I>);

impl<I> Row for OfBars<I>
where
    I: Indicator<Input = Bar> + Send,
    I::Output: Columns,
{
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        let output = self.0.as_mut().and_then(|indicator| indicator.push(*bar));
        write_or_clear(output, out);
    }

    fn read(&mut self, series: &Series, rows: Range<usize>, out: &mut [&mut [f64]]) {
        if let Some(indicator) = self.0.take() {
            let mut indicator = ManuallyDrop::new(indicator);
            let bars = &series.bars()[readable(series, rows, out)];
            read_columns(bars, out, |bar| indicator.push(*bar));
            self.0 = Some(ManuallyDrop::into_inner(indicator));
        }
    }

    fn reset(&mut self) {
        self.0.iter_mut().for_each(I::reset);
    }
}

/// Boxes an indicator of closes.
pub(super) fn of_closes<I>(indicator: I) -> Box<dyn Row>
where
    I: Indicator<Input = f64> + Send + 'static,
    I::Output: Columns,
{
    Box::new(OfCloses(Some(indicator)))
}

/// Boxes an indicator of whole bars.
pub(super) fn of_bars<I>(indicator: I) -> Box<dyn Row>
where
    I: Indicator<Input = Bar> + Send + 'static,
    I::Output: Columns,
{
    Box::new(OfBars(Some(indicator)))
}

//! Every indicator by name: what it takes, what it gives, and how to make it from a line of text.
//!
//! ```text
//! "macd(8,21,5)" ──Call::parse──> Call ──build──> Box<dyn Row> ──push(&bar, &mut cells)──> cells
//! ```
//!
//! One table per family lies in a file of its own; [`ENTRIES`] is all of them in one row. Names are
//! lower case, parameters stand in TA-Lib's order, all of them or none: then its defaults.

mod averages;
mod call;
mod columns;
mod entry;
mod momentum;
mod pairs;
mod row;
mod series;
mod trend;
mod volatility;
mod volume;

pub use call::{Call, CallError, nearest};
pub use columns::column_names;
pub use entry::{Arguments, Entry, MAX_COLUMNS, MAX_PARAMETERS, Parameter, ParameterKind};
pub(crate) use pairs::OfTwoBars;
pub(crate) use row::cells;
pub use row::{Columns, Row};
pub use series::Series;

const FAMILIES: [&[Entry]; 5] =
    [momentum::ENTRIES, averages::ENTRIES, trend::ENTRIES, volatility::ENTRIES, volume::ENTRIES];

const COUNT: usize = {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

/// Every indicator, family by family.
pub static ENTRIES: [Entry; COUNT] = {
    let mut all = [FAMILIES[0][0]; COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut n = 0;
        while n < FAMILIES[family].len() {
            all[at] = FAMILIES[family][n];
            at += 1;
            n += 1;
        }
        family += 1;
    }
    all
};

/// The entry called `name`, in whatever case.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

//! Moving averages of closes.

use super::entry::{Entry, Parameter};
use super::row::of_closes;
use crate::{Ema, Sma, Wilder};

const PERIOD: &[Parameter] = &[Parameter::period("period", 20, 1)];

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "sma",
        about: "simple moving average: the mean of the last closes",
        parameters: PERIOD,
        columns: &["sma"],
        make: |a| of_closes(Sma::new(a.period(0))),
    },
    Entry {
        name: "ema",
        about: "exponential moving average, factor 2/(period+1), seeded with a mean",
        parameters: PERIOD,
        columns: &["ema"],
        make: |a| of_closes(Ema::new(a.period(0))),
    },
    Entry {
        name: "rma",
        about: "running moving average, factor 1/period, seeded with a mean (Wilder 1978)",
        parameters: PERIOD,
        columns: &["rma"],
        make: |a| of_closes(Wilder::new(a.period(0))),
    },
];

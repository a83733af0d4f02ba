//! Moving averages of closes.

use super::entry::{Entry, Parameter};
use super::row::of_closes;
use crate::{Dema, Ema, Hma, Sma, Tema, Wilder, Wma};

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
        name: "wma",
        about: "weighted moving average: the newest close weighs most, by equal steps",
        parameters: PERIOD,
        columns: &["wma"],
        make: |a| of_closes(Wma::new(a.period(0))),
    },
    Entry {
        name: "rma",
        about: "running moving average, factor 1/period, seeded with a mean (Wilder 1978)",
        parameters: PERIOD,
        columns: &["rma"],
        make: |a| of_closes(Wilder::new(a.period(0))),
    },
    Entry {
        name: "hma",
        about: "Hull moving average: weighted averages that cancel their own lag (Hull 2005)",
        parameters: PERIOD,
        columns: &["hma"],
        make: |a| of_closes(Hma::new(a.period(0))),
    },
    Entry {
        name: "dema",
        about: "double exponential moving average, 2e1 - e2 (Mulloy 1994)",
        parameters: PERIOD,
        columns: &["dema"],
        make: |a| of_closes(Dema::new(a.period(0))),
    },
    Entry {
        name: "tema",
        about: "triple exponential moving average, 3e1 - 3e2 + e3 (Mulloy 1994)",
        parameters: PERIOD,
        columns: &["tema"],
        make: |a| of_closes(Tema::new(a.period(0))),
    },
];

//! Volatility: how far prices range, and channels of that width.

use super::entry::{Entry, MAX_COLUMNS, Parameter};
use super::pairs::of_two_bars;
use super::row::{Columns, Row, cells, of_bars, of_closes};
use crate::bands::Bands;
use crate::indicator::Indicator;
use crate::{Atr, Bbands, Donchian, Ichimoku, IchimokuLines, Keltner, Natr, Stddev, TrueRange};
use aegis_types::Bar;
use alloc::boxed::Box;

/// The largest number TA-Lib takes, and its negative the smallest.
const LARGEST: f64 = 3e37;
const PERIOD: &[Parameter] = &[Parameter::period("period", 14, 1)];

const fn multiplier(name: &'static str, default: f64) -> Parameter {
    Parameter::real(name, default, -LARGEST, LARGEST)
}

impl Columns for Bands {
    const COUNT: usize = 3;

    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self.upper, self.middle, self.lower])
    }
}

/// Each line has a warm-up of its own.
impl Row for Ichimoku {
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        let lines = Indicator::push(self, *bar).unwrap_or_default();
        let IchimokuLines { tenkan, kijun, span_a, span_b } = lines;
        for (cell, line) in out.iter_mut().zip([tenkan, kijun, span_a, span_b]) {
            *cell = line;
        }
    }

    fn reset(&mut self) {
        Indicator::reset(self);
    }
}

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "tr",
        about: "true range: high to low with the gap from the previous close (Wilder 1978)",
        parameters: &[],
        columns: &["tr"],
        make: |_| of_two_bars(TrueRange::new(), |range, bar| range.push(*bar)),
    },
    Entry {
        name: "atr",
        about: "average true range, in price (Wilder 1978)",
        parameters: PERIOD,
        columns: &["atr"],
        make: |a| of_bars(Atr::new(a.period(0))),
    },
    Entry {
        name: "natr",
        about: "average true range in percent of the close (Forman 2006)",
        parameters: PERIOD,
        columns: &["natr"],
        make: |a| of_bars(Natr::new(a.period(0))),
    },
    Entry {
        name: "bbands",
        about: "Bollinger bands: mean and standard deviations around it (Bollinger)",
        parameters: &[Parameter::period("period", 20, 2), multiplier("deviations", 2.0).optional()],
        columns: &["bb_up", "bb_mid", "bb_low"],
        make: |a| of_closes(Bbands::new(a.period(0), a.real(1))),
    },
    Entry {
        name: "stddev",
        about: "standard deviation of the population of the last closes, times a factor",
        parameters: &[Parameter::period("period", 20, 2), multiplier("deviations", 1.0).optional()],
        columns: &["stddev"],
        make: |a| of_closes(Stddev::new(a.period(0), a.real(1))),
    },
    Entry {
        name: "donchian",
        about: "highest high and lowest low, the bar itself counted (Donchian)",
        parameters: &[Parameter::period("period", 20, 2)],
        columns: &["dc_up", "dc_mid", "dc_low"],
        make: |a| of_bars(Donchian::new(a.period(0))),
    },
    Entry {
        name: "keltner",
        about: "exponential average of the typical price and ATRs around it (Keltner, Raschke)",
        parameters: &[
            Parameter::period("period", 20, 2),
            Parameter::period("atr_period", 10, 1),
            multiplier("multiplier", 2.0),
        ],
        columns: &["kc_up", "kc_mid", "kc_low"],
        make: |a| of_bars(Keltner::new(a.period(0), a.period(1), a.real(2))),
    },
    Entry {
        name: "ichimoku",
        about: "middles of three ranges, spans not shifted (Hosoda 1969)",
        parameters: &[
            Parameter::period("tenkan", 9, 1),
            Parameter::period("kijun", 26, 1),
            Parameter::period("span_b", 52, 1),
        ],
        columns: &["ichi_tenkan9", "ichi_kijun26", "ichi_spanA", "ichi_spanB52"],
        make: |a| Box::new(Ichimoku::new(a.period(0), a.period(1), a.period(2))),
    },
];

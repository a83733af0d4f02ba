//! Trend: direction and how strong it is.

use super::entry::{Entry, MAX_COLUMNS, Parameter};
use super::row::{Columns, Row, cells, of_bars};
use crate::indicator::Indicator;
use crate::{
    Adx, Adxr, Aroon, AroonLines, Dx, MinusDi, PlusDi, Sar, Supertrend, TrendLine, Vortex,
    VortexLines,
};
use aegis_types::Bar;
use alloc::boxed::Box;

/// The largest number TA-Lib takes.
const LARGEST: f64 = 3e37;
const PERIOD: &[Parameter] = &[Parameter::period("period", 14, 1)];
const PERIOD_FROM_TWO: &[Parameter] = &[Parameter::period("period", 14, 2)];

impl Columns for AroonLines {
    const COUNT: usize = 2;

    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self.down, self.up])
    }
}

impl Columns for VortexLines {
    const COUNT: usize = 2;

    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self.plus, self.minus])
    }
}

/// The line is absent while warming up; its direction is 0 then, as in TA-Lib's table.
impl Row for Supertrend {
    fn push(&mut self, bar: &Bar, out: &mut [Option<f64>]) {
        let line = Indicator::push(self, *bar);
        let direction = line.map_or(0.0, TrendLine::direction);
        for (cell, value) in out.iter_mut().zip([line.map(|line| line.level), Some(direction)]) {
            *cell = value;
        }
    }

    fn reset(&mut self) {
        Indicator::reset(self);
    }
}

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "plus_di",
        about: "+DI: smoothed upward movement in percent of the true range (Wilder 1978)",
        parameters: PERIOD,
        columns: &["plus_di"],
        make: |a| of_bars(PlusDi::new(a.period(0))),
    },
    Entry {
        name: "minus_di",
        about: "-DI: smoothed downward movement in percent of the true range (Wilder 1978)",
        parameters: PERIOD,
        columns: &["minus_di"],
        make: |a| of_bars(MinusDi::new(a.period(0))),
    },
    Entry {
        name: "dx",
        about: "directional movement index: how far apart +DI and -DI are (Wilder 1978)",
        parameters: PERIOD_FROM_TWO,
        columns: &["dx"],
        make: |a| of_bars(Dx::new(a.period(0))),
    },
    Entry {
        name: "adx",
        about: "average directional movement index: DX smoothed (Wilder 1978)",
        parameters: PERIOD_FROM_TWO,
        columns: &["adx"],
        make: |a| of_bars(Adx::new(a.period(0))),
    },
    Entry {
        name: "adxr",
        about: "average directional movement rating: mean of ADX now and before (Wilder 1978)",
        parameters: PERIOD_FROM_TWO,
        columns: &["adxr"],
        make: |a| of_bars(Adxr::new(a.period(0))),
    },
    Entry {
        name: "supertrend",
        about: "stop line some ATR away that trails the price; direction 1 or -1 (Seban)",
        parameters: &[
            Parameter::period("period", 10, 2),
            Parameter::real("multiplier", 3.0, 0.0, LARGEST),
        ],
        columns: &["supertrend", "supertrend_dir"],
        make: |a| Box::new(Supertrend::new(a.period(0), a.real(1))),
    },
    Entry {
        name: "sar",
        about: "parabolic stop and reverse (Wilder 1978)",
        parameters: &[
            Parameter::real("step", 0.02, 0.0, LARGEST),
            Parameter::real("max", 0.2, 0.0, LARGEST),
        ],
        columns: &["sar"],
        make: |a| of_bars(Sar::new(a.real(0), a.real(1))),
    },
    Entry {
        name: "aroon",
        about: "how recent the lowest low and the highest high are (Chande 1995)",
        parameters: PERIOD_FROM_TWO,
        columns: &["aroon_down", "aroon_up"],
        make: |a| of_bars(Aroon::new(a.period(0))),
    },
    Entry {
        name: "vortex",
        about: "movement up and down over the true range (Botes and Siepman 2010)",
        parameters: PERIOD,
        columns: &["vortex_plus", "vortex_minus"],
        make: |a| of_bars(Vortex::new(a.period(0))),
    },
];

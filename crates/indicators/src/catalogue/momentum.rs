//! Momentum: how fast and how far price has moved.

use super::entry::{Entry, Parameter};
use super::pairs::of_two_bars;
use super::row::{of_bars, of_closes};
use crate::indicator::Indicator;
use crate::{Cci, Macd, Mom, Ppo, Roc, Rsi, Stoch, StochRsi, UltOsc, Willr};

const TEN: &[Parameter] = &[Parameter::period("period", 10, 1)];

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "rsi",
        about: "relative strength index of closes, 0 to 100 (Wilder 1978)",
        parameters: &[Parameter::period("period", 14, 2)],
        columns: &["rsi"],
        make: |a| of_closes(Rsi::new(a.period(0))),
    },
    Entry {
        name: "macd",
        about: "fast less slow average, its signal line and histogram (Appel 1985)",
        parameters: &[
            Parameter::period("fast", 12, 2),
            Parameter::period("slow", 26, 2),
            Parameter::period("signal", 9, 1),
        ],
        columns: &["macd", "macd_signal", "macd_hist"],
        make: |a| of_closes(Macd::new(a.period(0), a.period(1), a.period(2))),
    },
    Entry {
        name: "stoch",
        about: "stochastic: the close in the range of k bars, smoothed twice (Lane 1984)",
        parameters: &[
            Parameter::period("k", 14, 1),
            Parameter::period("slow_k", 3, 1),
            Parameter::period("d", 3, 1),
        ],
        columns: &["stoch_k", "stoch_d"],
        make: |a| of_bars(Stoch::new(a.period(0), a.period(1), a.period(2))),
    },
    Entry {
        name: "stochrsi",
        about: "stochastic of the relative strength index (Chande and Kroll 1994)",
        parameters: &[
            Parameter::period("period", 14, 2),
            Parameter::period("k", 5, 1),
            Parameter::period("d", 3, 1),
        ],
        columns: &["stochrsi_k", "stochrsi_d"],
        make: |a| of_closes(StochRsi::new(a.period(0), a.period(1), a.period(2))),
    },
    Entry {
        name: "cci",
        about: "commodity channel index: typical price from its mean, in deviations (Lambert 1980)",
        parameters: &[Parameter::period("period", 20, 2)],
        columns: &["cci"],
        make: |a| of_bars(Cci::new(a.period(0))),
    },
    Entry {
        name: "willr",
        about: "Williams' %R: the close below the top of the range, -100 to 0 (Williams 1973)",
        parameters: &[Parameter::period("period", 14, 2)],
        columns: &["willr"],
        make: |a| of_bars(Willr::new(a.period(0))),
    },
    Entry {
        name: "mom",
        about: "momentum: the close less the close of so many bars ago, in price",
        parameters: TEN,
        columns: &["mom"],
        make: |a| of_two_bars(Mom::new(a.period(0)), |mom, bar| mom.push(bar.close())),
    },
    Entry {
        name: "roc",
        about: "rate of change against the close of so many bars ago, in percent",
        parameters: TEN,
        columns: &["roc"],
        make: |a| of_two_bars(Roc::new(a.period(0)), |roc, bar| roc.push(bar.close())),
    },
    Entry {
        name: "ppo",
        about: "percentage price oscillator: fast less slow average, in percent of the slow one",
        parameters: &[Parameter::period("fast", 12, 2), Parameter::period("slow", 26, 2)],
        columns: &["ppo"],
        make: |a| of_closes(Ppo::new(a.period(0), a.period(1))),
    },
    Entry {
        name: "ultosc",
        about: "ultimate oscillator: buying pressure over three periods (Williams 1985)",
        parameters: &[
            Parameter::period("first", 7, 1),
            Parameter::period("second", 14, 1),
            Parameter::period("third", 28, 1),
        ],
        columns: &["ultosc"],
        make: |a| of_bars(UltOsc::new(a.period(0), a.period(1), a.period(2))),
    },
];

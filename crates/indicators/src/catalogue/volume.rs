//! Volume: where the money went.

use super::entry::{Entry, Parameter};
use super::row::of_bars;
use crate::{Ad, Adosc, Anchor, Cmf, Mfi, Obv, Vwap, Vwma};

/// The greatest number of a bar.
const BARS: u32 = u32::MAX;

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "obv",
        about: "on-balance volume: volume of rising closes less that of falling ones (Granville)",
        parameters: &[],
        columns: &["obv"],
        make: |_| of_bars(Obv::new()),
    },
    Entry {
        name: "mfi",
        about: "money flow index: share of rising money flow (Quong and Soudack 1989)",
        parameters: &[Parameter::period("period", 14, 2)],
        columns: &["mfi"],
        make: |a| of_bars(Mfi::new(a.period(0))),
    },
    Entry {
        name: "ad",
        about: "accumulation/distribution line: volume by where a bar closed (Chaikin)",
        parameters: &[],
        columns: &["ad"],
        make: |_| of_bars(Ad::new()),
    },
    Entry {
        name: "adosc",
        about: "Chaikin oscillator: fast less slow average of that line (Chaikin)",
        parameters: &[Parameter::period("fast", 3, 2), Parameter::period("slow", 10, 2)],
        columns: &["adosc"],
        make: |a| of_bars(Adosc::new(a.period(0), a.period(1))),
    },
    Entry {
        name: "cmf",
        about: "Chaikin money flow: accumulation per volume, -1 to 1 (Chaikin)",
        parameters: &[Parameter::period("period", 20, 2)],
        columns: &["cmf"],
        make: |a| of_bars(Cmf::new(a.period(0))),
    },
    Entry {
        name: "vwma",
        about: "volume-weighted moving average of closes",
        parameters: &[Parameter::period("period", 20, 1)],
        columns: &["vwma"],
        make: |a| of_bars(Vwma::new(a.period(0))),
    },
    Entry {
        name: "vwap",
        about: "volume-weighted average price since the first bar",
        parameters: &[],
        columns: &["vwap_cum"],
        make: |_| of_bars(Vwap::new(Anchor::Start)),
    },
    Entry {
        name: "vwap_day",
        about: "volume-weighted average price since 00:00 UTC",
        parameters: &[],
        columns: &["vwap_day"],
        make: |_| of_bars(Vwap::new(Anchor::Day)),
    },
    Entry {
        name: "vwap_week",
        about: "volume-weighted average price since Monday 00:00 UTC",
        parameters: &[],
        columns: &["vwap_week"],
        make: |_| of_bars(Vwap::new(Anchor::Week)),
    },
    Entry {
        name: "vwap_session",
        about: "volume-weighted average price since a session's opening, absent outside, UTC",
        parameters: &[Parameter::time("open", 8 * 60), Parameter::time("close", 16 * 60)],
        columns: &["vwap_session"],
        make: |a| {
            let (open, close) = (a.whole(0), a.whole(1));
            of_bars(Vwap::new(Anchor::Session { open, close }))
        },
    },
    Entry {
        name: "vwap_from",
        about: "volume-weighted average price since a chosen bar, counted from 0",
        parameters: &[Parameter::whole("bar", 0, 0, BARS)],
        columns: &["vwap_from"],
        make: |a| of_bars(Vwap::new(Anchor::Bar(u64::from(a.whole(0))))),
    },
];

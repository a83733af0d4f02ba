//! Trend, volatility and volume indicators against their definitions, computed from each window
//! alone, over random bars: ties, flat bars, no volume.

use aegis_indicators::{
    Ad, Adosc, Adx, Adxr, Anchor, Aroon, AroonLines, Bands, Bbands, Cmf, Donchian, Dx, Ichimoku,
    Indicator, Keltner, Mfi, MinusDi, Natr, Obv, PlusDi, Sar, Stddev, Supertrend, TrueRange,
    Vortex, VortexLines, Vwap, Vwma, over, true_range,
};
use aegis_types::{Bar, Nanos};
use proptest::prelude::*;
use std::num::NonZeroU32;

fn n(period: usize) -> NonZeroU32 {
    NonZeroU32::new(period as u32).expect("at least one")
}

/// Bars on a grid of quarters, so that ties are common and sums are exact.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let step = (-4i32..=4, 0u8..4, 0u8..4, 0u8..6, 1i64..300);
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let (mut close, mut minute) = (100.0f64, 29_000_000i64);
        let bar = |(change, up, down, volume, minutes): (i32, u8, u8, u8, i64)| {
            let open = close;
            close = (close + f64::from(change) * 0.25).max(5.0);
            minute += minutes;
            let high = open.max(close) + f64::from(up) * 0.25;
            let low = open.min(close) - f64::from(down) * 0.25;
            let time = Nanos::MINUTE.times(minute);
            Bar::new(time, open, high, low, close, f64::from(volume)).expect("a bar")
        };
        steps.into_iter().map(bar).collect()
    })
}

/// `got` is none before a window is full, and then what `want` says of each window.
fn windows<O: Copy>(
    bars: &[Bar],
    length: usize,
    got: &[Option<O>],
    want: impl Fn(&[Bar]) -> Option<Vec<f64>>,
    cells: impl Fn(O) -> Vec<f64>,
) -> Result<(), TestCaseError> {
    for (row, got) in got.iter().enumerate() {
        let wanted = (row + 1 >= length).then(|| want(&bars[row + 1 - length..=row])).flatten();
        match (got, wanted) {
            (None, None) => {}
            (Some(got), Some(want)) => {
                for (got, want) in cells(*got).iter().zip(&want) {
                    let near = (got - want).abs() <= 1e-9 * want.abs().max(1.0);
                    prop_assert!(near, "row {row}: {got} is not {want}");
                }
            }
            (got, want) => prop_assert!(false, "row {row}: {:?} {want:?}", got.map(&cells)),
        }
    }
    Ok(())
}

fn high(bars: &[Bar]) -> f64 {
    bars.iter().map(Bar::high).fold(f64::NEG_INFINITY, f64::max)
}

fn low(bars: &[Bar]) -> f64 {
    bars.iter().map(Bar::low).fold(f64::INFINITY, f64::min)
}

fn sum(bars: &[Bar], of: impl Fn(&Bar) -> f64) -> f64 {
    bars.iter().map(of).sum()
}

fn pairs(bars: &[Bar], of: impl Fn(&Bar, &Bar) -> f64) -> f64 {
    bars.windows(2).map(|pair| of(&pair[0], &pair[1])).sum()
}

fn typical(bar: &Bar) -> f64 {
    (bar.high() + bar.low() + bar.close()) / 3.0
}

fn over_or_zero(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

fn deviation(bars: &[Bar]) -> (f64, f64) {
    let mean = sum(bars, Bar::close) / bars.len() as f64;
    let squares = sum(bars, |bar| (bar.close() - mean).powi(2));
    (mean, (squares / bars.len() as f64).sqrt())
}

fn bands(bands: Bands) -> Vec<f64> {
    vec![bands.upper, bands.middle, bands.lower]
}

fn aroon(bars: &[Bar]) -> Vec<f64> {
    let last = bars.len() - 1;
    let line = |of: &dyn Fn(&Bar) -> bool| {
        let at = bars.iter().rposition(of).expect("the extreme is one of them");
        100.0 * at as f64 / last as f64
    };
    let (high, low) = (high(bars), low(bars));
    vec![line(&|bar| bar.low() == low), line(&|bar| bar.high() == high)]
}

fn money_flow_index(bars: &[Bar]) -> f64 {
    let flow = |rising: bool| {
        pairs(bars, |last, bar| {
            // In thirds of quarters the sums are exact, the typical prices are not.
            let change = (typical(bar) - typical(last)) * 12.0;
            let counts = if rising { change > 0.5 } else { change < -0.5 };
            if counts { typical(bar) * bar.volume() } else { 0.0 }
        })
    };
    100.0 * over_or_zero(flow(true), flow(true) + flow(false))
}

fn accumulation(bar: &Bar) -> f64 {
    let place = 2.0 * bar.close() - bar.low() - bar.high();
    over_or_zero(place, bar.high() - bar.low()) * bar.volume()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn channels_and_ages(bars in bars(), period in 1usize..30) {
        let got = over(Donchian::new(n(period)), bars.clone());
        let channel = |bars: &[Bar]| {
            let (high, low) = (high(bars), low(bars));
            Some(vec![high, (high + low) / 2.0, low])
        };
        windows(&bars, period, &got, channel, bands)?;
        let got = over(Aroon::new(n(period)), bars.clone());
        let cells = |lines: AroonLines| vec![lines.down, lines.up];
        windows(&bars, period + 1, &got, |bars| Some(aroon(bars)), cells)?;
        let got = over(Ichimoku::new(n(period), n(3), n(40)), bars.clone());
        let middles = [period, 3, 40];
        for (row, lines) in got.iter().enumerate() {
            let lines = lines.unwrap_or_default();
            let got = [lines.tenkan, lines.kijun, lines.span_b];
            for (length, got) in middles.into_iter().zip(got) {
                let window = (row + 1 >= length).then(|| &bars[row + 1 - length..=row]);
                prop_assert_eq!(got, window.map(|bars| (high(bars) + low(bars)) / 2.0));
            }
        }
    }

    #[test]
    fn deviations(bars in bars(), period in 1usize..30, factor in -2.0..4.0f64) {
        let closes = || bars.iter().map(Bar::close);
        let got = over(Stddev::new(n(period), factor), closes());
        let want = |bars: &[Bar]| Some(vec![deviation(bars).1 * factor]);
        windows(&bars, period, &got, want, |value| vec![value])?;
        let got = over(Bbands::new(n(period), factor), closes());
        let want = |bars: &[Bar]| {
            let (mean, deviation) = deviation(bars);
            Some(vec![mean + deviation * factor, mean, mean - deviation * factor])
        };
        windows(&bars, period, &got, want, bands)?;
    }

    #[test]
    fn movements_and_flows(bars in bars(), period in 1usize..30) {
        let got = over(Vortex::new(n(period)), bars.clone());
        let want = |bars: &[Bar]| {
            let range = pairs(bars, |last, bar| true_range(bar, last.close()));
            let plus = pairs(bars, |last, bar| (bar.high() - last.low()).abs());
            let minus = pairs(bars, |last, bar| (bar.low() - last.high()).abs());
            Some(vec![over_or_zero(plus, range), over_or_zero(minus, range)])
        };
        let cells = |lines: VortexLines| vec![lines.plus, lines.minus];
        windows(&bars, period + 1, &got, want, cells)?;
        let one = |value: f64| vec![value];
        let got = over(Mfi::new(n(period)), bars.clone());
        windows(&bars, period + 1, &got, |bars| Some(vec![money_flow_index(bars)]), one)?;
        let got = over(Cmf::new(n(period)), bars.clone());
        let want = |bars: &[Bar]| {
            Some(vec![over_or_zero(sum(bars, accumulation), sum(bars, Bar::volume))])
        };
        windows(&bars, period, &got, want, one)?;
        let got = over(Vwma::new(n(period)), bars.clone());
        let want = |bars: &[Bar]| {
            let volume = sum(bars, Bar::volume);
            if bars.len() == 1 {
                return Some(vec![bars[0].close()]);
            }
            (volume > 0.0).then(|| vec![sum(bars, |bar| bar.close() * bar.volume()) / volume])
        };
        windows(&bars, period, &got, want, one)?;
    }

    #[test]
    fn averages_since_an_anchor(bars in bars(), open in 0u32..1440, close in 0u32..1440) {
        let day = |bar: &Bar, minutes: i64| {
            bar.time().after(Nanos::MINUTE.times(minutes)).0.div_euclid(Nanos::DAY.0)
        };
        let length = i64::from((close + 1439 - open) % 1440 + 1);
        let since = |bar: &Bar| {
            let minute = bar.time().0.div_euclid(Nanos::MINUTE.0);
            (minute - i64::from(open)).rem_euclid(1440)
        };
        type Key<'a> = &'a dyn Fn(&Bar) -> Option<i64>;
        let cases: [(Anchor, Key); 3] = [
            (Anchor::Day, &|bar| Some(day(bar, 0))),
            // The epoch was a Thursday: three days after a Monday.
            (Anchor::Week, &|bar| Some(day(bar, 3 * 1440).div_euclid(7))),
            (Anchor::Session { open, close }, &|bar| {
                (since(bar) < length).then(|| day(bar, -i64::from(open)))
            }),
        ];
        for (anchor, key) in cases {
            let got = over(Vwap::new(anchor), bars.clone());
            for (row, got) in got.into_iter().enumerate() {
                let now = key(&bars[row]);
                let span = bars[..=row].iter().filter(|bar| now.is_some() && key(bar) == now);
                let span: Vec<Bar> = span.copied().collect();
                let volume = sum(&span, Bar::volume);
                let paid = sum(&span, |bar| typical(bar) * bar.volume());
                let want = (volume > 0.0).then(|| paid / volume);
                let near = match (got, want) {
                    (Some(got), Some(want)) => (got - want).abs() <= 1e-9 * want,
                    (got, want) => got == want,
                };
                prop_assert!(near, "{anchor:?} row {row}: {got:?} is not {want:?}");
            }
        }
    }

    #[test]
    fn mirrored_prices_mirror_directions(bars in bars(), period in 1usize..20) {
        let mirror = |bar: &Bar| {
            let [open, high, low, close] =
                [bar.open(), bar.low(), bar.high(), bar.close()].map(|price| -price);
            Bar::new(bar.time(), open, high, low, close, bar.volume()).expect("a bar")
        };
        let mirrored: Vec<Bar> = bars.iter().map(mirror).collect();
        let up = over(PlusDi::new(n(period)), bars.clone());
        prop_assert_eq!(up, over(MinusDi::new(n(period)), mirrored.clone()));
        let strength = over(Adx::new(n(period)), bars.clone());
        prop_assert_eq!(strength, over(Adx::new(n(period)), mirrored));
    }

    #[test]
    fn values_read_back(bars in bars(), p in 1usize..12) {
        fn reads_back<I>(mut one: I, bars: &[Bar])
        where
            I: Indicator<Input = Bar, Output: PartialEq + std::fmt::Debug>,
        {
            assert_eq!(one.value(), None, "nothing yet");
            for bar in bars {
                let out = one.push(*bar);
                assert_eq!(one.value(), out);
            }
        }
        reads_back(PlusDi::new(n(p)), &bars);
        reads_back(MinusDi::new(n(p)), &bars);
        reads_back(Dx::new(n(p)), &bars);
        reads_back(Adx::new(n(p)), &bars);
        reads_back(Adxr::new(n(p)), &bars);
        reads_back(Supertrend::new(n(p), 2.0), &bars);
        reads_back(Sar::default(), &bars);
        reads_back(TrueRange::new(), &bars);
        reads_back(Natr::new(n(p)), &bars);
        reads_back(Donchian::new(n(p)), &bars);
        reads_back(Keltner::new(n(p), n(3), 2.0), &bars);
        reads_back(Ichimoku::new(n(p), n(3), n(7)), &bars);
        reads_back(Obv::new(), &bars);
        reads_back(Ad::new(), &bars);
        reads_back(Adosc::new(n(p), n(4)), &bars);
        reads_back(Mfi::new(n(p)), &bars);
        reads_back(Vwma::new(n(p)), &bars);
        let session = Anchor::Session { open: 60, close: 600 };
        for anchor in [Anchor::Start, Anchor::Day, Anchor::Week, session, Anchor::Bar(p as u64)] {
            reads_back(Vwap::new(anchor), &bars);
        }
    }
}

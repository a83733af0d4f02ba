//! Properties of single indicators that hold whatever the series is.

use aegis_indicators::{
    Dema, Ema, Hma, Indicator, Mom, Ppo, Roc, Rsi, Sma, Stoch, Tema, UltOsc, Wilder, Willr, Wma,
    over,
};
use aegis_types::{Bar, Nanos};
use proptest::prelude::*;
use std::num::NonZeroU32;

fn n(period: u32) -> NonZeroU32 {
    NonZeroU32::new(period).expect("at least one")
}

fn closes() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(1.0..100.0f64, 60..160)
}

/// The last value read back is the last one pushed out.
fn reads_back<I: Indicator<Output: PartialEq + std::fmt::Debug>>(
    mut one: I,
    inputs: Vec<I::Input>,
) {
    assert_eq!(one.value(), None, "nothing yet");
    for input in inputs {
        let out = one.push(input);
        if out.is_some() {
            assert_eq!(one.value(), out);
        }
    }
}

fn near(got: Option<f64>, want: f64) -> bool {
    got.is_some_and(|got| (got - want).abs() <= 1e-9 * want.abs().max(1.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windowed_averages_equal_their_definition(closes in closes(), period in 1u32..50) {
        let p = period as usize;
        let (sma, wma) =
            (over(Sma::new(n(period)), closes.clone()), over(Wma::new(n(period)), closes.clone()));
        for (at, window) in closes.windows(p).enumerate() {
            let mean = window.iter().sum::<f64>() / p as f64;
            let weighted: f64 = window.iter().zip(1..).map(|(x, w)| x * f64::from(w)).sum();
            let weights = f64::from(period * (period + 1)) / 2.0;
            prop_assert!(near(sma[at + p - 1], mean));
            prop_assert!(near(wma[at + p - 1], weighted / weights));
        }
        prop_assert!(sma[..p - 1].iter().chain(&wma[..p - 1]).all(Option::is_none));
    }

    #[test]
    fn averages_of_a_constant_are_the_constant(price in 1e-6..1e6f64, period in 1u32..20) {
        let closes = vec![price; 100];
        let last = |values: Vec<Option<f64>>| values.last().copied().flatten();
        for got in [
            last(over(Sma::new(n(period)), closes.clone())),
            last(over(Ema::new(n(period)), closes.clone())),
            last(over(Wma::new(n(period)), closes.clone())),
            last(over(Wilder::new(n(period)), closes.clone())),
            last(over(Hma::new(n(period)), closes.clone())),
            last(over(Dema::new(n(period)), closes.clone())),
            last(over(Tema::new(n(period)), closes.clone())),
        ] {
            prop_assert!(got.is_some_and(|got| (got / price - 1.0).abs() < 1e-12), "{:?}", got);
        }
        prop_assert_eq!(last(over(Rsi::new(n(period)), closes.clone())), Some(0.0));
        prop_assert_eq!(last(over(Mom::new(n(period)), closes.clone())), Some(0.0));
        prop_assert_eq!(last(over(Roc::new(n(period)), closes.clone())), Some(0.0));
    }

    #[test]
    fn rsi_stays_in_its_range_and_mirrors(closes in closes()) {
        let up = over(Rsi::new(n(14)), closes.iter().copied());
        let down = over(Rsi::new(n(14)), closes.iter().map(|close| -close));
        for (up, down) in up.into_iter().zip(down) {
            if let (Some(up), Some(down)) = (up, down) {
                prop_assert!((0.0..=100.0).contains(&up));
                prop_assert!((up + down - 100.0).abs() < 1e-9, "{up} and {down} do not mirror");
            }
        }
    }

    #[test]
    fn values_read_back(closes in closes(), period in 2u32..20) {
        let bar = |close: &f64| {
            Bar::new(Nanos::ZERO, *close, close + 2.0, close - 1.0, *close, 1.0).expect("a bar")
        };
        let bars: Vec<Bar> = closes.iter().map(bar).collect();
        reads_back(Stoch::new(n(period), n(3), n(2)), bars.clone());
        reads_back(Willr::new(n(period)), bars.clone());
        reads_back(UltOsc::new(n(period), n(3), n(5)), bars);
        reads_back(Hma::new(n(period)), closes.clone());
        reads_back(Tema::new(n(period)), closes.clone());
        reads_back(Ppo::new(n(period), n(5)), closes);
    }
}

//! Proves: every indicator equals TA-Lib's table on generated and on real candles (relative 1e-9
//! plus 1e-9 of the price scale); after `reset` it is as new; nothing depends on the future; the
//! value read back is the value pushed out.

use aegis_indicators::{Atr, Ema, Indicator, Rsi, Sma, Wilder, over, true_range};
use aegis_types::{Bar, Nanos};
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

const FOURTEEN: NonZeroU32 = NonZeroU32::new(14).unwrap();
const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// A CSV table: column names and rows; empty cells are none.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines();
        let names = lines.next().expect("a header").split(',').map(str::to_owned).collect();
        let rows = lines.map(|l| l.split(',').map(|cell| cell.parse().ok()).collect()).collect();
        Self { names, rows }
    }

    fn column(&self, name: &str) -> Vec<(usize, Option<f64>)> {
        let at = self.names.iter().position(|n| n == name).expect("column");
        self.rows.iter().map(|row| (row[0].expect("row number") as usize, row[at])).collect()
    }

    fn bars(&self) -> Vec<Bar> {
        let cell = |row: &Vec<Option<f64>>, at: usize| row[at].expect("number");
        self.rows
            .iter()
            .zip(0..)
            .map(|(row, n)| {
                let [open, high, low, close, volume] = [1, 2, 3, 4, 5].map(|at| cell(row, at));
                Bar::new(Nanos::MINUTE.times(n), open, high, low, close, volume).expect("a bar")
            })
            .collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

/// The folder of shared tables, or none where it is absent and no one insists on it.
fn shared_golden() -> Option<PathBuf> {
    let root = std::env::var_os("AEGIS_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let golden = root.join("golden");
    if golden.is_dir() {
        return Some(golden);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", golden.display());
    println!("not run: {} is missing (real candles and their tables)", golden.display());
    None
}

fn compare(name: &str, got: &[Option<f64>], want: &[(usize, Option<f64>)], price: f64) {
    let mut compared = 0;
    for (row, want) in want {
        match (got[*row], want) {
            (None, None) => {}
            (Some(got), Some(want)) => {
                let tolerance = 1e-9 * want.abs() + 1e-9 * price;
                assert!((got - want).abs() <= tolerance, "{name} row {row}: {got} is not {want}");
                compared += 1;
            }
            (got, want) => panic!("{name} row {row}: {got:?} is not {want:?}"),
        }
    }
    assert!(compared > 250, "{name}: only {compared} rows compared");
}

fn compare_all(folder: &Path, suffix: &str) {
    let table = |name: &str| Table::read(&folder.join(format!("{name}{suffix}.csv")));
    let bars = table("candles").bars();
    let closes = || bars.iter().map(|bar| bar.close());
    let price = bars.iter().map(|bar| bar.close()).sum::<f64>() / bars.len() as f64;
    let momentum = table("talib_momentum");
    let trend = table("talib_trend");
    let volatility = table("talib_volatility");
    // RSI is a ratio of prices: its scale is its own, 100.
    compare("rsi", &over(Rsi::new(FOURTEEN), closes()), &momentum.column("rsi"), 100.0);
    compare("atr", &over(Atr::new(FOURTEEN), bars.clone()), &volatility.column("atr"), price);
    compare("ema", &over(Ema::new(TWENTY), closes()), &trend.column("ema"), price);
    compare("sma", &over(Sma::new(TWENTY), closes()), &trend.column("sma"), price);
    compare("rma", &over(Wilder::new(TWENTY), closes()), &trend.column("rma"), price);
    let ranges: Vec<Option<f64>> = std::iter::once(None)
        .chain(bars.windows(2).map(|pair| Some(true_range(&pair[1], pair[0].close()))))
        .collect();
    compare("tr", &ranges, &volatility.column("tr"), price);
}

#[test]
fn equals_talib_on_generated_candles() {
    compare_all(&fixtures(), "_synth");
}

#[test]
fn equals_talib_on_real_candles() {
    if let Some(golden) = shared_golden() {
        compare_all(&golden, "");
    }
}

prop_compose! {
    fn bar()(low in 1.0..100.0, up in 0.0..10.0, open in 0.0..=1.0, close in 0.0..=1.0) -> Bar {
        let (high, open, close) = (low + up, low + up * open, low + up * close);
        Bar::new(Nanos::ZERO, open, high, low, close, up).expect("a bar")
    }
}

/// Same inputs, same bits: after reset as new, and the first n values do not know what follows.
fn stream_laws<I: Indicator<Output = f64> + Clone>(make: I, inputs: &[I::Input], cut: usize)
where
    I::Input: Clone,
{
    let bits = |values: Vec<Option<f64>>| -> Vec<Option<u64>> {
        values.into_iter().map(|v| v.map(f64::to_bits)).collect()
    };
    let whole = bits(over(make.clone(), inputs.iter().cloned()));
    let prefix = bits(over(make.clone(), inputs[..cut].iter().cloned()));
    assert_eq!(prefix, whole[..cut], "a prefix reads as the prefix of the whole");
    let mut used = make.clone();
    for input in &inputs[..cut] {
        used.push(input.clone());
    }
    used.reset();
    let again: Vec<_> = inputs
        .iter()
        .map(|input| {
            let out = used.push(input.clone());
            assert_eq!(out.map(f64::to_bits), used.value().map(f64::to_bits));
            out
        })
        .collect();
    assert_eq!(bits(again), whole, "after reset as new");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn streams_are_causal_and_reset_clean(
        bars in prop::collection::vec(bar(), 1..120),
        period in 1u32..30,
        cut in 0usize..120,
    ) {
        let cut = cut.min(bars.len());
        let period = NonZeroU32::new(period).unwrap();
        let closes: Vec<f64> = bars.iter().map(|bar| bar.close()).collect();
        stream_laws(Rsi::new(period), &closes, cut);
        stream_laws(Ema::new(period), &closes, cut);
        stream_laws(Sma::new(period), &closes, cut);
        stream_laws(Wilder::new(period), &closes, cut);
        stream_laws(Atr::new(period), &bars, cut);
    }

    #[test]
    fn rsi_stays_in_its_range_and_mirrors(
        closes in prop::collection::vec(1.0..100.0f64, 20..80),
    ) {
        let up = over(Rsi::new(FOURTEEN), closes.iter().copied());
        let down = over(Rsi::new(FOURTEEN), closes.iter().map(|close| -close));
        for (up, down) in up.into_iter().zip(down) {
            if let (Some(up), Some(down)) = (up, down) {
                prop_assert!((0.0..=100.0).contains(&up));
                prop_assert!((up + down - 100.0).abs() < 1e-9, "{up} and {down} do not mirror");
            }
        }
    }
}

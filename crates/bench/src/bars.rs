//! The candles that the detector benches read.

use crate::Options;
use crate::market;
use aegis_markets::MarketSpec;
use aegis_types::{Bar, Tick};

/// Minutes of a day.
const DAY: u32 = 1_440;

/// Bars of one symbol, and where they come from.
pub struct Bars {
    /// In time order.
    pub bars: Vec<Bar>,
    /// For the output.
    pub source: String,
    /// Seed of the generator; none for files.
    pub seed: Option<u64>,
}

/// `count` bars: of the generated market's first symbol, or of the first symbol of the files given
/// (fewer when they hold fewer).
pub fn load(opts: &Options, count: u32) -> Result<Bars, String> {
    let (mut bars, source, seed) = match &opts.data {
        None => {
            let spec = MarketSpec { symbols: 1, days: count.div_ceil(DAY), ..Default::default() };
            let source = format!("generated: one symbol, {count} one-minute candles");
            (of_first_symbol(spec.ticks()), source, Some(spec.seed))
        }
        Some(path) => {
            let loaded = market::load(opts, 0)?;
            (of_first_symbol(loaded.ticks), path.display().to_string(), None)
        }
    };
    bars.truncate(count as usize);
    if bars.len() < LEAST {
        return Err(format!(
            "the data has {} candles of its first symbol; at least {LEAST} are needed",
            bars.len()
        ));
    }
    Ok(Bars { bars, source, seed })
}

/// Fewer candles measure warm-up and little else.
const LEAST: usize = 20_000;

fn of_first_symbol(ticks: impl IntoIterator<Item = Tick>) -> Vec<Bar> {
    let candles = ticks.into_iter().filter_map(|tick| tick.candle());
    candles.filter(|candle| candle.symbol.index() == 0).map(|candle| candle.bar()).collect()
}

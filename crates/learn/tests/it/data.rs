//! Candles as test input: real files, and generated walks.

use aegis_types::{Candle, Nanos, Px, SymbolId, Timeframe};
use std::io::Read;
use std::path::{Path, PathBuf};

pub const SYMBOLS: [&str; 10] = [
    "ADAUSDT", "AVAXUSDT", "BCHUSDT", "BNBUSDT", "BTCUSDT", "ETCUSDT", "ETHUSDT", "LINKUSDT",
    "LTCUSDT", "SOLUSDT",
];

/// The folder of real minutes, or none where it is absent and no one insists on it.
fn minutes_folder() -> Option<PathBuf> {
    let root = std::env::var_os("AEGIS_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join("data/futures_1m");
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    println!("not run: {} is missing", path.display());
    None
}

/// All real minutes of a symbol.
pub fn real(symbol: &str) -> Option<Vec<Candle>> {
    let path = minutes_folder()?.join(format!("{symbol}-1m-2025-05.csv.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip text");
    let minute = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let px = |at: usize| Px::parse(cells[at].as_bytes()).expect("price");
        Candle {
            open_time: Nanos::from_millis(cells[0].parse().expect("time")),
            open: px(1),
            high: px(2),
            low: px(3),
            close: px(4),
            volume: cells[5].parse().expect("volume"),
            symbol: SymbolId(0),
            missing_minutes: 0,
            timeframe: Timeframe::M1,
        }
    };
    Some(text.lines().skip(1).map(minute).collect())
}

/// A seeded walk whose prices are multiples of 1/64, so that every difference of them is exact and
/// a mirrored walk is the same market upside down to the last bit.
pub fn walk(seed: u64, minutes: usize) -> Vec<Candle> {
    let mut state = seed;
    let mut draw = move || {
        // SplitMix64 (Steele, Lea, Flood 2014)
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let mut pick = move |n: u64| (draw() % n) as i64;
    let (mut close, mut drift, mut heat) = (MIRROR / 2, 0, 1);
    let start = Nanos::from_civil(2025, 1, 6);
    (0..minutes as i64)
        .map(|n| {
            if pick(90) == 0 {
                drift = pick(7) - 3;
                heat = 1 + pick(4);
            }
            let open = close;
            close = (open + heat * (pick(21) - 10) + drift).clamp(MIRROR / 4, MIRROR * 3 / 4);
            let high = open.max(close) + heat * pick(5);
            let low = open.min(close) - heat * pick(5);
            let volume = 10.0 + (heat * pick(20)) as f64;
            candle(start.after(Nanos::MINUTE.times(n)), [open, high, low, close], volume)
        })
        .collect()
}

/// Prices p and `MIRROR − p` (in 1/64) mirror each other.
const MIRROR: i64 = 2 * 5_000 * 64;

fn candle(open_time: Nanos, prices: [i64; 4], volume: f64) -> Candle {
    let [open, high, low, close] = prices.map(|steps| Px::from_raw(steps * 1_562_500));
    Candle {
        open_time,
        open,
        high,
        low,
        close,
        volume,
        symbol: SymbolId(0),
        missing_minutes: 0,
        timeframe: Timeframe::M1,
    }
}

/// The same market upside down.
pub fn mirrored(candles: &[Candle]) -> Vec<Candle> {
    let turn = |px: Px| Px::from_raw(MIRROR * 1_562_500 - px.raw());
    let candles = candles.iter().map(|candle| Candle {
        open: turn(candle.open),
        high: turn(candle.low),
        low: turn(candle.high),
        close: turn(candle.close),
        ..*candle
    });
    candles.collect()
}

/// The mirror of a price.
pub fn mirror(price: f64) -> f64 {
    (MIRROR / 64) as f64 - price
}

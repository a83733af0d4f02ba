//! The command line of `aegis data`.

use crate::args::Settings;
use aegis_data::TimeUnit;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
pub struct Data {
    #[command(subcommand)]
    pub what: DataCommand,
}

#[derive(Subcommand)]
pub enum DataCommand {
    /// Fetches files of the exchange's public archive: verified, resumable, several at a time.
    #[command(
        after_help = "Examples:\n  aegis data fetch BTCUSDT ETH/USDT --from 2025-05\n  aegis \
        data fetch BTCUSDT --type aggTrades --from 2025-05-01 --to 2025-05-03 --out \
        ticks/\n  aegis data fetch SOLUSDT --type markPriceKlines --interval 1m,1h \
        --from 2025-01 --to 2025-06\n\n\
        Exit code 0 when every file is here, 1 when some are missing or failed: the same call goes \
        on where this one ended."
    )]
    Fetch(Fetch),
    /// Candles of other programs into the layout that --data reads; nothing is repaired.
    #[command(after_help = "Examples:\n  aegis data import BTCUSDT-1m.csv\n  aegis data import \
        export.csv --symbol BTC/USDT --time-unit s --sort --dedup --out candles/\n\nExit code 1 \
        when rows are refused; nothing is written then.")]
    Import(Import),
    /// Checks data files row by row: what is missing, doubled, out of order or impossible.
    #[command(after_help = "Examples:\n  aegis data verify candles/\n  aegis data verify \
        BTCUSDT-aggTrades-2025-05-01.zip --json\n\nExit code 1 when something cannot be right.")]
    Verify(Verify),
    /// What data files hold: rows, times, gaps, sizes, grids.
    #[command(after_help = "Examples:\n  aegis data info candles/\n  aegis data info candles/ \
        --json")]
    Info(Info),
}

#[derive(Args)]
pub struct Fetch {
    /// Symbols, such as BTCUSDT or BTC/USDT.
    #[arg(value_name = "SYMBOL")]
    pub names: Vec<String>,
    /// The same, by commas.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// klines, fundingRate, markPriceKlines, indexPriceKlines, premiumIndexKlines, aggTrades,
    /// trades, bookTicker, bookDepth, metrics.
    #[arg(
        long = "type",
        alias = "types",
        value_delimiter = ',',
        value_name = "SERIES",
        default_value = "klines,fundingRate"
    )]
    pub series: Vec<String>,
    /// Candle lengths, 1m to 1mo.
    #[arg(
        long = "interval",
        alias = "intervals",
        value_delimiter = ',',
        value_name = "LENGTH",
        default_value = "1m"
    )]
    pub intervals: Vec<String>,
    /// First month or day: YYYY-MM or YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub from: String,
    /// Last month or day, included; yesterday without it.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Folder for the files; the folder `data` of AEGIS_HOME without it.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Files at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub jobs: u8,
    /// Attempts in a row without a byte, with growing waits between, until a file is given up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100),
          value_name = "N")]
    pub attempts: u32,
    /// Fetches again what is there already.
    #[arg(long)]
    pub force: bool,
    /// Base of the archive; the setting data.archive_url without it.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: Settings,
}

#[derive(Args)]
pub struct Import {
    /// Candle files of one symbol: CSV, plain, gzip or zip.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Whose candles they are; by the files' names without it.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Folder for the file; the folder `data` of AEGIS_HOME without it.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How times are written: auto (ms, µs or text), s, ms, us or ns.
    #[arg(long, default_value = "auto", value_name = "UNIT", value_parser = time_unit)]
    pub time_unit: TimeUnit,
    /// Leaves out rows that repeat another one exactly.
    #[arg(long)]
    pub dedup: bool,
    /// Puts the rows in the order of their times.
    #[arg(long)]
    pub sort: bool,
    /// Leaves out rows that cannot be true.
    #[arg(long)]
    pub skip_bad: bool,
    /// Writes over a file of the same name.
    #[arg(long)]
    pub force: bool,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
}

fn time_unit(text: &str) -> Result<TimeUnit, String> {
    Ok(match text {
        "auto" => TimeUnit::Auto,
        "s" => TimeUnit::Seconds,
        "ms" => TimeUnit::Milliseconds,
        "us" | "µs" => TimeUnit::Microseconds,
        "ns" => TimeUnit::Nanoseconds,
        _ => return Err("not one of auto, s, ms, us, ns".to_owned()),
    })
}

#[derive(Args)]
pub struct Verify {
    /// Data files, or folders with all folders in them; the folder `data` of AEGIS_HOME without it.
    #[arg(value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// Tells moves of more than this share from one row to the next.
    #[arg(long, default_value_t = 0.1, value_parser = positive, value_name = "SHARE")]
    pub outlier: f64,
    /// Tells so many candles in a row without a trade.
    #[arg(long, default_value_t = 60, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub quiet_candles: u64,
    /// Lines shown of each problem in each file; all are counted.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: Settings,
}

fn positive(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| share.is_finite() && *share > 0.0);
    share.ok_or_else(|| "not a number above 0".to_owned())
}

#[derive(Args)]
pub struct Info {
    /// Data files, or folders with all folders in them; the folder `data` of AEGIS_HOME without it.
    #[arg(value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
}

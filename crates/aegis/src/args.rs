//! The command line.

use aegis_node::pace::Speed;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A self-running crypto-futures trading engine you can check.
#[derive(Parser)]
#[command(name = "aegis", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// The whole system on generated or recorded markets, with simulated orders.
    #[command(after_help = "Examples:\n  aegis demo\n  aegis demo --data candles/ --symbols \
        BTCUSDT,ETHUSDT --days 7\n  aegis demo --headless --speed max --json")]
    Demo(Demo),
    /// The system as configured. This version runs recorded files.
    #[command(after_help = "Example:\n  aegis run --data candles/ --speed real")]
    Run(Run),
    /// The feed process alone (started by demo and run).
    #[command(after_help = "Example:\n  aegis feed --run ~/.aegis/sessions/ID-001")]
    Feed(Feed),
    /// The brain process alone (started by demo and run).
    #[command(after_help = "Example:\n  aegis brain --run ~/.aegis/sessions/ID-001")]
    Brain(Brain),
    /// Checks everything and says GO or NO-GO (exit 0 or 3).
    #[command(after_help = "Examples:\n  aegis audit\n  aegis audit --json\n  aegis audit --for \
        live --out audit.md")]
    Audit(Audit),
    /// Data through the engine and the simulated exchange, as fast as it goes.
    #[command(after_help = "Examples:\n  aegis backtest --data candles/ --days 14\n  aegis \
        backtest --json --journal /tmp/journal")]
    Backtest(Backtest),
    /// Applies a journal again and compares every order.
    #[command(after_help = "Example:\n  aegis replay ~/.aegis/sessions/ID-001/journal --json")]
    Replay(Replay),
    /// Read models.
    #[command(after_help = "Examples:\n  aegis store rebuild ~/.aegis/sessions/ID-001\n  aegis \
        store dump ID")]
    Store(Store),
    /// Effective settings, and their check.
    #[command(after_help = "Examples:\n  aegis config show\n  aegis config check\n  aegis config \
        example > aegis.toml")]
    Config(Config),
    /// Signs a query with the secret in BINANCE_API_SECRET.
    #[command(after_help = "Example:\n  BINANCE_API_SECRET=… aegis sign \
        'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5'")]
    Sign(Sign),
    /// The project's own measurements.
    #[command(after_help = "Examples:\n  aegis bench ring --json\n  aegis bench ring --soak")]
    Bench(Bench),
    /// The second process of a measurement.
    #[command(hide = true)]
    BenchChild(BenchChild),
    /// The second process of the audit.
    #[command(hide = true)]
    AuditChild(BenchChild),
    /// How the running system is (exit 1 when not well).
    #[command(after_help = "Example:\n  aegis status --json")]
    Status(Operate),
    /// No new entries; positions are managed on.
    #[command(after_help = "Example:\n  aegis pause")]
    Pause(Operate),
    /// Entries again.
    #[command(after_help = "Example:\n  aegis resume")]
    Resume(Operate),
    /// Closes every position at the market; entries stay paused.
    #[command(after_help = "Example:\n  aegis flatten")]
    Flatten(Operate),
    /// No new entries until a new session.
    #[command(after_help = "Example:\n  aegis halt")]
    Halt(Operate),
}

/// Which data.
#[derive(Args, Clone)]
pub struct Data {
    /// Candle files, or folders of SYMBOL-1m*.csv[.gz|.zip]; generated markets without it.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE")]
    pub data: Vec<PathBuf>,
    /// Symbols, such as BTCUSDT or BTC/USDT; all by default.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// Trade so many days from the first minute all symbols have; earlier rows warm up.
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"],
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Trade from here: YYYY-MM-DD[ HH:MM:SS] UTC, or ms since the epoch.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Stop before here.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// exchangeInfo (and leverageBracket) JSON with the instruments.
    #[arg(long, value_name = "FILE")]
    pub instruments: Option<PathBuf>,
    /// Seed of the generated markets.
    #[arg(long, value_name = "SEED")]
    pub market_seed: Option<u64>,
}

/// Where settings come from.
#[derive(Args, Clone)]
pub struct Settings {
    /// Settings file; ./aegis.toml when there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, above file and environment; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How log lines are written: text or json.
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    pub log_format: Option<String>,
    /// ERROR, WARN, INFO, DEBUG or TRACE.
    #[arg(long, value_name = "LEVEL", ignore_case = true,
          value_parser = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"])]
    pub log_level: Option<String>,
}

/// How a run of recorded or generated data goes.
#[derive(Args, Clone)]
pub struct Pacing {
    /// max, real, or so many times real time.
    #[arg(long)]
    pub speed: Option<Speed>,
    /// Continues the unfinished session of the same data and settings.
    #[arg(long)]
    pub resume: bool,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub pacing: Pacing,
    /// No live table; speed max unless given.
    #[arg(long)]
    pub headless: bool,
}

#[derive(Args)]
pub struct Run {
    /// sim, local, testnet or binance.
    #[arg(long, default_value = "sim", value_parser = ["sim", "local", "testnet", "binance"])]
    pub venue: String,
    /// Allows real orders, together with `live = true`.
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub demo: Demo,
}

/// What both children need.
#[derive(Args)]
pub struct Child {
    /// Run folder with session.json.
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Takes orders on stdin and reports on stdout.
    #[arg(long)]
    pub supervised: bool,
    /// Level of log lines.
    #[arg(long, default_value = "INFO")]
    pub log_level: String,
    /// text or json.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
    /// Said in every log line.
    #[arg(long, default_value = "development")]
    pub environment: String,
    /// Log file; stderr without it.
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Feed {
    #[command(flatten)]
    pub child: Child,
    /// First fact of the source to publish.
    #[arg(long, default_value_t = 0)]
    pub position: u64,
    /// max, real, or so many times real time.
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// Slots of the ring, a power of two.
    #[arg(long, default_value_t = 16_384)]
    pub slots: usize,
}

#[derive(Args)]
pub struct Brain {
    #[command(flatten)]
    pub child: Child,
    /// How to wait on an empty ring.
    #[arg(long, default_value = "adaptive", value_parser = ["adaptive", "spin", "sleep"])]
    pub wait: String,
    /// Rows that may wait for the database.
    #[arg(long, default_value_t = 100_000)]
    pub store_rows: usize,
}

#[derive(Args)]
pub struct Audit {
    #[command(flatten)]
    pub settings: Settings,
    /// What the verdict is for: sim (default) or live.
    #[arg(long = "for", value_name = "MODE", default_value = "sim", value_parser = ["sim", "live"])]
    pub purpose: String,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Writes the report as Markdown.
    #[arg(long, value_name = "FILE.md")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Backtest {
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub settings: Settings,
    /// Writes a journal into this new folder.
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
    /// Taken for the sake of one command line with demo; a backtest never has a page.
    #[arg(long, hide = true)]
    pub headless: bool,
    /// Taken for the sake of one command line with demo; a backtest always runs at max.
    #[arg(long, hide = true)]
    pub speed: Option<Speed>,
}

#[derive(Args)]
pub struct Replay {
    /// Journal folder, or a session's folder.
    pub journal: PathBuf,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Prints every record as a line of text.
    #[arg(long)]
    pub print: bool,
    /// Stops before the record of this number.
    #[arg(long, value_name = "RECORD")]
    pub until: Option<u64>,
}

#[derive(Args)]
pub struct Store {
    #[command(subcommand)]
    pub what: StoreCommand,
}

#[derive(Subcommand)]
pub enum StoreCommand {
    /// Writes the rows of a journal into the database.
    #[command(after_help = "Example:\n  aegis store rebuild ~/.aegis/sessions/ID-001")]
    Rebuild {
        /// Journal folder, or a session's folder.
        journal: PathBuf,
        /// One JSON object on stdout.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Prints the rows of a session, one a line, in an order that does not depend on the database.
    #[command(after_help = "Example:\n  aegis store dump ID")]
    Dump {
        /// The session's id (16 hex digits).
        session: String,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    pub what: ConfigCommand,
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Every effective value with its origin; secrets masked.
    #[command(after_help = "Example:\n  aegis config show --json")]
    Show {
        #[command(flatten)]
        settings: Settings,
        /// One JSON array on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Only checks; exit 2 when something is wrong.
    #[command(after_help = "Example:\n  aegis config check --require-keys")]
    Check {
        #[command(flatten)]
        settings: Settings,
        /// Keys must be there and well-formed.
        #[arg(long)]
        require_keys: bool,
    },
    /// Prints an aegis.toml with every setting at its default.
    #[command(after_help = "Example:\n  aegis config example > aegis.toml")]
    Example,
}

#[derive(Args)]
pub struct Sign {
    /// The query, in the order in which it is to be signed.
    pub query: String,
    /// Time to sign with, ms since the epoch; now without it.
    #[arg(long, value_name = "MS")]
    pub timestamp: Option<i64>,
}

const BENCHES: [&str; 8] =
    ["ring", "wire", "sign", "engine", "backtest", "startup", "memory", "all"];

/// Seconds that a measurement can take.
fn seconds(text: &str) -> Result<f64, String> {
    let range = 0.01..=3_600.0;
    let seconds = text.parse().ok().filter(|seconds| range.contains(seconds));
    seconds.ok_or_else(|| "not a number of seconds from 0.01 to 3600".to_owned())
}

#[derive(Args)]
pub struct Bench {
    /// ring, wire, sign, engine, backtest, startup, memory or all.
    #[arg(value_parser = BENCHES)]
    pub name: String,
    /// JSON objects, one a line.
    #[arg(long)]
    pub json: bool,
    /// Runs the long form: for the ring, 1,000 SIGKILLs.
    #[arg(long)]
    pub soak: bool,
    /// Seconds to measure for.
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// Recorded candles for the benches that take them; generated ones without it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Args)]
pub struct BenchChild {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

#[derive(Args)]
pub struct Operate {
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

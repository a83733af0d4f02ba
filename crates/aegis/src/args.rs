//! The command line.

use crate::smc::DetectorName;
use crate::table::Form;
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
    /// The system as configured: on recorded files, on an exchange's market with simulated orders
    /// (sim, the default), on a simulated exchange (local), its demo (testnet), or for real.
    #[command(after_help = "Examples:\n  aegis run --data candles/ --speed real\n  aegis run \
        --symbols BTCUSDT,ETHUSDT\n  BINANCE_API_KEY=demo BINANCE_API_SECRET=demo aegis run \
        --venue local --exchange-url http://127.0.0.1:8080\n  aegis run --venue binance --live")]
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
    /// The journal's files: verify, migrate.
    #[command(after_help = "Examples:\n  aegis journal verify ~/.aegis/sessions/ID-001\n  aegis \
        journal migrate ~/.aegis/sessions/ID-001")]
    Journal(crate::journal::Journal),
    /// Market data files: fetch, import, verify, info.
    #[command(after_help = "Example:\n  aegis data fetch BTCUSDT --from 2025-05")]
    Data(crate::data::args::Data),
    /// The simulated exchange on the wire: REST, streams and WebSocket API on one port.
    #[command(
        after_help = "Examples:\n  aegis exchange --generate 7 --speed real\n  aegis exchange \
        --data candles/ --symbols BTCUSDT,ETHUSDT --speed 60 --listen 127.0.0.1:8080\n  aegis \
        exchange --data recorded.raw.gz --start 2024-08-08\n  aegis exchange --generate 7 --speed \
        step --account key=K,secret=S,balance=10000\n\nWithout --account there is one: key demo, \
        secret demo, 10000 USDT. When it is ready, one JSON line\nsays where it listens. \
        docs/exchange.md tells the rest."
    )]
    Exchange(Exchange),
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
    /// Indicators of a candle file, a row a candle.
    #[command(after_help = "Examples:\n  aegis indicators BTCUSDT-1h.csv 'rsi(9)' 'macd(8,21,5)' \
        'bbands(34,2.5)'\n  zcat candles.csv.gz | aegis indicators - rsi --out json\n  aegis \
        indicators --list")]
    Indicators(Indicators),
    /// Market structure of a candle file: live events, the record of one detector, a picture.
    #[command(
        after_help = "Examples:\n  aegis smc BTCUSDT-15m.csv --swing-length 10\n  aegis smc \
        BTCUSDT-15m.zip --detector bos_choch --swing-length 5 --compat\n  tail -f live.csv | aegis \
        smc -\n  aegis smc BTCUSDT-15m.csv --chart picture.html --last 300"
    )]
    Smc(Smc),
    /// The project's own measurements.
    #[command(after_help = "Examples:\n  aegis bench ring --json\n  aegis bench ring --soak")]
    Bench(Bench),
    /// Real processes under real faults: what the system believes in the end is what is true.
    #[command(after_help = "Examples:\n  aegis chaos --rounds 200\n  aegis chaos --rounds 1 \
        --seed 17 --keep\n  aegis chaos --only reply_cut,sigkill_brain --json\n  aegis chaos \
        --kills 500")]
    Chaos(crate::chaos::Chaos),
    /// The whole system in one thread from one seed, under drawn faults, with sixteen invariants
    /// looked at after every step (exit 1 on a violation).
    #[command(after_help = "Examples:\n  aegis torture --seeds 1..1000 --hours 6 --json\n  aegis \
        torture --seed 17 --trace\n  aegis torture --faults help")]
    Torture(crate::torture::Torture),
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
    /// Kill switch: kills the brain, takes entries back at the exchange, closes positions if asked.
    #[command(after_help = "Examples:\n  aegis kill\n  aegis kill --flatten --json\n\nTwo other \
        ways do the same: a file KILL in AEGIS_HOME (content `flatten` closes positions, too),\n\
        and SIGUSR1 (SIGUSR2 with closing) to the first process. No run starts afterwards\n\
        without --lift-fence.")]
    Kill(Kill),
    /// What a person has to know; by default what waits to be acknowledged.
    #[command(after_help = "Examples:\n  aegis alerts\n  aegis alerts --all --json")]
    Alerts(Alerts),
    /// Says that alerts were seen.
    #[command(after_help = "Examples:\n  aegis ack 7\n  aegis ack all")]
    Ack(Ack),
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
    /// Facts and orders go through sockets to a simulated exchange of its own, which is stepped.
    #[arg(long, conflicts_with = "resume")]
    pub wire: bool,
    /// Takes away what the kill switch left (fence, KILL) and starts.
    #[arg(long)]
    pub lift_fence: bool,
    /// Starts only if this program's SHA-256 begins so, as deploy.expect_build.
    #[arg(long, value_name = "HASH")]
    pub expect_build: Option<String>,
}

#[derive(Args)]
pub struct Run {
    /// sim, local, testnet or binance.
    #[arg(long, default_value = "sim", value_parser = ["sim", "local", "testnet", "binance"])]
    pub venue: String,
    /// Allows real orders, together with `live = true`.
    #[arg(long)]
    pub live: bool,
    /// REST base of the exchange, where it is not the venue's own: `aegis exchange` prints it.
    #[arg(long, value_name = "URL")]
    pub exchange_url: Option<String>,
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
    /// A live source: candles from here on are fetched first, ms since the epoch.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub since: i64,
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
    /// How fast a stepped exchange is stepped: max, real, or so many times real time.
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// Rows that may wait for the database.
    #[arg(long, default_value_t = 100_000)]
    pub store_rows: usize,
    /// `aegis run` has decided that orders go to the exchange.
    #[arg(long, hide = true)]
    pub armed: bool,
    /// Lock of the account, to be held while this brain lives.
    #[arg(long, hide = true, value_name = "FILE")]
    pub claim: Option<PathBuf>,
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
pub struct Exchange {
    /// Candle files, files of recorded frames (.raw.gz), or folders of either; generated markets
    /// without it.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE")]
    pub data: Vec<PathBuf>,
    /// Generates the markets from this seed.
    #[arg(long, value_name = "SEED", conflicts_with = "data")]
    pub generate: Option<u64>,
    /// The market of a run of ours, by its folder.
    #[arg(long, value_name = "DIR", hide = true, conflicts_with_all = ["data", "generate"])]
    pub session: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one. Loopback only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// real, so many times real time, max, or step (by POST /sim/v1/step).
    #[arg(long, default_value = "real")]
    pub speed: aegis_venue::server::Speed,
    /// An account: key=K,secret=S[,balance=10000][,withdraw=true][,pubkey=FILE]; may be repeated.
    #[arg(long = "account", value_name = "KEY=VALUE,…")]
    pub accounts: Vec<String>,
    /// Every stream on every URL, for clients that use addresses without a route.
    #[arg(long)]
    pub lenient_routes: bool,
    /// Key of every random draw.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where the market begins: YYYY-MM-DD[ HH:MM:SS] UTC, or ms since the epoch. By default 1500
    /// minutes after the first instant that all symbols share, half-way through shorter data. What
    /// is before is history.
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Symbols, such as BTCUSDT or BTC/USDT; all by default. Of generated markets also how many.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// exchangeInfo (and leverageBracket) JSON with the instruments.
    #[arg(long, value_name = "FILE")]
    pub instruments: Option<PathBuf>,
    /// So many days from the first minute that all symbols have.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Mean slippage of a market order on candle data, in basis points.
    #[arg(long, value_name = "BPS", default_value_t = 0.5)]
    pub slippage: f64,
    /// ERROR, WARN, INFO, DEBUG or TRACE.
    #[arg(long, value_name = "LEVEL", default_value = "INFO", ignore_case = true,
          value_parser = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"])]
    pub log_level: String,
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
    /// Begins behind the newest snapshot instead of the first record.
    #[arg(long, conflicts_with = "print")]
    pub from_snapshot: bool,
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

#[derive(Args)]
pub struct Indicators {
    /// Candles: time,open,high,low,close,volume or the exchange's rows, plain, gzip or zip; - reads
    /// stdin.
    #[arg(required_unless_present = "list")]
    pub file: Option<PathBuf>,
    /// What to compute, such as 'rsi(9)', or macd with its default parameters.
    #[arg(value_name = "NAME(P,…)")]
    pub calls: Vec<String>,
    /// How rows are written.
    #[arg(long, value_enum, value_name = "FORM", default_value = "csv")]
    pub out: Form,
    /// Prints every name with parameters, defaults and output columns.
    #[arg(long)]
    pub list: bool,
}

#[derive(Args)]
pub struct Smc {
    /// Candles: time,open,high,low,close,volume or the exchange's rows, plain, gzip or zip; - reads
    /// stdin.
    pub file: PathBuf,
    /// The record of one detector; live events without it.
    #[arg(long, value_enum, value_name = "NAME")]
    pub detector: Option<DetectorName>,
    /// Bars after a swing until it is confirmed [default: 50].
    #[arg(long, value_name = "L", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub swing_length: Option<u32>,
    /// A level breaks by a close (the default of bos_choch).
    #[arg(long, conflicts_with = "wick")]
    pub close: bool,
    /// A level breaks by a wick (the default of ob).
    #[arg(long)]
    pub wick: bool,
    /// Joins neighbouring gaps of one side.
    #[arg(long)]
    pub join: bool,
    /// How near equal highs lie, as a share of the price range [default: 0.01].
    #[arg(long, value_name = "SHARE", value_parser = share,
          allow_negative_numbers = true)]
    pub range_percent: Option<f64>,
    /// Period of the previous high and low, such as 15min, 1h, 4h, 1D, W, ME [default: 1D].
    #[arg(long, value_name = "PERIOD")]
    pub timeframe: Option<String>,
    /// Session or kill zone by name, or a window HH:MM-HH:MM.
    #[arg(long, value_name = "NAME|HH:MM-HH:MM")]
    pub session: Option<String>,
    /// Clock of a window HH:MM-HH:MM: new_york (the default) or utc.
    #[arg(long, value_name = "ZONE", value_parser = ["new_york", "utc"])]
    pub zone: Option<String>,
    /// Equal to smartmoneyconcepts 0.0.27, cell for cell.
    #[arg(long)]
    pub compat: bool,
    /// How the record is written: csv (the default) or json.
    #[arg(long, value_enum, value_name = "FORM")]
    pub out: Option<Form>,
    /// Swing length of the internal structure.
    #[arg(long, value_name = "L", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub internal_length: Option<u32>,
    /// Candles of a second symbol that moves with this one: tells SMT divergences too.
    #[arg(long, value_name = "FILE")]
    pub smt: Option<PathBuf>,
    /// Which concepts speak in live events, by name; structure always does.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub concepts: Vec<String>,
    #[command(flatten)]
    pub chart: Chart,
}

/// A picture of the live events.
#[derive(Args)]
pub struct Chart {
    /// Draws the candles with what was found on them; .html can be zoomed, .svg cannot.
    #[arg(long, value_name = "FILE.html|FILE.svg")]
    pub chart: Option<PathBuf>,
    /// First bar shown: its number from 0, or a time as in the file.
    #[arg(long, value_name = "BAR|TIME", requires = "chart")]
    pub from: Option<String>,
    /// First bar not shown any more.
    #[arg(long, value_name = "BAR|TIME", requires = "chart")]
    pub to: Option<String>,
    /// Shows so many bars before --to, or before the end.
    #[arg(long, value_name = "N", requires = "chart", conflicts_with = "from",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub last: Option<u32>,
    /// What is drawn on the candles, by name; everything by default.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…", requires = "chart")]
    pub layers: Vec<String>,
    /// Pixels, such as 1600x900.
    #[arg(long, value_name = "WxH", requires = "chart", value_parser = size)]
    pub size: Option<(u32, u32)>,
    /// light or dark; as the viewer prefers by default.
    #[arg(long, value_name = "THEME", requires = "chart", value_parser = ["auto", "light", "dark"])]
    pub theme: Option<String>,
    /// As documents show one concept: 640x320, 80 bars, few labels.
    #[arg(long, requires = "chart")]
    pub small: bool,
}

/// Width and height in pixels.
fn size(text: &str) -> Result<(u32, u32), String> {
    let pixels = |text: &str, least: u32| {
        text.trim().parse().ok().filter(|pixels: &u32| (least..=8192).contains(pixels))
    };
    let size = text.split_once('x').and_then(|(w, h)| Some((pixels(w, 160)?, pixels(h, 120)?)));
    size.ok_or_else(|| "not WIDTHxHEIGHT from 160x120 to 8192x8192".to_owned())
}

/// A finite share from 0 on.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| share.is_finite() && *share >= 0.0);
    share.ok_or_else(|| "not a finite number from 0 on".to_owned())
}

const BENCHES: [&str; 15] = [
    "ring",
    "wire",
    "sign",
    "indicators",
    "smc",
    "engine",
    "backtest",
    "book",
    "feed",
    "startup",
    "memory",
    "wire-to-wire",
    "kill-switch",
    "endurance",
    "all",
];

/// Seconds that a measurement can take.
fn seconds(text: &str) -> Result<f64, String> {
    let range = 0.01..=3_600.0;
    let seconds = text.parse().ok().filter(|seconds| range.contains(seconds));
    seconds.ok_or_else(|| "not a number of seconds from 0.01 to 3600".to_owned())
}

#[derive(Args)]
pub struct Bench {
    /// ring, wire, sign, indicators, smc, engine, backtest, book, feed, startup, memory,
    /// wire-to-wire or all.
    #[arg(value_parser = BENCHES)]
    pub name: String,
    /// JSON objects, one a line.
    #[arg(long)]
    pub json: bool,
    /// Runs the long form: for the ring, 1,000 SIGKILLs; for the feed, a steady rate for so long.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600",
          value_parser = seconds)]
    pub soak: Option<f64>,
    /// Seconds to measure for.
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// Rounds of each way of the kill switch and each state of the brain.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// Recorded candles for the benches that take them; generated ones without it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A Python that has the peers of `indicators` and `smc` (TA-Lib, smartmoneyconcepts): they are
    /// timed in the same run.
    #[arg(long, value_name = "PYTHON")]
    pub peer: Option<PathBuf>,
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

#[derive(Args)]
pub struct Kill {
    /// Closes every position in the session's symbols, too.
    #[arg(long)]
    pub flatten: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Alerts {
    /// Every alert, also acknowledged ones and those that need no answer.
    #[arg(long)]
    pub all: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Ack {
    /// Numbers of alerts, or all.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

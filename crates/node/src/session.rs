//! Prepares a session: settings and data in, the journal's header and a stream of facts out.

use crate::home::write_whole;
use crate::{Failure, live};
use aegis_backtest::{Market, Session};
use aegis_data::{DataArgs, Dataset, FirewallConfig};
use aegis_markets::MarketSpec;
use aegis_settings::Settings;
use aegis_types::{Nanos, SymbolId, SymbolTable, Tick, exchange_name};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The commit this program was built from.
pub const COMMIT: &str = env!("AEGIS_COMMIT");

/// Beside `session.json`: where live facts come from. Addresses and ports change nothing of what
/// the session is, so they are not in it.
const SOURCE: &str = "source.json";

/// Where a session's facts come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manifest {
    /// Files of recorded candles.
    Recorded(Dataset),
    /// The seeded generator; never presented as real.
    Generated(Generated),
    /// An exchange on the wire.
    Live(live::Source),
}

/// A generated market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// Seed.
    pub seed: u64,
    /// How many symbols the generator makes.
    pub symbols: u16,
    /// Days.
    pub days: u32,
    /// Strength of the planted edge; 0 for none.
    pub edge: f64,
    /// Also one derived book update a minute.
    #[serde(default)]
    pub books: bool,
    /// The symbols that were asked for; all when empty.
    pub chosen: Vec<String>,
}

impl Generated {
    fn spec(&self) -> MarketSpec {
        MarketSpec {
            seed: self.seed,
            symbols: self.symbols,
            days: self.days,
            edge: self.edge,
            books: self.books,
            ..MarketSpec::default()
        }
    }
}

/// A stream of facts in the order in which they happened.
pub enum Facts {
    /// From files, past the data firewall.
    Recorded(Box<aegis_data::Ticks>),
    /// From the generator.
    Generated(Box<dyn Iterator<Item = Tick> + Send>),
}

impl Iterator for Facts {
    type Item = Result<Tick, aegis_data::DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Recorded(ticks) => ticks.next(),
            Self::Generated(ticks) => ticks.next().map(Ok),
        }
    }
}

impl Facts {
    /// What the data firewall refused so far; nothing for generated facts.
    pub fn refusals(&self) -> aegis_data::Refusals {
        match self {
            Self::Recorded(ticks) => ticks.refusals().clone(),
            Self::Generated(_) => aegis_data::Refusals::default(),
        }
    }
}

/// What is asked of a session.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Files and folders; empty for generated markets.
    pub data: Vec<PathBuf>,
    /// Symbols as users write them; empty for all.
    pub symbols: Vec<String>,
    /// A file in the exchange's format.
    pub instruments: Option<PathBuf>,
    /// First instant to trade.
    pub from: Option<Nanos>,
    /// First instant not to trade any more.
    pub to: Option<Nanos>,
    /// Days to trade.
    pub days: Option<u32>,
}

/// Finds the data and builds the session that runs on it.
///
/// # Errors
/// When data, symbols or instruments are not as they should be (exit 1 or 2).
pub fn prepare(settings: &Settings, wanted: &Wanted) -> Result<Session, Failure> {
    let manifest = if wanted.data.is_empty() {
        generated(settings, wanted)?
    } else {
        let args = DataArgs {
            paths: wanted.data.clone(),
            symbols: wanted.symbols.clone(),
            instruments: wanted.instruments.clone(),
            from: wanted.from,
            to: wanted.to,
            days: wanted.days,
        };
        Manifest::Recorded(
            aegis_data::discover_with(&args, firewall(settings)).map_err(data_failure)?,
        )
    };
    let data = serde_json::to_value(&manifest)
        .map_err(|e| Failure::failed(format!("the data manifest cannot be written: {e}"), ""))?;
    let market = match &manifest {
        Manifest::Recorded(set) => Market { manifest: data, ..Market::of_dataset(set) },
        Manifest::Generated(generated) => generated_market(generated, data)?,
        Manifest::Live(source) => return Err(not_recorded(source)),
    };
    Ok(Session::new(settings, market, COMMIT))
}

fn firewall(settings: &Settings) -> FirewallConfig {
    let limits = settings.firewall();
    FirewallConfig { jump_factor: limits.jump_factor, jump_window: limits.jump_window }
}

fn generated_market(generated: &Generated, manifest: serde_json::Value) -> Result<Market, Failure> {
    let spec = generated.spec();
    let (symbols, map) = chosen(generated)?;
    let mut instruments = spec.instruments();
    instruments.retain(|i| map[i.symbol.index()].is_some());
    for instrument in &mut instruments {
        instrument.symbol = map[instrument.symbol.index()].unwrap_or_default();
    }
    Ok(Market {
        symbols,
        instruments,
        trade_from: spec.start,
        until: spec.start.after(Nanos::DAY.times(i64::from(spec.days))),
        assumptions: vec![
            format!("generated market (seed {}): no price here is real", generated.seed),
            "mark price = last price".to_owned(),
        ],
        mark_is_last: true,
        manifest,
    })
}

/// How much time the session trades.
pub fn span(session: &Session) -> Nanos {
    session.until.since(session.trade_from)
}

/// About how many facts the session has: two a minute and symbol.
pub fn fact_estimate(session: &Session) -> u64 {
    let minutes = span(session).0.max(0) / Nanos::MINUTE.0;
    2 * minutes.unsigned_abs() * session.symbols.len() as u64
}

fn generated(settings: &Settings, wanted: &Wanted) -> Result<Manifest, Failure> {
    if wanted.from.is_some() || wanted.to.is_some() {
        return Err(Failure::usage(
            "--from and --to choose a part of recorded data, and there is no --data",
            "give --data, or use --days for generated markets",
        ));
    }
    let market = settings.market();
    let generated = Generated {
        seed: market.seed,
        symbols: market.symbols,
        days: wanted.days.unwrap_or(market.days),
        edge: market.edge,
        books: market.books,
        chosen: wanted.symbols.iter().map(|s| exchange_name(s)).collect(),
    };
    chosen(&generated)?;
    Ok(Manifest::Generated(generated))
}

/// The table of the chosen symbols, and each generated id's place in it.
fn chosen(generated: &Generated) -> Result<(SymbolTable, Vec<Option<SymbolId>>), Failure> {
    let all = generated.spec().symbol_table();
    let unknown = generated.chosen.iter().find(|name| all.id(name).is_none());
    if let Some(name) = unknown {
        return Err(Failure::usage(
            format!("symbol {name} is not among the generated markets"),
            format!("choose among {}", all.names().join(", ")),
        ));
    }
    let wanted = |name: &String| generated.chosen.is_empty() || generated.chosen.contains(name);
    let table = SymbolTable::new(all.names().iter().filter(|name| wanted(name)))
        .map_err(|e| Failure::usage(e.to_string(), ""))?;
    let map = all.names().iter().map(|name| table.id(name)).collect();
    Ok((table, map))
}

/// Opens the facts of a session, from the first one.
///
/// # Errors
/// When a file cannot be opened.
pub fn facts(session: &Session) -> Result<Facts, Failure> {
    let manifest: Manifest = serde_json::from_value(session.data.clone()).map_err(|e| {
        Failure::failed(
            format!("the session's data manifest cannot be read: {e}"),
            "the session was written by another version; start a new one",
        )
    })?;
    match manifest {
        Manifest::Recorded(set) => {
            aegis_data::open(&set).map(|t| Facts::Recorded(Box::new(t))).map_err(data_failure)
        }
        Manifest::Generated(generated) => {
            let (_, map) = chosen(&generated)?;
            let ticks = generated.spec().ticks().filter_map(move |tick| {
                let symbol = map[tick.symbol.index()]?;
                Some(Tick { symbol, ..tick })
            });
            Ok(Facts::Generated(Box::new(ticks)))
        }
        Manifest::Live(source) => Err(not_recorded(&source)),
    }
}

fn not_recorded(source: &live::Source) -> Failure {
    Failure::failed(
        format!("the facts of {} are not recorded, they come by its streams", source.rest),
        "start a new session",
    )
}

/// The live source of a run, when its facts come from an exchange on the wire.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn source(run: &Path) -> Result<Option<live::Source>, Failure> {
    let path = run.join(SOURCE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::failed(format!("{}: {e}", path.display()), "")),
    };
    let wrong = |e| {
        let what = format!("{} is not a live source: {e}", path.display());
        Failure::failed(what, "it was written by another version; start a new session")
    };
    serde_json::from_slice(&bytes).map(Some).map_err(wrong)
}

/// Writes the live source of a run beside its session.
///
/// # Errors
/// When the file cannot be written.
pub fn keep_source(run: &Path, source: &live::Source) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(source)
        .map_err(|e| Failure::failed(format!("live source: {e}"), ""))?;
    write_whole(&run.join(SOURCE), &text)
}

/// The first line of a run: what the prices are.
pub fn describe(session: &Session) -> String {
    let names = session.symbols.names();
    match serde_json::from_value(session.data.clone()) {
        Ok(Manifest::Generated(g)) => format!(
            "{} GENERATED markets (seed {}, {} days): no price here is real. Give --data for real \
             ones.",
            names.len(),
            g.seed,
            g.days
        ),
        Ok(Manifest::Live(source)) => {
            format!("{} markets of {} ({})", names.len(), source.venue, source.rest)
        }
        _ => format!("{} recorded markets: {}", names.len(), names.join(" ")),
    }
}

/// Reads the session of a run folder.
///
/// # Errors
/// When the file is missing or not a session.
pub fn load(run: &Path) -> Result<Session, Failure> {
    let path = run.join("session.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        Failure::failed(
            format!("{}: {e}", path.display()),
            "a child is started by `aegis demo` or `aegis run`, or with --run FOLDER",
        )
    })?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Failure::failed(
            format!("{} is not a session: {e}", path.display()),
            "it was cut or written by another version; start a new session",
        )
    })
}

/// A data error for a person: exit 2 when the command line is to blame.
pub fn data_failure(error: aegis_data::DataError) -> Failure {
    let code = if error.is_usage() { crate::EXIT_USAGE } else { crate::EXIT_FAILED };
    Failure { what: error.to_string(), hint: String::new(), code }
}

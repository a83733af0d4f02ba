//! `aegis exchange`: a market and accounts in, a server until it is told to stop.

use crate::{args, output};
use aegis_data::DataArgs;
use aegis_exchange::futures::AccountConfig;
use aegis_markets::MarketSpec;
use aegis_node::exchange_child::ACCOUNT;
use aegis_node::logging::{self, Format};
use aegis_node::protocol::Signals;
use aegis_node::session::{self, data_failure};
use aegis_node::{EXIT_INTERRUPTED, EXIT_OK, Failure};
use aegis_types::{Instrument, Money, Nanos, SymbolId, SymbolTable, Tick, exchange_name};
use aegis_venue::server::recorded::{Recording, is_recording, recordings};
use aegis_venue::server::{AccountSetup, Fact, Facts, Limits, Setup, Sim, Times, merged, serve};
use aegis_wire::{Secret, Verifier};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much history there is by default.
const HISTORY: Nanos = Nanos(1_500 * Nanos::MINUTE.0);
/// How the note on data that ends before the days asked for speaks of all days there are.
const ALL_DAYS: &str = "36500 days";
/// Facts between two looks at what was refused.
const LOOK_EVERY: u32 = 8_192;
/// Days of a generated market.
const GENERATED_DAYS: u32 = 10;
/// Symbols of a generated market.
const GENERATED_SYMBOLS: u16 = 10;

/// A market before its first fact.
struct Market {
    symbols: SymbolTable,
    instruments: Vec<Instrument>,
    /// First instant that all symbols share, and the end.
    span: (Nanos, Nanos),
    /// Where it begins unless it is said.
    start: Nanos,
    derived: bool,
    generated: bool,
    facts: Facts,
    title: String,
}

pub fn exchange(args: &args::Exchange) -> Result<i32, Failure> {
    logging::start(&args.log_level, Format::Text, "development", None)
        .map_err(|e| Failure::failed(format!("log: {e}"), ""))?;
    if !(0.0..=1_000.0).contains(&args.slippage) {
        return Err(Failure::usage(
            format!("--slippage {}: not between 0 and 1000 basis points", args.slippage),
            "0.5 is usual",
        ));
    }
    let accounts = accounts(args)?;
    let mut market = market(args)?;
    let start = start(args, &mut market)?;
    tracing::info!("{}", market.title);
    tracing::info!(
        start = %start.utc(),
        end = %market.span.1.utc(),
        speed = %args.speed,
        "history until the start, market from there on"
    );
    let names: Vec<String> = market.symbols.names().to_vec();
    let sim = Sim::new(Setup {
        symbols: market.symbols,
        instruments: market.instruments,
        seed: args.seed,
        speed: args.speed,
        start_ms: start.as_millis(),
        lenient_routes: args.lenient_routes,
        derived: market.derived,
        generated: market.generated,
        facts: market.facts,
        slippage_bps: args.slippage,
        accounts,
        limits: if args.session.is_some() { Limits::WIDE } else { Limits::default() },
    })
    .map_err(|e| Failure::usage(e.to_string(), "correct --account or --instruments"))?;
    let signals = Signals::watch();
    let left = Arc::new(AtomicBool::new(false));
    if args.session.is_some() {
        left_alone(Arc::clone(&left));
    }
    let told = || signals.interrupts() + signals.terminations() > 0;
    // Whoever started it may have stopped reading, then it runs on; but nobody can find a server
    // whose address could not be written.
    let unwritten = OnceCell::new();
    let stop = || told() || left.load(Ordering::Relaxed) || unwritten.get().is_some();
    let ready = |address: std::net::SocketAddr| {
        let line = serde_json::json!({ "listening": address.to_string(), "symbols": names });
        if let Err(failure) = output::line(line) {
            let _ = unwritten.set(failure);
        }
    };
    let summary = serve(sim, args.listen, Times::default(), stop, ready)
        .map_err(|e| Failure::usage(e.to_string(), ""))?;
    if let Some(failure) = unwritten.into_inner() {
        return Err(failure);
    }
    let line = serde_json::json!({
        "stopped": true,
        "market_ms": summary.market_ms,
        "ended": summary.ended,
        "facts": summary.facts,
        "requests": summary.counts.requests,
        "sockets": summary.counts.sockets,
        "frames": summary.counts.frames,
        "sockets_too_slow": summary.counts.slow,
    });
    output::line(line)?;
    Ok(if signals.interrupts() > 0 { EXIT_INTERRUPTED } else { EXIT_OK })
}

/// Raises a flag when whoever started this for a run of its own is gone: its end of stdin is.
fn left_alone(flag: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        flag.store(true, Ordering::Relaxed);
    });
}

/// Where the market begins: where it is told to, but not before there is anything to tell.
fn start(args: &args::Exchange, market: &mut Market) -> Result<Nanos, Failure> {
    let Some(text) = &args.start else { return Ok(market.start) };
    let start = aegis_data::parse_time(text).map_err(|e| {
        Failure::usage(
            format!("--start {text}: {e}"),
            "write 2025-05-04, 2025-05-04 15:33:00 (UTC) or milliseconds since the epoch",
        )
    })?;
    if start >= market.span.1 {
        return Err(Failure::usage(
            format!("--start {text} is not before the end of the data, {}", market.span.1.utc()),
            "begin earlier, or leave --start out",
        ));
    }
    let mut facts = std::mem::replace(&mut market.facts, Box::new(std::iter::empty())).peekable();
    let first = facts.peek().and_then(|fact| fact.as_ref().ok()).map(|fact| fact.at_ms);
    market.facts = Box::new(facts);
    // A moment before, so that the first fact is told too.
    let earliest = first.map_or(start, |first_ms| Nanos::from_millis(first_ms - 1));
    if start < earliest {
        tracing::info!(first = %earliest.utc(), "--start is before the data: it begins there");
    }
    Ok(start.max(earliest))
}

/// 1,500 minutes of history, or half of what there is.
fn usual_start((first, end): (Nanos, Nanos), grid: Nanos) -> Nanos {
    let span = end.since(first);
    if span > HISTORY { first.after(HISTORY) } else { first.after(Nanos(span.0 / 2)).floor(grid) }
}

fn market(args: &args::Exchange) -> Result<Market, Failure> {
    if let Some(folder) = &args.session {
        return of_session(folder);
    }
    if args.data.is_empty() {
        return generated(args);
    }
    let files = recordings(&args.data).map_err(|e| Failure::failed(e, "check --data"))?;
    if files.is_empty() {
        return of_candles(args, args.data.clone(), &args.symbols);
    }
    if args.days.is_some() {
        return Err(Failure::usage(
            "--days: recorded frames are told as they are, from the first to the last",
            "leave --days out; --start says where to begin",
        ));
    }
    let candles = candle_paths(&args.data);
    if candles.is_empty() { recorded(args, files) } else { of_both(args, files, candles) }
}

/// What of `--data` beside recordings is to be read as candles.
fn candle_paths(data: &[PathBuf]) -> Vec<PathBuf> {
    let candles = |path: &&PathBuf| match path.is_dir() {
        true => aegis_data::holds_data(path),
        false => !is_recording(path),
    };
    data.iter().filter(candles).cloned().collect()
}

fn of_candles(
    args: &args::Exchange,
    paths: Vec<PathBuf>,
    symbols: &[String],
) -> Result<Market, Failure> {
    let wanted = DataArgs {
        paths,
        symbols: symbols.to_vec(),
        instruments: args.instruments.clone(),
        from: None,
        to: None,
        // With a number of days the window begins with the first minute that all symbols have.
        days: Some(args.days.unwrap_or(36_500)),
    };
    let set = aegis_data::discover(&wanted).map_err(data_failure)?;
    let ticks = aegis_data::open(&set).map_err(data_failure)?;
    let span = (set.trade_from, set.until);
    // That the data ends before all days there are is no news when none were asked for.
    let news = |line: &&String| args.days.is_some() || !line.contains(ALL_DAYS);
    set.assumptions.iter().filter(news).for_each(|line| tracing::info!("assumed: {line}"));
    let ticks = Watched { ticks, until_look: LOOK_EVERY, refused: 0, shown: 0 };
    Ok(Market {
        title: format!("candles of {}", set.symbols.names().join(" ")),
        start: usual_start(span, Nanos::MINUTE),
        span,
        symbols: set.symbols,
        instruments: set.instruments,
        derived: true,
        generated: false,
        facts: Box::new(ticks.map(|tick| tick.map(Fact::of).map_err(|e| e.to_string()))),
    })
}

/// Candles; rows that were refused are told in the log, not dropped in silence.
struct Watched {
    ticks: aegis_data::Ticks,
    until_look: u32,
    refused: u64,
    shown: usize,
}

impl Watched {
    fn look(&mut self) {
        self.until_look = LOOK_EVERY;
        let refusals = self.ticks.refusals();
        for example in refusals.examples().iter().skip(self.shown) {
            tracing::warn!(place = %example.place, "row refused: {}", example.detail);
        }
        self.shown = refusals.examples().len();
        let total = refusals.total();
        if total > self.refused {
            tracing::warn!(total, "rows refused so far");
        }
        self.refused = total;
    }
}

impl Iterator for Watched {
    type Item = Result<Tick, aegis_data::DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.ticks.next();
        self.until_look -= 1;
        if next.is_none() || self.until_look == 0 {
            self.look();
        }
        next
    }
}

fn recorded(args: &args::Exchange, files: Vec<std::path::PathBuf>) -> Result<Market, Failure> {
    let wanted: Vec<String> = args.symbols.iter().map(|name| exchange_name(name)).collect();
    let failed = |why: String| Failure::failed(why, "check --data and --symbols");
    let recording = Recording::describe(files, &wanted).map_err(failed)?;
    let mut instruments = recording.instruments.clone();
    if let Some(path) = &args.instruments {
        let file = aegis_data::read_instruments(path).map_err(data_failure)?;
        for instrument in &mut instruments {
            let found = file.instrument(&instrument.name, instrument.symbol);
            if let Some(known) = found.map_err(data_failure)? {
                *instrument = known;
            }
        }
    }
    let span = (Nanos::from_millis(recording.first_ms), Nanos::from_millis(recording.last_ms + 1));
    Ok(Market {
        title: format!("recorded frames of {}", recording.symbols.names().join(" ")),
        start: usual_start(span, Nanos::MILLISECOND),
        span,
        facts: recording.facts().map_err(failed)?,
        symbols: recording.symbols,
        instruments,
        derived: false,
        generated: false,
    })
}

/// Candles and recordings: of a symbol that was recorded the candles are its history, up to where
/// the recording begins; others are told from their candles alone.
fn of_both(
    args: &args::Exchange,
    files: Vec<PathBuf>,
    paths: Vec<PathBuf>,
) -> Result<Market, Failure> {
    let candles = of_candles(args, paths, &[])?;
    let recorded = recorded(args, files)?;
    let wanted: Vec<String> = args.symbols.iter().map(|name| exchange_name(name)).collect();
    let is_wanted = |name: &&String| wanted.is_empty() || wanted.contains(name);
    let mut names: Vec<&String> = candles.symbols.names().iter().filter(is_wanted).collect();
    names.extend(recorded.symbols.names());
    names.sort_unstable();
    names.dedup();
    if let Some(missing) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(Failure::usage(
            format!("there are neither candles nor recorded frames of {missing} in the data"),
            "check --symbols and --data",
        ));
    }
    let symbols = SymbolTable::new(names).map_err(|e| Failure::usage(e.to_string(), ""))?;
    let instrument = |id: SymbolId| {
        let name = symbols.name(id);
        // Grids that a book shows are finer than those that candles show.
        let of =
            |market: &Market| Some(market.instruments[market.symbols.id(name)?.index()].clone());
        let known = of(&recorded).or_else(|| of(&candles));
        known.map(|known| Instrument { symbol: id, ..known })
    };
    let instruments = symbols.ids().filter_map(instrument).collect();
    let ids = |market: &Market| -> Vec<Option<SymbolId>> {
        market.symbols.names().iter().map(|name| symbols.id(name)).collect()
    };
    let (of_candles, of_recorded) = (ids(&candles), ids(&recorded));
    let is_recorded: Vec<bool> =
        symbols.names().iter().map(|name| recorded.symbols.id(name).is_some()).collect();
    let begins_ms = recorded.span.0.as_millis();
    let history = candles.facts.filter_map(move |fact| match fact {
        Ok(fact) => {
            let id = of_candles[fact.symbol().index()]?;
            let told = !is_recorded[id.index()] || fact.at_ms < begins_ms;
            told.then(|| Ok(fact.of_symbol(id)))
        }
        Err(why) => Some(Err(why)),
    });
    let frames = recorded.facts.filter_map(move |fact| match fact {
        Ok(fact) => of_recorded[fact.symbol().index()].map(|id| Ok(fact.of_symbol(id))),
        Err(why) => Some(Err(why)),
    });
    let with_history = |name: &String| candles.symbols.id(name).is_some();
    let first = match recorded.symbols.names().iter().all(with_history) {
        true => candles.span.0,
        false => candles.span.0.max(recorded.span.0),
    };
    let span = (first, candles.span.1.max(recorded.span.1));
    Ok(Market {
        title: format!("{}; {} up to there", recorded.title, candles.title),
        start: usual_start(span, Nanos::MINUTE),
        span,
        facts: merged(Box::new(history), Box::new(frames)),
        symbols,
        instruments,
        derived: false,
        generated: false,
    })
}

/// `--symbols 500` for so many, or by name.
fn generated(args: &args::Exchange) -> Result<Market, Failure> {
    let many = match args.symbols.as_slice() {
        [one] => one.parse::<u16>().ok(),
        _ => None,
    };
    if many == Some(0) {
        return Err(Failure::usage("--symbols 0: a market has at least one", "ask for more"));
    }
    let place = |name: &String| {
        let name = exchange_name(name);
        let digits = name.strip_prefix("GEN").and_then(|rest| rest.strip_suffix("USDT"));
        digits.and_then(|digits| digits.parse::<u16>().ok()).ok_or_else(|| {
            Failure::usage(
                format!("--symbols {name}: generated markets are GEN000USDT, GEN001USDT, …"),
                "name some of them, or how many there are to be, or give --data",
            )
        })
    };
    let chosen: Vec<u16> = match many {
        Some(_) => Vec::new(),
        None => args.symbols.iter().map(place).collect::<Result<_, _>>()?,
    };
    let named = chosen.iter().max().map(|most| most + 1);
    let spec = MarketSpec {
        seed: args.generate.unwrap_or(MarketSpec::default().seed),
        symbols: many.or(named).unwrap_or(GENERATED_SYMBOLS),
        days: args.days.unwrap_or(GENERATED_DAYS),
        ..MarketSpec::default()
    };
    let all = spec.symbol_table();
    let wanted = |name: &&String| {
        chosen.is_empty() || chosen.iter().any(|n| **name == format!("GEN{n:03}USDT"))
    };
    let symbols = SymbolTable::new(all.names().iter().filter(wanted))
        .map_err(|e| Failure::usage(e.to_string(), ""))?;
    let map: Vec<_> = all.names().iter().map(|name| symbols.id(name)).collect();
    let mut instruments = spec.instruments();
    instruments.retain(|instrument| map[instrument.symbol.index()].is_some());
    for instrument in &mut instruments {
        instrument.symbol = map[instrument.symbol.index()].unwrap_or_default();
    }
    let span = (spec.start, spec.until());
    let ticks = spec.ticks().filter_map(move |tick| {
        let symbol = map[tick.symbol.index()]?;
        Some(Ok(Fact::of(Tick { symbol, ..tick })))
    });
    Ok(Market {
        title: format!(
            "{} GENERATED markets (seed {}, {} days): no price here is real",
            symbols.len(),
            spec.seed,
            spec.days
        ),
        start: usual_start(span, Nanos::MINUTE),
        span,
        symbols,
        instruments,
        derived: true,
        generated: true,
        facts: Box::new(ticks),
    })
}

/// The market of a run, told from its first fact on.
fn of_session(folder: &Path) -> Result<Market, Failure> {
    let session = session::load(folder)?;
    let mut facts = session::facts(&session)?.peekable();
    let first = facts.peek().and_then(|fact| fact.as_ref().ok()).map(|tick| tick.at);
    // A moment before, so that the first fact is told too.
    let start = Nanos(first.unwrap_or(session.trade_from).0 - Nanos::MILLISECOND.0);
    Ok(Market {
        title: session::describe(&session),
        span: (start, session.until),
        start,
        generated: false,
        derived: true,
        facts: Box::new(facts.map(|tick| tick.map(Fact::of).map_err(|e| e.to_string()))),
        symbols: session.symbols,
        instruments: session.instruments,
    })
}

/// Accounts of the command line, of whoever started this process, or the one there always is.
fn accounts(args: &args::Exchange) -> Result<Vec<AccountSetup>, Failure> {
    let started_with = std::env::var(ACCOUNT).ok();
    let texts: Vec<&str> = args.accounts.iter().chain(&started_with).map(String::as_str).collect();
    if texts.is_empty() {
        tracing::info!("no --account: key demo, secret demo, 10000 USDT");
        return Ok(vec![account("key=demo,secret=demo")?]);
    }
    texts.into_iter().map(account).collect()
}

fn account(text: &str) -> Result<AccountSetup, Failure> {
    const FORM: &str = "write --account key=K,secret=S,balance=10000[,withdraw=true][,pubkey=FILE]";
    // The secret is never repeated.
    let wrong = |what: &str| Failure::usage(format!("--account: {what}"), FORM);
    let (mut key, mut secret, mut pubkey) = (None, None, None);
    let mut config = AccountConfig::default();
    let mut withdraw = false;
    for part in text.split(',') {
        let Some((name, value)) = part.split_once('=') else {
            return Err(wrong("a part has no `=`"));
        };
        match name.trim() {
            "key" => key = Some(value.to_owned()),
            "secret" => secret = Some(value.to_owned()),
            "balance" => {
                config.balance = Money::parse(value.as_bytes())
                    .map_err(|e| wrong(&format!("balance `{value}`: {e}")))?;
            }
            "withdraw" => {
                withdraw = value.parse().map_err(|_| wrong("withdraw is true or false"))?;
            }
            "pubkey" => pubkey = Some(value.to_owned()),
            other => return Err(wrong(&format!("`{other}` is not known"))),
        }
    }
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| wrong("key is missing"))?;
    let secret = secret.filter(|secret| !secret.is_empty());
    let hmac = secret.map(|secret| Verifier::hmac(&Secret::new(secret)));
    let ed25519 = match pubkey {
        None => None,
        Some(path) => {
            let failed =
                |why: String| Failure::usage(format!("--account: pubkey={path}: {why}"), FORM);
            let pem = std::fs::read_to_string(&path).map_err(|e| failed(e.to_string()))?;
            Some(Verifier::ed25519_pem(&pem).map_err(|e| failed(e.to_string()))?)
        }
    };
    let verifier = match (hmac, ed25519) {
        (Some(hmac), Some(ed25519)) => hmac.or(ed25519),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Err(wrong("secret (or pubkey) is missing")),
    };
    Ok(AccountSetup { key, verifier, withdraw, config })
}

//! The system through real sockets: `aegis demo --wire`, and `aegis run` on an exchange.

use crate::context::settings_file;
use crate::demo::{announce, default_speed, may_start, options, print};
use crate::{args, context};
use aegis_backtest::{Execution, Session};
use aegis_data::FirewallConfig;
use aegis_node::claim::{self, Claim};
use aegis_node::emergency::machine::Grid;
use aegis_node::emergency::{Arms, WayConfig};
use aegis_node::exchange_child::{Account, ExchangeProcess};
use aegis_node::home::{Home, write_whole};
use aegis_node::listing::{self, Listing, Wanted};
use aegis_node::live::{Silence, Source, Streams};
use aegis_node::orchestrator::{self, Options, Watching};
use aegis_node::pace::Speed;
use aegis_node::question::Questions;
use aegis_node::risk_file::{self, RiskFile};
use aegis_node::view::View;
use aegis_node::{EXIT_NO_GO, Failure, arming, audit, session};
use aegis_settings::Settings;
use aegis_types::{Instrument, Nanos};
use aegis_venue::server::Limits;
use aegis_wire::urls::Urls;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Longest answer of an exchange that is starting.
const ANSWER: Nanos = Nanos(10_000_000_000);

/// The demo with a simulated exchange as a process of its own: facts and orders go through sockets,
/// and the exchange advances when the engine has settled. Decisions are those of the demo without.
pub fn demo(args: &args::Demo, settings: &Settings) -> Result<i32, Failure> {
    let home = context::home()?;
    let _lock = home.lock("lock", "another aegis")?;
    drop(home.lock("brain.lock", "the brain of an earlier aegis")?);
    let identity = may_start(args, settings, &home, "simulated by wire")?;
    let show = !args.headless && !args.pacing.json && std::io::stdout().is_terminal();
    let wanted = context::wanted(&args.data)?;
    let mut session = session::prepare(settings, &wanted)?;
    session.execution = Execution::Wire;
    let run = new_run(&home, &session)?;
    let log = show.then(|| run.join("aegis.log"));
    context::start_logging(settings, log.as_deref())?;
    let account = Account::fresh()?;
    let exchange =
        ExchangeProcess::start(&run, &account, &settings.exchange(), &run.join("exchange.log"))?;
    session::keep_source(&run, &stepped(&exchange.url())?)?;
    let title = format!("{} By wire, from {}.", session::describe(&session), exchange.url());
    let speed = args.pacing.speed.unwrap_or_else(|| default_speed(show, &session));
    let orders = "orders are simulated, and go through sockets to the exchange as real ones would";
    announce(settings, &identity, [&title, orders], &run, false, show);
    let outcome = orchestrator::run(Options {
        view: show.then(|| View::new(title, "SIM, orders simulated, by wire")),
        live: true,
        keys: Some(account),
        ..options(settings, home, &session.id, run.clone(), speed, log, identity)
    })?;
    drop(exchange);
    print(&outcome, args.pacing.json, &run)?;
    Ok(outcome.code)
}

/// What becomes of orders on a venue.
enum Orders {
    /// They are simulated, on the exchange's market; why, in a line.
    Simulated(&'static str),
    /// They go to the exchange.
    Sent(Account),
}

/// Runs on an exchange's market until told to stop.
pub fn run(args: &args::Run, settings: &Settings) -> Result<i32, Failure> {
    let (home, demo) = (context::home()?, &args.demo);
    let show = !demo.headless && !demo.pacing.json && std::io::stdout().is_terminal();
    let log = show.then(|| home.path().join("aegis.log"));
    context::start_logging(settings, log.as_deref())?;
    let mode = if settings.keys().is_none() { "simulated" } else { &args.venue };
    let identity = may_start(demo, settings, &home, mode)?;
    let orders = orders(args, settings, &home)?;
    let _lock = home.lock("lock", "another aegis")?;
    drop(home.lock("brain.lock", "the brain of an earlier aegis")?);
    let (keys, [sign, where_to]) = match orders {
        Orders::Simulated(why) => (None, ["SIM, orders simulated", why]),
        Orders::Sent(account) => (Some(account), destination(&args.venue)),
    };
    let held = keys.as_ref().map(|keys| hold(settings, &args.venue, keys, &home)).transpose()?;
    let wanted = Wanted { venue: &args.venue, symbols: &demo.data.symbols, keys: keys.as_ref() };
    let (run, session) = match demo.pacing.resume {
        true => resumed(&home, settings, &wanted)?,
        false => {
            let Listing { session, source } = listing::ask(settings, &wanted, home.path())?;
            let run = new_run(&home, &session)?;
            session::keep_source(&run, &source)?;
            (run, session)
        }
    };
    let title = session::describe(&session);
    announce(settings, &identity, [&title, where_to], &run, demo.pacing.resume, show);
    let speed = demo.pacing.speed.unwrap_or(Speed::Max);
    let (claim, risk) = held.unzip();
    if let Some(memory) = risk.as_ref().and_then(RiskFile::memory) {
        risk_file::hand_over(&run, &memory)?;
    }
    let arms = keys.as_ref().map(|keys| arms(settings, &run, &session, keys)).transpose()?;
    let watching = Watching {
        settings_file: settings_file(&demo.settings),
        patience: Some(settings.alert_patience()),
        risk,
    };
    let outcome = orchestrator::run(Options {
        view: show.then(|| View::new(title, sign)),
        live: true,
        claim: claim.as_ref().map(Claim::brain_path),
        watches_orders: arms.is_some(),
        arms: arms.flatten(),
        keys,
        watching,
        ..options(settings, home, &session.id, run.clone(), speed, log, identity)
    })?;
    drop(claim);
    print(&outcome, demo.pacing.json, &run)?;
    Ok(outcome.code)
}

/// Takes the account for this engine alone, and reads what earlier sessions of it have lost. A
/// brain that has outlived its orchestrator still holds it.
fn hold(
    settings: &Settings,
    venue: &str,
    keys: &Account,
    home: &Home,
) -> Result<(Claim, RiskFile), Failure> {
    let (rest, key) = (listing::urls(settings, venue)?.rest, keys.key.expose());
    let claim = Claim::take(key, &rest, home.path())?;
    let account = format!("{venue}:{}", claim::fingerprint(key));
    Ok((claim, RiskFile::open(home, &account)?))
}

/// What the kill switch needs; nothing where the exchange waits to be stepped, which only a brain
/// does.
fn arms(
    settings: &Settings,
    run: &Path,
    session: &Session,
    keys: &Account,
) -> Result<Option<Arms>, Failure> {
    let Some(source) = session::source(run)? else { return Ok(None) };
    if source.silence == Silence::NEVER {
        return Ok(None);
    }
    let venue = settings.venue();
    let identity = listing::identity(keys, venue.recv_window_ms)?;
    let grid = |i: &Instrument| Grid { name: i.name.clone(), qty_max: i.qty_max };
    Ok(Some(Arms {
        way: WayConfig { rest: source.rest, identity, write_timeout: venue.request_timeout },
        symbols: session.instruments.iter().map(grid).collect(),
        stop_deadline: settings.engine().stop_deadline,
    }))
}

/// Where orders go: in a word or two, and in a line.
fn destination(venue: &str) -> [&'static str; 2] {
    match venue {
        "binance" => ["REAL ORDERS", "ORDERS ARE REAL: they go to the exchange"],
        "testnet" => ["exchange's demo", "orders go to the exchange's demo, without real money"],
        _ => ["simulated exchange", "orders go to a simulated exchange, through sockets"],
    }
}

/// Decides what becomes of orders: real ones need keys, `--live`, `live = true`, production, and
/// an audit that says GO.
fn orders(args: &args::Run, settings: &Settings, home: &Home) -> Result<Orders, Failure> {
    arming::judge_place(settings.environment(), &args.venue)?;
    let account = settings.keys().map(|keys| Account::of(&keys));
    if args.venue == "sim" {
        return Ok(Orders::Simulated(settings.mode_line()));
    }
    settings.require_keys(&args.venue).map_err(|v| {
        Failure::usage(v.to_string(), "or run with --venue sim, which simulates orders")
    })?;
    let Some(account) = account else { return Ok(Orders::Simulated(settings.mode_line())) };
    if args.venue != "binance" {
        return Ok(Orders::Sent(account));
    }
    if !(args.live && settings.live()) {
        return Ok(Orders::Simulated(settings.mode_line()));
    }
    if settings.environment() != "production" {
        return Err(Failure::usage(
            format!("real orders leave only in production, and this is {}", settings.environment()),
            "set ENVIRONMENT=production",
        ));
    }
    let report = audit::run(&audit::Options {
        home: home.path().to_path_buf(),
        file: settings_file(&args.demo.settings),
        settings: Ok(settings.clone()),
        purpose: audit::Purpose::Live,
    });
    if !report.is_go() {
        return Err(Failure {
            what: format!("the audit says {}: {}", report.verdict, report.failures().join("; ")),
            hint: "run `aegis audit --for live`, mend what it names".to_owned(),
            code: EXIT_NO_GO,
        });
    }
    // Asked again, and of nobody but the exchange: the audit is a report, this is the door.
    arming::may_arm(settings, &account)?;
    Ok(Orders::Sent(account))
}

/// The unfinished run on this venue, at the address that the exchange has now.
fn resumed(
    home: &Home,
    settings: &Settings,
    wanted: &Wanted<'_>,
) -> Result<(PathBuf, Session), Failure> {
    let venue = wanted.venue;
    let (execution, how) = match wanted.keys {
        Some(_) => (Execution::Wire, "whose orders go there"),
        None => (Execution::Simulated, "with simulated orders"),
    };
    let run = home.unfinished_on(venue, execution).ok_or_else(|| {
        Failure::usage(
            format!("--resume: there is no unfinished session on {venue} {how}"),
            "start without --resume",
        )
    })?;
    let session = session::load(&run)?;
    let urls = listing::urls(settings, venue)?;
    if let Some(source) = session::source(&run)? {
        session::keep_source(
            &run,
            &Source { rest: urls.rest, stream_base: urls.streams, ..source },
        )?;
    }
    Ok((run, session))
}

/// A new run folder with its session.
fn new_run(home: &Home, session: &Session) -> Result<PathBuf, Failure> {
    let run = home.new_run(&session.id)?;
    let text = serde_json::to_vec_pretty(session)
        .map_err(|e| Failure::failed(format!("session: {e}"), ""))?;
    write_whole(&run.join("session.json"), &text)?;
    Ok(run)
}

/// The source that a stepped exchange is: its candles, from where it stands.
fn stepped(url: &str) -> Result<Source, Failure> {
    let clock = Questions::to(url, ANSWER)?.json("/sim/v1/clock")?;
    let urls = Urls::local(url).map_err(|e| Failure::usage(format!("{url}: {e}"), ""))?;
    Ok(Source {
        venue: "local".to_owned(),
        rest: urls.rest,
        stream_base: urls.streams,
        streams: Streams::Klines,
        history_from_ms: clock["market_ms"].as_i64().unwrap_or(0),
        conflation_ms: 0,
        universe_refresh_ms: 0,
        weight_minute: Limits::WIDE.weight_per_minute,
        silence: Silence::NEVER,
        firewall: FirewallConfig { jump_factor: 0.0, ..FirewallConfig::default() },
    })
}

//! The system through real sockets: `aegis demo --wire`.

use crate::demo::{announce, default_speed, options, print};
use crate::{args, context};
use aegis_backtest::{Execution, Session};
use aegis_data::FirewallConfig;
use aegis_node::exchange_child::{Account, ExchangeProcess};
use aegis_node::home::{Home, write_whole};
use aegis_node::live::{Silence, Source, Streams};
use aegis_node::orchestrator::{self, Options};
use aegis_node::question::Questions;
use aegis_node::view::View;
use aegis_node::{Failure, session};
use aegis_settings::Settings;
use aegis_types::Nanos;
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
    announce(settings, &title, &run, false, show);
    let outcome = orchestrator::run(Options {
        view: show.then(|| View::new(title)),
        live: true,
        keys: Some(account),
        ..options(settings, home, &session.id, run.clone(), speed, log)
    })?;
    drop(exchange);
    print(&outcome, args.pacing.json, &run)?;
    Ok(outcome.code)
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

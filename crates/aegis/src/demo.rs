//! `aegis demo` and `aegis run`: the whole system.

use crate::{args, context, operate, output, wired};
use aegis_node::emergency::fence;
use aegis_node::home::{Home, write_whole};
use aegis_node::identity::Identity;
use aegis_node::orchestrator::{self, Options, Outcome, Watching};
use aegis_node::pace::Speed;
use aegis_node::supervisor::Limits;
use aegis_node::view::View;
use aegis_node::{EXIT_KILLED, EXIT_OK, Failure, session};
use aegis_settings::Settings;
use std::io::IsTerminal;
use std::path::PathBuf;

/// A paced demo on a terminal takes about so long.
const SHOW_SECONDS: f64 = 120.0;

pub fn demo(args: &args::Demo) -> Result<i32, Failure> {
    let settings = context::settings(&given(args), args.data.market_seed)?;
    if args.wire { wired::demo(args, &settings) } else { system(args, &settings) }
}

pub fn run(args: &args::Run) -> Result<i32, Failure> {
    let mut given = given(&args.demo);
    if let Some(url) = &args.exchange_url {
        given.set.push(format!("venue.exchange_url={url}"));
    }
    let settings = context::settings(&given, args.demo.data.market_seed)?;
    let recorded = !args.demo.data.data.is_empty();
    if args.demo.wire {
        return Err(Failure::usage("--wire belongs to the demo", "use `aegis demo --wire`"));
    }
    if recorded && args.venue != "sim" {
        return Err(Failure::usage(
            format!("--data is recorded, and --venue {} has a market of its own", args.venue),
            "leave one of them out",
        ));
    }
    if recorded {
        if args.live {
            output::note("--live arms nothing: --venue sim simulates every order");
        }
        return system(&args.demo, &settings);
    }
    wired::run(args, &settings)
}

/// The flags that set settings, with those that are short for one.
fn given(args: &args::Demo) -> args::Settings {
    let mut given = args.settings.clone();
    if let Some(hash) = &args.expect_build {
        given.set.push(format!("deploy.expect_build={hash}"));
    }
    given
}

/// Which program this is, held against what is expected; and no kill switch was used here.
pub(crate) fn may_start(
    args: &args::Demo,
    settings: &Settings,
    home: &Home,
    mode: &str,
) -> Result<Identity, Failure> {
    fence::check(home, args.lift_fence)?;
    let identity = Identity::of(settings, home, mode)?;
    identity.expect(settings.expected_build())?;
    Ok(identity)
}

fn system(args: &args::Demo, settings: &Settings) -> Result<i32, Failure> {
    let home = context::home()?;
    let _lock = home.lock("lock", "another aegis")?;
    drop(home.lock("brain.lock", "the brain of an earlier aegis")?);
    let identity = may_start(args, settings, &home, "simulated")?;
    let show = !args.headless && !args.pacing.json && std::io::stdout().is_terminal();
    let wanted = context::wanted(&args.data)?;
    let session = session::prepare(settings, &wanted)?;
    let (run, resumed) = run_folder(&home, &session, args.pacing.resume)?;
    let log = show.then(|| run.join("aegis.log"));
    context::start_logging(settings, log.as_deref())?;
    let title = session::describe(&session);
    let speed = args.pacing.speed.unwrap_or_else(|| default_speed(show, &session));
    let orders = settings.mode_line();
    announce(settings, &identity, [&title, orders], &run, resumed, show);
    let view = show.then(|| View::new(title, "SIM, orders simulated"));
    let base = options(settings, home, &session.id, run.clone(), speed, log, identity);
    let watching =
        Watching { settings_file: context::settings_file(&args.settings), ..base.watching };
    let outcome = orchestrator::run(Options { view, watching, ..base })?;
    print(&outcome, args.pacing.json, &run)?;
    Ok(outcome.code)
}

/// What an orchestrator is started with by these settings: recorded facts, no keys, nothing shown.
pub(crate) fn options(
    settings: &Settings,
    home: Home,
    session: &str,
    run: PathBuf,
    speed: Speed,
    log: Option<PathBuf>,
    identity: Identity,
) -> Options {
    Options {
        home,
        run,
        session: session.to_owned(),
        speed,
        slots: settings.ring_slots(),
        wait: settings.ring_wait().to_owned(),
        limits: Limits {
            backoff: settings.restart_backoff(),
            exits_max: settings.crash_loop_exits(),
            ..Limits::default()
        },
        shutdown_timeout: settings.shutdown_timeout(),
        store: settings.store_url().map(str::to_owned),
        store_rows: settings.store_backlog_rows(),
        flatten: settings.flatten_on_shutdown(),
        log_flags: log_flags(settings, log),
        view: None,
        live: false,
        keys: None,
        identity,
        arms: None,
        claim: None,
        watches_orders: false,
        escalate_after: settings.escalate_after(),
        heartbeat_timeout: settings.heartbeat_timeout(),
        flatten_on_crash_loop: settings.flatten_on_crash_loop(),
        watching: Watching::default(),
    }
}

/// The folder of this run: a new one, or with `--resume` that of the unfinished session.
fn run_folder(
    home: &Home,
    session: &aegis_backtest::Session,
    resume: bool,
) -> Result<(PathBuf, bool), Failure> {
    let unfinished = home.unfinished(&session.id);
    match (unfinished, resume) {
        (Some(run), true) => Ok((run, true)),
        (None, true) => Err(Failure::usage(
            "--resume: there is no unfinished session of this data and these settings",
            "start without --resume",
        )),
        (unfinished, false) => {
            if let Some(run) = unfinished {
                output::note(format_args!(
                    "note: session {} was not finished; --resume continues it. This is a new run.",
                    run.display()
                ));
            }
            let run = home.new_run(&session.id)?;
            let text = serde_json::to_vec_pretty(session)
                .map_err(|e| Failure::failed(format!("session: {e}"), ""))?;
            write_whole(&run.join("session.json"), &text)?;
            // A new run starts at the first fact: no old segment may say otherwise.
            let _ = std::fs::remove_file(home.ring());
            Ok((run, false))
        }
    }
}

pub(crate) fn default_speed(show: bool, session: &aegis_backtest::Session) -> Speed {
    let span = session::span(session).0 as f64 / 1e9;
    if show && span > SHOW_SECONDS {
        Speed::Times((span / SHOW_SECONDS).round())
    } else {
        Speed::Max
    }
}

pub(crate) fn announce(
    settings: &Settings,
    identity: &Identity,
    [title, orders]: [&str; 2],
    run: &std::path::Path,
    resumed: bool,
    show: bool,
) {
    if show {
        return;
    }
    let (version, environment) = (env!("CARGO_PKG_VERSION"), settings.environment());
    let how = if resumed { "continuing" } else { "session" };
    let lines = [
        format!("AEGIS {version} [{environment}] {title}"),
        orders.to_owned(),
        identity.line(),
        format!("{how} {}", run.display()),
    ];
    for line in lines {
        // Whoever collects JSON lines gets nothing but JSON lines.
        if settings.log().1 == "json" { tracing::info!("{line}") } else { output::note(line) }
    }
}

fn log_flags(settings: &Settings, file: Option<PathBuf>) -> Vec<String> {
    let (level, format) = settings.log();
    let mut flags = vec!["--log-level".to_owned(), level.to_owned()];
    flags.extend(["--log-format".to_owned(), format.to_owned()]);
    flags.extend(["--environment".to_owned(), settings.environment().to_owned()]);
    if let Some(file) = file {
        flags.extend(["--log-file".to_owned(), file.display().to_string()]);
    }
    flags
}

pub(crate) fn print(outcome: &Outcome, json: bool, run: &std::path::Path) -> Result<(), Failure> {
    if json {
        output::line(&outcome.summary)?;
        return Ok(());
    }
    if outcome.code == EXIT_KILLED {
        output::text(operate::describe_kill(&outcome.summary["killed"]))?;
        return Ok(());
    }
    match serde_json::from_value::<aegis_backtest::Report>(outcome.summary.clone()) {
        Ok(report) => output::line(report.text("What the run did"))?,
        Err(error) => {
            let summary = &outcome.summary;
            output::line(format_args!("{summary}\n(the summary is not complete: {error})"))?
        }
    };
    if outcome.code == EXIT_OK && outcome.summary["finished"] == true {
        output::line(format_args!("check it: aegis replay {}", run.display()))?;
    } else {
        output::line("not finished; continue with --resume")?;
    }
    Ok(())
}

//! `aegis chaos`.

use crate::output;
use aegis_node::protocol::Signals;
use aegis_node::{EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, Failure};
use aegis_torture::chaos::catalogue::{self, FAULTS, Fault};
use aegis_torture::chaos::kills::{Killed, Market, kills};
use aegis_torture::chaos::plan::Plan;
use aegis_torture::chaos::process::{Guard, guard, sweep};
use aegis_torture::chaos::round::Verdict;
use aegis_torture::chaos::{Options, Report, run};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Chaos {
    /// Rounds to play.
    #[arg(long, value_name = "N", default_value_t = 20)]
    rounds: u32,
    /// Seed of the first round; each further one has the next.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Only these faults, by name; `--only help` lists them.
    #[arg(long, value_delimiter = ',', value_name = "FAULT,…")]
    only: Vec<String>,
    /// Keeps the folders of clean rounds, too.
    #[arg(long)]
    keep: bool,
    /// Instead of rounds: so many SIGKILLs of the brain at random places of runs that must end with
    /// the digest of one without.
    #[arg(long, value_name = "N", conflicts_with_all = ["rounds", "only"])]
    kills: Option<u32>,
    /// Recorded candles for --kills; a generated market without it.
    #[arg(long, value_name = "DIR", requires = "kills")]
    data: Option<PathBuf>,
    /// Days of each run of --kills.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "kills")]
    days: u32,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    json: bool,
    /// What the process does that cleans up behind this one.
    #[arg(long, hide = true, value_name = "DIR")]
    guard: Option<PathBuf>,
}

pub fn chaos(args: &Chaos) -> Result<i32, Failure> {
    if let Some(folder) = &args.guard {
        guard(folder);
        return Ok(EXIT_OK);
    }
    if args.only.iter().any(|name| name == "help") {
        return list();
    }
    let only = args.only.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    let folder = std::env::temp_dir().join(format!("aegis-chaos-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| {
        Failure::failed(format!("{}: {e}", folder.display()), "make room there, or set TMPDIR")
    })?;
    let watching = Guard::over(&folder).map_err(|what| Failure::failed(what, ""))?;
    let signals = Signals::watch();
    let stopped = || signals.interrupts() + signals.terminations() > 0;
    let done = match args.kills {
        Some(count) => killing(args, &folder, count, &stopped),
        None => rounds(args, only, &folder, &stopped),
    };
    sweep(&folder);
    drop(watching);
    // What is left in it is what somebody has to look at.
    let _ = std::fs::remove_dir(&folder);
    let code = done?;
    Ok(if signals.interrupts() > 0 { EXIT_INTERRUPTED } else { code })
}

fn list() -> Result<i32, Failure> {
    for Fault { name, rows, .. } in FAULTS {
        let rows: Vec<String> = rows.iter().map(u8::to_string).collect();
        output::line(format_args!("{name:<28} rows {}", rows.join(", ")))?;
    }
    Ok(EXIT_OK)
}

fn named(name: &str) -> Result<&'static Fault, Failure> {
    catalogue::find(name).ok_or_else(|| {
        Failure::usage(format!("--only {name}: there is no such fault"), "--only help lists them")
    })
}

fn rounds(
    args: &Chaos,
    only: Vec<&'static Fault>,
    folder: &Path,
    stopped: &dyn Fn() -> bool,
) -> Result<i32, Failure> {
    let options = Options {
        rounds: args.rounds,
        seed: args.seed,
        only,
        keep: args.keep,
        folder: folder.to_path_buf(),
    };
    let report = run(&options, stopped, |plan, verdict, folder, seconds| {
        tell(&args.only, plan, verdict, folder, seconds);
    });
    let report = report.map_err(|what| {
        Failure::failed(what, format!("the folder of the round is in {}", folder.display()))
    })?;
    summary(args, &options, &report)?;
    Ok(if report.violations > 0 { EXIT_FAILED } else { EXIT_OK })
}

/// A line for a clean round; for another one everything that helps to look into it.
fn tell(only: &[String], plan: &Plan, verdict: &Verdict, folder: &Path, seconds: f64) {
    let names: Vec<&str> = plan.faults.iter().map(|fault| fault.name).collect();
    let (seed, names) = (plan.seed, names.join(" "));
    if let Some(why) = &verdict.skipped {
        output::note(format_args!("round {seed}: SKIPPED, not counted ({names}): {why}"));
        return;
    }
    let found = &verdict.findings.words;
    let word = if found.is_empty() { "clean" } else { "VIOLATED" };
    let (orders, fills, speed) = (verdict.orders, verdict.fills, plan.speed);
    output::note(format_args!(
        "round {seed}: {word}, {seconds:.1} s, {orders} orders, {fills} fills, x{speed}: {names}"
    ));
    if found.is_empty() {
        return;
    }
    found.iter().for_each(|what| output::note(format_args!("  {what}")));
    for planned in &plan.steps {
        output::note(format_args!("  plan {:>6} ms {:?}", planned.at_ms, planned.step));
    }
    output::note(format_args!("  kept in {}", folder.display()));
    let only = match only {
        [] => String::new(),
        only => format!(" --only {}", only.join(",")),
    };
    output::note(format_args!("  again: aegis chaos --rounds 1 --seed {seed}{only}"));
}

fn summary(args: &Chaos, options: &Options, report: &Report) -> Result<(), Failure> {
    let object = with_origin(report.json(options));
    if args.json {
        output::line(&object)?;
        return Ok(());
    }
    for (key, value) in object.as_object().into_iter().flatten() {
        output::line(format_args!("  {key:<28} {value}"))?;
    }
    Ok(())
}

fn with_origin(mut object: Value) -> Value {
    for (key, value) in aegis_bench::origin() {
        if matches!(key.as_str(), "machine" | "commit" | "rustc" | "date" | "debug_assertions") {
            object[key] = value;
        }
    }
    object
}

fn killing(
    args: &Chaos,
    folder: &Path,
    count: u32,
    stopped: &dyn Fn() -> bool,
) -> Result<i32, Failure> {
    let market = Market { data: args.data.clone(), days: args.days };
    let progress = |killed: &Killed| {
        let Killed { kills, runs, equal, .. } = killed;
        output::note(format_args!("{kills} kills in {runs} runs, {equal} with the same digest"));
    };
    let killed = kills(folder, &market, count, args.seed, stopped, progress);
    let killed = killed.map_err(|what| Failure::failed(what, "its folder has the logs"))?;
    let _ = std::fs::remove_dir_all(folder.join("calm"));
    killed.words.iter().for_each(output::note);
    let mut back_ms = killed.back_ms.clone();
    back_ms.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = (back_ms.len().saturating_sub(1) as f64 * share).ceil() as usize;
        back_ms.get(place).map(|ms| ms.round())
    };
    let object = with_origin(json!({
        "kills": killed.kills,
        "runs": killed.runs,
        "digests_equal": killed.equal,
        "orders": killed.orders,
        "back_p50_ms": quantile(0.5),
        "back_p99_ms": quantile(0.99),
        "days": args.days,
        "data": market.data.is_some(),
        "seed": args.seed,
    }));
    output::line(&object)?;
    let all = killed.equal == killed.runs && killed.kills >= u64::from(count);
    Ok(if all { EXIT_OK } else { EXIT_FAILED })
}

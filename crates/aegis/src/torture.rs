//! `aegis torture`.

use crate::output;
use aegis_backtest::Bar;
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure};
use aegis_torture::report::Report;
use aegis_torture::shrink::shrink;
use aegis_torture::{Options, Outcome, catalogue, run};
use clap::Args;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds at once.
const THREADS: u64 = 2;

#[derive(Args)]
pub struct Torture {
    /// Seeds, both ends included: A..B.
    #[arg(long, value_name = "A..B", default_value = "1..20", conflicts_with = "seed")]
    seeds: String,
    /// One seed alone.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Hours of market time in which things go wrong.
    #[arg(long, value_name = "H", default_value_t = 6.0)]
    hours: f64,
    /// Only these faults, by name; `--faults help` lists them.
    #[arg(long, value_delimiter = ',', value_name = "FAULT,…")]
    faults: Option<Vec<String>>,
    /// Prints the whole story of --seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Leaves a failing seed as it is instead of looking for the least that still fails.
    #[arg(long)]
    no_shrink: bool,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    json: bool,
}

pub fn torture(args: &Torture) -> Result<i32, Failure> {
    if args.faults.iter().flatten().any(|name| name == "help") {
        return list();
    }
    let (from, to) = seeds(args)?;
    let options = options(args)?;
    let bar = Bar::new("torture", Some(to - from + 1));
    let (next, report) = (AtomicU64::new(from), Mutex::new(Report::default()));
    let failed: Mutex<Vec<Outcome>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > to {
                return;
            }
            let begun = Instant::now();
            let outcome = run(seed, &options);
            let took = begun.elapsed().as_secs_f64();
            if let Ok(mut report) = report.lock() {
                report.add(&outcome, took);
            }
            bar.at(seed.saturating_sub(from));
            if (outcome.violation.is_some() || options.trace)
                && let Ok(mut failed) = failed.lock()
            {
                failed.push(outcome);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(to - from + 1) {
            scope.spawn(work);
        }
    });
    drop(bar);
    let mut failed = failed.into_inner().unwrap_or_default();
    failed.sort_by_key(|outcome| outcome.seed);
    for (index, outcome) in failed.iter().enumerate() {
        tell(outcome, &options, args, index == 0)?;
    }
    let report = report.into_inner().unwrap_or_default();
    finish(&report, &options, args)
}

/// The sums, and the exit code.
fn finish(report: &Report, options: &Options, args: &Torture) -> Result<i32, Failure> {
    let mut object = report.json(options);
    let origin = aegis_bench::origin();
    for key in ["machine", "commit"] {
        object[key] = origin.get(key).cloned().unwrap_or_default();
    }
    if args.json {
        output::line(&object)?;
    } else {
        for (key, value) in object.as_object().into_iter().flatten() {
            output::line(format_args!("{key:<20} {value}"))?;
        }
    }
    Ok(if report.violations() == 0 { EXIT_OK } else { EXIT_FAILED })
}

fn list() -> Result<i32, Failure> {
    for fault in &catalogue::FAULTS {
        let (number, name, level) = (fault.number, fault.name, fault.level.name());
        output::line(format_args!("{number:>2} {name:<20} {level:<8} {}", fault.how))?;
    }
    Ok(EXIT_OK)
}

fn seeds(args: &Torture) -> Result<(u64, u64), Failure> {
    if let Some(seed) = args.seed {
        return Ok((seed, seed));
    }
    let wrong = || {
        let what = format!("`{}` are no seeds", args.seeds);
        Failure::usage(what, "write A..B with A at most B, such as 1..1000")
    };
    let (from, to) = args.seeds.split_once("..").ok_or_else(wrong)?;
    let (from, to) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
    // Counting on behind the last one must not overflow.
    if from > to || to > u64::MAX / 2 { Err(wrong()) } else { Ok((from, to)) }
}

fn options(args: &Torture) -> Result<Options, Failure> {
    if !(args.hours > 0.0 && args.hours <= 240.0) {
        return Err(Failure::usage("--hours must be above 0 and at most 240", ""));
    }
    let unknown = |name: &&String| name.as_str() != "none" && catalogue::find(name).is_none();
    if let Some(name) = args.faults.iter().flatten().find(unknown) {
        return Err(Failure::usage(format!("`{name}` is no fault"), "see --faults help"));
    }
    Ok(Options { hours: args.hours, faults: args.faults.clone(), trace: args.trace })
}

/// Tells of a seed: what happened, what must not have, and how to see it again.
fn tell(outcome: &Outcome, options: &Options, args: &Torture, first: bool) -> Result<(), Failure> {
    let say = |text: String| output::note(format_args!("{text}"));
    if first || options.trace {
        outcome.story.iter().for_each(|line| say(format!("  {line}")));
    }
    let seed = outcome.seed;
    let Some((violation, at, step)) = &outcome.violation else { return Ok(()) };
    say(format!("seed {seed}, {at}, step {step}: {violation}"));
    let drawn = outcome.drawn.join(",");
    let again = |faults: &str, hours: f64| {
        let faults = if faults.is_empty() { "none" } else { faults };
        format!("aegis torture --seed {seed} --hours {hours} --faults {faults} --trace")
    };
    say(format!("  again: {}", again(&drawn, options.hours)));
    if first && !args.no_shrink {
        let least = shrink(seed, options, outcome, |text| output::note(format_args!("  {text}")));
        let faults = least.options.faults.unwrap_or_default().join(",");
        say(format!("  least: {}", again(&faults, least.options.hours)));
    }
    Ok(())
}

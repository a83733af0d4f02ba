//! `cargo run --profile fuzz -p aegis-fuzzing -- --executions 10000000`: every target, so many
//! inputs by seed; exit 1 when one panics, with its bytes in a file.

use aegis_fuzzing::{Failure, TARGETS, Target, find, run};
use clap::Parser;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Feeds rubbish to every reader of outside bytes.
#[derive(Parser)]
struct Args {
    /// Inputs of each target.
    #[arg(long, default_value_t = 100_000)]
    executions: u64,
    /// Seed of the inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// This target alone; may be repeated.
    #[arg(long)]
    target: Vec<String>,
    /// Seconds after which a target is left; 0 for no end.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// One JSON object a target.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut targets: Vec<&Target> = args.target.iter().filter_map(|name| find(name)).collect();
    if targets.len() < args.target.len() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        say(&format!("an unknown target; there are {}", names.join(", ")));
        return ExitCode::from(2);
    }
    if targets.is_empty() {
        targets = TARGETS.iter().collect();
    }
    let mut failed = false;
    for target in targets {
        let within = (args.seconds > 0).then(|| Duration::from_secs(args.seconds));
        match run(target, args.seed, args.executions, within) {
            Ok(outcome) => {
                let seconds = outcome.took.as_secs_f64();
                say(&if args.json {
                    json!({
                        "target": target.name, "executions": outcome.executions,
                        "accepted": outcome.accepted, "seed": args.seed,
                        "seconds": (seconds * 10.0).round() / 10.0,
                    })
                    .to_string()
                } else {
                    format!(
                        "{:<18} {:>11} executions, {:>10} accepted, {seconds:.1} s",
                        target.name, outcome.executions, outcome.accepted
                    )
                });
            }
            Err(failure) => {
                failed = true;
                say(&failure.to_string());
                keep(&failure);
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Who reads no more has read enough.
    let _ = writeln!(out, "{line}");
}

/// Writes the input where it is found again in every test run.
fn keep(failure: &Failure) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz/found");
    let name = format!("{}-{}-{}.hex", failure.target, failure.seed, failure.execution);
    let hex: String = failure.input.iter().map(|byte| format!("{byte:02x}")).collect();
    match std::fs::write(folder.join(&name), hex + "\n") {
        Ok(()) => say(&format!("kept as fixtures/fuzz/found/{name}")),
        Err(error) => say(&format!("could not be kept: {error}")),
    }
}

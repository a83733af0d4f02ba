//! The binary: read the command line, run one command, turn its result into an exit code.
//!
//! Exit codes: 0 done (also after SIGTERM), 1 failed, 2 usage or configuration, 3 NO-GO from the
//! audit, 4 by the kill switch, 130 after Ctrl-C.

mod alerts;
mod args;
mod bench;
mod chaos;
mod children;
mod context;
mod data;
mod demo;
mod exchange;
mod indicators;
mod journal;
mod operate;
mod output;
mod research;
mod smc;
mod table;
mod tools;
mod torture;
mod wired;

use aegis_node::Failure;
use args::{Cli, Command};
use clap::Parser;

/// Counts allocations, so that `aegis bench engine` can show that the tick path makes none.
#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();

fn main() {
    let code = Cli::try_parse().map_or_else(usage, run).unwrap_or_else(|failure| {
        output::note(format_args!("error: {failure}"));
        failure.code
    });
    std::process::exit(code);
}

/// The help that was asked for, on stdout; or what is wrong with the command line, on stderr.
fn usage(error: clap::Error) -> Result<i32, Failure> {
    if error.use_stderr() {
        let _ = error.print();
    } else if let Err(e) = error.print() {
        output::refused(&e)?;
    }
    Ok(error.exit_code())
}

/// May this command find keys? Feed and brain harden themselves further.
fn may_hold_keys(command: &Command) -> bool {
    use Command::{Audit, Brain, Config, Demo, Feed, Run, Sign};
    matches!(command, Demo(_) | Run(_) | Feed(_) | Brain(_) | Audit(_) | Config(_) | Sign(_))
}

fn run(cli: Cli) -> Result<i32, Failure> {
    if may_hold_keys(&cli.command) {
        // Before the first thread and before a key is read.
        let _ = aegis_node::hardening::process();
    }
    match cli.command {
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => demo::run(&args),
        Command::Feed(args) => children::feed(&args),
        Command::Brain(args) => children::brain(&args),
        Command::Audit(args) => operate::audit(&args),
        Command::Backtest(args) => research::backtest(&args),
        Command::Replay(args) => research::replay(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Data(args) => data::data(&args),
        Command::Exchange(args) => exchange::exchange(&args),
        Command::Store(args) => tools::store(&args),
        Command::Config(args) => tools::config(&args),
        Command::Sign(args) => tools::sign(&args),
        Command::Indicators(args) => indicators::indicators(&args),
        Command::Smc(args) => smc::smc(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Chaos(args) => chaos::chaos(&args),
        Command::Torture(args) => torture::torture(&args),
        Command::BenchChild(args) => Ok(aegis_bench::child(&args.words)),
        Command::AuditChild(args) => Ok(aegis_node::audit::child(&args.words)),
        Command::Status(args) => operate::status(&args),
        Command::Pause(args) => operate::command(aegis_types::Operator::Pause, &args),
        Command::Resume(args) => operate::command(aegis_types::Operator::Resume, &args),
        Command::Flatten(args) => operate::command(aegis_types::Operator::Flatten, &args),
        Command::Halt(args) => operate::command(aegis_types::Operator::Halt, &args),
        Command::Kill(args) => operate::kill(&args),
        Command::Alerts(args) => alerts::alerts(&args),
        Command::Ack(args) => alerts::ack(&args),
    }
}

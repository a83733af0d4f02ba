//! `aegis backtest` and `aegis replay`.

use crate::output::Reader;
use crate::{args, context, output};
use aegis_backtest::{Bar, Begin, ReplayError, replay_from};
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure, session};
use std::path::{Path, PathBuf};

pub fn backtest(args: &args::Backtest) -> Result<i32, Failure> {
    let settings = context::settings(&args.settings, args.data.market_seed)?;
    context::start_logging(&settings, None)?;
    let session = session::prepare(&settings, &context::wanted(&args.data)?)?;
    output::note(session::describe(&session));
    let mut facts = session::facts(&session)?;
    let bar = Bar::new("backtest", Some(session::fact_estimate(&session)));
    let report = aegis_backtest::run(&session, &mut facts, args.journal.as_deref(), |n| bar.at(n));
    bar.finish();
    let report = report.map_err(|e| Failure::failed(e.to_string(), ""))?;
    let report = report.with_refusals(&facts.refusals());
    if args.json {
        let mut object = serde_json::to_value(&report)
            .map_err(|e| Failure::failed(format!("report: {e}"), ""))?;
        object["finished"] = true.into();
        output::line(object)?;
    } else {
        output::line(report.text("Backtest"))?;
    }
    Ok(EXIT_OK)
}

/// A session's folder holds its journal in `journal/`; both names are understood.
pub fn journal_folder(path: &Path) -> PathBuf {
    let inner = path.join("journal");
    if inner.is_dir() { inner } else { path.to_path_buf() }
}

pub fn replay(args: &args::Replay) -> Result<i32, Failure> {
    let folder = journal_folder(&args.journal);
    let failed = |e: ReplayError| Failure::failed(e.to_string(), "");
    if args.print {
        return print(&folder, args.until).map_err(failed)?;
    }
    let begin = if args.from_snapshot { Begin::Snapshot } else { Begin::Start };
    let replay = replay_from(&folder, args.until, begin).map_err(failed)?;
    if args.json {
        let object = serde_json::to_value(&replay)
            .map_err(|e| Failure::failed(format!("replay: {e}"), ""))?;
        output::line(object)?;
    } else {
        output::line(&replay)?;
    }
    Ok(if replay.matches { EXIT_OK } else { EXIT_FAILED })
}

/// Every record as a line, until the reader has read enough.
fn print(folder: &Path, until: Option<u64>) -> Result<Result<i32, Failure>, ReplayError> {
    let mut printed = Ok(EXIT_OK);
    aegis_backtest::print(folder, until, |line| match output::line(line) {
        Ok(Reader::There) => {}
        // The records behind would be read for nobody.
        Ok(Reader::Gone) => std::process::exit(EXIT_OK),
        Err(failure) => printed = Err(failure),
    })?;
    Ok(printed)
}

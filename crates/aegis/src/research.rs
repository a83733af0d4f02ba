//! `aegis backtest` and `aegis replay`.

use crate::{args, context};
use aegis_backtest::{Bar, ReplayError};
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure, session};
use std::path::{Path, PathBuf};

pub fn backtest(args: &args::Backtest) -> Result<i32, Failure> {
    let settings = context::settings(&args.settings, args.data.market_seed)?;
    context::start_logging(&settings, None)?;
    let session = session::prepare(&settings, &context::wanted(&args.data)?)?;
    eprintln!("{}", session::describe(&session));
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
        println!("{object}");
    } else {
        println!("{}", report.text("Backtest"));
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
    let failed = |e: ReplayError| {
        Failure::failed(e.to_string(), "give a journal folder or a session's folder")
    };
    if args.print {
        aegis_backtest::print(&folder, args.until, |line| println!("{line}")).map_err(failed)?;
        return Ok(EXIT_OK);
    }
    let replay = aegis_backtest::replay(&folder, args.until).map_err(failed)?;
    if args.json {
        let object = serde_json::to_value(&replay)
            .map_err(|e| Failure::failed(format!("replay: {e}"), ""))?;
        println!("{object}");
    } else {
        println!("{replay}");
    }
    Ok(if replay.matches { EXIT_OK } else { EXIT_FAILED })
}

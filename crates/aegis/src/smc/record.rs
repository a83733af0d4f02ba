//! The record of one detector as a table.

use super::DetectorName;
use crate::args;
use crate::table::{self, Form, Stop, Table};
use aegis_node::Failure;
use aegis_node::session::data_failure;
use aegis_smc::record::{Period, RecordError, RecordOf, Recorder, session_window};

/// Swing length where none is given: the package's.
const SWING_LENGTH: u32 = 50;
/// Tolerance of equal highs where none is given: the package's.
const RANGE_PERCENT: f64 = 0.01;

/// Prints the record after the last candle.
pub fn print(args: &args::Smc, detector: DetectorName) -> Result<(), Stop> {
    let of = record_of(args, detector)?;
    let length = args.swing_length.unwrap_or(SWING_LENGTH);
    let mut bars = table::bars(&args.file)?;
    let mut recorder = Recorder::new(of, length, args.compat);
    while let Some(bar) = bars.next().map_err(data_failure)? {
        recorder.push(&bar);
    }
    let record = recorder.record();
    let names = record.columns().iter().map(|name| (*name).to_owned()).collect();
    let mut table = Table::new(table::stdout(), args.out.unwrap_or(Form::Csv), names);
    for (i, cells) in record.rows() {
        table.row(i, cells)?;
    }
    Ok(table.finish()?)
}

fn record_of(args: &args::Smc, detector: DetectorName) -> Result<RecordOf, Failure> {
    let usage = |flag: &str, e: RecordError| {
        Failure::usage(format!("{flag}: {e}"), "`aegis smc --help` shows the forms")
    };
    Ok(match detector {
        DetectorName::Swings => RecordOf::Swings,
        DetectorName::Fvg => RecordOf::Fvg { join: args.join },
        DetectorName::BosChoch => RecordOf::BosChoch { close: !args.wick },
        DetectorName::Ob => RecordOf::Ob { close_mitigation: args.close },
        DetectorName::Liquidity => {
            RecordOf::Liquidity { range_percent: args.range_percent.unwrap_or(RANGE_PERCENT) }
        }
        DetectorName::PrevHl => {
            let text = args.timeframe.as_deref().unwrap_or("1D");
            let period = Period::parse(text).map_err(|e| usage("--timeframe", e))?;
            RecordOf::PrevHl { period }
        }
        DetectorName::Sessions => {
            let text = session(args)?;
            let window = session_window(&text, args.compat).map_err(|e| usage("--session", e))?;
            RecordOf::Sessions { window }
        }
        DetectorName::Retracements => RecordOf::Retracements,
    })
}

/// The session as `session_window` reads it.
fn session(args: &args::Smc) -> Result<String, Failure> {
    let Some(text) = args.session.as_deref() else {
        return Err(Failure::usage(
            "--detector sessions needs a session",
            "add --session with a name, such as London or 'New York kill zone', or HH:MM-HH:MM",
        ));
    };
    let named = !text.trim_start().starts_with(|c: char| c.is_ascii_digit());
    match args.zone.as_deref() {
        None => Ok(text.to_owned()),
        Some(_) if named => Err(Failure::usage(
            format!("--zone means nothing to `{text}`, whose clock is known"),
            "leave it out, or give --session a window HH:MM-HH:MM",
        )),
        Some("utc") => Ok(format!("{text} UTC")),
        Some(_) if args.compat => Err(Failure::usage(
            "--zone new_york and --compat exclude each other: the package's windows are UTC",
            "leave one of them out",
        )),
        Some(_) => Ok(text.to_owned()),
    }
}

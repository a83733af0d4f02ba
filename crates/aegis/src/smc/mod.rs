//! `aegis smc`: live events, the record of one detector, or a picture.

mod chart;
mod live;
mod record;
mod smt;

use crate::args;
use crate::table::exit;
use aegis_node::Failure;
use clap::ValueEnum;

/// Which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DetectorName {
    /// Swing highs and lows.
    Swings,
    /// Fair value gaps.
    Fvg,
    /// Breaks of structure and changes of character.
    #[value(name = "bos_choch")]
    BosChoch,
    /// Order blocks.
    Ob,
    /// Pools of equal highs or lows.
    Liquidity,
    /// The previous period's high and low.
    #[value(name = "prev_hl")]
    PrevHl,
    /// Sessions and kill zones.
    Sessions,
    /// Retracements between swings.
    Retracements,
}

pub fn smc(args: &args::Smc) -> Result<i32, Failure> {
    only_known(args)?;
    if args.smt.as_ref() == Some(&args.file) {
        return Err(Failure::usage(
            "--smt names the same candles as FILE",
            "give the candles of a second symbol that moves with the first",
        ));
    }
    match args.detector {
        None if args.chart.chart.is_some() => exit(chart::draw(args)),
        None => exit(live::print(args)),
        Some(detector) => exit(record::print(args, detector)),
    }
}

/// Every option belongs to some outputs; one that has no meaning here is a mistake worth telling.
fn only_known(args: &args::Smc) -> Result<(), Failure> {
    use DetectorName::{BosChoch, Fvg, Liquidity, Ob, PrevHl, Retracements, Sessions, Swings};
    const ALL: &[DetectorName] =
        &[Swings, Fvg, BosChoch, Ob, Liquidity, PrevHl, Sessions, Retracements];
    const OF_SWINGS: &[DetectorName] = &[Swings, BosChoch, Ob, Liquidity, Retracements];
    let given = |live, flag, given, detectors| (live, flag, given, detectors);
    let options: [(bool, &str, bool, &[DetectorName]); 13] = [
        given(true, "--swing-length", args.swing_length.is_some(), OF_SWINGS),
        given(false, "--close", args.close, &[BosChoch, Ob]),
        given(false, "--wick", args.wick, &[BosChoch, Ob]),
        given(false, "--join", args.join, &[Fvg]),
        given(false, "--range-percent", args.range_percent.is_some(), &[Liquidity]),
        given(false, "--timeframe", args.timeframe.is_some(), &[PrevHl]),
        given(false, "--session", args.session.is_some(), &[Sessions]),
        given(false, "--zone", args.zone.is_some(), &[Sessions]),
        given(false, "--compat", args.compat, ALL),
        given(true, "--internal-length", args.internal_length.is_some(), &[]),
        given(true, "--chart", args.chart.chart.is_some(), &[]),
        given(true, "--smt", args.smt.is_some(), &[]),
        given(true, "--concepts", !args.concepts.is_empty(), &[]),
    ];
    let belongs = |live: bool, to: &[DetectorName]| match args.detector {
        None => live,
        Some(detector) => to.contains(&detector),
    };
    for (live, flag, given, to) in options {
        if !given || belongs(live, to) {
            continue;
        }
        let here = match args.detector {
            None => "live events (no --detector)".to_owned(),
            Some(detector) => format!("--detector {}", name(detector)),
        };
        let mut places: Vec<&str> = to.iter().map(|d| name(*d)).collect();
        if live {
            places.push("live events");
        }
        return Err(Failure::usage(
            format!("{flag} means nothing to {here}"),
            format!("leave it out; it belongs to: {}", places.join(", ")),
        ));
    }
    Ok(())
}

fn name(detector: DetectorName) -> &'static str {
    match detector {
        DetectorName::Swings => "swings",
        DetectorName::Fvg => "fvg",
        DetectorName::BosChoch => "bos_choch",
        DetectorName::Ob => "ob",
        DetectorName::Liquidity => "liquidity",
        DetectorName::PrevHl => "prev_hl",
        DetectorName::Sessions => "sessions",
        DetectorName::Retracements => "retracements",
    }
}

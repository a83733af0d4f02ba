//! Live events as JSON lines, each printed when it is known.

use super::smt::Second;
use crate::args;
use crate::table::{self, Form, Stop, number};
use aegis_node::Failure;
use aegis_node::session::data_failure;
use aegis_smc::{Concepts, Detector, Event, Params, Which};
use aegis_types::{Bar, Nanos, Side};
use std::io::{self, Write};

/// Names of the concepts that may be chosen.
const CONCEPTS: [(&str, Concepts); 15] = [
    ("internal", Concepts::INTERNAL),
    ("strength", Concepts::STRENGTH),
    ("gaps", Concepts::GAPS),
    ("imbalances", Concepts::IMBALANCES),
    ("blocks", Concepts::BLOCKS),
    ("lux", Concepts::LUX),
    ("liquidity", Concepts::LIQUIDITY),
    ("equals", Concepts::EQUALS),
    ("turtle_soup", Concepts::TURTLE_SOUP),
    ("range", Concepts::RANGE),
    ("sessions", Concepts::SESSIONS),
    ("periods", Concepts::PERIODS),
    ("models", Concepts::MODELS),
    ("opening_gaps", Concepts::OPENING_GAPS),
    ("all", Concepts::ALL),
];

/// An event, and of a divergence, whose swing went further.
pub type Told = (Option<Which>, Event);

/// Prints the events of a file; a reader that waits at the other end of a pipe sees each at once.
pub fn print(args: &args::Smc) -> Result<(), Stop> {
    if args.out == Some(Form::Csv) {
        return Err(Failure::usage(
            "live events are printed as JSON lines, not as CSV",
            "leave --out away, or choose one record with --detector",
        )
        .into());
    }
    let mut to = table::stdout();
    let ended = read(args, |bar, events, is_ready| {
        for (which, event) in events {
            line(&mut to, *which, event, bar.time())?;
        }
        if is_ready { Ok(()) } else { Ok(to.flush()?) }
    });
    // What was found before a bad line is shown before it is told.
    to.flush()?;
    ended
}

/// Reads a file, with its second one if there is one, and hands over each bar with what became
/// known at its close, and whether the next bar is already there.
pub fn read(
    args: &args::Smc,
    mut hear: impl FnMut(&Bar, &[Told], bool) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let params = params(args)?;
    let mut bars = table::bars(&args.file)?;
    let mut second = match &args.smt {
        Some(path) => Some(Second::open(path, args.swing_length)?),
        None => None,
    };
    let mut detector = Detector::new(&params);
    let mut events: Vec<Told> = Vec::new();
    loop {
        let at = detector.bars();
        let Some(bar) = bars.next().map_err(data_failure)? else { return Ok(()) };
        detector.push(&bar, &mut |event| events.push((None, event)));
        if let Some(second) = &mut second {
            second.push(at, &bar, &mut |which, event| events.push((Some(which), event)))?;
        }
        hear(&bar, &events, bars.is_ready())?;
        events.clear();
    }
}

/// Parameters of the detectors as this call wants them.
pub fn params(args: &args::Smc) -> Result<Params, Failure> {
    let mut params = Params::default();
    if let Some(length) = args.swing_length {
        params.pivot.length = length;
    }
    if let Some(length) = args.internal_length {
        params.internal.length = length;
    }
    if !args.concepts.is_empty() {
        params.concepts = Concepts::NONE;
        for name in &args.concepts {
            let known = CONCEPTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((_, concepts)) = known else {
                let names: Vec<&str> = CONCEPTS.iter().map(|(name, _)| *name).collect();
                return Err(Failure::usage(
                    format!("--concepts: there is no concept `{name}`"),
                    format!("choose among {}", names.join(", ")),
                ));
            };
            params.concepts = params.concepts.with(*concepts);
        }
    }
    Ok(params)
}

/// One event; `time` is the open time of the bar at whose close it became known. A divergence says
/// whose swing went further.
fn line(to: &mut impl Write, which: Option<Which>, event: &Event, time: Nanos) -> io::Result<()> {
    let Event { at, pos, kind, of, side, level, far, amount } = *event;
    let side = match side {
        Some(Side::Buy) => "\"buy\"",
        Some(Side::Sell) => "\"sell\"",
        None => "null",
    };
    let (kind, of) = (kind.code(), of.code());
    write!(to, r#"{{"at":{at},"kind":"{kind}","pos":{pos},"of":"{of}","side":{side}"#)?;
    for (name, value) in [("level", level), ("far", far), ("amount", amount)] {
        write!(to, r#","{name}":"#)?;
        number(to, value)?;
    }
    if let Some(which) = which {
        let symbol = if which == Which::First { "this" } else { "other" };
        write!(to, r#","symbol":"{symbol}""#)?;
    }
    writeln!(to, r#","time":{}}}"#, time.as_millis())
}

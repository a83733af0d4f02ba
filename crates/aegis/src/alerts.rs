//! `aegis alerts` and `aegis ack`: they work on the file alone, whether a system runs or not.

use crate::{args, context, output};
use aegis_node::alerts::{Alerts, Entry};
use aegis_node::home::Home;
use aegis_node::{EXIT_OK, Failure};
use aegis_types::Nanos;
use serde_json::json;

fn open() -> Result<Alerts, Failure> {
    Alerts::open(&Home::of_running(&context::home_path()?).alerts())
}

/// Prints what waits, or everything.
pub fn alerts(args: &args::Alerts) -> Result<i32, Failure> {
    let alerts = open()?;
    let shown: Vec<&Entry> =
        alerts.all().iter().filter(|entry| args.all || entry.is_open()).collect();
    if args.json {
        let open = alerts.open_ones().count();
        let unreadable = alerts.unreadable();
        output::line(json!({ "alerts": shown, "open": open, "unreadable_lines": unreadable }))?;
        return Ok(EXIT_OK);
    }
    if shown.is_empty() {
        output::line("no alert waits")?;
    }
    for entry in shown {
        let state = match (entry.told.must_ack, entry.acked) {
            (_, Some(_)) => "acknowledged",
            (true, None) => "WAITS",
            (false, None) => "told",
        };
        let (at, told) = (Nanos::from_millis(entry.at).utc(), &entry.told);
        let symbol = if told.symbol.is_empty() { "-" } else { &told.symbol };
        let (id, code, text) = (entry.id, &told.code, &told.text);
        output::line(format_args!("{id:>5}  {at}  {state:<12} {code:<16} {symbol:<12} {text}"))?;
    }
    Ok(EXIT_OK)
}

/// Acknowledges.
pub fn ack(args: &args::Ack) -> Result<i32, Failure> {
    let all = args.ids.iter().any(|id| id == "all");
    let ids: Result<Vec<u64>, Failure> =
        args.ids.iter().filter(|id| *id != "all").map(number).collect();
    let ids = ids?;
    let acknowledged = open()?.acknowledge((!all).then_some(&ids))?;
    if args.json {
        output::line(json!({ "acknowledged": acknowledged }))?;
    } else {
        output::line(format_args!("acknowledged: {}", acknowledged.len()))?;
    }
    Ok(EXIT_OK)
}

fn number(text: &String) -> Result<u64, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(format!("`{text}` is no number of an alert"), "`aegis alerts` prints them")
    })
}

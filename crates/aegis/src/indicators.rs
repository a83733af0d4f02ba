//! `aegis indicators`: a row a candle.

use crate::args;
use crate::table::{self, Form, Stop, Table, exit};
use aegis_indicators::catalogue::{Call, ENTRIES, Entry, Row, column_names};
use aegis_node::Failure;
use aegis_node::session::data_failure;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

pub fn indicators(args: &args::Indicators) -> Result<i32, Failure> {
    if args.list {
        return exit(list(args.out));
    }
    let calls: Result<Vec<Call>, Failure> = args.calls.iter().map(|text| parse(text)).collect();
    let calls = calls?;
    let (Some(file), false) = (&args.file, calls.is_empty()) else {
        return Err(Failure::usage(
            "no indicator is named",
            "name at least one after the file, such as 'rsi(9)'; `aegis indicators --list` \
             prints them all",
        ));
    };
    exit(rows(file, &calls, args.out))
}

fn parse(text: &str) -> Result<Call, Failure> {
    Call::parse(text).map_err(|e| {
        Failure::usage(e.to_string(), "`aegis indicators --list` prints every name and parameter")
    })
}

fn rows(file: &Path, calls: &[Call], form: Form) -> Result<(), Stop> {
    let mut bars = table::bars(file)?;
    let mut made: Vec<(Box<dyn Row>, usize)> =
        calls.iter().map(|call| (call.build(), call.entry().columns.len())).collect();
    let names = column_names(calls);
    let mut cells = vec![None; names.len()];
    let mut table = Table::new(table::stdout(), form, names);
    let mut i = 0;
    loop {
        if !bars.is_ready() {
            table.flush()?;
        }
        let Some(bar) = bars.next().map_err(|e| early(&mut table, e))? else { break };
        let mut rest = &mut cells[..];
        for (row, count) in &mut made {
            let (own, others) = rest.split_at_mut(*count);
            row.push(&bar, own);
            rest = others;
        }
        for cell in &mut cells {
            // A sum beyond the floats has no value that could be shown.
            *cell = cell.filter(|value| value.is_finite());
        }
        table.row(i, &cells)?;
        i += 1;
    }
    Ok(table.finish()?)
}

/// The rows before a bad one are shown before it is told.
fn early<W: Write>(table: &mut Table<W>, error: aegis_data::DataError) -> Stop {
    match table.flush() {
        Ok(()) => Stop::Failed(data_failure(error)),
        Err(e) => Stop::Stdout(e),
    }
}

fn list(form: Form) -> Result<(), Stop> {
    let mut to = table::stdout();
    if form == Form::Json {
        let all: Vec<Value> = ENTRIES.iter().map(object).collect();
        writeln!(to, "{}", Value::Array(all))?;
        return Ok(to.flush()?);
    }
    let width = |text: fn(&Entry) -> String| ENTRIES.iter().map(|e| text(e).len()).max();
    let signature = |entry: &Entry| entry.signature();
    let columns = |entry: &Entry| entry.columns.join(",");
    let (first, second) = (width(signature).unwrap_or(0), width(columns).unwrap_or(0));
    for entry in &ENTRIES {
        let (signature, columns) = (signature(entry), columns(entry));
        writeln!(to, "{signature:<first$}  {columns:<second$}  {}", entry.about)?;
    }
    Ok(to.flush()?)
}

fn object(entry: &Entry) -> Value {
    let parameters: Vec<Value> = entry
        .parameters
        .iter()
        .map(|p| json!({ "name": p.name, "default": p.default, "allowed": p.kind.to_string() }))
        .collect();
    json!({
        "name": entry.name, "signature": entry.signature(), "parameters": parameters,
        "columns": entry.columns, "about": entry.about,
    })
}

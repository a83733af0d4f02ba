//! `aegis data import`.

use super::args;
use super::{counted, folder};
use crate::output;
use aegis_data::{ImportConfig, ImportReport};
use aegis_node::session::data_failure;
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure};
use serde_json::{Value, json};

pub fn import(args: &args::Import) -> Result<i32, Failure> {
    let config = ImportConfig {
        files: args.files.clone(),
        symbol: args.symbol.clone(),
        out: folder(args.out.as_deref())?,
        time_unit: args.time_unit,
        dedup: args.dedup,
        sort: args.sort,
        skip_bad: args.skip_bad,
        force: args.force,
    };
    let report = aegis_data::import(&config).map_err(data_failure)?;
    if args.json {
        output::line(object(&report))?;
    } else {
        output::text(text(&report))?;
    }
    if let Some(why) = report.refusal() {
        output::note(format_args!("error: nothing was written: {why}"));
        return Ok(EXIT_FAILED);
    }
    Ok(EXIT_OK)
}

fn object(report: &ImportReport) -> Value {
    let bad: Vec<Value> = report
        .bad
        .iter()
        .map(|b| {
            json!({
                "file": b.path, "line": b.line, "problem": b.problem.code(), "detail": b.detail,
            })
        })
        .collect();
    let sources: Vec<Value> = report
        .sources
        .iter()
        .map(|s| json!({ "file": s.path, "bytes": s.bytes, "sha256": s.sha256, "rows": s.rows }))
        .collect();
    json!({
        "symbol": report.symbol, "written": report.path.is_some(), "path": report.path,
        "sha256": report.sha256, "rows": report.rows, "first": report.first.utc().to_string(),
        "last": report.last.utc().to_string(), "gaps": report.gaps, "missing": report.missing,
        "bad_rows": report.bad_rows, "bad": bad, "duplicates": report.duplicates,
        "unordered": report.unordered, "sources": sources,
    })
}

fn text(report: &ImportReport) -> String {
    let mut text = String::new();
    for bad in &report.bad {
        let (path, line, code) = (bad.path.display(), bad.line, bad.problem.code());
        text.push_str(&format!("{path}:{line}: {code}: {}\n", bad.detail));
    }
    let more = report.bad_rows - report.bad.len() as u64;
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    let (symbol, rows) = (&report.symbol, counted(report.rows, "candle"));
    let (first, last) = (report.first.utc(), report.last.utc());
    text.push_str(&format!("{symbol}: {rows} of 1m, {first} to {last} UTC\n"));
    if report.gaps > 0 {
        let (gaps, minutes) = (counted(report.gaps, "gap"), counted(report.missing, "minute"));
        text.push_str(&format!("{gaps}, {minutes} missing; they stay missing\n"));
    }
    for (count, what) in [
        (report.bad_rows, "left out as impossible"),
        (report.duplicates, "left out as repeated"),
        (report.unordered, "put in order"),
    ] {
        if count > 0 && report.path.is_some() {
            text.push_str(&format!("{} {what}\n", counted(count, "row")));
        }
    }
    if let Some(path) = &report.path {
        text.push_str(&format!("written: {}\n", path.display()));
    }
    text
}

//! `aegis data info`.

use super::args;
use super::{counted, paths, size};
use crate::output;
use crate::output::Reader;
use aegis_backtest::Bar;
use aegis_data::{Content, Limits, Survey, data_files, grid, survey};
use aegis_node::session::data_failure;
use aegis_node::{EXIT_OK, Failure};
use aegis_types::{Nanos, Px};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn info(args: &args::Info) -> Result<i32, Failure> {
    let (files, others) = data_files(&paths(&args.paths)?).map_err(data_failure)?;
    let bar = Bar::new("info", Some(files.len() as u64));
    let limits = Limits { kept: 0, ..Limits::default() };
    let surveys = survey(&files, &limits, |done| bar.at(done as u64));
    bar.finish();
    let groups = groups(&surveys);
    if args.json {
        let files: Vec<Value> = surveys.iter().map(file).collect();
        let symbols: Vec<Value> = groups.iter().map(|(content, g)| g.object(content)).collect();
        output::line(json!({ "files": files, "symbols": symbols, "passed_over": others }))?;
        return Ok(EXIT_OK);
    }
    for survey in &surveys {
        if output::text(file_text(survey))? == Reader::Gone {
            return Ok(EXIT_OK);
        }
    }
    for (content, group) in &groups {
        output::line(group.text(content))?;
    }
    Ok(EXIT_OK)
}

/// The files of one series of a symbol, added up.
#[derive(Default)]
struct Group {
    files: u64,
    rows: u64,
    bytes: u64,
    first: Option<Nanos>,
    last: Option<Nanos>,
    gaps: u64,
    missing: u64,
    price_decimals: [u64; 9],
    quantity_decimals: Option<u8>,
    violations: u64,
}

fn groups(surveys: &[Survey]) -> BTreeMap<Content, Group> {
    let mut groups: BTreeMap<Content, Group> = BTreeMap::new();
    for survey in surveys {
        let group = groups.entry(survey.content.clone()).or_default();
        group.files += 1;
        group.rows += survey.rows;
        group.bytes += survey.bytes;
        group.first = group.first.into_iter().chain(survey.first).min();
        group.last = group.last.max(survey.last);
        group.gaps += survey.gaps;
        group.missing += survey.missing;
        for (all, own) in group.price_decimals.iter_mut().zip(survey.price_decimals) {
            *all += own;
        }
        group.quantity_decimals = group.quantity_decimals.max(survey.quantity_decimals);
        group.violations += survey.violations();
    }
    groups
}

impl Group {
    fn object(&self, content: &Content) -> Value {
        json!({
            "symbol": content.symbol, "type": content.series.name(), "interval": content.interval,
            "files": self.files, "rows": self.rows, "bytes": self.bytes,
            "first": time(self.first), "last": time(self.last), "gaps": self.gaps,
            "missing": self.missing, "price_step": step(grid(&self.price_decimals)),
            "quantity_step": step(self.quantity_decimals), "violations": self.violations,
        })
    }

    fn text(&self, content: &Content) -> String {
        let (symbol, what, bytes) = (&content.symbol, content.text(), size(self.bytes));
        let (files, rows) = (counted(self.files, "file"), counted(self.rows, "row"));
        let mut text = format!("{symbol} {what}: {files}, {bytes}, {rows}");
        if let (Some(first), Some(last)) = (self.first, self.last) {
            text.push_str(&format!(", {} to {} UTC", first.utc(), last.utc()));
        }
        text.push_str(&format!(", {} ({} missing)", counted(self.gaps, "gap"), self.missing));
        if let Some(price) = step(grid(&self.price_decimals)) {
            text.push_str(&format!(", price step {price}"));
        }
        if let Some(quantity) = step(self.quantity_decimals) {
            text.push_str(&format!(", quantity step {quantity}"));
        }
        if self.violations > 0 {
            let violations = counted(self.violations, "violation");
            text.push_str(&format!(", {violations}: see `aegis data verify`"));
        }
        text
    }
}

fn file(survey: &Survey) -> Value {
    let content = &survey.content;
    json!({
        "file": survey.path, "symbol": content.symbol, "type": content.series.name(),
        "interval": content.interval, "rows": survey.rows, "bytes": survey.bytes,
        "first": time(survey.first), "last": time(survey.last),
        "first_ms": survey.first.map(Nanos::as_millis),
        "last_ms": survey.last.map(Nanos::as_millis),
        "step_ms": survey.step.map(Nanos::as_millis),
        "gaps": survey.gaps, "missing": survey.missing,
        "price_step": step(survey.price_grid()), "quantity_step": step(survey.quantity_decimals),
        "sha256": survey.sha256, "checksum": match survey.checksum {
            Some(true) => "verified",
            Some(false) => "wrong",
            None => "absent",
        },
        "violations": survey.violations(),
    })
}

fn file_text(survey: &Survey) -> String {
    let (path, bytes) = (survey.path.display(), size(survey.bytes));
    let mut text = format!("{path}\n  {bytes}, sha256 {}\n", survey.sha256);
    let rows = counted(survey.rows, "row");
    if let (Some(first), Some(last)) = (survey.first, survey.last) {
        let (first, last) = (first.utc(), last.utc());
        let gaps = counted(survey.gaps, "gap");
        text.push_str(&format!("  {rows}, {first} to {last} UTC, {gaps}\n"));
    } else {
        text.push_str(&format!("  {rows}\n"));
    }
    text
}

fn time(at: Option<Nanos>) -> Option<String> {
    at.map(|at| at.utc().to_string())
}

/// The step of a grid of so many decimals, as a decimal.
fn step(decimals: Option<u8>) -> Option<String> {
    decimals.map(|n| Px::from_raw(10i64.pow(8 - u32::from(n.min(8)))).to_string())
}

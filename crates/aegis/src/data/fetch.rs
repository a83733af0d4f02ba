//! `aegis data fetch`.

use super::args;
use super::{counted, folder, size};
use crate::{context, output};
use aegis_backtest::Bar;
use aegis_data::{Date, FetchConfig, FetchReport, Outcome, Plan, Wanted};
use aegis_node::session::data_failure;
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure};
use serde_json::{Value, json};
use std::path::Path;

pub fn fetch(args: &args::Fetch) -> Result<i32, Failure> {
    let settings = context::settings(&args.settings, None)?;
    let base_url = args.base_url.as_deref().unwrap_or(settings.archive_url());
    let out = folder(args.out.as_deref())?;
    let wanted = Wanted {
        symbols: args.names.iter().chain(&args.symbols).cloned().collect(),
        series: args.series.clone(),
        intervals: args.intervals.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
    };
    let today = Date::of(aegis_node::clock::wall());
    let plan = Plan::new(&wanted, today).map_err(data_failure)?;
    let config = FetchConfig {
        jobs: usize::from(args.jobs),
        force: args.force,
        breaks_max: args.attempts,
        ..FetchConfig::new(base_url, &out)
    };
    let bar = Bar::new("fetch", Some(plan.files().count() as u64));
    let report = aegis_data::fetch(&config, &plan, |progress| {
        bar.of(progress.total());
        bar.say(format!("fetch {}", size(progress.bytes())));
        bar.at(progress.done());
    });
    bar.finish();
    let report = report.map_err(data_failure)?;
    if args.json {
        output::line(object(&report, &plan, &out))?;
    } else {
        output::text(text(&report, &plan, &out))?;
    }
    Ok(if report.is_well() { EXIT_OK } else { EXIT_FAILED })
}

fn object(report: &FetchReport, plan: &Plan, out: &Path) -> Value {
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|f| {
            let mut object = json!({
                "file": f.file.name(), "symbol": f.file.symbol, "type": f.file.series.name(),
                "interval": f.file.interval, "period": f.file.period.to_string(),
                "path": f.path, "outcome": f.outcome.code(), "sha256": f.sha256,
            });
            if let Outcome::Failed(why) = &f.outcome {
                object["why"] = why.as_str().into();
            }
            object
        })
        .collect();
    let names = |code: &str| -> Vec<String> {
        let of = report.files.iter().filter(|f| f.outcome.code() == code);
        of.map(|f| f.file.name()).collect()
    };
    let n = |code: &str| report.count(code);
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    json!({
        "out": absolute, "from": plan.days.0.to_string(), "to": plan.days.1.to_string(),
        "complete": report.is_complete(), "bytes": report.bytes,
        "fetched": n("fetched"), "resumed": n("resumed"), "replaced": n("replaced"),
        "kept": n("kept"), "covered": n("covered"), "by_days": n("by_days"),
        "missing": names("missing"), "pending": names("pending"), "failed": names("failed"),
        "superseded": report.superseded, "files": files,
    })
}

fn text(report: &FetchReport, plan: &Plan, out: &Path) -> String {
    let mut text = String::new();
    for path in &report.superseded {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("removed, its month is here now: {name}\n"));
    }
    for run in runs(report, &Outcome::Missing) {
        text.push_str(&format!("missing in the archive: {run}\n"));
    }
    for run in runs(report, &Outcome::Pending) {
        text.push_str(&format!("not yet in the archive: {run}\n"));
    }
    for file in &report.files {
        if let Outcome::Failed(why) = &file.outcome {
            text.push_str(&format!("failed: {}: {why}\n", file.file.name()));
        }
    }
    let came = report.count("fetched") + report.count("resumed") + report.count("replaced");
    let here = report.count("kept") + report.count("covered");
    let (from, to) = plan.days;
    let mut parts = vec![format!("{came} fetched ({})", size(report.bytes))];
    for (count, what) in [
        (report.count("resumed"), "of them resumed"),
        (report.count("replaced"), "of them replaced by the archive"),
        (here, "here already"),
        (report.count("missing"), "missing"),
        (report.count("pending"), "not yet there"),
        (report.count("failed"), "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let files = report.files.len() - report.count("by_days");
    let (files, parts) = (counted(files as u64, "file"), parts.join(", "));
    text.push_str(&format!("{from} to {to}, {files}: {parts}\n"));
    if report.is_well() {
        text.push_str(&format!("check them: aegis data verify {}\n", out.display()));
    } else {
        text.push_str("not complete; the same call asks again for what is not here\n");
    }
    text
}

/// Files of one outcome, those of neighbouring days as one.
fn runs(report: &FetchReport, outcome: &Outcome) -> Vec<String> {
    let files = report.files.iter().map(|f| &f.file).zip(&report.files);
    let missing: Vec<_> =
        files.filter(|(_, f)| f.outcome == *outcome).map(|(file, _)| file).collect();
    let next = |a: &&aegis_data::ArchiveFile, b: &&aegis_data::ArchiveFile| {
        let same = (&a.symbol, a.series, a.interval) == (&b.symbol, b.series, b.interval);
        same && a.period.last().plus(1) == b.period.first()
    };
    missing
        .chunk_by(next)
        .map(|run| match run {
            [one] => one.name(),
            [first, .., last] => format!("{} to {}", first.name(), last.period),
            [] => String::new(),
        })
        .collect()
}

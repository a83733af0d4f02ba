//! `aegis data verify`.

use super::args;
use super::{counted, paths};
use crate::output::Reader;
use crate::{context, output};
use aegis_backtest::Bar;
use aegis_data::{Limits, Problem, Survey, data_files, survey};
use aegis_node::session::data_failure;
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn verify(args: &args::Verify) -> Result<i32, Failure> {
    let settings = context::settings(&args.settings, None)?;
    let firewall = settings.firewall();
    let limits = Limits {
        jump_factor: firewall.jump_factor,
        jump_window: firewall.jump_window,
        outlier: args.outlier,
        quiet_candles: args.quiet_candles,
        kept: args.limit,
    };
    let (files, others) = data_files(&paths(&args.paths)?).map_err(data_failure)?;
    let bar = Bar::new("verify", Some(files.len() as u64));
    let surveys = survey(&files, &limits, |done| bar.at(done as u64));
    bar.finish();
    if args.json {
        output::line(object(&surveys, others))?;
    } else {
        text(&surveys, others)?;
    }
    let violations: u64 = surveys.iter().map(Survey::violations).sum();
    Ok(if violations == 0 { EXIT_OK } else { EXIT_FAILED })
}

/// How often each problem was found in all files, without zeros.
fn by_problem(surveys: &[Survey]) -> BTreeMap<&'static str, u64> {
    let count = |problem: &Problem| surveys.iter().map(|s| s.count(*problem)).sum();
    let all = Problem::ALL.iter().map(|problem| (problem.code(), count(problem)));
    all.filter(|(_, count)| *count > 0).collect()
}

fn object(surveys: &[Survey], others: usize) -> Value {
    let mut findings = Vec::new();
    let (mut violations, mut warnings) = (0, 0);
    for survey in surveys {
        violations += survey.violations();
        warnings += survey.warnings();
        findings.extend(survey.findings.iter().map(|f| {
            json!({
                "file": survey.path, "line": f.line, "problem": f.problem.code(),
                "violation": f.problem.is_violation(), "detail": f.detail,
            })
        }));
    }
    let with = |checksum| surveys.iter().filter(|s| s.checksum == checksum).count();
    json!({
        "ok": violations == 0, "files": surveys.len(),
        "rows": surveys.iter().map(|s| s.rows).sum::<u64>(),
        "violations": violations, "warnings": warnings, "by_problem": by_problem(surveys),
        "checksums": { "verified": with(Some(true)), "wrong": with(Some(false)),
                       "absent": with(None) },
        "passed_over": others, "findings_left_out":
            violations + warnings - findings.len() as u64,
        "findings": findings,
    })
}

fn text(surveys: &[Survey], others: usize) -> Result<(), Failure> {
    let (mut violations, mut warnings, mut shown) = (0, 0, 0);
    for survey in surveys {
        let path = survey.path.display();
        violations += survey.violations();
        warnings += survey.warnings();
        shown += survey.findings.len() as u64;
        for finding in &survey.findings {
            let (code, detail) = (finding.problem.code(), &finding.detail);
            let place = match finding.line {
                0 => path.to_string(),
                line => format!("{path}:{line}"),
            };
            let mark = if finding.problem.is_violation() { "" } else { "note: " };
            if output::line(format_args!("{place}: {mark}{code}: {detail}"))? == Reader::Gone {
                return Ok(());
            }
        }
    }
    let left_out = violations + warnings - shown;
    if left_out > 0 {
        output::line(format_args!("{left_out} more are not shown; --limit shows them"))?;
    }
    if others > 0 {
        let others = counted(others as u64, "file");
        output::line(format_args!("{others} passed over: the names do not say what is inside"))?;
    }
    let rows: u64 = surveys.iter().map(|s| s.rows).sum();
    let verified = surveys.iter().filter(|s| s.checksum == Some(true)).count();
    let problems = by_problem(surveys);
    let problems: Vec<String> = problems.iter().map(|(code, n)| format!("{n} {code}")).collect();
    let mut line = format!("{}, {rows} rows, ", counted(surveys.len() as u64, "file"));
    line.push_str(&match (violations, warnings) {
        (0, 0) => "nothing found".to_owned(),
        (0, n) => format!("no violation, {n} worth a look"),
        (n, 0) => counted(n, "violation"),
        (n, w) => format!("{}, {w} worth a look", counted(n, "violation")),
    });
    if !problems.is_empty() {
        line.push_str(&format!(" ({})", problems.join(", ")));
    }
    output::line(format_args!("{line}; {verified} checked against their CHECKSUM"))?;
    Ok(())
}

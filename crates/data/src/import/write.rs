//! The file that an import writes, its checksum and its manifest.

use super::{ImportConfig, ImportReport, Placed};
use crate::error::DataError;
use crate::scan;
use aegis_types::Nanos;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                      taker_buy_volume,taker_buy_quote_volume,ignore";

/// Writes under another name first: a file of this name is always whole.
pub(super) fn write(
    config: &ImportConfig,
    name: &str,
    rows: &[Placed],
    report: &mut ImportReport,
) -> Result<(), DataError> {
    let (target, part) =
        (config.out.join(format!("{name}.csv.gz")), config.out.join(format!("{name}.csv.gz.part")));
    let failed = |path: &Path, e: &io::Error| {
        DataError::file(
            path,
            format!("writing it failed ({e})"),
            "make room, or name a folder that can be written with --out",
        )
    };
    fs::create_dir_all(&config.out).map_err(|e| failed(&config.out, &e))?;
    if target.exists() && !config.force {
        return Err(DataError::file(&target, "it is there already", "--force writes over it"));
    }
    candles(&part, rows).map_err(|e| failed(&part, &e))?;
    let (_, sha256) = scan::hash(&part)?;
    fs::rename(&part, &target).map_err(|e| failed(&target, &e))?;
    let beside = |ending: &str| config.out.join(format!("{name}{ending}"));
    let checksum = beside(".csv.gz.CHECKSUM");
    let line = format!("{sha256}  {name}.csv.gz\n");
    fs::write(&checksum, line).map_err(|e| failed(&checksum, &e))?;
    report.path = Some(target);
    report.sha256 = sha256;
    let manifest = beside(".manifest.json");
    let text = format!("{:#}\n", manifest_of(config, report));
    fs::write(&manifest, text).map_err(|e| failed(&manifest, &e))
}

fn candles(path: &Path, rows: &[Placed]) -> io::Result<()> {
    // No name and no time inside: the same rows are the same bytes.
    let file = BufWriter::new(GzEncoder::new(File::create(path)?, Compression::best()));
    let mut file = file;
    writeln!(file, "{HEADER}")?;
    for placed in rows {
        let row = &placed.row;
        let (open, close) = (row.at.as_millis(), row.at.after(Nanos::MINUTE).as_millis() - 1);
        write!(file, "{open},{},{},{},{},", row.open, row.high, row.low, row.close)?;
        write!(file, "{},{close}", row.volume)?;
        for more in &row.more {
            write!(file, ",{}", more.as_deref().unwrap_or_default())?;
        }
        writeln!(file, ",")?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?.sync_all()
}

/// Where the file comes from, and what was left out on the way.
fn manifest_of(config: &ImportConfig, report: &ImportReport) -> serde_json::Value {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sources: Vec<_> = report
        .sources
        .iter()
        .map(|s| {
            json!({ "file": name(&s.path), "bytes": s.bytes, "sha256": s.sha256, "rows": s.rows })
        })
        .collect();
    let bad: Vec<_> = report
        .bad
        .iter()
        .map(|b| {
            json!({
                "file": name(&b.path), "line": b.line, "problem": b.problem.code(),
                "detail": b.detail,
            })
        })
        .collect();
    json!({
        "symbol": report.symbol, "interval": "1m", "file": report.path.as_deref().map(name),
        "sha256": report.sha256, "rows": report.rows, "first": report.first.utc().to_string(),
        "last": report.last.utc().to_string(), "gaps": report.gaps, "missing": report.missing,
        "left_out": { "bad_rows": report.bad_rows, "duplicates": report.duplicates, "first": bad },
        "sorted": config.sort && report.unordered > 0, "sources": sources,
        "written_by": concat!("aegis ", env!("CARGO_PKG_VERSION")),
    })
}

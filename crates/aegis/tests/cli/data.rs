//! `aegis data` as its users meet it: fetched folders that a backtest reads as the original, calls
//! that go on where the last one was killed, and words for everything that is not there.

use crate::archive::{Archive, Fault};
use crate::harness::{PATIENCE, Place, last_json, refused, shared, text};
use aegis_data::{INTERVALS, Problem, Series};
use aegis_markets::MarketSpec;
use aegis_types::{Nanos, TickBody};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Instant;

const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
    taker_buy_volume,taker_buy_quote_volume,ignore\n";
/// 2025-05-01 00:00 UTC in ms.
const MAY: i64 = 1_746_057_600_000;
const DAY: i64 = 1_440;

/// Candles of a generated market, `count` of them from so many minutes after the start of May.
fn candles(seed: u64, from: i64, count: i64) -> String {
    let spec = MarketSpec {
        seed,
        symbols: 1,
        days: ((from + count) / DAY + 1) as u32,
        start: Nanos::from_millis(MAY),
        ..MarketSpec::default()
    };
    let mut text = String::from(HEADER);
    let rows = spec.ticks().map(|tick| (tick.at.as_millis() - 60_000, tick.body));
    for (at, body) in rows {
        let TickBody::Candle { open, high, low, close, volume } = body else { continue };
        if !(from..from + count).contains(&((at - MAY) / 60_000)) {
            continue;
        }
        let ends = at + 59_999;
        text.push_str(&format!("{at},{open},{high},{low},{close},{volume},{ends},,,,,\n"));
    }
    text
}

fn zipped(name: &str, text: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let name = name.replace(".zip", ".csv");
    writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("zip entry");
    writer.write_all(text.as_bytes()).expect("zip data");
    writer.finish().expect("zip").into_inner()
}

fn put(archive: &Archive, path: &str, text: &str) -> Vec<u8> {
    let bytes = zipped(path.rsplit('/').next().expect("a name"), text);
    let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    archive.put(path, &bytes, &hash);
    bytes
}

fn klines(every: &str, symbol: &str, period: &str) -> String {
    format!("data/futures/um/{every}/klines/{symbol}/1m/{symbol}-1m-{period}.zip")
}

/// Five days of May of two symbols, one file a day.
fn five_days() -> Archive {
    let archive = Archive::start();
    for (seed, symbol) in [(1, "BTCUSDT"), (2, "ETHUSDT")] {
        for day in 0..5 {
            let path = klines("daily", symbol, &format!("2025-05-{:02}", day + 1));
            put(&archive, &path, &candles(seed, day * DAY, DAY));
        }
    }
    archive
}

/// A fetch of the candles of five days.
fn fetch<'a>(archive: &'a Archive, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["data", "fetch", "BTCUSDT", "--symbols", "eth/usdt", "--type", "klines"];
    args.extend(["--from", "2025-05-01", "--to", "2025-05-05", "--base-url", &archive.base]);
    args.extend(more);
    args
}

fn digest(place: &Place, paths: &[&Path]) -> Value {
    let mut args = vec!["backtest", "--json", "--data"];
    args.extend(paths.iter().map(|path| path.to_str().expect("UTF-8")));
    place.json(&args)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_fetched_folder_is_the_original_to_a_backtest() {
    let (archive, place) = (five_days(), Place::new("fetch"));
    let object = place.json(&fetch(&archive, &["--json", "--out", "got"]));
    assert_eq!((&object["complete"], &object["fetched"]), (&true.into(), &10.into()), "{object}");
    let original = place.path.join("original");
    fs::create_dir(&original).expect("a folder");
    for (seed, symbol) in [(1, "BTCUSDT"), (2, "ETHUSDT")] {
        let text = candles(seed, 0, 5 * DAY);
        fs::write(original.join(format!("{symbol}-1m.csv")), text).expect("a file");
    }
    let (got, expected) =
        (digest(&place, &[&place.path.join("got")]), digest(&place, &[&original]));
    assert!(expected["orders"].as_u64().expect("a count") > 0, "{expected}");
    assert_eq!(got["digest"], expected["digest"]);
    let again = place.run(&fetch(&archive, &["--out", "got"]));
    assert_eq!(again.status.code(), Some(0));
    let said = text(&again.stdout);
    assert!(said.contains("0 fetched") && said.contains("10 here already"), "{said}");
    assert!(again.stderr.is_empty(), "no bar where nobody looks: {}", text(&again.stderr));
    place.json(&["data", "verify", "got", "--json"]);
}

#[test]
fn recorded_markets_keep_their_digest_on_the_way_through_an_archive() {
    let Some(root) = shared("the digest of fetched recorded markets") else { return };
    let (archive, place) = (Archive::start(), Place::new("recorded"));
    let unpacked = |path: PathBuf| {
        let mut text = String::new();
        let file = fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        text
    };
    let data = root.join("data");
    let (mut candles, mut funding) = (Vec::new(), Vec::new());
    for symbol in ["ADAUSDT", "SOLUSDT"] {
        candles.push(data.join(format!("futures_1m/{symbol}-1m-2025-05.csv.gz")));
        funding.push(data.join(format!("funding/{symbol}-funding-2025-05.csv.gz")));
        let path = klines("monthly", symbol, "2025-05");
        let bytes = put(&archive, &path, &unpacked(candles.last().expect("a file").clone()));
        archive.faults(&path, &[Fault::Cut(bytes.len() / 3), Fault::Status(500)]);
        let name = format!("{symbol}-fundingRate-2025-05.zip");
        let path = format!("data/futures/um/monthly/fundingRate/{symbol}/{name}");
        put(&archive, &path, &unpacked(funding.last().expect("a file").clone()));
    }
    let object = place.json(&[
        "data",
        "fetch",
        "ADAUSDT,SOLUSDT",
        "--from",
        "2025-05",
        "--to",
        "2025-05",
        "--base-url",
        &archive.base,
        "--json",
        "--out",
        "got",
    ]);
    assert_eq!((&object["resumed"], &object["fetched"]), (&2.into(), &2.into()), "{object}");
    let paths: Vec<&Path> = candles.iter().chain(&funding).map(PathBuf::as_path).collect();
    let (got, expected) = (digest(&place, &[&place.path.join("got")]), digest(&place, &paths));
    assert!(expected["orders"].as_u64().expect("a count") > 0, "{expected}");
    assert_eq!((&got["digest"], &got["funding"]), (&expected["digest"], &expected["funding"]));
}

#[test]
fn a_killed_call_is_gone_on_with() {
    let (archive, place) = (Archive::start(), Place::new("killed"));
    let path = klines("monthly", "BTCUSDT", "2025-05");
    let bytes = put(&archive, &path, &candles(7, 0, 20 * DAY));
    archive.faults(&path, &[Fault::Slow(5)]);
    let args = [
        "data",
        "fetch",
        "BTCUSDT",
        "--type",
        "klines",
        "--from",
        "2025-05",
        "--to",
        "2025-05",
        "--base-url",
        &archive.base,
        "--json",
    ];
    // Without --out the files go into the state folder.
    let folder = place.home().join("data");
    let part = folder.join("BTCUSDT-1m-2025-05.zip.part");
    let mut child = place.aegis(&args).stdout(Stdio::null()).spawn().expect("starts");
    let started = Instant::now();
    while fs::metadata(&part).map_or(0, |meta| meta.len()) < 40_000 {
        assert!(started.elapsed() < PATIENCE && child.try_wait().expect("status").is_none());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("waits");
    let left = fs::metadata(&part).expect("the part").len();
    assert!(left < bytes.len() as u64);
    let object = place.json(&args);
    assert_eq!(object["resumed"], 1, "{object}");
    assert_eq!(object["bytes"], bytes.len() as u64 - left);
    assert_eq!(archive.asked(&path), [0, left]);
    assert!(fs::read(folder.join("BTCUSDT-1m-2025-05.zip")).expect("the file") == bytes);
    assert_eq!(names(&folder), ["BTCUSDT-1m-2025-05.zip", "BTCUSDT-1m-2025-05.zip.CHECKSUM"]);
}

#[test]
fn missing_and_failed_files_are_listed_and_decide_the_exit_code() {
    let (archive, place) = (five_days(), Place::new("missing"));
    for day in ["2025-05-02", "2025-05-03"] {
        let path = klines("daily", "ETHUSDT", day);
        archive.remove(&path);
        archive.remove(&format!("{path}.CHECKSUM"));
    }
    archive.faults(&klines("daily", "BTCUSDT", "2025-05-04"), &[Fault::Status(403)]);
    let output = place.run(&fetch(&archive, &["--out", "got"]));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    for words in [
        "missing in the archive: ETHUSDT-1m-2025-05-02.zip to 2025-05-03",
        "failed: BTCUSDT-1m-2025-05-04.zip: the archive answered 403",
        "10 files: 7 fetched",
        "2 missing, 1 failed",
    ] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
    let output = place.run(&fetch(&archive, &["--out", "got", "--json"]));
    assert_eq!(output.status.code(), Some(1));
    let object = last_json(&output);
    let missing = serde_json::json!(["ETHUSDT-1m-2025-05-02.zip", "ETHUSDT-1m-2025-05-03.zip"]);
    assert_eq!((&object["missing"], &object["kept"]), (&missing, &7.into()));
    assert_eq!((&object["fetched"], &object["failed"]), (&1.into(), &serde_json::json!([])));
}

#[test]
fn the_archives_address_is_a_setting() {
    let (archive, place) = (five_days(), Place::new("address"));
    let args = ["data", "fetch", "BTCUSDT", "--type", "klines", "--from", "2025-05-01"];
    let args: Vec<&str> =
        args.into_iter().chain(["--to", "2025-05-01", "--out", "got", "--json"]).collect();
    let output =
        place.aegis(&args).env("AEGIS__DATA__ARCHIVE_URL", &archive.base).output().expect("starts");
    assert_eq!(last_json(&output)["fetched"], 1, "{}", text(&output.stderr));
    let set = format!("data.archive_url={}", archive.base);
    let again: Vec<&str> = args.iter().copied().chain(["--set", &set]).collect();
    assert_eq!(place.json(&again)["kept"], 1);
    // Nobody listens there any more.
    let base = archive.base.clone();
    drop(archive);
    let with = ["--base-url", &base, "--force", "--attempts", "2"];
    let output = place.run(&args.iter().copied().chain(with).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let why = last_json(&output)["files"][0]["why"].as_str().expect("a reason").to_owned();
    assert!(why.contains("given up after 2 attempts"), "{why}");
}

#[test]
fn wrong_arguments_exit_2_and_say_what_can_be() {
    let place = Place::new("arguments");
    let run = |args: &[&str]| place.run(&[&["data"], args].concat());
    refused(&run(&["fetch", "BTCUSDT"]), 2, &["--from"]);
    refused(&run(&["fetch", "--from", "2025-05"]), 2, &["no symbol"]);
    refused(&run(&["fetch", "BTCUSDT", "--from", "May"]), 2, &["--from May", "YYYY-MM"]);
    refused(&run(&["fetch", "BTCUSDT", "--from", "2200-01"]), 2, &["newest day"]);
    let other = ["fetch", "BTCUSDT", "--from", "2025-05", "--to", "2025-04"];
    refused(&run(&other), 2, &["after"]);
    let series = ["fetch", "BTCUSDT", "--from", "2025-05", "--type", "candles"];
    refused(&run(&series), 2, &["candles", "klines"]);
    let interval = ["fetch", "BTCUSDT", "--from", "2025-05", "--interval", "7m"];
    refused(&run(&interval), 2, &["7m", "15m"]);
    let plain = ["fetch", "BTCUSDT", "--from", "2025-05", "--base-url", "http://archive.example"];
    refused(&run(&plain), 2, &["http://archive.example", "TLS"]);
    refused(&run(&["verify", "nowhere"]), 1, &["nowhere", "does not exist"]);
    refused(&run(&["info"]), 1, &["home/data"]);
    refused(&run(&["import"]), 2, &["FILE"]);
    for what in ["fetch", "import", "verify", "info"] {
        let help = run(&[what, "--help"]);
        assert!(text(&help.stdout).contains("Examples:"), "{what}");
    }
}

#[test]
fn other_programs_candles_are_imported_verified_and_traded() {
    let place = Place::new("import");
    let rows = candles(3, 0, 4 * DAY);
    let mut lines: Vec<String> = rows
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let seconds = fields[0].parse::<i64>().expect("ms") / 1_000;
            format!("{seconds};{}", fields[1..6].join(";"))
        })
        .collect();
    lines.reverse();
    lines.insert(10, lines[9].clone());
    let export = format!("Unix;Open;High;Low;Close;Volume\n{}\n", lines.join("\n"));
    fs::write(place.path.join("export.csv"), export).expect("a file");
    let mut args = vec!["data", "import", "export.csv", "--symbol", "SOL/USDT", "--out", "got"];
    args.extend(["--time-unit", "s"]);
    refused(&place.run(&args), 1, &["nothing was written", "--sort", "--dedup"]);
    assert!(!place.path.join("got").exists());
    let object = place.json(&[&args[..], &["--sort", "--dedup", "--json"]].concat());
    assert_eq!((&object["rows"], &object["duplicates"]), (&5_760.into(), &1.into()), "{object}");
    assert_eq!(place.json(&["data", "verify", "got", "--json"])["checksums"]["verified"], 1);
    let info = place.json(&["data", "info", "got", "--json"]);
    let file = &info["files"][0];
    assert_eq!((&file["symbol"], &file["rows"]), (&"SOLUSDT".into(), &5_760.into()));
    assert_eq!((&file["step_ms"], &file["price_step"]), (&60_000.into(), &"0.1".into()));
    assert_eq!((&file["first"], &file["gaps"]), (&"2025-05-01 00:00:00".into(), &0.into()));
    assert_eq!(info["symbols"][0]["files"], 1);
    let original = place.path.join("SOLUSDT-1m.csv");
    fs::write(&original, rows).expect("a file");
    let got = digest(&place, &[&place.path.join("got")]);
    assert_eq!(got["digest"], digest(&place, &[&original])["digest"]);
}

#[test]
fn verify_names_lines_and_exits_1() {
    let place = Place::new("verify");
    let mut lines: Vec<String> = candles(4, 0, 400).lines().map(str::to_owned).collect();
    lines.remove(100);
    lines[200] = lines[199].clone();
    lines[300] = lines[300].replacen(',', ",NaN,", 1);
    let file = place.path.join("BTCUSDT-1m-2025-05.csv");
    fs::write(&file, lines.join("\n")).expect("a file");
    let output = place.run(&["data", "verify", file.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    for words in [
        "BTCUSDT-1m-2025-05.csv:101: gap: 1 candle is missing",
        "BTCUSDT-1m-2025-05.csv:201: duplicate:",
        "line 200, the same row",
        "BTCUSDT-1m-2025-05.csv:301: not_finite: open is `NaN`",
        "1 duplicate, 3 gap, 1 not_finite",
    ] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
    let output = place.run(&["data", "verify", ".", "--json", "--limit", "1"]);
    let object = last_json(&output);
    assert_eq!((output.status.code(), &object["ok"]), (Some(1), &false.into()));
    assert_eq!((&object["violations"], &object["findings_left_out"]), (&5.into(), &2.into()));
    assert_eq!(object["by_problem"]["gap"], 3);
}

#[test]
fn the_page_names_every_series_length_code_and_flag() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data.md");
    let page = fs::read_to_string(page).expect("the page");
    let names = Series::ALL.iter().map(|series| series.name());
    for name in names.chain(Problem::ALL.iter().map(|problem| problem.code())) {
        assert!(page.contains(&format!("`{name}`")), "{name} is not on the page");
    }
    assert!(page.contains(&INTERVALS.join(" ")));
    let place = Place::new("page");
    let general = ["--help", "--json", "--config", "--set", "--log-format", "--log-level"];
    for what in ["fetch", "import", "verify", "info"] {
        let help = text(&place.run(&["data", what, "--help"]).stdout);
        let flags = help.split_whitespace().filter(|word| word.starts_with("--"));
        for flag in flags.map(|word| word.trim_end_matches([',', '.'])) {
            // `--symbols` says what the words before it say.
            let known = general.contains(&flag) || flag == "--symbols" || page.contains(flag);
            assert!(known, "{flag} of {what} is not on the page");
        }
    }
}

#[test]
fn streams_that_end_early_or_are_full_are_told_apart() {
    let place = Place::new("streams");
    let file = place.path.join("BTCUSDT-1m.csv");
    fs::write(&file, candles(5, 0, 400)).expect("a file");
    for args in [&["data", "info", "."][..], &["data", "verify", ".", "--json"]] {
        let mut child = place.aegis(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.as_mut().expect("starts");
        drop(child.stdout.take());
        assert_eq!(child.wait().expect("ends").code(), Some(0), "{args:?}");
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output: Output = place.aegis(args).stdout(full).output().expect("starts");
        refused(&output, 1, &["stdout", "No space left"]);
    }
}

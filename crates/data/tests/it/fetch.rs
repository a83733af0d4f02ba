//! Fetching from an archive that misbehaves: what is on the disk afterwards is what the archive
//! has, or is reported; and no byte is asked for twice that had come.

use crate::server::{Archive, Fault};
use crate::support::{Folder, candles, shared, zipped};
use aegis_data::{
    DataArgs, DataError, Date, FetchConfig, FetchReport, Outcome, Period, Plan, Wanted, discover,
    fetch, load,
};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

const MONTH: &str = "data/futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-05.zip";
const MONTH_NAME: &str = "BTCUSDT-1m-2025-05.zip";

fn day(n: u32) -> String {
    format!("data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-05-{n:02}.zip")
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A zip of so many minutes from the start of the test data.
fn zip_of(name: &str, minutes: std::ops::Range<i64>) -> Vec<u8> {
    let inner = name.replace(".zip", ".csv");
    let text = candles(minutes, 100.0);
    zipped(&[(&inner, &text)], zip::CompressionMethod::Deflated)
}

fn put(archive: &Archive, path: &str, bytes: &[u8]) {
    archive.put(path, bytes, &hash(bytes));
}

fn archive_with_month(minutes: i64) -> (Archive, Vec<u8>) {
    let archive = Archive::start();
    let bytes = zip_of(MONTH_NAME, 0..minutes);
    put(&archive, MONTH, &bytes);
    (archive, bytes)
}

fn today() -> Date {
    Period::parse("2025-06-15").expect("a day").first()
}

fn plan(series: &str, from: &str, to: &str) -> Plan {
    let wanted = Wanted {
        symbols: vec!["BTC/USDT".to_owned()],
        series: vec![series.to_owned()],
        intervals: vec!["1m".to_owned()],
        from: from.to_owned(),
        to: Some(to.to_owned()),
    };
    Plan::new(&wanted, today()).expect("a plan")
}

/// As by default, but for waits that a test can wait for.
fn config(archive: &Archive, out: &Path) -> FetchConfig {
    FetchConfig {
        wait: Duration::from_millis(1),
        wait_max: Duration::from_millis(5),
        silence_max: Duration::from_millis(400),
        ..FetchConfig::new(&archive.base, out)
    }
}

fn run(archive: &Archive, folder: &Folder, from: &str, to: &str) -> FetchReport {
    let config = config(archive, &folder.0);
    fetch(&config, &plan("klines", from, to), |_| ()).expect("a report")
}

fn only(report: &FetchReport) -> &Outcome {
    assert_eq!(report.files.len(), 1, "{report:?}");
    &report.files[0].outcome
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(&folder.0).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn holds(folder: &Folder, name: &str, bytes: &[u8]) {
    assert!(fs::read(folder.0.join(name)).expect(name) == bytes, "{name} is another file");
    let checksum = fs::read_to_string(folder.0.join(format!("{name}.CHECKSUM"))).expect(name);
    assert_eq!(checksum, format!("{}  {name}\n", hash(bytes)));
    assert!(!folder.0.join(format!("{name}.part")).exists());
}

#[test]
fn a_month_is_fetched_once_and_then_kept() {
    let (archive, bytes) = archive_with_month(500);
    let folder = Folder::new();
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!(only(&report), &Outcome::Fetched);
    assert_eq!(report.files[0].sha256, Some(hash(&bytes)));
    assert_eq!(report.bytes, bytes.len() as u64);
    holds(&folder, MONTH_NAME, &bytes);
    let again = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!((only(&again), again.bytes), (&Outcome::Kept, 0));
    assert_eq!(archive.asked(MONTH), [0]);
    // A verified month stands for its days, without a question.
    let before = archive.requests();
    let covered = run(&archive, &folder, "2025-05-03", "2025-05-04");
    assert_eq!((covered.count("covered"), archive.requests()), (2, before));
    let force = FetchConfig { force: true, ..config(&archive, &folder.0) };
    let report = fetch(&force, &plan("klines", "2025-05", "2025-05"), |_| ()).expect("a report");
    assert_eq!(only(&report), &Outcome::Fetched);
    assert_eq!(archive.asked(MONTH), [0, 0]);
}

#[test]
fn errors_that_pass_are_waited_out() {
    let (archive, bytes) = archive_with_month(50);
    let folder = Folder::new();
    archive.faults(&format!("{MONTH}.CHECKSUM"), &[Fault::Status(500), Fault::Status(429)]);
    archive.faults(MONTH, &[Fault::Status(503), Fault::Status(502), Fault::Cut(0)]);
    assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Fetched);
    assert_eq!(archive.asked(MONTH), [0; 4]);
    holds(&folder, MONTH_NAME, &bytes);
}

#[test]
fn errors_that_stay_end_in_a_report() {
    let (archive, _) = archive_with_month(50);
    let folder = Folder::new();
    archive.faults(MONTH, &[Fault::Status(500); 5]);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    let Outcome::Failed(why) = only(&report) else { panic!("{report:?}") };
    assert!(why.contains("500") && why.contains("5 attempts"), "{why}");
    assert!(!report.is_complete() && names(&folder).is_empty());
    archive.faults(MONTH, &[Fault::Status(403)]);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    let Outcome::Failed(why) = only(&report) else { panic!("{report:?}") };
    assert!(why.contains("403"), "{why}");
    assert_eq!(archive.asked(MONTH), [0; 6], "a refusal is not asked again");
    archive.faults(&format!("{MONTH}.CHECKSUM"), &[Fault::Status(302)]);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains("points to")));
}

#[test]
fn a_cut_goes_on_where_it_ended() {
    let (archive, bytes) = archive_with_month(3_000);
    let folder = Folder::new();
    assert!(bytes.len() > 9_000, "{}", bytes.len());
    archive.faults(MONTH, &[Fault::Cut(4_000), Fault::Cut(3_000), Fault::Stall(1_000)]);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!(only(&report), &Outcome::Resumed);
    assert_eq!(archive.asked(MONTH), [0, 4_000, 7_000, 8_000]);
    assert_eq!(report.bytes, bytes.len() as u64);
    holds(&folder, MONTH_NAME, &bytes);
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let (archive, bytes) = archive_with_month(3_000);
    let folder = Folder::new();
    archive.refuse_ranges();
    archive.faults(MONTH, &[Fault::Cut(4_000), Fault::Cut(5_000)]);
    assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Resumed);
    assert_eq!(archive.asked(MONTH), [0, 4_000, 5_000]);
    holds(&folder, MONTH_NAME, &bytes);
}

#[test]
fn a_slow_answer_is_no_broken_one() {
    let (archive, bytes) = archive_with_month(3_000);
    let folder = Folder::new();
    // Longer than the longest silence in all, but never silent for so long.
    archive.faults(MONTH, &[Fault::Slow(60)]);
    assert!(bytes.len() > 9 * 1_024);
    let config =
        FetchConfig { silence_max: Duration::from_millis(300), ..config(&archive, &folder.0) };
    let report = fetch(&config, &plan("klines", "2025-05", "2025-05"), |_| ()).expect("a report");
    assert_eq!(only(&report), &Outcome::Fetched);
    assert_eq!(archive.asked(MONTH), [0]);
}

#[test]
fn what_an_earlier_call_left_is_gone_on_with() {
    let (archive, bytes) = archive_with_month(3_000);
    let folder = Folder::new();
    let part = format!("{MONTH_NAME}.part");
    folder.write(&part, &bytes[..5_000]);
    assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Resumed);
    assert_eq!(archive.asked(MONTH), [5_000]);
    holds(&folder, MONTH_NAME, &bytes);
    // Whole, but not yet in its place: nothing is fetched.
    let folder = Folder::new();
    folder.write(&part, &bytes);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!((only(&report), report.bytes), (&Outcome::Resumed, 0));
    holds(&folder, MONTH_NAME, &bytes);
    // Of another file: thrown away when the hash tells.
    for length in [4_000, bytes.len(), bytes.len() + 7] {
        let folder = Folder::new();
        folder.write(&part, &vec![7; length]);
        assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Fetched);
        holds(&folder, MONTH_NAME, &bytes);
    }
}

#[test]
fn a_replaced_file_is_noticed_and_the_old_one_stays_until_the_new_is_verified() {
    let (archive, old) = archive_with_month(500);
    let folder = Folder::new();
    run(&archive, &folder, "2025-05", "2025-05");
    let new = zip_of(MONTH_NAME, 0..600);
    put(&archive, MONTH, &new);
    archive.faults(MONTH, &[Fault::Status(403)]);
    assert!(!run(&archive, &folder, "2025-05", "2025-05").is_complete());
    holds(&folder, MONTH_NAME, &old);
    assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Replaced);
    holds(&folder, MONTH_NAME, &new);
    // Damage on the disk is noticed the same way.
    folder.write(MONTH_NAME, b"damaged");
    assert_eq!(only(&run(&archive, &folder, "2025-05", "2025-05")), &Outcome::Replaced);
    holds(&folder, MONTH_NAME, &new);
}

#[test]
fn a_wrong_checksum_never_gets_the_name() {
    let archive = Archive::start();
    let folder = Folder::new();
    let bytes = zip_of(MONTH_NAME, 0..50);
    archive.put(MONTH, &bytes, &hash(b"another file"));
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains(&hash(&bytes))));
    assert!(!folder.0.join(MONTH_NAME).exists());
    archive.put(MONTH, &bytes, "<html>");
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains("no SHA-256")));
    archive.remove(&format!("{MONTH}.CHECKSUM"));
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains("without its CHECKSUM")));
}

#[test]
fn a_month_that_has_no_file_comes_by_days_and_missing_ones_are_told() {
    let archive = Archive::start();
    let folder = Folder::new();
    for n in (1..=31).filter(|n| *n != 7) {
        let at = i64::from(n) * 1_440;
        put(&archive, &day(n), &zip_of(&format!("BTCUSDT-1m-2025-05-{n:02}.zip"), at..at + 3));
    }
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!((report.count("fetched"), report.count("by_days")), (30, 1));
    let missing: Vec<String> = report
        .files
        .iter()
        .filter(|f| f.outcome == Outcome::Missing)
        .map(|f| f.file.name())
        .collect();
    assert_eq!(missing, ["BTCUSDT-1m-2025-05-07.zip"]);
    assert!(!report.is_complete());
    assert_eq!(names(&folder).len(), 60);
    // Once the month is published, it takes the place of its days.
    let bytes = zip_of(MONTH_NAME, 0..200);
    put(&archive, MONTH, &bytes);
    let report = run(&archive, &folder, "2025-05", "2025-05");
    assert_eq!((only(&report), report.superseded.len()), (&Outcome::Fetched, 30));
    assert_eq!(names(&folder), [MONTH_NAME.to_owned(), format!("{MONTH_NAME}.CHECKSUM")]);
}

#[test]
fn what_is_not_yet_published_is_not_missing() {
    let archive = Archive::start();
    let folder = Folder::new();
    // Today is the 15th: the 14th may come yet, the 13th should be there.
    let report = run(&archive, &folder, "2025-06-13", "2025-06-14");
    assert_eq!((report.count("missing"), report.count("pending")), (1, 1));
    let funding = plan("fundingRate", "2025-05", "2025-06");
    let report = fetch(&config(&archive, &folder.0), &funding, |_| ()).expect("a report");
    assert_eq!((report.count("missing"), report.count("pending")), (1, 1));
    let funding = plan("fundingRate", "2025-06", "2025-06");
    let report = fetch(&config(&archive, &folder.0), &funding, |_| ()).expect("a report");
    assert!(report.is_well() && !report.is_complete());
}

#[test]
fn several_files_come_at_a_time_and_no_more_than_asked_for() {
    let archive = Archive::start();
    for n in 1..=12 {
        let bytes = zip_of(&format!("BTCUSDT-1m-2025-05-{n:02}.zip"), 0..2_000);
        put(&archive, &day(n), &bytes);
        archive.faults(&day(n), &[Fault::Slow(15)]);
    }
    for (jobs, least) in [(1, 1), (3, 2)] {
        let folder = Folder::new();
        let config = FetchConfig { jobs, ..config(&archive, &folder.0) };
        let mut last = (0, 0);
        let plan = plan("klines", "2025-05-01", "2025-05-12");
        let report = fetch(&config, &plan, |p| last = (p.done(), p.total())).expect("a report");
        assert_eq!((report.count("fetched"), last), (12, (12, 12)));
        let most = archive.most_at_once();
        assert!((least..=jobs).contains(&most), "{most} at a time with {jobs} jobs");
        for n in 1..=12 {
            archive.faults(&day(n), &[Fault::Slow(15)]);
        }
    }
}

#[test]
fn two_calls_do_not_mix_their_bytes() {
    let (archive, bytes) = archive_with_month(3_000);
    let folder = Folder::new();
    archive.faults(MONTH, &[Fault::Slow(60)]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(&archive, &folder, "2025-05", "2025-05"));
        while archive.asked(MONTH).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let second = run(&archive, &folder, "2025-05", "2025-05");
        assert!(matches!(only(&second), Outcome::Failed(why) if why.contains("another aegis")));
        assert!(first.join().expect("the first call").is_complete());
    });
    holds(&folder, MONTH_NAME, &bytes);
}

#[test]
fn each_series_has_its_place() {
    let archive = Archive::start();
    let folder = Folder::new();
    let monthly = "data/futures/um/monthly";
    let mark = format!("{monthly}/markPriceKlines/BTCUSDT/1m/{MONTH_NAME}");
    let funding = format!("{monthly}/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-05.zip");
    put(&archive, MONTH, &zip_of(MONTH_NAME, 0..10));
    put(&archive, &mark, &zip_of(MONTH_NAME, 0..20));
    put(&archive, &funding, &zip_of("BTCUSDT-fundingRate-2025-05.zip", 0..1));
    for series in ["klines", "markPriceKlines", "fundingRate"] {
        let config = config(&archive, &folder.0);
        let report = fetch(&config, &plan(series, "2025-05", "2025-05"), |_| ());
        assert!(report.expect("a report").is_complete());
    }
    assert!(folder.0.join("markPriceKlines").join(MONTH_NAME).is_file());
    assert_eq!(names(&folder).len(), 5);
}

#[test]
fn an_address_or_a_folder_that_cannot_be_used_is_an_error() {
    let folder = Folder::new();
    let refused = |base: &str, out: &Path| -> DataError {
        let config = FetchConfig::new(base, out);
        fetch(&config, &plan("klines", "2025-05", "2025-05"), |_| ()).expect_err("refused")
    };
    let error = refused("http://archive.example", &folder.0);
    assert!(error.is_usage() && error.to_string().contains("TLS"), "{error}");
    let (archive, _) = archive_with_month(10);
    let file = folder.write("file", b"");
    let error = refused(&archive.base, &file.join("below"));
    assert!(!error.is_usage() && error.to_string().contains("--out"), "{error}");
    // Nobody listens: the file fails, with the reason.
    let base = archive.base.clone();
    drop(archive);
    std::thread::sleep(Duration::from_millis(20));
    let config = FetchConfig {
        wait: Duration::from_millis(1),
        ..FetchConfig::new(base, folder.0.join("out"))
    };
    let report = fetch(&config, &plan("klines", "2025-05", "2025-05"), |_| ()).expect("a report");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains("given up")));
}

#[test]
fn a_server_that_does_not_speak_tls_is_asked_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("https://{}", listener.local_addr().expect("its address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("an answer");
        let _ = stream.read(&mut [0; 1_024]);
        listener.set_nonblocking(true).expect("a flag");
        listener
    });
    let folder = Folder::new();
    let config = FetchConfig::new(base, &folder.0);
    let report = fetch(&config, &plan("klines", "2025-05", "2025-05"), |_| ()).expect("a report");
    assert!(matches!(only(&report), Outcome::Failed(why) if why.contains("no trusted connection")));
    assert!(server.join().expect("the server").accept().is_err(), "asked a second time");
}

#[test]
fn recorded_markets_come_through_unchanged() {
    let Some(root) = shared("data") else { return };
    let archive = Archive::start();
    let folder = Folder::new();
    let mut symbols = Vec::new();
    for symbol in ["BTCUSDT", "SOLUSDT"] {
        symbols.push(symbol.to_owned());
        for (from, name, path) in [
            ("futures_1m", format!("{symbol}-1m-2025-05"), format!("klines/{symbol}/1m")),
            ("funding", format!("{symbol}-funding-2025-05"), format!("fundingRate/{symbol}")),
        ] {
            let packed = fs::read(root.join(from).join(format!("{name}.csv.gz"))).expect("data");
            let mut text = String::new();
            let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
            unpacked.read_to_string(&mut text).expect("gzip");
            let name = name.replace("funding", "fundingRate");
            let inner = format!("{name}.csv");
            let bytes = zipped(&[(&inner, &text)], zip::CompressionMethod::Deflated);
            put(&archive, &format!("data/futures/um/monthly/{path}/{name}.zip"), &bytes);
            archive.faults(
                &format!("data/futures/um/monthly/{path}/{name}.zip"),
                &[Fault::Cut(bytes.len() / 2), Fault::Status(500)],
            );
        }
    }
    let wanted = Wanted {
        symbols: symbols.clone(),
        series: vec!["klines,fundingRate".to_owned()],
        intervals: vec!["1m".to_owned()],
        from: "2025-05".to_owned(),
        to: Some("2025-05".to_owned()),
    };
    let plan = Plan::new(&wanted, today()).expect("a plan");
    let report = fetch(&config(&archive, &folder.0), &plan, |_| ()).expect("a report");
    assert_eq!(report.count("resumed"), 4, "{report:?}");
    let original = vec![root.join("futures_1m"), root.join("funding")];
    let of = |paths| {
        let args = DataArgs { paths, symbols: symbols.clone(), ..DataArgs::default() };
        load(&discover(&args).expect("a data set")).expect("ticks").0
    };
    assert!(of(vec![folder.0.clone()]) == of(original));
}

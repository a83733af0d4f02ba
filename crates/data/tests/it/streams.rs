//! Order, completeness and equality of the stream of ticks.

use crate::support::{Folder, HEADER, candles, gz, minute, row, zipped};
use aegis_data::{Reason, load, open};
use aegis_types::{Nanos, Rate, Tick, TickBody};
use proptest::prelude::*;

fn key(tick: &Tick) -> (Nanos, bool, u16) {
    (tick.at, matches!(tick.body, TickBody::Open { .. }), tick.symbol.0)
}

#[test]
fn closes_come_before_opens_and_symbols_by_name() {
    let folder = Folder::new();
    folder.write("ETHUSDT-1m.csv", candles(0..3, 20.0).as_bytes());
    folder.write("BTCUSDT-1m.csv", candles(1..4, 10.0).as_bytes());
    let ticks = folder.ticks();
    let told: Vec<(i64, &str, u16)> = ticks
        .iter()
        .map(|tick| {
            let what = if tick.candle().is_some() { "close" } else { "open" };
            (tick.at.since(minute(0)).0 / Nanos::MINUTE.0, what, tick.symbol.0)
        })
        .collect();
    let expected = [
        (0, "open", 1),
        (1, "close", 1),
        (1, "open", 0),
        (1, "open", 1),
        (2, "close", 0),
        (2, "close", 1),
        (2, "open", 0),
        (2, "open", 1),
        (3, "close", 0),
        (3, "close", 1),
        (3, "open", 0),
        (4, "close", 0),
    ];
    assert_eq!(told, expected);
    let first = ticks.iter().find_map(Tick::candle).expect("a candle");
    assert_eq!((first.open_time, first.volume), (minute(0), 1.5));
}

#[test]
fn plain_gzip_zip_microseconds_and_headerless_give_the_same_ticks() {
    let text = candles(0..50, 10.0);
    let bare = text.strip_prefix(HEADER).expect("a header").to_owned();
    let micros: String = bare
        .lines()
        .map(|line| {
            let (time, rest) = line.split_once(',').expect("columns");
            let rest = rest.splitn(6, ',').take(5).collect::<Vec<_>>().join(",");
            format!("{time}000,{rest}\r\n")
        })
        .collect();
    let variants: Vec<(&str, Vec<u8>)> = vec![
        ("BTCUSDT-1m.csv", text.clone().into_bytes()),
        ("BTCUSDT-1m.csv", format!("\u{feff}{text}").into_bytes()),
        ("BTCUSDT-1m.csv", bare.trim_end().as_bytes().to_vec()),
        ("btcusdt-1m-2025-05.csv", micros.into_bytes()),
        ("BTCUSDT-1m.csv.gz", gz(&text)),
        ("BTCUSDT-1m.csv.gz", [gz(&bare[..1_000]), gz(&bare[1_000..])].concat()),
        ("BTCUSDT-1m.zip", zipped(&[("a.csv", &text)], zip::CompressionMethod::Deflated)),
        ("BTCUSDT-1m.csv.zip", zipped(&[("a.csv", &text)], zip::CompressionMethod::Stored)),
        // What a file is, its bytes say.
        ("BTCUSDT-1m.csv", gz(&text)),
    ];
    let mut expected: Option<Vec<Tick>> = None;
    for (index, (name, bytes)) in variants.into_iter().enumerate() {
        let folder = Folder::new();
        folder.write(name, &bytes);
        let ticks = folder.ticks();
        assert_eq!(ticks.len(), 100, "variant {index}");
        assert_eq!(expected.get_or_insert_with(|| ticks.clone()), &ticks, "variant {index}");
    }
}

#[test]
fn files_of_one_symbol_are_joined_by_their_times_and_overlap_is_counted() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m-a.csv", candles(10..20, 10.0).as_bytes());
    folder.write("BTCUSDT-1m-b.csv.gz", &gz(&candles(0..12, 10.0)));
    let dataset = folder.discover().expect("a data set");
    assert!(dataset.files[0].path.ends_with("BTCUSDT-1m-b.csv.gz"));
    let (ticks, refusals) = load(&dataset).expect("ticks");
    assert_eq!(ticks.len(), 40);
    let duplicates = refusals.count(Reason::DuplicateTime);
    assert_eq!(duplicates + refusals.count(Reason::BackwardsTime), 2);
    assert_eq!(refusals.total(), 2);
    assert!(refusals.examples()[0].place.contains("BTCUSDT-1m-a.csv:2"), "{refusals:?}");
}

#[test]
fn refused_rows_are_counted_by_reason_and_symbol_and_never_told() {
    let folder = Folder::new();
    let at = |n: i64| minute(n).as_millis();
    let bad = [
        format!("{},nan,10,10,10,1\n", at(3)),
        format!("{},10,10,10,10,inf\n", at(3)),
        format!("{},0,10,0,10,1\n", at(3)),
        format!("{},10,9,11,10,1\n", at(3)),
        format!("{},12,11,10,10,1\n", at(3)),
        format!("{},10,10,10,10,-1\n", at(3)),
        format!("{},10,10,10,10,1\n", at(3) + 1_000),
        format!("{},10,10,10,10,1\n", at(2)),
        format!("{},10,10,10,10,1\n", at(1)),
        format!("{},10,1000,10,10,1\n", at(3)),
        format!("{},10,1e40,10,10,1\n", at(3)),
    ];
    let text = format!("{}{}{}", candles(0..3, 10.0), bad.concat(), row(3, 10.0));
    folder.write("BTCUSDT-1m.csv", text.as_bytes());
    folder.write("ETHUSDT-1m.csv", candles(0..4, 10.0).as_bytes());
    let dataset = folder.discover().expect("a data set");
    let (ticks, refusals) = load(&dataset).expect("ticks");
    assert_eq!(ticks.len(), 16);
    let by_reason = refusals.by_reason(&dataset.symbols);
    let reasons: Vec<(&str, u64)> =
        by_reason.iter().map(|(reason, of)| (reason.as_str(), of["BTCUSDT"])).collect();
    let expected = [
        ("backwards_time", 1),
        ("bad_volume", 1),
        ("duplicate_time", 1),
        ("high_below_low", 1),
        ("misaligned_time", 1),
        ("non_finite", 2),
        ("non_positive", 1),
        ("open_or_close_outside_range", 1),
        ("out_of_range", 1),
        ("wild_jump", 1),
    ];
    assert_eq!(reasons, expected);
    assert!(by_reason.values().all(|of| !of.contains_key("ETHUSDT")));
    let example = &refusals.examples()[0];
    assert!(example.place.ends_with("BTCUSDT-1m.csv:5"), "{example:?}");
}

#[test]
fn funding_rides_on_the_open_of_its_minute() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles((0..5).chain(7..10), 10.0).as_bytes());
    let at = |n: i64| minute(n).as_millis();
    let funding = format!(
        "funding_time,funding_rate\n{},0.0001\n{},-6.12e-06\n{},0.0003\n{},0.0004\n{},0.5\n",
        at(-480),
        at(2) + 3,
        at(5),
        at(9),
        at(8)
    );
    folder.write("BTCUSDT-funding-2025-05.csv", funding.as_bytes());
    let dataset = folder.discover().expect("a data set");
    let mut ticks = open(&dataset).expect("a stream");
    let mut settled = Vec::new();
    for tick in ticks.by_ref() {
        let tick = tick.expect("a tick");
        if let TickBody::Open { funding: Some(rate), .. } = tick.body {
            settled.push((tick.at, rate));
        }
    }
    let rate = |text: &str| text.parse::<Rate>().expect("a rate");
    let expected = [(minute(2), rate("-0.00000612")), (minute(9), rate("0.0004"))];
    assert_eq!(settled, expected);
    assert_eq!(ticks.refusals().count(Reason::FundingWithoutCandle), 1);
    assert_eq!(ticks.refusals().count(Reason::OutOfRange), 1);
    assert_eq!(ticks.missing_minutes(), [2]);
    assert!(!dataset.assumptions.iter().any(|a| a.contains("funding is not charged")));
}

#[test]
fn the_archives_funding_layout_is_read_too() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    let text = format!(
        "calc_time,funding_interval_hours,last_funding_rate\n{},4,0.0002\n{},4,0.0003\n",
        minute(1).as_millis(),
        minute(241).as_millis()
    );
    let zip = zipped(&[("f.csv", &text)], zip::CompressionMethod::Deflated);
    folder.write("BTCUSDT-fundingRate-2025-05.zip", &zip);
    let dataset = folder.discover().expect("a data set");
    assert_eq!(dataset.instruments[0].funding_interval, Nanos::HOUR.times(4));
    let (ticks, _) = load(&dataset).expect("ticks");
    let funded = ticks.iter().filter_map(|t| match t.body {
        TickBody::Open { funding, .. } => funding,
        _ => None,
    });
    assert_eq!(funded.collect::<Vec<_>>(), ["0.0002".parse().expect("a rate")]);
}

#[test]
fn a_data_set_survives_json_and_notices_a_changed_file() {
    let folder = Folder::new();
    let path = folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    let dataset = folder.discover().expect("a data set");
    let json = serde_json::to_string(&dataset).expect("json");
    let back: aegis_data::Dataset = serde_json::from_str(&json).expect("the same data set");
    assert_eq!(back, dataset);
    assert!(!dataset.manifest().to_string().contains(folder.0.to_str().expect("utf-8")));
    std::fs::write(&path, candles(0..4, 10.0)).expect("a longer file");
    let error = open(&back).err().expect("the change is seen").to_string();
    assert!(error.contains("when described"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any holes, any file order: every row is told once, in the agreed order.
    #[test]
    fn the_merge_is_the_sorted_union(
        present in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..30), 1..5),
    ) {
        let folder = Folder::new();
        let mut rows = 0;
        for (index, minutes) in present.iter().enumerate() {
            let open = minutes.iter().enumerate().filter(|(_, p)| **p).map(|(n, _)| n as i64);
            let open: Vec<i64> = std::iter::once(40).chain(open).collect();
            rows += open.len();
            let mut sorted = open;
            sorted.sort_unstable();
            let name = format!("S{index}USDT-1m.csv");
            folder.write(&name, candles(sorted, 10.0).as_bytes());
        }
        let ticks = folder.ticks();
        prop_assert_eq!(ticks.len(), 2 * rows);
        prop_assert!(ticks.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
    }

    /// No bytes make the reader panic; a data set that is accepted can be read or errs.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), header: bool) {
        let folder = Folder::new();
        let mut file = if header { candles(0..2, 10.0).into_bytes() } else { Vec::new() };
        file.extend(bytes);
        folder.write("BTCUSDT-1m.csv", &file);
        if let Ok(dataset) = folder.discover() {
            let _ = load(&dataset);
        }
    }
}

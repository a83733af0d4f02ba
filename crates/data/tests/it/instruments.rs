//! Where instruments come from: file, built-in table, data.

use crate::support::{Folder, HEADER, candles, minute};
use aegis_data::{DataArgs, Dataset, discover};
use aegis_types::{Instrument, InstrumentOrigin, Money, Px, Qty, Rate};

const EXCHANGE_INFO: &str = r#"{"timezone":"UTC","symbols":[
 {"symbol":"BTCUSDT","contractType":"PERPETUAL","pricePrecision":2,"liquidationFee":"0.012500",
  "filters":[
   {"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"},
   {"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},
   {"filterType":"MARKET_LOT_SIZE","minQty":"0.002","maxQty":"120","stepSize":"0.001"},
   {"filterType":"MIN_NOTIONAL","notional":"50"},{"filterType":"NEW_KIND","x":1}]},
 {"symbol":"NEWUSDT","filters":[]}]}"#;

const BRACKETS: &str = r#"[{"symbol":"BTCUSDT","brackets":[
 {"bracket":2,"initialLeverage":50,"notionalCap":1e30,"notionalFloor":10000,
  "maintMarginRatio":0.01,"cum":35.0},
 {"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,
  "maintMarginRatio":0.0065,"cum":0.0}]}]"#;

fn dataset(folder: &Folder, instruments: Option<&str>) -> Result<Dataset, aegis_data::DataError> {
    let instruments = instruments.map(|text| folder.write("info.json", text.as_bytes()));
    discover(&DataArgs { instruments, ..folder.args() })
}

fn btc(dataset: &Dataset) -> &Instrument {
    &dataset.instruments[0]
}

#[test]
fn the_exchanges_file_comes_first_then_the_table_then_the_data() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("ETHUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("ZZZUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    let set = dataset(&folder, Some(&format!("{EXCHANGE_INFO}\n{BRACKETS}"))).expect("a data set");
    let origins: Vec<InstrumentOrigin> = set.instruments.iter().map(|i| i.origin).collect();
    let expected = [InstrumentOrigin::File, InstrumentOrigin::BuiltIn, InstrumentOrigin::Derived];
    assert_eq!(origins, expected);
    let btc = btc(&set);
    assert_eq!(btc.tick, "0.1".parse::<Px>().expect("a price"));
    assert_eq!(btc.qty_min, "0.002".parse::<Qty>().expect("a quantity"));
    assert_eq!((btc.qty_max, btc.notional_min), (Qty::whole(120), Money::whole(50)));
    let brackets: Vec<(Money, u16)> =
        btc.brackets.iter().map(|b| (b.floor, b.leverage_max)).collect();
    assert_eq!(brackets, [(Money::ZERO, 75), (Money::whole(10_000), 50)]);
    assert_eq!((btc.brackets[1].cap, btc.brackets[1].deduction), (Money::MAX, Money::whole(35)));
    let derived = &set.instruments[2];
    assert_eq!(
        (derived.tick, derived.step),
        ("0.1".parse().expect("px"), "0.1".parse().expect("qty"))
    );
    assert_eq!(derived.notional_min, Money::whole(5));
    assert_eq!(derived.brackets[0].rate, "0.05".parse::<Rate>().expect("a rate"));
    assert_eq!((derived.brackets.len(), derived.brackets[0].leverage_max), (1, 10));
    for words in ["from the file: BTCUSDT", "built-in", "derived from the data", "mark price"] {
        assert!(
            set.assumptions.iter().any(|a| a.contains(words)),
            "{words}: {:?}",
            set.assumptions
        );
    }
    assert_eq!(derived.taker_fee, "0.0005".parse::<Rate>().expect("a rate"));
    assert_eq!(derived.maker_fee, "0.0002".parse::<Rate>().expect("a rate"));
}

#[test]
fn brackets_may_stand_inside_and_missing_ones_are_said() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    let inside = EXCHANGE_INFO.replacen('{', &format!("{{\"leverageBracket\":{BRACKETS},"), 1);
    let set = dataset(&folder, Some(&inside)).expect("a data set");
    assert_eq!(btc(&set).brackets.len(), 2);
    let set = dataset(&folder, Some(EXCHANGE_INFO)).expect("a data set");
    assert!(btc(&set).brackets.len() > 2, "the table's");
    assert!(set.assumptions.iter().any(|a| a.contains("brackets not in the file")));
}

#[test]
fn wrong_instrument_files_are_named() {
    let folder = Folder::new();
    folder.write("NEWUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    for (text, words) in [
        (EXCHANGE_INFO, "NEWUSDT: no filter PRICE_FILTER"),
        ("{\"symbols\": [", "not JSON"),
        ("{}", "no `symbols`"),
    ] {
        let error = dataset(&folder, Some(text)).expect_err("wrong").to_string();
        assert!(error.contains("info.json") && error.contains(words), "{error}");
    }
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    let hole = format!(
        "{EXCHANGE_INFO}{}",
        BRACKETS.replace("\"notionalFloor\":10000", "\"notionalFloor\":20000")
    );
    let error = dataset(&folder, Some(&hole)).expect_err("a hole").to_string();
    assert!(error.contains("hole"), "{error}");
}

#[test]
fn a_finer_grid_in_the_data_moves_the_table_but_a_stray_price_does_not() {
    let of = |fine: usize| {
        let folder = Folder::new();
        let mut text = HEADER.to_owned();
        for n in 0..2_000 {
            let px = if n < fine { "10.001" } else { "10.0" };
            let at = minute(n as i64).as_millis();
            text.push_str(&format!("{at},{px},{px},{px},{px},1\n"));
        }
        folder.write("BTCUSDT-1m.csv", text.as_bytes());
        let set = folder.discover().expect("a data set");
        (btc(&set).tick.to_string(), set.assumptions.join("\n"))
    };
    let (tick, said) = of(2_000);
    assert_eq!(tick, "0.001");
    assert!(said.contains("finer than the built-in table's 0.1"), "{said}");
    let (tick, said) = of(1);
    assert_eq!(tick, "0.1");
    assert!(said.contains("4 of BTCUSDT's prices are off its tick"), "{said}");
}

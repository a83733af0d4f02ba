//! What becomes a tick, and what says why it does not.

use aegis_ring::CountingAllocator;
use aegis_types::{Nanos, Px, Qty, Rate, SymbolId, SymbolTable, Tick, TickBody};
use aegis_wire::websocket::{Decoder, Message, Opcode, Role, encode};
use aegis_wire::{Fault, Frame, Levels, NoTick, scan};

fn table() -> SymbolTable {
    SymbolTable::new(["BNBUSDT", "BTCUSDT"]).unwrap()
}

fn tick(json: &str) -> Result<Tick, NoTick<'_>> {
    let message = scan(json.as_bytes(), &mut Levels::default()).expect(json);
    message.frame.tick(|name| table().id(name))
}

fn px(text: &str) -> Px {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

#[test]
fn documented_frames_become_ticks() {
    let trade = |id, buyer_is_maker, at_ms| Tick {
        symbol: SymbolId(1),
        derived: false,
        at: Nanos::from_millis(at_ms),
        received_us: 0,
        body: TickBody::Trade { px: px("60000.1"), qty: qty("100"), id, buyer_is_maker },
    };
    let aggregate = r#"{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"60000.1",
        "q":"100","nq":"100","f":100,"l":105,"T":123456785,"m":true,"st":1}"#;
    assert_eq!(tick(aggregate), Ok(trade(5_933_014, true, 123_456_785)));
    let single = r#"{"e":"trade","E":2,"T":1,"s":"BTCUSDT","t":1,"p":"60000.1","q":"100",
        "X":"MARKET","m":false}"#;
    assert_eq!(tick(single), Ok(trade(1, false, 1)));
    let book = r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,
        "s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66","ps":"BNBUSDT","st":1}"#;
    let body = TickBody::Book {
        bid: px("25.35"),
        bid_qty: qty("31.21"),
        ask: px("25.36"),
        ask_qty: qty("40.66"),
        update_id: 400_900_217,
    };
    let got = tick(book).unwrap();
    assert_eq!((got.symbol, got.at), (SymbolId(0), Nanos::from_millis(1_568_014_460_891)));
    assert_eq!(got.body, body);
    let mark = r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15",
        "ap":"11794.15","i":"11784.62","P":"11784.25","r":"0.00038167","T":1562306400000,"st":1}"#;
    let body = TickBody::Mark {
        mark: px("11794.15"),
        index: px("11784.62"),
        rate: Rate::parse(b"0.00038167").unwrap(),
        next_funding: Nanos::from_millis(1_562_306_400_000),
    };
    let got = tick(mark).unwrap();
    assert_eq!((got.at, got.body), (Nanos::from_millis(1_562_305_380_000), body));
}

const KLINE: &str = r#"{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747660000,
    "T":1638747719999,"s":"BTCUSDT","i":"1m","f":-1,"L":-1,"o":"1","c":"2","h":"2.5","l":"0.9",
    "v":"12345678901234567.5","n":100,"x":true,"q":"1.0","V":"500","Q":"0.5","B":"0"}}"#;

#[test]
fn only_closed_minutes_are_candles() {
    let got = tick(KLINE).unwrap();
    // Dated by its close, so that it is the same tick as from a recorded file.
    assert_eq!(got.at, Nanos::from_millis(1_638_747_720_000));
    let candle = got.candle().unwrap();
    assert_eq!(candle.open_time, Nanos::from_millis(1_638_747_660_000));
    assert_eq!((candle.high, candle.volume), (px("2.5"), 12_345_678_901_234_567.5));
    assert_eq!(tick(&KLINE.replace("\"x\":true", "\"x\":false")), Err(NoTick::NotAClosedMinute));
    assert_eq!(tick(&KLINE.replace("\"1m\"", "\"5m\"")), Err(NoTick::NotAClosedMinute));
}

#[test]
fn the_rest_says_why_not() {
    assert_eq!(
        tick(&KLINE.replace("BTCUSDT", "DOGEUSDT")),
        Err(NoTick::UnknownSymbol("DOGEUSDT")),
        "a symbol is never guessed"
    );
    let fund = r#"{"e":"trade","E":2,"T":1,"s":"BTCUSDT","t":1,"p":"0","q":"0","X":"NA","m":true}"#;
    assert_eq!(tick(fund), Err(NoTick::NotMarket("NA")));
    for other in [
        r#"{"result":null,"id":1}"#,
        r#"{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","X":"FILLED"}}"#,
        r#"[{"e":"24hrTicker","E":1,"s":"BTCUSDT","p":"0.0015"}]"#,
        r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}"#,
    ] {
        assert_eq!(tick(other), Err(NoTick::Kind), "{other}");
    }
    let unknown = scan(br#"{"E":1,"e":"contractInfo","st":1}"#, &mut Levels::default()).unwrap();
    assert_eq!(unknown.frame, Frame::Other { event: Some("contractInfo") });
}

#[test]
fn a_delivery_contract_has_no_funding_rate() {
    let json = br#"{"e":"markPriceUpdate","E":1,"s":"BTCUSDT_261225","p":"1","i":"1","P":"1",
        "r":"","T":0}"#;
    match scan(json, &mut Levels::default()).unwrap().frame {
        Frame::MarkPrice(mark) => assert_eq!((mark.rate, mark.mark_average), (None, None)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_name_their_place() {
    let mut levels = Levels::with_capacity(2);
    let mut fault = |json: &str| {
        let error = scan(json.as_bytes(), &mut levels).expect_err(json);
        (error.offset, error.fault)
    };
    assert_eq!(fault(""), (0, Fault::End));
    assert_eq!(fault("{}x"), (2, Fault::Trailing));
    assert_eq!(fault(r#"{"e":"trade"}"#), (13, Fault::Missing("E")));
    assert_eq!(fault(r#"{"e":"trade","E":1.5}"#), (17, Fault::BadNumber));
    assert_eq!(fault(r#"{"e":"trade","E":1,"E":1}"#), (23, Fault::Duplicate("E")));
    assert_eq!(fault(r#"{"e":"trade","p":60000.1}"#), (17, Fault::Expected("a string")));
    assert_eq!(fault(r#"{"e":"trade","s":"BTC\u0055SDT"}"#), (21, Fault::Escaped));
    assert_eq!(fault(r#"{"stream":"x@y","id":1}"#), (23, Fault::Missing("data")));
    let deep = r#"{"e":"depthUpdate","E":1,"T":1,"s":"B","U":1,"u":2,"pu":0,
        "b":[["1","1"],["2","1"],["3","1"]],"a":[]}"#;
    assert_eq!(fault(deep).1, Fault::TooManyLevels(2));
    let error = scan(br#"{"e":"trade","p":"1.2x"}"#, &mut levels).unwrap_err();
    assert_eq!(
        error.to_string(),
        "frame not readable at byte 18: byte 3 is not part of a plain decimal number such as -12.5"
    );
}

/// A market that lists coin-margined contracts beside ours sends both, told apart by `st`; their
/// names differ too, and a name that is not in the session's table is never a tick.
#[test]
fn coin_margined_frames_are_not_ours() {
    let mark = r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSD_PERP","p":"11794.15",
        "ap":"11794.15","i":"11784.62","P":"11784.25","r":"0.0001","T":1562306400000,"st":2}"#;
    assert_eq!(tick(mark), Err(NoTick::UnknownSymbol("BTCUSD_PERP")));
}

/// From the bytes of a socket to the words of the ring: all that the feed does with a message.
#[test]
fn from_socket_to_ring_nothing_is_allocated() {
    assert!(CountingAllocator::is_installed());
    let closed = KLINE.replace("\"x\":false", "\"x\":true");
    let compact = |text: &str| text.replace(['\n', ' '], "");
    let frames = [
        compact(&closed),
        compact(
            r#"{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"60000.1",
            "q":"100","nq":"100","f":100,"l":105,"T":123456785,"m":true,"st":1}"#,
        ),
        compact(
            r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,
            "s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66","ps":"BNBUSDT",
            "st":1}"#,
        ),
        compact(
            r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15",
            "ap":"11794.15","i":"11784.62","P":"11784.25","r":"0.00038167",
            "T":1562306400000,"st":1}"#,
        ),
    ];
    let mut stream = Vec::new();
    for frame in &frames {
        let combined = format!(r#"{{"stream":"btcusdt@x","data":{frame}}}"#);
        for text in [frame, &combined] {
            encode(&mut stream, Opcode::Text, None, text.as_bytes());
        }
    }
    let table = table();
    let mut decoder = Decoder::new(Role::Client, 64 * 1_024);
    let mut levels = Levels::default();
    let (mut ticks, mut sum) = (0, 0u64);
    let before = CountingAllocator::allocations();
    for _ in 0..200 {
        for read in stream.chunks(1_333) {
            decoder.space()[..read.len()].copy_from_slice(read);
            decoder.filled(read.len());
            while let Ok(Some(Message::Text(text))) = decoder.message() {
                let tick = scan(text, &mut levels).map(|m| m.frame.tick(|name| table.id(name)));
                if let Ok(Ok(tick)) = tick {
                    ticks += 1;
                    sum = sum.wrapping_add(tick.to_words()[3]);
                }
            }
        }
    }
    assert_eq!(CountingAllocator::allocations(), before);
    assert_eq!(ticks, 200 * 8);
    assert!(sum > 0);
}

//! Every line of a real capture gives the same values by both readers.

use crate::support::{agree, shared};
use aegis_types::{SymbolId, SymbolTable, TickBody};
use aegis_wire::{Frame, Levels, oracle, scan, scan_snapshot};
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Counts by kind: trade, bookTicker, depth, snapshot.
fn compare(symbol: &str) -> Option<[u32; 4]> {
    let path =
        shared(&format!("data/ticks_usdm_20240808/{}_20240808.raw.gz", symbol.to_lowercase()))?;
    let table = SymbolTable::new([symbol]).expect("a symbol name");
    let mut lines = BufReader::new(GzDecoder::new(File::open(path).expect("readable")));
    let mut counts = [0; 4];
    let (mut levels, mut line) = (Levels::default(), String::new());
    let mut last_id = None;
    while lines.read_line(&mut line).expect("a whole gzip file") > 0 {
        let (nanos, json) = line.trim_end().split_once(' ').expect("a prefix");
        assert!(nanos.parse::<i64>().is_ok(), "{nanos}");
        if json.starts_with("{\"lastUpdateId\"") {
            let scanned = scan_snapshot(json.as_bytes(), &mut levels).expect("a snapshot");
            let mut expected_levels = Levels::default();
            let expected = oracle::snapshot(json.as_bytes(), &mut expected_levels);
            assert_eq!(Some(scanned), expected.expect("JSON"));
            assert_eq!(levels, expected_levels);
            assert_eq!((levels.bids().len(), levels.asks().len()), (1_000, 1_000));
            counts[3] += 1;
        } else {
            let message = scan(json.as_bytes(), &mut levels).expect("a message");
            assert!(agree(json.as_bytes(), &message.frame, true), "{json}");
            let tick = message.frame.tick(|name| table.id(name));
            match message.frame {
                Frame::Trade(trade) => {
                    counts[0] += 1;
                    assert_eq!(trade.symbol, symbol);
                    // The capture holds 0-price executions of other origins, which are no ticks.
                    assert_eq!(tick.is_ok(), trade.origin == Some("MARKET"), "{json}");
                }
                Frame::BookTicker(_) => {
                    counts[1] += 1;
                    let tick = tick.expect("a tick");
                    assert_eq!(tick.symbol, SymbolId(0));
                    assert!(matches!(tick.body, TickBody::Book { bid, ask, .. } if bid < ask));
                }
                Frame::Depth(depth) => {
                    counts[2] += 1;
                    assert!(last_id.is_none_or(|id| id == depth.previous_id), "the chain breaks");
                    last_id = Some(depth.last_id);
                }
                other => panic!("{other:?}"),
            }
        }
        line.clear();
    }
    Some(counts)
}

#[test]
fn the_btc_capture_reads_the_same_by_both() {
    let Some(counts) = compare("BTCUSDT") else { return };
    assert_eq!(counts, [21_313, 66_089, 6_551, 1]);
}

#[test]
fn the_eth_capture_reads_the_same_by_both() {
    let Some(counts) = compare("ETHUSDT") else { return };
    assert_eq!(counts, [14_076, 53_992, 6_586, 1]);
}

//! Good inputs: those of text from `fixtures/fuzz`, those of bytes from our own writers.

use aegis_journal::disk::{Open, SimDisk};
use aegis_journal::{Config, Durability, Kind, Source, Writer};
use aegis_types::{Event, EventBody, Nanos, Px, SymbolId, Tick, TickBody};
use aegis_wire::websocket::{Opcode, encode};
use std::io::Write;
use std::path::Path;

/// Lines of a file, each an input.
pub(crate) fn lines(text: &str) -> Vec<Vec<u8>> {
    text.lines().filter(|line| !line.is_empty()).map(|line| line.as_bytes().to_vec()).collect()
}

/// One minute candle file of the exchange.
pub(crate) const CANDLES: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,\
    count,taker_buy_volume,taker_buy_quote_volume,ignore\n\
    1735689600000,93576.00,93610.90,93537.50,93610.90,86.764,1735689659999,8119040.1,2033,44.5,\
    41660.5,0\n\
    1735689660000,93610.9,93652.0,93606.2,93652.0,71.8,1735689719999,6724000.0,1588,40,3750000,0\n\
    1735689720000000,93652,93652,93606,93618.4,21.3,1735689779999999,2000000,1000,10,1000000,0\n";

/// What people have on their disks.
pub(crate) const USER_FILES: [&str; 5] = [
    "time,open,high,low,close,volume\n2025-05-04 15:33:00,1,2,0.5,1.5,10\n\
     2025-05-04 15:34:00,1.5,2,1,1.25,3\n",
    "timestamp;Open;High;Low;Close;Volume BTC;Volume USDT\n1700000000;1;2;0.5;1.5;10;15\n",
    "Date\tOpen\tHigh\tLow\tClose\tVolume\n2025-05-04\t1\t2\t0.5\t1.5\t10\n",
    "https://example.org\nunix,date,symbol,open,high,low,close,Volume BTC,tradecount\n\
     1700000000000,2023-11-14,BTCUSDT,1,2,0.5,1.5,10,7\n",
    "1700000000000,1,2,0.5,1.5,10\n1700000060000,1.5,2,1,1.25,3\n",
];

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Into memory nothing fails.
    let _ = packer.write_all(text.as_bytes());
    packer.finish().unwrap_or_default()
}

pub(crate) fn zip(text: &str, method: zip::CompressionMethod) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut packer = zip::ZipWriter::new(&mut bytes);
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let _ = packer.start_file("BTCUSDT-1m-2025-01.csv", options);
    let _ = packer.write_all(text.as_bytes());
    let _ = packer.finish();
    bytes.into_inner()
}

/// Frames of a server and of a client: text whole and in parts, control frames, lengths of all
/// three forms.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for key in [None, Some([1, 2, 3, 4])] {
        let mut bytes = Vec::new();
        encode(&mut bytes, Opcode::Text, key, b"{\"e\":\"trade\"}");
        encode(&mut bytes, Opcode::Ping, key, b"1");
        all.push(bytes.clone());
        encode(&mut bytes, Opcode::Text, key, &[b'a'; 200]);
        all.push(bytes.clone());
        encode(&mut bytes, Opcode::Binary, key, &[b'b'; 1_000]);
        all.push(bytes.clone());
        // The first frame without its last bit, a continuation behind it.
        let mut parts = Vec::new();
        encode(&mut parts, Opcode::Text, key, b"ab");
        parts[0] &= 0x7f;
        encode(&mut parts, Opcode::Continuation, key, b"cd");
        all.push(parts);
        let mut close = Vec::new();
        aegis_wire::websocket::close(&mut close, key, 1000, "bye");
        all.push(close);
    }
    all
}

/// Events of every sort that a journal holds.
pub(crate) fn events() -> Vec<Vec<u8>> {
    let price = Px::from_raw(1_234_500_000_000);
    let bodies = [
        TickBody::Gap { missing: 3 },
        TickBody::End,
        TickBody::Candle { open: price, high: price, low: price, close: price, volume: 1.5 },
    ];
    let tick = |body| Tick {
        symbol: SymbolId(1),
        derived: false,
        at: Nanos(1_700_000_000_000_000_000),
        received_us: 9,
        body,
    };
    let mut all: Vec<Vec<u8>> = bodies
        .into_iter()
        .map(|body| {
            let event = Event { seq: 3, at: Nanos(7), body: EventBody::Market(tick(body)) };
            event.encode().as_bytes().to_vec()
        })
        .collect();
    // Of the other sorts the codes alone: the reader says how long each is.
    for code in 0..=12u8 {
        let mut bytes = all[0].clone();
        bytes[0] = code;
        bytes.resize(96, 0);
        all.push(bytes);
    }
    all
}

/// The first segment of a small journal.
pub(crate) fn journal() -> Vec<u8> {
    let (disk, folder) = (SimDisk::new(1), Path::new("journal"));
    let config = Config { durability: Durability::Process, segment_bytes: 4_096, reserve_bytes: 0 };
    if let Ok(mut writer) = Writer::create_on(disk.disk(), folder, b"{\"session\":1}", &config) {
        for (seq, payload) in events().into_iter().take(6).enumerate() {
            let source = Source { epoch: 1, seq: seq as u64, position: seq as u64 };
            let _ = writer.append(Kind::Market, source, &payload);
        }
        let _ = writer.flush();
        let _ = writer.close();
    }
    let segment = disk.disk().open(&folder.join("segment-00000000.log"), Open::Read);
    let Ok(file) = segment else { return Vec::new() };
    let mut bytes = vec![0; file.length().unwrap_or(0).min(4_096) as usize];
    let _ = file.read_at(&mut bytes, 0);
    bytes
}

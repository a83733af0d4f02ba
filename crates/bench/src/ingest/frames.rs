//! Frames made before, with places for the numbers that must be fresh each time.

use aegis_types::SymbolTable;
use aegis_wire::websocket::{Opcode, encode};

/// Market time at which the streams begin, ms.
pub(super) const BEGIN_MS: i64 = 1_790_000_040_000;
const MINUTE_MS: i64 = 60_000;

/// Digits of ids and times.
const DIGITS: usize = 13;
/// Stands where a number goes.
const NUMBER: &str = "0000000000000";
const _: () = assert!(NUMBER.len() == DIGITS);

/// What goes into a place.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// An id greater than every one before.
    Id,
    /// Market time.
    Now,
    /// First and last millisecond of the minute.
    MinuteFrom,
    MinuteTo,
    /// The same of the minute before.
    ClosedFrom,
    ClosedTo,
}

/// WebSocket frames of one connection, back to back.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    places: Vec<(usize, Place)>,
    ends: Vec<usize>,
}

impl Block {
    /// Frames in it.
    pub(super) const fn frames(&self) -> usize {
        self.ends.len()
    }

    /// Its bytes, with fresh numbers in every place.
    pub(super) fn fresh(&mut self, now_ms: i64, id: &mut u64) -> &[u8] {
        let from = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        for (at, place) in &self.places {
            let number = match place {
                Place::Id => {
                    *id += 1;
                    *id
                }
                Place::Now => now_ms.unsigned_abs(),
                Place::MinuteFrom => from.unsigned_abs(),
                Place::MinuteTo => (from + MINUTE_MS - 1).unsigned_abs(),
                Place::ClosedFrom => (from - MINUTE_MS).unsigned_abs(),
                Place::ClosedTo => (from - 1).unsigned_abs(),
            };
            put(&mut self.bytes[*at..*at + DIGITS], number);
        }
        &self.bytes
    }

    /// Adds a message: text with `{}` for every place, in order.
    fn add(&mut self, text: &str, places: &[Place]) {
        let text = text.replace("{}", NUMBER);
        let mut frame = Vec::with_capacity(text.len() + 16);
        encode(&mut frame, Opcode::Text, None, text.as_bytes());
        let head = frame.len() - text.len();
        let start = self.bytes.len() + head;
        let mut from = 0;
        for place in places {
            if let Some(at) = text[from..].find(NUMBER) {
                self.places.push((start + from + at, *place));
                from += at + DIGITS;
            }
        }
        self.bytes.extend_from_slice(&frame);
        self.ends.push(self.bytes.len());
    }
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The frames of one connection: what is sent all the time, and what is sent at each minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub blocks: Vec<Block>,
    pub minute: Block,
}

/// Messages of a block: short enough that a pace can be kept.
const BLOCK: usize = 50;

/// What a connection of these streams brings: of each stream what it has, in the proportions of a
/// lively market, symbol by symbol.
pub(super) fn script(streams: &[String], symbols: &SymbolTable) -> Script {
    let mut script = Script::default();
    let mut block = Block::default();
    for round in 0..4 {
        for stream in streams {
            let Some((symbol, kind)) = stream.split_once('@') else { continue };
            let symbol = symbol.to_ascii_uppercase();
            let Some(id) = symbols.id(&symbol) else { continue };
            let px = format!("{}.{:02}", 100 + id.0 % 50, 10 + round);
            match kind {
                "aggTrade" => add_trade(&mut block, stream, &symbol, &px),
                "bookTicker" => add_book(&mut block, stream, &symbol, id.0, round),
                // One a second, against several trades.
                "markPrice@1s" if round == 0 => add_mark(&mut block, stream, &symbol, &px),
                "kline_1m" if round == 0 => {
                    add_candle(&mut block, stream, &symbol, &px, false);
                    add_candle(&mut script.minute, stream, &symbol, &px, true);
                }
                _ => {}
            }
            if block.frames() >= BLOCK {
                script.blocks.push(std::mem::take(&mut block));
            }
        }
    }
    if block.frames() > 0 {
        script.blocks.push(block);
    }
    script
}

/// A message of a stream, its JSON written with single quotes.
fn message(stream: &str, data: &str) -> String {
    format!("{{'stream':'{stream}','data':{{{data}}}}}").replace('\'', "\"")
}

fn add_trade(block: &mut Block, stream: &str, symbol: &str, px: &str) {
    let data = format!(
        "'e':'aggTrade','E':{{}},'s':'{symbol}','a':{{}},'p':'{px}','q':'1.250','nq':'1.250',\
         'f':100,'l':105,'T':{{}},'m':true,'st':1"
    );
    block.add(&message(stream, &data), &[Place::Now, Place::Id, Place::Now]);
}

fn add_book(block: &mut Block, stream: &str, symbol: &str, id: u16, round: u16) {
    let (whole, bid, ask) = (100 + id % 50, 10 + round, 11 + round);
    let data = format!(
        "'e':'bookTicker','u':{{}},'E':{{}},'T':{{}},'s':'{symbol}','b':'{whole}.{bid}',\
         'B':'31.210','a':'{whole}.{ask}','A':'40.660','ps':'{symbol}','st':1"
    );
    block.add(&message(stream, &data), &[Place::Id, Place::Now, Place::Now]);
}

fn add_mark(block: &mut Block, stream: &str, symbol: &str, px: &str) {
    let data = format!(
        "'e':'markPriceUpdate','E':{{}},'s':'{symbol}','p':'{px}','ap':'{px}','i':'{px}',\
         'P':'{px}','r':'0.00010000','T':{{}},'st':1"
    );
    block.add(&message(stream, &data), &[Place::Now, Place::MinuteTo]);
}

fn add_candle(block: &mut Block, stream: &str, symbol: &str, px: &str, closed: bool) {
    let data = format!(
        "'e':'kline','E':{{}},'s':'{symbol}','k':{{'t':{{}},'T':{{}},'s':'{symbol}','i':'1m',\
         'f':100,'L':200,'o':'{px}','c':'{px}','h':'{px}','l':'{px}','v':'1000','n':100,\
         'x':{closed},'q':'1.0','V':'500','Q':'0.5','B':'0'}}"
    );
    let (from, to) = match closed {
        true => (Place::ClosedFrom, Place::ClosedTo),
        false => (Place::MinuteFrom, Place::MinuteTo),
    };
    block.add(&message(stream, &data), &[Place::Now, from, to]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_wire::websocket::{Decoder, Message, Role};
    use aegis_wire::{Frame, Levels, scan};

    #[test]
    fn frames_are_the_exchange_s_and_never_alike() {
        let symbols = SymbolTable::new(["B000USDT"]).unwrap();
        let kinds = ["aggTrade", "bookTicker", "markPrice@1s", "kline_1m"];
        let streams: Vec<String> = kinds.iter().map(|kind| format!("b000usdt@{kind}")).collect();
        let mut script = script(&streams, &symbols);
        let (mut id, mut ids, mut read) = (1_000_000_000_000, Vec::new(), 0);
        for pass in 0..2 {
            let bytes = script.blocks[0].fresh(BEGIN_MS + pass, &mut id).to_vec();
            let mut decoder = Decoder::new(Role::Client, 1 << 16);
            assert_eq!(decoder.feed(&bytes), bytes.len());
            while let Some(message) = decoder.message().unwrap() {
                let Message::Text(text) = message else { panic!("{message:?}") };
                let mut levels = Levels::with_capacity(0);
                read += 1;
                match scan(text, &mut levels).unwrap().frame {
                    Frame::AggTrade(trade) => ids.push(trade.id),
                    Frame::BookTicker(book) => ids.push(book.update_id),
                    Frame::MarkPrice(mark) => assert_eq!(mark.event_ms, BEGIN_MS + pass),
                    Frame::Kline(kline) => assert_eq!(kline.bar.open_ms, BEGIN_MS),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(read, 2 * script.blocks[0].frames());
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}

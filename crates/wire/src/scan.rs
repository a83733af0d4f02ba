//! From bytes to a [`Frame`]: find out what it is, then read it in one pass.
//!
//! The venue writes `{"stream":"btcusdt@trade","data":{"e":"trade",…}}` (combined) or
//! `{"e":"trade",…}` (raw), always in that order; then nothing is looked at twice. Any other order
//! of keys is JSON too: then the event's name is looked up ahead first.

use crate::careful::Careful;
use crate::compact::Compact;
use crate::error::{Fault, ScanError};
use crate::frame::{
    AggTrade, BookTicker, Depth, Frame, Kline, KlineBar, MarkPrice, Snapshot, Trade,
};
use crate::levels::{Level, Levels};
use crate::tokens::{END, Tokens, key};
use aegis_types::{Px, Qty, Rate};

type Result<T> = core::result::Result<T, ScanError>;

/// A value and the token reader behind it.
type Read<V, T, E> = core::result::Result<(V, T), E>;

/// A whole message of a stream connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message<'a> {
    /// The stream's name in combined form, none in raw form.
    pub stream: Option<&'a str>,
    /// The payload.
    pub frame: Frame<'a>,
}

/// Reads one message. Levels of a depth frame go into `levels`, which any other frame leaves empty.
///
/// # Errors
/// [`ScanError`] with the offset of the first byte that does not fit.
pub fn scan<'a>(bytes: &'a [u8], levels: &mut Levels) -> Result<Message<'a>> {
    if let Some(text) = Compact::new(bytes)
        && let Ok(message) = message(text, levels)
    {
        return Ok(message);
    }
    message(Careful::new(bytes), levels)
}

fn message<'a, T: Tokens<'a>>(
    mut s: T,
    levels: &mut Levels,
) -> core::result::Result<Message<'a>, T::Error> {
    levels.clear();
    let (message, s) = if s.accept(b"{\"stream\":") {
        let stream = Some(s.text()?);
        let code = if s.accept(b",\"data\":") { DATA } else { s.next_key()? };
        combined(s, code, stream, levels)?
    } else if s.peek() == b'{' && is_combined(s)? {
        let code = s.first_key()?;
        combined(s, code, None, levels)?
    } else {
        let (frame, s) = payload(s, levels)?;
        (Message { stream: None, frame }, s)
    };
    let mut s = s;
    s.end()?;
    Ok(message)
}

/// Does a key `data` come before any key `e`? Looks ahead only.
fn is_combined<'a, T: Tokens<'a>>(mut s: T) -> core::result::Result<bool, T::Error> {
    let mut code = s.first_key()?;
    while !matches!(code, END | EVENT | DATA) {
        s.skip()?;
        code = s.next_key()?;
    }
    Ok(code == DATA)
}

/// The keys of a combined message, from the first one's value on.
fn combined<'a, T: Tokens<'a>>(
    mut s: T,
    mut code: u64,
    mut stream: Option<&'a str>,
    levels: &mut Levels,
) -> Read<Message<'a>, T, T::Error> {
    let mut frame = None;
    while code != END {
        match code {
            STREAM if stream.is_some() => return s.fail(Fault::Duplicate("stream")),
            STREAM => stream = Some(s.text()?),
            DATA if frame.is_some() => return s.fail(Fault::Duplicate("data")),
            DATA => {
                let (read, rest) = payload(s, levels)?;
                (frame, s) = (Some(read), rest);
            }
            _ => s.skip()?,
        }
        code = s.next_key()?;
    }
    match frame {
        Some(frame) if stream.is_some() => Ok((Message { stream, frame }, s)),
        Some(_) => s.fail(Fault::Missing("stream")),
        None => s.fail(Fault::Missing("data")),
    }
}

/// One payload, from its first byte to behind its last.
fn payload<'a, T: Tokens<'a>>(mut s: T, levels: &mut Levels) -> Read<Frame<'a>, T, T::Error> {
    if s.peek() != b'{' {
        s.skip()?;
        return Ok((Frame::Other { event: None }, s));
    }
    let whole = s;
    let mut code = s.first_key()?;
    let first = code == EVENT;
    while !matches!(code, END | EVENT) {
        s.skip()?;
        code = s.next_key()?;
    }
    if code == END {
        return Ok((Frame::Other { event: None }, s));
    }
    let event = s.name()?;
    let code = if first {
        s.next_key()?
    } else {
        s = whole;
        s.first_key()?
    };
    match event {
        b"bookTicker" => as_frame(book_ticker(s, code), Frame::BookTicker),
        b"trade" => as_frame(trade(s, code), Frame::Trade),
        b"aggTrade" => as_frame(agg_trade(s, code), Frame::AggTrade),
        b"depthUpdate" => as_frame(depth(s, code, levels), Frame::Depth),
        b"kline" => as_frame(kline(s, code), Frame::Kline),
        b"markPriceUpdate" => as_frame(mark_price(s, code), Frame::MarkPrice),
        _ => other(s, code, event),
    }
}

#[inline(always)]
fn as_frame<'a, V, T, E>(
    read: Read<V, T, E>,
    wrap: impl FnOnce(V) -> Frame<'a>,
) -> Read<Frame<'a>, T, E> {
    read.map(|(value, rest)| (wrap(value), rest))
}

fn other<'a, T: Tokens<'a>>(
    mut s: T,
    mut code: u64,
    event: &'a [u8],
) -> Read<Frame<'a>, T, T::Error> {
    while code != END {
        s.skip()?;
        code = s.next_key()?;
    }
    match core::str::from_utf8(event) {
        Ok(event) => Ok((Frame::Other { event: Some(event) }, s)),
        Err(_) => s.fail(Fault::BadString),
    }
}

const EVENT: u64 = key(b"e");
const STREAM: u64 = key(b"stream");
const DATA: u64 = key(b"data");

/// Reads an object's known keys into locals and skips the rest: each key once, required keys there.
macro_rules! fields {
    ($s:ident, $code:ident; $($name:ident: $key:literal = $read:expr;)*
     [optional] $($opt:ident: $okey:literal = $oread:expr;)*) => {
        $(let mut $name = None;)*
        $(let mut $opt = None;)*
        while $code != END {
            match $code {
                $(known if known == const { key($key.as_bytes()) } => {
                    if $name.is_some() {
                        return $s.fail(Fault::Duplicate($key));
                    }
                    $name = Some($read?);
                })*
                $(known if known == const { key($okey.as_bytes()) } => {
                    if $opt.is_some() {
                        return $s.fail(Fault::Duplicate($okey));
                    }
                    $opt = Some($oread?);
                })*
                _ => $s.skip()?,
            }
            $code = $s.next_key()?;
        }
        $(let Some($name) = $name else { return $s.fail(Fault::Missing($key)); };)*
    };
}

fn trade<'a, T: Tokens<'a>>(mut s: T, mut code: u64) -> Read<Trade<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        id: "t" = s.uint();
        px: "p" = s.px();
        qty: "q" = s.qty();
        buyer_is_maker: "m" = s.flag();
        [optional]
        origin: "X" = s.text_or_null();
    }
    let origin = origin.flatten();
    Ok((Trade { event_ms, time_ms, symbol, id, px, qty, origin, buyer_is_maker }, s))
}

fn agg_trade<'a, T: Tokens<'a>>(mut s: T, mut code: u64) -> Read<AggTrade<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        id: "a" = s.uint();
        first_id: "f" = s.uint();
        last_id: "l" = s.uint();
        px: "p" = s.px();
        qty: "q" = s.qty();
        buyer_is_maker: "m" = s.flag();
        [optional]
        qty_normal: "nq" = s.decimal_or_null();
    }
    let qty_normal = qty_normal.flatten().map(Qty::from_raw);
    let trade = AggTrade {
        event_ms,
        time_ms,
        symbol,
        id,
        first_id,
        last_id,
        px,
        qty,
        qty_normal,
        buyer_is_maker,
    };
    Ok((trade, s))
}

fn book_ticker<'a, T: Tokens<'a>>(mut s: T, mut code: u64) -> Read<BookTicker<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        update_id: "u" = s.uint();
        bid: "b" = s.px();
        bid_qty: "B" = s.qty();
        ask: "a" = s.px();
        ask_qty: "A" = s.qty();
        [optional]
    }
    Ok((BookTicker { event_ms, time_ms, symbol, update_id, bid, bid_qty, ask, ask_qty }, s))
}

fn kline<'a, T: Tokens<'a>>(mut s: T, mut code: u64) -> Read<Kline<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        symbol: "s" = s.text();
        bar: "k" = s.nested(kline_bar);
        [optional]
    }
    Ok((Kline { event_ms, symbol, bar }, s))
}

fn kline_bar<'a, T: Tokens<'a>>(mut s: T) -> Read<KlineBar<'a>, T, T::Error> {
    let mut code = s.first_key()?;
    fields! { s, code;
        open_ms: "t" = s.int();
        close_ms: "T" = s.int();
        interval: "i" = s.text();
        open: "o" = s.px();
        close: "c" = s.px();
        high: "h" = s.px();
        low: "l" = s.px();
        volume: "v" = s.float();
        trades: "n" = s.uint();
        closed: "x" = s.flag();
        quote_volume: "q" = s.float();
        taker_buy_volume: "V" = s.float();
        taker_buy_quote_volume: "Q" = s.float();
        [optional]
    }
    let bar = KlineBar {
        open_ms,
        close_ms,
        interval,
        open,
        high,
        low,
        close,
        volume,
        quote_volume,
        taker_buy_volume,
        taker_buy_quote_volume,
        trades,
        closed,
    };
    Ok((bar, s))
}

fn mark_price<'a, T: Tokens<'a>>(mut s: T, mut code: u64) -> Read<MarkPrice<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        symbol: "s" = s.text();
        mark: "p" = s.px();
        index: "i" = s.px();
        rate: "r" = s.decimal_or_empty();
        next_funding_ms: "T" = s.int();
        [optional]
        mark_average: "ap" = s.decimal_or_null();
        settle: "P" = s.decimal_or_null();
    }
    let mark = MarkPrice {
        event_ms,
        symbol,
        mark,
        mark_average: mark_average.flatten().map(Px::from_raw),
        index,
        settle: settle.flatten().map(Px::from_raw),
        rate: rate.map(Rate::from_raw),
        next_funding_ms,
    };
    Ok((mark, s))
}

fn depth<'a, T: Tokens<'a>>(
    mut s: T,
    mut code: u64,
    levels: &mut Levels,
) -> Read<Depth<'a>, T, T::Error> {
    fields! { s, code;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        first_id: "U" = s.uint();
        last_id: "u" = s.uint();
        previous_id: "pu" = s.uint();
        bids: "b" = s.nested(|s| side(s, levels, true));
        asks: "a" = s.nested(|s| side(s, levels, false));
        [optional]
    }
    // The levels are in the buffer; here it only matters that both keys were there.
    let ((), ()) = (bids, asks);
    Ok((Depth { event_ms, time_ms, symbol, first_id, last_id, previous_id }, s))
}

/// `[["price","quantity"],…]`
fn side<'a, T: Tokens<'a>>(mut s: T, levels: &mut Levels, bid: bool) -> Read<(), T, T::Error> {
    let mut more = s.open_list()?;
    while more {
        if !s.open_list()? {
            return s.fail(Fault::Expected("a price and a quantity"));
        }
        let px = s.px()?;
        s.comma()?;
        let qty = s.qty()?;
        s.close_list()?;
        if !levels.push(bid, Level { px, qty }) {
            return s.fail(Fault::TooManyLevels(levels.capacity()));
        }
        more = s.more_list()?;
    }
    Ok(((), s))
}

/// Reads the answer of `GET /fapi/v1/depth`; the levels go into `levels`.
///
/// # Errors
/// [`ScanError`] with the offset of the first byte that does not fit.
pub fn scan_snapshot(bytes: &[u8], levels: &mut Levels) -> Result<Snapshot> {
    levels.clear();
    let mut s = Careful::new(bytes);
    let (mut event_ms, mut time_ms, mut id) = (None, None, None);
    let mut sides = [false; 2];
    let mut more = s.open()?;
    while more {
        match s.key_text()? {
            b"E" if event_ms.is_none() => event_ms = Some(s.int()?),
            b"T" if time_ms.is_none() => time_ms = Some(s.int()?),
            b"lastUpdateId" if id.is_none() => id = Some(s.uint()?),
            b"bids" if !sides[0] => {
                s.nested(|s| side(s, levels, true))?;
                sides[0] = true;
            }
            b"asks" if !sides[1] => {
                s.nested(|s| side(s, levels, false))?;
                sides[1] = true;
            }
            b"E" | b"T" | b"lastUpdateId" | b"bids" | b"asks" => {
                return s.fail(Fault::Duplicate("of a depth snapshot"));
            }
            _ => s.skip()?,
        }
        more = s.more()?;
    }
    s.end()?;
    let Some(event_ms) = event_ms else { return s.fail(Fault::Missing("E")) };
    let Some(time_ms) = time_ms else { return s.fail(Fault::Missing("T")) };
    let Some(last_update_id) = id else { return s.fail(Fault::Missing("lastUpdateId")) };
    if sides != [true; 2] {
        return s.fail(Fault::Missing(if sides[0] { "asks" } else { "bids" }));
    }
    Ok(Snapshot { event_ms, time_ms, last_update_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The venue's own spelling must never need the careful reader: that would be correct and slow.
    #[test]
    fn documented_frames_take_the_fast_way() {
        for frame in [
            concat!(
                r#"{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"60000.1","#,
                r#""q":"100","nq":"100","f":100,"l":105,"T":123456785,"m":true,"st":1}"#,
            ),
            concat!(
                r#"{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"60000","q":"1","X":"MARKET","#,
                r#""m":true}"#,
            ),
            concat!(
                r#"{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747660000,"#,
                r#""T":1638747719999,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"1","c":"2","#,
                r#""h":"2.5","l":"0.9","v":"1000","n":100,"x":false,"q":"1.0","V":"500","#,
                r#""Q":"0.5","B":"0"}}"#,
            ),
            concat!(
                r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"#,
                r#""s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66","ps":"BNBUSDT","#,
                r#""st":1}"#,
            ),
            concat!(
                r#"{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","#,
                r#""a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}"#,
            ),
            concat!(
                r#"{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BTCUSDT","U":157,"u":160,"#,
                r#""pu":149,"b":[["0.0024","10"]],"a":[],"ps":"BTCUSDT","st":1}"#,
            ),
            concat!(
                r#"{"e":"markPriceUpdate","E":1562305380000,"s":"币安人生USDT","p":"11794.15","#,
                r#""ap":"11794.15","i":"11784.62659091","P":"11784.25","r":"0.00038167","#,
                r#""T":1562306400000,"st":1}"#,
            ),
        ] {
            let combined = alloc::format!(r#"{{"stream":"btcusdt@x@100ms","data":{frame}}}"#);
            for text in [frame, combined.as_str()] {
                let mut levels = Levels::with_capacity(1);
                let fast = Compact::new(text.as_bytes()).map(|c| message(c, &mut levels).ok());
                let careful = message(Careful::new(text.as_bytes()), &mut levels).ok();
                assert!(careful.is_some(), "{text}");
                assert_eq!(fast, Some(careful), "{text}");
            }
        }
    }
}

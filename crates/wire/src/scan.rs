//! From bytes to a [`Frame`]: find out what it is, then read it in one pass.
//!
//! The venue writes `{"stream":"btcusdt@trade","data":{"e":"trade",…}}` (combined) or
//! `{"e":"trade",…}` (raw), always in that order; then nothing is looked at twice. Any other order
//! of keys is JSON too: then the event's name is looked up ahead first.

use crate::error::{Fault, ScanError};
use crate::frame::{
    AggTrade, BookTicker, Depth, Frame, Kline, KlineBar, MarkPrice, Snapshot, Trade,
};
use crate::levels::{Level, Levels};
use crate::scanner::{Scanner, key};
use aegis_types::{Px, Qty, Rate};

type Result<T> = core::result::Result<T, ScanError>;

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
    levels.clear();
    let mut s = Scanner::new(bytes);
    let message = if s.accept(b"{\"stream\":") {
        let stream = Some(s.text()?);
        let more = s.more()?;
        combined(&mut s, more, stream, levels)?
    } else if s.peek() == b'{' && is_combined(s)? {
        let more = s.open()?;
        combined(&mut s, more, None, levels)?
    } else {
        Message { stream: None, frame: payload(&mut s, levels)? }
    };
    s.end()?;
    Ok(message)
}

/// Does a key `data` come before any key `e`? Looks ahead only.
fn is_combined(mut s: Scanner<'_>) -> Result<bool> {
    if s.accept(b"{\"e\":") {
        return Ok(false);
    }
    let mut more = s.open()?;
    while more {
        match s.key()? {
            DATA => return Ok(true),
            EVENT => return Ok(false),
            _ => s.skip()?,
        }
        more = s.more()?;
    }
    Ok(false)
}

/// The keys of a combined message, from inside its braces.
fn combined<'a>(
    s: &mut Scanner<'a>,
    mut more: bool,
    mut stream: Option<&'a str>,
    levels: &mut Levels,
) -> Result<Message<'a>> {
    let mut frame = None;
    while more {
        match s.key()? {
            STREAM if stream.is_some() => return s.fail(Fault::Duplicate("stream")),
            STREAM => stream = Some(s.text()?),
            DATA if frame.is_some() => return s.fail(Fault::Duplicate("data")),
            DATA => frame = Some(payload(s, levels)?),
            _ => s.skip()?,
        }
        more = s.more()?;
    }
    match frame {
        Some(frame) if stream.is_some() => Ok(Message { stream, frame }),
        Some(_) => s.fail(Fault::Missing("stream")),
        None => s.fail(Fault::Missing("data")),
    }
}

/// One payload, from its first byte to behind its last.
fn payload<'a>(s: &mut Scanner<'a>, levels: &mut Levels) -> Result<Frame<'a>> {
    let whole = *s;
    if s.accept(b"{\"e\":") {
        let event = s.text()?;
        let more = s.more()?;
        return by_event(s, whole, event, more, levels);
    }
    if s.peek() != b'{' {
        s.skip()?;
        return Ok(Frame::Other { event: None });
    }
    let whole = *s;
    match find_event(*s)? {
        Some(event) => {
            let more = s.open()?;
            by_event(s, whole, event, more, levels)
        }
        None => {
            s.skip()?;
            Ok(Frame::Other { event: None })
        }
    }
}

/// The value of the key `e` of the object that begins here. Looks ahead only.
fn find_event(mut s: Scanner<'_>) -> Result<Option<&str>> {
    let mut more = s.open()?;
    while more {
        if s.key()? == EVENT {
            return s.text().map(Some);
        }
        s.skip()?;
        more = s.more()?;
    }
    Ok(None)
}

fn by_event<'a>(
    s: &mut Scanner<'a>,
    whole: Scanner<'a>,
    event: &'a str,
    more: bool,
    levels: &mut Levels,
) -> Result<Frame<'a>> {
    match event {
        "bookTicker" => book_ticker(s, more).map(Frame::BookTicker),
        "trade" => trade(s, more).map(Frame::Trade),
        "aggTrade" => agg_trade(s, more).map(Frame::AggTrade),
        "depthUpdate" => depth(s, more, levels).map(Frame::Depth),
        "kline" => kline(s, more).map(Frame::Kline),
        "markPriceUpdate" => mark_price(s, more).map(Frame::MarkPrice),
        _ => {
            *s = whole;
            s.skip()?;
            Ok(Frame::Other { event: Some(event) })
        }
    }
}

const EVENT: u64 = key(b"e");
const STREAM: u64 = key(b"stream");
const DATA: u64 = key(b"data");

/// Reads an object's known keys into locals and skips the rest: each key once, required keys there.
macro_rules! fields {
    ($s:ident, $more:ident; $($name:ident: $key:literal = $read:expr;)*
     [optional] $($opt:ident: $okey:literal = $oread:expr;)*) => {
        $(let mut $name = None;)*
        $(let mut $opt = None;)*
        while $more {
            match $s.key()? {
                $(code if const { key($key.as_bytes()) } == code => {
                    if $name.is_some() {
                        return $s.fail(Fault::Duplicate($key));
                    }
                    $name = Some($read?);
                })*
                $(code if const { key($okey.as_bytes()) } == code => {
                    if $opt.is_some() {
                        return $s.fail(Fault::Duplicate($okey));
                    }
                    $opt = Some($oread?);
                })*
                _ => $s.skip()?,
            }
            $more = $s.more()?;
        }
        $(let Some($name) = $name else { return $s.fail(Fault::Missing($key)); };)*
    };
}

fn read_px(s: &mut Scanner<'_>) -> Result<Px> {
    s.decimal().map(Px::from_raw)
}

fn read_qty(s: &mut Scanner<'_>) -> Result<Qty> {
    s.decimal().map(Qty::from_raw)
}

fn trade<'a>(s: &mut Scanner<'a>, mut more: bool) -> Result<Trade<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        id: "t" = s.uint();
        px: "p" = read_px(s);
        qty: "q" = read_qty(s);
        buyer_is_maker: "m" = s.flag();
        [optional]
        origin: "X" = s.text_or_null();
    }
    let origin = origin.flatten();
    Ok(Trade { event_ms, time_ms, symbol, id, px, qty, origin, buyer_is_maker })
}

fn agg_trade<'a>(s: &mut Scanner<'a>, mut more: bool) -> Result<AggTrade<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        id: "a" = s.uint();
        first_id: "f" = s.uint();
        last_id: "l" = s.uint();
        px: "p" = read_px(s);
        qty: "q" = read_qty(s);
        buyer_is_maker: "m" = s.flag();
        [optional]
        qty_normal: "nq" = s.decimal_or_null();
    }
    let qty_normal = qty_normal.flatten().map(Qty::from_raw);
    Ok(AggTrade {
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
    })
}

fn book_ticker<'a>(s: &mut Scanner<'a>, mut more: bool) -> Result<BookTicker<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        update_id: "u" = s.uint();
        bid: "b" = read_px(s);
        bid_qty: "B" = read_qty(s);
        ask: "a" = read_px(s);
        ask_qty: "A" = read_qty(s);
        [optional]
    }
    Ok(BookTicker { event_ms, time_ms, symbol, update_id, bid, bid_qty, ask, ask_qty })
}

fn kline<'a>(s: &mut Scanner<'a>, mut more: bool) -> Result<Kline<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        symbol: "s" = s.text();
        bar: "k" = kline_bar(s);
        [optional]
    }
    Ok(Kline { event_ms, symbol, bar })
}

fn kline_bar<'a>(s: &mut Scanner<'a>) -> Result<KlineBar<'a>> {
    let mut more = s.open()?;
    fields! { s, more;
        open_ms: "t" = s.int();
        close_ms: "T" = s.int();
        interval: "i" = s.text();
        open: "o" = read_px(s);
        close: "c" = read_px(s);
        high: "h" = read_px(s);
        low: "l" = read_px(s);
        volume: "v" = s.float();
        trades: "n" = s.uint();
        closed: "x" = s.flag();
        quote_volume: "q" = s.float();
        taker_buy_volume: "V" = s.float();
        taker_buy_quote_volume: "Q" = s.float();
        [optional]
    }
    Ok(KlineBar {
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
    })
}

fn mark_price<'a>(s: &mut Scanner<'a>, mut more: bool) -> Result<MarkPrice<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        symbol: "s" = s.text();
        mark: "p" = read_px(s);
        index: "i" = read_px(s);
        rate: "r" = s.decimal_or_empty();
        next_funding_ms: "T" = s.int();
        [optional]
        mark_average: "ap" = s.decimal_or_null();
        settle: "P" = s.decimal_or_null();
    }
    Ok(MarkPrice {
        event_ms,
        symbol,
        mark,
        mark_average: mark_average.flatten().map(Px::from_raw),
        index,
        settle: settle.flatten().map(Px::from_raw),
        rate: rate.map(Rate::from_raw),
        next_funding_ms,
    })
}

fn depth<'a>(s: &mut Scanner<'a>, mut more: bool, levels: &mut Levels) -> Result<Depth<'a>> {
    fields! { s, more;
        event_ms: "E" = s.int();
        time_ms: "T" = s.int();
        symbol: "s" = s.text();
        first_id: "U" = s.uint();
        last_id: "u" = s.uint();
        previous_id: "pu" = s.uint();
        bids: "b" = side(s, levels, true);
        asks: "a" = side(s, levels, false);
        [optional]
    }
    // The levels are in the buffer; here it only matters that both keys were there.
    let ((), ()) = (bids, asks);
    Ok(Depth { event_ms, time_ms, symbol, first_id, last_id, previous_id })
}

/// `[["price","quantity"],…]`
fn side(s: &mut Scanner<'_>, levels: &mut Levels, bid: bool) -> Result<()> {
    let mut more = s.open_list()?;
    while more {
        if !s.open_list()? {
            return s.fail(Fault::Expected("a price and a quantity"));
        }
        let px = read_px(s)?;
        s.comma()?;
        let qty = read_qty(s)?;
        s.close_list()?;
        if !levels.push(bid, Level { px, qty }) {
            return s.fail(Fault::TooManyLevels(levels.capacity()));
        }
        more = s.more_list()?;
    }
    Ok(())
}

/// Reads the answer of `GET /fapi/v1/depth`; the levels go into `levels`.
///
/// # Errors
/// [`ScanError`] with the offset of the first byte that does not fit.
pub fn scan_snapshot(bytes: &[u8], levels: &mut Levels) -> Result<Snapshot> {
    levels.clear();
    let mut s = Scanner::new(bytes);
    let (mut event_ms, mut time_ms, mut id) = (None, None, None);
    let mut sides = [false; 2];
    let mut more = s.open()?;
    while more {
        match s.key_text()? {
            b"E" if event_ms.is_none() => event_ms = Some(s.int()?),
            b"T" if time_ms.is_none() => time_ms = Some(s.int()?),
            b"lastUpdateId" if id.is_none() => id = Some(s.uint()?),
            b"bids" if !sides[0] => {
                side(&mut s, levels, true)?;
                sides[0] = true;
            }
            b"asks" if !sides[1] => {
                side(&mut s, levels, false)?;
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

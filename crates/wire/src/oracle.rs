//! The slow reader: typed, borrowed serde into the same result types. The scanners are tested
//! against it (`tests/it`) and measured against it (`aegis bench wire`).

use crate::chunk::plain_float;
use crate::frame::{Depth, Snapshot};
use crate::levels::{Level, Levels};
use aegis_types::{Px, Qty, Rate, parse_decimal};
use core::fmt;
use core::marker::PhantomData;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A combined message of a known payload type.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Combined<'a, T> {
    /// The stream's name.
    #[serde(borrow)]
    pub stream: &'a str,
    /// The payload.
    pub data: T,
}

/// Reads a string by a function of its text.
struct Text<T, F>(F, PhantomData<T>);

impl<T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<T, F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string with a decimal number")
    }
    fn visit_str<X: Error>(self, text: &str) -> Result<T, X> {
        (self.0)(text).map_err(X::custom)
    }
}

fn text<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    d: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    d.deserialize_str(Text(read, PhantomData))
}

pub(crate) fn px<'de, D: Deserializer<'de>>(d: D) -> Result<Px, D::Error> {
    text(d, |t| parse_decimal(t.as_bytes()).map(Px::from_raw))
}

pub(crate) fn qty<'de, D: Deserializer<'de>>(d: D) -> Result<Qty, D::Error> {
    text(d, |t| parse_decimal(t.as_bytes()).map(Qty::from_raw))
}

pub(crate) fn float<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    text(d, |t| plain_float(t.as_bytes()))
}

pub(crate) fn rate_or_empty<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Rate>, D::Error> {
    text(d, |t| match t {
        "" => Ok(None),
        t => parse_decimal(t.as_bytes()).map(|raw| Some(Rate::from_raw(raw))),
    })
}

/// A price or `null`.
struct Wrapped<T>(T);

impl<'de> Deserialize<'de> for Wrapped<Px> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        px(d).map(Wrapped)
    }
}

impl<'de> Deserialize<'de> for Wrapped<Qty> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        qty(d).map(Wrapped)
    }
}

pub(crate) fn px_opt<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Px>, D::Error> {
    Ok(Option::<Wrapped<Px>>::deserialize(d)?.map(|w| w.0))
}

pub(crate) fn qty_opt<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Qty>, D::Error> {
    Ok(Option::<Wrapped<Qty>>::deserialize(d)?.map(|w| w.0))
}

/// `["price","quantity"]`
impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (px, qty) = <(Wrapped<Px>, Wrapped<Qty>)>::deserialize(d)?;
        Ok(Self { px: px.0, qty: qty.0 })
    }
}

/// A list of levels into one side of the buffer, so that the slow reader allocates no more than
/// the scanner does.
struct Side<'l>(&'l mut Levels, bool);

impl<'de> DeserializeSeed<'de> for Side<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Side<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of price levels")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(level) = list.next_element()? {
            if !self.0.push(self.1, level) {
                return Err(A::Error::custom("too many levels"));
            }
        }
        Ok(())
    }
}

/// The keys of both depth messages.
#[derive(Deserialize)]
enum Key {
    E,
    T,
    #[serde(rename = "s")]
    Symbol,
    U,
    #[serde(rename = "u")]
    Last,
    #[serde(rename = "pu")]
    Previous,
    #[serde(rename = "lastUpdateId")]
    LastUpdateId,
    #[serde(rename = "b", alias = "bids")]
    Bids,
    #[serde(rename = "a", alias = "asks")]
    Asks,
    #[serde(other)]
    Other,
}

/// What both depth messages may hold.
#[derive(Default)]
struct Book<'a> {
    event_ms: Option<i64>,
    time_ms: Option<i64>,
    symbol: Option<&'a str>,
    first_id: Option<u64>,
    last_id: Option<u64>,
    previous_id: Option<u64>,
    last_update_id: Option<u64>,
    bids: Option<()>,
    asks: Option<()>,
}

struct BookReader<'l>(&'l mut Levels);

fn once<T, E: Error>(slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("duplicate key")),
    }
}

impl<'de> Visitor<'de> for BookReader<'_> {
    type Value = Book<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a depth message")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Book<'de>, A::Error> {
        let mut book = Book::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::E => once(&mut book.event_ms, map.next_value()?)?,
                Key::T => once(&mut book.time_ms, map.next_value()?)?,
                Key::Symbol => once(&mut book.symbol, map.next_value()?)?,
                Key::U => once(&mut book.first_id, map.next_value()?)?,
                Key::Last => once(&mut book.last_id, map.next_value()?)?,
                Key::Previous => once(&mut book.previous_id, map.next_value()?)?,
                Key::LastUpdateId => once(&mut book.last_update_id, map.next_value()?)?,
                Key::Bids => once(&mut book.bids, map.next_value_seed(Side(self.0, true))?)?,
                Key::Asks => once(&mut book.asks, map.next_value_seed(Side(self.0, false))?)?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(book)
    }
}

/// Reads a raw depth payload; the levels go into `levels`. `None` where a key is missing.
///
/// # Errors
/// What serde says.
pub fn depth<'a>(
    bytes: &'a [u8],
    levels: &mut Levels,
) -> Result<Option<Depth<'a>>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    levels.clear();
    let book = reader.deserialize_map(BookReader(levels))?;
    reader.end()?;
    Ok(whole(&book))
}

fn whole<'a>(book: &Book<'a>) -> Option<Depth<'a>> {
    book.bids.and(book.asks)?;
    Some(Depth {
        event_ms: book.event_ms?,
        time_ms: book.time_ms?,
        symbol: book.symbol?,
        first_id: book.first_id?,
        last_id: book.last_id?,
        previous_id: book.previous_id?,
    })
}

/// Reads a combined depth message; otherwise as [`depth`].
///
/// # Errors
/// What serde says.
pub fn combined_depth<'a>(
    bytes: &'a [u8],
    levels: &mut Levels,
) -> Result<Option<Combined<'a, Depth<'a>>>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Outer {
        Stream,
        Data,
        #[serde(other)]
        Other,
    }
    struct Whole<'l>(&'l mut Levels);
    struct Inner<'l>(&'l mut Levels);
    impl<'de> DeserializeSeed<'de> for Inner<'_> {
        type Value = Book<'de>;
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Book<'de>, D::Error> {
            d.deserialize_map(BookReader(self.0))
        }
    }
    impl<'de> Visitor<'de> for Whole<'_> {
        type Value = (Option<&'de str>, Option<Book<'de>>);
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a combined message")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut stream, mut data) = (None, None);
            while let Some(key) = map.next_key()? {
                match key {
                    Outer::Stream => once(&mut stream, map.next_value()?)?,
                    Outer::Data => once(&mut data, map.next_value_seed(Inner(self.0))?)?,
                    Outer::Other => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok((stream, data))
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    levels.clear();
    let (stream, book) = reader.deserialize_map(Whole(levels))?;
    reader.end()?;
    let data = book.and_then(|book| whole(&book));
    Ok(stream.zip(data).map(|(stream, data)| Combined { stream, data }))
}

/// Reads the answer of `GET /fapi/v1/depth`. `None` where a key is missing.
///
/// # Errors
/// What serde says.
pub fn snapshot(bytes: &[u8], levels: &mut Levels) -> Result<Option<Snapshot>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    levels.clear();
    let book = reader.deserialize_map(BookReader(levels))?;
    reader.end()?;
    let whole = || {
        book.bids.and(book.asks)?;
        Some(Snapshot {
            event_ms: book.event_ms?,
            time_ms: book.time_ms?,
            last_update_id: book.last_update_id?,
        })
    };
    Ok(whole())
}

//! Values as they come: a number in a string or bare, a flag in a string, a null, or something that
//! nobody expected. What cannot be read is absent; only an id that is missing is an error.

use aegis_types::{Money, Px, Qty, Rate, SCALE, Side};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A JSON value that is not an object or a list, as text; the others are nothing.
pub(crate) struct Scalar<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(text.into()))))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Borrowed(if flag { "true" } else { "false" }))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }
}

/// What a scalar's text can be read as.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str) -> Option<Self>;
}

/// A field that may be missing, null, or of a form that is not understood.
pub(crate) fn maybe<'de, D: Deserializer<'de>, T: FromText>(d: D) -> Result<Option<T>, D::Error> {
    let Scalar(text) = Scalar::deserialize(d)?;
    Ok(text.and_then(|text| T::from_text(&text)))
}

/// A field without which the rest means nothing.
pub(crate) fn needed<'de, D: Deserializer<'de>, T: FromText>(d: D) -> Result<T, D::Error> {
    maybe(d)?.ok_or_else(|| D::Error::custom("an id is missing or not readable"))
}

impl FromText for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "true" | "TRUE" => Some(true),
            "false" | "FALSE" => Some(false),
            _ => None,
        }
    }
}

impl FromText for Side {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "BUY" => Some(Self::Buy),
            "SELL" => Some(Self::Sell),
            _ => None,
        }
    }
}

macro_rules! whole {
    ($($kind:ty)*) => {$(
        impl FromText for $kind {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}
whole! { i64 u64 i32 u32 u16 u8 f64 }

/// A decimal in units of 1e-8. Averages come with more than eight decimals: they are rounded to the
/// nearest. `None` when it is no number; the ends of the range when it is beyond them.
pub(crate) fn rounded(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().ok()?;
        return value.is_finite().then_some((value * SCALE as f64) as i64);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut value: i128 = 0;
    for byte in whole.bytes().chain((0..8).map(|n| *fraction.as_bytes().get(n).unwrap_or(&b'0'))) {
        value = value.saturating_mul(10).saturating_add(i128::from(byte - b'0'));
    }
    if fraction.as_bytes().get(8).is_some_and(|next| *next >= b'5') {
        value = value.saturating_add(1);
    }
    let value = if negative { -value } else { value };
    Some(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

macro_rules! decimal {
    ($($kind:ident)*) => {$(
        impl FromText for $kind {
            fn from_text(text: &str) -> Option<Self> {
                rounded(text).map($kind::from_raw)
            }
        }
    )*};
}
decimal! { Px Qty Money Rate }

/// Declares the body of a reply or event: under `[ids]` the fields without which it is an error,
/// under `[fields]` those that may be missing, under `[nested]` what has parts of its own.
macro_rules! body {
    ($(#[$doc:meta])* $name:ident
     { $([ids] $($(#[$idoc:meta])*
         $id:ident: $ikind:ty = $ikey:literal $(| $ialias:literal)*;)+)?
       $([fields] $($(#[$fdoc:meta])*
         $field:ident: $fkind:ty = $fkey:literal $(| $alias:literal)*;)+)?
       $([nested] $($(#[$ndoc:meta])*
         $part:ident: $nkind:ty = $nkey:literal;)+)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
        pub struct $name {
            $($($(#[$idoc])*
            #[serde(rename = $ikey, $(alias = $ialias,)*
                deserialize_with = "crate::bodies::loose::needed")]
            pub $id: $ikind,)+)?
            $($($(#[$fdoc])*
            #[serde(rename = $fkey, $(alias = $alias,)* default,
                deserialize_with = "crate::bodies::loose::maybe")]
            pub $field: Option<$fkind>,)+)?
            $($($(#[$ndoc])*
            #[serde(rename = $nkey, default)]
            pub $part: $nkind,)+)?
        }
    };
}
pub(crate) use body;

/// A list, of which what is no entry is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T>(pub alloc::vec::Vec<T>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(alloc::vec::Vec::new())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum List<T> {
    List(alloc::vec::Vec<Entry<T>>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry<T> {
    Read(T),
    Other(IgnoredAny),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let List::List(entries) = List::<T>::deserialize(d)? else { return Ok(Self::default()) };
        let read = entries.into_iter().filter_map(|entry| match entry {
            Entry::Read(entry) => Some(entry),
            Entry::Other(_) => None,
        });
        Ok(Self(read.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_precision_are_rounded_once() {
        for (text, want) in [
            ("0.385077", Some(38_507_700)),
            ("-0.123456785", Some(-12_345_679)),
            ("0.000000004999", Some(0)),
            ("0.000000005", Some(1)),
            ("99999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999", Some(i64::MIN)),
            ("0E-8", Some(0)),
            ("1.5e3", Some(150_000_000_000)),
            (".5", Some(50_000_000)),
            ("7.", Some(700_000_000)),
            ("+1", Some(100_000_000)),
            ("", None),
            (".", None),
            ("-", None),
            ("1.2.3", None),
            ("abc", None),
            ("1e999", None),
            ("NaN", None),
        ] {
            assert_eq!(rounded(text), want, "{text}");
        }
    }
}

//! `Px`, `Qty`, `Money`, `Rate`: signed 64-bit integers in units of 1e-8.
//!
//! Text goes in and out exactly, without a float on the way. Addition and subtraction are checked;
//! products go through `i128` and round half to even at 1e-8. Only the products that mean something
//! compile: `Px × Qty` and `Money × Rate` are `Money`.

use alloc::string::{String, ToString};
use core::fmt;
use core::ops::{Mul, Neg};
use core::str::FromStr;

/// Units per whole: 1e8.
pub const SCALE: i64 = 100_000_000;

/// A result that does not fit in 64 bits at 1e-8 (beyond ±92,233,720,368.54775807).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fixed-point result is out of range (beyond ±92,233,720,368 at 1e-8)")
    }
}

impl core::error::Error for OutOfRange {}

/// Why a text is not a fixed-point decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// No digits at all.
    Empty,
    /// A byte that is neither digit, one leading sign nor one point; its offset.
    Unexpected(usize),
    /// More than eight decimals that are not zero.
    TooPrecise,
    /// Does not fit in 64 bits at 1e-8.
    OutOfRange,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a decimal number is expected, the text has no digits"),
            Self::Unexpected(at) => {
                write!(f, "byte {at} is not part of a plain decimal number such as -12.5")
            }
            Self::TooPrecise => f.write_str("more than 8 decimals cannot be held exactly"),
            Self::OutOfRange => f.write_str("the number is beyond ±92,233,720,368.54775807"),
        }
    }
}

impl core::error::Error for DecimalError {}

/// Parses plain decimal text (`-12.5`, `.5`, `7`) into units of 1e-8.
///
/// # Errors
/// See [`DecimalError`]. Exponents, spaces and non-finite words are unexpected bytes.
pub fn parse_decimal(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, mut at) = match text.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let mut value: i64 = 0;
    let mut digits = 0usize;
    let mut decimals: Option<u32> = None;
    while at < text.len() {
        let byte = text[at];
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            digits += 1;
            match decimals {
                Some(8) if digit != 0 => return Err(DecimalError::TooPrecise),
                Some(8) => {}
                _ => {
                    value = value
                        .checked_mul(10)
                        .and_then(|v| v.checked_sub(i64::from(digit)))
                        .ok_or(DecimalError::OutOfRange)?;
                    decimals = decimals.map(|d| d + 1);
                }
            }
        } else if byte == b'.' && decimals.is_none() {
            decimals = Some(0);
        } else {
            return Err(DecimalError::Unexpected(at));
        }
        at += 1;
    }
    if digits == 0 {
        return Err(DecimalError::Empty);
    }
    let value =
        value.checked_mul(10i64.pow(8 - decimals.unwrap_or(0))).ok_or(DecimalError::OutOfRange)?;
    // Accumulated negatively, so that i64::MIN parses too.
    if negative { Ok(value) } else { value.checked_neg().ok_or(DecimalError::OutOfRange) }
}

/// Writes units of 1e-8 as minimal decimal text: `0.5`, never `0.50000000`.
fn write_decimal(f: &mut fmt::Formatter<'_>, raw: i64) -> fmt::Result {
    let magnitude = raw.unsigned_abs();
    let whole = magnitude / SCALE as u64;
    let mut fraction = magnitude % SCALE as u64;
    let mut buffer = [0u8; 8];
    let mut length = 0;
    if fraction > 0 {
        for slot in buffer.iter_mut().rev() {
            *slot = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        length = 8;
        while buffer[length - 1] == b'0' {
            length -= 1;
        }
    }
    let mut text = crate::text::Text::<32>::new();
    use core::fmt::Write;
    write!(text, "{whole}")?;
    if length > 0 {
        text.push('.');
        for byte in &buffer[..length] {
            text.push(char::from(*byte));
        }
    }
    f.pad_integral(raw >= 0, "", text.as_str())
}

/// Product of two 1e-8 numbers as a 1e-8 number, rounded half to even.
#[inline]
fn product(a: i64, b: i64) -> Result<i64, OutOfRange> {
    ratio(i128::from(a) * i128::from(b), i128::from(SCALE))
}

/// `numerator / denominator`, rounded half to even.
#[inline]
fn ratio(numerator: i128, denominator: i128) -> Result<i64, OutOfRange> {
    if denominator == 0 {
        return Err(OutOfRange);
    }
    let (n, d) =
        if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let quotient = n.div_euclid(d);
    let rest = n.rem_euclid(d);
    let up = match (rest * 2).cmp(&d) {
        core::cmp::Ordering::Greater => 1,
        core::cmp::Ordering::Equal => quotient & 1,
        core::cmp::Ordering::Less => 0,
    };
    i64::try_from(quotient + up).map_err(|_| OutOfRange)
}

/// How to round to a grid of ticks or steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// To the nearest, ties away from zero.
    Nearest,
}

fn on_grid(raw: i64, grid: i64, round: Round) -> Result<i64, OutOfRange> {
    if grid <= 0 {
        return Err(OutOfRange);
    }
    let (raw, grid) = (i128::from(raw), i128::from(grid));
    let down = raw.div_euclid(grid) * grid;
    let rounded = match round {
        Round::Down => down,
        Round::Up if down == raw => down,
        Round::Up => down + grid,
        Round::Nearest => {
            let rest = raw - down;
            let tie_up = raw >= 0;
            if rest * 2 > grid || (rest * 2 == grid && tie_up) { down + grid } else { down }
        }
    };
    i64::try_from(rounded).map_err(|_| OutOfRange)
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(i64::MAX);

            /// From units of 1e-8.
            #[inline]
            pub const fn from_raw(raw: i64) -> Self { Self(raw) }

            /// In units of 1e-8.
            #[inline]
            pub const fn raw(self) -> i64 { self.0 }

            /// From a whole number.
            ///
            /// # Panics
            /// At compile time or run time when the number is beyond ±92,233,720,368; for
            /// constants only.
            pub const fn whole(value: i64) -> Self { Self(value * SCALE) }

            /// From plain decimal bytes.
            ///
            /// # Errors
            /// See [`DecimalError`].
            pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
                parse_decimal(text).map(Self)
            }

            /// For indicators and reports only; money never comes back from here unrounded.
            #[inline]
            pub fn to_f64(self) -> f64 { self.0 as f64 / SCALE as f64 }

            /// From a finite float, rounded to the nearest 1e-8.
            ///
            /// # Errors
            /// [`OutOfRange`] when not finite or too large.
            pub fn from_f64(value: f64) -> Result<Self, OutOfRange> {
                let scaled = value * SCALE as f64;
                if !(scaled > -9.2e18 && scaled < 9.2e18) {
                    return Err(OutOfRange);
                }
                let whole = scaled as i64;
                let rest = scaled - whole as f64;
                let step = i64::from(rest >= 0.5) - i64::from(rest <= -0.5);
                Ok(Self(whole + step))
            }

            /// Sum, or [`OutOfRange`].
            ///
            /// # Errors
            /// When the sum does not fit.
            #[inline]
            pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_add(other.0).map(Self).ok_or(OutOfRange)
            }

            /// Difference, or [`OutOfRange`].
            ///
            /// # Errors
            /// When the difference does not fit.
            #[inline]
            pub fn minus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange)
            }

            /// Sum held at the ends of the range; for statistics, never for ledgers.
            #[inline]
            pub fn saturating_plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// Absolute value; the smallest value maps to the largest.
            #[inline]
            pub fn abs(self) -> Self { Self(self.0.saturating_abs()) }

            /// Greater than zero.
            #[inline]
            pub const fn is_positive(self) -> bool { self.0 > 0 }

            /// Less than zero.
            #[inline]
            pub const fn is_negative(self) -> bool { self.0 < 0 }

            /// Exactly zero.
            #[inline]
            pub const fn is_zero(self) -> bool { self.0 == 0 }

            /// Rounded to a multiple of `grid` (a tick, a step).
            ///
            /// # Errors
            /// [`OutOfRange`] when the grid is not positive or the result does not fit.
            pub fn to_grid(self, grid: Self, round: Round) -> Result<Self, OutOfRange> {
                on_grid(self.0, grid.0, round).map(Self)
            }

            /// A multiple of `grid`?
            pub fn is_on_grid(self, grid: Self) -> bool { grid.0 > 0 && self.0 % grid.0 == 0 }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self { Self(self.0.saturating_neg()) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write_decimal(f, self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_decimal(f, self.0)?;
                f.write_str(")")
            }
        }

        impl FromStr for $name {
            type Err = DecimalError;
            fn from_str(text: &str) -> Result<Self, DecimalError> { Self::parse(text.as_bytes()) }
        }

        impl serde::Serialize for $name {
            /// A decimal string where people read, the plain number elsewhere.
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { s.serialize_i64(self.0) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            /// From a decimal string, or from a JSON integer.
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl serde::de::Visitor<'_> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a decimal string such as \"0.5\"")
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        v.parse().map_err(E::custom)
                    }
                    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<$name, E> {
                        v.checked_mul(SCALE).map($name).ok_or_else(|| E::custom(OutOfRange))
                    }
                    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<$name, E> {
                        i64::try_from(v).map_err(E::custom).and_then(|v| self.visit_i64(v))
                    }
                    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<$name, E> {
                        // The shortest text that gives this float is what the author wrote.
                        let text: String = v.to_string();
                        text.parse().map_err(E::custom)
                    }
                }
                if !d.is_human_readable() {
                    return i64::deserialize(d).map(Self);
                }
                d.deserialize_any(V)
            }
        }
    };
}

fixed!(
    /// A price in quote units per base unit, in steps of 1e-8.
    Px
);
fixed!(
    /// A quantity of the base asset, in steps of 1e-8; negative where a short position is meant.
    Qty
);
fixed!(
    /// An amount of the quote asset (USDT), in steps of 1e-8.
    Money
);
fixed!(
    /// A fraction such as a fee, a funding rate or a margin rate, in steps of 1e-8.
    Rate
);

impl Mul<Qty> for Px {
    type Output = Result<Money, OutOfRange>;
    /// The notional: price times quantity, rounded half to even at 1e-8.
    #[inline]
    fn mul(self, qty: Qty) -> Self::Output {
        product(self.0, qty.0).map(Money)
    }
}

impl Mul<Rate> for Money {
    type Output = Result<Money, OutOfRange>;
    #[inline]
    fn mul(self, rate: Rate) -> Self::Output {
        product(self.0, rate.0).map(Money)
    }
}

impl Money {
    /// The quantity that this amount buys at `px`, rounded half to even at 1e-8.
    ///
    /// # Errors
    /// [`OutOfRange`] when the price is zero or the result does not fit.
    pub fn over_px(self, px: Px) -> Result<Qty, OutOfRange> {
        ratio(i128::from(self.0) * i128::from(SCALE), i128::from(px.0)).map(Qty)
    }

    /// The price at which `qty` is worth this amount, rounded half to even at 1e-8.
    ///
    /// # Errors
    /// [`OutOfRange`] when the quantity is zero or the result does not fit.
    pub fn over_qty(self, qty: Qty) -> Result<Px, OutOfRange> {
        ratio(i128::from(self.0) * i128::from(SCALE), i128::from(qty.0)).map(Px)
    }

    /// Divided by a whole number, away from zero: margin is never posted short by a rounding.
    ///
    /// # Errors
    /// [`OutOfRange`] when `divisor` is not positive.
    pub fn split_up(self, divisor: i64) -> Result<Money, OutOfRange> {
        if divisor <= 0 {
            return Err(OutOfRange);
        }
        let quotient = self.0 / divisor;
        let rest = self.0 % divisor;
        Ok(Money(quotient + rest.signum()))
    }

    /// This amount as a plain ratio of `whole`; 0 when `whole` is zero.
    pub fn ratio_of(self, whole: Money) -> f64 {
        if whole.0 == 0 { 0.0 } else { self.0 as f64 / whole.0 as f64 }
    }
}

impl Px {
    /// The price moved by a fraction of itself: `px × (1 + rate)`.
    ///
    /// # Errors
    /// [`OutOfRange`] when the result does not fit.
    pub fn shifted(self, rate: Rate) -> Result<Px, OutOfRange> {
        let delta = product(self.0, rate.0)?;
        self.0.checked_add(delta).map(Px).ok_or(OutOfRange)
    }
}

//! Decimal text of files to exact numbers, fast for what exchanges write, complete for the rest.

use crate::firewall::Reason;

/// A plain unsigned decimal: `mantissa × 10^-decimals`, and where the field ends.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    pub mantissa: u64,
    pub decimals: u8,
    pub end: usize,
}

/// Reads digits with at most one point from `at` up to a comma or the end of the line.
///
/// `None` for anything else (sign, exponent, quotes, nothing, more than 18 digits): the slow path
/// decides then.
#[inline]
pub(crate) fn plain(line: &[u8], at: usize) -> Option<Plain> {
    let mut mantissa: u64 = 0;
    let mut digits = 0u32;
    let mut point = usize::MAX;
    let mut index = at;
    while let Some(&byte) = line.get(index) {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += 1;
        } else if byte == b',' {
            break;
        } else if byte == b'.' && point == usize::MAX {
            point = index + 1;
        } else {
            return None;
        }
        index += 1;
    }
    if digits == 0 || digits > 18 {
        return None;
    }
    let decimals = if point == usize::MAX { 0 } else { (index - point) as u8 };
    Some(Plain { mantissa, decimals, end: index })
}

/// 10^0 to 10^18, exact as integers and (up to 10^22) as floats.
pub(crate) const POWERS: [u64; 19] = {
    let mut powers = [1u64; 19];
    let mut i = 1;
    while i < 19 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

impl Plain {
    /// In units of 1e-8; `None` when it does not fit or has more than eight decimals.
    #[inline]
    pub(crate) fn raw(self) -> Option<i64> {
        let power = *POWERS.get(8usize.checked_sub(usize::from(self.decimals))?)?;
        i64::try_from(self.mantissa.checked_mul(power)?).ok()
    }

    /// The nearest float: exact operands and one division, so correctly rounded.
    #[inline]
    pub(crate) fn float(self) -> Option<f64> {
        let exact = self.mantissa < (1 << 53);
        exact.then(|| self.mantissa as f64 / POWERS[usize::from(self.decimals)] as f64)
    }

    /// Decimals without trailing zeros.
    #[inline]
    pub(crate) fn significant_decimals(self) -> u8 {
        let (mut mantissa, mut decimals) = (self.mantissa, self.decimals);
        if mantissa == 0 {
            return 0;
        }
        while decimals > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            decimals -= 1;
        }
        decimals
    }
}

/// Why a text is not a number of 1e-8 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not a number at all: the file is wrong there.
    NotANumber,
    /// A number that the firewall refuses.
    Refused(Reason),
}

/// Any decimal text (sign, exponent, quotes, `nan`) in units of 1e-8. More than eight decimals
/// are refused, or rounded to the nearest when `round`.
pub(crate) fn general(text: &[u8], round: bool) -> Result<i64, Fault> {
    let text = trimmed(text);
    if not_finite(text) {
        return Err(Fault::Refused(Reason::NonFinite));
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (digits, exponent) = match digits.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => {
            let exponent = std::str::from_utf8(&digits[at + 1..]).ok();
            let exponent: i32 = exponent.and_then(|e| e.parse().ok()).ok_or(Fault::NotANumber)?;
            (&digits[..at], exponent)
        }
        None => (digits, 0),
    };
    let mut mantissa: i128 = 0;
    let (mut count, mut decimals, mut point) = (0, 0i32, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' if count < 36 => {
                mantissa = mantissa * 10 + i128::from(byte - b'0');
                count += i32::from(mantissa != 0);
                decimals += i32::from(point);
            }
            b'0'..=b'9' => return Err(Fault::Refused(Reason::OutOfRange)),
            b'.' if !point => point = true,
            _ => return Err(Fault::NotANumber),
        }
    }
    if digits.iter().all(|b| *b == b'.') {
        return Err(Fault::NotANumber);
    }
    let raw = scaled(mantissa, exponent.saturating_sub(decimals).saturating_add(8), round)
        .ok_or(Fault::Refused(Reason::OutOfRange))?;
    Ok(if negative { -raw } else { raw })
}

/// `mantissa × 10^power` as `i64`.
fn scaled(mantissa: i128, power: i32, round: bool) -> Option<i64> {
    if mantissa == 0 {
        return Some(0);
    }
    if power >= 0 {
        let factor = 10i128.checked_pow(u32::try_from(power).ok()?)?;
        return i64::try_from(mantissa.checked_mul(factor)?).ok();
    }
    let Some(factor) = 10i128.checked_pow(power.unsigned_abs()) else {
        return round.then_some(0);
    };
    if round {
        return i64::try_from((mantissa + factor / 2) / factor).ok();
    }
    (mantissa % factor == 0).then(|| i64::try_from(mantissa / factor).ok()).flatten()
}

/// Any decimal text as a float; `nan`, `inf` and nothing are NaN, for the firewall to refuse.
pub(crate) fn general_float(text: &[u8]) -> Result<f64, Fault> {
    let text = trimmed(text);
    if not_finite(text) {
        return Ok(f64::NAN);
    }
    let text = std::str::from_utf8(text).map_err(|_| Fault::NotANumber)?;
    text.parse().map_err(|_| Fault::NotANumber)
}

/// Without the spaces and quotes that spreadsheet programs add.
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    match text {
        [b'"', inner @ .., b'"'] => inner.trim_ascii(),
        _ => text,
    }
}

/// How other programs write a number that is none, an empty field among them.
fn not_finite(text: &[u8]) -> bool {
    let unsigned = match text {
        [b'-' | b'+', rest @ ..] => rest,
        rest => rest,
    };
    text.is_empty()
        || [&b"nan"[..], b"inf", b"infinity", b"null", b"none"]
            .iter()
            .any(|word| unsigned.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponents_signs_and_words() {
        assert_eq!(general(b"6.818e-05", false), Ok(6_818));
        assert_eq!(general(b"-6.12e-06", false), Ok(-612));
        assert_eq!(general(b"1.5E3", false), Ok(150_000_000_000));
        assert_eq!(general(b"\"0.5\"", false), Ok(50_000_000));
        assert_eq!(general(b"0.123456789", true), Ok(12_345_679));
        assert_eq!(general(b"0.123456789", false), Err(Fault::Refused(Reason::OutOfRange)));
        assert_eq!(general(b"1e30", false), Err(Fault::Refused(Reason::OutOfRange)));
        for text in [&b""[..], b"NaN", b"-inf", b"null"] {
            assert_eq!(general(text, false), Err(Fault::Refused(Reason::NonFinite)));
        }
        for text in [&b"abc"[..], b"1.2.3", b"--1", b".", b"1e", b"1,5", b"0x10", b"."] {
            assert_eq!(general(text, false), Err(Fault::NotANumber), "{text:?}");
        }
    }

    proptest! {
        /// The fast path, the slow path and the library that others trust give the same number.
        #[test]
        fn fast_and_slow_paths_agree(whole in 0u64..90_000_000, fraction in 0u64..100_000_000,
                                     decimals in 0usize..=8) {
            let fraction = format!("{fraction:08}");
            let text = format!("{whole}.{}", &fraction[..decimals]);
            let plain = plain(text.as_bytes(), 0).expect("plain digits");
            let oracle: aegis_types::Px = text.trim_end_matches('.').parse().expect("decimal");
            prop_assert_eq!(plain.raw(), Some(oracle.raw()));
            prop_assert_eq!(general(text.as_bytes(), false), Ok(oracle.raw()));
            prop_assert_eq!(plain.float(), Some(text.parse::<f64>().expect("float")));
        }

        /// No text makes a parser panic.
        #[test]
        fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (plain(&text, 0).map(|p| (p.raw(), p.float())), general(&text, true).is_ok());
            let _ = (general(&text, false).is_ok(), general_float(&text).is_ok());
        }
    }
}

//! Step machine: decimals as the exchange writes them, straight into a text.

use aegis_types::SCALE;

/// Decimal places of a grid: 0.10 has one, 0.001 three, 10 none.
pub fn places(grid_raw: i64) -> u8 {
    let mut places = 8;
    let mut rest = grid_raw;
    while places > 0 && rest != 0 && rest % 10 == 0 {
        rest /= 10;
        places -= 1;
    }
    places
}

/// Appends an integer.
pub fn push_int(out: &mut String, value: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| *digit as char));
}

/// Appends units of 1e-8 with at least `places` decimals, and more when it has more.
pub fn push_fixed(out: &mut String, raw: i64, places: u8) {
    if raw < 0 {
        out.push('-');
    }
    let size = raw.unsigned_abs();
    let (whole, mut rest) = (size / SCALE as u64, size % SCALE as u64);
    push_int(out, whole as i64);
    let places = usize::from(places.min(8));
    if rest == 0 && places == 0 {
        return;
    }
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let needed = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    out.push('.');
    out.extend(digits[..needed.max(places)].iter().map(|digit| *digit as char));
}

/// Appends a float that is an amount, rounded to `places` decimals.
pub fn push_amount(out: &mut String, value: f64, places: u8) {
    use core::fmt::Write as _;
    let value = if value.is_finite() { value } else { 0.0 };
    // Writing to a text cannot fail.
    let _ = write!(out, "{value:.*}", usize::from(places));
}

/// Units of 1e-8 as text with at least `places` decimals.
pub fn fixed(raw: i64, places: u8) -> String {
    let mut out = String::new();
    push_fixed(&mut out, raw, places);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_of_the_grid() {
        assert_eq!((places(10_000_000), places(100_000), places(SCALE), places(10)), (1, 3, 0, 7));
        assert_eq!(fixed(6_180_020_000_000, 2), "61800.20");
        assert_eq!(fixed(6_180_020_000_000, 1), "61800.2");
        assert_eq!(fixed(SCALE, 0), "1");
        assert_eq!(fixed(-SCALE / 2, 0), "-0.5");
        assert_eq!(fixed(12, 2), "0.00000012");
        assert_eq!(fixed(0, 3), "0.000");
    }
}

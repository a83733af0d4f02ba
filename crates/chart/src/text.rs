//! Numbers and text as they stand in the file.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

/// Farthest coordinate that is written; what lies beyond is off any paper.
const FAR: f64 = 1e6;

/// Appends a coordinate with at most two decimals; a number that is none counts as 0.
pub fn coordinate(out: &mut String, value: f64) {
    let value = if value.is_nan() { 0.0 } else { value.clamp(-FAR, FAR) };
    // Exact: at most 1e8.
    let hundredths = libm::round(value * 100.0) as i64;
    let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    if hundredths < 0 {
        out.push('-');
    }
    let _ = write!(out, "{whole}");
    if rest > 0 {
        let _ =
            if rest % 10 == 0 { write!(out, ".{}", rest / 10) } else { write!(out, ".{rest:02}") };
    }
}

/// Appends text, safe inside elements and quoted attributes. Characters that XML cannot hold become
/// U+FFFD.
pub fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// A finite number in the fewest digits that read back the same, as JSON knows it.
pub fn exact(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-7..1e15).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// A price with so many decimals; very large and very small ones with an exponent.
pub fn price(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e12 || size != 0.0 && size < 1e-9 {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|b| matches!(b, b'0' | b'.')) => String::from(zero),
        _ => text,
    }
}

/// A volume in three digits or so: `12.3K`.
pub fn volume(value: f64) -> String {
    for (unit, name) in [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")] {
        if value >= unit * 1e4 {
            return format!("{value:.2e}");
        }
        if value >= unit {
            return format!("{:.1}{name}", value / unit);
        }
    }
    format!("{value:.*}", if value < 10.0 { 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_odd() {
        let text = |value| {
            let mut out = String::new();
            coordinate(&mut out, value);
            out
        };
        let cases = [
            (0.0, "0"),
            (-0.001, "0"),
            (1.5, "1.5"),
            (1.25, "1.25"),
            (1.05, "1.05"),
            (-2.0, "-2"),
            (-0.5, "-0.5"),
            (99.999, "100"),
            (f64::NAN, "0"),
            (f64::INFINITY, "1000000"),
            (f64::NEG_INFINITY, "-1000000"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn text_cannot_leave_its_place() {
        let mut out = String::new();
        escaped(&mut out, "<a href=\"x\" id='y'>&\u{1}\n</a>");
        assert_eq!(out, "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\u{fffd} &lt;/a&gt;");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(price(-0.001, 2), "0.00");
        assert_eq!(price(1234.5, 1), "1234.5");
        assert_eq!(price(1e300, 2), "1.000e300");
        assert_eq!(volume(12_345.0), "12.3K");
        assert_eq!(volume(1.5), "1.50");
        assert_eq!(volume(1e300), "1.00e300");
        assert_eq!(exact(1e300), "1e300");
        assert_eq!(exact(0.1), "0.1");
    }
}

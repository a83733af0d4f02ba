//! Times as users and files write them.

use aegis_types::Nanos;

/// Reads milliseconds or microseconds since the epoch, `YYYY-MM-DD`, or
/// `YYYY-MM-DD[ T]HH:MM[:SS[.fraction]]`, all in UTC; a `Z` or `+00:00` behind it is understood.
///
/// A number from 1e14 on is microseconds (1e14 ms would be the year 5138), else milliseconds.
///
/// # Errors
/// A sentence that says what was expected; a number that can only be seconds or nanoseconds says
/// so.
pub fn parse_time(text: &str) -> Result<Nanos, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: u64 = text.parse().map_err(|_| expected(text))?;
        return epoch(number);
    }
    civil(text).ok_or_else(|| expected(text))
}

/// An epoch number by its magnitude.
#[inline]
pub(crate) fn epoch(number: u64) -> Result<Nanos, String> {
    match number {
        // Before 1973 in ms: no market data is that old, but seconds since the epoch look so.
        0..100_000_000_000 => {
            Err(format!("{number} looks like seconds; milliseconds are expected"))
        }
        100_000_000_000..9_000_000_000_000 => Ok(Nanos(number as i64 * 1_000_000)),
        9_000_000_000_000..100_000_000_000_000 => {
            Err(format!("{number} ms is after the year 2255, beyond what is kept"))
        }
        100_000_000_000_000..9_000_000_000_000_000 => Ok(Nanos(number as i64 * 1_000)),
        _ => Err(format!("{number} is beyond microseconds; milliseconds are expected")),
    }
}

fn expected(text: &str) -> String {
    format!(
        "`{text}` is not a time; expected ms or µs since the epoch, YYYY-MM-DD, or \
         `YYYY-MM-DD HH:MM:SS` in UTC"
    )
}

fn civil(text: &str) -> Option<Nanos> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, clock),
        None => (text, "00:00:00"),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let mut clock = clock.split(':');
    let hour = digits(clock.next()?, 2)?;
    let minute = digits(clock.next()?, 2)?;
    let (second, nanos) = clock.next().map_or(Some((0, 0)), seconds)?;
    if parts.next().is_some() || clock.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let midnight = Nanos::from_civil(i64::from(year), month, day);
    // An impossible date such as 30 February comes back as another one.
    let (y, m, d, ..) = midnight.civil();
    if !(1..=12).contains(&month) || (y, m, d) != (i64::from(year), month, day) {
        return None;
    }
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    Some(midnight.after(Nanos::SECOND.times(seconds)).after(Nanos(nanos)))
}

/// `SS` or `SS.fraction`: seconds and nanoseconds.
fn seconds(text: &str) -> Option<(u32, i64)> {
    let Some((whole, fraction)) = text.split_once('.') else { return Some((digits(text, 2)?, 0)) };
    let length = fraction.len();
    let fraction = (1..=9).contains(&length).then(|| digits(fraction, length))??;
    Some((digits(whole, 2)?, i64::from(fraction) * 10i64.pow(9 - length as u32)))
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let ok = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    ok.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_is_the_same_instant() {
        let at = Nanos::from_millis(1_746_372_780_000);
        for text in [
            "1746372780000",
            "1746372780000000",
            "2025-05-04 15:33:00",
            "2025-05-04T15:33:00",
            "2025-05-04T15:33:00Z",
            "2025-05-04 15:33:00+00:00",
            "2025-05-04 15:33:00.000",
            "2025-05-04 15:33",
        ] {
            assert_eq!(parse_time(text), Ok(at), "{text}");
        }
        assert_eq!(parse_time("2025-05-04"), Ok(Nanos::from_civil(2025, 5, 4)));
        let later = parse_time("2025-05-04T15:33:00.25Z").expect("a fraction");
        assert_eq!(later.since(at), Nanos::MILLISECOND.times(250));
    }

    #[test]
    fn what_is_not_a_time_says_what_is() {
        for text in [
            "",
            "yesterday",
            "2025-02-30",
            "2025-13-01",
            "2025-05-04 24:00:00",
            "12:00",
            "2025-05-04 10:00:00.",
            "2025-05-04 10:00:00+02:00",
        ] {
            assert!(parse_time(text).unwrap_err().contains("YYYY-MM-DD"), "{text}");
        }
        assert!(parse_time("1746372780").unwrap_err().contains("seconds"));
        assert!(parse_time("1746372780000000000").unwrap_err().contains("beyond"));
        assert!(parse_time("50000000000000").unwrap_err().contains("2255"));
    }
}

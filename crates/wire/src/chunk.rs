//! Text eight bytes at a time, and the rare spellings of it one byte at a time.

use aegis_types::DecimalError;

/// Powers of ten up to a chunk of digits.
pub(crate) const POWERS: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Powers of ten up to eighteen digits.
pub(crate) const TENS: [u64; 19] = {
    let mut tens = [1u64; 19];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// How many leading bytes of a chunk (first byte lowest) are neither quote, backslash nor control
/// character.
#[inline(always)]
pub(crate) const fn plain_bytes(chunk: u64) -> usize {
    // A byte below n sets its high bit in (x - n) & !x; borrows reach only the bytes above it, so
    // the lowest high bit is exact.
    let quote = chunk ^ (ONES * b'"' as u64);
    let slash = chunk ^ (ONES * b'\\' as u64);
    let found = quote.wrapping_sub(ONES) & !quote
        | slash.wrapping_sub(ONES) & !slash
        | chunk.wrapping_sub(ONES * 0x20) & !chunk;
    ((found & HIGH_BITS).trailing_zeros() / 8) as usize
}

/// Eight digits (first digit in the lowest byte) as a number.
#[inline(always)]
pub(crate) const fn eight_digits(chunk: u64) -> Option<u64> {
    let digits = chunk ^ (ONES * b'0' as u64);
    // A digit is below 10: no high nibble, and none after adding six.
    if (digits | digits.wrapping_add(ONES * 6)) & (ONES * 0xF0) != 0 {
        return None;
    }
    // Neighbours by tens, then by hundreds, then by ten thousands.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF)
}

/// Plain decimal text as the nearest float: digits and at most one point, no sign, no exponent.
pub(crate) fn plain_float(text: &[u8]) -> core::result::Result<f64, DecimalError> {
    let odd = |b: &u8| !(b.is_ascii_digit() || *b == b'.');
    if let Some(at) = text.iter().position(odd) {
        return Err(DecimalError::Unexpected(at));
    }
    let text = core::str::from_utf8(text).unwrap_or("");
    text.parse().map_err(|_| DecimalError::Empty)
}

/// The text that a JSON string means, in `buffer` if it has escapes. `None` when it has a lone
/// surrogate or (with escapes) does not fit: names and numbers of the venue are far shorter.
pub(crate) fn unescape<'b>(written: &'b [u8], buffer: &'b mut [u8; 64]) -> Option<&'b [u8]> {
    if !written.contains(&b'\\') {
        return Some(written);
    }
    let (mut from, mut to) = (0, 0);
    while let Some(byte) = written.get(from) {
        let mut utf8 = [0; 4];
        let (piece, length): (&[u8], usize) = match (byte, written.get(from + 1)) {
            (b'\\', Some(b'u')) => {
                let (letter, length) = unicode(written.get(from..)?)?;
                (letter.encode_utf8(&mut utf8).as_bytes(), length)
            }
            (b'\\', Some(code)) => {
                utf8[0] = match code {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                };
                (&utf8[..1], 2)
            }
            _ => (core::slice::from_ref(byte), 1),
        };
        buffer.get_mut(to..to + piece.len())?.copy_from_slice(piece);
        (from, to) = (from + length, to + piece.len());
    }
    Some(&buffer[..to])
}

/// The letter of `\uXXXX`, or of a surrogate pair of them, and the bytes it takes.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let hex = core::str::from_utf8(text.get(at..at + 4)?).ok()?;
        u16::from_str_radix(hex, 16).ok()
    };
    let first = unit(2)?;
    if !(0xD800..0xE000).contains(&first) {
        return Some((char::from_u32(u32::from(first))?, 6));
    }
    if text.get(6..8) != Some(b"\\u") {
        return None;
    }
    let pair = [first, unit(8)?];
    let letter = char::decode_utf16(pair).next()?.ok()?;
    Some((letter, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_read_at_once() {
        let digits = |text: &[u8; 8]| eight_digits(u64::from_le_bytes(*text));
        assert_eq!(digits(b"17231612"), Some(17_231_612));
        assert_eq!(digits(b"99999999"), Some(99_999_999));
        for bad in [b"1723161/", b":7231612", b"1723 612", b"17\xB16 2\"x", b"\xFF7231612"] {
            assert_eq!(digits(bad), None, "{bad:?}");
        }
        let plain = |text: &[u8; 8]| plain_bytes(u64::from_le_bytes(*text));
        assert_eq!(plain("abc é~!".as_bytes().try_into().unwrap()), 8);
        for (at, byte) in [(0, b'"'), (3, b'\\'), (7, 0x1F), (5, 0)] {
            let mut text = *b"BTC USDT";
            text[at] = byte;
            assert_eq!(plain(&text), at, "{byte}");
        }
        assert_eq!(plain(b"\xE5#!]\x7F\"ab"), 5);
    }

    #[test]
    fn escapes_mean_their_letters() {
        let mut buffer = [0; 64];
        let mut text =
            |written: &'static str| unescape(written.as_bytes(), &mut buffer).map(<[u8]>::to_vec);
        assert_eq!(text(r"a\u0065\n\/"), Some(b"ae\n/".to_vec()));
        assert_eq!(text(r"\ud83d\ude00"), Some("😀".as_bytes().to_vec()));
        assert_eq!(text(r"\ud83d"), None);
        assert_eq!(text(r"\ude00x"), None);
    }
}

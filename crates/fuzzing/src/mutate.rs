//! From a good input to one that is nearly good.

use crate::draw::Draw;

/// Longest input.
pub(crate) const LENGTH_MAX: usize = 4_096;
/// Most changes of one input.
const CHANGES_MAX: usize = 6;

/// Bytes that readers are fond of getting wrong.
const BYTES: &[u8] = b"\x00\x01\x7e\x7f\x80\x81\xfe\xff\"\\{}[]:,.-+eE0 \r\n\t=&%#";

/// Numbers at the ends of what fits.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1e309",
    "1e-400",
    "NaN",
    "Infinity",
    "null",
    "true",
    "\"\"",
    "0.00000001",
    "0.000000001",
    "92233720368.54775807",
    "92233720368.54775808",
    "-92233720368.54775808",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
    "65536",
    "253402300799999",
    "99999999999999999999999999999999999999",
];

/// Changes `bytes` in one to six ways. `others` are good inputs to take parts from, `words` what
/// means something to the reader.
pub fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], draw: &mut Draw) {
    for _ in 0..=draw.below(CHANGES_MAX) {
        change(bytes, others, words, draw);
        bytes.truncate(LENGTH_MAX);
    }
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], draw: &mut Draw) {
    let at = draw.below(bytes.len());
    match draw.below(14) {
        0 => flip(bytes, at, draw),
        1 => set(bytes, at, draw),
        2 => bytes.truncate(at),
        3 => {
            let byte = draw.pick(BYTES).copied().unwrap_or_default();
            bytes.insert(at, byte);
        }
        4 => {
            let end = (at + 1 + draw.below(16)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        5 => {
            let end = (at + 1 + draw.below(64)).min(bytes.len());
            let part = bytes[at.min(end)..end].to_vec();
            let to = draw.below(bytes.len());
            insert(bytes, to, &part);
        }
        6 | 7 => number(bytes, draw),
        8 | 9 => {
            let word = draw.pick(words).copied().unwrap_or_default();
            insert(bytes, at, word.as_bytes());
        }
        10 => splice(bytes, at, others, draw),
        11 => {
            // Lengths and counts in binary forms.
            let value = [0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, u64::MAX, 1 << 63];
            let value = draw.pick(&value).copied().unwrap_or_default().to_le_bytes();
            let width = [1, 2, 4, 8][draw.below(4)];
            for (byte, new) in bytes[at..].iter_mut().zip(&value[..width]) {
                *byte = *new;
            }
        }
        12 => {
            let end = (at + 1 + draw.below(8)).min(bytes.len());
            let to = draw.below(bytes.len().saturating_sub(end - at.min(end)));
            let part: Vec<u8> = bytes.drain(at.min(end)..end).collect();
            insert(bytes, to, &part);
        }
        _ => {
            let byte = draw.pick(BYTES).copied().unwrap_or_default();
            let many = vec![byte; draw.below(300)];
            insert(bytes, at, &many);
        }
    }
}

fn flip(bytes: &mut [u8], at: usize, draw: &mut Draw) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << draw.below(8);
    }
}

fn set(bytes: &mut [u8], at: usize, draw: &mut Draw) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = draw.pick(BYTES).copied().unwrap_or_default();
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, part.iter().copied());
}

/// Puts another number where one stands.
fn number(bytes: &mut Vec<u8>, draw: &mut Draw) {
    let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let from = draw.below(bytes.len());
    let Some(first) = bytes[from..].iter().position(digit).map(|at| from + at) else { return };
    let length = bytes[first..].iter().take_while(|byte| digit(byte)).count();
    let new = draw.pick(NUMBERS).copied().unwrap_or_default();
    bytes.splice(first..first + length, new.bytes());
}

/// The beginning of one good input and the end of another.
fn splice(bytes: &mut Vec<u8>, at: usize, others: &[Vec<u8>], draw: &mut Draw) {
    let Some(other) = draw.pick(others) else { return };
    let from = draw.below(other.len());
    bytes.truncate(at);
    bytes.extend_from_slice(&other[from..]);
}

//! Messages to bytes.

use super::{Opcode, mask};
use alloc::vec::Vec;

/// The most that a frame adds to its payload.
pub const FRAME_OVERHEAD: usize = 14;

/// Appends a message in one frame: masked with four fresh random bytes when a client writes, bare
/// when a server does. A buffer with room for the payload and [`FRAME_OVERHEAD`] does not grow.
pub fn encode(out: &mut Vec<u8>, opcode: Opcode, key: Option<[u8; 4]>, payload: &[u8]) {
    out.push(0x80 | opcode as u8);
    let bit = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => out.push(bit | length as u8),
        length @ 126..=0xFFFF => {
            out.push(bit | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(bit | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    if let Some(key) = key {
        out.extend_from_slice(&key);
    }
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask(&mut out[start..], key, 0);
    }
}

/// Appends a close frame; of the reason what fits into a control frame.
pub fn close(out: &mut Vec<u8>, key: Option<[u8; 4]>, code: u16, reason: &str) {
    let mut payload = [0u8; 125];
    let mut length = reason.len().min(payload.len() - 2);
    while !reason.is_char_boundary(length) {
        length -= 1;
    }
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + length].copy_from_slice(&reason.as_bytes()[..length]);
    encode(out, Opcode::Close, key, &payload[..2 + length]);
}

//! The hash chain: SHA-256's compression run over every byte of every record, never restarted.
//!
//! A record is a whole number of 64-byte blocks, so the state after a record is SHA-256's own
//! midstate over all bytes since the session began. Each record stores the first 8 bytes of the
//! state *before* it; each segment header stores the whole state. That costs the blocks of the
//! record and nothing more (two for a market record); closing the hash for each record would cost
//! half as much again. The missing length padding is no loss: records carry their lengths, the
//! number of records is in the next segment header, and nobody appends behind a closed hash.

use sha2::block_api::compress256;

/// Bytes of one block; records are multiples of it.
pub(crate) const BLOCK: usize = 64;

/// SHA-256's initial state (FIPS 180-4, 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The running state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    state: [u32; 8],
}

impl Chain {
    /// Before the first record.
    pub(crate) const fn new() -> Self {
        Self { state: START }
    }

    /// From the 32 bytes of a segment header.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut state = [0; 8];
        for (word, bytes) in state.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        Self { state }
    }

    /// All 32 bytes.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (word, bytes) in self.state.iter().zip(bytes.as_chunks_mut::<4>().0) {
            *bytes = word.to_be_bytes();
        }
        bytes
    }

    /// The 8 bytes that the next record carries.
    #[inline]
    pub(crate) fn link(&self) -> u64 {
        u64::from(self.state[0]) << 32 | u64::from(self.state[1])
    }

    /// Takes a whole record in; bytes beyond the last whole block would be ignored, and there are
    /// none.
    #[inline]
    pub(crate) fn absorb(&mut self, record: &[u8]) {
        debug_assert!(record.len().is_multiple_of(BLOCK));
        compress256(&mut self.state, record.as_chunks::<BLOCK>().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_state_is_sha_256s_own() {
        // "abc" padded by hand (FIPS 180-4, 5.1.1) must give the published digest of "abc".
        let mut block = [0u8; BLOCK];
        block[..3].copy_from_slice(b"abc");
        block[3] = 0x80;
        block[63] = 24;
        let mut chain = Chain::new();
        chain.absorb(&block);
        assert_eq!(chain.to_bytes().as_slice(), Sha256::digest(b"abc").as_slice());
        assert_eq!(Chain::from_bytes(&chain.to_bytes()), chain);
        assert_eq!(chain.link().to_be_bytes(), chain.to_bytes()[..8]);
    }
}

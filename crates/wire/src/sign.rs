//! Signatures over the exact bytes sent: HMAC-SHA256 (hex) and Ed25519 (base64).
//!
//! The keyed HMAC state is made once; a signature clones it and hashes the message alone, which
//! saves two of the five or six blocks of a typical request.

use crate::query::percent_encode;
use crate::secret::Secret;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// Characters of an HMAC-SHA256 signature in hex.
pub const SIGNATURE_HEX: usize = 64;

/// A key that signs. Its `Debug` names the kind and nothing else; dropped, it is overwritten.
#[derive(Clone)]
pub struct Signer(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(Hmac<Sha256>),
    Ed25519(SigningKey),
}

/// Why a text is not an Ed25519 private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerError {
    /// No `-----BEGIN PRIVATE KEY-----` block.
    NotPem,
    /// The block is not base64.
    NotBase64,
    /// The bytes are not a PKCS#8 Ed25519 key.
    NotEd25519,
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPem => {
                "no `-----BEGIN PRIVATE KEY-----` block; give the PEM file's whole text"
            }
            Self::NotBase64 => "the PEM block is not base64; give the file as it was made",
            Self::NotEd25519 => {
                "not an Ed25519 key in PKCS#8 form; make one with `openssl genpkey -algorithm \
                 ed25519`"
            }
        })
    }
}

impl core::error::Error for SignerError {}

impl Signer {
    /// Signs with HMAC-SHA256 under a secret.
    pub fn hmac(secret: &Secret) -> Self {
        // HMAC takes keys of any length: longer ones than a block are hashed first.
        match Hmac::<Sha256>::new_from_slice(secret.expose()) {
            Ok(state) => Self(Kind::Hmac(state)),
            Err(_) => unreachable!("HMAC takes keys of any length"),
        }
    }

    /// Signs with Ed25519 under the 32 secret bytes of RFC 8032.
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        Self(Kind::Ed25519(SigningKey::from_bytes(seed)))
    }

    /// Signs with Ed25519 under a private key in PEM form (PKCS#8), as the exchange asks for.
    ///
    /// # Errors
    /// [`SignerError`] when the text is not such a key.
    pub fn ed25519_pem(pem: &Secret) -> Result<Self, SignerError> {
        let body = pem
            .expose_text()
            .split_once("-----BEGIN PRIVATE KEY-----")
            .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"))
            .map(|(body, _)| body)
            .ok_or(SignerError::NotPem)?;
        // With room for all of it: a text that grows leaves copies of itself behind.
        let mut joined = String::with_capacity(body.len());
        body.split_whitespace().for_each(|line| joined.push_str(line));
        let plain = Secret::new(joined);
        let mut der: Vec<u8> =
            STANDARD.decode(plain.expose()).map_err(|_| SignerError::NotBase64)?;
        let key = SigningKey::from_pkcs8_der(&der);
        der.zeroize();
        key.map(|key| Self(Kind::Ed25519(key))).map_err(|_| SignerError::NotEd25519)
    }

    /// Appends to `text` the signature of its first `signed` bytes, as a query parameter's value
    /// wants it: 64 lower-case hex digits, or percent-encoded base64.
    pub(crate) fn sign_within(&self, text: &mut String, signed: usize) {
        let message = &text.as_bytes()[..signed];
        match &self.0 {
            Kind::Hmac(state) => {
                let hex = hex_of(state, message);
                text.push_str(as_str(&hex));
            }
            Kind::Ed25519(key) => {
                let signature = base64_of(key, message);
                percent_encode(&signature, text);
            }
        }
    }

    /// Appends `&signature=…` to the query string that begins at byte `from` of `text`. With HMAC
    /// nothing is allocated when the text has room.
    pub fn sign_tail(&self, text: &mut String, from: usize) {
        let end = text.len();
        text.push_str("&signature=");
        let message = &text.as_bytes()[from..end];
        match &self.0 {
            Kind::Hmac(state) => {
                let hex = hex_of(state, message);
                text.push_str(as_str(&hex));
            }
            Kind::Ed25519(key) => {
                let signature = base64_of(key, message);
                percent_encode(&signature, text);
            }
        }
    }

    /// The signature of `message` as the WebSocket API wants it: hex, or base64 as it is.
    pub fn signature(&self, message: &[u8]) -> String {
        match &self.0 {
            Kind::Hmac(state) => as_str(&hex_of(state, message)).into(),
            Kind::Ed25519(key) => base64_of(key, message),
        }
    }

    /// The 32 public bytes of an Ed25519 key.
    pub fn ed25519_public(&self) -> Option<[u8; 32]> {
        match &self.0 {
            Kind::Hmac(_) => None,
            Kind::Ed25519(key) => Some(key.verifying_key().to_bytes()),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Hmac(_) => "Signer(HMAC-SHA256)",
            Kind::Ed25519(_) => "Signer(Ed25519)",
        })
    }
}

fn hex_of(state: &Hmac<Sha256>, message: &[u8]) -> [u8; SIGNATURE_HEX] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut state = state.clone();
    state.update(message);
    let digest = state.finalize().into_bytes();
    let mut hex = [0u8; SIGNATURE_HEX];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest.iter()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    hex
}

fn as_str(hex: &[u8; SIGNATURE_HEX]) -> &str {
    core::str::from_utf8(hex).unwrap_or("")
}

fn base64_of(key: &SigningKey, message: &[u8]) -> String {
    STANDARD.encode(key.sign(message).to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for what overwrites itself only.
    const fn overwritten<T: ZeroizeOnDrop>() {}

    #[test]
    fn both_kinds_of_keys_overwrite_themselves() {
        const { overwritten::<SigningKey>() }
        // What a state of HMAC is made of; it adds nothing of its own.
        const { overwritten::<Sha256>() }
    }
}

//! Is a signature the one that this key makes over these bytes? The exchange's side of signing.

use crate::secret::Secret;
use alloc::boxed::Box;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use ed25519_dalek::pkcs8::DecodePublicKey;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What an account's signatures are checked with. Its `Debug` names the kind and nothing else.
#[derive(Clone)]
pub struct Verifier(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(Hmac<Sha256>),
    Ed25519(VerifyingKey),
    Either(Box<[Verifier; 2]>),
}

/// Why a text is not an Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPublicKey;

impl fmt::Display for NotPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not an Ed25519 public key in PEM form; make one with `openssl pkey -in KEY -pubout`",
        )
    }
}

impl core::error::Error for NotPublicKey {}

impl Verifier {
    /// Checks HMAC-SHA256 signatures under a secret.
    pub fn hmac(secret: &Secret) -> Self {
        // HMAC takes keys of any length: longer ones than a block are hashed first.
        match Hmac::<Sha256>::new_from_slice(secret.expose()) {
            Ok(state) => Self(Kind::Hmac(state)),
            Err(_) => unreachable!("HMAC takes keys of any length"),
        }
    }

    /// Checks Ed25519 signatures under a public key in PEM form (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`NotPublicKey`] when the text is none.
    pub fn ed25519_pem(pem: &str) -> Result<Self, NotPublicKey> {
        let body = pem
            .split_once("-----BEGIN PUBLIC KEY-----")
            .and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"))
            .map(|(body, _)| body)
            .ok_or(NotPublicKey)?;
        let plain: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(plain).map_err(|_| NotPublicKey)?;
        let key = VerifyingKey::from_public_key_der(&der).map_err(|_| NotPublicKey)?;
        Ok(Self(Kind::Ed25519(key)))
    }

    /// Checks Ed25519 signatures under the 32 public bytes of RFC 8032.
    ///
    /// # Errors
    /// [`NotPublicKey`] when they are not a point of the curve.
    pub fn ed25519(public: &[u8; 32]) -> Result<Self, NotPublicKey> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| NotPublicKey)?;
        Ok(Self(Kind::Ed25519(key)))
    }

    /// Accepts what this one or the other accepts: a key whose owner signs in both ways.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Kind::Either(Box::new([self, other])))
    }

    /// Is it (also) Ed25519? Sessions may be opened with such keys only.
    pub fn is_ed25519(&self) -> bool {
        match &self.0 {
            Kind::Hmac(_) => false,
            Kind::Ed25519(_) => true,
            Kind::Either(both) => both.iter().any(Self::is_ed25519),
        }
    }

    /// Whether `signature` is this key's over `message`: hex in either case, or base64 (already
    /// percent-decoded).
    pub fn accepts(&self, message: &[u8], signature: &str) -> bool {
        match &self.0 {
            Kind::Hmac(state) => hex32(signature).is_some_and(|bytes| {
                state.clone().chain_update(message).verify_slice(&bytes).is_ok()
            }),
            Kind::Ed25519(key) => STANDARD
                .decode(signature)
                .ok()
                .and_then(|bytes| Signature::from_slice(&bytes).ok())
                .is_some_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Kind::Either(both) => both.iter().any(|one| one.accepts(message, signature)),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Hmac(_) => "Verifier(HMAC-SHA256)",
            Kind::Ed25519(_) => "Verifier(Ed25519)",
            Kind::Either(_) => "Verifier(either of two)",
        })
    }
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signer;

    #[test]
    fn what_a_key_signs_its_verifier_accepts_and_nothing_else() {
        let secret = Secret::from("secret");
        let hmac = (Signer::hmac(&secret), Verifier::hmac(&secret));
        let signer = Signer::ed25519(&[7; 32]);
        let public = signer.ed25519_public().unwrap();
        let ed25519 = (signer, Verifier::ed25519(&public).unwrap());
        let either = hmac.1.clone().or(ed25519.1.clone());
        let both = [(hmac.0.clone(), either.clone()), (ed25519.0.clone(), either)];
        for (signer, verifier) in [hmac, ed25519].into_iter().chain(both) {
            let signature = signer.signature(b"symbol=BTCUSDT&timestamp=1");
            assert!(verifier.accepts(b"symbol=BTCUSDT&timestamp=1", &signature));
            assert!(!verifier.accepts(b"symbol=BTCUSDT&timestamp=2", &signature));
            assert!(!verifier.accepts(b"symbol=BTCUSDT&timestamp=1", ""));
            assert!(!verifier.accepts(b"symbol=BTCUSDT&timestamp=1", &signature[1..]));
        }
    }

    #[test]
    fn hex_is_read_in_either_case() {
        let secret = Secret::from("secret");
        let signature = Signer::hmac(&secret).signature(b"m").to_uppercase();
        assert!(Verifier::hmac(&secret).accepts(b"m", &signature));
    }

    /// The public key of RFC 8032, test 1, as OpenSSL writes it.
    #[test]
    fn a_public_key_is_read_from_pem() {
        let pem = "-----BEGIN PUBLIC KEY-----\n\
                   MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                   -----END PUBLIC KEY-----\n";
        let verifier = Verifier::ed25519_pem(pem).unwrap();
        assert!(verifier.is_ed25519());
        let signature = "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv1\
                         8FlbviRlUUFDjnoQCw==";
        assert!(verifier.accepts(b"", signature));
        assert!(Verifier::ed25519_pem("-----BEGIN PRIVATE KEY-----").is_err());
    }
}

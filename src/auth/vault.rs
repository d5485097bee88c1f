//! Small secrets at rest. Both keys follow from the installation's secret (HKDF, RFC 5869), so a stolen database gives
//! neither the secrets of authenticator apps nor codes that could be tried out.

use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};

use crate::config::Secret;
use crate::error::{Error, Result};

/// Seals, opens and digests. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Keys>);

struct Keys {
    seal: LessSafeKey,
    digest: hmac::Key,
}

impl Vault {
    pub fn new(secret: &Secret) -> Self {
        const WITHIN_REACH: &str = "32 bytes, of the 8,160 that HKDF can give";
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"pulseboard").extract(secret.as_bytes());
        let seal: UnboundKey = root.expand(&[b"seal"], &AES_256_GCM).expect(WITHIN_REACH).into();
        let digest: hmac::Key = root.expand(&[b"digest"], hmac::HMAC_SHA256).expect(WITHIN_REACH).into();
        Vault(Arc::new(Keys {
            seal: LessSafeKey::new(seal),
            digest,
        }))
    }

    /// Nonce (12 bytes), ciphertext and tag. `belongs_to` must be the same to open it: a sealed text cannot be moved to
    /// another person's row.
    pub fn seal(&self, belongs_to: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain.to_vec();
        self.0
            .seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(belongs_to), &mut sealed)
            .map_err(|_| anyhow::anyhow!("a secret cannot be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Fails when it was sealed for something else or with another installation's secret.
    pub fn open(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let refused = || {
            Error::Internal(anyhow::anyhow!(
                "what was sealed cannot be opened; did the setting `secret` change?"
            ))
        };
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut text = text.to_vec();
        let plain = self.0.seal.open_in_place(nonce, Aad::from(belongs_to), &mut text);
        Ok(plain.map_err(|_| refused())?.to_vec())
    }

    /// A keyed hash, for what is only ever compared.
    pub fn digest(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.0.digest, text.as_bytes()).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_for_whom_and_with_what_it_was_sealed() {
        let (vault, other) = (Vault::new(&Secret::generate()), Vault::new(&Secret::generate()));

        let sealed = vault.seal("user 7", b"a secret").unwrap();

        assert_eq!(vault.open("user 7", &sealed).unwrap(), b"a secret");
        assert!(vault.open("user 8", &sealed).is_err());
        assert!(other.open("user 7", &sealed).is_err());
        assert!(vault.open("user 7", &sealed[..11]).is_err());
        assert_ne!(
            vault.seal("user 7", b"a secret").unwrap(),
            sealed,
            "the nonce is new each time"
        );
        assert_ne!(vault.digest("code"), other.digest("code"));
    }
}

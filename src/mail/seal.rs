//! Tokens on their way: kept so that only the installation's secret opens them. The pad is a hash of the secret and a
//! nonce that is drawn for each token and never used again, as long as the token itself.

use sha2::{Digest, Sha256};

use crate::auth::Token;

pub(super) struct Seal([u8; 32]);

/// A sealed token as its row has it.
pub(super) struct Sealed {
    pub nonce: Vec<u8>,
    pub sealed: Vec<u8>,
    /// SHA-256 of the token: tells whether it was opened with the right secret
    pub hash: Vec<u8>,
}

impl Seal {
    pub fn new(secret: &[u8]) -> Seal {
        let digest = Sha256::new().chain_update(b"tokens of mails\0").chain_update(secret);
        Seal(digest.finalize().into())
    }

    pub fn close(&self, token: &Token) -> Sealed {
        let nonce: [u8; 16] = rand::random();
        Sealed {
            sealed: self.apply(token.bytes(), &nonce).to_vec(),
            nonce: nonce.to_vec(),
            hash: token.hash().to_vec(),
        }
    }

    /// None when it was sealed under another secret.
    pub fn open(&self, sealed: &Sealed) -> Option<Token> {
        let bytes: &[u8; 32] = sealed.sealed.as_slice().try_into().ok()?;
        let token = Token::from_bytes(self.apply(bytes, &sealed.nonce));
        (token.hash()[..] == sealed.hash[..]).then_some(token)
    }

    fn apply(&self, bytes: &[u8; 32], nonce: &[u8]) -> [u8; 32] {
        let pad: [u8; 32] = Sha256::new().chain_update(self.0).chain_update(nonce).finalize().into();
        std::array::from_fn(|at| bytes[at] ^ pad[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_that_sealed_a_token_opens_it() {
        let (token, seal) = (Token::new(), Seal::new(b"one"));

        let sealed = seal.close(&token);

        assert_eq!(seal.open(&sealed), Some(token.clone()));
        assert_eq!(Seal::new(b"two").open(&sealed), None);
        assert_ne!(sealed.sealed, token.bytes());
        assert_ne!(seal.close(&token).sealed, sealed.sealed);
    }
}

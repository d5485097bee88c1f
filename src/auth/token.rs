//! A secret that travels in a link: 256 random bits as text. Only its SHA-256 is ever stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Opens one thing for whoever holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    pub fn new() -> Token {
        Token(rand::random())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Token {
        Token(bytes)
    }

    /// The token of a link; none for what cannot be one.
    pub fn parse(text: &str) -> Option<Token> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Token)
    }

    /// For the link, and nothing else: 43 characters that need no escaping.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What is stored in its place.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl Default for Token {
    fn default() -> Self {
        Token::new()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_comes_back_from_its_link_and_nothing_else_does() {
        let token = Token::new();

        assert_eq!(Token::parse(&token.reveal()), Some(token.clone()));
        assert_ne!(Token::new().hash(), token.hash());
        assert!(!format!("{token:?}").contains(&token.reveal()));
        for other in ["", "..", "AAAA", &format!("{}A", token.reveal()), "ä"] {
            assert_eq!(Token::parse(other), None, "{other:?}");
        }
    }
}

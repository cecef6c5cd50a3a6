//! The token that a browser must have.

use std::fmt;
use std::io;

/// The secret that requests must carry: 128 random bits as hexadecimal digits.
///
/// A program of another user of the machine can connect to the loopback interface, too. The token keeps it out.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// Returns a new token.
    ///
    /// # Errors
    ///
    /// The operating system has no random numbers.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Returns whether a text is the token. The time that it takes does not depend on the text, except for its length.
    pub(crate) fn is(&self, text: &str) -> bool {
        let (token, text) = (self.0.as_bytes(), text.as_bytes());
        token.len() == text.len()
            && token.iter().zip(text).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_random_and_compared_whole() {
        let (one, other) = (Token::random().expect("a token"), Token::random().expect("a token"));
        assert_eq!(one.text().len(), 32);
        assert!(one.is(one.text()) && !one.is(other.text()));
        assert!(!one.is("") && !one.is(&one.text()[..31]) && !one.is(&format!("{}0", one.text())));
        assert_eq!(format!("{one:?}"), "Token(***)");
    }
}

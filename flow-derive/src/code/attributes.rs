//! Attributes that change no behaviour, and so are not part of the code.

use super::names::Names;
use super::tokens::{Delimiter, Token};

/// Documentation, lint levels, and what is addressed to other tools.
const NO_CODE: [&str; 8] =
    ["doc", "allow", "warn", "deny", "forbid", "expect", "rustfmt", "clippy"];

/// The attribute at the start of `tokens`, whose first is at `offset` in its file: where its
/// content starts and ends, and whether it is that of what surrounds it, `#![...]`.
pub(super) fn attribute(tokens: &[Token], offset: usize) -> Option<(usize, usize, bool)> {
    if !tokens.first()?.is(b'#') {
        return None;
    }
    let inner = tokens.get(1)?.is(b'!');
    let at = if inner { 2 } else { 1 };
    match tokens.get(at)? {
        Token::Open(Delimiter::Bracket, close) => Some((at + 1, *close as usize - offset, inner)),
        _ => None,
    }
}

/// How many of the tokens at the start of `tokens` are an attribute that is no code.
pub(super) fn no_code(tokens: &[Token], offset: usize, names: &Names) -> Option<usize> {
    let (start, end, _) = attribute(tokens, offset)?;
    let word = names.text(tokens.get(start)?.word()?);
    NO_CODE.contains(&word).then_some(end + 1)
}

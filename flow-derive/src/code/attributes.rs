//! Attributes that change no behaviour, and so are not part of the code.

use proc_macro2::{Delimiter, TokenTree};

/// Documentation, lint levels, and what is addressed to other tools.
const NO_CODE: [&str; 8] =
    ["doc", "allow", "warn", "deny", "forbid", "expect", "rustfmt", "clippy"];

/// How many of the tokens at the start of `tokens` are such an attribute.
pub(super) fn no_code(tokens: &[TokenTree]) -> Option<usize> {
    let is_punct = |token: Option<&TokenTree>, char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char);
    if !is_punct(tokens.first(), '#') {
        return None;
    }
    let at = if is_punct(tokens.get(1), '!') { 2 } else { 1 };
    let Some(TokenTree::Group(group)) = tokens.get(at) else {
        return None;
    };
    let Some(TokenTree::Ident(word)) = group.stream().into_iter().next() else {
        return None;
    };
    let brackets = group.delimiter() == Delimiter::Bracket;
    (brackets && NO_CODE.iter().any(|no_code| word == no_code)).then_some(at + 1)
}

//! Small functions that read tokens, shared by the item parser and the search for references.

use std::ops::Range;

use super::names::{Name, kw};
use super::source::Path;
use super::tokens::{Delimiter, Token};

/// Returns the index after the token or group at `at`.
pub(crate) fn step(tokens: &[Token], at: usize) -> usize {
    match tokens[at] {
        Token::Open(_, close) => close as usize + 1,
        _ => at + 1,
    }
}

pub(crate) fn word(tokens: &[Token], at: usize) -> Option<Name> {
    tokens.get(at).copied().and_then(Token::word)
}

pub(crate) fn is(tokens: &[Token], at: usize, mark: u8) -> bool {
    tokens.get(at).is_some_and(|token| token.is(mark))
}

/// Returns whether `::` stands at `at`.
pub(crate) fn is_colons(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at), Some(Token::Punct(b':', true))) && is(tokens, at + 1, b':')
}

/// Returns the content of the group at `at`.
pub(crate) fn group(tokens: &[Token], at: usize) -> Option<(Delimiter, Range<usize>)> {
    match *tokens.get(at)? {
        Token::Open(delimiter, close) => Some((delimiter, at + 1..close as usize)),
        _ => None,
    }
}

/// Returns the index after the `<...>` at `at`.
pub(crate) fn angles(tokens: &[Token], at: usize, end: usize) -> usize {
    let mut depth = 0_usize;
    let mut place = at;
    while place < end {
        match tokens[place] {
            Token::Punct(b'<', _) => depth += 1,
            Token::Punct(b'>', _) if !is_arrow(tokens, place) => {
                depth -= 1;
                if depth == 0 {
                    return place + 1;
                }
            }
            Token::Punct(b';', _) => return place,
            _ => {}
        }
        place = step(tokens, place);
    }
    place.min(end)
}

/// Returns whether the `>` at `at` ends a `->` or `=>`.
pub(crate) fn is_arrow(tokens: &[Token], at: usize) -> bool {
    at > 0 && matches!(tokens[at - 1], Token::Punct(b'-' | b'=', true))
}

/// Returns the first index in `range`, outside of groups and `<...>`, for which `wanted` holds.
pub(crate) fn find(
    tokens: &[Token],
    range: Range<usize>,
    mut wanted: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut depth = 0_i32;
    let mut at = range.start;
    while at < range.end {
        if depth <= 0 && wanted(at) {
            return Some(at);
        }
        match tokens[at] {
            Token::Punct(b'<', _) => depth += 1,
            Token::Punct(b'>', _) if !is_arrow(tokens, at) => depth -= 1,
            _ => {}
        }
        at = step(tokens, at);
    }
    None
}

/// Returns the names of the parameters in the `<...>` at `at`, without lifetimes.
pub(crate) fn generics(tokens: &[Token], at: usize, end: usize) -> Vec<Name> {
    let mut found = Vec::new();
    if !is(tokens, at, b'<') {
        return found;
    }
    let end = angles(tokens, at, end);
    let (mut depth, mut starts) = (0, true);
    let mut place = at;
    while place < end {
        match tokens[place] {
            Token::Punct(b'<', _) => depth += 1,
            Token::Punct(b'>', _) if !is_arrow(tokens, place) => depth -= 1,
            Token::Punct(b',', _) if depth == 1 => starts = true,
            Token::Punct(b'\'', _) => starts = false,
            Token::Word(kw::CONST) => {}
            Token::Word(name) if starts && depth == 1 => {
                found.push(name);
                starts = false;
            }
            _ => {}
        }
        place = step(tokens, place);
    }
    found
}

/// Returns the names that `fn`, `const`, `type` and similar keywords declare in a body. Names inside
/// groups are included only if `deep`.
pub(crate) fn declared(tokens: &[Token], range: Range<usize>, deep: bool) -> Vec<Name> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if let Token::Word(
            kw::FN
            | kw::CONST
            | kw::TYPE
            | kw::STRUCT
            | kw::ENUM
            | kw::STATIC
            | kw::TRAIT
            | kw::MOD
            | kw::UNION,
        ) = tokens[at]
            && let Some(name) = word(tokens, at + 1)
            && name != kw::FN
        {
            found.push(name);
        }
        at = if deep { at + 1 } else { step(tokens, at) };
    }
    found
}

/// Returns the path at `at`, with the index after it.
pub(crate) fn path(tokens: &[Token], at: usize, end: usize) -> Option<(Path, usize)> {
    let is_global = is_colons(tokens, at);
    let mut at = if is_global { at + 2 } else { at };
    let mut segments = vec![word(tokens, at).filter(|_| at < end)?];
    at += 1;
    while at + 2 < end && is_colons(tokens, at) {
        let Some(next) = word(tokens, at + 2) else {
            break;
        };
        segments.push(next);
        at += 3;
    }
    Some((Path { is_global, segments }, at))
}

/// A path that a `use` imports, and the name that it gets; without a name, it is a glob.
pub(crate) struct Leaf {
    pub(crate) path: Path,
    pub(crate) name: Option<Name>,
}

/// Collects the paths of the `use` whose tree is in `range`.
pub(crate) fn use_tree(
    tokens: &[Token],
    range: Range<usize>,
    prefix: &Path,
    leaves: &mut Vec<Leaf>,
) {
    let mut at = range.start;
    while at < range.end {
        let mut path = prefix.clone();
        let mut glob = false;
        while at < range.end && !is(tokens, at, b',') {
            if is_colons(tokens, at) {
                path.is_global |= path.segments.is_empty();
                at += 2;
            } else if is(tokens, at, b'*') {
                glob = true;
                at += 1;
            } else if let Some((Delimiter::Brace, inner)) = group(tokens, at) {
                at = inner.end + 1;
                use_tree(tokens, inner, &path, leaves);
                path.segments.clear();
            } else if word(tokens, at) == Some(kw::AS) {
                let name = word(tokens, at + 1);
                if let Some(name) = name {
                    leaves.push(Leaf { path: without_self(&path), name: Some(name) });
                }
                path.segments.clear();
                at += 2;
            } else {
                path.segments.extend(word(tokens, at));
                at += 1;
            }
        }
        if glob {
            leaves.push(Leaf { path, name: None });
        } else if path.segments.len() > prefix.segments.len() {
            let path = without_self(&path);
            let name = path.segments.last().copied();
            leaves.push(Leaf { path, name });
        }
        at += 1;
    }
}

/// Returns `a::b` for `a::b::self`.
fn without_self(path: &Path) -> Path {
    let mut path = path.clone();
    if path.segments.len() > 1 && path.segments.last() == Some(&kw::SELF) {
        path.segments.pop();
    }
    path
}

/// Returns the content of a string literal; `None` for other literals.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    let quoted = literal.trim_start_matches(['b', 'c']);
    if let Some(raw) = quoted.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next()? {
                'n' => plain.push('\n'),
                't' => plain.push('\t'),
                'r' => plain.push('\r'),
                '\n' => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                char @ ('\\' | '"' | '\'') => plain.push(char),
                _ => return None,
            },
            char => plain.push(char),
        }
    }
    Some(plain)
}

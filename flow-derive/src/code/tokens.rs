//! Computes the digest of tokens.
//!
//! Tokens are split into [`Part`]s. Each part is hashed with its kind and its length, so that no two lists of
//! parts have the same bytes. Differences of formatting are removed first:
//!
//! - Adjacent punctuation marks are joined only if they form an operator: `x=-1` equals `x = -1`, but `&&`
//!   does not equal `& &`.
//! - A comma before a closing bracket is dropped, unless it may form a tuple: `(a,)` does not equal `(a)`,
//!   but `f(a,)` equals `f(a)`.
//! - Comments are no tokens. [Attributes that are no code](super::attributes) are dropped.
//!
//! If it is uncertain whether two texts have the same meaning, they have different digests: a task may run
//! once too often, but not once too seldom.

use std::ops::Range;

use proc_macro2::{Spacing, TokenStream, TokenTree};

pub(crate) use proc_macro2::Delimiter;

use super::attributes;
use super::names::{Name, Names, kw};

/// A token. Groups are flat: an opening bracket stores the index of its closing bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(Name),
    Literal(Name),
    /// A punctuation mark, and whether the next punctuation mark follows without a space.
    Punct(u8, bool),
    /// An opening bracket, with the index of its [`Token::Close`].
    Open(Delimiter, u32),
    Close(Delimiter),
}

impl Token {
    pub(crate) fn is(self, mark: u8) -> bool {
        matches!(self, Self::Punct(punct, _) if punct == mark)
    }

    pub(crate) fn word(self) -> Option<Name> {
        match self {
            Self::Word(name) => Some(name),
            _ => None,
        }
    }
}

/// Converts the compiler's tokens into tokens as [`lexer`](super::lexer) returns them for a file.
pub(crate) fn flatten(stream: TokenStream, names: &mut Names) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten_into(stream, names, &mut tokens);
    tokens
}

fn flatten_into(stream: TokenStream, names: &mut Names, tokens: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) => tokens.push(Token::Word(names.intern(&ident.to_string()))),
            TokenTree::Literal(literal) => {
                tokens.push(Token::Literal(names.intern(&literal.to_string())));
            }
            TokenTree::Punct(punct) => {
                let mark = u8::try_from(punct.as_char()).unwrap_or(b'?');
                tokens.push(Token::Punct(mark, punct.spacing() == Spacing::Joint));
            }
            TokenTree::Group(group) => {
                let open = tokens.len();
                tokens.push(Token::Open(group.delimiter(), 0));
                flatten_into(group.stream(), names, tokens);
                tokens[open] = Token::Open(group.delimiter(), tokens.len() as u32);
                tokens.push(Token::Close(group.delimiter()));
            }
        }
    }
}

/// Removes the invisible groups around arguments of a `macro_rules!`, where they make no difference.
///
/// In an item that a macro generates, the compiler passes `$file:literal`, `$ty:path` and `$vis:vis` as groups without
/// brackets. Names and literals are found only outside of them. A group that may decide about precedence, as that
/// of `$x` in `$x * 2`, stays.
pub(crate) fn without_invisible_groups(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    copy_visible(tokens, 0..tokens.len(), &mut kept);
    kept
}

fn copy_visible(tokens: &[Token], range: Range<usize>, kept: &mut Vec<Token>) {
    let mut at = range.start;
    while at < range.end {
        let Token::Open(delimiter, close) = tokens[at] else {
            kept.push(tokens[at]);
            at += 1;
            continue;
        };
        let inner = at + 1..close as usize;
        let is_whole = at == range.start && inner.end + 1 == range.end;
        at = inner.end + 1;
        if delimiter == Delimiter::None && (is_whole || binds_nothing(&tokens[inner.clone()])) {
            copy_visible(tokens, inner, kept);
            continue;
        }
        let open = kept.len();
        kept.push(Token::Open(delimiter, 0));
        copy_visible(tokens, inner, kept);
        kept[open] = Token::Open(delimiter, kept.len() as u32);
        kept.push(Token::Close(delimiter));
    }
}

/// Returns whether tokens mean the same without a group around them: nothing, a literal, a path, a visibility.
fn binds_nothing(tokens: &[Token]) -> bool {
    let path = match tokens {
        [Token::Literal(_)] | [Token::Word(kw::PUB), ..] => return true,
        [Token::Word(_), rest @ ..] => rest,
        all => all,
    };
    path.chunks(3)
        .all(|part| matches!(part, [Token::Punct(b':', _), Token::Punct(b':', _), Token::Word(_)]))
}

/// A piece of code that does not depend on formatting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Word(&'a str),
    Literal(&'a str),
    Punct(&'static str),
    Open(Delimiter),
    Close(Delimiter),
}

/// Returns 128 bits of BLAKE3 over the parts.
pub(crate) fn digest(parts: &[Part<'_>]) -> u128 {
    let mut bytes = Vec::with_capacity(parts.len() * 12);
    for part in parts {
        let (kind, text) = match *part {
            Part::Word(text) => (0, text),
            Part::Literal(text) => (1, text),
            Part::Punct(text) => (2, text),
            Part::Open(delimiter) => (3, delimiter_name(delimiter)),
            Part::Close(delimiter) => (4, delimiter_name(delimiter)),
        };
        bytes.push(kind);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    digest_of_bytes(&bytes)
}

/// Returns 128 bits of BLAKE3 over the bytes.
pub(crate) fn digest_of_bytes(bytes: &[u8]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    u128::from_be_bytes(half)
}

fn delimiter_name(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Parenthesis => "(",
        Delimiter::Brace => "{",
        Delimiter::Bracket => "[",
        Delimiter::None => "",
    }
}

/// Returns the parts of `tokens`, which must be a whole group or file.
pub(crate) fn parts<'a>(tokens: &[Token], names: &'a Names) -> Vec<Part<'a>> {
    let mut parts = Vec::with_capacity(tokens.len());
    append(tokens, 0, names, &mut parts);
    parts
}

/// Appends the parts of `tokens`, the first of which has the index `offset` in its file.
pub(crate) fn append<'a>(
    tokens: &[Token],
    offset: usize,
    names: &'a Names,
    parts: &mut Vec<Part<'a>>,
) {
    let mut at = 0;
    while at < tokens.len() {
        if let Some(length) = attributes::no_code(&tokens[at..], offset + at, names) {
            at += length;
            continue;
        }
        match tokens[at] {
            Token::Word(name) => parts.push(Part::Word(names.text(name))),
            Token::Literal(name) => parts.push(Part::Literal(names.text(name))),
            Token::Punct(..) => {
                let run = touching(&tokens[at..]);
                append_operators(&run, parts);
                at += run.len();
                continue;
            }
            Token::Open(delimiter, close) => {
                let close = close as usize - offset;
                append_group(delimiter, &tokens[at + 1..close], offset + at + 1, names, parts);
                at = close;
            }
            Token::Close(_) => {}
        }
        at += 1;
    }
}

/// Returns the punctuation marks at the start of `tokens` that follow each other without a space.
fn touching(tokens: &[Token]) -> Vec<u8> {
    let mut run = Vec::new();
    for &token in tokens {
        let Token::Punct(mark, joint) = token else {
            break;
        };
        // A `#` ends the run, since it may start an attribute.
        if mark == b'#' && !run.is_empty() {
            break;
        }
        run.push(mark);
        if !joint {
            break;
        }
    }
    run
}

/// The operators with several characters, longer ones first.
const OPERATORS: [&str; 25] = [
    "<<=", ">>=", "...", "..=", "&&", "||", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "==", "!=", "<=", ">=", "->", "=>", "::", "..", "##",
];

/// The single punctuation marks.
const MARKS: [&str; 22] = [
    "~", "!", "@", "#", "$", "%", "^", "&", "*", "-", "=", "+", "|", ";", ":", ",", "<", ".", ">",
    "/", "?", "'",
];

/// Splits a run of punctuation marks into operators, the longest first, as the compiler does.
fn append_operators(run: &[u8], parts: &mut Vec<Part<'_>>) {
    let mut rest = run;
    while let Some(first) = rest.first() {
        let operator = match rest.get(1) {
            Some(_) => OPERATORS.into_iter().find(|known| rest.starts_with(known.as_bytes())),
            None => None,
        };
        let mark = || MARKS.into_iter().find(|mark| mark.as_bytes()[0] == *first);
        let operator = operator.or_else(mark).unwrap_or("?");
        // `<A, B,>`: a comma before `>` can only end a list.
        if *first == b'>' && parts.last().is_some_and(is_comma) {
            parts.pop();
        }
        parts.push(Part::Punct(operator));
        rest = &rest[operator.len()..];
    }
}

fn is_comma(part: &Part<'_>) -> bool {
    matches!(part, Part::Punct(","))
}

fn append_group<'a>(
    delimiter: Delimiter,
    tokens: &[Token],
    offset: usize,
    names: &'a Names,
    parts: &mut Vec<Part<'a>>,
) {
    let droppable = match delimiter {
        Delimiter::Brace | Delimiter::Bracket => true,
        Delimiter::Parenthesis => parts.last().is_some_and(takes_arguments),
        Delimiter::None => false,
    };
    let start = parts.len() + 1;
    parts.push(Part::Open(delimiter));
    append(tokens, offset, names, parts);
    let inner = &parts[start..];
    if inner.len() > 1
        && inner.last().is_some_and(is_comma)
        && (droppable || delimiter == Delimiter::Parenthesis && has_two_elements(inner))
    {
        parts.pop();
    }
    parts.push(Part::Close(delimiter));
}

/// Returns whether parentheses after this part contain arguments or parameters, and so are no tuple.
fn takes_arguments(before: &Part<'_>) -> bool {
    match before {
        Part::Word(word) => !BEFORE_EXPRESSION.contains(word),
        Part::Punct(punct) => matches!(*punct, ">" | ">>" | "!"),
        Part::Close(delimiter) => {
            matches!(delimiter, Delimiter::Parenthesis | Delimiter::Bracket)
        }
        Part::Literal(_) | Part::Open(_) => false,
    }
}

/// The keywords after which parentheses can be a tuple. After other keywords, such as `fn` and `Self`, they
/// cannot.
const BEFORE_EXPRESSION: [&str; 21] = [
    "as", "await", "box", "break", "const", "do", "dyn", "else", "for", "if", "impl", "in", "let",
    "match", "move", "mut", "ref", "return", "where", "while", "yield",
];

/// Returns whether a group contains a comma, apart from the last one and from those inside `<...>`.
fn has_two_elements(inner: &[Part<'_>]) -> bool {
    let (mut groups, mut angles) = (0_usize, 0_usize);
    for part in &inner[..inner.len() - 1] {
        match part {
            Part::Open(_) => groups += 1,
            Part::Close(_) => groups = groups.saturating_sub(1),
            Part::Punct(punct) if groups == 0 => match *punct {
                "<" => angles += 1,
                "<<" => angles += 2,
                ">" => angles = angles.saturating_sub(1),
                ">>" => angles = angles.saturating_sub(2),
                "," if angles == 0 => return true,
                _ => {}
            },
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;

//! The digest of a token tree.
//!
//! Tokens are taken apart into [`Part`]s, each of which is hashed with its kind and its length, so
//! that no two lists of parts give the same bytes. What formatting decides is evened out on the
//! way:
//!
//! - Whether two punctuation marks touch is kept only where they are one operator together:
//!   `x=-1` is `x = -1`, but `&&` is not `& &`.
//! - A comma before a closing bracket is dropped, unless it may be what makes a tuple: `(a,)` is
//!   not `(a)`, but `f(a,)` is `f(a)`.
//! - Comments are no tokens; [attributes that are no code](super::attributes) are dropped.
//!
//! Where it is not sure that two texts mean the same, they count as different: to run once too
//! often is allowed, to run once too seldom is not.

use proc_macro2::{Spacing, TokenStream, TokenTree};

pub(crate) use proc_macro2::Delimiter;

use super::attributes;
use super::names::{Name, Names};

/// A token. Groups are not nested; an opening bracket knows where its group ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(Name),
    Literal(Name),
    /// A punctuation mark, and whether it touches the next.
    Punct(u8, bool),
    /// With the place of its [`Token::Close`].
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

/// The tokens that the compiler gave, as those of a file.
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

/// A piece of code that formatting does not touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Word(&'a str),
    Literal(&'a str),
    Punct(&'static str),
    Open(Delimiter),
    Close(Delimiter),
}

/// 128 bits of BLAKE3 over the parts.
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

/// 128 bits of BLAKE3.
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

/// The parts of `tokens`, which are a whole group or file, in order.
pub(crate) fn parts<'a>(tokens: &[Token], names: &'a Names) -> Vec<Part<'a>> {
    let mut parts = Vec::with_capacity(tokens.len());
    append(tokens, 0, names, &mut parts);
    parts
}

/// Appends the parts of `tokens`, whose first is at `offset` in its file.
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

/// The punctuation marks at the start of `tokens` that touch one another.
fn touching(tokens: &[Token]) -> Vec<u8> {
    let mut run = Vec::new();
    for &token in tokens {
        let Token::Punct(mark, joint) = token else {
            break;
        };
        // An attribute after another mark begins anew, so that it is recognised.
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

/// The operators of more than one character, longer ones first.
const OPERATORS: [&str; 25] = [
    "<<=", ">>=", "...", "..=", "&&", "||", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "==", "!=", "<=", ">=", "->", "=>", "::", "..", "##",
];

/// The marks that stand alone.
const MARKS: [&str; 22] = [
    "~", "!", "@", "#", "$", "%", "^", "&", "*", "-", "=", "+", "|", ";", ":", ",", "<", ".", ">",
    "/", "?", "'",
];

/// Takes a run of punctuation marks apart, the longest operator first, as the compiler does.
fn append_operators(run: &[u8], parts: &mut Vec<Part<'_>>) {
    let mut rest = run;
    while let Some(first) = rest.first() {
        let operator = match rest.get(1) {
            Some(_) => OPERATORS.into_iter().find(|known| rest.starts_with(known.as_bytes())),
            None => None,
        };
        let mark = || MARKS.into_iter().find(|mark| mark.as_bytes()[0] == *first);
        let operator = operator.or_else(mark).unwrap_or("?");
        // `<A, B,>`: nothing but the end of a list has a comma before a `>`.
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

/// Whether parentheses after this hold arguments or parameters, so that they make no tuple.
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

/// Keywords after which parentheses can be a tuple. After the others, `fn` and `Self` among them,
/// they cannot.
const BEFORE_EXPRESSION: [&str; 21] = [
    "as", "await", "box", "break", "const", "do", "dyn", "else", "for", "if", "impl", "in", "let",
    "match", "move", "mut", "ref", "return", "where", "while", "yield",
];

/// Whether a comma other than the last parts the content of a group, and not that of a `<...>`.
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

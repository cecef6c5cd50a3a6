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

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::attributes;

/// A piece of code that formatting does not touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Word(String),
    Literal(String),
    Punct(String),
    Open(Delimiter),
    Close(Delimiter),
}

/// 128 bits of BLAKE3 over the parts.
pub(crate) fn digest(tokens: TokenStream) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts(tokens) {
        let (kind, text) = match &part {
            Part::Word(text) => (0, text.as_str()),
            Part::Literal(text) => (1, text.as_str()),
            Part::Punct(text) => (2, text.as_str()),
            Part::Open(delimiter) => (3, delimiter_name(*delimiter)),
            Part::Close(delimiter) => (4, delimiter_name(*delimiter)),
        };
        hasher.update(&[kind]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
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

/// The parts of `tokens`, in order.
pub(crate) fn parts(tokens: TokenStream) -> Vec<Part> {
    let mut parts = Vec::new();
    append(tokens, &mut parts);
    parts
}

fn append(tokens: TokenStream, parts: &mut Vec<Part>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(length) = attributes::no_code(&tokens[at..]) {
            at += length;
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(ident) => parts.push(Part::Word(ident.to_string())),
            TokenTree::Literal(literal) => parts.push(Part::Literal(literal.to_string())),
            TokenTree::Punct(_) => {
                let run = touching(&tokens[at..]);
                append_operators(&run, parts);
                at += run.len();
                continue;
            }
            TokenTree::Group(group) => append_group(group.delimiter(), group.stream(), parts),
        }
        at += 1;
    }
}

/// The punctuation marks at the start of `tokens` that touch one another.
fn touching(tokens: &[TokenTree]) -> Vec<char> {
    let mut run = Vec::new();
    for token in tokens {
        let TokenTree::Punct(punct) = token else {
            break;
        };
        // An attribute after another mark begins anew, so that it is recognised.
        if punct.as_char() == '#' && !run.is_empty() {
            break;
        }
        run.push(punct.as_char());
        if punct.spacing() == Spacing::Alone {
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

/// Takes a run of punctuation marks apart, the longest operator first, as the compiler does.
fn append_operators(run: &[char], parts: &mut Vec<Part>) {
    let mut rest: String = run.iter().collect();
    while let Some(first) = rest.chars().next() {
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
        let length = operator.map_or(first.len_utf8(), str::len);
        let tail = rest.split_off(length);
        // `<A, B,>`: nothing but the end of a list has a comma before a `>`.
        if rest.starts_with('>') && parts.last().is_some_and(is_comma) {
            parts.pop();
        }
        parts.push(Part::Punct(std::mem::replace(&mut rest, tail)));
    }
}

fn is_comma(part: &Part) -> bool {
    matches!(part, Part::Punct(punct) if punct == ",")
}

fn append_group(delimiter: Delimiter, tokens: TokenStream, parts: &mut Vec<Part>) {
    let droppable = match delimiter {
        Delimiter::Brace | Delimiter::Bracket => true,
        Delimiter::Parenthesis => parts.last().is_some_and(takes_arguments),
        Delimiter::None => false,
    };
    let start = parts.len() + 1;
    parts.push(Part::Open(delimiter));
    append(tokens, parts);
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
fn takes_arguments(before: &Part) -> bool {
    match before {
        Part::Word(word) => !BEFORE_EXPRESSION.contains(&word.as_str()),
        Part::Punct(punct) => matches!(punct.as_str(), ">" | ">>" | "!"),
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
fn has_two_elements(inner: &[Part]) -> bool {
    let (mut groups, mut angles) = (0_usize, 0_usize);
    for part in &inner[..inner.len() - 1] {
        match part {
            Part::Open(_) => groups += 1,
            Part::Close(_) => groups = groups.saturating_sub(1),
            Part::Punct(punct) if groups == 0 => match punct.as_str() {
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

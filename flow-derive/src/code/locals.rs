//! The variables of a function, which hide what is called as they are.
//!
//! Tasks that are functions have names that variables have, too: `fn data()`, and elsewhere
//! `fn fit(data: &RecordBatch)`. Only what surely is a variable is found: an argument, and what is
//! bound by `let name`, up to the end of the block. Where a function has items or imports of its own,
//! which hide variables in turn, nothing is.

use std::ops::Range;

use super::names::{Name, kw};
use super::scan;
use super::tokens::{Delimiter, Token};

/// The variables of a function, each with where it hides items.
#[derive(Default)]
pub(super) struct Locals(Vec<(Name, Range<usize>)>);

impl Locals {
    /// Those of the function whose tokens are in `range`.
    pub(super) fn of(tokens: &[Token], range: Range<usize>) -> Self {
        let Some(keyword) = range.clone().find(|&at| scan::word(tokens, at) == Some(kw::FN)) else {
            return Self::default();
        };
        let open = |delimiter, from: usize| {
            let is = |at: usize| matches!(tokens[at], Token::Open(found, _) if found == delimiter);
            let at = scan::find(tokens, from..range.end, is)?;
            scan::group(tokens, at).map(|group| group.1)
        };
        let arguments = open(Delimiter::Parenthesis, keyword + 2);
        let body = arguments.clone().and_then(|found| open(Delimiter::Brace, found.end + 1));
        let (Some(arguments), Some(body)) = (arguments, body) else {
            return Self::default();
        };
        let declares = |at: usize| {
            matches!(
                tokens[at],
                Token::Word(
                    kw::FN
                        | kw::USE
                        | kw::CONST
                        | kw::STATIC
                        | kw::MOD
                        | kw::MACRO_RULES
                        | kw::MACRO
                )
            )
        };
        if body.clone().any(declares) {
            return Self::default();
        }
        let mut found = Self::default();
        found.add_arguments(tokens, arguments, &body);
        found.add_lets(tokens, body);
        found
    }

    fn add_arguments(&mut self, tokens: &[Token], range: Range<usize>, body: &Range<usize>) {
        let mut starts = true;
        let mut at = range.start;
        while at < range.end {
            match tokens[at] {
                Token::Word(kw::MUT) if starts => {}
                Token::Word(name) if starts && is_colon(tokens, at + 1) => {
                    self.0.push((name, body.clone()));
                    starts = false;
                }
                Token::Punct(b'#', _) if starts => {}
                Token::Open(Delimiter::Bracket, _) if starts => {}
                _ => starts = scan::is(tokens, at, b','),
            }
            at = scan::step(tokens, at);
        }
    }

    /// `let name = value;`, from the next statement to the end of the block.
    fn add_lets(&mut self, tokens: &[Token], body: Range<usize>) {
        let mut ends = vec![body.end];
        let mut at = body.start;
        while at < body.end {
            ends.retain(|&end| end > at);
            match tokens[at] {
                // What a macro makes of a `let` is not known.
                Token::Punct(b'!', _)
                    if scan::word(tokens, at - 1).is_some()
                        && scan::group(tokens, at + 1).is_some() =>
                {
                    at = scan::step(tokens, at + 1);
                    continue;
                }
                Token::Open(_, close) => ends.push(close as usize),
                Token::Word(kw::LET) if is_statement(tokens, at) => {
                    let end = ends.last().copied().unwrap_or(body.end);
                    self.0.extend(bound(tokens, at, end).into_iter().flatten());
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether `name` is a variable at this place.
    pub(super) fn bind(&self, name: Name, at: usize) -> bool {
        self.0.iter().any(|(local, range)| *local == name && range.contains(&at))
    }
}

fn is_colon(tokens: &[Token], at: usize) -> bool {
    scan::is(tokens, at, b':') && !scan::is_colons(tokens, at)
}

fn is_statement(tokens: &[Token], at: usize) -> bool {
    matches!(
        tokens[at - 1],
        Token::Open(Delimiter::Brace, _) | Token::Close(_) | Token::Punct(b';', _)
    )
}

/// What the `let` at `at` binds, if that is one name, and where: there, and behind it in a block that
/// goes to `end`.
fn bound(tokens: &[Token], at: usize, end: usize) -> Option<[(Name, Range<usize>); 2]> {
    let place = at + 1 + usize::from(scan::word(tokens, at + 1) == Some(kw::MUT));
    let name = scan::word(tokens, place)?;
    let binds = is_colon(tokens, place + 1)
        || scan::is(tokens, place + 1, b'=')
        || scan::is(tokens, place + 1, b';');
    binds.then_some(())?;
    let mut stop = place;
    while stop < end && !scan::is(tokens, stop, b';') {
        stop = scan::step(tokens, stop);
    }
    Some([(name, place..place + 1), (name, stop..end)])
}

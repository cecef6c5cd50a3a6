//! Finds the local variables of a function, which hide items of the same name.
//!
//! Tasks that are functions often have the names of variables: `fn data()` is a task, and
//! `fn fit(data: &RecordBatch)` has an argument of that name. Only certain variables are found: arguments,
//! and `let name` up to the end of its block. If a function contains items or imports, which hide
//! variables in turn, no variables are found.

use std::ops::Range;

use super::names::{Name, kw};
use super::scan;
use super::tokens::{Delimiter, Token};

/// The variables of a function, each with the range in which it hides items.
#[derive(Default)]
pub(super) struct Locals(Vec<(Name, Range<usize>)>);

impl Locals {
    /// Finds the variables of the function whose tokens are in `range`.
    pub(super) fn find(tokens: &[Token], range: Range<usize>) -> Self {
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

    /// Adds the variables of `let name = value;`, each from the next statement to the end of the block.
    fn add_lets(&mut self, tokens: &[Token], body: Range<usize>) {
        let mut ends = vec![body.end];
        let mut at = body.start;
        while at < body.end {
            ends.retain(|&end| end > at);
            match tokens[at] {
                // A macro may use a `let` in its arguments in any way.
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

    /// Returns whether `name` is a variable at the token `at`.
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

/// Returns the variable that the `let` at `at` binds, if its pattern is one name.
///
/// The variable has two ranges: its declaration, and the rest of the block, which ends at `end`.
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

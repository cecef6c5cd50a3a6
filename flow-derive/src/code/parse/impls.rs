//! Reads impls: an impl of a trait is one item, and each member of an inherent impl is an item of its own.

use std::ops::Range;

use super::super::marks;
use super::super::names::{Name, kw};
use super::super::scan;
use super::super::source::{Impl, Kind};
use super::super::tokens::Token;
use super::{Parser, Start};

impl Parser<'_> {
    pub(super) fn impl_(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let tokens = self.tokens.clone();
        let (end, body) = self.body(at + 1, end)?;
        let body = body?;
        let generics = scan::generics(&tokens, at + 1, end);
        let mut head = at + 1;
        if scan::is(&tokens, head, b'<') {
            head = scan::angles(&tokens, head, end);
        }
        let stop = body.start - 1;
        let is_word = |at: usize, word| scan::word(&tokens, at) == Some(word);
        let bounds = scan::find(&tokens, head..stop, |at| is_word(at, kw::WHERE)).unwrap_or(stop);
        let of = scan::find(&tokens, head..bounds, |at| {
            is_word(at, kw::FOR) && !scan::is(&tokens, at + 1, b'<')
        });
        let Some(of_end) = of else {
            self.associated(&start, head..bounds, at..stop, body, &generics);
            return Some(end);
        };
        let of = (head..of_end)
            .take_while(|&at| !scan::is(&tokens, at, b'<'))
            .filter_map(|at| scan::word(&tokens, at))
            .last()?;
        let kind = Kind::Impl(Impl {
            of,
            of_range: head..of_end,
            implementor: of_end + 1..bounds,
            functions: scan::declared(&tokens, body.clone(), false),
            value: value_type(&tokens, body),
        });
        self.keep(start, None, kind, end, generics);
        Some(end)
    }

    /// Adds the members of an inherent impl.
    fn associated(
        &mut self,
        start: &Start,
        implementor: Range<usize>,
        head: Range<usize>,
        body: Range<usize>,
        generics: &[Name],
    ) {
        let mut at = body.start;
        while at < body.end {
            let (_, after) = marks::read(&self.tokens, at, body.end, &self.source.names, true);
            let (mut marks, after) =
                marks::read(&self.tokens, after, body.end, &self.source.names, false);
            let after = self.visibility(after);
            let mut place = after;
            let mut name = None;
            while place < body.end {
                match self.tokens[place] {
                    Token::Word(kw::FN | kw::TYPE) => {
                        name = scan::word(&self.tokens, place + 1);
                        break;
                    }
                    Token::Word(kw::CONST)
                        if !matches!(
                            scan::word(&self.tokens, place + 1),
                            Some(kw::FN | kw::UNSAFE | kw::ASYNC | kw::EXTERN)
                        ) =>
                    {
                        name = scan::word(&self.tokens, place + 1);
                        break;
                    }
                    Token::Word(_) | Token::Literal(_) => place += 1,
                    _ => break,
                }
            }
            let is_constant = scan::word(&self.tokens, place) == Some(kw::CONST);
            let end = match is_constant {
                true => self.semicolon(place, body.end),
                false => self.body(place, body.end).map(|found| found.0),
            };
            let Some(end) = end else {
                return;
            };
            marks.features.extend(&start.marks.features);
            marks.is_test |= start.marks.is_test;
            marks.is_exported = false;
            marks.ranges.extend(start.marks.ranges.iter().cloned());
            let kind = Kind::Associated { implementor: implementor.clone() };
            let mut generics = generics.to_vec();
            generics.extend(scan::generics(&self.tokens, place + 2, end));
            let id = self.keep(Start { marks, at: after }, None, kind, end, generics);
            self.source.items[id].name = name;
            self.source.items[id].head = head.clone();
            at = end.max(after + 1);
        }
    }
}

/// Returns the tokens after `type Value =` in the body of an impl.
fn value_type(tokens: &[Token], body: Range<usize>) -> Option<Range<usize>> {
    let mut at = body.start;
    while at < body.end {
        let declares = scan::word(tokens, at) == Some(kw::TYPE)
            && scan::word(tokens, at + 1) == Some(kw::VALUE)
            && scan::is(tokens, at + 2, b'=');
        if declares {
            let end = (at + 3..body.end).find(|&at| scan::is(tokens, at, b';'))?;
            return Some(at + 3..end);
        }
        at = scan::step(tokens, at);
    }
    None
}

//! Reads traits.
//!
//! A method with a body is an item of its own, which counts where it is called. So a new method with a
//! body does not change the code of tasks that do not call it. A trait with an attribute of another
//! crate counts as a whole, since the attribute may rewrite it.

use std::ops::Range;

use super::super::names::kw;
use super::super::scan;
use super::super::source::Kind;
use super::super::standard::names_no_items;
use super::super::tokens::{Delimiter, Token};
use super::super::{attributes, marks};
use super::{Parser, Start};

impl Parser<'_> {
    pub(super) fn trait_(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let tokens = self.tokens.clone();
        let name = scan::word(&tokens, at + 1)?;
        let (end, body) = self.body(at + 2, end)?;
        let generics = scan::generics(&tokens, at + 2, end);
        let declared =
            body.clone().map_or_else(Vec::new, |body| scan::declared(&tokens, body, false));
        let is_plain = start.marks.ranges.iter().all(|range| self.is_plain(range.clone()));
        let first = start.at;
        let id = self.keep(start.clone(), Some(name), Kind::Trait(declared), end, generics);
        if let Some(body) = body.filter(|_| is_plain) {
            let head = first..body.start - 1;
            let parts = self.methods(&start, at + 1..at + 2, body);
            self.source.items[id].parts = std::iter::once(head).chain(parts).collect();
        }
        Some(end)
    }

    /// Adds the methods with a body. Returns the parts of the trait between them.
    fn methods(
        &mut self,
        start: &Start,
        implementor: Range<usize>,
        body: Range<usize>,
    ) -> Vec<Range<usize>> {
        let tokens = self.tokens.clone();
        let mut parts = Vec::new();
        let (mut from, mut at) = (body.start, body.start);
        while at < body.end {
            let (mut marks, after) = marks::read(&tokens, at, body.end, &self.source.names, false);
            let is_block = |at: &usize| matches!(tokens[*at], Token::Open(Delimiter::Brace, _));
            let is_end = |at: usize| scan::is(&tokens, at, b';') || is_block(&at);
            let Some(end) = scan::find(&tokens, after..body.end, is_end) else {
                break;
            };
            let behind = scan::step(&tokens, end);
            let mut words = (after..end)
                .take_while(|&at| matches!(tokens[at], Token::Word(_) | Token::Literal(_)));
            let keyword = words.find(|&at| scan::word(&tokens, at) == Some(kw::FN));
            if let Some(keyword) = keyword.filter(|_| is_block(&end)) {
                parts.push(from..at);
                from = behind;
                marks.features.extend(&start.marks.features);
                marks.is_test |= start.marks.is_test;
                marks.is_exported = false;
                let generics = scan::generics(&tokens, keyword + 2, behind);
                let kind = Kind::Associated { implementor: implementor.clone() };
                let id = self.keep(Start { marks, at: after }, None, kind, behind, generics);
                self.source.items[id].name = scan::word(&tokens, keyword + 1);
            }
            at = behind;
        }
        parts.push(from..body.end);
        parts
    }

    /// Returns whether an attribute leaves the trait as written.
    fn is_plain(&self, range: Range<usize>) -> bool {
        let names = &self.source.names;
        let tokens = &self.tokens[range.clone()];
        attributes::no_code(tokens, range.start, names).is_some()
            || scan::word(&self.tokens, range.start + 2)
                .is_some_and(|word| names_no_items(names.text(word)))
    }
}

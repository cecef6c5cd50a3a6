//! Reads macros, and macro calls in item position.

use std::ops::Range;

use super::super::names::kw;
use super::super::source::Kind;
use super::super::tokens::{Delimiter, Token};
use super::super::{marks, scan};
use super::{Parser, Start};

impl Parser<'_> {
    pub(super) fn macro_(&mut self, start: Start, at: usize) -> Option<usize> {
        let name = scan::word(&self.tokens, at)?;
        let mut end = at + 1;
        let mut body = at..at;
        while let Some((_, inner)) = scan::group(&self.tokens, end) {
            end = inner.end + 1;
            body = at..inner.end;
        }
        if scan::is(&self.tokens, end, b';') {
            end += 1;
        }
        let declared = scan::declared(&self.tokens, body, true);
        self.keep(start, Some(name), Kind::Macro(declared), end, Vec::new());
        Some(end)
    }

    /// Reads `name! { ... }` or `name!(...);`.
    pub(super) fn invocation(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let (path, after) = scan::path(&self.tokens, at, end)?;
        if !scan::is(&self.tokens, after, b'!') {
            return None;
        }
        let (delimiter, arguments) = scan::group(&self.tokens, after + 1)?;
        let mut end = arguments.end + 1;
        if delimiter != Delimiter::Brace && scan::is(&self.tokens, end, b';') {
            end += 1;
        }
        let last = path.segments.last().map(|&last| self.source.names.text(last));
        match last {
            Some("include") => self.include(arguments),
            Some("cfg_if" | "cfg_select" | "cfg_match") => self.choices(arguments),
            Some("thread_local" | "lazy_static") => self.statics(arguments),
            Some("compile_error") => {}
            _ => {
                self.argument_items(arguments.clone());
                let kind = Kind::Invocation { path, arguments, place: self.place.clone() };
                let id = self.keep(start, None, kind, end, Vec::new());
                self.source.modules[self.module].invocations.push(id);
            }
        }
        Some(end)
    }

    /// Reads the items of all branches of a `cfg_if!`.
    fn choices(&mut self, range: Range<usize>) {
        let features = marks::conditions(&self.tokens, range.clone(), &self.source.names);
        let before = self.features.len();
        self.features.extend(features);
        let mut at = range.start;
        while at < range.end {
            if let Some((Delimiter::Brace, inner)) = scan::group(&self.tokens, at) {
                self.items(inner);
            }
            at = scan::step(&self.tokens, at);
        }
        self.features.truncate(before);
    }

    /// Reads the statics in `thread_local!` and `lazy_static!`, each as an item of its own.
    fn statics(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let (marks, after) =
                marks::read(&self.tokens, at, range.end, &self.source.names, false);
            let start = Start { marks, at: self.visibility(after) };
            let end = self.semicolon(start.at, range.end).unwrap_or(range.end);
            if scan::word(&self.tokens, start.at) == Some(kw::STATIC) {
                let mut place = start.at + 1;
                if scan::word(&self.tokens, place)
                    .is_some_and(|word| matches!(word, kw::REF | kw::MUT))
                {
                    place += 1;
                }
                let name = scan::word(&self.tokens, place);
                self.keep(start, name, Kind::Value(kw::STATIC), end, Vec::new());
            }
            at = end.max(after + 1);
        }
    }

    /// Reads the modules and imports in the arguments of a macro, which may expand to them unchanged:
    /// `cfg_rt! { mod a; }`.
    fn argument_items(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let starts = at == range.start
                || matches!(
                    self.tokens[at - 1],
                    Token::Punct(b';', _) | Token::Close(Delimiter::Brace)
                );
            if starts {
                let (marks, after) =
                    marks::read(&self.tokens, at, range.end, &self.source.names, false);
                let place = self.visibility(after);
                let start = Start { marks, at: place };
                let end = match scan::word(&self.tokens, place) {
                    Some(kw::MOD) if scan::word(&self.tokens, place + 1).is_some() => {
                        self.mod_(start, place, range.end)
                    }
                    Some(kw::USE) => self.use_(start, place, range.end),
                    _ => None,
                };
                if let Some(end) = end {
                    at = end.max(at + 1);
                    continue;
                }
            }
            at = scan::step(&self.tokens, at);
        }
    }
}

//! Macros, and where they are called.

use std::ops::Range;

use super::super::source::Kind;
use super::super::tokens::Delimiter;
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

    /// `name! { ... }`, `name!(...);`
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
            Some("cfg_if") => self.choices(arguments),
            Some("compile_error") => {}
            _ => {
                let kind = Kind::Invocation { path, arguments };
                let id = self.keep(start, None, kind, end, Vec::new());
                self.source.modules[self.module].invocations.push(id);
            }
        }
        Some(end)
    }

    /// The items of all sides of a `cfg_if!`.
    fn choices(&mut self, range: Range<usize>) {
        let features = marks::features(&self.tokens, range.clone());
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
}

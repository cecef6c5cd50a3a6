//! Reads functions. A function with `#[task(...)]` becomes two items.
//!
//! The first item is the function, which code reaches where it calls the function. The second is the task,
//! which code reaches where it names the task. A path in the position of a type, `<load>` or `load::N`, reaches
//! the task only. The name of a local variable, an argument or a `let`, reaches neither. All other
//! uses of the name reach both.

use std::ops::Range;

use super::attributes;
use super::marks;
use super::names::{Name, Names, kw};
use super::parse::{Parser, Start};
use super::scan;
use super::source::{ItemId, Kind, Type};
use super::tokens::{Delimiter, Token};

impl Parser<'_> {
    /// Reads the function whose `fn` is at `at`. Returns the index after it.
    pub(super) fn function(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let name = scan::word(&self.tokens, at + 1)?;
        let (end, body) = self.body(at + 2, end)?;
        let generics = scan::generics(&self.tokens, at + 2, end);
        let task = self.function_task(&start, at, end, &generics);
        let id = self.keep(start, Some(name), Kind::Function, end, generics);
        self.source.items[id].task = task;
        self.block(body, self.source.items[id].is_test);
        Some(end)
    }

    /// Reads the items inside a function, if one of them is a task.
    fn block(&mut self, body: Option<Range<usize>>, is_test: bool) {
        let Some(body) = body else {
            return;
        };
        let tracks = self.tokens[body.clone()].contains(&Token::Word(kw::TRACKED));
        if !tracks && !has_task(&self.tokens, body.clone(), &self.source.names) {
            return;
        }
        let package = self.source.modules[self.module].package;
        let module = self.source.module(package, Some(self.module), None);
        self.source.modules[module].is_block = true;
        self.source.modules[module].is_test |= is_test;
        let place = self.place.clone();
        let (file, tokens) = (self.file, self.tokens.clone());
        Parser { source: self.source, file, tokens, module, place, features: Vec::new() }
            .items(body);
    }

    /// Adds the task of the function at `at`, if it is a task. The task has the name of the function, or the
    /// name in `name = Mean`.
    fn function_task(
        &mut self,
        start: &Start,
        at: usize,
        end: usize,
        generics: &[Name],
    ) -> Option<ItemId> {
        start.marks.has_task_attribute.then_some(())?;
        let tokens = self.tokens.clone();
        let arguments = scan::find(&tokens, at + 2..end, |at| {
            matches!(tokens[at], Token::Open(Delimiter::Parenthesis, _))
        })?;
        let (_, arguments) = scan::group(&tokens, arguments)?;
        let mut options =
            start.marks.ranges.iter().filter_map(|range| attributes::task(&tokens, range));
        let own_name = options.find_map(|options| type_name(&tokens, options, &self.source.names));
        let name = own_name.or_else(|| scan::word(&tokens, at + 1))?;
        let kind = Kind::Type(Type { keyword: kw::FN, variants: Vec::new(), is_task: true });
        // The task has the attributes of the function.
        let task = self.keep(start.clone(), Some(name), kind, end, generics.to_vec());
        self.source.items[task].body = arguments;
        Some(task)
    }
}

/// Returns `Mean` for the option `name = Mean`.
fn type_name(tokens: &[Token], options: Range<usize>, names: &Names) -> Option<Name> {
    let mut at = options.start;
    while at < options.end {
        let is_name = scan::word(tokens, at).is_some_and(|word| names.text(word) == "name")
            && scan::is(tokens, at + 1, b'=')
            && (at == options.start || scan::is(tokens, at - 1, b','));
        if is_name && let Some(name) = scan::word(tokens, at + 2) {
            return Some(name);
        }
        at = scan::step(tokens, at);
    }
    None
}

/// Returns whether `range` declares a function that is a task.
fn has_task(tokens: &[Token], range: Range<usize>, names: &Names) -> bool {
    let mut places = range.clone().filter(|&at| tokens[at].is(b'#'));
    places.any(|at| {
        let (marks, after) = marks::read(tokens, at, range.end, names, false);
        let is_fn = |at: usize| scan::word(tokens, at) == Some(kw::FN);
        let after = match scan::word(tokens, after) {
            Some(kw::PUB) => (after + 1..=after + 2).find(|&at| is_fn(at)).unwrap_or(after),
            _ => after,
        };
        marks.has_task_attribute && is_fn(after)
    })
}

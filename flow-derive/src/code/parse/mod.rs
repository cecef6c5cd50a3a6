//! Finds the items of a file: where each starts and ends, its name, and its kind.
//!
//! The parser understands only as much syntax as it needs to find the next item. It skips tokens that it
//! does not understand, one at a time: the compiler reports syntax errors.

mod impls;
mod macros;
mod traits;

use std::ops::Range;
use std::sync::Arc;

use super::load::Place;
use super::marks::{self, Marks};
use super::names::{Name, kw};
use super::scan;
use super::source::{Def, FileId, Import, Item, ItemId, Kind, ModuleId, Path, Source, Type};
use super::tokens::{Delimiter, Token};

/// Reads the items in a part of a file into a module.
pub(crate) struct Parser<'a> {
    pub(crate) source: &'a mut Source,
    pub(crate) file: FileId,
    pub(crate) tokens: Arc<[Token]>,
    pub(crate) module: ModuleId,
    /// Where the files of modules are.
    pub(crate) place: Place,
    /// The features that decide whether all of these items exist.
    pub(crate) features: Vec<Name>,
}

/// The start of an item, before its name and body are read.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) marks: Marks,
    /// The first token after the attributes and the visibility.
    pub(super) at: usize,
}

impl Parser<'_> {
    pub(crate) fn items(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let (inner, after) = marks::read(&self.tokens, at, range.end, &self.source.names, true);
            self.source.modules[self.module].features.extend(inner.features);
            self.source.modules[self.module].is_test |= inner.is_test;
            let (marks, after) =
                marks::read(&self.tokens, after, range.end, &self.source.names, false);
            let after = self.visibility(after);
            if after >= range.end {
                return;
            }
            let start = Start { marks, at: after };
            let next = self.item(start, range.end).unwrap_or(scan::step(&self.tokens, after));
            at = next.max(after + 1);
        }
    }

    fn visibility(&self, at: usize) -> usize {
        if scan::word(&self.tokens, at) != Some(kw::PUB) {
            return at;
        }
        match scan::group(&self.tokens, at + 1) {
            Some((Delimiter::Parenthesis, inner)) => inner.end + 1,
            _ => at + 1,
        }
    }

    /// Reads one item. Returns the index after it.
    fn item(&mut self, start: Start, end: usize) -> Option<usize> {
        let tokens = self.tokens.clone();
        // Skips the words before the keyword of the item, up to the braces of `extern "C" { ... }`.
        let mut at = start.at;
        while let Some(word) = scan::word(&tokens, at) {
            let next = scan::word(&tokens, at + 1);
            match word {
                kw::CONST if matches!(next, Some(kw::FN | kw::ASYNC | kw::UNSAFE | kw::EXTERN)) => {
                }
                kw::ASYNC | kw::UNSAFE | kw::SAFE | kw::DEFAULT | kw::AUTO if next.is_some() => {}
                kw::UNSAFE => {}
                kw::EXTERN if matches!(tokens.get(at + 1), Some(Token::Literal(_))) => at += 1,
                kw::EXTERN if next == Some(kw::FN) => {}
                _ => break,
            }
            at += 1;
        }
        let has_skipped_words = at > start.at;
        if has_skipped_words
            && scan::group(&tokens, at).is_some_and(|group| group.0 == Delimiter::Brace)
        {
            return Some(self.foreign_block(start, at));
        }
        let word = scan::word(&tokens, at)?;
        match word {
            kw::FN => self.function(start, at, end),
            kw::STRUCT | kw::ENUM => self.type_(start, at, end),
            kw::UNION if scan::word(&tokens, at + 1).is_some() => self.type_(start, at, end),
            kw::CONST | kw::STATIC | kw::TYPE => self.value(start, at, end),
            kw::TRAIT => self.trait_(start, at, end),
            kw::IMPL => self.impl_(start, at, end),
            kw::MOD => self.mod_(start, at, end),
            kw::USE => self.use_(start, at, end),
            kw::EXTERN => match scan::group(&tokens, at + 1) {
                Some(_) => Some(self.foreign_block(start, at + 1)),
                None => self.extern_crate(at, end),
            },
            kw::MACRO_RULES if scan::is(&tokens, at + 1, b'!') => self.macro_(start, at + 2),
            kw::MACRO => self.macro_(start, at + 1),
            _ => self.invocation(start, at, end),
        }
    }

    /// Adds an item, and defines it in its module under `name` and the name of its derive macro.
    pub(super) fn keep(
        &mut self,
        start: Start,
        name: Option<Name>,
        kind: Kind,
        end: usize,
        generics: Vec<Name>,
    ) -> ItemId {
        let id = self.source.items.len();
        let module = &mut self.source.modules[self.module];
        let mut features = self.features.clone();
        features.extend(&start.marks.features);
        features.extend(&module.features);
        module.items.push(id);
        for name in name.into_iter().chain(start.marks.derives) {
            module.defs.entry(name).or_default().push(Def::Item(id));
        }
        let (package, is_test) = (module.package, module.is_test || start.marks.is_test);
        if start.marks.is_exported
            && let Some(name) = name
        {
            let root = self.source.packages[package].root;
            let defs = self.source.modules[root].defs.entry(name).or_default();
            if root != self.module {
                defs.push(Def::Item(id));
            }
        }
        self.source.items.push(Item {
            kind,
            name,
            module: self.module,
            file: self.file,
            attributes: start.marks.ranges,
            head: 0..0,
            body: start.at..end,
            parts: Vec::new(),
            generics,
            features,
            is_test,
            is_generated: false,
            task: None,
        });
        id
    }

    /// Finds the next body in braces, or the `;` of an item without a body. Returns the index after it, and
    /// the content of the braces.
    pub(super) fn body(&self, at: usize, end: usize) -> Option<(usize, Option<Range<usize>>)> {
        let tokens = &self.tokens;
        let found = scan::find(tokens, at..end, |at| {
            matches!(tokens[at], Token::Punct(b';', _) | Token::Open(Delimiter::Brace, _))
        })?;
        match scan::group(tokens, found) {
            Some((_, inner)) => Some((inner.end + 1, Some(inner))),
            None => Some((found + 1, None)),
        }
    }

    fn semicolon(&self, at: usize, end: usize) -> Option<usize> {
        let mut at = at;
        while at < end {
            if scan::is(&self.tokens, at, b';') {
                return Some(at + 1);
            }
            at = scan::step(&self.tokens, at);
        }
        None
    }

    fn type_(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let tokens = self.tokens.clone();
        let (keyword, name) = (scan::word(&tokens, at)?, scan::word(&tokens, at + 1)?);
        let (end, body) = self.body(at + 2, end)?;
        let variants = match body {
            Some(body) if keyword == kw::ENUM => self.variants(body),
            _ => Vec::new(),
        };
        let kind = Kind::Type(Type { keyword, variants, is_task: start.marks.is_task });
        let generics = scan::generics(&tokens, at + 2, end);
        self.keep(start, Some(name), kind, end, generics);
        Some(end)
    }

    fn variants(&self, body: Range<usize>) -> Vec<Name> {
        let mut found = Vec::new();
        let mut at = body.start;
        while at < body.end {
            let (_, after) = marks::read(&self.tokens, at, body.end, &self.source.names, false);
            found.extend(scan::word(&self.tokens, self.visibility(after)));
            at = after;
            while at < body.end && !scan::is(&self.tokens, at, b',') {
                at = scan::step(&self.tokens, at);
            }
            at += 1;
        }
        found
    }

    fn value(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let keyword = scan::word(&self.tokens, at)?;
        let mut place = at + 1;
        if scan::word(&self.tokens, place) == Some(kw::MUT) {
            place += 1;
        }
        let name = scan::word(&self.tokens, place)?;
        let end = self.semicolon(at, end)?;
        let generics = scan::generics(&self.tokens, place + 1, end);
        let name = (name != kw::UNDERSCORE).then_some(name);
        self.keep(start, name, Kind::Value(keyword), end, generics);
        Some(end)
    }

    fn mod_(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let name = scan::word(&self.tokens, at + 1)?;
        let (end, body) = self.body(at + 2, end)?;
        let package = self.source.modules[self.module].package;
        let module = self.source.module(package, Some(self.module), Some(name));
        let added = &mut self.source.modules[module];
        added.features.extend(&start.marks.features);
        added.features.extend(&self.features);
        added.is_test |= start.marks.is_test;
        let defs = self.source.modules[self.module].defs.entry(name).or_default();
        defs.push(Def::Module(module));
        match body {
            Some(body) => {
                let place = self.place.inline(self.source.names.text(name), &start.marks.paths);
                let mut parser = Parser {
                    source: self.source,
                    file: self.file,
                    tokens: self.tokens.clone(),
                    module,
                    place,
                    features: Vec::new(),
                };
                parser.items(body);
            }
            None => self.load_module(module, name, &start.marks),
        }
        Some(end)
    }

    fn use_(&mut self, start: Start, at: usize, end: usize) -> Option<usize> {
        let end = self.semicolon(at, end)?;
        let mut leaves = Vec::new();
        let root = Path { is_global: false, segments: Vec::new() };
        scan::use_tree(&self.tokens, at + 1..end - 1, &root, &mut leaves);
        let module = &mut self.source.modules[self.module];
        let mut features = self.features.clone();
        features.extend(&start.marks.features);
        for leaf in leaves {
            let is_test = start.marks.is_test;
            let import = Import { path: leaf.path, features: features.clone(), is_test };
            match leaf.name {
                None => module.globs.push(import),
                Some(kw::UNDERSCORE) => module.unnamed.push(import),
                Some(name) => {
                    module.defs.entry(name).or_default().push(Def::Import(Arc::new(import)));
                }
            }
        }
        Some(end)
    }

    /// Reads `extern crate name as other;`, which is an import of `::name`.
    fn extern_crate(&mut self, at: usize, end: usize) -> Option<usize> {
        let end = self.semicolon(at, end)?;
        let named = scan::word(&self.tokens, at + 2)?;
        let (path, name) = match scan::word(&self.tokens, at + 3) {
            Some(kw::AS) => (named, scan::word(&self.tokens, at + 4)?),
            _ => (named, named),
        };
        let is_global = path != kw::SELF;
        let path = if is_global { path } else { kw::CRATE };
        let path = Path { is_global, segments: vec![path] };
        let import = Import { path, features: Vec::new(), is_test: false };
        let module = &mut self.source.modules[self.module];
        module.defs.entry(name).or_default().push(Def::Import(Arc::new(import)));
        Some(end)
    }

    fn foreign_block(&mut self, start: Start, at: usize) -> usize {
        let Some((_, inner)) = scan::group(&self.tokens, at) else {
            return at + 1;
        };
        let declared = scan::declared(&self.tokens, inner.clone(), false);
        let id = self.keep(start, None, Kind::ForeignBlock, inner.end + 1, Vec::new());
        let module = &mut self.source.modules[self.module];
        for name in declared {
            module.defs.entry(name).or_default().push(Def::Item(id));
        }
        inner.end + 1
    }
}

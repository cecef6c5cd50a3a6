//! Follows macro calls: to the macro, the files that it includes, and the names in its body.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use super::{Builder, Link, Node, Scope};
use crate::code::named::{self, Words};
use crate::code::names::{Name, kw};
use crate::code::references::{Call, References};
use crate::code::resolve::End;
use crate::code::row::Row;
use crate::code::source::{ItemId, Kind};
use crate::code::standard::{is_standard_macro, reads_no_files};
use crate::code::tokens::{Token, append};
use crate::code::{attributes, scan};
use crate::text;

impl Builder<'_> {
    pub(super) fn add_call(
        &self,
        scope: &Scope<'_>,
        references: &References,
        call: &Call,
        tokens: &[Token],
        node: &mut Node,
    ) {
        let source = self.resolver.source;
        let Some(&last) = call.path.segments.last() else {
            return;
        };
        let literal = |at: usize| match tokens.get(at) {
            Some(&Token::Literal(literal)) => Some(literal),
            _ => None,
        };
        let name = source.names.text(last);
        match name {
            "include_str" | "include_bytes" | "include" => {
                if name == "include" {
                    self.add_included_words(scope, call, node);
                }
                match Row::included(source, scope.file, call.arguments.clone()) {
                    Some(row) => drop(node.rows.insert(row)),
                    None if scope.is_macro => {}
                    None => {
                        node.untracked.insert(self.missing_file(name, call, tokens));
                    }
                }
                return;
            }
            // In the body of a macro, the variables are those of the calling crate.
            "env" | "option_env" if scope.is_macro => return,
            "env" | "option_env" => {
                match literal(call.arguments.start) {
                    Some(literal) => node.add_variable(source, scope.file, literal),
                    None => {
                        let untracked = format!("the variable that `{name}!` names is not known");
                        node.untracked.insert(untracked);
                    }
                }
                return;
            }
            _ => {}
        }
        let macros = self.resolver.macros(&call.path, scope.module, Some(&references.imports));
        if macros.is_empty() {
            if matches!(name, "paste" | "concat_idents") {
                let untracked = format!("the names that `{name}!` assembles are not known");
                node.untracked.insert(untracked);
            }
            let meaning = self.resolver.path(&call.path, scope.module, Some(&references.imports));
            for end in meaning.ends {
                match end {
                    End::Foreign(path) => {
                        let links = node.links.entry(format!("{name}!")).or_default();
                        links.insert(Link::Foreign(path));
                    }
                    // A macro that another macro generated.
                    End::Item(item, _) => drop(node.items.insert(item)),
                    End::Module(_) => {}
                }
            }
        }
        if macros.iter().all(|&item| !self.is_macro(item)) && !is_standard_macro(name) {
            let words = Words::collect(tokens, call.arguments.clone(), &source.names);
            self.add_foreign_call(scope, name, &words, node);
        }
        let links = macros.iter().map(|&item| Link::Item(item));
        node.links.entry(format!("{name}!")).or_default().extend(links);
        let mut visited = BTreeSet::new();
        self.add_macros(scope, &macros, call, tokens, &mut visited, node);
    }

    /// Returns the warning for a file that the macro `name` includes, and that is not found.
    fn missing_file(&self, name: &str, call: &Call, tokens: &[Token]) -> String {
        let names = &self.resolver.source.names;
        let arguments = tokens.get(call.arguments.clone()).unwrap_or_default();
        let is_literal = |token: &Token| {
            token.word().is_none_or(|word| matches!(names.text(word), "concat" | "env"))
        };
        if arguments.iter().all(is_literal) {
            return format!("the file that `{name}!` names is not found");
        }
        let mut parts = Vec::new();
        append(arguments, call.arguments.start, names, &mut parts);
        let written = text::write(&parts);
        format!(
            "`{name}!({written})`: the name of the file is not a literal, so the file is not tracked"
        )
    }

    /// Adds the macros that a call may use.
    ///
    /// The names in their bodies are resolved at the place of the call, too.
    fn add_macros(
        &self,
        scope: &Scope<'_>,
        macros: &[ItemId],
        call: &Call,
        tokens: &[Token],
        visited: &mut BTreeSet<ItemId>,
        node: &mut Node,
    ) {
        let source = self.resolver.source;
        for &item in macros {
            node.items.insert(item);
            // A procedural macro of a path dependency has no body of rules.
            if !visited.insert(item) || !self.is_macro(item) {
                continue;
            }
            let body = source.tokens(item);
            let mut inside = References::default();
            inside.read(&body, source.items[item].body.clone(), &source.names);
            let pasted = is_pasting(&body[source.items[item].body.clone()]);
            let words = tokens[call.arguments.clone()].iter().copied().filter_map(Token::word);
            for word in words.filter(|_| pasted) {
                node.methods.insert(word);
                self.add_anywhere(scope, word, node);
            }
            for reference in &inside.paths {
                if self.add_path(&scope.of_macro(), &inside, reference, node) {
                    self.add_generators_of(scope, &reference.path, node);
                }
            }
            for &condition in &inside.features {
                node.add_condition(source, scope.module, condition);
            }
            let words = Words::collect(tokens, call.arguments.clone(), &source.names);
            for inner in &inside.calls {
                let last = inner.path.segments.last().map_or("", |&last| source.names.text(last));
                match last {
                    "include" | "include_str" | "include_bytes" => {
                        self.add_included(scope, inner, &body, &words, node);
                    }
                    "env" | "option_env" => {
                        let literals = [(&*body, &inner.arguments), (tokens, &call.arguments)];
                        let is_variable = scan::is(&body, inner.arguments.start, b'$');
                        let (tokens, range) = literals[usize::from(is_variable)];
                        for &token in &tokens[range.clone()] {
                            if let Token::Literal(literal) = token {
                                node.add_variable(source, scope.file, literal);
                            }
                        }
                    }
                    _ => {}
                }
                let macros = self.resolver.macros(&inner.path, source.items[item].module, None);
                if macros.iter().all(|&item| !self.is_macro(item)) && !is_standard_macro(last) {
                    // The strings are in the body of the macro or, for a `$variable`, in the call.
                    let own = body.get(inner.arguments.clone()).map(|_| inner.arguments.clone());
                    let words = words.with(&body, own.unwrap_or_default(), &source.names);
                    self.add_foreign_call(scope, last, &words, node);
                }
                self.add_macros(scope, &macros, call, tokens, visited, node);
            }
        }
    }

    /// Returns whether an item is a `macro_rules!` or `macro`.
    pub(super) fn is_macro(&self, item: ItemId) -> bool {
        matches!(self.resolver.source.items[item].kind, Kind::Macro(_))
    }

    /// Adds the files that a macro of another crate may read. For a macro call in item position,
    /// [`generated`](crate::code::generated) has found them.
    fn add_foreign_call(&self, scope: &Scope<'_>, name: &str, words: &Words, node: &mut Node) {
        let source = self.resolver.source;
        let is_item = scope.item.is_some_and(|item| source.generated.contains_key(&item));
        if is_item || scope.is_macro {
            return;
        }
        let files = named::files_of_expression(source, scope.file, name, words);
        match files.is_empty() {
            true => node.untracked.extend(named::missing_files(name, words)),
            false => node.untracked.extend(named::too_many(&files, name)),
        }
        for path in files {
            node.add_file(source, scope.file, &path);
            if path.extension().is_some_and(|end| end == "rs") {
                self.add_words(scope, &path, node);
            }
        }
    }

    /// Adds the files that the body of a macro of the source includes.
    fn add_included(
        &self,
        scope: &Scope<'_>,
        inner: &Call,
        body: &[Token],
        words: &Words,
        node: &mut Node,
    ) {
        let source = self.resolver.source;
        let files = source.included_by_macro(body, inner.arguments.clone(), scope.file, words);
        let is_item = scope.item.is_some_and(|item| source.generated.contains_key(&item));
        if files.is_empty() && !is_item && !scope.is_macro {
            let name = inner.path.segments.last().map_or("", |&last| source.names.text(last));
            node.untracked.insert(format!("the file that `{name}!` names is not found"));
        }
        for path in files {
            node.add_file(source, scope.file, &path);
            if path.extension().is_some_and(|end| end == "rs") {
                self.add_words(scope, &path, node);
            }
        }
    }

    /// Adds the items that an included expression may name: all items with the name of a word in the file.
    fn add_included_words(&self, scope: &Scope<'_>, call: &Call, node: &mut Node) {
        let path = self.resolver.source.included(scope.file, call.arguments.clone());
        path.into_iter().for_each(|path| self.add_words(scope, &path, node));
    }

    fn add_words(&self, scope: &Scope<'_>, path: &Path, node: &mut Node) {
        let source = self.resolver.source;
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        let words = text.split(|char: char| !char.is_alphanumeric() && char != '_');
        let words: BTreeSet<Name> = words.filter_map(|word| source.names.find(word)).collect();
        for word in words {
            node.methods.insert(word);
            self.add_anywhere(scope, word, node);
        }
    }

    /// Adds the files that the attributes of an item name: `#[grammar = "shop.pest"]`.
    pub(super) fn add_files_of_attributes(&self, scope: &Scope<'_>, item: ItemId, node: &mut Node) {
        let source = self.resolver.source;
        let tokens = source.tokens(item);
        if source.is_task(item) {
            return;
        }
        let mut ranges: Vec<Range<usize>> = source.attributes_of(item).cloned().collect();
        if matches!(source.items[item].kind, Kind::Type(_)) {
            ranges.extend(attributes::all(&tokens, source.items[item].body.clone()));
        }
        let mut is_read = false;
        for range in ranges {
            let derives = attributes::derives(&tokens, &range, &source.names);
            let text = |name: Option<Name>| source.names.text(name.unwrap_or(kw::UNDERSCORE));
            let path = scan::path(&tokens, range.start + 2, range.end);
            let name = text(path.and_then(|(path, _)| path.segments.last().copied()));
            if attributes::no_code(&tokens[range.clone()], range.start, &source.names).is_some()
                || matches!(name, "path" | "cfg")
            {
                continue;
            }
            if let Some(derives) = derives {
                let mut named = derives.iter().map(|(path, _)| text(path.segments.last().copied()));
                is_read |= named.any(|name| !reads_no_files(name));
                continue;
            }
            let with_folders = !reads_no_files(name);
            is_read |= with_folders;
            let words = Words::collect(&tokens, range.clone(), &source.names);
            let files = named::named_files(source, scope.file, &words, with_folders);
            let says_path =
                || tokens[range.clone()].iter().any(|token| token.word() == Some(kw::PATH));
            let must_read = match name {
                "template" => says_path(),
                "folder" | "grammar" => true,
                _ => false,
            };
            if files.is_empty() && must_read {
                node.untracked.insert(format!("the path that `#[{name}]` names is not found"));
            }
            node.untracked.extend(named::too_many(&files, name));
            for path in files {
                node.add_file(source, scope.file, &path);
            }
        }
        if is_read {
            let package = source.items[item].module;
            let package = &source.packages[source.modules[package].package];
            for path in &package.unexplained {
                node.add_file(source, scope.file, path);
            }
        }
    }
}

/// Returns whether the body of a macro uses its arguments as parts of names: `.$name()`, `module::$name()`,
/// `$name!()`.
fn is_pasting(body: &[Token]) -> bool {
    let behind = body
        .windows(2)
        .any(|pair| matches!(pair, [Token::Punct(b'.' | b':', _), Token::Punct(b'$', _)]));
    let called = body.windows(3).any(|triple| {
        matches!(triple, [Token::Punct(b'$', _), Token::Word(_), Token::Punct(b'!', _)])
    });
    behind || called
}

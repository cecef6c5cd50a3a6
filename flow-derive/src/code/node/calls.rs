//! What a macro leads to that is called: itself, the files that it includes, the names in a format.

use std::collections::BTreeSet;

use super::{Builder, Link, Node, Scope};
use crate::code::names::Name;
use crate::code::references::{Call, References};
use crate::code::resolve::End;
use crate::code::row::Row;
use crate::code::source::ItemId;
use crate::code::tokens::Token;

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
                        let unseen = format!("the file that `{name}!` names is not found");
                        node.unseen.insert(unseen);
                    }
                }
                return;
            }
            "env" | "option_env" => {
                if let Some(literal) = literal(call.arguments.start) {
                    node.rows.extend(Row::variable(source, scope.file, literal));
                }
                return;
            }
            _ => {}
        }
        let macros = self.resolver.macros(&call.path, scope.module, Some(&references.imports));
        if macros.is_empty() {
            if matches!(name, "paste" | "concat_idents") {
                let unseen = format!("the names that `{name}!` puts together are not known");
                node.unseen.insert(unseen);
            }
            let meaning = self.resolver.path(&call.path, scope.module, Some(&references.imports));
            for end in meaning.ends {
                if let End::Foreign(path) = end {
                    let links = node.links.entry(format!("{name}!")).or_default();
                    links.insert(Link::Foreign(path));
                }
            }
        }
        let links = macros.iter().map(|&item| Link::Item(item));
        node.links.entry(format!("{name}!")).or_default().extend(links);
        let mut met = BTreeSet::new();
        self.add_macros(scope, &macros, call, tokens, &mut met, node);
    }

    /// Macros that are called: their names are looked up where they are called, too.
    fn add_macros(
        &self,
        scope: &Scope<'_>,
        macros: &[ItemId],
        call: &Call,
        tokens: &[Token],
        met: &mut BTreeSet<ItemId>,
        node: &mut Node,
    ) {
        let source = self.resolver.source;
        for &item in macros {
            node.items.insert(item);
            if !met.insert(item) {
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
                self.add_path(&scope.of_macro(), &inside, reference, node);
            }
            for inner in &inside.calls {
                let last = inner.path.segments.last().map_or("", |&last| source.names.text(last));
                if last.starts_with("include") {
                    self.add_included(scope, call, tokens, node);
                }
                let macros = self.resolver.macros(&inner.path, source.items[item].module, None);
                self.add_macros(scope, &macros, call, tokens, met, node);
            }
        }
    }

    /// What an expression in a file of its own may name: whatever is called by a word in it.
    fn add_included_words(&self, scope: &Scope<'_>, call: &Call, node: &mut Node) {
        let source = self.resolver.source;
        let path = source.included(scope.file, call.arguments.clone());
        let Some(text) = path.and_then(|path| std::fs::read_to_string(path).ok()) else {
            return;
        };
        let words = text.split(|char: char| !char.is_alphanumeric() && char != '_');
        let words: BTreeSet<Name> = words.filter_map(|word| source.names.find(word)).collect();
        for word in words {
            node.methods.insert(word);
            self.add_anywhere(scope, word, node);
        }
    }

    /// The files that are named by the arguments of a macro that includes what it is given.
    fn add_included(&self, scope: &Scope<'_>, call: &Call, tokens: &[Token], node: &mut Node) {
        for at in call.arguments.clone() {
            if let Token::Literal(_) = tokens[at] {
                node.rows.extend(Row::included(self.resolver.source, scope.file, at..at + 1));
            }
        }
    }
}

/// Whether the body of a macro makes more than expressions of what it is given: `.$name()`,
/// `module::$name()`, `$name!()`.
fn is_pasting(body: &[Token]) -> bool {
    let behind = body
        .windows(2)
        .any(|pair| matches!(pair, [Token::Punct(b'.' | b':', _), Token::Punct(b'$', _)]));
    let called = body.windows(3).any(|triple| {
        matches!(triple, [Token::Punct(b'$', _), Token::Word(_), Token::Punct(b'!', _)])
    });
    behind || called
}

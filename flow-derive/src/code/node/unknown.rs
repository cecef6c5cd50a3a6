//! Handles names that cannot be resolved: code that is not followed may define them.
//!
//! A macro sees no types and no scopes. So an unresolved name is reported only if it certainly names an item.
//! It is not reported if it may be a variable or a type parameter, in the arguments of macros, which may have their
//! own syntax, if a macro that the item calls may declare it, or if a glob import of another crate may define it. The
//! names of this library's prelude are known.

use std::collections::{BTreeSet, HashSet};

use super::{Builder, Node, Scope};
use crate::code::attributes;
use crate::code::generated::called_at;
use crate::code::names::{Name, kw};
use crate::code::references::{PathReference, References};
use crate::code::resolve::End;
use crate::code::scan;
use crate::code::source::{Def, ItemId, Kind, ModuleId, Path};
use crate::code::standard::{is_known, is_standard_macro, names_no_items};
use crate::code::tokens::{Delimiter, Token};

impl Builder<'_> {
    /// Adds the macro calls and attributes that may define an unresolved name. If there are none, adds a
    /// warning, unless a macro that the item calls may know the name.
    pub(super) fn add_unknown(
        &self,
        scope: &Scope<'_>,
        references: &References,
        reference: &PathReference,
        tokens: &[Token],
        node: &mut Node,
    ) {
        let is_in_call =
            || references.calls.iter().any(|call| call.arguments.contains(&reference.at));
        if !(reference.is_plain || reference.is_item && is_in_call()) {
            return;
        }
        let Some((module, name)) = self.unknown(scope, references, &reference.path) else {
            return;
        };
        let source = self.resolver.source;
        let is_first = reference.path.segments.first() == Some(&name) && !reference.path.is_global;
        let is_path = reference.path.segments.len() > 1;
        if is_first
            && (is_known(source.names.text(name))
                || is_declared(scope, tokens, name, is_path, self))
        {
            return;
        }
        // A macro that the item calls may use the name, or declare it: what may generate it counts, without a warning.
        if self.add_generators(module, name, node) {
            return;
        }
        let is_of_macro = !reference.is_plain
            || is_first
                && (is_first_argument(scope, tokens, name, self)
                    || self.is_declared_by_macro(scope, references, tokens, name))
            || self.is_argument(scope, references, reference);
        if is_of_macro {
            return;
        }
        let (path, shown) = (self.text(&reference.path), &source.files[scope.file].shown);
        node.untracked.insert(format!("`{path}` in {shown} cannot be resolved"));
    }

    /// Adds the macro calls and attributes that may define a path which cannot be resolved, without a warning: an import of a
    /// function, or a name in the body of a macro.
    pub(super) fn add_generators_of(&self, scope: &Scope<'_>, path: &Path, node: &mut Node) {
        if let Some((module, name)) = self.unknown(scope, &References::default(), path) {
            self.add_generators(module, name, node);
        }
    }

    /// Returns the first segment of a path that cannot be resolved, with the module in which it was searched.
    ///
    /// Returns `None` if the segment may refer to another crate.
    fn unknown(
        &self,
        scope: &Scope<'_>,
        references: &References,
        path: &Path,
    ) -> Option<(ModuleId, Name)> {
        let resolver = &self.resolver;
        // The imports of a function are resolved in its module.
        for (name, import) in &references.imports {
            let ends = resolver.path(import, scope.module, None).ends;
            if name.is_none() && !ends.iter().all(|end| resolver.is_closed(scope.module, end))
                || ends.is_empty()
            {
                return None;
            }
        }
        let mut module = scope.module;
        for length in 1..=path.segments.len() {
            let start = Path { segments: path.segments[..length].to_vec(), ..path.clone() };
            let ends = resolver.path(&start, scope.module, Some(&references.imports)).ends;
            let name = path.segments[length - 1];
            if ends.is_empty() {
                let name_is_open = match length {
                    1 => resolver.may_be_foreign(module, name),
                    _ => resolver.is_open(module),
                };
                return (!name_is_open).then_some((module, name));
            }
            let mut modules = ends.iter().filter_map(|end| match end {
                End::Module(module) => Some(*module),
                _ => None,
            });
            match (modules.next(), modules.next()) {
                (Some(only), None) if ends.len() == 1 => module = only,
                _ => return None,
            }
        }
        None
    }

    /// Returns whether a path stands in the arguments of a macro of the source, which may have its own syntax.
    ///
    /// [`References`] know this of all macros but those that have the name of a standard one.
    fn is_argument(
        &self,
        scope: &Scope<'_>,
        references: &References,
        reference: &PathReference,
    ) -> bool {
        references.calls.iter().filter(|call| call.arguments.contains(&reference.at)).any(|call| {
            let macros = self.resolver.macros(&call.path, scope.module, Some(&references.imports));
            macros.into_iter().any(|item| self.is_macro(item))
        })
    }

    /// Returns whether a macro of the source that the item calls, directly or through other macros, may declare `name`
    /// there: as a name in its body, or as one of its arguments.
    ///
    /// The macros and their arguments count anyway, so nothing more has to be followed.
    fn is_declared_by_macro(
        &self,
        scope: &Scope<'_>,
        references: &References,
        tokens: &[Token],
        name: Name,
    ) -> bool {
        let source = self.resolver.source;
        references.calls.iter().any(|call| {
            let is_argument = tokens[call.arguments.clone()].contains(&Token::Word(name));
            let mut queue =
                self.resolver.macros(&call.path, scope.module, Some(&references.imports));
            let mut visited: BTreeSet<ItemId> = BTreeSet::new();
            while let Some(called) = queue.pop() {
                let item = &source.items[called];
                let Kind::Macro(declared) = &item.kind else {
                    continue;
                };
                if !visited.insert(called) {
                    continue;
                }
                let body = source.tokens(called);
                if declared.contains(&name)
                    || is_argument && declares_variable(&body[item.body.clone()])
                {
                    return true;
                }
                for inner in item.body.clone().filter_map(|at| called_at(&body, at)) {
                    let path = Path { is_global: false, segments: vec![inner] };
                    queue.extend(self.resolver.macros(&path, item.module, None));
                }
            }
            false
        })
    }

    /// Adds the macro calls and attributes that may generate an item of this name in a module, or in the modules from
    /// which it imports the name.
    ///
    /// Returns whether there are any.
    fn add_generators(&self, module: ModuleId, name: Name, node: &mut Node) -> bool {
        let mut generators = BTreeSet::new();
        self.find_generators(module, name, &mut HashSet::new(), &mut generators);
        node.items.extend(&generators);
        !generators.is_empty()
    }

    fn find_generators(
        &self,
        module: ModuleId,
        name: Name,
        visited: &mut HashSet<(ModuleId, Name)>,
        generators: &mut BTreeSet<ItemId>,
    ) {
        if !visited.insert((module, name)) {
            return;
        }
        let source = self.resolver.source;
        let place = &source.modules[module];
        let calls = place.invocations.iter().copied();
        let calls = calls.filter(|&call| {
            let generated = source.generated.get(&call);
            generated.is_some_and(|found| found.is_open || found.words.contains(&name))
                && !self.resolver.implements_run(call)
        });
        let items = place.items.iter().copied().filter(|&item| self.may_generate_items(item));
        generators.extend(calls.chain(items).filter(|&item| self.resolver.is_seen(item)));
        let imports = place.defs.get(&name).into_iter().flatten().filter_map(|def| match def {
            Def::Import(import) => import.path.segments.split_last().map(|split| (import, split)),
            _ => None,
        });
        let mut modules = Vec::new();
        for (import, (&last, before)) in imports {
            if before.is_empty() {
                modules.push((End::Module(module), last));
                continue;
            }
            let path = Path { is_global: import.path.is_global, segments: before.to_vec() };
            let ends = self.resolver.path(&path, module, None).ends;
            modules.extend(ends.into_iter().map(|end| (end, last)));
        }
        for glob in &place.globs {
            let ends = self.resolver.path(&glob.path, module, None).ends;
            modules.extend(ends.into_iter().map(|end| (end, name)));
        }
        for (end, name) in modules {
            if let End::Module(module) = end {
                self.find_generators(module, name, visited, generators);
            }
        }
    }

    /// Returns whether an attribute or derive of another crate may generate items beside this one.
    fn may_generate_items(&self, item: ItemId) -> bool {
        let source = self.resolver.source;
        let (tokens, names) = (source.tokens(item), &source.names);
        let is_harmless = |path: &Path| {
            path.segments.last().is_some_and(|&last| names_no_items(names.text(last)))
        };
        source.items[item].attributes.iter().any(|range| {
            if attributes::no_code(&tokens[range.clone()], range.start, names).is_some() {
                return false;
            }
            match attributes::derives(&tokens, range, names) {
                Some(derives) => !derives.iter().all(|(path, _)| is_harmless(path)),
                None => !scan::path(&tokens, range.start + 2, range.end)
                    .is_some_and(|(path, _)| is_harmless(&path)),
            }
        })
    }
}

/// Returns whether the body of a macro declares a name that is one of its arguments: `struct $name`.
fn declares_variable(body: &[Token]) -> bool {
    body.windows(2).any(|pair| {
        let [Token::Word(keyword), Token::Punct(b'$', _)] = pair else {
            return false;
        };
        matches!(
            *keyword,
            kw::FN
                | kw::STRUCT
                | kw::ENUM
                | kw::UNION
                | kw::TRAIT
                | kw::TYPE
                | kw::CONST
                | kw::STATIC
                | kw::MOD
                | kw::USE
                | kw::LET
                | kw::MUT
        )
    })
}

/// Returns whether the item itself may declare the first segment of a path: as a function or type inside it, a
/// type parameter, a variant or a variable.
fn is_declared(
    scope: &Scope<'_>,
    tokens: &[Token],
    name: Name,
    is_path: bool,
    builder: &Builder<'_>,
) -> bool {
    let source = builder.resolver.source;
    let Some(id) = scope.item else {
        return true;
    };
    let item = &source.items[id];
    if matches!(&item.kind, Kind::Type(ty) if ty.variants.contains(&name)) {
        return true;
    }
    let may_be_variable = !is_path
        && source.names.text(name).starts_with(|first: char| first.is_lowercase() || first == '_');
    let range = item.range();
    range.clone().any(|at| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before)).copied();
        match tokens[at] {
            Token::Word(kw::FN | kw::STRUCT | kw::ENUM | kw::TRAIT | kw::TYPE | kw::UNION) => {
                scan::generics(tokens, at + 2, range.end).contains(&name)
            }
            Token::Word(kw::IMPL) => scan::generics(tokens, at + 1, range.end).contains(&name),
            Token::Word(word) if word == name => {
                let declares = matches!(
                    before.and_then(Token::word),
                    Some(
                        kw::FN
                            | kw::STRUCT
                            | kw::ENUM
                            | kw::UNION
                            | kw::TRAIT
                            | kw::TYPE
                            | kw::CONST
                            | kw::STATIC
                            | kw::MOD
                            | kw::AS
                            | kw::MUT
                    )
                );
                let is_call =
                    matches!(tokens.get(at + 1), Some(Token::Open(Delimiter::Parenthesis, _)))
                        || scan::is_colons(tokens, at + 1)
                        || scan::is(tokens, at + 1, b'!');
                // `Iterator<Item = f64>`
                let is_binding = scan::is(tokens, at + 1, b'=')
                    && before.is_some_and(|token| token.is(b'<') || token.is(b','));
                declares || is_binding || may_be_variable && !is_call
            }
            _ => false,
        }
    })
}

/// Returns whether a name is the first argument of a macro that the item calls: `make!(Row)` in a function may declare `Row`
/// there.
fn is_first_argument(
    scope: &Scope<'_>,
    tokens: &[Token],
    name: Name,
    builder: &Builder<'_>,
) -> bool {
    let source = builder.resolver.source;
    let Some(id) = scope.item else { return false };
    let item = &source.items[id];
    item.range().any(|at| {
        tokens[at] == Token::Word(name)
            && at > 2
            && matches!(tokens[at - 1], Token::Open(..))
            && scan::is(tokens, at - 2, b'!')
            && scan::word(tokens, at - 3)
                .is_some_and(|called| !is_standard_macro(source.names.text(called)))
    })
}

//! Looks up how the source declares what a macro names, for better messages.
//!
//! The compiler reports a wrong name in its own words, which do not know this library: for `Load { modle: x }` it names
//! the constant `MODLE`. Where the source leaves no doubt, the macro reports the mistake first. In all other cases, and
//! in an editor, where there is no source, the compiler does. So an answer of this module must be certain: if a `cfg`, a
//! macro or an unknown attribute may declare something else, there is no answer.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proc_macro2::TokenStream;
use syn::{ItemFn, ItemStruct};

use super::names::kw;
use super::resolve::{End, Resolver};
use super::source::{self, ItemId, Kind, ModuleId, Source};
use super::world::World;
use super::{scan, tokens};
use crate::text;

/// What `requires` names.
pub(crate) enum Declared {
    /// A struct that is a task.
    Struct(ItemStruct),
    /// A function that is a task, with an empty body.
    FunctionTask(ItemFn),
    /// A function without `#[task]`.
    Function,
}

/// Attributes that neither remove an item nor add another one.
const HARMLESS: [&str; 15] = [
    "allow",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "non_exhaustive",
    "param",
    "serde",
    "task",
    "tracked",
    "warn",
];

/// Returns what `path` names in the task whose tokens are `task`, and which stands in `file`; `None` if that is not
/// certain.
pub(crate) fn declared(
    task: TokenStream,
    file: Option<&Path>,
    path: &syn::Path,
) -> Option<Declared> {
    query(|world| {
        let [task] = world.known(task, file)[..] else { return None };
        let names = &world.source.names;
        let segments = path.segments.iter().map(|segment| names.find(&segment.ident.to_string()));
        let segments = segments.collect::<Option<Vec<_>>>()?;
        let path = source::Path { is_global: path.leading_colon.is_some(), segments };
        let item = &world.source.items[task];
        let view = world.view(item.is_test);
        let meaning = view.resolver.path(&path, item.module, None);
        match &meaning.ends[..] {
            [End::Item(id, rest)] if rest.is_empty() => one(&view.resolver, *id, &path, item.module),
            // A function that is a task is two items: the task, and the function.
            [End::Item(one, rest), End::Item(other, more)]
                if rest.is_empty() && more.is_empty() =>
            {
                let is_task_of = |id: &ItemId, of| world.source.items[*id].task == Some(of);
                let function =
                    [one, other].into_iter().find(|id| is_task_of(id, *one) || is_task_of(id, *other))?;
                of_function(&world.source, *function)
            }
            _ => None,
        }
    })
}

/// Returns whether the function with these tokens, which is a task, is certainly a member of an `impl`.
pub(crate) fn is_in_impl(task: TokenStream, file: Option<&Path>, name: &str) -> bool {
    let found = query(|world| {
        if !world.known(task, file).is_empty() {
            return None;
        }
        let source = &world.source;
        let name = source.names.find(name)?;
        let file = file?.canonicalize().ok()?;
        let members = source.items.iter().filter(|item| {
            item.name == Some(name)
                && source.files[item.file].path == file
                && matches!(item.kind, Kind::Associated { .. })
        });
        let is_task = |attributes: &[Range<usize>], tokens: &[tokens::Token]| {
            attributes.iter().any(|range| super::attributes::task(tokens, range).is_some())
        };
        let mut members = members.map(|item| is_task(&item.attributes, &source.files[item.file].tokens));
        members.any(|is_task| is_task).then_some(())
    });
    found.is_some()
}

/// Asks the world. A mistake of this module causes no error: the compiler has its own message.
fn query<R>(query: impl FnOnce(&mut World) -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(|| World::with(|world| query(world?)))).ok().flatten()
}

/// Returns what a single item is, which `path` names in `module`.
fn one(
    resolver: &Resolver<'_>,
    id: ItemId,
    path: &source::Path,
    module: ModuleId,
) -> Option<Declared> {
    let source = resolver.source;
    match &source.items[id].kind {
        Kind::Type(ty) if ty.is_task && ty.keyword == kw::STRUCT => of_struct(source, id),
        Kind::Function if source.items[id].task.is_none() => {
            // A glob import may define a type of the same name, which the function does not hide.
            let [name] = path.segments[..] else { return None };
            let has_type = source.modules[module].globs.iter().any(|glob| {
                resolver.path(&glob.path, module, None).ends.iter().any(|end| match end {
                    End::Module(inner) => !resolver.member(*inner, name).ends.is_empty(),
                    End::Item(..) | End::Foreign(_) => false,
                })
            });
            let is_certain = !has_type
                && !source.modules[module].is_block
                && !resolver.may_be_foreign(module, name)
                && is_plain(source, id);
            is_certain.then_some(Declared::Function)
        }
        _ => None,
    }
}

fn of_struct(source: &Source, id: ItemId) -> Option<Declared> {
    let body = source.items[id].body.clone();
    let text = is_plain(source, id).then(|| written(source, id, &[body]))?;
    syn::parse_str(&text).ok().map(Declared::Struct)
}

fn of_function(source: &Source, id: ItemId) -> Option<Declared> {
    let item = &source.items[id];
    // The head up to the arguments: a body may contain what `syn` does not know.
    let arguments = source.items[item.task?].body.clone();
    let mut parts = item.attributes.clone();
    parts.push(item.body.start..arguments.end + 1);
    let head = is_plain(source, id).then(|| written(source, id, &parts))?;
    syn::parse_str(&format!("{head} {{}}")).ok().map(Declared::FunctionTask)
}

/// Returns whether an item exists for certain, as it is written.
fn is_plain(source: &Source, id: ItemId) -> bool {
    let (item, tokens) = (&source.items[id], source.tokens(id));
    let is_harmless = |range: &Range<usize>| {
        let path = scan::path(&tokens, range.start + 2, range.end);
        let last = path.as_ref().and_then(|(path, _)| path.segments.last());
        last.is_some_and(|last| HARMLESS.contains(&source.names.text(*last)))
    };
    !item.is_generated && item.features.is_empty() && item.attributes.iter().all(is_harmless)
}

/// Returns parts of an item as text. Each part consists of whole groups.
fn written(source: &Source, id: ItemId, parts: &[Range<usize>]) -> String {
    let (tokens, mut written) = (source.tokens(id), Vec::new());
    for part in parts {
        tokens::append(&tokens[part.clone()], part.start, &source.names, &mut written);
    }
    text::write(&written)
}

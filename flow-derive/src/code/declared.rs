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
use super::{attributes, scan, tokens};
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
    query(|world| look_up(world, task, file, path))
}

pub(super) fn look_up(
    world: &mut World,
    task: TokenStream,
    file: Option<&Path>,
    path: &syn::Path,
) -> Option<Declared> {
    let [task] = world.known(task, file)[..] else { return None };
    let (source, item) = (&world.source, &world.source.items[task]);
    let names = path.segments.iter().map(|segment| source.names.find(&segment.ident.to_string()));
    let segments = names.collect::<Option<Vec<_>>>()?;
    let path = source::Path { is_global: path.leading_colon.is_some(), segments };
    let view = world.view(item.is_test);
    match view.resolver.path(&path, item.module, None).ends[..] {
        [End::Item(id, ref rest)] if rest.is_empty() => one(&view.resolver, id, &path, item.module),
        // A function that is a task is two items: the task, and the function.
        [End::Item(a, ref rest), End::Item(b, ref more)] if rest.is_empty() && more.is_empty() => {
            let is_function = |id: &ItemId| [a, b].map(Some).contains(&source.items[*id].task);
            [a, b].into_iter().find(is_function).and_then(|id| of_function(source, id))
        }
        _ => None,
    }
}

/// Returns whether the function with these tokens, which is a task, is certainly a member of an `impl`.
pub(crate) fn is_in_impl(task: TokenStream, file: Option<&Path>, name: &str) -> bool {
    query(|world| is_member(world, task, file?, name).then_some(())).is_some()
}

pub(super) fn is_member(world: &mut World, task: TokenStream, file: &Path, name: &str) -> bool {
    if !world.known(task, Some(file)).is_empty() {
        return false;
    }
    let source = &world.source;
    let (Some(name), Ok(file)) = (source.names.find(name), file.canonicalize()) else {
        return false;
    };
    source.items.iter().any(|item| {
        let file_of = &source.files[item.file];
        let is_task = |range| attributes::task(&file_of.tokens, range).is_some();
        item.name == Some(name)
            && matches!(item.kind, Kind::Associated { .. })
            && file_of.path == file
            && item.attributes.iter().any(is_task)
    })
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

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

use super::resolve::{End, Resolver};
use super::source::{self, ItemId, Kind, ModuleId, Source};
use super::world::World;
use super::{attributes, cycle, scan, tokens};
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
    let path = source::Path::of(path, &source.names)?;
    let view = world.view(item.is_test);
    let ends = view.resolver.path(&path, item.module, None).ends;
    match cycle::required_task(&view.resolver, &ends) {
        Some(id) if source.items[id].task.is_some() => of_function(source, id),
        Some(id) => of_struct(source, id),
        None => match ends[..] {
            [End::Item(id, ref rest)] if rest.is_empty() => {
                is_function(&view.resolver, id, &path, item.module).then_some(Declared::Function)
            }
            _ => None,
        },
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

/// Returns whether the source certainly has an `impl Run` for the task with these tokens, which stands in `file`.
pub(crate) fn has_run(task: TokenStream, file: Option<&Path>) -> bool {
    query(|world| runs(world, task, file).then_some(())).is_some()
}

pub(super) fn runs(world: &mut World, task: TokenStream, file: Option<&Path>) -> bool {
    let [task] = world.known(task, file)[..] else { return false };
    let source = &world.source;
    let Some(run) = source.names.find("Run") else { return false };
    let view = world.view(source.items[task].is_test);
    (0..source.items.len()).any(|id| {
        let item = &source.items[id];
        let Kind::Impl(found) = &item.kind else { return false };
        let Range { start, end } = found.implementor;
        let path = scan::path(&source.files[item.file].tokens, start, end);
        found.of == run
            && view.resolver.is_seen(id)
            && is_plain(source, id)
            && is_of_facade(&view.resolver, id, found.of_range.clone())
            && path.is_some_and(|(path, _)| {
                let ends = view.resolver.path(&path, item.module, None).ends;
                matches!(&ends[..], [End::Item(of, rest)] if *of == task && rest.is_empty())
            })
    })
}

/// Returns whether the trait in `range` of an impl is certainly one of this library, and not another one with its name.
fn is_of_facade(resolver: &Resolver<'_>, id: ItemId, range: Range<usize>) -> bool {
    let (source, item) = (resolver.source, &resolver.source.items[id]);
    let around = &source.modules[item.module];
    let Some((path, _)) = scan::path(&source.files[item.file].tokens, range.start, range.end)
    else {
        return false;
    };
    let facades = &source.packages[around.package].facades;
    let is_facade = |path: &str| {
        let first = path.split("::").next();
        facades.iter().any(|&name| Some(source.names.text(name)) == first)
    };
    match &resolver.path(&path, item.module, None).ends[..] {
        [End::Foreign(path)] => is_facade(path),
        // From the prelude, if no other glob import can define the name.
        [] => around.globs.iter().all(|glob| {
            let ends = resolver.path(&glob.path, item.module, None).ends;
            !ends.is_empty() && ends.iter().all(|end| resolver.is_closed(item.module, end))
        }),
        _ => false,
    }
}

/// Asks the world. A mistake of this module causes no error: the compiler has its own message.
pub(super) fn query<R>(query: impl FnOnce(&mut World) -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(|| World::with(|world| query(world?)))).ok().flatten()
}

/// Returns whether `path` certainly names a function in `module`, and no type. `id` is what it resolves to.
fn is_function(resolver: &Resolver<'_>, id: ItemId, path: &source::Path, module: ModuleId) -> bool {
    let source = resolver.source;
    let [name] = path.segments[..] else { return false };
    // A glob import or a macro call may define a type of the same name, which the function does not hide.
    let has_type = |module: ModuleId| {
        let around = &source.modules[module];
        around.invocations.iter().any(|&called| resolver.defines(called, name))
            || around.globs.iter().any(|glob| {
                resolver.path(&glob.path, module, None).ends.iter().any(|end| match end {
                    End::Module(inner) => !resolver.member(*inner, name).ends.is_empty(),
                    End::Item(..) | End::Foreign(_) => false,
                })
            })
    };
    matches!(source.items[id].kind, Kind::Function)
        && source.items[id].task.is_none()
        && is_plain(source, id)
        && !source.modules[module].is_block
        && !has_type(module)
        && !has_type(source.items[id].module)
        && !resolver.may_be_foreign(module, name)
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
pub(super) fn is_plain(source: &Source, id: ItemId) -> bool {
    let (item, tokens) = (&source.items[id], source.tokens(id));
    let is_harmless = |range: &Range<usize>| {
        let path = scan::path(&tokens, range.start + 2, range.end);
        let last = path.as_ref().and_then(|(path, _)| path.segments.last());
        last.is_some_and(|last| HARMLESS.contains(&source.names.text(*last)))
    };
    !item.is_generated && item.features.is_empty() && item.attributes.iter().all(is_harmless)
}

/// Returns parts of an item as text. Each part consists of whole groups.
pub(super) fn written(source: &Source, id: ItemId, parts: &[Range<usize>]) -> String {
    let (tokens, mut written) = (source.tokens(id), Vec::new());
    for part in parts {
        tokens::append(&tokens[part.clone()], part.start, &source.names, &mut written);
    }
    text::write(&written)
}

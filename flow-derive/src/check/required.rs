//! Checks what an entry of `requires` names, as far as the source shows it: a function that is no task, a literal with a
//! parameter that the required task does not have, and a task that leads back to the task itself.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Fields, ItemStruct, Type, TypePath};

use crate::attr::entry::{Dependency, Entry, Form};
use crate::attr::words;
use crate::code::declared::{self, Declared};
use crate::code::{cycle, file};
use crate::ctxt::Ctxt;
use crate::function;
use crate::model::{self, Task};
use crate::spans::plain;
use crate::text;

/// Reports a mistake in what `entry` requires.
pub(super) fn check(entry: &Entry, task: &Task<'_>, ctxt: &Ctxt) {
    let Dependency { task: of, fields, .. } = &entry.dependency;
    let written = text::short_type(of.to_token_stream());
    let parameters = match look_up(entry, task) {
        Some(Declared::Function) => {
            let message = format!(
                "`{written}` is a function, and not a task; write `#[task(target = ...)]` above it"
            );
            ctxt.error(of, message);
            return;
        }
        Some(Declared::Struct(found)) => parameters(&found),
        Some(Declared::FunctionTask(found)) => function::parameters(&found),
        None => return,
    };
    let Some(parameters) = parameters else { return };
    let has = |field: &Ident| {
        parameters.iter().any(|name| name.to_uppercase() == plain(field).to_uppercase())
    };
    for set in fields.iter().filter(|set| !has(&set.field)) {
        ctxt.error(&set.field, words::no_parameter(&written, &plain(&set.field), &parameters));
    }
}

/// Reports that a task requires itself, with the names of the tasks between.
pub(super) fn cycle(task: &Task<'_>, ctxt: &Ctxt) {
    let may_be = task.entries().iter().any(|entry| matches!(entry.form, Form::One));
    if !may_be || !task.input.generics.params.is_empty() {
        return;
    }
    let Some(file) = file::here() else { return };
    let Some((entry, names)) = cycle::cycle(tokens(task), Some(&file)) else { return };
    let Some(entry) = task.entries().get(entry) else { return };
    let first = &names[0];
    let message = if names.len() == 2 {
        format!("`{first}` requires itself; leave out this requirement")
    } else {
        let steps = names.windows(2).map(|pair| format!("`{}` requires `{}`", pair[0], pair[1]));
        let steps = steps.collect::<Vec<_>>().join(", ");
        format!("`{first}` requires itself: {steps}; leave out one of these requirements")
    };
    ctxt.error(&entry.dependency, message);
}

/// Returns the tokens of the task as they stand in the source.
fn tokens(task: &Task<'_>) -> TokenStream {
    match task.function {
        Some(function) => function.written.clone(),
        None => task.input.to_token_stream(),
    }
}

/// Returns whether an entry requires a function that is certainly no task.
pub(crate) fn is_function(entry: &Entry, task: &Task<'_>) -> bool {
    matches!(look_up(entry, task), Some(Declared::Function))
}

/// Returns what an entry requires, as the source declares it. The source is asked only where the answer can be a
/// mistake: for a literal, and for a name in lower case, which may be that of a function.
fn look_up(entry: &Entry, task: &Task<'_>) -> Option<Declared> {
    let Type::Path(TypePath { qself: None, path, .. }) = &entry.dependency.task else {
        return None;
    };
    let name = plain(&path.segments.last()?.ident);
    let may_be_function = name.starts_with(|first: char| first.is_lowercase());
    if entry.dependency.fields.is_empty() && !may_be_function {
        return None;
    }
    let file = file::here()?;
    declared::declared(tokens(task), Some(&file), path)
}

/// Returns the names of the parameters of a struct that is a task.
fn parameters(task: &ItemStruct) -> Option<Vec<String>> {
    let fields = match &task.fields {
        Fields::Named(fields) => &fields.named,
        Fields::Unit => return Some(Vec::new()),
        Fields::Unnamed(_) => return None,
    };
    let parameters = fields.iter().filter(|field| !model::is_phantom(&field.ty));
    Some(parameters.filter_map(|field| field.ident.as_ref().map(plain)).collect())
}

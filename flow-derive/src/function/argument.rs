//! Finds the role of each argument of a function that is a task.
//!
//! | argument | role |
//! | --- | --- |
//! | `cx: &Cx<mean>` | the context of the running task |
//! | with `#[param(...)]` | a parameter |
//! | without `#[param]`, with the name of an entry of `requires` | that input |
//! | without `#[param]`, if the entries of `requires` have no names | the first arguments are the inputs, in order |
//! | any other argument | a parameter without a default |
//!
//! The roles follow from the arguments' names and the names of their types, since a macro sees no
//! types. The first arguments without `#[param]` are the inputs, so that a pipeline reads like function
//! calls. Each entry of `requires` must have an argument, so that an input is never taken for a
//! parameter.

use proc_macro2::Ident;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Pat, PatType, Signature, Type, TypeReference};

use super::signature::Within;
pub(crate) use super::types::owned;
use super::types::{bare, is_named, last_argument, last_segment, only_argument, unborrowed};
use crate::attr::entry::{Entry, Form};
use crate::attr::task::TaskAttr;
use crate::attr::{doc, words};
use crate::ctxt::Ctxt;
use crate::spans::plain;

/// An argument.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// The type as written.
    pub(crate) ty: Type,
    /// `#[param(...)]` and the documentation comments.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) role: Role,
}

/// The role of an argument.
pub(crate) enum Role {
    /// The context of the running task.
    Context,
    /// The input of the entry of `requires` with this index.
    Input { place: usize, taken: Taken },
    /// A parameter: the type that is stored, and whether the function borrows it.
    Param { stored: Type, is_borrowed: bool },
    /// Unknown because of a mistake that was reported.
    Unknown,
}

/// How an input is passed to the function.
pub(crate) struct Taken {
    /// Whether a list, a map or an option is borrowed.
    pub(crate) is_borrowed: bool,
    /// What the function receives for each required task.
    pub(crate) item: Item,
    /// The type of each item.
    pub(crate) ty: Type,
}

/// What a function receives for a required task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// `Input<A>`: the handle; nothing is loaded.
    Handle,
    /// `&Input<A>`
    HandleBorrowed,
    /// `Loaded<T>`: the loaded value, shared.
    Loaded,
    /// `&Loaded<T>`
    LoadedBorrowed,
    /// `&T`: a reference to the loaded value, or to a type that it derefs to.
    Borrowed,
    /// `T`: the loaded value, owned by the function.
    Owned,
}

/// Reads the arguments, and reports mistakes in them to `ctxt`.
pub(super) fn read(signature: &Signature, attr: &TaskAttr, ctxt: &Ctxt) -> Vec<Argument> {
    let entries = attr.requires.as_ref().map_or(&[][..], |requires| &requires.value.0);
    let taken = vec![false; entries.len()];
    let mut roles = Roles { signature, entries, attr, taken, context: None, ctxt };
    let mut arguments = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let message = "a task that is a function has no `self`, and its parameters are \
                               arguments; write the function outside of the `impl`";
                ctxt.error(receiver, message);
            }
            FnArg::Typed(argument) => {
                for attr in argument.attrs.iter().filter(|attr| is_condition(attr)) {
                    let message = "an argument of a task cannot be conditional; write the \
                                   condition above the function";
                    ctxt.error(attr, message);
                }
                let Some(ident) = roles.name(argument) else {
                    // The argument may have been an input.
                    roles.skip_input();
                    continue;
                };
                let role = roles.role(&ident, argument);
                let is_param = |attr: &&Attribute| attr.path().is_ident("param");
                let attrs = argument.attrs.iter().filter(is_param).cloned();
                let attrs = attrs.chain(doc::docs(&argument.attrs).cloned()).collect();
                arguments.push(Argument { ident, ty: (*argument.ty).clone(), attrs, role });
            }
        }
    }
    roles.missing(&signature.ident);
    arguments
}

fn is_condition(attribute: &Attribute) -> bool {
    ["cfg", "cfg_attr"].into_iter().any(|name| attribute.path().is_ident(name))
}

/// Assigns a role to each argument, one after the other.
struct Roles<'a> {
    signature: &'a Signature,
    entries: &'a [Entry],
    attr: &'a TaskAttr,
    /// Which entries of `requires` have an argument so far.
    taken: Vec<bool>,
    /// The argument that is the context, if there was one.
    context: Option<Ident>,
    ctxt: &'a Ctxt,
}

impl Roles<'_> {
    /// Returns the name of an argument; reports a pattern as an error.
    fn name(&self, argument: &PatType) -> Option<Ident> {
        let message = match &*argument.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                return Some(pat.ident.clone());
            }
            Pat::Wild(_) => self.unnamed(argument),
            _ => {
                "an argument of a task has a name, by which it is a parameter or an input; take it \
                  apart in the function"
                    .to_owned()
            }
        };
        self.ctxt.error(&argument.pat, message);
        None
    }

    /// Returns the error message for an argument `_`.
    fn unnamed(&self, argument: &PatType) -> String {
        if is_named(unborrowed(&argument.ty), "Cx") {
            return "the context has a name; write `_cx`".to_owned();
        }
        let is_param = argument.attrs.iter().any(|attr| attr.path().is_ident("param"));
        let place = self.taken.iter().position(|taken| !taken).filter(|_| !is_param);
        let Some(entry) = place.and_then(|place| self.entries.get(place)) else {
            return "a parameter has a name, by which its value is given; write one".to_owned();
        };
        match &entry.name {
            Some(name) => {
                format!("an input has the name of its entry in `requires`; write `{name}`")
            }
            None => {
                let task = last_segment(bare(&entry.dependency.task));
                let task =
                    task.map_or_else(|| "input".to_owned(), |last| snake(&plain(&last.ident)));
                format!("an input has a name; write `_{task}`")
            }
        }
    }

    fn role(&mut self, ident: &Ident, argument: &PatType) -> Role {
        let role = self.role_of(ident, argument);
        // `signature::check` reports an `impl Trait`, and no generated type can contain it.
        if Within::of(&argument.ty).impls.is_empty() { role } else { Role::Unknown }
    }

    fn role_of(&mut self, ident: &Ident, argument: &PatType) -> Role {
        let attribute = argument.attrs.iter().find(|attr| attr.path().is_ident("param"));
        if is_named(unborrowed(&argument.ty), "Cx") {
            return self.context(ident, &argument.ty, attribute);
        }
        let named = self.entries.iter().position(|entry| entry.name.as_ref() == Some(ident));
        if let Some(attribute) = attribute {
            if named.is_some() {
                let message = format!(
                    "`{ident}` is an input, by its name in `requires`, and so no parameter; leave \
                     out `#[param]`, or rename one of the two"
                );
                self.ctxt.error(attribute, message);
                self.take(named);
                return Role::Unknown;
            }
            return parameter(&argument.ty, self.ctxt);
        }
        if self.attr.bad_requires {
            return Role::Unknown;
        }
        let is_named = self.entries.iter().any(|entry| entry.name.is_some());
        let place = if is_named { named } else { self.taken.iter().position(|taken| !taken) };
        self.take(place);
        match place {
            Some(place) => input(place, &self.entries[place], &argument.ty, self.ctxt),
            None => parameter(&argument.ty, self.ctxt),
        }
    }

    fn context(&mut self, ident: &Ident, ty: &Type, attribute: Option<&Attribute>) -> Role {
        if let Some(attribute) = attribute {
            let message = "the context of a running task is no parameter; leave out `#[param]`";
            self.ctxt.error(attribute, message);
        }
        if !matches!(bare(ty), Type::Reference(reference) if reference.mutability.is_none()) {
            let written = crate::text::to_text(unborrowed(ty).to_token_stream());
            self.ctxt.error(ty, format_args!("a task borrows its context: `{ident}: &{written}`"));
            return Role::Unknown;
        }
        if let Some(first) = &self.context {
            let message = format!("a running task has one context, and `{first}` is it already");
            self.ctxt.error(ident, message);
            return Role::Unknown;
        }
        self.context = Some(ident.clone());
        if let Some(other) = only_argument(unborrowed(ty)) {
            self.context_of(other);
        }
        Role::Context
    }

    /// Reports the context of another task. `of` is the name in `Cx<of>`.
    fn context_of(&self, of: &Ident) {
        let function = &self.signature.ident;
        let task = self.attr.type_name.as_ref().map_or(function, |name| &name.value);
        if of == task || of == "Self" {
            return;
        }
        let (_, arguments, _) = self.signature.generics.split_for_impl();
        let written = crate::text::to_text(quote!(#task #arguments));
        let message = format!("the context of `{written}` is `&Cx<{written}>`");
        self.ctxt.error(of, message);
    }

    fn take(&mut self, place: Option<usize>) {
        if let Some(place) = place {
            self.taken[place] = true;
        }
    }

    /// Treats an argument that cannot be read as the next input.
    fn skip_input(&mut self) {
        self.take(self.taken.iter().position(|taken| !taken));
    }

    /// Reports the entries of `requires` that have no argument.
    fn missing(&self, function: &Ident) {
        for (entry, _) in self.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken) {
            let task = crate::text::short_type(entry.dependency.task.to_token_stream());
            let message = match &entry.name {
                Some(name) => format!(
                    "no argument of `{function}` takes this input; add one with this name, such as \
                     `{name}: &Input<{task}>`"
                ),
                None => format!(
                    "no argument of `{function}` takes this input; add one without `#[param]`, such as \
                     `input: &Input<{task}>`"
                ),
            };
            self.ctxt.error(&entry.dependency, message);
        }
    }
}

/// Returns the role of a parameter, with the owned type that stores it.
fn parameter(ty: &Type, ctxt: &Ctxt) -> Role {
    let (is_borrowed, inner) = match bare(ty) {
        Type::Reference(reference) => {
            refuse_mutable(reference, "a parameter", ctxt);
            (true, bare(&reference.elem))
        }
        _ => (false, ty),
    };
    let within = Within::of(inner);
    if let Some(reference) = within.references.first() {
        ctxt.error(reference, words::MUST_OWN);
        return Role::Unknown;
    }
    if let Some(lifetime) = within.lifetimes.iter().find(|lifetime| lifetime.ident != "static") {
        // What `Cow<'_, str>` borrows is what `&str` does.
        let message = match last_argument(inner, "Cow", 2) {
            Some(of) => {
                let stored = crate::text::short_type(owned(of));
                let of = crate::text::to_text(of.to_token_stream());
                format!(
                    "write `&{of}`: the parameter owns a `{stored}`, and the function borrows it"
                )
            }
            None => "a parameter owns its value; write a type without a lifetime".to_owned(),
        };
        ctxt.error(lifetime, message);
        return Role::Unknown;
    }
    if !is_borrowed {
        return Role::Param { stored: ty.clone(), is_borrowed };
    }
    let stored = syn::parse2(owned(inner)).unwrap_or_else(|_| inner.clone());
    Role::Param { stored, is_borrowed }
}

/// Returns the role of an input; reports a type that does not fit the form of the entry.
fn input(place: usize, entry: &Entry, ty: &Type, ctxt: &Ctxt) -> Role {
    if let Form::One = entry.form {
        let (item, is_reference) = item(ty);
        if let Some(reference) = is_reference {
            refuse_mutable(reference, "an input", ctxt);
        }
        let taken = Taken { is_borrowed: false, item, ty: ty.clone() };
        return Role::Input { place, taken };
    }
    let (is_borrowed, inner) = match bare(ty) {
        Type::Reference(reference) => {
            refuse_mutable(reference, "an input", ctxt);
            (true, bare(&reference.elem))
        }
        ty => (false, ty),
    };
    let found = match (&entry.form, inner) {
        (Form::List(_), Type::Slice(slice)) if is_borrowed => Some(&*slice.elem),
        (Form::List(_), _) => last_argument(inner, "Vec", 1),
        (Form::Optional(_), _) => last_argument(inner, "Option", 1),
        (Form::Map(..), _) => last_argument(inner, "BTreeMap", 2),
        (Form::One, _) => None,
    };
    let Some(ty) = found else {
        let how = match &entry.form {
            Form::List(_) => "a list: take it as `&[T]` or `Vec<T>`, where `T` is",
            Form::Map(..) => "a map: take it as `&BTreeMap<K, T>`, where `T` is",
            Form::Optional(_) | Form::One => "optional: take it as `Option<T>`, where `T` is",
        };
        let task = crate::text::short_type(entry.dependency.task.to_token_stream());
        let message = format!(
            "this input is {how} what `{task}` gives, a reference to it, or `Input<{task}>`"
        );
        ctxt.error(inner, message);
        return Role::Unknown;
    };
    let (item, is_reference) = item(ty);
    if let Some(reference) = is_reference {
        refuse_mutable(reference, "an input", ctxt);
    }
    Role::Input { place, taken: Taken { is_borrowed, item, ty: ty.clone() } }
}

fn item(ty: &Type) -> (Item, Option<&TypeReference>) {
    let (reference, inner) = match bare(ty) {
        Type::Reference(reference) => (Some(reference), bare(&reference.elem)),
        ty => (None, ty),
    };
    let (handle, loaded) = (is_named(inner, "Input"), is_named(inner, "Loaded"));
    let item = match reference {
        None if handle => Item::Handle,
        None if loaded => Item::Loaded,
        None => Item::Owned,
        Some(_) if handle => Item::HandleBorrowed,
        Some(_) if loaded => Item::LoadedBorrowed,
        Some(_) => Item::Borrowed,
    };
    (item, reference)
}

fn refuse_mutable(reference: &TypeReference, what: &str, ctxt: &Ctxt) {
    if let Some(word) = &reference.mutability {
        let message = format!(
            "{what} is not changed in place, since others may have it, too; take it by value, as \
             `mut name: T`"
        );
        ctxt.error(word, message);
    }
}

/// Returns a name of a type as that of a variable: `fit_model` for `FitModel`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

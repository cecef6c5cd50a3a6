//! The arguments of a function that is a task, and what each of them is.
//!
//! | argument | is |
//! | --- | --- |
//! | `cx: &Cx<mean>` | what the running task sees |
//! | with `#[param(...)]` | a parameter |
//! | without, if `requires` has names, of such a name | that input |
//! | without, if `requires` has none, the first ones | the inputs, in their order |
//! | any other | a parameter that must be given |

use proc_macro2::Ident;
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatType, PathArguments, PathSegment, Signature, Type,
    TypeReference,
};

use super::signature::Within;
use crate::attr::entry::{Entry, Form};
use crate::attr::task::TaskAttr;
use crate::attr::{doc, words};
use crate::ctxt::Ctxt;
use crate::spans::plain;

/// An argument.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// As it was written.
    pub(crate) ty: Type,
    /// `#[param(...)]`, and documentation.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) role: Role,
}

/// What an argument is.
pub(crate) enum Role {
    /// What the running task sees.
    Context,
    /// What the entry at this place of `requires` gives.
    Input { place: usize, taken: Taken },
    /// A parameter: the type that is stored, and whether the function borrows it.
    Param { stored: Type, is_borrowed: bool },
    /// Not known, since something is wrong that was reported.
    Unknown,
}

/// How an input is taken.
pub(crate) struct Taken {
    /// Whether a list, a map or an option is borrowed.
    pub(crate) is_borrowed: bool,
    /// What the function is given of each task.
    pub(crate) item: Item,
    /// The type of that.
    pub(crate) ty: Type,
}

/// What a function is given of a task that is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// `Input<A>`: the handle, and nothing is loaded.
    Handle,
    /// `&Input<A>`
    HandleBorrowed,
    /// `Loaded<T>`: what is loaded, shared.
    Loaded,
    /// `&Loaded<T>`
    LoadedBorrowed,
    /// `&T`: what is loaded, or what that derefs to.
    Borrowed,
    /// `T`: what is loaded, for the function to change.
    Owned,
}

/// Reads the arguments; what is wrong with them is reported.
pub(super) fn read(signature: &Signature, attr: &TaskAttr, ctxt: &Ctxt) -> Vec<Argument> {
    let entries = attr.requires.as_ref().map_or(&[][..], |requires| &requires.value.0);
    let mut roles = Roles { entries, attr, taken: vec![false; entries.len()], context: None, ctxt };
    let mut arguments = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let message =
                    "a task that is a function has no `self`; its parameters are arguments";
                ctxt.error(receiver, message);
            }
            FnArg::Typed(argument) => {
                for attr in argument.attrs.iter().filter(|attr| is_condition(attr)) {
                    let message = "an argument of a task is there or not for everybody; write the \
                                   condition above the function";
                    ctxt.error(attr, message);
                }
                let Some(ident) = name(argument, ctxt) else {
                    // It may have been an input.
                    roles.pass_over();
                    continue;
                };
                let role = roles.role(&ident, argument);
                let said = |attr: &&Attribute| attr.path().is_ident("param");
                let attrs = argument.attrs.iter().filter(said).cloned();
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

/// The name of an argument.
fn name(argument: &PatType, ctxt: &Ctxt) -> Option<Ident> {
    match &*argument.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat.ident.clone()),
        other => {
            let message = "an argument of a task has a name, by which it is a parameter or an input; \
                           take it apart in the function";
            ctxt.error(other, message);
            None
        }
    }
}

/// Says what each argument is, one after the other.
struct Roles<'a> {
    entries: &'a [Entry],
    attr: &'a TaskAttr,
    /// Which entries have an argument.
    taken: Vec<bool>,
    context: Option<Ident>,
    ctxt: &'a Ctxt,
}

impl Roles<'_> {
    fn role(&mut self, ident: &Ident, argument: &PatType) -> Role {
        let role = self.role_of(ident, argument);
        // That was reported, and cannot be the type of anything else.
        if Within::of(&argument.ty).impls.is_empty() { role } else { Role::Unknown }
    }

    fn role_of(&mut self, ident: &Ident, argument: &PatType) -> Role {
        let said = argument.attrs.iter().find(|attr| attr.path().is_ident("param"));
        if is_named(unborrowed(&argument.ty), "Cx") {
            return self.context(ident, &argument.ty, said);
        }
        let named = self.entries.iter().position(|entry| entry.name.as_ref() == Some(ident));
        if let Some(said) = said {
            if named.is_some() {
                let message = format!(
                    "`{ident}` is an input, by its name in `requires`, and so no parameter; leave \
                     out `#[param]`, or rename one of the two"
                );
                self.ctxt.error(said, message);
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

    fn context(&mut self, ident: &Ident, ty: &Type, said: Option<&Attribute>) -> Role {
        if let Some(said) = said {
            self.ctxt.error(said, "what a running task sees is no parameter; leave out `#[param]`");
        }
        if !matches!(bare(ty), Type::Reference(reference) if reference.mutability.is_none()) {
            let written = crate::text::of(unborrowed(ty).to_token_stream());
            self.ctxt.error(ty, format_args!("a task borrows what it sees: `{ident}: &{written}`"));
            return Role::Unknown;
        }
        if let Some(first) = &self.context {
            let message = format!("a running task sees one of these, and `{first}` is it already");
            self.ctxt.error(ident, message);
            return Role::Unknown;
        }
        self.context = Some(ident.clone());
        Role::Context
    }

    fn take(&mut self, place: Option<usize>) {
        if let Some(place) = place {
            self.taken[place] = true;
        }
    }

    /// An argument of which nothing is known was the next input.
    fn pass_over(&mut self) {
        self.take(self.taken.iter().position(|taken| !taken));
    }

    /// Reports what is required and not taken.
    fn missing(&self, function: &Ident) {
        for (entry, _) in self.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken) {
            let task = crate::text::short_type(entry.wish.task.to_token_stream());
            let message = match &entry.name {
                Some(name) => format!(
                    "no argument of `{function}` takes this; write one of that name, such as \
                     `{name}: &Input<{task}>`"
                ),
                None => format!(
                    "no argument of `{function}` takes this; the first arguments without `#[param]` \
                     are the inputs, such as `input: &Input<{task}>`"
                ),
            };
            self.ctxt.error(&entry.wish, message);
        }
    }
}

/// A parameter, which is stored as a value that borrows nothing.
fn parameter(ty: &Type, ctxt: &Ctxt) -> Role {
    let (is_borrowed, inner) = match bare(ty) {
        Type::Reference(reference) => {
            refuse_mutable(reference, "a parameter", ctxt);
            (true, bare(&reference.elem))
        }
        _ => (false, ty),
    };
    if let Some(reference) = Within::of(inner).references.first() {
        ctxt.error(reference, words::OWNS);
        return Role::Unknown;
    }
    if !is_borrowed {
        return Role::Param { stored: ty.clone(), is_borrowed };
    }
    let span = inner.span();
    let stored = match inner {
        Type::Slice(slice) => {
            let item = &slice.elem;
            quote_spanned!(span=> ::std::vec::Vec<#item>)
        }
        inner if is_named(inner, "str") => quote_spanned!(span=> ::std::string::String),
        inner if is_named(inner, "Path") => quote_spanned!(span=> ::std::path::PathBuf),
        inner => inner.to_token_stream(),
    };
    let stored = syn::parse2(stored).unwrap_or_else(|_| inner.clone());
    Role::Param { stored, is_borrowed }
}

/// An input, in a type that fits how it is required.
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
            Form::Optional(_) | Form::One => "there or not: take it as `Option<T>`, where `T` is",
        };
        let task = crate::text::short_type(entry.wish.task.to_token_stream());
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

/// Without parentheses, and without the invisible ones of a macro.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        ty => ty,
    }
}

fn unborrowed(ty: &Type) -> &Type {
    match bare(ty) {
        Type::Reference(reference) => bare(&reference.elem),
        ty => ty,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Whether a type is called so, wherever it is from.
fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| plain(&last.ident) == name)
}

/// The last of `count` type arguments, `T` in `Vec<T>`.
fn last_argument<'a>(ty: &'a Type, name: &str, count: usize) -> Option<&'a Type> {
    let last = last_segment(ty).filter(|last| plain(&last.ident) == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.last()? {
        GenericArgument::Type(ty) if arguments.args.len() == count => Some(ty),
        _ => None,
    }
}

//! What the derive writes: the typed keys, the struct of named inputs, and `impl Task`; and what
//! `#[task(...)]` adds to that for a function.
//!
//! All of it stands in one `const _`, so that it adds no name to the user's module. It calls what
//! is in `flow_core::__private` and nothing else of the library, by one import, so that a facade
//! that is not there is one error. What else the compiler may complain about has the span of the
//! user's words that are to blame.

mod function;
mod inputs;
mod keys;
pub(crate) mod outputs;
mod params;
mod requires;
mod task;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::DeriveInput;

pub(crate) use self::inputs::Shape;
pub(crate) use self::keys::keys;
pub(crate) use self::requires::inputs;
pub(crate) use self::task::{kind, target_type};
use crate::attr::path::Facade;
use crate::ctxt::Ctxt;
use crate::function::Function;
use crate::model::Task;
use crate::{check, fallback};

/// The expansion of `#[derive(Task)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let task = Task::read(input, &ctxt);
    check::check(&task, &ctxt);
    let errors = ctxt.check();
    if !errors.is_empty() {
        return fallback::expand(&task, errors);
    }
    task::expand(&task)
}

/// The expansion of `#[task(...)]` above a function.
pub(crate) fn function(task: &Task<'_>, function: &Function, ctxt: Ctxt) -> TokenStream {
    check::check(task, &ctxt);
    let errors = ctxt.check();
    let items = if errors.is_empty() { task::expand(task) } else { fallback::expand(task, errors) };
    function::declare(task, function, &items)
}

/// What `__private` is called inside [`enclose`].
pub(crate) fn private() -> Ident {
    private_at(Span::call_site())
}

/// The same, where the compiler may complain about what is called.
pub(crate) fn private_at(span: Span) -> Ident {
    Ident::new("__flow", span)
}

/// Wraps items so that they add no names and no warnings to the user's module.
pub(crate) fn enclose(facade: &Facade, items: &TokenStream) -> TokenStream {
    let path = facade.private();
    let name = private();
    quote! {
        #[doc(hidden)]
        #[allow(
            dead_code,
            non_upper_case_globals,
            private_interfaces,
            unreachable_pub,
            unused_qualifications,
            clippy::absolute_paths,
            clippy::default_constructed_unit_structs,
            clippy::redundant_closure,
            clippy::redundant_closure_call,
            clippy::unused_unit,
        )]
        const _: () = {
            #[allow(unused_imports)]
            use #path as #name;
            #items
        };
    }
}

//! Generates the code of the macros: the typed keys, the struct of named inputs, and `impl Task`, and
//! the items that `#[task(...)]` adds for a function.
//!
//! Everything that the derive generates stands in one `const _`, so that it adds no name to the user's
//! module. It calls only `flow_core::__private`, through one import, so that a missing facade causes one
//! error. Generated tokens that the compiler may report have the span of the user's tokens that cause the
//! error.

mod declared;
mod fallback;
mod inputs;
mod keys;
pub(crate) mod outputs;
mod params;
mod requires;
mod task;
pub(crate) mod tracked;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, Item, ItemFn};

pub(crate) use self::inputs::Shape;
pub(crate) use self::keys::keys;
pub(crate) use self::requires::inputs;
pub(crate) use self::task::{kind, target_type};
use crate::attr::path::Facade;
use crate::ctxt::Ctxt;
use crate::model::Task;
use crate::{check, function};

/// Expands `#[derive(Task)]`.
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

const PLACE: &str = "`#[task(...)]` stands above a function, or above a struct below its \
                     `#[derive(Task)]`";

/// Expands `#[task(...)]` above a function: the function, and the task.
///
/// The attribute macro has the same name as the helper attribute of `#[derive(Task)]`. Below the derive, the
/// compiler always uses the helper attribute. Above the derive, it rejects `#[task]` as ambiguous.
pub(crate) fn function(options: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => of_function(options, function, &item),
        Err(error) => {
            let error = misplaced(&item).unwrap_or(error).to_compile_error();
            quote!(#error #item)
        }
    }
}

/// Returns the error for an item that is no function.
fn misplaced(item: &TokenStream) -> Option<syn::Error> {
    let message = match syn::parse2::<Item>(item.clone()).ok()? {
        Item::Fn(_) | Item::Verbatim(_) => return None,
        Item::Struct(_) => "write `#[derive(Task)]` above this; then the struct is a task",
        _ => PLACE,
    };
    let first = item.clone().into_iter().find(|token| !token.to_string().starts_with('#'));
    Some(syn::Error::new_spanned(first, message))
}

fn of_function(options: TokenStream, item: ItemFn, tokens: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let (function, input, attr) = function::read(options, item, tokens, &ctxt);
    if function.item.sig.receiver().is_some() {
        // The function is a method, and a struct cannot be declared beside a method.
        let errors = ctxt.check();
        let errors = errors.iter().map(syn::Error::to_compile_error);
        let item = &function.item;
        return quote!(#(#errors)* #item);
    }
    let task = Task::of_function(&function, &input, attr, &ctxt);
    check::check(&task, &ctxt);
    let errors = ctxt.check();
    let items =
        if errors.is_empty() { task::expand(&task) } else { fallback::expand(&task, errors) };
    declared::declare(&task, &function, &items)
}

/// Returns the name of the module `__private` inside [`enclose`].
pub(crate) fn private() -> Ident {
    private_at(Span::call_site())
}

/// Returns the same name at `span`, where the compiler reports errors about the call.
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

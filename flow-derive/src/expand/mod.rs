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
mod policy;
mod requires;
pub(crate) mod row;
mod runs;
mod target;
mod task;
pub(crate) mod tracked;

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, DeriveInput, Item, ItemFn, Meta};

pub(crate) use self::inputs::Shape;
pub(crate) use self::keys::keys;
pub(crate) use self::requires::inputs;
pub(crate) use self::target::target_type;
pub(crate) use self::task::kind;
use crate::ctxt::Ctxt;
use crate::facade::Facade;
use crate::model::Task;
use crate::spans::plain;
use crate::{check, code, function};

/// Expands `#[derive(Task)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    above_derive(input, &ctxt);
    let task = Task::read(input, &ctxt);
    check::check(&task, &ctxt);
    let errors = ctxt.check();
    if !errors.is_empty() {
        return fallback::expand(&task, errors);
    }
    task::expand(&task)
}

/// Reports `#[task]` above `#[derive(Task)]`. The compiler rejects it, too, without saying what to write.
fn above_derive(input: &DeriveInput, ctxt: &Ctxt) {
    if !proc_macro::is_available() {
        return;
    }
    let place = |span: proc_macro::Span| (span.line(), span.column());
    let derive = proc_macro::Span::call_site();
    let name = input.ident.span().unwrap();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("task")) {
        let word = attribute.path().span().unwrap();
        // A `macro_rules!` may have written some of the three in another place.
        let is_one_file = word.file() == derive.file() && name.file() == derive.file();
        if is_one_file && place(word) < place(derive) && place(derive) < place(name) {
            let message = "write `#[derive(Task)]` above `#[task(...)]`, and not below it";
            ctxt.error(attribute.path(), message);
        }
    }
}

const PLACE: &str = "`#[task(...)]` stands above a function, or above a struct below its \
                     `#[derive(Task)]`";

/// Expands `#[task(...)]` above a function: the function, and the task.
///
/// The attribute macro has the same name as the helper attribute of `#[derive(Task)]`. Below the derive, the
/// compiler always uses the helper attribute. Above the derive, it rejects `#[task]` as ambiguous.
pub(crate) fn function(options: TokenStream, item: TokenStream) -> TokenStream {
    match function::parse(&item) {
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

fn of_function(options: TokenStream, item: (ItemFn, Group), tokens: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let (function, input, attr) = function::read(options, item, tokens, &ctxt);
    let is_method = function.item.sig.receiver().is_some();
    let name = &function.item.sig.ident;
    let file = code::file::here();
    let is_in_impl = !is_method
        && code::declared::is_in_impl(function.written.clone(), file.as_deref(), &plain(name));
    if is_in_impl {
        let message =
            "a task that is a function cannot stand in an `impl`; write the function outside of it";
        ctxt.error(name, message);
    }
    if is_method || is_in_impl {
        // A struct cannot be declared beside a method or another member of an `impl`.
        let errors = ctxt.check();
        let errors = errors.iter().map(syn::Error::to_compile_error);
        let item = function.item();
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

/// Returns the lints that the user allows or expects above an item, which then apply to the generated code, too.
pub(crate) fn allowed(attributes: &[Attribute]) -> TokenStream {
    let lists = attributes.iter().filter(|attribute| {
        matches!(attribute.style, AttrStyle::Outer)
            && ["allow", "expect"].iter().any(|name| attribute.path().is_ident(name))
    });
    lists
        .filter_map(|attribute| match &attribute.meta {
            Meta::List(list) => {
                let tokens = &list.tokens;
                Some(quote!(#[allow(#tokens)]))
            }
            Meta::Path(_) | Meta::NameValue(_) => None,
        })
        .collect()
}

/// Wraps items so that they add no names and no warnings to the user's module. `attributes` are those of the
/// user's item: if it is deprecated, the generated code does not warn about its own use of it.
pub(crate) fn enclose(
    facade: &Facade,
    attributes: &[Attribute],
    items: &TokenStream,
) -> TokenStream {
    enclose_in(&facade.private(), attributes, items)
}

/// Like [`enclose`], with the path of the module whose functions the items call.
pub(crate) fn enclose_in(
    path: &TokenStream,
    attributes: &[Attribute],
    items: &TokenStream,
) -> TokenStream {
    let name = private();
    let is_deprecated = attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    let deprecated = is_deprecated.then(|| quote!(#[allow(deprecated)]));
    let allowed = allowed(attributes);
    quote! {
        #[doc(hidden)]
        #deprecated
        #allowed
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
            clippy::trait_duplication_in_bounds,
            clippy::type_repetition_in_bounds,
            clippy::unused_unit,
        )]
        const _: () = {
            #[allow(unused_imports)]
            use #path as #name;
            #items
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(options: &str, item: &str) -> String {
        let tokens = |text: &str| text.parse::<TokenStream>().expect("tokens");
        function(tokens(options), tokens(item)).to_string()
    }

    /// An editor completes in such a body, for which it needs the type of the task.
    #[test]
    fn a_function_whose_body_does_not_parse_is_a_task() {
        let options = "requires = load, target = Json<f64>";
        let text = expanded(options, "pub fn mean(rows: &[f64], n: u8) -> f64 { rows. }");
        assert!(text.contains("pub struct mean"), "{text}");
        assert!(text.contains("Param < Self , u8 >"), "{text}");
        assert!(text.contains("{ rows . }"), "{text}");
        assert!(!text.contains("compile_error"), "{text}");
    }

    #[test]
    fn a_parameter_that_only_the_options_use_is_used() {
        let options = "requires = [load for _ in 0..self.n], target = Json<f64>";
        let text = expanded(options, "fn mean(rows: &[f64], n: u8) -> f64 { rows. }");
        assert!(text.contains("# [allow (unused_variables)] n : u8"), "{text}");
        assert!(!text.contains("# [allow (unused_variables)] rows"), "{text}");
    }
}

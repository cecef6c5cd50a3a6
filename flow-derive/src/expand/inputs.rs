//! Generates the type of a task's inputs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::requires::required;
use super::{private, private_at};
use crate::attr::entry::{Entry, Form};
use crate::key_type;
use crate::model::Task;
use crate::spans::{ends, local, plain};

/// The type `Task::Inputs`, and the items that declare it.
pub(crate) struct Shape {
    pub(crate) ty: TokenStream,
    pub(crate) items: TokenStream,
}

impl Shape {
    /// Returns the type for the form of `requires`: one input, a tuple, or a struct.
    pub(crate) fn of(task: &Task<'_>) -> Self {
        let types: Vec<_> = task.entries().iter().map(|entry| input(entry, task)).collect();
        if task.is_named() {
            return named(task, &types);
        }
        let private = private();
        let ty = match types.as_slice() {
            [] => quote!(#private::TaskRequiresNothing),
            [one] => one.clone(),
            several => {
                let span = word_span(task);
                quote_spanned!(span=> (#(#several,)*))
            }
        };
        Self { ty, items: TokenStream::new() }
    }
}

/// Returns the input type of an entry, with spans that point at the task's type.
fn input(entry: &Entry, task: &Task<'_>) -> TokenStream {
    let span = entry.dependency.task.span();
    let (private, required_type) = (private_at(span), required(&entry.dependency));
    // It ends with the span of the last token, as `required_type` does, so that an error is reported once.
    let (_, last) = ends(&entry.dependency);
    let mut one = quote_spanned!(span=> #private::Input<#required_type);
    one.extend(quote_spanned!(last=> >));
    match &entry.form {
        Form::One => one,
        Form::Optional(_) => quote_spanned!(span=> ::core::option::Option<#one>),
        Form::List(_) => quote_spanned!(span=> ::std::vec::Vec<#one>),
        Form::Map(key, each) => {
            let key = key_type::infer(key, each, &task.params);
            quote_spanned!(span=> ::std::collections::BTreeMap<#key, #one>)
        }
    }
}

/// Returns a struct with a field for each entry. It is generic over the types of its fields, so that an
/// error in the tasks is reported once, by `impl Task`, and not by the struct, too.
fn named(task: &Task<'_>, types: &[TokenStream]) -> Shape {
    let private = private();
    let of = &task.input.ident;
    let visibility = &task.input.vis;
    let name = format_ident!("{}Inputs", camel_case(&plain(of)), span = of.span());
    let names: Vec<&Ident> =
        task.entries().iter().filter_map(|entry| entry.name.as_ref()).collect();
    let parameters: Vec<Ident> = (0..names.len()).map(|i| format_ident!("I{i}")).collect();
    let docs = task.entries().iter().map(|entry| {
        let required_type = crate::text::short_type(entry.dependency.task.to_token_stream());
        format!("The input of the dependency `{required_type}`.")
    });
    let doc = format!("The inputs of `{}`.", plain(of));
    let wires = local("wires");
    let items = quote! {
        #[doc = #doc]
        #visibility struct #name<#(#parameters),*> {
            #(
                #[doc = #docs]
                pub #names: #parameters,
            )*
        }

        #[automatically_derived]
        impl<#(#parameters: #private::Inputs),*> #private::Inputs for #name<#(#parameters),*> {
            fn take(#wires: &mut #private::Wires<'_>) -> Self {
                Self { #(#names: #private::Inputs::take(#wires),)* }
            }
        }
    };
    let span = word_span(task);
    let located = Ident::new(&name.to_string(), span);
    Shape { ty: quote_spanned!(span=> #located<#(#types),*>), items }
}

/// Converts the name of a function into that of a type: `MeanOfAll` for `mean_of_all`.
fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + chars.as_str()
    };
    name.split('_').map(capital).collect()
}

/// Returns the span of `requires`, for errors that concern several entries.
fn word_span(task: &Task<'_>) -> Span {
    task.attr.requires.as_ref().map_or_else(Span::call_site, |requires| requires.word.span())
}

//! The type of a task's inputs.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::attr::entry::{Entry, Form};
use crate::key_type;
use crate::model::Task;
use crate::spans::{local, plain};

/// The type of `Task::Inputs`, and the items that declare it.
pub(crate) struct Shape {
    pub(crate) ty: TokenStream,
    pub(crate) items: TokenStream,
}

impl Shape {
    /// The form follows that of `requires`.
    pub(crate) fn of(task: &Task<'_>) -> Self {
        let types = task.entries().iter().map(|entry| input(entry, task));
        if task.is_named() {
            return named(task, types.collect());
        }
        let mut types: Vec<_> = types.collect();
        let ty = match types.len() {
            1 => types.remove(0),
            _ => quote!((#(#types,)*)),
        };
        Self { ty, items: TokenStream::new() }
    }
}

/// The input that an entry gives, pointing at the task's type.
fn input(entry: &Entry, task: &Task<'_>) -> TokenStream {
    let wished = &entry.wish.task;
    let span = wished.span();
    let private = task.facade.private_at(span);
    let one = quote_spanned!(span=> #private::Input<#wished>);
    match &entry.form {
        Form::One => one,
        Form::Optional(_) => quote_spanned!(span=> ::core::option::Option<#one>),
        Form::List(_) => quote_spanned!(span=> ::std::vec::Vec<#one>),
        Form::Map(key, each) => {
            let key = key_type::of(key, each, &task.params);
            quote_spanned!(span=> ::std::collections::BTreeMap<#key, #one>)
        }
    }
}

/// A struct with a field for each entry.
fn named(task: &Task<'_>, types: Vec<TokenStream>) -> Shape {
    let private = task.facade.private();
    let of = &task.input.ident;
    let visibility = &task.input.vis;
    let name = format_ident!("{}Inputs", plain(of), span = of.span());
    let (generics, arguments, bounds) = task.input.generics.split_for_impl();
    let whole = quote!(#of #arguments);
    let types: Vec<_> = types.into_iter().map(|ty| without_self(ty, &whole)).collect();
    let names: Vec<&Ident> =
        task.entries().iter().filter_map(|entry| entry.name.as_ref()).collect();
    let docs = task.entries().iter().map(|entry| {
        let wished = crate::text::short_type(entry.wish.task.to_token_stream());
        format!("What was required as `{wished}`.")
    });
    let doc = format!("The inputs of `{}`.", plain(of));
    let wires = local("wires");
    let items = quote! {
        #[doc = #doc]
        #visibility struct #name #generics #bounds {
            #(
                #[doc = #docs]
                pub #names: #types,
            )*
            __of: ::core::marker::PhantomData<fn() -> #whole>,
        }

        #[automatically_derived]
        impl #generics #private::Inputs for #name #arguments #bounds {
            fn take(#wires: &mut #private::Wires<'_>) -> Self {
                Self {
                    #(#names: #private::Inputs::take(#wires),)*
                    __of: ::core::marker::PhantomData,
                }
            }
        }
    };
    Shape { ty: quote!(#name #arguments), items }
}

/// The type with the task in the place of `Self`, which would be another type in another struct.
fn without_self(tokens: TokenStream, whole: &TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let goes_on =
                    matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                let span = ident.span();
                replaced.extend(if goes_on {
                    quote_spanned!(span=> <#whole>)
                } else {
                    whole.clone()
                });
            }
            TokenTree::Group(group) => {
                let inner = without_self(group.stream(), whole);
                let mut inside = Group::new(group.delimiter(), inner);
                inside.set_span(group.span());
                replaced.extend([TokenTree::Group(inside)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

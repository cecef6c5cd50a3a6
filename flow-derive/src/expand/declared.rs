//! Generates the items of a function that is a task: the function itself, the struct of its
//! parameters, and the impl of `Run` that calls the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data};

use super::{private, private_at};
use crate::attr::doc;
use crate::attr::entry::{Entry, Form};
use crate::attr::tracked::TrackedAttr;
use crate::expand::tracked;
use crate::function::Function;
use crate::function::argument::{Argument, Item, Role, Taken};
use crate::model::{Task, declaring};
use crate::spans::{ends, local, plain};

/// Returns the function, the struct, and the `items` that make it a task. A `cfg` of the function
/// applies to all of them.
pub(super) fn declare(task: &Task<'_>, function: &Function, items: &TokenStream) -> TokenStream {
    let item = function.item();
    let arguments = function.item.sig.inputs.len();
    let cfgs: Vec<&Attribute> = named(function, &["cfg"]).collect();
    let structure = structure(task, function);
    // A task may need many parameters, so clippy does not limit their number.
    let many = (arguments > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote! {
        #many
        #item

        #(#cfgs)*
        #structure

        #(#cfgs)*
        #items
    }
}

/// Returns the attributes of the function that have one of these names.
fn named<'a>(
    function: &'a Function,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'a Attribute> {
    let attributes = function.item.attrs.iter();
    attributes.filter(move |attr| names.iter().any(|name| attr.path().is_ident(name)))
}

/// Returns the struct of the parameters.
fn structure(task: &Task<'_>, function: &Function) -> TokenStream {
    let input = task.input;
    let (visibility, name) = (&input.vis, &input.ident);
    let (generics, _, bounds) = input.generics.split_for_impl();
    // With the span of `fn`, where the compiler reports that the type is private.
    let keyword = Ident::new("struct", function.item.sig.fn_token.span);
    let fields = match &input.data {
        Data::Struct(data) => data.fields.iter(),
        Data::Enum(_) | Data::Union(_) => return TokenStream::new(),
    };
    let fields = fields.map(|field| {
        let (ident, ty, vis) = (&field.ident, &field.ty, &field.vis);
        let mut docs: Vec<_> = doc::docs(&field.attrs).map(|doc| quote!(#doc)).collect();
        if docs.is_empty() {
            let text = ident.as_ref().map_or_else(String::new, plain);
            let text = format!("The parameter `{text}`.");
            docs.push(quote!(#[doc = #text]));
        }
        quote!(#(#docs)* #vis #ident: #ty)
    });
    let mut docs: Vec<_> = doc::docs(&input.attrs).map(|doc| quote!(#doc)).collect();
    if docs.is_empty() {
        let text = format!("The task of the function `{}`.", plain(&function.item.sig.ident));
        docs.push(quote!(#[doc = #text]));
    }
    let deprecated = named(function, &["deprecated"]);
    quote! {
        #(#docs)*
        #(#deprecated)*
        #[allow(
            dead_code,
            missing_copy_implementations,
            missing_debug_implementations,
            non_camel_case_types,
            private_interfaces,
            single_use_lifetimes,
            unreachable_pub,
            clippy::all,
            clippy::pedantic,
        )]
        #visibility #keyword #name #generics #bounds {
            #(#fields,)*
        }
    }
}

/// Returns the impl of `Run` for a task that is a function.
pub(super) fn run(task: &Task<'_>) -> TokenStream {
    let Some(function) = task.function else {
        return TokenStream::new();
    };
    let private = private();
    let name = &task.input.ident;
    let generics = task.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    let all = TrackedAttr::default();
    let tracked = task.attr.tracked.as_ref().map_or(&all, |written| &written.value);
    let code = tracked::of_function(function, tracked, &private.to_token_stream());
    let cx = local("cx");
    let (bindings, values): (TokenStream, Vec<TokenStream>) = {
        let pairs = function.arguments.iter().enumerate();
        let pairs = pairs.map(|(place, argument)| value(task, place, argument));
        let (bindings, values): (Vec<TokenStream>, Vec<TokenStream>) = pairs.unzip();
        (bindings.into_iter().collect(), values)
    };
    let called = &function.item.sig.ident;
    let types = task.input.generics.split_for_impl().1;
    let types = types.as_turbofish();
    let call = quote!(#called #types (#(#values),*));
    let output = output(function, &call);
    quote! {
        #[allow(clippy::all, clippy::pedantic)]
        impl #generics #private::Run for #name #arguments #bounds {
            #code

            fn run(
                &self,
                #cx: &#private::Cx<Self>,
            ) -> #private::anyhow::Result<<Self::Target as #private::Keep>::Value> {
                let _ = #cx;
                #bindings
                #output
            }
        }
    }
}

/// Converts the return value of the function, a value or a `Result`, into the output. If the target
/// stores another type, the compiler reports it at the function's return type.
fn output(function: &Function, call: &TokenStream) -> TokenStream {
    let (span, _) = ends(function.output_tokens());
    let (private, at_output) = (private(), private_at(span));
    let given = Ident::new("__given", span.resolved_at(Span::mixed_site()));
    let output = quote_spanned! {span=>
        #at_output::output::<<Self::Target as #private::Keep>::Value, _>(#given)
    };
    // The generated call of a deprecated function does not warn.
    quote! {
        #[allow(deprecated)]
        let #given = #call;
        let #given = {
            #[allow(unused_imports)]
            use #private::AnyReturned as _;
            #private::Returned(#given).value()
        };
        #output
    }
}

/// Returns the statements that prepare an argument of the function, and the expression that is passed.
fn value(task: &Task<'_>, place: usize, argument: &Argument) -> (TokenStream, TokenStream) {
    let span = argument.ty.span();
    let cx = Ident::new("__cx", span.resolved_at(Span::mixed_site()));
    match &argument.role {
        Role::Unknown => Default::default(),
        Role::Context => (TokenStream::new(), quote_spanned!(span=> #cx)),
        Role::Param { is_borrowed, stored } => {
            let ident = &argument.ident;
            let this = quote_spanned!(Span::call_site()=> self);
            let field = quote_spanned!(span=> &#this.#ident);
            let value = match is_borrowed {
                true => field,
                // Through `field`, which has checked the type already, so that an error in the type is
                // reported once.
                false => {
                    let private = private_at(span);
                    let declare = declaring(&argument.attrs, true, span);
                    quote_spanned!(span=> #private::#declare::<#stored>("", "").copy(#field))
                }
            };
            (TokenStream::new(), value)
        }
        Role::Input { place: entry, taken } => {
            let handles = handles(task, *entry, &cx);
            let entry = &task.entries()[*entry];
            input(entry, &handles, place, taken)
        }
    }
}

/// Returns the borrowed handles of one entry of `requires`.
fn handles(task: &Task<'_>, place: usize, cx: &Ident) -> TokenStream {
    let entries = task.entries();
    match &entries[place].name {
        Some(name) => {
            let mut name = name.clone();
            name.set_span(Span::call_site());
            quote!(&#cx.input().#name)
        }
        None if entries.len() == 1 => quote!(#cx.input()),
        None => {
            let place = syn::Index::from(place);
            quote!(&#cx.input().#place)
        }
    }
}

/// Returns the statement that loads an input, and the expression that is passed to the function.
fn input(
    entry: &Entry,
    handles: &TokenStream,
    place: usize,
    taken: &Taken,
) -> (TokenStream, TokenStream) {
    let span = taken.ty.span();
    let private = private_at(span);
    let variable = |name: &str| {
        let name = format_ident!("__{name}_{place}");
        Ident::new(&name.to_string(), span.resolved_at(Span::mixed_site()))
    };
    let (held, given, one) = (variable("held"), variable("given"), variable("one"));
    // The value that lives while the function runs, for one handle.
    let hold = match taken.item {
        Item::Handle => quote_spanned!(span=> ::core::clone::Clone::clone(#one)),
        Item::HandleBorrowed => one.to_token_stream(),
        Item::Loaded | Item::LoadedBorrowed | Item::Borrowed => {
            quote_spanned!(span=> #private::load(#one)?)
        }
        Item::Owned => quote_spanned!(span=> #private::owned(#private::load(#one)?)),
    };
    // The borrow of that value, given a reference to it.
    let borrow = match taken.item {
        Item::Borrowed => Some(quote_spanned!(span=> &**#one)),
        Item::LoadedBorrowed => Some(one.to_token_stream()),
        Item::Handle | Item::HandleBorrowed | Item::Loaded | Item::Owned => None,
    };
    if let Form::One = entry.form {
        let binding = quote! {
            let #held = { let #one = #handles; #hold };
        };
        let value = match borrow {
            Some(borrow) => quote_spanned!(span=> { let #one = &#held; #borrow }),
            None => held.to_token_stream(),
        };
        return (binding, value);
    }
    let held_all = collect(&entry.form, handles, &one, &hold, None);
    let mut binding = quote!(let #held = #held_all;);
    let mut variable = held.clone();
    if let Some(borrow) = borrow {
        let ty = &taken.ty;
        let given_all = collect(&entry.form, &quote!(&#held), &one, &borrow, Some(ty));
        binding.extend(quote!(let #given = #given_all;));
        variable = given;
    }
    let value = match taken.is_borrowed {
        true => quote_spanned!(span=> &#variable),
        false => variable.to_token_stream(),
    };
    (binding, value)
}

/// Maps the list, map or option `from`: binds each item to `one`, and replaces it by `each`. If `ty` is
/// given, the new items are coerced to it.
fn collect(
    form: &Form,
    from: &TokenStream,
    one: &Ident,
    each: &TokenStream,
    ty: Option<&syn::Type>,
) -> TokenStream {
    let ty = ty.map_or_else(|| quote!(_), ToTokens::to_token_stream);
    let all = local("all");
    match form {
        Form::One => TokenStream::new(),
        Form::Optional(_) => quote! {{
            let #all: ::core::option::Option<#ty> = match #from {
                ::core::option::Option::Some(#one) => ::core::option::Option::Some(#each),
                ::core::option::Option::None => ::core::option::Option::None,
            };
            #all
        }},
        Form::List(_) => quote! {{
            let mut #all: ::std::vec::Vec<#ty> = ::std::vec::Vec::new();
            for #one in #from {
                #all.push(#each);
            }
            #all
        }},
        Form::Map(..) => {
            let key = local("key");
            quote! {{
                let mut #all: ::std::collections::BTreeMap<_, #ty> =
                    ::std::collections::BTreeMap::new();
                for (#key, #one) in #from {
                    #all.insert(::core::clone::Clone::clone(#key), #each);
                }
                #all
            }}
        }
    }
}

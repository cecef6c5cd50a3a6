//! Generates `impl Outputs`, and the typed keys of the fields.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned;

use super::target::{target_text, value_of};
use super::{enclose, private, private_at};
use crate::attr::doc;
use crate::ctxt::Ctxt;
use crate::outputs::{Outputs, Part};
use crate::spans::{local, plain};

/// Expands `#[derive(Outputs)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let outputs = Outputs::read(input, &ctxt);
    let errors = ctxt.check();
    if errors.is_empty() {
        return expand(&outputs);
    }
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let borrows = input.generics.lifetimes().next().is_some();
    let stub = if borrows { TokenStream::new() } else { stub(&outputs) };
    quote!(#(#errors)* #stub)
}

/// Returns the code for a declaration without mistakes.
fn expand(outputs: &Outputs<'_>) -> TokenStream {
    let private = private();
    let keep_impls: Vec<_> = outputs.parts.iter().map(keep_impl).collect();
    let targets = targets(outputs);
    let (codes, to, from) = (local("codes"), local("to"), local("from"));
    let this = quote_spanned!(Span::call_site()=> self);
    let save = outputs.parts.iter().map(|part| {
        let (ident, key, of, converted) = (part.ident, &part.key, arguments(part), converted(part));
        quote_spanned! {part.target.span()=>
            #to.part #of (Self::#key, #converted.stored(&#this.#ident))?;
        }
    });
    let (of, described, to_checks) = (local("of"), local("described"), local("checks"));
    let describe = outputs.parts.iter().map(|part| {
        let (key, arguments) = (&part.key, arguments(part));
        quote_spanned!(part.target.span()=> #described.push(#of.description #arguments (Self::#key)?);)
    });
    let checks = outputs.parts.iter().filter_map(|part| {
        let path = part.check.as_ref()?;
        let name = plain(part.ident);
        // At the path, where the compiler reports a function that takes another type.
        let mut ident = part.ident.clone();
        ident.set_span(path.span().resolved_at(ident.span()));
        let private = private_at(path.span());
        Some(quote_spanned!(path.span()=> #private::checked(#name, #path(&self.#ident), #to_checks)?;))
    });
    let types = outputs.parts.iter().map(|part| {
        let (key, of, span) = (&part.key, arguments(part), part.target.span());
        let private = private_at(span);
        quote_spanned!(span=> #private::check_field_type #of (Self::#key)?;)
    });
    let load = outputs.parts.iter().map(|part| {
        let (ident, key, of, converted) = (part.ident, &part.key, arguments(part), converted(part));
        let loaded = quote_spanned!(part.target.span()=> #from.part #of (Self::#key)?);
        quote!(#ident: #converted.loaded(#loaded))
    });
    implement(
        outputs,
        &quote! {
            const __EXACT: bool = #(#keep_impls::__EXACT)&&*;
            const __TARGETS: &'static str = #targets;

            fn __codes(#codes: &mut ::std::vec::Vec<#private::Code>) {
                #(#codes.push(#keep_impls::__CODE);)*
            }

            fn __save(&self, #to: &mut #private::Saving<'_, '_>) -> #private::anyhow::Result<()> {
                #(#save)*
                ::core::result::Result::Ok(())
            }

            fn __check(&self, #to_checks: &mut #private::Checks<'_>) -> #private::anyhow::Result<()> {
                #(#checks)*
                ::core::result::Result::Ok(())
            }

            fn __check_types() -> #private::anyhow::Result<()> {
                #(#types)*
                ::core::result::Result::Ok(())
            }

            fn __load(#from: &#private::Files<'_>) -> #private::anyhow::Result<Self> {
                ::core::result::Result::Ok(Self { #(#load),* })
            }

            fn __describe(#of: &#private::Files<'_>) -> #private::anyhow::Result<#private::Described> {
                let mut #described = ::std::vec::Vec::new();
                #(#describe)*
                ::core::result::Result::Ok(#described)
            }
        },
    )
}

/// Returns a stub of the impl for a declaration with mistakes, so that no further errors follow.
fn stub(outputs: &Outputs<'_>) -> TokenStream {
    let private = private();
    implement(
        outputs,
        &quote! {
            const __EXACT: bool = false;
            const __TARGETS: &'static str = "";

            fn __codes(_: &mut ::std::vec::Vec<#private::Code>) {}

            fn __save(&self, _: &mut #private::Saving<'_, '_>) -> #private::anyhow::Result<()> {
                ::core::unreachable!()
            }

            fn __load(_: &#private::Files<'_>) -> #private::anyhow::Result<Self> {
                ::core::unreachable!()
            }

            fn __describe(_: &#private::Files<'_>) -> #private::anyhow::Result<#private::Described> {
                ::core::unreachable!()
            }
        },
    )
}

/// Returns the keys of the fields, and `impl Outputs` with these members.
fn implement(outputs: &Outputs<'_>, members: &TokenStream) -> TokenStream {
    let private = private();
    let name = &outputs.input.ident;
    let generics = outputs.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    let keys = keys(outputs);
    enclose(
        &outputs.facade,
        &outputs.input.attrs,
        &quote! {
            #keys

            #[automatically_derived]
            impl #generics #private::Outputs for #name #arguments #bounds {
                type __Target = #private::Several<Self>;
                #members
            }
        },
    )
}

/// Returns `<Target as KeepPart>`, with the span of the target.
///
/// All generated code that requires a target has this span, and names the trait or the type of the value first. So the
/// compiler reports once, and there, that a type is no target.
fn keep_impl(part: &Part<'_>) -> TokenStream {
    let (target, span) = (&part.target, part.target.span());
    let private = private_at(span);
    quote_spanned!(span=> <#target as #private::KeepPart>)
}

/// Returns the type arguments of the functions for one field: the struct, the target, and the type of its value.
fn arguments(part: &Part<'_>) -> TokenStream {
    let (target, keep_impl) = (&part.target, keep_impl(part));
    quote_spanned!(part.target.span()=> ::<Self, #target, #keep_impl::Value>)
}

/// Returns the conversions between the field and the value that its target stores, which report once, at the type of the
/// field, that the two types differ.
fn converted(part: &Part<'_>) -> TokenStream {
    let (ty, span, keep_impl) = (&part.field.ty, part.span(), keep_impl(part));
    let private = private_at(span);
    let value = quote_spanned!(part.target.span()=> #keep_impl::Value);
    quote_spanned!(span=> #private::stored_as::<#ty, #value>())
}

/// `impl Split { const TRAIN: Part<Self, Parquet<RecordBatch>> = ...; }`
fn keys(outputs: &Outputs<'_>) -> TokenStream {
    let name = &outputs.input.ident;
    let visibility = &outputs.input.vis;
    let generics = outputs.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    let mut seen = Vec::new();
    let keys = outputs.parts.iter().filter_map(|part| {
        // Two keys of the same name are already reported. A second constant would be another error.
        if seen.contains(&&part.key) {
            return None;
        }
        seen.push(&part.key);
        let (key, target) = (&part.key, &part.target);
        let span = target.span();
        let private = private_at(span);
        let value = value_of(target, &part.options);
        let text = plain(part.ident);
        let docs: Vec<_> = doc::docs(&part.field.attrs).collect();
        let doc = format!("The output `{text}`.");
        let docs = if docs.is_empty() { quote!(#[doc = #doc]) } else { quote!(#(#docs)*) };
        Some(quote_spanned! {span=>
            #docs
            // The closure has the user's span, so clippy would warn the user about it.
            #[allow(clippy::redundant_closure)]
            #visibility const #key: #private::Part<Self, #target> =
                #private::Part::__new(#text, || #value);
        })
    });
    let keys: Vec<_> = keys.collect();
    quote! {
        #[automatically_derived]
        impl #generics #name #arguments #bounds {
            #(#keys)*
        }
    }
}

/// Returns the targets as the user wrote them: `Split {train: Parquet<RecordBatch>}`.
fn targets(outputs: &Outputs<'_>) -> String {
    let parts = outputs
        .parts
        .iter()
        .map(|part| format!("{}: {}", plain(part.ident), target_text(&part.target, &part.options)));
    format!("{} {{{}}}", plain(&outputs.input.ident), parts.collect::<Vec<_>>().join(", "))
}

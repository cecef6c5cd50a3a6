//! Generates the declarations of the parameters.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{private, private_at};
use crate::attr::doc;
use crate::attr::param::Choices;
use crate::key_type;
use crate::model::{Param, Task};
use crate::spans::{local, plain};
use crate::text;

/// `&[ParamDecl::new::<T>("name", "doc").default(...), ...]`
pub(super) fn declarations(task: &Task<'_>) -> TokenStream {
    let is_function = task.function.is_some();
    let declarations = task.params.iter().map(|param| declaration(param, is_function));
    quote!(&[#(#declarations),*])
}

fn declaration(param: &Param<'_>, of_function: bool) -> TokenStream {
    let private = private();
    let (ty, name) = (&param.field.ty, plain(param.ident));
    let doc = doc::doc(&param.field.attrs);
    // Only this call checks the trait bound of the type, so that an error is reported once.
    let at_type = private_at(ty.span());
    let attr = &param.attr;
    let field = param.declare(of_function);
    let mut declaration = quote_spanned! {ty.span()=>
        #at_type::#field::<#ty>(#name, #doc).decl
    };
    if let Some(was) = &attr.was {
        let was = &was.value;
        declaration.extend(quote!(.was(#was)));
    }
    if let Some(default) = &attr.default {
        let value = match &default.value {
            Some(value) => {
                let at_value = private_at(value.span());
                quote_spanned!(value.span()=> #at_value::default::<#ty>(#value))
            }
            None => {
                let span = default.word.span();
                // The `let` gives the type, so that a missing `Default` is reported at the keyword.
                quote_spanned! {span=> {
                    let value: #ty = ::core::default::Default::default();
                    #private::default::<#ty>(value)
                }}
            }
        };
        declaration.extend(quote!(.default(|| #value)));
    }
    if attr.insignificant.is_some() {
        declaration.extend(quote!(.insignificant()));
    }
    if attr.local.is_some() {
        declaration.extend(quote!(.local()));
    }
    if attr.file.is_some() {
        declaration.extend(quote!(.file()));
    }
    if let Some(from) = &attr.from {
        let key = &from.value;
        let at_key = private_at(key.span());
        let source = quote_spanned!(key.span()=> #at_key::source::<#ty, _>(#key));
        declaration.extend(quote!(.from(|| #source)));
    }
    let value = local("value");
    // `None` is within every limit, which applies to the value inside.
    let inner = key_type::optional(ty);
    let limited = inner.unwrap_or(ty);
    if let Some(range) = &attr.range {
        let range = &range.value;
        let text = text::to_text(range.to_token_stream());
        let at_range = private_at(range.span());
        let holds = match inner {
            Some(inner) if key_type::is_string(inner) => quote_spanned! {range.span()=>
                #at_range::optional_text_in_range(#range, #value)
            },
            Some(inner) => quote_spanned! {range.span()=>
                #at_range::optional_in_range::<#inner>(#range, #value)
            },
            None if key_type::is_string(ty) => quote_spanned! {range.span()=>
                #at_range::text_in_range(#range, #value)
            },
            None => quote_spanned!(range.span()=> #at_range::in_range::<#ty>(#range, #value)),
        };
        declaration.extend(quote!(.range(#text, |#value| #holds)));
    }
    if let Some(choices) = &attr.choices {
        let choices = &choices.value;
        let text = text::to_text(choices.to_token_stream());
        let at_choices = private_at(choices.span());
        let one_of = match inner {
            Some(_) => Ident::new("optional_one_of", choices.span()),
            None => Ident::new("one_of", choices.span()),
        };
        let list = match choices {
            Choices::List(list) => {
                let converted = list.elems.iter().map(|choice| {
                    let at_choice = private_at(choice.span());
                    quote_spanned!(choice.span()=> #at_choice::IntoParam::<#limited>::into_param(#choice))
                });
                quote_spanned!(choices.span()=> [#(#converted),*])
            }
            Choices::Named(list) if key_type::is_string(limited) => {
                quote_spanned!(choices.span()=> #at_choices::text_choices(#list))
            }
            Choices::Named(list) => {
                quote_spanned!(choices.span()=> #at_choices::choices::<#limited>(#list))
            }
        };
        let holds = quote_spanned! {choices.span()=>
            #at_choices::#one_of::<#limited>(&#list, #value)
        };
        declaration.extend(match choices {
            Choices::List(_) => quote!(.choices(#text, |#value| #holds)),
            Choices::Named(_) => quote! {
                .choices_of(#text, || #at_choices::list::<#limited>(&#list), |#value| #holds)
            },
        });
    }
    declaration
}

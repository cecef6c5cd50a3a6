//! Generates the typed keys: one associated constant for each parameter.

use proc_macro2::TokenStream;
use quote::quote;

use super::private;
use crate::attr::doc;
use crate::model::Task;
use crate::spans::plain;

/// `impl Train { const MODEL: Param<Self, ModelKind> = ...; }`
pub(crate) fn keys(task: &Task<'_>) -> TokenStream {
    if task.params.is_empty() {
        return TokenStream::new();
    }
    let private = private();
    let name = &task.input.ident;
    let visibility = &task.input.vis;
    let (generics, arguments, bounds) = task.input.generics.split_for_impl();
    // `check` reports two keys of the same name. A second constant would be another error.
    let is_first = |index: usize| {
        task.params[..index].iter().all(|before| before.key != task.params[index].key)
    };
    let params = task.params.iter().enumerate().filter(|(index, _)| is_first(*index));
    let keys = params.map(|(index, param)| {
        let (key, ty) = (&param.key, &param.field.ty);
        let mut docs: Vec<_> = doc::docs(&param.field.attrs).map(|doc| quote!(#doc)).collect();
        if docs.is_empty() {
            let text = format!("The parameter `{}`.", plain(param.ident));
            docs.push(quote!(#[doc = #text]));
        }
        quote! {
            #(#docs)*
            #visibility const #key: #private::Param<Self, #ty> = #private::Param::__new(#index);
        }
    });
    quote! {
        #[automatically_derived]
        impl #generics #name #arguments #bounds {
            #(#keys)*
        }
    }
}

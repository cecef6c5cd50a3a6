//! The typed keys: one associated constant for each parameter.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{self, Task};
use crate::spans::plain;

/// `impl Train { const MODEL: Param<Self, ModelKind> = ...; }`
pub(crate) fn keys(task: &Task<'_>) -> TokenStream {
    if task.params.is_empty() {
        return TokenStream::new();
    }
    let private = task.facade.private();
    let name = &task.input.ident;
    let visibility = &task.input.vis;
    let (generics, arguments, bounds) = task.input.generics.split_for_impl();
    let keys = task.params.iter().enumerate().map(|(index, param)| {
        let (key, ty) = (&param.key, &param.field.ty);
        let mut docs: Vec<_> = model::docs(&param.field.attrs).map(|doc| quote!(#doc)).collect();
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

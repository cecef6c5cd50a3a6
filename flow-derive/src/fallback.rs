//! What is written where something is wrong: the errors, and a task that has the right outside.
//!
//! The stub keeps the user's other code from being wrong too: there are the typed keys, `Run` can
//! be implemented, and other tasks can require this one. What is not known of it becomes a type
//! that is itself the error, about which the compiler says nothing more.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::attr::entry::Form;
use crate::expand::{Shape, enclose, keys};
use crate::key_type;
use crate::model::Task;

/// The errors, and the stub.
pub(crate) fn expand(task: &Task<'_>, errors: Vec<syn::Error>) -> TokenStream {
    let mut errors = errors.iter().map(syn::Error::to_compile_error);
    let private = task.facade.private();
    let name = &task.input.ident;
    let (generics, arguments, bounds) = task.input.generics.split_for_impl();
    let target = match &task.attr.target {
        Some(target) => target.value.to_token_stream(),
        None => errors.next().unwrap_or_default(),
    };
    let unknown = quote!(<Self as #private::Task>::Target);
    let Shape { ty: inputs, items } = if is_known(task) {
        Shape::of(task)
    } else {
        let ty = match &task.attr.target {
            Some(_) => errors.next().unwrap_or(unknown),
            None => unknown,
        };
        Shape { ty, items: TokenStream::new() }
    };
    let keys = keys(task);
    let stub = enclose(&quote! {
        #keys
        #items

        #[automatically_derived]
        impl #generics #private::Task for #name #arguments #bounds {
            type Target = #target;
            type Inputs = #inputs;
            const __DEPTH: usize = 0;
            const __PARAMS: &'static [#private::ParamDecl] = &[];

            fn __decl() -> #private::TaskDecl {
                ::core::unreachable!()
            }

            fn __target() -> Self::Target {
                ::core::unreachable!()
            }

            fn __build(_: &#private::Values<'_>) -> Self {
                ::core::unreachable!()
            }

            fn __field(&self, _: usize) -> &dyn #private::Any {
                ::core::unreachable!()
            }

            fn __requires(&self, _: &mut #private::Requirements) -> #private::anyhow::Result<()> {
                ::core::unreachable!()
            }

            fn __requirement_types(_: &mut dyn ::core::ops::FnMut(&'static #private::TaskType)) {}

            fn __runs() -> #private::Runs<Self> {
                ::core::unreachable!()
            }
        }
    });
    quote!(#(#errors)* #stub)
}

/// Whether the inputs are known although something is wrong.
fn is_known(task: &Task<'_>) -> bool {
    !task.attr.bad_requires
        && task.entries().iter().all(|entry| match &entry.form {
            Form::Map(key, each) => key_type::of(key, each, &task.params).is_some(),
            Form::One | Form::Optional(_) | Form::List(_) => true,
        })
}

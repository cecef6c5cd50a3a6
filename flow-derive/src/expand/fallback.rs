//! Generates the errors of a wrong declaration, and a stub of the task.
//!
//! The stub prevents errors in the user's other code: the typed keys exist, `Run` can be implemented,
//! and other tasks can require this one. An unknown part of the task becomes a type that expands to the
//! error itself, so that the compiler reports nothing else about it.

use proc_macro2::TokenStream;
use quote::quote;

use crate::attr::entry::Form;
use crate::check;
use crate::expand::{Shape, enclose, inputs, keys, kind, private, target_type};
use crate::key_type;
use crate::model::Task;

/// Returns the errors and the stub.
pub(crate) fn expand(task: &Task<'_>, errors: Vec<syn::Error>) -> TokenStream {
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let borrows = task.input.generics.lifetimes().next().is_some();
    if borrows {
        // A type that borrows cannot implement `Task`, not even as a stub.
        return quote!(#(#errors)*);
    }
    let mut errors = errors;
    let private = private();
    let name = &task.input.ident;
    let generics = task.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    // The next error stands in for an unknown type. The compiler reports an error at its first use.
    let mut unknown = || match errors.next() {
        Some(error) => quote!(#private::Unknown<{ #error }>),
        None => quote!(<Self as #private::Task>::Target),
    };
    // A task that is not run has an impl of `Run`, and it is unknown which of the two is meant: the stub can be run, with
    // any type of output.
    let has_needless_run = check::has_needless_run(task);
    let target = match task.storage() {
        Some(storage) if !has_needless_run => target_type(&storage),
        _ => {
            let unknown = unknown();
            quote!(type Target = #unknown;)
        }
    };
    let Shape { ty, items } = if is_known(task) {
        Shape::of(task)
    } else {
        Shape { ty: unknown(), items: TokenStream::new() }
    };
    let inputs = inputs(task, &ty);
    let keys = keys(task);
    let kind = if has_needless_run { quote!(type __Kind = #private::ByRun;) } else { kind(task) };
    // A task must be `Send` and `Sync`. A parameter such as `Rc<T>` is reported already, so the stub claims that the
    // task is both; otherwise each use of it would be another error. The program does not compile, so no code
    // relies on the claim.
    let is_refused = task.params.iter().any(|param| check::is_refused(&param.field.ty));
    let shared = is_refused.then(|| {
        quote! {
            unsafe impl #generics ::core::marker::Send for #name #arguments #bounds {}
            unsafe impl #generics ::core::marker::Sync for #name #arguments #bounds {}
        }
    });
    let stub = enclose(
        &task.facade,
        task.attributes(),
        &quote! {
            #keys
            #items
            #shared

            #[automatically_derived]
            impl #generics #private::Task for #name #arguments #bounds {
                #target
                #inputs
            }

            #[automatically_derived]
            impl #generics #private::Declared for #name #arguments #bounds {
                #kind
                const task_requires_itself: usize = 0;
                const __PARAMS: &'static [#private::ParamDecl] = &[];

                fn __decl() -> #private::TaskDecl {
                    ::core::unreachable!()
                }

                fn __target() -> <Self as #private::Task>::Target {
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

                fn __runs() -> #private::RunCode<Self> {
                    ::core::unreachable!()
                }
            }
        },
    );
    quote!(#(#errors)* #stub)
}

/// Returns whether the types of the inputs are known in spite of the errors.
fn is_known(task: &Task<'_>) -> bool {
    !task.attr.bad_requires
        && (task.is_named() || task.entries().len() <= check::MAX_UNNAMED)
        && task.entries().iter().all(|entry| match &entry.form {
            _ if check::is_function(entry, task) => false,
            Form::Map(key, each) => key_type::infer(key, each, &task.params).is_some(),
            Form::One | Form::Optional(_) | Form::List(_) => true,
        })
}

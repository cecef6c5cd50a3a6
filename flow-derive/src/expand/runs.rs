//! Generates what a task says about its code: the function that runs it, and the constants that make the
//! compiler check it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{private, private_at};
use crate::model::Task;

/// Returns `coded::<Self>().runs()`, with the span of the task's name, where the compiler reports a missing
/// `Run`.
pub(super) fn runs(task: &Task<'_>) -> TokenStream {
    let span = task.input.ident.span();
    let private = private_at(span);
    if !is_run(task) {
        return quote!(#private::not_run::<Self>());
    }
    let runs = quote_spanned!(span=> #private::coded::<Self>().runs());
    match is_generic_struct(task) {
        true => quote!(let () = Self::__IS_TRACKED; #runs),
        false => runs,
    }
}

/// Makes the compiler evaluate constants of a task without type parameters: its depth, which fails for a
/// cycle, and its code, which fails if `#[tracked]` was forgotten.
pub(super) fn force_constants(task: &Task<'_>) -> TokenStream {
    if !task.input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let private = private();
    let name = &task.input.ident;
    let code = is_run(task).then(|| {
        // With the span of the name, as in `runs`, so that a missing `Run` is reported once.
        let span = name.span();
        let at_name = private_at(span);
        let message = not_tracked(task, "");
        quote_spanned!(span=> const _: () = #at_name::coded::<#name>().check(#message);)
    });
    quote! {
        const _: usize = <#name as #private::Declared>::task_requires_itself;
        #code
    }
}

/// Returns the constant that fails to compile if `#[tracked]` was forgotten above the `Run` of a generic task, which
/// [`runs`] makes the compiler evaluate. The code of a function is always tracked.
pub(super) fn is_tracked(task: &Task<'_>) -> TokenStream {
    if !is_generic_struct(task) || !is_run(task) {
        return TokenStream::new();
    }
    // As in `runs`, so that a missing `Run` is reported once.
    let span = task.input.ident.span();
    let private = private_at(span);
    let message = not_tracked(task, "the generic ");
    quote_spanned!(span=> const __IS_TRACKED: () = #private::coded::<Self>().check(#message);)
}

/// Returns the error for a `Run` without `#[tracked]`.
fn not_tracked(task: &Task<'_>, kind: &str) -> String {
    format!(
        "`#[tracked]` is missing above {kind}`impl Run for {}`; write it there, so that the task runs again when its \
         code changes, or write `const CODE: Code = Code::version(1);` in the impl and count by hand",
        task.struct_name()
    )
}

/// Returns whether the task is a struct with type parameters, whose code is known only once it is instantiated.
fn is_generic_struct(task: &Task<'_>) -> bool {
    task.function.is_none() && !task.input.generics.params.is_empty()
}

/// Returns whether the task is run, and so has an impl of `Run`.
fn is_run(task: &Task<'_>) -> bool {
    task.attr.external.is_none() && task.attr.aggregate.is_none()
}

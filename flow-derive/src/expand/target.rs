//! Generates what a task says about the target of its output: the type, the value, and the text in the
//! declaration.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Type};

use super::{private, private_at};
use crate::model::Storage;
use crate::spans::ends;
use crate::text;

/// Returns the associated type `Target`, with the span of the user's type. The compiler reports there
/// that the type is more private than the task.
pub(crate) fn target_type(storage: &Storage<'_>) -> TokenStream {
    let private = private();
    let (ty, (first, last)) = match storage {
        Storage::Target(target) => (target.ty.to_token_stream(), ends(target)),
        Storage::Outputs(outputs) => {
            let private = private_at(outputs.span());
            (
                quote_spanned!(outputs.span()=> <#outputs as #private::Outputs>::__Target),
                ends(outputs),
            )
        }
        Storage::Aggregate => {
            let here = Span::call_site();
            (quote!(#private::Gathered<<Self as #private::Task>::Inputs>), (here, here))
        }
    };
    let start = quote_spanned!(first=> type Target =);
    let end = quote_spanned!(last=> ;);
    quote!(#start #ty #end)
}

/// Returns the function `__target`. For a struct of outputs it has the span of the struct's name, so that the compiler
/// reports once, and there, that it is no such struct.
pub(super) fn target(storage: &Storage<'_>) -> TokenStream {
    let span = match storage {
        Storage::Outputs(outputs) => outputs.span(),
        Storage::Target(_) | Storage::Aggregate => Span::call_site(),
    };
    let (private, value) = (private_at(span), target_value(storage, span));
    quote_spanned! {span=>
        fn __target() -> <Self as #private::Task>::Target {
            #value
        }
    }
}

/// Returns `<Target>::default().option(expr)`. An inherent function `default` takes precedence over the
/// trait's: it lets `Parquet<T>` infer how a `T` becomes a table.
fn target_value(storage: &Storage<'_>, span: Span) -> TokenStream {
    match storage {
        Storage::Target(target) => value_of(&target.ty, &target.options),
        Storage::Outputs(_) | Storage::Aggregate => {
            let private = private_at(span);
            quote_spanned!(span=> <<Self as #private::Task>::Target>::default())
        }
    }
}

/// Returns the value of a target of type `ty` with `options`.
pub(super) fn value_of(ty: &Type, options: &[(Ident, Expr)]) -> TokenStream {
    let mut value = quote_spanned!(ty.span()=> <#ty>::default());
    for (option, expr) in options {
        value.extend(quote!(.#option(#expr)));
    }
    value
}

/// Returns the target as the user wrote it: `Parquet<Row>(compression=Zstd(3))`.
pub(super) fn target_text(ty: &Type, options: &[(Ident, Expr)]) -> String {
    let ty = text::short_type(ty.to_token_stream());
    if options.is_empty() {
        return ty;
    }
    let options = options.iter().map(|(option, expr)| quote!(#option = #expr));
    let options: Vec<String> = options.map(text::to_text).collect();
    format!("{ty}({})", options.join(", "))
}

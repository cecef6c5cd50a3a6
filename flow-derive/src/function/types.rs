//! Reads the types of arguments as a macro sees them: references, names and type arguments.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

use crate::spans::plain;

/// Removes parentheses and the invisible groups of macros around a type.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        ty => ty,
    }
}

/// Returns the type behind a reference, or the type itself if it is none.
pub(super) fn unborrowed(ty: &Type) -> &Type {
    match bare(ty) {
        Type::Reference(reference) => bare(&reference.elem),
        ty => ty,
    }
}

/// Returns the last segment of a type's path, such as `Vec<T>` in `std::vec::Vec<T>`.
pub(super) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Returns whether the last segment of a type's path is `name`, in whichever module it lives.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| plain(&last.ident) == name)
}

/// Returns the name in `Cx<name>`, if the only argument of a type is such a name.
pub(super) fn only_argument(ty: &Type) -> Option<&Ident> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Path(path))
            if arguments.args.len() == 1 && path.qself.is_none() =>
        {
            path.path.get_ident()
        }
        _ => None,
    }
}

/// Returns the last type argument, such as `T` in `Vec<T>`, if the type is `name` with `count` arguments.
pub(crate) fn last_argument<'a>(ty: &'a Type, name: &str, count: usize) -> Option<&'a Type> {
    let last = last_segment(ty).filter(|last| plain(&last.ident) == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.last()? {
        GenericArgument::Type(ty) if arguments.args.len() == count => Some(ty),
        _ => None,
    }
}

/// Returns the type that owns what a reference to `ty` borrows: `String` for `str`.
pub(crate) fn owned(ty: &Type) -> TokenStream {
    let span = ty.span();
    match ty {
        Type::Slice(slice) => {
            let item = &slice.elem;
            quote_spanned!(span=> ::std::vec::Vec<#item>)
        }
        Type::TraitObject(_) => quote_spanned!(span=> ::std::boxed::Box<#ty>),
        ty if is_named(ty, "str") => quote_spanned!(span=> ::std::string::String),
        ty if is_named(ty, "Path") => quote_spanned!(span=> ::std::path::PathBuf),
        ty => ty.to_token_stream(),
    }
}

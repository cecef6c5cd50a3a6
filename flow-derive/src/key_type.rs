//! What a macro sees of a type: the key type of a map in `requires`, and options.
//!
//! A macro sees only the types that are written in its input. So the type is inferred in three cases:
//! the map iterates over a field of the task, or over a range that a field bounds, or the key is a
//! field itself. In all other cases the user writes the type: `{key: Type => ...}`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprMethodCall, Ident, Member, Pat, Type};

use crate::attr::entry::{Each, Key};
use crate::function::types;
use crate::model::Param;

/// Returns the type of the key, or `None` if it cannot be inferred.
pub(crate) fn infer(key: &Key, each: &Each, params: &[Param<'_>]) -> Option<TokenStream> {
    if let Some(ty) = &key.ty {
        return Some(ty.to_token_stream());
    }
    let expr = without_clone(bare(&key.expr));
    if let Some(ty) = field_type(expr, params) {
        return Some(ty.to_token_stream());
    }
    (bound_variable(&each.pat)? == variable(expr)?).then_some(())?;
    if let Some(ty) = range_type(bare(&each.items), params) {
        return Some(ty.to_token_stream());
    }
    let ty = field_type(iterated(bare(&each.items)), params)?;
    Some(quote!(<#ty as ::core::iter::IntoIterator>::Item))
}

/// Returns the type of `self.field`.
fn field_type<'a>(expr: &Expr, params: &[Param<'a>]) -> Option<&'a Type> {
    let Expr::Field(access) = bare(expr) else {
        return None;
    };
    let Member::Named(name) = &access.member else {
        return None;
    };
    (variable(&access.base)? == "self").then_some(())?;
    params.iter().find(|param| param.ident == name).map(|param| &param.field.ty)
}

/// Returns the type of the numbers in `a..self.field`.
fn range_type<'a>(expr: &Expr, params: &[Param<'a>]) -> Option<&'a Type> {
    let Expr::Range(range) = expr else {
        return None;
    };
    let bounds = [&range.start, &range.end];
    bounds.into_iter().flatten().find_map(|bound| field_type(bound, params))
}

/// Returns the collection `xs` of `xs.iter()`, `xs.clone()`, `xs.iter().cloned()` and the like.
fn iterated(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) if is_plain(call, &["cloned", "copied"]) => {
            match bare(&call.receiver) {
                Expr::MethodCall(inner) if is_plain(inner, &["iter"]) => bare(&inner.receiver),
                _ => expr,
            }
        }
        Expr::MethodCall(call) if is_plain(call, &["iter", "clone"]) => bare(&call.receiver),
        _ => expr,
    }
}

fn without_clone(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) if is_plain(call, &["clone"]) => bare(&call.receiver),
        _ => expr,
    }
}

fn is_plain(call: &ExprMethodCall, names: &[&str]) -> bool {
    call.args.is_empty() && call.turbofish.is_none() && names.iter().any(|name| call.method == name)
}

/// Removes parentheses and borrows around an expression.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        Expr::Group(inner) => bare(&inner.expr),
        Expr::Reference(inner) if inner.mutability.is_none() => bare(&inner.expr),
        _ => expr,
    }
}

fn variable(expr: &Expr) -> Option<&Ident> {
    match bare(expr) {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

/// Returns the variable that a pattern binds to the whole item.
fn bound_variable(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
        Pat::Reference(pat) => bound_variable(&pat.pat),
        Pat::Paren(pat) => bound_variable(&pat.pat),
        _ => None,
    }
}

/// Returns `T` of a type that is written as `Option<T>`.
pub(crate) fn optional(ty: &Type) -> Option<&Type> {
    types::last_argument(types::bare(ty), "Option", 1)
}

/// Returns whether a type is written as `String`.
pub(crate) fn is_string(ty: &Type) -> bool {
    types::is_named(types::bare(ty), "String")
}

#[cfg(test)]
mod tests {
    use syn::DeriveInput;
    use syn::parse::Parser;

    use super::*;
    use crate::attr::entry::{self, Form};
    use crate::ctxt::Ctxt;
    use crate::model::Task;
    use crate::text;

    fn read(written: &str) -> Option<String> {
        let input: DeriveInput = syn::parse_quote! {
            struct A {
                names: Vec<String>,
                days: u16,
            }
        };
        let ctxt = Ctxt::new();
        let task = Task::read(&input, &ctxt);
        assert!(ctxt.check().is_empty());
        let entries = entry::entries.parse_str(written).expect("entries");
        let Form::Map(key, each) = &entries[0].form else { panic!("a map") };
        infer(key, each, &task.params).map(text::to_text)
    }

    #[test]
    fn the_type_of_a_key_is_seen() {
        let item = Some("<Vec<String>as::core::iter::IntoIterator>::Item".to_owned());
        assert_eq!(read("{n => B for n in &self.names}"), item);
        assert_eq!(read("{n => B for n in self.names.iter()}"), item);
        assert_eq!(read("{n => B for n in self.names.clone()}"), item);
        assert_eq!(read("{n.clone() => B for n in self.names.iter().cloned()}"), item);
        assert_eq!(read("{&n => B for n in (&self.names)}"), item);
        let days = Some("u16".to_owned());
        assert_eq!(read("{n => B for n in 0..self.days}"), days);
        assert_eq!(read("{n => B for n in (1..=self.days)}"), days);
        assert_eq!(read("{self.days => B for n in 0..3}"), days);
        assert_eq!(read("{n: u8 => B for n in 0..3}"), Some("u8".to_owned()));
    }

    #[test]
    fn the_type_of_a_key_is_not_guessed() {
        assert_eq!(read("{n => B for n in 0..3}"), None);
        assert_eq!(read("{n + 1 => B for n in 0..self.days}"), None);
        assert_eq!(read("{n => B for n in self.names.iter().rev()}"), None);
        assert_eq!(read("{m => B for (m, n) in &self.names}"), None);
        assert_eq!(read("{n => B for n in &self.other}"), None);
    }
}

//! The type of a map's keys, where it can be seen from how the key is written.
//!
//! A macro sees no types but those that are written, so this goes as far as the fields of the
//! task: what is iterated is a field, or a range up to one, or the key is a field itself.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprMethodCall, Ident, Member, Pat, Type};

use crate::attr::entry::{Each, Key};
use crate::model::Param;

/// The type of the key, or `None` if only the user can say.
pub(crate) fn of(key: &Key, each: &Each, params: &[Param<'_>]) -> Option<TokenStream> {
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

/// The type of `self.field`.
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

/// The type of the numbers in `a..self.field`.
fn range_type<'a>(expr: &Expr, params: &[Param<'a>]) -> Option<&'a Type> {
    let Expr::Range(range) = expr else {
        return None;
    };
    let bounds = [&range.start, &range.end];
    bounds.into_iter().flatten().find_map(|bound| field_type(bound, params))
}

/// `xs` of `xs.iter()`, `xs.clone()`, `xs.iter().cloned()` and the like, which have its items.
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

/// Without parentheses and borrows around it.
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

/// The variable that a pattern binds to the whole item.
fn bound_variable(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
        Pat::Reference(pat) => bound_variable(&pat.pat),
        Pat::Paren(pat) => bound_variable(&pat.pat),
        _ => None,
    }
}

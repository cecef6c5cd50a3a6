//! Generates the requirements of an instance, as calls of `Requirements`.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, ExprLet};

use super::{private, private_at};
use crate::attr::entry::{Dependency, Each, Entry, Form};
use crate::attr::path::KeyPath;
use crate::key_type;
use crate::model::Task;
use crate::spans::{associated, ends, key, local, plain};

/// Returns the body of `__requires`: one call for each entry.
pub(super) fn calls(task: &Task<'_>) -> TokenStream {
    task.entries().iter().map(|entry| call(entry, task)).collect()
}

fn call(entry: &Entry, task: &Task<'_>) -> TokenStream {
    let to = local("to");
    let role = entry.name.as_ref().map_or_else(String::new, plain);
    let dependency = settings(&entry.dependency);
    // With the task as an explicit type argument, the compiler has no type to infer.
    let of = required(&entry.dependency);
    match &entry.form {
        Form::One => quote!(#to.one::<#of>(#role, #dependency);),
        Form::Optional(cond) => {
            let dependency = when(Some(cond), &quote!(::core::option::Option::Some(#dependency)));
            quote!(#to.optional::<#of>(#role, #dependency else { ::core::option::Option::None });)
        }
        Form::List(each) => {
            let items = local("items");
            let collected = collect(each, &quote!(#items.push(#dependency);));
            quote!(#to.list::<#of>(#role, #collected);)
        }
        Form::Map(key, each) => {
            let (items, place) = (local("items"), local("key"));
            let ty = key_type::infer(key, each, &task.params);
            let expr = &key.expr;
            let at_key = private_at(expr.span());
            // By reference, so that the settings can move the values in the key expression.
            let value = quote_spanned!(expr.span()=> #at_key::map_key::<#ty, _>(&(#expr)));
            let collected = collect(
                each,
                &quote! {
                    let #place = #value;
                    #items.push((#place, #dependency));
                },
            );
            let map = quote_spanned!(ty.span()=> map::<#of, #ty>);
            quote!(#to.#map(#role, #collected)?;)
        }
    }
}

/// Returns `settings::<A>().set(<A>::KEY, value).with(KEY, value)`.
fn settings(dependency: &Dependency) -> TokenStream {
    let ty = required(dependency);
    // The call has the span of the type, so that the compiler reports an error in the type once.
    let (first, last) = ends(&ty);
    let private = private_at(first);
    let mut settings = quote_spanned!(first=> #private::settings::<#ty>);
    settings.extend(quote_spanned!(last=> ()));
    for set in &dependency.fields {
        let field = &set.field;
        let key = key(field);
        let value = match &set.value {
            Some(value) => quote!(#value),
            None => quote!(#field),
        };
        let span = value.span();
        let set = quote_spanned!(span=> .set);
        settings.extend(quote!(#set(<#ty>::#key, #value)));
    }
    for (key, value) in &dependency.with {
        let with = quote_spanned!(value.span()=> .with);
        let key = checked_key(key);
        settings.extend(quote!(#with(#key, #value)));
    }
    settings
}

/// Returns `key(KEY)`, which reports once that an expression is not the key of a parameter. The call has the span
/// of the expression, so that the compiler does not report the type of the call, too.
fn checked_key(key: &KeyPath) -> TokenStream {
    let (first, last) = ends(key);
    let private = private_at(first);
    let call = quote_spanned!(first=> #private::key);
    let mut argument = Group::new(Delimiter::Parenthesis, quote!(#key));
    argument.set_span(last);
    quote!(#call #argument)
}

/// Returns a block that runs `push` for each item, and evaluates to the `Vec`.
fn collect(each: &Each, push: &TokenStream) -> TokenStream {
    let list = local("items");
    let (pat, items) = (&each.pat, &each.items);
    let push = when(each.cond.as_ref(), push);
    quote! {{
        let mut #list = ::std::vec::Vec::new();
        for #pat in (#items) { #push }
        #list
    }}
}

/// Returns `if cond { then }`. The condition is in parentheses, since it may contain a struct literal.
/// A `let` must not be in parentheses.
fn when(cond: Option<&Expr>, then: &TokenStream) -> TokenStream {
    match cond {
        None => then.clone(),
        Some(cond) if has_let(cond) => quote!(if #cond { #then }),
        Some(cond) => quote!(if (#cond) { #then }),
    }
}

fn has_let(cond: &Expr) -> bool {
    struct Found(bool);

    impl Visit<'_> for Found {
        fn visit_expr_let(&mut self, _: &ExprLet) {
            self.0 = true;
        }
    }

    let mut found = Found(false);
    found.visit_expr(cond);
    found.0
}

/// Returns the body of `__requirement_types`, which visits every named task, whatever the conditions.
pub(super) fn types(task: &Task<'_>) -> TokenStream {
    let visit = local("visit");
    let entries = task.entries().iter();
    let visits = entries.map(|entry| {
        let ty = required(&entry.dependency);
        let private = private_at(ty.span());
        let with = entry.dependency.with.iter().map(|(key, _)| {
            let private = private_at(key.span());
            let checked = checked_key(key);
            quote_spanned!(key.span()=> #visit(#private::task_of(#checked));)
        });
        let own = quote_spanned!(ty.span()=> #visit(#private::TaskType::of::<#ty>()););
        quote!(#own #(#with)*)
    });
    visits.collect()
}

/// Returns the function that visits each task of `may_require`.
pub(super) fn may_require(task: &Task<'_>) -> TokenStream {
    let Some(may) = &task.attr.may_require else {
        return TokenStream::new();
    };
    let (visit, private) = (local("visit"), private());
    let visits = may.value.iter().map(|ty| {
        let private = private_at(ty.span());
        let task = quote_spanned!(ty.span()=> <#ty as #private::Required>::Task);
        quote_spanned!(ty.span()=> #visit(#private::TaskType::of::<#task>());)
    });
    quote! {
        fn __may_require(#visit: &mut dyn ::core::ops::FnMut(&'static #private::TaskType)) {
            #(#visits)*
        }
    }
}

/// Returns the constant `task_requires_itself`: one more than the largest depth of the unconditional dependencies.
///
/// For tasks that require each other, the constant depends on itself, so the compiler reports a cycle. It
/// points at the constant and at the depths in its value, which therefore have the spans of the entries.
pub(super) fn depth(task: &Task<'_>) -> TokenStream {
    let private = private();
    let of_task = quote!(#private::Declared);
    let entries = task.entries().iter().filter(|entry| matches!(entry.form, Form::One));
    let mut depths: Vec<_> = entries
        .map(|entry| associated(&required(&entry.dependency), &of_task, "task_requires_itself"))
        .collect();
    let (first, last) = place(task, depths.len() == 1);
    let depth = depths.pop().map_or_else(
        || quote!(0),
        |last| {
            let all = depths.into_iter();
            all.rev().fold(last, |longest, depth| quote!(#private::longer(#depth, #longest)))
        },
    );
    let name = Ident::new("task_requires_itself", first);
    let start = quote_spanned!(first=> const #name: usize);
    let end = quote_spanned!(last=> ;);
    quote!(#[allow(deprecated)] #start = #depth + 1 #end)
}

/// Returns the spans of the only unconditional task, or of `requires` if there are several.
fn place(task: &Task<'_>, only_one: bool) -> (Span, Span) {
    match &task.attr.requires {
        Some(requires) if only_one => ends(requires.value.unconditional()),
        Some(requires) => (requires.word.span(), requires.word.span()),
        None => (Span::call_site(), Span::call_site()),
    }
}

/// Returns the associated type `Inputs`, with the span of the required tasks. The compiler reports
/// there that one of them is more private than the task.
pub(crate) fn inputs(task: &Task<'_>, ty: &TokenStream) -> TokenStream {
    let (first, last) = place(task, task.entries().len() == 1);
    let start = quote_spanned!(first=> type Inputs =);
    let end = quote_spanned!(last=> ;);
    // The compiler warns about a deprecated task once, in `__requires`.
    quote!(#[allow(deprecated)] #start #ty #end)
}

/// Returns the required task through the trait `Required`, which reports once that a type is no task.
pub(super) fn required(dependency: &Dependency) -> TokenStream {
    let (first, last) = ends(dependency);
    let (ty, private) = (&dependency.task, private_at(first));
    let open = quote_spanned!(first=> <);
    let close = quote_spanned!(last=> as #private::Required>::Task);
    quote!(#open #ty #close)
}

//! What an instance requires, as calls of `Requirements`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, ExprLet};

use crate::attr::entry::{Each, Entry, Form, Wish};
use crate::key_type;
use crate::model::{self, Task};
use crate::spans::{associated, local, plain};

/// The body of `__requires`: one call for each entry.
pub(super) fn calls(task: &Task<'_>) -> TokenStream {
    task.entries().iter().map(|entry| call(entry, task)).collect()
}

fn call(entry: &Entry, task: &Task<'_>) -> TokenStream {
    let to = local("to");
    let role = entry.name.as_ref().map_or_else(String::new, plain);
    let wish = settings(&entry.wish, task);
    match &entry.form {
        Form::One => quote!(#to.one(#role, #wish);),
        Form::Optional(cond) => {
            let wish = when(Some(cond), &quote!(::core::option::Option::Some(#wish)));
            quote!(#to.optional(#role, #wish else { ::core::option::Option::None });)
        }
        Form::List(each) => {
            let items = local("items");
            let collected = collect(each, &quote!(#items.push(#wish);));
            quote!(#to.list(#role, #collected);)
        }
        Form::Map(key, each) => {
            let (items, place) = (local("items"), local("key"));
            let ty = key_type::of(key, each, &task.params);
            let expr = &key.expr;
            let at_key = task.facade.private_at(expr.span());
            // By reference, so that the settings can take what the key is made from.
            let value = quote_spanned!(expr.span()=> #at_key::map_key::<#ty, _>(&(#expr)));
            let collected = collect(
                each,
                &quote! {
                    let #place = #value;
                    #items.push((#place, #wish));
                },
            );
            quote!(#to.map(#role, #collected)?;)
        }
    }
}

/// `Settings::<A>::new().set(<A>::KEY, value).with(KEY, value)`
fn settings(wish: &Wish, task: &Task<'_>) -> TokenStream {
    let ty = &wish.task;
    let private = task.facade.private_at(ty.span());
    let mut settings = quote_spanned!(ty.span()=> #private::Settings::<#ty>::new());
    for set in &wish.fields {
        let field = &set.field;
        let key = model::key(field);
        let value = match &set.value {
            Some(value) => quote!(#value),
            None => quote!(#field),
        };
        let span = value.span();
        let set = quote_spanned!(span=> .set);
        settings.extend(quote!(#set(<#ty>::#key, #value)));
    }
    for (key, value) in &wish.with {
        let with = quote_spanned!(value.span()=> .with);
        settings.extend(quote!(#with(#key, #value)));
    }
    settings
}

/// The items that `push` puts into a `Vec`.
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

/// `if cond { then }`. Parentheses keep a struct literal in the condition apart from the block; a
/// `let` must not have them.
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

/// The body of `__requirement_types`: every task that is named, whatever the conditions.
pub(super) fn types(task: &Task<'_>) -> TokenStream {
    let visit = local("visit");
    let entries = task.entries().iter();
    let visits = entries.map(|entry| {
        let ty = &entry.wish.task;
        let private = task.facade.private_at(ty.span());
        let with = entry.wish.with.iter().map(|(key, _)| {
            let private = task.facade.private_at(key.span());
            quote_spanned!(key.span()=> #visit(#private::task_of(#key));)
        });
        let own = quote_spanned!(ty.span()=> #visit(#private::TaskType::of::<#ty>()););
        quote!(#own #(#with)*)
    });
    visits.collect()
}

/// The depth of the task: one more than that of what it requires whatever its parameters are.
pub(super) fn depth(task: &Task<'_>) -> TokenStream {
    let private = task.facade.private();
    let of_task = quote!(#private::Task);
    let entries = task.entries().iter().filter(|entry| matches!(entry.form, Form::One));
    let depths = entries.map(|entry| associated(&entry.wish, &of_task, "__DEPTH"));
    quote!(#private::depth(&[#(#depths),*]))
}

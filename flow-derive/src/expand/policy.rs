//! Generates the options that say how a task is executed, as calls of `Policy`. A task without any has no code here.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::{private, private_at};
use crate::attr::Opt;
use crate::attr::policy::{Given, PolicyAttr};
use crate::model::Task;
use crate::spans::{local, plain};

/// The variable in expressions that holds the number of the attempt.
const ATTEMPT: &str = "attempt";

/// Returns the constant `__POLICY` and the function `__policy`.
pub(super) fn policy(task: &Task<'_>) -> TokenStream {
    let attr = &task.attr.policy;
    if attr.words().next().is_none() {
        return TokenStream::new();
    }
    let (private, to) = (private(), local("to"));
    let declares = declares(attr);
    let (attempt, used) = attempt(attr);
    let statements = statements(attr, &to);
    // The user's expressions refer to `self`, so this `self` has the span of the call site.
    let this = quote_spanned!(Span::call_site()=> self);
    quote! {
        const __POLICY: #private::Declares = #private::Declares::#declares;

        fn __policy(&#this, #attempt: ::core::primitive::u32, #to: &mut #private::Policy) {
            #used
            #statements
        }
    }
}

/// Returns the statements that set the options.
fn statements(attr: &PolicyAttr, to: &Ident) -> TokenStream {
    let private = private();
    let PolicyAttr { retries, backoff, timeout, priority, threads, resources, isolate } = attr;
    let mut statements: TokenStream = [
        set(
            to,
            "retries",
            retries,
            &typed(&quote!(::core::primitive::u32)),
            |retries| quote!(#retries),
        ),
        set(to, "backoff", backoff, &converted("backoff"), |delay| {
            let delay = duration(delay);
            quote!(#private::backoff(#delay))
        }),
        set(to, "timeout", timeout, &typed(&quote!(::core::time::Duration)), duration),
        set(
            to,
            "priority",
            priority,
            &typed(&quote!(::core::primitive::i32)),
            |priority| quote!(#priority),
        ),
        set(
            to,
            "threads",
            threads,
            &typed(&quote!(::core::primitive::usize)),
            |threads| quote!(#threads),
        ),
    ]
    .into_iter()
    .collect();
    for demand in resources.iter().flat_map(|resources| &resources.value) {
        let name = plain(&demand.resource);
        statements.extend(match &demand.amount {
            Given::Literal(amount) => quote!(#to.resource(#name, #amount);),
            Given::Expr(expr) => {
                let (option, value) = (format!("resources({name})"), value(expr));
                let bind = converted("amount")(expr);
                quote! {
                    #to.at(#option);
                    #bind
                    #to.computed(#name, #value);
                }
            }
        });
    }
    if isolate.is_some() {
        statements.extend(quote!(#to.isolate();));
    }
    statements
}

/// Returns the statements that set one option, if it is written. `bind` binds the value of an expression.
fn set<T>(
    to: &Ident,
    option: &str,
    given: &Opt<Given<T>>,
    bind: &dyn Fn(&Expr) -> TokenStream,
    literal: impl FnOnce(&T) -> TokenStream,
) -> TokenStream {
    let method = format_ident!("{option}");
    match given.as_ref().map(|written| &written.value) {
        None => TokenStream::new(),
        Some(Given::Literal(value)) => {
            let value = literal(value);
            quote!(#to.#method(#value);)
        }
        Some(Given::Expr(expr)) => {
            let (bind, value) = (bind(expr), value(expr));
            quote! {
                #to.at(#option);
                #bind
                #to.#method(#value);
            }
        }
    }
}

/// Returns the variable that holds the value of an expression.
fn value(expr: &Expr) -> Ident {
    Ident::new("__value", expr.span().resolved_at(Span::mixed_site()))
}

/// Binds the value of an expression, which must have this type. The compiler reports another one at the expression.
fn typed(ty: &TokenStream) -> impl Fn(&Expr) -> TokenStream {
    move |expr| {
        let value = value(expr);
        let at_expr = |mut token: TokenTree| {
            token.set_span(expr.span());
            token
        };
        let ty: TokenStream = ty.clone().into_iter().map(at_expr).collect();
        quote_spanned!(expr.span()=> let #value: #ty = #expr;)
    }
}

/// Binds the value of an expression, which a function of `__private` converts. The compiler reports a type that has no
/// conversion at the expression.
fn converted(function: &'static str) -> impl Fn(&Expr) -> TokenStream {
    move |expr| {
        let (value, private) = (value(expr), private_at(expr.span()));
        let function = Ident::new(function, expr.span());
        quote_spanned!(expr.span()=> let #value = #private::#function(#expr);)
    }
}

fn duration(duration: &Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// Returns the variant of `Declares`.
fn declares(attr: &PolicyAttr) -> Ident {
    let has_demands = attr.threads.is_some() || attr.resources.is_some();
    let name = match has_demands {
        false => "Options",
        true if demands(attr).any(mentions_attempt) => "DemandsByAttempt",
        true => "Demands",
    };
    Ident::new(name, Span::call_site())
}

/// Returns the expressions of threads and resources.
fn demands(attr: &PolicyAttr) -> impl Iterator<Item = &Expr> {
    let threads = attr.threads.iter().filter_map(|written| expression(&written.value));
    let resources = attr.resources.iter().flat_map(|resources| &resources.value);
    threads.chain(resources.filter_map(|demand| expression(&demand.amount)))
}

/// Returns the expressions of all options.
fn expressions(attr: &PolicyAttr) -> impl Iterator<Item = &Expr> {
    let others = [
        attr.retries.as_ref().and_then(|written| expression(&written.value)),
        attr.backoff.as_ref().and_then(|written| expression(&written.value)),
        attr.timeout.as_ref().and_then(|written| expression(&written.value)),
        attr.priority.as_ref().and_then(|written| expression(&written.value)),
    ];
    others.into_iter().flatten().chain(demands(attr))
}

fn expression<T>(given: &Given<T>) -> Option<&Expr> {
    match given {
        Given::Literal(_) => None,
        Given::Expr(expr) => Some(expr),
    }
}

/// Returns whether an expression may use the number of the attempt, also as `{attempt}` in a text.
fn mentions_attempt(expr: &Expr) -> bool {
    expr.to_token_stream().to_string().contains(ATTEMPT)
}

/// Returns the pattern of the argument that is the number of the attempt, and a statement that uses it.
///
/// It is the identifier that the user has written, so that an expression in a `macro_rules!` sees it.
fn attempt(attr: &PolicyAttr) -> (TokenStream, TokenStream) {
    let mut all = expressions(attr).filter(|expr| mentions_attempt(expr)).peekable();
    if all.peek().is_none() {
        return (quote!(_), TokenStream::new());
    }
    let written = all.find_map(|expr| find_attempt(expr.to_token_stream()));
    let attempt = written.unwrap_or_else(|| Ident::new(ATTEMPT, Span::call_site()));
    (attempt.to_token_stream(), quote!(let _ = #attempt;))
}

/// Returns the first identifier `attempt`.
fn find_attempt(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == ATTEMPT => Some(ident),
        TokenTree::Group(group) => find_attempt(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

//! Parses the entries of `requires`: one task, or a list or map of tasks.
//!
//! ```text
//! ENTRY = DEPENDENCY [if COND] | [DEPENDENCY for PAT in EXPR [if COND]] | {KEY[: TYPE] => DEPENDENCY for ...}
//! DEPENDENCY  = TYPE [{ FIELD[: EXPR], ... }] [with KEY = EXPR, ...]
//! ```

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Ident, Lit, Pat, Result, Token, Type, braced, bracketed, token};

use super::path::{self, KeyPath};
use super::{options, written};

/// An entry of `requires`, with its name if it has one.
pub(crate) struct Entry {
    pub(crate) name: Option<Ident>,
    pub(crate) dependency: Dependency,
    pub(crate) form: Form,
}

/// How many tasks an entry requires.
pub(crate) enum Form {
    One,
    /// `if COND`
    Optional(Expr),
    List(Each),
    Map(Box<Key>, Each),
}

/// The key expression of a map, and its type if it was written.
pub(crate) struct Key {
    pub(crate) expr: Expr,
    pub(crate) ty: Option<Type>,
}

/// `for PAT in EXPR if COND`
pub(crate) struct Each {
    pub(crate) pat: Pat,
    pub(crate) items: Expr,
    pub(crate) cond: Option<Expr>,
}

/// A required task, and the values that are set for it and for tasks further upstream.
pub(crate) struct Dependency {
    pub(crate) task: Type,
    pub(crate) fields: Vec<FieldValue>,
    pub(crate) with: Vec<(KeyPath, Expr)>,
}

/// `field: expr`; without an expression, the value is the variable with the name of the field.
pub(crate) struct FieldValue {
    pub(crate) field: Ident,
    pub(crate) value: Option<Expr>,
}

/// Parses the content of `requires(...)`.
pub(crate) fn entries(content: ParseStream<'_>) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    while !content.is_empty() {
        let name = is_named(content).then(|| content.parse::<Ident>()).transpose()?;
        if let Some(first) = entries.first()
            && first.name.is_some() != name.is_some()
        {
            let message = "either all entries have a name or none has; \
                           write `name = Task` for each";
            return Err(content.error(message));
        }
        if let Some(name) = &name {
            if entries.iter().any(|entry| entry.name.as_ref() == Some(name)) {
                let message = format!("two entries are named `{name}`; each needs its own name");
                return Err(syn::Error::new_spanned(name, message));
            }
            content.parse::<Token![=]>()?;
        }
        entries.push(entry(name, content)?);
        if content.is_empty() {
            break;
        }
        if !content.peek(Token![,]) {
            return Err(after_entry(content));
        }
        content.parse::<Token![,]>()?;
    }
    Ok(entries)
}

fn is_named(content: ParseStream<'_>) -> bool {
    content.peek(Ident)
        && content.peek2(Token![=])
        && !content.peek2(Token![==])
        && !content.peek2(Token![=>])
}

/// Parses one entry, after its name.
pub(crate) fn entry(name: Option<Ident>, input: ParseStream<'_>) -> Result<Entry> {
    let (dependency, form) = if input.peek(token::Bracket) {
        let content;
        let brackets = bracketed!(content in input);
        options::all_of(&content, |content| {
            let dependency = dependency(content)?;
            if content.is_empty() || content.peek(Token![,]) {
                let task = written(&dependency.task);
                let message = format!(
                    "brackets hold one task for each item: `[Task {{ x }} for x in xs]`; write \
                     `requires = {task}` for one task, `requires(A, B)` for several"
                );
                return Err(syn::Error::new(brackets.span.join(), message));
            }
            let each = each(content, "[Task { x } for x in xs]", NO_ELSE_IN_A_LIST)?;
            Ok((dependency, Form::List(each)))
        })?
    } else if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        options::all_of(&content, |content| {
            let key = key(content)?;
            let dependency = dependency(content)?;
            let each = each(content, "{x => Task { x } for x in xs}", NO_ELSE_IN_A_MAP)?;
            Ok((dependency, Form::Map(Box::new(key), each)))
        })?
    } else {
        let dependency = dependency(input)?;
        if input.peek(Token![for]) {
            return Err(
                input.error("a task for each item stands in brackets: `[Task for x in xs]`")
            );
        }
        let form = match condition(input, NO_ELSE)? {
            Some(cond) => Form::Optional(cond),
            None => Form::One,
        };
        return Ok(Entry { name, dependency, form });
    };
    if input.peek(Token![if]) {
        return Err(input.error(
            "the condition of a list or map stands inside it: `[Task for x in xs if cond]`",
        ));
    }
    if input.peek(Ident) && input.fork().parse::<Ident>()? == "with" {
        return Err(
            input.error("`with` follows the task: `[Task with Task::KEY = expr for x in xs]`")
        );
    }
    Ok(Entry { name, dependency, form })
}

/// Returns the error for a token after an entry that is no comma.
fn after_entry(input: ParseStream<'_>) -> syn::Error {
    input.error(
        "expected `,`, or after the task `{ field: expr }`, `with Task::KEY = expr` or `if cond`",
    )
}

fn dependency(input: ParseStream<'_>) -> Result<Dependency> {
    let task =
        path::named_type(input, "a task, `[Task for x in xs]` or `{x => Task for x in xs}`")?;
    if input.peek(token::Paren) {
        return Err(input.error("a task's parameters are set by name: `Task { field: expr }`"));
    }
    let fields = if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        options::all_of(&content, literal)?
    } else {
        Vec::new()
    };
    let mut with = Vec::new();
    if input.peek(Ident) && input.fork().parse::<Ident>()? == "with" {
        input.parse::<Ident>()?;
        let name = written(&task);
        with.push(setting(input, &name)?);
        while input.peek(Token![,]) {
            let ahead = input.fork();
            ahead.parse::<Token![,]>()?;
            if !KeyPath::is_next(&ahead) {
                break;
            }
            input.parse::<Token![,]>()?;
            with.push(setting(input, &name)?);
        }
    }
    Ok(Dependency { task, fields, with })
}

/// Parses `field: expr, field`.
fn literal(content: ParseStream<'_>) -> Result<Vec<FieldValue>> {
    let mut fields: Vec<FieldValue> = Vec::new();
    while !content.is_empty() {
        if content.peek(Token![..]) {
            let message = "leave out `..`: a parameter that is not listed takes the value that the flow \
                           gives, or its default";
            return Err(content.error(message));
        }
        if content.peek(syn::LitInt) {
            return Err(content.error("a task's fields have names: `field: expr`"));
        }
        let field: Ident = content.parse()?;
        if fields.iter().any(|set| set.field == field) {
            let message = format!("`{field}` is set twice; set it once");
            return Err(syn::Error::new_spanned(field, message));
        }
        let value = if content.peek(Token![:]) {
            content.parse::<Token![:]>()?;
            Some(content.parse()?)
        } else if content.is_empty() || content.peek(Token![,]) {
            None
        } else {
            return Err(content.error("expected `:` or `,`, as in `Task { field: expr, other }`"));
        };
        fields.push(FieldValue { field, value });
        if content.is_empty() {
            break;
        }
        content.parse::<Token![,]>()?;
    }
    Ok(fields)
}

fn setting(input: ParseStream<'_>, task: &str) -> Result<(KeyPath, Expr)> {
    let key = KeyPath::parse_with(input, task)?;
    if !input.peek(Token![=]) {
        return Err(input.error("expected `=`, as in `with Task::KEY = expr`"));
    }
    input.parse::<Token![=]>()?;
    Ok((key, input.parse()?))
}

fn key(content: ParseStream<'_>) -> Result<Key> {
    let expr = content.parse()?;
    let ty = if content.peek(Token![:]) {
        content.parse::<Token![:]>()?;
        Some(content.parse()?)
    } else {
        None
    };
    if !content.peek(Token![=>]) {
        if let Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) = &expr
            && syn::parse_str::<Ident>(&name.value()).is_ok()
        {
            let task = ty.map_or_else(|| "Task".to_owned(), |ty: Type| written(&ty));
            let message = format!(
                "tasks with names are written `requires({} = {task}, ...)`; a map has one entry for each item: \
                 `{{key => Task {{ x }} for x in xs}}`",
                name.value()
            );
            return Err(syn::Error::new_spanned(name, message));
        }
        return Err(content.error("expected `=>`, as in `{key => Task { x } for x in xs}`"));
    }
    content.parse::<Token![=>]>()?;
    Ok(Key { expr, ty })
}

/// Parses `for PAT in EXPR if COND`; `no_else` is the error message for an `else`.
fn each(content: ParseStream<'_>, example: &str, no_else: &str) -> Result<Each> {
    if !content.peek(Token![for]) {
        return Err(content.error(format_args!("expected `for`, as in `{example}`")));
    }
    content.parse::<Token![for]>()?;
    let pat = content.call(Pat::parse_multi_with_leading_vert)?;
    content.parse::<Token![in]>()?;
    let items = content.parse()?;
    if content.peek(Token![for]) {
        return Err(content.error(
            "an entry has one `for`; iterate over pairs, such as `for (x, y) in self.pairs()`, with a \
             method that returns them",
        ));
    }
    Ok(Each { pat, items, cond: condition(content, no_else)? })
}

fn condition(input: ParseStream<'_>, no_else: &str) -> Result<Option<Expr>> {
    if !input.peek(Token![if]) {
        if input.peek(Token![else]) {
            return Err(input.error(no_else));
        }
        return Ok(None);
    }
    input.parse::<Token![if]>()?;
    let cond = input.parse()?;
    if input.peek(Token![if]) {
        return Err(input.error("an entry has one `if`; write `if first && second`"));
    }
    if input.peek(Token![else]) {
        return Err(input.error(no_else));
    }
    if input.peek(Token![for]) {
        return Err(
            input.error("the condition follows the list: `[Task { x } for x in xs if cond]`")
        );
    }
    Ok(Some(cond))
}

const NO_ELSE: &str = "an entry has no `else`; write a second entry with the opposite condition: \
                       `a = First if cond, b = Second if !cond`";

const NO_ELSE_IN_A_LIST: &str = "a list has no `else`; write two: `a = [First for x in xs if cond], \
                                 b = [Second for x in xs if !cond]`";

const NO_ELSE_IN_A_MAP: &str = "a map has no `else`; write two: `a = {x => First for x in xs if cond}, \
                                b = {x => Second for x in xs if !cond}`";

impl ToTokens for Dependency {
    /// Writes the type of the task, where errors about the entry are reported.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.task.to_tokens(tokens);
    }
}

#[cfg(test)]
mod tests;

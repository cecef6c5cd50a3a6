//! Finds every mistake in a declared task that a macro can see.
//!
//! All mistakes are reported at once. Each message says what is wrong and what to write instead, and
//! points at the wrong tokens. The compiler checks types; `expand` chooses the spans of generated code
//! so that the compiler's errors point at the user's tokens, too.

mod field_type;
mod kind;
mod required;

use std::collections::HashSet;
use std::fmt::Display;

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;
use syn::{Attribute, Data, Fields, GenericParam, LitStr, PatIdent, Type};

pub(crate) use self::field_type::is_refused;
pub(crate) use self::kind::has_needless_run;
pub(crate) use self::required::is_function;
use crate::attr::entry::{Entry, Form};
use crate::attr::word;
use crate::ctxt::Ctxt;
use crate::key_type;
use crate::model::{Param, Task};
use crate::spans::plain;

/// How many tasks can be required without names.
pub(crate) const MAX_UNNAMED: usize = 16;

/// The longest name of a task, in characters.
const MAX_NAME_LENGTH: usize = 80;

/// Reports every mistake in `task` to `ctxt`.
pub(crate) fn check(task: &Task<'_>, ctxt: &Ctxt) {
    shape(task, ctxt);
    kind::function(task, ctxt);
    misplaced(task, ctxt);
    names(task, ctxt);
    kind::target(task, ctxt);
    requires(task, ctxt);
    let place = if task.function.is_some() { "in the function" } else { "in `run`" };
    for param in &task.params {
        options(param, ctxt);
        field_type::check(&param.field.ty, place, ctxt);
        default(param, place, ctxt);
    }
    keys(task, ctxt);
}

/// Checks that a task is a struct with named fields or without fields, and borrows nothing.
fn shape(task: &Task<'_>, ctxt: &Ctxt) {
    let name = &task.input.ident;
    match &task.input.data {
        Data::Struct(data) => {
            if let Fields::Unnamed(fields) = &data.fields {
                let message = format!(
                    "the parameters of a task have names; write `struct {name} {{ field: Type }}`"
                );
                ctxt.error(fields, message);
            }
        }
        Data::Enum(data) => ctxt.error(
            data.enum_token,
            "a task is a struct; make the enum a parameter of one: `struct Task { kind: Enum }`",
        ),
        Data::Union(data) => {
            ctxt.error(data.union_token, "a task is a struct; a union cannot be stored");
        }
    }
    for parameter in &task.input.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            let message = "a task borrows nothing, since it outlives the place where it is \
                           declared; own the value, such as `String` for `&str`";
            ctxt.error(lifetime, message);
        }
    }
}

/// Reports `#[param]` above the struct, and `#[task]` above a field.
fn misplaced(task: &Task<'_>, ctxt: &Ctxt) {
    let named = |attributes: &[Attribute], name: &str, message: &str| {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            ctxt.error(attribute, message);
        }
    };
    let of_task = match task.function {
        Some(_) => "`#[param]` stands before an argument; for the task itself write `#[task(...)]`",
        None => "`#[param]` stands above a field; for the task itself write `#[task(...)]`",
    };
    let of_field = "`#[task]` stands above the struct; for a field write `#[param(...)]`";
    let of_phantom = "a `PhantomData` holds nothing, so it is no parameter; leave out `#[param]`";
    named(&task.input.attrs, "param", of_task);
    if let Data::Struct(data) = &task.input.data {
        for field in &data.fields {
            named(&field.attrs, "task", of_field);
            if field.ident.as_ref().is_some_and(|ident| task.phantoms.contains(&ident)) {
                named(&field.attrs, "param", of_phantom);
            }
        }
    }
}

fn names(task: &Task<'_>, ctxt: &Ctxt) {
    let attr = &task.attr;
    for literal in [&attr.name, &attr.was].into_iter().flatten().map(|written| &written.value) {
        name(literal, ctxt);
    }
    if attr.name.is_none() && !is_name(&task.struct_name()) {
        let message =
            format!("{}; write `#[task(name = \"...\")]`", name_rule("the name of a task"));
        ctxt.error(&task.input.ident, message);
    }
    if let Some(was) = &attr.was {
        let own = attr.name.as_ref().map_or_else(|| task.struct_name(), |name| name.value.value());
        if was.value.value() == own {
            let message = format!(
                "`{own}` is the present name of the task; leave out `was`, or write its former name"
            );
            ctxt.error(&was.value, message);
        }
    }
}

fn name(literal: &LitStr, ctxt: &Ctxt) {
    if !is_name(&literal.value()) {
        ctxt.error(literal, name_rule("a name"));
    }
}

fn name_rule(what: impl Display) -> String {
    format!(
        "{what} has 1 to {MAX_NAME_LENGTH} ASCII letters, digits, `_` or `-`, \
         and starts with a letter or `_`"
    )
}

/// Returns whether a name is allowed. Names are parts of paths on every system, so few characters are.
fn is_name(name: &str) -> bool {
    let starts = |first: char| first.is_ascii_alphabetic() || first == '_';
    name.chars().next().is_some_and(starts)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() <= MAX_NAME_LENGTH
}

fn requires(task: &Task<'_>, ctxt: &Ctxt) {
    let entries = task.entries();
    if !task.is_named()
        && let Some(entry) = entries.get(MAX_UNNAMED)
    {
        let message = format!(
            "at most {MAX_UNNAMED} tasks are required without names; write `name = Task` for each"
        );
        ctxt.error(&entry.dependency, message);
    }
    required::cycle(task, ctxt);
    for entry in entries {
        own_parameters(entry, task, ctxt);
        required::check(entry, task, ctxt);
        if let Form::Map(key, each) = &entry.form
            && key_type::infer(key, each, &task.params).is_none()
        {
            let written = crate::text::to_text(key.expr.to_token_stream());
            let message = format!(
                "the type of this key cannot be seen here; write it: `{{{written}: Type => ...}}`"
            );
            ctxt.error(&key.expr, message);
        }
    }
}

/// Reports `Task { n }` if `n` is a parameter of the task itself, and no variable of the entry.
fn own_parameters(entry: &Entry, task: &Task<'_>, ctxt: &Ctxt) {
    let mut variables = Variables::default();
    match &entry.form {
        Form::One => {}
        Form::Optional(cond) => variables.visit_expr(cond),
        Form::List(each) | Form::Map(_, each) => {
            variables.visit_pat(&each.pat);
            each.cond.iter().for_each(|cond| variables.visit_expr(cond));
        }
    }
    for set in entry.dependency.fields.iter().filter(|set| set.value.is_none()) {
        let field = &set.field;
        let is_parameter = task.params.iter().any(|param| param.ident == field);
        if is_parameter && !variables.0.contains(field) {
            let message =
                format!("`{field}` is a parameter of this task: write `{field}: self.{field}`");
            ctxt.error(field, message);
        }
    }
}

/// The variables that patterns bind.
#[derive(Default)]
struct Variables(HashSet<Ident>);

impl Visit<'_> for Variables {
    fn visit_pat_ident(&mut self, pat: &PatIdent) {
        self.0.insert(pat.ident.clone());
        syn::visit::visit_pat_ident(self, pat);
    }
}

/// Reports options of a parameter that contradict each other.
fn options(param: &Param<'_>, ctxt: &Ctxt) {
    let attr = &param.attr;
    if attr.from.is_some() {
        let others = [
            word(&attr.default),
            word(&attr.range),
            word(&attr.choices),
            word(&attr.file),
            word(&attr.was),
        ];
        for other in others.into_iter().flatten() {
            let message = format!(
                "with `from` it is another task's parameter, \
                 and `{other}` belongs to that one; leave it out here"
            );
            ctxt.error(other, message);
        }
    }
    if let (Some(_), Some(choices)) = (&attr.range, &attr.choices) {
        ctxt.error(&choices.word, "`range` and `choices` both limit the values; keep one");
    }
    if let Some(was) = &attr.was {
        if was.value.value() == plain(param.ident) {
            let message = format!(
                "`{}` is the present name of the field; leave out `was`, or write its former name",
                plain(param.ident)
            );
            ctxt.error(&was.value, message);
        } else if syn::parse_str::<Ident>(&was.value.value()).is_err() {
            let message = format!(
                "a field cannot have been named `{}`; write the former name of the field, such as \
                 `was = \"old_name\"`",
                was.value.value()
            );
            ctxt.error(&was.value, message);
        }
    }
    if let (Some(file), Type::Path(path)) = (&attr.file, &param.field.ty)
        && let Some(last) = path.path.get_ident()
        && NO_PATHS.iter().any(|plain| last == plain)
    {
        let message = format!(
            "`file` is for a path, and `{last}` is none; make `{}` a `PathBuf`, or leave out `file`",
            plain(param.ident)
        );
        ctxt.error(&file.word, message);
    }
}

/// Primitive types, which cannot be a path.
const NO_PATHS: [&str; 16] = [
    "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64",
];

/// Reports `self` in a default or limit, which is the same for all instances.
///
/// `place` says where the parameters are known: in `run`, or in the function.
fn default(param: &Param<'_>, place: &str, ctxt: &Ctxt) {
    let attr = &param.attr;
    let default = attr.default.as_ref().and_then(|default| default.value.as_ref());
    let limits = [
        attr.range.as_ref().map(|range| range.value.to_token_stream()),
        attr.choices.as_ref().map(|choices| choices.value.to_token_stream()),
    ];
    let rule = "`self` is not available: defaults and limits are the same for all instances, and cannot \
                depend on other parameters";
    if let Some(word) = default.and_then(|default| find_self(default.to_token_stream())) {
        let message =
            format!("{rule}; compute it {place}, or take an `Option` and fill it in there");
        ctxt.error(word, message);
    }
    for word in limits.into_iter().flatten().filter_map(find_self) {
        ctxt.error(word, format_args!("{rule}; check the value {place}"));
    }
}

/// Returns the first `self` that is a value, and not the start of a path such as `self::LIMIT`.
fn find_self(tokens: TokenStream) -> Option<Ident> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "self" && !starts_path(tokens.peek()) => {
                return Some(ident);
            }
            TokenTree::Group(group) => {
                if let Some(word) = find_self(group.stream()) {
                    return Some(word);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns whether the token after a word is the first `:` of `::`.
fn starts_path(next: Option<&TokenTree>) -> bool {
    matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}

/// Reports two fields whose typed keys, or stored parameters, would have the same name.
fn keys(task: &Task<'_>, ctxt: &Ctxt) {
    for (index, param) in task.params.iter().enumerate() {
        let before = &task.params[..index];
        if let Some(first) = before.iter().find(|first| first.key == param.key) {
            let message = format!(
                "the keys of `{}` and `{}` would both be `{}`; rename one of them",
                first.ident, param.ident, param.key
            );
            ctxt.error(param.ident, message);
        } else if let Some(first) = before.iter().find(|first| stored(first) == stored(param)) {
            let was = [&param.attr.was, &first.attr.was].into_iter().flatten().next();
            let (names, stored) =
                (format!("`{}` and `{}`", first.ident, param.ident), stored(param));
            let message = if param.attr.was.is_some() && first.attr.was.is_some() {
                format!(
                    "{names} both say `was = \"{stored}\"`, and only one field can have been \
                     `{stored}`; leave out one `was`"
                )
            } else {
                format!(
                    "{names} would both be stored as `{stored}`; leave out this `was`, or give the \
                     other one a `was`, too"
                )
            };
            match was {
                Some(was) => ctxt.error(&was.value, message),
                None => ctxt.error(param.ident, message),
            }
        }
    }
}

/// Returns the name under which a parameter is stored.
fn stored(param: &Param<'_>) -> String {
    param.attr.was.as_ref().map_or_else(|| plain(param.ident), |was| was.value.value())
}

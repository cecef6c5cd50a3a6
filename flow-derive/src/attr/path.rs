//! Parses the paths in attributes.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    AngleBracketedGenericArguments, Ident, Path, PathArguments, PathSegment, QSelf, Result, Token,
    Type, TypePath,
};

use super::{options, written};
use crate::spans::key;

/// Parses `crate = path`. The path must be absolute, so that it has the same meaning in every module.
pub(crate) fn facade(word: &Ident, input: ParseStream<'_>) -> Result<Path> {
    let path = options::value(word, input, "::flow", Path::parse_mod_style)?;
    let absolute = path.leading_colon.is_some()
        || path.segments.first().is_some_and(|first| first.ident == "crate");
    if absolute {
        return Ok(path);
    }
    let written = written(&path);
    Err(syn::Error::new_spanned(
        path,
        format!(
            "a relative path means another thing in another module; write `crate = ::{written}` \
             for a dependency, or `crate = crate::{written}` for a module of this crate"
        ),
    ))
}

/// Parses a type that is named by a path, and stops before `(` and `{`.
///
/// `syn` would take the parentheses as a part of the path, as in `Fn(A)`.
pub(crate) fn named_type(input: ParseStream<'_>, expected: &str) -> Result<Type> {
    // A type that a `macro_rules!` has matched as `$t:ty` is one invisible group.
    if input.peek(syn::token::Group) {
        return input.parse();
    }
    if input.peek(Token![<]) {
        return qualified(input);
    }
    let starts = input.peek(Token![::])
        || input.peek(syn::Ident)
        || input.peek(Token![crate])
        || input.peek(Token![self])
        || input.peek(Token![super])
        || input.peek(Token![Self]);
    if !starts {
        return Err(input.error(format_args!("expected {expected}")));
    }
    let leading_colon = input.parse()?;
    let segments = segments(input)?;
    Ok(Type::Path(TypePath {
        attrs: Vec::new(),
        qself: None,
        path: Path { leading_colon, segments },
    }))
}

/// Parses `<T as Trait>::Name`.
fn qualified(input: ParseStream<'_>) -> Result<Type> {
    let lt_token = input.parse()?;
    let ty = input.parse()?;
    let as_token: Option<Token![as]> = input.parse()?;
    let mut path = match as_token {
        Some(_) => Path { leading_colon: input.parse()?, segments: segments(input)? },
        None => Path { leading_colon: None, segments: Punctuated::new() },
    };
    let gt_token = input.parse()?;
    let colons: Token![::] = input.parse()?;
    let position = path.segments.len();
    if as_token.is_some() {
        path.segments.push_punct(colons);
    } else {
        path.leading_colon = Some(colons);
    }
    path.segments.extend(segments(input)?.into_pairs());
    let qself = QSelf { lt_token, ty: Box::new(ty), position, as_token, gt_token };
    Ok(Type::Path(TypePath { attrs: Vec::new(), qself: Some(qself), path }))
}

fn segments(input: ParseStream<'_>) -> Result<Punctuated<PathSegment, Token![::]>> {
    let mut segments = Punctuated::new();
    loop {
        let ident = syn::ext::IdentExt::parse_any(input)?;
        let turbofish = input.peek(Token![::]) && input.peek3(Token![<]);
        let arguments = if turbofish || input.peek(Token![<]) && !input.peek(Token![<=]) {
            PathArguments::AngleBracketed(if turbofish {
                AngleBracketedGenericArguments::parse_turbofish(input)?
            } else {
                input.parse()?
            })
        } else {
            PathArguments::None
        };
        segments.push_value(PathSegment { ident, arguments });
        if !input.peek(Token![::]) {
            return Ok(segments);
        }
        segments.push_punct(input.parse()?);
    }
}

/// The typed key of a parameter, as users write it: `Train::MODEL`, `<Fit<Ols>>::C`.
pub(crate) struct KeyPath(TypePath);

impl KeyPath {
    pub(crate) fn parse(input: ParseStream<'_>) -> Result<Self> {
        Self::parse_with(input, "Load")
    }

    /// Parses a key. An error for a key without its task names `task` as an example.
    pub(crate) fn parse_with(input: ParseStream<'_>, task: &str) -> Result<Self> {
        let Type::Path(path) = named_type(input, "a parameter, such as `Train::MODEL`")? else {
            return Err(input.error("expected a parameter, such as `Train::MODEL`"));
        };
        if input.peek(Token![.]) && input.peek2(syn::Ident) {
            input.parse::<Token![.]>()?;
            let field: Ident = input.parse()?;
            let task = path.path.segments.last().map(|last| last.ident.to_string());
            let (task, key) = (task.unwrap_or_default(), key(&field));
            let message = format!("a parameter is named by its key: write `{task}::{key}`");
            return Err(syn::Error::new_spanned(quote!(#path . #field), message));
        }
        if path.qself.is_none() && path.path.segments.len() < 2 {
            let name = path.to_token_stream();
            let message = format!(
                "`{name}` does not name its task; write the task before it, such as `{task}::{name}`"
            );
            return Err(syn::Error::new_spanned(path, message));
        }
        Ok(Self(path))
    }

    /// Returns whether a key and a `=` come next.
    pub(crate) fn is_next(input: ParseStream<'_>) -> bool {
        let ahead = input.fork();
        Self::parse(&ahead).is_ok() && ahead.peek(Token![=]) && !ahead.peek(Token![==])
    }

    pub(crate) fn span(&self) -> Span {
        self.0.span()
    }
}

impl ToTokens for KeyPath {
    /// Writes the path as an expression. `Fit<Ols>::C` is no expression, so it becomes `<Fit<Ols>>::C`.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.0.path;
        let arguments = path.segments.iter().any(|segment| !segment.arguments.is_none());
        if self.0.qself.is_some() || !arguments {
            return self.0.to_tokens(tokens);
        }
        let mut task = path.clone();
        let Some(name) = task.segments.pop() else {
            return;
        };
        task.segments.pop_punct();
        let (first, _) = crate::spans::ends(&task);
        tokens.extend(quote_spanned!(first=> <#task>::#name));
    }
}

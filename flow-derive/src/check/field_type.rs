//! Checks the types of fields: reports references, functions, and types that share or guard a value.
//!
//! For these the compiler would report several errors, or miss a lifetime. All other types are left to the
//! compiler, which knows what a name stands for.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, PathArguments, PathSegment, Type, TypeFnPtr, TypeParamBound, TypePath,
    TypeTraitObject,
};

use crate::attr::words;
use crate::ctxt::Ctxt;
use crate::function::argument::owned;
use crate::spans::plain;
use crate::text::short_type;

/// Reports mistakes in the type of a field. `place` says where the task is computed: in `run`, or in the
/// function.
pub(super) fn check(ty: &Type, place: &str, ctxt: &Ctxt) {
    if let Some(function) = function(ty) {
        let message = format!(
            "a function is no parameter; write an `enum` of the possible functions, and `match` on it {place}"
        );
        return ctxt.error(function, message);
    }
    for guard in guards(ty) {
        let inner = guarded(guard).map_or_else(TokenStream::new, |ty| owned(inside(ty)));
        let message = format!(
            "a parameter is a plain value; write `{}` instead of `{}`",
            short_type(inner),
            short_type(guard.to_token_stream())
        );
        ctxt.error(guard, message);
    }
    references(ty.to_token_stream(), ctxt);
}

/// Returns whether a type is refused because it is a function, or shares or guards a value. Other threads may not be
/// able to use such a type.
pub(crate) fn is_refused(ty: &Type) -> bool {
    function(ty).is_some() || !guards(ty).is_empty()
}

fn references(tokens: TokenStream, ctxt: &Ctxt) {
    for token in tokens {
        match &token {
            TokenTree::Group(group) => references(group.stream(), ctxt),
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                ctxt.error(punct, words::MUST_OWN);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Types of the standard library that hold the values of their type arguments.
const HOLDERS: [&str; 9] =
    ["Option", "Box", "Vec", "VecDeque", "BTreeMap", "HashMap", "Rc", "Arc", "RefCell"];

/// Returns the function pointer or `dyn Fn` that a value of this type holds.
///
/// The arguments of the user's own types do not count: `Id<fn() -> User>` may hold no function, and a trait of the
/// user may be one that can be stored.
fn function(ty: &Type) -> Option<&Type> {
    match ty {
        Type::FnPtr(_) => Some(ty),
        Type::TraitObject(object) => is_function(object).then_some(ty),
        Type::Paren(inner) => function(&inner.elem),
        Type::Group(inner) => function(&inner.elem),
        Type::Reference(inner) => function(&inner.elem),
        Type::Array(inner) => function(&inner.elem),
        Type::Slice(inner) => function(&inner.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(function),
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            let is_holder = HOLDERS.iter().any(|holder| last.ident == holder);
            arguments(last).filter(|_| is_holder).find_map(function)
        }
        _ => None,
    }
}

/// Returns whether a trait object is a `dyn Fn`, `dyn FnMut` or `dyn FnOnce`.
fn is_function(object: &TypeTraitObject) -> bool {
    object.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| ["Fn", "FnMut", "FnOnce"].iter().any(|name| last.ident == name)),
        _ => false,
    })
}

/// Returns the type arguments of a segment of a path.
fn arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        PathArguments::None | PathArguments::Parenthesized(_) => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Returns the outermost types within `ty` that share or guard a value.
fn guards(ty: &Type) -> Vec<&TypePath> {
    let mut guards = Guards(Vec::new());
    guards.visit_type(ty);
    guards.0
}

struct Guards<'a>(Vec<&'a TypePath>);

impl<'a> Visit<'a> for Guards<'a> {
    fn visit_type_path(&mut self, node: &'a TypePath) {
        match guarded(node) {
            Some(_) => self.0.push(node),
            None => visit::visit_type_path(self, node),
        }
    }

    fn visit_type_fn_ptr(&mut self, _: &'a TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &'a TypeTraitObject) {}
}

/// Returns `T` of `Rc<T>`, `RefCell<T>` and, if the path starts with `std` or `core`, of `Mutex<T>`, `RwLock<T>` and
/// `Cell<T>`: users have types of their own with these names. A type without an argument is the user's, too.
fn guarded(path: &TypePath) -> Option<&Type> {
    let segments = &path.path.segments;
    let last = segments.last().filter(|_| path.qself.is_none())?;
    let is_standard = segments.len() > 1
        && segments.first().is_some_and(|first| first.ident == "std" || first.ident == "core");
    let is_guard = match plain(&last.ident).as_str() {
        "Rc" | "RefCell" => true,
        "Mutex" | "RwLock" | "Cell" => is_standard,
        _ => false,
    };
    arguments(last).next().filter(|_| is_guard)
}

/// Returns the plain value inside `ty`: `u8` of `Rc<RefCell<u8>>` is inside `RefCell<u8>`.
fn inside(ty: &Type) -> &Type {
    match ty {
        Type::Path(path) => guarded(path).map_or(ty, inside),
        _ => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(ty: &str) -> Vec<String> {
        let ctxt = Ctxt::new();
        check(&syn::parse_str(ty).expect("a type"), "in `run`", &ctxt);
        ctxt.check().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_type_inside_a_guard_is_named() {
        for (ty, message) in [
            ("std::rc::Rc<u8>", "write `u8` instead of `Rc<u8>`"),
            ("Rc<RefCell<Vec<u8>>>", "write `Vec<u8>` instead of `Rc<RefCell<Vec<u8>>>`"),
            ("Option<Rc<str>>", "write `String` instead of `Rc<str>`"),
            ("::std::sync::Mutex<u8>", "write `u8` instead of `Mutex<u8>`"),
        ] {
            let mistakes = mistakes(ty);
            assert!(mistakes.len() == 1 && mistakes[0].ends_with(message), "{ty}: {mistakes:?}");
        }
        for ty in ["Rc", "Mutex<u8>", "my::Cell<u8>", "std::sync::Arc<u8>"] {
            assert!(mistakes(ty).is_empty(), "{ty}");
        }
    }

    #[test]
    fn a_function_is_one_mistake() {
        for ty in
            ["fn(&str) -> u8", "Box<dyn Fn(&str) + Send>", "Vec<Option<fn()>>", "Rc<dyn Fn()>"]
        {
            let mistakes = mistakes(ty);
            assert!(
                mistakes.len() == 1 && mistakes[0].starts_with("a function"),
                "{ty}: {mistakes:?}"
            );
        }
        for ty in ["Id<fn() -> User>", "Box<dyn Model>", "Id<fn(Rc<u8>)>"] {
            assert!(mistakes(ty).is_empty(), "{ty}");
        }
    }
}

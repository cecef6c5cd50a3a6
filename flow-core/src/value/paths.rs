//! Determines which texts in a value are paths.
//!
//! In a [`Value`](super::Value), a path is a text like any other. Only the type that wrote the text
//! distinguishes it. The serializer sees that type at each place, as the type parameter of the
//! called method: an item of a `Vec<(String, PathBuf)>` is written by two calls, one of them for a
//! `String`.
//!
//! If a type of paths occurs anywhere in a value, only texts that are known to be something else
//! are left out: strings, dates, addresses. A text of an unknown type may be a path type of another
//! crate, and counts as a path. The same holds if the type of paths is not seen in this value, for
//! example in another variant of an enum. If the parameter itself is a `String`, a collection of
//! them, or a newtype of these, all texts are paths: `Vec<String>` is a list of paths.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// How the names of the standard library's path types start.
const PATH: &str = "std::path::Path";

/// Types whose texts are not paths.
const TEXTS: [&str; 5] = [
    "alloc::string::String",
    "str",
    "alloc::boxed::Box<str>",
    "alloc::rc::Rc<str>",
    "alloc::sync::Arc<str>",
];

/// Crates and modules whose types are not paths.
const NO_PATHS: [&str; 7] =
    ["chrono::", "core::net::", "jiff::", "std::net::", "time::", "url::", "uuid::"];

/// The texts of a value that are paths.
pub(crate) enum Paths {
    /// All of them.
    All,
    /// The texts in this set.
    Of(HashSet<String>),
}

/// A value, and the paths in it.
pub(crate) type WithPaths = (super::Value, Paths);

impl Paths {
    pub(crate) fn contains(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(paths) => paths.contains(text),
        }
    }
}

/// Collects the texts of a value while it is written.
#[derive(Default)]
pub(super) struct Texts {
    has_path_type: Cell<bool>,
    /// Whether the parameter is a text or a collection of texts.
    is_of_texts: Cell<bool>,
    /// The texts that may be paths, if not all are.
    paths: RefCell<HashSet<String>>,
}

impl Texts {
    /// Records that a place of type `T` is about to be written, and returns the name of the type.
    pub(super) fn enter<T: ?Sized>(&self) -> &'static str {
        let ty = type_name::<T>();
        if ty.contains(PATH) {
            self.has_path_type.set(true);
        }
        ty
    }

    /// Records that the parameter, or the content of its newtype, has this type.
    pub(super) fn is_of<T: ?Sized>(&self) {
        if is_of_texts(type_name::<T>()) {
            self.is_of_texts.set(true);
        }
    }

    /// Records the text at a place of this type.
    pub(super) fn add(&self, text: &str, ty: &str) {
        if !is_text(ty) {
            self.paths.borrow_mut().insert(text.to_owned());
        }
    }

    pub(super) fn into_paths(self) -> Paths {
        match self.is_of_texts.get() && !self.has_path_type.get() {
            true => Paths::All,
            false => Paths::Of(self.paths.into_inner()),
        }
    }
}

/// Returns whether texts of this type are not paths.
fn is_text(ty: &str) -> bool {
    let ty = ty.trim_start_matches('&');
    let is_cow = ty.starts_with("alloc::borrow::Cow<") && ty.ends_with("str>");
    is_cow || TEXTS.contains(&ty) || NO_PATHS.iter().any(|module| ty.starts_with(module))
}

/// Returns whether the type is a text, or a collection of texts that consists of standard types
/// only.
fn is_of_texts(ty: &str) -> bool {
    let mut parts = ty.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
    let is_known = |part: &str| {
        let of_std = ["alloc::", "core::", "std::", "indexmap::"];
        !part.contains("::") || of_std.iter().any(|of| part.starts_with(of))
    };
    let mut texts = ty.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
    parts.all(is_known) && texts.any(|part| matches!(part, "alloc::string::String" | "str"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use std::net::IpAddr;
    use std::path::{Path, PathBuf};

    use serde::Serialize;

    use super::super::serialize::paths_of;

    /// Returns the texts that are paths in a value.
    fn paths<T: Serialize>(value: &T, texts: &[&'static str]) -> Vec<&'static str> {
        let paths = paths_of(value).expect("a value");
        texts.iter().copied().filter(|text| paths.contains(text)).collect()
    }

    #[derive(Serialize)]
    struct Label(String);

    #[derive(Serialize)]
    struct Source {
        label: Label,
        name: Cow<'static, str>,
        host: IpAddr,
        file: Option<PathBuf>,
        more: Vec<PathBuf>,
        other: Other,
    }

    #[derive(Serialize)]
    #[serde(transparent)]
    struct Other(PathBuf);

    #[test]
    fn texts_beside_paths_are_not_paths() {
        let texts = ["a", "b", "c", "d", "10.0.0.1"];
        assert_eq!(paths(&vec![("a".to_owned(), PathBuf::from("b"))], &texts), ["b"]);
        assert_eq!(paths(&vec![("a", Path::new("b"))], &texts), ["b"]);
        assert_eq!(paths(&vec![("a".to_owned(), None::<PathBuf>)], &texts), [""; 0]);
        assert_eq!(paths(&(vec!["a"], Vec::<PathBuf>::new()), &texts), [""; 0]);
        let by_name = BTreeMap::from([("a", ("b", Cow::Borrowed(Path::new("c"))))]);
        assert_eq!(paths(&by_name, &texts), ["c"]);
        let source = |file: Option<&str>| Source {
            label: Label("a".to_owned()),
            name: "b".into(),
            host: [10, 0, 0, 1].into(),
            file: file.map(PathBuf::from),
            more: vec!["d".into()],
            other: Other("e".into()),
        };
        assert_eq!(paths(&source(Some("c")), &texts), ["c", "d"]);
        assert_eq!(paths(&source(None), &["a", "b", "c", "e", "10.0.0.1"]), ["e"]);
    }

    #[test]
    fn all_texts_are_paths_if_no_path_type_occurs() {
        let texts = ["a", "b"];
        assert_eq!(paths(&"a", &texts), texts);
        assert_eq!(paths(&Some(vec!["a", "b"]), &texts), texts);
        assert_eq!(paths(&BTreeMap::from([("k", "a")]), &texts), texts);
        assert_eq!(paths(&Label("a".to_owned()), &texts), texts);
    }

    #[test]
    fn texts_of_a_type_that_may_have_paths_are_not_paths() {
        #[derive(Serialize)]
        enum Src {
            File(PathBuf),
            Inline(String),
        }

        #[derive(Serialize)]
        struct Part {
            label: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            file: Option<PathBuf>,
        }

        assert_eq!(paths(&Src::Inline("a".to_owned()), &["a"]), [""; 0]);
        assert_eq!(paths(&Src::File("a".into()), &["a"]), ["a"]);
        assert_eq!(paths(&vec![Src::Inline("a".to_owned())], &["a"]), [""; 0]);
        let part = |file: Option<&str>| Part { label: "a".to_owned(), file: file.map(Into::into) };
        assert_eq!(paths(&part(None), &["a", "b"]), [""; 0]);
        assert_eq!(paths(&part(Some("b")), &["a", "b"]), ["b"]);
    }

    #[test]
    fn a_text_of_an_unknown_type_may_be_a_path() {
        struct Unknown;

        impl Serialize for Unknown {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str("b")
            }
        }

        assert_eq!(paths(&("a", Unknown, PathBuf::from("c")), &["a", "b", "c"]), ["b", "c"]);
    }
}

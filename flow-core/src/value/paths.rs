//! Which of the texts in a value are paths.
//!
//! In a [`Value`](super::Value) a path is a text like any other. What tells them apart is the type that wrote
//! the text, which the serializer sees at each place as the type parameter of the method that is called: an
//! item of a `Vec<(String, PathBuf)>` is written by two calls, of which one is for a `String`.
//!
//! If a type of paths stands anywhere in a value, the texts that are surely none are left out: strings, dates,
//! addresses. A text of a type that is not known here may be that of a path type of another crate, and
//! counts as one. The same holds if a type of paths is not seen in this value, as in another variant of an enum. All
//! texts are paths if the parameter itself is a `String`, a collection of them, or a newtype of these:
//! `Vec<String>` is a list of paths.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// How the name of each path type of the standard library begins.
const PATH: &str = "std::path::Path";

/// Types whose texts are no paths.
const TEXTS: [&str; 5] = [
    "alloc::string::String",
    "str",
    "alloc::boxed::Box<str>",
    "alloc::rc::Rc<str>",
    "alloc::sync::Arc<str>",
];

/// Crates and modules whose types are no paths.
const NO_PATHS: [&str; 7] =
    ["chrono::", "core::net::", "jiff::", "std::net::", "time::", "url::", "uuid::"];

/// The texts of a value that are paths.
pub(crate) enum Paths {
    /// All of them.
    All,
    /// Those that are equal to one of these.
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

/// The texts that are seen while a value is written.
#[derive(Default)]
pub(super) struct Texts {
    has_path_type: Cell<bool>,
    /// Whether the parameter is a text, or a collection of texts.
    is_of_texts: Cell<bool>,
    /// Those that may be paths where not all are.
    paths: RefCell<HashSet<String>>,
}

impl Texts {
    /// Notes that a place of type `T` is about to be written, and gives the type's name.
    pub(super) fn enter<T: ?Sized>(&self) -> &'static str {
        let ty = type_name::<T>();
        if ty.contains(PATH) {
            self.has_path_type.set(true);
        }
        ty
    }

    /// Notes that the parameter itself, or what it is a newtype of, has this type.
    pub(super) fn is_of<T: ?Sized>(&self) {
        if is_of_texts(type_name::<T>()) {
            self.is_of_texts.set(true);
        }
    }

    /// Notes the text of a place of this type.
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

/// Whether a text of this type is surely no path.
fn is_text(ty: &str) -> bool {
    let ty = ty.trim_start_matches('&');
    let is_cow = ty.starts_with("alloc::borrow::Cow<") && ty.ends_with("str>");
    is_cow || TEXTS.contains(&ty) || NO_PATHS.iter().any(|module| ty.starts_with(module))
}

/// Whether it is a type of texts, or a collection of them and of nothing that is not of the standard library.
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

    /// Which of these are paths in a value.
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
    fn texts_beside_paths_are_none() {
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
    fn without_paths_all_texts_are() {
        let texts = ["a", "b"];
        assert_eq!(paths(&"a", &texts), texts);
        assert_eq!(paths(&Some(vec!["a", "b"]), &texts), texts);
        assert_eq!(paths(&BTreeMap::from([("k", "a")]), &texts), texts);
        assert_eq!(paths(&Label("a".to_owned()), &texts), texts);
    }

    #[test]
    fn texts_of_a_type_that_may_have_paths_are_none() {
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

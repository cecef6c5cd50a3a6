//! Interns the words and literals of the source as numbers.
//!
//! A crate has some hundred thousand tokens and some thousand distinct words. With numbers, a token is
//! small and comparisons are cheap. This matters because macros are compiled without optimization.

use std::collections::HashMap;
use std::sync::Arc;

/// The number of an interned word or literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

/// All interned words and literals.
pub(crate) struct Names {
    texts: Vec<Arc<str>>,
    known: HashMap<Arc<str>, Name>,
}

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        let text = without_raw(text);
        if let Some(&name) = self.known.get(text) {
            return name;
        }
        let text: Arc<str> = text.into();
        let name = Name(self.texts.len() as u32);
        self.texts.push(text.clone());
        self.known.insert(text, name);
        name
    }

    /// Returns the name of `text`, if the text is interned.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        self.known.get(without_raw(text)).copied()
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}

/// Removes `r#` unless the word is a keyword: `r#want` is `want`, but `r#type` is not `type`.
fn without_raw(text: &str) -> &str {
    let is_name = |word: &str| {
        // A raw string must not reach `syn`: the compiler would report errors in it to the user.
        word.chars().all(|c| c == '_' || c.is_alphanumeric())
            && !kw::ALL.contains(&word)
            && syn::parse_str::<syn::Ident>(word).is_ok()
    };
    match text.strip_prefix("r#") {
        Some(word) if is_name(word) => word,
        _ => text,
    }
}

impl Default for Names {
    /// Interns the keywords first, so that they have the numbers of [`kw`].
    fn default() -> Self {
        let mut names = Self { texts: Vec::new(), known: HashMap::new() };
        for word in kw::ALL {
            names.intern(word);
        }
        names
    }
}

/// The words that the code analysis knows, with fixed numbers.
pub(crate) mod kw {
    use super::Name;

    macro_rules! keywords {
        ($($name:ident = $text:literal),* $(,)?) => {
            #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "only counted")]
            enum Place { $($name),* }
            $(pub(crate) const $name: Name = Name(Place::$name as u32);)*
            pub(super) const ALL: &[&str] = &[$($text),*];
        };
    }

    keywords! {
        AS = "as",
        ASYNC = "async",
        AUTO = "auto",
        CFG = "cfg",
        CFG_ATTR = "cfg_attr",
        CONST = "const",
        CRATE = "crate",
        DEFAULT = "default",
        DYN = "dyn",
        ENUM = "enum",
        EXTERN = "extern",
        FEATURE = "feature",
        FN = "fn",
        FOR = "for",
        IMPL = "impl",
        LET = "let",
        MACRO = "macro",
        MACRO_RULES = "macro_rules",
        MOD = "mod",
        MUT = "mut",
        NOT = "not",
        ANY = "any",
        PATH = "path",
        PUB = "pub",
        REF = "ref",
        RUN = "Run",
        SAFE = "safe",
        SELF = "self",
        SELF_TYPE = "Self",
        STATIC = "static",
        STRUCT = "struct",
        SUPER = "super",
        TARGET = "Target",
        TASK = "task",
        TASK_TYPE = "Task",
        TEST = "test",
        TRACKED = "tracked",
        TRAIT = "trait",
        TYPE = "type",
        UNDERSCORE = "_",
        UNION = "union",
        UNSAFE = "unsafe",
        USE = "use",
        VALUE = "Value",
        WHERE = "where",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_their_numbers() {
        let mut names = Names::default();
        assert_eq!(names.intern("as"), kw::AS);
        assert_eq!(names.intern("where"), kw::WHERE);
        assert_eq!(names.text(kw::MACRO_RULES), "macro_rules");
        let new = names.intern("standardise");
        assert_eq!(names.intern("standardise"), new);
        assert_eq!(names.find("nowhere"), None);
    }

    #[test]
    fn a_raw_name_is_the_name_unless_that_is_a_keyword() {
        let mut names = Names::default();
        assert_eq!(names.intern("r#want"), names.intern("want"));
        assert_eq!(names.find("r#want"), names.find("want"));
        for raw in ["r#type", "r#match", "r#\"want\"#"] {
            let name = names.intern(raw);
            assert_eq!(names.text(name), raw);
        }
    }
}

//! The name of the new crate, which cargo, rustc and the files of the template must accept.

use crate::error::StartError;

/// The greatest length, in characters: that of crates.io.
const LONGEST: usize = 64;

/// The keywords of all editions, and the reserved ones.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates of Rust.
const STANDARD: &[&str] = &["alloc", "core", "proc_macro", "std", "test"];

/// Folders in which cargo builds.
const BUILD_FOLDERS: &[&str] = &["build", "deps", "examples", "incremental"];

/// Names that no file can have on Windows, before the numbered ones.
const DEVICES: &[&str] = &["aux", "con", "nul", "prn"];

/// The libraries that the crate depends on, and their parts.
const DEPENDENCIES: &[&str] =
    &["flow", "flow_cli", "flow_core", "flow_derive", "flow_targets", "serde", "typed_flow"];

/// The names that `tests/pipeline.rs` of the template imports, which would be ambiguous as the name of the crate.
const IMPORTED: &[&str] = &["cleaned", "report", "testing"];

/// A valid name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Checks a name.
    pub(crate) fn new(text: &str) -> Result<Self, StartError> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(problem) => Err(StartError::Refused(format!(
                "cannot name a crate {}: {problem}; choose another name with --name",
                short(text)
            ))),
        }
    }

    /// Returns the name of the package, which may have hyphens.
    pub(crate) fn package(&self) -> &str {
        &self.0
    }

    /// Returns the name of the library in Rust.
    pub(crate) fn library(&self) -> String {
        library(&self.0)
    }
}

fn library(package: &str) -> String {
    package.replace('-', "_")
}

/// Returns the reason why a name is invalid.
fn problem(text: &str) -> Option<String> {
    let is_allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_');
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
        return Some(format!(
            "it contains {c:?}, but only a to z, 0 to 9, `-` and `_` are allowed"
        ));
    }
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("it does not begin with a letter".to_owned());
    }
    if text.len() > LONGEST {
        return Some(format!("it is longer than {LONGEST} characters"));
    }
    let library = library(text);
    let library = library.as_str();
    let reasons = [
        (KEYWORDS.contains(&library), "it is a keyword of Rust"),
        (STANDARD.contains(&library), "it is the name of a crate of Rust"),
        (BUILD_FOLDERS.contains(&library), "it is the name of a folder in which cargo builds"),
        (is_device(library), "it is the name of a device on Windows"),
        (DEPENDENCIES.contains(&library), "it is the name of a dependency"),
        (IMPORTED.contains(&library), "the template uses it for something else"),
    ];
    let reason = reasons.into_iter().find(|(applies, _)| *applies);
    reason.map(|(_, reason)| reason.to_owned())
}

fn is_device(name: &str) -> bool {
    let number = name.strip_prefix("com").or_else(|| name.strip_prefix("lpt"));
    let is_digit = |number: &str| matches!(number.as_bytes(), [b'1'..=b'9']);
    DEVICES.contains(&name) || number.is_some_and(is_digit)
}

/// Returns the beginning of a text in quotes, with control characters escaped.
fn short(text: &str) -> String {
    let end = if text.chars().nth(LONGEST).is_some() { "..." } else { "" };
    format!("{:?}{end}", text.chars().take(LONGEST).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_have_hyphens_and_its_library_has_none() {
        let name = Name::new("my-2nd_pipeline").expect("a valid name");
        assert_eq!(name.package(), "my-2nd_pipeline");
        assert_eq!(name.library(), "my_2nd_pipeline");
        let longest = "a".repeat(LONGEST);
        for valid in ["a", "flows", "tests", "com10", "comx", "weather-", longest.as_str()] {
            assert!(Name::new(valid).is_ok(), "{valid}");
        }
    }

    #[test]
    fn a_name_is_refused_with_its_reason() {
        let cases = [
            ("", "it is empty"),
            ("Weather", "it contains 'W'"),
            ("my weather", "it contains ' '"),
            ("météo", "it contains 'é'"),
            ("a::b", "it contains ':'"),
            ("a.b", "it contains '.'"),
            ("a/b", "it contains '/'"),
            ("a\u{1b}[2J", "it contains '\\u{1b}'"),
            ("weather\n", "it contains '\\n'"),
            ("2nd", "does not begin with a letter"),
            ("-a", "does not begin with a letter"),
            ("_", "does not begin with a letter"),
            ("fn", "keyword"),
            ("self", "keyword"),
            ("gen", "keyword"),
            ("test", "crate of Rust"),
            ("proc-macro", "crate of Rust"),
            ("deps", "folder in which cargo builds"),
            ("nul", "device"),
            ("com7", "device"),
            ("flow", "dependency"),
            ("serde", "dependency"),
            ("typed-flow", "dependency"),
            ("report", "the template uses it"),
        ];
        for (name, reason) in cases {
            let error = Name::new(name).expect_err(name).to_string();
            assert!(error.contains(reason), "{name:?}: {error}");
            assert!(error.ends_with("choose another name with --name"), "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        let long = Name::new(&"a".repeat(100_000)).expect_err("too long").to_string();
        assert!(long.contains("longer than 64") && long.len() < 200, "{long}");
    }
}

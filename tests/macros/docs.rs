//! Documentation comments and attributes, and texts with quotes, backslashes and unicode.

use wf::__private::Declared;
use wf::prelude::*;
use wf::testing;

#[doc = concat!("a", "b")]
#[derive(Task)]
#[task(target = Json<u8>)]
struct DocOfMacro {
    #[doc = concat!("a", "b")]
    #[param(default = 1)]
    n: u8,
    /// Before.
    #[doc = concat!("c", "d")]
    /// After.
    #[param(default = 1)]
    mixed: u8,
}

#[tracked]
impl Run for DocOfMacro {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(self.n + self.mixed)
    }
}

/// The first line.
///
///   Indented, with "quotes", a \backslash, `{braces}`, *stars* and ünïcödé → 日本語.
#[task(target = Json<u8>)]
#[doc = concat!("a", "b")]
fn doc_of_function(
    #[doc = concat!("a", "b")]
    #[param(default = 1)]
    n: u8,
    /// With "quotes" and a \backslash.
    #[param(default = 1)]
    m: u8,
    /** A block. */
    #[param(default = 1)]
    block: u8,
) -> u8 {
    n + m + block
}

/// The documentation of a struct, `"quoted"`.
#[derive(Task)]
#[task(target = Json<String>)]
struct Texts {
    /// "Quoted" \ and ß.
    #[param(default = "\"\\\n{}", choices = ["\"\\\n{}", "ß"])]
    escaped: String,
    #[param(default = r#"a "raw" \ text"#)]
    raw: String,
    #[param(default = "→ 日本語")]
    unicode: String,
}

#[tracked]
impl Run for Texts {
    fn run(&self, _: &Cx<Self>) -> Result<String> {
        Ok(format!("{}{}{}", self.escaped, self.raw, self.unicode))
    }
}

#[derive(Task)]
#[task(target = Json<u8>)]
#[doc(hidden)]
#[doc(alias = "other")]
struct Hidden {}

#[tracked]
impl Run for Hidden {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[test]
fn a_macro_in_a_documentation_is_expanded() {
    assert!(DocOfMacro::N.doc().contains("ab"), "{:?}", DocOfMacro::N.doc());
    assert!(doc_of_function::N.doc().contains("ab"), "{:?}", doc_of_function::N.doc());
    let mixed = DocOfMacro::MIXED.doc();
    assert!(
        mixed.contains("Before.") && mixed.contains("cd") && mixed.contains("After."),
        "{mixed:?}"
    );
    assert!(<DocOfMacro as Declared>::__decl().doc.contains("ab"));
    assert!(<doc_of_function as Declared>::__decl().doc.contains("ab"));
    assert_eq!(<Hidden as Declared>::__decl().doc, "");
}

#[test]
fn a_documentation_is_text() {
    let doc = <doc_of_function as Declared>::__decl().doc;
    assert!(doc.contains("The first line.\n\n"), "{doc:?}");
    assert!(doc.contains(r#""quotes", a \backslash, `{braces}`"#), "{doc:?}");
    assert!(doc.contains("ünïcödé → 日本語"), "{doc:?}");
    assert_eq!(doc_of_function::M.doc(), "With \"quotes\" and a \\backslash.");
    assert_eq!(doc_of_function::BLOCK.doc(), "A block.");
}

#[test]
fn texts_are_values() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(Texts, DocOfMacro, doc_of_function, Hidden)>()?;
    assert_eq!(*flow.load::<Texts>()?, "\"\\\n{}a \"raw\" \\ text→ 日本語");
    assert_eq!((*flow.load::<DocOfMacro>()?, *flow.load::<doc_of_function>()?), (2, 3));
    Ok(())
}

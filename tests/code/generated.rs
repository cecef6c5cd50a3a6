//! Code that build scripts generate is tracked, of this package and of indirect dependencies, and
//! so are modules that only a macro declares. Code without effect on a value is not.

use std::collections::BTreeSet;

use crate::fixture::Fixture;

/// A registry that is never contacted, because a folder replaces it.
const CONFIG: &str = r#"[registries.tests]
index = "https://registry.invalid/index"

[source.tests]
registry = "https://registry.invalid/index"
replace-with = "folder"

[source.folder]
directory = "registry"
"#;

/// Items that do not change the value of any task.
const UNRELATED: &str = r#"
thread_local! {
    static CACHE: std::cell::RefCell<Vec<f64>> = std::cell::RefCell::new(Vec::new());
}

#[inline]
pub fn number() -> f64 {
    CACHE.with(|_| 0.0)
}

fn main() -> Result<()> {
    println!("{}", number());"#;

#[test]
fn generated_code_is_tracked() {
    let fixture = Fixture::copy("generated");
    fixture.write(".cargo/config.toml", CONFIG);
    let first = fixture.run();
    first.has_not("PENDING");
    assert_eq!(first.line("stored:"), first.line("called:"));

    // Items that no task reaches, more derives, a hint to the optimizer, and a method that is never
    // called.
    fixture.edit("\nfn main() -> Result<()> {", UNRELATED);
    fixture
        .edit("#[derive(Default)]\nstruct", "#[derive(Default, Debug, Clone, PartialEq)]\nstruct");
    fixture.edit(
        "    fn value(&self) -> f64;",
        "    fn value(&self) -> f64;\n    fn twice(&self) -> f64 { 2.0 }",
    );
    fixture.edit(
        "    fn value(&self) -> f64 {",
        "    #[inline(always)]\n    fn value(&self) -> f64 {",
    );
    fixture.edit_in("src/ols.rs", "pub fn", "#[inline]\npub fn");
    let preview = fixture.preview().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(preview.pending(), []);

    fixture.write("proto/schema.txt", "2.0\n");
    fixture.write("schema.txt", "2.0\n");
    fixture.edit_in("src/ols.rs", "1.0", "2.0");
    let preview = fixture.preview().unwrap_or_else(|error| panic!("{error}"));
    let pending = preview.pending();
    let pending: BTreeSet<&str> = pending.iter().map(|(task, _)| task.as_str()).collect();
    let expected = [
        "included",
        "variable",
        "optional",
        "text",
        "bytes",
        "condition",
        "generated",
        "own_variable",
        "declared",
        "All",
    ];
    assert_eq!(pending, BTreeSet::from(expected));
    preview.has("included PENDING code: included (generated.rs) changed");
    preview.has("variable PENDING code: env SCHEMA changed");
    preview.has("text PENDING code: schema.txt changed");
    preview.has("condition PENDING code: cfg doubled changed");
    let second = fixture.run();
    second.has_not("PENDING");
    assert_eq!(second.line("stored:"), second.line("called:"));
    assert_ne!(second.line("stored:"), first.line("stored:"));
}

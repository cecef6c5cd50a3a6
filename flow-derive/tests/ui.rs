//! What the macros say about wrong uses, and that right ones compile.
//!
//! A case is a file of `tests/ui`, in the folder of what it is about; what the compiler says of it
//! stands beside it. After a change of the messages, `TRYBUILD=overwrite cargo test -p flow-derive`
//! writes them anew, to be read.

use std::process::Command;

#[test]
fn right_uses_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn wrong_uses_are_explained() {
    // Much of a message is the compiler's, which words it differently in each version.
    let promised = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().expect("the compiler");
    let version = String::from_utf8_lossy(&version.stdout);
    if !version.starts_with(&format!("rustc {promised}.")) {
        eprintln!("skipped: the messages are those of Rust {promised}, and this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    for kind in
        ["task", "kind", "outputs", "param", "requires", "tracked", "run", "refresh", "function"]
    {
        cases.compile_fail(format!("tests/ui/{kind}/*.rs"));
    }
}

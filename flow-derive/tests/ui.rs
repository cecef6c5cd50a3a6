//! The errors of the macros for wrong uses. The package `flow-macro-tests` has the right uses.
//!
//! Each case is a file of `tests/ui`, in the folder of its subject, with the expected compiler
//! output beside it. After a change of messages, `TRYBUILD=overwrite cargo test -p flow-derive`
//! writes the expected output anew, to be reviewed.

use std::process::Command;

#[test]
fn wrong_uses_are_explained() {
    // A large part of a message comes from the compiler, whose wording differs between versions.
    let promised = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().expect("the compiler");
    let version = String::from_utf8_lossy(&version.stdout);
    if !version.starts_with(&format!("rustc {promised}.")) {
        eprintln!("skipped: the messages are those of Rust {promised}, and this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    for kind in [
        "task", "kind", "outputs", "row", "param", "requires", "tracked", "run", "refresh",
        "policy", "function",
    ] {
        cases.compile_fail(format!("tests/ui/{kind}/*.rs"));
    }
}

//! What the macros say about wrong uses, and that right ones compile.
//!
//! A case is a file of `tests/ui`, in the folder of what it is about; what the compiler says of it
//! stands beside it. After a change of the messages, `TRYBUILD=overwrite cargo test --test ui`
//! writes them anew, to be read.

#[test]
fn right_uses_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn wrong_uses_are_explained() {
    let cases = trybuild::TestCases::new();
    for kind in ["task", "param", "requires", "tracked", "run"] {
        cases.compile_fail(format!("tests/ui/{kind}/*.rs"));
    }
}

//! Tests that imports are followed, and that the items to which names resolve count.

use super::*;

#[test]
fn imports_are_followed_whatever_they_are_called() {
    let text = "mod a { pub mod b { pub fn deep() {} pub fn near() { super::up() } } fn up() {} \
                pub use self::b::deep as renamed; pub enum Kind { Big, Small } }\n";
    for (import, call) in [
        ("use a::b::deep;", "deep()"),
        ("use a::b::deep as d;", "d()"),
        ("use a::renamed;", "renamed()"),
        ("use crate::a::{b::{self, near}, renamed as r};", "b::deep()"),
        ("use a::b::*;", "deep()"),
        ("", "crate::a::b::deep()"),
        ("", "{ use a::b::deep; deep() }"),
        ("", "{ use a::b::*; deep() }"),
        ("use self::outer::inner;", "inner::deep()"),
    ] {
        let outer = "mod outer { pub use super::a::b as inner; }";
        reaches(&format!("{text} {outer} {import} fn go() {{ {call} }}"), &["deep", "go"]);
    }
    reaches(&format!("{text} use a::b::near; fn go() {{ near() }}"), &["go", "near", "up"]);
    reaches(&format!("{text} use a::Kind::*; fn go() {{ Big; }}"), &["enum Kind", "go"]);
    // Cyclic imports.
    reaches(
        "mod x { pub use super::y::*; } mod y { pub use super::x::*; pub fn f() {} } \
             use x::f; use z as z; fn go() { f(); z() }",
        &["f", "go"],
    );
}

#[test]
fn exchanged_imports_count_and_moved_items_do_not() {
    let text = |one, two| {
        format!(
            "mod fast {{ pub fn f() -> u8 {{ 1 }} }} mod slow {{ pub fn f() -> u8 {{ 2 }} }} \
             use {one}::f as a; use {two}::f as b; fn go() {{ a(); b() }}"
        )
    };
    let (was, now) = (Package::new(&text("fast", "slow")), Package::new(&text("slow", "fast")));
    let (was, now) = (digests(&was.table()), digests(&now.table()));
    assert_eq!(was[1..], now[1..], "the same items");
    assert_ne!(was[0], now[0], "with other meanings");

    let here =
        Package::new("fn helper() { helper2() } fn helper2() { helper() } fn go() { helper() }");
    let moved = Package::new("mod far; use far::helper; fn go() { helper() }");
    moved.write(
        "src/far/mod.rs",
        "mod more; use more::helper2; /** Doc. */ pub fn helper() { helper2() }",
    );
    moved
        .write("src/far/more.rs", "use super::helper;\npub(super) fn helper2() {\n    helper()\n}");
    assert_eq!(digests(&here.table()), digests(&moved.table()));

    // Exchanged imports of traits as `_`.
    let text = |of| {
        format!(
            "mod a {{ pub trait S {{ fn s(&self) {{}} }} impl<T> S for T {{}} }} \
             mod b {{ pub trait S {{ fn s(&self) {{ 1; }} }} impl<T> S for T {{}} }} \
             use {of}::S as _; fn go() {{ 1.s() }}"
        )
    };
    let (a, b) = (Package::new(&text("a")).table(), Package::new(&text("b")).table());
    assert_ne!(digests(&a), digests(&b));

    // Types and traits with one name that differ only in their impls and methods.
    for (item, call) in [
        ("pub struct K; impl K { pub fn k(&self) -> u8 { N } }", "A.k(); B.k()"),
        ("pub struct K; impl crate::Fit for K { fn fit(&self) -> u8 { N } }", "A.fit(); B.fit()"),
        ("pub trait K { fn k() -> u8 { N } } impl K for u8 {}", "<u8 as A>::k(); <u8 as B>::k()"),
        ("pub trait K { fn k(&self) -> u8 { N } }", "one(1); two(2)"),
    ] {
        let text = |a, b| {
            format!(
                "mod x {{ {} }} mod y {{ {} }} use {a}::K as A; use {b}::K as B; \
                 trait Fit {{ fn fit(&self) -> u8; }} fn go() {{ {call} }} \
                 fn one<T: A>(x: T) {{ x.k() }} fn two<T: B>(x: T) {{ x.k(); 2 }}",
                item.replace('N', "1"),
                item.replace('N', "2"),
            )
        };
        let (a, b) = (Package::new(&text("x", "y")).table(), Package::new(&text("y", "x")).table());
        assert_ne!(digests(&a), digests(&b), "{item}");
    }
}

#[test]
fn the_resolution_of_a_foreign_name_counts() {
    let text = |from| format!("use {from}::Map; fn go() {{ Map::new() }}");
    let table = |from| digests(&Package::new(&text(from)).table());
    assert_ne!(table("std::collections"), table("std::others"));
    assert_eq!(table("std::collections"), table("std::collections"));
}

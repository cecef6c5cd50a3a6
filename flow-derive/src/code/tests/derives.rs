//! Tests that derives and methods without an effect on the output do not count.

use super::*;

#[track_caller]
fn same(a: &str, b: &str) {
    let (a, b) = (Package::new(a), Package::new(b));
    assert_eq!(digests(&a.table()), digests(&b.table()));
}

#[track_caller]
fn differ(a: &str, b: &str) {
    let (a, b) = (Package::new(a), Package::new(b));
    assert_ne!(digests(&a.table()), digests(&b.table()));
}

#[test]
fn a_derive_of_the_standard_library_does_not_count() {
    let text = |attributes: &str| format!("{attributes} struct S {{ x: u8 }} fn go() {{ S }}");
    same(&text(""), &text("#[derive(Debug, Clone, Copy)] #[derive(Hash)]"));
    same(&text("#[derive(Serialize)]"), &text("#[derive(Debug, Serialize, PartialEq)]"));
    same(&text(""), &text("#[derive(std::fmt::Debug)]"));
    same(&text(""), &format!("use std::fmt::Debug; {}", text("#[derive(Debug)]")));
    // A derive of another crate, and a derive that may hide a method.
    differ(&text(""), &text("#[derive(Serialize)]"));
    differ(&text(""), &text("#[derive(derive_more::Debug)]"));
    differ(
        &format!("use derive_more::Debug; {}", text("")),
        &format!("use derive_more::Debug; {}", text("#[derive(Debug)]")),
    );
    let deref = "impl Deref for S { type Target = u8; fn deref(&self) -> &u8 { &self.x } }";
    let all = "trait Fit { fn fit(&self); } impl<T: Clone> Fit for T { fn fit(&self) {} }";
    differ(&format!("{all} {}", text("")), &format!("{all} {}", text("#[derive(Clone)]")));
    differ(&format!("{deref} {}", text("")), &format!("{deref} {}", text("#[derive(PartialOrd)]")));
}

#[test]
fn a_method_of_a_trait_counts_where_it_is_called() {
    let text = |more: &str, call: &str| {
        format!(
            "trait Fit {{ const N: u8 = 1; fn fit(&self) -> u8 {{ self.offset() }} \
             fn offset(&self) -> u8; {more} }} \
             struct S; impl Fit for S {{ fn offset(&self) -> u8 {{ 1 }} }} fn go() {{ {call} }}"
        )
    };
    same(&text("", "S.fit()"), &text("#[inline] fn more(&self) -> u8 { 1 }", "S.fit()"));
    for call in
        ["S.more()", "<S as Fit>::more(&S)", "Fit::more(&S)", "xs.map(Fit::more)", "S::more(&S)"]
    {
        let (one, two) = ("fn more(&self) -> u8 { 1 }", "fn more(&self) -> u8 { 2 }");
        differ(&text(one, call), &text(two, call));
    }
    differ(&text("", "S.fit()"), &text("const M: u8 = 1;", "S.fit()"));
    reaches(
        "trait Fit { fn fit(&self) { deep() } fn other(&self) { unused() } } fn deep() {} fn unused() {} \
         impl Fit for u8 {} fn go() { 1.fit() }",
        &["Fit::fit", "deep", "go", "impl Fit for u8", "trait Fit"],
    );
    // The first method with a body in a trait does not count either.
    let text = |more: &str| {
        format!(
            "trait T {{ fn a(&self); {more} }} impl T for u8 {{ fn a(&self) {{}} }} fn go() {{ 1.a() }}"
        )
    };
    same(&text(""), &text("fn b(&self) { 1; }"));
    // An attribute may rewrite the trait.
    let text = |more: &str| {
        format!(
            "#[automock] trait Fit {{ fn a(&self) {{}} {more} }} impl Fit for u8 {{}} fn go() {{ 1.a() }}"
        )
    };
    differ(&text(""), &text("fn b(&self) {}"));
}

#[test]
fn a_static_of_a_macro_counts_where_it_is_named() {
    for with in [
        "thread_local! { static CACHE: RefCell<Vec<f64>> = RefCell::new(Vec::new()); }",
        "thread_local!(pub static CACHE: Cell<f64> = const { Cell::new(1.0) });",
        "lazy_static! { static ref CACHE: Mutex<f64> = Mutex::new(f64::from(1)); }",
        "bitflags::bitflags! { struct Flags: u64 { const A = u64::from_str(1); } }",
    ] {
        let text = "use std::cell::{Cell, RefCell}; use std::sync::Mutex; fn go() -> Vec<f64> { let x: u64 = f64::from(Vec::new().len()); RefCell::new(x) }";
        same(text, &format!("{with} {text}"));
    }
    let text = |value: &str| {
        format!(
            "thread_local!(static A: u8 = 7; static B: Cell<u8> = Cell::new({value})); fn go() {{ B.get() }}"
        )
    };
    differ(&text("1"), &text("2"));
    reaches(&text("1"), &["go", "static B"]);
}

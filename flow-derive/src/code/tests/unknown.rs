//! Tests that names that cannot be resolved are warnings, and that no others are.

use super::*;

#[track_caller]
fn untracked(text: &str) -> Vec<String> {
    let package = Package::new(text);
    package.write(
        "Cargo.toml",
        "[package]\nname = \"a\"\n[dependencies]\nflow = { package = \"typed-flow\", version = \"1\" }\n\
         polars = \"1\"\nserde = \"1\"\n",
    );
    package.table().untracked.into_iter().collect()
}

#[test]
fn a_name_that_cannot_be_resolved_is_a_warning() {
    for (text, name) in [
        ("fn go() { calc::v() }", "calc::v"),
        ("fn go() { v(1) }", "v"),
        ("use flow::prelude::*; fn go() { Parser::new() }", "Parser::new"),
        ("mod m {} fn go() { m::v() }", "m::v"),
        ("mod m { pub use flow::prelude::*; } use m::*; fn go() -> Gone { 1 }", "Gone"),
        ("fn go() { println!(\"{}\", LIMIT) }", "LIMIT"),
        ("struct S { x: Gone } fn go() -> S { 1 }", "Gone"),
        (
            "fn go() { sum!(1); Gone::new() } macro_rules! sum { ($x:expr) => { $x + 1 } }",
            "Gone::new",
        ),
        (
            "mod m { sum!(); } use m::*; fn go() { gone() } macro_rules! sum { () => { fn f() {} } }",
            "gone",
        ),
    ] {
        let expected = format!("`{name}` in src/main.rs cannot be resolved");
        assert_eq!(untracked(text), [expected], "{text}");
    }
}

#[test]
fn names_that_can_be_resolved_are_no_warnings() {
    for text in [
        "use polars::prelude::*; fn go() { col(\"x\"); DataFrame::new(); LIMIT }",
        "mod m { pub use polars::prelude::*; } fn go() { m::col(1); } ",
        "use flow::prelude::*; #[derive(Task)] #[task(target = Json<u8>, resources(cpu = 2))] struct T; fn go() -> T { T }",
        "mod m { pub(crate) use polars::prelude::*; } use m::*; fn go() { col(1) }",
        "use flow::prelude::*; fn go() -> Result<Json<u8>> { let x: Secret<u8> = y; Ok(x) }",
        "fn go() { fn inner<T: Into<f64>>(x: T) -> T { x } struct L; impl L { fn m() {} } inner(1); L::m() }",
        "fn go() { let f = |x| x; f(1); for g in x { g(2) } if let Some(h) = y { h(3) } }",
        "fn go(f: impl Fn(u8)) { f(1) } ",
        "fn go<F: Fn(u8), T>(f: F) -> Vec<T> { f(1); T::new(); S::<T>::A } struct S<U>(U);",
        "fn go() -> impl Iterator<Item = u8> { <u8 as Add<Output = u8>>::add(E::A(1)) } enum E { A(u8), B }",
        "fn go() { use E::*; A; } enum E { A, B }",
        "fn go() { serde_json::json!({ Gone: [x(1)], y: Z }) } use serde as serde_json;",
        "fn go() { S; } #[derive(Builder)] struct S; fn x() { SBuilder::new() }",
        "#[derive(Builder)] struct S; fn go() { SBuilder::new() }",
        "bitflags::bitflags! { pub struct F: u8 { const A = 1; } } fn go() { F::A; F::all() }",
        "trait T { type O; const N: u8; fn f() -> Self::O; fn g() { Self::f(); Self::N } } fn go<X: T>() { X::g() }",
        "impl<const N: usize> S<N> { const K: [u8; N] = [0; N]; fn f<Q>(q: Q) -> Q { q } } struct S<const N: usize>; fn go() { S::<1>::f(S::<2>::K) }",
        "type A<T> = Vec<T>; fn go() -> A<u8> { vec![] }",
        "macro_rules! m { ($x:ident) => { $x(Gone) } } fn go() { m!(v) } fn v() {}",
        "fn go() { match x { Kind::A { y } => drop(y), _ => unreachable!() } } use serde::Kind;",
        "macro_rules! outer { () => { inner!(); } } macro_rules! inner { () => { fn made() {} } } outer!(); fn go() { made() }",
        "fn go() { make!(Row); Row::new() } macro_rules! make { ($n:ident) => { struct $n; } }",
        "fn go() { make!(A, Row); Row::new() } macro_rules! make { ($($n:ident),*) => { $(struct $n;)* } }",
        "fn go() { make!(); Row::new() } macro_rules! make { () => { struct Row; } }",
        "fn go() { outer!(pub Row); Row::new() } macro_rules! outer { ($v:vis $n:ident) => { inner!($v $n); } } \
         macro_rules! inner { ($v:vis $n:ident) => { enum $n {} } }",
        "mod m { outer!(); } use m::made; fn go() { made() } \
         macro_rules! outer { () => { inner!(); } } macro_rules! inner { () => { pub fn made() {} } }",
        "mod m { outer!(); } use m::*; fn go() { made() } \
         macro_rules! outer { () => { inner!(); } } macro_rules! inner { () => { pub fn made() {} } }",
        "column! { Gone(Kept) -> Other::of(x) } fn go() { price() } macro_rules! column { ($($t:tt)*) => { fn price() {} } }",
        "fn go() { column!(Gone(Kept)) } macro_rules! column { ($($t:tt)*) => { 1 } }",
        "async fn go() { async move { y }.await; unsafe { (z) }; let (a, b) = c; return (a); }",
    ] {
        assert_eq!(untracked(text), [""; 0], "{text}");
    }
}

#[test]
fn attributes_and_macros_that_may_generate_a_name_are_reached() {
    let reached =
        Package::new("#[derive(Builder)] struct S; fn go() { SBuilder::new() }").reached();
    assert_eq!(reached, ["go", "struct S"]);
    let macros = "macro_rules! outer { () => { inner!(); } } macro_rules! inner { () => { pub fn made() {} } }";
    for import in ["use m::made;", "use m::*;"] {
        let text = format!("{macros} mod m {{ outer!(); }} {import} fn go() {{ made() }}");
        assert_eq!(
            Package::new(&text).reached(),
            ["go", "inner!", "outer!", "outer!()"],
            "{import}"
        );
    }
    let reached = Package::new("pest::grammar! { \"x\" } fn go() { Rule::all() }").reached();
    assert_eq!(reached, ["go", "grammar!(\"x\")"]);
}

#[test]
fn a_macro_that_may_generate_a_name_is_reached_from_the_arguments_of_another_one() {
    for go in [
        // A macro of the source with the name of a standard one, and one with another name.
        "fn go() { column!(Rule::all()) } macro_rules! column { ($e:expr) => { $e } }",
        "fn go() { twice!(1, Rule::all()) } macro_rules! twice { ($n:expr, $e:expr) => { $e } }",
        "fn go() { kit::twice!(1, Rule::all()) }",
        // The name is in the body of the macro.
        "fn go() { parse!(1) } macro_rules! parse { ($e:expr) => { Rule::all($e) } }",
        // It may declare the name, and does not.
        "fn go() { twice!(Rule); Rule::all() } macro_rules! twice { ($t:ty) => { let $t = 1; } }",
    ] {
        let package = Package::new(&format!("pest::grammar! {{ \"x\" }} {go}"));
        let reached = package.reached();
        assert!(reached.contains(&"grammar!(\"x\")".to_owned()), "{go}: {reached:?}");
        assert!(package.table().untracked.is_empty(), "{go}");
    }
}

#[test]
fn a_name_that_another_item_declares_is_not_declared_by_this_one() {
    // The earlier function has a type and a function of these names.
    let earlier = "fn other() { struct Row; fn inner() {} }";
    for (text, path) in [("inner()", "inner"), ("Row::new()", "Row::new")] {
        let untracked = untracked(&format!("{earlier} fn go() {{ {text} }}"));
        let [warning] = &untracked[..] else { panic!("{text}: {untracked:?}") };
        assert!(warning.starts_with(&format!("`{path}` in ")), "{warning}");
    }
}

#[test]
fn a_macro_that_generates_what_a_function_imports_is_reached() {
    let macros = "macro_rules! outer { () => { inner!(); } } macro_rules! inner { () => { pub fn made() {} } }";
    let text = format!("mod m {{ outer!(); }} fn go() {{ use m::made; made() }} {macros}");
    let reached = Package::new(&text).reached();
    assert!(reached.contains(&"inner!".to_owned()), "{reached:?}");
}

#[test]
fn an_example_of_this_library_has_its_prelude() {
    let package = Package::new("use flow::prelude::*; fn flow() {} fn go() -> Csv<u8> { Gone }");
    package
        .write("Cargo.toml", "[package]\nname = \"typed-flow\"\n[lib]\nname = \"flow\"\n")
        .write("src/lib.rs", "pub mod prelude {}");
    let untracked = "`Gone` in src/main.rs cannot be resolved";
    assert_eq!(package.table().untracked, [untracked.to_owned()].into());
}

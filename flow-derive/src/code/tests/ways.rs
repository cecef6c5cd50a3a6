//! The ways by which code is reached, each in a crate of its own, where `want` changes the result.

use super::Package;

#[rustfmt::skip]
const WAYS: &[(&str, &str)] = &[
    ("macro impl", "fn go() { S.fit(); } struct S; trait Fit { fn fit(&self); } macro_rules! im { ($t:ty) => { impl Fit for $t { fn fit(&self) { want() } } } } im!(S); fn want() {}"),
    ("macro impl ident types in body", "fn go() { S.fit(); } struct S; trait Fit { fn fit(&self); } macro_rules! im { () => { impl Fit for S { fn fit(&self) { want() } } } } im!(); fn want() {}"),
    ("deref", "fn go(s: S) { s.deep(); } struct S(T); struct T; impl T { fn deep(&self) { want() } } impl std::ops::Deref for S { type Target = T; fn deref(&self) -> &T { &self.0 } } fn want() {}"),
    ("operator on foreign by local type", "fn go() { let x = 1.0 * M; } struct M; impl std::ops::Mul<M> for f64 { type Output = f64; fn mul(self, m: M) -> f64 { want() } } fn want() {}"),
    ("operator by value from fn", "fn go() { let x = 1.0 * m(); } fn m() -> M { M } struct M; impl std::ops::Mul<M> for f64 { type Output = f64; fn mul(self, m: M) -> f64 { want() } } fn want() {}"),
    ("assoc const default", "fn go() { let x = S::K; } struct S; trait T { const K: u8 = want(); } impl T for S {} const fn want() -> u8 { 1 }"),
    ("assoc const generic", "fn go() { h::<S>() } fn h<X: T>() { X::K; } struct S; trait T { const K: u8 = want(); } impl T for S {} const fn want() -> u8 { 1 }"),
    ("from by ?", "fn go() -> Result<(), E> { inner()?; Ok(()) } struct E; struct F; fn inner() -> Result<(), F> { Err(F) } impl From<F> for E { fn from(f: F) -> E { want() } } fn want() {}"),
    ("default by ..", "fn go() { S { a: 1, ..Default::default() }; } struct S { a: u8, b: u8 } impl Default for S { fn default() -> S { want() } } fn want() {}"),
    ("serde with", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(with = \"m\")] a: u8 } mod m { pub fn serialize() { super::want() } } fn want() {}"),
    ("serde with crate path", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(with = \"crate::m\")] a: u8 } mod m { pub fn serialize() { super::want() } } fn want() {}"),
    ("serde with type", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(with = \"M\")] a: u8 } struct M; impl M { pub fn serialize() { want() } } fn want() {}"),
    ("serde with reexported fns", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(with = \"m\")] a: u8 } mod m { pub use super::other::serialize; } mod other { pub fn serialize() { super::want() } } fn want() {}"),
    ("serde default generic", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(default = \"d::<3>\")] a: u8 } fn d<const N: u8>() -> u8 { want() } fn want() {}"),
    ("serde default S::<T>::f", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(default = \"D::<u8>::make\")] a: u8 } struct D<T>(T); impl<T> D<T> { fn make() { want() } } fn want() {}"),
    ("serde from", "fn go() { S; } #[derive(Serialize)] #[serde(from = \"Raw\")] struct S { a: u8 } struct Raw; impl From<Raw> for S { fn from(r: Raw) { want() } } fn want() {}"),
    ("serde from generic", "fn go() { S; } #[derive(Serialize)] #[serde(from = \"Raw<u8>\")] struct S { a: u8 } struct Raw<T>(T); impl<T> Raw<T> { } impl<T> Drop for Raw<T> { fn drop(&mut self) { want() } } fn want() {}"),
    ("serde deserialize_with ws", "fn go() { S; } #[derive(Serialize)] struct S { #[serde(deserialize_with = \"m :: f\")] a: u8 } mod m { pub fn f() { super::want() } } fn want() {}"),
    ("serde bare Vec<T>", "fn go() { S; } #[derive(Serialize)] #[serde(try_from = \"Vec<Raw>\")] struct S { a: u8 } struct Raw(u8); impl Raw { } impl Drop for Raw { fn drop(&mut self) { want() } } fn want() {}"),
    ("thread_local", "thread_local! { static X: u8 = want(); } fn go() { X.with(|x| x) } fn want() -> u8 { 1 }"),
    ("thread_local many", "thread_local! { static Y: u8 = 2; static X: u8 = const { want() }; } fn go() { X.with(|x| x) } fn want() -> u8 { 1 }"),
    ("lazy static", "static X: LazyLock<u8> = LazyLock::new(|| want()); fn go() { *X } fn want() -> u8 { 1 }"),
    ("lazy_static macro", "lazy_static! { static ref X: u8 = want(); } fn go() { *X } fn want() -> u8 { 1 }"),
    ("format", "const WANT: u8 = 1; fn go() { format!(\"{WANT}\") } fn want() {} "),
    ("format width", "const WANT: usize = 1; fn go() { format!(\"{:WANT$}\", 1) }"),
    ("format width2", "const WANT: usize = 1; fn go() { format!(\"{x:>1$.WANT$}\", 1) }"),
    ("format raw", "const WANT: usize = 1; fn go() { format!(r#\"{WANT:?}\"#) }"),
    ("format concat nested", "const WANT: usize = 1; fn go() { anyhow::bail!(\"x {WANT}\") }"),
    ("format escape", "const WANT: usize = 1; fn go() { format!(\"\\u{7b}{WANT}\") }"),
    ("ufcs", "fn go() { <S as T>::f(&S) } struct S; trait T { fn f(&self); } impl T for S { fn f(&self) { want() } } fn want() {}"),
    ("ufcs foreign", "fn go() { <u8 as T>::f(&1) } trait T { fn f(&self); } impl T for u8 { fn f(&self) { want() } } fn want() {}"),
    ("ext on iterator", "fn go() { [1].iter().map(|x| x).f() } trait T: Iterator { fn f(self) { want() } } impl<I: Iterator> T for I {} fn want() {}"),
    ("ext import", "use ext::*; fn go() { [1].iter().f() } mod ext { pub trait T: Iterator { fn f(self) { super::want() } } impl<I: Iterator> T for I {} } fn want() {}"),
    ("local fn", "fn go() { fn inner() { want() } inner() } fn want() {}"),
    ("impl in fn", "fn go() { struct L; impl L { fn m(&self) { want() } } L.m() } fn want() {}"),
    ("impl in other fn for type", "fn go() { S.fit(); } struct S; trait Fit { fn fit(&self); } fn other() { impl Fit for S { fn fit(&self) { want() } } } fn want() {}"),
    ("impl in const", "fn go() { S.fit(); } struct S; trait Fit { fn fit(&self); } const _: () = { impl Fit for S { fn fit(&self) { want() } } }; fn want() {}"),
    ("inherent impl in const", "fn go() { S.fit(); } struct S; const _: () = { impl S { fn fit(&self) { want() } } }; fn want() {}"),
    ("impl in block mod", "fn go() { S.fit(); } struct S; mod inner { impl super::S { pub fn fit(&self) { super::want() } } } fn want() {}"),
    ("alias generic", "type A = G<P>; struct G<T>(T); struct P; impl G<P> { fn m() { want() } } fn go() { A::m() } fn want() {}"),
    ("alias method", "type A = G<P>; struct G<T>(T); struct P; impl A { fn m(&self) { want() } } fn go() { G(P).m() } fn want() {}"),
    ("glob chain", "use a::*; mod a { pub use super::b::*; } mod b { pub use super::c::f as g; } mod c { pub fn f() { super::want() } } fn go() { g() } fn want() {}"),
    ("macro use", "mod m { macro_rules! x { () => { want() } } pub(crate) use x as y; } fn go() { m::y!() } fn want() {}"),
    ("async", "async fn go() { other().await } async fn other() { want() } fn want() {}"),
    ("fn ptr in struct", "fn go() { R.f.0() } static R: S = S { f: F(want) }; struct S { f: F } struct F(fn()); fn want() {}"),
    ("trait obj generic", "fn go() { run::<dyn T>(b()) } fn b() -> Box<dyn T> { make() } trait T { fn f(&self); } struct S; impl T for S { fn f(&self) { want() } } fn want() {}"),
    ("Self assoc", "fn go() { S::a() } struct S; impl S { fn a() { Self::b() } fn b() { want() } } fn want() {}"),
    ("const in array len", "fn go() { let x = [0; WANT]; } const WANT: usize = 1;"),
    ("const generic arg", "fn go() { f::<WANT>(); f::<{ WANT + 1 }>() } fn f<const N: usize>() {} const WANT: usize = 1;"),
    ("pattern const", "fn go(x: u8) { match x { WANT => 1, _ => 2 } } const WANT: u8 = 1;"),
    ("lower const pattern in struct field init", "fn go() { S { want } } struct S { want: u8 } const want: u8 = 1;"),
    ("field value", "fn go() { S { x: want } } struct S { x: u8 } static want: u8 = 1;"),
    ("closure type ascription", "fn go() { let f = |x: u8| want(x); } fn want(x: u8) {}"),
    ("ternary after ident colon", "fn go() { match 1 { a if want() => 1 } } fn want() {}"),
    ("label", "fn go() { 'want: loop { break 'want want(); } } fn want() {}"),
    ("range", "fn go() { 0..want() } fn want() {}"),
    ("range field", "fn go() { x..=want } const want: u8 = 1;"),
    ("const fn ptr", "fn go() { const F: fn() = want; F() } fn want() {}"),
    ("let const block", "fn go() { let x = const { want() }; } fn want() {}"),
    ("sort by method path", "fn go() { v.sort_by_key(S::key) } struct S; impl S { fn key(&self) { want() } } fn want() {}"),
    ("display via to_string", "fn go() { s().to_string() } fn s() -> S { S } struct S; impl std::fmt::Display for S { fn fmt(&self) { want() } } fn want() {}"),
    ("parse into type", "fn go() { let s: S = \"x\".parse().unwrap(); } struct S; impl std::str::FromStr for S { fn from_str(s: &str) { want() } } fn want() {}"),
    ("into", "fn go() { let s: S = 1.into(); } struct S; impl From<u8> for S { fn from(s: u8) { want() } } fn want() {}"),
    ("blanket trait of generic", "fn go() { S.hello() } struct S; trait A { fn hello(&self); } impl<T: B> A for T { fn hello(&self) { self.b() } } trait B { fn b(&self); } impl B for S { fn b(&self) { want() } } fn want() {}"),
    ("supertrait", "fn go() { go2(&S) } fn go2(x: &impl B) { x.a() } struct S; trait A { fn a(&self) { want() } } trait B: A {} impl A for S {} impl B for S {} fn want() {}"),
    ("dyn supertrait method on foreign", "fn go(x: &dyn B) { x.a() } trait A { fn a(&self); } trait B: A {} struct S; impl A for S { fn a(&self) { want() } } impl B for S {} fn want() {}"),
    ("dyn path", "fn go(x: &dyn m::A) { x.a() } mod m { pub trait A { fn a(&self); } } struct S; impl m::A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn paren", "fn go(x: &(dyn A + Send)) { x.a() } trait A { fn a(&self); } struct S; impl A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn for", "fn go(x: &dyn for<'a> A<'a>) { x.a() } trait A<'a> { fn a(&self); } struct S; impl<'a> A<'a> for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn send first", "fn go(x: &(dyn Send + A)) { x.a() } trait A { fn a(&self); } struct S; impl A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn global", "fn go(x: &dyn crate::A) { x.a() } trait A { fn a(&self); } struct S; impl A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn in struct field by generic", "fn go(r: R<dyn A>) { r.0.a() } struct R<T: ?Sized>(Box<T>); trait A { fn a(&self); } struct S; impl A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn paren single", "fn go(x: Box<dyn (A)>) { x.a() } trait A { fn a(&self); } struct S; impl A for S { fn a(&self) { want() } } fn want() {}"),
    ("dyn any downcast registry by inventory", "inventory::submit! { E(want) } struct E(fn()); fn go() { for e in inventory::iter::<E> { (e.0)() } } fn want() {}"),
    ("macro method call", "macro_rules! call { ($o:expr, $m:ident) => { $o.$m() } } fn go(s: S) { call!(s, fit) } struct S; impl S { fn fit(&self) { want() } } fn want() {}"),
    ("macro type method", "macro_rules! mk { ($t:ident) => { struct $t; impl $t { fn fit(&self) { want() } } } } mk!(S); fn go() { S.fit() } fn want() {}"),
    ("macro nested mk", "macro_rules! outer { ($t:ident) => { inner!($t); } } macro_rules! inner { ($t:ident) => { impl $t { fn fit(&self) { want() } } } } struct S; outer!(S); fn go() { S.fit() } fn want() {}"),
    ("shadow nested", "mod a { pub fn f() { super::want() } pub mod b { use super::f; pub fn g() { f() } } } fn go() { a::b::g() } fn want() {}"),
    ("use in fn", "fn go() { use a::f as z; z() } mod a { pub fn f() { super::want() } } fn want() {}"),
    ("use in fn glob enum", "fn go() { use E::*; match A { A => 1 } } enum E { A = WANT } const WANT: isize = 1;"),
    ("use trait in fn", "fn go() { use a::T; 1u8.f() } mod a { pub trait T { fn f(&self); } impl T for u8 { fn f(&self) { super::want() } } } fn want() {}"),
    ("include item", "include!(\"y.rs\"); fn go() { from_y() } fn want() {}"),
    ("include env", "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/y.rs\")); fn go() { from_y() } fn want() {}"),
    ("index op", "fn go() { t()[1] } fn t() -> S { S } struct S; impl std::ops::Index<u8> for S { fn index(&self) { want() } } fn want() {}"),
    ("impl for &S", "fn go() { for x in &t() {} } fn t() -> S { S } struct S; impl<'a> IntoIterator for &'a S { fn into_iter(self) { want() } } fn want() {}"),
    ("impl for Vec<S>", "fn go() { t().total() } fn t() -> Vec<S> { vec![S] } struct S; trait T { fn total(&self); } impl T for Vec<S> { fn total(&self) { want() } } fn want() {}"),
    ("sum", "fn go() { t().iter().sum() } fn t() -> Vec<S> { vec![S] } struct S; impl std::iter::Sum<S> for f64 { fn sum() { want() } } fn want() {}"),
    ("foreign to foreign via local trait generic", "fn go() { conv::<f64>() } fn conv<X: T>() { X::make() } trait T { fn make(); } impl T for f64 { fn make() { want() } } fn want() {}"),
    ("assoc type", "fn go() { <S as T>::O::m() } struct S; trait T { type O; } impl T for S { type O = P; } struct P; impl P { fn m() { want() } } fn want() {}"),
    ("assoc type inferred", "fn go() { S::get().m() } struct S; trait T { type O; fn get() -> Self::O; } impl T for S { type O = P; fn get() -> P { P } } struct P; impl P { fn m(&self) { want() } } fn want() {}"),
    ("derive more display", "fn go() { S } #[derive(Display)] #[display(\"{}\", want(self))] struct S; fn want() {}"),
    ("display fmt const", "fn go() { S } #[derive(Error)] #[error(\"{WANT}\")] struct S; const WANT: u8 = 1;"),
    ("display quoted call", "fn go() { S } #[derive(Derivative)] #[derivative(Debug(format_with = \"want\"))] struct S; fn want() {}"),
    ("quoted expr", "fn go() { S } #[derive(Validate)] #[validate(custom(function = \"crate::want\"))] struct S; fn want() {}"),
    ("quoted expr call", "fn go() { S } #[derive(D)] #[educe(Default(expression = \"want(1, 2)\"))] struct S; fn want() {}"),
    ("skip_if closure", "fn go() { S } #[derive(S)] struct S { #[serde(skip_serializing_if = \"Option::is_none\", default = \"P::want\")] a: u8 } struct P; impl P { fn want() {} }"),
    ("statement attr", "fn go() { #[cfg(feature = \"x\")] want(); } fn want() {}"),
    ("cfg_if", "fn go() { f() } cfg_if! { if #[cfg(unix)] { fn f() { want() } } else { fn f() {} } } fn want() {}"),
    ("bitflags", "bitflags! { struct F: u8 { const A = WANT; } } fn go() { F::A } const WANT: u8 = 1;"),
    ("static array of dyn", "static ALL: &[&dyn T] = &[&S]; trait T { fn f(&self); } struct S; impl T for S { fn f(&self) { want() } } fn go() { ALL[0].f() } fn want() {}"),
    ("self param method on tasks", "fn go() { Train.helper() } impl Train { fn helper(&self) { want() } } fn want() {}"),
    ("const eq after dot dot", "fn go() { S { ..WANT } } const WANT: S = S { a: 1 }; struct S { a: u8 }"),
    ("extern C fn", "fn go() { cb() } extern \"C\" fn cb() { want() } fn want() {}"),
    ("enum discr", "fn go() { E::A as u8 } #[repr(u8)] enum E { A = WANT } const WANT: u8 = 1;"),
    ("where clause", "fn go() { f::<S>() } fn f<X>() where X: T { <X as T>::g() } struct S; trait T { fn g() { want() } } impl T for S {} fn want() {}"),
    ("impl trait return", "fn go() { mk().f() } fn mk() -> impl T { hidden() } fn hidden() -> S { S } trait T { fn f(&self) {} } struct S; impl T for S { fn f(&self) { want() } } fn want() {}"),
    ("turbofish method", "fn go() { [1].iter().f::<u8>() } trait T { fn f<X>(&self); } impl<I> T for I { fn f<X>(&self) { want() } } fn want() {}"),
    ("generic default", "struct G<T = P>(T); struct P; impl Default for P { fn default() { want() } } fn go() { let g: G = mk(); } fn mk<T>() {} fn want() {}"),
    ("macro_rules in fn", "fn go() { macro_rules! m { () => { want() } } m!() } fn want() {}"),
    ("macro const name", "macro_rules! m { ($n:ident) => { const $n: u8 = want(); } } m!(LIM); fn go() { LIM } const fn want() -> u8 { 1 }"),
    ("macro fn hygiene crate", "mod q { #[macro_export] macro_rules! m { () => { $crate::want() } } } fn go() { m!() } fn want() {}"),
    ("macro with nested mod path", "mod q { macro_rules! m { () => { $crate::q::z::want() } } pub(crate) use m; pub mod z { pub fn want() {} } } fn go() { q::m!() }"),
    ("enum variants alias use", "use E::A as Z; enum E { A, B } impl Drop for E { fn drop(&mut self) { want() } } fn go() { Z } fn want() {}"),
    ("extern crate self", "extern crate self as me; fn go() { me::want() } fn want() {}"),
    ("use self nested", "use self::{a::{self, g}}; mod a { pub fn g() { super::want() } } fn go() { a::g() } fn want() {}"),
    ("use crate as", "use crate as root; fn go() { root::want() } fn want() {}"),
    ("tuple index call", "fn go(t: (S,)) { t.0.fit() } struct S; impl S { fn fit(&self) { want() } } fn want() {}"),
    ("float then method", "fn go() { 1.0.fit() } trait F { fn fit(&self); } impl F for f64 { fn fit(&self) { want() } } fn want() {}"),
    ("int then method", "fn go() { 1.fit() } trait F { fn fit(&self); } impl F for i32 { fn fit(&self) { want() } } fn want() {}"),
    ("asref dyn cast", "fn go() { let b: Box<dyn T> = mk(); } fn mk<X>() {} trait T {} struct S; impl T for S {} impl S { } impl Drop for S { fn drop(&mut self) { want() } } fn want() {}"),
];

/// What changes a task's result, by the way in which its code is reached.
#[test]
fn no_way_to_code_is_overlooked() {
    let mut missed = Vec::new();
    for (name, text) in WAYS {
        let package = Package::new(text);
        package.write("src/x.rs", "want()").write("src/y.rs", "fn from_y() { want() }");
        let reached = package.reached();
        if !reached.iter().any(|name| name.to_lowercase().ends_with("want")) {
            missed.push(format!("{name}: {reached:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn prose_in_an_attribute_names_nothing() {
    let text =
        "fn go() { S; } #[derive(E)] #[error(\"cannot want it: {0}\")] struct S; fn want() {}";
    assert_eq!(Package::new(text).reached(), ["go", "struct S"]);
}

//! Functions as tasks, with all lints that a careful crate may have.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(nonstandard_style, rust_2018_idioms, single_use_lifetimes, missing_copy_implementations)]

#[path = "../prelude.rs"]
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, missing_copy_implementations)]
mod prelude;
use std::collections::BTreeMap;
use std::path::Path;

use prelude::*;

/// Something of which there are several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// One.
    First,
    /// Another.
    Second,
}

/// Nothing is taken.
#[task(target = Keep<Vec<f64>>)]
pub fn load() -> Vec<f64> {
    Vec::new()
}

/// All that can be said of it.
#[task(
    requires(load, [load for _ in 0..self.n], {n => load for n in 0..self.n}, load if self.n > 0),
    target = Keep<f64>(level = 3),
    group = "all",
    dir = "means",
    was = "average",
    version = 2,
    refresh = "24h",
    tracked(body, lock),
    uses(String),
    may_require(generic<Ols>),
    crate = ::flow
)]
#[inline]
pub fn mean(
    rows: &[f64],
    all: &[Vec<f64>],
    by_number: &BTreeMap<u8, Vec<f64>>,
    there: Option<&Vec<f64>>,
    /// How often.
    #[param(default = 5, range = 1..=10, local)]
    n: u8,
    #[param(default = Kind::First, choices = [Kind::First, Kind::Second])] kind: Kind,
    #[param(file, default = "a.csv", insignificant)] path: &Path,
    #[param(from = by_name::NAME)] name: &str,
    cx: &Cx<mean>,
) -> Result<f64> {
    let _ = (all, by_number, there, kind, path, name);
    cx.checkpoint()?;
    Ok(f64::from(n) + rows.iter().sum::<f64>())
}

/// Another name for the type, and one for the store.
#[task(name = ByName, name = "by-name", target = Keep<f64>, requires(one = mean { n: 3 }, two = mean with mean::KIND = Kind::Second))]
fn by_name_too(two: f64, one: Loaded<f64>) -> f64 {
    two + *one
}

/// With a type parameter.
pub trait Model: Tracked + Send + Sync + 'static {}

/// One.
#[tracked]
#[derive(Clone, Copy, Debug)]
pub struct Ols;

impl Model for Ols {}

/// A function that is generic.
#[task(target = Keep<f64>)]
pub fn generic<M>(#[param(default = 1.0)] c: f64) -> f64
where
    M: Model,
{
    let _ = std::any::type_name::<M>();
    c
}

/// Compiled here, and not there.
#[task(target = Keep<f64>)]
#[cfg(all(unix, windows))]
pub fn nowhere() -> Missing {}

/// Handles and what is shared, in every form.
#[task(
    requires(
        [load for _ in 0..3],
        [load for _ in 0..3],
        [load for _ in 0..3],
        {n: u8 => load for n in 0..3},
        {n: u8 => load for n in 0..3},
        {n: u8 => load for n in 0..3},
        load if true,
        load if true,
        load if true,
        load,
        load,
    ),
    target = Keep<usize>,
)]
fn forms(
    a: Vec<&Input<load>>,
    b: &[Loaded<Vec<f64>>],
    c: &Vec<&Loaded<Vec<f64>>>,
    d: BTreeMap<u8, &Input<load>>,
    e: BTreeMap<u8, Loaded<Vec<f64>>>,
    f: &BTreeMap<u8, &Loaded<Vec<f64>>>,
    g: Option<&Input<load>>,
    h: Option<Loaded<Vec<f64>>>,
    i: &Option<&Loaded<Vec<f64>>>,
    j: Input<load>,
    k: &Loaded<Vec<f64>>,
) -> usize {
    let _ = (g, h, i, j, k);
    a.len() + b.len() + c.len() + d.len() + e.len() + f.len()
}

/// Made by another macro.
macro_rules! tasks {
    ($($name:ident: $ty:ty = $value:expr),*) => {
        $(
            /// One of them.
            #[task(requires = [load for _ in 0..self.value], target = Keep<$ty>)]
            fn $name(rows: &[Vec<f64>], #[param(default = $value)] value: $ty, cx: &Cx<$name>) -> $ty {
                let _ = (rows, cx);
                value
            }
        )*
    };
}

tasks!(small: u8 = 1, large: u64 = 2);

/// A name that is a parameter elsewhere.
#[task(target = Keep<f64>)]
pub fn by_name(#[param(default = "x")] name: &str, r#type: Option<u8>) -> f64 {
    let _ = r#type;
    name.len() as f64
}

fn main() {
    let keys: (Param<mean, u8>, Param<by_name, String>) = (mean::N, by_name::NAME);
    let _ = forms as fn(_, _, _, _, _, _, _, _, _, _, _) -> _;
    let _ = (keys, by_name::TYPE, generic::<Ols>::C, small::VALUE, large::VALUE);
    let _ = (small as fn(_, _, _) -> _, large as fn(_, _, _) -> _, by_name_too as fn(_, _) -> _);
    fn is_task<T: Task + Run + Tracked>() {}
    is_task::<ByName>();
    is_task::<generic<Ols>>();
}

//! Functions as tasks: every kind of argument, and every option.
#![deny(missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(nonstandard_style, rust_2018_idioms, single_use_lifetimes, missing_copy_implementations)]

use std::collections::BTreeMap;
use std::path::Path;

use wf::prelude::*;
use wf::testing::{self, assert_ran};

/// A type with several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    First,
    Second,
}

/// Takes nothing.
#[task(target = Json<Vec<u64>>)]
fn load() -> Vec<u64> {
    vec![1, 2]
}

/// Has every option.
#[task(
    requires(load, [load for _ in 0..self.n], {n => load for n in 0..self.n}, load if self.n > 0),
    target = Json<u64>(max_bytes = 1_000),
    group = "all",
    dir = "means",
    was = "average",
    version = 2,
    refresh = "24h",
    tracked(body, lock),
    uses(String),
    may_require(generic<Ols>),
    check = is_small,
    crate = ::wf,
)]
#[inline]
fn every_option(
    rows: &[u64],
    all: &[Vec<u64>],
    by_number: &BTreeMap<u8, Vec<u64>>,
    there: Option<&Vec<u64>>,
    /// How often.
    #[param(default = 5, range = 1..=10, local)]
    n: u8,
    #[param(default = Kind::First, choices = [Kind::First, Kind::Second])] kind: Kind,
    #[param(file, default = concat!(env!("CARGO_MANIFEST_DIR"), "/data/3.json"), insignificant)]
    path: &Path,
    #[param(from = by_name::NAME)] name: &str,
    cx: &Cx<every_option>,
) -> Result<u64> {
    cx.checkpoint()?;
    ensure!(path.is_file(), "there is no {}", path.display());
    let sizes = all.len() + by_number.len() + there.map_or(0, Vec::len) + name.len();
    let factor = if kind == Kind::First { 1 } else { 100 };
    let provided = cx.provided::<String>().parse::<u64>()?;
    let generic = *cx.require::<generic<Ols>>()?.load()?;
    Ok(factor * (rows.iter().sum::<u64>() + u64::try_from(sizes)?)
        + u64::from(n)
        + provided
        + generic)
}

fn is_small(value: &dyn std::fmt::Display) -> Result<()> {
    ensure!(value.to_string().len() < 10, "{value} is too large");
    Ok(())
}

/// Another name for the type, and one for the store.
#[task(
    name = ByName,
    name = "by-name",
    target = Json<u64>,
    requires(one = doubled { n: 3 }, two = doubled with doubled::N = 4),
)]
#[allow(clippy::needless_pass_by_value)]
fn by_name_too(two: u64, one: Loaded<u64>) -> u64 {
    two * 10 + *one
}

#[task(target = Json<u64>)]
fn doubled(n: u64) -> u64 {
    n * 2
}

/// A bound of a type parameter.
trait Model: Tracked {
    const VALUE: u64;
}

/// An implementor.
#[tracked]
#[derive(Clone, Copy, Debug)]
struct Ols;

impl Model for Ols {
    const VALUE: u64 = 1_000;
}

/// A function that is generic.
#[task(target = Json<u64>)]
fn generic<M>(#[param(default = 1)] c: u64) -> u64
where
    M: Model,
{
    c + M::VALUE
}

/// Bounds in both places, and a constant parameter.
#[task(target = Json<u64>)]
fn generic_in_both_places<M: Model, K, const N: u64>(#[param(default = N)] n: u64) -> u64
where
    K: Model + Clone,
{
    M::VALUE + K::VALUE + n + N
}

/// Compiled on no system.
#[task(target = Json<u64>)]
#[cfg(all(unix, windows))]
fn nowhere() -> Missing {}

/// The condition above the attribute.
#[cfg(any())]
#[task(target = Json<u64>)]
fn nowhere_either() -> Missing {}

/// Handles and loaded values, in every form.
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
    target = Json<Vec<usize>>,
)]
#[allow(
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    clippy::ref_option,
    clippy::ref_option_ref,
    clippy::trivially_copy_pass_by_ref
)]
fn forms(
    list_of_handles: Vec<&Input<load>>,
    slice_of_loaded: &[Loaded<Vec<u64>>],
    borrowed_list: &Vec<&Loaded<Vec<u64>>>,
    map_of_handles: BTreeMap<u8, &Input<load>>,
    map_of_loaded: BTreeMap<u8, Loaded<Vec<u64>>>,
    borrowed_map: &BTreeMap<u8, &Loaded<Vec<u64>>>,
    maybe_handle: Option<&Input<load>>,
    maybe_loaded: Option<Loaded<Vec<u64>>>,
    borrowed_maybe: &Option<&Loaded<Vec<u64>>>,
    handle: Input<load>,
    loaded: &Loaded<Vec<u64>>,
) -> Result<Vec<usize>> {
    let maybe = [maybe_handle.is_some(), maybe_loaded.is_some(), borrowed_maybe.is_some()];
    Ok(vec![
        list_of_handles.len(),
        slice_of_loaded.len(),
        borrowed_list.len(),
        map_of_handles.len(),
        map_of_loaded.len(),
        borrowed_map.len(),
        maybe.iter().filter(|there| **there).count(),
        handle.load()?.len(),
        loaded.len(),
    ])
}

// Tasks that another macro declares.
macro_rules! tasks {
    ($($name:ident: $ty:ty = $value:expr),*) => {
        $(
            /// One of them.
            #[task(requires = [load for _ in 0..self.value], target = Json<$ty>)]
            fn $name(rows: &[Vec<u64>], #[param(default = $value)] value: $ty, cx: &Cx<$name>) -> $ty {
                cx.progress(1, rows.len() as u64);
                value
            }
        )*
    };
}

tasks!(small: u8 = 1, large: u64 = 2);

/// A parameter that another task takes with `from`.
#[task(target = Json<usize>)]
fn by_name(#[param(default = "x")] name: &str, r#type: Option<u8>) -> usize {
    name.len() + usize::from(r#type.unwrap_or(0))
}

/// Parameters of several types, each by value or borrowed.
#[task(target = Json<String>)]
#[allow(clippy::trivially_copy_pass_by_ref)]
fn parameters(
    #[param(default = "a")] borrowed: &str,
    #[param(default = "b")] owned: String,
    #[param(default = [1, 2])] numbers: &[u8],
    #[param(default = ["c", "d"])] mut words: Vec<String>,
    #[param(default)] pair: &(u8, bool),
    #[param(default = Some(3))] maybe: Option<u8>,
) -> String {
    words.push(owned);
    format!("{borrowed} {numbers:?} {} {pair:?} {maybe:?}", words.concat())
}

/// A parameter that only the requirements use.
#[task(requires = [doubled { n } for n in 0..self.count], target = Json<usize>)]
fn only_required(doubles: &[u64], #[param(default = 3)] count: u64) -> usize {
    doubles.len()
}

/// A trailing comma wherever one can stand.
#[task(requires(a = load,), target = Json<Vec<u64>>, version = 1,)]
fn trailing_commas(#[param(default = 1)] n: u64, a: &[u64]) -> Vec<u64> {
    a.iter().map(|x| x + n).collect()
}

#[test]
fn every_option_applies() -> Result<()> {
    let flow = testing::flow().provide("40".to_owned());
    let run = flow.run::<every_option>()?;
    assert_ran(&run, ["every_option", "load", "generic<Ols>"]);
    // 1 + 2 + the lengths 5, 5, 2 and 1, and 5 for `n`, 40, 1001.
    assert_eq!(*flow.load::<every_option>()?, 16 + 5 + 40 + 1001);
    assert!(flow.folder().join("all/means").is_dir());
    assert_ran(&flow.run::<every_option>()?, []);
    let second = flow.with(every_option::KIND, Kind::Second).with(every_option::N, 1);
    second.run::<every_option>()?;
    assert_eq!(*second.load::<every_option>()?, 800 + 1 + 40 + 1001);
    Ok(())
}

#[test]
fn limits_of_an_argument_are_checked() {
    let flow = testing::flow().provide("40".to_owned()).with(every_option::N, 11);
    let error = flow.preview::<every_option>().expect_err("out of range").to_string();
    assert!(error.contains("1..=10"), "{error}");
}

#[test]
fn named_inputs_have_any_order() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<ByName>()?, ["by-name", "doubled {n: 3}", "doubled {n: 4}"]);
    assert_eq!(*flow.load::<ByName>()?, 86);
    Ok(())
}

#[test]
fn functions_can_be_generic() -> Result<()> {
    let flow = testing::flow().with(generic::<Ols>::C, 7);
    flow.run::<(generic<Ols>, generic_in_both_places<Ols, Ols, 3>)>()?;
    assert_eq!(*flow.load::<generic<Ols>>()?, 1_007);
    assert_eq!(*flow.load::<generic_in_both_places<Ols, Ols, 3>>()?, 2_006);
    assert_eq!(generic::<Ols>(1), 1_001);
    Ok(())
}

#[test]
fn inputs_have_many_forms() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<forms>()?, ["forms", "load"]);
    assert_eq!(*flow.load::<forms>()?, [3, 3, 3, 3, 3, 3, 3, 2, 2]);
    Ok(())
}

#[test]
fn macros_declare_tasks() -> Result<()> {
    let flow = testing::flow().with(large::VALUE, 5);
    assert_ran(&flow.run::<(small, large)>()?, ["small", "large", "load"]);
    assert_eq!((*flow.load::<small>()?, *flow.load::<large>()?), (1, 5));
    Ok(())
}

#[test]
fn parameters_are_owned_or_borrowed() -> Result<()> {
    let flow = testing::flow();
    flow.run::<parameters>()?;
    assert_eq!(*flow.load::<parameters>()?, "a [1, 2] cdb (0, false) Some(3)");
    let instance = flow.graph::<parameters>().instance::<parameters>()?;
    assert_eq!((instance.borrowed.as_str(), instance.numbers.as_slice()), ("a", [1, 2].as_slice()));
    let keys: (Param<parameters, String>, Param<by_name, Option<u8>>) =
        (parameters::BORROWED, by_name::TYPE);
    assert_eq!((keys.0.name(), keys.1.name()), ("borrowed", "type"));
    assert_eq!(every_option::N.doc(), "How often.");
    Ok(())
}

#[test]
fn a_parameter_can_belong_to_the_requirements_alone() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(only_required, trailing_commas)>()?;
    assert_eq!(*flow.load::<only_required>()?, 3);
    assert_eq!(*flow.load::<trailing_commas>()?, [2, 3]);
    assert_eq!(only_required(&[1, 2], 7), 2);
    Ok(())
}

#[test]
fn an_argument_without_a_default_must_be_given() -> Result<()> {
    let flow = testing::flow();
    let error = flow.preview::<by_name>().expect_err("no value").to_string();
    assert!(error.contains("type"), "{error}");
    let flow = flow.with(by_name::TYPE, None::<u8>).with(by_name::NAME, "long");
    flow.run::<by_name>()?;
    assert_eq!(*flow.load::<by_name>()?, 4);
    Ok(())
}

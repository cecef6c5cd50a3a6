//! Loaded values in calculations, and code beside them that the compiler has to infer.

use std::collections::{BTreeMap, HashSet};

use wf::prelude::*;
use wf::testing;

#[task(target = Json<f64>)]
fn rate() -> f64 {
    0.25
}

#[task(target = Json<Vec<f64>>)]
fn amounts() -> Vec<f64> {
    vec![1.0, 2.0]
}

#[task(target = Json<BTreeMap<String, u8>>)]
fn counts() -> BTreeMap<String, u8> {
    BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)])
}

#[test]
#[allow(clippy::float_cmp, clippy::nonminimal_bool)]
fn a_loaded_number_is_a_number() -> Result<()> {
    let flow = testing::flow();
    let rate = flow.get::<rate>()?;
    let numbers = [
        1.0 + &rate,
        &rate + 1.0,
        rate.clone() + rate.clone() + 0.75,
        1.5 - rate.clone(),
        &rate * 5.0,
        0.3125 / &rate,
        -&rate + 1.5,
        -rate.clone() + 1.5,
    ];
    assert!(numbers.iter().all(|number| number.to_bits() == 1.25_f64.to_bits()), "{numbers:?}");
    assert!(rate < 0.5);
    assert!(0.1 < rate);
    assert_eq!(rate, 0.25);
    assert_eq!(0.25, rate);
    let mut sum = 0.0;
    sum += &rate;
    sum *= rate;
    assert!((sum - 0.0625_f64).abs() < 1e-12);
    Ok(())
}

#[test]
fn a_reference_to_a_loaded_collection_iterates() -> Result<()> {
    let flow = testing::flow();
    let mut sum = 0.0;
    for amount in &flow.get::<amounts>()? {
        sum += amount;
    }
    assert!((sum - 3.0_f64).abs() < 1e-12);
    let mut names = Vec::new();
    for (name, count) in &flow.get::<counts>()? {
        names.push(format!("{name}{count}"));
    }
    assert_eq!(names, ["a1", "b2"]);
    Ok(())
}

/// The type of the collection is known only after it was iterated over.
fn extended(to: &mut Vec<u8>, from: std::vec::IntoIter<u8>) -> Vec<u8> {
    let all = from.collect();
    to.extend(&all);
    all
}

/// A bound on references to a collection.
fn total<C>(all: &C) -> u32
where
    for<'a> &'a C: IntoIterator<Item = &'a u32>,
{
    let mut total = 0;
    for one in all {
        total += one;
    }
    total
}

#[test]
fn types_beside_loaded_values_are_inferred() {
    let mut to = vec![1];
    assert_eq!(extended(&mut to, vec![2, 3].into_iter()), [2, 3]);
    assert_eq!(to, [1, 2, 3]);
    assert_eq!(total(&vec![1, 2]) + total(&HashSet::from([3])), 6);
    let half = |x| 0.5 * x;
    let product: f64 = [1.0, 2.0].iter().map(|&x| half(x) + 1.0).product();
    assert!((product - 3.0).abs() < 1e-12);
}

//! Parameters with nested collections: the order of an `IndexMap` is part of the value, and the order of a
//! hash map or set is not, even behind serde attributes.

use std::collections::{HashMap, HashSet};

use flow::prelude::*;
use indexmap::IndexMap;

use crate::support::{flow, ran};

#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Columns(IndexMap<String, u8>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Choice {
    Named(IndexMap<String, u8>),
    All(bool),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Named(IndexMap<String, u8>),
}

#[derive(Clone, Serialize, Deserialize)]
struct Flat {
    size: u8,
    #[serde(flatten)]
    columns: IndexMap<String, u8>,
}

#[task(target = Json<Vec<String>>)]
fn transparent(c: Columns) -> Vec<String> {
    c.0.keys().cloned().collect()
}

#[task(target = Json<Vec<String>>)]
fn untagged(c: Choice) -> Vec<String> {
    match c {
        Choice::Named(map) => map.keys().cloned().collect(),
        Choice::All(_) => vec![],
    }
}

#[task(target = Json<Vec<String>>)]
fn tagged(c: Tagged) -> Vec<String> {
    let Tagged::Named(map) = c;
    map.keys().cloned().collect()
}

#[task(target = Json<Vec<String>>)]
fn flattened(c: Flat) -> Vec<String> {
    c.columns.keys().cloned().collect()
}

#[test]
fn two_orders_of_an_index_map_are_two_settings() -> Result<()> {
    let (flow, _folder) = flow();
    for keys in [["b", "a"], ["a", "b"], ["b", "a"]] {
        let map: IndexMap<String, u8> = keys.iter().map(|key| ((*key).to_owned(), 1)).collect();
        let flow = flow
            .with(transparent::C, Columns(map.clone()))
            .with(untagged::C, Choice::Named(map.clone()))
            .with(tagged::C, Tagged::Named(map.clone()))
            .with(flattened::C, Flat { size: 1, columns: map });
        flow.run::<(transparent, untagged, tagged, flattened)>()?;
        assert_eq!(*flow.load::<transparent>()?, keys);
        assert_eq!(*flow.load::<untagged>()?, keys);
        assert_eq!(*flow.load::<tagged>()?, keys);
        assert_eq!(*flow.load::<flattened>()?, keys);
        assert!(ran(&flow.run::<(transparent, untagged, tagged, flattened)>()?).is_empty());
    }
    Ok(())
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Tags(HashSet<String>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Selection {
    All(String),
    Some(HashSet<String>),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Weights {
    Map(HashMap<String, u8>),
}

#[derive(Clone, Serialize, Deserialize)]
struct Options {
    size: u8,
    #[serde(flatten)]
    more: HashMap<String, u8>,
}

#[task(target = Json<usize>)]
fn tags(of: Tags) -> usize {
    of.0.len()
}

#[task(target = Json<usize>)]
fn selected(of: Selection) -> usize {
    match of {
        Selection::All(_) => 0,
        Selection::Some(set) => set.len(),
    }
}

#[task(target = Json<usize>)]
fn weights(of: Weights) -> usize {
    let Weights::Map(map) = of;
    map.len()
}

#[task(target = Json<usize>)]
fn options(of: Options) -> usize {
    of.more.len() + usize::from(of.size)
}

#[test]
fn equal_sets_and_maps_are_one_setting() -> Result<()> {
    let (flow, _folder) = flow();
    let words = || ["a", "b", "c", "d", "e"].map(String::from).into_iter();
    for n in 0..8 {
        // Each set and each map iterates in another order.
        let counted = || words().map(|word| (word, 1)).collect();
        let flow = flow
            .with(tags::OF, Tags(words().collect()))
            .with(selected::OF, Selection::Some(words().collect()))
            .with(weights::OF, Weights::Map(counted()))
            .with(options::OF, Options { size: 1, more: counted() });
        let summary = flow.run::<(tags, selected, weights, options)>()?;
        assert_eq!(ran(&summary).len(), if n == 0 { 4 } else { 0 }, "{summary}");
        assert_eq!((*flow.load::<selected>()?, *flow.load::<options>()?), (5, 6));
    }
    Ok(())
}

//! Determines whether the order of a map counts if its type is not visible.
//!
//! A map in `#[serde(flatten)]`, in a variant of an internally tagged enum or in a custom
//! `Serialize` writes its entries one by one. Nothing shows whether it is an `IndexMap`, whose
//! order a task can observe, or a `HashMap`, whose order differs each time. But a parameter can be
//! read back. So it is created several times from ascending and from descending entries, and
//! written again.
//!
//! | entries that are written again | their order |
//! | --- | --- |
//! | differ although the map was created from the same entries | comes from a hash table, and does not count |
//! | are equal for ascending and descending entries | is that of the keys or of fields, and does not count |
//! | otherwise | is that of the insertion, and counts |
//!
//! If a value cannot be read back, or differs then, the order counts. A task may then run again
//! unnecessarily, but never reuses the output of another parameter.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::serialize::{paths_of, to_value_as_written};
use super::{Entries, Value, ValueError, WithPaths, from_value};
use crate::base::panics;

/// The number of attempts for each order. A `HashMap` of two entries, the smallest with an order,
/// returns the same order in all of them once in 2^30 times.
const TIMES: usize = 16;

/// Converts a parameter to a value. Its maps keep their order only where it means something.
pub(crate) fn to_parameter<T: Serialize + DeserializeOwned>(
    value: &T,
) -> Result<Value, ValueError> {
    let (written, is_unproven) = to_value_as_written(value)?;
    if !is_unproven {
        return Ok(written);
    }
    // A type that panics when it is read back proves nothing, so the order counts.
    let counts = panics::catch(|| try_out::<T>(&written)).ok().flatten();
    Ok(match counts {
        Some(counts) => rewrite(written, &mut counts.into_iter()),
        None => written,
    })
}

/// Returns the same value, and which of its texts are paths.
pub(crate) fn to_parameter_with_paths<T: Serialize + DeserializeOwned>(
    value: &T,
) -> Result<WithPaths, ValueError> {
    Ok((to_parameter(value)?, paths_of(value)?))
}

/// Returns for each map in the value, in the order of [`maps`], whether the order of its entries
/// counts.
fn try_out<T: Serialize + DeserializeOwned>(written: &Value) -> Option<Vec<bool>> {
    let again = |given: &Value| -> Option<Value> {
        let again = to_value_as_written(&from_value::<T>(given).ok()?).ok()?.0;
        (sorted(again.clone()) == sorted(written.clone())).then_some(again)
    };
    let (ascending, descending) = (sorted(written.clone()), reversed(written.clone()));
    let (up, down) = (again(&ascending)?, again(&descending)?);
    let (up, down) = (maps(&up), maps(&down));
    let mut counts: Vec<bool> = std::iter::zip(&up, &down).map(|(up, down)| up != down).collect();
    for _ in 1..TIMES {
        for (given, first) in [(&ascending, &up), (&descending, &down)] {
            let now = again(given)?;
            for ((counts, now), first) in counts.iter_mut().zip(maps(&now)).zip(first) {
                *counts &= now == *first;
            }
        }
        if !counts.contains(&true) {
            break;
        }
    }
    Some(counts)
}

/// Returns the keys of each map in a value, in the order of its entries. The order of the maps does
/// not depend on the order of entries.
fn maps(value: &Value) -> Vec<Vec<Value>> {
    fn visit(value: &Value, found: &mut Vec<Vec<Value>>) {
        match value {
            Value::Map(entries) => visit_map(entries, found),
            Value::OrderedMap(entries) => visit_map(entries, found),
            Value::Some(value) => visit(value, found),
            Value::Seq(items) => items.iter().for_each(|item| visit(item, found)),
            Value::Struct(fields) => fields.iter().for_each(|(_, value)| visit(value, found)),
            Value::Variant(variant) => visit(&variant.1, found),
            _ => {}
        }
    }
    fn visit_map(entries: &[(Value, Value)], found: &mut Vec<Vec<Value>>) {
        found.push(entries.iter().map(|(key, _)| key.clone()).collect());
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        entries.into_iter().for_each(|(_, value)| visit(value, found));
    }
    let mut found = Vec::new();
    visit(value, &mut found);
    found
}

/// Returns the value with each map sorted unless its order counts. The maps are in the order of
/// [`maps`].
fn rewrite(value: Value, counts: &mut impl Iterator<Item = bool>) -> Value {
    each_map(value, &mut |entries| match counts.next() {
        Some(true) => Sorted::No(entries),
        _ => Sorted::Yes(entries),
    })
}

/// Returns the value with all maps sorted by their keys.
fn sorted(value: Value) -> Value {
    each_map(value, &mut |entries| Sorted::Yes(entries))
}

/// Returns the value with all maps that are not sorted by their keys sorted in descending order.
fn reversed(value: Value) -> Value {
    each_map(value, &mut |mut entries| {
        if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Sorted::Yes(entries);
        }
        entries.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        Sorted::No(entries)
    })
}

/// The entries of a map, and whether they are sorted by their keys.
enum Sorted {
    Yes(Vec<(Value, Value)>),
    No(Vec<(Value, Value)>),
}

/// Rewrites each map: the outer ones first, and their values in the order of their keys.
fn each_map(value: Value, change: &mut impl FnMut(Vec<(Value, Value)>) -> Sorted) -> Value {
    match value {
        Value::Map(entries) => change_map(entries.to_vec(), change),
        Value::OrderedMap(entries) => change_map(entries.into_vec(), change),
        Value::Some(value) => Value::Some(Box::new(each_map(*value, change))),
        Value::Seq(items) => {
            Value::Seq(items.into_iter().map(|item| each_map(item, change)).collect())
        }
        Value::Struct(fields) => {
            let fields =
                fields.iter().map(|(name, value)| (*name, each_map(value.clone(), change)));
            Value::Struct(Entries::new(fields.collect()).expect("unique field names"))
        }
        Value::Variant(variant) => {
            let (name, content) = *variant;
            Value::Variant(Box::new((name, each_map(content, change))))
        }
        other => other,
    }
}

fn change_map(
    entries: Vec<(Value, Value)>,
    change: &mut impl FnMut(Vec<(Value, Value)>) -> Sorted,
) -> Value {
    let (mut entries, is_sorted) = match change(entries) {
        Sorted::Yes(entries) => (entries, true),
        Sorted::No(entries) => (entries, false),
    };
    let mut places: Vec<usize> = (0..entries.len()).collect();
    places.sort_unstable_by(|&a, &b| entries[a].0.cmp(&entries[b].0));
    for place in places {
        let value = std::mem::replace(&mut entries[place].1, Value::Unit);
        entries[place].1 = each_map(value, change);
    }
    match is_sorted {
        true => Value::Map(Entries::new(entries).expect("unique keys")),
        false => Value::ordered_map(entries).expect("unique keys"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use indexmap::IndexMap;
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Flat<M> {
        zeta: u8,
        #[serde(flatten)]
        map: M,
        alpha: u8,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged<M> {
        Map(M),
    }

    fn map<M: FromIterator<(String, u8)>>(keys: &[&str]) -> M {
        keys.iter().map(|key| ((*key).to_owned(), 1)).collect()
    }

    fn flat<M: FromIterator<(String, u8)>>(keys: &[&str]) -> Flat<M> {
        Flat { zeta: 1, map: map(keys), alpha: 2 }
    }

    fn is_equal<T: Serialize + DeserializeOwned>(a: &T, b: &T) -> bool {
        to_parameter(a).expect("a value") == to_parameter(b).expect("a value")
    }

    type Index = IndexMap<String, u8>;
    type Hash = HashMap<String, u8>;
    type Tree = BTreeMap<String, u8>;

    #[test]
    fn the_order_of_an_index_map_counts_if_its_type_is_not_visible() {
        assert!(!is_equal(&flat::<Index>(&["b", "c"]), &flat::<Index>(&["c", "b"])));
        let tagged = |keys: &[&str]| Tagged::Map(map::<Index>(keys));
        assert!(!is_equal(&tagged(&["b", "a"]), &tagged(&["a", "b"])));
        assert!(is_equal(&tagged(&["b", "a"]), &tagged(&["b", "a"])));
    }

    #[test]
    fn the_order_of_a_hash_does_not_count() {
        for _ in 0..16 {
            let (up, down) = (["b", "c", "d"], ["d", "c", "b"]);
            assert!(is_equal(&flat::<Hash>(&up), &flat::<Hash>(&down)));
            assert!(is_equal(&flat::<Hash>(&["b", "c"]), &flat::<Hash>(&["c", "b"])));
            assert!(is_equal(&Tagged::Map(map::<Hash>(&up)), &Tagged::Map(map::<Hash>(&down))));
        }
    }

    #[test]
    fn fields_around_a_map_have_no_order() {
        let Value::Map(_) = to_parameter(&flat::<Tree>(&["b", "c"])).expect("a value") else {
            panic!("it is in the order of its keys");
        };
    }

    #[test]
    fn each_map_of_a_value_is_judged_separately() -> Result<(), ValueError> {
        let both = |index: &[&str], hash: &[&str]| (flat::<Index>(index), flat::<Hash>(hash));
        let first = to_parameter(&both(&["b", "c"], &["b", "c", "d"]))?;
        for _ in 0..8 {
            assert_eq!(first, to_parameter(&both(&["b", "c"], &["d", "c", "b"]))?);
            assert_ne!(first, to_parameter(&both(&["c", "b"], &["d", "c", "b"]))?);
        }
        Ok(())
    }

    #[test]
    fn the_order_counts_if_a_type_is_read_back_differently() -> Result<(), ValueError> {
        #[derive(Deserialize)]
        struct Other;

        impl Serialize for Other {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_map([("b", 1), ("a", 2)])
            }
        }

        let Value::OrderedMap(_) = to_parameter(&Other)? else { panic!("it is in its order") };
        Ok(())
    }
}

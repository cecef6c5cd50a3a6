//! Determines from the type of a collection what the order of its items means.
//!
//! Serde tells a serializer that a sequence or a map follows, but not whether its order means
//! anything. A hash set returns its items in another order each time, so that equal values would
//! have different keys. A map that keeps the order of insertion returns its entries in an order
//! that a task can observe. The generic methods of a serializer know the type of each value, and
//! the name of the type identifies it.
//!
//! The type is visible at two places: where a value is written, and in `collect_seq` and
//! `collect_map`, to which collections pass themselves. So a collection behind
//! `#[serde(transparent)]` or in a variant of an untagged enum is recognized too. A map that a type
//! writes entry by entry, as `#[serde(flatten)]`, `#[serde(tag = ...)]` and a custom `Serialize`
//! do, is not. Its entries keep their order, and [`settle`](super::settle) determines whether that
//! order means anything.

use std::any::type_name;

/// What the order of a collection's items means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The type is unknown: the order of a sequence counts, and that of a map may count.
    Usual,
    /// The order does not count, as in a hash table or a heap.
    None,
    /// A map is sorted by its keys, so its order does not count. The order of a sequence does.
    Keys,
    /// The order counts although the type is serialized as a map.
    Insertion,
}

/// Modules of types whose order means nothing, and of their iterators.
const UNORDERED: [&str; 10] = [
    "std::collections::hash::",
    "hashbrown::",
    "ahash::",
    "dashmap::",
    "im::hash::",
    "im_rc::hash::",
    "imbl::hash::",
    "papaya::",
    "scc::hash_",
    "alloc::collections::binary_heap::",
];

/// Modules of maps that are sorted by their keys.
const BY_KEY: [&str; 4] =
    ["alloc::collections::btree::map::", "im::ord::map::", "im_rc::ord::map::", "imbl::ord::map::"];

/// Modules of maps that keep the order of insertion.
const INSERTION: [&str; 4] =
    ["indexmap::map::", "ordermap::map::", "linked_hash_map::", "hashlink::linked_hash_map::"];

/// Standard types that serialize as their content, and iterators that keep the order of their
/// source.
const TRANSPARENT: [&str; 16] = [
    "Box",
    "Rc",
    "Arc",
    "Cow",
    "Cell",
    "RefCell",
    "Mutex",
    "RwLock",
    "Reverse",
    "Saturating",
    "Map",
    "Filter",
    "FilterMap",
    "Cloned",
    "Copied",
    "Inspect",
];

impl Order {
    /// Returns the order of the items of a `T`, also behind references, boxes and the like. `T` may
    /// be an iterator.
    pub(super) fn of<T: ?Sized>() -> Self {
        Self::of_name(type_name::<T>())
    }

    fn of_name(mut name: &str) -> Self {
        loop {
            // Some compilers include lifetimes.
            name = name.trim_start_matches("'_, ").trim_start_matches('&');
            name = name.trim_start_matches("'_ ").trim_start_matches("mut ");
            // Most values are numbers and text, whose types have no type arguments.
            if !name.ends_with('>') && !name.contains('<') {
                return Self::Usual;
            }
            let is_in = |modules: &[&str]| modules.iter().any(|module| name.starts_with(module));
            if is_in(&UNORDERED) {
                return Self::None;
            }
            if is_in(&BY_KEY) {
                return Self::Keys;
            }
            if is_in(&INSERTION) {
                return Self::Insertion;
            }
            let Some((head, arguments)) = name.split_once('<') else { return Self::Usual };
            let last = head.rsplit("::").next().unwrap_or_default();
            let is_std = ["alloc::", "core::", "std::"].iter().any(|of| head.starts_with(of));
            if !is_std || !TRANSPARENT.contains(&last) {
                return Self::Usual;
            }
            name = arguments;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cell::RefCell;
    use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
    use std::rc::Rc;
    use std::sync::{Arc, Mutex, RwLock};

    use indexmap::{IndexMap, IndexSet};

    use super::*;

    #[test]
    fn the_names_of_types_are_those_of_this_compiler() {
        assert_eq!(Order::of::<HashSet<u8>>(), Order::None);
        assert_eq!(Order::of::<HashSet<Vec<String>, std::hash::RandomState>>(), Order::None);
        assert_eq!(Order::of::<BinaryHeap<u8>>(), Order::None);
        assert_eq!(Order::of::<IndexMap<u8, u8>>(), Order::Insertion);
        assert_eq!(Order::of::<&&Box<HashSet<u8>>>(), Order::None);
        assert_eq!(Order::of::<Rc<RefCell<HashSet<u8>>>>(), Order::None);
        assert_eq!(Order::of::<Arc<Mutex<HashSet<u8>>>>(), Order::None);
        assert_eq!(Order::of::<Arc<RwLock<HashSet<u8>>>>(), Order::None);
        assert_eq!(Order::of::<Cow<'_, HashSet<u8>>>(), Order::None);
        assert_eq!(Order::of::<HashMap<u8, u8>>(), Order::None);
        assert_eq!(Order::of::<BTreeMap<u8, HashSet<u8>>>(), Order::Keys);
    }

    fn of_iterator<I: IntoIterator>(_: I) -> Order {
        Order::of::<I>()
    }

    #[test]
    fn an_iterator_has_the_order_of_its_collection() {
        let map = HashMap::from([(1, 2)]);
        assert_eq!(of_iterator(&map), Order::None);
        assert_eq!(of_iterator(map.keys().copied()), Order::None);
        assert_eq!(of_iterator(map.iter().map(|(key, value)| (value, key))), Order::None);
        assert_eq!(of_iterator(BTreeMap::from([(1, 2)]).iter().filter(|_| true)), Order::Keys);
        assert_eq!(of_iterator(IndexMap::from([(1, 2)]).iter()), Order::Insertion);
        assert_eq!(of_iterator([map].iter().map(HashMap::len)), Order::Usual);
    }

    #[test]
    fn collections_of_other_crates_are_known_by_their_modules() {
        for name in [
            "imbl::hash::set::GenericHashSet<u8, std::hash::random::RandomState, archery::ArcK>",
            "im::hash::set::HashSet<u8>",
            "ahash::hash_set::AHashSet<u8>",
            "dashmap::DashMap<u8, u8>",
        ] {
            assert_eq!(Order::of_name(name), Order::None, "{name}");
        }
    }

    #[test]
    fn ordered_collections_keep_their_order() {
        for order in [
            Order::of::<Vec<HashSet<u8>>>(),
            Order::of::<BTreeSet<u8>>(),
            Order::of::<IndexSet<u8>>(),
            Order::of::<[HashSet<u8>]>(),
            Order::of::<str>(),
            Order::of_name("mine::HashSet<u8>"),
            Order::of_name("mine::Box<std::collections::hash::set::HashSet<u8>>"),
        ] {
            assert_eq!(order, Order::Usual);
        }
    }
}

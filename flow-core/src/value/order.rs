//! The order of a collection's items, by the name of its type.
//!
//! Serde tells a serializer that a sequence or a map follows, and not whether its order means anything.
//! A set gives its items in another order each time, so that equal values would have different keys; a
//! map that keeps the order of insertion gives its entries in an order that a task can see. The generic
//! methods of a serializer know the type of each value, and its name tells which it is.
//!
//! What hides the type keeps the order that it is serialized in: `#[serde(transparent)]`,
//! `#[serde(with = ...)]`, and an own `Serialize` that calls that of a set.

use std::any::type_name;

/// What the order of a collection's items means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// What the data model says: it counts in a sequence, and not in a map.
    Usual,
    /// It does not count although it is serialized as a sequence: a set, or a heap.
    None,
    /// It counts although it is serialized as a map.
    Insertion,
}

/// Types without an order that serialize as a sequence.
const UNORDERED: [&str; 6] = [
    "std::collections::hash::set::HashSet",
    "hashbrown::set::HashSet",
    "ahash::hash_set::AHashSet",
    "dashmap::set::DashSet",
    "im::hash::set::HashSet",
    "alloc::collections::binary_heap::BinaryHeap",
];

/// Types that serialize as a map and keep the order of insertion.
const INSERTION: [&str; 4] = [
    "indexmap::map::IndexMap",
    "ordermap::map::OrderMap",
    "linked_hash_map::LinkedHashMap",
    "hashlink::linked_hash_map::LinkedHashMap",
];

/// Types of the standard library that serialize as what they contain.
const TRANSPARENT: [&str; 10] =
    ["Box", "Rc", "Arc", "Cow", "Cell", "RefCell", "Mutex", "RwLock", "Reverse", "Saturating"];

impl Order {
    /// The order of the items of a `T`, also behind references, boxes and the like.
    pub(super) fn of<T: ?Sized>() -> Self {
        Self::of_name(type_name::<T>())
    }

    fn of_name(mut name: &str) -> Self {
        loop {
            // Some compilers write lifetimes.
            name = name.trim_start_matches("'_, ").trim_start_matches('&');
            name = name.trim_start_matches("'_ ").trim_start_matches("mut ");
            // Most values are numbers and texts, which have no type arguments.
            if !name.ends_with('>') {
                return Self::Usual;
            }
            let Some((head, arguments)) = name.split_once('<') else { return Self::Usual };
            if UNORDERED.contains(&head) {
                return Self::None;
            }
            if INSERTION.contains(&head) {
                return Self::Insertion;
            }
            let last = head.rsplit("::").next().unwrap_or_default();
            let is_std = ["alloc::", "core::", "std::"].iter().any(|of| head.starts_with(of));
            if !is_std || !TRANSPARENT.contains(&last) {
                return Self::Usual;
            }
            name = &arguments[..arguments.len() - 1];
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
    }

    #[test]
    fn what_has_an_order_keeps_it() {
        for order in [
            Order::of::<Vec<HashSet<u8>>>(),
            Order::of::<BTreeSet<u8>>(),
            Order::of::<IndexSet<u8>>(),
            Order::of::<HashMap<u8, u8>>(),
            Order::of::<BTreeMap<u8, HashSet<u8>>>(),
            Order::of::<[HashSet<u8>]>(),
            Order::of::<str>(),
            Order::of_name("mine::HashSet<u8>"),
            Order::of_name("mine::Box<std::collections::hash::set::HashSet<u8>>"),
        ] {
            assert_eq!(order, Order::Usual);
        }
    }
}

//! Computes a digest of which name refers to which item.
//!
//! If an edit exchanges the imports of two functions, the program still has the same items, so the digests of
//! the items do not change. Their *colors* do: the color of an item is a digest of its tokens, and of each
//! name in them with the colors of the items to which the name resolves. It contains no paths of files or
//! modules, so an item that moves keeps its color.
//!
//! The colors of items that refer to each other in a cycle are computed by refinement. The first colors
//! are the digests of the items' tokens. Each round computes new colors from the colors of the
//! items to which the names resolve. The rounds end when the number of distinct colors no longer grows.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::node::{Link, Node};
use super::source::ItemId;
use super::tokens::digest_of_bytes;
use super::world::View;

impl View<'_> {
    /// Returns the color of an item.
    pub(crate) fn color(&self, item: ItemId) -> u128 {
        if let Some(&color) = self.cache.colors.borrow().get(&item) {
            return color;
        }
        for component in self.components(item) {
            let colors = self.refine(&component);
            self.cache.colors.borrow_mut().extend(colors);
        }
        self.cache.colors.borrow().get(&item).copied().unwrap_or(0)
    }

    /// Returns the color of an item with this digest and these links.
    pub(crate) fn color_of(&self, digest: u128, node: &Node) -> u128 {
        color(digest, node, &|item| self.color(item))
    }

    /// Returns a digest of the items to which the names in an item resolve, by the digests of their tokens.
    pub(crate) fn names_in(&self, node: &Node) -> u64 {
        if node.links.is_empty() {
            return 0;
        }
        let digest = color(0, node, &|item| self.digest(item));
        (digest >> 64) as u64
    }

    /// Returns the colors of the items of a cycle.
    fn refine(&self, component: &[ItemId]) -> HashMap<ItemId, u128> {
        let inside: HashSet<ItemId> = component.iter().copied().collect();
        let mut colors: HashMap<ItemId, u128> =
            component.iter().map(|&item| (item, self.digest(item))).collect();
        let mut count = 0;
        loop {
            let next: HashMap<ItemId, u128> = component
                .iter()
                .map(|&item| {
                    let color_of = |other: ItemId| match inside.contains(&other) {
                        true => colors[&other],
                        false => self.cache.colors.borrow().get(&other).copied().unwrap_or(0),
                    };
                    (item, color(self.digest(item), &self.node(item), &color_of))
                })
                .collect();
            colors = next;
            let distinct = colors.values().collect::<HashSet<_>>().len();
            if distinct == count {
                return colors;
            }
            count = distinct;
        }
    }

    /// Returns the strongly connected components of the items that `start` reaches by names.
    ///
    /// Each component comes after the components that it refers to (Tarjan, 1972, without recursion).
    fn components(&self, start: ItemId) -> Vec<Vec<ItemId>> {
        let mut components = Vec::new();
        let mut order: HashMap<ItemId, (usize, usize)> = HashMap::new();
        let mut open: Vec<ItemId> = Vec::new();
        let mut is_open: HashSet<ItemId> = HashSet::new();
        let mut path = vec![(start, self.linked_items(start), 0)];
        order.insert(start, (0, 0));
        open.push(start);
        is_open.insert(start);
        while let Some((item, next, place)) = path.last_mut() {
            let item = *item;
            if let Some(&other) = next.get(*place) {
                *place += 1;
                if let Some(&(number, _)) = order.get(&other) {
                    if is_open.contains(&other) {
                        order.entry(item).and_modify(|found| found.1 = found.1.min(number));
                    }
                } else if !self.cache.colors.borrow().contains_key(&other) {
                    let number = order.len();
                    order.insert(other, (number, number));
                    open.push(other);
                    is_open.insert(other);
                    let next = self.linked_items(other);
                    path.push((other, next, 0));
                }
                continue;
            }
            path.pop();
            let (number, low) = order.get(&item).copied().unwrap_or_default();
            if let Some((parent, _, _)) = path.last() {
                order.entry(*parent).and_modify(|found| found.1 = found.1.min(low));
            }
            if number == low {
                let mut component = Vec::new();
                while let Some(member) = open.pop() {
                    is_open.remove(&member);
                    component.push(member);
                    if member == item {
                        break;
                    }
                }
                components.push(component);
            }
        }
        components
    }

    /// Returns the items to which the names in an item resolve.
    fn linked_items(&self, item: ItemId) -> Vec<ItemId> {
        let node = self.node(item);
        let items: BTreeSet<ItemId> = node
            .links
            .values()
            .flatten()
            .filter_map(|link| match link {
                Link::Item(item) => Some(*item),
                Link::Foreign(_) => None,
            })
            .collect();
        items.into_iter().collect()
    }
}

/// Returns the digest of `digest` and of each name in `node` with the colors of its items.
fn color(digest: u128, node: &Node, color_of: &dyn Fn(ItemId) -> u128) -> u128 {
    let mut bytes = digest.to_le_bytes().to_vec();
    for (name, links) in &node.links {
        bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        let mut colors: Vec<u128> = links
            .iter()
            .map(|link| match link {
                Link::Item(item) => color_of(*item),
                Link::Foreign(path) => digest_of_bytes(path.as_bytes()),
            })
            .collect();
        colors.sort_unstable();
        bytes.extend_from_slice(&(colors.len() as u64).to_le_bytes());
        for color in colors {
            bytes.extend_from_slice(&color.to_le_bytes());
        }
    }
    digest_of_bytes(&bytes)
}

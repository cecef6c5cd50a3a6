//! Which name means which item, as a digest.
//!
//! Two functions whose imports are exchanged leave a program with the same items, so that the
//! digests of the items do not show it. The *color* of an item does: it is a digest of its tokens
//! and of each name in them with the colors of what that name means. No file and no module is
//! part of it, so that an item that moves keeps its color.
//!
//! Items that refer to one another in a circle get their colors by refinement: first by their
//! tokens, then, again and again, by the colors of what their names mean, until no two that had
//! one color are told apart any more.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::node::{Link, Node};
use super::source::ItemId;
use super::tokens::digest_of_bytes;
use super::world::View;

impl View<'_> {
    /// The color of an item.
    pub(crate) fn color(&self, item: ItemId) -> u128 {
        if let Some(&color) = self.cache.colors.borrow().get(&item) {
            return color;
        }
        for circle in self.circles(item) {
            let colors = self.refine(&circle);
            self.cache.colors.borrow_mut().extend(colors);
        }
        self.cache.colors.borrow().get(&item).copied().unwrap_or(0)
    }

    /// The color of something with these tokens and links.
    pub(crate) fn color_of(&self, digest: u128, node: &Node) -> u128 {
        color(digest, node, &|item| self.color(item))
    }

    /// What the names in an item mean, by the tokens of what they mean alone.
    pub(crate) fn names_in(&self, node: &Node) -> u64 {
        if node.links.is_empty() {
            return 0;
        }
        let digest = color(0, node, &|item| self.digest(item));
        (digest >> 64) as u64
    }

    fn refine(&self, circle: &[ItemId]) -> HashMap<ItemId, u128> {
        let inside: HashSet<ItemId> = circle.iter().copied().collect();
        let mut colors: HashMap<ItemId, u128> =
            circle.iter().map(|&item| (item, self.digest(item))).collect();
        let mut count = 0;
        loop {
            let next: HashMap<ItemId, u128> = circle
                .iter()
                .map(|&item| {
                    let of = |other: ItemId| match inside.contains(&other) {
                        true => colors[&other],
                        false => self.cache.colors.borrow().get(&other).copied().unwrap_or(0),
                    };
                    (item, color(self.digest(item), &self.node(item), &of))
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

    /// The items that `start` leads to by names, each group that refers to itself in a circle
    /// together, and after all that it leads to. (Tarjan, 1972, without recursion.)
    fn circles(&self, start: ItemId) -> Vec<Vec<ItemId>> {
        let mut circles = Vec::new();
        let mut order: HashMap<ItemId, (usize, usize)> = HashMap::new();
        let mut open: Vec<ItemId> = Vec::new();
        let mut is_open: HashSet<ItemId> = HashSet::new();
        let mut path = vec![(start, self.leads_to(start), 0)];
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
                    let next = self.leads_to(other);
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
                let mut circle = Vec::new();
                while let Some(member) = open.pop() {
                    is_open.remove(&member);
                    circle.push(member);
                    if member == item {
                        break;
                    }
                }
                circles.push(circle);
            }
        }
        circles
    }

    fn leads_to(&self, item: ItemId) -> Vec<ItemId> {
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

fn color(digest: u128, node: &Node, of: &dyn Fn(ItemId) -> u128) -> u128 {
    let mut bytes = digest.to_le_bytes().to_vec();
    for (name, links) in &node.links {
        bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        let mut colors: Vec<u128> = links
            .iter()
            .map(|link| match link {
                Link::Item(item) => of(*item),
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

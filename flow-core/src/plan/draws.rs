//! Draws: the values that an instance's requirements take from outside it.
//!
//! Two instances of `Train` with equal parameters differ if `Preprocess`, further up, was given
//! another value: that value is drawn from outside `Train` and is part of its key. What `Train`
//! fixes itself, by a literal, by `with`, or because a value is inherited from it, is not.
//!
//! Each draw says by which *slot* it entered, so that the task which fixes that slot can take it
//! out again. Sets of draws are shared: a plan of a million instances has few different ones.

use std::collections::HashMap;

use crate::key::{Digest, Hasher};
use crate::plan::types::{NameIndex, TypeIndex, Types};
use crate::value::Value;

/// One value drawn by one task.
pub(crate) struct Draw {
    pub(crate) task: TypeIndex,
    pub(crate) param: usize,
    pub(crate) slot: Slot,
    pub(crate) value: Value,
    pub(crate) digest: Digest,
    pub(crate) is_default: bool,
}

/// The way by which a value came, seen from the task that has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Slot {
    /// Set by `with` in a requirement further down.
    With(TypeIndex, usize),
    /// Inherited by this name.
    Name(NameIndex),
    /// From the flow, or a default: no task fixes it.
    Flow,
}

pub(crate) type DrawIndex = u32;

/// A set of draws, which may be shared. The first one is empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) struct SetIndex(u32);

impl SetIndex {
    pub(crate) const EMPTY: Self = Self(0);
}

/// A set of draws, the type of the task that fixes some, and what it sets by `with`.
type Fixing = (SetIndex, TypeIndex, Box<[(TypeIndex, usize)]>);

/// All draws of a plan, and the sets of them.
pub(crate) struct Draws {
    all: Vec<Draw>,
    index: HashMap<(TypeIndex, usize, Slot, Digest), DrawIndex>,
    /// Each sorted.
    sets: Vec<Box<[DrawIndex]>>,
    set_index: HashMap<Box<[DrawIndex]>, SetIndex>,
    unions: HashMap<Box<[SetIndex]>, SetIndex>,
    fixed: HashMap<Fixing, SetIndex>,
    digests: HashMap<SetIndex, Digest>,
}

impl Draws {
    pub(crate) fn new() -> Self {
        let empty: Box<[DrawIndex]> = Box::default();
        Self {
            all: Vec::new(),
            index: HashMap::new(),
            sets: vec![empty.clone()],
            set_index: HashMap::from([(empty, SetIndex::EMPTY)]),
            unions: HashMap::new(),
            fixed: HashMap::new(),
            digests: HashMap::new(),
        }
    }

    pub(crate) fn set(&self, set: SetIndex) -> impl Iterator<Item = &Draw> {
        self.sets[set.0 as usize].iter().map(|&draw| &self.all[draw as usize])
    }

    /// One draw; what it is worth saying about it is asked only the first time.
    pub(crate) fn draw(
        &mut self,
        task: TypeIndex,
        param: usize,
        slot: Slot,
        digest: Digest,
        details: impl FnOnce() -> (Value, bool),
    ) -> DrawIndex {
        let next = self.all.len() as DrawIndex;
        let index = *self.index.entry((task, param, slot, digest)).or_insert(next);
        if index == next {
            let (value, is_default) = details();
            self.all.push(Draw { task, param, slot, value, digest, is_default });
        }
        index
    }

    /// The set of these draws and those of `others`.
    pub(crate) fn union(&mut self, own: &[DrawIndex], mut others: Vec<SetIndex>) -> SetIndex {
        others.sort_unstable();
        others.dedup();
        others.retain(|&set| set != SetIndex::EMPTY);
        let base = match (others.as_slice(), self.unions.get(others.as_slice())) {
            ([], _) => SetIndex::EMPTY,
            ([one], _) => *one,
            (_, Some(&known)) => known,
            _ => {
                let sets = others.iter().flat_map(|set| &*self.sets[set.0 as usize]);
                let union = self.intern(sets.copied().collect());
                self.unions.insert(others.into(), union);
                union
            }
        };
        if own.is_empty() {
            return base;
        }
        let mut draws = self.sets[base.0 as usize].to_vec();
        draws.extend_from_slice(own);
        self.intern(draws)
    }

    /// What remains of a requirement's draws after the consumer, a task of the type `consumer`
    /// with the names `names`, has fixed its own names and what it set by `with`.
    pub(crate) fn outside(
        &mut self,
        set: SetIndex,
        consumer: TypeIndex,
        names: &[NameIndex],
        with: &[(TypeIndex, usize)],
    ) -> SetIndex {
        if set == SetIndex::EMPTY || (names.is_empty() && with.is_empty()) {
            return set;
        }
        let question = (set, consumer, Box::from(with));
        if let Some(&known) = self.fixed.get(&question) {
            return known;
        }
        let remains = |slot: Slot| match slot {
            Slot::With(task, param) => !with.contains(&(task, param)),
            Slot::Name(name) => !names.contains(&name),
            Slot::Flow => true,
        };
        let draws = self.sets[set.0 as usize].iter().copied();
        let rest = draws.filter(|&draw| remains(self.all[draw as usize].slot)).collect();
        let rest = self.intern(rest);
        self.fixed.insert(question, rest);
        rest
    }

    fn intern(&mut self, mut draws: Vec<DrawIndex>) -> SetIndex {
        draws.sort_unstable();
        draws.dedup();
        let next = SetIndex(self.sets.len() as u32);
        let draws: Box<[DrawIndex]> = draws.into();
        let index = *self.set_index.entry(draws.clone()).or_insert(next);
        if index == next {
            self.sets.push(draws);
        }
        index
    }

    /// The digest of a set's values, whatever the way by which they came.
    pub(crate) fn digest(&mut self, set: SetIndex, types: &Types) -> Digest {
        if let Some(&digest) = self.digests.get(&set) {
            return digest;
        }
        let mut parts: Vec<(String, &str, Digest)> = self
            .set(set)
            .map(|draw| {
                let task = types.get(draw.task);
                let param = task.param(draw.param).identity();
                (task.decl.identity().to_owned(), param, draw.digest)
            })
            .collect();
        parts.sort_unstable();
        parts.dedup();
        let mut hasher = Hasher::new("draws");
        for (task, param, digest) in parts {
            hasher.text(&task).text(param).part(digest);
        }
        let digest = hasher.digest();
        self.digests.insert(set, digest);
        digest
    }
}

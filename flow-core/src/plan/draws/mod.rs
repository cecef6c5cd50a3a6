//! Draws: the values that an instance's dependencies take from outside it.
//!
//! Two instances of `Train` with equal parameters differ if `Preprocess`, further upstream, has another
//! value. `Train` draws that value from outside, so it is part of the key of `Train`. A value that the
//! instance sets for its own dependencies, by a literal or by `with`, is not drawn. How a value was given
//! does not matter: the draws of an instance follow from the values of everything upstream.
//!
//! # How a set of draws changes on its way downstream
//!
//! The builder finishes nodes from inputs to consumers. Each parameter enters as a draw of its own task,
//! unless its consumer sets it by a literal. On the way downstream,
//!
//! - [`outside`](Draws::outside) removes the draws that the consumer sets by `with`;
//! - [`settle`](Draws::settle) compares each draw with the parameter of the same name of the nearest task
//!   downstream. A draw that equals this parameter could have been inherited, and so it is fixed by whatever
//!   fixes that parameter. Whether it was really inherited does not matter: a flow that gives a task the
//!   value that it would inherit anyway changes nothing;
//! - [`release`](Draws::release) removes the draws that equal a literal of the consumer.
//!
//! A value that is fixed by inheritance leaves a mark, because a flow can override it. A set is ambiguous if
//! it has several values of one parameter, or a value and a mark of one parameter: it does not tell which
//! instance has which value. The keys of such instances include the keys of their inputs.
//!
//! Sets of draws are shared: a plan of a million instances has few different ones.

mod draw;

use std::collections::HashMap;

pub(crate) use self::draw::{Draw, Fixer, Settled};
use self::draw::{Drawn, Implied, State};
use crate::base::key::{Digest, Hasher};
use crate::plan::types::{NameIndex, SourceIndex, TypeIndex, Types};
use crate::value::Value;

pub(crate) type DrawIndex = u32;

/// The index of a set of draws, which may be shared. The set at index 0 is empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) struct SetIndex(u32);

impl SetIndex {
    pub(crate) const EMPTY: Self = Self(0);
}

/// All draws of a plan, and the sets of them.
pub(crate) struct Draws {
    drawn: Vec<Drawn>,
    drawn_index: HashMap<(TypeIndex, usize, Option<Digest>), u32>,
    fixers: Interned<Box<[Fixer]>>,
    states: Interned<State>,
    /// The sets, each sorted.
    sets: Interned<Box<[DrawIndex]>>,
    unions: HashMap<Box<[SetIndex]>, SetIndex>,
    outside: HashMap<(SetIndex, Box<[SourceIndex]>), SetIndex>,
    released: HashMap<SetIndex, SetIndex>,
    digests: HashMap<SetIndex, SetDigest>,
}

/// The digest of a set's values.
#[derive(Clone, Copy)]
pub(crate) struct SetDigest {
    pub(crate) digest: Digest,
    /// Whether the set does not tell which instance has which value.
    pub(crate) is_ambiguous: bool,
}

impl Draws {
    pub(crate) fn new() -> Self {
        Self {
            drawn: Vec::new(),
            drawn_index: HashMap::new(),
            fixers: Interned::starting_with(Box::default()),
            states: Interned::default(),
            sets: Interned::starting_with(Box::default()),
            unions: HashMap::new(),
            outside: HashMap::new(),
            released: HashMap::new(),
            digests: HashMap::new(),
        }
    }

    /// Returns the values of a set, without its marks.
    pub(crate) fn set(&self, set: SetIndex) -> impl Iterator<Item = Draw<'_>> {
        self.states(set).filter_map(|(_, state)| {
            let Drawn { task, param, ref value, is_default, .. } = self.drawn[state.drawn as usize];
            let (digest, value) = value.as_ref()?;
            let is_inherited = state.implied == Implied::ByValue;
            let is_implied = match state.implied {
                Implied::Unknown => is_default,
                Implied::ByValue | Implied::ByDefault => true,
                Implied::No => false,
            };
            Some(Draw { task, param, digest: *digest, value, is_implied, is_inherited })
        })
    }

    fn states(&self, set: SetIndex) -> impl Iterator<Item = (DrawIndex, State)> + '_ {
        self.sets.get(set.0).iter().map(|&draw| (draw, *self.states.get(draw)))
    }

    /// Returns the index of a draw of a task's own parameter.
    ///
    /// `details` returns the value and whether it is the default. It is called for the first of equal draws.
    pub(crate) fn draw(
        &mut self,
        (task, param): (TypeIndex, usize),
        name: NameIndex,
        digest: Digest,
        fixer: Option<Fixer>,
        details: impl FnOnce() -> (Value, bool),
    ) -> DrawIndex {
        let next = self.drawn.len() as u32;
        let drawn = *self.drawn_index.entry((task, param, Some(digest))).or_insert(next);
        if drawn == next {
            let (value, is_default) = details();
            self.drawn.push(Drawn { task, param, name, value: Some((digest, value)), is_default });
        }
        let fixers = self.fixers.index(fixer.into_iter().collect());
        self.states.index(State { drawn, fixers, is_open: true, implied: Implied::Unknown })
    }

    /// Returns the union of these draws and the sets `others`.
    pub(crate) fn union(&mut self, own: &[DrawIndex], mut others: Vec<SetIndex>) -> SetIndex {
        others.sort_unstable();
        others.dedup();
        others.retain(|&set| set != SetIndex::EMPTY);
        let base = match (others.as_slice(), self.unions.get(others.as_slice())) {
            ([], _) => SetIndex::EMPTY,
            ([one], _) => *one,
            (_, Some(&known)) => known,
            _ => {
                let sets = others.iter().flat_map(|set| &**self.sets.get(set.0));
                let union = sets.copied().collect();
                let union = self.intern(union);
                self.unions.insert(others.into(), union);
                union
            }
        };
        if own.is_empty() {
            return base;
        }
        let mut draws = self.sets.get(base.0).to_vec();
        draws.extend_from_slice(own);
        self.intern(draws)
    }

    /// Returns the draws that remain outside a consumer that sets the parameters `with`.
    pub(crate) fn outside(&mut self, set: SetIndex, with: &[SourceIndex]) -> SetIndex {
        if set == SetIndex::EMPTY || with.is_empty() {
            return set;
        }
        let question = (set, Box::from(with));
        if let Some(&known) = self.outside.get(&question) {
            return known;
        }
        let rest = self.map(set, |draws, draw, state| {
            let fixers = draws.fixers.get(state.fixers);
            if fixers.iter().any(|f| matches!(f, Fixer::With(source) if with.contains(source))) {
                return None;
            }
            let inherits = |f: &Fixer| matches!(f, Fixer::InheritedWith(s) if with.contains(s));
            Some(if fixers.iter().any(inherits) { draws.mark(state) } else { draw })
        });
        self.outside.insert(question, rest);
        rest
    }

    /// Returns the set as the consumer sees it; `settled` returns the consumer's parameter by name.
    pub(crate) fn settle(
        &mut self,
        set: SetIndex,
        names: &[NameIndex],
        mut settled: impl FnMut(NameIndex) -> Settled,
    ) -> SetIndex {
        let is_met = |draws: &Self, state: &State| {
            !state.is_done() && names.contains(&draws.drawn[state.drawn as usize].name)
        };
        if names.is_empty() || !self.states(set).any(|(_, state)| is_met(self, &state)) {
            return set;
        }
        let mut known: Vec<Settled> = Vec::new();
        self.map(set, |draws, draw, mut state| {
            if !is_met(draws, &state) {
                return Some(draw);
            }
            let Drawn { name, ref value, is_default, .. } = draws.drawn[state.drawn as usize];
            let at = known.iter().position(|settled| settled.name == name).unwrap_or_else(|| {
                known.push(settled(name));
                known.len() - 1
            });
            let by = &known[at];
            let is_equal = value.as_ref().is_some_and(|(digest, _)| *digest == by.digest);
            if let Some(fixer) = state.settle(by, is_equal, is_default) {
                let mut fixers = draws.fixers.get(state.fixers).to_vec();
                fixers.push(fixer);
                fixers.sort_unstable();
                fixers.dedup();
                state.fixers = draws.fixers.index(fixers.into());
            }
            Some(draws.states.index(state))
        })
    }

    /// Returns the set without the draws that equal a literal of the consumer.
    pub(crate) fn release(&mut self, set: SetIndex) -> SetIndex {
        let is_fixed = |draws: &Self, state: &State| {
            draws.fixers.get(state.fixers).contains(&Fixer::InheritedLiteral)
        };
        if let Some(&known) = self.released.get(&set) {
            return known;
        }
        let is_any_fixed = self.states(set).any(|(_, state)| is_fixed(self, &state));
        let released = match is_any_fixed {
            false => set,
            true => self.map(set, |draws, draw, state| {
                Some(if is_fixed(draws, &state) { draws.mark(state) } else { draw })
            }),
        };
        self.released.insert(set, released);
        released
    }

    /// Returns the mark that a value of this parameter was fixed by inheritance.
    fn mark(&mut self, State { drawn, .. }: State) -> DrawIndex {
        let Drawn { task, param, name, .. } = self.drawn[drawn as usize];
        let next = self.drawn.len() as u32;
        let drawn = *self.drawn_index.entry((task, param, None)).or_insert(next);
        if drawn == next {
            self.drawn.push(Drawn { task, param, name, value: None, is_default: false });
        }
        let implied = Implied::ByValue;
        self.states.index(State { drawn, fixers: 0, is_open: false, implied })
    }

    /// Returns the set of the results of `change` for each draw.
    fn map(
        &mut self,
        set: SetIndex,
        mut change: impl FnMut(&mut Self, DrawIndex, State) -> Option<DrawIndex>,
    ) -> SetIndex {
        let before = self.sets.get(set.0).clone();
        let mut after = Vec::with_capacity(before.len());
        for &draw in &before {
            let state = *self.states.get(draw);
            after.extend(change(self, draw, state));
        }
        self.intern(after)
    }

    fn intern(&mut self, mut draws: Vec<DrawIndex>) -> SetIndex {
        draws.sort_unstable();
        draws.dedup();
        SetIndex(self.sets.index(draws.into()))
    }

    /// Returns the digest of a set's values, however they were given.
    pub(crate) fn digest(&mut self, set: SetIndex, types: &Types) -> SetDigest {
        if let Some(&digest) = self.digests.get(&set) {
            return digest;
        }
        let digest = self.digest_of(set, types, |_, _| true);
        self.digests.insert(set, digest);
        digest
    }

    /// Returns the digest of the values of those parameters for which `kept` is true.
    pub(crate) fn digest_of(
        &self,
        set: SetIndex,
        types: &Types,
        kept: impl Fn(TypeIndex, usize) -> bool,
    ) -> SetDigest {
        let states = self.states(set).map(|(_, state)| &self.drawn[state.drawn as usize]);
        let parts = states.filter(|drawn| kept(drawn.task, drawn.param)).map(|drawn| {
            let entry = types.get(drawn.task);
            let digest = drawn.value.as_ref().map(|(digest, _)| *digest);
            (entry.decl.identity(), entry.param(drawn.param).identity(), digest)
        });
        let mut parts: Vec<_> = parts.collect();
        parts.sort_unstable();
        parts.dedup();
        let is_ambiguous =
            parts.windows(2).any(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1));
        let mut hasher = Hasher::new("draws");
        for (task, param, digest) in parts {
            if let Some(digest) = digest {
                hasher.text(task).text(param).part(digest);
            }
        }
        SetDigest { digest: hasher.digest(), is_ambiguous }
    }
}

/// Values that are stored once, each with an index.
struct Interned<T> {
    all: Vec<T>,
    index: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { all: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn starting_with(first: T) -> Self {
        let mut interned = Self::default();
        interned.index(first);
        interned
    }

    fn get(&self, index: u32) -> &T {
        &self.all[index as usize]
    }

    fn index(&mut self, one: T) -> u32 {
        if let Some(&known) = self.index.get(&one) {
            return known;
        }
        let next = self.all.len() as u32;
        self.all.push(one.clone());
        self.index.insert(one, next);
        next
    }
}

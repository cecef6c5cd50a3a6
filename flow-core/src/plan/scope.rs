//! The values that are on their way from the root to the tasks upstream.

use crate::base::key::{Digest, Hasher};
use crate::plan::types::{NameIndex, Reach, SourceIndex};
use crate::task::TaskType;
use crate::value::AnyValue;

/// What the tasks from the root down to one requirement pass on.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// What the nearest task with that name has been given, sorted by name.
    inherited: Vec<(NameIndex, Inherited)>,
    /// What the requirements on the way set with `with`, sorted.
    with: Vec<(SourceIndex, OnTheWay)>,
    /// The nearest parameter with each source that several parameters of the plan have, and its
    /// value, sorted.
    shared: Vec<(SourceIndex, Shared)>,
}

/// A parameter that is, through `from`, one with others, and the value that it has.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) task: &'static TaskType,
    pub(crate) place: usize,
    pub(crate) value: OnTheWay,
}

/// A value that travels.
#[derive(Clone)]
pub(crate) struct OnTheWay {
    pub(crate) value: AnyValue,
    pub(crate) digest: Digest,
}

/// A value that travels by its name, and who was given it.
#[derive(Clone)]
pub(crate) struct Inherited {
    pub(crate) value: OnTheWay,
    pub(crate) giver: (&'static TaskType, usize),
    pub(crate) significant: bool,
}

impl Scope {
    pub(crate) fn inherited(&self, name: NameIndex) -> Option<&Inherited> {
        let place = self.inherited.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(&self.inherited[place].1)
    }

    pub(crate) fn with(&self, source: SourceIndex) -> Option<&OnTheWay> {
        let place = self.with.binary_search_by_key(&source, |(source, _)| *source).ok()?;
        Some(&self.with[place].1)
    }

    pub(crate) fn shared(&self, source: SourceIndex) -> Option<&Shared> {
        let place = self.shared.binary_search_by_key(&source, |(source, _)| *source).ok()?;
        Some(&self.shared[place].1)
    }

    /// From here on, `name` has this value or, if `None`, none that travels.
    pub(crate) fn set(&mut self, name: NameIndex, value: Option<Inherited>) {
        put(&mut self.inherited, name, value);
    }

    /// From here on, all parameters with this source have this value, whatever those downstream have.
    pub(crate) fn set_with(&mut self, source: SourceIndex, value: OnTheWay) {
        put(&mut self.shared, source, None);
        put(&mut self.with, source, Some(value));
    }

    /// From here on, this is the nearest parameter with this source.
    pub(crate) fn set_shared(&mut self, source: SourceIndex, shared: Shared) {
        put(&mut self.shared, source, Some(shared));
    }

    /// Hashes what of it can matter to a task that reads only `reach`, and that replaces what
    /// travels under the names `hidden`.
    pub(crate) fn hash(&self, reach: &Reach, hidden: &[NameIndex], hasher: &mut Hasher) {
        for (name, inherited) in &self.inherited {
            if reach.has_name(*name) && !hidden.contains(name) {
                hasher.number(u64::from(*name)).part(inherited.value.digest);
                hasher.number(u64::from(inherited.significant));
            }
        }
        hasher.text("with");
        for (source, with) in &self.with {
            if reach.has_source(*source) {
                hasher.number(u64::from(*source)).part(with.digest);
            }
        }
        hasher.text("shared");
        for (source, shared) in &self.shared {
            if reach.has_source(*source) {
                // Which parameter it is matters to one that is the same.
                let (name, place) = ((shared.task.decl)().name, shared.place as u64);
                hasher.number(u64::from(*source)).text(&name).number(place);
                hasher.part(shared.value.digest);
            }
        }
    }
}

fn put<K: Ord, V>(sorted: &mut Vec<(K, V)>, key: K, value: Option<V>) {
    match (sorted.binary_search_by(|(other, _)| other.cmp(&key)), value) {
        (Ok(place), Some(value)) => sorted[place].1 = value,
        (Ok(place), None) => drop(sorted.remove(place)),
        (Err(place), Some(value)) => sorted.insert(place, (key, value)),
        (Err(_), None) => {}
    }
}

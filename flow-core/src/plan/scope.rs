//! The values that are passed on from the root to the tasks upstream.

use crate::base::key::Hasher;
use crate::plan::param_value::ParamValue;
use crate::plan::types::{NameIndex, Reach, SourceIndex};
use crate::task::TaskType;

/// The values that the tasks on the path from the root to a dependency pass on to it.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// The value given to the nearest task with each name, sorted by name.
    inherited: Vec<(NameIndex, Inherited)>,
    /// The values that the dependencies on the path set by `with`, sorted.
    with: Vec<(SourceIndex, ParamValue)>,
    /// The nearest parameter with each source that several parameters share, and its value, sorted.
    shared: Vec<(SourceIndex, Shared)>,
}

/// A parameter that is the same as others through `from`, and its value.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) task: &'static TaskType,
    pub(crate) place: usize,
    pub(crate) value: ParamValue,
}

/// A value that is passed on by its name, and the parameter it was given to.
#[derive(Clone)]
pub(crate) struct Inherited {
    pub(crate) value: ParamValue,
    pub(crate) giver: (&'static TaskType, usize),
    pub(crate) significant: bool,
}

impl Scope {
    pub(crate) fn inherited(&self, name: NameIndex) -> Option<&Inherited> {
        let place = self.inherited.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(&self.inherited[place].1)
    }

    pub(crate) fn with(&self, source: SourceIndex) -> Option<&ParamValue> {
        let place = self.with.binary_search_by_key(&source, |(source, _)| *source).ok()?;
        Some(&self.with[place].1)
    }

    pub(crate) fn shared(&self, source: SourceIndex) -> Option<&Shared> {
        let place = self.shared.binary_search_by_key(&source, |(source, _)| *source).ok()?;
        Some(&self.shared[place].1)
    }

    /// Sets the value that is passed on by `name`; `None` if none is passed on from here.
    pub(crate) fn set(&mut self, name: NameIndex, value: Option<Inherited>) {
        put(&mut self.inherited, name, value);
    }

    /// Sets the value of all parameters with this source, whatever parameters downstream have.
    pub(crate) fn set_with(&mut self, source: SourceIndex, value: ParamValue) {
        put(&mut self.shared, source, None);
        put(&mut self.with, source, Some(value));
    }

    /// Sets the nearest parameter with this source.
    pub(crate) fn set_shared(&mut self, source: SourceIndex, shared: Shared) {
        put(&mut self.shared, source, Some(shared));
    }

    /// Hashes the part of the scope that can matter to a task which reads only `reach`.
    ///
    /// Values that are passed on by the names in `hidden` are left out, because the task replaces them.
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
                // Parameters that are the same through `from` see which of them was the nearest.
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

//! The values of one variant of a sweep, as the tasks of a plan see them.
//!
//! All variants of a sweep are roots of one plan, in which each instance exists once. A variant resolves
//! exactly as its flow would alone: its values take the place of the flow's own values and are looked up
//! where these are, not in the scope, which travels. So an instance that was built for one variant is reused
//! in another one if the values that can reach it are equal. A task that no value of any variant reaches is
//! walked once, however many variants there are. The digest of the values that can reach a type is computed
//! once for each variant and type.

use std::collections::HashMap;
use std::rc::Rc;

use crate::base::key::{Digest, Hasher};
use crate::plan::error::PlanErrorKind;
use crate::plan::param_value::{digest_param, digest_value, fit};
use crate::plan::types::{Reach, SourceIndex, TypeIndex, Types};
use crate::plan::warning::{self, Warning};
use crate::store::Store;
use crate::task::TaskType;
use crate::task::param::{ParamId, full_name};
use crate::task::setting::Named;
use crate::task::setting::Setting;
use crate::value::AnyValue;

/// A root of a plan, and the variant of a sweep that it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a> {
    pub(crate) task: &'static TaskType,
    /// The name and the values of the variant.
    pub(crate) variant: Option<(&'a str, &'a Setting)>,
    /// Whether the plan has only some of the variants.
    ///
    /// A value that reaches nothing here may then reach an instance of another variant.
    pub(crate) is_part: bool,
    /// The warnings about the declaration of the sweep, the same for all of its roots.
    pub(crate) warnings: &'a [Warning],
}

impl From<&'static TaskType> for Root<'_> {
    fn from(task: &'static TaskType) -> Self {
        Self { task, variant: None, is_part: false, warnings: &[] }
    }
}

impl Setting {
    /// Returns the value given to exactly this parameter, not to one that is the same through `from`.
    pub(crate) fn typed(&self, ParamId { task, place }: ParamId) -> Option<&AnyValue> {
        let is_it =
            |(owner, at, _): &&(&TaskType, usize, AnyValue)| *at == place && (owner.id)() == task;
        self.typed.iter().find(is_it).map(|(_, _, value)| value)
    }

    /// Returns the value given to the parameters of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Named> {
        self.named.get(name)
    }
}

/// The values of one variant, by the types that can take them.
pub(super) struct Visible {
    /// The digest of each value, with the parameters that take it.
    values: Vec<(Takers, Digest)>,
    /// A cache, by type, of the digest of the values that can reach it or its dependencies.
    seen: HashMap<TypeIndex, Option<Digest>>,
}

/// The parameters that take a value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Takers {
    /// The parameters with this source; the value is given to the one that is named `Task.parameter`.
    One(SourceIndex, String),
    /// All parameters with this name, which belong to these types.
    Named(String, Rc<[TypeIndex]>),
}

impl Visible {
    /// Creates the values of a variant.
    ///
    /// # Errors
    ///
    /// No task has a parameter with the name under which a value is given, or the value does not fit one.
    pub(super) fn new(
        setting: &Setting,
        types: &Types,
        store: &Store,
        names: &mut HashMap<String, Rc<[TypeIndex]>>,
    ) -> Result<Self, PlanErrorKind> {
        let mut values = Vec::with_capacity(setting.typed.len() + setting.named.len());
        for (task, place, value) in &setting.typed {
            let (name, param) = ((task.decl)().name, &task.params[*place]);
            let digest = digest_param(store, &name, param, value)?;
            let Some(source) = types.find_source(task, *place) else { continue };
            let takers = Takers::One(source, full_name(task, *place));
            values.push((takers, digest));
        }
        for (name, value) in &setting.named {
            let takers = takers(types, name, value, names)?;
            let Ok(value) = value else { continue };
            let digest = digest_value(store, value)?;
            values.push((Takers::Named(name.clone(), takers), digest));
        }
        values.sort_unstable();
        Ok(Self { values, seen: HashMap::new() })
    }

    /// Returns the digest of all values that a task of this type, or its dependencies, can take.
    ///
    /// It is `None` if there are no such values.
    pub(super) fn digest(&mut self, index: TypeIndex, reach: &Reach) -> Option<Digest> {
        if let Some(&known) = self.seen.get(&index) {
            return known;
        }
        let mut hasher: Option<Hasher> = None;
        for (takers, digest) in &self.values {
            match takers {
                Takers::One(source, name) if reach.has_source(*source) => {
                    let hasher = hasher.get_or_insert_with(|| Hasher::new("variant"));
                    hasher.number(u64::from(*source)).text(name).part(*digest);
                }
                Takers::Named(name, types) if types.iter().any(|task| reach.has_type(*task)) => {
                    let hasher = hasher.get_or_insert_with(|| Hasher::new("variant"));
                    hasher.text(name).part(*digest);
                }
                _ => {}
            }
        }
        let digest = hasher.map(|hasher| hasher.digest());
        self.seen.insert(index, digest);
        digest
    }
}

/// Returns the types with a parameter of that name, all of which the value must fit.
fn takers(
    types: &Types,
    name: &str,
    value: &Named,
    names: &mut HashMap<String, Rc<[TypeIndex]>>,
) -> Result<Rc<[TypeIndex]>, PlanErrorKind> {
    let known = match names.get(name) {
        Some(known) => Rc::clone(known),
        None => {
            let found: Rc<[_]> = warning::with_name(types, name)?.map(|(index, _)| index).collect();
            names.insert(name.to_owned(), Rc::clone(&found));
            found
        }
    };
    for &index in &*known {
        let entry = types.get(index);
        for (place, param) in entry.task.params.iter().enumerate() {
            if types.names_of(index, place).contains(&name) {
                fit(&entry.decl.name, param, name, value)?;
            }
        }
    }
    Ok(known)
}

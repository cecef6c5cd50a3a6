//! The task types of a plan, and the values that each may read.
//!
//! [`Types`] holds every type that the roots may reach, whatever the values of the parameters are. From it
//! follow two identities of a parameter: its *name* (text and type), by which values are inherited, and its
//! *source*, the last parameter of its chain of `from`, to which values are given.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use crate::base::code::{Codes, Versioning};
use crate::base::decl::TaskDecl;
use crate::base::key::Digest;
use crate::base::panics;
use crate::plan::alias::{check_from, origin, source};
use crate::plan::claim::task_folder;
use crate::plan::error::PlanErrorKind;
use crate::plan::storable;
use crate::store::crates::Crates;
use crate::store::owner::Owner;
use crate::store::{Store, TaskFolder};
use crate::target::Outside;
use crate::task::param::{ParamDecl, ParamId};
use crate::task::{Kind, TaskType};

/// The index of a task type in a plan.
pub(crate) type TypeIndex = u32;

/// The index of a parameter's name and type, by which a value is inherited.
pub(crate) type NameIndex = u32;

/// The index of a parameter together with all parameters that are the same through `from`.
///
/// A value is given to the source, and so to all of these parameters.
pub(crate) type SourceIndex = u32;

/// One task type in a plan.
pub(crate) struct PlanType {
    pub(crate) task: &'static TaskType,
    pub(crate) decl: TaskDecl,
    pub(crate) codes: Codes,
    pub(crate) code_digest: Digest,
    /// The digest of the versions of the crates that it is compiled with, if they are known.
    pub(crate) crates: Option<Digest>,
    /// The digest of the target that reads its outputs.
    pub(crate) target_digest: Digest,
    pub(crate) folder: Arc<TaskFolder>,
    /// What the target stores outside of the store.
    pub(crate) outside: Option<Box<dyn Outside>>,
}

impl PlanType {
    /// Stores the tables of code and of crates that the record of a new output names.
    pub(crate) fn keep_tables(&self, store: &Store) {
        store.keep_code_table(&self.codes, self.code_digest);
        if let Some(digest) = self.crates {
            store.keep_crates(digest, || Some(Crates::of(&self.codes, Versioning::Told)));
        }
    }

    pub(crate) fn param(&self, index: usize) -> &'static ParamDecl {
        &self.task.params[index]
    }
}

/// All task types that the roots may reach, whatever the values of the parameters are.
#[derive(Default)]
pub(crate) struct Types {
    pub(crate) all: Vec<PlanType>,
    index: HashMap<TypeId, TypeIndex>,
    /// The types that each type may require.
    requires: Vec<Vec<TypeIndex>>,
    /// The names of each type's parameters, by which values are inherited.
    names: Vec<Vec<NameIndex>>,
    name_index: HashMap<(&'static str, TypeId), NameIndex>,
    /// The names that have the same text and different types.
    homonyms: HashMap<&'static str, Vec<NameIndex>>,
    /// The source of each parameter of each type.
    sources: Vec<Vec<SourceIndex>>,
    source_index: HashMap<ParamId, SourceIndex>,
    /// The parameters of this plan with each source.
    members: Vec<Vec<(TypeIndex, usize)>>,
    reach: Vec<OnceLock<Arc<Reach>>>,
}

/// The types, names and sources that a type may read, itself or through its transitive dependencies.
pub(crate) struct Reach {
    types: Vec<bool>,
    /// The names that are read, and the names with the same text and another type.
    names: Vec<bool>,
    sources: Vec<bool>,
}

impl Reach {
    pub(crate) fn has_type(&self, index: TypeIndex) -> bool {
        self.types[index as usize]
    }

    pub(crate) fn has_name(&self, index: NameIndex) -> bool {
        self.names[index as usize]
    }

    pub(crate) fn has_source(&self, index: SourceIndex) -> bool {
        self.sources[index as usize]
    }
}

/// The types that dynamic dependencies reach, by the types of these dependencies.
///
/// The plans of one run share it: a task may require the same types many times.
#[derive(Default)]
pub(crate) struct TypesByRoots(Mutex<HashMap<Vec<TypeId>, Arc<Types>>>);

impl TypesByRoots {
    /// Returns all types that `roots` reach.
    pub(crate) fn get(
        &self,
        roots: impl IntoIterator<Item = &'static TaskType>,
        store: &Store,
    ) -> Result<Arc<Types>, PlanErrorKind> {
        let mut seen = HashSet::new();
        let roots: Vec<_> = roots.into_iter().filter(|task| seen.insert((task.id)())).collect();
        let mut ids: Vec<_> = seen.into_iter().collect();
        ids.sort_unstable();
        if let Some(types) = self.0.lock().expect("lock poisoned").get(&ids) {
            return Ok(Arc::clone(types));
        }
        // The code of the user's crates is called without the lock.
        let types = Arc::new(Types::new(&roots, store)?);
        let mut known = self.0.lock().expect("lock poisoned");
        Ok(Arc::clone(known.entry(ids).or_insert(types)))
    }
}

impl Types {
    /// Collects all types that `roots` may reach, and stops at the first error.
    pub(crate) fn new(roots: &[&'static TaskType], store: &Store) -> Result<Self, PlanErrorKind> {
        Self::with_error_handler(roots, store, &mut Err)
    }

    /// Collects all types that `roots` may reach, and calls `on_error` with each error.
    ///
    /// If `on_error` returns `Ok`, the error is skipped.
    pub(crate) fn with_error_handler(
        roots: &[&'static TaskType],
        store: &Store,
        on_error: &mut dyn FnMut(PlanErrorKind) -> Result<(), PlanErrorKind>,
    ) -> Result<Self, PlanErrorKind> {
        let mut types = Self::default();
        let mut new: Vec<&'static TaskType> = roots.to_vec();
        while let Some(task) = new.pop() {
            let next = types.all.len() as TypeIndex;
            if *types.index.entry((task.id)()).or_insert(next) != next {
                continue;
            }
            (task.requirement_types)(&mut |required| new.push(required));
            let mut wrong =
                (0..task.params.len()).filter_map(|place| check_from(task, place).err());
            wrong.try_for_each(&mut *on_error)?;
            let names = task.params.iter().map(|param| types.name(param)).collect::<Vec<_>>();
            check_apart(task, &names).or_else(&mut *on_error)?;
            types.names.push(names);
            types.add_sources(next, task);
            let decl = (task.decl)();
            storable::check(task, &decl).or_else(&mut *on_error)?;
            let codes = (task.codes)();
            let folder = match task_folder(store, task, &decl) {
                Ok(folder) => folder,
                Err(wrong) => {
                    on_error(wrong)?;
                    store.detached(&decl, Owner { id: (task.id)(), module: decl.module })
                }
            };
            types.all.push(PlanType {
                folder,
                outside: outside(task),
                code_digest: codes.digest(),
                crates: codes.crates_digest(),
                target_digest: codes.target_digest(decl.target),
                decl,
                codes,
                task,
            });
        }
        for &(name, ty) in types.name_index.keys() {
            let index = types.name_index[&(name, ty)];
            types.homonyms.entry(name).or_default().push(index);
        }
        types.homonyms.retain(|_, names| names.len() > 1);
        types.reach = vec![OnceLock::new(); types.all.len()];
        types.requires = types.all.iter().map(|entry| types.required_by(entry.task)).collect();
        types.check_names().or_else(on_error)?;
        Ok(types)
    }

    fn required_by(&self, task: &'static TaskType) -> Vec<TypeIndex> {
        let mut required = Vec::new();
        (task.requirement_types)(&mut |other| required.push(self.index(other)));
        required
    }

    fn name(&mut self, param: &'static ParamDecl) -> NameIndex {
        let source = origin(param);
        let next = self.name_index.len() as NameIndex;
        *self.name_index.entry((source.name, (source.kind.id)())).or_insert(next)
    }

    pub(crate) fn get(&self, index: TypeIndex) -> &PlanType {
        &self.all[index as usize]
    }

    /// Returns the index of a type that the roots reach.
    pub(crate) fn index(&self, task: &'static TaskType) -> TypeIndex {
        self.index[&(task.id)()]
    }

    /// Returns the index of a type, or `None` if the roots do not reach it.
    pub(crate) fn find(&self, id: TypeId) -> Option<TypeIndex> {
        self.index.get(&id).copied()
    }

    fn add_sources(&mut self, index: TypeIndex, task: &'static TaskType) {
        let mut sources = Vec::with_capacity(task.params.len());
        for place in 0..task.params.len() {
            let (owner, at) = source(task, place);
            let next = self.members.len() as SourceIndex;
            let source = *self.source_index.entry(ParamId::new(owner, at)).or_insert(next);
            if source == next {
                self.members.push(Vec::new());
            }
            self.members[source as usize].push((index, place));
            sources.push(source);
        }
        self.sources.push(sources);
    }

    /// Returns the sources of a type's parameters.
    pub(crate) fn sources(&self, index: TypeIndex) -> &[SourceIndex] {
        &self.sources[index as usize]
    }

    /// Returns the source of any task's parameter, if a parameter of this plan has it.
    pub(crate) fn find_source(&self, task: &'static TaskType, place: usize) -> Option<SourceIndex> {
        let (owner, at) = source(task, place);
        self.source_index.get(&ParamId::new(owner, at)).copied()
    }

    /// Returns the parameters of this plan with this source.
    pub(crate) fn members(&self, source: SourceIndex) -> &[(TypeIndex, usize)] {
        &self.members[source as usize]
    }

    /// Returns whether several parameters of this plan are the same through `from`.
    pub(crate) fn is_shared(&self, source: SourceIndex) -> bool {
        self.members(source).len() > 1
    }

    /// Returns the names by which a parameter takes a value that is given by name.
    ///
    /// These are its own name and those of the parameters that are the same through `from`.
    pub(crate) fn names_of(&self, index: TypeIndex, place: usize) -> Vec<&'static str> {
        let param = self.get(index).param(place);
        let mut names = vec![param.name];
        let others = self.members(self.sources(index)[place]).iter();
        let others = others.map(|&(index, place)| self.get(index).param(place).name);
        for name in std::iter::once(origin(param).name).chain(others) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns the names with the text of a parameter's name and another type.
    pub(crate) fn homonyms(
        &self,
        index: TypeIndex,
        place: usize,
    ) -> impl Iterator<Item = NameIndex> + '_ {
        let own = self.names(index)[place];
        let text = origin(self.get(index).param(place)).name;
        let all = self.homonyms.get(text).into_iter().flatten().copied();
        all.filter(move |&name| name != own)
    }

    /// Returns the names by which a type's parameters are inherited.
    pub(crate) fn names(&self, index: TypeIndex) -> &[NameIndex] {
        &self.names[index as usize]
    }

    /// Returns the name by which a parameter of another task is inherited, if a task here has it.
    pub(crate) fn find_name(&self, param: &'static ParamDecl) -> Option<NameIndex> {
        let source = origin(param);
        self.name_index.get(&(source.name, (source.kind.id)())).copied()
    }

    /// Returns the types, names and sources that a type may read, itself or through its dependencies.
    pub(crate) fn reach(&self, index: TypeIndex) -> Arc<Reach> {
        Arc::clone(self.reach[index as usize].get_or_init(|| Arc::new(self.compute_reach(index))))
    }

    fn compute_reach(&self, index: TypeIndex) -> Reach {
        let mut reach = Reach {
            types: vec![false; self.all.len()],
            names: vec![false; self.name_index.len()],
            sources: vec![false; self.members.len()],
        };
        let mut seen = vec![false; self.all.len()];
        let mut new = vec![index];
        while let Some(index) = new.pop() {
            if std::mem::replace(&mut seen[index as usize], true) {
                continue;
            }
            reach.types[index as usize] = true;
            for (place, &name) in self.names(index).iter().enumerate() {
                reach.names[name as usize] = true;
                for homonym in self.homonyms(index, place) {
                    reach.names[homonym as usize] = true;
                }
            }
            for &source in self.sources(index) {
                reach.sources[source as usize] = true;
            }
            new.extend(&self.requires[index as usize]);
        }
        reach
    }
}

/// Returns what the target of a task stores outside of the store.
///
/// A panic in an option of the target is ignored here: it happens again when the output is stored, and fails the task.
fn outside(task: &TaskType) -> Option<Box<dyn Outside>> {
    if task.kind != Kind::Made {
        return None;
    }
    panics::catch(task.outside).ok().flatten()
}

/// Refuses two parameters of one task with the same inherited name.
///
/// Otherwise, a value could be given to one of them and not to the other.
fn check_apart(task: &'static TaskType, names: &[NameIndex]) -> Result<(), PlanErrorKind> {
    let mut seen = HashMap::new();
    for (param, name) in task.params.iter().zip(names) {
        if let Some(other) = seen.insert(name, param.name) {
            return Err(PlanErrorKind::SameParameter {
                task: (task.decl)().name.into_owned(),
                params: [other, param.name],
                name: origin(param).name,
            });
        }
    }
    Ok(())
}

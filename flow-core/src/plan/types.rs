//! The task types of a plan, and what each may read.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use crate::base::code::{Codes, Versioning};
use crate::base::decl::TaskDecl;
use crate::base::key::Digest;
use crate::plan::error::PlanErrorKind;
use crate::plan::storable;
use crate::store::crates::Crates;
use crate::store::owner::{Claim, Owner, Taken};
use crate::store::{Store, TaskFolder};
use crate::task::instances::Instances;
use crate::task::param::ParamDecl;
use crate::task::{Kind, TaskType};

/// The place of a task type in a plan.
pub(crate) type TypeIndex = u32;

/// A parameter's name with its type: what a value is inherited by.
pub(crate) type NameIndex = u32;

/// A parameter and all those that are it through `from`: what a value is given to.
pub(crate) type SourceIndex = u32;

/// One task type in a plan.
pub(crate) struct PlanType {
    pub(crate) task: &'static TaskType,
    pub(crate) decl: TaskDecl,
    pub(crate) codes: Codes,
    pub(crate) code_digest: Digest,
    /// Of the versions of crates that it is compiled with, if they are known.
    pub(crate) crates: Option<Digest>,
    /// Of what its outputs are read by.
    pub(crate) target_digest: Digest,
    pub(crate) folder: Arc<TaskFolder>,
    pub(crate) instances: Box<dyn Instances>,
}

impl PlanType {
    /// Keeps the tables that the record of an output names which was made just now.
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

/// All types that the roots reach, whatever the parameters are.
#[derive(Default)]
pub(crate) struct Types {
    pub(crate) all: Vec<PlanType>,
    index: HashMap<TypeId, TypeIndex>,
    /// The types that each may require.
    requires: Vec<Vec<TypeIndex>>,
    /// The name that each parameter is inherited by.
    names: Vec<Vec<NameIndex>>,
    name_index: HashMap<(&'static str, TypeId), NameIndex>,
    /// The names that are one text with different types.
    homonyms: HashMap<&'static str, Vec<NameIndex>>,
    /// The source of each parameter.
    sources: Vec<Vec<SourceIndex>>,
    source_index: HashMap<(TypeId, usize), SourceIndex>,
    /// The parameters here that have each source.
    members: Vec<Vec<(TypeIndex, usize)>>,
    reach: Vec<Option<Arc<Reach>>>,
}

/// What a type and all that it may require, transitively, read.
pub(crate) struct Reach {
    types: Vec<bool>,
    /// Names that are read, and names of the same text and another type.
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

impl Types {
    /// Adds all types that `roots` reach.
    pub(crate) fn new(roots: &[&'static TaskType], store: &Store) -> Result<Self, PlanErrorKind> {
        Self::telling(roots, store, &mut Err)
    }

    /// The same; what is wrong is told to `tell`, which may let it go on.
    pub(crate) fn telling(
        roots: &[&'static TaskType],
        store: &Store,
        tell: &mut dyn FnMut(PlanErrorKind) -> Result<(), PlanErrorKind>,
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
            wrong.try_for_each(&mut *tell)?;
            let names = task.params.iter().map(|param| types.name(param)).collect::<Vec<_>>();
            check_apart(task, &names).or_else(&mut *tell)?;
            types.names.push(names);
            types.add_sources(next, task);
            let decl = (task.decl)();
            storable::check(task, &decl).or_else(&mut *tell)?;
            let codes = (task.codes)();
            let folder = match task_folder(store, task, &decl) {
                Ok(folder) => folder,
                Err(wrong) => {
                    tell(wrong)?;
                    store.detached(&decl, Owner { id: (task.id)(), module: decl.module })
                }
            };
            types.all.push(PlanType {
                folder,
                code_digest: codes.digest(),
                crates: codes.crates_digest(),
                target_digest: codes.target_digest(decl.target),
                instances: (task.instances)(),
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
        types.reach = vec![None; types.all.len()];
        types.requires = types.all.iter().map(|entry| types.required_by(entry.task)).collect();
        types.check_names().or_else(tell)?;
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

    /// Two tasks that are stored under one name would take each other's outputs for their own.
    fn check_names(&self) -> Result<(), PlanErrorKind> {
        let mut seen: HashMap<&str, &PlanType> = HashMap::new();
        for entry in &self.all {
            let mut names = vec![entry.decl.identity()];
            if entry.decl.was.is_some() {
                names.push(&entry.decl.name);
            }
            for name in names {
                if let Some(other) = seen.insert(name, entry) {
                    return Err(PlanErrorKind::SameName {
                        name: name.to_owned(),
                        modules: [other.decl.module.to_owned(), entry.decl.module.to_owned()],
                    });
                }
            }
        }
        let mut folders: HashMap<&str, &PlanType> = HashMap::new();
        for entry in self.all.iter().filter(|entry| entry.task.kind == Kind::Made) {
            if let Some(other) = folders.insert(&entry.folder.name, entry) {
                return Err(PlanErrorKind::SameFolder {
                    folder: entry.folder.name.clone(),
                    tasks: [other.decl.name.to_string(), entry.decl.name.to_string()],
                });
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, index: TypeIndex) -> &PlanType {
        &self.all[index as usize]
    }

    /// The place of a type that the roots reach.
    pub(crate) fn index(&self, task: &'static TaskType) -> TypeIndex {
        self.index[&(task.id)()]
    }

    /// The place of a type, if the roots reach it.
    pub(crate) fn find(&self, id: TypeId) -> Option<TypeIndex> {
        self.index.get(&id).copied()
    }

    fn add_sources(&mut self, index: TypeIndex, task: &'static TaskType) {
        let mut sources = Vec::with_capacity(task.params.len());
        for place in 0..task.params.len() {
            let (of, at) = source(task, place);
            let next = self.members.len() as SourceIndex;
            let source = *self.source_index.entry(((of.id)(), at)).or_insert(next);
            if source == next {
                self.members.push(Vec::new());
            }
            self.members[source as usize].push((index, place));
            sources.push(source);
        }
        self.sources.push(sources);
    }

    /// The sources of a type's parameters.
    pub(crate) fn sources(&self, index: TypeIndex) -> &[SourceIndex] {
        &self.sources[index as usize]
    }

    /// The source of any task's parameter, if a parameter here has it.
    pub(crate) fn find_source(&self, task: &'static TaskType, place: usize) -> Option<SourceIndex> {
        let (of, at) = source(task, place);
        self.source_index.get(&((of.id)(), at)).copied()
    }

    /// The parameters here that have this source.
    pub(crate) fn members(&self, source: SourceIndex) -> &[(TypeIndex, usize)] {
        &self.members[source as usize]
    }

    /// Whether several parameters here are one through `from`.
    pub(crate) fn is_shared(&self, source: SourceIndex) -> bool {
        self.members(source).len() > 1
    }

    /// The names under which a parameter takes a value that is given by name: its own, and those of
    /// the parameters that are the same through `from`.
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

    /// The names of the same text as a parameter's name that have another type.
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

    /// The names by which a type's parameters are inherited.
    pub(crate) fn names(&self, index: TypeIndex) -> &[NameIndex] {
        &self.names[index as usize]
    }

    /// The name that a parameter of another task is inherited by, if a task here has it.
    pub(crate) fn find_name(&self, param: &'static ParamDecl) -> Option<NameIndex> {
        let source = origin(param);
        self.name_index.get(&(source.name, (source.kind.id)())).copied()
    }

    /// What a type may read, itself and through what it requires.
    pub(crate) fn reach(&mut self, index: TypeIndex) -> Arc<Reach> {
        if let Some(reach) = &self.reach[index as usize] {
            return Arc::clone(reach);
        }
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
        let reach = Arc::new(reach);
        self.reach[index as usize] = Some(Arc::clone(&reach));
        reach
    }
}

/// The declaration that a parameter stands for: its own or, through `from`, another task's.
pub(crate) fn origin(param: &'static ParamDecl) -> &'static ParamDecl {
    let mut param = param;
    while let Some(from) = param.from {
        let (task, place) = from();
        param = &task.params[place];
    }
    param
}

/// A parameter and, through `from`, those of other tasks that it is, the nearest first.
pub(crate) fn same(
    task: &'static TaskType,
    place: usize,
) -> impl Iterator<Item = (&'static TaskType, usize)> {
    std::iter::successors(Some((task, place)), |(task, place)| {
        task.params[*place].from.map(|from| from())
    })
}

/// The task and place of the parameter that this one is: itself or, through `from`, another. Of
/// parameters that are each other, which a plan refuses, each is itself.
pub(crate) fn source(task: &'static TaskType, place: usize) -> (&'static TaskType, usize) {
    if task.params[place].from.is_none() {
        return (task, place);
    }
    let mut passed: Vec<(TypeId, usize)> = Vec::new();
    let mut last = (task, place);
    for (of, at) in same(task, place) {
        if passed.contains(&((of.id)(), at)) {
            return (task, place);
        }
        passed.push(((of.id)(), at));
        last = (of, at);
    }
    last
}

/// The task's part of the store, which no other task may have had under the same name.
pub(crate) fn task_folder(
    store: &Store,
    task: &'static TaskType,
    decl: &TaskDecl,
) -> Result<Arc<TaskFolder>, PlanErrorKind> {
    let owner = Owner { id: (task.id)(), module: decl.module };
    let claim = claim(task, decl);
    let here = claim.clone();
    store.task(decl, owner, claim).map_err(|taken| match taken {
        Taken::Here(other) => PlanErrorKind::SameName {
            name: decl.name.to_string(),
            modules: [other.module.to_owned(), decl.module.to_owned()],
        },
        Taken::Elsewhere(other) => PlanErrorKind::Claimed {
            folder: store.root().display().to_string(),
            there: other.to_string(),
            here: here.map(|here| here.to_string()).unwrap_or_default(),
            task: crate::base::names::short(&decl.name),
        },
        Taken::Unknown(error) => PlanErrorKind::Store(error),
    })
}

/// What a store notes of a task; nothing of one that has no outputs there.
pub(crate) fn claim(task: &'static TaskType, decl: &TaskDecl) -> Option<Claim> {
    let params = task.params.iter().filter(|param| param.significant);
    let parameters = params.map(|param| {
        let name = param.was.unwrap_or(param.name);
        (name.to_owned(), crate::base::names::short((param.kind.name)()))
    });
    (task.kind == Kind::Made).then(|| Claim {
        task: decl.name.to_string(),
        module: decl.module.to_owned(),
        parameters: parameters.collect(),
        target: decl.target.to_owned(),
    })
}

/// Refuses two parameters that are one and the same: each could be given what the other is not.
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

/// Refuses a parameter that is, through `from`, itself, or one that counts and is one that does
/// not.
fn check_from(task: &'static TaskType, place: usize) -> Result<(), PlanErrorKind> {
    let mut passed: Vec<(TypeId, usize)> = Vec::new();
    let mut names = Vec::new();
    for (of, at) in same(task, place) {
        let found = passed.iter().position(|&other| other == ((of.id)(), at));
        passed.push(((of.id)(), at));
        names.push(format!("{}.{}", (of.decl)().name, of.params[at].name));
        if let Some(start) = found {
            return Err(PlanErrorKind::FromItself { cycle: names.split_off(start) });
        }
        if task.params[place].significant && !of.params[at].significant {
            return Err(PlanErrorKind::InsignificantFrom {
                task: (task.decl)().name.into_owned(),
                param: task.params[place].name,
                from: names.pop().expect("its own name"),
            });
        }
    }
    Ok(())
}

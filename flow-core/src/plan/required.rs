//! Plans of dynamic dependencies: for a running task, and for a record of an earlier run.

use std::collections::HashSet;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::base::panics;
use crate::plan::Plan;
use crate::plan::builder::build_for;
use crate::plan::dynamic::Replay;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::param_value::param_value;
use crate::plan::requester::Requester;
use crate::plan::verdicts::Verdicts;
use crate::store::Found;
use crate::store::record::{Required, Setting};
use crate::task::registry;
use crate::task::requirement::Dependency;
use crate::task::{Kind, TaskType};
use crate::value::AnyValue;
use crate::value::Value;

impl Plan {
    /// Returns the plan of an instance's dynamic dependencies, without verdicts.
    pub(crate) fn to_require(
        &self,
        requester: NodeIndex,
        dependencies: Vec<Dependency>,
    ) -> Result<Self, Box<PlanError>> {
        let task = || self.graph.task(requester).decl.name.to_string();
        let wrong = |kind| Box::new(PlanError::new(kind, vec![task()]));
        let graph = panics::catch(|| {
            let requester = Requester::new(self, requester).map_err(wrong)?;
            build_for(&requester, dependencies, &self.store, &self.types)
        });
        let mut graph = graph.unwrap_or_else(|message| {
            Err(wrong(PlanErrorKind::Panicked { task: task(), message }))
        })?;
        graph.is_in_run = true;
        let force = self.force.in_run();
        force.mark(&mut graph);
        if let Some(asked) = &self.graph.asked {
            graph.ask(&self.store, asked.clone())?;
        }
        Ok(Self {
            store: Arc::clone(&self.store),
            contents: Arc::clone(&self.contents),
            // Dynamic dependencies are judged whole.
            trust: self.trust.in_run(),
            reading: self.reading.clone(),
            remotes: self.remotes.clone(),
            provided: Arc::clone(&self.provided),
            defaults: Arc::clone(&self.defaults),
            force,
            policies: Arc::clone(&self.policies),
            types: Arc::clone(&self.types),
            graph,
            verdicts: Verdicts::default(),
            warnings: Vec::new(),
        })
    }

    /// Returns the plans of all dynamic dependencies that records list, and transitively of theirs.
    ///
    /// They are included whether they would be required again or not.
    pub(crate) fn required_in_run(&self) -> Result<Vec<Arc<Self>>, StoreError> {
        let mut found: Vec<Arc<Self>> = Vec::new();
        let mut seen = HashSet::new();
        self.add_required(&mut seen, &mut found)?;
        let mut next = 0;
        while let Some(plan) = found.get(next).cloned() {
            plan.add_required(&mut seen, &mut found)?;
            next += 1;
        }
        Ok(found)
    }

    fn add_required(
        &self,
        seen: &mut HashSet<Key>,
        found: &mut Vec<Arc<Self>>,
    ) -> Result<(), StoreError> {
        for node in self.graph.nodes().filter(|&node| self.graph.kind(node) == Kind::Made) {
            let key = self.graph.node(node).key;
            if !seen.insert(key) {
                continue;
            }
            let folder = self.graph.folder(node, &self.store)?;
            let Found::Record(record) = self.store.record(&folder, key)? else { continue };
            for group in &record.required {
                let dependencies = group.iter().map(|required| self.dependency_of(required));
                // A dependency that is unknown or invalid by now is skipped.
                let Ok(dependencies) = dependencies.collect() else { continue };
                let Ok(mut plan) = self.to_require(node, dependencies) else { continue };
                plan.judge_required(&Replay::default())?;
                found.push(Arc::new(plan));
            }
        }
        Ok(())
    }

    /// Returns the dependency that a record describes, to require it again.
    ///
    /// # Errors
    ///
    /// A message that says why this is not possible.
    pub(crate) fn dependency_of(&self, required: &Required) -> Result<Dependency, String> {
        let task = self.task_called(&required.task, &required.module)?;
        let mut with = Vec::with_capacity(required.settings.len());
        for setting in &required.settings {
            let set = read_setting(task, setting);
            with.push(set.map_err(|reason| format!("{}: {reason}", required.instance))?);
        }
        Ok(Dependency { task, own: Vec::new(), with })
    }

    /// Returns the task that is stored under a name.
    ///
    /// Tasks of this plan come first, then those that its tasks declare with `may_require`, then all tasks
    /// that are registered with the program. Generic tasks are not registered.
    fn task_called(&self, name: &str, module: &str) -> Result<&'static TaskType, String> {
        let here = self.graph.types.all.iter().find(|entry| entry.decl.identity() == name);
        if let Some(here) = here {
            return Ok(here.task);
        }
        let mut declared = None;
        for entry in &self.graph.types.all {
            (entry.task.may_require)(&mut |task| {
                declared = declared.or(((task.decl)().identity() == name).then_some(task));
            });
        }
        if let Some(declared) = declared {
            return Ok(declared);
        }
        match registry::called(name).as_slice() {
            [one] => Ok(one),
            [] => Err(format!(
                "no task `{name}` is known in this program; of one that is generic, say \
                 `#[task(may_require({name}))]` above the task that requires it"
            )),
            several => {
                let owner = self.store.owner(name);
                let is_owner = |task: &&&TaskType| Some((task.id)()) == owner;
                let mut there = several.iter().filter(|task| (task.decl)().module == module);
                let found = several.iter().find(is_owner).or_else(|| there.next());
                let several = || format!("this program has several tasks `{name}`");
                found.copied().ok_or_else(several)
            }
        }
    }
}

impl Required {
    /// Returns the record of a dependency, before its instance and output are known.
    pub(crate) fn new(dependency: &Dependency) -> Self {
        let settings = dependency.with.iter().map(|(task, place, value)| {
            let (name, param) = ((task.decl)(), &task.params[*place]);
            let value = param_value(&name.name, param, &**value).ok();
            Setting {
                task: name.identity().to_owned(),
                param: param.identity().to_owned(),
                value: value.and_then(|value| value.to_stored()),
            }
        });
        let settings = settings.collect();
        let decl = (dependency.task.decl)();
        Self {
            task: decl.identity().to_owned(),
            module: decl.module.to_owned(),
            instance: decl.name.to_string(),
            settings,
            digest: None,
            key: None,
            target: None,
        }
    }

    /// Adds the label and the key of the instance.
    pub(crate) fn is(&mut self, plan: &Plan, node: NodeIndex) {
        self.instance = plan.graph.label_alone(node);
        self.key = Some(plan.graph.node(node).key);
    }

    /// Adds the digest of its output.
    pub(crate) fn gave(&mut self, plan: &Plan, node: NodeIndex, digest: Digest) {
        self.digest = Some(digest);
        self.target = Some(plan.graph.task(node).target_digest);
    }
}

/// Returns the parameter and the value that a dependency sets for a task.
fn read_setting(
    required: &'static TaskType,
    setting: &Setting,
) -> Result<(&'static TaskType, usize, AnyValue), String> {
    let Setting { task, param, value } = setting;
    let Some(value) = value else {
        return Err(format!("`{task}.{param}` was set to a secret, which is not kept"));
    };
    let gone = || format!("it has no parameter `{task}.{param}` any more");
    // A setting that reached nothing is an error again, as it was then.
    let other = || registry::called(task).into_iter().next();
    let task = reached(required, task).or_else(other).ok_or_else(gone)?;
    let place = task.params.iter().position(|p| p.identity() == param).ok_or_else(gone)?;
    let value =
        Value::from_stored(value).and_then(|v| (task.params[place].kind.from_value)(&v).ok());
    let value =
        value.ok_or_else(|| format!("what `{param}` was set to does not fit it any more"))?;
    Ok((task, place, value))
}

/// Returns the task of this name that a task is, requires, or shares parameters with.
fn reached(task: &'static TaskType, name: &str) -> Option<&'static TaskType> {
    let mut seen = HashSet::new();
    let mut new = vec![task];
    while let Some(task) = new.pop() {
        if !seen.insert((task.id)()) {
            continue;
        }
        if (task.decl)().identity() == name {
            return Some(task);
        }
        (task.requirement_types)(&mut |required| new.push(required));
        new.extend(task.params.iter().filter_map(|param| Some(param.from?().0)));
    }
    None
}

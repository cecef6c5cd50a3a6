//! The registry: finds the type of a task by its name.
//!
//! A record names the tasks that were required during a run, and a later plan needs their types. The derive registers
//! each task without type parameters with the program, by `inventory`. A generic task has a type for each argument,
//! so it cannot be registered. Its types are known if a planned task names them in `requires` or `may_require`, or
//! if they were required in this process before.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use crate::task::TaskType;

/// A task that the derive has registered with the program.
#[doc(hidden)]
pub struct Registered(pub fn() -> &'static TaskType);

inventory::collect!(Registered);

/// The tasks that were required in this process, by name.
static REQUIRED: Mutex<Option<HashMap<String, Vec<&'static TaskType>>>> = Mutex::new(None);

/// Adds a task that a running task requires.
pub(crate) fn remember(task: &'static TaskType) {
    let name = (task.decl)().identity().to_owned();
    let mut required = REQUIRED.lock().expect("lock poisoned");
    let same = required.get_or_insert_default().entry(name).or_default();
    if !same.iter().any(|other| (other.id)() == (task.id)()) {
        same.push(task);
    }
}

/// Returns the tasks that are registered with the program, sorted by name.
pub(crate) fn all() -> Vec<&'static TaskType> {
    let registered = inventory::iter::<Registered>.into_iter();
    let mut tasks: Vec<_> = registered.map(|Registered(task)| task()).collect();
    // A program may register a generic task several times.
    let mut seen = HashSet::new();
    tasks.retain(|task| seen.insert((task.id)()));
    tasks.sort_by_cached_key(|task| {
        let decl = (task.decl)();
        (decl.name.into_owned(), decl.module)
    });
    tasks
}

/// Adds the tasks with type parameters that these tasks require, which cannot be registered.
pub(crate) fn with_generic(registered: Vec<&'static TaskType>) -> Vec<&'static TaskType> {
    let mut all = registered.clone();
    let mut reached: HashSet<TypeId> = all.iter().map(|task| (task.id)()).collect();
    let mut new = registered;
    while let Some(task) = new.pop() {
        (task.requirement_types)(&mut |other| {
            if reached.insert((other.id)()) {
                all.push(other);
                new.push(other);
            }
        });
    }
    all.sort_by_cached_key(|task| (task.decl)().name.into_owned());
    all
}

/// Returns all known tasks that are stored under a name: usually one.
pub(crate) fn called(name: &str) -> Vec<&'static TaskType> {
    static REGISTERED: OnceLock<HashMap<String, Vec<&'static TaskType>>> = OnceLock::new();

    let registered = REGISTERED.get_or_init(|| {
        let mut tasks: HashMap<String, Vec<&'static TaskType>> = HashMap::new();
        for Registered(task) in inventory::iter::<Registered> {
            let task = task();
            tasks.entry((task.decl)().identity().to_owned()).or_default().push(task);
        }
        tasks
    });
    let mut found = registered.get(name).cloned().unwrap_or_default();
    let required = REQUIRED.lock().expect("lock poisoned");
    for &task in required.iter().flat_map(|tasks| tasks.get(name)).flatten() {
        if !found.iter().any(|other| (other.id)() == (task.id)()) {
            found.push(task);
        }
    }
    found
}

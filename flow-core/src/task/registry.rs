//! The tasks of a program, by name: what a record names is found as a type again.
//!
//! A record tells what a task required while it ran by the name of that task. The derive registers
//! each task that is one type with the program. Of a generic task there is a type for each argument,
//! which nobody can list: those are known that a task which is planned may require, and those that
//! were required in this process.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use crate::task::TaskType;

/// A task that the derive has registered.
#[doc(hidden)]
pub struct Registered(pub fn() -> &'static TaskType);

inventory::collect!(Registered);

/// The tasks that were required in this process, by name.
static REQUIRED: Mutex<Option<HashMap<String, Vec<&'static TaskType>>>> = Mutex::new(None);

/// Remembers a task that is required while another one runs.
pub(crate) fn remember(task: &'static TaskType) {
    let name = (task.decl)().identity().to_owned();
    let mut required = REQUIRED.lock().expect("no panic while a task is noted");
    let same = required.get_or_insert_default().entry(name).or_default();
    if !same.iter().any(|other| (other.id)() == (task.id)()) {
        same.push(task);
    }
}

/// The tasks that are registered with the program, by name.
pub(crate) fn all() -> Vec<&'static TaskType> {
    let registered = inventory::iter::<Registered>.into_iter();
    let mut tasks: Vec<_> = registered.map(|Registered(task)| task()).collect();
    tasks.sort_by_cached_key(|task| {
        let decl = (task.decl)();
        (decl.name.into_owned(), decl.module)
    });
    tasks
}

/// All tasks of the program that are known to be stored under a name: usually one.
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
    let required = REQUIRED.lock().expect("no panic while a task is looked up");
    for &task in required.iter().flat_map(|tasks| tasks.get(name)).flatten() {
        if !found.iter().any(|other| (other.id)() == (task.id)()) {
            found.push(task);
        }
    }
    found
}

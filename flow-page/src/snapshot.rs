//! The graph as the page shows it: a plan, kept for a moment.
//!
//! Each view needs the plan of the roots. Planning takes time that grows with the graph, so a plan is used for the requests
//! of the next moment, too: for five times as long as it took, and not after the end of a run of this process.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use flow_core::jiff::Timestamp;
use flow_core::{Error, Instance, Key, Reason, Status, Subgraph, TaskInfo};

/// How long a plan is used at least.
const LEAST: Duration = Duration::from_millis(300);

/// How many times as long as planning took a plan is used.
const TIMES: u32 = 5;

/// A plan of the roots, with what the views need of it.
pub(crate) struct Snapshot {
    /// The instances, each after its inputs.
    pub(crate) instances: Vec<Instance>,
    /// The state of each instance.
    pub(crate) states: Vec<State>,
    /// The positions of the inputs of each instance, each once.
    pub(crate) inputs: Vec<Vec<usize>>,
    /// The positions of the instances that require each instance, once a view has needed them.
    consumers: OnceLock<Vec<Vec<usize>>>,
    /// The position of the task of each instance.
    pub(crate) task_of: Vec<usize>,
    /// The tasks, in the order of their first instances.
    pub(crate) tasks: Vec<SnapshotTask>,
    by_key: HashMap<Key, usize>,
    /// When the plan was built.
    pub(crate) at: Timestamp,
    taken: Instant,
    took: Duration,
    /// The number of commits before the plan was built.
    commits: u64,
}

/// A task of the graph.
pub(crate) struct SnapshotTask {
    pub(crate) name: String,
    pub(crate) group: Option<&'static str>,
    /// The number of its instances.
    pub(crate) count: usize,
}

/// The state of an instance, the most urgent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    Complete,
    Reused,
    Unchecked,
    Evicted,
    Pending,
    Failed,
    Running,
}

impl State {
    /// All states, in the order of their urgency.
    pub(crate) const ALL: [Self; 7] = [
        Self::Complete,
        Self::Reused,
        Self::Unchecked,
        Self::Evicted,
        Self::Pending,
        Self::Failed,
        Self::Running,
    ];

    fn of(instance: &Instance) -> Self {
        let has_failed = |reason: &Reason| matches!(reason, Reason::FailedLastTime { .. });
        match instance.status() {
            Status::Complete => Self::Complete,
            Status::Kept => Self::Reused,
            Status::Unchecked => Self::Unchecked,
            Status::Evicted => Self::Evicted,
            _ if instance.reasons().iter().any(has_failed) => Self::Failed,
            _ => Self::Pending,
        }
    }

    /// Returns the word for the state, which is also its class in the style sheet.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Reused => "reused",
            Self::Unchecked => "unchecked",
            Self::Evicted => "evicted",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Running => "running",
        }
    }

    /// Returns the state that a word names.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Snapshot {
    /// Plans the roots. `commits` is the number of commits so far.
    pub(crate) fn take(graph: &Subgraph<TaskInfo>, commits: u64) -> Result<Self, Error> {
        let begun = Instant::now();
        let instances = graph.instances()?;
        let mut by_key = HashMap::with_capacity(instances.len());
        for (place, instance) in instances.iter().enumerate() {
            by_key.entry(instance.key()).or_insert(place);
        }
        let (mut tasks, mut places) = (Vec::<SnapshotTask>::new(), HashMap::new());
        let (mut inputs, mut task_of) = (Vec::new(), Vec::new());
        for instance in &instances {
            let name = instance.task();
            let task = match places.get(name) {
                Some(&task) => task,
                None => {
                    let (name, group) = (name.to_owned(), instance.info().group());
                    places.insert(name.clone(), tasks.len());
                    tasks.push(SnapshotTask { name, group, count: 0 });
                    tasks.len() - 1
                }
            };
            tasks[task].count += 1;
            task_of.push(task);
            let required = instance.inputs();
            let mut of: Vec<_> =
                required.iter().filter_map(|one| by_key.get(&one.key()).copied()).collect();
            of.sort_unstable();
            of.dedup();
            inputs.push(of);
        }
        let states = instances.iter().map(State::of).collect();
        let (at, taken) = (Timestamp::now(), Instant::now());
        let took = begun.elapsed();
        let consumers = OnceLock::new();
        Ok(Self {
            instances,
            states,
            inputs,
            consumers,
            task_of,
            tasks,
            by_key,
            at,
            taken,
            took,
            commits,
        })
    }

    /// Returns whether requests may still use it. `commits` is the number of commits so far.
    ///
    /// While a run goes on, each commit would outdate it, and the run must not wait for plans that are built again and again.
    pub(crate) fn is_fresh(&self, commits: u64, is_running: bool) -> bool {
        let age = self.taken.elapsed();
        match self.commits == commits {
            true => age < (self.took * TIMES).max(LEAST),
            false => is_running && age < self.took * TIMES,
        }
    }

    /// Returns the position of the instance with a key.
    pub(crate) fn find(&self, key: Key) -> Option<usize> {
        self.by_key.get(&key).copied()
    }

    /// Returns the position of the task with a name.
    pub(crate) fn task(&self, name: &str) -> Option<usize> {
        self.tasks.iter().position(|task| task.name == name)
    }

    /// Returns the number of groups that are directly in a group, or that are around others in it.
    pub(crate) fn groups_in(&self, group: &str) -> usize {
        let inner = |task: &SnapshotTask| {
            let rest = task.group?.strip_prefix(group)?.strip_prefix('/')?;
            rest.split('/').next()
        };
        self.tasks.iter().filter_map(inner).collect::<HashSet<_>>().len()
    }

    /// Returns the positions of the instances that require one.
    pub(crate) fn consumers(&self, of: usize) -> &[usize] {
        let all = || {
            let mut consumers = vec![Vec::new(); self.inputs.len()];
            for (place, inputs) in self.inputs.iter().enumerate() {
                inputs.iter().for_each(|&input| consumers[input].push(place));
            }
            consumers
        };
        &self.consumers.get_or_init(all)[of]
    }

    /// Returns, for each instance, whether it is on a way from an instance of the task `from` to one of the task `to`. A
    /// task that is not given has no part in the condition.
    pub(crate) fn between(&self, from: Option<usize>, to: Option<usize>) -> Vec<bool> {
        let is_of = |task: Option<usize>| match task {
            None => vec![true; self.instances.len()],
            Some(task) => self.task_of.iter().map(|&of| of == task).collect::<Vec<_>>(),
        };
        let (mut downstream, mut upstream) = (is_of(from), is_of(to));
        for (place, inputs) in self.inputs.iter().enumerate() {
            downstream[place] |= inputs.iter().any(|&input| downstream[input]);
        }
        for (place, inputs) in self.inputs.iter().enumerate().rev() {
            if upstream[place] {
                inputs.iter().for_each(|&input| upstream[input] = true);
            }
        }
        downstream.into_iter().zip(upstream).map(|(a, b)| a && b).collect()
    }
}

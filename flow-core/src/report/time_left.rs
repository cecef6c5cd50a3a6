//! [`TimeLeft`]: an estimate of the time until a run ends.
//!
//! The run cannot end before the remaining work is divided among the workers, nor before the longest chain of remaining
//! instances has run, each of which waits for the one before. The estimate is the later of the two.
//!
//! The duration of an instance is that of its last run, or else the median of a few other instances of its task, or
//! else the mean of those that ran in this run. As long as the duration of any remaining instance is unknown, there is no
//! estimate. Instances that running tasks require are part of the durations of these tasks.

use std::collections::HashMap;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::plan::Plan;
use crate::plan::cost::is_pending;
use crate::plan::instance::Instance;
use crate::plan::judge::Upstream;
use crate::plan::types::TypeIndex;
use crate::report::event::Event;

/// The number of instances up to which the last run of each one is looked up.
///
/// If there are more, the durations of a few instances stand for all of their task.
const LOOKED_UP: usize = 1000;

/// The estimate for the plan of a run.
pub(super) struct TimeLeft {
    workers: usize,
    /// The plan of the run, known from its first instance.
    plan: Option<Arc<Plan>>,
    /// The instances that were settled before the first estimate, each with its duration if it ran.
    settled: Vec<(usize, Option<f64>)>,
    forecast: Option<Forecast>,
}

impl TimeLeft {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers: workers.max(1), plan: None, settled: Vec::new(), forecast: None }
    }

    /// Follows the run.
    pub(super) fn receive(&mut self, event: &Event) {
        if let Event::Planned { .. } = event {
            *self = Self::new(self.workers);
            return;
        }
        let Some(Instance { plan, node }) = event.instance() else { return };
        let own = self.plan.get_or_insert_with(|| Arc::clone(plan));
        let seconds = match event {
            _ if !Arc::ptr_eq(own, plan) => return,
            Event::Finished { seconds, .. } => Some(*seconds),
            Event::Failed { .. }
            | Event::Reused { .. }
            | Event::Given { .. }
            | Event::Unchanged { .. }
            | Event::ByOtherProcess { .. }
            | Event::Skipped { .. } => None,
            _ => return,
        };
        match &mut self.forecast {
            Some(forecast) => forecast.settle(node.index(), seconds),
            None => self.settled.push((node.index(), seconds)),
        }
    }

    /// Returns the estimate in seconds, given the running instances, each with the seconds since its start.
    ///
    /// It visits the whole graph, and the first call reads records: call it once a second.
    pub(super) fn left<'a>(
        &mut self,
        running: impl Iterator<Item = (&'a Instance, f64)>,
    ) -> Option<f64> {
        let plan = self.plan.as_ref()?;
        let forecast = self.forecast.get_or_insert_with(|| {
            let mut forecast = Forecast::of(plan);
            self.settled.drain(..).for_each(|(node, seconds)| forecast.settle(node, seconds));
            forecast
        });
        let running = running.filter(|(instance, _)| Arc::ptr_eq(&instance.plan, plan));
        let running: HashMap<_, _> =
            running.map(|(instance, elapsed)| (instance.node.index(), elapsed)).collect();
        let inputs = |node| plan.graph.inputs(NodeIndex::new(node)).iter().map(|i| i.index());
        forecast.left(self.workers, &running, inputs)
    }
}

/// The durations of the instances of a graph that have to run.
#[derive(Default)]
struct Forecast {
    /// By node, each after its inputs: the task of an instance that has to run and is not settled.
    open: Vec<Option<TypeIndex>>,
    /// The durations of single instances, in seconds.
    known: HashMap<usize, f64>,
    /// By the index of the task.
    tasks: Vec<Durations>,
}

/// The durations of the instances of one task.
#[derive(Clone, Default)]
struct Durations {
    /// The number of open instances whose own duration is unknown.
    open: usize,
    /// The duration of an instance in earlier runs.
    recorded: Option<f64>,
    /// The number of instances that ran in this run, and the sum of their durations.
    ran: usize,
    seconds: f64,
}

impl Durations {
    fn typical(&self) -> Option<f64> {
        self.recorded.or_else(|| (self.ran > 0).then(|| self.seconds / self.ran as f64))
    }
}

impl Forecast {
    /// Returns the forecast from the records of earlier runs.
    fn of(plan: &Plan) -> Self {
        let graph = &plan.graph;
        // A pending instance whose content is known runs only if another one needs its file.
        let runs = |&node: &NodeIndex| {
            is_pending(plan, node) && (graph.is_root(node) || plan.verdicts.digest(node).is_none())
        };
        let pending: Vec<_> = graph.nodes().filter(runs).collect();
        let mut forecast = Self { open: vec![None; graph.len()], ..Self::default() };
        let is_looked_up = pending.len() <= LOOKED_UP;
        for node in pending {
            let last = if is_looked_up { plan.last_duration(node) } else { None };
            forecast.open(node.index(), graph.node(node).task, last);
        }
        for (task, durations) in (0..).zip(&mut forecast.tasks) {
            if durations.open > 0 {
                durations.recorded = plan.typical_duration(task);
            }
        }
        forecast
    }

    /// Adds an instance that has to run, with the duration of its last run.
    fn open(&mut self, node: usize, task: TypeIndex, last: Option<f64>) {
        self.open[node] = Some(task);
        match last {
            Some(seconds) => {
                self.known.insert(node, seconds);
            }
            None => self.task(task).open += 1,
        }
    }

    fn task(&mut self, task: TypeIndex) -> &mut Durations {
        let task = task as usize;
        if self.tasks.len() <= task {
            self.tasks.resize(task + 1, Durations::default());
        }
        &mut self.tasks[task]
    }

    /// Removes a settled instance. If it ran, its duration is used for others of its task.
    fn settle(&mut self, node: usize, seconds: Option<f64>) {
        let Some(task) = self.open[node].take() else { return };
        let is_known = self.known.remove(&node).is_some();
        let durations = self.task(task);
        durations.open -= usize::from(!is_known);
        if let Some(seconds) = seconds {
            durations.ran += 1;
            durations.seconds += seconds;
        }
    }

    /// Returns the duration of an open instance.
    fn duration(&self, node: usize) -> Option<f64> {
        let task = self.open[node]?;
        let known = self.known.get(&node).copied();
        known.or_else(|| self.tasks.get(task as usize)?.typical())
    }

    /// Returns the seconds until all open instances have run, or `None` if a duration is unknown.
    ///
    /// `running` has the elapsed seconds of running instances, and `inputs` returns the inputs of a node.
    fn left<I: Iterator<Item = usize>>(
        &self,
        workers: usize,
        running: &HashMap<usize, f64>,
        inputs: impl Fn(usize) -> I,
    ) -> Option<f64> {
        let mut work: f64 = self.known.values().sum();
        let mut open = self.known.len();
        for durations in self.tasks.iter().filter(|durations| durations.open > 0) {
            work += durations.open as f64 * durations.typical()?;
            open += durations.open;
        }
        if open == 0 {
            return None;
        }
        let done = running.iter().filter_map(|(&node, elapsed)| {
            let duration = self.duration(node)?;
            Some(elapsed.min(duration))
        });
        work -= done.sum::<f64>();
        let chain = self.longest_chain(running, inputs);
        Some(chain.max(work / workers.min(open) as f64))
    }

    /// Returns the seconds until the longest chain of open instances has run, each of which waits for the one before.
    fn longest_chain<I: Iterator<Item = usize>>(
        &self,
        running: &HashMap<usize, f64>,
        inputs: impl Fn(usize) -> I,
    ) -> f64 {
        // For each node, the longest chain of those that wait for it. A node comes after its inputs.
        let mut after = vec![0.0; self.open.len()];
        let mut longest = 0.0;
        for node in (0..self.open.len()).rev() {
            let duration = self.duration(node).unwrap_or_default();
            let elapsed = running.get(&node).copied().unwrap_or_default();
            let seconds = after[node] + duration - elapsed.min(duration);
            longest = f64::max(longest, seconds);
            for input in inputs(node) {
                after[input] = f64::max(after[input], seconds);
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph by the inputs of each node, whose nodes have these tasks.
    struct Graph {
        inputs: Vec<Vec<usize>>,
        forecast: Forecast,
    }

    impl Graph {
        fn new(nodes: &[(TypeIndex, Option<f64>, &[usize])]) -> Self {
            let mut forecast = Forecast { open: vec![None; nodes.len()], ..Forecast::default() };
            for (node, (task, last, _)) in nodes.iter().enumerate() {
                forecast.open(node, *task, *last);
            }
            let inputs = nodes.iter().map(|(_, _, inputs)| inputs.to_vec()).collect();
            Self { inputs, forecast }
        }

        fn left(&self, workers: usize, running: &[(usize, f64)]) -> Option<f64> {
            let running = running.iter().copied().collect();
            self.forecast.left(workers, &running, |node| self.inputs[node].clone().into_iter())
        }
    }

    #[test]
    fn work_is_divided_among_the_workers() {
        let mut graph =
            Graph::new(&[(0, Some(4.0), &[]), (0, Some(4.0), &[]), (0, Some(4.0), &[])]);
        assert_eq!(graph.left(1, &[]), Some(12.0));
        assert_eq!(graph.left(2, &[]), Some(6.0));
        // More workers than instances do not help.
        assert_eq!(graph.left(8, &[]), Some(4.0));
        assert_eq!(graph.left(1, &[(0, 3.0)]), Some(9.0));
        // An instance that takes longer than before may end at any time.
        assert_eq!(graph.left(1, &[(0, 30.0)]), Some(8.0));
        (0..3).for_each(|node| graph.forecast.settle(node, None));
        assert_eq!(graph.left(1, &[]), None, "nothing is left");
    }

    #[test]
    fn a_chain_bounds_the_time_left() {
        let mut graph = Graph::new(&[
            (0, Some(1.0), &[]),
            (1, Some(5.0), &[0]),
            (2, Some(2.0), &[1]),
            (3, Some(1.0), &[]),
        ]);
        assert_eq!(graph.left(8, &[]), Some(8.0));
        graph.forecast.settle(0, Some(1.0));
        assert_eq!(graph.left(8, &[(1, 4.0)]), Some(3.0));
        graph.forecast.settle(1, None);
        assert_eq!(graph.left(8, &[]), Some(2.0));
    }

    #[test]
    fn without_a_duration_there_is_no_estimate() {
        let mut graph = Graph::new(&[(0, None, &[]), (0, None, &[]), (1, Some(2.0), &[1])]);
        assert_eq!(graph.left(1, &[]), None);
        // The first instance that runs tells how long the others take.
        graph.forecast.settle(0, Some(6.0));
        assert_eq!(graph.left(2, &[]), Some(8.0));
        // A recorded duration is preferred.
        graph.forecast.task(0).recorded = Some(1.0);
        assert_eq!(graph.left(1, &[]), Some(3.0));
    }
}

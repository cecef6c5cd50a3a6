//! How instances are executed: the options of their tasks, the settings of the flow, and the resources.
//!
//! A task declares options ([`Policy`]), and a flow has settings for the tasks that declare none, and offers resources
//! ([`Policies`]). [`Policies::of`] merges both for one attempt of an instance ([`ResolvedPolicy`]).
//!
//! An instance whose task needs more of a resource than the flow offers can never start. So a plan for a run checks
//! all pending instances before anything runs. [`Policies::of`] checks again, because only then is it known which instances
//! a running task requires, and which attempts there are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use daggy::NodeIndex;

use crate::base::machine;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::executor::ChosenExecutor;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan};
use crate::task::Kind;
use crate::task::backoff::Backoff;
use crate::task::policy::{Policy, TaskPolicy, WrongOption};

/// The resource that a flow offers without a setting: that of the machine.
pub(crate) const MEMORY: &str = "memory";

/// The number of attempts whose demands a plan checks. Later attempts are checked when they begin.
const MAX_CHECKED_ATTEMPTS: u32 = 100;

/// How often a task may be lost with its process without that counting as an attempt.
const FREE_LOSSES: u32 = 3;

/// The share of the machine's memory that a run may use for values that it passes on: a quarter.
const VALUE_SHARE: u64 = 4;

/// What a run does after a task has failed: the argument of [`Flow::on_failure`](crate::Flow::on_failure).
///
/// Tasks that require the failed instance, directly or through others, never run. A task has failed when its last
/// attempt has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFailure {
    /// Runs all instances that do not require the failed one. This is the default.
    #[default]
    Continue,
    /// Starts no further instance. The outputs of those that run already are stored.
    FinishRunning,
    /// Starts no further instance, and stops those that run as [`Stopper::stop`](crate::Stopper::stop) does.
    Stop,
}

/// The settings of a flow for the execution of instances.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policies {
    /// The number of attempts after the first one, for tasks that declare none.
    pub(crate) retries: u32,
    /// The delays between attempts, for tasks that declare none.
    pub(crate) backoff: Backoff,
    /// The longest duration of an attempt, for tasks that declare none.
    pub(crate) timeout: Option<Duration>,
    /// The amounts of resources that the flow offers.
    pub(crate) offers: BTreeMap<Cow<'static, str>, u64>,
    /// An offer that is not an amount: the resource, and the reason.
    wrong_offer: Option<(String, String)>,
    pub(crate) on_failure: OnFailure,
    /// How many bytes of values a run may keep in memory, if the flow sets it.
    pub(crate) value_bytes: Option<u64>,
    /// The number of worker threads, if the flow sets it.
    pub(crate) workers: Option<usize>,
    /// Whether all tasks run in child processes.
    pub(crate) isolate: bool,
    /// The executor of other machines, if the flow has one.
    pub(crate) executor: Option<ChosenExecutor>,
    /// The names of the tasks that run in this process although the flow has such an executor.
    pub(crate) in_process: Vec<Cow<'static, str>>,
    /// The name of the thread that opened the flow: that of the test, in a test.
    pub(crate) opened_by: Option<Arc<str>>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            retries: 0,
            backoff: Backoff::constant(Duration::ZERO),
            timeout: None,
            offers: BTreeMap::new(),
            wrong_offer: None,
            on_failure: OnFailure::default(),
            value_bytes: None,
            workers: None,
            isolate: false,
            executor: None,
            in_process: Vec::new(),
            opened_by: None,
        }
    }
}

/// How one attempt of an instance is executed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ResolvedPolicy {
    /// The number of attempts after the first one.
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) timeout: Option<Duration>,
    /// Ready instances with a higher priority start first.
    pub(crate) priority: i32,
    /// The number of workers that the instance takes: at least 1, and at most as many as there are.
    pub(crate) threads: usize,
    /// The amount that the instance needs of each resource: at least 1, and at most what the flow offers.
    pub(crate) resources: BTreeMap<Cow<'static, str>, u64>,
    /// Whether the instance runs in a child process.
    pub(crate) isolate: bool,
}

impl ResolvedPolicy {
    /// Returns whether the task is started again after it has failed, or was lost with its process.
    ///
    /// `starts` is how often it was started, and `losses` how often it was lost before.
    pub(crate) fn tries_again(&self, starts: u32, losses: u32, is_lost: bool) -> bool {
        let losses = losses.saturating_add(u32::from(is_lost));
        starts.saturating_sub(free_losses(losses)) <= self.retries
    }
}

/// Returns how many of the losses of a task do not count as attempts.
pub(crate) fn free_losses(losses: u32) -> u32 {
    losses.min(FREE_LOSSES)
}

/// Returns the number of an attempt, beginning with 1: of how often the task was started, without the losses that do not count.
pub(crate) fn attempt(starts: u32, losses: u32) -> u32 {
    starts.saturating_sub(free_losses(losses)).max(1)
}

/// The amount of a resource that a flow offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Amount(u64),
    /// The memory of a machine whose memory is unknown.
    Unlimited,
    /// The flow offers nothing of it.
    Nothing,
}

impl Policies {
    /// Returns the settings of a flow that this thread opens.
    pub(crate) fn of_this_thread() -> Self {
        Self { opened_by: std::thread::current().name().map(Into::into), ..Self::default() }
    }

    /// Returns how an attempt of an instance is executed; the first attempt is number 1.
    ///
    /// # Errors
    ///
    /// An option of the task cannot be evaluated, or the attempt needs more of a resource than the flow offers.
    pub(crate) fn of(
        &self,
        plan: &Plan,
        node: NodeIndex,
        attempt: u32,
    ) -> Result<ResolvedPolicy, String> {
        self.resolve(&plan.graph, node, attempt).map_err(|kind| kind.to_string())
    }

    /// Offers an amount of a resource, or records why it is none.
    pub(crate) fn set_offer(&mut self, resource: &str, amount: Result<u64, String>) {
        match amount {
            Ok(amount) => {
                self.offers.insert(Cow::Owned(resource.to_owned()), amount);
            }
            Err(reason) => self.wrong_offer = Some((resource.to_owned(), reason)),
        }
    }

    /// Returns an error if the flow offers a text that is not an amount.
    pub(crate) fn check_offers(&self) -> Result<(), PlanErrorKind> {
        match self.wrong_offer.clone() {
            Some((resource, reason)) => Err(PlanErrorKind::WrongOffer { resource, reason }),
            None => Ok(()),
        }
    }

    /// Returns the amount of a resource that the flow offers.
    pub(crate) fn offer(&self, resource: &str) -> Offer {
        match (self.offers.get(resource), resource) {
            (Some(&amount), _) => Offer::Amount(amount),
            (None, MEMORY) => machine::memory().map_or(Offer::Unlimited, Offer::Amount),
            (None, _) => Offer::Nothing,
        }
    }

    /// Returns whether the tasks of an instance run elsewhere, by the executor of the flow.
    ///
    /// The output that a test gives replaces the task, which does not run.
    pub(crate) fn runs_elsewhere(&self, graph: &Graph, node: NodeIndex) -> bool {
        self.executor.is_some()
            && graph.kind(node) == Kind::Made
            && graph.stand_in(node).is_none()
            && !self.in_process.contains(&graph.task(node).decl.name)
    }

    /// Returns whether the executor of the flow carries the files of inputs and outputs to machines with other stores.
    pub(crate) fn moves_files(&self) -> bool {
        self.executor.as_ref().is_some_and(|executor| executor.0.moves_files())
    }

    /// Returns the number of worker threads: by default that of the processors.
    pub(crate) fn workers(&self) -> usize {
        self.workers.unwrap_or_else(machine::processors).max(1)
    }

    /// Returns how instances are executed whose tasks declare no options.
    pub(crate) fn without_options(&self) -> ResolvedPolicy {
        ResolvedPolicy {
            retries: self.retries,
            backoff: self.backoff,
            timeout: self.timeout,
            priority: 0,
            threads: 1,
            resources: BTreeMap::new(),
            isolate: self.isolate,
        }
    }

    /// Returns the amounts of resources that are offered, the memory of this machine included.
    pub(crate) fn all_offers(&self) -> BTreeMap<Cow<'static, str>, u64> {
        let mut offers = self.offers.clone();
        if let Offer::Amount(memory) = self.offer(MEMORY) {
            offers.entry(Cow::Borrowed(MEMORY)).or_insert(memory);
        }
        offers
    }

    /// Returns how many bytes of values a run may keep in memory for tasks that are about to run.
    pub(crate) fn value_bytes(&self) -> u64 {
        let share = || machine::memory().map_or(u64::MAX, |memory| memory / VALUE_SHARE);
        self.value_bytes.unwrap_or_else(share)
    }

    /// Returns these settings without the memory of this machine: all memory counts as offered.
    pub(crate) fn on_any_machine(mut self) -> Self {
        self.offers.entry(Cow::Borrowed(MEMORY)).or_insert(u64::MAX);
        self
    }

    /// Returns an error if an instance cannot be executed in one of its attempts.
    pub(crate) fn check(&self, graph: &Graph, node: NodeIndex) -> Result<(), PlanErrorKind> {
        let Some(declared) = graph.declared_policy(node) else { return Ok(()) };
        let first = self.resolve(graph, node, 1)?;
        if declared.depends_on_attempt() {
            let last = first.retries.saturating_add(1).min(MAX_CHECKED_ATTEMPTS);
            for attempt in 2..=last {
                self.resolve(graph, node, attempt)?;
            }
        }
        Ok(())
    }

    fn resolve(
        &self,
        graph: &Graph,
        node: NodeIndex,
        attempt: u32,
    ) -> Result<ResolvedPolicy, PlanErrorKind> {
        let own = graph.policy(node, attempt)?;
        let mut resources = own.resources;
        resources.retain(|_, demand| *demand > 0);
        for (resource, &demand) in &resources {
            let offer = match self.offer(resource) {
                Offer::Amount(offer) if demand > offer => Some(offer),
                Offer::Nothing => None,
                Offer::Amount(_) | Offer::Unlimited => continue,
            };
            return Err(PlanErrorKind::Unavailable {
                instance: graph.label(node, Show::Clipped),
                resource: resource.to_string(),
                attempt,
                demand,
                offer,
            });
        }
        Ok(ResolvedPolicy {
            retries: own.retries.unwrap_or(self.retries),
            backoff: own.backoff.unwrap_or(self.backoff),
            timeout: own.timeout.or(self.timeout),
            priority: own.priority,
            threads: match own.threads {
                0 | 1 => 1,
                threads => threads.min(self.workers()),
            },
            resources,
            isolate: own.isolate || self.isolate,
        })
    }
}

impl Graph {
    /// Returns the options that the task of an instance declares, if the task runs and declares any.
    fn declared_policy(&self, node: NodeIndex) -> Option<TaskPolicy> {
        self.task(node).task.policy.filter(|_| self.stand_in(node).is_none())
    }

    /// Returns whether the task of an instance declares options.
    pub(crate) fn has_policy(&self, node: NodeIndex) -> bool {
        self.declared_policy(node).is_some()
    }

    /// Returns the options that the task of an instance declares for one attempt.
    ///
    /// # Errors
    ///
    /// An expression panicked, or its value is not allowed.
    pub(crate) fn policy(&self, node: NodeIndex, attempt: u32) -> Result<Policy, PlanErrorKind> {
        let Some(declared) = self.declared_policy(node) else { return Ok(Policy::default()) };
        let (instances, instance) = self.instances_of(node);
        declared.evaluate(instances.get(instance), attempt).map_err(|wrong| {
            let WrongOption { option, reason } = wrong;
            let instance = self.label(node, Show::Clipped);
            PlanErrorKind::TaskOption { instance, option, reason }
        })
    }

    /// Returns whether any task type of the graph declares threads or resources.
    fn has_demands(&self) -> bool {
        let mut declared = self.types.all.iter().filter_map(|entry| entry.task.policy);
        declared.any(TaskPolicy::has_demands)
    }
}

impl Plan {
    /// Returns the pending instances whose tasks declare threads or resources.
    fn demanding(&self) -> impl Iterator<Item = NodeIndex> {
        // Plans without such tasks pay nothing for each instance.
        let checked = if self.graph.has_demands() { self.graph.len() } else { 0 };
        self.graph.nodes().take(checked).filter(move |&node| {
            let is_pending = self.verdicts.status(node) == Status::Pending;
            is_pending && self.graph.declared_policy(node).is_some_and(TaskPolicy::has_demands)
        })
    }

    /// Returns an error if a pending instance needs more of a resource than the flow offers.
    pub(super) fn check_demands(&self) -> Result<(), Box<PlanError>> {
        let offers = self.policies.check_offers();
        offers.map_err(|kind| Box::new(PlanError::new(kind, Vec::new())))?;
        for node in self.demanding() {
            let checked = self.policies.check(&self.graph, node);
            checked.map_err(|kind| Box::new(PlanError::new(kind, self.graph.way(node))))?;
        }
        Ok(())
    }

    /// Returns a warning for each task that uses more threads than the flow has workers.
    pub(crate) fn thread_warnings(&self) -> Vec<Warning> {
        let mut tasks: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for node in self.demanding() {
            // An option that cannot be evaluated is an error of `check_demands`.
            let threads = self.graph.policy(node, 1).map_or(1, |policy| policy.threads);
            if threads > 1 && threads > self.policies.workers() {
                let (most, instances) =
                    tasks.entry(&self.graph.task(node).decl.name).or_insert((0, 0));
                *most = threads.max(*most);
                *instances += 1;
            }
        }
        let warnings = tasks.into_iter().map(|(task, (threads, instances))| Warning::Threads {
            task: task.to_owned(),
            threads,
            workers: self.policies.workers(),
            instances,
        });
        warnings.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_were_lost_do_not_count_as_retries_up_to_a_limit() {
        let policy = |retries| ResolvedPolicy { retries, ..Policies::default().without_options() };
        let once = policy(1);
        // Without losses, the retries decide.
        assert!(once.tries_again(1, 0, false) && !once.tries_again(2, 0, false));
        // Two of three attempts were lost.
        assert!(once.tries_again(3, 2, false) && !once.tries_again(4, 2, false));
        // Each attempt is lost: three are free, and one is the retry.
        let tried = (0..9).take_while(|&losses| once.tries_again(losses + 1, losses, true));
        assert_eq!(tried.count(), 4);
        let never = policy(0);
        let tried = (0..9).take_while(|&losses| never.tries_again(losses + 1, losses, true));
        assert_eq!(tried.count(), 3);
    }

    #[test]
    fn the_number_of_an_attempt_is_without_the_losses_that_do_not_count() {
        let attempts = [(1, 0), (2, 1), (4, 3), (5, 3), (5, 4)];
        assert_eq!(attempts.map(|(starts, losses)| attempt(starts, losses)), [1, 1, 1, 2, 2]);
    }
}

//! The options of a task's execution, such as `#[task(retries = 3, timeout = 30, resources(memory = "4GB"))]`.
//!
//! The derive generates [`Declared::__policy`](crate::task::Declared::__policy), which sets the options of one instance
//! in a [`Policy`]. A value that is no literal is an expression over the task and the number of the attempt, so the
//! options are evaluated for each attempt. A task without options has no generated code, and no [`TaskPolicy`].
//!
//! The options say how an instance runs, and not what it computes. So they are no part of the key, the seed, the
//! fingerprint or the digest of the code: a change of them makes no task run again.
//!
//! The layer above merges the options with the settings of the flow: see [`crate::plan::policy`].

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::panics;
use crate::task::Task;
use crate::task::backoff::Backoff;

/// Which options of its execution a task declares.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declares {
    /// None.
    Nothing,
    /// Options that do not limit when an instance can start.
    Options,
    /// Threads or resources that an instance needs, the same in each attempt.
    Demands,
    /// The same, where the amounts may depend on the attempt.
    DemandsByAttempt,
}

/// The function that sets the options of an instance of one task type.
type Evaluate = fn(&dyn Any, u32, &mut Policy);

/// The options that a task type declares.
#[derive(Clone, Copy)]
pub(crate) struct TaskPolicy {
    declares: Declares,
    evaluate: Evaluate,
}

impl TaskPolicy {
    /// Returns the options of a task type; `None` if it declares none.
    pub(crate) const fn of<T: Task>() -> Option<Self> {
        match T::__POLICY {
            Declares::Nothing => None,
            declares => Some(Self { declares, evaluate: evaluate::<T> }),
        }
    }

    /// Returns whether an instance may need threads or resources.
    pub(crate) fn has_demands(self) -> bool {
        matches!(self.declares, Declares::Demands | Declares::DemandsByAttempt)
    }

    /// Returns whether what an instance needs may depend on the attempt.
    pub(crate) fn depends_on_attempt(self) -> bool {
        self.declares == Declares::DemandsByAttempt
    }

    /// Evaluates the options of the instance `task` for one attempt; the first attempt is number 1.
    ///
    /// # Errors
    ///
    /// An expression panicked, or its value is not allowed.
    pub(crate) fn evaluate(self, task: &dyn Any, attempt: u32) -> Result<Policy, WrongOption> {
        let mut policy = Policy::default();
        let set = || (self.evaluate)(task, attempt, &mut policy);
        match panics::catch_panic("it", set) {
            Ok(()) => match policy.wrong.take() {
                Some(wrong) => Err(wrong),
                None => Ok(policy),
            },
            Err(panic) => Err(WrongOption { option: policy.current, reason: panic.to_string() }),
        }
    }
}

fn evaluate<T: Task>(task: &dyn Any, attempt: u32, policy: &mut Policy) {
    let task: &T = task.downcast_ref().expect("the task has the type of its declaration");
    task.__policy(attempt, policy);
}

/// An option that could not be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WrongOption {
    /// The option as it is written, such as `timeout` or `resources(memory)`.
    pub(crate) option: &'static str,
    pub(crate) reason: String,
}

/// The options of an instance for one attempt, as its task declares them.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The number of attempts after the first one; `None` if the task does not declare it.
    pub(crate) retries: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    /// Ready instances with a higher priority start first.
    pub(crate) priority: i32,
    /// The number of threads that the task uses, at least 1.
    pub(crate) threads: usize,
    /// The amount that the instance needs of each resource; of `memory`, in bytes.
    pub(crate) resources: BTreeMap<Cow<'static, str>, u64>,
    /// Whether the instance runs in a child process.
    pub(crate) isolate: bool,
    /// The option whose expression is being evaluated.
    current: &'static str,
    /// The first option with a value that is not allowed.
    wrong: Option<WrongOption>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retries: None,
            backoff: None,
            timeout: None,
            priority: 0,
            threads: 1,
            resources: BTreeMap::new(),
            isolate: false,
            current: "",
            wrong: None,
        }
    }
}

/// The functions that the generated code calls.
impl Policy {
    /// Names the option whose expression is evaluated next.
    pub fn at(&mut self, option: &'static str) {
        self.current = option;
    }

    /// Sets the number of attempts after the first one.
    pub fn retries(&mut self, retries: u32) {
        self.retries = Some(retries);
    }

    /// Sets the delays between attempts.
    pub fn backoff(&mut self, backoff: Backoff) {
        self.backoff = Some(backoff);
    }

    /// Sets the longest duration of an attempt, which must not be zero.
    pub fn timeout(&mut self, timeout: Duration) {
        if timeout.is_zero() {
            self.refuse("timeout", "it is zero, so that each attempt ends at once".to_owned());
        }
        self.timeout = Some(timeout);
    }

    /// Sets the priority.
    pub fn priority(&mut self, priority: i32) {
        self.priority = priority;
    }

    /// Sets the number of threads, which must not be zero.
    pub fn threads(&mut self, threads: usize) {
        if threads == 0 {
            self.refuse("threads", "it is 0, and a task uses at least 1 thread".to_owned());
        }
        self.threads = threads;
    }

    /// Sets the amount that is needed of a resource.
    pub fn resource(&mut self, name: &'static str, amount: u64) {
        self.resources.insert(Cow::Borrowed(name), amount);
    }

    /// Sets the amount that is needed of a resource to the value of the current option's expression.
    pub fn computed(&mut self, name: &'static str, amount: Result<u64, String>) {
        match amount {
            Ok(amount) => self.resource(name, amount),
            Err(reason) => self.refuse(self.current, reason),
        }
    }

    /// Makes the instance run in a child process.
    pub fn isolate(&mut self) {
        self.isolate = true;
    }

    fn refuse(&mut self, option: &'static str, reason: String) {
        self.wrong.get_or_insert(WrongOption { option, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates the options that `set` sets for a task that is the number 3.
    fn evaluated(set: Evaluate) -> Result<Policy, WrongOption> {
        TaskPolicy { declares: Declares::Options, evaluate: set }.evaluate(&3_u32, 2)
    }

    #[test]
    fn the_options_of_one_attempt_are_set() {
        let policy = evaluated(|task, attempt, to| {
            let task: &u32 = task.downcast_ref().expect("a number");
            to.retries(*task);
            to.at("timeout");
            to.timeout(Duration::from_secs(u64::from(10 * attempt)));
            to.resource("gpu", 1);
            to.computed("memory", Ok(7));
            to.isolate();
        });
        let expected = Policy {
            retries: Some(3),
            timeout: Some(Duration::from_secs(20)),
            resources: BTreeMap::from([("gpu".into(), 1), ("memory".into(), 7)]),
            isolate: true,
            current: "timeout",
            ..Policy::default()
        };
        assert_eq!(policy, Ok(expected));
    }

    #[test]
    fn a_panic_is_one_of_the_option_that_is_evaluated() {
        let wrong = evaluated(|_, attempt, to| {
            to.at("retries");
            to.retries(1);
            to.at("priority");
            to.priority(1 / i32::try_from(attempt - 2).expect("a small number"));
        });
        let wrong = wrong.expect_err("it panics");
        assert_eq!(wrong.option, "priority");
        assert!(wrong.reason.starts_with("it panicked at "), "{wrong:?}");
        assert!(wrong.reason.ends_with(": attempt to divide by zero"), "{wrong:?}");
    }

    #[test]
    fn the_first_wrong_value_is_reported() {
        let wrong = evaluated(|_, _, to| {
            to.at("resources(memory)");
            to.computed("memory", Err("it is not an amount".to_owned()));
            to.timeout(Duration::ZERO);
            to.threads(0);
        });
        let reason = "it is not an amount".to_owned();
        assert_eq!(wrong, Err(WrongOption { option: "resources(memory)", reason }));
        let wrong = evaluated(|_, _, to| to.threads(0)).expect_err("no thread");
        assert_eq!(wrong.option, "threads");
        let wrong = evaluated(|_, _, to| to.timeout(Duration::ZERO)).expect_err("no time");
        assert_eq!(wrong.option, "timeout");
    }
}

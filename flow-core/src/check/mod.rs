//! Checks: all problems of a flow at once, before anything runs.
//!
//! A plan ends at the first problem. A check uses the same builder but continues: an instance that cannot
//! be built is recorded as a problem and left out, and its consumers are built without it, under a key that
//! no other instance has. Then the check examines what a plan does not:
//!
//! - whether files exist that are parameters or external,
//! - whether the flow provides all values that tasks use, and offers the resources that they need,
//! - whether the options of a task's execution, such as `timeout`, can be evaluated,
//! - whether parameters of one name have one type along each path ([`names`]). Different types are no problem for a
//!   plan, but a given value does not reach the parameter of the other type, which its author may not expect.
//!   `local` declares that as intended.
//!
//! A check writes nothing: values are hashed by a store without a folder, because the flow's own store would create a
//! key for secrets. Whether instances are complete is not examined: the question is whether everything could run.
//!
//! [`all`] checks all tasks of a program together, and [`golden`] compares their keys with a file.

pub(crate) mod all;
pub(crate) mod golden;
mod names;

use std::fmt;
use std::path::Path;

use daggy::NodeIndex;

use crate::files::Pattern;
use crate::flow::{Flow, Roots};
use crate::plan::Graph;
use crate::plan::builder::{Built, build_all};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::stand_in;
use crate::plan::warning::Warning;
use crate::store::Store;
use crate::task::{Kind, TaskType, provider};

/// The result of checking a flow without problems. It can be printed.
///
/// ```
/// # use flow::prelude::*;
/// # #[derive(Task)]
/// # #[task(target = Json<u32>)]
/// # struct Answer {
/// #     #[param(default = 42)]
/// #     n: u32,
/// # }
/// # #[tracked]
/// # impl Run for Answer {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(self.n) }
/// # }
/// let checked = flow::check::<Answer>()?;
/// assert_eq!(checked.to_string(), "1 task checked: no problems");
/// # Ok::<(), flow::plan::Problems>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The number of instances.
    pub instances: usize,
    /// Things that are legal but probably unintended.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = if self.instances == 1 { "task" } else { "tasks" };
        write!(f, "{} {tasks} checked: no problems", self.instances)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

/// All problems of a flow, which are at least one.
#[derive(Debug)]
pub struct Problems {
    problems: Vec<PlanError>,
}

impl Problems {
    /// Returns an iterator over the problems, each with its task, parameter and remedy.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &PlanError> {
        self.problems.iter()
    }

    /// Returns the number of problems: at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is one")]
    pub fn len(&self) -> usize {
        self.problems.len()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "{one}"),
            several => {
                write!(f, "{} things are wrong:", several.len())?;
                let mut texts =
                    several.iter().map(|problem| problem.to_string().replace('\n', "\n  "));
                texts.try_for_each(|problem| write!(f, "\n- {problem}"))
            }
        }
    }
}

/// Checks roots and everything upstream with default values: [`Flow::check`] without a flow.
///
/// ```
/// # use flow::prelude::*;
/// #[derive(Task)]
/// #[task(target = Json<u32>)]
/// struct Answer {
///     #[param(default = 42)]
///     n: u32,
/// }
/// # #[tracked]
/// # impl Run for Answer {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(self.n) }
/// # }
///
/// println!("{}", flow::check::<Answer>()?); // 1 task checked: no problems
/// # Ok::<(), flow::plan::Problems>(())
/// ```
///
/// # Errors
///
/// Returns all problems.
pub fn check<R: Roots>() -> Result<Checked, Problems> {
    Flow::nowhere().check::<R>()
}

impl Flow {
    /// Finds all problems of a flow, without running or writing anything.
    ///
    /// The problems are:
    ///
    /// - parameters without a value, or with one that is not allowed,
    /// - names that two tasks have,
    /// - requirements that are cyclic, or whose evaluation fails,
    /// - missing files that are parameters or external,
    /// - values that a task uses and the flow does not [provide](Self::provide),
    /// - resources that a task needs and the flow does not [offer](Self::offer), except for the memory of this machine,
    ///   since the flow may run on another one; options of its execution that cannot be evaluated,
    /// - parameters of one name with different types, so that a value given to one does not reach the other.
    ///
    /// Complete instances are checked too, as if everything had to run.
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Text)]
    /// struct Words {
    ///     #[param(file, default = "no/such/words.txt")]
    ///     source: PathBuf,
    ///     language: String,
    /// }
    /// # #[tracked]
    /// # impl Run for Words {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<String> { Ok(self.language.clone()) }
    /// # }
    ///
    /// #[derive(Task)]
    /// #[task(requires(Words { language: "en" }), target = Json<usize>)]
    /// struct Count {
    ///     #[param(default = 0, range = 1..)]
    ///     least: usize,
    /// }
    /// # #[tracked]
    /// # impl Run for Count {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<usize> { Ok(self.least) }
    /// # }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let problems = Flow::open(folder)?.check::<Count>().unwrap_err();
    /// let texts: Vec<String> = problems.iter().map(|problem| problem.kind.to_string()).collect();
    /// assert_eq!(texts[0], "`Count.least` is 0, which is not in 1..");
    /// assert!(texts[1].starts_with("there is no file \"no/such/words.txt\", which is `Words.source`"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// All problems that were found.
    pub fn check<R: Roots>(&self) -> Result<Checked, Problems> {
        let Findings { problems, graph, warnings, .. } = self.inspect(&R::types());
        match problems.is_empty() {
            true => Ok(Checked { instances: graph.map_or(0, |graph| graph.len()), warnings }),
            false => Err(Problems { problems }),
        }
    }

    /// Builds the graph of these roots as far as possible, and finds all problems.
    fn inspect(&self, roots: &[&'static TaskType]) -> Findings {
        let nowhere = Store::nowhere();
        let Built { graph, problems, unmet } =
            build_all(roots, self.own_store(), &nowhere, self.givens());
        let mut findings = Findings { problems, warnings: Vec::new(), graph: None };
        if let Some((graph, warnings)) = graph {
            let warnings = warnings.into_iter();
            // With problems, warnings about unused values may be wrong: the graph may lack the task that uses them.
            findings.warnings.extend(warnings.filter(|_| findings.problems.is_empty()));
            findings.warnings.extend(stand_in::unused(&self.givens().stand_ins));
            findings.problems.extend(names::of_other_types(&graph.types, &unmet));
            let policies = self.policies().on_any_machine();
            let wrong_offer = policies.check_offers().err();
            findings.problems.extend(wrong_offer.map(|kind| PlanError::new(kind, Vec::new())));
            for node in graph.nodes() {
                self.inspect_node(&graph, node, &mut findings.problems);
                let checked = policies.check(&graph, node);
                let checked = checked.and_then(|()| policies.check_isolated(&graph, node));
                if let Err(kind) = checked {
                    findings.problems.push(PlanError::new(kind, graph.way(node)));
                }
            }
            findings.graph = Some(graph);
        }
        let mut seen = std::collections::HashSet::new();
        findings.problems.retain(|problem| seen.insert(problem.kind.to_string()));
        findings
    }

    /// Finds what a run of one instance would miss: files and provided values.
    fn inspect_node(&self, graph: &Graph, node: NodeIndex, problems: &mut Vec<PlanError>) {
        if graph.stand_in(node).is_some() {
            return;
        }
        let task = || graph.task(node).decl.name.to_string();
        let mut report = |kind| problems.push(PlanError::new(kind, graph.way(node)));
        for (param, path) in graph.file_parameters(node) {
            if !self.exists(Path::new(&path)) {
                let what = crate::store::external_reads::no_file(&path);
                report(PlanErrorKind::NoFile { task: task(), param, what });
            }
        }
        if graph.kind(node) == Kind::External {
            let path = graph.external(node);
            if !self.exists(path) {
                report(PlanErrorKind::NotMade { task: task(), path: path.to_owned() });
            }
        }
        for (id, ty) in (graph.task(node).task.uses)() {
            if !self.provides(id) && !provider::is_registered(id) {
                report(PlanErrorKind::NotProvided { task: task(), ty });
            }
        }
    }

    /// Returns whether a path is a file or folder, or a pattern that matches a file.
    fn exists(&self, path: &Path) -> bool {
        let fs = self.own_store().unconfined();
        let matches = |pattern: Pattern| pattern.files(&**fs).is_ok_and(|files| !files.is_empty());
        fs.stat(path).is_ok_and(|stat| !stat.special) || Pattern::parse(path).is_some_and(matches)
    }
}

/// The result of checking some roots.
struct Findings {
    problems: Vec<PlanError>,
    warnings: Vec<Warning>,
    /// The graph, as far as it could be built.
    graph: Option<Graph>,
}

//! Checks: what is wrong with a flow, all of it, before anything runs.
//!
//! A plan ends at the first mistake. A check builds the same graph and goes on: an instance that cannot
//! be built is left out, what requires it is built without it, and what is wrong with each is noted.
//! Then it looks at what a plan does not: whether files are there, whether all that tasks use was
//! provided, and whether a name has one type all the way up.
//!
//! Nothing is written, for a check has a store of its own that is nowhere. What is complete is not looked
//! at: the question is whether all of it could run.

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
use crate::task::{Kind, TaskType};

/// A flow that was checked, with nothing wrong.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// How many instances there are.
    pub instances: usize,
    /// What is not wrong, but hardly meant.
    pub warnings: Vec<Warning>,
}

/// All that is wrong with a flow.
#[derive(Debug)]
pub struct Problems {
    problems: Vec<PlanError>,
}

impl Problems {
    /// Each of them, with its task, parameter and remedy.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &PlanError> {
        self.problems.iter()
    }

    /// How many there are: at least one.
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
                let mut told =
                    several.iter().map(|problem| problem.to_string().replace('\n', "\n  "));
                told.try_for_each(|problem| write!(f, "\n- {problem}"))
            }
        }
    }
}

/// Checks what these roots require, with the values that they have by default: as
/// [`Flow::check`], without a flow.
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
/// flow::check::<Answer>()?;
/// # Ok::<(), flow::Problems>(())
/// ```
///
/// # Errors
///
/// All that is wrong.
pub fn check<R: Roots>() -> Result<Checked, Problems> {
    Flow::nowhere().check::<R>()
}

impl Flow {
    /// Looks for all that is wrong with a flow, without running or writing anything: parameters without
    /// a value or with one that is not allowed, names that two tasks have, requirements that cannot be
    /// said or are cyclic, files that are parameters or made elsewhere and are not there, handles that
    /// nobody [provided](Self::provide), and parameters of one name that have different types, so that
    /// a value given to one does not reach the other.
    ///
    /// It is asked whether everything could run, be it complete or not.
    ///
    /// ```
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
    /// let told: Vec<String> = problems.iter().map(|problem| problem.kind.to_string()).collect();
    /// assert_eq!(told[0], "`Count.least` is 0, which is not in 1..");
    /// assert!(told[1].starts_with("there is no file \"no/such/words.txt\", which is `Words.source`"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn check<R: Roots>(&self) -> Result<Checked, Problems> {
        let Looked { problems, graph, warnings, .. } = self.look_at(&R::types());
        match problems.is_empty() {
            true => Ok(Checked { instances: graph.map_or(0, |graph| graph.len()), warnings }),
            false => Err(Problems { problems }),
        }
    }

    /// Builds the graph of these roots as far as that is possible, and finds all that is wrong.
    fn look_at(&self, roots: &[&'static TaskType]) -> Looked {
        let nowhere = Store::nowhere();
        let Built { graph, problems, unmet } =
            build_all(roots, self.own_store(), &nowhere, self.givens());
        let mut looked = Looked { problems, warnings: Vec::new(), graph: None };
        if let Some((graph, warnings)) = graph {
            let warnings = warnings.into_iter();
            // Where something is wrong, what is given may not have got where it is taken.
            looked.warnings.extend(warnings.filter(|_| looked.problems.is_empty()));
            looked.warnings.extend(stand_in::unused(&self.givens().stand_ins));
            looked.problems.extend(names::of_other_types(&graph.types, &unmet));
            for node in graph.nodes() {
                self.look_at_node(&graph, node, &mut looked.problems);
            }
            looked.graph = Some(graph);
        }
        let mut told = std::collections::HashSet::new();
        looked.problems.retain(|problem| told.insert(problem.kind.to_string()));
        looked
    }

    /// What a run of one instance would not find.
    fn look_at_node(&self, graph: &Graph, node: NodeIndex, problems: &mut Vec<PlanError>) {
        if graph.stand_in(node).is_some() {
            return;
        }
        let task = || graph.task(node).decl.name.to_string();
        let mut tell = |kind| problems.push(PlanError::new(kind, graph.way(node)));
        for (param, path) in graph.file_parameters(node) {
            if !self.is_there(Path::new(&path)) {
                let what = crate::store::external_reads::no_file(&path);
                tell(PlanErrorKind::NoFile { task: task(), param, what });
            }
        }
        if graph.kind(node) == Kind::External {
            let path = graph.external(node);
            if !self.is_there(path) {
                tell(PlanErrorKind::NotMade { task: task(), path: path.to_owned() });
            }
        }
        for (id, ty) in (graph.task(node).task.uses)() {
            if !self.provides(id) {
                tell(PlanErrorKind::NotProvided { task: task(), ty });
            }
        }
    }

    /// Whether there is a file or a folder, or one that a pattern stands for.
    fn is_there(&self, path: &Path) -> bool {
        let fs = self.own_store().unconfined();
        let matches = |pattern: Pattern| pattern.files(&**fs).is_ok_and(|files| !files.is_empty());
        fs.stat(path).is_ok_and(|stat| !stat.special) || Pattern::parse(path).is_some_and(matches)
    }
}

/// What was found out about some roots.
struct Looked {
    problems: Vec<PlanError>,
    warnings: Vec<Warning>,
    /// What could be built.
    graph: Option<Graph>,
}

//! Push: copies outputs to a remote.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::trace::span;
use crate::flow::error::Error;
use crate::flow::transferred::Transferred;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::judge::{Judge, Verdict};
use crate::plan::label::Show;
use crate::plan::made_from::paths_in;
use crate::plan::stored::Place;
use crate::plan::variant::Root;
use crate::remote::listing::Listing;
use crate::remote::push::{PresentCheck, ToPush, is_there};
use crate::remote::{OUTPUTS, Remote, RemoteContext, RemoteHold};
use crate::store::Found;
use crate::store::kept::Carried;
use crate::store::record::{Read, Record};
use crate::task::Kind;
use crate::task::param::ParamDecl;

/// What a push does.
#[derive(Clone, Copy)]
enum Push {
    /// It copies what the remote lacks.
    Copy(PresentCheck),
    /// It counts what it would copy.
    DryRun,
}

impl Push {
    /// Looks at the remote anew. A push that copies keeps garbage collections away from then on.
    fn ask(self, remote: &dyn Remote) -> Result<RemoteHold, StoreError> {
        match self {
            Self::Copy(_) => remote.hold().of_remote("push to", OUTPUTS),
            Self::DryRun => {
                remote.refresh().of_remote("list", OUTPUTS)?;
                Ok(RemoteHold::none())
            }
        }
    }
}

impl Flow {
    /// Copies the complete outputs of these roots to a remote, where others can [pull](Self::pull) them.
    ///
    /// The outputs of all instances upstream are included, also of those that a task required while it ran.
    /// Instances that are not complete are [skipped](Transferred::skipped).
    ///
    /// Only files that the remote lacks are copied. Each file is hashed while it is read, and again as the
    /// remote has stored it. If a push is interrupted, the remote has no incomplete outputs, and the next push
    /// continues with the missing files.
    ///
    /// Give paths relative to the current folder, so that they are the same in each checkout of a project. An
    /// absolute path in a parameter is part of the fingerprint, so that a pull on another machine finds
    /// nothing; the push [warns](Transferred::warnings) about it. If a path must be absolute, mark it
    /// `#[param(file, insignificant)]`: then the content of the file counts and its path does not.
    ///
    /// For a value in memory, or an output whose file is missing, only the record is pushed
    /// ([`metadata_only`](Transferred::metadata_only)). A pull needs these records to find the outputs downstream.
    ///
    /// ```
    /// use flow::remote::RemoteFolder;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<Vec<u64>>)]
    /// struct Squares {
    ///     n: u64,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Squares {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    ///         Ok((1..=self.n).map(|i| i * i).collect())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let shared = RemoteFolder::new(folder.join("shared"));
    /// let here = Flow::open(folder.join("here"))?.quiet().with(Squares::N, 3);
    /// here.run::<Squares>()?;
    /// let pushed = here.push::<Squares>(&shared)?;
    /// assert_eq!((pushed.instances(), pushed.files()), (&["Squares {n: 3}".to_owned()][..], 1));
    ///
    /// // On another machine, with the same program.
    /// let there = Flow::open(folder.join("there"))?.with(Squares::N, 3);
    /// there.pull::<Squares>(&shared)?;
    /// assert_eq!(*there.load::<Squares>()?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, no output is complete, or a file cannot be read, or written to the remote. Outputs that
    /// were pushed before the error stay in the remote.
    pub fn push<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_plan(self.plan::<R>()?, remote, Push::Copy(PresentCheck::Size))
    }

    /// Returns what [`push`](Self::push) would copy, and copies nothing.
    ///
    /// ```
    /// # use flow::remote::RemoteFolder;
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u64>)]
    /// # struct Answer;
    /// # #[tracked]
    /// # impl Run for Answer {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u64> { Ok(42) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let shared = RemoteFolder::new(folder.path().join("shared"));
    /// # let flow = Flow::open(folder.path().join("data"))?.quiet();
    /// # flow.run::<Answer>()?;
    /// let would = flow.push_dry_run::<Answer>(&shared)?;
    /// assert_eq!(
    ///     would.to_string(),
    ///     "1 output would be pushed, 1 file of 2 B; 0 were there already"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, no output is complete, or the remote cannot be read.
    pub fn push_dry_run<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_plan(self.plan::<R>()?, remote, Push::DryRun)
    }

    /// Pushes like [`push`](Self::push), and repairs damaged files of the remote.
    ///
    /// `push` verifies a file when it copies it, and later compares its size only. This method reads all files
    /// of these outputs in the remote, and replaces those whose content has changed since. A
    /// [`pull`](Self::pull) that meets a damaged file fails and names this method.
    ///
    /// ```
    /// # use flow::remote::RemoteFolder;
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u64>)]
    /// # struct Answer;
    /// # #[tracked]
    /// # impl Run for Answer {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u64> { Ok(42) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let shared = RemoteFolder::new(folder.path().join("shared"));
    /// # let flow = Flow::open(folder.path().join("data"))?.quiet();
    /// # flow.run::<Answer>()?;
    /// # flow.push::<Answer>(&shared)?;
    /// assert_eq!(flow.push_verified::<Answer>(&shared)?.files(), 0); // nothing was damaged
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`push`](Self::push).
    pub fn push_verified<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_plan(self.plan::<R>()?, remote, Push::Copy(PresentCheck::Content))
    }

    /// Pushes the outputs of these roots, which are those of the variants of a sweep. `R` names them in errors.
    pub(crate) fn push_roots(
        &self,
        roots: &[Root<'_>],
        remote: &dyn Remote,
    ) -> Result<Transferred, Error> {
        self.push_plan(self.as_is(roots)?, remote, Push::Copy(PresentCheck::Size))
    }

    /// Returns what [`push_roots`](Self::push_roots) would copy.
    pub(crate) fn push_roots_dry_run(
        &self,
        roots: &[Root<'_>],
        remote: &dyn Remote,
    ) -> Result<Transferred, Error> {
        self.push_plan(self.as_is(roots)?, remote, Push::DryRun)
    }

    /// Pushes all outputs of a plan. `R` names its roots in errors.
    fn push_plan(
        &self,
        plan: Arc<Plan>,
        remote: &dyn Remote,
        push: Push,
    ) -> Result<Transferred, Error> {
        span!("push", instances = plan.graph.len());
        let in_run = plan.required_in_run()?;
        let mut plans = vec![plan];
        plans.extend(in_run);
        let mut pushed = Transferred::new(match push {
            Push::Copy(_) => "pushed",
            Push::DryRun => "would be pushed",
        });
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        // The remote is asked for outputs that would have to be fetched first: it may be the one that has them.
        let (mut asked, mut present) = (None, 0);
        let listing = Listing::new(remote);
        let is_verified = matches!(push, Push::Copy(PresentCheck::Content));
        for plan in &plans {
            let replay = Replay::default();
            for node in plan.graph.nodes().filter(|&node| plan.graph.kind(node) == Kind::Made) {
                if !seen.insert(plan.graph.node(node).key) {
                    continue;
                }
                let label = plan.graph.label(node, Show::Clipped);
                let judged = Judge::new(plan, &plan.verdicts, &replay).judge(node)?;
                let whole = |record: Box<Record>| match record.output.is_in_memory() {
                    true => (record, Carried::MetadataOnly),
                    false => (record, Carried::Whole),
                };
                let kept = plan.verdicts.kept(node);
                let (record, carried) = match (kept, judged.verdict) {
                    (Some(kept), _) => whole(kept.record.clone()),
                    (None, Verdict::Complete(record)) => whole(record),
                    (None, Verdict::Evicted(record, _)) => (record, Carried::MetadataOnly),
                    (None, _) => {
                        pushed.skip(label, &judged.reasons);
                        continue;
                    }
                };
                absolute_paths(plan, node, &record).for_each(|warning| pushed.warn(warning));
                let task = plan.graph.task(node).decl.identity().to_owned();
                let is_elsewhere = kept.is_some_and(|kept| kept.bring.is_some());
                if is_elsewhere {
                    let store = Arc::clone(&plan.store);
                    let folder = plan.graph.folder(node, &store)?;
                    let output = ToPush { label, task, store, folder, record, carried };
                    if asked.is_none() {
                        asked = Some(push.ask(remote)?);
                    }
                    if !is_verified && is_there(&listing, &output, PresentCheck::Size)? {
                        pushed.add_present();
                        present += 1;
                    } else if let Push::DryRun = push {
                        all.push(output);
                    } else {
                        let Place { store, folder } = plan.output_place(node)?;
                        // It was fetched just now, and its files have other names here.
                        let mut record = match plan.output_record(node)? {
                            Found::Record(fetched) => fetched,
                            Found::Nothing | Found::Damaged(_) => output.record,
                        };
                        store.without_lost_figures(&folder, &mut record.output);
                        all.push(ToPush { store, folder, record, ..output });
                    }
                    continue;
                }
                let Place { store, folder } = plan.output_place(node)?;
                let mut record = record;
                store.without_lost_figures(&folder, &mut record.output);
                all.push(ToPush { label, task, store, folder, record, carried });
            }
        }
        if all.is_empty() && present == 0 {
            let skipped = pushed.skipped().iter();
            return Err(Error::Nothing {
                verb: "push",
                root: plans[0].graph.root_names(),
                incomplete: skipped.map(|one| (one.instance.clone(), one.why.clone())).collect(),
            });
        }
        let _hold = match asked {
            Some(hold) => hold,
            None => push.ask(remote)?,
        };
        let check = match push {
            Push::Copy(check) => check,
            Push::DryRun => {
                Self::push_nothing(&listing, &all, &mut pushed)?;
                return Ok(pushed);
            }
        };
        if check == PresentCheck::Size && remote.packs_up_to() > 0 {
            self.push_packed(&listing, &all, &mut pushed)?;
            return Ok(pushed);
        }
        let threads = self.transfer_threads(remote);
        let copied = Self::each(threads, &all, |push| push.store.push(&listing, push, check));
        for (push, copied) in all.iter().zip(copied) {
            let Some(copied) = copied.transpose()? else { continue };
            pushed.add(push.label.clone(), push.carried == Carried::MetadataOnly, copied);
        }
        Ok(pushed)
    }
}

/// Returns a warning for each absolute path in the parameters of an output or among its recorded reads.
///
/// On a machine with other paths the fingerprint differs, so that a pull does not find the output.
fn absolute_paths(plan: &Plan, node: NodeIndex, record: &Record) -> impl Iterator<Item = String> {
    let entry = plan.graph.task(node);
    let task = &entry.decl.name;
    let is_path = |param: &ParamDecl| param.file || (param.kind.name)().contains("path::PathBuf");
    let params = entry.task.params.iter().enumerate();
    let params = params.filter(|(_, param)| param.significant && is_path(param));
    let of_params = params.filter_map(|(place, param)| {
        let paths = paths_in(param, plan.graph.field(node, place));
        let path = paths.into_iter().find(|path| Path::new(path).is_absolute())?;
        let option = if param.file { "file, insignificant" } else { "insignificant" };
        Some(format!(
            "`{task}.{}` is an absolute path, {path:?}: a pull in another folder or on another machine takes \
             no output made with it; give it relative to the project, or mark the parameter \
             `#[param({option})]`",
            param.name
        ))
    });
    let of_reads = record.reads.iter().filter_map(|read| match read {
        Read::File { path, project: None, .. } | Read::Files { path, project: None, .. }
            if Path::new(path).is_absolute() =>
        {
            Some(format!(
                "`{task}` reads an absolute path outside the project, {path:?}: a pull takes its output only \
                 where that file is the same; read it by a path relative to the project"
            ))
        }
        _ => None,
    });
    of_params.chain(of_reads).collect::<Vec<_>>().into_iter()
}

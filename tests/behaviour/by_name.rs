//! Tasks and parameters that are named at run time behave as those that are named by their types.

use std::marker::PhantomData;
use std::path::PathBuf;

use flow::error::{PlanErrorKind, SelectError};
use flow::prelude::*;
use flow::task::{ParameterInfo, TaskInfo, tasks};
use flow::{Error, jiff};

use crate::support::{flow, preview, ran};

/// A file that another program writes.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Price>>)]
struct PriceFile {
    path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Price {
    day: String,
    close: f64,
}

/// The prices since a day.
///
/// Two paragraphs.
#[derive(Task)]
#[task(requires = PriceFile, target = Csv<Vec<Price>>)]
struct Recent {
    /// The first day.
    #[param(default = jiff::civil::date(2026, 1, 2))]
    first: jiff::civil::Date,
    #[param(default = 1.0, range = 0.0..=10.0, local)]
    factor: f64,
    #[param(insignificant, default = 8)]
    threads: usize,
}

runs!(Recent: Vec<Price> = |self, cx| {
    let first = self.first.to_string();
    let rows = cx.input().load()?.into_owned().into_iter().filter(|row| row.day >= first);
    let rows: Vec<_> = rows.map(|row| Price { close: row.close * self.factor, ..row }).collect();
    cx.meta("rows", rows.len())?;
    Ok(rows)
});

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum How {
    Mean,
    Last,
}

#[derive(Task)]
#[task(requires = Recent, target = Json<f64>)]
struct Summarized {
    #[param(default = How::Mean, choices = [How::Mean, How::Last])]
    how: How,
    #[param(from = Recent::FIRST)]
    since: jiff::civil::Date,
}

runs!(Summarized: f64 = |self, cx| {
    let prices = cx.input().load()?;
    let value = match self.how {
        How::Mean => prices.iter().map(|row| row.close).sum::<f64>() / prices.len() as f64,
        How::Last => prices.last().context("no prices")?.close,
    };
    cx.meta("value", value)?;
    Ok(value)
});

#[derive(Task)]
#[task(requires(Summarized, Recent), aggregate)]
struct AllPrices;

#[derive(Tracked)]
struct Ols;

#[derive(Task)]
#[task(target = Json<u32>)]
struct Fitted<M: Tracked + Send + Sync + 'static> {
    of: PhantomData<M>,
}

#[tracked]
impl<M: Tracked + Send + Sync + 'static> Run for Fitted<M> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(1)
    }
}

flow::register!(Fitted<Ols>, Fitted<Ols>);

fn named(name: &str) -> TaskInfo {
    TaskInfo::named(name).expect("a task of this program")
}

fn parameter(task: &str, name: &str) -> ParameterInfo {
    named(task).parameter(name).expect("a parameter of the task")
}

/// A flow whose source has three days.
fn with_prices() -> Result<(Flow, tempfile::TempDir)> {
    let (flow, folder) = flow();
    let path = folder.path().join("prices.csv");
    std::fs::write(&path, "day,close\n2026-01-01,1\n2026-01-02,2\n2026-01-03,4\n")?;
    Ok((flow.with_named("path", path.to_str().context("text")?), folder))
}

#[test]
fn a_task_by_name_has_the_declarations_of_its_type() {
    let recent = named("Recent");
    assert_eq!(recent, TaskInfo::of::<Recent>());
    assert_eq!((recent.name().as_str(), recent.module()), ("Recent", module_path!()));
    assert_eq!(recent.doc(), "The prices since a day.\n\nTwo paragraphs.");
    assert_eq!((recent.target(), recent.output_type().as_str()), ("Csv<Vec<Price>>", "Vec<Price>"));
    assert!(!recent.is_external() && !recent.is_aggregate());
    assert!(named("PriceFile").is_external() && named("AllPrices").is_aggregate());

    let names: Vec<_> = recent.parameters().iter().map(|one| one.full_name()).collect();
    assert_eq!(names, ["Recent.first", "Recent.factor", "Recent.threads"]);
    let [first, factor, threads] = recent.parameters().try_into().expect("three");
    assert_eq!((first.doc(), first.type_name().as_str()), ("The first day.", "Date"));
    assert_eq!(first.default().as_deref(), Some("2026-01-02"));
    assert_eq!(factor.range().as_deref(), Some("0.0..=10.0"));
    assert!(factor.is_local() && !threads.is_significant() && !first.is_local());
    assert_eq!(parameter("Summarized", "how").choices().as_deref(), Some("[How::Mean, How::Last]"));
    let since = parameter("Summarized", "since").from().expect("it is from another");
    assert_eq!(since.full_name(), "Recent.first");
    assert!(!parameter("PriceFile", "path").has_default());

    let upstream = |name| named(name).upstream().iter().map(TaskInfo::name).collect::<Vec<_>>();
    assert_eq!(upstream("AllPrices"), ["Summarized", "Recent", "PriceFile"]);
    assert_eq!(named("AllPrices").requires(), [named("Summarized"), named("Recent")]);
}

#[test]
fn all_tasks_are_listed_once_and_generic_ones_if_they_are_registered() {
    let names: Vec<_> = tasks().iter().map(TaskInfo::name).collect();
    for name in ["AllPrices", "Fitted<Ols>", "Recent", "PriceFile", "Summarized"] {
        assert_eq!(names.iter().filter(|one| *one == name).count(), 1, "{name} in {names:?}");
    }
    assert!(names.is_sorted());
}

#[test]
fn an_unknown_name_suggests_the_nearest_task() -> Result<()> {
    let error = TaskInfo::named("Sumarized").unwrap_err();
    assert_eq!(error.nearest.as_deref(), Some("Summarized"));
    assert_eq!(
        error.to_string(),
        "this program has no task `Sumarized`: did you mean `Summarized`?"
    );
    let error = TaskInfo::named("Fit").unwrap_err();
    assert!(error.to_string().starts_with("several tasks are called `Fit`: write one of `plans::"));
    assert_eq!(TaskInfo::named(&error.several[0])?.name(), "Fit");
    let error = TaskInfo::named("\u{1b}[2J").unwrap_err().to_string();
    assert!(error.starts_with("this program has no task `\\u{1b}[2J`: its tasks are "), "{error}");
    Ok(())
}

#[test]
fn a_graph_by_name_runs_and_reuses_what_a_typed_flow_runs() -> Result<()> {
    let (flow, _folder) = with_prices()?;
    let graph = flow.graph_of([named("Summarized")]);
    let typed = preview::<Summarized>(&flow);
    assert_eq!(graph.preview()?.color(false).to_string(), typed);
    assert_eq!(ran(&graph.run()?), ["Recent", "Summarized"]);
    assert!(flow.is_complete::<Summarized>()? && graph.is_complete()?);
    assert_eq!(*flow.load::<Summarized>()?, 3.0);

    let other = flow.with_named("Recent.first", "2026-01-03").graph_of([named("Summarized")]);
    assert_eq!(ran(&other.run()?), ["Recent", "Summarized"]);

    assert_eq!(
        ran(&flow.force_task(named("Recent")).graph_of([named("AllPrices")]).run()?),
        ["Recent"]
    );
    assert_eq!(graph.reset_roots()?.instances.len(), 1);
    assert_eq!(ran(&graph.run()?), ["Summarized"]);
    Ok(())
}

#[test]
fn an_instance_tells_its_files_columns_inputs_and_metadata_without_types() -> Result<()> {
    let (flow, folder) = with_prices()?;
    let graph = flow.graph_of([named("Summarized")]);
    let [root] = graph.root_instances()?.try_into().expect("one root");
    assert_eq!((root.recorded()?, root.describe().is_err()), (None, true), "it has not run");

    graph.run()?;
    let [root] = graph.root_instances()?.try_into().expect("one root");
    let recorded = root.recorded()?.context("it has run")?;
    assert_eq!((recorded.task.as_str(), recorded.target.as_str()), ("Summarized", "Json<f64>"));
    assert_eq!(recorded.metadata["value"], 3.0);
    assert_eq!(recorded.parameters["how"], "Mean");
    assert_eq!(std::fs::read_to_string(&recorded.files[0].path)?, "3.0");
    assert_eq!((recorded.bytes(), recorded.files[0].is_folder), (3, false));
    assert_eq!(recorded.json()["fingerprint"], recorded.fingerprint.to_string());

    let [recent] = root.inputs().try_into().expect("one input");
    assert_eq!(recorded.inputs[0].key, Some(recent.key()));
    let columns = &recent.describe()?[""].columns;
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["day", "close"]);
    let [source] = recent.inputs().try_into().expect("one input");
    assert_eq!(source.external_path(), Some(&*folder.path().join("prices.csv")));
    assert_eq!(source.recorded()?, None);
    assert_eq!(source.describe()?[""].columns.len(), 2);

    let stored = flow.store().list()?;
    let of_recent = stored.iter().find(|one| one.task == "Recent").context("it is stored")?;
    assert_eq!(
        of_recent.recorded()?.context("it has a record")?,
        recent.recorded()?.context("it")?
    );
    flow.reset::<Recent>()?;
    assert_eq!(of_recent.recorded()?, None, "it was removed");
    Ok(())
}

#[test]
fn a_sweep_by_name_is_the_sweep_by_keys() -> Result<()> {
    let (flow, _folder) = with_prices()?;
    let typed = flow.sweep::<Summarized>().over(Summarized::HOW, [How::Mean, How::Last]);
    let how = parameter("Summarized", "how");
    let sweep = flow.sweep_of([named("Summarized")]).over_named(how, ["Mean", "Last"])?;
    assert_eq!(sweep.names()?, typed.names()?);
    assert_eq!(sweep.run()?.ran().len(), 3);
    assert!(typed.is_complete()?);
    assert_eq!(sweep.max_by("value")?.name, "how=Last");
    assert_eq!(sweep.reset("how=Last")?.instances.len(), 1);

    let factor = parameter("Recent", "factor");
    let error = flow.sweep_of([named("Summarized")]).over_named(factor, ["1", "two"]).unwrap_err();
    let Error::Plan(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind, PlanErrorKind::WrongType { .. }));
    let text = error.to_string();
    assert!(text.starts_with("the value given for `Recent.factor` does not fit"), "{text}");
    Ok(())
}

#[test]
fn errors_name_the_roots_that_were_named() -> Result<()> {
    let (flow, _folder) = with_prices()?;
    let graph = flow.graph_of([named("Summarized"), named("Recent")]);
    let error = graph.export_roots("nowhere").unwrap_err().to_string();
    assert!(error.contains("flow.run::<(Summarized, Recent)>()"), "{error}");
    let error = graph.load::<Fitted<Ols>>().expect_err("it is not required");
    assert!(matches!(error, Error::Select(SelectError::None { .. })), "{error}");
    Ok(())
}

//! The features of d6tflow and their counterparts here, as `docs/guide/src/from_d6tflow.md` describes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{flow, preview, ran};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Row {
    x: f64,
    y: f64,
}

#[derive(Task)]
#[task(target = Csv<Vec<Row>>)]
struct GetData;

runs!(GetData: Vec<Row> = |self, _cx| Ok((0..4).map(f64::from).map(|x| Row { x, y: 2.0 * x }).collect()));

#[derive(Task)]
#[task(requires = GetData, target = Parquet<Vec<Row>>)]
struct Preprocess {
    #[param(default = true)]
    do_preprocess: bool,
}

runs!(Preprocess: Vec<Row> = |self, cx| {
    let mut rows = cx.input().load()?.into_owned();
    if self.do_preprocess {
        rows.iter_mut().for_each(|row| row.x += 1.0);
    }
    Ok(rows)
});

#[derive(Task)]
#[task(requires = Preprocess, target = Pickle<f64>)]
struct Train {
    #[param(default = "ols")]
    model: String,
    #[param(default = 1.0)]
    alpha: f64,
}

runs!(Train: f64 = |self, cx| {
    let rows = cx.input().load()?;
    let slope = rows.iter().map(|row| row.y).sum::<f64>() / rows.iter().map(|row| row.x).sum::<f64>();
    let slope = if self.model == "ols" { slope } else { slope / (1.0 + self.alpha) };
    cx.meta("slope", slope)?;
    Ok(slope)
});

/// `flow = d6tflow.Workflow(Train, {'do_preprocess': False})`
#[test]
fn a_workflow_is_a_flow() -> Result<()> {
    let (all, _folder) = flow();
    let flow = all.with_named("do_preprocess", false);
    // flow.preview()
    assert!(
        preview::<Train>(&flow).contains("Preprocess {do_preprocess: false} PENDING never run")
    );
    // flow.run(), flow.complete()
    assert_eq!(ran(&flow.run::<Train>()?), ["GetData", "Preprocess", "Train"]);
    assert!(flow.is_complete::<Train>()?);
    // flow.outputLoad(), flow.outputLoad(Preprocess), flow.outputPath(Preprocess)
    assert_eq!(*flow.load::<Train>()?, 2.0);
    assert_eq!(flow.load::<Preprocess>()?[1], Row { x: 1.0, y: 2.0 });
    assert!(flow.output::<Preprocess>()?.path()?.extension().is_some_and(|of| of == "parquet"));
    // flow.get_task().model
    assert_eq!(flow.graph::<Train>().instance::<Train>()?.model, "ols");
    // flow.reset(Train), flow.reset_upstream(Train), flow.reset_downstream(GetData)
    flow.reset::<Train>()?;
    assert_eq!(ran(&flow.run::<Train>()?), ["Train"]);
    flow.graph::<Train>().reset_all()?;
    assert_eq!(ran(&flow.run::<Train>()?), ["GetData", "Preprocess", "Train"]);
    flow.graph::<Train>().reset_downstream::<Preprocess>()?;
    assert_eq!(ran(&flow.run::<Train>()?), ["Preprocess", "Train"]);
    // flow.run(forced=Preprocess), flow.run(forced_all_upstream=True)
    assert!(ran(&flow.force::<Preprocess>().run::<Train>()?).contains(&"Preprocess".to_owned()));
    assert_eq!(ran(&flow.force_all().run::<Train>()?).len(), 3);
    Ok(())
}

/// `flow = d6tflow.WorkflowMulti(Train, {'raw': {'do_preprocess': False}, 'ridge': {'model': 'ridge'}})`
#[test]
fn a_workflow_multi_is_a_sweep() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<Train>()
        .variant("raw", |v| v.with(Preprocess::DO_PREPROCESS, false))
        .variant("ridge", |v| v.with(Train::MODEL, "ridge"));
    sweep.run()?;
    // flow.outputLoad(), flow.outputLoad(flow='ridge')
    let slopes = sweep.load::<Train>()?;
    assert_eq!((*slopes["raw"], *slopes["ridge"]), (2.0, 0.6));
    assert_eq!(*sweep["ridge"].load::<Train>()?, 0.6);
    // flow.outputLoadMeta()
    assert_eq!(sweep.max_by("slope")?.name, "raw");
    // flow.reset(flow='raw')
    sweep["raw"].reset::<Train>()?;
    assert!(!sweep["raw"].is_complete::<Train>()? && sweep["ridge"].is_complete::<Train>()?);
    Ok(())
}

/// `params_generator_single({'alpha': [1, 3], 'model': [..]}, {'do_preprocess': False})`
#[test]
fn parameters_are_generated() -> Result<()> {
    let (flow, _folder) = flow();
    let base = flow.with(Preprocess::DO_PREPROCESS, false);
    let sweep =
        base.sweep::<Train>().over(Train::MODEL, ["ols", "ridge"]).over(Train::ALPHA, [1.0, 3.0]);
    sweep.run()?;
    let slopes: Vec<f64> = sweep.load::<Train>()?.values().map(|slope| **slope).collect();
    assert_eq!(slopes, [2.0, 2.0, 1.0, 0.5]);
    Ok(())
}

#[task(target = Json<Vec<u32>>)]
fn numbers(#[param(default = 3)] n: u32) -> Vec<u32> {
    (1..=n).collect()
}

#[task(requires = numbers, target = Json<u32>)]
fn total(numbers: &[u32]) -> u32 {
    numbers.iter().sum()
}

/// `@flow.task(..)`, `@flow.requires({'a': numbers})`, `@flow.params(n=3)`
#[test]
fn functions_are_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    // flow.run(total, params={'n': 4}), flow.outputLoad(total)
    let four = flow.with(numbers::N, 4);
    assert_eq!(ran(&four.run::<total>()?), ["numbers", "total"]);
    assert_eq!(*four.load::<total>()?, 10);
    // flow.run(total, multi_params={'two': {'n': 2}, 'three': {'n': 3}})
    let sweep = flow.sweep::<total>().over(numbers::N, [2, 3]);
    sweep.run()?;
    assert_eq!(sweep.load::<total>()?.values().map(|sum| **sum).collect::<Vec<_>>(), [3, 6]);
    // The functions can still be called.
    assert_eq!(total(&numbers(2)), 3);
    // flow.reset(total)
    four.reset::<total>()?;
    assert_eq!(ran(&four.run::<total>()?), ["total"]);
    Ok(())
}

/// `FlowExport(tasks=Train, flows=flow, save=True)`, `FlowImport(path=..)`
#[test]
fn a_flow_is_exported() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Train>()?;
    let to = folder.path().join("handed");
    flow.graph::<Train>().export(&to)?;
    flow.export_crate::<Train>(&to)?;
    for name in ["GetData/output.csv", "Train/model=ols,alpha=1.0.msgpack", "flow_outputs.py"] {
        assert!(to.join(name).exists(), "{name}");
    }
    assert!(fs::read_to_string(to.join("src/lib.rs"))?.contains("pub struct GetDataRow {"));
    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.import(&to)?;
    assert!(other.is_complete::<Train>()?);
    Ok(())
}

/// `pipe.push()`, `pipe.pull()`
#[test]
fn outputs_are_pushed_and_pulled() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Train>()?;
    let pipe = RemoteFolder::new(folder.path().join("pipe"));
    flow.push::<Train>(&pipe)?;
    let other = Flow::open(folder.path().join("other"))?.quiet();
    assert_eq!(other.pull::<Train>(&pipe)?.instances().len(), 3);
    assert!(other.run::<Train>()?.ran().is_empty());
    assert_eq!(*other.load::<Train>()?, *flow.load::<Train>()?);
    Ok(())
}

/// `persist = ['train', 'note']`
#[derive(Outputs)]
struct Parts {
    #[output(Parquet)]
    train: Vec<Row>,
    #[output(Json)]
    note: BTreeMap<String, f64>,
}

#[derive(Task)]
#[task(requires = GetData, outputs = Parts)]
struct Split;

runs!(Split: Parts = |self, cx| {
    let train = cx.input().load()?.into_owned();
    let note = BTreeMap::from([("rows".to_owned(), train.len() as f64)]);
    Ok(Parts { train, note })
});

/// `class Cached(d6tflow.tasks.TaskCache)`
#[derive(Task)]
#[task(requires = Split, target = Memory<usize>)]
struct Cached;

runs!(Cached: usize = |self, cx| Ok(cx.input().load_one(Parts::TRAIN)?.len()));

/// `TaskPqPandas`, `TaskCSVPandas`, `TaskJson`, `TaskPickle`, `TaskCache`, `persist`
#[test]
fn a_format_is_a_target() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<(Cached, Train)>()?;
    assert_eq!((*flow.load::<Cached>()?, flow.load::<Split>()?.note["rows"]), (4, 4.0));
    let mut kinds: Vec<_> = crate::support::files_below(&folder.path().join("data"))
        .iter()
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("data-"))
        })
        .filter_map(|path| path.extension()?.to_str().map(str::to_owned))
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["csv", "json", "msgpack", "parquet", "parquet"]);
    Ok(())
}

#[derive(Task)]
#[task(requires(ols = Train, ridge = Train { model: "ridge".to_owned() }), aggregate)]
struct Models;

#[derive(Task)]
#[task(external, path = &self.file, target = Csv<Vec<Row>>)]
struct Measured {
    file: PathBuf,
}

/// `self.saveMeta(..)`, `flow.outputLoadMeta()`, `TaskAggregator`, a task with an external file
#[test]
fn metadata_aggregates_and_external_tasks_exist() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Models>()?;
    let models = flow.load::<Models>()?;
    assert_eq!(models.ols.meta::<f64>("slope")?, *models.ols.load()?);
    assert!(models.ridge.meta::<f64>("slope")? < models.ols.meta::<f64>("slope")?);
    let file = folder.path().join("measured.csv");
    fs::write(&file, "x,y\n1.5,2\n")?;
    assert_eq!(*flow.with(Measured::FILE, file).load::<Measured>()?, [Row { x: 1.5, y: 2.0 }]);
    Ok(())
}

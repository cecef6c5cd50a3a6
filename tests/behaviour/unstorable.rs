//! A task whose return type its target can never store is a plan error.

use std::collections::BTreeMap;

use flow::error::PlanErrorKind;
use flow::prelude::*;
use flow::testing;

use crate::support::{files_below, flow};

#[derive(Serialize, Deserialize, Clone)]
struct Row {
    id: u32,
    xs: Vec<f64>,
}

#[derive(Serialize, Deserialize, Clone)]
enum Shape {
    Circle(f64),
    Square { a: f64 },
}

#[derive(Serialize, Deserialize, Clone)]
struct Drawn {
    shape: Shape,
}

#[task(target = Csv<Vec<Row>>)]
fn lists_in_csv() -> Result<Vec<Row>> {
    bail!("it ran")
}

#[task(target = Parquet<Vec<Drawn>>)]
fn data_enums_in_parquet() -> Result<Vec<Drawn>> {
    bail!("it ran")
}

#[task(target = Json<BTreeMap<(u32, u32), f64>>)]
fn tuple_keys_in_json() -> Result<BTreeMap<(u32, u32), f64>> {
    bail!("it ran")
}

#[derive(Outputs)]
struct Parts {
    #[output(Json)]
    count: u32,
    #[output(Csv)]
    rows: Vec<Row>,
}

#[task(outputs = Parts)]
fn one_of_several() -> Result<Parts> {
    bail!("it ran")
}

#[task(requires = lists_in_csv, target = Json<usize>)]
fn downstream(rows: &[Row]) -> usize {
    rows.len()
}

/// An external task, which only reads its file and stores nothing.
#[derive(Task)]
#[task(external, path = "drawn.parquet", target = Parquet<Vec<Drawn>>)]
struct Elsewhere;

/// A type of which the target can store some values is no error.
#[task(target = Json<Option<BTreeMap<(u32, u32), f64>>>)]
fn sometimes() -> Option<BTreeMap<(u32, u32), f64>> {
    None
}

#[test]
fn a_type_that_its_target_never_stores_is_an_error_of_the_plan() -> Result<()> {
    let (flow, folder) = flow();
    macro_rules! errors {
        ($task:ty) => {
            [
                flow.run::<$task>().unwrap_err().to_string(),
                flow.preview::<$task>().unwrap_err().to_string(),
                flow.check::<$task>().unwrap_err().to_string(),
            ]
        };
    }
    for error in errors!(lists_in_csv) {
        assert!(error.contains("`lists_in_csv` returns what its target"), "{error}");
        assert!(error.contains("can never store: the field `xs` of"), "{error}");
        assert!(error.contains("is a list, and a cell holds one value; `Parquet`"), "{error}");
    }
    for error in errors!(data_enums_in_parquet) {
        assert!(error.contains("column `shape` is of type Union"), "{error}");
        assert!(error.contains("`Json` and `Pickle` keep any value"), "{error}");
    }
    for error in errors!(tuple_keys_in_json) {
        assert!(error.contains("a map whose keys are tuples"), "{error}");
    }
    for error in errors!(one_of_several) {
        assert!(error.contains("output `rows`: the field `xs` of"), "{error}");
    }
    for error in errors!(downstream) {
        assert!(error.contains("`lists_in_csv` returns what"), "{error}");
    }
    assert!(!files_below(folder.path()).iter().any(|file| file.ends_with("record.json")));
    Ok(())
}

#[test]
fn a_type_of_which_some_values_can_be_stored_runs() -> Result<()> {
    let flow = testing::flow();
    flow.run::<sometimes>()?;
    assert_eq!(*flow.load::<sometimes>()?, None);
    let problems = flow.check::<Elsewhere>().unwrap_err();
    let mut kinds = problems.iter().map(|problem| &problem.kind);
    assert!(kinds.all(|kind| matches!(kind, PlanErrorKind::NotMade { .. })), "{problems}");
    Ok(())
}

//! A table is written, loaded and reused.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use flow::prelude::*;

use crate::tasks::{in_full, prices, ran};
use crate::world::{Prices, Total, World, assert_says};

#[test]
fn a_table_is_written_once_and_loaded() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    assert_eq!(ran(&flow.run::<Total>()?), ["Prices", "Total"]);
    assert_eq!(*flow.load::<Prices>()?, prices(2));
    assert_eq!(*flow.load::<Total>()?, 2.0);
    assert_eq!(world.database().answer("select count(*), sum(price) from prices")?, "2\t2.0");
    assert!(flow.is_complete::<Total>()?);
    assert!(flow.run::<Total>()?.ran().is_empty());
    Ok(())
}

#[test]
fn the_file_of_the_output_is_a_receipt() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    let path = flow.output::<Prices>()?.path()?;
    assert!(path.to_string_lossy().ends_with(".sql.json"), "{path:?}");
    let receipt: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    assert_eq!((&receipt["table"], &receipt["rows"]), (&"prices".into(), &2.into()));
    assert_eq!(receipt["columns"][1]["type"], "Float64");
    Ok(())
}

#[test]
fn equal_rows_stop_the_wave() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Total>()?;
    assert_eq!(ran(&flow.force::<Prices>().run::<Total>()?), ["Prices"]);
    Ok(())
}

#[test]
fn another_instance_replaces_the_table() -> Result<()> {
    let world = World::new();
    let two = world.flow();
    let three = two.with(Prices::N, 3);
    two.run::<Prices>()?;
    three.run::<Prices>()?;
    assert_eq!(*three.load::<Prices>()?, prices(3));
    assert!(!two.is_complete::<Prices>()?);
    let preview = two.preview::<Prices>()?.to_string();
    assert_says(&preview, "was written by another run since");
    assert_eq!(ran(&two.run::<Prices>()?), ["Prices"]);
    assert_eq!(*two.load::<Prices>()?, prices(2));
    assert!(!three.is_complete::<Prices>()?);
    Ok(())
}

#[test]
fn a_table_without_rows_is_an_output() -> Result<()> {
    let world = World::new();
    let flow = world.flow().with(Prices::N, 0);
    flow.run::<Total>()?;
    assert!(flow.load::<Prices>()?.is_empty());
    assert!(flow.is_complete::<Total>()?);
    Ok(())
}

#[test]
fn a_table_is_read_in_pieces_and_by_columns() -> Result<()> {
    let world = World::new();
    let flow = world.flow().with(Prices::N, 20_000);
    flow.run::<Prices>()?;
    let output = flow.output::<Prices>()?;
    let lengths =
        output.stream()?.map(|batch| Ok(batch?.num_rows())).collect::<Result<Vec<_>>>()?;
    assert!(lengths.len() > 1, "{lengths:?}");
    assert_eq!(lengths.iter().sum::<usize>(), 20_000);

    let batch = output.load_columns(&["price", "day"])?;
    assert_eq!((batch.num_columns(), batch.num_rows()), (2, 20_000));
    assert_eq!(batch.column(0).as_primitive::<Float64Type>().value(19_999), 19_999.5);
    let error = output.load_columns(&["prise"]).unwrap_err();
    assert_says(&in_full(error), "there is no column `prise`: did you mean `price`?");
    Ok(())
}

#[test]
fn a_flow_without_the_database_runs_nothing() -> Result<()> {
    let world = World::new();
    let error = world.flow_in("data").run::<Prices>().unwrap_err();
    assert_says(
        &in_full(error),
        "`Prices` uses a `Database`, and the flow has none: give it one with `flow.provide(...)`",
    );
    Ok(())
}

#[test]
fn another_database_makes_the_task_run() -> Result<()> {
    let world = World::new();
    world.flow().run::<Prices>()?;
    let other = world.flow_in("data").provide(world.database_at("other.db"));
    assert!(!other.is_complete::<Prices>()?);
    assert_eq!(ran(&other.run::<Prices>()?), ["Prices"]);
    // Both hold the same rows.
    assert!(other.is_complete::<Prices>()? && world.flow().is_complete::<Prices>()?);
    Ok(())
}

#[test]
fn a_reset_leaves_the_table() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    flow.reset::<Prices>()?;
    assert!(!flow.is_complete::<Prices>()?);
    assert_eq!(world.database().answer("select count(*) from prices")?, "2");
    assert_eq!(ran(&flow.run::<Prices>()?), ["Prices"]);
    Ok(())
}

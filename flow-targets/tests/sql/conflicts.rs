//! Two instances that name one table: an error of the plan, unless they append by key.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use flow::prelude::*;
use flow_targets::sql::{Database, SqlTable, Sqlite, WriteMode};

use crate::tasks::{Part, Parts, Price, in_full, prices, ran};
use crate::world::{Prices, World, assert_says};

/// Writes the table of `Prices`.
#[derive(Task)]
#[task(target = SqlTable<Vec<Price>>(name = "PRICES"))]
struct Others;

#[tracked]
impl Run for Others {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Price>> {
        Ok(prices(1))
    }
}

#[test]
fn two_tasks_with_one_table_are_an_error_of_the_plan() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    let error = in_full(flow.preview::<(Prices, Others)>().unwrap_err());
    assert_says(&error, "both write table `prices` of sqlite:");
    assert_says(
        &error,
        "each would replace what the other one wrote: give each a table of its own, or let both append to it with `mode = \
         WriteMode::AppendByKey`",
    );
    assert!(flow.run::<(Prices, Others)>().is_err());
    assert!(!world.0.path().join("prices.db").exists());
    Ok(())
}

#[test]
fn two_instances_of_a_task_are_an_error_of_the_plan() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    let sweep = flow.sweep::<Prices>().over(Prices::N, [1, 2]);
    assert_says(&in_full(sweep.run().unwrap_err()), "both write table `prices`");
    Ok(())
}

#[test]
fn instances_append_by_key_and_replace_their_own_rows() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    assert_eq!(ran(&flow.run::<Parts>()?).len(), 4);
    assert_eq!(*flow.load::<Parts>()?, [1, 2, 3]);
    let count =
        || world.database().answer("select count(*), count(distinct flow_key) from flow_parts");
    assert_eq!(count()?, "6\t3");
    assert!(flow.run::<Parts>()?.ran().is_empty());

    // A forced instance replaces its rows, and no others run.
    assert_eq!(ran(&flow.with(Part::N, 2).force::<Part>().run::<Part>()?), ["Part"]);
    assert_eq!(count()?, "6\t3");
    assert!(flow.is_complete::<Parts>()?);

    // More instances append.
    let more = flow.with(Parts::PARTS, [1, 2, 3, 4]);
    assert_eq!(ran(&more.run::<Parts>()?), ["Part", "Parts"]);
    assert_eq!(count()?, "10\t4");
    assert!(flow.is_complete::<Parts>()?);
    Ok(())
}

#[test]
fn a_change_by_hand_concerns_the_instance_of_the_row() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Parts>()?;
    let key = world
        .database()
        .answer("select flow_key from flow_parts group by flow_key having count(*) = 2")?;
    world.by_hand(&format!("delete from flow_parts where flow_key = '{key}'"));
    assert_eq!(ran(&flow.run::<Parts>()?), ["Part"]);
    assert_eq!(world.database().answer("select count(*) from flow_parts")?, "6");
    Ok(())
}

#[test]
fn a_change_behind_the_back_of_a_trigger_is_noticed_after_others_have_appended() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Parts>()?;
    world.by_hand(
        "drop trigger \"typed_flow:flow_parts:update\"; update flow_parts set price = 99 where day = 'day 2'",
    );
    // Another instance appends, and creates the triggers anew.
    flow.with(Part::N, 7).run::<Part>()?;
    // The rows of the part with three rows were changed. The others may run too: the trigger was gone for them as well.
    assert!(!flow.with(Part::N, 3).is_complete::<Part>()?);
    flow.run::<Parts>()?;
    assert_eq!(*flow.with(Part::N, 3).load::<Part>()?, prices(3));
    Ok(())
}

/// Appends rows that take longer to compute than a writer waits for a lock.
#[derive(Task)]
#[task(target = SqlTable<BatchStream>(name = "slowly", mode = WriteMode::AppendByKey))]
struct Slowly {
    n: i64,
}

#[tracked]
impl Run for Slowly {
    fn run(&self, _cx: &Cx<Self>) -> Result<BatchStream> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let (of, n) = (Arc::clone(&schema), self.n);
        let batch = move |_: i64| {
            thread::sleep(Duration::from_millis(150));
            let column = Arc::new(Int64Array::from(vec![n]));
            Ok(RecordBatch::try_new(Arc::clone(&of), vec![column])?)
        };
        Ok(BatchStream::new(schema, (0..3).map(batch)))
    }
}

/// Waits for all of them.
#[derive(Task)]
#[task(requires = [Slowly { n } for n in 0..4], target = Json<usize>)]
struct AllSlowly;

#[tracked]
impl Run for AllSlowly {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        Ok(cx.input().len())
    }
}

#[test]
fn writers_of_one_run_wait_for_each_other_however_long_they_take() -> Result<()> {
    let world = World::new();
    let sqlite = Sqlite::new(world.0.path().join("prices.db"));
    let database: Database = sqlite.busy_timeout(Duration::from_millis(200)).into();
    let flow = world.flow_in("data").workers(4).provide(database);
    flow.run::<AllSlowly>()?;
    assert_eq!(world.database().answer("select count(*) from slowly")?, "12");
    Ok(())
}

#[test]
fn a_table_of_another_program_is_not_replaced() -> Result<()> {
    let world = World::new();
    world.by_hand("create table prices (day text); insert into prices values ('mine')");
    let error = in_full(world.flow().run::<Prices>().unwrap_err());
    assert_says(
        &error,
        "has a table `prices` that typed-flow has not written, and that is not replaced: drop it, or give the target another \
         `name`",
    );
    assert_eq!(world.database().answer("select day from prices")?, "mine");
    Ok(())
}

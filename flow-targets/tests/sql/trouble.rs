//! Writers that fail, wait or die leave the table as it was.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use flow::prelude::*;
use flow_targets::sql::{Database, SqlTable, Sqlite};

use crate::tasks::{FOLDER, Slow, in_full, prices, ran, start_slow_writer};
use crate::world::{Prices, World, assert_says};

/// The process that is killed, which the next test starts.
#[test]
#[ignore = "another test starts it"]
fn writes_slowly() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    let folder = PathBuf::from(folder);
    let flow = Flow::open(folder.join("data"))?.quiet();
    flow.provide(Database::sqlite(folder.join("prices.db"))).run::<Slow>()?;
    Ok(())
}

#[test]
fn a_process_that_is_killed_halfway_leaves_nothing() -> Result<()> {
    let world = World::new();
    let mut child = start_slow_writer("trouble::writes_slowly", world.0.path(), 60)?;
    child.kill()?;
    child.wait()?;

    let flow = world.flow();
    assert!(!flow.is_complete::<Slow>()?);
    let tables = "select count(*) from sqlite_schema where name = 'flow_slow'";
    assert_eq!(world.database().answer(tables)?, "0");
    assert_eq!(ran(&flow.run::<Slow>()?), ["Slow"]);
    assert_eq!(world.database().answer("select count(*), max(n) from flow_slow")?, "5000\t4999");
    assert!(flow.is_complete::<Slow>()?);
    Ok(())
}

/// Fails after the first batch.
#[derive(Task)]
#[task(target = SqlTable<BatchStream>(name = "prices"))]
struct Failing;

#[tracked]
impl Run for Failing {
    fn run(&self, _cx: &Cx<Self>) -> Result<BatchStream> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let of = Arc::clone(&schema);
        let batch = move |i: i64| {
            ensure!(i < 1, "no more rows");
            let column = Arc::new(Int64Array::from_iter_values(0..10));
            Ok(RecordBatch::try_new(Arc::clone(&of), vec![column])?)
        };
        Ok(BatchStream::new(schema, (0..2).map(batch)))
    }
}

#[test]
fn a_task_that_fails_halfway_leaves_the_table_as_it_was() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    assert_says(&in_full(flow.run::<Failing>().unwrap_err()), "no more rows");
    assert!(flow.is_complete::<Prices>()?);
    assert_eq!(*flow.load::<Prices>()?, prices(2));
    Ok(())
}

#[test]
fn a_locked_database_is_waited_for_and_then_an_error() -> Result<()> {
    let world = World::new();
    let path = world.0.path().join("prices.db");
    let database: Database = Sqlite::new(&path).busy_timeout(Duration::from_millis(200)).into();
    let flow = world.flow_in("data").provide(database);
    flow.run::<Prices>()?;

    let other = world.connection();
    other.execute_batch("begin immediate; create table other (x)")?;
    let three = flow.with(Prices::N, 3);
    let error = in_full(three.run::<Prices>().unwrap_err());
    assert_says(&error, "is locked by another program, and was waited for 0.2 s");
    // Readers see the table as it was.
    assert_eq!(*flow.load::<Prices>()?, prices(2));
    other.execute_batch("rollback")?;
    assert_eq!(ran(&three.run::<Prices>()?), ["Prices"]);
    Ok(())
}

#[test]
fn a_database_that_cannot_be_opened_is_an_error_that_names_it() -> Result<()> {
    let world = World::new();
    std::fs::create_dir(world.0.path().join("folder.db"))?;
    std::fs::write(
        world.0.path().join("text.db"),
        "this is no database, but a text of some length".repeat(50),
    )?;
    for name in ["folder.db", "text.db", "none/none.db"] {
        let flow = world.flow_in("data").provide(world.database_at(name));
        let error = in_full(flow.run::<Prices>().unwrap_err());
        assert_says(&error, &format!("cannot open sqlite:{}", world.0.path().join(name).display()));
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_database_that_may_not_be_written_is_an_error() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    let path = world.0.path().join("prices.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444))?;
    if std::fs::File::options().append(true).open(&path).is_ok() {
        return Ok(()); // The superuser may write any file.
    }
    assert!(flow.is_complete::<Prices>()?);
    let error = in_full(flow.with(Prices::N, 3).run::<Prices>().unwrap_err());
    assert_says(&error, "refuses this: attempt to write a readonly database");
    Ok(())
}

#[test]
fn of_two_writers_the_last_one_has_the_whole_table() -> Result<()> {
    let world = World::new();
    let flows = [200, 300].map(|n| {
        let flow = world.flow_in(&format!("data{n}")).provide(world.database());
        flow.with(Prices::N, n)
    });
    thread::scope(|scope| {
        let runs = flows.each_ref().map(|flow| scope.spawn(move || flow.run::<Prices>().map(drop)));
        runs.into_iter().try_for_each(|run| run.join().unwrap())
    })?;
    let complete = flows.iter().filter(|flow| flow.is_complete::<Prices>().unwrap());
    let complete: Vec<_> = complete.collect();
    assert_eq!(complete.len(), 1);
    let rows = complete[0].load::<Prices>()?.len();
    assert_eq!(world.database().answer("select count(*) from prices")?, rows.to_string());
    Ok(())
}

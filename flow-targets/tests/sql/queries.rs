//! Tasks query databases.

use std::sync::atomic::{AtomicU32, Ordering};

use flow::prelude::*;
use flow_targets::sql::{Database, QueryCx, Sqlite};

use crate::tasks::{in_full, ran};
use crate::world::{World, assert_says};

const TRADES: &str = "create table trades (id integer primary key, day text, price real, ok boolean, updated_at integer);
    insert into trades values (1, 'mon', 1.5, 1, 10), (2, 'mon', 2.5, 0, 11), (3, 'tue', null, null, 12)";

#[derive(Deserialize, PartialEq, Debug)]
struct Trade {
    id: i64,
    price: Option<f64>,
    ok: Option<bool>,
}

/// The sum of the prices of a day.
#[derive(Task)]
#[task(target = Json<f64>, uses(Database))]
struct Sum {
    #[param(default = "mon")]
    day: String,
}

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let database = cx.provided::<Database>();
        cx.track_query(database, "select max(updated_at) from trades")?;
        let query = cx.query(
            database,
            "select id, price, ok from trades where day = ? order by id",
            [&self.day],
        )?;
        Ok(query.rows::<Trade>()?.iter().filter_map(|row| row.price).sum())
    }
}

#[test]
fn rows_have_the_types_of_the_columns() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let database = world.database();
    let rows =
        database.query("select id, price, ok from trades order by id", ())?.rows::<Trade>()?;
    assert_eq!(rows[1], Trade { id: 2, price: Some(2.5), ok: Some(false) });
    assert_eq!(rows[2], Trade { id: 3, price: None, ok: None });
    let each = database.query("select id, price, ok from trades", ())?.each_row::<Trade>();
    assert_eq!(each.collect::<Result<Vec<_>>>()?.len(), 3);
    let empty = database.query("select * from trades where id > ?", [100])?.batch()?;
    assert_eq!((empty.num_rows(), empty.num_columns()), (0, 5));
    Ok(())
}

#[test]
fn long_results_arrive_in_batches() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let count = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000) select i from n";
    let batches = world.database().query(count, ())?.batches();
    let lengths = batches.map(|batch| Ok(batch?.num_rows())).collect::<Result<Vec<_>>>()?;
    assert!(lengths.len() > 2 && lengths.iter().sum::<usize>() == 50_000, "{lengths:?}");
    // A query that is not read to its end is ended.
    drop(world.database().query(count, ())?.batches().next());
    Ok(())
}

#[test]
fn a_task_runs_again_when_the_tracked_answer_changes() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let flow = world.flow();
    assert_eq!(*flow.get::<Sum>()?, 4.0);
    assert!(flow.run::<Sum>()?.ran().is_empty());
    // Other rows alone are no reason: the task said what counts.
    world.by_hand("update trades set price = 3.5 where id = 1");
    assert!(flow.run::<Sum>()?.ran().is_empty());
    world.by_hand("update trades set updated_at = 20 where id = 1");
    let preview = flow.preview::<Sum>()?.to_string();
    assert_says(&preview, "Database: the answer of `select max(updated_at) from trades` changed");
    // A load returns what the last run gave.
    assert_eq!(*flow.load::<Sum>()?, 4.0);
    assert_eq!(ran(&flow.run::<Sum>()?), ["Sum"]);
    assert_eq!(*flow.load::<Sum>()?, 6.0);
    Ok(())
}

#[test]
fn a_task_runs_again_with_another_database() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let flow = world.flow();
    flow.run::<Sum>()?;
    std::fs::copy(world.0.path().join("prices.db"), world.0.path().join("copy.db"))?;
    let other = flow.provide(world.database_at("copy.db"));
    assert_says(&other.preview::<Sum>()?.to_string(), "the flow provides another Database");
    assert!(flow.is_complete::<Sum>()?);
    Ok(())
}

#[test]
fn wrong_queries_say_what_is_wrong() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let database = world.database();
    for (sql, part) in [
        ("select * from none", "no such table: none"),
        ("delete from trades", "the query writes to sqlite:"),
        ("select ? from trades", "the query has 1 parameters, and 0 values are given"),
    ] {
        let error = in_full(database.query(sql, ()).unwrap_err());
        assert_says(&error, part);
        assert_says(&error, &format!("cannot query sqlite:{}", world.0.path().display()));
    }
    let mixed = database.query("select 1 as x union all select 'a'", ()).unwrap_err();
    assert_says(
        &in_full(mixed),
        "column `x` of the query has no single type: cast it in the query",
    );
    let missing = world.database_at("none.db").query("select 1", ()).unwrap_err();
    assert_says(&in_full(missing), "none.db");
    assert!(!world.0.path().join("none.db").exists());
    Ok(())
}

static VERSIONS: AtomicU32 = AtomicU32::new(0);

/// Runs again by a `refresh` expression.
#[derive(Task)]
#[task(target = Json<u32>, refresh = Database::sqlite(&self.file).answer("select max(updated_at) from trades"))]
struct Refreshed {
    #[param(insignificant)]
    file: std::path::PathBuf,
}

#[tracked]
impl Run for Refreshed {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(VERSIONS.fetch_add(1, Ordering::SeqCst))
    }
}

#[test]
fn an_answer_is_the_value_of_a_refresh_expression() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let flow = world.flow().with(Refreshed::FILE, world.0.path().join("prices.db"));
    assert_eq!(ran(&flow.run::<Refreshed>()?), ["Refreshed"]);
    assert!(flow.run::<Refreshed>()?.ran().is_empty());
    world.by_hand("update trades set updated_at = 99");
    assert_eq!(ran(&flow.run::<Refreshed>()?), ["Refreshed"]);
    Ok(())
}

flow_targets::database! {
    /// A second database.
    struct Archive;
}

/// The number of archived trades.
#[derive(Task)]
#[task(target = Json<i64>, uses(Archive))]
struct Archived;

#[tracked]
impl Run for Archived {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        let archive = cx.provided::<Archive>();
        cx.track_query(archive, "select count(*) from trades")?;
        Ok(archive.answer("select count(*) from trades")?.parse()?)
    }
}

#[test]
fn a_flow_provides_several_databases_by_their_types() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let archive: Database = Sqlite::new(world.0.path().join("prices.db")).into();
    let flow = world.flow().provide(Archive::from(archive));
    assert_eq!(*flow.get::<Archived>()?, 3);
    world.by_hand("delete from trades where id = 1");
    assert_says(&flow.preview::<Archived>()?.to_string(), "Archive: the answer of");
    assert_eq!(*flow.get::<Archived>()?, 2);
    Ok(())
}

/// Tracks a query of a clone of the provided database, and of one that the flow does not provide.
#[derive(Task)]
#[task(target = Json<String>, uses(Database))]
struct Tracked {
    #[param(default = None)]
    other: Option<String>,
}

#[tracked]
impl Run for Tracked {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let database = match &self.other {
            Some(other) => Database::sqlite(other),
            None => cx.provided::<Database>().clone(),
        };
        cx.track_query(&database, "select max(updated_at) from trades")?;
        database.answer("select max(updated_at) from trades")
    }
}

#[test]
fn a_query_of_a_clone_is_tracked() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    let flow = world.flow();
    assert_eq!(*flow.get::<Tracked>()?, "12");
    assert!(flow.run::<Tracked>()?.ran().is_empty());
    world.by_hand("update trades set updated_at = 20 where id = 1");
    assert_eq!(ran(&flow.run::<Tracked>()?), ["Tracked"]);
    assert_eq!(*flow.load::<Tracked>()?, "20");
    Ok(())
}

#[test]
fn a_query_that_no_plan_could_ask_again_is_not_tracked_in_silence() -> Result<()> {
    let world = World::new();
    world.by_hand(TRADES);
    std::fs::copy(world.0.path().join("prices.db"), world.0.path().join("copy.db"))?;
    let copy = world.0.path().join("copy.db").display().to_string();
    let other = world.flow().with(Tracked::OTHER, Some(copy));
    let error = in_full(other.run::<Tracked>().unwrap_err());
    assert_says(&error, "copy.db: the flow does not provide it as `Database`");
    Ok(())
}

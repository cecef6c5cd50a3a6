//! The questions of a plan to one database share a connection.

use flow::prelude::*;
use flow_targets::sql::{Database, QueryCx, SqlTable, WriteMode};

use crate::tasks::{Price, prices};
use crate::world::{World, assert_says};

/// Appends its own rows.
#[derive(Task)]
#[task(target = SqlTable<Vec<Price>>(name = "appended", mode = WriteMode::AppendByKey))]
struct Rows {
    n: u32,
}

#[tracked]
impl Run for Rows {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Price>> {
        Ok(prices(self.n))
    }
}

/// Tracks a query of its own.
#[derive(Task)]
#[task(target = Json<u32>, uses(Database))]
struct Asked {
    n: u32,
}

#[tracked]
impl Run for Asked {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        cx.track_query(cx.provided::<Database>(), &format!("select {} from other", self.n))?;
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(
    aggregate,
    requires(rows = [Rows { n } for n in 1_u32..=20], asked = [Asked { n } for n in 1_u32..=20])
)]
struct All;

#[cfg(unix)]
#[test]
fn a_plan_opens_one_connection() -> Result<()> {
    let world = World::new();
    world.by_hand("create table other (n integer); insert into other values (1)");
    world.flow().run::<All>()?;
    // A handle of its own, which has no connection yet.
    let database = world.database();
    let flow = world.flow_in("data").provide(database.clone());
    assert!(flow.run::<All>()?.ran().is_empty());
    let opened = database.__opened();
    // On a busy machine, the connection may be closed between two questions.
    assert!((1..=3).contains(&opened), "{opened} connections for 40 questions");
    Ok(())
}

#[test]
fn a_file_that_replaces_the_database_is_opened() -> Result<()> {
    let world = World::new();
    world.by_hand("create table other (n integer); insert into other values (1)");
    let database = world.database();
    assert_eq!(database.answer("select n from other")?, "1");
    std::fs::rename(world.0.path().join("prices.db"), world.0.path().join("old.db"))?;
    assert!(database.answer("select n from other").is_err());
    world.by_hand("create table other (n integer); insert into other values (2)");
    assert_eq!(database.answer("select n from other")?, "2");
    world.by_hand("alter table other rename to others");
    let error = format!("{:#}", database.answer("select n from other").unwrap_err());
    assert_says(&error, "no such table: other");
    Ok(())
}

#[test]
fn a_database_that_is_copied_over_the_file_is_read() -> Result<()> {
    let world = World::new();
    let database = world.database();
    // Both were written in the same way, so that they differ in nothing but the value.
    let make = |n: u32| {
        world.by_hand(&format!("create table other (n integer); insert into other values ({n})"));
        let path = world.0.path().join("prices.db");
        let bytes = std::fs::read(&path)?;
        std::fs::remove_file(path)?;
        anyhow::Ok(bytes)
    };
    let copies = [make(1)?, make(2)?];
    let path = world.0.path().join("prices.db");
    for (copy, answer) in copies.iter().zip(["1", "2"]) {
        std::fs::write(&path, copy)?;
        assert_eq!(database.answer("select n from other")?, answer);
        // Times of files are as exact as the ticks of the system.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn no_log_of_changes_stays_beside_the_file() -> Result<()> {
    let world = World::new();
    world.by_hand("pragma journal_mode = wal; create table other (n integer)");
    world.by_hand("insert into other values (1)");
    let database = world.database();
    assert_eq!(database.answer("select n from other")?, "1");
    assert!(!world.0.path().join("prices.db-wal").exists());
    Ok(())
}

#[test]
fn a_pragma_does_not_change_later_queries() -> Result<()> {
    let world = World::new();
    world.by_hand("create table other (n integer)");
    let database = world.database();
    assert_eq!(database.answer("select 'A' like 'a'")?, "1");
    // Whether or not it returns rows, it is not for the next query.
    let _ = database.answer("pragma case_sensitive_like = on");
    assert_eq!(database.answer("select 'A' like 'a'")?, "1");
    Ok(())
}

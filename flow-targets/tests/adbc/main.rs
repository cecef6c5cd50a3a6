//! PostgreSQL through its ADBC driver. `.ci/long` starts a server and sets the variables; without them nothing is checked.
//!
//! | variable | content |
//! | --- | --- |
//! | `FLOW_TEST_POSTGRES` | the URI of a database, in which the user may create tables, with a password |
//! | `FLOW_TEST_ADBC_DRIVER` | the path of the driver's shared library |

#![cfg(feature = "adbc")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../sql/tasks.rs"]
mod tasks;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use flow::prelude::*;
use flow_targets::sql::{Adbc, Database, QueryCx, SqlTable};

use self::tasks::{FOLDER, Parts, Slow, in_full, ran, start_slow_writer};

struct World {
    folder: tempfile::TempDir,
    uri: String,
    driver: PathBuf,
}

/// Returns the database of the test, or `None` if there is none. Each test has tables of its own.
fn world() -> Option<World> {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(uri), Some(driver)) =
        (variable("FLOW_TEST_POSTGRES"), variable("FLOW_TEST_ADBC_DRIVER"))
    else {
        eprintln!("NOT CHECKED: FLOW_TEST_POSTGRES and FLOW_TEST_ADBC_DRIVER are not set");
        return None;
    };
    Some(World { folder: tempfile::tempdir().unwrap(), uri, driver: driver.into() })
}

impl World {
    fn database(&self) -> Database {
        self.adbc().into()
    }

    fn adbc(&self) -> Adbc {
        Adbc::postgresql(&self.driver, Secret::new(self.uri.clone()))
    }

    fn flow(&self) -> Flow {
        let flow = Flow::open(self.folder.path().join("data")).unwrap().quiet();
        flow.provide(self.database())
    }

    /// Does what another program may do with the database.
    fn by_hand(&self, sql: &str) {
        let done = Command::new("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.uri, "-c", sql])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Quote {
    day: String,
    price: Option<f64>,
    count: u32,
    ok: bool,
}

fn quotes(n: u32) -> Vec<Quote> {
    let quote = |i: u32| Quote {
        day: format!("Tag {i} 'ü'"),
        price: i.is_multiple_of(2).then(|| f64::from(i) / 3.0),
        count: i,
        ok: i.is_multiple_of(3),
    };
    (0..n).map(quote).collect()
}

macro_rules! tables {
    ($($task:ident $name:literal;)+) => {
        $(
            #[derive(Task)]
            #[task(target = SqlTable<Vec<Quote>>(name = $name))]
            struct $task {
                #[param(default = 3)]
                n: u32,
            }

            #[tracked]
            impl Run for $task {
                fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Quote>> {
                    Ok(quotes(self.n))
                }
            }
        )+
    };
}

tables! {
    Loaded1 "flow_loaded";
    Changed1 "flow_changed";
    Foreign1 "flow_foreign";
    Locked1 "flow_locked";
    Denied1 "flow_denied";
    Writers1 "flow_writers";
}

#[test]
fn a_table_is_written_loaded_and_queried() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let flow = world.flow();
    flow.with(Loaded1::N, 20_000).run::<Loaded1>()?;
    assert_eq!(*flow.with(Loaded1::N, 20_000).load::<Loaded1>()?, quotes(20_000));
    assert_eq!(ran(&flow.run::<Loaded1>()?), ["Loaded1"]);
    assert_eq!(*flow.load::<Loaded1>()?, quotes(3));
    assert!(flow.run::<Loaded1>()?.ran().is_empty());
    let query =
        world.database().query("select day, count from flow_loaded where count = $1", [2])?;
    assert_eq!(query.batch()?.num_rows(), 1);
    assert_eq!(world.database().answer("select count(*) from flow_loaded")?, "3");
    Ok(())
}

#[test]
fn each_change_by_hand_is_noticed() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let flow = world.flow();
    for sql in [
        "insert into flow_changed select day, price, count, ok, 99 from flow_changed limit 1",
        "update flow_changed set price = 9",
        "delete from flow_changed",
        "truncate flow_changed",
        "alter table flow_changed add column more text",
        "alter table flow_changed disable trigger all",
        "drop table flow_changed",
    ] {
        flow.run::<Changed1>()?;
        assert!(flow.is_complete::<Changed1>()?, "{sql}");
        world.by_hand(sql);
        assert!(!flow.is_complete::<Changed1>()?, "{sql}");
        assert!(flow.load::<Changed1>().is_err(), "{sql}");
        assert_eq!(ran(&flow.run::<Changed1>()?), ["Changed1"], "{sql}");
        assert_eq!(*flow.load::<Changed1>()?, quotes(3), "{sql}");
    }
    Ok(())
}

#[test]
fn instances_append_by_key() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let flow = world.flow().workers(3);
    flow.run::<Parts>()?;
    assert_eq!(*flow.load::<Parts>()?, [1, 2, 3]);
    assert!(flow.run::<Parts>()?.ran().is_empty());
    world.by_hand("delete from flow_parts where flow_key = (select flow_key from flow_parts group by 1 having count(*) = 2)");
    assert_eq!(ran(&flow.run::<Parts>()?), ["Part"]);
    assert_eq!(world.database().answer("select count(*) from flow_parts")?, "6");
    Ok(())
}

/// A table with dates, in batches.
#[derive(Task)]
#[task(target = SqlTable<Vec<RecordBatch>>(name = "flow_types"))]
struct Types;

fn typed() -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(19_000)]))),
        ("text", Arc::new(StringArray::from(vec![Some(""), None, Some("it's \\ ü")]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
}

#[tracked]
impl Run for Types {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<RecordBatch>> {
        Ok(vec![typed(), typed().slice(0, 1), typed().slice(0, 0), typed()])
    }
}

#[test]
fn types_and_batches_come_back() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let flow = world.flow();
    flow.run::<Types>()?;
    let loaded = flow.load::<Types>()?;
    assert_eq!(loaded.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3, 1, 0, 3]);
    assert_eq!(loaded[3], typed());
    let types = world.database().query("select day from flow_types", ())?;
    assert_eq!(types.schema().field(0).data_type(), &DataType::Date32);
    Ok(())
}

#[test]
fn a_table_of_another_program_is_not_replaced() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    world.by_hand("drop table if exists flow_foreign; create table flow_foreign (x int)");
    let error = in_full(world.flow().run::<Foreign1>().unwrap_err());
    assert!(
        error.contains("has a table `flow_foreign` that typed-flow has not written"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_locked_table_is_waited_for_and_then_an_error() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let adbc = world.adbc().busy_timeout(Duration::from_millis(300));
    let flow = world.flow().provide(Database::from(adbc));
    flow.run::<Locked1>()?;
    let mut other = Command::new("psql")
        .args(["-X", "-q", "-d", &world.uri, "-c"])
        .arg("begin; lock table flow_locked; select pg_sleep(3); rollback")
        .stdout(Stdio::null())
        .spawn()?;
    thread::sleep(Duration::from_millis(700));
    let error = in_full(flow.with(Locked1::N, 4).run::<Locked1>().unwrap_err());
    assert!(error.contains("is locked by another program"), "{error}");
    other.wait()?;
    assert!(flow.is_complete::<Locked1>()?);
    flow.with(Locked1::N, 4).run::<Locked1>()?;
    Ok(())
}

#[test]
fn a_user_without_permission_gets_an_error_without_the_password() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    world.flow().run::<Denied1>()?;
    world.by_hand("drop role if exists flow_reader; create role flow_reader login password 'hunter2'; grant select on all tables in schema public to flow_reader");
    let (scheme, rest) = world.uri.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let uri = format!("{scheme}://flow_reader:hunter2@{place}");
    let reader: Database = Adbc::postgresql(&world.driver, Secret::new(uri)).into();
    let flow = world.flow().provide(reader);
    assert!(flow.is_complete::<Denied1>()?);
    let error = in_full(flow.with(Denied1::N, 4).run::<Denied1>().unwrap_err());
    assert!(error.contains("refuses this:") && !error.contains("hunter2"), "{error}");

    let wrong = format!("{scheme}://flow_reader:hunter3@{place}x");
    let wrong: Database = Adbc::postgresql(&world.driver, Secret::new(wrong)).into();
    let error = in_full(wrong.query("select 1", ()).unwrap_err());
    assert!(error.contains("cannot open postgresql:") && !error.contains("hunter3"), "{error}");
    for entry in walk(&world.folder.path().join("data")) {
        let bytes = std::fs::read(entry)?;
        let password = rest.split_once(':').and_then(|(_, rest)| rest.split_once('@'));
        if let Some((password, _)) = password {
            assert!(!String::from_utf8_lossy(&bytes).contains(password));
        }
    }
    Ok(())
}

/// Returns all files below a folder.
fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn of_two_writers_the_last_one_has_the_whole_table() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let flows = [2000, 3000].map(|n| {
        let flow = Flow::open(world.folder.path().join(format!("data{n}"))).unwrap().quiet();
        flow.provide(world.database()).with(Writers1::N, n)
    });
    thread::scope(|scope| {
        let runs =
            flows.each_ref().map(|flow| scope.spawn(move || flow.run::<Writers1>().map(drop)));
        runs.into_iter().try_for_each(|run| run.join().unwrap())
    })?;
    let complete: Vec<_> =
        flows.iter().filter(|flow| flow.is_complete::<Writers1>().unwrap()).collect();
    assert_eq!(complete.len(), 1);
    let rows = complete[0].load::<Writers1>()?.len();
    assert_eq!(world.database().answer("select count(*) from flow_writers")?, rows.to_string());
    Ok(())
}

/// The process that is killed, or whose connection is lost; the next test starts it.
#[test]
#[ignore = "another test starts it"]
fn writes_slowly() -> Result<()> {
    let (Some(world), Some(folder)) = (world(), std::env::var_os(FOLDER)) else { return Ok(()) };
    let flow = Flow::open(PathBuf::from(folder).join("data"))?.quiet();
    flow.provide(world.database()).run::<Slow>()?;
    Ok(())
}

#[test]
fn a_writer_that_is_killed_or_loses_its_connection_leaves_nothing() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let lose = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state like 'idle in \
                transaction%'";
    for kills in [true, false] {
        let seconds = if kills { 60 } else { 3 };
        let mut child = start_slow_writer("writes_slowly", world.folder.path(), seconds)?;
        if kills {
            child.kill()?;
            child.wait()?;
        } else {
            world.by_hand(lose);
            assert!(!child.wait()?.success(), "the writer has lost its connection");
        }
        assert!(!world.flow().is_complete::<Slow>()?);
        assert_eq!(world.database().answer("select to_regclass('flow_slow') is null")?, "true");
    }
    let flow = world.flow();
    assert_eq!(ran(&flow.run::<Slow>()?), ["Slow"]);
    assert_eq!(flow.output::<Slow>()?.load_columns(&["n"])?.column(0).len(), 5000);
    Ok(())
}

/// The number of rows of a table.
#[derive(Task)]
#[task(target = Json<String>, uses(Database))]
struct Count;

#[tracked]
impl Run for Count {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let database = cx.provided::<Database>();
        cx.track_query(database, "select count(*) from flow_counted")?;
        let rows = cx.query(database, "select x from flow_counted where x > $1 order by x", [1])?;
        Ok(rows.batch()?.num_rows().to_string())
    }
}

#[test]
fn a_task_runs_again_when_the_tracked_answer_changes() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    world.by_hand("drop table if exists flow_counted; create table flow_counted (x int); insert into flow_counted values (1), (2), (3)");
    let flow = world.flow();
    assert_eq!(*flow.get::<Count>()?, "2");
    assert!(flow.run::<Count>()?.ran().is_empty());
    world.by_hand("insert into flow_counted values (4)");
    assert_eq!(*flow.get::<Count>()?, "3");
    Ok(())
}

#[test]
fn a_query_that_writes_is_refused() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    world.by_hand("drop table if exists flow_read; create table flow_read (x int); insert into flow_read values (1)");
    let query = world.database().query("delete from flow_read returning x", ());
    let error = in_full(query.and_then(|query| query.batch()).unwrap_err());
    assert!(error.contains("read-only transaction"), "{error}");
    assert_eq!(world.database().answer("select count(*) from flow_read")?, "1");
    Ok(())
}

#[test]
fn the_first_writers_of_a_database_do_not_get_in_each_others_way() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    world.by_hand(
        "create schema if not exists flow_first; drop table if exists flow_first.typed_flow_tables cascade; drop function if \
         exists flow_first.typed_flow_changed cascade; drop table if exists flow_first.flow_parts",
    );
    let options = if world.uri.contains('?') { "&" } else { "?" };
    let uri = format!("{}{options}options=-csearch_path%3Dflow_first", world.uri);
    let database = || Database::from(Adbc::postgresql(&world.driver, Secret::new(uri.clone())));
    let flow = Flow::open(world.folder.path().join("first"))?.quiet().workers(3);
    flow.provide(database()).run::<Parts>()?;
    assert_eq!(database().answer("select count(*) from flow_first.flow_parts")?, "6");
    Ok(())
}

#[test]
fn queries_share_a_connection_that_is_reset() -> Result<()> {
    let Some(world) = world() else { return Ok(()) };
    let database = world.database();
    let path = database.answer("select current_setting('search_path')")?;
    for n in 0..20 {
        assert_eq!(database.answer(format!("select {n}"))?, n.to_string());
    }
    assert!((1..=3).contains(&database.__opened()), "{} connections", database.__opened());
    database.answer("select set_config('search_path', 'nowhere', false)")?;
    assert_eq!(database.answer("select current_setting('search_path')")?, path);
    assert!(database.answer("select * from flow_no_such_table").is_err());
    assert_eq!(database.answer("select 1")?, "1");
    Ok(())
}

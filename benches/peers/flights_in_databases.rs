//! The analyses of `flights.py` in a database: the rows are tables of SQLite or PostgreSQL, which joins and groups them.

use std::path::Path;
use std::time::Duration;

use flow::prelude::*;
use flow::sql::{Adbc, Database, Sqlite};

use crate::{Airline, Answer, Flight, Plane, Weather};

/// How long a write waits for that of another table.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns a database of SQLite in this folder.
pub(crate) fn sqlite(folder: &Path) -> Database {
    Sqlite::new(folder.join("flights.db")).busy_timeout(PATIENCE).into()
}

/// Returns the database of PostgreSQL that `.ci/postgresql` has started.
pub(crate) fn postgresql() -> Result<Database> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let uri = Secret::new(variable("FLOW_TEST_POSTGRES")?);
    let database = Adbc::postgresql(variable("FLOW_TEST_ADBC_DRIVER")?, uri);
    Ok(database.busy_timeout(PATIENCE).into())
}

/// Reads a CSV file into a table.
macro_rules! tables {
    ($($task:ident: $row:ty, $file:literal, $table:tt;)*) => {
        $(
            #[task(target = SqlTable<Vec<$row>>(name = $table))]
            pub(crate) fn $task(data: &Path, cx: &Cx<$task>) -> Result<Vec<$row>> {
                cx.read(data.join($file), <Csv<Vec<$row>>>::default().null("NA"))
            }
        )*
    };
}

tables! {
    flight_table: Flight, "flights.csv", "flights";
    airline_table: Airline, "airlines.csv", "airlines";
    plane_table: Plane, "planes.csv", "planes";
    weather_table: Weather, "weather.csv", "weather";
}

/// A row of a result.
#[derive(Deserialize)]
struct Group {
    label: String,
    n: i64,
    a: Option<f64>,
    b: Option<f64>,
}

/// The queries, by analysis. Both databases understand them.
const QUERIES: [(&str, &str); 3] = [
    (
        "airlines",
        "select name as label, count(*) as n, avg(dep_delay) as a, avg(arr_delay) as b \
         from flights join airlines using (carrier) group by name",
    ),
    (
        "planes",
        "select manufacturer as label, count(*) as n, cast(sum(seats) as double precision) as a, \
         avg(air_time) as b from flights join planes using (tailnum) group by manufacturer",
    ),
    (
        "weather",
        "select origin || ' ' || month as label, count(*) as n, avg(temp) as a, \
         avg(dep_delay) as b from flights join weather using (origin, year, month, day, hour) \
         group by origin, month",
    ),
];

/// The results of all analyses. The inputs are not loaded: the database has them.
#[derive(Task)]
#[task(
    requires(
        flights = flight_table,
        airlines = airline_table,
        planes = plane_table,
        weather = weather_table
    ),
    target = Json<Vec<Answer>>,
    uses(Database)
)]
pub(crate) struct DatabaseAnswers;

#[tracked]
impl Run for DatabaseAnswers {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Answer>> {
        let database = cx.provided::<Database>();
        let mut answers = Vec::new();
        for (analysis, query) in QUERIES {
            for group in cx.query(database, query, ())?.each_row::<Group>() {
                let Group { label, n, a, b } = group?;
                let analysis = analysis.to_owned();
                answers.push(Answer { analysis, key: label, count: n, first: a, second: b });
            }
        }
        Ok(answers)
    }
}

//! The analyses of `flights.py`, in typed-flow: as typed rows, as lazy frames of polars, in SQL, and in databases.
//!
//! `rows FOLDER DATA`, `lazy FOLDER DATA` and `sql FOLDER DATA` convert the CSV files in `DATA` to Parquet, run three
//! joins with a group-by each, write the results to `FOLDER/answers.json`, and print a `PEER` line with the time and the
//! peak of the memory. `sqlite FOLDER DATA` and `postgresql FOLDER DATA` write tables of a database instead, which runs
//! the joins.

mod flights_in_databases;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use flow::polars::prelude::{
    DataFrame, DataType, Expr, Field, JoinArgs, JoinType, LazyCsvReader, LazyFileListReader,
    LazyFrame, NullValues, PlRefPath, Schema, col, len,
};
use flow::prelude::*;

use flights_in_databases::DatabaseAnswers;

#[derive(Serialize, Deserialize)]
struct Flight {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    dep_delay: Option<f64>,
    arr_delay: Option<f64>,
    air_time: Option<f64>,
    carrier: String,
    tailnum: Option<String>,
    origin: String,
}

#[derive(Serialize, Deserialize)]
struct Airline {
    carrier: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Plane {
    tailnum: String,
    manufacturer: String,
    seats: i64,
}

#[derive(Serialize, Deserialize)]
struct Weather {
    origin: String,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    temp: Option<f64>,
}

/// A row of the result of one of the analyses.
#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    analysis: String,
    key: String,
    count: i64,
    first: Option<f64>,
    second: Option<f64>,
}

/// Reads a CSV file as rows.
macro_rules! rows {
    ($task:ident, $file:literal, $row:ty) => {
        #[task(target = Parquet<Vec<$row>>)]
        fn $task(data: &Path, cx: &Cx<$task>) -> Result<Vec<$row>> {
            cx.read(data.join($file), <Csv<Vec<$row>>>::default().null("NA"))
        }
    };
}

rows!(flight_rows, "flights.csv", Flight);
rows!(airline_rows, "airlines.csv", Airline);
rows!(plane_rows, "planes.csv", Plane);
rows!(weather_rows, "weather.csv", Weather);

/// The count of rows, and the sums and counts of two columns.
#[derive(Default)]
struct Group {
    count: i64,
    sums: [(f64, u32); 2],
}

impl Group {
    fn add(&mut self, values: [Option<f64>; 2]) {
        self.count += 1;
        for (sum, value) in self.sums.iter_mut().zip(values) {
            if let Some(value) = value {
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
    }

    fn mean(&self, at: usize) -> Option<f64> {
        let (sum, count) = self.sums[at];
        (count > 0).then(|| sum / f64::from(count))
    }
}

fn answers_of(analysis: &str, groups: BTreeMap<String, Group>, sum_first: bool) -> Vec<Answer> {
    let answer = |(key, group): (String, Group)| Answer {
        analysis: analysis.to_owned(),
        key,
        count: group.count,
        first: if sum_first { Some(group.sums[0].0) } else { group.mean(0) },
        second: group.mean(1),
    };
    groups.into_iter().map(answer).collect()
}

#[task(
    requires(
        flights = flight_rows,
        airlines = airline_rows,
        planes = plane_rows,
        weather = weather_rows
    ),
    target = Json<Vec<Answer>>
)]
fn rows_answers(
    flights: &[Flight],
    airlines: &[Airline],
    planes: &[Plane],
    weather: &[Weather],
) -> Vec<Answer> {
    let names: HashMap<_, _> = airlines.iter().map(|row| (&*row.carrier, &*row.name)).collect();
    let planes: HashMap<_, _> = planes.iter().map(|row| (&*row.tailnum, row)).collect();
    let mut hours: HashMap<_, Vec<Option<f64>>> = HashMap::new();
    for row in weather {
        let hour = (&*row.origin, row.year, row.month, row.day, row.hour);
        hours.entry(hour).or_default().push(row.temp);
    }
    let mut by_airline = BTreeMap::<String, Group>::new();
    let mut by_manufacturer = BTreeMap::<String, Group>::new();
    let mut by_month = BTreeMap::<String, Group>::new();
    for flight in flights {
        if let Some(name) = names.get(&*flight.carrier) {
            let group = by_airline.entry((*name).to_owned()).or_default();
            group.add([flight.dep_delay, flight.arr_delay]);
        }
        if let Some(plane) = flight.tailnum.as_deref().and_then(|number| planes.get(number)) {
            let group = by_manufacturer.entry(plane.manufacturer.clone()).or_default();
            group.add([Some(plane.seats as f64), flight.air_time]);
        }
        let hour = (&*flight.origin, flight.year, flight.month, flight.day, flight.hour);
        for temp in hours.get(&hour).into_iter().flatten() {
            let month = format!("{} {}", flight.origin, flight.month);
            by_month.entry(month).or_default().add([*temp, flight.dep_delay]);
        }
    }
    let mut answers = answers_of("airlines", by_airline, false);
    answers.extend(answers_of("planes", by_manufacturer, true));
    answers.extend(answers_of("weather", by_month, false));
    answers
}

/// Returns the columns of a file that the analyses need.
fn columns(name: &str) -> Result<Vec<(&'static str, DataType)>> {
    use DataType::{Float64, Int64, String};
    Ok(match name {
        "flights" => vec![
            ("year", Int64),
            ("month", Int64),
            ("day", Int64),
            ("hour", Int64),
            ("dep_delay", Float64),
            ("arr_delay", Float64),
            ("air_time", Float64),
            ("carrier", String),
            ("tailnum", String),
            ("origin", String),
        ],
        "airlines" => vec![("carrier", String), ("name", String)],
        "planes" => vec![("tailnum", String), ("manufacturer", String), ("seats", Int64)],
        "weather" => vec![
            ("origin", String),
            ("year", Int64),
            ("month", Int64),
            ("day", Int64),
            ("hour", Int64),
            ("temp", Float64),
        ],
        other => bail!("there is no file {other}.csv"),
    })
}

/// Reads a CSV file as a lazy frame, which is stored while it is read.
#[task(target = Parquet<LazyFrame>)]
fn csv_frame(data: &Path, name: &str, cx: &Cx<csv_frame>) -> Result<LazyFrame> {
    let columns = columns(name)?;
    let types = columns.iter().map(|(name, of)| Field::new((*name).into(), of.clone()));
    let path = cx.file(data.join(format!("{name}.csv")))?;
    let frame = LazyCsvReader::new(PlRefPath::try_from_path(&path)?)
        .with_null_values(Some(NullValues::AllColumnsSingle("NA".into())))
        .with_dtype_overwrite(Some(Arc::new(Schema::from_iter(types))))
        .finish()?;
    Ok(frame.select(columns.iter().map(|(name, _)| col(*name)).collect::<Vec<_>>()))
}

/// Returns the rows of a result. The other columns are the number of rows, `n`, and two values, `a` and `b`.
fn answers_in(analysis: &str, keys: &[&str], frame: &DataFrame) -> Result<Vec<Answer>> {
    let cast = |name: &str, to: DataType| frame.column(name).and_then(|column| column.cast(&to));
    let keys = keys.iter().map(|key| cast(key, DataType::String)).collect::<Result<Vec<_>, _>>()?;
    let count = cast("n", DataType::Int64)?;
    let (first, second) = (cast("a", DataType::Float64)?, cast("b", DataType::Float64)?);
    let mut answers = Vec::new();
    for row in 0..frame.height() {
        let mut key = Vec::new();
        for column in &keys {
            key.push(column.str()?.get(row).context("a key is null")?.to_owned());
        }
        answers.push(Answer {
            analysis: analysis.to_owned(),
            key: key.join(" "),
            count: count.i64()?.get(row).context("a count is null")?,
            first: first.f64()?.get(row),
            second: second.f64()?.get(row),
        });
    }
    Ok(answers)
}

#[task(
    requires(
        flights = csv_frame { name: "flights" },
        airlines = csv_frame { name: "airlines" },
        planes = csv_frame { name: "planes" },
        weather = csv_frame { name: "weather" }
    ),
    target = Json<Vec<Answer>>
)]
fn lazy_answers(
    flights: &Input<csv_frame>,
    airlines: &Input<csv_frame>,
    planes: &Input<csv_frame>,
    weather: &Input<csv_frame>,
    cx: &Cx<lazy_answers>,
) -> Result<Vec<Answer>> {
    let joined = |other: &Input<csv_frame>, on: &[&str]| -> Result<LazyFrame> {
        let on: Vec<Expr> = on.iter().map(|name| col(*name)).collect();
        let args = JoinArgs::new(JoinType::Inner);
        Ok(flights.scan()?.join(other.scan()?, on.clone(), on, args))
    };
    let grouped = |frame: LazyFrame, by: &[&str], first: Expr, second: Expr| {
        let by: Vec<Expr> = by.iter().map(|name| col(*name)).collect();
        let values = [len().alias("n"), first.alias("a"), second.alias("b")];
        cx.collect(frame.group_by(by).agg(values))
    };
    let mean = |name: &str| col(name).mean();
    let airlines = joined(airlines, &["carrier"])?;
    let airlines = grouped(airlines, &["name"], mean("dep_delay"), mean("arr_delay"))?;
    let planes = joined(planes, &["tailnum"])?;
    let planes = grouped(planes, &["manufacturer"], col("seats").sum(), mean("air_time"))?;
    let weather = joined(weather, &["origin", "year", "month", "day", "hour"])?;
    let weather = grouped(weather, &["origin", "month"], mean("temp"), mean("dep_delay"))?;
    let mut answers = answers_in("airlines", &["name"], &airlines)?;
    answers.extend(answers_in("planes", &["manufacturer"], &planes)?);
    answers.extend(answers_in("weather", &["origin", "month"], &weather)?);
    Ok(answers)
}

#[derive(Task)]
#[task(
    requires(
        flights = csv_frame { name: "flights" },
        airlines = csv_frame { name: "airlines" },
        planes = csv_frame { name: "planes" },
        weather = csv_frame { name: "weather" }
    ),
    target = Json<Vec<Answer>>
)]
struct SqlAnswers;

#[tracked]
impl Run for SqlAnswers {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Answer>> {
        let collected = |query| cx.collect(cx.sql(query)?);
        let airlines = collected(
            "select name, count(*) as n, avg(dep_delay) as a, avg(arr_delay) as b \
             from flights join airlines using (carrier) group by name",
        )?;
        let planes = collected(
            "select manufacturer, count(*) as n, sum(seats) as a, avg(air_time) as b \
             from flights join planes using (tailnum) group by manufacturer",
        )?;
        let weather = collected(
            "select origin, month, count(*) as n, avg(temp) as a, avg(dep_delay) as b \
             from flights join weather using (origin, year, month, day, hour) group by origin, month",
        )?;
        let mut answers = answers_in("airlines", &["name"], &airlines)?;
        answers.extend(answers_in("planes", &["manufacturer"], &planes)?);
        answers.extend(answers_in("weather", &["origin", "month"], &weather)?);
        Ok(answers)
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [variant, folder, data] = &words[..] else {
        eprintln!("this is one side of a comparison: run `python3 benches/peers/flights.py`");
        return Ok(());
    };
    let begun = Instant::now();
    let flow = Flow::open(Path::new(folder).join("store"))?.quiet();
    let flow = flow.with_named("data", PathBuf::from(data));
    let answers = match variant.as_str() {
        "rows" => flow.get::<rows_answers>()?.into_owned(),
        "lazy" => flow.get::<lazy_answers>()?.into_owned(),
        "sql" => flow.get::<SqlAnswers>()?.into_owned(),
        "sqlite" | "postgresql" => {
            let database = match variant.as_str() {
                "sqlite" => flights_in_databases::sqlite(Path::new(folder)),
                _ => flights_in_databases::postgresql()?,
            };
            flow.provide(database).get::<DatabaseAnswers>()?.into_owned()
        }
        other => bail!("there is no variant {other}"),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let file = Path::new(folder).join("answers.json");
    flow::target::Target::save(
        &<Json<Vec<Answer>>>::default(),
        &answers,
        &mut flow::target::Sink::new(&mut std::fs::File::create(file)?),
    )?;
    println!("PEER {{\"seconds\": {seconds}, \"peak_bytes\": {}}}", kit::memory::peak());
    Ok(())
}

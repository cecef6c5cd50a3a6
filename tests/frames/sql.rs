//! SQL over the inputs of a task.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use flow::frames::{COLUMNS_READ, SqlError, sql};
use flow::polars::df;
use flow::polars::prelude::{DataFrame, IntoLazy, LazyFrame};
use flow::prelude::*;
use flow::target::Part;
use serde_json::{Value, json};

use crate::{flow, message, ran};

#[derive(Clone, Serialize, Deserialize)]
struct Quote {
    symbol: String,
    currency: String,
    close: f64,
}

#[task(target = Parquet<Vec<Quote>>)]
fn quotes(symbol: &str) -> Vec<Quote> {
    let currency = if symbol == "A" { "EUR" } else { "USD" };
    let quote = |close| Quote { symbol: symbol.to_owned(), currency: currency.to_owned(), close };
    [1.0, 2.0].map(quote).to_vec()
}

#[task(target = ArrowIpc<DataFrame>)]
fn rates() -> Result<DataFrame> {
    Ok(df!["currency" => ["EUR", "USD"], "rate" => [2.0, 3.0], "bank" => ["x", "y"]]?)
}

#[task(target = Json<f64>)]
fn fee() -> f64 {
    0.5
}

const VALUES: &str = "select symbol, sum(close * rate) as value \
                      from prices join rates on prices.currency = rates.currency \
                      group by symbol order by symbol";

/// The value of each symbol: the prices are a list of inputs.
#[derive(Task)]
#[task(
    requires(prices = [quotes { symbol } for symbol in &self.symbols], rates = rates, fee = fee),
    target = Parquet<LazyFrame>
)]
struct Values {
    #[param(default = vec!["A".to_owned(), "B".to_owned()])]
    symbols: Vec<String>,
    #[param(default = VALUES)]
    query: String,
}

#[tracked]
impl Run for Values {
    fn run(&self, cx: &Cx<Self>) -> Result<LazyFrame> {
        let values = cx.sql(&self.query)?;
        cx.record_columns(&values)?;
        Ok(values)
    }
}

#[test]
fn inputs_are_tables_and_those_of_a_list_are_one() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Values>()?), ["Values", "fee", "quotes", "quotes", "rates"]);
    let values = flow.load::<Values>()?.into_owned().collect()?;
    let expected = df!["symbol" => ["A", "B"], "value" => [6.0, 9.0]]?;
    assert!(values.equals(&expected), "{values:?}");
    // The column `bank` is not read, and neither is the input `fee`.
    let read: Value = flow.output::<Values>()?.meta(COLUMNS_READ)?;
    let expected =
        json!({ "prices": ["close", "currency", "symbol"], "rates": ["currency", "rate"] });
    assert_eq!(read, expected);
    Ok(())
}

/// Returns the error of a run with this query.
fn error_of(query: &str) -> String {
    let (flow, _folder) = flow();
    message(flow.with(Values::QUERY, query).run::<Values>().unwrap_err())
}

#[test]
fn a_wrong_query_is_an_error_that_lists_the_tables() {
    let error = error_of("select * from price");
    assert!(error.contains("relation 'price' was not found"), "{error}");
    assert!(error.contains("its tables are `fee`, `prices`, `rates`"), "{error}");
    assert!(error_of("select from").contains("cannot plan the SQL query: "));
    let error = error_of("select * from fee");
    let expected = "its table `fee` is the output of fee, whose files polars does not scan: store it in `Parquet`, \
                    `Dataset`, `ArrowIpc` or `Csv`, or load it and call `flow::frames::sql` with a frame";
    assert!(error.contains(expected), "{error}");
}

#[derive(Outputs)]
struct Halves {
    #[output(Parquet)]
    left: DataFrame,
    #[output(Parquet)]
    right: DataFrame,
}

#[task(outputs = Halves)]
fn halves() -> Result<Halves> {
    Ok(Halves { left: df!["n" => [1_i64, 2]]?, right: df!["n" => [3_i64]]? })
}

/// One of several outputs is a table by its key, and an input without a name has the name of its task.
#[task(requires(rates, halves), target = Json<BTreeMap<String, i64>>)]
fn counts(
    _rates: &Input<rates>,
    halves: &Input<halves>,
    cx: &Cx<counts>,
) -> Result<BTreeMap<String, i64>> {
    let scan = |part: Part<Halves, Parquet<DataFrame>>| halves.part(part).scan();
    let left = sql("select n from left_half", [("left_half", scan(Halves::LEFT)?)])?.collect()?;
    let right = scan(Halves::RIGHT)?.collect()?;
    let banks = cx.collect(cx.sql("select bank from rates")?)?;
    let counts = [("left", left.height()), ("right", right.height()), ("banks", banks.height())];
    Ok(counts.map(|(name, rows)| (name.to_owned(), rows as i64)).into())
}

#[test]
fn tables_of_other_origin_and_inputs_without_names() -> Result<()> {
    let (flow, _folder) = flow();
    let counts = flow.get::<counts>()?;
    assert_eq!((counts["left"], counts["right"], counts["banks"]), (2, 1, 2));
    let read: Value = flow.output::<counts>()?.meta(COLUMNS_READ)?;
    assert_eq!(read, json!({ "rates": ["bank"] }));
    Ok(())
}

#[test]
fn an_error_outside_a_task_lists_the_tables_too() -> Result<()> {
    let frame = df!["n" => [1_i64]]?.lazy();
    let error = sql("select m from numbers", [("numbers", frame)]);
    // Polars may find out about a wrong column when it collects.
    if let Err(SqlError::Query { tables, .. }) = error {
        assert_eq!(tables, ["numbers"]);
    }
    let empty: [(&str, LazyFrame); 0] = [];
    let error = sql("select 1 from numbers", empty).err().context("no table")?.to_string();
    assert!(error.ends_with("; it has no tables"), "{error}");
    Ok(())
}

/// A table of the columns `a` and `b`, whose values are the numbers in a file.
#[derive(Task)]
#[task(target = Parquet<DataFrame>)]
struct Pair {
    #[param(file)]
    numbers: PathBuf,
}

#[tracked]
impl Run for Pair {
    fn run(&self, _cx: &Cx<Self>) -> Result<DataFrame> {
        let text = fs::read_to_string(&self.numbers)?;
        let (a, b) = text.split_once(' ').context("two numbers")?;
        let (a, b): (i64, i64) = (a.parse()?, b.parse()?);
        Ok(df!["a" => [a], "b" => [b]]?)
    }
}

/// Loads one column, and queries another one in SQL.
#[derive(Task)]
#[task(requires = Pair, target = Json<i64>)]
struct LoadedAndQueried;

#[tracked]
impl Run for LoadedAndQueried {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        let rows = cx.input().load_columns(&["a"])?.num_rows() as i64;
        let queried = cx.sql("select b from Pair")?.collect()?;
        Ok(rows + queried.column("b")?.i64()?.get(0).context("a row")?)
    }
}

#[test]
fn a_query_in_sql_depends_on_the_whole_input_even_if_columns_of_it_were_loaded() -> Result<()> {
    let (flow, folder) = flow();
    let numbers = folder.path().join("numbers.txt");
    let flow = flow.with(Pair::NUMBERS, numbers.as_path());
    fs::write(&numbers, "1 2")?;
    assert_eq!(ran(&flow.run::<LoadedAndQueried>()?), ["LoadedAndQueried", "Pair"]);
    // The column that was loaded is as it was, and the one that was queried is not.
    fs::write(&numbers, "1 3")?;
    assert_eq!(ran(&flow.run::<LoadedAndQueried>()?), ["LoadedAndQueried", "Pair"]);
    assert_eq!(*flow.load::<LoadedAndQueried>()?, 4);
    Ok(())
}

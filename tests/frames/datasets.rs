//! Scans of datasets as one frame over their files, and queries whose result is a dataset.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flow::frames::{COLUMNS_READ, columns_read};
use flow::polars::prelude::{DataFrame, DataType, LazyFrame, SortMultipleOptions, col, len, lit};
use flow::prelude::*;
use flow::target::{Selection, SinkFolder};
use serde_json::{Value, json};

use crate::{flow, ran};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sale {
    amount: i64,
    shop: String,
    year: Option<i16>,
    note: String,
}

/// Parses a line for each sale: year, amount, shop.
fn sales_of(text: &str) -> Result<Vec<Sale>> {
    let sale = |line: &str| {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let [year, amount, shop] = words[..] else { bail!("not a sale: {line}") };
        let year = (year != "-").then(|| year.parse()).transpose()?;
        Ok(Sale { amount: amount.parse()?, shop: shop.to_owned(), year, note: line.to_owned() })
    };
    text.lines().map(sale).collect()
}

const LINES: &str =
    "2024 1 Bern\n2023 2 50% / ü.\n- 3 Bern\n2024 4 50% / ü.\n- 5 Rom\n2024 6 Bern\n-7 8 ";

#[task(target = Dataset<Vec<Sale>>(partition_by = ["year", "shop"]))]
fn sales(#[param(file)] lines: &Path) -> Result<Vec<Sale>> {
    sales_of(&fs::read_to_string(lines)?)
}

/// A flow with these sales, and the file with their lines.
fn world(lines: &str) -> Result<(Flow, PathBuf, tempfile::TempDir)> {
    let (flow, folder) = flow();
    let file = folder.path().join("lines.txt");
    fs::write(&file, lines)?;
    Ok((flow.with(sales::LINES, file.as_path()), file, folder))
}

/// Returns the rows of a frame.
fn rows(frame: &DataFrame) -> Result<Vec<Sale>> {
    let (amounts, shops) = (frame.column("amount")?.i64()?, frame.column("shop")?.str()?);
    let (years, notes) = (frame.column("year")?.i16()?, frame.column("note")?.str()?);
    let row = |at| {
        let (amount, year) = (amounts.get(at).context("an amount")?, years.get(at));
        let shop = shops.get(at).context("a shop")?.to_owned();
        Ok(Sale { amount, shop, year, note: notes.get(at).context("a note")?.to_owned() })
    };
    (0..frame.height()).map(row).collect()
}

#[test]
fn a_scan_has_the_rows_of_a_load_in_their_order() -> Result<()> {
    let (flow, _lines, _folder) = world(LINES)?;
    flow.run::<sales>()?;
    let scan = flow.output::<sales>()?.scan()?;
    let all = scan.clone().collect()?;
    let names: Vec<_> = all.get_column_names().iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["amount", "shop", "year", "note"]);
    assert_eq!(*all.column("year")?.dtype(), DataType::Int16);
    assert_eq!(rows(&all)?, *flow.load::<sales>()?);
    assert_eq!(all.height(), 7);
    let counted = scan.clone().select([len()]).collect()?;
    assert_eq!(counted.column("len")?.u32()?.get(0), Some(7));
    let columns = flow.output::<sales>()?.scan_columns(&["year", "amount"])?.collect()?;
    assert_eq!(columns.shape(), (7, 2));
    Ok(())
}

/// Returns the amounts of the sales that pass a filter, sorted.
fn amounts(scan: &LazyFrame, filter: flow::polars::prelude::Expr) -> Result<Vec<i64>> {
    let found = scan.clone().filter(filter).collect()?;
    let mut amounts: Vec<i64> = found.column("amount")?.i64()?.iter().flatten().collect();
    amounts.sort_unstable();
    Ok(amounts)
}

#[test]
fn filters_on_partition_columns_keep_no_row_without_a_value() -> Result<()> {
    let (flow, _lines, _folder) = world(LINES)?;
    flow.run::<sales>()?;
    let scan = flow.output::<sales>()?.scan()?;
    let year = || col("year");
    // For a file with a null, these filters are neither true nor false.
    assert_eq!(amounts(&scan, year().lt(lit(2024)))?, [2, 8]);
    assert_eq!(amounts(&scan, year().gt(lit(-8)))?, [1, 2, 4, 6, 8]);
    assert_eq!(amounts(&scan, year().neq(lit(2024)))?, [2, 8]);
    assert_eq!(amounts(&scan, year().lt(lit(2024)).not())?, [1, 4, 6]);
    assert_eq!(amounts(&scan, year().is_null())?, [3, 5]);
    assert_eq!(amounts(&scan, col("shop").eq(lit("50% / ü.")))?, [2, 4]);
    assert_eq!(amounts(&scan, col("shop").eq(lit("")))?, [8]);
    assert_eq!(amounts(&scan, year().eq(lit(2024)).and(col("amount").gt(lit(1))))?, [4, 6]);
    assert_eq!(amounts(&scan, year().is_null().or(col("amount").eq(lit(1))))?, [1, 3, 5]);
    Ok(())
}

#[test]
fn filters_and_projections_reach_the_files() -> Result<()> {
    let (flow, _lines, _folder) = world(LINES)?;
    flow.run::<sales>()?;
    let scan = flow.output::<sales>()?.scan()?;
    let at = flow.output::<sales>()?.path()?;
    let of_year = scan.filter(col("year").eq(lit(2024))).select([col("amount")]);
    let read = columns_read(&of_year).context("files with paths")?;
    let files: BTreeMap<String, Vec<String>> = read
        .into_iter()
        .map(|read| {
            let name = read.path.strip_prefix(&at)?.to_string_lossy().into_owned();
            Ok((name, read.columns))
        })
        .collect::<Result<_>>()?;
    let of = |year: &str| files.keys().filter(|name| name.starts_with(year)).count();
    assert_eq!((of("year=2024/"), of("year=2023/"), of("year=-7/")), (2, 0, 0), "{files:?}");
    let of_bern = files.iter().find(|(name, _)| name.starts_with("year=2024/shop=Bern/"));
    assert_eq!(of_bern.context("a file")?.1, &["amount", "year"]);

    // A file that is not needed is not opened.
    for entry in fs::read_dir(at.join("year=2023"))? {
        let file = entry?.path().join("part-0.parquet");
        fs::remove_file(&file)?;
        fs::write(&file, "no Parquet")?;
    }
    assert_eq!(of_year.collect()?.height(), 3);
    Ok(())
}

/// The sum of the sales of a year.
#[derive(Task)]
#[task(requires = sales, target = Json<i64>)]
struct OfYear {
    year: i64,
}

#[tracked]
impl Run for OfYear {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        let of_year = cx.input().select(Selection::all().equals("year", self.year)).scan()?;
        let sum = cx.collect(of_year.select([col("amount").sum()]))?;
        sum.column("amount")?.i64()?.get(0).context("one row")
    }
}

/// The sums of all shops, in SQL.
#[derive(Task)]
#[task(requires(sold = sales), target = Parquet<LazyFrame>)]
struct OfShops;

#[tracked]
impl Run for OfShops {
    fn run(&self, cx: &Cx<Self>) -> Result<LazyFrame> {
        let sums =
            cx.sql("select shop, sum(amount) as amount from sold group by shop order by shop")?;
        cx.record_columns(&sums)?;
        Ok(sums)
    }
}

#[test]
fn the_readers_of_a_partition_depend_on_it_and_queries_on_all() -> Result<()> {
    let (flow, lines, _folder) = world(LINES)?;
    let flow = flow.with(OfYear::YEAR, 2024_i64);
    flow.run::<(OfYear, OfShops)>()?;
    assert_eq!(*flow.load::<OfYear>()?, 11);
    let read: Value = flow.output::<OfYear>()?.meta(COLUMNS_READ)?;
    assert_eq!(read, json!({ "sales": ["amount"] }));
    let read: Value = flow.output::<OfShops>()?.meta(COLUMNS_READ)?;
    assert_eq!(read, json!({ "sold": ["amount", "shop"] }));
    let sums = flow.load::<OfShops>()?.into_owned().collect()?;
    assert_eq!(sums.column("amount")?.i64()?.iter().flatten().collect::<Vec<_>>(), [8, 6, 10, 5]);

    fs::write(&lines, LINES.replace("2023 2", "2023 9"))?;
    assert_eq!(ran(&flow.run::<(OfYear, OfShops)>()?), ["OfShops", "sales"]);
    fs::write(&lines, LINES.replace("2024 1", "2024 9"))?;
    assert_eq!(ran(&flow.run::<(OfYear, OfShops)>()?), ["OfShops", "OfYear", "sales"]);
    // Without a partition of the year, the frame has the columns and no rows.
    assert_eq!(*flow.with(OfYear::YEAR, 1999_i64).get::<OfYear>()?, 0);
    Ok(())
}

#[test]
fn a_dataset_without_rows_keeps_its_columns() -> Result<()> {
    let (flow, _lines, _folder) = world("")?;
    flow.run::<(sales, OfShops)>()?;
    let none = flow.output::<sales>()?.scan()?.collect()?;
    assert_eq!(none.shape(), (0, 4));
    assert_eq!(*none.column("year")?.dtype(), DataType::Int16);
    assert_eq!(flow.load::<OfShops>()?.into_owned().collect()?.shape(), (0, 2));
    Ok(())
}

/// Files of another program.
#[derive(Task)]
#[task(external, path = &self.path, target = Dataset<Vec<Sale>>)]
struct Given {
    path: PathBuf,
}

#[task(requires = Given, target = Json<i64>)]
fn of_given(given: &Input<Given>, cx: &Cx<of_given>) -> Result<i64> {
    let sum = cx.collect(given.scan()?.select([col("amount").sum()]))?;
    sum.column("amount")?.i64()?.get(0).context("one row")
}

#[test]
fn folders_and_patterns_of_other_programs_are_scanned() -> Result<()> {
    for pattern in ["", "year=*/**/*.parquet"] {
        let (flow, folder) = flow();
        let at = folder.path().join("given");
        let target = <Dataset<Vec<Sale>>>::default().partition_by(["year", "shop"]);
        target.save_folder(&sales_of(LINES)?, &mut SinkFolder::new(&at)?)?;
        let path = if pattern.is_empty() { at.clone() } else { at.join(pattern) };
        let flow = flow.with(Given::PATH, path.as_path());
        assert_eq!(*flow.get::<of_given>()?, 1 + 2 + 3 + 4 + 5 + 6 + 8, "{pattern}");
        let read: Value = flow.output::<of_given>()?.meta(COLUMNS_READ)?;
        assert_eq!(read, json!({ "Given": ["amount"] }), "{pattern}");
        let file = at.join("year=2023").join("shop=50%25%20%2F%20%C3%BC%2E/part-0.parquet");
        fs::write(&file, "no Parquet")?;
        assert!(flow.run::<of_given>().is_err(), "{pattern}");
    }
    Ok(())
}

/// The sales with their doubled amounts, by year.
#[task(requires = sales, target = Dataset<LazyFrame>(partition_by = ["year"]))]
fn with_doubles(sales: &Input<sales>) -> Result<LazyFrame> {
    Ok(sales.scan()?.with_columns([(col("amount") * lit(2)).alias("double")]))
}

/// Reads one year of a dataset that a query has written.
#[task(requires = with_doubles, target = Json<i64>)]
fn doubled(with_doubles: &Input<with_doubles>) -> Result<i64> {
    let of_year = with_doubles.select(Selection::all().equals("year", 2024)).scan()?;
    let sum = of_year.select([col("double").sum()]).collect()?;
    sum.column("double")?.i64()?.get(0).context("one row")
}

#[test]
fn the_result_of_a_query_is_divided_into_partitions() -> Result<()> {
    let (flow, lines, _folder) = world(LINES)?;
    flow.run::<doubled>()?;
    assert_eq!(*flow.load::<doubled>()?, 22);
    let partitions: Vec<_> =
        flow.output::<with_doubles>()?.partitions()?.iter().map(ToString::to_string).collect();
    let null = "year=__HIVE_DEFAULT_PARTITION__";
    assert_eq!(partitions, ["year=-7", "year=2023", "year=2024", null]);
    // A loaded frame is a scan.
    let loaded = flow.load::<with_doubles>()?.into_owned();
    assert_eq!(columns_read(&loaded).context("files")?.len(), 4);
    let years = loaded.sort(["amount"], SortMultipleOptions::default()).collect()?;
    let years: Vec<_> = years.column("year")?.i16()?.iter().collect();
    let year = Some(2024);
    assert_eq!(years, [year, Some(2023), None, year, None, year, Some(-7)]);

    // The same query gives the same bytes: nothing downstream runs again.
    assert_eq!(ran(&flow.force::<with_doubles>().run::<doubled>()?), ["with_doubles"]);
    // Another partition does not concern the reader of one.
    fs::write(&lines, LINES.replace("2023 2", "2023 9"))?;
    assert_eq!(ran(&flow.run::<doubled>()?), ["sales", "with_doubles"]);
    Ok(())
}

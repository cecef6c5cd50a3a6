//! The data of an output: statistics, histograms, first and random rows, within limits.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use flow::page::PageOptions;
use flow::prelude::*;
use flow_targets::inspect::{OutputFile, ReadLimits, RowSample};

use crate::Page;
use crate::tasks::Points;

/// A table in Parquet whose values are known.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>(row_group_rows = 10_000))]
struct Numbers {
    #[param(default = 150)]
    rows: i64,
}

#[tracked]
impl Run for Numbers {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values(0..self.rows));
        let word = |n: i64| if n % 3 == 0 { "a" } else { "<b>" };
        let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..self.rows).map(word)));
        let half = |n: i64| (n % 10 != 0).then_some(n as f64 / 2.0);
        let halves: ArrayRef = Arc::new(Float64Array::from_iter((0..self.rows).map(half)));
        let columns = [("n", n, false), ("word", words, false), ("half", halves, true)];
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

/// A table with many columns.
#[derive(Task)]
#[task(target = Csv<RecordBatch>)]
struct Wide {
    #[param(default = 10_000)]
    columns: u32,
}

#[tracked]
impl Run for Wide {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let column = |n: u32| {
            let values: ArrayRef = Arc::new(Int64Array::from(vec![i64::from(n), 1, 2]));
            (format!("c{n}"), values)
        };
        Ok(RecordBatch::try_from_iter((0..self.columns).map(column))?)
    }
}

/// A table with long cells.
#[derive(Task)]
#[task(target = Csv<RecordBatch>)]
struct Long {
    #[param(default = 10_000_000)]
    length: u32,
}

#[tracked]
impl Run for Long {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let texts = ["x", "y"].map(|letter| letter.repeat(self.length as usize));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        Ok(RecordBatch::try_from_iter([("text", texts)])?)
    }
}

/// A table whose rows are short, but for the hundred and first.
#[derive(Task)]
#[task(target = Csv<RecordBatch>)]
struct Growing;

#[tracked]
impl Run for Growing {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let text = |n: usize| "x".repeat(if n == 100 { 1_000_000 } else { 3 });
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..111).map(text)));
        Ok(RecordBatch::try_from_iter([("text", texts)])?)
    }
}

/// A table in Parquet with one long text in every row, which a dictionary has once.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct Repeated;

#[tracked]
impl Run for Repeated {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let text = "x".repeat(100_000);
        let texts = std::iter::repeat_n(text.as_str(), 1_000);
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        Ok(RecordBatch::try_from_iter([("text", texts)])?)
    }
}

/// Returns the file of the output of a root.
fn file_of<R: Task>(page: &Page) -> OutputFile {
    let instances = page.flow.graph::<R>().instances().expect("a plan");
    let files = OutputFile::of(&instances[0]).expect("a store").expect("an output");
    files.into_iter().next().expect("a file")
}

fn page_of<R: Task>(set: impl FnOnce(Flow) -> Flow) -> Page {
    let page = Page::new::<R>(PageOptions::new(), set);
    page.run();
    page
}

/// Returns the row of the table of columns that describes one.
fn described<'a>(html: &'a str, column: &str) -> &'a str {
    let start = html.find(&format!("<th scope=\"row\">{column}</th>")).expect("the column");
    html[start..].split("</tr>").next().unwrap_or_default()
}

/// Returns the texts of the cells of numbers.
fn numbers(row: &str) -> Vec<&str> {
    let cells = row.split("<td class=\"number\">").skip(1);
    cells.map(|cell| cell.split("</td>").next().unwrap_or_default()).collect()
}

/// Returns the numbers of the random rows, and the values of their first column.
fn random_rows(html: &str) -> Vec<(u64, u64)> {
    let (_, rows) = html.split_once("<caption>Random ").expect("random rows");
    let rows = rows.split("</table>").next().unwrap_or_default();
    let number = |text: &str| text.parse().expect("a number");
    let row = |row: &str| {
        let (place, rest) = row.split_once("</th><td class=\"number\">").expect("a number");
        let (value, _) = rest.split_once("</td>").expect("the end of the cell");
        (number(place), number(value))
    };
    rows.split("<th scope=\"row\">").skip(1).map(row).collect()
}

#[test]
fn columns_have_counts_distinct_values_and_histograms() {
    let page = page_of::<Numbers>(|flow| flow);
    let html = page.view(&format!("{}/data", page.instance("Numbers")));
    assert!(html.contains("Columns, with statistics of all 150 rows"), "{html}");

    let n = described(&html, "n");
    let mean_and_deviation = ["74.5000", "43.4454"];
    let expected = ["150", "0", "150", "0", "149"].into_iter().chain(mean_and_deviation);
    assert_eq!(numbers(n), expected.collect::<Vec<_>>());
    // The range 149 has 19 bins of the width 8, the last of which has the 6 numbers from 144 on.
    assert!(n.contains("Histogram from 0 to 152, at most 8 in a bin"), "{n}");
    assert_eq!(n.matches("<rect ").count(), 19);
    assert!(n.contains("<title>0 to 8: 8</title>") && n.contains("<title>144 to 152: 6</title>"));

    let word = described(&html, "word");
    assert_eq!(numbers(word)[..3], ["150", "0", "2"]);
    assert!(word.contains("<li>&lt;b&gt;: 100</li><li>a: 50</li>"), "{word}");

    let half = described(&html, "half");
    assert_eq!(numbers(half)[..6], ["135", "15", "135", "0.5", "74.5", "37.5000"]);
    let in_bins = half.split("<title>").skip(1).map(|title| {
        let (_, count) =
            title.split("</title>").next().unwrap_or_default().rsplit_once(": ").expect("a count");
        count.parse::<u64>().expect("a number")
    });
    assert_eq!(in_bins.sum::<u64>(), 135);
}

#[test]
fn a_large_table_is_read_in_part_and_its_metadata_completes_it() {
    let page = page_of::<Numbers>(|flow| flow.with(Numbers::ROWS, 120_000_i64));
    let path = format!("{}/data", page.instance("Numbers"));
    let html = page.view(&path);
    assert!(html.contains("statistics of the first 50000 of 120000 rows"), "{html}");
    assert!(html.contains("First 20 of 120000 rows"));
    let n = numbers(described(&html, "n"));
    assert_eq!(n[..6], ["120000*", "0*", "more than 10000", "0*", "119999*", "24999.5000"]);
    assert_eq!(numbers(described(&html, "half"))[..2], ["108000*", "12000*"]);
    assert!(html.contains("are of all rows: the file has them in its metadata"));

    assert!(html.contains("read=1000000") && html.contains("Read up to 1000000 rows"));
    let all = page.view(&format!("{path}?read=1000000"));
    assert!(all.contains("statistics of all 120000 rows"), "{all}");
    assert_eq!(numbers(described(&all, "n"))[5], "59999.5000");
}

#[test]
fn random_rows_depend_on_the_seed_alone() {
    let page = page_of::<Numbers>(|flow| flow.with(Numbers::ROWS, 120_000_i64));
    let path = format!("{}/data", page.instance("Numbers"));
    assert!(page.view(&path).contains("seed=1") && !page.view(&path).contains("Random 20 rows"));
    let html = page.view(&format!("{path}?seed=3"));
    assert!(html.contains("Random 20 rows among 50000 of 120000 rows, by the seed 3"), "{html}");
    assert!(html.contains("seed=4"));
    let rows = random_rows(&html);
    assert_eq!(rows.len(), 20);
    // The number of a row is that of the table, and the rows are sorted and distinct.
    assert!(rows.iter().all(|(place, value)| *place == value + 1), "{rows:?}");
    assert!(rows.is_sorted_by(|a, b| a.0 < b.0), "{rows:?}");
    assert!(rows.iter().any(|(place, _)| *place > 50_000), "{rows:?}");
    assert_eq!(random_rows(&page.view(&format!("{path}?seed=3"))), rows);
    assert_ne!(random_rows(&page.view(&format!("{path}?seed=4"))), rows);
    for seed in ["0", "18446744073709551615", "-1", "x", "%00"] {
        page.view(&format!("{path}?seed={seed}&rows=99999&read=x&columns=-1"));
    }
}

#[test]
fn random_rows_of_a_csv_file_come_from_all_rows() {
    let page = page_of::<Points>(|flow| flow.with(Points::N, 100_u32));
    let html = page.view(&format!("{}/data?seed=1", page.instance("Points")));
    assert!(html.contains("Random 20 rows among all 100 rows, by the seed 1"), "{html}");
    let (_, rows) = html.split_once("<caption>Random ").expect("random rows");
    let places = rows.split("<th scope=\"row\">").skip(1);
    let places: Vec<u64> = places
        .map(|row| row.split("</th>").next().unwrap_or_default().parse().expect("a number"))
        .collect();
    assert!(places.len() == 20 && places.is_sorted() && places[19] > 20, "{places:?}");
    // All rows are shown already if there are no others.
    let small = page_of::<Points>(|flow| flow);
    let html = small.view(&format!("{}/data?seed=1", small.instance("Points")));
    assert!(!html.contains("Random"), "{html}");
}

#[test]
fn columns_are_shown_in_pages() {
    let page = page_of::<Wide>(|flow| flow);
    let path = format!("{}/data", page.instance("Wide"));
    let html = page.view(&path);
    assert!(html.contains("Columns 1 to 100 of 10000") && html.contains("Page 1 of 100"), "{html}");
    assert!(html.contains(">c99<") && !html.contains(">c100<"));
    assert!(html.len() < 500_000, "{} bytes", html.len());
    // A page after the last one is the last one.
    for number in ["100", "101", "18446744073709551615"] {
        let last = page.view(&format!("{path}?columns={number}"));
        assert!(last.contains("Columns 9901 to 10000 of 10000"), "{number}: {last}");
        assert_eq!(numbers(described(&last, "c9999"))[3..5], ["1", "9999"]);
    }
}

#[test]
fn the_beginning_of_a_long_cell_is_shown() {
    let page = page_of::<Long>(|flow| flow);
    let html = page.view(&format!("{}/data", page.instance("Long")));
    assert!(html.len() < 20_000, "{} bytes", html.len());
    assert!(html.contains(&format!("{}…", "x".repeat(200))), "{html}");
    assert!(html.contains("First 2 of 2 rows"), "{html}");
}

#[test]
fn a_csv_file_is_read_up_to_the_last_row_that_has_room() {
    let page = page_of::<Growing>(|flow| flow);
    let file = file_of::<Growing>(&page);
    let sample = |bytes| file.sample(&RowSample::first(1_000, ReadLimits::new(1_000, bytes)));
    let cut = sample(10_000).expect("rows");
    assert_eq!((cut.rows.len(), cut.among, cut.total, cut.is_whole), (100, 100, None, false));
    let whole = sample(2_000_000).expect("rows");
    assert_eq!(
        (whole.rows.len(), whole.among, whole.total, whole.is_whole),
        (111, 111, Some(111), true)
    );
    let statistics = file.statistics_within(&ReadLimits::new(1_000, 10_000)).expect("statistics");
    assert_eq!((statistics.rows, statistics.total, statistics.is_whole), (100, None, false));
    let random = RowSample::random(5, 1, ReadLimits::new(1_000, 10_000));
    assert_eq!(file.sample(&random).expect("rows").among, 100);
    let error = sample(2).expect_err("the header has no room");
    assert!(format!("{error:?}").contains("its first row has more than 2 bytes"), "{error:?}");
}

#[test]
fn a_text_that_a_dictionary_has_once_counts_in_every_row() {
    let page = page_of::<Repeated>(|flow| flow);
    let file = file_of::<Repeated>(&page);
    // The file itself is much smaller than a megabyte.
    let limits = ReadLimits::new(1_000, 1_000_000);
    let statistics = file.statistics_within(&limits).expect("statistics");
    assert!((1..=10).contains(&statistics.rows), "{} rows", statistics.rows);
    assert_eq!((statistics.total, statistics.is_whole), (Some(1_000), false));
}

#[test]
fn the_columns_of_a_table_are_known_without_its_rows() {
    let page = page_of::<Numbers>(|flow| flow);
    let columns = file_of::<Numbers>(&page).columns().expect("a table");
    let columns: Vec<_> =
        columns.iter().map(|one| (one.name.as_str(), one.kind.as_str())).collect();
    assert_eq!(columns, [("n", "Int64"), ("word", "Utf8"), ("half", "Float64")]);
    let page = page_of::<Growing>(|flow| flow);
    let columns = file_of::<Growing>(&page).columns().expect("a table");
    assert_eq!((columns.len(), columns[0].name.as_str()), (1, "text"));
}

//! An output that fails its check fails its task. The error has counts and the first rows; nothing is stored.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flow::arrow::array::{Float64Array, Int64Array};
use flow::arrow::datatypes::{DataType, Field, Schema};
use flow::prelude::*;
use flow::testing::{self, assert_because, assert_failed, assert_not_run, assert_ran};
use flow::{Summary, expect};

use crate::support::{files_below, flow};

#[derive(Task)]
#[task(target = Json<Vec<i32>>, check = all_positive)]
struct Numbers {
    #[param(default = vec![3, 1])]
    numbers: Vec<i32>,
}
runs!(Numbers: Vec<i32> = |self, cx| Ok(self.numbers.clone()));

/// Takes a slice, although the output is a vector.
fn all_positive(numbers: &[i32]) -> Result<()> {
    expect::rows(numbers, |n| *n > 0)
}

#[derive(Task)]
#[task(requires = Numbers, target = Json<i32>)]
struct Sum;
runs!(Sum: i32 = |self, cx| Ok(cx.input().load()?.iter().sum()));

fn outputs(folder: &Path) -> Vec<String> {
    let files = files_below(folder).into_iter();
    let names = files.map(|file| file.file_name().expect("a name").to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("data-") || name == "record.json").collect()
}

#[test]
fn an_output_that_fails_its_check_is_not_kept() -> Result<()> {
    let (flow, folder) = flow();
    let wrong = flow.with(Numbers::NUMBERS, [1, -2, 3, -4]);
    let failed = wrong.run::<Sum>();
    assert_failed(&failed, ["Numbers"]);
    assert_not_run(&failed, ["Sum"]);
    assert_because(
        &failed,
        "Numbers",
        "the output is not as expected: 2 of 4 rows are not as expected: row 1: -2; row 3: -4",
    );
    assert_eq!(outputs(folder.path()), [""; 0]);
    // The next run runs the task again; a valid output is kept.
    assert_failed(&wrong.run::<Sum>(), ["Numbers"]);
    assert_ran(&flow.run::<Sum>()?, ["Numbers", "Sum"]);
    assert_ran(&flow.run::<Sum>()?, []);
    Ok(())
}

#[test]
fn an_output_given_by_a_test_is_checked_too() {
    let failed = testing::flow().with_input::<Numbers>(vec![-1]).run::<Sum>();
    assert_failed(&failed, ["Numbers"]);
    assert_because(&failed, "Numbers", "1 of 1 rows is not as expected: row 0: -1");
}

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    first: Vec<i32>,
    #[output(Json, check = all_positive)]
    second: Vec<i32>,
    #[output(Parquet(compression = Zstd(3)), check = Self::is_table,)]
    table: RecordBatch,
}

impl Split {
    fn is_table(batch: &RecordBatch) -> Result<(), expect_error::NotATable> {
        match batch.num_rows() {
            0 => Err(expect_error::NotATable),
            _ => Ok(()),
        }
    }
}

/// A user-defined error.
mod expect_error {
    #[derive(Debug)]
    pub(super) struct NotATable;

    impl std::fmt::Display for NotATable {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it has no rows")
        }
    }

    impl std::error::Error for NotATable {}
}

#[derive(Task)]
#[task(outputs = Split, check = as_many)]
struct Halves {
    second: i32,
    rows: i64,
}
runs!(Halves: Split = |self, cx| Ok(Split {
    first: vec![1],
    second: vec![self.second; self.rows.max(1) as usize],
    table: batch((0..self.rows).map(Some).collect(), vec![0.5; self.rows as usize]),
}));

/// Checks all outputs of a task together.
fn as_many(split: &Split) -> Result<()> {
    ensure!(split.first.len() == split.second.len(), "one half is larger");
    Ok(())
}

#[test]
fn each_of_several_outputs_is_checked_before_any_is_kept() -> Result<()> {
    let (flow, folder) = flow();
    let halves = |second, rows| flow.with(Halves::SECOND, second).with(Halves::ROWS, rows);
    for (second, rows, why) in [
        (
            -5,
            1,
            "the output `second` is not as expected: 1 of 1 rows is not as expected: row 0: -5",
        ),
        (5, 0, "the output `table` is not as expected: it has no rows"),
        (5, 2, "the output is not as expected: one half is larger"),
    ] {
        assert_because(&halves(second, rows).run::<Halves>(), "Halves", why);
    }
    assert_eq!(outputs(folder.path()), [""; 0]);
    assert_ran(&halves(5, 1).run::<Halves>()?, ["Halves"]);
    Ok(())
}

static PANICS: AtomicBool = AtomicBool::new(true);

#[derive(Task)]
#[task(target = Memory<u8>, check = panics)]
struct Panicking;
runs!(Panicking: u8 = |self, cx| Ok(1));

fn panics(_: &u8) -> Result<()> {
    assert!(!PANICS.load(Ordering::Relaxed), "a mistake of the check");
    Ok(())
}

#[test]
fn a_check_that_panics_fails_the_task() -> Result<()> {
    let (flow, _folder) = flow();
    assert_because(&flow.run::<Panicking>(), "Panicking", ": a mistake of the check");
    PANICS.store(false, Ordering::Relaxed);
    let summary: Summary = flow.run::<Panicking>()?;
    assert_ran(&summary, ["Panicking"]);
    Ok(())
}

fn batch(ids: Vec<Option<i64>>, prices: Vec<f64>) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("price", DataType::Float64, false),
    ]);
    let columns: Vec<Arc<dyn flow::arrow::array::Array>> =
        vec![Arc::new(Int64Array::from(ids)), Arc::new(Float64Array::from(prices))];
    RecordBatch::try_new(Arc::new(schema), columns).expect("a batch")
}

#[derive(Debug, Deserialize)]
struct Priced {
    price: f64,
}

#[test]
fn tables_are_checked_by_rows_and_columns() -> Result<()> {
    let good = batch(vec![Some(1), Some(2)], vec![1.0, 2.0]);
    expect::schema(&good, &[("id", DataType::Int64), ("price", DataType::Float64)])?;
    expect::no_nulls(&good, ["id", "price"])?;
    expect::rows_of(&good, |row: &Priced| row.price > 0.0)?;

    let bad = batch(vec![Some(1), None, None], vec![1.0, f64::NAN, -2.0]);
    let error = expect::no_nulls(&bad, ["id", "price", "day"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the columns are not as expected: `id` has 2 nulls in 3 rows, the first in row 1; `day` is missing"
    );
    let error = expect::rows_of(&bad, |row: &Priced| row.price > 0.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of 3 rows are not as expected: row 1: Priced { price: NaN }; row 2: Priced { price: -2.0 }"
    );
    let columns = [("price", DataType::Int64), ("day", DataType::Utf8)];
    let error = expect::schema(&bad, &columns).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the columns are not as expected: `price` is Float64 and not Int64; `day` is missing; `id` is \
         not expected"
    );
    let columns = [("price", DataType::Float64), ("id", DataType::Int64)];
    let error = expect::schema(&good, &columns).unwrap_err().to_string();
    assert!(error.contains("`price` is column 1 and not 0"), "{error}");
    #[derive(Debug, Deserialize)]
    struct Other {
        #[expect(dead_code, reason = "it is not there")]
        volume: f64,
    }
    let error = expect::rows_of(&good, |_: &Other| true).unwrap_err().to_string();
    assert!(error.contains("there is no column `volume`"), "{error}");
    assert!(error.contains("the columns are `id`, `price`"), "{error}");
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Identified {
    id: i64,
}

#[test]
fn the_first_row_that_cannot_be_read_is_reported() -> Result<()> {
    for wrong in [0, 1, 7, 62, 99] {
        let ids = (0..100).map(|id| (id < wrong).then_some(id)).collect();
        let error = expect::rows_of(&batch(ids, vec![0.5; 100]), |row: &Identified| row.id >= 0);
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("row {wrong} of 100 rows is not as expected: ")),
            "{error}"
        );
    }
    let none = batch(vec![], vec![]);
    expect::rows_of(&none, |row: &Identified| row.id > 0)?;
    expect::no_nulls(&none, ["id", "price"])
}

#[test]
fn nulls_are_found_in_dictionary_and_null_columns() -> Result<()> {
    use flow::arrow::array::{ArrayRef, DictionaryArray, Int32Array, NullArray, StringArray};
    use flow::arrow::datatypes::Int32Type;

    let names = Arc::new(StringArray::from(vec![Some("a"), None]));
    let keys = Int32Array::from(vec![0, 1, 1]);
    let dictionary = DictionaryArray::<Int32Type>::try_new(keys, names)?;
    let columns: [(&str, ArrayRef); 2] =
        [("name", Arc::new(dictionary)), ("nothing", Arc::new(NullArray::new(3)))];
    let error = expect::no_nulls(&RecordBatch::try_from_iter(columns)?, ["name", "nothing"]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the columns are not as expected: `name` has 2 nulls in 3 rows, the first in row 1; \
         `nothing` has 3 nulls in 3 rows, the first in row 0"
    );
    Ok(())
}

#[test]
fn only_the_first_rows_are_reported() {
    let numbers: Vec<i32> = (0..1000).collect();
    let error = expect::rows(&numbers, |n| n % 2 == 0).unwrap_err().to_string();
    assert_eq!(
        error,
        "500 of 1000 rows are not as expected: row 1: 1; row 3: 3; row 5: 5; row 7: 7; row 9: 9; and 495 more"
    );
    let long = ["x".repeat(5000)];
    let error = expect::rows(&long, |_| false).unwrap_err().to_string();
    assert!(error.len() < 300, "{error}");
    let error = expect::unique(&["a", "b", "a"], |name| *name).unwrap_err().to_string();
    assert_eq!(error, "1 of 3 rows is not as expected: row 2: \"a\" (as row 0)");
}

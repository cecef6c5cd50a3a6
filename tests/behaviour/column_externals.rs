//! Early cutoff by column of external files, of one of several outputs, in child processes, and after a crash.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use flow::prelude::*;
use flow::target::Sink;

use crate::faulty::{Fault, Faulty};
use crate::support::{assert_consistent, faulty_flow, flow, ran, step};

/// Writes a Parquet file as another program would.
fn write(path: &Path, prices: &[f64], sizes: &[i64], extra: Option<i64>) -> Result<()> {
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("price", Arc::new(Float64Array::from(prices.to_vec())) as ArrayRef),
        ("size", Arc::new(Int64Array::from(sizes.to_vec()))),
    ];
    if let Some(extra) = extra {
        columns.push(("extra", Arc::new(Int64Array::from(vec![extra; sizes.len()]))));
    }
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut file = File::create(path)?;
    <Parquet<RecordBatch>>::default().save(&batch, &mut Sink::new(&mut file))
}

#[derive(Task)]
#[task(external, path = self.path.clone(), target = Parquet<RecordBatch>)]
struct Trades {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Trades, target = Json<f64>)]
struct Highest;

runs!(Highest: f64 = |self, cx| {
    let prices = cx.input().load_columns(&["price"])?;
    Ok(prices.column(0).as_primitive::<Float64Type>().values().iter().copied().fold(0.0, f64::max))
});

#[derive(Task)]
#[task(requires = Trades, target = Json<i64>)]
struct Volume;

runs!(Volume: i64 = |self, cx| {
    let sizes = cx.input().load_columns(&["size"])?;
    Ok(sizes.column(0).as_primitive::<Int64Type>().values().iter().sum())
});

#[derive(Serialize, Deserialize)]
struct Size {
    size: i64,
}

/// The same file, read as rows with one field.
#[derive(Task)]
#[task(external, path = self.file.clone(), target = Parquet<Vec<Size>>)]
struct Sizes {
    file: PathBuf,
}

#[derive(Task)]
#[task(requires = Sizes, target = Json<i64>)]
struct OfRows;

runs!(OfRows: i64 = |self, cx| Ok(cx.input().load()?.iter().map(|row| row.size).sum()));

type Readers = (Highest, OfRows, Volume);

#[test]
fn only_the_readers_of_a_changed_column_of_a_file_run() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("trades.parquet");
    let flow = flow.with(Trades::PATH, path.as_path()).with(Sizes::FILE, path.as_path());
    write(&path, &[1.0, 2.0], &[3, 4], None)?;
    assert_eq!(ran(&flow.run::<Readers>()?), ["Highest", "OfRows", "Volume"]);
    write(&path, &[1.0, 2.0], &[3, 4], Some(1))?;
    assert!(flow.is_complete::<Readers>()?);
    assert!(ran(&flow.run::<Readers>()?).is_empty());
    write(&path, &[1.0, 9.0], &[3, 4], Some(2))?;
    let preview = flow.preview::<Highest>()?;
    let reasons = preview.instances().next_back().context("a root")?.reasons().to_vec();
    assert_eq!(reasons[0].to_string(), "input: Trades gave other data in column price");
    assert_eq!(ran(&flow.run::<Readers>()?), ["Highest"]);
    write(&path, &[1.0, 9.0], &[3, 5], Some(2))?;
    assert_eq!(ran(&flow.run::<Readers>()?), ["OfRows", "Volume"]);
    assert_eq!((*flow.load::<Highest>()?, *flow.load::<Volume>()?), (9.0, 8));
    Ok(())
}

/// Loads rows, and goes on if that is an error.
#[derive(Task)]
#[task(requires = Sizes, target = Json<bool>)]
struct Loads;

runs!(Loads: bool = |self, cx| Ok(cx.input().load().is_ok()));

#[test]
fn a_task_that_goes_on_after_a_failed_load_depends_on_the_whole_file() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("trades.parquet");
    let flow = flow.with(Sizes::FILE, path.as_path());
    let write_texts = |price: f64| -> Result<()> {
        let columns: [(&str, ArrayRef); 2] = [
            ("price", Arc::new(Float64Array::from(vec![price]))),
            ("size", Arc::new(StringArray::from(vec!["many"]))),
        ];
        let batch = RecordBatch::try_from_iter(columns)?;
        let mut file = File::create(&path)?;
        <Parquet<RecordBatch>>::default().save(&batch, &mut Sink::new(&mut file))
    };
    write_texts(1.0)?;
    assert_eq!(ran(&flow.run::<Loads>()?), ["Loads"]);
    assert!(!*flow.load::<Loads>()?);
    write_texts(2.0)?;
    assert_eq!(ran(&flow.run::<Loads>()?), ["Loads"]);
    // After a load without an error, the other column does not count.
    write(&path, &[1.0], &[3], None)?;
    assert_eq!(ran(&flow.run::<Loads>()?), ["Loads"]);
    write(&path, &[2.0], &[3], None)?;
    assert!(ran(&flow.run::<Loads>()?).is_empty());
    Ok(())
}

#[derive(Task)]
#[task(external, path = self.path.clone(), target = Csv<RecordBatch>)]
struct Lines {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Lines, target = Json<i64>)]
struct Total;

runs!(Total: i64 = |self, cx| {
    let n = cx.input().load_columns(&["n"])?;
    Ok(n.column(0).as_primitive::<Int64Type>().values().iter().sum())
});

#[test]
fn a_column_of_a_csv_file_counts_alone() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("lines.csv");
    let flow = flow.with(Lines::PATH, path.as_path());
    fs::write(&path, "n,note\n1,a\n2,b\n")?;
    assert_eq!(ran(&flow.run::<Total>()?), ["Total"]);
    fs::write(&path, "note,n,more\nx,1,7\ny,2,8\n")?;
    assert!(ran(&flow.run::<Total>()?).is_empty());
    fs::write(&path, "note,n\nx,1\ny,3\n")?;
    assert_eq!(ran(&flow.run::<Total>()?), ["Total"]);
    assert_eq!(*flow.load::<Total>()?, 4);
    Ok(())
}

#[derive(Outputs)]
struct Tables {
    #[output(Parquet)]
    left: RecordBatch,
    #[output(ArrowIpc)]
    right: RecordBatch,
}

/// Two tables of the columns `a` and `b`, whose values are the numbers in a file.
#[derive(Task)]
#[task(outputs = Tables)]
struct Pair {
    #[param(file)]
    numbers: PathBuf,
}

runs!(Pair: Tables = |self, _cx| {
    let text = fs::read_to_string(&self.numbers)?;
    let numbers: Vec<i64> = text.split(' ').map(|n| Ok(n.parse()?)).collect::<Result<_>>()?;
    let table = |a: i64, b: i64| -> Result<RecordBatch> {
        let column = |n| -> ArrayRef { Arc::new(Int64Array::from(vec![n])) };
        Ok(RecordBatch::try_from_iter([("a", column(a)), ("b", column(b))])?)
    };
    Ok(Tables { left: table(numbers[0], numbers[1])?, right: table(numbers[2], numbers[3])? })
});

#[derive(Task)]
#[task(requires = Pair, target = Json<i64>)]
struct OfPair;

runs!(OfPair: i64 = |self, cx| {
    let left = cx.input().part(Tables::LEFT).load_columns(&["a"])?;
    let right = cx.input().part(Tables::RIGHT).load_columns(&["b"])?;
    let first = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().value(0);
    Ok(first(&left) + first(&right))
});

#[test]
fn columns_of_one_of_several_outputs_count_alone() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("numbers.txt");
    let flow = flow.with(Pair::NUMBERS, path.as_path());
    fs::write(&path, "1 2 3 4")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["OfPair", "Pair"]);
    fs::write(&path, "1 9 9 4")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["Pair"]);
    fs::write(&path, "1 9 9 5")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["OfPair", "Pair"]);
    assert_eq!(*flow.load::<OfPair>()?, 6);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn columns_that_a_child_process_reads_count_alone() -> Result<()> {
    let opened = crate::isolation::open();
    fs::create_dir_all(&opened.folder)?;
    let path = opened.folder.join("numbers.txt");
    let flow = opened.flow.with(Pair::NUMBERS, path.as_path()).isolate();
    fs::write(&path, "1 2 3 4")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["OfPair", "Pair"]);
    fs::write(&path, "1 9 9 4")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["Pair"]);
    fs::write(&path, "2 9 9 4")?;
    assert_eq!(ran(&flow.run::<OfPair>()?), ["OfPair", "Pair"]);
    Ok(())
}

#[test]
fn a_run_that_is_cut_off_leaves_no_outdated_columns() -> Result<()> {
    for n in (0..).step_by(step(5)) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("numbers.txt");
        let open = |fs: &Faulty| -> Result<Flow> {
            let flow = faulty_flow(folder.path(), fs)?;
            Ok(flow.with(Pair::NUMBERS, path.as_path()).workers(1))
        };
        fs::write(&path, "1 2 3 4")?;
        open(&Faulty::new())?.run::<OfPair>()?;
        // No column that is read changes.
        fs::write(&path, "1 9 9 4")?;
        let faulty = Faulty::new();
        let flow = open(&faulty)?;
        let count = AtomicU64::new(0);
        faulty.fail(move |_, op, _| {
            let at = if op.changes() { count.fetch_add(1, Ordering::SeqCst) } else { 0 };
            (op.changes() && at >= n).then_some(Fault::Half(ErrorKind::StorageFull))
        });
        let is_cut_off = flow.run::<OfPair>().is_err();
        assert_consistent(flow.folder());
        faulty.heal();
        let later = open(&Faulty::new())?;
        let again = ran(&later.run::<OfPair>()?);
        assert!(again.is_empty() || again == ["Pair"], "cut off at {n}: {again:?}");
        assert_eq!(*later.load::<OfPair>()?, 5);
        // Now one does.
        fs::write(&path, "2 9 9 4")?;
        assert_eq!(ran(&later.run::<OfPair>()?), ["OfPair", "Pair"], "cut off at {n}");
        assert_eq!(*later.load::<OfPair>()?, 6);
        if !is_cut_off {
            return Ok(());
        }
    }
    Ok(())
}

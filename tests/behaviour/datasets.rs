//! Datasets: each partition of an output is written, reused and invalidated by itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use flow::prelude::*;
use flow::target::{Selection, SinkFolder};

use crate::faulty::{Fault, Faulty};
use crate::support::{
    assert_consistent, failed, failure, faulty_flow, files_below, flow, in_full, plan_error, ran,
    step,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sale {
    year: i32,
    month: u32,
    amount: i64,
}

/// Parses a line for each sale: year, month, amount.
fn sales(text: &str) -> Result<Vec<Sale>> {
    let sale = |line: &str| {
        let words: Vec<i64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [year, month, amount] = words[..] else { bail!("not a sale: {line}") };
        Ok(Sale { year: year.try_into()?, month: month.try_into()?, amount })
    };
    text.lines().map(sale).collect()
}

#[derive(Task)]
#[task(target = Dataset<Vec<Sale>>(partition_by = ["year", "month"]))]
struct Sales {
    #[param(file)]
    lines: PathBuf,
}

runs!(Sales: Vec<Sale> = |self, _cx| sales(&fs::read_to_string(&self.lines)?));

/// The sum of the sales of a month.
#[derive(Task)]
#[task(requires = Sales, target = Json<i64>)]
struct OfMonth {
    month: u32,
}

runs!(OfMonth: i64 = |self, cx| {
    let month = Selection::all().equals("year", 2024).equals("month", self.month);
    Ok(cx.input().select(month).load()?.iter().map(|sale| sale.amount).sum())
});

#[derive(Task)]
#[task(aggregate, requires = [OfMonth { month } for month in 1..=12_u32])]
struct EachMonth;

/// The partitions, as text.
#[derive(Task)]
#[task(requires = Sales, target = Json<Vec<String>>)]
struct Months;

runs!(Months: Vec<String> = |self, cx| {
    Ok(cx.input().partitions()?.iter().map(ToString::to_string).collect())
});

/// The sum of all months: each is an instance that is required for a partition that there is.
#[derive(Task)]
#[task(requires = Sales, may_require(OfMonth), target = Json<i64>)]
struct Total;

runs!(Total: i64 = |self, cx| {
    let partitions = cx.input().partitions()?;
    let months = partitions.iter().map(|partition| partition.get::<u32>("month"));
    let months = months.collect::<Result<Vec<_>>>()?;
    let sums = cx.over(OfMonth::MONTH, months).require::<OfMonth>()?;
    sums.iter().map(|sum| Ok(*sum.load()?)).sum()
});

#[test]
fn a_task_requires_an_instance_for_each_partition() -> Result<()> {
    let (flow, lines, _folder) = of_a_year();
    assert_eq!(ran(&flow.run::<Total>()?).len(), 12 + 2);
    fs::write(&lines, year(&["2024 3 500"]))?;
    assert_eq!(ran(&flow.run::<Total>()?), ["OfMonth", "Sales", "Total"]);
    assert_eq!(*flow.load::<Total>()?, 20 * (78 - 3) + 1000 + 12);
    Ok(())
}

/// The number of all sales.
#[derive(Task)]
#[task(requires = Sales, target = Json<usize>)]
struct Count;

runs!(Count: usize = |self, cx| Ok(cx.input().load()?.len()));

/// A flow with two sales in each month of a year, and the file with their lines.
fn of_a_year() -> (Flow, PathBuf, tempfile::TempDir) {
    let (flow, folder) = flow();
    let lines = folder.path().join("lines.txt");
    fs::write(&lines, year(&[])).expect("a file");
    (flow.with(Sales::LINES, lines.as_path()), lines, folder)
}

/// Returns the lines of a year, with other amounts for some months, and further lines.
fn year(edits: &[&str]) -> String {
    let edited: BTreeMap<&str, &str> =
        edits.iter().filter_map(|edit| edit.rsplit_once(' ')).collect();
    let mut lines = Vec::new();
    for sale in 0..2 {
        for month in 1..=12 {
            let of = format!("2024 {month}");
            let amount = edited
                .get(of.as_str())
                .map_or(month * 10, |amount| amount.parse().expect("a number"));
            lines.push(format!("{of} {}", amount + sale));
        }
    }
    let more = edits.iter().filter(|edit| !edit.starts_with("2024 "));
    lines.extend(more.map(|edit| (*edit).to_owned()));
    lines.join("\n")
}

/// Returns the names of the files of the output, with their inodes.
#[cfg(unix)]
fn inodes(flow: &Flow) -> Result<BTreeMap<String, u64>> {
    use std::os::unix::fs::MetadataExt;

    let at = flow.output::<Sales>()?.path()?;
    let inode = |path: PathBuf| {
        let name = path.strip_prefix(&at)?.to_string_lossy().into_owned();
        anyhow::Ok((name, fs::metadata(&path)?.ino()))
    };
    files_below(&at).into_iter().map(inode).collect()
}

#[test]
fn the_readers_of_a_changed_partition_run_and_no_others() -> Result<()> {
    let (flow, lines, _folder) = of_a_year();
    type All = (EachMonth, Months, Count);
    assert_eq!(ran(&flow.run::<All>()?).len(), 12 + 3);
    assert!(ran(&flow.run::<All>()?).is_empty());

    fs::write(&lines, year(&["2024 3 500"]))?;
    assert_eq!(ran(&flow.run::<All>()?), ["Count", "OfMonth", "Sales"]);
    assert_eq!(*flow.with(OfMonth::MONTH, 3_u32).load::<OfMonth>()?, 1001);

    // A new partition concerns the list, and no month that was read.
    fs::write(&lines, year(&["2024 3 500", "2025 1 7"]))?;
    assert_eq!(ran(&flow.run::<All>()?), ["Count", "Months", "Sales"]);
    assert_eq!(flow.load::<Months>()?.last().map(String::as_str), Some("year=2025/month=1"));

    // The reason names what was read.
    fs::write(&lines, year(&["2024 4 9", "2024 3 500", "2025 1 7"]))?;
    flow.run::<Sales>()?;
    let april = flow.with(OfMonth::MONTH, 4_u32);
    let preview = april.preview::<OfMonth>()?;
    let reason = preview.instances().next_back().context("a root")?.reasons()[0].to_string();
    let read = "partitions where year = 2024 and month = 4";
    assert_eq!(reason, format!("input: Sales gave other data in {read}"));
    assert!(flow.with(OfMonth::MONTH, 5_u32).is_complete::<OfMonth>()?);
    Ok(())
}

#[cfg(unix)]
#[test]
fn the_file_of_an_unchanged_partition_is_not_written_again() -> Result<()> {
    let (flow, lines, _folder) = of_a_year();
    flow.run::<Sales>()?;
    let before = inodes(&flow)?;
    assert_eq!(before.len(), 12);
    fs::write(&lines, year(&["2024 7 1", "2023 7 1"]))?;
    flow.run::<Sales>()?;
    let after = inodes(&flow)?;
    let others: Vec<_> =
        after.iter().filter(|(name, inode)| before.get(*name) != Some(*inode)).collect();
    let names: Vec<_> = others.into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["year=2023/month=7/part-0.parquet", "year=2024/month=7/part-0.parquet"]);
    assert_consistent(flow.folder());
    // The links stay when the output that had the files before is removed.
    flow.store().gc().older_than(std::time::Duration::ZERO).find()?.remove()?;
    assert_eq!(inodes(&flow)?, after);
    assert_eq!(flow.load::<Sales>()?.len(), 25);
    Ok(())
}

#[test]
fn a_partition_that_appears_or_disappears_counts_for_those_who_asked_for_it() -> Result<()> {
    let (flow, lines, _folder) = of_a_year();
    fs::write(&lines, "2024 1 5\n2023 12 6")?;
    let february = flow.with(OfMonth::MONTH, 2_u32);
    // There is no partition: the columns come from another file, so that the whole output counts.
    assert_eq!(*february.get::<OfMonth>()?, 0);
    fs::write(&lines, "2024 1 5\n2024 2 9")?;
    assert_eq!(*february.get::<OfMonth>()?, 9);
    fs::write(&lines, "2024 1 6\n2024 2 9")?;
    assert_eq!(ran(&february.run::<OfMonth>()?), ["Sales"]);
    fs::write(&lines, "2024 1 6")?;
    assert_eq!(ran(&february.run::<OfMonth>()?), ["OfMonth", "Sales"]);
    assert_eq!(*february.load::<OfMonth>()?, 0);
    fs::write(&lines, "")?;
    assert_eq!(*february.get::<OfMonth>()?, 0);
    assert!(flow.load::<Sales>()?.is_empty());
    assert!(flow.output::<Sales>()?.partitions()?.is_empty());
    Ok(())
}

#[test]
fn some_partitions_are_loaded_in_every_way() -> Result<()> {
    let (flow, _lines, _folder) = of_a_year();
    flow.run::<Sales>()?;
    let sales = flow.output::<Sales>()?;
    let summer = sales.select(Selection::all().between("month", 6..=8));
    assert_eq!(summer.load()?.len(), 6);
    let months: Vec<u32> = summer
        .partitions()?
        .iter()
        .map(|partition| partition.get("month"))
        .collect::<Result<_>>()?;
    assert_eq!(months, [6, 7, 8]);
    let rows: usize = summer.stream()?.map(|batch| Ok(batch?.num_rows())).sum::<Result<usize>>()?;
    assert_eq!(rows, 6);
    let columns = summer.load_columns(&["amount", "year"])?;
    let amounts = columns.column(0).as_primitive::<Int64Type>();
    assert_eq!(amounts.values().to_vec(), [60, 61, 70, 71, 80, 81]);

    #[derive(Serialize, Deserialize)]
    struct Month {
        month: u32,
    }
    let rows: Vec<Month> = summer.load_rows()?;
    assert_eq!(rows.iter().map(|row| row.month).sum::<u32>(), 2 * (6 + 7 + 8));
    assert_eq!(sales.load_rows::<Month>()?.len(), 24);
    let some = sales.select(Selection::all().among("month", ["2", "11"]));
    assert_eq!(some.load()?.len(), 4);
    Ok(())
}

#[test]
fn mistakes_are_named() -> Result<()> {
    #[derive(Task)]
    #[task(target = Dataset<Vec<Sale>>(partition_by = ["yeer"]))]
    struct Misspelled;

    runs!(Misspelled: Vec<Sale> = |self, _cx| Ok(Vec::new()));

    #[derive(Serialize, Deserialize)]
    struct Weighed {
        weight: f64,
        n: u8,
    }

    #[derive(Task)]
    #[task(target = Dataset<Vec<Weighed>>(partition_by = ["weight"]))]
    struct ByWeight;

    runs!(ByWeight: Vec<Weighed> = |self, _cx| Ok(Vec::new()));

    let (flow, _lines, _folder) = of_a_year();
    let error = plan_error::<Misspelled>(&flow);
    assert!(error.contains("there is no column `yeer`: did you mean `year`?"), "{error}");
    let error = plan_error::<ByWeight>(&flow);
    assert!(error.contains("the partition column `weight` is of type Float64"), "{error}");

    flow.run::<Sales>()?;
    let wrong = flow.output::<Sales>()?.select(Selection::all().equals("yaer", 2024));
    let error = in_full(wrong.load().expect_err("there is no such column"));
    assert!(error.contains("no partition column `yaer`: there are `month`, `year`"), "{error}");
    assert!(wrong.partitions().is_err());
    Ok(())
}

/// A text that no folder can have as its value.
#[derive(Task)]
#[task(target = Dataset<RecordBatch>(partition_by = ["city"]))]
struct Cities {
    city: String,
}

runs!(Cities: RecordBatch = |self, _cx| {
    let city: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::StringArray::from(vec![self.city.clone()]));
    let n: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from(vec![1]));
    Ok(RecordBatch::try_from_iter([("city", city), ("n", n)])?)
});

#[test]
fn a_value_that_would_not_come_back_fails_the_task() -> Result<()> {
    let (flow, _folder) = flow();
    for (city, said) in [
        ("__HIVE_DEFAULT_PARTITION__", "which stands for null in the name of a folder"),
        (&*"x".repeat(300), "is too long for the name of a folder, which has 255 bytes at most"),
    ] {
        let flow = flow.with(Cities::CITY, city);
        let summary = failure(flow.run::<Cities>());
        assert_eq!(failed(&summary), ["Cities"]);
        assert!(summary.to_string().contains(said), "{summary}");
        assert!(!flow.is_complete::<Cities>()?);
    }
    assert!(files_below(flow.folder()).iter().all(|file| !file.ends_with("part-0.parquet")));
    let odd = flow.with(Cities::CITY, "50% / ü.");
    odd.run::<Cities>()?;
    let city = odd.load::<Cities>()?.column(0).as_string::<i32>().value(0).to_owned();
    assert_eq!(city, "50% / ü.");
    Ok(())
}

/// Writes a dataset as another program would.
fn write(to: &Path, rows: &[(i32, u32, i64)]) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let rows = rows.iter().map(|&(year, month, amount)| Sale { year, month, amount }).collect();
    let target = <Dataset<Vec<Sale>>>::default().partition_by(["year", "month"]);
    target.save_folder(&rows, &mut SinkFolder::new(to)?)
}

#[derive(Task)]
#[task(external, path = self.path.clone(), target = Dataset<Vec<Sale>>)]
struct Given {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Given, target = Json<i64>)]
struct OfGiven {
    year: i32,
}

runs!(OfGiven: i64 = |self, cx| {
    let year = cx.input().select(Selection::all().equals("year", self.year));
    Ok(year.load()?.iter().map(|sale| sale.amount).sum())
});

#[test]
fn folders_and_patterns_are_external_inputs() -> Result<()> {
    for pattern in ["", "year=*/**/*.parquet", "year=2024/*/*.parquet"] {
        let (flow, folder) = flow();
        let at = folder.path().join("given");
        let path = if pattern.is_empty() { at.clone() } else { at.join(pattern) };
        let flow = flow.with(Given::PATH, path.as_path()).with(OfGiven::YEAR, 2024);
        assert!(!flow.is_complete::<Given>()?);
        write(&at, &[(2024, 1, 5), (2023, 1, 100), (2024, 2, 6)])?;
        assert_eq!(*flow.get::<OfGiven>()?, 11, "{pattern}");
        let all = if pattern.contains("2024") { 2 } else { 3 };
        assert_eq!(flow.load::<Given>()?.len(), all, "{pattern}");

        write(&at, &[(2024, 1, 5), (2023, 1, 101), (2022, 1, 7), (2024, 2, 6)])?;
        assert!(ran(&flow.run::<OfGiven>()?).is_empty(), "{pattern}");
        write(&at, &[(2024, 1, 5), (2023, 1, 101), (2024, 2, 7)])?;
        assert_eq!(ran(&flow.run::<OfGiven>()?), ["OfGiven"], "{pattern}");
        assert_eq!(*flow.load::<OfGiven>()?, 12, "{pattern}");
    }
    Ok(())
}

#[test]
fn a_run_that_is_cut_off_leaves_no_part_of_a_dataset() -> Result<()> {
    for n in (0..).step_by(step(9)) {
        let folder = tempfile::tempdir()?;
        let lines = folder.path().join("lines.txt");
        let open = |fs: &Faulty| -> Result<Flow> {
            let flow = faulty_flow(folder.path(), fs)?.with(Sales::LINES, lines.as_path());
            Ok(flow.with(OfMonth::MONTH, 2_u32).workers(1))
        };
        fs::write(&lines, "2024 1 1\n2024 2 2\n2024 3 3")?;
        open(&Faulty::new())?.run::<OfMonth>()?;
        fs::write(&lines, "2024 1 9\n2024 2 2\n2024 4 4")?;
        let faulty = Faulty::new();
        let flow = open(&faulty)?;
        let count = AtomicU64::new(0);
        faulty.fail(move |_, op, _| {
            let at = if op.changes() { count.fetch_add(1, Ordering::SeqCst) } else { 0 };
            (op.changes() && at >= n).then_some(Fault::Half(ErrorKind::StorageFull))
        });
        let is_cut_off = flow.run::<OfMonth>().is_err();
        assert_consistent(flow.folder());
        faulty.heal();
        let later = open(&Faulty::new())?;
        let again = ran(&later.run::<OfMonth>()?);
        assert!(again.is_empty() || again == ["Sales"], "cut off at {n}: {again:?}");
        let amounts: Vec<i64> = later.load::<Sales>()?.iter().map(|sale| sale.amount).collect();
        assert_eq!(amounts, [9, 2, 4], "cut off at {n}");
        assert!(later.store().verify()?.is_whole(), "cut off at {n}");
        if !is_cut_off {
            return Ok(());
        }
    }
    Ok(())
}

#[test]
fn a_damaged_partition_is_found_and_written_again() -> Result<()> {
    let (flow, _lines, _folder) = of_a_year();
    flow.run::<EachMonth>()?;
    let file = flow.output::<Sales>()?.path()?.join("year=2024/month=5/part-0.parquet");
    let bytes = fs::read(&file)?;
    fs::remove_file(&file)?;
    fs::write(&file, &bytes[..bytes.len() - 1])?;
    // Other partitions can be read.
    let sales = flow.output::<Sales>();
    assert!(sales.is_err() || sales?.select(Selection::all().equals("month", 5)).load().is_err());
    assert_eq!(ran(&flow.run::<EachMonth>()?), ["Sales"]);
    assert_eq!(
        fs::read(flow.output::<Sales>()?.path()?.join("year=2024/month=5/part-0.parquet"))?,
        bytes
    );
    Ok(())
}

#[test]
fn a_dataset_is_shared_like_any_output() -> Result<()> {
    let (flow, lines, folder) = of_a_year();
    flow.run::<EachMonth>()?;
    let remote = flow::remote::RemoteFolder::new(folder.path().join("shared"));
    flow.push::<(EachMonth, Sales)>(&remote)?;
    let there =
        Flow::open(folder.path().join("there"))?.quiet().with(Sales::LINES, lines.as_path());
    there.pull::<(EachMonth, Sales)>(&remote)?;
    assert!(ran(&there.run::<(EachMonth, Sales)>()?).is_empty());
    assert_eq!(there.load::<Sales>()?.len(), 24);
    let to = folder.path().join("exported");
    flow.export::<Sales>(&to)?;
    let exported = files_below(&to);
    assert!(
        exported.iter().any(|file| file.ends_with("year=2024/month=12/part-0.parquet")),
        "{exported:?}"
    );

    // The pulled partitions are those that the next output has links to.
    fs::write(&lines, year(&["2024 3 500"]))?;
    assert_eq!(ran(&there.run::<EachMonth>()?), ["OfMonth", "Sales"]);
    Ok(())
}

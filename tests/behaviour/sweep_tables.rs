//! The table of a sweep, its best row, and its preview.

use flow::prelude::*;
use flow::sweep::{Cells, Table};

use crate::support::flow;

#[derive(Task)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 10)]
    rows: u32,
}

runs!(Get: u32 = |self, cx| {
    cx.meta("rows", self.rows)?;
    Ok(self.rows)
});

#[derive(Task)]
#[task(requires = Get, target = Json<f64>)]
struct Fit {
    #[param(default = 1.0)]
    c: f64,
    #[param(default = true)]
    scale: bool,
}

runs!(Fit: f64 = |self, cx| {
    ensure!(self.c > 0.0, "c must be positive\nand it is not");
    cx.meta("loss", 1.0 / self.c)?;
    if self.scale {
        cx.meta("note", "scaled, and so on")?;
    }
    Ok(self.c)
});

#[derive(Task)]
#[task(requires = Fit, target = Json<f64>)]
struct Score {
    #[param(default = 1)]
    digits: u32,
}

runs!(Score: f64 = |self, cx| {
    let c = *cx.input().load()?;
    ensure!(c < 100.0, "c is too large");
    cx.meta("score", if c > 50.0 { f64::NAN } else { c * 2.0 })?;
    cx.meta("digits", self.digits)?;
    cx.meta("parts", [1, 2])?;
    Ok(c)
});

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name.as_str()).collect()
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let cells = table.column(name).unwrap_or_else(|| panic!("{name} of {:?}", names(table)));
    (0..table.len()).map(|row| cells.text(row)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    let text = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    texts.iter().map(text).collect()
}

#[test]
fn a_table_has_parameters_and_metadata_side_by_side() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.allow_failures().sweep::<Score>().over(Fit::C, [1.0, -1.0, 200.0, 2.0]);
    sweep.run()?;
    let table = sweep.table()?;
    let expected = [
        "variant", "c", "status", "seconds", "digits", "parts", "score", "Fit.loss", "Fit.note",
        "Get.rows", "failure",
    ];
    assert_eq!(names(&table), expected);
    let status = some(&["complete", "not run", "failed", "complete"]);
    assert_eq!((table.len(), texts(&table, "status")), (4, status));
    let error = "Fit {c: -1.0, scale: true}: c must be positive";
    assert_eq!(texts(&table, "failure"), some(&["", error, "c is too large", ""]));
    // Numbers stay numbers, and missing values stay missing.
    assert_eq!(
        table.column("c"),
        Some(&Cells::Float(vec![Some(1.0), Some(-1.0), Some(200.0), Some(2.0)]))
    );
    assert_eq!(table.column("score"), Some(&Cells::Float(vec![Some(2.0), None, None, Some(4.0)])));
    assert_eq!(table.column("digits"), Some(&Cells::Int(vec![Some(1), None, None, Some(1)])));
    assert_eq!(texts(&table, "parts"), some(&["[1,2]", "", "", "[1,2]"]));
    // Metadata of tasks upstream of a failure is shown.
    let losses = Cells::Float(vec![Some(1.0), None, Some(0.005), Some(0.5)]);
    assert_eq!(table.column("Fit.loss"), Some(&losses));
    assert_eq!(table.column("Get.rows"), Some(&Cells::Int(vec![Some(10); 4])));
    let Some(Cells::Float(seconds)) = table.column("seconds") else {
        panic!("seconds are numbers")
    };
    assert!(seconds[0].is_some_and(|seconds| seconds > 0.0) && seconds[1].is_none());
    Ok(())
}

#[test]
fn a_variant_without_a_value_shows_the_value_it_uses() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .with(Get::ROWS, 20)
        .sweep::<Score>()
        .variant("base", |score| score)
        .variant("raw", |score| score.with(Fit::SCALE, false))
        .variant("more", |score| score.with(Get::ROWS, 30).with_named("digits", 3));
    let table = sweep.table()?;
    // Nothing has run, so that no metadata is recorded.
    assert_eq!(names(&table), ["variant", "scale", "rows", "digits", "status", "seconds"]);
    assert_eq!(
        table.column("scale"),
        Some(&Cells::Bool(vec![Some(true), Some(false), Some(true)]))
    );
    assert_eq!(table.column("rows"), Some(&Cells::Int(vec![Some(20), Some(20), Some(30)])));
    assert_eq!(table.column("digits"), Some(&Cells::Int(vec![None, None, Some(3)])));
    assert_eq!(texts(&table, "status"), some(&["pending"; 3]));

    sweep.run()?;
    let table = sweep.table()?;
    // Metadata whose name is taken is prefixed with its task.
    assert_eq!(texts(&table, "Score.digits"), some(&["1", "1", "3"]));
    assert_eq!(texts(&table, "Get.rows"), some(&["20", "20", "30"]));
    assert_eq!(texts(&table, "Fit.note"), some(&["scaled, and so on", "", "scaled, and so on"]));
    Ok(())
}

#[test]
fn variants_that_are_the_same_instance_are_noted() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Score>().variant("a", |a| a).variant("b", |b| b.with(Fit::C, 1.0));
    assert_eq!(sweep.table()?.notes(), ["`b` is the same instance as `a`"]);
    assert_eq!(sweep.run()?.ran().len(), 3);
    let many = flow.sweep::<Score>().over(Fit::C, [1.0; 20]);
    assert_eq!(many.run()?.ran().len(), 0);
    let table = many.table()?;
    assert_eq!(table.notes().len(), 6);
    assert_eq!(table.notes()[5], "14 more variants are the same as others");
    assert!(table.to_string().ends_with("\nnote: 14 more variants are the same as others"));
    Ok(())
}

#[derive(Task)]
#[task(requires(low = Fit { c: 1.0 }, high = Fit { c: 4.0 }, all = [Get { rows } for rows in 0..3]), target = Json<f64>)]
struct Report {
    #[param(default = 1)]
    n: u32,
}

runs!(Report: f64 = |self, _cx| Ok(f64::from(self.n)));

#[test]
fn named_instances_of_one_task_have_their_own_columns() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Report>().over(Report::N, [1, 2]);
    sweep.run()?;
    let table = sweep.table()?;
    assert_eq!(texts(&table, "Fit[low].loss"), some(&["1.0", "1.0"]));
    assert_eq!(texts(&table, "Fit[high].loss"), some(&["0.25", "0.25"]));
    assert!(table.column("Get.rows").is_none() && table.column("Fit.loss").is_none());
    let note = "a variant has several instances of Get: their metadata has no column";
    assert_eq!(table.notes(), [note]);
    Ok(())
}

#[test]
fn several_roots_have_their_own_columns() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<(Score, Get)>().over(Fit::C, [1.0, 2.0]);
    sweep.run()?;
    let table = sweep.table()?;
    assert_eq!(texts(&table, "Score.score"), some(&["2.0", "4.0"]));
    assert_eq!(texts(&table, "Get.rows"), some(&["10", "10"]));
    assert_eq!(sweep.max_by("Score.score")?.name, "c=2.0");
    Ok(())
}

#[test]
fn names_of_columns_are_unique() -> Result<()> {
    /// Records metadata under names of other columns.
    #[derive(Task)]
    #[task(requires = Get, target = Json<u32>)]
    struct Odd {
        status: u32,
    }

    runs!(Odd: u32 = |self, cx| {
        cx.meta("variant", 1)?;
        cx.meta("Get.rows", 2)?;
        cx.meta("a\nb", "c\u{202e}\td\ne")?;
        Ok(self.status)
    });

    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Odd>().over(Odd::STATUS, [7]);
    sweep.run()?;
    let table = sweep.table()?;
    let expected = [
        "variant",
        "Odd.status",
        "status",
        "seconds",
        "Get.rows",
        "a\nb",
        "Odd.variant",
        "Get.rows#2",
    ];
    assert_eq!(names(&table), expected);
    assert_eq!(texts(&table, "Get.rows#2"), some(&["10"]));
    let text = table.to_string();
    assert!(text.lines().count() == 2 && text.contains("c\\u{202e}\\td…"), "{text}");
    Ok(())
}

#[test]
fn a_table_is_printed_in_aligned_columns() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.allow_failures().sweep::<Score>().over(Fit::C, [0.5, -1.0, 10.0]);
    sweep.run()?;
    let text = sweep.table()?.to_string();
    let lines: Vec<_> = text.lines().map(|line| line.split("  ").collect::<Vec<_>>()).collect();
    // The cells of a line, without the time.
    let cells = |line: &[&str]| {
        let mut cells: Vec<_> = line.iter().map(|cell| cell.trim()).collect();
        cells.retain(|cell| !cell.is_empty());
        cells.remove(3);
        cells.join(" | ")
    };
    let expected = [
        "variant | c | status | digits | parts | score | Fit.loss | Fit.note | Get.rows | failure",
        "c=0.5 | 0.5 | complete | 1 | [1,2] | 1.0 | 2.0 | scaled, and so on | 10 | -",
        "c=-1.0 | -1.0 | not run | - | - | - | - | - | 10 | Fit {c: -1.0, scale: true}: c must be positive",
        "c=10.0 | 10.0 | complete | 1 | [1,2] | 20.0 | 0.1 | scaled, and so on | 10 | -",
    ];
    assert_eq!(lines.iter().map(|line| cells(line)).collect::<Vec<_>>(), expected, "{text}");
    // Text is aligned to the left, and numbers to the right.
    let starts: Vec<_> =
        text.lines().map(|line| line.find("complete").or(line.find("not run"))).collect();
    assert!(starts[1..].iter().all(|start| *start == text.find("status")), "{text}");
    let end = text.find("  status").expect("a column");
    assert!(text.lines().all(|line| line.as_bytes()[end - 1] != b' '), "{text}");
    Ok(())
}

#[test]
fn a_table_converts_to_csv_and_a_record_batch() -> Result<()> {
    use flow::arrow::datatypes::DataType;

    let (flow, _folder) = flow();
    let sweep = flow.allow_failures().sweep::<Score>().over(Fit::C, [0.5, -1.0]);
    sweep.run()?;
    let batch = sweep.table()?.to_record_batch()?;
    let schema = batch.schema();
    let ty = |name: &str| schema.field_with_name(name).map(|field| field.data_type().clone());
    assert_eq!(
        (batch.num_rows(), ty("variant")?, ty("c")?),
        (2, DataType::Utf8, DataType::Float64)
    );
    assert_eq!((ty("digits")?, ty("Get.rows")?), (DataType::Int64, DataType::Int64));
    assert_eq!(batch.column_by_name("score").map(|column| column.null_count()), Some(1));

    let csv = sweep.table()?.to_csv()?;
    let lines: Vec<_> = csv.lines().collect();
    let header = "variant,c,status,seconds,digits,parts,score,Fit.loss,Fit.note,Get.rows,failure";
    assert_eq!((lines[0], lines.len()), (header, 3));
    assert!(lines[1].ends_with(",1,\"[1,2]\",1.0,2.0,\"scaled, and so on\",10,"), "{csv}");
    assert!(
        lines[2].starts_with("c=-1.0,-1.0,not run,,,,,,,10,\"Fit {c: -1.0, scale: true}: c"),
        "{csv}"
    );
    Ok(())
}

#[test]
fn max_by_returns_the_best_variant_and_lists_those_left_out() -> Result<()> {
    let (flow, _folder) = flow();
    let values = [2.0, -1.0, 200.0, 60.0, 10.0, 10.0];
    let sweep = flow.allow_failures().sweep::<Score>().over(Fit::C, values);
    sweep.run()?;
    sweep.reset("c=2.0")?;
    let best = sweep.max_by("score")?;
    assert_eq!((best.name.as_str(), best.value, best.compared), ("c=10.0", 20.0, 2));
    assert_eq!(*best.flow.load::<Score>()?, 10.0);
    let left_out: Vec<_> = best.left_out.iter().map(|(n, why)| format!("{n} {why}")).collect();
    let expected = [
        "c=2.0 is not complete",
        "c=-1.0 was not run: Fit {c: -1.0, scale: true}: c must be positive",
        "c=200.0 failed: c is too large",
        "c=60.0 is NaN",
    ];
    assert_eq!(left_out, expected);
    let text =
        "c=10.0: score 20, the best of 2 (4 left out: c=2.0 is not complete; c=-1.0 was not run: ";
    assert!(best.to_string().starts_with(text) && best.to_string().ends_with("; …)"), "{best}");

    // Metadata of an upstream task, and the smallest value.
    let lowest = sweep.min_by("Fit.loss")?;
    assert_eq!((lowest.name.as_str(), lowest.value), ("c=200.0", 0.005));
    Ok(())
}

/// Records metadata under the name of its own parameter, and of a parameter upstream.
#[derive(Task)]
#[task(requires = Get, target = Json<f64>)]
struct Rate {
    #[param(default = 0.5)]
    rate: f64,
}

runs!(Rate: f64 = |self, cx| {
    ensure!(self.rate < 0.8, "too fast");
    cx.meta("rate", 1.0 - self.rate)?;
    cx.meta("rows", self.rate)?;
    Ok(self.rate)
});

#[test]
fn a_parameter_is_not_taken_for_metadata_of_the_same_name() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.allow_failures();
    let sweep = flow.sweep::<Rate>().over(Rate::RATE, [0.25, 0.5, 0.9]);
    // Without recorded metadata nothing is compared: a parameter is no result.
    let error = sweep.max_by("rate").unwrap_err().to_string();
    assert!(error.ends_with("\n  rate=0.9: is not complete"), "{error}");
    sweep.run()?;
    let expected = "`rate` is a parameter, and `Rate.rate` is metadata of the same name: use `Rate::RATE` \
                    for the parameter, or `Rate.rate` for the metadata";
    assert_eq!(sweep.max_by("rate").unwrap_err().to_string(), expected);
    assert_eq!(sweep.min_by("rate").unwrap_err().to_string(), expected);
    let best =
        |column: &str| sweep.max_by(column).map(|best| (best.name, best.value, best.compared));
    assert_eq!(best("Rate.rate")?, ("rate=0.25".to_owned(), 0.75, 2));
    assert_eq!(best("Rate::RATE")?, ("rate=0.5".to_owned(), 0.5, 2));
    let left_out = sweep.max_by("Rate::RATE")?.left_out;
    assert_eq!(left_out, [("rate=0.9".to_owned(), "failed: too fast".to_owned())]);
    Ok(())
}

#[test]
fn other_parameters_are_not_taken_for_metadata_either() -> Result<()> {
    let (flow, _folder) = flow();
    let upstream = flow.sweep::<Rate>().over(Get::ROWS, [1, 2]);
    upstream.run()?;
    let expected = "`rows` is a parameter, and `Rate.rows` is metadata of the same name: use `Get::ROWS` \
                    for the parameter, or `Rate.rows` for the metadata";
    assert_eq!(upstream.max_by("rows").unwrap_err().to_string(), expected);
    assert_eq!(upstream.max_by("Get::ROWS")?.name, "rows=2");
    assert_eq!(upstream.max_by("Rate.rows")?.value, 0.5);
    assert_eq!(upstream.min_by("Get.rows")?.name, "rows=1");
    // A parameter given by name.
    let named =
        flow.sweep::<Rate>().settings([0.25, 0.5], |rate, value| rate.with_named("rate", value));
    named.run()?;
    let error = named.max_by("rate").unwrap_err().to_string();
    assert!(error.contains("use `RATE` for the parameter, or `Rate.rate` for"), "{error}");
    assert_eq!((named.max_by("RATE")?.value, named.max_by("Rate.rate")?.value), (0.5, 0.75));
    // Several roots.
    let both = flow.sweep::<(Rate, Score)>().over(Rate::RATE, [0.25, 0.5]);
    both.run()?;
    let error = both.max_by("rate").unwrap_err().to_string();
    assert!(error.contains("`Rate.rate` is metadata"), "{error}");
    Ok(())
}

#[test]
fn max_by_without_numbers_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Score>().over(Fit::C, [60.0, 70.0]);
    let error = sweep.max_by("score").unwrap_err().to_string();
    let pending = "\n  c=60.0: is not complete\n  c=70.0: is not complete";
    assert_eq!(
        error,
        format!("no variant has a number `score`; run it first: `sweep.run()`{pending}")
    );
    sweep.run()?;
    let known = "; there are `digits`, `score`, `Fit.loss`, `Get.rows`";
    let error = sweep.max_by("score").unwrap_err().to_string();
    assert_eq!(
        error,
        format!("no variant has a number `score`{known}\n  c=60.0: is NaN\n  c=70.0: is NaN")
    );
    let error = sweep.max_by("scores").unwrap_err().to_string();
    assert!(error.contains("c=60.0: recorded no `scores`"), "{error}");
    let error = sweep.max_by("parts").unwrap_err().to_string();
    assert!(error.contains("c=60.0: is \"[1,2]\""), "{error}");
    Ok(())
}

#[test]
fn a_preview_lists_each_variant_and_shared_instances_once() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Score>()?;
    let sweep = flow
        .sweep::<Score>()
        .variant("base", |score| score)
        .variant("digits", |score| score.with(Score::DIGITS, 2))
        .variant("raw", |score| score.with(Fit::SCALE, false));
    let text = "3 variants: 1 complete, 2 to run\n  \
                base    COMPLETE\n  \
                digits  PENDING never run\n  \
                raw     PENDING never run (2 tasks of its own)\n\
                several share:\n\
                Fit {scale: true, c: 1.0} COMPLETE\n\
                └─ Get {rows: 10} COMPLETE";
    assert_eq!(sweep.preview()?.color(false).to_string(), text);
    assert!(sweep.preview()?.color(true).to_string().contains("\u{1b}["));
    // A single variant shares nothing, and is shown like a plain flow.
    let one = flow.sweep::<Score>().over(Score::DIGITS, [2]).preview()?.color(false);
    let text = "1 variant: 1 to run\n  digits=2  PENDING never run\n\
                Score {digits: 2} PENDING never run\n\
                └─ Fit {c: 1.0, scale: true} COMPLETE\n   \
                   └─ Get {rows: 10} COMPLETE";
    assert_eq!(one.to_string(), text);
    Ok(())
}

#[test]
fn a_long_preview_is_truncated() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep =
        flow.sweep::<Score>().over(Fit::C, (1..=20).map(f64::from)).over(Score::DIGITS, 1..=5);
    let preview = sweep.preview()?.color(false);
    let text = preview.to_string();
    // The title, 50 variants and a count of the others; then 12 shared fits with their
    // requirements, and a count of the others.
    assert!(text.contains("\n  … 50 more, 50 of them to run\nseveral share:\nFit {"), "{text}");
    assert_eq!(text.lines().count(), 1 + 50 + 1 + 1 + 12 * 2 + 1, "{text}");
    assert!(text.ends_with("\n… 8 more Fit PENDING"), "{text}");
    assert_eq!(preview.all().to_string().lines().count(), 1 + 100 + 1 + 20 * 2);
    Ok(())
}

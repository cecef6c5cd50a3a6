//! The cells of a sweep's table hold the exact values of its variants, even if the text is hostile.

use arrow::array::AsArray;
use flow::prelude::*;
use flow::sweep::{Cells, Table};

use crate::support::flow;

/// Records its parameter as metadata, as a number if it is one.
#[derive(Task)]
#[task(target = Text)]
struct Echo {
    #[param(default = String::new())]
    status: String,
    #[param(default = None)]
    note: Option<String>,
}

runs!(Echo: String = |self, cx| {
    if let Ok(number) = self.status.parse::<f64>() {
        cx.meta("score", number)?;
    } else {
        cx.meta("score", &self.status)?;
    }
    Ok(self.status.clone())
});

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    match table.column(name) {
        Some(Cells::Text(texts)) => texts.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

const HOSTILE: [&str; 12] =
    ["", " ", "none", "a\nb", "\r", "a,b", "q\"q\"", "\\n", "=1+1", "\u{202e}x", "NaN", "<script>"];

#[test]
fn text_is_kept_exactly_in_a_record_batch_and_in_csv() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Echo>().settings(HOSTILE, |echo, text| {
        echo.with(Echo::STATUS, text).with(Echo::NOTE, Some(text.to_owned()))
    });
    let table = sweep.table()?;
    let given: Vec<_> = HOSTILE.iter().map(|text| Some((*text).to_owned())).collect();
    assert_eq!(texts(&table, "Echo.status"), given);
    assert_eq!(texts(&table, "note"), given);
    let batch = table.to_record_batch()?;
    let column = batch.column_by_name("Echo.status").expect("a column").as_string::<i32>();
    assert!(column.iter().eq(HOSTILE.iter().copied().map(Some)), "{column:?}");
    let csv = table.to_csv()?;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let place = reader.headers()?.iter().position(|name| name == "Echo.status");
    let read = reader.records().map(|row| Ok(row?[place.expect("a column")].to_owned()));
    assert_eq!(read.collect::<Result<Vec<_>, csv::Error>>()?, HOSTILE);
    // No text breaks a line of the printed table.
    assert_eq!(table.to_string().lines().count(), 1 + HOSTILE.len());
    Ok(())
}

#[test]
fn text_that_looks_like_a_number_stays_text() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Echo>().over(Echo::NOTE, [None, Some("NaN".into()), Some("1".into())]);
    let table = sweep.table()?;
    assert_eq!(texts(&table, "note"), [None, Some("NaN".into()), Some("1".into())]);
    let all = flow.sweep::<Echo>().over(Echo::STATUS, ["NaN", "inf"]).table()?;
    assert_eq!(texts(&all, "Echo.status"), [Some("NaN".into()), Some("inf".into())]);
    Ok(())
}

#[test]
fn a_value_given_by_name_takes_no_reserved_column() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<Echo>()
        .variant("one", |echo| echo.with_named("status", "1"))
        .variant("two", |echo| echo.with_named("status", "two"));
    sweep["one"].run::<Echo>()?;
    let table = sweep.table()?;
    let names: Vec<_> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["variant", "status#2", "status", "seconds", "score"]);
    assert_eq!(texts(&table, "status"), [Some("complete".into()), Some("pending".into())]);
    assert_eq!(texts(&table, "status#2"), [Some("1".into()), Some("two".into())]);
    let best = sweep.max_by("score")?;
    assert_eq!((best.name.as_str(), &*best.left_out[0].1), ("one", "is not complete"));
    Ok(())
}

#[test]
fn text_in_one_variant_leaves_other_numbers_comparable() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Echo>().over(Echo::STATUS, ["0.5", "n/a", "10", "9"]);
    sweep.run()?;
    assert_eq!(texts(&sweep.table()?, "score")[1], Some("n/a".into()));
    let best = sweep.max_by("score")?;
    assert_eq!((best.name.as_str(), best.value, best.compared), ("status=10", 10.0, 3));
    assert_eq!(best.left_out, [("status=n/a".to_owned(), "is \"n/a\"".to_owned())]);
    Ok(())
}

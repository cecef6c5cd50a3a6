//! Expectations on the command line: the summary of `run`, `meta`, `show --rejected` and `debug`.

use crate::{quality, words};

#[test]
fn violated_expectations_and_rejected_rows_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let ran = quality(folder, words("run Readings"));
    let printed = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, 0, "{printed}");
    assert!(
        printed.contains("`kwh` not null: violated in 2 of 4 rows: row 1; row 3 (rejected rows: "),
        "{printed}"
    );

    let meta = quality(folder, words("meta Readings")).ok();
    let lines: Vec<_> = meta.lines().collect();
    assert_eq!(
        lines[1..],
        [
            "  expectations: 2 of 3 expectations met, 2 rejected rows",
            "    met  1.. rows",
            "    met  `kwh` in ..100.0",
            "    warn `kwh` not null: violated in 2 of 4 rows: row 1; row 3",
        ],
        "{meta}"
    );

    let shown = quality(folder, words("show Readings --rejected --rows 1")).ok();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[1].ends_with("rejected.jsonl (2 rejected rows)"), "{shown}");
    assert_eq!(
        lines[2..],
        [
            r#"{"row":1,"expectations":["`kwh` not null"],"values":{"meter":1,"kwh":null}}"#,
            "… and 1 more row"
        ]
    );
    let shown = quality(folder, words("show Readings --rejected --json")).json();
    assert_eq!(
        (&shown["total_rows"], &shown["whole"], &shown["rows"][1]["values"]["meter"]),
        (&2.into(), &true.into(), &3.into())
    );

    let none = quality(folder, words("show Readings --meters 1 --rejected"));
    assert_eq!(none.code, 1);
    assert!(none.err.contains("violated an expectation in its last run"), "{}", none.err);
}

#[test]
fn a_task_that_fails_an_expectation_shows_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let failed = quality(folder, words("run Readings --meters 70 -q"));
    assert_eq!(failed.code, 1, "{}", failed.err);
    let why =
        "the output is not as expected: `kwh` in ..100.0: violated in 1 of 70 rows: row 68: 102.0";
    assert!(format!("{}{}", failed.out, failed.err).contains(why), "{}{}", failed.out, failed.err);
    let shown = quality(folder, words("show Readings --meters 70 --rejected --json")).json();
    assert_eq!(shown["total_rows"], 36);
    let debug = quality(folder, words("debug Readings --meters 70 --no-run")).ok();
    assert!(debug.contains("expectations: 1 of 3 expectations met, 36 rejected rows"), "{debug}");
    assert!(debug.contains("\n    fail `kwh` in ..100.0: violated in 1 of 70 rows"), "{debug}");
}

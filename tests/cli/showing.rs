//! `show`: tables, JSON, text, several parts, external files, and outputs of other programs.

use crate::{folder, stocks, weather, words};

#[test]
fn a_table_is_shown_with_its_columns_and_first_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let missing = stocks(folder, words("show Prices"));
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("run it first, with `run Prices`"), "{}", missing.err);
    stocks(folder, words("run Prices -q")).ok();

    let shown = stocks(folder, words("show Prices --rows 2")).ok();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("Prices"), "{shown}");
    assert!(
        lines[1].contains(".parquet (parquet, ") && lines[1].ends_with(", 30 rows)"),
        "{shown}"
    );
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["day", "close", "note"]);
    assert_eq!(lines[5].split_whitespace().collect::<Vec<_>>(), ["0", "100.0", "even"]);
    assert_eq!(lines[6].split_whitespace().collect::<Vec<_>>(), ["1", "100.5", "null"]);
    assert_eq!(lines[7..], ["… and 28 more rows"]);

    let shown = stocks(folder, words("show Prices --rows 2 --json")).json();
    let part = &shown["parts"][0];
    assert_eq!(
        (&part["columns"][1]["name"], &part["format"]),
        (&"close".into(), &"parquet".into())
    );
    assert_eq!((&part["total_rows"], &part["whole"]), (&30.into(), &false.into()));
    assert_eq!(part["rows"][1], serde_json::json!(["1", "100.5", null]));
    let shown = stocks(folder, words("show Prices --rows 30 --json")).json();
    assert_eq!(shown["parts"][0]["whole"], true);
}

#[test]
fn statistics_describe_each_column_of_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Listed --days 5 -q")).ok();
    // CSV has no types, and the inferred ones give the same.
    for shown in
        ["show Prices --days 5 --in Listed --statistics", "show Listed --days 5 --statistics"]
    {
        let shown = stocks(folder, words(shown)).ok();
        let row = |name: &str| {
            let line = shown.lines().find(|line| line.starts_with(name)).expect("the column");
            line.split_whitespace().skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(shown.contains(", 5 rows)"), "{shown}");
        assert_eq!(row("day "), ["0", "0", "4", "2.0", "1.58114"]);
        assert_eq!(row("close "), ["0", "100.0", "102.0", "101.0", "0.790569"]);
        assert_eq!(row("note "), ["2", "even", "even"]);
    }
    let shown = stocks(folder, words("show Prices --days 5 --statistics --json")).json();
    let note = &shown["parts"][0]["statistics"][2];
    assert_eq!((&note["nulls"], &note["mean"]), (&2.into(), &serde_json::Value::Null));
    assert!(
        stocks(folder, words("show Prices --statistics --rows 3")).refused().contains("--rows")
    );
}

#[test]
fn json_and_text_are_shown_by_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Page -q")).ok();
    let shown = stocks(folder, words("show Average --in Page")).ok();
    assert!(shown.ends_with("{\n  \"text\": \"107.25\",\n  \"tags\": []\n}\n"), "{shown}");
    let shown = stocks(folder, words("show Page")).ok();
    assert!(shown.ends_with(")\nThe average\nis 107.25.\n"), "{shown}");
    let shown = stocks(folder, words("show Page --rows 1")).ok();
    assert!(shown.ends_with(")\nThe average\n… and more lines\n"), "{shown}");
    assert!(stocks(folder, words("show Page --rows 0")).refused().contains("--rows"));
}

#[test]
fn the_parts_of_an_output_are_shown_together_or_one_by_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Split -q")).ok();
    let shown = stocks(folder, words("show Split --json")).json();
    let parts = shown["parts"].as_array().expect("a list");
    let formats: Vec<_> = parts.iter().map(|part| &part["format"]).collect();
    assert_eq!(formats, ["arrow", "csv", "json"]);
    assert_eq!(parts[1]["rows"][0][0], "15");
    let count = stocks(folder, words("show Split --part count --json")).json();
    assert_eq!(
        (&count["parts"][0]["text"], &count["parts"][0]["whole"]),
        (&"30".into(), &true.into())
    );
    let wrong = stocks(folder, words("show Split --part third")).refused();
    assert!(wrong.contains("has no part \"third\": it has first, second, count"), "{wrong}");
}

#[test]
fn an_external_file_is_shown_as_its_cells_are() {
    let folder = folder();
    let shown = weather(folder.path(), words("show Measurements --json")).json();
    let rows = &shown["parts"][0]["rows"];
    assert_eq!(rows[2], serde_json::json!(["Oslo", null]));
    assert_eq!(shown["parts"][0]["total_rows"], 5);
}

#[test]
fn an_output_of_another_program_is_selected_by_task_and_parameters() {
    let folder = folder();
    let folder = folder.path();
    stocks(folder, words("run Prices -q --days 3")).ok();
    stocks(folder, words("run Prices -q --days 4")).ok();
    // `weather` has no task `Prices`.
    let several = weather(folder, words("show --stored Prices")).refused();
    assert!(several.contains("2 outputs match") && several.contains("days: 3"), "{several}");
    for param in ["days=4", "Prices.days=4"] {
        let shown =
            weather(folder, ["show", "--stored", "Prices", "--param", param, "--json"]).json();
        assert_eq!(shown["parts"][0]["total_rows"], 4);
    }
    let none = weather(folder, words("show --stored Prices --param days=5")).refused();
    assert!(none.contains("no output has these parameters"), "{none}");
    let unknown = weather(folder, words("show --stored Price")).refused();
    assert!(unknown.contains("no output of a task `Price`: it has outputs of Prices"), "{unknown}");
    assert!(weather(folder, words("show")).refused().contains("<TASK>"));
    assert!(weather(folder, words("show Report --stored Prices")).refused().contains("--stored"));
}

#[test]
fn a_damaged_table_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Split -q")).ok();
    let shown = stocks(folder, words("show Split --part first --json")).json();
    let path = folder.join(shown["parts"][0]["path"].as_str().expect("a path"));
    let good = std::fs::read(&path).expect("the table");
    // The footer has the places and the sizes of the batches.
    let footer =
        i32::from_le_bytes(good[good.len() - 10..good.len() - 6].try_into().expect("a size"));
    let start = good.len() - 10 - usize::try_from(footer).expect("a size");
    for at in start..good.len() {
        let mut damaged = good.clone();
        damaged[at] = 0xff;
        std::fs::remove_file(&path).expect("the table is removed");
        std::fs::write(&path, damaged).expect("the damaged table");
        let shown = stocks(folder, words("show --stored Split --part first"));
        assert!(matches!(shown.code, 0..=2), "byte {at}: {} {}", shown.code, shown.err);
    }
}

#[test]
fn figures_and_notes_are_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let missing = stocks(folder, words("show Average --figures"));
    assert!(missing.err.contains("run it first, with `run Average`"), "{}", missing.err);
    stocks(folder, words("run Page -q")).ok();
    let shown = stocks(folder, words("show Average --figures")).ok();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("Average"), "{shown}");
    let figure = lines[1].strip_prefix("figure: prices (SVG, ").expect("a figure");
    let path = figure.split_once("): ").expect("a path").1;
    assert!(std::fs::read_to_string(path).expect("the figure").starts_with("<svg "), "{path}");
    assert_eq!(lines[2..], ["note: The mean of *all* days.", "      Missing days do not count."]);
    let meta = stocks(folder, words("meta Average")).ok();
    assert!(meta.contains("\n  days: 30\n  figure: prices (SVG, "), "{meta}");
    assert!(
        meta.ends_with("\n  note: The mean of *all* days.\n        Missing days do not count.\n")
    );

    let none = stocks(folder, words("show Page --figures"));
    assert_eq!(none.code, 1);
    assert!(
        none.err.contains("Page has no figures or notes: a task keeps them with"),
        "{}",
        none.err
    );
    let both = stocks(folder, words("show Page --figures --rows 3")).refused();
    assert!(both.contains("--figures"), "{both}");

    // Those of a run that has failed.
    assert_eq!(stocks(folder, words("run Average -q --at_least 99")).code, 1);
    let failed = stocks(folder, words("show Average --figures --at_least 99")).ok();
    assert!(failed.contains("\nlast run, which failed:\n  figure: prices (SVG, "), "{failed}");
}

#[test]
fn a_note_that_was_modified_hides_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Average -q")).ok();
    let shown = stocks(folder, words("show Average --figures")).ok();
    let figure = shown.lines().find_map(|line| line.split_once("): ")).expect("a figure").1;
    let beside = std::path::Path::new(figure).parent().expect("a folder");
    for entry in std::fs::read_dir(beside).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            std::fs::write(&path, "something else").expect("written");
        }
    }
    for (verb, expected) in
        [("meta Average", "days: 30"), ("show Average --figures", "prices (SVG")]
    {
        let ran = stocks(folder, words(verb));
        let warned = ran.err.contains("warning: cannot show the notes: ")
            && ran.err.contains("it has other content than the task has kept");
        assert!(warned, "{}", ran.err);
        assert!(ran.ok().contains(expected), "{verb}");
    }
}

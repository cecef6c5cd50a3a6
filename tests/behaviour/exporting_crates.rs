//! Exports as a crate: the generated source. `tests/code/exported_crate.rs` tests that the crate compiles and how a
//! program uses it.

use std::fs;
use std::path::Path;

use flow::prelude::*;

use crate::support::{files_below, flow};

#[derive(Serialize, Deserialize)]
struct Row {
    n: u64,
    share: f64,
}

#[derive(Task)]
#[task(target = Csv<Vec<Row>>)]
struct Rows {
    #[param(default = 3)]
    n: u64,
}

runs!(Rows: Vec<Row> = |self, _cx| Ok((0..self.n).map(|n| Row { n, share: 0.5 }).collect()));

#[derive(Task)]
#[task(requires = Rows, target = Json<String>)]
struct Text {
    #[param(default = "a")]
    text: String,
}

runs!(Text: String = |self, _cx| Ok(self.text.clone()));

/// A table whose column type depends on the parameter.
#[derive(Task)]
#[task(target = Csv<RecordBatch>)]
struct Cells {
    #[param(default = "1")]
    cell: String,
}

runs!(Cells: RecordBatch = |self, _cx| {
    let column: flow::arrow::array::ArrayRef = match self.cell.parse::<i64>() {
        Ok(n) => std::sync::Arc::new(flow::arrow::array::Int64Array::from(vec![n])),
        Err(_) => std::sync::Arc::new(flow::arrow::array::StringArray::from(vec![self.cell.as_str()])),
    };
    Ok(RecordBatch::try_from_iter([("cell", column)])?)
});

fn source(folder: &Path) -> Result<String> {
    Ok(fs::read_to_string(folder.join("src/lib.rs"))?)
}

#[test]
fn a_crate_has_a_task_for_each_output_and_structs_for_rows() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("my outputs");
    for n in [3, 5] {
        let flow = flow.with(Rows::N, n);
        flow.run::<Text>()?;
        flow.export_crate::<(Text, Rows)>(&to)?;
    }
    let mut names: Vec<_> = files_below(&to);
    names.retain(|path| path.extension().is_some_and(|of| of == "rs" || of == "toml"));
    assert_eq!(names, [to.join("Cargo.toml"), to.join("src/lib.rs")]);
    let cargo = fs::read_to_string(to.join("Cargo.toml"))?;
    assert!(cargo.contains("name = \"my-outputs\""), "{cargo}");
    assert!(cargo.contains("serde_json = \"1\""), "{cargo}");
    let source = source(&to)?;
    for part in [
        "pub struct RowsRow {\n    /// `n`: `UInt64`.\n    pub n: u64,\n    /// `share`: `Float64`.\n    pub share: f64,\n}",
        "target = Csv<Vec<RowsRow>>, name = \"my_outputs-Rows\")]\npub struct Rows {\n    /// `3`, `5`.\n    pub n: i64,\n}",
        "(3, \"Rows/n=3.csv\"),\n            (5, \"Rows/n=5.csv\"),",
        // A name that the prelude has, a parameter with one value, and the parameter that differs.
        "pub struct TextOutput<T = serde_json::Value>",
        "#[param(default = \"a\")]\n    pub text: String,\n    /// `Rows.n`, of `3`, `5`.\n    pub rows_n: i64,",
    ] {
        assert!(source.contains(part), "{part} is not in {source}");
    }
    let readme = fs::read_to_string(to.join("README.md"))?;
    assert!(readme.contains("use my_outputs::*;"), "{readme}");
    // The example in the README uses the same name, because `Text` is the name of a target.
    assert!(readme.contains("struct TextOutput;"), "{readme}");
    Ok(())
}

#[test]
fn an_export_into_a_crate_adds_to_the_crate() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("outputs");
    flow.run::<Text>()?;
    flow.export_crate::<Text>(&to)?;
    assert!(!source(&to)?.contains("pub struct Rows"));
    flow.export::<Rows>(&to)?;
    assert!(source(&to)?.contains("pub struct Rows"));
    // Repeating the export changes nothing.
    let before = source(&to)?;
    assert!(flow.export_crate::<Text>(&to)?.instances().is_empty());
    assert_eq!(source(&to)?, before);
    Ok(())
}

#[test]
fn source_files_written_by_hand_are_not_replaced() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Text>()?;
    let to = folder.path().join("outputs");
    fs::create_dir_all(to.join("src"))?;
    fs::write(to.join("src/lib.rs"), "// mine")?;
    let error = flow.export_crate::<Text>(&to).expect_err("it is not an export's").to_string();
    assert!(error.contains("lib.rs is in the way of an export"), "{error}");
    assert_eq!(files_below(&to), [to.join("src/lib.rs")]);

    // A source file that was changed after the export is not replaced either.
    let to = folder.path().join("more");
    flow.export_crate::<Text>(&to)?;
    let changed = source(&to)? + "// and mine";
    fs::write(to.join("src/lib.rs"), &changed)?;
    let error = flow.export_crate::<(Text, Rows)>(&to).expect_err("it was changed").to_string();
    assert!(error.contains("it was changed since it was exported"), "{error}");
    assert_eq!(source(&to)?, changed);
    Ok(())
}

#[test]
fn earlier_outputs_of_another_type_are_left_out_and_reported() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("outputs");
    let text = flow.with(Cells::CELL, "x");
    flow.run::<Cells>()?;
    text.run::<Cells>()?;
    flow.export_crate::<Cells>(&to)?;
    let handed = text.export_crate::<Cells>(&to)?;
    assert_eq!(handed.outdated(), ["Cells {cell: 1}"]);
    let shown = handed.to_string();
    assert!(shown.contains("left out of the crate"), "{shown}");
    assert!(shown.ends_with("Cells {cell: 1}"), "{shown}");
    let written = source(&to)?;
    assert!(written.contains("is read as another type: `Cells {cell: 1}`."), "{written}");
    assert!(written.contains("pub cell: Option<String>,"), "{written}");
    // The README says how to load both.
    let readme = fs::read_to_string(to.join("README.md"))?;
    for line in [
        "Of `Cells {cell: 1}`:",
        "| cell | Int64 | yes |",
        "Of `Cells {cell: x}`:",
        "| cell | Utf8 | yes |",
    ] {
        assert!(readme.contains(line), "{line}:\n{readme}");
    }
    // The files stay. Exporting the first output again puts it back into the crate.
    assert!(to.join("Cells/cell=1.csv").exists());
    assert_eq!(flow.export_crate::<Cells>(&to)?.outdated(), ["Cells {cell: x}"]);
    assert!(source(&to)?.contains("pub cell: Option<i64>,"));
    Ok(())
}

#[test]
fn outputs_of_one_export_without_a_common_type_are_an_error() -> Result<()> {
    #[derive(Task)]
    #[task(requires(one = Cells, two = Cells { cell: "x".to_owned() }), aggregate)]
    struct Both;

    let (flow, folder) = flow();
    flow.run::<Both>()?;
    let to = folder.path().join("outputs");
    let error = flow.export_crate::<Both>(&to).expect_err("no type reads both").to_string();
    let expected = "no type reads both Cells {cell: 1} and Cells {cell: x}: column \"cell\" is of type Int64 \
                    and Utf8; export outputs of the same code, or each into its own folder";
    assert_eq!(error, expected);
    assert!(files_below(&to).is_empty());
    // A plain export accepts both.
    assert_eq!(flow.export::<Both>(&to)?.instances().len(), 2);
    Ok(())
}

//! Exports: outputs as files with readable names and a manifest, and their import into another store.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;
use flow::{Code, File};
use serde_json::Value;

use crate::support::{assert_consistent, files_below, flow, in_full, reused};

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Rows {
    #[param(default = 3)]
    n: u64,
}

runs!(Rows: Vec<u64> = |self, _cx| Ok((0..self.n).collect()));

#[derive(Serialize, Deserialize, Clone, Debug)]
enum Kind {
    Plain,
    Squared,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Row {
    n: u64,
    name: Option<String>,
}

#[derive(Task)]
#[task(requires(rows = Rows), target = Parquet<Vec<Row>>)]
struct Table {
    #[param(default = Kind::Plain)]
    kind: Kind,
}

runs!(Table: Vec<Row> = |self, cx| {
    cx.meta("rows", cx.input().rows.load()?.len())?;
    let rows = cx.input().rows.load()?.into_owned().into_iter();
    Ok(rows.map(|n| Row { n: if let Kind::Squared = self.kind { n * n } else { n }, name: None }).collect())
});

#[derive(Outputs)]
struct Split {
    #[output(Csv)]
    even: Vec<Row>,
    #[output(Text)]
    note: String,
    #[output(File(extension = "d"))]
    shards: PathBuf,
}

#[derive(Task)]
#[task(requires = Rows, outputs = Split)]
struct Parts {
    /// Has characters that a file name cannot have.
    #[param(default = "../a b")]
    label: String,
}

runs!(Parts: Split = |self, cx| {
    let path = cx.out_path_of(Split::SHARDS)?;
    fs::create_dir_all(path.join("x/nothing"))?;
    fs::write(path.join("x/one"), "1")?;
    let even = cx.input().load()?.iter().map(|&n| Row { n: n * 2, name: Some(n.to_string()) }).collect();
    Ok(Split { even, note: "two".to_owned(), shards: path })
});

#[derive(Task)]
#[task(requires = Table, target = Memory<u64>)]
struct Held;

runs!(Held: u64 = |self, cx| Ok(cx.input().load()?.len() as u64));

#[derive(Task)]
#[task(requires(Held, Parts), target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().0.load()? + cx.input().1.load_one(Split::EVEN)?.len() as u64));

fn manifest(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?)
}

/// Returns the paths of all files below a folder, relative to it.
fn names(folder: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.strip_prefix(folder).expect("below").display().to_string();
    files_below(folder).into_iter().map(name).collect()
}

#[test]
fn an_export_has_readable_names_and_a_manifest() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Table::KIND, Kind::Squared);
    flow.run::<Report>()?;
    let to = folder.path().join("handed");
    let handed = flow.graph::<Report>().export(&to)?;
    assert_eq!((handed.instances().len(), handed.files()), (5, 6));
    let key = flow.graph::<Report>().output::<Parts>()?.path()?;
    let key = key.file_name().expect("a folder").to_string_lossy()[..]
        .rsplit('-')
        .next()
        .map(str::to_owned);
    let parts = format!("Parts/label=_.._a_b-{}", key.expect("a key"));
    let mut expected = vec![
        "README.md".to_owned(),
        "Report/Table.kind=Squared.json".to_owned(),
        "Rows/n=3.json".to_owned(),
        "Table/kind=Squared.parquet".to_owned(),
        "flow_outputs.py".to_owned(),
        "manifest.json".to_owned(),
        format!("{parts}/even.csv"),
        format!("{parts}/note.txt"),
        format!("{parts}/shards.d/x/one"),
    ];
    expected.sort();
    let mut found = names(&to);
    found.sort();
    assert_eq!(found, expected);
    assert!(to.join(&parts).join("shards.d/x/nothing").is_dir());

    let manifest = manifest(&to)?;
    assert_eq!(manifest["format"], 1);
    let outputs = manifest["outputs"].as_array().expect("outputs");
    let of =
        |task: &str| outputs.iter().find(|output| output["task"] == task).expect("it is there");
    let table = of("Table");
    assert_eq!(table["instance"], "Table {kind: Squared}");
    assert_eq!(table["parameters"]["kind"], "Squared");
    assert_eq!(table["parameters"]["Rows.n"], 3);
    assert_eq!(table["meta"]["rows"], 3);
    assert_eq!(table["inputs"][0]["name"], "rows");
    assert_eq!(table["inputs"][0]["instance"], "Rows {n: 3}");
    assert_eq!(table["inputs"][0]["key"], of("Rows")["key"]);
    assert_eq!(table["inputs"][0]["digest"], of("Rows")["record"]["output"]["digest"]);
    let file = &table["files"][0];
    assert_eq!(file["path"], "Table/kind=Squared.parquet");
    let bytes = fs::read(to.join("Table/kind=Squared.parquet"))?;
    assert_eq!(file["bytes"], bytes.len());
    assert_eq!(file["digest"], blake3::hash(&bytes).to_hex()[..32]);
    let column = &file["columns"][1];
    assert_eq!(column["type"], "LargeUtf8");
    assert_eq!((&column["name"], &column["nullable"]), (&"name".into(), &true.into()));
    assert_eq!(column["rust"], "Option<String>");
    assert_eq!(file["rust"], "Parquet<RecordBatch>");
    assert_eq!(of("Held")["files"], serde_json::json!([]));

    let readme = fs::read_to_string(to.join("README.md"))?;
    for line in [
        "## Table",
        "- `Table {kind: Squared}`, created ",
        "; input `Rows {n: 3}`",
        "| n | UInt64 | no |",
        "#[task(external, path = \"Table/kind=Squared.parquet\", target = Parquet<RecordBatch>)]",
        "struct PartsNote;",
        "flow_outputs.load(task, name=value)  # by the parameters of the task and of its upstream tasks",
        "value = flow_outputs.read(\"Table/kind=Squared.parquet\")",
        "it was in memory, and has no file",
    ] {
        assert!(readme.contains(line), "{line}:\n{readme}");
    }
    // The code in the README loads the table without the code of the task.
    #[derive(Task)]
    #[task(external, path = self.to.join("Table/kind=Squared.parquet"), target = Parquet<RecordBatch>, name = "Read")]
    struct Read {
        to: PathBuf,
    }
    let batch = Flow::open(folder.path().join("reader"))?.with(Read::TO, to).load::<Read>()?;
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, 2));
    Ok(())
}

#[test]
fn settings_are_exported_side_by_side_and_copied_once() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    for kind in [Kind::Plain, Kind::Squared, Kind::Plain] {
        let flow = flow.with(Table::KIND, kind);
        flow.run::<Table>()?;
        flow.export::<Table>(&to)?;
    }
    assert_eq!(names(&to.join("Table")), ["kind=Plain.parquet", "kind=Squared.parquet"]);
    assert_eq!(manifest(&to)?["outputs"].as_array().map(Vec::len), Some(2));

    // Files that exist are not copied again; missing and changed ones are.
    let handed = flow.export::<Table>(&to)?;
    assert_eq!((handed.files(), handed.instances().len()), (0, 0));
    fs::remove_file(to.join("Table/kind=Plain.parquet"))?;
    assert_eq!(flow.export::<Table>(&to)?.files(), 1);
    let more = flow.with(Rows::N, 4);
    more.run::<Table>()?;
    more.export::<Table>(&to)?;
    assert_eq!(names(&to.join("Table")).len(), 3);
    Ok(())
}

#[test]
fn files_that_no_export_wrote_are_not_replaced() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Table>()?;
    let to = folder.path().join("handed");
    fs::create_dir_all(to.join("Table"))?;
    fs::write(to.join("notes.txt"), "mine")?;
    for name in ["README.md", "flow_outputs.py", "Table/kind=Plain.parquet"] {
        fs::write(to.join(name), "mine")?;
        let error = in_full(flow.export::<Table>(&to).expect_err("it is in the way"));
        assert!(error.contains("no export has written it") && error.contains(name), "{error}");
        assert_eq!(fs::read_to_string(to.join(name))?, "mine");
        assert!(!to.join("manifest.json").exists());
        fs::remove_file(to.join(name))?;
    }
    fs::create_dir(to.join("README.md"))?;
    assert!(in_full(flow.export::<Table>(&to).expect_err("a folder")).contains("it is a folder"));
    fs::remove_dir(to.join("README.md"))?;

    flow.export::<Table>(&to)?;
    assert_eq!(fs::read_to_string(to.join("notes.txt"))?, "mine");
    fs::write(to.join("Table/kind=Plain.parquet"), "changed")?;
    let error = in_full(flow.export::<Table>(&to).expect_err("it was changed"));
    assert!(error.contains("it was changed since it was exported"), "{error}");
    assert_eq!(fs::read_to_string(to.join("Table/kind=Plain.parquet"))?, "changed");

    // A pending output is not exported.
    flow.reset::<Table>()?;
    let error = in_full(flow.export::<Table>(&to).expect_err("it is not complete"));
    assert!(error.contains("Table {kind: Plain} is not complete (never run)"), "{error}");
    Ok(())
}

#[test]
fn an_imported_output_is_found_by_its_fingerprint() -> Result<()> {
    let (here, folder) = flow();
    here.run::<Report>()?;
    let to = folder.path().join("handed");
    here.graph::<Report>().export(&to)?;

    let there = Flow::open(folder.path().join("there"))?.quiet();
    let imported = there.import(&to)?;
    assert_eq!((imported.instances().len(), imported.files()), (5, 6));
    assert!(there.is_complete::<Report>()?);
    assert_eq!(*there.load::<Report>()?, 6);
    let shards = there.graph::<Report>().output::<Parts>()?.part(Split::SHARDS).load()?;
    assert_eq!(fs::read_to_string(shards.join("x/one"))?, "1");
    assert!(there.run::<Report>()?.ran().is_empty());
    assert_eq!(there.import(&to)?.present(), 5);
    assert_consistent(there.folder());

    // A store with an equal upstream output uses the imported one.
    let other = Flow::open(folder.path().join("other"))?.quiet();
    fs::remove_dir_all(&to)?;
    here.export::<Table>(&to)?;
    other.run::<Rows>()?;
    other.import(&to)?;
    assert!(other.run::<Table>()?.ran().is_empty());
    assert_eq!(other.load::<Table>()?.len(), 3);
    Ok(())
}

mod other {
    use flow::Code;
    use flow::prelude::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    pub(super) struct Versioned;

    impl Run for Versioned {
        const CODE: Code = Code::version(2);

        fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
            Ok(2)
        }
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Versioned;

impl Run for Versioned {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

#[test]
fn an_import_keeps_the_outputs_of_the_store() -> Result<()> {
    let (here, folder) = flow();
    here.run::<Versioned>()?;
    let to = folder.path().join("handed");
    here.export::<Versioned>(&to)?;
    let data = folder.path().join("there");
    let there = Flow::open(&data)?.quiet();
    there.run::<other::Versioned>()?;
    assert_eq!(there.import(&to)?.instances(), ["Versioned"]);
    assert_eq!(there.import(&to)?.present(), 1);
    assert_eq!(*there.load::<other::Versioned>()?, 2);
    assert_consistent(&data);

    // The code that computed the imported output reuses it.
    let before = Flow::open(&data)?.quiet();
    assert_eq!(reused(&before.run::<Versioned>()?), ["Versioned"]);
    assert_eq!(*before.load::<Versioned>()?, 1);
    let garbage = before.store().gc().older_than(std::time::Duration::ZERO).find()?;
    assert_eq!(garbage.files(), 0, "{garbage}");
    Ok(())
}

#[test]
fn damaged_files_and_manifests_are_not_imported() -> Result<()> {
    let (here, folder) = flow();
    here.run::<Report>()?;
    let to = folder.path().join("handed");
    here.export::<Report>(&to)?;
    let there = || Ok::<_, anyhow::Error>(Flow::open(folder.path().join("there"))?.quiet());
    let file = to.join("Report/output.json");
    let was = fs::read(&file)?;
    for damaged in [&b"7"[..], b"", b"66"] {
        fs::write(&file, damaged)?;
        let error = in_full(there()?.import(&to).expect_err("it is damaged"));
        assert!(error.contains("output.json is damaged: it "), "{error}");
        assert!(
            files_below(&folder.path().join("there"))
                .iter()
                .all(|file| !file.ends_with("record.json"))
        );
    }
    fs::write(&file, was)?;

    let good = manifest(&to)?;
    type Change = fn(&mut Value);
    let wrong: [(&str, Change); 9] = [
        ("outside", |m| m["outputs"][0]["files"][0]["path"] = "../../secret".into()),
        ("outside", |m| m["outputs"][0]["files"][0]["path"] = "/etc/passwd".into()),
        ("outside", |m| m["outputs"][0]["record"]["output"]["files"][0]["file"] = "../x".into()),
        ("folder", |m| m["outputs"][0]["folder"] = "../../0123456789abcdef".into()),
        ("folder", |m| m["outputs"][0]["folder"] = ".flow/0123456789abcdef".into()),
        ("fingerprint", |m| m["outputs"][0]["stored"] = "Other".into()),
        ("do not match its record", |m| m["outputs"][0]["files"] = serde_json::json!([])),
        ("format 2", |m| m["format"] = 2.into()),
        ("missing field", |m| m["outputs"][0] = serde_json::json!({})),
    ];
    for (what, change) in wrong {
        let mut manifest = good.clone();
        change(&mut manifest);
        fs::write(to.join("manifest.json"), serde_json::to_vec(&manifest)?)?;
        let error = in_full(there()?.import(&to).expect_err("it is wrong"));
        assert!(
            error.contains(what) && error.contains("manifest.json is damaged"),
            "{what}: {error}"
        );
        assert!(
            files_below(&folder.path().join("there"))
                .iter()
                .all(|file| !file.ends_with("record.json"))
        );
    }
    fs::remove_file(to.join("manifest.json"))?;
    let error = in_full(there()?.import(&to).expect_err("there is none"));
    assert!(error.contains("it has no `manifest.json`"), "{error}");
    Ok(())
}

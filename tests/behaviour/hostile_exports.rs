//! Exports that an attacker has written or changed: no text becomes code, no path leads out of the folder,
//! no link is followed, and only regular files are opened.

use std::fs;
use std::path::{Path, PathBuf};

use flow::File;
use flow::prelude::*;
use serde_json::{Value, json};

use crate::support::{files_below, flow, in_full, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(default = 1)]
    n: u64,
}

runs!(Number: u64 = |self, _cx| Ok(self.n));

#[derive(Serialize, Deserialize)]
struct Row {
    n: u64,
}

#[derive(Task)]
#[task(target = Csv<Vec<Row>>)]
struct Rows;

runs!(Rows: Vec<Row> = |self, _cx| Ok(vec![Row { n: 1 }]));

fn manifest(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?)
}

fn change(folder: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut changed = manifest(folder)?;
    change(&mut changed);
    Ok(fs::write(folder.join("manifest.json"), serde_json::to_vec(&changed)?)?)
}

/// Returns the contents of the files that an export generates, by name.
fn texts(folder: &Path) -> Result<Vec<(&'static str, String)>> {
    let names = ["flow_outputs.py", "Cargo.toml", "src/lib.rs", "README.md", "manifest.json"];
    names.into_iter().map(|name| Ok((name, fs::read_to_string(folder.join(name))?))).collect()
}

/// Writes code into each text of a manifest from which an export generates code.
fn poison(output: &mut Value) {
    output["target"] = "EVIL".into();
    let file = &mut output["files"][0];
    file["rust"] = "EVIL".into();
    file["typed"] = "EVIL<{}>".into();
    file["crates"] = json!({"evil": "1", "x = { path = \"EVIL\" }\nz": "EVIL"});
    file["features"] = json!(["EVIL\"]\n[dependencies.x]\npath = \"EVIL\""]);
    file["python"] = json!({
        "imports": ["os; EVIL"],
        "expression": "__import__('os').system('EVIL')",
    });
    file["columns"] = json!([
        {"name": "a", "type": "Int64", "nullable": false, "rust": "EVIL"},
        {"name": "b", "type": "Struct", "nullable": false, "rust": "{}", "fields": [
            {"name": "c", "type": "Int64", "nullable": false, "rust": "EVIL"}]},
    ]);
}

#[test]
fn no_text_of_a_changed_manifest_becomes_code() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<(Number, Rows)>()?;
    flow.export_crate::<(Number, Rows)>(&to)?;
    change(&to, |manifest| {
        manifest["outputs"].as_array_mut().expect("outputs").iter_mut().for_each(poison);
    })?;
    let two = flow.with(Number::N, 2);
    two.run::<Number>()?;
    let handed = two.export_crate::<Number>(&to)?;
    assert_eq!(handed.without_code(), ["Number {n: 1}", "Rows"]);
    let shown = handed.to_string();
    assert!(shown.contains("loaded as a path from now on") && shown.contains("Rows"), "{shown}");
    for (name, text) in texts(&to)? {
        assert!(!text.to_lowercase().contains("evil"), "{name}:\n{text}");
    }
    // An output that was left out is not reported again. Exporting it from its store restores its code.
    let three = flow.with(Number::N, 3);
    three.run::<Number>()?;
    assert_eq!(three.export::<Number>(&to)?.without_code(), [""; 0]);
    flow.export::<(Number, Rows)>(&to)?;
    let source = fs::read_to_string(to.join("src/lib.rs"))?;
    assert!(source.contains("target = Csv<Vec<RowsRow>>"), "{source}");
    let python = fs::read_to_string(to.join("flow_outputs.py"))?;
    assert_eq!(python.matches("\ndef _read_").count(), 2, "{python}");
    Ok(())
}

#[test]
fn a_manifest_without_a_valid_seal_yields_no_code() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<(Number, Rows)>()?;
    flow.export_crate::<Rows>(&to)?;
    // The original seal is invalid for changed texts.
    let own = manifest(&to)?["outputs"][0]["seal"].take();
    for forged in [Value::Null, "0".repeat(32).into(), own] {
        change(&to, |manifest| {
            let mut outputs = manifest["outputs"].as_array_mut().expect("outputs").iter_mut();
            let output = outputs.find(|output| output["task"] == "Rows").expect("it is there");
            output["files"][0]["python"]["expression"] = "EVIL(path)".into();
            output["seal"] = forged;
        })?;
        let handed = flow.export::<Number>(&to)?;
        assert_eq!(handed.without_code(), ["Rows"]);
        for (name, text) in texts(&to)? {
            assert!(!text.contains("EVIL"), "{name}:\n{text}");
        }
        flow.export::<Rows>(&to)?;
    }
    Ok(())
}

#[test]
fn outputs_exported_by_another_store_are_loaded_as_paths() -> Result<()> {
    let (flow, folder) = flow();
    let other = Flow::open(folder.path().join("other"))?.quiet();
    let to = folder.path().join("handed");
    other.run::<Rows>()?;
    other.export::<Rows>(&to)?;
    flow.run::<Number>()?;
    assert_eq!(flow.export::<Number>(&to)?.without_code(), ["Rows"]);
    let outputs = manifest(&to)?["outputs"].take();
    let rows = outputs.as_array().expect("outputs").iter().find(|of| of["task"] == "Rows");
    let file = &rows.expect("it is there")["files"][0];
    assert_eq!((&file["python"], &file["columns"][0]["name"]), (&Value::Null, &"n".into()));
    // The import works as for any export.
    let third = Flow::open(folder.path().join("third"))?.quiet();
    third.import(&to)?;
    assert_eq!(third.load::<Rows>()?.len(), 1);
    Ok(())
}

/// A table whose column names come from a parameter.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct Named {
    name: String,
}

runs!(Named: RecordBatch = |self, _cx| {
    use flow::arrow::array::{ArrayRef, Int64Array, StructArray};
    use flow::arrow::datatypes::{DataType, Field};

    let numbers: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1]));
    let field = std::sync::Arc::new(Field::new(&self.name, DataType::Int64, false));
    let inner: ArrayRef = std::sync::Arc::new(StructArray::from(vec![(field, numbers.clone())]));
    Ok(RecordBatch::try_from_iter([(format!("x{}", self.name), inner), (self.name.clone(), numbers)])?)
});

#[test]
fn hostile_column_names_never_become_code() -> Result<()> {
    let hostile = [
        "a\nEVIL!();",
        "a\r\nEVIL = 1",
        "\"\"\"\nEVIL",
        "*/ EVIL",
        "`\n```\nEVIL",
        "\u{202e}EVIL\u{2066}",
        "'\"\\\nEVIL",
        "{}\nEVIL",
        "]\n[lib]\nEVIL",
        "<script>EVIL",
        "|\nEVIL",
        "\u{2028}EVIL",
    ];
    let (flow, folder) = flow();
    for (i, name) in hostile.into_iter().enumerate() {
        let to = folder.path().join(format!("handed {i}"));
        let flow = flow.with(Named::NAME, name);
        flow.run::<Named>()?;
        flow.export_crate::<Named>(&to)?;
        for (file, text) in texts(&to)? {
            let is_line = |line: &str| line.trim_start_matches(['/', ' ', '#']).starts_with("EVIL");
            assert!(!text.lines().any(is_line), "{name:?} in {file}:\n{text}");
            let is_direction = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let is_shown = file != "manifest.json" && file != "flow_outputs.py";
            assert!(!is_shown || !text.contains(is_direction), "{name:?} in {file}:\n{text}");
        }
    }
    Ok(())
}

#[test]
fn cargo_builds_only_the_generated_source() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Number>()?;
    fs::create_dir(&to)?;
    // By default, Cargo runs a file of this name.
    fs::write(to.join("build.rs"), "fn main() { panic!() }")?;
    flow.export_crate::<Number>(&to)?;
    let cargo = fs::read_to_string(to.join("Cargo.toml"))?;
    for line in ["build = false", "autobins = false", "path = \"src/lib.rs\""] {
        assert!(cargo.contains(line), "{cargo}");
    }
    Ok(())
}

#[test]
fn a_manifest_cannot_replace_or_remove_files_of_the_user() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Number>()?;
    flow.export::<Number>(&to)?;
    fs::write(to.join("notes.txt"), "mine")?;
    let digest = blake3::hash(b"mine").to_hex()[..32].to_owned();
    change(&to, |manifest| manifest["written"]["notes.txt"] = digest.into())?;
    flow.export::<Number>(&to)?;
    assert_eq!(fs::read_to_string(to.join("notes.txt"))?, "mine");

    // A manifest is refused if it names a file of a build, or a file outside the folder of the task.
    for name in ["build.rs", "src", ".cargo/config.toml", "Number/a b", "Number/\n"] {
        let good = fs::read(to.join("manifest.json"))?;
        change(&to, |manifest| manifest["outputs"][0]["files"][0]["path"] = name.into())?;
        for error in [flow.export::<Number>(&to).err(), flow.import(&to).err()] {
            let error = in_full(error.expect("it is no name"));
            assert!(error.contains("no name of an exported output"), "{error}");
        }
        fs::write(to.join("manifest.json"), good)?;
    }
    Ok(())
}

#[test]
fn an_import_stays_in_the_open_namespace() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Number>()?;
    flow.export::<Number>(&to)?;
    let good = manifest(&to)?;
    let named = good["outputs"][0]["folder"].as_str().expect("a folder").to_owned();
    let instance = named.rsplit('/').next().expect("an instance");
    let data = folder.path().join("there");
    for hostile in [
        format!("env=prod/Number/{instance}"),
        format!("ENV=prod/{instance}"),
        format!("Number/{instance}/{instance}"),
        format!("Number/a\n{} x/{instance}", "0".repeat(32)),
        format!("Number/\n{instance}"),
        format!("Number/a b-{instance}"),
        format!("../Number/{instance}"),
        format!("/Number/{instance}"),
        format!(".flow/index/{instance}"),
        instance.to_owned(),
        String::new(),
    ] {
        change(&to, |manifest| manifest["outputs"][0]["folder"] = hostile.clone().into())?;
        let there = Flow::open(&data)?.quiet();
        let error = in_full(there.import(&to).expect_err("it leads elsewhere"));
        assert!(error.contains("it is not the folder of its instance"), "{hostile:?}: {error}");
        assert!(!there.namespace("prod").is_complete::<Number>()?);
        assert!(files_below(&data).is_empty(), "{hostile:?}");
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Landed;

runs!(Landed: u64 = |self, _cx| Ok(1));

#[test]
fn an_import_uses_the_task_folder_of_the_program() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Landed>()?;
    flow.export::<Landed>(&to)?;
    change(&to, |manifest| {
        let folder = manifest["outputs"][0]["folder"].as_str().expect("a folder").to_owned();
        manifest["outputs"][0]["folder"] = folder.replace("Landed", "Rows").into();
    })?;
    let data = folder.path().join("there");
    let there = Flow::open(&data)?.quiet();
    there.import(&to)?;
    assert!(data.join("Landed").is_dir() && !data.join("Rows").exists());
    assert_eq!(*there.load::<Landed>()?, 1);
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() -> Result<()> {
    use std::os::unix::fs::symlink;

    let (flow, folder) = flow();
    flow.run::<Number>()?;
    let outside = folder.path().join("outside");
    fs::create_dir(&outside)?;
    for name in ["Number", "manifest.json", "README.md", "flow_outputs.py", ".exporting.json"] {
        let to = folder.path().join(format!("handed {name}"));
        fs::create_dir(&to)?;
        symlink(if name == "Number" { outside.clone() } else { outside.join("x") }, to.join(name))?;
        let error = in_full(flow.export::<Number>(&to).expect_err("it is a link"));
        assert!(error.contains(name) && error.contains("is a link"), "{error}");
        assert!(files_below(&outside).is_empty());
    }

    // An import follows no link either.
    let to = folder.path().join("handed");
    flow.export::<Number>(&to)?;
    fs::rename(to.join("Number"), outside.join("Number"))?;
    symlink(outside.join("Number"), to.join("Number"))?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    let error = in_full(there.import(&to).expect_err("it is a link"));
    assert!(error.contains("is a link"), "{error}");
    Ok(())
}

/// A task that writes a folder.
#[derive(Task)]
#[task(target = File(extension = "d"))]
struct Written;

runs!(Written: PathBuf = |self, cx| {
    let folder = cx.out_path()?;
    fs::create_dir(&folder)?;
    fs::write(folder.join("part"), "1")?;
    Ok(folder)
});

#[cfg(target_os = "linux")]
#[test]
fn a_file_of_the_wrong_size_is_not_read() -> Result<()> {
    /// A size in bytes that would take hours to read.
    const HUGE: u64 = 12 << 40;

    let (flow, folder) = flow();
    let export = |flow: &Flow, to: &Path| {
        flow.graph::<(Number, Written)>().export(to)?;
        Ok::<_, flow::Error>(())
    };
    flow.run::<(Number, Written)>()?;
    let part = "Written/output.d/part";
    for (n, name) in ["README.md", "manifest.json", "Number/n=1.json", part].iter().enumerate() {
        let to = folder.path().join(format!("handed{n}"));
        export(&flow, &to)?;
        assert!(to.join(name).is_file(), "{:?}", files_below(&to));
        fs::File::create(to.join(name))?.set_len(HUGE)?;
        let error = in_full(export(&flow, &to).expect_err("it was changed"));
        assert!(error.contains(name), "{name}: {error}");
        let there = Flow::open(folder.path().join("there"))?.quiet();
        if !name.ends_with(".md") {
            assert!(in_full(there.import(&to).expect_err("it was changed")).contains(name));
        }
    }
    // A file in a store is not read either.
    let number = flow.output::<Number>()?.path()?;
    fs::File::create(&number)?.set_len(HUGE)?;
    assert_eq!(flow.store().verify()?.damage().len(), 1);
    assert_eq!(ran(&flow.run::<Number>()?), ["Number"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn only_regular_files_of_bounded_size_are_read() -> Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let (flow, folder) = flow();
    flow.run::<Number>()?;
    let pipe = |path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0);
    for name in ["manifest.json", ".exporting.json", "README.md", "Number/n=1.json"] {
        let to = folder.path().join(format!("handed {}", name.replace('/', " ")));
        fs::create_dir_all(to.join("Number"))?;
        pipe(&to.join(name))?;
        let error = in_full(flow.export::<Number>(&to).expect_err("it is a pipe"));
        assert!(error.contains(name), "{error}");
    }
    let to = folder.path().join("handed");
    flow.export::<Number>(&to)?;
    fs::remove_file(to.join("Number/n=1.json"))?;
    pipe(&to.join("Number/n=1.json"))?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    assert!(in_full(there.import(&to).expect_err("it is a pipe")).contains("n=1.json"));

    // A sparse file of three gigabytes.
    fs::File::create(to.join("manifest.json"))?.set_len(3 << 30)?;
    for error in [flow.export::<Number>(&to).err(), there.import(&to).err()] {
        let error = in_full(error.expect("it is too large"));
        assert!(
            error.contains("has 3221225472 bytes, and a file of its kind has at most"),
            "{error}"
        );
    }
    Ok(())
}

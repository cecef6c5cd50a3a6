//! Python: the package that a verb writes, and notebooks that run the program through it.

use std::process::Command;

use crate::{folder, weather, words};

#[test]
fn a_verb_writes_the_python_package() {
    let folder = folder();
    let folder = folder.path();
    let written = weather(folder, words("python --to notebooks --json")).json();
    assert_eq!(written["folder"], "notebooks/flow_outputs");
    let package = folder.join("notebooks/flow_outputs");
    for name in written["files"].as_array().expect("a list") {
        assert!(package.join(name.as_str().expect("a name")).is_file(), "{name}");
    }
    assert!(!folder.join("data").exists(), "no store was created");

    // It replaces an earlier copy, and no other folder.
    std::fs::write(package.join("store.py"), "").expect("a file");
    let text = weather(folder, words("python --to notebooks")).ok();
    assert!(text.contains("from flow_outputs import Program, Store"), "{text}");
    let store = std::fs::read_to_string(package.join("store.py")).expect("a file");
    assert!(store.contains("class Store:"), "{store}");
    std::fs::create_dir_all(folder.join("own/flow_outputs")).expect("a folder");
    std::fs::write(folder.join("own/flow_outputs/__init__.py"), "mine\n").expect("a file");
    let refused = weather(folder, words("python --to own"));
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("is not replaced"), "{}", refused.err);
    assert!(weather(folder, ["python"]).refused().contains("--to <DIR>"));
}

#[test]
fn the_columns_of_an_output_are_described() {
    let folder = folder();
    let folder = folder.path();
    let missing = weather(folder, words("describe Temperature"));
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("run it first"), "{}", missing.err);
    weather(folder, words("run Temperature -q")).ok();
    let stored = weather(folder, words("describe Temperature --json")).json();
    assert_eq!((&stored["stored"], &stored["target"]), (&true.into(), &"Json<f64>".into()));
    let path = stored["files"][0]["path"].as_str().expect("a path");
    assert!(folder.join(path).is_file(), "{path}");

    let external = weather(folder, words("describe Measurements --json")).json();
    assert_eq!(external["stored"], false);
    let description = &external["files"][0]["description"];
    assert_eq!(description["columns"][1]["name"], "celsius");
    let read = description["python"]["expression"].as_str().expect("an expression");
    assert!(read.starts_with("_frame(_csv(path, pyarrow.schema(["), "{read}");
    let text = weather(folder, words("describe Measurements")).ok();
    assert!(text.contains("\n  celsius: Float64, may be null"), "{text}");
}

const SCRIPT: &str = r#"
import sys

sys.path.insert(0, "notebooks")
from flow_outputs import NotFound, Program, ProgramError, RunFailed, Store

weather = Program(sys.argv[1], quiet=True)
assert [task["name"] for task in weather.tasks()] == ["Measurements", "Report", "Temperature"]
plan = weather.plan("Temperature", station="Rome")
assert plan["pending"] == 1, plan
ran = weather.run("Temperature", station="Rome")
assert ran["success"] and [one["task"] for one in ran["ran"]] == ["Temperature"], ran
assert weather.load("Temperature", station="Rome") == 25.0
assert weather.path("Temperature", station="Rome").read_text() == "25.0"
assert weather.meta("Temperature", station="Rome") == {"data": 0, "value": 25.0}

# Values keep their types: text with signs, lists, null, booleans, names of options.
assert weather.get("Report", tags=["a,b", "--x", "\"q\""], limit=None, station="Rome") == '25 a,b+--x+"q" None'
assert weather.get("Report", limit=0.5, tags=()) == "2  Some(0.5)"
assert weather.get("Temperature", {"Temperature.data": 3}, fahrenheit=True) == 35.6
assert weather.meta("Temperature", {"data": 3}, fahrenheit=True)["data"] == 3
assert weather.run("Temperature", options=["--force"])["ran"]

# A store has the same outputs, without the program.
store = Store("data")
assert store.load("Temperature", station="Rome") == 25.0
assert store.load("Report", station="Rome") == '25 a,b+--x+"q" None'
assert len(store.list("Temperature")) == len(weather.status("Temperature")["outputs"])
assert len(weather.history()) == 5, weather.history()
table = weather.sweep("Temperature", station=["Oslo", "Rome"])
assert table["success"] and len(table["variants"]) == 2, table


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert type(error) is kind and all(word in str(error) for word in words), repr(error)
        return error
    raise AssertionError(words)


error = refused(RunFailed, lambda: weather.run("Temperature", station="Nowhere"), "Nowhere has 0 values")
assert error.code == 1 and not error.result["success"] and len(error.result["failed"]) == 1
error = refused(ProgramError, lambda: weather.run("Temperature", at_least=1000), "at_least")
assert error.code == 2
refused(ProgramError, lambda: weather.run("Temperatur"), "Temperature")
refused(ProgramError, lambda: weather.load("Temperature", station="Elsewhere"), "run it first")
refused(ProgramError, lambda: Program("./missing").tasks(), "cannot start ./missing")
refused(ProgramError, lambda: Program([sys.executable, "-c", "print(1, 2)"]).tasks(), "printed no JSON")
refused(NotFound, lambda: weather.load("Temperature", station="Rome", part="left"), "no part 'left'")
refused(ValueError, lambda: weather.run(), "needs a task")

# Another store, folder and environment.
elsewhere = Program(sys.argv[1], data="other", quiet=True)
assert elsewhere.get("Temperature") == 2.0 and Store("other").load("Temperature") == 2.0
by_variable = Program([sys.argv[1]], environment={"FLOW_DATA": "third"}, folder=".", quiet=True)
assert by_variable.get("Temperature") == 2.0 and Store("third").tasks() == ["Temperature"]
"#;

#[test]
#[ignore = "it needs a Python: see the head of tests/readback/main.rs"]
fn a_notebook_runs_the_program_and_loads_its_outputs() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("python --to notebooks")).ok();
    let python = std::env::var("READBACK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python)
        .args(["-B", "-c", SCRIPT, env!("CARGO_BIN_EXE_weather")])
        .current_dir(folder)
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

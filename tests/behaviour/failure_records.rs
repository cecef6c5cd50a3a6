//! What the store records of a failed instance: the error with its causes, the place of a panic, the metadata, the log,
//! the inputs. Previews show a line of it, `why` and the instance all of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use flow::plan::LastFailure;
use flow::prelude::*;

use crate::support::{
    failed, failure, files_below, flow, key, one_file, preview, without_ages, without_backtraces,
};

static BROKEN: AtomicBool = AtomicBool::new(true);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Rows {
    #[param(default = 3)]
    n: u64,
}

runs!(Rows: u64 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(requires(rows = Rows), target = Json<u64>)]
struct Mean {
    #[param(default = "all")]
    of: String,
}

runs!(Mean: u64 = |self, cx| {
    let rows = *cx.input().rows.load()?;
    cx.meta("rows", rows)?;
    cx.log("reading");
    if BROKEN.load(Ordering::SeqCst) {
        return Err(anyhow!("the file ends early").context("cannot read a.csv"));
    }
    Ok(rows)
});

/// Returns the failure of the root.
fn last_failure<T: Task>(flow: &Flow) -> Option<LastFailure> {
    let instance = flow.graph::<T>().instances().expect("a plan").pop().expect("a root");
    instance.failure().expect("the store can be read")
}

/// Returns the file of the failure of a task.
fn file(flow: &Flow, task: &str) -> PathBuf {
    one_file(&flow.folder().join(task), "failure", ".json")
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn everything_about_a_failure_is_recorded_and_shown() -> Result<()> {
    BROKEN.store(true, Ordering::SeqCst);
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<Mean>());
    assert_eq!(failed(&summary), ["Mean"]);
    assert_eq!(summary.failed()[0].attempts, 1);

    let recorded = json(&file(&flow, "Mean"));
    assert_eq!(recorded["error"], "cannot read a.csv: the file ends early");
    assert_eq!(recorded["chain"], serde_json::json!(["cannot read a.csv", "the file ends early"]));
    let run = &recorded["run"];
    assert_eq!((&run["attempts"], &run["meta"]), (&1.into(), &serde_json::json!({"rows": 3})));
    assert_eq!(run["log"], "log.txt");
    assert!(run["seconds"].as_f64().is_some_and(|seconds| seconds < 60.0), "{run}");
    let instance = &recorded["instance"];
    assert_eq!((&instance["task"], &instance["parameters"]["of"]), (&"Mean".into(), &"all".into()));
    let input = &instance["made_from"]["inputs"][0];
    assert_eq!((&input["role"], &input["instance"]), (&"rows".into(), &"Rows {n: 3}".into()));
    let output = one_file(&flow.folder().join("Rows"), "data-", ".json");
    let relative = output.strip_prefix(flow.folder())?.to_str();
    assert_eq!(instance["paths"][0].as_str(), relative);
    let of_rows = json(&one_file(&flow.folder().join("Rows"), "record", ".json"));
    assert_eq!(input["digest"], of_rows["output"]["digest"]);

    let found = last_failure::<Mean>(&flow).context("it has failed")?;
    assert_eq!(found.chain, ["cannot read a.csv", "the file ends early"]);
    assert_eq!((found.attempts, &found.panicked_at), (1, &None));
    assert_eq!(found.metadata["rows"], 3);
    let log = one_file(&flow.folder().join("Mean"), "log", ".txt");
    assert_eq!(found.log.as_deref(), Some(&*log));
    assert!(found.started.is_some_and(|started| started <= found.ended));

    // A line in the preview, and all of it in the explanation.
    let shown = preview::<Mean>(&flow);
    let line = shown.lines().next().context("a line")?;
    assert_eq!(
        without_ages(line),
        "Mean {of: all} PENDING failed last time: cannot read a.csv: the file ends early (AGE ago)"
    );
    let why = without_backtraces(&flow.why::<Mean>()?.to_string());
    let all = format!(
        "Mean {{of: all}}: failed last time: cannot read a.csv: the file ends early (AGE ago)\n  \
         error: cannot read a.csv\n  caused by: the file ends early\n  log: {}\n  metadata:\n    rows: 3",
        log.display()
    );
    assert_eq!(without_ages(&why), all);
    assert_eq!(flow.why::<Mean>()?.causes()[0].failure.as_ref(), Some(&found));

    // A success ends it.
    BROKEN.store(false, Ordering::SeqCst);
    flow.run::<Mean>()?;
    assert_eq!(last_failure::<Mean>(&flow), None);
    let left = files_below(flow.folder());
    assert!(!left.iter().any(|file| file.ends_with("failure.json")), "{left:?}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Panics;

runs!(Panics: u64 = |self, cx| {
    cx.meta("before", "it")?;
    let none: Vec<u64> = Vec::new();
    Ok(*none.first().expect("a number"))
});

#[test]
fn the_place_of_a_panic_is_recorded() -> Result<()> {
    let (flow, _folder) = flow();
    failure(flow.run::<Panics>());
    let found = last_failure::<Panics>(&flow).context("it has failed")?;
    let place = found.panicked_at.clone().context("a place")?;
    let line = place.strip_prefix(&format!("{}:", file!())).context("this file")?;
    assert!(line.parse::<u32>().is_ok(), "{place}");
    assert_eq!(found.chain, [format!("it panicked at {place}: a number")]);
    assert_eq!(
        found.to_string(),
        format!("error: it panicked at {place}: a number\nmetadata:\n  before: \"it\"")
    );
    assert_eq!(json(&file(&flow, "Panics"))["panicked_at"].as_str(), Some(&*place));
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Words {
    #[param(file)]
    text: PathBuf,
}

runs!(Words: usize = |self, cx| Ok(fs::read_to_string(&self.text)?.len()));

#[test]
fn a_task_that_was_not_started_has_an_error_and_nothing_else() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Words::TEXT, folder.path().join("gone.txt"));
    let summary = failure(flow.run::<Words>());
    assert_eq!((summary.failed()[0].attempts, &summary.failed()[0].log), (0, &None));
    let recorded = json(&file(&flow, "Words"));
    assert_eq!((recorded.get("run"), recorded.get("instance")), (None, None));
    let found = last_failure::<Words>(&flow).context("it has failed")?;
    assert_eq!((found.attempts, found.started, found.host), (0, None, None));
    assert!(found.error.contains("create the file"), "{}", found.error);
    Ok(())
}

#[test]
fn records_of_earlier_releases_are_shown() -> Result<()> {
    let (flow, _folder) = flow();
    failure(flow.run::<Panics>());
    let path = file(&flow, "Panics");
    let key = key::<Panics>(&flow);
    let old =
        format!("{{\"key\": \"{key}\", \"error\": \"e: f\", \"at\": \"2026-01-01T00:00:00Z\"}}");
    fs::write(&path, old)?;
    assert!(preview::<Panics>(&flow).contains("Panics PENDING failed last time: e: f ("));
    let found = last_failure::<Panics>(&flow).context("it has failed")?;
    assert_eq!((&*found.error, found.attempts, found.log), ("e: f", 0, None));
    assert_eq!(found.chain, ["e: f"]);
    // Without a word of its inputs, it runs again with the present ones.
    let again = flow.debug::<Panics>()?.run_again()?;
    assert!(again.result().is_err());
    Ok(())
}

#[test]
fn hostile_and_damaged_records_are_ignored_or_escaped() -> Result<()> {
    let (flow, _folder) = flow();
    failure(flow.run::<Panics>());
    let path = file(&flow, "Panics");
    let good = fs::read_to_string(&path)?;
    for bad in ["", "{", "[]", "null", &"[".repeat(200_000), &good.replace("\"at\"", "\"it\"")] {
        fs::write(&path, bad)?;
        assert_eq!(preview::<Panics>(&flow), "Panics PENDING never run", "{bad:.20}");
        assert_eq!(last_failure::<Panics>(&flow), None);
        let error = flow.debug::<Panics>().expect_err("nothing is known").to_string();
        assert!(error.contains("failure.json is damaged: "), "{error}");
    }
    let key = key::<Panics>(&flow);
    fs::write(&path, good.replace(&key, &format!("{:032x}", 7)))?;
    let error = flow.debug::<Panics>().expect_err("nothing is known").to_string();
    assert!(error.contains("failure.json is that of another instance"), "{error}");
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    assert_eq!(preview::<Panics>(&flow), "Panics PENDING never run");
    fs::remove_dir(&path)?;

    // Text that would change the terminal, and a log outside the folder.
    let mut hostile = serde_json::from_str::<serde_json::Value>(&good)?;
    hostile["error"] = "\u{1b}[2Jred\u{202e}\nnext".into();
    hostile["chain"] = serde_json::json!(["\u{1b}[2Jred", "\u{7}"]);
    hostile["run"]["log"] = "../../../secret".into();
    hostile["run"]["host"] = "\u{1b}]0;host".into();
    hostile["run"]["meta"] = serde_json::json!({"\u{1b}a": "\u{9b}"});
    fs::write(&path, serde_json::to_vec(&hostile)?)?;
    let shown = preview::<Panics>(&flow);
    assert!(shown.contains("failed last time: \\u{1b}[2Jred\\u{202e} ("), "{shown}");
    let why = flow.why::<Panics>()?.to_string();
    assert!(why.contains("\n  caused by: \\u{7}\n"), "{why}");
    let debug = flow.debug::<Panics>()?.to_string();
    for text in [shown, why, debug] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\u{9b}']), "{text:?}");
        assert!(!text.contains("secret"), "{text:?}");
    }
    assert_eq!(last_failure::<Panics>(&flow).and_then(|failure| failure.log), None);
    Ok(())
}

//! `docs/guide/src/json.md` documents the JSON of every verb: each field is in the table of the verb, with its type, and each
//! documented field that is not optional is there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::{Printed, folder, stocks, weather, words};

/// The fields of a document: the type by the path.
type Fields = BTreeMap<String, String>;

/// Returns the table below the heading of a verb.
fn fields(section: &str) -> Fields {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/json.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    let heading = format!("## `{section}`");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('#'));
    let fields: Fields = lines
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let (path, kind) = (cells.next()?.strip_suffix('`')?, cells.next()?);
            Some((path.to_owned(), kind.to_owned()))
        })
        .collect();
    assert!(!fields.is_empty(), "json.md has no fields of `{section}`");
    fields
}

/// A comparison of a document with its fields.
struct Comparison {
    fields: Fields,
    seen: BTreeSet<String>,
    problems: Vec<String>,
}

impl Comparison {
    fn check(&mut self, value: &Value, path: &str) {
        let shown = if path.is_empty() { "." } else { path };
        let Some(kind) = self.fields.get(shown).cloned() else {
            self.problems.push(format!("{shown} is not documented"));
            return;
        };
        self.seen.insert(shown.to_owned());
        let (kind, is_optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind.to_owned(), true),
            None => (kind, false),
        };
        match (value, kind.as_str()) {
            (Value::Null, _) if is_optional => {}
            (_, "any") | (Value::Object(_), "map") => {}
            (Value::String(_), "text")
            | (Value::Number(_), "number")
            | (Value::Bool(_), "bool") => {}
            (Value::Array(items), "list") => {
                items.iter().for_each(|item| self.check(item, &format!("{path}[]")));
            }
            (Value::Object(entries), "object") => self.check_object(entries, path),
            (value, kind) => self.problems.push(format!("{shown} is {value}, and not {kind}")),
        }
    }

    fn check_object(&mut self, entries: &serde_json::Map<String, Value>, path: &str) {
        let before = if path.is_empty() { String::new() } else { format!("{path}.") };
        for (name, value) in entries {
            self.check(value, &format!("{before}{name}"));
        }
        for (field, kind) in &self.fields {
            let own = field.strip_prefix(&before).filter(|own| !own.contains(['.', '[']));
            if let Some(own) = own
                && !own.is_empty()
                && !kind.ends_with('?')
                && !entries.contains_key(own)
            {
                self.problems.push(format!("{field} is missing"));
            }
        }
    }
}

/// Checks the JSON that a verb has printed.
#[track_caller]
pub(crate) fn check(section: &str, printed: &Printed) -> BTreeSet<String> {
    assert!(matches!(printed.code, 0 | 1), "{section}: {}", printed.err);
    let value = serde_json::from_str(&printed.out).expect("one JSON document");
    let mut comparison =
        Comparison { fields: fields(section), seen: BTreeSet::new(), problems: Vec::new() };
    comparison.check(&value, "");
    let problems = comparison.problems.join("\n  ");
    assert!(problems.is_empty(), "`{section}` differs from json.md:\n  {problems}");
    comparison.seen
}

/// Checks documents of one verb that together have every documented field.
#[track_caller]
fn check_all(section: &str, printed: &[Printed]) {
    let mut missing: BTreeSet<_> = fields(section).into_keys().collect();
    for one in printed {
        for seen in check(section, one) {
            missing.remove(&seen);
        }
    }
    assert!(missing.is_empty(), "`{section}` prints no {missing:?}");
}

#[test]
fn the_json_of_planning_and_running_is_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let run = |arguments: &str| stocks(folder, words(&format!("{arguments} --json -q")));
    check_all("list", &[run("list"), run("list Average")]);
    check("plan", &run("plan Page"));
    check("plan", &run("run Page --dry-run"));
    check("run", &run("run Page --at_least 99"));
    check("why", &run("why Page --at_least 99"));
    check("run", &run("run Page"));
    check("run", &run("run Page --force"));
    check("sweep", &run("sweep Prices --days 3,4 --max-by rows"));
    check("sweep --dry-run", &run("sweep Prices --days 3,5 --dry-run"));
    check("graph", &run("graph Page"));
    check("bless", &run("bless Page --days 9"));
}

#[test]
fn the_json_of_outputs_is_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let run = |arguments: &str| stocks(folder, words(&format!("{arguments} --json -q")));
    run("run Split Page");
    check_all("status", &[run("status")]);
    check("show", &run("show Split"));
    check("show", &run("show Prices --statistics"));
    check("show", &run("show Page"));
    run("run Page --at_least 99");
    check_all(
        "show --figures",
        &[run("show Average --figures"), run("show Average --figures --at_least 99")],
    );
    check_all("load", &[run("load Prices --format csv --to prices.csv")]);
    run("run Prices --force");
    check("versions", &run("versions Prices"));
    check_all("path", &[run("path Split")]);
    check_all("meta", &[run("meta Page --upstream")]);
    check_all("log", &[run("log Prices")]);
    check_all("describe", &[run("describe Prices"), run("describe Split")]);
    check_all("python", &[run("python --to notebooks")]);
    check_all("report", &[run("report Page")]);
    run("run Page --at_least 99");
    check("debug", &run("debug Average --at_least 99"));
    check("debug", &run("debug Prices --no-run"));
    check("history", &run("history"));
    check("history RUN", &run("history latest"));
    let runs = run("history").json();
    let ids: Vec<_> = runs.as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    let compare =
        ["history", ids[1].as_str().expect("an id"), ids[0].as_str().expect("an id"), "--json"];
    check("history RUN RUN", &stocks(folder, compare));
}

#[test]
fn a_followed_log_is_a_json_document_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Prices -q")).ok();
    let mut follower = std::process::Command::new(env!("CARGO_BIN_EXE_stocks"))
        .args(words("log Prices -f --json"))
        .current_dir(folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut out = String::new();
    let pipe = follower.stdout.take().expect("a pipe");
    BufReader::new(pipe).read_line(&mut out).expect("a line");
    follower.kill().expect("the program is stopped");
    follower.wait().expect("the program has ended");
    let text: String = serde_json::from_str(&out).expect("a JSON text");
    assert!(text.ends_with(" fetching"), "{text}");
    check_all("log -f", &[Printed { code: 0, out, err: String::new() }]);
}

#[test]
fn the_json_of_sharing_and_maintenance_is_documented() {
    let folder = folder();
    let folder = folder.path();
    let run = |arguments: &str| weather(folder, words(&format!("{arguments} --json -q")));
    run("run Report");
    check("push", &run("push Report --to ./shared"));
    check("push", &run("pull Report --from shared --data other"));
    check("export", &run("export Report --to out --upstream"));
    check("export", &run("import out --data third"));
    check("verify", &run("verify"));
    check("gc --dry-run", &run("gc --dry-run"));
    check("reset", &run("reset Report --yes --upstream"));
}

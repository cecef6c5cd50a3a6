//! Hostile arguments, variables and files: each exits with 2 and a short message that names the option, runs nothing, and
//! writes nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Printed, folder, stocks, weather, weather_with};

/// The most bytes of a message.
const MESSAGE: usize = 4_000;

/// Arguments of `weather` and the text that the message must have. The words of [`argument`] stand for what a table cannot
/// have.
const WEATHER: &[(&str, &str)] = &[
    // Verbs.
    ("histroy", "'histroy'"),
    ("EMPTY", "subcommand ''"),
    ("-- status", "'status'"),
    ("=", "'='"),
    ("RUN", "'RUN'"),
    ("SPACE", "subcommand ' '"),
    ("ESCAPE", r"'\u{1b}[2J'"),
    ("日本語", "'日本語'"),
    ("LINES", r"'a\nb'"),
    ("-x", "'-x'"),
    ("--unknown", "'--unknown'"),
    ("--ESCAPE", r"'--\u{1b}[2J'"),
    // Options of every verb.
    ("--json=yes status", "--json"),
    ("status --quiet=1", "--quiet"),
    ("status --color bogus", "--color"),
    ("status --color=", "--color"),
    ("status --data", "--data"),
    ("status --data EMPTY", "--data"),
    ("status --namespace EMPTY", "--namespace"),
    ("status --config EMPTY", "--config"),
    ("status --config none.toml", "--config"),
    ("status --config inner", "--config"),
    ("status --config binary.toml", "--config"),
    ("status --config wrong.toml", "--config"),
    ("status --config escape.toml", "--config"),
    ("status --config measurements.csv", "--config"),
    ("status --workers 1", "'--workers'"),
    ("status --data a --data b", "--data"),
    // Tasks.
    ("run", "<TASK>"),
    ("why", "<TASK>"),
    ("show", "<TASK>"),
    ("describe", "<TASK>"),
    ("bless", "<TASK>"),
    ("run Reprot", "no task `Reprot`"),
    ("run EMPTY", "no task ``"),
    ("run SPACE", "no task ` `"),
    ("run report", "no task `report`"),
    ("run Report Reprot", "no task `Reprot`"),
    ("run Report --tags a Reprot", "no task `Reprot`"),
    ("run -- Reprot", "no task `Reprot`"),
    ("path -- Reprot", "no task `Reprot`"),
    ("run -- --json", "no task `--json`"),
    ("run Report;ls", "no task `Report;ls`"),
    ("run ../Report", "no task `../Report`"),
    ("run ESCAPE", r"no task `\u{1b}[2J`"),
    ("run LINES", r"no task `a\nb`"),
    ("list Nope", "no task `Nope`"),
    ("status Nope", "no task `Nope`"),
    ("status --jobs ESCAPE", r"no task `\u{1b}[2J`"),
    ("cancel", "--all"),
    ("cancel EMPTY --yes", "no task ``"),
    ("cancel ESCAPE --yes", r"no task `\u{1b}[2J`"),
    ("cancel LINES --yes", r"no task `a\nb`"),
    ("cancel --key ESCAPE --yes", "--key"),
    ("cancel --key LINES --yes", "--key"),
    ("cancel --key EMPTY --yes", "--key"),
    ("path Report Temperature", "'Temperature'"),
    // Names of parameters.
    ("run Report --nope 1", "'--nope'"),
    ("run Report --stat Oslo", "'--stat'"),
    ("run Report --s Oslo", "'--s'"),
    ("run Report --sation=Rome", "'--sation'"),
    ("run Report --Station Rome", "'--Station'"),
    ("run Report --ESCAPE=1", r"'--\u{1b}[2J'"),
    ("run --station Rome Report", "'--station'"),
    ("run Report -z", "'-z'"),
    ("run Report --station", "--station"),
    ("run Report --station a --station b", "--station"),
    // Values of parameters.
    ("plan Report --at_least=", "--at_least"),
    ("plan Report --at_least SPACE", "--at_least"),
    ("plan Report --at_least many", "--at_least"),
    ("plan Report --at_least 0", "--at_least"),
    ("plan Report --at_least 101", "--at_least"),
    ("plan Report --at_least -1", "--at_least"),
    ("plan Report --at_least 1.5", "--at_least"),
    ("plan Report --at_least 1e999", "--at_least"),
    ("plan Report --at_least NaN", "--at_least"),
    ("plan Report --at_least 0x10", "--at_least"),
    ("plan Report --at_least 1__0", "--at_least"),
    ("plan Report --at_least 99999999999999999999999999", "--at_least"),
    ("plan Report --at_least ESCAPE", "--at_least"),
    ("plan Report --at_least LINES", "--at_least"),
    ("plan Report --at_least 日本語", "--at_least"),
    ("plan Report --at_least [1]", "--at_least"),
    ("plan Report --at_least {", "--at_least"),
    ("plan Report --at_least null", "--at_least"),
    ("plan Report --at_least true", "--at_least"),
    ("plan Report --at_least 1,2", "--at_least"),
    ("plan Report --at_least =1", "--at_least"),
    ("plan Report --at_least --", "--at_least"),
    ("plan Report --how=", "--how"),
    ("plan Report --how Median", "--how"),
    ("plan Report --how mean", "--how"),
    ("plan Report --how Mean,Max", "--how"),
    ("plan Report --how ESCAPE", "--how"),
    ("plan Report --how REVERSED", "--how"),
    ("plan Report --limit x", "--limit"),
    ("plan Report --limit 1e", "--limit"),
    ("plan Report --limit [1]", "--limit"),
    ("plan Report --limit ESCAPE", "--limit"),
    ("plan Report --tags [", "--tags"),
    ("plan Report --tags [\"a\"", "--tags"),
    ("plan Report --tags [[\"a\"]]", "--tags"),
    ("plan Report --fahrenheit=", "--fahrenheit"),
    ("plan Report --fahrenheit=maybe", "--fahrenheit"),
    ("plan Report --fahrenheit=2", "--fahrenheit"),
    // `--param` and `--params`.
    ("plan Report --param", "--param"),
    ("plan Report --param EMPTY", "--param"),
    ("plan Report --param at_least", "--param"),
    ("plan Report --param =1", "--param"),
    ("plan Report --param .=1", "--param"),
    ("plan Report --param at_least=x", "--param at_least"),
    ("plan Report --param Temperature.at_least=101", "--param Temperature.at_least"),
    ("plan Report --param Temperature.nope=1", "--param Temperature.nope"),
    ("plan Report --param Nope.at_least=1", "--param Nope.at_least"),
    ("plan Report --param nope=1", "--param nope"),
    ("plan Report --param ESCAPE=1", "--param"),
    ("plan Report --param LINES=1", "--param"),
    ("plan Report --params EMPTY", "--params"),
    ("plan Report --params none.toml", "--params"),
    ("plan Report --params inner", "--params"),
    ("plan Report --params measurements.csv", "--params"),
    ("plan Report --params binary.toml", "--params"),
    ("plan Report --params escape.toml", "--params"),
    ("plan Report --params list.json", "--params"),
    ("plan Report --params open.json", "--params"),
    ("plan Report --params deep.json", "--params"),
    ("plan Report --params open.yaml", "--params"),
    ("plan Report --params range.toml", "--params range.toml"),
    ("plan Report --params type.json", "--params type.json"),
    ("plan Report --params unknown.toml", "--params unknown.toml"),
    // Runs.
    ("run Report --workers=-1", "--workers"),
    ("run Report --workers=", "--workers"),
    ("run Report --workers many", "--workers"),
    ("run Report --workers 65536", "--workers"),
    ("run Report --workers 1.5", "--workers"),
    ("run Report -w ESCAPE", "--workers"),
    ("run Report --executor ESCAPE", "--executor"),
    ("run Report --executor threads", "--executor"),
    ("run Report --jobs 0", "--jobs"),
    ("run Report --in-process Nope", "--in-process"),
    ("worker --slots 0", "--slots"),
    ("worker --exit-when-idle=-1", "--exit-when-idle"),
    ("worker Report", "'Report'"),
    ("run Report --force=Nope", "--force"),
    ("run Report --force=ESCAPE", "--force"),
    ("run Report --dry-run=1", "--dry-run"),
    ("run Report --until", "--until"),
    ("run Report --until EMPTY", "--until"),
    ("run Report --until Reprot", "--until"),
    ("plan Report --only Nope", "--only"),
    ("plan Temperature --only Report", "--only"),
    ("run Temperature --until Report", "--until"),
    ("run Report --only Report --at_least 2", "--only"),
    ("run Report --until Temperature --only Report", "--only"),
    ("why Report --until Report", "'--until'"),
    ("why Report --exit-code=1", "--exit-code"),
    ("sweep Temperature --at_least 1,x", "--at_least"),
    ("sweep Temperature --at_least 1..9:x", "--at_least"),
    ("sweep Temperature --at_least 1..9:1", "--at_least"),
    ("sweep Temperature --at_least 0..9:log3", "--at_least"),
    ("sweep Temperature --at_least 1..2:99999", "--at_least"),
    ("sweep Temperature --at_least 0,1", "at_least"),
    ("sweep Temperature --how Mean,Median", "how"),
    ("sweep Temperature --param x", "--param"),
    ("sweep Temperature --param nope=1,2", "--param nope"),
    ("sweep Temperature --params range.toml", "--params range.toml"),
    ("sweep Temperature --max-by a --min-by b", "--max-by"),
    // Outputs.
    ("path Temperature --in Nope", "--in"),
    ("meta Report --in Temperature", "--in"),
    ("log Report --in EMPTY", "--in"),
    ("log Report --follow=1", "--follow"),
    ("describe Report --in Nope", "--in"),
    ("debug Report --in Nope", "--in"),
    ("debug Report --commit --no-run", "--no-run"),
    ("show Report --in Temperature", "--in"),
    ("show Report --rows 0", "--rows"),
    ("show Report --rows=-1", "--rows"),
    ("show Report --rows x", "--rows"),
    ("show Report --rows 1000001", "--rows"),
    ("show Report --part x", "--part"),
    ("show Report --part ESCAPE", "--part"),
    ("show --stored Nope", "--stored"),
    ("show --stored EMPTY", "--stored"),
    ("show --stored ESCAPE", "--stored"),
    ("show --stored LINES", "--stored"),
    ("show Report --stored Report", "--stored"),
    ("show --stored Temperature --param station=Bern", "--param"),
    ("load Report --format xml", "--format"),
    ("load Report --format csv", "--format"),
    ("load Report --to EMPTY", "--to"),
    ("load Report --to ..", "--to"),
    ("load Report --json", "--to"),
    ("graph Report --format png", "--format"),
    ("history 1999", "\"1999\""),
    ("history EMPTY", "\"\""),
    ("history ESCAPE", r"\u{1b}[2J"),
    ("history a b c", "'c'"),
    ("history --limit 0", "--limit"),
    ("history --limit=-1", "--limit"),
    ("history --limit x", "--limit"),
    ("history --failed", "RUN"),
    // The store, and other stores.
    ("bless Report --sample 0", "--sample"),
    ("bless Report --sample x", "--sample"),
    ("reset Report", "--yes"),
    ("reset Report --yes=1", "--yes"),
    ("verify --reset=1", "--reset"),
    ("gc Report", "'Report'"),
    ("export Report", "--to"),
    ("export Report --to EMPTY", "--to"),
    ("import", "<DIR>"),
    ("import EMPTY", "<DIR>"),
    ("push Report --to EMPTY", "--to"),
    ("pull Report --from EMPTY", "--from"),
    ("pull Report --to x", "'--to'"),
    ("python", "--to"),
    ("python --to EMPTY", "--to"),
    ("completions", "<SHELL>"),
    ("completions tcsh", "<SHELL>"),
];

/// Arguments of `stocks`, which has a nested parameter and an output with several parts.
const STOCKS: &[(&str, &str)] = &[
    ("run Page --until Split", "--until"),
    ("run Average --style x", "--style"),
    ("run Average --style {", "--style"),
    ("run Average --style {\"digits\":-1,\"tags\":[]}", "--style"),
    ("run Average --style {\"digits\":1}", "--style"),
    ("run Average --style {\"digits\":1,\"digits\":2,\"tags\":[]}", "--style"),
    ("run Average --style DEEP", "--style"),
    ("run Prices --days -1", "--days"),
    ("run Prices --days 4294967296", "--days"),
    ("show Split --part third", "--part"),
    ("load Split", "--part"),
    ("load Split --part count --format csv", "--format"),
];

/// Arguments whose last word is followed by 100,000 characters.
const HUGE: &[(&str, &str)] = &[
    ("x", "subcommand"),
    ("--x", "unexpected argument"),
    ("run x", "no task"),
    ("run Report --x", "unexpected argument"),
    ("plan Report --at_least x", "--at_least"),
    ("plan Report --how x", "--how"),
    ("plan Report --limit x", "--limit"),
    ("plan Report --tags [", "--tags"),
    ("plan Report --param x", "--param"),
    ("plan Report --param nope=", "--param"),
    ("plan Report --params x", "--params"),
    ("run Report --workers 1", "--workers"),
    ("run Report --until x", "--until"),
    ("run Report --force=x", "--force"),
    ("sweep Temperature --at_least 1..9:9", "--at_least"),
    ("path Report --in x", "--in"),
    ("show --stored x", "--stored"),
    ("show Report --part x", "--part"),
    ("show Report --rows 1", "--rows"),
    ("load Report --format x", "--format"),
    ("history x", "no run"),
    ("status --config x", "--config"),
];

const _: () = assert!(WEATHER.len() + STOCKS.len() + HUGE.len() >= 200);

/// Returns the argument that a word stands for.
fn argument(word: &str) -> String {
    let words = [
        ("EMPTY", ""),
        ("SPACE", " "),
        ("ESCAPE", "\u{1b}[2J"),
        ("LINES", "a\nb"),
        ("REVERSED", "\u{202e}Mean"),
    ];
    let text = words.iter().fold(word.to_owned(), |text, (name, value)| text.replace(name, value));
    text.replace("DEEP", &"{\"digits\":".repeat(5_000))
}

fn arguments(text: &str) -> Vec<String> {
    text.split_whitespace().map(argument).collect()
}

/// Returns a folder with outputs, and with files that are wrong.
fn used_folder() -> TempDir {
    let folder = folder();
    weather(folder.path(), ["run", "Report", "-q"]).ok();
    stocks(folder.path(), ["run", "Page", "Split", "-q"]).ok();
    fs::create_dir(folder.path().join("inner")).expect("a folder");
    let deep = "[".repeat(10_000);
    let files: [(&str, &[u8]); 10] = [
        ("binary.toml", b"\xff\xfe"),
        ("wrong.toml", b"worker = 1\n"),
        ("escape.toml", b"\x1b[2J = 1\n"),
        ("list.json", b"[1]"),
        ("open.json", b"{"),
        ("deep.json", deep.as_bytes()),
        ("open.yaml", b"a: ["),
        ("range.toml", b"[Temperature]\nat_least = 0\n"),
        ("type.json", b"{\"how\": [1]}"),
        ("unknown.toml", b"nope = 1\n"),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

/// Returns the files in a folder with their sizes, without those that the library keeps for itself.
fn contents(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true if path.file_name() == Some(OsStr::new(".flow")) => {}
            true => {
                found.extend(contents(&path));
                found.push((path, 0));
            }
            false => {
                let size = path.metadata().expect("a file").len();
                found.push((path, size));
            }
        }
    }
    found.sort();
    found
}

/// Returns the number of runs in the store.
fn runs(folder: &Path) -> Option<usize> {
    weather(folder, ["history", "--json"]).json().as_array().map(Vec::len)
}

/// Returns the first characters of a text.
fn beginning(text: &str) -> String {
    text.chars().take(300).collect()
}

/// The cases that were not refused as they should be.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check(&mut self, case: &str, printed: &Printed, expected: &str) {
        let Printed { code, out, err } = printed;
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        let problem = if *code != 2 {
            format!("the exit code is {code}")
        } else if !out.is_empty() {
            format!("the standard output has {:?}", beginning(out))
        } else if !err.contains(expected) {
            format!("no {expected:?}")
        } else if err.contains(is_raw) {
            "a character is not escaped".to_owned()
        } else if err.len() > MESSAGE {
            format!("the message has {} bytes", err.len())
        } else if err.contains("panicked") {
            "a panic".to_owned()
        } else {
            return;
        };
        self.0.push(format!("{:?}: {problem}: {:?}", beginning(case), beginning(err)));
    }

    #[track_caller]
    fn assert_none(&self) {
        assert!(self.0.is_empty(), "{} problems:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn each_argument_is_refused_by_the_name_of_its_option() {
    let folder = used_folder();
    let folder = folder.path();
    let before = (contents(folder), runs(folder));
    let mut problems = Problems::default();
    for (text, expected) in WEATHER {
        problems.check(text, &weather(folder, arguments(text)), expected);
    }
    for (text, expected) in STOCKS {
        problems.check(text, &stocks(folder, arguments(text)), expected);
    }
    let huge = "9".repeat(100_000);
    for (text, expected) in HUGE {
        let mut arguments = arguments(text);
        arguments.last_mut().expect("a word").push_str(&huge);
        problems.check(text, &weather(folder, arguments), expected);
    }
    problems.assert_none();
    assert_eq!((contents(folder), runs(folder)), before, "nothing ran, and nothing was written");
}

#[test]
fn each_variable_is_refused_by_its_name() {
    let folder = used_folder();
    let mut problems = Problems::default();
    let huge = "9".repeat(100_000);
    for value in ["many", "-1", "65536", "1.5", "\u{1b}[2J", "a\nb", huge.as_str()] {
        let printed = weather_with(folder.path(), ["status"], &[("FLOW_WORKERS", value)]);
        problems.check(value, &printed, "FLOW_WORKERS");
    }
    for value in ["none.toml", "inner", "binary.toml", "wrong.toml", "escape.toml", "\u{1b}[2J"] {
        let printed = weather_with(folder.path(), ["status"], &[("FLOW_CONFIG", value)]);
        problems.check(value, &printed, "FLOW_CONFIG");
    }
    problems.assert_none();
}

#[test]
fn each_setting_is_refused_by_the_name_of_the_file() {
    let folder = folder();
    let mut problems = Problems::default();
    let deep = format!("[params]\na = {}", "[".repeat(10_000));
    for text in [
        "workers = -1",
        "workers = 65536",
        "workers = \"x\"",
        "data = 1",
        "unknown = 1",
        "file = \"x\"",
        "remotes = []",
        "[remotes]\nteam = 1",
        "[limits]\nversions = -1",
        "[limits]\nothers = 1",
        "[params]\nat_least = \"x\"",
        "[params]\n\"Temperature.how\" = 1",
        "[params]\n\"Temperature.nope\" = 1",
        "[params",
        "data = \"x",
        "= 1",
        "\u{0}",
        "\u{1b}[2J = 1",
        "\u{202e} = 1",
        deep.as_str(),
    ] {
        fs::write(folder.path().join("flow.toml"), text).expect("the file");
        problems.check(text, &weather(folder.path(), ["plan", "Report"]), "flow.toml");
    }
    problems.assert_none();
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_refused_by_the_name_of_its_option() {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let folder = used_folder();
    let mut problems = Problems::default();
    for (text, expected) in [
        ("", "\u{fffd}"),
        ("run", "not UTF-8"),
        ("history", "not UTF-8"),
        ("run Report --station", "--station"),
        ("run Report --at_least", "--at_least"),
        ("run Report --param", "--param"),
        ("run Report --workers", "--workers"),
        ("run Report --until", "--until"),
        ("run Report --in", "--in"),
        ("path Report --in", "--in"),
        ("show --stored", "--stored"),
        ("show Report --part", "--part"),
        ("load Report --format", "--format"),
        ("status --namespace", "--namespace"),
        ("status --color", "--color"),
        // Paths need not be UTF-8, but this one does not exist.
        ("status --config", "--config"),
        ("plan Report --params", "--params"),
    ] {
        let words = || text.split_whitespace().map(OsString::from);
        let apart = words().chain([OsString::from_vec(b"\xff".to_vec())]);
        problems.check(text, &weather(folder.path(), apart), expected);
        if text.contains("--") {
            let joined = [text.as_bytes(), b"=\xff"].concat();
            let joined = joined.split(|byte| *byte == b' ').map(OsStr::from_bytes);
            problems.check(&format!("{text}="), &weather(folder.path(), joined), expected);
        }
    }
    problems.assert_none();
}

#[test]
fn what_is_text_is_taken_as_it_is() {
    let folder = folder();
    for value in
        ["", " ", "=", "--", "-1", "\u{1b}[2J", "a\nb", "日本語", "🦀", "$(id)", "%s", "\\"]
    {
        let joined = format!("--station={value}");
        let plan = weather(folder.path(), ["plan", "Temperature", &joined, "--json"]).json();
        let instances = plan["instances"].as_array().expect("a list");
        let of_task = instances.iter().find(|one| one["task"] == "Temperature");
        let shown = of_task.expect("the instance")["parameters"]["station"].as_str();
        assert!(shown.is_some(), "{value:?}: {plan}");
        let text = weather(folder.path(), ["plan", "Temperature", &joined]).ok();
        assert!(!text.contains('\u{1b}') && text.lines().count() == 2, "{value:?}: {text:?}");
    }
}

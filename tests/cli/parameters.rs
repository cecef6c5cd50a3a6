//! Parameters as options: help, spellings, names that several tasks or options have, files.

use crate::{folder, stocks, weather, words};

/// Returns the value that a run of `Temperature` recorded.
fn value(arguments: &str) -> serde_json::Value {
    let folder = folder();
    weather(folder.path(), words(&format!("run Temperature -q {arguments}"))).ok();
    weather(folder.path(), words(&format!("meta Temperature --json {arguments}"))).json()[0]["metadata"].clone()
}

#[test]
fn help_lists_the_parameters_of_a_task_and_of_all_upstream_with_their_docs() {
    let folder = folder();
    let help = weather(folder.path(), words("run Report --help")).ok();
    for part in [
        "Parameters of Report:",
        "Parameters of Temperature:",
        "Parameters of Measurements:",
        "--station <String>",
        "--limit <f64>",
        "The name of the station. [default: Oslo]",
        "[default: 1; range: 1..=100]",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(!weather(folder.path(), words("run --help")).ok().contains("--station"));
}

#[test]
fn values_take_the_spellings_of_a_terminal() {
    assert_eq!(value("--station Rome")["value"], 25.0);
    assert_eq!(value("--station=Rome --how Max")["value"], 30.0);
    assert_eq!(value("--fahrenheit")["value"], 35.6);
    assert_eq!(value("--fahrenheit=no")["value"], 2.0);
    assert_eq!(value("--param station=Rome --param Temperature.how=Max")["value"], 30.0);
}

#[test]
fn a_value_for_one_task_wins_over_one_for_all_tasks() {
    let rome = "--param Temperature.station=Rome";
    assert_eq!(value(&format!("--station Oslo {rome}"))["value"], 25.0);
    assert_eq!(value(&format!("{rome} --station Oslo"))["value"], 25.0);
    let folder = folder();
    let folder = folder.path();
    let file = "station = \"Oslo\"\n[Temperature]\nstation = \"Rome\"\n";
    std::fs::write(folder.join("both.toml"), file).expect("a file");
    weather(folder, words("run Temperature -q --params both.toml")).ok();
    let meta = weather(folder, words("meta Temperature --params both.toml --json")).json();
    assert_eq!(meta[0]["metadata"]["value"], 25.0);
}

#[test]
fn a_parameter_with_the_name_of_an_option_is_given_by_its_full_name() {
    assert_eq!(value("--param Temperature.data=7 --data elsewhere")["data"], 7);
}

#[test]
fn lists_and_options_are_json_or_words() {
    let folder = folder();
    for (arguments, expected) in [
        ("--tags a,b --limit 1.5", "\"2.0 a+b Some(1.5)\""),
        ("--tags [\"x\"] --limit none", "\"2.0 x None\""),
        ("--limit=-1", "\"2.0  Some(-1.0)\""),
        ("--limit -2", "\"2.0  Some(-2.0)\""),
    ] {
        let arguments = expected_arguments(arguments);
        weather(
            folder.path(),
            ["run", "Report", "-q"].into_iter().chain(arguments.iter().copied()),
        )
        .ok();
        let path =
            weather(folder.path(), ["path", "Report"].into_iter().chain(arguments.iter().copied()))
                .ok();
        let stored = std::fs::read_to_string(path.trim_end()).expect("the file");
        assert_eq!(stored.replace("\"2 ", "\"2.0 "), expected, "{arguments:?}");
    }
}

fn expected_arguments(text: &str) -> Vec<&str> {
    words(text)
}

#[test]
fn values_come_from_files_and_options_win() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("rome.toml"), "how = \"Max\"\n[Temperature]\nstation = \"Rome\"\n")
        .expect("a file");
    std::fs::write(folder.join("rome.json"), r#"{"Temperature.station": "Rome", "at_least": 2}"#)
        .expect("a file");
    let meta = |arguments: &str| {
        weather(folder, words(&format!("run Temperature -q {arguments}"))).ok();
        weather(folder, words(&format!("meta Temperature --json {arguments}"))).json()[0]["metadata"]["value"].clone()
    };
    assert_eq!(meta("--params rome.toml"), 30.0);
    assert_eq!(meta("--params rome.toml --how Mean"), 25.0);
    assert_eq!(meta("--params rome.json"), 25.0);
    let wrong = weather(folder, words("run Temperature --params rome.csv")).err;
    assert!(wrong.contains("cannot read the parameters in rome.csv"), "{wrong}");
}

#[test]
fn a_nested_value_is_json_or_a_table_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let tags = |arguments: &str| {
        stocks(folder, words(&format!("run Average -q {arguments}"))).ok();
        let loaded = stocks(folder, words(&format!("load Average {arguments}"))).ok();
        let loaded: serde_json::Value = serde_json::from_str(&loaded).expect("JSON");
        (loaded["text"].clone(), loaded["tags"].clone())
    };
    let expected = ("107.2500".into(), serde_json::json!(["a", "b"]));
    assert_eq!(tags(r#"--style {"digits":4,"tags":["a","b"]}"#), expected);
    let files = [
        ("a.toml", "[Average.style]\ndigits = 4\ntags = [\"a\", \"b\"]\n"),
        ("a.json", r#"{"Average": {"style": {"digits": 4, "tags": ["a", "b"]}}}"#),
        ("a.yaml", "Average:\n  style:\n    digits: 4\n    tags: [a, b]\n"),
        ("b.yml", "# by name\nstyle: {digits: 4, tags: [a, b]}\n"),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("a file");
        assert_eq!(tags(&format!("--params {name}")), expected, "{name}");
    }
    std::fs::write(folder.join("wrong.yaml"), "style: [\n").expect("a file");
    let wrong = stocks(folder, words("run Average --params wrong.yaml")).refused();
    assert!(wrong.contains("the parameters in wrong.yaml are wrong: "), "{wrong}");
    let wrong = stocks(folder, words(r#"run Average --style {"digits":"x"}"#)).refused();
    assert!(wrong.contains("invalid value for --style"), "{wrong}");
}

#[test]
fn a_parameter_with_the_spelling_of_an_option_does_not_replace_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let allows = |arguments: &str| {
        stocks(folder.path(), words(&format!("run Split -q {arguments}"))).ok();
        let parameters = arguments.replace("--allow-failures", "");
        let meta = format!("meta Split --json {parameters}");
        stocks(folder.path(), words(&meta)).json()[0]["metadata"]["allows"].clone()
    };
    assert_eq!(allows("--allow-failures"), false);
    assert_eq!(allows("--allow_failures"), true);
    assert_eq!(allows("--param Split.allow_failures=true --allow-failures"), true);
}

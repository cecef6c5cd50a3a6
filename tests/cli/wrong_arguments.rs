//! Wrong arguments exit with 2, and the message suggests what to write. `hostile_arguments` has many more.

use crate::{folder, weather, words};

#[test]
fn an_unknown_verb_task_or_option_suggests_the_nearest() {
    let folder = folder();
    let refused = |arguments: &str| weather(folder.path(), words(arguments)).refused();
    assert!(refused("histroy").contains("'history'"));
    assert!(refused("run Reprot").contains("no task `Reprot`: did you mean `Report`?"));
    assert!(refused("run Report --sation Rome").contains("a similar argument exists: '--station'"));
    assert!(refused("run --station Rome").contains("--station"));
    assert!(refused("run").contains("<TASK>"));
    assert!(!folder.path().join("data").exists(), "nothing was created");
}

#[test]
fn a_value_that_does_not_fit_names_the_option_the_type_and_the_range() {
    let folder = folder();
    let refused = |arguments: &str| weather(folder.path(), words(arguments)).refused();
    let wrong = refused("run Report --at_least many");
    assert!(
        wrong.starts_with("error: invalid value for --at_least:") && wrong.contains("`usize`"),
        "{wrong}"
    );
    let wrong = refused("run Report --at_least 101");
    assert!(wrong.contains("--at_least") && wrong.contains("not in 1..=100"), "{wrong}");
    let wrong = refused("run Report --how Median");
    assert!(wrong.contains("--how") && wrong.contains("Mean"), "{wrong}");
    let wrong = refused("run Report --param at_least");
    assert!(wrong.contains("--param is \"at_least\": write the name and the value"), "{wrong}");
    let wrong = refused("run Report --param Reprot.tags=a");
    assert!(wrong.contains("Reprot.tags"), "{wrong}");
    let wrong = refused("run Report --station Oslo --station Rome");
    assert!(wrong.contains("--station is given twice"), "{wrong}");
    assert!(refused("sweep Temperature --at_least 1,x").contains("invalid value for --at_least: "));
    assert!(
        refused("sweep Temperature --at_least 1..9:x")
            .contains("the range \"1..9:x\" of --at_least is wrong")
    );
}

#[test]
fn tasks_may_follow_parameters_and_two_dashes() {
    let folder = folder();
    let folder = folder.path();
    let roots = |arguments: &str| {
        let plan = weather(folder, words(&format!("plan {arguments} --json"))).json();
        plan["instances"].as_array().map(Vec::len)
    };
    assert_eq!(roots("Measurements --path measurements.csv Temperature"), Some(2));
    assert_eq!(roots("Temperature"), Some(2));
    assert_eq!(weather(folder, words("list -- Temperature")).ok().lines().count(), 8);
    let missing = weather(folder, words("path -- Temperature"));
    assert!(missing.code == 1 && missing.err.contains("run Temperature"), "{}", missing.err);
}

#[test]
fn a_column_that_no_variant_has_is_an_error_below_the_table() {
    let folder = folder();
    let swept =
        weather(folder.path(), words("sweep Temperature --station Oslo,Rome --max-by x -q"));
    assert_eq!(swept.code, 1, "{}", swept.err);
    assert!(
        swept.err.starts_with("error: --max-by: ") && swept.err.contains("`x`"),
        "{}",
        swept.err
    );
    assert!(swept.out.starts_with("variant ") && swept.out.contains("Rome"), "{}", swept.out);
}

#[test]
fn an_option_in_the_wrong_place_or_of_another_task_is_explained() {
    let folder = folder();
    let folder = folder.path();
    let refused = |line: &str| weather(folder, words(line)).refused();
    let of_another = refused("plan Measurements --at_least 2");
    assert!(
        of_another.contains("unexpected argument '--at_least': it is a parameter of `Temperature`"),
        "{of_another}"
    );
    let before = refused("run --at-least 2 Temperature");
    assert!(before.contains("`run Temperature --at-least ...`"), "{before}");
    let range = refused("sweep Temperature --at_least 1..3");
    assert!(range.contains("A range needs a number of values: `1..3:lin5`"), "{range}");
    let none = refused("sweep Temperature --at_least 1");
    assert!(none.contains("a sweep needs several values of a parameter"), "{none}");
}

#[test]
fn a_parameter_with_the_name_of_an_option_is_in_the_help_and_in_a_warning() {
    let folder = folder();
    let folder = folder.path();
    let help = weather(folder, words("run Temperature --help")).ok();
    assert!(help.contains("  --param Temperature.data=<u8>"), "{help}");
    let warned = weather(folder, words("plan Temperature --data elsewhere"));
    let warning = "warning: --data is an option of this command: `--param Temperature.data=...`";
    assert!(warned.code == 0 && warned.err.contains(warning), "{}", warned.err);
}

#[test]
fn an_output_that_is_out_of_date_is_not_called_missing() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Temperature -q")).ok();
    std::fs::write(folder.join("measurements.csv"), "station,celsius\nOslo,9.0\n")
        .expect("a change");
    let shown = weather(folder, words("show Temperature"));
    assert_eq!(shown.code, 1);
    assert!(
        shown.err.contains("is out of date") && shown.err.contains("`show --stored Temperature`"),
        "{}",
        shown.err
    );
    assert!(weather(folder, words("show --stored Temperature")).ok().contains("2.0"));
}

#[test]
fn an_option_does_not_take_the_next_option_as_its_value() {
    let folder = folder();
    let folder = folder.path();
    for (arguments, expected) in [
        ("run Temperature --executor --data other", "'--executor <NAME>'"),
        ("run Temperature -w --data other", "'--workers <N>'"),
        ("run --data --json Temperature", "'--data <DIR>'"),
        ("status --config -q Temperature", "'--config <FILE>'"),
        ("cancel Temperature --key --data other", "'--key <KEY>'"),
        ("run Temperature --until --data other", "'--until <TASK>'"),
        ("run Temperature --station --data other", "write `--station=--data`"),
        (
            "run Temperature --at-least --station=Rome",
            "--at-least has no value: `--station` after it",
        ),
        ("run Temperature --station -q", "write `--station=-q`"),
        ("run Temperature --station -w4", "write `--station=-w4`"),
        ("run Temperature --station --data=other", "write `--station=--data=other`"),
        ("sweep Temperature --station --dry-run", "--station has no value"),
    ] {
        let error = weather(folder, words(arguments)).refused();
        assert!(error.contains(expected), "{arguments}: {error}");
        assert!(!error.contains("no task"), "{arguments}: {error}");
    }
    assert!(!folder.join("other").exists() && !folder.join("data").exists());
    // Other values may begin with `-`.
    for (arguments, value) in [
        ("plan Temperature --station -Oslo", "-Oslo"),
        ("plan Temperature --station -5", "-5"),
        ("plan Temperature --station=-q", "-q"),
        ("plan Temperature --station=--data", "--data"),
    ] {
        let plan = weather(folder, words(arguments)).ok();
        assert!(plan.contains("station: ") && plan.contains(value), "{arguments}: {plan}");
    }
    // It takes its task by `=` alone.
    weather(folder, words("run Temperature --force --data other -q")).ok();
    assert!(folder.join("other").is_dir());
    let forced = weather(folder, words("plan --force Temperature --data other --exit-code"));
    assert!(forced.code == 3 && forced.out.contains("forced"), "{}{}", forced.out, forced.err);
    let forced = weather(folder, words("plan Report --force=Temperature --data other"));
    assert!(forced.code == 0 && forced.out.contains("forced"), "{}{}", forced.out, forced.err);
    // The parameters of a task are known behind short options, too.
    for arguments in
        ["plan -w4 Temperature --station Rome", "plan -qw 4 Temperature --station Rome"]
    {
        assert!(weather(folder, words(arguments)).ok().contains("Rome"), "{arguments}");
    }
}

#[test]
fn a_value_that_is_not_a_whole_number_is_explained() {
    let folder = folder();
    let refused = |arguments: &str| weather(folder.path(), words(arguments)).refused();
    let error = refused("run Report --jobs abc");
    assert_eq!(error, "error: invalid value 'abc' for '--jobs <N>': it is not a whole number\n");
    let error = refused("history --limit 99999999999999999999");
    assert!(error.ends_with("for '--limit <N>': it is too large\n"), "{error}");
    let error = refused("history --limit=-99999999999999999999");
    assert!(error.ends_with("for '--limit <N>': it is too small\n"), "{error}");
}

#[test]
fn a_method_of_the_library_is_an_unknown_verb_with_a_hint() {
    let folder = folder();
    for (method, verb) in
        [("preview", "plan"), ("plot", "graph"), ("get", "load"), ("runs", "history")]
    {
        let error = weather(folder.path(), [method, "Report"]).refused();
        assert!(error.contains(&format!("unrecognized subcommand '{method}'")), "{error}");
        assert!(error.contains(&format!("the verb `{verb}` does that")), "{error}");
    }
}

#[test]
fn the_help_explains_zero_workers() {
    let folder = folder();
    let help = weather(folder.path(), words("run --help")).ok();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("0 runs them one after the other on the main thread"), "{help}");
    weather(folder.path(), words("run Temperature --workers 0 -q")).ok();
}

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

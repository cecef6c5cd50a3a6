//! Wrong arguments exit with 2, name the option, and run nothing.

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
    assert!(
        refused("sweep Temperature --at_least 1,x")
            .contains("invalid value for Temperature.at_least")
    );
    assert!(
        refused("sweep Temperature --at_least 1..9:x")
            .contains("the range \"1..9:x\" of at_least is wrong")
    );
}

#[test]
fn hostile_values_are_refused_or_taken_as_they_are_and_never_panic() {
    let folder = folder();
    let values = [
        "",
        " ",
        "=",
        "==",
        "--",
        "-",
        "-1",
        "\u{0}x",
        "\u{1b}[2J",
        "\r\n",
        "\t",
        "é",
        "日本語",
        "\u{202e}abc",
        "🦀",
        "[",
        "]",
        "{",
        "}",
        "[[",
        "{\"a\":",
        "null",
        "true",
        "NaN",
        "inf",
        "1e999",
        "-1e999",
        "0x10",
        "1_000",
        "1__0",
        "99999999999999999999999999",
        "../..",
        "/etc/passwd",
        "$(id)",
        "`id`",
        "%s%n",
        "a=b",
        "a,b",
        "\"",
        "'",
        "\\",
    ];
    let huge = "x".repeat(100_000);
    for value in values.into_iter().chain([huge.as_str()]) {
        if value.contains('\u{0}') {
            continue; // No operating system passes it.
        }
        for option in ["--at_least", "--how", "--limit", "--tags", "--station"] {
            let joined = format!("{option}={value}");
            let printed = weather(folder.path(), ["plan", "Report", joined.as_str()]);
            assert!(
                matches!(printed.code, 0 | 2),
                "{joined:.50}: {} {:.300}",
                printed.code,
                printed.err
            );
            assert!(
                !printed.err.contains("panicked") && !printed.err.contains('\u{1b}'),
                "{:.300}",
                printed.err
            );
            if printed.code == 2 {
                let name = option.trim_start_matches('-');
                assert!(printed.err.contains(name), "{joined:.50}: {:.300}", printed.err);
            }
        }
        let param = format!("Temperature.at_least={value}");
        let printed = weather(folder.path(), ["plan", "Report", "--param", param.as_str()]);
        assert!(matches!(printed.code, 0 | 2), "{param:.50}");
        let printed = weather(folder.path(), ["plan", value]);
        assert!(
            printed.code == 2 && !printed.err.contains("panicked"),
            "{value:.50}: {:.300}",
            printed.err
        );
    }
}

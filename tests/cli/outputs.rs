//! What is stored: lists, paths, metadata, history, and sharing.

use crate::{folder, weather, words};

#[test]
fn tasks_are_listed_with_their_documentation() {
    let folder = folder();
    let list = weather(folder.path(), ["list"]).ok();
    let names: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names[..3], ["Measurements", "Report", "Temperature"]);
    assert!(list.contains("Temperature   The temperature at a station.\n"), "{list}");
    let one = weather(folder.path(), words("list Temperature --json")).json();
    assert_eq!((&one[0]["name"], &one[1]["kind"]), (&"Temperature".into(), &"external".into()));
    let at_least = &one[0]["parameters"][2];
    assert_eq!((&at_least["range"], &at_least["type"]), (&"1..=100".into(), &"usize".into()));
    assert!(!folder.path().join("data").exists(), "nothing was created");
}

#[test]
fn a_stored_output_tells_its_path_metadata_and_inputs() {
    let folder = folder();
    let folder = folder.path();
    let missing = weather(folder, words("path Temperature"));
    assert_eq!(missing.code, 1);
    assert!(
        missing.err.contains("never run") && missing.err.contains("run Temperature"),
        "{}",
        missing.err
    );
    weather(folder, words("run Report -q")).ok();

    let path = weather(folder, words("path Temperature")).ok();
    assert_eq!(std::fs::read_to_string(path.trim_end()).expect("the file"), "2.0");
    let external = weather(folder, words("path Measurements")).ok();
    assert!(external.ends_with("measurements.csv\n"), "{external}");
    let meta = weather(folder, words("meta Report --upstream --json")).json();
    assert_eq!((&meta[0]["task"], &meta[1]["metadata"]["value"]), (&"Report".into(), &2.0.into()));
    assert_eq!(meta[0]["inputs"][0]["key"], meta[1]["key"]);
    let of_root = weather(folder, words("path Temperature --in Report")).ok();
    assert_eq!(of_root, path);

    let status = weather(folder, words("status --json")).json();
    assert_eq!(status["outputs"].as_array().map(Vec::len), Some(2));
    let status = weather(folder, words("status Temperature")).ok();
    assert!(status.contains("1 output, 3 B in "), "{status}");
    let graph = weather(folder, words("graph Report --format dot")).ok();
    assert!(graph.starts_with("digraph"), "{graph}");
}

#[test]
fn stored_versions_are_listed_with_what_differs_now() {
    let folder = folder();
    let folder = folder.path();
    let none = weather(folder, words("versions Temperature")).ok();
    assert!(none.ends_with(" has no stored output\n"), "{none}");
    weather(folder, words("run Temperature -q")).ok();
    let measurements = folder.join("measurements.csv");
    let before = std::fs::read_to_string(&measurements).expect("the measurements");
    std::fs::write(&measurements, format!("{before}Oslo,9.0\n")).expect("a change");
    weather(folder, words("run Temperature -q")).ok();

    let versions = weather(folder, words("versions Temperature --json")).json();
    let versions = versions.as_array().expect("a list");
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["current"], &versions[1]["current"]), (&true.into(), &false.into()));
    assert_eq!(versions[0]["differences"], serde_json::json!([]));
    let difference = versions[1]["differences"][0].as_str().expect("a difference");
    assert!(difference.contains("Measurements"), "{difference}");
    let file = versions[1]["files"][0].as_str().expect("a path");
    assert_eq!(std::fs::read_to_string(file).expect("the earlier output"), "2.0");
    let table = weather(folder, words("versions Temperature")).ok();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("ran ") && lines.len() == 4, "{table}");
    assert!(lines[2].ends_with("  current  nothing"), "{table}");
    assert!(lines[3].contains("  earlier  ") && lines[3].contains("Measurements"), "{table}");
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(weather(folder, ["history"]).ok(), "no runs\n");
    weather(folder, words("run Report -q")).ok();
    weather(folder, words("run Report -q --station Rome")).ok();
    let runs = weather(folder, words("history --json")).json();
    let ids: Vec<_> = runs
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| run["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids.len(), 2);
    let one = weather(folder, words("history latest --json")).json();
    assert_eq!(one["instances"].as_array().map(Vec::len), Some(2));
    let one = weather(folder, words("history latest --task Report --details")).ok();
    assert!(one.contains("\n    why: never run") && !one.contains("\n  Temperature"), "{one}");
    let failed = weather(folder, words("history latest --failed --json")).json();
    assert_eq!(failed["instances"].as_array().map(Vec::len), Some(0));
    assert!(weather(folder, words("history --failed")).refused().contains("RUN"));
    let compared = weather(folder, ["history", ids[1], ids[0], "--json"]).json();
    assert_eq!(compared["before"]["id"], ids[1]);
    let unknown = weather(folder, words("history 1999")).refused();
    assert!(unknown.contains("no run is called \"1999\""), "{unknown}");
}

#[test]
fn outputs_are_pushed_pulled_exported_and_imported() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Report -q")).ok();
    std::fs::write(folder.join("flow.toml"), "[remotes]\nteam = \"shared\"\n").expect("a file");
    let pushed = weather(folder, words("push Report --to team --json")).json();
    assert_eq!(pushed["instances"].as_array().map(Vec::len), Some(2));
    assert!(folder.join("shared").is_dir());
    let pulled = weather(folder, words("pull Report --from team --json --data other")).json();
    assert_eq!(pulled["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(weather(folder, words("plan Report --exit-code --data other")).code, 0);

    weather(folder, words("export Report --to out --upstream")).ok();
    assert!(folder.join("out/manifest.json").is_file());
    weather(folder, words("import out --data third")).ok();
    assert_eq!(weather(folder, words("plan Report --exit-code --data third")).code, 0);
}

#[test]
fn a_dry_run_of_a_push_or_pull_copies_nothing() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Report -q")).ok();
    let would = weather(folder, words("push Report --to ./shared --dry-run")).ok();
    assert!(would.starts_with("2 outputs would be pushed, "), "{would}");
    assert!(!folder.join("shared").exists());
    weather(folder, words("push Report --to ./shared")).ok();
    let would = weather(folder, words("pull Report --from shared -n --data other")).ok();
    assert!(would.starts_with("2 outputs would be pulled, "), "{would}");
    assert_eq!(weather(folder, words("plan Report --exit-code --data other")).code, 3);
}

#[test]
fn a_misspelt_remote_is_an_error_and_no_folder() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Report -q")).ok();
    let refused = weather(folder, words("push Report --to taem")).refused();
    assert!(refused.starts_with("error: --to: there is no folder `taem`"), "{refused}");
    assert!(refused.contains("For a new folder, write `./taem`"), "{refused}");
    let settings = "[remotes]\nteam = \"shared\"\nattic = \"old\"\n";
    std::fs::write(folder.join("flow.toml"), settings).expect("a file");
    for arguments in
        ["push Report --to taem", "pull Report --from taem", "push Report -n --to taem"]
    {
        let refused = weather(folder, words(arguments)).refused();
        assert!(refused.contains("did you mean `team`?"), "{arguments}: {refused}");
        assert!(refused.ends_with("The remotes are:\n  attic\n  team\n"), "{arguments}: {refused}");
    }
    assert!(!folder.join("taem").exists());
    weather(folder, words("push Report --to ./taem")).ok();
    assert!(folder.join("taem").is_dir());
    // Now it is a folder.
    weather(folder, words("pull Report --from taem --data other")).ok();
    weather(folder, words("push Report --to new/")).ok();
    assert!(folder.join("new").is_dir());
}

#[test]
fn what_is_missing_is_run_by_a_verb() {
    let folder = folder();
    let nothing = weather(folder.path(), words("push Report --to ./shared"));
    assert!(nothing.code != 0 && nothing.err.contains("`run Report`"), "{}", nothing.err);
    assert!(!nothing.err.contains("flow.run"), "{}", nothing.err);
}

#[test]
fn parameters_are_in_the_order_of_their_declaration() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Temperature -q")).ok();
    let status = weather(folder, words("status")).ok();
    let expected = "Temperature {station: Oslo, how: Mean, at_least: 1, fahrenheit: false, data: 0";
    assert!(status.contains(expected), "{status}");
    assert_eq!(weather(folder, words("run Temperature --at_least 9 -q")).code, 1);
    let debug = weather(folder, words("debug Temperature --at_least 9 --no-run")).ok();
    let place = |name: &str| debug.find(&format!("\n  {name}: ")).expect(&debug);
    let places = ["station", "how", "at_least", "fahrenheit", "data"];
    assert!(places.map(place).is_sorted(), "{debug}");
}

#[test]
fn the_url_of_a_bucket_needs_a_cargo_feature() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("flow.toml"), "[remotes]\nteam = \"s3://bucket/x\"\n")
        .expect("a file");
    weather(folder, words("run Report -q")).ok();
    for to in ["s3://bucket/x", "team"] {
        let refused = weather(folder, ["push", "Report", "--to", to]).refused();
        assert!(refused.contains("`s3://bucket/x`"), "{refused}");
        assert!(refused.contains("the cargo feature `s3`"), "{refused}");
    }
}

#[test]
fn completions_are_generated_for_a_shell() {
    let folder = folder();
    let script = weather(folder.path(), words("completions bash")).ok();
    assert!(script.contains("weather") && script.contains("history"), "{script}");
}

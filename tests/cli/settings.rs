//! Settings: options win over variables, variables over `flow.toml`, and that over the defaults.

use crate::{folder, weather, weather_with, words};

#[test]
fn the_folder_of_the_store_is_the_first_of_option_variable_file_and_default() {
    let folder = folder();
    let folder = folder.path();
    let used = |arguments: &str, variables: &[(&str, &str)]| {
        let status =
            weather_with(folder, words(&format!("status --json {arguments}")), variables).json();
        let path = std::path::PathBuf::from(status["folder"].as_str().expect("a path"));
        path.file_name().expect("a name").to_string_lossy().into_owned()
    };
    assert_eq!(used("", &[]), "data");
    std::fs::write(folder.join("flow.toml"), "data = \"of_file\"\n").expect("a file");
    assert_eq!(used("", &[]), "of_file");
    assert_eq!(used("", &[("FLOW_DATA", "of_variable")]), "of_variable");
    assert_eq!(used("--data of_option", &[("FLOW_DATA", "of_variable")]), "of_option");
    std::fs::write(folder.join("other.toml"), "data = \"of_other\"\n").expect("a file");
    assert_eq!(used("", &[("FLOW_CONFIG", "other.toml")]), "of_other");
    assert_eq!(used("--namespace prod", &[]), "env=prod");
    assert_eq!(used("", &[("FLOW_NAMESPACE", "test")]), "env=test");
}

#[test]
fn parameters_of_the_file_apply_unless_an_option_gives_another_value() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(
        folder.join("flow.toml"),
        "workers = 1\n[params]\n\"Temperature.station\" = \"Rome\"\n",
    )
    .expect("a file");
    let run = |arguments: &str| {
        weather(folder, words(&format!("run Temperature -q {arguments}"))).ok();
        weather(folder, words(&format!("meta Temperature --json {arguments}"))).json()[0]["metadata"]["value"].clone()
    };
    assert_eq!(run(""), 25.0);
    assert_eq!(run("--param Temperature.station=Oslo"), 2.0);
    assert_eq!(run("--station Oslo"), 2.0);
}

#[test]
fn a_wrong_setting_names_its_place() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("flow.toml"), "worker = 1\n").expect("a file");
    let error = weather(folder, ["status"]).refused();
    assert!(error.contains("flow.toml is wrong") && error.contains("worker"), "{error}");
    std::fs::remove_file(folder.join("flow.toml")).expect("a file");
    let error = weather_with(folder, ["status"], &[("FLOW_WORKERS", "many")]).refused();
    assert_eq!(error, "error: FLOW_WORKERS is \"many\", which is not a number from 0 to 65535\n");
    let error = weather(folder, words("status --config none.toml")).refused();
    assert_eq!(error, "error: --config: the configuration file none.toml does not exist\n");
}

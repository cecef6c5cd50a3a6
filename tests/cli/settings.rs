//! Settings: options win over variables, variables over `flow.toml`, and that over the defaults.

use crate::documented::check;
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

#[test]
fn a_wrong_value_of_the_file_is_explained_in_plain_words() {
    let folder = folder();
    let folder = folder.path();
    for (text, expected) in [
        ("jobs = 0", "it is the number 0, and should be a whole number from 1 to 65535"),
        ("workers = 65536", "it is the number 65536, and should be a whole number from 0 to 65535"),
        ("data = 1", "it is the number 1, and should be a path in quotes"),
        ("trusted_keys = \"abc\"", "it is the text \"abc\", and should be a list in brackets"),
        ("quiet = \"yes\"", "it is the text \"yes\", and should be true or false"),
        ("remotes = true", "it is true, and should be a table"),
        ("slurm = 1", "it is the number 1, and should be a table"),
        ("color = 1", "it should be a text in quotes"),
        ("executor = \"slrum\"", "there is no choice `slrum`: did you mean `slurm`?"),
        ("sign_wiht = \"x\"", "there is no key `sign_wiht`: did you mean `sign_with`?"),
        ("[limits]\nversion = 1", "there is no key `version`: did you mean `versions`?"),
        ("[hq]\nmax-wrokers = 1", "there is no key `max-wrokers`: did you mean `max_workers`?"),
        ("[profile.a]\njobs = 0", "[profile.a]: it is the number 0, and should be a whole number"),
    ] {
        std::fs::write(folder.join("flow.toml"), text).expect("a file");
        let error = weather(folder, ["status"]).refused();
        assert!(error.starts_with("error: flow.toml is wrong: "), "{text}: {error}");
        assert!(error.contains(expected), "{text}: {error}");
    }
    // All keys, each once.
    std::fs::write(folder.join("flow.toml"), "data = \"d\"\nqxz = 1\n").expect("a file");
    let error = weather(folder, ["status"]).refused();
    assert!(error.starts_with("error: flow.toml is wrong: line 2, "), "{error}");
    assert!(error.contains("`sign_with`, `trusted_keys`"), "{error}");
    assert!(!error.contains("sign-with") && error.matches("`sign_with`").count() == 1, "{error}");
}

/// Runs `Temperature` with four contents of its file, and returns the number of its versions and that of the runs in the
/// history.
fn kept(file: &str, variables: &[(&str, &str)]) -> (usize, usize) {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("flow.toml"), file).expect("a file");
    for celsius in 1..=4 {
        let rows = format!("station,celsius\nOslo,{celsius}\n");
        std::fs::write(folder.join("measurements.csv"), rows).expect("a file");
        weather_with(folder, words("run Temperature -q"), variables).ok();
    }
    let count = |arguments: &str| {
        let listed = weather_with(folder, words(arguments), variables).json();
        listed.as_array().expect("a list").len()
    };
    (count("versions Temperature --json"), count("history --json"))
}

#[test]
fn each_limit_is_the_first_of_variable_file_and_default() {
    assert_eq!(kept("", &[]), (4, 4));
    assert_eq!(kept("[limits]\nversions = 2\nruns = 3\n", &[]), (3, 3));
    assert_eq!(kept("[limits]\nversions = 2\nruns = 3\n", &[("FLOW_LIMIT_VERSIONS", "1")]), (2, 3));
    assert_eq!(kept("[limits]\nruns = 3\n", &[("FLOW_LIMIT_RUNS", "2")]), (4, 2));
    assert_eq!(kept("[limits]\nbytes = \"1 B\"\nrun_days = 30\n", &[]), (1, 4));
    let large = [("FLOW_LIMIT_BYTES", "1 GB"), ("FLOW_LIMIT_RUN_DAYS", "1")];
    assert_eq!(kept("[limits]\nbytes = 1\n", &large), (4, 4));
}

#[test]
fn switches_are_the_first_of_option_variable_and_file() {
    let folder = folder();
    let folder = folder.path();
    let run = |arguments: &str, variables: &[(&str, &str)]| {
        weather_with(folder, words(arguments), variables)
    };
    let failing = "run Temperature --at_least 9 -q";
    assert_eq!(run(failing, &[]).code, 1);
    assert_eq!(run(failing, &[("FLOW_ALLOW_FAILURES", "on")]).code, 0);
    let quiet = run("run Temperature --force", &[("FLOW_QUIET", "yes")]);
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
    let tasks = run("list", &[("FLOW_JSON", "1")]).json();
    assert_eq!(tasks.as_array().map(Vec::len), Some(3));
    assert!(run("plan Report", &[("FLOW_COLOR", "always")]).ok().contains('\u{1b}'));
    let plain = run("plan Report --color never", &[("FLOW_COLOR", "always")]).ok();
    assert!(!plain.contains('\u{1b}'), "{plain}");

    let file = "allow_failures = true\nquiet = true\ncolor = \"always\"\n";
    std::fs::write(folder.join("flow.toml"), file).expect("a file");
    assert_eq!(run(failing, &[]).code, 0);
    assert_eq!(run(failing, &[("FLOW_ALLOW_FAILURES", "no")]).code, 1);
    assert_eq!(run("run Temperature --force", &[]).err, "");
    let loud = run("run Temperature --force", &[("FLOW_QUIET", "false")]);
    assert!(loud.err.contains(" ran in "), "{}", loud.err);
    assert!(run("plan Report", &[]).ok().contains('\u{1b}'));
    assert!(!run("plan Report", &[("FLOW_COLOR", "never")]).ok().contains('\u{1b}'));
}

#[test]
fn a_wrong_variable_names_what_it_may_be() {
    let folder = folder();
    for (name, value, expected) in [
        ("FLOW_QUIET", "perhaps", "is \"perhaps\", which is not one of true and false"),
        ("FLOW_ALLOW_FAILURES", "2", "is \"2\", which is not one of true and false"),
        ("FLOW_COLOR", "blue", "is \"blue\", which is not one of auto, always and never"),
        ("FLOW_LIMIT_BYTES", "many", "is \"many\", which is not a number of bytes, such as 20 GB"),
        ("FLOW_LIMIT_RUN_DAYS", "-1", "is \"-1\", which is not a number from 0 to 4294967295"),
    ] {
        let error = weather_with(folder.path(), ["status"], &[(name, value)]).refused();
        assert_eq!(error, format!("error: {name} {expected}\n"));
    }
    let file = folder.path().join("flow.toml");
    std::fs::write(file, "[limits]\nbytes = \"many\"\n").expect("a file");
    let error = weather(folder.path(), ["status"]).refused();
    assert!(error.contains("\"many\" is not an amount"), "{error}");
}

#[test]
fn parameters_of_the_file_are_for_all_tasks_of_the_program() {
    let folder = folder();
    let folder = folder.path();
    let write = |params: &str| {
        std::fs::write(folder.join("flow.toml"), format!("[params]\n{params}\n")).expect("a file");
    };
    write("\"Report.limit\" = 1.5\nstation = \"Rome\"");
    // `Measurements` requires neither `Report` nor `Temperature`.
    for task in ["Measurements", "Temperature"] {
        let plan = weather(folder, ["plan", task, "--json"]).json();
        assert_eq!(plan["warnings"], serde_json::json!([]));
    }
    let plan = weather(folder, words("plan Measurements --param Report.limit=2 --json")).json();
    let warning = plan["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("`Report.limit` is not used"), "{warning}");

    write("\"Temprature.station\" = \"Rome\"");
    let error = weather(folder, words("plan Measurements")).refused();
    let expected = "error: [params] of flow.toml: this program has no task `Temprature`: did you mean `Temperature`?\n";
    assert_eq!(error, expected);
    write("\"Temperature.statoin\" = \"Rome\"");
    let error = weather(folder, words("plan Temperature")).refused();
    assert!(error.starts_with("error: [params] of flow.toml: "), "{error}");
    assert!(error.contains("did you mean `Temperature.station`?"), "{error}");
}

#[test]
fn a_profile_overrides_settings_and_wrong_ones_name_their_place() {
    let folder = folder();
    let folder = folder.path();
    let write = |text: &str| std::fs::write(folder.join("flow.toml"), text).expect("a file");
    write(
        "data = \"base\"\nnamespace = \"prod\"\n[params]\n\"Temperature.station\" = \"Oslo\"\n\"Report.limit\" = 1.5\n\
         [profile.south]\ndata = \"warm\"\n[profile.south.params]\n\"Temperature.station\" = \"Rome\"\n",
    );
    let used = |arguments: &str, variables: &[(&str, &str)]| {
        let status =
            weather_with(folder, words(&format!("status --json {arguments}")), variables).json();
        status["folder"].as_str().expect("a path").to_owned()
    };
    assert!(used("", &[]).ends_with("base/env=prod"));
    // What the profile does not have stays.
    assert!(used("--profile south", &[]).ends_with("warm/env=prod"));
    assert!(used("", &[("FLOW_PROFILE", "south")]).ends_with("warm/env=prod"));
    assert!(used("--profile south", &[("FLOW_DATA", "own")]).ends_with("own/env=prod"));
    let value = |arguments: &str| {
        weather(folder, words(&format!("run Temperature -q {arguments}"))).ok();
        weather(folder, words(&format!("meta Temperature --json {arguments}"))).json()[0]["metadata"]["value"].clone()
    };
    assert_eq!(value(""), 2.0);
    assert_eq!(value("--profile south"), 25.0);
    let error = weather(folder, words("status --profile north")).refused();
    assert_eq!(
        error,
        "error: --profile: there is no profile `north` in flow.toml: it has these:\n  south\n"
    );
    // Also a profile that is not chosen is read.
    write("[profile.south]\nworker = 1\n");
    let error = weather(folder, ["status"]).refused();
    assert!(
        error.contains("flow.toml is wrong: [profile.south]: ") && error.contains("`worker`"),
        "{error}"
    );
    write("[profile.south.profile.more]\nworkers = 1\n");
    let error = weather(folder, ["status"]).refused();
    assert!(error.contains("[profile.south]: a profile has no profiles"), "{error}");
    std::fs::remove_file(folder.join("flow.toml")).expect("a file");
    let error = weather_with(folder, ["status"], &[("FLOW_PROFILE", "south")]).refused();
    assert_eq!(
        error,
        "error: FLOW_PROFILE: there is no profile `south`, because there is no flow.toml\n"
    );
}

#[test]
fn the_options_of_schedulers_are_checked() {
    let folder = folder();
    let folder = folder.path();
    let refused = |text: &str| {
        std::fs::write(folder.join("flow.toml"), text).expect("a file");
        weather(folder, words("plan Report")).refused()
    };
    let error = refused("[slurm]\npartitions = \"main\"\n");
    assert!(error.contains("flow.toml is wrong") && error.contains("`partitions`"), "{error}");
    let error = refused("[slurm]\ntime = \"long\"\n");
    assert!(error.contains("\"long\" is not a time"), "{error}");
    let error = refused("[slurm.tasks.Temperatur]\nmemory = \"1 GB\"\n");
    assert!(
        error.contains("[slurm.tasks] of flow.toml: ") && error.contains("Temperature"),
        "{error}"
    );
    std::fs::write(
        folder.join("flow.toml"),
        "executor = \"slurm\"\n[slurm]\npartition = \"main\"\ntime = \"2h\"\nmemory = \"4 GB\"\nmax-workers = 9\n\
         [slurm.tasks.Temperature]\noptions = [\"--gres=gpu:1\"]\n[hq]\nmax_workers = 3\n",
    )
    .expect("a file");
    // Nothing is submitted by a plan.
    weather(folder, words("plan Report")).ok();
}

#[test]
fn keys_sign_outputs_and_only_signed_ones_are_accepted() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Temperature --station Oslo -q")).ok();
    let key = weather(folder, words("keys new flow.key")).ok();
    let key = key.trim_end();
    assert!(key.starts_with("ed25519:") && !key.contains('\n'), "{key}");
    assert_eq!(weather(folder, words("keys show flow.key")).ok().trim_end(), key);
    check("keys", &weather(folder, words("keys show flow.key --json")));
    let again = weather(folder, words("keys new flow.key"));
    assert_eq!(again.code, 1, "{}", again.err);
    assert!(again.err.contains("exists already"), "{}", again.err);
    let error = weather(folder, ["keys", "show"]).refused();
    assert!(error.contains("which key?"), "{error}");

    let sign_with = [("FLOW_SIGN_WITH", "flow.key")];
    assert_eq!(weather_with(folder, words("keys show"), &sign_with).ok().trim_end(), key);
    let settings = format!("sign_with = \"flow.key\"\ntrusted_keys = [\"{key}\"]\n");
    std::fs::write(folder.join("flow.toml"), settings).expect("a file");
    let plan = weather(folder, words("plan Temperature --station Oslo")).ok();
    assert!(plan.contains("its output is not signed"), "{plan}");
    let why = weather(folder, words("why Temperature --station Oslo")).ok();
    assert!(why.contains("its output is not signed"), "{why}");
    assert!(plan.contains("PENDING its output is not signed"), "{plan}");
    // The output exists, so that it is not one that has never run.
    let meta = weather(folder, words("meta Temperature --station Oslo"));
    assert_eq!(meta.code, 1, "{}", meta.out);
    let expected = "has an output, which is not accepted: its output is not signed. Compute it again, with `run Temperature`";
    assert!(meta.err.contains(expected) && !meta.err.contains("has no output"), "{}", meta.err);
    let verified = weather(folder, words("verify --json"));
    assert_eq!(verified.code, 1);
    check("verify", &verified);
    assert!(verified.out.contains("its output is not signed"), "{}", verified.out);
    // Files are as recorded, so that there is nothing to ask.
    let reset = weather(folder, words("verify --reset"));
    assert_eq!(reset.code, 1, "{}", reset.err);
    let accepted = "\n1 output is not accepted; the next run computes it again if it needs it:\n";
    assert!(reset.out.contains(accepted), "{}", reset.out);
    assert!(reset.out.ends_with("\nnothing to remove: no file is damaged\n"), "{}", reset.out);
    weather(folder, words("run Temperature --station Oslo -q")).ok();
    assert_eq!(weather(folder, words("verify --json")).json()["unsigned"], serde_json::json!([]));
    // Another machine, which does not know the key.
    let other = weather(folder, words("keys new other.key")).ok();
    let trusted = [("FLOW_TRUSTED_KEYS", other.trim_end())];
    let plan = weather_with(folder, words("plan Temperature --station Oslo"), &trusted).ok();
    assert!(plan.contains(&format!("not signed by a known key: `{key}` signed it")), "{plan}");
    let meta = weather_with(folder, words("meta Temperature --station Oslo"), &trusted).err;
    assert!(meta.contains("or add the key to `trusted_keys` in flow.toml"), "{meta}");
    let run = weather_with(folder, words("run Temperature --station Oslo -q"), &trusted);
    assert!(
        run.code != 0 && run.err.contains("does not trust the key of its own signer"),
        "{}",
        run.err
    );
}

#[test]
fn verify_warns_of_a_changed_record_and_says_that_signatures_are_not_required() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("keys new flow.key")).ok();
    std::fs::write(folder.join("flow.toml"), "sign_with = \"flow.key\"\n").expect("a file");
    weather(folder, words("run Temperature --station Oslo -q")).ok();
    let verified = weather(folder, ["verify"]).ok();
    assert!(verified.contains("1 output is signed by ed25519:"), "{verified}");
    assert!(verified.contains("\nsignatures are not required, so that "), "{verified}");
    let folders = std::fs::read_dir(folder.join("data/Temperature")).expect("a folder");
    let mut records = folders.map(|entry| entry.expect("an entry").path().join("record.json"));
    let record = records.find(|path| path.exists()).expect("a record");
    let text = std::fs::read_to_string(&record).expect("a record");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["meta"]["value"] = 40.0.into();
    std::fs::write(&record, json.to_string()).expect("a record");
    let verified = weather(folder, ["verify"]).ok();
    assert!(
        verified.contains("warning: 1 output has a wrong signature:\n  Temperature"),
        "{verified}"
    );
    let json = weather(folder, words("verify --json"));
    check("verify", &json);
    assert_eq!(json.json()["wrong_signatures"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_wrong_key_is_named_and_not_quoted() {
    let folder = folder();
    let folder = folder.path();
    let error = weather_with(folder, ["status"], &[("FLOW_SIGN_WITH", "none.key")]).refused();
    assert!(error.contains("cannot read the private key none.key"), "{error}");
    let trusted = [("FLOW_TRUSTED_KEYS", "ed25519:AAAA,hunter2")];
    let error = weather_with(folder, ["status"], &trusted).refused();
    assert!(error.contains("trusted key 1: it is not a public key"), "{error}");
    assert!(!error.contains("hunter2") && !error.contains("AAAA"), "{error}");
    weather(folder, words("keys new flow.key")).ok();
    let text = std::fs::read_to_string(folder.join("flow.key")).expect("a key");
    let secret = text.lines().nth(1).expect("base64");
    // A private key in the place of a public one.
    let toml = format!("trusted_keys = [\"{secret}\"]\n");
    std::fs::write(folder.join("flow.toml"), toml).expect("a file");
    let error = weather(folder, ["status"]).refused();
    assert!(!error.contains(secret), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(folder.join("flow.key"), readable).expect("permissions");
        let error = weather(folder, words("keys show flow.key"));
        assert_eq!(error.code, 1);
        assert!(error.err.contains("its mode is 644"), "{}", error.err);
    }
}

//! Files of several formats: `multi_output`, `custom_target` and `fuzzy_join`.

use std::fs;
use std::path::Path;

use crate::program::{Example, files, instances, parse_json, tasks};

#[test]
fn multi_output_has_a_file_for_each_output() {
    let example = Example::new("multi_output");
    let split = "Split {source: examples/data/iris.csv, test_every: 5}";
    assert_eq!(example.ran("Accuracy Split"), [split, "Nearest", "Accuracy"]);

    let shown = example.json("show Split");
    let parts = shown["parts"].as_array().expect("a list");
    let part = |name: &str| parts.iter().find(|part| part["part"] == name).expect("a part");
    assert_eq!(
        (&part("train")["total_rows"], &part("test")["total_rows"]),
        (&120.into(), &30.into())
    );
    let counts = parse_json(&example.run("load Split --part counts"));
    assert_eq!(counts, serde_json::json!({"0": 50, "1": 50, "2": 50}));
    let accuracy = |example: &Example| parse_json(&example.run("load Accuracy"));
    let share = accuracy(&example).as_f64().expect("a number");
    assert_eq!(format!("{share:.3}"), "0.967");

    // The files lie side by side, in formats that other programs read.
    let path = |name: &str| Path::new(part(name)["path"].as_str().expect("a path"));
    let (plot, train) = (path("plot"), path("train"));
    let svg = fs::read_to_string(plot).expect("the plot");
    assert!(svg.starts_with("<svg ") && svg.matches("<circle ").count() == 150, "{svg}");
    assert!(fs::read(train).expect("the table").starts_with(b"PAR1"));
    assert_eq!(plot.parent(), train.parent());
    let beside = files(plot.parent().expect("a folder"));
    let extensions = beside.keys().map(|path| path.extension().and_then(|e| e.to_str()));
    let mut extensions: Vec<_> = extensions.flatten().collect();
    extensions.sort_unstable();
    assert_eq!(extensions, ["json", "json", "parquet", "parquet", "svg"]); // one `.json` is the record

    assert!(example.ran("Accuracy Split").is_empty());
    assert_eq!(accuracy(&example), share);

    // With one file missing the output is missing, but the tasks that read it stay complete.
    fs::remove_file(plot).expect("the plot");
    let name = plot.file_name().and_then(|name| name.to_str()).expect("a name");
    let plan = example.run("plan Accuracy");
    assert!(plan.contains(&format!(" EVICTED output: {name} is gone\n")), "{plan}");
    let third = example.json("run Accuracy Split");
    assert_eq!(instances(&third, "ran"), [split]);
    assert_eq!(instances(&third, "complete_already"), ["Nearest", "Accuracy"]);
}

#[test]
fn custom_target_writes_files_that_numpy_reads() {
    let example = Example::new("custom_target");
    assert_eq!(example.ran("Spectrum"), ["Tone {hertz: 44.0, samples: 256}", "Spectrum"]);

    let files = files(example.path("data"));
    let arrays = files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "npy"));
    let mut lengths = Vec::new();
    for (path, (_, bytes)) in arrays {
        let header = String::from_utf8_lossy(&bytes[10..128]);
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00", "{path:?}");
        let length = (bytes.len() - 128) / 8;
        let shape = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({length},), }}");
        assert!(header.trim_end() == shape && header.ends_with('\n'), "{header:?}");
        lengths.push(length);
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [128, 256]);

    // The tone and its first overtone, and nothing else.
    let copy = example.path("spectrum.npy");
    example.run(&format!("load Spectrum --to {copy}"));
    let bytes = fs::read(&copy).expect("a copy");
    let path = example.run("path Spectrum");
    assert_eq!(bytes, fs::read(path.trim_end()).expect("the output"));
    let numbers = bytes[128..].as_chunks().0.iter();
    let numbers = numbers.map(|bytes| f64::from_le_bytes(*bytes));
    let loud = numbers.enumerate().filter(|(_, loudness)| *loudness > 0.1);
    let loud: Vec<_> = loud.map(|(hertz, loudness)| format!("{hertz} Hz: {loudness:.2}")).collect();
    assert_eq!(loud, ["44 Hz: 1.00", "88 Hz: 0.50"]);

    assert!(example.ran("Spectrum").is_empty());
}

#[test]
fn fuzzy_join_matches_similar_names_and_keeps_aside_what_does_not_fit() {
    let example = Example::new("fuzzy_join");
    assert_eq!(tasks(&example.json("run Matches"), "ran"), ["Matches"]);

    let load = |part: &str| example.run(&format!("load Matches --part {part}"));
    let matches = load("matches");
    let rows: Vec<Vec<&str>> =
        matches.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let found: Vec<_> =
        rows.iter().map(|row| (row[0].trim_matches('"'), row[1], row[2], row[3])).collect();
    assert_eq!(
        found,
        [
            ("2024-05-02", "NORDLICHT KAFFEE GMBH", "1234.5", "1"),
            ("2024-05-03", "Mueller und Soehne KG", "89.9", "2"),
            ("2024-05-07", "Cafe z. Loewen", "12.0", "3"),
            ("2024-05-13", "Weinhandel Schmitt", "450.0", "4"),
        ]
    );
    let open = load("open");
    assert!(open.contains("\nStadtwerke,18.2,Schmitt Getränke OHG,"), "{open}");
    assert!(open.ends_with(",no similar name\n") && open.lines().count() == 2, "{open}");

    let rejected = load("rejected");
    let lines: Vec<_> = rejected.lines().collect();
    assert_eq!(lines[0], "file,sheet,line,reason,text");
    assert!(lines[1].starts_with("transfers.csv,,9,"), "{rejected}");
    assert!(lines[1].ends_with(",14.05.2024;Baeckerei Oezdemir;invoice 1007;n/a"), "{rejected}");
    assert!(rejected.contains("if it stands for null, set `nulls = "), "{rejected}");
    assert!(lines[2].starts_with("transfers.csv,,11,"), "{rejected}");
    assert!(lines[2].ends_with(",Total;;;1.804,60") || lines[2].ends_with(",\"Total;;;1.804,60\""));
    let meta = example.json("meta Matches");
    let meta = meta.to_string();
    assert!(meta.contains("2 lines above the table are skipped"), "{meta}");

    // Names that are merely similar stay open.
    let strict = "Matches --min-score 0.98";
    example.run(&format!("run {strict}"));
    let matches = example.run(&format!("load {strict} --part matches"));
    assert_eq!(matches.lines().count(), 3, "{matches}");
}

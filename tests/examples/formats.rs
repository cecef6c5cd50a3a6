//! Files of several formats: `multi_output` and `custom_target`.

use std::fs;
use std::path::Path;

use crate::program::{Example, files, instances, parse_json};

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

//! `report`: the file that is written, its limit, and that nothing else is.

use std::fs;

use crate::{folder, stocks, weather, words};

#[test]
fn a_report_is_written_to_a_file() {
    let folder = folder();
    weather(folder.path(), words("run Report -q")).ok();
    let text = weather(folder.path(), words("report Report -q")).ok();
    assert!(text.starts_with("report.html: ") && text.contains(" kB, 3 instances"), "{text}");
    let html = fs::read_to_string(folder.path().join("report.html")).expect("the report");
    for text in
        ["<h1>Report of Report</h1>", "The name of the station.", "Timeline of the run", "2 values"]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
    // The measurements are the file of another program.
    assert!(html.contains("measurements.csv") && !html.contains("Rome,20"), "{html}");
    for refers in ["href=\"/", "href=\"http", "src=\"/", "src=\"http", "<script", "<link"] {
        assert!(!html.contains(refers), "{refers}");
    }
}

#[test]
fn a_report_is_written_to_the_standard_output() {
    let folder = folder();
    let html = weather(folder.path(), words("report Temperature --station Rome --out -")).ok();
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"), "{html}");
    assert!(html.contains("Rome") && html.contains("never run"), "{html}");
    // A report only reads.
    assert!(!folder.path().join("data").exists() && !folder.path().join("report.html").exists());
}

#[test]
fn a_report_replaces_the_file_and_is_not_larger_than_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Prices --days 5000 -q")).ok();
    fs::write(folder.join("out.html"), "an earlier one").expect("a file");
    let report = |size: &str| {
        let line = format!("report Prices --days 5000 --out out.html --max-size {size} --json");
        stocks(folder, words(&line)).json()
    };
    let whole = report("10MB");
    assert_eq!((&whole["path"], &whole["instances"]), (&"out.html".into(), &1.into()));
    assert_eq!((&whole["previews_left_out"], &whole["bytes_left_out"]), (&0.into(), &0.into()));
    let html = fs::read_to_string(folder.join("out.html")).expect("the report");
    assert_eq!(whole["bytes"], html.len());
    assert!(html.contains("statistics of all 5000 rows") && html.contains("First 20 of 5000 rows"));

    let least = report("1");
    assert_eq!((&least["instances"], &least["instances_left_out"]), (&0.into(), &1.into()));
    let bytes = fs::metadata(folder.join("out.html")).expect("the report").len();
    assert_eq!(least["bytes"], bytes);
    assert!(bytes < 128 << 10, "{bytes}");
    // No draft is left.
    let names = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["data", "out.html"]);
}

#[test]
fn wrong_options_of_a_report_are_refused() {
    let folder = folder();
    let refused = |line: &str| weather(folder.path(), words(line)).refused();
    assert!(refused("report Report --max-size much").contains("--max-size"));
    assert!(refused("report Report --out ..").contains("--out"));
    assert!(refused("report Report --out - --json").contains("--out -"));
    assert!(refused("report Reprot").contains("no task `Reprot`"));
    assert!(!folder.path().join("data").exists());
}

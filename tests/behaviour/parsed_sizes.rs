//! Records and manifests that would take many times their size in memory are refused before they
//! are parsed.

use std::fs;
use std::path::Path;

use flow::prelude::*;

use crate::support::{alone, failure, files_below, flow, peak, ran};

/// The number of values in a hostile file, of two bytes each.
const VALUES: usize = 20_000_000;

/// The memory limit in bytes, far below what such values take when they are parsed.
const MOST: u64 = 300 << 20;

#[derive(Task)]
#[task(target = Json<u32>)]
struct Number {
    n: u32,
}

runs!(Number: u32 = |self, _cx| Ok(self.n));

/// Adds a list of `VALUES` zeros right after the first occurrence of `after`.
fn add_zeros(path: &Path, after: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let (before, rest) = text.split_once(after).expect("it is there");
    let mut zeros = "0,".repeat(VALUES);
    zeros.pop();
    let text = format!("{before}{after}\"zeros\":[{zeros}],{rest}");
    Ok(fs::write(path, text)?)
}

#[test]
fn a_record_with_millions_of_values_is_treated_as_damaged() -> Result<()> {
    alone(|| {
        let (flow, folder) = flow();
        let flow = flow.with(Number::N, 3);
        flow.run::<Number>()?;
        let record =
            files_below(folder.path()).into_iter().find(|path| path.ends_with("record.json"));
        add_zeros(&record.expect("a record"), "\"parameters\": {")?;
        let preview = flow.preview::<Number>()?.color(false).to_string();
        assert!(preview.contains("would take up to"), "{preview}");
        assert!(peak() < MOST, "{} bytes", peak());
        assert_eq!(ran(&flow.run::<Number>()?), ["Number"]);
        assert_eq!(*flow.load::<Number>()?, 3);
        Ok(())
    })
}

#[test]
fn a_manifest_with_millions_of_values_is_refused() -> Result<()> {
    alone(|| {
        let (flow, folder) = flow();
        let flow = flow.with(Number::N, 3);
        flow.run::<Number>()?;
        let to = folder.path().join("handed");
        flow.export::<Number>(&to)?;
        add_zeros(&to.join("manifest.json"), "\"parameters\": {")?;
        let there = Flow::open(folder.path().join("there"))?.quiet();
        let error = format!("{:#}", there.import(&to).expect_err("it is too large"));
        assert!(error.contains("manifest.json") && error.contains("would take up to"), "{error}");
        assert!(peak() < MOST, "{} bytes", peak());
        Ok(())
    })
}

/// Records a list of this many numbers as metadata.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Chatty {
    #[param(default = 0)]
    numbers: usize,
}

runs!(Chatty: u32 = |self, cx| {
    cx.meta("numbers", vec![0_u8; self.numbers])?;
    Ok(1)
});

#[test]
fn metadata_too_large_to_be_read_back_fails_the_task() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = failure(flow.with(Chatty::NUMBERS, 20_000_000).run::<Chatty>());
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.contains("would take up to") && error.contains("metadata"), "{error}");
    let fewer = flow.with(Chatty::NUMBERS, 500_000);
    assert_eq!(ran(&fewer.run::<Chatty>()?), ["Chatty"]);
    assert_eq!(ran(&fewer.run::<Chatty>()?), [""; 0]);
    Ok(())
}

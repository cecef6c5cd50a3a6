//! The chapter on the first pipeline shows the crate that `cargo flow new weather` writes.

use crate::{folder, package, read};

/// Returns the text of a file of the template.
fn template(file: &str) -> String {
    read(&package().join("flow-cli/template").join(file))
}

/// Returns the chapter without the lines that a documentation test hides.
fn chapter() -> String {
    let text = read(&folder().join("first_pipeline.md"));
    let mut is_code = false;
    let shown = text.lines().filter(|line| {
        is_code = is_code != line.starts_with("```");
        !(is_code && (*line == "#" || line.starts_with("# ")))
    });
    shown.map(|line| format!("{line}\n")).collect()
}

/// Checks that the chapter has this text as a block of code.
#[track_caller]
fn assert_shown(language: &str, text: &str) {
    let block = format!("```{language}\n{text}```\n");
    assert!(chapter().contains(&block), "the chapter has another block:\n{block}");
}

#[test]
fn the_first_pipeline_is_that_of_the_template() {
    let below_head = |file: &str| {
        let text = template(file);
        text.split_once("\n\n").map(|(_, rest)| rest.to_owned()).expect("a head")
    };
    assert_shown("rust", &below_head("src/lib.rs"));
    assert_shown("rust,ignore", &below_head("src/main.rs"));
    assert_shown("text", &template("measurements.csv"));
    let path = "path = \"path/to/this/repository\"";
    let manifest = template("manifest.toml").replace("version = \"*\"", path);
    assert!(manifest.contains(path), "{manifest}");
    // Its comment begins like a line that a documentation test hides.
    let shown = manifest.lines().filter(|line| !line.starts_with("# "));
    assert_shown("toml", &shown.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn the_test_in_the_chapter_is_one_of_the_template() {
    let chapter = chapter();
    let (_, test) = chapter.split_once("```rust,ignore\n#[test]\n").expect("a test");
    let (test, _) = test.split_once("```").expect("the end of the block");
    assert!(template("tests/pipeline.rs").contains(test), "{test}");
}

//! The guide: every chapter is listed and compiled, and every link leads somewhere.
//!
//! The code of the chapters is compiled and run by the documentation tests of `src/guide.rs`.

mod measurements;
mod template;

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder of the package.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the folder of the chapters.
fn folder() -> PathBuf {
    package().join("docs/guide/src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names of all chapters, without the summary.
fn chapters() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("a folder of chapters");
    let names = entries.map(|entry| entry.expect("a file").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let chapters: Vec<_> =
        names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect();
    assert!(chapters.len() > 10, "{chapters:?}");
    chapters
}

#[test]
fn every_chapter_is_in_the_summary_and_compiled() {
    let summary = read(&folder().join("SUMMARY.md"));
    for name in chapters() {
        assert!(summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
        let included = format!("include_str!(\"../docs/guide/src/{name}\")");
        let compiled = include_str!("../../src/guide.rs");
        assert!(compiled.contains(&included), "{name} is not in src/guide.rs");
    }
}

#[test]
fn every_block_has_a_language() {
    for name in chapters() {
        let text = read(&folder().join(&name));
        let fences = text.lines().filter(|line| line.starts_with("```"));
        for (place, fence) in fences.enumerate() {
            let is_opening = place % 2 == 0;
            assert_eq!(fence.len() > 3, is_opening, "{name}: {fence}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut files = vec![package().join("README.md"), folder().join("SUMMARY.md")];
    files.extend(chapters().iter().map(|name| folder().join(name)));
    for file in files {
        let text = read(&file);
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let parent = file.parent().expect("a folder");
            let target = if path.is_empty() { file.clone() } else { parent.join(path) };
            assert!(target.exists(), "{}: no {link}", file.display());
            if !anchor.is_empty() {
                let there = read(&target);
                let mut headings = there.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor_of(line) == anchor),
                    "{}: no {link}",
                    file.display()
                );
            }
        }
    }
}

/// Returns the links to files of the repository.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let starts = line.split("](").skip(1);
            links.extend(starts.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link));
        }
    }
    links.retain(|link| !link.contains("://"));
    links
}

/// Returns the anchor of a heading.
fn anchor_of(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

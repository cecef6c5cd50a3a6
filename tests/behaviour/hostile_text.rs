//! User text in paths: each value gets a folder of its own, inside the folder of the store.

use std::collections::BTreeSet;

use flow::prelude::*;

use crate::support::{files_below, flow};

#[derive(Task)]
#[task(target = Json<String>)]
struct Echo {
    text: String,
}

#[tracked]
impl Run for Echo {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        Ok(self.text.clone())
    }
}

#[derive(Task)]
#[task(requires = Echo, target = Json<usize>)]
struct Length;

#[tracked]
impl Run for Length {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        Ok(cx.input().load()?.len())
    }
}

fn hostile() -> Vec<String> {
    let long = "x".repeat(10_000);
    let mut texts: Vec<String> = [
        "../../x",
        "..",
        ".",
        "/etc/passwd",
        "a\0b",
        "a\nb",
        "a\r\nb",
        "a\\b",
        "..\\..\\x",
        "C:\\x",
        "😀",
        "é",
        "e\u{301}",
        "CON",
        "con",
        "NUL.txt",
        "Name",
        "name",
        "NAME",
        "a.",
        "a",
        "a ",
        " a",
        "a. ",
        "",
        " ",
        "-",
        "~",
        "$HOME",
        "*",
        "?",
        "\"",
        "'",
        "|",
        "<>",
        "a=b,c=d",
        "null",
        "1",
        "\u{202e}x",
        "\u{feff}",
        "record.json",
        ".flow",
        "0000000000000000",
    ]
    .map(str::to_owned)
    .into();
    texts.push(long.clone());
    texts.push(format!("{long}y"));
    texts.push("é".repeat(10_000));
    texts.push("../".repeat(3_000));
    texts
}

#[test]
fn hostile_values_get_distinct_folders_inside_the_store() -> Result<()> {
    let (flow, folder) = flow();
    let texts = hostile();
    let mut folders = BTreeSet::new();
    for text in &texts {
        let flow = flow.with(Echo::TEXT, text.as_str());
        flow.run::<Length>()?;
        let path = flow.graph::<Length>().output::<Echo>()?.path()?;
        assert!(path.starts_with(flow.folder()), "{path:?}");
        let parts: Vec<_> = path.strip_prefix(flow.folder())?.components().collect();
        assert_eq!(parts.len(), 3, "{path:?}");
        for part in parts {
            let part = part.as_os_str().to_str().expect("ASCII");
            assert!(part.len() <= 120 && part.is_ascii(), "{part}");
            assert!(!part.ends_with(['.', ' ']) && !part.starts_with('.'), "{part}");
            assert!(
                !part.contains(['\0', '\n', '\\', ':', '*', '?', '"', '<', '>', '|']),
                "{part}"
            );
        }
        let lower = path.parent().expect("a folder").to_string_lossy().to_lowercase();
        assert!(folders.insert(lower), "{path:?} is the folder of another");
    }
    for text in &texts {
        let flow = flow.with(Echo::TEXT, text.as_str());
        assert!(flow.is_complete::<Length>()?, "{text:?}");
        assert_eq!(*flow.load::<Length>()?, text.len());
        assert_eq!(*flow.graph::<Length>().load::<Echo>()?, *text);
    }
    // No file was written outside the store.
    for file in files_below(folder.path()) {
        assert!(file.starts_with(flow.folder()), "{file:?}");
    }
    Ok(())
}

#[test]
fn hostile_namespaces_get_distinct_folders_inside_the_store() -> Result<()> {
    let (flow, _folder) = flow();
    let mut folders = BTreeSet::new();
    for name in ["prod", "Prod", "../x", "..", "a/b", "a_b", "a b", "prod.", "CON", "", "\0", "😀"]
    {
        let env = flow.namespace(name);
        assert_eq!(env.folder().parent(), Some(flow.folder()), "{name:?}");
        let lower = env.folder().to_string_lossy().to_lowercase();
        assert!(folders.insert(lower), "{name:?} is another environment");
        assert!(!env.with(Echo::TEXT, "x").is_complete::<Length>()?);
        env.with(Echo::TEXT, "x").run::<Length>()?;
    }
    Ok(())
}

//! What the compiler was called with: which file is the root of the crate, and which features are
//! on.
//!
//! A macro is not told, but it runs inside the compiler and can look at its arguments. Where it
//! runs inside something else, in an editor or for an example in documentation, there is no root.

use std::fs;
use std::path::{Path, PathBuf};

/// The crate that is being compiled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compilation {
    pub(crate) root: PathBuf,
    pub(crate) features: Vec<String>,
}

/// Options of the compiler whose value is an argument of its own.
const WITH_VALUE: [&str; 22] = [
    "-A",
    "-C",
    "-D",
    "-F",
    "-L",
    "-W",
    "-Z",
    "-l",
    "-o",
    "--allow",
    "--cap-lints",
    "--cfg",
    "--check-cfg",
    "--codegen",
    "--crate-name",
    "--crate-type",
    "--deny",
    "--emit",
    "--extern",
    "--out-dir",
    "--remap-path-prefix",
    "--warn",
];

impl Compilation {
    /// The one of this process.
    pub(crate) fn current() -> Option<Self> {
        let folder = std::env::current_dir().ok()?;
        let arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
        Self::of(arguments, &folder)
    }

    fn of(arguments: impl Iterator<Item = String>, folder: &Path) -> Option<Self> {
        let mut all = Vec::new();
        for argument in arguments.skip(1) {
            match argument.strip_prefix('@') {
                Some(file) => {
                    let text = fs::read_to_string(folder.join(file)).ok()?;
                    all.extend(text.lines().map(str::to_owned));
                }
                None => all.push(argument),
            }
        }
        let mut root = None;
        let mut features = Vec::new();
        let mut is_named = false;
        let mut at = 0;
        while let Some(argument) = all.get(at) {
            at += 1;
            is_named |= argument.starts_with("--crate-name");
            let value = all.get(at).map_or("", String::as_str);
            if argument == "--cfg" {
                features.extend(feature(value));
            } else if let Some(cfg) = argument.strip_prefix("--cfg=") {
                features.extend(feature(cfg));
            }
            if WITH_VALUE.contains(&argument.as_str()) {
                at += 1;
            } else if !argument.starts_with('-') && argument.ends_with(".rs") {
                root = Some(folder.join(argument));
            }
        }
        Some(Self { root: root.filter(|root| is_named && root.is_file())?, features })
    }
}

/// `fast` of `feature="fast"`.
fn feature(cfg: &str) -> Option<String> {
    Some(cfg.strip_prefix("feature=\"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, arguments: &[&str]) -> Option<Compilation> {
        let all = ["rustc"].iter().chain(arguments).map(|&argument| argument.to_owned());
        Compilation::of(all, folder)
    }

    #[test]
    fn the_root_is_the_one_argument_that_is_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir(folder.join("src")).expect("a folder");
        fs::write(folder.join("src/main.rs"), "").expect("a file");
        fs::write(folder.join("other.rs"), "").expect("a file");
        let expected = Compilation {
            root: folder.join("src/main.rs"),
            features: vec!["fast".to_owned(), "big".to_owned()],
        };
        let arguments = [
            "--crate-name",
            "a",
            "--edition=2024",
            "src/main.rs",
            "-o",
            "other.rs",
            "--cfg",
            "feature=\"fast\"",
            "--cfg=feature=\"big\"",
            "--cfg",
            "unix",
            "-C",
            "debuginfo=0",
        ];
        assert_eq!(read(folder, &arguments), Some(expected));

        // A command line that is too long stands in a file.
        fs::write(folder.join("arguments"), arguments.join("\n")).expect("a file");
        assert_eq!(read(folder, &["@arguments"]), read(folder, &arguments));

        // A wrapper's name comes first, as with clippy.
        let wrapped: Vec<&str> = ["rustc"].iter().chain(&arguments).copied().collect();
        assert_eq!(read(folder, &wrapped), read(folder, &arguments));
    }

    #[test]
    fn without_a_root_there_is_no_compilation() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert_eq!(read(folder, &["proc-macro"]), None);
        assert_eq!(read(folder, &["--crate-name", "a", "-"]), None);
        assert_eq!(read(folder, &["--crate-name", "a", "gone.rs"]), None);
        assert_eq!(read(folder, &["@gone"]), None);
    }
}

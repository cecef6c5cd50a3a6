//! Reads the compiler's arguments: the root file of the crate, its features and `cfg`s, and the files of
//! the crates that it uses.
//!
//! A procedural macro runs inside the compiler, so the arguments of the process are those of the
//! compiler. In an editor, and for a documentation example, they name no root file.

use std::fs;
use std::path::{Path, PathBuf};

/// The crate that is being compiled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compilation {
    pub(crate) root: PathBuf,
    pub(crate) features: Vec<String>,
    /// The `cfg`s of the command line that are no features: `fancy`, `mode="fast"`.
    pub(crate) cfgs: Vec<String>,
    /// The names of the crates of `--extern`.
    pub(crate) externs: Vec<String>,
    /// The compiled libraries of `--extern`.
    pub(crate) libraries: Vec<PathBuf>,
    /// The folders in which the compiler looks for the libraries of dependencies.
    pub(crate) library_folders: Vec<PathBuf>,
    /// The folder to which relative paths refer.
    pub(crate) folder: PathBuf,
    /// `OUT_DIR`, the output folder of this package's build script.
    pub(crate) out_dir: Option<PathBuf>,
}

/// Options of the compiler whose value is a separate argument.
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
    /// Returns the compilation of this process.
    pub(crate) fn current() -> Option<Self> {
        let folder = std::env::current_dir().ok()?;
        let arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
        let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from);
        Some(Self { out_dir, ..Self::parse(arguments, &folder)? })
    }

    fn parse(arguments: impl Iterator<Item = String>, folder: &Path) -> Option<Self> {
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
        let mut read = Self { folder: folder.to_owned(), ..Self::default() };
        let mut root = None;
        let mut is_named = false;
        let mut at = 0;
        while let Some(argument) = all.get(at) {
            at += 1;
            is_named |= argument.starts_with("--crate-name");
            let next = all.get(at).map_or("", String::as_str);
            let value = |option: &str| {
                let rest = argument.strip_prefix(option)?;
                let value = rest.strip_prefix('=').unwrap_or(rest);
                Some(if rest.is_empty() { next } else { value })
            };
            if let Some(cfg) = value("--cfg") {
                match feature(cfg) {
                    Some(feature) => read.features.push(feature),
                    None => read.cfgs.push(cfg.to_owned()),
                }
            } else if let Some(named) = value("--extern") {
                read.add_extern(named);
            } else if let Some(searched) = value("-L") {
                read.library_folders.extend(library_folder(searched).map(|path| folder.join(path)));
            }
            if WITH_VALUE.contains(&argument.as_str()) {
                at += 1;
            } else if !argument.starts_with('-') && argument.ends_with(".rs") {
                root = Some(folder.join(argument));
            }
        }
        read.root = root.filter(|root| is_named && root.is_file())?;
        Some(read)
    }

    /// Adds the value of `--extern`: `name`, `name=path`, `priv:name=path`.
    fn add_extern(&mut self, named: &str) {
        let (name, path) = named.split_once('=').unwrap_or((named, ""));
        let name = name.rsplit(':').next().unwrap_or(name);
        self.externs.push(name.to_owned());
        if !path.is_empty() {
            self.libraries.push(self.folder.join(path));
        }
    }
}

/// Returns the folder of `-L`, such as `dependency=/target/debug/deps`, unless it holds native libraries.
fn library_folder(searched: &str) -> Option<&str> {
    match searched.split_once('=') {
        Some(("dependency" | "crate" | "all", folder)) => Some(folder),
        Some(("native" | "framework", _)) => None,
        _ => Some(searched),
    }
}

/// Returns `fast` for `feature="fast"`.
fn feature(cfg: &str) -> Option<String> {
    Some(cfg.strip_prefix("feature=\"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, arguments: &[&str]) -> Option<Compilation> {
        let all = ["rustc"].iter().chain(arguments).map(|&argument| argument.to_owned());
        Compilation::parse(all, folder)
    }

    #[test]
    fn the_root_is_the_one_argument_that_is_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir(folder.join("src")).expect("a folder");
        fs::write(folder.join("src/main.rs"), "").expect("a file");
        fs::write(folder.join("other.rs"), "").expect("a file");
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let expected = Compilation {
            root: folder.join("src/main.rs"),
            features: owned(&["fast", "big"]),
            cfgs: owned(&["unix", "mode=\"slow\""]),
            externs: owned(&["side", "hidden", "alloc"]),
            libraries: vec![folder.join("deps/libside-1.rlib"), "/deps/libhidden-2.rmeta".into()],
            library_folders: vec!["/deps".into(), folder.join("more")],
            folder: folder.to_owned(),
            out_dir: None,
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
            "--cfg=mode=\"slow\"",
            "-C",
            "debuginfo=0",
            "--extern",
            "side=deps/libside-1.rlib",
            "--extern=priv:hidden=/deps/libhidden-2.rmeta",
            "--extern",
            "alloc",
            "-L",
            "dependency=/deps",
            "-Lmore",
            "-L",
            "native=/c",
        ];
        assert_eq!(read(folder, &arguments), Some(expected));

        // Cargo writes a command line that is too long into a file.
        fs::write(folder.join("arguments"), arguments.join("\n")).expect("a file");
        assert_eq!(read(folder, &["@arguments"]), read(folder, &arguments));

        // A wrapper such as clippy adds its own name in front.
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

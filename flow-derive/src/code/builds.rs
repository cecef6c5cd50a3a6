//! Reads the compiler's records of how it built a path dependency: the files that it read, and the
//! variables that `env!` read.
//!
//! A build script writes files into `OUT_DIR` and sets variables. A macro runs in the compiler of another
//! crate, which knows neither. But beside each library the compiler writes a dep-info file,
//! `<crate>-<hash>.d`, from which cargo decides when to rebuild the library. It lists each file that the
//! compiler read, including those of `include!`, `include_str!` and `include_bytes!`, and each variable
//! with its value, in lines of the form `# env-dep:NAME=value`.
//!
//! A folder may hold several builds of a crate: from `check` and `build`, with different features, or by
//! different compilers. For a direct dependency, `--extern` names the build. For other dependencies, the
//! metadata of the libraries that use them identify it, since they contain the `-<hash>` of each
//! crate that they refer to. If several builds remain and their values differ, the value is unknown, and
//! is reported as such.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::compilation::Compilation;

/// One build of a crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Build {
    /// The files that the compiler read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// The variables that the code reads, with their values; `None` if a variable is not set.
    variables: BTreeMap<String, Option<String>>,
}

/// A variable of the environment in which a crate is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Set(String),
    Unset,
    /// There is no record of the variable, or the builds of the crate differ.
    Unknown,
}

/// The environment in which a crate is compiled.
#[derive(Debug)]
pub(crate) enum Environment {
    /// The environment of this process, with `OUT_DIR`.
    Process(Option<PathBuf>),
    /// The recorded builds of a path dependency, any of which may be linked.
    Recorded(Vec<Build>),
}

impl Environment {
    pub(crate) fn is_process(&self) -> bool {
        matches!(self, Self::Process(_))
    }

    /// Returns the value that `env!` has in the crate.
    pub(crate) fn variable(&self, name: &str) -> Variable {
        match self {
            Self::Process(Some(out_dir)) if name == "OUT_DIR" => {
                Variable::Set(out_dir.to_string_lossy().into_owned())
            }
            Self::Process(_) => match std::env::var(name) {
                Ok(value) => Variable::Set(value),
                Err(_) => Variable::Unset,
            },
            Self::Recorded(builds) => {
                let mut values = builds.iter().map(|build| build.variables.get(name));
                match values.next().flatten() {
                    Some(first) if values.all(|other| other == Some(first)) => {
                        first.clone().map_or(Variable::Unset, Variable::Set)
                    }
                    _ => Variable::Unknown,
                }
            }
        }
    }

    /// Returns the output folder of the build script, if there is one and the code of the crate names it.
    pub(crate) fn out_dir(&self) -> Option<PathBuf> {
        match self.variable("OUT_DIR") {
            Variable::Set(folder) => Some(PathBuf::from(folder)),
            Variable::Unset | Variable::Unknown => None,
        }
    }
}

/// The builds of the dependencies of the crate that is compiled.
pub(crate) struct Builds<'a> {
    compilation: &'a Compilation,
    /// The dep-info files of the folders with libraries, by the name of the crate.
    listed: OnceCell<HashMap<String, Vec<PathBuf>>>,
    /// The metadata of the libraries of `--extern`.
    metadata: OnceCell<Vec<Vec<u8>>>,
}

impl<'a> Builds<'a> {
    pub(crate) fn new(compilation: &'a Compilation) -> Self {
        Self { compilation, listed: OnceCell::new(), metadata: OnceCell::new() }
    }

    /// Returns the builds of the crate `name` with this root file that may be linked. Usually it is one.
    pub(crate) fn candidates(&self, name: &str, root: &Path) -> Vec<Build> {
        let root = &root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut found: Vec<(&PathBuf, Build)> = Vec::new();
        for path in self.listed().get(name).into_iter().flatten() {
            let read = fs::read_to_string(path).ok();
            let build = read.and_then(|text| Build::parse(&text, root, &self.compilation.folder));
            found.extend(build.map(|build| (path, build)));
        }
        let stems = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let direct: BTreeSet<String> =
            self.compilation.libraries.iter().filter_map(|p| stems(p)).collect();
        let is_direct = |path: &Path| {
            let stem = stems(path).unwrap_or_default();
            direct.contains(&stem) || direct.contains(&format!("lib{stem}"))
        };
        if found.iter().any(|(path, _)| is_direct(path)) {
            found.retain(|(path, _)| is_direct(path));
        }
        let differ =
            |found: &[(&PathBuf, Build)]| found.windows(2).any(|pair| pair[0].1 != pair[1].1);
        if differ(&found) {
            let is_used = |path: &Path| {
                let stem = stems(path).unwrap_or_default();
                stem.strip_prefix(name).is_some_and(|hash| self.is_referred_to(hash))
            };
            let used: Vec<bool> = found.iter().map(|(path, _)| is_used(path)).collect();
            if used.contains(&true) {
                let mut used = used.into_iter();
                found.retain(|_| used.next().unwrap_or(true));
            }
        }
        found.into_iter().map(|(_, build)| build).collect()
    }

    /// Returns the `cfg`s that the build script of `package` enables, with those of the command line.
    ///
    /// Returns `None` if there is no record of the build script, or if its runs differ.
    pub(crate) fn cfgs(&self, package: &str, environment: &Environment) -> Option<Vec<String>> {
        let mut outputs = Vec::new();
        if let Some(out_dir) = environment.out_dir() {
            outputs.push(out_dir.with_file_name("output"));
        } else {
            for folder in &self.compilation.library_folders {
                let runs =
                    fs::read_dir(folder.with_file_name("build")).into_iter().flatten().flatten();
                let is_of = |name: &str| name.rsplit_once('-').is_some_and(|(of, _)| of == package);
                let runs = runs.filter(|run| run.file_name().to_str().is_some_and(is_of));
                outputs.extend(runs.map(|run| run.path().join("output")));
            }
        }
        let cfg = |line: &str| {
            let directive = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:"));
            Some(directive?.strip_prefix("rustc-cfg=")?.to_owned())
        };
        let read = |path: PathBuf| {
            let text = fs::read_to_string(path).ok()?;
            Some(text.lines().filter_map(cfg).collect::<BTreeSet<String>>())
        };
        let runs: BTreeSet<BTreeSet<String>> = outputs.into_iter().filter_map(read).collect();
        let mut runs = runs.into_iter();
        match (runs.next(), runs.next()) {
            (Some(only), None) => Some(self.compilation.cfgs.iter().cloned().chain(only).collect()),
            _ => None,
        }
    }

    fn listed(&self) -> &HashMap<String, Vec<PathBuf>> {
        self.listed.get_or_init(|| {
            let beside = self.compilation.libraries.iter().filter_map(|library| library.parent());
            let folders: BTreeSet<&Path> = self
                .compilation
                .library_folders
                .iter()
                .map(PathBuf::as_path)
                .chain(beside)
                .collect();
            let mut listed: HashMap<String, Vec<PathBuf>> = HashMap::new();
            for entry in
                folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten()
            {
                let Ok(entry) = entry else {
                    continue;
                };
                let name = entry.file_name();
                let stem = name.to_str().and_then(|name| name.strip_suffix(".d"));
                if let Some(stem) = stem {
                    let krate = stem.rsplit_once('-').map_or(stem, |(krate, _)| krate);
                    listed.entry(krate.to_owned()).or_default().push(entry.path());
                }
            }
            listed.values_mut().for_each(|paths| paths.sort());
            listed
        })
    }

    /// Returns whether a library of `--extern` refers to the crate whose file name ends in `hash`.
    fn is_referred_to(&self, hash: &str) -> bool {
        let metadata = self.metadata.get_or_init(|| {
            let libraries = self.compilation.libraries.iter();
            libraries.filter_map(|library| fs::read(metadata_of(library)).ok()).collect()
        });
        !hash.is_empty() && metadata.iter().any(|bytes| contains(bytes, hash.as_bytes()))
    }
}

/// Returns the file with a library's metadata, which is smaller than the library.
fn metadata_of(library: &Path) -> PathBuf {
    let metadata = library.with_extension("rmeta");
    if metadata.is_file() { metadata } else { library.to_owned() }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((&first, rest)) = wanted.split_first() else {
        return true;
    };
    // `split` inspects each byte once. The hash starts with `-`, which is rare in metadata.
    bytes.split(|&byte| byte == first).skip(1).any(|piece| piece.starts_with(rest))
}

impl Build {
    /// Parses a dep-info file. Returns `None` if it is not one of the crate with this root file.
    fn parse(text: &str, root: &Path, folder: &Path) -> Option<Self> {
        let mut build = Self::default();
        let mut files = Vec::new();
        for line in text.lines() {
            if let Some(variable) = line.strip_prefix("# env-dep:") {
                match variable.split_once('=') {
                    Some((name, value)) => {
                        build.variables.insert(unescape(name), Some(unescape(value)))
                    }
                    None => build.variables.insert(unescape(variable), None),
                };
            } else if let Some(file) = line.strip_suffix(':') {
                files.push(PathBuf::from(file.replace("\\ ", " ")));
            }
        }
        let base = files.iter().find_map(|file| base_of(file, root, folder))?;
        let base = base.canonicalize().unwrap_or(base);
        build.files = files.into_iter().map(|file| base.join(file)).collect();
        Some(build)
    }
}

/// Returns the folder to which the relative paths of a dep-info file refer, if its entry `file` is `root`.
fn base_of(file: &Path, root: &Path, folder: &Path) -> Option<PathBuf> {
    let is_root = |file: &Path| file.canonicalize().is_ok_and(|file| file == root);
    if file.is_absolute() || folder.join(file).is_file() {
        return is_root(&folder.join(file)).then(|| folder.to_owned());
    }
    let mut base = root;
    if root.ends_with(file) {
        for _ in file.components() {
            base = base.parent()?;
        }
        return Some(base.to_owned());
    }
    None
}

/// Reverts the escapes by which the compiler writes a text on one line.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (char, false) => plain.push(char),
        }
    }
    plain
}

#[cfg(test)]
mod tests;

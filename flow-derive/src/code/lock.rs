//! Reads the versions of packages from `Cargo.lock`.
//!
//! The source of packages from a registry or from git is not read, so their versions stand in for it.
//! The versions of the direct dependencies of the package and of its path dependencies are recorded with each
//! output. They are not part of the fingerprint, since a patch release of a logger would run everything
//! again. With `#[tracked(lock)]`, the versions of indirect dependencies are recorded, too, and all of
//! them count.
//!
//! The manifests list the dependencies, and `Cargo.lock` lists their versions. Two packages may depend on
//! different versions of one crate.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::manifest::Manifest;
use super::packages::{OWN, normal};

/// The versions of packages, as texts that `#[tracked]` generates.
///
/// The first line states whether the versions count: `lock` or `direct`. Each following line is a package:
/// its name and its version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The path of `Cargo.lock`.
    pub(crate) path: PathBuf,
    direct: String,
    all: String,
}

thread_local! {
    /// A process compiles one crate, whose `Cargo.lock` is read for the first macro that needs it.
    static VERSIONS: RefCell<Option<Option<Versions>>> = const { RefCell::new(None) };
}

impl Versions {
    /// Calls `query` with the versions for the crate that is being compiled, if there is a `Cargo.lock`.
    pub(crate) fn with<R>(query: impl FnOnce(Option<&Self>) -> R) -> R {
        VERSIONS.with_borrow_mut(|versions| {
            let versions = versions.get_or_insert_with(|| {
                let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
                // A panic here is a bug of this library, and must not break the user's build.
                catch_unwind(AssertUnwindSafe(|| Self::read(&folder))).ok()?
            });
            query(versions.as_ref())
        })
    }

    /// Returns the direct dependencies or, if the versions `count`, all dependencies.
    pub(crate) fn text(&self, count: bool) -> &str {
        if count { &self.all } else { &self.direct }
    }

    /// Reads the versions for the package in `folder`.
    fn read(folder: &Path) -> Option<Self> {
        let folder = normal(folder);
        let manifest = Manifest::read(&folder)?;
        let (path, lock) = Lock::above(&folder, &manifest.name)?;
        let direct = lock.direct(&folder, manifest);
        let all = lock.reached(&direct);
        let (direct, all) = (lock.text("direct", &direct), lock.text("lock", &all));
        Some(Self { path, direct, all })
    }
}

/// A parsed `Cargo.lock`.
#[derive(Debug, Default)]
struct Lock {
    packages: Vec<Locked>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// A package in a `Cargo.lock`.
#[derive(Debug, Default)]
struct Locked {
    name: String,
    version: String,
    /// The registry or repository; empty for a path dependency.
    source: String,
    /// The names of the dependencies, with version and source where the name alone is ambiguous.
    dependencies: Vec<String>,
}

impl Lock {
    /// Returns the nearest `Cargo.lock` in `folder` or above that contains the local package `name`.
    fn above(folder: &Path, name: &str) -> Option<(PathBuf, Self)> {
        folder.ancestors().find_map(|folder| {
            let path = folder.join("Cargo.lock");
            let lock = Self::parse(&fs::read_to_string(&path).ok()?)?;
            lock.in_folder(name, "").is_some().then_some((path, lock))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let parsed = DeTable::parse(text).ok()?;
        let mut lock = Self::default();
        for package in parsed.get_ref().get("package")?.get_ref().as_array()?.iter() {
            let package = package.get_ref().as_table()?;
            let string = |key: &str| {
                let text = package.get(key).and_then(|text| text.get_ref().as_str());
                text.unwrap_or_default().to_owned()
            };
            let list = package.get("dependencies").and_then(|list| list.get_ref().as_array());
            let list = list.into_iter().flat_map(|list| list.iter());
            let names = list.filter_map(|name| DeValue::as_str(name.get_ref()).map(str::to_owned));
            let (name, version, source) = (string("name"), string("version"), string("source"));
            lock.by_name.entry(name.clone()).or_default().push(lock.packages.len());
            lock.packages.push(Locked { name, version, source, dependencies: names.collect() });
        }
        Some(lock)
    }

    fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = (usize, &'a Locked)> {
        let places = self.by_name.get(name).into_iter().flatten();
        places.map(|&place| (place, &self.packages[place]))
    }

    /// Returns the local package with this name and, if there are several, with this version.
    fn in_folder(&self, name: &str, version: &str) -> Option<&Locked> {
        let in_folders = || self.named(name).filter(|(_, package)| package.source.is_empty());
        let exact = in_folders().find(|(_, package)| package.version == version);
        exact.or_else(|| in_folders().next()).map(|(_, package)| package)
    }

    /// Returns the packages to which an entry of `dependencies` refers: one, in a valid `Cargo.lock`.
    fn resolve(&self, entry: &str) -> impl Iterator<Item = usize> {
        let mut words = entry.splitn(3, ' ');
        let name = words.next().unwrap_or_default();
        let (version, source) = (words.next(), words.next());
        let source = source.map(|source| source.trim_matches(['(', ')']));
        let matches = move |package: &Locked| {
            version.is_none_or(|version| version == package.version)
                && source.is_none_or(|source| source == package.source)
        };
        self.named(name).filter(move |(_, package)| matches(package)).map(|(place, _)| place)
    }

    /// Returns the direct dependencies of the package in `folder` and of its path dependencies.
    fn direct(&self, folder: &Path, manifest: Manifest) -> BTreeSet<usize> {
        let mut direct = BTreeSet::new();
        let mut seen = BTreeSet::from([folder.to_owned()]);
        let mut new = vec![manifest];
        while let Some(manifest) = new.pop() {
            let locked = self.in_folder(&manifest.name, &manifest.version);
            let entries = locked.map_or(&[][..], |locked| &locked.dependencies);
            for dependency in manifest.dependencies.iter().filter(|known| known.is_normal) {
                if let Some(folder) = dependency.folder.as_deref().map(normal) {
                    if seen.insert(folder.clone())
                        && let Some(manifest) = Manifest::read(&folder)
                        && !OWN.contains(&manifest.name.as_str())
                    {
                        new.push(manifest);
                    }
                    continue;
                }
                let names = |entry: &&String| entry.split(' ').next() == Some(&dependency.package);
                let found = entries.iter().filter(names).flat_map(|entry| self.resolve(entry));
                direct.extend(found.filter(|&place| self.is_recorded(place)));
            }
        }
        direct
    }

    /// Returns the packages `direct`, and everything that they depend on.
    fn reached(&self, direct: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = direct.clone();
        let mut new: Vec<usize> = direct.iter().copied().collect();
        while let Some(place) = new.pop() {
            let entries = self.packages[place].dependencies.iter();
            let found = entries.flat_map(|entry| self.resolve(entry));
            new.extend(found.filter(|&place| self.is_recorded(place) && reached.insert(place)));
        }
        reached
    }

    /// Returns whether the version of a package is recorded.
    ///
    /// The versions of this library's own crates are not: each of its targets has a version of its own.
    fn is_recorded(&self, place: usize) -> bool {
        !OWN.contains(&self.packages[place].name.as_str())
    }

    fn text(&self, count: &str, places: &BTreeSet<usize>) -> String {
        let shown = places.iter().map(|&place| self.packages[place].shown());
        let mut text = format!("{count}\n");
        for line in shown.collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "{}", line.replace(|char: char| char.is_control(), " "));
        }
        text
    }
}

impl Locked {
    /// Returns the name and version of the package, with the commit if it comes from git.
    ///
    /// In a git repository, one version may have different content.
    fn shown(&self) -> String {
        let Self { name, version, source, .. } = self;
        match source.strip_prefix("git+").and_then(|source| source.split_once('#')) {
            Some((_, commit)) => format!("{name} {version}#{}", commit.get(..8).unwrap_or(commit)),
            None => format!("{name} {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\nversion = \"0.1.0\"\n\
        [dependencies]\nlinfa = \"0.7\"\nold = { package = \"rand\", version = \"0.8\" }\n\
        flow = { package = \"typed-flow\", path = \"flow\" }\nside = { path = \"side\" }\n\
        wip = { git = \"file:///wip\" }\n\
        [target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n\
        [dev-dependencies]\nproptest = \"1\"\n[build-dependencies]\ncc = \"1\"\n";
    const LOCK: &str = "version = 4\n\n\
        [[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\n \"cc\",\n \"libc\",\n \
        \"linfa\",\n \"proptest\",\n \"rand 0.8.5\",\n \"side\",\n \"typed-flow\",\n \"wip\",\n]\n\n\
        [[package]]\nname = \"cc\"\nversion = \"1.1.0\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"libc\"\nversion = \"0.2.9\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"linfa\"\nversion = \"0.7.0\"\nsource = \"registry+r\"\n\
        dependencies = [\n \"ndarray\",\n \"rand 0.9.1 (registry+r)\",\n]\n\n\
        [[package]]\nname = \"ndarray\"\nversion = \"0.16.1\"\nsource = \"registry+r\"\n\
        dependencies = [\"linfa\"]\n\n\
        [[package]]\nname = \"proptest\"\nversion = \"1.5.0\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"rand\"\nversion = \"0.8.5\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"rand\"\nversion = \"0.9.1\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"rand\"\nversion = \"0.9.2\"\nsource = \"registry+r\"\n\n\
        [[package]]\nname = \"side\"\nversion = \"0.1.0\"\ndependencies = [\"rand 0.9.2\"]\n\n\
        [[package]]\nname = \"typed-flow\"\nversion = \"0.1.0\"\ndependencies = [\"cc\"]\n\n\
        [[package]]\nname = \"wip\"\nversion = \"0.1.0\"\n\
        source = \"git+file:///wip?branch=x#0123456789abcdef\"\n";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().expect("a folder"));
            folder.write("Cargo.toml", MANIFEST);
            folder.write("Cargo.lock", LOCK);
            let side = "[package]\nname = \"side\"\nversion = \"0.1.0\"\n\
                        [dependencies]\nrand = \"0.9\"\na = { path = \"..\" }\n";
            folder.write("side/Cargo.toml", side);
            let flow = "[package]\nname = \"typed-flow\"\nversion = \"0.1.0\"\n\
                        [dependencies]\ncc = \"1\"\n";
            folder.write("flow/Cargo.toml", flow);
            folder
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }

        fn read(&self, path: &str) -> Option<Versions> {
            Versions::read(&self.0.path().join(path))
        }
    }

    #[test]
    fn direct_dependencies_come_from_the_manifests_and_their_versions_from_the_lock() {
        let versions = Folder::new().read("").expect("a lock");
        assert_eq!(
            versions.text(false),
            "direct\nlibc 0.2.9\nlinfa 0.7.0\nrand 0.8.5\nrand 0.9.2\nwip 0.1.0#01234567\n"
        );
    }

    #[test]
    fn all_dependencies_include_indirect_ones() {
        let versions = Folder::new().read("").expect("a lock");
        assert_eq!(
            versions.text(true),
            "lock\nlibc 0.2.9\nlinfa 0.7.0\nndarray 0.16.1\nrand 0.8.5\nrand 0.9.1\nrand 0.9.2\n\
             wip 0.1.0#01234567\n"
        );
    }

    #[test]
    fn another_version_in_the_lock_is_another_text() {
        let folder = Folder::new();
        let was = folder.read("").expect("a lock");
        folder.write("Cargo.lock", &LOCK.replace("0.16.1", "0.16.2"));
        let deep = folder.read("").expect("a lock");
        assert_eq!(was.text(false), deep.text(false));
        assert_ne!(was.text(true), deep.text(true));
        folder.write("Cargo.lock", &LOCK.replace("\"0.7.0\"", "\"0.7.1\""));
        let direct = folder.read("").expect("a lock");
        assert_ne!(was.text(false), direct.text(false));
        // Dependencies of tests and build scripts do not count.
        for other in ["\"1.1.0\"", "\"1.5.0\""] {
            folder.write("Cargo.lock", &LOCK.replace(other, "\"1.9.9\""));
            assert_eq!(folder.read("").as_ref(), Some(&was), "{other}");
        }
    }

    #[test]
    fn the_lock_is_the_nearest_one_that_contains_the_package() {
        let folder = Folder::new();
        let side = folder.read("side").expect("that of the workspace");
        // `side` depends on the package above it, and so on the dependencies of that package.
        assert_eq!(side.path, folder.0.path().canonicalize().expect("there").join("Cargo.lock"));
        assert!(side.text(false).contains("rand 0.9.2\n"), "{side:?}");
        // A leftover `Cargo.lock` that does not contain the package is ignored.
        folder.write("side/Cargo.lock", "version = 4\n\n[[package]]\nname = \"x\"\n");
        assert_eq!(folder.read("side"), Some(side));
    }

    #[test]
    fn without_a_valid_lock_there_are_no_versions() {
        let folder = Folder::new();
        for text in ["", "package = 3", "[[package]]\nname = 3", "}", "[[package]]\nname = \"b\""] {
            folder.write("Cargo.lock", text);
            assert_eq!(folder.read(""), None, "{text}");
        }
        fs::remove_file(folder.0.path().join("Cargo.lock")).expect("it is there");
        assert_eq!(folder.read(""), None);
        assert_eq!(folder.read("nowhere"), None);
    }
}

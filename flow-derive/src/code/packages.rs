//! Finds and reads the crates whose source is tracked: the crate being compiled, the library of its
//! package, and its path dependencies. Each is read from the root file that its manifest names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::builds::{Builds, Environment};
use super::compilation::Compilation;
use super::generated;
use super::manifest::{Dependency, Manifest};
use super::source::{Extern, Package, PackageId, Source};

/// The packages of this library. Their source is not read; their targets count by a version.
pub(super) const OWN: [&str; 4] = ["typed-flow", "flow-core", "flow-derive", "flow-targets"];

/// The package that contains the prelude.
const FACADE: &str = "typed-flow";

/// Crates that every crate can name.
const STANDARD: [&str; 4] = ["std", "core", "alloc", "proc_macro"];

/// Reads the compiled crate of the package in `folder`, and every crate that it can name.
pub(crate) fn read(compilation: &Compilation, folder: Option<&Path>) -> Option<Source> {
    let mut reader = Reader::new(compilation);
    let has_manifest = folder.is_some_and(|folder| reader.manifest(folder).is_some());
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => compilation.root.parent()?.to_owned(),
    };
    for feature in &compilation.features {
        reader.enable(&folder, feature);
    }
    if has_manifest {
        reader.enable_dependencies(&folder);
    }
    let root = reader.package(&folder, reader.own_environment());
    let library = has_manifest.then(|| reader.manifests[&folder].library_root.clone());
    let is_library = library.as_ref().is_some_and(|library| same(library, &compilation.root));
    if is_library {
        reader.libraries.insert(folder.clone(), root);
    }
    if !reader.source.load_root(root, &compilation.root) {
        return None;
    }
    reader.externs(root, &folder);
    if !is_library
        && library.is_some_and(|library| library.is_file())
        && let Some(library) = reader.library(&folder)
    {
        let name = reader.manifests[&folder].library.clone();
        let name = reader.source.names.intern(&name);
        reader.source.packages[root].externs.insert(name, library);
        if reader.manifests[&folder].name == FACADE {
            reader.source.packages[root].facades.push(name);
        }
    }
    generated::read(&mut reader.source);
    Some(reader.source)
}

fn same(a: &Path, b: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().ok();
    a == b || canonical(a).is_some_and(|a| Some(a) == canonical(b))
}

struct Reader<'a> {
    compilation: &'a Compilation,
    builds: Builds<'a>,
    source: Source,
    manifests: BTreeMap<PathBuf, Manifest>,
    /// The enabled features, by the folder of the package.
    features: HashMap<PathBuf, BTreeSet<String>>,
    visited: BTreeSet<PathBuf>,
    libraries: HashMap<PathBuf, PackageId>,
}

impl<'a> Reader<'a> {
    fn new(compilation: &'a Compilation) -> Self {
        Self {
            compilation,
            builds: Builds::new(compilation),
            source: Source::default(),
            manifests: BTreeMap::new(),
            features: HashMap::new(),
            visited: BTreeSet::new(),
            libraries: HashMap::new(),
        }
    }

    fn own_environment(&self) -> Environment {
        Environment::Process(self.compilation.out_dir.clone())
    }

    fn manifest(&mut self, folder: &Path) -> Option<&Manifest> {
        if !self.manifests.contains_key(folder) {
            self.manifests.insert(folder.to_owned(), Manifest::read(folder)?);
        }
        self.manifests.get(folder)
    }

    /// Enables a feature, and the features that it enables.
    fn enable(&mut self, folder: &Path, feature: &str) {
        let features = self.features.entry(folder.to_owned()).or_default();
        if !features.insert(feature.to_owned()) {
            return;
        }
        let Some(manifest) = self.manifest(folder) else {
            return;
        };
        let implied = manifest.features.get(feature).cloned().unwrap_or_default();
        let dependencies = manifest.dependencies.clone();
        for implied in implied {
            match implied.split_once('/') {
                Some((key, feature)) => {
                    let key = key.trim_end_matches('?');
                    let named = dependencies.iter().filter(|dependency| dependency.key == key);
                    for folder in named.filter_map(|dependency| dependency.folder.clone()) {
                        self.enable(&normal(&folder), feature);
                    }
                }
                None if implied.starts_with("dep:") => {}
                None => self.enable(folder, &implied),
            }
        }
    }

    /// Enables the features that the manifests request from their dependencies.
    fn enable_dependencies(&mut self, folder: &Path) {
        if !self.visited.insert(folder.to_owned()) {
            return;
        }
        for Dependency { folder, default_features, features, .. } in self.dependencies(folder) {
            let Some(folder) = folder.map(|folder| normal(&folder)) else {
                continue;
            };
            if default_features {
                self.enable(&folder, "default");
            }
            for feature in features {
                self.enable(&folder, &feature);
            }
            self.enable_dependencies(&folder);
        }
    }

    fn dependencies(&mut self, folder: &Path) -> Vec<Dependency> {
        self.manifest(folder).map_or_else(Vec::new, |manifest| manifest.dependencies.clone())
    }

    /// Adds a package without items.
    fn package(&mut self, folder: &Path, environment: Environment) -> PackageId {
        let id = self.source.packages.len();
        let root = self.source.module(id, None, None);
        let features = self.features.get(folder);
        let features = features.map_or_else(Vec::new, |set| set.iter().cloned().collect());
        let manifest = self.manifest(folder);
        let (name, version) = manifest
            .map_or_else(Default::default, |read| (read.name.clone(), read.version.clone()));
        let has_build_script = manifest.is_some_and(|read| read.has_build_script);
        let cfgs = match environment.is_process() || !has_build_script {
            true => Some(self.compilation.cfgs.clone()),
            false => self.builds.cfgs(&name, &environment),
        };
        self.source.packages.push(Package {
            folder: folder.to_owned(),
            root,
            externs: HashMap::new(),
            facades: Vec::new(),
            features,
            name,
            version,
            environment,
            cfgs,
            unexplained: Vec::new(),
            untracked: Vec::new(),
        });
        id
    }

    /// Reads the library of the package in `folder`, and its dependencies.
    fn library(&mut self, folder: &Path) -> Option<Extern> {
        if let Some(&known) = self.libraries.get(folder) {
            return Some(Extern::Package(known));
        }
        let manifest = self.manifest(folder)?;
        if OWN.contains(&manifest.name.as_str()) {
            return Some(Extern::Foreign);
        }
        let (root, name) = (manifest.library_root.clone(), manifest.library.clone());
        let environment = match self.source.packages[0].folder == folder {
            true => self.own_environment(),
            false => Environment::Recorded(self.builds.candidates(&name, &root)),
        };
        let id = self.package(folder, environment);
        self.libraries.insert(folder.to_owned(), id);
        if !self.source.load_root(id, &root) {
            let untracked = "the root of a path dependency cannot be read".to_owned();
            self.source.packages[id].untracked.push(untracked);
        }
        self.externs(id, folder);
        Some(Extern::Package(id))
    }

    /// Records which crates the code of a package can name.
    fn externs(&mut self, package: PackageId, folder: &Path) {
        for name in STANDARD {
            let name = self.source.names.intern(name);
            self.source.packages[package].externs.insert(name, Extern::Foreign);
        }
        for dependency in self.dependencies(folder) {
            let code = |name: &str| name.replace('-', "_");
            let mut name = code(&dependency.key);
            let mut named = Extern::Foreign;
            if let Some(folder) = dependency.folder.as_deref().map(normal) {
                named = self.library(&folder).unwrap_or(Extern::Foreign);
                if !dependency.is_renamed()
                    && let Some(manifest) = self.manifest(&folder)
                {
                    name = manifest.library.clone();
                }
            }
            let name = self.source.names.intern(&name);
            self.source.packages[package].externs.insert(name, named);
            if dependency.package == FACADE {
                self.source.packages[package].facades.push(name);
            }
        }
        if self.source.packages[package].environment.is_process() {
            for name in &self.compilation.externs {
                let name = self.source.names.intern(name);
                self.source.packages[package].externs.entry(name).or_insert(Extern::Foreign);
            }
        }
    }
}

/// Returns the canonical path, so that each folder has a single name.
pub(super) fn normal(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

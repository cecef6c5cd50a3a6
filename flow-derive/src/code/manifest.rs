//! Reads a package's manifest: its library, its dependencies, and its features.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// The parts of a manifest that code tracking needs.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// The package's name; empty for a workspace without one.
    pub(crate) name: String,
    pub(crate) version: String,
    /// The name of the library in code.
    pub(crate) library: String,
    pub(crate) library_root: PathBuf,
    pub(crate) has_build_script: bool,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// A package that another depends on.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// Its key in the table of dependencies.
    pub(crate) key: String,
    /// The name of the package.
    pub(crate) package: String,
    /// Whether the program uses it, and not only its tests and examples.
    pub(crate) is_normal: bool,
    /// Its folder, if it is a path dependency.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) default_features: bool,
    pub(crate) features: Vec<String>,
}

/// The tables of packages that code can name, and whether the program uses these packages.
const TABLES: [(&str, bool); 2] = [("dependencies", true), ("dev-dependencies", false)];

impl Dependency {
    /// Returns whether the manifest renames the package.
    pub(crate) fn is_renamed(&self) -> bool {
        self.package != self.key
    }
}

impl Manifest {
    /// Reads the manifest of the package in `folder`.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let parsed = DeTable::parse(&text).ok()?;
        let manifest = parsed.get_ref();
        let workspace = Workspace::find(folder, manifest);
        let package = table(manifest, "package")?;
        let name = string(package, "name").unwrap_or_default();
        let library = table(manifest, "lib");
        let own_name = library.and_then(|library| string(library, "name"));
        let path = library.and_then(|library| string(library, "path"));
        let version = string(package, "version");
        let build = package.get("build").map(|build| build.get_ref());
        let mut read = Self {
            has_build_script: match build.and_then(DeValue::as_bool) {
                Some(has_one) => has_one,
                None => build.is_some() || folder.join("build.rs").is_file(),
            },
            library: own_name.unwrap_or_else(|| name.replace('-', "_")),
            library_root: folder.join(path.unwrap_or_else(|| "src/lib.rs".to_owned())),
            version: version.or(workspace.version.clone()).unwrap_or_default(),
            name,
            ..Self::default()
        };
        let mut holders = vec![manifest];
        if let Some(targets) = table(manifest, "target") {
            holders.extend(targets.values().filter_map(|target| target.get_ref().as_table()));
        }
        for holder in holders {
            for (name, is_normal) in TABLES {
                for (key, value) in table(holder, name).into_iter().flatten() {
                    let dependency = workspace.dependency(folder, key.get_ref(), value.get_ref());
                    read.dependencies.push(Dependency { is_normal, ..dependency });
                }
            }
        }
        if let Some(features) = table(manifest, "features") {
            let features = features.iter();
            read.features = features
                .map(|(name, list)| (name.get_ref().to_string(), strings(list.get_ref())))
                .collect();
        }
        Some(read)
    }
}

/// The values that packages inherit from their workspace, and the patched packages.
#[derive(Default)]
struct Workspace {
    version: Option<String>,
    dependencies: BTreeMap<String, Dependency>,
    /// The folders that replace packages of a registry, by the name of the package.
    patches: BTreeMap<String, PathBuf>,
}

impl Workspace {
    /// Finds and reads the workspace of the package in `folder`.
    fn find(folder: &Path, manifest: &DeTable<'_>) -> Self {
        if manifest.contains_key("workspace") {
            return Self::read(folder, manifest);
        }
        let package = table(manifest, "package");
        let declared = package.and_then(|package| string(package, "workspace"));
        let declared = declared.map(|path| folder.join(path));
        let above = folder.ancestors().skip(1).map(Path::to_owned);
        let folders = declared.is_none().then_some(above).into_iter().flatten();
        for folder in declared.into_iter().chain(folders) {
            let Ok(text) = fs::read_to_string(folder.join("Cargo.toml")) else {
                continue;
            };
            if let Ok(parsed) = DeTable::parse(&text)
                && parsed.get_ref().contains_key("workspace")
            {
                return Self::read(&folder, parsed.get_ref());
            }
        }
        Self::read(folder, manifest)
    }

    fn read(folder: &Path, manifest: &DeTable<'_>) -> Self {
        let mut read = Self::default();
        if let Some(patches) = table(manifest, "patch") {
            let registries = patches.values().filter_map(|registry| registry.get_ref().as_table());
            for (key, value) in registries.flatten() {
                let patch = Self::default().dependency(folder, key.get_ref(), value.get_ref());
                if let Some(folder) = patch.folder {
                    read.patches.insert(patch.package, folder);
                }
            }
        }
        let Some(workspace) = table(manifest, "workspace") else {
            return read;
        };
        let package = table(workspace, "package");
        read.version = package.and_then(|package| string(package, "version"));
        for (key, value) in table(workspace, "dependencies").into_iter().flatten() {
            let dependency = read.dependency(folder, key.get_ref(), value.get_ref());
            read.dependencies.insert(dependency.key.clone(), dependency);
        }
        read
    }

    fn dependency(&self, folder: &Path, key: &str, value: &DeValue<'_>) -> Dependency {
        let written = value.as_table();
        let text = |key| written.and_then(|written| string(written, key));
        let flag = |key| written.and_then(|written| written.get(key)?.get_ref().as_bool());
        let list = written.and_then(|written| written.get("features"));
        let mut dependency = match self.dependencies.get(key) {
            Some(inherited) if flag("workspace") == Some(true) => inherited.clone(),
            _ => Dependency {
                key: key.to_owned(),
                package: text("package").unwrap_or_else(|| key.to_owned()),
                is_normal: true,
                folder: text("path").map(|path| folder.join(path)),
                default_features: true,
                features: Vec::new(),
            },
        };
        if dependency.folder.is_none() {
            dependency.folder = self.patches.get(&dependency.package).cloned();
        }
        if let Some(default) = flag("default-features") {
            dependency.default_features = default;
        }
        dependency.features.extend(list.map(|list| strings(list.get_ref())).unwrap_or_default());
        dependency
    }
}

fn table<'a, 'i>(parent: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    parent.get(key)?.get_ref().as_table()
}

fn string(parent: &DeTable<'_>, key: &str) -> Option<String> {
    parent.get(key)?.get_ref().as_str().map(str::to_owned)
}

fn strings(list: &DeValue<'_>) -> Vec<String> {
    let all = list.as_array().into_iter().flat_map(|list| list.iter());
    all.filter_map(|text| text.get_ref().as_str().map(str::to_owned)).collect()
}

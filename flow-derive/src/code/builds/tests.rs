use super::*;

/// A temporary folder with builds of `deep`, whose root is `deep/src/lib.rs`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("deep/src/lib.rs", "");
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().expect("a folder")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn build(&self, hash: &str, value: &str) {
        let text = format!(
            "/t/deps/libdeep-{hash}.rmeta: deep/src/lib.rs\n\ndeep/src/lib.rs:\n/t/out/x\\ y.rs:\n\n\
             # env-dep:NOTHING\n# env-dep:VALUE={value}\n"
        );
        self.write(&format!("deps/deep-{hash}.d"), &text);
    }

    fn compilation(&self, libraries: &[&str]) -> Compilation {
        Compilation {
            folder: self.path(),
            library_folders: vec![self.path().join("deps")],
            libraries: libraries
                .iter()
                .map(|library| self.path().join("deps").join(library))
                .collect(),
            ..Compilation::default()
        }
    }

    fn environment(&self, libraries: &[&str]) -> Environment {
        let compilation = self.compilation(libraries);
        let root = self.path().join("deep/src/lib.rs");
        Environment::Recorded(Builds::new(&compilation).candidates("deep", &root))
    }
}

fn set(value: &str) -> Variable {
    Variable::Set(value.to_owned())
}

#[test]
fn variables_and_files_are_read_from_dep_info() {
    let folder = Folder::new();
    folder.build("1", "a = \\\\ \\nb");
    let environment = folder.environment(&[]);
    assert_eq!(environment.variable("VALUE"), set("a = \\ \nb"));
    assert_eq!(environment.variable("NOTHING"), Variable::Unset);
    assert_eq!(environment.variable("OTHER"), Variable::Unknown);
    let Environment::Recorded(builds) = environment else { panic!("it is recorded") };
    let files = [PathBuf::from("/t/out/x y.rs"), folder.path().join("deep/src/lib.rs")];
    assert_eq!(builds[0].files, BTreeSet::from(files));
}

#[test]
fn the_build_of_a_direct_dependency_is_that_of_its_library() {
    let folder = Folder::new();
    folder.build("1", "old");
    folder.build("2", "new");
    assert_eq!(folder.environment(&["libdeep-2.rmeta"]).variable("VALUE"), set("new"));
    assert_eq!(folder.environment(&["libdeep-1.rlib"]).variable("VALUE"), set("old"));
    assert_eq!(folder.environment(&["deep-1.dll"]).variable("VALUE"), set("old"));
}

#[test]
fn the_build_of_an_indirect_dependency_is_that_of_the_metadata() {
    let folder = Folder::new();
    folder.build("0a1", "old");
    folder.build("0a2", "new");
    folder.write("deps/libmid-9.rmeta", "rust\u{1}deep\u{4}-0a2\u{c1}\u{4}-7ff");
    assert_eq!(folder.environment(&["libmid-9.rlib"]).variable("VALUE"), set("new"));
    // No library names the build, and the builds differ.
    assert_eq!(folder.environment(&[]).variable("VALUE"), Variable::Unknown);
    // No library names the build, and the builds are equal.
    folder.build("0a1", "new");
    assert_eq!(folder.environment(&[]).variable("VALUE"), set("new"));
}

#[test]
fn a_crate_of_the_same_name_with_another_root_is_another_crate() {
    let folder = Folder::new();
    folder.write("other/deep/src/lib.rs", "");
    folder.write("deps/deep-1.d", "x: y\n\nother/deep/src/lib.rs:\n\n# env-dep:VALUE=other\n");
    assert_eq!(folder.environment(&[]).variable("VALUE"), Variable::Unknown);
    // The dependency was built from another folder than this crate.
    folder.write("deps/deep-2.d", "x: y\n\nsrc/lib.rs:\n\n# env-dep:VALUE=own\n");
    assert_eq!(folder.environment(&[]).variable("VALUE"), set("own"));
}

//! The files of the new crate: those of the folder `template`, with the name and the dependency filled in.
//!
//! The files are a crate with the name `weather`. The package `tests/template` of the repository compiles and tests them
//! as they are.

use crate::name::Name;
use crate::workspace::Workspace;

/// The files, each with its path in the crate.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../template/manifest.toml")),
    (".gitignore", include_str!("../../../template/gitignore")),
    ("README.md", include_str!("../../../template/README.md")),
    ("flow.toml", include_str!("../../../template/flow.toml")),
    ("measurements.csv", include_str!("../../../template/measurements.csv")),
    ("src/lib.rs", include_str!("../../../template/src/lib.rs")),
    ("src/main.rs", include_str!("../../../template/src/main.rs")),
    ("tests/pipeline.rs", include_str!("../../../template/tests/pipeline.rs")),
];

/// The name of the crate in the files.
const NAME: &str = "weather";

/// What the dependency on typed-flow has in the files, instead of a version or a path.
const REQUIREMENT: &str = "version = \"*\"";

/// What the manifest has before the profiles.
const PROFILES: &str = "\n# Dependencies are compiled";

/// What makes a crate a workspace of its own.
const WORKSPACE: &str = "
# This crate is not a member of the workspace in a folder above. To make it one, remove this table and the profile, and add
# the folder to `members` there.
[workspace]
";

/// Returns the files of a crate, each with its path in it.
pub(crate) fn files(
    name: &Name,
    requirement: &str,
    workspace: &Workspace,
) -> Vec<(&'static str, String)> {
    let file = |(path, text): &(&'static str, &str)| {
        let text = match *path {
            "Cargo.toml" => manifest(text, name, requirement, workspace),
            path if path.ends_with(".rs") => text.replace(NAME, &name.library()),
            _ => text.replace(NAME, name.package()),
        };
        (*path, text)
    };
    FILES.iter().map(file).collect()
}

/// Returns the profiles, for the manifest of a workspace that the crate is a member of.
pub(crate) fn profiles() -> &'static str {
    parts(FILES[0].1).1
}

/// Splits the manifest before the profiles.
fn parts(manifest: &str) -> (&str, &str) {
    manifest.split_at(manifest.find(PROFILES).unwrap_or(manifest.len()))
}

fn manifest(text: &str, name: &Name, requirement: &str, workspace: &Workspace) -> String {
    let (package, profiles) = parts(text);
    // The path of a checkout may contain the name, so it comes last.
    let package = package.replace(NAME, name.package()).replace(REQUIREMENT, requirement);
    match workspace {
        Workspace::None => package + profiles,
        Workspace::Member(_) => package,
        Workspace::Other(_) => package + profiles + WORKSPACE,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn text(path: &str, name: &str, workspace: &Workspace) -> String {
        let name = Name::new(name).expect("a valid name");
        let mut files = files(&name, "path = \"/weather/flow\"", workspace).into_iter();
        files.find(|(of, _)| *of == path).map(|(_, text)| text).expect("a file")
    }

    #[test]
    fn with_its_own_name_the_template_stays_as_it_is() {
        let name = Name::new(NAME).expect("a valid name");
        for ((path, text), (_, template)) in
            files(&name, REQUIREMENT, &Workspace::None).iter().zip(FILES)
        {
            assert_eq!(text, template, "{path}");
        }
    }

    #[test]
    fn another_name_replaces_that_of_the_template_everywhere() {
        let name = Name::new("my-rain").expect("a valid name");
        for (path, text) in files(&name, "version = \"1\"", &Workspace::None) {
            assert!(!text.contains(NAME), "{path}: {text}");
        }
        assert!(text("src/main.rs", "my-rain", &Workspace::None).contains("use my_rain as _;"));
        assert!(text("README.md", "my-rain", &Workspace::None).starts_with("# my-rain\n"));
    }

    #[test]
    fn the_manifest_names_the_crate_and_its_dependency() {
        let alone = text("Cargo.toml", "my-rain", &Workspace::None);
        assert!(alone.contains("name = \"my-rain\""), "{alone}");
        let dependency =
            "flow = { package = \"typed-flow\", path = \"/weather/flow\", features = [\"cli\"] }";
        assert!(alone.contains(dependency), "{alone}");
        assert!(alone.ends_with("\n[profile.dev.package.\"*\"]\nopt-level = 2\n"), "{alone}");

        let member = text("Cargo.toml", "my-rain", &Workspace::Member(PathBuf::new()));
        assert!(!member.contains("profile") && !member.contains("[workspace]"), "{member}");
        assert_eq!(format!("{member}{}", profiles()), alone);
        let other = text("Cargo.toml", "my-rain", &Workspace::Other(PathBuf::new()));
        assert_eq!(other, alone + WORKSPACE);
    }
}

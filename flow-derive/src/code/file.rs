//! Finds the file that contains an item, and renders it for users.

use std::path::{Component, Path, PathBuf};

/// Returns the path of the file of `span` on this machine, if the compiler knows it.
fn of(span: proc_macro::Span) -> Option<PathBuf> {
    let file = span.local_file()?;
    Some(std::env::current_dir().map_or(file.clone(), |current| current.join(&file)))
}

/// Returns the file in which the macro is called; `None` outside of the compiler.
pub(crate) fn here() -> Option<PathBuf> {
    proc_macro::is_available().then(|| of(proc_macro::Span::call_site()))?
}

/// Returns the path of a file relative to the folder of the package, with `/` as the separator.
///
/// The result is the same on every machine: for a file outside the package, it is the name of the file.
pub(crate) fn shown(file: &Path, package: &Path) -> String {
    let inside = file.strip_prefix(package);
    let shown = inside.unwrap_or(Path::new(file.file_name().unwrap_or_default()));
    let mut parts: Vec<String> = Vec::new();
    for component in shown.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            // `src/../data/x.csv`
            Component::ParentDir if parts.pop().is_none() => return name(file),
            _ => {}
        }
    }
    parts.join("/")
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_shown_relative_to_the_package() {
        let show = |file: &str, package: &str| shown(Path::new(file), Path::new(package));
        assert_eq!(show("/a/p/src/main.rs", "/a/p"), "src/main.rs");
        assert_eq!(show("/a/p/member/src/a.rs", "/a/p/member"), "src/a.rs");
        assert_eq!(show("/a/p/src/../data/x.csv", "/a/p"), "data/x.csv");
        assert_eq!(show("/a/p/../q/x.csv", "/a/p"), "x.csv");
        assert_eq!(show("/elsewhere/out/made.rs", "/a/p"), "made.rs");
    }
}

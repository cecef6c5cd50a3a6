//! The file that an item stands in, as it is shown to users.

use std::path::{Component, Path, PathBuf};

/// The file of `span`, relative to the folder of the package, with `/` between its parts; empty if
/// the compiler does not know one.
///
/// It is the same on every machine: a file outside the package is named without its folder.
pub(crate) fn of(span: proc_macro::Span) -> String {
    let Some(file) = span.local_file() else {
        return String::new();
    };
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let current = std::env::current_dir().ok();
    relative(&file, current.as_deref(), package.as_deref())
}

fn relative(file: &Path, current: Option<&Path>, package: Option<&Path>) -> String {
    let absolute = current.map_or_else(|| file.to_owned(), |current| current.join(file));
    let inside = package.and_then(|package| absolute.strip_prefix(package).ok());
    let shown = match inside {
        Some(inside) => inside,
        None if file.is_relative() => file,
        None => Path::new(file.file_name().unwrap_or_default()),
    };
    let parts: Vec<_> = shown
        .components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_the_package_on() {
        let show = |file: &str, current: &str, package: &str| {
            relative(Path::new(file), Some(Path::new(current)), Some(Path::new(package)))
        };
        assert_eq!(show("src/main.rs", "/work/p", "/work/p"), "src/main.rs");
        assert_eq!(show("member/src/a.rs", "/work/p", "/work/p/member"), "src/a.rs");
        assert_eq!(show("/work/p/src/main.rs", "/tmp", "/work/p"), "src/main.rs");
        assert_eq!(show("/elsewhere/out/made.rs", "/work/p", "/work/p"), "made.rs");
    }
}

//! The names of files in reports.

use std::path::Path;

use flow_core::Source;

/// Returns the name of each file in reports: its path below the innermost folder that has all files, with `/`.
///
/// So files of one folder have their file names, and files of one name in several folders can be told apart.
pub(super) fn names(sources: &[Source]) -> Vec<String> {
    let mut folders = sources.iter().filter_map(|source| source.path().parent());
    let first = folders.next();
    let common = folders
        .fold(first, |common, folder| common?.ancestors().find(|above| folder.starts_with(above)));
    sources.iter().map(|source| below(common, source.path())).collect()
}

/// Returns the path of a file below a folder or, without one, the whole path.
fn below(folder: Option<&Path>, file: &Path) -> String {
    let below = folder.and_then(|folder| file.strip_prefix(folder).ok());
    match below {
        // Without a common folder, as on two drives of Windows, it is the whole path.
        Some(below) if below.is_relative() => {
            let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
            names.join("/")
        }
        _ => file.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_they_must_be_to_differ() {
        let names =
            |paths: &[&str]| names(&paths.iter().copied().map(Source::file).collect::<Vec<_>>());
        assert_eq!(names(&["raw/sales.csv"]), ["sales.csv"]);
        assert_eq!(names(&["raw/a.csv", "raw/b.csv"]), ["a.csv", "b.csv"]);
        assert_eq!(
            names(&["raw/may/sales.csv", "raw/june/sales.csv"]),
            ["may/sales.csv", "june/sales.csv"],
        );
        assert_eq!(
            names(&["raw/sales.csv", "raw/more/2024/sales.csv"]),
            ["sales.csv", "more/2024/sales.csv"],
        );
        // The beginning of a name is no folder.
        assert_eq!(names(&["raw/ab/x.csv", "raw/ac/x.csv"]), ["ab/x.csv", "ac/x.csv"]);
    }
}

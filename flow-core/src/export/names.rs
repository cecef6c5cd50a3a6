//! The paths of outputs in an export, such as `Train/model=Logistic.parquet`.
//!
//! A path is derived from the parameters that the task shows, as the folders of a store are, so that it is the same in
//! each export. The digits of the key are appended if the text was cut or characters were replaced, or if another
//! output has the same path (ignoring case).

use std::collections::BTreeSet;

use crate::base::key::Short;
use crate::base::names::key_of;
use crate::plan::label::Shown;
use crate::store::folder::{TEXT, extension_name, instance_folder, part_name};
use crate::store::output::OutputFile;

/// The name of an output without shown parameters.
const OUTPUT: &str = "output";

/// The folder of figures and notes.
const FIGURES: &str = "figures";

/// The paths of the outputs of an export, without extensions and in lower case.
#[derive(Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Marks a path as used.
    pub(crate) fn take(&mut self, stem: &str) {
        self.0.insert(stem.to_lowercase());
    }

    /// Returns an unused path for an output of `task` with these shown parameters.
    pub(crate) fn give(
        &mut self,
        task: &str,
        parameters: &[(String, String)],
        key: Short,
    ) -> String {
        let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let folder = instance_folder(pairs, key);
        let text = folder.trim_end_matches(&key.to_string()).trim_end_matches('-');
        let pairs: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let is_whole = pairs.join(",") == text && !text.ends_with('.') && key_of(text).is_none();
        let short = match parameters {
            [] => format!("{task}/{OUTPUT}"),
            _ => format!("{task}/{text}"),
        };
        if is_whole && self.0.insert(short.to_lowercase()) {
            return short;
        }
        let long = match parameters {
            [] => format!("{task}/{OUTPUT}-{key}"),
            _ => format!("{task}/{folder}"),
        };
        self.take(&long);
        long
    }
}

/// Returns whether a path has room for all of these parameters.
pub(crate) fn is_whole(parameters: &[Shown]) -> bool {
    let lengths = parameters.iter().map(|one| one.name.len() + one.value.to_string().len() + 2);
    lengths.sum::<usize>() <= TEXT
}

/// Returns the path of a part of an output. `stem` is the path of the output, `place` the index of the part.
pub(crate) fn path(stem: &str, file: &OutputFile, place: usize) -> String {
    let extension = match file.extension() {
        "" => String::new(),
        extension => format!(".{}", extension_name(extension)),
    };
    match file.part.as_str() {
        "" => format!("{stem}{extension}"),
        part if part_name(part) == part => format!("{stem}/{part}{extension}"),
        // Two parts may differ only in characters that are replaced: the index distinguishes them.
        part => format!("{stem}/{}-{place}{extension}", part_name(part)),
    }
}

/// Returns the path of a figure or note of an output. `stem` is the path of the output, `place` the index of the figure.
pub(crate) fn figure_path(stem: &str, figure: &OutputFile, place: usize) -> String {
    let name = match figure.part.as_str() {
        "" => "note".to_owned(),
        name => part_name(name).replace('.', "_"),
    };
    let extension = extension_name(figure.extension());
    format!("{FIGURES}/{stem}/{:02}-{name}.{extension}", place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(names: &mut Names, value: &str, key: u64) -> String {
        names.give("Train", &[("model".to_owned(), value.to_owned())], Short(key))
    }

    #[test]
    fn names_are_for_people_and_tell_apart() {
        let mut names = Names::default();
        assert_eq!(give(&mut names, "Logistic", 1), "Train/model=Logistic");
        assert_eq!(give(&mut names, "logistic", 2), "Train/model=logistic-0000000000000002");
        assert_eq!(give(&mut names, "../x", 3), "Train/model=_.._x-0000000000000003");
        assert_eq!(give(&mut names, "a.", 4), "Train/model=a.-0000000000000004");
        let long = give(&mut names, &"x".repeat(500), 5);
        assert!(long.len() < 120 && long.ends_with("-0000000000000005"), "{long}");
        assert_eq!(names.give("Train", &[], Short(6)), "Train/output");
        assert_eq!(names.give("Train", &[], Short(7)), "Train/output-0000000000000007");
    }

    #[test]
    fn parts_that_differ_in_what_no_name_can_have_are_told_apart() {
        let file = |part: &str| OutputFile {
            part: part.to_owned(),
            file: "data-1-2-x.csv.gz".to_owned(),
            digest: crate::base::key::Digest(0),
            bytes: 0,
            modified: 0,
            executable: false,
            folder: None,
            columns: crate::target::ColumnDigests::default(),
        };
        assert_eq!(path("A/output", &file(""), 0), "A/output.csv.gz");
        assert_eq!(path("A/output", &file("even"), 0), "A/output/even.csv.gz");
        assert_eq!(path("A/output", &file("ä"), 0), "A/output/_-0.csv.gz");
        assert_eq!(path("A/output", &file("ö"), 1), "A/output/_-1.csv.gz");
    }
}

//! The formats of files, by their names.

use std::path::Path;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Arrow,
    Csv,
    CsvGz,
    Json,
    Parquet,
    Text,
    /// Another format, which may be text or not.
    Other,
}

impl Format {
    /// Returns the format of a file, by the extension of its name.
    pub(crate) fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        const EXTENSIONS: [(&str, Format); 7] = [
            (".arrow", Format::Arrow),
            (".feather", Format::Arrow),
            (".csv", Format::Csv),
            (".csv.gz", Format::CsvGz),
            (".json", Format::Json),
            (".parquet", Format::Parquet),
            (".txt", Format::Text),
        ];
        let found = EXTENSIONS.into_iter().find(|(extension, _)| name.ends_with(extension));
        found.map_or(Self::Other, |(_, format)| format)
    }

    /// Returns the format that an option names.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "arrow" => Self::Arrow,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "parquet" => Self::Parquet,
            _ => Self::Other,
        }
    }

    /// Returns the name of the format, as options and JSON have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Text => "text",
            Self::Other => "other",
        }
    }

    /// Returns whether files of the format are tables.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Arrow | Self::Csv | Self::CsvGz | Self::Parquet)
    }

    /// Returns whether a terminal can show files of the format.
    pub(crate) fn is_binary(self) -> bool {
        !matches!(self, Self::Csv | Self::Json | Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_the_longest_extension() {
        let of = |name: &str| Format::of(Path::new(name)).name();
        assert_eq!(of("data-8c1f02ab-5b2e9c01.csv.gz"), "csv.gz");
        assert_eq!(of("a/B.CSV"), "csv");
        assert_eq!(of("table.parquet"), "parquet");
        assert_eq!(of("parquet"), "other");
        assert_eq!(of(".."), "other");
        assert!(Format::named("arrow").is_table() && Format::of(Path::new("x.arrow")).is_binary());
    }
}

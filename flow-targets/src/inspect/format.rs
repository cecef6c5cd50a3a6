//! The formats of files, by their names.

use std::path::Path;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A table in Arrow IPC: `.arrow`, `.feather`.
    Arrow,
    /// A table in CSV.
    Csv,
    /// A table in CSV that gzip has compressed.
    CsvGz,
    /// JSON.
    Json,
    /// A table in Parquet.
    Parquet,
    /// Text: `.txt`.
    Text,
    /// Another format, which may be text or binary.
    Other,
}

impl Format {
    /// Returns the format of a file, by the extension of its name.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        const EXTENSIONS: [(&str, Format); 8] = [
            (".arrow", Format::Arrow),
            (".feather", Format::Arrow),
            (".csv", Format::Csv),
            (".csv.gz", Format::CsvGz),
            (".json", Format::Json),
            (".jsonl", Format::Text),
            (".parquet", Format::Parquet),
            (".txt", Format::Text),
        ];
        let found = EXTENSIONS.into_iter().find(|(extension, _)| name.ends_with(extension));
        found.map_or(Self::Other, |(_, format)| format)
    }

    /// Returns the format with a [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        const FORMATS: [Format; 7] = [
            Format::Arrow,
            Format::Csv,
            Format::CsvGz,
            Format::Json,
            Format::Parquet,
            Format::Text,
            Format::Other,
        ];
        FORMATS.into_iter().find(|format| format.name() == name)
    }

    /// Returns the name of the format, such as `csv.gz`.
    pub fn name(self) -> &'static str {
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
    pub fn is_table(self) -> bool {
        matches!(self, Self::Arrow | Self::Csv | Self::CsvGz | Self::Parquet)
    }

    /// Returns whether files of the format are text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Text)
    }
}

/// The options of a CSV file that decide how its text is split into cells, and which cells are null.
#[cfg(feature = "inspect-tables")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsvOptions {
    pub(super) delimiter: u8,
    pub(super) header: bool,
    /// The text of a null; `None` for the empty cell.
    pub(super) null: Option<String>,
}

#[cfg(feature = "inspect-tables")]
impl CsvOptions {
    /// Returns the options in the source of a target, such as `Csv<Vec<Row>>(delimiter = ';')`.
    pub(super) fn of(target: &str) -> Self {
        let value = |name: &str| {
            let (_, rest) = target.split_once(name)?;
            Some(rest.trim_start().strip_prefix('=')?.trim_start())
        };
        let delimiter = value("delimiter").and_then(|text| {
            let mut chars = text.trim_start_matches('b').strip_prefix('\'')?.chars();
            let c = match chars.next()? {
                '\\' if chars.next()? == 't' => '\t',
                '\\' => return None,
                c => c,
            };
            u8::try_from(c).ok().filter(u8::is_ascii)
        });
        let header = value("header").is_none_or(|text| !text.starts_with("false"));
        let null = value("null").and_then(literal).filter(|text| !text.is_empty());
        Self { delimiter: delimiter.unwrap_or(b','), header, null }
    }
}

/// Returns the text of the string literal that a text begins with, such as `"NA", header = true`.
#[cfg(feature = "inspect-tables")]
fn literal(text: &str) -> Option<String> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut content = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(content),
            '\\' => content.push(match chars.next()? {
                't' => '\t',
                c @ ('\\' | '"' | '\'') => c,
                _ => return None, // an escape that no null text has
            }),
            c => content.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "inspect-tables")]
    #[test]
    fn the_options_of_a_csv_file_are_those_of_its_target() {
        let of = |target: &str| {
            let CsvOptions { delimiter, header, .. } = CsvOptions::of(target);
            (char::from(delimiter), header)
        };
        assert_eq!(of("Csv<Vec<Row>>"), (',', true));
        assert_eq!(of("Csv<Vec<(u8, f64)>>(null = \"NA\", delimiter = ';')"), (';', true));
        assert_eq!(of("CsvGz<RecordBatch>(delimiter = b'\\t', header = false)"), ('\t', false));
        assert_eq!(of("Csv(delimiter='|',header=true)"), ('|', true));
        assert_eq!(of("Csv(delimiter"), (',', true));
        assert_eq!(of("delimiter = '"), (',', true));
    }

    #[cfg(feature = "inspect-tables")]
    #[test]
    fn the_text_of_a_null_is_that_of_the_target() {
        let of = |target: &str| CsvOptions::of(target).null;
        assert_eq!(of("Csv<Vec<Row>>(null = \"NA\", delimiter = ';')").as_deref(), Some("NA"));
        assert_eq!(of("Csv<Vec<Row>>(null=\"a\\\\b\")").as_deref(), Some("a\\b"));
        for none in ["Csv<Vec<Row>>", "Csv(null = \"\")", "Csv(null = NULL)", "Csv(null = \"NA"] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(of("MessyCsv<Vec<Row>>(nulls = [\"NA\"])"), None);
    }

    #[test]
    fn a_format_is_found_by_the_longest_extension() {
        let of = |name: &str| Format::of(Path::new(name)).name();
        assert_eq!(of("data-8c1f02ab-5b2e9c01.csv.gz"), "csv.gz");
        assert_eq!(of("a/B.CSV"), "csv");
        assert_eq!(of("table.parquet"), "parquet");
        assert_eq!(of("parquet"), "other");
        assert_eq!(of(".."), "other");
        assert_eq!(Format::named("csv.gz"), Some(Format::CsvGz));
        assert!(Format::named("docx").is_none() && !Format::of(Path::new("x.arrow")).is_text());
    }
}

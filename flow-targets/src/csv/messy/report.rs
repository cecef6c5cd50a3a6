//! What was done to read messy files: a report beside the table, and the rejected rows.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::Deref;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// How many rejected rows an error lists.
const LISTED: usize = 3;

/// The longest text of a rejected row, in characters.
const TEXT: usize = 200;

/// A table that was read from messy files, with a report and the rejected rows.
///
/// It dereferences to the table. A task records the report with
/// `cx.meta("cleaning", table.report())`.
#[derive(Clone, Debug)]
pub struct Cleaned<T> {
    table: T,
    report: CleaningReport,
    rejected: Vec<RejectedRow>,
}

impl<T> Cleaned<T> {
    pub(super) fn new(table: T, report: CleaningReport, rejected: Vec<RejectedRow>) -> Self {
        Self { table, report, rejected }
    }

    /// Returns what was done to read the files.
    pub fn report(&self) -> &CleaningReport {
        &self.report
    }

    /// Returns the rows that are not in the table, in the order of the files.
    ///
    /// There are at most as many as the option `max_rejected` allows.
    pub fn rejected(&self) -> &[RejectedRow] {
        &self.rejected
    }

    /// Returns the table alone.
    pub fn into_table(self) -> T {
        self.table
    }
}

impl<T> Deref for Cleaned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.table
    }
}

/// What was done to read messy files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CleaningReport {
    /// The number of rows of the table.
    pub rows: usize,
    /// The number of rows that were rejected.
    pub rejected: usize,
    /// A report for each file, or for each sheet of a workbook.
    pub files: Vec<FileReport>,
    /// What was done to the table as a whole, in words, and hints about its columns.
    pub notes: Vec<String>,
}

/// What was done to read a file, or a sheet of a workbook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The name of the file. Of several files, it is the path below the folder that has all of them, with `/`.
    pub file: String,
    /// The name of the sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of a text file, such as `UTF-8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The delimiter of a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The number of the line with the names of the columns, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_line: Option<usize>,
    /// The names of the columns in the table.
    pub columns: Vec<String>,
    /// The number of rows, rejected ones included.
    pub rows: usize,
    /// What was done, in words.
    pub steps: Vec<String>,
}

/// A row of a messy file that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectedRow {
    /// The name of the file. Of several files, it is the path below the folder that has all of them, with `/`.
    pub file: String,
    /// The name of the sheet.
    pub sheet: Option<String>,
    /// The number of the line in the file, or of the row in the sheet, from 1.
    pub line: usize,
    /// Why it was rejected.
    pub reason: String,
    /// The beginning of its cells, with delimiters between them.
    pub text: String,
}

impl RejectedRow {
    /// Creates a rejected row with at most 200 characters of its text.
    pub(super) fn new(
        (file, sheet): (&str, Option<&str>),
        line: usize,
        reason: String,
        text: &str,
    ) -> Self {
        let mut shown: String = text.chars().take(TEXT).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { file: file.to_owned(), sheet: sheet.map(str::to_owned), line, reason, text: shown }
    }
}

impl Display for RejectedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "sheet `{sheet}`, row {}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

impl Display for CleaningReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {} rejected", self.rows, self.rejected)?;
        for file in &self.files {
            let sheet = file.sheet.iter().map(|sheet| format!(", sheet `{sheet}`"));
            write!(f, "\n{}{}: {} rows", file.file, sheet.collect::<String>(), file.rows)?;
            file.steps.iter().try_for_each(|step| write!(f, "\n  {step}"))?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n{note}"))
    }
}

/// The steps of reading a file. Equal steps are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    /// Steps in their order.
    texts: Vec<String>,
    /// How often each kind of step was done, by its text for one and for several.
    counts: BTreeMap<(&'static str, &'static str), usize>,
}

impl Steps {
    /// Adds a step.
    pub(crate) fn add(&mut self, step: impl Into<String>) {
        self.texts.push(step.into());
    }

    /// Counts `times` steps. `{}` in `several` stands for the number.
    pub(crate) fn count(&mut self, one: &'static str, several: &'static str, times: usize) {
        if times > 0 {
            *self.counts.entry((one, several)).or_default() += times;
        }
    }

    /// Returns the texts of all steps, counted ones last.
    pub(super) fn into_texts(self) -> Vec<String> {
        let counted = self.counts.into_iter().map(|((one, several), times)| match times {
            1 => one.to_owned(),
            times => several.replace("{}", &times.to_string()),
        });
        self.texts.into_iter().chain(counted).collect()
    }
}

/// Returns an error if more rows were rejected than `most`, of `all` rows.
///
/// `several` is whether there are several files or sheets, so that errors name them.
pub(super) fn check_rejected(
    rejected: &[RejectedRow],
    all: usize,
    most: usize,
    several: bool,
) -> Result<()> {
    if rejected.len() <= most {
        return Ok(());
    }
    let listed = rejected.iter().take(LISTED).map(|row| match several {
        true => format!("{}, {row}", row.file),
        false => row.to_string(),
    });
    let listed: Vec<_> = listed.collect();
    let more = match rejected.len() - listed.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let (count, is) = (rejected.len(), if rejected.len() == 1 { "is" } else { "are" });
    bail!(
        "{count} of {all} rows {is} rejected: {}{more}; to keep rejected rows aside, set \
         `max_rejected = {count}`",
        listed.join("; "),
    )
}

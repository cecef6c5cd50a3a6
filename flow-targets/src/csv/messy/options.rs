//! The options of the targets of messy files.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use arrow::datatypes::SchemaRef;

use super::notation::Notation;
use crate::limit::Limit;

/// The options of [`MessyCsv`](super::MessyCsv) and `MessyExcel`.
#[derive(Default, Clone, Debug)]
pub struct Options {
    pub(crate) header_rows: Option<usize>,
    pub(crate) skip_lines: usize,
    pub(crate) comment: Option<String>,
    pub(crate) notation: Notation,
    pub(crate) rename: Vec<(String, String)>,
    pub(crate) snake_case: bool,
    pub(crate) number_duplicates: bool,
    pub(crate) fill_short: bool,
    pub(crate) max_rejected: usize,
    pub(crate) file_column: Option<String>,
    pub(crate) sheet_column: Option<String>,
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) limit: Limit,
}

impl Options {
    /// Returns an error if options contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        self.notation.check()?;
        let comment = self.comment.as_deref();
        ensure!(
            comment.is_none_or(|comment| !comment.trim().is_empty()),
            "`comment` is blank, so that it would match every line; set a text such as `#`",
        );
        Ok(())
    }

    /// Returns the name that a column of this name gets, if it gets another one.
    pub(super) fn renamed<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        let cased = match self.snake_case {
            true => Cow::Owned(snake_case(name)),
            false => Cow::Borrowed(name),
        };
        let given = self.rename.iter().find(|(from, _)| from == name || *from == cased);
        given.map_or(cased, |(_, to)| Cow::Borrowed(to.as_str()))
    }
}

/// Returns a name in lower case, with `_` for everything between letters and digits.
///
/// An upper-case letter after a lower-case one begins a word: `unitPrice` becomes `unit_price`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            after_lower = false;
            continue;
        }
        if c.is_uppercase() && after_lower {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    snake.trim_end_matches('_').to_owned()
}

/// Defines the methods that set options, for a target with a field `options` of type [`Options`].
macro_rules! setters {
    () => {
        /// Sets how many lines the names of the columns take; detected by default.
        ///
        /// `0` means that there are no names: columns are called `column_1`, `column_2` and so on,
        /// and the fields of rows are matched by position. The parts of names that take several
        /// lines are joined by a space.
        ///
        /// By default there is one line of names, and a first line that looks like data, because it
        /// has a number or a date, is an error. Set `1` if names of columns look like numbers.
        #[must_use]
        pub fn header_rows(mut self, lines: usize) -> Self {
            self.options.header_rows = Some(lines);
            self
        }

        /// Sets how many lines at the beginning are skipped, 0 by default.
        ///
        /// Titles above the names of the columns need not be counted: they are lines with fewer
        /// cells, which are skipped anyway.
        #[must_use]
        pub fn skip_lines(mut self, lines: usize) -> Self {
            self.options.skip_lines = lines;
            self
        }

        /// Sets the text with which lines of comments begin; there are none by default.
        #[must_use]
        pub fn comment(mut self, text: impl Into<String>) -> Self {
            self.options.comment = Some(text.into());
            self
        }

        /// Sets the words that stand for null besides the empty cell, none by default.
        ///
        /// They are compared with the whole cell, without blanks around it. Quotes do not matter.
        #[must_use]
        pub fn nulls<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
            self.options.notation.nulls = words.into_iter().map(Into::into).collect();
            self
        }

        /// Sets the mark before the decimals of a number, `'.'` by default.
        ///
        /// With `','`, a column of numbers rejects `1.5`.
        #[must_use]
        pub fn decimal(mut self, mark: char) -> Self {
            self.options.notation.decimal = mark;
            self
        }

        /// Sets the separator between groups of three digits, none by default.
        ///
        /// A space also stands for a no-break space, and `'\''` for `’`.
        #[must_use]
        pub fn thousands(mut self, separator: char) -> Self {
            self.options.notation.thousands = Some(separator);
            self
        }

        /// Sets the formats of dates and times besides ISO 8601, such as `%d.%m.%Y %H:%M`.
        ///
        /// The directives are those of [`jiff::fmt::strtime`](flow_core::jiff::fmt::strtime). A cell that is a different
        /// date by two of the formats rejects its row. Names of months are English.
        #[must_use]
        pub fn dates<F: Into<String>>(mut self, formats: impl IntoIterator<Item = F>) -> Self {
            self.options.notation.dates = formats.into_iter().map(Into::into).collect();
            self
        }

        /// Sets the words for true and false, `("true", "false")` by default, in any case.
        #[must_use]
        pub fn booleans(mut self, words: (impl Into<String>, impl Into<String>)) -> Self {
            self.options.notation.booleans = (words.0.into(), words.1.into());
            self
        }

        /// Sets other names for columns, as pairs of the name in the file and the new name.
        ///
        /// Several names may become one: use this if files call the same column differently.
        #[must_use]
        pub fn rename<F: Into<String>, N: Into<String>>(
            mut self,
            names: impl IntoIterator<Item = (F, N)>,
        ) -> Self {
            let pair = |(from, to): (F, N)| (from.into(), to.into());
            self.options.rename = names.into_iter().map(pair).collect();
            self
        }

        /// Sets whether names of columns become `snake_case`, `false` by default.
        ///
        /// `Unit price (EUR)` and `unitPrice EUR` become `unit_price_eur`.
        #[must_use]
        pub fn snake_case(mut self, convert: bool) -> Self {
            self.options.snake_case = convert;
            self
        }

        /// Sets whether the second column of a name `x` is called `x_2`, and so on. By default, two
        /// columns of one name are an error.
        #[must_use]
        pub fn number_duplicates(mut self, number: bool) -> Self {
            self.options.number_duplicates = number;
            self
        }

        /// Sets whether rows with too few cells are filled with nulls. By default they are rejected.
        #[must_use]
        pub fn fill_short(mut self, fill: bool) -> Self {
            self.options.fill_short = fill;
            self
        }

        /// Sets the most rows that may be rejected, 0 by default.
        ///
        /// Rejected rows are kept in [`Cleaned::rejected`](super::Cleaned::rejected), each with the reason.
        /// More of them are an error that lists the first reasons.
        #[must_use]
        pub fn max_rejected(mut self, rows: usize) -> Self {
            self.options.max_rejected = rows;
            self
        }

        /// Adds a column of this name with the name of the file that a row is from, as in the report.
        #[must_use]
        pub fn file_column(mut self, name: impl Into<String>) -> Self {
            self.options.file_column = Some(name.into());
            self
        }

        /// Sets the schema of a record batch: the columns to keep, with their types.
        ///
        /// Columns of the file that it does not name are left out, and are listed in the report.
        /// Rows ignore this option, since their types come from the struct.
        #[must_use]
        pub fn schema(mut self, schema: impl Into<::arrow::datatypes::SchemaRef>) -> Self {
            self.options.schema = Some(schema.into());
            self
        }

        /// Sets the most bytes of a file, 1 GiB by default. A larger one is an error.
        ///
        /// The whole file is in memory while it is read, with about 60 bytes more for each cell.
        #[must_use]
        pub fn max_bytes(mut self, bytes: u64) -> Self {
            self.options.limit = $crate::limit::Limit::new(bytes);
            self
        }
    };
}

pub(super) use setters;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_snake_case_have_letters_digits_and_single_underscores() {
        for (name, snake) in [
            ("Unit price (EUR)", "unit_price_eur"),
            ("unitPrice", "unit_price"),
            ("VAT", "vat"),
            ("  é/É ", "é_é"),
            ("a__b", "a_b"),
            ("2024Sales", "2024_sales"),
            ("%", ""),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
        }
    }

    #[test]
    fn a_name_is_renamed_in_either_case() {
        let rename = vec![("Betrag".to_owned(), "amount".to_owned()), ("x_y".into(), "z".into())];
        let options = Options { rename, snake_case: true, ..Options::default() };
        assert_eq!(options.renamed("Betrag"), "amount");
        assert_eq!(options.renamed("X y"), "z");
        assert_eq!(options.renamed("Other Name"), "other_name");
    }
}

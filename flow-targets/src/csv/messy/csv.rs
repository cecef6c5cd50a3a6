//! The target of messy text files.

use std::fmt;
use std::path::Path;
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use flow_core::{Code, Sink, Source, Target};

use super::combine::read;
use super::decode::decode;
use super::delimiter::{declared, detect};
use super::files::names;
use super::grid::Grid;
use super::options::{Options, setters};
use super::report::{Cleaned, Steps};
use super::split::{Grammar, split};
use super::table::{MessyTable, Way};

/// A text file of cells that another program wrote, with everything that makes such files messy.
///
/// The table `T` is a `RecordBatch`, or a `Vec<R>` where `R` is a struct that derives serde's
/// `Serialize` and `Deserialize`. It is loaded as [`Cleaned<T>`](super::Cleaned), which has a report
/// and the rejected rows. The target only reads: it is for `external` tasks, `cx.read` and
/// [`read_all`](Self::read_all). See [the module](super) for what it detects and refuses, and an example.
pub struct MessyCsv<T> {
    options: Options,
    encoding: Option<String>,
    delimiter: Option<char>,
    quotes: bool,
    way: Way<T>,
}

impl<T> MessyCsv<T> {
    /// Creates a target that detects the encoding, the delimiter and the names of the columns.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// are read from cells; see [`MessyTable`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<W>() -> Self
    where
        T: MessyTable<W>,
    {
        Self {
            options: Options::default(),
            encoding: None,
            delimiter: None,
            quotes: true,
            way: Way::of::<W>(),
        }
    }

    /// Sets the encoding by its [label](https://encoding.spec.whatwg.org/#names-and-labels), such as
    /// `windows-1252` or `utf-16le`.
    ///
    /// By default, it is that of the byte order mark, or UTF-16 if the zero bytes show it, or UTF-8. The
    /// labels `latin1` and `iso-8859-1` mean windows-1252, as in browsers.
    #[must_use]
    pub fn encoding(mut self, label: impl Into<String>) -> Self {
        self.encoding = Some(label.into());
        self
    }

    /// Sets the delimiter between cells. By default, `,`, `;`, a tab or `|` is detected.
    #[must_use]
    pub fn delimiter(mut self, delimiter: impl Into<char>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Sets whether cells may be in double quotes, `true` by default.
    #[must_use]
    pub fn quotes(mut self, quotes: bool) -> Self {
        self.quotes = quotes;
        self
    }

    setters!();

    /// Reads several files as one table with the columns of all files.
    ///
    /// A column that a file does not have is null in its rows, and the report says so. In a task,
    /// `cx.files(pattern)` returns the paths and tracks the files.
    ///
    /// ```
    /// use flow_targets::MessyCsv;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    /// struct Sale {
    ///     file: String,
    ///     item: String,
    ///     price: Option<f64>,
    /// }
    ///
    /// let folder = tempfile::tempdir()?;
    /// let (may, june) = (folder.path().join("may.csv"), folder.path().join("june.csv"));
    /// std::fs::write(&may, "item,price\ntea,2.5\n")?;
    /// std::fs::write(&june, "Price;Article\n3,5;tea\n;rum\n")?;
    /// let target = <MessyCsv<Vec<Sale>>>::default()
    ///     .rename([("Article", "item"), ("Price", "price")])
    ///     .file_column("file");
    ///
    /// // A decimal comma is not guessed.
    /// let error = target.read_all([&may, &june]).unwrap_err();
    /// assert!(format!("{error:#}").contains("\"3,5\" is not a number; with `decimal = ','"));
    ///
    /// let sales = target.clone().max_rejected(1).read_all([&may, &june])?;
    /// assert_eq!(sales.len(), 2);
    /// assert_eq!((sales[1].file.as_str(), sales[1].price), ("june.csv", None));
    /// assert_eq!((sales.rejected()[0].line, sales.rejected()[0].text.as_str()), (2, "tea;3,5"));
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A file cannot be read or is no table, or more rows are rejected than `max_rejected` allows.
    pub fn read_all<P: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Cleaned<T>> {
        let sources: Vec<_> = paths.into_iter().map(|path| Source::file(path.as_ref())).collect();
        ensure!(!sources.is_empty(), "there are no files to read");
        self.options.check()?;
        let grids = std::iter::zip(&sources, names(&sources)).map(|(source, name)| {
            let grid = self.grid(source, name);
            grid.with_context(|| format!("cannot read {} as CSV", source.path().display()))
        });
        let grids = grids.collect::<Result<Vec<_>>>()?;
        let table = read(grids, &self.options, self.way);
        match sources.as_slice() {
            [source] => {
                table.with_context(|| format!("cannot read {} as CSV", source.path().display()))
            }
            _ => table.with_context(|| format!("cannot read {} files as CSV", sources.len())),
        }
    }

    /// Reads the cells of a file, which has this name in the report.
    fn grid(&self, source: &Source, name: String) -> Result<Grid> {
        let bytes = self.options.limit.read(source)?;
        let decoded = decode(&bytes, self.encoding.as_deref())?;
        let text: &str = &decoded.text;
        ensure!(!text.trim().is_empty(), "the file is empty");
        let mut steps = Steps::default();
        if decoded.is_marked {
            steps.add("the byte order mark is skipped");
        }
        let mut grammar = Grammar {
            delimiter: b',',
            quotes: self.quotes,
            comment: self.options.comment.as_deref(),
            skip: self.options.skip_lines,
        };
        if declared(text).is_some() {
            grammar.skip = grammar.skip.max(1);
            steps.add("the first line declares the delimiter");
        }
        let delimiter = match self.delimiter {
            Some(delimiter) => delimiter,
            None => detect(text, grammar, &self.options)?,
        };
        grammar.delimiter = byte(delimiter)?;
        let split = split(text, grammar, usize::MAX)?;
        steps.count("a comment is skipped", "{} comments are skipped", split.comments);
        Ok(Grid {
            file: name,
            sheet: None,
            encoding: Some(decoded.encoding),
            delimiter: Some(delimiter),
            lines: split.lines,
            steps,
        })
    }
}

/// Returns a delimiter as a byte, if it can be one.
fn byte(delimiter: char) -> Result<u8> {
    let is_one = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric();
    ensure!(
        is_one && !matches!(delimiter, '"' | '\n' | '\r'),
        "delimiter {delimiter:?} may be part of a cell; take one such as ',', ';', '\\t' or '|'",
    );
    Ok(u8::try_from(delimiter)?)
}

impl<T: Send + Sync + 'static> Target for MessyCsv<T> {
    type Value = Cleaned<T>;
    const EXTENSION: &'static str = "csv";
    const CODE: Code = Code::version(1);

    fn save(&self, _: &Cleaned<T>, _: &mut Sink<'_>) -> Result<()> {
        self.check_type()
    }

    fn check_type(&self) -> Result<()> {
        bail!(
            "`MessyCsv` only reads files of other programs, as the target of an `external` task; store \
             the cleaned rows with `Parquet` or `Csv`"
        )
    }

    fn load(&self, source: &Source) -> Result<Cleaned<T>> {
        let load = || -> Result<Cleaned<T>> {
            self.options.check()?;
            let names = names(slice::from_ref(source));
            let grids = names.into_iter().map(|name| self.grid(source, name));
            read(grids.collect::<Result<_>>()?, &self.options, self.way)
        };
        load().with_context(|| format!("cannot read {} as CSV", source.path().display()))
    }
}

impl<T> Clone for MessyCsv<T> {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter,
            quotes: self.quotes,
            way: self.way,
        }
    }
}

impl<T> fmt::Debug for MessyCsv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessyCsv")
            .field("options", &self.options)
            .field("encoding", &self.encoding)
            .field("delimiter", &self.delimiter)
            .field("quotes", &self.quotes)
            .finish_non_exhaustive()
    }
}

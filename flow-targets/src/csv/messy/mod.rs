//! The targets [`MessyCsv`] and `MessyExcel`: tables in files of other programs, as they are found.
//!
//! [`Csv`](crate::Csv) and `Excel` read what typed-flow wrote, or files that are as regular. Exports of other
//! programs and files that people edit have titles, notes, other encodings, decimal commas, words
//! for null, rows that are too short. The targets of this module read such files. They detect what
//! can be detected, convert only what the options allow, and refuse the rest: a wrong table is
//! worse than an error.
//!
//! ```
//! use flow_core::{Source, Target};
//! use flow_targets::MessyCsv;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Sale {
//!     day: String,
//!     item: String,
//!     amount: Option<f64>,
//! }
//!
//! let file = tempfile::NamedTempFile::new()?;
//! let export = "Sales of May;;\n\nDay;Item;Amount (EUR)\n2.5.;tea;1.234,50\n3.5.;rum;k.A.\n4.5.;ice\n";
//! std::fs::write(file.path(), export)?;
//!
//! let target = <MessyCsv<Vec<Sale>>>::default()
//!     .snake_case(true)
//!     .rename([("amount_eur", "amount")])
//!     .decimal(',')
//!     .thousands('.')
//!     .nulls(["k.A."])
//!     .max_rejected(1);
//! let sales = target.load(&Source::file(file.path()))?;
//!
//! let tea = Sale { day: "2.5.".into(), item: "tea".into(), amount: Some(1234.5) };
//! let rum = Sale { day: "3.5.".into(), item: "rum".into(), amount: None };
//! assert_eq!(*sales, [tea, rum]);
//! assert_eq!(sales.report().files[0].delimiter, Some(';'));
//! let rejected = &sales.rejected()[0];
//! assert_eq!((rejected.line, rejected.text.as_str()), (6, "4.5.;ice"));
//! assert!(rejected.reason.starts_with("it has 2 cells instead of 3"));
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! As the target of an external task, with options in parentheses:
//! `#[task(external, path = &self.path, target = MessyCsv<Vec<Sale>>(decimal = ',', nulls = ["k.A."]))]`.
//!
//! # What is detected
//!
//! | part | detected | otherwise |
//! | --- | --- | --- |
//! | encoding | a byte order mark, UTF-16 by its zero bytes, UTF-8 | `encoding`; the error shows a word in windows-1252 |
//! | delimiter | `,`, `;`, a tab or `|`, whichever splits the names and most lines alike; `sep=;` | `delimiter`; two that fit equally are an error |
//! | names of the columns | the first line with texts in more than half of the cells that most lines have | `header_rows`, `skip_lines`; a line with a number or a date is an error |
//! | titles above the names | lines with fewer cells | |
//! | line ends | `\n`, `\r\n`, `\r`, also mixed | |
//! | blank lines, repeated lines of names, trailing delimiters | skipped | |
//! | merged cells of a sheet | filled with the value of the first cell | `fill_merged` |
//!
//! # What is not guessed
//!
//! The value of `1,234`, `03/02/2024` or `NA` depends on who wrote it. So decimal commas, separators of
//! thousands, formats of dates, null words and words for booleans are options. A cell that would
//! need them rejects its row, and the reason says what to set. They apply to columns that need
//! them: text stays as it is, without the blanks around it. Quotes do not matter for the value.
//!
//! - **`Vec<R>`**: the type of the field decides. A null is an error for a field that is no
//!   `Option`, also for a `String`. Dates are text in ISO 8601 for the types of jiff and chrono.
//! - **`RecordBatch` with a `schema`**: the type of the column decides.
//! - **`RecordBatch`** without one: a column has the first of these types that all its cells fit:
//!   integer, float, date or timestamp, boolean, text. A note in the report says if it is text
//!   only because of words such as `NA`.
//!
//! # Rows that do not fit
//!
//! A row with too few or too many cells, or with a cell that is no value of its column, is rejected.
//! By default one rejected row is an error, which lists the first three with their reasons. With
//! `max_rejected`, that many rows are kept aside in [`Cleaned::rejected`].
//!
//! A file that is no table is an error in words: a workbook or an archive instead of text, a web
//! page, a quote that is never closed, two columns of one name, names for all columns but one.
//!
//! # Several files
//!
//! [`MessyCsv::read_all`] combines files into one table with the columns of all. `rename` and
//! `snake_case` give columns that changed their names one name, a missing column is null, and
//! `file_column` adds the name of the file. The name is the path below the folder that has all of the files, such as
//! `may/sales.csv`, so that files of one name in several folders can be told apart.
//!
//! # The report
//!
//! [`Cleaned::report`] lists for each file the encoding, the delimiter, the line of the names and
//! every step. A task records it with `cx.meta("cleaning", table.report())`.
//!
//! # Implementation
//!
//! Bytes become text (`decode`), the delimiter is detected (`delimiter`), and the text becomes a
//! `grid` of cells (`split`); a workbook gives such a grid directly. In each grid, the `header` is
//! found, columns get their `names`, and lines become the rows of a `part`. `combine` joins the parts.
//! Their cells are read as `rows` of a struct or `columns` of a batch, in the `notation` of the options.

mod columns;
mod combine;
mod csv;
mod decode;
mod delimiter;
#[cfg(feature = "excel")]
mod excel;
mod files;
pub(crate) mod grid;
mod header;
mod names;
mod notation;
mod options;
mod part;
pub(crate) mod report;
mod rows;
mod split;
mod table;

pub use self::csv::MessyCsv;
#[cfg(feature = "excel")]
pub use self::excel::MessyExcel;
pub use self::report::{Cleaned, CleaningReport, FileReport, RejectedRow};
pub use self::table::MessyTable;

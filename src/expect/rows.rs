//! Checks of rows.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::hash::Hash;

use anyhow::{Result, bail};

/// The most wrong rows that a message shows.
pub(super) const SHOWN: usize = 5;

/// The most characters of a row that a message shows.
const LENGTH: usize = 200;

/// The result of checking a row: a `bool`, or a `Result` whose error is the reason.
pub trait Holds {
    /// Returns `None` if the row is as expected, otherwise the reason, which may be empty.
    fn why_not(self) -> Option<String>;
}

impl Holds for bool {
    fn why_not(self) -> Option<String> {
        (!self).then(String::new)
    }
}

impl<E: Into<anyhow::Error>> Holds for Result<(), E> {
    fn why_not(self) -> Option<String> {
        self.err().map(|error| format!("{:#}", error.into()))
    }
}

/// Checks that `holds` is true, or `Ok`, for each row.
///
/// ```
/// use flow::anyhow::ensure;
/// use flow::expect;
///
/// let error = expect::rows(&[0.5, f64::NAN, 7.0], |share| {
///     ensure!(share.is_finite(), "it is no number");
///     ensure!((0.0..=1.0).contains(share), "it is no share");
///     Ok(())
/// });
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "2 of 3 rows are not as expected: row 1: NaN (it is no number); row 2: 7.0 (it is no share)",
/// );
/// ```
///
/// # Errors
///
/// Some rows are not as expected. The error has their number, and shows the first of them with
/// their indices, which count from 0.
pub fn rows<'a, T, H>(
    rows: impl IntoIterator<Item = &'a T>,
    mut holds: impl FnMut(&'a T) -> H,
) -> Result<()>
where
    T: Debug + 'a,
    H: Holds,
{
    let mut wrong = Wrong::default();
    for (place, row) in rows.into_iter().enumerate() {
        let why_not = holds(row).why_not();
        wrong.count(place, row, why_not);
    }
    wrong.result()
}

/// Checks that no two rows have the same key.
///
/// # Errors
///
/// Some rows have the key of an earlier row. The error has their number, and shows the first of
/// them.
pub fn unique<'a, T, K>(
    rows: impl IntoIterator<Item = &'a T>,
    mut key: impl FnMut(&'a T) -> K,
) -> Result<()>
where
    T: Debug + 'a,
    K: Hash + Eq,
{
    let mut seen = HashMap::new();
    let mut wrong = Wrong::default();
    for (place, row) in rows.into_iter().enumerate() {
        let first = *seen.entry(key(row)).or_insert(place);
        let why_not = (first != place).then(|| format!("as row {first}"));
        wrong.count(place, row, why_not);
    }
    wrong.result()
}

/// The rows that are not as expected.
#[derive(Default)]
pub(super) struct Wrong {
    rows: usize,
    wrong: usize,
    shown: String,
}

impl Wrong {
    /// Counts a row, which is as expected if `why_not` is `None`.
    pub(super) fn count(&mut self, place: usize, row: &dyn Debug, why_not: Option<String>) {
        self.rows += 1;
        let Some(why_not) = why_not else { return };
        self.wrong += 1;
        if self.wrong > SHOWN {
            return;
        }
        let separator = if self.wrong == 1 { "" } else { "; " };
        let _ = write!(self.shown, "{separator}row {place}: {}", clipped(&format!("{row:?}")));
        if !why_not.is_empty() {
            let _ = write!(self.shown, " ({why_not})");
        }
    }

    pub(super) fn result(self) -> Result<()> {
        let Self { rows, wrong, shown } = self;
        let are = if wrong == 1 { "is" } else { "are" };
        let more = wrong.saturating_sub(SHOWN);
        match (wrong, more) {
            (0, _) => Ok(()),
            (_, 0) => bail!("{wrong} of {rows} rows {are} not as expected: {shown}"),
            _ => bail!("{wrong} of {rows} rows {are} not as expected: {shown}; and {more} more"),
        }
    }
}

pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

//! Expectations on rows.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::hash::Hash;

use anyhow::{Result, bail};

/// How many rows of those that are wrong are shown.
const SHOWN: usize = 5;

/// The most characters of a row that are shown.
const LENGTH: usize = 200;

/// What is found out about a row: whether it is as expected and, if it is a `Result`, why not.
pub trait Holds {
    /// `None` if it is; else why not, which may be empty.
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

/// Expects of each row that `holds` is true, or `Ok`.
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
/// How many rows are not as expected, and the first of them by their places, counted from 0.
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

/// Expects that no two rows have the same key.
///
/// # Errors
///
/// How many rows have a key that another one before has, and the first of them.
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
    /// Counts a row, which is as expected if there is no reason why not.
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

fn clipped(text: &str) -> String {
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

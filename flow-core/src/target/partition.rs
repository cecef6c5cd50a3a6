//! Partitions of a dataset, and selections of them.
//!
//! A dataset is a folder of files. The names of the folders in it say which values their rows have:
//! `year=2024/month=1/part-0.parquet`, as in Apache Hive. [`Partition`] converts between such a path and the values, and a
//! [`Selection`] says which partitions are read. Both work with text, so that the core knows neither formats nor types of
//! columns: a target converts the text to the type of the column.

use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

/// The name of the folder of rows in which a partition column is null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The values of the partition columns of some rows, in the order of the folders.
///
/// A value is text, or null. Characters that a folder's name should not have are written as `%` and two hexadecimal
/// digits.
///
/// ```
/// use flow_core::target::Partition;
///
/// let partition = Partition::default().with("year", Some("2024")).with("city", Some("São Paulo"));
/// assert_eq!(partition.to_string(), "year=2024/city=S%C3%A3o%20Paulo");
/// assert_eq!(Partition::of_path("year=2024/city=S%C3%A3o%20Paulo/part-0.parquet"), partition);
/// assert_eq!(partition.get::<i32>("year")?, 2024);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Vec<(String, Option<String>)>);

impl Partition {
    /// Appends a column with its value as text; `None` is null.
    #[must_use]
    pub fn with(mut self, column: impl Into<String>, value: Option<&str>) -> Self {
        self.0.push((column.into(), value.map(str::to_owned)));
        self
    }

    /// Parses the path of a file in a dataset. Folders whose names have no `=` are ignored.
    pub fn of_path(path: &str) -> Self {
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        let columns = folders.split('/').filter_map(|folder| folder.split_once('='));
        Self(columns.map(|(column, value)| (decode(column), value_of(value))).collect())
    }

    /// Returns the columns and their values, in the order of the folders.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(column, value)| (column.as_str(), value.as_deref()))
    }

    /// Returns whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a column: `Some(None)` if it is null, and `None` if there is no such column.
    pub fn text(&self, column: &str) -> Option<Option<&str>> {
        self.columns().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// Parses the value of a column.
    ///
    /// # Errors
    ///
    /// There is no such column, its value is null, or it is no text of this type.
    pub fn get<V>(&self, column: &str) -> anyhow::Result<V>
    where
        V: FromStr,
        V::Err: fmt::Display,
    {
        let value = self.text(column).with_context(|| {
            let names = self.columns().map(|(name, _)| format!("`{name}`"));
            format!(
                "no partition column `{column}`: there are {}",
                names.collect::<Vec<_>>().join(", ")
            )
        })?;
        let text = value.with_context(|| format!("the partition column `{column}` is null"))?;
        text.parse().map_err(|error| {
            anyhow!("the value {text:?} of the partition column `{column}`: {error}")
        })
    }
}

/// Writes the path of the folder: `year=2024/month=1`.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (column, value)) in self.columns().enumerate() {
            if place > 0 {
                f.write_char('/')?;
            }
            encode(column, f)?;
            f.write_char('=')?;
            match value {
                Some(value) => encode(value, f)?,
                None => f.write_str(NULL)?,
            }
        }
        Ok(())
    }
}

fn value_of(text: &str) -> Option<String> {
    (text != NULL).then(|| decode(text))
}

fn encode(text: &str, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = text.len().saturating_sub(1);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' => to.write_char(byte.into())?,
            // A name that starts with a dot is hidden, and Windows removes one at the end.
            b'.' if place > 0 && place < last => to.write_char('.')?,
            _ => write!(to, "%{byte:02X}")?,
        }
    }
    Ok(())
}

/// Replaces `%` and two digits by the byte. What is no such sequence, or no UTF-8, stays as it is.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let (bytes, mut decoded) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Returns whether readers of a dataset pass over a file: a name on its path begins with `_` or `.`, as those of markers and
/// unfinished files do.
pub(crate) fn is_hidden(path: &str) -> bool {
    path.split('/')
        .any(|name| name.starts_with('.') || name.starts_with('_') && !name.contains('='))
}

/// A value that a [`Selection`] compares with the values of a partition column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartitionValue {
    /// Null.
    Null,
    /// A whole number: a value equals it if it is a text of this number, such as `7` and `07`.
    Number(i128),
    /// A text, which is compared byte by byte with the text in the name of the folder. Dates are texts such as `2024-02-29`,
    /// timestamps such as `2024-02-29T12:00:00`, and decimals have all their digits, such as `1.50`.
    Text(String),
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(
            impl From<$number> for PartitionValue {
                fn from(number: $number) -> Self {
                    Self::Number(number.into())
                }
            }
        )*
    };
}

numbers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl From<&str> for PartitionValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for PartitionValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for PartitionValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for PartitionValue {
    fn from(value: bool) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<jiff::civil::Date> for PartitionValue {
    fn from(date: jiff::civil::Date) -> Self {
        Self::Text(date.to_string())
    }
}

impl<V: Into<Self>> From<Option<V>> for PartitionValue {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl fmt::Display for PartitionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Which partitions of a dataset are read: those that fulfill all conditions.
///
/// ```
/// use flow_core::target::Selection;
///
/// let quarter = Selection::all().equals("year", 2024).between("month", 1..=3);
/// assert_eq!(quarter.to_string(), "year = 2024 and month between 1 and 3");
/// let cities = Selection::all().among("city", ["Basel", "Bern"]);
/// assert_eq!(cities.to_string(), "city in (\"Basel\", \"Bern\")");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection(Vec<Condition>);

/// A condition on one partition column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) column: String,
    pub(crate) values: Wanted,
}

/// The values that a condition accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    Among(Vec<PartitionValue>),
    Between(PartitionValue, PartitionValue),
}

impl Selection {
    /// Returns the selection of all partitions.
    pub fn all() -> Self {
        Self::default()
    }

    /// Adds the condition that a column has this value.
    #[must_use]
    pub fn equals(self, column: impl Into<String>, value: impl Into<PartitionValue>) -> Self {
        self.among(column, [value])
    }

    /// Adds the condition that a column has one of these values.
    #[must_use]
    pub fn among<V: Into<PartitionValue>>(
        self,
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.and(column.into(), Wanted::Among(values))
    }

    /// Adds the condition that the value of a column lies between two values, or is one of them.
    ///
    /// Numbers are compared with values that are numbers, and texts in the order of their bytes, which is that of dates such
    /// as `2024-02-29`. Null lies between no values.
    #[must_use]
    pub fn between<V: Into<PartitionValue>>(
        self,
        column: impl Into<String>,
        values: RangeInclusive<V>,
    ) -> Self {
        let (first, last) = values.into_inner();
        self.and(column.into(), Wanted::Between(first.into(), last.into()))
    }

    fn and(mut self, column: String, values: Wanted) -> Self {
        self.0.push(Condition { column, values });
        self
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.0
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Condition { column, values }) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            match values {
                Wanted::Among(values) => match &values[..] {
                    [value] => write!(f, "{column} = {value}")?,
                    values => {
                        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                        write!(f, "{column} in ({})", values.join(", "))?;
                    }
                },
                Wanted::Between(first, last) => write!(f, "{column} between {first} and {last}")?,
            }
        }
        Ok(())
    }
}

/// What a task has read of a dataset: the files of some partitions, or only which partitions there are.
///
/// A record has it as the key of a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionRead {
    /// Whether only the names of the partitions were read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) names: bool,
    pub(crate) partitions: Selection,
}

impl PartitionRead {
    /// Returns the read of the files of these partitions.
    pub(crate) fn content(partitions: &Selection) -> Self {
        Self { names: false, partitions: partitions.clone() }
    }

    /// Returns the read of the list of these partitions.
    pub(crate) fn names(partitions: &Selection) -> Self {
        Self { names: true, partitions: partitions.clone() }
    }

    /// Returns the text that identifies the read in a record.
    pub(crate) fn key(&self) -> String {
        serde_json::to_string(self).expect("serializable as JSON")
    }

    /// Parses the text that [`key`](Self::key) returned. `None` if it is the name of a column.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        key.starts_with('{').then(|| serde_json::from_str(key).ok())?
    }
}

impl fmt::Display for PartitionRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.names { "the list of partitions" } else { "partitions" })?;
        match self.partitions.conditions() {
            [] => Ok(()),
            _ => write!(f, " where {}", self.partitions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_from_the_name_of_a_folder() {
        for text in [
            "", "a", ".", "..", "a.b", "1.5", "a/b\\c", "50%", "%41", "x=y", "ü\n\0", " ",
            "*?:\"<>|",
        ] {
            let partition = Partition::default().with("a=b", Some(text)).with("n", None);
            let path = partition.to_string();
            assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")), "{path}");
            assert!(path.is_ascii() && !path.contains(['\\', ':', '*', '\0']), "{path}");
            assert_eq!(Partition::of_path(&format!("{path}/part-0.parquet")), partition, "{path}");
        }
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%FF"), "%FF", "no UTF-8");
        assert_eq!(decode("%ü1"), "%ü1");
    }

    #[test]
    fn a_read_comes_back_from_its_key() {
        let partitions = Selection::all().equals("n", u64::MAX).equals("m", None::<i64>);
        let read = PartitionRead::content(&partitions.between("day", "a"..="b"));
        assert_eq!(PartitionRead::parse(&read.key()), Some(read.clone()));
        let text = format!(
            "partitions where n = {} and m = null and day between \"a\" and \"b\"",
            u64::MAX
        );
        assert_eq!(read.to_string(), text);
        assert_eq!(PartitionRead::parse("year"), None);
        let names = PartitionRead::names(&Selection::all());
        assert_eq!(PartitionRead::parse(&names.key()), Some(names.clone()));
        assert_eq!(names.to_string(), "the list of partitions");
    }

    #[test]
    fn markers_are_hidden() {
        assert!(
            is_hidden("_SUCCESS")
                && is_hidden("year=1/.part-0.crc")
                && is_hidden("_delta_log/0.json")
        );
        assert!(!is_hidden("_year=1/part-0.parquet"));
    }
}

//! What others need to know of a file, to read it without the program that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What others need to know of a file, to read it without the program that wrote it: what
/// [`Target::describe`](crate::Target::describe) gives, and an [export](crate::Flow::export) passes on.
///
/// ```
/// use flow::target::{Column, Description};
///
/// let text = Description::default()
///     .rust("Text")
///     .python(&["pathlib"], "pathlib.Path(path).read_bytes().decode()");
/// let table = Description::default()
///     .column(Column::new("price", "Float64", true).rust("Option<f64>"))
///     .typed("Parquet<Vec<{}>>");
/// # assert!(text.columns.is_empty() && table.columns.len() == 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// The columns, if it is a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// A target that reads the file into a type that everybody has, as it is written in Rust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust: Option<String>,
    /// A target that reads it into a type of the reader's own, for which `{}` stands: a struct with a
    /// field for each column or, of what is no table, whatever it was written from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// The crates that these types are of, besides the library, with their versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub crates: BTreeMap<String, String>,
    /// The features of the library that these targets take and that are not there by default.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<String>,
    /// How Python reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as its format calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it may have nulls.
    pub nullable: bool,
    /// The type that a field of a struct has for it, if there is one. In it, `{}` stands for a struct of
    /// these [`fields`](Self::fields).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust: Option<String>,
    /// What its values consist of, if they are structs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Column>,
}

/// How Python reads a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Python {
    /// The modules that it takes.
    pub imports: Vec<String>,
    /// An expression, in which `path` is the file.
    pub expression: String,
}

impl Description {
    /// Adds a column, after those that are there.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Says which target reads the file into a type that everybody has, such as
    /// `Parquet<RecordBatch>`.
    #[must_use]
    pub fn rust(self, target: impl Into<String>) -> Self {
        Self { rust: Some(target.into()), ..self }
    }

    /// Says which target reads the file into a type of the reader's own, for which `{}` stands, such as
    /// `Parquet<Vec<{}>>`.
    #[must_use]
    pub fn typed(self, target: impl Into<String>) -> Self {
        Self { typed: Some(target.into()), ..self }
    }

    /// Says that the types of Rust are of this crate, in this version.
    #[must_use]
    pub fn with_crate(mut self, name: &str, version: &str) -> Self {
        self.crates.insert(name.to_owned(), version.to_owned());
        self
    }

    /// Says that the targets take a feature of the library that is not there by default.
    #[must_use]
    pub fn feature(mut self, name: &str) -> Self {
        self.features.insert(name.to_owned());
        self
    }

    /// Says how Python reads it: by an expression in which `path` is the file, on one line, and which
    /// modules it takes.
    #[must_use]
    pub fn python(self, imports: &[&str], expression: impl Into<String>) -> Self {
        let imports = imports.iter().map(|name| (*name).to_owned()).collect();
        Self { python: Some(Python { imports, expression: expression.into() }), ..self }
    }
}

impl Column {
    /// A column of this name, and of the type that its format calls so.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, nullable: bool) -> Self {
        let (name, kind) = (name.into(), kind.into());
        Self { name, kind, nullable, rust: None, fields: Vec::new() }
    }

    /// Says which type a field of a struct has for it, such as `Option<f64>`.
    #[must_use]
    pub fn rust(self, kind: impl Into<String>) -> Self {
        Self { rust: Some(kind.into()), ..self }
    }

    /// Says what its values consist of, which are structs: what `{}` stands for in the type of
    /// [Rust](Self::rust).
    #[must_use]
    pub fn fields(self, fields: Vec<Column>) -> Self {
        Self { fields, ..self }
    }
}

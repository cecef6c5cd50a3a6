//! Descriptions of files, for readers without the program that wrote them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Describes a file for readers that do not have the program that wrote it.
///
/// [`Target::describe`](crate::Target::describe) returns it, and an [export](crate::Flow::export)
/// writes it to its manifest. So the core knows no formats, and users' own targets can have columns
/// too.
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
    /// The columns of a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// A target in Rust that reads the file into a type that every program has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust: Option<String>,
    /// A target in Rust that reads the file into a type of the reader.
    ///
    /// `{}` stands for that type: a struct with a field for each column or, if the file is not a
    /// table, the type it was written from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// The crates of these types besides the library, with their versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub crates: BTreeMap<String, String>,
    /// The features of the library that these targets need, except the default ones.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<String>,
    /// How Python reads the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// The name of the column.
    pub name: String,
    /// The type, as the file's format names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the column may have nulls.
    pub nullable: bool,
    /// The Rust type of a struct's field for this column, if there is one. In it, `{}` stands for a
    /// struct of these [`fields`](Self::fields).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust: Option<String>,
    /// The fields of its values, if they are structs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Column>,
}

/// How Python reads a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Python {
    /// The modules that the expression uses.
    pub imports: Vec<String>,
    /// An expression in which `path` is the path of the file.
    pub expression: String,
}

impl Description {
    /// Appends a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Sets the target that reads the file into a type that every program has, such as
    /// `Parquet<RecordBatch>`.
    #[must_use]
    pub fn rust(self, target: impl Into<String>) -> Self {
        Self { rust: Some(target.into()), ..self }
    }

    /// Sets the target that reads the file into a type of the reader.
    ///
    /// `{}` stands for that type, as in `Parquet<Vec<{}>>`.
    #[must_use]
    pub fn typed(self, target: impl Into<String>) -> Self {
        Self { typed: Some(target.into()), ..self }
    }

    /// Adds the crate and version of a Rust type in the targets.
    #[must_use]
    pub fn with_crate(mut self, name: &str, version: &str) -> Self {
        self.crates.insert(name.to_owned(), version.to_owned());
        self
    }

    /// Adds a feature of the library that the targets need and that is not enabled by default.
    #[must_use]
    pub fn feature(mut self, name: &str) -> Self {
        self.features.insert(name.to_owned());
        self
    }

    /// Sets how Python reads the file.
    ///
    /// The expression is on one line, and `path` in it is the path of the file. `imports` are the
    /// modules that it uses.
    #[must_use]
    pub fn python(self, imports: &[&str], expression: impl Into<String>) -> Self {
        let imports = imports.iter().map(|name| (*name).to_owned()).collect();
        Self { python: Some(Python { imports, expression: expression.into() }), ..self }
    }
}

impl Column {
    /// Creates a column with this name and the type that the file's format uses.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, nullable: bool) -> Self {
        let (name, kind) = (name.into(), kind.into());
        Self { name, kind, nullable, rust: None, fields: Vec::new() }
    }

    /// Sets the Rust type of a struct's field for this column, such as `Option<f64>`.
    #[must_use]
    pub fn rust(self, kind: impl Into<String>) -> Self {
        Self { rust: Some(kind.into()), ..self }
    }

    /// Sets the fields of the column's values, which are structs.
    ///
    /// `{}` stands for them in the type that [`rust`](Self::rust) sets.
    #[must_use]
    pub fn fields(self, fields: Vec<Column>) -> Self {
        Self { fields, ..self }
    }
}

//! What others need to know of a file, to read it without the program that wrote it.

use serde::{Deserialize, Serialize};

/// What others need to know of a file, to read it without the program that wrote it: what
/// [`Target::describe`](crate::Target::describe) gives, and an [export](crate::Flow::export) passes on.
///
/// ```
/// use flow::target::Description;
///
/// let text = Description::default()
///     .rust("Text")
///     .python(&["pathlib"], "pathlib.Path(path).read_bytes().decode()");
/// let table = Description::default().column("price", "Float64", true);
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
    pub fn column(mut self, name: &str, kind: impl Into<String>, nullable: bool) -> Self {
        self.columns.push(Column { name: name.to_owned(), kind: kind.into(), nullable });
        self
    }

    /// Says which target reads the file into a type that everybody has, such as
    /// `Parquet<RecordBatch>`.
    #[must_use]
    pub fn rust(self, target: impl Into<String>) -> Self {
        Self { rust: Some(target.into()), ..self }
    }

    /// Says how Python reads it: by an expression in which `path` is the file, on one line, and which
    /// modules it takes.
    #[must_use]
    pub fn python(self, imports: &[&str], expression: impl Into<String>) -> Self {
        let imports = imports.iter().map(|name| (*name).to_owned()).collect();
        Self { python: Some(Python { imports, expression: expression.into() }), ..self }
    }
}

//! Generates the struct for the rows of a table.

use super::super::row::{Field, Row};
use super::text::code;

/// Returns the source of the struct.
pub(super) fn row(row: &Row) -> String {
    format!(
        "
/// A row of {of}.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct {name} {{
{fields}}}
",
        of = row.of,
        name = row.name,
        fields = row.fields.iter().map(field).collect::<String>(),
    )
}

fn field(field: &Field) -> String {
    let Field { name, column, kind, stored } = field;
    let rename = match column == name {
        true => String::new(),
        false => format!("    #[serde(rename = {column:?})]\n"),
    };
    format!("    /// {}: {}.\n{rename}    pub {name}: {kind},\n", code(column), code(stored))
}

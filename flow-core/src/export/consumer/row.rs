//! The structs of a generated crate for the rows of tables.

use super::names::Names;
use crate::export::text::between_backticks;
use crate::target::Column;

/// A struct with a field for each column.
pub(super) struct Row {
    pub(super) name: String,
    /// The task or the column whose rows it holds, for its documentation.
    pub(super) of: String,
    pub(super) fields: Vec<Field>,
}

/// A field of a row.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) column: String,
    pub(super) kind: String,
    /// The name of the column's type in the format.
    pub(super) stored: String,
}

/// Returns whether there are columns and each has a Rust type.
pub(super) fn is_typed(columns: &[Column]) -> bool {
    !columns.is_empty() && columns.iter().all(|column| column.rust.is_some())
}

/// Returns the struct for these columns, after the structs for nested columns.
pub(super) fn rows(name: &str, of: &str, columns: &[Column], names: &mut Names) -> Vec<Row> {
    let name = names.of_type(name);
    let mut rows = Vec::new();
    let mut taken = Names::default();
    let mut fields = Vec::new();
    for column in columns {
        let mut kind = column.rust.clone().unwrap_or_default();
        if !column.fields.is_empty() {
            let inner = self::rows(
                &format!("{name} {}", column.name),
                &format!("column `{}` of {of}", between_backticks(&column.name)),
                &column.fields,
                names,
            );
            kind = kind.replace("{}", inner.last().map_or("()", |row| &row.name));
            rows.extend(inner);
        }
        fields.push(Field {
            name: taken.of_field(&column.name),
            column: column.name.clone(),
            kind,
            stored: column.kind.clone(),
        });
    }
    rows.push(Row { name, of: of.to_owned(), fields });
    rows
}

/// Returns columns whose types hold the values of both tables.
///
/// # Errors
///
/// A message that says how the columns differ.
pub(super) fn common(ours: &[Column], theirs: &[Column]) -> Result<Vec<Column>, String> {
    let names = |columns: &[Column]| -> Vec<_> {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    if names(ours) != names(theirs) {
        return Err(format!("the columns are {:?} and {:?}", names(ours), names(theirs)));
    }
    ours.iter().zip(theirs).map(|(ours, theirs)| common_column(ours, theirs)).collect()
}

fn common_column(ours: &Column, theirs: &Column) -> Result<Column, String> {
    let differ =
        || Err(format!("column {:?} is of type {} and {}", ours.name, ours.kind, theirs.kind));
    let (Some(our), Some(their)) = (&ours.rust, &theirs.rust) else {
        return if ours.kind == theirs.kind { Ok(ours.clone()) } else { differ() };
    };
    // A column that has only nulls fits any type.
    let (ours_is_null, theirs_is_null) = (is_null(our), is_null(their));
    let (wider, fields) = match () {
        () if theirs_is_null => (our, ours.fields.clone()),
        () if ours_is_null => (their, theirs.fields.clone()),
        () if bare(our) == bare(their) => (our, common(&ours.fields, &theirs.fields)?),
        () => return differ(),
    };
    let is_optional = [our, their].iter().any(|kind| bare(kind) != kind.as_str());
    let bare = bare(wider);
    let rust = if is_optional { format!("Option<{bare}>") } else { bare.to_owned() };
    let kind = if ours_is_null { &theirs.kind } else { &ours.kind };
    let nullable = ours.nullable || theirs.nullable;
    Ok(Column::new(&ours.name, kind, nullable).rust(rust).fields(fields))
}

fn is_null(kind: &str) -> bool {
    bare(kind) == "()"
}

/// Returns the type without `Option`.
fn bare(kind: &str) -> &str {
    kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str, rust: &str) -> Vec<Column> {
        vec![Column::new("x", kind, rust.starts_with("Option")).rust(rust)]
    }

    #[test]
    fn what_two_tables_have_in_common() {
        let (int, none) = (column("Int64", "i64"), column("Null", "Option<()>"));
        let maybe = column("Int64", "Option<i64>");
        assert_eq!(common(&int, &int), Ok(int.clone()));
        for (ours, theirs) in [(&int, &maybe), (&maybe, &int), (&none, &int), (&int, &none)] {
            assert_eq!(common(ours, theirs), Ok(maybe.clone()));
        }
        assert_eq!(
            common(&int, &column("Utf8", "String")),
            Err("column \"x\" is of type Int64 and Utf8".to_owned())
        );
        let two = [int.clone(), vec![Column::new("y", "Int64", false)]].concat();
        assert_eq!(
            common(&int, &two),
            Err("the columns are [\"x\"] and [\"x\", \"y\"]".to_owned())
        );
    }

    #[test]
    fn structs_in_columns_are_structs() {
        let inner = Column::new("a b", "Int64", false).rust("i64");
        let point = Column::new("at", "List(Struct)", false).rust("Vec<{}>").fields(vec![inner]);
        let rows = rows("Report Row", "`Report`", &[point], &mut Names::default());
        let shown: Vec<_> = rows
            .iter()
            .map(|row| {
                (row.name.as_str(), row.fields[0].name.as_str(), row.fields[0].kind.as_str())
            })
            .collect();
        assert_eq!(shown, [("ReportRowAt", "a_b", "i64"), ("ReportRow", "at", "Vec<ReportRowAt>")]);
    }
}

//! Columns by their names.

use anyhow::{Result, bail, ensure};
use arrow::datatypes::Schema;

/// How alike two names must be, for one to be suggested for the other.
const ALIKE: f64 = 0.8;

/// What a table without columns may be, for who knows that a row has fields.
const NONE: &str =
    ": the table has no columns, as no rows have of a type that does not show its columns";

/// Where the columns of these names stand, in the order of the names.
///
/// # Errors
///
/// A name is asked for twice, no column has it, or several have.
pub(crate) fn find(schema: &Schema, names: &[&str]) -> Result<Vec<usize>> {
    let mut found = Vec::with_capacity(names.len());
    for (i, &name) in names.iter().enumerate() {
        ensure!(!names[..i].contains(&name), "column `{name}` is asked for twice");
        let mut named = (0..schema.fields().len()).filter(|at| schema.field(*at).name() == name);
        match (named.next(), named.next()) {
            (Some(at), None) => found.push(at),
            (Some(_), Some(_)) => bail!("several columns are called `{name}`"),
            (None, _) => bail!("there is no column `{name}`{}", known(schema, name)),
        }
    }
    Ok(found)
}

/// What else the name may stand for.
fn known(schema: &Schema, name: &str) -> String {
    let alike = |other: &&str| strsim::jaro_winkler(name, other);
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match names().max_by(|a, b| alike(a).total_cmp(&alike(b))) {
        None => NONE.to_owned(),
        Some(nearest) if alike(&nearest) >= ALIKE => format!(": did you mean `{nearest}`?"),
        Some(_) => format!(": there are `{}`", names().collect::<Vec<_>>().join("`, `")),
    }
}

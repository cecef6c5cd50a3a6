//! Reads tables that are outputs: their markers, and their rows.

use std::iter;

use anyhow::{Result, ensure};
use rusqlite::{Connection, OptionalExtension};

use super::Sqlite;
use super::query::{Batch, cell};
use super::write::structure;
use crate::sql::backend::{CHUNK, KEY, MARKERS, Marked, TableRead, quoted, words};
use crate::sql::cells::RowsDigest;
use crate::sql::error::SqlError;
use crate::sql::rows::Out;

pub(super) fn marked(sqlite: &Sqlite, table: &str, key: &str) -> Result<Marked> {
    // Opening would not create the file, and would call its absence an error.
    if !sqlite.path.try_exists().unwrap_or(true) {
        return Ok(Marked::Different(format!("there is no database {}", sqlite.label)));
    }
    sqlite.with_reader(true, |connection| {
        let marked = marked_in(sqlite, connection, table, key);
        Ok(marked.map_err(|error| sqlite.error(&format!("look at table `{table}`"), &error))?)
    })
}

/// Returns the state of a table within one transaction.
fn marked_in(
    sqlite: &Sqlite,
    connection: &Connection,
    table: &str,
    key: &str,
) -> rusqlite::Result<Marked> {
    let transaction = connection.unchecked_transaction()?;
    let missing = || Marked::Different(words::missing(table, key, &sqlite.label));
    let has_markers = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let has_markers: i64 = transaction.query_row(has_markers, [MARKERS], |row| row.get(0))?;
    if has_markers == 0 {
        return Ok(missing());
    }
    let marker: Option<(String, String, String, i64)> = transaction
        .query_row(
            &format!(
                "SELECT fingerprint, receipt, structure, changed FROM {MARKERS} WHERE name = ?1 AND key = ?2"
            ),
            [table, key],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let Some((fingerprint, receipt, recorded, changed)) = marker else { return Ok(missing()) };
    let now = structure(&transaction, table)?;
    if now.is_empty() {
        return Ok(missing());
    }
    if changed != 0 || now != recorded {
        return Ok(Marked::Different(words::changed(table, &sqlite.label)));
    }
    Ok(Marked::Written { fingerprint, receipt: receipt.into_bytes() })
}

pub(super) fn read(sqlite: &Sqlite, read: &TableRead, out: &Out) -> Result<()> {
    let TableRead { receipt, bytes, schema, lengths, is_whole } = read;
    let failed =
        |error: rusqlite::Error| sqlite.error(&format!("read table `{}`", receipt.table), &error);
    let changed = |what: String| SqlError::Changed { database: sqlite.label.clone(), what };
    out.schema(schema.clone())?;
    let connection = sqlite.open_to_read()?;
    // Marker and rows are read from one state of the database.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let marker: Option<String> = transaction
        .query_row(
            &format!("SELECT receipt FROM {MARKERS} WHERE name = ?1 AND key = ?2"),
            [&receipt.table, &receipt.key],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    let is_written = marker.is_some_and(|marker| marker.as_bytes() == bytes.as_slice());
    if !is_written {
        let what = format!(
            "table `{}` has the rows of another output since; a database keeps those of the last run only",
            receipt.table
        );
        return Err(changed(what).into());
    }

    let names = schema.fields().iter().map(|field| quoted(field.name())).collect::<Vec<_>>();
    // A table without columns has rows all the same.
    let names = if names.is_empty() { "NULL".to_owned() } else { names.join(", ") };
    let of_key = match receipt.key.as_str() {
        "" => String::new(),
        _ => format!(" WHERE {KEY} = ?1"),
    };
    let columns = receipt.schema()?;
    let row_id = row_id(&columns)?;
    let sql = format!("SELECT {names} FROM {}{of_key} ORDER BY {row_id}", quoted(&receipt.table));
    let mut statement = transaction.prepare(&sql).map_err(failed)?;
    if !receipt.key.is_empty() {
        statement.raw_bind_parameter(1_usize, &receipt.key).map_err(failed)?;
    }
    let mut rows = statement.raw_query();
    let mut lengths = lengths.iter().copied().chain(iter::repeat(CHUNK)).peekable();
    let mut batch = Batch::new(schema)?;
    let mut digest = RowsDigest::default();
    while let Some(row) = rows.next().map_err(failed)? {
        // Batches without rows are between others.
        while lengths.peek() == Some(&0) {
            lengths.next();
            batch.send_empty(out)?;
        }
        for place in 0..batch.columns.len() {
            let cell = cell(row.get_ref(place).map_err(failed)?)?;
            digest.cell(cell);
            batch.push(place, cell)?;
        }
        digest.end_row();
        batch.end_row();
        if lengths.peek() == Some(&batch.rows) {
            lengths.next();
            batch.send(out)?;
        }
    }
    batch.send(out)?;
    while lengths.peek() == Some(&0) {
        lengths.next();
        batch.send_empty(out)?;
    }
    let count = digest.rows();
    let is_same = count == receipt.rows && (!is_whole || digest.finish() == receipt.digest);
    ensure!(is_same, changed(words::changed(&receipt.table, "the database")));
    Ok(())
}

/// Returns a name of the hidden column by which rows are in the order in which they were written.
fn row_id(schema: &arrow::datatypes::Schema) -> Result<&'static str> {
    let is_free =
        |name: &&str| !schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name));
    let free = ["rowid", "_rowid_", "oid"].into_iter().find(is_free);
    free.ok_or_else(|| {
        anyhow::anyhow!("columns are called `rowid`, `_rowid_` and `oid`: rename one")
    })
}

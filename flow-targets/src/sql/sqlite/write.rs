//! Writes tables: the rows, the triggers that notice changes, and the marker, in one transaction.

use std::sync::PoisonError;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::Sqlite;
use super::query::to_sql;
use crate::sql::backend::{KEY, MARKERS, NewTable, literal, quoted, turn};
use crate::sql::cells::{Cell, Cells, Kind, RowsDigest};
use crate::sql::error::SqlError;
use crate::sql::receipt::Receipt;

pub(super) fn write(
    sqlite: &Sqlite,
    table: &NewTable<'_>,
    batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
) -> Result<Receipt> {
    let failed =
        |error: rusqlite::Error| sqlite.error(&format!("write table `{}`", table.name), &error);
    // SQLite has one writer at a time. Those of this process wait for each other however long they take.
    let turn = turn(&sqlite.label);
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let mut connection = sqlite.open_to_write()?;
    // It waits for other writers here, and not halfway. Dropping it rolls it back.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = transaction.map_err(failed)?;
    create_markers(&transaction).map_err(failed)?;
    prepare(sqlite, &transaction, table)?;

    let mut receipt = Receipt::new(table.name, table.key, table.schema)?;
    let mut digest = RowsDigest::default();
    let mut lengths = Vec::new();
    {
        let mut insert = transaction.prepare(&insert_text(table)).map_err(failed)?;
        for batch in batches {
            let batch = batch?;
            lengths.push(batch.num_rows() as u64);
            let columns = Cells::of_batch(&batch, digest.rows())?;
            let keyed = (!table.replaces()).then_some(Cell::Text(table.key));
            for row in 0..batch.num_rows() {
                for (place, cells) in columns.iter().enumerate() {
                    let cell = cells.get(row);
                    refuse_nan(cell, &batch, place, digest.rows())?;
                    digest.cell(cell);
                    insert.raw_bind_parameter(place + 1, to_sql(cell)).map_err(failed)?;
                }
                if let Some(key) = keyed {
                    insert.raw_bind_parameter(columns.len() + 1, to_sql(key)).map_err(failed)?;
                }
                insert.raw_execute().map_err(failed)?;
                digest.end_row();
            }
        }
    }
    receipt.rows = digest.rows();
    receipt.digest = digest.finish();
    receipt.batches = table.keeps_batches.then_some(lengths);
    watch(&transaction, table).map_err(failed)?;
    mark(&transaction, table, &receipt.to_bytes()?).map_err(failed)?;
    match table.is_trial {
        true => transaction.rollback().map_err(failed)?,
        false => transaction.commit().map_err(failed)?,
    }
    Ok(receipt)
}

/// Returns an error for a number that SQLite would store as `NULL`.
fn refuse_nan(cell: Cell<'_>, batch: &RecordBatch, place: usize, row: u64) -> Result<()> {
    match cell {
        Cell::Real(value) if value.is_nan() => bail!(
            "column `{}`, row {row}, is NaN, which SQLite stores as NULL: use `Option` and `None`, or `Parquet`",
            batch.schema_ref().field(place).name(),
        ),
        _ => Ok(()),
    }
}

/// Creates the table of markers, if there is none.
fn create_markers(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {MARKERS} (name TEXT NOT NULL COLLATE NOCASE, key TEXT NOT NULL, fingerprint TEXT \
         NOT NULL, receipt TEXT NOT NULL, structure TEXT NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (name, key)) \
         STRICT, WITHOUT ROWID"
    ))
}

/// Leaves an empty table, or one without rows of the instance.
fn prepare(sqlite: &Sqlite, transaction: &Transaction<'_>, table: &NewTable<'_>) -> Result<()> {
    let failed =
        |error: rusqlite::Error| sqlite.error(&format!("replace table `{}`", table.name), &error);
    let name = quoted(table.name);
    let (database, name_text) = (sqlite.label.clone(), table.name.to_owned());
    let other = |what: &str| SqlError::OtherTable {
        database: database.clone(),
        table: name_text.clone(),
        what: what.to_owned(),
    };
    let existing: Option<(String, String)> = transaction
        .query_row(
            "SELECT type, sql FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')",
            [table.name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .map_err(failed)?;
    // The number of markers, and of those with a key.
    let (markers, keyed): (u64, u64) = transaction
        .query_row(
            &format!("SELECT count(*), count(nullif(key, '')) FROM {MARKERS} WHERE name = ?1"),
            [table.name],
            |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs())),
        )
        .map_err(failed)?;
    let create = create_text(table)?;
    if let Some((kind, sql)) = existing {
        if kind != "table" || markers == 0 {
            return Err(SqlError::NotOurs { database, table: name_text }.into());
        }
        if table.replaces() {
            ensure!(keyed == 0, other("has rows that several instances appended by key"));
        } else {
            ensure!(keyed == markers, other("was written by an instance that replaces it"));
            ensure!(sql == create, other("has other columns than the rows to append"));
            // The triggers are created anew, which would hide that one was removed to change rows of other instances.
            let altered =
                format!("UPDATE {MARKERS} SET changed = 1 WHERE name = ?1 AND structure <> ?2");
            let now = structure(transaction, table.name).map_err(failed)?;
            transaction.execute(&altered, params![table.name, now]).map_err(failed)?;
            for (trigger, _) in triggers(table) {
                let drop = format!("DROP TRIGGER IF EXISTS {}", quoted(&trigger));
                transaction.execute_batch(&drop).map_err(failed)?;
            }
            let delete = format!("DELETE FROM {name} WHERE {KEY} = ?1");
            transaction.execute(&delete, [table.key]).map_err(failed)?;
            return Ok(());
        }
        transaction.execute_batch(&format!("DROP TABLE {name}")).map_err(failed)?;
    }
    // Markers of a table that was dropped by hand have no rows any more.
    let forget = format!("DELETE FROM {MARKERS} WHERE name = ?1");
    transaction.execute(&forget, [table.name]).map_err(failed)?;
    transaction.execute_batch(&create).map_err(failed)?;
    if !table.replaces() {
        let index = quoted(&format!("typed_flow:{}:key", table.name));
        let index = format!("CREATE INDEX {index} ON {name} ({KEY})");
        transaction.execute_batch(&index).map_err(failed)?;
    }
    Ok(())
}

/// Returns the declaration of the table, as SQLite keeps its text.
fn create_text(table: &NewTable<'_>) -> Result<String> {
    let columns = table.schema.fields().iter().map(|field| {
        let kind = Kind::of(field.data_type());
        let kind = match kind.with_context(|| format!("column `{}`", field.name()))? {
            Kind::Int => "INTEGER",
            Kind::Real => "REAL",
            Kind::Text => "TEXT",
            Kind::Bytes => "BLOB",
        };
        let null = if field.is_nullable() { "" } else { " NOT NULL" };
        Ok(format!("{} {kind}{null}", quoted(field.name())))
    });
    let mut columns = columns.collect::<Result<Vec<_>>>()?;
    if !table.replaces() {
        let has_key = |field: &arrow::datatypes::FieldRef| field.name().eq_ignore_ascii_case(KEY);
        ensure!(
            !table.schema.fields().iter().any(has_key),
            "a column is called `{KEY}`, as the column with the keys of the instances: rename it",
        );
        columns.push(format!("{KEY} TEXT NOT NULL"));
    }
    Ok(format!("CREATE TABLE {} ({}) STRICT", quoted(table.name), columns.join(", ")))
}

fn insert_text(table: &NewTable<'_>) -> String {
    let names = table.schema.fields().iter().map(|field| quoted(field.name()));
    let names = names.chain((!table.replaces()).then(|| KEY.to_owned())).collect::<Vec<_>>();
    let places = vec!["?"; names.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({places})", quoted(table.name), names.join(", "))
}

/// Returns the name of each trigger, and its declaration.
fn triggers(table: &NewTable<'_>) -> [(String, String); 3] {
    EVENTS.map(|event| {
        let name = trigger_name(table.name, event);
        // The marker of the rows that the event concerns.
        let of_key = match event {
            _ if table.replaces() => String::new(),
            "insert" => format!(" AND key = NEW.{KEY}"),
            "update" => format!(" AND key IN (OLD.{KEY}, NEW.{KEY})"),
            _ => format!(" AND key = OLD.{KEY}"),
        };
        let text = format!(
            "CREATE TRIGGER {} AFTER {} ON {} BEGIN UPDATE {MARKERS} SET changed = 1 WHERE name = {}{of_key} AND changed \
             = 0; END",
            quoted(&name),
            event.to_ascii_uppercase(),
            quoted(table.name),
            literal(table.name),
        );
        (name, text)
    })
}

/// The events that triggers note.
const EVENTS: [&str; 3] = ["insert", "update", "delete"];

fn trigger_name(table: &str, event: &str) -> String {
    format!("typed_flow:{table}:{event}")
}

/// Creates the triggers that note changes by others in the marker.
fn watch(transaction: &Transaction<'_>, table: &NewTable<'_>) -> rusqlite::Result<()> {
    triggers(table).iter().try_for_each(|(_, create)| transaction.execute_batch(create))
}

fn mark(
    transaction: &Transaction<'_>,
    table: &NewTable<'_>,
    receipt: &[u8],
) -> rusqlite::Result<()> {
    let structure = structure(transaction, table.name)?;
    let receipt = String::from_utf8_lossy(receipt);
    transaction.execute(
        &format!("INSERT OR REPLACE INTO {MARKERS} VALUES (?1, ?2, ?3, ?4, ?5, 0)"),
        params![table.name, table.key, table.fingerprint, receipt, structure],
    )?;
    Ok(())
}

/// Returns the declarations of a table and of its triggers, which show whether they were altered.
pub(super) fn structure(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let [insert, update, delete] = EVENTS.map(|event| trigger_name(table, event));
    let mut statement = connection.prepare(
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND (type = 'table' OR type = 'trigger' AND \
         name IN (?2, ?3, ?4)) ORDER BY type, name",
    )?;
    let texts = statement.query_map(params![table, insert, update, delete], |row| row.get(0))?;
    let texts = texts.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(texts.join(";\n"))
}

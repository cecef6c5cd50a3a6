//! Reads tables of PostgreSQL that are outputs: their markers, and their rows.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::Adbc;
use super::postgresql::{Names, ROW, add, cast, structure};
use super::session::Session;
use crate::sql::backend::{CHUNK, KEY, MARKERS, Marked, TableRead, literal, quoted, words};
use crate::sql::cells::RowsDigest;
use crate::sql::error::SqlError;
use crate::sql::rows::Out;

pub(super) fn marked(adbc: &Adbc, table: &str, key: &str) -> Result<Marked> {
    adbc.with_reader(|session| marked_on(session, adbc, table, key))
}

fn marked_on(session: &mut Session<'_>, adbc: &Adbc, table: &str, key: &str) -> Result<Marked> {
    let missing = || Marked::Different(words::missing(table, key, &adbc.label));
    let action = format!("look at table `{table}`");
    let names = Names::new(session, table)?;
    if !names.exists(session, MARKERS)? || !names.exists(session, table)? {
        return Ok(missing());
    }
    let select = format!(
        "SELECT fingerprint, receipt, structure, changed::text FROM {} WHERE {}",
        names.markers(),
        names.marker(key)
    );
    let Some(marker) = session.row(&action, &select)? else { return Ok(missing()) };
    let marker: Vec<String> = marker.into_iter().map(Option::unwrap_or_default).collect();
    let [fingerprint, receipt, recorded, changed] = marker.as_slice() else { return Ok(missing()) };
    if changed != "false" || structure(session, &names)? != *recorded {
        return Ok(Marked::Different(words::changed(table, &adbc.label)));
    }
    Ok(Marked::Written { fingerprint: fingerprint.clone(), receipt: receipt.clone().into_bytes() })
}

pub(super) fn read(adbc: &Adbc, read: &TableRead, out: &Out) -> Result<()> {
    let TableRead { receipt, bytes, schema, lengths, is_whole } = read;
    let action = format!("read table `{}`", receipt.table);
    let changed = |what: String| SqlError::Changed { database: adbc.label.clone(), what };
    out.schema(Arc::clone(schema))?;
    let mut session = adbc.session()?;
    let session = &mut session;
    session.begin()?;
    // Marker and rows are read from one state of the database.
    session.execute(&action, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
    let names = Names::new(session, &receipt.table)?;
    let select =
        format!("SELECT receipt FROM {} WHERE {}", names.markers(), names.marker(&receipt.key));
    let marker = session.cell(&action, &select)?;
    let is_written = marker.is_some_and(|marker| marker.as_bytes() == bytes.as_slice());
    let replaced = || {
        format!(
            "table `{}` has the rows of another output since; a database keeps those of the last run only",
            receipt.table
        )
    };
    ensure!(is_written, changed(replaced()));

    let columns = schema.fields().iter().map(|field| quoted(field.name())).collect::<Vec<_>>();
    let columns = if columns.is_empty() { ROW.to_owned() } else { columns.join(", ") };
    let of_key = match receipt.key.as_str() {
        "" => String::new(),
        key => format!(" WHERE {KEY} = {}", literal(key)),
    };
    let sql = format!("SELECT {columns} FROM {}{of_key} ORDER BY {ROW}", names.table());
    let mut digest = RowsDigest::default();
    let mut cut = Cut { lengths: lengths.clone().into(), held: Vec::new(), rows: 0 };
    session.batches(&action, &sql, |batch| {
        let arrays = batch.columns().iter().zip(schema.fields());
        let arrays = arrays.map(|(array, field)| {
            cast(array, field.data_type()).with_context(|| format!("column `{}`", field.name()))
        });
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?;
        add(&mut digest, &batch)?;
        cut.push(batch, out)
    })?;
    cut.finish(schema, out)?;
    session.end(false)?;
    let is_same = digest.rows() == receipt.rows && (!is_whole || digest.finish() == receipt.digest);
    ensure!(is_same, changed(words::changed(&receipt.table, "the database")));
    Ok(())
}

/// Cuts rows into batches of given lengths.
struct Cut {
    lengths: VecDeque<usize>,
    held: Vec<RecordBatch>,
    rows: usize,
}

impl Cut {
    fn push(&mut self, mut batch: RecordBatch, out: &Out) -> Result<()> {
        loop {
            let length = self.lengths.front().copied().unwrap_or(CHUNK);
            let more = length.saturating_sub(self.rows).min(batch.num_rows());
            let rest = batch.num_rows() - more;
            self.held.push(batch.slice(0, more));
            self.rows += more;
            if self.rows < length {
                return Ok(());
            }
            self.send(&batch.schema(), out)?;
            if rest == 0 {
                return Ok(());
            }
            batch = batch.slice(more, rest);
        }
    }

    fn send(&mut self, schema: &SchemaRef, out: &Out) -> Result<()> {
        self.lengths.pop_front();
        self.rows = 0;
        let held = std::mem::take(&mut self.held);
        out.batch(concat_batches(schema, &held)?)
    }

    fn finish(mut self, schema: &SchemaRef, out: &Out) -> Result<()> {
        while self.rows > 0 || !self.lengths.is_empty() {
            self.send(schema, out)?;
        }
        Ok(())
    }
}

//! Writes tables of PostgreSQL that are outputs.
//!
//! A write is one transaction, under an advisory lock for the name of the table, so that two writers wait for each other.
//! The rows are sent by the bulk ingestion of the driver (`COPY`). The column [`ROW`] has the position of each row, because
//! a table of PostgreSQL has no order. Triggers note changes by others in the marker; its function belongs to the schema of
//! the table and runs with the rights of its owner, so that others need no right on the markers.

use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::Adbc;
use super::session::Session;
use crate::display;
use crate::sql::backend::{KEY, MARKERS, NewTable, literal, quoted, turn};
use crate::sql::cells::{Cells, RowsDigest};
use crate::sql::error::SqlError;
use crate::sql::receipt::Receipt;

/// The column with the position of a row among those of its output.
pub(super) const ROW: &str = "flow_row";

/// The function of the triggers.
const FUNCTION: &str = "typed_flow_changed";

/// The events that triggers note.
const EVENTS: [&str; 4] = ["insert", "update", "delete", "truncate"];

/// The names of a table and of what belongs to it, qualified by the schema of the connection.
pub(super) struct Names {
    schema: String,
    table: String,
}

impl Names {
    pub(super) fn new(session: &mut Session<'_>, table: &str) -> Result<Self> {
        let schema = session.cell("find the schema", "SELECT current_schema()::text")?;
        let schema =
            schema.context("the connection has no schema: set `search_path` for the user")?;
        Ok(Self { schema, table: table.to_owned() })
    }

    fn qualified(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(name))
    }

    pub(super) fn table(&self) -> String {
        self.qualified(&self.table)
    }

    pub(super) fn markers(&self) -> String {
        self.qualified(MARKERS)
    }

    /// Returns the condition for a marker.
    pub(super) fn marker(&self, key: &str) -> String {
        format!("name = {} AND key = {}", literal(&self.table), literal(key))
    }

    /// Returns whether a table of this name exists.
    pub(super) fn exists(&self, session: &mut Session<'_>, name: &str) -> Result<bool> {
        let name = literal(&self.qualified(name));
        let found =
            session.cell("look for tables", &format!("SELECT to_regclass({name})::text"))?;
        Ok(found.is_some())
    }
}

pub(super) fn write(
    adbc: &Adbc,
    table: &NewTable<'_>,
    batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
) -> Result<Receipt> {
    let mut session = adbc.session()?;
    let session = &mut session;
    let names = Names::new(session, table.name)?;
    create_markers(session, &names)?;
    let action = format!("write table `{}`", table.name);
    // The writers of this process to one table wait for each other however long they take.
    let turn = turn(&format!("{}: {}", adbc.label, names.table()));
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    session.begin()?;
    let wait = adbc.timeout.as_millis();
    session.execute(&action, &format!("SET LOCAL lock_timeout = '{wait}ms'"))?;
    let lock = format!(
        "SELECT pg_advisory_xact_lock(hashtext({}), hashtext({}))::text",
        literal(MARKERS),
        literal(&names.table())
    );
    session.row(&action, &lock)?;
    let columns = columns(table)?;
    prepare(session, &names, table, &columns)?;

    let mut receipt = Receipt::new(table.name, table.key, table.schema)?;
    let mut digest = RowsDigest::default();
    let mut lengths = Vec::new();
    for batch in batches {
        let batch = batch?;
        lengths.push(batch.num_rows() as u64);
        let before = digest.rows();
        add(&mut digest, &batch)?;
        if batch.num_rows() > 0 {
            session.ingest(
                (&names.schema, table.name),
                stored(&batch, table.key, before, &columns)?,
            )?;
        }
    }
    receipt.rows = digest.rows();
    receipt.digest = digest.finish();
    receipt.batches = table.keeps_batches.then_some(lengths);

    for (trigger, declaration) in triggers(&names, table.replaces()) {
        session.execute(&action, &declaration).with_context(|| format!("trigger {trigger}"))?;
    }
    let structure = structure(session, &names)?;
    let receipt_text = String::from_utf8(receipt.to_bytes()?).context("a receipt is Unicode")?;
    let mark = format!(
        "INSERT INTO {} VALUES ({}, {}, {}, {}, {}, false) ON CONFLICT (name, key) DO UPDATE SET fingerprint = \
         EXCLUDED.fingerprint, receipt = EXCLUDED.receipt, structure = EXCLUDED.structure, changed = false",
        names.markers(),
        literal(table.name),
        literal(table.key),
        literal(table.fingerprint),
        literal(&receipt_text),
        literal(&structure),
    );
    session.execute(&action, &mark)?;
    session.end(!table.is_trial)?;
    Ok(receipt)
}

/// Adds the rows of a batch to a digest.
pub(super) fn add(digest: &mut RowsDigest, batch: &RecordBatch) -> Result<()> {
    let columns = Cells::of_batch(batch, digest.rows())?;
    for row in 0..batch.num_rows() {
        columns.iter().for_each(|cells| digest.cell(cells.get(row)));
        digest.end_row();
    }
    Ok(())
}

/// Creates the table of markers and the function of the triggers, unless they exist.
fn create_markers(session: &mut Session<'_>, names: &Names) -> Result<()> {
    if names.exists(session, MARKERS)? {
        return Ok(());
    }
    let markers = names.markers();
    let function = format!(
        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \
         $flow$ BEGIN IF TG_LEVEL = 'STATEMENT' THEN UPDATE {markers} SET changed = true WHERE name = TG_ARGV[0]; ELSIF \
         TG_OP = 'INSERT' THEN UPDATE {markers} SET changed = true WHERE name = TG_ARGV[0] AND key = NEW.{KEY}; ELSIF TG_OP \
         = 'DELETE' THEN UPDATE {markers} SET changed = true WHERE name = TG_ARGV[0] AND key = OLD.{KEY}; ELSE UPDATE \
         {markers} SET changed = true WHERE name = TG_ARGV[0] AND key IN (OLD.{KEY}, NEW.{KEY}); END IF; RETURN NULL; END \
         $flow$",
        names.qualified(FUNCTION)
    );
    let table = format!(
        "CREATE TABLE {markers} (name text, key text, fingerprint text NOT NULL, receipt text NOT NULL, structure text NOT \
         NULL, changed boolean NOT NULL, PRIMARY KEY (name, key))"
    );
    let action = "create the table of markers";
    let turn = turn(&format!("{}: {markers}", session.adbc.label));
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let created = session.execute(action, &function).and_then(|()| session.execute(action, &table));
    let Err(error) = created else { return Ok(()) };
    // Another writer may have created them meanwhile, or be about to: PostgreSQL refuses to create a function twice at once.
    let attempts = if matches!(error, SqlError::Denied { .. }) { 1 } else { 20 };
    for _ in 0..attempts {
        if names.exists(session, MARKERS)? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(error.into())
}

/// A column of a table: its name, its declaration, and the Arrow type that the driver sends for it.
struct Column {
    name: String,
    kind: &'static str,
    not_null: bool,
    sent: DataType,
}

/// Returns the columns of a table, those of this library last.
fn columns(table: &NewTable<'_>) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    for field in table.schema.fields() {
        ensure!(
            ![KEY, ROW].contains(&field.name().as_str()),
            "a column is called `{}`, as one of typed-flow: rename it",
            field.name(),
        );
        let (kind, sent) = kind(field.data_type());
        columns.push(Column {
            name: field.name().clone(),
            kind,
            not_null: !field.is_nullable(),
            sent,
        });
    }
    let own = |name: &str, kind, sent| Column { name: name.to_owned(), kind, not_null: true, sent };
    columns.extend((!table.replaces()).then(|| own(KEY, "text", DataType::Utf8)));
    columns.push(own(ROW, "bigint", DataType::Int64));
    Ok(columns)
}

/// Returns the type of a column, and the Arrow type that is sent for it. What has no type here is stored as text.
fn kind(data_type: &DataType) -> (&'static str, DataType) {
    use DataType as Type;
    match data_type {
        Type::Boolean => ("boolean", Type::Boolean),
        Type::Int8 | Type::UInt8 | Type::Int16 => ("smallint", Type::Int16),
        Type::Int32 | Type::UInt16 => ("integer", Type::Int32),
        Type::Int64 | Type::UInt32 | Type::UInt64 => ("bigint", Type::Int64),
        Type::Float16 | Type::Float32 => ("real", Type::Float32),
        Type::Float64 => ("double precision", Type::Float64),
        Type::Binary | Type::LargeBinary | Type::BinaryView | Type::FixedSizeBinary(_) => {
            ("bytea", Type::Binary)
        }
        Type::Date32 => ("date", Type::Date32),
        Type::Timestamp(TimeUnit::Microsecond, None) => {
            ("timestamp without time zone", data_type.clone())
        }
        Type::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let utc = Type::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            ("timestamp with time zone", utc)
        }
        Type::Dictionary(_, values) => kind(values),
        _ => ("text", Type::Utf8),
    }
}

/// Returns a batch as it is sent, with the columns of this library.
fn stored(batch: &RecordBatch, key: &str, before: u64, columns: &[Column]) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let mut arrays = Vec::with_capacity(columns.len());
    for (array, column) in batch.columns().iter().zip(columns) {
        arrays
            .push(cast(array, &column.sent).with_context(|| format!("column `{}`", column.name))?);
    }
    if columns.len() == arrays.len() + 2 {
        arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(key, rows))));
    }
    let first = i64::try_from(before).context("the table has too many rows")?;
    arrays.push(Arc::new(Int64Array::from_iter_values((first..).take(rows))));
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, column.sent.clone(), !column.not_null));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), arrays)?)
}

pub(super) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(display::cast(array, to)?)
}

/// Leaves an empty table, or one without rows of the instance.
fn prepare(
    session: &mut Session<'_>,
    names: &Names,
    table: &NewTable<'_>,
    columns: &[Column],
) -> Result<()> {
    let action = format!("replace table `{}`", table.name);
    let (name, markers) = (names.table(), names.markers());
    let other = |adbc: &Adbc, what: &str| SqlError::OtherTable {
        database: adbc.label.clone(),
        table: table.name.to_owned(),
        what: what.to_owned(),
    };
    let count = format!(
        "SELECT count(*)::text, count(nullif(key, ''))::text FROM {markers} WHERE name = {}",
        literal(table.name)
    );
    let counted = session.row(&action, &count)?.unwrap_or_default();
    let counted = counted.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
    let is_there = names.exists(session, table.name)?;
    let (has_markers, has_keys) =
        (counted.first().is_some_and(|n| n != "0"), counted.get(1).is_some_and(|n| n != "0"));
    if is_there {
        if !has_markers {
            let (database, table) = (session.adbc.label.clone(), table.name.to_owned());
            return Err(SqlError::NotOurs { database, table }.into());
        }
        let is_same = declared(session, names)? == declaration(columns);
        if !table.replaces() {
            let what = "was written by an instance that replaces it";
            ensure!(has_keys, other(session.adbc, what));
            ensure!(is_same, other(session.adbc, "has other columns than the rows to append"));
        } else {
            ensure!(
                !has_keys,
                other(session.adbc, "has rows that several instances appended by key")
            );
        }
        if !table.replaces() {
            // The triggers are created anew, which would hide that one was disabled to change rows of other instances.
            let now = structure(session, names)?;
            let altered = format!(
                "UPDATE {markers} SET changed = true WHERE name = {} AND structure <> {}",
                literal(table.name),
                literal(&now)
            );
            session.execute(&action, &altered)?;
        }
        for (trigger, _) in triggers(names, table.replaces()) {
            let drop = format!("DROP TRIGGER IF EXISTS {} ON {name}", quoted(&trigger));
            session.execute(&action, &drop)?;
        }
        match (table.replaces(), is_same) {
            (false, _) => {
                let delete = format!("DELETE FROM {name} WHERE {KEY} = {}", literal(table.key));
                session.execute(&action, &delete)?;
                return Ok(());
            }
            // Views on the table, indices and grants stay.
            (true, true) => {
                session.execute(&action, &format!("TRUNCATE {name}"))?;
                return Ok(());
            }
            (true, false) => session.execute(&action, &format!("DROP TABLE {name}"))?,
        }
    }
    // Markers of a table that was dropped by hand have no rows any more.
    let forget = format!("DELETE FROM {markers} WHERE name = {}", literal(table.name));
    session.execute(&action, &forget)?;
    let declared = columns.iter().map(|column| {
        let null = if column.not_null { " NOT NULL" } else { "" };
        format!("{} {}{null}", quoted(&column.name), column.kind)
    });
    let declared = declared.collect::<Vec<_>>().join(", ");
    session.execute(&action, &format!("CREATE TABLE {name} ({declared})"))?;
    if !table.replaces() {
        session.execute(&action, &format!("CREATE INDEX ON {name} ({KEY}, {ROW})"))?;
    }
    Ok(())
}

/// Returns the declaration of columns in the form of [`declared`].
fn declaration(columns: &[Column]) -> String {
    let columns = columns.iter();
    let columns =
        columns.map(|column| format!("{} {} {}", column.name, column.kind, column.not_null));
    columns.collect::<Vec<_>>().join(", ")
}

/// Returns the columns that a table has.
fn declared(session: &mut Session<'_>, names: &Names) -> Result<String> {
    let sql = format!(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text, ', ' ORDER BY \
         attnum) FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped",
        literal(&names.table())
    );
    Ok(session.cell("look at the columns", &sql)?.unwrap_or_default())
}

/// Returns the columns of a table and its triggers, which show whether it was altered or is another table.
pub(super) fn structure(session: &mut Session<'_>, names: &Names) -> Result<String> {
    let triggers = triggers(names, true).map(|(name, _)| literal(&name)).join(", ");
    let sql = format!(
        "SELECT string_agg(tgname || ' ' || tgenabled::text, ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = \
         to_regclass({0}) AND tgname IN ({triggers})",
        literal(&names.table())
    );
    let triggers = session.cell("look at the triggers", &sql)?.unwrap_or_default();
    Ok(format!("{}; {triggers}", declared(session, names)?))
}

/// Returns the name of each trigger, and its declaration.
fn triggers(names: &Names, replaces: bool) -> [(String, String); 4] {
    EVENTS.map(|event| {
        let name = format!("typed_flow_{event}");
        // A table of one output needs one call for a statement, however many rows it changes.
        let each = if replaces || event == "truncate" { "STATEMENT" } else { "ROW" };
        let declaration = format!(
            "CREATE TRIGGER {} AFTER {} ON {} FOR EACH {each} EXECUTE FUNCTION {}({})",
            quoted(&name),
            event.to_ascii_uppercase(),
            names.table(),
            names.qualified(FUNCTION),
            literal(&names.table),
        );
        (name, declaration)
    })
}

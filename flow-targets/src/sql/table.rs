//! The target [`SqlTable`].

use std::any::TypeId;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::target::{Description, Outside, OutsideContent, OutsidePlace, Provided};
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use super::backend::{MARKERS, Marked, NewTable, TableRead};
use super::database::{Database, DatabaseRef, provided};
use super::receipt::Receipt;
use super::{cells, rows};
use crate::measured::table_size;
use crate::table::{Cut, Stored, Table, Way, find, joined, reading};

/// The name of the format in errors.
const FORMAT: &str = "the receipt of a table";

/// How an output changes a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteMode {
    /// The table holds the rows of one instance. A run replaces it as a whole.
    #[default]
    Replace,
    /// The table holds the rows of several instances. A run replaces those of its own instance, which have the key of the
    /// instance in the column `flow_key`.
    AppendByKey,
}

/// A table of a database, as the output of a task.
///
/// The value is a `Vec<R>` of structs that derive serde's `Serialize` and `Deserialize`, a `RecordBatch`, a
/// `Vec<RecordBatch>`, or a [`BatchStream`](crate::BatchStream). See [the module](self#writing-a-table) for what is
/// preserved, and an example.
pub struct SqlTable<T> {
    database: DatabaseRef,
    name: String,
    mode: WriteMode,
    way: Way<T>,
}

impl<T> SqlTable<T> {
    /// Creates a target for a table of the [`Database`] that the flow provides. It still needs a name.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values become tables; see
    /// [`Table`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Table<Way>,
    {
        Self {
            database: provided::<Database>(),
            name: String::new(),
            mode: WriteMode::Replace,
            way: self::Way::of::<Way>(),
        }
    }

    /// Sets the database: a [`Database`], or [`provided::<D>()`](provided) for one that the flow provides. The default is
    /// the `Database` that the flow provides.
    #[must_use]
    pub fn database(mut self, database: impl Into<DatabaseRef>) -> Self {
        self.database = database.into();
        self
    }

    /// Sets the name of the table. A target without a name is an error of the plan.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets whether a run replaces the table, which is the default, or appends to it by the key of the instance.
    #[must_use]
    pub fn mode(mut self, mode: WriteMode) -> Self {
        self.mode = mode;
        self
    }

    fn place(&self) -> TablePlace {
        TablePlace { database: self.database.clone(), name: self.name.clone(), mode: self.mode }
    }

    /// Returns the rows of an output, or some of its columns, to be read any number of times.
    ///
    /// `schema` returns the columns that are read, by those of the table.
    fn stored(
        &self,
        source: &Source,
        cut: Cut,
        schema: impl FnOnce(SchemaRef) -> Result<SchemaRef>,
    ) -> Result<Stored> {
        let (receipt, bytes) = Receipt::read(source)?;
        let database = self.database.get(source.provided())?;
        let all = receipt.schema()?;
        let schema = schema(Arc::clone(&all))?;
        let read = TableRead {
            lengths: lengths(&receipt, cut)?,
            is_whole: schema == all,
            receipt: Arc::new(receipt),
            bytes: Arc::new(bytes),
            schema: Arc::clone(&schema),
        };
        Ok(Stored::new(schema, source, FORMAT, move |_| {
            let (backend, read) = (Arc::clone(database.backend()), read.clone());
            rows::start(move |out| backend.read(&read, out)).map(|(_, batches)| batches)
        }))
    }
}

/// Returns the lengths of the batches that a value needs.
fn lengths(receipt: &Receipt, cut: Cut) -> Result<Vec<usize>> {
    let fits = |rows: u64| usize::try_from(rows).context("the table is too large for this machine");
    match (cut, &receipt.batches) {
        (Cut::Whole, _) => Ok(vec![fits(receipt.rows)?]),
        (Cut::Kept, Some(batches)) => batches.iter().map(|&rows| fits(rows)).collect(),
        (Cut::Kept, None) | (Cut::Anywhere, _) => Ok(Vec::new()),
    }
}

impl<T: Send + Sync + 'static> Target for SqlTable<T> {
    type Value = T;
    const EXTENSION: &'static str = "sql.json";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        let output = sink.output().context("a table is written for the output of a task only")?;
        let database = self.database.get(output.provided())?;
        let (key, fingerprint) = (output.key(), output.fingerprint());
        let is_trial = output.is_trial();
        ensure!(
            self.mode == WriteMode::Replace || !key.is_empty(),
            "the instance has no key, by which its rows are told from those of others: write the table with \
             `WriteMode::Replace`",
        );
        let batches = (self.way.batches)(value)?;
        cells::check(&batches.schema)?;
        let table = NewTable {
            name: &self.name,
            key: match self.mode {
                WriteMode::Replace => "",
                WriteMode::AppendByKey => &key,
            },
            fingerprint: &fingerprint,
            schema: &batches.schema,
            keeps_batches: self.way.cut == Cut::Kept,
            is_trial,
        };
        let mut checked = batches.each.map(|batch| {
            let batch = batch?;
            (self.way.check_back)(&batch)?;
            Ok(batch)
        });
        let written = database.backend().write(&table, &mut checked);
        let receipt =
            written.with_context(|| format!("cannot write table `{}` of {database}", self.name))?;
        sink.write_all(&receipt.to_bytes()?)?;
        Ok(())
    }

    fn check_type(&self) -> Result<()> {
        check_name(&self.name)?;
        self.way.check_type(cells::check)
    }

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        reading(source, FORMAT, || (self.way.from_stored)(self.stored(source, self.way.cut, Ok)?))
    }

    fn outside(&self) -> Option<Box<dyn Outside>> {
        Some(Box::new(self.place()))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let schema = reading(source, FORMAT, || Receipt::read(source)?.0.schema())?;
        Ok(crate::described::columns(&schema))
    }
}

/// Checks the name of a table.
fn check_name(name: &str) -> Result<()> {
    ensure!(
        !name.is_empty(),
        "it names no table: write `SqlTable<...>(database = ..., name = \"...\")`"
    );
    ensure!(!name.contains('\0'), "the name of the table contains a zero byte");
    let lower = name.to_ascii_lowercase();
    ensure!(
        lower != MARKERS && !lower.starts_with("sqlite_"),
        "the name of the table, `{name}`, is reserved: choose another one"
    );
    Ok(())
}

impl<T: Send + Sync + 'static> Streaming for SqlTable<T> {
    type Piece = RecordBatch;

    /// Reads batches of some thousands of rows.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || self.stored(source, Cut::Anywhere, Ok))?.read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for SqlTable<T> {
    type Columns = RecordBatch;

    /// Loads one batch with these columns; the database reads no others.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || {
            let stored = self.stored(source, Cut::Anywhere, |schema| {
                let places = find(&schema, names)?.into_iter();
                let fields = places.map(|place| schema.field(place).clone()).collect::<Vec<_>>();
                Ok(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
            })?;
            joined(&stored.schema, stored.counted()?)
        })
    }
}

impl<T> Clone for SqlTable<T> {
    fn clone(&self) -> Self {
        let Self { database, name, mode, way } = self;
        Self { database: database.clone(), name: name.clone(), mode: *mode, way: *way }
    }
}

impl<T> fmt::Debug for SqlTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlTable")
            .field("database", &self.database)
            .field("name", &self.name)
            .field("mode", &self.mode)
            .finish()
    }
}

/// The table that a target writes, for plans.
struct TablePlace {
    database: DatabaseRef,
    name: String,
    mode: WriteMode,
}

impl Outside for TablePlace {
    fn uses(&self) -> Option<(TypeId, &'static str)> {
        self.database.uses()
    }

    fn place(&self, provided: &Provided) -> Result<OutsidePlace> {
        let database = self.database.get(provided)?;
        // Databases ignore the case of names.
        let name = self.name.to_ascii_lowercase();
        Ok(OutsidePlace {
            name: format!("table `{name}` of {database}"),
            is_shared: self.mode == WriteMode::AppendByKey,
            advice: "give each a table of its own, or let both append to it with `mode = WriteMode::AppendByKey`",
        })
    }

    fn content(&self, key: &str, provided: &Provided) -> Result<OutsideContent> {
        let database = self.database.get(provided)?;
        let key = match self.mode {
            WriteMode::Replace => "",
            WriteMode::AppendByKey => key,
        };
        Ok(match database.backend().marked(&self.name, key)? {
            Marked::Written { fingerprint, receipt } => {
                OutsideContent::Written { fingerprint, receipt }
            }
            Marked::Different(what) => OutsideContent::Different(what),
        })
    }
}

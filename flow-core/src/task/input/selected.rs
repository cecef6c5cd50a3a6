//! A handle on some partitions of an output.

use anyhow::ensure;

use super::handle::Extent;
use super::part::in_part;
use super::{Handle, Input, InputPart};
use crate::base::key::Digest;
use crate::target::partition::PartitionRead;
use crate::target::{
    Columnar, Partition, Partitioned, Pieces, ReadRows, Selection, Source, Streaming,
};
use crate::task::Task;
use crate::task::error::{LoadError, LoadErrorKind};
use crate::task::keep::Files;
use crate::task::loaded::Loaded;

/// A handle on some partitions of an output, created by [`Input::select`].
///
/// A running task that reads nothing else of the input depends on these partitions only: it runs again if one of their files
/// changes, or if a partition that fulfills the conditions is added or removed.
#[derive(Clone)]
pub struct SelectedInput<K> {
    handle: Handle,
    part: &'static str,
    target: K,
    selection: Selection,
}

impl<A: Task> Input<A> {
    /// Returns a handle on the partitions of the output that fulfill the conditions of a selection.
    ///
    /// ```
    /// use flow::prelude::*;
    /// use flow::target::Selection;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Sale {
    ///     month: u32,
    ///     amount: f64,
    /// }
    ///
    /// #[task(target = Dataset<Vec<Sale>>(partition_by = ["month"]))]
    /// fn sales() -> Vec<Sale> {
    ///     (0..24).map(|n| Sale { month: n % 12 + 1, amount: f64::from(n) }).collect()
    /// }
    ///
    /// /// The sum of one month, which runs again only if the sales of this month change.
    /// #[derive(Task)]
    /// #[task(requires = sales, target = Json<f64>)]
    /// struct Total {
    ///     month: u32,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Total {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    ///         let sales = cx.input().select(Selection::all().equals("month", self.month)).load()?;
    ///         Ok(sales.iter().map(|sale| sale.amount).sum())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet().with(Total::MONTH, 3_u32);
    /// assert_eq!(*flow.get::<Total>()?, 2.0 + 14.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn select(&self, selection: Selection) -> SelectedInput<A::Target>
    where
        A::Target: Partitioned,
    {
        self.whole().select(selection)
    }

    /// Returns the partitions of the output, in the order of the names of their folders. No file is read.
    ///
    /// A running task depends on the list of the partitions, and not on what is in them.
    ///
    /// # Errors
    ///
    /// The output does not exist any more.
    pub fn partitions(&self) -> Result<Vec<Partition>, LoadError>
    where
        A::Target: Partitioned,
    {
        self.select(Selection::all()).partitions()
    }
}

impl<K: Partitioned> InputPart<K> {
    /// Returns a handle on the partitions that fulfill the conditions of a selection: see [`Input::select`].
    pub fn select(self, selection: Selection) -> SelectedInput<K> {
        let (handle, part, target) = self.into_parts();
        SelectedInput { handle, part, target, selection }
    }
}

impl<K: Partitioned> SelectedInput<K> {
    /// Returns the target of the output.
    #[doc(hidden)]
    pub fn __target(&self) -> &K {
        &self.target
    }

    /// Loads the rows of the partitions.
    ///
    /// # Errors
    ///
    /// The selection names a column that is no partition column, or a file is missing or cannot be read.
    pub fn load(&self) -> Result<Loaded<K::Value>, LoadError> {
        let value = self.read(|source| self.target.load(source))?;
        Ok(Loaded(value.into()))
    }

    /// Returns the pieces of the partitions one by one, in memory that does not grow with the files.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load). An error that occurs later is an item of the iterator.
    pub fn stream(&self) -> Result<Pieces<K::Piece>, LoadError>
    where
        K: Streaming,
    {
        let pieces = self.read(|source| self.target.stream(source))?;
        let instance = self.handle.label();
        Ok(Box::new(pieces.map(move |piece| {
            piece.map_err(|error| error.context(format!("cannot read the output of {instance}")))
        })))
    }

    /// Loads some columns of the partitions, in this order; the others are not read.
    ///
    /// A running task depends on whole partitions all the same.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load), or there is no such column.
    pub fn load_columns(&self, names: &[&str]) -> Result<K::Columns, LoadError>
    where
        K: Columnar,
    {
        self.read(|source| self.target.load_columns(source, names))
    }

    /// Loads the partitions as rows of a struct that may have fewer fields than the files have columns.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load), or a field has no column or another type.
    pub fn load_rows<R>(&self) -> Result<Vec<R>, LoadError>
    where
        K: ReadRows<R>,
    {
        let refused = |source| self.handle.error(LoadErrorKind::InPart { source });
        let names = <K as ReadRows<R>>::row_columns().map_err(refused)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.read(|source| K::rows_from(self.target.load_columns(source, &names)?))
    }

    /// Returns the selected partitions, in the order of the names of their folders. No file is read.
    ///
    /// A running task depends on the list of these partitions, and not on what is in them.
    ///
    /// # Errors
    ///
    /// The selection names a column that is no partition column, or the output does not exist any more.
    pub fn partitions(&self) -> Result<Vec<Partition>, LoadError> {
        let read = PartitionRead::names(&self.selection);
        let list = |files: &Files<'_>| {
            let (_, index) = files.partitions(self.part)?;
            index.check(&self.selection, self.target.partition_columns())?;
            anyhow::Ok((index.partitions(&self.selection), Some(index.digest(&read))))
        };
        self.recorded(&read, Extent::Names, list)
    }

    /// Reads the files of the partitions with a reader of the caller.
    ///
    /// [`Source::files`] has their paths. The reader may be called again if another process replaces the output meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load), or `read` returns an error.
    pub fn read<V>(&self, read: impl Fn(&Source) -> anyhow::Result<V>) -> Result<V, LoadError> {
        let of = PartitionRead::content(&self.selection);
        let read = |files: &Files<'_>| {
            let (_, index) = files.partitions(self.part)?;
            index.check(&self.selection, self.target.partition_columns())?;
            let selected = index.select(&self.selection);
            let source = files.source_of_files(self.part, &selected)?;
            ensure!(!selected.is_empty() || source.sample().is_some(), "the dataset has no files");
            // Without a file to read, the columns are those of another file, so that all of the output counts.
            let digest = (!selected.is_empty()).then(|| index.digest(&of));
            anyhow::Ok((read(&source)?, digest))
        };
        self.recorded(&of, Extent::Selected(&self.selection), read)
    }

    /// Records what a reader has read, whose digest it returns beside the value.
    fn recorded<V>(
        &self,
        of: &PartitionRead,
        extent: Extent<'_>,
        read: impl Fn(&Files<'_>) -> anyhow::Result<(V, Option<Digest>)>,
    ) -> Result<V, LoadError> {
        // A task may go on after an error, which may depend on anything in the output.
        let read = self.handle.read_extent(self.part, extent, read).map_err(in_part);
        let (value, digest) = read.inspect_err(|_| self.handle.read_content(self.part, None))?;
        let digests = digest.map(|digest| [(of.key(), digest)].into_iter().collect());
        self.handle.read_content(self.part, digests);
        Ok(value)
    }
}

impl<K> std::fmt::Debug for SelectedInput<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({}, {})", self.handle.label(), self.selection)
    }
}

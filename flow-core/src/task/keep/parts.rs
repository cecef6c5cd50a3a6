//! Parts: the content of one file, which is the whole output or a field of several outputs.

use std::any::Any;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Described, Files, Keep};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;
use crate::target::footprint::Footprint;
use crate::target::{ColumnDigests, Description, Outside, Source, Target};

/// A way to store one part of an output: any [`Target`], or [`File`](super::File).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait KeepPart: Sized + Send + Sync + 'static {
    /// The type of the stored value.
    type Value: Send + Sync + 'static;

    #[doc(hidden)]
    const __EXACT: bool;

    #[doc(hidden)]
    const __CODE: Code;

    /// Whether the target reads folders of files: see `Target::IS_FOLDER`.
    #[doc(hidden)]
    const __IS_FOLDER: bool = false;

    #[doc(hidden)]
    fn __save_part(
        &self,
        part: &str,
        value: &Self::Value,
        places: &Places,
        draft: &mut Draft<'_>,
    ) -> anyhow::Result<()>;

    /// Checks that values of the type can be stored at all.
    #[doc(hidden)]
    fn __check_part_type(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Returns what the target stores outside of the store.
    #[doc(hidden)]
    fn __outside_of_part(&self) -> Option<Box<dyn Outside>> {
        None
    }

    #[doc(hidden)]
    fn __load_part(&self, part: &str, files: &Files<'_>) -> anyhow::Result<Self::Value>;

    /// Returns the extension of the file.
    #[doc(hidden)]
    fn __extension(&self) -> String;

    /// Returns the columns that loading reads of a file that has all of them, if it reads these alone.
    #[doc(hidden)]
    fn __part_loaded_columns(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns the digests of some columns of the file. `None` if it has no columns.
    #[doc(hidden)]
    fn __part_column_digests(
        &self,
        _source: &Source,
        _names: &[&str],
    ) -> anyhow::Result<Option<ColumnDigests>> {
        Ok(None)
    }

    /// Describes the file for readers outside this program.
    #[doc(hidden)]
    fn __describe_part(&self, _part: &str, _files: &Files<'_>) -> anyhow::Result<Description> {
        Ok(Description::default())
    }

    /// Returns another way to read the file: see `Target::__reader`.
    #[doc(hidden)]
    fn __part_reader(&self) -> Option<Box<dyn Any>> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<T: Target> KeepPart for T {
    type Value = <T as Target>::Value;
    const __EXACT: bool = T::EXACT;
    const __CODE: Code = T::CODE;
    const __IS_FOLDER: bool = T::IS_FOLDER;

    fn __save_part(
        &self,
        part: &str,
        value: &Self::Value,
        _: &Places,
        draft: &mut Draft<'_>,
    ) -> anyhow::Result<()> {
        let bytes = match T::IS_FOLDER {
            false => draft.write(part, T::EXTENSION, |sink| self.save(value, sink))?,
            true => {
                draft.write_folder(part, T::EXTENSION, |folder| self.save_folder(value, folder))?
            }
        };
        // Only the values of exact targets are passed on.
        if T::EXACT {
            let mut footprint = Footprint::default();
            footprint.add(self.memory_size(value).unwrap_or(bytes));
            draft.holds(&footprint);
        }
        Ok(())
    }

    fn __check_part_type(&self) -> anyhow::Result<()> {
        self.check_type()
    }

    fn __outside_of_part(&self) -> Option<Box<dyn Outside>> {
        self.outside()
    }

    fn __load_part(&self, part: &str, files: &Files<'_>) -> anyhow::Result<Self::Value> {
        self.load(&files.source(part)?)
    }

    fn __extension(&self) -> String {
        T::EXTENSION.to_owned()
    }

    fn __part_loaded_columns(&self) -> Option<Vec<String>> {
        self.loaded_columns()
    }

    fn __part_column_digests(
        &self,
        source: &Source,
        names: &[&str],
    ) -> anyhow::Result<Option<ColumnDigests>> {
        self.column_digests(source, names)
    }

    fn __describe_part(&self, part: &str, files: &Files<'_>) -> anyhow::Result<Description> {
        self.describe(&files.source(part)?)
    }

    fn __part_reader(&self) -> Option<Box<dyn Any>> {
        self.__reader()
    }
}

#[diagnostic::do_not_recommend]
impl<K: KeepPart> Keep for K {
    type Value = <K as KeepPart>::Value;
    const __EXACT: bool = <K as KeepPart>::__EXACT;
    const __IS_FOLDER: bool = <K as KeepPart>::__IS_FOLDER;

    fn __codes(codes: &mut Vec<Code>) {
        codes.push(K::__CODE);
    }

    fn __save(
        &self,
        value: &Arc<Self::Value>,
        places: &Places,
        draft: &mut Draft<'_>,
    ) -> anyhow::Result<()> {
        self.__save_part("", value, places, draft)
    }

    fn __check_type(&self) -> anyhow::Result<()> {
        self.__check_part_type()
    }

    fn __outside(&self) -> Option<Box<dyn Outside>> {
        self.__outside_of_part()
    }

    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<Self::Value>> {
        self.__load_part("", files).map(Arc::new)
    }

    fn __loaded_columns(&self) -> Option<Vec<String>> {
        self.__part_loaded_columns()
    }

    fn __column_digests(
        &self,
        source: &Source,
        names: &[&str],
    ) -> anyhow::Result<Option<ColumnDigests>> {
        self.__part_column_digests(source, names)
    }

    fn __describe(&self, files: &Files<'_>) -> anyhow::Result<Described> {
        Ok(vec![("", self.__describe_part("", files)?)])
    }

    fn __output_reader(&self) -> Option<Box<dyn Any>> {
        self.__part_reader()
    }
}

/// The key of one output among several, such as `Split::TRAIN`.
///
/// `#[derive(Outputs)]` creates a constant for each field.
///
/// `O` is the struct of outputs and `K` the target of the field.
pub struct Part<O, K> {
    name: &'static str,
    target: fn() -> K,
    of: PhantomData<fn() -> O>,
}

impl<O, K> Part<O, K> {
    /// Returns the key of a field. It does not require [`KeepPart`], so that a type that is no target is reported once.
    #[doc(hidden)]
    pub const fn __new(name: &'static str, target: fn() -> K) -> Self {
        Self { name, target, of: PhantomData }
    }
}

impl<O, K: KeepPart> Part<O, K> {
    /// Returns the name of the field.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn target(&self) -> K {
        (self.target)()
    }

    /// Checks that values of the field can be stored at all.
    pub(crate) fn check_type(&self) -> anyhow::Result<()> {
        let target = self.target();
        let checked = match target.__outside_of_part() {
            Some(_) => Err(anyhow::anyhow!(
                "its content is outside of the store, and only the whole output of a task may be: move it to a task of \
                 its own"
            )),
            None => target.__check_part_type(),
        };
        checked.map_err(|error| anyhow::anyhow!("output `{}`: {error:#}", self.name))
    }

    /// Returns the path at which the task writes the file itself.
    pub(crate) fn place(&self, places: &Places) -> anyhow::Result<PathBuf> {
        Ok(places.give(self.name, &self.target().__extension())?)
    }
}

impl<O, K> Clone for Part<O, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, K> Copy for Part<O, K> {}

impl<O, K> std::fmt::Debug for Part<O, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

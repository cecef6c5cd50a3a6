//! Builds arrays from cells.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, GenericStringBuilder, LargeStringBuilder,
    NullBufferBuilder, OffsetSizeTrait, PrimitiveArray, StringViewBuilder, new_empty_array,
    new_null_array,
};
use arrow::compute::kernels::cast_utils::Parser;
use arrow::compute::{cast_with_options, concat};
use arrow::datatypes::{
    DataType, Date32Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::cell::CellKind;
use super::super::scan::Block;
use super::{STRICT, relabelled};
use crate::exact::{excess, infinite};

/// Builds an array from the cells of one column, block by block.
pub(super) trait Build: Send {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit>;

    /// Returns the array, and starts a new one.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// The error of a cell that is not a value of its column's type.
pub(super) struct Misfit {
    /// The row, counted from the first row of the block.
    pub(super) row: usize,
    pub(super) what: anyhow::Error,
}

/// Returns the builder for the array of a field.
pub(super) fn builder(field: &Field) -> Box<dyn Build> {
    let nulls = field.is_nullable();
    match field.data_type() {
        DataType::Dictionary(_, values) => {
            let values = builder(&Field::new("", values.as_ref().clone(), nulls));
            Box::new(Converted { values, as_type: field.data_type().clone(), convert: pack })
        }
        // Text with an offset, or `Z`, is parsed as the time in UTC, which an array with a zone
        // stores.
        DataType::Timestamp(unit, Some(_)) => {
            let (of, as_type) = (field.data_type().clone(), DataType::Timestamp(*unit, None));
            let values = Box::new(Cast { parts: Vec::new(), of, as_type, nulls });
            Box::new(Converted { values, as_type: field.data_type().clone(), convert: add_zone })
        }
        DataType::Null => Box::new(Nulls(0)),
        DataType::Int8 => numbers::<Int8Type>(nulls),
        DataType::Int16 => numbers::<Int16Type>(nulls),
        DataType::Int32 => numbers::<Int32Type>(nulls),
        DataType::Int64 => numbers::<Int64Type>(nulls),
        DataType::UInt8 => numbers::<UInt8Type>(nulls),
        DataType::UInt16 => numbers::<UInt16Type>(nulls),
        DataType::UInt32 => numbers::<UInt32Type>(nulls),
        DataType::UInt64 => numbers::<UInt64Type>(nulls),
        DataType::Float32 => {
            whole::<Float32Type>(nulls, |text, value| infinite(text, |_| value.is_infinite()))
        }
        DataType::Float64 => {
            whole::<Float64Type>(nulls, |text, value| infinite(text, |_| value.is_infinite()))
        }
        DataType::Date32 => whole::<Date32Type>(nulls, |text, _| excess(text, &DataType::Date32)),
        DataType::Utf8 => Box::new(Texts { values: GenericStringBuilder::<i32>::new(), nulls }),
        DataType::LargeUtf8 => {
            Box::new(Texts { values: GenericStringBuilder::<i64>::new(), nulls })
        }
        DataType::Utf8View => Box::new(Views { values: StringViewBuilder::new(), nulls }),
        other => {
            let (of, as_type) = (other.clone(), other.clone());
            Box::new(Cast { parts: Vec::new(), of, as_type, nulls })
        }
    }
}

/// Returns an error if a column does not allow nulls.
fn allow_null(nulls: bool, row: usize) -> Result<(), Misfit> {
    let what = || anyhow!("it is null, which the schema does not allow");
    if nulls { Ok(()) } else { Err(Misfit { row, what: what() }) }
}

/// Returns the error of a text that is not a value of the type, with the reason if it is known.
fn unparsed(text: &str, as_type: &DataType, reason: Option<&str>) -> anyhow::Error {
    match reason {
        Some(reason) => anyhow!("{text:?} is no {as_type}: {reason}"),
        None => anyhow!("{text:?} is no {as_type}"),
    }
}

/// Builds an array of a type whose parser is exact.
struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    validity: NullBufferBuilder,
    nulls: bool,
}

fn numbers<T: Parser>(nulls: bool) -> Box<dyn Build> {
    Box::new(Numbers::<T>::new(nulls))
}

impl<T: Parser> Numbers<T> {
    fn new(nulls: bool) -> Self {
        Self { values: Vec::new(), validity: NullBufferBuilder::new(0), nulls }
    }

    /// Appends the result of `parse` for each cell.
    #[inline]
    fn parse(
        &mut self,
        block: &Block<'_>,
        column: usize,
        parse: impl Fn(&str) -> Result<T::Native, Option<&'static str>>,
    ) -> Result<(), Misfit> {
        let cells = block.column(column);
        self.values.reserve(cells.len());
        for (row, cell) in cells.enumerate() {
            if cell.kind == CellKind::Null {
                allow_null(self.nulls, row)?;
                self.values.push(T::Native::default());
                self.validity.append_null();
                continue;
            }
            let value = parse(&cell.text).map_err(|reason| {
                let what = unparsed(&cell.text, &T::DATA_TYPE, reason);
                Misfit { row, what }
            })?;
            self.values.push(value);
            self.validity.append_non_null();
        }
        Ok(())
    }
}

impl<T: Parser> Build for Numbers<T> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        self.parse(block, column, |text| T::parse(text).ok_or(None))
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let values = std::mem::take(&mut self.values);
        let array = PrimitiveArray::<T>::try_new(values.into(), self.validity.finish())?;
        Ok(Arc::new(array))
    }
}

/// Builds an array of a type whose parser accepts texts that the type cannot hold in full.
struct Whole<T: ArrowPrimitiveType> {
    numbers: Numbers<T>,
    excess: Excess<T>,
}

/// Returns why a value does not hold all of the text that it was parsed from, if it does not.
type Excess<T> = fn(&str, <T as ArrowPrimitiveType>::Native) -> Option<&'static str>;

fn whole<T: Parser>(nulls: bool, excess: Excess<T>) -> Box<dyn Build> {
    Box::new(Whole { numbers: Numbers::<T>::new(nulls), excess })
}

impl<T: Parser> Build for Whole<T> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        let excess = self.excess;
        self.numbers.parse(block, column, |text| {
            let value = T::parse(text).ok_or(None)?;
            excess(text, value).map_or(Ok(value), |reason| Err(Some(reason)))
        })
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.numbers.finish()
    }
}

struct Texts<O: OffsetSizeTrait> {
    values: GenericStringBuilder<O>,
    nulls: bool,
}

impl<O: OffsetSizeTrait> Build for Texts<O> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        for (row, cell) in block.column(column).enumerate() {
            if cell.kind == CellKind::Null {
                allow_null(self.nulls, row)?;
                self.values.append_null();
                continue;
            }
            if O::from_usize(self.values.values_slice().len() + cell.text.len()).is_none() {
                let what = anyhow!("a column of Utf8 holds 2 GiB; LargeUtf8 holds more");
                return Err(Misfit { row, what });
            }
            self.values.append_value(&cell.text);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.values.finish()))
    }
}

struct Views {
    values: StringViewBuilder,
    nulls: bool,
}

impl Build for Views {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        for (row, cell) in block.column(column).enumerate() {
            if cell.kind == CellKind::Null {
                allow_null(self.nulls, row)?;
                self.values.append_null();
                continue;
            }
            let kept = self.values.try_append_value(&cell.text);
            kept.map_err(|error| Misfit { row, what: error.into() })?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.values.finish()))
    }
}

/// Counts nulls, for a column of type `Null`.
struct Nulls(usize);

impl Build for Nulls {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        if let Some(row) = block.column(column).position(|cell| cell.kind != CellKind::Null) {
            return Err(Misfit { row, what: anyhow!("a column of type Null has a value") });
        }
        self.0 += block.rows();
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(new_null_array(&DataType::Null, std::mem::take(&mut self.0)))
    }
}

/// Builds an array of any other type by arrow's cast from text, block by block.
struct Cast {
    parts: Vec<ArrayRef>,
    /// The type of the column.
    of: DataType,
    /// The type that the text is cast to.
    as_type: DataType,
    nulls: bool,
}

impl Build for Cast {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        let mut texts = LargeStringBuilder::new();
        for (row, cell) in block.column(column).enumerate() {
            if cell.kind == CellKind::Null {
                allow_null(self.nulls, row)?;
                texts.append_null();
                continue;
            }
            if let Some(reason) = excess(&cell.text, &self.of) {
                return Err(Misfit { row, what: unparsed(&cell.text, &self.of, Some(reason)) });
            }
            texts.append_value(&cell.text);
        }
        let texts = texts.finish();
        let cast = |texts: &dyn Array| cast_with_options(texts, &self.as_type, &STRICT);
        let part = cast(&texts).map_err(|error| {
            // The row that failed is searched only after an error.
            let row = (0..texts.len()).find(|&row| cast(&texts.slice(row, 1)).is_err());
            match row {
                Some(row) => Misfit { row, what: unparsed(texts.value(row), &self.of, None) },
                None => Misfit { row: 0, what: error.into() },
            }
        })?;
        self.parts.push(part);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let parts = std::mem::take(&mut self.parts);
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        match parts[..] {
            [] => Ok(new_empty_array(&self.as_type)),
            _ => Ok(concat(&parts)?),
        }
    }
}

/// Builds an array by converting the array of another builder.
struct Converted {
    values: Box<dyn Build>,
    as_type: DataType,
    convert: fn(&ArrayRef, &DataType) -> Result<ArrayRef>,
}

impl Build for Converted {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        self.values.append(block, column)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        (self.convert)(&self.values.finish()?, &self.as_type)
    }
}

/// Packs values into a dictionary.
fn pack(values: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(values, as_type, &STRICT)?)
}

/// Adds a zone to times in UTC.
fn add_zone(times: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
    relabelled(times, as_type.clone())
}

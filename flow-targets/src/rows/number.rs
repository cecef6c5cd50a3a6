//! Columns of numbers and booleans.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, PrimitiveBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::text::each;
use super::{Column, Fault, Form};

/// Builds an array of numbers.
pub(super) fn primitive<A: ArrowPrimitiveType>(
    values: impl ExactSizeIterator<Item = Option<A::Native>>,
) -> PrimitiveBuilder<A> {
    let mut builder = PrimitiveBuilder::<A>::with_capacity(values.len());
    values.for_each(|value| builder.append_option(value));
    builder
}

/// Returns the values of a column without any.
pub(super) fn all_null<T>(array: &ArrayRef) -> Vec<Option<T>> {
    (0..array.len()).map(|_| None).collect()
}

macro_rules! integers {
    ($($rust:ident $arrow:ident $named:literal;)*) => {
        $(impl Column for $rust {
            fn data_type(_: Form) -> DataType {
                $arrow::DATA_TYPE
            }

            fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
                let values = values.iter().map(|value| value.copied());
                Ok(Arc::new(primitive::<$arrow>(values).finish()))
            }

            fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
                match array.data_type() {
                    data_type if *data_type == $arrow::DATA_TYPE => {
                        Ok(array.as_primitive::<$arrow>().iter().collect())
                    }
                    DataType::Null => Ok(all_null(array)),
                    DataType::UInt64 => {
                        each(array.as_primitive::<UInt64Type>().iter(), |value| {
                            $rust::try_from(value).map_err(|_| beyond(value, $named))
                        })
                    }
                    other if other.is_integer() => {
                        let wide = cast(array, &DataType::Int64)?;
                        each(wide.as_primitive::<Int64Type>().iter(), |value| {
                            $rust::try_from(value).map_err(|_| beyond(value, $named))
                        })
                    }
                    other => Err(Fault::other_type(other, $named)),
                }
            }
        })*
    };
}

integers! {
    i8 Int8Type "an `i8`";
    i16 Int16Type "an `i16`";
    i32 Int32Type "an `i32`";
    i64 Int64Type "an `i64`";
    u8 UInt8Type "a `u8`";
    u16 UInt16Type "a `u16`";
    u32 UInt32Type "a `u32`";
    u64 UInt64Type "a `u64`";
}

/// Returns the reason why a type of integers does not have a value.
fn beyond(value: impl std::fmt::Display, named: &str) -> String {
    format!("{value} is beyond the numbers of {named}")
}

impl Column for f64 {
    fn data_type(_: Form) -> DataType {
        DataType::Float64
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let values = values.iter().map(|value| value.copied());
        Ok(Arc::new(primitive::<Float64Type>(values).finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Float64 => Ok(array.as_primitive::<Float64Type>().iter().collect()),
            DataType::Float32 | DataType::Float16 => {
                let wide = cast(array, &DataType::Float64)?;
                Ok(wide.as_primitive::<Float64Type>().iter().collect())
            }
            DataType::Null => Ok(all_null(array)),
            other => Err(Fault::other_type(other, "a float")),
        }
    }
}

impl Column for f32 {
    fn data_type(_: Form) -> DataType {
        DataType::Float32
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let values = values.iter().map(|value| value.copied());
        Ok(Arc::new(primitive::<Float32Type>(values).finish()))
    }

    #[expect(clippy::cast_possible_truncation, reason = "whether the float holds it is checked")]
    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Float32 => Ok(array.as_primitive::<Float32Type>().iter().collect()),
            _ => {
                let wide = f64::values(array)?;
                each(wide.into_iter(), |value| {
                    let narrow = value as f32;
                    if value.is_finite() && narrow.is_infinite() {
                        return Err(format!("{value:?} is beyond the numbers of an f32"));
                    }
                    Ok(narrow)
                })
            }
        }
    }
}

impl Column for bool {
    fn data_type(_: Form) -> DataType {
        DataType::Boolean
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let mut builder = BooleanBuilder::with_capacity(values.len());
        values.iter().for_each(|value| builder.append_option(value.copied()));
        Ok(Arc::new(builder.finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Boolean => Ok(array.as_boolean().iter().collect()),
            DataType::Null => Ok(all_null(array)),
            other => Err(Fault::other_type(other, "a `bool`")),
        }
    }
}

//! Columns with nulls, and values in a box.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field};

use super::{Column, Fault, Form};

impl<T: Column> Column for Option<T> {
    const NULLABLE: bool = true;
    const ABSENT: Option<fn() -> Self> = Some(|| None);
    const HAS_UNIT: bool = T::HAS_UNIT;
    const HAS_SCALE: bool = T::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        const {
            assert!(
                !T::NULLABLE,
                "a column has one kind of null: write `Option<T>` for `Option<Option<T>>`"
            );
        }
        T::data_type(form)
    }

    fn field(name: &str, form: Form) -> Field {
        T::field(name, form).with_nullable(true)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let inner: Vec<_> = values.iter().map(|value| value.and_then(Option::as_ref)).collect();
        T::array(&inner, form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        Ok(T::values(array)?.into_iter().map(Some).collect())
    }
}

impl<T: Column> Column for Box<T> {
    const NULLABLE: bool = T::NULLABLE;
    const HAS_UNIT: bool = T::HAS_UNIT;
    const HAS_SCALE: bool = T::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        T::data_type(form)
    }

    fn field(name: &str, form: Form) -> Field {
        T::field(name, form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let inner: Vec<Option<&T>> =
            values.iter().map(|value| value.map(|value| &**value)).collect();
        T::array(&inner, form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        Ok(T::values(array)?.into_iter().map(|value| value.map(Box::new)).collect())
    }
}

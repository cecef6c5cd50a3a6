//! Columns of decimals.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, UInt64Type};
use rust_decimal::Decimal;

use super::number::all_null;
use super::text::{each, parsed};
use super::{Column, Fault, Form};

impl Column for Decimal {
    const HAS_SCALE: bool = true;

    fn data_type(form: Form) -> DataType {
        DataType::Decimal128(form.precision, form.scale)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let most = 10_i128.checked_pow(form.precision.into()).unwrap_or(i128::MAX);
        let scaled = values.iter().enumerate().map(|(row, value)| {
            let Some(value) = value else { return Ok(None) };
            let scaled = rescaled(value, form.scale)
                .filter(|scaled| -most < *scaled && *scaled < most)
                .ok_or_else(|| too_long(value, form).at(row))?;
            Ok(Some(scaled))
        });
        let scaled = scaled.collect::<Result<Vec<_>, Fault>>()?;
        let array = Decimal128Array::from(scaled);
        Ok(Arc::new(array.with_precision_and_scale(form.precision, form.scale)?))
    }

    /// Reads the values. They come without zeros at their ends: a column has one scale for all values.
    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Decimal128(_, scale) => {
                each(array.as_primitive::<Decimal128Type>().iter(), |value| of(value, *scale))
            }
            DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
                Self::values(&cast(array, &DataType::Decimal128(38, *scale))?)
            }
            DataType::UInt64 => {
                each(array.as_primitive::<UInt64Type>().iter(), |value| Ok(Self::from(value)))
            }
            other if other.is_integer() => {
                let wide = cast(array, &DataType::Int64)?;
                each(wide.as_primitive::<Int64Type>().iter(), |value| Ok(Self::from(value)))
            }
            DataType::Null => Ok(all_null(array)),
            _ => parsed(array, "a decimal", |text| {
                let value = if text.contains(['e', 'E']) {
                    Self::from_scientific(text)
                } else {
                    Self::from_str_exact(text)
                };
                value.map(|value| value.normalize()).map_err(|error| format!("{text:?}: {error}"))
            }),
        }
    }
}

/// Returns the digits of a value with `scale` of them after the point, unless that would drop digits.
fn rescaled(value: &Decimal, scale: i8) -> Option<i128> {
    let more = i64::from(scale) - i64::from(value.scale());
    let factor = 10_i128.checked_pow(u32::try_from(more.unsigned_abs()).ok()?)?;
    if more >= 0 {
        return value.mantissa().checked_mul(factor);
    }
    let is_whole = value.mantissa() % factor == 0;
    is_whole.then_some(value.mantissa() / factor)
}

/// Returns the error of a value that a column does not hold in full.
fn too_long(value: &Decimal, form: Form) -> Fault {
    let (precision, scale) = (form.precision, form.scale);
    Fault::new(format!(
        "{value} does not fit into {precision} digits of which {scale} stand after the point; declare others by \
         `#[row(precision = 38, scale = {})]` at the field",
        value.normalize().scale(),
    ))
}

/// Returns the decimal of these digits, of which `scale` stand after the point.
fn of(mut digits: i128, scale: i8) -> Result<Decimal, String> {
    let (all, mut after) = (digits, scale);
    let beyond =
        || format!("{all} with {scale} digits after the point is beyond the decimals of the field");
    while after > 0 && digits % 10 == 0 {
        digits /= 10;
        after -= 1;
    }
    while after < 0 {
        digits = digits.checked_mul(10).ok_or_else(beyond)?;
        after += 1;
    }
    let after = u32::try_from(after).map_err(|_| beyond())?;
    Decimal::try_from_i128_with_scale(digits, after).map_err(|_| beyond())
}

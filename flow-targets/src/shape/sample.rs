//! Sample values of a shape, from which serde_arrow derives columns if there are no rows.

use serde::ser::{
    Serialize, SerializeMap, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleVariant, Serializer,
};

use super::{Field, Leaf, Shape, Variant};

/// The most samples, more than a row type needs.
const MOST: usize = 1000;

/// Returns values that together have each part of the shape.
///
/// They have every option with and without a value, one item in each list, and every variant of an
/// enum. If some variants hold no data, only those are included: they are text. An unknown part is
/// null.
pub(crate) fn samples(shape: &Shape) -> Vec<Sample<'_>> {
    (0..count(shape).min(MOST)).map(|nth| Sample { shape, nth }).collect()
}

/// One of the samples of a shape.
pub(crate) struct Sample<'a> {
    shape: &'a Shape,
    nth: usize,
}

/// Returns the number of samples of the shape.
fn count(shape: &Shape) -> usize {
    match shape {
        Shape::Unknown | Shape::UnknownStruct | Shape::Leaf(_) => 1,
        Shape::Option(inner) => count(inner).saturating_add(1),
        Shape::Seq(item) => count(item),
        Shape::Tuple(items) => items.iter().map(count).max().unwrap_or(1),
        Shape::Map(key, value) => count(key).max(count(value)),
        Shape::Struct(fields) => fields.iter().map(|field| count(&field.shape)).max().unwrap_or(1),
        Shape::Enum(variants) => {
            let counts =
                shown(variants).map(|(_, variant)| variant.holds.as_ref().map_or(1, count));
            counts.fold(0, usize::saturating_add).max(1)
        }
    }
}

/// Returns the variants that samples have, with their indices.
fn shown(variants: &[Variant]) -> impl Iterator<Item = (u32, &Variant)> {
    let is_text = variants.iter().any(|variant| variant.holds.is_none());
    (0..).zip(variants).filter(move |(_, variant)| !is_text || variant.holds.is_none())
}

fn nth(shape: &Shape, nth: usize) -> Sample<'_> {
    Sample { shape, nth: nth % count(shape) }
}

impl Serialize for Sample<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { shape, nth: n } = *self;
        match shape {
            Shape::Unknown | Shape::UnknownStruct => to.serialize_none(),
            Shape::Leaf(leaf) => leaf.serialize(to),
            Shape::Option(inner) => match n.checked_sub(1) {
                None => to.serialize_none(),
                Some(n) => to.serialize_some(&nth(inner, n)),
            },
            Shape::Seq(item) => to.collect_seq([nth(item, n)]),
            Shape::Tuple(items) => {
                let mut tuple = to.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(&nth(item, n)))?;
                tuple.end()
            }
            Shape::Map(key, value) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(&nth(key, n), &nth(value, n))?;
                map.end()
            }
            Shape::Struct(fields) => {
                let mut out = to.serialize_struct("", fields.len())?;
                fields.iter().try_for_each(|Field { names, shape, .. }| {
                    out.serialize_field(names[0], &nth(shape, n))
                })?;
                out.end()
            }
            Shape::Enum(variants) => {
                let mut n = n;
                for (index, variant) in shown(variants) {
                    let name = variant.name;
                    let Some(holds) = &variant.holds else {
                        match n.checked_sub(1) {
                            None => return to.serialize_unit_variant("", index, name),
                            Some(rest) => n = rest,
                        }
                        continue;
                    };
                    match n.checked_sub(count(holds)) {
                        None => return variant_of(to, index, name, holds, n),
                        Some(rest) => n = rest,
                    }
                }
                to.serialize_none() // an enum without variants has no value
            }
        }
    }
}

/// Serializes a variant with data.
fn variant_of<S: Serializer>(
    to: S,
    index: u32,
    name: &'static str,
    holds: &Shape,
    n: usize,
) -> Result<S::Ok, S::Error> {
    match holds {
        Shape::Struct(fields) => {
            let mut out = to.serialize_struct_variant("", index, name, fields.len())?;
            fields.iter().try_for_each(|Field { names, shape, .. }| {
                out.serialize_field(names[0], &nth(shape, n))
            })?;
            out.end()
        }
        Shape::Tuple(items) => {
            let mut out = to.serialize_tuple_variant("", index, name, items.len())?;
            items.iter().try_for_each(|item| out.serialize_field(&nth(item, n)))?;
            out.end()
        }
        other => to.serialize_newtype_variant("", index, name, &nth(other, n)),
    }
}

impl Serialize for Leaf {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool => to.serialize_bool(false),
            Self::I8 => to.serialize_i8(0),
            Self::I16 => to.serialize_i16(0),
            Self::I32 => to.serialize_i32(0),
            Self::I64 => to.serialize_i64(0),
            Self::I128 => to.serialize_i128(0),
            Self::U8 => to.serialize_u8(0),
            Self::U16 => to.serialize_u16(0),
            Self::U32 => to.serialize_u32(0),
            Self::U64 => to.serialize_u64(0),
            Self::U128 => to.serialize_u128(0),
            Self::F32 => to.serialize_f32(0.0),
            Self::F64 => to.serialize_f64(0.0),
            Self::Char => to.serialize_char('a'),
            Self::Text => to.serialize_str(""),
            Self::Bytes => to.serialize_bytes(&[]),
            Self::Unit => to.serialize_unit(),
        }
    }
}

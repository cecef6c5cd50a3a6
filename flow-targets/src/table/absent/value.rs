//! A value of a table that is read part by part.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, UnionArray};
use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_arrow::Error;

use super::Look;
use super::compound::{Entries, InOrder, Items, Keyed, Parts, Positional, Variant};
use crate::serde_methods::deserialize_newtype_as_content;
use crate::shape::Shape;

/// The rows of a table, or the values of one of its columns.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    Rows(&'a RecordBatch),
    Column(&'a FieldRef, &'a ArrayRef),
}

impl<'a> Values<'a> {
    /// Returns the columns of a row or a struct.
    pub(super) fn columns(self) -> Option<(&'a Fields, &'a [ArrayRef])> {
        match self {
            Self::Rows(batch) => Some((batch.schema_ref().fields(), batch.columns())),
            Self::Column(_, array) => {
                let array: &StructArray = array.as_struct_opt()?;
                Some((array.fields(), array.columns()))
            }
        }
    }

    /// Returns the items of a list.
    pub(super) fn items(self, row: usize) -> Option<(&'a FieldRef, ArrayRef)> {
        let Self::Column(field, array) = self else { return None };
        match field.data_type() {
            DataType::List(item) => Some((item, array.as_list_opt::<i32>()?.value(row))),
            DataType::LargeList(item) => Some((item, array.as_list_opt::<i64>()?.value(row))),
            DataType::FixedSizeList(item, _) => {
                Some((item, array.as_fixed_size_list_opt()?.value(row)))
            }
            _ => None,
        }
    }

    /// Returns the entries of a map, as structs of a key and a value.
    pub(super) fn entries(self, row: usize) -> Option<(&'a FieldRef, ArrayRef)> {
        let Self::Column(field, array) = self else { return None };
        let DataType::Map(entries, _) = field.data_type() else { return None };
        Some((entries, Arc::new(array.as_map_opt()?.value(row))))
    }

    /// Returns the variant of an enum with data: its column, and the row in that column.
    pub(super) fn variant(self, row: usize) -> Option<(&'a FieldRef, &'a ArrayRef, usize)> {
        let Self::Column(field, array) = self else { return None };
        let DataType::Union(variants, _) = field.data_type() else { return None };
        let array = array.as_any().downcast_ref::<UnionArray>()?;
        let id = array.type_id(row);
        let (_, variant) = variants.iter().find(|(other, _)| *other == id)?;
        Some((variant, array.child(id), array.value_offset(row)))
    }
}

/// Tables of one column, which are kept while a row is read.
#[derive(Default)]
pub(super) struct Kept {
    table: OnceCell<RecordBatch>,
    next: OnceCell<Box<Kept>>,
}

impl Kept {
    pub(super) fn table(&self, field: &FieldRef, array: ArrayRef) -> Result<&RecordBatch, Error> {
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let table = RecordBatch::try_new(schema, vec![array]).map_err(Error::custom)?;
        let mut last = self;
        while last.table.get().is_some() {
            last = last.next.get_or_init(Box::default);
        }
        Ok(last.table.get_or_init(|| table))
    }
}

/// A value in a row of a table.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) values: Values<'a>,
    pub(super) row: usize,
    pub(super) shape: &'static Shape,
    pub(super) look: &'a Look<'a>,
}

impl<'de> Value<'de> {
    /// Reads a value by serde_arrow, from a table of one cell.
    fn read<V: Visitor<'de>>(self, method: Method, visitor: V) -> Result<V::Value, Error> {
        let Values::Column(field, array) = self.values else {
            return Err(Error::custom("a row is a struct"));
        };
        let table = self.look.kept.table(field, array.slice(self.row, 1))?;
        let table = serde_arrow::Deserializer::from_record_batch(table)?;
        let row = table.get(0).ok_or_else(|| Error::custom("a cell is missing"))?;
        row.deserialize_map(Only(Call { method, visitor }))
    }

    /// Reads a tuple, which is stored as a struct or a list.
    fn tuple<V: Visitor<'de>>(self, method: Method, visitor: V) -> Result<V::Value, Error> {
        let Shape::Tuple(shapes) = self.shape else { return self.read(method, visitor) };
        if let Some((columns, arrays)) = self.values.columns() {
            let parts = Parts { columns, arrays, row: self.row, at: 0, look: self.look };
            return visitor.visit_seq(Positional { parts, shapes });
        }
        if let Some((field, items)) = self.values.items(self.row) {
            let items = self.look.kept.table(field, items)?;
            return visitor.visit_seq(Items { field, items, row: 0, shapes, look: self.look });
        }
        self.read(method, visitor)
    }

    fn is_null(self) -> bool {
        match self.values {
            Values::Rows(_) => false,
            Values::Column(_, array) => {
                array.logical_nulls().is_some_and(|nulls| nulls.is_null(self.row))
            }
        }
    }
}

macro_rules! read {
    ($($method:ident $kind:ident,)*) => {
        impl<'de> Deserializer<'de> for Value<'de> {
            type Error = Error;

            $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                self.read(Method::$kind, visitor)
            })*

            fn deserialize_tuple<V: Visitor<'de>>(
                self,
                length: usize,
                visitor: V,
            ) -> Result<V::Value, Error> {
                self.tuple(Method::Tuple(length), visitor)
            }

            fn deserialize_tuple_struct<V: Visitor<'de>>(
                self,
                name: &'static str,
                length: usize,
                visitor: V,
            ) -> Result<V::Value, Error> {
                self.tuple(Method::TupleStruct(name, length), visitor)
            }

            fn deserialize_unit_struct<V: Visitor<'de>>(
                self,
                name: &'static str,
                visitor: V,
            ) -> Result<V::Value, Error> {
                self.read(Method::UnitStruct(name), visitor)
            }

            fn deserialize_enum<V: Visitor<'de>>(
                self,
                name: &'static str,
                variants: &'static [&'static str],
                visitor: V,
            ) -> Result<V::Value, Error> {
                let (Shape::Enum(shapes), Some((column, array, row))) =
                    (self.shape, self.values.variant(self.row))
                else {
                    return self.read(Method::Enum(name, variants), visitor);
                };
                let holds = shapes.iter().find(|shape| shape.name == column.name());
                let shape = holds.and_then(|variant| variant.holds.as_ref());
                let shape = shape.unwrap_or(&Shape::Unknown);
                let values = Values::Column(column, array);
                visitor.visit_enum(Variant(Value { values, row, shape, look: self.look }))
            }

            fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let Shape::Map(key, value) = self.shape else {
                    return self.read(Method::Map, visitor);
                };
                if let Some((field, entries)) = self.values.entries(self.row) {
                    let entries = self.look.kept.table(field, entries)?;
                    return visitor.visit_map(Entries::new(field, entries, key, value, self.look));
                }
                if let Some((columns, arrays)) = self.values.columns() {
                    let fields = Parts { columns, arrays, row: self.row, at: 0, look: self.look };
                    return visitor.visit_map(Keyed { fields, shape: value });
                }
                self.read(Method::Map, visitor)
            }

            deserialize_newtype_as_content! {}

            fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                match self.shape {
                    _ if self.is_null() => visitor.visit_none(),
                    Shape::Option(shape) => visitor.visit_some(Value { shape, ..self }),
                    _ => visitor.visit_some(Value { shape: &Shape::Unknown, ..self }),
                }
            }

            fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let (Shape::Seq(shape), Some((field, items))) =
                    (self.shape, self.values.items(self.row))
                else {
                    return self.read(Method::Seq, visitor);
                };
                let items = self.look.kept.table(field, items)?;
                let shapes = std::slice::from_ref(&**shape);
                visitor.visit_seq(Items { field, items, row: 0, shapes, look: self.look })
            }

            fn deserialize_struct<V: Visitor<'de>>(
                self,
                name: &'static str,
                fields: &'static [&'static str],
                visitor: V,
            ) -> Result<V::Value, Error> {
                let (Shape::Struct(shapes), Some((columns, arrays))) =
                    (self.shape, self.values.columns())
                else {
                    return self.read(Method::Struct(name, fields), visitor);
                };
                let look = self.look;
                let row = self.row;
                let value = visitor.visit_seq(InOrder { fields: shapes, columns, arrays, row, look });
                if value.is_ok() {
                    look.pass();
                }
                value
            }
        }

        /// A method of `Deserializer`, with its arguments.
        #[derive(Clone, Copy)]
        enum Method {
            Tuple(usize),
            TupleStruct(&'static str, usize),
            UnitStruct(&'static str),
            Enum(&'static str, &'static [&'static str]),
            Seq,
            Map,
            Struct(&'static str, &'static [&'static str]),
            $($kind,)*
        }

        impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Call<V> {
            type Value = V::Value;

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
                match self.method {
                    Method::Tuple(length) => from.deserialize_tuple(length, self.visitor),
                    Method::TupleStruct(name, length) => {
                        from.deserialize_tuple_struct(name, length, self.visitor)
                    }
                    Method::UnitStruct(name) => from.deserialize_unit_struct(name, self.visitor),
                    Method::Enum(name, variants) => {
                        from.deserialize_enum(name, variants, self.visitor)
                    }
                    Method::Seq => from.deserialize_seq(self.visitor),
                    Method::Map => from.deserialize_map(self.visitor),
                    Method::Struct(name, fields) => {
                        from.deserialize_struct(name, fields, self.visitor)
                    }
                    $(Method::$kind => from.$method(self.visitor),)*
                }
            }
        }
    };
}

read! {
    deserialize_any Any, deserialize_bool Bool, deserialize_i8 I8, deserialize_i16 I16,
    deserialize_i32 I32, deserialize_i64 I64, deserialize_i128 I128, deserialize_u8 U8,
    deserialize_u16 U16, deserialize_u32 U32, deserialize_u64 U64, deserialize_u128 U128,
    deserialize_f32 F32, deserialize_f64 F64, deserialize_char Char, deserialize_str Str,
    deserialize_string Text, deserialize_bytes Bytes, deserialize_byte_buf Buffer,
    deserialize_unit Unit, deserialize_identifier Identifier,
    deserialize_ignored_any Ignored,
}

/// A call of a deserializer's method, to be made later.
struct Call<V> {
    method: Method,
    visitor: V,
}

/// A visitor that reads the value of a row with one column.
struct Only<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Only<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of one column")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut row: A) -> Result<S::Value, A::Error> {
        row.next_key::<IgnoredAny>()?;
        row.next_value_seed(self.0)
    }
}

//! Fields of rows for which a table has no column, structs in columns included; see
//! [`crate::absent`].
//!
//! Whether a field has a default is seen where its struct is read as a sequence. So a row is read
//! here once by its fields instead of its columns: structs and lists are taken apart, and everything
//! else is read by serde_arrow, out of a table of one cell.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field as Column, FieldRef, Fields, Schema};
use serde::de::value::UnitDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_arrow::Error;

use crate::absent::{self, Columns};
use crate::shape::{Field, Shape};

/// A field without a column.
struct Absent<'a> {
    /// The column that its struct is in; none for a field of the row.
    parent: String,
    field: &'a Field,
    /// What there is instead.
    columns: Vec<String>,
}

/// Whether a row that was read may be without a column for the field.
pub(super) type IsLeftOut<R> = fn(&R, &Field, Columns<'_>) -> bool;

/// The check of a table's columns against the fields of its rows.
pub(super) struct Check {
    shape: &'static Shape,
    /// Fields of which it is not known yet whether they may be without a column.
    open: Vec<Absent<'static>>,
    /// Fields that may be without one, though they have no default.
    left_out: Vec<&'static Field>,
}

impl Check {
    /// A check of a table of this schema.
    pub(super) fn new<R: DeserializeOwned + 'static>(schema: &Schema) -> Result<Self> {
        let shape = Shape::of::<R>();
        let mut open = Vec::new();
        match shape {
            Shape::Struct(_) => find("", shape, schema.fields(), &mut open),
            _ => absent::check_unique(&names(schema.fields()))?,
        }
        Ok(Self { shape, open, left_out: Vec::new() })
    }

    /// An error if rows of this batch need a column that is absent.
    pub(super) fn batch<R>(&mut self, batch: &RecordBatch, is_left_out: IsLeftOut<R>) -> Result<()>
    where
        R: DeserializeOwned,
    {
        let mut row = 0;
        while row < batch.num_rows() && !self.open.is_empty() {
            let look = Look {
                left_out: &self.left_out,
                passed: RefCell::default(),
                needed: Cell::new(None),
                kept: Kept::default(),
            };
            let _ = R::deserialize(Value {
                values: Values::Rows(batch),
                row,
                shape: self.shape,
                look: &look,
            });
            let (passed, needed) = (look.passed.take(), look.needed.take());
            if let Some(field) = needed {
                let absent = self.open.iter().find(|absent| ptr::eq(absent.field, field));
                let Some(Absent { parent, columns, .. }) = absent else { break };
                let columns = Columns { names: columns, delimiter: None };
                let is_allowed = parent.is_empty()
                    && serde_arrow::from_record_batch::<Vec<R>>(&batch.slice(row, 1))
                        .is_ok_and(|rows| rows.iter().all(|row| is_left_out(row, field, columns)));
                if !is_allowed {
                    return Err(absent::error::<R>(parent, &field.names, columns));
                }
                self.open.retain(|absent| !ptr::eq(absent.field, field));
                self.left_out.push(field);
                continue; // with this row, in which there may be others
            }
            self.open.retain(|absent| !passed.iter().any(|field| ptr::eq(*field, absent.field)));
            row += 1;
        }
        Ok(())
    }

    /// An error if a field needs a column that is absent, by what the type says without any row.
    pub(super) fn without_rows<R: DeserializeOwned>(&self, schema: &Schema) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut absent = Vec::new();
        let shape = Shape::with_defaults::<R>();
        find("", &shape, schema.fields(), &mut absent);
        match absent.into_iter().find(|absent| absent.field.default == Some(false)) {
            Some(Absent { parent, field, columns }) => {
                let columns = Columns { names: &columns, delimiter: None };
                Err(absent::error::<R>(&parent, &field.names, columns))
            }
            None => Ok(()),
        }
    }

    /// Whether the type of the row shows its fields.
    pub(super) fn knows_fields(&self) -> bool {
        matches!(self.shape, Shape::Struct(_))
    }
}

pub(super) fn names(columns: &Fields) -> Vec<String> {
    columns.iter().map(|column| column.name().clone()).collect()
}

/// Adds the fields of a struct that have no column, and those of the structs in its columns.
fn find<'a>(parent: &str, shape: &'a Shape, columns: &Fields, open: &mut Vec<Absent<'a>>) {
    let Shape::Struct(fields) = shape else { return };
    let names = names(columns);
    for field in absent::fields(fields, &names) {
        open.push(Absent { parent: parent.to_owned(), field, columns: names.clone() });
    }
    for field in fields {
        let Some(column) = columns.iter().find(|column| field.is_called(column.name())) else {
            continue;
        };
        let path = match parent {
            "" => column.name().clone(),
            parent => format!("{parent}.{}", column.name()),
        };
        find_in(&path, &field.shape, column, open);
    }
}

fn find_in<'a>(path: &str, shape: &'a Shape, column: &Column, open: &mut Vec<Absent<'a>>) {
    match (shape, column.data_type()) {
        (Shape::Option(shape), _) => find_in(path, shape, column, open),
        (Shape::Struct(_), DataType::Struct(columns)) => find(path, shape, columns, open),
        (Shape::Seq(shape), DataType::List(item) | DataType::LargeList(item)) => {
            find_in(path, shape, item, open);
        }
        _ => {}
    }
}

/// What is looked for, and what was found in a row.
struct Look<'a> {
    left_out: &'a [&'static Field],
    /// Fields that were left out and have a default.
    passed: RefCell<Vec<&'static Field>>,
    /// The field that was left out last, until something else is asked for.
    needed: Cell<Option<&'static Field>>,
    kept: Kept,
}

impl Look<'_> {
    /// The field that was left out last has a default, for more was asked for afterwards.
    fn pass(&self) {
        self.passed.borrow_mut().extend(self.needed.take());
    }
}

/// The rows of a table, or the values of one of its columns.
#[derive(Clone, Copy)]
enum Values<'a> {
    Rows(&'a RecordBatch),
    Column(&'a FieldRef, &'a ArrayRef),
}

impl<'a> Values<'a> {
    /// The columns of a row or a struct.
    fn columns(self) -> Option<(&'a Fields, &'a [ArrayRef])> {
        match self {
            Self::Rows(batch) => Some((batch.schema_ref().fields(), batch.columns())),
            Self::Column(_, array) => {
                let array: &StructArray = array.as_struct_opt()?;
                Some((array.fields(), array.columns()))
            }
        }
    }

    /// The items of a list.
    fn items(self, row: usize) -> Option<(&'a FieldRef, ArrayRef)> {
        let Self::Column(field, array) = self else { return None };
        match field.data_type() {
            DataType::List(item) => Some((item, array.as_list_opt::<i32>()?.value(row))),
            DataType::LargeList(item) => Some((item, array.as_list_opt::<i64>()?.value(row))),
            _ => None,
        }
    }
}

/// Tables of one column, as long as a row is read.
#[derive(Default)]
struct Kept {
    table: OnceCell<RecordBatch>,
    next: OnceCell<Box<Kept>>,
}

impl Kept {
    fn table(&self, field: &FieldRef, array: ArrayRef) -> Result<&RecordBatch, Error> {
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let table = RecordBatch::try_new(schema, vec![array]).map_err(Error::custom)?;
        let mut last = self;
        while last.table.get().is_some() {
            last = last.next.get_or_init(Box::default);
        }
        Ok(last.table.get_or_init(|| table))
    }
}

/// One value of a table.
#[derive(Clone, Copy)]
struct Value<'a> {
    values: Values<'a>,
    row: usize,
    shape: &'static Shape,
    look: &'a Look<'a>,
}

impl<'de> Value<'de> {
    /// Reads a value by serde_arrow, out of a table of one cell.
    fn read<V: Visitor<'de>>(self, method: Method, visitor: V) -> Result<V::Value, Error> {
        let Values::Column(field, array) = self.values else {
            return Err(Error::custom("a row is a struct"));
        };
        let table = self.look.kept.table(field, array.slice(self.row, 1))?;
        let table = serde_arrow::Deserializer::from_record_batch(table)?;
        let row = table.get(0).ok_or_else(|| Error::custom("a cell is missing"))?;
        row.deserialize_map(Only(Call { method, visitor }))
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
                self.read(Method::Tuple(length), visitor)
            }

            fn deserialize_tuple_struct<V: Visitor<'de>>(
                self,
                name: &'static str,
                length: usize,
                visitor: V,
            ) -> Result<V::Value, Error> {
                self.read(Method::TupleStruct(name, length), visitor)
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
                self.read(Method::Enum(name, variants), visitor)
            }

            fn deserialize_newtype_struct<V: Visitor<'de>>(
                self,
                _: &'static str,
                visitor: V,
            ) -> Result<V::Value, Error> {
                visitor.visit_newtype_struct(self)
            }

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
                visitor.visit_seq(Items { field, items, row: 0, shape, look: self.look })
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

        /// A method of a deserializer.
        #[derive(Clone, Copy)]
        enum Method {
            Tuple(usize),
            TupleStruct(&'static str, usize),
            UnitStruct(&'static str),
            Enum(&'static str, &'static [&'static str]),
            Seq,
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
    deserialize_unit Unit, deserialize_map Map, deserialize_identifier Identifier,
    deserialize_ignored_any Ignored,
}

/// A call of a deserializer that is still to be had.
struct Call<V> {
    method: Method,
    visitor: V,
}

/// The value of a row with one column.
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

/// The items of a list.
struct Items<'a> {
    field: &'a FieldRef,
    items: &'a RecordBatch,
    row: usize,
    shape: &'static Shape,
    look: &'a Look<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.row == self.items.num_rows() {
            return Ok(None);
        }
        let Self { field, items, row, shape, look } = *self;
        self.row += 1;
        let values = Values::Column(field, items.column(0));
        seed.deserialize(Value { values, row, shape, look }).map(Some)
    }
}

/// A struct as the sequence of its fields, in which those that are open are left out.
struct InOrder<'a> {
    fields: &'static [Field],
    columns: &'a Fields,
    arrays: &'a [ArrayRef],
    row: usize,
    look: &'a Look<'a>,
}

impl<'de> SeqAccess<'de> for InOrder<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.look.pass();
        let Some((field, rest)) = self.fields.split_first() else { return Ok(None) };
        self.fields = rest;
        let column = self.columns.iter().position(|column| field.is_called(column.name()));
        match column {
            Some(at) => {
                let values = Values::Column(&self.columns[at], &self.arrays[at]);
                let value = Value { values, row: self.row, shape: &field.shape, look: self.look };
                seed.deserialize(value).map(Some)
            }
            None if self.look.left_out.iter().any(|other| ptr::eq(*other, field)) => {
                seed.deserialize(UnitDeserializer::new()).map(Some)
            }
            None => {
                self.look.needed.set(Some(field));
                Ok(None)
            }
        }
    }
}

//! Compound values that are being written: sequences, tuples, maps and structs.
//!
//! Serde hands over their content one by one. Each type collects it and builds the [`Value`] at the
//! end, when the order of the items or entries is known to count or not.

use serde::ser::{self, Serialize};

use super::{Writer, variant_of};
use crate::value::error::Step;
use crate::value::order::Order;
use crate::value::{Entries, Value, ValueError};

/// The largest number of items that memory is reserved for. The length that a type announces may be
/// wrong.
const MAX_RESERVED: usize = 1024;

fn reserved<T>(length: usize) -> Vec<T> {
    Vec::with_capacity(length.min(MAX_RESERVED))
}

impl<'a> Writer<'a> {
    /// Begins a sequence or tuple, or the content of a variant.
    pub(super) fn items(
        self,
        length: usize,
        order: Order,
        variant: Option<&'static str>,
    ) -> Result<Items<'a>, ValueError> {
        Ok(Items { inner: self.inner()?, variant, order, items: reserved(length) })
    }

    /// Begins a map.
    pub(super) fn pairs(self, length: usize) -> Result<Pairs<'a>, ValueError> {
        let (order, entries) = (self.order, reserved(length));
        Ok(Pairs { inner: self.inner()?, order, entries, key: None })
    }

    /// Begins a struct, or the content of a variant.
    pub(super) fn fields(
        self,
        length: usize,
        variant: Option<&'static str>,
    ) -> Result<Fields<'a>, ValueError> {
        Ok(Fields { inner: self.inner()?, variant, fields: reserved(length) })
    }
}

/// A sequence or tuple that is being written.
pub(super) struct Items<'a> {
    inner: Writer<'a>,
    variant: Option<&'static str>,
    order: Order,
    items: Vec<Value>,
}

impl Items<'_> {
    pub(super) fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let item =
            self.inner.write(value).map_err(|error| error.at(Step::Index(self.items.len())))?;
        self.items.push(item);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Value, ValueError> {
        if self.order == Order::None {
            self.items.sort_unstable();
        }
        Ok(variant_of(self.variant, Value::Seq(self.items.into())))
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident)*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// A map that is being written, with the key of the next entry.
pub(super) struct Pairs<'a> {
    inner: Writer<'a>,
    order: Order,
    entries: Vec<(Value, Value)>,
    key: Option<Value>,
}

impl ser::SerializeMap for Pairs<'_> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        // The keys of maps are not paths.
        let writer = Writer { texts: None, ..self.inner };
        self.key = Some(writer.write(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or_else(|| ValueError::Custom {
            message: "a map gave a value without a key".to_owned(),
        })?;
        let value = self.inner.write(value).map_err(|error| error.at(Step::Key(&key)))?;
        self.entries.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        match self.order {
            Order::None | Order::Keys => Ok(Value::Map(Entries::new(self.entries)?)),
            Order::Insertion => Value::ordered_map(self.entries),
            Order::Usual => {
                let map = Value::ordered_map(self.entries)?;
                if let (Value::OrderedMap(_), Some(unproven)) = (&map, self.inner.unproven) {
                    unproven.set(true);
                }
                Ok(map)
            }
        }
    }
}

/// A struct or struct variant that is being written.
pub(super) struct Fields<'a> {
    inner: Writer<'a>,
    variant: Option<&'static str>,
    fields: Vec<(&'static str, Value)>,
}

impl Fields<'_> {
    fn push<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        let value = self.inner.write(value).map_err(|error| error.at(Step::Name(name)))?;
        self.fields.push((name, value));
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(variant_of(self.variant, Value::Struct(Entries::new(self.fields)?)))
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Fields<'_> {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.push(name, value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

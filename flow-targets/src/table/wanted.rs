//! Which columns of a file the fields of a row need, so that no others are read.

use std::cell::Cell;

#[cfg(any(feature = "arrow", feature = "parquet"))]
use arrow::datatypes::Schema;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::rows::registered;
use crate::shape::Shape;

/// The names under which each field of a row may have a column.
pub(crate) type Wanted = Vec<Vec<&'static str>>;

/// Returns the names of the fields of a row; `None` if other columns matter, too.
pub(super) fn of<R: DeserializeOwned + 'static>() -> Option<Wanted> {
    if let Some(row) = registered::<R>() {
        return Some((row.names)().into_iter().map(<[_]>::to_vec).collect());
    }
    match Shape::of::<R>() {
        Shape::Struct(fields) if !denies_others::<R>() => {
            Some(fields.iter().map(|field| field.names.clone()).collect())
        }
        _ => None,
    }
}

/// Returns the indices of the columns that the fields need; `None` if all columns have to be read.
///
/// All columns are read if a field has none, so that the error can name them.
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) fn columns(wanted: Option<&Wanted>, schema: &Schema) -> Option<Vec<usize>> {
    let wanted = wanted?;
    let is_for =
        |names: &Vec<&'static str>, at: usize| names.contains(&schema.field(at).name().as_str());
    let all = 0..schema.fields().len();
    if !wanted.iter().all(|names| all.clone().any(|at| is_for(names, at))) {
        return None;
    }
    let needed: Vec<usize> =
        all.clone().filter(|at| wanted.iter().any(|names| is_for(names, *at))).collect();
    (!needed.is_empty() && needed.len() < all.len()).then_some(needed)
}

/// Returns whether a struct rejects columns that it has no field for: `#[serde(deny_unknown_fields)]`.
fn denies_others<R: DeserializeOwned>() -> bool {
    let denies = Cell::new(false);
    let _ = R::deserialize(Other { denies: &denies });
    denies.get()
}

/// A struct with one field, which no type has.
#[derive(Clone, Copy)]
struct Other<'a> {
    denies: &'a Cell<bool>,
}

/// The name of the field. A type that has it is not harmed: it only reads all columns.
const NAME: &str = "\u{0}no field";

impl<'de> Deserializer<'de> for Other<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Other<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.denies.set(seed.deserialize(StrDeserializer::<Error>::new(NAME)).is_err());
        Err(Error::custom("no value follows"))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is no value"))
    }
}

#[cfg(all(test, any(feature = "arrow", feature = "parquet")))]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use serde::Deserialize;

    use super::*;

    fn schema(names: &[&str]) -> Schema {
        let field = |name: &&str| Field::new(*name, DataType::Int64, true);
        Schema::new(names.iter().map(field).collect::<Vec<_>>())
    }

    #[test]
    fn a_row_needs_the_columns_of_its_fields() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "it is not built")]
        struct Row {
            a: u8,
            #[serde(alias = "see")]
            c: Option<u8>,
        }
        let wanted = of::<Row>();
        let columns = |names| columns(wanted.as_ref(), &schema(names));
        assert_eq!(columns(&["see", "b", "a"]), Some(vec![0, 2]));
        assert_eq!(columns(&["a", "c"]), None, "all are needed");
        assert_eq!(columns(&["a", "b"]), None, "one is missing");
    }

    #[test]
    fn a_row_that_rejects_other_columns_needs_all() {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "it is not built")]
        struct Row {
            a: u8,
        }
        assert_eq!(of::<Row>(), None);
    }
}

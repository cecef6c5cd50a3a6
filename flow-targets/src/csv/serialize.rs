//! Serializes the fields of a row as cells.

use std::fmt::{self, Display, Write as _};

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::write::CellWriter;
use crate::serde_methods::{refuse_to_serialize, serialize_newtype_as_content};

/// An error of converting a row to cells, or cells to a row.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// Handles each field of a row.
pub(super) trait Fields {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Fault>;

    fn end(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Collects the names of the fields.
#[derive(Default)]
pub(super) struct Names(pub(super) Vec<String>);

impl Fields for Names {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, _: &T) -> Result<(), Fault> {
        self.0.push(name.to_owned());
        Ok(())
    }
}

/// Writes the cells of a row, which must have the same fields as the first row.
pub(super) struct RowWriter<'a, 'b> {
    cells: &'a mut CellWriter<'b>,
    names: &'a [String],
    next: usize,
    scratch: String,
}

impl<'a, 'b> RowWriter<'a, 'b> {
    pub(super) fn new(cells: &'a mut CellWriter<'b>, names: &'a [String]) -> Self {
        Self { cells, names, next: 0, scratch: String::new() }
    }
}

impl Fields for RowWriter<'_, '_> {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Fault> {
        if self.names.get(self.next).is_none_or(|expected| expected != name) {
            return Err(Fault(format!(
                "the field `{name}` is not the one at this place in the first row, whose fields \
                 are {:?}",
                self.names,
            )));
        }
        self.next += 1;
        let cell = CellSerializer { out: &mut *self.cells, scratch: &mut self.scratch };
        value.serialize(cell).map_err(|fault| Fault(format!("field `{name}`: {fault}")))?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        match self.names.get(self.next) {
            None => Ok(()),
            Some(missing) => {
                Err(Fault(format!("the field `{missing}`, which the first row has, is missing",)))
            }
        }
    }
}

/// Serializes a row by passing each of its fields to `F`.
pub(super) struct Row<'a, F>(pub(super) &'a mut F);

const NO_ROW: &str = "a row is a struct (or a map with text as keys)";

impl<'a, F: Fields> Serializer for Row<'a, F> {
    type Ok = ();
    type Error = Fault;
    type SerializeMap = MapRow<'a, F>;
    type SerializeStruct = Self;

    refuse_to_serialize! { Fault(NO_ROW.to_owned()); scalar text bytes null list variant }

    serialize_newtype_as_content! {}

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Fault> {
        Err(Fault(NO_ROW.to_owned()))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapRow<'a, F>, Fault> {
        Ok(MapRow { fields: self.0, name: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Fault> {
        Ok(self)
    }
}

impl<F: Fields> SerializeStruct for Row<'_, F> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.0.field(name, value)
    }

    fn end(self) -> Result<(), Fault> {
        self.0.end()
    }
}

/// A row that is serialized as a map, as `#[serde(flatten)]` does.
pub(super) struct MapRow<'a, F> {
    fields: &'a mut F,
    name: String,
}

impl<F: Fields> SerializeMap for MapRow<'_, F> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.name.clear();
        let mut scratch = String::new();
        key.serialize(CellSerializer { out: &mut self.name, scratch: &mut scratch })?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.fields.field(&self.name, value)
    }

    fn end(self) -> Result<(), Fault> {
        self.fields.end()
    }
}

/// The destination of a cell.
trait Out {
    fn null(&mut self) -> anyhow::Result<()>;
    fn bare(&mut self, cell: &str) -> anyhow::Result<()>;
    fn text(&mut self, cell: &str) -> anyhow::Result<()>;
}

impl Out for CellWriter<'_> {
    fn null(&mut self) -> anyhow::Result<()> {
        CellWriter::null(self);
        Ok(())
    }

    fn bare(&mut self, cell: &str) -> anyhow::Result<()> {
        CellWriter::bare(self, cell)
    }

    fn text(&mut self, cell: &str) -> anyhow::Result<()> {
        CellWriter::text(self, cell);
        Ok(())
    }
}

/// The destination of a column's name.
impl Out for String {
    fn null(&mut self) -> anyhow::Result<()> {
        anyhow::bail!("a column has no name")
    }

    fn bare(&mut self, cell: &str) -> anyhow::Result<()> {
        self.push_str(cell);
        Ok(())
    }

    fn text(&mut self, cell: &str) -> anyhow::Result<()> {
        self.bare(cell)
    }
}

struct CellSerializer<'a, O> {
    out: &'a mut O,
    scratch: &'a mut String,
}

/// Whether the written cell is null.
struct IsNull(bool);

impl<O: Out> CellSerializer<'_, O> {
    fn null(self) -> Result<IsNull, Fault> {
        self.out.null().map_err(Fault::custom)?;
        Ok(IsNull(true))
    }

    fn bare(self, value: fmt::Arguments<'_>) -> Result<IsNull, Fault> {
        self.scratch.clear();
        self.scratch.write_fmt(value).map_err(Fault::custom)?;
        self.out.bare(self.scratch).map_err(Fault::custom)?;
        Ok(IsNull(false))
    }

    fn text(self, value: &str) -> Result<IsNull, Fault> {
        self.out.text(value).map_err(Fault::custom)?;
        Ok(IsNull(false))
    }
}

const NESTED: &str = "a cell holds one value, and this is several (a list, a struct, a map, a \
                      variant with data, bytes); `Parquet`, `Json` and `Pickle` keep it";

macro_rules! bare {
    ($format:literal: $($name:ident $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<IsNull, Fault> {
            self.bare(format_args!($format, value))
        })*
    };
}

impl<O: Out> Serializer for CellSerializer<'_, O> {
    type Ok = IsNull;
    type Error = Fault;

    refuse_to_serialize! { Fault(NESTED.to_owned()); bytes list variant map }

    serialize_newtype_as_content! {}

    bare! { "{}": serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32,
    serialize_i64 i64, serialize_i128 i128, serialize_u8 u8, serialize_u16 u16,
    serialize_u32 u32, serialize_u64 u64, serialize_u128 u128 }

    // The shortest digits that parse to the same float, with an exponent where that is shorter.
    bare! { "{:?}": serialize_f32 f32, serialize_f64 f64 }

    fn serialize_char(self, value: char) -> Result<IsNull, Fault> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<IsNull, Fault> {
        self.text(value)
    }

    fn serialize_none(self) -> Result<IsNull, Fault> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<IsNull, Fault> {
        match value.serialize(self)? {
            IsNull(true) => Err(Fault(
                "an option holds what is itself null, and would come back as `None`".to_owned(),
            )),
            IsNull(false) => Ok(IsNull(false)),
        }
    }

    fn serialize_unit(self) -> Result<IsNull, Fault> {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<IsNull, Fault> {
        self.null()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<IsNull, Fault> {
        self.text(variant)
    }
}

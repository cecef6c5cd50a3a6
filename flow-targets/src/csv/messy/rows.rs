//! Reads rows of a struct from cells.

use anyhow::Result;
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Expected, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::super::kinds::Kind;
use super::super::line::{Line, deserialize_integers};
use super::super::serialize::Fault;
use super::combine::{Combined, Outcome};
use super::grid::RawCell;
use super::notation::Notation;
use super::options::Options;
use crate::absent;
use crate::serde_methods::deserialize_newtype_as_content;
use crate::shape::Shape;
use crate::strict;

/// Reads rows. Those that do not fit are rejected.
///
/// # Errors
///
/// A field needs a column, and no file has it.
pub(super) fn read<R>(
    combined: &Combined,
    options: &Options,
    outcome: &mut Outcome,
) -> Result<Vec<R>>
where
    R: Serialize + DeserializeOwned + 'static,
{
    if combined.is_named {
        check_columns::<R>(combined, outcome)?;
    }
    let names = combined.is_named.then_some(combined.names.as_slice());
    let mut rows = Vec::with_capacity(combined.rows.len());
    for row in &combined.rows {
        let value = |cell| Value { cell, notation: &options.notation };
        let line = Line::new(names, row.cells.iter().map(value));
        match R::deserialize(strict::checked(line)) {
            Ok(read) => rows.push(read),
            Err(Fault(reason)) => outcome.reject(combined, row, reason),
        }
    }
    Ok(rows)
}

/// Returns an error if a field needs a column that no file has. Notes the columns without a field.
fn check_columns<R>(combined: &Combined, outcome: &mut Outcome) -> Result<()>
where
    R: DeserializeOwned + 'static,
{
    let Some(fields) = Shape::of::<R>().fields() else { return Ok(()) };
    let names = combined.names.as_slice();
    if !absent::fields(fields, names).is_empty() {
        let shape = Shape::with_defaults::<R>();
        let open = absent::fields(shape.fields().unwrap_or_default(), names);
        if let Some(field) = open.into_iter().find(|field| field.default != Some(true)) {
            let delimiter = combined.places.first().and_then(|place| place.delimiter);
            let columns = absent::Columns { names, delimiter };
            return Err(absent::error::<R>("", &field.names, columns));
        }
    }
    let is_unused = |name: &&String| !fields.iter().any(|field| field.is_called(name));
    let unused: Vec<_> = names.iter().filter(is_unused).map(|name| format!("`{name}`")).collect();
    if !unused.is_empty() {
        outcome.notes.push(format!("columns without a field are left out: {}", unused.join(", ")));
    }
    Ok(())
}

/// A cell, in the notation of the options.
#[derive(Clone, Copy)]
struct Value<'de> {
    cell: &'de RawCell,
    notation: &'de Notation,
}

impl<'de> Value<'de> {
    fn text(self) -> &'de str {
        self.cell.text.trim()
    }

    /// Returns an error if the cell is null, for a field that cannot be.
    fn not_null(self) -> Result<(), Fault> {
        match (self.notation.is_null(self.cell), self.text()) {
            (false, _) => Ok(()),
            (true, "") => Err(Fault("it is empty, and the field is no `Option`".to_owned())),
            (true, word) => {
                Err(Fault(format!("{word:?} stands for null, and the field is no `Option`")))
            }
        }
    }

    /// Parses a number. `what` describes it for errors.
    fn number<N: std::str::FromStr>(self, what: &str) -> Result<N, Fault> {
        self.not_null()?;
        let unparsed = || {
            let hint = self.notation.hint(self.cell);
            Fault(format!("{:?} is not {what}{hint}", self.text()))
        };
        let number = self.notation.number(self.cell).ok_or_else(unparsed)?;
        number.parse().map_err(|_| Fault(format!("{:?} is not {what}", self.text())))
    }

    /// Parses a float, which is infinite only if the text says so.
    fn float<N: std::str::FromStr + Copy>(self, is_infinite: fn(N) -> bool) -> Result<N, Fault> {
        let number: N = self.number("a number")?;
        match crate::exact::infinite(self.text(), |_| is_infinite(number)) {
            Some(reason) => Err(Fault(format!("{:?}: {reason}", self.text()))),
            None => Ok(number),
        }
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Fault;

    /// For types that accept any value, cells have the type that inference gives them.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.notation.is_null(self.cell) {
            return visitor.visit_unit();
        }
        let number = self.notation.number(self.cell);
        match number.as_deref().map(Kind::of) {
            Some(Kind::Integer { large: false, .. }) => self.deserialize_i64(visitor),
            Some(Kind::Integer { large: true, .. }) => self.deserialize_u64(visitor),
            Some(Kind::Float) => self.deserialize_f64(visitor),
            _ => match self.notation.boolean(self.cell) {
                Some(value) => visitor.visit_bool(value),
                None => visitor.visit_borrowed_str(self.text()),
            },
        }
    }

    deserialize_integers! {}

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f32(self.float(f32::is_infinite)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.float(f64::is_infinite)?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.not_null()?;
        let (yes, no) = &self.notation.booleans;
        let unparsed = || Fault(format!("{:?} is neither `{yes}` nor `{no}`", self.text()));
        visitor.visit_bool(self.notation.boolean(self.cell).ok_or_else(unparsed)?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.not_null()?;
        let unparsed = |_| Fault(format!("{:?} is not one character", self.text()));
        visitor.visit_char(self.text().parse().map_err(unparsed)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.not_null()?;
        // A type of dates is known only by what it expects: "a date string".
        let is_time = !self.notation.dates.is_empty() && {
            let expected = (&visitor as &dyn Expected).to_string();
            expected.contains("date") || expected.contains("timestamp")
        };
        let time = if is_time { self.notation.date(self.cell).map_err(Fault)? } else { None };
        match time {
            Some(time) => visitor.visit_string(time),
            None => visitor.visit_borrowed_str(self.text()),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.notation.is_null(self.cell) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.notation.is_null(self.cell) {
            true => visitor.visit_unit(),
            false => Err(Fault(format!("{:?} is not null", self.text()))),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    deserialize_newtype_as_content! {}

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.not_null()?;
        let name: StrDeserializer<'_, Fault> = self.text().into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bytes byte_buf seq tuple tuple_struct map struct
    }
}

//! Parameters of queries.

/// A value that a query takes as a parameter.
///
/// Numbers, texts, bytes, booleans and `Option`s of them convert to it. Pass a date as the text that the database
/// compares it with, such as `date.to_string()`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SqlValue {
    /// `NULL`.
    Null,
    /// A boolean. SQLite, which has none, gets 0 or 1.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($variant:ident: $($ty:ty),+;)+) => {
        $($(
            impl From<$ty> for SqlValue {
                fn from(value: $ty) -> Self {
                    Self::$variant(value.into())
                }
            }
        )+)+
    };
}

from! {
    Bool: bool;
    Int: i8, i16, i32, i64, u8, u16, u32;
    Real: f32, f64;
    Text: &str, String, &String;
    Bytes: Vec<u8>, &[u8];
}

impl<V: Into<SqlValue>> From<Option<V>> for SqlValue {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a query, in order: `()`, an array, a `Vec`, or a tuple of up to eight values.
///
/// ```
/// use flow_targets::sql::{SqlParams, SqlValue};
///
/// assert!(().into_values().is_empty());
/// assert_eq!([1, 2].into_values(), [SqlValue::Int(1), SqlValue::Int(2)]);
/// assert_eq!(("a", 0.5).into_values(), [SqlValue::Text("a".into()), SqlValue::Real(0.5)]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of query parameters",
    label = "not a list of parameters",
    note = "parameters are `()`, an array, a `Vec`, or a tuple of up to eight numbers, texts, bytes or `Option`s of them"
)]
pub trait SqlParams {
    /// Returns the values in order.
    fn into_values(self) -> Vec<SqlValue>;
}

impl SqlParams for () {
    fn into_values(self) -> Vec<SqlValue> {
        Vec::new()
    }
}

impl<V: Into<SqlValue>, const N: usize> SqlParams for [V; N] {
    fn into_values(self) -> Vec<SqlValue> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<V: Into<SqlValue>> SqlParams for Vec<V> {
    fn into_values(self) -> Vec<SqlValue> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! tuples {
    ($($($ty:ident $place:tt),+;)+) => {
        $(
            impl<$($ty: Into<SqlValue>),+> SqlParams for ($($ty,)+) {
                fn into_values(self) -> Vec<SqlValue> {
                    vec![$(self.$place.into()),+]
                }
            }
        )+
    };
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

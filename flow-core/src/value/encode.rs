//! The canonical encoding of values, which keys hash.
//!
//! Each value starts with a byte for its class. Parts without a fixed size are prefixed with their
//! length. So no two different values, and no two different lists of values, have the same
//! encoding. Numbers are little endian, and lengths have 64 bits.
//!
//! | class | after the tag |
//! | --- | --- |
//! | none, unit, false, true | nothing |
//! | integer | 1 if negative, else 0; the distance from zero, 16 bytes |
//! | float | its bits as `f64`, 8 bytes; every NaN `0x7ff8000000000000` |
//! | character | its code point, 4 bytes |
//! | text, bytes | length, the bytes |
//! | some | the value |
//! | sequence | number of items, each item |
//! | map | number of entries, each key and value, in the order of [`Entries`] |
//! | struct | number of fields, each name as length and bytes, and value, sorted by name |
//! | unit variant | its name as length and bytes |
//! | variant | its name as length and bytes, its content |
//! | ordered map | as a map, in its own order |
//! | secret | the BLAKE3 hash of its content's encoding under the store's key, 32 bytes |
//!
//! The keys of existing stores depend on every byte, and on the order of [`Value`]s, which is the
//! order of a map's entries. The test `encoding` has samples of both.
//!
//! [`Entries`]: super::Entries

use super::Value;
use crate::value::secret::SecretKey;

/// The byte of each class. Never reuse or change one.
mod tag {
    pub(super) const NONE: u8 = 0;
    pub(super) const UNIT: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const TRUE: u8 = 3;
    pub(super) const INT: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const CHAR: u8 = 6;
    pub(super) const STR: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const SOME: u8 = 9;
    pub(super) const SEQ: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UNIT_VARIANT: u8 = 13;
    pub(super) const VARIANT: u8 = 14;
    pub(super) const SECRET: u8 = 15;
    pub(super) const ORDERED_MAP: u8 = 16;
}

impl Value {
    /// Appends the canonical encoding to `out`. Secrets are hashed with `secret_key`.
    ///
    /// Two encodings are equal if and only if the values are, and no encoding is a prefix of
    /// another. So encodings can be concatenated.
    ///
    /// ```
    /// use flow_core::value::{SecretKey, to_value};
    ///
    /// let key = SecretKey::new([0; 32]);
    /// let mut narrow = Vec::new();
    /// to_value(&3_u8)?.encode(&key, &mut narrow);
    /// let mut wide = Vec::new();
    /// to_value(&3_i128)?.encode(&key, &mut wide);
    /// assert_eq!(narrow, wide);
    /// # Ok::<(), flow_core::value::ValueError>(())
    /// ```
    pub fn encode(&self, secret_key: &SecretKey, out: &mut Vec<u8>) {
        match self {
            Self::None => out.push(tag::NONE),
            Self::Unit => out.push(tag::UNIT),
            Self::Bool(false) => out.push(tag::FALSE),
            Self::Bool(true) => out.push(tag::TRUE),
            Self::Int(int) => {
                out.extend_from_slice(&[tag::INT, int.is_negative().into()]);
                out.extend_from_slice(&int.magnitude().to_le_bytes());
            }
            Self::Float(float) => {
                out.push(tag::FLOAT);
                out.extend_from_slice(&float.get().to_bits().to_le_bytes());
            }
            Self::Char(char) => {
                out.push(tag::CHAR);
                out.extend_from_slice(&u32::from(*char).to_le_bytes());
            }
            Self::Str(text) => {
                out.push(tag::STR);
                write_bytes(text.as_bytes(), out);
            }
            Self::Bytes(bytes) => {
                out.push(tag::BYTES);
                write_bytes(bytes, out);
            }
            Self::Some(value) => {
                out.push(tag::SOME);
                value.encode(secret_key, out);
            }
            Self::Seq(items) => {
                out.push(tag::SEQ);
                write_length(items.len(), out);
                items.iter().for_each(|item| item.encode(secret_key, out));
            }
            Self::Map(entries) => {
                out.push(tag::MAP);
                write_entries(entries, secret_key, out);
            }
            Self::OrderedMap(entries) => {
                out.push(tag::ORDERED_MAP);
                write_entries(entries, secret_key, out);
            }
            Self::Struct(fields) => {
                out.push(tag::STRUCT);
                write_length(fields.len(), out);
                for (name, value) in fields.iter() {
                    write_bytes(name.as_bytes(), out);
                    value.encode(secret_key, out);
                }
            }
            Self::UnitVariant(name) => {
                out.push(tag::UNIT_VARIANT);
                write_bytes(name.as_bytes(), out);
            }
            Self::Variant(variant) => {
                let (name, content) = &**variant;
                out.push(tag::VARIANT);
                write_bytes(name.as_bytes(), out);
                content.encode(secret_key, out);
            }
            Self::Secret(secret) => {
                let mut content = Vec::new();
                secret.expose().encode(secret_key, &mut content);
                out.push(tag::SECRET);
                out.extend_from_slice(&secret_key.hash(&content));
            }
        }
    }
}

fn write_entries(entries: &[(Value, Value)], secret_key: &SecretKey, out: &mut Vec<u8>) {
    write_length(entries.len(), out);
    for (key, value) in entries {
        key.encode(secret_key, out);
        value.encode(secret_key, out);
    }
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

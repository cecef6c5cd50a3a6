//! Secrets: parameters that count, and are never shown.
//!
//! A password or a token decides what a task fetches, so another one must give another key; yet
//! neither a preview nor a folder's name, a record or an error message may contain it. A
//! [`Secret`] therefore becomes a [`Value::Secret`], which is printed as `***` and enters a key as
//! a BLAKE3 hash under the [`SecretKey`] of the store, so that a key that becomes public tells
//! nothing about the secret, not even to somebody who tries all likely ones.
//!
//! Serde has no notion of a secret: whatever serialises a task would write it out. So the content
//! never passes through a serializer. [`Secret`] turns it into a [`Value`] by itself, lays that
//! into a slot that only this crate sees, and shows the serializer an empty envelope.
//! [`to_value`] recognises the envelope by its name and takes what lies in the
//! slot; any other serializer opens the envelope, and that is an error.

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::value::{Value, to_value};

/// The name of the newtype struct that a secret is to serde.
pub(crate) const ENVELOPE: &str = "$flow_core::Secret";

/// What is printed instead of a secret.
pub(crate) const HIDDEN: &str = "***";

/// A value that decides what a task makes and is never shown: a password, a token, an address
/// with either in it.
///
/// It prints as `***`. As a parameter it is part of the task's key through a hash under a key of
/// the store. Serialising it anywhere else is an error, so that it does not end up in an output by
/// accident; to use it, or to write it out on purpose, [`expose`](Self::expose) it.
///
/// ```
/// use flow_core::Secret;
///
/// let token = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{token} {token:?}"), "*** ***");
/// assert_eq!(token.expose(), "hunter2");
///
/// let error = serde_json::to_string(&token).unwrap_err();
/// assert_eq!(error.to_string(), "a secret is not written out");
///
/// let read: Secret<String> = serde_json::from_str(r#""hunter2""#).unwrap();
/// assert_eq!(read, token);
/// ```
///
/// The memory is not wiped when a secret is dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// What is hidden. Whoever prints it, shows it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// What was hidden, by value. Whoever prints it, shows it.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(HIDDEN)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(HIDDEN)
    }
}

/// Works inside [`to_value`] only; with any other serializer it fails with "a secret is not
/// written out".
impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The reason of a failure may quote the content, and so is not passed on.
        let value = to_value(&self.0).map_err(|_| {
            ser::Error::custom(format_args!(
                "a secret of type `{}` cannot be turned into a value",
                type_name::<T>()
            ))
        })?;
        let _slot = Slot::fill(value);
        serializer.serialize_newtype_struct(ENVELOPE, &Envelope)
    }
}

/// Reads what `T` reads. An error does not say what was found.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ENVELOPE, SecretVisitor(PhantomData))
    }
}

struct SecretVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for SecretVisitor<T> {
    type Value = Secret<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a secret of type `{}`", type_name::<T>())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        let value = T::deserialize(deserializer).map_err(|_| {
            de::Error::custom(format_args!(
                "what was given for a secret does not fit its type, `{}`",
                type_name::<T>()
            ))
        })?;
        Ok(Secret(value))
    }
}

/// What a serializer is shown of a secret.
struct Envelope;

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("a secret is not written out"))
    }
}

thread_local! {
    /// The content of the secret that this thread is serialising right now.
    static SLOT: Cell<Option<Value>> = const { Cell::new(None) };
}

/// Empties the slot when the serializer that was shown the envelope has returned, whether it has
/// taken the content or not.
struct Slot;

impl Slot {
    fn fill(value: Value) -> Self {
        // While a thread ends there is no slot; the serializer then finds the envelope empty.
        let _ = SLOT.try_with(|slot| slot.set(Some(value)));
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = take();
    }
}

/// The content of the secret whose envelope was just shown; none if there is no such secret.
pub(crate) fn take() -> Option<Value> {
    SLOT.try_with(Cell::take).ok().flatten()
}

/// The key under which a store hashes secrets.
///
/// Each store makes its own, of 32 random bytes, and keeps it to itself: who has it can test
/// guesses of a secret against the keys of tasks.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// The key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, to be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The keyed BLAKE3 hash of `content`.
    pub(crate) fn hash(&self, content: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, content).as_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SecretKey(***)")
    }
}

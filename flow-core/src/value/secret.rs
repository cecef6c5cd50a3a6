//! Secrets: parameters that count and are never shown.
//!
//! A password or a token decides what a task fetches, so another one must give another key. But it
//! must not appear in a preview, the name of a folder, a record or an error message. A [`Secret`]
//! therefore becomes a [`Value::Secret`]. It is displayed as `***`, and a key hashes it with BLAKE3
//! under the [`SecretKey`] of the store. So a key that becomes public reveals nothing about the
//! secret, even to someone who tries all likely ones.
//!
//! Serde has no notion of a secret, and every serializer of a task would write it. So the content
//! never passes through a serializer. [`Secret`] converts its content to a [`Value`] itself, puts
//! the value into a slot that only this crate can access, and passes an empty envelope to the
//! serializer. [`to_value`] recognizes the envelope by its name and takes the value from the slot.
//! Any other serializer serializes the envelope, which is an error.

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::value::{Value, to_value};

/// The name of the newtype struct as which a secret is serialized.
pub(crate) const ENVELOPE: &str = "$flow_core::Secret";

/// The text that is displayed instead of a secret.
pub(crate) const HIDDEN: &str = "***";

/// A parameter that counts and is never shown: a password, a token, a URL that contains either.
///
/// It displays as `***`. As a parameter it is part of the task's key through a hash with a key of
/// the store. Serializing it anywhere else is an error, so that it does not end up in an output by
/// accident. Use [`expose`](Self::expose) to use it, or to write it on purpose.
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

    /// Returns the hidden value. Displaying it reveals the secret.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the hidden value and consumes the secret. Displaying it reveals the secret.
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

/// Serializes inside [`to_value`] only. Any other serializer fails with "a secret is not written
/// out".
impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The error of the content may quote it, so it is not passed on.
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

/// Deserializes a `T`. Errors do not quote the value.
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

/// Stands in for a secret in a serializer.
struct Envelope;

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("a secret is not written out"))
    }
}

thread_local! {
    /// The content of the secret that this thread is serializing.
    static SLOT: Cell<Option<Value>> = const { Cell::new(None) };
}

/// Empties the slot when the serializer has returned, whether it took the content or not.
struct Slot;

impl Slot {
    fn fill(value: Value) -> Self {
        // A thread that is ending has no slot. The serializer then fails.
        let _ = SLOT.try_with(|slot| slot.set(Some(value)));
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = take();
    }
}

/// Takes the content of the secret whose envelope was just serialized, if there is one.
pub(crate) fn take() -> Option<Value> {
    SLOT.try_with(Cell::take).ok().flatten()
}

/// The key with which a store hashes secrets.
///
/// Each store creates its own key of 32 random bytes, which must stay private: anyone who has it
/// can test guesses of a secret against the keys of instances.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Creates a key from these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the key, to store them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the keyed BLAKE3 hash of `content`.
    pub(crate) fn hash(&self, content: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, content).as_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SecretKey(***)")
    }
}

//! Keys and digests: 128 bits of BLAKE3.
//!
//! A [`Key`] identifies an instance. A [`Digest`] identifies content or a fingerprint. Both are
//! displayed as 32 hexadecimal digits. A [`Hasher`] prefixes every part with its length, so that no
//! two different lists of parts hash the same bytes.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! hex_128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(NotHex);
                }
                // Two halves, because a 128-bit multiplication for each digit would take most of
                // the time of reading a record.
                let half = |text| u64::from_str_radix(text, 16).map_err(|_| NotHex);
                let (high, low) = text.split_at(16);
                Ok(Self(u128::from(half(high)?) << 64 | u128::from(half(low)?)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(HexVisitor(PhantomData))
            }
        }
    };
}

/// Parses borrowed text without copying it.
struct HexVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = NotHex>> Visitor<'_> for HexVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

hex_128! {
    /// Identifies an instance: a task with its resolved parameters.
    ///
    /// These include the parameters that its dependencies take from outside them.
    Key
}

hex_128! {
    /// Identifies content: of a file, of a task's code, or of everything that an output is computed
    /// from.
    Digest
}

impl Digest {
    /// Returns the first 8 digits, for people.
    pub(crate) fn short(self) -> String {
        format!("{:08x}", (self.0 >> 96) as u32)
    }
}

impl Key {
    /// Returns the 16 digits at the end of the instance's folder name.
    pub(crate) fn short(self) -> Short {
        Short((self.0 >> 64) as u64)
    }

    /// Returns the instance's seed for random numbers.
    pub(crate) fn seed(self) -> u64 {
        let mut hasher = Hasher::new("seed");
        hasher.number(self.0 as u64);
        hasher.digest().0 as u64
    }
}

/// The first half of a [`Key`], which identifies the folder of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Short(pub(crate) u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The error for text that is not 32 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not 32 hexadecimal digits")]
pub struct NotHex;

/// Hashes a list of parts, each prefixed with its length.
#[derive(Clone)]
pub(crate) struct Hasher(blake3::Hasher);

impl Hasher {
    /// Creates a hasher. Hashes of different kinds are never equal.
    pub(crate) fn new(kind: &str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.text(kind);
        hasher
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    pub(crate) fn part(&mut self, part: Digest) -> &mut Self {
        self.0.update(&part.0.to_le_bytes());
        self
    }

    pub(crate) fn digest(&self) -> Digest {
        digest_of(&self.0)
    }

    pub(crate) fn key(&self) -> Key {
        Key(self.digest().0)
    }
}

/// Returns the first 128 bits of the hash.
pub(crate) fn digest_of(hasher: &blake3::Hasher) -> Digest {
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Digest(u128::from_be_bytes(half))
}

/// Returns the digest of bytes.
pub(crate) fn digest_bytes(bytes: &[u8]) -> Digest {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    Digest(u128::from_be_bytes(half))
}

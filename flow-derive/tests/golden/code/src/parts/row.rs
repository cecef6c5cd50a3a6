//! What a task gives.

use serde::{Deserialize, Serialize};

use super::far::{self, halved};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct Row {
    pub area: f64,
    pub fitted: Vec<f64>,
    #[serde(with = "as_text")]
    pub größe: Größe,
}

/// A name outside of ASCII.
#[derive(Clone, Copy, Debug, Default)]
pub struct Größe(pub i64);

mod as_text {
    use super::Größe;

    pub fn serialize<S: serde::Serializer>(value: &Größe, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&value.0)
    }

    pub fn deserialize<'de, D>(from: D) -> Result<Größe, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        <i64 as serde::Deserialize>::deserialize(from).map(Größe)
    }
}

impl Row {
    pub fn normalised<const N: usize>(mut self, by: f64) -> Self {
        let pair: far::Pair<f64> = (by, N as f64);
        self.fitted.iter_mut().for_each(|x| *x -= halved(pair));
        self
    }
}

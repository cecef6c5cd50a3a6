//! Secrets.
use serde::{Serialize, Deserialize};
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret<T>(T);
impl<T> Secret<T> { pub fn new(value: T) -> Self { Self(value) } pub fn expose(&self) -> &T { &self.0 } }

//! Values of parameters in one common form.
use serde::{Serialize, de::DeserializeOwned};
#[derive(Debug, Clone, PartialEq)]
pub enum Value { None }
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);
impl std::fmt::Display for Value { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
pub fn to_value<T: Serialize + ?Sized>(_: &T) -> Result<Value, ValueError> { Ok(Value::None) }
pub fn from_value<T: DeserializeOwned>(_: &Value) -> Result<T, ValueError> { Err(ValueError(String::new())) }

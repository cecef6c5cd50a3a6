//! Constructors of the values that tasks use, which are registered with the program by `flow::provider!`.
//!
//! A value that a flow [provides](crate::Flow::provide) is in the memory of one process, and cannot be sent to another.
//! A constructor is part of the program, so each process calls it when a task asks for the value, once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::panics::Contained;
use crate::target::outside::Provide;
use crate::value::AnyValue;

/// The constructor of a type, which `flow::provider!` registers.
#[doc(hidden)]
pub struct Provider {
    pub id: fn() -> TypeId,
    pub make: fn() -> AnyValue,
}

inventory::collect!(Provider);

/// How plans ask a value that a flow provides: for example a database for the answer of a query.
///
/// A task that reads the answer through its context depends on it: see `Cx::__read_answer`.
#[doc(hidden)]
pub struct Answers {
    /// The type of the value.
    pub id: fn() -> TypeId,
    /// The name of the type, which is recorded.
    pub name: fn() -> &'static str,
    /// Returns the answer to a question. The empty question asks for the identity of the value.
    pub ask: fn(&(dyn Any + Send + Sync), &str) -> anyhow::Result<String>,
}

inventory::collect!(Answers);

impl Answers {
    /// Returns how values of a type are asked.
    pub(crate) fn of_type(of: TypeId) -> Option<&'static Self> {
        inventory::iter::<Self>.into_iter().find(|answers| (answers.id)() == of)
    }

    /// Returns how values of the type with a recorded name are asked.
    pub(crate) fn of_name(name: &str) -> Option<&'static Self> {
        inventory::iter::<Self>.into_iter().find(|answers| (answers.name)() == name)
    }
}

/// The values that a flow provides, and behind them those that registered constructors return.
#[derive(Default)]
pub(crate) struct ProvidedValues(pub(crate) Arc<HashMap<TypeId, Contained<AnyValue>>>);

impl Provide for ProvidedValues {
    fn find(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let given = self.0.get(&of).map(|given| &***given);
        given.or_else(|| value(of))
    }
}

/// Returns whether a constructor of a type is registered.
pub(crate) fn is_registered(of: TypeId) -> bool {
    inventory::iter::<Provider>.into_iter().any(|provider| (provider.id)() == of)
}

/// Returns the value of a type that its constructor returns, which is called once in a process.
///
/// The constructor is code of the user, and may panic. Then the next call calls it again.
pub(crate) fn value(of: TypeId) -> Option<&'static (dyn Any + Send + Sync)> {
    static MADE: Mutex<Option<HashMap<TypeId, &'static AnyValue>>> = Mutex::new(None);

    let provider =
        inventory::iter::<Provider>.into_iter().find(|provider| (provider.id)() == of)?;
    // The lock is held while the constructor is called, so that it is called once.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    let value = match made.get(&of) {
        Some(value) => value,
        None => {
            // It lives as long as the process, as tasks of any run may use it.
            let value: &'static AnyValue = Box::leak(Box::new((provider.make)()));
            made.insert(of, value);
            value
        }
    };
    Some(&**value)
}

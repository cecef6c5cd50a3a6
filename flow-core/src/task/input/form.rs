//! The inputs of a task, in the form of its `requires`.

use std::collections::BTreeMap;

use super::{Handle, Input};
use crate::task::Task;
use crate::task::param::Parameter;
use crate::task::requirement::{Form, MapKeys};
use crate::value::{self, Value};

/// The inputs of a task, in the form of its `requires`.
///
/// | `requires` | inputs |
/// | --- | --- |
/// | nothing | no handle |
/// | `= A` | [`Input<A>`](Input) |
/// | `(A, B)` | `(Input<A>, Input<B>)` |
/// | `(a = A, b = B)` | a struct with the fields `a` and `b` |
/// | `= [A for x in xs]` | `Vec<Input<A>>` |
/// | `= {k => A for k in ks}` | `BTreeMap<K, Input<A>>` |
/// | `= A if cond` | `Option<Input<A>>` |
pub trait Inputs: Sized + Send + Sync + 'static {
    /// Takes the next entries from `wires`.
    #[doc(hidden)]
    fn take(wires: &mut Wires<'_>) -> Self;
}

/// An iterator over the inputs of one instance, entry by entry.
#[doc(hidden)]
pub struct Wires<'a> {
    handle: &'a Handle,
    /// The number of entries that have been taken.
    entries: usize,
    /// The number of inputs that have been taken.
    inputs: usize,
}

impl<'a> Wires<'a> {
    pub(crate) fn new(handle: &'a Handle) -> Self {
        Self { handle, entries: 0, inputs: 0 }
    }

    fn input<A: Task>(&mut self) -> Input<A> {
        let place = self.inputs;
        self.inputs += 1;
        Input::new(self.handle.input(place))
    }

    fn entry(&mut self) -> (Form, usize) {
        let entry = self.handle.origin.entry(self.handle.node, self.entries);
        self.entries += 1;
        entry
    }
}

impl Inputs for () {
    fn take(_: &mut Wires<'_>) -> Self {}
}

impl<A: Task> Inputs for Input<A> {
    fn take(wires: &mut Wires<'_>) -> Self {
        wires.entry();
        wires.input()
    }
}

impl<A: Task> Inputs for Option<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (len == 1).then(|| wires.input())
    }
}

impl<A: Task> Inputs for Vec<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (0..len).map(|_| wires.input()).collect()
    }
}

impl<A: Task, M: Parameter + Ord> Inputs for BTreeMap<M, Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (form, _) = wires.entry();
        let Form::Map(keys) = form else { unreachable!("a map is required as a map") };
        keys_of::<M>(&*keys).into_iter().map(|key| (key, wires.input())).collect()
    }
}

/// Returns the keys of a map as values of their type.
///
/// In a child process, which has received them, they have no type yet. A key that cannot be read back fails the task.
fn keys_of<M: Parameter>(keys: &dyn MapKeys) -> Vec<M> {
    if let Some(keys) = keys.as_any().downcast_ref::<Vec<M>>() {
        return keys.clone();
    }
    let received: &Vec<Value> = keys.as_any().downcast_ref().expect("received as values");
    let key = |value: &Value| match value::from_value(value) {
        Ok(key) => key,
        Err(reason) => panic!("the key {value} of a map of inputs cannot be read back: {reason}"),
    };
    received.iter().map(key).collect()
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {
        $(
            tuples!($($rest)*);

            impl<$first: Inputs, $($rest: Inputs),*> Inputs for ($first, $($rest,)*) {
                fn take(wires: &mut Wires<'_>) -> Self {
                    ($first::take(wires), $($rest::take(wires),)*)
                }
            }
        )?
    };
}

tuples!(A B C D E F G H I J K L M N O P);

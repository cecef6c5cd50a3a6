//! Handles on outputs, and how the handles of a task's inputs take the form of its `requires`.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use crate::param::Parameter;
use crate::require::Form;
use crate::task::Task;

/// A handle on the output of one instance of the task `A`.
///
/// It is what [`Cx::input`](crate::Cx::input) gives for each task required, and what
/// `Flow::output` gives to everybody else.
pub struct Input<A> {
    of: PhantomData<fn() -> A>,
}

/// The inputs of a task, in the form in which they were required.
///
/// | `requires` | inputs |
/// | --- | --- |
/// | nothing | `()` |
/// | `= A` | [`Input<A>`](Input) |
/// | `(A, B)` | `(Input<A>, Input<B>)` |
/// | `(a = A, b = B)` | a struct with the fields `a` and `b` |
/// | `= [A for x in xs]` | `Vec<Input<A>>` |
/// | `= {k => A for k in ks}` | `BTreeMap<K, Input<A>>` |
/// | `= A if cond` | `Option<Input<A>>` |
pub trait Inputs: Sized + Send + Sync + 'static {
    /// Takes the next entries off `wires`.
    #[doc(hidden)]
    fn take(wires: &mut Wires<'_>) -> Self;
}

/// The inputs of one instance, entry by entry.
#[doc(hidden)]
pub struct Wires<'a> {
    pub(crate) entries: &'a [(Form, usize)],
}

impl Wires<'_> {
    fn next<A: Task>(&mut self) -> Input<A> {
        todo!()
    }

    fn entry(&mut self) -> (Form, usize) {
        let (first, rest) = self.entries.split_first().expect("an entry for each input");
        self.entries = rest;
        first.clone()
    }
}

impl Inputs for () {
    fn take(_: &mut Wires<'_>) -> Self {}
}

impl<A: Task> Inputs for Input<A> {
    fn take(wires: &mut Wires<'_>) -> Self {
        wires.entry();
        wires.next()
    }
}

impl<A: Task> Inputs for Option<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (len == 1).then(|| wires.next())
    }
}

impl<A: Task> Inputs for Vec<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (0..len).map(|_| wires.next()).collect()
    }
}

impl<A: Task, M: Parameter + Ord> Inputs for BTreeMap<M, Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (form, _) = wires.entry();
        let Form::Map(keys) = form else { unreachable!("a map is required as a map") };
        let keys: &Vec<M> = keys.as_any().downcast_ref().expect("keys of the map's type");
        keys.iter().map(|key| (key.clone(), wires.next())).collect()
    }
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

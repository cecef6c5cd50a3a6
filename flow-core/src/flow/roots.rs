//! Roots: what a plan starts from.

use crate::task::{Task, TaskType};

/// What a plan starts from: one task, or a tuple of tasks.
///
/// `flow.run::<(Train, Report)>()` makes one plan of both, in which what they share runs once.
pub trait Roots {
    #[doc(hidden)]
    fn types() -> Vec<&'static TaskType>;
}

impl<T: Task> Roots for T {
    fn types() -> Vec<&'static TaskType> {
        vec![TaskType::of::<T>()]
    }
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {
        $(
            tuples!($($rest)*);

            impl<$first: Task, $($rest: Task),*> Roots for ($first, $($rest,)*) {
                fn types() -> Vec<&'static TaskType> {
                    vec![TaskType::of::<$first>(), $(TaskType::of::<$rest>()),*]
                }
            }
        )?
    };
}

tuples!(A B C D E F G H I J K L);

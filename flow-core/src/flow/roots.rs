//! The roots of a plan.

use crate::task::{Task, TaskType};

/// The roots of a plan: one task, or a tuple of tasks.
///
/// `flow.run::<(Train, Report)>()` builds one plan for both tasks, in which shared dependencies run once.
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

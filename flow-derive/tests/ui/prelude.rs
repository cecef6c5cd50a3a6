// What the cases of this folder have in common: a target that costs nothing.

#![allow(unused_imports)]

pub use std::path::PathBuf;

pub use flow::__private::anyhow::Result;
pub use flow::target::{Sink, Source};
pub use flow::{Code, Cx, File, Input, Memory, Output, Outputs, Param, Run, Secret};
pub use flow::{Loaded, Target, Task, Tracked, task, tracked};

/// Keeps nothing, of any type.
pub struct Keep<T> {
    pub level: u8,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T> Default for Keep<T> {
    fn default() -> Self {
        Self { level: 0, of: std::marker::PhantomData }
    }
}

impl<T> Keep<T> {
    pub fn level(self, level: u8) -> Self {
        Self { level, ..self }
    }
}

impl<T: Send + Sync + 'static> Target for Keep<T> {
    type Value = T;
    const EXTENSION: &'static str = "none";
    const CODE: Code = Code::version(1);

    fn save(&self, _: &T, _: &mut Sink<'_>) -> Result<()> {
        Ok(())
    }

    fn load(&self, _: &Source) -> Result<T> {
        Err(flow::__private::anyhow::anyhow!("nothing is kept"))
    }
}

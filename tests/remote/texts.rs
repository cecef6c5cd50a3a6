//! A workflow with many small outputs, and stores and remotes for it.

use std::sync::Arc;

use flow::prelude::*;
use flow::remote::ObjectRemote;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tempfile::TempDir;

use crate::faulty::{Faults, Faulty};

/// A small output.
#[derive(Task)]
#[task(target = Json<String>)]
pub(crate) struct Text {
    n: u64,
}

#[tracked]
impl Run for Text {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        Ok(format!("This is text {} of many.", self.n))
    }
}

/// The number of characters of all texts.
#[derive(Task)]
#[task(requires = [Text { n } for n in 0..self.count], target = Json<usize>)]
pub(crate) struct Length {
    #[param(local, default = 50)]
    count: u64,
}

#[tracked]
impl Run for Length {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        let mut length = 0;
        for text in cx.input() {
            length += text.load()?.len();
        }
        Ok(length)
    }
}

/// A folder for stores, and a remote in memory.
pub(crate) struct Team {
    pub(crate) folder: TempDir,
    store: Faulty,
    pub(crate) objects: Arc<dyn ObjectStore>,
}

impl Team {
    pub(crate) fn new() -> Result<Self> {
        Self::on(Arc::new(InMemory::new()))
    }

    pub(crate) fn on(objects: Arc<dyn ObjectStore>) -> Result<Self> {
        let (folder, store) = (tempfile::tempdir()?, Faulty::new(Arc::clone(&objects)));
        Ok(Self { folder, store, objects })
    }

    /// Opens the remote anew, as another process does.
    pub(crate) fn remote(&self) -> ObjectRemote {
        ObjectRemote::on(Arc::new(self.store.clone()), "team/texts", "memory:team/texts")
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.store.faults
    }

    /// Opens a store by its name.
    pub(crate) fn flow(&self, name: &str) -> Result<Flow> {
        Ok(Flow::open(self.folder.path().join(name))?.quiet().workers(2))
    }

    /// Returns a store with the outputs of [`Length`].
    pub(crate) fn complete(&self, count: u64) -> Result<Flow> {
        let flow = self.flow("made")?.with(Length::COUNT, count);
        flow.run::<Length>()?;
        Ok(flow)
    }

    /// Returns a store without outputs.
    pub(crate) fn empty(&self, name: &str, count: u64) -> Result<Flow> {
        Ok(self.flow(name)?.with(Length::COUNT, count))
    }
}

/// Asserts that a store has the outputs of [`Length`], and that a run does nothing.
pub(crate) fn assert_complete(flow: &Flow) -> Result<()> {
    let lengths = flow.graph::<Length>().outputs::<Text>()?;
    let mut length = 0;
    for text in &lengths {
        length += text.load()?.len();
    }
    assert_eq!(*flow.load::<Length>()?, length);
    assert!(flow.run::<Length>()?.ran().is_empty());
    Ok(())
}

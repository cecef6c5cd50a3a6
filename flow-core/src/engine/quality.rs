//! Reports outputs that do not meet expectations which only warn: as an event, and in the summary of the run.
//!
//! An expectation that fails the task is the error of the task.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::engine::Execution;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::plan::warning::Warning;
use crate::report::event::Event;
use crate::store::Folder;
use crate::store::record::Meta;
use crate::store::rejected::REJECTED;
use crate::task::expectation::Quality;

impl Execution {
    /// Reports the violated expectations on a new output, if there are any.
    pub(super) fn report_quality(&self, node: NodeIndex, folder: &Folder, meta: &Meta) {
        let Some(quality) = Quality::of(meta) else { return };
        let Some(mut message) = quality.warning() else { return };
        let rejected = quality.rejected();
        self.reporter.emit(|| Event::NotAsExpected {
            instance: Instance { plan: Arc::clone(&self.plan), node },
            message: message.clone(),
            rejected,
        });
        if quality.rejected_digest.is_some() {
            let path = self.plan.store.path(folder, REJECTED);
            message.push_str(&format!(" (rejected rows: {})", path.display()));
        }
        let instance = self.plan.graph.label(node, Show::Clipped);
        let warning = Warning::NotAsExpected { instance, message, rejected };
        self.session.warnings.lock().expect("lock poisoned").push(warning);
    }
}

//! A plan as the [`Origin`] of handles: it finds outputs as the plan has judged them.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::files::Contents;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::store::made::Made;
use crate::store::record::Record;
use crate::store::{Found, Store};
use crate::target::Provided;
use crate::task::error::LoadErrorKind;
use crate::task::input::Origin;
use crate::task::requirement::Form;
use crate::task::{Kind, TaskType};

impl Origin for Plan {
    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn task_type(&self, node: NodeIndex) -> &'static TaskType {
        self.graph.task(node).task
    }

    fn parameter(&self, node: NodeIndex, place: usize) -> &dyn Any {
        self.graph.field(node, place)
    }

    fn kind(&self, node: NodeIndex) -> Kind {
        self.graph.kind(node)
    }

    fn label(&self, node: NodeIndex, in_full: bool) -> String {
        self.graph.label(node, if in_full { Show::Full } else { Show::Clipped })
    }

    fn inputs(&self, node: NodeIndex) -> &[NodeIndex] {
        self.graph.inputs(node)
    }

    fn entries(&self, node: NodeIndex) -> usize {
        self.graph.entries(node).len()
    }

    fn entry(&self, node: NodeIndex, place: usize) -> (Form, usize) {
        let (_, form, len) = &self.graph.entries(node)[place];
        (form.clone(), *len as usize)
    }

    fn task(&self, node: NodeIndex) -> &dyn Any {
        let (instances, instance) = self.graph.instances_of(node);
        instances.get(instance)
    }

    fn parameters_digest(&self, node: NodeIndex) -> Digest {
        self.graph.parameters_digest(node, &self.store)
    }

    fn external(&self, node: NodeIndex) -> &Path {
        self.graph.external(node)
    }

    fn provided(&self) -> Provided {
        self.provided_values()
    }

    fn made(&self, node: NodeIndex) -> Result<Arc<Made>, LoadErrorKind> {
        let (graph, store) = (&self.graph, &self.store);
        let known = self.verdicts.digest(node);
        if graph.kind(node) != Kind::Made {
            let digest = known.ok_or(LoadErrorKind::Gone)?;
            return Ok(Arc::new(graph.not_made(node, digest)));
        }
        if let Some(kept) = self.verdicts.kept(node) {
            if let Some(bring) = &kept.bring {
                return Ok(Arc::new(self.bring(node, kept, bring)?));
            }
            let made = Made::new(kept.folder.clone(), Record::clone(&kept.record));
            return Ok(Arc::new(Made { from: kept.from.clone(), ..made }));
        }
        let folder = graph.folder(node, store)?;
        let record = match store.record(&folder, graph.node(node).key)? {
            Found::Record(record) => *record,
            Found::Nothing => return Err(LoadErrorKind::Gone),
            Found::Damaged(why) => {
                return Err(LoadErrorKind::Record { reason: why.to_string() });
            }
        };
        if known != Some(record.output.digest) {
            return Err(LoadErrorKind::Changed);
        }
        Ok(Arc::new(Made::new(folder, record)))
    }
}

//! The instances of a message, as the [`Origin`] of handles: the task that runs, its inputs, and what it has required.

use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, anyhow};
use daggy::NodeIndex;

use crate::base::fs::Disk;
use crate::base::key::Digest;
use crate::base::panics::{self, Contained};
use crate::engine::executor::process::message::{
    EntryMessage, FormMessage, MadeMessage, MissingMessage, NodeMessage, StoreAt,
};
use crate::files::Contents;
use crate::store::Store;
use crate::store::made::Made;
use crate::task::error::LoadErrorKind;
use crate::task::input::{Origin, RunOutputs};
use crate::task::instances::Instance;
use crate::task::param::Values;
use crate::task::requirement::{Form, ReceivedKeys};
use crate::task::{Kind, TaskType, registry};
use crate::value::{AnyValue, Value};

/// The stores that this process has opened.
#[derive(Default)]
pub(super) struct Stores(Mutex<HashMap<StoreAt, Arc<Store>>>);

impl Stores {
    /// Returns a store, which is opened at the first call.
    pub(super) fn get(&self, at: &StoreAt) -> Arc<Store> {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores.entry(at.clone()).or_insert_with(|| {
            let (opened, root) = (at.opened.to_path(), at.root.to_path());
            let store = Store::within(&opened, root, Arc::new(Disk));
            Arc::new(if at.checks_content { store.checking_content() } else { store })
        });
        Arc::clone(store)
    }
}

/// The instances of one message.
pub(super) struct Received {
    store: Arc<Store>,
    nodes: Vec<Node>,
}

/// One instance.
struct Node {
    task: &'static TaskType,
    message: NodeMessage,
    inputs: Vec<NodeIndex>,
    external: Option<PathBuf>,
    made: Option<Result<Arc<Made>, MissingMessage>>,
    /// The task with its parameters, which is built when it is needed.
    instance: OnceLock<Result<Contained<Box<dyn Instance>>, String>>,
}

impl Received {
    /// Returns the instances of a message.
    ///
    /// # Errors
    ///
    /// This program does not know the type of a task.
    pub(super) fn new(
        store: &Arc<Store>,
        stores: &Stores,
        nodes: Vec<NodeMessage>,
    ) -> anyhow::Result<Arc<Self>> {
        let nodes = nodes.into_iter().map(|node| Node::new(stores, node));
        let nodes = nodes.collect::<anyhow::Result<_>>()?;
        Ok(Arc::new(Self { store: Arc::clone(store), nodes }))
    }

    fn node(&self, node: NodeIndex) -> &Node {
        &self.nodes[node.index()]
    }

    /// Builds the task of an instance.
    ///
    /// # Errors
    ///
    /// A parameter cannot be read back, or is another one then.
    pub(super) fn build(&self, node: NodeIndex) -> anyhow::Result<&dyn Any> {
        match self.node(node).instance() {
            Ok(instance) => Ok(instance.task()),
            Err(error) => Err(anyhow!("{error}")),
        }
    }

    /// Returns the task that an instance is of.
    pub(super) fn task_of(&self, node: NodeIndex) -> &'static TaskType {
        self.node(node).task
    }
}

impl Node {
    fn new(stores: &Stores, mut message: NodeMessage) -> anyhow::Result<Self> {
        let task = registry::of_type(&message.task)
            .with_context(|| format!("this program does not know the type of {}", message.label))?;
        let made = message.made.take().map(|made| made.map(|made| found(stores, made)));
        Ok(Self {
            task,
            inputs: message.inputs.iter().map(|&place| NodeIndex::new(place as usize)).collect(),
            external: message.external.as_ref().map(|path| path.to_path()),
            made,
            instance: OnceLock::new(),
            message,
        })
    }

    fn instance(&self) -> Result<&dyn Instance, &str> {
        let built = self.instance.get_or_init(|| {
            let values = self.values()?;
            let build = || (self.task.build)(&Values(&values));
            Ok(Contained::new(panics::catch(build)?))
        });
        built.as_ref().map(|instance| &***instance).map_err(String::as_str)
    }

    /// Reads the values of the parameters.
    fn values(&self) -> Result<Vec<AnyValue>, String> {
        let value = |(param, sent): (&crate::task::param::ParamDecl, &serde_json::Value)| {
            let label = &self.message.label;
            let wrong = |why: &dyn std::fmt::Display| {
                format!(
                    "parameter `{}` of {label} cannot be sent to a child process: {why}",
                    param.name
                )
            };
            let sent = Value::from_stored(sent).ok_or_else(|| wrong(&"its value is damaged"))?;
            let value = (param.kind.from_value)(&sent).map_err(|error| wrong(&error))?;
            let again = (param.kind.to_value)(&*value).map_err(|error| wrong(&error))?;
            match again == sent {
                true => Ok(value),
                false => Err(wrong(&"read back, it is serialized as something else")),
            }
        };
        self.task.params.iter().zip(&self.message.parameters).map(value).collect()
    }
}

/// Returns an output where the parent has found it.
fn found(stores: &Stores, made: MadeMessage) -> Arc<Made> {
    let MadeMessage { folder, output, meta, fingerprint, from } = made;
    let from = from.map(|from| stores.get(&from));
    Arc::new(Made { folder: folder.to_path(), output, meta, fingerprint, from })
}

impl Origin for Received {
    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn contents(&self) -> &Contents {
        self.store.contents()
    }

    fn task_type(&self, node: NodeIndex) -> &'static TaskType {
        self.node(node).task
    }

    fn parameter(&self, node: NodeIndex, place: usize) -> &dyn Any {
        // The parent describes instances, and a child does not.
        self.node(node).instance().map_or(&(), |instance| instance.field(place))
    }

    fn kind(&self, node: NodeIndex) -> Kind {
        self.node(node).message.kind
    }

    fn label(&self, node: NodeIndex, in_full: bool) -> String {
        let NodeMessage { label, full_label, .. } = &self.node(node).message;
        full_label.as_ref().filter(|_| in_full).unwrap_or(label).clone()
    }

    fn inputs(&self, node: NodeIndex) -> &[NodeIndex] {
        &self.node(node).inputs
    }

    fn entries(&self, node: NodeIndex) -> usize {
        self.node(node).message.entries.len()
    }

    fn entry(&self, node: NodeIndex, place: usize) -> (Form, usize) {
        let EntryMessage { form, len } = &self.node(node).message.entries[place];
        let form = match form {
            FormMessage::One => Form::One,
            FormMessage::Optional => Form::Optional,
            FormMessage::List => Form::List,
            FormMessage::Map(keys) => {
                let keys = keys.iter().map(|key| Value::from_stored(key).unwrap_or(Value::Unit));
                Form::Map(Arc::new(ReceivedKeys(keys.collect())))
            }
        };
        (form, *len)
    }

    /// Panics with a message if a parameter cannot be read back, which fails the task that asks for it.
    fn task(&self, node: NodeIndex) -> &dyn Any {
        match self.node(node).instance() {
            Ok(instance) => instance.task(),
            Err(error) => panic!("{error}"),
        }
    }

    fn parameters_digest(&self, node: NodeIndex) -> Digest {
        self.node(node).message.parameters_digest
    }

    fn external(&self, node: NodeIndex) -> &Path {
        self.node(node).external.as_deref().unwrap_or(Path::new(""))
    }

    fn made(&self, node: NodeIndex) -> Result<Arc<Made>, LoadErrorKind> {
        match &self.node(node).made {
            Some(Ok(made)) => Ok(Arc::clone(made)),
            Some(Err(MissingMessage::Changed)) => Err(LoadErrorKind::Changed),
            Some(Err(MissingMessage::Record(reason))) => {
                Err(LoadErrorKind::Record { reason: reason.clone() })
            }
            Some(Err(MissingMessage::Gone)) | None => Err(LoadErrorKind::Gone),
        }
    }
}

/// Values stay in the process that has them: each load in a child reads the file.
impl RunOutputs for Received {
    fn made(&self, _: NodeIndex) -> Option<Arc<Made>> {
        None
    }

    fn value(&self, _: NodeIndex) -> Option<AnyValue> {
        None
    }

    fn share(&self, _: NodeIndex, _: &AnyValue) {}
}

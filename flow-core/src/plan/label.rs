//! What an instance is called: `Train {model: Logistic, Preprocess.do_preprocess: false}`.
//!
//! A task shows its own parameters and, as `Task.parameter`, those that its requirements draw
//! from outside it and that differ from their defaults.

use std::collections::BTreeMap;

use daggy::NodeIndex;

use crate::plan::Graph;
use crate::plan::draws::Draw;
use crate::plan::resolve::param_value;
use crate::store::error::StoreError;
use crate::store::record::MadeFrom;
use crate::store::{Folder, Store};
use crate::value::Value;

/// How much of a parameter list a line shows, in characters.
const CLIPPED: usize = 100;

/// How much of the parameters is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them, whole.
    Full,
    /// As many as fit on a line.
    #[default]
    Clipped,
    /// None: only the name of the task.
    Hidden,
}

impl Graph {
    /// The parameters that an instance shows, by name, its own first.
    pub(crate) fn shown(&self, node: NodeIndex) -> Vec<(String, Value)> {
        let mut shown: Vec<_> =
            self.own(node).map(|(name, value)| (name.to_owned(), value)).collect();
        shown.extend(self.drawn(node, false));
        shown
    }

    /// All parameters that are in an instance's key, by name.
    pub(crate) fn all_parameters(&self, node: NodeIndex) -> BTreeMap<String, Value> {
        let own = self.own(node).map(|(name, value)| (name.to_owned(), value));
        own.chain(self.drawn(node, true)).collect()
    }

    /// All parameters that are in an instance's key, as its record has them.
    pub(crate) fn recorded_parameters(
        &self,
        node: NodeIndex,
    ) -> BTreeMap<String, serde_json::Value> {
        let parameters = self.all_parameters(node).into_iter();
        let json = |value: Value| serde_json::to_value(&value).unwrap_or(value.to_string().into());
        parameters.map(|(name, value)| (name, json(value))).collect()
    }

    /// Adds what each input is, for people.
    pub(crate) fn with_labels(&self, node: NodeIndex, mut made_from: MadeFrom) -> MadeFrom {
        for (input, &required) in made_from.inputs.iter_mut().zip(self.inputs(node)) {
            input.instance = self.label(required, Show::Clipped);
        }
        made_from
    }

    fn own(&self, node: NodeIndex) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        let entry = self.task(node);
        let instance = self.node(node).instance;
        entry.task.params.iter().enumerate().map(move |(place, param)| {
            let field = entry.instances.field(instance, place);
            // A value without this form has no key either, and was refused.
            let value = param_value(&entry.decl.name, param, field).unwrap_or(Value::None);
            (param.name, value)
        })
    }

    fn drawn(&self, node: NodeIndex, defaults: bool) -> Vec<(String, Value)> {
        let draws = self.draws.set(self.node(node).draws);
        let is_shown = |draw: &Draw<'_>| match defaults {
            true => !draw.is_inherited,
            false => !draw.is_implied,
        };
        let shown = draws.filter(is_shown).map(|draw| {
            let entry = self.types.get(draw.task);
            let name = format!("{}.{}", entry.decl.name, entry.param(draw.param).name);
            (name, draw.value.clone())
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by(|(a, _), (b, _)| a.cmp(b));
        shown.dedup();
        shown
    }

    /// The parameters in braces, or nothing if there are none to show.
    pub(crate) fn parameters_text(&self, node: NodeIndex, show: Show) -> String {
        let shown = match show {
            Show::Hidden => return String::new(),
            Show::Full | Show::Clipped => self.shown(node),
        };
        if shown.is_empty() {
            return String::new();
        }
        let text = shown.iter().map(|(name, value)| format!("{name}: {value}"));
        let text = text.collect::<Vec<_>>().join(", ");
        match text.char_indices().nth(CLIPPED) {
            Some((end, _)) if show == Show::Clipped => format!("{{{}…}}", &text[..end]),
            _ => format!("{{{text}}}"),
        }
    }

    /// The name of the task and its parameters.
    pub(crate) fn label(&self, node: NodeIndex, show: Show) -> String {
        let name = &self.task(node).decl.name;
        match self.parameters_text(node, show).as_str() {
            "" => name.to_string(),
            parameters => format!("{name} {parameters}"),
        }
    }

    /// The role of each input: the name of its entry, or its place among several, with the key or place of an item.
    pub(crate) fn roles(&self, node: NodeIndex) -> Vec<String> {
        use crate::require::Form;

        let mut roles = Vec::with_capacity(self.inputs(node).len());
        let several = self.entries(node).len() > 1;
        for (place, (role, form, len)) in self.entries(node).iter().enumerate() {
            // One of several without names is known by its place, whether or not another is there.
            let role = match *role {
                "" if several => place.to_string(),
                role => role.to_owned(),
            };
            roles.extend((0..*len as usize).map(|item| match form {
                Form::One | Form::Optional => role.clone(),
                Form::List => format!("{role}[{item}]"),
                Form::Map(keys) => format!("{role}[{}]", keys.text(item)),
            }));
        }
        roles
    }

    /// Where the instance lies in the store, or would.
    pub(crate) fn folder(&self, node: NodeIndex, store: &Store) -> Result<Folder, StoreError> {
        let task = &self.task(node).folder;
        let key = self.node(node).key;
        if let Some(found) = store.listed(task, key.short())? {
            return Ok(found);
        }
        let shown: Vec<_> =
            self.shown(node).into_iter().map(|(name, value)| (name, value.to_string())).collect();
        let shown = shown.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(store.new_folder(task, shown, key))
    }
}

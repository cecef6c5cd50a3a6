//! Labels of instances: `Train {model: Logistic, Preprocess.do_preprocess: false}`.
//!
//! A label has the task's own parameters and, as `Task.parameter`, those that its dependencies draw from
//! outside it and that differ from the value that they would have if none reached them. That value is the
//! default or, if the nearest task downstream with a parameter of that name passes a value on, this value.
//! Parameters that are the same through `from` are shown once. The order of the parameters, and how much of
//! them is shown, is up to the [`view`](super::view).

use std::collections::{BTreeMap, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::plan::Graph;
use crate::plan::alias::source_id;
use crate::plan::draws::Draw;
use crate::plan::param_value::param_value;
use crate::plan::view::View;
use crate::store::record::{FORMAT, MadeFrom, RecordedInstance};
use crate::store::{Folder, Store};
use crate::task::param::{ParamDecl, ParamId};
use crate::value::{Value, shortened};

/// The maximum length of the JSON of a task's own parameter in a record, in bytes.
const OWN: usize = 1 << 20;

/// The maximum length of the JSON of a parameter upstream in a record, in bytes.
const UPSTREAM: usize = 1 << 10;

/// The length to which longer values are cut in a record, in characters.
const SHORTENED: usize = 100;

/// How much of the parameters is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All parameters, in full.
    Full,
    /// The parameters that distinguish the instance, and as many more as fit on a line.
    ///
    /// Long values are shortened.
    #[default]
    Clipped,
    /// Only the name of the task.
    Hidden,
}

/// A parameter that an instance may show.
pub(crate) struct Shown {
    /// `model`, or `Preprocess.scale` if it is drawn from outside.
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) id: ParamId,
    pub(crate) is_own: bool,
    pub(crate) is_default: bool,
    /// Whether it is the same, through `from`, as another parameter that is shown.
    pub(crate) is_another: bool,
    /// Whether it equals a value of the same name downstream, which it would inherit.
    pub(crate) is_inherited: bool,
    /// Whether it has the value that it would have if no value reached it.
    is_implied: bool,
}

impl Shown {
    /// Returns whether it is shown even if nothing depends on it.
    pub(crate) fn is_usual(&self) -> bool {
        self.is_own || !(self.is_implied || self.is_another)
    }
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|_| value.to_string().into())
}

impl Graph {
    /// Returns the view of this graph, which is computed at the first call.
    pub(crate) fn view(&self) -> &View {
        self.view.get_or_init(|| {
            let view = View::of([self]);
            if self.is_in_run { view.in_part() } else { view }
        })
    }

    /// Returns the label of an instance beside the other instances of this graph.
    pub(crate) fn label(&self, node: NodeIndex, show: Show) -> String {
        match show {
            Show::Hidden => self.task(node).decl.name.to_string(),
            Show::Full | Show::Clipped => self.view().label(self, node, show),
        }
    }

    /// Returns the first eight digits of the key.
    pub(crate) fn digits(&self, node: NodeIndex) -> String {
        self.node(node).key.short().to_string()[..8].to_owned()
    }

    /// Returns all parameters that an instance may show: its own, then the drawn ones by name.
    pub(crate) fn all_shown(&self, node: NodeIndex) -> Vec<Shown> {
        let entry = self.task(node);
        let own = entry.task.params.iter().enumerate().map(|(place, param)| Shown {
            name: param.name.to_owned(),
            value: self.own_value(node, place),
            id: ParamId::new(entry.task, place),
            is_own: true,
            is_default: self.node(node).is_default(place),
            is_another: false,
            is_inherited: false,
            is_implied: false,
        });
        let own: Vec<_> = own.collect();
        let names = self.types.names(self.node(node).task).iter().enumerate();
        let by_name: HashMap<_, _> = names.map(|(place, name)| (name, place)).collect();
        let draws = || self.draws.set(self.node(node).draws);
        // Implied draws are not shown, and so must not hide another parameter.
        let all = draws().filter(|draw| !draw.is_implied);
        let all: HashSet<_> = all.map(|draw| (self.drawn_id(&draw), draw.digest)).collect();
        let drawn = draws().map(|draw| {
            let drawn_type = self.types.get(draw.task);
            let (id, origin) = (self.drawn_id(&draw), source_id(drawn_type.task, draw.param));
            let same = by_name.get(&self.types.names(draw.task)[draw.param]);
            let same = same.filter(|&&place| own[place].value == *draw.value);
            let is_own = same.is_some_and(|&place| source_id(entry.task, place) == origin);
            Shown {
                name: format!("{}.{}", drawn_type.decl.name, drawn_type.param(draw.param).name),
                value: draw.value.clone(),
                id,
                is_own: false,
                is_default: draw.is_implied && !draw.is_inherited,
                // Of several parameters that are the same through `from`, the source is shown.
                is_another: is_own || origin != id && all.contains(&(origin, draw.digest)),
                is_inherited: draw.is_inherited,
                is_implied: draw.is_implied,
            }
        });
        let mut drawn: Vec<_> = drawn.collect();
        drawn.sort_by(|a, b| a.name.cmp(&b.name));
        drawn.dedup_by(|a, b| a.id == b.id && a.value == b.value);
        own.into_iter().chain(drawn).collect()
    }

    /// Returns the parameters that an instance shows if the other instances are unknown, its own first.
    pub(crate) fn shown(&self, node: NodeIndex) -> Vec<(String, Value)> {
        let shown = self.all_shown(node).into_iter().filter(Shown::is_usual);
        shown.map(|parameter| (parameter.name, parameter.value)).collect()
    }

    /// Returns the parameters in the name of an instance's folder or export.
    ///
    /// The task's own parameters that differ from their defaults come first, then the drawn ones, then the
    /// rest.
    pub(crate) fn shown_in_folder(&self, node: NodeIndex) -> Vec<Shown> {
        let mut shown = self.all_shown(node);
        shown.retain(Shown::is_usual);
        shown.sort_by_key(|parameter| match (parameter.is_own, parameter.is_default) {
            (true, false) => 0,
            (false, _) => 1,
            (true, true) => 2,
        });
        shown
    }

    /// Returns all parameters that are in an instance's key, by name.
    pub(crate) fn all_parameters(&self, node: NodeIndex) -> BTreeMap<String, Value> {
        let all = self.all_shown(node).into_iter().filter(|one| !one.is_inherited);
        all.map(|one| (one.name, one.value)).collect()
    }

    /// Returns all parameters that are in an instance's key, as its record has them.
    ///
    /// Long values of parameters upstream and very long values of own parameters are shortened.
    pub(crate) fn recorded_parameters(
        &self,
        node: NodeIndex,
    ) -> BTreeMap<String, serde_json::Value> {
        let recorded = |one: Shown| {
            let json = json(&one.value);
            let limit = if one.is_own { OWN } else { UPSTREAM };
            let json = match json.to_string().len() <= limit {
                true => json,
                false => shortened(&one.value.to_string(), SHORTENED).into(),
            };
            (one.name, json)
        };
        let all = self.all_shown(node).into_iter().filter(|one| !one.is_inherited);
        all.map(recorded).collect()
    }

    /// Returns all parameters that are in an instance's key, in JSON.
    pub(crate) fn whole_parameters(&self, node: NodeIndex) -> BTreeMap<String, serde_json::Value> {
        let parameters = self.all_parameters(node).into_iter();
        parameters.map(|(name, value)| (name, json(&value))).collect()
    }

    /// Returns what a record of today's format says about an instance with this fingerprint and its parts.
    ///
    /// Each input gets the label and the key of its instance.
    pub(crate) fn recorded(
        &self,
        node: NodeIndex,
        mut made_from: MadeFrom,
        fingerprint: Digest,
    ) -> RecordedInstance {
        for (input, &required) in made_from.inputs.iter_mut().zip(self.inputs(node)) {
            input.instance = self.label_alone(required);
            input.of = Some(self.node(required).key);
        }
        RecordedInstance {
            format: FORMAT,
            task: self.task(node).decl.name.to_string(),
            key: self.node(node).key,
            parameters: self.recorded_parameters(node),
            fingerprint,
            made_from,
        }
    }

    /// Returns the value of one of the task's own parameters.
    pub(crate) fn own_value(&self, node: NodeIndex, place: usize) -> Value {
        let entry = self.task(node);
        let field = self.field(node, place);
        // A value that cannot be converted has no key either, and was refused by the builder.
        param_value(&entry.decl.name, entry.param(place), field).unwrap_or(Value::None)
    }

    /// Returns the declaration of a parameter, if its task is in this graph.
    pub(crate) fn param(&self, ParamId { task, place }: ParamId) -> Option<&'static ParamDecl> {
        Some(self.types.get(self.types.find(task)?).param(place))
    }

    /// Returns the parameter that a draw belongs to.
    pub(crate) fn drawn_id(&self, draw: &Draw<'_>) -> ParamId {
        ParamId::new(self.types.get(draw.task).task, draw.param)
    }

    /// Returns the folder of the instance in the store, which may not exist yet.
    pub(crate) fn folder(&self, node: NodeIndex, store: &Store) -> Result<Folder, StoreError> {
        let task = &self.task(node).folder;
        let key = self.node(node).key;
        if let Some(found) = store.listed(task, key.short())? {
            return Ok(found);
        }
        let shown = self.shown_in_folder(node).into_iter();
        let shown: Vec<_> = shown.map(|one| (one.name, one.value.to_string())).collect();
        let shown = shown.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(store.new_folder(task, shown, key))
    }
}

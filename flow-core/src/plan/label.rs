//! What an instance is called: `Train {model: Logistic, Preprocess.do_preprocess: false}`.
//!
//! A task shows its own parameters and, as `Task.parameter`, those that its requirements draw
//! from outside it and that differ from what they have if no value reaches them: their defaults or, below a
//! task with a value of that name, this value. A parameter that is another one, through `from`, is shown
//! once. Which come first, and how much is shown, is up to the
//! [`view`](super::view).

use std::collections::{BTreeMap, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Graph;
use crate::plan::draws::Draw;
use crate::plan::resolve::param_value;
use crate::plan::types::source;
use crate::plan::view::{ParameterId, View};
use crate::store::record::MadeFrom;
use crate::store::{Folder, Store};
use crate::task::TaskType;
use crate::task::param::ParamDecl;
use crate::value::{Value, shortened};

/// How long the JSON of one of the task's own parameters may be in a record, in bytes.
const OWN: usize = 1 << 20;

/// How long the JSON of a parameter of a task upstream may be in a record, in bytes.
const UPSTREAM: usize = 1 << 10;

/// How much a record has of a longer one, in characters.
const SHORTENED: usize = 100;

/// How much of the parameters is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them, whole.
    Full,
    /// Those that tell an instance from the others that are shown, and as many more as fit on a line.
    /// Long values are shortened.
    #[default]
    Clipped,
    /// None: only the name of the task.
    Hidden,
}

/// A parameter that an instance may show.
pub(crate) struct Shown {
    /// `model`, or `Preprocess.scale` of one that is drawn from outside.
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) id: ParameterId,
    pub(crate) is_own: bool,
    pub(crate) is_default: bool,
    /// Whether it is another one that is shown, through `from`.
    pub(crate) is_another: bool,
    /// Whether it has the value of the same name of a task downstream, which it would inherit.
    pub(crate) is_inherited: bool,
    /// Whether it has the value that it would have if no value reached it.
    is_implied: bool,
}

impl Shown {
    /// Whether it is shown although nothing depends on it.
    pub(crate) fn is_usual(&self) -> bool {
        self.is_own || !(self.is_implied || self.is_another)
    }
}

/// The parameter that one is, through `from`, or it itself.
fn origin_id(task: &'static TaskType, place: usize) -> ParameterId {
    let (task, place) = source(task, place);
    ((task.id)(), place)
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|_| value.to_string().into())
}

impl Graph {
    /// What tells the instances of this graph apart, which is found out when it is first asked for.
    pub(crate) fn view(&self) -> &View {
        self.view.get_or_init(|| {
            let view = View::of([self]);
            if self.is_in_run { view.in_part() } else { view }
        })
    }

    /// The name of the task and its parameters, beside the other instances of this graph.
    pub(crate) fn label(&self, node: NodeIndex, show: Show) -> String {
        match show {
            Show::Hidden => self.task(node).decl.name.to_string(),
            Show::Full | Show::Clipped => self.view().label(self, node, show),
        }
    }

    /// The first digits of the key.
    pub(crate) fn digits(&self, node: NodeIndex) -> String {
        self.node(node).key.short().to_string()[..8].to_owned()
    }

    /// All parameters that an instance may show: its own, then those that are drawn, by name.
    pub(crate) fn all_shown(&self, node: NodeIndex) -> Vec<Shown> {
        let entry = self.task(node);
        let task = (entry.task.id)();
        let own = entry.task.params.iter().enumerate().map(|(place, param)| Shown {
            name: param.name.to_owned(),
            value: self.own_value(node, place),
            id: (task, place),
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
        // What is implied is not shown, so that nothing else is left out for it.
        let all = draws().filter(|draw| !draw.is_implied);
        let all: HashSet<_> = all.map(|draw| (self.drawn_id(&draw), draw.digest)).collect();
        let drawn = draws().map(|draw| {
            let of = self.types.get(draw.task);
            let (id, origin) = (self.drawn_id(&draw), origin_id(of.task, draw.param));
            let same = by_name.get(&self.types.names(draw.task)[draw.param]);
            let same = same.filter(|&&place| own[place].value == *draw.value);
            let is_own = same.is_some_and(|&place| origin_id(entry.task, place) == origin);
            Shown {
                name: format!("{}.{}", of.decl.name, of.param(draw.param).name),
                value: draw.value.clone(),
                id,
                is_own: false,
                is_default: draw.is_implied && !draw.is_inherited,
                // Of several that are one, the one that the others are is shown.
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

    /// The parameters that an instance shows if nothing is known of others, its own first.
    pub(crate) fn shown(&self, node: NodeIndex) -> Vec<(String, Value)> {
        let shown = self.all_shown(node).into_iter().filter(Shown::is_usual);
        shown.map(|parameter| (parameter.name, parameter.value)).collect()
    }

    /// The parameters in the name of an instance's folder or export, with their texts: its own that are not
    /// the default, then those that are drawn, then the others.
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

    /// All parameters that are in an instance's key, by name.
    pub(crate) fn all_parameters(&self, node: NodeIndex) -> BTreeMap<String, Value> {
        let all = self.all_shown(node).into_iter().filter(|one| !one.is_inherited);
        all.map(|one| (one.name, one.value)).collect()
    }

    /// All parameters that are in an instance's key, as its record has them: a long one is only whole in
    /// the records of its own task, and a very long one nowhere.
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

    /// All parameters that are in an instance's key, in JSON.
    pub(crate) fn whole_parameters(&self, node: NodeIndex) -> BTreeMap<String, serde_json::Value> {
        let parameters = self.all_parameters(node).into_iter();
        parameters.map(|(name, value)| (name, json(&value))).collect()
    }

    /// Adds which instance each input is: its label and its key.
    pub(crate) fn with_labels(&self, node: NodeIndex, mut made_from: MadeFrom) -> MadeFrom {
        for (input, &required) in made_from.inputs.iter_mut().zip(self.inputs(node)) {
            input.instance = self.label_alone(required);
            input.of = Some(self.node(required).key);
        }
        made_from
    }

    /// The value of one of the task's own parameters.
    pub(crate) fn own_value(&self, node: NodeIndex, place: usize) -> Value {
        let entry = self.task(node);
        let field = entry.instances.field(self.node(node).instance, place);
        // A value without this form has no key either, and was refused.
        param_value(&entry.decl.name, entry.param(place), field).unwrap_or(Value::None)
    }

    /// The declaration of a parameter.
    pub(crate) fn param(&self, (task, place): ParameterId) -> Option<&'static ParamDecl> {
        Some(self.types.get(self.types.find(task)?).param(place))
    }

    /// Which parameter a draw is of.
    pub(crate) fn drawn_id(&self, draw: &Draw<'_>) -> ParameterId {
        ((self.types.get(draw.task).task.id)(), draw.param)
    }

    /// Where the instance lies in the store, or would.
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

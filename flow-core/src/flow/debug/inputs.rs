//! Finds the inputs with which an instance ran, to run it again with the same.
//!
//! A record, or that of a failure, has the digest of each input. The output with that content is the present one of the
//! required instance, or an earlier one that the store has kept. If it is gone, the present output takes its place, but
//! only if the user accepts that.

use std::path::PathBuf;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::judge::{Judge, Upstream};
use crate::plan::role::Role;
use crate::store::Found;
use crate::store::made::Made;
use crate::store::output::Look;
use crate::store::record::{InputContent, MadeFrom};
use crate::store::trust::Trust;
use crate::task::Kind;
use crate::task::input::Origin;

/// An input of an instance that is debugged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DebugInput {
    /// Its role in `requires`; empty if the instance requires one task without a name.
    pub role: String,
    /// The required instance, such as `Prices {days: 3}`.
    pub instance: String,
    /// The path of the output that the task loads; `None` if it has no file.
    pub path: Option<PathBuf>,
    /// How the present output differs from the one with which the instance ran, or why there is none.
    pub note: Option<String>,
    pub(super) state: State,
}

/// Whether the output with which an instance ran can be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is the present output. If the output was not recorded, the present one counts as that.
    Same,
    /// It was kept, and the present output is another one.
    Kept,
    /// It is gone, and the present output is another one.
    Changed,
    /// It is gone, and there is no other one.
    Missing,
}

/// What an instance that runs again loads.
pub(super) struct Resolved {
    pub(super) inputs: Vec<DebugInput>,
    /// The outputs that it loads.
    pub(super) made: Vec<(NodeIndex, Made)>,
    /// How other inputs differ: files that are parameters, and the value of `refresh`.
    pub(super) changes: Vec<String>,
    /// Whether its code has changed.
    pub(super) has_other_code: bool,
    /// The parts of its fingerprint with these inputs; `None` if one is missing.
    pub(super) made_from: Option<MadeFrom>,
}

impl Resolved {
    /// Finds the inputs of an instance. `recorded` is what it ran with, if that is known.
    pub(super) fn new(
        plan: &Plan,
        node: NodeIndex,
        recorded: Option<&MadeFrom>,
    ) -> Result<Self, StoreError> {
        let graph = &plan.graph;
        let (mut inputs, mut made) = (Vec::new(), Vec::new());
        let mut contents = Some(Vec::new());
        let roles = graph.roles(node, &plan.store);
        for (place, (role, &input)) in roles.iter().zip(graph.inputs(node)).enumerate() {
            let was = recorded.and_then(|recorded| recorded_input(recorded, place, role));
            let mut found = find(plan, input, was.map(|was| was.digest))?;
            if recorded.is_some() && was.is_none() && found.state == State::Same {
                found.state = State::Changed;
                found.note = Some("it was not required before".to_owned());
            }
            match found.made {
                Some(output) => {
                    contents.iter_mut().for_each(|all| all.push(output.output.digest));
                    made.push((input, output));
                }
                None => contents = None,
            }
            inputs.push(DebugInput {
                role: role.text.clone(),
                instance: graph.label_alone(input),
                path: found.path,
                note: found.note,
                state: found.state,
            });
        }
        let replay = Replay::default();
        let judge = Judge::new(plan, &plan.verdicts, &replay);
        let itself = judge.made_from_itself(node)?;
        let changes = recorded.map(|was| changes(was, &itself, &roles)).unwrap_or_default();
        let is_other = |was: &MadeFrom| (was.code, was.version) != (itself.code, itself.version);
        let has_other_code = recorded.is_some_and(is_other);
        let made_from = contents.map(|contents| judge.made_from_contents(node, contents));
        let made_from = made_from.transpose()?;
        Ok(Self { inputs, made, changes, has_other_code, made_from })
    }

    /// Returns the inputs in one of these states, and the other changes, as text.
    pub(super) fn described(&self, states: &[State]) -> Vec<String> {
        let inputs = self.inputs.iter().filter(|input| states.contains(&input.state));
        let inputs = inputs.map(|input| {
            let DebugInput { role, instance, note, .. } = input;
            let name = if role.is_empty() { "input".to_owned() } else { format!("input {role}") };
            format!("{name}: {instance}: {}", note.as_deref().unwrap_or("it is another one"))
        });
        inputs.collect()
    }
}

/// Returns the recorded input with this role.
fn recorded_input<'a>(
    recorded: &'a MadeFrom,
    place: usize,
    role: &Role,
) -> Option<&'a InputContent> {
    if role.text.is_empty() {
        return recorded.inputs.get(place);
    }
    let is_it = |input: &&InputContent| {
        input.role == role.text && (input.key.is_none() || input.key == role.key)
    };
    recorded.inputs.iter().find(is_it)
}

/// Returns how an instance differs from what is recorded of it, apart from the content of its inputs and its code.
fn changes(was: &MadeFrom, now: &MadeFrom, roles: &[Role]) -> Vec<String> {
    let mut changes = Vec::new();
    for file in now.files.iter().filter_map(|(name, file)| match was.files.get(name) {
        Some(before) if before.digest == file.digest => None,
        _ => Some(file),
    }) {
        let what = if file.digest.is_some() { "has changed" } else { "does not exist" };
        changes.push(format!("file {:?}: it {what}", file.path));
    }
    if was.refresh != now.refresh {
        changes.push("refresh: its expression has another value".to_owned());
    }
    for input in &was.inputs {
        if !roles.iter().any(|role| role.text == input.role) {
            let InputContent { role, instance, .. } = input;
            changes.push(format!("input {role}: {instance}: it is not required any more"));
        }
    }
    changes
}

/// The output that was found for an input.
struct FoundInput {
    made: Option<Made>,
    path: Option<PathBuf>,
    state: State,
    note: Option<String>,
}

impl FoundInput {
    fn missing(note: String) -> Self {
        Self { made: None, path: None, state: State::Missing, note: Some(note) }
    }
}

/// Finds the output of an input that has the content `wanted` or, if that is not known, the present output.
fn find(plan: &Plan, input: NodeIndex, wanted: Option<Digest>) -> Result<FoundInput, StoreError> {
    let graph = &plan.graph;
    let now = plan.verdicts.digest(input);
    let is_other = |now: Digest| wanted.is_some_and(|wanted| wanted != now);
    let changed = |is_changed: bool, note: &str| match is_changed {
        true => (State::Changed, Some(note.to_owned())),
        false => (State::Same, None),
    };
    match graph.kind(input) {
        Kind::External => {
            let path = graph.external(input).to_owned();
            let Some(now) = now else {
                return Ok(FoundInput::missing(format!("{} does not exist", path.display())));
            };
            let (state, note) = changed(is_other(now), "its file has changed");
            let made = Some(graph.not_made(input, now));
            Ok(FoundInput { made, path: Some(path), state, note })
        }
        Kind::Aggregate => {
            let open = graph.gathered_inputs(input).into_iter();
            let mut open = open.filter(|&member| !plan.verdicts.status(member).is_complete());
            let (Some(now), None) = (now, open.next()) else {
                return Ok(FoundInput::missing(not_complete(plan, input)));
            };
            let (state, note) = changed(is_other(now), "tasks that it gathers give other data now");
            Ok(FoundInput { made: Some(graph.not_made(input, now)), path: None, state, note })
        }
        Kind::Made => find_made(plan, input, wanted),
    }
}

fn find_made(
    plan: &Plan,
    input: NodeIndex,
    wanted: Option<Digest>,
) -> Result<FoundInput, StoreError> {
    let present = present(plan, input)?;
    let is_wanted = |made: &Made| wanted.is_none_or(|wanted| wanted == made.output.digest);
    let found = |made: Made, state, note: Option<&str>| FoundInput {
        path: made.path(&plan.store),
        made: Some(made),
        state,
        note: note.map(str::to_owned),
    };
    let is_present = present.is_some();
    let present = match present {
        Some(made) if is_wanted(&made) => return Ok(found(made, State::Same, None)),
        present => present,
    };
    if let Some(wanted) = wanted
        && let Some(made) = stored(plan, input, wanted)?
    {
        let note = match is_present {
            true => "it gives other data now; the recorded output was kept and is used",
            false => "it is not complete any more; the recorded output is used",
        };
        return Ok(found(made, State::Kept, Some(note)));
    }
    Ok(match present {
        Some(made) => {
            let note = "it gives other data now, and the recorded output is gone";
            found(made, State::Changed, Some(note))
        }
        None => FoundInput::missing(not_complete(plan, input)),
    })
}

/// Returns the present output of an instance, if it is complete and whole.
fn present(plan: &Plan, input: NodeIndex) -> Result<Option<Made>, StoreError> {
    if !plan.verdicts.status(input).is_complete() {
        return Ok(None);
    }
    // An output that was removed since the plan was made is missing.
    let made = Origin::made(plan, input).ok().map(|made| Made::clone(&made));
    whole(plan, made)
}

/// Returns the output of an instance with this content, current or kept, if its files are whole.
fn stored(plan: &Plan, input: NodeIndex, wanted: Digest) -> Result<Option<Made>, StoreError> {
    let (graph, store) = (&plan.graph, &plan.store);
    let (folder, key) = (graph.folder(input, store)?, graph.node(input).key);
    let current = match store.record(&folder, key)? {
        Found::Record(record) if record.output.digest == wanted => Some(record),
        _ => None,
    };
    let record = current.or_else(|| store.version_with(&graph.task(input).folder, key, wanted));
    whole(plan, record.map(|record| Made::new(folder, *record)))
}

fn whole(plan: &Plan, made: Option<Made>) -> Result<Option<Made>, StoreError> {
    let Some(made) = made else { return Ok(None) };
    let store = made.store(&plan.store);
    let seen = store.look_at(&made.folder, &made.output, Trust::Stamps)?;
    Ok((seen.look == Look::Whole).then_some(made))
}

/// Returns why an input has no output that could be loaded.
fn not_complete(plan: &Plan, input: NodeIndex) -> String {
    match plan.incomplete_reason(input).as_str() {
        "" => "it is not complete".to_owned(),
        reason => format!("it is not complete ({reason})"),
    }
}

//! Explains why the record of an instance does not match today's instance.

use std::collections::HashMap;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::columns::Compared;
use crate::plan::failure;
use crate::plan::judge::Judge;
use crate::plan::partitions::{described, is_partitions};
use crate::plan::reads::file_changed;
use crate::plan::reason::{InputChange, LISTED, Reason};
use crate::store::change::CodeChange;
use crate::store::record::{InputContent, MadeFrom, Record};
use crate::store::{Folder, Found, Unusable};

/// The number of changed items of code that are listed.
const ITEMS: usize = 12;

impl Judge<'_> {
    /// Adds the reasons why the record found, if there is one, does not match today's instance.
    pub(super) fn explain(
        &self,
        node: NodeIndex,
        folder: &Folder,
        found: &Found,
        now: Option<&MadeFrom>,
        reasons: &mut Vec<Reason>,
    ) -> Result<(), StoreError> {
        let failure = self.store.failure(folder, self.graph.node(node).key);
        // A failure older than the record is over: the task has succeeded since, and the file could not be
        // removed.
        let failure = failure.filter(|failure| match found {
            Found::Record(record) => failure.at > record.started,
            _ => true,
        });
        reasons.extend(failure.as_ref().map(failure::reason));
        match found {
            Found::Nothing => {
                if reasons.is_empty() {
                    reasons.push(Reason::NeverRun);
                }
                let files = self.files(node)?.into_values();
                let missing = files.filter(|file| file.digest.is_none());
                reasons.extend(missing.map(|file| file_changed(&file.path, None)));
            }
            Found::Damaged(Unusable::Damaged(what)) => {
                reasons.push(Reason::Record { what: what.clone() });
            }
            Found::Damaged(Unusable::NotAccepted(why)) => {
                reasons.push(Reason::NotAccepted { why: why.clone() });
            }
            Found::Record(record) => {
                let itself = match now {
                    Some(now) => now,
                    None => &self.made_from_itself(node)?,
                };
                self.compare(node, record, itself, reasons);
                if let Some(now) = now {
                    self.compare_inputs(node, record, now, reasons)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the reasons why an instance itself differs from a record, apart from its inputs.
    pub(crate) fn compare(
        &self,
        node: NodeIndex,
        record: &Record,
        now: &MadeFrom,
        reasons: &mut Vec<Reason>,
    ) {
        let was = &record.made_from;
        if was.code != now.code {
            let table = self.store.code_table(was.code);
            let codes = &self.graph.task(node).codes;
            let changes = table.map(|table| match record.is_of_format_1() {
                true => table.changes_of_format_1(codes),
                false => table.changes(codes),
            });
            let changes = changes.filter(|changes| !changes.is_empty());
            let mut changes = changes.unwrap_or_else(|| vec![CodeChange::Unknown]);
            if changes.len() > ITEMS {
                let count = changes.len() - ITEMS;
                changes.truncate(ITEMS);
                changes.push(CodeChange::Others { count });
            }
            reasons.extend(changes.into_iter().map(|what| Reason::Code { what }));
        }
        if was.version != now.version {
            reasons.push(Reason::Version { was: was.version, now: now.version });
        }
        if was.target != now.target {
            let (was, now) = (was.target.clone(), now.target.clone());
            reasons.push(Reason::Target { was, now });
        }
        reasons.extend(self.compare_refresh(was, now));
        if was.parameters != now.parameters {
            reasons.push(Reason::Parameters);
        }
        for (name, file) in &now.files {
            match was.files.get(name) {
                Some(old) if old.digest == file.digest => {}
                _ => reasons.push(file_changed(&file.path, file.digest)),
            }
        }
    }

    /// Adds the reasons why the inputs of an instance differ from the recorded ones.
    ///
    /// An input of which the task has read columns that are as they were does not differ.
    pub(crate) fn compare_inputs(
        &self,
        node: NodeIndex,
        record: &Record,
        now: &MadeFrom,
        reasons: &mut Vec<Reason>,
    ) -> Result<(), StoreError> {
        let (graph, was) = (self.graph, &record.made_from);
        let old: HashMap<&str, &InputContent> =
            was.inputs.iter().map(|input| (input.role.as_str(), input)).collect();
        if was.inputs.len() != now.inputs.len() {
            let what = InputChange::Count { was: was.inputs.len(), now: now.inputs.len() };
            reasons.push(Reason::Input { role: String::new(), what });
        }
        let positional = |place: usize, role: &str| match role {
            "" => was.inputs.get(place),
            role => old.get(role).copied(),
        };
        let mut changed = 0;
        for (place, (input, &required)) in now.inputs.iter().zip(graph.inputs(node)).enumerate() {
            let label = || graph.label_alone(required);
            if changed == LISTED {
                reasons.push(Reason::Input { role: String::new(), what: InputChange::Others });
                break;
            }
            let what = match positional(place, &input.role) {
                Some(old) if old.digest == input.digest => continue,
                Some(old) if old.instance != label() => {
                    InputChange::Instance { was: old.instance.clone() }
                }
                Some(_) => {
                    let task = graph.task(required).decl.name.to_string();
                    // The record has the positions that the inputs had then.
                    let is_there = was.inputs.get(place).is_some_and(|was| was.role == input.role);
                    let compared = match is_there {
                        true => self.compare_columns(node, record, place)?,
                        false => Compared::Unknown,
                    };
                    match compared {
                        Compared::Same => continue,
                        Compared::Changed(keys) if keys.iter().all(|key| is_partitions(key)) => {
                            InputChange::Partitions { task, read: described(&keys) }
                        }
                        Compared::Changed(columns) => InputChange::Columns { task, columns },
                        Compared::Unknown => InputChange::OtherData { task },
                    }
                }
                None => InputChange::New,
            };
            reasons.push(Reason::Input { role: input.role.clone(), what });
            changed += 1;
        }
        let roles = |made_from: &MadeFrom| {
            made_from.inputs.iter().map(|input| input.role.clone()).collect::<Vec<_>>()
        };
        if changed == 0 && was.inputs.len() == now.inputs.len() && roles(was) != roles(now) {
            reasons.push(Reason::Input { role: String::new(), what: InputChange::Order });
        }
        for (task, target) in &now.targets {
            if was.targets.get(task).is_some_and(|old| old != target) {
                let what = InputChange::Target { task: task.clone() };
                reasons.push(Reason::Input { role: String::new(), what });
            }
        }
        Ok(())
    }
}

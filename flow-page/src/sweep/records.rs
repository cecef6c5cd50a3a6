//! The records of the variants of a task and of what they were computed from.
//!
//! The store lists its outputs. The records of one task are its variants, whichever program produced them. From them, the inputs
//! are followed upstream, and each record is read once, by several threads. An input is followed only if the store still has
//! the content that the variant was computed from; otherwise its metadata would be that of another output.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use flow_core::{Key, RecordedOutput, StoreError, StoredOutput};
use serde_json::Value;

/// The number of threads that read records, and the least number of records of each.
const THREADS: usize = 8;
const LEAST: usize = 32;

/// The number of records upstream that are read.
const MOST: usize = 100_000;

/// What the page shows of a record.
pub(crate) struct Recorded {
    pub(crate) task: String,
    pub(crate) key: Key,
    pub(crate) label: String,
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) seconds: f64,
    pub(super) inputs: Vec<Input>,
    /// The digest of the output; empty if the record has none.
    digest: String,
}

/// An input of a record.
pub(super) struct Input {
    pub(super) role: String,
    key: Option<Key>,
    digest: String,
    /// The position of its record among those that were read.
    pub(super) place: Option<usize>,
}

impl Recorded {
    fn new(output: RecordedOutput, label: &str) -> Self {
        let digest = output.json().pointer("/output/digest").and_then(Value::as_str);
        let digest = digest.unwrap_or_default().to_owned();
        let input = |input: &flow_core::RecordedInput| Input {
            role: input.role.clone(),
            key: input.key,
            digest: input.digest.to_string(),
            place: None,
        };
        let inputs = output.inputs.iter().map(input).collect();
        let RecordedOutput { task, key, parameters, metadata, seconds, .. } = output;
        let label = label.to_owned();
        Self { task, key, label, parameters, metadata, seconds, inputs, digest }
    }
}

/// The records of some variants, followed by those upstream of them.
pub(crate) struct Records {
    pub(crate) all: Vec<Recorded>,
    /// The number of variants, which are first.
    pub(crate) variants: usize,
    /// The number of inputs whose content the store does not have any more.
    pub(crate) outdated: usize,
    /// Whether there were too many records upstream to read all.
    pub(crate) is_cut: bool,
}

impl Records {
    /// Reads the records of some variants, and those upstream among all `stored` outputs.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) fn read(
        variants: &[&StoredOutput],
        stored: &[StoredOutput],
    ) -> Result<Self, StoreError> {
        let by_key: HashMap<Key, &StoredOutput> = stored.iter().map(|one| (one.key, one)).collect();
        let mut all = read_all(variants)?;
        let count = all.len();
        let mut places: HashMap<Key, usize> =
            all.iter().enumerate().map(|(place, one)| (one.key, place)).collect();
        let mut asked: HashSet<Key> = places.keys().copied().collect();
        let (mut from, mut is_cut) = (0, false);
        while from < all.len() {
            let keys =
                all[from..].iter().flat_map(|one| one.inputs.iter().filter_map(|one| one.key));
            let new: Vec<_> = keys
                .filter(|key| asked.insert(*key))
                .filter_map(|key| by_key.get(&key).copied())
                .collect();
            from = all.len();
            if all.len() - count + new.len() > MOST {
                is_cut = true;
                break;
            }
            for one in read_all(&new)? {
                places.insert(one.key, all.len());
                all.push(one);
            }
        }
        let mut records = Self { all, variants: count, outdated: 0, is_cut };
        records.link(&places);
        Ok(records)
    }

    /// Finds the record of each input.
    fn link(&mut self, places: &HashMap<Key, usize>) {
        let digests: Vec<_> =
            self.all.iter_mut().map(|one| std::mem::take(&mut one.digest)).collect();
        for one in &mut self.all {
            for input in &mut one.inputs {
                let Some(&place) = input.key.and_then(|key| places.get(&key)) else { continue };
                match digests[place] == input.digest {
                    true => input.place = Some(place),
                    false => self.outdated += 1,
                }
            }
        }
    }

    /// Returns the positions of all records, each after its inputs. A record that is its own input, which no program writes,
    /// has any place.
    pub(super) fn upstream_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.all.len());
        let mut is_begun = vec![false; self.all.len()];
        for root in 0..self.all.len() {
            let mut open = vec![(root, 0)];
            while let Some((place, next)) = open.pop() {
                if next == 0 && std::mem::replace(&mut is_begun[place], true) {
                    continue;
                }
                match self.all[place].inputs.get(next) {
                    Some(input) => {
                        open.push((place, next + 1));
                        open.extend(
                            input.place.filter(|input| !is_begun[*input]).map(|input| (input, 0)),
                        );
                    }
                    None => order.push(place),
                }
            }
        }
        order
    }
}

/// Reads the records of some outputs. Those that were removed meanwhile are left out.
fn read_all(outputs: &[&StoredOutput]) -> Result<Vec<Recorded>, StoreError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let each = outputs.len().div_ceil(threads).max(LEAST);
    if outputs.len() <= each {
        return read_part(outputs);
    }
    thread::scope(|scope| {
        let parts = outputs.chunks(each).map(|part| scope.spawn(move || read_part(part)));
        let parts: Vec<_> = parts.collect();
        let mut all = Vec::with_capacity(outputs.len());
        for part in parts {
            all.extend(part.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(all)
    })
}

fn read_part(outputs: &[&StoredOutput]) -> Result<Vec<Recorded>, StoreError> {
    let mut read = Vec::with_capacity(outputs.len());
    for output in outputs {
        let recorded = output.recorded()?;
        read.extend(recorded.map(|recorded| Recorded::new(recorded, &output.instance)));
    }
    Ok(read)
}

#[cfg(test)]
impl Recorded {
    /// Returns the record of an instance of the task `Fit` with the key `key`.
    pub(super) fn of_test(
        key: usize,
        parameters: BTreeMap<String, Value>,
        metadata: BTreeMap<String, Value>,
    ) -> Self {
        Self {
            task: "Fit".to_owned(),
            key: format!("{key:032x}").parse().expect("a key"),
            label: format!("Fit {key}"),
            parameters,
            metadata,
            seconds: 0.5,
            inputs: Vec::new(),
            digest: String::new(),
        }
    }
}

#[cfg(test)]
impl Input {
    /// Returns an input whose record is at a place.
    pub(super) fn of_test(role: &str, place: usize) -> Self {
        Self { role: role.to_owned(), key: None, digest: String::new(), place: Some(place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(inputs: &[&[usize]]) -> Vec<usize> {
        let record = |(key, inputs): (usize, &&[usize])| {
            let mut record = Recorded::of_test(key, BTreeMap::new(), BTreeMap::new());
            record.inputs = inputs.iter().map(|place| Input::of_test("", *place)).collect();
            record
        };
        let all = inputs.iter().enumerate().map(record).collect();
        Records { all, variants: 1, outdated: 0, is_cut: false }.upstream_first()
    }

    #[test]
    fn a_record_comes_after_its_inputs() {
        assert_eq!(order(&[&[1, 2], &[3], &[3], &[]]), [3, 1, 2, 0]);
        assert_eq!(order(&[&[], &[0], &[1, 0]]), [0, 1, 2]);
    }

    #[test]
    fn records_that_are_inputs_of_each_other_are_no_endless_loop() {
        assert_eq!(order(&[&[1], &[0]]).len(), 2);
        assert_eq!(order(&[&[0, 0]]), [0]);
    }
    #[test]
    fn an_input_has_a_record_if_the_store_has_the_content_that_was_read() {
        let mut all: Vec<_> =
            (0..3).map(|key| Recorded::of_test(key, BTreeMap::new(), BTreeMap::new())).collect();
        all[2].digest = "now".to_owned();
        let key = all[2].key;
        for (record, digest) in all.iter_mut().zip(["now", "before"]) {
            let input =
                Input { key: Some(key), digest: digest.to_owned(), ..Input::of_test("", 0) };
            record.inputs.push(Input { place: None, ..input });
        }
        let mut records = Records { all, variants: 2, outdated: 0, is_cut: false };
        records.link(&HashMap::from([(key, 2)]));
        assert_eq!(records.all[0].inputs[0].place, Some(2));
        assert_eq!((records.all[1].inputs[0].place, records.outdated), (None, 1));
    }
}

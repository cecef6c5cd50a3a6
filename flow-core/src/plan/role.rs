//! Roles: the name of each input for the instance that requires it.
//!
//! A role is the name of the entry in `requires`, or its index if there are several entries without names.
//! For an item of a list or map, the item's index or key follows in brackets: `ols`, `0`, `parts[2]`,
//! `px[AAPL]`.
//!
//! The text of a role is for people. The fingerprint hashes the digest of a map key's canonical encoding
//! instead, because two keys may print alike, and a secret prints as `***`.

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::plan::Graph;
use crate::plan::param_value::digest_value;
use crate::store::Store;
use crate::task::requirement::Form;
use crate::value::Value;

/// The role of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// The text, which is unique among the inputs of the instance.
    pub(crate) text: String,
    /// The digest of the key, for an item of a map.
    pub(crate) key: Option<Digest>,
    /// Whether the text alone, which records of format 1 have, identifies the key.
    pub(crate) is_unique_in_format_1: bool,
}

impl Role {
    /// Returns the role of a map's item.
    ///
    /// If other keys may print like this one, digits of the digest follow the key.
    fn of_item(entry: &str, key: &Value, store: &Store) -> Self {
        // This cannot fail, because the builder has loaded the store's key for secrets.
        let digest = digest_value(store, key).unwrap_or(Digest(0));
        let is_unique = key.is_told_by_text();
        let text = match is_unique {
            true => format!("{entry}[{key}]"),
            false => format!("{entry}[{key} #{}]", digest.short()),
        };
        Self { text, key: Some(digest), is_unique_in_format_1: is_unique && !key.has_none() }
    }
}

impl Graph {
    /// Returns the role of each input of a node, in the order of the inputs.
    pub(crate) fn roles(&self, node: NodeIndex, store: &Store) -> Vec<Role> {
        let mut roles = Vec::with_capacity(self.inputs(node).len());
        roles.extend(self.each_role(node, store));
        roles
    }

    /// Returns the same, one role after the other: a node may have a million inputs.
    pub(crate) fn each_role(&self, node: NodeIndex, store: &Store) -> impl Iterator<Item = Role> {
        let several = self.entries(node).len() > 1;
        let entries = self.entries(node).iter().enumerate();
        entries.flat_map(move |(place, (entry, form, len))| {
            // One of several entries without names is identified by its index, however many there are.
            let entry = match *entry {
                "" if several => place.to_string(),
                entry => entry.to_owned(),
            };
            let plain = |text| Role { text, key: None, is_unique_in_format_1: true };
            (0..*len as usize).map(move |item| match form {
                Form::One | Form::Optional => plain(entry.clone()),
                Form::List => plain(format!("{entry}[{item}]")),
                Form::Map(keys) => Role::of_item(&entry, &keys.value(item), store),
            })
        })
    }
}

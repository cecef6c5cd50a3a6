//! Compares records of format 1 with what would be computed today.
//!
//! Format 1 computed three things differently:
//!
//! - A fingerprint had the text of the key of a map's item, `px[AAPL]`. Today it has the digest of the key.
//!   The same goes for the content of an aggregate with a map.
//! - The digest of a value in memory follows from the fingerprint.
//! - The key of an instance did not have the values that its dependencies inherit. So an instance may have
//!   another key today, and with it another seed.
//!
//! A record states its format. A record of format 1 is compared with what format 1 would have written today.
//! If that had one text for several keys of a map, the record may belong to any of them: the instance runs
//! again, and its reason says why.

use std::collections::HashMap;

use daggy::NodeIndex;

use crate::base::key::{Digest, Hasher};
use crate::plan::Graph;
use crate::plan::judge::Judge;
use crate::plan::reason::Reason;
use crate::plan::role::Role;
use crate::store::record::{MadeFrom, Record};
use crate::task::Kind;
use crate::task::requirement::Form;

/// The form that format 1 would have given to the parts of a fingerprint.
pub(super) enum Format1 {
    /// Equal to today's form.
    Same,
    /// Another form, with this fingerprint.
    Other(Box<MadeFrom>, Digest),
    /// Equal to the form of other keys of a map.
    Ambiguous,
}

impl Format1 {
    /// Returns whether a record has format 1 and this fingerprint.
    pub(super) fn is_of(&self, record: &Record) -> bool {
        match self {
            Self::Other(_, fingerprint) => {
                record.is_of_format_1() && record.fingerprint == *fingerprint
            }
            Self::Same | Self::Ambiguous => false,
        }
    }

    /// Returns the form of format 1, if it differs from today's.
    pub(super) fn form(&self) -> Option<&MadeFrom> {
        match self {
            Self::Other(form, _) => Some(form),
            Self::Same | Self::Ambiguous => None,
        }
    }

    /// Returns why a record of format 1 that differs in nothing else is not used.
    pub(super) fn reason(&self) -> Option<Reason> {
        let what = "was written by an earlier release, whose records do not tell the keys of this \
                    task's inputs apart";
        matches!(self, Self::Ambiguous).then(|| Reason::Record { what: what.to_owned() })
    }
}

impl Judge<'_> {
    /// Returns what format 1 would have written of `now`, if the record has format 1.
    pub(super) fn as_format_1(&self, node: NodeIndex, now: &MadeFrom, record: &Record) -> Format1 {
        if record.is_of_format_1() { self.format_1(node, now) } else { Format1::Same }
    }

    /// Returns the fingerprint that format 1 would have given to `now`, if it differs from `today`.
    pub(super) fn fingerprint_of_format_1(
        &self,
        node: NodeIndex,
        now: &MadeFrom,
        today: Digest,
    ) -> Option<Digest> {
        match self.format_1(node, now) {
            Format1::Other(_, fingerprint) if fingerprint != today => Some(fingerprint),
            _ => None,
        }
    }

    fn format_1(&self, node: NodeIndex, now: &MadeFrom) -> Format1 {
        let graph = self.graph;
        if !graph.has_map(node) && !graph.inputs(node).iter().any(|&of| graph.gathers(of)) {
            return Format1::Same;
        }
        let mut seen = HashMap::new();
        let mut form = now.clone();
        let roles = graph.roles(node, self.store);
        for ((input, role), &required) in form.inputs.iter_mut().zip(&roles).zip(graph.inputs(node))
        {
            let Some(text) = text_of_format_1(role) else { return Format1::Ambiguous };
            (input.role, input.key) = (text.to_owned(), None);
            if graph.gathers(required) {
                match self.gathered_of_format_1(required, &mut seen) {
                    Some(digest) => input.digest = digest,
                    None => return Format1::Ambiguous,
                }
            }
        }
        let fingerprint = form.fingerprint(graph.task(node).decl.identity());
        Format1::Other(Box::new(form), fingerprint)
    }

    /// Returns the digest of an instance's content in format 1, if it is known.
    pub(super) fn content_of_format_1(&self, node: NodeIndex) -> Option<Digest> {
        match self.graph.gathers(node) {
            true => self.gathered_of_format_1(node, &mut HashMap::new()),
            false => self.upstream.digest(node),
        }
    }

    /// Returns the digest of an aggregate's content in format 1; `None` if format 1 was ambiguous.
    fn gathered_of_format_1(
        &self,
        node: NodeIndex,
        seen: &mut HashMap<NodeIndex, Option<Digest>>,
    ) -> Option<Digest> {
        if let Some(&known) = seen.get(&node) {
            return known;
        }
        let graph = self.graph;
        let mut hasher = Hasher::new("aggregate");
        let roles = graph.roles(node, self.store);
        let mut hash = |(role, &input): (&Role, &NodeIndex)| {
            let digest = match graph.gathers(input) {
                true => self.gathered_of_format_1(input, seen)?,
                false => self.upstream.digest(input)?,
            };
            hasher.text(text_of_format_1(role)?).part(digest);
            hasher.part(graph.task(input).target_digest);
            Some(())
        };
        let hashed = roles.iter().zip(graph.inputs(node)).try_for_each(&mut hash);
        let digest = hashed.map(|()| hasher.digest());
        seen.insert(node, digest);
        digest
    }

    /// Returns whether the seed in a record of format 1 belongs to this instance.
    ///
    /// The instance may have had another key then, so the recorded parameters are compared with today's.
    pub(super) fn is_seed_of_format_1(&self, node: NodeIndex, record: &Record) -> bool {
        record.is_of_format_1() && {
            let now = self.graph.whole_parameters(node);
            record.parameters.iter().all(|(name, value)| now.get(name) == Some(value))
        }
    }
}

impl Graph {
    fn has_map(&self, node: NodeIndex) -> bool {
        self.entries(node).iter().any(|(_, form, _)| matches!(form, Form::Map(_)))
    }

    fn gathers(&self, node: NodeIndex) -> bool {
        self.kind(node) == Kind::Aggregate
    }
}

/// Returns the text of a role in format 1, if the text identified it.
fn text_of_format_1(role: &Role) -> Option<&str> {
    role.is_unique_in_format_1.then_some(&role.text)
}

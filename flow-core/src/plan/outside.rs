//! What outputs and reads refer to outside of the store, such as tables of a database.
//!
//! - An output may be stored outside of the store by its target ([`Outside`]). An instance is complete only if what is
//!   there now is what its record says. Two instances of a plan must not write to one place.
//! - A task may read answers of a value that the flow provides ([`Answers`]). A later plan asks the same questions. It
//!   asks for the identity of the value whenever the flow provides one, and other questions only where it evaluates
//!   `refresh` expressions too: a load returns what the last run gave.
//!
//! [`Outside`]: crate::target::Outside

use std::collections::HashMap;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::{Digest, digest_bytes};
use crate::base::panics;
use crate::plan::Plan;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::judge::Judge;
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::types::TypeIndex;
use crate::store::record::Record;
use crate::target::outside::Provide;
use crate::target::{OutsideContent, OutsidePlace, Provided};
use crate::task::cx::digest_answer;
use crate::task::provider::{Answers, ProvidedValues};

impl Plan {
    /// Returns the values that the flow provides, for targets.
    pub(crate) fn provided_values(&self) -> Provided {
        Provided::new(Arc::new(ProvidedValues(Arc::clone(&self.provided))))
    }

    /// Returns an error if two instances write to one place outside of the store, and each would replace what the
    /// other one wrote.
    pub(super) fn check_outside(&self) -> Result<(), Box<PlanError>> {
        let graph = &self.graph;
        let mut places: HashMap<TypeIndex, Option<OutsidePlace>> = HashMap::new();
        let mut writers: HashMap<String, NodeIndex> = HashMap::new();
        for node in graph.nodes() {
            let Some(outside) = &graph.task(node).outside else { continue };
            let place = places.entry(graph.node(node).task).or_insert_with(|| {
                // A place that is unknown because the flow does not provide what the target uses is another error.
                panics::catch_error(|| outside.place(&self.provided_values())).ok()
            });
            let Some(place) = place else { continue };
            let first = *writers.entry(place.name.clone()).or_insert(node);
            if first == node {
                continue;
            }
            let shares = |node| {
                let place = places.get(&graph.node(node).task);
                place.is_some_and(|place| place.as_ref().is_some_and(|place| place.is_shared))
            };
            if !shares(first) || !shares(node) {
                let place = places[&graph.node(node).task].as_ref().expect("found above");
                let instances = [first, node].map(|node| graph.label(node, Show::Clipped));
                let kind = PlanErrorKind::SamePlace {
                    place: place.name.clone(),
                    instances,
                    advice: place.advice,
                };
                return Err(Box::new(PlanError::new(kind, graph.way(node))));
            }
        }
        Ok(())
    }
}

impl Judge<'_> {
    /// Returns how the content of an output outside of the store differs from its record, if it does.
    pub(super) fn changed_content(&self, node: NodeIndex, record: &Record) -> Option<Reason> {
        let outside = self.graph.task(node).outside.as_ref()?;
        let key = self.graph.node(node).key.short().to_string();
        let provided = self.plan.provided_values();
        let what = match panics::catch_error(|| outside.content(&key, &provided)) {
            Ok(OutsideContent::Written { fingerprint, receipt }) => {
                let recorded = record.output.file("").map(|file| file.digest);
                if fingerprint == record.fingerprint.to_string()
                    && recorded == Some(digest_bytes(&receipt))
                {
                    return None;
                }
                let place = panics::catch_error(|| outside.place(&provided));
                let place = place.map_or_else(|_| "it".to_owned(), |place| place.name);
                format!("{place} was written by another run since")
            }
            Ok(OutsideContent::Different(what)) => what,
            Err(error) => format!("it cannot be compared: {}", panics::render(error)),
        };
        Some(Reason::Outside { what })
    }

    /// Returns the reason that the answer to a recorded question differs now, if it does.
    ///
    /// It is not asked if the flow provides no value of the type, or if the program does not know the type any more.
    pub(super) fn changed_answer(
        &self,
        of: &str,
        question: &str,
        recorded: Digest,
    ) -> Option<Reason> {
        let answers = Answers::of_name(of)?;
        let provided = ProvidedValues(Arc::clone(&self.plan.provided));
        let value = provided.find((answers.id)())?;
        if !question.is_empty() && !self.is_asking() {
            return None;
        }
        let what = match panics::catch_error(|| (answers.ask)(value, question)) {
            Ok(answer) if digest_answer(&answer) == recorded => return None,
            Ok(_) if question.is_empty() => format!("the flow provides another {}", short(of)),
            Ok(_) => format!("{}: the answer of `{question}` changed", short(of)),
            Err(error) => {
                format!("{}: `{question}` failed: {}", short(of), panics::render(error))
            }
        };
        Some(Reason::Read { what })
    }
}

/// Returns the name of a type without its path.
fn short(of: &str) -> &str {
    of.rsplit("::").next().unwrap_or(of)
}

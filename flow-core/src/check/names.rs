//! Finds parameters of one name and different types, between which no value is passed.

use std::collections::HashSet;

use crate::plan::alias::origin;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::types::{TypeIndex, Types};

/// Returns a problem for each unset parameter whose name a downstream task uses with another type.
///
/// `unmet` are the parameters that have their default or no value. A value that is given to the parameter of the
/// downstream task does not reach them.
pub(super) fn of_other_types(types: &Types, unmet: &HashSet<(TypeIndex, usize)>) -> Vec<PlanError> {
    let mut unmet: Vec<_> = unmet.iter().copied().collect();
    unmet.sort_unstable();
    let mut problems = Vec::new();
    for consumer in 0..types.all.len() as TypeIndex {
        let reach = types.reach(consumer);
        for &(index, place) in &unmet {
            if index == consumer || !reach.has_type(index) {
                continue;
            }
            let (entry, of) = (types.get(consumer), types.get(index));
            let below = of.param(place);
            let same_name = |param: &&crate::task::param::ParamDecl| {
                param.name == below.name && !param.local && !below.local
            };
            let Some(above) = entry.task.params.iter().find(same_name) else { continue };
            if (origin(above).kind.id)() == (origin(below).kind.id)() {
                continue;
            }
            let ty = |name: &'static str| crate::base::names::short(name);
            let kind = PlanErrorKind::OtherType {
                task: entry.decl.name.to_string(),
                param: above.name,
                ty: ty((above.kind.name)()),
                required: of.decl.name.to_string(),
                required_ty: ty((below.kind.name)()),
            };
            problems.push(PlanError::new(kind, Vec::new()));
        }
    }
    problems
}

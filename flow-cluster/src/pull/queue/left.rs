//! What earlier runs have left in the queue.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::Queue;
use super::state::{Held, Phase, Place, State};
use crate::error::ClusterError;
use crate::format::{Order, line};
use crate::names::LeaseName;

impl Queue {
    /// Withdraws the bundles of runs that have died, and finds the leases whose jobs can be adopted.
    pub(super) fn find_left(&self, state: &mut State) -> Result<(), ClusterError> {
        let mut running = HashMap::from([(self.run.clone(), true)]);
        for name in self.transport.posted()? {
            let run = name.run().to_owned();
            if !*running.entry(run).or_insert_with_key(|run| self.transport.is_running(run)) {
                // Whatever this run needs of it is submitted again. What cannot be withdrawn does not keep this run from
                // beginning: a worker may run it.
                let _ = self.transport.withdraw(&name);
            }
        }
        let mut runs = HashSet::from([self.run.clone()]);
        for lease in self.transport.leases()? {
            let run = lease.bundle.run().to_owned();
            let is_running = running.entry(run);
            let is_running = *is_running.or_insert_with_key(|run| self.transport.is_running(run));
            if !is_running {
                runs.insert(lease.bundle.run().to_owned());
                self.adopt_lease(state, lease);
            }
        }
        let runs: Vec<_> = runs.iter().map(String::as_str).collect();
        self.transport.forget_runs(&runs);
        Ok(())
    }

    /// Watches a lease of an earlier run from now on.
    pub(super) fn adopt_lease(&self, state: &mut State, lease: LeaseName) {
        let bundle = match self.transport.bundle(&lease) {
            Ok(bundle) => bundle,
            Err(error) if error.is_gone() || matches!(error, ClusterError::Damaged { .. }) => {
                // Nothing can be done with it. The next run tries again if it cannot be removed.
                let _ = self.transport.revoke(&lease);
                return;
            }
            // An error that passes: a later run may adopt it.
            Err(_) => return,
        };
        let (name, is_ours) = (lease.bundle.clone(), bundle.build == self.build);
        let mut places = Vec::new();
        for (at, job) in bundle.jobs.into_iter().enumerate() {
            let identity = is_ours.then_some((job.key, job.fingerprint));
            if let Some(identity) = &identity {
                state.left.entry(identity.clone()).or_default().push((name.clone(), at));
            }
            places.push(Place { identity, task: job.task, ..Place::default() });
        }
        if is_ours {
            let mut order = vec![b'\n'];
            order.extend(line(&Order::Adopt { run: self.run.clone() }));
            // Without it, other processes count the jobs to the run that was killed.
            let _ = self.transport.order(&lease, &order);
        }
        let lease_time = Duration::from_secs_f64(bundle.lease_seconds);
        let held = Held::new(places, Phase::taken(lease), lease_time);
        state.bundles.insert(name, Held { is_adopted: true, ..held });
    }
}

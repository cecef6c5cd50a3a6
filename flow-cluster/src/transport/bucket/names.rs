//! The names of the objects of a queue in a bucket.
//!
//! Other programs may write to the bucket, so each name is parsed, and names of other forms are ignored.

use flow_core::Digest;

use crate::names::{BundleName, LeaseName, WorkerName, is_run};

/// The folders of the queue. Everything is below `cluster`, so that a bucket may also be a remote of `push` and `pull`.
pub(super) const OPEN: &str = "cluster/open";
pub(super) const LEASES: &str = "cluster/leases";
pub(super) const WORKERS: &str = "cluster/workers";
pub(super) const RUNS: &str = "cluster/runs";
pub(super) const REQUESTS: &str = "cluster/requests";
pub(super) const BLOBS: &str = "cluster/blobs";

const BUNDLE: &str = "bundle.json";
const TAKEN: &str = "taken";
const MESSAGES: &str = "messages";
const BEATS: &str = "beats";
const ORDERS: &str = "orders";
const HELD: &str = "held";

/// Returns the object with the jobs of a bundle.
pub(super) fn bundle(name: &BundleName) -> String {
    format!("{OPEN}/{name}/{BUNDLE}")
}

/// Returns the object that decides who has a bundle: it is written once.
pub(super) fn taken(name: &BundleName) -> String {
    format!("{OPEN}/{name}/{TAKEN}")
}

/// Returns the folder of the leases of a run.
pub(super) fn leases_of(run: &str) -> String {
    format!("{LEASES}/{run}")
}

/// Returns the folder of a lease.
pub(super) fn lease(lease: &LeaseName) -> String {
    format!("{LEASES}/{}/{lease}", lease.bundle.run())
}

/// Returns the object that exists as long as a lease is held.
pub(super) fn held(of: &LeaseName) -> String {
    format!("{}/{ORDERS}/{HELD}", lease(of))
}

/// Returns the folder with the orders of a lease.
pub(super) fn orders(of: &LeaseName) -> String {
    format!("{}/{ORDERS}", lease(of))
}

/// Returns the object of some orders. `by` is the run that writes them, which numbers its own.
pub(super) fn order(of: &LeaseName, by: &str, number: u64) -> String {
    format!("{}/{by}-{number:010}", orders(of))
}

/// Returns the object of some messages of a worker.
pub(super) fn message(of: &LeaseName, number: u64) -> String {
    format!("{}/{MESSAGES}/{number:010}", lease(of))
}

/// Returns the object of a heartbeat.
pub(super) fn beat(of: &LeaseName, number: u64) -> String {
    format!("{}/{BEATS}/{number:010}", lease(of))
}

pub(super) fn worker(name: &WorkerName) -> String {
    format!("{WORKERS}/{name}.json")
}

pub(super) fn run(name: &str) -> String {
    format!("{RUNS}/{name}.json")
}

/// Returns the folder of the requests to a run.
pub(super) fn requests_of(run: &str) -> String {
    format!("{REQUESTS}/{run}")
}

/// Returns the object of a request to a run. `own` tells it from others.
pub(super) fn request(run: &str, own: &str) -> String {
    format!("{REQUESTS}/{run}/{own}")
}

/// Returns the object with a content.
pub(super) fn blob(digest: Digest) -> String {
    format!("{BLOBS}/{digest}")
}

/// What an object of a bundle or a lease is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Object {
    Bundle(BundleName),
    Taken(BundleName),
    Held(LeaseName),
    Message(LeaseName, u64),
    Beat(LeaseName, u64),
    /// With its own part of the name.
    Order(LeaseName, String),
}

/// Parses the name of an object of a bundle or a lease.
pub(super) fn parse(name: &str) -> Option<Object> {
    let below = |folder: &str| name.strip_prefix(folder)?.strip_prefix('/');
    if let Some(rest) = below(OPEN) {
        let (bundle, part) = rest.split_once('/')?;
        let bundle = BundleName::parse(bundle)?;
        return match part {
            BUNDLE => Some(Object::Bundle(bundle)),
            TAKEN => Some(Object::Taken(bundle)),
            _ => None,
        };
    }
    let mut parts = below(LEASES)?.split('/');
    let (run, lease) = (parts.next()?, LeaseName::parse(parts.next()?)?);
    let (part, own) = (parts.next()?, parts.next()?);
    if lease.bundle.run() != run || parts.next().is_some() {
        return None;
    }
    match (part, own) {
        (MESSAGES, number) => Some(Object::Message(lease, number.parse().ok()?)),
        (BEATS, number) => Some(Object::Beat(lease, number.parse().ok()?)),
        (ORDERS, HELD) => Some(Object::Held(lease)),
        (ORDERS, order) => Some(Object::Order(lease, order.to_owned())),
        _ => None,
    }
}

/// Returns the run that an object in the folder of leases belongs to.
pub(super) fn run_of_lease(name: &str) -> Option<&str> {
    let run = name.strip_prefix(LEASES)?.strip_prefix('/')?.split('/').next()?;
    is_run(run).then_some(run)
}

/// Returns the run that a request is for.
pub(super) fn run_of_request(name: &str) -> Option<&str> {
    let (run, _) = name.strip_prefix(REQUESTS)?.strip_prefix('/')?.split_once('/')?;
    is_run(run).then_some(run)
}

/// Returns the run that has posted the bundle of an object.
pub(super) fn run_of_bundle(name: &str) -> Option<String> {
    match parse(name)? {
        Object::Bundle(bundle) | Object::Taken(bundle) => Some(bundle.run().to_owned()),
        _ => None,
    }
}

/// Parses the name of the mark of a run.
pub(super) fn parse_run(name: &str) -> Option<&str> {
    let run = name.strip_prefix(RUNS)?.strip_prefix('/')?.strip_suffix(".json")?;
    is_run(run).then_some(run)
}

/// Parses the name of the object of a worker.
pub(super) fn parse_worker(name: &str) -> Option<WorkerName> {
    WorkerName::parse(name.strip_prefix(WORKERS)?.strip_prefix('/')?.strip_suffix(".json")?)
}

/// Parses the name of a content.
pub(super) fn parse_blob(name: &str) -> Option<Digest> {
    name.strip_prefix(BLOBS)?.strip_prefix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_are_ignored() {
        let name = BundleName::new("0123456789abcdef0123456789abcdef", "fedcba9876543210", 7);
        let of = LeaseName { bundle: name.clone(), worker: WorkerName::new("node") };
        assert_eq!(parse(&bundle(&name)), Some(Object::Bundle(name.clone())));
        assert_eq!(parse(&taken(&name)), Some(Object::Taken(name.clone())));
        assert_eq!(parse(&held(&of)), Some(Object::Held(of.clone())));
        assert_eq!(parse(&message(&of, 3)), Some(Object::Message(of.clone(), 3)));
        assert_eq!(parse(&beat(&of, 4)), Some(Object::Beat(of.clone(), 4)));
        let written = order(&of, "00000000000000ff", 5);
        let own = "00000000000000ff-0000000005".to_owned();
        assert_eq!(parse(&written), Some(Object::Order(of.clone(), own)));
        assert_eq!(run_of_lease(&written), Some("fedcba9876543210"));
        assert_eq!(parse_run(&run("fedcba9876543210")), Some("fedcba9876543210"));
        assert_eq!(parse_worker(&worker(&of.worker)), Some(of.worker.clone()));
        let asked = request("fedcba9876543210", "aa");
        assert_eq!(run_of_request(&asked), Some("fedcba9876543210"));
        assert_eq!(run_of_request("cluster/requests/../x"), None);
        let digest: Digest = "af1349b9f5f9a1a6a0404dea36dcc949".parse().expect("a digest");
        assert_eq!(parse_blob(&blob(digest)), Some(digest));
        let of_another = lease(&of).replace("leases/fedcba9876543210", "leases/0000000000000000");
        let hostile = [
            format!("{OPEN}/../x/bundle.json"),
            format!("{OPEN}/{name}/notes"),
            format!("{of_another}/messages/0000000001"),
            format!("{}/messages/one", lease(&of)),
            format!("{}/messages/1/2", lease(&of)),
            "elsewhere".to_owned(),
        ];
        for name in hostile {
            assert_eq!(parse(&name), None, "{name}");
        }
        assert_eq!(parse_run("cluster/runs/../../x.json"), None);
        assert_eq!(parse_blob("cluster/blobs/x"), None);
    }
}

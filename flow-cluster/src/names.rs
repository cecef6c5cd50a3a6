//! The names of bundles, workers, leases, pools and arrays, which are names of folders and files in the queue.
//!
//! A name that is found in the queue is parsed, and one of another form is ignored: so no name leads out of the queue.

use std::fmt;

use flow_core::executor::unique;

/// The number of digits of a build, a run, and the number of a bundle.
const BUILD: usize = 32;
const RUN: usize = 16;
const NUMBER: usize = 8;

/// The number of digits of the options of a pool.
const POOL: usize = 16;

/// The longest name of a machine in the name of a worker.
const HOST: usize = 40;

/// The name of a bundle: `<build>-<run>-<number>`. Names of one run are in the order in which it has posted them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BundleName(String);

impl BundleName {
    pub(crate) fn new(build: &str, run: &str, number: u32) -> Self {
        Self(format!("{build}-{run}-{number:08}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (build, run, number) = (parts.next()?, parts.next()?, parts.next()?);
        let is_whole = parts.next().is_none()
            && is_hex(build, BUILD)
            && is_hex(run, RUN)
            && number.len() >= NUMBER
            && number.len() <= 2 * NUMBER
            && number.bytes().all(|byte| byte.is_ascii_digit());
        is_whole.then(|| Self(text.to_owned()))
    }

    /// Returns the digest of the program whose jobs are in the bundle.
    pub(crate) fn build(&self) -> &str {
        &self.0[..BUILD]
    }

    /// Returns the run that has posted the bundle.
    pub(crate) fn run(&self) -> &str {
        &self.0[BUILD + 1..][..RUN]
    }
}

impl fmt::Display for BundleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of one slot of a worker process: `<machine>-<process>-<unique>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorkerName(String);

impl WorkerName {
    /// Returns a new name.
    pub(crate) fn new(host: &str) -> Self {
        let host = host.chars().take(HOST).map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        });
        let host: String = host.collect();
        Self(format!("{host}-{}-{}", std::process::id(), unique()))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_name = (1..=2 * HOST).contains(&text.len()) && text.bytes().all(is_allowed);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a lease: `<bundle>.<worker>`. A bundle that was taken has one, and only one, at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LeaseName {
    pub(crate) bundle: BundleName,
    pub(crate) worker: WorkerName,
}

impl LeaseName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (bundle, worker) = text.split_once('.')?;
        Some(Self { bundle: BundleName::parse(bundle)?, worker: WorkerName::parse(worker)? })
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.bundle, self.worker)
    }
}

/// The name of a pool: `<executor>-<digest of the options of its workers>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PoolName(String);

impl PoolName {
    pub(crate) fn new(executor: &str, digest: u64) -> Self {
        Self(format!("{executor}-{digest:016x}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (executor, digest) = text.split_once('-')?;
        let is_name = (1..=HOST).contains(&executor.len())
            && executor.bytes().all(|b| b.is_ascii_lowercase())
            && is_hex(digest, POOL);
        is_name.then(|| Self(text.to_owned()))
    }

    /// Returns the name of the executor whose scheduler starts the workers of the pool.
    pub(crate) fn executor(&self) -> &str {
        self.0.split_once('-').map_or("", |(executor, _)| executor)
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an array of workers: `flow-<run>-<number>`. It is the name of a scheduler's job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ArrayName(String);

impl ArrayName {
    pub(crate) fn new(run: &str, number: u32) -> Self {
        Self(format!("flow-{run}-{number}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.strip_prefix("flow-")?.split_once('-')?;
        let is_number = (1..=NUMBER).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_run(run) && is_number).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ArrayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a text is the name of a run.
pub(crate) fn is_run(text: &str) -> bool {
    is_hex(text, RUN)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_are_refused() {
        let (build, run) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210");
        let bundle = BundleName::new(build, run, 7);
        assert_eq!(BundleName::parse(&bundle.to_string()), Some(bundle.clone()));
        assert_eq!((bundle.build(), bundle.run()), (build, run));
        assert!(bundle < BundleName::new(build, run, 10));
        let worker = WorkerName::new("Node_7.example.org");
        assert!(worker.to_string().starts_with("node-7-example-org-"), "{worker}");
        assert_eq!(WorkerName::parse(&worker.to_string()), Some(worker.clone()));
        let lease = LeaseName { bundle, worker };
        assert_eq!(LeaseName::parse(&lease.to_string()), Some(lease));
        let short = format!("{build}-{run}-1");
        for wrong in ["", "..", "a-b-c", "../x", "0123-fedc-00000001", short.as_str()] {
            assert_eq!(BundleName::parse(wrong), None, "{wrong}");
        }
        assert_eq!(WorkerName::parse("a/b"), None);
        let pool = PoolName::new("slurm", 0xab);
        assert_eq!(pool.to_string(), "slurm-00000000000000ab");
        assert_eq!(PoolName::parse(&pool.to_string()), Some(pool.clone()));
        assert_eq!(pool.executor(), "slurm");
        for wrong in ["", "slurm", "slurm-ab", "../x-00000000000000ab", "-00000000000000ab"] {
            assert_eq!(PoolName::parse(wrong), None, "{wrong}");
        }
        let array = ArrayName::new(run, 12);
        assert_eq!(array.to_string(), "flow-fedcba9876543210-12");
        assert_eq!(ArrayName::parse(&array.to_string()), Some(array));
        for wrong in ["", "flow-1-2", "flow-fedcba9876543210-", "flow-fedcba9876543210-x"] {
            assert_eq!(ArrayName::parse(wrong), None, "{wrong}");
        }
        assert_eq!(WorkerName::parse(&"a".repeat(81)), None);
    }
}

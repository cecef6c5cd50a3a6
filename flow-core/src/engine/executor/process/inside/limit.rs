//! The memory and the CPU time of this process: a limit for a task, and what a task has used.

use std::fs;

use crate::engine::running::ProcessCost;

/// A limit of the memory that this process may allocate. Dropping it restores the limit from before.
///
/// The limit counts what the process *allocates* (`RLIMIT_DATA`: the heap and private memory maps), which may be more than
/// what it touches. Shared memory and maps of files do not count. What the process had allocated before the task is
/// added, so that a small amount does not fail tasks that need less. If an allocation fails, Rust aborts the process.
pub(super) struct Limit {
    #[cfg(target_os = "linux")]
    before: Option<rustix::process::Rlimit>,
}

#[cfg(target_os = "linux")]
impl Limit {
    /// Limits the memory that is allocated from now on to this many bytes, if that is possible.
    pub(super) fn set(bytes: Option<u64>) -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Some(bytes) = bytes else { return Self { before: None } };
        let before = getrlimit(Resource::Data);
        let present = status("VmData:").unwrap_or_default();
        let limit = present.saturating_add(bytes);
        let current = Some(before.maximum.map_or(limit, |most| most.min(limit)));
        let now = Rlimit { current, maximum: before.maximum };
        // A limit that the system refuses is none: it only protects the machine.
        let is_set = setrlimit(Resource::Data, now).is_ok();
        Self { before: is_set.then_some(before) }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Limit {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = rustix::process::setrlimit(rustix::process::Resource::Data, before);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Limit {
    /// Does nothing: no limit of this system counts what a process allocates.
    pub(super) fn set(_bytes: Option<u64>) -> Self {
        Self {}
    }
}

/// Measures what a task uses of this process.
pub(super) struct Meter {
    cpu: Option<f64>,
}

impl Meter {
    pub(super) fn start() -> Self {
        if cfg!(target_os = "linux") {
            // Sets the peak to the present size. Where it is refused, the peak is that of all tasks of the process.
            let _ = fs::write("/proc/self/clear_refs", "5");
        }
        Self { cpu: cpu_seconds() }
    }

    pub(super) fn read(&self) -> ProcessCost {
        let cpu_seconds = self.cpu.zip(cpu_seconds()).map(|(before, now)| (now - before).max(0.0));
        ProcessCost { cpu_seconds, peak_bytes: status("VmHWM:") }
    }
}

/// Returns the CPU time that all threads of this process have used, in seconds.
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
fn cpu_seconds() -> Option<f64> {
    None
}

/// Returns the CPU time that all threads of this process have used, in seconds.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

/// Returns a size in bytes that Linux reports of this process, such as `VmHWM:`.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
}

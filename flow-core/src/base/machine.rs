//! The machine that this process runs on.

use std::sync::OnceLock;

/// Returns the memory that this process can use, in bytes; `None` if it is unknown.
///
/// On Linux that is the memory of the machine or, in a container, the limit of its control groups. It is read once.
pub(crate) fn memory() -> Option<u64> {
    static MEMORY: OnceLock<Option<u64>> = OnceLock::new();
    *MEMORY.get_or_init(read_memory)
}

/// Returns the number of threads that run at the same time. It is computed once, because that reads files.
pub(crate) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS
        .get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

#[cfg(not(target_os = "linux"))]
fn read_memory() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn read_memory() -> Option<u64> {
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| linux::total(&text));
    total.into_iter().chain(linux::limit()).min()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    /// Returns the number of bytes in the line `MemTotal:  16303428 kB`.
    pub(super) fn total(meminfo: &str) -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        kib.checked_mul(1024)
    }

    /// Returns the smallest limit of the control groups (version 2) of this process.
    pub(super) fn limit() -> Option<u64> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let limit = |group: &Path| {
            let file = Path::new("/sys/fs/cgroup").join(group).join("memory.max");
            // A group without a limit has the word `max`.
            fs::read_to_string(file).ok()?.trim().parse::<u64>().ok()
        };
        Path::new(group).ancestors().filter_map(limit).min()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_total_is_read_in_bytes() {
            let text = "MemTotal:       16303428 kB\nMemFree:         1000000 kB\n";
            assert_eq!(total(text), Some(16_303_428 * 1024));
            for text in ["", "MemFree: 1 kB", "MemTotal: 1 MB", "MemTotal: x kB"] {
                assert_eq!(total(text), None, "{text}");
            }
        }

        #[test]
        fn this_machine_has_memory() {
            assert!(super::super::memory().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}

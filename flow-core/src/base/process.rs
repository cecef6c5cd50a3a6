//! What a run records of this process: the host, the program, and what the work of a thread has cost.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::key::{Digest, Hasher};
use crate::base::pause::{running_time, seconds_since};

/// The number of bytes at each end of the executable file that its digest covers.
const HASHED: u64 = 64 << 10;

/// The executable file of this process.
pub(crate) struct Executable {
    /// The file name. Empty if the operating system does not tell it.
    pub(crate) name: String,
    /// The digest of the file's size and of the first and last [`HASHED`] bytes; `None` if the file cannot be read.
    ///
    /// The whole file may have hundreds of megabytes. The first bytes contain the build id, a digest of the whole
    /// program that most linkers write. Without a build id, two builds of equal size may have the same digest.
    pub(crate) digest: Option<Digest>,
}

/// Returns the executable file of this process, which is read at the first call.
pub(crate) fn executable() -> &'static Executable {
    static EXECUTABLE: OnceLock<Executable> = OnceLock::new();
    EXECUTABLE.get_or_init(|| {
        let path = std::env::current_exe().unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Linux appends this to the path if the file was replaced since the process was started.
        let name = name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned();
        // The link leads to the file that runs, even if another one has its name by now.
        let running =
            if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { path };
        Executable { name, digest: File::open(running).and_then(digest_ends).ok() }
    })
}

/// Returns the digest of the size, the first bytes and the last bytes of a file.
fn digest_ends(mut file: File) -> io::Result<Digest> {
    let size = file.metadata()?.len();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    (&mut file).take(HASHED).read_to_end(&mut first)?;
    file.seek(SeekFrom::Start(size.saturating_sub(HASHED)))?;
    file.take(HASHED).read_to_end(&mut last)?;
    Ok(Hasher::new("executable").number(size).bytes(&first).bytes(&last).digest())
}

/// Returns the host name of this machine.
pub fn host() -> String {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| gethostname::gethostname().to_string_lossy().into_owned()).clone()
}

/// Returns the time of the clock for people, in the local time zone: `2026-11-29 23:12:05 +01:00`.
pub fn local_time() -> String {
    Timestamp::now().to_zoned(TimeZone::system()).strftime("%F %T %:z").to_string()
}

/// Returns the largest memory that this process has used so far, in bytes: the peak of its resident set.
///
/// `None` on systems other than Linux, and if `/proc` is not mounted.
pub(crate) fn peak_bytes() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

/// Measures a piece of work on the thread that starts it.
pub(crate) struct Stopwatch {
    started: Timestamp,
    /// The [`running_time`] at the start.
    begun: Duration,
    cpu: Option<f64>,
}

/// When a piece of work started, and what it has cost.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub(crate) started: Timestamp,
    pub(crate) seconds: f64,
    /// The CPU time of the thread, without that of other threads which it started; `None` if it is not known.
    pub(crate) cpu_seconds: Option<f64>,
    /// The peak memory of the process, if the work had a process of its own.
    pub(crate) peak_bytes: Option<u64>,
    /// Where it was done, if the work was submitted to an executor.
    pub(crate) elsewhere: Option<Elsewhere>,
}

/// Where an executor has run a task, and how long the task has waited for that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Elsewhere {
    /// The worker, as it is shown; `None` if none began with the task.
    pub(crate) worker: Option<Arc<str>>,
    /// How long the task has waited for a worker, in seconds; `None` if an earlier run has submitted it.
    pub(crate) queue_seconds: Option<f64>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { started: Timestamp::now(), begun: running_time(), cpu: thread_cpu_seconds() }
    }

    /// Returns the cost since the start. It must be called on the same thread.
    pub(crate) fn read(&self) -> Spent {
        let cpu_seconds =
            self.cpu.zip(thread_cpu_seconds()).map(|(before, now)| (now - before).max(0.0));
        let seconds = seconds_since(self.begun);
        Spent { started: self.started, seconds, cpu_seconds, peak_bytes: None, elsewhere: None }
    }
}

/// Returns the CPU time that this thread has used, in seconds. `None` on systems that do not report it.
#[cfg(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos"
))]
fn thread_cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

#[cfg(not(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos"
)))]
fn thread_cpu_seconds() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_of_the_tests_has_a_name_and_a_digest() {
        let executable = executable();
        assert!(executable.name.starts_with("flow_core"), "{}", executable.name);
        assert!(executable.digest.is_some());
    }

    #[test]
    fn the_digest_of_a_file_covers_its_size_and_both_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let digest = |bytes: &[u8]| {
            let path = folder.path().join("file");
            std::fs::write(&path, bytes).expect("a file");
            digest_ends(File::open(path).expect("a file")).expect("it can be read")
        };
        let long = vec![0; 3 * HASHED as usize];
        for place in [0, long.len() - 1] {
            let mut other = long.clone();
            other[place] = 1;
            assert_ne!(digest(&other), digest(&long));
        }
        assert_ne!(digest(&long[1..]), digest(&long));
        assert_eq!(digest(b""), digest(b""));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_of_the_process_covers_what_it_has_used() {
        const BYTES: usize = 32 << 20;
        let before = peak_bytes().expect("Linux reports it");
        let used = vec![1_u8; BYTES];
        assert!(used.iter().all(|&byte| byte == 1));
        drop(used);
        let after = peak_bytes().expect("Linux reports it");
        assert!(after >= before.max(BYTES as u64), "{before} {after}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_waits_uses_no_cpu_time() {
        let stopwatch = Stopwatch::start();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let waited = stopwatch.read();
        let cpu = waited.cpu_seconds.expect("Linux reports it");
        assert!(waited.seconds >= 0.02 && cpu < waited.seconds / 2.0, "{waited:?}");
        while stopwatch.read().cpu_seconds.expect("Linux reports it") < cpu + 0.005 {}
        assert!(stopwatch.read().seconds > waited.seconds);
    }
}

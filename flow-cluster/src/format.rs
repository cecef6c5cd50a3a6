//! What is in the files of the queue: JSON of format 1.
//!
//! Two processes that read each other's files are of one build, whose digest is in each name. The number of the format is
//! for those that are not, and only have to find that out.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The number of the format.
pub(crate) const FORMAT: u32 = 1;

/// The shortest and the longest lease, in seconds.
const LEASES: std::ops::RangeInclusive<f64> = 0.05..=86_400.0;

/// The most jobs of a bundle.
pub(crate) const MOST_JOBS: usize = 10_000;

/// `bundle.json`: jobs that a worker runs one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bundle {
    format: u32,
    /// The digest of the program.
    pub(crate) build: String,
    /// The name of the program, for people.
    #[serde(default)]
    pub(crate) program: String,
    /// The time after which a worker that is not heard of loses the bundle, in seconds.
    pub(crate) lease_seconds: f64,
    pub(crate) jobs: Vec<BundledJob>,
}

/// A job of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BundledJob {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
    pub(crate) task: String,
    /// The instance, for people.
    pub(crate) label: String,
    pub(crate) attempt: u32,
    pub(crate) expected_seconds: Option<f64>,
    /// What a process of the same build needs to run the job.
    pub(crate) payload: String,
}

/// A line of `messages.jsonl`, which the worker appends to. Jobs are named by their places in the bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The worker has read the bundle.
    Hello {
        format: u32,
        host: String,
        process: u32,
        /// The job of the scheduler that has started the worker, such as `123_4`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<String>,
        /// The number of jobs that the worker has begun before.
        #[serde(default)]
        ran: usize,
    },
    /// A job begins.
    Begun(usize),
    /// A message of a job.
    Message { job: usize, text: String },
    /// The job that runs waits for tasks that it has required. The jobs after it must not wait for it.
    Waits,
    /// A job has ended, or was left out by request.
    Ended(usize),
    /// The worker is alive.
    Beat(u64),
    /// For how long a job has run so far, by the clock of the worker: for people who look at the queue.
    Runs { job: usize, seconds: f64 },
    /// The worker gives the bundle back, with the reason.
    Left(String),
    /// The worker takes no jobs of this run, with the reason: it has begun none, and leaves them for other workers.
    Refused(String),
    /// All jobs have ended.
    Over,
}

/// A line of `orders.jsonl`, which the run appends to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// A message to a job that runs.
    Message { job: usize, text: String },
    /// A job that has not begun is left out.
    Skip(usize),
    /// A later run watches the bundle, because the one that has posted it was killed. This is for other processes that look at the
    /// queue: the jobs are those of this run now.
    Adopt { run: String },
}

/// `workers/<worker>.json`: a worker process, which writes the file anew every few seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Presence {
    format: u32,
    pub(crate) host: String,
    pub(crate) process: u32,
    pub(crate) program: String,
    pub(crate) build: String,
    /// The number of bundles that it works on at the same time.
    pub(crate) slots: usize,
    /// The job of the scheduler that has started it, such as `123_4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// Grows each time.
    pub(crate) beat: u64,
}

/// `runs/<run>.workers`: the workers that a scheduler starts for a run, as the run knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartedWorkers {
    format: u32,
    /// The number of those that wait in the queue of the scheduler. It is small, so that the sum of hostile ones is a number.
    pub(crate) queued: u32,
    /// For what one of them waits, in the words of the scheduler.
    pub(crate) reason: Option<String>,
}

impl StartedWorkers {
    pub(crate) fn new(queued: usize, reason: Option<String>) -> Self {
        Self { format: FORMAT, queued: u32::try_from(queued).unwrap_or(u32::MAX), reason }
    }
}

impl Bundle {
    pub(crate) fn new(build: &str, lease_seconds: f64, jobs: Vec<BundledJob>) -> Self {
        let (build, program) = (build.to_owned(), String::new());
        Self { format: FORMAT, build, program, lease_seconds, jobs }
    }

    /// Sets the name of the program.
    pub(crate) fn of_program(self, program: &str) -> Self {
        Self { program: program.to_owned(), ..self }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// It is damaged, or of another format: the text says so.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bundle: Self = versioned(bytes)?;
        if !LEASES.contains(&bundle.lease_seconds) {
            return Err(format!("it has a lease of {} s", bundle.lease_seconds));
        }
        match bundle.jobs.len() {
            1..=MOST_JOBS => Ok(bundle),
            jobs => Err(format!("it has {jobs} jobs")),
        }
    }
}

impl Presence {
    pub(crate) fn new(
        (host, process): (&str, u32),
        (program, build): (&str, &str),
        slots: usize,
    ) -> Self {
        let (host, program, build) = (host.to_owned(), program.to_owned(), build.to_owned());
        Self { format: FORMAT, host, process, program, build, slots, job: None, beat: 0 }
    }

    /// Reads the file of a worker. The error says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        versioned(bytes)
    }

    /// Returns the worker as it is shown.
    pub(crate) fn shown(&self) -> String {
        shown(&self.host, self.process)
    }
}

/// Returns a worker process as it is shown.
pub(crate) fn shown(host: &str, process: u32) -> String {
    format!("{} (process {process})", plain(host))
}

/// The most characters of a text of another process that is shown.
const LONGEST_SHOWN: usize = 1000;

/// Returns a text of another process for people: without characters that control a terminal, and not too long.
pub(crate) fn plain(text: &str) -> String {
    let shown = text.chars().take(LONGEST_SHOWN);
    shown.map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Reads JSON with the number of a format.
pub(crate) fn versioned<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }

    let Versioned { format } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!(
            "it is of format {format}, and this program reads format {FORMAT}: another release has written it"
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Returns a value as a line of JSON.
pub(crate) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("plain data");
    line.push(b'\n');
    line
}

/// Returns a job for tests.
#[cfg(test)]
pub(crate) fn job_for_tests() -> BundledJob {
    BundledJob {
        key: "k".to_owned(),
        fingerprint: "f".to_owned(),
        task: "Train".to_owned(),
        label: "Train".to_owned(),
        attempt: 1,
        expected_seconds: None,
        payload: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let job = BundledJob {
            label: "Train {c: 1}".to_owned(),
            expected_seconds: Some(0.5),
            payload: "{\"a\":\"\\n\"}".to_owned(),
            ..job_for_tests()
        };
        Bundle::new("b", 30.0, vec![job])
    }

    #[test]
    fn a_bundle_is_read_as_it_was_written() {
        let bytes = serde_json::to_vec(&bundle()).expect("JSON");
        assert_eq!(Bundle::parse(&bytes), Ok(bundle()));
    }

    #[test]
    fn a_torn_or_hostile_bundle_is_refused_with_a_reason() {
        let text = serde_json::to_string(&bundle()).expect("JSON");
        for end in [0, 1, text.len() / 2, text.len() - 1] {
            assert!(Bundle::parse(&text.as_bytes()[..end]).is_err(), "{end}");
        }
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            Bundle::parse(text.replace(from, to).as_bytes()).expect_err("it is refused")
        };
        assert!(refused("\"format\":1", "\"format\":2").contains("of format 2"));
        assert!(refused("30.0", "-1.0").contains("a lease of -1 s"));
        assert!(refused("30.0", "1e9").contains("a lease of"));
        assert!(refused("\"attempt\":1", "\"attempt\":-1").contains("invalid value"));
        let none = serde_json::to_vec(&Bundle::new("b", 30.0, Vec::new())).expect("JSON");
        assert_eq!(Bundle::parse(&none), Err("it has 0 jobs".to_owned()));
    }

    #[test]
    fn a_hostile_number_of_workers_is_not_read() {
        let read = |text: &str| versioned::<StartedWorkers>(text.as_bytes());
        let started = StartedWorkers::new(7, Some("Priority".to_owned()));
        assert_eq!(read(&serde_json::to_string(&started).expect("JSON")), Ok(started));
        assert!(
            read(&format!("{{\"format\":1,\"queued\":{},\"reason\":null}}", u64::MAX)).is_err()
        );
    }

    #[test]
    fn a_line_is_one_line_of_json() {
        let message = Line::Message { job: 2, text: "a\nb".to_owned() };
        assert_eq!(line(&message), b"{\"message\":{\"job\":2,\"text\":\"a\\nb\"}}\n");
        assert_eq!(line(&Line::Over), b"\"over\"\n");
        assert_eq!(line(&Line::Begun(3)), b"{\"begun\":3}\n");
        assert_eq!(line(&Order::Skip(0)), b"{\"skip\":0}\n");
        let adopt = Order::Adopt { run: "00ab".to_owned() };
        assert_eq!(line(&adopt), b"{\"adopt\":{\"run\":\"00ab\"}}\n");
    }
}

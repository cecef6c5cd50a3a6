//! [`Progress`]: how much was transferred, and how fast.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flow_core::Bytes;

/// The time between two reports.
const PACE: Duration = Duration::from_millis(200);

/// What a remote has transferred so far. It is displayed as one line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of bytes that were sent.
    pub sent: u64,
    /// The number of bytes that were received.
    pub received: u64,
    /// The number of bytes that are transferred in a second, over the last few seconds.
    pub bytes_per_second: f64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, bytes_per_second } = *self;
        if sent > 0 || received == 0 {
            write!(f, "{} sent, ", Bytes(sent))?;
        }
        if received > 0 {
            write!(f, "{} received, ", Bytes(received))?;
        }
        write!(f, "{}/s", Bytes(bytes_per_second as u64))
    }
}

pub(crate) type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

/// Counts the bytes of all requests, and reports them from time to time.
pub(crate) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
    listener: Option<Listener>,
    rate: Mutex<Rate>,
}

/// The rate since the last report, smoothed.
struct Rate {
    reported: Instant,
    bytes: u64,
    smoothed: Option<f64>,
}

impl Meter {
    pub(crate) fn new(listener: Option<Listener>) -> Self {
        let rate = Rate { reported: Instant::now(), bytes: 0, smoothed: None };
        let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { sent, received, listener, rate: Mutex::new(rate) }
    }

    pub(crate) fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.report();
    }

    pub(crate) fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
        self.report();
    }

    fn report(&self) {
        let Some(listener) = &self.listener else { return };
        // Another thread reports just now.
        let Ok(mut rate) = self.rate.try_lock() else { return };
        let elapsed = rate.reported.elapsed();
        if elapsed < PACE {
            return;
        }
        let sent = self.sent.load(Ordering::Relaxed);
        let received = self.received.load(Ordering::Relaxed);
        let now = (sent + received - rate.bytes) as f64 / elapsed.as_secs_f64();
        let smoothed = rate.smoothed.map_or(now, |before| 0.8 * before + 0.2 * now);
        *rate = Rate { reported: Instant::now(), bytes: sent + received, smoothed: Some(smoothed) };
        drop(rate);
        listener(Progress { sent, received, bytes_per_second: smoothed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line_with_a_rate() {
        let progress = |sent, received| Progress { sent, received, bytes_per_second: 2.5e6 };
        assert_eq!(progress(1_200_000, 0).to_string(), "1.2 MB sent, 2.5 MB/s");
        assert_eq!(progress(0, 34).to_string(), "34 B received, 2.5 MB/s");
    }
}

//! What other processes ask of a run: to cancel jobs.
//!
//! A request stays in force until the run ends, so that jobs that are submitted later, or that were lost, are cancelled,
//! too. Any process that can write to the queue may ask.

use flow_core::executor::Job;

use crate::error::ClusterError;
use crate::request::Request;
use crate::tail::Tail;
use crate::transport::Transport;

/// The requests so far.
#[derive(Default)]
pub(super) struct Requests {
    tail: Tail,
    taken: Vec<Asked>,
}

/// A request that was taken.
#[derive(Clone)]
pub(super) struct Asked {
    request: Request,
    /// Who asks, as it is shown.
    by: String,
}

impl Asked {
    /// Returns whether a job is to be cancelled.
    pub(super) fn cancels(&self, job: &Job) -> bool {
        self.has(&job.task, &job.key.to_string())
    }

    /// Returns whether the job of an instance of a task is to be cancelled.
    pub(super) fn has(&self, task: &str, key: &str) -> bool {
        self.request.cancelled().has(task, key)
    }

    /// Returns who asks, as it is shown.
    pub(super) fn by(&self) -> &str {
        &self.by
    }
}

impl Requests {
    /// Takes the requests that were written since the last call, and returns them.
    pub(super) fn take(
        &mut self,
        transport: &dyn Transport,
        run: &str,
    ) -> Result<Vec<Asked>, ClusterError> {
        let bytes = transport.requests(run, self.tail.offset())?;
        // A line that is too long, or that cannot be read, is no request.
        let lines = self.tail.take(&bytes).unwrap_or_default();
        let requests = lines.iter().filter_map(|line| Request::parse(line));
        let asked = requests.map(|request| Asked { by: request.by(), request });
        let asked: Vec<_> = asked.collect();
        self.taken.extend(asked.iter().cloned());
        Ok(asked)
    }

    /// Returns who has asked to cancel a job that is about to be submitted, if anyone has.
    pub(super) fn cancel(&self, job: &Job) -> Option<&str> {
        self.taken.iter().find(|asked| asked.cancels(job)).map(Asked::by)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use flow_core::fs::Disk;

    use super::*;
    use crate::request::JobSelection;
    use crate::transport::Folder;

    #[test]
    fn requests_are_taken_once_and_torn_or_foreign_lines_ask_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let transport = Folder::new(folder.path(), Arc::new(Disk));
        transport.prepare().expect("a queue");
        let (run, mut requests) = ("0123456789abcdef", Requests::default());
        let mut take = || requests.take(&transport, run).expect("they are read");
        assert!(take().is_empty(), "there is no file");
        let line = Request::cancel(&JobSelection::tasks(["A"]), "node").line();
        // A process has died while it wrote.
        transport.request(run, &line[..9]).expect("it is written");
        assert!(take().is_empty());
        transport.request(run, b"\n{\"format\":2}\nnothing\n").expect("it is written");
        transport.request(run, &line).expect("it is written");
        assert_eq!(take().len(), 1);
        assert!(take().is_empty());
        assert_eq!(requests.taken.len(), 1);
    }
}

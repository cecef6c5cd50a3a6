//! Prints all that is known of an instance that is debugged.

use std::fmt;

use super::{DebugInput, DebugInstance, Selected};
use crate::base::seconds::Seconds;
use crate::plan::failure::LastFailure;
use crate::store::log_text::escaped_lines;
use crate::value::escaped_text;

/// The number of lines of the log that are printed: the last ones.
const LINES: usize = 20;

/// The number of inputs that are printed.
const LISTED: usize = 20;

impl<T> fmt::Display for DebugInstance<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selected.fmt(f)
    }
}

impl<T> fmt::Debug for DebugInstance<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Selected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        self.write_parameters(f)?;
        self.write_inputs(f)?;
        for why in &self.unusable {
            write!(f, "\nnot used: {}", escaped_lines(why).replace('\n', "\n  "))?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "\n{}", failure.error_lines())?;
            if let Some(metadata) = failure.metadata_lines() {
                write!(f, "\n{metadata}")?;
            }
        }
        self.write_log(f)?;
        if let Some(backtrace) = self.failure.as_ref().and_then(|it| it.backtrace.as_deref()) {
            write!(f, "\nbacktrace:\n{}", escaped_lines(backtrace.trim_end()))?;
        }
        Ok(())
    }

    /// Writes what became of the last run.
    fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label();
        let Some(failure) = &self.failure else {
            write!(f, "{label} has not failed")?;
            return match self.seconds {
                Some(seconds) => write!(f, "; its last run took {}", Seconds(seconds)),
                None => Ok(()),
            };
        };
        let LastFailure { attempts, seconds, host, .. } = failure;
        write!(f, "{label} failed {}", failure.ago())?;
        match (attempts, seconds) {
            (0, _) | (_, None) => {}
            (1, Some(seconds)) => write!(f, " after {}", Seconds(*seconds))?,
            (attempts, Some(seconds)) => {
                let seconds = Seconds(*seconds);
                write!(f, " after {attempts} attempts, of which the last one took {seconds}")?;
            }
        }
        host.iter().try_for_each(|host| write!(f, " on {}", escaped_text(host.chars())))
    }

    /// Writes all parameters in the order of their declaration, then those of upstream tasks by name.
    fn write_parameters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.plan.graph.all_shown(self.node).into_iter();
        let mut all = all.filter(|one| !one.is_inherited).peekable();
        if all.peek().is_some() {
            f.write_str("\nparameters:")?;
        }
        all.try_for_each(|one| write!(f, "\n  {}: {}", one.name, one.value))
    }

    fn write_inputs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = &self.resolved.inputs;
        if !inputs.is_empty() {
            f.write_str("\ninputs:")?;
        }
        for DebugInput { role, instance, path, note, .. } in inputs.iter().take(LISTED) {
            let before = if role.is_empty() { "" } else { ": " };
            write!(f, "\n  {role}{before}{instance}")?;
            if let Some(path) = path {
                write!(f, ": {}", path.display())?;
            }
            if let Some(note) = note {
                write!(f, " ({note})")?;
            }
        }
        if let Some(more @ 1..) = inputs.len().checked_sub(LISTED) {
            write!(f, "\n  … and {more} more")?;
        }
        let files = self.resolved.made_from.iter().flat_map(|made_from| &made_from.files);
        for (place, (name, file)) in files.enumerate() {
            let before = if place == 0 { "\nfiles:" } else { "" };
            write!(f, "{before}\n  {name}: {}", escaped_text(file.path.chars()))?;
        }
        for (place, change) in self.resolved.changes.iter().enumerate() {
            let before = if place == 0 { "\nchanged since:" } else { "" };
            write!(f, "{before}\n  {change}")?;
        }
        if self.resolved.has_other_code {
            f.write_str("\nits code has changed since")?;
        }
        Ok(())
    }

    /// Writes the path of the log, and its end.
    fn write_log(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(log) = &self.log else { return Ok(()) };
        let lines = log.text().lines().count();
        let which = match lines.checked_sub(LINES) {
            Some(1..) => format!(", the last {LINES} of {lines} lines"),
            _ => String::new(),
        };
        let tail = escaped_lines(log.tail(LINES)).replace('\n', "\n  ");
        write!(f, "\nlog {}{which}:\n  {tail}", log.path().display())
    }
}

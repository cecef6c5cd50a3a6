//! The golden file: the keys of all tasks, as a text file that is kept with the code.
//!
//! An output is found by a key, which hashes the name of its task and the names and values of parameters, and it is
//! read as the type that the task declares. A refactoring that changes one of these loses the existing outputs without
//! an error: the tasks just run again. The golden file makes a test fail instead. It has for each task the key
//! of the instance with default values, its parameters, and the type of its output:
//!
//! ```text
//! Train
//!   key 3f2a91c04b77e0105d3b0f6a2c1e9d88
//!   model: ModelKind = Logistic
//!   output Classifier in Pickle<Classifier>
//! ```
//!
//! The key of the defaults changes with everything that loses outputs: names, types, the serialization of values,
//! and parameters upstream. A default that depends on the day or the machine has to be set in `check_all!`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::base::names::unique;
use crate::flow::Flow;
use crate::plan::builder::build;
use crate::store::Store;
use crate::task::{Kind, TaskType};

/// The environment variable that makes the test write the file.
const ACCEPT: &str = "FLOW_ACCEPT_KEYS";

/// The head of the file.
const HEAD: &str = "# What the outputs of each task are found by: see `flow::check_all!`. It is written by\n\
                    # FLOW_ACCEPT_KEYS=1 cargo test\n";

/// The line of a task that has no key by itself, because a parameter without a default is set by its consumers.
const NO_KEY: &str = "key by what requires it";

/// The lines of each task, by the name that it is stored under.
#[doc(hidden)]
#[derive(Debug, PartialEq, Eq)]
pub struct Tasks(BTreeMap<String, Vec<String>>);

impl Tasks {
    pub(super) fn of(flow: &Flow, registered: &[&'static TaskType]) -> Self {
        let stored = registered.iter().filter(|task| task.kind == Kind::Made);
        let lines = stored.map(|task| ((task.decl)().identity().to_owned(), lines(flow, task)));
        Self(lines.collect())
    }

    /// Compares the tasks with a file, or writes the file if the environment variable is set.
    ///
    /// # Errors
    ///
    /// The message lists the differences and what to do, or says that the file cannot be read or written.
    pub fn compare(&self, path: &Path) -> Result<(), String> {
        if std::env::var_os(ACCEPT).is_some_and(|value| !value.is_empty()) {
            return self
                .write(path)
                .map_err(|error| format!("cannot write {}: {error}", path.display()));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => match self.differences(&Self::parse(&text)) {
                differences if differences.is_empty() => Ok(()),
                differences => Err(explain(&differences, path)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!(
                "there is no {} yet, which guards the outputs of tasks against being lost by a \
                 refactoring: write it with `{ACCEPT}=1 cargo test`, and keep it with the code",
                path.display()
            )),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = self.text();
        // Several tests may write the file at once: renaming a draft lets each reader see a whole file.
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let draft = path.with_extension(format!("{}.tmp", unique()));
        std::fs::write(&draft, text)?;
        std::fs::rename(&draft, path)
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (task, lines) in &self.0 {
            let _ = write!(text, "\n{task}\n");
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    fn parse(text: &str) -> Self {
        let mut tasks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut task = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            match line.strip_prefix("  ") {
                Some(line) => {
                    tasks.entry(task.clone()).or_default().push(line.trim_end().to_owned())
                }
                None => {
                    task = line.trim_end().to_owned();
                    tasks.entry(task.clone()).or_default();
                }
            }
        }
        Self(tasks)
    }

    /// Returns the differences from an earlier state, a text for each task.
    fn differences(&self, was: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (task, lines) in &was.0 {
            match self.0.get(task) {
                Some(now) if now == lines => {}
                Some(now) => differences.push(difference(task, lines, now)),
                None => differences
                    .push(format!("{task} does not exist any more, so its outputs are not found")),
            }
        }
        let new = self.0.keys().filter(|task| !was.0.contains_key(*task));
        differences.extend(new.map(|task| format!("{task} is new, and not guarded yet")));
        differences
    }
}

fn difference(task: &str, was: &[String], now: &[String]) -> String {
    let gone = was.iter().filter(|line| !now.contains(line));
    let come = now.iter().filter(|line| !was.contains(line));
    let mut text = format!("{task} has changed:");
    let marked = gone.map(|line| ('-', line)).chain(come.map(|line| ('+', line)));
    for (mark, line) in marked {
        let _ = write!(text, "\n  {mark} {line}");
    }
    let is_key = |line: &&String| line.starts_with("key ");
    let rest =
        |lines: &[String]| lines.iter().filter(|line| !is_key(line)).cloned().collect::<Vec<_>>();
    if rest(was) == rest(now) {
        text += "\n  a task upstream, or the serialization of a value, has changed";
    }
    text
}

fn explain(differences: &[String], path: &Path) -> String {
    format!(
        "existing outputs would not be found, or would be read as another type:\n{}\n\
         A task or a parameter that was renamed keeps its outputs with `was = \"...\"`. A default that \
         depends on the day or the machine has to be set: `flow::check_all!(|flow| flow.with(...))`. If the \
         changes are intended, the tasks run again, and `{ACCEPT}=1 cargo test` writes it down in {}",
        differences.join("\n"),
        path.display()
    )
}

/// Returns the lines of one task.
fn lines(flow: &Flow, task: &'static TaskType) -> Vec<String> {
    let decl = (task.decl)();
    let planned = build(&[task.into()], &Store::nowhere(), &super::all::givens_of(flow, task)).ok();
    let mut lines = Vec::new();
    let mut values = BTreeMap::new();
    if let Some((graph, _)) = &planned {
        let root = graph.roots[0];
        values = graph.all_parameters(root);
        lines.push(format!("key {}", graph.node(root).key));
    } else {
        lines.push(NO_KEY.to_owned());
    }
    let mut params: Vec<_> = task.params.iter().filter(|param| param.significant).collect();
    params.sort_by_key(|param| param.identity());
    for param in params {
        let ty = crate::base::names::short((param.kind.name)());
        let value =
            values.get(param.name).map(|value| format!(" = {}", on_one_line(&value.to_string())));
        lines.push(format!("{}: {ty}{}", param.identity(), value.unwrap_or_default()));
    }
    let output = crate::base::names::short((task.output)());
    lines.push(format!("output {output} in {}", on_one_line(decl.target)));
    lines
}

fn on_one_line(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(text: &str) -> Tasks {
        Tasks::parse(text)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let some = tasks("A\n  key 1\n  n: u32 = 5\n\nB<C>\n  key 2\n");
        assert_eq!(tasks(&some.text()), some);
        // A checkout may have other line endings.
        assert_eq!(tasks(&some.text().replace('\n', "\r\n")), some);
    }

    #[test]
    fn each_difference_is_told() {
        let was = tasks("A\n  key 1\n  n: u32 = 5\nB\n  key 2\nC\n  key 3\n");
        let now = tasks("A\n  key 4\n  m: u32 = 5\nB\n  key 5\nD\n  key 3\n");
        assert_eq!(
            now.differences(&was),
            [
                "A has changed:\n  - key 1\n  - n: u32 = 5\n  + key 4\n  + m: u32 = 5",
                "B has changed:\n  - key 2\n  + key 5\n  a task upstream, or the serialization of a value, has changed",
                "C does not exist any more, so its outputs are not found",
                "D is new, and not guarded yet",
            ]
        );
        assert_eq!(was.differences(&was), [""; 0]);
    }
}

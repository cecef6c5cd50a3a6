//! Measures how long the command line of a program with 500 tasks takes, as whole processes.
//!
//! The program is generated and built in release. Its tasks are functions with doc comments and three parameters, in
//! chains of ten.
//!
//! - `RESULT cli help_500 ms=... floor_ms=... over_ms=...`: `--help`. So are `task_help_500`, `run t250 --help`;
//!   `list_500`, `list`; `wrong_option_500` and `wrong_task_500`, runs that are refused with a suggestion. The floor is a
//!   program that does nothing.
//! - `RESULT cli status_10000 ...`: `status` of a store with 10,000 instances, and `status_500`. The floor is a program
//!   that reads each record and calls `stat` on each output, and knows their paths.
//!
//! Each figure is a median of 20 processes; all programs take turns. `over_ms` is the difference of both.
//! What is written to the standard output is discarded. The first build takes some minutes.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use flow::prelude::*;
use kit::args::Args;
use kit::disk::settle;
use kit::generated::GeneratedCrate;
use kit::median;
use kit::records::Records;
use tempfile::TempDir;

/// The number of tasks.
const TASKS: usize = 500;

/// The number of tasks in each chain.
const CHAIN: usize = 10;

/// The numbers of instances in the stores: multiples of the number of tasks.
const STORES: [usize; 2] = [TASKS, 20 * TASKS];

/// How often each process is measured.
const ROUNDS: usize = 20;

/// The program that is the floor.
const FLOOR: &str = r#"//! Does nothing or, with the path of a list, reads each record in it and calls `stat` on each output.

use std::fs;

fn main() {
    let Some(list) = std::env::args().nth(1) else { return };
    let list = fs::read_to_string(list).expect("a list");
    let mut paths = list.lines();
    let mut bytes = 0;
    while let (Some(record), Some(output)) = (paths.next(), paths.next()) {
        bytes += fs::read(record).expect("a record").len() as u64;
        bytes += fs::metadata(output).expect("an output").len();
    }
    assert!(bytes > 0, "nothing was read");
}
"#;

fn main() -> Result<()> {
    let args = Args::read();
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let programs = Programs::build(folder.path())?;
    let mut cases = vec![
        Case::new("help", &["--help"], 0, "Usage: "),
        Case::new("task_help", &["run", "t250", "--help"], 0, "--label_250 "),
        Case::new("list", &["list"], 0, "t500"),
        Case::new("wrong_option", &["run", "t250", "--rat", "1"], 2, "--rat"),
        Case::new("wrong_task", &["run", "t501"], 2, "did you mean"),
    ];
    cases.retain(|case| args.selects(&case.name));
    for instances in STORES {
        if args.selects(&format!("status_{instances}")) {
            cases.push(programs.stored(instances)?);
        }
    }
    cases.iter().try_for_each(|case| programs.check(case))?;
    let mut times = vec![(Vec::new(), Vec::new()); cases.len()];
    for _ in 0..ROUNDS {
        for (case, (ours, floors)) in cases.iter().zip(&mut times) {
            floors.push(time(&mut programs.floor(case), 0)?);
            ours.push(time(&mut programs.tasks(&case.arguments), case.code)?);
        }
    }
    for (case, (ours, floors)) in cases.iter().zip(&times) {
        let (ours, floor) = (median(ours) * 1e3, median(floors) * 1e3);
        println!(
            "RESULT cli {} ms={ours:.2} floor_ms={floor:.2} over_ms={:.2}",
            case.name,
            ours - floor
        );
    }
    Ok(())
}

/// A process that is measured.
struct Case {
    name: String,
    /// The arguments of the program.
    arguments: Vec<String>,
    /// Its exit code.
    code: i32,
    /// A text that it prints.
    printed: String,
    /// The list of files that the floor reads.
    list: Option<PathBuf>,
}

impl Case {
    /// Creates a case that reads no store.
    fn new(name: &str, arguments: &[&str], code: i32, printed: &str) -> Self {
        Self {
            name: format!("{name}_{TASKS}"),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            code,
            printed: printed.to_owned(),
            list: None,
        }
    }
}

/// The program with tasks, and that which is the floor.
struct Programs {
    tasks: PathBuf,
    floor: PathBuf,
    /// The current folder of all processes.
    folder: PathBuf,
}

impl Programs {
    fn build(folder: &Path) -> Result<Self> {
        let files = [("main.rs", tasks()), ("bin/floor.rs", FLOOR.to_owned())];
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let generated =
            GeneratedCrate::new(temporary, "cli", "tasks", "features = [\"cli\"]", &files)?;
        generated.cargo(&["build", "--release"], false)?;
        Ok(Self {
            tasks: generated.program("release", "cli-tasks"),
            floor: generated.program("release", "floor"),
            folder: folder.to_owned(),
        })
    }

    /// Returns the process of the command line with these arguments.
    fn tasks(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.tasks);
        command.args(arguments).current_dir(&self.folder);
        // These would be other stores.
        for name in ["FLOW_CONFIG", "FLOW_DATA", "FLOW_NAMESPACE"] {
            command.env_remove(name);
        }
        command
    }

    /// Returns the process that is the floor of a case.
    fn floor(&self, case: &Case) -> Command {
        let mut command = Command::new(&self.floor);
        command.args(&case.list).current_dir(&self.folder);
        command
    }

    /// Writes a store with this many instances, and returns the case of its `status`.
    fn stored(&self, instances: usize) -> Result<Case> {
        let name = format!("status_{instances}");
        let data = format!("store_{instances}");
        for rate in 1..=instances / TASKS {
            let mut arguments = ["--data", &data, "--quiet", "run"].map(str::to_owned).to_vec();
            arguments.extend((CHAIN..=TASKS).step_by(CHAIN).map(|last| format!("t{last}")));
            arguments.push(format!("--rate={rate}.5"));
            let mut run = self.tasks(&arguments);
            let output = run.output()?;
            ensure!(output.status.success(), "{run:?}: {}", said(&output.stderr));
        }
        settle();
        let records = Records::of_store(&self.folder.join(&data))?.files;
        ensure!(records.len() == instances, "{} instances", records.len());
        let mut list = String::new();
        for (record, output) in &records {
            writeln!(list, "{}\n{}", record.display(), output.display())?;
        }
        let path = self.folder.join(format!("{data}.txt"));
        fs::write(&path, list)?;
        let arguments = ["--data", &data, "status"].map(str::to_owned).to_vec();
        let printed = format!("{instances} outputs, ");
        Ok(Case { name, arguments, code: 0, printed, list: Some(path) })
    }

    /// Checks what both processes of a case do, and reads their files into the memory of the system.
    fn check(&self, case: &Case) -> Result<()> {
        time(&mut self.floor(case), 0)?;
        let output = self.tasks(&case.arguments).output()?;
        let printed = said(if case.code == 0 { &output.stdout } else { &output.stderr });
        let (code, text) = (output.status.code(), &case.printed);
        ensure!(code == Some(case.code), "{}: {code:?}: {}", case.name, said(&output.stderr));
        ensure!(printed.contains(text), "{}: {text:?} is not in {printed}", case.name);
        Ok(())
    }
}

/// Runs a process that ends with this exit code, and returns the time in seconds.
fn time(command: &mut Command, code: i32) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(status.code() == Some(code), "{command:?}: {status}");
    Ok(took)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Generates a program of functions in chains, with a command line.
fn tasks() -> String {
    let mut text = String::from("use std::process::ExitCode;\n\nuse flow::prelude::*;\n");
    for i in 1..=TASKS {
        let (requires, input, first) = match i % CHAIN {
            1 => Default::default(),
            _ => (format!("requires = t{}, ", i - 1), "before: &f64, ".to_owned(), "before + "),
        };
        write!(
            text,
            "\n/// Step {i} of {TASKS}.\n///\n/// It adds what the days earn.\n\
             #[task({requires}target = Json<f64>)]\nfn t{i}({input}\n    \
             /// The rate of each day.\n    #[param(default = 0.5, range = 0.0..=1e6)]\n    rate: f64,\n    \
             /// The number of days.\n    #[param(default = 10)]\n    days: u32,\n    \
             /// The label of step {i}.\n    #[param(default = \"price\")]\n    label_{i}: &str,\n) -> f64 {{\n    \
             {first}f64::from(days) * rate + label_{i}.len() as f64\n}}\n"
        )
        .expect("text");
    }
    text.push_str("\nfn main() -> ExitCode {\n    flow::main!()\n}\n");
    text
}

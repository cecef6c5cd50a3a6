//! Measures what the macros cost a build: `cargo check` of generated crates that differ only in the
//! macros.
//!
//! - 200 tasks, each a struct with three parameters, `#[derive(Task)]` and `#[tracked] impl Run`,
//!   compared with the same structs and functions with serde's `Serialize` and `Deserialize`
//!   instead. The time of the same crate without any macro is subtracted from both:
//!   `RESULT compile derive ms_per_task=... serde_ms_per_task=... ratio=...`
//! - The same after an edit of one task, with incremental compilation:
//!   `RESULT compile derive_again ...`
//! - `#[tracked]` on 20 tasks that reach all of a crate of 20,000 lines, compared with
//!   `Code::version(1)`: `RESULT compile tracked seconds=... lines=20000`
//!
//! - `cargo build` of 500 tasks with four parameters and one requirement each: all of the crate, and
//!   after an edit of one line. `RESULT compile build seconds=... cpu_seconds=... edit_seconds=...
//!   edit_cpu_seconds=... megabytes=... tasks=500`; the size is that of the program.
//!
//! The crates that are checked take turns, and each figure is the difference of medians. The build is
//! measured once, and its edit three times, of which the fastest counts. Each figure is that of one
//! crate, whose dependencies were checked or built before. The macros are unoptimized, as in a user's debug build.
//! If the system reports the processor time of a program, it is printed as `cpu_...`: it is the
//! same on a busy machine, and a check is the work of one thread. The benchmark needs the toolchain
//! and the dependencies that the library itself was built with.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

use kit::generated::GeneratedCrate;

const TASKS: usize = 200;

/// The number of tasks in the crate that is built.
const BUILT: usize = 500;

/// How often each crate is checked.
const TIMES: usize = 9;

/// The variants of the macros in a crate.
#[derive(Clone, Copy, PartialEq)]
enum Macros {
    None,
    Serde,
    Task,
}

fn main() {
    let [plain, serde, task] = [Macros::None, Macros::Serde, Macros::Task].map(|macros| {
        Crate::new(&format!("derive-{}", macros.name()), &[("main.rs", tasks(macros))])
    });
    for (name, incremental) in [("derive", false), ("derive_again", true)] {
        let [plain, serde, task] = medians([&plain, &serde, &task], incremental);
        let (task, serde) = (task.since(plain), serde.since(plain));
        let each = |seconds: f64| seconds * 1e3 / TASKS as f64;
        println!(
            "RESULT compile {name} ms_per_task={:.2} serde_ms_per_task={:.2} ratio={:.2} \
             cpu_ms_per_task={:.2} serde_cpu_ms_per_task={:.2}",
            each(task.wall),
            each(serde.wall),
            task.wall / serde.wall,
            each(task.cpu),
            each(serde.cpu),
        );
    }

    build();

    let [with, without] = [true, false].map(large);
    let lines: usize = with.iter().map(|(_, text)| text.lines().count()).sum();
    let [with, without] = [("large-tracked", with), ("large-version", without)]
        .map(|(name, files)| Crate::new(name, &files));
    let [with, without] = medians([&with, &without], false);
    let tracked = with.since(without);
    println!(
        "RESULT compile tracked seconds={:.3} lines={lines} cpu_seconds={:.3} without={:.3}",
        tracked.wall, tracked.cpu, without.wall
    );
}

/// Builds a pipeline of 500 tasks, and builds it again after an edit.
fn build() {
    let pipeline = Crate::new("build", &[("main.rs", pipeline())]);
    // Builds the dependencies, which the figures leave out.
    pipeline.cargo("build", false);
    let whole = pipeline.cargo("build", false);
    pipeline.cargo("build", true);
    let edits: Vec<Seconds> = (0..3).map(|_| pipeline.cargo("build", true)).collect();
    let edit = edits.iter().copied().min_by(|a, b| a.wall.total_cmp(&b.wall)).expect("some edits");
    let program = pipeline.0.program("debug", "compile-build");
    let bytes = fs::metadata(program).expect("the program").len();
    println!(
        "RESULT compile build seconds={:.1} cpu_seconds={:.1} edit_seconds={:.1} edit_cpu_seconds={:.1} \
         megabytes={} tasks={BUILT}",
        whole.wall,
        whole.cpu,
        edit.wall,
        edit.cpu,
        bytes / 1_000_000
    );
}

/// Generates a crate of 500 tasks, in chains of ten, that runs all of them.
fn pipeline() -> String {
    let mut text = String::from("use flow::prelude::*;\n");
    for i in 0..BUILT {
        let (requires, first) = match i % 10 {
            0 => (String::new(), "0.0".to_owned()),
            _ => (format!("requires = Step{}, ", i - 1), "*cx.input().load()?".to_owned()),
        };
        write!(
            text,
            "\n/// Step {i}.\n#[derive(Task)]\n#[task({requires}target = Json<f64>)]\nstruct Step{i} {{\n    \
             #[param(default = 0.5)]\n    rate: f64,\n    #[param(default = 10)]\n    days: u32,\n    \
             #[param(default = \"price\")]\n    label: String,\n    #[param(default = true)]\n    is_scaled: bool,\n}}\n\n\
             #[tracked]\nimpl Run for Step{i} {{\n    fn run(&self, cx: &Cx<Self>) -> Result<f64> {{\n        \
             let _ = cx;\n        let sum = {first} + f64::from(self.days) * self.rate;\n        \
             ensure!(sum >= 0.0, \"{{}} is negative\", self.label);\n        \
             Ok(if self.is_scaled {{ sum / 2.0 }} else {{ sum }})\n    }}\n}}\n"
        )
        .expect("text");
    }
    let roots =
        (0..BUILT / 10).map(|chain| format!("    flow.run::<Step{}>()?;\n", chain * 10 + 9));
    let roots: String = roots.collect();
    write!(
        text,
        "\nfn main() -> Result<()> {{\n    let flow = Flow::open(\"data\")?;\n{roots}    Ok(())\n}}\n"
    )
    .expect("text");
    text
}

impl Macros {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Serde => "serde",
            Self::Task => "task",
        }
    }
}

/// Generates a crate of 200 structs, in chains of ten that require one another.
fn tasks(macros: Macros) -> String {
    let mut text = String::from("#![allow(dead_code, unused_imports)]\n\nuse flow::prelude::*;\n");
    for i in 0..TASKS {
        let (head, [rate, days, label], body) = match macros {
            Macros::None => (
                String::new(),
                [""; 3],
                format!("impl Step{i} {{\n    fn run(&self) -> Result<f64> {{"),
            ),
            Macros::Serde => (
                "#[derive(Serialize, Deserialize)]\n".to_owned(),
                [""; 3],
                format!("impl Step{i} {{\n    fn run(&self) -> Result<f64> {{"),
            ),
            Macros::Task => {
                let requires =
                    if i % 10 == 0 { String::new() } else { format!("requires = Step{}, ", i - 1) };
                (
                    format!("#[derive(Task)]\n#[task({requires}target = Json<f64>)]\n"),
                    [
                        "    #[param(default = 0.5)]\n",
                        "    #[param(default = 10)]\n",
                        "    #[param(default = \"price\")]\n",
                    ],
                    format!(
                        "#[tracked]\nimpl Run for Step{i} {{\n    fn run(&self, _cx: &Cx<Self>) -> Result<f64> {{"
                    ),
                )
            }
        };
        write!(
            text,
            "\n/// Step {i}.\n{head}struct Step{i} {{\n{rate}    rate: f64,\n{days}    days: u32,\n{label}    label: String,\n}}\n\n\
             {body}\n        let days = (0..self.days).map(f64::from);\n        \
             let sum: f64 = days.map(|day| day * self.rate + {i}.0).sum();\n        \
             ensure!(sum >= 0.0, \"{{}} is negative\", self.label);\n        Ok(sum / f64::from(self.days.max(1)))\n    }}\n}}\n"
        )
        .expect("text");
    }
    text.push_str("\nfn main() {}\n");
    text
}

/// The numbers of modules and of functions in each, which make 20,000 lines.
const MODULES: usize = 40;
const FUNCTIONS: usize = 28;

/// Generates a crate of 20,000 lines: modules of functions and types that use one another, and 20
/// tasks that reach all of them.
fn large(tracked: bool) -> Vec<(&'static str, String)> {
    let modules: Vec<String> = (0..MODULES).map(|module| format!("mod part{module};")).collect();
    // The prelude lacks `Code`, which only code that is counted by hand names.
    let import = if tracked { "" } else { "use flow::Code;\n" };
    let modules = modules.join("\n");
    let mut main = format!("#![allow(dead_code)]\n\n{import}use flow::prelude::*;\n\n{modules}\n");
    for i in 0..20 {
        let (attribute, constant) = match tracked {
            true => ("#[tracked]\n", ""),
            false => ("", "    const CODE: Code = Code::version(1);\n\n"),
        };
        write!(
            main,
            "\n#[derive(Task)]\n#[task(target = Json<f64>)]\nstruct Step{i};\n\n{attribute}impl Run for Step{i} {{\n{constant}    \
             fn run(&self, _cx: &Cx<Self>) -> Result<f64> {{\n        Ok(part{}::step0({i}.0).value)\n    }}\n}}\n",
            i * 2
        )
        .expect("text");
    }
    main.push_str("\nfn main() {}\n");
    let mut files = vec![("main.rs", main)];
    for module in 0..MODULES {
        let name: &'static str = String::leak(format!("part{module}.rs"));
        files.push((name, part(module)));
    }
    files
}

/// Generates a module of about 500 lines.
///
/// Each function calls the next one, and a function of the next module.
fn part(module: usize) -> String {
    let next = (module + 1) % MODULES;
    let mut text = format!(
        "//! Part {module}.\n\nuse std::ops::Add;\n\nuse crate::part{next};\n\n/// What a step gives.\n\
         #[derive(Clone, Copy, Debug, PartialEq)]\npub struct Given {{\n    /// The value.\n    pub value: f64,\n    /// How often.\n    pub count: usize,\n}}\n\n\
         impl Add for Given {{\n    type Output = Self;\n\n    fn add(self, other: Self) -> Self {{\n        \
         Self {{ value: self.value + other.value, count: self.count + other.count }}\n    }}\n}}\n"
    );
    for i in 0..FUNCTIONS {
        let call = match i + 1 {
            FUNCTIONS => "Given { value: part_of(x), count: 1 }".to_owned(),
            next => format!("step{next}(total / 2.0)"),
        };
        let far = if i == 0 && next != 0 {
            format!("part{next}::step0(x).value")
        } else {
            "x".to_owned()
        };
        write!(
            text,
            "\n/// Step {i} of part {module}.\npub fn step{i}(x: f64) -> Given {{\n    let far = {far};\n    \
             let numbers: Vec<f64> = (0..{i}).map(|n| f64::from(n) * far).collect();\n    \
             let mut total = 0.0;\n    for number in &numbers {{\n        if *number > {i}.5 {{\n            \
             total += number.sqrt();\n        }} else {{\n            total -= number / 3.0;\n        }}\n    }}\n    \
             // So that it does not grow.\n    let rest = {call};\n    rest + Given {{ value: total, count: numbers.len() }}\n}}\n"
        )
        .expect("text");
    }
    text.push_str("\nfn part_of(x: f64) -> f64 {\n    x.fract()\n}\n");
    text
}

/// A generated crate, whose check and build are measured.
struct Crate(GeneratedCrate);

impl Crate {
    fn new(name: &str, files: &[(&str, String)]) -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let options = "default-features = false, features = [\"json\"]";
        let generated = GeneratedCrate::new(temporary, "compile", name, options, files);
        let new = Self(generated.expect("a new crate"));
        new.check(false);
        new.check(true);
        new
    }

    fn check(&self, incremental: bool) -> Seconds {
        self.cargo("check", incremental)
    }

    /// Checks or builds the crate after a small edit, and returns the time.
    fn cargo(&self, command: &str, incremental: bool) -> Seconds {
        let main = self.0.source("main.rs");
        let text = fs::read_to_string(&main).expect("the source");
        let (one, other) = ("sum >= 0.0", "sum >= -0.0");
        let edited = match text.contains(one) {
            true => text.replacen(one, other, 1),
            false => text.replacen(other, one, 1),
        };
        fs::write(&main, edited).expect("the edited source");
        let (begun, busy) = (Instant::now(), cpu());
        let built = self.0.cargo(&[command], incremental);
        let took = Seconds { wall: begun.elapsed().as_secs_f64(), cpu: cpu() - busy };
        built.unwrap_or_else(|error| panic!("{error}"));
        took
    }
}

/// The time of a check, in seconds.
#[derive(Clone, Copy)]
struct Seconds {
    wall: f64,
    /// Processor time, which is independent of the load of the machine.
    ///
    /// It is NaN if the system does not report it.
    cpu: f64,
}

impl Seconds {
    /// Returns how much longer this took than `other`.
    fn since(self, other: Self) -> Self {
        Self { wall: self.wall - other.wall, cpu: self.cpu - other.cpu }
    }
}

/// Returns the processor time of all child processes so far, in seconds.
fn cpu() -> f64 {
    // The 16th and 17th value of `/proc/self/stat`, in hundredths of a second. The second value is
    // a name in parentheses.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let values = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = values.skip(13).take(2).filter_map(|value| value.parse().ok()).collect();
    if ticks.len() == 2 { ticks.iter().sum::<f64>() / 100.0 } else { f64::NAN }
}

/// Checks the crates in turns, and returns the median time of each.
fn medians<const N: usize>(crates: [&Crate; N], incremental: bool) -> [Seconds; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..TIMES {
        for (times, checked) in times.iter_mut().zip(crates) {
            times.push(checked.check(incremental));
        }
    }
    times.map(|times: Vec<Seconds>| {
        let median = |of: fn(&Seconds) -> f64| {
            let mut seconds: Vec<f64> = times.iter().map(of).collect();
            seconds.sort_by(f64::total_cmp);
            seconds[TIMES / 2]
        };
        Seconds { wall: median(|times| times.wall), cpu: median(|times| times.cpu) }
    })
}

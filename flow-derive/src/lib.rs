//! The macros of typed-flow: [`#[derive(Task)]`](derive@Task), [`#[task]`](macro@task) for functions,
//! [`#[derive(Outputs)]`](derive@Outputs), [`#[derive(Row)]`](derive@Row) and [`#[tracked]`](macro@tracked).
//!
//! Users import them from the facade, which re-exports them. `#[derive(Task)]` passes through four
//! stages, each a module: `attr` parses the attributes, `model` describes the declared task, `check`
//! reports every mistake in it, and `expand` generates the code. If `check` reports an error,
//! `expand::fallback` generates a stub instead, so that one mistake causes one message. For
//! `#[task]` above a function, `function` first turns the function into the struct of its parameters,
//! which then passes through the same stages. `code` finds the code that a task runs, and computes
//! digests of it.
//!
//! The generated code is thin: constants, and one-line calls of functions in `flow_core::__private`.

mod attr;
mod check;
mod code;
mod ctxt;
mod expand;
mod facade;
mod function;
mod key_type;
mod model;
mod outputs;
mod row;
mod spans;
mod text;

use proc_macro::TokenStream;

/// Turns a struct into a task.
///
/// The fields of the struct are the task's parameters. `#[task(...)]` declares what the task requires
/// and how its output is stored. An implementation of `Run` computes the output. A function needs
/// only [`#[task(...)]`](macro@task) to be a task.
///
/// ```text
/// /// A classifier for the preprocessed data.
/// #[derive(Task)]
/// #[task(requires = Preprocess, target = Pickle<Classifier>)]
/// struct Train {
///     #[param(default = ModelKind::Logistic)]
///     model: ModelKind,
/// }
/// ```
///
/// # `#[task(...)]`
///
/// | option | meaning |
/// | --- | --- |
/// | `target = Json<f64>`, `target = Csv<Vec<Row>>(delimiter = ';')` | the target that stores the output; the options in parentheses are methods of the target |
/// | `outputs = Split` | the task has several outputs: the fields of a struct with [`#[derive(Outputs)]`](derive@Outputs) |
/// | `external, path = expr` | the output is a file that something else creates; the target reads it, and there is no `run` |
/// | `aggregate` | the task groups its dependencies: it has no output of its own and no `run`, and is complete when all its dependencies are |
/// | `requires = ENTRY` | one dependency, or one list, map or condition |
/// | `requires(ENTRY, ENTRY)` | several dependencies: the inputs are a tuple |
/// | `requires(name = ENTRY, name = ENTRY)` | several named dependencies: the inputs are a struct |
/// | `name = "..."` | the name under which the task is stored and shown; the struct's name by default |
/// | `was = "..."` | the name under which the task was stored before it was renamed |
/// | `group = "features"` | the parent folder of the task's folder |
/// | `dir = "prices/daily"` | the folder of the task's outputs, instead of the task's name |
/// | `uses(Client, Pool)` | types of values that the flow provides and the task uses: `cx.provided::<Client>()` |
/// | `may_require(Fit<Ols>)` | tasks that this task may require while it runs, by `cx.require`. Only tasks with type parameters have to be listed, so that a plan finds them |
/// | `version = 3` | the version of the code; after a change of this number, the task runs again |
/// | `refresh = always` | the task runs in each execution: for a task that fetches data |
/// | `refresh = "24h"` | the task runs again when its output has this age; also `90s`, `15m`, `7d`, `2w`, `1h 30m` |
/// | `refresh = expr` | the task runs again when the value of the expression, such as an ETag, has changed. Each plan evaluates it once. If the expression fails, an existing output is used, with a warning; a task that has to run fails |
/// | `check = is_sorted` | a function that takes the output by reference before it is stored, and returns `Result<()>`, or the `Expectations` of `flow::expect`. If it returns an error, or an expectation is violated that does not only warn, the task fails. Its code is tracked |
/// | `retries = 3` | how often the task runs again after it has failed; `flow.retries(n)` sets it for tasks without this option |
/// | `backoff = 2`, `backoff = Backoff::exponential(Duration::from_secs(1))` | the delay before it runs again, in seconds or as an expression; `flow.backoff(...)` |
/// | `timeout = 30`, `timeout = "10m"` | the longest duration of an attempt, in seconds or with a unit as for `refresh`; `flow.timeout(...)` |
/// | `priority = 10` | of the instances that are ready, those with a higher priority start first; 0 by default, may be negative |
/// | `threads = 4` | the number of workers that the task takes, because it uses several cores; 1 by default |
/// | `resources(memory = "4GB", gpu = 1, api = 1)` | what each instance needs while it runs, of what the flow offers by `flow.offer("api", 2)`. An amount is a `u64` or a text with a unit; that of `memory` is in bytes |
/// | `isolate` | each instance runs in a child process of this program, so that a crash fails it alone; `flow.isolate()` for all tasks, which describes what a child is. It needs files as inputs and outputs, and Unix |
/// | `crate = ::path` | the path of the facade, if another crate re-exports it. A renamed dependency is found in `Cargo.toml` |
///
/// The options from `retries` to `isolate` say how the task is executed, and not what it computes: they are no part of the
/// key, the seed, the fingerprint or the code, and a change of them makes no task run again. Their values may be
/// expressions, which are evaluated for each attempt. They refer to the task as `self`, and to the number of the attempt,
/// a `u32` that is 1 for the first one, as `attempt`:
///
/// ```text
/// #[task(
///     target = Json<f64>,
///     retries = 2,
///     timeout = Duration::from_secs(60 * u64::from(attempt)),
///     resources(memory = self.rows * 100 * u64::from(attempt)),
/// )]
/// ```
///
/// An instance that needs more of a resource than the flow offers is an error before anything runs. If an expression
/// panics, the error names the task and the option.
///
/// An `ENTRY` is one of
///
/// | entry | input |
/// | --- | --- |
/// | `Task` | `Input<Task>` |
/// | `Task { field, other: expr }` | the same, with some parameters set |
/// | `Task with Far::KEY = expr, Get::N = 5` | the same, with parameters of tasks further upstream set |
/// | `Task if cond`, `Task { n } if let Some(n) = self.n` | `Option<Input<Task>>` |
/// | `[Task { x } for x in xs if cond]` | `Vec<Input<Task>>` |
/// | `{key => Task { x } for x in xs if cond}` | `BTreeMap<Key, Input<Task>>`; `{key: Type => ...}` where the macro cannot infer the type |
///
/// Expressions refer to the task as `self`. If an expression returns an error through `?`, planning
/// fails. A struct literal in an entry sets the listed fields; the other parameters are resolved
/// as usual.
///
/// A task cannot be more visible than the tasks that it requires and the type of its output.
///
/// A task that requires itself, directly or through other tasks, does not compile; the error names the
/// tasks of the cycle. Entries with an `if` and entries of lists and maps do not
/// count, since they may be empty; the planner checks those.
///
/// # `#[param(...)]`
///
/// A field without `#[param]` is a parameter without a default, so a value must be given. A field of
/// type `PhantomData` is not a parameter.
///
/// A parameter takes the first of: the value in the `ENTRY` that requires the task; the value that the
/// flow gives to this task, `flow.with(Train::MODEL, ...)`; the value that was given to a parameter of the
/// same name and type of the nearest task downstream, unless that is `local`; the value that the flow gives
/// by name, `flow.with_named("model", ...)` or `flow.with_params(&map)`; its default. A default is never passed on.
///
/// | option | meaning |
/// | --- | --- |
/// | `default = expr`, `default` | the value if none is given; without an expression, `Default::default()` of the type |
/// | `file` | the value is the path of a file or folder whose content is tracked, or a pattern such as `data/*.csv`. In a type that holds several values, this applies to each path or, if the type holds no path, to each text |
/// | `insignificant` | the value does not affect the output, such as a number of threads: a change of it runs nothing again. With `file`, the path does not count, and the content of the file does |
/// | `local` | the value is not passed on to dependencies that have a parameter of the same name and type |
/// | `range = 1..=10` | the range of allowed values, of a `String` in the order of its bytes; `None` of an `Option` is always allowed |
/// | `choices = ["a", "b"]`, `choices = LIST` | the allowed values, or a constant that lists them; `None` of an `Option` is always allowed |
/// | `was = "..."` | the name under which the parameter was stored before it was renamed |
/// | `from = Task::PARAM` | the field *is* that other parameter, with its default and its value. A value given for one is given for both; two different values are an error |
///
/// The type of a parameter can be any that serde serializes and deserializes, and that is `Clone`, `Send` and `Sync`:
/// a plain value, and not one inside an `Rc`, a `RefCell` or a `Mutex`. Instead of a function, write an `enum` of the
/// possible functions, and `match` on it in `run`. A default is the same for all instances, so it cannot refer to
/// `self`. A date is a type of the crate jiff, which is `flow::jiff`:
///
/// ```text
/// #[param(default = flow::jiff::civil::date(2026, 1, 31))]
/// until: flow::jiff::civil::Date, // set by `flow.with(Train::UNTIL, date(2026, 2, 28))`
/// ```
///
/// For each parameter there is a constant, its typed key. It is named like the field, in capitals,
/// and is as visible as the struct: `Train::MODEL`.
#[proc_macro_derive(Task, attributes(task, param))]
pub fn derive_task(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::derive(&input).into()
}

/// Turns the fields of a struct into the outputs of a task, each stored in a file of its own.
///
/// A task declares the struct by `#[task(outputs = Split)]`.
///
/// ```text
/// /// The data, split.
/// #[derive(Outputs)]
/// struct Split {
///     #[output(Parquet)]
///     train: RecordBatch,
///     #[output(Parquet(compression = Zstd(9)))]
///     test: RecordBatch,
///     #[output(Text)]
///     notes: String,
/// }
/// ```
///
/// `#[output(...)]` names the target of the field. The macro adds the type of the field to it:
/// `Parquet` stands for `Parquet<RecordBatch>`. `Text`, `Bytes` and `File` take no type; another target
/// without a type parameter is written `Target<>`. `Memory` can store only a whole output, not a
/// field. A function after the target checks the field before any field is stored:
/// `#[output(Parquet, check = is_sorted)]`.
///
/// For each field there is a constant, its typed key. It is named like the field, in capitals, and is
/// as visible as the struct: `load_one(Split::TRAIN)` loads one output.
///
/// `#[outputs(crate = ::path)]` sets the path of the facade, if another crate re-exports it.
#[proc_macro_derive(Outputs, attributes(output, outputs))]
pub fn derive_outputs(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::outputs::derive(&input).into()
}

/// Gives the rows of a table columns of the types of their fields: dates, decimals, UUIDs, bytes and enums.
///
/// It stands beside serde's `Serialize` and `Deserialize`. Its options, and the column of each type, are in `flow::rows`.
#[proc_macro_derive(Row, attributes(row, serde))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::row::derive(&input).into()
}

/// Tracks the code of a task or a target, so that the task runs again after its code has changed.
///
/// ```text
/// #[tracked]
/// impl Run for Train {
///     fn run(&self, cx: &Cx<Self>) -> Result<Classifier> { ... }
/// }
/// ```
///
/// The macro generates the constant `CODE`. It holds digests of the tokens of the impl and of
/// everything that these tokens reach: functions, methods, constants, statics, types with their impls,
/// traits with their default methods, macros, and what these reach in turn, in the crate and in its
/// path dependencies. When one of these items changes, the reason names it: `code: standardise
/// (src/prep.rs) changed`.
///
/// # What is tracked
///
/// - **Names** are resolved by the compiler's rules: modules, `#[path]`, imports, globs, re-exports,
///   renames. If a name refers to another item after an edit, such as two exchanged imports, the code has
///   changed. If an item only moves to another file or module, it has not.
/// - **Methods** are found by name, in each type that is reached. Reaching a type reaches all its
///   impls of traits. Reaching a trait reaches its impls for types of other crates and, where trait
///   objects of it are used (`dyn Trait`), all its impls.
/// - **The task's own struct** counts by the types of its fields, its methods, and its impls. Its
///   parameters do not count as code, since they are in the key. Renaming a task, with `was`, does not
///   change its code.
/// - **Required tasks** count by the types of their outputs. Their code does not count: the content
///   of their outputs does.
/// - **Files** that `include_str!`, `include_bytes!` and `include!` name by literals, `concat!` and
///   `env!` count, including files that a build script writes into `OUT_DIR`.
/// - **Environment variables** that `env!` and `option_env!` name count, including those that a build
///   script sets, but not variables that hold a folder.
/// - **Features** and other **`cfg`s** that the code tests count by whether they are enabled, except for
///   those of the target and the profile. For a path dependency, variables and features come from the
///   dep-info file that the compiler wrote beside the library.
/// - **Generated code**: modules that a macro declares with its arguments count, and so do files that a
///   macro of another crate names by its arguments (`tonic::include_proto!("shop")`,
///   `lalrpop_mod!(calc)`) or that an attribute names (`#[grammar = "shop.pest"]`).
///
/// Comments, documentation, lint attributes, optimizer hints (`#[inline]`, `#[cold]`), derives of the
/// standard library, formatting, the order and visibility of items, tests, and unreached code do not
/// count. Neither do the folder of the project, the machine, and the profile. A method with a default
/// body in a trait counts where it is called.
///
/// If the macro cannot decide which item a name refers to, every candidate counts: a task may run again
/// without need, but it always runs again after a change of tracked code.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `body` | tracks only the body of the impl |
/// | `crate` | tracks all code of the crate and its path dependencies |
/// | `lock` | also tracks the versions of all crates in `Cargo.lock` that these depend on |
/// | `crate = ::path` | the path of the facade, if another crate re-exports it |
///
/// Several options are separated by commas. To declare changes by hand instead, write `const CODE: Code =
/// Code::version(3);` in an impl without `#[tracked]`, and increase the number after each change. To make a
/// tracked task run again by hand, increase the number in `#[task(version = 3)]` above the task.
///
/// A function that is a task is tracked by [`#[task(...)]`](macro@task), whose option `tracked(...)`
/// takes the same options.
///
/// # Versions of crates
///
/// The code of crates from a registry or from git is not read. Instead, each output records the versions
/// of the direct dependencies of the package and of its path dependencies. The macro takes them from the
/// nearest `Cargo.lock` that contains the package; without a `Cargo.lock`, nothing is recorded. The crates
/// of this library are left out.
///
/// If a complete output was computed with other versions than the current ones, previews and summaries
/// warn, and nothing runs again: `Train was made with linfa 0.7.0, now 0.8.1`. With `#[tracked(lock)]`, the
/// task runs again. Then the versions of all crates count, including dependencies of dependencies, and the
/// reason names them: `code: linfa 0.7.0 is 0.8.1 now`.
///
/// # Type parameters
///
/// A task that is generic over a type runs the code of that type, so each type parameter of the impl
/// must implement `Tracked`. `#[tracked]` above a struct, an enum or a union, or `#[derive(Tracked)]`,
/// implements it. Tasks implement it already.
///
/// ```text
/// #[tracked]
/// struct Ols;
///
/// #[tracked]
/// impl<M: Model + Tracked> Run for Fit<M> { ... }
/// ```
///
/// A user-defined target is tracked in the same way: `#[tracked] impl Target for Digits`. After a
/// change, each task that uses the target runs again, and so does each task that reads the output of
/// such a task.
///
/// # What is not tracked
///
/// - The code of the standard library and of crates from a registry, except for the crates' versions.
/// - Names that a macro assembles from parts, as `paste!` does, and the code that procedural macros of
///   other crates generate.
/// - Libraries that a build script links.
/// - Code behind `extern` blocks, in any language. Libraries that are opened, programs that are started
///   and files that are read at run time; use `cx.file` and `#[param(file)]` for files.
/// - Values that a program puts into a static when it starts, such as a function in a `OnceLock`; the
///   clock, the network, and environment variables that are not read through `cx.env`.
/// - The location and name of code: `line!`, `file!`, `module_path!`, `type_name`; documentation
///   comments that a macro turns into text.
/// - The value of a `cfg` of the target or the profile: the code of both branches counts, but not which
///   branch is compiled.
/// - Which of two traits of other crates is imported, if the code names only their methods; which
///   features another package enables in a path dependency.
///
/// The macro warns about code that it recognizes as untracked: a file, a module, a variable or a `cfg`
/// that it does not find, or that differs between several builds of a path dependency; a source file
/// that it cannot parse; a file whose name is not a literal; `paste!`; and each name in reached code that it
/// cannot resolve: `` `parser::parse` in src/load.rs cannot be resolved ``. `#[allow(deprecated)]` above the
/// impl silences the warning.
/// In an editor, and in documentation examples, the macro cannot read the source. There only the body
/// of the impl is tracked, and the reason says so.
#[proc_macro_attribute]
pub fn tracked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::tracked::expand(arguments.into(), item.into()).into()
}

/// Turns a function into a task.
///
/// The arguments of the function are the inputs and the parameters of the task, and its return value
/// is the output. Above a struct, `#[task(...)]` is a helper attribute of
/// [`#[derive(Task)]`](derive@Task).
///
/// ```text
/// /// The mean, without some rows at either end.
/// #[task(requires = load, target = Json<f64>)]
/// fn mean(rows: &[f64], #[param(default = 0)] trim: usize) -> Result<f64> { ... }
///
/// flow.run::<mean>()?;                          // `mean` is also the type of the task
/// flow.with(mean::TRIM, 2).load::<mean>()?;
/// mean(&[1.0, 2.0], 0)?;                        // and still the function
/// ```
///
/// The options of `#[task(...)]` are those of a struct: see [`#[derive(Task)]`](derive@Task). A function
/// computes an output, so it cannot be `external` or `aggregate`. Functions can require structs, and
/// structs can require functions.
///
/// # Arguments
///
/// | argument | role |
/// | --- | --- |
/// | `cx: &Cx<mean>`, at any position; optional | the context of the running task |
/// | with `#[param(...)]` | a parameter, with [the options of a field](derive@Task) |
/// | without `#[param]`, one for each entry of `requires` | an input. If the entries have names, the argument with that name; otherwise the first arguments, in the order of the entries |
/// | any other argument | a parameter without a default |
///
/// A documentation comment of an argument documents the parameter. Expressions in `#[task(...)]` refer
/// to the parameters as fields of `self`: `requires = [price { symbol } for symbol in &self.symbols]`.
///
/// A borrowed parameter is stored as an owned value: `&str` as `String`, `&[T]` as `Vec<T>`, `&Path` as
/// `PathBuf`, `&T` as `T`. A parameter that the function takes by value is cloned for each call.
///
/// The type of an input argument decides how the input is passed. `A` is the required task, and `T` the
/// type of its output:
///
/// | type | the function receives |
/// | --- | --- |
/// | `&T`, or a type that `T` derefs to, such as `&[f64]` for a `Vec<f64>` | a reference to the loaded value |
/// | `T` | the loaded value by value: a copy, if other tasks use it, too |
/// | `Loaded<T>`, `&Loaded<T>` | the loaded value, shared |
/// | `Input<A>`, `&Input<A>` | the handle; nothing is loaded until the function loads it |
///
/// For a list, a map or a condition in `requires`, each item is passed in this way, inside `&[T]` or
/// `Vec<T>`, `BTreeMap<K, T>` or a reference to it, or `Option<T>`: `&[Vec<f64>]`, `Vec<&[f64]>`,
/// `BTreeMap<String, Input<A>>`, `Option<&T>`. The macro recognizes these types by their names, so an
/// alias of `Input`, `Loaded`, `Vec` or `Cx` is not recognized.
///
/// Every input except handles is loaded before the function is called. If a task has many large inputs,
/// take handles and load the inputs one after the other.
///
/// # Return value
///
/// The function returns the value that the target stores, or a `Result` of it with any error that
/// converts into `anyhow::Error`.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `name = Mean` | without quotes: the name of the task's type, if a module or a type already has the name of the function. The task is also stored under this name |
/// | `name = "..."` | the name under which the task is stored and shown |
/// | `tracked(body)`, `tracked(crate)`, `tracked(lock)` | how much code is tracked, with the options of [`#[tracked(...)]`](macro@tracked) |
///
/// # Code
///
/// The code of a function that is a task is tracked without a further attribute. It consists of the body,
/// the inputs with their types, the return type, and everything that these reach, as described in
/// [`#[tracked]`](macro@tracked). The parameters are in the key, so they do not count as code, and
/// neither do `#[param(...)]` and `#[task(...)]`.
/// Where another task requires this one, by `requires = load` or `cx.require::<load>()`, the code of
/// this task does not count, and its output does. Where code calls the function, `load(...)`, its code
/// counts like that of any other function. A variable with the name of a task does not refer to the task.
/// If the macro cannot tell whether a name is a variable, the function counts.
///
/// # Type parameters
///
/// `fn fit<M: Model>(...)` is a task for each `M`, such as `fit::<Ols>`, like a generic struct.
///
/// # Restrictions
///
/// A task cannot be a method, nor a function that is `async`, `const`, `unsafe` or `extern`, nor one with
/// lifetimes, `impl Trait` or patterns among its arguments. The type has the name and the visibility
/// of the function, and lives in the same module. A task cannot be more visible than the tasks that it
/// requires and the type of its output.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::function(options.into(), item.into()).into()
}

/// Implements `Tracked` for a type that tasks are generic over, as `#[tracked]` above the type does.
///
/// ```text
/// #[derive(Tracked)]
/// struct Ols;
/// ```
///
/// `#[tracked(crate = ::path)]` below it sets the path of the facade, if another crate re-exports it.
#[proc_macro_derive(Tracked, attributes(tracked))]
pub fn derive_tracked(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::tracked::derive(&input).into()
}

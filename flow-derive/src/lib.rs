//! The macros of typed-flow: [`#[derive(Task)]`](derive@Task), [`#[task]`](macro@task) for functions,
//! [`#[derive(Outputs)]`](derive@Outputs) and [`#[tracked]`](macro@tracked).
//!
//! Users take them from the facade, which re-exports them. A derive passes through four stages,
//! a module each: `attr` reads the words of the attributes, `model` is what the user declared,
//! `check` finds everything that is wrong with it, `expand` writes the code. If anything is wrong,
//! `fallback` writes a stub in its place, so that one mistake gives one message. `function` reads a
//! function as the struct of its parameters, which then passes through the same.
//!
//! What is written is thin: constants, and one-line calls of what `flow_core::__private` holds.

mod attr;
mod check;
mod code;
mod ctxt;
mod expand;
mod function;
mod key_type;
mod model;
mod outputs;
mod spans;
mod text;

use proc_macro::TokenStream;

/// Makes a struct a task: its fields are the parameters, `#[task(...)]` says what it requires and
/// how its output is kept. How the output is made is said by implementing `Run`. A function is made
/// one by [`#[task(...)]`](macro@task) alone.
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
/// | `target = Json<f64>`, `target = Csv<Vec<Row>>(delimiter = ';')` | how the output is kept; the options are its methods |
/// | `outputs = Split` | several outputs: a struct with [`#[derive(Outputs)]`](derive@Outputs) |
/// | `external, path = expr` | the output is a file that is made elsewhere, which the target reads; there is no `run` |
/// | `aggregate` | no output of its own: complete when all it requires is; there is no `run` |
/// | `requires = ENTRY` | one task, or one list, map or condition |
/// | `requires(ENTRY, ENTRY)` | several: the inputs are a tuple |
/// | `requires(name = ENTRY, name = ENTRY)` | several, named: the inputs are a struct |
/// | `name = "..."` | the name it is stored and shown under; the struct's by default |
/// | `was = "..."` | the name it was stored under before it was renamed |
/// | `group = "features"` | the folder that the folder of the task lies in |
/// | `dir = "prices/daily"` | the folder of its outputs, instead of the task's name |
/// | `uses(Client, Pool)` | the handles that it uses, which the flow provides: `cx.provided::<Client>()` |
/// | `may_require(Fit<Ols>)` | tasks that it may require while it runs, by `cx.require`: only those with type parameters have to be said, so that they are found when a flow is planned |
/// | `version = 3` | another number, and it runs again |
/// | `refresh = always` | it runs in each execution: for a task that fetches |
/// | `refresh = "24h"` | it runs again when its output is as old as that; also `90s`, `15m`, `7d`, `2w`, `1h 30m` |
/// | `refresh = expr` | it runs again when the value is another, such as an ETag: asked once for each plan. If it fails, an output that is there is used, with a warning, and the task fails if it has to run |
/// | `check = is_sorted` | a function that is given the output by reference before it is kept, and returns `Result<()>`: if that is an error, the task fails. Its code counts |
/// | `crate = ::path` | where the facade is, if it was renamed or re-exported |
///
/// An `ENTRY` is one of
///
/// | entry | input |
/// | --- | --- |
/// | `Task` | `Input<Task>` |
/// | `Task { field, other: expr }` | the same, with some parameters set |
/// | `Task with Far::KEY = expr, Get::N = 5` | the same, with parameters set of tasks further up |
/// | `Task if cond`, `Task { n } if let Some(n) = self.n` | `Option<Input<Task>>` |
/// | `[Task { x } for x in xs if cond]` | `Vec<Input<Task>>` |
/// | `{key => Task { x } for x in xs if cond}` | `BTreeMap<Key, Input<Task>>`; `{key: Type => ...}` where the type cannot be seen |
///
/// Expressions see the task as `self`; a `?` in one is an error when planning. A struct literal in
/// an entry sets the fields it lists; the others take the values that reach them.
///
/// A task is at most as visible as the tasks it requires and the type of its output.
///
/// A task that requires itself, directly or through others, does not compile (a cycle is reported
/// at the entries that make it). Entries with an `if` and items of lists and maps are not counted,
/// since they may come to an end; these are looked at when planning.
///
/// # `#[param(...)]`
///
/// A field without it is a parameter that must be given. A field of type `PhantomData` is none.
///
/// | option | meaning |
/// | --- | --- |
/// | `default = expr`, `default` | the value if none is given; without an expression, the type's own default |
/// | `file` | the path of a file or folder whose content counts, or a pattern such as `data/*.csv`; of a type that holds several, each path or, if it has none, each text |
/// | `insignificant` | another value gives the same output; with `file`, the path does not count and the content of the file does |
/// | `local` | the value does not reach the tasks required |
/// | `range = 1..=10` | the values allowed |
/// | `choices = ["a", "b"]` | the values allowed |
/// | `was = "..."` | the name it was stored under before it was renamed |
/// | `from = Task::PARAM` | the field *is* that parameter: its default and its value. A value for one is a value for all; two different ones are an error |
///
/// For each parameter there is a constant, its typed key, named as the field in capitals and as
/// visible as the struct: `Train::MODEL`.
#[proc_macro_derive(Task, attributes(task, param))]
pub fn derive_task(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::derive(&input).into()
}

/// Makes the fields of a struct the outputs of a task, each in a file of its own:
/// `#[task(outputs = Split)]`.
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
/// `#[output(...)]` names the target, which is given the type of the field: `Parquet` stands for
/// `Parquet<RecordBatch>`. `Text`, `Bytes` and `File` take no type; another target that takes none
/// is written `Target<>`. `Memory` keeps whole outputs only. Behind it may stand a function that the
/// field is checked by before any of them is kept: `#[output(Parquet, check = is_sorted)]`.
///
/// For each field there is a constant, its typed key, named as the field in capitals and as visible
/// as the struct: `Split::TRAIN`, for `load_one(Split::TRAIN)`.
///
/// `#[outputs(crate = ::path)]` says where the facade is, if it was renamed or re-exported.
#[proc_macro_derive(Outputs, attributes(output, outputs))]
pub fn derive_outputs(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::outputs::derive(&input).into()
}

/// Tracks the code of a task, or of a target: another code, and the task runs again.
///
/// ```text
/// #[tracked]
/// impl Run for Train {
///     fn run(&self, cx: &Cx<Self>) -> Result<Classifier> { ... }
/// }
/// ```
///
/// It fills in the constant `CODE` with digests of the tokens of the impl and of all that these
/// tokens reach: functions, methods, constants, statics, types with their impls, traits with
/// their defaults, macros, and what these reach in turn, in the crate and in its path dependencies.
/// When one of them changes, the reason names it: `code: standardise (src/prep.rs) changed`.
///
/// # What counts
///
/// - **What a name means**, with the compiler's rules: modules, `#[path]`, imports, globs,
///   re-exports, renames. Where imports are exchanged, so that a name means another item, that
///   counts too; where an item moves to another file or module, that does not.
/// - **Methods** by their name, of each type that is reached. A type brings all its impls of
///   traits; a trait brings those for types of other crates and, where there are objects of it
///   (`dyn Trait`), all.
/// - **The task's own struct** by the types of its fields, its methods, and its impls; its
///   parameters are in the key. A task that was renamed, with `was`, has the same code.
/// - **The tasks that it requires** by the types of their outputs. How these were made does not
///   count: their content does.
/// - **Files** that `include_str!`, `include_bytes!` and `include!` name by literals, `concat!` and
///   `env!`, also those that a build script writes into `OUT_DIR`; **variables** that `env!` and
///   `option_env!` name, also those that a build script sets, but for those that hold a folder; whether a
///   **feature** or another **`cfg`** is on that the code asks about, but for those of the target and the
///   profile. In a path dependency, these are as the compiler recorded them in the dep-info file
///   beside the library.
/// - **Modules** that a macro declares with its arguments, and **files** that a macro of another crate
///   names by its arguments, as `tonic::include_proto!("shop")` and `lalrpop_mod!(calc)` do, or an
///   attribute, as `#[grammar = "shop.pest"]` does.
///
/// Comments, documentation, lint attributes, hints to the optimiser (`#[inline]`, `#[cold]`), derives of
/// the standard library, formatting, the order of items, their visibility, tests, and what is not reached
/// do not count. Neither do the folder, the machine, and the profile. A method of a trait that has a body
/// counts where it is called.
///
/// Where it is not known what a name means, all that it may mean counts: a task runs once too
/// often sooner than once too seldom.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `body` | only the body of the impl counts |
/// | `crate` | everything counts that is in the crate and its path dependencies |
/// | `lock` | the versions of all crates count that these depend on, as `Cargo.lock` names them |
/// | `crate = ::path` | where the facade is, if it was renamed or re-exported |
///
/// Several are parted by commas. To count the changes by hand, write `const CODE: Code =
/// Code::version(3);` in the impl, or `#[task(version = 3)]` above the task.
///
/// A function that is a task is tracked by [`#[task(...)]`](macro@task), where the options are
/// `tracked(...)`.
///
/// # Versions of crates
///
/// The code of crates from a registry or from git is not read. The versions of those that the package
/// and its path dependencies depend on directly are recorded with each output, as the nearest
/// `Cargo.lock` that has the package names them. If an output that is complete was made with others
/// than today's, a preview and a summary warn of it, and nothing runs again: `Train was made with
/// linfa 0.7.0, now 0.8.1`. With `#[tracked(lock)]` it does: then the versions of all crates count, those
/// of dependencies of dependencies, too, and the reason names them: `code: linfa 0.7.0 is 0.8.1 now`.
/// This library's own crates are left out. Without a `Cargo.lock`, nothing is recorded.
///
/// # Type parameters
///
/// A task that is generic over a type runs that type's code: each type parameter of the impl must be
/// `Tracked`. `#[tracked]` above a struct, an enum or a union, or `#[derive(Tracked)]`, makes it so;
/// a task is so already.
///
/// ```text
/// #[tracked]
/// struct Ols;
///
/// #[tracked]
/// impl<M: Model + Tracked> Run for Fit<M> { ... }
/// ```
///
/// A target of one's own is tracked in the same way, `#[tracked] impl Target for Digits`: after a
/// change, each task that uses it runs again, and so does what reads the output of such a task.
///
/// # What is not seen
///
/// - The code of crates from a registry, but for their versions, and of the language itself.
/// - Names that a macro puts together out of parts, as `paste!` does, and what procedural macros of
///   other crates write.
/// - What a build script links.
/// - What is behind `extern` blocks, another language or this one; libraries that are opened at run time, programs that
///   are started, files that are read: `cx.file` and `#[param(file)]` are there for these.
/// - What a program puts into a static or a global when it starts, such as a function in a `OnceLock`;
///   the clock, the network, and variables of the environment read other than by `cx.env`.
/// - Where code stands and what it is called: `line!`, `file!`, `module_path!`, `type_name`; comments of
///   documentation that a macro makes text of.
/// - A `cfg` of the target or the profile: both sides of it count, and which one it is does not.
/// - Which of two traits of other crates is imported, where only their methods are named; which
///   features another package turns on in a path dependency.
///
/// It warns of what it recognises as not seen: a file, a module, a variable or a `cfg` that it does not
/// find, or of which several builds of a path dependency have different ones; a source that it cannot
/// read; `paste!`; and each name in reached code that means nothing it knows, as
/// `` `parser::parse` in src/load.rs names nothing that is known ``. `#[allow(deprecated)]` above the
/// impl silences that.
/// In an editor, and in the examples of documentation, there is no source to read; there the body of
/// the impl counts alone, which the reason says.
#[proc_macro_attribute]
pub fn tracked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::tracked::expand(arguments.into(), item.into()).into()
}

/// Makes a function a task: its arguments are its inputs and its parameters, and its value is the
/// output. Above a struct, `#[task(...)]` is a part of [`#[derive(Task)]`](derive@Task).
///
/// ```text
/// /// The mean, without some rows at either end.
/// #[task(requires = load, target = Json<f64>)]
/// fn mean(rows: &[f64], #[param(default = 0)] trim: usize) -> Result<f64> { ... }
///
/// flow.run::<mean>()?;                          // the function's name is that of the task's type, too
/// flow.with(mean::TRIM, 2).load::<mean>()?;
/// mean(&[1.0, 2.0], 0)?;                        // and still that of the function
/// ```
///
/// What `#[task(...)]` says of a struct, it says of a function: see [there](derive@Task). A function
/// makes its output, and so is not `external` and no `aggregate`. Functions and structs require one
/// another.
///
/// # Arguments
///
/// | argument | is |
/// | --- | --- |
/// | `cx: &Cx<mean>`, anywhere or not at all | what the running task sees |
/// | with `#[param(...)]` | a parameter, with [all that can be said of a field](derive@Task) |
/// | without it, one for each entry of `requires` | the inputs: the first ones, in the order of the entries; if these have names, the ones so named |
/// | any other | a parameter that must be given |
///
/// A documentation comment of an argument is that of the parameter. An expression in `#[task(...)]`
/// sees the parameters as those of a struct: `requires = [price { symbol } for symbol in &self.symbols]`.
///
/// A parameter that is borrowed is stored as what it is borrowed from: `&str` as `String`, `&[T]` as
/// `Vec<T>`, `&Path` as `PathBuf`, `&T` as `T`. Taken by value, it is cloned.
///
/// An input says by its type how it is taken, where `A` is the task required and `T` its output:
///
/// | type | the function is given |
/// | --- | --- |
/// | `&T`, or what that derefs to, such as `&[f64]` for a `Vec<f64>` | what is loaded |
/// | `T` | the same, for itself: a copy, if others have it, too |
/// | `Loaded<T>`, `&Loaded<T>` | the same, shared |
/// | `Input<A>`, `&Input<A>` | the handle: nothing is loaded before the function does |
///
/// Of a list, a map or a condition in `requires`, each item is taken so, in `&[T]` or `Vec<T>`,
/// `BTreeMap<K, T>` or a reference to it, `Option<T>`: `&[Vec<f64>]`, `Vec<&[f64]>`,
/// `BTreeMap<String, Input<A>>`, `Option<&T>`. The types are recognised by their names, so that an
/// alias of `Input`, `Loaded`, `Vec` or `Cx` is not.
///
/// All that is taken by value or by reference is loaded before the function is called; of many large
/// inputs take handles, and load one after the other.
///
/// # Value
///
/// What the target keeps, or a `Result` of it, with any error that becomes an `anyhow::Error`.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `name = Mean` | the name of the task's type, where that of the function is taken by a module or a type; without quotes. The task is stored under it, too |
/// | `name = "..."` | the name it is stored and shown under |
/// | `tracked(body)`, `tracked(crate)`, `tracked(lock)` | how much of the code counts: what [`#[tracked(...)]`](macro@tracked) says above an impl of `Run` |
///
/// # Code
///
/// The code of a function that is a task is its body, its inputs with their types, the type of its
/// value, and all that these reach, as [`#[tracked]`](macro@tracked) has it; there is nothing to write
/// for that. Its parameters are in the key, and what `#[param(...)]` and `#[task(...)]` say is no code.
/// Where the task is required, `requires = load` or `cx.require::<load>()`, its code does not count, and
/// its output does; where the function is called, `load(...)`, its code counts like that of any other.
/// A variable that is called as a task is no task; where that is not sure, it counts as the function.
///
/// # Type parameters
///
/// `fn fit<M: Model>(...)` is a task for each `M`, such as `fit::<Ols>`, as a struct is.
///
/// # What it cannot be
///
/// A method, `async`, `const`, `unsafe`, `extern`; a function with lifetimes, `impl Trait` or patterns
/// among its arguments. The type shares the name of the function in its module, and its visibility: a
/// task is at most as visible as the tasks it requires and the type of its output.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::function(options.into(), item.into()).into()
}

/// Implements `Tracked` for a type that tasks are generic over, as `#[tracked]` above it does.
///
/// ```text
/// #[derive(Tracked)]
/// struct Ols;
/// ```
#[proc_macro_derive(Tracked)]
pub fn derive_tracked(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::tracked::derive(&input).into()
}

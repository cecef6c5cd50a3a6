//! Functions as tasks: their arguments are inputs and parameters, and they run like structs.

use std::collections::BTreeMap;
use std::num::ParseIntError;
use std::path::Path;

use flow::prelude::*;

use crate::support::{failure, flow, key, plan_error, preview, ran, unchanged};

/// The first numbers.
#[task(target = Json<Vec<f64>>)]
pub(crate) fn numbers(
    /// How many.
    #[param(default = 5, range = 1..=100)]
    n: u32,
) -> Vec<f64> {
    (1..=n).map(f64::from).collect()
}

/// Their mean, without some at either end.
#[task(requires = numbers, target = Json<f64>)]
fn mean(rows: &[f64], #[param(default = 0)] trim: usize) -> Result<f64> {
    anyhow::ensure!(rows.len() > 2 * trim, "nothing is left of {} numbers", rows.len());
    let rows = &rows[trim..rows.len() - trim];
    Ok(rows.iter().sum::<f64>() / rows.len() as f64)
}

#[test]
fn a_function_is_a_task() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(
        preview::<mean>(&flow),
        "mean {trim: 0} PENDING never run\n└─ numbers {n: 5} PENDING never run"
    );
    assert_eq!(ran(&flow.run::<mean>()?), ["mean", "numbers"]);
    let (loaded, numbers): (f64, Vec<f64>) =
        (*flow.load::<mean>()?, flow.load::<numbers>()?.into_owned());
    assert_eq!((loaded, numbers.len()), (3.0, 5));
    assert_eq!(ran(&flow.run::<mean>()?), [""; 0]);
    Ok(())
}

#[test]
fn the_function_can_be_called() -> Result<()> {
    assert_eq!(mean(&[1.0, 2.0, 9.0], 1)?, 2.0);
    assert_eq!([2, 3].map(numbers).concat(), [1.0, 2.0, 1.0, 2.0, 3.0]);
    Ok(())
}

#[test]
fn the_parameters_of_a_function_have_keys() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!((mean::TRIM.name(), mean::TRIM.doc()), ("trim", ""));
    assert_eq!(numbers::N.doc(), "How many.");
    flow.run::<mean>()?;

    // A parameter of the root, one of an upstream task, one by name, and one out of range.
    let trimmed = flow.with(mean::TRIM, 1);
    assert_eq!(ran(&trimmed.run::<mean>()?), ["mean"]);
    assert_eq!(
        flow.graph::<mean>().instance::<mean>()?.trim
            + trimmed.graph::<mean>().instance::<mean>()?.trim,
        1
    );
    let more = flow.with(numbers::N, 7u32);
    assert_eq!(ran(&more.run::<mean>()?), ["mean", "numbers"]);
    assert_eq!(*more.load::<mean>()?, 4.0);
    assert_eq!(ran(&flow.with_named("n", 7).run::<mean>()?), [""; 0]);
    let error = plan_error::<mean>(&flow.with(numbers::N, 0u32));
    assert!(error.contains("numbers") && error.contains("1..=100"), "{error}");
    Ok(())
}

#[test]
fn an_error_of_the_function_fails_the_task() {
    let (flow, _folder) = flow();
    let summary = failure(flow.with(mean::TRIM, 3).run::<mean>());
    assert!(summary.to_string().contains("nothing is left of 5 numbers"), "{summary}");
}

/// A struct that requires a function and is required by a function.
#[derive(Task)]
#[task(requires = mean { trim: self.trim }, target = Json<String>)]
struct Report {
    #[param(default = 1)]
    trim: usize,
}

runs!(Report: String = |self, cx| Ok(format!("mean: {}", cx.input().load()?)));

#[task(requires(Report, numbers with numbers::N = 3u32), target = Text)]
fn page(report: &str, numbers: Vec<f64>) -> String {
    format!("{report} {}", numbers.len())
}

#[test]
fn functions_and_structs_require_one_another() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<page>()?), ["Report", "mean", "numbers", "numbers", "page"]);
    assert_eq!(&*flow.load::<page>()?, "mean: 3 3");
    let upstream: Vec<_> =
        flow.graph::<page>().instances()?.iter().map(|i| i.task().to_owned()).collect();
    assert!(upstream.contains(&"mean".to_owned()), "{upstream:?}");
    // Early cutoff works as for other tasks.
    assert_eq!(unchanged(&flow.force::<mean>().run::<page>()?), ["Report", "page"]);
    Ok(())
}

/// The even numbers and the odd ones.
#[derive(Outputs)]
struct Split {
    #[output(Json)]
    even: Vec<u32>,
    #[output(Pickle)]
    odd: Vec<u32>,
}

#[task(requires = numbers, outputs = Split, group = "parts", version = 2)]
fn split(numbers: Vec<f64>) -> Result<Split> {
    let (even, odd) = numbers.into_iter().map(|x| x as u32).partition(|n| n % 2 == 0);
    Ok(Split { even, odd })
}

#[task(requires = split, target = Json<u32>)]
fn even_sum(split: &Input<split>) -> Result<u32> {
    Ok(split.load_one(Split::EVEN)?.iter().sum())
}

#[test]
fn a_function_has_several_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<even_sum>()?), ["even_sum", "numbers", "split"]);
    assert_eq!(*flow.load::<even_sum>()?, 6);
    assert_eq!(*flow.output::<split>()?.load_one(Split::ODD)?, [1, 3, 5]);
    assert!(flow.folder().join("parts/split").is_dir());
    Ok(())
}

/// Inputs by name, in another order, with a parameter between them.
#[task(requires(low = numbers { n: self.n }, high = numbers with numbers::N = 50u32), target = Json<f64>)]
fn spread(high: &[f64], n: u32, low: Loaded<Vec<f64>>) -> f64 {
    high.len() as f64 - low.len() as f64 + f64::from(n) / 100.0
}

#[test]
fn named_inputs_are_bound_by_name() -> Result<()> {
    let (flow, _folder) = flow();
    let error = plan_error::<spread>(&flow);
    assert!(error.contains("spread") && error.contains('n'), "{error}");
    let flow = flow.with(spread::N, 10u32);
    flow.run::<spread>()?;
    assert_eq!(*flow.load::<spread>()?, 40.1);
    Ok(())
}

mod structs {
    use super::*;

    /// The function `numbers` as a struct.
    #[derive(Task)]
    #[task(name = "numbers", target = Json<Vec<f64>>)]
    pub(crate) struct Numbers {
        #[param(default = 5, range = 1..=100)]
        n: u32,
    }

    runs!(Numbers: Vec<f64> = |self, cx| Ok((1..=self.n).map(f64::from).collect()));

    /// The function `mean` as a struct.
    #[derive(Task)]
    #[task(name = "mean", requires = Numbers, target = Json<f64>)]
    pub(crate) struct Mean {
        #[param(default = 0)]
        trim: usize,
    }

    runs!(Mean: f64 = |self, cx| super::mean(&cx.input().load()?, self.trim));
}

#[test]
fn a_function_has_the_key_of_the_equivalent_struct() {
    use structs::{Mean, Numbers};
    // Two tasks of one name are an error in one store.
    let ((functions, _folder), (structs, _other)) = (flow(), flow());
    assert_eq!(key::<numbers>(&functions), key::<Numbers>(&structs));
    let (function, of_struct) = (functions.with(mean::TRIM, 1), structs.with(Mean::TRIM, 1));
    assert_eq!(key::<mean>(&function), key::<Mean>(&of_struct));
    assert_ne!(key::<mean>(&functions), key::<mean>(&function));
}

/// Every form of `requires`, and every type that an argument for it can have.
#[task(
    requires(
        list = [numbers { n } for n in &self.lengths],
        lists = [numbers { n } for &n in &self.lengths],
        handles = [numbers { n: *n } for n in &self.lengths if *n > 2],
        map = {n => numbers { n } for n in &self.lengths},
        maps = {n => numbers { n } for n in &self.lengths},
        lengths_of = {n => numbers { n } for n in &self.lengths},
        there = numbers if self.lengths.len() > 1,
        gone = numbers if self.lengths.is_empty(),
        handle = numbers if true,
    ),
    target = Json<Vec<usize>>,
)]
fn forms(
    #[param(default = [2, 3])] lengths: &[u32],
    list: &[Vec<f64>],
    lists: Vec<&[f64]>,
    handles: &[Input<numbers>],
    map: &BTreeMap<u32, Vec<f64>>,
    maps: &BTreeMap<u32, &[f64]>,
    lengths_of: BTreeMap<u32, Input<numbers>>,
    there: Option<&[f64]>,
    gone: Option<Vec<f64>>,
    handle: &Option<Input<numbers>>,
    cx: &Cx<forms>,
) -> Result<Vec<usize>> {
    let handle = handle.as_ref().map(Input::task).map_or(0, |task| task.n as usize);
    assert_eq!(cx.input().list.len(), lengths.len());
    Ok(vec![
        list.iter().map(Vec::len).sum(),
        lists.iter().map(|list| list.len()).sum(),
        handles.iter().map(|input| input.task().n as usize).sum(),
        map.iter().map(|(n, list)| *n as usize + list.len()).sum(),
        maps.iter().map(|(n, list)| *n as usize + list.len()).sum(),
        lengths_of.len(),
        there.map_or(0, <[f64]>::len),
        gone.map_or(0, |list| list.len()),
        handle,
    ])
}

#[test]
fn inputs_have_the_form_of_their_requirement() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<forms>()?;
    assert_eq!(*flow.load::<forms>()?, [5, 5, 3, 10, 10, 2, 5, 0, 5]);
    let none = flow.with(forms::LENGTHS, Vec::<u32>::new());
    none.run::<forms>()?;
    assert_eq!(*none.load::<forms>()?, [0, 0, 0, 0, 0, 0, 0, 5, 5]);
    Ok(())
}

/// Requires instances while it runs, and records metadata.
#[task(target = Json<f64>)]
fn best(cx: &Cx<best>, candidates: Vec<usize>) -> Result<f64> {
    let mut best = f64::MIN;
    for trim in candidates {
        let mean = cx.with(numbers::N, 9u32).with(mean::TRIM, trim).require::<mean>()?;
        best = best.max(*mean.load()?);
    }
    cx.meta("best", best)?;
    Ok(best)
}

#[test]
fn a_function_sees_its_context_and_requires_while_it_runs() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(best::CANDIDATES, vec![0, 1]);
    assert_eq!(ran(&flow.run::<best>()?), ["best", "mean", "mean", "numbers"]);
    assert_eq!(flow.output::<best>()?.meta::<f64>("best")?, 5.0);
    assert_eq!(ran(&flow.run::<best>()?), [""; 0]);
    let one = flow.with(best::CANDIDATES, vec![1]);
    assert_eq!(ran(&one.run::<best>()?), ["best"]);
    Ok(())
}

/// Parameters that are borrowed, files, and an error of its own type.
#[task(target = Json<i64>)]
fn parsed(
    #[param(file)] path: &Path,
    #[param(default = "#")] comment: &str,
    #[param(default)] mut factor: Option<i64>,
    #[param(default = vec![1])] terms: &[i64],
) -> Result<i64, ParseIntError> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with(comment));
    let sum: Result<i64, _> = lines.map(str::parse::<i64>).sum();
    Ok(sum? * *factor.get_or_insert(1) + terms.iter().sum::<i64>())
}

#[test]
fn borrowed_parameters_are_stored_as_owned_values() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("numbers.txt");
    std::fs::write(&path, "# numbers\n1\n2\n")?;
    let flow = flow.with(parsed::PATH, path.as_path()).with(parsed::FACTOR, Some(10));
    flow.run::<parsed>()?;
    assert_eq!(*flow.load::<parsed>()?, 31);
    // The content of the file and the other parameters are dependencies.
    std::fs::write(&path, "! numbers\n4\n")?;
    let summary = failure(flow.run::<parsed>());
    assert!(summary.to_string().contains("invalid digit"), "{summary}");
    let flow = flow.with(parsed::COMMENT, "!").with(parsed::TERMS, vec![1, 1]);
    assert_eq!(ran(&flow.run::<parsed>()?), ["parsed"]);
    assert_eq!(*flow.load::<parsed>()?, 42);
    Ok(())
}

mod shapes {
    use super::*;

    /// A kind of model.
    pub(crate) trait Model: Tracked + Send + Sync + 'static {
        const SCALE: f64;
    }

    #[tracked]
    pub(crate) struct Ols;

    #[tracked]
    pub(crate) struct Ridge;

    impl Model for Ols {
        const SCALE: f64 = 1.0;
    }

    impl Model for Ridge {
        const SCALE: f64 = 0.5;
    }

    /// A generic function that is visible outside the module.
    #[task(requires = numbers, target = Json<f64>)]
    pub(crate) fn fit<M: Model, const N: usize>(
        rows: &[f64],
        #[param(default = 0.0)] shift: f64,
    ) -> Result<f64> {
        Ok(rows.iter().take(N).sum::<f64>() * M::SCALE + shift)
    }

    /// A function beside a module of the same name.
    #[task(name = Total, requires(fit::<Ols, 2>, fit<Ridge, 2>), target = Json<f64>)]
    pub(crate) fn total(ols: f64, ridge: &f64, cx: &Cx<Total>) -> Result<f64> {
        cx.checkpoint()?;
        Ok(ols + ridge)
    }

    pub(crate) mod total {}
}

#[test]
fn functions_may_be_generic_and_have_another_task_name() -> Result<()> {
    use shapes::{Ols, Total, fit};
    let (flow, _folder) = flow();
    let ran = ran(&flow.run::<Total>()?);
    assert_eq!(ran, ["Total", "fit<Ols, 2>", "fit<Ridge, 2>", "numbers"]);
    assert_eq!(*flow.load::<Total>()?, 4.5);
    let shifted = flow.with(fit::<Ols, 2>::SHIFT, 1.0);
    shifted.run::<Total>()?;
    assert_eq!(*shifted.load::<Total>()?, 5.5);
    assert_eq!(fit::<Ols, 1>(&[7.0], 0.0)?, 7.0);
    Ok(())
}

#[test]
fn functions_inside_a_function_are_tasks() -> Result<()> {
    #[task(target = Memory<u64>, refresh = always)]
    fn inner(#[param(default = 3, insignificant)] n: u64) -> u64 {
        n
    }

    #[task(requires = inner, target = Json<()>, tracked(body, lock))]
    fn nothing(_inner: u64) {}

    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<nothing>()?), ["inner", "nothing"]);
    assert_eq!(ran(&flow.run::<nothing>()?), ["inner"]);
    Ok(())
}

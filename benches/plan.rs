//! Measures the time and memory of a large plan.
//!
//! It plans 10,000, 100,000 and a million instances on three levels, with shared inputs, in an
//! empty store. Each plan is built by a process of its own, whose peak memory the operating system
//! reports.
//!
//! `RESULT plan instances_1000000 us_per_instance=... bytes_per_instance=... peak_mb=...`: the time
//! and memory that the plan adds to an open flow. If the peak is unknown, it is `NaN`.
//!
//! Then it plans a sweep of 1,000 and 10,000 variants over 1,000 instances that all variants share,
//! compared with separate plans of the same flows:
//! `RESULT plan variants_1000 us_per_variant=... us_per_variant_alone=...`.

use std::env;
use std::process::Command;
use std::time::Instant;

use flow::prelude::*;
use kit::memory::peak;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Ground {
    n: u64,
}

#[tracked]
impl Run for Ground {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

/// Two instances of this task share an input.
#[derive(Task)]
#[task(requires(Ground { n: self.m / 2 }, Ground { n: self.m / 3 }), target = Json<u64>)]
struct Middle {
    m: u64,
}

#[tracked]
impl Run for Middle {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().0.load()? + *cx.input().1.load()?)
    }
}

#[derive(Task)]
#[task(requires = [Middle { m } for m in 0..self.width], target = Json<u64>)]
struct Top {
    #[param(local)]
    width: u64,
}

#[tracked]
impl Run for Top {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|middle| Ok(*middle.load()?)).sum()
    }
}

/// Has a variant for each `v`.
#[derive(Task)]
#[task(requires = Top, target = Json<u64>)]
struct Varied {
    v: u64,
}

#[tracked]
impl Run for Varied {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + self.v)
    }
}

/// How many variants are planned separately for comparison; more would take too long.
const ALONE: usize = 50;

fn main() -> Result<()> {
    if let [_, child, instances] = &env::args().collect::<Vec<_>>()[..]
        && child == "child"
    {
        return measured(instances.parse()?);
    }
    for instances in [10_000, 100_000, 1_000_000] {
        let said =
            Command::new(env::current_exe()?).args(["child", &instances.to_string()]).output()?;
        ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        println!("RESULT plan instances_{instances} {}", String::from_utf8(said.stdout)?.trim());
    }
    for variants in [1_000, 10_000] {
        swept(variants)?;
    }
    Ok(())
}

/// Plans a sweep of this many variants, and some of the variants separately.
fn swept(variants: u64) -> Result<()> {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let flow = Flow::open(folder.path())?.quiet().with(Top::WIDTH, 1000 * 2 / 3);
    let sweep = || flow.sweep::<Varied>().over(Varied::V, 0..variants);
    let begun = Instant::now();
    let preview = sweep().preview()?;
    let took = begun.elapsed().as_secs_f64();
    let planned = preview.instances().count() as u64;
    ensure!((variants + 990..variants + 1010).contains(&planned), "{planned} instances");
    let begun = Instant::now();
    for (_, alone) in sweep().iter()?.take(ALONE) {
        alone.preview::<Varied>()?;
    }
    println!(
        "RESULT plan variants_{variants} us_per_variant={:.2} us_per_variant_alone={:.0}",
        took * 1e6 / variants as f64,
        begun.elapsed().as_secs_f64() * 1e6 / ALONE as f64,
    );
    Ok(())
}

/// Plans this many instances, or slightly more.
fn measured(instances: u64) -> Result<()> {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    // Two inputs for three instances of the middle level.
    let flow = Flow::open(folder.path())?.quiet().with(Top::WIDTH, instances * 2 / 3);
    let before = peak();
    let begun = Instant::now();
    let preview = flow.preview::<Top>()?;
    let took = begun.elapsed().as_secs_f64();
    let planned = preview.instances().count() as f64;
    ensure!(planned >= instances as f64 * 0.99, "{planned} instances are fewer than {instances}");
    println!(
        "us_per_instance={:.2} bytes_per_instance={:.0} peak_mb={:.0}",
        took * 1e6 / planned,
        (peak() - before) / planned,
        peak() / 1e6
    );
    Ok(())
}

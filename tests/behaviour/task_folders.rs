//! The folders of tasks with a `group` or a `dir`, and how outputs are found after those change.

use std::fs;

use flow::prelude::*;

use crate::support::{files_below, flow, plan_error, ran, reused};

/// A task with one name, in different folders.
macro_rules! placed {
    ($module:ident: $($place:tt)*) => {
        mod $module {
            use flow::prelude::*;

            #[derive(Task)]
            #[task(name = "Moved", target = Json<u64>, $($place)*)]
            pub(super) struct Moved {
                #[param(default = 1)]
                pub(super) n: u64,
            }

            runs!(Moved: u64 = |self, _cx| Ok(self.n));
        }
    };
}

placed!(plain: version = 0);
placed!(in_group: group = "features/daily");
placed!(in_dir: dir = "prices/x");
placed!(in_both: group = "features", dir = "prices");
placed!(elsewhere: group = "other");

/// Opens the store as another program would.
fn reopen(flow: &Flow) -> Flow {
    Flow::open(flow.folder()).expect("a store").quiet()
}

/// Returns the folders of tasks that hold records.
fn places(flow: &Flow) -> Vec<String> {
    let mut places: Vec<_> = files_below(flow.folder())
        .into_iter()
        .filter(|file| file.ends_with("record.json"))
        .map(|file| {
            let place = file.ancestors().nth(2).expect("the folder of a task");
            let place = place.strip_prefix(flow.folder()).expect("it is in the store");
            place.to_string_lossy().replace('\\', "/")
        })
        .collect();
    places.dedup();
    places
}

#[test]
fn outputs_lie_in_the_folder_that_the_task_declares() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<plain::Moved>()?;
    assert_eq!(places(&flow), ["Moved"]);
    let (flow, _folder) = crate::support::flow();
    flow.run::<in_group::Moved>()?;
    assert_eq!(places(&flow), ["features/daily/Moved"]);
    let (flow, _folder) = crate::support::flow();
    flow.run::<in_dir::Moved>()?;
    assert_eq!(places(&flow), ["prices/x"]);
    let (flow, _folder) = crate::support::flow();
    flow.run::<in_both::Moved>()?;
    assert_eq!(places(&flow), ["features/prices"]);
    assert!(reopen(&flow).is_complete::<in_both::Moved>()?);
    Ok(())
}

#[test]
fn a_task_that_moved_reuses_its_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<plain::Moved>()?;
    flow.with(plain::Moved::N, 2u64).run::<plain::Moved>()?;
    let flow = reopen(&flow);
    assert_eq!(reused(&flow.run::<in_group::Moved>()?), ["Moved"]);
    let flow = reopen(&flow);
    assert_eq!(reused(&flow.run::<in_both::Moved>()?), ["Moved"]);
    assert_eq!(*flow.load::<in_both::Moved>()?, 1);
    let flow = reopen(&flow);
    assert_eq!(reused(&flow.with(elsewhere::Moved::N, 2u64).run::<elsewhere::Moved>()?), ["Moved"]);
    Ok(())
}

#[test]
fn clear_task_clears_the_former_folders_of_a_task() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<in_group::Moved>()?;
    let flow = reopen(&flow);
    flow.run::<elsewhere::Moved>()?;
    flow.store().clear_task::<elsewhere::Moved>()?;
    assert_eq!(places(&flow), [""; 0]);
    // After the task moved back, its first folder is empty too.
    let flow = reopen(&flow);
    assert_eq!(ran(&flow.run::<in_group::Moved>()?), ["Moved"]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, group = "features/daily", dir = "mine")]
struct Neighbour;

runs!(Neighbour: u64 = |self, _cx| Ok(7));

#[test]
fn clear_task_leaves_the_rest_of_the_group() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(Neighbour, in_group::Moved)>()?;
    fs::write(flow.folder().join("features/notes.txt"), "mine")?;
    assert_eq!(flow.store().clear_task::<in_group::Moved>()?.instances.len(), 1);
    assert_eq!(places(&flow), ["features/daily/mine"]);
    assert!(flow.is_complete::<Neighbour>()?);
    flow.store().clear_task::<Neighbour>()?;
    assert_eq!(fs::read_dir(flow.folder().join("features"))?.count(), 1);
    Ok(())
}

#[test]
fn clear_reaches_all_groups() -> Result<()> {
    // With the index, and without it in the program that wrote the outputs.
    for index in [true, false] {
        let (flow, _folder) = flow();
        flow.run::<(Neighbour, in_group::Moved)>()?;
        let other = reopen(&flow);
        if !index {
            fs::remove_dir_all(flow.folder().join(".flow/index"))?;
        }
        let removed = if index { other.store().clear()? } else { flow.store().clear()? };
        assert_eq!(removed.instances.len(), 2, "{removed}");
        assert_eq!(places(&flow), [""; 0]);
        assert!(!flow.folder().join("features").exists());
        assert_eq!(ran(&reopen(&flow).run::<Neighbour>()?), ["Neighbour"]);
    }
    Ok(())
}

#[test]
fn a_damaged_index_does_not_lead_a_clear_out_of_the_store() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Neighbour>()?;
    let outside = folder.path().join("outside-0123456789abcdef");
    fs::create_dir(&outside)?;
    fs::write(outside.join("record.json"), "mine")?;
    let index = flow.folder().join(".flow/index/Neighbour");
    let mut lines = fs::read_to_string(&index)?;
    for place in [
        "../outside-0123456789abcdef",
        "x/../../outside-0123456789abcdef",
        &outside.to_string_lossy(),
        "/outside-0123456789abcdef",
        "",
        ".",
        "0123456789abcdef",
        "Neighbour",
    ] {
        lines.push_str(&format!("\n00000000000000000000000000000001 {place}\n"));
    }
    fs::write(&index, lines)?;
    flow.store().clear_task::<Neighbour>()?;
    fs::create_dir_all(index.parent().expect("a folder"))?;
    fs::write(&index, "00000000000000000000000000000001 ../outside-0123456789abcdef\n")?;
    reopen(&flow).store().clear()?;
    assert_eq!(fs::read_to_string(outside.join("record.json"))?, "mine");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, dir = "Neighbour")]
struct Thief;

runs!(Thief: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Beside;

runs!(Beside: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(target = Json<u64>, dir = "Beside")]
struct SameDir;

runs!(SameDir: u64 = |self, _cx| Ok(7));

#[test]
fn two_tasks_in_one_folder_are_an_error_of_the_plan() -> Result<()> {
    let (flow, _folder) = flow();
    let error = plan_error::<(Beside, SameDir)>(&flow);
    assert!(error.contains("`Beside`") && error.contains("`SameDir`"), "{error}");
    assert!(error.contains("the folder \"Beside\": give one of them another"), "{error}");
    // A group keeps their folders apart.
    flow.run::<(Neighbour, Thief)>()?;
    Ok(())
}

/// All instances of this generic task share one folder, whatever `M` is.
#[derive(Task)]
#[task(target = Json<u64>, dir = "fits")]
struct Fit<M: Tracked + Send + Sync + 'static> {
    model: std::marker::PhantomData<M>,
}

#[tracked]
impl<M: Tracked + Send + Sync + 'static> Run for Fit<M> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

#[test]
fn clear_task_leaves_another_task_in_the_same_folder() -> Result<()> {
    for index in [true, false] {
        let (flow, _folder) = flow();
        flow.run::<Fit<u8>>()?;
        flow.run::<Fit<u16>>()?;
        if !index {
            fs::remove_dir_all(flow.folder().join(".flow/index"))?;
        }
        assert_eq!(flow.store().clear_task::<Fit<u8>>()?.instances.len(), 1);
        assert!(!flow.is_complete::<Fit<u8>>()? && flow.is_complete::<Fit<u16>>()?);
    }
    Ok(())
}

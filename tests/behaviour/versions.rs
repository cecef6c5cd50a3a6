//! Earlier versions of outputs: which are kept, which are removed, and that going back runs
//! nothing.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::File;
use flow::prelude::*;

use crate::support::{assert_consistent, files_below, flow, ran, reused};

/// The number in a file, padded to more than a hundred bytes.
#[derive(Task)]
#[task(target = Json<String>)]
struct Text {
    #[param(file)]
    path: PathBuf,
    /// Does not change the output, so that other instances compute the same.
    #[param(default = 0)]
    copy: u64,
}

runs!(Text: String = |self, _cx| {
    Ok(format!("{:0>100}", fs::read_to_string(&self.path)?.trim()) + &"".repeat(self.copy as usize))
});

#[derive(Task)]
#[task(requires = Text, target = Json<usize>)]
struct Size;

runs!(Size: usize = |self, cx| Ok(cx.input().load()?.len()));

/// Returns a flow on a file, and a function that writes the file.
fn on_a_file() -> (Flow, impl Fn(u64), tempfile::TempDir) {
    let (flow, folder) = flow();
    let path = folder.path().join("number");
    let flow = flow.with(Text::PATH, path.clone());
    (flow, move |n| fs::write(&path, n.to_string()).expect("a file"), folder)
}

/// Returns the number of output files in the folders of a task.
fn outputs(flow: &Flow, task: &str) -> usize {
    let files = files_below(&flow.folder().join(task));
    let is_output = |file: &&PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("data-"))
    };
    files.iter().filter(is_output).count()
}

#[test]
fn kept_versions_are_reused() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    let flow = flow.limits(flow::Limits::default().versions(3));
    for n in 0..10 {
        write(n);
        assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
        assert_eq!(outputs(&flow, "Text"), (n as usize + 1).min(4));
    }
    // 9 is current, and 6 to 8 are kept.
    for n in [8, 6, 7, 9] {
        write(n);
        assert_eq!(reused(&flow.run::<Text>()?), ["Text"]);
        assert!(flow.load::<Text>()?.ends_with(&n.to_string()));
        assert_eq!(outputs(&flow, "Text"), 4);
    }
    write(5);
    assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
    // Now 8 was used least recently.
    write(8);
    assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
    for n in [9, 5, 7] {
        write(n);
        assert_eq!(reused(&flow.run::<Text>()?), ["Text"], "{n}");
    }
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn ten_versions_of_each_instance_are_kept_by_default() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    for n in 0..15 {
        write(n);
        flow.run::<Text>()?;
        flow.with(Text::COPY, 1).run::<Text>()?;
    }
    assert_eq!(outputs(&flow, "Text"), 2 * 11);
    write(4);
    assert_eq!(reused(&flow.run::<Text>()?), ["Text"]);
    write(3);
    assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
    Ok(())
}

#[test]
fn a_limit_of_zero_keeps_no_version() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    let flow = flow.limits(flow::Limits::default().versions(0));
    for n in [1, 2, 1] {
        write(n);
        assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
        assert_eq!(outputs(&flow, "Text"), 1);
    }
    Ok(())
}

#[test]
fn versions_of_a_task_are_limited_by_their_size() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    // An output has at least 102 bytes.
    let flow = flow.limits(flow::Limits::default().bytes(350));
    let other = flow.with(Text::COPY, 1);
    for n in 0..4 {
        write(n);
        flow.run::<Text>()?;
        other.run::<Text>()?;
        assert!(outputs(&flow, "Text") <= 2 + 3);
    }
    // The latest version of each instance is kept, and one more.
    write(2);
    assert_eq!(reused(&flow.run::<Text>()?), ["Text"]);
    assert_eq!(reused(&other.run::<Text>()?), ["Text"]);
    write(0);
    assert_eq!(ran(&flow.run::<Text>()?), ["Text"]);
    Ok(())
}

#[test]
fn removing_a_version_leaves_linked_outputs_of_other_instances() -> Result<()> {
    // Both instances of `Size` share an output through links, in folders of their own.
    let (flow, write, _folder) = on_a_file();
    let flow = flow.limits(flow::Limits::default().versions(0));
    let other = flow.with(Text::COPY, 1);
    write(1);
    flow.run::<Size>()?;
    other.run::<Size>()?;
    write(22);
    flow.run::<Size>()?;
    write(1);
    assert!(other.is_complete::<Size>()?);
    assert_eq!(*other.load::<Size>()?, 100);
    Ok(())
}

/// Reads a file that is not part of its fingerprint.
#[derive(Task)]
#[task(target = Json<String>)]
struct Reads {
    path: PathBuf,
}

static READS: AtomicU64 = AtomicU64::new(0);

runs!(Reads: String = |self, cx| {
    READS.fetch_add(1, Ordering::Relaxed);
    Ok(fs::read_to_string(cx.file(&self.path)?)?)
});

#[test]
fn versions_are_told_apart_by_the_files_that_were_read() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("read");
    let flow = flow.with(Reads::PATH, path.clone());
    for text in ["one", "two", "three"] {
        fs::write(&path, text)?;
        assert_eq!(ran(&flow.run::<Reads>()?), ["Reads"]);
    }
    for text in ["one", "three", "two", "one"] {
        fs::write(&path, text)?;
        assert_eq!(reused(&flow.run::<Reads>()?), ["Reads"], "{text}");
        assert_eq!(*flow.load::<Reads>()?, text);
    }
    assert_eq!(outputs(&flow, "Reads"), 3);
    Ok(())
}

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Returns another number each time.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Random {
    #[param(default = 0)]
    copy: u64,
}

runs!(Random: u64 = |self, _cx| Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 0 * self.copy));

#[derive(Task)]
#[task(requires = Random, target = Json<u64>)]
struct Above;

runs!(Above: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_forced_output_replaces_versions_with_its_fingerprint() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Above>()?;
    let before = *flow.load::<Above>()?;
    for _ in 0..3 {
        flow.force::<Random>().run::<Above>()?;
        assert_eq!(outputs(&flow, "Random"), 1, "what was made from the same before is gone");
    }
    let now = *flow.load::<Above>()?;
    assert_ne!(now, before);
    // With its file missing, the task runs again, because no earlier version is trusted any more.
    fs::remove_file(flow.output::<Above>()?.path()?)?;
    fs::remove_file(flow.graph::<Above>().output::<Random>()?.path()?)?;
    assert_eq!(ran(&flow.run::<Random>()?), ["Random"]);
    assert_ne!(*flow.load::<Random>()?, now);
    Ok(())
}

#[test]
fn values_in_memory_leave_no_versions() -> Result<()> {
    #[derive(Task)]
    #[task(target = Memory<String>)]
    struct Kept {
        #[param(file)]
        path: PathBuf,
    }

    runs!(Kept: String = |self, _cx| Ok(fs::read_to_string(&self.path)?));

    let (flow, folder) = flow();
    let path = folder.path().join("text");
    let flow = flow.with(Kept::PATH, path.clone());
    for text in ["one", "two", "one"] {
        fs::write(&path, text)?;
        assert_eq!(ran(&flow.run::<Kept>()?), ["Kept"]);
        assert_eq!(*flow.load::<Kept>()?, text);
    }
    assert_eq!(files_below(&flow.folder().join(".flow/versions")), [""; 0].map(PathBuf::from));
    Ok(())
}

#[derive(Outputs)]
struct Pair {
    #[output(Json)]
    one: String,
    #[output(Json)]
    two: String,
}

#[derive(Task)]
#[task(outputs = Pair)]
struct Two {
    #[param(file)]
    path: PathBuf,
}

runs!(Two: Pair = |self, cx| {
    let one = fs::read_to_string(&self.path)?;
    cx.meta("length", one.len())?;
    Ok(Pair { two: one.repeat(2), one })
});

#[derive(Task)]
#[task(target = File)]
struct Folder {
    #[param(file)]
    path: PathBuf,
}

runs!(Folder: PathBuf = |self, cx| {
    let out = cx.out_path()?;
    fs::create_dir_all(out.join("within"))?;
    fs::write(out.join("within/file"), fs::read_to_string(&self.path)?)?;
    Ok(out)
});

#[test]
fn outputs_of_all_kinds_are_reused_with_their_metadata() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("text");
    let flow = flow.with(Two::PATH, path.clone()).with(Folder::PATH, path.clone());
    for text in ["one", "three"] {
        fs::write(&path, text)?;
        assert_eq!(ran(&flow.run::<(Two, Folder)>()?), ["Folder", "Two"]);
    }
    for text in ["one", "three", "one"] {
        fs::write(&path, text)?;
        assert_eq!(reused(&flow.run::<(Two, Folder)>()?), ["Folder", "Two"]);
        assert_eq!(flow.load::<Two>()?.two, text.repeat(2));
        assert_eq!(flow.output::<Two>()?.meta::<usize>("length")?, text.len());
        assert_eq!(fs::read_to_string(flow.load::<Folder>()?.join("within/file"))?, text);
    }
    fs::write(&path, "seven")?;
    flow.limits(flow::Limits::default().versions(0)).run::<(Two, Folder)>()?;
    assert_eq!(outputs(&flow, "Two"), 2);
    assert_eq!(files_below(&flow.folder().join("Folder")).len(), 2, "the record and the file");
    assert_consistent(flow.folder());
    Ok(())
}

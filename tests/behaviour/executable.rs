//! Executable files in outputs stay executable when they are copied, pushed, pulled, exported or imported.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::File;
use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{flow, one_file, reused};

fn write(path: &Path, mode: u32) -> Result<()> {
    fs::write(path, "#!/bin/sh\nexit 7\n")?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[derive(Task)]
#[task(target = File(extension = "sh"))]
struct Tool {
    /// Not part of the key.
    #[param(default = 0o755, insignificant)]
    mode: u32,
}

runs!(Tool: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    write(&path, self.mode)?;
    Ok(path)
});

#[derive(Task)]
#[task(target = File(extension = "d"))]
struct Tools;

runs!(Tools: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::create_dir_all(path.join("bin"))?;
    write(&path.join("bin/tool"), 0o755)?;
    write(&path.join("notes"), 0o644)?;
    Ok(path)
});

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
}

fn is_executable(path: &Path) -> Result<bool> {
    Ok(mode(path)? & 0o100 != 0)
}

/// Asserts that the tools in a store have the permissions that the tasks gave them.
fn assert_tools(flow: &Flow) -> Result<()> {
    let (tool, tools) = (flow.load::<Tool>()?, flow.load::<Tools>()?);
    assert!(is_executable(&tool)? && is_executable(&tools.join("bin/tool"))?);
    assert!(!is_executable(&tools.join("notes"))?);
    assert_eq!(std::process::Command::new(&*tool).status()?.code(), Some(7));
    Ok(())
}

#[test]
fn a_file_stays_executable_when_pushed_and_pulled() -> Result<()> {
    let (made, folder) = flow();
    let remote = RemoteFolder::new(folder.path().join("remote"));
    made.run::<(Tool, Tools)>()?;
    made.push::<(Tool, Tools)>(&remote)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.pull::<(Tool, Tools)>(&remote)?;
    assert_tools(&there)?;
    // The second store pushes the pulled files to another remote.
    let second = RemoteFolder::new(folder.path().join("second"));
    there.push::<(Tool, Tools)>(&second)?;
    let third = Flow::open(folder.path().join("third"))?.quiet();
    third.pull::<(Tool, Tools)>(&second)?;
    assert_tools(&third)
}

#[test]
fn a_file_stays_executable_when_exported_and_imported() -> Result<()> {
    let (made, folder) = flow();
    let to = folder.path().join("handed");
    made.run::<(Tool, Tools)>()?;
    made.export::<(Tool, Tools)>(&to)?;
    let tool = one_file(&to.join("Tool"), "", ".sh");
    assert!(is_executable(&tool)?);
    assert!(is_executable(&to.join("Tools/output.d/bin/tool"))?);
    assert!(!is_executable(&to.join("Tools/output.d/notes"))?);
    // A repeated export restores the permission of a file that exists.
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o644))?;
    assert_eq!(made.export::<Tool>(&to)?.files(), 0);
    assert!(is_executable(&tool)?);

    fs::set_permissions(&tool, fs::Permissions::from_mode(0o644))?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.import(&to)?;
    assert_tools(&there)
}

#[test]
fn a_file_stays_executable_when_copied_instead_of_linked() -> Result<()> {
    let (made, folder) = flow();
    made.run::<(Tool, Tools)>()?;
    let fs = Faulty::new();
    fs.fail(|_, op, path| {
        let is_output = path.to_string_lossy().contains("/data-");
        (op == Op::Link && is_output).then_some(Fault::Refuse(std::io::ErrorKind::Unsupported))
    });
    let there = Flow::open_on(folder.path().join("there"), Arc::new(fs))?.quiet();
    let there = there.reuse_from(&made);
    assert_eq!(reused(&there.run::<(Tool, Tools)>()?), ["Tool", "Tools"]);
    assert_tools(&there)
}

#[test]
fn no_other_permission_bit_is_transferred() -> Result<()> {
    let (made, folder) = flow();
    let made = made.with(Tool::MODE, 0o6777);
    let remote = RemoteFolder::new(folder.path().join("remote"));
    made.run::<Tool>()?;
    made.push::<Tool>(&remote)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.pull::<Tool>(&remote)?;
    let tool = there.load::<Tool>()?;
    let plain = folder.path().join("plain");
    fs::write(&plain, "")?;
    // Every user who may read a new file may execute this one.
    let readable = mode(&plain)?;
    assert_eq!(mode(&tool)?, readable | (readable & 0o444) >> 2);
    Ok(())
}

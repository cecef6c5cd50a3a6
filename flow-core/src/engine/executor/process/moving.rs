//! Files that an executor carries, because its processes do not reach the folder of the store.
//!
//! The files of inputs and outputs have the same paths below the folder of the store on every machine. The folders that
//! are part of an output are created here, because an executor carries files alone. A file that has arrived has another
//! time than on the machine that wrote it, so the time in the description of the output is replaced by the present one:
//! otherwise each load would hash the file.

use std::io;
use std::path::{Path, PathBuf};

use super::message::{Bytes, JobMessage, MadeMessage, NodeMessage};
use crate::base::key::Digest;
use crate::plan::executor::JobFile;
use crate::store::Store;
use crate::store::output::{Output, OutputFile};

/// Returns the files of the inputs that are described, each once.
pub(super) fn of_inputs(nodes: &[NodeMessage]) -> Vec<JobFile> {
    let mut files = Vec::new();
    for MadeMessage { folder, output, .. } in nodes.iter().filter_map(made) {
        files.extend(of_files(&folder.to_path(), &output.files));
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    files.dedup();
    files
}

/// Returns the files of an output in the folder of an instance.
pub(super) fn of_files<'a>(
    folder: &'a Path,
    files: &'a [OutputFile],
) -> impl Iterator<Item = JobFile> + 'a {
    files.iter().flat_map(OutputFile::contents).map(move |file| JobFile {
        path: folder.join(file.path),
        digest: file.digest,
        bytes: file.bytes,
        is_executable: file.executable,
    })
}

/// Brings the inputs of a job, or of what its task has required, by a function that carries the files.
///
/// # Errors
///
/// A file cannot be brought, its name leads out of the folder of the store, or it is not that of a file of an output.
pub(super) fn bring_inputs(
    store: &Store,
    nodes: &mut [NodeMessage],
    carry: impl FnOnce(&[JobFile]) -> io::Result<()>,
) -> io::Result<()> {
    for MadeMessage { folder, output, .. } in nodes.iter().filter_map(made) {
        check_names(output)?;
        make_folders(store, &folder.to_path(), &output.files)?;
    }
    carry(&of_inputs(nodes))?;
    for MadeMessage { folder, output, .. } in nodes.iter_mut().filter_map(made_mut) {
        set_present_times(store, &folder.to_path(), &mut output.files)?;
    }
    Ok(())
}

/// Brings the files of an output and its figures to the folder of an instance, by a function that carries them.
///
/// # Errors
///
/// A file cannot be brought, or its name is not that of a file of an output.
pub(super) fn bring_output(
    store: &Store,
    folder: &Path,
    (files, figures): (&mut Vec<OutputFile>, &mut Vec<OutputFile>),
    carry: impl FnOnce(&[JobFile]) -> io::Result<()>,
) -> io::Result<()> {
    check_names(&Output { digest: Digest(0), files: files.clone(), figures: figures.clone() })?;
    make_folders(store, folder, files)?;
    make_folders(store, folder, figures)?;
    let all: Vec<_> = of_files(folder, files).chain(of_files(folder, figures)).collect();
    carry(&all)?;
    set_present_times(store, folder, files)?;
    set_present_times(store, folder, figures)
}

impl JobMessage {
    /// Returns the folder of the instance, relative to the store.
    pub(super) fn folder(&self) -> PathBuf {
        Bytes::to_path(&self.folder)
    }
}

/// Returns the output of an input.
fn made(node: &NodeMessage) -> Option<&MadeMessage> {
    node.made.as_ref()?.as_ref().ok()
}

fn made_mut(node: &mut NodeMessage) -> Option<&mut MadeMessage> {
    node.made.as_mut()?.as_mut().ok()
}

/// Returns an error if another machine has sent a name that no file of an output has.
///
/// By the names, files are replaced, and those of an output that is not accepted are removed.
fn check_names(output: &Output) -> io::Result<()> {
    let Some(name) = output.foreign() else { return Ok(()) };
    let message = format!("{name:?} is not the name of a file of an output");
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Creates the folder of an instance, and the folders that are parts of its output.
fn make_folders(store: &Store, folder: &Path, files: &[OutputFile]) -> io::Result<()> {
    let at = store.root().join(folder);
    if !files.is_empty() {
        store.fs().create_folder(&at)?;
    }
    let mut folders = files.iter().flat_map(OutputFile::folders);
    folders.try_for_each(|path| store.fs().create_folder(&at.join(path)))
}

/// Sets the times of files to those that the files have on this machine.
fn set_present_times(store: &Store, folder: &Path, files: &mut [OutputFile]) -> io::Result<()> {
    let at = store.root().join(folder);
    for file in files {
        let path = at.join(&file.file);
        match &mut file.folder {
            None => file.modified = store.fs().stat(&path)?.modified,
            Some(within) => {
                for item in within.iter_mut().filter(|item| item.digest.is_some()) {
                    item.modified = store.fs().stat(&path.join(&item.path))?.modified;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;
    use crate::base::key::digest_bytes;
    use crate::store::output::Within;
    use crate::store::record::Meta;
    use crate::target::ColumnDigests;
    use crate::task::Kind;

    /// The names of a folder and of a figure, as a store gives them.
    const PARTS: &str = "data-0123456789abcdef-0123456789abcdef-parts";
    const FIGURE: &str = "figure-0123456789abcdef-0123456789abcdef.svg";

    fn file(name: &str, content: &[u8]) -> OutputFile {
        OutputFile {
            part: String::new(),
            file: name.to_owned(),
            digest: digest_bytes(content),
            bytes: content.len() as u64,
            modified: 1,
            executable: false,
            folder: None,
            columns: ColumnDigests::default(),
        }
    }

    #[test]
    fn files_of_a_folder_are_carried_and_have_the_times_of_this_machine() {
        let root = tempfile::tempdir().expect("a folder");
        let store = Store::within(root.path(), root.path().to_owned(), Arc::new(Disk));
        let within = |path: &str, digest| Within {
            path: path.to_owned(),
            bytes: 1,
            modified: 1,
            executable: false,
            digest,
        };
        let content = digest_bytes(b"a");
        let mut files = vec![OutputFile {
            folder: Some(vec![within("empty", None), within("a.txt", Some(content))]),
            ..file(PARTS, b"")
        }];
        let mut figures = vec![file(FIGURE, b"f")];
        let folder = root.path().join("Train/1");
        let mut carried = Vec::new();
        let both = (&mut files, &mut figures);
        let brought = bring_output(&store, Path::new("Train/1"), both, |all| {
            carried.extend(all.iter().map(|file| file.path.clone()));
            fs::write(folder.join(PARTS).join("a.txt"), "a")?;
            fs::write(folder.join(FIGURE), "f")
        });
        brought.expect("they arrive");
        let at = Path::new("Train/1");
        assert_eq!(carried, [at.join(PARTS).join("a.txt"), at.join(FIGURE)]);
        assert!(folder.join(PARTS).join("empty").is_dir());
        let within = files[0].folder.as_ref().expect("a folder");
        assert!(within[1].modified > 1 && figures[0].modified > 1 && within[0].modified == 1);
    }

    /// Returns an input with this file.
    fn input(file: OutputFile) -> NodeMessage {
        let output = Output { digest: Digest(0), files: vec![file], figures: Vec::new() };
        let folder = Path::new("Train/1").into();
        let made = MadeMessage { folder, output, meta: Meta::new(), fingerprint: None, from: None };
        NodeMessage {
            task: "Train".to_owned(),
            kind: Kind::Made,
            label: "Train".to_owned(),
            full_label: None,
            inputs: Vec::new(),
            entries: Vec::new(),
            parameters: Vec::new(),
            parameters_digest: Digest(0),
            external: None,
            made: Some(Ok(made)),
        }
    }

    #[test]
    fn a_name_that_is_not_that_of_a_file_of_an_output_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let store = Store::within(root.path(), root.path().to_owned(), Arc::new(Disk));
        for name in ["../a.json", "record.json", "log.txt", "data-1.json"] {
            let one = || vec![file(name, b"1")];
            let outputs = [(one(), Vec::new()), (Vec::new(), one())];
            let outputs = outputs.map(|(mut files, mut figures)| {
                let (at, both) = (Path::new("Train"), (&mut files, &mut figures));
                bring_output(&store, at, both, |_| panic!("it is refused"))
            });
            let mut inputs = [input(file(name, b"1"))];
            let brought = bring_inputs(&store, &mut inputs, |_| panic!("it is refused"));
            for brought in outputs.into_iter().chain([brought]) {
                let error = brought.expect_err(name).to_string();
                assert!(error.contains(&format!("{name:?} is not the name of a file")), "{error}");
            }
        }
        assert!(!root.path().join("Train").exists(), "nothing was created");
    }
}

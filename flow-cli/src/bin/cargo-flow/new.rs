//! `new`: writes the files of a crate into a folder, and overwrites nothing.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{StartError, shown};
use crate::library::Library;
use crate::name::Name;
use crate::template;
use crate::workspace::Workspace;

/// The request of the user.
pub(crate) struct Request {
    pub(crate) folder: PathBuf,
    /// The name of the crate, instead of that of the folder.
    pub(crate) name: Option<String>,
    /// The folder of typed-flow.
    pub(crate) checkout: Option<PathBuf>,
}

/// Writes the crate, and returns the text that describes it and the next steps.
pub(crate) fn run(request: &Request) -> Result<String, StartError> {
    let folder = &request.folder;
    let name = name(request)?;
    let library = Library::find(request.checkout.as_deref())?;
    check_empty(folder)?;

    fs::create_dir_all(folder).map_err(StartError::io("create the folder", folder))?;
    let canonical = folder.canonicalize().map_err(StartError::io("find", folder))?;
    let workspace = Workspace::around(&canonical);
    for (path, text) in template::files(&name, &library.requirement(), &workspace) {
        write(&folder.join(path), &text)?;
    }
    Ok(next_steps(folder, &name, &library, &workspace))
}

/// Returns the name that was given, or that of the folder.
fn name(request: &Request) -> Result<Name, StartError> {
    if let Some(name) = &request.name {
        return Name::new(name);
    }
    let refused = |why: &str| {
        StartError::Refused(format!(
            "cannot name a crate as the folder {}: {why}; give the name with --name",
            shown(&request.folder)
        ))
    };
    // The folder `.` has the name of the current folder.
    let absolute = std::path::absolute(&request.folder);
    let absolute = absolute.map_err(StartError::io("find", &request.folder))?;
    let name = absolute.file_name().ok_or_else(|| refused("the path has no name at its end"))?;
    Name::new(name.to_str().ok_or_else(|| refused("its name is not UTF-8"))?)
}

/// Checks that a folder is empty or does not exist.
fn check_empty(folder: &Path) -> Result<(), StartError> {
    let refused = |why: &str| {
        let text = format!(
            "cannot write a crate to {}: {why}; nothing is overwritten, so choose another folder",
            shown(folder)
        );
        Err(StartError::Refused(text))
    };
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => refused("the folder is not empty"),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => refused("it is not a folder"),
        Err(error) => Err(StartError::io("list the folder", folder)(error)),
    }
}

/// Writes a file that does not exist.
fn write(path: &Path, text: &str) -> Result<(), StartError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(StartError::io("create the folder", folder))?;
    }
    let file = fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    file.map_err(StartError::io("write", path))
}

/// Returns the text that follows: what was written, and which commands to type.
fn next_steps(folder: &Path, name: &Name, library: &Library, workspace: &Workspace) -> String {
    let mut text = format!(
        "wrote the crate `{}` to {}; it depends on {}\n\n",
        name.package(),
        shown(folder),
        library.describe()
    );
    let commands = [
        ("cargo run -- plan report", "what a run would do; the first build takes a few minutes"),
        ("cargo run -- run report", "runs it"),
        ("cargo run -- load report", "prints the output"),
        ("cargo test", "tests the tasks"),
    ];
    if folder != Path::new(".") {
        text += &format!("    cd {}\n", for_shell(folder));
    }
    for (command, does) in commands {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "    {command:<28}# {does}");
    }
    text += "\nThe tasks are in src/lib.rs. README.md describes the other files.\n";
    match workspace {
        Workspace::None => {}
        Workspace::Member(root) => {
            let _ = writeln!(
                text,
                "\nThe crate is a member of the workspace in {}. Add to the Cargo.toml there, unless it has it:\n{}",
                shown(root),
                template::profiles().trim_end().replace('\n', "\n    ")
            );
        }
        Workspace::Other(root) => {
            let _ = writeln!(
                text,
                "\nThe crate is not a member of the workspace in {}: its Cargo.toml says how to make it one.",
                shown(root)
            );
        }
    }
    text
}

/// Returns a path as an argument for a shell.
fn for_shell(path: &Path) -> String {
    let text = shown(path);
    let is_plain = |c: char| c.is_alphanumeric() || "/\\._-+:@,".contains(c);
    match text.chars().all(is_plain) && !text.starts_with('-') {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_argument_of_a_shell() {
        let shell = |path: &str| for_shell(Path::new(path));
        assert_eq!(shell("../my-rain"), "../my-rain");
        assert_eq!(shell("my rain"), "'my rain'");
        assert_eq!(shell("it's; $(id)"), r"'it'\''s; $(id)'");
        assert!(!shell("a\u{1b}[2J").contains(char::is_control));
    }

    #[test]
    fn a_member_is_told_which_profile_its_workspace_needs() {
        let name = Name::new("rain").expect("a valid name");
        let text = |workspace: &Workspace| {
            next_steps(Path::new("rain"), &name, &Library::Published, workspace)
        };
        let member = text(&Workspace::Member(PathBuf::from("/w")));
        assert!(member.contains("a member of the workspace in /w"), "{member}");
        assert!(
            member.ends_with("    [profile.dev.package.\"*\"]\n    opt-level = 2\n"),
            "{member}"
        );
        assert!(text(&Workspace::Other(PathBuf::from("/w"))).contains("not a member"));
        assert!(!text(&Workspace::None).contains("workspace"));
        assert!(text(&Workspace::None).contains("\n    cd rain\n    cargo run -- plan report"));
    }
}

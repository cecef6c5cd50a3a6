//! The commit of git that is checked out around a folder, read without running git.
//!
//! It is information for people, so every error means that there is none. A repository may come from anyone: files are
//! read within limits, and what they name must be the name of a ref below `refs/`.

use std::path::{Component, Path, PathBuf};

use crate::base::fs::{Disk, Fs};

/// The largest file that is read of a repository, in bytes: the list of packed refs.
const LIMIT: u64 = 16 << 20;

/// The longest chain of refs that name each other.
const DEPTH: usize = 5;

/// Returns the commit that is checked out in the nearest repository around an absolute path, as hexadecimal digits.
pub(super) fn commit(from: &Path) -> Option<String> {
    let git = from.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let folder = match git.is_dir() {
        true => git,
        // In a worktree and in a submodule, a file names the folder.
        false => git.parent()?.join(read(&git)?.strip_prefix("gitdir:")?.trim()),
    };
    // A worktree has its own HEAD, and shares the refs of the repository.
    let shared = read(&folder.join("commondir")).map(|shared| folder.join(shared.trim()));
    let folders = [Some(folder), shared].into_iter().flatten().collect::<Vec<_>>();
    let mut content = read(&folders[0].join("HEAD"))?;
    for _ in 0..DEPTH {
        let content_line = content.trim();
        let Some(name) = content_line.strip_prefix("ref:") else {
            return is_commit(content_line).then(|| content_line.to_owned());
        };
        content = read_ref(&folders, name.trim())?;
    }
    None
}

/// Returns the content of a ref, which is in a file of its own or in a list.
fn read_ref(folders: &[PathBuf], name: &str) -> Option<String> {
    let is_normal = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !name.starts_with("refs/") || !Path::new(name).components().all(is_normal) {
        return None;
    }
    if let Some(content) = folders.iter().find_map(|folder| read(&folder.join(name))) {
        return Some(content);
    }
    let packed = folders.iter().rev().find_map(|folder| read(&folder.join("packed-refs")))?;
    let of_ref = |line: &str| {
        let (commit, packed) = line.split_once(' ')?;
        (packed.trim_end() == name).then(|| commit.to_owned())
    };
    packed.lines().find_map(of_ref)
}

fn read(path: &Path) -> Option<String> {
    String::from_utf8(Disk.read(path, LIMIT).ok()?).ok()
}

/// Returns whether a text is the name of a commit: a SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    /// Writes files below a folder, each with its content.
    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
            fs::write(path, content).expect("a new file");
        }
    }

    #[test]
    fn the_commit_of_a_branch_is_found_from_a_folder_inside() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        write(at, &[(".git/HEAD", "ref: refs/heads/main\n"), ("src/deep/lib.rs", "")]);
        assert_eq!(commit(&at.join("src/deep")), None, "a branch without a commit");
        let packed =
            format!("# pack-refs\n{TWO} refs/heads/mainly\n{ONE} refs/heads/main\n^{TWO}\n");
        write(at, &[(".git/packed-refs", packed.as_str())]);
        assert_eq!(commit(&at.join("src/deep")).as_deref(), Some(ONE));
        // A file of the ref takes precedence over the list.
        write(at, &[(".git/refs/heads/main", format!("{TWO}\n").as_str())]);
        assert_eq!(commit(at).as_deref(), Some(TWO));
        write(at, &[(".git/HEAD", ONE)]);
        assert_eq!(commit(at).as_deref(), Some(ONE), "a detached head");
    }

    #[test]
    fn a_worktree_has_its_own_head_and_shares_the_refs() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        write(
            at,
            &[
                ("main/.git/HEAD", "ref: refs/heads/main"),
                ("main/.git/refs/heads/main", ONE),
                ("main/.git/refs/heads/other", TWO),
                ("main/.git/worktrees/other/HEAD", "ref: refs/heads/other"),
                ("main/.git/worktrees/other/commondir", "../..\n"),
                ("other/.git", "gitdir: ../main/.git/worktrees/other\n"),
            ],
        );
        assert_eq!(commit(&at.join("main")).as_deref(), Some(ONE));
        assert_eq!(commit(&at.join("other")).as_deref(), Some(TWO));
    }

    #[test]
    fn anything_else_is_no_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        write(at, &[("secret", ONE), (".git/refs/heads/loop", "ref: refs/heads/loop")]);
        let outside = at.join("secret").display().to_string();
        for head in [
            "",
            "not a commit",
            "ref: refs/heads/loop",
            "ref: ../secret",
            "ref: refs/../../secret",
            format!("ref: {outside}").as_str(),
        ] {
            write(at, &[(".git/HEAD", head)]);
            assert_eq!(commit(at), None, "{head:?}");
        }
        fs::write(at.join(".git/HEAD"), [0xff, 0xfe]).expect("a file");
        assert_eq!(commit(at), None, "not UTF-8");
        let other = tempfile::tempdir().expect("a folder");
        write(other.path(), &[(".git", "gitdir: nowhere")]);
        assert_eq!(commit(other.path()), None);
    }
}

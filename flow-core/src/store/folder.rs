//! Names of folders and files in the store, such as `Train/model=Logistic-3f2a91c04b77e010`.
//!
//! The 16 digits of the key at the end of a folder's name identify the instance. The text before
//! them is for people. Users and their data control that text, so it is escaped until it cannot
//! lead out of the store, and shortened until every file system accepts it. Two names that differ
//! only in case still differ in their keys.

use std::borrow::Cow;

use crate::base::decl::TaskDecl;
use crate::base::key::Short;

/// The longest text of parameters in the name of an instance's folder, in bytes.
pub(crate) const TEXT: usize = 80;

/// The longest text of one value in that name, in bytes.
const VALUE: usize = 43;

/// The longest name of a task's folder, in bytes. A shortened name ends in a hash.
const TASK: usize = 80;

/// Returns the name of the folder that holds the instances of the task `name`.
pub(crate) fn task_folder(name: &str) -> String {
    let mut folder = escape(name);
    // Rust names stay distinct when they are escaped. A constant may contain any character.
    let kept = |c: char| is_plain(c) || matches!(c, '<' | '>' | ',' | ' ');
    if folder.len() > TASK || !name.chars().all(kept) {
        let hash = crate::base::key::Hasher::new("task folder").text(name).key().short();
        folder.truncate(TASK - 17);
        folder = format!("{folder}-{hash}");
    }
    if is_reserved(&folder) { format!("{folder}_") } else { folder }
}

/// Returns the folder of a task with this name, relative to the store: `group/dir` or `group/name`.
pub(crate) fn placed(decl: &TaskDecl, name: &str) -> String {
    let folders = |path: &str| path.split('/').map(task_folder).collect::<Vec<_>>();
    let mut placed = decl.group.map(folders).unwrap_or_default();
    match decl.dir {
        Some(dir) => placed.extend(folders(dir)),
        None => placed.push(task_folder(name)),
    }
    placed.join("/")
}

/// Returns whether a text is a folder that [`placed`] may return. A damaged claim may have any other.
pub(crate) fn is_placed(folder: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && task_folder(part) == part;
    folder.split('/').all(is_part)
}

/// The longest name of a part in the name of its file, in bytes.
const PART: usize = 40;

/// Returns the name of a part for the name of its file. It does not have to be unique.
pub(crate) fn part_name(part: &str) -> String {
    let mut name = escape(part);
    name.truncate(PART);
    name
}

/// Returns an extension for the name of a file. Users may have written it, so it is escaped.
pub(crate) fn extension_name(extension: &str) -> String {
    escape(extension.trim_start_matches('.'))
}

/// Returns the name of the folder that holds the store of a namespace.
///
/// The folder's name alone identifies the namespace. So a name that is changed by escaping, or that
/// differs from another one only in case, gets a hash.
pub(crate) fn env_folder(name: &str) -> String {
    let folder = task_folder(&format!("env={name}"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !name.is_empty() && name.len() < TASK / 2 && name.chars().all(plain) {
        return folder;
    }
    let hash = crate::base::key::Hasher::new("env folder").text(name).key().short();
    format!("{}.{hash}", folder.get(..TASK / 2).unwrap_or(&folder))
}

/// Returns the name of an instance's folder: its parameters, and the digits of its key.
pub(crate) fn instance_folder<'a>(
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
    key: Short,
) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&escape(name));
        text.push('=');
        text.push_str(&escape(&shorten_value(value)));
        if text.len() > TEXT {
            text.truncate(TEXT);
            break;
        }
    }
    if text.is_empty() { key.to_string() } else { format!("{text}-{key}") }
}

/// Returns whether the name of an instance's folder, as [`instance_folder`] returns it, shows a parameter.
pub(crate) fn shows_parameter(folder: &str, name: &str) -> bool {
    let is_escaped = name.starts_with('.') || !name.chars().all(is_plain);
    let name = if is_escaped { Cow::Owned(escape(name)) } else { Cow::Borrowed(name) };
    let is_it = |parameter: &str| {
        parameter.strip_prefix(&*name).is_some_and(|value| value.starts_with('='))
    };
    // Values have no commas, because these are escaped.
    folder.split(',').any(is_it)
}

/// Shortens a long value to its beginning and end, because the paths of files often differ at the
/// end.
fn shorten_value(value: &str) -> Cow<'_, str> {
    if value.len() <= VALUE {
        return value.into();
    }
    let half = (VALUE - 3) / 2;
    let start = value.ceil_char_boundary(value.len() - half);
    let head = &value[..value.floor_char_boundary(half)];
    format!("{head}...{}", &value[start..]).into()
}

/// Replaces all characters but ASCII letters, digits and a few harmless signs. Different texts may
/// become equal: the key tells them apart.
fn escape(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            c if is_plain(c) => c,
            '<' | '{' | '[' | '(' => '(',
            '>' | '}' | ']' | ')' => ')',
            _ => '_',
        })
        .collect();
    // A leading dot would hide the file, and two would lead out of the folder.
    if escaped.starts_with('.') { format!("_{escaped}") } else { escaped }
}

/// The longest name that file systems accept, in bytes.
const LONGEST: usize = 255;

/// Returns whether part of a path could be a name that this module returns, with or without an
/// extension.
///
/// Used to check names in manifests, which others have written.
pub(crate) fn is_made(name: &str) -> bool {
    let is_kept = |c: char| is_plain(c) || matches!(c, '(' | ')' | ',');
    !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && name.chars().all(is_kept)
}

/// Returns whether a folder with this name may be the store of a namespace.
///
/// Case is ignored, as some file systems ignore it.
pub(crate) fn is_env_folder(name: &str) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("env="))
}

/// Returns whether every file system accepts the character anywhere but at the start of a name.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '=')
}

/// Returns whether Windows reserves the name for a device, whatever its extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::names::key_of;

    const KEY: Short = Short(0x3f2a_91c0_4b77_e010);

    fn folder(value: &str) -> String {
        instance_folder([("p", value)].into_iter(), KEY)
    }

    #[test]
    fn shows_the_parameters_and_ends_in_the_key() {
        let parameters = [("model", "Logistic"), ("Preprocess.scale", "false")];
        assert_eq!(
            instance_folder(parameters.into_iter(), KEY),
            "model=Logistic,Preprocess.scale=false-3f2a91c04b77e010"
        );
        assert_eq!(instance_folder([].into_iter(), KEY), "3f2a91c04b77e010");
        let folder = instance_folder(parameters.into_iter(), KEY);
        assert!(shows_parameter(&folder, "model") && shows_parameter(&folder, "Preprocess.scale"));
        assert!(!shows_parameter(&folder, "scale") && !shows_parameter(&folder, "Train.model"));
    }

    #[test]
    fn hostile_text_stays_inside_one_short_name() {
        let long = "x".repeat(10_000);
        for value in ["../../x", "/etc/passwd", "a\0b", "a\nb", "😀", "C:\\x", &long, "a.", " "] {
            let name = folder(value);
            assert!(name.len() <= TEXT + 17, "{name}");
            assert!(!name.contains(['/', '\\', '\0', '\n', ':']), "{name}");
            assert!(name.is_ascii() && !name.starts_with('.'), "{name}");
            assert_eq!(key_of(&name), Some(KEY));
            assert!(is_made(&name) && is_made(&task_folder(value)), "{name}");
        }
    }

    #[test]
    fn names_of_devices_are_avoided() {
        for name in ["CON", "con", "Nul", "COM1", "lpt9"] {
            assert!(!is_reserved(&task_folder(name)), "{name}");
        }
        assert_eq!(task_folder("Fit<Ols>"), "Fit(Ols)");
        assert!(task_folder(&"T".repeat(300)).len() <= TASK);
    }

    #[test]
    fn namespaces_have_distinct_folders() {
        let names =
            ["prod", "Prod", "PROD", "pro d", "pro/d", "pro_d", "prod.", "prod ", "../x", ""];
        let folders: Vec<_> = names.iter().map(|name| env_folder(name).to_lowercase()).collect();
        for (i, folder) in folders.iter().enumerate() {
            assert!(folder.starts_with("env=") && folder.len() <= TASK, "{folder}");
            assert!(!folder.contains('/') && !folder.ends_with('.'), "{folder}");
            assert!(!folders[..i].contains(folder), "{folder}");
            assert_eq!(key_of(folder), None);
        }
        assert_eq!(folders[0], "env=prod");
        assert_ne!(env_folder(&"x".repeat(100)), env_folder(&"x".repeat(101)));
    }

    #[test]
    fn names_that_the_store_does_not_create_are_rejected() {
        for name in ["", ".", "..", ".flow", "a/b", "a\nb", "a b", "ü", "a:b", &"x".repeat(256)] {
            assert!(!is_made(name), "{name:?}");
        }
        assert!(is_env_folder(&env_folder("prod")) && is_env_folder("Env=prod"));
        assert!(!is_env_folder("environment"));
    }

    #[test]
    fn a_folder_that_is_no_instance_has_no_key() {
        for name in ["", "x", "3f2a91c04b77e01", "x3f2a91c04b77e010", "é2a91c04b77e010"] {
            assert_eq!(key_of(name), None, "{name}");
        }
    }
}

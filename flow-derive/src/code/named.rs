//! Files that a text in the call of a macro or in an attribute names.
//!
//! A procedural macro of another crate may read any file: `sqlx::migrate!("migrations")`,
//! `#[grammar = "shop.pest"]`. It is not run here, so that each of its texts is looked up: a file or folder
//! of this name next to the source file or in the folder of the package counts. Macros and attributes that
//! are known to read nothing are left out, for a text such as `data` may be a mere name there. So is a
//! folder that a store lies in: what it holds changes with each run.
//!
//! A path dependency was compiled before, and the compiler recorded which files it read. Those that no module
//! and no `include_str!` explains are of its macros.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::builds::Environment;
use super::generated::{called_at, generated_files, is_named};
use super::names::{Name, Names};
use super::scan;
use super::source::{FileId, PackageId, Source};
use super::standard::{is_standard_macro, reads_no_files};
use super::tokens::Token;

/// More files than this are not looked at for one call of a macro.
const MOST_FILES: usize = 4096;

/// More quoted texts than this are not looked up of one template.
const MOST_TEXTS: usize = 1024;

/// A larger template names no others, in bytes.
const LARGEST_TEMPLATE: u64 = 1 << 20;

/// Folders that are deeper in each other than this are not looked at.
const MOST_FOLDERS: usize = 16;

/// The words and the texts in some tokens.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) words: BTreeSet<Name>,
    pub(super) texts: Vec<String>,
}

impl Words {
    pub(super) fn of(tokens: &[Token], range: Range<usize>, names: &Names) -> Self {
        let mut found = Self::default();
        found.extend(tokens, range, names);
        found
    }

    /// These and those of other tokens.
    pub(super) fn with(&self, tokens: &[Token], range: Range<usize>, names: &Names) -> Self {
        let mut found = Self { words: self.words.clone(), texts: self.texts.clone() };
        found.extend(tokens, range, names);
        found
    }

    pub(super) fn extend(&mut self, tokens: &[Token], range: Range<usize>, names: &Names) {
        for &token in &tokens[range] {
            match token {
                Token::Word(word) => drop(self.words.insert(word)),
                Token::Literal(literal) => {
                    let text = scan::unquote(names.text(literal));
                    self.texts.extend(text.filter(|text| is_name_of_file(text)));
                }
                _ => {}
            }
        }
    }
}

fn is_name_of_file(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && !text.contains(char::is_whitespace)
        && !text.contains(['{', '"'])
}

/// The files that a macro of another crate may read, with these words and texts as its arguments.
pub(super) fn files_of_call(
    source: &Source,
    from: FileId,
    name: &str,
    words: &Words,
) -> Vec<PathBuf> {
    if is_standard_macro(name) || reads_no_files(name) {
        return named_files(source, from, words, false);
    }
    let mut files = named_files(source, from, words, true);
    if let Some(folder) = default_folder(name).filter(|_| words.texts.is_empty()) {
        let words = Words { texts: vec![folder.to_owned()], ..Words::default() };
        files.extend(named_files(source, from, &words, true));
    }
    files.extend_from_slice(&source.packages[source.files[from].package].unexplained);
    files
}

/// As [`files_of_call`], of a call in a function, with what the build script has written.
pub(super) fn files_of_expression(
    source: &Source,
    from: FileId,
    name: &str,
    words: &Words,
) -> Vec<PathBuf> {
    if reads_no_files(name) {
        return Vec::new();
    }
    let mut files = files_of_call(source, from, name, words);
    if names_files(name) {
        let generated = generated_files(source, source.files[from].package);
        files.extend(generated.into_iter().filter(|path| is_named(path, words, &source.names)));
    }
    files.sort();
    files.dedup();
    files
}

/// The folder that a macro reads which is given none.
fn default_folder(name: &str) -> Option<&'static str> {
    match name {
        "migrate" | "embed_migrations" => Some("migrations"),
        "i18n" => Some("locales"),
        _ => None,
    }
}

/// What is wrong if no files are found that a macro reads which is known to read some.
pub(super) fn missing_files(name: &str, words: &Words) -> Option<String> {
    if name.starts_with("include") {
        return Some(format!("the file that `{name}!` names is not found"));
    }
    let reads = name.starts_with("embed") && !name.starts_with("embedd")
        || name.starts_with("query_file")
        || name == "migrate"
        || default_folder(name).is_some() && words.texts.is_empty();
    reads.then(|| format!("the files that `{name}!` reads are not found"))
}

/// What is wrong if not all files that a text names were looked at.
pub(super) fn too_many(files: &[PathBuf], name: &str) -> Option<String> {
    let is_too_many = files.len() >= MOST_FILES;
    is_too_many
        .then(|| format!("`{name}` names more than {MOST_FILES} files, and not all of them count"))
}

/// Whether the name of a macro says that it reads files.
pub(super) fn names_files(name: &str) -> bool {
    let parts = [
        "include",
        "embed",
        "migrat",
        "template",
        "query_file",
        "asset",
        "generated",
        "import",
        "_mod",
    ];
    parts.iter().any(|part| name.contains(part))
}

/// The files that the texts in the arguments of a macro of another crate, or in an attribute, name: below
/// the file's own folder, the package, its `src` or `templates`, and the folder of the build script.
/// `with_folders` adds the files of a folder that a text names.
pub(super) fn named_files(
    source: &Source,
    from: FileId,
    words: &Words,
    with_folders: bool,
) -> Vec<PathBuf> {
    if words.texts.is_empty() {
        return Vec::new();
    }
    let file = &source.files[from];
    let package = &source.packages[file.package];
    let out_dir = package.environment.out_dir();
    let templates = package.folder.join("templates");
    let mut bases: Vec<PathBuf> = file.path.parent().map(Path::to_owned).into_iter().collect();
    bases.push(package.folder.clone());
    // A word such as `data` names a folder there and nowhere else.
    let of_words = bases.len();
    bases.extend([package.folder.join("src"), templates.clone()]);
    bases.extend(out_dir.clone());
    let mut found = Vec::new();
    for text in &words.texts {
        let mut path = text.replace("$CARGO_MANIFEST_DIR", &package.folder.to_string_lossy());
        if let Some(out_dir) = &out_dir {
            path = path.replace("$OUT_DIR", &out_dir.to_string_lossy());
        }
        // `lalrpop_mod!(calc, "/calc.rs")` starts at a folder of its own.
        let path = if path == *text { path.trim_start_matches('/') } else { &path };
        if path.chars().all(|char| char == '.' || char == '/') {
            continue;
        }
        let bases = if text.contains(['/', '.']) { &bases[..] } else { &bases[..of_words] };
        for path in bases.iter().map(|base| base.join(path)) {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_file() {
                add_template(path, &templates, &mut found);
                break;
            }
            // A text such as `src` is a name.
            if with_folders && metadata.is_dir() && !file.path.starts_with(&path) {
                add_files(&path, &mut found);
                break;
            }
        }
    }
    found
}

/// Adds a file and, if it is a template, those that it extends or includes.
fn add_template(path: PathBuf, templates: &Path, found: &mut Vec<PathBuf>) {
    let mut queue = vec![path];
    while let Some(path) = queue.pop() {
        if found.contains(&path) || found.len() >= MOST_FILES {
            continue;
        }
        let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= LARGEST_TEMPLATE);
        if path.starts_with(templates)
            && is_small
            && let Ok(text) = fs::read_to_string(&path)
        {
            let texts =
                ['"', '\''].into_iter().flat_map(|quote| text.split(quote).skip(1).step_by(2));
            let texts = texts.filter(|text| text.contains('.') && is_name_of_file(text));
            for text in texts.take(MOST_TEXTS) {
                let beside = path.parent().map(|folder| folder.join(text));
                let candidates = beside.into_iter().chain([templates.join(text)]);
                queue.extend(candidates.filter(|path| path.is_file()));
            }
        }
        found.push(path);
    }
}

/// The files below a folder, in the order of their names. Links are not followed.
pub(super) fn add_files(folder: &Path, found: &mut Vec<PathBuf>) {
    add_files_to(folder, MOST_FOLDERS, found);
}

fn add_files_to(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    // A store, whose files the tasks write themselves, or what another tool keeps.
    if folder.join(".flow").is_dir() || folder.ends_with(".git") {
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> =
        entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        if found.len() >= MOST_FILES {
            return;
        }
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && depth > 0 {
            add_files_to(&path, depth - 1, found);
        }
    }
}

/// The files that the compiler read when it built a path dependency, and that neither a module nor an
/// `include_str!` or its like explains. What is documentation is none of them.
pub(super) fn unexplained(source: &Source, package: PackageId) -> Vec<PathBuf> {
    let Environment::Recorded(builds) = &source.packages[package].environment else {
        return Vec::new();
    };
    let is_code = |path: &Path| path.extension().is_some_and(|end| end == "rs" || end == "md");
    let recorded = builds.iter().flat_map(|build| &build.files);
    let mut files: BTreeSet<&PathBuf> = recorded.filter(|path| !is_code(path)).collect();
    if files.is_empty() {
        return Vec::new();
    }
    let included = source.files.iter().enumerate().filter(|(_, file)| file.package == package);
    let included: HashSet<PathBuf> = included
        .flat_map(|(id, file)| {
            let calls = (0..file.tokens.len()).filter_map(move |at| {
                let name = source.names.text(called_at(&file.tokens, at)?);
                let is_include = matches!(name, "include" | "include_str" | "include_bytes");
                let (_, arguments) = scan::group(&file.tokens, at + 2).filter(|_| is_include)?;
                source.included(id, arguments)
            });
            calls.collect::<Vec<_>>()
        })
        .collect();
    let canonical = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let included: HashSet<PathBuf> = included.iter().map(canonical).collect();
    files.retain(|path| path.is_file() && !included.contains(&canonical(path)));
    files.into_iter().cloned().collect()
}

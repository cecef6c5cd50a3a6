//! Finds files that a string literal in a macro call or an attribute names.
//!
//! A procedural macro of another crate may read any file: `sqlx::migrate!("migrations")`,
//! `#[grammar = "shop.pest"]`. The macro is not run here. Instead, each string in its arguments is treated
//! as a path: a file or folder of that name counts if it exists beside the source file or in the folder of
//! the package. Macros and attributes that are known to read no files are skipped, since a string such as
//! `data` may be a mere name there. A folder that contains a store is skipped, too, since its content
//! changes with each run.
//!
//! A path dependency was compiled before, and the compiler recorded which files it read. Files that
//! belong to no module and no `include_str!` were read by macros.

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

/// How many files one macro call may name; further files are ignored.
const MAX_FILES: usize = 4096;

/// How many strings of one template are treated as paths.
const MAX_TEXTS: usize = 1024;

/// The size in bytes up to which a template is searched for other templates.
const MAX_TEMPLATE_SIZE: u64 = 1 << 20;

/// How many levels of subfolders are searched.
const MAX_DEPTH: usize = 16;

/// The words and the string literals in some tokens.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) words: BTreeSet<Name>,
    pub(super) texts: Vec<String>,
}

impl Words {
    pub(super) fn collect(tokens: &[Token], range: Range<usize>, names: &Names) -> Self {
        let mut found = Self::default();
        found.extend(tokens, range, names);
        found
    }

    /// Returns these words and strings together with those of other tokens.
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

/// Returns the files that a macro of another crate may read, given the words and strings in its arguments.
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

/// Returns the files that a macro call in an expression may read, including those of the build script.
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

/// Returns the folder that a macro reads if its arguments name none.
fn default_folder(name: &str) -> Option<&'static str> {
    match name {
        "migrate" | "embed_migrations" => Some("migrations"),
        "i18n" => Some("locales"),
        _ => None,
    }
}

/// Returns a warning if the macro is known to read files. Called if no files were found.
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

/// Returns a warning if a macro names more files than are tracked.
pub(super) fn too_many(files: &[PathBuf], name: &str) -> Option<String> {
    let is_too_many = files.len() >= MAX_FILES;
    is_too_many
        .then(|| format!("`{name}` names more than {MAX_FILES} files, and not all of them count"))
}

/// Returns whether the name of a macro suggests that it reads files.
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

/// Returns the files that strings in the arguments of a macro of another crate, or in an attribute, name.
///
/// Each string is joined to the folder of the source file, the folder of the package, its `src` and
/// `templates`, and the output folder of the build script. `with_folders` also adds the files of a
/// folder that a string names.
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
    // A plain word such as `data` is joined to the first two folders only.
    let of_words = bases.len();
    bases.extend([package.folder.join("src"), templates.clone()]);
    bases.extend(out_dir.clone());
    let mut found = Vec::new();
    for text in &words.texts {
        let mut path = text.replace("$CARGO_MANIFEST_DIR", &package.folder.to_string_lossy());
        if let Some(out_dir) = &out_dir {
            path = path.replace("$OUT_DIR", &out_dir.to_string_lossy());
        }
        // The path in `lalrpop_mod!(calc, "/calc.rs")` is relative, in spite of the `/`.
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
            // A folder that contains the source file itself, such as `src`, does not count.
            if with_folders && metadata.is_dir() && !file.path.starts_with(&path) {
                add_files(&path, &mut found);
                break;
            }
        }
    }
    found
}

/// Adds a file and, if it is a template, the templates that it extends or includes.
fn add_template(path: PathBuf, templates: &Path, found: &mut Vec<PathBuf>) {
    let mut queue = vec![path];
    while let Some(path) = queue.pop() {
        if found.contains(&path) || found.len() >= MAX_FILES {
            continue;
        }
        let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_TEMPLATE_SIZE);
        if path.starts_with(templates)
            && is_small
            && let Ok(text) = fs::read_to_string(&path)
        {
            let texts =
                ['"', '\''].into_iter().flat_map(|quote| text.split(quote).skip(1).step_by(2));
            let texts = texts.filter(|text| text.contains('.') && is_name_of_file(text));
            for text in texts.take(MAX_TEXTS) {
                let beside = path.parent().map(|folder| folder.join(text));
                let candidates = beside.into_iter().chain([templates.join(text)]);
                queue.extend(candidates.filter(|path| path.is_file()));
            }
        }
        found.push(path);
    }
}

/// Adds the files below a folder, ordered by name. Links are not followed.
pub(super) fn add_files(folder: &Path, found: &mut Vec<PathBuf>) {
    add_files_to(folder, MAX_DEPTH, found);
}

fn add_files_to(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    // Skips stores, whose files the tasks write themselves, and repositories of git.
    if folder.join(".flow").is_dir() || folder.ends_with(".git") {
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> =
        entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        if found.len() >= MAX_FILES {
            return;
        }
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && depth > 0 {
            add_files_to(&path, depth - 1, found);
        }
    }
}

/// Returns the files that macros read when the compiler built a path dependency: the recorded files that are
/// no module and that no `include!`, `include_str!` or `include_bytes!` names. Documentation is left out.
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

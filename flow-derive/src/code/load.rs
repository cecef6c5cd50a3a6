//! Reads the files of a crate: its root, the modules that it declares, and included files.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::builds::Variable;
use super::file;
use super::lexer;
use super::marks::Marks;
use super::names::Name;
use super::parse::Parser;
use super::scan;
use super::source::{File, FileId, ModuleId, PackageId, Source};
use super::tokens::Token;

/// The folders in which the modules that a file declares are searched.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// For `mod a;`, as `a.rs` and `a/mod.rs`.
    folder: PathBuf,
    /// For `#[path = "..."] mod a;`.
    relative: PathBuf,
}

impl Place {
    /// Returns the place of a file such as `main.rs` or `mod.rs`, whose modules are beside it.
    pub(crate) fn beside(file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Self { relative: folder.clone(), folder }
    }

    /// Returns the place of a file `a.rs`, whose modules are in the folder `a`.
    fn below(file: &Path) -> Self {
        Self { folder: file.with_extension(""), ..Self::beside(file) }
    }

    /// Returns the place of a module in braces.
    pub(crate) fn inline(&self, name: &str, paths: &[String]) -> Self {
        let folder = match paths.first() {
            Some(path) => self.relative.join(path),
            None => self.folder.join(plain(name)),
        };
        Self { relative: folder.clone(), folder }
    }
}

impl Place {
    /// Returns the file of `mod name;`, if it exists.
    pub(super) fn module_file(&self, name: &str) -> Option<PathBuf> {
        let name = plain(name);
        let paths = [self.folder.join(format!("{name}.rs")), self.folder.join(name).join("mod.rs")];
        paths.into_iter().find(|path| path.is_file())
    }

    /// Returns the file of `#[path = "text"] mod name;`.
    pub(super) fn relative_file(&self, text: &str) -> PathBuf {
        self.relative.join(text)
    }
}

fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

impl Source {
    /// Reads the files of a package, starting with the root file. Returns whether the root can be read.
    pub(crate) fn load_root(&mut self, package: PackageId, root: &Path) -> bool {
        self.read_into(self.packages[package].root, root)
    }

    /// Reads the tokens of a file. A file that is not valid Rust is recorded as untracked.
    fn file(&mut self, module: ModuleId, path: &Path) -> Option<FileId> {
        let package = self.modules[module].package;
        let text = fs::read_to_string(path).ok()?;
        let shown = file::shown(path, &self.packages[package].folder);
        let Some(tokens) = lexer::lex(&text, &mut self.names) else {
            let untracked = format!("the file {shown} cannot be read as Rust");
            self.packages[package].untracked.push(untracked);
            return None;
        };
        let tokens = tokens.into();
        self.files.push(File { path: path.to_owned(), shown, package, module, tokens });
        Some(self.files.len() - 1)
    }

    pub(super) fn times_read(&self, path: &Path) -> usize {
        self.files.iter().filter(|file| file.path == path).count()
    }

    fn parse(&mut self, file: FileId, module: ModuleId, place: Place) {
        let tokens = self.files[file].tokens.clone();
        let all = 0..tokens.len();
        Parser { source: self, file, tokens, module, place, features: Vec::new() }.items(all);
    }

    /// Returns the path in the arguments of `include!`, `include_str!` or `include_bytes!`.
    ///
    /// The path is a literal, or literals and environment variables that `concat!` joins.
    pub(crate) fn included(&self, file: FileId, arguments: Range<usize>) -> Option<PathBuf> {
        self.included_as(&self.files[file].tokens, arguments, file, None)
    }

    /// Returns the path for an `include!` in the body of a macro that is called in the file `from`.
    ///
    /// `variable` is the value of each `$variable` in the arguments.
    pub(crate) fn included_as(
        &self,
        tokens: &[Token],
        arguments: Range<usize>,
        from: FileId,
        variable: Option<&str>,
    ) -> Option<PathBuf> {
        let file = &self.files[from];
        let mut text = String::new();
        self.included_text(tokens, arguments, file, variable, &mut text)?;
        Some(file.path.parent()?.join(text))
    }

    fn included_text(
        &self,
        tokens: &[Token],
        range: Range<usize>,
        from: &File,
        variable: Option<&str>,
        text: &mut String,
    ) -> Option<()> {
        let package = &self.packages[from.package];
        let mut at = range.start;
        while at < range.end {
            match tokens[at] {
                Token::Literal(literal) => {
                    let literal = self.names.text(literal);
                    match scan::unquote(literal) {
                        Some(part) => text.push_str(&part),
                        None if literal.starts_with(|c: char| c.is_ascii_digit()) => {
                            text.push_str(literal);
                        }
                        None => return None,
                    }
                    at += 1;
                }
                Token::Punct(b'$', _) if scan::word(tokens, at + 1).is_some() => {
                    text.push_str(variable?);
                    at += 2;
                }
                Token::Word(word) if scan::is(tokens, at + 1, b'!') => {
                    let (_, inner) = scan::group(tokens, at + 2)?;
                    at = inner.end + 1;
                    match self.names.text(word) {
                        "concat" | "stringify" => {
                            self.included_text(tokens, inner, from, variable, text)?;
                        }
                        "env" => {
                            let mut name = String::new();
                            self.included_text(tokens, inner, from, variable, &mut name)?;
                            match name.as_str() {
                                "CARGO_MANIFEST_DIR" => text.push_str(package.folder.to_str()?),
                                name => match package.environment.variable(name) {
                                    Variable::Set(value) => text.push_str(&value),
                                    Variable::Unset | Variable::Unknown => return None,
                                },
                            }
                        }
                        _ => return None,
                    }
                }
                Token::Punct(b',', _) => at += 1,
                _ => return None,
            }
        }
        (!text.is_empty()).then_some(())
    }

    /// Reads the items of a file into a module. Returns whether the file can be read.
    pub(super) fn read_into(&mut self, module: ModuleId, path: &Path) -> bool {
        let Some(file) = self.file(module, path) else {
            return false;
        };
        self.parse(file, module, Place::beside(path));
        true
    }
}

impl Parser<'_> {
    /// Reads the file of `mod name;`, or all candidates if a `cfg_attr` selects the file.
    pub(crate) fn load_module(&mut self, module: ModuleId, name: Name, marks: &Marks) {
        let name = plain(self.source.names.text(name)).to_owned();
        let mut found = Vec::new();
        for path in &marks.paths {
            let path = self.place.relative.join(path);
            if path.is_file() {
                found.push((path.clone(), Place::beside(&path)));
            }
        }
        if found.is_empty() || marks.is_conditional {
            let file = self.place.folder.join(format!("{name}.rs"));
            let below = self.place.folder.join(&name).join("mod.rs");
            if file.is_file() {
                found.push((file.clone(), Place::below(&file)));
            } else if below.is_file() {
                found.push((below.clone(), Place::beside(&below)));
            }
        }
        let package = self.source.modules[module].package;
        if found.is_empty() && !marks.is_conditional && !self.source.modules[module].is_test {
            let untracked = format!("the file of `mod {name}` is not found");
            self.source.packages[package].untracked.push(untracked);
        }
        for (path, place) in found {
            // A limit, for a module that is its own ancestor.
            if self.depth() < 64
                && let Some(file) = self.source.file(module, &path)
            {
                self.source.parse(file, module, place);
            }
        }
    }

    fn depth(&self) -> usize {
        std::iter::successors(Some(self.module), |&module| self.source.modules[module].parent)
            .count()
    }

    /// Reads the items of an included file.
    pub(crate) fn include(&mut self, arguments: Range<usize>) {
        let package = self.source.modules[self.module].package;
        let path = self.source.included(self.file, arguments);
        let file = match path {
            // A file may be included in several places. The limit ends a file that includes itself.
            Some(path) if self.source.times_read(&path) < 64 => {
                self.source.file(self.module, &path)
            }
            _ => None,
        };
        match file {
            Some(file) => {
                let place = Place::beside(&self.source.files[file].path.clone());
                let tokens = self.source.files[file].tokens.clone();
                let all = 0..tokens.len();
                let (module, features) = (self.module, self.features.clone());
                let source = &mut *self.source;
                Parser { source, file, tokens, module, place, features }.items(all);
            }
            None => {
                let untracked = "the file of an `include!` is not found".to_owned();
                self.source.packages[package].untracked.push(untracked);
            }
        }
    }
}

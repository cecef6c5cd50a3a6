//! The public API of the crates is checked in as text: `tests/golden/public_api.txt`.
//!
//! A change of the API changes the text, so that a review sees it. `FLOW_ACCEPT_API=1 cargo test
//! --test public_api` writes the text anew. The text is read from the source, because rustdoc has
//! no machine-readable output on the stable compiler. It lists the items that `lib.rs` exports, and
//! the public parts of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Fields, ImplItem, Item, ItemUse, TraitItem, UseTree, Visibility};

/// The crates, and the modules whose `pub` items are exported by their path.
const CRATES: [(&str, &[&str]); 3] = [
    ("flow-core", &["target/mod.rs"]),
    ("flow-targets", &["frames/mod.rs", "inspect/mod.rs"]),
    // The items of the facade itself.
    (".", &["expect/mod.rs", "interrupts/mod.rs", "testing/mod.rs"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder of the source")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        text == "doc (hidden)" || text.starts_with("cfg (test")
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the name of a public type, trait or function.
fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        _ => return None,
    };
    is_public(visibility).then(|| name.to_string())
}

/// Collects the names that a `pub use` exports.
fn exported(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => exported(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| exported(tree, names)),
        UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(names.insert(rename.rename.to_string())),
        _ => {}
    }
}

/// Returns tokens as text, with the spaces that rustfmt would write.
fn text(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        (" ;", ";"),
    ] {
        text = text.replace(from, to);
    }
    text.replace("->", " -> ").replace("  ", " ")
}

fn fields(fields: &Fields) -> Vec<String> {
    let public = fields.iter().filter(|field| is_public(&field.vis) && !is_hidden(&field.attrs));
    public
        .map(|field| {
            let name = field.ident.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            format!("    pub {name}{}", text(&field.ty))
        })
        .collect()
}

/// Returns the name of the type of an impl without a trait.
fn implemented(ty: &syn::Type) -> Option<String> {
    let syn::Type::Path(path) = ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

/// The lines of one crate.
#[derive(Default)]
struct Api {
    /// The public parts of each exported item, by the line of the item.
    items: BTreeMap<String, BTreeSet<String>>,
}

impl Api {
    fn read(krate: &str, modules: &[&str]) -> Self {
        let source = root().join(krate).join("src");
        let mut paths = Vec::new();
        sources(&source, &mut paths);
        let parse = |path: &PathBuf| {
            let code = fs::read_to_string(path).expect("a file of the source");
            syn::parse_file(&code).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let files: Vec<_> = paths.iter().map(|path| (path.clone(), parse(path))).collect();
        let mut names = BTreeSet::new();
        let faces = [&["lib.rs"], modules].concat();
        for (path, file) in &files {
            let is_face = faces.iter().any(|face| *path == source.join(face));
            for item in file.items.iter().filter(|_| is_face) {
                match item {
                    Item::Use(ItemUse { vis, tree, attrs, .. })
                        if is_public(vis) && !is_hidden(attrs) =>
                    {
                        exported(tree, &mut names);
                    }
                    item => names.extend(public_name(item)),
                }
            }
        }
        let mut api = Self::default();
        files.iter().flat_map(|(_, file)| &file.items).for_each(|item| api.add(item, &names));
        api
    }

    fn add(&mut self, item: &Item, names: &BTreeSet<String>) {
        let is_exported = public_name(item).is_some_and(|name| names.contains(&name));
        match item {
            Item::Struct(item) if is_exported => {
                let line = format!("struct {}{}", item.ident, text(&item.generics));
                self.items.entry(line).or_default().extend(fields(&item.fields));
            }
            Item::Enum(item) if is_exported => {
                let line = format!("enum {}{}", item.ident, text(&item.generics));
                let variants = item.variants.iter().filter(|variant| !is_hidden(&variant.attrs));
                let variants = variants.map(|variant| {
                    let fields = variant.fields.iter().map(|field| {
                        let name = field.ident.as_ref().map(|name| format!("{}: ", name.unraw()));
                        format!("{}{}", name.unwrap_or_default(), text(&field.ty))
                    });
                    let fields = fields.collect::<Vec<_>>().join(", ");
                    let fields =
                        if fields.is_empty() { fields } else { format!(" {{ {fields} }}") };
                    format!("    {}{fields}", variant.ident)
                });
                self.items.entry(line).or_default().extend(variants);
            }
            Item::Trait(item) if is_exported => {
                let line = format!("trait {}{}", item.ident, text(&item.generics));
                let lines = item.items.iter().filter_map(|item| match item {
                    TraitItem::Fn(item) if !is_hidden(&item.attrs) => {
                        Some(format!("    {}", text(&item.sig)))
                    }
                    TraitItem::Type(item) if !is_hidden(&item.attrs) => {
                        Some(format!("    type {}", item.ident))
                    }
                    TraitItem::Const(item) if !is_hidden(&item.attrs) => {
                        Some(format!("    const {}: {}", item.ident, text(&item.ty)))
                    }
                    _ => None,
                });
                self.items.entry(line).or_default().extend(lines);
            }
            Item::Fn(item) if is_exported => {
                self.items.entry(text(&item.sig)).or_default();
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let Some(name) = implemented(&item.self_ty).filter(|name| names.contains(name))
                else {
                    return;
                };
                let lines = item.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                        Some(format!("    pub {}", text(&item.sig)))
                    }
                    ImplItem::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                        Some(format!("    pub const {}: {}", item.ident, text(&item.ty)))
                    }
                    _ => None,
                });
                let lines: Vec<_> = lines.collect();
                if !lines.is_empty() {
                    self.items.entry(format!("impl {name}")).or_default().extend(lines);
                }
            }
            _ => {}
        }
    }

    fn lines(&self) -> Vec<String> {
        let lines = self
            .items
            .iter()
            .flat_map(|(item, within)| [item.clone()].into_iter().chain(within.iter().cloned()));
        lines.collect()
    }
}

/// Returns the modules of the facade, each with the names that it exports.
fn facade() -> Vec<String> {
    let code = fs::read_to_string(root().join("src/lib.rs")).expect("the facade");
    let file = syn::parse_file(&code).expect("Rust");
    let names = |items: &[Item]| {
        let mut names = BTreeSet::new();
        for item in items {
            if let Item::Use(ItemUse { vis, tree, attrs, .. }) = item
                && is_public(vis)
                && !is_hidden(attrs)
            {
                exported(tree, &mut names);
            }
        }
        names.into_iter().map(|name| format!("    {name}")).collect::<Vec<_>>()
    };
    let mut lines = vec!["mod flow".to_owned()];
    lines.extend(names(&file.items));
    for item in &file.items {
        if let Item::Mod(module) = item
            && let Some((_, items)) = &module.content
            && is_public(&module.vis)
        {
            lines.push(format!("mod flow::{}", module.ident));
            lines.extend(names(items));
        }
    }
    lines
}

#[test]
fn the_public_api_matches_the_golden_file() {
    let mut all = vec!["# typed-flow".to_owned()];
    all.extend(facade());
    for (krate, modules) in CRATES {
        let lines = Api::read(krate, modules).lines();
        assert!(lines.len() > 20, "{krate}: {lines:?}");
        all.push(format!("# {}", if krate == "." { "typed-flow: own items" } else { krate }));
        all.extend(lines);
    }
    let now = all.join("\n") + "\n";
    let golden = root().join("tests/golden/public_api.txt");
    if std::env::var_os("FLOW_ACCEPT_API").is_some() {
        fs::write(&golden, &now).expect("the golden file is written");
    }
    let was = fs::read_to_string(&golden).unwrap_or_default();
    // Each line with the item that it is a part of.
    let lines = |text: &str| {
        let mut item = String::new();
        let line = |line: &str| match line.strip_prefix("    ") {
            Some(part) => format!("{item}: {part}"),
            None => {
                item = line.to_owned();
                item.clone()
            }
        };
        text.lines().map(line).collect::<BTreeSet<_>>()
    };
    let (was, now) = (lines(&was), lines(&now));
    let gone: Vec<_> = was.difference(&now).map(|line| format!("- {line}")).collect();
    let new: Vec<_> = now.difference(&was).map(|line| format!("+ {line}")).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public API changed; FLOW_ACCEPT_API=1 accepts it, and CHANGELOG.md tells users:\n{}\n{}",
        gone.join("\n"),
        new.join("\n")
    );
}

#[test]
fn the_api_includes_the_main_types() {
    let lines = Api::read("flow-core", CRATES[0].1).lines();
    for expected in ["impl Flow", "struct Flow", "trait Target", "enum StoreError"] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in it");
    }
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(has("pub fn run<R: Roots>(&self)") && has("fn load(&self, source:"), "{lines:#?}");
    assert!(!has("__"), "hidden items are no part of it");
}

//! Generates a task of the crate, with a method that finds its file.

use super::super::model::{Reads, Type};
use super::super::parameter::Parameter;
use super::BOUNDS;
use super::text::{code, listed};

/// The maximal length of the registered name of a task, in characters.
const LONGEST_NAME: usize = 80;

/// The generics of a task, if the user chooses the type that its file is read as.
struct Generics {
    /// The parameters of the struct, with their defaults.
    declared: String,
    /// The arguments in an impl.
    used: &'static str,
    bounds: String,
    field: &'static str,
}

/// Returns the source of a task, after that of the structs of its rows.
pub(super) fn task(of: &Type, library: &str) -> String {
    let Type { name, reads, .. } = of;
    let rows: String = match reads {
        Reads::Rows { rows, .. } => rows.iter().map(super::row::row).collect(),
        _ => String::new(),
    };
    let (Reads::Rows { target, .. } | Reads::Plain(target) | Reads::Any { target, .. }) = reads;
    let registered: String = format!("{library}-{name}").chars().take(LONGEST_NAME).collect();
    let Generics { declared, used, bounds, field } = Generics::of(reads);
    let fields: String = of.parameters.iter().map(parameter).collect();
    let fields = match fields + field {
        fields if fields.is_empty() => ";".to_owned(),
        fields => format!("{bounds} {{\n{fields}}}"),
    };
    format!(
        "{rows}
{about}#[derive(Task)]
#[task(external, path = self.path()?, target = {target}, name = {registered:?})]
pub struct {name}{declared}{fields}

impl{used} {name}{used}{bounds} {{
    /// Returns the path of the output.
    ///
    /// # Errors
    ///
    /// No output with these parameters was exported.
    pub fn path(&self) -> Result<PathBuf> {{
{path}    }}
}}
",
        about = about(of),
        path = path(of),
    )
}

impl Generics {
    fn of(reads: &Reads) -> Self {
        let (declared, used, field) = match reads {
            Reads::Any { default: Some(default), .. } => {
                (format!("<T = {default}>"), "<T>", "    value: PhantomData<T>,\n")
            }
            Reads::Any { default: None, .. } => {
                ("<T>".to_owned(), "<T>", "    value: PhantomData<T>,\n")
            }
            _ => (String::new(), "", ""),
        };
        let bounds = match used {
            "" => String::new(),
            _ => format!("\nwhere\n    T: {BOUNDS},\n"),
        };
        Self { declared, used, bounds, field }
    }
}

/// Returns the documentation of a task.
fn about(of: &Type) -> String {
    let part = match of.part.as_str() {
        "" => String::new(),
        part => format!(", part {}", code(part)),
    };
    let outputs = if of.files.len() == 1 { "output" } else { "outputs" };
    let about = format!("/// {}{part}: {} {outputs}.\n", code(&of.task), of.files.len());
    match of.reads {
        Reads::Any { .. } => {
            about + "///\n/// It is read as `T`, a type that fits what was written.\n"
        }
        _ => about,
    }
}

fn parameter(parameter: &Parameter) -> String {
    let Parameter { field, name, kind, .. } = parameter;
    let literals = parameter.literals();
    let of = if name == field { String::new() } else { format!("{}, of ", code(name)) };
    let default = match literals.as_slice() {
        [only] => format!("    #[param(default = {only})]\n"),
        _ => String::new(),
    };
    let literals = listed(literals.iter().map(code));
    format!("    /// {of}{literals}.\n{default}    pub {field}: {},\n", kind.owned())
}

/// Returns the body of the method that finds the file by the parameters.
fn path(of: &Type) -> String {
    let Type { parameters, files, .. } = of;
    if let ([], [only]) = (parameters.as_slice(), files.as_slice()) {
        return format!("        Ok(folder().join({only:?}))\n");
    }
    let joined = |of: fn(&Parameter) -> String, between: &str| -> String {
        parameters.iter().map(of).collect::<Vec<_>>().join(between)
    };
    let values = |place| -> Vec<_> { parameters.iter().map(|of| of.literal(place)).collect() };
    let exported = files
        .iter()
        .enumerate()
        .map(|(place, file)| format!("            ({}, {file:?}),\n", values(place).join(", ")));
    let those = listed((0..files.len()).map(|place| {
        let named = parameters.iter().zip(values(place));
        let named: Vec<_> = named.map(|(of, value)| format!("{}: {value}", of.name)).collect();
        format!("{{{}}}", named.join(", "))
    }));
    format!(
        "        const EXPORTED: &[({types}, &str)] = &[
{exported}        ];
        for &({fields}, file) in EXPORTED {{
            if {is_it} {{
                return Ok(folder().join(file));
            }}
        }}
        bail!(\"no such output was exported; there are {{}}\", {those:?})
",
        types = joined(|of| of.kind.borrowed(), ", "),
        exported = exported.collect::<String>(),
        fields = joined(|of| of.field.clone(), ", "),
        is_it = joined(|of| of.kind.is(&of.field), " && "),
    )
}

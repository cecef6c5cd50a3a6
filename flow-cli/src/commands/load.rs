//! `load`: writes an output to the standard output or a file, for other programs.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, Command, ValueHint};
use flow_core::Bytes;
use flow_targets::inspect::{Format, OutputFile};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{OutputFiles, output_options};
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "load",
    about: "Writes an output to the standard output or a file, unchanged or in another format",
    takes: Takes::MaybeTask,
    access: Access::Reads,
    options,
    run,
};

/// A file that was written.
#[derive(Serialize)]
struct Loaded {
    instance: String,
    part: String,
    path: PathBuf,
    format: &'static str,
    bytes: u64,
}

fn options(command: Command) -> Command {
    output_options(command)
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["arrow", "parquet", "csv", "json"])
                .help("The format to which a table is converted [default: the file is copied byte by byte]"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help(
                    "Writes the file, and replaces it if it exists [default: the standard output]",
                ),
        )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let to_file = context.matches.get_one::<PathBuf>("to");
    if context.matches.get_flag("json") && to_file.is_none() {
        return Err(CliError::usage(
            "--json prints what was written, and needs --to FILE; `--format json` converts a table",
        ));
    }
    let output = OutputFiles::selected(context)?;
    let [file] = output.files.as_slice() else {
        return Err(CliError::usage(format!(
            "{} has several parts, {}: select one with --part",
            output.instance,
            output.parts()
        )));
    };
    if file.is_folder() {
        return Err(CliError::usage(format!(
            "{} is a folder: copy it, or read the files in it",
            file.path().display()
        )));
    }
    let from = file.format();
    let format = context.matches.get_one::<String>("format");
    let to = format.and_then(|name| Format::named(name)).unwrap_or(from);
    let Some(path) = to_file else {
        if !to.is_text() && std::io::stdout().is_terminal() {
            return Err(CliError::usage(
                "the standard output is a terminal, and the output may not be text: use --to FILE, or a pipe",
            ));
        }
        if std::io::stdout().is_terminal() {
            // Text may have characters that control the terminal.
            let mut text = Vec::new();
            convert(file, from, to, &mut text)?;
            context.ui.part(&String::from_utf8_lossy(&text))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut out = Standard { out: std::io::stdout(), closed: false };
        return match convert(file, from, to, &mut out) {
            // The reader of the pipe has ended, as `head` does.
            Err(_) if out.closed => Err(CliError::Output(ErrorKind::BrokenPipe.into())),
            Err(error) => Err(error),
            Ok(()) => Ok(ExitCode::SUCCESS),
        };
    };
    let bytes = write_file(path, |out| convert(file, from, to, out))?;
    let text = format!("{}: {}", path.display(), Bytes(bytes));
    let loaded = Loaded {
        instance: output.instance.clone(),
        part: file.part().to_owned(),
        path: path.clone(),
        format: to.name(),
        bytes,
    };
    context.ui.write(&loaded, text)?;
    Ok(ExitCode::SUCCESS)
}

/// The standard output, which remembers whether its reader has ended.
struct Standard {
    out: std::io::Stdout,
    closed: bool,
}

impl Standard {
    fn noted<T>(&mut self, result: std::io::Result<T>) -> std::io::Result<T> {
        self.closed |= result.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        result
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let result = self.out.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let result = self.out.flush();
        self.noted(result)
    }
}

/// A file that counts the bytes that are written to it.
struct Counted {
    out: BufWriter<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Writes a file beside its place, moves it there, and returns its size. A file that was there stays until then.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut Counted) -> Result<(), CliError>,
) -> Result<u64, CliError> {
    let unwritable = || format!("cannot write {}", path.display());
    let Some(name) = path.file_name() else {
        return Err(CliError::usage(format!(
            "invalid value for --to: {} is not the name of a file",
            path.display()
        )));
    };
    // A device or a pipe is written to: a file in its place would not be what its readers have open.
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let file = File::options().write(true).open(path).with_context(unwritable)?;
        let mut out = Counted { out: BufWriter::new(file), bytes: 0 };
        write(&mut out)?;
        out.flush().with_context(unwritable)?;
        return Ok(out.bytes);
    }
    let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    let draft = path.with_file_name(name);
    let file = File::create_new(&draft).with_context(unwritable)?;
    let mut out = Counted { out: BufWriter::new(file), bytes: 0 };
    let written = write(&mut out).and_then(|()| {
        out.flush().with_context(unwritable)?;
        let bytes = out.bytes;
        drop(out);
        std::fs::rename(&draft, path).with_context(unwritable)?;
        Ok(bytes)
    });
    written.inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

/// Writes an output in a format.
fn convert<W: Write + Send>(
    file: &OutputFile,
    from: Format,
    to: Format,
    out: &mut W,
) -> Result<(), CliError> {
    if from == to {
        let copied = std::io::copy(&mut file.open()?, out).and_then(|_| out.flush());
        return Ok(copied.with_context(|| format!("cannot copy {}", file.path().display()))?);
    }
    if !from.is_table() {
        return Err(CliError::usage(format!(
            "invalid value for --format: {} is not a table, and cannot be written as {}; leave the option out",
            file.path().display(),
            to.name()
        )));
    }
    convert_table(file, from, to, out)
}

#[cfg(feature = "tables")]
fn convert_table<W: Write + Send>(
    file: &OutputFile,
    from: Format,
    to: Format,
    out: &mut W,
) -> Result<(), CliError> {
    use crate::table::{contained, write};

    let unwritten = || format!("cannot write {} as {}", file.path().display(), to.name());
    if (from, to) == (Format::CsvGz, Format::Csv) {
        let mut text = flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file.open()?));
        let copied = std::io::copy(&mut text, out).and_then(|_| out.flush());
        return Ok(copied.with_context(unwritten)?);
    }
    let batches = file.batches()?;
    contained(file.path(), || Ok(write(batches, to, out).with_context(unwritten)?))
}

#[cfg(not(feature = "tables"))]
fn convert_table<W: Write + Send>(
    file: &OutputFile,
    _: Format,
    to: Format,
    _: &mut W,
) -> Result<(), CliError> {
    Err(CliError::usage(format!(
        "this program does not convert {} to {}: it is built without tables",
        file.path().display(),
        to.name()
    )))
}

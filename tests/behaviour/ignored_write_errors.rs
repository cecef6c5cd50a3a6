//! A target that ignores a write error: the truncated file does not become an output.

use std::io::{BufWriter, ErrorKind, Write};

use flow::Code;
use flow::prelude::*;
use flow::target::{Sink, Source};

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, files_below};

/// Writes through a buffer that is flushed on drop, where errors are lost.
#[derive(Default)]
struct Careless {}

impl Target for Careless {
    type Value = String;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &String, sink: &mut Sink<'_>) -> Result<()> {
        let mut buffer = BufWriter::new(sink);
        buffer.write_all(value.as_bytes())?;
        Ok(())
    }

    fn load(&self, source: &Source) -> Result<String> {
        Ok(String::from_utf8(source.read()?)?)
    }
}

#[derive(Task)]
#[task(target = Careless)]
struct Letter;

#[tracked]
impl Run for Letter {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        Ok("Dear reader, this is all there is.".to_owned())
    }
}

#[test]
fn an_ignored_write_error_fails_the_task() -> Result<()> {
    for fault in [Fault::Refuse(ErrorKind::StorageFull), Fault::Half(ErrorKind::StorageFull)] {
        let folder = tempfile::tempdir()?;
        let fs = Faulty::new();
        let flow = faulty_flow(folder.path(), &fs)?;
        fs.fail(move |_, op, path| {
            let output = path.extension().is_some_and(|extension| extension == "txt");
            (op == Op::Write && output).then_some(fault)
        });
        let error = flow.run::<Letter>().expect_err("no space").to_string();
        assert!(error.contains("cannot write") && error.contains("no storage space"), "{error}");
        let left = files_below(folder.path());
        assert!(left.iter().all(|file| file.extension().is_none_or(|e| e != "txt")), "{left:?}");
        fs.heal();
        flow.run::<Letter>()?;
        assert_eq!(*flow.load::<Letter>()?, "Dear reader, this is all there is.");
    }
    Ok(())
}

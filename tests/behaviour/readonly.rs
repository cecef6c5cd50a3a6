//! A read-only store: complete outputs are shown and loaded, and a run that has to write returns an
//! error before any task runs.

use std::io::ErrorKind;

use flow::prelude::*;

use crate::faulty::{Fault, Faulty};
use crate::support::{faulty_flow, files_below, preview};
use crate::wheat::{Bread, Milled, assert_bread, mill, sow};

#[test]
fn a_read_only_store_can_be_shown_and_loaded() -> Result<()> {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let folder = tempfile::tempdir()?;
        sow(&folder.path().join("grains.txt"), &[1, 2]);
        let fs = Faulty::new();
        mill(&faulty_flow(folder.path(), &fs)?, folder.path()).run::<Bread>()?;
        fs.fail(move |_, op, _| op.changes().then_some(Fault::Refuse(kind)));
        let before = files_below(folder.path());

        let flow = mill(&faulty_flow(folder.path(), &fs)?, folder.path());
        assert!(preview::<Bread>(&flow).starts_with("Bread"), "{}", preview::<Bread>(&flow));
        assert!(flow.run::<Bread>()?.ran().is_empty());
        assert_bread(&flow, &[1, 2], 10);

        let other = flow.with(Milled::BY, 3);
        assert!(preview::<Bread>(&other).contains("PENDING never run"));
        let error = other.run::<Bread>().expect_err("it cannot be written").to_string();
        let start = format!("nothing can be stored in {}: cannot create ", flow.folder().display());
        assert!(error.starts_with(&start), "{error}");
        let reset = flow.reset::<Bread>().expect_err("it cannot be removed").to_string();
        assert!(reset.starts_with("cannot remove"), "{reset}");
        assert!(flow.is_complete::<Bread>()?);
        assert_eq!(files_below(folder.path()), before);
    }
    Ok(())
}

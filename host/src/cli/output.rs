//! Files that the daemon makes, for the operator.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::{
    control::{self, Request},
    daemon::Failure,
};

/// To standard output, or to a file that is there only when it is whole.
pub(super) async fn fetch(socket: &Path, request: &Request, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        return Ok(control::fetch(socket, request, &mut io::stdout()).await?);
    };
    let place = |error: io::Error| format!("{}: {error}", file.display());
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut sink = File::create(&part).map_err(place)?;
    let whole = match control::fetch(socket, request, &mut sink).await {
        Ok(()) => sink.sync_all().and_then(|()| std::fs::rename(&part, file)).map_err(place),
        Err(error) => Err(error),
    };
    if whole.is_err() {
        // What is half is of no use; the first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    Ok(whole?)
}

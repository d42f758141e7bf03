//! A plugin in one file, `NAME-VERSION.jfp`, which may be signed: see docs/bundles.md.

mod archive;
mod secret;
mod signature;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use archive::{Contents, pack, unpack};
pub use signature::{Key, Signed, Trust, sign, signature_of};

/// How the names of bundles end.
pub const ENDING: &str = "jfp";
/// Of a whole bundle, in bytes.
const MAX_BUNDLE: u64 = 128 << 20;

/// The files of a bundle whose signature, if it must have one, is good. Errors are sentences with the file's name.
pub fn open(path: &Path, trust: &Trust) -> Result<Contents, String> {
    let bytes = read(path)?;
    trust.check(path, &bytes)?;
    unpack(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The bytes of a bundle.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    bounded(path, MAX_BUNDLE).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the signature of a bundle lies: where `minisign` looks for it.
pub fn signature_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut bytes = Vec::new();
    // Not what its length says: it may grow while it is read.
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::other(format!("larger than {} KiB", limit >> 10))),
        false => Ok(bytes),
    }
}

//! Where cargo put the binaries of this build.

use crate::{Error, Result};
use std::path::PathBuf;

/// A binary of the workspace, in the directory that this program was built into: the same profile, the same build. Where
/// figures are wanted, `PAWL_BINARIES` names the directory of a release build.
///
/// # Errors
/// [`Error::NotBuilt`]: cargo builds a package's binaries for its own tests only.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("where this program is cannot be told"))?;
    let mut directory = own.parent().map(PathBuf::from).unwrap_or_default();
    if directory.ends_with("deps") {
        directory.pop();
    }
    if let Some(given) = std::env::var_os("PAWL_BINARIES") {
        directory = given.into();
    }
    let path = directory.join(name);
    if path.is_file() { Ok(path) } else { Err(Error::NotBuilt(path.display().to_string())) }
}

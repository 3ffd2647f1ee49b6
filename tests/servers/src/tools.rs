use crate::{Error, Result};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// The Python environment with moto and cargo-lambda at the versions that `tools/requirements.txt` pins.
///
/// `tools/install` knows where it is and makes it when it is not there (once a machine, about a minute, with a network);
/// `PAWL_TOOLS` names another one.
///
/// # Errors
/// [`Error::Missing`] when it cannot be made, with what the script said.
pub fn tools_directory() -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/install");
    let output = Command::new(script)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("cannot run tools/install, which needs python3"))?;
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && directory.is_dir() {
        return Ok(directory);
    }
    Err(Error::Missing {
        what: "the environment of test tools".to_owned(),
        remedy: format!(
            "`make tools` makes it, PAWL_TOOLS names one; tools/install said: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    })
}

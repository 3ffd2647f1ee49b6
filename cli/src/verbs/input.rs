//! Files and standard input.

use crate::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let file = |source| Error::File { path: path.display().to_string(), source };
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(file)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(file)
}

/// The manifests that these paths name, in order: files as they are, folders with every `.yaml`, `.yml` and `.json`
/// below them by name.
pub(crate) fn manifests(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            folder(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn folder(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::File { path: path.display().to_string(), source };
    let mut entries = std::fs::read_dir(path)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let manifest = entry.extension().is_some_and(|it| it == "yaml" || it == "yml" || it == "json");
        if entry.is_dir() {
            folder(&entry, files)?;
        } else if manifest {
            files.push(entry);
        }
    }
    Ok(())
}

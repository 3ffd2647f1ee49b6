//! The samples in `events/` at the top of the repository.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use std::path::{Path, PathBuf};

/// One sample event.
pub(crate) struct Sample {
    /// The folder: a sender, or what the samples have in common.
    pub(crate) sender: String,
    /// The file's name without its ending.
    pub(crate) case: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) body: Vec<u8>,
}

impl Sample {
    /// `<sender>/<case>`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.sender, self.case)
    }
}

/// The folder of the samples.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// Every sample, in the order of names.
pub(crate) fn samples() -> Vec<Sample> {
    let mut samples: Vec<Sample> = files(&folder(), "json").into_iter().map(read).collect();
    samples.sort_by_key(Sample::name);
    assert!(samples.len() > 100, "only {} samples found", samples.len());
    samples
}

/// The sample of this `<sender>/<case>`.
pub(crate) fn sample(name: &str) -> Sample {
    read(folder().join(format!("{name}.json")))
}

/// The files with this ending in the folders of a folder.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries =
        |folder: &Path| folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = entries(folder).into_iter().filter(|path| path.is_dir());
    let has_ending = |path: &PathBuf| path.extension().is_some_and(|found| found == ending);
    folders.flat_map(|folder| entries(&folder)).filter(has_ending).collect()
}

fn read(path: PathBuf) -> Sample {
    let body = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = |part: &std::ffi::OsStr| part.to_str().unwrap().to_owned();
    Sample {
        sender: text(path.parent().unwrap().file_name().unwrap()),
        case: text(path.file_stem().unwrap()),
        path,
        body,
    }
}

//! Files of JSON lines.

use crate::{Error, Result};
use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Reads a file with one JSON object a line; one whose name ends in `.gz` is unpacked, and empty lines are passed over.
///
/// # Errors
/// [`Error::File`] and [`Error::Line`].
pub fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let text: Box<dyn Read> = match path.extension().is_some_and(|it| it == "gz") {
        true => Box::new(GzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut all = Vec::new();
    for (index, line) in BufReader::new(text).lines().enumerate() {
        let line = line.map_err(failed)?;
        if !line.trim().is_empty() {
            let one = serde_json::from_str(&line);
            all.push(one.map_err(|source| Error::Line { path: path.to_owned(), line: index + 1, source })?);
        }
    }
    Ok(all)
}

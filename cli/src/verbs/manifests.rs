//! Manifests from files, read together.

use super::input;
use crate::error::Error;
use pawl_domain::Manifests;
use pawl_manifests::{ParseOptions, parse};
use std::path::PathBuf;

/// A file's text, and what it is called in problems.
pub(crate) struct Source {
    pub(crate) place: String,
    pub(crate) text: String,
}

/// The texts of these files and of what is in these folders.
pub(crate) fn sources(files: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let of_file = |file: PathBuf| {
        let text = input::text(&file)?;
        Ok(Source { place: file.display().to_string(), text })
    };
    input::manifests(files)?.into_iter().map(of_file).collect()
}

/// What each of these texts holds, in order. Every one is parsed twice: clusters may be declared in another than what
/// goes to them.
pub(crate) fn read(sources: &[Source], mut options: ParseOptions) -> Vec<Manifests> {
    for source in sources {
        options.clusters.extend(parse(&source.text, &source.place, &options).clusters);
    }
    sources.iter().map(|source| parse(&source.text, &source.place, &options)).collect()
}

/// All of it as one.
pub(crate) fn together(found: Vec<Manifests>) -> Manifests {
    let mut all = Manifests::default();
    for each in found {
        all.declarations.extend(each.declarations);
        all.patterns.extend(each.patterns);
        all.stores.extend(each.stores);
        all.clusters.extend(each.clusters);
        all.policies.extend(each.policies);
        all.problems.extend(each.problems);
        all.unserved.extend(each.unserved);
        all.standing.extend(each.standing);
    }
    all
}

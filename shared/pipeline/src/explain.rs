//! What a change would touch, and why not others. Asks the registry only.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Clock, Ports, Registry, Scope};
use pawl_domain::{Affected, Change, Declaration, DeclarationId, NotAffected, affected};
use std::collections::BTreeSet;

const PAGE: usize = 500;

/// What a change would do to one declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The declaration.
    pub id: DeclarationId,
    /// Whether it would be brought up to date, or why not.
    pub affected: Affected,
}

impl<P: Ports> Pipeline<P> {
    /// Every declaration that the change affects, and every other that reads a key of the same name, with the reason
    /// why it stays as it is. Reads the whole registry, a page at a time.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn explain(&self, change: &Change) -> Result<Vec<Explanation>, Error> {
        let names = plain_names(change);
        let now = self.ports.clock().now();
        let mut explanations = Vec::new();
        let mut after = None;
        loop {
            let page = self.ports.registry().page(&Scope::All, after.as_ref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
            let stores = self.stores_of(&page).await?;
            for declaration in page {
                let affected = affected(change, &declaration, |id| stores.get(id)).at(&declaration, now);
                if affected != Affected::No(NotAffected::OtherKey) || looks_alike(&declaration, &names) {
                    explanations.push(Explanation { id: declaration.id, affected });
                }
            }
            if after.is_none() {
                return Ok(explanations);
            }
        }
    }
}

/// The last part of each of the change's names, however it is written.
fn plain_names(change: &Change) -> BTreeSet<String> {
    change
        .index_keys()
        .iter()
        .filter_map(|key| key.as_str().splitn(3, '/').nth(2))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// True when a read names the key as the change does, wherever that key may live.
fn looks_alike(declaration: &Declaration, names: &BTreeSet<String>) -> bool {
    declaration.reads.iter().any(|read| {
        let Some(remote) = read.remote() else { return false };
        let name = remote.key.rsplit(':').next().unwrap_or_default().trim_start_matches('/');
        names.iter().any(|known| known == name || known.ends_with(&format!("/{name}")))
    })
}

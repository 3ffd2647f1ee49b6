//! `find` of a `dataFrom` entry.

use super::strategies::Strategies;
use super::version::Version;
use crate::compile;
use crate::reader::Fields;
use pawl_domain::Find;

/// The criteria of a search, and what becomes of what it finds. Which of them a store can serve, the store tells.
pub(super) fn read(mut fields: Fields<'_>, version: Version) -> (Find, Strategies) {
    let find = Find {
        path: fields.text("path").map(str::to_owned),
        name: fields.object("name").map(name),
        tags: fields.text_map("tags"),
    };
    let strategies = Strategies::read(&mut fields, version);
    fields.close();
    (find, strategies)
}

/// Without a pattern every name matches, as in ESO.
fn name(mut fields: Fields<'_>) -> String {
    let pattern = fields.text("regexp").unwrap_or_default();
    compile::pattern(pattern, &fields.path_of("regexp"), fields.notes());
    fields.close();
    pattern.to_owned()
}

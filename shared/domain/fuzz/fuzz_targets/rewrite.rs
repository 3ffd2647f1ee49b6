//! A pattern, its replacement, a template and a document: keys are rewritten the same each time, or not at all.

#![no_main]

mod given;

use libfuzzer_sys::fuzz_target;
use pawl_domain::declaration::{Into as Becomes, Merge, OnConflict, Rewrite};

fuzz_target!(|input: &str| {
    let [source, target, template, document] = given::parts(input);
    let regexp = Rewrite::Regexp { source: source.into(), target: target.into() };
    let transform = Rewrite::Transform { template: template.into() };
    let merge = Rewrite::Merge(Merge { on_conflict: OnConflict::Ignore, ..Merge::default() });
    for rewrite in [vec![], vec![regexp.clone()], vec![transform], vec![regexp, merge]] {
        let _ = given::rendered(Becomes::Every { conversion: None, rewrite }, "", None, document.as_bytes());
    }
});

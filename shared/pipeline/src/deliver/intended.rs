//! Tells what generators are to make for a plan, and whether what they made before is still good.

use crate::deliver::making::Intended;
use crate::deliver::plan::{Plan, PlannedRead, Question};
use crate::parts::Deliver;
use jiff::Timestamp;
use pawl_ports::{Error, Ports};

/// ESO's way to make an ExternalSecret be read now: any other text of this annotation.
const FORCED_BY: &str = "force-sync";

impl<P: Ports> Deliver<P> {
    /// What is to be made for a plan. `basis` is the keyed digest of all else that the data are made of.
    pub(crate) fn intended(&self, plan: &Plan, basis: String, now: Timestamp) -> Intended {
        let declaration = &plan.declaration;
        let forced = declaration.annotations.get(FORCED_BY).filter(|_| declaration.follows_manifest());
        // What is made once stays through every edit of its generator, as in ESO, and goes with another generator.
        let once = declaration.refresh.reads_once();
        let by_of = |(position, read): (usize, &Result<PlannedRead, Error>)| {
            let Question::Generate(access, by) = &read.as_ref().ok()?.question else { return None };
            let generator = declaration.reads.get(position).map(|read| read.store.to_string());
            let by = generator.filter(|_| once).unwrap_or_else(|| by.clone());
            let parts = self.base.digest_key.parts().with(by);
            let cluster = access.cluster.as_ref().map_or("", |cluster| cluster.as_str());
            let namespace = access.namespace.as_ref().map_or("", |namespace| namespace.as_str());
            let parts = parts.with(cluster).with(namespace).with(forced.map_or("", String::as_str));
            Some((position, parts.digest()))
        };
        let by: Vec<(usize, String)> = plan.reads.iter().enumerate().filter_map(by_of).collect();
        let made = plan.record().map(|record| record.generated.made.as_slice()).unwrap_or_default();
        let is_good = plan.making.made.is_empty()
            && made.len() == by.len()
            && made.iter().zip(&by).all(|(made, (_, by))| made.is_good(by, &declaration.refresh, now));
        Intended { by, is_good, basis }
    }

    /// What tells one making from another in the digest of a target's inputs: when each was made, or is going to be.
    pub(crate) fn marks(&self, plan: &Plan, intended: &Intended) -> Vec<String> {
        let recorded = plan.record().map(|record| record.generated.made.as_slice()).unwrap_or_default();
        let mark = |(nth, (position, by)): (usize, &(usize, String))| {
            let made = match plan.making.made.get(position) {
                Some((made, _)) => Some(made.at),
                None => recorded.get(nth).filter(|_| intended.is_good).map(|made| made.at),
            };
            format!("{by} {}", made.unwrap_or(plan.started))
        };
        intended.by.iter().enumerate().map(mark).collect()
    }
}

//! How things went: each target beside the sequences of states of what it reads.
//!
//! A target may skip states and show one for long. It may never show a state after a later one. A rollback is a state of its own
//! in the sequence, so that following it is no way back. The same holds for manifests. A Secret that is gone because its
//! declaration was removed ends the walk of its values.

use super::{Evidence, Finding, Kind};
use crate::journal::{Declared, Stood};
use crate::watch::Sight;
use crate::world::{Key, Target, tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut walks: BTreeMap<&Target, Walk<'_>> = BTreeMap::new();
    let mut findings = Vec::new();
    for sight in &evidence.seen {
        let walk = walks.entry(&sight.target).or_default();
        findings.extend(walk.step(evidence, sight));
    }
    findings
}

/// How far along the sequences a target is.
#[derive(Default)]
struct Walk<'a> {
    /// By field and key: the earliest state of the key that fits all that was seen.
    values: BTreeMap<(&'a str, Key), usize>,
    /// By field: the earliest manifest that fits.
    manifests: BTreeMap<&'a str, usize>,
    /// The numbers shown last, for the report.
    shown: BTreeMap<Key, u32>,
}

impl<'a> Walk<'a> {
    fn step(&mut self, evidence: &Evidence, sight: &'a Sight) -> Vec<Finding> {
        let mut findings = Vec::new();
        if sight.data.is_none() && self.is_removed(evidence, sight) {
            self.values.clear();
            self.shown.clear();
        }
        for (field, text) in sight.data.iter().flatten() {
            let tokens: BTreeSet<(Key, u32)> = tokens(text).into_iter().collect();
            for (key, n) in &tokens {
                findings.extend(self.value(evidence, sight, field, *key, *n));
            }
            let keys: BTreeSet<Key> = tokens.into_iter().map(|(key, _)| key).collect();
            findings.extend(self.manifest(evidence, sight, field, &keys));
        }
        findings
    }

    /// Whether what the target showed is of a manifest that was removed since. Its owner is gone then, and until Pawl has seen
    /// that, each delivery makes a Secret that the cluster's garbage collector takes at once. Nothing in such a Secret can tell a
    /// delivery what stood in the one before.
    fn is_removed(&self, evidence: &Evidence, sight: &Sight) -> bool {
        let declared = sight.target.place().and_then(|place| evidence.declared.get(&place));
        let shown = self.manifests.values().min().copied().unwrap_or_default();
        let since = declared.into_iter().flatten().skip(shown);
        since.into_iter().any(|each| each.spec.is_none() && each.from <= sight.at)
    }

    fn value(
        &mut self,
        evidence: &Evidence,
        sight: &Sight,
        field: &'a str,
        key: Key,
        n: u32,
    ) -> Option<Finding> {
        let stood = evidence.stood.get(&key).map(Vec::as_slice).unwrap_or_default();
        let at = self.values.get(&(field, key)).copied().unwrap_or_default();
        let before = self.shown.insert(key, n);
        let is = |state: &Stood| state.n == n;
        let found = stood.iter().skip(at).position(is).map(|skipped| at + skipped);
        match found {
            Some(state) if stood[state].from <= sight.at => {
                self.values.insert((field, key), state);
                None
            }
            // Going on from where it went back to, each way back is told once.
            _ => {
                let earlier = stood.iter().position(is).filter(|state| stood[*state].from <= sight.at);
                if let Some(earlier) = earlier {
                    self.values.insert((field, key), earlier);
                }
                let kind = if earlier.is_some() { Kind::WentBack } else { Kind::Impossible };
                let what = format!(
                    "at {:.3} s {field} showed {key}={n} after {}",
                    sight.at.as_secs_f64(),
                    before.map_or("nothing".to_owned(), |before| format!("{key}={before}"))
                );
                Some(Finding::about(kind, &sight.target, what))
            }
        }
    }

    /// A field with these keys must be of a manifest that is no older than the one of what was seen before.
    fn manifest(
        &mut self,
        evidence: &Evidence,
        sight: &Sight,
        field: &'a str,
        keys: &BTreeSet<Key>,
    ) -> Option<Finding> {
        if keys.is_empty() {
            return None;
        }
        let declared = evidence.declared.get(&sight.target.place()?)?;
        let fits = |each: &Declared| makes(each, sight, field, keys);
        let at = self.manifests.get(field).copied().unwrap_or_default();
        let found = declared.iter().skip(at).position(fits).map(|skipped| at + skipped);
        if let Some(found) = found {
            self.manifests.insert(field, found);
            return None;
        }
        let earlier = declared.iter().position(fits);
        if let Some(earlier) = earlier {
            self.manifests.insert(field, earlier);
        }
        let kind = if earlier.is_some() { Kind::WentBack } else { Kind::Impossible };
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let what = format!(
            "at {:.3} s {field} showed {}, which no manifest since then makes",
            sight.at.as_secs_f64(),
            keys.join(" ")
        );
        Some(Finding::about(kind, &sight.target, what))
    }
}

/// Whether a manifest makes a field of the target from exactly these keys, and was there at the time.
fn makes(declared: &Declared, sight: &Sight, field: &str, keys: &BTreeSet<Key>) -> bool {
    use crate::world::Form;
    let (Some(spec), true) = (&declared.spec, declared.from <= sight.at.max(Duration::ZERO)) else {
        return false;
    };
    let place = sight.target.place();
    let is_target = place.is_some_and(|place| spec.target(place) == sight.target);
    let numbered = || field.strip_prefix('f').and_then(|index| spec.reads.get(index.parse::<usize>().ok()?));
    let made: BTreeSet<Key> = match spec.form {
        Form::Whole | Form::Property => numbered().into_iter().copied().collect(),
        Form::Extract if field == "a" || field == "b" => spec.reads.iter().copied().collect(),
        Form::Template if field == "all" => spec.reads.iter().copied().collect(),
        Form::Extract | Form::Template => BTreeSet::new(),
    };
    is_target && made == *keys
}

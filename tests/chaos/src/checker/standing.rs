//! How things stand: targets beside stores, what is left over, what waits.

use super::{Evidence, Finding, Kind, TOMBSTONE};
use crate::cluster::Data;
use crate::world::{Form, Key, Place, Spec, tokens};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = proof(evidence);
    let live = live(evidence);
    let mut wrong = BTreeSet::new();
    for (place, spec) in &live {
        let target = spec.target(*place);
        let Some(expected) = expected(spec, &evidence.stored) else {
            findings.push(Finding::general(Kind::Proof, format!("{place} reads what is not in its store")));
            continue;
        };
        let difference = match evidence.secrets.get(&target) {
            None => Some("there is no Secret".to_owned()),
            Some(data) => difference(&expected, data),
        };
        if let Some(difference) = difference {
            wrong.insert(*place);
            findings.push(Finding::about(Kind::Wrong, &target, format!("{difference} ({})", summary(spec))));
        }
    }
    findings.extend(left_over(evidence, &live));
    findings.extend(jobs(evidence, &wrong));
    findings
}

/// The last manifest of each place that has one.
fn live(evidence: &Evidence) -> BTreeMap<Place, &Spec> {
    let mut live = BTreeMap::new();
    for (place, all) in &evidence.declared {
        if let Some(spec) = all.last().and_then(|last| last.spec.as_ref()) {
            live.insert(*place, spec);
        }
    }
    live
}

/// The driver's log and the stores must agree, or nothing that follows proves anything.
fn proof(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, stood) in &evidence.stood {
        let stored = evidence.stored.get(key).and_then(Option::as_deref);
        let found = stored.and_then(|text| tokens(text).first().copied());
        let logged = stood.last().map(|last| (*key, last.n));
        if found != logged {
            let what = format!("the log says that {key} stands at {logged:?}, the store says {found:?}");
            findings.push(Finding::general(Kind::Proof, what));
        }
    }
    findings
}

/// The Secret that a manifest makes of what is stored: a rendering of its own for the few plain forms that a run uses.
pub(super) fn expected(spec: &Spec, stored: &BTreeMap<Key, Option<String>>) -> Option<Data> {
    let text = |key: &Key| stored.get(key)?.clone();
    let property = |key: &Key, name: &str| {
        let all: Value = serde_json::from_str(&text(key)?).ok()?;
        all[name].as_str().map(str::to_owned)
    };
    let numbered = |values: Option<Vec<String>>| {
        let fields = values?.into_iter().enumerate();
        Some(fields.map(|(index, value)| (format!("f{index}"), value)).collect())
    };
    match spec.form {
        Form::Whole => numbered(spec.reads.iter().map(text).collect()),
        Form::Property => numbered(spec.reads.iter().map(|key| property(key, "a")).collect()),
        Form::Extract => {
            let key = spec.reads.first()?;
            ["a", "b"].into_iter().map(|name| Some((name.to_owned(), property(key, name)?))).collect()
        }
        Form::Template => {
            let values: Option<Vec<String>> = spec.reads.iter().map(|key| property(key, "a")).collect();
            let fields: String = values?.iter().map(|value| format!(" {value}")).collect();
            Some(Data::from([("all".to_owned(), format!("g{}{fields}", spec.generation))]))
        }
    }
}

/// What differs, in words that hold no value.
fn difference(expected: &Data, found: &Data) -> Option<String> {
    if expected == found {
        return None;
    }
    let shown = |text: Option<&String>| match text {
        None => "nothing".to_owned(),
        Some(text) => match tokens(text).as_slice() {
            [] => "something else".to_owned(),
            tokens => tokens.iter().map(|(key, n)| format!("{key}={n}")).collect::<Vec<_>>().join(" "),
        },
    };
    let fields: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let different = fields.into_iter().filter(|field| expected.get(*field) != found.get(*field));
    let each = |field: &String| {
        let (wanted, has) = (shown(expected.get(field)), shown(found.get(field)));
        format!("{field} must be {wanted} and is {has}")
    };
    Some(different.map(each).collect::<Vec<_>>().join("; "))
}

fn summary(spec: &Spec) -> String {
    let reads: Vec<String> = spec.reads.iter().map(ToString::to_string).collect();
    format!("generation {}, {:?} of {}", spec.generation, spec.form, reads.join(" "))
}

fn left_over(evidence: &Evidence, live: &BTreeMap<Place, &Spec>) -> Vec<Finding> {
    let targets: BTreeSet<_> = live.iter().map(|(place, spec)| spec.target(*place)).collect();
    let stray = evidence.secrets.keys().filter(|target| !targets.contains(target));
    let mut findings: Vec<Finding> = stray
        .map(|target| Finding::about(Kind::LeftOver, target, "no declaration makes this Secret".to_owned()))
        .collect();
    for (place, all) in evidence.declared.iter().filter(|(place, _)| !live.contains_key(place)) {
        let since = all.last().map_or(Duration::ZERO, |last| evidence.at.saturating_sub(last.from));
        let name = place.to_string();
        if evidence.kept.contains(&name) || since > TOMBSTONE && evidence.records.contains(&name) {
            findings.push(Finding::general(Kind::LeftOver, format!("{place} is deleted and still recorded")));
        }
    }
    let known = |place: &Place| evidence.kept.contains(&place.to_string());
    if !live.is_empty() && !live.keys().any(known) {
        findings
            .push(Finding::general(Kind::Proof, "no declaration was found in what Pawl keeps".to_owned()));
    }
    findings
}

/// Nothing may wait, but for its pause to end. What waits so or was given up is explained when all that it names is as it
/// must be: sweeps made up for it.
fn jobs(evidence: &Evidence, wrong: &BTreeSet<Place>) -> Vec<Finding> {
    let left = evidence.left_jobs.iter().map(|(queue, message)| {
        Finding::general(Kind::Job, format!("a message is left in the queue {queue}: {message}"))
    });
    let unexplained = |message: &String| wrong.iter().any(|place| message.contains(&place.to_string()));
    let shelved = evidence.dead_jobs.iter().chain(&evidence.waiting_jobs);
    let shelved = shelved.filter(|(_, message)| unexplained(message));
    let shelved = shelved.map(|(queue, message)| {
        Finding::general(Kind::Job, format!("{queue} has a message of what is wrong now: {message}"))
    });
    left.chain(shelved).collect()
}

//! What came out of a step against what the operator left behind.

use crate::state::State;
use crate::{Event, Expect, Sequence};
use pawl_recorded::{Choices, same_words};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The finalizers that ESO puts on ExternalSecrets and ClusterExternalSecrets.
const FINALIZERS: [&str; 2] = [
    "externalsecrets.external-secrets.io/externalsecret-cleanup",
    "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup",
];

/// What a difference is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Area {
    /// Secrets, and whether they were written.
    Secrets,
    /// The status of ExternalSecrets, PushSecrets and stores, what Secrets Manager holds, and what was refused.
    Status,
    /// Events: which reason was told of which object.
    Events,
    /// The words of Events that are told in both.
    Words,
}

/// One difference.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Difference {
    /// The step, from 0.
    pub step: usize,
    /// What it is about.
    pub area: Area,
    /// The part, as choices name it: `status/ExternalSecret.refreshed`.
    pub part: String,
    /// What is the matter.
    pub what: String,
}

/// Every difference of a step.
pub(crate) fn judge(
    step: usize,
    expect: &Expect,
    state: &State,
    refused: &BTreeMap<usize, String>,
    is_restless: impl Fn(&str) -> bool,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut tell = |area, part: String, what: String| found.push(Difference { step, area, part, what });
    secrets(expect, state, is_restless, &mut tell);
    status(expect, state, &mut tell);
    let stored = expect.store.as_ref();
    for (name, expected) in stored.into_iter().flatten() {
        let standing = state.store.get(name).unwrap_or(&Value::Null);
        for (path, what) in pawl_recorded::differences(expected, standing) {
            tell(Area::Status, format!("store/{path}"), format!("{name}: {path} {what}"));
        }
    }
    for name in state.store.keys().filter(|name| stored.is_some_and(|all| !all.contains_key(*name))) {
        tell(Area::Status, "store/extra".to_owned(), format!("{name} is too much"));
    }
    for number in expect.refused.keys().filter(|number| !refused.contains_key(number)) {
        tell(Area::Status, "status/refused".to_owned(), format!("action {number} was taken"));
    }
    for (number, message) in refused.iter().filter(|(number, _)| !expect.refused.contains_key(number)) {
        tell(Area::Status, "status/refused".to_owned(), format!("action {number} was refused: {message}"));
    }
    events(expect, state, &mut tell);
    found.sort();
    found
}

/// Whether all of these are wanted.
pub(crate) fn all_chosen(found: &[Difference], sequence: &Sequence, choices: &Choices) -> bool {
    let counts = |each: &&Difference| each.area != Area::Words;
    found.iter().filter(counts).all(|each| choices.of(&sequence.name, &sequence.group, &each.part).is_some())
}

fn secrets(
    expect: &Expect,
    state: &State,
    is_restless: impl Fn(&str) -> bool,
    tell: &mut impl FnMut(Area, String, String),
) {
    for name in names(&expect.secrets, &state.secrets) {
        match (expect.secrets.get(name), state.secrets.get(name)) {
            (Some(_), None) => {
                tell(Area::Secrets, "secrets/missing".to_owned(), format!("{name} is missing"))
            }
            (None, Some(_)) => tell(Area::Secrets, "secrets/extra".to_owned(), format!("{name} is too much")),
            (Some(expected), Some(standing)) => {
                let (expected, standing) = (with_rest(expected), with_rest(standing));
                for (path, what) in pawl_recorded::differences(&expected, &standing) {
                    tell(Area::Secrets, format!("secrets/{path}"), format!("{name}: {path} {what}"));
                }
            }
            (None, None) => {}
        }
        let expected = expect.secrets.get(name).map_or(&Value::Null, |secret| &secret["restless"]);
        if state.secrets.contains_key(name) && is_restless(name) && *expected != true && !expected.is_string()
        {
            let what = format!("{name} is written again and again");
            tell(Area::Secrets, "secrets/restless".to_owned(), what);
        }
    }
}

/// Restlessness is compared apart.
fn with_rest(secret: &Value) -> Value {
    let mut secret = secret.clone();
    if let Some(fields) = secret.as_object_mut() {
        fields.remove("restless");
    }
    secret
}

fn status(expect: &Expect, state: &State, tell: &mut impl FnMut(Area, String, String)) {
    for name in names(&expect.status, &state.status) {
        let kind = name.split(' ').next().unwrap_or_default();
        let mut expected = expect.status.get(name).cloned().unwrap_or_default();
        let Some(standing) = state.status.get(name) else {
            tell(Area::Status, format!("status/{kind}.missing"), format!("{name} is missing"));
            continue;
        };
        if expected.is_null() {
            tell(Area::Status, format!("status/{kind}.extra"), format!("{name} is too much"));
            continue;
        }
        if expected["refreshed"].is_string() {
            // The recording's runs differed in it.
            expected["refreshed"] = standing["refreshed"].clone();
        }
        for finalizer in FINALIZERS {
            let owns = |status: &Value| {
                status["finalizers"].as_array().is_some_and(|all| all.iter().any(|it| it == finalizer))
            };
            if owns(&expected) && !owns(standing) {
                let finalizers = expected["finalizers"].as_array_mut();
                finalizers.into_iter().for_each(|all| all.retain(|it| it != finalizer));
                let what = format!("{name}: no {finalizer}");
                tell(Area::Status, format!("status/{kind}.own-finalizer"), what);
            }
        }
        if expected["refreshed"] == true && standing["refreshed"] == false {
            expected["refreshed"] = false.into();
            tell(Area::Status, format!("status/{kind}.not-refreshed"), format!("{name}: refreshTime stayed"));
        }
        for (path, what) in pawl_recorded::differences(&expected, standing) {
            tell(Area::Status, format!("status/{kind}.{path}"), format!("{name}: {path} {what}"));
        }
    }
}

fn events(expect: &Expect, state: &State, tell: &mut impl FnMut(Area, String, String)) {
    let perhaps = told(&expect.events_in_one_run_only);
    let expected = told(&expect.events);
    let standing = told(&state.events);
    let label = |key: &Key<'_>, messages: &[&str]| {
        let (kind, name, severity, reason) = key;
        format!("{severity} {reason} of {kind} {name}: {}", messages.join(" | "))
    };
    for (key, messages) in &expected {
        if !standing.contains_key(key) {
            let what = format!("no {}", label(key, messages));
            tell(Area::Events, format!("events/{}.{}", key.0, key.3), what);
        }
    }
    let lingering = told(&state.lingering);
    for (key, messages) in &standing {
        let Some(recorded) = expected.get(key).or_else(|| perhaps.get(key)) else {
            if lingering.get(key) == Some(messages) {
                continue;
            }
            tell(Area::Events, format!("events/{}.{}", key.0, key.3), label(key, messages));
            continue;
        };
        let over = |message: &&&str| lingering.get(key).is_some_and(|messages| messages.contains(*message));
        for message in messages.iter().filter(|message| !over(message)) {
            if !recorded.iter().any(|words| same_words(Some(words), Some(message))) {
                let what = format!("{message:?}, not {:?}", json!(recorded));
                tell(Area::Words, format!("words/{}.{}", key.0, key.3), what);
            }
        }
    }
}

/// Kind, name, severity and reason.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The words by what they are about.
fn told<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<Key<'a>, Vec<&'a str>> {
    let mut told: BTreeMap<Key<'a>, Vec<&'a str>> = BTreeMap::new();
    for Event { kind, name, severity, reason, message } in events {
        told.entry((kind, name, severity, reason)).or_default().push(message);
    }
    told
}

fn names<'a>(
    expected: &'a BTreeMap<String, Value>,
    standing: &'a BTreeMap<String, Value>,
) -> BTreeSet<&'a str> {
    expected.keys().chain(standing.keys()).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(value: Value) -> Expect {
        serde_json::from_value(value).unwrap()
    }

    fn parts(found: &[Difference]) -> Vec<&str> {
        found.iter().map(|each| each.part.as_str()).collect()
    }

    #[test]
    fn each_part_of_a_state_is_compared() {
        let event = json!({
            "kind": "ExternalSecret", "name": "app", "type": "Normal", "reason": "Created", "message": "secret created",
        });
        let expected = expect(json!({
            "secrets": { "app": { "data": { "a": "MQ==" }, "history": "untouched" }, "gone": {} },
            "status": {
                "ExternalSecret app": { "refreshed": false, "binding": "app" },
                "ExternalSecret other": { "refreshed": true, "finalizers": ["mine", FINALIZERS[0]] },
            },
            "events": [event],
            "refused": { "1": "no" },
        }));
        let mut state = State::default();
        state.secrets.insert("app".to_owned(), json!({ "data": { "a": "Mg==" }, "history": "written" }));
        state.secrets.insert("more".to_owned(), json!({}));
        state.status.insert("ExternalSecret app".to_owned(), json!({ "refreshed": true, "binding": "app" }));
        let other = json!({ "refreshed": false, "finalizers": [] });
        state.status.insert("ExternalSecret other".to_owned(), other);
        state.status.insert("SecretStore s".to_owned(), json!({}));
        let told = Event { reason: "Updated".to_owned(), ..expected.events[0].clone() };
        state.events.insert(told);
        let refused = [(0, "why".to_owned())].into();
        let found = judge(3, &expected, &state, &refused, |name| name == "app");
        assert_eq!(
            parts(&found),
            [
                "secrets/data.a",
                "secrets/extra",
                "secrets/history",
                "secrets/missing",
                "secrets/restless",
                "status/ExternalSecret.finalizers",
                "status/ExternalSecret.not-refreshed",
                "status/ExternalSecret.own-finalizer",
                "status/ExternalSecret.refreshed",
                "status/SecretStore.extra",
                "status/refused",
                "status/refused",
                "events/ExternalSecret.Created",
                "events/ExternalSecret.Updated",
            ]
        );
    }

    #[test]
    fn an_attempt_that_was_under_way_may_still_be_told() {
        let event = |reason: &str| Event {
            kind: "ExternalSecret".to_owned(),
            name: "app".to_owned(),
            severity: "Warning".to_owned(),
            reason: reason.to_owned(),
            message: "no".to_owned(),
        };
        let mut state = State::default();
        state.events.extend([event("Lingering"), event("Other")]);
        state.lingering.insert(event("Lingering"));
        let found = judge(0, &Expect::default(), &state, &BTreeMap::new(), |_| false);
        assert_eq!(parts(&found), ["events/ExternalSecret.Other"]);
    }

    #[test]
    fn what_the_recordings_disagree_on_may_be_either() {
        let event = json!({
            "kind": "ExternalSecret", "name": "app", "type": "Warning", "reason": "UpdateFailed", "message": "no `a` there",
        });
        let expected = expect(json!({
            "secrets": { "app": { "restless": "at times" } },
            "status": { "ExternalSecret app": { "refreshed": "at times" } },
            "eventsInOneRunOnly": [event],
        }));
        let mut state = State::default();
        state.secrets.insert("app".to_owned(), json!({}));
        state.status.insert("ExternalSecret app".to_owned(), json!({ "refreshed": true }));
        let told =
            Event { message: "No \"a\" there".to_owned(), ..expected.events_in_one_run_only[0].clone() };
        state.events.insert(told);
        assert_eq!(judge(0, &expected, &state, &BTreeMap::new(), |_| true), []);
    }
}

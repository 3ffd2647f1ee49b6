//! Runs every case of `tests/reconcile/*.yaml` through [`decide`] and compares the whole of what it decided.

use crate::given;
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy, Template};
use pawl_domain::reconcile::{Action, Desired, Existing, OwnFields, Owner, Parts, Refused, decide};
use pawl_domain::{Complaint, Outcome, Rendered, SecretValue};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Texts = BTreeMap<String, String>;

/// One case. It is tried with every creationPolicy and every deletionPolicy that it names.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Case {
    name: String,
    creation: Vec<CreationPolicy>,
    #[serde(default = "retain")]
    deletion: Vec<DeletionPolicy>,
    /// `target.immutable`.
    #[serde(default)]
    immutable: bool,
    /// The ExternalSecret's own labels and annotations.
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    /// True when the ExternalSecret does not live in the target cluster.
    #[serde(default)]
    outside: bool,
    template: Option<Given>,
    rendered: Texts,
    /// Whether the reads gave nothing; where absent, whether nothing was rendered.
    assembled_is_empty: Option<bool>,
    existing: Option<Standing>,
    expect: Expect,
    /// How an update ends where it is not as `written`.
    outcome: Option<Outcome>,
    /// The variant of [`Refused`] with which an update ends.
    refused: Option<String>,
}

/// The template, with labels and annotations as they were rendered.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    kind: Option<String>,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    #[serde(default)]
    finalizers: Vec<String>,
}

/// The Secret that stands there, with the uid `u-1` in the version `7`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    /// `Opaque` where absent.
    kind: Option<String>,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    /// `<apiVersion> <kind> <name> <uid>`, then `controller` and `blocking` where they hold.
    #[serde(default)]
    owners: Vec<String>,
    #[serde(default)]
    finalizers: Vec<String>,
    #[serde(default)]
    data: Texts,
    #[serde(default)]
    immutable: bool,
    #[serde(default)]
    deleting: bool,
    /// The keys of it that this declaration's field manager wrote.
    #[serde(default)]
    own: Own,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Own {
    data: BTreeSet<String>,
    labels: BTreeSet<String>,
    annotations: BTreeSet<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    Create(Wanted),
    Update(Wanted),
    /// The uid and the version that the deletion is conditional on.
    Delete(String, String),
    /// Left, but for the managed label where that is missing.
    Leave(Outcome),
    /// The same, with the variant of [`Refused`].
    Refuse(String),
}

/// The Secret as it shall be; of an update also the parts that are touched.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    parts: BTreeSet<String>,
    kind: Option<String>,
    labels: Texts,
    annotations: Texts,
    finalizers: Vec<String>,
    owners: Vec<String>,
    data: Texts,
    immutable: bool,
}

#[test]
fn targets_are_decided_as_the_tables_say() {
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reconcile").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(!cases.is_empty(), "{file} has no cases");
        files += 1;
        for case in cases {
            for creation in &case.creation {
                for deletion in &case.deletion {
                    let got = decided(&case, *creation, *deletion);
                    let want = expected(&case.expect);
                    if got != want {
                        let at = format!("{file}: {} ({creation:?}, {deletion:?})", case.name);
                        wrong.push(format!("{at}\nexpected {want:#?}\nbut is {got:#?}"));
                    }
                }
            }
        }
    }
    assert!(files >= 5, "the tables were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn refusals_begin_with_the_words_of_eso_and_say_what_to_do() {
    let target = || "db".parse().unwrap();
    let (kind, name) = ("Job".to_owned(), "a".to_owned());
    for (refused, complaint, says, then) in [
        (
            Refused::OwnedByAnother { target: target(), owner: "other".into() },
            Complaint::OwnedByAnother,
            "unable to mutate secret db: secret is owned by another ExternalSecret: other",
            "target.name",
        ),
        (
            Refused::Controlled { namespace: "g".parse().unwrap(), target: target(), kind, name },
            Complaint::Ownership,
            "unable to mutate secret db: could not set controller reference on secret: Object g/db is already owned \
             by another Job controller a",
            "creationPolicy",
        ),
        (
            Refused::Immutable { target: target() },
            Complaint::Immutable,
            "unable to update secret db: secret is immutable",
            "delete the Secret",
        ),
        (
            Refused::DeleteNeedsOwner { target: target(), creation: CreationPolicy::Orphan },
            Complaint::Delete,
            "unable to delete secret db: creationPolicy=Orphan is not Owner",
            "creationPolicy Owner",
        ),
    ] {
        let text = refused.to_string();
        assert!(text.starts_with(says) && text.contains(then), "{text}");
        assert_eq!(refused.complaint(), complaint);
    }
}

fn retain() -> Vec<DeletionPolicy> {
    vec![DeletionPolicy::Retain]
}

fn decided(case: &Case, creation: CreationPolicy, deletion: DeletionPolicy) -> Expect {
    let mut declaration = given::declaration();
    declaration.uid = (!case.outside).then(|| "uid-es".to_owned());
    declaration.labels = full(&case.labels);
    declaration.annotations = full(&case.annotations);
    declaration.target.creation = creation;
    declaration.target.deletion = deletion;
    declaration.target.immutable = case.immutable;
    declaration.target.template = case.template.as_ref().map(template);
    let made = case.template.as_ref();
    let rendered = Rendered {
        assembled_is_empty: case.assembled_is_empty.unwrap_or(case.rendered.is_empty()),
        templated: made.is_some(),
        labels: made.map(|made| full(&made.labels)).unwrap_or_default(),
        annotations: made.map(|made| full(&made.annotations)).unwrap_or_default(),
        ..Rendered::plain(values(&case.rendered))
    };
    let before = case.existing.as_ref().map(existing);
    let decision = decide(&declaration, &rendered, before.as_ref());
    let variant = |refused: &Refused| format!("{refused:?}").split(' ').next().unwrap().to_owned();
    if let Action::Update { resource_version, .. } = &decision.action {
        assert_eq!(resource_version, "7", "{}: an update holds to the version that was read", case.name);
    }
    let left = match (&before, &decision.action) {
        (_, Action::Leave) => before.is_none_or(|before| before.is_managed()),
        (Some(before), Action::Update { desired, parts, .. }) => {
            let mut marked = before.labels.clone();
            marked.insert(full_key("managed"), "true".to_owned());
            *parts == Parts { labels: true, ..Parts::default() } && desired.labels == marked
        }
        _ => false,
    };
    match (decision.action, &decision.outcome) {
        (_, Ok(outcome)) if left && case.outcome.is_none() && *outcome != Outcome::Written => {
            Expect::Leave(*outcome)
        }
        (_, Err(refused)) if left && case.refused.is_none() => Expect::Refuse(variant(refused)),
        (Action::Create(desired), Ok(Outcome::Written)) => Expect::Create(wanted(desired, None)),
        (Action::Update { desired, parts, .. }, outcome) => {
            match outcome {
                Ok(outcome) => {
                    assert_eq!(*outcome, case.outcome.unwrap_or(Outcome::Written), "{}", case.name)
                }
                Err(refused) => assert_eq!(Some(variant(refused)), case.refused, "{}", case.name),
            }
            Expect::Update(wanted(desired, Some(parts)))
        }
        (Action::Delete { uid, resource_version }, Ok(Outcome::Deleted)) => {
            Expect::Delete(uid, resource_version)
        }
        other => panic!("{}: {other:?}", case.name),
    }
}

fn template(given: &Given) -> Template {
    Template {
        kind: given.kind.clone(),
        labels: full(&given.labels),
        annotations: full(&given.annotations),
        finalizers: given.finalizers.clone(),
        ..Template::default()
    }
}

fn existing(standing: &Standing) -> Existing {
    let short = |keys: &BTreeSet<String>| keys.iter().map(|key| full_key(key)).collect();
    Existing {
        uid: "u-1".into(),
        resource_version: "7".into(),
        kind: standing.kind.clone().unwrap_or_else(|| "Opaque".into()),
        labels: full(&standing.labels),
        annotations: full(&standing.annotations),
        owners: standing.owners.iter().map(|text| owner(text)).collect(),
        finalizers: standing.finalizers.clone(),
        data: values(&standing.data),
        content: None,
        immutable: standing.immutable,
        deleting: standing.deleting,
        own: OwnFields {
            data: standing.own.data.clone(),
            labels: short(&standing.own.labels),
            annotations: short(&standing.own.annotations),
        },
    }
}

fn expected(expect: &Expect) -> Expect {
    let with_full_keys = |wanted: &Wanted| Wanted {
        parts: wanted.parts.clone(),
        kind: wanted.kind.clone(),
        finalizers: wanted.finalizers.clone(),
        labels: full(&wanted.labels),
        annotations: full(&wanted.annotations),
        owners: wanted.owners.clone(),
        data: wanted.data.clone(),
        immutable: wanted.immutable,
    };
    match expect {
        Expect::Create(wanted) => Expect::Create(with_full_keys(wanted)),
        Expect::Update(wanted) => Expect::Update(with_full_keys(wanted)),
        Expect::Delete(uid, version) => Expect::Delete(uid.clone(), version.clone()),
        Expect::Leave(outcome) => Expect::Leave(*outcome),
        Expect::Refuse(why) => Expect::Refuse(why.clone()),
    }
}

fn wanted(desired: Desired, parts: Option<Parts>) -> Wanted {
    Wanted {
        parts: parts.map(named).unwrap_or_default(),
        kind: desired.kind,
        finalizers: desired.finalizers,
        labels: desired.labels,
        annotations: desired.annotations,
        owners: desired.owners.iter().map(owner_text).collect(),
        data: desired.data.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        immutable: desired.immutable,
    }
}

fn named(parts: Parts) -> BTreeSet<String> {
    let Parts { kind, labels, annotations, finalizers, owners, data, content, immutable } = parts;
    let all = [
        ("kind", kind),
        ("finalizers", finalizers),
        ("labels", labels),
        ("annotations", annotations),
        ("owners", owners),
        ("data", data),
        ("content", content),
        ("immutable", immutable),
    ];
    all.into_iter().filter(|(_, touched)| *touched).map(|(name, _)| name.to_owned()).collect()
}

fn owner(text: &str) -> Owner {
    let words: Vec<&str> = text.split(' ').collect();
    let [api_version, kind, name, uid, flags @ ..] = &words[..] else { panic!("{text:?} is no owner") };
    Owner {
        api_version: (*api_version).into(),
        kind: (*kind).into(),
        name: (*name).into(),
        uid: (*uid).into(),
        controller: flags.contains(&"controller"),
        block_owner_deletion: flags.contains(&"blocking"),
    }
}

fn owner_text(owner: &Owner) -> String {
    let mut text = format!("{} {} {} {}", owner.api_version, owner.kind, owner.name, owner.uid);
    for (flag, set) in [(" controller", owner.controller), (" blocking", owner.block_owner_deletion)] {
        text.push_str(if set { flag } else { "" });
    }
    text
}

/// `managed`, `created-by` and `data-hash` stand for ESO's keys of these names.
fn full_key(key: &str) -> String {
    match key {
        "managed" | "created-by" | "data-hash" => format!("reconcile.external-secrets.io/{key}"),
        other => other.to_owned(),
    }
}

fn full(texts: &Texts) -> Texts {
    texts.iter().map(|(key, value)| (full_key(key), value.clone())).collect()
}

fn values(texts: &Texts) -> BTreeMap<String, SecretValue> {
    texts.iter().map(|(key, value)| (key.clone(), SecretValue::new(value.as_str()))).collect()
}

fn text(value: &SecretValue) -> String {
    value.expose_str().expect("the tables hold text").to_owned()
}

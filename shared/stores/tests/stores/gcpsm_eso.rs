//! Google Secret Manager beside ESO's own provider: what ESO 2.9 gave for the answers of the double, by Google's own client
//! (gRPC, with the double's answers and statuses in that form), and which stores its schema and its webhook admit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::declaration::Query;
use pawl_domain::{Fetched, Find, Found, Functions, Home, Keep, Kind, Provider, Recipe, Remote, Store};
use pawl_domain::{TemplateSources, Values};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{Part, Sources, Wanted};
use pawl_servers::gcpsm::Google;
use pawl_stores::GcpSmSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, declaration, namespace};
use pawl_world::{FakeClock, FakeClusters, NoAws};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const CASES: &str = include_str!("data/gcpsm.jsonl");

/// What the double holds in every case.
#[derive(Deserialize)]
struct Contents {
    world: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    id: String,
    #[serde(default)]
    location: Option<String>,
    versions: Vec<Version>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    aliases: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    value: String,
    base64: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: What,
    /// The fields of the store that matter.
    #[serde(default)]
    store: BTreeMap<String, String>,
    #[serde(default, rename = "ref")]
    read: BTreeMap<String, String>,
    #[serde(default)]
    find: Criteria,
    /// Answers in place of the double's own.
    #[serde(default)]
    script: Vec<Script>,
    #[serde(default)]
    hide: Vec<String>,
    viewer: Option<bool>,
    /// The kind of store, and its `gcpsm`.
    of: Option<String>,
    #[serde(default)]
    spec: Value,
    /// What ESO gave: a value, bytes, entries, or an error.
    value: Option<String>,
    base64: Option<String>,
    map: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum What {
    Value,
    Map,
    Find,
    Store,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Criteria {
    name: Option<Regexp>,
    path: Option<String>,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Regexp {
    regexp: String,
}

#[derive(Deserialize)]
struct Script {
    ending: String,
    status: u16,
    body: String,
    times: usize,
}

/// Where Pawl does otherwise on purpose: why, and what it gives in which cases.
struct Choice {
    why: &'static str,
    cases: &'static [(&'static str, &'static str)],
}

const CHOICES: [Choice; 13] = [
    Choice {
        why: "`latest` written out is what no version is: nobody would tell them apart",
        cases: &[("off 'latest', fetch", "off 2"), ("dead 'latest', fetch", "dead 1")],
    },
    Choice {
        why: "a secret does not exist only where Google says so of the secret itself",
        cases: &[
            ("404 NOT_FOUND for ever: Project [projects/123456789012] not found.", "error"),
            ("404 NOT_FOUND for ever: Requested entity was not found.", "error"),
            ("404 NOT_FOUND for ever: Secret [projects/123456789012/secrets/db2] not found.", "error"),
        ],
    },
    Choice {
        why: "a fault of the moment is asked again",
        cases: &[
            ("500 INTERNAL once: Internal error encountered.", "global three"),
            ("500 UNKNOWN once: Unknown error.", "global three"),
            ("504 DEADLINE_EXCEEDED once: Deadline expired before operation could complete.", "global three"),
            ("find a list that is throttled once", r#"{"db":"global three"}"#),
        ],
    },
    Choice {
        why: "a value that is not what its sum is of did not arrive whole",
        cases: &[("answer: a sum that is another's", "error")],
    },
    Choice {
        why: "Google writes one form of base64, and what has another is damaged",
        cases: &[("answer: base64 for addresses", "error"), ("answer: base64 without its end", "error")],
    },
    Choice {
        why: "one secret that cannot be read does not hold up the others that a search finds",
        cases: &[
            ("find by name among those without a value", r#"{"word":"\"word\""}"#),
            ("find by name, one of them disabled", r#"{"mixed-on":"mixed"}"#),
            ("find by name, one of them empty", r#"{"mixed-on":"mixed"}"#),
            ("find by name, one without versions", r#"{"mixed-on":"mixed"}"#),
            ("find by name, all off, fetch", "{}"),
            (r#"find by tags {"mixed": "yes"}"#, r#"{"mixed-on":"mixed"}"#),
            ("find a value that goes meanwhile", r#"{"db":"global three"}"#),
        ],
    },
    Choice {
        why: "a store of one location is searched there by tags as well, and not among the global secrets",
        cases: &[
            ("find by tags in a location", r#"{"db":"europe-west3 three"}"#),
            ("find by tags in another location", r#"{"there":"there"}"#),
        ],
    },
    Choice {
        why: "there is no metadata service to ask for project, cluster or identity",
        cases: &[
            ("store: key without project", "error"),
            ("store: an empty project", "error"),
            ("store: federation without project", "error"),
            ("store: no auth", "error"),
            ("store: empty auth", "error"),
            ("store: auth that is null", "error"),
            ("store: nothing", "error"),
            ("store: an unknown method", "error"),
            ("store: workload identity without clusterProjectID", "error"),
            ("store: workload identity without clusterLocation", "error"),
            ("store: workload identity without clusterName", "error"),
        ],
    },
    Choice {
        why: "a policy that is none is a typing error",
        cases: &[("store: another policy", "error"), ("store: a policy in small letters", "error")],
    },
    Choice {
        why: "addresses are made of the location",
        cases: &[
            ("store: a location that is none", "error"),
            ("store: a location that leads elsewhere", "error"),
        ],
    },
    Choice {
        why: "what ESO cannot read at any time is refused when it is declared",
        cases: &[
            ("store: a key without key", "error"),
            ("store: a key without name", "error"),
            ("store: an empty secretRef", "error"),
            ("store: an empty reference", "error"),
            ("store: federation without audience", "error"),
            ("store: federation by nothing", "error"),
            ("store: federation by AWS without audience", "error"),
            ("store: federation by two", "error"),
        ],
    },
    Choice {
        why: "a namespace that would have no effect is a mistake",
        cases: &[("store: federation in another namespace", "error")],
    },
    Choice {
        why: "a token does not travel readable",
        cases: &[("store: a configuration with a plain endpoint", "error")],
    },
];

#[tokio::test]
async fn stores_give_and_admit_what_those_of_eso_do() {
    let mut lines = CASES.lines();
    let contents: Contents = serde_json::from_str(lines.next().unwrap()).unwrap();
    let common = contents.double().await;
    let (mut wrong, mut same, mut chosen) = (Vec::new(), 0, 0);
    for line in lines {
        let case: Case = serde_json::from_str(line).unwrap();
        let gave = match case.kind {
            What::Store => case.admitted(),
            _ if case.is_plain() => case.played(&common).await,
            _ => case.played(&case.edited(contents.double().await)).await,
        };
        let eso = case.gave();
        let choice = CHOICES.iter().find_map(|choice| {
            let (_, gives) = choice.cases.iter().find(|(name, _)| *name == case.name)?;
            Some((choice.why, *gives))
        });
        match choice {
            Some((why, gives)) => {
                assert_ne!(eso, gives, "{}: it is no choice any more", case.name);
                chosen += 1;
                if gave != gives {
                    wrong.push(format!("{}: gave {gave}, not {gives}, though {why}", case.name));
                }
            }
            None if gave == eso => same += 1,
            None => wrong.push(format!("{}: gave {gave}, not {eso}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    let choices: usize = CHOICES.iter().map(|choice| choice.cases.len()).sum();
    assert_eq!((same, chosen), (400 - choices, choices), "nothing of the table was left out");
}

impl Contents {
    async fn double(&self) -> Google {
        let google = Google::start().await.unwrap();
        google.set_page(7);
        for secret in &self.world {
            let (location, id) = (secret.location.as_deref(), secret.id.as_str());
            google.create(location, id);
            for version in &secret.versions {
                let bytes = version.base64.as_ref().map(|text| STANDARD.decode(text).unwrap());
                let number = google.add(location, id, &bytes.unwrap_or(version.value.clone().into_bytes()));
                match version.state.as_deref() {
                    Some("DISABLED") => google.set_state(location, id, number, "DISABLED"),
                    Some("DESTROYED") => google.set_state(location, id, number, "DESTROYED"),
                    _ => {}
                }
            }
            google.describe(location, id, &pairs(&secret.labels), &pairs(&secret.annotations));
            for (alias, number) in &secret.aliases {
                google.alias(location, id, alias, *number);
            }
        }
        google
    }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl Case {
    /// What ESO gave, as one text.
    fn gave(&self) -> String {
        let bytes = self.base64.as_ref().map(|text| format!("base64:{text}"));
        let map = self.map.as_ref().map(|map| json!(map).to_string());
        self.value.clone().or(bytes).or(map).or(self.error.clone()).unwrap()
    }

    /// Whether nothing of the double's contents or answers is particular to this case.
    fn is_plain(&self) -> bool {
        self.script.is_empty() && self.hide.is_empty() && self.viewer.is_none()
    }

    fn edited(&self, google: Google) -> Google {
        google.set_viewer(self.viewer.unwrap_or(true));
        for id in &self.hide {
            google.hide(id);
        }
        for script in &self.script {
            for _ in 0..script.times {
                google.answer(&script.ending, script.status, &script.body, &[]);
            }
        }
        google
    }

    /// Whether a store of this spec is taken.
    fn admitted(&self) -> String {
        let kind = self.of.as_deref().unwrap();
        let spec = if self.spec.is_null() { json!({}) } else { self.spec.clone() };
        match store(kind, spec) {
            Some(_) => "ok".to_owned(),
            None => "error".to_owned(),
        }
    }

    async fn played(&self, google: &Google) -> String {
        let mut spec = json!({
            "projectID": "shop",
            "auth": { "secretRef": { "secretAccessKeySecretRef": { "name": "gcp", "key": "key.json" } } },
        });
        for (field, value) in &self.store {
            spec[field] = json!(value);
        }
        let store = store("SecretStore", spec).unwrap();
        let clusters = Arc::new(FakeClusters::default());
        clusters.add(&cluster_name("blue"));
        let key = google.key_file().to_string();
        clusters.edit("blue/shop/gcp", |secret| secret.set("key.json", &key));
        let bounds = Bounds {
            first_pause: Duration::from_millis(1),
            last_pause: Duration::from_millis(5),
            ..Bounds::default()
        };
        let sources = GcpSmSources::new(clusters, Arc::new(NoAws), Arc::new(FakeClock::default()));
        let sources = sources.bounded(bounds).at(google.address());
        match self.kind {
            What::Find => self.found(&store, &sources).await,
            _ => self.read(&store, &sources).await,
        }
        .unwrap_or_else(|error| error.to_owned())
    }

    async fn found(&self, store: &Store, sources: &impl Sources) -> Result<String, &'static str> {
        let access = store.access(&cluster_name("blue"), &namespace("shop"));
        let find = Find {
            name: self.find.name.as_ref().map(|name| name.regexp.clone()),
            path: self.find.path.clone(),
            tags: self.find.tags.clone(),
        };
        let keep = Keep::everything(Provider::GcpSecretManager);
        let found = sources.find(&access, &find, &keep).await.map_err(kind_of)?;
        let texts = found.iter().map(|(key, fetched)| (key, text(fetched)));
        Ok(json!(texts.collect::<BTreeMap<_, _>>()).to_string())
    }

    async fn read(&self, store: &Store, sources: &impl Sources) -> Result<String, &'static str> {
        let access = store.access(&cluster_name("blue"), &namespace("shop"));
        let given = |name: &str| self.read.get(name).cloned();
        let remote = Remote {
            key: given("key").unwrap_or_default(),
            property: given("property"),
            version: given("version"),
            metadata: given("metadataPolicy").is_some(),
        };
        let part = if remote.metadata { Part::Metadata } else { Part::Value };
        let wanted = Wanted { key: store.asked(&remote), selector: remote.selector(store), part };
        let reads = declaration("blue/shop/db").reads("");
        let of_map = self.kind == What::Map;
        let mut declaration = if of_map { reads.into_every() } else { reads.into_key("value") }.build();
        declaration.reads[0].query = Query::Key(remote);
        let fetched = sources.fetch(&access, &[wanted]).await.remove(0).map_err(kind_of)?;
        let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
        let recipe = Recipe::of(&declaration, &functions).unwrap();
        let values = Values(vec![Found::One(Arc::new(fetched))]);
        let rendered = recipe.render(&values, &TemplateSources::default()).map_err(|_| "error")?;
        let texts = rendered.data.iter().map(|(key, value)| (key, readable(value.expose())));
        let texts: BTreeMap<_, _> = texts.collect();
        Ok(if of_map { json!(texts).to_string() } else { readable(rendered.data["value"].expose()) })
    }
}

fn store(kind: &str, spec: Value) -> Option<Store> {
    let metadata = match kind {
        "SecretStore" => json!({ "name": "store", "namespace": "shop" }),
        _ => json!({ "name": "store" }),
    };
    let version = "external-secrets.io/v1";
    let manifest = json!({
        "apiVersion": version, "kind": kind, "metadata": metadata, "spec": { "provider": { "gcpsm": spec } },
    });
    from_object(manifest, "case", &ParseOptions::new(Home::Applied)).stores.pop()
}

fn kind_of(error: pawl_ports::Error) -> &'static str {
    if error.kind == Kind::NotFound { "not-found" } else { "error" }
}

fn text(fetched: &Fetched) -> String {
    readable(fetched.value.expose())
}

/// As the table has it.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", STANDARD.encode(bytes)),
    }
}

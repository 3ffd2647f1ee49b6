//! The port's promises.

mod parts;

use super::{CANARY, access, clusters, digest, double, least, source, store};
use pawl_domain::{Access, Find, Keep, Kind, SecretValue};
use pawl_ports::{Error, Listing, Source, Sources, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::FakeClock;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Every version of each key, the first one first; none of a key that was deleted.
pub(super) type Keys = BTreeMap<String, Vec<String>>;

/// How a double shows a key after it changed.
pub(super) type Show = fn(&Pairs, &Keys, &str);

struct World {
    pairs: Pairs,
    sources: Behind,
    access: Access,
    keys: Mutex<Keys>,
    rules: Rules,
}

/// What differs between the stores.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) show: Show,
    pub(super) key: fn(&str) -> String,
    /// How the value of a key is written that was put as a text.
    pub(super) written: fn(&str) -> String,
    pub(super) numbered: bool,
    pub(super) absent: Kind,
}

pub(super) const PLAIN: Rules = Rules {
    show: |_, _, _| {},
    key: str::to_owned,
    written: str::to_owned,
    numbered: false,
    absent: Kind::Invalid,
};

pub(super) async fn held_to_the_contract(name: &str, set_up: fn(&Pairs), rules: Rules) {
    let (pairs, clusters) = (double().await, clusters());
    set_up(&pairs);
    let spec = least(name, pairs.address());
    let access = access(store(name, "SecretStore", &spec).unwrap().backend);
    let sources = Behind(source(name, &clusters, &FakeClock::default()));
    sources.0.validate(&access).await.unwrap();
    suite(&World { pairs, sources, access, keys: Mutex::default(), rules }).await;
}

impl Held for World {
    type Sources = Behind;

    fn sources(&self) -> &Behind {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let (mut keys, key) = (self.keys.lock().unwrap(), self.key(key));
        let versions = keys.entry(key.clone()).or_default();
        versions.push((self.rules.written)(value));
        let number = versions.len();
        (self.rules.show)(&self.pairs, &keys, &key);
        match self.rules.numbered {
            true => number.to_string(),
            false => digest(&(self.rules.written)(value)),
        }
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("versions have no labels");
    }

    async fn delete(&self, key: &str) {
        let (mut keys, key) = (self.keys.lock().unwrap(), self.key(key));
        keys.remove(&key);
        (self.rules.show)(&self.pairs, &keys, &key);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }

    fn key(&self, name: &str) -> String {
        (self.rules.key)(name)
    }

    fn absence(&self) -> Kind {
        self.rules.absent
    }

    fn text(&self, value: &SecretValue) -> String {
        let text = value.expose_str().unwrap();
        if let Some(held) = parts::held(value) {
            return held;
        }
        let keys = self.keys.lock().unwrap();
        // The value that was put so.
        let all = keys.values().flatten().find(|written| *written == text);
        assert!(all.is_some(), "{text}");
        let of = |value: &Value| value.as_str().map(str::to_owned);
        let within = serde_json::from_str::<Value>(text).ok();
        let of_any =
            |json: Value| [&json["value"], &json[0]["value"], &json["password"]].into_iter().find_map(of);
        let within = within.and_then(of_any);
        within.unwrap_or_else(|| text.to_owned())
    }
}

#[tokio::test]
async fn scaleway_is_a_source() {
    fn listed(name: &str) -> Ask {
        let ask = Ask::get("/secret-manager/v1beta1/regions/fr-par/secrets").header("x-auth-token", CANARY);
        [
            ("order_by", "name_asc"),
            ("page", "1"),
            ("page_size", "1"),
            ("project_id", "11111111-1111-4111-8111-111111111111"),
            ("scheduled_for_deletion", "false"),
            ("type", "unknown_type"),
        ]
        .into_iter()
        .chain((!name.is_empty()).then_some(("name", name)))
        .fold(ask, |ask, (name, value)| ask.query(name, value))
    }

    let set_up = |pairs: &Pairs| {
        let none = json!({ "secrets": [], "total_count": 0 });
        pairs.put(listed(""), Reply::of(200, none.clone()));
        pairs.put(listed("*"), Reply::of(200, none));
    };
    let show: Show = |pairs, keys, key| {
        let name = key.trim_start_matches("name:");
        let Some(versions) = keys.get(key) else {
            return pairs.put(listed(name), Reply::of(200, json!({ "secrets": [], "total_count": 0 })));
        };
        let secret = json!({ "id": format!("id-{name}"), "name": name, "version_count": versions.len() });
        pairs.put(listed(name), Reply::of(200, json!({ "secrets": [secret], "total_count": 1 })));
        let of = |revision: &str, below: &str| {
            let path = format!(
                "/secret-manager/v1beta1/regions/fr-par/secrets/id-{name}/versions/{revision}{below}"
            );
            Ask::get(&path).header("x-auth-token", CANARY)
        };
        let missing =
            json!({ "type": "not_found", "resource": "secret_version", "message": "resource is not found" });
        pairs.put(of("*", ""), Reply::of(404, missing.clone()));
        pairs.put(of("*", "/access"), Reply::of(404, missing));
        for (index, value) in versions.iter().enumerate() {
            let revision = index + 1;
            let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, value);
            let metadata =
                json!({ "revision": revision, "secret_id": format!("id-{name}"), "status": "enabled" });
            let value = json!({ "revision": revision, "secret_id": format!("id-{name}"), "data": data });
            let last = (revision == versions.len()).then(|| "latest_enabled".to_owned());
            for revision in std::iter::once(revision.to_string()).chain(last) {
                pairs.put(of(&revision, ""), Reply::of(200, metadata.clone()));
                pairs.put(of(&revision, "/access"), Reply::of(200, value.clone()));
            }
        }
    };
    let rules =
        Rules { show, key: |key| format!("name:{key}"), numbered: true, absent: Kind::NotFound, ..PLAIN };
    held_to_the_contract("scaleway", set_up, rules).await;
}

#[tokio::test]
async fn pulumi_is_a_source() {
    fn property(key: &str) -> Ask {
        let ask = Ask::get("/api/esc/environments/org/project/env/open/7").query("property", key);
        ask.header("authorization", &format!("token {CANARY}"))
    }
    let set_up = |pairs: &Pairs| {
        let open = Ask::post("/api/esc/environments/org/project/env/open", Value::Null);
        pairs.put(
            open.header("authorization", &format!("token {CANARY}")),
            Reply::of(200, json!({ "id": "7" })),
        );
        pairs.put(property("*"), Reply::of(404, json!({ "code": 404, "message": "not found" })));
    };
    let show: Show = |pairs, keys, key| {
        let value = keys.get(key).and_then(|versions| versions.last());
        let missing = Reply::of(404, json!({ "code": 404, "message": "not found" }));
        pairs.put(
            property(key),
            value.map_or(missing, |value| Reply::of(200, json!({ "value": value, "trace": {} }))),
        );
    };
    held_to_the_contract("pulumi", set_up, Rules { show, ..PLAIN }).await;
}

#[tokio::test]
async fn previder_is_a_source() {
    fn secret(key: &str) -> Ask {
        Ask::get(&format!("/secret/{key}/decrypt")).header("x-api-key", CANARY)
    }
    let set_up = |pairs: &Pairs| {
        pairs.put(Ask::get("/token/info").header("x-api-key", CANARY), Reply::of(200, json!({ "id": "1" })));
        pairs.put(secret("*"), Reply::of(404, json!({ "message": "Secret not found" })));
    };
    let show: Show = |pairs, keys, key| {
        let value = keys.get(key).and_then(|versions| versions.last());
        let missing = Reply::of(404, json!({ "message": "Secret not found" }));
        pairs.put(secret(key), value.map_or(missing, |value| Reply::of(200, json!({ "secret": value }))));
    };
    held_to_the_contract("previder", set_up, Rules { show, ..PLAIN }).await;
}

#[tokio::test]
async fn fortanix_is_a_source() {
    fn asked(what: &str, body: Value) -> Ask {
        Ask::post(&format!("/crypto/v1/keys/{what}"), body)
            .header("authorization", &format!("Basic {CANARY}"))
    }
    let set_up = |pairs: &Pairs| {
        pairs.put(asked("info", json!({ "name": "*" })), Reply::of(404, json!("sobject does not exist")));
    };
    let show: Show = |pairs, keys, key| {
        let info = asked("info", json!({ "name": key }));
        let Some(value) = keys.get(key).and_then(|versions| versions.last()) else {
            return pairs.put(info, Reply::of(404, json!("sobject does not exist")));
        };
        let kid = format!("kid-{key}");
        pairs.put(info, Reply::of(200, json!({ "kid": kid, "obj_type": "SECRET", "name": key })));
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, value);
        pairs.put(
            asked("export", json!({ "kid": kid })),
            Reply::of(200, json!({ "kid": kid, "value": data })),
        );
    };
    held_to_the_contract("fortanix", set_up, Rules { show, ..PLAIN }).await;
}

#[tokio::test]
async fn ovh_is_a_source() {
    fn asked(key: &str, data: &str, version: Option<&str>) -> Ask {
        let path = format!("/api/11111111-1111-4111-8111-111111111111/v2/secret/{key}");
        let ask =
            Ask::get(&path).query("includeData", data).header("authorization", &format!("Bearer {CANARY}"));
        version.into_iter().fold(ask, |ask, version| ask.query("version", version))
    }
    fn missing() -> Reply {
        Reply::of(404, json!({ "error_code": 17_125_377, "error_id": "1", "errors": ["secret not found"] }))
    }
    let set_up = |pairs: &Pairs| {
        for version in [None, Some("*")] {
            pairs.put(asked("*", "*", version), missing());
        }
    };
    let show: Show = |pairs, keys, key| {
        let versions = keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let current = versions.len();
        for data in ["true", "false"] {
            let of = |number: usize| {
                let mut version =
                    json!({ "id": number, "state": "ACTIVE", "createdAt": "2026-01-01T00:00:00Z" });
                if data == "true" {
                    version["data"] = serde_json::from_str(&versions[number - 1]).unwrap();
                }
                Reply::of(
                    200,
                    json!({ "path": key, "metadata": { "currentVersion": current }, "version": version }),
                )
            };
            pairs.put(asked(key, data, None), if current == 0 { missing() } else { of(current) });
            for number in 1..=current {
                pairs.put(asked(key, data, Some(&number.to_string())), of(number));
            }
        }
    };
    let written = |value: &str| json!({ "value": value }).to_string();
    held_to_the_contract(
        "ovh",
        set_up,
        Rules { show, written, numbered: true, absent: Kind::NotFound, ..PLAIN },
    )
    .await;
}

#[tokio::test]
async fn senhasegura_is_a_source() {
    fn application(secrets: &[Value]) -> Reply {
        Reply::of(
            200,
            json!({ "response": { "status": 200, "error": false }, "application": { "secrets": secrets } }),
        )
    }
    fn asked() -> Ask {
        Ask::get("/iso/dapp/application").header("authorization", "Bearer t")
    }
    let set_up = |pairs: &Pairs| {
        let login = Ask::post("/iso/oauth2/token", json!(format!("client_id=id&client_secret={CANARY}")));
        pairs.put(login, Reply::of(200, json!({ "access_token": "t", "expires_in": 3600 })));
        pairs.put(asked(), application(&[]));
    };
    let show: Show = |pairs, keys, _| {
        let secret = |(key, versions): (&String, &Vec<String>)| {
            let data: Value = serde_json::from_str(versions.last().unwrap()).unwrap();
            json!({ "identity": key, "version": "1", "data": data })
        };
        pairs.put(asked(), application(&keys.iter().map(secret).collect::<Vec<_>>()));
    };
    let written = |value: &str| json!([{ "value": value }]).to_string();
    held_to_the_contract("senhasegura", set_up, Rules { show, written, ..PLAIN }).await;
}

#[tokio::test]
async fn beyondtrust_workload_credentials_is_a_source() {
    const SITE: &str = "/11111111-1111-4111-8111-111111111111/secrets";
    fn asked(below: &str) -> Ask {
        let ask = Ask::get(&format!("{SITE}/{below}")).header("bt-secrets-api-version", "2026-04-28");
        ask.header("authorization", &format!("Bearer {CANARY}"))
    }
    fn missing() -> Reply {
        Reply::of(404, json!({ "error": "not found" }))
    }
    let set_up = |pairs: &Pairs| {
        pairs.put(asked("session"), Reply::of(200, json!({})));
        pairs.put(asked("static/*").query("folder", "f"), missing());
        pairs.put(asked("static").query("path", "f"), Reply::of(200, json!({ "data": [] })));
    };
    let show: Show = |pairs, keys, key| {
        let items: Vec<_> =
            keys.keys().map(|key| json!({ "path": format!("f/{key}"), "type": "static" })).collect();
        pairs.put(asked("static").query("path", "f"), Reply::of(200, json!({ "data": items })));
        let value = keys.get(key).and_then(|versions| versions.last());
        let value = value.map(|value| serde_json::from_str::<Value>(value).unwrap());
        let reply =
            value.map_or_else(missing, |value| Reply::of(200, json!({ "secret": value, "path": key })));
        pairs.put(asked(&format!("static/{key}")).query("folder", "f"), reply);
    };
    let written = |value: &str| json!({ "value": value }).to_string();
    let rules = Rules { show, written, absent: Kind::NotFound, ..PLAIN };
    held_to_the_contract("beyondtrustworkloadcredentials", set_up, rules).await;
}

#[tokio::test]
async fn barbican_is_a_source() {
    fn payload(id: &str) -> Ask {
        Ask::get(&format!("/km/v1/secrets/{id}/payload")).header("x-auth-token", "t")
    }
    fn missing() -> Reply {
        Reply::of(404, json!({ "code": 404, "title": "Not Found", "description": "Secret not found." }))
    }
    let set_up = |pairs: &Pairs| {
        let endpoints = json!([
            { "interface": "internal", "region": "r", "url": "http://127.0.0.1:1/internal" },
            { "interface": "public", "region": "r", "url": format!("{}/km", pairs.address()) },
        ]);
        let token = json!({ "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": [
            { "type": "identity", "endpoints": [] }, { "type": "key-manager", "endpoints": endpoints },
        ] });
        let login = Ask::post("/v3/auth/tokens", json!(format!(r#""password":"{CANARY}""#)));
        pairs.put(login, Reply::of(201, json!({ "token": token })).header("x-subject-token", "t"));
        pairs.put(payload("*"), missing());
    };
    let show: Show = |pairs, keys, key| {
        let value = keys.get(key).and_then(|versions| versions.last());
        pairs.put(payload(key), value.map_or_else(missing, |value| Reply::of(200, json!(value))));
    };
    held_to_the_contract("barbican", set_up, Rules { show, ..PLAIN }).await;
}

#[tokio::test]
async fn chef_is_a_source() {
    fn item(name: &str) -> Ask {
        let ask = Ask::get(&format!("/organizations/x/data/bag/{name}"));
        ask.header("x-ops-sign", "version=1.3")
            .header("x-ops-userid", "u")
            .header("x-ops-authorization-6", "*")
    }
    let set_up = |pairs: &Pairs| {
        pairs.put(Ask::get("/organizations/x/users/u"), Reply::of(200, json!({ "username": "u" })));
        pairs.put(item("*"), Reply::of(404, json!({ "error": ["Cannot load data bag item"] })));
    };
    let show: Show = |pairs, keys, key| {
        let value = keys.get(key).and_then(|versions| versions.last());
        let value = value.map(|value| serde_json::from_str::<Value>(value).unwrap());
        let missing = || Reply::of(404, json!({ "error": ["Cannot load data bag item"] }));
        pairs.put(
            item(key.trim_start_matches("bag/")),
            value.map_or_else(missing, |value| Reply::of(200, value)),
        );
    };
    let written = |value: &str| json!({ "value": value }).to_string();
    let rules = Rules { show, written, key: |key| format!("bag/{key}"), ..PLAIN };
    held_to_the_contract("chef", set_up, rules).await;
}

#[tokio::test]
async fn dvls_is_a_source() {
    const VAULT: &str = "/api/v1/vault/11111111-1111-4111-8111-111111111111";
    /// The id of a name: its digits, or those of its letters.
    fn id(name: &str) -> String {
        let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{:0>8}-0000-4000-8000-{:0>12}",
            &digits[..8.min(digits.len())],
            &digits[digits.len().saturating_sub(12)..]
        )
    }
    fn entry(id: &str) -> Ask {
        Ask::get(&format!("{VAULT}/entry/{id}")).header("tokenid", "t")
    }
    let set_up = |pairs: &Pairs| {
        let login = Ask::post("/api/v1/login", json!(format!("AppKey={CANARY}&AppSecret={CANARY}")));
        pairs.put(login, Reply::of(200, json!({ "tokenId": "t" })));
        pairs.put(Ask::get(VAULT).header("tokenid", "t"), Reply::of(200, json!({ "name": "v" })));
        pairs.put(entry("*"), Reply::of(404, json!({ "message": "not found" })));
    };
    let show: Show = |pairs, keys, key| {
        let missing = || Reply::of(404, json!({ "message": "not found" }));
        let found = |written: &String| {
            let written: Value = serde_json::from_str(written).unwrap();
            let data = json!({ "password": written["password"] });
            Reply::of(
                200,
                json!({
                    "id": "1", "name": "db", "path": "", "type": "Credential", "subType": "Default", "data": data,
                }),
            )
        };
        let value = keys.get(key).and_then(|versions| versions.last());
        pairs.put(entry(key), value.map_or_else(missing, found));
    };
    let written = |value: &str| json!({ "entry-id": "1", "entry-name": "db", "password": value }).to_string();
    held_to_the_contract("dvls", set_up, Rules { show, written, key: id, absent: Kind::NotFound, ..PLAIN })
        .await;
}

/// A source behind a pointer, as the port.
pub(super) struct Behind(pub(super) Arc<dyn Source>);

impl Sources for Behind {
    fn providers(&self) -> Vec<pawl_domain::Provider> {
        self.0.providers()
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<pawl_domain::Fetched, Error>> {
        self.0.fetch(access, wanted).await
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, pawl_domain::Fetched>, Error> {
        self.0.find(access, find, keep).await
    }

    async fn changed_since(&self, access: &Access, since: Option<jiff::Timestamp>) -> Result<Listing, Error> {
        self.0.changed_since(access, since).await
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.0.validate(access).await
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<pawl_domain::Version, Error>> {
        self.0.versions(access, wanted).await
    }
}

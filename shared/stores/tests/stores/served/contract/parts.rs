//! Stores whose values are [`Parts`].

use super::{CANARY, PLAIN, Rules, Show, held_to_the_contract};
use pawl_domain::SecretValue;
use pawl_domain::parts::Parts;
use pawl_servers::pairs::{Ask, Pairs, Reply};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was put, of a value that is made of parts.
pub(super) fn held(value: &SecretValue) -> Option<String> {
    let parts = Parts::of_value(value).ok()?;
    let every = parts.every.unwrap_or_default();
    let held = parts.whole.or_else(|| every.get("pass").cloned())?;
    Some(held.expose_str().unwrap().to_owned())
}

/// A value without members.
fn whole(value: &str) -> String {
    let parts = Parts { whole: Some(SecretValue::new(value)), ignores_properties: true, ..Parts::default() };
    parts.to_value().expose_str().unwrap().to_owned()
}

#[tokio::test]
async fn beyondtrust_is_a_source() {
    const API: &str = "/BeyondTrust/api/public/v3";
    fn asked(title: &str) -> Ask {
        let ask = Ask::get(&format!("{API}/secrets-safe/secrets")).header("cookie", "a=1");
        [("path", "f"), ("title", title), ("separator", "/"), ("decrypt", "true")]
            .into_iter()
            .fold(ask, |ask, (name, value)| ask.query(name, value))
    }
    let set_up = |pairs: &Pairs| {
        let sign_in = Ask::post(&format!("{API}/Auth/SignAppIn"), Value::Null);
        let signed_in = Reply::of(200, json!({ "UserId": 1 })).header("set-cookie", "a=1; path=/; secure");
        pairs.put(sign_in.header("authorization", &format!("PS-Auth key={CANARY}")), signed_in);
        pairs.put(asked("*"), Reply::of(200, json!([])));
    };
    let show: Show = |pairs, keys, key| {
        let found = |value: &String| {
            let password = held(&SecretValue::new(value.as_str())).unwrap();
            json!([{ "Id": "1", "Title": key, "Password": password, "SecretType": "Credential" }])
        };
        let value = keys.get(key).and_then(|versions| versions.last());
        pairs.put(asked(key.trim_start_matches("f/")), Reply::of(200, value.map_or(json!([]), found)));
    };
    let rules = Rules { show, written: whole, key: |key| format!("f/{key}"), ..PLAIN };
    held_to_the_contract("beyondtrust", set_up, rules).await;
}

#[tokio::test]
async fn password_depot_is_a_source() {
    fn asked(what: &str) -> Ask {
        Ask::get(&format!("/v1.0/{what}")).header("client_id", "c").header("access_token", "t")
    }
    fn entries() -> Ask {
        asked("list").query("db", "d")
    }
    let set_up = |pairs: &Pairs| {
        let login = Ask::get("/v1.0/login").header("user", "u").header("pass", CANARY);
        pairs.put(login, Reply::of(200, json!({ "client_id": "c", "access_token": "t" })));
        let databases = json!([{ "name": "my shop", "fingerprint": "d" }]);
        pairs.put(asked("list"), Reply::of(200, json!({ "databases": databases })));
        pairs.put(entries(), Reply::of(200, json!({ "entries": [] })));
    };
    let show: Show = |pairs, keys, key| {
        let all: Vec<_> = keys.keys().map(|key| json!({ "name": key, "fingerprint": key })).collect();
        pairs.put(entries(), Reply::of(200, json!({ "entries": all })));
        if let Some(value) = keys.get(key).and_then(|versions| versions.last()) {
            let password = held(&SecretValue::new(value.as_str())).unwrap();
            let entry = json!({ "fingerprint": "f", "date": "2026-01-01T00:00:00Z", "pass": password });
            pairs.put(asked("read").query("db", "d").query("entry", key), Reply::of(200, entry));
        }
    };
    held_to_the_contract("passworddepot", set_up, Rules { show, written: entry, ..PLAIN }).await;
}

/// An entry of Password Depot with this password.
fn entry(password: &str) -> String {
    let names = "acm author category comment donotaddon expirydate fingerprint icon importance itemclass login loginid \
                 markassafe name paramstr pass passid safemode secondeye secondpass tags template url";
    let text = |name: &str| match name {
        "pass" => SecretValue::new(password),
        "fingerprint" => SecretValue::new("f"),
        _ => SecretValue::new(""),
    };
    let members: BTreeMap<_, _> = names.split(' ').map(|name| (name.to_owned(), text(name))).collect();
    let parts = Parts { every: Some(members.clone()), members, ..Parts::default() };
    parts.to_value().expose_str().unwrap().to_owned()
}

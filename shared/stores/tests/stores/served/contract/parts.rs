//! Stores whose values are [`Parts`].

use super::{CANARY, PLAIN, Rules, Show, held_to_the_contract};
use pawl_domain::SecretValue;
use pawl_domain::parts::Parts;
use pawl_servers::pairs::{Ask, Pairs, Reply};
use serde_json::{Value, json};

/// What was put, of a value that is made of parts.
pub(super) fn held(value: &SecretValue) -> Option<String> {
    let held = Parts::of_value(value).ok()?.whole?;
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

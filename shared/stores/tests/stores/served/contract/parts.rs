//! Stores whose values are [`Parts`].

use super::{
    CANARY, PLAIN, Rules, Show, access, clusters, double, held_to_the_contract, least, source, store,
};
use crate::served::private_key;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pawl_domain::SecretValue;
use pawl_domain::parts::Parts;
use pawl_ports::Clock as _;
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::FakeClock;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was put, of a value that is made of parts.
pub(super) fn held(value: &SecretValue) -> Option<String> {
    let parts = Parts::of_value(value).ok()?;
    let every = parts.every.unwrap_or_default();
    let named = ["pass", "value", "privateKey"].iter().find_map(|name| every.get(*name).cloned());
    let held = named.or(parts.whole)?;
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

/// Lets every service of Yandex Cloud be at the double, and its token be had for a key that signs.
fn yandex(pairs: &Pairs) {
    let at = |id: &str| json!({ "id": id, "address": pairs.address() });
    let services = ["iam", "lockbox-payload", "certificate-manager-data"].map(at);
    pairs.put(Ask::get("/endpoints"), Reply::of(200, json!({ "endpoints": services })));
    let token = json!({ "iamToken": "t", "expiresAt": "2099-01-01T00:00:00.123456789Z" });
    pairs.put(Ask::post("/iam/v1/tokens", json!("{\"jwt\":\"ey")), Reply::of(200, token));
}

/// What both services say of what is not there, and of what may not be seen.
fn unseen() -> Reply {
    Reply::of(404, json!({ "code": 5, "message": "not found" }))
}

#[tokio::test]
async fn yandex_lockbox_is_a_source() {
    fn asked(key: &str) -> Ask {
        Ask::get(&format!("/lockbox/v1/secrets/{key}/payload")).header("authorization", "Bearer t")
    }
    let set_up = |pairs: &Pairs| {
        yandex(pairs);
        pairs.put(asked("*"), unseen());
        pairs.put(asked("*").query("versionId", "*"), unseen());
    };
    let show: Show = |pairs, keys, key| {
        let versions = keys.get(key).map(Vec::as_slice).unwrap_or_default();
        if versions.is_empty() {
            pairs.put(asked(key), unseen());
        }
        for (place, value) in versions.iter().enumerate() {
            let text = held(&SecretValue::new(value.as_str())).unwrap();
            let id = (place + 1).to_string();
            let entries = json!([{ "key": "value", "textValue": text }]);
            let payload = Reply::of(200, json!({ "versionId": id, "entries": entries }));
            pairs.put(asked(key).query("versionId", &id), payload.clone());
            pairs.put(asked(key), payload);
        }
    };
    let written = |value: &str| {
        let whole = Some(SecretValue::new(json!({ "value": value }).to_string()));
        let members = BTreeMap::from([("value".to_owned(), SecretValue::new(value))]);
        let parts = Parts { whole, every: Some(members.clone()), members, ..Parts::default() };
        parts.to_value().expose_str().unwrap().to_owned()
    };
    held_to_the_contract("yandexlockbox", set_up, Rules { show, written, numbered: true, ..PLAIN }).await;
}

#[tokio::test]
async fn yandex_certificate_manager_is_a_source() {
    fn asked(key: &str) -> Ask {
        let path = format!("/certificate-manager/v1/certificates/{key}:getContent");
        Ask::get(&path).header("authorization", "Bearer t")
    }
    let set_up = |pairs: &Pairs| {
        yandex(pairs);
        pairs.put(asked("*"), unseen());
    };
    let show: Show = |pairs, keys, key| {
        let content = |value: &String| {
            let key = held(&SecretValue::new(value.as_str())).unwrap();
            Reply::of(200, json!({ "certificateId": "1", "certificateChain": ["PEM"], "privateKey": key }))
        };
        let value = keys.get(key).and_then(|versions| versions.last());
        pairs.put(asked(key), value.map_or_else(unseen, content));
    };
    let written = |value: &str| {
        let text = |name: &str, text: String| (name.to_owned(), SecretValue::new(text));
        let both = format!("PEM\n{value}\n");
        let members = [
            text("chain", "PEM\n".to_owned()),
            text("chainAndPrivateKey", both.clone()),
            text("privateKey", format!("{value}\n")),
        ];
        let every = [text("chain", "PEM".to_owned()), text("privateKey", value.to_owned())];
        let whole = Some(SecretValue::new(both));
        let parts = Parts { whole, members: members.into(), every: Some(every.into()), ..Parts::default() };
        parts.to_value().expose_str().unwrap().to_owned()
    };
    held_to_the_contract("yandexcertificatemanager", set_up, Rules { show, written, ..PLAIN }).await;
}

/// As the IAM of Yandex Cloud checks it.
#[tokio::test]
async fn authorized_keys_of_yandex_are_traded_for_tokens() {
    let (pairs, clusters) = (double().await, clusters());
    yandex(&pairs);
    let spec = least("yandexlockbox", pairs.address());
    let backend = store("yandexlockbox", "SecretStore", &spec).unwrap().backend;
    let clock = FakeClock::default();
    let (source, access) = (source("yandexlockbox", &clusters, &clock), access(backend));
    source.validate(&access).await.unwrap();
    let sent: Value = serde_json::from_str(&pairs.asked()[1].body).unwrap();
    let (unsigned, signature) = sent["jwt"].as_str().unwrap().rsplit_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = unsigned.split_once('.').unwrap();
    assert_eq!(read(header), json!({ "alg": "PS256", "typ": "JWT", "kid": "key-1" }));
    let now = clock.now().as_second();
    let audience = "https://iam.api.cloud.yandex.net/iam/v1/tokens";
    let want = json!({ "iss": "account-1", "aud": [audience], "iat": now, "exp": now + 3600 });
    assert_eq!(read(claims), want);
    let der: String = private_key().lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(unsigned.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

//! What is one store's own: signatures, pages, and what searches may read.

use super::{CANARY, access, clusters, double, least, private_key, source, store};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::grant::Reach;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, VersionSelector};
use pawl_ports::{Error, Part, Source, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::FakeClock;
use pawl_world::build::patterns;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

async fn world(name: &str) -> (Pairs, Arc<dyn Source>, Access) {
    let (pairs, clusters) = (double().await, clusters());
    let backend = store(name, "SecretStore", &least(name, pairs.address())).unwrap().backend;
    (pairs, source(name, &clusters, &FakeClock::default()), access(backend))
}

async fn read(source: &dyn Source, access: &Access, key: &str) -> Result<String, Error> {
    let wanted = Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value };
    let fetched: Fetched = source.fetch(access, &[wanted]).await.remove(0)?;
    Ok(fetched.value.expose_str().unwrap().to_owned())
}

async fn found(source: &dyn Source, access: &Access, find: &Find, keys: &[&str]) -> BTreeMap<String, String> {
    let keep = Keep::new(access.backend.location().provider, Some(patterns(keys)), Arc::default());
    let found = source.find(access, find, &keep).await.unwrap();
    found.into_iter().map(|(key, fetched)| (key, fetched.value.expose_str().unwrap().to_owned())).collect()
}

/// As a Chef server checks it.
#[tokio::test]
async fn requests_to_chef_are_signed() {
    let (pairs, source, access) = world("chef").await;
    let path = "/organizations/x/data/bag/item";
    pairs.put(Ask::get(path), Reply::of(200, json!({ "id": "item" })));
    read(source.as_ref(), &access, "bag/item").await.unwrap();
    let headers = &pairs.asked()[0].headers;
    let signature: String = (1..)
        .map_while(|line| headers.get(&format!("x-ops-authorization-{line}")))
        .map(String::as_str)
        .collect();
    let content = format!(
        "Method:GET\nPath:{path}\nX-Ops-Content-Hash:{}\nX-Ops-Sign:version=1.3\nX-Ops-Timestamp:{}\nX-Ops-UserId:u\n\
         X-Ops-Server-API-Version:1",
        headers["x-ops-content-hash"], headers["x-ops-timestamp"]
    );
    let der: String = private_key().lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(content.as_bytes(), &STANDARD.decode(signature).unwrap()).unwrap();
}

/// The double refuses what nobody wrote down, such as the value of a key that may not be read.
#[tokio::test]
async fn searches_read_no_key_that_may_not_be_read() {
    let (pairs, source, access) = world("ovh").await;
    let okms = "/api/11111111-1111-4111-8111-111111111111";
    let names = Ask::get(&format!("{okms}/v1/secret/metadata/")).query("list", "true");
    pairs.put(names, Reply::of(200, json!({ "data": { "keys": ["kept", "withheld"] } })));
    let kept = Ask::get(&format!("{okms}/v2/secret/kept")).query("includeData", "true");
    let secret = json!({ "metadata": { "currentVersion": 1 }, "version": { "id": 1, "data": { "a": "1" } } });
    pairs.put(kept, Reply::of(200, secret));
    let all = found(source.as_ref(), &access, &Find::default(), &["kept"]).await;
    assert_eq!(all, BTreeMap::from([("kept".to_owned(), r#"{"a":"1"}"#.to_owned())]));

    let (pairs, source, access) = world("scaleway").await;
    let secrets = "/secret-manager/v1beta1/regions/fr-par/secrets";
    let listed = [
        ("order_by", "name_asc"),
        ("page", "1"),
        ("page_size", "50"),
        ("project_id", "11111111-1111-4111-8111-111111111111"),
        ("scheduled_for_deletion", "false"),
        ("type", "unknown_type"),
    ];
    let list = listed.into_iter().fold(Ask::get(secrets), |ask, (name, value)| ask.query(name, value));
    let both = json!([{ "id": "1", "name": "kept" }, { "id": "2", "name": "withheld" }]);
    pairs.put(list, Reply::of(200, json!({ "secrets": both, "total_count": 2 })));
    let access_one = Ask::get(&format!("{secrets}/1/versions/latest_enabled/access"));
    pairs.put(access_one, Reply::of(200, json!({ "revision": 1, "data": STANDARD.encode("value") })));
    let all = found(source.as_ref(), &access, &Find::default(), &["name:kept"]).await;
    assert_eq!(all, BTreeMap::from([("kept".to_owned(), "value".to_owned())]));
}

/// Names of entries and vaults stand on several pages.
#[tokio::test]
async fn all_pages_of_devolutions_server_are_read() {
    let (pairs, clusters) = (double().await, clusters());
    let mut spec = least("dvls", pairs.address());
    spec["vault"] = json!("shop");
    let backend = store("dvls", "SecretStore", &spec).unwrap().backend;
    let (source, access) = (source("dvls", &clusters, &FakeClock::default()), access(backend));
    pairs.put(Ask::post("/api/v1/login", Value::Null), Reply::of(200, json!({ "tokenId": "t" })));
    let page = |path: &str, page: &str| Ask::get(path).query("page", page);
    let of = |data: Value| Reply::of(200, json!({ "data": data, "totalPage": 2 }));
    pairs.put(page("/api/v1/vault", "1"), of(json!([{ "id": "v1", "name": "other" }])));
    pairs.put(page("/api/v1/vault", "2"), of(json!([{ "id": "v2", "name": "shop" }])));
    let entry =
        |id: &str, path: &str| json!({ "id": id, "path": path, "type": "Credential", "subType": "Default" });
    let entries = "/api/v1/vault/v2/entry";
    for (number, listed) in [("1", entry("e1", "b")), ("2", entry("e2", "a"))] {
        pairs.put(page(entries, number).query("name", "db").query("path", "a"), of(json!([listed])));
    }
    let data =
        json!({ "name": "db", "type": "Credential", "subType": "Default", "data": { "password": "p" } });
    pairs.put(Ask::get("/api/v1/vault/v2/entry/e2"), Reply::of(200, data));
    let value = read(source.as_ref(), &access, "a/db").await.unwrap();
    assert_eq!(value, r#"{"entry-id":"","entry-name":"db","password":"p"}"#);
}

/// A list of Barbican has as many pages as it says.
#[tokio::test]
async fn barbican_lists_page_by_page() {
    let (pairs, source, access) = world("barbican").await;
    let endpoint =
        json!({ "interface": "public", "region_id": "r", "url": format!("{}/km/", pairs.address()) });
    let catalog = json!([{ "type": "key-manager", "endpoints": [endpoint] }]);
    pairs.put(
        Ask::post("/v3/auth/tokens", Value::Null),
        Reply::of(201, json!({ "token": { "catalog": catalog } })).header("x-subject-token", "t"),
    );
    let page = |offset: &str| Ask::get("/km/v1/secrets").query("limit", "100").query("offset", offset);
    let listed = |id: &str| json!([{ "name": "db", "secret_ref": format!("http://km/v1/secrets/{id}") }]);
    pairs.put(
        page("0"),
        Reply::of(200, json!({ "secrets": listed("1"), "next": "http://km/v1/secrets?offset=100" })),
    );
    pairs.put(page("100"), Reply::of(200, json!({ "secrets": listed("2") })));
    for id in ["1", "2"] {
        pairs.put(
            Ask::get(&format!("/km/v1/secrets/{id}/payload")),
            Reply::of(200, json!(format!("value {id}"))),
        );
    }
    let find = Find { name: Some("db".to_owned()), ..Find::default() };
    let all = found(source.as_ref(), &access, &find, &["*"]).await;
    let want = [("1", "value 1"), ("2", "value 2")].map(|(id, value)| (id.to_owned(), value.to_owned()));
    assert_eq!(all, BTreeMap::from(want));
}

/// A managed account is requested, read, and checked in again, whatever comes of it; a sweep takes no password out.
#[tokio::test]
async fn managed_accounts_of_password_safe_are_checked_in() {
    const API: &str = "/BeyondTrust/api/public/v3";
    let (pairs, clusters) = (double().await, clusters());
    let mut spec = least("beyondtrust", pairs.address());
    spec["server"]["retrievalType"] = json!("MANAGED_ACCOUNT");
    let backend = store("beyondtrust", "SecretStore", &spec).unwrap().backend;
    let (source, access) = (source("beyondtrust", &clusters, &FakeClock::default()), access(backend));
    let at = |path: &str| format!("{API}/{path}");
    let signed_in = Reply::of(200, json!({})).header("set-cookie", "a=1");
    pairs.put(Ask::post(&at("Auth/SignAppIn"), Value::Null), signed_in);
    let account = Ask::get(&at("ManagedAccounts")).query("systemName", "web").query("accountName", "root");
    let found =
        |changed: Value| Reply::of(200, json!({ "SystemId": 7, "AccountId": 9, "LastChangeDate": changed }));
    pairs.put(account.clone(), found(json!("2026-01-02T03:04:05")));
    let wanted =
        || [Wanted { key: "web/root".to_owned(), selector: VersionSelector::Current, part: Part::Value }];
    let versions = async || source.versions(&access, &wanted()).await.remove(0);
    assert_eq!(versions().await.unwrap().id, "9@2026-01-02T03:04:05");

    pairs.put(Ask::post(&at("Requests"), json!({ "AccountID": 9 })), Reply::of(201, json!(5)));
    let checked_in = Ask { method: "PUT".to_owned(), ..Ask::get(&at("Requests/5/checkin")) };
    pairs.put(checked_in.clone(), Reply::of(204, Value::Null));
    pairs.put(Ask::get(&at("Credentials/5")), Reply::of(403, json!({})));
    pairs.asked();
    let error = source.fetch(&access, &wanted()).await.remove(0).unwrap_err();
    assert_eq!(error.kind, pawl_domain::Kind::Denied);
    let last = |pairs: &Pairs| pairs.asked().last().map(|asked| (asked.method.clone(), asked.uri.clone()));
    assert_eq!(last(&pairs), Some(("PUT".to_owned(), at("Requests/5/checkin"))));

    pairs.put(Ask::get(&at("Credentials/5")), Reply::of(200, json!("\"p\"")));
    let fetched = source.fetch(&access, &wanted()).await.remove(0).unwrap();
    assert_eq!(versions().await.unwrap(), fetched.version);
    // Another reader of the account may have checked the same request in.
    pairs.put(checked_in, Reply::of(403, json!({})));
    assert_eq!(source.fetch(&access, &wanted()).await.remove(0).unwrap().version, fetched.version);
    // Where nothing tells when it was changed, the password does.
    pairs.put(account, found(Value::Null));
    let fetched = source.fetch(&access, &wanted()).await.remove(0).unwrap();
    pairs.asked();
    assert_eq!(versions().await.unwrap(), fetched.version);
    assert_eq!(pairs.asked().len(), 4, "the account is looked up once");
    assert!(!fetched.version.id.contains('@'));
}

/// Keystone and Yandex Cloud say where the other servers are: within the store's reach, and in a form that can be quoted.
#[tokio::test]
async fn servers_that_a_server_names_are_within_reach() {
    let only_this = Reach::Guarded(BTreeSet::from(["127.0.0.1/32".parse().unwrap()]));
    for (name, key) in [("barbican", "a"), ("yandexlockbox", "a")] {
        for (told, kind) in [("https://127.0.0.2:1", Kind::Refused), (CANARY, Kind::Invalid)] {
            let told =
                if told == CANARY { format!("https://example.com/?{CANARY}") } else { told.to_owned() };
            let (pairs, source, mut access) = world(name).await;
            access.grant.reach = only_this.clone();
            let endpoint = json!({ "interface": "public", "region": "r", "url": told });
            let catalog = json!([{ "type": "key-manager", "endpoints": [endpoint] }]);
            pairs.put(
                Ask::post("/v3/auth/tokens", Value::Null),
                Reply::of(201, json!({ "token": { "catalog": catalog } })).header("x-subject-token", "t"),
            );
            let services = ["iam", "lockbox-payload"].map(|id| json!({ "id": id, "address": told }));
            pairs.put(Ask::get("/endpoints"), Reply::of(200, json!({ "endpoints": services })));
            let error = read(source.as_ref(), &access, key).await.unwrap_err();
            assert_eq!(error.kind, kind, "{name}: {error}");
            assert!(!error.to_string().contains(CANARY), "{name}: {error}");
            assert_eq!(pairs.asked().len(), 1, "{name}: nothing else is asked");
        }
    }
}

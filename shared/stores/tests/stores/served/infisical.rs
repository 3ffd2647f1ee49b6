//! Infisical: logins, places of keys, what says that a key is not there, and searches. The answers are written by what
//! Infisical's server and ESO's provider do; ESO's own code was not run for them.

use super::contract::{PLAIN, Rules, Show, held_to_the_contract};
use super::{CANARY, access, clusters, double, least, source, store};
use pawl_domain::{Access, Find, Keep, Kind, VersionSelector};
use pawl_ports::{Error, Part, Source, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::FakeClock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn of(path: &str, folder: &str, more: &[(&str, &str)]) -> Ask {
    let ask = Ask::get(&format!("/api/v3/secrets/raw{path}")).header("authorization", "Bearer t");
    let scope = [
        ("workspaceSlug", "shop"),
        ("environment", "prod"),
        ("secretPath", folder),
        ("include_imports", "true"),
    ];
    scope.iter().chain(more).fold(ask, |ask, (name, value)| ask.query(name, value))
}

fn named(name: &str, folder: &str) -> Ask {
    of(&format!("/{name}"), folder, &[("expandSecretReferences", "true")])
}

/// The list that tells whether a secret is there, without values.
fn names(folder: &str) -> Ask {
    of("", folder, &[("viewSecretValue", "false")])
}

fn searched(folder: &str, recursive: &str) -> Ask {
    of("", folder, &[("expandSecretReferences", "true"), ("recursive", recursive)])
}

fn secret(name: &str, folder: &str, value: &str) -> Value {
    json!({ "id": "1", "version": 1, "type": "shared", "secretKey": name, "secretValue": value, "secretPath": folder })
}

fn read(name: &str, folder: &str, value: &str) -> Reply {
    Reply::of(200, json!({ "secret": secret(name, folder, value) }))
}

fn list(secrets: &[Value], imports: &[Value]) -> Reply {
    Reply::of(200, json!({ "secrets": secrets, "imports": imports }))
}

fn import(folder: &str, secrets: &[Value]) -> Value {
    json!({ "environment": "prod", "folderId": "2", "secretPath": folder, "secrets": secrets })
}

fn said(status: u16, message: &str) -> Reply {
    Reply::of(status, json!({ "reqId": "r", "statusCode": status, "message": message, "error": "E" }))
}

fn missing(name: &str) -> Reply {
    said(404, &format!("Secret with name '{name}' not found"))
}

fn login() -> (Ask, Reply) {
    let body = json!({ "clientId": CANARY, "clientSecret": CANARY });
    let token =
        json!({ "accessToken": "t", "expiresIn": 600, "accessTokenMaxTTL": 600, "tokenType": "Bearer" });
    (Ask::post("/api/v1/auth/universal-auth/login", body), Reply::of(200, token))
}

async fn world(change: impl FnOnce(&mut Value)) -> (Pairs, Arc<dyn Source>, Access) {
    let (pairs, clusters) = (double().await, clusters());
    let (ask, reply) = login();
    pairs.put(ask, reply);
    let mut spec = least("infisical", pairs.address());
    change(&mut spec);
    let access = access(store("infisical", "SecretStore", &spec).unwrap().backend);
    (pairs, source("infisical", &clusters, &FakeClock::default()), access)
}

async fn fetched(source: &dyn Source, access: &Access, key: &str) -> Result<String, Error> {
    let wanted = Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value };
    let fetched = source.fetch(access, &[wanted]).await.remove(0)?;
    Ok(fetched.value.expose_str().unwrap().to_owned())
}

#[tokio::test]
async fn it_is_a_source() {
    let set_up = |pairs: &Pairs| {
        let (ask, reply) = login();
        pairs.put(ask, reply);
        pairs.put(names("/"), list(&[], &[]));
        pairs.put(
            named("*", "/"),
            said(404, "Folder with path '/' in environment with slug 'prod' not found"),
        );
    };
    let show: Show = |pairs, keys, key| {
        let value = keys.get(key).and_then(|versions| versions.last());
        let gone = said(404, "Folder with path '/' in environment with slug 'prod' not found");
        pairs.put(named(key, "/"), value.map_or(gone, |value| read(key, "/", value)));
    };
    held_to_the_contract("infisical", set_up, Rules { show, ..PLAIN }).await;
}

#[tokio::test]
async fn keys_name_a_secret_and_perhaps_its_folder() {
    for (own, key, folder, name) in [
        ("/", "A", "/", "A"),
        ("/db", "A", "/db", "A"),
        ("/db", "/A", "/", "A"),
        ("/db", "/web/A", "/web", "A"),
        ("/db", "/web/eu/A", "/web/eu", "A"),
        ("/db", "eu/A", "/db/eu", "A"),
        ("/db/", "eu/A", "/db/eu", "A"),
        ("/", "eu/A", "/eu", "A"),
    ] {
        let (pairs, source, access) = world(|spec| spec["secretsScope"]["secretsPath"] = json!(own)).await;
        pairs.put(named(name, folder), read(name, folder, "v"));
        assert_eq!(fetched(source.as_ref(), &access, key).await.unwrap(), "v", "{own} {key}");
    }
    let (_pairs, source, access) = world(|_| {}).await;
    let error = fetched(source.as_ref(), &access, "folder/").await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
}

#[tokio::test]
async fn references_stay_where_the_store_says_so() {
    let (pairs, source, access) =
        world(|spec| spec["secretsScope"]["expandSecretReferences"] = json!(false)).await;
    pairs.put(of("/A", "/", &[("expandSecretReferences", "false")]), read("A", "/", "${B}"));
    assert_eq!(fetched(source.as_ref(), &access, "A").await.unwrap(), "${B}");
}

#[tokio::test]
async fn only_the_secret_itself_is_said_not_to_be_there() {
    let other = secret("B", "/", "hidden");
    for (reply, names_reply, kind) in [
        (missing("A"), list(&[], &[]), Kind::NotFound),
        (missing("A"), list(&[other], &[]), Kind::NotFound),
        // It may be in what the folder imports.
        (missing("A"), list(&[], &[import("/shared", &[])]), Kind::Invalid),
        (missing("A"), list(&[secret("A", "/", "hidden")], &[]), Kind::Invalid),
        (missing("A"), said(403, "You are not allowed to list"), Kind::Denied),
        (missing("B"), list(&[], &[]), Kind::Invalid),
        (
            said(404, "Folder with path '/' in environment with slug 'prod' not found"),
            list(&[], &[]),
            Kind::Invalid,
        ),
        (said(404, "Project with slug 'shop' not found"), list(&[], &[]), Kind::Invalid),
        (said(404, "Not Found"), list(&[], &[]), Kind::Invalid),
        (Reply::of(404, json!("<html>")), list(&[], &[]), Kind::Invalid),
        (said(403, "Secret with name 'A' not found"), list(&[], &[]), Kind::Denied),
    ] {
        let (pairs, source, access) = world(|_| {}).await;
        pairs.put(named("A", "/"), reply.clone());
        pairs.put(names("/"), names_reply);
        let error = fetched(source.as_ref(), &access, "A").await.unwrap_err();
        assert_eq!(error.kind, kind, "{reply:?}: {error}");
        assert!(!error.to_string().contains("with name"), "{error}");
    }
}

/// In place of a value that may not be read stands a text, which must not be taken for it.
#[tokio::test]
async fn hidden_values_are_no_values() {
    let (pairs, source, access) = world(|_| {}).await;
    let mut hidden = secret("A", "/", "<hidden-by-infisical>");
    hidden["secretValueHidden"] = json!(true);
    pairs.put(named("A", "/"), Reply::of(200, json!({ "secret": hidden })));
    pairs.put(searched("/", "false"), list(&[hidden], &[]));
    assert_eq!(fetched(source.as_ref(), &access, "A").await.unwrap_err().kind, Kind::Denied);
    let keep = Keep::everything(access.backend.location().provider);
    let find = Find { path: None, name: None, tags: BTreeMap::new() };
    assert_eq!(source.find(&access, &find, &keep).await.unwrap_err().kind, Kind::Denied);
}

#[tokio::test]
async fn each_way_of_logging_in_sends_what_it_needs() {
    let at = |key: &str| json!({ "name": "s", "key": key });
    for (auth, organization, path, body) in [
        (
            json!({ "universalAuthCredentials": { "clientId": at("username"), "clientSecret": at("k") } }),
            Some("company"),
            "universal-auth",
            json!({ "clientId": "u", "clientSecret": CANARY, "organizationSlug": "company" }),
        ),
        (
            json!({ "jwtAuthCredentials": { "identityId": at("username"), "jwt": at("k") } }),
            None,
            "jwt-auth",
            json!({ "identityId": "u", "jwt": CANARY }),
        ),
        (
            json!({ "ldapAuthCredentials": {
                "identityId": at("username"), "ldapUsername": at("username"), "ldapPassword": at("k") } }),
            None,
            "ldap-auth",
            json!({ "identityId": "u", "username": "u", "password": CANARY }),
        ),
    ] {
        let (pairs, source, access) = world(|spec| {
            spec["auth"] = auth;
            if let Some(organization) = organization {
                spec["secretsScope"]["organizationSlug"] = json!(organization);
            }
        })
        .await;
        let token = json!({ "accessToken": "t", "expiresIn": 600, "tokenType": "Bearer" });
        pairs.put(Ask::post(&format!("/api/v1/auth/{path}/login"), body), Reply::of(200, token));
        pairs.put(named("A", "/"), read("A", "/", "v"));
        assert_eq!(fetched(source.as_ref(), &access, "A").await.unwrap(), "v", "{path}");
    }
}

#[tokio::test]
async fn a_token_is_used_as_it_is() {
    let token = json!({ "tokenAuthCredentials": { "accessToken": { "name": "s", "key": "k" } } });
    let (pairs, source, access) = world(|spec| spec["auth"] = token).await;
    let ask = named("A", "/").header("authorization", &format!("Bearer {CANARY}"));
    pairs.put(ask, read("A", "/", "v"));
    assert_eq!(fetched(source.as_ref(), &access, "A").await.unwrap(), "v");
    assert_eq!(pairs.asked().len(), 1);
}

#[tokio::test]
async fn searches_give_what_folders_have_and_import() {
    let (own, below) = (secret("A", "/", "own"), secret("B", "/eu", "below"));
    let imports = [
        import("/first", &[secret("A", "", "first"), secret("C", "", "first")]),
        import("/last", &[secret("C", "", "last")]),
    ];
    for (recursive, find_path, pattern, want) in [
        ("false", None, None, json!({ "A": "own", "B": "below", "C": "last" })),
        ("true", None, None, json!({ "A": "own", "B": "below", "C": "last" })),
        ("true", Some("/eu"), None, json!({ "B": "below" })),
        ("true", Some("/none"), None, json!({})),
        ("true", None, Some("^[AB]$"), json!({ "A": "own", "B": "below" })),
    ] {
        let (pairs, source, access) =
            world(|spec| spec["secretsScope"]["recursive"] = json!(recursive == "true")).await;
        pairs.put(searched("/", recursive), list(&[own.clone(), below.clone()], &imports));
        let text = |text: &str| text.to_owned();
        let find = Find { path: find_path.map(text), name: pattern.map(text), tags: BTreeMap::new() };
        let keep = Keep::everything(access.backend.location().provider);
        let found = source.find(&access, &find, &keep).await.unwrap();
        let found: BTreeMap<_, _> =
            found.iter().map(|(key, fetched)| (key, fetched.value.expose_str().unwrap())).collect();
        assert_eq!(json!(found), want, "{recursive} {find_path:?} {pattern:?}");
    }
}

#[tokio::test]
async fn one_name_with_two_values_is_not_chosen_from() {
    for (other, is_found) in [("own", true), ("other", false)] {
        let (pairs, source, access) = world(|spec| spec["secretsScope"]["recursive"] = json!(true)).await;
        let secrets = [secret("A", "/", "own"), secret("A", "/eu", other)];
        pairs.put(searched("/", "true"), list(&secrets, &[]));
        let keep = Keep::everything(access.backend.location().provider);
        let find = Find { path: None, name: None, tags: BTreeMap::new() };
        let found = source.find(&access, &find, &keep).await;
        assert_eq!(
            found.map_err(|error| error.kind).map(|found| found.len()),
            is_found.then_some(1).ok_or(Kind::Invalid)
        );
    }
}

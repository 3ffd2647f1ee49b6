//! Tokens of an installation of a GitHub App.

use crate::server::Giver;
use jiff::Timestamp;
use pawl_domain::generator::GithubGenerator;
use pawl_domain::{Access, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Generation};
use pawl_stores::kit::{Ask, Hidden, Refusals, rs256, sealed};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Who the App is, for some minutes; the beginning lies back, for clocks differ. Source: ESO.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
}

const BACK: i64 = 10;
const FORTH: i64 = 300;

#[derive(Deserialize)]
struct Answer {
    token: Hidden,
    expires_at: Option<Timestamp>,
}

const REFUSALS: Refusals = Refusals {
    token: "the App's key was refused; check appID and auth.privateKey",
    rights: "access denied; the App must have the permissions and repositories that are asked for",
    unseen: "there is no such installation of the App; check installID and url",
    absent: |_| false,
    passing: None,
};

pub(crate) async fn made<C: ClusterCredentials>(
    spec: &GithubGenerator,
    access: &Access,
    clusters: &C,
    now: Timestamp,
) -> Result<Generation, Error> {
    let giver = Giver {
        clusters,
        access,
        address: &spec.url,
        field: "url",
        action: "createInstallationToken",
        subject: &spec.install_id,
    };
    let proofs = giver.proofs();
    let key = proofs.text(&spec.private_key).await?;
    let second = now.as_second();
    let claims = Claims { iss: &spec.app_id, iat: second - BACK, exp: second + FORTH };
    let signed = rs256("", &key, &claims).map_err(|why| {
        let at = &spec.private_key;
        proofs.unusable(&format!("key {:?} of Secret {}: {why}; write the App's key in PEM", at.key, at.name))
    })?;
    let call = giver.call();
    let shown = SecretValue::new([b"Bearer ", signed.expose()].concat());
    let headers = HeaderMap::from_iter([
        (AUTHORIZATION, sealed(&shown, &call)?),
        (ACCEPT, HeaderValue::from_static("application/vnd.github.v3+json")),
        // GitHub answers nobody who has no name.
        (USER_AGENT, HeaderValue::from_static("pawl")),
    ]);
    let body = body(spec);
    let path = ["app", "installations", &spec.install_id, "access_tokens"];
    let ask = Ask { method: Method::POST, headers, body: body.as_ref(), ..Ask::get(&path, &[]) };
    let reply = giver.ask(&ask, &REFUSALS).await?;
    let Answer { token, expires_at } = reply.object().ok_or_else(|| call.unreadable())?;
    Ok(Generation { values: BTreeMap::from([("token".to_owned(), token.0)]), expires: expires_at })
}

/// What the token is limited to; nothing where it is not.
fn body(spec: &GithubGenerator) -> Option<SecretValue> {
    let mut body = Map::new();
    if !spec.permissions.is_empty() {
        let permissions = spec.permissions.iter().map(|(name, right)| (name.clone(), right.clone().into()));
        body.insert("permissions".to_owned(), Value::Object(permissions.collect()));
    }
    if !spec.repositories.is_empty() {
        body.insert("repositories".to_owned(), spec.repositories.clone().into());
    }
    (!body.is_empty()).then(|| SecretValue::new(Value::Object(body).to_string()))
}

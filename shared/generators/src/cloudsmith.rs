//! Tokens of Cloudsmith.

use crate::server::{Giver, Token, at};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::generator::CloudsmithGenerator;
use pawl_domain::{Access, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Generation};
use pawl_stores::kit::Refusals;
use reqwest::StatusCode;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const REFUSALS: Refusals = Refusals {
    token: "the service account's token was refused; check serviceAccountRef and the OpenID provider at Cloudsmith",
    rights: "access denied; check serviceSlug and the OpenID provider at Cloudsmith",
    unseen: "there is no such organization or service; check orgSlug, serviceSlug and apiUrl",
    absent: |_| false,
    passing: None,
};

pub(crate) async fn made<C: ClusterCredentials>(
    spec: &CloudsmithGenerator,
    access: &Access,
    clusters: &C,
) -> Result<Generation, Error> {
    let giver = Giver {
        clusters,
        access,
        address: &spec.url,
        field: "apiUrl",
        action: "openid",
        subject: &spec.organization,
    };
    let shown = giver.account_token(&spec.account).await?;
    let shown = shown.expose_str().unwrap_or_default();
    let body = serde_json::json!({ "oidc_token": shown, "service_slug": spec.service });
    let body = SecretValue::new(body.to_string());
    let (organization, call) = (spec.organization.as_str(), giver.call());
    let reply = giver.post_to_folder(&["openid", organization], &body, &REFUSALS).await?;
    if reply.status != StatusCode::CREATED {
        return Err(call.unreadable());
    }
    let (token, expires) = Token::of(&reply, &call)?;
    let pair = Zeroizing::new(format!("token:{}", token.expose()));
    let values = BTreeMap::from([
        ("auth".to_owned(), SecretValue::new(STANDARD.encode(pair.as_bytes()))),
        ("expiry".to_owned(), SecretValue::new(expires.to_string())),
    ]);
    Ok(Generation { values, expires: at(expires) })
}

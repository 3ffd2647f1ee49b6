//! Tokens of Quay's robots.

use crate::server::{Giver, Token, at};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::generator::QuayGenerator;
use pawl_domain::{Access, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Generation};
use pawl_stores::kit::{Ask, Refusals, sealed};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const REFUSALS: Refusals = Refusals {
    token: "the service account's token was refused; check serviceAccountRef and the federation of the robot",
    rights: "access denied; check robotAccount and its federation",
    unseen: "there is no federation of robots; check url",
    absent: |_| false,
    passing: None,
};

pub(crate) async fn made<C: ClusterCredentials>(
    spec: &QuayGenerator,
    access: &Access,
    clusters: &C,
) -> Result<Generation, Error> {
    let giver = Giver {
        clusters,
        access,
        address: &spec.url,
        field: "url",
        action: "robotToken",
        subject: &spec.robot,
    };
    let shown = giver.account_token(&spec.account).await?;
    let call = giver.call();
    let pair = Zeroizing::new(format!("{}:{}", spec.robot, shown.expose_str().unwrap_or_default()));
    let basic = SecretValue::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(&basic, &call)?)]);
    let ask = Ask { headers, ..Ask::get(&["oauth2", "federation", "robot", "token"], &[]) };
    let reply = giver.ask(&ask, &REFUSALS).await?;
    let (token, expires) = Token::of(&reply, &call)?;
    let pair = Zeroizing::new(format!("{}:{}", spec.robot, token.expose()));
    let values = BTreeMap::from([
        ("registry".to_owned(), SecretValue::new(spec.registry())),
        ("auth".to_owned(), SecretValue::new(STANDARD.encode(pair.as_bytes()))),
        ("expiry".to_owned(), SecretValue::new(expires.to_string())),
    ]);
    Ok(Generation { values, expires: at(expires) })
}

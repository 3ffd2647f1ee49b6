//! The proof of an identity, at a Secret Server by itself or at a platform. Source: Delinea's SDK for Go, which ESO uses.

use super::{SecretServer, Session};
use crate::kit::{Ask, Call, Material, Proof, Proving, Refusals, Rest, Server, form};
use pawl_domain::store::SecretServerAuth;
use pawl_domain::{Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error};
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vaults {
    vaults: Vec<Vault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vault {
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    is_active: bool,
    connection: Connection,
}

#[derive(Deserialize)]
struct Connection {
    url: String,
}

const LOGIN: Refusals =
    Refusals::of_login("the identity was refused; check username, password and domain, or their Secrets");

pub(super) async fn prove<C: ClusterCredentials>(
    proving: Proving<'_, C, SecretServer>,
) -> Result<Proof<Session>, Error> {
    let Proving { proofs, spec: store, last, .. } = &proving;
    let at = proofs.server;
    let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
    let material = Material { ca, ..Material::default() };
    let link = proving.link(at, material.clone(), last.as_ref().map(|last| &last.front.link)).await?;
    let (front, call) = (Rest::new(link), proving.call(at));
    let (user, password, domain) = match &store.auth {
        SecretServerAuth::Token(token) => {
            let token = SecretValue::new(format!("Bearer {}", proofs.text(token).await?));
            let rest = front.clone().with(AUTHORIZATION, &token, &call)?;
            return Ok(proving.of_secrets(Session { rest, front }));
        }
        SecretServerAuth::Password { user, password, domain } => {
            (proofs.given(user).await?, SecretValue::new(proofs.text(password).await?), domain)
        }
    };
    let password = password.expose_str().unwrap_or_default();
    if is_healthy(&front, &call, &["api", "v1", "healthcheck"]).await? {
        let mut fields =
            vec![("username", user.as_str()), ("password", password), ("grant_type", "password")];
        if !domain.is_empty() {
            fields.push(("domain", domain));
        }
        let body = form(&fields);
        let token = front.bearer(&call, &Ask::form(&["oauth2", "token"], &body), &LOGIN).await?;
        let rest = front.clone().with(AUTHORIZATION, &token.value, &call)?;
        return Ok(proving.lasting(Session { rest, front }, token.life));
    }
    if !is_healthy(&front, &call, &["health"]).await? {
        let what = "it is neither a Secret Server nor a platform, or it is not well; check serverURL";
        return Err(call.error(Kind::Transient, what));
    }
    let grant = ("grant_type", "client_credentials");
    let body = form(&[grant, ("client_id", &user), ("client_secret", password), ("scope", "xpmheadless")]);
    let path = ["identity", "api", "oauth2", "token", "xpmplatform"];
    let token = front.bearer(&call, &Ask::form(&path, &body), &LOGIN).await?;
    let url = vault(&front.clone().with(AUTHORIZATION, &token.value, &call)?, &call).await?;
    let vault = Server { provider: Provider::SecretServer, address: &url, field: "serverURL" };
    let link = proving.link(vault, material, None).await?;
    let rest = Rest::new(link).with(AUTHORIZATION, &token.value, &call)?;
    Ok(proving.lasting(Session { rest, front }, token.life))
}

/// The address of the platform's own vault.
async fn vault(rest: &Rest, call: &Call<'_>) -> Result<String, Error> {
    let reply = rest.taken(call, &Ask::get(&["vaultbroker", "api", "vaults"], &[]), &LOGIN).await?;
    let told: Vaults = reply.object().ok_or_else(|| call.unreadable())?;
    let own = told.vaults.into_iter().find(|vault| vault.is_default && vault.is_active);
    own.map(|vault| vault.connection.url).filter(|url| !url.is_empty()).ok_or_else(|| {
        call.error(
            Kind::Invalid,
            "the platform has no active default vault; make one, or write the vault's own address",
        )
    })
}

/// Whatever else is answered says that it is none of this kind.
async fn is_healthy(rest: &Rest, call: &Call<'_>, path: &[&str]) -> Result<bool, Error> {
    #[derive(Deserialize)]
    struct Health {
        #[serde(default)]
        healthy: bool,
    }
    let ask = Ask { largest: rest.link.bounds().largest_answer, ..Ask::get(path, &[]) };
    let reply = rest.link.ask(call, ask).await?;
    let told = serde_json::from_slice(&reply.body).map(|health: Health| health.healthy);
    Ok(told.unwrap_or_else(|_| reply.body.windows(7).any(|word| word == b"Healthy")))
}

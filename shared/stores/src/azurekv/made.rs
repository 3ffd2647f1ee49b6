//! The generator ACRAccessToken: a registry trades a token of the identity for one of its own. Sources: ESO's generator of that
//! name, version 2.9; "AAD-OAuth" of Azure Container Registry.

use super::AzureKvSources;
use super::cloud::Cloud;
use super::identity;
use crate::kit::{Ask, Call, Hidden, Link, Proofs, Refusals, Server, expiry, form};
use jiff::Timestamp;
use pawl_domain::generator::AcrGenerator;
use pawl_domain::{Access, Generator, GeneratorKind, Kind, Provider, SecretValue, Step};
use pawl_ports::{Answer, ClusterCredentials, Error, Generation, Generators};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who logs in with a token.
const USER: &str = "00000000-0000-0000-0000-000000000000";

const REFUSALS: Refusals = Refusals {
    token: "the identity's token was refused; check registry, tenantId and environmentType",
    rights: "access denied; give the identity a role such as AcrPull at the registry, and check scope",
    unseen: "it gives out no tokens; check registry",
    absent: |_| false,
    passing: None,
};

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    refresh_token: Option<Hidden>,
    #[serde(default)]
    access_token: Option<Hidden>,
}

/// What is shown to a registry, by the name of OAuth.
const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

impl<C: ClusterCredentials> Generators for AzureKvSources<C> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![GeneratorKind::AcrAccessToken]
    }

    #[tracing::instrument(skip_all, fields(generator = "ACRAccessToken"))]
    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(async move {
            match access.backend.as_generator() {
                Some(Generator::Acr(spec)) => self.made(spec, access).await,
                _ => {
                    let message = "a registry of Azure was asked for what it does not make";
                    Err(Error::new(Step::Fetch, Kind::Invalid, message))
                }
            }
        })
    }
}

impl<C: ClusterCredentials> AzureKvSources<C> {
    async fn made(&self, spec: &AcrGenerator, access: &Access) -> Result<Generation, Error> {
        let store = &spec.server;
        let server = Server { provider: Provider::Generator, address: &store.vault_url, field: "registry" };
        let proofs = Proofs { clusters: self.clusters.as_ref(), access, server };
        let identity = identity::read(&proofs, store).await?.trimmed();
        let resource = Cloud::management(store);
        let resource = resource.ok_or_else(|| proofs.unusable("environmentType has no registries"))?;
        let held = self.token(&proofs, store, &identity, resource, self.clock.now()).await?;
        let call = |action| Call { step: Step::Fetch, server, action, subject: &spec.registry };
        let link = self.open(&call("exchange"), access).await?;
        let told = [("service", spec.registry.as_str()), ("tenant", &spec.tenant)];
        let token = traded(&call("exchange"), &link, ACCESS, &held.value, &told).await?;
        let token = match &spec.scope {
            None => token,
            Some(scope) => {
                let told = [("service", spec.registry.as_str()), ("scope", scope)];
                traded(&call("token"), &link, REFRESH, &token, &told).await?
            }
        };
        let expires = token.expose_str().and_then(expiry).and_then(|end| Timestamp::from_second(end).ok());
        let values =
            BTreeMap::from([("username".to_owned(), SecretValue::new(USER)), ("password".to_owned(), token)]);
        Ok(Generation { values, expires })
    }
}

/// What the registry gives for a token of this kind: for one of the identity its refresh token, for that an access token.
async fn traded(
    call: &Call<'_>,
    link: &Link,
    kind: &str,
    token: &SecretValue,
    told: &[(&str, &str)],
) -> Result<SecretValue, Error> {
    let shown = [("grant_type", kind), (kind, token.expose_str().unwrap_or_default())];
    let body = form(&[&shown[..], told].concat());
    let ask =
        || Ok(Ask { largest: link.bounds().largest_answer, ..Ask::form(&["oauth2", call.action], &body) });
    let reply = link.send(call, &ask, &|_| false).await;
    let given = reply.and_then(|reply| REFUSALS.taken(call, reply)).and_then(|reply| {
        let given: Given = reply.object().ok_or_else(|| call.unreadable())?;
        let token = if kind == ACCESS { given.refresh_token } else { given.access_token };
        token.map(|Hidden(token)| token).filter(|token| !token.is_empty()).ok_or_else(|| call.unreadable())
    });
    call.counted(given)
}

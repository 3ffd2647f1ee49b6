//! Servers that give out tokens: one call with what proves the identity.

use jiff::Timestamp;
use pawl_domain::generator::ShownAccount;
use pawl_domain::{Access, Kind, Provider, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error};
use pawl_stores::kit::{
    Ask, Bounds, Call, Hidden, Link, Material, PlainHttp, Proofs, Refusals, Reply, Server, Whole, expiry,
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

/// A server, and who asks it.
pub(crate) struct Giver<'a, C> {
    pub(crate) clusters: &'a C,
    pub(crate) access: &'a Access,
    /// Its address.
    pub(crate) address: &'a str,
    /// The field of the manifest that the address stands in.
    pub(crate) field: &'static str,
    /// What metrics call the call.
    pub(crate) action: &'static str,
    /// What the token is for.
    pub(crate) subject: &'a str,
}

impl<'a, C: ClusterCredentials> Giver<'a, C> {
    fn server(&self) -> Server<'a> {
        Server { provider: Provider::Generator, address: self.address, field: self.field }
    }

    pub(crate) fn call(&self) -> Call<'a> {
        Call { step: Step::Fetch, server: self.server(), action: self.action, subject: self.subject }
    }

    pub(crate) fn proofs(&self) -> Proofs<'a, C> {
        Proofs { clusters: self.clusters, access: self.access, server: self.server() }
    }

    /// The token of a service account, which only who it is made for takes.
    pub(crate) async fn account_token(&self, account: &ShownAccount) -> Result<SecretValue, Error> {
        let remedy = "write another audience in serviceAccountRef.audiences";
        self.proofs().account_token(&account.name, None, &account.audiences, remedy).await
    }

    /// Asks once. What fails for a moment is not asked again here: a token may have been made that nobody has.
    ///
    /// # Errors
    /// What the answer's status means.
    pub(crate) async fn ask(&self, ask: &Ask<'_>, refusals: &Refusals) -> Result<Reply, Error> {
        let call = self.call();
        let bounds = Bounds { retries: 0, ..Bounds::default() };
        let reach = &self.access.grant.reach;
        let link = Link::open(&call, Material::default(), &bounds, reach, PlainHttp::Refused(None)).await?;
        let whole = || Ok(Ask { largest: bounds.largest_answer, ..ask.clone() });
        let reply = link.send(&call, &whole, &|_| false).await;
        call.counted(reply.and_then(|reply| refusals.taken(&call, reply)))
    }

    /// The same, at an address that ends with a slash.
    ///
    /// # Errors
    /// As for [`Giver::ask`].
    pub(crate) async fn post_to_folder(
        &self,
        path: &[&str],
        body: &SecretValue,
        refusals: &Refusals,
    ) -> Result<Reply, Error> {
        let call = self.call();
        let bounds = Bounds { retries: 0, ..Bounds::default() };
        let reach = &self.access.grant.reach;
        let link = Link::open(&call, Material::default(), &bounds, reach, PlainHttp::Refused(None)).await?;
        let whole = || {
            let mut url =
                Url::parse(self.address).map_err(|_| call.error(Kind::Invalid, "it is no address"))?;
            if let Ok(mut parts) = url.path_segments_mut() {
                parts.pop_if_empty().extend(path).push("");
            }
            let headers =
                HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let largest = bounds.largest_answer;
            Ok(Whole { method: Method::POST, url, headers, body: Some(body), largest })
        };
        let reply = link.send_whole(&call, &whole, &|_| false).await;
        call.counted(reply.and_then(|reply| refusals.taken(&call, reply)))
    }
}

/// `{"token": ...}`.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: Hidden,
}

impl Token {
    /// The token of an answer, and the `exp` of its claims.
    pub(crate) fn of(reply: &Reply, call: &Call<'_>) -> Result<(Hidden, i64), Error> {
        let Self { token } = reply.object().ok_or_else(|| call.unreadable())?;
        let expires = expiry(token.expose()).ok_or_else(|| call.unreadable())?;
        Ok((token, expires))
    }
}

pub(crate) fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

//! Who may hand in events of Azure's Event Grid by HTTP: whoever shows the token, or a token of Entra ID's for Event Grid.
//!
//! Event Grid signs nothing. It sends with each event, and with its question whether events are wanted, a fixed header or a
//! bearer token of Entra ID. The fixed token stands in [`TOKEN`] and not in the address, which is shown and logged. Source:
//! "Authenticate event delivery to webhook endpoints" and "Deliver events to Microsoft Entra protected endpoints".

use crate::oidc::{self, Sender, Verifier};
use crate::{audit, config};
use jiff::Timestamp;
use pawl_domain::SecretValue;

pub use crate::audit::TOKEN;

/// Where Entra ID's tokens are shown.
const AUTHORIZATION: &str = "authorization";

/// Lets in whoever shows one of the two; where neither is configured, nobody.
///
/// An event only makes Pawl look at the key that it names.
#[derive(Debug)]
pub struct Admission {
    token: Option<SecretValue>,
    entra: Option<Verifier>,
}

/// Which tokens of Entra ID let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entra {
    /// Where the tenant's tokens come from, such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The tenant's id, in lower case.
    pub tenant: String,
    /// The application that the event subscription names: its id, or its URI.
    pub audience: String,
    /// The client ids of who may send: Event Grid, or an identity that passes on what Event Grid put into a queue.
    pub senders: Vec<String>,
}

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nobody is let in.
    #[error(
        "events of Event Grid are not taken; set PAWL_AZURE_EVENT_TOKEN, or PAWL_AZURE_EVENT_TENANT and \
         PAWL_AZURE_EVENT_AUDIENCE, to take them"
    )]
    Closed,
    /// There is no token, or it is another one.
    #[error("x-pawl-token does not hold the token; set it as a delivery property of the event subscription")]
    Token,
    /// The bearer token does not let in.
    #[error("{0}")]
    Bearer(oidc::Refused),
    /// Entra ID's keys could not be had, so nothing can be said of the token.
    #[error("the keys of Entra ID could not be had; send it again")]
    NoKeys,
}

impl Refused {
    /// The status of the answer. After 401 Event Grid gives an event up, or waits for minutes; after 503 it comes again soon.
    pub fn status(self) -> u16 {
        match self {
            Self::Closed => 404,
            Self::Token | Self::Bearer(_) => 401,
            Self::NoKeys => 503,
        }
    }
}

impl Admission {
    /// Lets in who is configured.
    pub fn new(config: &config::EventGrid) -> Self {
        let verifier = |entra: &Entra| {
            let keys = format!("{}/{}/discovery/v2.0/keys", entra.authority, entra.tenant);
            let (audience, sender) = (entra.audience.clone(), Sender::Apps(entra.senders.clone()));
            Verifier::new(oidc::Expected { issuers: entra.issuers(), audience, sender }, &keys)
        };
        Self { token: config.token.clone(), entra: config.entra.as_ref().map(verifier) }
    }

    /// Lets a request in that shows one of the two in these headers. A wrong token in [`TOKEN`] is refused, whatever else is
    /// shown.
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at. [`Refused::NoKeys`] passes: the request should come again.
    pub async fn check<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        match (&self.token, &self.entra, header(TOKEN)) {
            (None, None, _) => Err(Refused::Closed),
            (Some(token), _, Some(shown)) if audit::same(token, shown.as_bytes()) => Ok(()),
            (Some(_), _, Some(_)) | (_, None, _) => Err(Refused::Token),
            (_, Some(entra), _) => {
                let shown = header(AUTHORIZATION);
                entra.check(shown, now).await.map_err(|refused| match refused {
                    oidc::Refused::NoKeys => Refused::NoKeys,
                    other => Refused::Bearer(other),
                })
            }
        }
    }

    /// Lets a request in that asks whether events are wanted. It need not show anything: nothing comes of the answer for whoever
    /// cannot hand in events.
    ///
    /// # Errors
    /// As [`Admission::check`], of which something wrong that is shown is one.
    pub async fn check_question<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let is_open = self.token.is_some() || self.entra.is_some();
        let shows_nothing = header(TOKEN).is_none() && header(AUTHORIZATION).is_none();
        if is_open && shows_nothing { Ok(()) } else { self.check(header, now).await }
    }
}

impl Entra {
    /// Who signs: tokens of version 1.0, which applications get unless their manifest says otherwise, name another issuer than
    /// those of version 2.0. Source: "Access tokens in the Microsoft identity platform".
    fn issuers(&self) -> Vec<String> {
        let Self { authority, tenant, .. } = self;
        let second = format!("{authority}/{tenant}/v2.0");
        let first = match authority.as_str() {
            "https://login.microsoftonline.com" | "https://login.microsoftonline.us" => {
                Some("https://sts.windows.net")
            }
            "https://login.chinacloudapi.cn" | "https://login.partner.microsoftonline.cn" => {
                Some("https://sts.chinacloudapi.cn")
            }
            _ => None,
        };
        first.map(|host| format!("{host}/{tenant}/")).into_iter().chain([second]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::tests::{APP, Issuer, NOW, at, signed};
    use serde_json::json;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const WRONG: &str = "0123456789abcdef0123456789abcdeF";

    /// Headers: what is shown in [`TOKEN`], and as a bearer.
    async fn told(
        admission: &Admission,
        token: Option<&str>,
        bearer: Option<&str>,
    ) -> [Result<(), Refused>; 2] {
        let header = |name: &str| match name {
            TOKEN => token,
            AUTHORIZATION => bearer,
            _ => None,
        };
        [admission.check(header, at(0)).await, admission.check_question(header, at(0)).await]
    }

    #[tokio::test]
    async fn the_token_lets_in_and_nothing_else() {
        let token = Some(SecretValue::new(SECRET));
        let open = Admission::new(&config::EventGrid { token, entra: None });
        let closed = Admission::new(&config::EventGrid::default());
        for (shown, bearer, events, question) in [
            (Some(SECRET), None, Ok(()), Ok(())),
            (Some(SECRET), Some("Bearer a.b.c"), Ok(()), Ok(())),
            (Some(WRONG), None, Err(Refused::Token), Err(Refused::Token)),
            (Some(""), None, Err(Refused::Token), Err(Refused::Token)),
            (None, Some("Bearer a.b.c"), Err(Refused::Token), Err(Refused::Token)),
            (None, None, Err(Refused::Token), Ok(())),
        ] {
            assert_eq!(told(&open, shown, bearer).await, [events, question], "{shown:?} {bearer:?}");
            assert_eq!(told(&closed, shown, bearer).await, [Err(Refused::Closed); 2], "{shown:?}");
        }
    }

    #[tokio::test]
    async fn event_grid_is_let_in_by_entra_and_others_are_not() {
        let issuer = Issuer::start().await;
        // The address of the keys ends with the path that is asked of Entra ID; the issuer answers on every path.
        let authority = issuer.url.trim_end_matches("/keys").to_owned();
        let entra = Entra {
            tenant: "t".to_owned(),
            audience: "api://pawl".to_owned(),
            senders: vec![APP.to_owned()],
            authority: authority.clone(),
        };
        let both = config::EventGrid { token: Some(SecretValue::new(SECRET)), entra: Some(entra.clone()) };
        let both = Admission::new(&both);
        let alone = Admission::new(&config::EventGrid { token: None, entra: Some(entra) });
        let good = json!({ "iss": format!("{authority}/t/v2.0"), "aud": "api://pawl", "azp": APP });
        let with = |claim: &str, value: serde_json::Value| {
            let mut claims = good.clone();
            claims[claim] = value;
            issuer.bearer(&claims)
        };
        let unsigned = format!(
            "Bearer {}.",
            signed(&issuer.pair, &json!({ "alg": "none", "kid": "one" }), &good).rsplit_once('.').unwrap().0
        );
        let refused = |why| [Err(Refused::Bearer(why)); 2];
        for (bearer, want) in [
            (issuer.bearer(&good), [Ok(()); 2]),
            (unsigned, refused(oidc::Refused::Forged)),
            ("Bearer hunter2".to_owned(), refused(oidc::Refused::Forged)),
            ("Basic hunter2".to_owned(), refused(oidc::Refused::Unsigned)),
            (with("aud", json!("api://other")), refused(oidc::Refused::Other)),
            (with("azp", json!("54316b56-3481-47f9-8f30-0300f5542a7b")), refused(oidc::Refused::Other)),
            (with("iss", json!(format!("{authority}/other/v2.0"))), refused(oidc::Refused::Other)),
            (with("exp", json!(NOW - 61)), refused(oidc::Refused::Late)),
        ] {
            assert_eq!(told(&alone, None, Some(&bearer)).await, want, "{bearer}");
            assert_eq!(told(&both, None, Some(&bearer)).await, want, "{bearer}");
            assert_eq!(told(&both, Some(WRONG), Some(&bearer)).await, [Err(Refused::Token); 2]);
            assert_eq!(told(&both, Some(SECRET), Some(&bearer)).await, [Ok(()); 2]);
        }
        assert_eq!(told(&alone, None, None).await, [Err(Refused::Bearer(oidc::Refused::Unsigned)), Ok(())]);
        assert_eq!(told(&alone, Some(SECRET), None).await, refused(oidc::Refused::Unsigned));
        issuer.show(None);
        let late = with("azp", json!(APP)).replacen("Bearer ", "bearer ", 1);
        assert_eq!(told(&alone, None, Some(&late)).await, [Ok(()); 2], "keys are kept");
    }

    #[test]
    fn each_cloud_has_its_issuers() {
        for (authority, issuers) in [
            ("https://login.microsoftonline.com", &["https://sts.windows.net/t/"][..]),
            ("https://login.microsoftonline.us", &["https://sts.windows.net/t/"]),
            ("https://login.partner.microsoftonline.cn", &["https://sts.chinacloudapi.cn/t/"]),
            ("https://login.example.com", &[]),
        ] {
            let [authority_of, tenant, audience] = [authority, "t", "a"].map(str::to_owned);
            let entra = Entra { authority: authority_of, tenant, audience, senders: Vec::new() };
            let second = format!("{authority}/t/v2.0");
            let want: Vec<_> = issuers.iter().copied().chain([second.as_str()]).collect();
            assert_eq!(entra.issuers(), want);
        }
    }
}

//! Passwords of container registries.

use crate::credentials::Session;
use crate::identity::domain;
use crate::sources::AwsSources;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use pawl_domain::generator::EcrGenerator;
use pawl_domain::grant::Reach;
use pawl_domain::{Kind, Provider, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error, Generation};
use pawl_stores::kit::{Ask, Bounds, Call, Hidden, Link, Material, PlainHttp, Reply, Server, may_pass};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::SystemTime;

/// What a registry is called.
struct Service {
    /// In signatures.
    signed_as: &'static str,
    /// In the name of the operation.
    target: &'static str,
}

const PRIVATE: Service =
    Service { signed_as: "ecr", target: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" };
const PUBLIC: Service =
    Service { signed_as: "ecr-public", target: "SpencerFrontendService.GetAuthorizationToken" };

const KIND: &str = "application/x-amz-json-1.1";

/// Of private registries a list of one.
#[derive(Deserialize)]
struct Private {
    #[serde(rename = "authorizationData")]
    data: Vec<Token>,
}

#[derive(Deserialize)]
struct Public {
    #[serde(rename = "authorizationData")]
    data: Token,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    authorization_token: Hidden,
    /// Seconds, with parts of them.
    expires_at: f64,
    proxy_endpoint: Option<String>,
}

impl<C: ClusterCredentials> AwsSources<C> {
    pub(super) async fn registry_token(
        &self,
        spec: &EcrGenerator,
        session: &Session,
    ) -> Result<Generation, Error> {
        let region = spec.identity.region.as_str();
        let service = if spec.public { &PUBLIC } else { &PRIVATE };
        let address = self.clients.endpoint().unwrap_or_else(|| address(service, region));
        let server = Server { provider: Provider::Generator, address: &address, field: "region" };
        let subject = service.signed_as;
        let call = Call { step: Step::Fetch, server, action: "GetAuthorizationToken", subject };
        let credentials = match &session.credentials {
            Some(credentials) => credentials.clone(),
            None => {
                let what = "there are no AWS credentials; check the identity that Pawl runs with";
                let failed = || Error::new(Step::Authenticate, Kind::Denied, format!("{call}: {what}"));
                let chain = self.clients.own_credentials().ok_or_else(failed)?;
                chain.provide_credentials().await.map_err(|error| failed().caused_by(error))?
            }
        };
        let bounds = Bounds::default();
        // Nobody's manifest chooses the address, and within a network of its own AWS is at private ones.
        let reach = &Reach::Anywhere;
        let link = Link::open(&call, Material::default(), &bounds, reach, PlainHttp::Refused(None)).await?;
        let body = SecretValue::new("{}");
        let ask = || {
            // Signed anew for each attempt: a signature is good for minutes.
            let headers = signed(&address, region, service, &credentials, self.identities.now());
            let headers = headers.map_err(|error| {
                call.error(Kind::Invalid, "the request cannot be signed; check the region").caused_by(error)
            })?;
            Ok(Ask { method: http::Method::POST, headers, body: Some(&body), ..Ask::get(&[], &[]) })
        };
        let reply = link.send(&call, &ask, &may_pass).await;
        let reply = call.counted(reply.and_then(|reply| accepted(&call, reply)))?;
        let token = match spec.public {
            true => reply.object::<Public>().map(|answer| answer.data),
            false => reply.object::<Private>().and_then(|mut answer| answer.data.pop()),
        };
        generation(token.ok_or_else(|| call.unreadable())?, spec.public).ok_or_else(|| call.unreadable())
    }
}

fn accepted(call: &Call<'_>, reply: Reply) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "__type", default)]
        code: String,
    }
    if reply.status.is_success() {
        return Ok(reply);
    }
    let code = reply.object::<Failure>().map(|failure| failure.code).unwrap_or_default();
    // A code may stand behind the name of its service.
    let code = code.rsplit('#').next().unwrap_or_default();
    let error = match (reply.status.as_u16(), code) {
        (_, "AccessDeniedException") => {
            let right = format!("{}:GetAuthorizationToken", call.subject);
            call.error(Kind::Denied, format_args!("access denied; give the identity {right}"))
        }
        (_, "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException") => {
            call.denied("the credentials were refused; check those that auth names")
        }
        (_, "ThrottlingException") => call.error(Kind::Throttled, "throttled"),
        _ => call.refused(&reply, "ecr:GetAuthorizationToken"),
    };
    Err(reply.failure(error))
}

fn generation(token: Token, public: bool) -> Option<Generation> {
    let pair = SecretValue::new(STANDARD.decode(token.authorization_token.expose()).ok()?);
    let (username, password) = pair.expose_str()?.split_once(':')?;
    // ESO refuses a token with more parts.
    if password.contains(':') {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
    let expires = token.expires_at as i64;
    let mut values = BTreeMap::from([
        ("username".to_owned(), SecretValue::new(username)),
        ("password".to_owned(), SecretValue::new(password)),
        ("expires_at".to_owned(), SecretValue::new(expires.to_string())),
    ]);
    if !public {
        values.insert("proxy_endpoint".to_owned(), SecretValue::new(token.proxy_endpoint?));
    }
    Some(Generation { values, expires: Timestamp::from_second(expires).ok() })
}

/// Source: the SDK's rules of endpoints.
fn address(service: &Service, region: &str) -> String {
    format!("https://api.{}.{region}.{}", service.signed_as, domain(region))
}

fn signed(
    address: &str,
    region: &str,
    service: &Service,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<HeaderMap, Box<dyn StdError + Send + Sync>> {
    let identity = Identity::from(credentials.clone());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.signed_as)
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let url = format!("{}/", address.trim_end_matches('/'));
    let shown = [("content-type", KIND), ("x-amz-target", service.target)];
    let signable = SignableRequest::new("POST", &url, shown.into_iter(), SignableBody::Bytes(b"{}"))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let mut request = http::Request::post(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    let mut headers = std::mem::take(request.headers_mut());
    for (name, value) in shown {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.values_mut().for_each(|value| value.set_sensitive(true));
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(pair: &str, endpoint: Option<&str>) -> Token {
        let text = serde_json::json!({
            "authorizationToken": STANDARD.encode(pair), "expiresAt": 1_767_323_045.375, "proxyEndpoint": endpoint,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_token_is_a_name_and_a_password() {
        let made =
            generation(token("AWS:pw", Some("https://1.dkr.ecr.eu-west-1.amazonaws.com")), false).unwrap();
        let text = |key: &str| made.values[key].expose_str().unwrap().to_owned();
        assert_eq!((text("username"), text("password")), ("AWS".to_owned(), "pw".to_owned()));
        assert_eq!(text("expires_at"), "1767323045");
        assert_eq!(text("proxy_endpoint"), "https://1.dkr.ecr.eu-west-1.amazonaws.com");
        assert_eq!(made.expires.unwrap().as_second(), 1_767_323_045);
        let public = generation(token("AWS:pw", None), true).unwrap();
        assert_eq!(public.values.len(), 3, "a public one has no endpoint");
        for wrong in ["AWS", "AWS:a:b"] {
            assert!(generation(token(wrong, Some("x")), false).is_none(), "{wrong}");
        }
        assert!(generation(token("AWS:pw", None), false).is_none());
    }

    #[test]
    fn each_registry_has_its_address() {
        for (service, region, wanted) in [
            (&PRIVATE, "eu-west-1", "https://api.ecr.eu-west-1.amazonaws.com"),
            (&PRIVATE, "cn-north-1", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
            (&PUBLIC, "us-east-1", "https://api.ecr-public.us-east-1.amazonaws.com"),
        ] {
            assert_eq!(address(service, region), wanted);
        }
    }
}

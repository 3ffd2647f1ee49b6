//! How Entra ID trades a proof for a token. Source: "OAuth 2.0 client credentials flow on the Microsoft identity platform".

use super::identity::Identity;
use crate::kit::{Ask, Call, Link, Reply};
use jiff::SignedDuration;
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

/// What proves a client.
pub(super) enum Sent {
    /// `client_secret`.
    Secret(SecretValue),
    /// `client_assertion`: a signed statement.
    Assertion(SecretValue),
}

/// A token, and for how long it is used.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) value: SecretValue,
    pub(super) good_for: SignedDuration,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Seconds,
}

/// Entra ID writes a number, older servers write it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u32),
    Text(String),
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// A token is given up this long before its end, or at half of its life where that is shorter.
const MARGIN: u32 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether a tenant is the one that stands for Active Directory Federation Services, as on Azure Stack Hub.
pub(super) fn is_adfs(tenant: &str) -> bool {
    tenant.eq_ignore_ascii_case("adfs")
}

/// Where a tenant's tokens are asked for.
pub(super) fn endpoint(authority: &str, tenant: &str) -> String {
    format!("{}/{}", authority.trim_end_matches('/'), path(tenant).join("/"))
}

fn path(tenant: &str) -> Vec<&str> {
    match is_adfs(tenant) {
        true => vec![tenant, "oauth2", "token"],
        false => vec![tenant, "oauth2", "v2.0", "token"],
    }
}

/// A token for a resource.
///
/// # Errors
/// When the identity is refused, or the answer is no token.
pub(super) async fn token(
    link: &Link,
    call: &Call<'_>,
    identity: &Identity,
    proof: &Sent,
    resource: &str,
) -> Result<Token, Error> {
    let scope = format!("{}/.default", resource.trim_end_matches('/'));
    let mut pairs = vec![
        ("grant_type", b"client_credentials".as_slice()),
        ("client_id", identity.client_id.as_bytes()),
        ("scope", scope.as_bytes()),
    ];
    match proof {
        Sent::Secret(secret) => pairs.push(("client_secret", secret.expose())),
        Sent::Assertion(statement) => {
            pairs.push(("client_assertion_type", ASSERTION_TYPE.as_bytes()));
            pairs.push(("client_assertion", statement.expose()));
        }
    }
    let body = form(&pairs);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let ask = || {
        Ok(Ask {
            method: Method::POST,
            path: path(&identity.tenant),
            query: Vec::new(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, form.clone())]),
            body: Some(&body),
            largest: link.bounds().largest_answer,
        })
    };
    let answer = link.send(call, &ask, &|reply| matches!(reply.status.as_u16(), 429 | 500..600)).await;
    call.counted(answer.and_then(|reply| match reply.status.is_success() {
        true => granted(&reply).ok_or_else(|| call.unreadable()),
        false => Err(reply.failure(refused(call, &reply))),
    }))
}

fn granted(reply: &Reply) -> Option<Token> {
    let granted: Granted = reply.object()?;
    let value = SecretValue::new(granted.access_token);
    let life = match granted.expires_in {
        Seconds::Number(life) => life,
        Seconds::Text(text) => text.parse().ok()?,
    };
    let good_for = SignedDuration::from_secs((life - MARGIN.min(life / 2)).into());
    (!value.is_empty()).then_some(Token { value, good_for })
}

/// Of what Entra ID says, only the number of its error is told: the rest may quote what was sent.
fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    let code = reply.object::<Refusal>().unwrap_or_default().error_codes.first().copied();
    let told = code.map(|code| format!(" (AADSTS{code})")).unwrap_or_default();
    let what = match code {
        Some(700_016) => "there is no such client in the tenant; check clientId and tenantId",
        Some(90_002) => "there is no such tenant; check tenantId",
        Some(7_000_215 | 7_000_222) => {
            "the client secret is wrong or has expired; check the Secret that clientSecret names"
        }
        Some(700_027) => {
            "the certificate is not one of the client's, or has expired; check clientCertificate"
        }
        Some(70_021 | 700_211 | 700_212 | 700_213) => {
            "no federated credential of the client fits the service account; compare issuer, subject and audience"
        }
        _ => "the identity was refused; check the store's authSecretRef, serviceAccountRef and tenantId",
    };
    match reply.status.as_u16() {
        400 | 401 | 403 => call.error(Kind::Denied, format_args!("{what}{told}")),
        429 => call.error(Kind::Throttled, "throttled"),
        300..=399 => call.redirected(),
        status @ 500.. => call.error(Kind::Transient, format_args!("the server failed with {status}{told}")),
        404 => call.error(Kind::Invalid, format_args!("there is no such tenant; check tenantId{told}")),
        status => call.error(Kind::Invalid, format_args!("not accepted with {status}{told}")),
    }
}

/// Pairs as a form. The buffer is made large enough at once: a grown one would leave a secret behind.
fn form(pairs: &[(&str, &[u8])]) -> SecretValue {
    let room = pairs.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut out = Vec::with_capacity(room);
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        for &byte in *value {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
                _ => {
                    let digit = |four: u8| b"0123456789ABCDEF"[usize::from(four & 15)];
                    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
                }
            }
        }
    }
    SecretValue::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_hold_any_bytes() {
        let secret = form(&[("a", b"x y"), ("b", "~q&=+%\u{e9}".as_bytes())]);
        assert_eq!(secret.expose_str(), Some("a=x%20y&b=~q%26%3D%2B%25%C3%A9"));
    }

    #[test]
    fn tokens_are_asked_for_at_the_tenant() {
        for (authority, tenant, want) in [
            (
                "https://login.microsoftonline.com/",
                "t",
                "https://login.microsoftonline.com/t/oauth2/v2.0/token",
            ),
            ("https://adfs.example.com", "ADFS", "https://adfs.example.com/ADFS/oauth2/token"),
        ] {
            assert_eq!(endpoint(authority, tenant), want);
        }
    }
}

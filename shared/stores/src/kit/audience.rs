//! Decides for which audience a service account's token may be made.

use super::jwt::claims;
use serde::Deserialize;

/// Whether the API server of the token's cluster would take the token as well: it takes its issuer's name for its own, and
/// the names under which pods know it. Source: kube-apiserver, `--api-audiences`, whose default is the issuer. A token that
/// cannot be read is for nobody that is known.
pub fn is_of_api_server(token: &str) -> bool {
    let Some(claims) = claims::<Claims>(token) else { return false };
    let own = |audience: &String| {
        let name = audience.trim_start_matches("https://");
        claims.iss.as_ref() == Some(audience)
            || name == "kubernetes"
            || name.starts_with("kubernetes.default")
    };
    match &claims.aud {
        Some(Audiences::One(audience)) => own(audience),
        Some(Audiences::Many(audiences)) => audiences.iter().any(own),
        None => true,
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audiences>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    #[test]
    fn tokens_for_the_api_server_are_told() {
        let token = |claims: Value| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        for (claims, own) in [
            (json!({ "iss": "https://oidc.example.com/id", "aud": ["vault"] }), false),
            (json!({ "iss": "https://oidc.example.com/id", "aud": "vault" }), false),
            (
                json!({ "iss": "https://oidc.example.com/id", "aud": ["vault", "https://oidc.example.com/id"] }),
                true,
            ),
            (json!({ "iss": "x", "aud": ["https://kubernetes.default.svc"] }), true),
            (json!({ "iss": "x", "aud": ["https://kubernetes.default.svc.cluster.local"] }), true),
            (json!({ "iss": "x", "aud": "kubernetes" }), true),
            (json!({ "iss": "x" }), true),
            (json!({ "iss": "x", "aud": ["https://kubernetes.example.com"] }), false),
        ] {
            assert_eq!(is_of_api_server(&token(claims.clone())), own, "{claims}");
        }
        assert!(!is_of_api_server("opaque"));
    }
}

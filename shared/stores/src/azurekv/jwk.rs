//! Keys as ESO writes them: JSON Web Keys with members in the order of its clients.

use pawl_domain::SecretValue;
use serde_json::{Map, Value};

/// In the order of the struct in `services/keyvault/v7.0` of the Azure SDK, which ESO marshals.
const OLD: [&str; 16] =
    ["kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "key_hsm", "crv", "x", "y"];

/// A key of a vault as JSON. The newer client (`useAzureSDK`) sorts the members; the older one has an order of its own. What
/// neither knows is left out.
pub(super) fn written(key: &Map<String, Value>, use_azure_sdk: bool) -> SecretValue {
    let mut order = OLD;
    if use_azure_sdk {
        order.sort_unstable();
    }
    let known = order.into_iter().filter_map(|name| Some((name, key.get(name)?)));
    let members = known
        .filter(|(name, value)| !is_left_out(name, value, use_azure_sdk))
        .map(|(name, value)| format!("\"{name}\":{value}"));
    SecretValue::new(escaped(&format!("{{{}}}", members.collect::<Vec<_>>().join(","))))
}

/// As Go escapes what could be HTML. In JSON these signs stand in texts alone.
fn escaped(json: &str) -> String {
    let signs = [
        ('<', r"\u003c"),
        ('>', r"\u003e"),
        ('&', r"\u0026"),
        ('\u{2028}', r"\u2028"),
        ('\u{2029}', r"\u2029"),
    ];
    signs.iter().fold(json.to_owned(), |json, (sign, written)| json.replace(*sign, written))
}

/// What Go leaves out: nothing at all, and empty texts that are no pointers, or bytes in the newer client.
fn is_left_out(name: &str, value: &Value, use_azure_sdk: bool) -> bool {
    let may_be_empty = match use_azure_sdk {
        true => matches!(name, "crv" | "kid" | "kty"),
        false => !matches!(name, "crv" | "kty"),
    };
    value.is_null() || (value.as_str() == Some("") && !may_be_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_stand_in_the_order_of_the_client() {
        let key = json!({
            "x": "eA", "kty": "EC", "crv": "P-256", "y": "eQ", "kid": "https://v/keys/k/1", "key_ops": ["sign"],
            "n": null, "later": 1, "e": "",
        });
        let key = key.as_object().unwrap();
        for (new, want) in [
            (
                false,
                r#"{"kid":"https://v/keys/k/1","kty":"EC","key_ops":["sign"],"e":"","crv":"P-256","x":"eA","y":"eQ"}"#,
            ),
            (
                true,
                r#"{"crv":"P-256","key_ops":["sign"],"kid":"https://v/keys/k/1","kty":"EC","x":"eA","y":"eQ"}"#,
            ),
        ] {
            assert_eq!(written(key, new).expose_str(), Some(want));
        }
    }
}
